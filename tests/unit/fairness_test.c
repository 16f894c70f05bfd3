#include "fairness/fairness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

/* A bank without files: two protected columns, three inputs, and probabilities that are made up.
 * `proxy`: how strongly the input "height" tells the group; `gap`: how much oftener those of group
 * B were suspended. Customers beyond `labelled` are to be scored. */
typedef struct Wish {
    size_t labelled, scored;
    double proxy, gap;
    double share_b;
    uint64_t seed;
    size_t rare; /* customers of a third group, C */
} Wish;

static const char schema_text[] = "version: 1\nname: two columns\ncurrency: EUR\n"
                                  "customers:\n  key: id\n"
                                  "  label: {column: state, positive: [X], negative: [Y]}\n"
                                  "  columns:\n"
                                  "    - {name: state, type: category}\n"
                                  "    - {name: id, type: text}\n"
                                  "    - {name: side, type: category, protected: gender}\n"
                                  "    - {name: born, type: date, protected: age}\n"
                                  "    - {name: plain, type: category}\n"
                                  "transactions:\n  key: id\n  customer: user\n  created: at\n"
                                  "  amount: amount\n  columns:\n"
                                  "    - {name: id, type: text}\n"
                                  "    - {name: user, type: text}\n"
                                  "    - {name: at, type: time}\n"
                                  "    - {name: amount, type: decimal}\n";

enum { INPUTS = 3 };
typedef struct Bank {
    FairnessInputs inputs;
    Fairness *found;
    Findings *findings;
} Bank;

static Dataset *dataset_of(Arena *keep, const Wish *w, Random *r)
{
    Error err = {0};
    Schema *schema;
    Dataset *d = ARENA_NEW(keep, Dataset);
    Status status = schema_read(&schema, keep, str_from(schema_text), "schema.yaml", &err);
    if (status != STATUS_OK)
        fail_msg("%s", err.message);
    size_t n = w->labelled + w->scored;
    *d = (Dataset){.schema = schema,
                   .customers = n,
                   .id = ARENA_ARRAY(keep, Str, n),
                   .cohort = ARENA_ARRAY(keep, uint8_t, n),
                   .label = ARENA_ARRAY(keep, int8_t, n),
                   .profile = table_new(keep, S("customers"), n, 2),
                   .as_of_us = days_from_civil(2024, 9, 19) * DAY_US,
                   .findings = findings_new(keep)};
    Column *side = &d->profile->column[0], *born = &d->profile->column[1];
    column_init(side, keep, S("side"), TYPE_CATEGORY, 0, n, NULL);
    column_init(born, keep, S("born"), TYPE_DATE, 0, n, NULL);
    for (size_t i = 0; i < n; i++) {
        bool b = random_uniform(r) < w->share_b;
        char text[TIME_TEXT];
        int64_t age = 20 + (int64_t)random_below(r, 50);
        d->id[i] = str_format(keep, "c%05zu", i);
        d->cohort[i] = i < w->labelled ? COHORT_LABELLED : COHORT_SCORED;
        d->label[i] = i >= w->labelled                             ? LABEL_NONE
                      : random_uniform(r) < 0.2 + (b ? w->gap : 0) ? LABEL_POSITIVE
                                                                   : LABEL_NEGATIVE;
        assert_true(column_parse(side, i, i < w->rare ? S("C") : b ? S("B") : S("A")));
        assert_true(column_parse(
            born, i, date_text(text, days_from_civil(2024 - age, 9, i % 2 == 0 ? 19 : 20))));
    }
    return d;
}

static Bank *bank_new(Arena *keep, const Wish *w, Team *team)
{
    static const char *const names[INPUTS] = {"height", "noise", "other"};
    Random r = random_new(w->seed);
    Bank *bank = ARENA_NEW(keep, Bank);
    Dataset *d = dataset_of(keep, w, &r);
    size_t n = d->customers;
    const Column *side = &d->profile->column[0];
    Plan *plan = ARENA_NEW(keep, Plan);
    MatrixPlan *columns = ARENA_NEW(keep, MatrixPlan);
    Matrix *x = matrix_new(keep, n, INPUTS);
    plan->features = columns->columns = INPUTS;
    plan->feature = ARENA_ARRAY(keep, Feature, INPUTS);
    columns->feature = ARENA_ARRAY(keep, uint32_t, INPUTS);
    for (size_t c = 0; c < INPUTS; c++) {
        plan->feature[c].name.text = x->name[c] = str_from(names[c]);
        columns->feature[c] = (uint32_t)c;
    }
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, n);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, n);
    double *p = ARENA_ARRAY(keep, double, n), **runs = ARENA_ARRAY(keep, double *, 1);
    for (size_t i = 0; i < n; i++) {
        bool b = str_equal(side->dictionary->text[side->code[i]], S("B"));
        x->id[i] = d->id[i];
        for (size_t c = 0; c < INPUTS; c++)
            x->value[i * INPUTS + c] = (float)random_normal(&r);
        x->value[i * INPUTS] += (float)(b ? w->proxy : 0);
        if (i % 9 == 4)
            x->value[i * INPUTS] = (float)MISSING_VALUE;
        p[i] = stable_sigmoid(random_normal(&r) - 1 + (d->label[i] == LABEL_POSITIVE));
        row[i] = (uint32_t)i;
        label[i] = d->label[i] == LABEL_POSITIVE;
    }
    runs[0] = p;
    TrainingSet *set = ARENA_NEW(keep, TrainingSet);
    Matrix *labelled = matrix_take(keep, x, row, w->labelled);
    *set = (TrainingSet){.x = labelled, .label = label};
    Candidate *candidate = ARENA_NEW(keep, Candidate);
    *candidate = (Candidate){.name = S("made up"), .probability = runs};
    Validation *v = ARENA_NEW(keep, Validation);
    *v = (Validation){.rows = w->labelled, .repeats = 1, .candidates = 1, .candidate = candidate};
    Scored *scored = ARENA_NEW(keep, Scored);
    *scored =
        (Scored){.count = w->scored, .row = row + w->labelled, .probability = p + w->labelled};
    bank->findings = d->findings;
    bank->inputs = (FairnessInputs){.data = d,
                                    .plan = plan,
                                    .set = set,
                                    .training_row = row,
                                    .validation = v,
                                    .scored = scored,
                                    .candidate = row,
                                    .candidates = w->scored / 10,
                                    .thresholds = {0.2, 0.4, 0.8},
                                    .x = x,
                                    .columns = columns};
    LearnOptions options = learn_options_default();
    options.replicates = 200;
    Arena scratch = arena_new();
    fairness_measure(&bank->found, keep, scratch, &bank->inputs, &options, team);
    arena_free(&scratch);
    return bank;
}

static const FairnessGroup *group_of(const Fairness *f, size_t attribute, const char *name)
{
    for (size_t g = 0; g < f->attribute[attribute].groups; g++)
        if (str_equal(f->attribute[attribute].group[g].name, str_from(name)))
            return &f->attribute[attribute].group[g];
    return NULL;
}

static size_t warnings(const Findings *f, const char *code)
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++)
        count +=
            f->item[i].severity >= SEVERITY_WARNING && str_equal(f->item[i].code, str_from(code));
    return count;
}

static void a_planted_proxy_is_found_and_its_input_named(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Wish w = {.labelled = 300, .scored = 200, .proxy = 1.6, .share_b = 0.4, .seed = 5};
    const Bank *bank = bank_new(&keep, &w, NULL);
    const Proxy *p = &bank->found->proxy[0];
    assert_true(str_equal(p->column, S("side")));
    assert_true(p->clear && p->auc.value > 0.8);
    assert_true(str_equal(p->input[0].feature, S("height")));
    assert_true(p->input[0].auc > 0.75 && p->input[0].drop > 0.2);
    const Finding *f = findings_find(bank->findings, "proxy");
    assert_non_null(f);
    assert_true(str_contains(f->what, S("mostly by height")));
    /* The score knows nothing of the group here. */
    assert_true(p->score.low < 0.5 && p->score.high > 0.5);
    arena_free(&keep);
}

static void clean_banks_raise_no_alarm(void **state)
{
    (void)state;
    Arena keep = arena_new();
    for (uint64_t seed = 0; seed < 10; seed++) {
        const Wish w = {.labelled = 400, .scored = 200, .share_b = 0.4, .seed = 100 + seed};
        const Bank *bank = bank_new(&keep, &w, NULL);
        assert_true(bank->found->comparisons > 20 && bank->found->proxies > 2);
        if (warnings(bank->findings, "proxy") + warnings(bank->findings, "fairness_gap") > 0)
            fail_msg("seed %d: %s", (int)seed, bank->findings->item[0].what.data);
    }
    arena_free(&keep);
}

static void a_planted_gap_is_told_with_its_counts(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Wish w = {.labelled = 400, .scored = 200, .gap = 0.35, .share_b = 0.3, .seed = 8};
    const Bank *bank = bank_new(&keep, &w, NULL);
    const FairnessGroup *b = group_of(bank->found, 0, "B");
    assert_non_null(b);
    const GroupComparison *c = &b->comparison[0];
    assert_true(str_equal(c->measure, S("suspended")));
    size_t count = 0, of = 0, rest_count = 0, rest_of = 0;
    const Column *side = &bank->inputs.data->profile->column[0];
    for (size_t i = 0; i < w.labelled; i++) {
        bool in = str_equal(side->dictionary->text[side->code[i]], S("B"));
        bool risky = bank->inputs.data->label[i] == LABEL_POSITIVE;
        *(in ? &of : &rest_of) += 1;
        *(in ? &count : &rest_count) += risky;
    }
    assert_int_equal(c->count, count);
    assert_int_equal(c->of, of);
    assert_int_equal(c->rest_count, rest_count);
    assert_int_equal(c->rest_of, rest_of);
    assert_int_equal(c->verdict, FAIRNESS_CLEAR);
    assert_true(c->ratio.low > 1.25);
    assert_int_equal(warnings(bank->findings, "fairness_gap"), 1);
    const Finding *f = findings_find(bank->findings, "fairness_gap");
    assert_true(str_contains(f->done, S("past decisions of people")));
    arena_free(&keep);
}

static void a_warning_names_only_what_is_beyond_chance(void **state)
{
    (void)state;
    size_t mixed = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        Arena keep = arena_new();
        const Wish w = {.labelled = 400, .scored = 200, .gap = 0.2, .share_b = 0.3, .seed = seed};
        const Bank *bank = bank_new(&keep, &w, NULL);
        const Finding *f = findings_find(bank->findings, "fairness_gap");
        size_t beyond = 0, apart = 0;
        for (size_t g = 0; g < bank->found->attribute[0].groups; g++)
            for (size_t m = 0; m < FAIRNESS_MEASURES; m++) {
                FairnessVerdict v = bank->found->attribute[0].group[g].comparison[m].verdict;
                beyond += v == FAIRNESS_CLEAR;
                apart += v >= FAIRNESS_APART;
            }
        if (f != NULL && beyond > 0 && beyond < apart) {
            mixed++;
            assert_int_equal(f->severity, SEVERITY_WARNING);
            assert_int_equal(f->count, beyond);
        }
        arena_free(&keep);
    }
    assert_true(mixed > 0);
}

static void groups_of_fewer_than_five_are_never_named(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Wish w = {.labelled = 200, .scored = 100, .share_b = 0.4, .seed = 3, .rare = 4};
    const Bank *bank = bank_new(&keep, &w, NULL);
    const FairnessAttribute *a = &bank->found->attribute[0];
    assert_int_equal(a->groups, 2); /* four in "other" would still be four */
    assert_true(a->left_out);
    assert_null(group_of(bank->found, 0, "C"));
    assert_null(group_of(bank->found, 0, "other"));
    w.rare = 5;
    bank = bank_new(&keep, &w, NULL);
    const FairnessGroup *c = group_of(bank->found, 0, "C");
    assert_non_null(c);
    assert_int_equal(c->labelled, 5);
    assert_int_equal(c->scored, 0); /* none of them is to be scored */
    for (size_t m = 0; m < FAIRNESS_MEASURES; m++) {
        assert_int_equal(c->comparison[m].verdict, FAIRNESS_FEW);
        assert_true(c->comparison[m].of == 0 || c->comparison[m].of >= GROUP_CLASS_MIN);
    }
    arena_free(&keep);
}

static void ages_turn_on_the_birthday(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Wish w = {.labelled = 600, .scored = 0, .share_b = 0.4, .seed = 12};
    const Bank *bank = bank_new(&keep, &w, NULL);
    const Column *born = &bank->inputs.data->profile->column[1];
    size_t young = 0, under_25 = 0;
    for (size_t i = 0; i < w.labelled; i++) {
        int64_t year;
        int month, day;
        civil_from_days(born->integer[i], &year, &month, &day);
        /* Born on the 20th, one is a year younger on the 19th. */
        int64_t age = 2024 - year - (day > 19);
        under_25 += age < 25;
        young += age < 25 || (age == 25 && day == 19);
    }
    const FairnessGroup *g = group_of(bank->found, 1, "under 25");
    assert_non_null(g);
    assert_int_equal(g->labelled, under_25);
    assert_true(young > under_25);
    arena_free(&keep);
}

static void calibration_is_the_mean_less_the_rate(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Wish w = {.labelled = 400, .scored = 100, .share_b = 0.4, .seed = 21};
    const Bank *bank = bank_new(&keep, &w, NULL);
    const FairnessGroup *a = group_of(bank->found, 0, "A");
    Interval rate = metric_proportion(a->positives, a->labelled);
    near(a->calibration.value, a->mean_labelled.value - rate.value, 1e-15);
    near(a->calibration.low, a->mean_labelled.value - rate.high, 1e-15);
    assert_true(a->auc.value > 0.6 && a->auc.low < a->auc.value && a->auc.high > a->auc.value);
    arena_free(&keep);
}

static void threads_change_no_bit_of_fairness(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Wish w = {.labelled = 200, .scored = 100, .proxy = 1, .share_b = 0.4, .seed = 2};
    Team *team = team_new(8);
    const Fairness *a = bank_new(&keep, &w, NULL)->found, *b = bank_new(&keep, &w, team)->found;
    assert_int_equal(a->proxies, b->proxies);
    for (size_t i = 0; i < a->proxies; i++) {
        assert_memory_equal(&a->proxy[i].auc, &b->proxy[i].auc, sizeof(Interval));
        assert_memory_equal(&a->proxy[i].score, &b->proxy[i].score, sizeof(Interval));
        for (size_t k = 0; k < a->proxy[i].inputs; k++)
            near(a->proxy[i].input[k].drop, b->proxy[i].input[k].drop, 0);
    }
    for (size_t g = 0; g < a->attribute[0].groups; g++)
        assert_memory_equal(&a->attribute[0].group[g].auc, &b->attribute[0].group[g].auc,
                            sizeof(Interval));
    team_free(team);
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_planted_proxy_is_found_and_its_input_named),
        cmocka_unit_test(clean_banks_raise_no_alarm),
        cmocka_unit_test(a_planted_gap_is_told_with_its_counts),
        cmocka_unit_test(a_warning_names_only_what_is_beyond_chance),
        cmocka_unit_test(groups_of_fewer_than_five_are_never_named),
        cmocka_unit_test(ages_turn_on_the_birthday),
        cmocka_unit_test(calibration_is_the_mean_less_the_rate),
        cmocka_unit_test(threads_change_no_bit_of_fairness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
