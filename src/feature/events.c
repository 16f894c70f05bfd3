#include "feature/feature_internal.h"

#include <string.h>

Status events_build(Events **out, Arena *keep, const Plan *plan, const Table *profile,
                    const Collapsed *collapsed, const int64_t *as_of_us, Error *err)
{
    Events *e = *out = ARENA_NEW(keep, Events);
    const Table *rows = collapsed->rows;
    const Column *created = table_find(rows, plan->schema->transactions.created.text);
    if (created == NULL)
        return error_set(err, STATUS_FORMAT,
                         "the transactions have no column for the time of creation");
    size_t customers = profile->rows;
    size_t *start = ARENA_ARRAY(keep, size_t, customers + 1);
    for (size_t row = 0; row < rows->rows; row++)
        start[collapsed->owner[row] + 1]++;
    for (size_t i = 0; i < customers; i++)
        start[i + 1] += start[i];

    Table *with = table_new(keep, profile->name, customers, profile->columns + 1);
    memcpy(with->column, profile->column, profile->columns * sizeof(Column));
    Column *as_of = &with->column[profile->columns];
    column_init(as_of, keep, S("as_of"), TYPE_TIME, 0, customers, NULL);
    for (size_t i = 0; i < customers; i++) {
        as_of->integer[i] = as_of_us[i];
        column_set_valid(as_of, i);
    }
    *e = (Events){.plan = plan,
                  .customers = customers,
                  .profile = with,
                  .rows = rows,
                  .start = start,
                  .as_of_us = as_of_us,
                  .created_us = created->integer};
    return STATUS_OK;
}

/* First row of [from, to) created at or after `at`. */
static size_t first_at(const int64_t *created_us, size_t from, size_t to, int64_t at)
{
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (created_us[middle] < at)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

Range events_range(const Events *e, size_t customer, Window w)
{
    Range r = {e->start[customer], e->start[customer + 1]};
    if (r.from == r.to || w.kind == WINDOW_ALL)
        return r;
    if (w.kind == WINDOW_FIRST) {
        r.to = first_at(e->created_us, r.from, r.to, e->created_us[r.from] + w.duration_us);
        return r;
    }
    r.from = first_at(e->created_us, r.from, r.to, e->as_of_us[customer] - w.duration_us + 1);
    return r;
}

Status events_evaluate(Column **out, Arena *keep, Arena scratch, const Expr *e,
                       const Events *events, Window w, Error *err)
{
    size_t count;
    *out = NULL;
    if (e == NULL)
        return STATUS_OK;
    const Aggregate *a = lang_aggregates(e, &count);
    Column *nested = ARENA_ARRAY(keep, Column, count + 1);
    for (size_t i = 0; i < count; i++) {
        Folding f;
        TRY(events_folding(&f, keep, scratch, &a[i], events, w, err));
        TRY(sequence_column(&nested[i], keep, scratch, events, &f, w, err));
    }
    *out = ARENA_NEW(keep, Column);
    return lang_evaluate(*out, keep, scratch, e, events->rows, nested, err);
}

static const uint64_t *truth_of(Arena *keep, const Column *c, size_t rows)
{
    return c == NULL ? NULL : column_truth(keep, c, rows);
}

Status events_folding(Folding *out, Arena *keep, Arena scratch, const Aggregate *a,
                      const Events *events, Window w, Error *err)
{
    Column *argument, *filter, *base;
    size_t rows = events->rows->rows;
    const SchemaTransactions *s = &events->plan->schema->transactions;
    TRY(events_evaluate(&argument, keep, scratch, a->argument, events, w, err));
    TRY(events_evaluate(&filter, keep, scratch, a->filter, events, w, err));
    TRY(events_evaluate(&base, keep, scratch, a->base, events, w, err));
    *out = (Folding){.aggregate = a,
                     .argument = argument,
                     .filter = truth_of(keep, filter, rows),
                     .base = truth_of(keep, base, rows),
                     .amount = table_find(events->rows, s->amount.text),
                     .completed = table_find(events->rows, s->completed.text)};
    return STATUS_OK;
}
