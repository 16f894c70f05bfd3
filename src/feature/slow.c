/* The oracle: every meaning of docs/language.md done in the most obvious way, one customer and
 * one aggregate at a time, by walking all of the customer's events. Shares nothing with the
 * fast way but the evaluation of row-level expressions. */
#include "feature/feature_internal.h"

#include <assert.h>
#include <string.h>

typedef struct Walk {
    const Events *events;
    const Table *rows; /* of one customer, in time order */
    size_t customer;
    Window window;
} Walk;

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

/* For every outflow in turn, take from the oldest money that had arrived in time. */
static int64_t match(const Walk *w, const Aggregate *a, const Column *in, const Column *out)
{
    const SchemaTransactions *s = &w->events->plan->schema->transactions;
    const Column *amount = table_find(w->rows, s->amount.text);
    const Column *completed = table_find(w->rows, s->completed.text);
    size_t n = w->rows->rows;
    int64_t left[4096], arrived[4096], total = 0;
    for (size_t i = 0; i < n; i++) {
        bool money = inside(w, i) && condition_holds(in, i) && column_valid(amount, i) &&
                     amount->integer[i] > 0 && (completed == NULL || column_valid(completed, i));
        left[i] = money ? amount->integer[i] : 0;
        arrived[i] = created(w, i);
        if (completed != NULL && column_valid(completed, i) && completed->integer[i] > arrived[i])
            arrived[i] = completed->integer[i];
    }
    for (size_t o = 0; o < n; o++) {
        if (!inside(w, o) || !condition_holds(out, o) || !column_valid(amount, o))
            continue;
        int64_t wanted = amount->integer[o];
        while (wanted > 0) {
            size_t oldest = n;
            for (size_t i = 0; i < n; i++)
                if (left[i] > 0 && i != o && arrived[i] <= created(w, o) &&
                    created(w, o) - arrived[i] <= a->within_us &&
                    (oldest == n || arrived[i] < arrived[oldest]))
                    oldest = i;
            if (oldest == n)
                break;
            int64_t part = left[oldest] < wanted ? left[oldest] : wanted;
            left[oldest] -= part;
            wanted -= part;
            total += part;
        }
    }
    return total;
}

static Status one_aggregate(Column *out, Arena *own, Arena scratch, const Walk *w,
                            const Aggregate *a, Error *err)
{
    Column *x, *filter, *base;
    TRY(events_evaluate(&x, own, scratch, a->argument, w->rows, err));
    TRY(events_evaluate(&filter, own, scratch, a->filter, w->rows, err));
    TRY(events_evaluate(&base, own, scratch, a->base, w->rows, err));
    size_t n = w->rows->rows, count = 0, whole = 0, distinct = 0;
    Int128 exact = 0;
    double real = 0;
    size_t least = n, most = n;
    column_init(out, own, S(""), a->type, a->scale, 1, NULL);
    if (a->kind == AGGREGATE_MATCHED) {
        if (n > 4096)
            return error_set(err, STATUS_LIMIT,
                             "the slow evaluator takes at most 4096 events a customer");
        out->integer[0] = match(w, a, filter, base);
        column_set_valid(out, 0);
        return STATUS_OK;
    }
    for (size_t i = 0; i < n; i++) {
        if (!inside(w, i))
            continue;
        if (a->kind == AGGREGATE_SHARE) {
            whole += condition_holds(base, i);
            count += condition_holds(base, i) && condition_holds(filter, i);
            continue;
        }
        if (!condition_holds(filter, i) || (x != NULL && !column_valid(x, i)))
            continue;
        count++;
        if (x == NULL)
            continue;
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = inside(w, k) && condition_holds(filter, k) && cell_equal(x, i, x, k);
        distinct += !seen;
        if (x->type == TYPE_CATEGORY || x->type == TYPE_TEXT)
            continue;
        if (x->type == TYPE_DOUBLE)
            real += x->real[i];
        else
            exact += x->type == TYPE_BOOLEAN ? x->boolean[i] : x->integer[i];
        if (least == n || cell_double(x, i) < cell_double(x, least))
            least = i;
        if (most == n || cell_double(x, i) > cell_double(x, most))
            most = i;
    }
    bool valid = true;
    switch (a->kind) {
    case AGGREGATE_COUNT:
        out->integer[0] = (int64_t)count;
        break;
    case AGGREGATE_DISTINCT:
        out->integer[0] = (int64_t)distinct;
        break;
    case AGGREGATE_SUM:
        if (a->type == TYPE_DOUBLE)
            out->real[0] = real;
        else
            out->integer[0] = (int64_t)exact;
        break;
    case AGGREGATE_MEAN:
        assert(x != NULL);
        valid = count > 0;
        if (valid && a->type == TYPE_DOUBLE)
            out->real[0] =
                (x->type == TYPE_DOUBLE ? real : (double)exact / (double)power_of_ten(x->scale)) /
                (double)count;
        else if (valid)
            out->integer[0] = (int64_t)((2 * exact + (exact < 0 ? -1 : 1) * (Int128)count) /
                                        (2 * (Int128)count)); /* nearest */
        break;
    case AGGREGATE_SHARE:
        valid = whole > 0;
        if (valid)
            out->real[0] = (double)count / (double)whole;
        break;
    default: { /* min, max */
        assert(x != NULL);
        size_t at = a->kind == AGGREGATE_MIN ? least : most;
        valid = at < n;
        if (valid)
            memcpy(out->data, (const char *)x->data + at * type_width(x->type),
                   type_width(x->type));
    }
    }
    if (valid)
        column_set_valid(out, 0);
    return STATUS_OK;
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
    Walk w = {.events = events,
              .rows = table_take(&own, events->rows, index, count),
              .customer = customer};
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        Arena each = own;
        size_t aggregates;
        const Aggregate *a = lang_aggregates(f->expr, &aggregates);
        Column *value = ARENA_ARRAY(&each, Column, aggregates + 1);
        for (size_t k = 0; k < aggregates; k++) {
            w.window = a[k].has_window ? a[k].window : f->window;
            TRY(one_aggregate(&value[k], &each, scratch, &w, &a[k], err));
        }
        Column cell;
        TRY(lang_evaluate(&cell, &each, scratch, f->expr, profile, value, err));
        Column *to = &t->column[i];
        if (!column_valid(&cell, 0))
            continue;
        if (to->type == TYPE_CATEGORY || to->type == TYPE_TEXT)
            to->code[customer] =
                dictionary_add(to->dictionary, cell.dictionary->text[cell.code[0]]);
        else
            memcpy((char *)to->data + customer * type_width(to->type), cell.data,
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
