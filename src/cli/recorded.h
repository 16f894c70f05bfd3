/* recorded.h - a run folder read back: features and decisions, not the raw data. */
#ifndef CLI_RECORDED_H
#define CLI_RECORDED_H

#include "cli/cli.h"

#include "prove/prove.h"
#include "score/score.h"

typedef struct Recorded {
    const char *folder;
    Bundle *bundle;
    Events events;         /* none: only the time that each customer is known at */
    MatrixPlan no_columns; /* of the model's inputs, which nothing here reads */
    PolicyInputs in;       /* the customers decided on, as policy_decide takes them */
    Outcome *outcome;      /* [in.count] as recorded */
    size_t *line;          /* [in.count] of decisions.jsonl */
    ProveProxy *proxy;
    size_t proxies;
} Recorded;

/* Read run.json, features.csv, decisions.jsonl, proxies.csv and the bundle of a run folder;
 * `bundle` is where the bundle is when the folder has none (as after `assay score --out`). Errors
 * name the file that is missing, cut off or does not go with the others.  Memory: keep. */
MUST_USE Status recorded_read(Recorded **out, Arena *keep, Arena scratch, const char *folder,
                              const char *bundle, Error *err);

/* Decide again with the run's own policy: DATA names the first customer whose decision is not the
 * recorded one. */
MUST_USE Status recorded_check(const Recorded *r, Arena scratch, Team *team, Error *err);

/* The customers that a book's comparisons are held against. */
ProveSeen recorded_seen(const Recorded *r, Arena *keep);

#endif
