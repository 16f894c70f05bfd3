/* store.h - the run folder: what a run found, written once, whole.
 *
 * report.html is the report room's; everything else is written here: the decisions, lists and
 * evidence, what every figure can be recomputed from (features.csv, validation.csv, trials.csv
 * ...), the tables behind the report, metrics.json, quality.json, quarantine.csv, run.json
 * (versions, hashes, books, options) and timings.json (the only file that differs between two equal
 * runs). docs/run-folder.md has every file and column.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "audit/audit.h"
#include "describe/describe.h"
#include "explain/explain.h"
#include "fairness/fairness.h"
#include "inspect/inspect.h"
#include "judge/judge.h"
#include "profile/profile.h"
#include "score/score.h"

typedef struct Timing {
    const char *stage;
    double seconds;
} Timing;

/* The chosen procedure trained on what was known at an instant and judged on customers whose
 * outcome came later, or not at all. Nobody who is judged, and nobody linked to them, is learnt
 * from. */
enum { FORWARD_CUTS = 3 };
typedef struct ForwardCut {
    int64_t at_us;
    size_t known;         /* positives then, to learn from */
    size_t judged, later; /* customers not positive then; of these, positive since */
    Interval auc;
} ForwardCut;
typedef struct Forward {
    size_t cuts;
    ForwardCut cut[FORWARD_CUTS];
    Interval auc;             /* of all cuts, each customer drawn with all its judgements */
    Interval cross_validated; /* the same customers out of fold, whatever the time */
    bool worse;               /* cross-validation promises more than the interval of auc holds */
} Forward;

/* All that a run holds when it is done. A run that only scores has no training set, validation
 * or audit, one that only evaluates has no scored; these pointers, and silence, may be NULL, and
 * what they would say is left out. */
typedef struct Run {
    Str version; /* of the program */
    Str command; /* the command line, as typed */
    uint64_t seed;
    Language language; /* of sentences in decisions and lists */
    const Dataset *data;
    const Plan *plan;
    const Policy *policy;
    const Bundle *bundle; /* NULL when nothing was trained or opened */
    const Events *events; /* of every customer of data */
    const TrainingSet *training;
    const uint32_t *training_row; /* [training->x->rows] customers of the dataset */
    const Validation *validation;
    const Audit *audit;
    const ThresholdReview *thresholds; /* NULL when nothing was learnt */
    const ListStability *stability;    /* NULL when learning was not done again */

    const Importance *importance; /* NULL when nothing was learnt, as is the next */
    const Screening *screening;
    const Silence *silence;
    const Links *links;     /* of the labelled customers; NULL when nobody was learnt from */
    const Forward *forward; /* NULL without outcome dates, or with too few */
    const Drift *drift; /* against the bundle's reference; NULL when it was trained in this run */
    const CalibrationCheck *calibration; /* [strata] of the validation, or of the judged bundle */
    const MetricSet
        *judged;          /* [strata] of the bundle on labelled customers it did not learn from */
    const Scored *scored; /* customers to be scored, contradictory ones included */
    const uint32_t *candidate; /* [candidates] positions in scored, best supported first */
    size_t candidates;
    /* Whole decisions of the first candidates, LIST_MAX at most; everybody's are made a block at a
     * time while they are written. */
    const Decision *listed; /* [listeds] */
    size_t listeds;
    /* Those not proposed though nearly all of it holds, closest first, at most LIST_MAX. */
    const uint32_t *near_miss; /* [near_misses] positions in scored */
    const Decision *near;      /* [near_misses] */
    size_t near_misses;
    /* What would have changed the first of both lists, CHANGES_MAX of each at most. */
    const Change *change;    /* [changes] */
    const uint32_t *changed; /* [changes] positions in scored, ascending */
    size_t changes;
    const uint32_t *contradictory; /* [contradictories] positions in scored */
    size_t contradictories;
    const Decision *torn; /* theirs, whole, LIST_MAX at most */
    /* How far each feature moves the calibrated log-odds, the mean of its absolute contribution
     * over moved customers: those scored, or an even sample of them; negative: not in the model. */
    const double *moves; /* [features] */
    size_t moved;
    const Strata *strata;              /* slices side by side, and which is quoted */
    const Fairness *fairness;          /* how groups on protected grounds fare */
    size_t headline;                   /* the stratum that the customers to be scored resemble */
    double *stratum_share_scored;      /* [strata] share of the customers to be scored in each */
    const Description *description;    /* of the files; NULL when nobody asked for it */
    const char *case_facts, *previous; /* what else was read: a file, a run folder; or NULL */
    Timing *timing;
    size_t timings;
    Team *team; /* shares out what is computed while it is written; NULL: one thread */
} Run;

/* Set run's candidates, near misses, whole decisions and moves from scored and bundle.
 * Memory: keep. */
enum { LIST_MAX = 1000 };
MUST_USE Status store_lists(Run *run, Arena *keep, Error *err);

/* After store_lists: set run's changes.  Memory: keep.  Cost: see explain_changes. */
enum { CHANGES_MAX = 100 };
MUST_USE Status store_changes(Run *run, Arena *keep, Error *err);
/* Of the customer at a position in scored; NULL where none was looked for. */
const Change *store_change(const Run *run, size_t at);

/* Make the folder and remove every file from it that a run writes, and a bundle's sums, without
 * which it is none: whatever happens, old and new are never mixed, and a folder with run.json in
 * it is whole. What others keep there stays. */
MUST_USE Status store_begin(const char *folder, Error *err);

/* Write every file but the report and the bundle into folder.  Cost: O(customers * columns). */
MUST_USE Status store_run(const Run *run, const char *folder, Error *err);

/* Write what an evaluation found: quality.json, metrics.json, validation.csv and what the model
 * lives on (evaluation.csv when a bundle was judged), quarantine.csv, timings.json, and run.json
 * last. */
MUST_USE Status store_evaluation(const Run *run, const char *folder, Error *err);

/* Every figure of an evaluation as CSV: model, chosen, stratum, customers, positives, metric,
 * value, low, high.  Memory: keep. */
Str store_figures(Arena *keep, const Run *run);

/* Every feature of every customer as CSV, a line at a time; cohorts NULL leaves that column out. */
MUST_USE Status store_feature_table(const Table *features, const Str *id, const uint8_t *cohort,
                                    const char *path, Error *err);

/* What the report shows from the same figures as the files. */

/* Every position in scored, as the lists show them: candidates in their order, then by action
 * from the gravest down, probability, exposure and id.  Memory: keep. */
uint32_t *store_order(Arena *keep, const Run *run);

/* The chosen candidate's probability of each training row, out of fold, averaged over repeats.
 * NULL without a validation.  Memory: keep. */
double *store_out_of_fold(Arena *keep, const Run *run);

/* Does the customer's score (a position in scored) lie in a set that is certified? */
bool store_certified(const Run *run, size_t scored);

/* One bin of a reliability table: customers of neighbouring probability. */
typedef struct Reliability {
    size_t customers, positives;
    double low, high, mean;               /* of the probability */
    Interval share;                       /* of positives, Wilson: each by itself */
    double supported_low, supported_high; /* means of the customers' Venn-Abers intervals */
} Reliability;

/* Bins of equal count over the out-of-fold probabilities of one stratum, at most 10 and at
 * least 15 customers in each; equal probabilities stay together.  Memory: keep. */
size_t store_reliability(Reliability **out, Arena *keep, Arena scratch, const Run *run,
                         size_t stratum);

/* ---- a decision made again from the run folder alone ---- */

typedef struct Replayed {
    const Bundle *bundle;
    Dataset *data;        /* of the one customer */
    const Scored *scored; /* likewise */
    const Decision *decision;
    Str id;   /* the decision's */
    Str line; /* as recorded */
    size_t rank;
    /* The decision itself as recorded and as made again, JSON: without what only the run knows
     * (rank, version, certified, stability, history, previous, chain). Equal bytes, or not. */
    Str recorded, made;
} Replayed;

/* Make one decision again. id: a decision's, or its beginning where only one has it, or a
 * customer's. DATA names up to three near ones where there is none; FORMAT: the folder is not what
 * a run wrote.  Memory: keep.  Cost: opening the bundle, and a look through decisions.jsonl. */
MUST_USE Status store_replay(Replayed *out, Arena *keep, Arena scratch, const char *folder, Str id,
                             Error *err);

/* The same for many, with the bundle opened once. Replaying shares nothing that it changes: tasks
 * of a team may do it at the same time. */
typedef struct DecisionLog DecisionLog;
MUST_USE Status decision_log_open(DecisionLog **out, Arena *keep, const char *folder, Error *err);
/* The next line, until the next one is asked for; false at the end, and after a failure. */
bool decision_log_next(DecisionLog *log, FileLine *out);
MUST_USE Status decision_log_replay(Replayed *out, Arena *keep, Arena scratch,
                                    const DecisionLog *log, FileLine line, Error *err);
MUST_USE Status decision_log_close(DecisionLog *log, Error *err);

/* Is a run folder as it was written? Every file's sum, every line of the log by its chain, its
 * decision_id and the customer's rows behind it, the bundle opened. FORMAT names the file, and the
 * line, of the first thing that is not. head: as noted elsewhere when the run was made; empty: not.
 * Memory: keep.  Cost: O(bytes). */
typedef struct Verified {
    size_t decisions, files;
    Str head;
    const Bundle *bundle;
} Verified;
MUST_USE Status store_verify(Verified *out, Arena *keep, const char *folder, Str head, Error *err);
/* The log alone: chain.json, every line, and the rows behind it; neither sums nor bundle. */
MUST_USE Status store_verify_log(size_t *decisions, Arena *keep, const char *folder, Error *err);

/* The first place where two decisions differ, with both values; false when nowhere.
 * Memory: keep. */
typedef struct Difference {
    Str where; /* reasons[2].sentence */
    Str recorded, made;
} Difference;
bool store_difference(Difference *out, Arena *keep, Str recorded, Str made);

/* Files looked at, as a JSON document.  Memory: keep. */
Str store_survey(Arena *keep, const Survey *survey);

/* ---- two runs side by side ---- */

/* What the bundle's model said of the labelled customers out of fold, read from the validation.csv
 * of its run folder. */
typedef struct OutOfFoldFile {
    size_t customers, repeats, strata; /* strata: those of the bundle's plan */
    Str *id;
    uint8_t *label;
    double **p;           /* [repeats][customers] */
    uint8_t **in_stratum; /* [strata][customers] */
    uint32_t *group;      /* [customers] who are linked share a number, below customers; NULL: the
                             folder has no folds.csv */
} OutOfFoldFile;

/* FORMAT when the file is not what a run of this bundle writes: a customer twice, a label or a
 * stratum other than 0 and 1, a probability that is none.  Memory: keep.  Cost: O(cells). */
MUST_USE Status store_read_validation(OutOfFoldFile *out, Arena *keep, Arena scratch,
                                      const char *folder, const Bundle *bundle, Error *err);

/* moves.csv, comparison.json and, with the text given, comparison.md. */
MUST_USE Status store_comparison(const SideBySide *c, Str page, const char *folder, Error *err);

/* The labelled customers' Venn-Abers intervals, out of fold: how wide; in how many groups of the
 * reliability table the share of positives lies between the group's mean ends; and in how many the
 * share's own 95 % interval meets what lies between them, for a share of few customers strays. */
typedef struct Support {
    double mean, median; /* width */
    size_t groups, inside, met;
} Support;
void store_support(Support *out, Arena scratch, const Run *run, size_t stratum);

/* Whether the labelled sample's share of positives is its maker's doing, or unknown: then no
 * probability is a population's. */
bool store_prior_by_design(const Run *run);

#endif
