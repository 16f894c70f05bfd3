/* model.h - linear models, forests and blends: read, write, score, explain, calibrate.
 *
 * A Model maps a row of the Matrix to a margin (log-odds before calibration). It is never
 * changed once read: any number of threads may share it. Forests are read in XGBoost's JSON or
 * UBJSON and written in its JSON; linear models and blends in a small JSON of ours. Feature names
 * travel with the model and must equal the matrix's. Nothing here can train.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "table/table.h"

/* Bounds of what is read; the trainer keeps to them too. */
enum {
    FOREST_TREES_MAX = 100000,
    FOREST_NODES_MAX = 1 << 26,
    FOREST_DEPTH_MAX = 64, /* splits between a root and a leaf */
    MODEL_COLUMNS_MAX = 65536,
    MODEL_BYTES_MAX = 1 << 30, /* of JSON */
    BLEND_PARTS_MAX = 16
};

/* Forest - gradient-boosted trees laid flat in parallel arrays; a node is an index into
 * them. Tree t's nodes are root[t] .. root[t + 1] - 1, root first; children are absolute
 * indexes, left > 0; left == 0 marks a leaf. A row goes left when value < threshold; NaN
 * goes the default way. All comparisons and sums are float32, as XGBoost's are. */
typedef struct Paths Paths;
typedef struct Forest {
    size_t columns;
    Str *name;         /* [columns] */
    float base_margin; /* forest_base_margin of the file's base_score */
    size_t trees;
    size_t nodes;
    uint32_t *root; /* [trees + 1] */
    uint32_t *left, *right;
    uint32_t *column;
    float *threshold; /* of a leaf: its value */
    uint8_t *default_left;
    float *cover;       /* sum of hessians that reached the node, for SHAP */
    float *gain;        /* of a split, for XGBoost's JSON and importance */
    const Paths *paths; /* what model_prepare found; NULL: nothing */
} Forest;

/* The log-odds of base_score in (0, 1), in float32 as XGBoost takes it. A file holds base_score,
 * so a margin that is to survive writing comes from here; base score 0.5 gives 0. */
float forest_base_margin(float base_score);

/* The arrays of a forest whose trees are counted, for so many nodes; root begins with 0 and the
 * rest is to be filled.  Memory: keep. */
void forest_room(Forest *f, Arena *keep, size_t nodes);

/* Linear - log-odds = intercept + sum of weight * z, z = (transform(x) - center) / scale;
 * a missing x has z = 0 and adds weight_missing. low and high may be infinite. */
typedef enum Transform {
    TRANSFORM_NONE,
    TRANSFORM_SIGNED_LOG
} Transform; /* sign(x) log(1 + |x|) */
typedef struct Linear {
    size_t columns;
    Str *name;
    Transform *transform;
    double *center, *scale, *weight, *weight_missing; /* [columns] */
    double *low, *high; /* transformed values are clipped to these before centring */
    double intercept;
} Linear;

/* Blend - the weighted mean of its parts' calibrated log-odds: sum of
 * weight * (slope * margin + intercept). Parts are linear models or forests over the same columns.
 */
typedef struct Model Model;
typedef struct Blend {
    size_t parts;
    const Model **part;
    double *weight, *slope, *intercept; /* [parts] */
} Blend;

typedef enum ModelKind { MODEL_LINEAR, MODEL_FOREST, MODEL_BLEND } ModelKind;
struct Model {
    ModelKind kind;
    const Linear *linear; /* one of the three */
    const Forest *forest;
    const Blend *blend;
};
Str model_kind_name(const Model *m); /* in words: "logistic regression", "forest", "blend" */

size_t model_columns(const Model *m, const Str **names);

/* Read XGBoost's JSON or UBJSON, or our JSON. FORMAT names what is at fault (tree and node for a
 * forest): unknown booster, dart, multiclass, categorical splits, unknown fields, cycles, children
 * out of range, non-finite numbers are refused by name; LIMIT when a bound above is passed. The
 * place in a file is the caller's to add.  Memory: keep.  Cost: O(bytes). */
MUST_USE Status model_read(Model **out, Arena *keep, Str bytes, Error *err);

/* The same model over the columns of a matrix, in the matrix's order; columns that the model does
 * not have change nothing. DATA names a column of the model that the matrix lacks.  Memory: keep.
 */
MUST_USE Status model_align(Model **out, Arena *keep, const Model *m, const Str *name,
                            size_t columns, Error *err);

/* XGBoost JSON (schema of version 2.x, opened by 1.7 to 3.x) or ours; floats with 9 digits,
 * doubles with 17; reading it back gives an equal model and equal bytes when written again.
 * Asserts that numbers are finite and base_margin is one that forest_base_margin gives. */
Str model_write(Arena *keep, const Model *m);

/* margin[0 .. rows - 1].  Cost: O(rows * trees * depth), and O(nodes) to lay trees out for many
 * rows. Cannot fail. Asserts that the columns are the model's, by name. */
void model_margin(const Model *m, const Matrix *x, double *margin);

/* Additive contributions: phi[rows][columns + 1], bias last. Linear: weight * (z - mean z), the
 * mean being 0 by construction of center. Forest: exact path-dependent TreeSHAP; a split's children
 * share by their covers. Blend: the weighted sum of its parts'. Asserted of every row: what the
 * algorithm gives and the mean over the covers add up to the margin; what float32 rounds off the
 * margin (about 1e-7 of it a tree, at most) is then added to the bias, so a row sums to its margin.
 * Source: Lundberg, Erion, Lee 2018, algorithm 2; docs/model.md.
 * Cost: O(rows * trees * nodes of a tree * depth). */
void model_explain(const Model *m, const Matrix *x, Arena scratch, double *phi);

/* model_margin and model_explain at once, with the same bits for less than the two cost. */
void model_answer(const Model *m, const Matrix *x, Arena scratch, double *margin, double *phi);

/* Find once what model_explain needs of every forest and no row changes: it is several times
 * quicker then, with the same bits. Nothing is kept for a forest that would take more than 32 MiB,
 * and at most 1 MiB more for small trees (docs/model.md).
 * Memory: keep.  Cost: O(nodes * depth). */
void model_prepare(Model *m, Arena *keep);

/* Calibration - a non-decreasing map from margin to calibrated log-odds; the probability is their
 * sigmoid. The kinds, simplest first:
 *   platt     slope * margin + intercept.  Source: Platt 1999; targets as in his section 2.2.
 *   beta      a log s - b log(1 - s) + c with s = sigmoid(margin), a, b >= 0: Platt when a = b,
 * else another slope below 0 than above.  Source: Kull, Silva Filho and Flach 2017. isotonic linear
 * between knots, the last value beyond the outermost: no probability is 0 or 1. Source: Zadrozny
 * and Elkan 2002; Jiang and others 2011 for the lines.
 */
typedef struct Platt {
    double slope, intercept;
} Platt;
double platt_apply(Platt c, double margin);

typedef struct Beta {
    double a, b, c;
} Beta;

typedef struct Isotonic {
    size_t knots;     /* at least 1 */
    double *margin;   /* ascending */
    double *log_odds; /* never falling, finite */
} Isotonic;

typedef enum CalibrationKind {
    CALIBRATION_PLATT,
    CALIBRATION_BETA,
    CALIBRATION_ISOTONIC,
    CALIBRATION_KINDS
} CalibrationKind;
Str calibration_name(CalibrationKind kind); /* "platt", "beta", "isotonic" */

typedef struct Calibration {
    CalibrationKind kind;
    Platt platt; /* one of the three */
    Beta beta;
    const Isotonic *isotonic;
} Calibration;

/* Cost: O(1), isotonic O(log knots). */
double calibration_log_odds(const Calibration *c, double margin);
double calibration_apply(const Calibration *c, double margin); /* the probability */

/* Turn a row of model_explain's, phi[columns + 1] with the bias last, into contributions on the
 * calibrated log-odds. Platt is a line: each is multiplied by the slope, and they sum exactly. Any
 * other map L is taken along its chord from the bias m0 to the margin m: each contribution is
 * multiplied by (L(m) - L(m0)) / (m - m0) >= 0 and the bias becomes L(m0), so signs, order and
 * ratios stand and the sum is L(m). These are the Aumann-Shapley values of L of a sum. Source:
 * Sundararajan, Taly and Yan 2017; the rescale rule of Shrikumar and others 2017. Asserts that they
 * sum to the calibrated log-odds. */
void calibration_contributions(const Calibration *c, double margin, size_t columns, double *phi);

/* VennAbers - for a margin, the calibrated probabilities p0 and p1 that isotonic regression
 * gives when the customer is added as a negative or a positive; an interval of what the data
 * supports, not a confidence bound. Stored as step tables over the distinct calibration
 * margins, so it holds no customer.  Source: Vovk and Petej 2014. */
typedef struct VennAbers {
    size_t steps;
    double *margin;  /* ascending */
    double *p0, *p1; /* of margins in [margin[i], margin[i + 1]); i = 0 also below */
} VennAbers;
/* The step of the largest margin[i] <= margin.  Cost: O(log steps). No steps: 0 and 1. */
void venn_abers_apply(const VennAbers *v, double margin, double *p0, double *p1);

#endif
