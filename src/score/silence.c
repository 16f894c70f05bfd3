#include "score/score_internal.h"

#include <math.h>
#include <stdlib.h>

/* How far probabilities may move when histories are cut: on average by a tenth of their mean, so
 * that rare positives do not hide a leak, and never by more than 0.02; and the order of
 * customers must all but stand. */
static const double mean_change_max = 0.02, mean_change_share = 0.1, correlation_least = 0.95;
enum { CUSTOMERS_LEAST = 30 };
static const double equal_least = 0.9, unequal_max = 0.1;

static int by_score(const void *a, const void *b, void *context)
{
    const double *p = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (p[i] != p[j])
        return p[i] < p[j] ? -1 : 1;
    return (i > j) - (i < j);
}

/* Ranks with ties averaged. */
static void ranks(double *out, const double *p, size_t n, Arena scratch)
{
    uint32_t *order = ARENA_ARRAY(&scratch, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, n, sizeof *order, by_score, (void *)(uintptr_t)p);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && p[order[to]] == p[order[from]];)
            to++;
        for (size_t i = from; i < to; i++)
            out[order[i]] = (double)(from + to - 1) / 2;
    }
}

static double spearman(const double *a, const double *b, size_t n, Arena scratch)
{
    double *x = ARENA_ARRAY(&scratch, double, n + 1), *y = ARENA_ARRAY(&scratch, double, n + 1);
    ranks(x, a, n, scratch);
    ranks(y, b, n, scratch);
    double mean = ((double)n - 1) / 2, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - mean) * (y[i] - mean);
        xx += (x[i] - mean) * (x[i] - mean);
        yy += (y[i] - mean) * (y[i] - mean);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 1;
}

static Status probabilities(double *out, Arena scratch, const Bundle *b, const Dataset *data,
                            const int64_t *as_of, const uint32_t *row, size_t count, Team *team,
                            Error *err)
{
    Arena keep = arena_new();
    Events *events;
    Table *features;
    Matrix *x;
    Status status = score_events(&events, &keep, scratch, b->plan, data, as_of, err);
    if (status == STATUS_OK)
        status = feature_table(&features, &keep, scratch, b->plan, events, team, err);
    if (status == STATUS_OK)
        status = feature_matrix(&x, &keep, b->plan, features, b->skip, data->id, row, count, err);
    if (status == STATUS_OK) {
        double *margin = ARENA_ARRAY(&keep, double, count + 1);
        model_margin(b->model, x, margin);
        for (size_t i = 0; i < count; i++)
            out[i] = calibration_apply(&b->calibration, margin[i]);
    }
    arena_free(&keep);
    return status;
}

/* The share of customers who were observed for clearly less of the model's window than others. */
static double unequal_share(const int64_t *first_us, int64_t as_of_us, int64_t window_us,
                            const uint32_t *row, size_t count)
{
    int64_t longest = 0;
    size_t seen = 0, shorter = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t observed = first_us[row[i]] == INT64_MAX ? 0 : as_of_us - first_us[row[i]];
        longest = observed > longest ? observed : longest;
    }
    longest = longest > window_us ? window_us : longest;
    for (size_t i = 0; i < count; i++) {
        if (first_us[row[i]] == INT64_MAX)
            continue;
        seen++;
        shorter += (double)(as_of_us - first_us[row[i]]) < equal_least * (double)longest;
    }
    return seen == 0 ? 0 : (double)shorter / (double)seen;
}

Status score_silence(Silence *out, Arena scratch, const Bundle *b, const Dataset *data,
                     const uint32_t *row, size_t count, int64_t age_us, Team *team, Error *err)
{
    *out = (Silence){
        .age_us = age_us, .limit = mean_change_max, .correlation_least = correlation_least};
    const Column *created = table_find(data->versions, data->schema->transactions.created.text);
    int64_t *whole = ARENA_ARRAY(&scratch, int64_t, data->customers + 1);
    int64_t *cut = ARENA_ARRAY(&scratch, int64_t, data->customers + 1);
    for (size_t i = 0; i < data->customers; i++) {
        whole[i] = data->as_of_us;
        cut[i] = INT64_MAX;
    }
    for (size_t i = 0; i < data->versions->rows; i++) {
        uint32_t customer = data->owner[i];
        if (created->integer[i] < cut[customer])
            cut[customer] = created->integer[i];
    }
    out->unequal = unequal_share(cut, data->as_of_us, age_us / 2, row, count);
    uint32_t *old = ARENA_ARRAY(&scratch, uint32_t, count + 1);
    for (size_t i = 0; i < data->customers; i++)
        cut[i] = cut[i] != INT64_MAX && cut[i] + age_us < data->as_of_us ? cut[i] + age_us
                                                                         : data->as_of_us;
    for (size_t i = 0; i < count; i++)
        if (cut[row[i]] < data->as_of_us)
            old[out->customers++] = row[i];
    size_t n = out->customers;
    double *before = ARENA_ARRAY(&scratch, double, n + 1),
           *after = ARENA_ARRAY(&scratch, double, n + 1);
    TRY(probabilities(before, scratch, b, data, whole, old, n, team, err));
    TRY(probabilities(after, scratch, b, data, cut, old, n, team, err));
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        double change = fabs(after[i] - before[i]);
        mean += before[i] / (double)n;
        out->mean_change += change / (double)n;
        out->max_change = fmax(out->max_change, change);
    }
    out->rank_correlation = spearman(before, after, n, scratch);
    out->limit = fmin(mean_change_max, mean_change_share * mean);
    out->tested = n >= CUSTOMERS_LEAST;
    out->passed = out->tested
                      ? out->mean_change <= out->limit && out->rank_correlation >= correlation_least
                      : age_us <= 28 * DAY_US || out->unequal <= unequal_max;
    return STATUS_OK;
}
