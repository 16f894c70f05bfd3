/* score.h - the bundle, and from a Dataset to Decisions with it.
 *
 * A bundle is a folder: model.json (XGBoost's JSON or our linear one), the four books, and
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

#include "metric/metric.h"
#include "policy/policy.h"

/* ---- reference distributions: what the customers that a model learnt from looked like ---- */

typedef enum DistributionOf {
    OF_FEATURE,
    OF_SCORE,   /* the model's probabilities for the customers it learnt from */
    OF_SEGMENT, /* of the same probabilities */
    OF_STRATUM  /* inside, and outside as "others" */
} DistributionOf;

/* Customers counted in bins: numbers by cuts at their deciles (the score at the policy's thresholds
 * and half-way between them), categories by value. */
typedef struct Distribution {
    DistributionOf of;
    Str name;
    bool by_value;
    double *cut; /* [bins - 2] bin b holds (cut[b - 1], cut[b]] */
    Str *value;  /* [bins - 2] of at least 5 customers each; then all other values */
    size_t bins; /* the last one counts the missing */
    uint64_t *count;
} Distribution;

/* The columns of a file of training, in its order: those that the files to be scored had, too. */
typedef struct Layout {
    Str source; /* as in Header */
    Str *column;
    size_t columns;
} Layout;

typedef struct Reference {
    size_t customers;
    Distribution *item; /* the features in the plan's order, the score, segments, strata */
    size_t count;
    Layout *layout[2]; /* of the files of customers, of transactions; each once; none: unknown */
    size_t layouts[2];
} Reference;

typedef struct Bundle {
    Schema *schema;
    Plan *plan; /* with frozen levels */
    Policy *policy;
    Messages *messages; /* NULL in bundles that came without: English only */
    Model *model;
    Calibration calibration;
    VennAbers *venn_abers;
    uint8_t *skip; /* [features] left out of the model */
    MatrixPlan *columns;
    /* Reference distribution of each matrix column at training: deciles and share missing. */
    float (*decile)[11];
    double *missing;
    Reference *reference; /* of every feature and the score; NULL in bundles that came without */
    PeerSets *peers;      /* the same customers as company for others; NULL likewise */
    /* Where it came from. */
    Str version;  /* of the program */
    Str imported; /* SHA-256 of the model file when it was trained elsewhere; else empty */
    int64_t as_of_us;
    uint64_t seed;
    size_t customers, positives; /* trained on; when imported, calibrated on (0: not at all) */
    Str data_hash;               /* SHA-256 over the training matrix and labels */
    Str metrics;                 /* JSON object, shown by reports; not used for scoring */
    char id[SHA256_TEXT];        /* over SHA256SUMS; set when written or opened */
} Bundle;

/* Fill the reference distributions from the training matrix.  Memory: keep. */
void bundle_reference(Bundle *b, Arena *keep, Arena scratch, const Matrix *x);

/* The name of a training set: SHA-256 over its columns, values and labels. */
void bundle_data_hash(char out[SHA256_TEXT], const Matrix *x, const uint8_t *label);

/* Count the customers in row: their features, and what the model says of them.
 * Memory: keep.  Cost: O(features * count log count). */
MUST_USE Status reference_make(Reference **out, Arena *keep, Arena scratch, const Plan *plan,
                               const Policy *policy, const Dataset *data, const Table *features,
                               const uint32_t *row, size_t count, const double *probability,
                               Error *err);

/* The bin of d that a customer's value falls into: text where d->by_value (empty: missing), number
 * else (NaN: missing). */
size_t distribution_bin(const Distribution *d, double number, Str text);

/* The files of a bundle, in the order SHA256SUMS lists them. Only the messages may be missing. */
typedef enum BundleFile {
    BUNDLE_MANIFEST,
    BUNDLE_FEATURES,
    BUNDLE_MESSAGES,
    BUNDLE_MODEL,
    BUNDLE_POLICY,
    BUNDLE_SCHEMA,
    BUNDLE_FILES
} BundleFile;
extern const char *const bundle_files[BUNDLE_FILES];

/* Write the folder (made if need be) and set b->id.  Cost: O(size). */
MUST_USE Status bundle_write(Bundle *b, const char *folder, Error *err);

/* Remove the files of a bundle, its sums first; what is not there is fine. */
MUST_USE Status bundle_remove(const char *folder, Error *err);

/* Open and check.  FORMAT names the file and what is wrong with it.  Memory: keep. */
MUST_USE Status bundle_open(Bundle **out, Arena *keep, const char *folder, Error *err);

/* What decides beside the files and the bundle; all by customer of the dataset. NULL stands for
 * nothing known. */
typedef struct ScoreOptions {
    const CaseFacts *facts;
    const Earlier *earlier;
    Language language; /* of sentences; nothing else depends on it */
    bool brief; /* decide without reasons, contributions and mitigating facts: most of the time */
} ScoreOptions;

/* What was computed for some customers of a dataset, row by row: numbers. Matrix rows,
 * contributions and whole decisions are made for a few at a time, when they are asked for. */
typedef struct Scored {
    size_t count;
    const uint32_t *row;                       /* [count] customers of the dataset */
    const Str *id;                             /* of all customers of the dataset */
    Events *events;                            /* likewise */
    Table *features;                           /* [customers] */
    double *margin, *probability, *low, *high; /* [count] */
    /* Of all of them, when they are few; NULL: made anew when asked for. */
    const Matrix *matrix;
    const double *contribution; /* NULL too where nobody asks for reasons */
    Outcome *outcome;           /* [count]; NULL before there are any */
    size_t *fired;              /* [rules] customers that each rule of the policy fired for */
    uint8_t *contradictory;     /* [count] the files hold both labels */
    ScoreOptions options;
} Scored;

/* Read a file of case facts (CSV: customer_id, fact, and since and evidence if there are any). Any
 * row that cannot be understood is an error with its line: FORMAT for a fact that the policy book
 * does not list (with the nearest name), a time that is none, evidence of more than 200 bytes or
 * with control characters. Rows of other customers, and facts that begin after as_of, are found and
 * not used; the same fact twice is one.  Memory: keep.  Cost: O(rows log customers). */
MUST_USE Status score_read_facts(CaseFacts **out, Arena *keep, Arena scratch, const char *path,
                                 uint64_t unpacked_max, const Policy *policy, Dataset *data,
                                 Error *err);

/* One fact as it is said: FORMAT when the policy book does not list it or the evidence cannot be;
 * its texts become the book's name and the evidence without space around.  Memory: keep, for
 * messages. */
MUST_USE Status score_check_fact(CaseFact *fact, Arena *keep, const Policy *policy, Error *err);
/* Add it to those of a customer (*list NULL at first); false when it repeats one, which is then the
 * documented one, or the earliest.  Memory: keep. */
bool score_add_fact(CaseFact **list, size_t *count, Arena *keep, const CaseFact *fact,
                    const Policy *policy);

/* Read what the run in `folder` decided of customers of the dataset from its decisions.csv. FORMAT
 * when it is not as a run leaves it, DATA when it knows of a later time than as_of.
 * Memory: keep.  Cost: O(rows log customers). */
MUST_USE Status score_read_earlier(Earlier **out, Arena *keep, Arena scratch, const char *folder,
                                   Dataset *data, Error *err);

/* Events, features, scores and outcomes for the customers in row. Findings about values that the
 * model never saw are added to the dataset's.  Memory: keep; the matrix is made in parts. */
MUST_USE Status score_dataset(Scored **out, Arena *keep, Arena scratch, const Bundle *b,
                              Dataset *data, const uint32_t *row, size_t count,
                              const ScoreOptions *options, Team *team, Error *err);

/* The same step by step, without the outcomes: for who makes the whole decision at once.
 * score_model needs what score_features filled. */
MUST_USE Status score_features(Scored **out, Arena *keep, Arena scratch, const Bundle *b,
                               Dataset *data, const uint32_t *row, size_t count,
                               const ScoreOptions *options, Team *team, Error *err);
MUST_USE Status score_model(Scored *s, Arena *keep, const Bundle *b, Team *team, Error *err);

/* Margin, probability and interval, each [x->rows], of each row of x. */
void score_rows(double *margin, double *probability, double *low, double *high, Arena scratch,
                const Bundle *b, const Matrix *x);

/* The model's inputs of the customers at the positions (NULL: the first count of all).
 * Memory: keep. */
MUST_USE Status score_matrix(Matrix **out, Arena *keep, const Bundle *b, const Scored *scored,
                             const uint32_t *position, size_t count, Error *err);

/* [count][columns + 1] on the calibrated log-odds, bias last, of each row of x.  Memory: keep. */
double *score_contributions(Arena *keep, const Bundle *b, const Matrix *x, Team *team);

/* Whole decisions, with reasons, for the customers at the positions.  Memory: keep, about 10 KB a
 * customer: ask for everybody in blocks.  Cost: as policy_decide, and model_explain. */
MUST_USE Status score_decide(Decision **out, Arena *keep, Arena scratch, const Bundle *b,
                             const Scored *scored, const uint32_t *position, size_t count,
                             Team *team, Error *err);

/* At most `most` positions, evenly spaced over all.  Memory: keep. */
uint32_t *score_sample(size_t *count, Arena *keep, const Scored *scored, size_t most);

/* Does every file to be scored have the columns that the model and the policy read? DATA names the
 * file, the column and a feature that needs it: a column that is not there must not pass for
 * customers who did nothing. */
MUST_USE Status score_check_columns(const Plan *plan, const uint8_t *skip, const Dataset *data,
                                    Error *err);

/* Events of every customer as known at as_of_us[customer]. */
MUST_USE Status score_events(Events **out, Arena *keep, Arena scratch, const Plan *plan,
                             const Dataset *data, const int64_t *as_of_us, Error *err);

/* ---- drift: what the customers scored now look like beside those ---- */

typedef enum DriftVerdict {
    DRIFT_STABLE, /* PSI below 0.1 */
    DRIFT_NOISE,  /* not below it, but within what chance alone gives samples of these sizes */
    DRIFT_WATCH,  /* up to 0.25 */
    DRIFT_ACT
} DriftVerdict;
Str drift_verdict_name(DriftVerdict v); /* "stable", "noise", "watch", "act" */
/* What an index means when chance alone stays below the limit. */
DriftVerdict drift_verdict(double psi, double limit);

typedef struct DriftItem {
    const Distribution *before;
    uint64_t *count; /* [before->bins] now */
    int use;         /* FeatureUse of a feature */
    Stability stability;
    double limit; /* of noise */
    DriftVerdict verdict;
    bool missing_changed; /* by 5 points or more, and more than by chance */
} DriftItem;

typedef struct Drift {
    size_t before, now; /* customers */
    DriftItem *item;    /* in the reference's order; none without a reference */
    size_t count;
} Drift;

/* Compare what was scored with the bundle's reference distributions, and the files' columns with
 * those of training. What is found is added to the dataset's findings in words.
 * Memory: keep.  Cost: O(features * count), and for small samples 999 partitions of each.
 * Source: Yurdakul 2018; limits 0.1 and 0.25 as in credit scoring. */
MUST_USE Status score_drift(Drift **out, Arena *keep, Arena scratch, const Bundle *b, Dataset *data,
                            const Scored *scored, Team *team, Error *err);

/* The silence test: the same customers scored with every history cut at a common age. What a
 * model learnt from silence would move. */
typedef struct Silence {
    int64_t age_us;
    size_t customers;               /* old enough to be cut */
    double mean_change, max_change; /* of the probability, absolute */
    double rank_correlation;        /* Spearman's, before against after */
    double limit;             /* on mean_change: a tenth of the mean probability, 0.02 at most */
    double correlation_least; /* on rank_correlation */
    double unequal; /* share of customers observed for less than nine tenths of what the others
                       were, up to half of age_us, the model's longest window */
    bool tested;    /* false: too few customers to say anything */
    /* When not tested: false where a longer window than 28 days asks for it and `unequal` is above
     * 0.1, for then the model can see how long customers were observed. */
    bool passed;
} Silence;
MUST_USE Status score_silence(Silence *out, Arena scratch, const Bundle *b, const Dataset *data,
                              const uint32_t *row, size_t count, int64_t age_us, Team *team,
                              Error *err);

#endif
