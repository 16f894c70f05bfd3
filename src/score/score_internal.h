/* score_internal.h - what the files of this room share. */
#ifndef SCORE_INTERNAL_H
#define SCORE_INTERNAL_H

#include "score/score.h"

#define BUNDLE_FORMAT    1
#define BUNDLE_BYTES_MAX ((size_t)1 << 30)

/* The files of a bundle, in the order SHA256SUMS lists them. */
extern const char *const bundle_files[5];

/* Golden rows: inputs made from the reference distributions, with what the model answers. */
enum { GOLDEN_ROWS = 16 };
Matrix *golden_inputs(Arena *keep, const Bundle *b);

/* Margin, probability and first contribution of each row of x. */
typedef struct Answer {
    double margin, probability, low, high, bias;
} Answer;
void bundle_answer(Answer *out, Arena scratch, const Bundle *b, const Matrix *x);

/* Contributions on the calibrated log-odds, [rows][columns + 1]. */
void bundle_contributions(double *out, Arena scratch, const Bundle *b, const Matrix *x);

#endif
