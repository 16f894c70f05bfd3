/* correlate.c - Spearman's coefficient of every two numeric features, over those who have both. */
#include "describe/describe_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Item {
    double value;
    uint32_t row;
} Item;

static int ascending(const void *a, const void *b)
{
    const Item *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

typedef struct Work {
    const Item **item;   /* [numbers] the rows with a value, by value */
    const size_t *known; /* [numbers] */
    int32_t **rank;      /* [numbers][rows] twice the rank among them; 0: no value */
    double *rho;
    uint32_t *both; /* [numbers][numbers] */
    size_t numbers, rows;
} Work;

/* Twice the mean rank of those for whom `with` is not 0, so that ranks are whole numbers; 0 for the
 * others. */
static void rank_among(int32_t *out, const Item *item, size_t known, const int32_t *with)
{
    int32_t before = 0;
    for (size_t i = 0, j; i < known; i = j) {
        int32_t equal = 0;
        for (j = i; j < known && item[j].value == item[i].value; j++)
            equal += with[item[j].row] != 0;
        for (size_t k = i; k < j; k++)
            out[item[k].row] = with[item[k].row] != 0 ? 2 * before + equal + 1 : 0;
        before += equal;
    }
}

/* Twice a rank is at most 2 * DESCRIBE_SAMPLE_MAX, so sums of their products are exact. */
static double correlate(const int32_t *x, const int32_t *y, size_t rows, size_t n)
{
    int64_t dot = 0, xx = 0, yy = 0;
    int32_t middle = (int32_t)n + 1; /* twice the mean rank */
    for (size_t i = 0; i < rows; i++) {
        int32_t known = (x[i] != 0) & (y[i] != 0);
        int32_t a = (x[i] - middle) * known, b = (y[i] - middle) * known;
        dot += (int64_t)a * b;
        xx += (int64_t)a * a;
        yy += (int64_t)b * b;
    }
    return xx == 0 || yy == 0 ? MISSING_VALUE : (double)dot / (sqrt((double)xx) * sqrt((double)yy));
}

static void pairs_task(void *context, size_t a, Arena scratch)
{
    const Work *w = context;
    int32_t *x = ARENA_RAW(&scratch, int32_t, w->rows + 1);
    int32_t *y = ARENA_RAW(&scratch, int32_t, w->rows + 1);
    w->rho[a * w->numbers + a] = 1;
    for (size_t b = 0; b < a; b++) {
        size_t both = 0;
        for (size_t i = 0; i < w->rows; i++)
            both += (w->rank[a][i] != 0) & (w->rank[b][i] != 0);
        double rho = MISSING_VALUE;
        if (both >= DESCRIBE_PAIR_LEAST && both == w->known[a] && both == w->known[b]) {
            rho = correlate(w->rank[a], w->rank[b], w->rows, both);
        } else if (both >= DESCRIBE_PAIR_LEAST) {
            memset(x, 0, w->rows * sizeof *x);
            memset(y, 0, w->rows * sizeof *y);
            rank_among(x, w->item[a], w->known[a], w->rank[b]);
            rank_among(y, w->item[b], w->known[b], w->rank[a]);
            rho = correlate(x, y, w->rows, both);
        }
        w->rho[a * w->numbers + b] = rho;
        w->both[a * w->numbers + b] = (uint32_t)both;
    }
}

/* Which |z| a normal exceeds with this probability, on both sides together. */
static double beyond_of(double probability)
{
    double low = 0, high = 40;
    for (int i = 0; i < 200; i++) {
        double middle = (low + high) / 2;
        if (2 * metric_normal_tail(middle) > probability)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static double hyperbolic_tangent(double x)
{
    return 1 - 2 / (stable_exp(2 * x) + 1);
}

static Interval interval_of(double rho, size_t n)
{
    if (fabs(rho) >= 1)
        return (Interval){rho, rho, rho};
    double z = 0.5 * stable_log((1 + rho) / (1 - rho));
    double error = 1.959963984540054 * sqrt((1 + rho * rho / 2) / ((double)n - 3));
    return (Interval){rho, hyperbolic_tangent(z - error), hyperbolic_tangent(z + error)};
}

static int by_strength(const void *a, const void *b)
{
    const DescribedPair *x = a, *y = b;
    double s = fabs(x->rho.value), t = fabs(y->rho.value);
    if (s != t)
        return s > t ? -1 : 1;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

static void collect(Correlations *out, Arena *keep, const Work *w, Arena scratch)
{
    size_t n = w->numbers;
    DescribedPair *pair = ARENA_RAW(&scratch, DescribedPair, n * (n + 1) / 2 + 1);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < a; b++) {
            double rho = w->rho[a * n + b];
            w->rho[b * n + a] = rho;
            if (!is_missing(rho))
                pair[out->tested++] = (DescribedPair){.a = (uint32_t)b,
                                                      .b = (uint32_t)a,
                                                      .customers = w->both[a * n + b],
                                                      .rho = {.value = rho}};
        }
    if (out->tested == 0)
        return;
    out->noise_z = beyond_of(0.05 / (double)out->tested);
    qsort(pair, out->tested, sizeof *pair, by_strength);
    for (size_t i = 0; i < out->tested; i++) {
        pair[i].beyond =
            fabs(pair[i].rho.value) * sqrt((double)pair[i].customers - 1) > out->noise_z;
        pair[i].rho = interval_of(pair[i].rho.value, pair[i].customers);
        out->beyond += pair[i].beyond;
    }
    out->pairs = out->tested < DESCRIBE_PAIRS_MAX ? out->tested : DESCRIBE_PAIRS_MAX;
    out->pair = arena_copy(keep, pair, out->pairs * sizeof *pair);
}

void correlations_describe(Correlations *out, Arena *keep, Arena scratch,
                           const DescribedColumn *column, size_t columns, const Table *features,
                           Team *team)
{
    out->number = ARENA_ARRAY(keep, uint32_t, DESCRIBE_NUMBERS_MAX);
    for (size_t k = 0; k < columns; k++) {
        if (!column[k].feature || column[k].kind != DESCRIBE_NUMBER)
            continue;
        if (out->numbers == DESCRIBE_NUMBERS_MAX)
            out->numbers_left++;
        else
            out->number[out->numbers++] = (uint32_t)k;
    }
    size_t all = features->rows, n = out->numbers;
    size_t rows = all < DESCRIBE_SAMPLE_MAX ? all : DESCRIBE_SAMPLE_MAX;
    out->of = all;
    out->customers = rows;
    out->rho = ARENA_ARRAY(keep, double, n *n + 1);
    size_t *known = ARENA_ARRAY(&scratch, size_t, n + 1);
    Work w = {.item = ARENA_ARRAY(&scratch, const Item *, n + 1),
              .known = known,
              .rank = ARENA_ARRAY(&scratch, int32_t *, n + 1),
              .rho = out->rho,
              .both = ARENA_ARRAY(&scratch, uint32_t, n * n + 1),
              .numbers = n,
              .rows = rows};
    int32_t *everybody = ARENA_RAW(&scratch, int32_t, rows + 1);
    for (size_t i = 0; i < rows; i++)
        everybody[i] = 1;
    for (size_t k = 0; k < n; k++) {
        const Column *c = &features->column[column[out->number[k]].index];
        Item *item = ARENA_RAW(&scratch, Item, rows + 1);
        w.rank[k] = ARENA_ARRAY(&scratch, int32_t, rows + 1);
        for (size_t i = 0; i < rows; i++) {
            double x = describe_number(c, i * all / rows);
            if (!is_missing(x))
                item[known[k]++] = (Item){x, (uint32_t)i};
        }
        qsort(item, known[k], sizeof *item, ascending);
        w.item[k] = item;
        rank_among(w.rank[k], item, known[k], everybody);
    }
    team_run(team, n, pairs_task, &w);
    collect(out, keep, &w, scratch);
}
