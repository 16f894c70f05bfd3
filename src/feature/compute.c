#include "feature/feature_internal.h"

#include <assert.h>
#include <string.h>

/* A cell and its validity: where there is one customer, columns of one cell lie side by side. */
typedef struct OneCell {
    uint64_t valid, data;
} OneCell;

static inline void one_cell(Column *c, OneCell *m, Str name, Type type, int scale)
{
    *m = (OneCell){0, 0};
    *c = (Column){.name = name, .type = type, .scale = scale, .valid = &m->valid, .data = &m->data};
}

static bool is_text(Type type)
{
    return type == TYPE_CATEGORY || type == TYPE_TEXT;
}

typedef struct Shared {
    Arena *keep;
    Arena scratch;
    const Events *events;
    const PlanSteps *steps;
    ProgramRun *run; /* the row-level parts over the events */
    const Column *amount, *completed;
    Folding *folding; /* [quantities]; NULL of one customer, where each is needed once */
    Column *value;    /* [quantities] over customers */
    uint8_t *failed;  /* [quantities] a Status */
    bool some_failed;
} Shared;

static const uint64_t *truth_of(const ProgramRun *run, uint32_t value)
{
    return value == NO_STEP ? NULL : program_truth(run, value);
}

void folding_of(Folding *out, ProgramRun *run, const Aggregate *a, StepParts p)
{
    *out = (Folding){.aggregate = a,
                     .argument = p.argument == NO_STEP ? NULL : program_column(run, p.argument),
                     .filter = truth_of(run, p.filter),
                     .base = truth_of(run, p.base)};
}

static Status take_step(Shared *s, const Step *step, Error *err)
{
    if (step->kind == STEP_ROW)
        return program_run(s->run, s->scratch, step->value, err);
    Folding f;
    folding_of(&f, s->run, step->aggregate, step->parts);
    Column made;
    TRY(sequence_column(&made, s->keep, s->scratch, s->events, &f, step->window, err));
    program_give(s->run, step->value, &made);
    return STATUS_OK;
}

static void folding_of_quantity(Folding *out, const Shared *s, size_t quantity)
{
    const Fold *fold = &s->steps->fold[quantity];
    folding_of(out, s->run, fold->aggregate, fold->parts);
    out->amount = s->amount;
    out->completed = s->completed;
}

static Status fold_one(const Shared *s, size_t quantity, const Folding *f, Arena scratch,
                       Error *err)
{
    const Window w = s->steps->window[s->steps->fold[quantity].window];
    for (size_t customer = 0; customer < s->events->customers; customer++)
        TRY(aggregate_fold(&s->value[quantity], s->events, f, events_range(s->events, customer, w),
                           customer, scratch, err));
    return STATUS_OK;
}

/* All of one customer: a window's rows are looked for once. The cells are kept, for a feature may
 * be nothing but one of them. */
static void fold_single(Shared *s, Arena *keep)
{
    const PlanSteps *r = s->steps;
    const bool few = s->events->rows->rows <= 64;
    Range *range = ARENA_RAW(s->keep, Range, r->windows + 1);
    uint64_t *held = ARENA_ARRAY(s->keep, uint64_t, r->windows + 1);
    for (size_t k = 0; k < r->windows; k++) {
        range[k] = events_range(s->events, 0, r->window[k]);
        if (few && range[k].from < range[k].to)
            held[k] = range_word(range[k], 0);
    }
    OneCell *cell = ARENA_RAW(keep, OneCell, r->quantities.count + 1);
    for (size_t i = 0; i < r->quantities.count; i++) {
        const Fold *fold = &r->fold[i];
        const StepParts p = fold->parts;
        Column *to = &s->value[i];
        const Column *argument = p.argument == NO_STEP ? NULL : program_column(s->run, p.argument);
        const uint64_t *filter = truth_of(s->run, p.filter), *base = truth_of(s->run, p.base);
        one_cell(to, &cell[i], S(""), (Type)fold->type, fold->scale);
        if (fold->text && argument != NULL)
            to->dictionary = argument->dictionary;
        Status status;
        if (!few || !fold_few(to, &status, (AggregateKind)fold->kind, argument, filter, base,
                              held[fold->window])) {
            const Folding f = {fold->aggregate, argument, filter, base, s->amount, s->completed};
            status = aggregate_fold(to, s->events, &f, range[fold->window], 0, s->scratch, NULL);
        }
        s->failed[i] = (uint8_t)status;
        s->some_failed |= status != STATUS_OK;
    }
}

static void fold_task(void *context, size_t task, Arena scratch)
{
    const Shared *s = context;
    s->failed[task] = (uint8_t)fold_one(s, task, &s->folding[task], scratch, NULL);
}

static void fold_several(Shared *s, Team *team)
{
    const size_t count = s->steps->quantities.count;
    s->folding = ARENA_RAW(s->keep, Folding, count + 1);
    for (size_t i = 0; i < count; i++) {
        folding_of_quantity(&s->folding[i], s, i);
        folding_column(&s->value[i], s->keep, &s->folding[i], s->events->customers);
    }
    team_run_told(team, count, fold_task, s);
    for (size_t i = 0; i < count; i++)
        s->some_failed |= s->failed[i] != STATUS_OK;
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
    if (!is_text(c->type))
        return;
    if (c->dictionary == NULL) /* of a column that these files lack */
        c->dictionary = dictionary_new(keep);
    if (c->dictionary->arena != passing || passing == keep)
        return;
    Dictionary *own = dictionary_new(keep);
    for (size_t i = 0; i < rows; i++)
        if (column_valid(c, i))
            c->code[i] = dictionary_add(own, c->dictionary->text[c->code[i]]);
    c->dictionary = own;
}

/* Values of all quantities; what could not be folded is in s->failed, for whoever reads it.
 * keep: of the cells of one customer. */
static Status fold_all(Shared *s, Arena *keep, const Plan *plan, Team *team, Error *err)
{
    const PlanSteps *r = s->steps;
    const SchemaTransactions *named = &plan->schema->transactions;
    s->amount = table_find(s->events->rows, named->amount.text);
    s->completed = table_find(s->events->rows, named->completed.text);
    s->run = program_begin(s->keep, r->program, s->events->rows);
    for (size_t i = 0; i < r->steps; i++)
        if (take_step(s, &r->step[i], err) != STATUS_OK)
            return feature_place(plan, r->step[i].feature, err);
    s->failed = ARENA_ARRAY(s->keep, uint8_t, r->quantities.count + 1);
    if (s->events->customers == 1)
        fold_single(s, keep);
    else
        fold_several(s, team);
    return STATUS_OK;
}

/* Once more, to hear why. */
static Status fold_failed(const Shared *s, const Plan *plan, size_t quantity, size_t feature,
                          Error *err)
{
    Folding f;
    folding_of_quantity(&f, s, quantity);
    Status status = fold_one(s, quantity, &f, s->scratch, err);
    assert(status != STATUS_OK);
    (void)status;
    return feature_place(plan, feature, err);
}

/* The values of a feature's aggregates, side by side. */
static Status values_of(const Column **out, const Shared *s, const Plan *plan, size_t feature,
                        Error *err)
{
    const Maker *m = &s->steps->maker[feature];
    if (m->together) {
        for (size_t k = m->first; s->some_failed && k < m->first + m->count; k++)
            if (s->failed[k] != STATUS_OK)
                return fold_failed(s, plan, k, feature, err);
        *out = &s->value[m->first];
        return STATUS_OK;
    }
    const uint32_t *of = s->steps->quantities.of[feature];
    for (size_t k = 0; s->some_failed && k < m->count; k++)
        if (s->failed[of[k]] != STATUS_OK)
            return fold_failed(s, plan, of[k], feature, err);
    Column *values = ARENA_RAW(s->keep, Column, m->count);
    for (size_t k = 0; k < m->count; k++)
        values[k] = s->value[of[k]];
    *out = values;
    return STATUS_OK;
}

/* Of what is known: the profile, and the features that are done. cell: of one customer. */
static Status make_feature(Column *to, OneCell *cell, Shared *s, Arena *keep, const Plan *plan,
                           size_t feature, const Table *known, Error *err)
{
    const Maker *m = &s->steps->maker[feature];
    const Column *values = NULL;
    TRY(values_of(&values, s, plan, feature, err));
    if (cell != NULL && m->bare) {
        *to = s->value[m->first];
        to->name = m->name;
        return STATUS_OK;
    }
    if (cell != NULL)
        one_cell(to, cell, m->name, m->type, m->scale);
    if (cell == NULL || !lang_evaluate_cell(to, m->expr, known, values)) {
        Status status = lang_evaluate(to, keep, s->scratch, m->expr, known, values, err);
        if (status != STATUS_OK)
            return feature_place(plan, feature, err);
        to->name = m->name;
    }
    keep_texts(to, known->rows, keep, s->keep);
    return STATUS_OK;
}

/* shared: of columns that need not outlive the features. peers: of each feature, those that are
 * fitted; NULL: the plan's. */
static Status compute(Table **out, Arena *keep, Arena *shared, ProgramRun **run, Arena scratch,
                      const Plan *plan, const Events *events, const Fitting *fitting, Peers **peers,
                      Team *team, Error *err)
{
    const Quantities *quantities = &plan->steps->quantities;
    Shared s = {.keep = shared, .scratch = scratch, .events = events, .steps = plan->steps};
    s.value = ARENA_RAW(shared, Column, quantities->count + 1);
    Status status = fold_all(&s, keep, plan, team, err);

    /* What may be named: the profile, and behind it the features that are done. */
    const Table *profile = events->profile;
    Table known = {.name = S("known"), .rows = events->customers, .columns = profile->columns};
    known.column = ARENA_RAW(keep, Column, profile->columns + plan->features + 1);
    memcpy(known.column, profile->column, profile->columns * sizeof(Column));
    Table *t = *out = ARENA_NEW(keep, Table);
    *t = (Table){.name = S("features"),
                 .rows = events->customers,
                 .columns = plan->features,
                 .column = known.column + profile->columns};
    OneCell *cell = events->customers == 1 ? ARENA_RAW(keep, OneCell, plan->features + 1) : NULL;
    for (size_t i = 0; i < plan->features && status == STATUS_OK; i++) {
        Column *to = &t->column[i];
        if (plan->steps->maker[i].population) {
            Peers *own_peers = plan->feature[i].peers;
            status = population_column(to, keep, scratch, plan, i, events, t, fitting,
                                       peers == NULL ? &own_peers : &peers[i], err);
            if (status != STATUS_OK)
                (void)feature_place(plan, i, err);
        } else {
            status =
                make_feature(to, cell == NULL ? NULL : &cell[i], &s, keep, plan, i, &known, err);
        }
        known.columns += status == STATUS_OK;
    }
    t->columns = known.columns - profile->columns;
    *run = s.run;
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
                .steps = plan_steps(&own, plan, quantities),
                .value = value};
    Status status = fold_all(&s, &own, plan, team, err);
    for (size_t i = 0; i < quantities->count && status == STATUS_OK; i++)
        if (s.failed[i] != STATUS_OK)
            status = fold_failed(&s, plan, i, quantities->item[i].feature, err);
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
    Arena own = arena_new(); /* shared columns: gone when the features are made */
    ProgramRun *run;
    Status status = compute(out, keep, &own, &run, scratch, plan, events, NULL, NULL, team, err);
    arena_free(&own);
    return status;
}

Status feature_table_keeping(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                             Events *events, Team *team, Error *err)
{
    if (events->customers != 1)
        return feature_table(out, keep, scratch, plan, events, team, err);
    ProgramRun *run;
    TRY(compute(out, keep, keep, &run, scratch, plan, events, NULL, NULL, team, err));
    events->parts = run;
    return STATUS_OK;
}

Status feature_table_fit(Table **out, Arena *keep, Arena scratch, Plan *plan, const Events *events,
                         const Fitting *fitting, Team *team, Error *err)
{
    Arena own = arena_new();
    Peers **peers = ARENA_ARRAY(&own, Peers *, plan->features + 1);
    ProgramRun *run;
    Status status =
        compute(out, keep, &own, &run, scratch, plan, events, fitting, peers, team, err);
    for (size_t i = 0; i < plan->features; i++)
        plan->feature[i].peers = peers[i];
    arena_free(&own);
    return status;
}
