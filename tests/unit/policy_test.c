#include "policy_bank.h"

/* ---- the book ---- */

static void thresholds_follow_from_costs(void **state)
{
    (void)state;
    Bank b;
    read_books(&b, BOOK);
    Thresholds t = policy_thresholds(b.policy);
    near(t.medium, 0.15, 1e-15);
    near(t.high, 0.40, 1e-15);
    near(t.offboarding, 0.80, 1e-15);
    same(policy_text(b.policy), BOOK);
    close_bank(&b);
}

static void costs_make_the_whole_matrix(void **state)
{
    (void)state;
    Bank b;
    read_books(&b, BOOK);
    CostMatrix c = policy_costs(b.policy);
    near(c.good[COST_NOTHING], 0, 0);
    near(c.risky[COST_NOTHING], 1, 0);
    near(c.good[COST_EXIT], 4, 1e-15);
    near(c.risky[COST_EXIT], 0, 0);
    /* Each threshold is where its action costs as much as doing nothing. */
    Thresholds t = policy_thresholds(b.policy);
    const double at[] = {t.medium, t.high, t.offboarding};
    const CostAction action[] = {COST_MONITOR, COST_REVIEW, COST_EXIT};
    for (size_t i = 0; i < COUNT_OF(at); i++)
        near((1 - at[i]) * c.good[action[i]] + at[i] * c.risky[action[i]], at[i], 1e-15);
    close_bank(&b);
}

static void capacity_and_guarantee_are_read_or_have_their_defaults(void **state)
{
    (void)state;
    Bank b;
    read_books(&b, BOOK);
    assert_int_equal(policy_capacity(b.policy).reviews, 0);
    near(policy_certify(b.policy).precision, policy_thresholds(b.policy).offboarding, 0);
    near(policy_certify(b.policy).confidence, 0.95, 0);
    close_bank(&b);
    read_books(&b, "capacity: {reviews: 25, per: week}\n"
                   "certify: {precision: 0.9, confidence: 1}\n" BOOK);
    assert_int_equal(policy_capacity(b.policy).reviews, 25);
    same(policy_capacity(b.policy).per, "week");
    near(policy_certify(b.policy).precision, 0.9, 0);
    near(policy_certify(b.policy).confidence, 1, 0); /* nothing can give it: the run says so */
    close_bank(&b);
}

static void views_show_the_book_as_written(void **state)
{
    (void)state;
    Bank b;
    RuleView *rule;
    ActionView *action, *safeguard;
    read_books(&b, BOOK);
    assert_int_equal(policy_rules(b.policy, &b.keep, &rule), 3);
    same(rule[1].id, "passed");
    same(rule[1].family, "flow");
    same(rule[1].severity, "severe");
    same(rule[1].condition, "passed >= 50 and inflow >= 100");
    has(rule[1].because, "{passed:eur}");
    assert_int_equal(policy_actions(b.policy, &b.keep, &action), 3);
    same(action[0].action, "PROPOSE_OFFBOARDING");
    same(action[2].condition, "probability >= threshold_medium");
    assert_int_equal(policy_safeguards(b.policy, &b.keep, &safeguard), 2);
    same(safeguard[0].action, "MONITOR");
    same(safeguard[1].because, "Only {credits:count} credit.");
    close_bank(&b);
}

static Error refused(const char *book)
{
    Bank b;
    Error err = {0};
    read_books(&b, BOOK);
    Status status = policy_read(&b.policy, &b.keep, str_from(book), "policy.yaml", b.plan, &err);
    assert_int_equal(status, STATUS_FORMAT);
    assert_int_equal(err.status, STATUS_FORMAT);
    assert_string_equal(err.file, "policy.yaml");
    close_bank(&b);
    return err;
}

/* The book with one piece replaced. */
static Error refused_with(const char *from, const char *to)
{
    static char book[8192];
    const char *at = strstr(BOOK, from);
    assert_non_null(at);
    (void)snprintf(book, sizeof book, "%.*s%s%s", (int)(at - BOOK), BOOK, to, at + strlen(from));
    return refused(book);
}

static void unknown_feature_in_a_rule_gives_line_and_nearest_name(void **state)
{
    (void)state;
    Error err = refused_with("passed >= 50 and inflow", "passed >= 50 and inflwo");
    assert_int_equal(err.line, 14);
    assert_int_equal(err.column, 28);
    assert_non_null(strstr(err.message, "inflwo"));
    assert_non_null(strstr(err.remedy, "inflow"));
}

static void unknown_feature_in_a_sentence_or_as_evidence_is_refused(void **state)
{
    (void)state;
    Error err = refused_with("{credits:count} credits.", "{credit:count} credits.");
    assert_int_equal(err.line, 11);
    assert_non_null(strstr(err.remedy, "credits"));
    err = refused_with("evidence: credits", "evidence: credit");
    assert_int_equal(err.line, 12);
    assert_int_equal(err.column, 15);
    assert_non_null(strstr(err.message, "credit"));
    assert_non_null(strstr(err.remedy, "credits"));
}

static void a_euro_sign_is_refused_where_amounts_are_in_another_currency(void **state)
{
    (void)state;
    Bank b;
    Error err = {0};
    read_books(&b, BOOK);
    Schema zloty = *b.plan->schema;
    zloty.currency.text = S("PLN");
    Plan plan = *b.plan;
    plan.schema = &zloty;
    Status status = policy_read(&b.policy, &b.keep, S(BOOK), "policy.yaml", &plan, &err);
    assert_int_equal(status, STATUS_FORMAT);
    assert_string_equal(err.message, "eur writes a euro sign, and amounts are in PLN");
    assert_string_equal(err.file, "policy.yaml");
    assert_string_equal(err.remedy, "write {passed:money}, which names the currency");
    assert_int_equal(err.line, 17);
    assert_int_equal(err.column, 23);
    close_bank(&b);
}

static void rules_cannot_read_the_score(void **state)
{
    (void)state;
    Error err = refused_with("credits >= 3", "probability >= 0.3");
    assert_non_null(strstr(err.message, "probability"));
    assert_int_equal(err.line, 8);
}

static void what_is_only_monitored_cannot_count_against_a_customer(void **state)
{
    (void)state;
    assert_non_null(strstr(refused_with("credits >= 3", "events >= 3").message, "monitored"));
    assert_non_null(
        strstr(refused_with("evidence: credits", "evidence: events").message, "monitored"));
    assert_non_null(
        strstr(refused_with("exposure >= 100 and", "events >= 100 and").message, "monitored"));
    assert_non_null(
        strstr(refused_with("exposure: inflow", "exposure: events").message, "monitored"));
}

static void a_rule_must_speak_with_the_customers_numbers(void **state)
{
    (void)state;
    Error err = refused_with("{credits:count} credits.", "Many credits.");
    assert_non_null(strstr(err.remedy, "{credits}"));
    assert_int_equal(err.line, 11);
}

static void a_condition_must_be_true_or_false(void **state)
{
    (void)state;
    assert_int_equal(refused_with("credits >= 3", "credits").line, 8);
}

static void costs_that_give_no_order_are_refused(void **state)
{
    (void)state;
    assert_int_equal(refused_with("monitor: 0.15", "monitor: 0.5").line, 3);
    assert_non_null(strstr(refused_with("review: 0.40", "review: 0.9").message, "out of order"));
    assert_non_null(
        strstr(refused_with("missed_risk: 1", "missed_risk: 0").message, "missed_risk"));
    assert_non_null(strstr(refused_with("wrong_exit: 4", "wrong_exit: -4").message, "wrong_exit"));
}

static void capacity_and_guarantee_must_make_sense(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } bad[] = {
        {"version: 1\ncapacity: {reviews: 0}", "at least 1"},
        {"version: 1\ncapacity: {reviews: -3}", "at least 1"},
        {"version: 1\ncapacity: {reviews: 2.5}", "whole number"},
        {"version: 1\ncapacity: {per: week}", "reviews"},
        {"version: 1\ncertify: {precision: 1.2, confidence: 0.95}", "above 0 and at most 1"},
        {"version: 1\ncertify: {precision: 0, confidence: 0.95}", "above 0 and at most 1"},
        {"version: 1\ncertify: {precision: 0.8, confidence: 95}", "from 0.5 to 1"},
        {"version: 1\ncertify: {precision: 0.8, confidence: 0.1}", "from 0.5 to 1"},
        {"version: 1\ncertify: {precision: 0.8}", "confidence"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Error err = refused_with("version: 1", bad[i].line);
        if (strstr(err.message, bad[i].says) == NULL)
            fail_msg("`%s`: %s", bad[i].line, err.message);
        assert_int_equal(err.line, 2);
    }
}

static void actions_stand_from_the_gravest_down(void **state)
{
    (void)state;
    Error err = refused_with("action: MONITOR", "action: RESTRICT");
    assert_non_null(strstr(err.message, "RESTRICT stands below the milder ENHANCED"));
    assert_non_null(strstr(refused_with("action: MONITOR", "action: RETAIN").message, "RETAIN"));
    (void)refused_with("action: MONITOR", "action: OFFBOARD");
}

static void equal_ids_unknown_keys_and_versions_are_refused(void **state)
{
    (void)state;
    assert_non_null(strstr(refused_with("id: share", "id: passed").message, "two rules"));
    assert_non_null(strstr(refused_with("    next_step:", "    next_stop:").remedy, "next_step"));
    assert_non_null(strstr(refused_with("version: 1", "version: 2").message, "version 2"));
    (void)refused_with("severity: severe", "severity: grave");
}

static void a_feature_may_not_take_a_name_of_the_engine(void **state)
{
    (void)state;
    Bank b;
    Error err = {0};
    read_books(&b, BOOK);
    char text[sizeof features_book + 8];
    const char *at = strstr(features_book, "name: credits");
    (void)snprintf(text, sizeof text, "%.*sname: families%s", (int)(at - features_book),
                   features_book, at + strlen("name: credits"));
    Plan *plan;
    assert_int_equal(plan_read(&plan, &b.keep, str_from(text), "features.yaml", b.schema, &err),
                     STATUS_OK);
    assert_int_equal(policy_read(&b.policy, &b.keep, S(BOOK), "policy.yaml", plan, &err),
                     STATUS_FORMAT);
    assert_string_equal(err.file, "features.yaml");
    assert_non_null(strstr(err.message, "families"));
    close_bank(&b);
}

/* ---- decisions ---- */

static void the_first_action_that_holds_is_taken(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    set_probability(&b, 1, 0.2);
    set_probability(&b, 3, 0.1);
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].action, ACTION_PROPOSE_OFFBOARDING);
    same(b.made[0].because, "2 families, \xE2\x82\xAC"
                            "120.00.");
    assert_int_equal(b.made[1].action, ACTION_MONITOR);
    same(b.made[1].because, "20 %.");
    assert_int_equal(b.made[3].action, ACTION_RETAIN);
    assert_true(b.made[3].because.size > 0);
    assert_int_equal(b.made[0].segment, SEGMENT_HIGH);
    assert_int_equal(b.made[1].segment, SEGMENT_MEDIUM);
    assert_int_equal(b.made[3].segment, SEGMENT_LOW);
    same(segment_name(SEGMENT_LOW), "Low");
    near(b.made[0].exposure, 120, 0);
    close_bank(&b);
}

static void a_bound_belongs_to_the_graver_side(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    set_probability(&b, 3, 0.40);
    set_probability(&b, 2, 0.15);
    decide_all(&b, NULL);
    assert_int_equal(b.made[3].segment, SEGMENT_HIGH);
    assert_int_equal(b.made[3].action, ACTION_ENHANCED_DUE_DILIGENCE);
    assert_int_equal(b.made[2].segment, SEGMENT_MEDIUM);
    assert_int_equal(b.made[2].action, ACTION_MONITOR);
    close_bank(&b);
}

static void a_safeguard_caps_and_says_why(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    decide_all(&b, NULL);
    const Decision *d = &b.made[1];
    assert_int_equal(d->before_safeguards, ACTION_PROPOSE_OFFBOARDING);
    assert_int_equal(d->action, ACTION_ENHANCED_DUE_DILIGENCE);
    same(d->safeguard[0], "Only 1 credit.");
    /* Without events: the score alone asks for a review, the overlay allows only watching;
     * the second safeguard would not have lowered it and is not named. */
    d = &b.made[2];
    assert_true(d->insufficient_data);
    assert_int_equal(d->before_safeguards, ACTION_ENHANCED_DUE_DILIGENCE);
    assert_int_equal(d->action, ACTION_MONITOR);
    assert_int_equal(d->safeguards, 1);
    same(d->safeguard[0], "No behaviour to judge.");
    /* Nothing capped where nothing holds. */
    assert_int_equal(b.made[0].safeguards, 0);
    assert_int_equal(b.made[0].before_safeguards, b.made[0].action);
    close_bank(&b);
}

static void labels_that_contradict_each_other_cap_the_action(void **state)
{
    (void)state;
    static const uint8_t torn[4] = {1, 0, 1, 0};
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].action, ACTION_PROPOSE_OFFBOARDING);
    b.in.contradictory = torn;
    decide_all(&b, NULL);
    const Decision *d = &b.made[0];
    assert_int_equal(d->before_safeguards, ACTION_PROPOSE_OFFBOARDING);
    assert_int_equal(d->action, ACTION_ENHANCED_DUE_DILIGENCE);
    assert_int_equal(d->safeguards, 1);
    same(d->safeguard[0], "This customer carries both labels in the files; settle that first.");
    /* It raises nothing, and is not named where it lowers nothing. */
    assert_int_equal(b.made[2].action, ACTION_MONITOR);
    assert_int_equal(b.made[2].safeguards, 1);
    close_bank(&b);
}

static void one_family_never_proposes_an_exit(void **state)
{
    (void)state;
    Bank b;
    static const Movement one[] = {
        {0, "a", "IN", 90000, 1}, {0, "b", "IN", 1000, 2}, {0, "c", "OUT", 91000, 3}};
    open_bank(&b, BOOK, 1, one, COUNT_OF(one));
    set_probability(&b, 0, 0.99);
    decide_all(&b, NULL);
    const Decision *d = &b.made[0];
    assert_int_equal(d->rules, 2);
    assert_int_equal(d->families, 1);
    assert_int_equal(d->before_safeguards, ACTION_PROPOSE_OFFBOARDING);
    assert_int_equal(d->action, ACTION_ENHANCED_DUE_DILIGENCE);
    assert_int_equal(d->safeguards, 1);
    has(d->safeguard[0], "independent");
    close_bank(&b);
}

static void families_count_once(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].rules, 3);
    assert_int_equal(b.made[0].severe_rules, 2);
    assert_int_equal(b.made[0].families, 2);
    assert_int_equal(b.made[1].rules, 2);
    assert_int_equal(b.made[1].families, 1);
    close_bank(&b);
}

static void unknown_is_false(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    /* Without events the share is missing: neither the rule nor its opposite holds. */
    assert_false(column_valid(table_find(b.in.features, S("share")), 2));
    decide_all(&b, NULL);
    assert_int_equal(b.made[2].rules, 0);
    assert_int_equal(b.made[2].mitigatings, 0);
    assert_int_equal(b.made[3].mitigatings, 1);
    same(b.made[3].mitigating[0], "Only 0 % left.");
    close_bank(&b);
}

static void a_column_that_was_not_computed_is_unknown(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    Table *fewer = table_new(&b.keep, S("features"), b.in.features->rows, b.in.features->columns);
    fewer->columns = 0;
    for (size_t i = 0; i < b.in.features->columns; i++)
        if (!str_equal(b.in.features->column[i].name, S("share")))
            fewer->column[fewer->columns++] = b.in.features->column[i];
    b.in.features = fewer;
    decide_all(&b, NULL);
    assert_null(reason_of(&b.made[0], "share"));
    has(reason_of(&b.made[0], "passed")->sentence, "(unknown)");
    close_bank(&b);
}

static void sentences_carry_the_customers_own_numbers(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    decide_all(&b, NULL);
    const Reason *r = reason_of(&b.made[1], "passed");
    same(r->sentence, "\xE2\x82\xAC"
                      "900.00 of \xE2\x82\xAC"
                      "1,000.00 (90 %) left within a day.");
    same(r->also, "Or 90 % was saved.");
    same(r->missing_proof, "The origin is not yet known.");
    same(r->next_step, "Ask.");
    same(r->window, "all");
    same(r->feature, "passed");
    same(r->value, "\xE2\x82\xAC"
                   "900.00");
    same(r->severity, "severe");
    same(r->family, "flow");
    assert_int_equal(r->source, REASON_RULE);
    close_bank(&b);
}

static void evidence_is_the_transactions_in_time_order(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    decide_all(&b, NULL);
    /* Ids are not in time order, and the last outflow came too late to be matched. */
    const Reason *r = reason_of(&b.made[0], "passed");
    static const char *const matched[] = {"t-2", "t-1", "t-3", "t-0"};
    assert_int_equal(r->transactions, 4);
    for (size_t i = 0; i < 4; i++)
        same(r->transaction[i], matched[i]);
    r = reason_of(&b.made[0], "credits");
    assert_int_equal(r->transactions, 3);
    same(r->transaction[2], "t-3");
    close_bank(&b);
}

static void severe_rules_come_first_then_supporting_then_the_model(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    contributions(&b, 0)[0] = 0.4;
    decide_all(&b, NULL);
    static const char *const order[] = {"passed", "share", "credits", "early_share"};
    assert_int_equal(b.made[0].reasons, 4);
    for (size_t i = 0; i < 4; i++)
        same(b.made[0].reason[i].code, order[i]);
    close_bank(&b);
}

static void model_reasons_are_the_main_pushes_grouped_by_feature(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    double *c = contributions(&b, 1);
    c[0] = 0.405, c[1] = 0.7, c[2] = -0.2, c[3] = -1;
    c = contributions(&b, 3);
    c[0] = 0.05, c[1] = 0.3, c[2] = -0.3; /* too small, and in balance */
    decide_all(&b, NULL);
    const Decision *d = &b.made[1];
    const Reason *first = reason_of(d, "reason"), *second = reason_of(d, "early_share");
    assert_true(first != NULL && second == first + 1);
    near(first->contribution, 0.5, 1e-15);
    same(first->sentence, "Declared reason: CRYPTO (raises the log-odds by 0.50).");
    same(first->window, "profile");
    assert_int_equal(first->transactions, 0);
    assert_int_equal(first->source, REASON_MODEL);
    assert_int_equal(first->severity.size, 0);
    same(second->sentence, "Share gone in a day: 90 % (raises the log-odds by 0.41).");
    same(second->window, "first 14d");
    assert_int_equal(second->transactions, 2);
    same(second->transaction[1], "u-2");
    for (size_t i = 0; i < b.made[3].reasons; i++)
        assert_int_equal(b.made[3].reason[i].source, REASON_RULE);
    close_bank(&b);
}

static void contributions_sum_to_the_log_odds(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    Random random = random_new(3);
    for (size_t i = 0; i < 4; i++) {
        double sum = 0;
        for (size_t k = 0; k < 4; k++)
            sum += contributions(&b, i)[k] = random_normal(&random);
        set_probability(&b, i, stable_sigmoid(sum));
    }
    decide_all(&b, NULL);
    for (size_t i = 0; i < 4; i++) {
        double sum = 0;
        assert_int_equal(b.made[i].contributions, 4);
        for (size_t k = 0; k < b.made[i].contributions; k++)
            sum += b.made[i].contribution[k];
        near(sum, stable_logit(b.made[i].probability), 1e-12);
        assert_ptr_not_equal(b.made[i].contribution, contributions(&b, i));
    }
    close_bank(&b);
}

static void a_score_that_is_not_a_number_is_an_error(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -0.1, 1.1};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Bank b;
        Error err = {0};
        open_bank(&b, BOOK, 4, four, COUNT_OF(four));
        set_probability(&b, 3, bad[i]);
        assert_int_equal(policy_decide(&b.made, &b.keep, b.scratch, b.policy, &b.in, NULL, &err),
                         STATUS_DATA);
        assert_non_null(strstr(err.message, "customer-0003"));
        close_bank(&b);
    }
}

static void an_unknown_interval_and_infinite_pushes_do_no_harm(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b,
              COSTS RULES "actions:\n"
                          "  - action: MONITOR\n"
                          "    when: probability_low >= 0\n"
                          "    because: \"{probability_low:percent}\"\n",
              4, four, COUNT_OF(four));
    double *low = (double *)(uintptr_t)b.in.probability_low;
    low[0] = NAN;
    contributions(&b, 0)[0] = INFINITY;
    contributions(&b, 1)[0] = NAN;
    contributions(&b, 1)[1] = 1e300;
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].action, ACTION_RETAIN);
    assert_int_equal(b.made[1].action, ACTION_MONITOR);
    assert_null(reason_of(&b.made[0], "early_share"));
    assert_non_null(reason_of(&b.made[1], "reason"));
    close_bank(&b);
}

static void retain_has_its_own_sentence(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK "otherwise: \"Only {probability:percent}.\"\n", 4, four, COUNT_OF(four));
    set_probability(&b, 2, 0.01);
    set_probability(&b, 3, 0.02);
    decide_all(&b, NULL);
    same(b.made[2].because, "Nothing is on record.");
    same(b.made[3].because, "Only 2.0 %.");
    close_bank(&b);
}

/* ---- the list ---- */

static void the_list_is_ranked_by_support(void **state)
{
    (void)state;
    const Action P = ACTION_PROPOSE_OFFBOARDING;
    Outcome d[] = {
        {.id = S("f"), .action = P, .families = 2, .severe_rules = 1, .probability = .9},
        {.id = S("x"), .action = ACTION_RESTRICT, .families = 9, .probability = 1},
        {.id = S("a"), .action = P, .families = 3, .severe_rules = 1, .probability = .5},
        {.id = S("b"), .action = P, .families = 2, .severe_rules = 2, .probability = .5},
        {.id = S("e"),
         .action = P,
         .families = 2,
         .severe_rules = 1,
         .probability = .9,
         .exposure = 5},
        {.id = S("g"),
         .action = P,
         .families = 2,
         .severe_rules = 1,
         .probability = .8,
         .exposure = 9},
        {.id = S("d"),
         .action = P,
         .families = 2,
         .severe_rules = 1,
         .probability = .9,
         .exposure = 5},
        {.id = S("h"), .action = P, .documented = true}, /* a criterion that stands by itself */
    };
    static const uint32_t want[] = {7, 2, 3, 6, 4, 0, 5};
    uint32_t order[COUNT_OF(d)];
    assert_int_equal(policy_rank(order, d, COUNT_OF(d)), COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_int_equal(order[i], want[i]);
}

/* ---- determinism ---- */

static void without_contributions_the_action_is_the_same_and_nothing_is_explained(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    for (size_t i = 0; i < 4; i++)
        set_probability(&b, i, 0.25 + 0.2 * (double)i);
    decide_all(&b, NULL);
    const Decision *explained = b.made;
    b.in.contribution = NULL;
    decide_all(&b, NULL);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(b.made[i].action, explained[i].action);
        assert_int_equal(b.made[i].before_safeguards, explained[i].before_safeguards);
        assert_int_equal(b.made[i].segment, explained[i].segment);
        assert_int_equal(b.made[i].families, explained[i].families);
        assert_int_equal(b.made[i].reasons, 0);
        assert_int_equal(b.made[i].contributions, 0);
    }
    assert_true(explained[0].reasons > 0);
    b.in.matrix = NULL;
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].action, explained[0].action);
    close_bank(&b);
}

static void outcomes_are_the_numbers_of(Bank *b, Team *team)
{
    Error err = {0};
    Outcome *outcome;
    size_t *fired, rules = 0, counted = 0;
    RuleView *rule;
    size_t count = policy_rules(b->policy, &b->keep, &rule);
    assert_int_equal(
        policy_outcomes(&outcome, &fired, &b->keep, b->scratch, b->policy, &b->in, team, &err),
        STATUS_OK);
    for (size_t i = 0; i < b->in.count; i++) {
        const Decision *d = &b->made[i];
        const Outcome *o = &outcome[i];
        assert_true(str_equal(o->id, d->id));
        assert_true(o->margin == d->margin && o->probability == d->probability);
        assert_true(o->probability_low == d->probability_low);
        assert_true(o->probability_high == d->probability_high && o->exposure == d->exposure);
        assert_int_equal(o->segment, d->segment);
        assert_int_equal(o->segment_by_score, d->segment_by_score);
        assert_int_equal(o->action, d->action);
        assert_int_equal(o->before_safeguards, d->before_safeguards);
        assert_int_equal(o->insufficient_data, d->insufficient_data);
        assert_int_equal(o->rules, d->rules);
        assert_int_equal(o->severe_rules, d->severe_rules);
        assert_int_equal(o->families, d->families);
        assert_int_equal(o->near_miss, d->near_miss.size > 0);
        rules += d->rules;
    }
    for (size_t k = 0; k < count; k++) {
        size_t with = 0;
        for (size_t i = 0; i < b->in.count; i++)
            with += reason_of(&b->made[i], str_chars(&b->keep, rule[k].id)) != NULL;
        assert_int_equal(fired[k], with);
        counted += fired[k];
    }
    assert_int_equal(counted, rules);
    assert_true(counted > 0);
}

static void any_number_of_threads_decides_alike(void **state)
{
    (void)state;
    enum { CUSTOMERS = 3000 };
    Arena arena = arena_new();
    Random random = random_new(11);
    Movement *m = ARENA_ARRAY(&arena, Movement, CUSTOMERS * 6);
    size_t count = 0;
    for (size_t i = 0; i < CUSTOMERS; i++) {
        int hour = 0;
        for (uint64_t k = random_below(&random, 7); k > 0; k--) {
            hour += (int)random_below(&random, 30);
            m[count] = (Movement){i, str_chars(&arena, str_format(&arena, "x%zu", count)),
                                  random_below(&random, 2) == 0 ? "IN" : "OUT",
                                  (int64_t)random_below(&random, 50000), hour};
            count++;
        }
    }
    Bank b;
    open_bank(&b, BOOK, CUSTOMERS, m, count);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        set_probability(&b, i, random_uniform(&random));
        for (size_t k = 0; k < 4; k++)
            contributions(&b, i)[k] = random_normal(&random);
    }
    Str want = S("");
    static const size_t threads[] = {1, 2, 8};
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        Team *team = team_new(threads[i]);
        decide_all(&b, team);
        Str got = printed(&arena, b.made, CUSTOMERS);
        outcomes_are_the_numbers_of(&b, team);
        if (i == 0)
            want = got;
        else
            assert_true(str_equal(want, got));
        /* The first customer at fault is the one reported, whoever met one first. */
        Error err = {0};
        double before[] = {b.in.probability[700], b.in.probability[2900]};
        set_probability(&b, 2900, NAN);
        set_probability(&b, 700, NAN);
        Decision *none;
        assert_int_equal(policy_decide(&none, &b.keep, b.scratch, b.policy, &b.in, team, &err),
                         STATUS_DATA);
        assert_non_null(strstr(err.message, "customer-0700"));
        Outcome *nothing;
        err = (Error){0};
        assert_int_equal(
            policy_outcomes(&nothing, NULL, &b.keep, b.scratch, b.policy, &b.in, team, &err),
            STATUS_DATA);
        assert_non_null(strstr(err.message, "customer-0700"));
        set_probability(&b, 700, before[0]);
        set_probability(&b, 2900, before[1]);
        team_free(team);
    }
    size_t actions[ACTIONS] = {0};
    for (size_t i = 0; i < CUSTOMERS; i++)
        actions[b.made[i].action]++;
    assert_true(actions[ACTION_PROPOSE_OFFBOARDING] > 20 && actions[ACTION_RETAIN] > 20);
    close_bank(&b);
    arena_free(&arena);
}

static void a_customer_is_decided_alike_alone_and_among_others(void **state)
{
    (void)state;
    Bank b;
    open_bank(&b, BOOK, 4, four, COUNT_OF(four));
    contributions(&b, 1)[0] = 0.7;
    decide_all(&b, NULL);
    Str want = printed(&b.keep, &b.made[1], 1);
    PolicyInputs all = b.in;
    b.in.count = 1;
    b.in.row = all.row + 1;
    b.in.margin = all.margin + 1;
    b.in.probability = all.probability + 1;
    b.in.probability_low = all.probability_low + 1;
    b.in.probability_high = all.probability_high + 1;
    b.in.contribution = all.contribution + 4;
    b.in.matrix = matrix_new(&b.keep, 1, 3);
    decide_all(&b, NULL);
    assert_true(str_equal(want, printed(&b.keep, b.made, 1)));
    close_bank(&b);
}

/* ---- the default book ---- */

static Plan *default_plan(Arena *keep)
{
    Error err = {0};
    Schema *schema;
    Plan *plan = NULL;
    if (schema_default(&schema, keep, &err) != STATUS_OK ||
        plan_read(&plan, keep, book_default_text("features"), "features.yaml", schema, &err) !=
            STATUS_OK)
        fail_msg("%s:%lld: %s", err.file, (long long)err.line, err.message);
    return plan;
}

static void the_default_book_reads_against_the_default_features(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Error err = {0};
    Policy *p;
    if (policy_read(&p, &keep, book_default_text("policy"), "policy.yaml", default_plan(&keep),
                    &err) != STATUS_OK)
        fail_msg("%s:%lld:%lld: %s (%s)", err.file, (long long)err.line, (long long)err.column,
                 err.message, err.remedy);
    Thresholds t = policy_thresholds(p);
    near(t.medium, 0.15, 1e-15);
    near(t.high, 0.40, 1e-15);
    near(t.offboarding, 0.80, 1e-15);
    RuleView *rule;
    size_t rules = policy_rules(p, &keep, &rule), severe = 0;
    for (size_t i = 0; i < rules; i++)
        severe += str_equal(rule[i].severity, S("severe"));
    assert_true(rules >= 6 && severe >= 3);
    arena_free(&keep);
}

static void the_default_book_accuses_nobody_and_leans_on_no_refuted_sign(void **state)
{
    (void)state;
    static const char *const words[] = {"fraud",         "mule",       "criminal",
                                        "launder",       "suspicious", "guilt",
                                        "failed_top_up", "declined",   "night"};
    Str text = book_default_text("policy");
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_contains(text, str_from(words[i])))
            fail_msg("the book says \"%s\"", words[i]);
}

static void rules_that_read_the_same_transactions_share_a_family(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Error err = {0};
    Policy *p;
    RuleView *rule;
    assert_int_equal(policy_read(&p, &keep, book_default_text("policy"), "policy.yaml",
                                 default_plan(&keep), &err),
                     STATUS_OK);
    size_t rules = policy_rules(p, &keep, &rule), through = 0;
    for (size_t i = 0; i < rules; i++) {
        bool reads = str_contains(rule[i].condition, S("24h")) ||
                     str_contains(rule[i].condition, S("6h")) ||
                     str_contains(rule[i].condition, S("72h"));
        assert_int_equal(reads, str_equal(rule[i].family, S("pass_through")));
        through += reads;
    }
    assert_int_equal(through, 4);
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds_follow_from_costs),
        cmocka_unit_test(costs_make_the_whole_matrix),
        cmocka_unit_test(capacity_and_guarantee_are_read_or_have_their_defaults),
        cmocka_unit_test(capacity_and_guarantee_must_make_sense),
        cmocka_unit_test(views_show_the_book_as_written),
        cmocka_unit_test(unknown_feature_in_a_rule_gives_line_and_nearest_name),
        cmocka_unit_test(unknown_feature_in_a_sentence_or_as_evidence_is_refused),
        cmocka_unit_test(a_euro_sign_is_refused_where_amounts_are_in_another_currency),
        cmocka_unit_test(rules_cannot_read_the_score),
        cmocka_unit_test(what_is_only_monitored_cannot_count_against_a_customer),
        cmocka_unit_test(a_rule_must_speak_with_the_customers_numbers),
        cmocka_unit_test(a_condition_must_be_true_or_false),
        cmocka_unit_test(costs_that_give_no_order_are_refused),
        cmocka_unit_test(actions_stand_from_the_gravest_down),
        cmocka_unit_test(equal_ids_unknown_keys_and_versions_are_refused),
        cmocka_unit_test(a_feature_may_not_take_a_name_of_the_engine),
        cmocka_unit_test(the_first_action_that_holds_is_taken),
        cmocka_unit_test(a_bound_belongs_to_the_graver_side),
        cmocka_unit_test(a_safeguard_caps_and_says_why),
        cmocka_unit_test(labels_that_contradict_each_other_cap_the_action),
        cmocka_unit_test(one_family_never_proposes_an_exit),
        cmocka_unit_test(families_count_once),
        cmocka_unit_test(unknown_is_false),
        cmocka_unit_test(a_column_that_was_not_computed_is_unknown),
        cmocka_unit_test(sentences_carry_the_customers_own_numbers),
        cmocka_unit_test(evidence_is_the_transactions_in_time_order),
        cmocka_unit_test(severe_rules_come_first_then_supporting_then_the_model),
        cmocka_unit_test(model_reasons_are_the_main_pushes_grouped_by_feature),
        cmocka_unit_test(contributions_sum_to_the_log_odds),
        cmocka_unit_test(a_score_that_is_not_a_number_is_an_error),
        cmocka_unit_test(an_unknown_interval_and_infinite_pushes_do_no_harm),
        cmocka_unit_test(retain_has_its_own_sentence),
        cmocka_unit_test(the_list_is_ranked_by_support),
        cmocka_unit_test(without_contributions_the_action_is_the_same_and_nothing_is_explained),
        cmocka_unit_test(any_number_of_threads_decides_alike),
        cmocka_unit_test(a_customer_is_decided_alike_alone_and_among_others),
        cmocka_unit_test(the_default_book_reads_against_the_default_features),
        cmocka_unit_test(the_default_book_accuses_nobody_and_leans_on_no_refuted_sign),
        cmocka_unit_test(rules_that_read_the_same_transactions_share_a_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
