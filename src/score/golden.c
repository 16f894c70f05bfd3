#include "score/score_internal.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

void bundle_reference(Bundle *b, Arena *keep, Arena scratch, const Matrix *x)
{
    b->decile = arena_alloc(keep, x->columns + 1, sizeof *b->decile);
    b->missing = ARENA_ARRAY(keep, double, x->columns + 1);
    float *value = ARENA_ARRAY(&scratch, float, x->rows + 1);
    for (size_t k = 0; k < x->columns; k++) {
        size_t n = 0;
        for (size_t i = 0; i < x->rows; i++)
            if (!isnan(matrix_row(x, i)[k]))
                value[n++] = matrix_row(x, i)[k];
        qsort(value, n, sizeof *value, ascending);
        b->missing[k] = x->rows == 0 ? 0 : (double)(x->rows - n) / (double)x->rows;
        for (size_t d = 0; d <= 10; d++)
            b->decile[k][d] = n == 0 ? NAN : value[(n - 1) * d / 10];
    }
}

/* Row i takes, in column k, a decile or a missing value chosen by a fixed stream: between them
 * the rows walk through most of the model, and none is a customer. */
Matrix *golden_inputs(Arena *keep, const Bundle *b)
{
    const Str *names;
    size_t columns = model_columns(b->model, &names);
    Matrix *x = matrix_new(keep, GOLDEN_ROWS, columns);
    Random r = random_new(seed_derive(b->seed, 0x601D));
    for (size_t k = 0; k < columns; k++)
        x->name[k] = names[k];
    for (size_t i = 0; i < GOLDEN_ROWS; i++) {
        x->id[i] = str_format(keep, "golden-%zu", i + 1);
        for (size_t k = 0; k < columns; k++) {
            uint64_t d = random_below(&r, 12);
            x->value[i * columns + k] = d == 11 ? NAN : b->decile[k][d];
        }
    }
    return x;
}

static void score_margins(Answer *out, const Bundle *b, const double *margin, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Answer *a = &out[i];
        double p0, p1;
        a->margin = margin[i];
        a->probability = calibration_apply(&b->calibration, margin[i]);
        venn_abers_apply(b->venn_abers, margin[i], &p0, &p1);
        a->low = fmin(fmin(p0, p1), a->probability);
        a->high = fmax(fmax(p0, p1), a->probability);
        a->bias = MISSING_VALUE;
    }
}

void bundle_score(Answer *out, Arena scratch, const Bundle *b, const Matrix *x)
{
    double *margin = ARENA_ARRAY(&scratch, double, x->rows + 1);
    model_margin(b->model, x, margin);
    score_margins(out, b, margin, x->rows);
}

/* The margins as well. */
static void explain(double *margin, double *phi, Arena scratch, const Bundle *b, const Matrix *x)
{
    model_answer(b->model, x, scratch, margin, phi);
    for (size_t i = 0; i < x->rows; i++)
        calibration_contributions(&b->calibration, margin[i], x->columns,
                                  phi + i * (x->columns + 1));
}

void bundle_contributions(double *phi, Arena scratch, const Bundle *b, const Matrix *x)
{
    double *margin = ARENA_ARRAY(&scratch, double, x->rows + 1);
    explain(margin, phi, scratch, b, x);
}

void bundle_answer(Answer *out, double *phi, Arena scratch, const Bundle *b, const Matrix *x)
{
    size_t width = x->columns + 1;
    double *margin = ARENA_ARRAY(&scratch, double, x->rows + 1);
    if (phi == NULL)
        phi = ARENA_RAW(&scratch, double, x->rows *width + 1);
    explain(margin, phi, scratch, b, x);
    score_margins(out, b, margin, x->rows);
    for (size_t i = 0; i < x->rows; i++)
        out[i].bias = phi[i * width + x->columns];
}

static Status features_of_customers(GoldenCustomers *out, Matrix **x, Arena *keep, Arena scratch,
                                    const Bundle *b, Error *err)
{
    Str text[2];
    golden_files(text, keep, b);
    const InputFile file[2] = {{"golden customers", &text[0]}, {"golden transactions", &text[1]}};
    const DatasetInputs in = {.has_as_of = true,
                              .as_of_us = GOLDEN_AS_OF_US,
                              .bad_rows_max = 1,
                              .no_findings = true,
                              .score_customers = {&file[0], 1},
                              .score_transactions = {&file[1], 1}};
    Dataset *data;
    Events *events;
    Table *features;
    TRY(dataset_read(&data, keep, scratch, b->schema, &in, err));
    if (data->customers != GOLDEN_CUSTOMERS)
        return error_set(err, STATUS_FORMAT, "made-up customers cannot be read by this schema");
    int64_t as_of[GOLDEN_CUSTOMERS];
    uint32_t row[GOLDEN_CUSTOMERS];
    for (uint32_t i = 0; i < GOLDEN_CUSTOMERS; i++) {
        as_of[i] = GOLDEN_AS_OF_US;
        row[i] = i;
    }
    TRY(score_events(&events, keep, scratch, b->plan, data, as_of, err));
    TRY(feature_table(&features, keep, scratch, b->plan, events, NULL, err));
    out->features = b->plan->features;
    out->value = arena_alloc(keep, out->features + 1, sizeof *out->value);
    for (size_t k = 0; k < out->features; k++)
        for (size_t i = 0; i < GOLDEN_CUSTOMERS; i++)
            out->value[k][i] = cell_text(keep, &features->column[k], i);
    return feature_matrix(x, keep, b->plan, features, b->skip, data->id, row, GOLDEN_CUSTOMERS,
                          err);
}

Status golden_customers(GoldenCustomers *out, Arena *keep, const Bundle *b, Error *err)
{
    Matrix *x = NULL;
    Arena scratch = arena_new(); /* apart from keep, which moves while files are read */
    Status status = features_of_customers(out, &x, keep, scratch, b, err);
    if (status == STATUS_OK && x != NULL) {
        double margin[GOLDEN_CUSTOMERS];
        Buffer all = buffer_new(&scratch);
        model_margin(b->model, x, margin);
        for (size_t i = 0; i < GOLDEN_CUSTOMERS; i++)
            out->probability[i] = calibration_apply(&b->calibration, margin[i]);
        for (size_t k = 0; k < out->features; k++) {
            buffer_add(&all, b->plan->feature[k].name.text);
            for (size_t i = 0; i < GOLDEN_CUSTOMERS; i++) {
                buffer_char(&all, '\t');
                buffer_add(&all, out->value[k][i]);
            }
            buffer_char(&all, '\n');
        }
        sha256_text(out->hash, buffer_str(&all));
    }
    arena_free(&scratch);
    return status;
}
