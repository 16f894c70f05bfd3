/* learn_nested.c - what follows from finished searches without looking at the fold that judges.
 *
 * Every outer training part has the inner margins of each candidate's winning setting. They
 * calibrate the candidate for the fold outside, they weigh a blend's parts, and they choose among
 * candidates as the whole validation does, so that the choice itself is judged.
 */
#include "learn/learn_internal.h"

#include <math.h>
#include <string.h>

typedef Platt FitPlatt(const double *margin, const uint8_t *label, size_t n);

static uint8_t *part_labels(Arena *keep, const InnerPart *part, const uint8_t *label)
{
    uint8_t *own = ARENA_RAW(keep, uint8_t, part->rows);
    for (size_t i = 0; i < part->rows; i++)
        own[i] = label[part->row[i]] != 0;
    return own;
}

/* Add share * log-odds of each row, by a sigmoid fitted on the other inner folds. */
static void add_log_odds(double *out, double share, FitPlatt *fit, const double *margin,
                         const InnerPart *part, const uint8_t *label, Arena scratch)
{
    double *other = ARENA_RAW(&scratch, double, part->rows);
    uint8_t *of = ARENA_RAW(&scratch, uint8_t, part->rows);
    for (size_t k = 0; k < part->folds; k++) {
        size_t n = 0;
        for (size_t i = 0; i < part->rows; i++)
            if (part->fold[i] != k) {
                other[n] = margin[i];
                of[n++] = label[part->row[i]] != 0;
            }
        Platt c = fit(other, of, n);
        for (size_t i = 0; i < part->rows; i++)
            if (part->fold[i] == k)
                out[i] += share * (c.slope * margin[i] + c.intercept);
    }
}

/* ---- the blend ---- */

Platt blend_platt(const double *margin, const uint8_t *label, size_t n)
{
    return learn_sigmoid(margin, label, n);
}

void blend_inner(double *out, const double *const *inner, size_t parts, const InnerPart *part,
                 const uint8_t *label, Arena scratch)
{
    memset(out, 0, part->rows * sizeof *out);
    for (size_t p = 0; p < parts; p++)
        add_log_odds(out, 1.0 / (double)parts, blend_platt, inner[p], part, label, scratch);
}

void blend_platts(Platt *out, const double *const *inner, size_t parts, const InnerPart *part,
                  const uint8_t *label, Arena scratch)
{
    uint8_t *own = part_labels(&scratch, part, label);
    for (size_t p = 0; p < parts; p++)
        out[p] = blend_platt(inner[p], own, part->rows);
}

/* ---- what calibrates ---- */

static const Searched *searched(const Validation *v, size_t candidate, size_t part)
{
    return &v->searched[candidate * validation_parts(v) + part];
}

void learn_calibration_part(CalibrationPart *out, Arena *keep, const TrainingSet *set,
                            const Validation *v, size_t candidate, size_t repeat, size_t fold)
{
    size_t at = repeat == LEARN_ALL_ROWS ? validation_parts(v) - 1 : repeat * v->folds + fold;
    const InnerPart *part = &v->part[at];
    *out = (CalibrationPart){.rows = part->rows,
                             .margin = searched(v, candidate, at)->margin,
                             .label = part_labels(keep, part, set->label),
                             .row = part->row,
                             .fold = part->fold,
                             .folds = part->folds};
}

/* ---- one outer part ---- */

typedef struct NestedRun {
    Validation *v;
    const TrainingSet *set;
    const LearnOptions *options;
} NestedRun;

static void blend_part(const NestedRun *n, size_t candidate, size_t at, Arena scratch)
{
    Validation *v = n->v;
    const Candidate *c = &v->candidate[candidate];
    const InnerPart *part = &v->part[at];
    const double **inner = ARENA_ARRAY(&scratch, const double *, c->parts);
    for (size_t p = 0; p < c->parts; p++)
        inner[p] = searched(v, (size_t)(c->part[p] - v->candidate), at)->margin;
    blend_inner(searched(v, candidate, at)->margin, inner, c->parts, part, n->set->label, scratch);
    if (at + 1 == validation_parts(v))
        return;
    size_t repeat = at / v->folds, fold = at % v->folds;
    Platt *platt = ARENA_ARRAY(&scratch, Platt, c->parts);
    blend_platts(platt, inner, c->parts, part, n->set->label, scratch);
    for (size_t i = 0; i < v->rows; i++) {
        if (v->fold[repeat][i] != fold)
            continue;
        double sum = 0;
        for (size_t p = 0; p < c->parts; p++)
            sum += (platt[p].slope * c->part[p]->margin[repeat][i] + platt[p].intercept) /
                   (double)c->parts;
        c->margin[repeat][i] = sum;
    }
}

/* Probabilities of the rows judged. */
static void calibrate_part(const NestedRun *n, size_t candidate, size_t at, Arena scratch)
{
    Validation *v = n->v;
    Candidate *c = &v->candidate[candidate];
    size_t repeat = at / v->folds, fold = at % v->folds;
    CalibrationPart on;
    learn_calibration_part(&on, &scratch, n->set, v, candidate, repeat, fold);
    Platt platt = learn_sigmoid(on.margin, on.label, on.rows);
    for (size_t i = 0; i < v->rows; i++)
        if (v->fold[repeat][i] == fold)
            c->probability[repeat][i] = platt_apply(platt, c->margin[repeat][i]);
}

enum { CHOICE_REPLICATES = 200 }; /* of each part's bootstrap, when the criterion needs one */

/* The choice among candidates as the part alone makes it. */
static size_t choose_part(const NestedRun *n, size_t at, Arena scratch)
{
    const Validation *v = n->v;
    const InnerPart *part = &v->part[at];
    const double ***p = ARENA_ARRAY(&scratch, const double **, v->candidates);
    for (size_t k = 0; k < v->candidates; k++) {
        double *own = ARENA_ARRAY(&scratch, double, part->rows);
        add_log_odds(own, 1, learn_sigmoid, searched(v, k, at)->margin, part, n->set->label,
                     scratch);
        for (size_t i = 0; i < part->rows; i++)
            own[i] = stable_sigmoid(own[i]);
        p[k] = ARENA_ARRAY(&scratch, const double *, 1);
        p[k][0] = own;
    }
    uint32_t *group = NULL;
    if (n->set->group != NULL) {
        group = ARENA_RAW(&scratch, uint32_t, part->rows);
        for (size_t i = 0; i < part->rows; i++)
            group[i] = n->set->group[part->row[i]];
    }
    const Contest contest = {.candidates = v->candidates,
                             .rows = part->rows,
                             .repeats = 1,
                             .probability = (const double *const *const *)p,
                             .label = part_labels(&scratch, part, n->set->label),
                             .group = group,
                             .replicates = CHOICE_REPLICATES,
                             .seed = seed_derive(n->options->seed, STREAM_PAIRED)};
    Standing *standing = ARENA_ARRAY(&scratch, Standing, v->candidates);
    size_t best;
    return contest_choose(standing, &best, &contest, v->criterion, NULL, scratch);
}

static void part_task(void *context, size_t at, Arena scratch)
{
    const NestedRun *n = context;
    Validation *v = n->v;
    for (size_t k = 0; k < v->candidates; k++)
        if (v->candidate[k].kind == MODEL_BLEND)
            blend_part(n, k, at, scratch);
    if (at + 1 == validation_parts(v))
        return;
    for (size_t k = 0; k < v->candidates; k++)
        calibrate_part(n, k, at, scratch);
    size_t repeat = at / v->folds, fold = at % v->folds, chosen = choose_part(n, at, scratch);
    v->nested.chosen[repeat][fold] = (uint32_t)chosen;
    for (size_t i = 0; i < v->rows; i++)
        if (v->fold[repeat][i] == fold)
            v->nested.probability[repeat][i] = v->candidate[chosen].probability[repeat][i];
}

void nested_run(Validation *v, Arena *keep, const TrainingSet *set, const LearnOptions *options,
                Team *team)
{
    Nested *n = &v->nested;
    n->probability = ARENA_ARRAY(keep, double *, v->repeats);
    n->chosen = ARENA_ARRAY(keep, uint32_t *, v->repeats);
    n->times = ARENA_ARRAY(keep, size_t, v->candidates);
    for (size_t r = 0; r < v->repeats; r++) {
        n->probability[r] = ARENA_ARRAY(keep, double, v->rows);
        n->chosen[r] = ARENA_ARRAY(keep, uint32_t, v->folds);
    }
    NestedRun run = {v, set, options};
    team_run(team, validation_parts(v), part_task, &run);
    for (size_t r = 0; r < v->repeats; r++)
        for (size_t k = 0; k < v->folds; k++)
            n->times[n->chosen[r][k]]++;
}
