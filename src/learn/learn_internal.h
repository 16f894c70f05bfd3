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
    STREAM_BOOTSTRAP,
    STREAM_TRIALS, /* settings that are drawn */
    STREAM_PAIRED  /* candidates compared */
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

/* ---- calibration maps ---- */

/* Of a normal prior about 1 on a map's slopes. A slope of the order of 1 is what log-odds should
 * have; a standard deviation of 10 says next to nothing against margins that vary, and where they
 * hardly do it keeps the slope from running off to whatever their last digits suggest. */
#define SLOPE_PRECISION (1.0 / (10 * 10))
Beta beta_fit(const double *margin, const uint8_t *label, size_t n, double precision);

/* To be sorted by margin; equal margins become one block or group, so their order is no matter. */
typedef struct Labelled {
    double margin;
    uint8_t label;
} Labelled;
int labelled_by_margin(const void *a, const void *b);

/* Customers of neighbouring margins between whom isotonic regression makes no difference. */
typedef struct Block {
    double customers, positives; /* counts, and shares of imaginary customers */
    double margins;              /* their sum */
    double low, high;            /* margins */
} Block;
/* Pool adjacent violators: blocks of rising rate, in order; out has room for n. */
size_t isotonic_blocks(Block *out, Arena scratch, const double *margin, const uint8_t *label,
                       size_t n);

/* Every metric of out-of-fold probabilities, [strata].  Memory: keep. */
MetricSet *candidate_figures(Arena *keep, double *const *probability, const TrainingSet *set,
                             const LearnOptions *options, Team *team);

/* Compare the kinds of map for the chosen candidate, and make the chosen one's probabilities the
 * candidate's, its figures with them. */
void calibration_choose(Validation *v, Arena *keep, Arena scratch, const TrainingSet *set,
                        const LearnOptions *options, Team *team);

/* ---- what may be tuned: learn_space.c ---- */

/* A single tree is a forest of one. */
static inline bool single_tree(const ForestOptions *o)
{
    return o->apart && o->trees == 1;
}

/* The candidates, simplest first, at their default settings. without_signs: no column of the set
 * has a sign, so boosting with and without them is one.  Memory: keep. */
size_t candidates_new(Candidate **out, Arena *keep, bool without_signs);
/* What a search may change of a candidate; also of one that was put together by hand. */
typedef struct Space {
    Str name; /* whose random numbers its trials are drawn from */
    const Dimension *dimension;
    size_t dimensions;
} Space;
Space space_of(const Candidate *c);
/* The settings of a candidate that has no others. */
Tuned tuned_as_settled(const Candidate *c);
/* The settings of a trial; 0: the default ones. */
Tuned trial_draw(const Space *space, size_t number, uint64_t seed);
/* How the candidate's trees grow under these settings; tuned->trees 0: the most it may have. */
ForestOptions forest_of(const Candidate *c, const Tuned *tuned);

/* ---- one search: learn_search.c ---- */

/* row NULL: all. */
InnerPart inner_part(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows,
                     size_t folds, uint64_t seed);

/* The rows of all folds but one. */
InnerPart outer_part(Arena *keep, const TrainingSet *set, const uint32_t *fold_of, size_t fold,
                     size_t inner_folds, uint64_t seed);

/* Seeds of the model that judges a fold of a repeat, and of the final one. */
uint64_t fold_seed(const LearnOptions *options, size_t repeat, size_t fold);
uint64_t whole_seed(const LearnOptions *options);

/* Memory of the trials and margins is the caller's (searched_new). The rungs of docs/search.md.
 * Cost: search_fits() fits. */
Searched searched_new(Arena *keep, const Candidate *c, const LearnOptions *options, size_t rows);
void search_run(Searched *out, const Candidate *c, const TrainingSet *set, const InnerPart *part,
                const LearnOptions *options, uint64_t seed, Arena scratch);
/* Inner fits of one search with so many trials. */
size_t search_fits(size_t trials, size_t folds);
size_t search_rungs(size_t folds);
/* The trials that the options allow: cut to the budget of fits. 1 for a candidate without
 * anything to tune. */
size_t search_trials(const LearnOptions *options, const Candidate *c);

/* ---- one fit: learn_fit.c ---- */

/* By the penalty of the candidate's kind, from weight on. */
void linear_solve(const Candidate *c, const Design *d, const Tuned *tuned, double *weight,
                  double precision, Arena scratch);
/* keep and scratch must not share a range. A blend has nothing of its own to fit. */
Model *candidate_fit(const Candidate *c, const Tuned *tuned, Arena *keep, const TrainingSet *set,
                     const uint32_t *row, size_t rows, uint64_t seed, Team *team, Arena scratch);
/* Search on the part, train on all of it, and write the margins of the other rows into margin
 * [rows of the set]. */
void candidate_fold(Searched *out, const Candidate *c, const TrainingSet *set,
                    const InnerPart *part, const LearnOptions *options, uint64_t seed,
                    double *margin, Arena scratch);

/* ---- finished searches, kept for the next run: learn_resume.c ---- */

typedef struct Keeper Keeper; /* NULL: nothing is kept */

/* Takes what the file of options->resume holds of these very searches (search[candidates][parts];
 * worked[work]: candidates in the order of the tasks, task = part * work + place), says so, and
 * marks it whole; margins of folds outside go to the candidates'. A file of other inputs or a
 * damaged one is ignored, with a sentence. */
Keeper *keeper_new(Arena *keep, const Validation *v, Searched *searched, const size_t *worked,
                   size_t work, const TrainingSet *set, const LearnOptions *options,
                   const Progress *progress);
/* A task is done: from any thread. Writes the file now and then. */
void keeper_done(Keeper *k, size_t task);
/* Write everything that is whole, and end. False: nothing is kept. */
bool keeper_close(Keeper *k);

/* What the file holds, and its bytes. */
typedef struct Kept {
    const Validation *v;
    Searched *searched;
    const size_t *worked;
    size_t work;
    atomic_uchar *done; /* [tasks] */
    char key[SHA256_TEXT];
} Kept;
/* The SHA-256 of everything that the searches depend on. */
void kept_key(char key[SHA256_TEXT], const Validation *v, const TrainingSet *set,
              const LearnOptions *options, Str identity);
Str kept_write(Arena *keep, const Kept *k);
/* The number of tasks taken over. Nothing is, and *why says why, unless all of it is good. */
size_t kept_read(const Kept *k, Str bytes, const char **why, Arena scratch);

/* ---- calibration inside a part: learn_nested.c ---- */

/* A part of a blend as it enters the mean: learn_sigmoid, so a part whose margins go against the
 * labels says nothing. */
Platt blend_platt(const double *margin, const uint8_t *label, size_t n);
/* The blend's own inner margins: the mean of its parts' log-odds, each row's calibrated on the
 * other inner folds. */
void blend_inner(double *out, const double *const *inner, size_t parts, const InnerPart *part,
                 const uint8_t *label, Arena scratch);
/* How the parts enter the blend outside: calibrated on all their inner margins. */
void blend_platts(Platt *out, const double *const *inner, size_t parts, const InnerPart *part,
                  const uint8_t *label, Arena scratch);
/* What follows from the finished searches of each outer part: the blend's margins, calibrated
 * probabilities of the rows judged, and the choice as it would have been made inside. */
void nested_run(Validation *v, Arena *keep, const TrainingSet *set, const LearnOptions *options,
                Team *team);

/* ---- choosing: learn_choose.c ---- */

/* Mean and standard error over customers; linked ones (group, NULL: nobody) count together. */
double mean_of(const double *value, const uint32_t *group, size_t n, double *error, Arena scratch);
double log_loss_of(double p, uint8_t label);

/* Candidates over the same customers. */
typedef struct Contest {
    size_t candidates, rows, repeats;
    const double *const *const *probability; /* [candidate][repeat][row] */
    const uint8_t *label;
    const uint32_t *group; /* [rows] or NULL */
    size_t replicates;     /* of the bootstrap */
    uint64_t seed;
} Contest;

typedef struct Standing {
    double value;        /* the criterion, mean over repeats */
    double behind;       /* how much worse than the best; 0: it is the best */
    double behind_error; /* standard error of that, paired */
} Standing;

/* One standard error: the simplest candidate that the best does not beat by more than that. */
size_t contest_choose(Standing *out, size_t *best, const Contest *c, Criterion criterion,
                      Team *team, Arena scratch);
/* Each candidate less the chosen one by every measure. out[candidates][CRITERIA] */
void contest_compare(Comparison *out, const Contest *c, size_t chosen, Team *team, Arena scratch);

/* ---- words: learn_words.c ---- */

Str says_of(Arena *keep, const Candidate *c, const Searched *searched, size_t parts);
Str reason_of(Arena *keep, const Validation *v);
Str budget_words(Arena *keep, const SearchBudget *b, const LearnOptions *options);

#endif
