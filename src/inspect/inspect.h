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

#endif
