/* ranking.c - figures over fold models: where a feature stood, how far they agree, how sure a mean
 * over them is. */
#include "inspect/inspect_internal.h"

#include <math.h>

/* Places from 1, the greatest first, equal values sharing their mean place. Answers the sum of
 * t^3 - t over ties of t. */
static double places(double *place, const double *value, size_t n)
{
    double ties = 0;
    for (size_t i = 0; i < n; i++) {
        size_t above = 0, equal = 0;
        for (size_t k = 0; k < n; k++) {
            above += value[k] > value[i];
            equal += value[k] == value[i];
        }
        place[i] = (double)above + ((double)equal + 1) / 2;
        ties += (double)equal * (double)equal - 1; /* once a member, so t (t^2 - 1) a tie */
    }
    return ties;
}

static void agree(ImportanceAgreement *out, const double *place, double ties, size_t m, size_t n,
                  Arena scratch)
{
    *out = (ImportanceAgreement){.rankings = m, .kendall_w = NAN, .spearman = NAN};
    if (m < 2 || n < 2)
        return;
    double spread = 0, mean = (double)m * ((double)n + 1) / 2;
    for (size_t f = 0; f < n; f++) {
        double sum = -mean;
        for (size_t k = 0; k < m; k++)
            sum += place[k * n + f];
        spread += sum * sum;
    }
    double features = (double)n, models = (double)m;
    double most = models * models * (features * features * features - features) - models * ties;
    if (most > 0)
        out->kendall_w = 12 * spread / most;
    double *rank = ARENA_RAW(&scratch, double, m *n), sum = 0;
    for (size_t k = 0; k < m; k++)
        importance_ranks(rank + k * n, place + k * n, n, scratch);
    for (size_t a = 0; a < m; a++)
        for (size_t b = 0; b < a; b++)
            for (size_t f = 0; f < n; f++)
                sum += rank[a * n + f] * rank[b * n + f];
    out->spearman = sum / (models * (models - 1) / 2);
}

void importance_rank(ImportanceRank *rank, ImportanceAgreement *agreement, const double *value,
                     size_t rankings, size_t features, Arena scratch)
{
    double *place = ARENA_RAW(&scratch, double, rankings *features + 1), ties = 0;
    double *own = ARENA_RAW(&scratch, double, rankings + 1);
    for (size_t k = 0; k < rankings; k++)
        ties += places(place + k * features, value + k * features, features);
    for (size_t f = 0; f < features; f++) {
        size_t five = 0, ten = 0;
        for (size_t k = 0; k < rankings; k++) {
            own[k] = place[k * features + f];
            five += own[k] <= 5;
            ten += own[k] <= 10;
        }
        metric_sort(own, rankings);
        rank[f] = (ImportanceRank){.median = metric_quantile(own, rankings, 0.5),
                                   .low = metric_quantile(own, rankings, 0.05),
                                   .high = metric_quantile(own, rankings, 0.95),
                                   .top5 = (double)five / (double)rankings,
                                   .top10 = (double)ten / (double)rankings};
    }
    agree(agreement, place, ties, rankings, features, scratch);
}

double importance_t_limit(size_t degrees)
{
    static const double few[] = {12.706204736174698, 4.302652729911275, 3.182446305284263,
                                 2.776445105197794,  2.570581835636314, 2.4469118511449786,
                                 2.3646242515927849, 2.306004135204166, 2.2621571628540993,
                                 2.228138851964939};
    if (degrees == 0)
        return INFINITY;
    if (degrees <= COUNT_OF(few))
        return few[degrees - 1];
    /* Cornish and Fisher's expansion about the normal's point (Abramowitz and Stegun 26.7.5). */
    const double z = 1.959963984540054, v = (double)degrees, s = z * z;
    return z + z * (s + 1) / (4 * v) + z * ((5 * s + 16) * s + 3) / (96 * v * v) +
           z * (((3 * s + 19) * s + 17) * s - 15) / (384 * v * v * v) +
           z * ((((79 * s + 776) * s + 1482) * s - 1920) * s - 945) / (92160 * v * v * v * v);
}

Interval importance_over_models(const double *value, size_t models, size_t folds)
{
    double sum = 0, square = 0;
    size_t n = 0;
    for (size_t k = 0; k < models; k++)
        if (!is_missing(value[k])) {
            sum += value[k];
            n++;
        }
    if (n == 0)
        return (Interval){NAN, NAN, NAN};
    double mean = sum / (double)n;
    if (n == 1)
        return (Interval){mean, NAN, NAN};
    for (size_t k = 0; k < models; k++)
        if (!is_missing(value[k]))
            square += (value[k] - mean) * (value[k] - mean);
    double variance = square / (double)(n - 1) * (1 / (double)n + 1 / (double)(folds - 1));
    double half = importance_t_limit(n - 1) * sqrt(variance);
    return (Interval){mean, mean - half, mean + half};
}
