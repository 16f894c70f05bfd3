#include "learn/learn_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

LearnOptions learn_options_default(void)
{
    return (LearnOptions){.folds = 5,
                          .repeats = 10,
                          .inner_folds = 5,
                          .trials = 6,
                          .lead = 2,
                          .criterion = CRITERION_LOG_LOSS,
                          .replicates = 1000,
                          .shuffles = 20,
                          .threshold = 0.5,
                          .seed = 1};
}

uint64_t fold_seed(const LearnOptions *o, size_t repeat, size_t fold)
{
    return seed_derive(seed_derive(seed_derive(o->seed, STREAM_OUTER), repeat), fold);
}

uint64_t whole_seed(const LearnOptions *o)
{
    return seed_derive(o->seed, STREAM_FINAL);
}

/* ---- the searches ---- */

typedef struct Searches {
    const TrainingSet *set;
    const LearnOptions *options;
    Validation *v;
    Searched *searched;   /* [candidates][parts] */
    const size_t *worked; /* candidates that are searched: not blends */
    size_t work;
    Keeper *keeper;
} Searches;

/* A task is one candidate on one part; it writes that search and the margins of the fold outside.
 */
static void search_task(void *context, size_t task, Arena scratch)
{
    const Searches *s = context;
    const Validation *v = s->v;
    const LearnOptions *o = s->options;
    size_t candidate = s->worked[task % s->work], at = task / s->work;
    Searched *out = &s->searched[candidate * validation_parts(v) + at];
    const Candidate *c = &v->candidate[candidate];
    if (out->whole || (o->stop != NULL && atomic_load(o->stop) != 0))
        return; /* kept from before the interruption, or to be left for after it */
    if (at + 1 == validation_parts(v))
        search_run(out, c, s->set, &v->part[at], o, whole_seed(o), scratch);
    else
        candidate_fold(out, c, s->set, &v->part[at], o, fold_seed(o, at / v->folds, at % v->folds),
                       c->margin[at / v->folds], scratch);
    if (out->whole)
        keeper_done(s->keeper, task);
}

static bool without_signs(const TrainingSet *set)
{
    for (size_t c = 0; set->monotone != NULL && c < set->x->columns; c++)
        if (set->monotone[c] != 0)
            return false;
    return true;
}

static void parts_new(Validation *v, Arena *keep, const TrainingSet *set, const LearnOptions *o)
{
    size_t parts = validation_parts(v);
    InnerPart *part = ARENA_ARRAY(keep, InnerPart, parts);
    v->fold = ARENA_ARRAY(keep, uint32_t *, v->repeats);
    for (size_t r = 0; r < v->repeats; r++) {
        v->fold[r] = ARENA_RAW(keep, uint32_t, v->rows);
        learn_folds(v->fold[r], set->label, set->group, v->rows, v->folds,
                    fold_seed(o, r, v->folds));
        for (size_t k = 0; k < v->folds; k++)
            part[r * v->folds + k] =
                outer_part(keep, set, v->fold[r], k, o->inner_folds, fold_seed(o, r, k));
    }
    part[parts - 1] = inner_part(keep, set, NULL, 0, o->inner_folds, whole_seed(o));
    v->part = part;
}

static void candidate_init(Candidate *c, Arena *keep, size_t rows, size_t repeats)
{
    c->margin = ARENA_ARRAY(keep, double *, repeats);
    c->probability = ARENA_ARRAY(keep, double *, repeats);
    for (size_t r = 0; r < repeats; r++) {
        c->margin[r] = ARENA_ARRAY(keep, double, rows);
        c->probability[r] = ARENA_ARRAY(keep, double, rows);
    }
}

/* The settings of the final model. */
static void candidate_settle(Candidate *c, const Tuned *tuned)
{
    if (c->kind == MODEL_FOREST)
        c->forest = forest_of(c, tuned);
    c->l2 = tuned->value[SETTING_L2];
    c->l1 = tuned->value[SETTING_L1];
}

static void budget_count(SearchBudget *b, const Validation *v, const LearnOptions *o)
{
    *b = (SearchBudget){.rungs = search_rungs(o->inner_folds), .parts = validation_parts(v)};
    for (size_t k = 0; k < v->candidates; k++) {
        const Candidate *c = &v->candidate[k];
        size_t trials = search_trials(o, c);
        if (c->kind == MODEL_BLEND)
            continue;
        if (space_of(c).dimensions > 0) {
            b->searched++;
            b->trials = trials;
            b->fits_each = search_fits(trials, o->inner_folds);
        }
        b->fits += b->parts * search_fits(trials, o->inner_folds);
    }
}

static Status search_all(Validation *v, Arena *keep, Arena scratch, const TrainingSet *set,
                         const LearnOptions *o, Team *team, const Progress *progress, Error *err)
{
    size_t parts = validation_parts(v);
    Searched *searched = ARENA_ARRAY(keep, Searched, v->candidates * parts);
    size_t *worked = ARENA_ARRAY(&scratch, size_t, v->candidates);
    Searches s = {.set = set, .options = o, .v = v, .searched = searched, .worked = worked};
    v->searched = searched;
    for (size_t k = 0; k < v->candidates; k++) {
        const Candidate *c = &v->candidate[k];
        if (c->kind != MODEL_BLEND)
            worked[s.work++] = k;
        for (size_t i = 0; i < parts; i++) {
            searched[k * parts + i] = searched_new(keep, c, o, v->part[i].rows);
            if (c->kind == MODEL_BLEND)
                searched[k * parts + i].trials = 0;
        }
    }
    budget_count(&v->budget, v, o);
    progress_say(progress, str_chars(&scratch, budget_words(&scratch, &v->budget, o)));
    s.keeper = keeper_new(&scratch, v, searched, worked, s.work, set, o, progress);
    progress_tell(progress, "cross-validating", 0, 1);
    team_run_told(team, s.work * parts, search_task, &s);
    bool kept = keeper_close(s.keeper);
    for (size_t k = 0; k < v->candidates * parts; k++)
        v->budget.made += searched[k].fits;
    if (o->stop == NULL || atomic_load(o->stop) == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_STOPPED, "stopped before the validation was done");
    if (kept)
        return error_remedy(err, "the same command goes on from %s", o->resume->path);
    return error_remedy(err, "run the command again");
}

/* ---- the whole ---- */

static void judge_all(Validation *v, Arena *keep, Arena scratch, const TrainingSet *set,
                      const LearnOptions *o, Team *team)
{
    const double ***p = ARENA_ARRAY(&scratch, const double **, v->candidates);
    for (size_t k = 0; k < v->candidates; k++)
        p[k] = (const double **)v->candidate[k].probability;
    const Contest contest = {.candidates = v->candidates,
                             .rows = v->rows,
                             .repeats = v->repeats,
                             .probability = (const double *const *const *)p,
                             .label = set->label,
                             .group = set->group,
                             .replicates = o->replicates,
                             .seed = seed_derive(o->seed, STREAM_PAIRED)};
    Standing *standing = ARENA_ARRAY(&scratch, Standing, v->candidates);
    v->chosen = contest_choose(standing, &v->best, &contest, v->criterion, team, scratch);
    Comparison *against = ARENA_ARRAY(keep, Comparison, v->candidates * CRITERIA);
    contest_compare(against, &contest, v->chosen, team, scratch);
    for (size_t k = 0; k < v->candidates; k++) {
        Candidate *c = &v->candidate[k];
        c->criterion = standing[k].value;
        c->behind = standing[k].behind;
        c->behind_error = standing[k].behind_error;
        c->against_chosen = against + k * CRITERIA;
    }
}

/* Mean log loss over customers of probabilities of several repeats, and its standard error. */
static double loss_of(double *const *probability, const TrainingSet *set, size_t repeats,
                      double *error, Arena scratch)
{
    size_t rows = set->x->rows;
    double *loss = ARENA_ARRAY(&scratch, double, rows);
    for (size_t i = 0; i < rows; i++) {
        for (size_t r = 0; r < repeats; r++)
            loss[i] += log_loss_of(probability[r][i], set->label[i]);
        loss[i] /= (double)repeats;
    }
    return mean_of(loss, set->group, rows, error, scratch);
}

MetricSet *candidate_figures(Arena *keep, double *const *probability, const TrainingSet *set,
                             const LearnOptions *o, Team *team)
{
    MetricSet *metric = ARENA_ARRAY(keep, MetricSet, set->strata);
    for (size_t s = 0; s < set->strata; s++)
        metric_evaluate_groups(&metric[s], (const double *const *)probability, o->repeats,
                               set->label, set->in_stratum[s], set->group, set->x->rows,
                               o->threshold, o->replicates, seed_derive(o->seed, STREAM_BOOTSTRAP),
                               team);
    return metric;
}

Status learn_validate(Validation **out, Arena *keep, Arena scratch, const TrainingSet *set,
                      const LearnOptions *options, Team *team, const Progress *progress, Error *err)
{
    static const Str names[CRITERIA] = {
        {"log loss", 8}, {"Brier score", 11}, {"AUC", 3}, {"average precision", 17}};
    size_t rows = set->x->rows, repeats = options->repeats, folds = options->folds;
    assert(folds >= 2 && options->inner_folds >= 2 && repeats >= 1);
    /* A training part must itself hold both classes in every inner training part. */
    TRY(learn_check_classes(set->label, NULL, rows, folds > 4 ? folds : 4, err));

    Validation *v = ARENA_NEW(keep, Validation);
    *v = (Validation){.rows = rows,
                      .repeats = repeats,
                      .folds = folds,
                      .criterion = options->criterion,
                      .criterion_name = names[options->criterion]};
    for (size_t i = 0; i < rows; i++)
        v->positives += set->label[i] != 0;
    v->candidates = candidates_new(&v->candidate, keep, without_signs(set));
    for (size_t k = 0; k < v->candidates; k++)
        candidate_init(&v->candidate[k], keep, rows, repeats);
    parts_new(v, keep, set, options);
    TRY(search_all(v, keep, scratch, set, options, team, progress, err));
    nested_run(v, keep, set, options, team);

    progress_tell(progress, "estimating intervals", 0, 1);
    for (size_t k = 0; k < v->candidates; k++) {
        Candidate *c = &v->candidate[k];
        c->log_loss = loss_of(c->probability, set, repeats, &c->log_loss_error, scratch);
        c->metric = candidate_figures(keep, c->probability, set, options, team);
    }
    v->nested.log_loss =
        loss_of(v->nested.probability, set, repeats, &v->nested.log_loss_error, scratch);
    v->nested.metric = candidate_figures(keep, v->nested.probability, set, options, team);
    judge_all(v, keep, scratch, set, options, team);
    calibration_choose(v, keep, scratch, set, options, team);
    for (size_t k = 0; k < v->candidates; k++) {
        const Searched *own = &v->searched[k * validation_parts(v)];
        candidate_settle(&v->candidate[k], &own[validation_parts(v) - 1].tuned);
        v->candidate[k].says = says_of(keep, &v->candidate[k], own, validation_parts(v));
    }
    v->reason = reason_of(keep, v);
    *out = v;
    return STATUS_OK;
}
