#include "learn/learn_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* Golden figures: scikit-learn 1.9, 40 customers. Columns: one plain, one log-normal (skewness
 * 3.9, so taken as log(1 + x)), one with missing values.
 *
 *   t = x.copy(); t[:, 1] = np.log1p(t[:, 1])
 *   z = np.nan_to_num((t - np.nanmean(t, 0)) / np.nanstd(t, 0))
 *   m = np.isnan(x[:, 2]).astype(float); mz = (m - m.mean()) / m.std()
 *   lr = LogisticRegression(C=1 / 2, solver='newton-cholesky', tol=1e-14).fit(np.c_[z, mz], y)
 *   w = lr.coef_[0]; w[:3]; w[3] / m.std(); lr.intercept_[0] - w[3] * m.mean() / m.std()
 *
 * and with bounds (first weight at most 0, second at least 0) scipy.optimize.minimize,
 * L-BFGS-B, on the same objective. */
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

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

static Linear *fit(Arena *keep, Arena *other, const Matrix *x, const int8_t *monotone, double l2)
{
    TrainingSet set = {.x = x, .label = labels, .monotone = monotone};
    Linear *f = NULL;
    Error err = {0};
    assert_int_equal(learn_linear(&f, keep, *other, &set, NULL, 0, l2, &err), STATUS_OK);
    return f;
}

static void linear_equals_the_optimum_of_scikit_learn(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Matrix x = {.rows = ROWS, .columns = COLUMNS, .name = names, .value = values};
    Linear *f = fit(&keep, &scratch, &x, NULL, 2);
    assert_int_equal(f->transform[0], TRANSFORM_NONE);
    assert_int_equal(f->transform[1], TRANSFORM_SIGNED_LOG);
    assert_int_equal(f->transform[2], TRANSFORM_NONE);
    assert_near(f->weight[0], 0.28623111044153215, 1e-9);
    assert_near(f->weight[1], 0.5902330814076366, 1e-9);
    assert_near(f->weight[2], 0.007677969799635993, 1e-9);
    assert_near(f->weight_missing[2], -0.09079379935644259, 1e-9);
    assert_near(f->weight_missing[0], 0, 0);
    assert_near(f->intercept, -0.65103189975133, 1e-9);
    arena_free(&keep);
    arena_free(&scratch);
}

static void linear_with_signs_equals_the_bounded_optimum(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Matrix x = {.rows = ROWS, .columns = COLUMNS, .name = names, .value = values};
    const int8_t monotone[COLUMNS] = {-1, 1, 0};
    Linear *f = fit(&keep, &scratch, &x, monotone, 2);
    assert_true(f->weight[0] == 0);
    assert_near(f->weight[1], 0.5512315693184999, 1e-6);
    assert_near(f->weight[2], 0.04774068660895685, 1e-6);
    assert_near(f->intercept, -0.6330969607224428, 1e-6);
    assert_near(f->weight_missing[2], -0.1544719292004227, 1e-6);
    arena_free(&keep);
    arena_free(&scratch);
}

static void linear_column_without_variation_has_weight_zero(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Matrix *x = matrix_new(&keep, ROWS, 3);
    for (size_t i = 0; i < ROWS; i++) {
        x->value[i * 3] = 0.1F;
        x->value[i * 3 + 1] = values[i * COLUMNS];
        x->value[i * 3 + 2] = NAN;
    }
    memcpy(x->name, names, sizeof names);
    Linear *f = fit(&keep, &scratch, x, NULL, 1);
    assert_true(f->weight[0] == 0 && f->scale[0] == 1);
    assert_true(f->weight[1] != 0);
    assert_true(f->weight[2] == 0 && f->weight_missing[2] == 0);
    arena_free(&keep);
    arena_free(&scratch);
}

static void linear_columns_missing_together_share_one_indicator(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Matrix *one = matrix_new(&keep, ROWS, 1), *two = matrix_new(&keep, ROWS, 2);
    for (size_t i = 0; i < ROWS; i++) {
        bool missing = i % 3 == 0;
        one->value[i] = missing ? NAN : 1;
        two->value[2 * i] = two->value[2 * i + 1] = missing ? NAN : 1;
    }
    memcpy(one->name, names, sizeof names[0]);
    memcpy(two->name, names, 2 * sizeof names[0]);
    Linear *a = fit(&keep, &scratch, one, NULL, 1), *b = fit(&keep, &scratch, two, NULL, 1);
    assert_true(a->weight_missing[0] != 0);
    assert_near(b->weight_missing[0], a->weight_missing[0] / 2, 1e-12);
    assert_near(b->weight_missing[1], a->weight_missing[0] / 2, 1e-12);
    arena_free(&keep);
    arena_free(&scratch);
}

/* A column that tells nothing but by its holes, all of them at positives. */
static Linear *fit_with_holes(Arena *keep, Arena *scratch, size_t rows, size_t missing)
{
    Random r = random_new(8);
    Matrix *x = matrix_new(keep, rows, 2);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, rows);
    for (size_t i = 0; i < rows; i++) {
        label[i] = i % 4 == 0;
        x->value[2 * i] = (float)random_normal(&r);
        x->value[2 * i + 1] = i % 4 == 0 && i / 4 < missing ? NAN : (float)random_normal(&r);
    }
    memcpy(x->name, names, 2 * sizeof names[0]);
    TrainingSet set = {.x = x, .label = label};
    Design *d = design_new(keep, keep, &set, rows_or_all(keep, NULL, rows), rows);
    Linear *f = NULL;
    Error err = {0};
    assert_int_equal(learn_linear(&f, keep, *scratch, &set, NULL, 0, 1, &err), STATUS_OK);
    assert_int_equal(d->groups, f->weight_missing[1] != 0 ? 1 : 0);
    return f;
}

static void linear_learns_nothing_from_too_few_missing_rows(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    assert_true(fit_with_holes(&keep, &scratch, 200, 1)->weight_missing[1] == 0);
    assert_true(fit_with_holes(&keep, &scratch, 200, 4)->weight_missing[1] == 0);
    assert_true(fit_with_holes(&keep, &scratch, 200, 5)->weight_missing[1] > 1);
    /* 1 % of the rows, once that is more than 5. */
    assert_true(fit_with_holes(&keep, &scratch, 800, 7)->weight_missing[1] == 0);
    assert_true(fit_with_holes(&keep, &scratch, 800, 8)->weight_missing[1] > 1);
    arena_free(&keep);
    arena_free(&scratch);
}

static void linear_rare_missing_value_counts_as_the_centre(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Linear *f = fit_with_holes(&keep, &scratch, 200, 4);
    assert_true(f->weight[1] != 0);
    assert_int_equal(f->transform[1], TRANSFORM_NONE);
    Matrix *x = matrix_new(&keep, 2, 2);
    memcpy(x->name, names, 2 * sizeof names[0]);
    x->value[0] = x->value[2] = 1;
    x->value[1] = NAN;
    x->value[3] = (float)f->center[1];
    double margin[2];
    model_margin(&(Model){.kind = MODEL_LINEAR, .linear = f}, x, margin);
    assert_near(margin[0], margin[1], 1e-6);
    arena_free(&keep);
    arena_free(&scratch);
}

/* What the model room computes from the Linear is what the solver saw. */
static void linear_margins_of_the_model_are_those_of_the_design(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Matrix x = {.rows = ROWS, .columns = COLUMNS, .name = names, .value = values};
    TrainingSet set = {.x = &x, .label = labels};
    Design *d = design_new(&keep, &keep, &set, rows_or_all(&keep, NULL, ROWS), ROWS);
    double weight[8] = {0}, margin[ROWS];
    assert_true(d->width <= 8);
    design_solve(d, 2, weight, PRECISION_FIT, scratch);
    Model m = {.kind = MODEL_LINEAR, .linear = design_linear(d, weight)};
    model_margin(&m, &x, margin);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (size_t j = 0; j < d->width; j++)
            sum += weight[j] * d->z[i * d->stride + j];
        assert_near(margin[i], sum, 1e-12);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

static void linear_survives_infinite_values(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Matrix *x = matrix_new(&keep, ROWS, 1);
    for (size_t i = 0; i < ROWS; i++)
        x->value[i] = i == 3 ? INFINITY : i == 4 ? -INFINITY : values[i * COLUMNS];
    x->name[0] = names[0];
    Linear *f = fit(&keep, &scratch, x, NULL, 1);
    assert_true(isfinite(f->weight[0]) && isfinite(f->intercept));
    assert_true(isfinite(f->low[0]) && isfinite(f->high[0]));
    arena_free(&keep);
    arena_free(&scratch);
}

static void linear_of_one_class_is_a_data_error(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Matrix x = {.rows = ROWS, .columns = COLUMNS, .name = names, .value = values};
    TrainingSet set = {.x = &x, .label = labels};
    const uint32_t row[] = {0, 2, 3, 4, 1}; /* a single positive */
    Linear *f = NULL;
    Error err = {0};
    assert_int_equal(learn_linear(&f, &keep, scratch, &set, row, 5, 1, &err), STATUS_DATA);
    assert_non_null(strstr(err.message, "1 positive"));
    assert_true(err.remedy[0] != 0);
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_equals_the_optimum_of_scikit_learn),
        cmocka_unit_test(linear_with_signs_equals_the_bounded_optimum),
        cmocka_unit_test(linear_column_without_variation_has_weight_zero),
        cmocka_unit_test(linear_columns_missing_together_share_one_indicator),
        cmocka_unit_test(linear_learns_nothing_from_too_few_missing_rows),
        cmocka_unit_test(linear_rare_missing_value_counts_as_the_centre),
        cmocka_unit_test(linear_margins_of_the_model_are_those_of_the_design),
        cmocka_unit_test(linear_survives_infinite_values),
        cmocka_unit_test(linear_of_one_class_is_a_data_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
