/* curves.c - how the score follows a feature's values, beside what was observed there. */
#include "inspect/inspect_internal.h"

#include <math.h>
#include <string.h>

enum { CURVE_BINS = 8, EFFECT_CUSTOMERS = 500 };

size_t importance_bins(double *upper, const double *ascending, size_t n, size_t bins)
{
    size_t least = (n + bins - 1) / bins, made = 0, held = 0, values = 0;
    bool single = false; /* the last bin made is one value */
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && ascending[j] == ascending[i];)
            j++;
        if (j - i >= least && held > 0) { /* heavy: what was gathered ends before it */
            made++;
            held = values = 0;
        }
        upper[made] = ascending[i];
        held += j - i;
        values++;
        if (held >= least) {
            single = values == 1;
            made++;
            held = values = 0;
        }
    }
    if (held > 0 && made > 0 && !single && 2 * held < least) /* too few for a bin of their own */
        upper[made - 1] = upper[made];
    else if (held > 0)
        made++;
    return made;
}

/* One curve in the making. */
typedef struct Plot {
    uint32_t place, column;
    bool levels;
    size_t ends;   /* bins of known values */
    double *upper; /* [ends] */
    double *at;    /* [ends] mean value of the customers there */
    double low;
    size_t knots; /* between which local effects are taken */
    double *knot;
} Plot;

typedef struct Plotting {
    const Measuring *m;
    size_t curves;
    Plot *plot;
    size_t rows;    /* of the sample, that local effects are averaged over */
    uint32_t *row;  /* of the set */
    double *effect; /* [judges][curves][CURVE_BINS_MAX] */
} Plotting;

enum { CURVE_BINS_MAX = 3 * CURVE_BINS };

static size_t bin_of(const Plot *p, double x)
{
    size_t b = 0;
    while (b + 1 < p->ends && x > p->upper[b])
        b++;
    return b;
}

static void plot_new(Plot *p, Arena *scratch, const Measuring *m, uint32_t place)
{
    const Matrix *x = m->inputs->set->x;
    *p = (Plot){.place = place, .column = m->first[place]};
    p->levels = !str_equal(x->name[p->column], m->inputs->name[m->feature[place]]);
    if (p->levels)
        return;
    double *known = ARENA_RAW(scratch, double, x->rows + 1);
    size_t n = 0;
    for (size_t i = 0; i < x->rows; i++) {
        double v = (double)matrix_row(x, i)[p->column];
        if (!is_missing(v))
            known[n++] = v;
    }
    metric_sort(known, n);
    if (n == 0)
        return;
    p->upper = ARENA_RAW(scratch, double, n + 1);
    p->ends = importance_bins(p->upper, known, n, CURVE_BINS);
    p->low = known[0];
    p->at = ARENA_ARRAY(scratch, double, p->ends);
    double *count = ARENA_ARRAY(scratch, double, p->ends);
    for (size_t i = 0; i < n; i++) {
        size_t b = bin_of(p, known[i]);
        p->at[b] += known[i];
        count[b]++;
    }
    for (size_t b = 0; b < p->ends; b++)
        p->at[b] /= count[b];
    p->knot = ARENA_RAW(scratch, double, p->ends + 1);
    p->knot[p->knots++] = p->low;
    for (size_t b = 0; b < p->ends; b++)
        if (p->upper[b] > p->low)
            p->knot[p->knots++] = p->upper[b];
}

/* ---- accumulated local effects ---- */

/* The knot at the upper end of a value's interval. */
static size_t interval_of(const Plot *p, double x)
{
    size_t k = 1;
    while (k + 1 < p->knots && x > p->knot[k])
        k++;
    return k;
}

/* The accumulated effect at a value, by a straight line between knots. */
static double effect_at(const Plot *p, const double *sum, double x)
{
    size_t k = interval_of(p, x);
    double share = (x - p->knot[k - 1]) / (p->knot[k] - p->knot[k - 1]);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return sum[k - 1] + share * (sum[k] - sum[k - 1]);
}

/* Every customer at both ends of the interval its value lies in, all else as it is; what that
 * changes, averaged over the customers of an interval, adds up to the curve. */
static void effect_of(const Plotting *q, size_t judge, size_t curve, Arena scratch)
{
    const Judge *g = &q->m->judge[judge];
    const Plot *p = &q->plot[curve];
    const Matrix *all = g->model.x;
    double *out = q->effect + (judge * q->curves + curve) * CURVE_BINS_MAX;
    if (p->levels || p->knots < 2)
        return;
    Matrix x = *all;
    size_t n = 0;
    double *value = ARENA_RAW(&scratch, double, q->rows + 1);
    double *margin = ARENA_RAW(&scratch, double, 2 * q->rows + 1);
    x.value = ARENA_RAW(&scratch, float, 2 * q->rows * all->columns + 1);
    for (size_t i = 0; i < q->rows; i++) {
        const float *own = matrix_row(all, q->row[i]);
        value[n] = (double)own[p->column];
        if (is_missing(value[n]))
            continue;
        size_t k = interval_of(p, value[n]);
        for (size_t end = 0; end < 2; end++) {
            float *to = x.value + (2 * n + end) * x.columns;
            memcpy(to, own, x.columns * sizeof *own);
            to[p->column] = (float)p->knot[k - 1 + end];
        }
        n++;
    }
    x.rows = 2 * n;
    model_margin(g->model.model, &x, margin);
    double *sum = ARENA_ARRAY(&scratch, double, p->knots);
    double *count = ARENA_ARRAY(&scratch, double, p->knots), mean = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = interval_of(p, value[i]);
        sum[k] += g->platt.slope * (margin[2 * i + 1] - margin[2 * i]);
        count[k]++;
    }
    for (size_t k = 1; k < p->knots; k++)
        sum[k] = sum[k - 1] + (count[k] > 0 ? sum[k] / count[k] : 0);
    for (size_t i = 0; i < n; i++)
        mean += effect_at(p, sum, value[i]) / (double)n;
    for (size_t b = 0; b < p->ends; b++)
        out[b] = effect_at(p, sum, p->at[b]) - mean;
}

static void effect_task(void *context, size_t task, Arena scratch)
{
    const Plotting *q = context;
    for (size_t c = 0; c < q->curves; c++)
        effect_of(q, task, c, scratch);
}

/* ---- what was observed ---- */

/* The bin of a row of any matrix with the set's columns: known values, or levels and "other", then
 * missing. */
static size_t place_of(const Plot *p, const Measuring *m, const float *row)
{
    if (p->levels) {
        uint32_t from = m->first[p->place], end = m->first[p->place + 1];
        for (uint32_t c = from; c < end; c++)
            if (row[c] > 0.5F)
                return c - from;
        return end - from;
    }
    double x = (double)row[p->column];
    return is_missing(x) ? p->ends : bin_of(p, x);
}

static void count_bins(ImportanceCurve *c, const Plot *p, const Measuring *m)
{
    const TrainingSet *set = m->inputs->set;
    for (size_t i = 0; i < set->x->rows; i++) {
        ImportanceBin *b = &c->bin[place_of(p, m, matrix_row(set->x, i))];
        b->customers++;
        b->positives += set->label[i] != 0;
    }
    const Matrix *scored = m->inputs->scored;
    for (size_t i = 0; scored != NULL && i < scored->rows; i++) {
        const float *row = matrix_row(scored, i);
        c->bin[place_of(p, m, row)].scored++;
        if (p->levels || p->ends == 0)
            continue;
        c->scored_below += (double)row[p->column] < p->low;
        c->scored_above += (double)row[p->column] > p->upper[p->ends - 1];
    }
}

static void mean_contributions(ImportanceCurve *c, const Plot *p, const Measuring *m, Arena scratch)
{
    double *sum = ARENA_ARRAY(&scratch, double, c->bins),
           *n = ARENA_ARRAY(&scratch, double, c->bins);
    for (size_t r = 0; r < m->repeats; r++)
        for (size_t i = 0; i < m->rows; i++) {
            size_t b = place_of(p, m, matrix_row(m->inputs->set->x, m->row[i]));
            sum[b] += m->phi[(r * m->rows + i) * m->features + p->place];
            n[b]++;
        }
    for (size_t b = 0; b < c->bins; b++)
        c->bin[b].contribution = n[b] > 0 ? sum[b] / n[b] : (double)NAN;
}

static Interval effect_over(const Plotting *q, size_t curve, size_t bin)
{
    Interval e = {0, INFINITY, -INFINITY};
    for (size_t j = 0; j < q->m->judges; j++) {
        double x = q->effect[(j * q->curves + curve) * CURVE_BINS_MAX + bin];
        e.value += x / (double)q->m->judges;
        e.low = fmin(e.low, x);
        e.high = fmax(e.high, x);
    }
    return e;
}

static Str level_of(Arena *keep, const Measuring *m, const Plot *p, size_t bin)
{
    uint32_t c = m->first[p->place] + (uint32_t)bin;
    if (c == m->first[p->place + 1])
        return S("other");
    Str name = m->inputs->set->x->name[c];
    return str_copy(keep,
                    str_slice(name, m->inputs->name[m->feature[p->place]].size + 1, name.size));
}

static void curve_make_one(ImportanceCurve *c, Arena *keep, const Plotting *q, size_t curve,
                           Arena scratch)
{
    const Measuring *m = q->m;
    const Plot *p = &q->plot[curve];
    size_t values = p->levels ? m->first[p->place + 1] - m->first[p->place] + 1 : p->ends;
    *c = (ImportanceCurve){.feature = m->feature[p->place],
                           .name = m->inputs->name[m->feature[p->place]],
                           .levels = p->levels,
                           .bins = p->levels ? values : values + 1};
    c->bin = ARENA_ARRAY(keep, ImportanceBin, c->bins);
    count_bins(c, p, m);
    mean_contributions(c, p, m, scratch);
    for (size_t b = 0; b < c->bins; b++) {
        ImportanceBin *bin = &c->bin[b];
        bin->low = bin->high = (double)NAN;
        bin->effect = (Interval){NAN, NAN, NAN};
        bin->share = metric_proportion(bin->positives, bin->customers);
        if (p->levels) {
            bin->level = level_of(keep, m, p, b);
        } else if (b == p->ends) {
            bin->missing = true;
            bin->level = S("missing");
        } else {
            bin->high = p->upper[b];
            bin->low = b > 0 ? p->upper[b - 1] : p->low;
            if (p->at[b] == bin->high)
                bin->low = bin->high;
            if (p->knots > 1)
                bin->effect = effect_over(q, curve, b);
        }
    }
    if (!p->levels && c->bin[p->ends].customers + c->bin[p->ends].scored == 0)
        c->bins--;
}

void importance_curves(Importance *out, Arena *keep, Measuring *m, Team *team, Arena scratch)
{
    Plotting q = {.m = m, .plot = ARENA_ARRAY(&scratch, Plot, IMPORTANCE_CURVES)};
    for (size_t i = 0; i < out->shaps && q.curves < IMPORTANCE_CURVES; i++) {
        const ImportanceShap *s = &out->shap[i];
        if (s->of != IMPORTANCE_FEATURE || !(s->size[0].value > 0))
            continue;
        uint32_t place = 0;
        while (m->feature[place] != s->feature)
            place++;
        plot_new(&q.plot[q.curves++], &scratch, m, place);
    }
    size_t step = (m->rows + EFFECT_CUSTOMERS - 1) / EFFECT_CUSTOMERS;
    q.row = ARENA_RAW(&scratch, uint32_t, m->rows + 1);
    for (size_t i = 0; i < m->rows; i += step)
        q.row[q.rows++] = m->row[i];
    q.effect = ARENA_ARRAY(&scratch, double, m->judges *q.curves *CURVE_BINS_MAX + 1);
    team_run(team, m->judges, effect_task, &q);
    out->curves = q.curves;
    out->curve = ARENA_ARRAY(keep, ImportanceCurve, q.curves + 1);
    for (size_t c = 0; c < q.curves; c++)
        curve_make_one(&out->curve[c], keep, &q, c, scratch);
}
