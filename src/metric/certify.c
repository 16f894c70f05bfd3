/* certify.c - the largest set of customers that the labels prove right often enough. */
#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>

enum { TRIALS_MAX = 1000000 };

typedef struct Ranked {
    double p;
    uint8_t label;
} Ranked;

/* Equal p are taken together, so their order does not matter. */
static int falling(const void *a, const void *b)
{
    double x = ((const Ranked *)a)->p, y = ((const Ranked *)b)->p;
    return (x < y) - (x > y);
}

/* The customers in order, and how many of the first k are positive. */
typedef struct Order {
    Ranked *item;
    size_t *hits; /* [count + 1] */
    size_t count;
} Order;

static Order order_new(Arena *arena, const double *p, const uint8_t *label, const uint8_t *in,
                       size_t n)
{
    Order o = {ARENA_RAW(arena, Ranked, n + 1), ARENA_ARRAY(arena, size_t, n + 1), 0};
    for (size_t i = 0; i < n; i++)
        if ((in == NULL || in[i]) && !isnan(p[i]))
            o.item[o.count++] = (Ranked){p[i], label[i] != 0};
    qsort(o.item, o.count, sizeof *o.item, falling);
    for (size_t i = 0; i < o.count; i++)
        o.hits[i + 1] = o.hits[i] + o.item[i].label;
    return o;
}

/* The smallest set of at least so many customers that parts no equal p; 0 when there are fewer. */
static size_t whole(const Order *o, size_t size)
{
    if (size == 0 || size > o->count)
        return 0;
    while (size < o->count && o->item[size].p == o->item[size - 1].p)
        size++;
    return size;
}

MetricCertificate metric_certify(const double *p, const uint8_t *label, const uint8_t *in, size_t n,
                                 double precision, double confidence, Arena scratch)
{
    Order o = order_new(&scratch, p, label, in, n);
    MetricCertificate c = {.precision = precision, .confidence = confidence, .customers = o.count};
    for (size_t e = 0; e < COUNT_OF(c.least); e++)
        c.least[e] = metric_certifying_trials(e, precision, confidence, TRIALS_MAX);
    for (size_t e = 0; c.least[0] > 0 && c.start < METRIC_CERTIFY_LEAST; e++)
        c.start = metric_certifying_trials(e, precision, confidence, TRIALS_MAX);
    size_t last = 0;
    for (size_t e = 0;; e++) {
        size_t exact = metric_certifying_trials(e, precision, confidence, o.count);
        size_t size = whole(&o, exact);
        if (size == 0)
            break;
        if (exact < METRIC_CERTIFY_LEAST || size <= last) /* too few, or enlarged past this one */
            continue;
        last = size;
        const size_t errors = size - o.hits[size];
        if (c.tested++ == 0) {
            c.first_selected = size;
            c.first_errors = errors;
            c.first_threshold = o.item[size - 1].p;
            c.first_low = metric_proportion_low(o.hits[size], size, confidence);
        }
        double value = metric_binomial_least(o.hits[size], size, precision);
        if (value > 1 - confidence) {
            c.failed_selected = size;
            c.failed_errors = errors;
            c.failed_p = value;
            break;
        }
        c.selected = size;
        c.errors = errors;
        c.threshold = o.item[size - 1].p;
    }
    if (c.selected > 0)
        c.low = metric_proportion_low(c.selected - c.errors, c.selected, confidence);
    return c;
}
