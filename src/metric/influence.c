/* influence.c - intervals of AUC, Brier score and log loss from what each customer contributes.
 *
 * The percentile bootstrap is too narrow at some dozens of positives and too high for an AUC that
 * is high (docs/metrics.md has the coverage). These three are smooth: each is a mean of customers'
 * contributions, by class, and their spread is its variance. */
#include "metric/metric_internal.h"

#include <math.h>

/* Source: Hill 1970, "Algorithm 396: Student's t-quantiles". Too large by 1e-5 of the value at 2.5
 * degrees of freedom, 4e-4 at 2 and .18 at 1: wide where it is not exact. */
double student_quantile(double degrees)
{
    static const double half_pi = 1.57079632679489661923, tails = 0.05;
    double a = 1 / (degrees - 0.5), b = 48 / (a * a);
    double c = ((20700 * a / b - 98) * a - 16) * a + 96.36;
    double d = ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * half_pi) * degrees;
    double y = stable_exp(2 / degrees * stable_log(d * tails));
    if (y > 0.05 + a) { /* near the normal distribution: its quantile and a correction */
        double x = -1.95996398454005423552;
        y = x * x;
        if (degrees < 5)
            c += 0.3 * (degrees - 4.5) * (x + 0.6);
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c;
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
        y = a * y * y;
        y = y > 0.002 ? stable_exp(y) - 1 : y / 2 * y + y;
    } else {
        y = ((1 / (((degrees + 6) / (degrees * y) - 0.089 * d - 0.822) * (degrees + 2) * 3) +
              0.5 / (degrees + 4)) *
                 y -
             1) *
                (degrees + 1) / (degrees + 2) +
            1 / y;
    }
    return sqrt(degrees * y);
}

/* Each customer's part in the AUC, averaged over repeats: the share of the other class that they
 * are rightly apart from, ties half. Source: DeLong, DeLong and Clarke-Pearson 1988. */
static void placements(double *out, const MetricRun *run, size_t repeats, const Units *u)
{
    size_t of[2] = {0, 0};
    for (size_t i = 0; i < u->n; i++)
        of[u->label[i]]++;
    for (size_t r = 0; r < repeats; r++) {
        size_t above[2] = {0, 0};
        for (size_t i = 0, j; i < u->n; i = j) {
            size_t tied[2] = {0, 0};
            for (j = i; j < u->n && run[r].p[j] == run[r].p[i]; j++)
                tied[u->label[run[r].row[j]]]++;
            double below = (double)(of[0] - above[0] - tied[0]);
            double share[2] = {((double)above[1] + (double)tied[1] / 2) / (double)of[1],
                               (below + (double)tied[0] / 2) / (double)of[0]};
            for (size_t k = i; k < j; k++)
                out[run[r].row[k]] += share[u->label[run[r].row[k]]] / (double)repeats;
            above[0] += tied[0];
            above[1] += tied[1];
        }
    }
}

/* Variance of the sum of values, what varies being whole units, and its degrees of freedom (Welch
 * 1947, Satterthwaite 1946): 0 where a kind of unit is alone. */
static double variance_of(const double *value, const Units *u, double *degrees)
{
    double variance = 0, uncertain = 0;
    for (int kind = 0; kind < 2; kind++) {
        double count = (double)u->units[kind], sum = 0, square = 0;
        if (u->units[kind] < 2)
            return 0;
        for (int pass = 0; pass < 2; pass++)
            for (size_t k = 0; k < u->units[kind]; k++) {
                double own = 0;
                for (size_t i = u->unit[kind][k]; i < u->n; i = u->next[i])
                    own += value[i];
                if (pass == 0)
                    sum += own;
                else
                    square += (own - sum / count) * (own - sum / count);
            }
        double part = square * count / (count - 1);
        variance += part;
        uncertain += part * part / (count - 1);
    }
    *degrees = uncertain > 0 ? variance * variance / uncertain : 0;
    return variance;
}

/* value[i]: contributions whose mean by class, weighted by weight[class], is the metric. */
static double error_of(double *value, const double weight[2], const Units *u, double *degrees)
{
    double sum[2] = {0, 0}, count[2] = {0, 0};
    for (size_t i = 0; i < u->n; i++) {
        sum[u->label[i]] += value[i];
        count[u->label[i]] += 1;
    }
    for (size_t i = 0; i < u->n; i++) {
        int class = u->label[i];
        value[i] = (value[i] - sum[class] / count[class]) * weight[class] / count[class];
    }
    return sqrt(variance_of(value, u, degrees));
}

void influence_intervals(MetricSet *out, const MetricRun *run, size_t repeats, const Units *u,
                         Arena scratch)
{
    double *value = ARENA_RAW(&scratch, double, u->n), degrees = 0, n = (double)u->n;
    double share[2] = {(n - (double)out->positives) / n, (double)out->positives / n};
    static const MetricKind kinds[] = {METRIC_AUC, METRIC_BRIER, METRIC_LOG_LOSS};
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        Interval *m = &out->metric[kinds[k]];
        bool area = kinds[k] == METRIC_AUC;
        for (size_t i = 0; i < u->n; i++)
            value[i] = 0;
        if (area)
            placements(value, run, repeats, u);
        for (size_t r = 0; r < repeats && !area; r++)
            for (size_t i = 0; i < u->n; i++)
                value[i] += (kinds[k] == METRIC_BRIER ? run[r].square[i] : run[r].loss[i]) /
                            (double)repeats;
        double error = error_of(value, area ? (double[]){1, 1} : share, u, &degrees);
        if (!(error > 0) || !(m->value > 0) || (area && !(m->value < 1)))
            continue; /* nothing varies: what the bootstrap says stands */
        double reach = student_quantile(degrees) * error / m->value;
        if (area) {
            double middle = stable_logit(m->value);
            reach /= 1 - m->value;
            m->low = stable_sigmoid(middle - reach);
            m->high = stable_sigmoid(middle + reach);
        } else {
            m->low = m->value * stable_exp(-reach);
            m->high = m->value * stable_exp(reach);
        }
    }
}
