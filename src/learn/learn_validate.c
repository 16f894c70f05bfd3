#include "learn/learn_internal.h"

#include <assert.h>
#include <math.h>

LearnOptions learn_options_default(void)
{
    return (LearnOptions){.folds = 5,
                          .repeats = 10,
                          .inner_folds = 5,
                          .replicates = 1000,
                          .shuffles = 20,
                          .threshold = 0.5,
                          .seed = 1};
}

enum { CANDIDATES = 2 };

Procedure procedure_of(const Candidate *c, const LearnOptions *options)
{
    Procedure p = {.kind = c->kind, .inner_folds = options->inner_folds, .forest = c->forest};
    p.forest.trees = forest_options_default().trees; /* the candidate's holds the tuned number */
    return p;
}

/* ---- out-of-fold margins ---- */

typedef struct Run {
    const TrainingSet *set;
    const LearnOptions *options;
    const Candidate *candidate; /* [CANDIDATES] */
    uint32_t **fold;            /* [repeats] */
    Tuned *tuned;               /* [candidate][repeat][fold] */
} Run;

static uint64_t run_seed(const LearnOptions *o, size_t repeat, size_t fold)
{
    return seed_derive(seed_derive(seed_derive(o->seed, STREAM_OUTER), repeat), fold);
}

/* A task is one fold of one repeat for one candidate; it writes that fold's margins. */
static void run_task(void *context, size_t task, Arena scratch)
{
    Run *run = context;
    const LearnOptions *o = run->options;
    size_t candidate = task % CANDIDATES, fold = task / CANDIDATES % o->folds;
    size_t repeat = task / CANDIDATES / o->folds;
    const Candidate *c = &run->candidate[candidate];
    Procedure p = procedure_of(c, o);
    run->tuned[(candidate * o->repeats + repeat) * o->folds + fold] =
        procedure_fold(&p, run->set, run->fold[repeat], (uint32_t)fold, run_seed(o, repeat, fold),
                       c->margin[repeat], scratch);
}

/* The rest of the whole procedure: what would be tuned on all rows, for the final fit. */
typedef struct Whole {
    const TrainingSet *set;
    const LearnOptions *options;
    const Candidate *candidate;
    Tuned tuned[CANDIDATES];
} Whole;

static uint64_t whole_seed(const LearnOptions *o)
{
    return seed_derive(o->seed, STREAM_FINAL);
}

static void whole_task(void *context, size_t task, Arena scratch)
{
    Whole *w = context;
    Procedure p = procedure_of(&w->candidate[task], w->options);
    const uint32_t *row = rows_or_all(&scratch, NULL, w->set->x->rows);
    w->tuned[task] =
        procedure_tune(&p, w->set, row, w->set->x->rows, whole_seed(w->options), scratch);
}

/* Platt for a fold is fitted on the margins of the other folds of the same repeat, so on none of
 * its customers' margins. The models behind those margins may have been trained with them: what
 * is left of their labels goes through two parameters. */
static void calibrate_repeat(double *probability, const double *margin, const uint32_t *fold,
                             const uint8_t *label, size_t rows, size_t folds, Arena scratch)
{
    double *other = ARENA_RAW(&scratch, double, rows);
    uint8_t *other_label = ARENA_RAW(&scratch, uint8_t, rows);
    for (size_t k = 0; k < folds; k++) {
        size_t n = 0;
        for (size_t i = 0; i < rows; i++)
            if (fold[i] != k) {
                other[n] = margin[i];
                other_label[n++] = label[i] != 0;
            }
        Platt c = learn_platt(other, other_label, n);
        for (size_t i = 0; i < rows; i++)
            if (fold[i] == k)
                probability[i] = platt_apply(c, margin[i]);
    }
}

/* ---- comparing ---- */

static double log_loss_of(double p, uint8_t label)
{
    double right = label != 0 ? p : 1 - p;
    return -stable_log(right < 1e-15 ? 1e-15 : right);
}

/* Mean and standard error over customers of values that are means over repeats. */
static double mean_of(const double *value, size_t n, double *error)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        sum += value[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (value[i] - mean) * (value[i] - mean);
    *error = sqrt(square / (double)(n - 1) / (double)n);
    return mean;
}

static void customer_losses(double *loss, const Candidate *c, const uint8_t *label, size_t rows,
                            size_t repeats)
{
    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        for (size_t r = 0; r < repeats; r++)
            sum += log_loss_of(c->probability[r][i], label[i]);
        loss[i] = sum / (double)repeats;
    }
}

static void choose(Validation *v, Arena *keep, const double *first, const double *last,
                   Arena scratch)
{
    double *paired = ARENA_RAW(&scratch, double, v->rows);
    for (size_t i = 0; i < v->rows; i++)
        paired[i] = last[i] - first[i];
    v->difference = mean_of(paired, v->rows, &v->difference_error);
    v->chosen = v->difference < -v->difference_error ? v->candidates - 1 : 0;
    const Candidate *simple = &v->candidate[0], *rich = &v->candidate[v->candidates - 1];
    if (v->chosen != 0)
        v->reason = str_format(
            keep,
            "The %.*s has a log loss of %.4f against %.4f of the %.*s: lower by %.4f, more than "
            "one standard error (%.4f) of the paired difference over %zu customers.",
            STR_ARG(rich->name), rich->log_loss, simple->log_loss, STR_ARG(simple->name),
            -v->difference, v->difference_error, v->rows);
    else
        v->reason = str_format(
            keep,
            "The %.*s (log loss %.4f) is kept as the simpler model: the %.*s (%.4f) is not better "
            "by more than one standard error (difference %+.4f, error %.4f, %zu customers).",
            STR_ARG(simple->name), simple->log_loss, STR_ARG(rich->name), rich->log_loss,
            v->difference, v->difference_error, v->rows);
}

/* ---- words ---- */

static void tuned_range(const Tuned *t, size_t n, ModelKind kind, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        double x = kind == MODEL_LINEAR ? t[i].l2 : (double)t[i].trees;
        *low = x < *low ? x : *low;
        *high = x > *high ? x : *high;
    }
}

static Str says_of(Arena *keep, const Candidate *c, const Tuned *t, size_t n)
{
    double low, high;
    tuned_range(t, n, c->kind, &low, &high);
    if (c->kind == MODEL_LINEAR)
        return str_format(keep,
                          "logistic regression, L2 penalty %g (chosen inside each training part: "
                          "%g to %g)",
                          c->l2, low, high);
    return str_format(keep,
                      "boosted trees: %zu trees (chosen inside each training part: %g to %g) of "
                      "depth %zu, learning rate %g, L2 %g, hessian at least %g in a leaf, %g of "
                      "rows and %g of columns for each tree",
                      c->forest.trees, low, high, c->forest.depth, c->forest.learning_rate,
                      c->forest.l2, c->forest.hessian_min, c->forest.row_share,
                      c->forest.column_share);
}

/* ---- the whole ---- */

static void candidate_init(Candidate *c, Arena *keep, size_t rows, const LearnOptions *o)
{
    c->forest = forest_options_default();
    c->margin = ARENA_ARRAY(keep, double *, o->repeats);
    c->probability = ARENA_ARRAY(keep, double *, o->repeats);
    for (size_t r = 0; r < o->repeats; r++) {
        c->margin[r] = ARENA_ARRAY(keep, double, rows);
        c->probability[r] = ARENA_ARRAY(keep, double, rows);
    }
}

static void run_all(Run *run, Team *team, const Progress *progress)
{
    const LearnOptions *o = run->options;
    progress_tell(progress, "cross-validating", 0, 1);
    team_run_told(team, CANDIDATES * o->folds * o->repeats, run_task, run);
}

Status learn_validate(Validation **out, Arena *keep, Arena scratch, const TrainingSet *set,
                      const LearnOptions *options, Team *team, const Progress *progress, Error *err)
{
    size_t rows = set->x->rows, repeats = options->repeats, folds = options->folds;
    assert(folds >= 2 && options->inner_folds >= 2 && repeats >= 1);
    /* A training part must itself hold both classes in every inner training part. */
    TRY(classes_check(set->label, NULL, rows, folds > 4 ? folds : 4, err));

    Validation *v = ARENA_NEW(keep, Validation);
    *v = (Validation){.rows = rows, .repeats = repeats, .folds = folds, .candidates = CANDIDATES};
    for (size_t i = 0; i < rows; i++)
        v->positives += set->label[i] != 0;
    v->candidate = ARENA_ARRAY(keep, Candidate, CANDIDATES);
    for (size_t c = 0; c < CANDIDATES; c++)
        candidate_init(&v->candidate[c], keep, rows, options);
    v->candidate[0].name = S("logistic");
    v->candidate[0].kind = MODEL_LINEAR;
    v->candidate[1].name = S("forest");
    v->candidate[1].kind = MODEL_FOREST;

    Run run = {.set = set, .options = options, .candidate = v->candidate};
    run.fold = ARENA_ARRAY(&scratch, uint32_t *, repeats);
    run.tuned = ARENA_ARRAY(&scratch, Tuned, CANDIDATES * repeats * folds);
    for (size_t r = 0; r < repeats; r++) {
        run.fold[r] = ARENA_RAW(&scratch, uint32_t, rows);
        learn_folds(run.fold[r], set->label, rows, folds, run_seed(options, r, folds));
    }
    run_all(&run, team, progress);
    Whole whole = {.set = set, .options = options, .candidate = v->candidate};
    team_run(team, CANDIDATES, whole_task, &whole);

    progress_tell(progress, "estimating intervals", 0, 1);
    double *loss[CANDIDATES];
    for (size_t k = 0; k < CANDIDATES; k++) {
        Candidate *c = &v->candidate[k];
        for (size_t r = 0; r < repeats; r++)
            calibrate_repeat(c->probability[r], c->margin[r], run.fold[r], set->label, rows, folds,
                             scratch);
        loss[k] = ARENA_RAW(&scratch, double, rows);
        customer_losses(loss[k], c, set->label, rows, repeats);
        c->log_loss = mean_of(loss[k], rows, &c->log_loss_error);
        c->metric = ARENA_ARRAY(keep, MetricSet, set->strata);
        for (size_t s = 0; s < set->strata; s++)
            metric_evaluate(&c->metric[s], (const double *const *)c->probability, repeats,
                            set->label, set->in_stratum[s], rows, options->threshold,
                            options->replicates, seed_derive(options->seed, STREAM_BOOTSTRAP),
                            team);
        c->l2 = whole.tuned[k].l2;
        if (c->kind == MODEL_FOREST)
            c->forest.trees = whole.tuned[k].trees;
        c->says = says_of(keep, c, run.tuned + k * repeats * folds, repeats * folds);
    }
    choose(v, keep, loss[0], loss[CANDIDATES - 1], scratch);
    *out = v;
    return STATUS_OK;
}

Status learn_final(Learned *out, Arena *keep, Arena scratch, const TrainingSet *set,
                   const Validation *validation, const LearnOptions *options, Team *team,
                   Error *err)
{
    const Candidate *c = &validation->candidate[validation->chosen];
    size_t rows = set->x->rows;
    assert(rows == validation->rows);
    TRY(classes_check(set->label, NULL, rows, 2, err));
    Procedure p = procedure_of(c, options);
    Tuned tuned = {.l2 = c->l2, .trees = c->forest.trees};
    const uint32_t *row = rows_or_all(&scratch, NULL, rows);
    out->model = procedure_fit(&p, tuned, keep, set, row, rows, whole_seed(options), team, scratch);

    double *margin = ARENA_ARRAY(&scratch, double, rows);
    for (size_t i = 0; i < rows; i++) {
        for (size_t r = 0; r < validation->repeats; r++)
            margin[i] += c->margin[r][i];
        margin[i] /= (double)validation->repeats;
    }
    out->platt = learn_platt(margin, set->label, rows);
    out->venn_abers = learn_venn_abers(keep, scratch, margin, set->label, rows);
    return STATUS_OK;
}
