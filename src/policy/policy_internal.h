/* policy_internal.h - the policy book as compiled expressions and templates.
 *
 * Expressions and templates of rules see the features alone, so that no rule leans on the
 * model or on what the bank was told; those of actions, safeguards, measures, floors and mitigating
 * facts also see the engine's own names and the book's facts.
 */
#ifndef POLICY_POLICY_INTERNAL_H
#define POLICY_POLICY_INTERNAL_H

#include "book/book.h"
#include "policy/policy.h"

/* The engine's own names, in this order behind the features; the facts follow them. */
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

/* One of the parts that a condition joins by `and`. */
typedef struct Part {
    Expr *when;
    bool compares; /* a name with something else: then these */
    ComparedSides sides;
    Str name;     /* the name on the comparison's side that is nothing else, or the bare name */
    bool flipped; /* it stands on the right */
    bool negated; /* `not` stands before the bare name */
    bool fact;    /* it reads a fact of kind order or hard */
} Part;

/* An action, a safeguard, a measure, a floor, a mitigating fact or the overlay of insufficient
 * data; each uses what it has. */
typedef struct Clause {
    Str id, condition, sentence, queue;
    Action action; /* what is proposed, or the cap */
    Action
        allows; /* of a safeguard: the one that passes though graver than the cap; ACTIONS: none */
    bool uncapped;
    Segment at_least; /* of a floor */
    Expr *when;
    Template *because, *otherwise;
    Part *part; /* of PROPOSE_OFFBOARDING */
    size_t parts;
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

/* Expressions that are evaluated one after the other. */
typedef struct Asked {
    const Expr **of;
    size_t count;
    const ExprSet *set; /* the same of one customer; NULL: they are too many, or too special */
} Asked;

struct Policy {
    Str text;
    PolicyIdentity identity;
    const Plan *plan;
    Thresholds thresholds;
    CostMatrix costs;
    Capacity capacity;
    Certify certify;
    double minutes[ACTIONS]; /* NAN: the book does not say */
    FactView *fact;
    size_t facts;
    Name *name;     /* [plan->features + OWN_NAMES + facts] */
    uint32_t *read; /* [reads] features that some expression or sentence names, ascending */
    size_t reads;
    Str *window;    /* [plan->features] of the feature's first aggregate; "profile" without one */
    Expr *exposure; /* NULL: not known */
    Clause *insufficient; /* NULL: never */
    Template *otherwise;  /* NULL: a sentence of the engine's */
    Rule *rule;
    size_t rules, families;
    Clause *mitigating, *safeguard, *action, *measure, *floor; /* measures: mildest first */
    size_t mitigatings, safeguards, actions, measures, floors;
    int64_t cool_down_us; /* 0: none */
    Sentence *sentence;
    size_t sentences, sentences_capacity;
    const Messages *messages; /* NULL: English only */
    Comparable *comparable;
    size_t comparables;
    Asked early, late; /* all conditions, those of the features alone first */
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

/* ---- deciding ---- */

/* What the columns of one part say; left and right of a comparison, as written. */
typedef struct PartColumns {
    Column when, left, right;
} PartColumns;

/* What the book's expressions say about some customers, row by row. */
typedef struct Slice {
    size_t from, rows;
    Language language;
    bool wordless; /* as of Deciding */
    const Messages *messages;
    Table *table; /* the features that are read, the engine's own names, the facts */
    Column insufficient, *rule, *mitigating, *safeguard, *action, *measure, *floor, *comparable;
    PartColumns **part;                        /* by action; NULL of those without parts */
    uint32_t *rules, *severe_rules, *families; /* by row */
    double *exposure;
} Slice;

typedef struct Deciding {
    const Policy *p;
    const PolicyInputs *in;
    const Column *transaction_id;
    uint32_t *fired; /* [slices][rules] customers of a slice that a rule fired for; may be NULL */
    bool wordless;   /* only numbers are wanted: sentences are not filled in */
} Deciding;
Deciding policy_deciding(const Policy *policy, const PolicyInputs *inputs);

/* Decide for the customers of one slice; out is its first. */
MUST_USE Status policy_decide_slice(Decision *out, Arena *keep, Arena scratch, const Deciding *d,
                                    size_t slice, Error *err);

/* Evaluate everything of the book over slice->rows customers from slice->from on. Columns go to
 * scratch; temporaries take the free end of spare.  Memory: scratch. */
/* List what slice_gather evaluates, in its order. */
void slice_prepare(Policy *p, Arena *keep);
MUST_USE Status slice_gather(Slice *s, Arena *scratch, Arena spare, const Deciding *d, Error *err);
bool slice_holds(const Column *c, size_t row); /* unknown is false */
Str slice_fill(Arena *keep, const Template *t, const Slice *s, size_t row);
Str slice_say(const Slice *s, Str english); /* a sentence of the engine's own */
/* The same with its placeholders filled. */
Str slice_words(Arena *keep, const Slice *s, Str english, const MessagePart *part, size_t parts);
/* 26 August 2024, of an instant. */
Str instant_words(Arena *keep, Language language, int64_t time_us);
int64_t slice_as_of(const Deciding *d, size_t k); /* of the k-th customer decided on */
/* A feature's column of all customers; NULL when it was not computed. */
const Column *deciding_feature(const Deciding *d, size_t feature);

/* Room for these is made in keep. */
MUST_USE Status reasons_add(Decision *out, Arena *keep, Arena scratch, const Deciding *d,
                            const Slice *s, size_t row, Error *err);

/* Columns of the book's facts behind the engine's own names. */
void facts_gather(Slice *s, Arena *scratch, const Deciding *d);
/* Those known of the customer, in words. */
void facts_add(Decision *out, Arena *keep, const Deciding *d, size_t k);
/* A documented fact of kind hard that the condition reads and that is true of this customer; or
 * NULL. */
const FactView *facts_support(const Clause *c, const Deciding *d, size_t k);

void segment_decide(Decision *out, Arena *keep, const Deciding *d, const Slice *s, size_t row);

/* parts: those of the actions, action by action. */
MUST_USE Status near_gather(Slice *s, Arena *scratch, Arena spare, const Policy *p,
                            const Column *parts, Error *err);
/* Say why an exit is not proposed though nearly all of it holds. */
void near_add(Decision *out, Arena *keep, const Deciding *d, const Slice *s, size_t row);

#endif
