/* explain.h - one decision looked at from beside: what would have changed it.
 *
 * A change is the smallest feasible change in what a customer did that leaves the proposed action,
 * that is, ends in a milder one. It is found through features, model and policy together, and is a
 * change of quantities (the aggregates behind the features), not of transactions: which payments
 * would bring it about is not said. docs/counterfactual.md has what is fixed, what is feasible and
 * how it is looked for.
 */
#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H

#include "explain/case.h"

/* ---- what would change the outcome (change.c) ---- */

enum { CHANGE_STEPS_MAX = 3 };

/* One quantity that is otherwise. */
typedef struct ChangeStep {
    Str feature;  /* the one that shows it */
    Str says;     /* what that feature means */
    Str window;   /* "first 14d", "all" */
    Str from, to; /* the feature's value, formatted */
    double
        move; /* how far the quantity goes in percentiles of comparable customers; signed, of 1 */
    Str sentence; /* of all that in words */
} ChangeStep;

typedef struct Change {
    bool found;
    Str sentence; /* what would follow if the steps below were so; or why there is no change */
    ChangeStep step[CHANGE_STEPS_MAX]; /* the largest move first */
    size_t steps;
    Str *follows; /* [followers] features that move with them, since a part exceeds no whole */
    size_t followers;
    Str peer_group;  /* of the first step's comparable customers, in words */
    double distance; /* the moves' sizes added up */
    /* What the customer would get. */
    double probability, probability_low, probability_high;
    Segment segment;
    Action action;
    Str because;
    size_t tried; /* how many changes were scored and decided on */
} Change;

/* For each of the scored customers in position[count]: (*out)[count]. Of a customer for whom RETAIN
 * is proposed nothing is looked for, nor without comparable customers in the bundle, for then
 * nothing can be called feasible: not found, and so said. Sentences are in the scored's language.
 * Memory: keep.  Cost: at most some 30,000 changes scored and decided on for each customer, a tenth
 * of that as a rule (docs/counterfactual.md); customers shared by team, the same result for any
 * number.
 * Source: Wachter, Mittelstadt and Russell 2018; feasible, and in percentiles, as in Ustun,
 * Spangher and Liu 2019. */
MUST_USE Status explain_changes(Change **out, Arena *keep, Arena scratch, const Bundle *b,
                                const Scored *s, const uint32_t *position, size_t count, Team *team,
                                Error *err);

#endif
