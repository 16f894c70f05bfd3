/* shap_summary.c - what features add to the score of customers whom the model did not learn from.
 */
#include "inspect/inspect_internal.h"

#include <math.h>
#include <stdlib.h>

/* Rank correlation of a feature's known values and their contributions; NaN without variation. */
static double direction_of(const Judge *g, size_t column, const double *phi, size_t step,
                           Arena scratch)
{
    size_t known = 0;
    double *value = ARENA_RAW(&scratch, double, g->rows + 1);
    double *added = ARENA_RAW(&scratch, double, g->rows + 1);
    for (size_t i = 0; i < g->rows; i++) {
        double x = (double)matrix_row(g->x, i)[column];
        if (is_missing(x))
            continue;
        value[known] = x;
        added[known++] = phi[i * step];
    }
    double *a = ARENA_RAW(&scratch, double, known + 1), *b = ARENA_RAW(&scratch, double, known + 1);
    importance_ranks(a, value, known, scratch);
    importance_ranks(b, added, known, scratch);
    double dot = 0, square[2] = {0, 0};
    for (size_t i = 0; i < known; i++) {
        dot += a[i] * b[i];
        square[0] += a[i] * a[i];
        square[1] += b[i] * b[i];
    }
    return square[0] > 0 && square[1] > 0 ? dot : (double)NAN;
}

void importance_contribute(Measuring *m, size_t judge, Arena scratch)
{
    const Judge *g = &m->judge[judge];
    size_t width = g->x->columns + 1;
    double *phi = ARENA_RAW(&scratch, double, g->rows *width + 1);
    double *own = ARENA_RAW(&scratch, double, g->rows * m->features + 1);
    Arena inner = arena_new();
    model_explain(g->model.model, g->x, inner, phi);
    arena_free(&inner);
    for (size_t i = 0; i < g->rows; i++) {
        double *to = m->phi + (g->repeat * m->rows + g->position[i]) * m->features;
        for (size_t f = 0; f < m->features; f++) {
            double sum = 0;
            for (uint32_t c = m->first[f]; c < m->first[f + 1]; c++)
                sum += phi[i * width + c];
            to[f] = own[i * m->features + f] = g->platt.slope * sum;
        }
    }
    for (size_t f = 0; f < m->features; f++)
        m->direction[judge * m->features + f] =
            m->first[f + 1] - m->first[f] > 1
                ? (double)NAN
                : direction_of(g, m->first[f], own + f, m->features, scratch);
}

/* ---- summaries ---- */

/* Features or families by what their members add together. */
typedef struct Summing {
    const Measuring *m;
    size_t slices;
    uint8_t **in;   /* [slices][rows] */
    double *size;   /* [judges] of one slice */
    double *on_all; /* [judges][features] sizes on ALL */
} Summing;

static double together(const double *phi, const uint32_t *member, size_t members)
{
    double sum = 0;
    for (size_t k = 0; k < members; k++)
        sum += phi[member[k]];
    return sum;
}

static void slice_figures(ImportanceShap *out, Summing *s, size_t item, size_t slice)
{
    const Measuring *m = s->m;
    double sum = 0, count = 0;
    for (size_t j = 0; j < m->judges; j++) {
        const Judge *g = &m->judge[j];
        double size = 0;
        size_t n = 0;
        for (size_t i = 0; i < g->rows; i++) {
            if (!s->in[slice][g->position[i]])
                continue;
            double added = together(m->phi + (g->repeat * m->rows + g->position[i]) * m->features,
                                    m->member[item], m->item[item].features);
            size += fabs(added);
            sum += added;
            n++;
        }
        count += (double)n;
        s->size[j] = n == 0 ? (double)NAN : size / (double)n;
    }
    out->size[slice] = importance_over_models(s->size, m->judges, m->folds);
    if (out->size[slice].low < 0) /* a size is not below nothing */
        out->size[slice].low = 0;
    out->mean[slice] = count == 0 ? (double)NAN : sum / count;
}

static Interval direction_over(const Measuring *m, size_t feature, Arena scratch)
{
    double *known = ARENA_RAW(&scratch, double, m->judges + 1), sum = 0;
    size_t n = 0;
    for (size_t j = 0; j < m->judges; j++) {
        double d = m->direction[j * m->features + feature];
        if (!is_missing(d)) {
            sum += d;
            known[n++] = d;
        }
    }
    metric_sort(known, n);
    return (Interval){n == 0 ? (double)NAN : sum / (double)n, metric_quantile(known, n, 0.05),
                      metric_quantile(known, n, 0.95)};
}

static void scored_figures(ImportanceShap *out, const Measuring *m, size_t item)
{
    const ImportanceInputs *in = m->inputs;
    size_t n = in->scored == NULL ? 0 : in->scored->rows;
    out->scored = (Interval){NAN, NAN, NAN};
    out->scored_mean = (double)NAN;
    if (n == 0)
        return;
    double size = 0, square = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double *phi = in->contribution + i * (in->scored->columns + 1);
        double added = 0;
        for (size_t k = 0; k < m->item[item].features; k++)
            for (uint32_t c = m->first[m->member[item][k]]; c < m->first[m->member[item][k] + 1];
                 c++)
                added += phi[c];
        sum += added;
        size += fabs(added);
        square += added * added;
    }
    double mean = size / (double)n, variance = square / (double)n - mean * mean;
    double half = 1.959963984540054 * sqrt(fmax(variance, 0) / (double)n);
    out->scored =
        (Interval){mean, n < 2 ? (double)NAN : mean - half, n < 2 ? (double)NAN : mean + half};
    out->scored_mean = sum / (double)n;
}

static int largest_first(const void *a, const void *b)
{
    const ImportanceShap *x = a, *y = b;
    if (x->of != y->of)
        return x->of < y->of ? -1 : 1;
    if (x->size[0].value != y->size[0].value)
        return x->size[0].value > y->size[0].value ? -1 : 1;
    return str_compare(x->name, y->name);
}

/* ALL, both classes, and every stratum that is not everybody. */
static void find_slices(Importance *out, Arena *keep, Summing *s, Arena *scratch)
{
    const Measuring *m = s->m;
    const TrainingSet *set = m->inputs->set;
    out->slice = ARENA_ARRAY(keep, ImportanceSlice, 3 + set->strata);
    s->in = ARENA_ARRAY(scratch, uint8_t *, 3 + set->strata);
    for (size_t k = 0; k < 3 + set->strata; k++) {
        uint8_t *in = ARENA_ARRAY(scratch, uint8_t, m->rows + 1);
        const uint8_t *mask = k < 3 ? NULL : set->in_stratum[k - 3];
        size_t inside = 0;
        for (size_t i = 0; i < m->rows; i++) {
            uint8_t label = set->label[m->row[i]] != 0;
            in[i] = k == 1 ? label : k == 2 ? !label : mask == NULL ? 1 : mask[m->row[i]] != 0;
            inside += in[i];
        }
        if (k >= 3 && inside == m->rows)
            continue;
        s->in[s->slices] = in;
        out->slice[s->slices++] = (ImportanceSlice){k == 0   ? S("ALL")
                                                    : k == 1 ? S("positive")
                                                    : k == 2 ? S("negative")
                                                             : set->stratum[k - 3],
                                                    inside};
    }
    out->slices = s->slices;
}

void importance_contributed(Importance *out, Arena *keep, Measuring *m, Arena scratch)
{
    Summing s = {.m = m};
    find_slices(out, keep, &s, &scratch);
    s.size = ARENA_RAW(&scratch, double, m->judges + 1);
    s.on_all = ARENA_RAW(&scratch, double, m->judges * m->features + 1);
    ImportanceRank *rank = ARENA_RAW(&scratch, ImportanceRank, m->features + 1);
    out->shap = ARENA_ARRAY(keep, ImportanceShap, m->items + 1);
    out->scored = m->inputs->scored == NULL ? 0 : m->inputs->scored->rows;
    for (size_t item = 0; item < m->items; item++) {
        const ImportanceItem *i = &m->item[item];
        if (i->of != IMPORTANCE_FEATURE && i->of != IMPORTANCE_FAMILY)
            continue;
        ImportanceShap *shap = &out->shap[out->shaps++];
        *shap = (ImportanceShap){.of = i->of,
                                 .name = i->name,
                                 .feature = i->feature[0],
                                 .size = ARENA_ARRAY(keep, Interval, s.slices),
                                 .mean = ARENA_ARRAY(keep, double, s.slices),
                                 .direction = {NAN, NAN, NAN}};
        for (size_t k = s.slices; k-- > 0;) /* ALL last: its sizes are left in s.size */
            slice_figures(shap, &s, item, k);
        scored_figures(shap, m, item);
        if (i->of != IMPORTANCE_FEATURE)
            continue;
        shap->direction = direction_over(m, item, scratch);
        for (size_t j = 0; j < m->judges; j++)
            s.on_all[j * m->features + item] = is_missing(s.size[j]) ? 0 : s.size[j];
    }
    importance_rank(rank, &out->by_contribution, s.on_all, m->judges, m->features, scratch);
    for (size_t f = 0; f < m->features; f++)
        out->shap[f].rank = rank[f];
    qsort(out->shap, out->shaps, sizeof *out->shap, largest_first);
}
