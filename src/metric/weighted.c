#include "metric/metric_internal.h"

#include <assert.h>
#include <math.h>

/* As in evaluate.c a draw is a number for each customer; here it is multiplicity times weight, and
 * sums are doubles taken in a fixed order. */

typedef struct Bootstrap {
    size_t n, repeats, replicates, cells;
    const uint8_t *label;   /* [n] */
    const double *weight;   /* [n] all above 0 */
    const uint32_t *member; /* [units] those who are linked by the first of them, by cell */
    const uint32_t *next;   /* [n] of the same group; n when it is the last */
    const size_t *start;    /* [cells + 1] where each cell's begin in member */
    const MetricRun *run;   /* [repeats] */
    uint64_t seed;
    double *drawn; /* [METRIC_KINDS][replicates] */
} Bootstrap;

/* Calibration error of a pass that comes down from the whole weight to 0. */
typedef struct Bins {
    double total, at;
    size_t bin;
    double gap, sum;
} Bins;

static void bins_add(Bins *b, double weight, double gap)
{
    while (weight > 0) { /* one customer may lie in several bins */
        double start = (double)b->bin * b->total / METRIC_ECE_BINS, room = b->at - start;
        if (b->bin == 0 || weight < room) {
            b->gap += weight * gap;
            b->at -= weight;
            return;
        }
        b->gap += room * gap;
        b->sum += fabs(b->gap);
        b->gap = 0;
        b->at = start;
        b->bin--;
        weight -= room;
    }
}

/* AUC, average precision and ECE: one pass down the presorted order. */
static void ranked(double out[METRIC_KINDS], const Bootstrap *b, const MetricRun *run,
                   const double *times, double positives, double negatives)
{
    double found = 0, wrong = 0, pairs = 0, precision = 0;
    Bins bins = {positives + negatives, positives + negatives, METRIC_ECE_BINS - 1, 0, 0};
    for (size_t i = 0, j; i < b->n; i = j) {
        double fresh[2] = {0, 0};
        for (j = i; j < b->n && run->p[j] == run->p[i]; j++) {
            bool label = b->label[run->row[j]] != 0;
            double count = times[run->row[j]];
            fresh[label] += count;
            bins_add(&bins, count, run->p[j] - (label ? 1.0 : 0.0));
        }
        if (fresh[0] + fresh[1] == 0)
            continue;
        found += fresh[1];
        wrong += fresh[0];
        pairs += fresh[1] * (negatives - wrong + 0.5 * fresh[0]);
        precision += fresh[1] * (found / (found + wrong));
    }
    out[METRIC_AUC] = positives == 0 || negatives == 0 ? NAN : pairs / (positives * negatives);
    out[METRIC_PR_AUC] = positives == 0 ? NAN : precision / positives;
    out[METRIC_ECE] = bins.total == 0 ? NAN : (bins.sum + fabs(bins.gap)) / bins.total;
}

static double ratio(double part, double whole)
{
    return whole == 0 ? NAN : part / whole;
}

/* Every metric of one repeat, each row counted times[row] times. */
static void weighted(double out[METRIC_KINDS], const Bootstrap *b, const MetricRun *run,
                     const double *times)
{
    double cell[2][2] = {{0, 0}, {0, 0}}; /* [label][predicted] */
    double loss = 0, square = 0;
    for (size_t i = 0; i < b->n; i++) {
        loss += times[i] * run->loss[i];
        square += times[i] * run->square[i];
        cell[b->label[i] != 0][run->predicted[i]] += times[i];
    }
    double positives = cell[1][0] + cell[1][1], negatives = cell[0][0] + cell[0][1];
    double total = positives + negatives, right = cell[1][1], wrong = cell[0][1];
    ranked(out, b, run, times, positives, negatives);
    out[METRIC_BRIER] = ratio(square, total);
    out[METRIC_LOG_LOSS] = ratio(loss, total);
    out[METRIC_ACCURACY] = ratio(right + cell[0][0], total);
    out[METRIC_PRECISION] = ratio(right, right + wrong);
    out[METRIC_RECALL] = ratio(right, positives);
    out[METRIC_F1] = ratio(2 * right, right + wrong + positives);
}

/* Draw r: from each cell in turn as many customers as it has, with replacement. */
static void draw(void *context, size_t r, Arena scratch)
{
    const Bootstrap *b = context;
    Random random = random_new(seed_derive(b->seed, r));
    double *times = ARENA_ARRAY(&scratch, double, b->n);
    for (size_t c = 0; c < b->cells; c++) {
        size_t from = b->start[c], members = b->start[c + 1] - from;
        for (size_t i = 0; i < members; i++) {
            uint32_t row = b->member[from + random_below(&random, members)];
            for (; row < b->n; row = b->next[row])
                times[row] += b->weight[row];
        }
    }
    double(*value)[METRIC_KINDS] = arena_alloc(&scratch, b->repeats, sizeof *value);
    for (size_t repeat = 0; repeat < b->repeats; repeat++)
        weighted(value[repeat], b, &b->run[repeat], times);
    double mean[METRIC_KINDS];
    metric_averaged(mean, NULL, (const double(*)[METRIC_KINDS])value, b->repeats);
    for (size_t k = 0; k < METRIC_KINDS; k++)
        b->drawn[k * b->replicates + r] = mean[k];
}

/* Chains of those who are linked; first[i] says who begins one. */
static void find_links(uint32_t *next, uint8_t *first, size_t n, const uint32_t *group,
                       Arena scratch)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        next[i] = (uint32_t)n;
        first[i] = 1;
        most = group != NULL && group[i] > most ? group[i] : most;
    }
    if (group == NULL)
        return;
    uint32_t *last = ARENA_ARRAY(&scratch, uint32_t, (size_t)most + 1); /* row + 1 */
    for (size_t i = 0; i < n; i++) {
        if (last[group[i]] > 0) {
            next[last[group[i]] - 1] = (uint32_t)i;
            first[i] = 0;
        }
        last[group[i]] = (uint32_t)i + 1;
    }
}

/* Who is drawn, by cell. */
static void find_cells(Bootstrap *b, Arena *arena, const uint32_t *cell, const uint32_t *group)
{
    uint32_t most = 0;
    for (size_t i = 0; i < b->n; i++)
        most = cell[i] > most ? cell[i] : most;
    b->cells = (size_t)most + 1;
    size_t *start = ARENA_ARRAY(arena, size_t, b->cells + 1);
    size_t *at = ARENA_ARRAY(arena, size_t, b->cells);
    uint32_t *member = ARENA_RAW(arena, uint32_t, b->n), *next = ARENA_RAW(arena, uint32_t, b->n);
    uint8_t *first = ARENA_RAW(arena, uint8_t, b->n);
    find_links(next, first, b->n, group, *arena);
    for (size_t i = 0; i < b->n; i++)
        start[cell[i] + 1] += first[i];
    for (size_t c = 0; c < b->cells; c++) {
        start[c + 1] += start[c];
        at[c] = start[c];
    }
    for (size_t i = 0; i < b->n; i++)
        if (first[i])
            member[at[cell[i]]++] = (uint32_t)i;
    b->start = start;
    b->member = member;
    b->next = next;
}

void metric_evaluate_weighted(MetricSet *out, const double *const *p, size_t repeats,
                              const uint8_t *label, const double *weight, const uint32_t *cell,
                              const uint32_t *group, size_t n, double threshold, size_t replicates,
                              uint64_t seed, Team *team)
{
    assert(n < UINT32_MAX);
    *out = (MetricSet){.repeats = repeats, .threshold = threshold};
    for (int k = 0; k < METRIC_KINDS; k++) {
        out->metric[k] = (Interval){NAN, NAN, NAN};
        out->repeat_deviation[k] = NAN;
    }
    Arena arena = arena_new();
    uint8_t *kept = ARENA_RAW(&arena, uint8_t, n);
    double *share = ARENA_RAW(&arena, double, n);
    uint32_t *source = ARENA_RAW(&arena, uint32_t, n), *of = ARENA_RAW(&arena, uint32_t, n);
    uint32_t *link = group == NULL ? NULL : ARENA_RAW(&arena, uint32_t, n);
    Bootstrap b = {
        .repeats = repeats, .replicates = replicates, .label = kept, .weight = share, .seed = seed};
    for (size_t i = 0; i < n; i++) {
        assert(weight[i] >= 0);
        if (weight[i] == 0)
            continue;
        kept[b.n] = label[i] != 0;
        share[b.n] = weight[i];
        of[b.n] = cell == NULL ? 0 : cell[i];
        if (link != NULL)
            link[b.n] = group[i];
        source[b.n++] = (uint32_t)i;
        out->positives += label[i] != 0;
    }
    out->customers = b.n;

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
        weighted(value[r], &b, &run[r], share);
    }
    size_t negatives = out->customers - out->positives;
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
    if (!missing && negatives >= 2 && out->positives >= 2 && replicates > 0) {
        find_cells(&b, &arena, of, link);
        b.run = run;
        b.drawn = arena_raw(&arena, replicates * METRIC_KINDS, sizeof *b.drawn);
        team_run(team, replicates, draw, &b);
        for (size_t k = 0; k < METRIC_KINDS; k++)
            if (k != METRIC_ECE) /* as in metric_evaluate */
                metric_percentiles(&out->metric[k], b.drawn + k * replicates, replicates);
    }
    arena_free(&arena);
}

double metric_effective(const double *weight, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += weight[i];
        squares += weight[i] * weight[i];
    }
    return squares == 0 ? 0 : sum * sum / squares;
}
