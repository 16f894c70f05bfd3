/* forest_export FOLDER - train a forest on made-up customers and write what tests/oracle/forest.py
 * compares with XGBoost: model.json; matrix.csv, which way each column may push on its first line
 * and a missing value as an empty cell; margins.csv; contributions.csv, the bias last. */
#include "learn/learn.h"

#include <math.h>
#include <stdio.h>

enum { ROWS = 700, NUMBERS = 6, LEVELS = 3, COLUMNS = NUMBERS + LEVELS };

static const char *const column_name[COLUMNS] = {
    "amount_mean", "failed_share",     "night \"share\"",  "count",         "gap_hours",
    "noise",       "reason=DAILY_USE", "reason=INVESTING", "reason=AUTRE é"};
static const int8_t direction[COLUMNS] = {1, 0, -1, 1};

/* Heavy tails, shares, small counts that lie on thresholds, holes that tell, and one-hot columns
 * of a category that may be missing. */
static void made_row(float *x, uint8_t *label, Random *r)
{
    double risk = random_normal(r);
    x[0] = (float)stable_exp(2 * random_normal(r) + risk);
    x[1] = (float)random_uniform(r);
    x[2] = random_uniform(r) < 0.3 ? NAN : (float)(random_normal(r) - risk / 2);
    x[3] = (float)floor(fabs(2 * random_normal(r) + risk));
    x[4] = random_uniform(r) < (risk > 0 ? 0.5 : 0.1) ? NAN : (float)(random_normal(r) * 1e-3);
    x[5] = random_uniform(r) < 0.1 ? NAN : (float)random_normal(r);
    uint64_t level = random_below(r, LEVELS + 1);
    for (uint64_t k = 0; k < LEVELS; k++)
        x[NUMBERS + k] = k == level ? 1 : 0;
    double shape = (double)x[1] * (level == 1 ? 2 : -1);
    *label = random_uniform(r) < stable_sigmoid(1.5 * risk + shape - 1);
}

static Matrix *made_rows(Arena *keep, uint8_t *label)
{
    Random r = random_new(42);
    Matrix *x = matrix_new(keep, ROWS, COLUMNS);
    for (size_t k = 0; k < COLUMNS; k++)
        x->name[k] = str_from(column_name[k]);
    for (size_t i = 0; i < ROWS; i++)
        made_row(x->value + i * COLUMNS, &label[i], &r);
    return x;
}

/* 9 digits tell a float from every other float, 17 a double. */
static void add_rows(Writer *w, const double *value, size_t rows, size_t columns, int digits)
{
    for (size_t i = 0; i < rows * columns; i++) {
        if (!isnan(value[i]))
            writer_format(w, "%.*g", digits, value[i]);
        writer_add(w, (i + 1) % columns == 0 ? S("\n") : S(","));
    }
}

static Status write_rows(const char *folder, const char *name, const double *first,
                         const double *value, size_t columns, int digits, Arena scratch, Error *err)
{
    Writer *w;
    TRY(writer_open(&w, &scratch, path_join(&scratch, folder, name), err));
    if (first != NULL)
        add_rows(w, first, 1, columns, digits);
    add_rows(w, value, ROWS, columns, digits);
    return writer_close(w, err);
}

static Status export(const char *folder, Arena *keep, Arena scratch, Error *err)
{
    uint8_t label[ROWS];
    Matrix *x = made_rows(keep, label);
    const TrainingSet set = {.x = x, .label = label, .monotone = direction};
    ForestOptions options = forest_options_default();
    options.trees = 60;
    options.depth = 4;
    options.hessian_min = 1;
    Forest *forest;
    TRY(learn_forest(&forest, keep, scratch, &set, NULL, 0, NULL, 0, &options, NULL, err));

    const Model model = {.kind = MODEL_FOREST, .forest = forest};
    double *margin = ARENA_ARRAY(keep, double, ROWS);
    double *phi = ARENA_ARRAY(keep, double, ROWS *(COLUMNS + 1));
    double *value = ARENA_ARRAY(keep, double, ROWS *COLUMNS);
    double way[COLUMNS];
    model_margin(&model, x, margin);
    model_explain(&model, x, scratch, phi);
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++)
        value[i] = (double)x->value[i];
    for (size_t k = 0; k < COLUMNS; k++)
        way[k] = direction[k];
    TRY(folder_make(folder, err));
    TRY(file_write(path_join(keep, folder, "model.json"), model_write(keep, &model), err));
    TRY(write_rows(folder, "matrix.csv", way, value, COLUMNS, 9, scratch, err));
    TRY(write_rows(folder, "margins.csv", NULL, margin, 1, 9, scratch, err));
    return write_rows(folder, "contributions.csv", NULL, phi, COLUMNS + 1, 17, scratch, err);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: forest_export FOLDER\n");
        return 2;
    }
    Arena keep = arena_new(), scratch = arena_new();
    Error err = {0};
    Status status = export(argv[1], &keep, scratch, &err);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "forest_export: %s\n", err.message);
    arena_free(&scratch);
    arena_free(&keep);
    return status == STATUS_OK ? 0 : 1;
}
