/* probe.c - one column alone: how well it tells the label, and the cohort. */
#include "audit/audit_internal.h"

#include <math.h>
#include <stdlib.h>

/* Levels of a category in both cohorts by one dictionary, so that equal texts are equal
 * levels; missing is a level too. Answers how many there are. */
static size_t levels_of(uint32_t *level, const Column *c, size_t rows, Dictionary *names)
{
    for (size_t i = 0; i < rows; i++)
        level[i] =
            column_valid(c, i) ? 1 + dictionary_add(names, c->dictionary->text[c->code[i]]) : 0;
    return names->count + 1;
}

Numbers probe_numbers(Arena *arena, const Column *a, size_t n, const Column *b, size_t m)
{
    Numbers out = {0};
    if (a->type == TYPE_CATEGORY || a->type == TYPE_TEXT) {
        Dictionary *names = dictionary_new(arena);
        out.level = ARENA_RAW(arena, uint32_t, n + m + 1);
        out.levels = levels_of(out.level, a, n, names);
        if (b != NULL)
            out.levels = levels_of(out.level + n, b, m, names);
    } else {
        out.value = ARENA_RAW(arena, double, n + m + 1);
        out.narrow = ARENA_RAW(arena, float, n + m + 1);
        for (size_t i = 0; i < n + m; i++) {
            out.value[i] = i < n ? cell_double(a, i) : cell_double(b, i - n);
            out.narrow[i] = (float)out.value[i];
        }
    }
    return out;
}

uint32_t *groups_with_scored(Arena *arena, const uint32_t *group, size_t n, size_t m)
{
    if (group == NULL)
        return NULL;
    uint32_t *all = ARENA_RAW(arena, uint32_t, n + m + 1), most = 0;
    for (size_t i = 0; i < n; i++) {
        all[i] = group[i];
        most = group[i] > most ? group[i] : most;
    }
    for (size_t i = n; i < n + m; i++)
        all[i] = most + 1 + (uint32_t)(i - n);
    return all;
}

/* The share of positives of each row's level, counted on the other folds, so that a level of
 * one customer, or of linked ones, says nothing about itself: an identifier scores chance, not 1.
 */
static void level_scores(double *score, const uint32_t *level, size_t levels, const uint8_t *label,
                         size_t rows, const uint32_t *group, uint64_t seed, Arena scratch)
{
    enum { FOLDS = 5 };
    uint32_t *fold = ARENA_RAW(&scratch, uint32_t, rows);
    learn_folds(fold, label, group, rows, FOLDS, seed);
    size_t positives = 0;
    for (size_t i = 0; i < rows; i++)
        positives += label[i] != 0;
    double prior = (double)positives / (double)rows;
    for (uint32_t k = 0; k < FOLDS; k++) {
        Arena own = scratch;
        double *risky = ARENA_ARRAY(&own, double, levels), *all = ARENA_ARRAY(&own, double, levels);
        for (size_t i = 0; i < rows; i++)
            if (fold[i] != k) {
                risky[level[i]] += label[i] != 0;
                all[level[i]] += 1;
            }
        for (size_t i = 0; i < rows; i++)
            if (fold[i] == k)
                score[i] = (risky[level[i]] + prior) / (all[level[i]] + 1);
    }
}

/* Of numbers a missing one stands below or above all, whichever tells more; two sides tried are
 * two tests. */
static Separation number_separation(const double *value, const uint8_t *label, size_t rows,
                                    Arena scratch)
{
    double *score = ARENA_RAW(&scratch, double, rows);
    Separation best = {.auc = 0.5, .p = 1, .higher = true};
    bool missing = false;
    for (size_t i = 0; i < rows && !missing; i++)
        missing = is_missing(value[i]);
    for (int side = 0; side < (missing ? 2 : 1); side++) {
        for (size_t i = 0; i < rows; i++)
            score[i] = is_missing(value[i]) ? (side == 0 ? -INFINITY : INFINITY) : value[i];
        double auc = metric_auc(score, label, rows, scratch);
        if (!(auc > best.auc || 1 - auc > best.auc))
            continue;
        best.higher = auc > 0.5;
        best.auc = best.higher ? auc : 1 - auc;
        best.p = metric_rank_test(score, label, rows, scratch) * (missing ? 2 : 1);
        best.p = best.p > 1 ? 1 : best.p;
    }
    return best;
}

Separation probe_separation(const Numbers *numbers, const uint8_t *label, size_t rows,
                            const uint32_t *group, uint64_t seed, Arena scratch)
{
    if (numbers->level == NULL)
        return number_separation(numbers->value, label, rows, scratch);
    double *score = ARENA_RAW(&scratch, double, rows);
    level_scores(score, numbers->level, numbers->levels, label, rows, group, seed, scratch);
    /* Rates on other folds have a direction already: below chance is chance. */
    double auc = metric_auc(score, label, rows, scratch);
    if (!(auc > 0.5))
        return (Separation){0.5, 1, true, true};
    return (Separation){auc, metric_rank_test(score, label, rows, scratch), true, false};
}

Interval probe_interval(double auc, size_t positives, size_t negatives)
{
    double error = 1.959963984540054 * sqrt(metric_auc_variance(auc, positives, negatives));
    double low = auc - error, high = auc + error;
    return (Interval){auc, low < 0 ? 0 : low, high > 1 ? 1 : high};
}

static double missing_share(const Column *c, size_t rows)
{
    size_t missing = 0;
    for (size_t i = 0; i < rows; i++)
        missing += !column_valid(c, i);
    return rows == 0 ? 0 : (double)missing / (double)rows;
}

static Stability level_stability(double *limit, const uint32_t *level, size_t n,
                                 const uint32_t *scored, size_t m, size_t levels, uint64_t seed,
                                 Arena scratch)
{
    uint64_t *before = ARENA_ARRAY(&scratch, uint64_t, levels);
    uint64_t *after = ARENA_ARRAY(&scratch, uint64_t, levels);
    for (size_t i = 0; i < n; i++)
        before[level[i]]++;
    for (size_t i = 0; i < m; i++)
        after[scored[i]]++;
    Stability out = metric_psi_counts(before, after, levels);
    /* Of an identifier's thousand levels nothing can be said by counts. */
    bool few = levels <= 100 && out.psi > out.null_mean;
    *limit = few ? metric_psi_limit(before, after, levels, seed, scratch) : (double)NAN;
    return out;
}

void probe_column(Probe *p, double *label_p, double *cohort_p, const Column *a, const Column *whole,
                  size_t n, const Column *b, size_t m, const uint8_t *label, const uint32_t *group,
                  uint64_t seed, Arena scratch)
{
    size_t positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] != 0;
    Numbers numbers = probe_numbers(&scratch, a, n, b, m);
    Separation s = probe_separation(&numbers, label, n, group, seed, scratch);
    p->auc = s.chance ? (Interval){0.5, (double)NAN, (double)NAN}
                      : probe_interval(s.auc, positives, n - positives);
    p->higher_is_risky = s.higher;
    *label_p = s.p;
    if (whole != NULL && whole != a) {
        a = whole;
        numbers = probe_numbers(&scratch, a, n, b, m);
    }
    p->missing_labelled = missing_share(a, n);
    p->cohort_auc = *cohort_p = p->psi_limit = (double)NAN;
    if (m == 0 || n == 0)
        return;
    uint8_t *cohort = ARENA_ARRAY(&scratch, uint8_t, n + m);
    for (size_t i = n; i < n + m; i++)
        cohort[i] = 1;
    p->missing_scored = missing_share(b, m);
    const uint32_t *all = groups_with_scored(&scratch, group, n, m);
    s = probe_separation(&numbers, cohort, n + m, all, seed, scratch);
    p->cohort_auc = s.auc;
    *cohort_p = s.p;
    p->stability = numbers.level == NULL
                       ? metric_psi_tested(&p->psi_limit, numbers.narrow, n, numbers.narrow + n, m,
                                           seed, scratch)
                       : level_stability(&p->psi_limit, numbers.level, n, numbers.level + n, m,
                                         numbers.levels, seed, scratch);
}
