/* score_internal.h - what the files of this room share. */
#ifndef SCORE_INTERNAL_H
#define SCORE_INTERNAL_H

#include "score/score.h"

#define BUNDLE_FORMAT 2

/* The files of a bundle, in the order SHA256SUMS lists them. */
extern const char *const bundle_files[5];

/* Golden rows: inputs made from the reference distributions, with what the model answers. */
enum { GOLDEN_ROWS = 16 };
Matrix *golden_inputs(Arena *keep, const Bundle *b);

/* Golden customers: made up from the schema and the frozen levels alone, sent down the corridor of
 * a run. Every feature of the plan as text (empty: missing), and the model's answer. */
enum { GOLDEN_CUSTOMERS = 4 };
typedef struct GoldenCustomers {
    size_t features;
    Str (*value)[GOLDEN_CUSTOMERS]; /* [features] in the plan's order */
    double probability[GOLDEN_CUSTOMERS];
    char hash[SHA256_TEXT]; /* over all names and values */
} GoldenCustomers;
#define GOLDEN_AS_OF_US (19904 * DAY_US + 12 * HOUR_US)       /* 2024-06-30 12:00 UTC */
void golden_files(Str text[2], Arena *keep, const Bundle *b); /* customers, transactions */
MUST_USE Status golden_customers(GoldenCustomers *out, Arena *keep, const Bundle *b, Error *err);

/* Margin, probability, interval and bias of each row of x; with phi, [rows][columns + 1], also its
 * contributions on the calibrated log-odds, asserted to add up to them. */
typedef struct Answer {
    double margin, probability, low, high, bias;
} Answer;
void bundle_answer(Answer *out, double *phi, Arena scratch, const Bundle *b, const Matrix *x);

#endif
