/* model_apply MODEL MATRIX MARGINS [CONTRIBUTIONS ROWS] [THREADS] - margins, and contributions of
 * the first ROWS rows, that a model file gives for a matrix; what tests/oracle/margins.py and
 * bench/models.py compare with XGBoost. The files are rows of bare numbers as the machine holds
 * them: float32 in and for margins, double for contributions, the bias last. Seconds taken (the
 * fastest of up to three) go to standard output: read, margins, one row, contributions. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_TASK = 256 };

typedef struct Work {
    const Model *model;
    const Matrix *x;
    double *margin, *phi;
} Work;

static Matrix part_of(const Matrix *x, size_t from)
{
    Matrix part = *x;
    part.rows = x->rows - from < ROWS_TASK ? x->rows - from : ROWS_TASK;
    part.value = x->value + from * x->columns;
    return part;
}

static void margin_task(void *context, size_t task, Arena scratch)
{
    const Work *w = context;
    (void)scratch;
    Matrix part = part_of(w->x, task * ROWS_TASK);
    model_margin(w->model, &part, w->margin + task * ROWS_TASK);
}

static void explain_task(void *context, size_t task, Arena scratch)
{
    const Work *w = context;
    Matrix part = part_of(w->x, task * ROWS_TASK);
    model_explain(w->model, &part, scratch, w->phi + task * ROWS_TASK * (w->x->columns + 1));
}

static double run(Team *team, TeamTask *task, const Work *w)
{
    double best = 1e9, all = 0;
    for (int i = 0; i < 3 && all < 1; i++) {
        int64_t from = clock_monotonic_us();
        team_run(team, (w->x->rows + ROWS_TASK - 1) / ROWS_TASK, task, (void *)(uintptr_t)w);
        double seconds = (double)(clock_monotonic_us() - from) / 1e6;
        best = seconds < best ? seconds : best;
        all += seconds;
    }
    return best;
}

static double run_one_row(const Work *w)
{
    Matrix row = *w->x;
    row.rows = 1;
    size_t most = w->x->rows < 2000 ? w->x->rows : 2000;
    int64_t from = clock_monotonic_us();
    for (size_t i = 0; i < most; i++) {
        row.value = w->x->value + i * w->x->columns;
        model_margin(w->model, &row, w->margin + i);
    }
    return (double)(clock_monotonic_us() - from) / 1e6 / (double)most;
}

static Status apply(char **argv, int argc, Arena *keep, Error *err)
{
    Str bytes, rows;
    Model *m;
    const Str *name;
    int64_t from = clock_monotonic_us();
    TRY(file_read(&bytes, keep, argv[1], err));
    TRY(model_read(&m, keep, bytes, err));
    (void)printf("read %.6f\n", (double)(clock_monotonic_us() - from) / 1e6);
    TRY(file_read(&rows, keep, argv[2], err));
    Matrix x = {.columns = model_columns(m, &name)};
    x.rows = rows.size / sizeof(float) / x.columns;
    x.name = (Str *)(uintptr_t)name;
    x.value = arena_copy(keep, rows.data, rows.size);
    Work w = {.model = m, .x = &x, .margin = ARENA_ARRAY(keep, double, x.rows)};
    size_t threads = argc % 2 == 1 ? (size_t)atoi(argv[argc - 1]) : 1;
    Team *team = team_new(threads);
    (void)printf("one_row %.9f\n", run_one_row(&w));
    (void)printf("margins %.6f\n", run(team, margin_task, &w));
    float *margin = ARENA_ARRAY(keep, float, x.rows);
    for (size_t i = 0; i < x.rows; i++)
        margin[i] = (float)w.margin[i];
    TRY(file_write(argv[3], (Str){(const char *)margin, x.rows * sizeof *margin}, err));
    if (argc > 5) {
        size_t most = (size_t)atoi(argv[5]);
        x.rows = most < x.rows ? most : x.rows;
        w.phi = ARENA_ARRAY(keep, double, x.rows *(x.columns + 1));
        (void)printf("contributions %.6f\n", run(team, explain_task, &w));
        TRY(file_write(argv[4],
                       (Str){(const char *)w.phi, x.rows * (x.columns + 1) * sizeof(double)}, err));
    }
    team_free(team);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 7) {
        (void)fprintf(stderr,
                      "usage: model_apply MODEL MATRIX MARGINS [CONTRIBUTIONS ROWS] [THREADS]\n");
        return 2;
    }
    Arena keep = arena_new();
    Error err = {0};
    Status status = apply(argv, argc, &keep, &err);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "model_apply: %s\n", err.message);
    arena_free(&keep);
    return status == STATUS_OK ? 0 : 1;
}
