/* metric.h - how good a set of probabilities is, and how sure of it we are.
 *
 * All functions take one score and one label (0 or 1) per customer. A metric that is not
 * defined (AUC with one class, precision with nothing predicted) is NaN. Sums are taken in
 * row order, so results do not depend on threads. Customers, never rows, are resampled. One
 * score that is NaN leaves the metric undefined; a customer is predicted positive when p >= the
 * threshold.
 */
#ifndef METRIC_METRIC_H
#define METRIC_METRIC_H

#include "base/base.h"

/* Area under the ROC curve = P(score of a positive > score of a negative), ties half.
 * Source: Hanley and McNeil 1982.  Cost: O(n log n). */
double metric_auc(const double *score, const uint8_t *label, size_t n, Arena scratch);

/* Average precision (step-wise area under precision-recall, as scikit-learn's), tied scores
 * taken together. */
double metric_average_precision(const double *score, const uint8_t *label, size_t n, Arena scratch);

double metric_brier(const double *p, const uint8_t *label, size_t n);
double metric_log_loss(const double *p, const uint8_t *label, size_t n); /* p clipped at 1e-15 */

/* Expected calibration error over `bins` bins of equal count (ties in score order by index). */
double metric_ece(const double *p, const uint8_t *label, size_t n, size_t bins, Arena scratch);

typedef struct Confusion {
    size_t true_positive, false_positive, true_negative, false_negative;
} Confusion;

/* A NaN is not at or above any threshold: it counts as predicted negative. */
Confusion metric_confusion(const double *p, const uint8_t *label, size_t n, double threshold);

enum { METRIC_ECE_BINS = 10 }; /* in metric_evaluate */

typedef enum MetricKind {
    METRIC_AUC,
    METRIC_PR_AUC,
    METRIC_BRIER,
    METRIC_LOG_LOSS,
    METRIC_ECE,
    METRIC_ACCURACY,
    METRIC_PRECISION,
    METRIC_RECALL,
    METRIC_F1,
    METRIC_KINDS
} MetricKind;

Str metric_name(MetricKind kind); /* "auc", "pr_auc", ... */

typedef struct Interval {
    double value, low, high;
} Interval;

typedef struct MetricSet {
    size_t customers, positives, repeats;
    double threshold;
    Interval metric[METRIC_KINDS];         /* value: mean over repeats; low, high: 95 % */
    double repeat_deviation[METRIC_KINDS]; /* standard deviation over repeats */
    Confusion confusion;                   /* of the probabilities averaged over repeats */
} MetricSet;

/* Every metric with its interval. p[repeat] points at n probabilities (one out-of-fold run);
 * rows whose in[i] is 0 are left out (NULL: all in). The interval is the percentile bootstrap
 * over customers, `replicates` draws, stratified by label so that both classes are present;
 * each draw is averaged over repeats. Fewer than 2 of either class: the interval is NaN. Means and
 * percentiles are over the repeats and draws in which the metric is defined. Draw r takes
 * its numbers from random_new(seed_derive(seed, r)), positives first.
 * Memory: its own, O(repeats * n + replicates), given back.
 * Cost: O(repeats * n log n) once, then O(replicates * repeats * n): a draw is multiplicities over
 * an order that is sorted once. */
void metric_evaluate(MetricSet *out, const double *const *p, size_t repeats, const uint8_t *label,
                     const uint8_t *in, size_t n, double threshold, size_t replicates,
                     uint64_t seed, Team *team);

/* The same where customer i counts weight[i] times, 0 or more: an estimate for customers of another
 * mix than the labelled ones. Customers of weight 0 are left out (customers, positives and
 * confusion count the others, each once). AUC and average precision are scikit-learn's with
 * sample_weight; the bins of ECE hold equal weight, and a customer who lies across a border is
 * shared out. A draw of the bootstrap takes from each cell as many customers as it has (cell NULL:
 * one cell), whatever their labels, because weights that follow from cells are right for every such
 * draw; a draw that has no positives leaves out what needs them. A metric is NaN where all weights
 * are 0, and its interval where fewer than 2 customers of either class have weight. Memory and cost
 * as metric_evaluate.  Source: Efron and Tibshirani 1993, 8.3 (stratified draws); Holt and Smith
 * 1979 (post-stratification). */
void metric_evaluate_weighted(MetricSet *out, const double *const *p, size_t repeats,
                              const uint8_t *label, const double *weight, const uint32_t *cell,
                              size_t n, double threshold, size_t replicates, uint64_t seed,
                              Team *team);

/* How many customers of equal weight would say as much: (sum w)^2 / sum w^2; 0 when all are 0.
 * Source: Kish 1965. */
double metric_effective(const double *weight, size_t n);

/* Population stability index of two samples over bins cut at the first one's deciles, missing
 * in a bin of its own, an empty side counted as half a customer; with the null mean
 * (k - 1)(1/n + 1/m) for judging it at small n. Either sample empty: NaN.
 * Source: Yurdakul 2018. */
typedef struct Stability {
    double psi, null_mean;
    size_t bins;
} Stability;
Stability metric_psi(const float *expected, size_t n, const float *actual, size_t m, Arena scratch);

/* The same from counts of two samples in bins that are fixed already. */
Stability metric_psi_counts(const uint64_t *expected, const uint64_t *actual, size_t bins);

/* The index that two samples of one population stay below in 999 of 1,000 comparisons: with fewer
 * than 1,000 in either, the largest over 999 random partitions of both together into samples of
 * these sizes; else the chi-squared approximation (Yurdakul 2018) with Wilson and Hilferty's
 * quantile. An index above it is not chance. Either sample empty: NaN.
 * Cost: O(999 * smaller sample * bins) when it is small, else O(bins). */
double metric_psi_limit(const uint64_t *expected, const uint64_t *actual, size_t bins,
                        uint64_t seed, Arena scratch);

/* Wilson score interval of a proportion, 95 %. */
Interval metric_proportion(size_t successes, size_t trials);

/* Ratio of two independent proportions, (count / of) / (other / other_of), with the 95 % interval of
 * its score test. other 0: high is infinite, and so is the value (NaN where both are 0). Nobody on
 * a side: NaN.
 * Source: Koopman 1984; Miettinen and Nurminen 1985 for the proportions under the ratio. */
Interval metric_ratio(size_t count, size_t of, size_t other, size_t other_of);

/* Fisher's exact test of the same: how probable tables at most as likely as this one are when the
 * proportions are equal (two-sided, as scipy's and R's).  Cost: O(smaller margin). */
double metric_fisher(size_t count, size_t of, size_t other, size_t other_of);

#endif
