/* bench.c - what a thread of the server works with: arenas that are used again for each request. */
#include "serve/serve_internal.h"

#include <stdlib.h>
#include <sys/random.h>

/* Of pages that stay with a thread between requests, in each of its arenas. */
enum { KEPT_BYTES = 2 << 20 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local Bench *mine;

static void bench_free(void *value)
{
    Bench *b = value;
    arena_free(&b->keep_empty);
    arena_free(&b->scratch_empty);
    free(b);
    mine = NULL;
}

static void make_key(void)
{
    if (pthread_key_create(&key, bench_free) != 0)
        abort(); /* the first key of a process */
}

Bench *bench_of_thread(void)
{
    if (mine != NULL)
        return mine;
    (void)pthread_once(&once, make_key);
    Bench *b = calloc(1, sizeof *b);
    if (b == NULL)
        abort(); /* as arenas do */
    b->keep = b->keep_empty = arena_new();
    b->scratch = b->scratch_empty = arena_new();
    uint64_t seed = (uint64_t)clock_monotonic_us();
    (void)!getrandom(&seed, sizeof seed, 0);
    b->random = random_new(seed);
    (void)pthread_setspecific(key, b);
    return mine = b;
}

void bench_clear(Bench *b)
{
    b->keep = b->keep_empty;
    b->scratch = b->scratch_empty;
    arena_trim(&b->keep, KEPT_BYTES);
    arena_trim(&b->scratch, KEPT_BYTES);
}
