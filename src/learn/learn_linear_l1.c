#include "learn/learn_internal.h"

#include <assert.h>
#include <string.h>

/* Proximal Newton: the log loss is replaced by its second-order expansion, the expansion plus
 * penalty is minimised by coordinate descent, and the step there is halved until the objective
 * falls. Only the working weights move in a round: those that are not 0, and those whose condition
 * is missed at 0. */
typedef struct Lasso {
    const Design *d;
    double l1, l2;
    double *weight;                                            /* [width] the caller's */
    double *gradient;                                          /* [width] of log loss + l2 */
    double *margin, *p, *residual, *curvature, *reach, *tried; /* [rows]; reach: the full step's */
    size_t working, stride;
    uint32_t *column;   /* [working] of the design, ascending: the intercept first */
    double *z;          /* [rows][stride] of the working columns */
    double *hessian;    /* [working][stride], symmetric */
    double *factor;     /* [working][stride] of the Cholesky step */
    double *slope;      /* [working] of the expansion at target */
    double *target;     /* [working] weights where the expansion is lowest */
    double *way, *pull; /* [working] */
    uint8_t *held;      /* [working] */
} Lasso;

double l1_violation(int8_t sign, double weight, double gradient, double l1)
{
    if (weight != 0)
        return fabs(gradient + (weight > 0 ? l1 : -l1));
    double up = sign >= 0 ? -gradient - l1 : 0, down = sign <= 0 ? gradient - l1 : 0;
    double most = up > down ? up : down;
    return most > 0 ? most : 0;
}

static double penalty_of(const Lasso *s, size_t column)
{
    return column == 0 ? 0 : s->l1;
}

static double slope_of(double weight, double l1)
{
    return weight > 0 ? l1 : weight < 0 ? -l1 : 0;
}

static Lasso lasso_new(Arena *arena, const Design *d, double l1, double l2, double *weight)
{
    size_t rows = d->rows, width = d->width;
    Lasso s = {.d = d, .l1 = l1, .l2 = l2, .weight = weight};
    s.gradient = ARENA_RAW(arena, double, d->stride);
    s.residual = ARENA_RAW(arena, double, rows);
    s.margin = ARENA_RAW(arena, double, rows);
    s.p = ARENA_RAW(arena, double, rows);
    s.curvature = ARENA_RAW(arena, double, rows);
    s.reach = ARENA_RAW(arena, double, rows);
    s.tried = ARENA_RAW(arena, double, rows);
    s.column = ARENA_RAW(arena, uint32_t, width);
    s.z = ARENA_RAW(arena, double, rows * d->stride);
    s.hessian = ARENA_RAW(arena, double, width * d->stride);
    s.factor = ARENA_RAW(arena, double, width * d->stride);
    s.slope = ARENA_RAW(arena, double, width);
    s.target = ARENA_RAW(arena, double, width);
    s.way = ARENA_RAW(arena, double, width);
    s.pull = ARENA_RAW(arena, double, width);
    s.held = ARENA_RAW(arena, uint8_t, width);
    return s;
}

/* Weights on the wrong side of a sign that must hold begin at 0. */
static void lasso_begin(Lasso *s)
{
    const Design *d = s->d;
    for (size_t j = 1; j < d->width; j++)
        if (d->sign[j] * s->weight[j] < 0)
            s->weight[j] = 0;
    rows_dot(d->z, d->rows, d->width, d->stride, s->weight, s->margin);
}

/* The penalty of the working weights a share of the way to their target; the others are 0. */
static double penalty(const Lasso *s, double share)
{
    double absolute = 0, square = 0;
    for (size_t k = 1; k < s->working; k++) {
        double w = s->weight[s->column[k]] + share * s->way[k];
        absolute += fabs(w);
        square += w * w;
    }
    return s->l1 * absolute + s->l2 / 2 * square;
}

/* Gradient and curvature at p, and the weights that will move. Answers the largest violation. */
static double look(Lasso *s)
{
    const Design *d = s->d;
    memset(s->gradient, 0, d->stride * sizeof *s->gradient);
    for (size_t i = 0; i < d->rows; i++) {
        s->residual[i] = s->p[i] - d->label[i];
        s->curvature[i] = s->p[i] * (1 - s->p[i]);
    }
    gradient_add(d->z, d->rows, d->stride, s->residual, s->gradient);
    double largest = 0;
    s->working = 0;
    for (size_t j = 0; j < d->width; j++) {
        if (j > 0)
            s->gradient[j] += s->l2 * s->weight[j];
        double by = l1_violation(d->sign[j], s->weight[j], s->gradient[j], penalty_of(s, j));
        largest = by > largest ? by : largest;
        if (j == 0 || s->weight[j] != 0 || by > 0)
            s->column[s->working++] = (uint32_t)j;
    }
    return largest;
}

/* The second-order expansion over the working weights. */
static void expand(Lasso *s)
{
    const Design *d = s->d;
    size_t n = s->working, stride = s->stride = (n + FOUR - 1) / FOUR * FOUR;
    for (size_t i = 0; i < d->rows; i++) {
        double *z = s->z + i * stride;
        for (size_t k = 0; k < n; k++)
            z[k] = d->z[i * d->stride + s->column[k]];
        for (size_t k = n; k < stride; k++)
            z[k] = 0;
    }
    memset(s->hessian, 0, n * stride * sizeof *s->hessian);
    hessian_add(s->z, d->rows, n, stride, s->curvature, s->hessian);
    for (size_t k = 0; k < n; k++) {
        for (size_t m = k + 1; m < n; m++)
            s->hessian[m * stride + k] = s->hessian[k * stride + m];
        s->hessian[k * stride + k] += k == 0 ? 0 : s->l2;
        s->slope[k] = s->gradient[s->column[k]];
        s->target[k] = s->weight[s->column[k]];
    }
}

/* Where one weight's own parabola plus its penalty is lowest. */
static double lowest(double weight, double slope, double curvature, double l1, int8_t sign)
{
    double free = weight * curvature - slope;
    double shrunk = free > l1 ? free - l1 : free < -l1 ? free + l1 : 0;
    return sign * shrunk < 0 ? 0 : shrunk / curvature;
}

/* Each weight once, in order. Answers the largest violation that is left in the expansion. */
static double descend(Lasso *s)
{
    for (size_t k = 0; k < s->working; k++) {
        size_t j = s->column[k];
        const double *h = s->hessian + k * s->stride;
        double curvature = h[k] > 1e-12 ? h[k] : 1e-12;
        double to = lowest(s->target[k], s->slope[k], curvature, penalty_of(s, j), s->d->sign[j]);
        double move = to - s->target[k];
        if (move == 0)
            continue;
        s->target[k] = to;
        for (size_t m = 0; m < s->working; m++)
            s->slope[m] += move * h[m];
    }
    double largest = 0;
    for (size_t k = 0; k < s->working; k++) {
        size_t j = s->column[k];
        double by = l1_violation(s->d->sign[j], s->target[k], s->slope[k], penalty_of(s, j));
        largest = by > largest ? by : largest;
    }
    return largest;
}

/* Solve for the weights that are not 0 as if their signs could not change, and go there, or as far
 * as the first weight that becomes 0. Answers whether one did: the rest may then go on. */
static bool leap(Lasso *s)
{
    size_t n = s->working, stride = s->stride, first = n;
    for (size_t k = 0; k < n; k++) {
        s->held[k] = k > 0 && s->target[k] == 0;
        s->pull[k] = s->slope[k] + slope_of(s->target[k], penalty_of(s, s->column[k]));
    }
    memcpy(s->factor, s->hessian, n * stride * sizeof *s->factor);
    for (size_t k = 0; k < n; k++) /* columns that are copies of each other share a weight */
        s->factor[k * stride + k] *= 1 + 1e-10;
    newton_step(s->factor, stride, n, s->held, s->pull, s->way);
    double change = 0, share = 1;
    for (size_t k = 0; k < n; k++) {
        if (s->held[k])
            continue;
        change += s->way[k] * (dot(s->hessian + k * stride, s->way, n) / 2 - s->pull[k]);
        if (k > 0 && s->target[k] / s->way[k] > 0 && s->target[k] / s->way[k] <= share) {
            share = s->target[k] / s->way[k];
            first = k;
        }
    }
    if (!(change < 0)) /* rounding is all that the system holds */
        return false;
    for (size_t k = 0; k < n; k++) {
        if (s->held[k])
            continue;
        double move = k == first ? s->target[k] : share * s->way[k];
        s->target[k] -= move;
        for (size_t m = 0; m < n; m++)
            s->slope[m] -= move * s->hessian[k * stride + m];
    }
    return first < n;
}

/* The weights where expansion plus penalty is lowest, nearly. Coordinate descent soon finds which
 * weights are not 0, but creeps where columns are nearly alike: then linear systems go on. */
static void aim(Lasso *s, double enough)
{
    size_t next = 1;
    for (size_t pass = 0; pass < 1000 && descend(s) > enough; pass++)
        if (pass == next) {
            while (leap(s))
                ;
            next *= 2;
        }
}

void design_solve_l1(const Design *d, double l1, double l2, double *weight, double precision,
                     Arena scratch)
{
    assert(l1 >= 0 && l2 >= 0 && l1 + l2 > 0);
    Lasso s = lasso_new(&scratch, d, l1, l2, weight);
    double enough = precision * (double)d->rows, before = INFINITY;
    lasso_begin(&s);
    double loss = margins_loss(s.margin, d->label, d->rows, s.p);
    for (int round = 0; round < 100; round++) {
        double missed = look(&s);
        if (missed <= enough)
            return;
        expand(&s);
        aim(&s, missed / 10 > enough / 10 ? missed / 10 : enough / 10);
        double fall = 0; /* of the objective, to first order */
        for (size_t k = 0; k < s.working; k++) {
            size_t j = s.column[k];
            s.way[k] = s.target[k] - weight[j];
            fall -= s.gradient[j] * s.way[k] +
                    penalty_of(&s, j) * (fabs(s.target[k]) - fabs(weight[j]));
        }
        rows_dot(s.z, d->rows, s.working, s.stride, s.way, s.reach);
        double value = loss + penalty(&s, 0), share = 1;
        /* Below the rounding of the objective's sum only the conditions can tell what is better. */
        double rounding = 1e-13 * (1 + value);
        if (fall < rounding && missed > before / 2)
            return;
        before = missed;
        for (;; share /= 2) {
            for (size_t i = 0; i < d->rows; i++)
                s.tried[i] = s.margin[i] + share * s.reach[i];
            loss = margins_loss(s.tried, d->label, d->rows, s.p);
            if (loss + penalty(&s, share) <= value - 1e-4 * share * fall + rounding)
                break;
            if (share < 1e-9)
                return; /* no step falls: rounding is all that is left */
        }
        memcpy(s.margin, s.tried, d->rows * sizeof *s.margin);
        for (size_t k = 0; k < s.working; k++) /* a target of 0 is reached to the bit */
            weight[s.column[k]] = share == 1 ? s.target[k] : weight[s.column[k]] + share * s.way[k];
    }
}

double design_l1_max(const Design *d, Arena scratch)
{
    double positives = 0, most = 0;
    double *gradient = ARENA_ARRAY(&scratch, double, d->width);
    for (size_t i = 0; i < d->rows; i++)
        positives += d->label[i];
    for (size_t i = 0; i < d->rows; i++)
        for (size_t j = 1; j < d->width; j++)
            gradient[j] += (positives / (double)d->rows - d->label[i]) * d->z[i * d->stride + j];
    for (size_t j = 1; j < d->width; j++) {
        double by = l1_violation(d->sign[j], 0, gradient[j], 0);
        most = by > most ? by : most;
    }
    return most;
}

Status learn_linear_l1(Linear **out, Arena *keep, Arena scratch, const TrainingSet *set,
                       const uint32_t *row, size_t rows, double l1, double l2, Error *err)
{
    rows = row == NULL ? set->x->rows : rows;
    row = rows_or_all(&scratch, row, rows);
    TRY(learn_check_classes(set->label, row, rows, 2, err));
    Design *d = design_new(keep, &scratch, set, row, rows);
    double *weight = ARENA_ARRAY(&scratch, double, d->width);
    design_solve_l1(d, l1, l2, weight, PRECISION_FIT, scratch);
    *out = design_linear(d, weight);
    return STATUS_OK;
}
