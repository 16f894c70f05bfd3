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

Interval metric_ratio(size_t count, size_t of, size_t other, size_t other_of, double z)
{
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

double metric_normal_quantile(double p)
{
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                               -2.759285104469687e+02, 1.383577518672690e+02,
                               -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                               -1.556989798598866e+02, 6.680131188771972e+01,
                               -1.328068155288572e+01};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                               -2.400758277161838e+00, -2.549732539343734e+00,
                               4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    const double tail = 0.02425;
    assert(p > 0 && p < 1);
    if (p > 1 - tail)
        return -metric_normal_quantile(1 - p);
    if (p < tail) {
        double q = sqrt(-2 * stable_log(p));
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    }
    double q = p - 0.5, r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}
