/* policy_internal.h - the policy book as compiled expressions and templates.
 *
 * Expressions and templates of rules see the features alone, so that no rule leans on the
 * model; those of actions, safeguards and mitigating facts also see the engine's own names.
 */
#ifndef POLICY_POLICY_INTERNAL_H
#define POLICY_POLICY_INTERNAL_H

#include "book/book.h"
#include "policy/policy.h"

/* The engine's own names, in this order behind the features. */
enum {
    OWN_PROBABILITY,
    OWN_PROBABILITY_LOW,
    OWN_PROBABILITY_HIGH,
    OWN_THRESHOLD_MEDIUM,
    OWN_THRESHOLD_HIGH,
    OWN_THRESHOLD_OFFBOARDING,
    OWN_RULES,
    OWN_SEVERE_RULES,
    OWN_FAMILIES,
    OWN_EXPOSURE,
    OWN_INSUFFICIENT_DATA,
    OWN_NAMES
};

typedef struct Rule {
    Str id, family, condition, sentence;
    size_t family_index; /* equal families, equal numbers below Policy.families */
    bool severe;
    Expr *when;
    Template *because, *also, *missing_proof, *next_step; /* NULL when not written */
    size_t evidence;                                      /* a feature of the plan */
} Rule;

/* An action, a safeguard, a mitigating fact or the overlay of insufficient data. */
typedef struct Clause {
    Str id, condition, sentence;
    Action action; /* what is proposed, or the cap */
    Expr *when;
    Template *because;
} Clause;

/* A sentence of the book, for who translates it. */
typedef struct Sentence {
    BookText text;
    Template *template;
    Scope scope;
} Sentence;
/* A set of the book's `comparable:` list. */
typedef struct Comparable {
    Str name;
    Expr *when;
} Comparable;

struct Policy {
    Str text;
    const Plan *plan;
    Thresholds thresholds;
    CostMatrix costs;
    Capacity capacity;
    Certify certify;
    Name *name;     /* [plan->features + OWN_NAMES] */
    Str *window;    /* [plan->features] of the feature's first aggregate; "profile" without one */
    Expr *exposure; /* NULL: not known */
    Clause *insufficient; /* NULL: never */
    Template *otherwise;  /* NULL: a sentence of the engine's */
    Rule *rule;
    size_t rules, families;
    Clause *mitigating, *safeguard, *action;
    size_t mitigatings, safeguards, actions;
    Sentence *sentence;
    size_t sentences, sentences_capacity;
    const Messages *messages; /* NULL: English only */
    Comparable *comparable;
    size_t comparables;
};

/* The list as written, against the scope of the features. */
MUST_USE Status comparable_read(Policy *p, Arena *keep, const BookRecords *list,
                                const Scope *features, const char *file, Error *err);

/* The set that a customer falls into, given each set's condition over some rows. */
size_t comparable_set(const Policy *p, const Column *condition, size_t row, bool transactions);

/* Say where the reason's value stands. */
void peers_reason(Reason *out, const PeerSets *peers, size_t set, size_t feature, double value);

/* Customers are decided in slices of a fixed size. */
enum { SLICE_ROWS = 256 };
#define SLICES(count) (((count) + SLICE_ROWS - 1) / SLICE_ROWS)

typedef struct Deciding {
    const Policy *p;
    const PolicyInputs *in;
    const Column *transaction_id;
    uint32_t *fired; /* [slices][rules] customers of a slice that a rule fired for; may be NULL */
} Deciding;
Deciding policy_deciding(const Policy *policy, const PolicyInputs *inputs);

/* Decide for the customers of one slice; out is its first. */
MUST_USE Status policy_decide_slice(Decision *out, Arena *keep, Arena scratch, const Deciding *d,
                                    size_t slice, Error *err);

#endif
