/* What the audit makes of columns in the raw, of who joined when, of linked labels, and what it
 * samples. */
#include "audit/audit_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

enum { ROWS = 300 };

static uint8_t *labels(Arena *keep)
{
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        label[i] = i % 6 == 0;
    return label;
}

/* The leak of one column of the customers' file, cell i by `cell` (empty: missing). */
static Probe leak_of(Arena *keep, Type type, void (*cell)(char *text, size_t i, Random *r))
{
    uint8_t *label = labels(keep);
    Arena scratch = arena_new();
    Column c;
    Random r = random_new(7);
    column_init(&c, keep, S("column"), type, 0, ROWS, NULL);
    for (size_t i = 0; i < ROWS; i++) {
        char text[64];
        cell(text, i, &r);
        assert_true(column_parse(&c, i, str_from(text)));
    }
    Probe p = {.name = S("column"), .about = PROBE_CUSTOMER, .column = S("column")};
    double label_p, cohort_p;
    probe_column(&p, &label_p, &cohort_p, &c, NULL, ROWS, NULL, 0, label, NULL, 3, scratch);
    leak_of_column(&p, &c, label, ROWS, 50, scratch);
    arena_free(&scratch);
    return p;
}

static void step(char *text, size_t i, Random *r)
{
    (void)snprintf(text, 64, "%d", i % 6 == 0 ? 1 + (int)random_below(r, 100) : -1);
}

static void code_up_and_down(char *text, size_t i, Random *r)
{
    static const char *const risky[] = {"2", "5"}, *const other[] = {"1", "3", "4", "6"};
    (void)snprintf(text, 64, "%s",
                   i % 6 == 0 ? risky[random_below(r, 2)] : other[random_below(r, 4)]);
}

static void closing(char *text, size_t i, Random *r)
{
    (void)snprintf(text, 64, "%s", i % 6 == 0 && random_below(r, 4) > 0 ? "asked" : "");
}

static void locked(char *text, size_t i, Random *r)
{
    bool is = i % 6 == 0 && random_below(r, 3) == 0;
    (void)snprintf(text, 64, "%s", is ? "LOCKED" : random_below(r, 2) == 0 ? "OPEN" : "NEW");
}

static void numbered(char *text, size_t i, Random *r)
{
    uint64_t at = random_below(r, 500000) + (i % 6 == 0 ? 400000 : 0);
    (void)snprintf(text, 64, "c%07llu-%zu", (unsigned long long)at, i);
}

static void noise(char *text, size_t i, Random *r)
{
    (void)i;
    (void)snprintf(text, 64, "%c", (char)('a' + random_below(r, 8)));
}

static void random_id(char *text, size_t i, Random *r)
{
    (void)snprintf(text, 64, "%016llx-%zu", (unsigned long long)random_next(r), i);
}

static void rare(char *text, size_t i, Random *r)
{
    (void)r;
    (void)snprintf(text, 64, "%s", i == 0 || i == 6 || i == 12 ? "x" : "y"); /* three risky ones */
}

static void own_value(char *text, size_t i, Random *r)
{
    (void)r;
    (void)snprintf(text, 64, "%zu", i); /* each its own: rates on other folds are all the same */
}

static void a_category_no_better_than_chance_has_no_interval(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Probe p = leak_of(&keep, TYPE_CATEGORY, own_value);
    assert_true(p.auc.value == 0.5 && is_missing(p.auc.low) && is_missing(p.auc.high));
    arena_free(&keep);
}

static void a_column_as_good_as_the_label_is_named_for_what_it_is(void **state)
{
    (void)state;
    Arena keep = arena_new();
    assert_int_equal(leak_of(&keep, TYPE_INT64, step).leak, LEAK_ONE_CLASS);
    assert_int_equal(leak_of(&keep, TYPE_INT64, code_up_and_down).leak, LEAK_SEPARATES);
    assert_int_equal(leak_of(&keep, TYPE_CATEGORY, closing).leak, LEAK_ONE_CLASS);
    Probe value = leak_of(&keep, TYPE_CATEGORY, locked);
    assert_int_equal(value.leak, LEAK_VALUE);
    assert_true(str_equal(value.value, S("LOCKED")));
    Probe id = leak_of(&keep, TYPE_TEXT, numbered);
    assert_int_equal(id.leak, LEAK_IDENTIFIER);
    assert_true(id.higher_is_risky && id.auc.value > 0.9);
    arena_free(&keep);
}

static void an_innocent_column_is_no_leak(void **state)
{
    (void)state;
    Arena keep = arena_new();
    assert_int_equal(leak_of(&keep, TYPE_CATEGORY, noise).leak, LEAK_NONE);
    assert_int_equal(leak_of(&keep, TYPE_TEXT, random_id).leak, LEAK_NONE);
    assert_int_equal(leak_of(&keep, TYPE_CATEGORY, rare).leak, LEAK_NONE); /* chance does that */
    arena_free(&keep);
}

/* ---- joining ---- */

/* 240 customers, one joining a day; of the first 120 half are risky, then one in twelve. The
 * feature tells only of the early ones (turns), or of all alike. */
static void joined_case(Audit *audit, Arena *keep, Findings *f, bool turns, bool late)
{
    enum { MANY = 240 };
    Arena scratch = arena_new();
    Table *t = table_new(keep, S("features"), MANY, 1);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, MANY);
    int64_t *first = ARENA_ARRAY(keep, int64_t, MANY);
    static const Str use[] = {{"model", 5}};
    Random r = random_new(5);
    column_init(&t->column[0], keep, S("feature"), TYPE_DOUBLE, 0, MANY, NULL);
    for (size_t i = 0; i < MANY; i++) {
        first[i] = (int64_t)i * DAY_US / 4;
        label[i] = late && i >= 200 ? i == 220 : i % (late ? 2 : 3) == 0;
        double told = label[i] ? 1.5 : 0;
        t->column[0].real[i] = random_normal(&r) + (turns && i >= 120 ? -told : told);
        column_set_valid(&t->column[0], i);
    }
    const AuditInputs inputs = {.labelled = t, .use = use, .label = label};
    const JoiningInputs joining = {.labelled_us = first,
                                   .labelled = MANY,
                                   .as_of_us = 60 * DAY_US,
                                   .by = S("by their first transaction")};
    *audit = (Audit){0};
    audit_joining(audit, keep, scratch, &inputs, &joining, f);
    arena_free(&scratch);
}

static void a_feature_that_turns_with_the_cohort_is_told(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Findings *f = findings_new(&keep), *g = findings_new(&keep);
    Audit a;
    joined_case(&a, &keep, f, true, false);
    assert_int_equal(a.joining.cohorts, 3);
    assert_true(a.joining.relation[0].changes);
    assert_true(a.joining.relation[0].auc[0] > 0.7 && a.joining.relation[0].auc[2] < 0.3);
    const Finding *told = findings_find(f, "relation_changes");
    assert_non_null(told);
    assert_true(str_contains(told->what, S("feature (AUC 0.")));
    joined_case(&a, &keep, g, false, false);
    assert_false(a.joining.relation[0].changes);
    assert_null(findings_find(g, "relation_changes"));
    assert_null(findings_find(g, "joining_cohort"));
    arena_free(&keep);
}

static void a_late_cohort_without_risky_customers_is_told(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Findings *f = findings_new(&keep);
    Audit a;
    joined_case(&a, &keep, f, false, true);
    const Finding *told = findings_find(f, "joining_cohort");
    assert_non_null(told);
    assert_int_equal(a.joining.late_days, 14); /* where the rates lie furthest apart */
    assert_int_equal(a.joining.late + a.joining.others, 240);
    assert_int_equal(a.joining.late_positives, 8);
    assert_true(a.joining.p < 0.001);
    arena_free(&keep);
}

/* ---- shuffles and samples ---- */

static void linked_customers_move_their_labels_together(void **state)
{
    (void)state;
    enum { PAIRS = 40, LONERS = 60, ALL = 2 * PAIRS + LONERS };
    Arena scratch = arena_new();
    uint8_t label[ALL], out[ALL];
    uint32_t unit[ALL];
    size_t positives = 0, moved = 0;
    for (size_t i = 0; i < ALL; i++) {
        // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
        bool paired = i < 2 * PAIRS;
        unit[i] = (uint32_t)(paired ? i / 2 : i);
        label[i] = paired ? i / 2 % 4 == 0 : i % 6 == 0; /* pairs are of one mind */
        positives += label[i];
    }
    Random r = random_new(3);
    shuffle_labels(out, label, unit, ALL, &r, scratch);
    // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
    for (size_t i = 0; i < 2 * PAIRS; i += 2)
        assert_int_equal(out[i], out[i + 1]);
    for (size_t i = 0; i < ALL; i++) {
        positives -= out[i];
        moved += out[i] != label[i];
    }
    assert_int_equal(positives, 0);
    assert_true(moved > 20);
    arena_free(&scratch);
}

static void a_group_of_its_own_size_is_broken_up(void **state)
{
    (void)state;
    enum { GROUP = 9, ALL = 90 };
    Arena scratch = arena_new();
    uint8_t label[ALL], out[ALL];
    uint32_t unit[ALL];
    size_t kept = 0;
    for (size_t i = 0; i < ALL; i++) {
        unit[i] = i < GROUP ? 0 : (uint32_t)i;
        label[i] = i < GROUP;
    }
    for (uint64_t seed = 0; seed < 20; seed++) {
        Random r = random_new(seed);
        shuffle_labels(out, label, unit, ALL, &r, scratch);
        for (size_t i = 0; i < GROUP; i++)
            kept += out[i];
    }
    /* One in ten by chance, not all of them every time. */
    assert_true(kept < 20 * GROUP / 3);
    arena_free(&scratch);
}

static void the_sample_of_a_large_set_keeps_its_classes(void **state)
{
    (void)state;
    enum { LARGE = 20000 };
    Arena scratch = arena_new();
    uint8_t *label = ARENA_ARRAY(&scratch, uint8_t, LARGE);
    uint32_t *row = ARENA_ARRAY(&scratch, uint32_t, LARGE), *again;
    again = ARENA_ARRAY(&scratch, uint32_t, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        label[i] = i % 20 == 0;
    size_t count = audit_sample(row, label, LARGE, 5000, 50, 4, scratch), positives = 0;
    assert_int_equal(count, 5000);
    uint8_t *seen = ARENA_ARRAY(&scratch, uint8_t, LARGE);
    for (size_t i = 0; i < count; i++) {
        positives += label[row[i]];
        assert_int_equal(seen[row[i]]++, 0);
    }
    assert_int_equal(positives, 250); /* a twentieth, as of all */
    assert_int_equal(audit_sample(again, label, LARGE, 5000, 50, 4, scratch), 5000);
    assert_memory_equal(row, again, count * sizeof *row);
    /* Of a rare class enough for every fold. */
    for (size_t i = 0; i < LARGE; i++)
        label[i] = i % 400 == 0;
    count = audit_sample(row, label, LARGE, 5000, 50, 4, scratch);
    for (size_t i = positives = 0; i < count; i++)
        positives += label[row[i]];
    assert_int_equal(positives, 50);
    assert_int_equal(count, 5000);
    /* A small set is taken whole and in order. */
    assert_int_equal(audit_sample(row, label, 100, 5000, 50, 4, scratch), 100);
    assert_int_equal(row[99], 99);
    arena_free(&scratch);
}

static void picked_rows_are_drawn_by_the_seed(void **state)
{
    (void)state;
    Arena scratch = arena_new();
    uint32_t row[1000], again[1000], other[1000];
    assert_int_equal(audit_pick(row, 1000, 200, 4, scratch), 200);
    assert_int_equal(audit_pick(again, 1000, 200, 4, scratch), 200);
    assert_int_equal(audit_pick(other, 1000, 200, 5, scratch), 200);
    assert_memory_equal(row, again, 200 * sizeof *row);
    assert_memory_not_equal(row, other, 200 * sizeof *row);
    size_t late = 0;
    for (size_t i = 0; i < 200; i++) {
        assert_true(i == 0 || row[i] > row[i - 1]);
        late += row[i] >= 500;
    }
    assert_true(late > 70 && late < 130); /* not the first ones */
    assert_int_equal(audit_pick(row, 150, 200, 4, scratch), 150);
    assert_int_equal(row[149], 149);
    arena_free(&scratch);
}

/* ---- cut histories ---- */

/* Histories of the labelled that are cut at their outcome hold half of the transactions: that is no
 * difference between the cohorts, and the label is asked of the cut ones all the same. */
static void the_cohort_is_asked_of_whole_histories(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    const uint8_t *label = labels(&keep);
    Column cut, whole, scored;
    Random r = random_new(2);
    column_init(&cut, &keep, S("count"), TYPE_DOUBLE, 0, ROWS, NULL);
    column_init(&whole, &keep, S("count"), TYPE_DOUBLE, 0, ROWS, NULL);
    column_init(&scored, &keep, S("count"), TYPE_DOUBLE, 0, ROWS, NULL);
    for (size_t i = 0; i < ROWS; i++) {
        whole.real[i] = 20 + 2 * random_normal(&r);
        cut.real[i] = whole.real[i] / 2;
        scored.real[i] = 20 + 2 * random_normal(&r);
        column_set_valid(&whole, i);
        column_set_valid(&scored, i);
        if (i % 2 == 0)
            column_set_valid(&cut, i);
    }
    Probe p = {0}, q = {0};
    double label_p, cohort_p;
    probe_column(&p, &label_p, &cohort_p, &cut, NULL, ROWS, &scored, ROWS, label, NULL, 3, scratch);
    assert_true(p.cohort_auc > 0.95 && p.stability.psi > 1);
    assert_near(p.missing_labelled, 0.5, 0);
    probe_column(&q, &label_p, &cohort_p, &cut, &whole, ROWS, &scored, ROWS, label, NULL, 3,
                 scratch);
    assert_true(q.cohort_auc < 0.6 && q.stability.psi < 0.25);
    assert_near(q.missing_labelled, 0, 0);
    assert_near(q.auc.value, p.auc.value, 0);
    arena_free(&scratch);
    arena_free(&keep);
}

/* ---- linked customers ---- */

/* Pairs who share label and a value that nobody else has: told row by row the value seems to tell
 * the label, told pair by pair it tells nothing. */
static void a_value_of_linked_customers_tells_nothing_of_them(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    uint8_t label[ROWS];
    uint32_t group[ROWS];
    Column c;
    column_init(&c, &keep, S("person"), TYPE_CATEGORY, 0, ROWS, NULL);
    for (size_t i = 0; i < ROWS; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "p%zu", i / 2);
        assert_true(column_parse(&c, i, str_from(text)));
        group[i] = (uint32_t)(i / 2);
        label[i] = i / 2 % 5 == 0;
    }
    Probe apart = {0}, together = {0};
    double label_p, cohort_p;
    probe_column(&apart, &label_p, &cohort_p, &c, NULL, ROWS, NULL, 0, label, NULL, 3, scratch);
    assert_true(apart.auc.value > 0.85);
    probe_column(&together, &label_p, &cohort_p, &c, NULL, ROWS, NULL, 0, label, group, 3, scratch);
    assert_true(together.auc.value < 0.6);
    const uint32_t *all = groups_with_scored(&keep, group, ROWS, 2);
    assert_true(all[1] == all[0] && all[ROWS] != all[ROWS + 1]);
    for (size_t i = 0; i < ROWS; i++)
        assert_true(all[i] == group[i] && all[i] != all[ROWS] && all[i] != all[ROWS + 1]);
    arena_free(&scratch);
    arena_free(&keep);
}

/* Triples of equal labelled rows against scored customers like them: only a forest that has seen
 * a row's twins can tell who is labelled. */
static void linked_customers_do_not_tell_the_cohorts_apart(void **state)
{
    (void)state;
    enum { EACH = 240, COLUMNS = 3 };
    Arena keep = arena_new(), scratch = arena_new();
    Matrix *a = matrix_new(&keep, EACH, COLUMNS), *b = matrix_new(&keep, EACH, COLUMNS);
    uint32_t group[EACH];
    Random r = random_new(11);
    for (size_t k = 0; k < COLUMNS; k++)
        a->name[k] = b->name[k] = str_format(&keep, "noise%zu", k);
    for (size_t i = 0; i < EACH; i++) {
        group[i] = (uint32_t)(i / 6);
        for (size_t k = 0; k < COLUMNS; k++) {
            a->value[i * COLUMNS + k] =
                i % 6 > 0 ? a->value[(i - 1) * COLUMNS + k] : (float)random_normal(&r);
            b->value[i * COLUMNS + k] = (float)random_normal(&r);
        }
    }
    LearnOptions options = learn_options_default();
    Findings *f = findings_new(&keep);
    Audit apart = {0}, together = {0};
    audit_adversary(&apart, &keep, scratch, a, NULL, b, &options, f, NULL);
    audit_adversary(&together, &keep, scratch, a, group, b, &options, f, NULL);
    assert_true(apart.adversary.auc.value > 0.75);
    assert_true(together.adversary.auc.value < 0.65);
    arena_free(&scratch);
    arena_free(&keep);
}

/* Fifty customers in four equal rows each know no more than fifty do. */
static void the_ablation_draws_linked_customers_together(void **state)
{
    (void)state;
    enum { EQUAL = 4, PEOPLE = 50, ALL = EQUAL * PEOPLE };
    Arena keep = arena_new(), scratch = arena_new();
    uint8_t label[ALL];
    uint32_t group[ALL], fold[ALL], *folds[] = {fold};
    Matrix *x = matrix_new(&keep, ALL, 2);
    Random r = random_new(5);
    x->name[0] = S("told");
    x->name[1] = S("noise");
    for (size_t i = 0; i < ALL; i++) {
        group[i] = (uint32_t)(i / EQUAL);
        label[i] = group[i] % 3 == 0;
        for (size_t k = 0; k < 2; k++)
            x->value[2 * i + k] = i % EQUAL > 0
                                      ? x->value[2 * (i - 1) + k]
                                      : (float)(random_normal(&r) + (k == 0 ? label[i] : 0));
    }
    static const Str family[] = {{"told", 4}, {"noise", 5}};
    LearnOptions options = learn_options_default();
    learn_folds(fold, label, group, ALL, options.folds, 9);
    TrainingSet linked = {.x = x, .label = label, .group = group}, loose = linked;
    loose.group = NULL;
    const Candidate c = {
        .name = S("logistic"), .kind = MODEL_LINEAR, .l2 = 1, .forest = forest_options_default()};
    AblationInputs in = {
        .set = &linked, .candidate = &c, .fold = folds, .repeats = 1, .family = family};
    Audit together = {0}, apart = {0};
    Findings *f = findings_new(&keep);
    audit_ablation(&together, &keep, scratch, &in, &options, f, NULL, NULL);
    in.set = &loose;
    audit_ablation(&apart, &keep, scratch, &in, &options, f, NULL, NULL);
    const Interval a = together.ablation->row[0].auc[0], b = apart.ablation->row[0].auc[0];
    assert_near(a.value, b.value, 1e-12);
    double wider = (a.high - a.low) / (b.high - b.low);
    if (!(wider > 1.6 && wider < 2.4)) /* the root of four */
        fail_msg("%g times as wide", wider);
    arena_free(&scratch);
    arena_free(&keep);
}

/* ---- chance ---- */

static void tails_agree_with_scipy(void **state)
{
    (void)state;
    /* scipy.stats 1.x: norm.sf, chi2.sf, false_discovery_control,
     * mannwhitneyu(use_continuity=False, method='asymptotic'), hypergeom.pmf. */
    assert_near(metric_normal_tail(0.5), 0.3085375387259869, 1e-13);
    assert_near(metric_normal_tail(1.96), 0.024997895148220435, 1e-13);
    assert_near(metric_normal_tail(2.6), 0.004661188023718747, 1e-13);
    assert_near(metric_normal_tail(6.0) / 9.865876450376946e-10, 1, 1e-11);
    assert_near(metric_normal_tail(-1.96), 1 - 0.024997895148220435, 1e-13);
    assert_near(metric_chi_squared_tail(3.84, 1), 0.05004352124870519, 1e-13);
    assert_near(metric_chi_squared_tail(7.5, 2), 0.023517745856009114, 1e-14);
    assert_near(metric_chi_squared_tail(11.3, 3), 0.010209496433133654, 1e-13);
    assert_near(metric_chi_squared_tail(20.0, 7), 0.005569683072945574, 1e-13);
    assert_near(metric_all_of_one_class(5, 17, 100), 8.219157703693787e-05, 1e-16);
    Arena scratch = arena_new();
    const double p[] = {0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205};
    const double told[] = {0.008, 0.032, 0.0672, 0.0672, 0.0672, 0.08, 0.08457143, 0.205};
    double q[8];
    metric_false_discovery(q, p, 8, scratch);
    for (size_t i = 0; i < 8; i++)
        assert_near(q[i], told[i], 1e-8);
    const double score[] = {1, 2, 2, 3, 5, 6, 2, 3, 4, 6, 7, 8, 8};
    const uint8_t label[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1};
    assert_near(metric_rank_test(score, label, 13, scratch), 0.08344982949310291, 1e-12);
    arena_free(&scratch);
}

static void aucs_that_differ_by_chance_alone_are_one(void **state)
{
    (void)state;
    const size_t positives[] = {20, 20, 20}, negatives[] = {60, 60, 60};
    const double same[] = {0.70, 0.70, 0.70}, near[] = {0.66, 0.70, 0.75};
    const double apart[] = {0.90, 0.60, 0.45};
    double q;
    assert_near(metric_auc_heterogeneity(same, positives, negatives, 3, &q), 1, 0);
    assert_near(q, 0, 1e-12);
    assert_true(metric_auc_heterogeneity(near, positives, negatives, 3, &q) > 0.3);
    assert_true(metric_auc_heterogeneity(apart, positives, negatives, 3, &q) < 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picked_rows_are_drawn_by_the_seed),
        cmocka_unit_test(a_value_of_linked_customers_tells_nothing_of_them),
        cmocka_unit_test(linked_customers_do_not_tell_the_cohorts_apart),
        cmocka_unit_test(the_ablation_draws_linked_customers_together),
        cmocka_unit_test(the_cohort_is_asked_of_whole_histories),
        cmocka_unit_test(a_category_no_better_than_chance_has_no_interval),
        cmocka_unit_test(a_column_as_good_as_the_label_is_named_for_what_it_is),
        cmocka_unit_test(an_innocent_column_is_no_leak),
        cmocka_unit_test(a_feature_that_turns_with_the_cohort_is_told),
        cmocka_unit_test(a_late_cohort_without_risky_customers_is_told),
        cmocka_unit_test(linked_customers_move_their_labels_together),
        cmocka_unit_test(a_group_of_its_own_size_is_broken_up),
        cmocka_unit_test(the_sample_of_a_large_set_keeps_its_classes),
        cmocka_unit_test(tails_agree_with_scipy),
        cmocka_unit_test(aucs_that_differ_by_chance_alone_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
