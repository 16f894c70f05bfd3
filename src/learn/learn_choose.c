/* learn_choose.c - which candidate is kept, and whether it can be told from the others.
 *
 * Everything is paired: candidates are judged on the same customers, and what one customer costs
 * one of them is set against what they cost the other. Customers who are linked are drawn together.
 */
#include "learn/learn_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double log_loss_of(double p, uint8_t label)
{
    double right = label != 0 ? p : 1 - p;
    return -stable_log(right < 1e-15 ? 1e-15 : right);
}

/* ---- linked customers ---- */

typedef struct Linked {
    uint32_t group, row;
} Linked;

static int by_group(const void *left, const void *right)
{
    const Linked *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Rows in the order of their units, unit u's at start[u] .. start[u + 1] - 1. */
typedef struct Units {
    size_t count;
    uint32_t *row;
    size_t *start;
} Units;

static Units units_of(Arena *keep, const uint32_t *group, size_t n)
{
    Units u = {.row = ARENA_RAW(keep, uint32_t, n), .start = ARENA_ARRAY(keep, size_t, n + 1)};
    Linked *item = ARENA_RAW(keep, Linked, n);
    for (size_t i = 0; i < n; i++)
        item[i] = (Linked){group == NULL ? (uint32_t)i : group[i], (uint32_t)i};
    if (group != NULL)
        qsort(item, n, sizeof *item, by_group);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || item[i].group != item[i - 1].group)
            u.start[u.count++] = i;
        u.row[i] = item[i].row;
    }
    u.start[u.count] = n;
    return u;
}

/* With everyone alone this is the usual standard error; groups' sums are what is independent. */
double mean_of(const double *value, const uint32_t *group, size_t n, double *error, Arena scratch)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        sum += value[i];
    double mean = sum / (double)n;
    if (group == NULL) {
        for (size_t i = 0; i < n; i++)
            square += (value[i] - mean) * (value[i] - mean);
        *error = sqrt(square / (double)(n - 1) / (double)n);
        return mean;
    }
    Units u = units_of(&scratch, group, n);
    for (size_t k = 0; k < u.count; k++) {
        double own = 0;
        for (size_t i = u.start[k]; i < u.start[k + 1]; i++)
            own += value[u.row[i]] - mean;
        square += own * own;
    }
    double count = (double)u.count;
    *error = sqrt(square * count / (count - 1)) / (double)n;
    return mean;
}

/* ---- measures of one candidate ---- */

static double sign_of(Criterion c) /* +1: more is worse */
{
    return c == CRITERION_LOG_LOSS || c == CRITERION_BRIER ? 1 : -1;
}

/* Each customer's loss, averaged over repeats. */
static void customer_losses(double *loss, const Contest *c, size_t candidate, Criterion criterion)
{
    for (size_t i = 0; i < c->rows; i++) {
        double sum = 0;
        for (size_t r = 0; r < c->repeats; r++) {
            double p = c->probability[candidate][r][i], miss = p - (c->label[i] != 0);
            sum += criterion == CRITERION_LOG_LOSS ? log_loss_of(p, c->label[i]) : miss * miss;
        }
        loss[i] = sum / (double)c->repeats;
    }
}

static double measure(const Contest *c, size_t candidate, Criterion criterion, Arena scratch)
{
    double sum = 0;
    for (size_t r = 0; r < c->repeats; r++) {
        const double *p = c->probability[candidate][r];
        sum += criterion == CRITERION_LOG_LOSS ? metric_log_loss(p, c->label, c->rows)
               : criterion == CRITERION_BRIER  ? metric_brier(p, c->label, c->rows)
               : criterion == CRITERION_AUC
                   ? metric_auc(p, c->label, c->rows, scratch)
                   : metric_average_precision(p, c->label, c->rows, scratch);
    }
    return sum / (double)c->repeats;
}

/* ---- the bootstrap ---- */

typedef struct Placed {
    double p;
    uint32_t row;
} Placed;

static int by_probability(const void *left, const void *right)
{
    const Placed *a = left, *b = right;
    if (a->p != b->p)
        return a->p > b->p ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* AUC and average precision of customers who count `times` each; ties are taken together. NaN when
 * a class has nobody. */
static void ranked(const Placed *placed, const uint32_t *times, const uint8_t *label, size_t n,
                   double *auc, double *precision)
{
    double positives = 0, negatives = 0, won = 0, sum = 0;
    for (size_t i = 0; i < n;) {
        double here = 0, others = 0, p = placed[i].p;
        for (; i < n && placed[i].p == p; i++) {
            uint32_t row = placed[i].row;
            if (label[row] != 0)
                here += times[row];
            else
                others += times[row];
        }
        won += others * (positives + here / 2);
        positives += here;
        negatives += others;
        if (here > 0)
            sum += here * positives / (positives + negatives);
    }
    bool both = positives > 0 && negatives > 0;
    *auc = both ? won / (positives * negatives) : NAN;
    *precision = positives > 0 ? sum / positives : NAN;
}

typedef struct Draws {
    const Contest *contest;
    Units units;
    bool wanted[CRITERIA];
    double *value; /* [CRITERIA][candidates][replicates] */
} Draws;

static double *drawn(const Draws *d, size_t criterion, size_t candidate)
{
    const Contest *c = d->contest;
    return d->value + (criterion * c->candidates + candidate) * c->replicates;
}

/* A candidate through all draws; every candidate sees the same ones. */
static void draw_task(void *context, size_t candidate, Arena scratch)
{
    const Draws *d = context;
    const Contest *c = d->contest;
    size_t n = c->rows;
    uint32_t *times = ARENA_RAW(&scratch, uint32_t, n);
    double *loss[CRITERION_AUC];
    for (Criterion k = 0; k < CRITERION_AUC; k++) {
        loss[k] = ARENA_RAW(&scratch, double, n);
        customer_losses(loss[k], c, candidate, k);
    }
    bool ranks = d->wanted[CRITERION_AUC] || d->wanted[CRITERION_PR_AUC];
    Placed *placed = ARENA_RAW(&scratch, Placed, ranks ? n * c->repeats : 0);
    for (size_t r = 0; r < c->repeats && ranks; r++) {
        for (size_t i = 0; i < n; i++)
            placed[r * n + i] = (Placed){c->probability[candidate][r][i], (uint32_t)i};
        qsort(placed + r * n, n, sizeof *placed, by_probability);
    }
    for (size_t b = 0; b < c->replicates; b++) {
        Random random = random_new(seed_derive(c->seed, b));
        double sum[CRITERIA] = {0}, count = 0;
        memset(times, 0, n * sizeof *times);
        for (size_t k = 0; k < d->units.count; k++) {
            size_t unit = random_below(&random, d->units.count);
            for (size_t i = d->units.start[unit]; i < d->units.start[unit + 1]; i++)
                times[d->units.row[i]]++;
        }
        for (size_t i = 0; i < n; i++) {
            count += times[i];
            for (size_t k = 0; k < CRITERION_AUC; k++)
                sum[k] += times[i] * loss[k][i];
        }
        for (size_t k = 0; k < CRITERION_AUC; k++)
            drawn(d, k, candidate)[b] = sum[k] / count;
        for (size_t r = 0; r < c->repeats && ranks; r++) {
            double auc, precision;
            ranked(placed + r * n, times, c->label, n, &auc, &precision);
            sum[CRITERION_AUC] += auc;
            sum[CRITERION_PR_AUC] += precision;
        }
        for (size_t k = CRITERION_AUC; k < CRITERIA; k++)
            drawn(d, k, candidate)[b] = ranks ? sum[k] / (double)c->repeats : NAN;
    }
}

static Draws draws_new(Arena *keep, const Contest *c, bool ranks, Team *team)
{
    Draws d = {.contest = c, .units = units_of(keep, c->group, c->rows)};
    d.wanted[CRITERION_AUC] = d.wanted[CRITERION_PR_AUC] = ranks;
    d.value = ARENA_RAW(keep, double, CRITERIA * c->candidates * c->replicates);
    share_out(team, c->candidates, draw_task, &d, *keep);
    return d;
}

/* ---- the choice ---- */

static double paired_error(const Draws *d, Criterion criterion, size_t one, size_t other)
{
    const double *a = drawn(d, criterion, one), *b = drawn(d, criterion, other);
    double sum = 0, square = 0, n = 0;
    for (size_t i = 0; i < d->contest->replicates; i++)
        if (!is_missing(a[i] - b[i])) {
            sum += a[i] - b[i];
            n++;
        }
    for (size_t i = 0; i < d->contest->replicates; i++)
        if (!is_missing(a[i] - b[i]))
            square += (a[i] - b[i] - sum / n) * (a[i] - b[i] - sum / n);
    return n < 2 ? 0 : sqrt(square / (n - 1));
}

size_t contest_choose(Standing *out, size_t *best, const Contest *c, Criterion criterion,
                      Team *team, Arena scratch)
{
    double sign = sign_of(criterion);
    *best = 0;
    for (size_t k = 0; k < c->candidates; k++) {
        out[k].value = measure(c, k, criterion, scratch);
        /* On a tie the simpler. */
        if (sign * out[k].value < sign * out[*best].value)
            *best = k;
    }
    if (criterion == CRITERION_AUC || criterion == CRITERION_PR_AUC) {
        Draws d = draws_new(&scratch, c, true, team);
        for (size_t k = 0; k < c->candidates; k++) {
            out[k].behind = sign * (out[k].value - out[*best].value);
            out[k].behind_error = paired_error(&d, criterion, *best, k);
        }
    } else {
        double *lowest = ARENA_RAW(&scratch, double, c->rows);
        double *loss = ARENA_RAW(&scratch, double, c->rows);
        customer_losses(lowest, c, *best, criterion);
        for (size_t k = 0; k < c->candidates; k++) {
            customer_losses(loss, c, k, criterion);
            for (size_t i = 0; i < c->rows; i++)
                loss[i] -= lowest[i];
            out[k].behind = mean_of(loss, c->group, c->rows, &out[k].behind_error, scratch);
        }
    }
    for (size_t k = 0; k < *best; k++)
        if (!(out[k].behind > out[k].behind_error))
            return k;
    return *best;
}

/* ---- the comparison ---- */

void contest_compare(Comparison *out, const Contest *c, size_t chosen, Team *team, Arena scratch)
{
    Draws d = draws_new(&scratch, c, true, team);
    double *difference = ARENA_RAW(&scratch, double, c->replicates);
    for (size_t k = 0; k < c->candidates; k++)
        for (Criterion m = 0; m < CRITERIA; m++) {
            Comparison *one = &out[k * CRITERIA + m];
            const double *a = drawn(&d, m, k), *b = drawn(&d, m, chosen);
            for (size_t i = 0; i < c->replicates; i++)
                difference[i] = a[i] - b[i];
            one->difference =
                (Interval){measure(c, k, m, scratch) - measure(c, chosen, m, scratch), NAN, NAN};
            metric_percentiles(&one->difference, difference, c->replicates);
            double low = sign_of(m) * one->difference.low, high = sign_of(m) * one->difference.high;
            one->verdict = low > 0 && high > 0   ? VERDICT_WORSE
                           : low < 0 && high < 0 ? VERDICT_BETTER
                                                 : VERDICT_SAME;
        }
}
