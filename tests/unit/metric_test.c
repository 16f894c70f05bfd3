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

/* Golden values:
 *   import numpy as np
 *   from sklearn.metrics import (roc_auc_score, average_precision_score, brier_score_loss,
 *                                log_loss)
 *   rng = np.random.default_rng(7)
 *   y = (rng.random(40) < 0.3).astype(int)
 *   p = np.round(np.clip(0.3 * y + 0.7 * rng.random(40), 0, 1), 1)  # coarse: many ties
 *   q = np.clip(0.3 * y + 0.7 * rng.random(40), 0, 1).round(6)
 *   for s in (p, q):
 *       print([repr(f(y, s)) for f in (roc_auc_score, average_precision_score,
 *                                      brier_score_loss, log_loss)])
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

static void metrics_equal_those_of_scikit_learn(void **state)
{
    (void)state;
    static const double want[2][4] = {
        {0.8090659340659341, 0.7232309670279595, 0.17850000000000002, 0.5252992417724338},
        {0.9340659340659341, 0.9145469192461673, 0.121406047662275, 0.38396318898552306}};
    Arena arena = arena_new();
    for (int k = 0; k < 2; k++) {
        const double *p = k == 0 ? golden_coarse : golden_fine;
        near(metric_auc(p, golden_label, N, arena), want[k][0], 1e-14);
        near(metric_average_precision(p, golden_label, N, arena), want[k][1], 1e-14);
        near(metric_brier(p, golden_label, N), want[k][2], 1e-14);
        near(metric_log_loss(p, golden_label, N), want[k][3], 1e-14);
    }
    arena_free(&arena);
}

static void auc_is_the_share_of_ordered_pairs_with_ties_half(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Random random = random_new(5);
    for (int round = 0; round < 200; round++) {
        size_t n = 2 + (size_t)random_below(&random, 30);
        double score[32], won = 0, pairs = 0;
        uint8_t label[32];
        for (size_t i = 0; i < n; i++) {
            score[i] = (double)random_below(&random, 8) - 4;
            label[i] = (uint8_t)random_below(&random, 2);
        }
        label[0] = 0;
        label[1] = 1;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                if (label[i] && !label[j]) {
                    pairs += 1;
                    won += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
                }
        near(metric_auc(score, label, n, arena), won / pairs, 1e-15);
    }
    arena_free(&arena);
}

static void all_scores_tied_give_half_and_the_base_rate(void **state)
{
    (void)state;
    Arena arena = arena_new();
    const double score[4] = {0.3, 0.3, 0.3, 0.3};
    const uint8_t label[4] = {1, 0, 0, 0};
    near(metric_auc(score, label, 4, arena), 0.5, 0);
    near(metric_average_precision(score, label, 4, arena), 0.25, 0);
    arena_free(&arena);
}

static void metrics_without_a_meaning_are_missing(void **state)
{
    (void)state;
    Arena arena = arena_new();
    const double score[3] = {0.1, 0.2, 0.9}, hole[3] = {0.1, NAN, 0.9};
    const uint8_t ones[3] = {1, 1, 1}, none[3] = {0, 0, 0}, both[3] = {0, 0, 1};
    assert_true(is_missing(metric_auc(score, ones, 3, arena)));
    assert_true(is_missing(metric_auc(score, none, 3, arena)));
    near(metric_average_precision(score, ones, 3, arena), 1, 0);
    assert_true(is_missing(metric_average_precision(score, none, 3, arena)));
    assert_true(is_missing(metric_auc(score, both, 0, arena)));
    assert_true(is_missing(metric_brier(score, both, 0)));
    assert_true(is_missing(metric_log_loss(score, both, 0)));
    assert_true(is_missing(metric_ece(score, both, 0, 5, arena)));
    assert_true(is_missing(metric_auc(hole, both, 3, arena)));
    assert_true(is_missing(metric_average_precision(hole, both, 3, arena)));
    assert_true(is_missing(metric_brier(hole, both, 3)));
    assert_true(is_missing(metric_log_loss(hole, both, 3)));
    assert_true(is_missing(metric_ece(hole, both, 3, 2, arena)));
    arena_free(&arena);
}

static void log_loss_of_a_certain_mistake_is_finite(void **state)
{
    (void)state;
    const double p[2] = {0, 1};
    const uint8_t label[2] = {1, 0};
    near(metric_log_loss(p, label, 2), 34.538776394910684, 0.05); /* -log 1e-15 */
}

static void calibration_error_takes_bins_of_equal_count(void **state)
{
    (void)state;
    Arena arena = arena_new();
    /* Sorted: .1/0 .2/1 | .6/0 .6/1 .9/1; the tie at .6 keeps the order of rows.
     * |.3 - 1| + |2.1 - 2| over 5. */
    const double p[5] = {0.6, 0.9, 0.1, 0.6, 0.2};
    const uint8_t label[5] = {0, 1, 0, 1, 1};
    near(metric_ece(p, label, 5, 2, arena), 0.8 / 5, 1e-15);
    /* One bin for each: the mean distance. */
    near(metric_ece(p, label, 5, 5, arena), (0.6 + 0.1 + 0.1 + 0.4 + 0.8) / 5, 1e-15);
    /* More bins than customers leave some empty. */
    near(metric_ece(p, label, 5, 12, arena), (0.6 + 0.1 + 0.1 + 0.4 + 0.8) / 5, 1e-15);
    arena_free(&arena);
}

static void confusion_counts_the_threshold_itself_as_predicted(void **state)
{
    (void)state;
    const double p[5] = {0.5, 0.5, 0.4, 0.6, NAN};
    const uint8_t label[5] = {1, 0, 1, 1, 1};
    Confusion c = metric_confusion(p, label, 5, 0.5);
    assert_int_equal(c.true_positive, 2);
    assert_int_equal(c.false_positive, 1);
    assert_int_equal(c.false_negative, 2);
    assert_int_equal(c.true_negative, 0);
}

enum { ROWS = 61, REPEATS = 3, REPLICATES = 151 };

typedef struct Sample {
    double p[REPEATS][ROWS];
    const double *run[REPEATS];
    uint8_t label[ROWS];
} Sample;

/* Coarse probabilities, so that ties are many; a fourth of the labels are 1. */
static void sample_fill(Sample *s, uint64_t seed)
{
    Random random = random_new(seed);
    for (size_t i = 0; i < ROWS; i++) {
        s->label[i] = i % 4 == 1;
        for (size_t r = 0; r < REPEATS; r++)
            s->p[r][i] = (double)(random_below(&random, 21) + (s->label[i] ? 4 : 0)) / 25;
    }
    for (size_t r = 0; r < REPEATS; r++)
        s->run[r] = s->p[r];
}

/* The obvious way: every metric of a written-out list of customers. */
static void plain(double out[METRIC_KINDS], const double *p, const uint8_t *label, size_t n,
                  double threshold, Arena arena)
{
    Confusion c = metric_confusion(p, label, n, threshold);
    double tp = (double)c.true_positive, fp = (double)c.false_positive;
    double tn = (double)c.true_negative, fn = (double)c.false_negative;
    out[METRIC_AUC] = metric_auc(p, label, n, arena);
    out[METRIC_PR_AUC] = metric_average_precision(p, label, n, arena);
    out[METRIC_BRIER] = metric_brier(p, label, n);
    out[METRIC_LOG_LOSS] = metric_log_loss(p, label, n);
    out[METRIC_ECE] = metric_ece(p, label, n, METRIC_ECE_BINS, arena);
    out[METRIC_ACCURACY] = (tp + tn) / (tp + tn + fp + fn);
    out[METRIC_PRECISION] = tp / (tp + fp);
    out[METRIC_RECALL] = tp / (tp + fn);
    out[METRIC_F1] = 2 * tp / (2 * tp + fp + fn);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const double *sorted, size_t n, double share)
{
    double at = (double)(n - 1) * share, below = floor(at);
    double low = sorted[(size_t)below],
           high = sorted[below + 1 < (double)n ? (size_t)below + 1 : n - 1];
    return low + (at - below) * (high - low);
}

/* Write every draw out as a list of customers, in row order, and measure it by the plain forms. */
static void counting_draws_equal_resampled_lists(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Sample *s = ARENA_NEW(&arena, Sample);
    sample_fill(s, 11);
    const double threshold = 0.52;
    static double drawn[METRIC_KINDS][REPLICATES];
    size_t defined[METRIC_KINDS] = {0};
    uint32_t member[2][ROWS];
    size_t members[2] = {0, 0};
    for (uint32_t i = 0; i < ROWS; i++)
        member[s->label[i]][members[s->label[i]]++] = i;
    for (uint64_t r = 0; r < REPLICATES; r++) {
        Random random = random_new(seed_derive(77, r));
        size_t times[ROWS] = {0};
        for (int class = 1; class >= 0; class --)
            for (size_t i = 0; i < members[class]; i++)
                times[member[class][random_below(&random, members[class])]]++;
        double sum[METRIC_KINDS] = {0}, count[METRIC_KINDS] = {0};
        for (size_t repeat = 0; repeat < REPEATS; repeat++) {
            double p[ROWS], value[METRIC_KINDS];
            uint8_t label[ROWS];
            size_t n = 0;
            for (size_t i = 0; i < ROWS; i++)
                for (size_t k = 0; k < times[i]; k++) {
                    p[n] = s->p[repeat][i];
                    label[n++] = s->label[i];
                }
            assert_int_equal(n, ROWS);
            plain(value, p, label, n, threshold, arena);
            for (size_t k = 0; k < METRIC_KINDS; k++)
                if (!is_missing(value[k])) {
                    sum[k] += value[k];
                    count[k] += 1;
                }
        }
        for (size_t k = 0; k < METRIC_KINDS; k++)
            if (count[k] > 0)
                drawn[k][defined[k]++] = sum[k] / count[k];
    }
    MetricSet set;
    metric_evaluate(&set, s->run, REPEATS, s->label, NULL, ROWS, threshold, REPLICATES, 77, NULL);
    assert_int_equal(set.customers, ROWS);
    assert_int_equal(set.positives, members[1]);
    for (size_t k = 0; k < METRIC_KINDS; k++) {
        double value[REPEATS], mean = 0, squares = 0;
        for (size_t repeat = 0; repeat < REPEATS; repeat++) {
            double all[METRIC_KINDS];
            plain(all, s->p[repeat], s->label, ROWS, threshold, arena);
            value[repeat] = all[k];
            mean += all[k] / REPEATS;
        }
        for (size_t repeat = 0; repeat < REPEATS; repeat++)
            squares += (value[repeat] - mean) * (value[repeat] - mean);
        near(set.metric[k].value, mean, 1e-13);
        near(set.repeat_deviation[k], sqrt(squares / (REPEATS - 1)), 1e-13);
        qsort(drawn[k], defined[k], sizeof(double), ascending);
        if (k == METRIC_ECE) { /* of which draws show more than there is: half of them would do */
            assert_true(percentile(drawn[k], defined[k], 0.5) > set.metric[k].value);
            assert_true(is_missing(set.metric[k].low) && is_missing(set.metric[k].high));
            continue;
        }
        assert_true(set.metric[k].low <= set.metric[k].value);
        assert_true(set.metric[k].value <= set.metric[k].high);
        assert_true(set.metric[k].low < set.metric[k].high);
        if (k == METRIC_AUC || k == METRIC_BRIER || k == METRIC_LOG_LOSS)
            continue; /* metric_coverage_test.c */
        near(set.metric[k].low, percentile(drawn[k], defined[k], 0.025), 1e-13);
        near(set.metric[k].high, percentile(drawn[k], defined[k], 0.975), 1e-13);
    }
    arena_free(&arena);
}

static void evaluation_is_the_same_with_any_number_of_threads(void **state)
{
    (void)state;
    static Sample s;
    sample_fill(&s, 3);
    MetricSet alone, other;
    metric_evaluate(&alone, s.run, REPEATS, s.label, NULL, ROWS, 0.5, 500, 9, NULL);
    const size_t threads[3] = {1, 2, 7};
    for (int t = 0; t < 3; t++) {
        Team *team = team_new(threads[t]);
        metric_evaluate(&other, s.run, REPEATS, s.label, NULL, ROWS, 0.5, 500, 9, team);
        team_free(team);
        assert_memory_equal(&alone, &other, sizeof alone);
    }
    metric_evaluate(&other, s.run, REPEATS, s.label, NULL, ROWS, 0.5, 500, 10, NULL);
    assert_memory_not_equal(&alone, &other, sizeof alone);
}

/* The same customers are drawn for both, so a model differs from itself by nothing, and the
 * interval of a difference is far narrower than two intervals beside each other. */
static void differences_are_of_the_same_draws(void **state)
{
    (void)state;
    static Sample s;
    sample_fill(&s, 5);
    double close[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        close[i] = 0.95 * s.p[0][i] + 0.01;
    const double *other[] = {close};
    const MetricSide one = {s.run, 1, 0.5}, near_one = {other, 1, 0.5};
    MetricDifference d;
    metric_compare(&d, &one, &one, s.label, NULL, NULL, ROWS, 300, 3, NULL);
    for (int k = 0; k < METRIC_KINDS; k++)
        assert_true(d.difference[k].value == 0 && d.difference[k].low == 0 &&
                    d.difference[k].high == 0);

    metric_compare(&d, &one, &near_one, s.label, NULL, NULL, ROWS, 300, 3, NULL);
    MetricSet alone;
    metric_evaluate(&alone, s.run, 1, s.label, NULL, ROWS, 0.5, 300, 3, NULL);
    assert_memory_equal(&d.one, &alone, sizeof alone);
    Interval loss = d.difference[METRIC_LOG_LOSS];
    near(loss.value, alone.metric[METRIC_LOG_LOSS].value - d.other.metric[METRIC_LOG_LOSS].value,
         1e-15);
    assert_true(loss.low < loss.value && loss.value < loss.high);
    assert_true(loss.high - loss.low <
                0.2 * (alone.metric[METRIC_LOG_LOSS].high - alone.metric[METRIC_LOG_LOSS].low));
    /* Ranks are the same, so AUC differs by nothing in any draw. */
    assert_true(d.difference[METRIC_AUC].low == 0 && d.difference[METRIC_AUC].high == 0);
    uint8_t none[ROWS] = {0};
    metric_compare(&d, &one, &near_one, s.label, none, NULL, ROWS, 50, 3, NULL);
    assert_true(is_missing(d.difference[METRIC_BRIER].value) &&
                is_missing(d.difference[METRIC_BRIER].low));
}

static void customers_left_out_count_for_nothing(void **state)
{
    (void)state;
    static Sample s;
    sample_fill(&s, 4);
    uint8_t in[ROWS], label[ROWS];
    double p[REPEATS][ROWS];
    const double *run[REPEATS] = {p[0], p[1], p[2]};
    size_t n = 0;
    for (size_t i = 0; i < ROWS; i++) {
        in[i] = i % 3 != 0;
        if (in[i]) {
            for (size_t r = 0; r < REPEATS; r++)
                p[r][n] = s.p[r][i];
            label[n++] = s.label[i];
        } else {
            s.p[1][i] = NAN; /* not even a missing probability is looked at */
        }
    }
    MetricSet masked, cut;
    metric_evaluate(&masked, s.run, REPEATS, s.label, in, ROWS, 0.5, 100, 9, NULL);
    metric_evaluate(&cut, run, REPEATS, label, NULL, n, 0.5, 100, 9, NULL);
    assert_memory_equal(&masked, &cut, sizeof cut);
    assert_int_equal(masked.customers, n);
}

/* Everyone twice tells nothing new: drawn together, twins leave every interval as it was. */
static void linked_customers_are_drawn_together(void **state)
{
    (void)state;
    static Sample s;
    sample_fill(&s, 5);
    static double p[REPEATS][2 * ROWS];
    static uint8_t label[2 * ROWS];
    static uint32_t alone[ROWS], twin[2 * ROWS];
    const double *run[REPEATS] = {p[0], p[1], p[2]};
    // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
    for (size_t i = 0; i < 2 * ROWS; i++) {
        for (size_t r = 0; r < REPEATS; r++)
            p[r][i] = s.p[r][i % ROWS];
        label[i] = s.label[i % ROWS];
        twin[i] = 500 - (uint32_t)(i % ROWS); /* any numbers */
    }
    for (size_t i = 0; i < ROWS; i++)
        alone[i] = twin[i];
    MetricSet once, same, together, apart;
    metric_evaluate(&once, s.run, REPEATS, s.label, NULL, ROWS, 0.5, 400, 9, NULL);
    metric_evaluate_groups(&same, s.run, REPEATS, s.label, NULL, alone, ROWS, 0.5, 400, 9, NULL);
    assert_memory_equal(&once, &same, sizeof once);
    // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
    metric_evaluate_groups(&together, run, REPEATS, label, NULL, twin, 2 * ROWS, 0.5, 400, 9, NULL);
    // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
    metric_evaluate(&apart, run, REPEATS, label, NULL, 2 * ROWS, 0.5, 400, 9, NULL);
    static const MetricKind kinds[] = {METRIC_AUC, METRIC_BRIER, METRIC_LOG_LOSS, METRIC_RECALL};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const Interval *a = &once.metric[kinds[k]], *b = &together.metric[kinds[k]],
                       *c = &apart.metric[kinds[k]];
        near(b->low, a->low, 1e-12);
        near(b->high, a->high, 1e-12);
        near((c->high - c->low) / (a->high - a->low), sqrt(0.5), 0.1);
    }
    assert_int_equal(together.customers, 2 * ROWS);
}

static void one_group_with_a_class_leaves_the_interval_open(void **state)
{
    (void)state;
    static const double p[6] = {0.9, 0.8, 0.1, 0.2, 0.3, 0.4};
    static const uint8_t label[6] = {1, 1, 0, 0, 0, 0};
    static const uint32_t group[6] = {0, 0, 1, 2, 3, 4};
    const double *run[1] = {p};
    MetricSet set;
    metric_evaluate_groups(&set, run, 1, label, NULL, group, 6, 0.5, 50, 1, NULL);
    near(set.metric[METRIC_AUC].value, 1, 0);
    assert_true(is_missing(set.metric[METRIC_AUC].low));
    metric_evaluate(&set, run, 1, label, NULL, 6, 0.5, 50, 1, NULL);
    assert_false(is_missing(set.metric[METRIC_AUC].low));
}

static void evaluation_says_missing_rather_than_guess(void **state)
{
    (void)state;
    static Sample s;
    sample_fill(&s, 4);
    MetricSet set;
    s.p[2][5] = NAN;
    metric_evaluate(&set, s.run, REPEATS, s.label, NULL, ROWS, 0.5, 50, 1, NULL);
    for (int k = 0; k < METRIC_KINDS; k++)
        assert_true(is_missing(set.metric[k].value) && is_missing(set.metric[k].low));
    metric_evaluate(&set, s.run, REPEATS, s.label, NULL, 0, 0.5, 50, 1, NULL);
    assert_int_equal(set.customers, 0);
    assert_true(is_missing(set.metric[METRIC_BRIER].value));

    /* One positive: the value stands, an interval would not. */
    const double p[4] = {0.9, 0.1, 0.2, 0.3}, *run[1] = {p};
    const uint8_t label[4] = {1, 0, 0, 0};
    metric_evaluate(&set, run, 1, label, NULL, 4, 0.5, 50, 1, NULL);
    near(set.metric[METRIC_AUC].value, 1, 0);
    assert_true(is_missing(set.metric[METRIC_AUC].low) && is_missing(set.metric[METRIC_AUC].high));
    assert_true(is_missing(set.repeat_deviation[METRIC_AUC])); /* one repeat has no spread */
    assert_int_equal(set.confusion.true_positive, 1);

    /* Nothing predicted: precision has no meaning, recall and F1 are 0. */
    metric_evaluate(&set, run, 1, label, NULL, 4, 0.95, 50, 1, NULL);
    assert_true(is_missing(set.metric[METRIC_PRECISION].value));
    near(set.metric[METRIC_RECALL].value, 0, 0);
    near(set.metric[METRIC_F1].value, 0, 0);
}

static void auc_interval_covers_the_truth_about_as_often_as_it_says(void **state)
{
    (void)state;
    enum { TRIALS = 200, CUSTOMERS = 300 };
    static double p[CUSTOMERS];
    static uint8_t label[CUSTOMERS];
    const double *run[1] = {p};
    int covered = 0;
    for (uint64_t t = 0; t < TRIALS; t++) {
        Random random = random_new(seed_derive(1000, t));
        for (size_t i = 0; i < CUSTOMERS; i++) {
            label[i] = i % 3 == 0;
            p[i] = stable_sigmoid(random_normal(&random) + (label[i] ? 1.0 : 0.0));
        }
        MetricSet set;
        metric_evaluate(&set, run, 1, label, NULL, CUSTOMERS, 0.5, 200, t, NULL);
        const double truth = 0.76024993890652; /* Phi(1 / sqrt 2) */
        covered += set.metric[METRIC_AUC].low <= truth && truth <= set.metric[METRIC_AUC].high;
    }
    assert_in_range(covered, TRIALS * 88 / 100, TRIALS * 99 / 100);
}

static void stability_of_equal_samples_is_zero(void **state)
{
    (void)state;
    Arena arena = arena_new();
    const float x[6] = {1, 2, 2, 5, NAN, 9};
    Stability s = metric_psi(x, 6, x, 6, arena);
    near(s.psi, 0, 0);
    assert_true(is_missing(metric_psi(x, 6, x, 0, arena).psi));
    assert_true(is_missing(metric_psi(x, 0, x, 6, arena).psi));
    arena_free(&arena);
}

static void stability_counts_shifts_and_the_missing(void **state)
{
    (void)state;
    Arena arena = arena_new();
    const float even[10] = {10, 3, 1, 2, 9, 5, 4, 8, 7, 6},
                ones[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    /* All ten fall in the first tenth; each empty bin is half a customer of ten. */
    Stability s = metric_psi(even, 10, ones, 10, arena);
    assert_int_equal(s.bins, 10);
    near(s.psi, 0.9 * 2.302585092994046 + 9 * 0.05 * 0.6931471805599453, 1e-14);
    near(s.null_mean, 9 * 0.2, 1e-15);
    /* Half of one value, half missing, against three quarters and a quarter. */
    const float a[4] = {0, 0, NAN, NAN}, b[4] = {0, 0, 0, NAN};
    s = metric_psi(a, 4, b, 4, arena);
    assert_int_equal(s.bins, 2);
    near(s.psi, 0.25 * 0.4054651081081644 + 0.25 * 0.6931471805599453, 1e-14);
    /* All missing before, all known after. */
    const float lost[2] = {NAN, NAN};
    assert_int_equal(metric_psi(lost, 2, b, 3, arena).bins, 2);
    assert_true(metric_psi(lost, 2, b, 3, arena).psi > 0.25);
    arena_free(&arena);
}

/* Draws of one population exceed the limit about once in a thousand times, whatever their sizes. */
static void noise_limit_is_rarely_passed_by_chance(void **state)
{
    (void)state;
    Arena arena = arena_new();
    enum { BINS = 6, TIMES = 150 };
    static const uint64_t sizes[][2] = {{60, 40}, {300, 30}, {2000, 5000}};
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        size_t above = 0, above_watch = 0;
        for (uint64_t t = 0; t < TIMES; t++) {
            Random r = random_new(seed_derive(k, t));
            uint64_t bin[2][BINS] = {{0}};
            for (size_t side = 0; side < 2; side++)
                for (uint64_t i = 0; i < sizes[k][side]; i++)
                    bin[side][random_below(&r, BINS)]++;
            double psi = metric_psi_counts(bin[0], bin[1], BINS).psi;
            above += psi > metric_psi_limit(bin[0], bin[1], BINS, t, arena);
            above_watch += psi > 0.1;
        }
        assert_true(above <= 3);
        if (k < 2) /* the fixed limit alone would cry wolf at these sizes */
            assert_true(above_watch > TIMES / 4);
    }
    arena_free(&arena);
}

static void noise_limit_is_chi_squared_for_large_samples(void **state)
{
    (void)state;
    Arena arena = arena_new();
    const uint64_t a[11] = {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 0};
    /* The 0.999 quantile of chi-squared with 9 degrees of freedom is 27.877; Wilson and
     * Hilferty come within 1 %. */
    double limit = metric_psi_limit(a, a, 11, 1, arena);
    near(limit / (2.0 / 10000) / 27.877, 1, 0.01);
    const uint64_t one[2] = {50, 0};
    near(metric_psi_limit(one, one, 2, 1, arena), 0, 0);
    const uint64_t none[2] = {0, 0};
    assert_true(is_missing(metric_psi_limit(one, none, 2, 1, arena)));
    /* A shift passes it. */
    const uint64_t low[4] = {40, 30, 20, 10}, high[4] = {10, 20, 30, 40};
    assert_true(metric_psi_counts(low, high, 4).psi > metric_psi_limit(low, high, 4, 1, arena));
    arena_free(&arena);
}

static void proportion_interval_is_wilsons(void **state)
{
    (void)state;
    /* scipy.stats.binomtest(7, 23).proportion_ci(method='wilson') and (0, 10) */
    Interval i = metric_proportion(7, 23);
    near(i.value, 7.0 / 23, 1e-15);
    near(i.low, 0.15604024453214022, 1e-14);
    near(i.high, 0.508657562687592, 1e-14);
    i = metric_proportion(0, 10);
    near(i.low, 0, 0);
    near(i.high, 0.27753279986288926, 1e-14);
    near(metric_proportion(10, 10).high, 1, 0);
    assert_true(is_missing(metric_proportion(0, 0).value));
}

static void percentiles_are_linear_between_order_statistics(void **state)
{
    (void)state;
    /* numpy.percentile, whose default method is R-7. */
    double value[] = {8, 1, 4, 2};
    metric_sort(value, 4);
    near(value[0], 1, 0);
    near(metric_quantile(value, 4, 0), 1, 0);
    near(metric_quantile(value, 4, 0.25), 1.75, 1e-15);
    near(metric_quantile(value, 4, 0.9), 6.8, 1e-14);
    near(metric_quantile(value, 4, 1), 8, 0);
    assert_true(is_missing(metric_quantile(value, 0, 0.5)));
    double drawn[] = {5, NAN, 1, 3}; /* numpy.nanpercentile */
    Interval i = {2, NAN, NAN};
    metric_percentiles(&i, drawn, 4);
    near(i.low, 1.1, 1e-14);
    near(i.high, 4.9, 1e-14);
    near(i.value, 2, 0);
    Interval none = {2, NAN, NAN};
    double missing[] = {NAN, NAN};
    metric_percentiles(&none, missing, 2);
    assert_true(is_missing(none.low) && is_missing(none.high));
}

static void every_metric_has_its_own_name(void **state)
{
    (void)state;
    for (int a = 0; a < METRIC_KINDS; a++) {
        assert_true(metric_name((MetricKind)a).size > 0);
        for (int b = 0; b < a; b++)
            assert_false(str_equal(metric_name((MetricKind)a), metric_name((MetricKind)b)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_equal_those_of_scikit_learn),
        cmocka_unit_test(auc_is_the_share_of_ordered_pairs_with_ties_half),
        cmocka_unit_test(all_scores_tied_give_half_and_the_base_rate),
        cmocka_unit_test(metrics_without_a_meaning_are_missing),
        cmocka_unit_test(log_loss_of_a_certain_mistake_is_finite),
        cmocka_unit_test(calibration_error_takes_bins_of_equal_count),
        cmocka_unit_test(confusion_counts_the_threshold_itself_as_predicted),
        cmocka_unit_test(counting_draws_equal_resampled_lists),
        cmocka_unit_test(evaluation_is_the_same_with_any_number_of_threads),
        cmocka_unit_test(differences_are_of_the_same_draws),
        cmocka_unit_test(customers_left_out_count_for_nothing),
        cmocka_unit_test(linked_customers_are_drawn_together),
        cmocka_unit_test(one_group_with_a_class_leaves_the_interval_open),
        cmocka_unit_test(evaluation_says_missing_rather_than_guess),
        cmocka_unit_test(auc_interval_covers_the_truth_about_as_often_as_it_says),
        cmocka_unit_test(stability_of_equal_samples_is_zero),
        cmocka_unit_test(stability_counts_shifts_and_the_missing),
        cmocka_unit_test(noise_limit_is_rarely_passed_by_chance),
        cmocka_unit_test(noise_limit_is_chi_squared_for_large_samples),
        cmocka_unit_test(proportion_interval_is_wilsons),
        cmocka_unit_test(percentiles_are_linear_between_order_statistics),
        cmocka_unit_test(every_metric_has_its_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
