/* Tokens whose signature held, by SHA-256 of the whole token, in sets of a few places each, so that
 * the table is bounded and no search is long. Only what was verified gets in: nobody can push
 * others out without good tokens of his own. */
#include "auth/auth_internal.h"

#include <string.h>

enum { WAYS = 4, SETS = 1024, LOCKS = 16 };

typedef struct Entry {
    uint8_t sha256[SHA256_BYTES];
    uint64_t generation; /* 0: free */
    uint64_t used;       /* by the count of the set */
    Token token;
} Entry;

typedef struct Set {
    Entry entry[WAYS];
    uint64_t uses;
} Set;

struct TokenCache {
    Set *set;
    pthread_mutex_t lock[LOCKS]; /* set i is under lock i % LOCKS */
};

TokenCache *token_cache_new(Arena *keep)
{
    TokenCache *c = ARENA_NEW(keep, TokenCache);
    c->set = ARENA_ARRAY(keep, Set, SETS);
    for (size_t i = 0; i < LOCKS; i++)
        (void)pthread_mutex_init(&c->lock[i], NULL);
    return c;
}

void token_cache_free(TokenCache *c)
{
    for (size_t i = 0; c != NULL && i < LOCKS; i++)
        (void)pthread_mutex_destroy(&c->lock[i]);
}

static size_t set_of(const uint8_t sha256[SHA256_BYTES])
{
    return (sha256[0] | (size_t)sha256[1] << 8) % SETS;
}

bool token_cache_find(TokenCache *c, Token *out, const uint8_t sha256[SHA256_BYTES],
                      uint64_t generation, int64_t now_us)
{
    size_t at = set_of(sha256);
    Set *set = &c->set[at];
    bool found = false;
    (void)pthread_mutex_lock(&c->lock[at % LOCKS]);
    for (size_t i = 0; i < WAYS && !found; i++) {
        Entry *e = &set->entry[i];
        if (e->generation != generation || memcmp(e->sha256, sha256, SHA256_BYTES) != 0)
            continue;
        found = true;
        *out = e->token;
        e->used = ++set->uses;
        if (now_us >= e->token.expired_us)
            e->generation = 0;
    }
    (void)pthread_mutex_unlock(&c->lock[at % LOCKS]);
    return found;
}

void token_cache_add(TokenCache *c, const Token *t, const uint8_t sha256[SHA256_BYTES],
                     uint64_t generation)
{
    size_t at = set_of(sha256);
    Set *set = &c->set[at];
    (void)pthread_mutex_lock(&c->lock[at % LOCKS]);
    Entry *oldest = &set->entry[0];
    for (size_t i = 0; i < WAYS; i++) {
        Entry *e = &set->entry[i];
        /* Of keys that are no longer, or verified twice at once. */
        if (e->generation != generation || memcmp(e->sha256, sha256, SHA256_BYTES) == 0) {
            oldest = e;
            break;
        }
        if (e->used < oldest->used)
            oldest = e;
    }
    memcpy(oldest->sha256, sha256, SHA256_BYTES);
    oldest->generation = generation;
    oldest->token = *t;
    oldest->used = ++set->uses;
    (void)pthread_mutex_unlock(&c->lock[at % LOCKS]);
}
