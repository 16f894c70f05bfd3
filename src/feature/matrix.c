#include "feature/feature_internal.h"

#include <stdlib.h>

static bool used(const Plan *p, size_t i, const uint8_t *skip)
{
    return p->feature[i].use == USE_MODEL && (skip == NULL || !skip[i]);
}

static bool is_category(const Feature *f)
{
    return lang_type(f->expr) == TYPE_CATEGORY;
}

static int by_bytes(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

void plan_freeze_levels(Plan *p, Arena *keep, const Table *features, const uint32_t *row,
                        size_t count, size_t customers_min)
{
    for (size_t i = 0; i < p->features; i++) {
        Feature *f = &p->feature[i];
        const Column *c = &features->column[i];
        if (f->use != USE_MODEL || !is_category(f))
            continue;
        size_t *seen = ARENA_ARRAY(keep, size_t, c->dictionary->count + 1);
        for (size_t k = 0; k < count; k++)
            if (column_valid(c, row[k]))
                seen[c->code[row[k]]]++;
        f->level = ARENA_ARRAY(keep, Str, c->dictionary->count + 1);
        f->levels = 0;
        for (size_t code = 0; code < c->dictionary->count; code++)
            if (seen[code] >= customers_min)
                f->level[f->levels++] = c->dictionary->text[code];
        qsort(f->level, f->levels, sizeof *f->level, by_bytes);
    }
}

MatrixPlan *matrix_plan(Arena *keep, const Plan *plan, const uint8_t *skip)
{
    static const int8_t direction[] = {0, 1, -1};
    MatrixPlan *m = ARENA_NEW(keep, MatrixPlan);
    for (size_t i = 0; i < plan->features; i++)
        if (used(plan, i, skip))
            m->columns += is_category(&plan->feature[i]) ? plan->feature[i].levels : 1;
    m->feature = ARENA_ARRAY(keep, uint32_t, m->columns + 1);
    m->monotone = ARENA_ARRAY(keep, int8_t, m->columns + 1);
    size_t at = 0;
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        size_t width = !used(plan, i, skip) ? 0 : is_category(f) ? f->levels : 1;
        for (size_t k = 0; k < width; k++, at++) {
            m->feature[at] = (uint32_t)i;
            m->monotone[at] = is_category(f) ? 0 : direction[f->risk];
        }
    }
    return m;
}

/* Durations are given to the model in hours: microseconds would waste float32's digits. */
static float cell_float(const Column *c, size_t row)
{
    double value = cell_double(c, row);
    return (float)(c->type == TYPE_DURATION ? value / (double)HOUR_US : value);
}

Status feature_matrix(Matrix **out, Arena *keep, const Plan *plan, const Table *features,
                      const uint8_t *skip, const Str *id, const uint32_t *row, size_t count,
                      Error *err)
{
    const MatrixPlan *m = matrix_plan(keep, plan, skip);
    Matrix *x = *out = matrix_new(keep, count, m->columns);
    if (m->columns == 0) {
        (void)error_set(err, STATUS_DATA, "no feature is left for the model");
        return error_remedy(err, "give at least one feature `use: model` in the features book");
    }
    size_t level = 0;
    for (size_t k = 0; k < m->columns; k++) {
        const Feature *f = &plan->feature[m->feature[k]];
        const Column *c = &features->column[m->feature[k]];
        level = k > 0 && m->feature[k] == m->feature[k - 1] ? level + 1 : 0;
        bool category = is_category(f);
        x->name[k] = category ? str_format(keep, "%.*s=%.*s", STR_ARG(f->name.text),
                                           STR_ARG(f->level[level]))
                              : f->name.text;
        uint32_t code = category ? dictionary_find(c->dictionary, f->level[level]) : 0;
        for (size_t i = 0; i < count; i++)
            x->value[i * x->columns + k] =
                category ? (float)(column_valid(c, row[i]) && c->code[row[i]] == code)
                         : cell_float(c, row[i]);
    }
    for (size_t i = 0; i < count; i++)
        x->id[i] = id[row[i]];
    return STATUS_OK;
}

/* One customer's events alone, as a table of their own. */
static Events one_of(const Events *events, Arena *arena, size_t customer)
{
    size_t from = events->start[customer], n = events->start[customer + 1] - from;
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

/* counted[row] is 1 for the rows of the range that the aggregate took. */
static void count_rows(uint8_t *counted, const Events *one, const Folding *f, Range r,
                       Arena scratch)
{
    AggregateKind kind = f->aggregate->kind;
    Flow flow = flow_of(one, f);
    if (kind == AGGREGATE_FOLLOWED) {
        (void)flow_followed(&flow, r, counted + r.from);
        return;
    }
    if (kind >= AGGREGATE_MATCHED && kind <= AGGREGATE_DRAINED) {
        (void)flow_match(&flow, r, scratch, counted + r.from);
        return;
    }
    size_t first = r.to, last = r.to;
    for (size_t i = r.from; i < r.to; i++) {
        counted[i] = folding_takes(f, i) && condition_holds(f->base, i);
        first = counted[i] && first == r.to ? i : first;
        last = counted[i] ? i : last;
    }
    for (size_t i = r.from; i < r.to; i++)
        if ((kind == AGGREGATE_FIRST && i != first) || (kind == AGGREGATE_LAST && i != last))
            counted[i] = 0;
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
    Window w = a->has_window ? a->window : feature->window;
    Events one = one_of(events, &scratch, customer);
    Range r = events_range(&one, 0, w);
    Column *filter, *base, *argument;
    /* keep's free end serves for what the evaluator needs while it runs. */
    TRY(events_evaluate(&argument, &scratch, *keep, a->argument, &one, w, err));
    TRY(events_evaluate(&filter, &scratch, *keep, a->filter, &one, w, err));
    TRY(events_evaluate(&base, &scratch, *keep, a->base, &one, w, err));
    Folding f = {a, argument, filter, base};
    uint8_t *counted = ARENA_ARRAY(&scratch, uint8_t, one.rows->rows + 1);
    count_rows(counted, &one, &f, r, scratch);
    *rows = ARENA_ARRAY(keep, uint32_t, r.to - r.from + 1);
    for (size_t i = r.from; i < r.to; i++)
        if (counted[i])
            (*rows)[(*count)++] = (uint32_t)(events->start[customer] + i);
    return STATUS_OK;
}
