/* auth_internal.h - what the parts of the room share: keys, tokens, the cache of tokens, rates. */
#ifndef AUTH_INTERNAL_H
#define AUTH_INTERNAL_H

#include "auth/auth.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sys/types.h>
#include <yyjson.h>

enum {
    TOKEN_BYTES_MAX = 8192,
    KEY_FILE_BYTES_MAX = 1 << 20,
    PUBLIC_KEYS_MAX = 100,
    HASHED_KEYS_MAX = 1000,
    API_KEY_BYTES_MAX = 256,
    SHA256_BYTES = 32
};

void sha256_bytes(uint8_t out[SHA256_BYTES], Str bytes);

/* An object of so many members at most, each with a name of its own: where one stands twice, no two
 * readers need agree on what it says.  Cost: O(members²). */
bool json_plain(yyjson_val *v, size_t members_max);
Str claim_text(yyjson_val *v); /* empty: it is no text */

/* ---- base64url.c: RFC 4648 §5 without padding ---- */

/* out has room for text.size / 4 * 3 + 2 bytes. False where a byte is none of the alphabet, the
 * length cannot be, or bits are left over that are not zero: one text for the same bytes. */
bool base64url_decode(uint8_t *out, size_t *size, Str text);
Str base64url_encode(Arena *keep, const uint8_t *bytes, size_t size);

/* ---- keys.c: what is read from a file of keys, never changed afterwards ---- */

typedef enum Algorithm { ALGORITHM_RS256, ALGORITHM_ES256 } Algorithm;

typedef struct PublicKey {
    Str kid; /* empty: it has none */
    Algorithm algorithm;
    EVP_PKEY *key;
} PublicKey;

typedef struct HashedKey {
    Str name;
    char hash[17]; /* of the name, as auth_hash; set when the file is taken */
    uint8_t sha256[SHA256_BYTES];
    uint32_t scopes;
} HashedKey;

typedef struct Keys {
    Arena arena; /* where this lies, too */
    uint64_t generation;
    size_t holders; /* under the lock of its KeyFile */
    PublicKey *public_key;
    size_t public_keys;
    HashedKey *hashed;
    size_t hashed_keys;
} Keys;

Keys *keys_new(void);
void keys_free(Keys *k);
/* Add what the text holds. FORMAT says what is wrong with it, and in which key. */
typedef Status KeysReader(Keys *k, Str text, Error *err);
Status keys_read_jwks(Keys *k, Str text, Error *err);   /* jwks.c */
Status keys_read_hashed(Keys *k, Str text, Error *err); /* api_keys.c */

/* ---- key_file.c: a file of keys that may be replaced while others verify with it ---- */

typedef struct KeyFile {
    const char *path; /* NULL: there is none */
    KeysReader *read;
    const Auth *auth;     /* by which names are hashed; NULL: they are not */
    pthread_mutex_t lock; /* of now and of its holders */
    Keys *now;
    uint64_t generation;
    /* How the file looked when it was last read. */
    bool looked, settled;
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec written;
    uint8_t content[SHA256_BYTES];
} KeyFile;

Status key_file_open(KeyFile *f, const char *path, KeysReader *read, const Auth *auth, Error *err);
void key_file_close(KeyFile *f);
/* Read it again when it looks different. A file that is refused leaves the keys as they are. Not
 * by two threads at once. */
Status key_file_refresh(KeyFile *f, Error *err);
Keys *key_file_hold(KeyFile *f);
void key_file_release(KeyFile *f, Keys *k);

/* ---- token.c ---- */

typedef struct TokenRules {
    Str issuer, audience; /* empty: any */
    Str email;            /* not empty: a token of Google's for this service account */
    int64_t skew_us;
} TokenRules;

typedef struct Token {
    Caller caller;                /* without its hash */
    int64_t valid_us, expired_us; /* valid_us <= now < expired_us, the skew included */
} Token;

/* All that does not depend on the time of day: form, algorithm, key, signature, claims. OK or
 * INVALID.  Cost: a verification of the signature; see docs/access.md. */
AuthVerdict token_verify(Token *out, const Keys *keys, const TokenRules *rules, Str text);
/* Its last part: what a payload says whose signature holds. */
AuthVerdict token_claims(Token *out, const TokenRules *rules, Str json);
AuthVerdict token_timely(const Token *t, int64_t now_us); /* OK or EXPIRED */
uint32_t scope_bits(Str texts); /* "assay.score assay.model"; others are not ours */

/* ---- cache.c: tokens whose signature was found good ---- */

typedef struct TokenCache TokenCache; /* shared by threads */
TokenCache *token_cache_new(Arena *keep);
void token_cache_free(TokenCache *c);
/* generation: of the keys that verified it; others do not count. */
bool token_cache_find(TokenCache *c, Token *out, const uint8_t sha256[SHA256_BYTES],
                      uint64_t generation, int64_t now_us);
void token_cache_add(TokenCache *c, const Token *t, const uint8_t sha256[SHA256_BYTES],
                     uint64_t generation);

/* ---- rates.c: a token bucket for each caller ---- */

typedef struct Rates Rates; /* shared by threads */
Rates *rates_new(Arena *keep, double per_second, double burst);
void rates_free(Rates *r);
/* Take one. False: none is left, and *retry_seconds says when there will be. */
bool rates_take(Rates *r, uint64_t who, int64_t monotonic_us, int *retry_seconds);
/* The same without taking it: who is not in the table stays out of it. */
bool rates_left(Rates *r, uint64_t who, int64_t monotonic_us, int *retry_seconds);

#endif
