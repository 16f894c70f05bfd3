#include "learn/learn_internal.h"

#include <math.h>
#include <string.h>

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

Linear *linear_frame(Arena *keep, const Matrix *x)
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
    d->frame = linear_frame(keep, x);
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
