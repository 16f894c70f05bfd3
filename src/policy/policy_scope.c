/* policy_scope.c - the names that expressions of a policy book may read. */
#include "policy/policy_reading.h"

static const struct {
    Str name;
    Type type;
} own[OWN_NAMES] = {
    [OWN_PROBABILITY] = {{"probability", 11}, TYPE_DOUBLE},
    [OWN_PROBABILITY_LOW] = {{"probability_low", 15}, TYPE_DOUBLE},
    [OWN_PROBABILITY_HIGH] = {{"probability_high", 16}, TYPE_DOUBLE},
    [OWN_THRESHOLD_MEDIUM] = {{"threshold_medium", 16}, TYPE_DOUBLE},
    [OWN_THRESHOLD_HIGH] = {{"threshold_high", 14}, TYPE_DOUBLE},
    [OWN_THRESHOLD_OFFBOARDING] = {{"threshold_offboarding", 21}, TYPE_DOUBLE},
    [OWN_RULES] = {{"rules", 5}, TYPE_INT64},
    [OWN_SEVERE_RULES] = {{"severe_rules", 12}, TYPE_INT64},
    [OWN_FAMILIES] = {{"families", 8}, TYPE_INT64},
    [OWN_EXPOSURE] = {{"exposure", 8}, TYPE_DOUBLE},
    [OWN_INSUFFICIENT_DATA] = {{"insufficient_data", 17}, TYPE_BOOLEAN},
};

/* A name of the engine's may stand for nothing else. */
static bool is_own(Str name)
{
    for (size_t k = 0; k < OWN_NAMES; k++)
        if (str_equal(name, own[k].name))
            return true;
    return false;
}

static Status check_feature(const Reading *r, const Feature *f)
{
    if (!is_own(f->name.text))
        return STATUS_OK;
    Status status = error_set(r->err, STATUS_FORMAT,
                              "the feature `%.*s` has a name that the policy gives to something "
                              "else",
                              STR_ARG(f->name.text));
    (void)error_place(r->err, r->p->plan->file, f->name.mark.line, f->name.mark.column);
    (void)error_remedy(r->err, "give the feature another name");
    return status;
}

static Status check_fact(const Reading *r, const FactText *text)
{
    bool feature = plan_find(r->p->plan, text->name.text) != NULL;
    if (!feature && !is_own(text->name.text))
        return STATUS_OK;
    Status status = reading_refuse(r, text->name.mark, "the fact `%.*s` has the name of %s",
                                   STR_ARG(text->name.text),
                                   feature ? "a feature" : "something that the engine computes");
    (void)error_remedy(r->err, "give the fact another name");
    return status;
}

/* The features, then the engine's own names, then the facts. */
Status reading_scopes(Reading *r, const BookRecords *facts)
{
    Policy *p = r->p;
    const Plan *plan = p->plan;
    size_t all = plan->features + OWN_NAMES + p->facts;
    Name *names = ARENA_ARRAY(r->keep, Name, all);
    for (size_t i = 0; i < plan->features; i++) {
        TRY(check_feature(r, &plan->feature[i]));
        names[i] = plan->name[i];
    }
    for (size_t k = 0; k < OWN_NAMES; k++)
        names[plan->features + k] = (Name){.name = own[k].name, .type = own[k].type};
    for (size_t k = 0; k < p->facts; k++) {
        TRY(check_fact(r, (const FactText *)facts->item + k));
        names[plan->features + OWN_NAMES + k] =
            (Name){.name = p->fact[k].name, .type = TYPE_BOOLEAN};
    }
    p->name = names;
    Str currency = plan->schema->currency.text;
    r->features = (Scope){.customer = names, .customers = plan->features, .currency = currency};
    r->all = (Scope){.customer = names, .customers = all, .currency = currency};
    return STATUS_OK;
}
