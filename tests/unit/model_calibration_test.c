#include "model/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

static double knot_margin[] = {-2, -1, 0.5, 3}, knot_log_odds[] = {-4, -1, -1, 2};
static const Isotonic steps = {4, knot_margin, knot_log_odds};

static const Calibration platt = {.platt = {1.7, -0.3}};
static const Calibration beta = {.kind = CALIBRATION_BETA, .beta = {0.4, 2.5, -0.7}};
static const Calibration isotonic = {.kind = CALIBRATION_ISOTONIC, .isotonic = &steps};

static void a_beta_map_is_kulls_formula(void **state)
{
    (void)state;
    for (double m = -12; m <= 12; m += 0.37) {
        double s = 1 / (1 + exp(-m));
        double expected = 0.4 * log(s) - 2.5 * log1p(-s) - 0.7;
        assert_near(calibration_log_odds(&beta, m), expected, 1e-9 * (1 + fabs(expected)));
        assert_near(calibration_apply(&beta, m), 1 / (1 + exp(-expected)), 1e-9);
    }
}

static void a_beta_map_of_equal_sides_is_platts(void **state)
{
    (void)state;
    const Calibration even = {.kind = CALIBRATION_BETA, .beta = {1.7, 1.7, -0.3}};
    for (double m = -800; m <= 800; m += 7.3)
        assert_near(calibration_log_odds(&even, m), calibration_log_odds(&platt, m),
                    1e-12 * (1 + fabs(m)));
}

static void an_isotonic_map_is_lines_between_knots_and_flat_outside(void **state)
{
    (void)state;
    const double at[] = {-1e300, -2, -1.5, -1, 0, 0.5, 1.75, 3, 1e300};
    const double said[] = {-4, -4, -2.5, -1, -1, -1, 0.5, 2, 2};
    for (size_t i = 0; i < COUNT_OF(at); i++)
        assert_near(calibration_log_odds(&isotonic, at[i]), said[i], 1e-15);
    assert_true(is_missing(calibration_log_odds(&isotonic, MISSING_VALUE)));
}

/* A line keeps every contribution's share exactly. */
static void contributions_with_platt_are_the_slope_times_each(void **state)
{
    (void)state;
    double phi[] = {0.5, -0.25, 1, -2};
    calibration_contributions(&platt, -0.75, 3, phi);
    assert_near(phi[0], 0.85, 1e-15);
    assert_near(phi[1], -0.425, 1e-15);
    assert_near(phi[2], 1.7, 1e-15);
    assert_near(phi[3], -3.7, 1e-15);
}

static void contributions_with_any_map_sum_to_the_calibrated_log_odds(void **state)
{
    (void)state;
    static const Calibration *const map[] = {&platt, &beta, &isotonic};
    Random r = random_new(4);
    for (int round = 0; round < 3000; round++) {
        enum { COLUMNS = 7 };
        const Calibration *c = map[round % 3];
        double phi[COLUMNS + 1], was[COLUMNS + 1], margin = 0, sum = 0;
        double size = round % 10 == 0 ? 1e-9 : round % 10 == 1 ? 50 : 1;
        for (size_t k = 0; k <= COLUMNS; k++) {
            phi[k] = (k == COLUMNS ? 1 : size) * random_normal(&r);
            if (round % 7 == 0 && k % 2 == 1)
                phi[k] = -phi[k - 1]; /* they cancel: no chord */
            was[k] = phi[k];
            margin += phi[k];
        }
        calibration_contributions(c, margin, COLUMNS, phi);
        double most = 0;
        for (size_t k = 0; k <= COLUMNS; k++) {
            sum += phi[k];
            most = fmax(most, fabs(phi[k]));
        }
        assert_near(sum, calibration_log_odds(c, margin), 1e-9 * (1 + most));
        /* Signs stand, and what was twice as much still is. */
        for (size_t k = 0; k < COLUMNS; k++) {
            assert_true(phi[k] * was[k] >= 0);
            assert_near(phi[k] * was[0], phi[0] * was[k], 1e-9 * (1 + most) * (1 + size * size));
        }
    }
}

/* Golden: the path integral of the map's slope from the bias to the margin, by 20,000 midpoints. */
static void contributions_are_the_integral_along_the_way_from_the_bias(void **state)
{
    (void)state;
    const double was[] = {1.2, -0.5, 0.9, -1.1}, margin = 0.5;
    double phi[] = {1.2, -0.5, 0.9, -1.1}, mean_slope = 0;
    for (int i = 0; i < 20000; i++) {
        double at = was[3] + (margin - was[3]) * (i + 0.5) / 20000, s = 1 / (1 + exp(-at));
        mean_slope += (0.4 * (1 - s) + 2.5 * s) / 20000;
    }
    calibration_contributions(&beta, margin, 3, phi);
    for (size_t k = 0; k < 3; k++)
        assert_near(phi[k], mean_slope * was[k], 1e-7);
    assert_near(phi[3], calibration_log_odds(&beta, was[3]), 1e-12);
}

/* On a flat stretch nothing moves the score, so nothing contributes. */
static void contributions_on_one_step_are_nothing(void **state)
{
    (void)state;
    double phi[] = {0.4, 0.2, -0.5};
    calibration_contributions(&isotonic, 0.1, 2, phi);
    assert_near(phi[0], 0, 0);
    assert_near(phi[1], 0, 0);
    assert_near(phi[2], -1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_beta_map_is_kulls_formula),
        cmocka_unit_test(a_beta_map_of_equal_sides_is_platts),
        cmocka_unit_test(an_isotonic_map_is_lines_between_knots_and_flat_outside),
        cmocka_unit_test(contributions_with_platt_are_the_slope_times_each),
        cmocka_unit_test(contributions_with_any_map_sum_to_the_calibrated_log_odds),
        cmocka_unit_test(contributions_are_the_integral_along_the_way_from_the_bias),
        cmocka_unit_test(contributions_on_one_step_are_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
