#include "prove/prove.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char features_book[] =
    "version: 1\n"
    "name: test\n"
    "features:\n"
    "  - {name: early, expr: count(), over: first 14d, use: model, family: f, says: Early}\n"
    "  - {name: n, expr: count(), over: all, use: policy, family: f, format: count, says: Events}\n"
    "  - {name: m, expr: distinct(type), over: all, use: policy, family: f, says: Types}\n"
    "  - {name: a, expr: sum(amount), over: all, use: policy, family: f, says: Amount}\n";

#define MINUTES                                                                                    \
    "minutes: {RETAIN: 0, MONITOR: 10, ENHANCED_DUE_DILIGENCE: 60, RESTRICT: 45, "                 \
    "PROPOSE_OFFBOARDING: 120}\n"
#define BOOK(review, minutes, rule_one, family_two, cap, exposure)                                 \
    "version: 1\n"                                                                                 \
    "name: test\n"                                                                                 \
    "costs: {wrong_exit: 4, missed_risk: 1, review: " review ", monitor: 0.15}\n" minutes          \
    "exposure: " exposure "\n"                                                                     \
    "rules:\n"                                                                                     \
    "  - {id: one, when: " rule_one                                                                \
    ", family: x, severity: severe, because: \"{n:count}.\", evidence: n}\n"                       \
    "  - {id: two, when: m >= 2, family: " family_two                                              \
    ", severity: severe, because: \"{n:count}.\", evidence: n}\n"                                  \
    "safeguards:\n"                                                                                \
    "  - {id: few, when: n < 2, cap: " cap ", because: \"Few.\"}\n"                                \
    "actions:\n"                                                                                   \
    "  - {action: PROPOSE_OFFBOARDING, when: \"probability >= threshold_high and families >= 2\","  \
    " because: \"Exit.\"}\n"                                                                       \
    "  - {action: ENHANCED_DUE_DILIGENCE, when: \"probability >= threshold_high or severe_rules >= " \
    "1\", because: \"Look.\"}\n"                                                                   \
    "  - {action: MONITOR, when: probability >= threshold_medium, because: \"Watch.\"}\n"
#define OLD BOOK("0.40", MINUTES, "n >= 5", "y", "MONITOR", "a")

/* Customers: events, types, amount, score. */
enum { CUSTOMERS = 6 };
static const int64_t events_of[CUSTOMERS] = {0, 1, 3, 5, 9, 9};
static const int64_t types_of[CUSTOMERS] = {0, 1, 1, 2, 3, 3};
static const int64_t amounts[CUSTOMERS] = {0, 100, 200, 300, 400, 0};
static const double scores[CUSTOMERS] = {0.1, 0.5, 0.35, 0.5, 0.9, 0.9};

typedef struct Bank {
    Arena keep, scratch;
    Schema *schema;
    Plan *plan;
    Events events;
    MatrixPlan no_columns;
    PolicyInputs in;
    Team *team;
    PolicyDiff *diff;
} Bank;

static void fill_bank(Bank *b)
{
    Error err = {0};
    *b = (Bank){.keep = arena_new(), .scratch = arena_new(), .team = team_new(1)};
    if (schema_default(&b->schema, &b->keep, &err) != STATUS_OK ||
        plan_read(&b->plan, &b->keep, str_from(features_book), "features.yaml", b->schema, &err) !=
            STATUS_OK)
        fail_msg("%s:%lld: %s (%s)", err.file, (long long)err.line, err.message, err.remedy);
    Table *t = table_new(&b->keep, S("features"), CUSTOMERS, b->plan->features);
    for (size_t i = 0; i < b->plan->features; i++)
        column_init(&t->column[i], &b->keep, b->plan->feature[i].name.text,
                    lang_type(b->plan->feature[i].expr), lang_scale(b->plan->feature[i].expr),
                    CUSTOMERS, NULL);
    uint32_t *row = ARENA_ARRAY(&b->keep, uint32_t, CUSTOMERS);
    Str *id = ARENA_ARRAY(&b->keep, Str, CUSTOMERS);
    double *high = ARENA_ARRAY(&b->keep, double, CUSTOMERS);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        const int64_t value[] = {events_of[i], types_of[i], 100 * amounts[i]};
        const char *const name[] = {"n", "m", "a"};
        for (size_t k = 0; k < COUNT_OF(value); k++) {
            Column *c = table_find(t, str_from(name[k]));
            c->integer[i] = value[k];
            column_set_valid(c, i);
        }
        row[i] = (uint32_t)i;
        high[i] = 1;
        id[i] = str_format(&b->keep, "c%zu", i);
    }
    Table *rows = table_new(&b->keep, S("events"), 0, 1);
    column_init(&rows->column[0], &b->keep, b->schema->transactions.key.text, TYPE_TEXT, 0, 0, NULL);
    b->events = (Events){.plan = b->plan,
                         .rows = rows,
                         .customers = CUSTOMERS,
                         .as_of_us = ARENA_ARRAY(&b->keep, int64_t, CUSTOMERS)};
    b->in = (PolicyInputs){.events = &b->events,
                           .features = t,
                           .row = row,
                           .id = id,
                           .count = CUSTOMERS,
                           .margin = ARENA_ARRAY(&b->keep, double, CUSTOMERS),
                           .probability = scores,
                           .probability_low = scores,
                           .probability_high = high,
                           .matrix = matrix_new(&b->keep, CUSTOMERS, 0),
                           .columns = &b->no_columns};
}

static void compare(Bank *b, const char *before, const char *after)
{
    Error err = {0};
    Policy *p[2];
    const char *const text[2] = {before, after};
    fill_bank(b);
    for (int side = 0; side < 2; side++)
        if (policy_read(&p[side], &b->keep, str_from(text[side]), "policy.yaml", b->plan, &err) !=
            STATUS_OK)
            fail_msg("%s:%lld: %s (%s)", err.file, (long long)err.line, err.message, err.remedy);
    if (prove_diff(&b->diff, &b->keep, b->scratch, p[0], p[1], &b->in, b->team, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

static void close_bank(Bank *b)
{
    team_free(b->team);
    arena_free(&b->scratch);
    arena_free(&b->keep);
}

static const PolicyMove *move_of(const Bank *b, uint32_t customer)
{
    for (size_t i = 0; i < b->diff->moves; i++)
        if (b->diff->move[i].at == customer)
            return &b->diff->move[i];
    return NULL;
}

static void because(const PolicyMove *m, const char *part)
{
    assert_non_null(m);
    for (size_t i = 0; i < m->whys; i++)
        if (str_contains(m->why[i], str_from(part)))
            return;
    for (size_t i = 0; i < m->whys; i++)
        print_message("%.*s\n", STR_ARG(m->why[i]));
    fail_msg("no reason holds \"%s\"", part);
}

static void an_equal_book_moves_nobody(void **state)
{
    (void)state;
    Bank b;
    compare(&b, OLD, OLD);
    assert_int_equal(b.diff->moves, 0);
    assert_int_equal(b.diff->changes, 0);
    assert_int_equal(b.diff->action[ACTION_RETAIN][ACTION_RETAIN], 1);
    /* c0 RETAIN; c1 due diligence capped to MONITOR; c2 MONITOR; c3 and c4 exits; c5 due diligence,
     * as nothing is at stake: 0 + 10 + 10 + 120 + 120 + 60 minutes */
    assert_true(fabs(b.diff->hours[0] - 320.0 / 60) < 1e-9);
    assert_true(b.diff->hours[0] == b.diff->hours[1]);
    close_bank(&b);
}

static void a_lower_threshold_moves_whom_it_passes(void **state)
{
    (void)state;
    Bank b;
    compare(&b, OLD, BOOK("0.30", MINUTES, "n >= 5", "y", "MONITOR", "a"));
    assert_int_equal(b.diff->moves, 1);
    const PolicyMove *m = move_of(&b, 2);
    because(m, "threshold_high goes from 0.4 to 0.3: the score, 0.3500, reaches it now");
    because(m, "the entry taken was MONITOR");
    assert_int_equal(m->from, ACTION_MONITOR);
    assert_int_equal(m->to, ACTION_ENHANCED_DUE_DILIGENCE);
    assert_int_equal(m->from_segment, SEGMENT_MEDIUM);
    assert_int_equal(m->to_segment, SEGMENT_HIGH);
    assert_true(fabs(b.diff->hours[1] - b.diff->hours[0] - 50.0 / 60) < 1e-9);
    close_bank(&b);
}

static void a_narrower_rule_and_a_joined_family_are_named(void **state)
{
    (void)state;
    Bank b;
    compare(&b, OLD, BOOK("0.40", MINUTES, "n >= 6", "y", "MONITOR", "a"));
    assert_int_equal(b.diff->moves, 1);
    because(move_of(&b, 3), "rule one no longer fires: its condition was `n >= 5` and is `n >= 6`");
    close_bank(&b);

    compare(&b, OLD, BOOK("0.40", MINUTES, "n >= 5", "x", "MONITOR", "a"));
    assert_int_equal(b.diff->moves, 2);
    because(move_of(&b, 4), "rule two, which fires, was of the family y and is of x");
    assert_int_equal(b.diff->action[ACTION_PROPOSE_OFFBOARDING][ACTION_ENHANCED_DUE_DILIGENCE], 2);
    close_bank(&b);
}

static void safeguards_and_the_engines_caps_are_named(void **state)
{
    (void)state;
    Bank b;
    compare(&b, OLD, BOOK("0.40", MINUTES, "n >= 5", "y", "ENHANCED_DUE_DILIGENCE", "a"));
    assert_int_equal(b.diff->moves, 1);
    because(move_of(&b, 1), "safeguard few no longer caps at MONITOR");
    close_bank(&b);

    compare(&b, OLD, BOOK("0.40", MINUTES, "n >= 5", "y", "MONITOR", "a + 1"));
    because(move_of(&b, 5), "the exposure was 0 and is 1");
    because(move_of(&b, 5), "the engine no longer caps the exit: No money is at stake");
    close_bank(&b);
}

static void without_minutes_hours_are_not_known(void **state)
{
    (void)state;
    Bank b;
    compare(&b, OLD, BOOK("0.40", "", "n >= 5", "y", "MONITOR", "a"));
    assert_false(is_missing(b.diff->hours[0]));
    assert_true(is_missing(b.diff->hours[1]));
    close_bank(&b);
}

static void the_largest_steps_come_first(void **state)
{
    (void)state;
    Bank b;
    compare(&b, OLD, BOOK("0.80", MINUTES, "n >= 50", "x", "MONITOR", "a"));
    assert_true(b.diff->moves >= 2);
    for (size_t i = 1; i < b.diff->moves; i++)
        assert_true(abs((int)b.diff->move[i - 1].to - (int)b.diff->move[i - 1].from) >=
                    abs((int)b.diff->move[i].to - (int)b.diff->move[i].from));
    close_bank(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equal_book_moves_nobody),
        cmocka_unit_test(a_lower_threshold_moves_whom_it_passes),
        cmocka_unit_test(a_narrower_rule_and_a_joined_family_are_named),
        cmocka_unit_test(safeguards_and_the_engines_caps_are_named),
        cmocka_unit_test(without_minutes_hours_are_not_known),
        cmocka_unit_test(the_largest_steps_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
