/* learn_maps.c - beta and isotonic calibration maps, and what each needs to be trusted. */
#include "learn/learn_internal.h"

#include <math.h>
#include <stdlib.h>

/* ---- beta ----
 * Source: Kull, Silva Filho and Flach 2017, "Beta calibration: a well-founded and easily
 * implemented improvement on logistic calibration for binary classifiers", section 4: logistic
 * regression on log s and -log(1 - s); a negative parameter is fixed at 0 and the rest fitted
 * again. The weak prior on both slopes is that of learn_sigmoid. */

enum { BETA_PARTS = 3 }; /* a, b, c */

typedef struct BetaFit {
    const double *margin;
    const uint8_t *label;
    size_t n;
    double precision;
    bool free[BETA_PARTS];
} BetaFit;

/* What a, b and c are multiplied by. */
static void beta_inputs(double x[BETA_PARTS], double margin)
{
    x[0] = -margin_loss(margin, 1); /* log s */
    x[1] = margin_loss(margin, 0);  /* -log(1 - s) */
    x[2] = 1;
}

static double beta_at(const double k[BETA_PARTS], const double x[BETA_PARTS])
{
    double sum = k[2];
    for (int i = 0; i < 2; i++)
        if (k[i] != 0)
            sum += k[i] * x[i];
    return sum;
}

static double beta_objective(const BetaFit *f, const double k[BETA_PARTS])
{
    double sum = 0, x[BETA_PARTS];
    for (int i = 0; i < 2; i++)
        if (f->free[i])
            sum += f->precision / 2 * (k[i] - 1) * (k[i] - 1);
    for (size_t i = 0; i < f->n; i++) {
        beta_inputs(x, f->margin[i]);
        sum += margin_loss(beta_at(k, x), f->label[i]);
    }
    return sum;
}

/* Solve h d = g for the free parts by Gauss's elimination; what is not free stays. */
static bool beta_solve(double h[BETA_PARTS][BETA_PARTS + 1], const bool free[BETA_PARTS])
{
    for (int i = 0; i < BETA_PARTS; i++) {
        if (!free[i])
            continue;
        if (!(h[i][i] > 0))
            return false;
        for (int j = 0; j < BETA_PARTS; j++) {
            if (j == i || !free[j])
                continue;
            double share = h[j][i] / h[i][i];
            for (int k = i; k <= BETA_PARTS; k++)
                h[j][k] -= share * h[i][k];
        }
    }
    return true;
}

static void beta_newton(const BetaFit *f, double k[BETA_PARTS])
{
    double value = beta_objective(f, k);
    for (int round = 0; round < 100; round++) {
        double h[BETA_PARTS][BETA_PARTS + 1] = {{0}}, x[BETA_PARTS], largest = 0;
        for (int i = 0; i < 2; i++) {
            h[i][i] = f->precision + 1e-12;
            h[i][BETA_PARTS] = f->precision * (k[i] - 1);
        }
        h[2][2] = 1e-12;
        for (size_t r = 0; r < f->n; r++) {
            beta_inputs(x, f->margin[r]);
            double p = stable_sigmoid(beta_at(k, x)), w = p * (1 - p);
            for (int i = 0; i < BETA_PARTS; i++) {
                h[i][BETA_PARTS] += x[i] * (p - (f->label[r] != 0));
                for (int j = 0; j < BETA_PARTS; j++)
                    h[i][j] += w * x[i] * x[j];
            }
        }
        double gradient[BETA_PARTS], fall = 0;
        for (int i = 0; i < BETA_PARTS; i++) {
            gradient[i] = h[i][BETA_PARTS];
            if (f->free[i])
                largest = fmax(largest, fabs(gradient[i]));
        }
        if (largest < 1e-9 || !beta_solve(h, f->free))
            return;
        double step[BETA_PARTS] = {0};
        for (int i = 0; i < BETA_PARTS; i++)
            if (f->free[i]) {
                step[i] = -h[i][BETA_PARTS] / h[i][i];
                fall += gradient[i] * step[i];
            }
        for (double share = 1;; share /= 2) {
            double tried[BETA_PARTS];
            for (int i = 0; i < BETA_PARTS; i++)
                tried[i] = k[i] + share * step[i];
            double there = beta_objective(f, tried);
            if (there < value + 1e-4 * share * fall) {
                for (int i = 0; i < BETA_PARTS; i++)
                    k[i] = tried[i];
                value = there;
                break;
            }
            if (share < 1e-10)
                return;
        }
    }
}

Beta beta_fit(const double *margin, const uint8_t *label, size_t n, double precision)
{
    double positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] != 0;
    double base = stable_log((positives + 0.5) / ((double)n - positives + 0.5));
    BetaFit f = {margin, label, n, precision, {true, true, true}};
    for (;;) {
        double k[BETA_PARTS] = {f.free[0] ? 1 : 0, f.free[1] ? 1 : 0, 0};
        if (!f.free[0] && !f.free[1])
            return (Beta){0, 0, base};
        beta_newton(&f, k);
        if (k[0] < 0)
            f.free[0] = false;
        else if (k[1] < 0)
            f.free[1] = false;
        else
            return (Beta){k[0], k[1], k[2]};
    }
}

Beta learn_beta(const double *margin, const uint8_t *label, size_t n)
{
    return beta_fit(margin, label, n, SLOPE_PRECISION);
}

/* ---- isotonic ---- */

int labelled_by_margin(const void *a, const void *b)
{
    double x = ((const Labelled *)a)->margin, y = ((const Labelled *)b)->margin;
    return (x > y) - (x < y);
}

static double rate(const Block *b)
{
    return b->positives / b->customers;
}

/* Put a block on the pile; while it does not rise above the one below, they become one. */
static size_t pile(Block *block, size_t count, Block next)
{
    while (count > 0 && rate(&block[count - 1]) >= rate(&next)) {
        const Block *under = &block[--count];
        next.customers += under->customers;
        next.positives += under->positives;
        next.margins += under->margins;
        next.low = under->low;
    }
    block[count] = next;
    return count + 1;
}

size_t isotonic_blocks(Block *out, Arena scratch, const double *margin, const uint8_t *label,
                       size_t n)
{
    Labelled *sorted = ARENA_RAW(&scratch, Labelled, n + 1);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (Labelled){margin[i] + 0.0, label[i] != 0};
    qsort(sorted, n, sizeof *sorted, labelled_by_margin);
    size_t count = 0;
    for (size_t from = 0, to; from < n; from = to) {
        Block one = {.low = sorted[from].margin, .high = sorted[from].margin};
        for (to = from; to < n && sorted[to].margin == sorted[from].margin; to++) {
            one.customers += 1;
            one.positives += sorted[to].label;
            one.margins += sorted[to].margin;
        }
        count = pile(out, count, one);
    }
    return count;
}

Isotonic *learn_isotonic(Arena *keep, Arena scratch, const double *margin, const uint8_t *label,
                         size_t n)
{
    Block *raw = ARENA_RAW(&scratch, Block, n + 1), *block = ARENA_RAW(&scratch, Block, n + 1);
    size_t found = isotonic_blocks(raw, scratch, margin, label, n), count = 0;
    double positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] != 0;
    double base = (positives + 0.5) / ((double)n + 1);
    for (size_t i = 0; i < found; i++) {
        Block one = raw[i];
        one.margins += one.margins / one.customers; /* the added customer stands at the centre */
        one.customers += 1;
        one.positives += base;
        count = pile(block, count, one);
    }
    Isotonic *t = ARENA_NEW(keep, Isotonic);
    t->margin = ARENA_ARRAY(keep, double, count + 1);
    t->log_odds = ARENA_ARRAY(keep, double, count + 1);
    t->knots = count == 0 ? 1 : count;
    t->log_odds[0] = stable_logit(base);
    for (size_t i = 0; i < count; i++) {
        double centre = block[i].margins / block[i].customers;
        t->margin[i] = centre < block[i].low    ? block[i].low
                       : centre > block[i].high ? block[i].high
                                                : centre;
        t->log_odds[i] = stable_logit(rate(&block[i]));
    }
    return t;
}

/* ---- all three ---- */

/* What a map must be fitted on before it is compared at all. */
static const struct {
    size_t customers, each;
} floor_of[CALIBRATION_KINDS] = {[CALIBRATION_PLATT] = {0, 0},
                                 [CALIBRATION_BETA] = {100, 30},
                                 [CALIBRATION_ISOTONIC] = {1000, 100}};

bool learn_calibration_enough(CalibrationKind kind, size_t customers, size_t positives,
                              size_t *customers_least, size_t *each_least)
{
    size_t fewer = positives < customers - positives ? positives : customers - positives;
    *customers_least = floor_of[kind].customers;
    *each_least = floor_of[kind].each;
    return customers >= *customers_least && fewer >= *each_least;
}

Calibration learn_calibration(CalibrationKind kind, Arena *keep, Arena scratch,
                              const double *margin, const uint8_t *label, size_t n)
{
    Calibration c = {.kind = kind};
    if (kind == CALIBRATION_PLATT)
        c.platt = learn_sigmoid(margin, label, n);
    else if (kind == CALIBRATION_BETA)
        c.beta = learn_beta(margin, label, n);
    else
        c.isotonic = learn_isotonic(keep, scratch, margin, label, n);
    return c;
}
