/* learn_refold.c - fitting again what was validated: a fold's model, a procedure on other labels,
 * the final model. */
#include "learn/learn_internal.h"

#include <assert.h>

static Model *blend_model(Arena *keep, const Candidate *c, const Model *const *model,
                          const Platt *platt)
{
    Blend *b = ARENA_NEW(keep, Blend);
    b->parts = c->parts;
    b->part = ARENA_ARRAY(keep, const Model *, b->parts);
    b->weight = ARENA_ARRAY(keep, double, b->parts);
    b->slope = ARENA_ARRAY(keep, double, b->parts);
    b->intercept = ARENA_ARRAY(keep, double, b->parts);
    for (size_t i = 0; i < b->parts; i++) {
        b->part[i] = model[i];
        b->weight[i] = 1.0 / (double)b->parts;
        b->slope[i] = platt[i].slope;
        b->intercept[i] = platt[i].intercept;
    }
    Model *m = ARENA_NEW(keep, Model);
    *m = (Model){.kind = MODEL_BLEND, .blend = b};
    return m;
}

/* The candidate's model of a part, as its search there settled it. */
static Model *part_model(const Validation *v, size_t candidate, size_t at, Arena *keep,
                         const TrainingSet *of, uint64_t seed, Team *team, Arena scratch)
{
    const Candidate *c = &v->candidate[candidate];
    const InnerPart *part = &v->part[at];
    size_t parts = validation_parts(v);
    if (c->kind != MODEL_BLEND)
        return candidate_fit(c, &v->searched[candidate * parts + at].tuned, keep, of, part->row,
                             part->rows, seed, team, scratch);
    const Model **model = ARENA_ARRAY(&scratch, const Model *, c->parts);
    const double **inner = ARENA_ARRAY(&scratch, const double *, c->parts);
    Platt *platt = ARENA_ARRAY(&scratch, Platt, c->parts);
    for (size_t i = 0; i < c->parts; i++) {
        size_t k = (size_t)(c->part[i] - v->candidate);
        inner[i] = v->searched[k * parts + at].margin;
        model[i] = part_model(v, k, at, keep, of, seed, team, scratch);
    }
    blend_platts(platt, inner, c->parts, part, of->label, scratch);
    return blend_model(keep, c, model, platt);
}

void learn_fold_model(FoldModel *out, Arena *keep, Arena scratch, const TrainingSet *set,
                      const Validation *v, size_t candidate, size_t repeat, size_t fold,
                      const LearnOptions *options)
{
    const InnerPart *part = &v->part[repeat * v->folds + fold];
    uint32_t *judged = ARENA_RAW(keep, uint32_t, v->rows);
    out->rows = 0;
    for (size_t i = 0; i < v->rows; i++)
        if (v->fold[repeat][i] == fold)
            judged[out->rows++] = (uint32_t)i;
    TrainingSet of = training_part(keep, set, part->row, part->rows);
    out->row = judged;
    out->x = of.x;
    out->model = part_model(v, candidate, repeat * v->folds + fold, keep, &of,
                            fold_seed(options, repeat, fold), NULL, scratch);
}

Status learn_final(Learned *out, Arena *keep, Arena scratch, const TrainingSet *set,
                   const Validation *v, const LearnOptions *options, Team *team, Error *err)
{
    assert(set->x->rows == v->rows);
    TRY(learn_check_classes(set->label, NULL, v->rows, 2, err));
    out->model = part_model(v, v->chosen, validation_parts(v) - 1, keep, set, whole_seed(options),
                            team, scratch);
    CalibrationPart on;
    learn_calibration_part(&on, &scratch, set, v, v->chosen, LEARN_ALL_ROWS, 0);
    out->calibration =
        learn_calibration(v->calibration->chosen, keep, scratch, on.margin, on.label, on.rows);
    out->venn_abers = learn_venn_abers(keep, scratch, on.margin, on.label, on.rows);
    return STATUS_OK;
}

/* ---- a procedure on other labels ---- */

typedef struct Passes {
    const OutOfFold *pass;
    const LearnOptions *options;
    const Candidate *const *part; /* [parts]: a blend's, else the one */
    size_t parts, folds;
    double **margin;    /* [passes][parts] */
    InnerPart *inner;   /* [passes][folds] */
    Searched *searched; /* [passes][folds][parts] */
} Passes;

static uint64_t pass_seed(const OutOfFold *p, size_t fold)
{
    return seed_derive(p->seed, fold + 2);
}

static void pass_task(void *context, size_t task, Arena scratch)
{
    const Passes *s = context;
    size_t part = task % s->parts, fold = task / s->parts % s->folds;
    size_t pass = task / s->parts / s->folds;
    const OutOfFold *p = &s->pass[pass];
    if (s->parts == 1 && s->part[0]->settled)
        s->searched[task].margin = NULL; /* not asked for */
    candidate_fold(&s->searched[task], s->part[part], p->set, &s->inner[pass * s->folds + fold],
                   s->options, pass_seed(p, fold), s->margin[pass * s->parts + part], scratch);
}

static void blend_pass(const Passes *s, size_t pass, Arena scratch)
{
    const OutOfFold *p = &s->pass[pass];
    size_t rows = p->set->x->rows;
    for (size_t k = 0; k < s->folds; k++) {
        Arena own = scratch;
        const double **inner = ARENA_ARRAY(&own, const double *, s->parts);
        Platt *platt = ARENA_ARRAY(&own, Platt, s->parts);
        for (size_t i = 0; i < s->parts; i++)
            inner[i] = s->searched[(pass * s->folds + k) * s->parts + i].margin;
        blend_platts(platt, inner, s->parts, &s->inner[pass * s->folds + k], p->set->label, own);
        for (size_t row = 0; row < rows; row++) {
            if (p->fold[row] != k)
                continue;
            double sum = 0;
            for (size_t i = 0; i < s->parts; i++)
                sum += (platt[i].slope * s->margin[pass * s->parts + i][row] + platt[i].intercept) /
                       (double)s->parts;
            p->margin[row] = sum;
        }
    }
}

void learn_out_of_fold(const OutOfFold *pass, size_t passes, const Candidate *candidate,
                       const LearnOptions *options, Team *team, Arena scratch)
{
    bool blend = candidate->kind == MODEL_BLEND;
    Passes s = {.pass = pass,
                .options = options,
                .part = blend ? candidate->part : &candidate,
                .parts = blend ? candidate->parts : 1,
                .folds = options->folds};
    s.margin = ARENA_ARRAY(&scratch, double *, passes *s.parts);
    s.inner = ARENA_ARRAY(&scratch, InnerPart, passes * s.folds);
    s.searched = ARENA_ARRAY(&scratch, Searched, passes * s.folds * s.parts);
    for (size_t k = 0; k < passes; k++) {
        size_t rows = pass[k].set->x->rows;
        for (size_t i = 0; i < s.parts; i++)
            s.margin[k * s.parts + i] =
                blend ? ARENA_ARRAY(&scratch, double, rows) : pass[k].margin;
        for (size_t fold = 0; fold < s.folds; fold++) {
            InnerPart *part = &s.inner[k * s.folds + fold];
            *part = outer_part(&scratch, pass[k].set, pass[k].fold, fold, options->inner_folds,
                               pass_seed(&pass[k], fold));
            for (size_t i = 0; i < s.parts; i++)
                s.searched[(k * s.folds + fold) * s.parts + i] =
                    searched_new(&scratch, s.part[i], options, part->rows);
        }
    }
    team_run_told(team, passes * s.folds * s.parts, pass_task, &s);
    for (size_t k = 0; k < passes && blend; k++)
        blend_pass(&s, k, scratch);
}
