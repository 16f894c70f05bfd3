#include "metric/metric_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A bootstrap draw is a multiplicity for each customer, not a new list of them: the customers
 * of each repeat are sorted once, and every draw is then one pass down that order (AUC, average
 * precision, ECE) and one pass along the rows (the sums), both weighted by multiplicity. A draw
 * so costs O(repeats * n) where resorting would cost O(repeats * n log n). */

typedef struct Bootstrap {
    size_t n, repeats, replicates;
    const uint8_t *label; /* [n] */
    /* What is drawn: groups without a positive, and those with one, each by its first row. One
     * alone is a group of one, so these are then the negatives and the positives. */
    uint32_t *member[2];
    size_t members[2];
    uint32_t *next; /* [n] of the same group; n when it is the last */

    const MetricRun *run; /* [repeats] */
    uint64_t seed;
    double *drawn; /* [METRIC_KINDS][replicates] */
} Bootstrap;

typedef struct Item {
    double p;
    uint32_t row;
} Item;

/* The reverse of metric.c's order: highest first, later row first on a tie. */
static int descending(const void *a, const void *b)
{
    const Item *x = a, *y = b;
    if (x->p != y->p)
        return x->p > y->p ? -1 : 1;
    return (x->row < y->row) - (x->row > y->row);
}

MetricRun metric_run(Arena *keep, const double *p, const uint8_t *label, size_t n, double threshold)
{
    MetricRun run = {ARENA_RAW(keep, double, n), ARENA_RAW(keep, double, n),
                     ARENA_RAW(keep, uint8_t, n), ARENA_RAW(keep, double, n),
                     ARENA_RAW(keep, uint32_t, n)};
    for (size_t i = 0; i < n; i++) {
        run.loss[i] = metric_log_loss(p + i, label + i, 1);
        run.square[i] = metric_brier(p + i, label + i, 1);
        run.predicted[i] = p[i] >= threshold;
    }
    Arena scratch = *keep;
    Item *item = ARENA_RAW(&scratch, Item, n);
    for (size_t i = 0; i < n; i++)
        item[i] = (Item){p[i], (uint32_t)i};
    qsort(item, n, sizeof *item, descending);
    for (size_t i = 0; i < n; i++) {
        run.p[i] = item[i].p;
        run.row[i] = item[i].row;
    }
    return run;
}

/* Calibration error of a pass that comes down from the last position to 0. */
typedef struct Bins {
    size_t total, at, bin; /* position of the next customer is at - 1; present bin */
    double gap, sum;
} Bins;

static void bins_add(Bins *b, size_t count, double gap)
{
    while (count > 0) { /* copies of one customer may lie in several bins */
        size_t start = b->bin * b->total / METRIC_ECE_BINS;
        size_t take = count < b->at - start ? count : b->at - start;
        b->gap += (double)take * gap;
        b->at -= take;
        count -= take;
        if (b->at == start) {
            b->sum += fabs(b->gap);
            b->gap = 0;
            b->bin -= b->bin > 0;
        }
    }
}

/* AUC, average precision and ECE: one pass down the presorted order. */
static void ranked(double out[METRIC_KINDS], const Bootstrap *b, const MetricRun *run,
                   const uint32_t *times, size_t positives, size_t negatives)
{
    size_t n = b->n, found = 0, wrong = 0; /* positives and negatives so far */
    uint64_t halves = 0;
    double precision = 0;
    Bins bins = {positives + negatives, positives + negatives, METRIC_ECE_BINS - 1, 0, 0};
    for (size_t i = 0, j; i < n; i = j) {
        size_t fresh[2] = {0, 0};
        for (j = i; j < n && run->p[j] == run->p[i]; j++) {
            uint32_t count = times[run->row[j]];
            bool label = b->label[run->row[j]] != 0;
            fresh[label] += count;
            bins_add(&bins, count, run->p[j] - (label ? 1.0 : 0.0));
        }
        if (fresh[0] + fresh[1] == 0)
            continue;
        found += fresh[1];
        wrong += fresh[0];
        halves += (uint64_t)fresh[1] * (2 * (uint64_t)(negatives - wrong) + fresh[0]);
        precision += (double)fresh[1] * ((double)found / (double)(found + wrong));
    }
    double p = (double)positives, q = (double)negatives;
    out[METRIC_AUC] = positives == 0 || negatives == 0 ? NAN : (double)halves / (2.0 * p * q);
    out[METRIC_PR_AUC] = positives == 0 ? NAN : precision / p;
    out[METRIC_ECE] = bins.total == 0 ? NAN : bins.sum / (double)bins.total;
}

static double ratio(size_t part, size_t whole)
{
    return whole == 0 ? NAN : (double)part / (double)whole;
}

/* Every metric of one repeat, each row counted times[row] times. */
static void weighted(double out[METRIC_KINDS], const Bootstrap *b, const MetricRun *run,
                     const uint32_t *times)
{
    size_t cell[2][2] = {{0, 0}, {0, 0}}; /* [label][predicted] */
    double loss = 0, square = 0;
    for (size_t i = 0; i < b->n; i++) {
        loss += (double)times[i] * run->loss[i];
        square += (double)times[i] * run->square[i];
        cell[b->label[i] != 0][run->predicted[i]] += times[i];
    }
    size_t positives = cell[1][0] + cell[1][1], negatives = cell[0][0] + cell[0][1];
    size_t total = positives + negatives, right = cell[1][1], wrong = cell[0][1];
    ranked(out, b, run, times, positives, negatives);
    out[METRIC_BRIER] = total == 0 ? NAN : square / (double)total;
    out[METRIC_LOG_LOSS] = total == 0 ? NAN : loss / (double)total;
    out[METRIC_ACCURACY] = ratio(right + cell[0][0], total);
    out[METRIC_PRECISION] = ratio(right, right + wrong);
    out[METRIC_RECALL] = ratio(right, positives);
    out[METRIC_F1] = ratio(2 * right, right + wrong + positives);
}

void metric_averaged(double mean[METRIC_KINDS], double deviation[METRIC_KINDS],
                     const double (*value)[METRIC_KINDS], size_t repeats)
{
    for (int k = 0; k < METRIC_KINDS; k++) {
        double sum = 0, squares = 0, defined = 0;
        for (size_t r = 0; r < repeats; r++)
            if (!is_missing(value[r][k])) {
                sum += value[r][k];
                defined += 1;
            }
        mean[k] = defined > 0 ? sum / defined : NAN;
        for (size_t r = 0; r < repeats; r++)
            if (!is_missing(value[r][k]))
                squares += (value[r][k] - mean[k]) * (value[r][k] - mean[k]);
        if (deviation != NULL)
            deviation[k] = defined > 1 ? sqrt(squares / (defined - 1)) : NAN;
    }
}

/* Draw r: as many groups with positives as there are, with replacement, then as many others. */
static void draw(void *context, size_t r, Arena scratch)
{
    const Bootstrap *b = context;
    Random random = random_new(seed_derive(b->seed, r));
    uint32_t *times = ARENA_ARRAY(&scratch, uint32_t, b->n);
    for (int class = 1; class >= 0; class --)
        for (size_t i = 0; i < b->members[class]; i++) {
            size_t row = b->member[class][random_below(&random, b->members[class])];
            for (; row < b->n; row = b->next[row])
                times[row]++;
        }
    double(*value)[METRIC_KINDS] = arena_alloc(&scratch, b->repeats, sizeof *value);
    for (size_t repeat = 0; repeat < b->repeats; repeat++)
        weighted(value[repeat], b, &b->run[repeat], times);
    double mean[METRIC_KINDS];
    metric_averaged(mean, NULL, (const double(*)[METRIC_KINDS])value, b->repeats);
    for (size_t k = 0; k < METRIC_KINDS; k++)
        b->drawn[k * b->replicates + r] = mean[k];
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void metric_sort(double *value, size_t n)
{
    qsort(value, n, sizeof *value, by_value);
}

double metric_quantile(const double *sorted, size_t n, double share)
{
    if (n == 0)
        return NAN;
    double at = (double)(n - 1) * share;
    size_t below = (size_t)at;
    double over = at - (double)below;
    return below + 1 < n ? sorted[below] + over * (sorted[below + 1] - sorted[below])
                         : sorted[below];
}

double metric_quantile_part(const double *v, size_t n, size_t number, size_t parts)
{
    size_t scaled = (n - 1) * number, below = scaled / parts, rest = scaled % parts;
    if (rest == 0)
        return v[below];
    return v[below] + (double)rest / (double)parts * (v[below + 1] - v[below]);
}

void metric_percentiles(Interval *out, double *drawn, size_t draws)
{
    size_t defined = 0;
    for (size_t r = 0; r < draws; r++)
        if (!is_missing(drawn[r]))
            drawn[defined++] = drawn[r];
    if (defined == 0)
        return;
    metric_sort(drawn, defined);
    out->low = metric_quantile(drawn, defined, 0.025);
    out->high = metric_quantile(drawn, defined, 0.975);
}

/* Chain the kept rows of each group and sort the groups by whether they hold a positive. Answers
 * how few groups hold either class. */
static size_t gather(Bootstrap *b, Arena *arena, const uint32_t *group, const uint32_t *source)
{
    size_t n = b->n, most = 0, holds[2] = {0, 0};
    for (size_t i = 0; group != NULL && i < n; i++)
        most = group[source[i]] > most ? group[source[i]] : most;
    Arena scratch = *arena;
    b->next = ARENA_RAW(&scratch, uint32_t, n);
    b->member[0] = ARENA_RAW(&scratch, uint32_t, n);
    b->member[1] = ARENA_RAW(&scratch, uint32_t, n);
    *arena = scratch;
    uint8_t *has = ARENA_ARRAY(&scratch, uint8_t, n); /* of the group's first row: bits of class */
    uint32_t *first = ARENA_RAW(&scratch, uint32_t, n);
    uint32_t *last = group == NULL ? NULL : ARENA_ARRAY(&scratch, uint32_t, most + 1);
    for (size_t i = 0; i < n; i++) {
        b->next[i] = (uint32_t)n;
        first[i] = (uint32_t)i;
        if (group != NULL && last[group[source[i]]] > 0) { /* 0: none yet */
            uint32_t before = last[group[source[i]]] - 1;
            first[i] = first[before];
            b->next[before] = (uint32_t)i;
        }
        if (group != NULL)
            last[group[source[i]]] = (uint32_t)i + 1;
        has[first[i]] |= b->label[i] != 0 ? 2 : 1;
    }
    for (size_t i = 0; i < n; i++) {
        if (first[i] != i)
            continue;
        bool positive = (has[i] & 2) != 0;
        b->member[positive][b->members[positive]++] = (uint32_t)i;
        holds[0] += (has[i] & 1) != 0;
        holds[1] += positive;
    }
    return holds[0] < holds[1] ? holds[0] : holds[1];
}

static void evaluate(MetricSet *out, double *draws, const double *const *p, size_t repeats,
                     const uint8_t *label, const uint8_t *in, const uint32_t *group, size_t n,
                     double threshold, size_t replicates, uint64_t seed, Team *team)
{
    assert(n < UINT32_MAX);
    *out = (MetricSet){.repeats = repeats, .threshold = threshold};
    for (int k = 0; k < METRIC_KINDS; k++) {
        out->metric[k] = (Interval){NAN, NAN, NAN};
        out->repeat_deviation[k] = NAN;
    }
    Arena arena = arena_new();
    uint8_t *kept = ARENA_RAW(&arena, uint8_t, n);
    uint32_t *source = ARENA_RAW(&arena, uint32_t, n), *once = ARENA_RAW(&arena, uint32_t, n);
    Bootstrap b = {.repeats = repeats, .replicates = replicates, .label = kept, .seed = seed};
    for (size_t i = 0; i < n; i++) {
        if (in != NULL && !in[i])
            continue;
        kept[b.n] = label[i] != 0;
        out->positives += kept[b.n];
        once[b.n] = 1;
        source[b.n++] = (uint32_t)i;
    }
    out->customers = b.n;
    size_t groups = gather(&b, &arena, group, source);

    /* A probability that is missing leaves every metric undefined: to leave the customer out
     * is for the caller to decide, and to say. */
    bool missing = repeats == 0 || b.n == 0;
    double *column = ARENA_RAW(&arena, double, b.n), *mean = ARENA_ARRAY(&arena, double, b.n);
    MetricRun *run = ARENA_ARRAY(&arena, MetricRun, repeats);
    double(*value)[METRIC_KINDS] = arena_alloc(&arena, repeats, sizeof *value);
    for (size_t r = 0; r < repeats && !missing; r++) {
        for (size_t i = 0; i < b.n; i++) {
            column[i] = p[r][source[i]];
            mean[i] += column[i];
            missing = missing || is_missing(column[i]);
        }
        if (missing)
            break;
        run[r] = metric_run(&arena, column, kept, b.n, threshold);
        weighted(value[r], &b, &run[r], once);
    }
    if (!missing) {
        double centre[METRIC_KINDS];
        metric_averaged(centre, out->repeat_deviation, (const double(*)[METRIC_KINDS])value,
                        repeats);
        for (int k = 0; k < METRIC_KINDS; k++)
            out->metric[k].value = centre[k];
        for (size_t i = 0; i < b.n; i++)
            mean[i] /= (double)repeats;
        out->confusion = metric_confusion(mean, kept, b.n, threshold);
    }
    if (!missing && groups >= 2 && replicates > 0) {
        b.run = run;
        b.drawn = arena_raw(&arena, replicates * METRIC_KINDS, sizeof *b.drawn);
        team_run(team, replicates, draw, &b);
        if (draws != NULL)
            memcpy(draws, b.drawn, replicates * METRIC_KINDS * sizeof *draws);
        for (size_t k = 0; k < METRIC_KINDS; k++)
            if (k != METRIC_ECE) /* draws are further from calibrated than their customers */
                metric_percentiles(&out->metric[k], b.drawn + k * replicates, replicates);
        const Units units = {.n = b.n,
                             .label = kept,
                             .unit = {b.member[0], b.member[1]},
                             .units = {b.members[0], b.members[1]},
                             .next = b.next};
        influence_intervals(out, run, repeats, &units, arena);
    }
    arena_free(&arena);
}

void metric_evaluate(MetricSet *out, const double *const *p, size_t repeats, const uint8_t *label,
                     const uint8_t *in, size_t n, double threshold, size_t replicates,
                     uint64_t seed, Team *team)
{
    evaluate(out, NULL, p, repeats, label, in, NULL, n, threshold, replicates, seed, team);
}

void metric_evaluate_groups(MetricSet *out, const double *const *p, size_t repeats,
                            const uint8_t *label, const uint8_t *in, const uint32_t *group,
                            size_t n, double threshold, size_t replicates, uint64_t seed,
                            Team *team)
{
    evaluate(out, NULL, p, repeats, label, in, group, n, threshold, replicates, seed, team);
}

static double *draws_new(Arena *keep, size_t replicates)
{
    double *draws = ARENA_RAW(keep, double, replicates *METRIC_KINDS + 1);
    for (size_t i = 0; i < replicates * METRIC_KINDS; i++)
        draws[i] = NAN;
    return draws;
}

/* Draw r is the same customers for both, because it depends on the seed and the labels alone. */
void metric_compare(MetricDifference *out, const MetricSide *one, const MetricSide *other,
                    const uint8_t *label, const uint8_t *in, const uint32_t *group, size_t n,
                    size_t replicates, uint64_t seed, Team *team)
{
    Arena arena = arena_new();
    double *a = draws_new(&arena, replicates), *b = draws_new(&arena, replicates);
    evaluate(&out->one, a, one->p, one->repeats, label, in, group, n, one->threshold, replicates,
             seed, team);
    evaluate(&out->other, b, other->p, other->repeats, label, in, group, n, other->threshold,
             replicates, seed, team);
    for (size_t k = 0; k < METRIC_KINDS; k++) {
        Interval *d = &out->difference[k];
        *d = (Interval){out->one.metric[k].value - out->other.metric[k].value, NAN, NAN};
        for (size_t r = 0; r < replicates; r++)
            a[k * replicates + r] -= b[k * replicates + r];
        metric_percentiles(d, a + k * replicates, replicates);
    }
    arena_free(&arena);
}
