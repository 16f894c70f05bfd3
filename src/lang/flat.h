/* flat.h - what flat.c and cell.c share: an expression laid flat, for one row.
 *
 * Steps of sixteen bytes side by side, each of which makes one cell of those before it, so that a
 * request walks through a few lines of memory and not through a tree. */
#ifndef LANG_FLAT_H
#define LANG_FLAT_H

#include "lang/run.h"

typedef enum What {
    CELL_NAME,      /* of the column that is called so; c: the name's number */
    CELL_AGGREGATE, /* of the aggregate's column */
    CELL_LITERAL,
    CELL_MISSING,
    CELL_AND,
    CELL_OR,
    CELL_NULL_TEST,
    CELL_UNLESS, /* a, but missing where b is true */
    CELL_EITHER, /* a, or where it is missing b */
    CELL_CHOICE, /* b where a is true, else c */
    /* From here on missing where a is, or b. Of one cell both are that one. */
    CELL_REAL,  /* a, a whole number, divided by the literal */
    CELL_TIMES, /* a times the literal */
    CELL_NEGATE_REAL,
    CELL_NEGATE,
    CELL_NOT,
    CELL_FUNCTION, /* function_real of the node */
    CELL_SIGN_REAL,
    CELL_SIGN,
    CELL_ABS,
    CELL_QUOTIENT, /* a divided by the literal; `detail`: how */
    CELL_ADD_REAL,
    CELL_SUBTRACT_REAL,
    CELL_MULTIPLY_REAL,
    CELL_DIVIDE_REAL,
    CELL_ADD,
    CELL_SUBTRACT,
    CELL_MULTIPLY,
    CELL_COMPARE_REAL, /* `detail`: compare_answers */
    CELL_COMPARE,
    CELL_COMPARE_TRUTH,
    CELL_COMPARE_TEXT,
    CELL_COMPARE_SCALED, /* a times 10^c with b times 10^scale */
    CELL_LEAST_REAL,
    CELL_LEAST,
    CELL_GREATEST_REAL,
    CELL_GREATEST,
    CELL_COMPUTED = CELL_REAL
} What;

typedef struct FlatStep {
    uint8_t what;    /* What */
    uint8_t detail;  /* of NAME, AGGREGATE, LITERAL the Type */
    uint8_t a, b, c; /* earlier steps */
    uint8_t scale;
    uint16_t size; /* of a name */
    union {
        int64_t integer;
        bool truth;
        double real;
        const Str *text;
        const char *name;
        const Node *node;
    };
} FlatStep;

enum { STEPS_MOST = 200 };

struct Flat {
    uint8_t count, root; /* the step that makes the expression's cell */
    atomic_uint *place;  /* find_column's of each name */
    FlatStep step[];
};

struct ExprSet {
    const Flat *flat; /* of them all; its root is nobody's */
    const Expr *const *of;
    uint8_t *root; /* [count] */
    size_t count;
};

#endif
