/* learner COLUMNS TRAIN LABELS TEST MARGINS [NAME=VALUE ...] - learn from a matrix and write the
 * margins of another; what tests/oracle/learners.py and bench/models.py compare with other
 * libraries. Matrices are rows of bare float32, NaN missing; labels are bytes; margins double.
 * Settings are those of ForestOptions by name, random=1 for a random forest, model=FILE to keep the
 * model, and threads. Seconds that learning took, wall and processor's, go to standard
 * output. */
#include "learn/learn.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct Settings {
    ForestOptions forest;
    size_t threads;
    Str model;
} Settings;

static bool set(Settings *s, Str name, Str text)
{
    ForestOptions *o = &s->forest;
    struct {
        const char *name;
        size_t *count;
        double *real;
    } field[] = {{"trees", &o->trees, NULL},
                 {"depth", &o->depth, NULL},
                 {"leaves", &o->leaves, NULL},
                 {"bins", &o->bins, NULL},
                 {"threads", &s->threads, NULL},
                 {"learning_rate", NULL, &o->learning_rate},
                 {"l2", NULL, &o->l2},
                 {"hessian_min", NULL, &o->hessian_min},
                 {"row_share", NULL, &o->row_share},
                 {"column_share", NULL, &o->column_share},
                 {"split_share", NULL, &o->split_share}};
    double value;
    if (str_equal(name, S("model"))) {
        s->model = text;
        return true;
    }
    if (!parse_double(text, &value))
        return false;
    if (str_equal(name, S("seed"))) {
        o->seed = (uint64_t)value;
        return true;
    }
    if (str_equal(name, S("random"))) {
        *o = forest_options_random();
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(field); i++)
        if (str_equal(name, str_from(field[i].name))) {
            if (field[i].count != NULL)
                *field[i].count = (size_t)value;
            else
                *field[i].real = value;
            return true;
        }
    return false;
}

static Status read_matrix(Matrix **out, Arena *keep, const char *path, size_t columns, Error *err)
{
    Str bytes;
    TRY(file_read(&bytes, keep, path, err));
    *out = matrix_new(keep, bytes.size / sizeof(float) / columns, columns);
    memcpy((*out)->value, bytes.data, (*out)->rows * columns * sizeof(float));
    for (size_t c = 0; c < columns; c++)
        (*out)->name[c] = str_format(keep, "c%zu", c);
    return STATUS_OK;
}

static Status learn(char **argv, const Settings *s, Arena *keep, Arena scratch, Error *err)
{
    Matrix *x, *test;
    Str label;
    Forest *forest;
    int64_t columns = 0;
    if (!parse_int64(str_from(argv[1]), &columns) || columns < 1)
        return error_set(err, STATUS_USAGE, "COLUMNS is not a number");
    TRY(read_matrix(&x, keep, argv[2], (size_t)columns, err));
    TRY(file_read(&label, keep, argv[3], err));
    TRY(read_matrix(&test, keep, argv[4], (size_t)columns, err));
    const TrainingSet training = {.x = x, .label = (const uint8_t *)label.data};
    ForestOptions options = s->forest;
    if (options.apart)
        options.learning_rate = 1.0 / (double)options.trees;
    Team *team = team_new(s->threads);
    int64_t from = clock_monotonic_us();
    clock_t processor = clock();
    TRY(learn_forest(&forest, keep, scratch, &training, NULL, 0, NULL, 0, &options, team, err));
    (void)printf("learn %.6f %.6f\n", (double)(clock_monotonic_us() - from) / 1e6,
                 (double)(clock() - processor) / CLOCKS_PER_SEC);
    team_free(team);
    const Model model = {.kind = MODEL_FOREST, .forest = forest};
    double *margin = ARENA_ARRAY(keep, double, test->rows);
    model_margin(&model, test, margin);
    if (s->model.size > 0)
        TRY(file_write(str_chars(keep, s->model), model_write(keep, &model), err));
    return file_write(argv[5], (Str){(const char *)margin, test->rows * sizeof *margin}, err);
}

int main(int argc, char **argv)
{
    Settings s = {.forest = forest_options_default(), .threads = 1};
    s.forest.patience = 0;
    bool good = argc >= 6;
    for (int i = 6; i < argc && good; i++) {
        const char *equals = strchr(argv[i], '=');
        good = equals != NULL &&
               set(&s, (Str){argv[i], (size_t)(equals - argv[i])}, str_from(equals + 1));
    }
    if (!good) {
        (void)fprintf(stderr,
                      "usage: learner COLUMNS TRAIN LABELS TEST MARGINS [NAME=VALUE ...]\n");
        return 2;
    }
    Arena keep = arena_new(), scratch = arena_new();
    Error err = {0};
    Status status = learn(argv, &s, &keep, scratch, &err);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "learner: %s\n", err.message);
    arena_free(&scratch);
    arena_free(&keep);
    return status == STATUS_OK ? 0 : 1;
}
