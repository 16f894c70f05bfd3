/* binomial.c - exact binomial probabilities, the bounds that follow, and how much proof they ask.
 */
#include "metric/metric.h"

#include <assert.h>
#include <math.h>

static const double two_pi = 6.283185307179586476925286766559;

/* What Stirling's formula lacks of log n!: log n! - log(sqrt(2 pi n) (n / e)^n). */
static double stirling_error(double n)
{
    static const double exact[] = {0,
                                   0.08106146679532725822,
                                   0.04134069595540929409,
                                   0.02767792568499833915,
                                   0.02079067210376509311,
                                   0.01664469118982119216,
                                   0.01387612882307074800,
                                   0.01189670994589177010,
                                   0.01041126526197209650,
                                   0.00925546218271273292,
                                   0.00833056343336287126,
                                   0.00757367548795184079,
                                   0.00694284010720952987,
                                   0.00640899418800420707,
                                   0.00595137011275884774,
                                   0.00555473355196280137};
    const size_t listed = COUNT_OF(exact);
    if (n < (double)listed)
        return exact[(size_t)n];
    const double square = n * n;
    return (1.0 / 12 -
            (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / square) / square) / square) /
                square) /
           n;
}

/* x log(x / mean) + mean - x, also where the two nearly cancel. */
static double deviance(double x, double mean)
{
    if (fabs(x - mean) >= 0.1 * (x + mean))
        return x * stable_log(x / mean) + mean - x;
    double v = (x - mean) / (x + mean), sum = (x - mean) * v, term = 2 * x * v;
    for (int j = 1; j < 1000; j++) {
        term *= v * v;
        double next = sum + term / (2 * j + 1);
        if (next == sum)
            break;
        sum = next;
    }
    return sum;
}

/* The chance of a success and of a failure. Both, because 1 - p loses the digits of a small p. */
typedef struct Chance {
    double yes, no;
} Chance;

static double log_of(double p, double other)
{
    return other < 0.5 ? stable_log1p(-other) : stable_log(p);
}

/* P(X = k). Source: Loader 2000, the saddle-point expansion of R's dbinom. */
static double exactly(size_t k, size_t n, Chance c)
{
    const double x = (double)k, all = (double)n;
    if (k == 0)
        return stable_exp(all * log_of(c.no, c.yes));
    if (k == n)
        return stable_exp(all * log_of(c.yes, c.no));
    double log_height = stirling_error(all) - stirling_error(x) - stirling_error(all - x) -
                        deviance(x, all * c.yes) - deviance(all - x, all * c.no);
    return stable_exp(log_height) * sqrt(all / (two_pi * x * (all - x)));
}

/* P(X >= k) for k at or above the mean: every next term is smaller, and none is negative. */
static double above(size_t k, size_t n, Chance c)
{
    double term = exactly(k, n, c), sum = term;
    for (size_t i = k; i < n && term > 0; i++) {
        term *= (double)(n - i) / (double)(i + 1) * (c.yes / c.no);
        double next = sum + term;
        if (next == sum)
            break;
        sum = next;
    }
    return sum > 1 ? 1 : sum;
}

static double least(size_t k, size_t n, Chance c)
{
    if (k == 0)
        return 1;
    if (k > n || c.yes <= 0)
        return 0;
    if (c.no <= 0)
        return 1;
    if ((double)k >= (double)n * c.yes)
        return above(k, n, c);
    /* Below the mean the other side is the small one: fewer than k successes are more than n - k
     * failures. */
    return 1 - above(n - k + 1, n, (Chance){c.no, c.yes});
}

static double most(size_t k, size_t n, Chance c)
{
    return k >= n ? 1 : least(n - k, n, (Chance){c.no, c.yes});
}

double metric_binomial_least(size_t k, size_t n, double p)
{
    assert(p >= 0 && p <= 1);
    return least(k, n, (Chance){p, 1 - p});
}

double metric_binomial_most(size_t k, size_t n, double p)
{
    assert(p >= 0 && p <= 1);
    return most(k, n, (Chance){p, 1 - p});
}

typedef double Tail(size_t k, size_t n, Chance c);

/* The p at which a tail that grows (or falls) in p takes the value, to the last bit. */
static double solve(Tail *tail, bool grows, size_t k, size_t n, double value)
{
    double low = 0, high = 1;
    for (;;) {
        double middle = low + (high - low) / 2;
        if (!(middle > low && middle < high))
            return middle;
        if ((tail(k, n, (Chance){middle, 1 - middle}) < value) == grows)
            low = middle;
        else
            high = middle;
        if (high - low < 1e-16 * high)
            return low + (high - low) / 2;
    }
}

double metric_proportion_low(size_t successes, size_t trials, double confidence)
{
    assert(successes <= trials);
    if (trials == 0)
        return MISSING_VALUE;
    return successes == 0 ? 0 : solve(least, true, successes, trials, 1 - confidence);
}

double metric_proportion_high(size_t successes, size_t trials, double confidence)
{
    assert(successes <= trials);
    if (trials == 0)
        return MISSING_VALUE;
    return successes == trials ? 1 : solve(most, false, successes, trials, 1 - confidence);
}

Interval metric_proportion_exact(size_t successes, size_t trials, double confidence)
{
    if (trials == 0)
        return (Interval){MISSING_VALUE, MISSING_VALUE, MISSING_VALUE};
    const double side = 1 - (1 - confidence) / 2;
    return (Interval){(double)successes / (double)trials,
                      metric_proportion_low(successes, trials, side),
                      metric_proportion_high(successes, trials, side)};
}

size_t metric_certifying_trials(size_t failures, double rate, double confidence, size_t trials_max)
{
    if (!(rate < 1) || !(confidence < 1))
        return 0;
    /* More trials with as many failures are stronger proof: the first that is enough. */
    size_t low = failures, high = failures + 1;
    while (metric_binomial_least(high - failures, high, rate) > 1 - confidence) {
        if (high > trials_max)
            return 0;
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (metric_binomial_least(middle - failures, middle, rate) > 1 - confidence)
            low = middle;
        else
            high = middle;
    }
    return high > trials_max ? 0 : high;
}
