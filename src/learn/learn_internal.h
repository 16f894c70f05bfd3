/* learn_internal.h - what the files of learn/ share with each other and with their tests.
 *
 * A fit goes: pick rows -> prepare what the rows alone decide (bins, scales) -> solve ->
 * lay out as the model room's structs. Preparing is apart from solving because a penalty
 * path solves the same prepared rows eight times, and because five boosters of the inner
 * folds must advance in step to be stopped together.
 */
#ifndef LEARN_INTERNAL_H
#define LEARN_INTERNAL_H

#include "learn/learn.h"

/* Streams of random numbers that never meet: seed_derive(seed, one of these). */
enum {
    STREAM_OUTER = 1, /* folds that judge */
    STREAM_INNER,     /* folds that tune */
    STREAM_TREES,
    STREAM_FINAL,
    STREAM_BOOTSTRAP
};

/* The row numbers 0 .. rows - 1 when row is NULL, else row itself. */
const uint32_t *rows_or_all(Arena *keep, const uint32_t *row, size_t rows);

/* The row that stands for each row's group: its first one, itself when nobody is linked (group
 * NULL). Answers the number of groups. */
size_t group_firsts(uint32_t *of, const uint32_t *group, size_t rows, Arena scratch);

/* From how many missing rows on a model may learn from their being missing: 5, and 1 % of the
 * rows. Fewer are an accident of how those customers came into the files (two versions of a row
 * that disagree, say), and no measure of anyone: the rule of categories' levels. */
static inline size_t missing_least(size_t rows)
{
    return rows / 100 > 5 ? rows / 100 : 5;
}

/* Log loss of a margin: log(1 + exp(-m)) for a positive, log(1 + exp(m)) for a negative. */
double margin_loss(double margin, uint8_t label);

/* team_run, but a NULL team costs nothing: the tasks use the caller's scratch. */
static inline void share_out(Team *team, size_t count, TeamTask *task, void *context, Arena scratch)
{
    if (team != NULL)
        team_run(team, count, task, context);
    else
        for (size_t i = 0; i < count; i++)
            task(context, i, scratch);
}

/* ---- linear ---- */

/* The picked rows as doubles: a constant 1, the varying columns standardised, then one
 * column for each pattern of missing values that missing_least rows share, standardised too.
 * Row-major with a stride of whole vectors; the padding is zero. */
typedef struct Design {
    Linear *frame; /* transform, center, scale, low, high are set; weights are not */
    size_t rows, width, stride;
    size_t inputs;     /* design columns 1 .. inputs are matrix columns */
    uint32_t *column;  /* [inputs] which */
    size_t groups;     /* design columns inputs + 1 .. inputs + groups */
    uint32_t *group;   /* [matrix columns] its group of missing values, UINT32_MAX without */
    uint32_t *members; /* [groups] how many columns share the pattern */
    double *group_center, *group_scale; /* [groups] */
    double *z;                          /* [rows][stride] */
    uint8_t *label;                     /* [rows] */
    int8_t *sign;                       /* [width] the sign a weight must keep, 0 free */
} Design;

/* The frame goes to keep, all else to work; both may be the same arena. */
Design *design_new(Arena *keep, Arena *work, const TrainingSet *set, const uint32_t *row,
                   size_t rows);
/* One row of any matrix with the same columns, in the design's terms. */
void design_row(const Design *d, const float *x, double *z);
/* Minimise log loss + l2 / 2 |weights|^2 from weight (warm start) in place; [width]. Done when
 * no gradient exceeds precision * rows: to the last digits for a model that is kept, to what
 * a comparison of penalties can see for one that is not. */
#define PRECISION_FIT  1e-10
#define PRECISION_TUNE 1e-5
void design_solve(const Design *d, double l2, double *weight, double precision, Arena scratch);
/* The weights as a Linear; the frame is filled in and returned. */
Linear *design_linear(const Design *d, const double *weight);

/* ---- forest ---- */

enum { GROUP = 16 }; /* columns of a tile: their histograms stay in the first-level cache */

/* The picked rows as bin codes, in tiles of GROUP columns: code[(group * rows + row) * GROUP
 * + column % GROUP]. Codes 0 .. count - 1 are value bins in ascending order, count is missing. */
typedef struct Bins {
    size_t rows, columns, groups, stride; /* stride: codes of the widest column, rounded up */
    uint16_t *count;                      /* [columns] */
    float **cut;  /* [columns][count - 1] a value below cut[b] has a code of at most b */
    bool *closed; /* [columns] no float lies above every value: cannot split off missing */
    bool *rare;   /* [columns] fewer missing rows than missing_least: no split learns from them */
    uint8_t *code;
} Bins;

/* Cuts between distinct values, at most `bins` bins of about equal counts; heavy values get a
 * bin of their own. */
Bins *bins_new(Arena *keep, const Matrix *x, const uint32_t *row, size_t rows, size_t bins,
               Team *team);
static inline const uint8_t *bins_tile(const Bins *b, size_t group)
{
    return b->code + group * b->rows * GROUP;
}

typedef struct TreeNode {
    uint32_t left, right, column; /* children within the tree; left 0: a leaf */
    float threshold, cover, gain;
    bool default_left;
    uint8_t bin;
} TreeNode;

/* Gradient and hessian of a row in one word: the gradient in the upper half, the hessian in
 * the lower, both fixed point; one addition serves both. The units are so chosen that sums
 * over FIXED_ROWS rows fit their halves; then they are added to wide sums. */
enum { FIXED_ROWS = 1 << 14 };
typedef struct Fixed {
    double gradient_unit, hessian_unit; /* value of one count */
} Fixed;

typedef struct Sum {
    int64_t gradient, hessian;
} Sum;

typedef struct Grower Grower; /* memory and settings for growing one tree after another */

Grower *grower_new(Arena *keep, const Bins *bins, const int8_t *monotone,
                   const ForestOptions *options, Team *team);
/* Grow a tree on rows sample[0 .. count - 1] (ascending; reordered so that a leaf's rows are
 * together). Each row's leaf is added to its margin. seed: of the columns drawn for each leaf.
 * Answers the number of nodes. */
size_t grower_tree(Grower *g, TreeNode *node, uint32_t *sample, size_t count, const int64_t *packed,
                   Fixed fixed, const uint8_t *column_in, uint64_t seed, float *margin,
                   Arena scratch);
/* in[i] = 1 for a share of the items (at least one), each subset of that size as likely; the order
 * of draws is the order of items. */
void draw_share(uint8_t *in, size_t n, double share, Random *random);
size_t grower_nodes_max(const ForestOptions *options, size_t rows);

/* Where a raw row ends up. */
float tree_value(const TreeNode *tree, const float *x);

typedef struct Booster {
    const TrainingSet *set;
    const ForestOptions *options;
    const uint32_t *row; /* [rows] of the set */
    size_t rows;
    uint64_t seed;
    Bins *bins;
    Grower *grower;
    Team *team;
    float base;
    float *margin;    /* [rows] */
    int64_t *packed;  /* [rows] */
    uint32_t *sample; /* [rows] */
    uint8_t *drawn;   /* [rows] in this tree's sample */
    uint8_t *column_in;
    size_t trees;
    size_t *root; /* [options->trees + 1] */
    TreeNode *node;
    const uint32_t *watch;
    size_t watch_rows;
    float *watch_margin;
} Booster;

Booster *booster_new(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows,
                     const uint32_t *watch, size_t watch_rows, const ForestOptions *options,
                     uint64_t seed, Team *team);
void booster_step(Booster *b, Arena scratch); /* one tree more */
double booster_watch_loss(const Booster *b);  /* summed over the watch rows */
Forest *booster_forest(const Booster *b, Arena *keep, size_t trees);

/* The set as a model of these rows must see it: the same one, or one whose matrix was made again
 * for them.  Memory: keep, a whole matrix where there is a refit. */
TrainingSet training_part(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows);

/* ---- calibration maps ---- */

/* Of a normal prior about 1 on a map's slopes. A slope of the order of 1 is what log-odds should
 * have; a standard deviation of 10 says next to nothing against margins that vary, and where they
 * hardly do it keeps the slope from running off to whatever their last digits suggest. */
#define SLOPE_PRECISION (1.0 / (10 * 10))
Beta beta_fit(const double *margin, const uint8_t *label, size_t n, double precision);

/* Customers of neighbouring margins between whom isotonic regression makes no difference. */
typedef struct Block {
    double customers, positives; /* counts, and shares of imaginary customers */
    double margins;              /* their sum */
    double low, high;            /* margins */
} Block;
/* Pool adjacent violators: blocks of rising rate, in order; out has room for n. */
size_t isotonic_blocks(Block *out, Arena scratch, const double *margin, const uint8_t *label,
                       size_t n);

/* Compare the kinds of map for the chosen candidate, and make the chosen one's probabilities the
 * candidate's, its figures with them. */
void calibration_choose(Validation *v, Arena *keep, Arena scratch, const TrainingSet *set,
                        const LearnOptions *options, Team *team);

/* ---- one whole procedure: tune inside the rows, then fit on all of them ---- */

extern const double l2_grid[];
extern const size_t l2_grid_size;

/* The penalty with the lowest log loss over inner folds of the rows. */
double tune_linear(const TrainingSet *set, const uint32_t *row, size_t rows, size_t folds,
                   uint64_t seed, Arena scratch);
/* The number of leaves of a single tree with the lowest log loss over inner folds. */
size_t tune_leaves(const TrainingSet *set, const uint32_t *row, size_t rows, size_t folds,
                   const ForestOptions *options, uint64_t seed, Arena scratch);
/* The number of trees with the lowest log loss pooled over inner folds. */
size_t tune_forest(const TrainingSet *set, const uint32_t *row, size_t rows, size_t folds,
                   const ForestOptions *options, uint64_t seed, Arena scratch);

typedef struct Procedure {
    ModelKind kind;
    size_t inner_folds;
    ForestOptions forest;
    size_t parts; /* a blend's */
    const Candidate *const *part;
} Procedure;

typedef struct Tuned {
    double l2;     /* linear */
    size_t trees;  /* forest */
    size_t leaves; /* single tree */
} Tuned;

/* A single tree is a forest of one, and has leaves to tune instead of trees. */
static inline bool single_tree(const ForestOptions *o)
{
    return o->apart && o->trees == 1;
}

Procedure procedure_of(const Candidate *c, const LearnOptions *options);
Tuned procedure_tune(const Procedure *p, const TrainingSet *set, const uint32_t *row, size_t rows,
                     uint64_t seed, Arena scratch);
/* keep and scratch must not share a range. */
Model *procedure_fit(const Procedure *p, Tuned tuned, Arena *keep, const TrainingSet *set,
                     const uint32_t *row, size_t rows, uint64_t seed, Team *team, Arena scratch);
/* A part of a blend as it enters the mean: learn_sigmoid, so a part whose margins go against the
 * labels says nothing. */
Platt blend_platt(const double *margin, const uint8_t *label, size_t n);
/* The blend's out-of-fold margins from its parts': the mean of their log-odds, each calibrated on
 * the margins of the other folds. */
void blend_margins(double *out, double *const *part, size_t parts, const uint32_t *fold,
                   const uint8_t *label, size_t rows, size_t folds, Arena scratch);
/* Tune and train on the rows of other folds; write the margins of this fold's rows. */
Tuned procedure_fold(const Procedure *p, const TrainingSet *set, const uint32_t *fold_of,
                     uint32_t fold, uint64_t seed, double *margin, Arena scratch);

#endif
