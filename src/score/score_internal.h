/* score_internal.h - what the files of this room share. */
#ifndef SCORE_INTERNAL_H
#define SCORE_INTERNAL_H

#include "score/score.h"

#include <yyjson.h>

#define BUNDLE_FORMAT 2

/* One thing about every customer of a group: numbers, or texts. */
typedef struct Sample {
    size_t count;
    const double *number; /* [count] NaN when missing; NULL when texts */
    const Str *text;      /* [count] empty when missing */
} Sample;

/* The values of item i of a reference for the customers in row. */
MUST_USE Status reference_sample(Sample *out, Arena *keep, Arena scratch, const Plan *plan,
                                 const Policy *policy, const Distribution *d, size_t i,
                                 const Table *features, const uint32_t *row, size_t count,
                                 const double *probability, Error *err);
/* Count them in the bins of d.  Memory: keep. */
uint64_t *reference_count(Arena *keep, const Distribution *d, Sample s);

/* As score_read_facts and score_read_earlier; from bytes when they are given, and then `path` is
 * for messages. */
MUST_USE Status case_facts_read(CaseFacts **out, Arena *keep, Arena scratch, const char *path,
                                const Str *bytes, uint64_t unpacked_max, const Policy *policy,
                                Dataset *data, Error *err);
MUST_USE Status case_earlier_read(Earlier **out, Arena *keep, Arena scratch, const char *path,
                                  const Str *bytes, Dataset *data, Error *err);

/* The reference distributions as a part of bundle.json. Reading answers NULL when they are not as
 * they were written. */
yyjson_mut_val *reference_write(yyjson_mut_doc *doc, const Reference *r);
Reference *reference_read(Arena *keep, yyjson_val *v, const Plan *plan);

/* Comparable customers as a part of bundle.json. Reading answers NULL when they are not as they
 * were written. */
yyjson_mut_val *peers_write(yyjson_mut_doc *doc, const PeerSets *p, const Plan *plan);
PeerSets *peers_read(Arena *keep, yyjson_val *v, const Policy *policy, const Plan *plan);

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

/* The tables of population features, in the plan's order. Reading sets them in the plan; false when
 * they are not as they were written. */
yyjson_mut_val *population_part(yyjson_mut_doc *doc, const Plan *plan);
bool population_part_read(Plan *plan, Arena *keep, yyjson_val *list);

/* Margin, probability, interval and bias of each row of x, and in phi, [rows][columns + 1], where
 * it is not NULL, contributions on the calibrated log-odds, asserted to add up to them. */
typedef struct Answer {
    double margin, probability, low, high, bias;
} Answer;
void bundle_answer(Answer *out, double *phi, Arena scratch, const Bundle *b, const Matrix *x);
/* The same without contributions and bias, which take most of the time. */
void bundle_score(Answer *out, Arena scratch, const Bundle *b, const Matrix *x);
/* Contributions alone. */
void bundle_contributions(double *phi, Arena scratch, const Bundle *b, const Matrix *x);

#endif
