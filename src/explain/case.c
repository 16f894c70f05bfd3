/* case.c - events, money matched, sums by period, kind and state. */
#include "explain/case_internal.h"

#include <stdlib.h>
#include <string.h>

/* Sums of a customer's money fit in 64 bits or the features would not have been computed; what is
 * not counted there (failed attempts) is held at the end of the range. */
static void add_money(int64_t *sum, int64_t amount)
{
    if (__builtin_add_overflow(*sum, amount, sum))
        *sum = amount > 0 ? INT64_MAX : INT64_MIN;
}

Str case_cell(const Column *c, size_t row)
{
    if (c == NULL || !column_valid(c, row) || c->dictionary == NULL)
        return S("");
    return c->dictionary->text[c->code[row]];
}

/* ---- events ---- */

static bool is_role(const SchemaTransactions *t, Str name)
{
    const BookText role[] = {t->key,          t->customer,    t->state,   t->amount,
                             t->currency,     t->reference,   t->created, t->completed,
                             t->sides.source, t->sides.target};
    for (size_t i = 0; i < COUNT_OF(role); i++)
        if (role[i].text.size > 0 && str_equal(role[i].text, name))
            return true;
    return str_equal(name, S(SCHEMA_DIRECTION)) || str_equal(name, S(SCHEMA_PARTNER));
}

/* The column that says by what means money moves: `type`, else the first category that has no
 * other role and stands for no protected ground. */
static const Column *kind_column(const Schema *s, const Table *rows)
{
    const SchemaColumn *column = s->transactions.columns.item;
    const Column *first = NULL;
    for (size_t i = 0; i < s->transactions.columns.count; i++) {
        const SchemaColumn *c = &column[i];
        if (c->type != TYPE_CATEGORY || c->protected.text.size > 0 ||
            is_role(&s->transactions, c->name.text))
            continue;
        const Column *at = table_find(rows, c->name.text);
        if (at != NULL && str_equal(c->name.text, S("type")))
            return at;
        if (first == NULL)
            first = at;
    }
    return first;
}

static CaseFlow flow_of_row(const Gathering *g, size_t i, const CaseEvent *e)
{
    if (g->whole.feature != NULL)
        return g->whole.in[i] ? CASE_IN : g->whole.out[i] ? CASE_OUT : CASE_NEITHER;
    if (schema_is_pending(g->bundle->schema, e->state))
        return CASE_NEITHER;
    return str_equal(e->direction, S("IN"))    ? CASE_IN
           : str_equal(e->direction, S("OUT")) ? CASE_OUT
                                               : CASE_NEITHER;
}

/* The first of the reasons that rests on each transaction. */
static void mark_reasons(CaseEvent *event, size_t count, const Decision *d, Arena scratch)
{
    Dictionary *known = dictionary_new(&scratch);
    size_t total = 0;
    for (size_t i = 0; i < d->reasons; i++)
        total += d->reason[i].transactions;
    size_t *first = ARENA_ARRAY(&scratch, size_t, total + 1);
    for (size_t i = 0; i < d->reasons; i++)
        for (size_t k = 0; k < d->reason[i].transactions; k++) {
            uint32_t code = dictionary_add(known, d->reason[i].transaction[k]);
            if (first[code] == 0)
                first[code] = i + 1;
        }
    for (size_t i = 0; i < count; i++) {
        uint32_t code = dictionary_find(known, event[i].id);
        event[i].reason = code == NO_CODE ? 0 : first[code];
    }
}

static CaseEvent *read_events(Case *c, const Gathering *g, Arena *arena)
{
    const Schema *s = g->bundle->schema;
    const Events *e = g->events;
    const Table *rows = e->rows;
    const Column *key = table_find(rows, s->transactions.key.text);
    const Column *state = table_find(rows, s->transactions.state.text);
    const Column *direction = table_find(rows, S(SCHEMA_DIRECTION));
    const Column *amount = table_find(rows, s->transactions.amount.text);
    const Column *records = table_find(rows, S("records"));
    const Column *kind = kind_column(s, rows);
    CaseEvent *event = ARENA_ARRAY(arena, CaseEvent, c->events + 1);
    c->kind_column = kind == NULL ? S("") : kind->name;
    c->scale = amount == NULL ? 0 : amount->scale;
    for (size_t i = 0; i < c->events; i++) {
        size_t row = g->from + i;
        CaseEvent *one = &event[i];
        *one = (CaseEvent){.id = case_cell(key, row),
                           .kind = case_cell(kind, row),
                           .state = case_cell(state, row),
                           .direction = case_cell(direction, row),
                           .at_us = s->timeless ? NO_TIME : e->created_us[row],
                           .versions = records == NULL ? 1 : (size_t)records->integer[row]};
        one->has_amount =
            amount != NULL && amount->type == TYPE_DECIMAL && column_valid(amount, row);
        one->amount = one->has_amount ? amount->integer[row] : 0;
        one->flow = flow_of_row(g, i, one);
        if (!one->has_amount)
            continue;
        c->counted_in += one->flow == CASE_IN;
        c->counted_out += one->flow == CASE_OUT;
        if (one->flow == CASE_IN)
            add_money(&c->total_in, one->amount);
        if (one->flow == CASE_OUT)
            add_money(&c->total_out, one->amount);
    }
    if (c->events > 0 && !s->timeless) {
        c->first_us = event[0].at_us;
        c->last_us = event[c->events - 1].at_us;
    }
    return event;
}

/* Those behind reasons first of all, then the latest. */
static void show_events(Case *c, const CaseEvent *event, Arena *keep, Arena scratch)
{
    uint8_t *take = ARENA_ARRAY(&scratch, uint8_t, c->events + 1);
    size_t taken = 0, most = CASE_EVENTS_MAX;
    for (int round = 0; round < 2; round++)
        for (size_t i = c->events; i-- > 0 && taken < most;)
            if (!take[i] && (round == 1 || event[i].reason > 0)) {
                take[i] = 1;
                taken++;
            }
    c->event = ARENA_ARRAY(keep, CaseEvent, taken + 1);
    for (size_t i = 0; i < c->events; i++)
        if (take[i])
            c->event[c->shown++] = event[i];
}

/* ---- money matched ---- */

static void read_lots(Case *c, const Gathering *g, CaseEvent *event, Arena *keep)
{
    const FlowView *v = &g->flow;
    if (v->feature == NULL)
        return;
    c->flow_feature = v->feature->name.text;
    c->flow_formula = v->feature->formula.text;
    c->all_lots = v->parts;
    c->lot = ARENA_ARRAY(keep, CaseLot, v->parts + 1);
    for (size_t i = 0; i < v->parts; i++) {
        const FlowPart *part = &v->part[i];
        CaseEvent *in = &event[part->in - g->from], *out = &event[part->out - g->from];
        add_money(&c->matched, part->amount);
        add_money(&in->matched, part->amount);
        add_money(&out->matched, part->amount);
        if (c->lots < CASE_LOTS_MAX)
            c->lot[c->lots++] = (CaseLot){in->id,    out->id,    in->kind,     out->kind,
                                          in->at_us, out->at_us, part->amount, part->lag_us};
    }
}

/* ---- sums ---- */

static int64_t day_of(int64_t at_us)
{
    int64_t day = at_us / DAY_US;
    return day * DAY_US > at_us ? day - 1 : day;
}

/* By day, by week, by four weeks, then by twice as many until they are few enough. */
static void read_periods(Case *c, const CaseEvent *event, Arena *keep)
{
    if (c->first_us == NO_TIME)
        return;
    int64_t first = day_of(c->first_us), days = day_of(c->last_us) - first + 1, step = 1;
    if (days > CASE_PERIODS_MAX)
        step = 7;
    if (days > step * CASE_PERIODS_MAX)
        step = 28;
    while (days > step * CASE_PERIODS_MAX)
        step *= 2;
    c->periods = (size_t)((days + step - 1) / step);
    c->period_us = step * DAY_US;
    c->period = ARENA_ARRAY(keep, CasePeriod, c->periods);
    for (size_t i = 0; i < c->periods; i++)
        c->period[i].from_us = (first + (int64_t)i * step) * DAY_US;
    for (size_t i = 0; i < c->events; i++) {
        CasePeriod *p = &c->period[(day_of(event[i].at_us) - first) / step];
        p->events++;
        if (event[i].flow == CASE_IN)
            add_money(&p->in, event[i].amount);
        if (event[i].flow == CASE_OUT)
            add_money(&p->out, event[i].amount);
    }
}

static int most_first(const void *left, const void *right)
{
    const CaseMix *a = left, *b = right;
    if (a->events != b->events)
        return a->events > b->events ? -1 : 1;
    return str_compare(a->name, b->name);
}

static void add_mix(CaseMix *m, const CaseMix *more)
{
    m->events += more->events;
    add_money(&m->amount, more->amount);
    add_money(&m->in, more->in);
    add_money(&m->out, more->out);
}

static CaseMixes mix_of(const CaseEvent *event, size_t count, bool by_state, Arena *keep,
                        Arena scratch)
{
    Dictionary *names = dictionary_new(&scratch);
    CaseMix *all = ARENA_ARRAY(keep, CaseMix, count + 1);
    for (size_t i = 0; i < count; i++) {
        const CaseEvent *e = &event[i];
        Str name = by_state ? e->state : e->kind;
        CaseMix *m = &all[dictionary_add(names, name)];
        m->name = name;
        add_mix(m, &(CaseMix){.events = 1,
                              .amount = e->amount,
                              .in = e->flow == CASE_IN ? e->amount : 0,
                              .out = e->flow == CASE_OUT ? e->amount : 0});
    }
    size_t kinds = names->count;
    qsort(all, kinds, sizeof *all, most_first);
    if (kinds > CASE_MIX_MAX) {
        CaseMix *rest = &all[CASE_MIX_MAX - 1];
        for (size_t i = CASE_MIX_MAX; i < kinds; i++)
            add_mix(rest, &all[i]);
        rest->name = S("");
        rest->others = kinds - CASE_MIX_MAX + 1;
        kinds = CASE_MIX_MAX;
    }
    return (CaseMixes){all, kinds};
}

/* ---- the whole ---- */

/* The matching behind the first rule that rests on one; else the book's first. */
static Status read_flows(Gathering *g, const Decision *d, Arena *arena, Arena scratch, Error *err)
{
    TRY(feature_flow(&g->whole, arena, scratch, NULL, g->events, g->customer, err));
    g->flow = g->whole;
    for (size_t i = 0; i < d->reasons; i++) {
        const Feature *f = plan_find(g->bundle->plan, d->reason[i].feature);
        if (d->reason[i].source == REASON_RULE && f != NULL && feature_matches(g->bundle->plan, f))
            return feature_flow(&g->flow, arena, scratch, f, g->events, g->customer, err);
    }
    return STATUS_OK;
}

Status explain_case(Case **out, Arena *keep, Arena scratch, const CaseInputs *in, Error *err)
{
    const Scored *s = in->scored;
    Case *c = *out = ARENA_NEW(keep, Case);
    size_t customer = s->row[in->position];
    Gathering g = {.bundle = in->bundle,
                   .data = in->data,
                   .scored = s,
                   .events = s->events,
                   .customer = customer,
                   .from = s->events->start[customer]};
    *c = (Case){.decision = in->decision,
                .decision_id = in->decision_id,
                .language = s->options.language,
                .words = in->words,
                .books = in->bundle->messages,
                .as_of_us = in->data->as_of_us,
                .currency = in->bundle->schema->currency.text,
                .contradictory = in->data->label[customer] == LABEL_CONTRADICTORY,
                .thresholds = policy_thresholds(in->bundle->policy),
                .events = s->events->start[customer + 1] - g.from,
                .first_us = NO_TIME,
                .last_us = NO_TIME};
    if (s->options.earlier != NULL)
        c->earlier = s->options.earlier[customer];
    Arena own = arena_new();
    Status status = read_flows(&g, in->decision, &own, scratch, err);
    if (status == STATUS_OK) {
        CaseEvent *event = read_events(c, &g, &own);
        mark_reasons(event, c->events, in->decision, scratch);
        read_lots(c, &g, event, keep);
        show_events(c, event, keep, scratch);
        read_periods(c, event, keep);
        c->kinds = mix_of(event, c->events, false, keep, scratch);
        c->states = mix_of(event, c->events, true, keep, scratch);
        case_read_pushes(c, &g, keep);
        case_read_record(c, &g, keep);
        case_read_warnings(c, &g, keep, scratch);
    }
    arena_free(&own);
    return status;
}
