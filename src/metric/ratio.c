#include "metric/metric.h"

#include <assert.h>
#include <math.h>

/* Squared standard errors between what was seen and a ratio of `phi`, at the proportions that are
 * likeliest under it. */
static double distance(double phi, double x, double m, double y, double n)
{
    double a = (m + n) * phi, b = -(m * phi + x + n + y * phi), c = x + y;
    double root = b * b - 4 * a * c;
    /* The smaller root, in the form that does not cancel. */
    double q = 2 * c / (-b + sqrt(root > 0 ? root : 0)), p = phi * q;
    double gap = x / m - phi * (y / n);
    double variance = p * (1 - p) / m + phi * phi * q * (1 - q) / n;
    return variance > 0 ? gap * gap / variance : gap == 0 ? 0 : INFINITY;
}

Interval metric_ratio(size_t count, size_t of, size_t other, size_t other_of)
{
    const double z = 1.959963984540054;
    assert(count <= of && other <= other_of);
    if (of == 0 || other_of == 0)
        return (Interval){NAN, NAN, NAN};
    enum { STEPS = 200 };
    double x = (double)count, m = (double)of, y = (double)other, n = (double)other_of;
    double value = (x / m) / (y / n), limit = z * z; /* infinite, or NaN, where y is 0 */
    Interval out = {value, 0, INFINITY};
    if (count > 0) { /* from the value, or far away from it, down to 0 */
        double inside = other > 0 ? value : 0x1p60, outside = inside;
        for (int i = 0; i < STEPS && distance(outside, x, m, y, n) <= limit; i++)
            outside /= 2;
        for (int i = 0; i < STEPS && outside < inside; i++) {
            double middle = outside + (inside - outside) / 2;
            if (middle <= outside || middle >= inside)
                break;
            *(distance(middle, x, m, y, n) <= limit ? &inside : &outside) = middle;
        }
        out.low = inside;
    }
    if (other > 0) {
        double inside = count > 0 ? value : 0x1p-60, outside = inside;
        for (int i = 0; i < STEPS && distance(outside, x, m, y, n) <= limit; i++)
            outside *= 2;
        for (int i = 0; i < STEPS && inside < outside; i++) {
            double middle = inside + (outside - inside) / 2;
            if (middle <= inside || middle >= outside)
                break;
            *(distance(middle, x, m, y, n) <= limit ? &inside : &outside) = middle;
        }
        out.high = inside;
    }
    return out;
}

/* Probabilities go from the most likely table outwards, each relative to it: what underflows on the
 * way is nothing beside it. */
double metric_fisher(size_t count, size_t of, size_t other, size_t other_of)
{
    assert(count <= of && other <= other_of);
    double m = (double)of, n = (double)other_of, k = (double)(count + other);
    size_t low = count + other > other_of ? count + other - other_of : 0;
    size_t high = count + other < of ? count + other : of;
    size_t mode = (size_t)((k + 1) * (m + 1) / (m + n + 2));
    mode = mode < low ? low : mode > high ? high : mode;
    double seen = 1, all = 0, rare = 0;
    for (int pass = 0; pass < 2; pass++) { /* first how likely the table seen is, then the sums */
        double p = 1;
        for (size_t x = mode;; x++) {
            double a = (double)x;
            if (pass == 0 && x == count)
                seen = p;
            all += pass == 1 ? p : 0;
            rare += pass == 1 && p <= seen * (1 + 1e-7) ? p : 0;
            if (x == high)
                break;
            p *= (m - a) * (k - a) / ((a + 1) * (n - k + a + 1));
        }
        p = 1;
        for (size_t x = mode; x > low; x--) {
            double a = (double)x;
            p *= a * (n - k + a) / ((m - a + 1) * (k - a + 1));
            if (pass == 0 && x - 1 == count)
                seen = p;
            all += pass == 1 ? p : 0;
            rare += pass == 1 && p <= seen * (1 + 1e-7) ? p : 0;
        }
    }
    return rare / all;
}
