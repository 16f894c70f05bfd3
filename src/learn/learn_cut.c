#include "learn/learn_internal.h"

#include <stdlib.h>

typedef struct Span {
    int64_t age;
    uint32_t row;
} Span;

static int longest_first(const void *a, const void *b)
{
    const Span *x = a, *y = b;
    if (x->age != y->age)
        return x->age > y->age ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Ages of the positives are dealt out to the others, the longest first, each to one of those who
 * were observed that long, drawn at random: risk-set sampling, where every control has the age that
 * its case had. */
size_t learn_cut_histories(int64_t *cut_us, const int64_t *first_us, const int64_t *end_us,
                           const uint8_t *label, size_t rows, uint64_t seed)
{
    Arena own = arena_new();
    Span *side[2] = {ARENA_RAW(&own, Span, rows), ARENA_RAW(&own, Span, rows)};
    size_t count[2] = {0, 0};
    for (size_t i = 0; i < rows; i++) {
        int class = label[i] != 0;
        cut_us[i] = end_us[i];
        if (first_us[i] == NO_HISTORY)
            continue;
        int64_t age = end_us[i] < first_us[i] ? -1 : end_us[i] - first_us[i];
        side[class][count[class]++] = (Span){age, (uint32_t)i};
    }
    for (int class = 0; class < 2; class ++)
        if (count[class] > 0)
            qsort(side[class], count[class], sizeof(Span), longest_first);
    Random random = random_new(seed);
    uint32_t *pool = ARENA_RAW(&own, uint32_t, rows);
    size_t waiting = 0, taken = 0, matched = 0;
    for (size_t k = 0; k < count[0] && count[1] > 0; k++) {
        int64_t age = side[1][k * count[1] / count[0]].age;
        while (taken < count[0] && side[0][taken].age >= age)
            pool[waiting++] = side[0][taken++].row;
        if (waiting == 0)
            continue;
        size_t at = random_below(&random, waiting);
        cut_us[pool[at]] = first_us[pool[at]] + age;
        pool[at] = pool[--waiting];
        matched++;
    }
    arena_free(&own);
    return count[0] - matched;
}
