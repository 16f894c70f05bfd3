#include "learn/learn_internal.h"

#include <assert.h>

/* Each class is shuffled and dealt out in turn; the second class starts where the first
 * stopped, so that folds differ by at most one customer in size as well as in each class. */
void learn_folds(uint32_t *fold, const uint8_t *label, const uint32_t *group, size_t rows,
                 size_t folds, uint64_t seed)
{
    assert(group == NULL);
    Arena own = arena_new();
    uint32_t *index = ARENA_RAW(&own, uint32_t, rows);
    Random random = random_new(seed);
    size_t next = 0;
    for (uint8_t class = 2; class -- > 0;) {
        size_t count = 0;
        for (size_t i = 0; i < rows; i++)
            if ((label[i] != 0) == (class != 0))
                index[count++] = (uint32_t)i;
        random_shuffle(&random, index, count);
        for (size_t i = 0; i < count; i++)
            fold[index[i]] = (uint32_t)(next++ % folds);
    }
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
