/* fairness.h - how customers alike on a protected ground fare, and what stands in for the ground.
 *
 * Protected columns never enter a model; they are looked at here alone, after the fact. A gap is
 * told with its interval and counts, and only where it is more than chance: labels are past
 * decisions of people, and a gap may be in them.
 */
#ifndef FAIRNESS_FAIRNESS_H
#define FAIRNESS_FAIRNESS_H

#include "learn/learn.h"
#include "score/score.h"

/* ---- groups and their rates ---- */

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
void fairness_measure(Fairness **out, Arena *keep, Arena scratch, const FairnessInputs *inputs,
                      const LearnOptions *options, Team *team);

#endif
