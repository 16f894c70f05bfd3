#include "learn/learn_internal.h"

#include <assert.h>

TrainingSet training_part(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows)
{
    TrainingSet part = *set;
    if (set->refit != NULL)
        part.x = set->refit->make(set->refit->context, keep, row, rows, set->label);
    return part;
}

InnerPart inner_part(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows,
                     size_t folds, uint64_t seed)
{
    Arena own = arena_new();
    rows = row == NULL ? set->x->rows : rows;
    InnerPart in = {rows, folds, rows_or_all(keep, row, rows), NULL};
    uint32_t *fold = ARENA_RAW(keep, uint32_t, rows);
    uint8_t *label = ARENA_RAW(&own, uint8_t, rows);
    uint32_t *group = set->group == NULL ? NULL : ARENA_RAW(&own, uint32_t, rows);
    for (size_t i = 0; i < rows; i++) {
        label[i] = set->label[in.row[i]];
        if (group != NULL)
            group[i] = set->group[in.row[i]];
    }
    learn_folds(fold, label, group, rows, folds, seed_derive(seed, STREAM_INNER));
    in.fold = fold;
    arena_free(&own);
    return in;
}

InnerPart outer_part(Arena *keep, const TrainingSet *set, const uint32_t *fold_of, size_t fold,
                     size_t inner_folds, uint64_t seed)
{
    uint32_t *row = ARENA_RAW(keep, uint32_t, set->x->rows);
    size_t n = 0;
    for (size_t i = 0; i < set->x->rows; i++)
        if (fold_of[i] != fold)
            row[n++] = (uint32_t)i;
    return inner_part(keep, set, row, n, inner_folds, seed);
}

void linear_solve(const Candidate *c, const Design *d, const Tuned *tuned, double *weight,
                  double precision, Arena scratch)
{
    if (c->lasso)
        design_solve_l1(d, tuned->value[SETTING_L1], 0, weight, precision, scratch);
    else
        design_solve(d, tuned->value[SETTING_L2], weight, precision, scratch);
}

Model *candidate_fit(const Candidate *c, const Tuned *tuned, Arena *keep, const TrainingSet *set,
                     const uint32_t *row, size_t rows, uint64_t seed, Team *team, Arena scratch)
{
    assert(c->kind != MODEL_BLEND);
    Model *m = ARENA_NEW(keep, Model);
    m->kind = c->kind;
    if (c->constant) {
        m->linear = majority_linear(keep, set, row, rows);
        return m;
    }
    if (c->kind == MODEL_LINEAR) {
        Design *d = design_new(keep, &scratch, set, row, rows);
        double *weight = ARENA_ARRAY(&scratch, double, d->width);
        linear_solve(c, d, tuned, weight, PRECISION_FIT, scratch);
        m->linear = design_linear(d, weight);
        return m;
    }
    ForestOptions options = forest_of(c, tuned);
    TrainingSet of = *set;
    if (c->free_signs)
        of.monotone = NULL;
    Booster *b = booster_new(&scratch, &of, row, rows, NULL, 0, &options,
                             seed_derive(seed, STREAM_TREES), team);
    while (b->trees < options.trees) {
        team_told(team, b->trees, options.trees);
        booster_step(b, scratch);
    }
    m->forest = booster_forest(b, keep, options.trees);
    return m;
}

void candidate_fold(Searched *out, const Candidate *c, const TrainingSet *set,
                    const InnerPart *part, const LearnOptions *options, uint64_t seed,
                    double *margin, Arena scratch)
{
    if (out->margin == NULL) { /* nobody wants inner margins, and there is nothing to search */
        assert(c->settled);
        out->tuned = tuned_as_settled(c);
    } else {
        search_run(out, c, set, part, options, seed, scratch);
        if (!out->whole)
            return;
    }
    size_t rows = set->x->rows, rest = 0;
    uint32_t *judged = ARENA_RAW(&scratch, uint32_t, rows);
    for (size_t i = 0, at = 0; i < rows; i++)
        if (at < part->rows && part->row[at] == i)
            at++;
        else
            judged[rest++] = (uint32_t)i;
    const TrainingSet of = training_part(&scratch, set, part->row, part->rows);
    /* The model outlives the fit's scratch, and must not lie in it. */
    Arena own = arena_new();
    Model *m = candidate_fit(c, &out->tuned, &own, &of, part->row, part->rows, seed, NULL, scratch);
    Matrix *x = matrix_take(&own, of.x, judged, rest);
    double *value = ARENA_RAW(&own, double, rest);
    model_margin(m, x, value);
    for (size_t i = 0; i < rest; i++)
        margin[judged[i]] = value[i];
    arena_free(&own);
}
