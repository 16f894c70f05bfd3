#include "learn/learn_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* The customers of learn_linear_test.c, where z, mz, m and y are made. Golden figures:
 * scikit-learn 1.9.1,
 *
 *   lr = LogisticRegression(C=1 / l1, l1_ratio=1, solver='saga', tol=1e-15, max_iter=10**6)
 *   lr.fit(np.c_[z, mz], y); w = lr.coef_[0]
 *   w[:3]; w[3] / m.std(); lr.intercept_[0] - w[3] * m.mean() / m.std()
 *   log_loss(y, lr.predict_proba(np.c_[z, mz])[:, 1])
 *
 * elastic net: C=1 / (l1 + l2), l1_ratio=l1 / (l1 + l2). With bounds (first weight at most 0,
 * second at least 0) scipy.optimize.minimize, L-BFGS-B, on positive and negative parts. */
enum { ROWS = 40, COLUMNS = 3 };
static float values[ROWS * COLUMNS] = {
    0.0F,   9.2F,   3.0F, 0.3F,   8.4F,   4.0F, -0.27F, 0.6F,   1.0F, -0.89F, 8.6F,   2.0F,
    -0.45F, 111.9F, 0.0F, -0.99F, 0.3F,   0.0F, 0.06F,  41.2F,  1.0F, 1.34F,  9.4F,   4.0F,
    -0.49F, 2.0F,   4.0F, -0.62F, 403.8F, 3.0F, 0.49F,  33.9F,  2.0F, 0.36F,  0.7F,   NAN,
    0.11F,  8.6F,   0.0F, -0.93F, 23.4F,  NAN,  -0.03F, 5.1F,   4.0F, 0.7F,   29.0F,  2.0F,
    -1.34F, 6.5F,   NAN,  -0.46F, 28.1F,  1.0F, -1.9F,  131.2F, 3.0F, -1.29F, 1.9F,   NAN,
    -1.84F, 11.1F,  4.0F, -0.24F, 2.9F,   4.0F, -1.27F, 9.5F,   2.0F, 0.27F,  0.7F,   2.0F,
    0.16F,  2.3F,   NAN,  -0.19F, 5.0F,   NAN,  -2.52F, 44.6F,  2.0F, -0.54F, 73.0F,  NAN,
    -0.05F, 0.5F,   2.0F, 0.11F,  1.5F,   3.0F, -1.53F, 26.9F,  0.0F, -0.48F, 0.1F,   0.0F,
    -0.98F, 2.9F,   3.0F, -0.81F, 6.1F,   1.0F, 1.06F,  91.3F,  4.0F, -0.81F, 29.3F,  0.0F,
    -0.03F, 3.8F,   4.0F, 0.88F,  3.5F,   0.0F, -0.58F, 4.5F,   2.0F, -0.11F, 155.6F, 4.0F};
static const uint8_t labels[ROWS] = {0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0,
                                     0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0};
static Str names[COLUMNS] = {{"plain", 5}, {"heavy", 5}, {"holes", 5}};

static Matrix all = {.rows = ROWS, .columns = COLUMNS, .name = names, .value = values};

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

static double mean_loss(Arena scratch, const Linear *f)
{
    double *margin = ARENA_RAW(&scratch, double, ROWS), sum = 0;
    model_margin(&(Model){.kind = MODEL_LINEAR, .linear = f}, &all, margin);
    for (size_t i = 0; i < ROWS; i++)
        sum += margin_loss(margin[i], labels[i]);
    return sum / ROWS;
}

static Linear *fit(Arena *keep, Arena scratch, const int8_t *monotone, double l1, double l2)
{
    TrainingSet set = {.x = &all, .label = labels, .monotone = monotone};
    Linear *f = NULL;
    Error err = {0};
    assert_int_equal(learn_linear_l1(&f, keep, scratch, &set, NULL, 0, l1, l2, &err), STATUS_OK);
    return f;
}

static void l1_equals_the_optimum_of_scikit_learn(void **state)
{
    (void)state;
    static const struct {
        double l1, l2, weight[COLUMNS], missing, intercept, loss;
    } golden[] = {
        {1,
         0,
         {0.24401954980031632, 0.609901667858138, 0},
         0,
         -0.6669790872561937,
         0.5837875801395154},
        {2,
         0,
         {0.11212859794956154, 0.46945977501066627, 0},
         0,
         -0.6477140314751532,
         0.5939605882760128},
        {4, 0, {0, 0.22880977764943533, 0}, 0, -0.6264834649390602, 0.6185715882903883},
        {1,
         2,
         {0.18406505880996396, 0.48385277186800346, 0},
         0,
         -0.650500218569546,
         0.5902196428798894},
    };
    for (size_t g = 0; g < COUNT_OF(golden); g++) {
        Arena keep = arena_new(), scratch = arena_new();
        Linear *f = fit(&keep, scratch, NULL, golden[g].l1, golden[g].l2);
        for (size_t c = 0; c < COLUMNS; c++) {
            assert_near(f->weight[c], golden[g].weight[c], 1e-8);
            assert_true((f->weight[c] == 0) == (golden[g].weight[c] == 0));
        }
        assert_true(f->weight_missing[2] == golden[g].missing);
        assert_near(f->intercept, golden[g].intercept, 1e-8);
        assert_near(mean_loss(scratch, f), golden[g].loss, 1e-9);
        arena_free(&keep);
        arena_free(&scratch);
    }
}

static void l1_with_signs_equals_the_bounded_optimum(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    const int8_t monotone[COLUMNS] = {-1, 1, 0};
    Linear *f = fit(&keep, scratch, monotone, 2, 0);
    assert_true(f->weight[0] == 0 && f->weight[2] == 0 && f->weight_missing[2] == 0);
    assert_near(f->weight[1], 0.4535805894041889, 1e-6);
    assert_near(f->intercept, -0.6464186584021234, 1e-6);
    f = fit(&keep, scratch, monotone, 1, 2);
    assert_true(f->weight[0] == 0);
    assert_near(f->weight[1], 0.46235070042728127, 1e-6);
    assert_near(f->intercept, -0.6474083025427753, 1e-6);
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- any problem at all: the optimality conditions, computed here again ---- */

typedef struct Problem {
    TrainingSet set;
    Design *design;
    double *weight;
} Problem;

/* Columns: normal ones, copies of their neighbours with a little noise, exact copies, flags, holes
 * and a constant. With signs, about half of the columns have one. */
static Problem problem(Arena *keep, uint64_t seed, size_t rows, size_t columns, bool signs)
{
    Random r = random_new(seed);
    Matrix *x = matrix_new(keep, rows, columns);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, rows);
    int8_t *monotone = ARENA_ARRAY(keep, int8_t, columns);
    for (size_t c = 0; c < columns; c++) {
        x->name[c] = str_format(keep, "c%zu", c);
        monotone[c] = (int8_t)((int)(random_below(&r, 4)) - 1);
        monotone[c] = monotone[c] > 1 || !signs ? 0 : monotone[c];
    }
    for (size_t i = 0; i < rows; i++) {
        float *v = x->value + i * columns;
        for (size_t c = 0; c < columns; c++) {
            double normal = random_normal(&r);
            v[c] = c % 7 == 6   ? 1
                   : c % 7 == 5 ? (float)(normal > 1)
                   : c % 7 == 4 ? v[c - 1]
                   : c % 7 == 3 ? v[c - 1] + 0.01F * (float)normal
                                : (float)normal;
            if (c % 7 == 1 && random_below(&r, 5) == 0)
                v[c] = NAN;
        }
        double margin = (double)v[0] - 1 + (isnan(v[1 % columns]) ? 1 : 0);
        label[i] = (uint8_t)(i < 4 ? i % 2 : random_uniform(&r) < 1 / (1 + exp(-margin)));
    }
    Problem p = {.set = {.x = x, .label = label, .monotone = monotone}};
    p.design = design_new(keep, keep, &p.set, rows_or_all(keep, NULL, rows), rows);
    p.weight = ARENA_ARRAY(keep, double, p.design->width);
    return p;
}

/* The largest violation, from the definition: the gradient of the log loss by libm, and the
 * distance of its negative from the subdifferential of the penalty and the signs' cone. */
static double violation(const Design *d, double l1, double l2, const double *weight)
{
    double most = 0;
    for (size_t j = 0; j < d->width; j++) {
        double gradient = j == 0 ? 0 : l2 * weight[j];
        for (size_t i = 0; i < d->rows; i++) {
            double margin = 0;
            for (size_t k = 0; k < d->width; k++)
                margin += weight[k] * d->z[i * d->stride + k];
            gradient += (1 / (1 + exp(-margin)) - d->label[i]) * d->z[i * d->stride + j];
        }
        double own = j == 0 ? 0 : l1;
        double high = weight[j] > 0 ? own : weight[j] < 0 ? -own : own;
        double low = weight[j] > 0 ? own : -own;
        if (weight[j] == 0 && d->sign[j] > 0)
            low = -INFINITY; /* nothing may pull it below 0 */
        if (weight[j] == 0 && d->sign[j] < 0)
            high = INFINITY;
        assert_true(d->sign[j] * weight[j] >= 0);
        assert_true(isfinite(weight[j]));
        double by = -gradient > high ? -gradient - high : -gradient < low ? low + gradient : 0;
        most = by > most ? by : most;
    }
    return most;
}

static void l1_meets_the_optimality_conditions_of_random_problems(void **state)
{
    (void)state;
    size_t used = 0, unused = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Arena keep = arena_new(), scratch = arena_new();
        size_t rows = 30 + 7 * (seed % 31), columns = 1 + seed % 45;
        Problem p = problem(&keep, seed, rows, columns, seed % 2 == 0);
        double most = design_l1_max(p.design, scratch);
        for (double share = 0.9; share > 1e-3; share /= 3) {
            double l2 = seed % 3 == 0 ? 0.5 : 0;
            design_solve_l1(p.design, share * most, l2, p.weight, PRECISION_FIT, scratch);
            double missed = violation(p.design, share * most, l2, p.weight);
            if (missed > PRECISION_FIT * (double)rows * 1.01 + 1e-12)
                fail_msg("seed %d, share %g: missed by %g", (int)seed, share, missed);
            for (size_t j = 1; j < p.design->width; j++)
                p.weight[j] != 0 ? used++ : unused++;
        }
        arena_free(&keep);
        arena_free(&scratch);
    }
    assert_true(used > 1000 && unused > 1000); /* the problems were not trivial */
}

static void l1_of_any_start_ends_at_the_same_weights(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        Arena keep = arena_new(), scratch = arena_new();
        Problem p = problem(&keep, seed, 120, 3, seed % 2 == 0);
        double *other = ARENA_ARRAY(&keep, double, p.design->width);
        for (size_t j = 0; j < p.design->width; j++)
            other[j] = j % 2 == 0 ? 3 : -3;
        design_solve_l1(p.design, 2, 0, p.weight, PRECISION_FIT, scratch);
        design_solve_l1(p.design, 2, 0, other, PRECISION_FIT, scratch);
        for (size_t j = 0; j < p.design->width; j++)
            assert_near(p.weight[j], other[j], 1e-7);
        arena_free(&keep);
        arena_free(&scratch);
    }
}

static void l1_path_begins_where_nothing_but_the_intercept_is_left(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        Arena keep = arena_new(), scratch = arena_new();
        Problem p = problem(&keep, seed, 90, 12, seed % 2 == 0);
        double most = design_l1_max(p.design, scratch), positives = 0;
        for (size_t j = 0; j < p.design->width; j++)
            p.weight[j] = (double)p.design->sign[j] + 0.5 * (p.design->sign[j] == 0);
        design_solve_l1(p.design, most * 1.000001, 0, p.weight, PRECISION_FIT, scratch);
        for (size_t j = 1; j < p.design->width; j++)
            assert_true(p.weight[j] == 0);
        for (size_t i = 0; i < 90; i++)
            positives += p.design->label[i];
        assert_near(p.weight[0], log(positives / (90 - positives)), 1e-8);
        design_solve_l1(p.design, most * 0.99, 0, p.weight, PRECISION_FIT, scratch);
        size_t used = 0;
        for (size_t j = 1; j < p.design->width; j++)
            used += p.weight[j] != 0;
        assert_true(used >= 1);
        arena_free(&keep);
        arena_free(&scratch);
    }
}

static void l1_of_separable_customers_stays_finite(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Matrix *x = matrix_new(&keep, ROWS, COLUMNS);
    memcpy(x->name, names, sizeof names);
    for (size_t i = 0; i < ROWS; i++) {
        x->value[i * COLUMNS] = labels[i];
        x->value[i * COLUMNS + 1] = labels[i] ? 2 : (float)i / ROWS;
        x->value[i * COLUMNS + 2] = values[i * COLUMNS];
    }
    TrainingSet set = {.x = x, .label = labels};
    Design *d = design_new(&keep, &keep, &set, rows_or_all(&keep, NULL, ROWS), ROWS);
    double weight[8] = {0};
    assert_true(d->width <= 8);
    static const double path[] = {1, 1e-2, 1e-4, 1e-6};
    for (size_t g = 0; g < COUNT_OF(path); g++) {
        design_solve_l1(d, path[g], 0, weight, PRECISION_FIT, scratch);
        assert_true(violation(d, path[g], 0, weight) <= 1.01 * PRECISION_FIT * ROWS);
        assert_true(fabs(weight[1]) > 0 || fabs(weight[2]) > 0);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

static void l1_column_without_variation_has_weight_zero(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Matrix *x = matrix_new(&keep, ROWS, COLUMNS);
    memcpy(x->name, names, sizeof names);
    for (size_t i = 0; i < ROWS; i++) {
        x->value[i * COLUMNS] = 0.1F;
        x->value[i * COLUMNS + 1] = values[i * COLUMNS + 1];
        x->value[i * COLUMNS + 2] = NAN;
    }
    TrainingSet set = {.x = x, .label = labels};
    Linear *f = NULL;
    Error err = {0};
    assert_int_equal(learn_linear_l1(&f, &keep, scratch, &set, NULL, 0, 1, 0, &err), STATUS_OK);
    assert_true(f->weight[0] == 0 && f->scale[0] == 1);
    assert_true(f->weight[1] != 0);
    assert_true(f->weight[2] == 0 && f->weight_missing[2] == 0);
    arena_free(&keep);
    arena_free(&scratch);
}

static void l1_is_the_same_model_twice_to_the_byte(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Model a = {.kind = MODEL_LINEAR, .linear = fit(&keep, scratch, NULL, 1, 0)};
    Model b = {.kind = MODEL_LINEAR, .linear = fit(&keep, scratch, NULL, 1, 0)};
    assert_true(str_equal(model_write(&keep, &a), model_write(&keep, &b)));
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- the model that looks at nobody ---- */

static void majority_says_the_base_rate_of_everyone(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    TrainingSet set = {.x = &all, .label = labels};
    Linear *f = NULL;
    Error err = {0};
    const uint32_t row[] = {0, 1, 2, 3, 4}; /* one of five */
    assert_int_equal(learn_majority(&f, &keep, scratch, &set, row, 5, &err), STATUS_OK);
    Model m = {.kind = MODEL_LINEAR, .linear = f}, *again = NULL;
    Str bytes = model_write(&keep, &m);
    assert_int_equal(model_read(&again, &keep, bytes, &err), STATUS_OK);
    assert_true(str_equal(model_write(&keep, again), bytes));
    double margin[ROWS], phi[ROWS * (COLUMNS + 1)];
    model_margin(again, &all, margin);
    model_explain(again, &all, scratch, phi);
    for (size_t i = 0; i < ROWS; i++) {
        assert_near(margin[i], log(1.0 / 4), 1e-14);
        assert_true(phi[i * (COLUMNS + 1) + COLUMNS] == margin[i]);
        for (size_t c = 0; c < COLUMNS; c++)
            assert_true(phi[i * (COLUMNS + 1) + c] == 0);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

static void majority_of_one_class_is_a_data_error(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    TrainingSet set = {.x = &all, .label = labels};
    Linear *f = NULL;
    Error err = {0};
    const uint32_t row[] = {0, 2, 3};
    assert_int_equal(learn_majority(&f, &keep, scratch, &set, row, 3, &err), STATUS_DATA);
    assert_true(err.message[0] != 0 && err.remedy[0] != 0);
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l1_equals_the_optimum_of_scikit_learn),
        cmocka_unit_test(l1_with_signs_equals_the_bounded_optimum),
        cmocka_unit_test(l1_meets_the_optimality_conditions_of_random_problems),
        cmocka_unit_test(l1_of_any_start_ends_at_the_same_weights),
        cmocka_unit_test(l1_path_begins_where_nothing_but_the_intercept_is_left),
        cmocka_unit_test(l1_of_separable_customers_stays_finite),
        cmocka_unit_test(l1_column_without_variation_has_weight_zero),
        cmocka_unit_test(l1_is_the_same_model_twice_to_the_byte),
        cmocka_unit_test(majority_says_the_base_rate_of_everyone),
        cmocka_unit_test(majority_of_one_class_is_a_data_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
