#include "report/report_internal.h"

#include <math.h>
#include <stdlib.h>

typedef struct Item {
    double p;
    uint8_t label;
} Item;

/* Highest first. Equal scores are taken together, so their order does not matter. */
static int falling(const void *left, const void *right)
{
    double a = ((const Item *)left)->p, b = ((const Item *)right)->p;
    return (a < b) - (a > b);
}

/* Keep a point when it is the last or far enough from the one before to be seen. */
static bool worth_drawing(const Curve *c, double false_share, double true_share, double precision)
{
    const double step = 2.0 / CURVE_POINTS_MAX;
    if (c->points == 0)
        return true;
    size_t last = c->points - 1;
    return fabs(false_share - c->false_share[last]) + fabs(true_share - c->true_share[last]) >=
               step ||
           (c->points < CURVE_POINTS_MAX / 4 && fabs(precision - c->precision[last]) >= step);
}

static void add(Curve *c, double false_share, double true_share, double precision)
{
    if (c->points >= CURVE_POINTS_MAX + 2)
        return;
    c->false_share[c->points] = false_share;
    c->true_share[c->points] = true_share;
    c->precision[c->points++] = precision;
}

void curve_make(Curve *out, Arena scratch, const double *p, const uint8_t *label, const uint8_t *in,
                size_t n)
{
    Item *item = ARENA_RAW(&scratch, Item, n + 1);
    size_t count = 0, positives = 0;
    for (size_t i = 0; i < n; i++)
        if (in[i] && !is_missing(p[i])) {
            item[count++] = (Item){p[i], label[i] != 0};
            positives += label[i] != 0;
        }
    out->points = 0;
    if (positives == 0 || positives == count)
        return;
    qsort(item, count, sizeof *item, falling);
    size_t hits = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && item[to].p == item[from].p; to++)
            hits += item[to].label;
        double false_share = (double)(to - hits) / (double)(count - positives);
        double true_share = (double)hits / (double)positives;
        double precision = (double)hits / (double)to;
        if (from == 0)
            add(out, 0, 0, precision);
        if (to == count || worth_drawing(out, false_share, true_share, precision))
            add(out, false_share, true_share, precision);
    }
}
