#include "auth/auth_internal.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum {
    HASH_KEY_BYTES = 32,
    HASH_KEY_BYTES_MIN = 16,
    HASH_KEY_BYTES_MAX = 4096,
    SKEW_SECONDS_MAX = 600
};

struct Auth {
    Arena arena;
    AuthKind kind;
    TokenRules rules, pubsub_rules;
    KeyFile jwks, hashed, pubsub;
    pthread_mutex_t refreshing; /* one thread reads files at a time */
    TokenCache *seen, *pubsub_seen;
    Rates *rates, *failures; /* by caller, by address; NULL: no limit */
    uint64_t address_seed;   /* so that nobody can tell which addresses share a place */
    uint8_t hash_key[HASH_KEY_BYTES_MAX];
    int hash_key_size;
    char nobody[sizeof((Caller){0}.hash)]; /* the hash of whoever is not asked for a name */
};

static const char anonymous[] = "anonymous";

static const Str names[SCOPES] = {
    [SCOPE_OPEN] = {"", 0},
    [SCOPE_SCORE] = {"assay.score", 11},
    [SCOPE_MODEL] = {"assay.model", 11},
    [SCOPE_FEEDBACK] = {"assay.feedback", 14},
    [SCOPE_DATA] = {"assay.data", 10},
    [SCOPE_JOBS] = {"assay.jobs", 10},
    [SCOPE_ERASE] = {"assay.erase", 11},
    [SCOPE_METRICS] = {"assay.metrics", 13},
    [SCOPE_PUBSUB] = {"assay.pubsub", 12},
};

Str scope_name(AuthScope s)
{
    return names[s];
}

/* ---- opening ---- */

/* As the room telemetry reads it: a caller has the same hash in all logs. */
static Status read_hash_key(Auth *a, const char *path, Error *err)
{
    if (path == NULL) {
        a->hash_key_size = HASH_KEY_BYTES;
        if (RAND_bytes(a->hash_key, HASH_KEY_BYTES) != 1)
            return error_set(err, STATUS_IO, "the system gives no random bytes");
        return STATUS_OK;
    }
    Arena scratch = arena_new();
    Str text = {0};
    Status status = file_read(&text, &scratch, path, err);
    if (status == STATUS_OK && (text.size < HASH_KEY_BYTES_MIN || text.size > HASH_KEY_BYTES_MAX)) {
        status =
            error_set(err, STATUS_FORMAT, "the key of hashes must have %d to %d bytes, not %zu",
                      HASH_KEY_BYTES_MIN, HASH_KEY_BYTES_MAX, text.size);
        (void)error_place(err, path, 0, 0);
        (void)error_remedy(err, "make one with: head -c 32 /dev/urandom > %s", path);
    }
    if (status == STATUS_OK) {
        memcpy(a->hash_key, text.data, text.size);
        a->hash_key_size = (int)text.size;
        OPENSSL_cleanse((char *)(uintptr_t)text.data, text.size);
    }
    arena_free(&scratch);
    return status;
}

static Status settings_good(const AuthSettings *s, Error *err)
{
    if (s->kind == AUTH_JWT && s->jwks == NULL)
        return error_set(err, STATUS_USAGE, "tokens need a JWKS file to verify them with");
    if (s->kind == AUTH_KEYS && s->keys == NULL)
        return error_set(err, STATUS_USAGE, "API keys need a file of their hashes");
    if (s->skew_seconds < 0 || s->skew_seconds > SKEW_SECONDS_MAX)
        return error_set(err, STATUS_USAGE, "the skew of clocks is 0 to %d seconds",
                         SKEW_SECONDS_MAX);
    if (!(s->rate_per_second >= 0 && s->rate_per_second <= 1e9) ||
        !(s->rate_burst >= 0 && s->rate_burst <= 1e9))
        return error_set(err, STATUS_USAGE, "a rate is 0 to a thousand million a second");
    /* Less than one a minute would never let anybody try. */
    if (s->failures_per_minute != 0 &&
        !(s->failures_per_minute >= 1 && s->failures_per_minute <= 1e9))
        return error_set(err, STATUS_USAGE, "failures are 1 to a thousand million a minute, or 0");
    if (s->pubsub_jwks != NULL && (s->pubsub_audience.size == 0 || s->pubsub_email.size == 0)) {
        /* Anybody can have Google sign a token for some other audience. */
        (void)error_set(err, STATUS_USAGE,
                        "Pub/Sub's tokens are known by both their audience and their email");
        return error_remedy(err, "give those of the push subscription");
    }
    return STATUS_OK;
}

static Status open_files(Auth *a, const AuthSettings *s, Error *err)
{
    TRY(settings_good(s, err));
    TRY(read_hash_key(a, s->hash_key, err));
    auth_hash(a->nobody, a, str_from(anonymous));
    if (RAND_bytes((unsigned char *)&a->address_seed, sizeof a->address_seed) != 1)
        return error_set(err, STATUS_IO, "the system gives no random bytes");
    if (s->kind == AUTH_JWT)
        TRY(key_file_open(&a->jwks, str_chars(&a->arena, str_from(s->jwks)), keys_read_jwks, NULL,
                          err));
    if (s->kind == AUTH_KEYS)
        TRY(key_file_open(&a->hashed, str_chars(&a->arena, str_from(s->keys)), keys_read_hashed, a,
                          err));
    if (s->pubsub_jwks != NULL)
        TRY(key_file_open(&a->pubsub, str_chars(&a->arena, str_from(s->pubsub_jwks)),
                          keys_read_jwks, NULL, err));
    return STATUS_OK;
}

Status auth_open(Auth **out, const AuthSettings *settings, Error *err)
{
    Arena arena = arena_new();
    Auth *a = ARENA_NEW(&arena, Auth);
    a->arena = arena;
    a->kind = settings->kind;
    a->rules = (TokenRules){.issuer = str_copy(&a->arena, settings->issuer),
                            .audience = str_copy(&a->arena, settings->audience),
                            .skew_us = settings->skew_seconds * SECOND_US};
    a->pubsub_rules = (TokenRules){.audience = str_copy(&a->arena, settings->pubsub_audience),
                                   .email = str_copy(&a->arena, settings->pubsub_email),
                                   .skew_us = settings->skew_seconds * SECOND_US};
    (void)pthread_mutex_init(&a->refreshing, NULL);
    Status status = open_files(a, settings, err);
    if (status != STATUS_OK) {
        auth_close(a);
        return status;
    }
    /* A cache is a megabyte: only for those who send tokens. */
    if (a->kind == AUTH_JWT)
        a->seen = token_cache_new(&a->arena);
    if (a->pubsub.path != NULL)
        a->pubsub_seen = token_cache_new(&a->arena);
    if (settings->rate_per_second > 0)
        a->rates = rates_new(&a->arena, settings->rate_per_second, settings->rate_burst);
    if (settings->failures_per_minute > 0)
        a->failures =
            rates_new(&a->arena, settings->failures_per_minute / 60, settings->failures_per_minute);
    *out = a;
    return STATUS_OK;
}

void auth_close(Auth *a)
{
    if (a == NULL)
        return;
    key_file_close(&a->jwks);
    key_file_close(&a->hashed);
    key_file_close(&a->pubsub);
    token_cache_free(a->seen);
    token_cache_free(a->pubsub_seen);
    rates_free(a->rates);
    rates_free(a->failures);
    (void)pthread_mutex_destroy(&a->refreshing);
    OPENSSL_cleanse(a->hash_key, sizeof a->hash_key);
    Arena arena = a->arena;
    arena_free(&arena);
}

bool auth_refresh(Auth *a, Error *err)
{
    KeyFile *file[] = {&a->jwks, &a->hashed, &a->pubsub};
    bool good = true;
    (void)pthread_mutex_lock(&a->refreshing);
    for (size_t i = 0; i < COUNT_OF(file); i++)
        if (file[i]->path != NULL && key_file_refresh(file[i], err) != STATUS_OK)
            good = false;
    (void)pthread_mutex_unlock(&a->refreshing);
    return good;
}

/* ---- who asks ---- */

void auth_hash(char out[17], const Auth *a, Str identifier)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    (void)HMAC(EVP_sha256(), a->hash_key, a->hash_key_size, (const unsigned char *)identifier.data,
               identifier.size, sum, &size);
    for (size_t i = 0; i < 8; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[16] = '\0';
}

/* What follows "Bearer "; empty: nothing does. */
static Str bearer(Str authorization)
{
    Str scheme = S("Bearer ");
    if (authorization.size <= scheme.size ||
        !str_equal_fold(str_slice(authorization, 0, scheme.size), scheme))
        return (Str){0};
    return str_trim(str_slice(authorization, scheme.size, authorization.size));
}

static AuthVerdict check_token(Auth *a, Caller *out, KeyFile *file, TokenCache *seen,
                               const TokenRules *rules, Str text, int64_t now_us)
{
    uint8_t sum[SHA256_BYTES];
    Token token;
    if (text.size == 0)
        return AUTH_MISSING;
    if (text.size > TOKEN_BYTES_MAX)
        return AUTH_INVALID;
    sha256_bytes(sum, text);
    Keys *keys = key_file_hold(file);
    AuthVerdict verdict = AUTH_OK;
    if (!token_cache_find(seen, &token, sum, keys->generation, now_us)) {
        verdict = token_verify(&token, keys, rules, text);
        if (verdict == AUTH_OK) {
            auth_hash(token.caller.hash, a, str_from(token.caller.name));
            if (now_us < token.expired_us)
                token_cache_add(seen, &token, sum, keys->generation);
        }
    }
    key_file_release(file, keys);
    if (verdict == AUTH_OK)
        verdict = token_timely(&token, now_us);
    if (verdict == AUTH_OK)
        *out = token.caller;
    return verdict;
}

static AuthVerdict check_key(Auth *a, Caller *out, Str key)
{
    uint8_t sum[SHA256_BYTES];
    if (key.size == 0)
        return AUTH_MISSING;
    if (key.size > API_KEY_BYTES_MAX)
        return AUTH_INVALID;
    sha256_bytes(sum, key);
    Keys *keys = key_file_hold(&a->hashed);
    const HashedKey *found = NULL;
    /* All of them, and each whole: time says nothing of which one was nearly right. */
    for (size_t i = 0; i < keys->hashed_keys; i++)
        if (CRYPTO_memcmp(keys->hashed[i].sha256, sum, sizeof sum) == 0)
            found = &keys->hashed[i];
    if (found != NULL) {
        (void)snprintf(out->name, sizeof out->name, "%.*s", STR_ARG(found->name));
        memcpy(out->hash, found->hash, sizeof out->hash);
        out->scopes = found->scopes;
    }
    key_file_release(&a->hashed, keys);
    return found == NULL ? AUTH_INVALID : AUTH_OK;
}

static AuthVerdict known(Auth *a, Caller *out, AuthScope needed, Str authorization, Str api_key,
                         int64_t now_us)
{
    if (needed == SCOPE_PUBSUB && a->pubsub.path != NULL)
        return check_token(a, out, &a->pubsub, a->pubsub_seen, &a->pubsub_rules,
                           bearer(authorization), now_us);
    if (a->kind == AUTH_JWT)
        return check_token(a, out, &a->jwks, a->seen, &a->rules, bearer(authorization), now_us);
    if (a->kind == AUTH_KEYS)
        return check_key(a, out, api_key.size > 0 ? api_key : bearer(authorization));
    memcpy(out->hash, a->nobody, sizeof out->hash);
    out->scopes = UINT32_MAX;
    return AUTH_OK;
}

static uint64_t number_of(const char hash[17])
{
    uint64_t n = 0;
    for (size_t i = 0; i < 16; i++)
        n = n << 4 | (uint64_t)(hash[i] <= '9' ? hash[i] - '0' : hash[i] - 'a' + 10);
    return n;
}

AuthVerdict auth_check(Auth *a, Caller *out, int *retry_seconds, AuthScope needed,
                       Str authorization, Str api_key, int64_t now_us, int64_t monotonic_us)
{
    out->hash[0] = '\0';
    out->scopes = 0;
    memcpy(out->name, anonymous, sizeof anonymous);
    *retry_seconds = 0;
    if (needed == SCOPE_OPEN)
        return AUTH_OK;
    AuthVerdict verdict = known(a, out, needed, authorization, api_key, now_us);
    if (verdict != AUTH_OK)
        return verdict;
    if (a->rates != NULL &&
        !rates_take(a->rates, number_of(out->hash), monotonic_us, retry_seconds))
        return AUTH_LIMITED;
    return (out->scopes & 1U << needed) != 0 ? AUTH_OK : AUTH_FORBIDDEN;
}

bool auth_may_try(Auth *a, Str address, int64_t monotonic_us, int *retry_seconds)
{
    return a->failures == NULL ||
           rates_left(a->failures, hash64(address, a->address_seed), monotonic_us, retry_seconds);
}

void auth_failed(Auth *a, Str address, int64_t monotonic_us)
{
    int unused;
    if (a->failures != NULL)
        (void)rates_take(a->failures, hash64(address, a->address_seed), monotonic_us, &unused);
}
