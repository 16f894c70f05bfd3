#include "learn/learn_internal.h"

#include <math.h>
#include <string.h>

/* Four doubles at a time, whatever the processor has: every element is a sum of its own, so
 * the order of additions is the same everywhere. */
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));
enum { FOUR = 4 };

#define NONE UINT32_MAX

/* ---- what a column looks like ---- */

static double transformed(Transform t, double x)
{
    if (t == TRANSFORM_NONE)
        return x;
    return x < 0 ? -stable_log1p(-x) : stable_log1p(x);
}

typedef struct Shape {
    size_t present;
    double low, high, mean, deviation, skewness;
} Shape;

/* Moments of the finite values of a column, after the transform, in row order. */
static Shape shape_of(const Matrix *x, size_t column, const uint32_t *row, size_t rows,
                      Transform transform, double *value)
{
    Shape s = {.low = INFINITY, .high = -INFINITY};
    double sum = 0;
    for (size_t i = 0; i < rows; i++) {
        double v = (double)matrix_row(x, row[i])[column];
        if (!isfinite(v))
            continue;
        v = transformed(transform, v);
        value[s.present++] = v;
        sum += v;
        s.low = v < s.low ? v : s.low;
        s.high = v > s.high ? v : s.high;
    }
    if (s.present == 0)
        return (Shape){0};
    double n = (double)s.present, second = 0, third = 0;
    s.mean = sum / n;
    for (size_t i = 0; i < s.present; i++) {
        double d = value[i] - s.mean;
        second += d * d;
        third += d * d * d;
    }
    s.deviation = sqrt(second / n);
    if (s.deviation > 0)
        s.skewness = third / n / (s.deviation * s.deviation * s.deviation);
    return s;
}

/* The stated rule: a column is heavy-tailed when its skewness exceeds 2 either way and the
 * signed logarithm brings it nearer to 0. Flags and shares keep their scale: their values lie
 * within [-1, 1], where the logarithm would only bend them. */
static void frame_column(Linear *f, size_t column, const Matrix *x, const uint32_t *row,
                         size_t rows, double *value)
{
    Shape s = shape_of(x, column, row, rows, TRANSFORM_NONE, value);
    f->transform[column] = TRANSFORM_NONE;
    if (fabs(s.skewness) > 2 && (s.high > 1 || s.low < -1)) {
        Shape logged = shape_of(x, column, row, rows, TRANSFORM_SIGNED_LOG, value);
        if (fabs(logged.skewness) < fabs(s.skewness)) {
            s = logged;
            f->transform[column] = TRANSFORM_SIGNED_LOG;
        }
    }
    f->low[column] = s.low;
    f->high[column] = s.high;
    f->center[column] = s.mean;
    /* A spread that is only rounding is none. */
    double reach = fabs(s.low) > fabs(s.high) ? fabs(s.low) : fabs(s.high);
    f->scale[column] = s.deviation > 1e-9 * reach ? s.deviation : 0;
}

/* ---- the design ---- */

static bool missing_alike(const Matrix *x, size_t a, size_t b, const uint32_t *row, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        if (is_missing((double)matrix_row(x, row[i])[a]) !=
            is_missing((double)matrix_row(x, row[i])[b]))
            return false;
    return true;
}

/* Columns that are missing for the same rows share one indicator: thirty ratios that are all
 * missing for customers without transactions say one thing, and one penalty is due on it. Too
 * few missing rows get none: they stand at the centre and say nothing. */
static void design_groups(Design *d, Arena *work, const Matrix *x, const uint32_t *row, size_t rows)
{
    size_t *missing = ARENA_ARRAY(work, size_t, x->columns);
    uint32_t *first = ARENA_ARRAY(work, uint32_t, x->columns);
    size_t least = missing_least(rows);
    for (size_t c = 0; c < x->columns; c++) {
        for (size_t i = 0; i < rows; i++)
            missing[c] += is_missing((double)matrix_row(x, row[i])[c]);
        d->group[c] = NONE;
        if (missing[c] < least || missing[c] == rows)
            continue;
        for (size_t g = 0; g < d->groups && d->group[c] == NONE; g++)
            if (missing[first[g]] == missing[c] && missing_alike(x, first[g], c, row, rows))
                d->group[c] = (uint32_t)g;
        if (d->group[c] == NONE) {
            first[d->groups] = (uint32_t)c;
            d->group[c] = (uint32_t)d->groups++;
        }
    }
    d->members = ARENA_ARRAY(work, uint32_t, d->groups);
    d->group_center = ARENA_ARRAY(work, double, d->groups);
    d->group_scale = ARENA_ARRAY(work, double, d->groups);
    for (size_t c = 0; c < x->columns; c++)
        if (d->group[c] != NONE)
            d->members[d->group[c]]++;
    for (size_t g = 0; g < d->groups; g++) {
        double share = (double)missing[first[g]] / (double)rows;
        d->group_center[g] = share;
        d->group_scale[g] = sqrt(share * (1 - share));
    }
}

static Linear *frame_new(Arena *keep, const Matrix *x)
{
    Linear *f = ARENA_NEW(keep, Linear);
    f->columns = x->columns;
    f->name = ARENA_ARRAY(keep, Str, x->columns);
    for (size_t c = 0; c < x->columns; c++)
        f->name[c] = str_copy(keep, x->name[c]);
    f->transform = ARENA_ARRAY(keep, Transform, x->columns);
    f->center = ARENA_ARRAY(keep, double, x->columns);
    f->scale = ARENA_ARRAY(keep, double, x->columns);
    f->weight = ARENA_ARRAY(keep, double, x->columns);
    f->weight_missing = ARENA_ARRAY(keep, double, x->columns);
    f->low = ARENA_ARRAY(keep, double, x->columns);
    f->high = ARENA_ARRAY(keep, double, x->columns);
    return f;
}

Design *design_new(Arena *keep, Arena *work, const TrainingSet *set, const uint32_t *row,
                   size_t rows)
{
    const Matrix *x = set->x;
    Design *d = ARENA_NEW(work, Design);
    d->rows = rows;
    d->frame = frame_new(keep, x);
    d->column = ARENA_ARRAY(work, uint32_t, x->columns);
    d->group = ARENA_ARRAY(work, uint32_t, x->columns);
    double *value = ARENA_RAW(work, double, rows);
    for (size_t c = 0; c < x->columns; c++) {
        frame_column(d->frame, c, x, row, rows, value);
        if (d->frame->scale[c] > 0)
            d->column[d->inputs++] = (uint32_t)c;
        else
            d->frame->scale[c] = 1;
    }
    design_groups(d, work, x, row, rows);
    d->width = 1 + d->inputs + d->groups;
    d->stride = (d->width + FOUR - 1) / FOUR * FOUR;
    d->sign = ARENA_ARRAY(work, int8_t, d->width);
    for (size_t j = 0; j < d->inputs && set->monotone != NULL; j++)
        d->sign[1 + j] = set->monotone[d->column[j]];
    d->label = ARENA_RAW(work, uint8_t, rows);
    d->z = ARENA_RAW(work, double, rows * d->stride);
    for (size_t i = 0; i < rows; i++) {
        d->label[i] = set->label[row[i]] != 0;
        design_row(d, matrix_row(x, row[i]), d->z + i * d->stride);
    }
    return d;
}

void design_row(const Design *d, const float *x, double *z)
{
    const Linear *f = d->frame;
    memset(z, 0, d->stride * sizeof *z);
    z[0] = 1;
    for (size_t j = 0; j < d->inputs; j++) {
        uint32_t c = d->column[j];
        if (isnan(x[c]))
            continue;
        double v = transformed(f->transform[c], (double)x[c]);
        v = v < f->low[c] ? f->low[c] : v;
        v = v > f->high[c] ? f->high[c] : v;
        z[1 + j] = (v - f->center[c]) / f->scale[c];
    }
    double *missing = z + 1 + d->inputs;
    for (size_t c = 0; c < f->columns; c++)
        if (d->group[c] != NONE && isnan(x[c]))
            missing[d->group[c]] += 1;
    for (size_t g = 0; g < d->groups; g++)
        missing[g] = (missing[g] / d->members[g] - d->group_center[g]) / d->group_scale[g];
}

Linear *design_linear(const Design *d, const double *weight)
{
    Linear *f = d->frame;
    f->intercept = weight[0];
    for (size_t j = 0; j < d->inputs; j++)
        f->weight[d->column[j]] = weight[1 + j];
    for (size_t g = 0; g < d->groups; g++) {
        double w = weight[1 + d->inputs + g] / d->group_scale[g];
        f->intercept -= w * d->group_center[g];
        for (size_t c = 0; c < f->columns; c++)
            if (d->group[c] == g)
                f->weight_missing[c] = w / d->members[g];
    }
    return f;
}

/* ---- Newton's method ---- */

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* The objective; probabilities are left in p[], from the one exponential both need. */
static double objective(const Design *d, double l2, const double *weight, double *p)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < d->rows; i++) {
        double margin = dot(d->z + i * d->stride, weight, d->width);
        double small = stable_exp(-fabs(margin));
        bool agrees = (margin > 0) == (d->label[i] != 0);
        sum += stable_log1p(small) + (agrees ? 0 : fabs(margin));
        p[i] = (margin > 0 ? 1 : small) / (1 + small);
    }
    for (size_t j = 1; j < d->width; j++)
        square += weight[j] * weight[j];
    return sum + l2 / 2 * square;
}

/* hessian += sum over rows of curvature z z', upper half by whole vectors; four rows at a time
 * so that each sum is loaded and stored once for four products. */
static void hessian_add(const Design *d, const double *curvature, double *hessian)
{
    size_t stride = d->stride, i = 0;
    for (; i + 4 <= d->rows; i += 4) {
        const double *z = d->z + i * stride;
        for (size_t a = 0; a < d->width; a++) {
            double w0 = curvature[i] * z[a], w1 = curvature[i + 1] * z[stride + a];
            double w2 = curvature[i + 2] * z[2 * stride + a];
            double w3 = curvature[i + 3] * z[3 * stride + a];
            double *h = hessian + a * stride;
            for (size_t b = a / FOUR * FOUR; b < stride; b += FOUR) {
                Four sum = *(const Four *)(h + b);
                sum += w0 * *(const Four *)(z + b);
                sum += w1 * *(const Four *)(z + stride + b);
                sum += w2 * *(const Four *)(z + 2 * stride + b);
                sum += w3 * *(const Four *)(z + 3 * stride + b);
                *(Four *)(h + b) = sum;
            }
        }
    }
    for (; i < d->rows; i++)
        for (size_t a = 0; a < d->width; a++) {
            const double *z = d->z + i * stride;
            for (size_t b = a; b < d->width; b++)
                hessian[a * stride + b] += curvature[i] * z[a] * z[b];
        }
}

/* Solve hessian * step = gradient by Cholesky, upper half, in place. Held weights take step 0. */
static void newton_step(double *hessian, size_t stride, size_t n, const uint8_t *held,
                        const double *gradient, double *step)
{
    for (size_t j = 0; j < n; j++)
        for (size_t k = j; k < n; k++)
            if (held[j] || held[k])
                hessian[j * stride + k] = j == k ? 1 : 0;
    for (size_t j = 0; j < n; j++) {
        double *h = hessian + j * stride;
        double root = sqrt(h[j] > 1e-12 ? h[j] : 1e-12);
        for (size_t k = j; k < n; k++)
            h[k] /= root;
        for (size_t i = j + 1; i < n; i++) {
            double w = h[i];
            if (w == 0)
                continue;
            for (size_t k = i; k < n; k++)
                hessian[i * stride + k] -= w * h[k];
        }
    }
    for (size_t j = 0; j < n; j++) {
        double sum = held[j] ? 0 : gradient[j];
        for (size_t i = 0; i < j; i++)
            sum -= hessian[i * stride + j] * step[i];
        step[j] = sum / hessian[j * stride + j];
    }
    for (size_t j = n; j-- > 0;) {
        double sum = step[j];
        for (size_t k = j + 1; k < n; k++)
            sum -= hessian[j * stride + k] * step[k];
        step[j] = sum / hessian[j * stride + j];
    }
}

/* Weights on the wrong side of a sign that must hold are moved to 0. */
static void project(const Design *d, double *weight)
{
    for (size_t j = 1; j < d->width; j++)
        if (d->sign[j] * weight[j] < 0)
            weight[j] = 0;
}

/* Source: Bertsekas 1982, "Projected Newton methods for optimization problems with simple
 * constraints": weights at their bound that would leave through it are held, the others take a
 * Newton step, and the step is halved along the projected path until the objective falls. */
void design_solve(const Design *d, double l2, double *weight, double precision, Arena scratch)
{
    size_t n = d->width, stride = d->stride;
    double *hessian = ARENA_RAW(&scratch, double, n *stride);
    double *gradient = ARENA_RAW(&scratch, double, n), *step = ARENA_RAW(&scratch, double, n);
    double *tried = ARENA_RAW(&scratch, double, n);
    double *p = ARENA_RAW(&scratch, double, d->rows);
    double *curvature = ARENA_RAW(&scratch, double, d->rows);
    uint8_t *held = ARENA_RAW(&scratch, uint8_t, n);
    double enough = precision * (double)d->rows;

    project(d, weight);
    double value = objective(d, l2, weight, p);
    for (int round = 0; round < 100; round++) {
        memset(gradient, 0, n * sizeof *gradient);
        for (size_t i = 0; i < d->rows; i++) {
            double residual = p[i] - d->label[i];
            const double *z = d->z + i * stride;
            for (size_t j = 0; j < n; j++)
                gradient[j] += residual * z[j];
            curvature[i] = p[i] * (1 - p[i]);
        }
        double largest = 0;
        for (size_t j = 0; j < n; j++) {
            gradient[j] += j == 0 ? 0 : l2 * weight[j];
            held[j] = d->sign[j] != 0 && weight[j] == 0 && d->sign[j] * gradient[j] > 0;
            if (!held[j] && fabs(gradient[j]) > largest)
                largest = fabs(gradient[j]);
        }
        if (largest <= enough)
            return;
        memset(hessian, 0, n * stride * sizeof *hessian);
        hessian_add(d, curvature, hessian);
        for (size_t j = 1; j < n; j++)
            hessian[j * stride + j] += l2;
        newton_step(hessian, stride, n, held, gradient, step);
        double share = 1;
        for (;; share /= 2) {
            double fall = 0;
            for (size_t j = 0; j < n; j++)
                tried[j] = weight[j] - share * step[j];
            project(d, tried);
            for (size_t j = 0; j < n; j++)
                fall += gradient[j] * (weight[j] - tried[j]);
            double there = objective(d, l2, tried, p);
            if (there <= value - 1e-4 * fall) {
                bool stuck = there >= value;
                memcpy(weight, tried, n * sizeof *weight);
                value = there;
                if (stuck)
                    return; /* nothing left but rounding */
                break;
            }
            if (share < 1e-9)
                return; /* no step falls: rounding is all that is left */
        }
    }
}

Status learn_linear(Linear **out, Arena *keep, Arena scratch, const TrainingSet *set,
                    const uint32_t *row, size_t rows, double l2, Error *err)
{
    rows = row == NULL ? set->x->rows : rows;
    row = rows_or_all(&scratch, row, rows);
    TRY(learn_check_classes(set->label, row, rows, 2, err));
    Design *d = design_new(keep, &scratch, set, row, rows);
    double *weight = ARENA_ARRAY(&scratch, double, d->width);
    design_solve(d, l2, weight, PRECISION_FIT, scratch);
    *out = design_linear(d, weight);
    return STATUS_OK;
}
