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

/* ---- calibration: do the probabilities mean what they say? ----
 *
 * p, repeats, label, in and n as in metric_evaluate; probabilities are clipped at 1e-15. Figures
 * that are not defined are NaN. */

/* Labels as a logistic regression on logit(p). slope 1 and intercept 0: calibrated; a slope below
 * 1: too extreme, above 1: too timid. large: the intercept when the slope is held at 1, calibration
 * in the large; above 0: probabilities are too low on the whole. Maximum likelihood with Wald's
 * intervals of 95 %; estimates and standard errors are means over repeats, for repeats share their
 * customers. Not defined: one class only, probabilities that do not vary, classes that they part
 * without error.  Source: Cox 1958; Van Calster and others 2016.  Cost: O(repeats * n). */
typedef struct Recalibration {
    Interval slope, intercept, large;
} Recalibration;
void metric_recalibration(Recalibration *out, const double *const *p, size_t repeats,
                          const uint8_t *label, const uint8_t *in, size_t n);

/* What calibration error (metric_ece, METRIC_ECE_BINS bins, mean over repeats) perfectly calibrated
 * probabilities would show by chance: labels are drawn from the probabilities themselves, each
 * customer by one number for all repeats. share: of the draws, how many reach the value seen. */
typedef struct NoiseFloor {
    double seen, mean, high; /* high: 95 % of the draws are at most that */
    double share;
    size_t draws;
} NoiseFloor;
void metric_ece_noise(NoiseFloor *out, const double *const *p, size_t repeats, const uint8_t *label,
                      const uint8_t *in, size_t n, size_t draws, uint64_t seed, Team *team);

/* The same results where positives are as rare as assumed, if the classes look as they do here and
 * only their shares differ (prior shift): classes are weighted, the positives by assumed / share,
 * and a probability is corrected by adding logit(assumed) - logit(share) to its log-odds. Source:
 * Saerens, Latinne and Decaestecker 2002. */
enum { PREVALENCES = 4, PREVALENCE_RULES = 2 };
extern const double metric_prevalences[PREVALENCES]; /* 2, 5, 10, 17 % */
typedef struct PrevalenceRule {
    double threshold;                 /* on the probability as it is, uncorrected */
    Interval precision, recall, load; /* load: flagged of 1,000 customers */
} PrevalenceRule;
typedef struct Prevalence {
    double assumed, share; /* share: of positives in the sample */
    /* p >= the threshold given, as it stands; and the corrected probability >= that threshold. */
    PrevalenceRule as_is[PREVALENCE_RULES], corrected[PREVALENCE_RULES];
    Interval brier, log_loss; /* of corrected probabilities, weighted */
} Prevalence;
/* Shares flagged are means over repeats; intervals are percentile bootstrap over customers within
 * each class, as in metric_evaluate. Fewer than 2 of either class: NaN.
 * Cost: O(repeats * n + replicates * n). */
void metric_prevalence(Prevalence out[PREVALENCES], const double *const *p, size_t repeats,
                       const uint8_t *label, const uint8_t *in, size_t n,
                       const double threshold[PREVALENCE_RULES], size_t replicates, uint64_t seed,
                       Team *team);

/* All three for one slice. */
typedef struct CalibrationCheck {
    size_t customers, positives;
    Recalibration recalibration;
    NoiseFloor ece;
    Prevalence prevalence[PREVALENCES];
} CalibrationCheck;
void metric_calibration(CalibrationCheck *out, const double *const *p, size_t repeats,
                        const uint8_t *label, const uint8_t *in, size_t n,
                        const double threshold[PREVALENCE_RULES], size_t replicates, uint64_t seed,
                        Team *team);

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

#endif
