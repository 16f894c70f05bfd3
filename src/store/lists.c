/* lists.c - who is proposed for off-boarding, and who nearly is. */
#include "store/store_internal.h"

#include <stdlib.h>

static int closest_first(const void *left, const void *right)
{
    const Decision *a = left, *b = right;
    if (a->families != b->families)
        return a->families > b->families ? -1 : 1;
    if (a->severe_rules != b->severe_rules)
        return a->severe_rules > b->severe_rules ? -1 : 1;
    if (a->probability != b->probability)
        return a->probability > b->probability ? -1 : 1;
    if (a->exposure != b->exposure)
        return a->exposure > b->exposure ? -1 : 1;
    return str_compare(a->id, b->id);
}

static int position_order(const void *left, const void *right)
{
    return closest_first(*(const Decision *const *)left, *(const Decision *const *)right);
}

void store_lists(Run *run, Arena *keep)
{
    const Scored *s = run->scored;
    uint32_t *candidate = ARENA_ARRAY(keep, uint32_t, s->count + 1);
    run->candidates = policy_rank(candidate, s->decision, s->count);
    run->candidate = candidate;
    Decision *listed = ARENA_ARRAY(keep, Decision, run->candidates + 1);
    for (size_t i = 0; i < run->candidates; i++)
        listed[i] = s->decision[candidate[i]];
    run->listed = listed;

    const Decision **near = ARENA_ARRAY(keep, const Decision *, s->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->decision[i].near_miss.size > 0)
            near[count++] = &s->decision[i];
    qsort(near, count, sizeof(Decision *), position_order);
    count = count < LIST_MAX ? count : LIST_MAX;
    uint32_t *position = ARENA_ARRAY(keep, uint32_t, count + 1);
    Decision *whole = ARENA_ARRAY(keep, Decision, count + 1);
    for (size_t i = 0; i < count; i++) {
        position[i] = (uint32_t)(near[i] - s->decision);
        whole[i] = *near[i];
    }
    run->near_miss = position;
    run->near = whole;
    run->near_misses = count;
}
