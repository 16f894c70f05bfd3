/* What learning gives, to the byte: hashes of models and margins, taken before histograms, scans
 * and sums were made faster. Whoever makes them faster again keeps the hashes; whoever changes what
 * is computed, on purpose, writes new ones. */
#include "learn/learn_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { COLUMNS = 21 };

typedef struct Made {
    TrainingSet set;
    uint32_t *in, *out; /* four fifths and the rest */
    size_t ins, outs;
} Made;

/* Columns as risk data has them: amounts with long tails, counts that are mostly 0, shares, flags,
 * missing for whole groups of customers and here and there. */
static Made made(Arena *keep, uint64_t seed, size_t rows)
{
    Random r = random_new(seed);
    Matrix *x = matrix_new(keep, rows, COLUMNS);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, rows);
    int8_t *monotone = ARENA_ARRAY(keep, int8_t, COLUMNS);
    Made m = {.set = {.x = x, .label = label, .monotone = monotone}};
    m.in = ARENA_ARRAY(keep, uint32_t, rows);
    m.out = ARENA_ARRAY(keep, uint32_t, rows);
    for (size_t c = 0; c < COLUMNS; c++) {
        x->name[c] = str_format(keep, "c%zu", c);
        monotone[c] = (int8_t)(c % 3 == 1 ? 1 : c % 7 == 2 ? -1 : 0);
    }
    for (size_t i = 0; i < rows; i++) {
        float *v = x->value + i * COLUMNS;
        double latent = random_normal(&r);
        bool silent = random_uniform(&r) < 0.4, rare = random_below(&r, rows) < 3;
        for (size_t c = 0; c < COLUMNS; c++) {
            double normal = random_normal(&r), tail = random_exponential(&r);
            v[c] = (float)normal;
            if (c % 6 == 0)
                v[c] = (float)(normal + latent);
            if (c % 6 == 1)
                v[c] = silent ? 0 : (float)floor(tail * 8);
            if (c % 6 == 2)
                v[c] = silent ? NAN : (float)(tail * tail * 100);
            if (c % 6 == 3)
                v[c] = normal > 1;
            if (c % 6 == 4)
                v[c] = rare ? NAN : (float)(1 / (1 + tail));
        }
        label[i] = random_uniform(&r) < stable_sigmoid(1.5 * latent - 1.9 + silent);
        if (i % 5 == 0)
            m.out[m.outs++] = (uint32_t)i;
        else
            m.in[m.ins++] = (uint32_t)i;
    }
    return m;
}

static void assert_hash(uint64_t hash, uint64_t golden, const char *what)
{
    if (hash != golden)
        fail_msg("%s: 0x%016llx is not 0x%016llx", what, (unsigned long long)hash,
                 (unsigned long long)golden);
}

static uint64_t grown(Arena *keep, Arena scratch, const Made *m, const ForestOptions *o, Team *team)
{
    Booster *b = booster_new(&scratch, &m->set, m->in, m->ins, m->out, m->outs, o, 7, team);
    double loss = 0;
    while (b->trees < o->trees) {
        booster_step(b, scratch);
        loss += booster_watch_loss(b);
    }
    Model model = {.kind = MODEL_FOREST, .forest = booster_forest(b, keep, o->trees)};
    uint64_t hash = hash64(model_write(keep, &model), 0);
    hash ^= hash64((Str){(const char *)b->margin, m->ins * sizeof *b->margin}, 0);
    hash += hash64((Str){(const char *)b->watch_margin, m->outs * sizeof *b->watch_margin}, 0);
    return hash ^ hash64((Str){(const char *)&loss, sizeof loss}, 0);
}

/* With one thread, eight, and none at all. */
static void assert_grown(const Made *m, const ForestOptions *o, uint64_t golden, const char *what)
{
    static const size_t threads[] = {0, 1, 8};
    for (size_t t = 0; t < COUNT_OF(threads); t++) {
        Arena keep = arena_new(), scratch = arena_new();
        Team *team = threads[t] == 0 ? NULL : team_new(threads[t]);
        assert_hash(grown(&keep, scratch, m, o, team), golden, what);
        if (team != NULL)
            team_free(team);
        arena_free(&keep);
        arena_free(&scratch);
    }
}

static void golden_trees_of_some_hundred_customers(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Made m = made(&keep, 5, 332);
    ForestOptions o = forest_options_default();
    o.trees = 60;
    assert_grown(&m, &o, 0x30d6fb58c0d6d8cc, "boosted");
    o.depth = 5;
    o.column_share = 0.3;
    o.hessian_min = 0.5;
    assert_grown(&m, &o, 0x5f7e788a37c7bbb2, "few columns a tree");
    o = forest_options_random();
    assert_grown(&m, &o, 0x4377c64ac4dcc380, "random forest");
    o = forest_options_tree();
    assert_grown(&m, &o, 0xedf7621466390f53, "single tree");
    m.set.monotone = NULL;
    o = forest_options_default();
    o.trees = 60;
    assert_grown(&m, &o, 0xbb234eddcb188ac5, "without signs");
    arena_free(&keep);
}

/* More rows than one word can sum, so histograms of two. */
static void golden_trees_of_many_customers(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Made m = made(&keep, 6, 40000);
    ForestOptions o = forest_options_default();
    o.trees = 4;
    o.depth = 6;
    o.bins = 255;
    assert_grown(&m, &o, 0xa7beda9093f11599, "boosted");
    o = forest_options_random();
    o.trees = 3;
    o.learning_rate = 1.0 / 3;
    assert_grown(&m, &o, 0xe16bd56e081d53b4, "random forest");
    arena_free(&keep);
}

static void golden_weights_along_a_path(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Made m = made(&keep, 7, 332);
    Design *d = design_new(&keep, &keep, &m.set, m.in, m.ins);
    double *weight = ARENA_ARRAY(&keep, double, d->width);
    Str bytes = {(const char *)weight, d->width * sizeof *weight};
    uint64_t ridge = 0, lasso = 0;
    for (double l2 = 300; l2 > 0.1; l2 /= 2) {
        design_solve(d, l2, weight, PRECISION_TUNE, scratch);
        ridge = ridge * 31 + hash64(bytes, 0);
    }
    design_solve(d, 1, weight, PRECISION_FIT, scratch);
    assert_hash(ridge ^ hash64(bytes, 0), 0x38767ef5f0518c0d, "L2");
    memset(weight, 0, bytes.size);
    for (double l1 = 40; l1 > 0.1; l1 /= 2) {
        design_solve_l1(d, l1, 0, weight, PRECISION_TUNE, scratch);
        lasso = lasso * 31 + hash64(bytes, 0);
    }
    design_solve_l1(d, 1, 0.1, weight, PRECISION_FIT, scratch);
    assert_hash(lasso ^ hash64(bytes, 0), 0x37790eb9b2407226, "L1");
    arena_free(&keep);
    arena_free(&scratch);
}

static void golden_exponentials_are_those_of_one_at_a_time(void **state)
{
    (void)state;
    Random r = random_new(3);
    for (size_t n = 0; n < 4000; n++) {
        double x[9], same[9];
        size_t count = 1 + random_below(&r, 9);
        for (size_t i = 0; i < count; i++) {
            double u = random_uniform(&r);
            uint64_t kind = random_below(&r, 40);
            x[i] = kind == 0   ? -745.2 + u
                   : kind == 1 ? 709.5 + u
                   : kind == 2 ? -0.0
                               : 1400 * u - 700;
            if (kind >= 3 && kind < 6)
                x[i] = kind == 3 ? NAN : kind == 4 ? INFINITY : -INFINITY;
            same[i] = stable_exp(x[i]);
        }
        stable_exp_all(x, count);
        assert_memory_equal(x, same, count * sizeof *x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_trees_of_some_hundred_customers),
        cmocka_unit_test(golden_trees_of_many_customers),
        cmocka_unit_test(golden_weights_along_a_path),
        cmocka_unit_test(golden_exponentials_are_those_of_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
