#include "feature/feature_internal.h"

#include <assert.h>
#include <string.h>

typedef struct Shared {
    Arena *keep;
    Arena scratch;
    const Events *events;
    const PlanSteps *steps;
    ProgramRun *run;  /* the row-level parts over the events */
    Folding *folding; /* [quantities] */
    Column *value;    /* [quantities] over customers */
    uint8_t *failed;  /* [quantities] a Status */
} Shared;

static const uint64_t *truth_of(const Shared *s, uint32_t step)
{
    return step == NO_STEP ? NULL : program_truth(s->run, s->steps->step[step].value);
}

static Folding folding_of(const Shared *s, const Aggregate *a, StepParts p)
{
    const Column *argument =
        p.argument == NO_STEP ? NULL : program_column(s->run, s->steps->step[p.argument].value);
    return (Folding){a, argument, truth_of(s, p.filter), truth_of(s, p.base)};
}

static Status take_step(Shared *s, const Step *step, Error *err)
{
    if (step->kind == STEP_ROW)
        return program_run(s->run, s->scratch, step->value, err);
    const Folding f = folding_of(s, step->aggregate, step->parts);
    Column made;
    TRY(sequence_column(&made, s->keep, s->scratch, s->events, &f, step->window, err));
    program_give(s->run, step->value, &made);
    return STATUS_OK;
}

static Status fold_one(const Shared *s, size_t quantity, Arena scratch, Error *err)
{
    for (size_t customer = 0; customer < s->events->customers; customer++)
        TRY(aggregate_fold(&s->value[quantity], s->events, &s->folding[quantity],
                           s->steps->quantities.item[quantity].window, customer, scratch, err));
    return STATUS_OK;
}

static void fold_task(void *context, size_t task, Arena scratch)
{
    const Shared *s = context;
    s->failed[task] = (uint8_t)fold_one(s, task, scratch, NULL);
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

/* Values of all quantities; what could not be folded is in s->failed, for whoever reads it. */
static Status fold_all(Shared *s, const Plan *plan, Team *team, Error *err)
{
    const PlanSteps *r = s->steps;
    const Quantities *m = &r->quantities;
    s->run = program_begin(s->keep, r->program, s->events->rows);
    for (size_t i = 0; i < r->steps; i++)
        if (take_step(s, &r->step[i], err) != STATUS_OK)
            return feature_place(plan, r->step[i].feature, err);
    s->folding = ARENA_RAW(s->keep, Folding, m->count + 1);
    s->failed = ARENA_ARRAY(s->keep, uint8_t, m->count + 1);
    for (size_t i = 0; i < m->count; i++) {
        s->folding[i] = folding_of(s, m->item[i].aggregate, r->parts[i]);
        folding_column(&s->value[i], s->keep, &s->folding[i], s->events->customers);
    }
    team_run_told(team, m->count, fold_task, s);
    return STATUS_OK;
}

/* Once more, to hear why. */
static Status fold_failed(const Shared *s, const Plan *plan, size_t quantity, size_t feature,
                          Error *err)
{
    Status status = fold_one(s, quantity, s->scratch, err);
    assert(status != STATUS_OK);
    (void)status;
    return feature_place(plan, feature, err);
}

static Status compute(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                      const Events *events, const Fitting *fitting, Peers **peers, Team *team,
                      Error *err)
{
    Arena own = arena_new(); /* shared columns: gone when the features are made */
    const Quantities *quantities = &plan->steps->quantities;
    Shared s = {.keep = &own, .scratch = scratch, .events = events, .steps = plan->steps};
    s.value = ARENA_ARRAY(&own, Column, quantities->count + 1);
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
        Column *values = ARENA_RAW(&own, Column, count + 1);
        for (size_t k = 0; k < count && status == STATUS_OK; k++) {
            uint32_t quantity = quantities->of[i][k];
            values[k] = s.value[quantity];
            if (s.failed[quantity] != STATUS_OK)
                status = fold_failed(&s, plan, quantity, i, err);
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
                .steps = plan_steps(&own, plan, quantities),
                .value = value};
    Status status = fold_all(&s, plan, team, err);
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
