/* Columns that depend on who is learnt from: made again for every part, or labels leak. */
#include "audit/audit_internal.h"
#include "learn/learn_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <cmocka.h>

static LearnOptions small_options(void)
{
    LearnOptions o = learn_options_default();
    o.repeats = 2;
    o.inner_folds = 3;
    o.trials = 2;
    o.replicates = 50;
    return o;
}

/* Rows in rings whose customers all deal with each other. One column: how many of a customer's
 * partners, itself not among them, are known positives. */
typedef struct Rings {
    size_t rows, size;          /* of a ring */
    bool naive;                 /* takes every customer for known, those to be judged among them */
    atomic_size_t calls, known; /* and rows given, over all calls */
    atomic_bool whole;          /* a call gave every row */
    TrainingSet set;
    Refit refit;
} Rings;

static const Matrix *make(const void *context, Arena *keep, const uint32_t *row, size_t rows,
                          const uint8_t *label)
{
    Rings *r = (Rings *)(uintptr_t)context;
    Matrix *x = matrix_new(keep, r->rows, 1);
    uint8_t *known = ARENA_ARRAY(keep, uint8_t, r->rows);
    x->name[0] = S("risky_partners");
    for (size_t i = 0; i < rows; i++)
        known[row[i]] = 1;
    for (size_t i = 0; i < r->rows; i++) {
        size_t first = i / r->size * r->size;
        x->value[i] = 0;
        for (size_t k = first; k < first + r->size; k++)
            if (k != i && (r->naive || known[k]))
                x->value[i] += label[k];
    }
    (void)atomic_fetch_add(&r->calls, 1);
    (void)atomic_fetch_add(&r->known, rows);
    if (rows == r->rows)
        atomic_store(&r->whole, true);
    return x;
}

/* Labels at random, or the same for all of a ring. */
static Rings *rings_new(Arena *keep, size_t rows, size_t size, bool alike, bool naive,
                        uint64_t seed)
{
    Rings *r = ARENA_NEW(keep, Rings);
    Random random = random_new(seed);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, rows);
    uint32_t *all = ARENA_ARRAY(keep, uint32_t, rows);
    static const Str stratum[] = {{"ALL", 3}};
    static const uint8_t *const everyone[] = {NULL};
    for (size_t i = 0; i < rows; i++) {
        bool drawn = random_uniform(&random) < 0.4;
        label[i] = alike && i % size != 0 ? label[i - 1] : drawn;
        all[i] = (uint32_t)i;
    }
    r->rows = rows;
    r->size = size;
    r->naive = naive;
    r->refit = (Refit){make, r};
    r->set = (TrainingSet){.label = label,
                           .strata = 1,
                           .stratum = stratum,
                           .in_stratum = everyone,
                           .refit = &r->refit};
    r->set.x = make(r, keep, all, rows, label);
    atomic_store(&r->calls, 0);
    atomic_store(&r->known, 0);
    atomic_store(&r->whole, false);
    return r;
}

static Control control_of(Arena *keep, const Rings *r, ModelKind kind, Team *team)
{
    Arena scratch = arena_new();
    LearnOptions o = small_options();
    Candidate c = {.kind = kind, .forest = forest_options_default()};
    Control control;
    audit_control(&control, keep, scratch, &r->set, &c, NULL, &o, team, NULL);
    arena_free(&scratch);
    return control;
}

/* A column fitted on everyone carries the labels of judged customers into the inputs of those
 * learnt from (in a ring with T positives, they have T - 1 positive partners and the others T);
 * fitted inside each part it does not. */
static void shuffled_labels_stay_at_chance_only_when_columns_are_fitted_inside(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Team *team = team_new(2);
    for (int kind = 0; kind < 2; kind++) {
        ModelKind model = kind == 0 ? MODEL_LINEAR : MODEL_FOREST;
        Control inside = control_of(&keep, rings_new(&keep, 240, 60, false, false, 5), model, team);
        Control naive = control_of(&keep, rings_new(&keep, 240, 60, false, true, 5), model, team);
        print_message("%s: inside %.3f [%.3f, %.3f], on everyone %.3f\n",
                      kind == 0 ? "logistic" : "forest", inside.mean, inside.low, inside.high,
                      naive.mean);
        assert_true(inside.passed);
        assert_false(naive.passed);
        assert_true(naive.mean > naive.high);
    }
    team_free(team);
    arena_free(&keep);
}

/* What partners truly tell is still found. */
static void true_ties_are_learnt_from_the_training_part(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    LearnOptions o = small_options();
    Rings *r = rings_new(&keep, 240, 4, true, false, 6);
    Validation *v = NULL;
    Error err = {0};
    assert_int_equal(learn_validate(&v, &keep, scratch, &r->set, &o, NULL, NULL, &err), STATUS_OK);
    assert_true(v->candidate[1].metric[0].metric[METRIC_AUC].value > 0.9);
    arena_free(&keep);
    arena_free(&scratch);
}

/* Every model of the validation has a matrix of its own, made for fewer than all rows. */
static void every_part_gets_its_own_matrix(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    LearnOptions o = small_options();
    Rings *r = rings_new(&keep, 120, 4, true, false, 7);
    Validation *v = NULL;
    Error err = {0};
    assert_int_equal(learn_validate(&v, &keep, scratch, &r->set, &o, NULL, NULL, &err), STATUS_OK);
    size_t judged = o.repeats * o.folds, each = 1 + o.inner_folds;
    /* Both logistic regressions, tree, boosting and random forest: judging folds with their inner
     * ones, and inner folds of all rows. The majority looks at no column, but the model that judges
     * has them; the blend is made of the others' margins. */
    assert_int_equal(atomic_load(&r->calls), 5 * (judged * each + o.inner_folds) + judged);
    assert_false(atomic_load(&r->whole));
    size_t inner = o.inner_folds - 1; /* inner folds together hold each row that often */
    size_t part = o.repeats * (o.folds - 1) * r->rows;
    assert_int_equal(atomic_load(&r->known), 5 * (part + inner * part + inner * r->rows) + part);
    arena_free(&keep);
    arena_free(&scratch);
}

static void refitted_columns_are_the_same_on_one_and_eight_threads(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    LearnOptions o = small_options();
    Validation *v[2];
    Control c[2];
    for (size_t t = 0; t < 2; t++) {
        Team *team = team_new(t == 0 ? 1 : 8);
        Rings *r = rings_new(&keep, 120, 4, true, false, 8);
        Error err = {0};
        assert_int_equal(learn_validate(&v[t], &keep, scratch, &r->set, &o, team, NULL, &err),
                         STATUS_OK);
        c[t] = control_of(&keep, r, MODEL_FOREST, team);
        team_free(team);
    }
    for (size_t k = 0; k < v[0]->candidates; k++)
        for (size_t repeat = 0; repeat < o.repeats; repeat++)
            assert_memory_equal(v[0]->candidate[k].margin[repeat],
                                v[1]->candidate[k].margin[repeat], 120 * sizeof(double));
    assert_memory_equal(c[0].auc, c[1].auc, c[0].shuffles * sizeof(double));
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffled_labels_stay_at_chance_only_when_columns_are_fitted_inside),
        cmocka_unit_test(true_ties_are_learnt_from_the_training_part),
        cmocka_unit_test(every_part_gets_its_own_matrix),
        cmocka_unit_test(refitted_columns_are_the_same_on_one_and_eight_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
