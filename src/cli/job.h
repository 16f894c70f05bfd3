/* job.h - the stages of the corridor, as the commands walk them.
 *
 * `run` is the whole of it; `train`, `evaluate` and `features` are parts of the same. Stages are
 * called in this order and each needs those above it:
 *
 *     job_begin      options, books, files, the features that may be learnt from
 *     job_features   events and features of every customer
 *     job_validate   leakage audit of columns, the training set, cross-validation, negative control
 *     job_strata     figures by slice, reweighted to those to be scored, the one to quote
 *     job_train      the final model, its bundle written and opened again
 *     job_score      decisions for the customers to be scored
 *     job_describe   distributions, missing values, outliers, correlations, time covered
 *     job_fairness   how groups on protected grounds fare
 *     job_thresholds what the policy's thresholds select, cost and prove (with or without scores)
 *     job_stability  who is on the list again when learning is done again

 *     job_importance what the chosen model lives on, and what each feature tells alone
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
    Timing timing[24];
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
    Messages *messages;
    Language language; /* of sentences */
    Dataset *data;
    const char *quarantine; /* where rows go that cannot be used */
    LearnOptions learn;
    int64_t stability;  /* runs of each kind that learn again; -1: by the number of customers */
    const char *resume; /* the file that an interrupted validation is kept in; NULL: none is */
    Events *events;
    Table *features;
    Table *slices; /* the same at as_of, whatever was cut: who falls in which stratum */
    Events *whole; /* events at as_of, likewise */
    uint8_t *skip;
    TrainingSet set;
    uint32_t *training_row;
    const uint32_t *group; /* of the labelled customers who are linked; NULL: nobody is */
    Fitting fitting;       /* the labelled customers: rows training_row, and their labels */
    Audit *audit;
    RawColumns raw; /* what the audit made of the files' columns */
    bool ablation;
    ScoreOptions beside; /* what decides beside the files and the bundle */
    Learned learned;
    Bundle *bundle;
    Run run;
} Job;

/* Tables of options that commands share. */
extern const Option job_labelled_files[]; /* customers and transactions; required */
extern const Option job_scored_files[];   /* score-customers and score-transactions */
extern const Option job_book_options[];
extern const Option job_language_option[];
extern const Option job_read_options[];
extern const Option job_learn_options[];
extern const Option job_stability_option[];
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
/* After job_validate: the slices side by side, and which is quoted. */
MUST_USE Status job_strata(Job *j, Error *err);

/* After job_validate or job_judge: what their probabilities are worth. */
void job_calibration(Job *j);

/* Around the validation: finished searches are kept in j->resume, and a signal to stop waits for
 * that. Removed when the command has done its work. */
void job_resume_begin(Job *j);
MUST_USE Status job_resume_end(Job *j, Status validated, Error *err);
MUST_USE Status job_resume_remove(const Job *j, Error *err);

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
void job_describe(Job *j); /* after job_score */
/* After job_validate, and job_score if customers are scored: groups on protected grounds. */
MUST_USE Status job_fairness(Job *j, Error *err);
MUST_USE Status job_thresholds(Job *j, Error *err);
MUST_USE Status job_stability(Job *j, Error *err);

MUST_USE Status
job_importance(Job *j, Error *err); /* after job_validate; after job_score, of those scored too */
MUST_USE Status job_silence(Job *j, Error *err);
MUST_USE Status job_verdict(const Job *j, Error *err);

/* As many folds as both classes can fill, at most those asked for. False when there are too few of
 * a class to learn from: then run.validation stays NULL and rules alone decide. */
bool job_settle_folds(Job *j);
/* Are there enough customers of either class to learn from? */
bool job_enough(const Job *j);
/* Groups of the labelled customers who are linked, by training row; NULL when nobody is. */
const uint32_t *job_groups(Job *j);

/* Where the schema book says when labels became known: as_of[customer] of the labelled is set to
 * what may be learnt from, and what that leaves out is found. */
void job_cut_histories(Job *j, int64_t *as_of);
/* Set j->slices and j->whole: a stratum is of customers as they are, not of histories as they were
 * cut. */
MUST_USE Status job_slices(Job *j, Error *err);
/* First and last instant at which each training row's customer is known; NO_HISTORY without an
 * event before the end. until: nothing later is looked at. */
void job_histories(const Job *j, Arena scratch, int64_t *first_us, int64_t *end_us,
                   int64_t until_us);
/* Trained on what was known at an instant, judged by whose outcome came later. After job_validate;
 * nothing without outcome dates. */
MUST_USE Status job_forward(Job *j, Error *err);

/* The run as the report and the store want it. */
const Run *job_record(Job *j);

/* A stage begins (NULL: the last one ends): it is said, and timed. */
void job_stage(Job *j, const char *name, const char *says);

#endif
