#include "learn/learn_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { ROWS = 160, COLUMNS = 4 };

typedef struct Made {
    Arena keep, scratch;
    TrainingSet set;
    uint8_t *label;
    LearnOptions options;
    const uint8_t *in[1];
    Str stratum[1];
} Made;

static Made *made(double strength)
{
    Made *m = calloc(1, sizeof *m);
    m->keep = arena_new();
    m->scratch = arena_new();
    Random r = random_new(4);
    Matrix *x = matrix_new(&m->keep, ROWS, COLUMNS);
    m->label = ARENA_ARRAY(&m->keep, uint8_t, ROWS);
    for (size_t c = 0; c < COLUMNS; c++)
        x->name[c] = str_format(&m->keep, "c%zu", c);
    for (size_t i = 0; i < ROWS; i++) {
        float *v = x->value + i * COLUMNS;
        for (size_t c = 0; c < COLUMNS; c++)
            v[c] = (float)random_normal(&r);
        m->label[i] = random_uniform(&r) < stable_sigmoid(strength * (double)(v[0] + v[1]) - 1);
        x->id[i] = str_format(&m->keep, "u%zu", i);
    }
    m->stratum[0] = S("ALL");
    m->set = (TrainingSet){
        .x = x, .label = m->label, .strata = 1, .stratum = m->stratum, .in_stratum = m->in};
    m->options = learn_options_default();
    m->options.repeats = 2;
    m->options.inner_folds = 3;
    m->options.folds = 3;
    m->options.trials = 3;
    m->options.replicates = 40;
    return m;
}

static void unmade(Made *m)
{
    arena_free(&m->keep);
    arena_free(&m->scratch);
    free(m);
}

static const Candidate logistic = {.name = {"logistic", 8}, .kind = MODEL_LINEAR};

static Candidate boosted(void)
{
    return (Candidate){
        .name = S("boosting"), .kind = MODEL_FOREST, .forest = forest_options_default()};
}

static Searched searched(Made *m, const Candidate *c)
{
    InnerPart part = inner_part(&m->keep, &m->set, NULL, 0, m->options.inner_folds, 7);
    Searched s = searched_new(&m->keep, c, &m->options, ROWS);
    search_run(&s, c, &m->set, &part, &m->options, 7, m->scratch);
    assert_true(s.whole);
    return s;
}

/* ---- rungs ---- */

static void search_costs_what_the_documentation_says(void **state)
{
    (void)state;
    assert_int_equal(search_fits(12, 5), 26);
    assert_int_equal(search_fits(50, 5), 108);
    assert_int_equal(search_fits(1, 5), 5);
    assert_int_equal(search_rungs(5), 4);
    LearnOptions o = learn_options_default();
    o.trials = 50;
    o.fits = 30;
    size_t trials = search_trials(&o, &logistic);
    assert_true(search_fits(trials, 5) <= 30 && search_fits(trials + 1, 5) > 30);
    o.fits = 1; /* less than the default setting takes: it is judged all the same */
    assert_int_equal(search_trials(&o, &logistic), 1);
    const Candidate majority = {.kind = MODEL_LINEAR, .constant = true};
    assert_int_equal(search_trials(&o, &majority), 1);
}

static void search_halves_the_trials_and_keeps_the_default_in_the_running(void **state)
{
    (void)state;
    Made *m = made(1);
    m->options.trials = 12;
    m->options.inner_folds = 5;
    Candidate boosting = boosted();
    const Candidate *candidates[] = {&logistic, &boosting};
    for (size_t k = 0; k < 2; k++) {
        Searched s = searched(m, candidates[k]);
        size_t reached[5] = {0}, kept = 0;
        for (size_t i = 0; i < s.trials; i++) {
            for (uint32_t rung = 1; rung <= s.trial[i].rungs; rung++)
                reached[rung]++;
            kept += s.trial[i].kept;
            // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
            assert_int_equal(s.trial[i].folds, ((uint32_t[]){1, 2, 4, 5})[s.trial[i].rungs - 1]);
            assert_true(s.trial[i].log_loss > 0 && s.trial[i].error > 0);
        }
        assert_int_equal(reached[1], 12);
        assert_int_equal(reached[2], 6);
        assert_int_equal(reached[3], 3);
        assert_int_equal(reached[4], 2);
        assert_int_equal(kept, 1);
        assert_int_equal(s.trial[0].rungs, 4);
        assert_int_equal(s.fits, search_fits(12, 5));
        /* Those who went on were not worse than those left behind, the default apart. */
        for (size_t i = 1; i < s.trials; i++)
            assert_true(isfinite(s.trial[i].log_loss));
    }
    unmade(m);
}

static void trials_lie_in_the_space_and_the_first_is_the_default(void **state)
{
    (void)state;
    Candidate boosting = boosted();
    Space space = space_of(&boosting);
    size_t low = 0, high = 0;
    for (size_t i = 0; i < 400; i++) {
        Tuned t = trial_draw(&space, i, 3), again = trial_draw(&space, i, 3);
        assert_memory_equal(&t, &again, sizeof t);
        for (size_t d = 0; d < space.dimensions; d++) {
            const Dimension *one = &space.dimension[d];
            double x = t.value[one->setting];
            assert_true(x >= one->low && x <= one->high);
            assert_true(!one->whole || x == floor(x));
            if (i == 0)
                assert_true(x == one->usual);
        }
        low += t.value[SETTING_DEPTH] == 1;
        high += t.value[SETTING_DEPTH] == 5;
    }
    assert_in_range(low, 50, 110); /* both ends of whole numbers as likely as the others: 80 */
    assert_in_range(high, 50, 110);
}

/* The winner's margins are those of models that were fitted without the row: a fit by hand. */
static void inner_margins_are_out_of_fold(void **state)
{
    (void)state;
    Made *m = made(1);
    Searched s = searched(m, &logistic);
    InnerPart part = inner_part(&m->keep, &m->set, NULL, 0, m->options.inner_folds, 7);
    for (uint32_t k = 0; k < part.folds; k++) {
        uint32_t row[ROWS];
        size_t n = 0;
        for (uint32_t i = 0; i < ROWS; i++)
            if (part.fold[i] != k)
                row[n++] = i;
        Linear *linear;
        Error err = {0};
        double margin[ROWS];
        assert_int_equal(learn_linear(&linear, &m->keep, m->scratch, &m->set, row, n,
                                      s.tuned.value[SETTING_L2], &err),
                         STATUS_OK);
        model_margin(&(Model){.kind = MODEL_LINEAR, .linear = linear}, m->set.x, margin);
        for (size_t i = 0; i < ROWS; i++)
            if (part.fold[i] == k)
                assert_true(fabs(margin[i] - s.margin[i]) < 1e-4);
    }
    unmade(m);
}

static void default_stays_unless_beaten_by_more_than_the_lead(void **state)
{
    (void)state;
    Made *m = made(0);
    m->options.trials = 12;
    m->options.seed = 2;
    Candidate boosting = boosted();
    m->options.lead = 0;
    Searched free_choice = searched(m, &boosting);
    size_t lowest = 0;
    for (size_t i = 0; i < free_choice.trials; i++)
        if (free_choice.trial[i].folds == 3 &&
            free_choice.trial[i].log_loss < free_choice.trial[lowest].log_loss)
            lowest = i;
    assert_true(free_choice.trial[lowest].kept);
    assert_true(lowest != 0); /* on noise something always looks better */
    m->options.lead = 100;
    assert_true(searched(m, &boosting).trial[0].kept);
    unmade(m);
}

/* ---- the nested estimate ---- */

static void nested_choice_uses_candidates_probabilities_and_counts_itself(void **state)
{
    (void)state;
    Made *m = made(1);
    Validation *v = NULL;
    Error err = {0};
    assert_int_equal(
        learn_validate(&v, &m->keep, m->scratch, &m->set, &m->options, NULL, NULL, &err),
        STATUS_OK);
    size_t times[8] = {0}, all = 0;
    for (size_t r = 0; r < v->repeats; r++)
        for (size_t i = 0; i < ROWS; i++) {
            size_t chosen = v->nested.chosen[r][v->fold[r][i]];
            assert_true(v->nested.probability[r][i] == v->candidate[chosen].probability[r][i]);
        }
    for (size_t r = 0; r < v->repeats; r++)
        for (size_t k = 0; k < v->folds; k++)
            times[v->nested.chosen[r][k]]++;
    for (size_t k = 0; k < v->candidates; k++) {
        assert_int_equal(times[k], v->nested.times[k]);
        all += times[k];
    }
    assert_int_equal(all, v->repeats * v->folds);
    assert_int_equal(v->budget.made, v->budget.fits);
    /* Probabilities are the sigmoid of the part's own inner margins. */
    CalibrationPart on;
    learn_calibration_part(&on, &m->keep, &m->set, v, 1, 1, 2);
    Platt c = learn_sigmoid(on.margin, on.label, on.rows);
    for (size_t i = 0, at = 0; i < ROWS; i++)
        if (v->fold[1][i] == 2)
            assert_true(v->candidate[1].probability[1][i] ==
                        platt_apply(c, v->candidate[1].margin[1][i]));
        else
            assert_int_equal(on.row[at++], i);
    unmade(m);
}

/* ---- interruption ---- */

typedef struct Watcher {
    atomic_int stop;
    size_t after, seen;
    char said[4][200];
    size_t sentences;
} Watcher;

static void part(void *context, size_t done, size_t total)
{
    Watcher *w = context;
    (void)done;
    (void)total;
    if (++w->seen > w->after)
        atomic_store(&w->stop, 2);
}

static void say(void *context, const char *sentence)
{
    Watcher *w = context;
    if (w->sentences < 4)
        (void)snprintf(w->said[w->sentences++], 200, "%s", sentence);
}

static Status validate(Made *m, Validation **v, Watcher *w, size_t threads)
{
    Progress progress = {NULL, w, part, say};
    Team *team = team_new(threads);
    Error err = {0};
    m->options.stop = &w->stop;
    team_watch(team, &progress);
    Status status =
        learn_validate(v, &m->keep, m->scratch, &m->set, &m->options, team, &progress, &err);
    if (status != STATUS_OK && status != STATUS_STOPPED)
        print_error("%s\n", err.message);
    team_free(team);
    return status;
}

static void assert_same(const Validation *a, const Validation *b)
{
    assert_int_equal(a->chosen, b->chosen);
    assert_int_equal(a->budget.made, b->budget.made);
    assert_true(str_equal(a->reason, b->reason));
    for (size_t k = 0; k < a->candidates; k++) {
        for (size_t r = 0; r < a->repeats; r++) {
            assert_memory_equal(a->candidate[k].margin[r], b->candidate[k].margin[r],
                                ROWS * sizeof(double));
            assert_memory_equal(a->candidate[k].probability[r], b->candidate[k].probability[r],
                                ROWS * sizeof(double));
        }
        assert_true(str_equal(a->candidate[k].says, b->candidate[k].says));
        for (size_t at = 0; at < validation_parts(a); at++) {
            const Searched *x = &a->searched[k * validation_parts(a) + at];
            const Searched *y = &b->searched[k * validation_parts(b) + at];
            assert_int_equal(x->trials, y->trials);
            for (size_t i = 0; i < x->trials; i++) {
                assert_true(x->trial[i].log_loss == y->trial[i].log_loss);
                assert_true(x->trial[i].kept == y->trial[i].kept);
            }
        }
    }
}

static void interrupted_validation_goes_on_and_gives_the_same_bytes(void **state)
{
    (void)state;
    Made *m = made(1);
    char path[] = "/tmp/assay-resume-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    Resume resume = {path, S("these files")};
    Validation *whole = NULL, *again = NULL;
    Watcher never = {.after = SIZE_MAX};
    assert_int_equal(validate(m, &whole, &never, 1), STATUS_OK);
    m->options.resume = &resume;
    for (size_t threads = 1; threads <= 8; threads += 7) {
        size_t stops = 0;
        for (size_t rounds = 0; rounds < 40; rounds++) {
            Watcher w = {.after = 9 * rounds + 4};
            /* The first on one thread, where it is known how far it came. */
            Status status = validate(m, &again, &w, rounds == 0 ? 1 : threads);
            if (rounds > 0)
                assert_non_null(strstr(w.said[1], "going on from"));
            if (status == STATUS_OK)
                break;
            assert_int_equal(status, STATUS_STOPPED);
            assert_true(file_exists(path));
            stops++;
        }
        assert_true(stops >= 1);
        assert_same(whole, again);
        assert_int_equal(unlink(path), 0);
    }
    unmade(m);
}

static void kept_searches_of_other_inputs_and_damaged_ones_are_ignored(void **state)
{
    (void)state;
    Made *m = made(1);
    m->options.repeats = 1;
    char path[] = "/tmp/assay-resume-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    Resume resume = {path, S("these files")};
    m->options.resume = &resume;
    Validation *first = NULL, *other = NULL;
    Watcher w = {.after = SIZE_MAX};
    assert_int_equal(validate(m, &first, &w, 1), STATUS_OK);
    assert_non_null(strstr(
        w.said[1], "is not a resume file of this program: it is ignored")); /* the empty one */
    Str good;
    Error err = {0};
    assert_int_equal(file_read(&good, &m->keep, path, &err), STATUS_OK);

    /* Every byte counts: one in each part of the file. */
    const size_t at[] = {0, 17, 30, 90, good.size / 2, good.size - 3};
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        char *bad = arena_copy(&m->keep, good.data, good.size);
        bad[at[i]] ^= 1;
        assert_int_equal(file_write(path, (Str){bad, good.size}, &err), STATUS_OK);
        w = (Watcher){.after = SIZE_MAX};
        assert_int_equal(validate(m, &other, &w, 1), STATUS_OK);
        assert_non_null(strstr(w.said[1], "it is ignored"));
        assert_same(first, other);
    }
    assert_int_equal(file_write(path, (Str){good.data, good.size - 9}, &err), STATUS_OK);
    w = (Watcher){.after = SIZE_MAX};
    assert_int_equal(validate(m, &other, &w, 1), STATUS_OK);
    assert_non_null(strstr(w.said[1], "is damaged: it is ignored"));

    /* Made up with care: settings outside the space, trees without end. The first task begins after
     * magic, version, key and count; it is the first candidate's, which has nothing to set. */
    enum { HEAD = 16 + 4 + (SHA256_TEXT - 1) + 4, TASK = 4 * 4 + 8, SUM = SHA256_TEXT - 1 };
    enum { TUNED = 8 * SETTINGS + 4 };
    const struct {
        size_t at; /* in both copies of what won */
        double value;
        // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
    } made_up[] = {{0, 1e300}, {8, NAN}, {16, -1}, {8 * SETTINGS, 0}};
    for (size_t i = 0; i < COUNT_OF(made_up); i++) {
        char *bad = arena_copy(&m->keep, good.data, good.size), sum[SHA256_TEXT];
        for (size_t copy = 0; copy < 2; copy++) {
            char *place = bad + HEAD + TASK + copy * TUNED + made_up[i].at;
            // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
            if (made_up[i].at < 8 * SETTINGS)
                memcpy(place, &made_up[i].value, 8);
            else
                memset(place, 0xFF, 4);
        }
        sha256_text(sum, (Str){bad, good.size - SUM});
        memcpy(bad + good.size - SUM, sum, SUM);
        assert_int_equal(file_write(path, (Str){bad, good.size}, &err), STATUS_OK);
        w = (Watcher){.after = SIZE_MAX};
        assert_int_equal(validate(m, &other, &w, 1), STATUS_OK);
        assert_non_null(strstr(w.said[1], "does not fit: it is ignored"));
        assert_same(first, other);
    }

    /* Another seed, other labels, other files, other trials. */
    for (int kind = 0; kind < 4; kind++) {
        assert_int_equal(file_write(path, good, &err), STATUS_OK);
        const LearnOptions before = m->options;
        m->options.seed += kind == 0;
        m->label[3] ^= kind == 1;
        resume.identity = kind == 2 ? S("other files") : S("these files");
        m->options.trials += kind == 3;
        w = (Watcher){.after = SIZE_MAX};
        assert_int_equal(validate(m, &other, &w, 1), STATUS_OK);
        assert_non_null(strstr(w.said[1], "is of other files, options or another version"));
        m->label[3] ^= kind == 1;
        m->options = before;
    }
    resume.identity = S("these files");
    assert_int_equal(file_write(path, good, &err), STATUS_OK);
    w = (Watcher){.after = SIZE_MAX};
    assert_int_equal(validate(m, &other, &w, 1), STATUS_OK);
    assert_non_null(strstr(w.said[1], "going on from"));
    assert_same(first, other);
    assert_int_equal(unlink(path), 0);
    unmade(m);
}

/* ---- choosing ---- */

static void linked_customers_count_once_in_the_standard_error(void **state)
{
    (void)state;
    Arena scratch = arena_new();
    double value[50], twice[100], alone, together, apart;
    uint32_t group[100];
    Random r = random_new(3);
    for (uint32_t i = 0; i < 50; i++) {
        value[i] = random_normal(&r);
        twice[i] = twice[50 + i] = value[i];
        group[i] = group[50 + i] = 1000 - i;
    }
    (void)mean_of(value, NULL, 50, &alone, scratch);
    (void)mean_of(twice, group, 100, &together, scratch);
    (void)mean_of(twice, NULL, 100, &apart, scratch);
    assert_true(fabs(together - alone) < 1e-14);
    assert_true(apart < 0.8 * alone); /* what it would claim without knowing of the links */
    arena_free(&scratch);
}

static void choice_is_the_simplest_within_one_standard_error_by_every_criterion(void **state)
{
    (void)state;
    Arena scratch = arena_new();
    enum { N = 300 };
    static double p[4][N];
    static uint8_t label[N];
    Random r = random_new(8);
    for (size_t i = 0; i < N; i++) {
        double x = random_normal(&r), noise = random_normal(&r);
        label[i] = random_uniform(&r) < stable_sigmoid(2 * x - 1);
        p[0][i] = 0.35;                                    /* the average */
        p[1][i] = stable_sigmoid(2 * x - 1 + 0.1 * noise); /* nearly the truth */
        p[2][i] = stable_sigmoid(2 * x - 1);               /* the truth */
        p[3][i] = stable_sigmoid(2 * x - 1 + 2 * noise);   /* a worse one that is not simple */
    }
    const double *one[4][1] = {{p[0]}, {p[1]}, {p[2]}, {p[3]}};
    const double *const *all[4] = {one[0], one[1], one[2], one[3]};
    Contest c = {.candidates = 4,
                 .rows = N,
                 .repeats = 1,
                 .probability = all,
                 .label = label,
                 .replicates = 200,
                 .seed = 5};
    for (Criterion k = 0; k < CRITERIA; k++) {
        Standing s[4];
        size_t best;
        assert_int_equal(contest_choose(s, &best, &c, k, NULL, scratch), 1);
        assert_true(best == 1 || best == 2);
        assert_true(s[best].behind == 0);
        assert_true(s[0].behind > 2 * s[0].behind_error && s[3].behind > s[3].behind_error);
    }
    Comparison told[4][CRITERIA];
    contest_compare(told[0], &c, 1, NULL, scratch);
    for (size_t k = 0; k < CRITERIA; k++) {
        assert_int_equal(told[0][k].verdict, VERDICT_WORSE);
        assert_int_equal(told[1][k].verdict, VERDICT_SAME);
        assert_int_equal(told[2][k].verdict, VERDICT_SAME);
        assert_int_equal(told[3][k].verdict, VERDICT_WORSE);
    }
    assert_true(told[0][CRITERION_AUC].difference.value < 0);
    assert_true(told[0][CRITERION_LOG_LOSS].difference.value > 0);
    /* Everyone has a double: alone they would seem to say twice as much. */
    static double doubled[4][2 * N];
    static uint8_t labels[2 * N];
    static uint32_t group[2 * N];
    for (uint32_t i = 0; i < 2 * N; i++) {
        group[i] = i % N;
        labels[i] = label[i % N];
        for (size_t k = 0; k < 4; k++)
            doubled[k][i] = p[k][i % N];
    }
    const double *two[4][1] = {{doubled[0]}, {doubled[1]}, {doubled[2]}, {doubled[3]}};
    const double *const *pairs[4] = {two[0], two[1], two[2], two[3]};
    // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
    c.rows = 2 * N;
    c.probability = pairs;
    c.label = labels;
    Standing apart[4], linked[4];
    size_t best;
    (void)contest_choose(apart, &best, &c, CRITERION_AUC, NULL, scratch);
    c.group = group;
    (void)contest_choose(linked, &best, &c, CRITERION_AUC, NULL, scratch);
    assert_true(apart[3].behind_error < 0.85 * linked[3].behind_error);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_costs_what_the_documentation_says),
        cmocka_unit_test(search_halves_the_trials_and_keeps_the_default_in_the_running),
        cmocka_unit_test(trials_lie_in_the_space_and_the_first_is_the_default),
        cmocka_unit_test(inner_margins_are_out_of_fold),
        cmocka_unit_test(default_stays_unless_beaten_by_more_than_the_lead),
        cmocka_unit_test(nested_choice_uses_candidates_probabilities_and_counts_itself),
        cmocka_unit_test(interrupted_validation_goes_on_and_gives_the_same_bytes),
        cmocka_unit_test(kept_searches_of_other_inputs_and_damaged_ones_are_ignored),
        cmocka_unit_test(linked_customers_count_once_in_the_standard_error),
        cmocka_unit_test(choice_is_the_simplest_within_one_standard_error_by_every_criterion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
