/* Tokens: which are taken, which are not, and that nothing but the key decides how one is verified.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/made_up_tokens.h"

static EVP_PKEY *rsa, *p256, *stranger;
static Auth *auth;

#define GOOD_CLAIMS                                                                                \
    "\"iss\":\"https://id.bank.example\",\"aud\":\"assay\",\"sub\":\"back-office\","               \
    "\"exp\":1700000600,\"nbf\":1699999990,\"iat\":1699999990,"                                    \
    "\"scope\":\"openid assay.score assay.model\""

static AuthSettings settings_of(const char *jwks)
{
    return (AuthSettings){.kind = AUTH_JWT,
                          .jwks = jwks,
                          .issuer = S("https://id.bank.example"),
                          .audience = S("assay"),
                          .skew_seconds = 60};
}

static int set_up(void **state)
{
    (void)state;
    Error err = {0};
    if (begin_made_up() != 0)
        return -1;
    rsa = new_rsa();
    p256 = new_p256();
    stranger = new_rsa();
    Str jwk[] = {jwk_of(rsa, "r1", ",\"use\":\"sig\",\"alg\":\"RS256\""), jwk_of(p256, "e1", ""),
                 S("{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"kid\":\"h1\"}"),
                 S("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\",\"kid\":\"o1\"}")};
    put_file(path_of("jwks.json"), set_of_keys(jwk, COUNT_OF(jwk)));
    AuthSettings settings = settings_of(path_of("jwks.json").data);
    assert_int_equal(auth_open(&auth, &settings, &err), STATUS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    auth_close(auth);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(stranger);
    remove_file("jwks.json");
    return end_made_up();
}

static AuthVerdict verdict_at(Str token, int64_t now_us)
{
    Caller caller;
    return ask(auth, &caller, SCOPE_SCORE, token, now_us);
}

static AuthVerdict verdict_of(Str token)
{
    return verdict_at(token, NOW_US);
}

static Str with_claims(const char *claims)
{
    return token_of(rsa, header_of(rsa, "r1"), str_from(claims));
}

static void a_good_token_names_its_caller(void **state)
{
    (void)state;
    EVP_PKEY *key[] = {rsa, p256};
    const char *kid[] = {"r1", "e1"};
    for (size_t i = 0; i < COUNT_OF(key); i++) {
        Caller caller;
        Str token = token_of(key[i], header_of(key[i], kid[i]), S("{" GOOD_CLAIMS "}"));
        assert_int_equal(ask(auth, &caller, SCOPE_SCORE, token, NOW_US), AUTH_OK);
        assert_string_equal(caller.name, "back-office");
        assert_int_equal(caller.scopes, 1U << SCOPE_SCORE | 1U << SCOPE_MODEL);
        assert_int_equal(strlen(caller.hash), 16);
        assert_null(strstr(caller.hash, "back"));
        assert_int_equal(ask(auth, &caller, SCOPE_ERASE, token, NOW_US), AUTH_FORBIDDEN);
        assert_string_equal(caller.name, "back-office");
    }
}

static void a_token_has_its_time(void **state)
{
    (void)state;
    Str token = with_claims("{" GOOD_CLAIMS "}");
    /* exp 600 s from now, nbf and iat 10 s ago, and clocks that differ by up to 60 s */
    const struct {
        int64_t after;
        AuthVerdict verdict;
    } at[] = {{0, AUTH_OK},         {659, AUTH_OK},         {660, AUTH_EXPIRED},
              {9999, AUTH_EXPIRED}, {-70, AUTH_OK},         {-71, AUTH_EXPIRED},
              {0, AUTH_OK},         {-99999, AUTH_EXPIRED}, {-1700000000, AUTH_EXPIRED},
              {600, AUTH_OK}};
    for (size_t i = 0; i < COUNT_OF(at); i++) /* the clock jumps about, and the cache with it */
        assert_int_equal(verdict_at(token, NOW_US + at[i].after * SECOND_US), at[i].verdict);
}

static void issued_in_the_future_is_not_yet(void **state)
{
    (void)state;
    Str token = with_claims("{\"iss\":\"https://id.bank.example\",\"aud\":\"assay\",\"sub\":\"a\","
                            "\"exp\":1700009999,\"iat\":1700000100,\"scope\":\"assay.score\"}");
    assert_int_equal(verdict_of(token), AUTH_EXPIRED);
    assert_int_equal(verdict_at(token, NOW_US + 40 * SECOND_US), AUTH_OK);
}

static void claims_are_what_they_must_be(void **state)
{
    (void)state;
#define REST "\"sub\":\"a\",\"scope\":\"assay.score\"}"
#define FROM "{\"iss\":\"https://id.bank.example\","
    const struct {
        const char *claims;
        AuthVerdict verdict;
    } of[] = {
        {FROM "\"aud\":\"assay\",\"exp\":1700000600," REST, AUTH_OK},
        {FROM "\"aud\":[\"other\",\"assay\"],\"exp\":1700000600.5," REST, AUTH_OK},
        {FROM "\"aud\":\"assay\",\"exp\":1.7000006e9," REST, AUTH_OK},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":\"a\",\"scp\":[\"assay.score\"]}",
         AUTH_OK},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":\"a\",\"scp\":\"x assay.score\"}",
         AUTH_OK},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":\"a\",\"scope\":\"assay.scores\"}",
         AUTH_FORBIDDEN},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":\"a\"}", AUTH_FORBIDDEN},
        {FROM "\"aud\":\"assay2\",\"exp\":1700000600," REST, AUTH_INVALID},
        {FROM "\"aud\":[],\"exp\":1700000600," REST, AUTH_INVALID},
        {FROM "\"aud\":[\"assay\",1],\"exp\":1700000600," REST, AUTH_INVALID},
        {FROM "\"aud\":{\"assay\":1},\"exp\":1700000600," REST, AUTH_INVALID},
        {FROM "\"exp\":1700000600," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\"," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":\"1700000600\"," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":null," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1e300," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":-1," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":18446744073709551615," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"nbf\":true," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"iat\":\"now\"," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":\"a\",\"scope\":[\"assay.score\"]}",
         AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"scope\":\"assay.score\"}", AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":\"\"}", AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":7}", AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":\"a\\u0000b\"}", AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":\"a\\nb\"}", AUTH_INVALID},
        {"{\"iss\":\"https://id.bank.example/\",\"aud\":\"assay\",\"exp\":1700000600," REST,
         AUTH_INVALID},
        {"{\"iss\":[\"https://id.bank.example\"],\"aud\":\"assay\",\"exp\":1700000600," REST,
         AUTH_INVALID},
        {"{\"aud\":\"assay\",\"exp\":1700000600," REST, AUTH_INVALID},
        /* twice, and no reader could say which counts */
        {FROM "\"aud\":\"assay\",\"exp\":1,\"exp\":1700000600," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"sub\":\"b\"," REST, AUTH_INVALID},
        {"[" FROM "\"aud\":\"assay\",\"exp\":1700000600," REST "]", AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"x\":\"\xFF\xFE\"," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600,\"x\":\"\\ud800\"," REST, AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600," REST " ", AUTH_OK},
        {FROM "\"aud\":\"assay\",\"exp\":1700000600," REST "}", AUTH_INVALID},
        {FROM "\"aud\":\"assay\",\"exp\":NaN," REST, AUTH_INVALID},
        {"", AUTH_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        AuthVerdict got = verdict_of(with_claims(of[i].claims));
        if (got != of[i].verdict)
            fail_msg("%s: %d and not %d", of[i].claims, (int)got, (int)of[i].verdict);
    }
}

static void a_long_name_is_refused_and_never_cut(void **state)
{
    (void)state;
    for (int size = 126; size <= 129; size++) {
        Str claims = str_format(&arena,
                                "{\"iss\":\"https://id.bank.example\",\"aud\":\"assay\",\"exp\":"
                                "1700000600,\"scope\":\"assay.score\",\"sub\":\"%0*d\"}",
                                size, 7);
        assert_int_equal(verdict_of(token_of(rsa, header_of(rsa, "r1"), claims)),
                         size < 128 ? AUTH_OK : AUTH_INVALID);
    }
}

static void the_header_names_a_key_of_ours(void **state)
{
    (void)state;
    const struct {
        const char *header;
        AuthVerdict verdict;
    } of[] = {
        {"{\"alg\":\"RS256\",\"kid\":\"r1\"}", AUTH_OK},
        {"{\"alg\":\"RS256\"}", AUTH_OK}, /* the only RSA key */
        {"{\"alg\":\"RS256\",\"kid\":\"r2\"}", AUTH_INVALID},
        {"{\"alg\":\"RS256\",\"kid\":\"\"}", AUTH_INVALID},
        {"{\"alg\":\"RS256\",\"kid\":\"e1\"}", AUTH_INVALID},
        {"{\"alg\":\"RS256\",\"kid\":1}", AUTH_INVALID},
        {"{\"alg\":\"RS256\",\"kid\":null}", AUTH_INVALID},
        {"{\"alg\":\"ES256\",\"kid\":\"r1\"}", AUTH_INVALID},
        {"{\"alg\":\"RS512\",\"kid\":\"r1\"}", AUTH_INVALID},
        {"{\"alg\":\"PS256\",\"kid\":\"r1\"}", AUTH_INVALID},
        {"{\"alg\":\"rs256\",\"kid\":\"r1\"}", AUTH_INVALID},
        {"{\"alg\":[\"RS256\"],\"kid\":\"r1\"}", AUTH_INVALID},
        {"{\"alg\":\"none\",\"kid\":\"r1\"}", AUTH_INVALID},
        {"{\"alg\":\"HS256\",\"kid\":\"h1\"}", AUTH_INVALID},
        {"{\"kid\":\"r1\"}", AUTH_INVALID},
        {"{\"alg\":\"RS256\",\"kid\":\"r1\",\"crit\":[\"exp\"]}", AUTH_INVALID},
        {"{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"r1\"}", AUTH_INVALID},
        {"{\"alg\":\"RS256\",\"kid\":\"r1\",\"jku\":\"https://evil.example/k\"}", AUTH_OK},
        {"{\"alg\":\"RS256\",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,"
         "\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1}",
         AUTH_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        AuthVerdict got = verdict_of(token_of(rsa, str_from(of[i].header), S("{" GOOD_CLAIMS "}")));
        if (got != of[i].verdict)
            fail_msg("%s: %d and not %d", of[i].header, (int)got, (int)of[i].verdict);
    }
}

static void none_needs_more_than_no_signature(void **state)
{
    (void)state;
    const char *alg[] = {"none", "None", "NONE", ""};
    for (size_t i = 0; i < COUNT_OF(alg); i++) {
        Str header = str_format(&arena, "{\"alg\":\"%s\"}", alg[i]);
        Str h = base64url_text(header), c = base64url_text(S("{" GOOD_CLAIMS "}"));
        assert_int_equal(verdict_of(str_format(&arena, "%s.%s.", h.data, c.data)), AUTH_INVALID);
        assert_int_equal(verdict_of(str_format(&arena, "%s.%s", h.data, c.data)), AUTH_INVALID);
        assert_int_equal(verdict_of(str_format(&arena, "%s.%s.AA", h.data, c.data)), AUTH_INVALID);
    }
}

/* The public key is public: whoever takes it for a secret believes anybody. */
static void a_public_key_is_no_secret(void **state)
{
    (void)state;
    BIO *memory = BIO_new(BIO_s_mem());
    char *pem;
    assert_int_equal(PEM_write_bio_PUBKEY(memory, rsa), 1);
    size_t pem_size = (size_t)BIO_get_mem_data(memory, &pem);
    const char *kid[] = {"r1", "h1", "e1"};
    for (size_t i = 0; i < COUNT_OF(kid); i++)
        for (size_t cut = 0; cut < 2; cut++) { /* with and without its last newline */
            Str header = str_format(&arena, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kid[i]);
            Str h = base64url_text(header), c = base64url_text(S("{" GOOD_CLAIMS "}"));
            Str text = str_format(&arena, "%s.%s", h.data, c.data);
            uint8_t sum[32];
            unsigned size = 0;
            (void)HMAC(EVP_sha256(), pem, (int)(pem_size - cut), (const uint8_t *)text.data,
                       text.size, sum, &size);
            Str s = base64url_encode(&arena, sum, size);
            assert_int_equal(verdict_of(str_format(&arena, "%s.%s", text.data, s.data)),
                             AUTH_INVALID);
        }
    BIO_free(memory);
}

static void every_changed_byte_is_seen(void **state)
{
    (void)state;
    EVP_PKEY *key[] = {rsa, p256};
    const char *kid[] = {"r1", "e1"};
    for (size_t k = 0; k < COUNT_OF(key); k++) {
        Str token = token_of(key[k], header_of(key[k], kid[k]), S("{" GOOD_CLAIMS "}"));
        char *bytes = arena_copy(&arena, token.data, token.size);
        assert_int_equal(verdict_of(token), AUTH_OK);
        for (size_t i = 0; i < token.size; i++) {
            bytes[i] = bytes[i] == 'A' ? 'B' : 'A';
            assert_int_equal(verdict_of((Str){bytes, token.size}), AUTH_INVALID);
            bytes[i] = token.data[i];
        }
        for (size_t size = 0; size < token.size; size++)
            assert_int_equal(verdict_of(str_slice(token, 0, size)),
                             size == 0 ? AUTH_MISSING : AUTH_INVALID);
        assert_int_equal(verdict_of(str_format(&arena, "%s=", token.data)), AUTH_INVALID);
        assert_int_equal(verdict_of(str_format(&arena, "%s.AAAA", token.data)), AUTH_INVALID);
        assert_int_equal(verdict_of(str_format(&arena, "%s\n.", token.data)), AUTH_INVALID);
    }
}

/* Another payload under a good signature, and a good payload under a stranger's. */
static void a_signature_is_of_one_text(void **state)
{
    (void)state;
    Str good = with_claims("{" GOOD_CLAIMS "}");
    const char *signature = strrchr(good.data, '.');
    Str h = base64url_text(header_of(rsa, "r1"));
    Str c = base64url_text(S("{" GOOD_CLAIMS ",\"x\":1}"));
    assert_int_equal(verdict_of(str_format(&arena, "%s.%s%s", h.data, c.data, signature)),
                     AUTH_INVALID);
    assert_int_equal(verdict_of(token_of(stranger, header_of(rsa, "r1"), S("{" GOOD_CLAIMS "}"))),
                     AUTH_INVALID);
    /* r = s = 0 satisfied a well-known verifier */
    Str e = base64url_text(header_of(p256, "e1"));
    uint8_t zeros[64] = {0};
    Str z = base64url_encode(&arena, zeros, sizeof zeros);
    assert_int_equal(verdict_of(str_format(&arena, "%s.%s.%s", e.data, c.data, z.data)),
                     AUTH_INVALID);
}

static void a_huge_token_is_not_looked_at(void **state)
{
    (void)state;
    Buffer b = buffer_new(&arena);
    buffer_add(&b, S("{" GOOD_CLAIMS ",\"x\":\""));
    for (size_t i = 0; i < 6000; i++)
        buffer_char(&b, 'x');
    buffer_add(&b, S("\"}"));
    assert_int_equal(verdict_of(token_of(rsa, header_of(rsa, "r1"), buffer_str(&b))), AUTH_INVALID);
    char *dots = arena_raw(&arena, 1 << 20, 1);
    memset(dots, '.', 1 << 20);
    assert_int_equal(verdict_of((Str){dots, 1 << 20}), AUTH_INVALID);
    memset(dots, '[', 6000);
    Str deep = base64url_text((Str){dots, 6000});
    assert_int_equal(verdict_of(str_format(&arena, "%s.e30.AA", deep.data)), AUTH_INVALID);
}

static AuthVerdict with_header(const char *header)
{
    Caller caller;
    int retry;
    return auth_check(auth, &caller, &retry, SCOPE_SCORE, str_from(header), S("key"), NOW_US, 0);
}

static void another_scheme_is_no_token(void **state)
{
    (void)state;
    Str token = with_claims("{" GOOD_CLAIMS "}");
    assert_int_equal(with_header(""), AUTH_MISSING);
    assert_int_equal(with_header("Basic dXNlcjpwYXNz"), AUTH_MISSING);
    assert_int_equal(with_header("Bearer"), AUTH_MISSING);
    assert_int_equal(with_header("Bearer   "), AUTH_MISSING);
    assert_int_equal(with_header(token.data), AUTH_MISSING);
    assert_int_equal(with_header(str_format(&arena, "bearer %s", token.data).data), AUTH_OK);
    assert_int_equal(with_header(str_format(&arena, "BEARER   %s ", token.data).data), AUTH_OK);
    assert_int_equal(with_header(str_format(&arena, "Bearer %s,%s", token.data, token.data).data),
                     AUTH_INVALID);
    assert_int_equal(with_header("Bearer \xFF\xFE.\xC0\x80.\x01"), AUTH_INVALID);
}

static void open_needs_nobody(void **state)
{
    (void)state;
    Caller caller;
    int retry;
    assert_int_equal(
        auth_check(auth, &caller, &retry, SCOPE_OPEN, S("Bearer junk"), (Str){0}, NOW_US, 0),
        AUTH_OK);
    assert_string_equal(caller.name, "anonymous");
}

/* ---- Pub/Sub ---- */

#define PUSHED                                                                                     \
    "\"iss\":\"https://accounts.google.com\",\"aud\":\"https://risk.bank.example/ai/v1/pubsub\","  \
    "\"sub\":\"1077\",\"exp\":1700000600,\"iat\":1700000000,"
#define PUSHER "\"email\":\"push@bank.iam.gserviceaccount.com\""

static void only_the_subscription_may_push(void **state)
{
    (void)state;
    Error err = {0};
    Auth *a;
    Caller caller;
    AuthSettings s = settings_of(path_of("jwks.json").data);
    s.pubsub_jwks = path_of("google.json").data;
    Str jwk = jwk_of(stranger, "g1", "");
    put_file(path_of("google.json"), set_of_keys(&jwk, 1));
    assert_int_equal(auth_open(&a, &s, &err), STATUS_USAGE); /* whose token? */
    s.pubsub_audience = S("https://risk.bank.example/ai/v1/pubsub");
    s.pubsub_email = S("push@bank.iam.gserviceaccount.com");
    assert_int_equal(auth_open(&a, &s, &(Error){0}), STATUS_OK);
    const struct {
        const char *claims;
        AuthVerdict verdict;
    } of[] = {
        {"{" PUSHED PUSHER ",\"email_verified\":true}", AUTH_OK},
        {"{" PUSHED PUSHER "}", AUTH_INVALID},
        {"{" PUSHED PUSHER ",\"email_verified\":false}", AUTH_INVALID},
        {"{" PUSHED PUSHER ",\"email_verified\":\"true\"}", AUTH_INVALID},
        {"{" PUSHED "\"email\":\"evil@bank.iam.gserviceaccount.com\",\"email_verified\":true}",
         AUTH_INVALID},
        {"{\"iss\":\"https://id.bank.example\",\"aud\":\"https://risk.bank.example/ai/v1/pubsub\","
         "\"exp\":1700000600," PUSHER ",\"email_verified\":true}",
         AUTH_INVALID},
        {"{\"iss\":\"https://accounts.google.com\",\"aud\":\"assay\",\"exp\":1700000600," PUSHER
         ",\"email_verified\":true}",
         AUTH_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        Str token = token_of(stranger, header_of(stranger, "g1"), str_from(of[i].claims));
        assert_int_equal(ask(a, &caller, SCOPE_PUBSUB, token, NOW_US), of[i].verdict);
        /* and who may push may do nothing else */
        assert_int_equal(ask(a, &caller, SCOPE_SCORE, token, NOW_US), AUTH_INVALID);
    }
    Str ours = with_claims("{" GOOD_CLAIMS "}");
    assert_int_equal(ask(a, &caller, SCOPE_PUBSUB, ours, NOW_US), AUTH_INVALID);
    assert_int_equal(ask(a, &caller, SCOPE_SCORE, ours, NOW_US), AUTH_OK);
    auth_close(a);
    remove_file("google.json");
}

static void a_hash_says_nothing_without_its_key(void **state)
{
    (void)state;
    Error err = {0};
    Auth *a, *b, *c;
    char first[17], second[17];
    put_file(path_of("salt"), S("0123456789abcdef0123456789abcdef\n"));
    AuthSettings s = settings_of(path_of("jwks.json").data);
    assert_int_equal(auth_open(&c, &s, &err), STATUS_OK);
    s.hash_key = path_of("salt").data;
    assert_int_equal(auth_open(&a, &s, &err), STATUS_OK);
    assert_int_equal(auth_open(&b, &s, &err), STATUS_OK);
    auth_hash(first, a, S("customer-1"));
    auth_hash(second, b, S("customer-1"));
    assert_string_equal(first, second);
    auth_hash(second, b, S("customer-2"));
    assert_string_not_equal(first, second);
    auth_hash(second, c, S("customer-1"));
    assert_string_not_equal(first, second);
    put_file(path_of("salt"), S("short\n"));
    Auth *none;
    assert_int_equal(auth_open(&none, &s, &err), STATUS_FORMAT);
    auth_close(a);
    auth_close(b);
    auth_close(c);
    remove_file("salt");
}

static void base64url_has_one_text_for_the_same_bytes(void **state)
{
    (void)state;
    uint8_t bytes[300], back[304];
    size_t size;
    for (size_t n = 0; n < 256; n++) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(i * 167 + n);
        Str text = base64url_encode(&arena, bytes, n);
        assert_true(base64url_decode(back, &size, text));
        assert_int_equal(size, n);
        assert_memory_equal(back, bytes, n);
    }
    assert_true(base64url_decode(back, &size, S("-_-_")));
    assert_memory_equal(back, "\xFB\xFF\xBF", 3);
    const char *bad[] = {"A", "AAAAA", "AB", "AAB", "AA==", "A A", "AA+A", "AA/A", "AA\n"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(base64url_decode(back, &size, str_from(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_names_its_caller),
        cmocka_unit_test(a_token_has_its_time),
        cmocka_unit_test(issued_in_the_future_is_not_yet),
        cmocka_unit_test(claims_are_what_they_must_be),
        cmocka_unit_test(a_long_name_is_refused_and_never_cut),
        cmocka_unit_test(the_header_names_a_key_of_ours),
        cmocka_unit_test(none_needs_more_than_no_signature),
        cmocka_unit_test(a_public_key_is_no_secret),
        cmocka_unit_test(every_changed_byte_is_seen),
        cmocka_unit_test(a_signature_is_of_one_text),
        cmocka_unit_test(a_huge_token_is_not_looked_at),
        cmocka_unit_test(another_scheme_is_no_token),
        cmocka_unit_test(open_needs_nobody),
        cmocka_unit_test(only_the_subscription_may_push),
        cmocka_unit_test(a_hash_says_nothing_without_its_key),
        cmocka_unit_test(base64url_has_one_text_for_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
