#include "learn/learn_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

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

/* Simplest first. The blend is last because it is made of others that are trained. */
enum { LOGISTIC, TREE, BOOSTING, RANDOM_FOREST, BLEND, CANDIDATES, TRAINED = BLEND };

Procedure procedure_of(const Candidate *c, const LearnOptions *options)
{
    Procedure p = {.kind = c->kind,
                   .inner_folds = options->inner_folds,
                   .forest = c->forest,
                   .parts = c->parts,
                   .part = c->part};
    /* The candidate's holds the tuned number. */
    if (single_tree(&p.forest))
        p.forest.leaves = forest_options_tree().leaves;
    else if (p.forest.patience > 0)
        p.forest.trees = forest_options_default().trees;
    return p;
}

/* ---- out-of-fold margins ---- */

typedef struct Run {
    const TrainingSet *set;
    const LearnOptions *options;
    const Candidate *candidate; /* [TRAINED] */
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
    size_t candidate = task % TRAINED, fold = task / TRAINED % o->folds;
    size_t repeat = task / TRAINED / o->folds;
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
    Tuned tuned[TRAINED];
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

typedef Platt FitPlatt(const double *margin, const uint8_t *label, size_t n);

/* Platt for a fold is fitted on the margins of the other folds of the same repeat, so on none of
 * its customers' margins. The models behind those margins may have been trained with them: what
 * is left of their labels goes through two parameters. */
static Platt platt_without(FitPlatt *fit, const double *margin, const uint32_t *fold, size_t k,
                           const uint8_t *label, size_t rows, Arena scratch)
{
    double *other = ARENA_RAW(&scratch, double, rows);
    uint8_t *other_label = ARENA_RAW(&scratch, uint8_t, rows);
    size_t n = 0;
    for (size_t i = 0; i < rows; i++)
        if (fold[i] != k) {
            other[n] = margin[i];
            other_label[n++] = label[i] != 0;
        }
    return fit(other, other_label, n);
}

static void calibrate_repeat(double *probability, const double *margin, const uint32_t *fold,
                             const uint8_t *label, size_t rows, size_t folds, Arena scratch)
{
    for (size_t k = 0; k < folds; k++) {
        Platt c = platt_without(learn_sigmoid, margin, fold, k, label, rows, scratch);
        for (size_t i = 0; i < rows; i++)
            if (fold[i] == k)
                probability[i] = platt_apply(c, margin[i]);
    }
}

Platt blend_platt(const double *margin, const uint8_t *label, size_t n)
{
    return learn_sigmoid(margin, label, n);
}

void blend_margins(double *out, double *const *part, size_t parts, const uint32_t *fold,
                   const uint8_t *label, size_t rows, size_t folds, Arena scratch)
{
    memset(out, 0, rows * sizeof *out);
    for (size_t p = 0; p < parts; p++)
        for (size_t k = 0; k < folds; k++) {
            Platt c = platt_without(blend_platt, part[p], fold, k, label, rows, scratch);
            for (size_t i = 0; i < rows; i++)
                if (fold[i] == k)
                    out[i] += (c.slope * part[p][i] + c.intercept) / (double)parts;
        }
}

/* ---- comparing ---- */

static double log_loss_of(double p, uint8_t label)
{
    double right = label != 0 ? p : 1 - p;
    return -stable_log(right < 1e-15 ? 1e-15 : right);
}

/* Mean and standard error over customers of values that are means over repeats. Linked customers
 * count together: the error is that of a mean over clusters (Liang and Zeger 1986). */
static double mean_of(const double *value, const uint32_t *group, size_t n, double *error,
                      Arena scratch)
{
    uint32_t *of = ARENA_RAW(&scratch, uint32_t, n);
    double *apart = ARENA_ARRAY(&scratch, double, n);
    double sum = 0, square = 0, groups = (double)group_firsts(of, group, n, scratch);
    for (size_t i = 0; i < n; i++)
        sum += value[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        apart[of[i]] += value[i] - mean;
    for (size_t i = 0; i < n; i++)
        square += apart[i] * apart[i];
    *error = sqrt(square / (groups - 1) * (groups / (double)n) / (double)n);
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

typedef struct Paired {
    double difference, error;
} Paired;

/* How much lower (negative) the one's log loss is than the other's. */
static Paired paired(double *const *loss, size_t one, size_t other, const uint32_t *group,
                     size_t rows, Arena scratch)
{
    double *difference = ARENA_RAW(&scratch, double, rows);
    for (size_t i = 0; i < rows; i++)
        difference[i] = loss[one][i] - loss[other][i];
    Paired p;
    p.difference = mean_of(difference, group, rows, &p.error, scratch);
    return p;
}

/* The lowest log loss of all but one; on a tie the simpler. */
static size_t lowest_but(const Validation *v, size_t except)
{
    size_t best = except == 0 ? 1 : 0;
    for (size_t k = 0; k < v->candidates; k++)
        if (k != except && v->candidate[k].log_loss < v->candidate[best].log_loss)
            best = k;
    return best;
}

/* One standard error: the simplest that the best does not beat by more than that. */
static void choose(Validation *v, Arena *keep, double *const *loss, const uint32_t *group,
                   Arena scratch)
{
    size_t best = lowest_but(v, v->candidates);
    Paired gap = {0};
    for (v->chosen = 0; v->chosen < best; v->chosen++) {
        gap = paired(loss, best, v->chosen, group, v->rows, scratch);
        if (!(gap.difference < -gap.error))
            break;
    }
    size_t rival = best == 0 ? lowest_but(v, 0) : best;
    Paired first = paired(loss, rival, 0, group, v->rows, scratch);
    v->difference = first.difference;
    v->difference_error = first.error;
    const Candidate *simple = &v->candidate[0], *rich = &v->candidate[rival];
    const Candidate *chosen = &v->candidate[v->chosen];
    if (v->chosen == 0)
        v->reason = str_format(
            keep,
            "Candidate %.*s (log loss %.4f) is kept as the simpler model: %.*s (%.4f) is not "
            "better "
            "by more than one standard error (difference %+.4f, error %.4f, %zu customers).",
            STR_ARG(simple->name), simple->log_loss, STR_ARG(rich->name), rich->log_loss,
            v->difference, v->difference_error, v->rows);
    else if (v->chosen == best)
        v->reason = str_format(
            keep,
            "Candidate %.*s has a log loss of %.4f against %.4f of %.*s: lower by %.4f, more than "
            "one standard error (%.4f) of the paired difference over %zu customers, and no simpler "
            "model comes within one.",
            STR_ARG(rich->name), rich->log_loss, simple->log_loss, STR_ARG(simple->name),
            -v->difference, v->difference_error, v->rows);
    else
        v->reason = str_format(
            keep,
            "Candidate %.*s (log loss %.4f) is kept as the simplest model that the best, %.*s "
            "(%.4f), does not beat by more than one standard error (difference %+.4f, error %.4f, "
            "%zu customers); it beats %.*s (%.4f) by more.",
            STR_ARG(chosen->name), chosen->log_loss, STR_ARG(rich->name), rich->log_loss,
            gap.difference, gap.error, v->rows, STR_ARG(simple->name), simple->log_loss);
}

/* ---- words ---- */

static void tuned_range(const Tuned *t, size_t n, const Candidate *c, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        double x = c->kind == MODEL_LINEAR   ? t[i].l2
                   : single_tree(&c->forest) ? (double)t[i].leaves
                                             : (double)t[i].trees;
        *low = x < *low ? x : *low;
        *high = x > *high ? x : *high;
    }
}

static Str says_of_blend(Arena *keep, const Candidate *c)
{
    Buffer b = buffer_new(keep);
    buffer_add(&b, S("mean of the calibrated log-odds of "));
    for (size_t i = 0; i < c->parts; i++)
        buffer_format(&b, "%s%.*s",
                      i == 0              ? ""
                      : i + 1 == c->parts ? " and "
                                          : ", ",
                      STR_ARG(c->part[i]->name));
    return buffer_str(&b);
}

static Str says_of(Arena *keep, const Candidate *c, const Tuned *t, size_t n)
{
    double low, high;
    const ForestOptions *f = &c->forest;
    if (c->kind == MODEL_BLEND)
        return says_of_blend(keep, c);
    tuned_range(t, n, c, &low, &high);
    if (c->kind == MODEL_LINEAR)
        return str_format(keep,
                          "logistic regression, L2 penalty %g (chosen inside each training part: "
                          "%g to %g)",
                          c->l2, low, high);
    if (single_tree(f))
        return str_format(keep,
                          "one tree of at most %zu leaves (chosen inside each training part: %g to "
                          "%g), L2 %g, hessian at least %g in a leaf",
                          f->leaves, low, high, f->l2, f->hessian_min);
    if (f->apart)
        return str_format(
            keep,
            "random forest: %zu trees of depth %zu at most, each on %g of rows, %g of "
            "columns for each split, L2 %g, hessian at least %g in a leaf",
            f->trees, f->depth, f->row_share, f->split_share, f->l2, f->hessian_min);
    return str_format(keep,
                      "boosted trees: %zu trees (chosen inside each training part: %g to %g) of "
                      "depth %zu, learning rate %g, L2 %g, hessian at least %g in a leaf, %g of "
                      "rows and %g of columns for each tree",
                      f->trees, low, high, f->depth, f->learning_rate, f->l2, f->hessian_min,
                      f->row_share, f->column_share);
}

/* ---- the whole ---- */

static void candidate_init(Candidate *c, Arena *keep, size_t rows, const LearnOptions *o)
{
    c->margin = ARENA_ARRAY(keep, double *, o->repeats);
    c->probability = ARENA_ARRAY(keep, double *, o->repeats);
    for (size_t r = 0; r < o->repeats; r++) {
        c->margin[r] = ARENA_ARRAY(keep, double, rows);
        c->probability[r] = ARENA_ARRAY(keep, double, rows);
    }
}

static Candidate *candidates_new(Arena *keep, size_t rows, const LearnOptions *o)
{
    Candidate *c = ARENA_ARRAY(keep, Candidate, CANDIDATES);
    static const size_t parts[] = {LOGISTIC, BOOSTING, RANDOM_FOREST};
    const Candidate **part = ARENA_ARRAY(keep, const Candidate *, COUNT_OF(parts));
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        part[i] = &c[parts[i]];
    c[LOGISTIC] = (Candidate){
        .name = S("logistic"), .kind = MODEL_LINEAR, .forest = forest_options_default()};
    c[TREE] = (Candidate){.name = S("tree"), .kind = MODEL_FOREST, .forest = forest_options_tree()};
    c[BOOSTING] = (Candidate){
        .name = S("boosting"), .kind = MODEL_FOREST, .forest = forest_options_default()};
    c[RANDOM_FOREST] = (Candidate){
        .name = S("random_forest"), .kind = MODEL_FOREST, .forest = forest_options_random()};
    c[BLEND] = (Candidate){.name = S("blend"),
                           .kind = MODEL_BLEND,
                           .forest = forest_options_default(),
                           .parts = COUNT_OF(parts),
                           .part = part};
    for (size_t k = 0; k < CANDIDATES; k++)
        candidate_init(&c[k], keep, rows, o);
    return c;
}

static void run_all(Run *run, Team *team, const Progress *progress)
{
    const LearnOptions *o = run->options;
    progress_tell(progress, "cross-validating", 0, 1);
    team_run_told(team, (size_t)TRAINED * o->folds * o->repeats, run_task, run);
}

static void blend_repeat(Candidate *blend, size_t repeat, const uint32_t *fold,
                         const uint8_t *label, size_t rows, size_t folds, Arena scratch)
{
    double **part = ARENA_ARRAY(&scratch, double *, blend->parts);
    for (size_t i = 0; i < blend->parts; i++)
        part[i] = blend->part[i]->margin[repeat];
    blend_margins(blend->margin[repeat], part, blend->parts, fold, label, rows, folds, scratch);
}

static void candidate_tuned(Candidate *c, const Tuned *tuned)
{
    if (c->kind == MODEL_LINEAR)
        c->l2 = tuned->l2;
    else if (single_tree(&c->forest))
        c->forest.leaves = tuned->leaves;
    else
        c->forest.trees = tuned->trees;
}

Status learn_validate(Validation **out, Arena *keep, Arena scratch, const TrainingSet *set,
                      const LearnOptions *options, Team *team, const Progress *progress, Error *err)
{
    size_t rows = set->x->rows, repeats = options->repeats, folds = options->folds;
    assert(folds >= 2 && options->inner_folds >= 2 && repeats >= 1);
    /* A training part must itself hold both classes in every inner training part. */
    TRY(learn_check_classes(set->label, NULL, rows, folds > 4 ? folds : 4, err));

    Validation *v = ARENA_NEW(keep, Validation);
    *v = (Validation){.rows = rows, .repeats = repeats, .folds = folds, .candidates = CANDIDATES};
    for (size_t i = 0; i < rows; i++)
        v->positives += set->label[i] != 0;
    v->candidate = candidates_new(keep, rows, options);

    Run run = {.set = set, .options = options, .candidate = v->candidate};
    v->fold = run.fold = ARENA_ARRAY(keep, uint32_t *, repeats);
    v->tuned = run.tuned = ARENA_ARRAY(keep, Tuned, TRAINED * repeats * folds);
    for (size_t r = 0; r < repeats; r++) {
        run.fold[r] = ARENA_RAW(keep, uint32_t, rows);
        learn_folds(run.fold[r], set->label, set->group, rows, folds, run_seed(options, r, folds));
    }
    run_all(&run, team, progress);
    Whole whole = {.set = set, .options = options, .candidate = v->candidate};
    team_run(team, TRAINED, whole_task, &whole);
    for (size_t r = 0; r < repeats; r++)
        blend_repeat(&v->candidate[BLEND], r, run.fold[r], set->label, rows, folds, scratch);

    progress_tell(progress, "estimating intervals", 0, 1);
    double *loss[CANDIDATES];
    for (size_t k = 0; k < CANDIDATES; k++) {
        Candidate *c = &v->candidate[k];
        for (size_t r = 0; r < repeats; r++)
            calibrate_repeat(c->probability[r], c->margin[r], run.fold[r], set->label, rows, folds,
                             scratch);
        loss[k] = ARENA_RAW(&scratch, double, rows);
        customer_losses(loss[k], c, set->label, rows, repeats);
        c->log_loss = mean_of(loss[k], set->group, rows, &c->log_loss_error, scratch);
        c->metric = ARENA_ARRAY(keep, MetricSet, set->strata);
        for (size_t s = 0; s < set->strata; s++)
            metric_evaluate_groups(&c->metric[s], (const double *const *)c->probability, repeats,
                                   set->label, set->in_stratum[s], set->group, rows,
                                   options->threshold, options->replicates,
                                   seed_derive(options->seed, STREAM_BOOTSTRAP), team);
        if (k < TRAINED)
            candidate_tuned(c, &whole.tuned[k]);
        c->says = says_of(keep, c, run.tuned + k * repeats * folds, repeats * folds);
    }
    choose(v, keep, loss, set->group, scratch);
    calibration_choose(v, keep, scratch, set, options, team);
    *out = v;
    return STATUS_OK;
}

/* Out-of-fold margins averaged over repeats. */
static double *mean_margins(Arena *keep, const Candidate *c, size_t rows, size_t repeats)
{
    double *margin = ARENA_ARRAY(keep, double, rows);
    for (size_t i = 0; i < rows; i++) {
        for (size_t r = 0; r < repeats; r++)
            margin[i] += c->margin[r][i];
        margin[i] /= (double)repeats;
    }
    return margin;
}

void learn_calibration_part(CalibrationPart *out, Arena *keep, const TrainingSet *set,
                            const Validation *v, size_t candidate, size_t repeat, size_t fold)
{
    const Candidate *c = &v->candidate[candidate];
    bool all = repeat == LEARN_ALL_ROWS;
    const uint32_t *fold_of = v->fold[all ? 0 : repeat];
    const double *from = all ? mean_margins(keep, c, v->rows, v->repeats) : c->margin[repeat];
    double *margin = ARENA_RAW(keep, double, v->rows);
    uint8_t *label = ARENA_RAW(keep, uint8_t, v->rows);
    uint32_t *row = ARENA_RAW(keep, uint32_t, v->rows), *part = ARENA_RAW(keep, uint32_t, v->rows);
    size_t n = 0;
    for (size_t i = 0; i < v->rows; i++) {
        if (!all && fold_of[i] == fold)
            continue;
        margin[n] = from[i];
        label[n] = set->label[i] != 0;
        part[n] = fold_of[i];
        row[n++] = (uint32_t)i;
    }
    *out = (CalibrationPart){n, margin, label, row, part, v->folds};
}

/* ---- fitting again ---- */

static Tuned tuned_for(const Validation *v, const Candidate *c, size_t repeat, size_t fold)
{
    size_t candidate = (size_t)(c - v->candidate);
    return v->tuned[(candidate * v->repeats + repeat) * v->folds + fold];
}

void learn_fold_model(FoldModel *out, Arena *keep, Arena scratch, const TrainingSet *set,
                      const Validation *v, size_t candidate, size_t repeat, size_t fold,
                      const LearnOptions *options)
{
    const Candidate *c = &v->candidate[candidate];
    const uint32_t *fold_of = v->fold[repeat];
    uint32_t *part = ARENA_RAW(&scratch, uint32_t, v->rows);
    uint32_t *judged = ARENA_RAW(keep, uint32_t, v->rows);
    size_t parts = 0;
    out->rows = 0;
    for (size_t i = 0; i < v->rows; i++)
        if (fold_of[i] == fold)
            judged[out->rows++] = (uint32_t)i;
        else
            part[parts++] = (uint32_t)i;
    TrainingSet of = training_part(keep, set, part, parts);
    out->row = judged;
    out->x = of.x;
    uint64_t seed = run_seed(options, repeat, fold);
    if (c->kind != MODEL_BLEND) {
        Procedure p = procedure_of(c, options);
        out->model = procedure_fit(&p, tuned_for(v, c, repeat, fold), keep, &of, part, parts, seed,
                                   NULL, scratch);
        return;
    }
    Blend *b = ARENA_NEW(keep, Blend);
    b->parts = c->parts;
    b->part = ARENA_ARRAY(keep, const Model *, b->parts);
    b->weight = ARENA_ARRAY(keep, double, b->parts);
    b->slope = ARENA_ARRAY(keep, double, b->parts);
    b->intercept = ARENA_ARRAY(keep, double, b->parts);
    for (size_t i = 0; i < b->parts; i++) {
        Procedure p = procedure_of(c->part[i], options);
        Platt platt = platt_without(blend_platt, c->part[i]->margin[repeat], fold_of, fold,
                                    set->label, v->rows, scratch);
        b->part[i] = procedure_fit(&p, tuned_for(v, c->part[i], repeat, fold), keep, &of, part,
                                   parts, seed, NULL, scratch);
        b->weight[i] = 1.0 / (double)b->parts;
        b->slope[i] = platt.slope;
        b->intercept[i] = platt.intercept;
    }
    Model *m = ARENA_NEW(keep, Model);
    *m = (Model){.kind = MODEL_BLEND, .blend = b};
    out->model = m;
}

typedef struct Passes {
    const OutOfFold *pass;
    const Procedure *procedure; /* [parts]: a blend's, else the one */
    size_t parts, folds;
    double **margin; /* [passes][parts] */
} Passes;

static void pass_task(void *context, size_t task, Arena scratch)
{
    const Passes *s = context;
    size_t part = task % s->parts, fold = task / s->parts % s->folds;
    size_t pass = task / s->parts / s->folds;
    const OutOfFold *p = &s->pass[pass];
    (void)procedure_fold(&s->procedure[part], p->set, p->fold, (uint32_t)fold,
                         seed_derive(p->seed, fold + 2), s->margin[pass * s->parts + part],
                         scratch);
}

void learn_out_of_fold(const OutOfFold *pass, size_t passes, const Candidate *candidate,
                       const LearnOptions *options, Team *team, Arena scratch)
{
    Passes s = {.pass = pass, .parts = candidate->kind == MODEL_BLEND ? candidate->parts : 1};
    s.folds = options->folds;
    Procedure *procedure = ARENA_ARRAY(&scratch, Procedure, s.parts);
    for (size_t i = 0; i < s.parts; i++)
        procedure[i] =
            procedure_of(candidate->kind == MODEL_BLEND ? candidate->part[i] : candidate, options);
    s.procedure = procedure;
    s.margin = ARENA_ARRAY(&scratch, double *, passes *s.parts);
    for (size_t k = 0; k < passes; k++)
        for (size_t i = 0; i < s.parts; i++)
            s.margin[k * s.parts + i] =
                s.parts == 1 ? pass[k].margin : ARENA_ARRAY(&scratch, double, pass[k].set->x->rows);
    team_run_told(team, passes * s.folds * s.parts, pass_task, &s);
    for (size_t k = 0; k < passes && s.parts > 1; k++)
        blend_margins(pass[k].margin, s.margin + k * s.parts, s.parts, pass[k].fold,
                      pass[k].set->label, pass[k].set->x->rows, s.folds, scratch);
}

static Model *fit_one(const Candidate *c, Arena *keep, Arena scratch, const TrainingSet *set,
                      const LearnOptions *options, Team *team)
{
    Procedure p = procedure_of(c, options);
    Tuned tuned = {.l2 = c->l2, .trees = c->forest.trees};
    if (single_tree(&c->forest))
        tuned.leaves = c->forest.leaves;
    const uint32_t *row = rows_or_all(&scratch, NULL, set->x->rows);
    return procedure_fit(&p, tuned, keep, set, row, set->x->rows, whole_seed(options), team,
                         scratch);
}

static Model *fit_blend(const Candidate *c, Arena *keep, Arena scratch, const TrainingSet *set,
                        size_t repeats, const LearnOptions *options, Team *team)
{
    Blend *b = ARENA_NEW(keep, Blend);
    b->parts = c->parts;
    b->part = ARENA_ARRAY(keep, const Model *, b->parts);
    b->weight = ARENA_ARRAY(keep, double, b->parts);
    b->slope = ARENA_ARRAY(keep, double, b->parts);
    b->intercept = ARENA_ARRAY(keep, double, b->parts);
    for (size_t i = 0; i < b->parts; i++) {
        Arena own = scratch;
        const double *margin = mean_margins(&own, c->part[i], set->x->rows, repeats);
        Platt platt = blend_platt(margin, set->label, set->x->rows);
        b->part[i] = fit_one(c->part[i], keep, own, set, options, team);
        b->weight[i] = 1.0 / (double)b->parts;
        b->slope[i] = platt.slope;
        b->intercept[i] = platt.intercept;
    }
    Model *m = ARENA_NEW(keep, Model);
    *m = (Model){.kind = MODEL_BLEND, .blend = b};
    return m;
}

Status learn_final(Learned *out, Arena *keep, Arena scratch, const TrainingSet *set,
                   const Validation *validation, const LearnOptions *options, Team *team,
                   Error *err)
{
    const Candidate *c = &validation->candidate[validation->chosen];
    size_t rows = set->x->rows, repeats = validation->repeats;
    assert(rows == validation->rows);
    TRY(learn_check_classes(set->label, NULL, rows, 2, err));
    out->model = c->kind == MODEL_BLEND ? fit_blend(c, keep, scratch, set, repeats, options, team)
                                        : fit_one(c, keep, scratch, set, options, team);
    const double *margin = mean_margins(&scratch, c, rows, repeats);
    out->calibration =
        learn_calibration(validation->calibration->chosen, keep, scratch, margin, set->label, rows);
    out->venn_abers = learn_venn_abers(keep, scratch, margin, set->label, rows);
    return STATUS_OK;
}
