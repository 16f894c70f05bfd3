/* Learning again and deciding again. */
#include "judge/judge.h"
#include "store/store.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "unit/made_up_run.h"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

/* The made-up bank, learnt from in earnest. */
typedef struct Fixture {
    Arena arena, scratch;
    Run *run;
    Validation *validation;
    LearnOptions options;
    PolicyInputs inputs;
} Fixture;

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    Error err = {0};
    f->arena = arena_new();
    f->scratch = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    f->options = learn_options_default();
    f->options.repeats = 2;
    f->options.folds = 3;
    f->options.inner_folds = 2;
    f->options.replicates = 20;
    f->options.trials = 4;
    made_up_ok(learn_validate(&f->validation, &f->arena, f->scratch, f->run->training, &f->options,
                              NULL, NULL, &err),
               &err);
    const Scored *s = f->run->scored;
    Matrix *x;
    made_up_ok(score_matrix(&x, &f->arena, f->run->bundle, s, NULL, s->count, &err), &err);
    f->inputs = (PolicyInputs){.events = s->events,
                               .features = s->features,
                               .row = s->row,
                               .id = f->run->data->id,
                               .count = s->count,
                               .matrix = x,
                               .columns = f->run->bundle->columns};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    arena_free(&f->scratch);
    arena_free(&f->arena);
    free(f);
    return 0;
}

static const ListStability *stability(Fixture *f, size_t chosen, size_t runs, Team *team)
{
    ListStability *out;
    Error err = {0};
    Validation v = *f->validation;
    v.chosen = chosen;
    made_up_ok(judge_stability(&out, &f->arena, f->run->training, &v, &f->options, f->run->policy,
                               &f->inputs, f->run->scored->outcome, runs, team, &err),
               &err);
    return out;
}

static size_t candidate(const Fixture *f, const char *name)
{
    for (size_t k = 0; k < f->validation->candidates; k++)
        if (str_equal(f->validation->candidate[k].name, str_from(name)))
            return k;
    fail_msg("no candidate is called %s", name);
    return 0;
}

static void every_run_puts_every_customer_into_one_segment(void **state)
{
    Fixture *f = *state;
    for (size_t chosen = 0; chosen < f->validation->candidates; chosen++) {
        const ListStability *s = stability(f, chosen, 3, NULL);
        assert_int_equal(s->customers, f->run->scored->count);
        assert_int_equal(s->listed, f->run->candidates);
        for (size_t k = 0; k < RERUN_KINDS; k++) {
            const Reruns *r = &s->kind[k];
            size_t listed = 0, told = 0;
            assert_int_equal(r->runs, 3);
            for (size_t i = 0; i < s->customers; i++) {
                size_t segments = 0;
                for (size_t g = 0; g < SEGMENTS; g++)
                    segments += r->segment[i][g];
                assert_int_equal(segments, 3);
                assert_true(r->on_list[i] <= 3);
                assert_true(r->mean[i] > 0 && r->mean[i] < 1);
                assert_true(r->deviation[i] >= 0);
                listed += r->on_list[i];
            }
            for (size_t i = 0; i < r->runs; i++)
                told += r->listed[i];
            assert_int_equal(listed, told);
            assert_int_equal(r->always + r->mostly + r->half + r->rarely, s->listed);
        }
    }
}

/* One rerun of each kind, done by hand. */
static void a_rerun_is_the_model_without_the_fold_calibrated_on_the_others(void **state)
{
    Fixture *f = *state;
    const Validation *v = f->validation;
    const TrainingSet *set = f->run->training;
    const size_t k = candidate(f, "logistic");
    const ListStability *s = stability(f, k, 1, NULL);
    FoldModel fitted;
    learn_fold_model(&fitted, &f->arena, f->scratch, set, v, k, 0, 0, &f->options);
    CalibrationPart on;
    learn_calibration_part(&on, &f->arena, set, v, k, 0, 0);
    assert_int_equal(on.rows + fitted.rows, v->rows);
    for (size_t i = 0; i < on.rows; i++)
        assert_int_not_equal(v->fold[0][on.row[i]], 0);
    Calibration map = learn_calibration(v->calibration->chosen, &f->arena, f->scratch, on.margin,
                                        on.label, on.rows);
    double *scored = ARENA_ARRAY(&f->arena, double, s->customers);
    model_margin(fitted.model, f->inputs.matrix, scored);
    size_t both = 0, either = 0;
    for (size_t i = 0; i < s->customers; i++) {
        double p = calibration_apply(&map, scored[i]);
        near(s->kind[RERUN_FOLDS].mean[i], p, 0);
        Segment segment = policy_segment(policy_thresholds(f->run->policy), p);
        assert_int_equal(s->kind[RERUN_FOLDS].segment[i][segment], 1);
        assert_true(is_missing(s->kind[RERUN_FOLDS].deviation[i]));
        bool mine = f->run->scored->outcome[i].action == ACTION_PROPOSE_OFFBOARDING;
        bool other = s->kind[RERUN_FOLDS].on_list[i] == 1;
        both += mine && other;
        either += mine || other;
    }
    near(s->kind[RERUN_FOLDS].jaccard[0], either == 0 ? 1 : (double)both / (double)either, 0);
    near(s->kind[RERUN_FOLDS].jaccard_mean, s->kind[RERUN_FOLDS].jaccard[0], 0);
}

/* Logistic regression draws nothing, so with the settings kept another seed changes the folds that
 * calibrate, and no more. A forest's trees differ as well. */
static void other_seeds_change_what_is_drawn_and_who_calibrates(void **state)
{
    Fixture *f = *state;
    Validation v = *f->validation;
    v.chosen = candidate(f, "logistic");
    const ListStability *one = stability(f, v.chosen, 1, NULL),
                        *two = stability(f, v.chosen, 2, NULL);
    Learned final;
    Error err = {0};
    made_up_ok(
        learn_final(&final, &f->arena, f->scratch, f->run->training, &v, &f->options, NULL, &err),
        &err);
    double *scored = ARENA_ARRAY(&f->arena, double, one->customers);
    model_margin(final.model, f->inputs.matrix, scored);
    double p[2], moved = 0;
    for (size_t i = 0; i < one->customers; i++) {
        for (size_t r = 0; r < 2; r++) {
            Calibration map =
                learn_calibration(v.calibration->chosen, &f->arena, f->scratch,
                                  v.candidate[v.chosen].margin[r], f->run->training->label, v.rows);
            p[r] = calibration_apply(&map, scored[i]);
        }
        near(one->kind[RERUN_SEEDS].mean[i], p[0], 0);
        near(two->kind[RERUN_SEEDS].mean[i], (p[0] + p[1]) / 2, 1e-15);
    }
    const size_t forest = candidate(f, "random_forest");
    const ListStability *trees = stability(f, forest, 2, NULL);
    const ListStability *first = stability(f, forest, 1, NULL);
    for (size_t i = 0; i < trees->customers; i++)
        moved += fabs(trees->kind[RERUN_SEEDS].mean[i] - first->kind[RERUN_SEEDS].mean[i]);
    assert_true(moved > 0);
}

static void no_more_folds_are_left_out_than_there_are(void **state)
{
    Fixture *f = *state;
    const ListStability *s = stability(f, 0, 9, NULL);
    assert_int_equal(s->kind[RERUN_SEEDS].runs, 9);
    assert_int_equal(s->kind[RERUN_FOLDS].runs, 6); /* 2 repeats of 3 folds, each once */
}

/* 2 repeats of 3 folds: a walk that steps on in both at once would come back after three runs. */
static void every_fold_of_every_repeat_is_left_out_once(void **state)
{
    Fixture *f = *state;
    const Validation *v = f->validation;
    const TrainingSet *set = f->run->training;
    const size_t k = candidate(f, "logistic"), runs = v->repeats * v->folds;
    const ListStability *s = stability(f, k, runs, NULL);
    assert_int_equal(s->kind[RERUN_FOLDS].runs, runs);
    double *sum = ARENA_ARRAY(&f->arena, double, s->customers);
    double *scored = ARENA_ARRAY(&f->arena, double, s->customers);
    for (size_t run = 0; run < runs; run++) {
        FoldModel fitted;
        CalibrationPart on;
        const size_t repeat = run / v->folds, fold = run % v->folds;
        learn_fold_model(&fitted, &f->arena, f->scratch, set, v, k, repeat, fold, &f->options);
        learn_calibration_part(&on, &f->arena, set, v, k, repeat, fold);
        Calibration map = learn_calibration(v->calibration->chosen, &f->arena, f->scratch,
                                            on.margin, on.label, on.rows);
        model_margin(fitted.model, f->inputs.matrix, scored);
        for (size_t i = 0; i < s->customers; i++)
            sum[i] += calibration_apply(&map, scored[i]);
    }
    for (size_t i = 0; i < s->customers; i++)
        near(s->kind[RERUN_FOLDS].mean[i], sum[i] / (double)runs, 1e-12);
}

static void a_model_that_draws_nothing_is_said_to_draw_nothing(void **state)
{
    Fixture *f = *state;
    static const char *const still[] = {"majority", "logistic", "logistic_l1", "tree"};
    static const char *const drawn[] = {"boosting", "random_forest", "blend"};
    for (size_t i = 0; i < COUNT_OF(still); i++)
        assert_false(stability(f, candidate(f, still[i]), 1, NULL)->drawn);
    for (size_t i = 0; i < COUNT_OF(drawn); i++)
        assert_true(stability(f, candidate(f, drawn[i]), 1, NULL)->drawn);
}

static void any_number_of_threads_says_the_same(void **state)
{
    Fixture *f = *state;
    Team *team = team_new(8);
    size_t chosen = f->validation->candidates - 1; /* the blend: every kind of fit */
    const ListStability *one = stability(f, chosen, 2, NULL),
                        *eight = stability(f, chosen, 2, team);
    team_free(team);
    size_t n = one->customers;
    for (size_t k = 0; k < RERUN_KINDS; k++) {
        const Reruns *a = &one->kind[k], *b = &eight->kind[k];
        assert_memory_equal(a->on_list, b->on_list, n * sizeof *a->on_list);
        assert_memory_equal(a->segment, b->segment, n * sizeof *a->segment);
        assert_memory_equal(a->mean, b->mean, n * sizeof *a->mean);
        assert_memory_equal(a->deviation, b->deviation, n * sizeof *a->deviation);
        assert_memory_equal(a->jaccard, b->jaccard, a->runs * sizeof *a->jaccard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_run_puts_every_customer_into_one_segment),
        cmocka_unit_test(a_rerun_is_the_model_without_the_fold_calibrated_on_the_others),
        cmocka_unit_test(other_seeds_change_what_is_drawn_and_who_calibrates),
        cmocka_unit_test(no_more_folds_are_left_out_than_there_are),
        cmocka_unit_test(every_fold_of_every_repeat_is_left_out_once),
        cmocka_unit_test(a_model_that_draws_nothing_is_said_to_draw_nothing),
        cmocka_unit_test(any_number_of_threads_says_the_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
