/* inspect.h - how the chosen model behaves, and how far its figures carry.
 *
 * Importance and curves measured on customers whom a model did not learn from, thresholds with the
 * guarantees that the data supports, stability of the list, and how each group of customers fares.
 * Everything is out of fold and carries an interval; nothing here changes a model.
 */
#ifndef INSPECT_INSPECT_H
#define INSPECT_INSPECT_H

#include "learn/learn.h"
#include "score/score.h"

/* ---- two bundles side by side: champion and challenger ---- */

enum { CHAMPION, CHALLENGER, SIDES };

/* What two models said of the same labelled customers, neither having learnt from them: out of fold
 * or judged on new ones. */
typedef struct Opinions {
    size_t customers;
    const Str *id;                 /* [customers] */
    const uint8_t *label;          /* [customers] */
    const uint32_t *group;         /* [customers] who are linked share a number; NULL: nobody is */
    const double *const *p[SIDES]; /* [repeats][customers] */
    size_t repeats[SIDES];
    size_t strata;
    const Str *stratum;
    const uint8_t *const *in_stratum; /* [strata][customers] */
} Opinions;

typedef struct Judgement {
    Str stratum;
    MetricDifference figures; /* one: challenger, other: champion; below 0 is a lower figure now */
} Judgement;

/* A customer whose segment or proposed action is another one. */
typedef struct Move {
    Str id;
    double probability[SIDES];
    Segment segment[SIDES];
    Action action[SIDES];
    Str why; /* what moved the log-odds most, thresholds and rules that differ: one sentence */
} Move;

typedef struct SideBySide {
    Str name[SIDES]; /* as given */
    const Bundle *bundle[SIDES];
    Str judged_on;         /* which customers, in words; empty when nobody was judged */
    bool seen_in_training; /* of either: then the figures of that side are too good */
    size_t strata;
    Judgement *judgement;                                         /* [strata] */
    size_t customers;                                             /* scored by both */
    size_t only[SIDES];                                           /* scored by one alone */
    size_t segment[SEGMENTS][SEGMENTS], action[ACTIONS][ACTIONS]; /* [champion's][challenger's] */
    double mean_change;                                           /* of the probability, absolute */
    size_t moves;
    Move *move; /* gravest new action first, then the largest change of probability */
} SideBySide;

/* Paired differences with intervals, per stratum.  Memory: keep. */
void inspect_judge(SideBySide *out, Arena *keep, const Opinions *opinions, size_t replicates,
                   uint64_t seed, Team *team);

/* Who moves between segments and actions, and why: the columns whose contributions to the
 * calibrated log-odds differ most. Customers are matched by id; row[side][0 .. count[side] - 1]
 * are positions in scored[side].  Memory: keep.  Cost: O(customers * columns). */
void inspect_moves(SideBySide *out, Arena *keep, Arena scratch, const Scored *const scored[SIDES],
                   const uint32_t *const row[SIDES], const size_t count[SIDES]);

/* ---- strata: for whom a figure holds ---- */

/* Fewer suspended customers, or fewer others, and a slice has a sentence instead of a figure. */
enum { FIGURE_CLASS_MIN = 10 };

/* Customers alike in what separates the cohorts (have they transactions, how long ago was the
 * first). Every customer is in one cell. */
typedef struct StrataCell {
    Str name; /* as people read it */
    size_t labelled, positives, scored;
    double weight; /* of each of its labelled customers; 0 where nobody to be scored is alike */
} StrataCell;

/* A slice with the chosen candidate's figures. */
typedef struct StrataSlice {
    Str name;      /* a stratum of the features book, NOTX, REWEIGHTED */
    Str condition; /* in words, or as the book writes it */
    size_t customers, positives, scored;
    const MetricSet *metric;
    bool told; /* enough of both classes for a figure */
    Str says;  /* what is said instead, or beside it */
} StrataSlice;

typedef struct Strata {
    size_t slices;
    StrataSlice
        *slice;      /* the book's in its order, then NOTX, then REWEIGHTED, where there are any */
    size_t headline; /* among slices: the figure to quote */
    size_t stratum;  /* among the training set's strata: what curves and tables show */
    Str reason;      /* of the headline, in numbers */
    Str unseen;      /* what is known of those to be scored without transactions; may be empty */
    /* The labelled customers weighted to the mix of those to be scored. */
    size_t cells;
    StrataCell *cell;
    size_t scored;     /* customers */
    size_t uncovered;  /* of them, in cells without labelled customers */
    size_t reweighted; /* among slices; SIZE_MAX when there is no such estimate */
    Str no_estimate;   /* why not; else empty */
    double *weight;    /* [rows] */
    double effective;  /* customers of equal weight that say as much */
    double effective_positives;
    MetricSet *metric; /* [candidates] reweighted; NULL when there is none */
} Strata;

typedef struct StrataInputs {
    const TrainingSet *set;
    const Validation *validation;
    const Str *condition;            /* [set->strata] */
    const size_t *scored_in_stratum; /* [set->strata] */
    size_t scored;
    size_t cells;
    const Str *cell_name;
    const uint32_t *cell;         /* [rows] */
    const size_t *scored_in_cell; /* [cells] */
    size_t unseen;                /* the cell of those without transactions; SIZE_MAX: none */
} StrataInputs;

/* All slices side by side and the one to quote: the narrowest stratum that holds at least half of
 * the customers to be scored, with FIGURE_CLASS_MIN of either class; where only the first stratum
 * (everybody) does, the reweighted estimate; where that cannot be made, the first stratum.
 * Weights are (share of the scored in the cell) / (share of the labelled in the cell), over cells
 * that have labelled customers.  Memory: keep.  Cost: a bootstrap for each candidate. */
void inspect_strata(Strata **out, Arena *keep, const StrataInputs *inputs,
                    const LearnOptions *options, Team *team);

/* ---- fairness: how customers alike on a protected ground fare ---- */

/* A group of fewer customers is never shown by itself (privacy); a rate is compared where the group
 * and the rest have this many customers, and this many of the class that it is a rate of. */
enum { GROUP_SHOWN_MIN = 5, GROUP_JUDGED_MIN = 30, GROUP_CLASS_MIN = 5 };

typedef enum FairnessVerdict {
    FAIRNESS_FEW,    /* too few to judge, or no case on either side */
    FAIRNESS_WITHIN, /* ratio within 0.8 to 1.25, or its 95 % interval holds 1 */
    FAIRNESS_APART,  /* outside and the interval excludes 1: one of several, it may be chance */
    FAIRNESS_CLEAR   /* and by Fisher's exact test at 0.05 / comparisons (Bonferroni), too */
} FairnessVerdict;

/* A rate in a group beside the rate in all other customers. */
typedef struct GroupComparison {
    Str measure;      /* suspended, high_segment, candidate, false_positive_high, missed_high ... */
    size_t count, of; /* 0 of 0 where there are fewer than GROUP_CLASS_MIN, and so of the rest */
    size_t rest_count, rest_of;
    Interval rate;  /* Wilson */
    Interval ratio; /* to the rest, Koopman */
    FairnessVerdict verdict;
} GroupComparison;

enum { FAIRNESS_MEASURES = 9 };

typedef struct FairnessGroup {
    Str name; /* a level, a band, "other" or "(missing)" */
    size_t labelled, positives;
    size_t scored; /* 0 when fewer than GROUP_SHOWN_MIN */
    GroupComparison comparison[FAIRNESS_MEASURES];
    Interval mean_labelled, mean_scored; /* probability: out of fold; as scored */
    Interval calibration; /* mean probability out of fold less the rate of suspensions */
    Interval auc;         /* within the group, out of fold; NaN with too few of a class */
} FairnessGroup;

typedef struct FairnessAttribute {
    Str column, ground;
    Str bands;         /* how values were put together; empty for the values themselves */
    bool known_scored; /* files to be scored have the column */
    bool left_out;     /* some customers are in no group shown: there were fewer than 5 */
    size_t groups;
    FairnessGroup *group; /* largest first, then other and missing */
} FairnessAttribute;

/* How well the model's inputs tell who is of a group. */
enum { PROXY_INPUTS = 5 };
typedef struct ProxyInput {
    Str feature;
    double auc;  /* alone, direction-free */
    double drop; /* of the AUC of all inputs when this one is shuffled */
} ProxyInput;

typedef struct Proxy {
    Str column, ground, group;
    size_t customers, members; /* tested on */
    Interval auc;              /* of all inputs together, out of fold */
    Interval score;            /* of the score alone; above .5: members score higher */
    size_t inputs;
    ProxyInput input[PROXY_INPUTS]; /* those that tell most */
    bool clear;                     /* the interval of auc lies above PROXY_MARK */
} Proxy;

typedef struct Fairness {
    Thresholds thresholds;
    size_t attributes;
    FairnessAttribute *attribute;
    size_t comparisons, apart, clear; /* judged; of them FAIRNESS_APART or _CLEAR; _CLEAR */
    size_t proxies;
    Proxy *proxy;           /* strongest first */
    size_t proxy_customers; /* of them the test used at most */
    double proxy_mark;
} Fairness;

typedef struct FairnessInputs {
    const Dataset *data; /* findings are added to it */
    const Plan *plan;
    const TrainingSet *set;
    const uint32_t *training_row; /* [set->x->rows] customers */
    const Validation *validation;
    const Scored *scored; /* NULL: nobody was scored */
    const uint32_t *candidate;
    size_t candidates; /* positions in scored */
    Thresholds thresholds;
    const Matrix *x;           /* [customers] the model's inputs */
    const MatrixPlan *columns; /* of x */
    const uint32_t *group;     /* [customers] who is linked; NULL: nobody */
} FairnessInputs;

/* Every column of the schema book that is marked protected, level by level (numbers in bands, dates
 * of birth as ages; missing is a level): rates, errors at the policy's thresholds out of fold,
 * calibration and list membership beside those of everybody else, and the proxy test. Findings
 * fairness_gap and proxy are added in words. Protected values are used here alone.
 * Memory: keep.  Cost: for each level of 30 customers or more, folds of logistic regression on at
 * most 1,000 customers, and a bootstrap.
 * Source: ratios 0.8 to 1.25 as the four-fifths rule; Koopman 1984; Fisher 1922; Bonferroni. */
void inspect_fairness(Fairness **out, Arena *keep, Arena scratch, const FairnessInputs *inputs,
                      const LearnOptions *options, Team *team);
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
    size_t linked; /* labelled customers who share a group: intervals take them for independent */
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
 *   were found for all labelled customers.
 * - folds: the model that judged a fold of a repeat, with the settings and the calibration that
 * were found without it. At most repeats * folds of them. Columns that depend on who is learnt from
 * keep, for the customers of inputs, the tables of all labelled customers.  Memory: keep.  Cost: 2
 * * runs fits and decisions without reasons. */
MUST_USE Status inspect_stability(ListStability **out, Arena *keep, const TrainingSet *set,
                                  const Validation *validation, const LearnOptions *options,
                                  const Policy *policy, const PolicyInputs *inputs,
                                  const Decision *decision, size_t runs, Team *team, Error *err);

#include "inspect/importance.h"

#endif
