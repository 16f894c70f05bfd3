#include "learn/learn_internal.h"

#include <math.h>
#include <stdlib.h>

/* ---- Platt ----
 * Source: Lin, Lin and Weng 2007, "A note on Platt's probabilistic outputs for support vector
 * machines", algorithm 1, with a = -slope and b = -intercept turned round so that a larger
 * margin means a larger probability. */

static double platt_objective(const double *margin, const double *target, size_t n, Platt c,
                              double precision)
{
    double sum = precision / 2 * (c.slope - 1) * (c.slope - 1);
    for (size_t i = 0; i < n; i++) {
        double f = c.slope * margin[i] + c.intercept;
        sum += f >= 0 ? (1 - target[i]) * f + stable_log1p(stable_exp(-f))
                      : -target[i] * f + stable_log1p(stable_exp(f));
    }
    return sum;
}

/* precision: of a normal prior on the slope about 1; 0 is Platt's own. */
static Platt platt_newton(const double *margin, const double *target, size_t n, Platt c,
                          double precision)
{
    double value = platt_objective(margin, target, n, c, precision);
    for (int round = 0; round < 100; round++) {
        double g0 = precision * (c.slope - 1), g1 = 0, h00 = precision + 1e-12, h01 = 0,
               h11 = 1e-12;
        for (size_t i = 0; i < n; i++) {
            double p = stable_sigmoid(c.slope * margin[i] + c.intercept);
            double d = p - target[i], w = p * (1 - p);
            g0 += margin[i] * d;
            g1 += d;
            h00 += margin[i] * margin[i] * w;
            h01 += margin[i] * w;
            h11 += w;
        }
        double determinant = h00 * h11 - h01 * h01;
        if ((fabs(g0) < 1e-10 && fabs(g1) < 1e-10) || !(determinant > 0))
            break;
        double s0 = -(h11 * g0 - h01 * g1) / determinant;
        double s1 = -(h00 * g1 - h01 * g0) / determinant;
        double slope = g0 * s0 + g1 * s1, step = 1;
        for (;; step /= 2) {
            Platt tried = {c.slope + step * s0, c.intercept + step * s1};
            double there = platt_objective(margin, target, n, tried, precision);
            if (there < value + 1e-4 * step * slope) {
                c = tried;
                value = there;
                break;
            }
            if (step < 1e-10)
                return c;
        }
    }
    return c;
}

static Platt platt_with(const double *margin, const uint8_t *label, size_t n, double precision)
{
    Arena own = arena_new();
    double *target = ARENA_RAW(&own, double, n), positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] != 0;
    double negatives = (double)n - positives;
    double high = (positives + 1) / (positives + 2), low = 1 / (negatives + 2);
    for (size_t i = 0; i < n; i++)
        target[i] = label[i] != 0 ? high : low;
    Platt start = {0, stable_log((positives + 1) / (negatives + 1))};
    Platt out = platt_newton(margin, target, n, start, precision);
    arena_free(&own);
    return out;
}

Platt learn_platt(const double *margin, const uint8_t *label, size_t n)
{
    return platt_with(margin, label, n, 0);
}

Platt learn_sigmoid(const double *margin, const uint8_t *label, size_t n)
{
    Platt c = platt_with(margin, label, n, SLOPE_PRECISION);
    if (c.slope > 0)
        return c;
    double positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] != 0;
    return (Platt){0, stable_log((positives + 1) / ((double)n - positives + 1))};
}

/* ---- Venn-Abers ----
 * Source: Vovk, Petej and Fedorova 2015, "Large-scale probabilistic predictors with and
 * without guarantees of validity", algorithms 1 to 4. P_i is the i-th point of the cumulative
 * sum diagram over the distinct margins; the customer to be added is the step from P_-1 to P_0
 * (a positive) or from P_k to P_k+1 (a negative) and is carried past one group after another,
 * while a stack holds the corners of the greatest convex minorant. Points are whole numbers, so
 * every turn is decided exactly. */

typedef struct Point {
    int64_t x, y;
} Point;

static int64_t turn(Point a, Point b, Point c) /* positive: left */
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

static double slope(Point a, Point b)
{
    return (double)(b.y - a.y) / (double)(b.x - a.x);
}

static void reverse(Point *stack, size_t size)
{
    for (size_t i = 0; i < size / 2; i++) {
        Point t = stack[i];
        stack[i] = stack[size - 1 - i];
        stack[size - 1 - i] = t;
    }
}

/* p[1 .. k] with the customer a positive. point[0 .. k + 1] holds P_-1 .. P_k. */
static void venn_abers_up(double *p, Point *point, size_t k, Point *stack)
{
    size_t size = 0;
    stack[size++] = point[0];
    stack[size++] = point[1];
    for (size_t i = 1; i <= k; i++) {
        while (size > 1 && turn(stack[size - 2], stack[size - 1], point[i + 1]) <= 0)
            size--;
        stack[size++] = point[i + 1];
    }
    reverse(stack, size);
    for (size_t i = 1; i <= k; i++) {
        p[i] = slope(stack[size - 1], stack[size - 2]);
        Point *moved = &point[i];
        *moved = (Point){point[i - 1].x + point[i + 1].x - moved->x,
                         point[i - 1].y + point[i + 1].y - moved->y};
        if (turn(stack[size - 1], stack[size - 2], *moved) >= 0)
            continue;
        size--;
        while (size > 1 && turn(*moved, stack[size - 1], stack[size - 2]) <= 0)
            size--;
        stack[size++] = *moved;
    }
}

/* The mirror image: p[1 .. k] with the customer a negative. point[0 .. k + 1]: P_0 .. P_k+1. */
static void venn_abers_down(double *p, Point *point, size_t k, Point *stack)
{
    size_t size = 0;
    stack[size++] = point[k + 1];
    stack[size++] = point[k];
    for (size_t i = k; i-- > 0;) {
        while (size > 1 && turn(stack[size - 2], stack[size - 1], point[i]) >= 0)
            size--;
        stack[size++] = point[i];
    }
    reverse(stack, size);
    for (size_t i = k; i >= 1; i--) {
        p[i] = slope(stack[size - 2], stack[size - 1]);
        Point *moved = &point[i];
        *moved = (Point){point[i - 1].x + point[i + 1].x - moved->x,
                         point[i - 1].y + point[i + 1].y - moved->y};
        if (turn(stack[size - 1], stack[size - 2], *moved) <= 0)
            continue;
        size--;
        while (size > 1 && turn(*moved, stack[size - 1], stack[size - 2]) >= 0)
            size--;
        stack[size++] = *moved;
    }
}

static void step_add(VennAbers *v, double margin, double p0, double p1)
{
    if (v->steps > 0 && v->p0[v->steps - 1] == p0 && v->p1[v->steps - 1] == p1)
        return;
    v->margin[v->steps] = margin;
    v->p0[v->steps] = p0;
    v->p1[v->steps] = p1;
    v->steps++;
}

/* Exact for every margin: below all of them p0 is 0; on one of them the added customer joins
 * its group; between two of them a negative acts as at the lower and a positive as at the
 * upper one; above all of them p1 is 1. Hence a step at each margin and one just above it;
 * neighbours that say the same are one step. */
VennAbers *learn_venn_abers(Arena *keep, Arena scratch, const double *margin, const uint8_t *label,
                            size_t n)
{
    VennAbers *v = ARENA_NEW(keep, VennAbers);
    v->margin = ARENA_RAW(keep, double, 2 * n + 2);
    v->p0 = ARENA_RAW(keep, double, 2 * n + 2);
    v->p1 = ARENA_RAW(keep, double, 2 * n + 2);

    Labelled *sorted = ARENA_RAW(&scratch, Labelled, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (Labelled){margin[i], label[i] != 0};
    qsort(sorted, n, sizeof *sorted, labelled_by_margin);
    double *distinct = ARENA_RAW(&scratch, double, n + 1);
    Point *group = ARENA_ARRAY(&scratch, Point, n + 1); /* group[i]: P_i */
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || sorted[i].margin != sorted[i - 1].margin) {
            k++;
            group[k] = group[k - 1];
            distinct[k] = sorted[i].margin + 0.0; /* -0 is 0 */
        }
        group[k].x++;
        group[k].y += sorted[i].label;
    }
    Point *point = ARENA_RAW(&scratch, Point, k + 2), *stack = ARENA_RAW(&scratch, Point, k + 2);
    double *up = ARENA_ARRAY(&scratch, double, k + 2), *down = ARENA_ARRAY(&scratch, double, k + 2);
    point[0] = (Point){-1, -1};
    for (size_t i = 0; i <= k; i++)
        point[i + 1] = group[i];
    venn_abers_up(up, point, k, stack);
    for (size_t i = 0; i <= k; i++)
        point[i] = group[i];
    point[k + 1] = (Point){group[k].x + 1, group[k].y};
    venn_abers_down(down, point, k, stack);

    up[k + 1] = 1;
    if (k == 0) {
        step_add(v, 0, 0, 1);
        return v;
    }
    step_add(v, nextafter(distinct[1], -INFINITY), 0, up[1]);
    for (size_t i = 1; i <= k; i++) {
        double above = nextafter(distinct[i], INFINITY);
        step_add(v, distinct[i], down[i], up[i]);
        if (i == k || above < distinct[i + 1])
            step_add(v, above, down[i], up[i + 1]);
    }
    return v;
}
