/* changes.c - what would have changed the decisions that somebody reads. */
#include "store/store_internal.h"

#include <stdlib.h>

static int by_position(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

Status store_changes(Run *run, Arena *keep, Error *err)
{
    const uint32_t *from[] = {run->candidate, run->near_miss};
    const size_t count[] = {run->candidates, run->near_misses};
    uint32_t *position = ARENA_ARRAY(keep, uint32_t, 2 * CHANGES_MAX + 1);
    size_t n = 0;
    for (size_t k = 0; k < COUNT_OF(from); k++)
        for (size_t i = 0; i < count[k] && i < CHANGES_MAX; i++)
            position[n++] = from[k][i];
    qsort(position, n, sizeof *position, by_position);
    Change *made;
    Arena scratch = arena_new();
    Status status = explain_changes(&made, keep, scratch, run->bundle, run->scored, position, n,
                                    run->team, err);
    arena_free(&scratch);
    run->changed = position;
    run->change = made;
    run->changes = n;
    return status;
}

const Change *store_change(const Run *run, size_t at)
{
    const uint32_t wanted = (uint32_t)at;
    if (run->changes == 0)
        return NULL;
    const uint32_t *found =
        bsearch(&wanted, run->changed, run->changes, sizeof wanted, by_position);
    return found == NULL ? NULL : &run->change[found - run->changed];
}
