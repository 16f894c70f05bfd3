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

typedef struct Comparison {
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
} Comparison;

/* Paired differences with intervals, per stratum.  Memory: keep. */
void inspect_judge(Comparison *out, Arena *keep, const Opinions *opinions, size_t replicates,
                   uint64_t seed, Team *team);

/* Who moves between segments and actions, and why: the columns whose contributions to the
 * calibrated log-odds differ most. Customers are matched by id; row[side][0 .. count[side] - 1]
 * are positions in scored[side].  Memory: keep.  Cost: O(customers * columns). */
void inspect_moves(Comparison *out, Arena *keep, Arena scratch, const Scored *const scored[SIDES],
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

#endif
