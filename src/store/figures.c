/* figures.c - what both the files and the report tell of a run, worked out once. */
#include "store/store_internal.h"

#include <stdlib.h>

typedef struct Ranked {
    const Outcome *outcome;
    uint32_t position;
    size_t candidate; /* place among the candidates, SIZE_MAX when none */
} Ranked;

static int by_rank(const void *left, const void *right)
{
    const Ranked *a = left, *b = right;
    if (a->candidate != b->candidate)
        return a->candidate < b->candidate ? -1 : 1;
    if (a->outcome->action != b->outcome->action)
        return a->outcome->action > b->outcome->action ? -1 : 1;
    if (a->outcome->probability != b->outcome->probability)
        return a->outcome->probability > b->outcome->probability ? -1 : 1;
    if (a->outcome->exposure != b->outcome->exposure)
        return a->outcome->exposure > b->outcome->exposure ? -1 : 1;
    int order = str_compare(a->outcome->id, b->outcome->id);
    return order != 0 ? order : (a->position > b->position) - (a->position < b->position);
}

uint32_t *store_order(Arena *keep, const Run *run)
{
    size_t count = run->scored->count;
    uint32_t *order = ARENA_ARRAY(keep, uint32_t, count + 1);
    Arena scratch = arena_new();
    Ranked *item = ARENA_ARRAY(&scratch, Ranked, count + 1);
    for (size_t i = 0; i < count; i++)
        item[i] = (Ranked){&run->scored->outcome[i], (uint32_t)i, SIZE_MAX};
    for (size_t i = 0; i < run->candidates; i++)
        item[run->candidate[i]].candidate = i;
    qsort(item, count, sizeof *item, by_rank);
    for (size_t i = 0; i < count; i++)
        order[i] = item[i].position;
    arena_free(&scratch);
    return order;
}

uint8_t *store_contradictory(Arena *keep, const Run *run)
{
    uint8_t *in = ARENA_ARRAY(keep, uint8_t, run->scored->count + 1);
    for (size_t i = 0; i < run->contradictories; i++)
        in[run->contradictory[i]] = 1;
    return in;
}

bool store_certified(const Run *run, size_t scored)
{
    return run->thresholds != NULL && run->thresholds->certified != NULL &&
           run->thresholds->certified[scored] != 0;
}

double *store_out_of_fold(Arena *keep, const Run *run)
{
    const Validation *v = run->validation;
    if (v == NULL)
        return NULL;
    const Candidate *c = &v->candidate[v->chosen];
    double *mean = ARENA_ARRAY(keep, double, v->rows + 1);
    for (size_t row = 0; row < v->rows; row++) {
        for (size_t r = 0; r < v->repeats; r++)
            mean[row] += c->probability[r][row];
        mean[row] /= (double)v->repeats;
    }
    return mean;
}

typedef struct Judged {
    double p, low, high;
    uint8_t label;
} Judged;

/* Equal probabilities are never parted; the ends order them, so that sums do not depend on qsort.
 */
static int by_probability(const void *left, const void *right)
{
    const Judged *a = left, *b = right;
    if (a->p != b->p)
        return a->p < b->p ? -1 : 1;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    return (a->high > b->high) - (a->high < b->high);
}

static Reliability bin(const Judged *o, size_t count)
{
    Reliability r = {.customers = count, .low = o[0].p, .high = o[count - 1].p};
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += o[i].p;
        r.positives += o[i].label;
        r.supported_low += o[i].low / (double)count;
        r.supported_high += o[i].high / (double)count;
    }
    r.mean = sum / (double)count;
    r.share = metric_proportion(r.positives, count);
    return r;
}

enum { BINS_MAX = 10, BIN_CUSTOMERS = 15 };

size_t store_reliability(Reliability **out, Arena *keep, Arena scratch, const Run *run,
                         size_t stratum)
{
    *out = ARENA_ARRAY(keep, Reliability, BINS_MAX);
    const double *p = store_out_of_fold(&scratch, run);
    if (p == NULL)
        return 0;
    const CalibrationChoice *c = run->validation->calibration;
    size_t rows = run->validation->rows, n = 0;
    Judged *o = ARENA_ARRAY(&scratch, Judged, rows + 1);
    for (size_t i = 0; i < rows; i++)
        if (run->training->in_stratum[stratum][i] && !is_missing(p[i]))
            o[n++] = (Judged){p[i], c->low[i], c->high[i], run->training->label[i]};
    qsort(o, n, sizeof *o, by_probability);
    size_t bins = n / BIN_CUSTOMERS, made = 0, from = 0;
    bins = bins > BINS_MAX ? BINS_MAX : bins == 0 ? 1 : bins;
    for (size_t b = 0; b < bins && from < n; b++) {
        size_t to = n * (b + 1) / bins;
        if (to <= from)
            continue;
        while (to < n && o[to].p == o[to - 1].p)
            to++;
        (*out)[made++] = bin(o + from, to - from);
        from = to;
    }
    return made;
}
