#include "feature/feature_internal.h"

#include <assert.h>
#include <string.h>

/* Equal parts of different features are computed once: row-level expressions by their
 * canonical text, aggregates by kind, parts and window, nested ones likewise. */
typedef struct Made {
    const Column *column; /* over the events */
} Made;

typedef struct Shared {
    Arena *keep;
    Arena scratch;
    const Events *events;
    Dictionary *row_texts; /* canonical text -> position in row_value */
    Made *row_value;
    size_t row_values, row_capacity;
    Dictionary *nested_texts;
    Made *nested_value;
    size_t nested_values, nested_capacity;
    Dictionary *aggregate_texts;
    Folding *folding;
    Window *window;
    size_t aggregates;
    Column *value; /* [aggregates] over customers */
    Error *error;  /* [aggregates] */
} Shared;

static void add_part(Buffer *b, const Expr *e)
{
    Str text = e == NULL ? S("") : lang_text(e);
    buffer_format(b, "|%zu:", text.size);
    buffer_add(b, text);
}

static Str aggregate_key(Arena *keep, const Aggregate *a, Window w)
{
    Buffer b = buffer_new(keep);
    buffer_format(&b, "%d|%d|%lld|%lld|%lld|%d", (int)a->kind, (int)w.kind,
                  (long long)w.duration_us, (long long)a->within_us, (long long)a->fraction,
                  a->fraction_scale);
    add_part(&b, a->argument);
    add_part(&b, a->filter);
    add_part(&b, a->base);
    return buffer_str(&b);
}

static Status row_column(const Column **out, Shared *s, const Expr *e, Window w, Error *err);

static Status row_columns(Folding *out, Shared *s, const Aggregate *a, Window w, Error *err)
{
    *out = (Folding){.aggregate = a};
    TRY(row_column(&out->argument, s, a->argument, w, err));
    TRY(row_column(&out->filter, s, a->filter, w, err));
    return row_column(&out->base, s, a->base, w, err);
}

/* A nested aggregate's column over the events. Only what looks ahead depends on the window. */
static Status nested_column(Column *out, Shared *s, const Aggregate *a, Window w, Error *err)
{
    Window seen = a->kind == AGGREGATE_UNTIL ? w : (Window){WINDOW_ALL, 0};
    Str key = aggregate_key(s->keep, a, seen);
    uint32_t code = dictionary_find(s->nested_texts, key);
    if (code != NO_CODE) {
        assert(s->nested_value != NULL);
        *out = *s->nested_value[code].column;
        return STATUS_OK;
    }
    Folding f;
    TRY(row_columns(&f, s, a, w, err));
    Column *value = ARENA_NEW(s->keep, Column);
    TRY(sequence_column(value, s->keep, s->scratch, s->events, &f, seen, err));
    (void)dictionary_add(s->nested_texts, key);
    *ARENA_PUSH(s->keep, s->nested_value, s->nested_values, s->nested_capacity) = (Made){value};
    *out = *value;
    return STATUS_OK;
}

static Status row_column(const Column **out, Shared *s, const Expr *e, Window w, Error *err)
{
    *out = NULL;
    if (e == NULL)
        return STATUS_OK;
    Str key = lang_text(e);
    if (lang_looks_ahead(e)) {
        Buffer b = buffer_new(s->keep);
        buffer_format(&b, "%d %lld ", (int)w.kind, (long long)w.duration_us);
        buffer_add(&b, key);
        key = buffer_str(&b);
    }
    uint32_t code = dictionary_find(s->row_texts, key);
    if (code != NO_CODE) {
        assert(s->row_value != NULL);
        *out = s->row_value[code].column;
        return STATUS_OK;
    }
    size_t count;
    const Aggregate *a = lang_aggregates(e, &count);
    Column *nested = ARENA_ARRAY(s->keep, Column, count + 1);
    for (size_t i = 0; i < count; i++)
        TRY(nested_column(&nested[i], s, &a[i], w, err));
    Column *value = ARENA_NEW(s->keep, Column);
    TRY(lang_evaluate(value, s->keep, s->scratch, e, s->events->rows, nested, err));
    (void)dictionary_add(s->row_texts, key);
    *ARENA_PUSH(s->keep, s->row_value, s->row_values, s->row_capacity) = (Made){value};
    *out = value;
    return STATUS_OK;
}

/* Position of an aggregate among the shared ones, added when new. */
static Status shared_aggregate(uint32_t *out, Shared *s, const Aggregate *a, Window w, Error *err)
{
    Str key = aggregate_key(s->keep, a, w);
    *out = dictionary_find(s->aggregate_texts, key);
    if (*out != NO_CODE)
        return STATUS_OK;
    Folding f;
    TRY(row_columns(&f, s, a, w, err));
    *out = dictionary_add(s->aggregate_texts, key);
    s->folding[s->aggregates] = f;
    s->window[s->aggregates++] = w;
    return STATUS_OK;
}

static void fold_task(void *context, size_t task, Arena scratch)
{
    Shared *s = context;
    for (size_t customer = 0; customer < s->events->customers; customer++)
        if (aggregate_fold(&s->value[task], s->events, &s->folding[task], s->window[task], customer,
                           scratch, &s->error[task]) != STATUS_OK)
            return;
}

static Status place(const Plan *plan, size_t feature, Error *err)
{
    Mark at = plan->feature[feature].formula.mark;
    Status status = error_place(err, plan->file, at.line, at.column);
    error_excerpt_file(err, plan->file, plan->text);
    return status;
}

/* Strings put together over the transactions are in a dictionary that will not outlive them. */
static void keep_texts(Column *c, size_t rows, Arena *keep, const Arena *passing)
{
    if ((c->type != TYPE_CATEGORY && c->type != TYPE_TEXT) || c->dictionary->arena != passing)
        return;
    Dictionary *own = dictionary_new(keep);
    for (size_t i = 0; i < rows; i++)
        if (column_valid(c, i))
            c->code[i] = dictionary_add(own, c->dictionary->text[c->code[i]]);
    c->dictionary = own;
}

Status feature_table(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                     const Events *events, Team *team, Error *err)
{
    Arena own = arena_new(); /* shared columns: gone when the features are made */
    Shared s = {.keep = &own, .scratch = scratch, .events = events};
    s.row_texts = dictionary_new(&own);
    s.nested_texts = dictionary_new(&own);
    s.aggregate_texts = dictionary_new(&own);
    size_t most = 0; /* aggregates of all features, before equal ones are taken together */
    for (size_t i = 0; i < plan->features; i++) {
        size_t count;
        (void)lang_aggregates(plan->feature[i].expr, &count);
        most += count;
    }
    s.folding = ARENA_ARRAY(&own, Folding, most + 1);
    s.window = ARENA_ARRAY(&own, Window, most + 1);
    uint32_t **wanted = ARENA_ARRAY(&own, uint32_t *, plan->features + 1);
    Status status = STATUS_OK;
    for (size_t i = 0; i < plan->features && status == STATUS_OK; i++) {
        size_t count;
        const Aggregate *a = lang_aggregates(plan->feature[i].expr, &count);
        wanted[i] = ARENA_ARRAY(&own, uint32_t, count + 1);
        for (size_t k = 0; k < count && status == STATUS_OK; k++)
            status = shared_aggregate(&wanted[i][k], &s, &a[k],
                                      a[k].has_window ? a[k].window : plan->feature[i].window, err);
        if (status != STATUS_OK)
            (void)place(plan, i, err);
    }
    s.value = ARENA_ARRAY(&own, Column, s.aggregates + 1);
    s.error = ARENA_ARRAY(&own, Error, s.aggregates + 1);
    for (size_t i = 0; i < s.aggregates; i++)
        folding_column(&s.value[i], &own, &s.folding[i], events->customers);
    if (status == STATUS_OK)
        team_run(team, s.aggregates, fold_task, &s);

    Table *t = *out = table_new(keep, S("features"), events->customers, plan->features);
    /* What may be named: the profile, and the features that are done. */
    const Table *profile = events->profile;
    Table *known =
        table_new(&own, S("known"), events->customers, profile->columns + plan->features);
    memcpy(known->column, profile->column, profile->columns * sizeof(Column));
    known->columns = profile->columns;
    for (size_t i = 0; i < plan->features && status == STATUS_OK; i++) {
        size_t count;
        const Feature *f = &plan->feature[i];
        (void)lang_aggregates(f->expr, &count);
        Column *values = ARENA_ARRAY(&own, Column, count + 1);
        for (size_t k = 0; k < count && status == STATUS_OK; k++) {
            const Error *failed = &s.error[wanted[i][k]];
            values[k] = s.value[wanted[i][k]];
            if (failed->status == STATUS_OK)
                continue;
            status = error_set(err, failed->status, "%s", failed->message);
            (void)error_remedy(err, "%s", failed->remedy);
            (void)place(plan, i, err);
        }
        if (status != STATUS_OK)
            break;
        status = lang_evaluate(&t->column[i], keep, scratch, f->expr, known, values, err);
        if (status == STATUS_OK)
            keep_texts(&t->column[i], events->customers, keep, &own);
        t->column[i].name = f->name.text;
        known->column[known->columns++] = t->column[i];
        if (status != STATUS_OK)
            (void)place(plan, i, err);
    }
    arena_free(&own);
    return status;
}
