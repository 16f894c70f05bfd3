/* A token bucket for each caller, in a table of a fixed size: a caller whose bucket is fullest
 * makes room for a new one, for he loses least by it. */
#include "auth/auth_internal.h"

#include <math.h>

enum { WAYS = 8, SETS = 1024, LOCKS = 16, RETRY_SECONDS_MAX = 3600 };

typedef struct Bucket {
    uint64_t who; /* 0: free */
    double left;
    int64_t at_us;
} Bucket;

struct Rates {
    double per_second, burst;
    Bucket (*set)[WAYS];
    pthread_mutex_t lock[LOCKS]; /* set i is under lock i % LOCKS */
};

Rates *rates_new(Arena *keep, double per_second, double burst)
{
    Rates *r = ARENA_NEW(keep, Rates);
    r->per_second = per_second;
    r->burst = burst < 1 ? (per_second < 1 ? 1 : per_second) : burst;
    r->set = arena_alloc(keep, SETS, sizeof *r->set);
    for (size_t i = 0; i < LOCKS; i++)
        (void)pthread_mutex_init(&r->lock[i], NULL);
    return r;
}

void rates_free(Rates *r)
{
    for (size_t i = 0; r != NULL && i < LOCKS; i++)
        (void)pthread_mutex_destroy(&r->lock[i]);
}

static double left_now(const Rates *r, const Bucket *b, int64_t now_us)
{
    double seconds = now_us > b->at_us ? (double)(now_us - b->at_us) / 1e6 : 0;
    return fmin(r->burst, b->left + seconds * r->per_second);
}

static Bucket *bucket_of(const Rates *r, Bucket set[WAYS], uint64_t who, int64_t now_us)
{
    Bucket *fullest = &set[0];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].who == who)
            return &set[i];
    for (size_t i = 0; i < WAYS && fullest->who != 0; i++)
        if (set[i].who == 0 || left_now(r, &set[i], now_us) > left_now(r, fullest, now_us))
            fullest = &set[i];
    *fullest = (Bucket){.who = who, .left = r->burst, .at_us = now_us};
    return fullest;
}

static void say_when(const Rates *r, double left, int *retry_seconds)
{
    double wait = ceil((1 - left) / r->per_second);
    *retry_seconds = wait < 1 ? 1 : wait > RETRY_SECONDS_MAX ? RETRY_SECONDS_MAX : (int)wait;
}

bool rates_take(Rates *r, uint64_t who, int64_t monotonic_us, int *retry_seconds)
{
    size_t at = who % SETS;
    (void)pthread_mutex_lock(&r->lock[at % LOCKS]);
    Bucket *b = bucket_of(r, r->set[at], who == 0 ? 1 : who, monotonic_us);
    double left = b->left = left_now(r, b, monotonic_us);
    if (monotonic_us > b->at_us)
        b->at_us = monotonic_us;
    if (left >= 1)
        b->left -= 1;
    (void)pthread_mutex_unlock(&r->lock[at % LOCKS]);
    if (left < 1)
        say_when(r, left, retry_seconds);
    return left >= 1;
}

bool rates_left(Rates *r, uint64_t who, int64_t monotonic_us, int *retry_seconds)
{
    size_t at = who % SETS;
    double left = r->burst;
    (void)pthread_mutex_lock(&r->lock[at % LOCKS]);
    for (size_t i = 0; i < WAYS; i++)
        if (r->set[at][i].who == (who == 0 ? 1 : who))
            left = left_now(r, &r->set[at][i], monotonic_us);
    (void)pthread_mutex_unlock(&r->lock[at % LOCKS]);
    if (left < 1)
        say_when(r, left, retry_seconds);
    return left >= 1;
}
