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

/* Golden values, scikit-learn 1.9 with sample_weight:
 *   rng = np.random.default_rng(7)
 *   y = (rng.random(40) < 0.3).astype(int)
 *   p = np.round(np.clip(0.3 * y + 0.7 * rng.random(40), 0, 1), 1)  # coarse: many ties
 *   q = np.clip(0.3 * y + 0.7 * rng.random(40), 0, 1).round(6)
 *   w = np.array([(i * 7 % 5) / 4 for i in range(40)])              # every fifth weighs nothing
 *   for s in (p, q):
 *       d = (s >= 0.5).astype(int)
 *       print([f(y, s, sample_weight=w) for f in (roc_auc_score, average_precision_score,
 *                                                 brier_score_loss, log_loss)],
 *             [f(y, d, sample_weight=w) for f in (accuracy_score, precision_score, recall_score,
 *                                                 f1_score)])
 */
enum { N = 40 };
static const uint8_t golden_label[N] = {0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0,
                                        1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1};
static const double golden_coarse[N] = {0.2, 0.6, 0.4, 0.9, 0.4, 0.5, 0.4, 0.4, 0.4, 0.6,
                                        0.3, 0.7, 0.3, 0.3, 0.2, 0.1, 0.6, 0.3, 0.7, 0.4,
                                        0.7, 0.7, 0.5, 0.4, 0.6, 0.2, 0.3, 0.1, 0.7, 0.2,
                                        0.5, 0.5, 0.9, 0.8, 0.1, 0.9, 0.7, 0.9, 0.4, 0.4};
static const double golden_fine[N] = {
    0.134724, 0.649534, 0.386629, 0.426387, 0.61884,  0.4491,   0.698786, 0.263401,
    0.287669, 0.167642, 0.02664,  0.913353, 0.627411, 0.383345, 0.225514, 0.525927,
    0.017638, 0.26053,  0.021245, 0.086024, 0.977004, 0.760433, 0.299754, 0.666618,
    0.910966, 0.240947, 0.413204, 0.478579, 0.24879,  0.363369, 0.535673, 0.936426,
    0.405744, 0.953394, 0.003625, 0.827084, 0.567369, 0.395735, 0.293233, 0.870679};

static void weighted_metrics_equal_those_of_scikit_learn(void **state)
{
    (void)state;
    static const MetricKind kind[] = {METRIC_AUC,      METRIC_PR_AUC,   METRIC_BRIER,
                                      METRIC_LOG_LOSS, METRIC_ACCURACY, METRIC_PRECISION,
                                      METRIC_RECALL,   METRIC_F1};
    static const double want[2][COUNT_OF(kind)] = {
        {0.7751859364435429, 0.7055207397764389, 0.182125, 0.5322416172116968, 0.6875,
         0.5588235294117647, 0.6551724137931034, 0.6031746031746031},
        {0.9168356997971603, 0.8857274946771317, 0.13373018730379999, 0.41715159096000703, 0.8,
         0.7407407407407407, 0.6896551724137931, 0.7142857142857143}};
    double weight[N];
    for (size_t i = 0; i < N; i++)
        weight[i] = (double)(i * 7 % 5) / 4;
    for (int k = 0; k < 2; k++) {
        const double *p[] = {k == 0 ? golden_coarse : golden_fine};
        MetricSet m;
        metric_evaluate_weighted(&m, p, 1, golden_label, weight, NULL, NULL, N, 0.5, 0, 1, NULL);
        for (size_t i = 0; i < COUNT_OF(kind); i++)
            near(m.metric[kind[i]].value, want[k][i], 1e-14);
        assert_int_equal(m.customers, 32);
    }
}

static void equal_weights_change_no_value(void **state)
{
    (void)state;
    double weight[N];
    const double *p[] = {golden_coarse, golden_fine};
    MetricSet plain, weighted;
    for (size_t i = 0; i < N; i++)
        weight[i] = 0.75;
    metric_evaluate(&plain, p, 2, golden_label, NULL, N, 0.5, 0, 1, NULL);
    metric_evaluate_weighted(&weighted, p, 2, golden_label, weight, NULL, NULL, N, 0.5, 0, 1, NULL);
    for (int k = 0; k < METRIC_KINDS; k++) {
        near(weighted.metric[k].value, plain.metric[k].value, 1e-14);
        near(weighted.repeat_deviation[k], plain.repeat_deviation[k], 1e-14);
    }
    assert_memory_equal(&plain.confusion, &weighted.confusion, sizeof plain.confusion);
}

static void a_customer_of_weight_three_counts_as_three_customers(void **state)
{
    (void)state;
    enum { COPIES = 3 * 10 };
    double weight[10], p_thrice[COPIES];
    uint8_t label_thrice[COPIES];
    size_t n = 0;
    for (size_t i = 0; i < 10; i++) {
        weight[i] = (double)(i % 3 + 1);
        for (size_t k = 0; k < i % 3 + 1; k++) {
            p_thrice[n] = golden_fine[i];
            label_thrice[n++] = golden_label[i];
        }
    }
    const double *few[] = {golden_fine}, *many[] = {p_thrice};
    MetricSet a, b;
    metric_evaluate_weighted(&a, few, 1, golden_label, weight, NULL, NULL, 10, 0.4, 0, 1, NULL);
    metric_evaluate(&b, many, 1, label_thrice, NULL, n, 0.4, 0, 1, NULL);
    for (int k = 0; k < METRIC_KINDS; k++)
        if (k != METRIC_ECE) /* whose borders lie between customers there */
            near(a.metric[k].value, b.metric[k].value, 1e-14);
}

/* Five customers of weight 2 and ten bins: each bin holds half a customer, so the error is the mean
 * gap of single customers. */
static void calibration_error_shares_out_a_customer_across_bins(void **state)
{
    (void)state;
    static const double p[] = {0.1, 0.3, 0.5, 0.7, 0.9}, weight[] = {2, 2, 2, 2, 2};
    static const uint8_t label[] = {0, 1, 0, 1, 1};
    const double *runs[] = {p};
    MetricSet m;
    metric_evaluate_weighted(&m, runs, 1, label, weight, NULL, NULL, 5, 0.5, 0, 1, NULL);
    near(m.metric[METRIC_ECE].value, (0.1 + 0.7 + 0.5 + 0.3 + 0.1) / 5, 1e-15);
}

static void weights_of_zero_leave_every_metric_undefined(void **state)
{
    (void)state;
    static const double weight[N] = {0};
    const double *p[] = {golden_fine};
    MetricSet m;
    metric_evaluate_weighted(&m, p, 1, golden_label, weight, NULL, NULL, N, 0.5, 50, 1, NULL);
    assert_int_equal(m.customers, 0);
    for (int k = 0; k < METRIC_KINDS; k++) {
        assert_true(is_missing(m.metric[k].value));
        assert_true(is_missing(m.metric[k].low));
    }
    near(metric_effective(weight, N), 0, 0);
}

static void threads_change_no_bit_of_a_weighted_interval(void **state)
{
    (void)state;
    double weight[N];
    uint32_t cell[N];
    for (size_t i = 0; i < N; i++) {
        weight[i] = 0.1 + (double)(i % 7);
        cell[i] = (uint32_t)(i % 3);
    }
    const double *p[] = {golden_coarse, golden_fine};
    MetricSet one, many;
    Team *team = team_new(8);
    metric_evaluate_weighted(&one, p, 2, golden_label, weight, cell, NULL, N, 0.5, 200, 9, NULL);
    metric_evaluate_weighted(&many, p, 2, golden_label, weight, cell, NULL, N, 0.5, 200, 9, team);
    assert_memory_equal(&one, &many, sizeof one);
    team_free(team);
}

/* Each customer twice, linked: what is drawn is as if each were there once, so the interval is that
 * of the half; drawn apart, it would be narrower by a third. */
static void linked_customers_are_drawn_together(void **state)
{
    (void)state;
    enum { TWICE = 2 * N };
    double weight[TWICE], twice[TWICE];
    uint8_t label[TWICE];
    uint32_t group[TWICE];
    for (size_t i = 0; i < TWICE; i++) {
        weight[i] = 1 + (double)(i % N % 4);
        twice[i] = golden_coarse[i % N];
        label[i] = golden_label[i % N];
        group[i] = (uint32_t)(i % N);
    }
    const double *p[] = {twice};
    MetricSet half, together, apart;
    metric_evaluate_weighted(&half, p, 1, label, weight, NULL, NULL, N, 0.5, 500, 4, NULL);
    metric_evaluate_weighted(&together, p, 1, label, weight, NULL, group, TWICE, 0.5, 500, 4, NULL);
    metric_evaluate_weighted(&apart, p, 1, label, weight, NULL, NULL, TWICE, 0.5, 500, 4, NULL);
    for (int k = 0; k < METRIC_KINDS; k++) {
        if (k == METRIC_ECE) { /* which has no interval, here as elsewhere */
            assert_true(is_missing(half.metric[k].low) && is_missing(half.metric[k].high));
            assert_false(is_missing(half.metric[k].value));
            continue;
        }
        near(together.metric[k].low, half.metric[k].low, 1e-12);
        near(together.metric[k].high, half.metric[k].high, 1e-12);
    }
    Interval wide = together.metric[METRIC_AUC], narrow = apart.metric[METRIC_AUC];
    assert_true(narrow.high - narrow.low < 0.85 * (wide.high - wide.low));
}

static void kish_counts_equal_weights_as_customers(void **state)
{
    (void)state;
    static const double equal[] = {3, 3, 3, 3}, skewed[] = {1, 1, 2}; /* 16 / 6 */
    near(metric_effective(equal, 4), 4, 1e-15);
    near(metric_effective(skewed, 3), 16.0 / 6, 1e-15);
}

/* A population of three cells, of which the sample has other shares than the customers to be
 * scored: the interval of the reweighted AUC must cover what the whole population of the scored
 * mix has, which is computed once on very many customers. */
static const double target[] = {0.3, 0.1, 0.6}, rate[] = {0.03, 0.1, 0.4},
                    sampled[] = {0.35, 0.35, 0.3};

static void person(Random *r, size_t cell, double *p, uint8_t *label)
{
    *label = random_uniform(r) < rate[cell];
    double level = -2.0 + 0.7 * (double)cell + (*label ? 1.0 : 0.0);
    *p = stable_sigmoid(level + random_normal(r));
}

static void weighted_intervals_cover_the_truth(void **state)
{
    (void)state;
    enum { MANY = 400000, CUSTOMERS = 300, TRIALS = 1000, REPLICATES = 400 };
    Arena arena = arena_new();
    double *p = ARENA_ARRAY(&arena, double, MANY);
    uint8_t *label = ARENA_ARRAY(&arena, uint8_t, MANY);
    Random r = random_new(20260101);
    for (size_t i = 0; i < MANY; i++)
        person(&r, i % 10 < 3 ? 0 : i % 10 < 4 ? 1 : 2, &p[i], &label[i]);
    static const MetricKind kind[] = {METRIC_AUC, METRIC_BRIER};
    const double *runs[] = {p};
    MetricSet truth, m;
    metric_evaluate(&truth, runs, 1, label, NULL, MANY, 0.3, 0, 1, NULL);
    size_t covered[COUNT_OF(kind)] = {0};
    for (size_t trial = 0; trial < TRIALS; trial++) {
        double weight[CUSTOMERS];
        uint32_t cell[CUSTOMERS];
        size_t in[3] = {0};
        for (size_t i = 0; i < CUSTOMERS; i++) {
            double u = random_uniform(&r);
            cell[i] = u < sampled[0] ? 0 : u < sampled[0] + sampled[1] ? 1 : 2;
            in[cell[i]]++;
            person(&r, cell[i], &p[i], &label[i]);
        }
        for (size_t i = 0; i < CUSTOMERS; i++)
            weight[i] = target[cell[i]] / ((double)in[cell[i]] / CUSTOMERS);
        metric_evaluate_weighted(&m, runs, 1, label, weight, cell, NULL, CUSTOMERS, 0.3, REPLICATES,
                                 trial, NULL);
        for (size_t k = 0; k < COUNT_OF(kind); k++)
            covered[k] += m.metric[kind[k]].low <= truth.metric[kind[k]].value &&
                          truth.metric[kind[k]].value <= m.metric[kind[k]].high;
    }
    for (size_t k = 0; k < COUNT_OF(kind); k++)
        if (covered[k] < TRIALS * 93 / 100 || covered[k] > TRIALS * 97 / 100)
            fail_msg("%s: %zu of %d intervals cover", metric_name(kind[k]).data, covered[k],
                     TRIALS);
    arena_free(&arena);
}

/* ---- ratios ---- */

/* Koopman 1984, the example that Nam 1995 and others print: 36 of 40 against 16 of 80 is 4.5 (2.94
 * to 7.15). The others by scipy's brentq on the same score equation. */
static void ratio_intervals_equal_published_ones(void **state)
{
    (void)state;
    Interval i = metric_ratio(36, 40, 16, 80);
    near(i.value, 4.5, 1e-15);
    near(i.low, 2.9395691922149942, 1e-9);
    near(i.high, 7.152223434866404, 1e-9);
    i = metric_ratio(3, 112, 52, 216);
    near(i.low, 0.037214542126409546, 1e-9);
    near(i.high, 0.3228772927035398, 1e-9);
    i = metric_ratio(9, 30, 40, 40);
    near(i.low, 0.1666474826825314, 1e-9);
    near(i.high, 0.4787578745871471, 1e-9);
}

static void ratio_of_none_has_one_open_end(void **state)
{
    (void)state;
    Interval none = metric_ratio(0, 40, 16, 80), over = metric_ratio(4, 40, 0, 80);
    assert_true(none.value == 0 && none.low == 0 && none.high > 0.1 && none.high < 1);
    assert_true(isinf(over.value) && isinf(over.high) && over.low > 1 && over.low < 10);
    assert_true(is_missing(metric_ratio(0, 0, 3, 9).value));
    assert_true(is_missing(metric_ratio(0, 9, 0, 9).value));
}

static void a_ratio_turned_round_has_the_inverse_interval(void **state)
{
    (void)state;
    Interval a = metric_ratio(7, 31, 25, 60), b = metric_ratio(25, 60, 7, 31);
    near(a.low, 1 / b.high, 1e-12);
    near(a.high, 1 / b.low, 1e-12);
}

static void ratio_intervals_cover_the_truth(void **state)
{
    (void)state;
    static const struct {
        size_t n, m;
        double p, q;
    } at[] = {{40, 290, 0.15, 0.17}, {60, 200, 0.3, 0.15}, {100, 230, 0.1, 0.1}};
    enum { TRIALS = 4000 };
    Random r = random_new(77);
    for (size_t k = 0; k < COUNT_OF(at); k++) {
        size_t covered = 0;
        for (size_t trial = 0; trial < TRIALS; trial++) {
            size_t x = 0, y = 0;
            for (size_t i = 0; i < at[k].n; i++)
                x += random_uniform(&r) < at[k].p;
            for (size_t i = 0; i < at[k].m; i++)
                y += random_uniform(&r) < at[k].q;
            Interval i = metric_ratio(x, at[k].n, y, at[k].m);
            double truth = at[k].p / at[k].q;
            covered += i.low <= truth && truth <= i.high;
        }
        if (covered < TRIALS * 93 / 100 || covered > TRIALS * 97 / 100)
            fail_msg("case %zu: %zu of %d intervals cover", k, covered, TRIALS);
    }
}

/* scipy.stats.fisher_exact([[a, m - a], [b, n - b]]).pvalue */
static void fisher_equals_that_of_scipy(void **state)
{
    (void)state;
    near(metric_fisher(2, 29, 1, 295), 0.021975940134507908, 1e-12);
    near(metric_fisher(52, 231, 3, 97), 3.1982125563344886e-06, 1e-15);
    near(metric_fisher(9, 30, 40, 40), 3.711905186809376e-11, 1e-18);
    near(metric_fisher(900, 4000, 2100, 9000), 0.2996793072137088, 1e-11);
    near(metric_fisher(0, 40, 0, 80), 1, 1e-15);
    near(metric_fisher(5, 10, 5, 10), 1, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighted_metrics_equal_those_of_scikit_learn),
        cmocka_unit_test(equal_weights_change_no_value),
        cmocka_unit_test(a_customer_of_weight_three_counts_as_three_customers),
        cmocka_unit_test(calibration_error_shares_out_a_customer_across_bins),
        cmocka_unit_test(weights_of_zero_leave_every_metric_undefined),
        cmocka_unit_test(threads_change_no_bit_of_a_weighted_interval),
        cmocka_unit_test(linked_customers_are_drawn_together),
        cmocka_unit_test(kish_counts_equal_weights_as_customers),
        cmocka_unit_test(weighted_intervals_cover_the_truth),
        cmocka_unit_test(ratio_intervals_equal_published_ones),
        cmocka_unit_test(ratio_of_none_has_one_open_end),
        cmocka_unit_test(a_ratio_turned_round_has_the_inverse_interval),
        cmocka_unit_test(ratio_intervals_cover_the_truth),
        cmocka_unit_test(fisher_equals_that_of_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
