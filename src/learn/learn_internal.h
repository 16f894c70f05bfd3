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

#include <math.h>

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

/* The sum of those of n margins, and the probability of each. */
double margins_loss(const double *margin, const uint8_t *label, size_t n, double *probability);

/* ---- linear ---- */

/* Four doubles at a time, whatever the processor has: every element is a sum of its own, so
 * the order of additions is the same everywhere. */
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));
enum { FOUR = 4 };
static inline double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

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
/* Minimise log loss + l1 |weights| + l2 / 2 |weights|^2, l1 + l2 above 0, from weight (warm start)
 * in place, as above; weights that do not pay their penalty are 0 to the bit. Done when no
 * violation of the optimality conditions (docs/learning.md) exceeds precision * rows. */
void design_solve_l1(const Design *d, double l1, double l2, double *weight, double precision,
                     Arena scratch);
/* How far a weight is from its optimality condition, given the gradient of the smooth part. */
double l1_violation(int8_t sign, double weight, double gradient, double l1);
/* The smallest l1 that leaves nothing but the intercept: where a path begins. */
double design_l1_max(const Design *d, Arena scratch);
/* The weights as a Linear; the frame is filled in and returned. */
Linear *design_linear(const Design *d, const double *weight);
/* Names copied, all numbers 0. */
Linear *linear_frame(Arena *keep, const Matrix *x);
/* No weight but the intercept: the log-odds of the picked rows, of both classes. */
Linear *majority_linear(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows);

/* margin[rows]: each row times the weights. */
void rows_dot(const double *z, size_t rows, size_t width, size_t stride, const double *weight,
              double *margin);
/* gradient[stride] += sum over rows of residual z. */
void gradient_add(const double *z, size_t rows, size_t stride, const double *residual,
                  double *gradient);
/* hessian[width][stride] += sum over rows of curvature z z', upper half by whole vectors; four rows
 * at a time so that each sum is loaded and stored once for four products. */
void hessian_add(const double *z, size_t rows, size_t width, size_t stride, const double *curvature,
                 double *hessian);
/* Solve hessian * step = gradient by Cholesky, upper half, in place. Held weights take step 0. */
void newton_step(double *hessian, size_t stride, size_t n, const uint8_t *held,
                 const double *gradient, double *step);

/* ---- forest ---- */

enum { GROUP = 16 }; /* columns of a tile: their histograms stay in the first-level cache */

/* The picked rows as bin codes, in tiles of GROUP columns: code[(group * rows + row) * GROUP
 * + column % GROUP]. Codes 0 .. count - 1 are value bins in ascending order, count is missing. */
typedef struct Bins {
    size_t rows, columns, groups;
    uint16_t *count; /* [groups * GROUP] 0 beyond the columns */
    uint32_t *cell;  /* [groups * GROUP] of a column's code 0, in its tile's part of a histogram */
    size_t *tile_cell; /* [groups + 1] where a tile's part begins */
    float **cut;       /* [columns][count - 1] a value below cut[b] has a code of at most b */
    bool *closed;      /* [columns] no float lies above every value: cannot split off missing */
    bool *rare; /* [columns] fewer missing rows than missing_least: no split learns from them */
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
    const Bins *bins;
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
    double *watch_wide, *watch_probability; /* [watch_rows] for its loss */
    uint8_t *watch_label;
} Booster;

Booster *booster_new(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows,
                     const uint32_t *watch, size_t watch_rows, const ForestOptions *options,
                     uint64_t seed, Team *team);
/* The same on bins of those rows that exist already: every trial of a search shares them. */
Booster *booster_on(const Bins *bins, Arena *keep, const TrainingSet *set, const uint32_t *row,
                    const uint32_t *watch, size_t watch_rows, const ForestOptions *options,
                    uint64_t seed, Team *team);
void booster_step(Booster *b, Arena scratch); /* one tree more */
double booster_watch_loss(const Booster *b);  /* summed over the watch rows */
Forest *booster_forest(const Booster *b, Arena *keep, size_t trees);

/* The set as a model of these rows must see it: the same one, or one whose matrix was made again
 * for them.  Memory: keep, a whole matrix where there is a refit. */
TrainingSet training_part(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows);

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
/* A part of a blend as it enters the mean: Platt's sigmoid on its margins, but never one that turns
 * them round. A part whose margins go against the labels says nothing. */
Platt blend_platt(const double *margin, const uint8_t *label, size_t n);
/* The blend's out-of-fold margins from its parts': the mean of their log-odds, each calibrated on
 * the margins of the other folds. */
void blend_margins(double *out, double *const *part, size_t parts, const uint32_t *fold,
                   const uint8_t *label, size_t rows, size_t folds, Arena scratch);
/* Tune and train on the rows of other folds; write the margins of this fold's rows. */
Tuned procedure_fold(const Procedure *p, const TrainingSet *set, const uint32_t *fold_of,
                     uint32_t fold, uint64_t seed, double *margin, Arena scratch);

#endif
