/* learn_search.c - settings by successive halving over inner folds (docs/search.md).
 *
 * What the rows alone decide (the matrix of an inner training part, its bins, its design) is made
 * once for a fold and shared by all trials. A rung costs only the folds it adds: margins, and the
 * boosters whose curves are pooled, are kept from one rung to the next.
 * Source: Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter
 * optimization"; the one-standard-error rule is Breiman, Friedman, Olshen and Stone's (1984).
 */
#include "learn/learn_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t rung_folds(size_t rung, size_t folds)
{
    size_t judged = rung < 16 ? (size_t)1 << rung : folds;
    return judged < folds ? judged : folds;
}

static size_t rung_survivors(size_t trials)
{
    size_t half = (trials + 1) / 2;
    return trials < 2 ? trials : half < 2 ? 2 : half;
}

size_t search_rungs(size_t folds)
{
    size_t rungs = 1;
    while (rung_folds(rungs - 1, folds) < folds)
        rungs++;
    return rungs;
}

size_t search_fits(size_t trials, size_t folds)
{
    size_t fits = 0, before = 0;
    for (size_t rung = 0; before < folds; rung++) {
        size_t judged = rung_folds(rung, folds);
        fits += trials * (judged - before);
        before = judged;
        trials = rung_survivors(trials);
    }
    return fits;
}

size_t search_trials(const LearnOptions *o, const Candidate *c)
{
    if (space_of(c).dimensions == 0)
        return 1;
    size_t trials = o->trials < 1 ? 1 : o->trials;
    while (o->fits > 0 && trials > 1 && search_fits(trials, o->inner_folds) > o->fits)
        trials--;
    return trials;
}

Searched searched_new(Arena *keep, const Candidate *c, const LearnOptions *options, size_t rows)
{
    Searched s = {.trials = search_trials(options, c)};
    s.margin = ARENA_ARRAY(keep, double, rows);
    s.trial = ARENA_ARRAY(keep, Trial, s.trials);
    return s;
}

/* An inner fold, prepared once for all trials. */
typedef struct Fold {
    bool ready;
    uint32_t *in, *out; /* rows of the set trained on, and judged */
    uint32_t *at;       /* places of the judged in the part */
    size_t ins, outs;
    TrainingSet set;
    Bins *bins;     /* forests */
    Design *design; /* linear */
    double *z;      /* [outs][stride] */
    double *weight; /* of the trial before: a good start for the next */
} Fold;

/* A trial in the running. */
typedef struct Entrant {
    Trial *trial;
    size_t number;
    ForestOptions forest;
    double *margin;    /* [part rows], of the folds judged */
    double *loss;      /* [part rows] the same */
    Booster **booster; /* [folds] boosting */
    double **curve;    /* [folds][trees + 1] log loss of the fold after so many trees */
} Entrant;

typedef struct Search {
    const Candidate *candidate;
    const TrainingSet *set;
    const InnerPart *part;
    const LearnOptions *options;
    uint64_t seed;
    Fold *fold;
    Arena *arena;
    size_t fits;
} Search;

static bool stopped(const LearnOptions *o)
{
    return o->stop != NULL && atomic_load_explicit(o->stop, memory_order_relaxed) != 0;
}

/* ---- folds ---- */

static void fold_prepare(Search *s, size_t k)
{
    Fold *f = &s->fold[k];
    const InnerPart *p = s->part;
    if (f->ready)
        return;
    f->ready = true;
    f->in = ARENA_RAW(s->arena, uint32_t, p->rows);
    f->out = ARENA_RAW(s->arena, uint32_t, p->rows);
    f->at = ARENA_RAW(s->arena, uint32_t, p->rows);
    for (size_t i = 0; i < p->rows; i++)
        if (p->fold[i] != k) {
            f->in[f->ins++] = p->row[i];
        } else {
            f->at[f->outs] = (uint32_t)i;
            f->out[f->outs++] = p->row[i];
        }
    if (s->candidate->constant) /* it looks at labels alone */
        return;
    f->set = training_part(s->arena, s->set, f->in, f->ins);
    if (s->candidate->free_signs)
        f->set.monotone = NULL;
    if (s->candidate->kind == MODEL_FOREST) {
        f->bins = bins_new(s->arena, f->set.x, f->in, f->ins, s->candidate->forest.bins, NULL);
        return;
    }
    Design *d = f->design = design_new(s->arena, s->arena, &f->set, f->in, f->ins);
    f->weight = ARENA_ARRAY(s->arena, double, d->width);
    f->z = ARENA_RAW(s->arena, double, d->stride * f->outs);
    for (size_t i = 0; i < f->outs; i++)
        design_row(d, matrix_row(f->set.x, f->out[i]), f->z + i * d->stride);
}

/* ---- judging a fold ---- */

static void judge_constant(const Search *s, const Fold *f, Entrant *e)
{
    double positives = 0;
    for (size_t i = 0; i < f->ins; i++)
        positives += s->set->label[f->in[i]] != 0;
    double margin = stable_log(positives / ((double)f->ins - positives));
    for (size_t i = 0; i < f->outs; i++)
        e->margin[f->at[i]] = margin;
}

static void judge_linear(const Search *s, Fold *f, Entrant *e)
{
    const Design *d = f->design;
    linear_solve(s->candidate, d, &e->trial->tuned, f->weight, PRECISION_TUNE, *s->arena);
    for (size_t i = 0; i < f->outs; i++) {
        double margin = 0;
        for (size_t j = 0; j < d->width; j++)
            margin += f->weight[j] * f->z[i * d->stride + j];
        e->margin[f->at[i]] = margin;
    }
}

/* A forest without a curve to stop by: grown whole, judged, forgotten. */
static void judge_apart(const Search *s, const Fold *f, Entrant *e, size_t k)
{
    Arena own = *s->arena;
    Booster *b = booster_on(f->bins, &own, &f->set, f->in, f->out, f->outs, &e->forest,
                            seed_derive(s->seed, k), NULL);
    while (b->trees < e->forest.trees && !stopped(s->options))
        booster_step(b, own);
    for (size_t i = 0; i < f->outs; i++)
        e->margin[f->at[i]] = (double)b->watch_margin[i];
    e->trial->tuned.trees = e->forest.trees;
}

/* The fold's loss after so many trees. */
static double curve_at(const Search *s, Entrant *e, size_t k, size_t trees)
{
    Booster *b = e->booster[k];
    while (b->trees < trees) {
        booster_step(b, *s->arena);
        e->curve[k][b->trees] = booster_watch_loss(b);
    }
    return e->curve[k][trees];
}

/* The margins after so many trees, in the order in which boosting adds them. */
static void margins_at(const Fold *f, const Booster *b, size_t trees, double *margin)
{
    for (size_t i = 0; i < f->outs; i++) {
        const float *x = matrix_row(f->set.x, f->out[i]);
        float sum = b->base;
        for (size_t t = 0; t < trees; t++)
            sum += tree_value(b->node + b->root[t], x);
        margin[f->at[i]] = (double)sum;
    }
}

/* The boosters of all folds judged so far advance in step and their losses are pooled: one curve
 * over all their rows is steadier than the folds' separate minima. */
static void judge_boosting(const Search *s, Entrant *e, size_t from, size_t to)
{
    const ForestOptions *o = &e->forest;
    for (size_t k = from; k < to; k++) {
        const Fold *f = &s->fold[k];
        e->booster[k] = booster_on(f->bins, s->arena, &f->set, f->in, f->out, f->outs, o,
                                   seed_derive(s->seed, k), NULL);
        e->curve[k] = ARENA_ARRAY(s->arena, double, o->trees + 1);
    }
    size_t best = 1;
    double lowest = INFINITY;
    for (size_t trees = 1; trees <= o->trees && !stopped(s->options); trees++) {
        double loss = 0;
        for (size_t k = 0; k < to; k++)
            loss += curve_at(s, e, k, trees);
        if (loss < lowest) {
            lowest = loss;
            best = trees;
        } else if (trees - best >= o->patience) {
            break;
        }
    }
    if (stopped(s->options))
        return;
    e->trial->tuned.trees = best;
    for (size_t k = 0; k < to; k++)
        margins_at(&s->fold[k], e->booster[k], best, e->margin);
}

/* ---- rungs ---- */

/* As the setting would be used: after a sigmoid on the margins judged. */
static void judge(const Search *s, Entrant *e, size_t folds)
{
    const InnerPart *p = s->part;
    Arena own = *s->arena;
    double *margin = ARENA_RAW(&own, double, p->rows), *loss = ARENA_RAW(&own, double, p->rows);
    uint8_t *label = ARENA_RAW(&own, uint8_t, p->rows);
    uint32_t *group = s->set->group == NULL ? NULL : ARENA_RAW(&own, uint32_t, p->rows);
    size_t n = 0;
    for (size_t i = 0; i < p->rows; i++)
        if (p->fold[i] < folds) {
            if (group != NULL)
                group[n] = s->set->group[p->row[i]];
            margin[n] = e->margin[i];
            label[n++] = s->set->label[p->row[i]] != 0;
        }
    Platt c = learn_platt(margin, label, n);
    for (size_t i = 0; i < n; i++)
        loss[i] = margin_loss(c.slope * margin[i] + c.intercept, label[i]);
    e->trial->log_loss = mean_of(loss, group, n, &e->trial->error, own);
    if (folds == p->folds)
        memcpy(e->loss, loss, n * sizeof *loss);
}

/* Strong penalties first, so that each solution is a good start for the next. */
static int by_penalty(const void *left, const void *right)
{
    const Entrant *a = *(Entrant *const *)left, *b = *(Entrant *const *)right;
    const Tuned *s = &a->trial->tuned, *t = &b->trial->tuned; /* one of the two penalties is 0 */
    double x = s->value[SETTING_L1] + s->value[SETTING_L2];
    double y = t->value[SETTING_L1] + t->value[SETTING_L2];
    return x != y ? (x > y ? -1 : 1) : (a->number > b->number) - (a->number < b->number);
}

static int by_loss(const void *left, const void *right)
{
    const Entrant *a = *(Entrant *const *)left, *b = *(Entrant *const *)right;
    double x = a->trial->log_loss, y = b->trial->log_loss;
    return x != y ? (x < y ? -1 : 1) : (a->number > b->number) - (a->number < b->number);
}

/* Judge the trials in the running on inner folds from .. to - 1 more. */
static void rung(Search *s, Entrant **entrant, size_t count, size_t from, size_t to)
{
    const Candidate *c = s->candidate;
    bool boosting = c->kind == MODEL_FOREST && c->forest.patience > 0;
    if (c->kind == MODEL_LINEAR)
        qsort(entrant, count, sizeof(Entrant *), by_penalty);
    for (size_t k = from; k < to; k++) {
        fold_prepare(s, k);
        for (size_t i = 0; i < count && !boosting && !stopped(s->options); i++) {
            if (c->constant)
                judge_constant(s, &s->fold[k], entrant[i]);
            else if (c->kind == MODEL_LINEAR)
                judge_linear(s, &s->fold[k], entrant[i]);
            else
                judge_apart(s, &s->fold[k], entrant[i], k);
        }
    }
    for (size_t i = 0; i < count && !stopped(s->options); i++) {
        if (boosting)
            judge_boosting(s, entrant[i], from, to);
        judge(s, entrant[i], to);
        entrant[i]->trial->folds = (uint32_t)to;
        entrant[i]->trial->rungs++;
    }
    s->fits += count * (to - from);
}

/* The better ones first; the default setting is never left behind. */
static size_t survive(Entrant **entrant, size_t count)
{
    size_t stay = rung_survivors(count);
    qsort(entrant, count, sizeof(Entrant *), by_loss);
    for (size_t i = stay; i < count; i++)
        if (entrant[i]->number == 0)
            entrant[stay - 1] = entrant[i];
    return stay;
}

/* The default setting, unless the best is better by more than `lead` standard errors. */
static const Entrant *winner(const Search *s, Entrant **entrant, size_t count)
{
    const InnerPart *p = s->part;
    Arena own = *s->arena;
    const Entrant *usual = NULL;
    qsort(entrant, count, sizeof(Entrant *), by_loss);
    for (size_t i = 0; i < count; i++)
        if (entrant[i]->number == 0)
            usual = entrant[i];
    assert(usual != NULL);
    double *difference = ARENA_RAW(&own, double, p->rows), error;
    uint32_t *group = s->set->group == NULL ? NULL : ARENA_RAW(&own, uint32_t, p->rows);
    for (size_t i = 0; i < p->rows; i++) {
        difference[i] = entrant[0]->loss[i] - usual->loss[i];
        if (group != NULL)
            group[i] = s->set->group[p->row[i]];
    }
    double mean = mean_of(difference, group, p->rows, &error, own);
    return mean < -s->options->lead * error ? entrant[0] : usual;
}

void search_run(Searched *out, const Candidate *c, const TrainingSet *set, const InnerPart *part,
                const LearnOptions *options, uint64_t seed, Arena scratch)
{
    Search s = {.candidate = c,
                .set = set,
                .part = part,
                .options = options,
                .seed = seed_derive(seed, STREAM_INNER),
                .arena = &scratch};
    Space space = space_of(c);
    size_t count = out->trials, folds = part->folds;
    s.fold = ARENA_ARRAY(&scratch, Fold, folds);
    Entrant *all = ARENA_ARRAY(&scratch, Entrant, count);
    Entrant **entrant = ARENA_ARRAY(&scratch, Entrant *, count);
    for (size_t i = 0; i < count; i++) {
        Entrant *e = entrant[i] = &all[i];
        *e = (Entrant){.trial = &out->trial[i], .number = i};
        *e->trial = (Trial){.tuned = c->settled ? tuned_as_settled(c)
                                                : trial_draw(&space, i, options->seed)};
        e->forest = forest_of(c, &e->trial->tuned);
        e->margin = ARENA_ARRAY(&scratch, double, part->rows);
        e->loss = ARENA_ARRAY(&scratch, double, part->rows);
        e->booster = ARENA_ARRAY(&scratch, Booster *, folds);
        e->curve = ARENA_ARRAY(&scratch, double *, folds);
    }
    for (size_t from = 0, k = 0; from < folds; k++) {
        size_t to = rung_folds(k, folds);
        if (k > 0)
            count = survive(entrant, count);
        rung(&s, entrant, count, from, to);
        if (stopped(options))
            return;
        from = to;
    }
    const Entrant *best = winner(&s, entrant, count);
    best->trial->kept = true;
    out->tuned = best->trial->tuned;
    memcpy(out->margin, best->margin, part->rows * sizeof *out->margin);
    out->fits = s.fits;
    out->whole = true;
}
