#include "learn/learn_internal.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

/* Whole-data settings, so that a tree can be followed by hand. */
static ForestOptions plain_options(void)
{
    ForestOptions o = forest_options_default();
    o.bins = 255;
    o.row_share = o.column_share = 1;
    o.patience = 0;
    return o;
}

/* A made-up set: some columns tell, some hold few values, some have holes. */
static Matrix *made_rows(Arena *keep, uint8_t *label, size_t rows, size_t columns, uint64_t seed)
{
    Random r = random_new(seed);
    Matrix *x = matrix_new(keep, rows, columns);
    for (size_t c = 0; c < columns; c++)
        x->name[c] = str_format(keep, "c%zu", c);
    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        for (size_t c = 0; c < columns; c++) {
            double v = random_normal(&r);
            if (c % 3 == 1)
                v = floor(v * 2);
            bool missing = c % 4 == 2 && random_uniform(&r) < 0.2;
            x->value[i * columns + c] = missing ? NAN : (float)v;
            sum += missing ? 0.8 : c < 4 ? v * (c == 1 ? -0.5 : 1) : 0;
        }
        label[i] = random_uniform(&r) < stable_sigmoid(sum - 0.7);
    }
    return x;
}

static Forest *grow(Arena *keep, Arena *other, const TrainingSet *set, const ForestOptions *o,
                    Team *team)
{
    Forest *f = NULL;
    Error err = {0};
    assert_int_equal(learn_forest(&f, keep, *other, set, NULL, 0, NULL, 0, o, team, &err),
                     STATUS_OK);
    return f;
}

static double auc_of(const Forest *f, const Matrix *x, const uint8_t *label, Arena scratch)
{
    Model m = {.kind = MODEL_FOREST, .forest = f};
    double *margin = ARENA_ARRAY(&scratch, double, x->rows);
    model_margin(&m, x, margin);
    return metric_auc(margin, label, x->rows, scratch);
}

/* ---- against brute force ---- */

typedef struct Best {
    double gain, left_gradient, left_hessian;
    size_t column;
    float threshold;
    bool missing_left;
} Best;

/* Every threshold between neighbouring values of every column, missing either way, in plain
 * doubles from the raw rows. With fewer than five missing rows in a column the others alone are
 * summed for the gain, and the missing ones are then laid on the heavier side. */
static Best split_by_force(const Matrix *x, const double *g, const double *h, const uint8_t *in,
                           const ForestOptions *o)
{
    Best best = {0};
    double all_g = 0, all_h = 0;
    for (size_t i = 0; i < x->rows; i++) {
        all_g += in[i] ? g[i] : 0;
        all_h += in[i] ? h[i] : 0;
    }
    for (size_t c = 0; c < x->columns; c++) {
        size_t missing = 0;
        double missing_g = 0, missing_h = 0;
        for (size_t i = 0; i < x->rows; i++)
            if (in[i] && is_missing((double)matrix_row(x, i)[c])) {
                missing++;
                missing_g += g[i];
                missing_h += h[i];
            }
        bool rare = missing < 5;
        double base_g = all_g - (rare ? missing_g : 0), base_h = all_h - (rare ? missing_h : 0);
        for (size_t k = 0; k < x->rows; k++)
            for (int missing_left = rare ? 0 : 1; missing_left >= 0; missing_left--) {
                float edge = matrix_row(x, k)[c];
                if (edge != edge || !in[k])
                    continue;
                double left_g = 0, left_h = 0;
                for (size_t i = 0; i < x->rows; i++) {
                    float v = matrix_row(x, i)[c];
                    if (in[i] && (v != v ? missing_left : v <= edge)) {
                        left_g += g[i];
                        left_h += h[i];
                    }
                }
                double right_g = base_g - left_g, right_h = base_h - left_h;
                if (left_h < o->hessian_min || right_h < o->hessian_min || left_h < 1e-9 ||
                    right_h < 1e-9)
                    continue;
                double gain = left_g * left_g / (left_h + o->l2) +
                              right_g * right_g / (right_h + o->l2) -
                              base_g * base_g / (base_h + o->l2);
                if (gain <= best.gain + 1e-9)
                    continue;
                best = (Best){gain, left_g, left_h, c, edge, missing_left};
                if (rare && left_h > right_h - 1e-9) {
                    best.left_gradient += missing_g;
                    best.left_hessian += missing_h;
                    best.missing_left = true;
                }
            }
    }
    return best;
}

static void forest_split_equals_brute_force(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    size_t split = 0, few = 0, many = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        uint8_t label[48], in[48];
        size_t rows = 20 + (size_t)seed % 28;
        Matrix *x = made_rows(&keep, label, rows, 5, seed);
        label[0] = label[1] = 1;
        label[2] = label[3] = 0;
        TrainingSet set = {.x = x, .label = label};
        ForestOptions o = plain_options();
        o.trees = 1;
        o.depth = 1;
        o.hessian_min = 0.5;
        o.l2 = 1;
        o.learning_rate = 1;
        Forest *f = grow(&keep, &scratch, &set, &o, NULL);
        double g[48], h[48], p = stable_sigmoid((double)f->base_margin);
        for (size_t i = 0; i < rows; i++) {
            g[i] = p - label[i];
            h[i] = p * (1 - p);
            in[i] = 1;
        }
        Best best = split_by_force(x, g, h, in, &o);
        if (best.gain == 0) {
            assert_int_equal(f->nodes, 1);
            continue;
        }
        size_t missing = 0;
        for (size_t i = 0; i < rows; i++)
            missing += is_missing((double)matrix_row(x, i)[best.column]);
        split++;
        few += missing > 0 && missing < 5;
        many += missing >= 5;
        assert_int_equal(f->nodes, 3);
        assert_int_equal(f->column[0], best.column);
        assert_near((double)f->gain[0], best.gain, 1e-4);
        assert_near((double)f->threshold[f->left[0]],
                    -best.left_gradient / (best.left_hessian + o.l2), 1e-5);
        assert_near((double)f->cover[f->left[0]], best.left_hessian, 1e-5);
    }
    assert_true(split > 50 && few > 0 && many > 0);
    arena_free(&keep);
    arena_free(&scratch);
}

static void forest_threshold_lies_midway(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 40 };
    Matrix *x = matrix_new(&keep, ROWS, 1);
    uint8_t label[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        label[i] = i >= 20;
        x->value[i] = label[i] ? 3 : 1;
    }
    x->name[0] = S("x");
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = plain_options();
    o.trees = 1;
    o.depth = 4;
    Forest *f = grow(&keep, &scratch, &set, &o, NULL);
    assert_int_equal(f->nodes, 3);
    assert_true(f->threshold[0] == 2);
    assert_true(f->threshold[f->left[0]] < 0 && f->threshold[f->right[0]] > 0);
    /* Neighbouring floats have nothing between them: the upper one is the threshold. */
    for (size_t i = 0; i < ROWS; i++)
        x->value[i] = label[i] ? nextafterf(1, 2) : 1;
    f = grow(&keep, &scratch, &set, &o, NULL);
    assert_true(f->threshold[0] == nextafterf(1, 2));
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- missing values ---- */

static Forest *missing_forest(Arena *keep, Arena *scratch, Matrix *x, uint8_t *label,
                              bool missing_is_risky, bool values_tell)
{
    Random r = random_new(3);
    for (size_t i = 0; i < x->rows; i++) {
        bool missing = i % 4 == 0;
        label[i] = (missing ? missing_is_risky : values_tell && i % 2) ? i % 8 < 7 : i % 8 == 7;
        x->value[i] =
            missing ? NAN : (float)((values_tell ? (double)(i % 2) * 10 : 0) + random_uniform(&r));
    }
    x->name[0] = S("x");
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = plain_options();
    o.trees = 1;
    o.depth = 1;
    return grow(keep, scratch, &set, &o, NULL);
}

static void forest_missing_value_goes_to_the_better_side(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 400 };
    uint8_t label[ROWS];
    Matrix *x = matrix_new(&keep, ROWS, 1);
    Forest *risky = missing_forest(&keep, &scratch, x, label, true, true);
    assert_int_equal(risky->nodes, 3);
    assert_false(risky->default_left[0]); /* with the high values, which are risky */
    Forest *safe = missing_forest(&keep, &scratch, x, label, false, true);
    assert_int_equal(safe->nodes, 3);
    assert_true(safe->default_left[0]);
    arena_free(&keep);
    arena_free(&scratch);
}

static void forest_can_part_missing_from_all_values(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 400 };
    uint8_t label[ROWS];
    Matrix *x = matrix_new(&keep, ROWS, 1);
    Forest *f = missing_forest(&keep, &scratch, x, label, true, false);
    assert_int_equal(f->nodes, 3);
    assert_true(f->threshold[0] == FLT_MAX && !f->default_left[0]);
    assert_true(f->threshold[f->right[0]] > f->threshold[f->left[0]]);
    arena_free(&keep);
    arena_free(&scratch);
}

/* One split on a column whose `low` safe rows are below its `high` risky ones; `missing` rows
 * more lack it, all with one label. */
static Forest *sided_forest(Arena *keep, Arena *scratch, size_t low, size_t high, size_t missing,
                            uint8_t missing_label)
{
    size_t rows = low + high + missing;
    Matrix *x = matrix_new(keep, rows, 1);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, rows);
    for (size_t i = 0; i < rows; i++) {
        x->value[i] = i < low ? 1 : i < low + high ? 3 : NAN;
        label[i] = i < low ? i % 8 == 0 : i < low + high ? i % 8 != 0 : missing_label;
    }
    x->name[0] = S("x");
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = plain_options();
    o.trees = 1;
    o.depth = 1;
    Forest *f = grow(keep, scratch, &set, &o, NULL);
    assert_int_equal(f->nodes, 3);
    assert_true(f->threshold[0] == 2);
    return f;
}

static void forest_too_few_missing_rows_follow_the_larger_cover(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    /* Four rows say the one thing or the other: nobody listens. Five are heard. */
    assert_true(sided_forest(&keep, &scratch, 300, 100, 4, 1)->default_left[0]);
    assert_false(sided_forest(&keep, &scratch, 300, 100, 5, 1)->default_left[0]);
    assert_false(sided_forest(&keep, &scratch, 100, 300, 4, 0)->default_left[0]);
    assert_true(sided_forest(&keep, &scratch, 100, 300, 5, 0)->default_left[0]);
    /* None at all are too few as well, and a tie goes left. */
    assert_true(sided_forest(&keep, &scratch, 300, 100, 0, 0)->default_left[0]);
    assert_false(sided_forest(&keep, &scratch, 100, 300, 0, 0)->default_left[0]);
    assert_true(sided_forest(&keep, &scratch, 200, 200, 4, 1)->default_left[0]);
    /* 1 % of the rows, once that is more than 5. */
    assert_true(sided_forest(&keep, &scratch, 700, 200, 8, 1)->default_left[0]);
    assert_false(sided_forest(&keep, &scratch, 700, 200, 9, 1)->default_left[0]);
    arena_free(&keep);
    arena_free(&scratch);
}

static void forest_gains_nothing_from_too_few_missing_rows(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 80 };
    uint8_t label[ROWS];
    Matrix *x = matrix_new(&keep, ROWS, 1);
    x->name[0] = S("x");
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = plain_options();
    o.trees = 1;
    o.hessian_min = 0;
    /* Holes at positives alone, of a column that says nothing else. */
    for (size_t missing = 1; missing <= 6; missing++) {
        for (size_t i = 0; i < ROWS; i++) {
            label[i] = i % 4 == 0;
            x->value[i] = i % 4 == 0 && i / 4 < missing ? NAN : 1;
        }
        Forest *f = grow(&keep, &scratch, &set, &o, NULL);
        assert_int_equal(f->nodes, missing < 5 ? 1 : 3);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

static void forest_survives_infinite_and_missing_columns(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 60 };
    uint8_t label[ROWS];
    Matrix *x = made_rows(&keep, label, ROWS, 4, 9);
    for (size_t i = 0; i < ROWS; i++) {
        x->value[i * 4] = i % 3 == 0 ? INFINITY : i % 3 == 1 ? -INFINITY : FLT_MAX;
        x->value[i * 4 + 1] = NAN;
        x->value[i * 4 + 2] = i % 3 == 0 ? NAN : INFINITY;
        label[i] = i % 3 == 0;
    }
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = plain_options();
    Forest *f = grow(&keep, &scratch, &set, &o, NULL);
    for (size_t i = 0; i < f->nodes; i++)
        assert_true(isfinite(f->threshold[i]));
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- monotone ---- */

static void forest_monotone_column_never_lowers_the_margin(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 500, COLUMNS = 5, STEPS = 60 };
    uint8_t label[ROWS];
    /* Column 0 raises the risk, 1 lowers it: the wrong constraints must hold all the same. */
    const int8_t both[2][COLUMNS] = {{1, -1, 0, 0, 0}, {-1, 1, 0, 0, 0}};
    Matrix *x = made_rows(&keep, label, ROWS, COLUMNS, 11);
    for (size_t k = 0; k < 2; k++) {
        TrainingSet set = {.x = x, .label = label, .monotone = both[k]};
        ForestOptions o = forest_options_default();
        o.trees = 120;
        o.depth = 5;
        o.patience = 0;
        Forest *f = grow(&keep, &scratch, &set, &o, NULL);
        Model m = {.kind = MODEL_FOREST, .forest = f};
        Matrix *line = matrix_new(&keep, STEPS, COLUMNS);
        memcpy(line->name, x->name, COLUMNS * sizeof(Str));
        double margin[STEPS];
        size_t moved = 0;
        for (size_t row = 0; row < 80; row++)
            for (size_t c = 0; c < 2; c++) {
                for (size_t i = 0; i < STEPS; i++) {
                    float *to = line->value + i * COLUMNS;
                    memcpy(to, matrix_row(x, row), COLUMNS * sizeof(float));
                    to[c] = (float)i / 10 - 3;
                }
                model_margin(&m, line, margin);
                for (size_t i = 1; i < STEPS; i++) {
                    assert_true(both[k][c] * (margin[i] - margin[i - 1]) >= -1e-6);
                    moved += margin[i] != margin[i - 1];
                }
            }
        if (k == 0)
            assert_true(moved > 1000); /* constrained, not switched off */
        double free_auc, auc = auc_of(f, x, label, scratch);
        set.monotone = NULL;
        free_auc = auc_of(grow(&keep, &scratch, &set, &o, NULL), x, label, scratch);
        assert_true(auc < free_auc);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

/* The few rows join a side after the split is chosen and may pull its weight past the other's. */
static void forest_monotone_holds_whatever_too_few_missing_rows_say(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 60, STEPS = 50 };
    for (uint64_t seed = 0; seed < 30; seed++) {
        Random r = random_new(seed);
        uint8_t label[ROWS];
        Matrix *x = matrix_new(&keep, ROWS, 1), *line = matrix_new(&keep, STEPS, 1);
        x->name[0] = line->name[0] = S("x");
        for (size_t i = 0; i < ROWS; i++) {
            double v = random_normal(&r);
            bool missing = i < 4;
            x->value[i] = missing ? NAN : (float)v;
            label[i] = missing ? (uint8_t)(seed % 2)
                               : random_uniform(&r) < stable_sigmoid(0.4 * v + (seed % 2 ? -1 : 1));
        }
        for (size_t i = 0; i < STEPS; i++)
            line->value[i] = (float)i / 10 - 2.5F;
        const int8_t up[1] = {1};
        TrainingSet set = {.x = x, .label = label, .monotone = up};
        ForestOptions o = plain_options();
        o.trees = 40;
        o.hessian_min = 0.1;
        o.l2 = 0;
        double margin[STEPS];
        model_margin(
            &(Model){.kind = MODEL_FOREST, .forest = grow(&keep, &scratch, &set, &o, NULL)}, line,
            margin);
        for (size_t i = 1; i < STEPS; i++)
            assert_true(margin[i] >= margin[i - 1] - 1e-6);
        assert_true(margin[STEPS - 1] > margin[0]);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- limits ---- */

static size_t depth_of(const Forest *f, uint32_t node)
{
    if (f->left[node] == 0)
        return 0;
    size_t left = depth_of(f, f->left[node]), right = depth_of(f, f->right[node]);
    return 1 + (left > right ? left : right);
}

static void forest_keeps_to_its_limits(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 600 };
    uint8_t label[ROWS];
    Matrix *x = made_rows(&keep, label, ROWS, 8, 4);
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = plain_options();
    o.trees = 20;
    o.depth = 10;
    o.leaves = 6;
    o.hessian_min = 2;
    o.l2 = 0.5;
    Forest *f = grow(&keep, &scratch, &set, &o, NULL);
    size_t most = 0, deepest = 0;
    for (size_t t = 0; t < f->trees; t++) {
        size_t nodes = f->root[t + 1] - f->root[t], depth = depth_of(f, f->root[t]);
        most = nodes > most ? nodes : most;
        deepest = depth > deepest ? depth : deepest;
        for (uint32_t i = f->root[t]; i < f->root[t + 1]; i++)
            assert_true((double)f->cover[i] >= 2 - 1e-5);
    }
    assert_int_equal(most, 11); /* 6 leaves */
    assert_true(deepest > 2);
    o.leaves = 0;
    o.depth = 2;
    f = grow(&keep, &scratch, &set, &o, NULL);
    for (size_t t = 0; t < f->trees; t++)
        assert_true(depth_of(f, f->root[t]) <= 2);
    o.gain_min = 1e9;
    f = grow(&keep, &scratch, &set, &o, NULL);
    assert_int_equal(f->nodes, f->trees);
    arena_free(&keep);
    arena_free(&scratch);
}

/* With room for every leaf, the best first and the newest first grow the same tree. */
static void forest_without_pressure_on_leaves_is_the_same_in_either_order(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 600 };
    uint8_t label[ROWS];
    Matrix *x = made_rows(&keep, label, ROWS, 8, 5);
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = plain_options();
    o.trees = 10;
    o.depth = 4;
    double a[ROWS], b[ROWS];
    Forest *deep = grow(&keep, &scratch, &set, &o, NULL);
    o.leaves = 16;
    Forest *best = grow(&keep, &scratch, &set, &o, NULL);
    model_margin(&(Model){.kind = MODEL_FOREST, .forest = deep}, x, a);
    model_margin(&(Model){.kind = MODEL_FOREST, .forest = best}, x, b);
    assert_memory_equal(a, b, sizeof a);
    arena_free(&keep);
    arena_free(&scratch);
}

static void forest_of_heavy_columns_keeps_fine_bins(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 1000 };
    Matrix *x = matrix_new(&keep, ROWS, 1);
    for (size_t i = 0; i < ROWS; i++)
        x->value[i] = i < 900 ? 0 : (float)i; /* nine tenths zero */
    Bins *b = bins_new(&keep, x, rows_or_all(&keep, NULL, ROWS), ROWS, 32, NULL);
    assert_true(b->count[0] > 24 && b->count[0] <= 32);
    assert_true(b->cut[0][0] > 0 && b->cut[0][0] <= 900);
    for (size_t i = 0; i < ROWS; i++) {
        uint8_t code = bins_tile(b, 0)[i * GROUP];
        if (code > 0)
            assert_true(x->value[i] >= b->cut[0][code - 1]);
        if (code + 1U < b->count[0])
            assert_true(x->value[i] < b->cut[0][code]);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- early stopping ---- */

static void forest_stops_when_the_watch_set_gains_no_more(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 400, LEARN = 250 };
    uint8_t label[ROWS];
    uint32_t row[ROWS];
    Matrix *x = made_rows(&keep, label, ROWS, 6, 21);
    for (uint32_t i = 0; i < ROWS; i++)
        row[i] = i;
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = forest_options_default();
    o.learning_rate = 0.3;
    o.depth = 4;
    o.hessian_min = 0.5;
    o.patience = 20;
    Forest *f = NULL, *shorter = NULL;
    Error err = {0};
    assert_int_equal(learn_forest(&f, &keep, scratch, &set, row, LEARN, row + LEARN, ROWS - LEARN,
                                  &o, NULL, &err),
                     STATUS_OK);
    assert_in_range(f->trees, 2, 200);
    /* No shorter forest and none of the next twenty does better on the watch set. */
    double best = INFINITY;
    size_t best_trees = 0, most = f->trees + o.patience;
    o.patience = 0;
    for (size_t trees = 1; trees <= most; trees++) {
        o.trees = trees;
        assert_int_equal(
            learn_forest(&shorter, &keep, scratch, &set, row, LEARN, NULL, 0, &o, NULL, &err),
            STATUS_OK);
        double margin[ROWS], loss = 0;
        model_margin(&(Model){.kind = MODEL_FOREST, .forest = shorter}, x, margin);
        for (size_t i = LEARN; i < ROWS; i++)
            loss += margin_loss(margin[i], label[i]);
        if (loss < best) {
            best = loss;
            best_trees = trees;
        }
    }
    assert_int_equal(f->trees, best_trees);
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- what it reaches ---- */

static void forest_tells_separable_classes_apart(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 800 };
    uint8_t label[ROWS];
    Matrix *x = made_rows(&keep, label, ROWS, 3, 2), *fresh;
    for (size_t i = 0; i < ROWS; i++) {
        const float *v = matrix_row(x, i);
        label[i] = v[0] * v[0] + v[1] * v[1] < 1; /* a disc: no line parts it */
    }
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = forest_options_default();
    o.patience = 0;
    Forest *f = grow(&keep, &scratch, &set, &o, NULL);
    uint8_t other[ROWS];
    fresh = made_rows(&keep, other, ROWS, 3, 77);
    for (size_t i = 0; i < ROWS; i++) {
        const float *v = matrix_row(fresh, i);
        other[i] = v[0] * v[0] + v[1] * v[1] < 1;
    }
    assert_true(auc_of(f, fresh, other, scratch) > 0.97);
    arena_free(&keep);
    arena_free(&scratch);
}

/* Sums that cross blocks of FIXED_ROWS rows, and columns shared out over threads. */
static void forest_has_the_same_bytes_on_one_and_eight_threads(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 40000, COLUMNS = 37 };
    uint8_t *label = ARENA_ARRAY(&keep, uint8_t, ROWS);
    Matrix *x = made_rows(&keep, label, ROWS, COLUMNS, 6);
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = forest_options_default();
    o.trees = 12;
    o.depth = 6;
    o.patience = 0;
    Team *one = team_new(1), *eight = team_new(8);
    Forest *f[3] = {grow(&keep, &scratch, &set, &o, NULL), grow(&keep, &scratch, &set, &o, one),
                    grow(&keep, &scratch, &set, &o, eight)};
    Str text[3];
    for (size_t k = 0; k < 3; k++)
        text[k] = model_write(&keep, &(Model){.kind = MODEL_FOREST, .forest = f[k]});
    assert_true(text[0].size > 1000);
    assert_true(str_equal(text[0], text[1]));
    assert_true(str_equal(text[0], text[2]));
    team_free(one);
    team_free(eight);
    arena_free(&keep);
    arena_free(&scratch);
}

static void forest_of_one_class_is_a_data_error(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    uint8_t label[20];
    Matrix *x = made_rows(&keep, label, 20, 2, 1);
    memset(label, 0, sizeof label);
    label[7] = 1;
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = forest_options_default();
    Forest *f = NULL;
    Error err = {0};
    assert_int_equal(learn_forest(&f, &keep, scratch, &set, NULL, 0, NULL, 0, &o, NULL, &err),
                     STATUS_DATA);
    assert_non_null(strstr(err.message, "1 positive and 19 negative"));
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forest_split_equals_brute_force),
        cmocka_unit_test(forest_threshold_lies_midway),
        cmocka_unit_test(forest_missing_value_goes_to_the_better_side),
        cmocka_unit_test(forest_can_part_missing_from_all_values),
        cmocka_unit_test(forest_too_few_missing_rows_follow_the_larger_cover),
        cmocka_unit_test(forest_gains_nothing_from_too_few_missing_rows),
        cmocka_unit_test(forest_survives_infinite_and_missing_columns),
        cmocka_unit_test(forest_monotone_column_never_lowers_the_margin),
        cmocka_unit_test(forest_monotone_holds_whatever_too_few_missing_rows_say),
        cmocka_unit_test(forest_keeps_to_its_limits),
        cmocka_unit_test(forest_without_pressure_on_leaves_is_the_same_in_either_order),
        cmocka_unit_test(forest_of_heavy_columns_keeps_fine_bins),
        cmocka_unit_test(forest_stops_when_the_watch_set_gains_no_more),
        cmocka_unit_test(forest_tells_separable_classes_apart),
        cmocka_unit_test(forest_has_the_same_bytes_on_one_and_eight_threads),
        cmocka_unit_test(forest_of_one_class_is_a_data_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
