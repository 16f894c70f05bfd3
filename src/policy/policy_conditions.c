/* policy_conditions.c - the book's conditions as expressions, for who reasons about them. */
#include "policy/policy_internal.h"

static Condition *add(Condition *out, ConditionOf of, const Clause *clause)
{
    *out = (Condition){.of = of,
                       .id = clause->id,
                       .text = clause->condition,
                       .action = clause->action,
                       .allows = clause->allows,
                       .uncapped = clause->uncapped,
                       .at_least = clause->at_least,
                       .when = clause->when};
    if (of == CONDITION_ACTION)
        out->id = action_name(clause->action);
    else if (of == CONDITION_FLOOR)
        out->id = segment_name(clause->at_least);
    else if (of == CONDITION_INSUFFICIENT)
        out->id = S("insufficient_data");
    lang_place(lang_root(clause->when), &out->line, &out->column);
    return out + 1;
}

size_t policy_conditions(const Policy *p, Arena *keep, Condition **out)
{
    size_t most =
        p->rules + p->mitigatings + p->safeguards + p->actions + p->measures + p->floors + 1;
    Condition *at = *out = ARENA_ARRAY(keep, Condition, most);
    if (p->insufficient != NULL)
        at = add(at, CONDITION_INSUFFICIENT, p->insufficient);
    for (size_t i = 0; i < p->rules; i++, at++) {
        const Rule *r = &p->rule[i];
        *at = (Condition){.of = CONDITION_RULE,
                          .id = r->id,
                          .text = r->condition,
                          .family = r->family,
                          .family_index = r->family_index,
                          .severe = r->severe,
                          .when = r->when};
        lang_place(lang_root(r->when), &at->line, &at->column);
    }
    for (size_t i = 0; i < p->mitigatings; i++)
        at = add(at, CONDITION_MITIGATING, &p->mitigating[i]);
    for (size_t i = 0; i < p->safeguards; i++)
        at = add(at, CONDITION_SAFEGUARD, &p->safeguard[i]);
    for (size_t i = 0; i < p->actions; i++)
        at = add(at, CONDITION_ACTION, &p->action[i]);
    for (size_t i = 0; i < p->measures; i++)
        at = add(at, CONDITION_MEASURE, &p->measure[i]);
    for (size_t i = 0; i < p->floors; i++)
        at = add(at, CONDITION_FLOOR, &p->floor[i]);
    return (size_t)(at - *out);
}

const Expr *policy_exposure(const Policy *p)
{
    return p->exposure;
}

/* ---- what they say of customers ---- */

enum { HOLD_ROWS = 256 };

/* at[]: how many of each list were asked for. */
static const Column *column_of(const Slice *s, const Condition *c, size_t at[])
{
    switch (c->of) {
    case CONDITION_INSUFFICIENT:
        return &s->insufficient;
    case CONDITION_RULE:
        return &s->rule[at[c->of]++];
    case CONDITION_MITIGATING:
        return &s->mitigating[at[c->of]++];
    case CONDITION_SAFEGUARD:
        return &s->safeguard[at[c->of]++];
    case CONDITION_ACTION:
        return &s->action[at[c->of]++];
    case CONDITION_MEASURE:
        return &s->measure[at[c->of]++];
    default:
        return &s->floor[at[c->of]++];
    }
}

Status policy_hold(uint8_t ***out, Arena *keep, Arena scratch, const Policy *policy,
                   const PolicyInputs *inputs, Error *err)
{
    Condition *condition;
    Arena spare = arena_new();
    const Deciding d = {.p = policy, .in = inputs};
    size_t conditions = policy_conditions(policy, keep, &condition);
    Status status = STATUS_OK;
    *out = ARENA_ARRAY(keep, uint8_t *, conditions + 1);
    for (size_t i = 0; i < conditions; i++)
        (*out)[i] = ARENA_ARRAY(keep, uint8_t, inputs->count + 1);
    for (size_t from = 0; from < inputs->count && status == STATUS_OK; from += HOLD_ROWS) {
        Arena inner = scratch;
        size_t left = inputs->count - from, at[CONDITION_FLOOR + 1] = {0};
        Slice s = {.from = from, .rows = left < HOLD_ROWS ? left : HOLD_ROWS};
        status = slice_gather(&s, &inner, spare, &d, err);
        for (size_t i = 0; i < conditions && status == STATUS_OK; i++) {
            const Column *c = column_of(&s, &condition[i], at);
            for (size_t row = 0; row < s.rows; row++)
                (*out)[i][from + row] = slice_holds(c, row);
        }
    }
    arena_free(&spare);
    return status;
}
