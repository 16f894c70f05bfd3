#include "describe/describe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double a, double b, double off)
{
    if (!(fabs(a - b) <= off))
        fail_msg("%.17g is not %.17g", a, b);
}

/* Forty customers: 0 to 9 risky, 10 to 19 not, 20 to 39 to be scored. */
enum { CUSTOMERS = 40 };

typedef struct Small {
    Arena arena;
    Dataset data;
    Plan plan;
    Events events;
    Table *features;
    Description *description;
} Small;

static void put(Column *c, size_t row, double x)
{
    c->real[row] = x;
    column_set_valid(c, row);
}

static void put_level(Column *c, size_t row, const char *level)
{
    c->code[row] = dictionary_add(c->dictionary, str_from(level));
    column_set_valid(c, row);
}

/* Monday 2024-07-01 and then a day a step. */
static int64_t moment(int day)
{
    return (days_from_civil(2024, 7, 1) + day) * DAY_US;
}

static void make_profile(Small *s)
{
    Table *t = s->data.profile = table_new(&s->arena, S("profile"), CUSTOMERS, 4);
    column_init(&t->column[0], &s->arena, S("user_id"), TYPE_TEXT, 0, CUSTOMERS, NULL);
    column_init(&t->column[1], &s->arena, S("gender"), TYPE_CATEGORY, 0, CUSTOMERS, NULL);
    column_init(&t->column[2], &s->arena, S("kyc_state"), TYPE_CATEGORY, 0, CUSTOMERS, NULL);
    column_init(&t->column[3], &s->arena, S("records"), TYPE_INT64, 0, CUSTOMERS, NULL);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        s->data.id[i] = str_format(&s->arena, "c%02zu", i);
        put_level(&t->column[0], i, s->data.id[i].data);
        if (i != 3)
            put_level(&t->column[1], i, i % 2 ? "F" : "M");
        /* 22 A, 13 B, two of C, three without */
        if (i < 37)
            put_level(&t->column[2], i, i < 22 ? "A" : i < 35 ? "B" : "C");
    }
}

static void make_features(Small *s)
{
    static const char *const names[] = {"x", "minus", "same", "tail", "steps"};
    Feature *f = ARENA_ARRAY(&s->arena, Feature, COUNT_OF(names));
    s->plan = (Plan){.feature = f, .features = COUNT_OF(names), .schema = s->data.schema};
    s->features = table_new(&s->arena, S("features"), CUSTOMERS, COUNT_OF(names));
    for (size_t k = 0; k < COUNT_OF(names); k++) {
        f[k].name.text = str_from(names[k]);
        column_init(&s->features->column[k], &s->arena, str_from(names[k]), TYPE_DOUBLE, 0,
                    CUSTOMERS, NULL);
    }
    for (size_t i = 0; i < CUSTOMERS; i++) {
        if (i % 10 != 9) {
            put(&s->features->column[0], i, (double)i);
            put(&s->features->column[1], i, -(double)(i * i));
        }
        put(&s->features->column[2], i, 7);
        put(&s->features->column[3], i, i == 39 ? 1000 : (double)(i % 20));
        size_t ten = i / 10;
        put(&s->features->column[4], i, (double)ten);
    }
}

static void make_events(Small *s)
{
    /* Customer 0: a Sunday night and the Monday after; 1 to 5: that Monday; 20 to 25: a week on;
     * all others none. */
    size_t *start = ARENA_ARRAY(&s->arena, size_t, CUSTOMERS + 1);
    int64_t *at = ARENA_ARRAY(&s->arena, int64_t, 64);
    size_t rows = 0;
    for (size_t i = 0; i < CUSTOMERS; i++) {
        start[i] = rows;
        if (i == 0)
            at[rows++] = moment(7) - 1;
        if (i <= 5)
            at[rows++] = moment(7);
        if (i >= 20 && i <= 25)
            at[rows++] = moment(14);
    }
    start[CUSTOMERS] = rows;
    Table *t = table_new(&s->arena, S("rows"), rows, 1);
    column_init(&t->column[0], &s->arena, S("type"), TYPE_CATEGORY, 0, rows, NULL);
    for (size_t row = 0; row < rows; row++)
        if (row != 1)
            put_level(&t->column[0], row, "CARDS");
    s->events = (Events){
        .customers = CUSTOMERS, .rows = t, .start = start, .created_us = at, .plan = &s->plan};
}

static int setup(void **state)
{
    Small *s = calloc(1, sizeof *s);
    Schema *schema;
    Error err = {0};
    s->arena = arena_new();
    assert_int_equal(schema_default(&schema, &s->arena, &err), STATUS_OK);
    s->data = (Dataset){.schema = schema,
                        .customers = CUSTOMERS,
                        .id = ARENA_ARRAY(&s->arena, Str, CUSTOMERS),
                        .cohort = ARENA_ARRAY(&s->arena, uint8_t, CUSTOMERS),
                        .label = ARENA_ARRAY(&s->arena, int8_t, CUSTOMERS)};
    for (size_t i = 0; i < CUSTOMERS; i++) {
        s->data.cohort[i] = i < 20 ? COHORT_LABELLED : COHORT_SCORED;
        s->data.label[i] = i < 10 ? LABEL_POSITIVE : i < 20 ? LABEL_NEGATIVE : LABEL_NONE;
    }
    make_profile(s);
    make_features(s);
    make_events(s);
    Arena work = arena_new();
    s->description =
        describe_dataset(&s->arena, work, &s->data, &s->plan, &s->events, s->features, NULL);
    arena_free(&work);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    Small *s = *state;
    arena_free(&s->arena);
    free(s);
    return 0;
}

static const DescribedColumn *find(const Small *s, const char *name)
{
    for (size_t k = 0; k < s->description->columns; k++)
        if (str_equal(s->description->column[k].name, str_from(name)))
            return &s->description->column[k];
    fail_msg("no column %s", name);
    return NULL;
}

static void customers_are_counted_by_class_and_cohort(void **state)
{
    const Small *s = *state;
    const size_t expected[] = {10, 10, 20, 20};
    assert_memory_equal(s->description->customers, expected, sizeof expected);
}

static void quantiles_are_those_of_hand(void **state)
{
    const DescribeSummary *q = &find(*state, "x")->summary[DESCRIBE_POSITIVE];
    assert_int_equal(q->customers, 10); /* 0 to 8, and one without */
    assert_int_equal(q->missing, 1);
    assert_near(q->mean, 4, 0);
    assert_near(q->p05, 0.4, 1e-12);
    assert_near(q->q1, 2, 0);
    assert_near(q->median, 4, 0);
    assert_near(q->q3, 6, 0);
    assert_near(q->p95, 7.6, 1e-12);
}

static void bins_hold_every_customer_of_each_group_once(void **state)
{
    const Small *s = *state;
    for (size_t k = 0; k < s->description->columns; k++) {
        const DescribedColumn *c = &s->description->column[k];
        if (c->kind != DESCRIBE_NUMBER && c->kind != DESCRIBE_LEVELS)
            continue;
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
            size_t sum = 0;
            for (size_t b = 0; b < c->bins; b++)
                sum += c->bin[b].count[g];
            assert_int_equal(sum, s->description->customers[g]);
        }
    }
}

static void numbers_are_cut_where_at_least_five_fall_on_average(void **state)
{
    const DescribedColumn *x = find(*state, "x"), *steps = find(*state, "steps");
    assert_int_equal(x->kind, DESCRIBE_NUMBER);
    assert_int_equal(x->bins, 36 / 5 + 1); /* and the missing */
    assert_true(is_missing(x->bin[0].low) && is_missing(x->bin[6].high));
    assert_true(x->bin[7].missing);
    assert_int_equal(x->bin[7].count[DESCRIBE_SCORED], 2);
    assert_true(x->whole);
    assert_int_equal(steps->bins, 4); /* few values: a bin each */
    assert_int_equal(steps->bin[1].count[DESCRIBE_NEGATIVE], 10);
    assert_near(steps->bin[1].low, 1, 0);
    assert_near(steps->bin[1].high, 1, 0);
}

static void levels_of_few_customers_are_put_together(void **state)
{
    const DescribedColumn *c = find(*state, "kyc_state");
    assert_int_equal(c->kind, DESCRIBE_LEVELS);
    assert_int_equal(c->distinct, 3);
    assert_int_equal(c->bins, 4);
    assert_true(str_equal(c->bin[0].level, S("A")));
    assert_true(c->bin[2].others && c->bin[3].missing);
    assert_int_equal(c->bin[2].count[DESCRIBE_SCORED], 2);
    assert_int_equal(c->bin[3].count[DESCRIBE_SCORED], 3);
}

static void of_protected_columns_only_what_is_missing_is_known(void **state)
{
    const Small *s = *state;
    const DescribedColumn *c = find(s, "gender");
    assert_int_equal(c->kind, DESCRIBE_PROTECTED);
    assert_true(c->ground.size > 0);
    assert_int_equal(c->bins, 0);
    assert_int_equal(c->distinct, 0);
    assert_int_equal(c->summary[DESCRIBE_POSITIVE].missing, 1);
    assert_int_equal(find(s, "same")->kind, DESCRIBE_CONSTANT);
    assert_int_equal(find(s, "user_id")->kind, DESCRIBE_IDENTIFIER);
    assert_int_equal(find(s, "user_id")->bins, 0);
}

static void missing_values_are_counted_by_column_and_group(void **state)
{
    const Small *s = *state;
    size_t transactions = 0;
    for (size_t i = 0; i < s->description->missings; i++) {
        const Missingness *m = &s->description->missing[i];
        if (m->of != DESCRIBE_OF_TRANSACTIONS)
            continue;
        transactions++;
        assert_int_equal(m->rows[DESCRIBE_POSITIVE], 7);
        assert_int_equal(m->missing[DESCRIBE_POSITIVE], 1);
        assert_int_equal(m->rows[DESCRIBE_NEGATIVE], 0);
        assert_int_equal(m->rows[DESCRIBE_SCORED], 6);
        assert_false(m->cohorts_differ);
    }
    assert_int_equal(transactions, 1);
}

static void a_column_of_one_cohort_is_said_to_differ(void **state)
{
    Small *s = *state;
    Column *c = &s->features->column[0];
    for (size_t i = 20; i < CUSTOMERS; i++)
        column_set_missing(c, i);
    Arena work = arena_new();
    const Description *d =
        describe_dataset(&s->arena, work, &s->data, &s->plan, &s->events, s->features, NULL);
    arena_free(&work);
    for (size_t i = 0; i < d->missings; i++) {
        const Missingness *m = &d->missing[i];
        assert_int_equal(m->cohorts_differ, str_equal(m->name, S("x")));
        assert_false(m->classes_differ);
    }
    make_features(s);
}

static void outliers_are_counted_beyond_fences_and_shown_as_one_mean(void **state)
{
    const DescribeOutliers *o = &find(*state, "tail")->outliers;
    assert_true(o->possible);
    assert_int_equal(o->known, 40);
    assert_int_equal(o->far_above, 1);
    assert_int_equal(o->far_below, 0);
    assert_int_equal(o->far[DESCRIBE_SCORED], 1);
    assert_int_equal(o->far[DESCRIBE_LABELLED], 0);
    assert_int_equal(o->strange, 1);
    /* 1000, 19, and 18 twice, and 17 */
    assert_near(o->top_mean, (1000 + 19 + 18 + 18 + 17) / 5.0, 1e-9);
    assert_true(is_missing(o->top_share));
}

static double rho_of(const Small *s, const Description *d, const char *a, const char *b)
{
    const Correlations *c = &d->correlations;
    for (size_t i = 0; i < c->numbers; i++)
        for (size_t k = 0; k < c->numbers; k++)
            if (str_equal(d->column[c->number[i]].name, str_from(a)) &&
                str_equal(d->column[c->number[k]].name, str_from(b)))
                return c->rho[i * c->numbers + k];
    (void)s;
    fail_msg("no pair");
    return 0;
}

static void rank_correlations_are_those_of_the_definition(void **state)
{
    const Small *s = *state;
    const Description *d = s->description;
    assert_int_equal(d->correlations.numbers, 4); /* all but the constant one */
    assert_int_equal(d->correlations.tested, 6);
    assert_near(rho_of(s, d, "x", "minus"), -1, 0);
    assert_near(rho_of(s, d, "minus", "x"), -1, 0);
    assert_near(rho_of(s, d, "x", "x"), 1, 0);
    /* x and steps share 36 customers; steps has four ties of nine. By hand: Spearman is Pearson of
     * ranks; ranks of steps are 5, 14, 23, 32, so it is sqrt(share of variance between groups). */
    double between = 0, all = 0;
    for (int i = 0; i < 36; i++) {
        int step = i / 9;
        double rank = i + 1 - 18.5, tied = 5 + 9 * step - 18.5;
        between += tied * tied;
        all += rank * rank;
    }
    assert_near(rho_of(s, d, "x", "steps"), sqrt(between / all), 1e-12);
    assert_int_equal(d->correlations.pair[0].beyond, 1);
    assert_near(fabs(d->correlations.pair[0].rho.value), 1, 0);
    for (size_t i = 0; i < d->correlations.pairs; i++) {
        Interval r = d->correlations.pair[i].rho;
        assert_true(r.low <= r.value && r.value <= r.high);
    }
}

static void weeks_begin_on_monday_and_count_customers_once(void **state)
{
    const Small *s = *state;
    const Coverage *c = &s->description->coverage;
    assert_int_equal(c->weeks_a_step, 1);
    assert_int_equal(c->steps, 3);
    assert_int_equal(c->step[0].from_us, moment(0));
    assert_int_equal(c->step[0].events[DESCRIBE_POSITIVE], 1);
    assert_int_equal(c->step[0].joining[DESCRIBE_POSITIVE], 1);
    assert_int_equal(c->step[1].events[DESCRIBE_POSITIVE], 6);
    assert_int_equal(c->step[1].customers[DESCRIBE_LABELLED], 6);
    assert_int_equal(c->step[1].joining[DESCRIBE_LABELLED], 5);
    assert_int_equal(c->step[2].customers[DESCRIBE_SCORED], 6);
    assert_int_equal(c->step[2].events[DESCRIBE_POSITIVE], 0);
    assert_int_equal(c->idle[DESCRIBE_POSITIVE], 4);
    assert_int_equal(c->idle[DESCRIBE_NEGATIVE], 10);
    assert_int_equal(c->last_us[DESCRIBE_SCORED], moment(14));
}

static void many_years_are_told_in_at_most_sixty_steps(void **state)
{
    Small *s = *state;
    int64_t *at = (int64_t *)(uintptr_t)s->events.created_us;
    at[12] = moment(14 + 7 * 1000);
    Arena work = arena_new();
    const Description *d =
        describe_dataset(&s->arena, work, &s->data, &s->plan, &s->events, s->features, NULL);
    arena_free(&work);
    assert_int_equal(d->coverage.weeks_a_step, 17); /* 1,003 weeks in 59 steps */
    assert_int_equal(d->coverage.steps, 59);
    size_t events = 0;
    for (size_t i = 0; i < d->coverage.steps; i++)
        events += d->coverage.step[i].events[DESCRIBE_SCORED];
    assert_int_equal(events, 6);
    at[12] = moment(14);
}

static void threads_change_nothing(void **state)
{
    Small *s = *state;
    Team *team = team_new(5);
    Arena work = arena_new();
    const Description *d =
        describe_dataset(&s->arena, work, &s->data, &s->plan, &s->events, s->features, team);
    const Description *one = s->description;
    size_t n = d->correlations.numbers;
    assert_memory_equal(d->correlations.rho, one->correlations.rho,
                        n * n * sizeof *d->correlations.rho);
    for (size_t k = 0; k < d->columns; k++)
        assert_memory_equal(d->column[k].summary, one->column[k].summary,
                            sizeof one->column[k].summary);
    arena_free(&work);
    team_free(team);
}

static void nobody_can_be_described(void **state)
{
    Small *s = *state;
    size_t start[] = {0};
    Dataset none = s->data;
    none.customers = 0;
    none.profile = table_new(&s->arena, S("profile"), 0, 0);
    Table *features = table_new(&s->arena, S("features"), 0, 5);
    for (size_t k = 0; k < 5; k++)
        column_init(&features->column[k], &s->arena, S("x"), TYPE_DOUBLE, 0, 0, NULL);
    Events events = {.rows = table_new(&s->arena, S("rows"), 0, 0), .start = start};
    Arena work = arena_new();
    const Description *d =
        describe_dataset(&s->arena, work, &none, &s->plan, &events, features, NULL);
    arena_free(&work);
    assert_int_equal(d->columns, 5);
    assert_int_equal(d->column[0].kind, DESCRIBE_CONSTANT);
    assert_int_equal(d->correlations.tested, 0);
    assert_int_equal(d->coverage.steps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(customers_are_counted_by_class_and_cohort),
        cmocka_unit_test(quantiles_are_those_of_hand),
        cmocka_unit_test(bins_hold_every_customer_of_each_group_once),
        cmocka_unit_test(numbers_are_cut_where_at_least_five_fall_on_average),
        cmocka_unit_test(levels_of_few_customers_are_put_together),
        cmocka_unit_test(of_protected_columns_only_what_is_missing_is_known),
        cmocka_unit_test(missing_values_are_counted_by_column_and_group),
        cmocka_unit_test(a_column_of_one_cohort_is_said_to_differ),
        cmocka_unit_test(outliers_are_counted_beyond_fences_and_shown_as_one_mean),
        cmocka_unit_test(rank_correlations_are_those_of_the_definition),
        cmocka_unit_test(weeks_begin_on_monday_and_count_customers_once),
        cmocka_unit_test(many_years_are_told_in_at_most_sixty_steps),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(nobody_can_be_described),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
