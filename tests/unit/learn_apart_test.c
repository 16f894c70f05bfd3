/* Trees that grow apart: random forests and the single tree. */
#include "learn/learn_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 600, COLUMNS = 8 };

static Matrix *made_rows(Arena *keep, uint8_t *label, uint64_t seed)
{
    Random r = random_new(seed);
    Matrix *x = matrix_new(keep, ROWS, COLUMNS);
    for (size_t c = 0; c < COLUMNS; c++)
        x->name[c] = str_format(keep, "c%zu", c);
    for (size_t i = 0; i < ROWS; i++) {
        float *v = x->value + i * COLUMNS;
        for (size_t c = 0; c < COLUMNS; c++) {
            bool hole = c == 3 && random_uniform(&r) < 0.2;
            double value = random_normal(&r);
            v[c] = hole ? NAN : (float)value;
        }
        double sum = (double)v[0] + 1.5 * (double)v[1] * (double)v[2];
        label[i] = random_uniform(&r) < stable_sigmoid(2 * sum - 1);
    }
    return x;
}

static Forest *grow(Arena *keep, Arena scratch, const TrainingSet *set, const ForestOptions *o,
                    Team *team)
{
    Forest *f = NULL;
    Error err = {0};
    assert_int_equal(learn_forest(&f, keep, scratch, set, NULL, 0, NULL, 0, o, team, &err),
                     STATUS_OK);
    return f;
}

/* A tree is the same whatever was grown before it; only its step is divided by their number. */
static void trees_apart_do_not_see_each_other(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    uint8_t label[ROWS];
    Matrix *x = made_rows(&keep, label, 1);
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = forest_options_random();
    o.trees = 20;
    o.learning_rate = 1.0 / 20;
    Forest *many = grow(&keep, scratch, &set, &o, NULL);
    o.trees = 5;
    o.learning_rate = 1.0 / 5;
    Forest *few = grow(&keep, scratch, &set, &o, NULL);
    assert_true(few->nodes > 100);
    for (size_t i = 0; i < few->nodes; i++) {
        assert_int_equal(many->left[i], few->left[i]);
        assert_int_equal(many->column[i], few->column[i]);
        if (few->left[i] != 0)
            assert_true(many->threshold[i] == few->threshold[i]);
        else
            assert_true(fabs(4.0 * (double)many->threshold[i] - (double)few->threshold[i]) <
                        1e-6 * (1e-3 + fabs((double)few->threshold[i])));
    }
    /* The second tree of boosted ones does see the first. */
    o.apart = false;
    Forest *boosted = grow(&keep, scratch, &set, &o, NULL);
    bool differ = boosted->root[2] != few->root[2];
    for (uint32_t i = few->root[1]; i < few->root[2] && !differ; i++)
        differ = boosted->threshold[i] != few->threshold[i];
    assert_true(differ);
    arena_free(&keep);
    arena_free(&scratch);
}

/* The margin of one tree on all rows is the base and one Newton step in each leaf. */
static void single_tree_leaf_is_a_newton_step_of_its_rows(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    uint8_t label[ROWS];
    Matrix *x = made_rows(&keep, label, 2);
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = forest_options_tree();
    o.leaves = 5;
    Forest *f = grow(&keep, scratch, &set, &o, NULL);
    assert_int_equal(f->trees, 1);
    assert_int_equal(f->nodes, 9);
    double positives = 0, rows[9] = {0}, hits[9] = {0};
    for (size_t i = 0; i < ROWS; i++)
        positives += label[i];
    double p = positives / ROWS;
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t node = 0;
        const float *v = matrix_row(x, i);
        while (f->left[node] != 0) {
            float value = v[f->column[node]];
            bool left = isnan(value) ? f->default_left[node] : value < f->threshold[node];
            node = left ? f->left[node] : f->right[node];
        }
        rows[node]++;
        hits[node] += label[i];
    }
    for (size_t k = 0; k < 9; k++) {
        if (f->left[k] != 0)
            continue;
        double step = (hits[k] - rows[k] * p) / (rows[k] * p * (1 - p) + o.l2);
        assert_true(fabs((double)f->threshold[k] - step) < 1e-4 * (1 + fabs(step)));
        assert_true(rows[k] > 0);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

static void few_columns_a_split_give_every_column_its_turn(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    uint8_t label[ROWS];
    Matrix *x = made_rows(&keep, label, 3);
    TrainingSet set = {.x = x, .label = label};
    ForestOptions o = forest_options_random();
    o.trees = 60;
    o.split_share = 1.0 / COLUMNS; /* a single column: the split is by whichever was drawn */
    Forest *f = grow(&keep, scratch, &set, &o, NULL);
    size_t roots[COLUMNS] = {0}, children[COLUMNS] = {0};
    for (size_t t = 0; t < f->trees; t++) {
        uint32_t root = f->root[t];
        assert_true(f->left[root] != 0);
        roots[f->column[root]]++;
        if (f->left[f->left[root]] != 0)
            children[f->column[f->left[root]]]++;
    }
    size_t seen = 0, most = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
        seen += roots[c] > 0 && children[c] > 0;
        most = roots[c] > most ? roots[c] : most;
    }
    assert_true(seen >= COLUMNS - 1);
    assert_true(most < 20); /* 7.5 of 60 are expected */
    /* With all columns to choose from the best ones are at the roots. */
    o.split_share = 1;
    f = grow(&keep, scratch, &set, &o, NULL);
    for (size_t t = 0; t < f->trees; t++)
        assert_in_range(f->column[f->root[t]], 0, 2);
    arena_free(&keep);
    arena_free(&scratch);
}

static void random_forest_learns_and_keeps_signs_and_bytes(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    uint8_t label[ROWS], other[ROWS];
    Matrix *x = made_rows(&keep, label, 4), *fresh = made_rows(&keep, other, 5);
    static const int8_t sign[COLUMNS] = {1};
    TrainingSet set = {.x = x, .label = label, .monotone = sign};
    ForestOptions o = forest_options_random();
    Team *eight = team_new(8);
    Model m = {.kind = MODEL_FOREST, .forest = grow(&keep, scratch, &set, &o, NULL)};
    Model same = {.kind = MODEL_FOREST, .forest = grow(&keep, scratch, &set, &o, eight)};
    assert_true(str_equal(model_write(&keep, &m), model_write(&keep, &same)));
    team_free(eight);
    double margin[ROWS], moved[ROWS];
    model_margin(&m, fresh, margin);
    assert_true(metric_auc(margin, other, ROWS, scratch) > 0.78);
    for (size_t i = 0; i < ROWS; i++)
        fresh->value[i * COLUMNS] += 0.7f;
    model_margin(&m, fresh, moved);
    size_t up = 0;
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(moved[i] >= margin[i] - 1e-6);
        up += moved[i] > margin[i] + 1e-6;
    }
    assert_true(up > ROWS / 2);
    arena_free(&keep);
    arena_free(&scratch);
}

static void leaves_of_the_single_tree_grow_with_what_there_is_to_learn(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    uint8_t label[ROWS], noise[ROWS];
    Matrix *x = made_rows(&keep, label, 6);
    Random r = random_new(9);
    for (size_t i = 0; i < ROWS; i++)
        noise[i] = random_uniform(&r) < 0.3;
    LearnOptions o = learn_options_default();
    o.trials = 40;
    o.lead = 0;
    Candidate tree = {.kind = MODEL_FOREST, .forest = forest_options_tree()};
    TrainingSet set = {.x = x, .label = label}, blank = {.x = x, .label = noise};
    InnerPart part = inner_part(&keep, &set, NULL, 0, 5, 1);
    Searched much = searched_new(&keep, &tree, &o, ROWS), little = much;
    search_run(&much, &tree, &set, &part, &o, 1, scratch);
    assert_true(much.tuned.value[SETTING_LEAVES] >= 4);
    /* Where nothing can be learnt no setting earns its place: the default one stays. */
    o.lead = 1;
    little = searched_new(&keep, &tree, &o, ROWS);
    search_run(&little, &tree, &blank, &part, &o, 1, scratch);
    assert_true(little.trial[0].kept);
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_apart_do_not_see_each_other),
        cmocka_unit_test(single_tree_leaf_is_a_newton_step_of_its_rows),
        cmocka_unit_test(few_columns_a_split_give_every_column_its_turn),
        cmocka_unit_test(random_forest_learns_and_keeps_signs_and_bytes),
        cmocka_unit_test(leaves_of_the_single_tree_grow_with_what_there_is_to_learn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
