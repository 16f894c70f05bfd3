/* model_apply MODEL MATRIX MARGINS [CONTRIBUTIONS ROWS] [THREADS] - margins, and contributions of
 * the first ROWS rows, that a model file gives for a matrix; what tests/oracle/margins.py and
 * bench/models.py compare with XGBoost. The files are rows of bare numbers as the machine holds
 * them: float32 in and for margins, double for contributions, the bias last. Seconds taken (the
 * least of up to three), wall and processor's, go to standard output. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS_TASK = 2048 };

/* Wall and processor time: on a busy machine only the second compares. */
typedef struct Took {
    double wall, processor;
} Took;

static Took now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (Took){(double)clock_monotonic_us() / 1e6, (double)t.tv_sec + (double)t.tv_nsec / 1e9};
}

static Took since(Took from)
{
    Took to = now();
    return (Took){to.wall - from.wall, to.processor - from.processor};
}

static void say(const char *what, Took took, double share)
{
    (void)printf("%s %.9f %.9f\n", what, took.wall / share, took.processor / share);
}

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

static Took run(Team *team, TeamTask *task, const Work *w)
{
    Took best = {1e9, 1e9};
    double all = 0;
    for (int i = 0; i < 3 && all < 1; i++) {
        Took from = now();
        team_run(team, (w->x->rows + ROWS_TASK - 1) / ROWS_TASK, task, (void *)(uintptr_t)w);
        Took took = since(from);
        best.wall = took.wall < best.wall ? took.wall : best.wall;
        best.processor = took.processor < best.processor ? took.processor : best.processor;
        all += took.wall;
    }
    return best;
}

static void run_rows(const Work *w)
{
    Matrix row = *w->x;
    row.rows = 1;
    size_t most = w->x->rows < 2000 ? w->x->rows : 2000;
    Took from = now();
    for (size_t i = 0; i < most; i++) {
        row.value = w->x->value + i * w->x->columns;
        model_margin(w->model, &row, w->margin + i);
    }
    say("one_row", since(from), (double)most);
}

static size_t count_of(const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*end != 0 || value < 0)
        exit(2);
    return (size_t)value;
}

static Status apply(char **argv, int argc, Arena *keep, Error *err)
{
    Str bytes, rows;
    Model *m;
    const Str *name;
    Took from = now();
    TRY(file_read(&bytes, keep, argv[1], err));
    TRY(model_read(&m, keep, bytes, err));
    say("read", since(from), 1);
    TRY(file_read(&rows, keep, argv[2], err));
    Matrix x = {.columns = model_columns(m, &name)};
    x.rows = rows.size / sizeof(float) / x.columns;
    x.name = (Str *)(uintptr_t)name;
    x.value = arena_copy(keep, rows.data, rows.size);
    Work w = {.model = m, .x = &x, .margin = ARENA_ARRAY(keep, double, x.rows)};
    size_t threads = argc % 2 == 1 ? count_of(argv[argc - 1]) : 1;
    Team *team = team_new(threads);
    run_rows(&w);
    say("margins", run(team, margin_task, &w), 1);
    float *margin = ARENA_ARRAY(keep, float, x.rows);
    for (size_t i = 0; i < x.rows; i++)
        margin[i] = (float)w.margin[i];
    TRY(file_write(argv[3], (Str){(const char *)margin, x.rows * sizeof *margin}, err));
    if (argc > 5) {
        size_t most = count_of(argv[5]);
        x.rows = most < x.rows ? most : x.rows;
        w.phi = ARENA_ARRAY(keep, double, x.rows *(x.columns + 1));
        say("contributions", run(team, explain_task, &w), 1);
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
