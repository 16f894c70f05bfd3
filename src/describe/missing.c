/* missing.c - how often each column has no value, and whether the groups differ in it. */
#include "describe/describe_internal.h"

#include <math.h>

static const double points_least = 0.05, chance_most = 0.001;

static bool differ(const Missingness *m, DescribeGroup a, DescribeGroup b)
{
    if (m->rows[a] == 0 || m->rows[b] == 0)
        return false;
    double x = (double)m->missing[a] / (double)m->rows[a];
    double y = (double)m->missing[b] / (double)m->rows[b];
    return fabs(x - y) >= points_least &&
           metric_fisher(m->missing[a], m->rows[a], m->missing[b], m->rows[b]) < chance_most;
}

static void add(Description *out, Missingness m)
{
    if (m.of != DESCRIBE_OF_TRANSACTIONS) {
        m.cohorts_differ = differ(&m, DESCRIBE_LABELLED, DESCRIBE_SCORED);
        m.classes_differ = differ(&m, DESCRIBE_POSITIVE, DESCRIBE_NEGATIVE);
    }
    out->missing[out->missings++] = m;
}

static Missingness of_column(const DescribedColumn *c)
{
    Missingness m = {.of = c->feature ? DESCRIBE_OF_FEATURES : DESCRIBE_OF_CUSTOMERS,
                     .name = c->name,
                     .ground = c->ground};
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
        m.rows[g] = c->summary[g].customers;
        m.missing[g] = c->summary[g].missing;
    }
    return m;
}

static Missingness of_events(const Column *c, const Events *e, const GroupBits *bits)
{
    Missingness m = {.of = DESCRIBE_OF_TRANSACTIONS, .name = c->name};
    for (size_t i = 0; i < e->customers; i++) {
        size_t missing = 0;
        for (size_t row = e->start[i]; row < e->start[i + 1]; row++)
            missing += !column_valid(c, row);
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
            if (in_group(bits[i], g)) {
                m.rows[g] += e->start[i + 1] - e->start[i];
                m.missing[g] += missing;
            }
    }
    return m;
}

void missing_describe(Description *out, Arena *keep, const Dataset *d, const Events *events,
                      const Table *features, const Plan *plan, const GroupBits *bits)
{
    (void)plan;
    size_t most = out->columns + events->rows->columns + features->columns;
    out->missing = ARENA_ARRAY(keep, Missingness, most + 1);
    for (size_t k = 0; k < out->columns; k++)
        if (!out->column[k].feature)
            add(out, of_column(&out->column[k]));
    for (size_t k = 0; k < events->rows->columns; k++) {
        const Column *c = &events->rows->column[k];
        const SchemaColumn *s = schema_transaction_column(d->schema, c->name);
        if (s == NULL || str_starts(c->name, S("#")))
            continue; /* made by the program */
        Missingness m = of_events(c, events, bits);
        m.ground = s->protected.text;
        add(out, m);
    }
    for (size_t k = 0; k < out->columns; k++)
        if (out->column[k].feature)
            add(out, of_column(&out->column[k]));
}
