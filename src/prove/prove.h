/* prove.h - what can be known of a policy book before it decides about anybody.
 *
 * Conditions are formulas over comparisons. Every feature's line is cut at the constants that it
 * is compared with and at its natural bounds (a count is not negative, a probability is from 0 to
 * 1); missing is a piece of its own. A formula is then a decision diagram over pieces, in three
 * values, and questions about all customers that there could be are questions about diagrams:
 * can this rule ever fire, does an earlier action take all its customers, who keeps RETAIN at a
 * high score, where does a hair's breadth jump over actions. docs/prove.md says what the answers
 * hold for.
 *
 * Answers "never" and "always" are proofs: features are taken as independent, which allows more
 * customers than there can be. Answers "there are such customers" show which; where they rest on a
 * comparison between features, which is not looked into, or on features that hang together, they
 * say "may". What the bound on nodes leaves open is counted as not decided, never as proved.
 */
#ifndef PROVE_PROVE_H
#define PROVE_PROVE_H

#include "policy/policy.h"

typedef enum ProofSeverity { PROOF_ERROR, PROOF_WARNING, PROOF_NOTE } ProofSeverity;
Str proof_severity_name(ProofSeverity s); /* "error", "warning", "note" */

typedef struct Proof {
    ProofSeverity severity;
    Str code;     /* stable: never_fires */
    Str about;    /* "rule gone_within_24h"; empty: the book as a whole */
    Str sentence; /* what was found */
    Str remedy;   /* may be empty */
    int64_t line, column;
} Proof;

typedef struct Proofs {
    Proof *item; /* errors, then warnings, then notes; each in the order of the book */
    size_t count;
    size_t errors, warnings, notes;
    size_t questions; /* asked of the diagrams */
    size_t open;      /* of these not decided within the bound */
    Str *undecided;   /* [open_named] what they were about, at most 20 */
    size_t open_named;
} Proofs;

/* A feature that tells who is of a group on a protected ground, as a run has found. */
typedef struct ProveProxy {
    Str feature, column, ground, group;
    double auc; /* of this feature alone */
} ProveProxy;

/* Customers counted by a feature, or by `probability`: bin b holds (cut[b - 1], cut[b]], the first
 * and the last without an end; or by value, then all other values. The last bin counts the missing.
 */
typedef struct ProveCounts {
    Str name;
    bool by_value;
    const double *cut; /* [bins - 2] */
    const Str *value;  /* [bins - 2] */
    const uint64_t *count;
    size_t bins;
} ProveCounts;

/* Customers to hold the book's comparisons against; all optional. */
typedef struct ProveSeen {
    Str from;                  /* "the run folder out": for sentences */
    const ProveCounts *counts; /* where there is no table of them */
    size_t counted;
    const Table *features; /* a column for each feature, one row for each customer */
    const uint32_t *row;   /* [scored] rows of features that have a probability */
    size_t scored;
    const double *probability, *probability_low, *probability_high; /* [scored] */
    const ProveProxy *proxy;
    size_t proxies;
} ProveSeen;

/* Prove what can be proved of a book.  Memory: keep; texts of the book stay the policy's.
 * Cost: bounded by a number of diagram nodes; well under a second for a book of dozens of rules.
 * Source: multi-valued decision diagrams, Srinivasan et al. 1990. */
Proofs *prove_policy(Arena *keep, Arena scratch, const Policy *policy, const Plan *plan,
                     const ProveSeen *seen);

/* ---- two books on the same customers ---- */

/* Somebody whose action or segment is another one under the new book. */
typedef struct PolicyMove {
    uint32_t at; /* position in inputs */
    Action from, to;
    Segment from_segment, to_segment;
    Str *why; /* sentences: what changed the outcome for this customer */
    size_t whys;
} PolicyMove;

typedef struct PolicyDiff {
    size_t customers;
    size_t action[ACTIONS][ACTIONS]; /* [from][to] */
    size_t segment[SEGMENTS][SEGMENTS];
    double minutes[2][ACTIONS]; /* of a case, by either book; NAN: it does not say */
    double hours[2];            /* of analysts, for all customers; NAN where minutes are not said */
    PolicyMove *move;           /* the largest steps first, then by action, probability and id */
    size_t moves;
    Str *change; /* what differs between the books, in words */
    size_t changes;
} PolicyDiff;

/* Decide under both books and compare. Both are read against the plan of inputs' features.
 * Memory: keep.  Cost: twice policy_outcomes, and twice policy_decide of those who move. */
MUST_USE Status prove_diff(PolicyDiff **out, Arena *keep, Arena scratch, const Policy *before,
                           const Policy *after, const PolicyInputs *inputs, Team *team, Error *err);

#endif
