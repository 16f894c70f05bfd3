/* change_internal.h - what the files of the search for a change share.
 *
 * A customer is a vector of quantities, each in its column's own units (cents, microseconds); a
 * change gives some of them, the levers, other values. What cannot stay as it was then, because a
 * part would exceed its whole, is carried along.
 */
#ifndef EXPLAIN_CHANGE_INTERNAL_H
#define EXPLAIN_CHANGE_INTERNAL_H

#include "explain/explain.h"

/* Two quantities that go together whoever the customer is. */
typedef enum LimitKind {
    LIMIT_PART,  /* a never exceeds whole */
    LIMIT_APART, /* a and b never exceed whole together: nothing counts in both */
    LIMIT_NONE   /* a is 0 where whole is: a adds up or counts some of what whole counts */
} LimitKind;
typedef struct Limit {
    LimitKind kind;
    uint32_t a, b, whole;
    double scale; /* of a part: the whole's units in one of a's (a mean of cents is in euros) */
} Limit;

/* What holds for everybody whom a bundle decides on. */
typedef struct Levers {
    const Bundle *bundle;
    Quantities quantities;
    uint8_t *known; /* [quantities] behind the model's and the book's features */
    uint8_t *free;  /* [quantities] may be otherwise */
    uint8_t *bound; /* [quantities] not by itself, but lowered with what it is a part of */
    uint8_t *used;  /* [features] numbers that the model or the book reads */
    uint8_t *fixed; /* [features] the same whatever is free: nothing that they read may move */
    uint8_t *read;  /* [quantities] behind the features that are not fixed */
    uint32_t *show; /* [quantities] the feature that shows it */
    Limit *limit;
    size_t limits;
} Levers;

/* The most that a part may be beside its whole, in its own units; a mean is no whole number. */
static inline double limit_most(const Limit *l, double whole)
{
    return whole / l->scale;
}

static inline bool limit_exceeded(const Limit *l, double a, double whole)
{
    double most = limit_most(l, whole);
    return a > most + (l->scale > 1 ? 1e-9 * most : 0);
}

/* Memory: keep. */
Levers *change_levers(Arena *keep, const Bundle *b);

/* ---- one customer ---- */

typedef struct Subject {
    const Levers *levers;
    const Scored *scored;
    const Events *events;   /* of those asked for */
    const Column *quantity; /* [quantities] theirs */
    size_t at;              /* which of events */
    size_t position;        /* of scored */
    size_t set;             /* of comparable customers */
    double *own;            /* [quantities] in units; NAN where missing */
    uint8_t *held;          /* [limits] that the customer keeps to */
} Subject;

/* Of the customers in position[count].  Memory: keep. */
MUST_USE Status change_subjects(Subject **out, Arena *keep, Arena scratch, const Bundle *b,
                                const Scored *s, const uint32_t *position, size_t count, Team *team,
                                Error *err);

enum { MOVES_MAX = CHANGE_STEPS_MAX };
typedef struct Move {
    uint32_t quantity;
    double value; /* in units */
    double step;  /* in percentiles, signed */
} Move;
typedef struct Trial {
    Move move[MOVES_MAX];
    size_t moves;
    double distance;
} Trial;

/* value[quantities] with the moves made and what must follow carried along. False: it cannot be. */
bool change_carry(double *value, const Subject *s, const Trial *t);

/* Comparable customers for a quantity, and a value's place among them. */
const PeerKnots *change_knots(const Subject *s, uint32_t quantity);
double change_place(const Subject *s, uint32_t quantity, double value);

/* Does the outcome count as one that leaves the proposed action? */
bool change_leaves(const Subject *s, const Outcome *o);

/* Score and decide count trials: feasible[i] 0 where one cannot be.  Memory: keep. */
MUST_USE Status change_try(Outcome **out, uint8_t **feasible, Arena *keep, Arena scratch,
                           const Subject *s, const Trial *trial, size_t count, Error *err);

/* One trial with its features (one row) and its sentences.  Memory: keep. */
MUST_USE Status change_decide(Decision **out, const Table **features, Arena *keep, Arena scratch,
                              const Subject *s, const Trial *trial, Error *err);

/* The nearest change of at most MOVES_MAX levers, found or not; tried counts. */
MUST_USE Status change_search(bool *found, Trial *best, size_t *tried, Arena scratch,
                              const Subject *s, Error *err);

#endif
