#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>

enum { CUTS = 9, BINS = CUTS + 2 }; /* the last bin holds the missing */

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Bin b holds (cut[b - 1], cut[b]]; equal cuts leave empty bins, which are not counted. */
static void count(size_t bin[BINS], const float *x, size_t n, const float *cut, size_t cuts)
{
    for (size_t i = 0; i < n; i++) {
        size_t b = 0;
        if (x[i] != x[i])
            b = BINS - 1;
        else
            while (b < cuts && x[i] > cut[b])
                b++;
        bin[b]++;
    }
}

Stability metric_psi(const float *expected, size_t n, const float *actual, size_t m, Arena scratch)
{
    if (n == 0 || m == 0)
        return (Stability){NAN, NAN, 0};
    float *known = ARENA_RAW(&scratch, float, n), cut[CUTS];
    size_t knowns = 0, before[BINS] = {0}, after[BINS] = {0};
    for (size_t i = 0; i < n; i++)
        if (expected[i] == expected[i])
            known[knowns++] = expected[i];
    qsort(known, knowns, sizeof *known, ascending);
    /* Cuts are values that occur, so that a value shared by many lies in one bin. */
    for (size_t d = 0; d < CUTS && knowns > 0; d++)
        cut[d] = known[(knowns * (d + 1) + CUTS) / (CUTS + 1) - 1];
    count(before, expected, n, cut, knowns > 0 ? CUTS : 0);
    count(after, actual, m, cut, knowns > 0 ? CUTS : 0);

    Stability out = {0};
    for (size_t b = 0; b < BINS; b++) {
        if (before[b] + after[b] == 0)
            continue;
        out.bins++;
        /* An empty side counts as half a customer: the index stays finite and says "much". */
        double e = (before[b] == 0 ? 0.5 : (double)before[b]) / (double)n;
        double a = (after[b] == 0 ? 0.5 : (double)after[b]) / (double)m;
        out.psi += (a - e) * stable_log(a / e);
    }
    out.null_mean = (double)(out.bins - 1) * (1.0 / (double)n + 1.0 / (double)m);
    return out;
}
