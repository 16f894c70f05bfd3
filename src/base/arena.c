#include "base/base.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Addresses are plentiful and pages are committed on first touch, so one generous
 * reservation replaces a list of blocks. Machines that refuse it get a smaller one; emulators,
 * which keep books on every reserved page, are built with one (script/aarch64). */
#ifndef ARENA_RESERVE_MAX
#define ARENA_RESERVE_MAX ((size_t)1 << 36)
#endif
#define RESERVE_MAX ARENA_RESERVE_MAX
#define RESERVE_MIN ((size_t)1 << 26)

struct ArenaRange {
    _Alignas(16) char *base; /* what is behind the struct is aligned as it is */
    size_t size;
    char *high;          /* the furthest that was ever reached: behind it no page was touched */
    ArenaRange *next;    /* of those put by, or adopted by the same */
    ArenaRange *adopted; /* given back with this one */
};

/* A thread puts by a few ranges that it gave back, with their first pages: asking the kernel for
 * pages and giving them back costs more than answering a small request. */
enum { PUT_BY = 12 };
#define PAGES_KEPT ((size_t)1 << 19)

typedef struct Stock {
    ArenaRange *first;
    size_t count;
} Stock;

static _Thread_local Stock stock;
static pthread_key_t stock_key;
static pthread_once_t stock_once = PTHREAD_ONCE_INIT;

static _Noreturn void out_of_memory(size_t bytes)
{
    (void)fprintf(stderr, "assay: out of memory: %zu bytes more were needed\n", bytes);
    abort();
}

static void empty_stock(void *held)
{
    Stock *own = held; /* of the thread that ends */
    while (own->first != NULL) {
        ArenaRange *range = own->first;
        own->first = range->next;
        (void)munmap(range->base, range->size);
    }
    own->count = 0;
}

static void make_stock_key(void)
{
    if (pthread_key_create(&stock_key, empty_stock) != 0)
        abort();
}

Arena arena_new(void)
{
    ArenaRange *spare = stock.first;
    if (spare != NULL) {
        stock.first = spare->next;
        stock.count--;
        return (Arena){.range = spare, .at = spare->base + sizeof *spare};
    }
    for (size_t size = RESERVE_MAX; size >= RESERVE_MIN; size /= 2) {
        void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED)
            continue;
        ArenaRange *range = base;
        range->base = base;
        range->size = size;
        range->high = range->base + sizeof *range;
        return (Arena){.range = range, .at = range->base + sizeof *range};
    }
    out_of_memory(RESERVE_MIN);
}

static void put_by(ArenaRange *range)
{
    if (stock.count >= PUT_BY) {
        (void)munmap(range->base, range->size);
        return;
    }
    (void)pthread_once(&stock_once, make_stock_key);
    (void)pthread_setspecific(stock_key, &stock);
    size_t reached = (size_t)(range->high - range->base);
    if (reached > PAGES_KEPT) {
        (void)madvise(range->base + PAGES_KEPT, (reached - PAGES_KEPT + 4095) & ~(size_t)4095,
                      MADV_DONTNEED);
        range->high = range->base + PAGES_KEPT;
    }
    range->next = stock.first;
    stock.first = range;
    stock.count++;
}

void arena_free(Arena *arena)
{
    ArenaRange *range = arena->range;
    arena->range = NULL;
    arena->at = NULL;
    while (range != NULL && range->adopted != NULL) {
        ArenaRange *first = range->adopted;
        range->adopted = first->next;
        Arena one = {.range = first, .at = first->base};
        arena_free(&one);
    }
    if (range != NULL)
        put_by(range);
}

void arena_adopt(const Arena *arena, Arena other)
{
    other.range->next = arena->range->adopted;
    arena->range->adopted = other.range;
}

void arena_trim(const Arena *arena, size_t bytes)
{
    ArenaRange *range = arena->range;
    size_t used = (size_t)(arena->at - range->base), reached = (size_t)(range->high - range->base);
    size_t from = ((used + bytes) + 4095) & ~(size_t)4095;
    if (from >= reached)
        return;
    (void)madvise(range->base + from, (reached - from + 4095) & ~(size_t)4095, MADV_DONTNEED);
    range->high = range->base + from;
}

/* What ends behind everything that was reached before. */
static void reach(Arena *arena, size_t bytes)
{
    if (bytes > RESERVE_MAX)
        out_of_memory(SIZE_MAX);
    bytes = (bytes + 15) & ~(size_t)15;
    if (bytes > arena->range->size - (size_t)(arena->at - arena->range->base))
        out_of_memory(bytes);
    arena->range->high = arena->at + bytes;
}

/* Positions, and so high as well, are multiples of 16. */
static inline char *take(Arena *arena, size_t bytes)
{
    char *out = arena->at;
    if (bytes > (size_t)(arena->range->high - out))
        reach(arena, bytes);
    arena->at = out + ((bytes + 15) & ~(size_t)15);
    return out;
}

static inline size_t bytes_of(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(SIZE_MAX);
    return bytes;
}

void *arena_raw(Arena *arena, size_t count, size_t size)
{
    return take(arena, bytes_of(count, size));
}

/* Most of what is asked for is small, and a call to memset would cost more than its work: all of an
 * arena's pieces are aligned and a multiple of 16 bytes. */
static inline void zero(void *out, size_t bytes)
{
    enum { SMALL = 128 };
    typedef uint64_t Two __attribute__((vector_size(16), may_alias));
    if (bytes > SMALL) {
        memset(out, 0, bytes);
        return;
    }
    for (size_t i = 0; i < (bytes + 15) / 16; i++)
        ((Two *)out)[i] = (Two){0, 0};
}

void *arena_alloc(Arena *arena, size_t count, size_t size)
{
    size_t bytes = bytes_of(count, size);
    void *out = take(arena, bytes);
    zero(out, bytes);
    return out;
}

void *arena_copy(Arena *arena, const void *bytes, size_t size)
{
    void *out = arena_raw(arena, size, 1);
    if (size > 0)
        memcpy(out, bytes, size);
    return out;
}

void *arena_grow_raw(Arena *arena, void *array, size_t old_count, size_t count, size_t size)
{
    size_t old_bytes = (old_count * size + 15) & ~(size_t)15, bytes = bytes_of(count, size);
    if (array != NULL && (char *)array + old_bytes == arena->at) {
        /* The padding of the old array may hold what is new. */
        (void)take(arena, bytes > old_bytes ? bytes - old_bytes : 0);
        return array;
    }
    void *out = take(arena, bytes);
    if (array != NULL && old_count > 0)
        memcpy(out, array, old_count * size);
    return out;
}

void *arena_grow(Arena *arena, void *array, size_t old_count, size_t count, size_t size)
{
    char *out = arena_grow_raw(arena, array, old_count, count, size);
    memset(out + old_count * size, 0, (count - old_count) * size);
    return out;
}
