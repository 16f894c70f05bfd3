#include "audit/audit_internal.h"

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

void audit_control(Control *out, Arena *keep, Arena scratch, const TrainingSet *set,
                   const Candidate *candidate, const uint32_t *unit, const LearnOptions *options,
                   Team *team, const Progress *progress)
{
    size_t rows = set->x->rows, count = options->shuffles, folds = options->folds;
    OutOfFold *pass = ARENA_ARRAY(&scratch, OutOfFold, count);
    for (size_t k = 0; k < count; k++) {
        uint64_t seed = seed_derive(seed_derive(options->seed, STREAM_SHUFFLE), k);
        Random random = random_new(seed_derive(seed, 0));
        uint8_t *label = ARENA_RAW(&scratch, uint8_t, rows);
        uint32_t *fold = ARENA_RAW(&scratch, uint32_t, rows);
        /* Labels move over units: customers, or whatever the caller says belongs together. */
        uint32_t *from = ARENA_RAW(&scratch, uint32_t, rows);
        size_t units = 0;
        for (size_t i = 0; i < rows; i++)
            if (unit == NULL || unit[i] == i)
                from[units++] = (uint32_t)i;
        uint32_t *to = arena_copy(&scratch, from, units * sizeof *from);
        random_shuffle(&random, to, units);
        for (size_t i = 0; i < units; i++)
            label[from[i]] = set->label[to[i]] != 0;
        for (size_t i = 0; i < rows && unit != NULL; i++)
            label[i] = label[unit[i]];
        learn_folds(fold, label, set->group, rows, folds, seed_derive(seed, 1));
        TrainingSet *shuffled = ARENA_NEW(&scratch, TrainingSet);
        *shuffled = *set;
        shuffled->label = label;
        pass[k] = (OutOfFold){shuffled, fold, seed, ARENA_ARRAY(&scratch, double, rows)};
    }
    progress_tell(progress, "training on shuffled labels", 0, 1);
    learn_out_of_fold(pass, count, candidate, options, team, scratch);

    out->shuffles = count;
    out->auc = ARENA_ARRAY(keep, double, count);
    out->mean = 0;
    for (size_t k = 0; k < count; k++) {
        out->auc[k] =
            within_fold_auc(pass[k].margin, pass[k].set->label, pass[k].fold, rows, folds, scratch);
        out->mean += out->auc[k];
    }
    out->mean /= (double)count;
    control_limits(out, set->label, rows, folds);
}
