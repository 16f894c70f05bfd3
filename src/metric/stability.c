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
static void count(uint64_t bin[BINS], const float *x, size_t n, const float *cut, size_t cuts)
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

static uint64_t sum(const uint64_t *count, size_t bins)
{
    uint64_t total = 0;
    for (size_t b = 0; b < bins; b++)
        total += count[b];
    return total;
}

Stability metric_psi_counts(const uint64_t *expected, const uint64_t *actual, size_t bins)
{
    double n = (double)sum(expected, bins), m = (double)sum(actual, bins);
    if (n == 0 || m == 0)
        return (Stability){NAN, NAN, 0};
    Stability out = {0};
    for (size_t b = 0; b < bins; b++) {
        if (expected[b] + actual[b] == 0)
            continue;
        out.bins++;
        /* An empty side counts as half a customer: the index stays finite and says "much". */
        double e = (expected[b] == 0 ? 0.5 : (double)expected[b]) / n;
        double a = (actual[b] == 0 ? 0.5 : (double)actual[b]) / m;
        out.psi += (a - e) * stable_log(a / e);
    }
    out.null_mean = (double)(out.bins - 1) * (1.0 / n + 1.0 / m);
    return out;
}

enum { PARTITIONS = 999, PARTITION_BELOW = 1000 };

/* Wilson and Hilferty 1931: a chi-squared variable's cube root is nearly normal. */
static double chi_squared_limit(double degrees)
{
    const double z = 3.090232306167813; /* of 0.999 */
    double v = 2 / (9 * degrees), root = 1 - v + z * sqrt(v);
    return degrees * root * root * root;
}

double metric_psi_limit_about(const uint64_t *expected, const uint64_t *actual, size_t bins)
{
    uint64_t n = sum(expected, bins), m = sum(actual, bins);
    size_t taken = metric_psi_counts(expected, actual, bins).bins;
    if (n == 0 || m == 0)
        return NAN;
    return taken < 2 ? 0 : chi_squared_limit((double)(taken - 1)) * (1 / (double)n + 1 / (double)m);
}

double metric_psi_limit(const uint64_t *expected, const uint64_t *actual, size_t bins,
                        uint64_t seed, Arena scratch)
{
    uint64_t n = sum(expected, bins), m = sum(actual, bins), few = n < m ? n : m;
    Stability seen = metric_psi_counts(expected, actual, bins);
    if (seen.bins < 2)
        return n == 0 || m == 0 ? NAN : 0;
    if (few >= PARTITION_BELOW)
        return metric_psi_limit_about(expected, actual, bins);
    uint64_t *rest = ARENA_ARRAY(&scratch, uint64_t, bins);
    uint64_t *drawn = ARENA_ARRAY(&scratch, uint64_t, bins);
    Random r = random_new(seed);
    double limit = 0;
    for (int k = 0; k < PARTITIONS; k++) {
        for (size_t b = 0; b < bins; b++) {
            rest[b] = expected[b] + actual[b];
            drawn[b] = 0;
        }
        for (uint64_t i = 0; i < few; i++) {
            uint64_t at = random_below(&r, n + m - i);
            size_t b = 0;
            while (at >= rest[b])
                at -= rest[b++];
            rest[b]--;
            drawn[b]++;
        }
        limit = fmax(limit, metric_psi_counts(rest, drawn, bins).psi);
    }
    return limit;
}

Stability metric_psi(const float *expected, size_t n, const float *actual, size_t m, Arena scratch)
{
    return metric_psi_tested(NULL, expected, n, actual, m, 0, scratch);
}

Stability metric_psi_tested(double *limit, const float *expected, size_t n, const float *actual,
                            size_t m, uint64_t seed, Arena scratch)
{
    if (limit != NULL)
        *limit = NAN;
    if (n == 0 || m == 0)
        return (Stability){NAN, NAN, 0};
    float *known = ARENA_RAW(&scratch, float, n), cut[CUTS];
    size_t knowns = 0;
    uint64_t before[BINS] = {0}, after[BINS] = {0};
    for (size_t i = 0; i < n; i++)
        if (expected[i] == expected[i])
            known[knowns++] = expected[i];
    qsort(known, knowns, sizeof *known, ascending);
    /* Cuts are values that occur, so that a value shared by many lies in one bin. */
    for (size_t d = 0; d < CUTS && knowns > 0; d++)
        cut[d] = known[(knowns * (d + 1) + CUTS) / (CUTS + 1) - 1];
    count(before, expected, n, cut, knowns > 0 ? CUTS : 0);
    count(after, actual, m, cut, knowns > 0 ? CUTS : 0);
    Stability out = metric_psi_counts(before, after, BINS);
    if (limit != NULL && out.psi > out.null_mean)
        *limit = metric_psi_limit(before, after, BINS, seed, scratch);
    return out;
}
