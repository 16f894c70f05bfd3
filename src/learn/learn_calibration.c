/* learn_calibration.c - which kind of calibration map the chosen candidate gets. */
#include "learn/learn_internal.h"

#include <assert.h>
#include <math.h>

typedef struct Trials {
    const Validation *v;
    const TrainingSet *set;
    CalibrationChoice *choice;
    double **low, **high; /* [repeat][row] */
} Trials;

/* A task is one fold of one repeat: the maps and the interval tables of the inner margins of its
 * training part, applied to its customers. */
static void trial_task(void *context, size_t task, Arena scratch)
{
    const Trials *t = context;
    const Validation *v = t->v;
    size_t repeat = task / v->folds, fold = task % v->folds;
    const double *margin = v->candidate[v->chosen].margin[repeat];
    CalibrationPart part;
    Arena own = arena_new(); /* apart from scratch, which the fits fill */
    learn_calibration_part(&part, &own, t->set, v, v->chosen, repeat, fold);
    for (int kind = CALIBRATION_BETA; kind < CALIBRATION_KINDS; kind++) {
        const CalibrationTrial *trial = &t->choice->trial[kind];
        if (!trial->tried)
            continue;
        Calibration c = learn_calibration((CalibrationKind)kind, &own, scratch, part.margin,
                                          part.label, part.rows);
        for (size_t i = 0; i < v->rows; i++)
            if (v->fold[repeat][i] == fold)
                trial->probability[repeat][i] = calibration_apply(&c, margin[i]);
    }
    const VennAbers *interval = learn_venn_abers(&own, scratch, part.margin, part.label, part.rows);
    for (size_t i = 0; i < v->rows; i++)
        if (v->fold[repeat][i] == fold)
            venn_abers_apply(interval, margin[i], &t->low[repeat][i], &t->high[repeat][i]);
    arena_free(&own);
}

/* The fewest customers, and positives among them, that a fold's map is fitted on. */
static void smallest_part(CalibrationChoice *c, const Validation *v, const TrainingSet *set,
                          Arena scratch)
{
    c->customers = c->positives = v->rows;
    for (size_t repeat = 0; repeat < v->repeats; repeat++)
        for (size_t fold = 0; fold < v->folds; fold++) {
            Arena own = scratch;
            CalibrationPart part;
            size_t positives = 0;
            learn_calibration_part(&part, &own, set, v, v->chosen, repeat, fold);
            for (size_t i = 0; i < part.rows; i++)
                positives += part.label[i];
            c->customers = part.rows < c->customers ? part.rows : c->customers;
            c->positives = positives < c->positives ? positives : c->positives;
        }
}

static double **tables(Arena *keep, size_t repeats, size_t rows)
{
    double **out = ARENA_ARRAY(keep, double *, repeats);
    for (size_t r = 0; r < repeats; r++)
        out[r] = ARENA_ARRAY(keep, double, rows);
    return out;
}

/* Each customer's log loss, a mean over repeats. */
static void losses(double *loss, double *const *p, const uint8_t *label, size_t rows,
                   size_t repeats)
{
    for (size_t i = 0; i < rows; i++) {
        loss[i] = 0;
        for (size_t r = 0; r < repeats; r++)
            loss[i] += metric_log_loss(&p[r][i], &label[i], 1);
        loss[i] /= (double)repeats;
    }
}

/* How much the one's losses are above the other's, on average, and the error of that. */
static double paired(double *error, const double *one, const double *other, const TrainingSet *set,
                     Arena scratch)
{
    size_t rows = set->x->rows;
    double *gap = ARENA_RAW(&scratch, double, rows);
    for (size_t i = 0; i < rows; i++)
        gap[i] = one[i] - other[i];
    return mean_of(gap, set->group, rows, error, scratch);
}

static const char *const title[CALIBRATION_KINDS] = {"Platt's sigmoid", "a beta map",
                                                     "an isotonic map"};

static void say_trials(Buffer *b, const CalibrationChoice *c)
{
    for (int kind = 0; kind < CALIBRATION_KINDS; kind++) {
        const CalibrationTrial *t = &c->trial[kind];
        size_t customers, each;
        if (t->tried)
            continue;
        (void)learn_calibration_enough((CalibrationKind)kind, c->customers, c->positives,
                                       &customers, &each);
        buffer_format(b,
                      " Too few customers for %s: it is fitted from %zu on, %zu of either class, "
                      "and there were %zu with %zu positive.",
                      title[kind], customers, each, c->customers, c->positives);
    }
}

/* One standard error: the simplest kind that the best does not beat by more than that. */
static void choose(CalibrationChoice *c, Arena *keep, double *const *loss, const TrainingSet *set,
                   Arena scratch)
{
    Buffer b = buffer_new(keep);
    int best = 0, chosen = 0, tried = 0;
    double gap = 0, error = 0;
    for (int kind = 0; kind < CALIBRATION_KINDS; kind++) {
        tried += c->trial[kind].tried;
        if (c->trial[kind].tried && c->trial[kind].log_loss < c->trial[best].log_loss)
            best = kind;
    }
    for (; chosen < best; chosen++) {
        if (!c->trial[chosen].tried)
            continue;
        gap = paired(&error, loss[best], loss[chosen], set, scratch);
        if (!(gap < -error))
            break;
    }
    c->chosen = (CalibrationKind)chosen;
    if (tried == 1)
        buffer_format(&b, "Scores are calibrated by %s, the only map that so few customers bear.",
                      title[chosen]);
    else if (chosen != best)
        buffer_format(&b,
                      "Scores are calibrated by %s (log loss %.4f), the simplest map that the "
                      "best, %s (%.4f), does not beat by more than one standard error (difference "
                      "%+.4f, error %.4f).",
                      title[chosen], c->trial[chosen].log_loss, title[best],
                      c->trial[best].log_loss, gap, error);
    else if (chosen == CALIBRATION_PLATT)
        buffer_format(&b,
                      "Scores are calibrated by %s: with a log loss of %.4f no other map that was "
                      "tried does better.",
                      title[chosen], c->trial[chosen].log_loss);
    else
        buffer_format(&b,
                      "Scores are calibrated by %s: its log loss of %.4f is lower than that of %s "
                      "(%.4f) by %.4f, more than one standard error (%.4f).",
                      title[chosen], c->trial[chosen].log_loss, title[CALIBRATION_PLATT],
                      c->trial[CALIBRATION_PLATT].log_loss, -c->trial[chosen].difference,
                      c->trial[chosen].difference_error);
    say_trials(&b, c);
    c->reason = buffer_str(&b);
}

static void take_over(Candidate *c, Arena *keep, const CalibrationTrial *t, const TrainingSet *set,
                      const LearnOptions *options, Team *team)
{
    c->probability = t->probability;
    c->log_loss = t->log_loss;
    c->log_loss_error = t->log_loss_error;
    c->metric = candidate_figures(keep, c->probability, set, options, team);
}

void calibration_choose(Validation *v, Arena *keep, Arena scratch, const TrainingSet *set,
                        const LearnOptions *options, Team *team)
{
    Candidate *chosen = &v->candidate[v->chosen];
    CalibrationChoice *c = v->calibration = ARENA_NEW(keep, CalibrationChoice);
    smallest_part(c, v, set, scratch);
    for (int kind = 0; kind < CALIBRATION_KINDS; kind++) {
        size_t customers, each;
        CalibrationTrial *t = &c->trial[kind];
        t->tried = learn_calibration_enough((CalibrationKind)kind, c->customers, c->positives,
                                            &customers, &each);
        if (kind == CALIBRATION_PLATT)
            t->probability = chosen->probability; /* as it was judged among the candidates */
        else if (t->tried)
            t->probability = tables(keep, v->repeats, v->rows);
    }
    Trials trials = {v, set, c, tables(&scratch, v->repeats, v->rows),
                     tables(&scratch, v->repeats, v->rows)};
    team_run(team, v->repeats * v->folds, trial_task, &trials);

    double *loss[CALIBRATION_KINDS] = {NULL};
    for (int kind = 0; kind < CALIBRATION_KINDS; kind++) {
        CalibrationTrial *t = &c->trial[kind];
        if (!t->tried)
            continue;
        loss[kind] = ARENA_RAW(&scratch, double, v->rows);
        losses(loss[kind], t->probability, set->label, v->rows, v->repeats);
        t->log_loss = mean_of(loss[kind], set->group, v->rows, &t->log_loss_error, scratch);
        assert(loss[CALIBRATION_PLATT] != NULL); /* any number bears it, and it comes first */
        t->difference =
            paired(&t->difference_error, loss[kind], loss[CALIBRATION_PLATT], set, scratch);
    }
    choose(c, keep, loss, set, scratch);
    if (c->chosen != CALIBRATION_PLATT)
        take_over(chosen, keep, &c->trial[c->chosen], set, options, team);

    c->low = ARENA_ARRAY(keep, double, v->rows);
    c->high = ARENA_ARRAY(keep, double, v->rows);
    for (size_t i = 0; i < v->rows; i++)
        for (size_t r = 0; r < v->repeats; r++) {
            double p = chosen->probability[r][i];
            c->low[i] += fmin(trials.low[r][i], p) / (double)v->repeats;
            c->high[i] += fmax(trials.high[r][i], p) / (double)v->repeats;
        }
}
