#include "feature/feature_internal.h"

#include <assert.h>
#include <string.h>

/* Equal parts of different features are computed once: row-level expressions by their
 * canonical text, aggregates (quantities) by kind, parts and window, nested ones likewise. */
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
    const Quantities *quantities;
    Folding *folding; /* [quantities] */
    Column *value;    /* [quantities] over customers */
    Error *error;     /* [quantities] */
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

static void fold_task(void *context, size_t task, Arena scratch)
{
    Shared *s = context;
    for (size_t customer = 0; customer < s->events->customers; customer++)
        if (aggregate_fold(&s->value[task], s->events, &s->folding[task],
                           s->quantities->item[task].window, customer, scratch,
                           &s->error[task]) != STATUS_OK)
            return;
}

Status feature_place(const Plan *plan, size_t feature, Error *err)
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

void plan_quantities(Quantities *out, Arena *keep, const Plan *plan)
{
    Dictionary *texts = dictionary_new(keep);
    size_t most = 0; /* aggregates of all features, before equal ones are taken together */
    for (size_t i = 0; i < plan->features; i++) {
        size_t count;
        (void)lang_aggregates(plan->feature[i].expr, &count);
        most += count;
    }
    *out = (Quantities){.item = ARENA_ARRAY(keep, Quantity, most + 1),
                        .of = ARENA_ARRAY(keep, uint32_t *, plan->features + 1)};
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        size_t count;
        const Aggregate *a = lang_aggregates(f->expr, &count);
        out->of[i] = ARENA_ARRAY(keep, uint32_t, count + 1);
        for (size_t k = 0; k < count; k++) {
            Window w = a[k].has_window ? a[k].window : f->window;
            uint32_t code = dictionary_add(texts, aggregate_key(keep, &a[k], w));
            out->of[i][k] = code;
            if (code == out->count)
                out->item[out->count++] = (Quantity){&a[k], w, (uint32_t)i};
        }
    }
}

/* Values of all quantities; what could not be folded is in s->error, for whoever reads it. */
static Status fold_all(Shared *s, const Plan *plan, Team *team, Error *err)
{
    const Quantities *m = s->quantities;
    s->row_texts = dictionary_new(s->keep);
    s->nested_texts = dictionary_new(s->keep);
    s->folding = ARENA_ARRAY(s->keep, Folding, m->count + 1);
    for (size_t i = 0; i < m->count; i++) {
        Status status =
            row_columns(&s->folding[i], s, m->item[i].aggregate, m->item[i].window, err);
        if (status != STATUS_OK)
            return feature_place(plan, m->item[i].feature, err);
    }
    s->error = ARENA_ARRAY(s->keep, Error, m->count + 1);
    for (size_t i = 0; i < m->count; i++)
        folding_column(&s->value[i], s->keep, &s->folding[i], s->events->customers);
    team_run_told(team, m->count, fold_task, s);
    return STATUS_OK;
}

static Status fold_failed(const Plan *plan, size_t feature, const Error *failed, Error *err)
{
    (void)error_set(err, failed->status, "%s", failed->message);
    (void)error_remedy(err, "%s", failed->remedy);
    return feature_place(plan, feature, err);
}

static Status compute(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                      const Events *events, const Fitting *fitting, Peers **peers, Team *team,
                      Error *err)
{
    Arena own = arena_new(); /* shared columns: gone when the features are made */
    Quantities quantities;
    plan_quantities(&quantities, &own, plan);
    Shared s = {.keep = &own, .scratch = scratch, .events = events, .quantities = &quantities};
    s.value = ARENA_ARRAY(&own, Column, quantities.count + 1);
    Status status = fold_all(&s, plan, team, err);

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
        if (lang_population(f->expr) != NULL) {
            status = population_column(&t->column[i], keep, scratch, plan, i, events, t, fitting,
                                       &peers[i], err);
            known->column[known->columns++] = t->column[i];
            if (status != STATUS_OK)
                (void)feature_place(plan, i, err);
            continue;
        }
        (void)lang_aggregates(f->expr, &count);
        Column *values = ARENA_ARRAY(&own, Column, count + 1);
        for (size_t k = 0; k < count && status == STATUS_OK; k++) {
            uint32_t quantity = quantities.of[i][k];
            values[k] = s.value[quantity];
            if (s.error[quantity].status != STATUS_OK)
                status = fold_failed(plan, i, &s.error[quantity], err);
        }
        if (status != STATUS_OK)
            break;
        status = lang_evaluate(&t->column[i], keep, scratch, f->expr, known, values, err);
        if (status == STATUS_OK)
            keep_texts(&t->column[i], events->customers, keep, &own);
        t->column[i].name = f->name.text;
        known->column[known->columns++] = t->column[i];
        if (status != STATUS_OK)
            (void)feature_place(plan, i, err);
    }
    arena_free(&own);
    return status;
}

Status quantity_columns(Column **out, Arena *keep, Arena scratch, const Plan *plan,
                        const Quantities *quantities, const Events *events, Team *team, Error *err)
{
    Arena own = arena_new();
    Column *value = ARENA_ARRAY(&own, Column, quantities->count + 1);
    Shared s = {.keep = &own,
                .scratch = scratch,
                .events = events,
                .quantities = quantities,
                .value = value};
    Status status = fold_all(&s, plan, team, err);
    for (size_t i = 0; i < quantities->count && status == STATUS_OK; i++)
        if (s.error[i].status != STATUS_OK)
            status = fold_failed(plan, quantities->item[i].feature, &s.error[i], err);
    *out = ARENA_ARRAY(keep, Column, quantities->count + 1);
    for (size_t i = 0; i < quantities->count && status == STATUS_OK; i++) {
        const Column *from = &value[i];
        size_t rows = events->customers;
        Column *to = &(*out)[i];
        column_init(to, keep, from->name, from->type, from->scale, rows, from->dictionary);
        memcpy(to->data, from->data, rows * type_width(from->type));
        memcpy(to->valid, from->valid, (rows + 63) / 64 * sizeof *to->valid);
        keep_texts(to, rows, keep, &own);
    }
    arena_free(&own);
    return status;
}

Status feature_table(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                     const Events *events, Team *team, Error *err)
{
    Arena own = arena_new();
    Peers **peers = ARENA_ARRAY(&own, Peers *, plan->features + 1);
    for (size_t i = 0; i < plan->features; i++)
        peers[i] = plan->feature[i].peers;
    Status status = compute(out, keep, scratch, plan, events, NULL, peers, team, err);
    arena_free(&own);
    return status;
}

Status feature_table_fit(Table **out, Arena *keep, Arena scratch, Plan *plan, const Events *events,
                         const Fitting *fitting, Team *team, Error *err)
{
    Arena own = arena_new();
    Peers **peers = ARENA_ARRAY(&own, Peers *, plan->features + 1);
    Status status = compute(out, keep, scratch, plan, events, fitting, peers, team, err);
    for (size_t i = 0; i < plan->features; i++)
        plan->feature[i].peers = peers[i];
    arena_free(&own);
    return status;
}
