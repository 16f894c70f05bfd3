/* calibration.c - do probabilities mean what they say, and what would they mean elsewhere? */
#include "metric/metric_internal.h"

#include <math.h>
#include <stdlib.h>

static const double normal_95 = 1.959963984540054;
static const Interval undefined = {NAN, NAN, NAN};

/* The picked customers, laid side by side. */
typedef struct Picked {
    size_t n, positives, repeats;
    double **p; /* [repeats][n] */
    uint8_t *label;
    bool defined; /* no probability is missing */
} Picked;

static Picked pick(Arena *keep, const double *const *p, size_t repeats, const uint8_t *label,
                   const uint8_t *in, size_t n)
{
    Picked s = {.repeats = repeats, .defined = repeats > 0};
    s.p = ARENA_ARRAY(keep, double *, repeats + 1);
    s.label = ARENA_RAW(keep, uint8_t, n + 1);
    for (size_t r = 0; r < repeats; r++)
        s.p[r] = ARENA_RAW(keep, double, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (in != NULL && !in[i])
            continue;
        for (size_t r = 0; r < repeats; r++) {
            s.p[r][s.n] = p[r][i];
            s.defined = s.defined && !is_missing(p[r][i]);
        }
        s.positives += label[i] != 0;
        s.label[s.n++] = label[i] != 0;
    }
    s.defined = s.defined && s.n > 0;
    return s;
}

static double log_odds_of(double p)
{
    return stable_logit(p < 1e-15 ? 1e-15 : p > 1 - 1e-15 ? 1 - 1e-15 : p);
}

/* ---- recalibration ---- */

typedef struct Line {
    double slope, intercept, slope_error, intercept_error;
    bool found;
} Line;

static double line_loss(const double *x, const uint8_t *label, size_t n, double slope,
                        double intercept)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double f = slope * x[i] + intercept, right = label[i] ? f : -f;
        sum +=
            right > 0 ? stable_log1p(stable_exp(-right)) : stable_log1p(stable_exp(right)) - right;
    }
    return sum;
}

/* Newton's method, halving a step that does not help. With the slope held only the intercept moves.
 * Not found: no optimum (parted classes) or no variation. */
static Line line_fit(const double *x, const uint8_t *label, size_t n, bool held)
{
    Line l = {.slope = held ? 1 : 0};
    double loss = line_loss(x, label, n, l.slope, l.intercept);
    for (int round = 0; round < 60; round++) {
        double g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;
        for (size_t i = 0; i < n; i++) {
            double p = stable_sigmoid(l.slope * x[i] + l.intercept), w = p * (1 - p);
            g0 += x[i] * (p - label[i]);
            g1 += p - label[i];
            h00 += x[i] * x[i] * w;
            h01 += x[i] * w;
            h11 += w;
        }
        double determinant = held ? h11 : h00 * h11 - h01 * h01;
        if (!(h11 > 1e-9) || !(determinant > 1e-9 * (held ? h11 : h00 * h11)))
            return l;
        double s0 = held ? 0 : (h11 * g0 - h01 * g1) / determinant;
        double s1 = held ? g1 / h11 : (h00 * g1 - h01 * g0) / determinant;
        l.slope_error = held ? 0 : sqrt(h11 / determinant);
        l.intercept_error = held ? sqrt(1 / h11) : sqrt(h00 / determinant);
        /* So near, a whole step doubles the digits, and the loss can no longer tell. */
        if (fabs(s0) < 1e-6 * (1 + fabs(l.slope)) && fabs(s1) < 1e-6 * (1 + fabs(l.intercept))) {
            l.slope -= s0;
            l.intercept -= s1;
            l.found = true;
            return l;
        }
        double share = 1, there = line_loss(x, label, n, l.slope - s0, l.intercept - s1);
        while (!(there <= loss) && share > 1e-9) {
            share /= 2;
            there = line_loss(x, label, n, l.slope - share * s0, l.intercept - share * s1);
        }
        if (share <= 1e-9)
            return l;
        l.slope -= share * s0;
        l.intercept -= share * s1;
        loss = there;
    }
    return l;
}

static Interval wald(double value, double error)
{
    return (Interval){value, value - normal_95 * error, value + normal_95 * error};
}

static void recalibrate(Recalibration *out, const Picked *s, Arena scratch)
{
    *out = (Recalibration){undefined, undefined, undefined};
    if (!s->defined || s->positives == 0 || s->positives == s->n)
        return;
    double *x = ARENA_RAW(&scratch, double, s->n), repeats = (double)s->repeats;
    Line free = {.found = true}, held = {.found = true};
    for (size_t r = 0; r < s->repeats; r++) {
        for (size_t i = 0; i < s->n; i++)
            x[i] = log_odds_of(s->p[r][i]);
        Line one = line_fit(x, s->label, s->n, false), two = line_fit(x, s->label, s->n, true);
        free.found = free.found && one.found;
        held.found = held.found && two.found;
        free.slope += one.slope / repeats;
        free.slope_error += one.slope_error / repeats;
        free.intercept += one.intercept / repeats;
        free.intercept_error += one.intercept_error / repeats;
        held.intercept += two.intercept / repeats;
        held.intercept_error += two.intercept_error / repeats;
    }
    if (free.found) {
        out->slope = wald(free.slope, free.slope_error);
        out->intercept = wald(free.intercept, free.intercept_error);
    }
    if (held.found)
        out->large = wald(held.intercept, held.intercept_error);
}

void metric_recalibration(Recalibration *out, const double *const *p, size_t repeats,
                          const uint8_t *label, const uint8_t *in, size_t n)
{
    Arena own = arena_new(), scratch = arena_new();
    Picked s = pick(&own, p, repeats, label, in, n);
    recalibrate(out, &s, scratch);
    arena_free(&scratch);
    arena_free(&own);
}

/* ---- the noise floor ---- */

typedef struct Item {
    double p;
    uint32_t row;
} Item;

static int rising(const void *a, const void *b)
{
    const Item *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

typedef struct Noise {
    const Picked *s;
    Item **item; /* [repeats][n] in rising order */
    uint64_t seed;
    double *drawn; /* [draws] */
} Noise;

/* metric_ece over customers in order, the label of each by its number in `below`, or the true one.
 */
static double error_of(const Noise *w, const double *below)
{
    double sum = 0;
    size_t n = w->s->n;
    for (size_t r = 0; r < w->s->repeats; r++) {
        const Item *item = w->item[r];
        size_t i = 0;
        for (size_t bin = 0; bin < METRIC_ECE_BINS; bin++) {
            double gap = 0;
            for (; i < (bin + 1) * n / METRIC_ECE_BINS; i++) {
                bool label =
                    below == NULL ? w->s->label[item[i].row] : below[item[i].row] < item[i].p;
                gap += item[i].p - (label ? 1.0 : 0.0);
            }
            sum += fabs(gap);
        }
    }
    return sum / (double)n / (double)w->s->repeats;
}

static void noise_task(void *context, size_t draw, Arena scratch)
{
    const Noise *w = context;
    Random random = random_new(seed_derive(w->seed, draw));
    double *below = ARENA_RAW(&scratch, double, w->s->n);
    for (size_t i = 0; i < w->s->n; i++)
        below[i] = random_uniform(&random);
    w->drawn[draw] = error_of(w, below);
}

static void noise_floor(NoiseFloor *out, const Picked *s, size_t draws, uint64_t seed, Team *team,
                        Arena scratch)
{
    *out = (NoiseFloor){.seen = NAN, .mean = NAN, .high = NAN, .share = NAN, .draws = draws};
    if (!s->defined || draws == 0)
        return;
    Noise w = {.s = s, .seed = seed};
    w.drawn = ARENA_RAW(&scratch, double, draws);
    w.item = ARENA_RAW(&scratch, Item *, s->repeats);
    for (size_t r = 0; r < s->repeats; r++) {
        w.item[r] = ARENA_RAW(&scratch, Item, s->n);
        for (size_t i = 0; i < s->n; i++)
            w.item[r][i] = (Item){s->p[r][i], (uint32_t)i};
        qsort(w.item[r], s->n, sizeof(Item), rising);
    }
    out->seen = error_of(&w, NULL);
    team_run(team, draws, noise_task, &w);
    double sum = 0;
    size_t reached = 0;
    for (size_t k = 0; k < draws; k++) {
        sum += w.drawn[k];
        reached += w.drawn[k] >= out->seen;
    }
    metric_sort(w.drawn, draws);
    out->mean = sum / (double)draws;
    out->high = metric_quantile(w.drawn, draws, 0.95);
    out->share = (double)reached / (double)draws;
}

void metric_ece_noise(NoiseFloor *out, const double *const *p, size_t repeats, const uint8_t *label,
                      const uint8_t *in, size_t n, size_t draws, uint64_t seed, Team *team)
{
    Arena own = arena_new(), scratch = arena_new();
    Picked s = pick(&own, p, repeats, label, in, n);
    noise_floor(out, &s, draws, seed, team, scratch);
    arena_free(&scratch);
    arena_free(&own);
}

/* ---- prevalence ---- */

const double metric_prevalences[PREVALENCES] = {0.02, 0.05, 0.10, 0.17};

/* What is measured of every customer, a mean over repeats; sums over a class follow from these. */
enum {
    AS_IS = 0, /* [rule] flagged as it stands; then, for each prevalence: */
    EACH = PREVALENCE_RULES,
    CORRECTED = 0, /* [rule] flagged by the corrected probability */
    SQUARE = PREVALENCE_RULES,
    LOSS,
    EACH_SIZE,
    MEASURES = EACH + PREVALENCES * EACH_SIZE
};

typedef struct Shift {
    const Picked *s;
    double (*measure)[MEASURES]; /* [n] */
    uint32_t *member[2];         /* rows of the negatives, of the positives */
    size_t members[2];
    uint64_t seed;
    double (*drawn)[2][MEASURES]; /* [replicates] class means */
} Shift;

static void measure(double out[MEASURES], const Picked *s, size_t i,
                    const double threshold[PREVALENCE_RULES], double share)
{
    double repeats = (double)s->repeats;
    for (size_t r = 0; r < s->repeats; r++) {
        double p = s->p[r][i];
        for (size_t k = 0; k < PREVALENCE_RULES; k++)
            out[AS_IS + k] += (p >= threshold[k]) / repeats;
        for (size_t a = 0; a < PREVALENCES; a++) {
            double *each = out + EACH + a * EACH_SIZE;
            double moved = log_odds_of(p) + log_odds_of(metric_prevalences[a]) - log_odds_of(share);
            double q = stable_sigmoid(moved);
            for (size_t k = 0; k < PREVALENCE_RULES; k++)
                each[CORRECTED + k] += (q >= threshold[k]) / repeats;
            each[SQUARE] += metric_brier(&q, &s->label[i], 1) / repeats;
            each[LOSS] += metric_log_loss(&q, &s->label[i], 1) / repeats;
        }
    }
}

static void class_mean(double out[MEASURES], const Shift *w, int class, const uint32_t *times)
{
    for (size_t k = 0; k < MEASURES; k++)
        out[k] = 0;
    for (size_t i = 0; i < w->members[class]; i++) {
        uint32_t row = w->member[class][i];
        if (times != NULL && times[row] == 0)
            continue;
        double count = times == NULL ? 1 : times[row];
        for (size_t k = 0; k < MEASURES; k++)
            out[k] += count * w->measure[row][k];
    }
    for (size_t k = 0; k < MEASURES; k++)
        out[k] /= (double)w->members[class];
}

static void shift_task(void *context, size_t draw, Arena scratch)
{
    const Shift *w = context;
    Random random = random_new(seed_derive(w->seed, draw));
    uint32_t *times = ARENA_ARRAY(&scratch, uint32_t, w->s->n);
    for (int class = 1; class >= 0; class --) {
        for (size_t i = 0; i < w->members[class]; i++)
            times[w->member[class][random_below(&random, w->members[class])]]++;
        class_mean(w->drawn[draw][class], w, class, times);
    }
}

/* Figures of one draw, or of the sample, at one prevalence. */
enum { PRECISION, RECALL, LOAD, RULE_FIGURES, FIGURES = 2 * PREVALENCE_RULES * RULE_FIGURES + 2 };

static void rule_figures(double out[RULE_FIGURES], double found, double wrong, double assumed)
{
    double flagged = assumed * found + (1 - assumed) * wrong;
    out[PRECISION] = flagged > 0 ? assumed * found / flagged : NAN;
    out[RECALL] = found;
    out[LOAD] = 1000 * flagged;
}

static void figures(double out[FIGURES], const double (*mean)[MEASURES], size_t a)
{
    double assumed = metric_prevalences[a];
    const double *one = mean[1] + EACH + a * EACH_SIZE, *zero = mean[0] + EACH + a * EACH_SIZE;
    for (size_t k = 0; k < PREVALENCE_RULES; k++) {
        rule_figures(out + k * RULE_FIGURES, mean[1][AS_IS + k], mean[0][AS_IS + k], assumed);
        rule_figures(out + (PREVALENCE_RULES + k) * RULE_FIGURES, one[CORRECTED + k],
                     zero[CORRECTED + k], assumed);
    }
    out[FIGURES - 2] = assumed * one[SQUARE] + (1 - assumed) * zero[SQUARE];
    out[FIGURES - 1] = assumed * one[LOSS] + (1 - assumed) * zero[LOSS];
}

static Interval *figure_of(Prevalence *v, size_t figure)
{
    if (figure == FIGURES - 2)
        return &v->brier;
    if (figure == FIGURES - 1)
        return &v->log_loss;
    size_t rule = figure / RULE_FIGURES;
    PrevalenceRule *r =
        rule < PREVALENCE_RULES ? &v->as_is[rule] : &v->corrected[rule - PREVALENCE_RULES];
    size_t part = figure % RULE_FIGURES;
    return part == PRECISION ? &r->precision : part == RECALL ? &r->recall : &r->load;
}

static void shift_fill(Prevalence *v, size_t a, const Shift *w, size_t replicates,
                       const double (*mean)[MEASURES], Arena scratch)
{
    double seen[FIGURES];
    double(*value)[FIGURES] = arena_raw(&scratch, replicates + 1, sizeof *value);
    double *drawn = ARENA_RAW(&scratch, double, replicates + 1);
    figures(seen, mean, a);
    for (size_t r = 0; r < replicates; r++)
        figures(value[r], (const double(*)[MEASURES])w->drawn[r], a);
    for (size_t k = 0; k < FIGURES; k++) {
        Interval *out = figure_of(v, k);
        for (size_t r = 0; r < replicates; r++)
            drawn[r] = value[r][k];
        out->value = seen[k];
        metric_percentiles(out, drawn, replicates);
    }
}

static void prevalence(Prevalence out[PREVALENCES], const Picked *s,
                       const double threshold[PREVALENCE_RULES], size_t replicates, uint64_t seed,
                       Team *team, Arena scratch)
{
    double share = s->n == 0 ? NAN : (double)s->positives / (double)s->n;
    for (size_t a = 0; a < PREVALENCES; a++) {
        out[a] = (Prevalence){.assumed = metric_prevalences[a], .share = share};
        for (size_t k = 0; k < FIGURES; k++)
            *figure_of(&out[a], k) = undefined;
        for (size_t k = 0; k < PREVALENCE_RULES; k++) {
            out[a].as_is[k].threshold = threshold[k];
            out[a].corrected[k].threshold =
                s->positives == 0 || s->positives == s->n
                    ? NAN
                    : stable_sigmoid(log_odds_of(threshold[k]) + log_odds_of(share) -
                                     log_odds_of(out[a].assumed));
        }
    }
    if (!s->defined || s->positives < 2 || s->n - s->positives < 2)
        return;
    Shift w = {.s = s, .seed = seed};
    w.measure = arena_alloc(&scratch, s->n, sizeof *w.measure);
    w.drawn = arena_raw(&scratch, replicates + 1, sizeof *w.drawn);
    w.member[0] = ARENA_RAW(&scratch, uint32_t, s->n);
    w.member[1] = ARENA_RAW(&scratch, uint32_t, s->n);
    for (size_t i = 0; i < s->n; i++) {
        int class = s->label[i];
        w.member[class][w.members[class]++] = (uint32_t)i;
        measure(w.measure[i], s, i, threshold, share);
    }
    team_run(team, replicates, shift_task, &w);
    double mean[2][MEASURES];
    class_mean(mean[0], &w, 0, NULL);
    class_mean(mean[1], &w, 1, NULL);
    for (size_t a = 0; a < PREVALENCES; a++)
        shift_fill(&out[a], a, &w, replicates, (const double(*)[MEASURES])mean, scratch);
}

void metric_prevalence(Prevalence out[PREVALENCES], const double *const *p, size_t repeats,
                       const uint8_t *label, const uint8_t *in, size_t n,
                       const double threshold[PREVALENCE_RULES], size_t replicates, uint64_t seed,
                       Team *team)
{
    Arena own = arena_new(), scratch = arena_new();
    Picked s = pick(&own, p, repeats, label, in, n);
    prevalence(out, &s, threshold, replicates, seed, team, scratch);
    arena_free(&scratch);
    arena_free(&own);
}

/* ---- all of it ---- */

enum { STREAM_NOISE = 1, STREAM_SHIFT };

void metric_calibration(CalibrationCheck *out, const double *const *p, size_t repeats,
                        const uint8_t *label, const uint8_t *in, size_t n,
                        const double threshold[PREVALENCE_RULES], size_t replicates, uint64_t seed,
                        Team *team)
{
    Arena own = arena_new(), scratch = arena_new();
    Picked s = pick(&own, p, repeats, label, in, n);
    out->customers = s.n;
    out->positives = s.positives;
    recalibrate(&out->recalibration, &s, scratch);
    noise_floor(&out->ece, &s, replicates, seed_derive(seed, STREAM_NOISE), team, scratch);
    prevalence(out->prevalence, &s, threshold, replicates, seed_derive(seed, STREAM_SHIFT), team,
               scratch);
    arena_free(&scratch);
    arena_free(&own);
}
