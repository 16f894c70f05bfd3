#include "judge/judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* A model's decisions made by hand, over columns that only partly agree with the other's. */
typedef struct Hand {
    Scored *scored;
    Decision *whole; /* [count] */
    Str *column;
} Hand;

static Hand hand(Arena *keep, size_t count, const char *const *ids, size_t columns,
                 const char *const *names, const double *contribution)
{
    Hand h = {.scored = ARENA_NEW(keep, Scored), .whole = ARENA_ARRAY(keep, Decision, count)};
    h.column = ARENA_ARRAY(keep, Str, columns);
    for (size_t i = 0; i < columns; i++)
        h.column[i] = str_from(names[i]);
    for (size_t i = 0; i < count; i++) {
        double sum = 0, *phi = ARENA_ARRAY(keep, double, columns + 1);
        for (size_t k = 0; k <= columns; k++) {
            phi[k] = contribution[i * (columns + 1) + k];
            sum += phi[k];
        }
        h.whole[i] = (Decision){.id = str_from(ids[i]),
                                .probability = stable_sigmoid(sum),
                                .contribution = phi,
                                .contributions = columns + 1};
    }
    h.scored->count = count;
    return h;
}

/* Outcomes of the decisions as they are now, who moves, and why. */
static void compare(SideBySide *out, Arena *keep, Arena scratch, const Hand side[SIDES],
                    const uint32_t *const row[SIDES], const size_t count[SIDES])
{
    const Scored *scored[SIDES] = {side[CHAMPION].scored, side[CHALLENGER].scored};
    const Str *column[SIDES] = {side[CHAMPION].column, side[CHALLENGER].column};
    for (int k = 0; k < SIDES; k++) {
        side[k].scored->outcome = ARENA_ARRAY(keep, Outcome, side[k].scored->count);
        for (size_t i = 0; i < side[k].scored->count; i++)
            side[k].scored->outcome[i] = policy_outcome(&side[k].whole[i]);
    }
    judge_moves(out, keep, scratch, scored, row, count);
    for (size_t i = 0; i < out->moves; i++) { /* one at a time: a block has any size */
        const Decision *whole[SIDES];
        for (int k = 0; k < SIDES; k++)
            whole[k] = &side[k].whole[out->move[i].at[k]];
        judge_why(out, keep, whole, column, i, 1);
    }
}

static Policy *policy_of(Arena *keep, const char *monitor)
{
    Schema *schema;
    Plan *plan;
    Policy *policy = NULL;
    Error err = {0};
    Str text = str_format(
        keep,
        "version: 1\nname: test\n"
        "costs: {missed_risk: 1, wrong_exit: 4, review: 0.4, monitor: %s}\n"
        "exposure: n\n"
        "insufficient_data: {when: n = 0, because: \"Nothing is on record.\"}\n"
        "rules:\n  - {id: r, when: n > 3, family: a, severity: severe, because: \"{n:count}.\", "
        "evidence: n, missing_proof: \"M.\", next_step: \"N.\"}\n"
        "actions:\n  - {action: MONITOR, when: n > 3, because: \"B.\"}\n",
        monitor);
    static const char features_text[] =
        "version: 1\nname: test\nfeatures:\n  - {name: n, expr: count(), "
        "over: all, use: policy, family: a, says: A}\n";
    if (schema_default(&schema, keep, &err) != STATUS_OK ||
        plan_read(&plan, keep, S(features_text), "features.yaml", schema, &err) != STATUS_OK ||
        policy_read(&policy, keep, text, "policy.yaml", plan, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return policy;
}

static void moves_name_the_columns_that_moved_the_score(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    static const char *const ids[] = {"a", "b", "c"}, *const turned[] = {"c", "x", "a"};
    static const char *const before[] = {"inflow", "nights"}, *const after[] = {"flow", "inflow"};
    const double was[] = {0.5, 0.1, -1, 0, 0, -2, 1, 1, -1};
    const double is[] = {1, 1, -1, 0, 0, 0, 2.5, 0.25, -1.5};
    const Hand side[SIDES] = {hand(&keep, 3, ids, 2, before, was),
                              hand(&keep, 3, turned, 2, after, is)};
    side[CHAMPION].whole[0].segment = SEGMENT_LOW;
    side[CHALLENGER].whole[2].segment = SEGMENT_HIGH;
    Bundle bundle = {.policy = policy_of(&keep, "0.15")},
           other = {.policy = policy_of(&keep, "0.2")};
    const uint32_t all[] = {0, 1, 2};
    const uint32_t *const row[SIDES] = {all, all};
    const size_t count[SIDES] = {3, 3};

    SideBySide c = {.bundle = {&bundle, &bundle}};
    compare(&c, &keep, scratch, side, row, count);
    assert_int_equal(c.customers, 2);
    assert_int_equal(c.only[CHAMPION], 1);
    assert_int_equal(c.only[CHALLENGER], 1);
    assert_int_equal(c.segment[SEGMENT_LOW][SEGMENT_HIGH], 1);
    assert_int_equal(c.segment[SEGMENT_LOW][SEGMENT_LOW], 1);
    assert_int_equal(c.moves, 1);
    assert_true(str_equal(c.move[0].id, S("a")));
    /* flow is new (+2.5), the level fell by .5, inflow went from .5 to .25; nights is gone. */
    assert_string_equal(str_chars(&keep, c.move[0].why),
                        "log-odds +1.65: flow +2.50, the level of all customers -0.50, inflow "
                        "-0.25, others -0.10");
    assert_true(fabs(c.mean_change - (stable_sigmoid(1.25) - stable_sigmoid(-0.4)) / 2) < 1e-12);

    SideBySide d = {.bundle = {&bundle, &other}};
    compare(&d, &keep, scratch, side, row, count);
    assert_non_null(strstr(str_chars(&keep, d.move[0].why),
                           "; thresholds 0.20, 0.40, 0.80 instead of 0.15, 0.40, 0.80"));
    arena_free(&keep);
    arena_free(&scratch);
}

static void moves_name_rules_that_fire_for_one_side_alone(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    static const char *const ids[] = {"a", "b"}, *const names[] = {"n"};
    const double same[] = {0, 0, 0, 0};
    const Hand side[SIDES] = {hand(&keep, 2, ids, 1, names, same),
                              hand(&keep, 2, ids, 1, names, same)};
    Reason fired[] = {{.source = REASON_RULE, .code = S("drains")},
                      {.source = REASON_MODEL, .code = S("n")}};
    Decision *before = side[CHAMPION].whole, *after = side[CHALLENGER].whole;
    before[0].reason = fired;
    before[0].reasons = 2;
    before[0].action = ACTION_MONITOR;
    after[1].reason = fired;
    after[1].reasons = 1;
    after[1].action = ACTION_PROPOSE_OFFBOARDING;
    Bundle bundle = {.policy = policy_of(&keep, "0.15")};
    const uint32_t all[] = {0, 1};
    const uint32_t *const row[SIDES] = {all, all};
    const size_t count[SIDES] = {2, 2};
    SideBySide c = {.bundle = {&bundle, &bundle}};
    compare(&c, &keep, scratch, side, row, count);
    assert_int_equal(c.moves, 2);
    assert_string_equal(str_chars(&keep, c.move[0].id), "b"); /* gravest first */
    assert_string_equal(str_chars(&keep, c.move[0].why),
                        "log-odds +0.00; rule drains fires only now");
    assert_string_equal(str_chars(&keep, c.move[1].why),
                        "log-odds +0.00; rule drains fires no more");
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_name_the_columns_that_moved_the_score),
        cmocka_unit_test(moves_name_rules_that_fire_for_one_side_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
