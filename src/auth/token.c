/* JSON Web Tokens, RFC 7519, as RFC 8725 advises: the key says which algorithm it verifies, never
 * the token alone; nothing of a payload is looked at before its signature holds. */
#include "auth/auth_internal.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

enum {
    PARTS = 3,
    HEADER_MEMBERS_MAX = 16, /* looked at before anybody has signed for them */
    CLAIMS_MAX = 256,
    ES256_BYTES = 64,
    DER_BYTES_MAX = 80
};
#define NUMERIC_DATE_MAX 253402300799.0 /* 9999-12-31 */

typedef struct Parts {
    Str text[PARTS]; /* header, payload, signature */
    Str before;      /* what the signature is of: header.payload */
} Parts;

static bool split(Parts *out, Str text)
{
    size_t part = 0, from = 0;
    for (size_t i = 0; i <= text.size; i++)
        if (i == text.size || text.data[i] == '.') {
            if (part == PARTS || i == from)
                return false;
            out->text[part++] = str_slice(text, from, i);
            from = i + 1;
        }
    if (part != PARTS)
        return false;
    out->before = str_slice(text, 0, out->text[0].size + 1 + out->text[1].size);
    return true;
}

/* An object whose members all have names of their own; NULL: it is none. */
static yyjson_doc *object_read(Str text, size_t members_max)
{
    yyjson_doc *doc = yyjson_read(text.data, text.size, 0);
    if (json_plain(yyjson_doc_get_root(doc), members_max))
        return doc;
    yyjson_doc_free(doc);
    return NULL;
}

/* ---- which key ---- */

/* The key that the header names, or the only one of its algorithm where it names none. */
static const PublicKey *key_for(const Keys *keys, yyjson_val *header)
{
    Str alg = claim_text(yyjson_obj_get(header, "alg"));
    yyjson_val *kid = yyjson_obj_get(header, "kid");
    const PublicKey *found = NULL;
    bool rsa = str_equal(alg, S("RS256"));
    if ((!rsa && !str_equal(alg, S("ES256"))) || (kid != NULL && !yyjson_is_str(kid)) ||
        yyjson_obj_get(header, "crit") != NULL) /* we understand no extension */
        return NULL;
    for (size_t i = 0; i < keys->public_keys; i++) {
        const PublicKey *k = &keys->public_key[i];
        if (k->algorithm != (rsa ? ALGORITHM_RS256 : ALGORITHM_ES256) ||
            (kid != NULL && !str_equal(k->kid, claim_text(kid))))
            continue;
        if (found != NULL)
            return NULL;
        found = k;
    }
    return found;
}

/* ---- the signature ---- */

/* RFC 7518 §3.4 has r and s side by side; OpenSSL wants them in DER. */
static int der_of(uint8_t der[DER_BYTES_MAX], const uint8_t *raw)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, ES256_BYTES / 2, NULL);
    BIGNUM *s = BN_bin2bn(raw + ES256_BYTES / 2, ES256_BYTES / 2, NULL);
    int size = -1;
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* the pair's */
        size = i2d_ECDSA_SIG(pair, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return size;
}

static bool signed_by(const PublicKey *key, Str text, Str encoded)
{
    uint8_t raw[TOKEN_BYTES_MAX], der[DER_BYTES_MAX];
    const uint8_t *signature = raw;
    size_t size;
    if (!base64url_decode(raw, &size, encoded))
        return false;
    if (key->algorithm == ALGORITHM_ES256) {
        int der_size = size == ES256_BYTES ? der_of(der, raw) : -1;
        if (der_size <= 0)
            return false;
        signature = der;
        size = (size_t)der_size;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context != NULL && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
        EVP_DigestVerify(context, signature, size, (const uint8_t *)text.data, text.size) == 1;
    EVP_MD_CTX_free(context);
    if (!good)
        ERR_clear_error(); /* the thread's queue would keep it */
    return good;
}

/* ---- the claims ---- */

/* A NumericDate; false: it is none. */
static bool date_of(int64_t *out_us, yyjson_val *v)
{
    double seconds = yyjson_get_num(v);
    if (!yyjson_is_num(v) || !(seconds >= 0 && seconds <= NUMERIC_DATE_MAX))
        return false;
    *out_us =
        yyjson_is_real(v) ? (int64_t)(seconds * 1e6) : (int64_t)yyjson_get_uint(v) * SECOND_US;
    return true;
}

/* Where a date is not given it does not bind. */
static bool not_before(int64_t *valid_us, yyjson_val *v, int64_t skew_us)
{
    int64_t at;
    if (v == NULL)
        return true;
    if (!date_of(&at, v))
        return false;
    if (at - skew_us > *valid_us)
        *valid_us = at - skew_us;
    return true;
}

static bool meant_for(yyjson_val *audience, Str us)
{
    bool found = us.size == 0;
    yyjson_val *one;
    size_t i, count;
    if (audience == NULL || yyjson_is_str(audience))
        return found || (audience != NULL && str_equal(claim_text(audience), us));
    if (!yyjson_is_arr(audience))
        return false;
    yyjson_arr_foreach(audience, i, count, one)
    {
        if (!yyjson_is_str(one))
            return false;
        found = found || str_equal(claim_text(one), us);
    }
    return found;
}

static bool take_name(Caller *out, Str name)
{
    if (name.size == 0 || name.size >= sizeof out->name)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7F)
            return false;
    memcpy(out->name, name.data, name.size);
    out->name[name.size] = '\0';
    return true;
}

uint32_t scope_bits(Str texts)
{
    uint32_t bits = 0;
    for (size_t from = 0, i = 0; i <= texts.size; i++)
        if (i == texts.size || texts.data[i] == ' ') {
            for (AuthScope s = SCOPE_OPEN + 1; s < SCOPES; s++)
                if (str_equal(str_slice(texts, from, i), scope_name(s)))
                    bits |= 1U << s;
            from = i + 1;
        }
    return bits;
}

static bool take_scopes(Caller *out, yyjson_val *claims)
{
    yyjson_val *scope = yyjson_obj_get(claims, "scope"), *scp = yyjson_obj_get(claims, "scp"), *one;
    size_t i, count;
    if ((scope != NULL && !yyjson_is_str(scope)) ||
        (scp != NULL && !yyjson_is_str(scp) && !yyjson_is_arr(scp)))
        return false;
    out->scopes = scope_bits(claim_text(scope)) | scope_bits(claim_text(scp));
    yyjson_arr_foreach(scp, i, count, one)
    {
        if (!yyjson_is_str(one))
            return false;
        out->scopes |= scope_bits(claim_text(one));
    }
    return true;
}

static bool from_issuer(Str issuer, const TokenRules *rules)
{
    /* Google's own libraries take both. */
    bool google = rules->email.size > 0 && (str_equal(issuer, S("https://accounts.google.com")) ||
                                            str_equal(issuer, S("accounts.google.com")));
    return google || (rules->email.size == 0 &&
                      (rules->issuer.size == 0 || str_equal(issuer, rules->issuer)));
}

static bool take_claims(Token *out, yyjson_val *claims, const TokenRules *rules)
{
    if (!date_of(&out->expired_us, yyjson_obj_get(claims, "exp")))
        return false;
    out->expired_us += rules->skew_us;
    out->valid_us = INT64_MIN;
    if (!not_before(&out->valid_us, yyjson_obj_get(claims, "nbf"), rules->skew_us) ||
        !not_before(&out->valid_us, yyjson_obj_get(claims, "iat"), rules->skew_us) ||
        !from_issuer(claim_text(yyjson_obj_get(claims, "iss")), rules) ||
        !meant_for(yyjson_obj_get(claims, "aud"), rules->audience))
        return false;
    if (rules->email.size > 0) {
        out->caller.scopes = 1U << SCOPE_PUBSUB;
        return str_equal(claim_text(yyjson_obj_get(claims, "email")), rules->email) &&
               yyjson_is_true(yyjson_obj_get(claims, "email_verified")) &&
               take_name(&out->caller, rules->email);
    }
    return take_name(&out->caller, claim_text(yyjson_obj_get(claims, "sub"))) &&
           take_scopes(&out->caller, claims);
}

AuthVerdict token_claims(Token *out, const TokenRules *rules, Str json)
{
    yyjson_doc *claims = object_read(json, CLAIMS_MAX);
    bool good = claims != NULL && take_claims(out, yyjson_doc_get_root(claims), rules);
    yyjson_doc_free(claims);
    return good ? AUTH_OK : AUTH_INVALID;
}

AuthVerdict token_verify(Token *out, const Keys *keys, const TokenRules *rules, Str text)
{
    Parts parts = {0};
    *out = (Token){0};
    if (text.size > TOKEN_BYTES_MAX || !split(&parts, text))
        return AUTH_INVALID;
    uint8_t bytes[TOKEN_BYTES_MAX];
    size_t size;
    if (!base64url_decode(bytes, &size, parts.text[0]))
        return AUTH_INVALID;
    yyjson_doc *header = object_read((Str){(const char *)bytes, size}, HEADER_MEMBERS_MAX);
    const PublicKey *key = header == NULL ? NULL : key_for(keys, yyjson_doc_get_root(header));
    yyjson_doc_free(header);
    if (key == NULL || !signed_by(key, parts.before, parts.text[2]) ||
        !base64url_decode(bytes, &size, parts.text[1]))
        return AUTH_INVALID;
    return token_claims(out, rules, (Str){(const char *)bytes, size});
}

AuthVerdict token_timely(const Token *t, int64_t now_us)
{
    return t->valid_us <= now_us && now_us < t->expired_us ? AUTH_OK : AUTH_EXPIRED;
}
