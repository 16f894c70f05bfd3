/* inspect.h - how the chosen model behaves, and how far its figures carry.
 *
 * Importance and curves measured on customers whom a model did not learn from, thresholds with the
 * guarantees that the data supports, stability of the list, and how each group of customers fares.
 * Everything is out of fold and carries an interval; nothing here changes a model.
 */
#ifndef INSPECT_INSPECT_H
#define INSPECT_INSPECT_H

#include "learn/learn.h"
#include "policy/policy.h"

/* ---- thresholds.c: what each threshold selects, costs and proves ---- */

/* One threshold on the labelled customers of one stratum: those at or above it are reviewed. */
typedef struct ThresholdRow {
    MetricCut cut;
    size_t reviews; /* of the customers scored, who reach it */
    Interval cost;  /* expected, per customer, in units of one missed risky customer: each review
                       costs one, each risky customer below the threshold is missed. Normal, 95 % */
    Interval net_benefit, net_benefit_all; /* of this threshold, and of reviewing everybody, at the
                                              odds of this threshold; of reviewing nobody: 0 */
} ThresholdRow;

typedef enum ThresholdMark {
    MARK_MEDIUM, /* from the costs */
    MARK_HIGH,
    MARK_OFFBOARDING,
    MARK_CAPACITY,        /* the scored customers at or above it are as many as can be reviewed */
    MARK_CAPACITY_WORKED, /* the same with a fifth of the capacity kept free */
    MARK_TOP,             /* as many labelled customers as can be reviewed */
    THRESHOLD_MARKS
} ThresholdMark;
/* In line, for programs that do not link this room write it down, too. */
static inline Str threshold_mark_name(ThresholdMark m)
{
    static const char *const names[THRESHOLD_MARKS] = {
        [MARK_MEDIUM] = "medium",
        [MARK_HIGH] = "high",
        [MARK_OFFBOARDING] = "offboarding",
        [MARK_CAPACITY] = "capacity",
        [MARK_CAPACITY_WORKED] = "capacity_worked",
        [MARK_TOP] = "top",
    };
    return str_from(names[m]);
}

enum { CERTIFY_LEVELS = 10 }; /* .50, .55, ... .95 */

typedef struct ThresholdStratum {
    ThresholdRow mark[THRESHOLD_MARKS]; /* of capacity: customers 0 where there is none to speak of
                                         */
    ThresholdRow *grid;                 /* [grid_rows] 0.01 .. 0.99 */
    size_t grid_rows;
    Interval cost_segments; /* per customer: High is reviewed, Medium watched, Low left alone */
    double cost_nobody, cost_everybody; /* reviewed */
    MetricCertificate certificate;      /* as asked, on probabilities averaged over repeats */
    size_t repeats_certified;           /* of the repeats, each by its own probabilities */
    /* Other precisions, each tested by itself at the confidence asked (0.95 where that is 1). */
    MetricCertificate level[CERTIFY_LEVELS];
    /* What can be certified instead: the levels' strictest sets are tested upwards until one fails,
     * a fixed sequence of its own. So many passed; the last of them holds for its strictest set. */
    size_t levels_reached;
} ThresholdStratum;

typedef struct ThresholdReview {
    CostMatrix costs;
    Capacity capacity;
    Certify certify;
    size_t scored;           /* customers; 0: none in this run */
    size_t reviews_expected; /* of them, due diligence or graver: what the policy book proposes */
    size_t reviews_by_rules; /* of these, below the High threshold: no threshold changes them */
    size_t repeats;
    ThresholdStratum *stratum; /* [strata] */
    size_t strata;
    /* [scored] the score lies in the headline stratum's certified set, and the customer in that
     * stratum. NULL: nothing was scored. */
    uint8_t *certified;
} ThresholdReview;

/* The customers to be scored, as far as thresholds need them; count 0: none. */
typedef struct ThresholdScored {
    const double *probability; /* [count] */
    const Decision *decision;  /* [count] */
    const uint8_t *headline;   /* [count] in the headline stratum */
    size_t count;
} ThresholdScored;

/* Thresholds of the policy on the chosen candidate's out-of-fold probabilities, averaged over
 * repeats. A figure that nobody is there for is NaN; no stratum is too small to be told of.
 * Memory: keep.  Cost: O(strata * repeats * rows log rows). */
void inspect_thresholds(ThresholdReview **out, Arena *keep, Arena scratch, const TrainingSet *set,
                        const Validation *validation, size_t headline, const Policy *policy,
                        const ThresholdScored *scored);

/* ---- stability.c: who is on the list again when learning is done again ---- */

typedef enum RerunKind {
    RERUN_SEEDS, /* everybody labelled is learnt from, with another seed and other folds */
    RERUN_FOLDS, /* the labelled customers of one fold are left out */
    RERUN_KINDS
} RerunKind;

/* One kind of rerun. A customer is a position among those scored. */
typedef struct Reruns {
    size_t runs;
    uint32_t *on_list;             /* [customers] runs that propose off-boarding */
    uint32_t (*segment)[SEGMENTS]; /* [customers] runs in each */
    double *mean, *deviation;      /* [customers] of the probability over runs; n - 1 */
    size_t *listed;                /* [runs] how long the list is */
    double *jaccard;               /* [runs] with this run's own list: shared / in either; 1 when
                                      both are empty */
    double jaccard_mean, jaccard_low;
    /* Of this run's list: how many stand in every run, in at least 8 of 10, at least half, fewer.
     */
    size_t always, mostly, half, rarely;
    size_t newcomers; /* customers who are not on the list, and are in at least half of the runs */
    size_t same_segment; /* customers whose segment is this run's own in every run */
} Reruns;

typedef struct ListStability {
    size_t customers, listed; /* scored, and on this run's list */
    Reruns kind[RERUN_KINDS];
} ListStability;

/* Learn again and decide again, `runs` times of each kind, for the customers of inputs (whose
 * margins, probabilities and contributions are not read):
 * - seeds: learn_final with another seed for whatever is drawn, calibrated on the out-of-fold
 *   margins of one repeat of the validation, another one each time. The settings stay those that
 *   were tuned on all labelled customers.
 * - folds: the model that judged a fold of a repeat, with its own settings, calibrated on the
 *   margins of that repeat's other folds. At most repeats * folds of them.
 * Columns that depend on who is learnt from keep, for the customers of inputs, the tables of all
 * labelled customers.  Memory: keep.  Cost: 2 * runs fits and decisions without reasons. */
MUST_USE Status inspect_stability(ListStability **out, Arena *keep, const TrainingSet *set,
                                  const Validation *validation, const LearnOptions *options,
                                  const Policy *policy, const PolicyInputs *inputs,
                                  const Decision *decision, size_t runs, Team *team, Error *err);

#endif
