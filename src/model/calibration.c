/* calibration.c - from margins to calibrated log-odds, and contributions with them. */
#include "model/model.h"

#include <assert.h>
#include <math.h>

double platt_apply(Platt c, double margin)
{
    return stable_sigmoid(c.slope * margin + c.intercept);
}

Str calibration_name(CalibrationKind kind)
{
    return kind == CALIBRATION_PLATT  ? S("platt")
           : kind == CALIBRATION_BETA ? S("beta")
                                      : S("isotonic");
}

/* log(1 + exp(x)) */
static double softplus(double x)
{
    return x > 0 ? x + stable_log1p(stable_exp(-x)) : stable_log1p(stable_exp(x));
}

/* log s = -softplus(-m), log(1 - s) = -softplus(m). */
static double beta_log_odds(Beta k, double margin)
{
    double below = k.a > 0 ? k.a * softplus(-margin) : 0;
    double above = k.b > 0 ? k.b * softplus(margin) : 0;
    return above - below + k.c;
}

static double isotonic_log_odds(const Isotonic *t, double margin)
{
    size_t last = t->knots - 1;
    if (!(margin > t->margin[0]))
        return is_missing(margin) ? margin : t->log_odds[0];
    if (margin >= t->margin[last])
        return t->log_odds[last];
    size_t low = 0, high = last; /* margin[low] < margin < margin[high] or equal to the first */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (t->margin[middle] <= margin)
            low = middle;
        else
            high = middle;
    }
    double share = (margin - t->margin[low]) / (t->margin[high] - t->margin[low]);
    double value = t->log_odds[low] + share * (t->log_odds[high] - t->log_odds[low]);
    return value < t->log_odds[high] ? value : t->log_odds[high];
}

double calibration_log_odds(const Calibration *c, double margin)
{
    return c->kind == CALIBRATION_PLATT  ? c->platt.slope * margin + c->platt.intercept
           : c->kind == CALIBRATION_BETA ? beta_log_odds(c->beta, margin)
                                         : isotonic_log_odds(c->isotonic, margin);
}

double calibration_apply(const Calibration *c, double margin)
{
    return stable_sigmoid(calibration_log_odds(c, margin));
}

static void assert_sum(double log_odds, size_t columns, const double *phi)
{
    double sum = 0, size = fabs(log_odds);
    for (size_t k = 0; k <= columns; k++) {
        sum += phi[k];
        size += fabs(phi[k]);
    }
    assert(fabs(sum - log_odds) <= 1e-9 * size || !isfinite(size));
    (void)sum;
}

void calibration_contributions(const Calibration *c, double margin, size_t columns, double *phi)
{
    double log_odds = calibration_log_odds(c, margin), bias = phi[columns], size = fabs(margin);
    if (c->kind == CALIBRATION_PLATT) {
        for (size_t k = 0; k <= columns; k++)
            phi[k] *= c->platt.slope;
        phi[columns] += c->platt.intercept;
        assert_sum(log_odds, columns, phi);
        return;
    }
    for (size_t k = 0; k <= columns; k++)
        size += fabs(phi[k]);
    /* Where the contributions cancel to nothing there is no chord: the map's own slope there, from
     * a step that rounding cannot spoil, and the bias takes the rest. */
    double step = 1e-6 * (1 + size), at_bias = calibration_log_odds(c, bias), moved = 0;
    bool chord = fabs(margin - bias) >= step;
    double factor =
        chord ? (log_odds - at_bias) / (margin - bias)
              : (calibration_log_odds(c, margin + step) - calibration_log_odds(c, margin - step)) /
                    (2 * step);
    for (size_t k = 0; k < columns; k++) {
        phi[k] *= factor;
        moved += phi[k];
    }
    phi[columns] = chord ? at_bias : log_odds - moved;
    assert_sum(log_odds, columns, phi);
}
