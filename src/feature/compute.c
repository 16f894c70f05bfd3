#include "feature/feature_internal.h"

/* Equal parts of different features are computed once: row-level expressions by their
 * canonical text, aggregates by kind, parts and window. */
typedef struct Shared {
    Arena *keep;
    Arena scratch;
    const Events *events;
    Dictionary *row_texts; /* canonical text -> position in row_value */
    Column **row_value;
    Dictionary *aggregate_texts;
    Folding *folding;
    Window *window;
    size_t aggregates;
    Column *value; /* [aggregates] over customers */
    Error *error;  /* [aggregates] */
} Shared;

static Status row_column(const Column **out, Shared *s, const Expr *e, Error *err)
{
    *out = NULL;
    if (e == NULL)
        return STATUS_OK;
    uint32_t code = dictionary_find(s->row_texts, lang_text(e));
    if (code != NO_CODE) {
        *out = s->row_value[code];
        return STATUS_OK;
    }
    Column *value;
    TRY(events_evaluate(&value, s->keep, s->scratch, e, s->events->rows, err));
    code = dictionary_add(s->row_texts, lang_text(e));
    s->row_value[code] = value;
    *out = value;
    return STATUS_OK;
}

static void add_part(Buffer *b, const Expr *e)
{
    Str text = e == NULL ? S("") : lang_text(e);
    buffer_format(b, "|%zu:", text.size);
    buffer_add(b, text);
}

static Str aggregate_key(Arena *keep, const Aggregate *a, Window w)
{
    Buffer b = buffer_new(keep);
    buffer_format(&b, "%d|%d|%lld|%lld", (int)a->kind, (int)w.kind, (long long)w.duration_us,
                  (long long)a->within_us);
    add_part(&b, a->argument);
    add_part(&b, a->filter);
    add_part(&b, a->base);
    return buffer_str(&b);
}

/* Position of an aggregate among the shared ones, added when new. */
static Status shared_aggregate(uint32_t *out, Shared *s, const Aggregate *a, Window w, Error *err)
{
    Str key = aggregate_key(s->keep, a, w);
    *out = dictionary_find(s->aggregate_texts, key);
    if (*out != NO_CODE)
        return STATUS_OK;
    Folding f = {.aggregate = a};
    TRY(row_column(&f.argument, s, a->argument, err));
    TRY(row_column(&f.filter, s, a->filter, err));
    TRY(row_column(&f.base, s, a->base, err));
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
    return error_place(err, plan->file, at.line, at.column);
}

Status feature_table(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                     const Events *events, Team *team, Error *err)
{
    Arena own = arena_new(); /* shared columns: gone when the features are made */
    Shared s = {.keep = &own, .scratch = scratch, .events = events};
    s.row_texts = dictionary_new(&own);
    s.aggregate_texts = dictionary_new(&own);
    size_t most = 0; /* aggregates of all features, before equal ones are taken together */
    for (size_t i = 0; i < plan->features; i++) {
        size_t count;
        (void)lang_aggregates(plan->feature[i].expr, &count);
        most += count;
    }
    s.row_value = ARENA_ARRAY(&own, Column *, 3 * most + 1); /* argument, filter and base of each */
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
        column_init(&s.value[i], &own, S(""), s.folding[i].aggregate->type,
                    s.folding[i].aggregate->scale, events->customers, NULL);
    if (status == STATUS_OK)
        team_run_told(team, s.aggregates, fold_task, &s);

    Table *t = *out = table_new(keep, S("features"), events->customers, plan->features);
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
        status = lang_evaluate(&t->column[i], keep, scratch, f->expr, events->profile, values, err);
        t->column[i].name = f->name.text;
        if (status != STATUS_OK)
            (void)place(plan, i, err);
    }
    arena_free(&own);
    return status;
}
