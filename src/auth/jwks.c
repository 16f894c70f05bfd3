/* JSON Web Key Sets, RFC 7517 with RFC 7518 §6: RSA and P-256 public keys that verify. Keys of
 * other kinds are passed over, as §5 says; a key of ours that is wrong makes the file wrong. */
#include "auth/auth_internal.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 8192,
    EXPONENT_BYTES_MAX = 8,
    POINT_BYTES = 32,
    MEMBERS_MAX = 64
};

static Status wrong(Error *err, size_t number, const char *what)
{
    (void)error_set(err, STATUS_FORMAT, "key %zu of the set: %s", number, what);
    return error_remedy(err, "publish the set again, whole; until then the keys read before stand");
}

static EVP_PKEY *key_made(const char *kind, OSSL_PARAM_BLD *parts)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    OSSL_PARAM *list = OSSL_PARAM_BLD_to_param(parts);
    if (context == NULL || list == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, list) != 1)
        key = NULL;
    OSSL_PARAM_free(list);
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *rsa_key(Str n, Str e, const char **why)
{
    uint8_t bytes[RSA_BITS_MAX / 8 + 3], small[EXPONENT_BYTES_MAX + 3];
    size_t size, small_size;
    *why = "its modulus n or exponent e is not base64url of a number in bounds";
    if (n.size > RSA_BITS_MAX / 8 / 3 * 4 + 4 || e.size > (EXPONENT_BYTES_MAX * 4 + 2) / 3 ||
        !base64url_decode(bytes, &size, n) || !base64url_decode(small, &small_size, e) ||
        small_size == 0)
        return NULL;
    BIGNUM *modulus = BN_bin2bn(bytes, (int)size, NULL);
    BIGNUM *exponent = BN_bin2bn(small, (int)small_size, NULL);
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    int bits = modulus == NULL ? 0 : BN_num_bits(modulus);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        *why = "an RSA key has 2048 to 8192 bits";
    else if (exponent != NULL &&
             (!BN_is_odd(exponent) || BN_is_one(exponent) || !BN_is_odd(modulus)))
        *why = "its modulus and exponent are odd, and the exponent above 1";
    else if (exponent != NULL && parts != NULL &&
             OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
             OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = key_made("RSA", parts);
    OSSL_PARAM_BLD_free(parts);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

static bool coordinate(uint8_t out[POINT_BYTES + 3], Str text)
{
    size_t size;
    return text.size == 43 && base64url_decode(out, &size, text) && size == POINT_BYTES;
}

static EVP_PKEY *p256_key(Str x, Str y, const char **why)
{
    uint8_t point[1 + 2 * POINT_BYTES] = {4}, part[POINT_BYTES + 3];
    *why = "its x and y are 43 characters of base64url each";
    if (!coordinate(part, x))
        return NULL;
    memcpy(point + 1, part, POINT_BYTES);
    if (!coordinate(part, y))
        return NULL;
    memcpy(point + 1 + POINT_BYTES, part, POINT_BYTES);
    *why = "its x and y are no point of P-256";
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (parts != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        key = key_made("EC", parts);
    OSSL_PARAM_BLD_free(parts);
    return key;
}

/* Whether the key is meant to verify signatures of the algorithm. */
static bool of_use(yyjson_val *jwk, const char *algorithm)
{
    yyjson_val *use = yyjson_obj_get(jwk, "use"), *alg = yyjson_obj_get(jwk, "alg");
    yyjson_val *may = yyjson_obj_get(jwk, "key_ops"), *one;
    if ((use != NULL && !yyjson_equals_str(use, "sig")) ||
        (alg != NULL && !yyjson_equals_str(alg, algorithm)))
        return false;
    size_t i, count;
    bool verify = may == NULL;
    yyjson_arr_foreach(may, i, count, one) verify = verify || yyjson_equals_str(one, "verify");
    return verify;
}

static Status add(Keys *k, yyjson_val *jwk, size_t number, Error *err)
{
    if (!yyjson_is_obj(jwk) || !yyjson_is_str(yyjson_obj_get(jwk, "kty")))
        return wrong(err, number, "it is an object with a `kty`");
    if (!json_plain(jwk, MEMBERS_MAX))
        return wrong(err, number, "a member stands there twice, or there are more than 64");
    yyjson_val *kid = yyjson_obj_get(jwk, "kid");
    if (kid != NULL && (!yyjson_is_str(kid) || yyjson_get_len(kid) == 0))
        return wrong(err, number, "its `kid` is a text");
    Str kind = claim_text(yyjson_obj_get(jwk, "kty"));
    bool rsa = str_equal(kind, S("RSA"));
    if (!rsa &&
        !(str_equal(kind, S("EC")) && yyjson_equals_str(yyjson_obj_get(jwk, "crv"), "P-256")))
        return STATUS_OK;
    if (yyjson_obj_get(jwk, "d") != NULL)
        return wrong(err, number, "it is a private key, which nobody but the issuer may have");
    if (!of_use(jwk, rsa ? "RS256" : "ES256"))
        return STATUS_OK;
    PublicKey new = {.algorithm = rsa ? ALGORITHM_RS256 : ALGORITHM_ES256,
                     .kid = str_copy(&k->arena, claim_text(kid))};
    for (size_t i = 0; i<k->public_keys &&new.kid.size> 0; i++)
        if (str_equal(k->public_key[i].kid, new.kid) && k->public_key[i].algorithm == new.algorithm)
            return wrong(err, number, "another key of its kind has the same `kid`");
    if (k->public_keys == PUBLIC_KEYS_MAX)
        return wrong(err, number, "a set has 100 keys at most");
    const char *why;
    new.key = rsa ? rsa_key(claim_text(yyjson_obj_get(jwk, "n")),
                            claim_text(yyjson_obj_get(jwk, "e")), &why)
                  : p256_key(claim_text(yyjson_obj_get(jwk, "x")),
                             claim_text(yyjson_obj_get(jwk, "y")), &why);
    if (new.key == NULL)
        return wrong(err, number, why);
    k->public_key[k->public_keys++] = new;
    return STATUS_OK;
}

static Status add_all(Keys *k, yyjson_val *root, Error *err)
{
    yyjson_val *list = yyjson_obj_get(root, "keys"), *jwk;
    size_t i, count;
    if (!yyjson_is_arr(list)) {
        (void)error_set(err, STATUS_FORMAT, "a key set is a JSON object with a list `keys`");
        return error_remedy(err, "RFC 7517 §5 shows one");
    }
    yyjson_arr_foreach(list, i, count, jwk) TRY(add(k, jwk, i + 1, err));
    if (k->public_keys == 0) {
        (void)error_set(err, STATUS_FORMAT, "no key of the set verifies RS256 or ES256");
        return error_remedy(err, "an RSA key, or an EC key of the curve P-256, is needed");
    }
    return STATUS_OK;
}

Status keys_read_jwks(Keys *k, Str text, Error *err)
{
    yyjson_read_err fault = {0};
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.data, text.size, 0, NULL, &fault);
    if (doc == NULL) {
        (void)error_set(err, STATUS_FORMAT, "the key set is not whole JSON: %s at byte %zu",
                        fault.msg, fault.pos);
        return error_remedy(err, "write it beside its name and rename it into place");
    }
    Status status = add_all(k, yyjson_doc_get_root(doc), err);
    yyjson_doc_free(doc);
    return status;
}
