/* screening.c - each feature by itself, before any model: what it tells, and whether that is more
 * than chance; where it is missing; whether it has moved; what else says the same. */
#include "inspect/inspect_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum {
    DECILES = 10,
    LEVEL_CUSTOMERS = 5, /* fewer of a level are "other" */
    PERMUTATIONS = 999,
    PERMUTATIONS_LARGE = 199, /* from LARGE customers on */
    LARGE = 5000,
    CORRELATED_ON = 2000 /* customers, at most */
};
static const double MOSTLY_MISSING = 0.95, MOVED = 0.25;

/* ---- bins ---- */

typedef struct Binned {
    uint32_t *bin; /* [rows], labelled first */
    size_t bins, distinct;
    double *value; /* of numbers; NULL of a category */
} Binned;

static bool by_level(const Column *c)
{
    return c->type == TYPE_CATEGORY || c->type == TYPE_TEXT;
}

/* Bins 0 .. deciles hold (cut[b - 1], cut[b]], cuts at deciles of the labelled customers' values,
 * which are values that occur, taken in float as the model has them; the last bin is missing. */
static void bin_numbers(Binned *out, const Column *a, size_t n, const Column *b, size_t m,
                        Arena *arena)
{
    float *known = ARENA_RAW(arena, float, n + 1), cut[DECILES - 1];
    double *sorted = ARENA_RAW(arena, double, n + 1);
    size_t knowns = 0;
    out->value = ARENA_RAW(arena, double, n + m + 1);
    for (size_t i = 0; i < n + m; i++)
        out->value[i] = i < n ? cell_double(a, i) : cell_double(b, i - n);
    for (size_t i = 0; i < n; i++)
        if (!is_missing(out->value[i]))
            sorted[knowns++] = out->value[i];
    metric_sort(sorted, knowns);
    for (size_t i = 0; i < knowns; i++) {
        known[i] = (float)sorted[i];
        out->distinct += i == 0 || sorted[i] != sorted[i - 1];
    }
    for (size_t d = 0; d < DECILES - 1 && knowns > 0; d++)
        cut[d] = known[(knowns * (d + 1) + DECILES - 1) / DECILES - 1];
    out->bins = DECILES + 1;
    for (size_t i = 0; i < n + m; i++) {
        uint32_t k = 0;
        if (is_missing(out->value[i]))
            k = DECILES;
        else
            while (knowns > 0 && k < DECILES - 1 && (float)out->value[i] > cut[k])
                k++;
        out->bin[i] = k;
    }
}

/* A bin for every level of LEVEL_CUSTOMERS labelled customers, one for the others, one for missing.
 */
static void bin_levels(Binned *out, const Column *a, size_t n, const Column *b, size_t m,
                       Arena *arena)
{
    Dictionary *names = dictionary_new(arena);
    for (size_t i = 0; i < n + m; i++) {
        const Column *c = i < n ? a : b;
        size_t row = i < n ? i : i - n;
        out->bin[i] =
            column_valid(c, row) ? 2 + dictionary_add(names, c->dictionary->text[c->code[row]]) : 1;
    }
    out->bins = names->count + 2;
    size_t *count = ARENA_ARRAY(arena, size_t, out->bins);
    for (size_t i = 0; i < n; i++)
        count[out->bin[i]]++;
    for (size_t k = 2; k < out->bins; k++)
        out->distinct += count[k] > 0;
    for (size_t i = 0; i < n + m; i++)
        if (out->bin[i] >= 2 && count[out->bin[i]] < LEVEL_CUSTOMERS)
            out->bin[i] = 0;
}

/* ---- one feature ---- */

typedef struct Screener {
    const ScreeningInputs *in;
    size_t n, m, positives, permutations;
    uint32_t **positive; /* [permutations][positives] rows that a shuffle calls positive */
    Screened *out;
} Screener;

/* Information value: the same sum as the stability index, positives against negatives. */
static double information(const uint64_t *positive, const uint64_t *all, uint64_t *negative,
                          size_t bins)
{
    for (size_t b = 0; b < bins; b++)
        negative[b] = all[b] - positive[b];
    return metric_psi_counts(negative, positive, bins).psi;
}

static void screen_information(Screened *out, const Screener *s, const Binned *b, Arena scratch)
{
    uint64_t *all = ARENA_ARRAY(&scratch, uint64_t, b->bins);
    uint64_t *positive = ARENA_ARRAY(&scratch, uint64_t, b->bins);
    uint64_t *negative = ARENA_ARRAY(&scratch, uint64_t, b->bins);
    double *shuffled = ARENA_RAW(&scratch, double, s->permutations + 1);
    for (size_t i = 0; i < s->n; i++) {
        all[b->bin[i]]++;
        positive[b->bin[i]] += s->in->label[i] != 0;
    }
    for (size_t k = 0; k < b->bins; k++)
        out->bins += all[k] > 0;
    out->information = information(positive, all, negative, b->bins);
    for (size_t t = 0; t < s->permutations; t++) {
        for (size_t k = 0; k < b->bins; k++)
            positive[k] = 0;
        for (size_t i = 0; i < s->positives; i++)
            positive[b->bin[s->positive[t][i]]]++;
        shuffled[t] = information(positive, all, negative, b->bins);
    }
    metric_sort(shuffled, s->permutations);
    out->limit_95 = metric_quantile(shuffled, s->permutations, 0.95);
    out->limit_99 = metric_quantile(shuffled, s->permutations, 0.99);
}

static double missing_share(const Column *c, size_t rows)
{
    size_t missing = 0;
    for (size_t i = 0; i < rows; i++)
        missing += !column_valid(c, i);
    return rows == 0 ? (double)NAN : (double)missing / (double)rows;
}

static void screen_stability(Screened *out, const Screener *s, const Binned *b, uint64_t seed,
                             Arena scratch)
{
    out->psi = out->psi_limit = (double)NAN;
    if (s->m == 0)
        return;
    uint64_t *before = ARENA_ARRAY(&scratch, uint64_t, b->bins);
    uint64_t *now = ARENA_ARRAY(&scratch, uint64_t, b->bins);
    for (size_t i = 0; i < s->n + s->m; i++)
        (i < s->n ? before : now)[b->bin[i]]++;
    out->psi = metric_psi_counts(before, now, b->bins).psi;
    /* An index that nobody would act on needs no limit by chance, which costs a thousand draws. */
    if (out->psi >= 0.1)
        out->psi_limit = metric_psi_limit(before, now, b->bins, seed, scratch);
}

static void screen_task(void *context, size_t task, Arena scratch)
{
    const Screener *s = context;
    const Column *a = &s->in->labelled->column[task];
    const Column *c = s->m == 0 ? NULL : &s->in->scored->column[task];
    Screened *out = &s->out[task];
    Binned b = {.bin = ARENA_RAW(&scratch, uint32_t, s->n + s->m + 1)};
    if (by_level(a))
        bin_levels(&b, a, s->n, c, s->m, &scratch);
    else
        bin_numbers(&b, a, s->n, c, s->m, &scratch);
    *out = (Screened){.name = a->name,
                      .use = s->in->use[task],
                      .family = s->in->family[task],
                      .feature = (uint32_t)task,
                      .distinct = b.distinct,
                      .missing_labelled = missing_share(a, s->n),
                      .missing_scored = c == NULL ? (double)NAN : missing_share(c, s->m),
                      .auc = {NAN, NAN, NAN},
                      .kept = s->in->in_model[task]};
    if (s->in->auc != NULL) {
        out->auc = s->in->auc[task];
        out->higher_is_risky = s->in->higher_is_risky[task];
    }
    screen_information(out, s, &b, scratch);
    screen_stability(out, s, &b, seed_derive(seed_derive(s->in->seed, STREAM_SCREENING_PSI), task),
                     scratch);
}

/* ---- shuffled labels: one set of shuffles for all features ---- */

static void shuffle_labels(Screener *s, Arena *arena)
{
    uint32_t *row = ARENA_RAW(arena, uint32_t, s->n + 1);
    s->permutations = s->n >= LARGE ? PERMUTATIONS_LARGE : PERMUTATIONS;
    s->positive = ARENA_RAW(arena, uint32_t *, s->permutations);
    for (size_t i = 0; i < s->n; i++)
        row[i] = (uint32_t)i;
    Random random = random_new(seed_derive(s->in->seed, STREAM_SCREENING));
    for (size_t t = 0; t < s->permutations; t++) {
        s->positive[t] = ARENA_RAW(arena, uint32_t, s->positives + 1);
        for (size_t i = 0; i < s->positives; i++) { /* Fisher and Yates, as far as needed */
            size_t other = i + random_below(&random, s->n - i);
            uint32_t held = row[other];
            row[other] = row[i];
            s->positive[t][i] = row[i] = held;
        }
    }
}

/* ---- what says the same ---- */

typedef struct Ranked {
    double *rank; /* [columns][rows] */
    uint32_t *of; /* [columns] */
    size_t columns, rows, step;
} Ranked;

/* Numbers are one column; each level of enough customers is one. */
static void rank_columns(Ranked *r, const Table *t, Arena *arena)
{
    r->step = (t->rows + CORRELATED_ON - 1) / CORRELATED_ON;
    r->step = r->step == 0 ? 1 : r->step;
    r->rows = (t->rows + r->step - 1) / r->step;
    size_t most = 0;
    for (size_t k = 0; k < t->columns; k++)
        most += by_level(&t->column[k]) ? t->column[k].dictionary->count : 1;
    r->of = ARENA_RAW(arena, uint32_t, most + 1);
    double **column = ARENA_RAW(arena, double *, most + 1);
    for (size_t k = 0; k < t->columns; k++) {
        const Column *c = &t->column[k];
        size_t levels = by_level(c) ? c->dictionary->count : 1;
        for (uint32_t level = 0; level < levels; level++) {
            double *value = ARENA_RAW(arena, double, r->rows + 1);
            size_t inside = 0;
            for (size_t i = 0; i < r->rows; i++) {
                size_t row = i * r->step;
                value[i] = by_level(c) ? column_valid(c, row) && c->code[row] == level
                                       : cell_double(c, row);
                inside += value[i] == 1;
            }
            if (by_level(c) && inside < LEVEL_CUSTOMERS)
                continue;
            r->of[r->columns] = (uint32_t)k;
            column[r->columns++] = value;
        }
    }
    r->rank = ARENA_RAW(arena, double, r->columns * r->rows + 1);
    for (size_t c = 0; c < r->columns; c++)
        importance_ranks(r->rank + c * r->rows, column[c], r->rows, *arena);
}

static void find_alike(Screening *out, const Table *t, Team *team, Arena scratch)
{
    Ranked r = {0};
    rank_columns(&r, t, &scratch);
    size_t n = t->columns;
    double *similarity = ARENA_RAW(&scratch, double, n *n + 1);
    uint32_t *group = ARENA_RAW(&scratch, uint32_t, n + 1);
    importance_similarity(similarity, r.rank, r.columns, r.rows, r.of, n, team);
    for (size_t k = 0; k < n; k++) {
        double most = 0;
        for (size_t other = 0; other < n; other++)
            if (other != k && similarity[k * n + other] > most) {
                most = similarity[k * n + other];
                out->feature[k].nearest = t->column[other].name;
            }
        out->feature[k].correlation = most > 1 ? 1 : most;
    }
    out->groups = importance_cluster(group, similarity, n, CORRELATION_CUT, scratch);
    for (size_t k = 0; k < n; k++)
        out->feature[k].group = group[k];
}

/* ---- in words ---- */

static Str why_dropped(Arena *keep, const Screened *f, Str barred)
{
    if (barred.size > 0)
        return str_format(keep, "kept from the model: %.*s", STR_ARG(barred));
    return str_format(keep, "not offered to the model: the features book gives it to %.*s",
                      STR_ARG(f->use));
}

static Str why_of(Arena *keep, const Screened *f, Str barred)
{
    Buffer b = buffer_new(keep);
    if (f->kept)
        buffer_add(&b, S("in the model by the features book"));
    else
        buffer_add(&b, why_dropped(keep, f, barred));
    if (f->distinct < 2 && f->missing_labelled == 0)
        buffer_add(&b, S("; the same for all, so it can tell nothing"));
    else if (f->information > f->limit_99)
        buffer_add(&b, S("; tells the label alone"));
    else if (f->information > f->limit_95)
        buffer_add(&b, S("; may tell the label alone: one shuffle in twenty does as much"));
    else
        buffer_add(&b, S("; what it tells alone cannot be told from noise"));
    if (f->missing_labelled > MOSTLY_MISSING)
        buffer_add(&b, S("; missing for nearly all"));
    if (f->psi >= MOVED && f->psi > f->psi_limit)
        buffer_add(&b, S("; has moved between the cohorts"));
    return buffer_str(&b);
}

static int most_information_first(const void *a, const void *b)
{
    const Screened *x = a, *y = b;
    if (x->information != y->information)
        return x->information > y->information ? -1 : 1;
    return (x->feature > y->feature) - (x->feature < y->feature);
}

Screening *inspect_screening(Arena *keep, Arena scratch, const ScreeningInputs *in, Team *team)
{
    size_t features = in->labelled->columns;
    Screening *out = ARENA_NEW(keep, Screening);
    *out = (Screening){.labelled = in->labelled->rows,
                       .scored = in->scored == NULL ? 0 : in->scored->rows,
                       .features = features,
                       .correlation_cut = CORRELATION_CUT,
                       .feature = ARENA_ARRAY(keep, Screened, features + 1)};
    assert(in->scored == NULL || in->scored->columns == features);
    Screener s = {.in = in, .n = out->labelled, .m = out->scored, .out = out->feature};
    for (size_t i = 0; i < s.n; i++)
        s.positives += in->label[i] != 0;
    shuffle_labels(&s, &scratch);
    team_run(team, features, screen_task, &s);
    out->permutations = s.permutations;
    find_alike(out, in->labelled, team, scratch);
    for (size_t k = 0; k < features; k++) {
        out->feature[k].why =
            why_of(keep, &out->feature[k], in->barred == NULL ? S("") : in->barred[k]);
    }
    qsort(out->feature, features, sizeof *out->feature, most_information_first);
    return out;
}
