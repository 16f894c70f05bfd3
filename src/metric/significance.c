#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>

/* ---- tails ---- */

double metric_normal_tail(double z)
{
    const double density = 0.3989422804014326779; /* 1 / sqrt(2 pi) */
    double x = fabs(z), tail;
    if (is_missing(z))
        return z;
    if (x < 2.5) { /* the distribution's series; every term is positive */
        double term = x, sum = x;
        for (int k = 1; k < 200 && term > 1e-18 * sum; k++) {
            term *= x * x / (2 * k + 1);
            sum += term;
        }
        tail = 0.5 - density * stable_exp(-x * x / 2) * sum;
    } else { /* Laplace's continued fraction of the tail, from its far end */
        double below = x;
        for (int k = 100; k > 0; k--)
            below = x + k / below;
        tail = density * stable_exp(-x * x / 2) / below;
    }
    return z < 0 ? 1 - tail : tail;
}

double metric_chi_squared_tail(double x, size_t degrees)
{
    if (!(x > 0))
        return 1;
    /* Both sums are finite: Abramowitz and Stegun 26.4.4 and 26.4.5. */
    double half = stable_exp(-x / 2), sum = 0;
    if (degrees % 2 == 0) {
        double term = 1;
        for (size_t i = 0; i < degrees / 2; i++) {
            sum += term;
            term *= x / 2 / (double)(i + 1);
        }
        return half * sum;
    }
    double term = sqrt(x);
    for (size_t i = 1; i + 1 < degrees; i += 2) {
        sum += term;
        term *= x / (double)(i + 2);
    }
    double tail = 2 * metric_normal_tail(sqrt(x)) + 2 * 0.3989422804014326779 * half * sum;
    return tail < 1 ? tail : 1;
}

/* ---- ranks ---- */

static int by_score(const void *a, const void *b, void *context)
{
    const double *score = context;
    double x = score[*(const uint32_t *)a], y = score[*(const uint32_t *)b];
    return (x > y) - (x < y);
}

double metric_rank_test(const double *score, const uint8_t *label, size_t n, Arena scratch)
{
    uint32_t *order = ARENA_RAW(&scratch, uint32_t, n + 1);
    double positives = 0, ties = 0, all = (double)n;
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
        positives += label[i] != 0;
        if (is_missing(score[i]))
            return NAN;
    }
    double negatives = all - positives;
    if (positives < 1 || negatives < 1)
        return NAN;
    qsort_r(order, n, sizeof *order, by_score, (void *)(uintptr_t)score);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && score[order[to]] == score[order[from]];)
            to++;
        double t = (double)(to - from);
        ties += t * t * t - t;
    }
    double variance = positives * negatives / 12 * (all + 1 - ties / (all * (all - 1)));
    if (!(variance > 0))
        return 1; /* one value */
    double won = metric_auc(score, label, n, scratch) * positives * negatives;
    return 2 * metric_normal_tail(fabs(won - positives * negatives / 2) / sqrt(variance));
}

/* ---- many tests ---- */

static int by_value(const void *a, const void *b, void *context)
{
    return by_score(a, b, context);
}

void metric_false_discovery(double *q, const double *p, size_t n, Arena scratch)
{
    uint32_t *order = ARENA_RAW(&scratch, uint32_t, n + 1);
    size_t tests = 0;
    for (size_t i = 0; i < n; i++) {
        q[i] = p[i];
        if (!is_missing(p[i]))
            order[tests++] = (uint32_t)i;
    }
    qsort_r(order, tests, sizeof *order, by_value, (void *)(uintptr_t)p);
    double least = 1;
    for (size_t k = tests; k > 0; k--) {
        double adjusted = p[order[k - 1]] * (double)tests / (double)k;
        least = adjusted < least ? adjusted : least;
        q[order[k - 1]] = least;
    }
}

double metric_all_of_one_class(size_t found, size_t positives, size_t n)
{
    double p = 1;
    if (found > positives)
        return 0;
    for (size_t i = 0; i < found; i++)
        p *= (double)(positives - i) / (double)(n - i);
    return p;
}

/* ---- AUCs of several groups ---- */

/* Source: Hanley and McNeil 1982, equations 1 and 2. */
double metric_auc_variance(double auc, size_t positives, size_t negatives)
{
    double q1 = auc / (2 - auc), q2 = 2 * auc * auc / (1 + auc);
    double m = (double)positives, n = (double)negatives;
    double variance =
        (auc * (1 - auc) + (m - 1) * (q1 - auc * auc) + (n - 1) * (q2 - auc * auc)) / (m * n);
    return variance > 0 ? variance : 0;
}

double metric_auc_heterogeneity(const double *auc, const size_t *positives, const size_t *negatives,
                                size_t groups, double *q)
{
    double weight = 0, mean = 0, sum = 0;
    for (size_t g = 0; g < groups; g++) { /* first by pairs, for a common variance */
        double pairs = (double)positives[g] * (double)negatives[g];
        weight += pairs;
        mean += pairs * auc[g];
    }
    double common = mean / weight;
    weight = mean = 0;
    /* Hanley and McNeil's variance is of an AUC above chance; below it the classes change. */
    for (size_t g = 0; g < groups; g++) {
        double v = common >= 0.5 ? metric_auc_variance(common, positives[g], negatives[g])
                                 : metric_auc_variance(1 - common, negatives[g], positives[g]);
        weight += 1 / v;
        mean += auc[g] / v;
    }
    mean /= weight;
    for (size_t g = 0; g < groups; g++) {
        double v = common >= 0.5 ? metric_auc_variance(common, positives[g], negatives[g])
                                 : metric_auc_variance(1 - common, negatives[g], positives[g]);
        sum += (auc[g] - mean) * (auc[g] - mean) / v;
    }
    if (q != NULL)
        *q = sum;
    return metric_chi_squared_tail(sum, groups - 1);
}
