/* judge.h - how far the figures carry: for whom they hold, what thresholds prove, whose place on
 * the list is luck, and which of two models is better.
 *
 * Works on what a validation said out of fold and on decisions; nothing here changes a model.
 */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "learn/learn.h"
#include "score/score.h"

/* ---- strata: for whom a figure holds ---- */

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
void judge_strata(Strata **out, Arena *keep, const StrataInputs *inputs,
                  const LearnOptions *options, Team *team);

/* ---- what each threshold selects, costs and proves ---- */

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
    /* Per customer: High is reviewed, Medium watched, Low left alone. How much watching finds
     * nobody knows: all the risk that is there, or none of it. */
    Interval cost_segments, cost_segments_blind;
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
    const Outcome *outcome;    /* [count] */
    const uint8_t *headline;   /* [count] in the headline stratum */
    size_t count;
} ThresholdScored;

/* Thresholds of the policy on the chosen candidate's out-of-fold probabilities, averaged over
 * repeats. A figure that nobody is there for is NaN; no stratum is too small to be told of.
 * Memory: keep.  Cost: O(strata * repeats * rows log rows). */
void judge_thresholds(ThresholdReview **out, Arena *keep, Arena scratch, const TrainingSet *set,
                      const Validation *validation, size_t headline, const Policy *policy,
                      const ThresholdScored *scored);

/* ---- who is on the list again when learning is done again ---- */

typedef enum RerunKind {
    RERUN_SEEDS, /* everybody labelled is learnt from, with another seed, calibrated on another
                    repeat */
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
    bool drawn;               /* the chosen model draws rows or columns: otherwise another seed fits
                                 the same model, and that the list is the same again shows nothing */
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
MUST_USE Status judge_stability(ListStability **out, Arena *keep, const TrainingSet *set,
                                const Validation *validation, const LearnOptions *options,
                                const Policy *policy, const PolicyInputs *inputs,
                                const Outcome *outcome, size_t runs, Team *team, Error *err);

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
    uint32_t at[SIDES]; /* positions in scored */
    Str why; /* what moved the log-odds most, thresholds and rules that differ: one sentence */
} Move;

typedef struct SideBySide {
    Str name[SIDES]; /* as given */
    const Bundle *bundle[SIDES];
    Str judged_on;         /* which customers, in words; empty when nobody was judged */
    bool seen_in_training; /* of either: then the figures of that side are too good */
    size_t left_out;       /* labelled customers of the files, learnt from by a run folder's side */
    Str strata_note;       /* which strata the two books define otherwise; may be empty */
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
void judge_compare(SideBySide *out, Arena *keep, const Opinions *opinions, size_t replicates,
                   uint64_t seed, Team *team);

/* Who moves between segments and actions; why is left empty. Customers are matched by id;
 * row[side][0 .. count[side] - 1] are positions in scored[side].  Memory: keep.
 * Cost: O(customers). */
void judge_moves(SideBySide *out, Arena *keep, Arena scratch, const Scored *const scored[SIDES],
                 const uint32_t *const row[SIDES], const size_t count[SIDES]);

/* Why `count` of the moves do, from move `first` on: the columns whose contributions to the
 * calibrated log-odds differ most, and rules that fire for one side alone. whole[side] are their
 * decisions with reasons, column[side] the names of the model's columns.  Memory: keep.
 * Cost: O(count * columns). */
void judge_why(SideBySide *out, Arena *keep, const Decision *const whole[SIDES],
               const Str *const column[SIDES], size_t first, size_t count);

#endif
