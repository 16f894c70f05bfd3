/* inspect.h - what the chosen model lives on, and what each feature is worth by itself.
 *
 * Measured by the models that judged the folds of the validation, fitted again, and on the
 * customers whom they judged: nothing here is told by a model of the customers it learnt from.
 * Four views that correct each other: what is lost when features are shuffled (alone, by family,
 * by correlated group, so that correlated features cannot hide each other), what they add to the
 * score, how the score follows their values beside what was observed, and, before any model, how
 * much each tells alone and whether that can be told from noise. docs/importance.md explains them.
 */
#ifndef INSPECT_INSPECT_H
#define INSPECT_INSPECT_H

#include "learn/learn.h"

/* ---- importance ---- */

typedef enum ImportanceOf {
    IMPORTANCE_FEATURE,    /* one, all its columns together: categories are one-hot */
    IMPORTANCE_FAMILY,     /* of the features book */
    IMPORTANCE_CORRELATED, /* two or more that say much the same */
    IMPORTANCE_MISSING     /* two or more that are missing for much the same customers */
} ImportanceOf;
static inline Str importance_of_name(ImportanceOf of)
{
    return of == IMPORTANCE_FEATURE      ? S("feature")
           : of == IMPORTANCE_FAMILY     ? S("family")
           : of == IMPORTANCE_CORRELATED ? S("correlated")
                                         : S("missing_together");
}

/* Where a feature stood among all in the fold models: 1 is the greatest, equal ones share. */
typedef struct ImportanceRank {
    double median, low, high; /* 5 and 95 % over fold models */
    double top5, top10;       /* share of fold models that have it there */
} ImportanceRank;

/* How far the fold models' rankings agree. Source: Kendall and Smith 1939, ties corrected. */
typedef struct ImportanceAgreement {
    size_t rankings;
    double kendall_w; /* 0 none, 1 the same order */
    double spearman;  /* mean over pairs of fold models */
} ImportanceAgreement;

/* What is lost when these features' values are shuffled together among the customers judged. */
typedef struct ImportanceItem {
    ImportanceOf of;
    Str name; /* of the feature or family; of a group its first feature's */
    size_t features;
    const uint32_t *feature; /* [features] */
    Interval log_loss;       /* mean rise of a customer's log loss */
    Interval auc;            /* fall of the AUC within a fold; both: 95 % over fold models */
    double harmed;           /* share of fold models whose log loss rises */
    ImportanceRank rank;     /* of features, by rise in log loss */
} ImportanceItem;

typedef struct ImportanceSlice {
    Str name; /* ALL, positive, negative, then the strata */
    size_t customers;
} ImportanceSlice;

/* What a feature, or the features of a family summed, adds to the calibrated log-odds. */
typedef struct ImportanceShap {
    ImportanceOf of; /* feature or family */
    Str name;
    uint32_t feature; /* of a feature */
    Interval *size;   /* [slices] mean absolute contribution; 95 % over fold models */
    double *mean;     /* [slices] mean contribution */
    /* Rank correlation of value and contribution: mean over fold models, their 5 and 95 %. NaN for
     * families, categories and what has no effect. */
    Interval direction;
    ImportanceRank rank; /* of features, by size on ALL */
    /* The same by the final model on the customers scored; 95 % over them. NaN without. */
    Interval scored;
    double scored_mean;
} ImportanceShap;

/* Customers of neighbouring values, or of one level. */
typedef struct ImportanceBin {
    double low, high; /* (low, high], the first with low itself; equal: one value */
    Str level;        /* of a category ("other" for none of its columns); "missing" */
    bool missing;
    size_t customers, positives; /* labelled */
    size_t scored;
    Interval share; /* of positives; Wilson */
    /* Accumulated local effect on the calibrated log-odds at the bin's mean value, 0 on average
     * over customers: mean, least and greatest of the fold models. NaN for levels and missing. */
    Interval effect;
    double contribution; /* mean, out of fold; NaN for nobody */
} ImportanceBin;

typedef struct ImportanceCurve {
    uint32_t feature;
    Str name;
    bool levels; /* a category: one bin a level, no order */
    size_t bins;
    ImportanceBin *bin;
    size_t scored_below, scored_above; /* customers to be scored outside what was learnt from */
} ImportanceCurve;

typedef struct Importance {
    size_t customers, positives; /* measured on: all, or a sample of a large set */
    size_t rows;                 /* of the set */
    size_t repeats, folds, permutations;
    double log_loss, auc; /* nothing shuffled; the AUC within folds */
    double correlation_cut;
    size_t items; /* features, families, correlated, missing together; each greatest rise first */
    ImportanceItem *item;
    ImportanceAgreement by_loss, by_contribution;
    size_t slices;
    ImportanceSlice *slice;
    size_t shaps; /* features, then families; each greatest first */
    ImportanceShap *shap;
    size_t scored; /* customers scored; 0 without */
    double base_rate;
    size_t curves; /* of the features that add most */
    ImportanceCurve *curve;
} Importance;

typedef struct ImportanceInputs {
    const TrainingSet *set;
    const Validation *validation;
    const LearnOptions *options;
    size_t features;          /* of the book, whether in the model or not */
    const Str *name, *family; /* [features] */
    const uint32_t *feature;  /* [columns of set->x]; columns of a feature stand together */
    /* Customers scored by the final model (or a sample), over the same columns; NULL: none. */
    const Matrix *scored;
    const double *contribution; /* [scored rows][columns + 1] on the calibrated log-odds */
} ImportanceInputs;

enum { IMPORTANCE_REPEATS = 2, IMPORTANCE_PERMUTATIONS = 5, IMPORTANCE_CURVES = 8 };
enum { IMPORTANCE_CUSTOMERS_MAX = 1000 }; /* measured on; beyond it a random sample */

/* All of the above for validation->chosen, by the models of its first IMPORTANCE_REPEATS repeats.
 * Margins are put on the calibrated log-odds by Platt's sigmoid on the out-of-fold margins of the
 * repeat's other folds. Memory: keep.  Cost: a fit a fold and repeat; then about
 * (items * permutations + 2 * curves) margins a judged customer and repeat, and its contributions.
 * Sources: Breiman 2001 and Fisher, Rudin and Dominici 2019 (shuffling); Lundberg and Lee 2017;
 * Apley and Zhu 2020; Nadeau and Bengio 2003 (intervals over fold models that share customers:
 * these hold what the models' training and the customers judged leave to chance; a bootstrap of
 * the customers alone takes the models for given and is too narrow, docs/importance.md). */
Importance *inspect_importance(Arena *keep, Arena scratch, const ImportanceInputs *inputs,
                               Team *team);

/* ---- screening ---- */

/* One feature by itself, whether the model uses it or not. */
typedef struct Screened {
    Str name, use, family;
    uint32_t feature;
    size_t distinct, bins;
    double missing_labelled, missing_scored; /* shares; the second NaN without scored customers */
    /* Information value over deciles (or levels), missing in a bin of its own, an empty side
     * counted as half a customer; and what shuffled labels reach in 5 % and in 1 % of shuffles. */
    double information, limit_95, limit_99;
    Interval auc; /* as the audit has it; NaN without */
    bool higher_is_risky;
    double psi, psi_limit; /* labelled against scored; NaN without */
    uint32_t group;        /* of features that say much the same, from 1; 0: alone */
    Str nearest;           /* the feature it says most the same as */
    double correlation;    /* with it: absolute, of ranks */
    bool kept;             /* in the model */
    Str why;
} Screened;

typedef struct Screening {
    size_t labelled, scored, permutations, features, groups;
    double correlation_cut;
    Screened *feature; /* most information first */
} Screening;

typedef struct ScreeningInputs {
    const Table *labelled, *scored; /* same columns; scored may be NULL */
    const uint8_t *label;           /* [labelled rows] */
    const Str *use, *family;        /* by column */
    const uint8_t *in_model;        /* by column */
    const Str *barred;   /* by column: why it is kept from the model; empty: only `use` */
    const Interval *auc; /* by column, from the audit; NULL: not known */
    const uint8_t *higher_is_risky; /* by column */
    uint64_t seed;
} ScreeningInputs;

/* Memory: keep.  Cost: O(features^2 * customers + features * permutations * positives).
 * Source: Siddiqi 2006 (information value); the limits are those of a permutation test. */
Screening *inspect_screening(Arena *keep, Arena scratch, const ScreeningInputs *inputs, Team *team);

#endif
