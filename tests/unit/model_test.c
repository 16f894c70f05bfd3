#include "model/model.h"

#include <yyjson.h>

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

static bool same_float(float a, float b)
{
    /* Bits, not values: -0 is not 0 here, and equal NaNs are equal. */
    uint32_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y;
}

static Model *read_text(Arena *arena, Str text)
{
    Error err = {0};
    Model *m = NULL;
    if (model_read(&m, arena, text, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return m;
}

static Model *read_path(Arena *arena, const char *path)
{
    Error err = {0};
    Str text = {0};
    if (file_read(&text, arena, path, &err) != STATUS_OK)
        fail_msg("%s: %s", path, err.message);
    return read_text(arena, text);
}

/* What tests/oracle/make_model_fixture.py wrote beside a model. */
typedef struct Expected {
    Matrix *x;
    float *margin;
    double *contribution; /* [rows][columns + 1] */
} Expected;

static double number(yyjson_val *v)
{
    return yyjson_is_null(v) ? NAN : yyjson_get_num(v);
}

static Expected expected_read(Arena *arena, const char *path)
{
    Error err = {0};
    Str text = {0};
    if (file_read(&text, arena, path, &err) != STATUS_OK)
        fail_msg("%s: %s", path, err.message);
    yyjson_doc *doc = yyjson_read(text.data, text.size, 0);
    assert_non_null(doc);
    yyjson_val *root = yyjson_doc_get_root(doc), *rows = yyjson_obj_get(root, "rows");
    yyjson_val *names = yyjson_obj_get(root, "columns");
    Expected e = {.x = matrix_new(arena, yyjson_arr_size(rows), yyjson_arr_size(names))};
    e.margin = ARENA_ARRAY(arena, float, e.x->rows);
    e.contribution = ARENA_ARRAY(arena, double, e.x->rows *(e.x->columns + 1));
    assert_true(e.x->rows >= 50 && e.x->columns >= 5);
    for (size_t c = 0; c < e.x->columns; c++)
        e.x->name[c] = str_copy(arena, str_from(yyjson_get_str(yyjson_arr_get(names, c))));
    for (size_t r = 0; r < e.x->rows; r++) {
        yyjson_val *shap = yyjson_arr_get(yyjson_obj_get(root, "contribution"), r);
        for (size_t c = 0; c < e.x->columns; c++)
            e.x->value[r * e.x->columns + c] =
                (float)number(yyjson_arr_get(yyjson_arr_get(rows, r), c));
        for (size_t c = 0; c <= e.x->columns; c++)
            e.contribution[r * (e.x->columns + 1) + c] = number(yyjson_arr_get(shap, c));
        e.margin[r] = (float)number(yyjson_arr_get(yyjson_obj_get(root, "margin"), r));
    }
    yyjson_doc_free(doc);
    return e;
}

static const char *const versions[] = {"1.7", "2.1", "3.2"};

static void forest_margins_equal_those_of_xgboost_to_the_bit(void **state)
{
    (void)state;
    Arena arena = arena_new();
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        Str stem = str_format(&arena, "tests/data/model/xgboost-%s", versions[v]);
        Model *m =
            read_path(&arena, str_chars(&arena, str_format(&arena, "%.*s.json", STR_ARG(stem))));
        Expected e = expected_read(
            &arena, str_chars(&arena, str_format(&arena, "%.*s.expected.json", STR_ARG(stem))));
        double *margin = ARENA_ARRAY(&arena, double, e.x->rows);
        model_margin(m, e.x, margin);
        for (size_t r = 0; r < e.x->rows; r++)
            if (!same_float((float)margin[r], e.margin[r]))
                fail_msg("version %s row %zu: %.9g, XGBoost has %.9g", versions[v], r, margin[r],
                         (double)e.margin[r]);
    }
    arena_free(&arena);
}

static void forest_contributions_equal_those_of_xgboost(void **state)
{
    (void)state;
    Arena arena = arena_new();
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        Str stem = str_format(&arena, "tests/data/model/xgboost-%s", versions[v]);
        Model *m =
            read_path(&arena, str_chars(&arena, str_format(&arena, "%.*s.json", STR_ARG(stem))));
        Expected e = expected_read(
            &arena, str_chars(&arena, str_format(&arena, "%.*s.expected.json", STR_ARG(stem))));
        size_t width = e.x->columns + 1;
        double *phi = ARENA_ARRAY(&arena, double, e.x->rows *width);
        model_explain(m, e.x, arena, phi);
        for (size_t i = 0; i < e.x->rows * width; i++)
            near(phi[i], e.contribution[i], 1e-5);
        for (size_t r = 0; r < e.x->rows; r++) {
            double sum = 0;
            for (size_t c = 0; c < width; c++)
                sum += phi[r * width + c];
            near(sum, (double)e.margin[r], 1e-6 * (1 + fabs((double)e.margin[r])));
            /* The bias is one number, but for what float32 rounds off a margin. */
            near(phi[r * width + width - 1], phi[width - 1], 2e-6);
        }
    }
    arena_free(&arena);
}

static void assert_equal_forests(const Forest *a, const Forest *b)
{
    assert_int_equal(a->columns, b->columns);
    assert_int_equal(a->trees, b->trees);
    assert_int_equal(a->nodes, b->nodes);
    assert_true(a->base_margin == b->base_margin);
    for (size_t c = 0; c < a->columns; c++)
        assert_true(str_equal(a->name[c], b->name[c]));
    assert_memory_equal(a->root, b->root, (a->trees + 1) * sizeof *a->root);
    assert_memory_equal(a->left, b->left, a->nodes * sizeof *a->left);
    assert_memory_equal(a->right, b->right, a->nodes * sizeof *a->right);
    assert_memory_equal(a->column, b->column, a->nodes * sizeof *a->column);
    assert_memory_equal(a->threshold, b->threshold, a->nodes * sizeof *a->threshold);
    assert_memory_equal(a->default_left, b->default_left, a->nodes);
    assert_memory_equal(a->cover, b->cover, a->nodes * sizeof *a->cover);
    assert_memory_equal(a->gain, b->gain, a->nodes * sizeof *a->gain);
}

static void forest_written_and_read_is_equal_to_the_bit(void **state)
{
    (void)state;
    Arena arena = arena_new();
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        Model *m = read_path(
            &arena,
            str_chars(&arena, str_format(&arena, "tests/data/model/xgboost-%s.json", versions[v])));
        Str text = model_write(&arena, m);
        Model *again = read_text(&arena, text);
        assert_equal_forests(m->forest, again->forest);
        assert_true(str_equal(text, model_write(&arena, again)));
    }
    arena_free(&arena);
}

enum { COLUMNS = 4, SMALL_NODES = 31 };

/* A forest of random trees over four columns: columns repeat on paths, covers may be 0, and
 * splits lie among the small integers that rows are made of. */
typedef struct Maker {
    Forest *forest;
    Random random;
} Maker;

static void grow(Maker *k, uint32_t node, int depth, float cover)
{
    Forest *f = k->forest;
    f->cover[node] = cover;
    f->threshold[node] = (float)random_normal(&k->random);
    if (depth == 0 || random_below(&k->random, 5) == 0)
        return;
    f->left[node] = (uint32_t)f->nodes++;
    f->right[node] = (uint32_t)f->nodes++;
    f->column[node] = (uint32_t)random_below(&k->random, COLUMNS);
    f->threshold[node] = (float)random_below(&k->random, 4);
    f->default_left[node] = (uint8_t)random_below(&k->random, 2);
    f->gain[node] = (float)random_uniform(&k->random);
    float part = (float)random_below(&k->random, (uint64_t)cover + 1);
    grow(k, f->left[node], depth - 1, part);
    grow(k, f->right[node], depth - 1, cover - part);
}

static Model *make_forest(Arena *arena, uint64_t seed, size_t trees)
{
    Forest *f = ARENA_NEW(arena, Forest);
    size_t room = trees * SMALL_NODES;
    f->columns = COLUMNS;
    f->name = ARENA_ARRAY(arena, Str, COLUMNS);
    for (size_t c = 0; c < COLUMNS; c++)
        f->name[c] = str_format(arena, "c%zu", c);
    f->base_margin = forest_base_margin(0.3f);
    f->trees = trees;
    f->root = ARENA_ARRAY(arena, uint32_t, trees + 1);
    f->left = ARENA_ARRAY(arena, uint32_t, room);
    f->right = ARENA_ARRAY(arena, uint32_t, room);
    f->column = ARENA_ARRAY(arena, uint32_t, room);
    f->threshold = ARENA_ARRAY(arena, float, room);
    f->default_left = ARENA_ARRAY(arena, uint8_t, room);
    f->cover = ARENA_ARRAY(arena, float, room);
    f->gain = ARENA_ARRAY(arena, float, room);
    Maker k = {f, random_new(seed)};
    for (size_t t = 0; t < trees; t++) {
        f->root[t] = (uint32_t)f->nodes++;
        grow(&k, f->root[t], 4, 20);
        f->root[t + 1] = (uint32_t)f->nodes;
    }
    Model *m = ARENA_NEW(arena, Model);
    *m = (Model){.kind = MODEL_FOREST, .forest = f};
    return m;
}

static Matrix *make_rows(Arena *arena, const Model *m, uint64_t seed, size_t rows)
{
    const Str *name;
    Matrix *x = matrix_new(arena, rows, model_columns(m, &name));
    Random random = random_new(seed);
    for (size_t c = 0; c < x->columns; c++)
        x->name[c] = name[c];
    for (size_t i = 0; i < rows * x->columns; i++)
        x->value[i] = random_below(&random, 5) == 0 ? NAN
                                                    : (float)random_below(&random, 5) -
                                                          0.5f * (float)random_below(&random, 2);
    return x;
}

/* The expectation of a tree when only the columns in `known` are: unknown ones flow both ways by
 * cover. This is the definition; TreeSHAP must sum it up over all subsets. */
static double expectation(const Forest *f, uint32_t node, const float *row, unsigned known)
{
    if (f->left[node] == 0)
        return (double)f->threshold[node];
    uint32_t c = f->column[node], left = f->left[node], right = f->right[node];
    if (known >> c & 1) {
        bool goes_left = isnan(row[c]) ? f->default_left[node] : row[c] < f->threshold[node];
        return expectation(f, goes_left ? left : right, row, known);
    }
    double a = (double)f->cover[left], b = (double)f->cover[right];
    double share = a + b > 0 ? a / (a + b) : 0.5;
    return share * expectation(f, left, row, known) +
           (1 - share) * expectation(f, right, row, known);
}

static double worth(const Forest *f, const float *row, unsigned known)
{
    double sum = (double)f->base_margin;
    for (size_t t = 0; t < f->trees; t++)
        sum += expectation(f, f->root[t], row, known);
    return sum;
}

static void forest_contributions_are_shapley_values_by_definition(void **state)
{
    (void)state;
    static const double factorial[] = {1, 1, 2, 6, 24};
    Arena arena = arena_new();
    for (uint64_t seed = 0; seed < 60; seed++) {
        Model *m = make_forest(&arena, seed, 3);
        Matrix *x = make_rows(&arena, m, seed + 1000, 8);
        double phi[8 * (COLUMNS + 1)];
        model_explain(m, x, arena, phi);
        for (size_t r = 0; r < x->rows; r++) {
            const float *row = matrix_row(x, r);
            for (unsigned c = 0; c < COLUMNS; c++) {
                double value = 0;
                for (unsigned set = 0; set < 1u << COLUMNS; set++) {
                    if (set >> c & 1)
                        continue;
                    int size = __builtin_popcount(set);
                    value += factorial[size] * factorial[COLUMNS - size - 1] / factorial[COLUMNS] *
                             (worth(m->forest, row, set | 1u << c) - worth(m->forest, row, set));
                }
                near(phi[r * (COLUMNS + 1) + c], value, 1e-12);
            }
            near(phi[r * (COLUMNS + 1) + COLUMNS], worth(m->forest, row, 0), 2e-6);
        }
    }
    arena_free(&arena);
}

static void forest_of_random_trees_survives_writing(void **state)
{
    (void)state;
    Arena arena = arena_new();
    for (uint64_t seed = 0; seed < 40; seed++) {
        Model *m = make_forest(&arena, seed, seed % 7);
        Str text = model_write(&arena, m);
        Model *again = read_text(&arena, text);
        Matrix *x = make_rows(&arena, m, seed, 10);
        double before[10], after[10];
        model_margin(m, x, before);
        model_margin(again, x, after);
        assert_memory_equal(before, after, sizeof before);
        assert_true(str_equal(text, model_write(&arena, again)));
    }
    arena_free(&arena);
}

/* One split on column 0 at 1.5, NaN to the left: -1 | 2. */
#define STUMP(left, right, column, threshold, default_left, extra)                                 \
    "{\"left_children\":[" left "],\"right_children\":[" right "],\"split_indices\":[" column      \
    "],\"split_conditions\":[" threshold "],\"default_left\":[" default_left                       \
    "],\"sum_hessian\":[3,1,2],\"loss_changes\":[1,0,0]" extra "}"
#define PLAIN_STUMP STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1.5,-1,2", "1,0,0", "")
#define FOREST_OF(trees, count, groups, base, objective, booster, extra)                           \
    "{\"learner\":{\"feature_names\":[\"a\",\"b\"],\"gradient_booster\":{\"model\":{"              \
    "\"gbtree_model_param\":{\"num_trees\":\"" count "\"},\"tree_info\":[" groups                  \
    "],\"trees\":[" trees "]},\"name\":\"" booster                                                 \
    "\"},\"learner_model_param\":{\"base_score\":\"" base "\",\"num_feature\":\"2\"" extra         \
    "},\"objective\":{\"name\":\"" objective "\"}}}"
#define ONE(tree) FOREST_OF(tree, "1", "0", "5E-1", "binary:logistic", "gbtree", "")

static double one_margin(const Model *m, float a, float b, Arena arena)
{
    Matrix *x = matrix_new(&arena, 1, 2);
    x->name[0] = S("a");
    x->name[1] = S("b");
    x->value[0] = a;
    x->value[1] = b;
    double margin;
    model_margin(m, x, &margin);
    return margin;
}

static void forest_missing_value_takes_default_side(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *m = read_text(&arena, S(ONE(PLAIN_STUMP)));
    near(one_margin(m, NAN, 9, arena), -1, 0);
    near(one_margin(m, 9, NAN, arena), 2, 0);
    m = read_text(&arena, S(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1.5,-1,2", "0,0,0", ""))));
    near(one_margin(m, NAN, 0, arena), 2, 0);
    arena_free(&arena);
}

static void forest_value_on_the_threshold_goes_right(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *m = read_text(&arena, S(ONE(PLAIN_STUMP)));
    near(one_margin(m, 1.5f, 0, arena), 2, 0);
    near(one_margin(m, nextafterf(1.5f, 0), 0, arena), -1, 0);
    near(one_margin(m, -INFINITY, 0, arena), -1, 0);
    arena_free(&arena);
}

static void forest_reads_both_forms_of_base_score(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *a = read_text(
        &arena, S(FOREST_OF(PLAIN_STUMP, "1", "0", "2.5E-1", "binary:logistic", "gbtree", "")));
    Model *b = read_text(
        &arena, S(FOREST_OF(PLAIN_STUMP, "1", "0", "[2.5E-1]", "reg:logistic", "gbtree", "")));
    assert_true(a->forest->base_margin == b->forest->base_margin);
    near((double)a->forest->base_margin, -1.0986122886681098, 1e-7);
    near((double)forest_base_margin(0.5f), 0, 0);
    arena_free(&arena);
}

static void forest_decimals_are_rounded_once(void **state)
{
    (void)state;
    Arena arena = arena_new();
    /* Above the middle of two floats by less than a double can tell: through a double it would
     * become the middle, and round to even, downwards. */
    Model *m = read_text(&arena, S(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0",
                                             "1.00000005960464477539062501,-1,2", "1,0,0", ""))));
    assert_true(m->forest->threshold[0] == 1.00000011920928955078125f);
    arena_free(&arena);
}

static void forest_base_margin_survives_writing_over_its_whole_range(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Forest *f = ARENA_NEW(&arena, Forest);
    f->columns = 1;
    f->name = ARENA_ARRAY(&arena, Str, 1);
    f->name[0] = S("a");
    f->root = ARENA_ARRAY(&arena, uint32_t, 1);
    Model m = {.kind = MODEL_FOREST, .forest = f};
    Random random = random_new(4);
    for (int i = 0; i < 6000; i++) {
        float score = (float)random_uniform(&random);
        if (i % 3 == 1)
            score = ldexpf(score, -(int)random_below(&random, 126));
        if (i % 3 == 2)
            score = 1.0f - ldexpf(score, -(int)random_below(&random, 24));
        if (!(score > 0 && score < 1) || !isfinite(forest_base_margin(score)))
            continue;
        f->base_margin = forest_base_margin(score);
        Arena scratch = arena;
        Model *again = read_text(&scratch, model_write(&scratch, &m));
        assert_true(again->forest->base_margin == f->base_margin);
    }
    arena_free(&arena);
}

static void forest_leaves_out_counted_pruned_nodes(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *m = read_path(&arena, "tests/data/model/xgboost-3.2.json");
    Error err = {0};
    Str text = {0};
    assert_int_equal(file_read(&text, &arena, "tests/data/model/xgboost-3.2.json", &err),
                     STATUS_OK);
    assert_true(str_contains(text, S("\"num_deleted\":\"2\"")));
    assert_true(str_contains(model_write(&arena, m), S("\"num_deleted\":\"0\"")));
    for (size_t i = 0; i < m->forest->nodes; i++)
        assert_true(m->forest->column[i] < m->forest->columns);
    arena_free(&arena);
}

static void refused(const char *text, Status status, const char *says)
{
    Arena arena = arena_new();
    Error err = {0};
    Model *m = NULL;
    Status got = model_read(&m, &arena, str_from(text), &err);
    if (got != status || strstr(err.message, says) == NULL)
        fail_msg("wanted \"%s\", got %d \"%s\" for %.200s", says, (int)got, err.message, text);
    arena_free(&arena);
}

static void forest_of_another_kind_is_refused_by_name(void **state)
{
    (void)state;
#define KIND(base, objective, booster, extra)                                                      \
    FOREST_OF(PLAIN_STUMP, "1", "0", base, objective, booster, extra)
    refused(KIND("5E-1", "binary:logistic", "gblinear", ""), STATUS_FORMAT, "\"gblinear\"");
    refused(KIND("5E-1", "binary:logistic", "dart", ""), STATUS_FORMAT, "\"dart\"");
    refused(KIND("5E-1", "multi:softprob", "gbtree", ""), STATUS_FORMAT, "\"multi:softprob\"");
    refused(KIND("5E-1", "reg:squarederror", "gbtree", ""), STATUS_FORMAT, "reg:squarederror");
    refused(KIND("5E-1", "binary:logistic", "gbtree", ",\"num_class\":\"3\""), STATUS_FORMAT,
            "num_class \"3\"");
    refused(KIND("5E-1", "binary:logistic", "gbtree", ",\"num_target\":\"2\""), STATUS_FORMAT,
            "num_target \"2\"");
    refused(KIND("[5E-1,5E-1]", "binary:logistic", "gbtree", ""), STATUS_FORMAT, "multi-target");
    refused(KIND("1E0", "binary:logistic", "gbtree", ""), STATUS_FORMAT, "base_score \"1E0\"");
    refused(KIND("0", "binary:logistic", "gbtree", ""), STATUS_FORMAT, "base_score");
    refused(KIND("nan", "binary:logistic", "gbtree", ""), STATUS_FORMAT, "base_score");
    refused(KIND("1E-44", "binary:logistic", "gbtree", ""), STATUS_FORMAT, "base_score");
    refused(FOREST_OF(PLAIN_STUMP, "2", "0", "5E-1", "binary:logistic", "gbtree", ""),
            STATUS_FORMAT, "num_trees is 2");
    refused(FOREST_OF(PLAIN_STUMP, "1", "0,0", "5E-1", "binary:logistic", "gbtree", ""),
            STATUS_FORMAT, "tree_info has 2");
    refused(FOREST_OF(PLAIN_STUMP, "1", "1", "5E-1", "binary:logistic", "gbtree", ""),
            STATUS_FORMAT, "multiclass tree_info");
    refused("[{\"nodeid\":0}]", STATUS_FORMAT, "not a model");
    refused("{\"learner\":", STATUS_FORMAT, "neither JSON");
    refused("", STATUS_FORMAT, "neither JSON");
    refused("{\"learner\":{}}", STATUS_FORMAT, "objective");
}

static void forest_fault_is_named_by_tree_and_node(void **state)
{
    (void)state;
    refused(ONE(STUMP("1,-1,-1", "3,-1,-1", "0,0,0", "1,2,3", "0,0,0", "")), STATUS_FORMAT,
            "tree 0 node 0: right child 3 is outside");
    refused(ONE(STUMP("-7,-1,-1", "2,-1,-1", "0,0,0", "1,2,3", "0,0,0", "")), STATUS_FORMAT,
            "tree 0 node 0: left child -7 is outside");
    refused(ONE(STUMP("1,0,-1", "2,2,-1", "0,0,0", "1,2,3", "0,0,0", "")), STATUS_FORMAT,
            "tree 0 node 1: left child 0 is outside");
    refused(ONE(STUMP("1,1,-1", "2,2,-1", "0,0,0", "1,2,3", "0,0,0", "")), STATUS_FORMAT,
            "tree 0 node 1 has two parents");
    refused(ONE(STUMP("1,-1,-1", "1,-1,-1", "0,0,0", "1,2,3", "0,0,0", "")), STATUS_FORMAT,
            "two parents");
    refused(ONE(STUMP("1,-1,-1", "-1,-1,-1", "0,0,0", "1,2,3", "0,0,0", "")), STATUS_FORMAT,
            "right child -1");
    refused(ONE(STUMP("-1,-1,-1", "-1,-1,-1", "0,0,0", "1,2,3", "0,0,0", "")), STATUS_FORMAT,
            "2 of 3 nodes are not reached");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "2,0,0", "1,2,3", "0,0,0", "")), STATUS_FORMAT,
            "tree 0 node 0: column 2 of 2");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "NaN,2,3", "0,0,0", "")), STATUS_FORMAT,
            "tree 0 node 0: split_conditions");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1,2,1e39", "0,0,0", "")), STATUS_FORMAT,
            "tree 0 node 2: split_conditions");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1,2,\"3\"", "0,0,0", "")), STATUS_FORMAT,
            "tree 0 node 2: split_conditions");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0", "1,2,3", "0,0,0", "")), STATUS_FORMAT,
            "split_indices has 2 entries for 3 nodes");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1,2,3", "5,0,0", "")), STATUS_FORMAT,
            "default_left");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1,2,3", "0,0,0", ",\"split_type\":[1,0,0]")),
            STATUS_FORMAT, "categorical");
    refused(
        ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1,2,3", "0,0,0", ",\"categories_nodes\":[0]")),
        STATUS_FORMAT, "categorical");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1,2,3", "0,0,0",
                      ",\"tree_param\":{\"num_nodes\":\"4\"}")),
            STATUS_FORMAT, "num_nodes is 4");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1,2,3", "0,0,0",
                      ",\"tree_param\":{\"num_deleted\":\"1\"}")),
            STATUS_FORMAT, "num_deleted is 1");
    refused(ONE(STUMP("1,-1,-1", "2,-1,-1", "0,0,0", "1,2,3", "0,0,0",
                      ",\"tree_param\":{\"size_leaf_vector\":\"3\"}")),
            STATUS_FORMAT, "multi-target");
    refused(ONE("{}"), STATUS_FORMAT, "tree 0 has no nodes");
    refused(ONE("7"), STATUS_FORMAT, "tree 0 has no nodes");
}

/* A chain: each split's left child is a leaf, its right child the next split. */
static Str chain(Arena *arena, size_t splits)
{
    const char *const name[] = {"left_children",    "right_children", "split_indices",
                                "split_conditions", "default_left",   "sum_hessian",
                                "loss_changes"};
    Buffer b = buffer_new(arena);
    for (size_t k = 0; k < COUNT_OF(name); k++) {
        buffer_format(&b, "%s\"%s\":[", k == 0 ? "{" : ",", name[k]);
        for (size_t i = 0; i <= 2 * splits; i++) {
            bool leaf = i % 2 == 1 || i == 2 * splits;
            long value = k < 2    ? (leaf ? -1 : (long)(i + 1 + k))
                         : k == 2 ? 0
                         : k == 4 ? (long)(i / 2 % 2)
                                  : (long)(i % 7);
            buffer_format(&b, i == 0 ? "%ld" : ",%ld", value);
        }
        buffer_char(&b, ']');
    }
    buffer_char(&b, '}');
    return str_format(
        arena,
        "{\"learner\":{\"feature_names\":[\"a\",\"b\"],\"gradient_booster\":{\"model\":"
        "{\"tree_info\":[0],\"trees\":[%s]},\"name\":\"gbtree\"},"
        "\"learner_model_param\":{\"base_score\":\"5E-1\",\"num_feature\":\"2\"},"
        "\"objective\":{\"name\":\"binary:logistic\"}}}",
        str_chars(arena, buffer_str(&b)));
}

static void forest_depth_is_bounded_and_the_bound_can_be_explained(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *m = read_text(&arena, chain(&arena, FOREST_DEPTH_MAX));
    Matrix *x = matrix_new(&arena, 1, 2);
    x->name[0] = S("a");
    x->name[1] = S("b");
    x->value[0] = 3;
    double phi[3], margin;
    model_margin(m, x, &margin);
    model_explain(m, x, arena, phi);
    near(phi[0] + phi[1] + phi[2], margin, 1e-9);
    refused(str_chars(&arena, chain(&arena, FOREST_DEPTH_MAX + 1)), STATUS_LIMIT, "deeper than 64");
    arena_free(&arena);
}

/* Each level tests a column of its own: the longest path TreeSHAP can meet. */
static void contributions_along_the_longest_path_stay_exact(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *m = read_text(&arena, chain(&arena, FOREST_DEPTH_MAX));
    Forest *f = ARENA_NEW(&arena, Forest);
    *f = *m->forest;
    f->columns = FOREST_DEPTH_MAX;
    f->name = ARENA_ARRAY(&arena, Str, f->columns);
    Matrix *x = matrix_new(&arena, 2, f->columns);
    for (size_t c = 0; c < f->columns; c++) {
        f->name[c] = str_format(&arena, "c%zu", c);
        x->name[c] = f->name[c];
        x->value[c] = 100;               /* always right: the whole chain */
        x->value[f->columns + c] = -100; /* left at once */
    }
    for (uint32_t i = 0; i < f->nodes; i++) {
        bool leaf = f->left[i] == 0;
        f->column[i] = leaf ? 0 : i / 2;
        f->threshold[i] = leaf ? (i == f->nodes - 1 ? 1.0f : 0.0f) : 0.5f;
        f->cover[i] = i % 2 == 1 ? 1.0f : 1.0f + (float)(f->nodes - i) / 2;
    }
    *m = (Model){.kind = MODEL_FOREST, .forest = f};
    double *phi = ARENA_ARRAY(&arena, double, 2 * (f->columns + 1));
    model_explain(m, x, arena, phi);
    /* Only the last leaf is worth anything, and every column is needed to reach it. */
    double sum = 0;
    for (size_t c = 0; c < f->columns; c++) {
        assert_true(phi[c] > 0 && phi[c] < 1);
        sum += phi[c];
    }
    double bias = 1;
    for (uint32_t i = 0; i + 1 < f->nodes; i += 2)
        bias *= (double)f->cover[i + 2] / (double)(f->cover[i + 1] + f->cover[i + 2]);
    near(sum, 1 - bias, 1e-9);
    arena_free(&arena);
}

static void json_nested_deeply_is_refused_and_not_fatal(void **state)
{
    (void)state;
    enum { DEPTH = 4000000 };
    char *text = malloc(DEPTH + 1);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    text[DEPTH] = '\0';
    refused(text, STATUS_FORMAT, "neither JSON");
    free(text);
    Arena arena = arena_new();
    Buffer b = buffer_new(&arena);
    buffer_add(&b, S("{\"assay_linear\":"));
    for (int i = 0; i < 100000; i++)
        buffer_char(&b, '[');
    for (int i = 0; i < 100000; i++)
        buffer_char(&b, ']');
    buffer_add(&b, S("}"));
    refused(str_chars(&arena, buffer_str(&b)), STATUS_FORMAT, "version");
    arena_free(&arena);
}

static Model *make_linear(Arena *arena)
{
    static Str name[3];
    static Transform transform[3] = {TRANSFORM_NONE, TRANSFORM_SIGNED_LOG, TRANSFORM_SIGNED_LOG};
    static double center[3] = {1, 0.1, 0}, scale[3] = {2, 1.0 / 3, 1},
                  weight[3] = {0.7, -1.1, 1e-300};
    static double missing[3] = {0.25, 0, -3}, low[3] = {-4, -INFINITY, -1},
                  high[3] = {4, INFINITY, 2};
    static Linear l = {3, name, transform, center, scale, weight, missing, low, high, -0.3};
    name[0] = S("a");
    name[1] = S("b \"quoted\" \\ \t");
    name[2] = S("état");
    Model *m = ARENA_NEW(arena, Model);
    *m = (Model){.kind = MODEL_LINEAR, .linear = &l};
    return m;
}

static void linear_margin_follows_its_formula(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *m = make_linear(&arena);
    Matrix *x = matrix_new(&arena, 3, 3);
    const float value[9] = {3, -(float)(2.718281828459045 - 1), 0, NAN, 0, 1e9f, -50, NAN, NAN};
    memcpy(x->value, value, sizeof value);
    for (size_t c = 0; c < 3; c++)
        x->name[c] = m->linear->name[c];
    double margin[3], phi[12];
    model_margin(m, x, margin);
    near(margin[0], -0.3 + 0.7 * (3 - 1) / 2 - 1.1 * (-1 - 0.1) * 3, 1e-6);
    near(margin[1], -0.3 + 0.25 - 1.1 * (0 - 0.1) * 3 + 1e-300 * 2, 1e-12);
    near(margin[2], -0.3 + 0.7 * (-4.0 - 1) / 2 + 0 - 3, 1e-12); /* clipped, then two missing */
    model_explain(m, x, arena, phi);
    for (size_t r = 0; r < 3; r++) {
        near(phi[4 * r] + phi[4 * r + 1] + phi[4 * r + 2] + phi[4 * r + 3], margin[r], 1e-12);
        near(phi[4 * r + 3], -0.3, 0);
    }
    arena_free(&arena);
}

static void linear_written_and_read_is_equal_to_the_bit(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *m = make_linear(&arena);
    Str text = model_write(&arena, m);
    Model *again = read_text(&arena, text);
    assert_int_equal(again->kind, MODEL_LINEAR);
    assert_true(again->linear->intercept == m->linear->intercept);
    for (size_t c = 0; c < 3; c++) {
        assert_true(str_equal(again->linear->name[c], m->linear->name[c]));
        assert_true(again->linear->transform[c] == m->linear->transform[c]);
        assert_true(again->linear->scale[c] == m->linear->scale[c]);
        assert_true(again->linear->weight[c] == m->linear->weight[c]);
        assert_true(again->linear->low[c] == m->linear->low[c]);
        assert_true(again->linear->high[c] == m->linear->high[c]);
    }
    assert_true(str_equal(text, model_write(&arena, again)));
    arena_free(&arena);
}

static void linear_fault_is_named_by_column(void **state)
{
    (void)state;
#define COLUMN(transform, scale, rest)                                                             \
    "{\"assay_linear\":1,\"intercept\":0,\"columns\":[{\"name\":\"a\",\"transform\":\"" transform  \
    "\",\"low\":null,\"high\":1,\"center\":0,\"scale\":" scale ",\"weight\":1" rest "}]}"
    refused(COLUMN("cube", "1", ",\"weight_missing\":0"), STATUS_FORMAT,
            "columns[0].transform \"cube\"");
    refused(COLUMN("none", "0", ",\"weight_missing\":0"), STATUS_FORMAT, "columns[0].scale");
    refused(COLUMN("none", "NaN", ",\"weight_missing\":0"), STATUS_FORMAT, "columns[0].scale");
    refused(COLUMN("none", "1", ""), STATUS_FORMAT, "columns[0].weight_missing");
    refused(COLUMN("none", "1", ",\"weight_missing\":0,\"wieght\":1"), STATUS_FORMAT, "9 fields");
    refused("{\"assay_linear\":2}", STATUS_FORMAT, "version 2");
    refused("{\"assay_linear\":1,\"columns\":[]}", STATUS_FORMAT, "intercept");
    refused("{\"assay_linear\":1,\"intercept\":1}", STATUS_FORMAT, "columns");
    refused("{\"assay_linear\":1,\"intercept\":1,\"columns\":[3]}", STATUS_FORMAT, "columns[0]");
}

static void names_must_be_distinct(void **state)
{
    (void)state;
    refused(
        "{\"learner\":{\"feature_names\":[\"a\",\"a\"],\"learner_model_param\":{\"base_score\":\"0."
        "5\","
        "\"num_feature\":\"2\"},\"gradient_booster\":{\"name\":\"gbtree\"},\"objective\":{\"name\":"
        "\"binary:logistic\"}}}",
        STATUS_FORMAT, "two columns are named \"a\"");
}

static void platt_is_a_sigmoid_of_the_scaled_margin(void **state)
{
    (void)state;
    near(platt_apply((Platt){2, -1}, 0.5), 0.5, 0);
    near(platt_apply((Platt){1, 0}, 2), 0.8807970779778823, 1e-15);
    near(platt_apply((Platt){1, 0}, -800), 0, 0);
}

static void venn_abers_takes_the_step_at_or_below_the_margin(void **state)
{
    (void)state;
    double margin[] = {-1, 0, 2}, p0[] = {0.1, 0.2, 0.3}, p1[] = {0.4, 0.5, 0.6}, low, high;
    VennAbers v = {3, margin, p0, p1};
    const double at[] = {-5, -1, -0.5, 0, 1.9, 2, 99};
    const int step[] = {0, 0, 0, 1, 1, 2, 2};
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        venn_abers_apply(&v, at[i], &low, &high);
        near(low, p0[step[i]], 0);
        near(high, p1[step[i]], 0);
    }
    v.steps = 0;
    venn_abers_apply(&v, 1, &low, &high);
    near(low, 0, 0);
    near(high, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forest_margins_equal_those_of_xgboost_to_the_bit),
        cmocka_unit_test(forest_contributions_equal_those_of_xgboost),
        cmocka_unit_test(forest_written_and_read_is_equal_to_the_bit),
        cmocka_unit_test(forest_contributions_are_shapley_values_by_definition),
        cmocka_unit_test(forest_of_random_trees_survives_writing),
        cmocka_unit_test(forest_missing_value_takes_default_side),
        cmocka_unit_test(forest_value_on_the_threshold_goes_right),
        cmocka_unit_test(forest_reads_both_forms_of_base_score),
        cmocka_unit_test(forest_decimals_are_rounded_once),
        cmocka_unit_test(forest_base_margin_survives_writing_over_its_whole_range),
        cmocka_unit_test(forest_leaves_out_counted_pruned_nodes),
        cmocka_unit_test(forest_of_another_kind_is_refused_by_name),
        cmocka_unit_test(forest_fault_is_named_by_tree_and_node),
        cmocka_unit_test(forest_depth_is_bounded_and_the_bound_can_be_explained),
        cmocka_unit_test(contributions_along_the_longest_path_stay_exact),
        cmocka_unit_test(json_nested_deeply_is_refused_and_not_fatal),
        cmocka_unit_test(linear_margin_follows_its_formula),
        cmocka_unit_test(linear_written_and_read_is_equal_to_the_bit),
        cmocka_unit_test(linear_fault_is_named_by_column),
        cmocka_unit_test(names_must_be_distinct),
        cmocka_unit_test(platt_is_a_sigmoid_of_the_scaled_margin),
        cmocka_unit_test(venn_abers_takes_the_step_at_or_below_the_margin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
