/* find.c - from what somebody typed to a customer. */
#include "explain/explain.h"

#include <stdlib.h>

bool explain_find(size_t *customer, const Dataset *data, Str id)
{
    size_t low = 0, high = data->customers;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(data->id[middle], id);
        if (order == 0) {
            *customer = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

typedef struct Likeness {
    size_t distance;
    Str id;
} Likeness;

static int nearest_first(const void *left, const void *right)
{
    const Likeness *a = left, *b = right;
    if (a->distance != b->distance)
        return a->distance > b->distance ? 1 : -1;
    return str_compare(a->id, b->id);
}

/* One that begins like what was typed, or holds it, was cut off when it was copied: nearer than
 * most that are spelt alike. */
static size_t likeness(Str id, Str wanted, size_t limit)
{
    Str same = str_trim(wanted);
    if (same.size == 0)
        return SIZE_MAX;
    if (str_equal_fold(id, same))
        return 0;
    if (same.size >= 3 && str_equal_fold(str_slice(id, 0, same.size), same))
        return 1;
    if (same.size >= 3 && str_contains(id, same))
        return 2;
    size_t longer = id.size > same.size ? id.size - same.size : same.size - id.size;
    if (longer > limit)
        return SIZE_MAX;
    size_t distance = str_distance(id, same, limit);
    return distance <= limit ? distance + (distance > 1) : SIZE_MAX;
}

size_t explain_near(Str **out, Arena *keep, Arena scratch, const Str *id, size_t count, Str wanted)
{
    Likeness *all = ARENA_ARRAY(&scratch, Likeness, count + 1);
    size_t limit = wanted.size / 3 < 1 ? 1 : wanted.size / 3 > 12 ? 12 : wanted.size / 3;
    size_t near = 0;
    for (size_t i = 0; i < count; i++) {
        size_t distance = likeness(id[i], wanted, limit);
        if (distance != SIZE_MAX)
            all[near++] = (Likeness){distance, id[i]};
    }
    qsort(all, near, sizeof *all, nearest_first);
    near = near < CASE_NEAR_MAX ? near : CASE_NEAR_MAX;
    *out = ARENA_ARRAY(keep, Str, near + 1);
    for (size_t i = 0; i < near; i++)
        (*out)[i] = all[i].id;
    return near;
}
