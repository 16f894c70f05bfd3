/* adversary.c - can a model tell the labelled customers from those to be scored? */
#include "audit/audit_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COHORT_MAX = 4000, COHORT_LEAST = 20, FOLDS = 5, TREES = 60, TELLINGS_MAX = 20 };
/* Beyond this the cohorts are told apart well enough to doubt that figures carry over. */
static const double AUC_APART = 0.75;

typedef struct Duel {
    TrainingSet set;
    const uint32_t *fold;
    uint64_t seed;
    double *margin; /* [rows] */
    double *drop;   /* [fold][columns] */
    bool failed[FOLDS];
} Duel;

static ForestOptions duel_options(uint64_t seed)
{
    ForestOptions o = forest_options_default();
    o.trees = TREES;
    o.learning_rate = 0.1;
    o.patience = 0;
    o.seed = seed;
    return o;
}

/* One fold: a forest of the others, its margins, and what is lost when a column is shuffled. */
static void duel_task(void *context, size_t k, Arena scratch)
{
    Duel *d = context;
    const Matrix *x = d->set.x;
    size_t rows = x->rows, fitted = 0, judged = 0;
    uint32_t *fit = ARENA_RAW(&scratch, uint32_t, rows), *row = ARENA_RAW(&scratch, uint32_t, rows);
    for (size_t i = 0; i < rows; i++)
        if (d->fold[i] == k)
            row[judged++] = (uint32_t)i;
        else
            fit[fitted++] = (uint32_t)i;
    Forest *forest;
    Error err = {0};
    Arena own = arena_new();
    ForestOptions options = duel_options(seed_derive(d->seed, k));
    d->failed[k] = learn_forest(&forest, &own, scratch, &d->set, fit, fitted, NULL, 0, &options,
                                NULL, &err) != STATUS_OK;
    if (d->failed[k]) {
        arena_free(&own);
        return;
    }
    const Model model = {.kind = MODEL_FOREST, .forest = forest};
    Matrix *part = matrix_take(&own, x, row, judged);
    double *margin = ARENA_RAW(&own, double, judged);
    uint8_t *label = ARENA_RAW(&own, uint8_t, judged);
    model_margin(&model, part, margin);
    for (size_t i = 0; i < judged; i++) {
        d->margin[row[i]] = margin[i];
        label[i] = d->set.label[row[i]];
    }
    double auc = metric_auc(margin, label, judged, scratch);
    float *kept = ARENA_RAW(&own, float, judged);
    uint32_t *turn = ARENA_RAW(&own, uint32_t, judged);
    uint8_t *used = ARENA_ARRAY(&own, uint8_t, x->columns + 1);
    for (size_t i = 0; i < forest->nodes; i++)
        if (forest->left[i] != 0)
            used[forest->column[i]] = 1;
    for (size_t c = 0; c < x->columns; c++) {
        if (!used[c])
            continue;
        Random r = random_new(seed_derive(seed_derive(d->seed, 1000 + c), k));
        for (size_t i = 0; i < judged; i++) {
            kept[i] = part->value[i * x->columns + c];
            turn[i] = (uint32_t)i;
        }
        random_shuffle(&r, turn, judged);
        for (size_t i = 0; i < judged; i++)
            part->value[i * x->columns + c] = kept[turn[i]];
        model_margin(&model, part, margin);
        d->drop[k * x->columns + c] = auc - metric_auc(margin, label, judged, scratch);
        for (size_t i = 0; i < judged; i++)
            part->value[i * x->columns + c] = kept[i];
    }
    arena_free(&own);
}

static Matrix *together(Arena *arena, const Matrix *a, size_t n, const Matrix *b, size_t m)
{
    Matrix *x = matrix_new(arena, n + m, a->columns);
    memcpy(x->name, a->name, a->columns * sizeof *x->name);
    if (a->columns == 0)
        return x;
    memcpy(x->value, a->value, n * a->columns * sizeof *x->value);
    memcpy(x->value + n * a->columns, b->value, m * a->columns * sizeof *x->value);
    return x;
}

static int most_first(const void *a, const void *b)
{
    const Telling *x = a, *y = b;
    if (x->drop != y->drop)
        return x->drop > y->drop ? -1 : 1;
    return str_compare(x->column, y->column);
}

static Str telling_words(Arena *arena, const void *item)
{
    const Telling *t = item;
    return str_format(arena, "%.*s (%.3f of the AUC)", STR_ARG(t->column), t->drop);
}

static void say_adversary(const Adversary *a, Findings *findings)
{
    Arena own = arena_new();
    const void **list = ARENA_ARRAY(&own, const void *, a->tellings + 1);
    for (size_t i = 0; i < a->tellings; i++)
        list[i] = &a->telling[i];
    Str opening = str_format(
        &own,
        "a model of the model's inputs tells labelled customers from those to be scored at "
        "AUC %.2f [%.2f, %.2f], most by",
        a->auc.value, a->auc.low, a->auc.high);
    if (a->auc.value >= AUC_APART && a->auc.low > AUC_CLEAR && a->tellings > 0)
        say_list(findings, SEVERITY_WARNING, "cohorts_differ", opening.data,
                 S("figures of the labelled customers may not hold for the others: judge by the "
                   "headline stratum"),
                 list, a->tellings, telling_words);
    arena_free(&own);
}

void audit_adversary(Audit *audit, Arena *keep, Arena scratch, const Matrix *labelled,
                     const uint32_t *group, const Matrix *scored, const LearnOptions *options,
                     Findings *findings, Team *team)
{
    size_t n = labelled->rows < COHORT_MAX ? labelled->rows : COHORT_MAX;
    size_t m = scored->rows < COHORT_MAX ? scored->rows : COHORT_MAX;
    size_t columns = labelled->columns, rows = n + m;
    if (n < COHORT_LEAST || m < COHORT_LEAST || columns == 0)
        return;
    uint64_t seed = seed_derive(options->seed, STREAM_ADVERSARY);
    uint32_t *row = ARENA_RAW(&scratch, uint32_t, labelled->rows + 1);
    uint32_t *scored_row = ARENA_RAW(&scratch, uint32_t, scored->rows + 1);
    (void)audit_pick(row, labelled->rows, n, seed_derive(seed, 1), scratch);
    (void)audit_pick(scored_row, scored->rows, m, seed_derive(seed, 2), scratch);
    const Matrix *x = together(&scratch, matrix_take(&scratch, labelled, row, n), n,
                               matrix_take(&scratch, scored, scored_row, m), m);
    uint32_t *linked = group == NULL ? NULL : ARENA_RAW(&scratch, uint32_t, n);
    for (size_t i = 0; i < n && group != NULL; i++)
        linked[i] = group[row[i]];
    uint8_t *label = ARENA_ARRAY(&scratch, uint8_t, rows);
    uint32_t *fold = ARENA_RAW(&scratch, uint32_t, rows);
    for (size_t i = n; i < rows; i++)
        label[i] = 1;
    learn_folds(fold, label, groups_with_scored(&scratch, linked, n, m), rows, FOLDS, seed);
    Duel d = {.set = {.x = x, .label = label},
              .fold = fold,
              .seed = seed,
              .margin = ARENA_ARRAY(&scratch, double, rows),
              .drop = ARENA_ARRAY(&scratch, double, FOLDS *columns)};
    team_run(team, FOLDS, duel_task, &d);
    for (size_t k = 0; k < FOLDS; k++)
        if (d.failed[k])
            return;
    Adversary *a = &audit->adversary;
    double auc = within_fold_auc(d.margin, label, fold, rows, FOLDS, scratch);
    a->labelled = n;
    a->scored = m;
    a->auc = probe_interval(auc, m, n);
    Telling *all = ARENA_ARRAY(&scratch, Telling, columns);
    size_t count = 0;
    for (size_t c = 0; c < columns; c++) {
        double sum = 0;
        for (size_t k = 0; k < FOLDS; k++)
            sum += d.drop[k * columns + c] / FOLDS;
        if (sum > 0)
            all[count++] = (Telling){x->name[c], sum};
    }
    qsort(all, count, sizeof *all, most_first);
    a->tellings = count < TELLINGS_MAX ? count : TELLINGS_MAX;
    a->telling = ARENA_ARRAY(keep, Telling, a->tellings + 1);
    for (size_t i = 0; i < a->tellings; i++)
        a->telling[i] = (Telling){str_copy(keep, all[i].column), all[i].drop};
    say_adversary(a, findings);
}
