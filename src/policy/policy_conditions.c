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
