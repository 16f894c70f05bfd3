/* feature_internal.h - what the files of this room share. */
#ifndef FEATURE_INTERNAL_H
#define FEATURE_INTERNAL_H

#include "feature/feature.h"

typedef struct Range {
    size_t from, to; /* rows from .. to - 1 of events->rows */
} Range;

/* The rows of a customer that a window holds.  Cost: O(log rows). */
Range events_range(const Events *e, size_t customer, Window w);

/* The columns that `matched` works on, for the rows of one or all customers. */
typedef struct Flow {
    const Column *in, *out; /* conditions a and b: boolean */
    const Column *amount;
    const Column *available; /* completed_at of the money that came in; created_at without one */
    const int64_t *created_us;
    int64_t within_us;
} Flow;

/* Match money in rows [from, to), which are in time order, first in first out: an outflow takes
 * from the oldest money that had arrived at most within_us before, in partial lots, every unit
 * once. Returns the amount matched, in the amount's units; used[row - from], when given, is
 * set to 1 for rows on either side of a match.
 * Cost: O(n log n). */
Int128 flow_match(const Flow *flow, Range range, Arena scratch, uint8_t *used);

/* Add one aggregate of a customer from evaluated row columns into cell `customer` of out. */
typedef struct Folding {
    const Aggregate *aggregate;
    const Column *argument; /* over events->rows; NULL where the aggregate has none */
    const Column *filter;   /* boolean or NULL for every row */
    const Column *base;
} Folding;
MUST_USE Status aggregate_fold(Column *out, const Events *events, const Folding *f, Window w,
                               size_t customer, Arena scratch, Error *err);

/* Is a condition true (not false, not unknown) in this row? NULL is always true. */
static inline bool condition_holds(const Column *c, size_t row)
{
    return c == NULL || (column_valid(c, row) && c->boolean[row]);
}

/* Evaluate one optional row-level expression over the events; NULL stays NULL. keep and
 * scratch must be different ranges. */
MUST_USE Status events_evaluate(Column **out, Arena *keep, Arena scratch, const Expr *e,
                                const Table *rows, Error *err);

/* May feature `index` compare what it compares, and be used as it is? */
MUST_USE Status population_check(const Plan *p, size_t index, Error *err);

/* The column that a name outside aggregates stands for in feature `index`: the customers', or an
 * earlier feature's. NULL where these files lack it. */
const Column *named_column(const Plan *plan, size_t index, const Events *events,
                           const Table *features, Str name);

/* A population feature's column: fitted first when fitting is given (then *peers is set), else by
 * the tables in *peers; missing without any. */
MUST_USE Status population_column(Column *out, Arena *keep, Arena scratch, const Plan *plan,
                                  size_t index, const Events *events, const Table *features,
                                  const Fitting *fitting, Peers **peers, Error *err);

Flow flow_of(const Events *e, const Table *rows, const int64_t *created_us, const Folding *f);

#endif
