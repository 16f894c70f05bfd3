/* score.h - the bundle, and from a Dataset to Decisions with it.
 *
 * A bundle is a folder: model.json (XGBoost's JSON or our linear one), the three books, and
 * bundle.json with everything else that scoring needs (levels, tables of population features,
 * calibration, interval, reference distributions, golden rows, where it came from); SHA256SUMS
 * covers every file. Opening one checks the sums, reads every part and re-computes the golden rows
 * and golden customers: a bundle that is cut off, altered or computes anything else than when it
 * was made is refused. It holds no customer: golden rows are made from quantiles, golden customers
 * from the schema. Only where the features book has risky_partners it holds fingerprints of the
 * known positives' ids, which are personal data still.
 */
#ifndef SCORE_SCORE_H
#define SCORE_SCORE_H

#include "policy/policy.h"

typedef struct Bundle {
    Schema *schema;
    Plan *plan; /* with frozen levels */
    Policy *policy;
    Model *model;
    Platt platt;
    VennAbers *venn_abers;
    uint8_t *skip; /* [features] left out of the model */
    MatrixPlan *columns;
    /* Reference distribution of each matrix column at training: deciles and share missing. */
    float (*decile)[11];
    double *missing;
    /* Where it came from. */
    Str version; /* of the program */
    int64_t as_of_us;
    uint64_t seed;
    size_t customers, positives; /* trained on */
    Str data_hash;               /* SHA-256 over the training matrix and labels */
    Str metrics;                 /* JSON object, shown by reports; not used for scoring */
    char id[SHA256_TEXT];        /* over SHA256SUMS; set when written or opened */
} Bundle;

/* Fill the reference distributions from the training matrix.  Memory: keep. */
void bundle_reference(Bundle *b, Arena *keep, Arena scratch, const Matrix *x);

/* Write the folder (made if need be) and set b->id.  Cost: O(size). */
MUST_USE Status bundle_write(Bundle *b, const char *folder, Error *err);

/* Open and check.  FORMAT names the file and what is wrong with it.  Memory: keep. */
MUST_USE Status bundle_open(Bundle **out, Arena *keep, const char *folder, Error *err);

/* What was computed for some customers of a dataset, row by row. */
typedef struct Scored {
    size_t count;
    const uint32_t *row;                       /* [count] customers of the dataset */
    Events *events;                            /* of all customers of the dataset */
    Table *features;                           /* [customers] */
    Matrix *x;                                 /* [count] */
    double *margin, *probability, *low, *high; /* [count] */
    double *contribution; /* [count][columns + 1] calibrated log-odds, bias last */
    Decision *decision;   /* [count] */
} Scored;

/* Events, features, scores, contributions and decisions for the customers in row. Findings
 * about values that the model never saw are added to the dataset's.  Memory: keep. */
MUST_USE Status score_dataset(Scored **out, Arena *keep, Arena scratch, const Bundle *b,
                              Dataset *data, const uint32_t *row, size_t count, Team *team,
                              Error *err);

/* Does every file to be scored have the columns that the model and the policy read? DATA names the
 * file, the column and a feature that needs it: a column that is not there must not pass for
 * customers who did nothing. */
MUST_USE Status score_check_columns(const Plan *plan, const uint8_t *skip, const Dataset *data,
                                    Error *err);

/* Events of every customer as known at as_of_us[customer]. */
MUST_USE Status score_events(Events **out, Arena *keep, Arena scratch, const Plan *plan,
                             const Dataset *data, const int64_t *as_of_us, Error *err);

/* The silence test: the same customers scored with every history cut at a common age. What a
 * model learnt from silence would move. */
typedef struct Silence {
    int64_t age_us;
    size_t customers;               /* old enough to be cut */
    double mean_change, max_change; /* of the probability, absolute */
    double rank_correlation;        /* Spearman's, before against after */
    double limit;             /* on mean_change: a tenth of the mean probability, 0.02 at most */
    double correlation_least; /* on rank_correlation */
    bool tested;              /* false: too few customers to say anything */
    bool passed;              /* true when not tested: nothing was found */
} Silence;
MUST_USE Status score_silence(Silence *out, Arena scratch, const Bundle *b, const Dataset *data,
                              const uint32_t *row, size_t count, int64_t age_us, Team *team,
                              Error *err);

#endif
