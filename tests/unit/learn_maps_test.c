#include "learn/learn_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

enum { TWENTY = 20 };
static const double twenty[TWENTY] = {-3.2, -2.9, -2.5, -2.1, -1.7, -1.2, -1.1, -.9, -.4, -.3,
                                      0,    .1,   .2,   .6,   .8,   1.1,  1.5,  2.4, 2.6, 3.1};
static const uint8_t mixed[TWENTY] = {0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1};
static const uint8_t bent[TWENTY] = {0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1};

/* ---- Platt as it is used ---- */

static void a_sigmoid_of_margins_that_hardly_vary_stays_near_the_rate(void **state)
{
    (void)state;
    enum { ROWS = 160 };
    double margin[ROWS];
    uint8_t label[ROWS];
    /* What two folds and a useless column give: the fold with more positives has the lower margins,
     * apart by a hair. */
    for (size_t i = 0; i < ROWS; i++) {
        margin[i] = -1.3 + (i % 2 == 0 ? 1e-4 : -1e-4) + 1e-6 * (double)(i % 7);
        label[i] = i % (i % 2 == 0 ? 8 : 5) == 0;
    }
    Platt wild = learn_platt(margin, label, ROWS), held = learn_sigmoid(margin, label, ROWS);
    assert_true(fabs(wild.slope) > 1000);
    assert_true(held.slope >= 0 && held.slope < 11);
    for (size_t i = 0; i < ROWS; i++)
        assert_near(platt_apply(held, margin[i]), 0.23, 0.03);
    /* And a customer whose margin does differ, as those of another fold may. */
    assert_true(platt_apply(wild, -1.2) < 1e-6 || platt_apply(wild, -1.2) > 1 - 1e-6);
    assert_near(platt_apply(held, -1.2), 0.23, 0.15);
}

static void a_sigmoid_of_ordinary_margins_is_platts(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        enum { ROWS = 300 };
        Random r = random_new(seed);
        double margin[ROWS];
        uint8_t label[ROWS];
        for (size_t i = 0; i < ROWS; i++) {
            margin[i] = -1.5 + 1.2 * random_normal(&r);
            label[i] = random_uniform(&r) < stable_sigmoid(0.8 * margin[i]);
        }
        Platt a = learn_platt(margin, label, ROWS), b = learn_sigmoid(margin, label, ROWS);
        assert_true(a.slope > 0);
        for (size_t i = 0; i < ROWS; i++)
            assert_near(platt_apply(a, margin[i]), platt_apply(b, margin[i]), 1e-3);
    }
}

static void a_sigmoid_never_turns_margins_round(void **state)
{
    (void)state;
    uint8_t turned[TWENTY];
    size_t positives = 0;
    for (size_t i = 0; i < TWENTY; i++) {
        turned[i] = !mixed[i];
        positives += turned[i];
    }
    assert_true(learn_platt(twenty, turned, TWENTY).slope < 0);
    Platt c = learn_sigmoid(twenty, turned, TWENTY);
    assert_near(c.slope, 0, 0);
    assert_near(platt_apply(c, 3), ((double)positives + 1) / (TWENTY + 2), 1e-12);
}

/* ---- beta ---- */

/* Golden: scipy.optimize.minimize (BFGS, gtol 1e-10) of the same likelihood; betacal 1.1.0's
 * BetaCalibration("abm") agrees to its tolerance: a .44086, b .59783, intercept -.28101. */
static void beta_equals_the_maximum_of_the_likelihood(void **state)
{
    (void)state;
    Beta k = beta_fit(twenty, mixed, TWENTY, 0);
    assert_near(k.a, 0.4410462, 1e-6);
    assert_near(k.b, 0.59769306, 1e-6);
    assert_near(k.c, -0.28064977, 1e-6);
    /* betacal's predictions of the first, middle and last. */
    const Calibration c = {.kind = CALIBRATION_BETA, .beta = k};
    assert_near(calibration_apply(&c, -3.2), 0.15636934, 2e-4);
    assert_near(calibration_apply(&c, 0), 0.45705366, 2e-4);
    assert_near(calibration_apply(&c, 3.1), 0.82908867, 2e-4);
}

/* Free, b would be -1.669 (scipy); betacal fixes it at 0 and finds a 1.6605, intercept 1.3689. */
static void a_falling_side_of_a_beta_map_is_held_flat(void **state)
{
    (void)state;
    Beta k = beta_fit(twenty, bent, TWENTY, 0);
    assert_near(k.a, 1.66050527, 1e-6);
    assert_near(k.b, 0, 0);
    assert_near(k.c, 1.36880141, 1e-6);
}

static void a_beta_map_of_any_labels_never_falls(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        Random r = random_new(seed);
        enum { ROWS = 60 };
        double margin[ROWS], spread = random_exponential(&r) * (seed % 2 ? 0.01 : 3);
        uint8_t label[ROWS];
        for (size_t i = 0; i < ROWS; i++) {
            margin[i] = spread * random_normal(&r);
            label[i] = seed % 5 == 0 ? margin[i] > 0 : random_uniform(&r) < 0.3;
        }
        const Calibration c = {.kind = CALIBRATION_BETA, .beta = learn_beta(margin, label, ROWS)};
        double before = -1;
        for (double at = -20; at <= 20; at += 0.25) {
            double p = calibration_apply(&c, at);
            assert_true(p >= before && p <= 1);
            before = p;
        }
    }
}

/* ---- isotonic ---- */

/* Golden: sklearn.isotonic.IsotonicRegression: 0 to -2.9, .25 from -2.5 to -1.2, 1/3 from -1.1 to
 * .1, 2/3 from .2 to 2.4, then 1. */
static void blocks_equal_scikit_learns_isotonic_regression(void **state)
{
    (void)state;
    Arena scratch = arena_new();
    Block block[TWENTY];
    size_t count = isotonic_blocks(block, scratch, twenty, mixed, TWENTY);
    static const double low[] = {-3.2, -2.5, -1.1, .2, 2.6}, high[] = {-2.9, -1.2, .1, 2.4, 3.1};
    static const double rate[] = {0, .25, 1.0 / 3, 2.0 / 3, 1};
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        assert_near(block[i].low, low[i], 0);
        assert_near(block[i].high, high[i], 0);
        assert_near(block[i].positives / block[i].customers, rate[i], 1e-15);
    }
    arena_free(&scratch);
}

static void an_isotonic_map_adds_a_customer_of_the_base_rate_to_each_block(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Isotonic *t = learn_isotonic(&keep, scratch, twenty, mixed, TWENTY);
    double base = 9.5 / 21, first = base / 3, last = (2 + base) / 3;
    assert_int_equal(t->knots, 5);
    assert_near(t->margin[0], -3.05, 1e-12);
    assert_near(t->log_odds[0], log(first / (1 - first)), 1e-12);
    assert_near(t->margin[4], 2.85, 1e-12);
    assert_near(t->log_odds[4], log(last / (1 - last)), 1e-12);
    const Calibration c = {.kind = CALIBRATION_ISOTONIC, .isotonic = t};
    assert_near(calibration_apply(&c, -100), first, 1e-12);
    assert_near(calibration_apply(&c, 100), last, 1e-12);
    double between = (t->margin[1] + t->margin[2]) / 2;
    assert_near(calibration_log_odds(&c, between), (t->log_odds[1] + t->log_odds[2]) / 2, 1e-12);
    arena_free(&keep);
    arena_free(&scratch);
}

static void an_isotonic_map_of_any_labels_never_falls(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    for (uint64_t seed = 0; seed < 300; seed++) {
        Random r = random_new(seed);
        size_t n = 1 + (size_t)random_below(&r, 60), values = 1 + (size_t)random_below(&r, 40);
        double margin[60];
        uint8_t label[60];
        for (size_t i = 0; i < n; i++) {
            margin[i] = (double)random_below(&r, values) * 0.1 - 2;
            label[i] = random_uniform(&r) < (seed % 3 == 0 ? 0.05 : 0.5);
        }
        Isotonic *t = learn_isotonic(&keep, scratch, margin, label, n);
        for (size_t i = 0; i < t->knots; i++)
            assert_true(isfinite(t->log_odds[i]) && fabs(t->log_odds[i]) < 10);
        for (size_t i = 1; i < t->knots; i++)
            assert_true(t->margin[i] > t->margin[i - 1] && t->log_odds[i] > t->log_odds[i - 1]);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- choosing ---- */

typedef double Truth(double margin);

static double straight(double m)
{
    return stable_sigmoid(m - 0.5);
}

/* Far steeper above 0 than below, as when a model is timid about the risky. */
static double skewed(double m)
{
    return stable_sigmoid(m < 0 ? 0.2 * m - 1 : 3.5 * m - 1);
}

static double stairs(double m)
{
    return m < -1.5 ? 0.02 : m < 0 ? 0.25 : m < 1.5 ? 0.35 : 0.95;
}

/* A validation of one candidate with margins made up; the calibrations are real. */
typedef struct Made {
    Arena keep, scratch;
    TrainingSet set;
    Validation v;
    LearnOptions options;
    Team *team;
} Made;

static void make(Made *m, Truth *truth, size_t rows, size_t repeats, size_t threads)
{
    *m = (Made){.keep = arena_new(), .scratch = arena_new(), .team = team_new(threads)};
    m->options = learn_options_default();
    m->options.repeats = repeats;
    m->options.replicates = 50;
    Arena *keep = &m->keep;
    Random r = random_new(rows);
    Matrix *x = matrix_new(keep, rows, 1);
    x->name[0] = S("x");
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, rows), *all = ARENA_ARRAY(keep, uint8_t, rows);
    Candidate *c = ARENA_NEW(keep, Candidate);
    *c = (Candidate){.name = S("logistic"), .kind = MODEL_LINEAR, .l2 = 1};
    c->margin = ARENA_ARRAY(keep, double *, repeats);
    c->probability = ARENA_ARRAY(keep, double *, repeats);
    c->metric = ARENA_ARRAY(keep, MetricSet, 1);
    m->v = (Validation){.rows = rows, .repeats = repeats, .folds = 5, .candidates = 1};
    m->v.candidate = c;
    m->v.fold = ARENA_ARRAY(keep, uint32_t *, repeats);
    for (size_t i = 0; i < rows; i++) {
        double margin = 6 * random_uniform(&r) - 3;
        x->value[i] = (float)margin;
        label[i] = random_uniform(&r) < truth(margin);
        all[i] = 1;
        m->v.positives += label[i];
    }
    for (size_t k = 0; k < repeats; k++) {
        c->margin[k] = ARENA_ARRAY(keep, double, rows);
        c->probability[k] = ARENA_ARRAY(keep, double, rows);
        m->v.fold[k] = ARENA_ARRAY(keep, uint32_t, rows);
        learn_folds(m->v.fold[k], label, NULL, rows, 5, k);
        for (size_t i = 0; i < rows; i++)
            c->margin[k][i] = (double)x->value[i] + 0.02 * random_normal(&r);
    }
    Str *name = ARENA_ARRAY(keep, Str, 1);
    const uint8_t **in = ARENA_ARRAY(keep, const uint8_t *, 1);
    name[0] = S("ALL");
    in[0] = all;
    m->set = (TrainingSet){.x = x, .label = label, .strata = 1, .stratum = name, .in_stratum = in};
    InnerPart *inner = ARENA_ARRAY(keep, InnerPart, repeats * 5 + 1);
    Searched *searched = ARENA_ARRAY(keep, Searched, repeats * 5 + 1);
    for (size_t at = 0; at <= repeats * 5; at++) { /* the last one is all rows */
        size_t k = at == repeats * 5 ? 0 : at / 5, fold = at == repeats * 5 ? 5 : at % 5, n = 0;
        uint32_t *row = ARENA_ARRAY(keep, uint32_t, rows);
        uint32_t *of = ARENA_ARRAY(keep, uint32_t, rows);
        double *margin = ARENA_ARRAY(keep, double, rows);
        for (size_t i = 0; i < rows; i++) {
            if (m->v.fold[k][i] == fold)
                continue;
            of[n] = m->v.fold[k][i];
            margin[n] = c->margin[k][i];
            row[n++] = (uint32_t)i;
        }
        inner[at] = (InnerPart){n, 5, row, of};
        searched[at] =
            (Searched){.tuned = {.value = {[SETTING_L2] = 1}}, .margin = margin, .whole = true};
    }
    m->v.part = inner;
    m->v.searched = searched;
    for (size_t k = 0; k < repeats; k++)
        for (size_t fold = 0; fold < 5; fold++) {
            CalibrationPart part;
            learn_calibration_part(&part, keep, &m->set, &m->v, 0, k, fold);
            Platt platt = learn_sigmoid(part.margin, part.label, part.rows);
            for (size_t i = 0; i < rows; i++)
                if (m->v.fold[k][i] == fold)
                    c->probability[k][i] = platt_apply(platt, c->margin[k][i]);
        }
    calibration_choose(&m->v, keep, m->scratch, &m->set, &m->options, m->team);
}

static void made_free(Made *m)
{
    team_free(m->team);
    arena_free(&m->keep);
    arena_free(&m->scratch);
}

static void wins(Truth *truth, size_t rows, CalibrationKind kind)
{
    Made m;
    make(&m, truth, rows, 2, 2);
    const CalibrationChoice *c = m.v.calibration;
    if (c->chosen != kind)
        fail_msg("%.*s", STR_ARG(c->reason));
    assert_true(c->reason.size > 0);
    /* The candidate's probabilities are the winner's, and its figures are theirs. */
    double loss = 0;
    for (size_t r = 0; r < 2; r++)
        loss += metric_log_loss(m.v.candidate[0].probability[r], m.set.label, rows) / 2;
    assert_near(loss, c->trial[kind].log_loss, 1e-12);
    if (kind != CALIBRATION_PLATT) {
        assert_near(m.v.candidate[0].log_loss, loss, 1e-12);
        assert_near(m.v.candidate[0].metric[0].metric[METRIC_LOG_LOSS].value, loss, 1e-12);
        assert_true(c->trial[kind].difference < -c->trial[kind].difference_error);
    }
    Learned learned;
    Error err = {0};
    assert_int_equal(
        learn_final(&learned, &m.keep, m.scratch, &m.set, &m.v, &m.options, m.team, &err),
        STATUS_OK);
    assert_int_equal(learned.calibration.kind, kind);
    for (double at = -4; at < 4; at += 0.1)
        assert_true(calibration_apply(&learned.calibration, at) <=
                    calibration_apply(&learned.calibration, at + 0.1));
    /* The map says the truth where there are customers. */
    double off = 0;
    for (double at = -2.8; at < 2.9; at += 0.4)
        off += fabs(calibration_apply(&learned.calibration, at) - truth(at)) / 15;
    assert_true(off < 0.07);
    made_free(&m);
}

static void each_map_wins_where_the_truth_has_its_form(void **state)
{
    (void)state;
    wins(straight, 2000, CALIBRATION_PLATT);
    wins(skewed, 1200, CALIBRATION_BETA);
    wins(stairs, 6000, CALIBRATION_ISOTONIC);
}

static void few_customers_get_no_rich_map(void **state)
{
    (void)state;
    Made m;
    make(&m, stairs, 400, 2, 1);
    assert_true(m.v.calibration->trial[CALIBRATION_BETA].tried);
    assert_false(m.v.calibration->trial[CALIBRATION_ISOTONIC].tried);
    assert_true(str_contains(m.v.calibration->reason, S("Too few customers")));
    made_free(&m);
    make(&m, stairs, 80, 1, 1);
    assert_false(m.v.calibration->trial[CALIBRATION_BETA].tried);
    assert_int_equal(m.v.calibration->chosen, CALIBRATION_PLATT);
    made_free(&m);
    size_t customers, each;
    assert_true(learn_calibration_enough(CALIBRATION_PLATT, 4, 2, &customers, &each));
    assert_false(learn_calibration_enough(CALIBRATION_BETA, 5000, 29, &customers, &each));
    assert_false(learn_calibration_enough(CALIBRATION_ISOTONIC, 5000, 4950, &customers, &each));
    assert_true(learn_calibration_enough(CALIBRATION_ISOTONIC, 1000, 100, &customers, &each));
}

static void intervals_hold_the_probability_and_threads_change_nothing(void **state)
{
    (void)state;
    Made one, eight;
    make(&one, skewed, 1300, 3, 1);
    make(&eight, skewed, 1300, 3, 8);
    const CalibrationChoice *a = one.v.calibration, *b = eight.v.calibration;
    assert_int_equal(a->chosen, b->chosen);
    assert_true(str_equal(a->reason, b->reason));
    assert_memory_equal(a->low, b->low, 1300 * sizeof *a->low);
    assert_memory_equal(a->high, b->high, 1300 * sizeof *a->high);
    for (size_t r = 0; r < 3; r++)
        assert_memory_equal(one.v.candidate[0].probability[r], eight.v.candidate[0].probability[r],
                            1300 * sizeof(double));
    double outside = 0;
    for (size_t i = 0; i < 1300; i++) {
        double mean = 0;
        for (size_t r = 0; r < 3; r++)
            mean += one.v.candidate[0].probability[r][i] / 3;
        outside += mean < a->low[i] - 1e-12 || mean > a->high[i] + 1e-12;
        assert_true(a->low[i] >= 0 && a->high[i] <= 1 + 1e-12);
    }
    assert_near(outside, 0, 0);
    made_free(&one);
    made_free(&eight);
}

/* The labels of a fold do not touch the maps that judge it. */
static void a_fold_is_judged_by_maps_without_its_labels(void **state)
{
    (void)state;
    Made a, b;
    make(&a, skewed, 1300, 1, 1);
    make(&b, skewed, 1300, 1, 1);
    uint8_t *label = (uint8_t *)(uintptr_t)b.set.label;
    for (size_t i = 0; i < 1300; i++)
        if (b.v.fold[0][i] == 2)
            label[i] = !label[i];
    calibration_choose(&b.v, &b.keep, b.scratch, &b.set, &b.options, b.team);
    size_t same = 0, others = 0, moved = 0;
    for (size_t i = 0; i < 1300; i++) {
        double p = a.v.calibration->trial[CALIBRATION_BETA].probability[0][i];
        double q = b.v.calibration->trial[CALIBRATION_BETA].probability[0][i];
        if (a.v.fold[0][i] == 2)
            same += p == q;
        else
            moved += p != q;
        others += a.v.fold[0][i] != 2;
    }
    assert_int_equal(same, 1300 - others);
    assert_true(moved > others / 2);
    made_free(&a);
    made_free(&b);
}

/* One useless column and two folds used to give the logistic a log loss of 5.8, and the blend with
 * it. */
static void a_useless_column_costs_no_more_than_the_rate(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { ROWS = 60 };
    Matrix *x = matrix_new(&keep, ROWS, 1);
    uint8_t label[ROWS], all[ROWS];
    x->name[0] = S("x");
    for (size_t i = 0; i < ROWS; i++) {
        x->value[i] = i == 7 ? 1 : 0;
        label[i] = i % 4 == 0;
        all[i] = 1;
    }
    const Str name[] = {{"ALL", 3}};
    const uint8_t *in[] = {all};
    TrainingSet set = {.x = x, .label = label, .strata = 1, .stratum = name, .in_stratum = in};
    LearnOptions options = learn_options_default();
    options.folds = options.inner_folds = 2;
    options.repeats = 3;
    options.replicates = 20;
    Validation *v;
    Error err = {0};
    assert_int_equal(learn_validate(&v, &keep, scratch, &set, &options, NULL, NULL, &err),
                     STATUS_OK);
    for (size_t k = 0; k < v->candidates; k++)
        if (!(v->candidate[k].log_loss < 0.65)) /* the rate alone: .562 */
            fail_msg("%.*s: %g", STR_ARG(v->candidate[k].name), v->candidate[k].log_loss);
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sigmoid_of_margins_that_hardly_vary_stays_near_the_rate),
        cmocka_unit_test(a_sigmoid_of_ordinary_margins_is_platts),
        cmocka_unit_test(a_sigmoid_never_turns_margins_round),
        cmocka_unit_test(beta_equals_the_maximum_of_the_likelihood),
        cmocka_unit_test(a_falling_side_of_a_beta_map_is_held_flat),
        cmocka_unit_test(a_beta_map_of_any_labels_never_falls),
        cmocka_unit_test(blocks_equal_scikit_learns_isotonic_regression),
        cmocka_unit_test(an_isotonic_map_adds_a_customer_of_the_base_rate_to_each_block),
        cmocka_unit_test(an_isotonic_map_of_any_labels_never_falls),
        cmocka_unit_test(each_map_wins_where_the_truth_has_its_form),
        cmocka_unit_test(few_customers_get_no_rich_map),
        cmocka_unit_test(intervals_hold_the_probability_and_threads_change_nothing),
        cmocka_unit_test(a_fold_is_judged_by_maps_without_its_labels),
        cmocka_unit_test(a_useless_column_costs_no_more_than_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
