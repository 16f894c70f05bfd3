/* token_fuzz.c - any bytes as a token, and any bytes in each part of one whose other parts are
 * right: refused, for nobody has signed them; and as claims that somebody has signed. */
#include "auth/auth_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 7515, appendix A.3: a P-256 key and a token it has signed. */
static const char set[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
                          "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                          "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
#define HEADER "eyJhbGciOiJFUzI1NiJ9"
#define PAYLOAD                                                                                    \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define SIGNATURE                                                                                  \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

static void must_refuse(const Keys *keys, Str token)
{
    Token out;
    TokenRules rules = {.skew_us = 60 * SECOND_US};
    if (token_verify(&out, keys, &rules, token) != AUTH_INVALID)
        abort();
}

static Str joined(Arena *arena, Str a, Str b, Str c)
{
    Buffer text = buffer_new(arena);
    buffer_add(&text, a);
    buffer_char(&text, '.');
    buffer_add(&text, b);
    buffer_char(&text, '.');
    buffer_add(&text, c);
    return buffer_str(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Keys *keys = keys_new();
    Error err = {0};
    if (keys_read_jwks(keys, str_from(set), &err) != STATUS_OK)
        abort();
    Arena arena = arena_new();
    Str bytes = {(const char *)data, size};
    Str encoded = base64url_encode(&arena, data, size < TOKEN_BYTES_MAX ? size : TOKEN_BYTES_MAX);
    must_refuse(keys, bytes);
    must_refuse(keys, joined(&arena, bytes, S(PAYLOAD), S(SIGNATURE)));
    must_refuse(keys, joined(&arena, encoded, S(PAYLOAD), S(SIGNATURE)));
    must_refuse(keys, joined(&arena, S(HEADER), bytes, S(SIGNATURE)));
    must_refuse(keys, joined(&arena, S(HEADER), encoded, S(SIGNATURE)));
    must_refuse(keys, joined(&arena, S(HEADER), S(PAYLOAD), encoded));
    /* What is behind a signature is read as well: issuers make mistakes. */
    Token token = {0};
    TokenRules rules = {.audience = S("assay"), .skew_us = 60 * SECOND_US};
    if (token_claims(&token, &rules, bytes) == AUTH_OK &&
        (token.caller.name[0] == '\0' || token.expired_us <= 0 ||
         memchr(token.caller.name, '\0', sizeof token.caller.name) == NULL))
        abort();
    keys_free(keys);
    arena_free(&arena);
    return 0;
}
