#include "metric/metric.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

static void near_by_share(double a, double b, double share)
{
    near(a, b, share * fabs(b));
}

/* scipy 1.17: beta.ppf(.025, k, n - k + 1), beta.ppf(.975, k + 1, n - k), beta.ppf(.05, k, n - k +
 * 1)
 */
static void intervals_are_clopper_and_pearsons(void **state)
{
    (void)state;
    static const struct {
        size_t k, n;
        double low, high, one_sided;
    } golden[] = {
        {0, 1, 0.0, 0.975, 0.0},
        {1, 1, 0.025, 1.0, 0.05},
        {0, 14, 0.0, 0.23163576165011646, 0.0},
        {14, 14, 0.7683642383498834, 1.0, 0.8073638243498646},
        {1, 22, 0.0011501475265735751, 0.22844439766763341, 0.002328797515031658},
        {21, 22, 0.7715556023323665, 0.9988498524734264, 0.8018778683631184},
        {28, 30, 0.7792645984770381, 0.9918218655393437, 0.804673956345074},
        {7, 23, 0.13210287969809986, 0.5291916660085065, 0.15247968742967724},
        {3, 10, 0.06673951117773447, 0.6524528500599973, 0.08726443391415033},
        {10, 10, 0.6915028921812392, 1.0, 0.7411344491069477},
        {36, 72, 0.37975711611804835, 0.6202428838819516, 0.3975743940763687},
        {60, 108, 0.45680696999962905, 0.6511799223287769, 0.4718688062842542},
        {1, 1000, 2.531748749129404e-05, 0.005558924279826672, 5.129197890901781e-05},
        {999, 1000, 0.9944410757201734, 0.9999746825125088, 0.9952650064245002},
        {250, 1000, 0.2234304062646804, 0.27805000622375553, 0.2275434796716092},
        {5, 12345, 0.00013152229109552192, 0.0009449316281496553, 0.0001596040151634826},
        {10000, 12345, 0.8030116360466852, 0.816930979188972, 0.8041430632583353},
        {123456, 300000, 0.4097582378651613, 0.4132834715247695, 0.4100411271681679},
    };
    for (size_t i = 0; i < COUNT_OF(golden); i++) {
        size_t k = golden[i].k, n = golden[i].n;
        Interval x = metric_proportion_exact(k, n, 0.95);
        near(x.value, (double)k / (double)n, 0);
        near_by_share(x.low, golden[i].low, 1e-11);
        near_by_share(x.high, golden[i].high, 1e-11);
        near_by_share(metric_proportion_low(k, n, 0.95), golden[i].one_sided, 1e-11);
        near(metric_proportion_high(n - k, n, 0.95), 1 - golden[i].one_sided, 1e-11);
    }
    assert_true(is_missing(metric_proportion_exact(0, 0, 0.95).low));
    assert_true(is_missing(metric_proportion_low(0, 0, 0.95)));
}

/* scipy 1.17: binom.sf(k - 1, n, p), binom.cdf(k, n, p) */
static void tails_are_those_of_scipy(void **state)
{
    (void)state;
    static const struct {
        size_t k, n;
        double p, least, most;
    } tail[] = {
        {0, 10, 0.3, 1.0, 0.028247524900000005},
        {3, 10, 0.3, 0.6172172136000003, 0.6496107184000002},
        {10, 10, 0.3, 5.9048999999999975e-06, 1.0},
        {14, 14, 0.8, 0.04398046511104003, 1.0},
        {13, 14, 0.8, 0.19791209299968013, 0.95601953488896},
        {21, 22, 0.8, 0.04796153459164488, 0.9926213023705162},
        {20, 22, 0.8, 0.15449148161731763, 0.9520384654083551},
        {28, 30, 0.8, 0.04417898515199706, 0.9894775096660743},
        {1, 1000, 1e-06, 0.0009995006661255913, 0.9999995008322098},
        {40, 1000, 0.01, 4.688553566249777e-13, 0.99999999999989},
        {5, 1000, 0.01, 0.9713136000009955, 0.0661395116072514},
        {500, 1000, 0.5, 0.5126125090891802, 0.5126125090891802},
        {600, 1000, 0.5, 1.3642320780329735e-10, 0.9999999999099158},
        {900, 1000, 0.5, 6.701717790006182e-162, 1.0},
        {99999, 100000, 0.9999, 0.000499194955321209, 0.999954622766041},
        {30500, 100000, 0.3, 0.00028879676519079345, 0.9997184609053403},
        {50, 100000, 0.0001, 1.8402264214337988e-19, 1.0},
        {150, 300, 0.95, 1.0, 3.15763259420071e-110},
    };
    for (size_t i = 0; i < COUNT_OF(tail); i++) {
        near_by_share(metric_binomial_least(tail[i].k, tail[i].n, tail[i].p), tail[i].least, 1e-12);
        near_by_share(metric_binomial_most(tail[i].k, tail[i].n, tail[i].p), tail[i].most, 1e-12);
    }
    near(metric_binomial_least(3, 10, 0), 0, 0);
    near(metric_binomial_least(3, 10, 1), 1, 0);
    near(metric_binomial_least(0, 10, 0), 1, 0);
    near(metric_binomial_least(11, 10, 0.5), 0, 0);
    near(metric_binomial_most(10, 10, 1), 1, 0);
}

/* What the tails say of every n at once: they add up, and their sum over k is the mean. */
static void tails_add_up(void **state)
{
    (void)state;
    static const double chance[] = {0.001, 0.1, 0.5, 0.77, 0.999};
    for (size_t n = 1; n <= 400; n = n * 3 / 2 + 1)
        for (size_t c = 0; c < COUNT_OF(chance); c++) {
            double mean = 0;
            for (size_t k = 1; k <= n; k++) {
                double up = metric_binomial_least(k, n, chance[c]);
                mean += up;
                near(up + metric_binomial_most(k - 1, n, chance[c]), 1, 1e-12);
            }
            near_by_share(mean, (double)n * chance[c], 1e-12);
        }
}

/* The exact chance that the interval holds the true rate, summed over every outcome: never below
 * what it says, and not idly far above it for many trials. */
static void interval_covers_at_least_as_often_as_it_says(void **state)
{
    (void)state;
    static const size_t trials[] = {1, 5, 14, 30, 108, 400};
    for (size_t t = 0; t < COUNT_OF(trials); t++) {
        size_t n = trials[t];
        Interval *x = malloc((n + 1) * sizeof *x);
        double least = 1;
        for (size_t k = 0; k <= n; k++)
            x[k] = metric_proportion_exact(k, n, 0.95);
        for (int step = 1; step < 200; step++) {
            double p = step / 200.0, covered = 0;
            for (size_t k = 0; k <= n; k++)
                if (x[k].low <= p && p <= x[k].high)
                    covered += metric_binomial_least(k, n, p) - metric_binomial_least(k + 1, n, p);
            least = covered < least ? covered : least;
        }
        assert_true(least >= 0.95 - 1e-9);
        if (n >= 108)
            assert_true(least < 0.97);
        free(x);
    }
}

/* By hand: 0.8^14 = 0.0440 and 0.8^13 = 0.0550; 0.9^29 = 0.0471 and 0.9^28 = 0.0523. The others
 * from scipy: the first n with binom.sf(n - failures - 1, n, rate) <= 0.05. */
static void proof_asks_for_so_many_cases(void **state)
{
    (void)state;
    assert_int_equal(metric_certifying_trials(0, 0.80, 0.95, 1000), 14);
    assert_int_equal(metric_certifying_trials(1, 0.80, 0.95, 1000), 22);
    assert_int_equal(metric_certifying_trials(2, 0.80, 0.95, 1000), 30);
    assert_int_equal(metric_certifying_trials(0, 0.90, 0.95, 1000), 29);
    assert_int_equal(metric_certifying_trials(0, 0.95, 0.95, 1000), 59);
    assert_int_equal(metric_certifying_trials(5, 0.95, 0.95, 1000), 208);
    assert_int_equal(metric_certifying_trials(0, 0.80, 0.95, 13), 0);
    assert_int_equal(metric_certifying_trials(0, 0.80, 0.95, 14), 14);
    assert_int_equal(metric_certifying_trials(0, 1, 0.95, 1000), 0);
    assert_int_equal(metric_certifying_trials(0, 0.80, 1, 1000), 0);
}

static void cut_takes_the_threshold_itself_and_divides_by_what_is_there(void **state)
{
    (void)state;
    const double p[] = {0.9, 0.5, 0.5, 0.2, 0.1, MISSING_VALUE};
    const uint8_t label[] = {1, 1, 0, 0, 1, 1}, in[] = {1, 1, 1, 1, 0, 1};
    MetricCut c = metric_cut(p, label, in, 6, 0.5);
    assert_int_equal(c.customers, 4);
    assert_int_equal(c.positives, 2);
    assert_int_equal(c.selected, 3);
    assert_int_equal(c.hits, 2);
    near(c.precision.value, 2.0 / 3, 0);
    near(c.precision.low, metric_proportion_exact(2, 3, 0.95).low, 0);
    near(c.recall.value, 1, 0);
    assert_true(is_missing(metric_cut(p, label, in, 6, 0.95).precision.value));
    near(metric_cut(p, label, in, 6, 0.95).recall.value, 0, 0);
    const uint8_t none[] = {0, 0, 0, 0, 0, 0};
    assert_true(is_missing(metric_cut(p, none, NULL, 6, 0.5).recall.value));
    near(metric_cut(p, none, NULL, 6, 0.5).precision.value, 0, 0);
}

static void top_leaves_out_whoever_ties_at_the_cut(void **state)
{
    (void)state;
    Arena arena = arena_new();
    const double p[] = {0.3, 0.9, 0.5, 0.5, 0.5, 0.1};
    const uint8_t label[] = {0, 1, 1, 0, 1, 0};
    MetricCut c = metric_top(p, label, NULL, 6, 1, arena);
    assert_int_equal(c.selected, 1);
    assert_int_equal(c.tied, 0);
    near(c.threshold, 0.9, 0);
    c = metric_top(p, label, NULL, 6, 3, arena); /* two more of three who cannot be told apart */
    assert_int_equal(c.selected, 1);
    assert_int_equal(c.tied, 3);
    c = metric_top(p, label, NULL, 6, 4, arena);
    assert_int_equal(c.selected, 4);
    assert_int_equal(c.hits, 3);
    assert_int_equal(c.tied, 0);
    near(c.threshold, 0.5, 0);
    assert_int_equal(metric_top(p, label, NULL, 6, 100, arena).selected, 6);
    assert_int_equal(metric_top(p, label, NULL, 6, 0, arena).selected, 0);
    const double same[] = {0.4, 0.4, 0.4, 0.4, 0.4, 0.4};
    c = metric_top(same, label, NULL, 6, 3, arena);
    assert_int_equal(c.selected, 0);
    assert_int_equal(c.tied, 6);
    arena_free(&arena);
}

/* Vickers and Elkin 2006: (true positives - false positives * odds) / n. */
static void net_benefit_weighs_errors_by_the_odds(void **state)
{
    (void)state;
    double p[200];
    uint8_t label[200];
    for (size_t i = 0; i < 200; i++) {
        p[i] = (double)i / 200;
        label[i] = i % 4 == 0 || i >= 160;
    }
    MetricCut c = metric_cut(p, label, NULL, 200, 0.7);
    Interval b = metric_net_benefit(&c, 0.2);
    near(b.value, ((double)c.hits - 0.25 * (double)(c.selected - c.hits)) / 200, 1e-15);
    /* The interval is that of the mean of what each customer adds. */
    double sum = 0, square = 0;
    for (size_t i = 0; i < 200; i++) {
        double adds = p[i] < 0.7 ? 0 : label[i] ? 1 : -0.25;
        sum += adds;
        square += adds * adds;
    }
    double error = sqrt((square / 200 - sum / 200 * sum / 200) / 199);
    near(b.high - b.low, 2 * 1.959963984540054 * error, 1e-12);
    MetricCut all = metric_cut(p, label, NULL, 200, 0);
    double prevalence = (double)all.positives / 200;
    near(metric_net_benefit(&all, 0.2).value, prevalence - 0.25 * (1 - prevalence), 1e-15);
    assert_true(is_missing(metric_net_benefit(&all, 1).value));
}

static void precision_at_the_samples_own_prevalence_is_the_samples(void **state)
{
    (void)state;
    const double p[] = {0.9, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1, 0.05};
    const uint8_t label[] = {1, 1, 0, 1, 0, 1, 0, 0};
    MetricCut c = metric_cut(p, label, NULL, 8, 0.55);
    near(metric_precision_at(&c, 0.5).value, 0.75, 1e-15);
    /* recall .75, false share .25: .75 * .1 / (.75 * .1 + .25 * .9) = .25 */
    near(metric_precision_at(&c, 0.1).value, 0.25, 1e-15);
    /* The ends: scipy's beta.ppf at .0125 and .9875 of 3 of 4 and of 1 of 4. */
    Interval x = metric_precision_at(&c, 0.1);
    Interval most = metric_proportion_exact(3, 4, 0.975),
             least = metric_proportion_exact(1, 4, 0.975);
    near(x.low, most.low * 0.1 / (most.low * 0.1 + least.high * 0.9), 1e-15);
    near(x.high, most.high * 0.1 / (most.high * 0.1 + least.low * 0.9), 1e-15);
    near(most.low, 0.15223001476808776, 1e-11);
    /* Two of two prove little, though the figure by itself says 1. */
    MetricCut few = metric_cut(p, label, NULL, 8, 0.75);
    near(metric_precision_at(&few, 0.1).value, 1, 0);
    assert_true(metric_precision_at(&few, 0.1).low < 0.1);
    MetricCut none = metric_cut(p, label, NULL, 8, 0.99);
    assert_true(is_missing(metric_precision_at(&none, 0.1).value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_are_clopper_and_pearsons),
        cmocka_unit_test(tails_are_those_of_scipy),
        cmocka_unit_test(tails_add_up),
        cmocka_unit_test(interval_covers_at_least_as_often_as_it_says),
        cmocka_unit_test(proof_asks_for_so_many_cases),
        cmocka_unit_test(cut_takes_the_threshold_itself_and_divides_by_what_is_there),
        cmocka_unit_test(top_leaves_out_whoever_ties_at_the_cut),
        cmocka_unit_test(net_benefit_weighs_errors_by_the_odds),
        cmocka_unit_test(precision_at_the_samples_own_prevalence_is_the_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
