/* run.h - what evaluate.c and function.c share: one block of rows being computed. */
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
/* Functions, like and case; in function.c. */
MUST_USE Status run_function(const Run *r, const Node *n, Column *out, Arena scratch);
/* One cell; strings go into the merged dictionary. */
void run_move(const Run *r, Column *to, const Column *from, size_t i);
/* NaN becomes missing, infinity an error. */
MUST_USE Status run_check_finite(const Run *r, const Node *n, Column *out, Arena scratch);
Status run_too_large(const Run *r, const Node *n, size_t row, Arena scratch);

#endif
