/* policy_outcomes.c - everybody's decision in numbers, and who is on the list. */
#include "policy/policy_internal.h"

#include <stdlib.h>

/* ---- everybody, in numbers ---- */

Outcome policy_outcome(const Decision *d)
{
    return (Outcome){.id = d->id,
                     .margin = d->margin,
                     .probability = d->probability,
                     .probability_low = d->probability_low,
                     .probability_high = d->probability_high,
                     .exposure = d->exposure,
                     .rules = (uint32_t)d->rules,
                     .severe_rules = (uint32_t)d->severe_rules,
                     .families = (uint32_t)d->families,
                     .segment = d->segment,
                     .segment_by_score = d->segment_by_score,
                     .action = d->action,
                     .before_safeguards = d->before_safeguards,
                     .insufficient_data = d->insufficient_data,
                     .near_miss = d->near_miss.size > 0,
                     .documented = d->documented};
}

typedef struct Counting {
    const Deciding *d;
    Outcome *out;
    Status *status; /* [slices] */
} Counting;

/* What a slice makes is gone with it. */
static Status count_slice(const Counting *c, size_t slice, Arena own, Arena scratch, Error *err)
{
    size_t from = slice * SLICE_ROWS;
    Decision *made = ARENA_ARRAY(&own, Decision, SLICE_ROWS);
    Status status = policy_decide_slice(made, &own, scratch, c->d, slice, err);
    for (size_t k = from; k < from + SLICE_ROWS && k < c->d->in->count; k++)
        c->out[k] = policy_outcome(&made[k - from]);
    return status;
}

static void count_task(void *context, size_t task, Arena scratch)
{
    const Counting *c = context;
    Arena own = arena_new();
    c->status[task] = count_slice(c, task, own, scratch, NULL);
    arena_free(&own);
}

Status policy_outcomes(Outcome **out, size_t **fired, Arena *keep, Arena scratch,
                       const Policy *policy, const PolicyInputs *inputs, Team *team, Error *err)
{
    PolicyInputs in = *inputs;
    in.contribution = NULL;
    in.matrix = NULL;
    Deciding d = policy_deciding(policy, &in);
    d.wordless = true;
    size_t slices = SLICES(in.count);
    Counting c = {.d = &d, .out = *out = ARENA_ARRAY(keep, Outcome, in.count + 1)};
    if (fired != NULL)
        *fired = ARENA_ARRAY(keep, size_t, policy->rules + 1);
    d.fired = ARENA_ARRAY(&scratch, uint32_t, slices * policy->rules + 1);
    c.status = ARENA_ARRAY(&scratch, Status, slices + 1);
    if (team_threads(team) > 1 && slices > 1)
        team_run(team, slices, count_task, &c);
    else /* many short calls come this way, for which a new arena each costs more than the work */
        for (size_t i = 0; i < slices; i++)
            c.status[i] = count_slice(&c, i, *keep, scratch, NULL);
    Status status = STATUS_OK;
    for (size_t i = 0; i < slices && status == STATUS_OK; i++) {
        if (c.status[i] != STATUS_OK) /* once more, to hear why */
            status = count_slice(&c, i, *keep, scratch, err);
        for (size_t k = 0; fired != NULL && k < policy->rules; k++)
            (*fired)[k] += d.fired[i * policy->rules + k];
    }
    return status;
}

/* ---- the list ---- */

static int by_number(double a, double b) /* larger first */
{
    return (a < b) - (a > b);
}

static int by_support(const void *a, const void *b, void *context)
{
    const Outcome *x = (const Outcome *)context + *(const uint32_t *)a;
    const Outcome *y = (const Outcome *)context + *(const uint32_t *)b;
    int order = by_number(x->documented, y->documented);
    if (order == 0)
        order = by_number((double)x->families, (double)y->families);
    if (order == 0)
        order = by_number((double)x->severe_rules, (double)y->severe_rules);
    if (order == 0)
        order = by_number(x->probability, y->probability);
    if (order == 0)
        order = by_number(x->exposure, y->exposure);
    return order != 0 ? order : str_compare(x->id, y->id);
}

size_t policy_rank(uint32_t *order, const Outcome *outcome, size_t count)
{
    size_t candidates = 0;
    for (size_t i = 0; i < count; i++)
        if (outcome[i].action == ACTION_PROPOSE_OFFBOARDING)
            order[candidates++] = (uint32_t)i;
    if (candidates > 1)
        qsort_r(order, candidates, sizeof *order, by_support, (void *)outcome);
    return candidates;
}
