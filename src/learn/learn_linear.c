#include "learn/learn_internal.h"

#include <math.h>
#include <string.h>

/* Four rows at a time: each sum in its own order, none waiting for another. */
void rows_dot(const double *z, size_t rows, size_t width, size_t stride, const double *weight,
              double *out)
{
    size_t i = 0;
    for (; i + 4 <= rows; i += 4, z += 4 * stride) {
        double a = 0, b = 0, c = 0, d = 0;
        for (size_t j = 0; j < width; j++) {
            a += z[j] * weight[j];
            b += z[stride + j] * weight[j];
            c += z[2 * stride + j] * weight[j];
            d += z[3 * stride + j] * weight[j];
        }
        out[i] = a;
        out[i + 1] = b;
        out[i + 2] = c;
        out[i + 3] = d;
    }
    for (; i < rows; i++, z += stride)
        out[i] = dot(z, weight, width);
}

void gradient_add(const double *z, size_t rows, size_t stride, const double *residual,
                  double *gradient)
{
    size_t i = 0;
    for (; i + 4 <= rows; i += 4, z += 4 * stride)
        for (size_t j = 0; j < stride; j += FOUR) {
            Four sum = *(const Four *)(gradient + j);
            sum += residual[i] * *(const Four *)(z + j);
            sum += residual[i + 1] * *(const Four *)(z + stride + j);
            sum += residual[i + 2] * *(const Four *)(z + 2 * stride + j);
            sum += residual[i + 3] * *(const Four *)(z + 3 * stride + j);
            *(Four *)(gradient + j) = sum;
        }
    for (; i < rows; i++, z += stride)
        for (size_t j = 0; j < stride; j++)
            gradient[j] += residual[i] * z[j];
}

/* The objective; the probabilities are left in p[]. */
static double objective(const Design *d, double l2, const double *weight, double *margin, double *p)
{
    rows_dot(d->z, d->rows, d->width, d->stride, weight, margin);
    double sum = margins_loss(margin, d->label, d->rows, p), square = 0;
    for (size_t j = 1; j < d->width; j++)
        square += weight[j] * weight[j];
    return sum + l2 / 2 * square;
}

void hessian_add(const double *rows_of, size_t rows, size_t width, size_t stride,
                 const double *curvature, double *hessian)
{
    size_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        const double *z = rows_of + i * stride;
        for (size_t a = 0; a < width; a++) {
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
    for (; i < rows; i++)
        for (size_t a = 0; a < width; a++) {
            const double *z = rows_of + i * stride;
            for (size_t b = a; b < width; b++)
                hessian[a * stride + b] += curvature[i] * z[a] * z[b];
        }
}

void newton_step(double *hessian, size_t stride, size_t n, const uint8_t *held,
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
            double *below = hessian + i * stride; /* what is left of the diagonal is not read */
            for (size_t k = i / FOUR * FOUR; k < stride; k += FOUR)
                *(Four *)(below + k) -= w * *(const Four *)(h + k);
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
    double *gradient = ARENA_RAW(&scratch, double, stride);
    double *step = ARENA_RAW(&scratch, double, n);
    double *tried = ARENA_RAW(&scratch, double, n);
    double *p = ARENA_RAW(&scratch, double, d->rows);
    double *curvature = ARENA_RAW(&scratch, double, d->rows);
    double *residual = ARENA_RAW(&scratch, double, d->rows);
    double *margin = ARENA_RAW(&scratch, double, d->rows);
    uint8_t *held = ARENA_RAW(&scratch, uint8_t, n);
    double enough = precision * (double)d->rows;

    project(d, weight);
    double value = objective(d, l2, weight, margin, p);
    for (int round = 0; round < 100; round++) {
        memset(gradient, 0, stride * sizeof *gradient);
        for (size_t i = 0; i < d->rows; i++) {
            residual[i] = p[i] - d->label[i];
            curvature[i] = p[i] * (1 - p[i]);
        }
        gradient_add(d->z, d->rows, stride, residual, gradient);
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
        hessian_add(d->z, d->rows, n, stride, curvature, hessian);
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
            double there = objective(d, l2, tried, margin, p);
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

Linear *majority_linear(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows)
{
    size_t positives = 0;
    for (size_t i = 0; i < rows; i++)
        positives += set->label[row[i]] != 0;
    Linear *f = linear_frame(keep, set->x);
    for (size_t c = 0; c < f->columns; c++) {
        f->scale[c] = 1;
        f->low[c] = -INFINITY;
        f->high[c] = INFINITY;
    }
    f->intercept = stable_log((double)positives / (double)(rows - positives));
    return f;
}

Status learn_majority(Linear **out, Arena *keep, Arena scratch, const TrainingSet *set,
                      const uint32_t *row, size_t rows, Error *err)
{
    rows = row == NULL ? set->x->rows : rows;
    row = rows_or_all(&scratch, row, rows);
    TRY(learn_check_classes(set->label, row, rows, 1, err));
    *out = majority_linear(keep, set, row, rows);
    return STATUS_OK;
}
