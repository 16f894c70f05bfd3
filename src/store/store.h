/* store.h - the run folder: what a run found, written once, whole.
 *
 * report.html is the report room's; everything else is written here: decisions.csv,
 * offboarding.csv, decisions.jsonl (full evidence), features.csv, quality.json,
 * quarantine.csv, metrics.json, run.json (versions, hashes, books, options) and timings.json
 * (the only file that differs between two equal runs).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "learn/learn.h"
#include "score/score.h"

typedef struct Timing {
    const char *stage;
    double seconds;
} Timing;

/* All that a run holds when it is done. */
typedef struct Run {
    Str version;      /* of the program */
    Str command;      /* the command line, as typed */
    uint64_t seed;
    const Dataset *data;
    const Plan *plan;
    const Policy *policy;
    const Bundle *bundle;
    const TrainingSet *training;
    const uint32_t *training_row;  /* [training->x->rows] customers of the dataset */
    const Validation *validation;
    const Audit *audit;
    const Silence *silence;
    const Scored *scored;          /* customers to be scored, contradictory ones included */
    const uint32_t *candidate;     /* [candidates] positions in scored, best supported first */
    size_t candidates;
    const uint32_t *contradictory; /* [contradictories] positions in scored */
    size_t contradictories;
    size_t headline;               /* the stratum that the customers to be scored resemble */
    double *stratum_share_scored;  /* [strata] share of the customers to be scored in each */
    Timing *timing;
    size_t timings;
} Run;

/* Write every file but the report and the bundle into folder.  Cost: O(customers * columns). */
MUST_USE Status store_run(const Run *run, const char *folder, Error *err);

#endif
