/* learn.h - learning that cannot fool itself.
 *
 * Histogram-grown boosted trees and logistic regression; folds of whole customers; repeated
 * cross-validation whose every figure is out of fold and carries an interval; calibration from
 * margins of other folds; a leakage audit with shuffled labels. Gradients are integers inside
 * histograms and every other sum has a fixed order, so the bytes of a result do not depend on
 * threads or machine. Rows of a TrainingSet are customers, one row each.
 */
#ifndef LEARN_LEARN_H
#define LEARN_LEARN_H

#include "metric/metric.h"
#include "model/model.h"
#include "quality/quality.h"
#include "table/table.h"

#include <stdatomic.h>

/* Columns that depend on who is learnt from (a rank among the customers of the training part, say)
 * are made again for every part that a model is fitted on, or customers who judge the model would
 * have helped to make its inputs. make gives the whole matrix, [rows] of the set, for models of the
 * given rows and their labels (label[row[i]] counts, nothing else does). It runs on many threads at
 * once and cannot fail.  Memory: keep. */
typedef struct Refit {
    const Matrix *(*make)(const void *context, Arena *keep, const uint32_t *row, size_t rows,
                          const uint8_t *label);
    const void *context;
} Refit;

typedef struct TrainingSet {
    const Matrix *x;      /* as made for all rows */
    const uint8_t *label; /* [rows] 0 or 1 */
    const int8_t
        *monotone; /* [columns] +1: more never lowers the score; -1; 0 free. NULL: all free */
    size_t strata; /* slices that every figure is given for: ALL, TX, MAT */
    const Str *stratum;
    const uint8_t *const *in_stratum; /* [strata][rows] */
    const Refit *refit;               /* NULL: no column depends on who is learnt from */
    /* Customers who are linked (one person, a shared transaction) share a number and always lie in
     * the same fold, of validation, tuning and calibration alike. NULL: nobody is linked. */
    const uint32_t *group; /* [rows] */
} TrainingSet;

typedef struct ForestOptions {
    size_t trees;         /* most; early stopping may use fewer */
    size_t depth, leaves; /* limits of one tree; leaves 0: no limit but depth */
    size_t bins;          /* at most 255 */
    double learning_rate, l2, hessian_min, gain_min;
    double row_share, column_share; /* drawn for each tree, without replacement */
    double split_share; /* of the tree's columns, drawn anew for each leaf that may be split */
    bool apart; /* no tree sees what the others said: a random forest. Their steps are added, so the
                   learning rate is 1 / trees */
    size_t patience; /* rounds without better log loss on the watch set; 0: no stopping */
    uint64_t seed;
} ForestOptions;
ForestOptions forest_options_default(void); /* boosting */
/* Trees apart, each on its own share of rows and a few columns for each split, their steps
 * averaged. Source: Breiman 2001; as XGBoost with num_parallel_tree, one round and a learning rate
 * of 1. */
ForestOptions forest_options_random(void);
ForestOptions forest_options_tree(void); /* one tree of few leaves, best leaf first */

/* Grow trees for binary log loss: boosted, or apart (options->apart). row[0 .. rows - 1] picks the
 * customers (NULL: all); watch rows, if any, decide early stopping. Bins are cut from the picked
 * rows alone. Splits of equal gain go to the lower column, then the lower bin. A missing value goes
 * to the better side, left on a tie. In a column with fewer missing rows than 5 or 1 % of the
 * picked rows nothing is learnt from them: the other rows choose the split, and missing values go
 * to the side with the larger cover, left on a tie. Monotone bounds as in XGBoost. Errors: DATA
 * with fewer than 2 rows of either class. Memory: keep.  Cost: O(trees * rows * columns).  Source:
 * Chen and Guestrin 2016; Shi et al. 2022 (quantised gradients, here fixed-point in 64-bit sums).
 */
MUST_USE Status learn_forest(Forest **out, Arena *keep, Arena scratch, const TrainingSet *set,
                             const uint32_t *row, size_t rows, const uint32_t *watch,
                             size_t watch_rows, const ForestOptions *options, Team *team,
                             Error *err);

/* Logistic regression with an L2 penalty on standardised inputs (intercept free), by Newton's
 * method with step halving. Heavy-tailed columns are taken as sign(x) log(1 + |x|) by a stated
 * rule. Columns without variation get weight 0; a column's monotone sign is held. Being missing
 * has a weight where at least 5 and 1 % of the rows are missing, else weight_missing is 0: a rarer
 * missing value stands at the centre and says nothing. row NULL: all.
 * Deterministic: Cholesky in fixed order.  Errors: DATA with fewer than 2 rows of either class.
 * Memory: keep.  Cost: O(rows * columns^2) an iteration. */
MUST_USE Status learn_linear(Linear **out, Arena *keep, Arena scratch, const TrainingSet *set,
                             const uint32_t *row, size_t rows, double l2, Error *err);

/* The same with an L1 penalty (l1 times the sum of absolute weights) and, where l2 is above 0, an
 * L2 penalty beside it (elastic net): weights that do not pay their penalty are 0 to the bit. l1 +
 * l2 must be above 0. Stopped when no optimality condition is missed by more than 1e-10 * rows, in
 * units of the gradient. A shared indicator of missing values is penalised as
 * one weight.  Errors and memory: as learn_linear.
 * Cost: O(rows * (columns + used^2)) an iteration, used being the columns with a weight.
 * Source: Friedman, Hastie and Tibshirani 2010 (coordinate descent); Yuan, Ho and Lin 2012
 * (newGLMNET: proximal Newton, line search, working set). */
MUST_USE Status learn_linear_l1(Linear **out, Arena *keep, Arena scratch, const TrainingSet *set,
                                const uint32_t *row, size_t rows, double l1, double l2, Error *err);

/* The model that looks at nobody: the log-odds of the picked rows' share of positives as the
 * intercept, every weight 0. What any other model must beat. It is written, read, scored and
 * explained as any linear model over the set's columns.  Errors: DATA without a row of either
 * class. Memory: keep.  Cost: O(rows + columns). */
MUST_USE Status learn_majority(Linear **out, Arena *keep, Arena scratch, const TrainingSet *set,
                               const uint32_t *row, size_t rows, Error *err);

/* DATA unless each class has at least `least` of the picked rows (row NULL: of all). */
MUST_USE Status learn_check_classes(const uint8_t *label, const uint32_t *row, size_t rows,
                                    size_t least, Error *err);

enum { LEARN_LEAST = 4 }; /* groups that hold either class, for learn_validate */

/* How many groups (NULL: rows) hold a row of the class that fewer groups hold: the most folds that
 * can each have both classes. */
size_t learn_least_groups(const uint8_t *label, const uint32_t *group, size_t rows);

/* Fold of each row, 0 .. folds - 1; rows of one group (NULL: every row its own) in one fold.
 * Numbers of positives in two folds differ by no more than the most positives in one group (1 when
 * nobody is linked), numbers of customers by no more than the largest group without positives, as
 * long as there are enough of these to even out what the groups with positives left uneven. The
 * group's numbers are below 2^32 - 1 and cost memory for each up to the largest. Cost: O(rows *
 * (folds + log rows)).  Source: greedy number partitioning, Graham 1969. */
void learn_folds(uint32_t *fold, const uint8_t *label, const uint32_t *group, size_t rows,
                 size_t folds, uint64_t seed);

/* Where to cut each history, so that how long it is does not tell the label. Row i is known from
 * first_us[i] (NO_HISTORY: nothing is) to end_us[i]: a positive's outcome, else what is known of
 * it. Positives are cut at their end. The others get the ages that positives had, each one's no
 * longer than it was observed: so both have histories of the same lengths. Answers how many others
 * no age was left for, because all that remained were longer than they were observed; their end
 * stands. Cost: O(rows log rows).  Source: risk-set sampling, Prentice and Breslow 1978. */
#define NO_HISTORY INT64_MAX
size_t learn_cut_histories(int64_t *cut_us, const int64_t *first_us, const int64_t *end_us,
                           const uint8_t *label, size_t rows, uint64_t seed);

/* Platt's sigmoid on margins by Newton's method (Lin, Lin and Weng 2007), his smoothed targets. */
Platt learn_platt(const double *margin, const uint8_t *label, size_t n);
/* The same as it is used on margins of our own: a normal prior on the slope (mean 1, standard
 * deviation 10) holds it where margins hardly vary and is not felt elsewhere, and a sigmoid that
 * would turn the margins round becomes the smoothed rate for all. */
Platt learn_sigmoid(const double *margin, const uint8_t *label, size_t n);
/* Maximum likelihood with the same prior on both slopes; a slope that comes out below 0 is 0 and
 * the others are fitted again.  Cost: O(n) an iteration. */
Beta learn_beta(const double *margin, const uint8_t *label, size_t n);
/* Pool adjacent violators. Each block is given one imaginary customer of the base rate, so none is
 * 0 or 1; blocks that this puts out of order are pooled once more; knots stand at the blocks' mean
 * margins.  Memory: keep.  Cost: O(n log n). */
Isotonic *learn_isotonic(Arena *keep, Arena scratch, const double *margin, const uint8_t *label,
                         size_t n);
/* Any of them.  Memory: keep. */
Calibration learn_calibration(CalibrationKind kind, Arena *keep, Arena scratch,
                              const double *margin, const uint8_t *label, size_t n);
/* Whether there are enough customers, and of either class, to fit such a map; and what is enough.
 * Platt: any. Beta: 100, and 30 of either class, ten for each of its parameters (Peduzzi 1996).
 * Isotonic: 1,000 (Niculescu-Mizil and Caruana 2005; Alasalmi and others 2020), and 100 of either
 * class: it has as many parameters as the data allows. */
bool learn_calibration_enough(CalibrationKind kind, size_t customers, size_t positives,
                              size_t *customers_least, size_t *each_least);

/* Venn-Abers step tables from calibration margins.  Cost: O(n log n). */
VennAbers *learn_venn_abers(Arena *keep, Arena scratch, const double *margin, const uint8_t *label,
                            size_t n);

/* What candidates are compared by. */
typedef enum Criterion {
    CRITERION_LOG_LOSS,
    CRITERION_BRIER,
    CRITERION_AUC,
    CRITERION_PR_AUC,
    CRITERIA
} Criterion;

/* Where finished searches of an interrupted validation are kept, so that the next run of the same
 * inputs goes on from there and gives the same bytes. */
typedef struct Resume {
    const char *path;
    Str identity; /* of all that the set does not hold: files, books, the program's version */
} Resume;

typedef struct LearnOptions {
    size_t folds, repeats, inner_folds; /* 5, 10, 5 */
    size_t trials;                      /* of a search, the default setting among them: 6 */
    size_t fits;                        /* most inner fits of one search; 0: as many as it takes */
    double lead; /* standard errors by which a trial must beat the default setting: 2 */
    Criterion criterion;
    size_t replicates; /* of the bootstrap: 1000 */
    size_t shuffles;   /* of the negative control: 20 */
    double threshold;  /* on the probability, for the confusion and its figures */
    uint64_t seed;
    const Resume *resume;   /* NULL: nothing is kept */
    const atomic_int *stop; /* not 0: validation ends early, with STOPPED; NULL: never */
} LearnOptions;
LearnOptions learn_options_default(void);

/* What a search may change. */
typedef enum SettingKind {
    SETTING_L1,
    SETTING_L2,
    SETTING_LEAVES,
    SETTING_DEPTH,
    SETTING_LEARNING_RATE,
    SETTING_HESSIAN_MIN,
    SETTING_ROW_SHARE,
    SETTING_COLUMN_SHARE,
    SETTING_SPLIT_SHARE,
    SETTINGS
} SettingKind;

/* One of them in a candidate's search space. */
typedef struct Dimension {
    SettingKind setting;
    const char *name;
    double usual, low, high;
    bool logarithmic, whole; /* how it is drawn: equal factors as likely; whole numbers */
} Dimension;

typedef struct Tuned {
    double value[SETTINGS]; /* those of the candidate's space */
    size_t trees;           /* a forest's; 0 before a curve has said how many */
} Tuned;

/* One setting as one search judged it. */
typedef struct Trial {
    Tuned tuned;     /* trees: where the pooled curve of the folds judged was lowest */
    uint32_t rungs;  /* the last rung it took part in, from 1 */
    uint32_t folds;  /* inner folds judged */
    bool kept;       /* it won the search */
    double log_loss; /* after Platt's sigmoid, over the customers judged */
    double error;    /* its standard error over customers */
} Trial;

/* The rows of an outer training part and the inner folds that tune on them. */
typedef struct InnerPart {
    size_t rows, folds;
    const uint32_t *row;  /* [rows] of the set, ascending */
    const uint32_t *fold; /* [rows] 0 .. folds - 1 */
} InnerPart;

/* What one candidate's search on one part found. */
typedef struct Searched {
    Tuned tuned;    /* the setting that won */
    double *margin; /* [part rows] its margins, each from an inner model without that row */
    Trial *trial;   /* [trials]; a candidate with nothing to tune has one */
    size_t trials;
    size_t fits; /* made */
    bool whole;  /* false: the search was stopped half way, and nothing here counts */
} Searched;

/* One way of modelling, as it fared out of fold. */
typedef struct Candidate {
    Str name; /* majority, logistic, ..., blend */
    Str says; /* its settings in words */
    ModelKind kind;
    bool constant;        /* majority: the share of positives, whoever it is */
    bool lasso;           /* a linear model with an L1 penalty instead of L2 */
    bool free_signs;      /* columns' signs are not held */
    bool settled;         /* its settings are the ones below: there is nothing to search for */
    double l2, l1;        /* linear: of the final model */
    ForestOptions forest; /* a forest: how its trees grow */
    size_t parts;         /* a blend: the candidates whose calibrated log-odds are averaged */
    const struct Candidate *const *part;
    const Dimension *dimension; /* [dimensions] its search space */
    size_t dimensions;
    double **margin; /* [repeat][row] out of fold */
    /* [repeat][row] by a sigmoid (for the chosen candidate: the chosen kind of map) that was fitted
     * on the inner margins of the fold's training part: nothing that the judged customers' labels
     * have touched is in it. */
    double **probability;
    double log_loss;       /* mean over repeats, ALL */
    double log_loss_error; /* standard error over customers of the mean log loss */
    MetricSet *metric;     /* [strata] */
    /* How much worse than the best by the criterion of the choice (0: it is the best). */
    double criterion, behind, behind_error;
    struct Comparison *against_chosen; /* [CRITERIA] */
} Candidate;

/* One kind of map for the chosen candidate's margins, as it fared out of fold. */
typedef struct CalibrationTrial {
    bool tried;           /* false: too few customers, and what follows says nothing */
    double **probability; /* [repeat][row] by the map fitted without the row's fold */
    double log_loss, log_loss_error;
    double difference, difference_error; /* paired over customers, less Platt's */
} CalibrationTrial;

typedef struct CalibrationChoice {
    CalibrationTrial trial[CALIBRATION_KINDS]; /* simplest first */
    CalibrationKind chosen;
    size_t customers, positives; /* of the smallest part that a map was fitted on */
    Str reason;                  /* in sentences with numbers */
    /* [rows] Venn-Abers out of fold, from tables of the training part, means over repeats; widened
     * to hold the probability, as a customer's interval is. */
    double *low, *high;
} CalibrationChoice;

/* A candidate less the chosen one: paired over customers, linked ones drawn together, 95 % of the
 * bootstrap. */
typedef enum Verdict { VERDICT_SAME, VERDICT_BETTER, VERDICT_WORSE } Verdict;
typedef struct Comparison {
    Interval difference;
    Verdict verdict; /* SAME: the interval has 0 in it, they cannot be told apart */
} Comparison;

/* What a validation's searches cost, said before they begin, and what they took. */
typedef struct SearchBudget {
    size_t searched; /* candidates with something to tune */
    size_t trials, rungs;
    size_t fits_each; /* inner fits of one search with all trials */
    size_t parts;     /* outer training parts, and all rows */
    size_t fits;      /* inner fits of all candidates in all parts */
    size_t made;      /* counted as they were made */
} SearchBudget;

/* The whole procedure, the choice of the candidate included, as it fared out of fold: inside each
 * outer training part the candidate is chosen anew by the same rule on inner margins. */
typedef struct Nested {
    double **probability; /* [repeat][row] */
    uint32_t **chosen;    /* [repeat][fold] */
    size_t *times;        /* [candidates] how often each was chosen */
    double log_loss, log_loss_error;
    MetricSet *metric; /* [strata] */
} Nested;

typedef struct Validation {
    size_t rows, positives, repeats, folds;
    size_t candidates;
    Candidate *candidate; /* simplest first */
    size_t chosen;
    size_t best; /* by the criterion */
    Criterion criterion;
    Str criterion_name;
    uint32_t **fold; /* [repeats][rows] the folds that judged */
    /* Searches: [candidate][part], part = repeat * folds + fold, the last one all rows. */
    const Searched *searched;
    const InnerPart *part; /* [parts] */
    SearchBudget budget;
    Nested nested;
    CalibrationChoice *calibration;
    Str reason; /* why, in sentences with numbers */
} Validation;

static inline size_t validation_parts(const Validation *v)
{
    return v->repeats * v->folds + 1;
}

/* Repeated stratified cross-validation of the candidates, nested: in each outer training part every
 * candidate's settings are searched for on inner folds (docs/search.md), its sigmoid is fitted on
 * the inner margins of the setting that won, and the fold outside is judged. The candidate kept is
 * the simplest that the best does not beat by more than one standard error of their paired
 * difference in the criterion; what that choice is worth is `nested`. Candidates are compared with
 * Platt's sigmoid; then the maps of the chosen one are compared by the same rule
 * (learn_calibration_enough says which), and its probabilities and figures are by the map chosen.
 * Errors: DATA when a class has fewer customers than folds, or than 4; STOPPED when
 * options->stop said so, with what was finished in options->resume; IO when that file cannot be
 * written.  Memory: keep. */
MUST_USE Status learn_validate(Validation **out, Arena *keep, Arena scratch, const TrainingSet *set,
                               const LearnOptions *options, Team *team, const Progress *progress,
                               Error *err);

/* The margins that a calibration may be fitted on, each from a model that did not see its customer:
 * for the judged fold `fold` of `repeat`, of customers of the other folds alone; with repeat
 * LEARN_ALL_ROWS (fold is ignored) of everyone, for the candidate's final model. `fold` of each row
 * parts them again, for whoever chooses among kinds of calibration by judging them.
 * Memory: keep.  Cost: O(rows).  Cannot fail. */
typedef struct CalibrationPart {
    size_t rows;
    const double *margin; /* [rows] */
    const uint8_t *label; /* [rows] 0 or 1 */
    const uint32_t *row;  /* [rows] of the set */
    const uint32_t *fold; /* [rows] 0 .. folds - 1 */
    size_t folds;
} CalibrationPart;
#define LEARN_ALL_ROWS SIZE_MAX
void learn_calibration_part(CalibrationPart *out, Arena *keep, const TrainingSet *set,
                            const Validation *validation, size_t candidate, size_t repeat,
                            size_t fold);

/* A candidate's model as it judged one fold of one repeat, fitted again with the settings that were
 * tuned for it then: what importance and curves are measured on.  Memory: keep.
 * Cost: one fit (of every part, for a blend). */
typedef struct FoldModel {
    const Model *model;
    const Matrix *x;     /* all rows, as a model of this fold's training part must see them */
    const uint32_t *row; /* [rows] the customers judged */
    size_t rows;
} FoldModel;
void learn_fold_model(FoldModel *out, Arena *keep, Arena scratch, const TrainingSet *set,
                      const Validation *validation, size_t candidate, size_t repeat, size_t fold,
                      const LearnOptions *options);

/* One pass over folds: every customer judged once by a model that did not see them. */
typedef struct OutOfFold {
    const TrainingSet *set; /* other labels, other columns: each pass may have its own */
    const uint32_t *fold;   /* [rows] 0 .. folds - 1 */
    uint64_t seed;
    double *margin; /* [rows] to be filled */
} OutOfFold;
/* The candidate's search and fit, tuning inside each training part, for several passes at once:
 * the negative control and ablations. */
void learn_out_of_fold(const OutOfFold *pass, size_t passes, const Candidate *candidate,
                       const LearnOptions *options, Team *team, Arena scratch);

/* The chosen candidate on all rows, with the chosen kind of map and Venn-Abers from the inner
 * margins of its search on all rows: fitted as the maps that were judged were fitted. */
typedef struct Learned {
    Model *model;
    Calibration calibration;
    VennAbers *venn_abers;
} Learned;
MUST_USE Status learn_final(Learned *out, Arena *keep, Arena scratch, const TrainingSet *set,
                            const Validation *validation, const LearnOptions *options, Team *team,
                            Error *err);

/* What is left where there are too few of a class to learn from: everyone gets the share of
 * positives, smoothed by one of each class, and the widest interval that the labels allow.
 * Memory: keep. */
void learn_nothing(Learned *out, Arena *keep, Arena scratch, const TrainingSet *set);

#endif
