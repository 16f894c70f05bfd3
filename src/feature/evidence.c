/* The transactions behind a value. A sum or a count has those it took; an extreme has what stands
 * behind the one row that attains it, and there a nested aggregate is looked into in turn. */
#include "feature/feature_internal.h"

/* One customer's events alone, as a table of their own. */
static Events one_of(const Events *events, Arena *arena, size_t customer)
{
    size_t from = events->start[customer], n = events->start[customer + 1] - from;
    if (events->customers == 1)
        return *events;
    uint32_t *index = ARENA_ARRAY(arena, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++)
        index[i] = (uint32_t)(from + i);
    size_t *start = ARENA_ARRAY(arena, size_t, 2);
    start[1] = n;
    Events one = *events;
    one.customers = 1;
    one.rows = table_take(arena, events->rows, index, n);
    one.start = start;
    one.as_of_us = events->as_of_us + customer;
    one.created_us = events->created_us + from;
    return one;
}

typedef struct Behind {
    const Events *one;
    Window window;    /* of the outermost aggregate */
    uint8_t *counted; /* [rows] 1 for what stands behind the value */
    Error *err;
} Behind;

static Status mark_row(const Behind *b, Arena *keep, Arena scratch, const Expr *value, size_t row);

/* The row whose value an extreme, a first or a last one is, the earliest of equals; r.to: none. */
static size_t row_of(const Folding *f, Range r)
{
    const Column *x = f->argument;
    AggregateKind kind = f->aggregate->kind;
    size_t best = r.to;
    for (size_t i = r.from; i < r.to; i++) {
        if (!folding_takes(f, i))
            continue;
        bool better = best == r.to || kind == AGGREGATE_LAST;
        if (!better && kind == AGGREGATE_MAX)
            better = x->type == TYPE_DOUBLE ? x->real[i] > x->real[best]
                                            : x->integer[i] > x->integer[best];
        if (!better && kind == AGGREGATE_MIN)
            better = x->type == TYPE_DOUBLE ? x->real[i] < x->real[best]
                                            : x->integer[i] < x->integer[best];
        best = better ? i : best;
    }
    return best;
}

/* What an aggregate over the rows of r rests on. */
static Status mark_range(const Behind *b, Arena *keep, Arena scratch, const Folding *f, Range r)
{
    AggregateKind kind = f->aggregate->kind;
    Flow flow = flow_of(b->one, f);
    size_t row;
    switch (kind) {
    case AGGREGATE_FOLLOWED:
        (void)flow_followed(&flow, r, b->counted + r.from);
        return STATUS_OK;
    case AGGREGATE_MATCHED:
    case AGGREGATE_MATCHED_LAG:
    case AGGREGATE_DRAINED:
        (void)flow_match(&flow, r, scratch, b->counted + r.from);
        return STATUS_OK;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
    case AGGREGATE_FIRST:
    case AGGREGATE_LAST:
        row = row_of(f, r);
        return row == r.to ? STATUS_OK : mark_row(b, keep, scratch, f->aggregate->argument, row);
    default:
        for (size_t i = r.from; i < r.to; i++)
            b->counted[i] |= folding_takes(f, i) && condition_holds(f->base, i);
        return STATUS_OK;
    }
}

/* The latest earlier row that counts, and the row itself. */
static void mark_earlier(const Behind *b, const Folding *f, size_t row)
{
    size_t i = row;
    while (i > 0 && !folding_takes(f, i - 1))
        i--;
    if (i > 0)
        b->counted[i - 1] = b->counted[row] = 1;
}

static void mark_later(const Behind *b, const Folding *f, size_t row)
{
    size_t to = events_range(b->one, 0, b->window).to, i = row + 1;
    while (i < to && !condition_holds(f->filter, i))
        i++;
    if (i < to)
        b->counted[i] = b->counted[row] = 1;
}

static void mark_streak(const Behind *b, const Folding *f, size_t row)
{
    for (size_t i = row + 1; i-- > 0;) {
        if (condition_holds(f->base, i) && !condition_holds(f->filter, i))
            return;
        b->counted[i] |= condition_holds(f->base, i);
    }
}

/* The row, and those of [low, row) with its value. */
static void mark_same(const Behind *b, const Folding *f, size_t low, size_t row)
{
    if (!column_valid(f->argument, row))
        return;
    b->counted[row] = 1;
    for (size_t i = low; i < row; i++)
        b->counted[i] |=
            folding_takes(f, i) && cell_key(f->argument, i) == cell_key(f->argument, row);
}

/* What a nested aggregate or sequence function saw from this row. */
static Status mark_look(const Behind *b, Arena *keep, Arena scratch, const Folding *f, size_t row)
{
    const int64_t *created_us = b->one->created_us;
    int64_t within_us = f->aggregate->within_us;
    size_t low = 0;
    while (within_us > 0 && created_us[low] <= created_us[row] - within_us)
        low++;
    switch (f->aggregate->kind) {
    case AGGREGATE_SINCE:
    case AGGREGATE_PREVIOUS:
        mark_earlier(b, f, row);
        return STATUS_OK;
    case AGGREGATE_UNTIL:
        mark_later(b, f, row);
        return STATUS_OK;
    case AGGREGATE_SAME:
        mark_same(b, f, low, row);
        return STATUS_OK;
    case AGGREGATE_STREAK:
        mark_streak(b, f, row);
        return STATUS_OK;
    default:
        return mark_range(b, keep, scratch, f, (Range){low, row + 1});
    }
}

/* The row itself where its own cells are read, and what its nested aggregates saw. */
static Status mark_row(const Behind *b, Arena *keep, Arena scratch, const Expr *value, size_t row)
{
    size_t nested, names;
    const Aggregate *a = lang_aggregates(value, &nested);
    (void)lang_names(value, &names);
    for (size_t i = 0; i < nested; i++) {
        Folding f;
        TRY(events_folding(&f, keep, scratch, &a[i], b->one, b->window, b->err));
        TRY(mark_look(b, keep, scratch, &f, row));
    }
    b->counted[row] |= names > 0 || nested == 0;
    return STATUS_OK;
}

/* A feature's first aggregate with its parts: those that the table of features left, or computed.
 */
static Status first_folding(Folding *out, Arena *keep, Arena scratch, const Feature *feature,
                            const Events *one, Window w, Error *err)
{
    const Plan *plan = one->plan;
    const SchemaTransactions *s = &plan->schema->transactions;
    size_t aggregates;
    const Aggregate *a = lang_aggregates(feature->expr, &aggregates);
    if (one->parts == NULL)
        return events_folding(out, keep, scratch, a, one, w, err);
    const PlanSteps *steps = plan->steps;
    folding_of(out, one->parts, a,
               steps->fold[*steps->quantities.of[feature - plan->feature]].parts);
    out->amount = table_find(one->rows, s->amount.text);
    out->completed = table_find(one->rows, s->completed.text);
    return STATUS_OK;
}

Status feature_evidence(uint32_t **rows, size_t *count, Arena *keep, Arena scratch,
                        const Feature *feature, const Events *events, size_t customer, Error *err)
{
    size_t aggregates;
    feature = feature_source(events->plan, feature);
    const Aggregate *a = lang_aggregates(feature->expr, &aggregates);
    *count = 0;
    *rows = NULL;
    if (aggregates == 0)
        return STATUS_OK;
    Events one = one_of(events, &scratch, customer);
    size_t n = one.rows->rows;
    Behind b = {&one, a->has_window ? a->window : feature->window,
                ARENA_ARRAY(&scratch, uint8_t, n + 1), err};
    Folding f;
    /* keep's free end serves for what the evaluator needs while it runs. */
    TRY(first_folding(&f, &scratch, *keep, feature, &one, b.window, err));
    TRY(mark_range(&b, &scratch, *keep, &f, events_range(&one, 0, b.window)));
    *rows = ARENA_ARRAY(keep, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++)
        if (b.counted[i])
            (*rows)[(*count)++] = (uint32_t)(events->start[customer] + i);
    return STATUS_OK;
}

/* ---- money in and out, part by part ---- */

bool feature_matches(const Plan *p, const Feature *f)
{
    size_t aggregates;
    const Aggregate *a = lang_aggregates(feature_source(p, f)->expr, &aggregates);
    return aggregates > 0 && (a[0].kind == AGGREGATE_MATCHED ||
                              a[0].kind == AGGREGATE_MATCHED_LAG || a[0].kind == AGGREGATE_DRAINED);
}

static const Feature *whole_flow(const Plan *p)
{
    for (size_t i = 0; i < p->features; i++) {
        const Feature *f = &p->feature[i];
        size_t aggregates;
        const Aggregate *a = lang_aggregates(f->expr, &aggregates);
        if (f->use != USE_MONITOR && aggregates > 0 && a[0].kind == AGGREGATE_MATCHED &&
            (a[0].has_window ? a[0].window : f->window).kind == WINDOW_ALL)
            return f;
    }
    return NULL;
}

Status feature_flow(FlowView *out, Arena *keep, Arena scratch, const Feature *feature,
                    const Events *events, size_t customer, Error *err)
{
    feature = feature == NULL ? whole_flow(events->plan) : feature_source(events->plan, feature);
    *out = (FlowView){0};
    if (feature == NULL || !feature_matches(events->plan, feature))
        return STATUS_OK;
    size_t aggregates;
    const Aggregate *a = lang_aggregates(feature->expr, &aggregates);
    Events one = one_of(events, &scratch, customer);
    size_t n = one.rows->rows, from = events->start[customer];
    const Behind b = {&one, a->has_window ? a->window : feature->window, NULL, err};
    Folding f;
    TRY(first_folding(&f, &scratch, *keep, feature, &one, b.window, err));
    *out = (FlowView){.feature = feature,
                      .part = ARENA_ARRAY(keep, FlowPart, 2 * n + 1),
                      .from = from,
                      .rows = n,
                      .in = ARENA_ARRAY(keep, uint8_t, n + 1),
                      .out = ARENA_ARRAY(keep, uint8_t, n + 1)};
    for (size_t i = 0; i < n; i++) {
        out->in[i] = condition_holds(f.filter, i);
        out->out[i] = condition_holds(f.base, i);
    }
    Flow flow = flow_of(&one, &f);
    (void)flow_match_parts(&flow, events_range(&one, 0, b.window), scratch, NULL, out->part,
                           &out->parts);
    for (size_t i = 0; i < out->parts; i++) {
        out->part[i].in += (uint32_t)from;
        out->part[i].out += (uint32_t)from;
    }
    return STATUS_OK;
}
