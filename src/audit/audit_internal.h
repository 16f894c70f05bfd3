/* audit_internal.h - what the files of audit/ share with each other and with their tests. */
#ifndef AUDIT_INTERNAL_H
#define AUDIT_INTERNAL_H

#include "audit/audit.h"

/* Streams of random numbers that never meet: seed_derive(seed, one of these). The learn room has
 * those up to 5. */
enum { STREAM_SHUFFLE = 6, STREAM_PROBE };

/* AUC over pairs of one fold, all folds together: unlike the pooled AUC it is exactly .5 on
 * average when labels are shuffled and folds stratified (docs/learning.md). */
double within_fold_auc(const double *margin, const uint8_t *label, const uint32_t *fold_of,
                       size_t rows, size_t folds, Arena scratch);

/* The negative control of one candidate's procedure. Rows with equal unit[] (the first row of the
 * unit) keep one label when labels are shuffled; NULL: every row is a unit. Folds know nothing of
 * units: that is how a test can plant the leak that rows of one customer make. */
void audit_control(Control *out, Arena *keep, Arena scratch, const TrainingSet *set,
                   const Candidate *candidate, const uint32_t *unit, const LearnOptions *options,
                   Team *team, const Progress *progress);

#endif
