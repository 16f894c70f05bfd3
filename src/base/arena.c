#include "base/base.h"

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
    char *base;
    size_t size;
};

static _Noreturn void out_of_memory(size_t bytes)
{
    (void)fprintf(stderr, "assay: out of memory: %zu bytes more were needed\n", bytes);
    abort();
}

Arena arena_new(void)
{
    for (size_t size = RESERVE_MAX; size >= RESERVE_MIN; size /= 2) {
        void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED)
            continue;
        ArenaRange *range = base;
        range->base = base;
        range->size = size;
        return (Arena){.range = range, .at = range->base + 64};
    }
    out_of_memory(RESERVE_MIN);
}

void arena_free(Arena *arena)
{
    if (arena->range != NULL)
        (void)munmap(arena->range->base, arena->range->size);
    arena->range = NULL;
    arena->at = NULL;
}

void arena_trim(const Arena *arena, size_t bytes)
{
    const size_t page = 4096;
    size_t used = (size_t)(arena->at - arena->range->base);
    size_t from = bytes > arena->range->size - used ? arena->range->size : used + bytes;
    from = (from + page - 1) / page * page;
    if (from < arena->range->size)
        (void)madvise(arena->range->base + from, arena->range->size - from, MADV_DONTNEED);
}

void *arena_raw(Arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > RESERVE_MAX)
        out_of_memory(SIZE_MAX);
    bytes = (bytes + 15) & ~(size_t)15;
    size_t used = (size_t)(arena->at - arena->range->base);
    if (bytes > arena->range->size - used)
        out_of_memory(bytes);
    void *out = arena->at;
    arena->at += bytes;
    return out;
}

void *arena_alloc(Arena *arena, size_t count, size_t size)
{
    void *out = arena_raw(arena, count, size);
    memset(out, 0, count * size);
    return out;
}

void *arena_copy(Arena *arena, const void *bytes, size_t size)
{
    void *out = arena_raw(arena, size, 1);
    if (size > 0)
        memcpy(out, bytes, size);
    return out;
}

void *arena_grow(Arena *arena, void *array, size_t old_count, size_t count, size_t size)
{
    size_t old_bytes = (old_count * size + 15) & ~(size_t)15, bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(SIZE_MAX);
    if (array != NULL && (char *)array + old_bytes == arena->at) {
        /* The padding of the old array may hold what is new. */
        (void)arena_raw(arena, bytes > old_bytes ? bytes - old_bytes : 0, 1);
        memset((char *)array + old_count * size, 0, (count - old_count) * size);
        return array;
    }
    void *out = arena_alloc(arena, count, size);
    if (array != NULL && old_count > 0)
        memcpy(out, array, old_count * size);
    return out;
}
