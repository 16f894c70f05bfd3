#include "metric/metric.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

enum { TWELVE = 12 };
static const double twelve[TWELVE] = {.05, .1, .15, .2, .25, .3, .4, .5, .6, .7, .8, .9};
static const uint8_t outcome[TWELVE] = {0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 1};

/* ---- slope and intercept ---- */

/* Golden: scipy.optimize.root on the gradient of the likelihood of label on logit(p), standard
 * errors from the inverse of the Hessian p(1 - p) x x'; see tests/oracle/calibration.py. */
static void recalibration_is_the_logistic_regression_on_the_log_odds(void **state)
{
    (void)state;
    const double *p[] = {twelve};
    Recalibration r;
    metric_recalibration(&r, p, 1, outcome, NULL, TWELVE);
    assert_near(r.slope.value, 0.6970539482, 1e-6);
    assert_near(r.slope.high - r.slope.value, 1.959963984540054 * 0.5034932815, 1e-6);
    assert_near(r.slope.value - r.slope.low, 1.959963984540054 * 0.5034932815, 1e-6);
    assert_near(r.intercept.value, -0.0677815775, 1e-6);
    assert_near(r.intercept.high - r.intercept.value, 1.959963984540054 * 0.6695933853, 1e-6);
    assert_near(r.large.value, 0.0248105877, 1e-6);
    assert_near(r.large.high - r.large.value, 1.959963984540054 * 0.7039451743, 1e-6);
}

static void recalibration_finds_what_was_done_to_the_log_odds(void **state)
{
    (void)state;
    enum { ROWS = 40000 };
    Arena keep = arena_new();
    double *p = ARENA_ARRAY(&keep, double, ROWS);
    uint8_t *label = ARENA_ARRAY(&keep, uint8_t, ROWS);
    Random r = random_new(3);
    for (size_t i = 0; i < ROWS; i++) {
        double truth = -1 + 1.5 * random_normal(&r);
        label[i] = random_uniform(&r) < stable_sigmoid(truth);
        p[i] = stable_sigmoid((truth - 0.4) / 0.7); /* truth = .4 + .7 logit(p) */
    }
    const double *runs[] = {p, p};
    Recalibration one, two;
    metric_recalibration(&one, runs, 1, label, NULL, ROWS);
    assert_near(one.slope.value, 0.7, 0.03);
    assert_near(one.intercept.value, 0.4, 0.05);
    assert_true(one.slope.high < 0.75 && one.slope.low > 0.65);
    /* The same probabilities twice are no more customers. */
    metric_recalibration(&two, runs, 2, label, NULL, ROWS);
    assert_near(one.slope.low, two.slope.low, 1e-12);
    arena_free(&keep);
}

static void recalibration_is_not_defined_without_both_classes_variation_or_overlap(void **state)
{
    (void)state;
    const double level[] = {.3, .3, .3, .3}, apart[] = {.1, .2, .7, .8}, gap[] = {.1, NAN, .7, .8};
    const uint8_t mixed[] = {0, 1, 0, 1}, none[] = {0, 0, 0, 0}, parted[] = {0, 0, 1, 1};
    const double *p[] = {level};
    Recalibration r;
    metric_recalibration(&r, p, 1, mixed, NULL, 4);
    assert_true(isnan(r.slope.value) && isnan(r.intercept.low));
    assert_near(r.large.value, -stable_logit(.3), 1e-9);
    metric_recalibration(&r, p, 1, none, NULL, 4);
    assert_true(isnan(r.slope.value) && isnan(r.large.value));
    p[0] = apart;
    metric_recalibration(&r, p, 1, parted, NULL, 4);
    assert_true(isnan(r.slope.value) && !isnan(r.large.value));
    p[0] = gap;
    metric_recalibration(&r, p, 1, mixed, NULL, 4);
    assert_true(isnan(r.slope.value) && isnan(r.large.value));
    metric_recalibration(&r, p, 1, mixed, (const uint8_t[]){0, 0, 0, 0}, 4);
    assert_true(isnan(r.large.value));
}

/* 95 % intervals of perfectly calibrated probabilities hold 1 and 0 in 93 to 97 % of samples: 3,000
 * of them of 328 customers, so the share's own standard error is .4 %. */
static void intervals_of_slope_and_intercept_cover_what_they_say(void **state)
{
    (void)state;
    enum { ROWS = 328, SAMPLES = 3000 };
    double p[ROWS], slope = 0, intercept = 0, large = 0;
    uint8_t label[ROWS];
    for (uint64_t k = 0; k < SAMPLES; k++) {
        Random r = random_new(seed_derive(99, k));
        for (size_t i = 0; i < ROWS; i++) {
            p[i] = stable_sigmoid(-2.2 + 1.6 * random_normal(&r));
            label[i] = random_uniform(&r) < p[i];
        }
        const double *runs[] = {p};
        Recalibration c;
        metric_recalibration(&c, runs, 1, label, NULL, ROWS);
        slope += c.slope.low <= 1 && 1 <= c.slope.high;
        intercept += c.intercept.low <= 0 && 0 <= c.intercept.high;
        large += c.large.low <= 0 && 0 <= c.large.high;
    }
    const double covered[] = {slope / SAMPLES, intercept / SAMPLES, large / SAMPLES};
    print_message("slope %.2f %%, intercept %.2f %%, in the large %.2f %% covered\n",
                  100 * covered[0], 100 * covered[1], 100 * covered[2]);
    for (size_t i = 0; i < COUNT_OF(covered); i++)
        if (!(covered[i] >= 0.93 && covered[i] <= 0.97))
            fail_msg("interval %zu covers %.3f", i, covered[i]);
}

/* ---- the noise floor ---- */

static void noise_of_a_perfect_model_is_what_it_shows(void **state)
{
    (void)state;
    enum { ROWS = 328, SAMPLES = 300 };
    double p[ROWS], seen = 0, mean = 0, above = 0;
    uint8_t label[ROWS];
    for (uint64_t k = 0; k < SAMPLES; k++) {
        Random r = random_new(seed_derive(5, k));
        for (size_t i = 0; i < ROWS; i++) {
            p[i] = stable_sigmoid(-1.8 + 1.3 * random_normal(&r));
            label[i] = random_uniform(&r) < p[i];
        }
        const double *runs[] = {p};
        NoiseFloor e;
        metric_ece_noise(&e, runs, 1, label, NULL, ROWS, 100, k, NULL);
        Arena scratch = arena_new();
        assert_near(e.seen, metric_ece(p, label, ROWS, METRIC_ECE_BINS, scratch), 1e-12);
        arena_free(&scratch);
        seen += e.seen / SAMPLES;
        mean += e.mean / SAMPLES;
        above += e.seen > e.high;
        assert_true(e.mean > 0 && e.high > e.mean);
    }
    assert_near(seen, mean, 0.002);
    assert_near(above / SAMPLES, 0.05, 0.035);
}

static void noise_does_not_hide_what_is_wrong(void **state)
{
    (void)state;
    enum { ROWS = 600 };
    double p[ROWS], other[ROWS];
    uint8_t label[ROWS];
    Random r = random_new(8);
    for (size_t i = 0; i < ROWS; i++) {
        double truth = random_normal(&r);
        label[i] = random_uniform(&r) < stable_sigmoid(truth);
        p[i] = stable_sigmoid(2.5 * truth);
        other[i] = stable_sigmoid(2.5 * truth + 0.1 * random_normal(&r));
    }
    const double *runs[] = {p, other};
    NoiseFloor e, again;
    metric_ece_noise(&e, runs, 2, label, NULL, ROWS, 200, 1, NULL);
    assert_true(e.seen > e.high);
    assert_near(e.share, 0, 0);
    Team *team = team_new(4);
    metric_ece_noise(&again, runs, 2, label, NULL, ROWS, 200, 1, team);
    assert_memory_equal(&e, &again, sizeof e);
    team_free(team);
}

/* ---- prevalence ---- */

static const double cuts[PREVALENCE_RULES] = {0.15, 0.4};

/* By hand: at p >= .4, 4 of 5 positives and 2 of 7 negatives are flagged. */
static void prevalence_weights_the_classes(void **state)
{
    (void)state;
    const double *p[] = {twelve};
    Prevalence v[PREVALENCES];
    metric_prevalence(v, p, 1, outcome, NULL, TWELVE, cuts, 200, 1, NULL);
    for (size_t a = 0; a < PREVALENCES; a++) {
        double at = metric_prevalences[a], flagged = at * 4 / 5 + (1 - at) * 2 / 7;
        assert_near(v[a].assumed, at, 0);
        assert_near(v[a].share, 5.0 / 12, 1e-15);
        assert_near(v[a].as_is[1].precision.value, at * 4 / 5 / flagged, 1e-12);
        assert_near(v[a].as_is[1].load.value, 1000 * flagged, 1e-9);
        assert_near(v[a].as_is[1].recall.value, 0.8, 1e-12);
        assert_near(v[a].as_is[1].threshold, 0.4, 0);
        assert_true(v[a].as_is[1].load.low <= v[a].as_is[1].load.value &&
                    v[a].as_is[1].load.value <= v[a].as_is[1].load.high);
        assert_true(v[a].as_is[0].load.value >= v[a].as_is[1].load.value);
        /* A corrected probability is at the cut exactly where the score is at the moved cut. */
        double moved =
            stable_sigmoid(stable_logit(0.4) + stable_logit(5.0 / 12) - stable_logit(at));
        assert_near(v[a].corrected[1].threshold, moved, 1e-12);
        size_t found = 0;
        for (size_t i = 0; i < TWELVE; i++)
            found += outcome[i] && twelve[i] >= moved;
        assert_near(v[a].corrected[1].recall.value, (double)found / 5, 1e-12);
    }
    double loss = 0, square = 0, shift = stable_logit(.1) - stable_logit(5.0 / 12);
    for (size_t i = 0; i < TWELVE; i++) {
        double q = 1 / (1 + exp(-(log(twelve[i] / (1 - twelve[i])) + shift)));
        double weight = outcome[i] ? .1 / 5 : .9 / 7;
        loss -= weight * log(outcome[i] ? q : 1 - q);
        square += weight * (outcome[i] ? (1 - q) * (1 - q) : q * q);
    }
    assert_near(v[2].log_loss.value, loss, 1e-12);
    assert_near(v[2].brier.value, square, 1e-12);
}

/* Two samples of one bank, one with many positives by design: what the first says of the second's
 * prevalence is what the second shows. */
static void a_sample_by_design_tells_of_a_rarer_population(void **state)
{
    (void)state;
    enum { ROWS = 60000 };
    Arena keep = arena_new();
    double *design = ARENA_ARRAY(&keep, double, ROWS), *bank = ARENA_ARRAY(&keep, double, ROWS);
    uint8_t *label = ARENA_ARRAY(&keep, uint8_t, ROWS),
            *bank_label = ARENA_ARRAY(&keep, uint8_t, ROWS);
    Random r = random_new(12);
    for (size_t i = 0; i < ROWS; i++) {
        label[i] = i % 2 == 0;       /* half by design */
        bank_label[i] = i % 20 == 0; /* one in twenty in truth */
        double x = 1.5 * label[i] + random_normal(&r), y = 1.5 * bank_label[i] + random_normal(&r);
        design[i] = stable_sigmoid(1.5 * x - 1.125); /* the truth at one half */
        bank[i] = stable_sigmoid(1.5 * y - 1.125);
    }
    const double *p[] = {design};
    Prevalence v[PREVALENCES];
    metric_prevalence(v, p, 1, label, NULL, ROWS, cuts, 100, 1, NULL);
    Confusion is = metric_confusion(bank, bank_label, ROWS, 0.4);
    double flagged = (double)(is.true_positive + is.false_positive);
    assert_near(v[1].as_is[1].load.value, 1000 * flagged / ROWS, 8);
    assert_near(v[1].as_is[1].precision.value, (double)is.true_positive / flagged, 0.01);
    for (size_t i = 0; i < ROWS; i++) /* corrected: the bank's own probabilities */
        bank[i] = stable_sigmoid(stable_logit(bank[i]) + stable_logit(0.05));
    assert_near(v[1].log_loss.value, metric_log_loss(bank, bank_label, ROWS), 0.005);
    is = metric_confusion(bank, bank_label, ROWS, 0.4);
    flagged = (double)(is.true_positive + is.false_positive);
    assert_near(v[1].corrected[1].load.value, 1000 * flagged / ROWS, 2);
    assert_near(v[1].corrected[1].precision.value, (double)is.true_positive / flagged, 0.05);
    const double *moved[] = {bank};
    Recalibration c;
    metric_recalibration(&c, moved, 1, bank_label, NULL, ROWS);
    assert_near(c.slope.value, 1, 0.05);
    assert_near(c.large.value, 0, 0.05);
    arena_free(&keep);
}

static void prevalence_without_two_of_each_class_is_not_defined(void **state)
{
    (void)state;
    const double p[] = {.1, .2, .3, .4};
    const uint8_t one[] = {0, 0, 0, 1}, none[] = {0, 0, 0, 0};
    const double *runs[] = {p};
    Prevalence v[PREVALENCES];
    metric_prevalence(v, runs, 1, one, NULL, 4, cuts, 10, 1, NULL);
    assert_true(isnan(v[0].as_is[0].precision.value) && isnan(v[3].brier.low));
    metric_prevalence(v, runs, 1, none, NULL, 4, cuts, 10, 1, NULL);
    assert_true(isnan(v[0].corrected[0].threshold) && isnan(v[0].log_loss.value));
    metric_prevalence(v, runs, 1, none, (const uint8_t[]){0, 0, 0, 0}, 4, cuts, 10, 1, NULL);
    assert_true(isnan(v[0].share));
}

static void a_check_is_the_same_with_any_number_of_threads(void **state)
{
    (void)state;
    enum { ROWS = 200 };
    double p[ROWS], q[ROWS];
    uint8_t label[ROWS];
    Random r = random_new(8);
    for (size_t i = 0; i < ROWS; i++) {
        double truth = random_normal(&r);
        label[i] = random_uniform(&r) < stable_sigmoid(truth);
        p[i] = stable_sigmoid(truth);
        q[i] = stable_sigmoid(truth + 0.1 * random_normal(&r));
    }
    const double *runs[] = {p, q};
    CalibrationCheck one, eight;
    memset(&one, 0, sizeof one);
    memset(&eight, 0, sizeof eight);
    Team *team = team_new(8);
    metric_calibration(&one, runs, 2, label, NULL, ROWS, cuts, 200, 3, NULL);
    metric_calibration(&eight, runs, 2, label, NULL, ROWS, cuts, 200, 3, team);
    assert_memory_equal(&one, &eight, sizeof one);
    team_free(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recalibration_is_the_logistic_regression_on_the_log_odds),
        cmocka_unit_test(recalibration_finds_what_was_done_to_the_log_odds),
        cmocka_unit_test(recalibration_is_not_defined_without_both_classes_variation_or_overlap),
        cmocka_unit_test(intervals_of_slope_and_intercept_cover_what_they_say),
        cmocka_unit_test(noise_of_a_perfect_model_is_what_it_shows),
        cmocka_unit_test(noise_does_not_hide_what_is_wrong),
        cmocka_unit_test(prevalence_weights_the_classes),
        cmocka_unit_test(a_sample_by_design_tells_of_a_rarer_population),
        cmocka_unit_test(prevalence_without_two_of_each_class_is_not_defined),
        cmocka_unit_test(a_check_is_the_same_with_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
