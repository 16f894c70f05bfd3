/* permute.c - what is lost when features are shuffled among the customers judged. */
#include "inspect/importance_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Placed {
    double score;
    uint32_t index;
} Placed;

static int ascending(const void *a, const void *b)
{
    const Placed *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

void importance_placements(double *out, const double *score, const uint8_t *label, size_t n,
                           Arena scratch)
{
    Placed *item = ARENA_RAW(&scratch, Placed, n + 1);
    size_t below[2] = {0, 0}, all[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        item[i] = (Placed){score[i], (uint32_t)i};
        all[label[i] != 0]++;
    }
    qsort(item, n, sizeof *item, ascending);
    for (size_t i = 0, j; i < n; i = j) {
        size_t tied[2] = {0, 0};
        for (j = i; j < n && item[j].score == item[i].score; j++)
            tied[label[item[j].index] != 0]++;
        for (size_t k = i; k < j; k++)
            out[item[k].index] =
                label[item[k].index] != 0
                    ? (double)below[0] + (double)tied[0] / 2
                    : (double)(all[1] - below[1] - tied[1]) + (double)tied[1] / 2;
        below[0] += tied[0];
        below[1] += tied[1];
    }
}

/* Log loss from log-odds. */
static double loss_of(double odds, uint8_t label)
{
    double toward = label != 0 ? odds : -odds;
    return toward > 0 ? stable_log1p(stable_exp(-toward))
                      : -toward + stable_log1p(stable_exp(toward));
}

/* The judged customers again and again, a permutation of them after the other. */
typedef struct Shuffled {
    size_t n, times;
    const uint32_t *order; /* [times][n] whose values a row has */
    uint32_t *at;          /* [times][n] its row in x; UINT32_MAX: nothing changed */
    Matrix x;
} Shuffled;

/* Rows that have other values than before in the members' columns. */
static void shuffle(Shuffled *s, const Measuring *m, const Judge *g, size_t item)
{
    size_t columns = g->x->columns;
    s->x.rows = 0;
    for (size_t k = 0; k < s->times * s->n; k++) {
        const float *own = matrix_row(g->x, k % s->n), *other = matrix_row(g->x, s->order[k]);
        float *to = s->x.value + s->x.rows * columns;
        bool changed = false;
        for (size_t f = 0; f < m->item[item].features && !changed; f++) {
            uint32_t from = m->first[m->member[item][f]], end = m->first[m->member[item][f] + 1];
            changed = memcmp(own + from, other + from, (end - from) * sizeof *own) != 0;
        }
        s->at[k] = changed ? (uint32_t)s->x.rows++ : UINT32_MAX;
        if (!changed)
            continue;
        memcpy(to, own, columns * sizeof *own);
        for (size_t f = 0; f < m->item[item].features; f++) {
            uint32_t from = m->first[m->member[item][f]], end = m->first[m->member[item][f] + 1];
            memcpy(to + from, other + from, (end - from) * sizeof *own);
        }
    }
}

static double odds_of(const Judge *g, double margin)
{
    return g->platt.slope * margin + g->platt.intercept;
}

/* Pairs of a positive and a negative that the fold ranks right, as a share. */
static double auc_of(const Judge *g, const double *placed)
{
    double sum = 0;
    for (size_t i = 0; i < g->rows; i++)
        sum += g->label[i] != 0 ? placed[i] : 0;
    return sum / ((double)g->positives * (double)(g->rows - g->positives));
}

static void measure(Measuring *m, size_t judge, size_t item, const Shuffled *s, const double *base,
                    const double *margin, const double *placed, Arena scratch)
{
    const Judge *g = &m->judge[judge];
    size_t n = s->n, slot = (g->repeat * m->items + item) * m->rows;
    double *loss = ARENA_ARRAY(&scratch, double, n + 1), *odds = ARENA_RAW(&scratch, double, n + 1);
    double *now = ARENA_RAW(&scratch, double, n + 1), *fall = ARENA_ARRAY(&scratch, double, n + 1);
    for (size_t t = 0; t < s->times; t++) {
        for (size_t i = 0; i < n; i++) {
            uint32_t at = s->at[t * n + i];
            odds[i] = at == UINT32_MAX ? base[i] : odds_of(g, margin[at]);
            if (at != UINT32_MAX)
                loss[i] += loss_of(odds[i], g->label[i]) - loss_of(base[i], g->label[i]);
        }
        importance_placements(now, odds, g->label, n, scratch);
        for (size_t i = 0; i < n; i++)
            fall[i] += placed[i] - now[i];
    }
    double times = (double)s->times, sum = 0;
    for (size_t i = 0; i < n; i++) {
        size_t others = g->label[i] != 0 ? n - g->positives : g->positives;
        m->loss[slot + g->position[i]] = loss[i] / times;
        m->part[slot + g->position[i]] =
            others == 0 ? (double)NAN : fall[i] / times / (double)others;
        sum += loss[i] / times;
    }
    m->judge_loss[judge * m->items + item] = sum / (double)n;
    m->judge_auc[judge * m->items + item] = auc_of(g, fall) / times;
}

void importance_permute(Measuring *m, size_t judge, Arena scratch)
{
    Judge *g = &m->judge[judge];
    size_t n = g->rows;
    Shuffled s = {.n = n, .times = IMPORTANCE_PERMUTATIONS};
    double *base = ARENA_RAW(&scratch, double, n + 1), *placed = ARENA_RAW(&scratch, double, n + 1);
    double *margin = ARENA_RAW(&scratch, double, s.times *n + 1);
    uint32_t *order = ARENA_RAW(&scratch, uint32_t, s.times *n + 1);
    uint64_t seed = seed_derive(seed_derive(m->inputs->options->seed, STREAM_PERMUTE), judge);
    model_margin(g->model.model, g->x, margin);
    m->base_loss[judge] = 0;
    for (size_t i = 0; i < n; i++) {
        base[i] = odds_of(g, margin[i]);
        m->base_loss[judge] += loss_of(base[i], g->label[i]) / (double)n;
    }
    importance_placements(placed, base, g->label, n, scratch);
    m->base_auc[judge] = auc_of(g, placed);
    /* The same permutations for all, so that differences between features are no chance of them. */
    for (size_t t = 0; t < s.times; t++) {
        Random random = random_new(seed_derive(seed, t));
        for (size_t i = 0; i < n; i++)
            order[t * n + i] = (uint32_t)i;
        random_shuffle(&random, order + t * n, n);
    }
    s.order = order;
    s.at = ARENA_RAW(&scratch, uint32_t, s.times *n + 1);
    s.x = *g->x;
    s.x.value = ARENA_RAW(&scratch, float, s.times *n *g->x->columns + 1);
    for (size_t item = 0; item < m->items; item++) {
        if (m->same[item] != item)
            continue;
        shuffle(&s, m, g, item);
        model_margin(g->model.model, &s.x, margin);
        measure(m, judge, item, &s, base, margin, placed, scratch);
    }
}

/* ---- over customers ---- */

typedef struct Resampling {
    const Measuring *m;
    size_t units, draws;
    const uint32_t *unit; /* [rows] */
    /* [items][rows] means over repeats; means of the parts over either class, and in all */
    double *loss, *part;
    double (*mean)[2], *auc; /* [items] */
    double *drawn_loss, *drawn_auc; /* [items][draws] */
    uint64_t seed;
} Resampling;

/* Weighted means of the customers' values; part's of either class. */
static void weigh(double *loss, double part[2], const Resampling *r, size_t item,
                  const uint32_t *times)
{
    const Measuring *m = r->m;
    const uint8_t *label = m->inputs->set->label;
    double sum = 0, weight = 0, parts[2] = {0, 0}, weights[2] = {0, 0};
    for (size_t i = 0; i < m->rows; i++) {
        double w = times == NULL ? 1 : (double)times[r->unit[i]], p = r->part[item * m->rows + i];
        size_t class = label[m->row[i]] != 0;
        sum += w * r->loss[item * m->rows + i];
        weight += w;
        if (is_missing(p))
            continue;
        parts[class] += w * p;
        weights[class] += w;
    }
    *loss = sum / weight;
    part[0] = parts[0] / weights[0];
    part[1] = parts[1] / weights[1];
}

static void draw_task(void *context, size_t task, Arena scratch)
{
    const Resampling *r = context;
    uint32_t *times = ARENA_ARRAY(&scratch, uint32_t, r->units + 1);
    Random random = random_new(seed_derive(r->seed, task));
    for (size_t i = 0; i < r->units; i++) {
        uint64_t unit = random_below(&random, r->units);
        times[unit]++;
    }
    for (size_t item = 0; item < r->m->items; item++) {
        if (r->m->same[item] != item)
            continue;
        double part[2];
        weigh(&r->drawn_loss[item * r->draws + task], part, r, item, times);
        /* An AUC is a mean over pairs: to first order it moves by what both classes' means do. */
        r->drawn_auc[item * r->draws + task] =
            r->auc[item] + part[0] - r->mean[item][0] + part[1] - r->mean[item][1];
    }
}

/* Customers who are linked are one unit. */
static size_t units_of(uint32_t *unit, const Measuring *m, Arena scratch)
{
    const uint32_t *group = m->inputs->set->group;
    uint32_t most = 0;
    size_t units = 0;
    for (size_t i = 0; group != NULL && i < m->rows; i++)
        most = group[m->row[i]] > most ? group[m->row[i]] : most;
    uint32_t *known = ARENA_ARRAY(&scratch, uint32_t, (size_t)most + 1);
    for (size_t i = 0; i < m->rows; i++) {
        if (group == NULL) {
            unit[i] = (uint32_t)units++;
            continue;
        }
        if (known[group[m->row[i]]] == 0)
            known[group[m->row[i]]] = (uint32_t)++units;
        unit[i] = known[group[m->row[i]]] - 1;
    }
    return units;
}

static double mean_known(const double *value, size_t step, size_t n)
{
    double sum = 0;
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_missing(value[i * step])) {
            sum += value[i * step];
            known++;
        }
    return known == 0 ? (double)NAN : sum / (double)known;
}

/* Over pairs of one fold, all folds together. */
static double auc_over_judges(const Measuring *m, const double *value, size_t step)
{
    double sum = 0, weight = 0;
    for (size_t j = 0; j < m->judges; j++) {
        const Judge *g = &m->judge[j];
        double pairs = (double)g->positives * (double)(g->rows - g->positives);
        if (pairs > 0) {
            sum += pairs * value[j * step];
            weight += pairs;
        }
    }
    return sum / weight;
}

static double deviation(const double *value, size_t step, size_t n)
{
    double mean = mean_known(value, step, n), square = 0;
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_missing(value[i * step])) {
            square += (value[i * step] - mean) * (value[i * step] - mean);
            known++;
        }
    return known < 2 ? (double)NAN : sqrt(square / (double)(known - 1));
}

static Interval drawn_interval(double value, double *drawn, size_t draws)
{
    size_t known = 0;
    for (size_t i = 0; i < draws; i++)
        if (!is_missing(drawn[i]))
            drawn[known++] = drawn[i];
    importance_sort(drawn, known);
    return (Interval){value, importance_quantile(drawn, known, 0.025),
                      importance_quantile(drawn, known, 0.975)};
}

static void item_figures(Resampling *r, size_t item)
{
    const Measuring *m = r->m;
    ImportanceItem *out = &m->item[item];
    double part[2], loss;
    size_t harmed = 0, judged = 0;
    weigh(&loss, part, r, item, NULL);
    out->log_loss = drawn_interval(loss, r->drawn_loss + item * r->draws, r->draws);
    out->auc = drawn_interval(r->auc[item], r->drawn_auc + item * r->draws, r->draws);
    out->log_loss_deviation = deviation(m->judge_loss + item, m->items, m->judges);
    out->auc_deviation = deviation(m->judge_auc + item, m->items, m->judges);
    for (size_t j = 0; j < m->judges; j++) {
        judged += !is_missing(m->judge_loss[j * m->items + item]);
        harmed += m->judge_loss[j * m->items + item] > 0;
    }
    out->harmed = (double)harmed / (double)judged;
}

void importance_permuted(Importance *out, Measuring *m, Team *team, Arena scratch)
{
    size_t cells = m->items * m->rows;
    Resampling r = {.m = m, .draws = m->inputs->options->replicates};
    uint32_t *unit = ARENA_RAW(&scratch, uint32_t, m->rows + 1);
    r.units = units_of(unit, m, scratch);
    r.unit = unit;
    r.seed = seed_derive(m->inputs->options->seed, STREAM_IMPORTANCE_DRAWS);
    r.loss = ARENA_RAW(&scratch, double, cells + 1);
    r.part = ARENA_RAW(&scratch, double, cells + 1);
    r.auc = ARENA_RAW(&scratch, double, m->items + 1);
    r.mean = arena_alloc(&scratch, m->items + 1, sizeof *r.mean);
    r.drawn_loss = ARENA_RAW(&scratch, double, m->items *r.draws + 1);
    r.drawn_auc = ARENA_RAW(&scratch, double, m->items *r.draws + 1);
    for (size_t item = 0; item < m->items; item++) {
        double loss;
        if (m->same[item] != item)
            continue;
        for (size_t i = 0; i < m->rows; i++) {
            r.loss[item * m->rows + i] = mean_known(m->loss + item * m->rows + i, cells, m->repeats);
            r.part[item * m->rows + i] = mean_known(m->part + item * m->rows + i, cells, m->repeats);
        }
        r.auc[item] = auc_over_judges(m, m->judge_auc + item, m->items);
        weigh(&loss, r.mean[item], &r, item, NULL);
    }
    team_run(team, r.draws, draw_task, &r);
    for (size_t item = 0; item < m->items; item++) {
        ImportanceItem named = m->item[item];
        if (m->same[item] == item) {
            item_figures(&r, item);
            continue;
        }
        m->item[item] = m->item[m->same[item]];
        m->item[item].of = named.of;
        m->item[item].name = named.name;
        m->item[item].features = named.features;
        m->item[item].feature = named.feature;
    }
    ImportanceRank *rank = ARENA_RAW(&scratch, ImportanceRank, m->features + 1);
    double *loss = ARENA_RAW(&scratch, double, m->judges *m->features + 1);
    for (size_t j = 0; j < m->judges; j++) /* features are the first items */
        for (size_t f = 0; f < m->features; f++)
            loss[j * m->features + f] = m->judge_loss[j * m->items + f];
    importance_rank(rank, &out->by_loss, loss, m->judges, m->features, scratch);
    for (size_t f = 0; f < m->features; f++)
        m->item[f].rank = rank[f];
    double all = 0, rows = 0;
    for (size_t j = 0; j < m->judges; j++) {
        all += m->base_loss[j] * (double)m->judge[j].rows;
        rows += (double)m->judge[j].rows;
    }
    out->log_loss = all / rows;
    out->auc = auc_over_judges(m, m->base_auc, 1);
}
