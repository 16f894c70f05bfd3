#include "audit/audit_internal.h"
#include "learn/learn_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

/* Of a set without signs. */
enum { MAJORITY, LOGISTIC, LOGISTIC_L1, TREE, BOOSTING, RANDOM_FOREST, BLEND };

/* A small run that takes a second, not a minute. */
static LearnOptions small_options(void)
{
    LearnOptions o = learn_options_default();
    o.repeats = 2;
    o.inner_folds = 3;
    o.trials = 4;
    o.replicates = 50;
    o.shuffles = 20;
    return o;
}

typedef struct Made {
    Matrix *x;
    uint8_t *label, *late;
    TrainingSet set;
    const uint8_t *in[2];
    Str stratum[2];
} Made;

/* strength 0: labels that nothing tells. bent: what tells is a product, which no line sees. */
static Made *made(Arena *keep, size_t rows, size_t columns, double strength, bool bent,
                  uint64_t seed)
{
    Random r = random_new(seed);
    Made *m = ARENA_NEW(keep, Made);
    m->x = matrix_new(keep, rows, columns);
    m->label = ARENA_ARRAY(keep, uint8_t, rows);
    m->late = ARENA_ARRAY(keep, uint8_t, rows);
    for (size_t c = 0; c < columns; c++)
        m->x->name[c] = str_format(keep, "c%zu", c);
    for (size_t i = 0; i < rows; i++) {
        float *v = m->x->value + i * columns;
        bool silent = random_uniform(&r) < 0.2;
        for (size_t c = 0; c < columns; c++)
            v[c] = c % 3 == 2 && silent ? NAN : (float)random_normal(&r);
        double sum = bent ? 2 * (double)v[0] * (double)v[1] : (double)v[0] + (double)v[1];
        m->label[i] = random_uniform(&r) < stable_sigmoid(strength * sum - 1.3);
        m->late[i] = i % 2 == 0;
        m->x->id[i] = str_format(keep, "u%zu", i);
    }
    m->in[0] = NULL;
    m->in[1] = m->late;
    m->stratum[0] = S("ALL");
    m->stratum[1] = S("LATE");
    m->set = (TrainingSet){
        .x = m->x, .label = m->label, .strata = 2, .stratum = m->stratum, .in_stratum = m->in};
    return m;
}

static Validation *validated(Arena *keep, Arena *other, const Made *m, const LearnOptions *o,
                             Team *team)
{
    Validation *v = NULL;
    Error err = {0};
    assert_int_equal(learn_validate(&v, keep, *other, &m->set, o, team, NULL, &err), STATUS_OK);
    return v;
}

static void validation_finds_what_a_line_can_tell_and_keeps_the_simple_model(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Made *m = made(&keep, 240, 6, 1, false, 3);
    LearnOptions o = small_options();
    Validation *v = validated(&keep, &scratch, m, &o, NULL);
    assert_int_equal(v->candidates, 7); /* no column has a sign: one kind of boosting */
    assert_int_equal(v->chosen, LOGISTIC);
    const Candidate *c = &v->candidate[LOGISTIC];
    assert_true(c->metric[0].metric[METRIC_AUC].value > 0.75);
    assert_int_equal(c->metric[0].customers, 240);
    assert_int_equal(c->metric[1].customers, 120);
    assert_int_equal(c->metric[0].positives, v->positives);
    assert_true(c->metric[0].metric[METRIC_AUC].low < c->metric[0].metric[METRIC_AUC].value);
    assert_true(c->log_loss > 0 && c->log_loss_error > 0);
    /* The stated log loss is that of the probabilities. */
    double sum = 0;
    for (size_t r = 0; r < o.repeats; r++)
        sum += metric_log_loss(c->probability[r], m->label, 240);
    assert_near(c->log_loss, sum / (double)o.repeats, 1e-12);
    /* Everyone's average is what any model must beat, and it cannot tell anyone apart. */
    const Candidate *majority = &v->candidate[MAJORITY];
    assert_true(str_equal(majority->name, S("majority")));
    assert_true(majority->behind > majority->behind_error);
    assert_int_equal(majority->against_chosen[CRITERION_LOG_LOSS].verdict, VERDICT_WORSE);
    assert_int_equal(majority->against_chosen[CRITERION_AUC].verdict, VERDICT_WORSE);
    assert_near(majority->criterion, majority->log_loss, 1e-12);
    assert_near(majority->behind, majority->log_loss - v->candidate[v->best].log_loss, 1e-12);
    arena_free(&keep);
    arena_free(&scratch);
}

static void validation_chooses_the_forest_where_no_line_tells(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Made *m = made(&keep, 400, 4, 2, true, 5);
    LearnOptions o = small_options();
    Validation *v = validated(&keep, &scratch, m, &o, NULL);
    assert_in_range(v->chosen, TREE, v->candidates - 1);
    assert_true(v->candidate[LOGISTIC].behind > v->candidate[LOGISTIC].behind_error);
    assert_true(str_equal(v->candidate[BOOSTING].name, S("boosting")));
    assert_true(v->candidate[BOOSTING].metric[0].metric[METRIC_AUC].value >
                v->candidate[LOGISTIC].metric[0].metric[METRIC_AUC].value + 0.1);
    assert_in_range(v->candidate[BOOSTING].forest.trees, 2, 300);
    assert_non_null(strstr(str_chars(&keep, v->reason), "standard error"));
    arena_free(&keep);
    arena_free(&scratch);
}

/* Margins of a fold come from a model that has not seen its labels: turning them over must
 * leave the fold's own margins as they are. */
static void validation_margins_do_not_see_their_own_labels(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Made *m = made(&keep, 200, 4, 1, false, 8);
    uint32_t fold[200];
    double before[200] = {0}, after[200] = {0};
    learn_folds(fold, m->label, NULL, 200, 5, 1);
    Candidate c = {.kind = MODEL_FOREST, .forest = forest_options_default()};
    LearnOptions o = small_options();
    for (int kind = 0; kind < 4; kind++) {
        c.kind = kind == 0 ? MODEL_LINEAR : MODEL_FOREST;
        c.forest = kind == 1   ? forest_options_default()
                   : kind == 2 ? forest_options_random()
                               : forest_options_tree();
        InnerPart part = outer_part(&keep, &m->set, fold, 2, 3, 9);
        Searched one = searched_new(&keep, &c, &o, part.rows);
        Searched other = searched_new(&keep, &c, &o, part.rows);
        candidate_fold(&one, &c, &m->set, &part, &o, 9, before, scratch);
        for (size_t i = 0; i < 200; i++)
            m->label[i] ^= fold[i] == 2;
        candidate_fold(&other, &c, &m->set, &part, &o, 9, after, scratch);
        for (size_t i = 0; i < 200; i++)
            m->label[i] ^= fold[i] == 2;
        assert_memory_equal(before, after, sizeof before);
        assert_memory_equal(one.margin, other.margin, part.rows * sizeof(double));
    }
    arena_free(&keep);
    arena_free(&scratch);
}

static void validation_is_the_same_on_one_and_eight_threads(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Made *m = made(&keep, 150, 5, 1, false, 12);
    m->set.monotone = (const int8_t[]){1, 1, 0, 0, 0};
    LearnOptions o = small_options();
    Team *eight = team_new(8), *one = team_new(1);
    Validation *a = validated(&keep, &scratch, m, &o, one);
    Validation *b = validated(&keep, &scratch, m, &o, eight);
    for (size_t k = 0; k < a->candidates; k++) {
        for (size_t r = 0; r < o.repeats; r++) {
            assert_memory_equal(a->candidate[k].margin[r], b->candidate[k].margin[r],
                                150 * sizeof(double));
            assert_memory_equal(a->candidate[k].probability[r], b->candidate[k].probability[r],
                                150 * sizeof(double));
        }
        assert_memory_equal(a->candidate[k].metric[0].metric, b->candidate[k].metric[0].metric,
                            sizeof a->candidate[k].metric[0].metric);
        assert_true(str_equal(a->candidate[k].says, b->candidate[k].says));
    }
    assert_true(str_equal(a->reason, b->reason));
    for (size_t chosen = 0; chosen < a->candidates; chosen++) {
        a->chosen = b->chosen = chosen;
        Learned x, y;
        Error err = {0};
        assert_int_equal(learn_final(&x, &keep, scratch, &m->set, a, &o, one, &err), STATUS_OK);
        assert_int_equal(learn_final(&y, &keep, scratch, &m->set, b, &o, eight, &err), STATUS_OK);
        assert_true(str_equal(model_write(&keep, x.model), model_write(&keep, y.model)));
        assert_memory_equal(&x.calibration.platt, &y.calibration.platt, sizeof x.calibration.platt);
        assert_int_equal(x.venn_abers->steps, y.venn_abers->steps);
        assert_true(x.calibration.platt.slope > 0 || chosen == MAJORITY);
    }
    team_free(one);
    team_free(eight);
    arena_free(&keep);
    arena_free(&scratch);
}

static void validation_needs_as_many_of_a_class_as_folds(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Made *m = made(&keep, 60, 3, 1, false, 2);
    memset(m->label, 0, 60);
    m->label[3] = m->label[9] = m->label[20] = m->label[41] = 1;
    LearnOptions o = small_options();
    Validation *v = NULL;
    Error err = {0};
    assert_int_equal(learn_validate(&v, &keep, scratch, &m->set, &o, NULL, NULL, &err),
                     STATUS_DATA);
    assert_non_null(strstr(err.message, "at least 5"));
    assert_true(err.remedy[0] != 0);
    m->label[50] = 1;
    memset(&err, 0, sizeof err);
    assert_int_equal(learn_validate(&v, &keep, scratch, &m->set, &o, NULL, NULL, &err), STATUS_OK);
    for (size_t i = 0; i < 60; i++)
        assert_true(isfinite(v->candidate[0].margin[0][i]) &&
                    isfinite(v->candidate[1].margin[0][i]));
    arena_free(&keep);
    arena_free(&scratch);
}

/* ---- the blend ---- */

static void blend_is_the_mean_of_its_parts_calibrated_inside_the_part(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Made *m = made(&keep, 240, 6, 1, false, 21);
    LearnOptions o = small_options();
    Validation *v = validated(&keep, &scratch, m, &o, NULL);
    const Candidate *blend = &v->candidate[BLEND];
    assert_int_equal(blend->kind, MODEL_BLEND);
    assert_int_equal(blend->parts, 3);
    static const size_t part[] = {LOGISTIC, BOOSTING, RANDOM_FOREST};
    for (size_t k = 0; k < 3; k++)
        assert_ptr_equal(blend->part[k], &v->candidate[part[k]]);
    for (size_t r = 0; r < o.repeats; r++)
        for (size_t i = 0; i < 240; i++) {
            double sum = 0;
            for (size_t k = 0; k < 3; k++) {
                double p = v->candidate[part[k]].probability[r][i];
                sum += stable_log(p / (1 - p));
            }
            assert_near(blend->margin[r][i], sum / 3, 1e-9);
        }

    /* What is deployed is a model of the three, each with a sigmoid of its own. */
    Learned learned;
    Error err = {0};
    v->chosen = BLEND;
    assert_int_equal(learn_final(&learned, &keep, scratch, &m->set, v, &o, NULL, &err), STATUS_OK);
    const Blend *b = learned.model->blend;
    assert_int_equal(learned.model->kind, MODEL_BLEND);
    assert_int_equal(b->part[0]->kind, MODEL_LINEAR);
    assert_int_equal(b->part[1]->forest->trees, v->candidate[BOOSTING].forest.trees);
    assert_int_equal(b->part[2]->forest->trees, 200);
    for (size_t k = 0; k < 3; k++)
        assert_true(b->weight[k] == 1.0 / 3 && b->slope[k] > 0);
    double margin[240];
    model_margin(learned.model, m->x, margin);
    assert_true(metric_auc(margin, m->label, 240, scratch) > 0.75);
    arena_free(&keep);
    arena_free(&scratch);
}

static void blend_gives_no_voice_to_a_part_that_goes_against_the_labels(void **state)
{
    (void)state;
    double margin[40];
    uint8_t label[40];
    for (size_t i = 0; i < 40; i++) {
        margin[i] = (double)i;
        label[i] = i < 10; /* the larger, the less often */
    }
    Platt c = blend_platt(margin, label, 40);
    assert_true(c.slope == 0);
    assert_near(c.intercept, stable_log(11.0 / 31), 1e-15);
    for (size_t i = 0; i < 40; i++)
        margin[i] = -margin[i];
    assert_true(blend_platt(margin, label, 40).slope > 0);
}

/* ---- the negative control ---- */

static Candidate blend_candidate(Candidate *part, const Candidate **list)
{
    part[0] = (Candidate){.kind = MODEL_LINEAR, .forest = forest_options_default()};
    part[1] = (Candidate){.kind = MODEL_FOREST, .forest = forest_options_random()};
    part[1].forest.trees = 40;
    part[1].forest.learning_rate = 1.0 / 40;
    list[0] = &part[0];
    list[1] = &part[1];
    return (Candidate){
        .kind = MODEL_BLEND, .forest = forest_options_default(), .parts = 2, .part = list};
}

static void control_passes_clean_sets_for_the_blend_and_its_parts(void **state)
{
    (void)state;
    Team *team = team_new(2);
    LearnOptions o = small_options();
    for (uint64_t seed = 0; seed < 6; seed++) {
        Arena keep = arena_new(), scratch = arena_new();
        Made *m = made(&keep, 120, 6, seed % 2 ? 1 : 0, false, 200 + seed);
        Candidate part[2];
        const Candidate *list[2];
        Candidate blend = blend_candidate(part, list);
        const Candidate *p = seed < 4 ? &blend : &part[1];
        Control control;
        o.seed = seed;
        audit_control(&control, &keep, scratch, &m->set, p, NULL, &o, team, NULL);
        if (!control.passed)
            fail_msg("set %d: mean %g outside [%g, %g]", (int)seed, control.mean, control.low,
                     control.high);
        arena_free(&keep);
        arena_free(&scratch);
    }
    team_free(team);
}

static void control_passes_ten_clean_sets(void **state)
{
    (void)state;
    Team *team = team_new(2);
    LearnOptions o = small_options();
    for (uint64_t seed = 0; seed < 10; seed++) {
        Arena keep = arena_new(), scratch = arena_new();
        /* Labels may well be learnable: shuffling makes the set clean. */
        Made *m = made(&keep, 120, 6, seed % 2 ? 1 : 0, false, 100 + seed);
        Candidate c = {.kind = seed < 5 ? MODEL_LINEAR : MODEL_FOREST,
                       .forest = forest_options_default()};
        Control control;
        o.seed = seed;
        audit_control(&control, &keep, scratch, &m->set, &c, NULL, &o, team, NULL);
        if (!control.passed)
            fail_msg("set %d: mean %g outside [%g, %g]", (int)seed, control.mean, control.low,
                     control.high);
        assert_int_equal(control.shuffles, 20);
        assert_true(control.high - control.low < 0.3);
        arena_free(&keep);
        arena_free(&scratch);
    }
    team_free(team);
}

/* Every customer has two equal rows; labels are shuffled over customers, folds drawn over rows:
 * then half of each test fold has its twin, label and all, in training. */
static void control_fails_when_a_customer_is_on_both_sides_of_a_fold(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    enum { PAIRS = 120, COLUMNS = 12 };
    Made *m = made(&keep, (size_t)2 * PAIRS, COLUMNS, 0, false, 40);
    uint32_t unit[2 * PAIRS];
    for (uint32_t i = 0; i < 2 * PAIRS; i++) {
        unit[i] = i / 2 * 2;
        memcpy(m->x->value + (size_t)i * COLUMNS, matrix_row(m->x, unit[i]),
               COLUMNS * sizeof(float));
        m->label[i] = m->label[unit[i]];
    }
    LearnOptions o = small_options();
    Candidate part[2];
    const Candidate *list[2];
    Control control;
    for (int kind = 0; kind < 3; kind++) {
        Candidate c = {.forest = forest_options_default()};
        c.kind = kind == 0 ? MODEL_LINEAR : MODEL_FOREST;
        if (kind == 2)
            c = blend_candidate(part, list);
        audit_control(&control, &keep, scratch, &m->set, &c, unit, &o, NULL, NULL);
        assert_false(control.passed);
        assert_true(control.mean > control.high);
        /* Shuffled over rows the same data is clean again. */
        audit_control(&control, &keep, scratch, &m->set, &c, NULL, &o, NULL, NULL);
        assert_true(control.passed);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

static void control_auc_compares_within_folds_only(void **state)
{
    (void)state;
    Arena scratch = arena_new();
    /* Each fold ranks perfectly; fold 1's margins all lie above fold 0's. */
    const double margin[] = {0, 1, 2, 10, 11, 12};
    const uint8_t label[] = {0, 0, 1, 0, 1, 1};
    const uint32_t fold[] = {0, 0, 0, 1, 1, 1};
    assert_near(within_fold_auc(margin, label, fold, 6, 2, scratch), 1, 0);
    const uint8_t turned[] = {1, 1, 0, 0, 1, 1};
    assert_near(within_fold_auc(margin, turned, fold, 6, 2, scratch), 0.5, 0);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validation_finds_what_a_line_can_tell_and_keeps_the_simple_model),
        cmocka_unit_test(validation_chooses_the_forest_where_no_line_tells),
        cmocka_unit_test(validation_margins_do_not_see_their_own_labels),
        cmocka_unit_test(validation_is_the_same_on_one_and_eight_threads),
        cmocka_unit_test(validation_needs_as_many_of_a_class_as_folds),
        cmocka_unit_test(blend_is_the_mean_of_its_parts_calibrated_inside_the_part),
        cmocka_unit_test(blend_gives_no_voice_to_a_part_that_goes_against_the_labels),
        cmocka_unit_test(control_passes_clean_sets_for_the_blend_and_its_parts),
        cmocka_unit_test(control_passes_ten_clean_sets),
        cmocka_unit_test(control_fails_when_a_customer_is_on_both_sides_of_a_fold),
        cmocka_unit_test(control_auc_compares_within_folds_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
