/* The oracle: every meaning of docs/language.md done in the most obvious way, one customer and
 * one aggregate at a time, by walking all of the customer's events. Shares nothing with the
 * fast way but the evaluation of row-level expressions. */
#include "feature/feature_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 4096

typedef struct Walk {
    const Events *events;
    const Table *rows; /* of one customer, in time order */
    size_t customer;
    Window window;
} Walk;

/* An aggregate's parts, over the customer's rows. */
typedef struct Parts {
    const Aggregate *a;
    const Column *x, *filter, *base;
} Parts;

static int64_t created(const Walk *w, size_t row)
{
    return w->events->created_us[w->events->start[w->customer] + row];
}

static bool inside(const Walk *w, size_t row)
{
    int64_t at = created(w, row), as_of = w->events->as_of_us[w->customer];
    if (w->window.kind == WINDOW_FIRST)
        return at >= created(w, 0) && at < created(w, 0) + w->window.duration_us;
    if (w->window.kind == WINDOW_TRAILING)
        return at > as_of - w->window.duration_us && at <= as_of;
    return at <= as_of;
}

/* Of a nested aggregate: does event i look back as far as row? */
static bool looks_back(const Walk *w, const Aggregate *a, size_t i, size_t row)
{
    return row <= i && (a->within_us == 0 || created(w, row) > created(w, i) - a->within_us);
}

/* ---- flows ---- */

/* For every outflow in turn, take from the oldest money that had arrived in time. */
static Status match(const Walk *w, const Parts *p, Column *out, Error *err)
{
    const SchemaTransactions *s = &w->events->plan->schema->transactions;
    const Column *amount = table_find(w->rows, s->amount.text);
    const Column *completed = table_find(w->rows, s->completed.text);
    size_t n = w->rows->rows;
    int64_t left[EVENTS_MAX], whole[EVENTS_MAX], arrived[EVENTS_MAX], drained = 0;
    Int128 total = 0, lag = 0;
    for (size_t i = 0; i < n; i++) {
        bool money = inside(w, i) && column_holds(p->filter, i) && column_valid(amount, i) &&
                     amount->integer[i] > 0 && (completed == NULL || column_valid(completed, i));
        left[i] = whole[i] = money ? amount->integer[i] : 0;
        arrived[i] = created(w, i);
        if (completed != NULL && column_valid(completed, i) && completed->integer[i] > arrived[i])
            arrived[i] = completed->integer[i];
    }
    for (size_t o = 0; o < n; o++) {
        if (!inside(w, o) || !column_holds(p->base, o) || !column_valid(amount, o))
            continue;
        int64_t wanted = amount->integer[o];
        while (wanted > 0) {
            size_t oldest = n;
            for (size_t i = 0; i < n; i++)
                if (left[i] > 0 && i != o && arrived[i] <= created(w, o) &&
                    created(w, o) - arrived[i] <= p->a->within_us &&
                    (oldest == n || arrived[i] < arrived[oldest]))
                    oldest = i;
            if (oldest == n)
                break;
            int64_t part = left[oldest] < wanted ? left[oldest] : wanted;
            left[oldest] -= part;
            wanted -= part;
            total += part;
            lag += (Int128)part * (created(w, o) - arrived[oldest]);
        }
    }
    for (size_t i = 0; i < n; i++)
        drained +=
            whole[i] > 0 && (Int128)(whole[i] - left[i]) * power_of_ten(p->a->fraction_scale) >=
                                (Int128)whole[i] * p->a->fraction;
    if (p->a->kind == AGGREGATE_DRAINED)
        return put_integer(out, 0, drained, err);
    if (p->a->kind == AGGREGATE_MATCHED)
        return put_integer(out, 0, total, err);
    return total == 0 ? STATUS_OK : put_integer(out, 0, (2 * lag + total) / (2 * total), err);
}

static Status follow(const Walk *w, const Parts *p, Column *out, Error *err)
{
    int64_t count = 0;
    for (size_t i = 0; i < w->rows->rows; i++) {
        bool followed = false;
        for (size_t k = i + 1; k < w->rows->rows; k++)
            followed = followed || (inside(w, k) && column_holds(p->base, k) &&
                                    created(w, k) - created(w, i) <= p->a->within_us);
        count += followed && inside(w, i) && column_holds(p->filter, i);
    }
    return put_integer(out, 0, count, err);
}

/* ---- a list of rows into one value ---- */

static double real_of(const Column *x, size_t row)
{
    return x->type == TYPE_DURATION ? (double)x->integer[row] : cell_double(x, row);
}

static size_t times(const Column *x, const size_t *row, size_t n, size_t of)
{
    size_t same = 0;
    for (size_t i = 0; i < n; i++)
        same += cell_equal(x, row[i], x, of);
    return same;
}

/* Value number k in order: the one that fewer or as many are below of, and more up to. */
static size_t ranked(const Column *x, const size_t *row, size_t n, size_t k)
{
    assert(x != NULL);
    for (size_t i = 0; i < n; i++) {
        size_t below = 0, up_to = 0;
        for (size_t j = 0; j < n; j++) {
            below += x->type == TYPE_DOUBLE ? x->real[row[j]] < x->real[row[i]]
                                            : x->integer[row[j]] < x->integer[row[i]];
            up_to += x->type == TYPE_DOUBLE ? x->real[row[j]] <= x->real[row[i]]
                                            : x->integer[row[j]] <= x->integer[row[i]];
        }
        if (below <= k && k < up_to)
            return row[i];
    }
    assert(false);
    return 0;
}

/* The sum as an exact count of units (of a double: 0) and as a double. Doubles are added up in
 * order, or without any rounding in an aggregate inside another. */
static Int128 added(double *real, const Column *x, const size_t *row, size_t n, bool nested)
{
    Int128 exact = 0;
    ExactSum unrounded = {.count = 0};
    *real = 0;
    for (size_t i = 0; i < n; i++)
        if (x->type == TYPE_DOUBLE) {
            *real += x->real[row[i]];
            exact_add(&unrounded, x->real[row[i]]);
        } else {
            exact += x->integer[row[i]];
        }
    if (nested)
        *real = exact_value(&unrounded);
    if (x->type != TYPE_DOUBLE)
        *real = (double)exact / (double)power_of_ten(x->scale);
    return exact;
}

static Status put_sum_or_mean(const Parts *p, const size_t *row, size_t n, Column *out, size_t cell,
                              Error *err)
{
    double real;
    Int128 exact = added(&real, p->x, row, n, p->a->nested);
    if (p->a->kind == AGGREGATE_SUM)
        return out->type == TYPE_DOUBLE ? put_real(out, cell, real, err)
                                        : put_integer(out, cell, exact, err);
    if (n == 0)
        return STATUS_OK;
    if (out->type == TYPE_DOUBLE)
        return put_real(out, cell, real / (double)n, err);
    return put_integer(out, cell, (2 * exact + (exact < 0 ? -1 : 1) * (Int128)n) / (2 * (Int128)n),
                       err);
}

static Status put_spread(const Parts *p, const size_t *row, size_t n, Column *out, size_t cell,
                         Error *err)
{
    bool span = out->type == TYPE_DURATION;
    if (p->a->kind == AGGREGATE_SD) {
        double squares = 0, real;
        (void)added(&real, p->x, row, n, p->a->nested);
        if (n < 2)
            return STATUS_OK;
        double middle = real / (double)n;
        for (size_t i = 0; i < n; i++)
            squares += (real_of(p->x, row[i]) - middle) * (real_of(p->x, row[i]) - middle);
        double sd = sqrt(squares / (double)(n - 1));
        return span ? put_integer(out, cell, (Int128)round(sd), err) : put_real(out, cell, sd, err);
    }
    if (n == 0)
        return STATUS_OK;
    double at = (double)(n - 1) * decimal_to_double(p->a->fraction, p->a->fraction_scale);
    size_t k = (size_t)floor(at);
    size_t low = ranked(p->x, row, n, k), high = ranked(p->x, row, n, k + 1 < n ? k + 1 : k);
    if (span)
        return put_integer(out, cell,
                           p->x->integer[low] +
                               (Int128)round((at - (double)k) *
                                             (double)(p->x->integer[high] - p->x->integer[low])),
                           err);
    return put_real(
        out, cell,
        real_of(p->x, low) + (at - (double)k) * (real_of(p->x, high) - real_of(p->x, low)), err);
}

/* distinct, modal, concentration, entropy */
static Status put_frequency(const Parts *p, const size_t *row, size_t n, Column *out, size_t cell,
                            Error *err)
{
    size_t distinct = 0, modal = 0;
    double entropy = 0;
    Int128 squares = 0;
    for (size_t often = 1; often <= n; often++) /* the rarest first: so are doubles added up */
        for (size_t i = 0; i < n; i++) {
            bool first = times(p->x, row, i, row[i]) == 0;
            if (!first || times(p->x, row, n, row[i]) != often)
                continue;
            distinct++;
            modal = often;
            squares += (Int128)often * (Int128)often;
            entropy += (double)often / (double)n * stable_log((double)n / (double)often);
        }
    if (p->a->kind == AGGREGATE_DISTINCT)
        return put_integer(out, cell, (Int128)distinct, err);
    if (p->a->kind == AGGREGATE_MODAL)
        return put_integer(out, cell, (Int128)modal, err);
    if (n == 0)
        return STATUS_OK;
    return put_real(
        out, cell,
        p->a->kind == AGGREGATE_ENTROPY ? entropy : (double)squares / ((double)n * (double)n), err);
}

/* `row` are the rows seen; those that do not count are passed over here. */
static Status reduce(const Parts *p, size_t *row, size_t n, Column *out, size_t cell, Error *err)
{
    size_t count = 0, whole = 0;
    for (size_t i = 0; i < n; i++) {
        bool counts = column_holds(p->filter, row[i]) && column_holds(p->base, row[i]) &&
                      (p->x == NULL || column_valid(p->x, row[i]));
        whole += column_holds(p->base, row[i]);
        if (counts)
            row[count++] = row[i];
    }
    size_t best = 0;
    switch (p->a->kind) {
    case AGGREGATE_COUNT:
        return put_integer(out, cell, (Int128)count, err);
    case AGGREGATE_SHARE:
        return whole == 0 ? STATUS_OK : put_real(out, cell, (double)count / (double)whole, err);
    case AGGREGATE_SUM:
    case AGGREGATE_MEAN:
        return put_sum_or_mean(p, row, count, out, cell, err);
    case AGGREGATE_SD:
    case AGGREGATE_PERCENTILE:
        return put_spread(p, row, count, out, cell, err);
    case AGGREGATE_FIRST:
    case AGGREGATE_LAST:
        if (count > 0)
            put_copy(out, cell, p->x, row[p->a->kind == AGGREGATE_FIRST ? 0 : count - 1]);
        return STATUS_OK;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        best =
            count == 0 ? 0 : ranked(p->x, row, count, p->a->kind == AGGREGATE_MIN ? 0 : count - 1);
        if (count > 0)
            put_copy(out, cell, p->x, best);
        return STATUS_OK;
    default:
        return put_frequency(p, row, count, out, cell, err);
    }
}

/* ---- inside an aggregate: a value for each event ---- */

static Status one_event(const Walk *w, const Parts *p, Column *out, size_t i, Error *err)
{
    size_t n = w->rows->rows, at = n, row[EVENTS_MAX], count = 0;
    int64_t streak = 0;
    switch (p->a->kind) {
    case AGGREGATE_SINCE:
    case AGGREGATE_PREVIOUS:
        for (size_t k = 0; k < i; k++)
            if (column_holds(p->filter, k) && (p->x == NULL || column_valid(p->x, k)))
                at = k;
        if (at < n && p->x != NULL)
            put_copy(out, i, p->x, at);
        return at == n || p->x != NULL ? STATUS_OK
                                       : put_integer(out, i, created(w, i) - created(w, at), err);
    case AGGREGATE_UNTIL:
        for (size_t k = n; k-- > i + 1;)
            if (inside(w, k) && column_holds(p->filter, k))
                at = k;
        return at == n || !inside(w, i) ? STATUS_OK
                                        : put_integer(out, i, created(w, at) - created(w, i), err);
    case AGGREGATE_SAME:
        for (size_t k = 0; k < i; k++)
            count += looks_back(w, p->a, i, k) && column_holds(p->filter, k) &&
                     cell_equal(p->x, k, p->x, i);
        return column_valid(p->x, i) ? put_integer(out, i, (Int128)count, err) : STATUS_OK;
    case AGGREGATE_STREAK:
        for (size_t k = 0; k <= i; k++)
            if (column_holds(p->base, k))
                streak = column_holds(p->filter, k) ? streak + 1 : 0;
        return column_holds(p->base, i) ? put_integer(out, i, streak, err) : STATUS_OK;
    default:
        for (size_t k = 0; k <= i; k++)
            if (looks_back(w, p->a, i, k))
                row[count++] = k;
        return reduce(p, row, count, out, i, err);
    }
}

static void fresh(Column *out, Arena *own, const Parts *p, size_t rows)
{
    Type type = p->a->type;
    bool text = type == TYPE_CATEGORY || type == TYPE_TEXT;
    assert(!text || p->x != NULL);
    column_init(out, own, S(""), type, p->a->scale, rows, text ? p->x->dictionary : NULL);
}

static Status values(Column **out, Arena *own, Arena scratch, const Walk *w, const Expr *e,
                     Error *err);

static Status parts_of(Parts *out, Arena *own, Arena scratch, const Walk *w, const Aggregate *a,
                       Error *err)
{
    Column *x, *filter, *base;
    TRY(values(&x, own, scratch, w, a->argument, err));
    TRY(values(&filter, own, scratch, w, a->filter, err));
    TRY(values(&base, own, scratch, w, a->base, err));
    *out = (Parts){a, x, filter, base};
    return STATUS_OK;
}

/* A row-level expression with what is nested in it. */
static Status values(Column **out, Arena *own, Arena scratch, const Walk *w, const Expr *e,
                     Error *err)
{
    size_t count;
    *out = NULL;
    if (e == NULL)
        return STATUS_OK;
    const Aggregate *a = lang_aggregates(e, &count);
    Column *nested = ARENA_ARRAY(own, Column, count + 1);
    for (size_t k = 0; k < count; k++) {
        Parts p;
        TRY(parts_of(&p, own, scratch, w, &a[k], err));
        fresh(&nested[k], own, &p, w->rows->rows);
        for (size_t i = 0; i < w->rows->rows; i++)
            TRY(one_event(w, &p, &nested[k], i, err));
    }
    *out = ARENA_NEW(own, Column);
    return lang_evaluate(*out, own, scratch, e, w->rows, nested, err);
}

static Status one_aggregate(Column *out, Arena *own, Arena scratch, const Walk *w,
                            const Aggregate *a, Error *err)
{
    Parts p;
    size_t row[EVENTS_MAX], count = 0;
    if (w->rows->rows > EVENTS_MAX)
        return error_set(err, STATUS_LIMIT, "the slow evaluator takes at most %d events a customer",
                         EVENTS_MAX);
    TRY(parts_of(&p, own, scratch, w, a, err));
    fresh(out, own, &p, 1);
    if (a->kind == AGGREGATE_FOLLOWED)
        return follow(w, &p, out, err);
    if (a->kind >= AGGREGATE_MATCHED && a->kind <= AGGREGATE_DRAINED)
        return match(w, &p, out, err);
    for (size_t i = 0; i < w->rows->rows; i++)
        if (inside(w, i))
            row[count++] = i;
    return reduce(&p, row, count, out, 0, err);
}

static Status one_customer(Table *t, Arena own, Arena scratch, const Plan *plan,
                           const Events *events, size_t customer, Error *err)
{
    size_t from = events->start[customer], count = events->start[customer + 1] - from;
    uint32_t *index = ARENA_ARRAY(&own, uint32_t, count + 1);
    for (size_t i = 0; i < count; i++)
        index[i] = (uint32_t)(from + i);
    uint32_t self = (uint32_t)customer;
    const Table *profile = table_take(&own, events->profile, &self, 1);
    /* What may be named: the profile, and the features that are done. */
    Table *known = table_new(&own, S("known"), 1, profile->columns + plan->features);
    memcpy(known->column, profile->column, profile->columns * sizeof(Column));
    known->columns = profile->columns;
    Walk w = {.events = events,
              .rows = table_take(&own, events->rows, index, count),
              .customer = customer};
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        size_t aggregates;
        const Aggregate *a = lang_aggregates(f->expr, &aggregates);
        Column *value = ARENA_ARRAY(&own, Column, aggregates + 1);
        for (size_t k = 0; k < aggregates; k++) {
            w.window = a[k].has_window ? a[k].window : f->window;
            TRY(one_aggregate(&value[k], &own, scratch, &w, &a[k], err));
        }
        Column *cell = &known->column[known->columns];
        TRY(lang_evaluate(cell, &own, scratch, f->expr, known, value, err));
        cell->name = f->name.text;
        known->columns++;
        Column *to = &t->column[i];
        if (!column_valid(cell, 0))
            continue;
        if (to->type == TYPE_CATEGORY || to->type == TYPE_TEXT)
            to->code[customer] =
                dictionary_add(to->dictionary, cell->dictionary->text[cell->code[0]]);
        else
            memcpy((char *)to->data + customer * type_width(to->type), cell->data,
                   type_width(to->type));
        column_set_valid(to, customer);
    }
    return STATUS_OK;
}

Status feature_table_slow(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                          const Events *events, Error *err)
{
    Table *t = *out = table_new(keep, S("features"), events->customers, plan->features);
    for (size_t i = 0; i < plan->features; i++)
        column_init(&t->column[i], keep, plan->feature[i].name.text,
                    lang_type(plan->feature[i].expr), lang_scale(plan->feature[i].expr),
                    events->customers, NULL);
    Arena own = arena_new();
    Status status = STATUS_OK;
    for (size_t customer = 0; customer < events->customers && status == STATUS_OK; customer++)
        status = one_customer(t, own, scratch, plan, events, customer, err);
    arena_free(&own);
    return status;
}
