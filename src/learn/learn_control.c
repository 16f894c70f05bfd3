#include "learn/learn_internal.h"

#include <math.h>

/* Shuffles are independent of each other given the customers, so the mean of twenty is judged by
 * Student's t: beyond 4 standard errors lies one clean set in a thousand (19 degrees). */
static const double STANDARD_ERRORS = 4;

double within_fold_auc(const double *margin, const uint8_t *label, const uint32_t *fold_of,
                       size_t rows, size_t folds, Arena scratch)
{
    double won = 0, pairs = 0;
    double *score = ARENA_RAW(&scratch, double, rows);
    uint8_t *of = ARENA_RAW(&scratch, uint8_t, rows);
    for (size_t k = 0; k < folds; k++) {
        size_t n = 0, positives = 0;
        for (size_t i = 0; i < rows; i++)
            if (fold_of[i] == k) {
                score[n] = margin[i];
                of[n] = label[i] != 0;
                positives += of[n++];
            }
        double weight = (double)positives * (double)(n - positives);
        if (weight == 0)
            continue;
        won += weight * metric_auc(score, of, n, scratch);
        pairs += weight;
    }
    return won / pairs;
}

/* With labels at random the AUC of m positives and n negatives has variance
 * (m + n + 1) / (12 m n) (Mann and Whitney 1947; near Hanley and McNeil's at .5). Folds would add
 * theirs if they were independent. They are not: what one fold happens to show is what the others
 * were trained on, and the other way round, so the spread of the shuffles themselves is wider, up
 * to half as much again. The larger of the two counts. */
static void control_limits(Control *c, const uint8_t *label, size_t rows, size_t folds)
{
    double positives = 0, square = 0, shuffles = (double)c->shuffles;
    for (size_t i = 0; i < rows; i++)
        positives += label[i] != 0;
    double m = positives / (double)folds, n = ((double)rows - positives) / (double)folds;
    double least = (m + n + 1) / (12 * m * n) / (double)folds;
    for (size_t k = 0; k < c->shuffles; k++)
        square += (c->auc[k] - c->mean) * (c->auc[k] - c->mean);
    double seen = c->shuffles > 1 ? square / (shuffles - 1) : 0;
    double error = sqrt((seen > least ? seen : least) / shuffles);
    c->low = 0.5 - STANDARD_ERRORS * error;
    c->high = 0.5 + STANDARD_ERRORS * error;
    c->passed = c->mean >= c->low && c->mean <= c->high;
}

typedef struct Shuffles {
    const TrainingSet *set;
    const LearnOptions *options;
    const Procedure *procedure; /* [parts]: a blend's, else the one */
    size_t parts;
    uint8_t **label; /* [shuffles] */
    uint32_t **fold; /* [shuffles] */
    double **margin; /* [shuffles][parts] */
} Shuffles;

static void shuffle_task(void *context, size_t task, Arena scratch)
{
    Shuffles *s = context;
    size_t part = task % s->parts;
    task /= s->parts;
    size_t shuffle = task / s->options->folds, fold = task % s->options->folds;
    TrainingSet set = *s->set;
    set.label = s->label[shuffle];
    uint64_t seed = seed_derive(seed_derive(s->options->seed, STREAM_SHUFFLE), shuffle);
    (void)procedure_fold(&s->procedure[part], &set, s->fold[shuffle], (uint32_t)fold,
                         seed_derive(seed, fold + 2), s->margin[shuffle * s->parts + part],
                         scratch);
}

/* A blend is what the validation makes of its parts' margins. */
static const double *shuffle_margins(const Shuffles *s, size_t shuffle, Arena *scratch)
{
    size_t rows = s->set->x->rows;
    double *const *part = s->margin + shuffle * s->parts;
    if (s->parts == 1)
        return part[0];
    double *out = ARENA_ARRAY(scratch, double, rows);
    blend_margins(out, part, s->parts, s->fold[shuffle], s->label[shuffle], rows, s->options->folds,
                  *scratch);
    return out;
}

void control_run(Control *out, Arena *keep, Arena scratch, const TrainingSet *set,
                 const Procedure *procedure, const uint32_t *unit, const LearnOptions *options,
                 Team *team, const Progress *progress)
{
    size_t rows = set->x->rows, count = options->shuffles, folds = options->folds;
    Shuffles s = {.set = set, .options = options, .procedure = procedure, .parts = 1};
    if (procedure->kind == MODEL_BLEND) {
        Procedure *part = ARENA_ARRAY(&scratch, Procedure, procedure->parts);
        for (size_t i = 0; i < procedure->parts; i++)
            part[i] = procedure_of(procedure->part[i], options);
        s.procedure = part;
        s.parts = procedure->parts;
    }
    s.label = ARENA_ARRAY(&scratch, uint8_t *, count);
    s.fold = ARENA_ARRAY(&scratch, uint32_t *, count);
    s.margin = ARENA_ARRAY(&scratch, double *, count *s.parts);
    for (size_t k = 0; k < count; k++) {
        uint64_t seed = seed_derive(seed_derive(options->seed, STREAM_SHUFFLE), k);
        Random random = random_new(seed_derive(seed, 0));
        s.label[k] = ARENA_RAW(&scratch, uint8_t, rows);
        s.fold[k] = ARENA_RAW(&scratch, uint32_t, rows);
        for (size_t i = 0; i < s.parts; i++)
            s.margin[k * s.parts + i] = ARENA_ARRAY(&scratch, double, rows);
        /* Labels move over units: customers, or whatever the caller says belongs together. */
        uint32_t *from = ARENA_RAW(&scratch, uint32_t, rows);
        size_t units = 0;
        for (size_t i = 0; i < rows; i++)
            if (unit == NULL || unit[i] == i)
                from[units++] = (uint32_t)i;
        uint32_t *to = arena_copy(&scratch, from, units * sizeof *from);
        random_shuffle(&random, to, units);
        for (size_t i = 0; i < units; i++)
            s.label[k][from[i]] = set->label[to[i]] != 0;
        for (size_t i = 0; i < rows && unit != NULL; i++)
            s.label[k][i] = s.label[k][unit[i]];
        learn_folds(s.fold[k], s.label[k], rows, folds, seed_derive(seed, 1));
    }
    progress_tell(progress, "training on shuffled labels", 0, 1);
    team_run_told(team, count * folds * s.parts, shuffle_task, &s);

    out->shuffles = count;
    out->auc = ARENA_ARRAY(keep, double, count);
    out->mean = 0;
    for (size_t k = 0; k < count; k++) {
        Arena own = scratch;
        const double *margin = shuffle_margins(&s, k, &own);
        out->auc[k] = within_fold_auc(margin, s.label[k], s.fold[k], rows, folds, own);
        out->mean += out->auc[k];
    }
    out->mean /= (double)count;
    control_limits(out, set->label, rows, folds);
}
