/* run.h - what evaluate.c, compare.c and function.c share: one block of rows being computed. */
#ifndef LANG_RUN_H
#define LANG_RUN_H

#include "lang/tree.h"

#define BLOCK 2048

typedef struct Run {
    const Expr *e;
    const Table *rows;
    const Column *aggregate;
    size_t from, count; /* the block */
    size_t words;       /* of its validity; a column of it has room for words * 64 rows */
    Dictionary *merged; /* of strings put together here */
    Error *err;
} Run;

Column block_new(const Run *r, Arena *scratch, Type type, int scale);
void block_all_valid(const Run *r, Column *c);
void block_all_missing(const Run *r, Column *c);
void block_both_valid(const Run *r, Column *out, const Column *a, const Column *b);

/* Compute a node over the block. */
MUST_USE Status run_evaluate(const Run *r, const Node *n, Column *out, Arena scratch);
/* The same as `type` with `scale`; *out is a block of *scratch, or of a column: only to
 * be read. */
MUST_USE Status run_operand(const Run *r, const Node *child, Type type, int scale, Column *out,
                            Arena *scratch);
MUST_USE Status run_compare(const Run *r, NodeKind kind, const Node *left, const Node *right,
                            Column *out, Arena scratch);
/* The block of a column of this very type, where it stands: only to be read. False when the node is
 * no such column, or doubles of it are missing as NaN. */
bool run_view(const Run *r, const Node *n, Column *out);
/* The column that a NAME stands for; NULL when the rows lack it. */
const Column *run_find(const Run *r, const Node *n);
/* and, or; in and between; not; is null: in compare.c. */
MUST_USE Status run_logic(const Run *r, const Node *n, Column *out, Arena scratch);
MUST_USE Status run_members(const Run *r, const Node *n, Column *out, Arena scratch);
MUST_USE Status run_negation(const Run *r, const Node *n, Column *out, Arena scratch);
MUST_USE Status run_null_test(const Run *r, const Node *n, Column *out, Arena scratch);
bool node_is_literal(const Node *n);
/* Bit 0: what the comparison says of less, bit 1: of equal, bit 2: of greater. */
unsigned compare_answers(NodeKind kind);
/* Functions, like and case; in function.c. */
MUST_USE Status run_function(const Run *r, const Node *n, Column *out, Arena scratch);
/* One cell; strings go into the merged dictionary. */
void run_move(const Run *r, Column *to, const Column *from, size_t i);
/* NaN becomes missing, infinity an error. */
MUST_USE Status run_check_finite(const Run *r, const Node *n, Column *out, Arena scratch);
Status run_too_large(const Run *r, const Node *n, size_t row, Arena scratch);

/* Of one number: what functions make of a double; whole below, above or nearest. In function.c. */
double function_real(const Node *n, double x);
int64_t function_quotient(NodeKind kind, int64_t x, int64_t unit);

/* One node of e over every row into the fresh column *out. */
MUST_USE Status node_evaluate(Column *out, Arena *keep, Arena scratch, const Expr *e, const Node *n,
                              const Table *rows, const Column *aggregate, Error *err);

static inline bool type_is_string(Type type)
{
    return type == TYPE_CATEGORY || type == TYPE_TEXT;
}

#endif
