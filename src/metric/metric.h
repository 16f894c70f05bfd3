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
 * rows whose in[i] is 0 are left out (NULL: all in). Intervals of AUC, Brier score and log loss
 * come from the variance of customers' contributions by class (DeLong, DeLong and Clarke-Pearson
 * 1988 for AUC) and Student's t with Welch and Satterthwaite's degrees of freedom, on the logit
 * scale for AUC (Pepe 2003, section 5.3) and the log scale for the others; where nothing varies,
 * and for every other metric, the interval is the percentile bootstrap
 * over customers, `replicates` draws, stratified by label so that both classes are present;
 * each draw is averaged over repeats (docs/metrics.md has the coverage of either). Fewer than 2 of
 * either class, or no replicates: the interval is NaN. ECE has none ever: what draws add to it is
 * error, so that theirs would lie above the value itself; metric_ece_noise says what it is worth.
 * Means and
 * percentiles are over the repeats and draws in which the metric is defined. Draw r takes
 * its numbers from random_new(seed_derive(seed, r)), positives first.
 * Memory: its own, O(repeats * n + replicates), given back.
 * Cost: O(repeats * n log n) once, then O(replicates * repeats * n): a draw is multiplicities over
 * an order that is sorted once. */
void metric_evaluate(MetricSet *out, const double *const *p, size_t repeats, const uint8_t *label,
                     const uint8_t *in, size_t n, double threshold, size_t replicates,
                     uint64_t seed, Team *team);

/* The same where customers are linked: those of one group (NULL: nobody is linked) are drawn
 * together, and fewer than 2 groups with either class leave the interval NaN. Drawn are as many
 * groups with positives as there are, then as many others. Numbers of groups cost memory up to the
 * largest.  Source: Davison and Hinkley 1997, section 3.8 (resampling whole clusters). */
void metric_evaluate_groups(MetricSet *out, const double *const *p, size_t repeats,
                            const uint8_t *label, const uint8_t *in, const uint32_t *group,
                            size_t n, double threshold, size_t replicates, uint64_t seed,
                            Team *team);

/* What such intervals are made of. Ascending, in place; no value may be missing. */
void metric_sort(double *value, size_t n);
/* Percentile of ascending values, R-7: linear between order statistics. None: NaN. */
double metric_quantile(const double *ascending, size_t n, double share);
/* The same at number / parts, of at least one value: in whole numbers up to the last step, so that
 * no rounding moves it to a neighbour. */
double metric_quantile_part(const double *ascending, size_t n, size_t number, size_t parts);
/* low and high: the middle 95 % of the draws that are defined, which it sorts; none: left alone. */
void metric_percentiles(Interval *out, double *drawn, size_t draws);

/* Two sets of probabilities for the same customers. */
typedef struct MetricSide {
    const double *const *p; /* [repeats][n] */
    size_t repeats;
    double threshold;
} MetricSide;
typedef struct MetricDifference {
    MetricSet one, other;
    Interval difference[METRIC_KINDS]; /* of the one less the other */
} MetricDifference;

/* Paired: the interval of a difference is the percentile bootstrap of draws that are the same
 * customers for both, so it is as narrow as the two agree. Otherwise as metric_evaluate_groups. */
void metric_compare(MetricDifference *out, const MetricSide *one, const MetricSide *other,
                    const uint8_t *label, const uint8_t *in, const uint32_t *group, size_t n,
                    size_t replicates, uint64_t seed, Team *team);

/* The same where customer i counts weight[i] times, 0 or more: an estimate for customers of another
 * mix than the labelled ones. Customers of weight 0 are left out (customers, positives and
 * confusion count the others, each once). AUC and average precision are scikit-learn's with
 * sample_weight; the bins of ECE hold equal weight, and a customer who lies across a border is
 * shared out. A draw of the bootstrap takes from each cell as many customers as it has (cell NULL:
 * one cell; those of one group, NULL: nobody is linked, are drawn together, in the cell of the
 * first of them), whatever their labels, because weights that follow from cells are right for every
 * such draw; a draw that has no positives leaves out what needs them. A metric is NaN where all
 * weights are 0, and its interval where fewer than 2 customers of either class have weight, and
 * ECE's ever. Memory and cost as metric_evaluate.  Source: Efron and Tibshirani 1993, 8.3
 * (stratified draws); Holt and Smith 1979 (post-stratification). */
void metric_evaluate_weighted(MetricSet *out, const double *const *p, size_t repeats,
                              const uint8_t *label, const double *weight, const uint32_t *cell,
                              const uint32_t *group, size_t n, double threshold, size_t replicates,
                              uint64_t seed, Team *team);

/* How many customers of equal weight would say as much: (sum w)^2 / sum w^2; 0 when all are 0.
 * Source: Kish 1965. */
double metric_effective(const double *weight, size_t n);

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

/* Fewer suspended customers, or fewer others, and a slice has a sentence instead of a figure. */
enum { FIGURE_CLASS_MIN = 10 };

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

/* The same by the chi-squared approximation at any size, for who must know at once: with few
 * customers it is somewhat too low.  Cost: O(bins). */
double metric_psi_limit_about(const uint64_t *expected, const uint64_t *actual, size_t bins);

/* metric_psi, and beside it the limit of chance in the same bins; *limit is NaN where the index is
 * not even above its null mean, so that nothing need be tested. */
Stability metric_psi_tested(double *limit, const float *expected, size_t n, const float *actual,
                            size_t m, uint64_t seed, Arena scratch);

/* Wilson score interval of a proportion, 95 %. */
Interval metric_proportion(size_t successes, size_t trials);

/* Ratio of two independent proportions, (count / of) / (other / other_of), with the 95 % interval
 * of its score test. other 0: high is infinite, and so is the value (NaN where both are 0). Nobody
 * on a side: NaN. Source: Koopman 1984; Miettinen and Nurminen 1985 for the proportions under the
 * ratio. */
Interval metric_ratio(size_t count, size_t of, size_t other, size_t other_of);

/* Fisher's exact test of the same: how probable tables at most as likely as this one are when the
 * proportions are equal (two-sided, as scipy's and R's).  Cost: O(smaller margin). */
double metric_fisher(size_t count, size_t of, size_t other, size_t other_of);

/* ---- binomial.c: bounds that hold for any number of trials ---- */

/* P(X >= k) and P(X <= k) of n trials that succeed with probability p, to about 1e-13 of their
 * value, tails as small as 1e-300 too.  Source: Loader 2000.  Cost: O(sqrt(n)) about. */
double metric_binomial_least(size_t k, size_t n, double p);
double metric_binomial_most(size_t k, size_t n, double p);

/* One-sided bound of a proportion: with this confidence it is not below (above) it. No trials: NaN.
 * Source: Clopper and Pearson 1934.  Cost: some fifty binomial tails. */
double metric_proportion_low(size_t successes, size_t trials, double confidence);
double metric_proportion_high(size_t successes, size_t trials, double confidence);

/* Two-sided Clopper-Pearson interval: it covers at least as often as it says, at any size. */
Interval metric_proportion_exact(size_t successes, size_t trials, double confidence);

/* The fewest trials that show, with so many failures among them, that the rate of successes is
 * above `rate` with this confidence: 14 without a failure for 0.80 at 0.95, 22 with one. 0: more
 * than trials_max, or none ever could (a rate or a confidence of 1). */
size_t metric_certifying_trials(size_t failures, double rate, double confidence, size_t trials_max);

/* ---- cut.c: what a threshold selects ---- */

typedef struct MetricCut {
    double threshold;            /* selected: p >= threshold */
    size_t customers, positives; /* in all */
    size_t selected, hits;       /* at or above it, and the positives of them */
    size_t tied;                 /* metric_top: left out because they tie at the cut */
    Interval precision, recall;  /* Clopper-Pearson, 95 %; NaN with nothing to divide by */
} MetricCut;

/* Rows whose in[i] is 0 are left out (NULL: all in), and so is a p that is NaN. */
MetricCut metric_cut(const double *p, const uint8_t *label, const uint8_t *in, size_t n,
                     double threshold);

/* The k customers of highest p. Customers of one p are taken together or not at all, since no
 * threshold could part them: where they tie at the cut, all of them stay out, and fewer than k are
 * selected.  Cost: O(n log n). */
MetricCut metric_top(const double *p, const uint8_t *label, const uint8_t *in, size_t n, size_t k,
                     Arena scratch);

/* ---- certify.c: a set of customers with a guarantee ---- */

/* The largest set {p >= threshold} that the labels prove right often enough, by Learn-then-Test:
 * sets are tested from strict to loose, the null hypothesis that precision is below `precision`
 * by its exact binomial p-value, and the first that is not rejected ends it. So the chance of
 * certifying any set that does not deserve it is at most 1 - confidence, whatever is found.
 *
 * The sets are fixed before a label is seen: the smallest at which no error, one, two, ... are
 * proof (14, 22, 30, 37, ... for 0.80 at 0.95), from METRIC_CERTIFY_LEAST customers on, each
 * enlarged until it parts no equal p. In between a set would need the same luck with fewer
 * customers, so leaving those out loses nothing.
 * p must not have learnt from label; out of fold that holds only approximately
 * (docs/thresholds.md). Source: Angelopoulos, Bates, Candes, Jordan and Lei 2021; labels of unlike
 * customers: Hoeffding 1956.  Cost: O(n log n). */
enum { METRIC_CERTIFY_LEAST = 14 }; /* a smaller set is no ground for a rule */
typedef struct MetricCertificate {
    double precision, confidence; /* asked */
    size_t customers;             /* who could be in a set */
    size_t least[3]; /* the smallest set that certifies with no error, one, two; 0: none could, or
                        more than a million */
    size_t start;    /* customers of the first set; 0 likewise */
    size_t tested;   /* sets */
    /* The largest certified set; selected 0: none. low: a bound of its precision by itself, one-
     * sided, at this confidence. */
    size_t selected, errors;
    double threshold, low;
    /* The set at which it ended; 0: the customers ended first. */
    size_t failed_selected, failed_errors;
    double failed_p;
    /* The strictest set, certified or not: `first_low` is the largest precision that its customers
     * prove at this confidence. 0: fewer customers than start. */
    size_t first_selected, first_errors;
    double first_threshold, first_low;
} MetricCertificate;
MetricCertificate metric_certify(const double *p, const uint8_t *label, const uint8_t *in, size_t n,
                                 double precision, double confidence, Arena scratch);

/* Net benefit of acting on the selected customers, per customer: true positives less false ones
 * weighed by the odds of the threshold at which the action pays for itself; with a normal 95 %
 * interval over customers. Acting on nobody is 0; acting on all is metric_cut at 0.
 * Source: Vickers and Elkin 2006. */
Interval metric_net_benefit(const MetricCut *cut, double threshold);

/* Precision among customers of whom a share `prevalence` is positive, if both classes look as they
 * do here: recall * prevalence / (recall * prevalence + false share * (1 - prevalence)). The
 * interval holds both shares at 97.5 %, so the whole at 95 % or more. */
Interval metric_precision_at(const MetricCut *cut, double prevalence);

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

/* ---- kolmogorov.c: are two samples of one distribution? ---- */

/* Largest distance of two distributions at the edges of bins in rising order; what lies within a
 * bin is not seen, so it is never larger than that of the values. Nobody on a side: NaN. */
double metric_kolmogorov_distance(const uint64_t *one, const uint64_t *other, size_t bins);
/* P(D >= d) for samples of n and m of one continuous distribution: counted out up to n * m of 4
 * million, else Kolmogorov's limit with Stephens's correction. Where values tie, and for bins, it
 * is an upper bound.  Source: Hodges 1957; Stephens 1970.  Cost: O(n * m), or little. */
double metric_kolmogorov(double d, uint64_t n, uint64_t m, Arena scratch);
double metric_kolmogorov_tail(double lambda); /* of the limit */

/* p of Pearson's chi-squared that both samples have the same shares; bins in which either side
 * would have fewer than 5 are taken together. NaN: fewer than two are left. */
double metric_chi_squared(double *statistic, size_t *degrees, const uint64_t *one,
                          const uint64_t *other, size_t bins);

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
