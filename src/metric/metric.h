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

/* metric_psi, and beside it the limit of chance in the same bins; *limit is NaN where the index is
 * not even above its null mean, so that nothing need be tested. */
Stability metric_psi_tested(double *limit, const float *expected, size_t n, const float *actual,
                            size_t m, uint64_t seed, Arena scratch);

/* Wilson score interval of a proportion, 95 %. */
Interval metric_proportion(size_t successes, size_t trials);

/* ---- what chance alone gives ---- */

/* P(Z > z) of a standard normal Z, to 1e-13 of 1 in the middle and 1e-12 of itself far out. */
double metric_normal_tail(double z);
/* P(X > x) of a chi-squared X of whole degrees.  Source: Abramowitz and Stegun 26.4. */
double metric_chi_squared_tail(double x, size_t degrees);

/* Two-sided p of the AUC against one half by ranks (Mann and Whitney 1947), variance corrected for
 * ties, without continuity correction. NaN with one class or a score that is NaN; 1 when all scores
 * are equal.  Cost: O(n log n). */
double metric_rank_test(const double *score, const uint8_t *label, size_t n, Arena scratch);

/* Of many tests the smallest false discovery rate at which each would still count; a p that is NaN
 * is no test and stays NaN.  Source: Benjamini and Hochberg 1995.  Cost: O(n log n). */
void metric_false_discovery(double *q, const double *p, size_t n, Arena scratch);

/* P(all of `found` customers drawn from n are among the `positives`), the hypergeometric corner. */
double metric_all_of_one_class(size_t found, size_t positives, size_t n);

/* Variance of an AUC.  Source: Hanley and McNeil 1982, equations 1 and 2. */
double metric_auc_variance(double auc, size_t positives, size_t negatives);
/* p of Cochran's Q: do these AUCs of groups that share no customer differ by more than chance?
 * Each has the variance that the AUC common to all would have in it. *q may be NULL.
 * Source: Cochran 1954. */
double metric_auc_heterogeneity(const double *auc, const size_t *positives, const size_t *negatives,
                                size_t groups, double *q);

#endif
