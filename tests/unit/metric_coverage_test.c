/* Intervals hold what they say: 95 % of them cover the truth, at sizes like the home task's. */
#include "metric/metric_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

/* scipy.stats.t.ppf(0.975, degrees), 1.16 */
static void student_quantiles_are_scipys(void **state)
{
    (void)state;
    static const double golden[][2] = {{3, 3.1824463052837078},    {4.2, 2.7250727225923743},
                                       {5, 2.5705818356363146},    {7.7, 2.3217367528308643},
                                       {20, 2.085963447265864},    {54.3, 2.0046256382091943},
                                       {1000, 1.9623390808264083}, {1e5, 1.9599877075346095}};
    for (size_t i = 0; i < COUNT_OF(golden); i++)
        near(student_quantile(golden[i][0]), golden[i][1], 1e-5);
    assert_true(student_quantile(1) > 12.706); /* where it is not exact it is wide */
    assert_true(student_quantile(2) > 4.3026);
}

/* numpy and scipy, from the definitions: placements v10 and v01 (DeLong), losses, averaged over
 * repeats; variances by class; t of Welch's degrees of freedom; on the logit or log scale. */
static void intervals_are_those_of_their_definitions(void **state)
{
    (void)state;
    const uint8_t label[12] = {1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0};
    const double a[12] = {.9, .2, .4, .4, .1, .7, .3, .35, .05, .3, .6, .15};
    const double b[12] = {.8, .25, .3, .55, .2, .6, .3, .45, .1, .35, .5, .2};
    const double *const p[2] = {a, b};
    MetricSet set;
    metric_evaluate(&set, p, 2, label, NULL, 12, 0.5, 50, 1, NULL);
    static const struct {
        MetricKind kind;
        double value, low, high;
    } golden[] = {{METRIC_AUC, 0.890625, 0.408700420181103, 0.9896833159242534},
                  {METRIC_BRIER, 0.14031249999999998, 0.07163971239662684, 0.27481402420003276},
                  {METRIC_LOG_LOSS, 0.4401867317746208, 0.27294391313694116, 0.7099054036541446}};
    for (size_t k = 0; k < COUNT_OF(golden); k++) {
        near(set.metric[golden[k].kind].value, golden[k].value, 1e-12);
        near(set.metric[golden[k].kind].low, golden[k].low, 1e-7);
        near(set.metric[golden[k].kind].high, golden[k].high, 1e-7);
    }
}

/* Scores of negatives are N(0, 1), of positives N(d, 1), so the log-odds of a customer are
 * base + d x - d^2 / 2: calibrated, and every truth is an integral over a normal distribution. */
typedef struct Population {
    size_t customers, positives;
    double distance, log_odds[2]; /* mean by class; their deviation is the distance */
    double truth[METRIC_KINDS];
} Population;

static double expected(const Population *p, int class, bool brier)
{
    double sum = 0, weights = 0;
    for (int k = -4000; k <= 4000; k++) {
        double t = k / 500.0, weight = exp(-t * t / 2), m = p->log_odds[class] + p->distance * t;
        double probability = 1 / (1 + exp(-m)), gap = probability - class;
        sum += weight * (brier ? gap * gap : log1p(exp(class ? -m : m)));
        weights += weight;
    }
    return sum / weights;
}

static Population population(size_t customers, size_t positives, double distance)
{
    Population p = {.customers = customers, .positives = positives, .distance = distance};
    double share = (double)positives / (double)customers;
    p.log_odds[0] = log(share / (1 - share)) - distance * distance / 2;
    p.log_odds[1] = p.log_odds[0] + distance * distance;
    p.truth[METRIC_AUC] = 0.5 * erfc(-distance / 2); /* Phi(d / sqrt 2) */
    p.truth[METRIC_BRIER] = share * expected(&p, 1, true) + (1 - share) * expected(&p, 0, true);
    p.truth[METRIC_LOG_LOSS] =
        share * expected(&p, 1, false) + (1 - share) * expected(&p, 0, false);
    return p;
}

static void intervals_cover_the_truth_of_populations(void **state)
{
    (void)state;
    enum { SETS = 4000, MOST = 330 };
    static const struct {
        size_t customers, positives;
        double distance;
    } of[] = {{330, 55, 0.75},  {330, 55, 1.2},  {330, 55, 1.8},
              {110, 50, 0.365}, {110, 50, 0.75}, {110, 50, 1.2}};
    static const MetricKind kinds[] = {METRIC_AUC, METRIC_BRIER, METRIC_LOG_LOSS};
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        Population pop = population(of[k].customers, of[k].positives, of[k].distance);
        int below[COUNT_OF(kinds)] = {0}, above[COUNT_OF(kinds)] = {0};
        for (uint64_t set = 0; set < SETS; set++) {
            double p[MOST];
            uint8_t label[MOST];
            Random random = random_new(seed_derive(k, set));
            for (size_t i = 0; i < pop.customers; i++) {
                label[i] = i < pop.positives;
                double score = random_normal(&random);
                p[i] = stable_sigmoid(pop.log_odds[label[i]] + pop.distance * score);
            }
            const double *const run[1] = {p};
            MetricSet m;
            metric_evaluate(&m, run, 1, label, NULL, pop.customers, 0.5, 1, set, NULL);
            for (size_t q = 0; q < COUNT_OF(kinds); q++) {
                below[q] += m.metric[kinds[q]].high < pop.truth[kinds[q]];
                above[q] += m.metric[kinds[q]].low > pop.truth[kinds[q]];
            }
        }
        for (size_t q = 0; q < COUNT_OF(kinds); q++) {
            Str name = metric_name(kinds[q]);
            double cover = 100 - 100.0 * (below[q] + above[q]) / SETS;
            print_message("%.*s of %zu customers, %zu positive, AUC %.3f: %.2f %% covered, %.2f %% "
                          "below, %.2f %% above\n",
                          STR_ARG(name), pop.customers, pop.positives, pop.truth[METRIC_AUC], cover,
                          100.0 * below[q] / SETS, 100.0 * above[q] / SETS);
            if (cover < 93 || cover > 97)
                fail_msg("covers %.2f %%", cover);
        }
    }
}

/* At the cut where the odds are those of the whole population, half-way between the classes.
 * Average precision is the integral of precision over recall, both taken from thresholds downwards.
 */
static void add_truths_of_draws(Population *p)
{
    double d = p->distance, share = (double)p->positives / (double)p->customers;
    double recall = 0.5 * erfc(-d / 2 / sqrt(2)), false_share = 1 - recall, before = 0, sum = 0;
    for (int k = 8000; k >= -8000; k--) {
        double t = k / 1000.0, right = share * 0.5 * erfc((t - d) / sqrt(2));
        double wrong = (1 - share) * 0.5 * erfc(t / sqrt(2));
        sum += (right - before) / share * right / (right + wrong);
        before = right;
    }
    p->truth[METRIC_PR_AUC] = sum;
    p->truth[METRIC_RECALL] = recall;
    p->truth[METRIC_PRECISION] = share * recall / (share * recall + (1 - share) * false_share);
}

/* Percentile bootstraps: they reach less, and docs/metrics.md says how much; they may not get
 * worse. (Standard error .8 points.) */
static void bootstrap_intervals_cover_as_much_as_is_said(void **state)
{
    (void)state;
    enum { SETS = 800, MOST = 330, DRAWS = 400 };
    static const struct {
        size_t customers, positives;
        double distance;
    } of[] = {{330, 55, 1.2}, {330, 55, 1.8}, {110, 50, 0.75}};
    static const MetricKind kinds[] = {METRIC_PR_AUC, METRIC_PRECISION, METRIC_RECALL};
    Team *team = team_new(2);
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        Population pop = population(of[k].customers, of[k].positives, of[k].distance);
        add_truths_of_draws(&pop);
        double share = (double)pop.positives / (double)pop.customers;
        int below[COUNT_OF(kinds)] = {0}, above[COUNT_OF(kinds)] = {0};
        for (uint64_t set = 0; set < SETS; set++) {
            double p[MOST];
            uint8_t label[MOST];
            Random random = random_new(seed_derive(100 + k, set));
            for (size_t i = 0; i < pop.customers; i++) {
                label[i] = i < pop.positives;
                double score = random_normal(&random);
                p[i] = stable_sigmoid(pop.log_odds[label[i]] + pop.distance * score);
            }
            const double *const run[1] = {p};
            MetricSet m;
            metric_evaluate(&m, run, 1, label, NULL, pop.customers, share, DRAWS, set, team);
            for (size_t q = 0; q < COUNT_OF(kinds); q++) {
                below[q] += m.metric[kinds[q]].high < pop.truth[kinds[q]];
                above[q] += m.metric[kinds[q]].low > pop.truth[kinds[q]];
            }
        }
        for (size_t q = 0; q < COUNT_OF(kinds); q++) {
            double cover = 100 - 100.0 * (below[q] + above[q]) / SETS;
            print_message("%.*s of %zu customers, %zu positive, AUC %.3f, truth %.3f: %.2f %% "
                          "covered, %.2f %% below, %.2f %% above\n",
                          STR_ARG(metric_name(kinds[q])), pop.customers, pop.positives,
                          pop.truth[METRIC_AUC], pop.truth[kinds[q]], cover,
                          100.0 * below[q] / SETS, 100.0 * above[q] / SETS);
            if (cover < 89 || cover > 98)
                fail_msg("covers %.2f %%", cover);
        }
    }
    team_free(team);
}

/* Exact: every count of successes with its probability. Single proportions wave about 95 %, as
 * every interval's for a count must; the mean over proportions must not. */
static void wilson_intervals_cover_proportions(void **state)
{
    (void)state;
    static const size_t trials[] = {20, 55, 110, 330};
    for (size_t t = 0; t < COUNT_OF(trials); t++) {
        double n = (double)trials[t], mean = 0, lowest = 1;
        for (int k = 1; k < 100; k++) {
            double p = k / 100.0, covered = 0;
            for (size_t x = 0; x <= trials[t]; x++) {
                Interval i = metric_proportion(x, trials[t]);
                double y = (double)x,
                       chance = exp(lgamma(n + 1) - lgamma(y + 1) - lgamma(n - y + 1) + y * log(p) +
                                    (n - y) * log(1 - p));
                covered += i.low <= p && p <= i.high ? chance : 0;
            }
            mean += covered / 99;
            lowest = covered < lowest ? covered : lowest;
        }
        print_message("%zu trials: %.2f %% on average, %.2f %% at least\n", trials[t], 100 * mean,
                      100 * lowest);
        assert_true(mean > 0.93 && mean < 0.97);
        assert_true(lowest > 0.8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(student_quantiles_are_scipys),
        cmocka_unit_test(intervals_are_those_of_their_definitions),
        cmocka_unit_test(intervals_cover_the_truth_of_populations),
        cmocka_unit_test(bootstrap_intervals_cover_as_much_as_is_said),
        cmocka_unit_test(wilson_intervals_cover_proportions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
