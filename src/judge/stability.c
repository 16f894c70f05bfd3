/* stability.c - learning and deciding again: whose place on the list is luck? */
#include "judge/judge.h"

#include <assert.h>
#include <math.h>

enum { STREAM_RERUN = 0x57AB }; /* apart from every stream of the rooms below */

/* What one rerun says of each customer. */
typedef struct Rerun {
    double *probability; /* [customers] */
    Segment *segment;
    uint8_t *listed;
    bool drawn;
    Status status;
    Error err;
} Rerun;

typedef struct Rerunning {
    const TrainingSet *set;
    const Validation *validation;
    const LearnOptions *options;
    const Policy *policy;
    const PolicyInputs *inputs;
    size_t runs[RERUN_KINDS];
    Rerun *rerun; /* [seeds, then folds] */
} Rerunning;

static void calibrate(Learned *out, Arena *keep, Arena scratch, const Validation *v,
                      const double *margin, const uint8_t *label, size_t n)
{
    out->calibration = learn_calibration(v->calibration->chosen, keep, scratch, margin, label, n);
    out->venn_abers = learn_venn_abers(keep, scratch, margin, label, n);
}

/* A linear model draws nothing, nor does a tree alone, which is grown on every row and column. */
static bool draws(const Model *m)
{
    return m->kind == MODEL_BLEND || (m->kind == MODEL_FOREST && m->forest->trees > 1);
}

/* The final model fitted again, calibrated on what was said out of fold in one repeat. */
static Status learn_with_other_seed(Learned *out, Arena *keep, Arena scratch, const Rerunning *w,
                                    size_t run, Error *err)
{
    const Validation *v = w->validation;
    LearnOptions options = *w->options;
    options.seed = seed_derive(seed_derive(w->options->seed, STREAM_RERUN), run);
    TRY(learn_final(out, keep, scratch, w->set, v, &options, NULL, err));
    calibrate(out, keep, scratch, v, v->candidate[v->chosen].margin[run % v->repeats],
              w->set->label, v->rows);
    return STATUS_OK;
}

/* Folds of different repeats first, so that few runs share one; each fold of each once. */
static void learn_without_fold(Learned *out, Arena *keep, Arena scratch, const Rerunning *w,
                               size_t run)
{
    const Validation *v = w->validation;
    size_t repeat = run % v->repeats, fold = (repeat + run / v->repeats) % v->folds;
    FoldModel fitted;
    CalibrationPart on;
    learn_fold_model(&fitted, keep, scratch, w->set, v, v->chosen, repeat, fold, w->options);
    learn_calibration_part(&on, &scratch, w->set, v, v->chosen, repeat, fold);
    out->model = (Model *)(uintptr_t)fitted.model;
    calibrate(out, keep, scratch, v, on.margin, on.label, on.rows);
}

static Status decide_again(Rerun *out, Arena *keep, Arena scratch, const Rerunning *w,
                           const Learned *learned, Error *err)
{
    size_t n = w->inputs->count;
    double *margin = ARENA_ARRAY(keep, double, n + 1), *low = ARENA_ARRAY(keep, double, n + 1);
    double *high = ARENA_ARRAY(keep, double, n + 1);
    model_margin(learned->model, w->inputs->matrix, margin);
    for (size_t i = 0; i < n; i++) {
        out->probability[i] = calibration_apply(&learned->calibration, margin[i]);
        venn_abers_apply(learned->venn_abers, margin[i], &low[i], &high[i]);
    }
    PolicyInputs inputs = *w->inputs;
    inputs.margin = margin;
    inputs.probability = out->probability;
    inputs.probability_low = low;
    inputs.probability_high = high;
    Outcome *outcome; /* no reasons: the action alone is asked for */
    TRY(policy_outcomes(&outcome, NULL, keep, scratch, w->policy, &inputs, NULL, err));
    for (size_t i = 0; i < n; i++) {
        out->segment[i] = outcome[i].segment;
        out->listed[i] = outcome[i].action == ACTION_PROPOSE_OFFBOARDING;
    }
    return STATUS_OK;
}

static Status rerun(Rerun *out, Arena *keep, Arena scratch, const Rerunning *w, size_t task,
                    Error *err)
{
    Learned learned = {0};
    if (task < w->runs[RERUN_SEEDS])
        TRY(learn_with_other_seed(&learned, keep, scratch, w, task, err));
    else
        learn_without_fold(&learned, keep, scratch, w, task - w->runs[RERUN_SEEDS]);
    out->drawn = draws(learned.model);
    return decide_again(out, keep, scratch, w, &learned, err);
}

static void rerun_task(void *context, size_t task, Arena scratch)
{
    const Rerunning *w = context;
    Rerun *out = &w->rerun[task];
    Arena own = arena_new();
    out->status = rerun(out, &own, scratch, w, task, &out->err);
    arena_free(&own);
}

static void gather_list(Reruns *out, const Rerun *run, const Outcome *outcome, size_t customers)
{
    double sum = 0, low = 1;
    for (size_t r = 0; r < out->runs; r++) {
        size_t both = 0, either = 0;
        for (size_t i = 0; i < customers; i++) {
            bool mine = outcome[i].action == ACTION_PROPOSE_OFFBOARDING;
            out->listed[r] += run[r].listed[i];
            both += mine && run[r].listed[i];
            either += mine || run[r].listed[i];
        }
        out->jaccard[r] = either == 0 ? 1 : (double)both / (double)either;
        sum += out->jaccard[r];
        low = out->jaccard[r] < low ? out->jaccard[r] : low;
    }
    out->jaccard_mean = out->runs == 0 ? MISSING_VALUE : sum / (double)out->runs;
    out->jaccard_low = out->runs == 0 ? MISSING_VALUE : low;
}

static void gather_customer(Reruns *out, const Rerun *run, size_t i)
{
    double sum = 0, square = 0, runs = (double)out->runs;
    for (size_t r = 0; r < out->runs; r++) {
        out->on_list[i] += run[r].listed[i];
        out->segment[i][run[r].segment[i]]++;
        sum += run[r].probability[i];
    }
    out->mean[i] = sum / runs;
    for (size_t r = 0; r < out->runs; r++) {
        double off = run[r].probability[i] - out->mean[i];
        square += off * off;
    }
    out->deviation[i] = out->runs < 2 ? MISSING_VALUE : sqrt(square / (runs - 1));
}

/* Counts are compared as whole numbers: 8 of 10 is 10 * on >= 8 * runs. */
static void count_customer(Reruns *out, const Outcome *d, size_t i)
{
    size_t on = out->on_list[i], runs = out->runs;
    out->same_segment += out->segment[i][d->segment] == runs;
    if (d->action != ACTION_PROPOSE_OFFBOARDING)
        out->newcomers += 2 * on >= runs;
    else if (on == runs)
        out->always++;
    else if (10 * on >= 8 * runs)
        out->mostly++;
    else if (2 * on >= runs)
        out->half++;
    else
        out->rarely++;
}

static void gather(Reruns *out, Arena *keep, const Rerun *run, const Outcome *outcome,
                   size_t customers)
{
    out->on_list = ARENA_ARRAY(keep, uint32_t, customers + 1);
    out->segment = arena_alloc(keep, customers + 1, sizeof *out->segment);
    out->mean = ARENA_ARRAY(keep, double, customers + 1);
    out->deviation = ARENA_ARRAY(keep, double, customers + 1);
    out->listed = ARENA_ARRAY(keep, size_t, out->runs + 1);
    out->jaccard = ARENA_ARRAY(keep, double, out->runs + 1);
    gather_list(out, run, outcome, customers);
    for (size_t i = 0; i < customers; i++) {
        gather_customer(out, run, i);
        count_customer(out, &outcome[i], i);
    }
}

Status judge_stability(ListStability **out, Arena *keep, const TrainingSet *set,
                       const Validation *v, const LearnOptions *options, const Policy *policy,
                       const PolicyInputs *inputs, const Outcome *outcome, size_t runs, Team *team,
                       Error *err)
{
    size_t customers = inputs->count, most = v->repeats * v->folds;
    assert(runs > 0);
    ListStability *s = *out = ARENA_NEW(keep, ListStability);
    s->customers = customers;
    for (size_t i = 0; i < customers; i++)
        s->listed += outcome[i].action == ACTION_PROPOSE_OFFBOARDING;
    Rerunning w = {set, v, options, policy, inputs, {runs, runs < most ? runs : most}, NULL};
    size_t tasks = w.runs[RERUN_SEEDS] + w.runs[RERUN_FOLDS];
    w.rerun = ARENA_ARRAY(keep, Rerun, tasks);
    for (size_t t = 0; t < tasks; t++) {
        w.rerun[t].probability = ARENA_ARRAY(keep, double, customers + 1);
        w.rerun[t].segment = ARENA_ARRAY(keep, Segment, customers + 1);
        w.rerun[t].listed = ARENA_ARRAY(keep, uint8_t, customers + 1);
    }
    team_run_told(team, tasks, rerun_task, &w);
    for (size_t t = 0; t < tasks; t++)
        if (w.rerun[t].status != STATUS_OK) {
            if (err != NULL && err->status == STATUS_OK)
                *err = w.rerun[t].err;
            return w.rerun[t].status;
        }
    const Rerun *run = w.rerun;
    s->drawn = run->drawn;
    for (size_t k = 0; k < RERUN_KINDS; k++) {
        s->kind[k].runs = w.runs[k];
        gather(&s->kind[k], keep, run, outcome, customers);
        run += w.runs[k];
    }
    return STATUS_OK;
}
