/* job.h - the stages of the corridor, as the commands walk them.
 *
 * `run` is the whole of it; `train`, `evaluate` and `features` are parts of the same. Stages are
 * called in this order and each needs those above it:
 *
 *     job_begin      options, books, files, the features that may be learnt from
 *     job_features   events and features of every customer
 *     job_validate   leakage audit of columns, the training set, cross-validation, negative control
 *     job_train      the final model, its bundle written and opened again
 *     job_score      decisions for the customers to be scored
 *     job_silence    the silence test
 *     job_verdict    GATE when the negative control or the silence test said no
 *
 * Memory: everything lives in the command's arena.
 */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include "cli/cli.h"

#include "store/store.h"

/* The stages of a run and when each began, for timings.json. */
typedef struct Clock {
    Timing timing[16];
    size_t count;
    int64_t started_us;
} Clock;

typedef struct Job {
    const Args *args;
    Arena *keep;
    Arena scratch;
    Clock clock;
    Schema *schema;
    Plan *plan;
    Policy *policy;
    Dataset *data;
    const char *quarantine; /* where rows go that cannot be used */
    LearnOptions learn;
    Events *events;
    Table *features;
    uint8_t *skip;
    TrainingSet set;
    uint32_t *training_row;
    Fitting fitting; /* the labelled customers: rows training_row, and their labels */
    Audit *audit;
    RawColumns raw; /* what the audit made of the files' columns */
    bool ablation;
    Learned learned;
    Bundle *bundle;
    Run run;
} Job;

/* Tables of options that commands share. */
extern const Option job_labelled_files[]; /* customers and transactions; required */
extern const Option job_scored_files[];   /* score-customers and score-transactions */
extern const Option job_book_options[];
extern const Option job_read_options[];
extern const Option job_learn_options[];
extern const Option job_quarantine_option[]; /* of commands without a run folder */

Job *job_new(const Args *args);
/* `folder` is where a run's files go: made, and the marks of an older run removed, once options
 * and books are good. NULL: none. */
MUST_USE Status job_begin(Job *j, const char *folder, Error *err);
/* A bundle brings its own books: USAGE for --schema, --features or --policy beside --bundle. */
MUST_USE Status job_refuse_books(const Args *args, Error *err);
/* The same with the books and the model of a bundle, which is then in j->bundle. */
MUST_USE Status job_begin_bundle(Job *j, const char *bundle, const char *folder, Error *err);
/* The same for customers whose labels, if any, do not matter; with the books of a bundle, or (NULL)
 * those of the options and without a policy. */
MUST_USE Status job_begin_unlabelled(Job *j, const char *bundle, Error *err);
MUST_USE Status job_features(Job *j, Error *err);
MUST_USE Status job_validate(Job *j, Error *err);
/* Parts of job_validate, in this order; cohorts come after the training set, the procedure after
 * the validation. What the audit flags is left out of the model: skip[feature] is set. */
MUST_USE Status job_audit_columns(Job *j, Error *err);
MUST_USE Status job_audit_cohorts(Job *j, Error *err);
MUST_USE Status job_audit_procedure(Job *j, Error *err);
/* Set what the set needs to make population columns again for rows row[0 .. ] of the table. */
MUST_USE Status job_refit(TrainingSet *set, Job *j, const uint32_t *row, Error *err);
MUST_USE Status job_train(Job *j, const char *folder, Error *err);
MUST_USE Status job_write_bundle(Job *j, const char *folder, Error *err); /* part of job_train */
MUST_USE Status job_score(Job *j, Error *err);
/* After job_begin_bundle alone: the bundle's figures on the labelled customers. */
MUST_USE Status job_judge(Job *j, Error *err);
MUST_USE Status job_silence(Job *j, Error *err);
MUST_USE Status job_verdict(const Job *j, Error *err);

/* The run as the report and the store want it. */
const Run *job_record(Job *j);

/* A stage begins (NULL: the last one ends): it is said, and timed. */
void job_stage(Job *j, const char *name, const char *says);

#endif
