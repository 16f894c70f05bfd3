/* steps.c - what a plan computes over the events, and in which order: found once, when the plan is
 * read, since it depends on the book alone and a request of one customer would pay for it anew.
 *
 * Equal parts of different features are computed once: row-level expressions by their canonical
 * text, aggregates (quantities) by kind, parts and window, nested ones likewise. */
#include "feature/feature_internal.h"

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
    /* Side by side, for a request walks through all of them. */
    Aggregate *aggregate = ARENA_ARRAY(keep, Aggregate, most + 1);
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        size_t count;
        const Aggregate *a = lang_aggregates(f->expr, &count);
        out->of[i] = ARENA_ARRAY(keep, uint32_t, count + 1);
        for (size_t k = 0; k < count; k++) {
            Window w = a[k].has_window ? a[k].window : f->window;
            uint32_t code = dictionary_add(texts, aggregate_key(keep, &a[k], w));
            out->of[i][k] = code;
            if (code < out->count)
                continue;
            aggregate[code] = a[k];
            out->item[out->count++] = (Quantity){&aggregate[code], w, (uint32_t)i};
        }
    }
}

typedef struct Making {
    Arena *keep;
    Arena *passing; /* texts that stand for steps */
    PlanSteps *made;
    Dictionary *text[STEP_KINDS]; /* canonical text: position in code */
    uint32_t *code[STEP_KINDS];   /* the step */
    size_t codes[STEP_KINDS], code_capacity[STEP_KINDS];
    size_t capacity;
    uint32_t feature; /* the first that needs the steps under way */
} Making;

static uint32_t known_step(const Making *m, StepKind kind, Str key)
{
    uint32_t code = dictionary_find(m->text[kind], key);
    return code == NO_CODE ? NO_STEP : m->code[kind][code];
}

static uint32_t add_step(Making *m, Str key, Step step)
{
    uint32_t at = (uint32_t)m->made->steps;
    StepKind kind = step.kind;
    step.feature = m->feature;
    *ARENA_PUSH(m->keep, m->made->step, m->made->steps, m->capacity) = step;
    (void)dictionary_add(m->text[kind], key);
    *ARENA_PUSH(m->passing, m->code[kind], m->codes[kind], m->code_capacity[kind]) = at;
    return at;
}

static uint32_t row_step(Making *m, const Expr *e, Window w);

static uint32_t row_value(Making *m, const Expr *e, Window w)
{
    uint32_t step = row_step(m, e, w);
    return step == NO_STEP ? NO_STEP : m->made->step[step].value;
}

static StepParts parts_of(Making *m, const Aggregate *a, Window w)
{
    StepParts out = {.argument = row_value(m, a->argument, w)};
    out.filter = row_value(m, a->filter, w);
    out.base = row_value(m, a->base, w);
    return out;
}

/* A nested aggregate's column over the events. Only what looks ahead depends on the window. */
static uint32_t nested_step(Making *m, const Aggregate *a, Window w)
{
    Window seen = a->kind == AGGREGATE_UNTIL ? w : (Window){WINDOW_ALL, 0};
    Str key = aggregate_key(m->passing, a, seen);
    uint32_t known = known_step(m, STEP_NESTED, key);
    if (known != NO_STEP)
        return known;
    Step step = {.kind = STEP_NESTED, .aggregate = a, .window = seen, .parts = parts_of(m, a, w)};
    step.value = program_given(m->made->program, a->type);
    return add_step(m, key, step);
}

static uint32_t row_step(Making *m, const Expr *e, Window w)
{
    if (e == NULL)
        return NO_STEP;
    Str key = lang_text(e);
    if (lang_looks_ahead(e)) {
        Buffer b = buffer_new(m->passing);
        buffer_format(&b, "%d %lld ", (int)w.kind, (long long)w.duration_us);
        buffer_add(&b, key);
        key = buffer_str(&b);
    }
    uint32_t known = known_step(m, STEP_ROW, key);
    if (known != NO_STEP)
        return known;
    size_t count;
    const Aggregate *a = lang_aggregates(e, &count);
    uint32_t *nested = ARENA_ARRAY(m->keep, uint32_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        uint32_t made = nested_step(m, &a[i], w);
        nested[i] = m->made->step[made].value;
    }
    Step step = {.kind = STEP_ROW, .value = program_add(m->made->program, e, nested)};
    return add_step(m, key, step);
}

static void add_windows(PlanSteps *r, Arena *keep)
{
    const Quantities *q = &r->quantities;
    r->window = ARENA_ARRAY(keep, Window, q->count + 1);
    for (size_t i = 0; i < q->count; i++) {
        Window w = q->item[i].window;
        size_t k = 0;
        while (k < r->windows &&
               (r->window[k].kind != w.kind || r->window[k].duration_us != w.duration_us))
            k++;
        if (k == r->windows)
            r->window[r->windows++] = w;
        r->fold[i].window = (uint32_t)k;
    }
}

/* The feature above this one that has the name, or NO_STEP. */
static uint32_t feature_above(const Plan *plan, size_t index, Str name)
{
    for (size_t i = 0; i < index; i++)
        if (str_equal(plan->feature[i].name.text, name))
            return (uint32_t)i;
    return NO_STEP;
}

static void add_makers(PlanSteps *r, Arena *keep, const Plan *plan)
{
    r->maker = ARENA_ARRAY(keep, Maker, plan->features + 1);
    for (size_t i = 0; i < plan->features; i++) {
        const Expr *e = plan->feature[i].expr;
        const Population *p = lang_population(e);
        Maker *m = &r->maker[i];
        const Type type = lang_type(e);
        *m = (Maker){.expr = e,
                     .name = plan->feature[i].name.text,
                     .type = (uint8_t)type,
                     .scale = type == TYPE_DECIMAL ? (uint8_t)lang_scale(e) : 0,
                     .bare = lang_is_aggregate(e) && type != TYPE_CATEGORY && type != TYPE_TEXT,
                     .population = p != NULL,
                     .together = true,
                     .compared = p == NULL ? NO_STEP : feature_above(plan, i, p->value),
                     .grouped = p == NULL ? NO_STEP : feature_above(plan, i, p->group)};
        size_t count;
        (void)lang_aggregates(e, &count);
        m->count = (uint32_t)count;
        for (size_t k = 0; k < m->count; k++) {
            const uint32_t *of = r->quantities.of[i];
            m->first = of[0];
            m->together = m->together && of[k] == of[0] + k;
        }
    }
}

const PlanSteps *plan_steps(Arena *keep, const Plan *plan, const Quantities *quantities)
{
    Arena texts = arena_new(), codes = arena_new();
    PlanSteps *r = ARENA_NEW(keep, PlanSteps);
    Making m = {.keep = keep, .passing = &codes, .made = r};
    r->program = program_new(keep, &codes);
    for (size_t k = 0; k < STEP_KINDS; k++)
        m.text[k] = dictionary_new(&texts);
    if (quantities == NULL)
        plan_quantities(&r->quantities, keep, plan);
    else
        r->quantities = *quantities;
    r->fold = ARENA_ARRAY(keep, Fold, r->quantities.count + 1);
    for (size_t i = 0; i < r->quantities.count; i++) {
        const Quantity *q = &r->quantities.item[i];
        m.feature = q->feature;
        const Aggregate *a = q->aggregate;
        r->fold[i] = (Fold){.aggregate = a,
                            .parts = parts_of(&m, a, q->window),
                            .kind = (uint8_t)a->kind,
                            .type = (uint8_t)a->type,
                            .scale = a->type == TYPE_DECIMAL ? (uint8_t)a->scale : 0,
                            .text = a->type == TYPE_CATEGORY || a->type == TYPE_TEXT};
    }
    arena_free(&texts);
    arena_free(&codes);
    add_windows(r, keep);
    if (quantities == NULL)
        add_makers(r, keep, plan);
    return r;
}
