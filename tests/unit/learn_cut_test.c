#include "learn/learn.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { ROWS = 2000, DAYS = 90, WINDOW = 14 };

/* A bank where nothing tells: customers join at any time, act at one rate, and some are suspended
 * at an instant that has to do with nothing. */
typedef struct Bank {
    int64_t first[ROWS], end[ROWS], cut[ROWS];
    uint8_t label[ROWS];
    double rate[ROWS];
    Random draws;
} Bank;

static void bank_fill(Bank *b, uint64_t seed)
{
    b->draws = random_new(seed);
    for (size_t i = 0; i < ROWS; i++) {
        double joined = DAYS * random_uniform(&b->draws);
        double suspended = joined + 60 * random_exponential(&b->draws);
        b->label[i] = random_uniform(&b->draws) < 0.4 && suspended < DAYS;
        b->first[i] = (int64_t)(joined * (double)DAY_US);
        b->end[i] = (int64_t)((b->label[i] ? suspended : DAYS) * (double)DAY_US);
        b->rate[i] = random_exponential(&b->draws);
    }
}

/* How well the number of events in the first two weeks tells the label, with histories that end at
 * `end`. */
static double auc_of_counts(Bank *b, const int64_t *end, uint64_t seed)
{
    static double score[ROWS];
    Arena scratch = arena_new();
    b->draws = random_new(seed);
    for (size_t i = 0; i < ROWS; i++) {
        double until = (double)(end[i] - b->first[i]) / (double)DAY_US, at = 0;
        for (score[i] = 0; until >= 0; score[i]++) {
            at += random_exponential(&b->draws) / b->rate[i];
            if (at > until || at > WINDOW)
                break;
        }
    }
    double auc = metric_auc(score, b->label, ROWS, scratch);
    arena_free(&scratch);
    return auc;
}

static void cutting_both_alike_leaves_chance_at_chance(void **state)
{
    (void)state;
    double alike = 0, one_sided = 0;
    static Bank b;
    for (uint64_t seed = 0; seed < 10; seed++) {
        bank_fill(&b, seed);
        (void)learn_cut_histories(b.cut, b.first, b.end, b.label, ROWS, seed);
        alike += auc_of_counts(&b, b.cut, seed_derive(seed, 1)) / 10;
        one_sided += auc_of_counts(&b, b.end, seed_derive(seed, 1)) / 10;
    }
    /* Ten banks of some 450 positives: the mean strays by about .005. */
    assert_true(fabs(alike - 0.5) < 0.02);
    assert_true(one_sided < 0.46); /* what cutting the suspended alone would have told */
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The largest gap between the ages' distributions stays below the Kolmogorov-Smirnov 0.1 % limit,
 * 1.95 sqrt(1 / n + 1 / m). */
static void ages_of_both_have_one_distribution(void **state)
{
    (void)state;
    static Bank b;
    static double age[2][ROWS];
    size_t n[2] = {0, 0};
    bank_fill(&b, 4);
    size_t left = learn_cut_histories(b.cut, b.first, b.end, b.label, ROWS, 4);
    for (size_t i = 0; i < ROWS; i++) {
        int class = b.label[i];
        age[class][n[class]++] = (double)(b.cut[i] - b.first[i]);
        assert_true(b.cut[i] <= b.end[i]); /* nobody is known for longer than they were */
        if (class)
            assert_int_equal(b.cut[i], b.end[i]);
    }
    assert_true(left < n[0] / 20);
    for (int class = 0; class < 2; class ++)
        qsort(age[class], n[class], sizeof(double), ascending);
    double gap = 0;
    for (size_t i = 0, k = 0; i < n[1]; i++) {
        while (k < n[0] && age[0][k] <= age[1][i])
            k++;
        gap = fmax(gap, fabs((double)(i + 1) / (double)n[1] - (double)k / (double)n[0]));
    }
    assert_true(gap < 1.95 * sqrt(1 / (double)n[0] + 1 / (double)n[1]));
}

static void who_was_observed_too_shortly_keeps_what_there_is(void **state)
{
    (void)state;
    const int64_t first[5] = {0, 0, 0, NO_HISTORY, 50};
    const int64_t end[5] = {100, 40, 60, 70, 49};
    const uint8_t label[5] = {1, 0, 0, 0, 1};
    int64_t cut[5];
    /* Ages of the positives: 100, and -1 for the one who was suspended before any event. */
    assert_int_equal(learn_cut_histories(cut, first, end, label, 5, 1), 1);
    assert_int_equal(cut[0], 100);
    assert_int_equal(cut[3], 70);
    assert_int_equal(cut[4], 49);
    assert_true((cut[1] == 40 && cut[2] == -1) || (cut[1] == -1 && cut[2] == 60));
}

static void cuts_are_the_same_for_a_seed_and_differ_between_seeds(void **state)
{
    (void)state;
    static Bank b;
    static int64_t again[ROWS], other[ROWS];
    bank_fill(&b, 5);
    (void)learn_cut_histories(b.cut, b.first, b.end, b.label, ROWS, 5);
    (void)learn_cut_histories(again, b.first, b.end, b.label, ROWS, 5);
    (void)learn_cut_histories(other, b.first, b.end, b.label, ROWS, 6);
    assert_memory_equal(b.cut, again, sizeof again);
    assert_memory_not_equal(b.cut, other, sizeof other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutting_both_alike_leaves_chance_at_chance),
        cmocka_unit_test(ages_of_both_have_one_distribution),
        cmocka_unit_test(who_was_observed_too_shortly_keeps_what_there_is),
        cmocka_unit_test(cuts_are_the_same_for_a_seed_and_differ_between_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
