/* kolmogorov.c - are two samples of one distribution? Tests on counts in bins. */
#include "metric/metric_internal.h"

#include <math.h>

/* Up to so many steps the distribution of D is counted out. */
static const double exact_steps = 4e6;

/* Paths from (0, 0) to (n, m) that never come so far from the diagonal, over all paths. */
static double exact(double d, uint64_t n, uint64_t m, Arena scratch)
{
    double dn = (double)n, dm = (double)m;
    double q = (0.5 + floor(d * dn * dm - 1e-7)) / (dn * dm);
    double *u = ARENA_ARRAY(&scratch, double, m + 1);
    for (uint64_t j = 0; j <= m; j++)
        u[j] = (double)j / dm > q ? 0 : 1;
    for (uint64_t i = 1; i <= n; i++) {
        double at = (double)i / dn, w = (double)i / (double)(i + m);
        u[0] = at > q ? 0 : w * u[0];
        for (uint64_t j = 1; j <= m; j++)
            u[j] = fabs(at - (double)j / dm) > q ? 0 : w * u[j] + u[j - 1];
    }
    return 1 - u[m];
}

double metric_kolmogorov_tail(double lambda)
{
    if (lambda < 0.2) /* 1 but for 1e-12 */
        return 1;
    double sum = 0;
    for (int k = 1; k <= 100; k++) {
        double term = stable_exp(-2 * k * k * lambda * lambda);
        sum += k % 2 == 1 ? term : -term;
        if (term < 1e-18 * sum)
            break;
    }
    return fmin(1, 2 * sum);
}

double metric_kolmogorov(double d, uint64_t n, uint64_t m, Arena scratch)
{
    if (n == 0 || m == 0 || is_missing(d))
        return MISSING_VALUE;
    if (d <= 0)
        return 1;
    if ((double)n * (double)m <= exact_steps)
        return fmin(1, fmax(0, exact(d, n, m, scratch)));
    double root = sqrt((double)n / (double)(n + m) * (double)m);
    return metric_kolmogorov_tail((root + 0.12 + 0.11 / root) * d);
}

double metric_kolmogorov_distance(const uint64_t *one, const uint64_t *other, size_t bins)
{
    double n = 0, m = 0, a = 0, b = 0, d = 0;
    for (size_t k = 0; k < bins; k++) {
        n += (double)one[k];
        m += (double)other[k];
    }
    if (n == 0 || m == 0)
        return MISSING_VALUE;
    for (size_t k = 0; k < bins; k++) {
        a += (double)one[k];
        b += (double)other[k];
        d = fmax(d, fabs(a / n - b / m));
    }
    return d;
}

/* ---- chi-squared ---- */

enum { EXPECTED_LEAST = 5 };

double metric_chi_squared(double *statistic, size_t *degrees, const uint64_t *one,
                          const uint64_t *other, size_t bins)
{
    double n = 0, m = 0, rest[2] = {0}, x = 0;
    size_t cells = 0;
    for (size_t k = 0; k < bins; k++) {
        n += (double)one[k];
        m += (double)other[k];
    }
    *statistic = MISSING_VALUE;
    *degrees = 0;
    for (size_t k = 0; n > 0 && m > 0 && k <= bins; k++) {
        double a = k < bins ? (double)one[k] : rest[0], b = k < bins ? (double)other[k] : rest[1];
        double share = (a + b) / (n + m);
        if (share == 0)
            continue;
        if (k < bins && share * fmin(n, m) < EXPECTED_LEAST) { /* the few are one */
            rest[0] += a;
            rest[1] += b;
            continue;
        }
        cells++;
        x += (a - n * share) * (a - n * share) / (n * share) +
             (b - m * share) * (b - m * share) / (m * share);
    }
    if (cells < 2)
        return MISSING_VALUE;
    *statistic = x;
    *degrees = cells - 1;
    return metric_chi_squared_tail(x, cells - 1);
}
