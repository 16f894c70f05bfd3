#include "learn/learn.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

/* ---- Platt ---- */

/* Golden: sklearn.calibration._sigmoid_calibration gives (-0.862798093, 0.086513509), which
 * scipy.optimize.root on the same gradient sharpens to the figures below. */
static void platt_equals_scikit_learns_sigmoid(void **state)
{
    (void)state;
    const double margin[] = {-2.1, -1.7, -1.2, -1.1, -.9, -.4, -.3, 0,
                             .1,   .2,   .6,   .8,   1.1, 1.5, 2.4};
    const uint8_t label[] = {0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1};
    Platt c = learn_platt(margin, label, 15);
    assert_near(c.slope, 0.8627981155512252, 1e-9);
    assert_near(c.intercept, -0.08651345240284686, 1e-9);
}

static void platt_of_separated_margins_stays_finite(void **state)
{
    (void)state;
    const double margin[] = {-900, -2, -1, 1, 2, 900};
    const uint8_t label[] = {0, 0, 0, 1, 1, 1};
    Platt c = learn_platt(margin, label, 6);
    assert_true(isfinite(c.slope) && isfinite(c.intercept) && c.slope > 0);
}

static void platt_of_one_margin_gives_the_smoothed_rate(void **state)
{
    (void)state;
    const double margin[] = {.5, .5, .5, .5, .5};
    const uint8_t label[] = {0, 0, 0, 0, 1};
    Platt c = learn_platt(margin, label, 5);
    /* The mean of Platt's targets: (1 * 2/3 + 4 * 1/6) / 5. */
    assert_near(platt_apply(c, .5), (2.0 / 3 + 4.0 / 6) / 5, 1e-6);
}

/* ---- Venn-Abers ---- */

/* The value of isotonic regression at the customer added with this margin and label, by the
 * min-max formula: slow and obvious. */
static double isotonic_with(const double *margin, const uint8_t *label, size_t n, double added,
                            int added_label)
{
    double best = -1;
    for (size_t a = 0; a <= n; a++) {
        double from = a < n ? margin[a] : added;
        if (from > added)
            continue;
        double least = 2;
        for (size_t b = 0; b <= n; b++) {
            double to = b < n ? margin[b] : added, sum = added_label, count = 1;
            if (to < added)
                continue;
            for (size_t i = 0; i < n; i++)
                if (margin[i] >= from && margin[i] <= to) {
                    sum += label[i];
                    count += 1;
                }
            if (sum / count < least)
                least = sum / count;
        }
        if (least > best)
            best = least;
    }
    return best;
}

static void venn_abers_equals_two_isotonic_regressions(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    for (uint64_t seed = 0; seed < 300; seed++) {
        Random r = random_new(seed);
        size_t n = 1 + (size_t)random_below(&r, 24), values = 1 + (size_t)random_below(&r, 30);
        double margin[24];
        uint8_t label[24];
        for (size_t i = 0; i < n; i++) {
            margin[i] = (double)random_below(&r, values) - 5;
            label[i] = random_uniform(&r) < stable_sigmoid(margin[i] / 4);
        }
        VennAbers *v = learn_venn_abers(&keep, scratch, margin, label, n);
        for (size_t i = 1; i < v->steps; i++)
            assert_true(v->margin[i] > v->margin[i - 1]);
        for (double at = -6; at <= 26; at += 0.5) {
            double p0, p1;
            venn_abers_apply(v, at, &p0, &p1);
            assert_near(p0, isotonic_with(margin, label, n, at, 0), 1e-12);
            assert_near(p1, isotonic_with(margin, label, n, at, 1), 1e-12);
            assert_true(p0 <= p1);
        }
    }
    arena_free(&keep);
    arena_free(&scratch);
}

static void venn_abers_narrows_with_more_customers(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    double width[2];
    const size_t sizes[2] = {50, 50000};
    for (size_t k = 0; k < 2; k++) {
        Random r = random_new(5);
        double *margin = ARENA_ARRAY(&keep, double, sizes[k]), p0, p1;
        uint8_t *label = ARENA_ARRAY(&keep, uint8_t, sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++) {
            margin[i] = random_normal(&r);
            label[i] = random_uniform(&r) < stable_sigmoid(margin[i]);
        }
        venn_abers_apply(learn_venn_abers(&keep, scratch, margin, label, sizes[k]), 0, &p0, &p1);
        width[k] = p1 - p0;
        if (k == 1)
            assert_near((p0 + p1) / 2, 0.5, 0.03);
    }
    assert_true(width[1] < width[0] / 5);
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- folds ---- */

static void folds_share_out_both_classes_evenly(void **state)
{
    (void)state;
    enum { ROWS = 312, FOLDS = 5 };
    uint8_t label[ROWS];
    uint32_t fold[ROWS], again[ROWS], other[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        label[i] = i % 5 == 0; /* 63 of 312 */
    learn_folds(fold, label, NULL, ROWS, FOLDS, 7);
    size_t size[FOLDS] = {0}, positives[FOLDS] = {0};
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(fold[i] < FOLDS);
        size[fold[i]]++;
        positives[fold[i]] += label[i];
    }
    for (size_t k = 0; k < FOLDS; k++) {
        assert_true(size[k] == 62 || size[k] == 63);
        assert_true(positives[k] == 12 || positives[k] == 13);
    }
    learn_folds(again, label, NULL, ROWS, FOLDS, 7);
    learn_folds(other, label, NULL, ROWS, FOLDS, 8);
    assert_memory_equal(fold, again, sizeof fold);
    assert_memory_not_equal(fold, other, sizeof fold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platt_equals_scikit_learns_sigmoid),
        cmocka_unit_test(platt_of_separated_margins_stays_finite),
        cmocka_unit_test(platt_of_one_margin_gives_the_smoothed_rate),
        cmocka_unit_test(venn_abers_equals_two_isotonic_regressions),
        cmocka_unit_test(venn_abers_narrows_with_more_customers),
        cmocka_unit_test(folds_share_out_both_classes_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
