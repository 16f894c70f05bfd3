/* cut.c - what a threshold selects: precision, recall, net benefit. */
#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>

static void finish(MetricCut *c)
{
    c->precision = metric_proportion_exact(c->hits, c->selected, 0.95);
    c->recall = metric_proportion_exact(c->hits, c->positives, 0.95);
}

MetricCut metric_cut(const double *p, const uint8_t *label, const uint8_t *in, size_t n,
                     double threshold)
{
    MetricCut c = {.threshold = threshold};
    for (size_t i = 0; i < n; i++) {
        if ((in != NULL && !in[i]) || isnan(p[i]))
            continue;
        c.customers++;
        c.positives += label[i] != 0;
        c.selected += p[i] >= threshold;
        c.hits += p[i] >= threshold && label[i] != 0;
    }
    finish(&c);
    return c;
}

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

MetricCut metric_top(const double *p, const uint8_t *label, const uint8_t *in, size_t n, size_t k,
                     Arena scratch)
{
    double *sorted = ARENA_RAW(&scratch, double, n + 1);
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if ((in == NULL || in[i]) && !isnan(p[i]))
            sorted[count++] = p[i];
    qsort(sorted, count, sizeof *sorted, falling);
    size_t taken = k < count ? k : count;
    while (taken > 0 && taken < count && sorted[taken - 1] == sorted[taken])
        taken--;
    MetricCut c = metric_cut(p, label, in, n, taken == 0 ? INFINITY : sorted[taken - 1]);
    size_t end = k < count ? k : count;
    if (taken < end) /* all who share the probability at which it was cut */
        while (end < count && sorted[end] == sorted[taken])
            end++;
    c.tied = end > taken ? end - taken : 0;
    return c;
}

/* Every customer adds 1, -odds or 0, so mean and variance follow from the counts. */
Interval metric_net_benefit(const MetricCut *c, double threshold)
{
    if (c->customers < 2 || !(threshold >= 0 && threshold < 1))
        return (Interval){MISSING_VALUE, MISSING_VALUE, MISSING_VALUE};
    const double n = (double)c->customers, odds = threshold / (1 - threshold);
    const double hits = (double)c->hits, wrong = (double)(c->selected - c->hits);
    double mean = (hits - wrong * odds) / n;
    double square = (hits + wrong * odds * odds) / n - mean * mean;
    double half = 1.959963984540054 * sqrt((square > 0 ? square : 0) / (n - 1));
    return (Interval){mean, mean - half, mean + half};
}

static double mixed(double recall, double false_share, double prevalence)
{
    double right = recall * prevalence, wrong = false_share * (1 - prevalence);
    return right + wrong > 0 ? right / (right + wrong) : MISSING_VALUE;
}

Interval metric_precision_at(const MetricCut *c, double prevalence)
{
    size_t negatives = c->customers - c->positives, wrong = c->selected - c->hits;
    if (c->selected == 0 || c->positives == 0 || negatives == 0)
        return (Interval){MISSING_VALUE, MISSING_VALUE, MISSING_VALUE};
    Interval recall = metric_proportion_exact(c->hits, c->positives, 0.975);
    Interval mistaken = metric_proportion_exact(wrong, negatives, 0.975);
    return (Interval){mixed(recall.value, mistaken.value, prevalence),
                      mixed(recall.low, mistaken.high, prevalence),
                      mixed(recall.high, mistaken.low, prevalence)};
}
