/* prove_internal.h - pieces, values, diagrams, and the book compiled into them.
 *
 * names and cuts (variables.c) -> values of a part over pieces (value.c) -> diagrams (diagram.c,
 * compile.c) -> questions (ask_*.c) -> findings in words (words.c).
 */
#ifndef PROVE_PROVE_INTERNAL_H
#define PROVE_PROVE_INTERNAL_H

#include "prove/prove.h"

/* ---- value.c: what a part of an expression may be, given what its names may be ---- */

/* Sets of the three truth values. */
enum { MAY_TRUE = 1, MAY_FALSE = 2, MAY_UNKNOWN = 4, MAY_ANY = 7 };

typedef enum ValueKind { VALUE_NUMBER, VALUE_TRUTH, VALUE_TEXT } ValueKind;

typedef struct Value {
    ValueKind kind;
    bool may_miss, may_have;  /* of numbers and texts */
    double low, high;         /* of numbers: between them, */
    bool low_open, high_open; /* without the ends where open */
    uint8_t truth;            /* of truths: a set */
    Str text;                 /* of texts, when known */
    bool known;
    const Str *others; /* of texts that are not known: it is none of these */
    size_t other_count;
} Value;

Value value_number(double x);
Value value_between(double low, double high); /* ends included */
Value value_anything(Type type);
Value value_missing(Type type);
Value value_truth(uint8_t set);

/* Names and aggregates are the caller's to answer. */
typedef struct Lookup {
    void *context;
    Value (*name)(void *context, Str name, Type type);
    Value (*aggregate)(void *context, size_t index, Type type);
} Lookup;
Value value_of(const ExprNode *n, const Lookup *lookup);

/* ---- diagram.c: functions of the pieces ---- */

/* Below DIAGRAM_VALUES a constant; of a condition one of the first three. */
typedef uint32_t Diagram;
enum { DIAGRAM_VALUES = 2048, IS_FALSE = 0, IS_TRUE = 1, IS_UNKNOWN = 2 };

typedef enum Operation {
    OPERATION_AND, /* Kleene's */
    OPERATION_OR,
    OPERATION_NOT,      /* of a; b is 0 */
    OPERATION_ADD,      /* saturating */
    OPERATION_EQUAL,    /* to the constant b */
    OPERATION_LEAST,    /* the smaller constant */
    OPERATION_DISTANCE, /* of constants */
    OPERATION_RESTRICT, /* internal */
    OPERATION_CHOOSE    /* internal */
} Operation;

typedef struct DiagramNode {
    uint32_t variable, first; /* its children are child[first .. + width[variable]] */
} DiagramNode;

typedef struct Memo {
    uint32_t operation, a, b, c, result;
    uint32_t stamp; /* of the question that it was made for */
} Memo;

typedef struct Diagrams {
    Arena keep;      /* an arena of its own */
    uint32_t *width; /* pieces by variable */
    size_t variables, variable_capacity;
    DiagramNode *node;
    size_t nodes, node_capacity;
    uint32_t *child;
    size_t children, child_capacity;
    uint32_t *unique; /* hash table of nodes + 1 */
    size_t unique_size;
    Memo *memo;  /* a cache that forgets */
    size_t most;         /* nodes, at the moment */
    size_t room;         /* nodes at all */
    size_t kept;         /* nodes that stay when what was made since is given back */
    uint32_t stamp;
    bool full;   /* the last results are worthless */
} Diagrams;

void diagrams_open(Diagrams *d, size_t most);
void diagrams_close(Diagrams *d);
/* Give back every node since the last diagrams_keep, and let at most `share` more be made. */
void diagrams_begin(Diagrams *d, size_t share);
void diagrams_keep(Diagrams *d);
uint32_t diagrams_variable(Diagrams *d, uint32_t width);
/* child[width]; a node whose children are equal is that child. */
Diagram diagram_node(Diagrams *d, uint32_t variable, const Diagram *child);
Diagram diagram_apply(Diagrams *d, Operation op, Diagram a, Diagram b);
Diagram diagram_choose(Diagrams *d, Diagram condition, Diagram yes, Diagram no);
Diagram diagram_restrict(Diagrams *d, Diagram a, uint32_t variable, uint32_t piece);

static inline Diagram diagram_not(Diagrams *d, Diagram a)
{
    return diagram_apply(d, OPERATION_NOT, a, 0);
}
static inline Diagram diagram_is(Diagrams *d, Diagram a, uint32_t value)
{
    return diagram_apply(d, OPERATION_EQUAL, a, value);
}
static inline Diagram diagram_and(Diagrams *d, Diagram a, Diagram b)
{
    return diagram_apply(d, OPERATION_AND, a, b);
}

/* One way to a constant of at least `least`, with as few tests as can be. price[variable]: what a
 * test of it costs. from[variable] .. to[variable]: the pieces that lead on; where the way has no
 * test of it, all. False when no way leads there. */
bool diagram_way(const Diagrams *d, Diagram a, uint32_t least, const uint32_t *price,
                 uint8_t **pieces, uint64_t *cost, Arena *keep);
/* The largest constant that is reached. */
uint32_t diagram_largest(const Diagrams *d, Diagram a, Arena scratch);

/* ---- variables.c ---- */

typedef enum VariableKind {
    VARIABLE_NUMBER,
    VARIABLE_TRUTH,
    VARIABLE_TEXT,
    VARIABLE_COUNT, /* how many rules fire, where that was too much to follow: any number */
    VARIABLE_OPAQUE /* a comparison that is not looked into: true, false or unknown */
} VariableKind;

/* A piece of a line: a point, or what lies between two without them. */
typedef struct Piece {
    double low, high;
    bool point;
} Piece;

typedef struct Variable {
    Str name; /* of an opaque one its text */
    VariableKind kind;
    Type type;
    int scale;
    Format format;
    const Feature *feature; /* NULL: the engine's own */
    Value bound;            /* what it can be at all */
    double *cut;
    size_t cuts, cut_capacity;
    Str *value; /* of texts: those that are named; then comes every other */
    size_t values, value_capacity;
    Piece *piece;
    size_t numbers; /* pieces of a line */
    size_t pieces;  /* with missing, the last where bound.may_miss */
} Variable;

enum { DERIVED_RULES, DERIVED_SEVERE, DERIVED_FAMILIES, DERIVED_INSUFFICIENT, DERIVED };

typedef struct Proving {
    Arena *keep;
    Arena scratch;
    const Policy *policy;
    const Plan *plan;
    const ProveSeen *seen;
    Thresholds thresholds;
    Value *bound[2]; /* [features] of the plan; the second: without a transaction */
    Condition *condition;
    size_t conditions;
    Variable *variable; /* the diagrams' */
    size_t variables, variable_capacity;
    Diagrams d;
    Diagram *truth; /* [conditions] */
    Diagram world;  /* which pieces go together */
    Diagram derived[DERIVED];
    size_t derived_most[DERIVED];
    Diagram action, capped; /* before and after safeguards: the constant is the Action */
    Proofs *out;
    size_t proof_capacity;
    /* while a part is looked at */
    Value *at; /* [variables] */
    size_t derived_at[DERIVED];
    bool free_counts; /* how many rules fire could not be followed */
    bool no_actions; /* the customer's way through the book does not fit */
} Proving;

Variable *variable_find(Proving *p, Str name);
int derived_find(Str name); /* -1: none */
Str derived_name(int which);
/* Every name of the conditions, cut. */
void variables_collect(Proving *p);
Value variable_value(const Variable *v, size_t piece);
void world_make(Proving *p);
/* What a name is at the moment: p->at, constants, exposure put in. */
Lookup proving_lookup(Proving *p);

/* ---- compile.c ---- */

void proving_compile(Proving *p);
Diagram compile_part(Proving *p, const ExprNode *n);
/* "probability" or "probability_low". */
Diagram score_at_least(Proving *p, Str name, double threshold);
/* The names behind a part, exposure put in: used[variable], derived[DERIVED]. */
void part_names(Proving *p, const ExprNode *n, uint8_t *used, bool derived[DERIVED]);

/* ---- questions ---- */

void ask_reach(Proving *p);   /* ask_reach.c: never, always, hidden, equal, idle, unreached */
void ask_regions(Proving *p); /* ask_regions.c: gaps and cliffs */
void ask_paths(Proving *p);   /* ask_paths.c: protected columns and proxies */
void ask_seen(Proving *p);    /* ask_seen.c: comparisons beside data */

/* A question begins: diagrams made for the one before are gone, unless diagrams_keep kept them. */
void question(Proving *p);
/* Likewise, and it cannot be answered when the way through the book does not fit. */
void question_of_actions(Proving *p);
/* True: the diagrams that were just made are good. False: it is counted as open. */
bool decided(Proving *p, Str about);

/* ---- words.c ---- */

void prove_add(Proving *p, ProofSeverity severity, const char *code, const Condition *c,
               Str sentence, Str remedy);
Str condition_name(Arena *keep, const Condition *c); /* "rule gone_within_24h" */
/* The customers on one way: "probability at least 0.4, inflow missing". *certain is false when it
 * rests on what was not looked into. Empty where there is no way. */
Str region_text(Proving *p, Diagram a, uint32_t least, bool *certain);
Str number_words(Arena *keep, const Variable *v, double x);

#endif
