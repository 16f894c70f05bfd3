/* feature_internal.h - what the files of this room share. */
#ifndef FEATURE_INTERNAL_H
#define FEATURE_INTERNAL_H

#include "feature/feature.h"

/* Where events have no time, nothing has a window, an order or an age. */
MUST_USE Status plan_check_time(const Plan *p, const Feature *f, Error *err);
/* What a feature reads, and whether its use allows that; the last step of reading it. */
MUST_USE Status plan_check_use(const Plan *p, Arena *keep, Feature *f, Error *err);
/* Where the events have no time, a feature may not ask for one. */
MUST_USE Status plan_check_time(const Plan *p, const Feature *f, Error *err);

typedef struct Range {
    size_t from, to; /* rows from .. to - 1 of events->rows */
} Range;

/* The rows of a customer that a window holds.  Cost: O(log rows). */
Range events_range(const Events *e, size_t customer, Window w);

/* The columns that `matched` works on, for the rows of one or all customers. */
typedef struct Flow {
    const uint64_t *in, *out; /* where conditions a and b are true, a bit a row */
    const Column *amount;
    const Column *available; /* completed_at of the money that came in; created_at without one */
    const int64_t *created_us;
    int64_t within_us;
    int64_t fraction; /* of a lot, for it to be drained: fraction * 10^-fraction_scale */
    int fraction_scale;
} Flow;

typedef struct Matched {
    Int128 amount;   /* in the amount's units */
    Int128 weighted; /* each unit's lag added up, in units * microseconds */
    int64_t drained; /* lots of which at least the aggregate's fraction left */
    bool overflow;   /* of weighted */
} Matched;

/* Match money in rows [from, to), which are in time order, first in first out: an outflow takes
 * from the oldest money that had arrived at most within_us before, in partial lots, every unit
 * once. used[row - from], when given, is set to 1 for rows on either side of a match.
 * Cost: O(n log n). */
Matched flow_match(const Flow *flow, Range range, Arena scratch, uint8_t *used);
/* The same, and part by part: room for two for each row of the range, since every part uses up the
 * money that came in or the outflow. NULL: nobody asks. */
Matched flow_match_parts(const Flow *flow, Range range, Arena scratch, uint8_t *used,
                         FlowPart *part, size_t *parts);

/* How many rows where a are followed by a later row where b, at most within_us later. used as
 * above.  Cost: O(n). */
int64_t flow_followed(const Flow *flow, Range range, uint8_t *used);

/* One aggregate with its row columns evaluated. */
typedef struct Folding {
    const Aggregate *aggregate;
    const Column *argument; /* over events->rows; NULL where the aggregate has none */
    const uint64_t *filter; /* where it is true, a bit a row; NULL for every row */
    const uint64_t *base;
    const Column *amount, *completed; /* of flows; completed may be NULL */
} Folding;

/* Put it into cell `customer` of out: of the customer's rows in the range. LIMIT on overflow.
 * Cost: O(rows of the window), times log for those that sort. */
MUST_USE Status aggregate_fold(Column *out, const Events *events, const Folding *f, Range r,
                               size_t customer, Arena scratch, Error *err);

/* The same for one customer with at most 64 rows, of which `rows` has a bit each that the window
 * holds, into a missing cell; *status as aggregate_fold's. False: aggregate_fold does it. */
bool fold_few(Column *out, Status *status, AggregateKind kind, const Column *argument,
              const uint64_t *filter, const uint64_t *base, uint64_t rows);

/* Those of aggregate_fold that look at how values are spread: percentile, sd, distinct, entropy,
 * modal, concentration. */
MUST_USE Status distribution_fold(Column *out, const Folding *f, Range r, size_t customer,
                                  Arena scratch, Error *err);

/* A nested aggregate or sequence function: a value for each row of the events, into the fresh
 * column *out. Only UNTIL looks at the window.
 * Memory: keep.  Cost: O(n log n) in a customer's rows at most. */
MUST_USE Status sequence_column(Column *out, Arena *keep, Arena scratch, const Events *events,
                                const Folding *f, Window w, Error *err);

/* Write a finished cell; LIMIT when it does not fit. */
Status put_overflow(Error *err);
MUST_USE static inline Status put_integer(Column *out, size_t row, Int128 value, Error *err)
{
    if (value != (int64_t)value)
        return put_overflow(err);
    out->integer[row] = (int64_t)value;
    column_set_valid(out, row);
    return STATUS_OK;
}
MUST_USE Status put_real(Column *out, size_t row, double value, Error *err);
void put_copy(Column *out, size_t row, const Column *from, size_t at);
/* A running sum of `count` values, exact or real, as a sum or mean of this column's type. */
MUST_USE Status put_sum(Column *out, size_t row, Int128 exact, double real, Error *err);
MUST_USE Status put_mean(Column *out, size_t row, Int128 exact, double real, size_t count,
                         const Column *of, Error *err);

/* Are its codes so few that one may count by them, without putting rows in order? */
static inline bool codes_are_few(const Column *c, size_t rows)
{
    return (c->type == TYPE_CATEGORY || c->type == TYPE_TEXT) && c->dictionary != NULL &&
           c->dictionary->count <= 2 * rows + 16;
}

/* Equal values of one column have equal keys, others different ones. The cell is not missing. */
uint64_t cell_key(const Column *c, size_t row);

/* Is a condition true (not false, not unknown) in this row? NULL is always true. */
static inline bool condition_holds(const uint64_t *truth, size_t row)
{
    return truth == NULL || (truth[row >> 6] >> (row & 63) & 1);
}
static inline bool column_holds(const Column *c, size_t row)
{
    return c == NULL || (column_valid(c, row) && c->boolean[row]);
}

/* Does the aggregate count this row: condition true, value there? */
static inline bool folding_takes(const Folding *f, size_t row)
{
    return condition_holds(f->filter, row) &&
           (f->argument == NULL || column_valid(f->argument, row));
}

/* The rows of a range among the 64 of word w, a bit each. */
static inline uint64_t range_word(Range r, size_t w)
{
    uint64_t bits = UINT64_MAX;
    if (r.from > w * 64)
        bits &= UINT64_MAX << (r.from - w * 64);
    if (r.to < w * 64 + 64)
        bits &= UINT64_MAX >> (w * 64 + 64 - r.to);
    return bits;
}

/* Those of them that the aggregate counts. */
static inline uint64_t taken_word(const Folding *f, Range r, size_t w)
{
    uint64_t bits = range_word(r, w);
    if (f->filter != NULL)
        bits &= f->filter[w];
    return f->argument == NULL ? bits : bits & f->argument->valid[w];
}

/* Every row of the range that the aggregate counts, in order. */
#define FOR_TAKEN(row, f, r)                                                                       \
    for (size_t w_ = (r).from / 64; w_ * 64 < (r).to; w_++)                                        \
        for (uint64_t bits_ = taken_word((f), (r), w_); bits_ != 0; bits_ &= bits_ - 1)            \
            for (size_t row = w_ * 64 + (size_t)__builtin_ctzll(bits_), once_ = 1; once_; once_ = 0)

/* ---- what a plan computes over the events, step by step (steps.c) ---- */

typedef enum StepKind { STEP_ROW, STEP_NESTED, STEP_KINDS } StepKind;
#define NO_STEP UINT32_MAX

/* The program's values that an aggregate works on; NO_STEP: none. */
typedef struct StepParts {
    uint32_t argument, filter, base;
} StepParts;

/* One column over the events, made of those of earlier steps. */
typedef struct Step {
    StepKind kind;
    uint32_t value;             /* its number in the program */
    const Aggregate *aggregate; /* NESTED: put into the program; ROW: computed by it */
    StepParts parts;
    Window window;
    uint32_t feature; /* the first that needs it, for messages */
} Step;

/* What a quantity is made of, side by side for a request that walks through all of them. */
typedef struct Fold {
    const Aggregate *aggregate;
    StepParts parts;
    uint32_t window;           /* which of the distinct ones */
    uint8_t kind, type, scale; /* the aggregate's; scale: of a decimal */
    bool text;                 /* its value is of the argument's dictionary */
} Fold;

/* What the table of features asks of one of them, side by side. */
typedef struct Maker {
    const Expr *expr;
    Str name;
    uint8_t type, scale;
    bool population, together;  /* its quantities follow one another */
    bool bare;                  /* it is one of them, and no string */
    uint32_t first, count;      /* the first of them, and how many */
    uint32_t compared, grouped; /* of a population feature: earlier features; NO_STEP: columns */
} Maker;

typedef struct PlanSteps {
    Quantities quantities;
    Window *window; /* the distinct ones */
    size_t windows;
    Fold *fold;   /* [quantities] */
    Maker *maker; /* [features], of the plan's own quantities */
    Step *step;
    size_t steps;
    Program *program; /* of all row-level parts */
} PlanSteps;

/* quantities: other than all of the plan's; NULL otherwise.  Memory: keep. */
const PlanSteps *plan_steps(Arena *keep, const Plan *plan, const Quantities *quantities);

/* An aggregate whose parts the program has computed. */
void folding_of(Folding *out, ProgramRun *run, const Aggregate *a, StepParts parts);

/* A fresh column for an aggregate's values. */
void folding_column(Column *out, Arena *keep, const Folding *f, size_t rows);

/* Evaluate one optional row-level expression over the events, with what is nested in it; NULL
 * stays NULL. keep and scratch must be different ranges. */
MUST_USE Status events_evaluate(Column **out, Arena *keep, Arena scratch, const Expr *e,
                                const Events *events, Window w, Error *err);
/* An aggregate with its parts evaluated in the same way. */
MUST_USE Status events_folding(Folding *out, Arena *keep, Arena scratch, const Aggregate *a,
                               const Events *events, Window w, Error *err);

/* Is a population feature (or a feature that looks like one) written as it must be? */
MUST_USE Status population_check(const Plan *p, size_t index, Error *err);
/* May something of this use read what all customers together say of one? No place is set. */
MUST_USE Status population_reading(const Plan *p, const Feature *f, int use, Error *err);

/* The column that a name outside aggregates stands for in feature `index`: the customers', or an
 * earlier feature's. NULL where these files lack it. */
const Column *named_column(const Plan *plan, size_t index, const Events *events,
                           const Table *features, Str name);

/* A population feature's column: fitted first when fitting is given (then *peers is set), else by
 * the tables in *peers; missing without any. */
MUST_USE Status population_column(Column *out, Arena *keep, Arena scratch, const Plan *plan,
                                  size_t index, const Events *events, const Table *features,
                                  const Fitting *fitting, Peers **peers, Error *err);

/* Say where in the book a feature that could not be computed stands. */
Status feature_place(const Plan *plan, size_t feature, Error *err);

Flow flow_of(const Events *e, const Folding *f);

#endif
