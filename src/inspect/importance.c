/* importance.c - the fold models are fitted again, and all measures are taken of each in turn. */
#include "inspect/inspect_internal.h"

#include <assert.h>
#include <stdlib.h>

/* All customers, or a random sample of many: errors fall with the root of their number, cost
 * does not. */
static void find_sample(Measuring *m, Arena *keep)
{
    size_t rows = m->inputs->set->x->rows;
    uint32_t *order = ARENA_RAW(keep, uint32_t, rows + 1);
    m->position = ARENA_RAW(keep, uint32_t, rows + 1);
    m->row = ARENA_RAW(keep, uint32_t, rows + 1);
    for (size_t i = 0; i < rows; i++) {
        order[i] = (uint32_t)i;
        m->position[i] = UINT32_MAX;
    }
    Random random = random_new(seed_derive(m->inputs->options->seed, STREAM_IMPORTANCE_SAMPLE));
    size_t taken = rows;
    if (rows > IMPORTANCE_CUSTOMERS_MAX) {
        random_shuffle(&random, order, rows);
        taken = IMPORTANCE_CUSTOMERS_MAX;
    }
    for (size_t i = 0; i < taken; i++)
        m->position[order[i]] = 0;
    for (size_t i = 0; i < rows; i++)
        if (m->position[i] == 0) {
            m->position[i] = (uint32_t)m->rows;
            m->row[m->rows++] = (uint32_t)i;
        }
}

static void find_features(Measuring *m, Arena *keep)
{
    const ImportanceInputs *in = m->inputs;
    size_t columns = in->set->x->columns;
    m->feature = ARENA_RAW(keep, uint32_t, columns + 1);
    m->first = ARENA_RAW(keep, uint32_t, columns + 1);
    for (size_t c = 0; c < columns; c++)
        if (c == 0 || in->feature[c] != in->feature[c - 1]) {
            m->first[m->features] = (uint32_t)c;
            m->feature[m->features++] = in->feature[c];
        }
    m->first[m->features] = (uint32_t)columns;
}

/* ---- what is shuffled together ---- */

static ImportanceItem *item_add(Measuring *m, Arena *keep, ImportanceOf of, Str name,
                                const uint32_t *member, size_t members)
{
    ImportanceItem *item = &m->item[m->items];
    uint32_t *feature = ARENA_RAW(keep, uint32_t, members + 1);
    for (size_t k = 0; k < members; k++)
        feature[k] = m->feature[member[k]];
    *item = (ImportanceItem){.of = of, .name = name, .features = members, .feature = feature};
    m->member[m->items] = arena_copy(keep, member, members * sizeof *member);
    m->same[m->items] = m->items;
    for (size_t other = 0; other < m->items; other++) {
        bool same = m->item[other].features == members;
        for (size_t k = 0; k < members && same; k++)
            same = m->member[other][k] == member[k];
        if (same) {
            m->same[m->items] = other;
            break;
        }
    }
    m->items++;
    return item;
}

static void add_families(Measuring *m, Arena *keep, Arena scratch)
{
    const ImportanceInputs *in = m->inputs;
    uint32_t *member = ARENA_RAW(&scratch, uint32_t, m->features + 1);
    uint8_t *done = ARENA_ARRAY(&scratch, uint8_t, m->features + 1);
    for (size_t f = 0; f < m->features; f++) {
        size_t members = 0;
        for (size_t k = f; k < m->features; k++)
            if (!done[k] && str_equal(in->family[m->feature[k]], in->family[m->feature[f]])) {
                done[k] = 1;
                member[members++] = (uint32_t)k;
            }
        if (members > 0)
            item_add(m, keep, IMPORTANCE_FAMILY, in->family[m->feature[f]], member, members);
    }
}

static void add_groups(Measuring *m, Arena *keep, ImportanceOf of, const uint32_t *group,
                       size_t groups, Arena scratch)
{
    uint32_t *member = ARENA_RAW(&scratch, uint32_t, m->features + 1);
    for (size_t g = 1; g <= groups; g++) {
        size_t members = 0;
        for (size_t f = 0; f < m->features; f++)
            if (group[f] == g)
                member[members++] = (uint32_t)f;
        item_add(m, keep, of, m->inputs->name[m->feature[member[0]]], member, members);
    }
}

/* Groups of features whose values, or whose gaps, go together. */
static size_t find_groups(uint32_t *group, const Measuring *m, bool gaps, Team *team, Arena scratch)
{
    const Matrix *x = m->inputs->set->x;
    uint32_t *of = ARENA_RAW(&scratch, uint32_t, x->columns + 1);
    double *rank = ARENA_RAW(&scratch, double, x->columns * m->rows + 1);
    double *value = ARENA_RAW(&scratch, double, m->rows + 1);
    double *similarity = ARENA_RAW(&scratch, double, m->features * m->features + 1);
    for (size_t f = 0; f < m->features; f++)
        for (uint32_t c = m->first[f]; c < m->first[f + 1]; c++) {
            of[c] = (uint32_t)f;
            for (size_t i = 0; i < m->rows; i++) {
                value[i] = (double)matrix_row(x, m->row[i])[c];
                if (gaps)
                    value[i] = is_missing(value[i]);
            }
            importance_ranks(rank + c * m->rows, value, m->rows, scratch);
        }
    importance_similarity(similarity, rank, x->columns, m->rows, of, m->features, team);
    return importance_cluster(group, similarity, m->features, CORRELATION_CUT, scratch);
}

static void find_items(Measuring *m, Arena *keep, Team *team, Arena scratch)
{
    size_t most = 3 * m->features + 1; /* families, and two kinds of groups of two at least */
    m->item = ARENA_ARRAY(keep, ImportanceItem, most);
    m->member = ARENA_ARRAY(keep, uint32_t *, most);
    m->same = ARENA_ARRAY(keep, size_t, most);
    uint32_t *group = ARENA_RAW(&scratch, uint32_t, m->features + 1);
    for (uint32_t f = 0; f < m->features; f++)
        item_add(m, keep, IMPORTANCE_FEATURE, m->inputs->name[m->feature[f]], &f, 1);
    add_families(m, keep, scratch);
    for (int gaps = 0; gaps < 2; gaps++) {
        size_t groups = find_groups(group, m, gaps == 1, team, scratch);
        add_groups(m, keep, gaps ? IMPORTANCE_MISSING : IMPORTANCE_CORRELATED, group, groups,
                   scratch);
    }
}

/* ---- the fold models ---- */

/* Platt's sigmoid on the margins of the repeat's other folds. */
static Platt calibrate(const Measuring *m, const Judge *g, Arena scratch)
{
    const Validation *v = m->inputs->validation;
    const double *margin = v->candidate[v->chosen].margin[g->repeat];
    double *other = ARENA_RAW(&scratch, double, v->rows + 1);
    uint8_t *label = ARENA_RAW(&scratch, uint8_t, v->rows + 1);
    size_t n = 0;
    for (size_t i = 0; i < v->rows; i++)
        if (v->fold[g->repeat][i] != g->fold) {
            other[n] = margin[i];
            label[n++] = m->inputs->set->label[i] != 0;
        }
    return learn_platt(other, label, n);
}

static void judge_task(void *context, size_t task, Arena scratch)
{
    Measuring *m = context;
    const ImportanceInputs *in = m->inputs;
    Judge *g = &m->judge[task];
    g->own = arena_new();
    g->repeat = task / m->folds;
    g->fold = task % m->folds;
    learn_fold_model(&g->model, &g->own, scratch, in->set, in->validation, in->validation->chosen,
                     g->repeat, g->fold, in->options);
    g->platt = calibrate(m, g, scratch);
    uint32_t *row = ARENA_RAW(&g->own, uint32_t, g->model.rows + 1);
    g->position = ARENA_RAW(&g->own, uint32_t, g->model.rows + 1);
    g->label = ARENA_RAW(&g->own, uint8_t, g->model.rows + 1);
    for (size_t i = 0; i < g->model.rows; i++) {
        uint32_t position = m->position[g->model.row[i]];
        if (position == UINT32_MAX)
            continue;
        g->position[g->rows] = position;
        g->label[g->rows] = in->set->label[g->model.row[i]] != 0;
        g->positives += g->label[g->rows];
        row[g->rows++] = g->model.row[i];
    }
    g->x = matrix_take(&g->own, g->model.x, row, g->rows);
    importance_permute(m, task, scratch);
    importance_contribute(m, task, scratch);
}

/* ---- the whole ---- */

static int greatest_first(const void *a, const void *b)
{
    const ImportanceItem *x = a, *y = b;
    if (x->of != y->of)
        return x->of < y->of ? -1 : 1;
    if (x->log_loss.value != y->log_loss.value)
        return x->log_loss.value > y->log_loss.value ? -1 : 1;
    return str_compare(x->name, y->name);
}

static void make_places(Measuring *m, Arena *keep)
{
    size_t cells = m->repeats * m->rows;
    m->judge = ARENA_ARRAY(keep, Judge, m->judges);
    m->judge_loss = ARENA_ARRAY(keep, double, m->judges * m->items + 1);
    m->judge_auc = ARENA_ARRAY(keep, double, m->judges * m->items + 1);
    m->base_loss = ARENA_ARRAY(keep, double, m->judges);
    m->base_auc = ARENA_ARRAY(keep, double, m->judges);
    m->phi = ARENA_ARRAY(keep, double, cells * m->features + 1);
    m->direction = ARENA_ARRAY(keep, double, m->judges * m->features + 1);
}

Importance *inspect_importance(Arena *keep, Arena scratch, const ImportanceInputs *inputs,
                               Team *team)
{
    const Validation *v = inputs->validation;
    Measuring m = {.inputs = inputs, .folds = v->folds};
    Importance *out = ARENA_NEW(keep, Importance);
    assert(inputs->set->x->rows == v->rows);
    assert(inputs->scored == NULL || inputs->scored->columns == inputs->set->x->columns);
    m.repeats = v->repeats < IMPORTANCE_REPEATS ? v->repeats : IMPORTANCE_REPEATS;
    m.judges = m.repeats * m.folds;
    find_sample(&m, &scratch);
    find_features(&m, &scratch);
    Arena items = arena_new(); /* places and members, beside scratch that callees fill */
    find_items(&m, keep, team, scratch);
    make_places(&m, &items);
    team_run_told(team, m.judges, judge_task, &m);
    importance_permuted(out, &m, scratch);
    importance_contributed(out, keep, &m, scratch);
    importance_curves(out, keep, &m, team, scratch);
    out->items = m.items;
    out->item = m.item;
    qsort(out->item, out->items, sizeof *out->item, greatest_first);
    out->customers = m.rows;
    for (size_t i = 0; i < m.rows; i++)
        out->positives += inputs->set->label[m.row[i]] != 0;
    out->rows = v->rows;
    out->repeats = m.repeats;
    out->folds = m.folds;
    out->permutations = IMPORTANCE_PERMUTATIONS;
    out->correlation_cut = CORRELATION_CUT;
    out->base_rate = (double)v->positives / (double)v->rows;
    for (size_t j = 0; j < m.judges; j++)
        arena_free(&m.judge[j].own);
    arena_free(&items);
    return out;
}
