/* policy_view.c - what others see of a policy book. */
#include "policy/policy_internal.h"
#include "policy/policy_shape.h"

Str policy_text(const Policy *p)
{
    return p->text;
}

PolicyIdentity policy_identity(const Policy *p)
{
    return p->identity;
}

double policy_minutes(const Policy *p, Action a)
{
    return p->minutes[a];
}

Thresholds policy_thresholds(const Policy *p)
{
    return p->thresholds;
}

CostMatrix policy_costs(const Policy *p)
{
    return p->costs;
}

Capacity policy_capacity(const Policy *p)
{
    return p->capacity;
}

Certify policy_certify(const Policy *p)
{
    return p->certify;
}

size_t policy_rules(const Policy *p, Arena *keep, RuleView **out)
{
    *out = ARENA_ARRAY(keep, RuleView, p->rules);
    for (size_t i = 0; i < p->rules; i++) {
        const Rule *r = &p->rule[i];
        (*out)[i] = (RuleView){r->id, r->family, r->sentence,
                               str_from(policy_severities[r->severe ? 1 : 0]), r->condition};
    }
    return p->rules;
}

static size_t view(Arena *keep, const Clause *clause, size_t count, ActionView **out)
{
    *out = ARENA_ARRAY(keep, ActionView, count);
    for (size_t i = 0; i < count; i++)
        (*out)[i] = (ActionView){clause[i].action < ACTIONS ? action_name(clause[i].action) : S(""),
                                 clause[i].condition, clause[i].sentence};
    return count;
}

size_t policy_actions(const Policy *p, Arena *keep, ActionView **out)
{
    return view(keep, p->action, p->actions, out);
}

size_t policy_safeguards(const Policy *p, Arena *keep, ActionView **out)
{
    return view(keep, p->safeguard, p->safeguards, out);
}

size_t policy_measures(const Policy *p, Arena *keep, ActionView **out)
{
    return view(keep, p->measure, p->measures, out);
}

size_t policy_floors(const Policy *p, Arena *keep, ActionView **out)
{
    size_t count = view(keep, p->floor, p->floors, out);
    for (size_t i = 0; i < count; i++)
        (*out)[i].action = segment_name(p->floor[i].at_least);
    return count;
}
