/* audit.h - what a model must not know.
 *
 * Every column is tested for what it should not tell (the label, the cohort, how a customer was
 * observed), and the whole procedure is run on shuffled labels: what it finds there, it made up.
 * What is found becomes findings in words; nothing here trains a model that is kept.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "learn/learn.h"

/* One column tested for what it should not know. */
typedef struct Probe {
    Str name;
    Str use;      /* model, policy, monitor, audit */
    Interval auc; /* alone, against the label; direction-free: at least .5 */
    bool higher_is_risky;
    double missing_labelled, missing_scored; /* share missing in either cohort */
    double
        cohort_auc; /* how well it tells labelled from to-be-scored, direction-free; NaN without */
    Stability stability; /* labelled against scored */
    Severity severity;
} Probe;

typedef struct Control {
    size_t shuffles;
    double *auc;            /* [shuffles] */
    double mean, low, high; /* and the limits that clean data passes */
    bool passed;
} Control;

typedef struct AuditInputs {
    /* Columns to probe, by row of the labelled and of the scored customers; uses as in Probe. */
    const Table *labelled, *scored; /* same columns; scored may be NULL */
    const Str *use;                 /* by column */
    const uint8_t *label;           /* by labelled row */
} AuditInputs;

typedef struct Audit {
    size_t probes;
    Probe *probe; /* worst first */
    Control control;
} Audit;

/* Probe every column (missing is a level of its own: it may tell) and run the negative control:
 * the whole of learn_validate's chosen candidate, one repeat, on `shuffles` permutations of the
 * labels over customers; their mean AUC must lie within limits that ten clean sets pass.
 * A watched column (use monitor or audit) is a leak from an interval above .55, a policy column
 * from an AUC of .80 with an interval above .65, one of the model by the same marks a strong
 * feature and from .90 a severe leak; docs/learning.md has the table. Fewer than 20 shuffles are
 * a warning, few_shuffles. Findings are added in words. GATE is not returned here: the caller
 * decides on control.passed.  Memory: keep. */
MUST_USE Status audit_leaks(Audit **out, Arena *keep, Arena scratch, const AuditInputs *inputs,
                            const TrainingSet *set, const Validation *validation,
                            const LearnOptions *options, Findings *findings, Team *team,
                            const Progress *progress, Error *err);

#endif
