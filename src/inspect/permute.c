/* permute.c - what is lost when features are shuffled among the customers judged. */
#include "inspect/inspect_internal.h"

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
            out[item[k].index] = label[item[k].index] != 0
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
                    const double *margin, Arena scratch)
{
    const Judge *g = &m->judge[judge];
    size_t n = s->n;
    double *odds = ARENA_RAW(&scratch, double, n + 1), rise = 0, fall = 0;
    double *placed = ARENA_RAW(&scratch, double, n + 1);
    for (size_t t = 0; t < s->times; t++) {
        for (size_t i = 0; i < n; i++) {
            uint32_t at = s->at[t * n + i];
            odds[i] = at == UINT32_MAX ? base[i] : odds_of(g, margin[at]);
            if (at != UINT32_MAX)
                rise += loss_of(odds[i], g->label[i]) - loss_of(base[i], g->label[i]);
        }
        importance_placements(placed, odds, g->label, n, scratch);
        fall += m->base_auc[judge] - auc_of(g, placed);
    }
    m->judge_loss[judge * m->items + item] = rise / (double)(s->times * n);
    m->judge_auc[judge * m->items + item] = fall / (double)s->times;
}

void importance_permute(Measuring *m, size_t judge, Arena scratch)
{
    Judge *g = &m->judge[judge];
    size_t n = g->rows;
    Shuffled s = {.n = n, .times = IMPORTANCE_PERMUTATIONS};
    double *base = ARENA_RAW(&scratch, double, n + 1), *placed = ARENA_RAW(&scratch, double, n + 1);
    double *margin = ARENA_RAW(&scratch, double, s.times *n + 1);
    uint32_t *order = ARENA_RAW(&scratch, uint32_t, s.times * n + 1);
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
    s.at = ARENA_RAW(&scratch, uint32_t, s.times * n + 1);
    s.x = *g->x;
    s.x.value = ARENA_RAW(&scratch, float, s.times *n * g->x->columns + 1);
    for (size_t item = 0; item < m->items; item++) {
        if (m->same[item] != item)
            continue;
        shuffle(&s, m, g, item);
        model_margin(g->model.model, &s.x, margin);
        measure(m, judge, item, &s, base, margin, scratch);
    }
}

/* ---- over fold models ---- */

static void item_figures(ImportanceItem *out, const Measuring *m, size_t item, Arena scratch)
{
    double *own = ARENA_RAW(&scratch, double, m->judges + 1);
    size_t harmed = 0, judged = 0;
    for (size_t j = 0; j < m->judges; j++) {
        own[j] = m->judge_loss[j * m->items + item];
        judged += !is_missing(own[j]);
        harmed += own[j] > 0;
    }
    out->log_loss = importance_over_models(own, m->judges, m->folds);
    out->harmed = (double)harmed / (double)judged;
    for (size_t j = 0; j < m->judges; j++)
        own[j] = m->judge_auc[j * m->items + item];
    out->auc = importance_over_models(own, m->judges, m->folds);
}

void importance_permuted(Importance *out, Measuring *m, Arena scratch)
{
    for (size_t item = 0; item < m->items; item++)
        item_figures(&m->item[item], m, m->same[item], scratch);
    ImportanceRank *rank = ARENA_RAW(&scratch, ImportanceRank, m->features + 1);
    double *loss = ARENA_RAW(&scratch, double, m->judges * m->features + 1);
    for (size_t j = 0; j < m->judges; j++) /* features are the first items */
        for (size_t f = 0; f < m->features; f++)
            loss[j * m->features + f] = m->judge_loss[j * m->items + f];
    importance_rank(rank, &out->by_loss, loss, m->judges, m->features, scratch);
    for (size_t f = 0; f < m->features; f++)
        m->item[f].rank = rank[f];
    out->log_loss = importance_over_models(m->base_loss, m->judges, m->folds).value;
    out->auc = importance_over_models(m->base_auc, m->judges, m->folds).value;
}
