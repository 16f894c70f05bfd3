#include "audit/audit_internal.h"

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

enum { LABELLED = 300, SCORED = 200, COLUMNS = 12 };
static const char *const names[COLUMNS] = {"silence", "knows", "noise",  "identifier",
                                           "wave",    "holes", "reason", "strong",
                                           "flat",    "rule",  "weak",   "lately"};
static const char *const uses[COLUMNS] = {"monitor", "model",  "model",  "audit",
                                          "model",   "model",  "audit",  "model",
                                          "policy",  "policy", "policy", "monitor"};

static const FeatureSight sights[COLUMNS] = {
    SIGHT_OBSERVATION, SIGHT_EARLY, SIGHT_EARLY, SIGHT_PROFILE, SIGHT_EARLY, SIGHT_EARLY,
    SIGHT_PROFILE,     SIGHT_EARLY, SIGHT_EARLY, SIGHT_OPEN,    SIGHT_OPEN,  SIGHT_OBSERVATION};

/* What each column is made of, for customer i of a cohort. */
static void fill(Table *t, size_t i, int label, bool scored, Random *r)
{
    double noise = random_normal(r), other = random_normal(r);
    double value[COLUMNS] = {0};
    value[0] = 2.4 * label + noise;
    value[1] = -3.0 * label + other;
    value[2] = random_normal(r);
    value[4] = random_normal(r) + (scored ? 2 : 0);
    value[5] = random_normal(r);
    value[7] = 1.6 * label + random_normal(r);
    value[8] = 1;
    value[9] = 2.4 * label + other;
    value[10] = value[11] = 0.8 * label + noise;
    for (size_t c = 0; c < COLUMNS; c++) {
        Column *column = &t->column[c];
        if (c == 5 && random_uniform(r) < (scored ? 0.5 : 0.1))
            continue; /* missing */
        Str s = S("kept");
        if (c == 3)
            s = str_format(column->dictionary->arena, "id-%zu-%d", i, (int)scored);
        else if (c == 6) /* missing tells: only negatives lack a reason */
            s = label == 0 && random_uniform(r) < 0.9 ? S("")
                : random_uniform(r) < 0.5             ? S("a")
                                                      : S("b");
        if (c == 3 || c == 6) {
            assert_true(column_parse(column, i, s));
            continue;
        }
        column->real[i] = value[c];
        column_set_valid(column, i);
    }
}

static Table *made_table(Arena *keep, size_t rows, const uint8_t *label, bool scored, uint64_t seed)
{
    Random r = random_new(seed);
    Table *t = table_new(keep, S("customers"), rows, COLUMNS);
    for (size_t c = 0; c < COLUMNS; c++)
        column_init(&t->column[c], keep, str_from(names[c]),
                    c == 3   ? TYPE_TEXT
                    : c == 6 ? TYPE_CATEGORY
                             : TYPE_DOUBLE,
                    0, rows, NULL);
    for (size_t i = 0; i < rows; i++)
        fill(t, i, label == NULL ? (int)(i % 5 == 0) : label[i], scored, &r);
    return t;
}

typedef struct Case {
    AuditInputs inputs;
    TrainingSet set;
    Validation *validation;
    LearnOptions options;
} Case;

static Case *case_new(Arena *keep, Arena *other, bool with_scored)
{
    Case *c = ARENA_NEW(keep, Case);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, LABELLED);
    Str *use = ARENA_ARRAY(keep, Str, COLUMNS);
    for (size_t i = 0; i < LABELLED; i++)
        label[i] = i % 5 == 0;
    for (size_t k = 0; k < COLUMNS; k++)
        use[k] = str_from(uses[k]);
    c->inputs =
        (AuditInputs){.labelled = made_table(keep, LABELLED, label, false, 1),
                      .scored = with_scored ? made_table(keep, SCORED, NULL, true, 2) : NULL,
                      .use = use,
                      .sight = sights,
                      .label = label};
    Matrix *x = matrix_new(keep, LABELLED, 2);
    for (size_t i = 0; i < LABELLED; i++)
        for (size_t k = 0; k < 2; k++)
            x->value[2 * i + k] = (float)c->inputs.labelled->column[2 + 2 * k].real[i];
    x->name[0] = S("noise");
    x->name[1] = S("wave");
    c->set = (TrainingSet){.x = x, .label = label};
    c->options = learn_options_default();
    c->options.repeats = 1;
    c->options.inner_folds = 3;
    c->options.trials = 2;
    Error err = {0};
    assert_int_equal(
        learn_validate(&c->validation, keep, *other, &c->set, &c->options, NULL, NULL, &err),
        STATUS_OK);
    return c;
}

static Audit *audited(Arena *keep, Arena *other, Case *c, Findings *findings, Team *team)
{
    Audit *audit = NULL;
    Error err = {0};
    assert_int_equal(
        audit_columns(&audit, keep, *other, &c->inputs, &c->options, findings, team, NULL, &err),
        STATUS_OK);
    assert_int_equal(audit_negative_control(audit, keep, *other, &c->set,
                                            &c->validation->candidate[c->validation->chosen],
                                            &c->options, findings, team, NULL, &err),
                     STATUS_OK);
    return audit;
}

static const Probe *probe(const Audit *a, const char *name)
{
    for (size_t i = 0; i < a->probes; i++)
        if (str_equal(a->probe[i].name, str_from(name)))
            return &a->probe[i];
    fail_msg("no probe of %s", name);
    return NULL;
}

static const Finding *finding(const Findings *f, const char *code, const char *part)
{
    for (size_t i = 0; i < f->count; i++)
        if (str_equal(f->item[i].code, str_from(code)) &&
            str_contains(f->item[i].what, str_from(part)))
            return &f->item[i];
    return NULL;
}

static void audit_tells_leaks_from_features(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Case *c = case_new(&keep, &scratch, true);
    Findings *f = findings_new(&keep);
    Audit *a = audited(&keep, &scratch, c, f, NULL);

    const Probe *silence = probe(a, "silence"), *knows = probe(a, "knows");
    assert_true(silence->auc.value > 0.9 && silence->higher_is_risky);
    assert_true(silence->auc.low < silence->auc.value && silence->auc.value < silence->auc.high);
    assert_int_equal(silence->severity, SEVERITY_WARNING); /* kept out of the model */
    assert_true(knows->auc.value > 0.9 && !knows->higher_is_risky);
    assert_int_equal(knows->severity, SEVERITY_SEVERE);
    assert_int_equal(probe(a, "strong")->severity, SEVERITY_WARNING);
    assert_int_equal(probe(a, "noise")->severity, SEVERITY_INFO);
    assert_int_equal(probe(a, "flat")->severity, SEVERITY_INFO);
    assert_near(probe(a, "flat")->auc.value, 0.5, 0);
    assert_true(str_equal(a->probe[0].name, S("knows"))); /* worst first */

    const Finding *severe = finding(f, "label_encoded", "knows alone separates");
    assert_non_null(severe);
    assert_int_equal(severe->severity, SEVERITY_SEVERE);
    assert_true(str_contains(severe->what, S("low values are risky")));
    assert_int_equal(knows->leak, LEAK_SEPARATES);
    assert_int_equal(silence->leak, LEAK_NONE); /* nothing to keep it from */
    const Finding *seen = finding(f, "observation_leak", "silence (AUC");
    assert_non_null(seen);
    assert_int_equal(seen->severity, SEVERITY_WARNING);
    assert_int_equal(seen->count, 2);
    assert_true(str_contains(seen->what, S("lately (AUC")));
    assert_non_null(finding(f, "strong_feature", "strong (AUC"));
    assert_null(finding(f, "observation_leak", "noise"));
    arena_free(&keep);
    arena_free(&scratch);
}

static void audit_calls_behaviour_up_to_the_extract_no_leak(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Case *c = case_new(&keep, &scratch, true);
    Findings *f = findings_new(&keep);
    Audit *a = audited(&keep, &scratch, c, f, NULL);
    /* The same values: one measures behaviour, the other how a customer was observed. */
    const Probe *weak = probe(a, "weak"), *lately = probe(a, "lately");
    assert_near(weak->auc.value, lately->auc.value, 0);
    assert_true(lately->auc.low > 0.55 && lately->auc.value < 0.80);
    assert_int_equal(lately->severity, SEVERITY_WARNING);
    assert_int_equal(weak->severity, SEVERITY_INFO);
    const Finding *behaviour = findings_find(f, "trailing_behaviour");
    assert_non_null(behaviour);
    assert_int_equal(behaviour->severity, SEVERITY_INFO);
    assert_int_equal(behaviour->count, 2);
    assert_true(str_contains(behaviour->what, S("rule (AUC")));
    assert_true(str_contains(behaviour->what, S("weak (AUC")));
    assert_null(finding(f, "observation_leak", "weak"));
    assert_null(finding(f, "observation_leak", "rule"));
    arena_free(&keep);
    arena_free(&scratch);
}

static void audit_missing_is_a_level_of_its_own(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Case *c = case_new(&keep, &scratch, true);
    Findings *f = findings_new(&keep);
    Audit *a = audited(&keep, &scratch, c, f, NULL);
    assert_true(probe(a, "reason")->auc.value > 0.85); /* its values tell nothing */
    assert_near(probe(a, "reason")->missing_labelled, 0.8 * 0.9, 0.08);
    arena_free(&keep);
    arena_free(&scratch);
}

static void audit_identifier_says_nothing_about_its_own_customer(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Case *c = case_new(&keep, &scratch, true);
    Findings *f = findings_new(&keep);
    const Probe *p = probe(audited(&keep, &scratch, c, f, NULL), "identifier");
    assert_true(p->auc.value < 0.6);
    assert_true(p->cohort_auc < 0.6);
    arena_free(&keep);
    arena_free(&scratch);
}

static void audit_tells_what_parts_the_cohorts(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Case *c = case_new(&keep, &scratch, true);
    Findings *f = findings_new(&keep);
    Audit *a = audited(&keep, &scratch, c, f, NULL);
    assert_true(probe(a, "wave")->cohort_auc > 0.85);
    assert_true(probe(a, "wave")->stability.psi > 1);
    assert_int_equal(probe(a, "wave")->severity, SEVERITY_WARNING);
    assert_true(probe(a, "noise")->cohort_auc < 0.6);
    const Finding *drift = findings_find(f, "cohort_drift");
    assert_non_null(drift);
    assert_int_equal(drift->count, 1);
    assert_true(str_contains(drift->what, S("wave (in the model")));
    const Finding *missing = findings_find(f, "cohort_missing");
    assert_non_null(missing);
    assert_int_equal(missing->count, 1);
    assert_true(str_contains(missing->what, S("holes (")));

    /* Without customers to score nothing is said of them. */
    Case *alone = case_new(&keep, &scratch, false);
    Findings *fewer = findings_new(&keep);
    a = audited(&keep, &scratch, alone, fewer, NULL);
    assert_true(is_missing(probe(a, "wave")->cohort_auc));
    assert_null(findings_find(fewer, "cohort_drift"));
    assert_null(findings_find(fewer, "cohort_missing"));
    assert_non_null(findings_find(fewer, "observation_leak"));
    arena_free(&keep);
    arena_free(&scratch);
}

static void audit_control_passes_and_is_told(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Case *c = case_new(&keep, &scratch, true);
    Findings *f = findings_new(&keep), *g = findings_new(&keep);
    Team *eight = team_new(8);
    Audit *a = audited(&keep, &scratch, c, f, NULL), *b = audited(&keep, &scratch, c, g, eight);
    assert_true(a->control.passed);
    assert_int_equal(a->control.shuffles, 20);
    assert_true(a->control.low < 0.5 && a->control.high > 0.5);
    const Finding *told = findings_find(f, "negative_control");
    assert_non_null(told);
    assert_int_equal(told->severity, SEVERITY_INFO);
    /* What ran, and what it would show: a mean at the upper limit every other time. */
    Str fitted = str_format(&keep, "search and fit of %.*s reach", STR_ARG(a->control.candidate));
    Str sees = str_format(&keep, "lifts it to %.3f or more", a->control.high);
    assert_true(str_contains(told->what, fitted) && str_contains(told->what, sees));
    assert_memory_equal(a->control.auc, b->control.auc, 20 * sizeof(double));
    assert_int_equal(f->count, g->count);
    for (size_t i = 0; i < f->count; i++)
        assert_true(str_equal(f->item[i].what, g->item[i].what));
    team_free(eight);
    arena_free(&keep);
    arena_free(&scratch);
}

static void audit_with_few_shuffles_says_that_it_judges_little(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Case *c = case_new(&keep, &scratch, false);
    for (size_t shuffles = 19; shuffles <= 20; shuffles++) {
        Findings *f = findings_new(&keep);
        c->options.shuffles = shuffles;
        (void)audited(&keep, &scratch, c, f, NULL);
        const Finding *few = findings_find(f, "few_shuffles");
        if (shuffles == 20) {
            assert_null(few);
            continue;
        }
        assert_non_null(few);
        assert_int_equal(few->severity, SEVERITY_WARNING);
        assert_int_equal(few->count, 19);
        assert_true(str_contains(few->what, S("19 shuffles")));
        assert_true(str_contains(few->what, S("judges little")));
    }
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audit_tells_leaks_from_features),
        cmocka_unit_test(audit_calls_behaviour_up_to_the_extract_no_leak),
        cmocka_unit_test(audit_missing_is_a_level_of_its_own),
        cmocka_unit_test(audit_identifier_says_nothing_about_its_own_customer),
        cmocka_unit_test(audit_tells_what_parts_the_cohorts),
        cmocka_unit_test(audit_control_passes_and_is_told),
        cmocka_unit_test(audit_with_few_shuffles_says_that_it_judges_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
