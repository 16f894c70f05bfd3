#include "learn/learn_internal.h"

#include <assert.h>
#include <math.h>

/* From hardly any penalty to one that leaves little but the intercept; about equal steps of the
 * logarithm. Strongest first, so that each solution is a good start for the next. */
const double l2_grid[] = {300, 100, 30, 10, 3, 1, 0.3, 0.1};
const size_t l2_grid_size = COUNT_OF(l2_grid);

TrainingSet training_part(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows)
{
    TrainingSet part = *set;
    if (set->refit != NULL)
        part.x = set->refit->make(set->refit->context, keep, row, rows, set->label);
    return part;
}

/* Inner folds of the picked rows. */
typedef struct Inner {
    size_t rows, folds;
    const uint32_t *row;
    uint32_t *fold;        /* [rows] */
    uint32_t *part, *rest; /* rows out of and in the fold at hand */
} Inner;

static Inner inner_new(Arena *arena, const TrainingSet *set, const uint32_t *row, size_t rows,
                       size_t folds, uint64_t seed)
{
    Inner in = {.rows = rows, .folds = folds, .row = row};
    in.fold = ARENA_RAW(arena, uint32_t, rows);
    uint8_t *label = ARENA_RAW(arena, uint8_t, rows);
    uint32_t *group = set->group == NULL ? NULL : ARENA_RAW(arena, uint32_t, rows);
    for (size_t i = 0; i < rows; i++) {
        label[i] = set->label[row[i]];
        if (group != NULL)
            group[i] = set->group[row[i]];
    }
    learn_folds(in.fold, label, group, rows, folds, seed);
    return in;
}

/* Answers the number of rows to train on; the fold's own are the rest. */
static size_t inner_part(Inner *in, Arena *arena, size_t fold)
{
    in->part = ARENA_RAW(arena, uint32_t, in->rows);
    in->rest = ARENA_RAW(arena, uint32_t, in->rows);
    size_t part = 0, rest = 0;
    for (size_t i = 0; i < in->rows; i++)
        if (in->fold[i] != fold)
            in->part[part++] = in->row[i];
        else
            in->rest[rest++] = in->row[i];
    return part;
}

double tune_linear(const TrainingSet *set, const uint32_t *row, size_t rows, size_t folds,
                   uint64_t seed, Arena scratch)
{
    double loss[COUNT_OF(l2_grid)] = {0};
    Inner in = inner_new(&scratch, set, row, rows, folds, seed);
    for (size_t k = 0; k < folds; k++) {
        Arena own = scratch;
        size_t part = inner_part(&in, &own, k);
        const TrainingSet of = training_part(&own, set, in.part, part);
        Design *d = design_new(&own, &own, &of, in.part, part);
        double *weight = ARENA_ARRAY(&own, double, d->width);
        double *z = ARENA_RAW(&own, double, d->stride *(rows - part));
        for (size_t i = 0; i < rows - part; i++)
            design_row(d, matrix_row(of.x, in.rest[i]), z + i * d->stride);
        for (size_t g = 0; g < l2_grid_size; g++) {
            design_solve(d, l2_grid[g], weight, PRECISION_TUNE, own);
            for (size_t i = 0; i < rows - part; i++) {
                double margin = 0;
                for (size_t j = 0; j < d->width; j++)
                    margin += weight[j] * z[i * d->stride + j];
                loss[g] += margin_loss(margin, set->label[in.rest[i]]);
            }
        }
    }
    size_t best = 0; /* on a tie the stronger penalty */
    for (size_t g = 1; g < l2_grid_size; g++)
        if (loss[g] < loss[best])
            best = g;
    return l2_grid[best];
}

/* Trees of few leaves and many, grown apart on the same rows: one set of bins serves them all. */
size_t tune_leaves(const TrainingSet *set, const uint32_t *row, size_t rows, size_t folds,
                   const ForestOptions *options, uint64_t seed, Arena scratch)
{
    static const size_t grid[] = {2, 3, 4, 6, 8, 12, 16};
    double loss[COUNT_OF(grid)] = {0};
    Inner in = inner_new(&scratch, set, row, rows, folds, seed);
    for (size_t k = 0; k < folds; k++) {
        Arena own = scratch;
        size_t part = inner_part(&in, &own, k);
        ForestOptions each = *options;
        each.trees = COUNT_OF(grid);
        each.leaves = grid[COUNT_OF(grid) - 1];
        const TrainingSet of = training_part(&own, set, in.part, part);
        Booster *b = booster_new(&own, &of, in.part, part, NULL, 0, &each, seed, NULL);
        for (size_t g = 0; g < COUNT_OF(grid); g++) {
            each.leaves = grid[g];
            booster_step(b, own);
            const TreeNode *tree = b->node + b->root[g];
            for (size_t i = 0; i < rows - part; i++) {
                float value = tree_value(tree, matrix_row(of.x, in.rest[i]));
                loss[g] += margin_loss((double)(b->base + value), set->label[in.rest[i]]);
            }
        }
    }
    size_t best = 0; /* on a tie the smaller tree */
    for (size_t g = 1; g < COUNT_OF(grid); g++)
        if (loss[g] < loss[best])
            best = g;
    return grid[best];
}

/* The inner boosters advance in step and their losses are pooled: one curve over all rows is
 * steadier than five curves' separate minima. */
size_t tune_forest(const TrainingSet *set, const uint32_t *row, size_t rows, size_t folds,
                   const ForestOptions *options, uint64_t seed, Arena scratch)
{
    if (options->patience == 0)
        return options->trees;
    Inner in = inner_new(&scratch, set, row, rows, folds, seed);
    Booster **booster = ARENA_ARRAY(&scratch, Booster *, folds);
    TrainingSet *of = ARENA_ARRAY(&scratch, TrainingSet, folds);
    for (size_t k = 0; k < folds; k++) {
        size_t part = inner_part(&in, &scratch, k);
        of[k] = training_part(&scratch, set, in.part, part);
        booster[k] = booster_new(&scratch, &of[k], in.part, part, in.rest, rows - part, options,
                                 seed_derive(seed, k), NULL);
    }
    size_t best = 1;
    double lowest = INFINITY;
    for (size_t trees = 1; trees <= options->trees; trees++) {
        double loss = 0;
        for (size_t k = 0; k < folds; k++) {
            booster_step(booster[k], scratch);
            loss += booster_watch_loss(booster[k]);
        }
        if (loss < lowest) {
            lowest = loss;
            best = trees;
        } else if (trees - best >= options->patience) {
            break;
        }
    }
    return best;
}

Tuned procedure_tune(const Procedure *p, const TrainingSet *set, const uint32_t *row, size_t rows,
                     uint64_t seed, Arena scratch)
{
    seed = seed_derive(seed, STREAM_INNER);
    if (p->kind == MODEL_LINEAR)
        return (Tuned){.l2 = tune_linear(set, row, rows, p->inner_folds, seed, scratch)};
    if (single_tree(&p->forest))
        return (Tuned){.trees = 1,
                       .leaves =
                           tune_leaves(set, row, rows, p->inner_folds, &p->forest, seed, scratch)};
    return (Tuned){.trees = tune_forest(set, row, rows, p->inner_folds, &p->forest, seed, scratch)};
}

/* A blend has nothing of its own to tune or fit: its parts go through here, one by one. */
Model *procedure_fit(const Procedure *p, Tuned tuned, Arena *keep, const TrainingSet *set,
                     const uint32_t *row, size_t rows, uint64_t seed, Team *team, Arena scratch)
{
    assert(p->kind != MODEL_BLEND);
    Model *m = ARENA_NEW(keep, Model);
    m->kind = p->kind;
    if (p->kind == MODEL_LINEAR) {
        Design *d = design_new(keep, &scratch, set, row, rows);
        double *weight = ARENA_ARRAY(&scratch, double, d->width);
        design_solve(d, tuned.l2, weight, PRECISION_FIT, scratch);
        m->linear = design_linear(d, weight);
        return m;
    }
    ForestOptions options = p->forest;
    options.trees = tuned.trees;
    if (tuned.leaves > 0)
        options.leaves = tuned.leaves;
    Booster *b = booster_new(&scratch, set, row, rows, NULL, 0, &options,
                             seed_derive(seed, STREAM_TREES), team);
    while (b->trees < options.trees) {
        team_told(team, b->trees, options.trees);
        booster_step(b, scratch);
    }
    m->forest = booster_forest(b, keep, options.trees);
    return m;
}

Tuned procedure_fold(const Procedure *p, const TrainingSet *set, const uint32_t *fold_of,
                     uint32_t fold, uint64_t seed, double *margin, Arena scratch)
{
    Inner in = {.rows = set->x->rows,
                .row = rows_or_all(&scratch, NULL, set->x->rows),
                .fold = (uint32_t *)fold_of};
    size_t part = inner_part(&in, &scratch, fold), rest = in.rows - part;
    const TrainingSet of = training_part(&scratch, set, in.part, part);
    /* The inner folds make their own matrices: the tuned setting is as blind to them. */
    Tuned tuned = procedure_tune(p, set, in.part, part, seed, scratch);
    /* The model outlives the fit's scratch, and must not lie in it. */
    Arena own = arena_new();
    Model *m = procedure_fit(p, tuned, &own, &of, in.part, part, seed, NULL, scratch);
    Matrix *x = matrix_take(&own, of.x, in.rest, rest);
    double *judged = ARENA_RAW(&own, double, rest);
    model_margin(m, x, judged);
    for (size_t i = 0; i < rest; i++)
        margin[in.rest[i]] = judged[i];
    arena_free(&own);
    return tuned;
}
