/* prove.c - the questions, one after the other. */
#include "prove/prove_internal.h"

#include <stdlib.h>

enum { NODES_MOST = 400000, QUESTION_NODES = 100000, NAMED_MOST = 20 };

void question(Proving *p)
{
    p->out->questions++;
    diagrams_begin(&p->d, QUESTION_NODES);
}

void question_of_actions(Proving *p)
{
    question(p);
    p->d.full = p->no_actions;
}

bool decided(Proving *p, Str about)
{
    Proofs *out = p->out;
    if (!p->d.full)
        return true;
    out->open++;
    if (out->open_named < NAMED_MOST)
        out->undecided[out->open_named++] = about;
    return false;
}

static int by_severity(const void *a, const void *b)
{
    const Proof *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity < y->severity ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    int order = str_compare(x->code, y->code);
    return order != 0 ? order : str_compare(x->sentence, y->sentence);
}

Proofs *prove_policy(Arena *keep, Arena scratch, const Policy *policy, const Plan *plan,
                     const ProveSeen *seen)
{
    Proofs *out = ARENA_NEW(keep, Proofs);
    Proving p = {.keep = keep,
                 .scratch = scratch,
                 .policy = policy,
                 .plan = plan,
                 .seen = seen,
                 .thresholds = policy_thresholds(policy),
                 .out = out};
    out->undecided = ARENA_ARRAY(keep, Str, NAMED_MOST);
    p.conditions = policy_conditions(policy, keep, &p.condition);
    diagrams_open(&p.d, NODES_MOST);
    variables_collect(&p);
    world_make(&p);
    proving_compile(&p);
    ask_paths(&p);
    ask_reach(&p);
    ask_regions(&p);
    if (seen != NULL)
        ask_seen(&p);
    diagrams_close(&p.d);
    if (out->count > 1)
        qsort(out->item, out->count, sizeof *out->item, by_severity);
    return out;
}
