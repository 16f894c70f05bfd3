/* made_up_tokens.h - issuers with keys of their own, the tokens they sign, and their key sets. */
#ifndef MADE_UP_TOKENS_H
#define MADE_UP_TOKENS_H

#include "auth/auth_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW_SECONDS 1700000000
#define NOW_US      (NOW_SECONDS * SECOND_US)

static Arena arena;
static char folder[64]; /* for files of keys */

static EVP_PKEY *new_rsa(void)
{
    return EVP_RSA_gen(2048);
}

static EVP_PKEY *new_p256(void)
{
    return EVP_EC_gen("prime256v1");
}

static Str number_text(const EVP_PKEY *key, const char *name, int width)
{
    BIGNUM *n = NULL;
    uint8_t bytes[1024];
    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &n), 1);
    int size = width > 0 ? width : BN_num_bytes(n);
    assert_int_equal(BN_bn2binpad(n, bytes, size), size);
    BN_free(n);
    return base64url_encode(&arena, bytes, (size_t)size);
}

/* The key as a member of a set; further: members with a comma before them. */
static Str jwk_of(const EVP_PKEY *key, const char *kid, const char *further)
{
    Buffer b = buffer_new(&arena);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        Str n = number_text(key, OSSL_PKEY_PARAM_RSA_N, 0);
        Str e = number_text(key, OSSL_PKEY_PARAM_RSA_E, 0);
        buffer_format(&b, "{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%.*s\"", STR_ARG(n), STR_ARG(e));
    } else {
        Str x = number_text(key, OSSL_PKEY_PARAM_EC_PUB_X, 32);
        Str y = number_text(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
        buffer_format(&b, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%.*s\",\"y\":\"%.*s\"",
                      STR_ARG(x), STR_ARG(y));
    }
    if (kid != NULL)
        buffer_format(&b, ",\"kid\":\"%s\"", kid);
    buffer_format(&b, "%s}", further);
    return buffer_str(&b);
}

static Str set_of_keys(const Str *jwk, size_t count)
{
    Buffer b = buffer_new(&arena);
    buffer_add(&b, S("{\"keys\":["));
    for (size_t i = 0; i < count; i++) {
        buffer_add(&b, i > 0 ? S(",\n") : S(""));
        buffer_add(&b, jwk[i]);
    }
    buffer_add(&b, S("]}\n"));
    return buffer_str(&b);
}

static Str base64url_text(Str s)
{
    return base64url_encode(&arena, (const uint8_t *)s.data, s.size);
}

static Str signature_of(EVP_PKEY *key, Str text)
{
    uint8_t out[1024];
    size_t size = sizeof out;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, out, &size, (const uint8_t *)text.data, text.size), 1);
    EVP_MD_CTX_free(context);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        const uint8_t *der = out;
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)size);
        uint8_t raw[64];
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32), 32);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32), 32);
        ECDSA_SIG_free(pair);
        return base64url_encode(&arena, raw, 64);
    }
    return base64url_encode(&arena, out, size);
}

/* header and claims as they are written. */
static Str token_of(EVP_PKEY *key, Str header, Str claims)
{
    Str h = base64url_text(header), c = base64url_text(claims);
    Str text = str_format(&arena, "%.*s.%.*s", (int)h.size, h.data, (int)c.size, c.data);
    Str s = signature_of(key, text);
    return str_format(&arena, "%s.%.*s", text.data, (int)s.size, s.data);
}

static Str header_of(EVP_PKEY *key, const char *kid)
{
    return str_format(&arena, "{\"typ\":\"JWT\",\"alg\":\"%s\",\"kid\":\"%s\"}",
                      EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? "RS256" : "ES256", kid);
}

static Str path_of(const char *name)
{
    return str_format(&arena, "%s/%s", folder, name);
}

static void put_file(Str path, Str text)
{
    Error err = {0};
    assert_int_equal(file_write(path.data, text, &err), STATUS_OK);
}

static AuthVerdict ask(Auth *a, Caller *caller, AuthScope scope, Str token, int64_t now_us)
{
    int retry;
    Str header = str_format(&arena, "Bearer %.*s", (int)token.size, token.data);
    return auth_check(a, caller, &retry, scope, header, (Str){0}, now_us, 0);
}

static int begin_made_up(void)
{
    arena = arena_new();
    (void)snprintf(folder, sizeof folder, "/tmp/assay-auth-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static void remove_file(const char *name)
{
    (void)unlink(path_of(name).data);
}

static int end_made_up(void)
{
    int left = rmdir(folder);
    arena_free(&arena);
    return left;
}

#endif
