#include "learn/learn_internal.h"

#include <stdlib.h>

/* Customers who must lie in one fold; one alone is a group of one. */
typedef struct Group {
    uint32_t size, positives, fold, found; /* found: where among the groups of its kind */
} Group;

static int fuller_first(const void *a, const void *b, void *context)
{
    const Group *group = context;
    const Group *x = &group[*(const uint32_t *)a], *y = &group[*(const uint32_t *)b];
    if (x->positives != y->positives)
        return x->positives > y->positives ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x->found > y->found) - (x->found < y->found);
}

size_t group_firsts(uint32_t *of, const uint32_t *group, size_t rows, Arena scratch)
{
    size_t groups = 0;
    uint32_t most = 0;
    for (size_t i = 0; group != NULL && i < rows; i++)
        most = group[i] > most ? group[i] : most;
    uint32_t *first = group == NULL ? NULL : ARENA_ARRAY(&scratch, uint32_t, (size_t)most + 1);
    for (size_t i = 0; i < rows; i++) {
        of[i] = (uint32_t)i;
        if (group != NULL && first[group[i]] > 0) /* 0: none yet */
            of[i] = first[group[i]] - 1;
        else if (group != NULL)
            first[group[i]] = (uint32_t)i + 1;
        groups += of[i] == i;
    }
    return groups;
}

size_t learn_least_groups(const uint8_t *label, const uint32_t *group, size_t rows)
{
    Arena own = arena_new();
    uint32_t *of = ARENA_RAW(&own, uint32_t, rows);
    uint8_t *holds = ARENA_ARRAY(&own, uint8_t, rows + 1); /* bits of the classes */
    size_t count[2] = {0, 0};
    (void)group_firsts(of, group, rows, own);
    for (size_t i = 0; i < rows; i++) {
        uint8_t bit = label[i] != 0 ? 2 : 1;
        count[bit - 1] += (holds[of[i]] & bit) == 0;
        holds[of[i]] |= bit;
    }
    arena_free(&own);
    return count[0] < count[1] ? count[0] : count[1];
}

/* The emptiest fold, looked for from `from` on: fewest positives for a group that has some, then
 * fewest customers. */
static size_t emptiest(const Group *fold, size_t folds, size_t from, bool positive)
{
    size_t best = from % folds;
    for (size_t k = 1; k < folds; k++) {
        const Group *f = &fold[(from + k) % folds], *b = &fold[best];
        bool fewer = positive && f->positives != b->positives ? f->positives < b->positives
                                                              : f->size < b->size;
        if (fewer)
            best = (from + k) % folds;
    }
    return best;
}

/* Groups are shuffled and dealt out, those with positives first, the fullest first of all, each to
 * the fold that lacks it most. Of customers alone this is a deal in turn: the second class starts
 * where the first stopped. */
void learn_folds(uint32_t *fold, const uint8_t *label, const uint32_t *number, size_t rows,
                 size_t folds, uint64_t seed)
{
    Arena own = arena_new();
    uint32_t *index = ARENA_RAW(&own, uint32_t, rows), *of = ARENA_RAW(&own, uint32_t, rows);
    Group *group = ARENA_ARRAY(&own, Group, rows); /* by the row that stands for it */
    Group *filled = ARENA_ARRAY(&own, Group, folds);
    (void)group_firsts(of, number, rows, own);
    for (size_t i = 0; i < rows; i++) {
        group[of[i]].size++;
        group[of[i]].positives += label[i] != 0;
    }
    Random random = random_new(seed);
    size_t next = 0;
    for (uint8_t class = 2; class -- > 0;) {
        size_t count = 0;
        for (size_t i = 0; i < rows; i++)
            if (of[i] == i && (group[i].positives > 0) == (class != 0))
                index[count++] = (uint32_t)i;
        random_shuffle(&random, index, count);
        for (size_t i = 0; i < count; i++)
            group[index[i]].found = (uint32_t)i;
        if (number != NULL)
            qsort_r(index, count, sizeof *index, fuller_first, group);
        for (size_t i = 0; i < count; i++) {
            Group *g = &group[index[i]];
            g->fold = (uint32_t)emptiest(filled, folds, next++, class != 0);
            filled[g->fold].size += g->size;
            filled[g->fold].positives += g->positives;
        }
    }
    for (size_t i = 0; i < rows; i++)
        fold[i] = group[of[i]].fold;
    arena_free(&own);
}

const uint32_t *rows_or_all(Arena *keep, const uint32_t *row, size_t rows)
{
    if (row != NULL)
        return row;
    uint32_t *all = ARENA_RAW(keep, uint32_t, rows);
    for (size_t i = 0; i < rows; i++)
        all[i] = (uint32_t)i;
    return all;
}

Status learn_check_classes(const uint8_t *label, const uint32_t *row, size_t rows, size_t least,
                           Error *err)
{
    size_t positives = 0;
    for (size_t i = 0; i < rows; i++)
        positives += label[row == NULL ? i : row[i]] != 0;
    size_t negatives = rows - positives;
    if (positives >= least && negatives >= least)
        return STATUS_OK;
    (void)error_set(err, STATUS_DATA,
                    "%zu positive and %zu negative customers to learn from, at least %zu of each "
                    "are needed",
                    positives, negatives, least);
    (void)error_remedy(err, "give more labelled customers, or ask for fewer folds");
    return STATUS_DATA;
}

double margin_loss(double margin, uint8_t label)
{
    double toward = label != 0 ? margin : -margin;
    return toward > 0 ? stable_log1p(stable_exp(-toward))
                      : -toward + stable_log1p(stable_exp(toward));
}

double margins_loss(const double *margin, const uint8_t *label, size_t n, double *probability)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        probability[i] = -fabs(margin[i]);
    stable_exp_all(probability, n);
    for (size_t i = 0; i < n; i++) {
        double small = probability[i];
        bool agrees = (margin[i] > 0) == (label[i] != 0);
        sum += stable_log1p(small) + (agrees ? 0 : fabs(margin[i]));
        probability[i] = (margin[i] > 0 ? 1 : small) / (1 + small);
    }
    return sum;
}
