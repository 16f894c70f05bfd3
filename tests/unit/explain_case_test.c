/* A customer's case, on a made-up bank with a few customers whose figures are worked out by hand.
 */
#include "explain/explain.h"
#include "record/record.h"
#include "report/report.h"
#include "store/store.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "made_up_run.h"

#define HOSTILE_REASON "<img src=x onerror=alert(1)>\x1b[31m\xE2\x80\xAE"
#define PROTECTED      "ZZ-NEVER-SHOWN"

typedef struct Fixture {
    Arena arena;
    Run *run;
    Messages *words;
} Fixture;

static void row(Buffer *b, const char *id, const char *customer, const char *state,
                const char *type, const char *amount, const char *direction, const char *completed,
                const char *created)
{
    buffer_format(b, "%s,%s,%s,%s,%s,EUR,%s,%s,%s\n", id, customer, state, type, amount, direction,
                  completed, created);
}

/* 100 and 50 come in; 120 leaves after 10 hours (100 of the first, 20 of the second), 40 after 23
 * (30 of the second, and 10 that nothing was there for); 10 leave when nothing is left. */
static void worked_example(Buffer *customers, Buffer *t)
{
    const char *c = "CASE-1";
    buffer_format(customers, "%s," PROTECTED ",TRUE,CRYPTO,COMPLETED\n", c);
    row(t, "a1", c, "PENDING", "BANK_TRANSFER", "100.00", "IN", "", "2024-05-01 10:00:00");
    row(t, "a1", c, "COMPLETED", "BANK_TRANSFER", "100.00", "IN", "2024-05-01 10:00:00",
        "2024-05-01 10:00:00");
    row(t, "a2", c, "COMPLETED", "BANK_TRANSFER", "50.00", "IN", "2024-05-01 12:00:00",
        "2024-05-01 12:00:00");
    row(t, "b1", c, "COMPLETED", "CARDS", "120.00", "OUT", "2024-05-01 20:00:01",
        "2024-05-01 20:00:00");
    row(t, "b2", c, "PENDING", "BANK_TRANSFER", "45.00", "OUT", "", "2024-05-02 11:00:00");
    row(t, "b2", c, "COMPLETED", "BANK_TRANSFER", "40.00", "OUT", "2024-05-02 11:00:01",
        "2024-05-02 11:00:00");
    row(t, "c1", c, "FAILED", "CARD_TOP_UP", "70.00", "IN", "2024-05-03 09:00:00",
        "2024-05-03 10:00:00");
    row(t, "b3", c, "COMPLETED", "CRYPTO_ON_RAMP", "10.00", "OUT", "2024-05-06 09:00:01",
        "2024-05-06 09:00:00");
    row(t, "f1", c, "COMPLETED", "PROCESSING_FEE", "1.00", "OUT", "2024-05-06 09:10:01",
        "2024-05-06 09:10:00");
    row(t, "bad", c, "COMPLETED", "CARDS", "not a number", "OUT", "", "2024-05-06 09:20:00");
}

static void many_events(Buffer *customers, Buffer *t)
{
    char id[32], at[64], done[64];
    buffer_add(customers, S("CASE-2,FR,TRUE,CRYPTO,COMPLETED\n"));
    for (int i = 0; i < 500; i++) {
        (void)snprintf(id, sizeof id, "m%03d", i);
        (void)snprintf(at, sizeof at, "2024-03-%02d %02d:%02d:00", 1 + i / 25, i % 24, i % 60);
        (void)snprintf(done, sizeof done, "2024-03-%02d %02d:%02d:01", 1 + i / 25, i % 24, i % 60);
        row(t, id, "CASE-2", "COMPLETED", i % 2 == 0 ? "BANK_TRANSFER" : "CARDS",
            i % 2 == 0 ? "10.00" : "9.00", i % 2 == 0 ? "IN" : "OUT", done, at);
    }
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    Error err = {0};
    f->arena = arena_new();
    Arena *keep = &f->arena;
    DatasetInputs inputs = made_up_inputs(keep);
    Buffer customers = buffer_new(keep);
    buffer_add(&customers, *inputs.score_customers.item[0].bytes);
    Arena other = arena_new(); /* buffers grow in ranges of their own */
    Buffer transactions = buffer_new(&other);
    buffer_add(&transactions, *inputs.score_transactions.item[0].bytes);
    worked_example(&customers, &transactions);
    many_events(&customers, &transactions);
    buffer_add(&customers, S("CASE-3,FR,TRUE," HOSTILE_REASON ",COMPLETED\n"));
    Str text[2] = {str_copy(keep, buffer_str(&customers)),
                   str_copy(keep, buffer_str(&transactions))};
    InputFile file[2] = {{"new.csv", &text[0]}, {"new_tx.csv", &text[1]}};
    inputs.score_customers = (InputFiles){&file[0], 1};
    inputs.score_transactions = (InputFiles){&file[1], 1};
    f->run = made_up_run(keep, &inputs);
    made_up_ok(messages_read(&f->words, keep, book_default_text("messages"), "messages", &err),
               &err);
    made_up_ok(policy_translate((Policy *)(uintptr_t)f->run->policy, keep, f->words, NULL, &err),
               &err);
    ((Bundle *)(uintptr_t)f->run->bundle)->messages = f->words;
    arena_free(&other);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    arena_free(&f->arena);
    free(f);
    return 0;
}

static Case *case_in(Fixture *f, const char *id, Language language)
{
    const Run *run = f->run;
    Error err = {0};
    Case *c;
    Decision *made;
    Arena scratch = arena_new();
    size_t customer, position = 0;
    assert_true(explain_find(&customer, run->data, str_from(id)));
    while (position < run->scored->count && run->scored->row[position] != customer)
        position++;
    assert_true(position < run->scored->count);
    Scored *scored = ARENA_NEW(&f->arena, Scored);
    *scored = *run->scored;
    scored->options.language = language;
    const uint32_t at = (uint32_t)position;
    made_up_ok(score_decide(&made, &f->arena, scratch, run->bundle, scored, &at, 1, NULL, &err),
               &err);
    const CaseInputs inputs = {.bundle = run->bundle,
                               .data = run->data,
                               .scored = scored,
                               .position = position,
                               .decision = made,
                               .words = f->words};
    made_up_ok(explain_case(&c, &f->arena, scratch, &inputs, &err), &err);
    arena_free(&scratch);
    return c;
}

static Case *case_of(void **state, const char *id)
{
    return case_in(*state, id, LANGUAGE_ENGLISH);
}

static void equal(Str seen, const char *expected)
{
    if (!str_equal(seen, str_from(expected)))
        fail_msg("expected `%s`, got `%.*s`", expected, STR_ARG(seen));
}

static const CaseWarning *warning(const Case *c, const char *code)
{
    for (size_t i = 0; i < c->warnings; i++)
        if (str_equal(c->warning[i].code, str_from(code)))
            return &c->warning[i];
    return NULL;
}

/* ---- the worked example ---- */

static void case_adds_up_what_the_book_counts_as_money(void **state)
{
    const Case *c = case_of(state, "CASE-1");
    assert_int_equal(c->scale, 2);
    assert_int_equal(c->events, 7);
    assert_int_equal(c->total_in, 15000);
    assert_int_equal(c->total_out, 17000);
    assert_int_equal(c->counted_in, 2);
    assert_int_equal(c->counted_out, 3);
}

static void lots_match_the_example_worked_out_by_hand(void **state)
{
    static const struct {
        const char *in, *out;
        int64_t amount, hours;
    } expected[] = {{"a1", "b1", 10000, 10}, {"a2", "b1", 2000, 8}, {"a2", "b2", 3000, 23}};
    const Case *c = case_of(state, "CASE-1");
    equal(c->flow_feature, "gone_24h");
    assert_int_equal(c->all_lots, COUNT_OF(expected));
    assert_int_equal(c->lots, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        equal(c->lot[i].in_id, expected[i].in);
        equal(c->lot[i].out_id, expected[i].out);
        assert_int_equal(c->lot[i].amount, expected[i].amount);
        assert_int_equal(c->lot[i].lag_us, expected[i].hours * HOUR_US);
    }
    assert_int_equal(c->matched, 15000);
    equal(c->event[1].id, "a2");
    assert_int_equal(c->event[1].matched, 5000);
    equal(c->event[3].id, "b2");
    assert_int_equal(c->event[3].matched, 3000);
}

static void events_know_the_reason_that_rests_on_them(void **state)
{
    const Case *c = case_of(state, "CASE-1");
    equal(c->decision->reason[0].code, "gone_within_24h");
    assert_int_equal(c->event[0].reason, 1);
    equal(c->event[4].id, "c1");
    for (size_t i = 0; i < c->decision->reasons; i++)
        for (size_t k = 0; k < c->decision->reason[i].transactions; k++)
            if (str_equal(c->decision->reason[i].transaction[k], S("c1")))
                assert_true(c->event[4].reason > 0 && c->event[4].reason <= i + 1);
}

static void mixes_and_periods_sum_to_the_totals(void **state)
{
    static const char *const id[] = {"CASE-1", "CASE-2"};
    for (size_t n = 0; n < COUNT_OF(id); n++) {
        const Case *c = case_of(state, id[n]);
        const CaseMixes *mixes[] = {&c->kinds, &c->states};
        for (size_t k = 0; k < COUNT_OF(mixes); k++) {
            size_t events = 0;
            int64_t in = 0, out = 0;
            for (size_t i = 0; i < mixes[k]->count; i++) {
                events += mixes[k]->item[i].events;
                in += mixes[k]->item[i].in;
                out += mixes[k]->item[i].out;
            }
            assert_int_equal(events, c->events);
            assert_int_equal(in, c->total_in);
            assert_int_equal(out, c->total_out);
        }
        size_t events = 0;
        int64_t in = 0, out = 0;
        for (size_t i = 0; i < c->periods; i++) {
            events += c->period[i].events;
            in += c->period[i].in;
            out += c->period[i].out;
        }
        assert_int_equal(events, c->events);
        assert_int_equal(in, c->total_in);
        assert_int_equal(out, c->total_out);
    }
}

static void kinds_hold_attempts_that_moved_nothing_beside_money(void **state)
{
    const Case *c = case_of(state, "CASE-1");
    equal(c->kind_column, "type");
    equal(c->kinds.item[0].name, "BANK_TRANSFER");
    assert_int_equal(c->kinds.item[0].events, 3);
    assert_int_equal(c->kinds.item[0].in, 15000);
    assert_int_equal(c->kinds.item[0].out, 4000);
    for (size_t i = 0; i < c->kinds.count; i++)
        if (str_equal(c->kinds.item[i].name, S("CARD_TOP_UP"))) {
            assert_int_equal(c->kinds.item[i].amount, 7000);
            assert_int_equal(c->kinds.item[i].in, 0);
        }
}

static void periods_are_days_of_a_short_history(void **state)
{
    const Case *c = case_of(state, "CASE-1");
    assert_int_equal(c->period_us, DAY_US);
    assert_int_equal(c->periods, 6);
    assert_int_equal(c->period[0].in, 15000);
    assert_int_equal(c->period[0].out, 12000);
    assert_int_equal(c->period[3].events, 0);
    assert_int_equal(c->period[5].out, 1000);
}

static void rows_of_this_customer_are_doubted(void **state)
{
    const Case *c = case_of(state, "CASE-1");
    const CaseWarning *w = warning(c, "transaction_versions");
    assert_non_null(w);
    assert_int_equal(w->count, 2);
    w = warning(c, "amount_changed");
    assert_non_null(w);
    assert_int_equal(w->count, 1);
    w = warning(c, "completed_before_created");
    assert_non_null(w);
    assert_int_equal(w->count, 1);
    assert_int_equal(w->places, 1);
    assert_true(str_starts(w->place[0], S("new_tx.csv:")));
    w = warning(c, "quarantined_rows");
    assert_non_null(w);
    assert_int_equal(w->count, 1);
    assert_null(warning(c, "contradictory_label"));
    assert_null(warning(case_of(state, "CASE-2"), "completed_before_created"));
}

static void contradictory_labels_are_doubted(void **state)
{
    assert_non_null(warning(case_of(state, "L-both"), "contradictory_label"));
}

/* ---- what may be shown ---- */

static void protected_columns_are_counted_and_never_shown(void **state)
{
    Fixture *f = *state;
    const Case *c = case_of(state, "CASE-1");
    assert_int_equal(c->hidden, 1);
    for (size_t i = 0; i < c->fields; i++)
        assert_false(str_equal(c->field[i].name, S("country_of_residence")));
    Str page = report_dossier(&f->arena, c, NULL, S("1"), f->run->bundle);
    Str json = record_case(&f->arena, c, NULL, S("1"), f->run->bundle);
    assert_false(str_contains(page, S(PROTECTED)));
    assert_false(str_contains(json, S(PROTECTED)));
    assert_true(str_contains(page, S("kyc_state"))); /* the record is shown */
    assert_true(str_contains(json, S("kyc_state")));
}

static void what_was_declared_is_told_from_the_rest_of_the_record(void **state)
{
    const Case *c = case_of(state, "CASE-1");
    size_t declared = 0;
    for (size_t i = 0; i < c->fields; i++)
        if (c->field[i].declared) {
            declared++;
            equal(c->field[i].name, "reason_to_use_app");
            equal(c->field[i].value, "CRYPTO");
        }
    assert_int_equal(declared, 1);
    bool holds = false;
    for (size_t i = 0; i < c->comparisons; i++)
        if (str_equal(c->comparison[i].feature, S("crypto_without_reason")))
            holds = c->comparison[i].holds; /* CRYPTO is not one of the book's two reasons */
    assert_true(holds);
    assert_int_equal(c->holding, 1);
}

static void pushes_sum_to_the_score(void **state)
{
    const Case *c = case_of(state, "CASE-1");
    double sum = c->push_start;
    for (size_t i = 0; i < c->pushes; i++) {
        sum += c->push[i].value;
        assert_true(i == 0 || fabs(c->push[i].value) <= fabs(c->push[i - 1].value));
    }
    assert_true(c->pushes > 0);
    assert_true(fabs(sum - stable_logit(c->decision->probability)) < 1e-9);
}

static void case_is_bounded_and_says_how_much_it_leaves_out(void **state)
{
    const Case *c = case_of(state, "CASE-2");
    assert_int_equal(c->events, 500);
    assert_int_equal(c->shown, CASE_EVENTS_MAX);
    assert_int_equal(c->total_in, 250000);
    assert_true(c->all_lots >= c->lots);
    for (size_t i = 1; i < c->shown; i++)
        assert_true(c->event[i - 1].at_us <= c->event[i].at_us);
    size_t behind = 0; /* none of those behind a reason gives way to one that is not */
    for (size_t i = 0; i < c->shown; i++)
        behind += c->event[i].reason > 0;
    size_t most = 0;
    for (size_t i = 0; i < c->decision->reasons; i++)
        if (c->decision->reason[i].transactions > most)
            most = c->decision->reason[i].transactions;
    assert_true(behind >= (most < CASE_EVENTS_MAX ? most : CASE_EVENTS_MAX));
}

static void customer_without_transactions_has_a_case_too(void **state)
{
    Fixture *f = *state;
    const Case *c = case_of(state, "CASE-3");
    assert_int_equal(c->events, 0);
    assert_int_equal(c->periods, 0);
    assert_int_equal(c->kinds.count, 0);
    assert_true(c->first_us == NO_TIME);
    assert_true(c->decision->insufficient_data);
    Str page = report_dossier(&f->arena, c, NULL, S("1"), f->run->bundle);
    assert_true(str_contains(page, S("No transaction is on record.")));
}

/* ---- hostile texts ---- */

static void page_escapes_what_files_say(void **state)
{
    Fixture *f = *state;
    Str page = report_dossier(&f->arena, case_of(state, "CASE-3"), NULL, S("1"), f->run->bundle);
    assert_false(str_contains(page, S("<img")));
    assert_true(str_contains(page, S("&lt;img src=x onerror=alert(1)&gt;")));
    assert_false(str_contains(page, S("\x1b")));
    assert_false(str_contains(page, S("\xE2\x80\xAE")));
    page = report_dossier(&f->arena, case_of(state, HOSTILE_HTML), NULL, S("1"), f->run->bundle);
    assert_false(str_contains(page, S("<script>alert")));
    page = report_dossier(&f->arena, case_of(state, HOSTILE_QUOTES), NULL, S("1"), f->run->bundle);
    assert_false(str_contains(page, S("c&d<e>")));
}

static size_t place_of(Str page, const char *part)
{
    const char *at = memmem(page.data, page.size, part, strlen(part));
    if (at == NULL)
        fail_msg("the page lacks `%s`", part);
    return (size_t)(at - page.data);
}

static void page_shows_the_score_after_the_evidence(void **state)
{
    Fixture *f = *state;
    const Case *c = case_of(state, "CASE-1");
    Str page = report_dossier(&f->arena, c, NULL, S("1"), f->run->bundle);
    size_t score = place_of(page, ">Score<");
    assert_true(place_of(page, "id=\"money\"") < score);
    assert_true(place_of(page, "id=\"reasons\"") < score);
    assert_true(place_of(page, "id=\"doubts\"") < score);
    Str action = action_name(c->decision->action);
    assert_true(place_of(page, str_chars(&f->arena, action)) > score);
    assert_false(str_contains(page, S("https:")));
    assert_false(str_contains(page, S("http:")));
}

static void case_is_in_french_when_asked(void **state)
{
    Fixture *f = *state;
    const Case *c = case_in(f, "CASE-1", LANGUAGE_FRENCH);
    Str page = report_dossier(&f->arena, c, NULL, S("1"), f->run->bundle);
    assert_true(str_contains(page, S("Ce qui ressort")));
    assert_true(str_contains(page, S("<html lang=\"fr\">")));
    static const char *const english[] = {">What stands out<", "Money in",   "Money out",
                                          "Milder measures",   "Kinds of",   "Doubts about",
                                          "transactions",      "Next step:", "Missing proof:",
                                          "no cohort",         "rows of"};
    const char *script = memmem(page.data, page.size, "<script>", 8);
    const char *main = memmem(page.data, page.size, "<main", 5);
    assert_non_null(script);
    assert_non_null(main);
    Str text = {main, (size_t)(script - main)};
    for (size_t i = 0; i < COUNT_OF(english); i++) {
        Str part = str_from(english[i]);
        bool id = str_equal(part, S("transactions")); /* ids of sections stay */
        const char *at = memmem(text.data, text.size, part.data, part.size);
        while (id && at != NULL && at[-1] == '"')
            at = memmem(at + 1, text.size - (size_t)(at + 1 - text.data), part.data, part.size);
        if (at != NULL)
            fail_msg("English in a French page: `%.*s`", 60, at);
    }
    assert_true(str_contains(warning(c, "amount_changed")->sentence, S("ligne")));
}

/* ---- finding ---- */

static void ids_are_found_to_the_byte(void **state)
{
    Fixture *f = *state;
    size_t customer;
    assert_true(explain_find(&customer, f->run->data, S("CASE-1")));
    equal(f->run->data->id[customer], "CASE-1");
    assert_false(explain_find(&customer, f->run->data, S("case-1")));
    assert_false(explain_find(&customer, f->run->data, S("")));
    assert_false(explain_find(&customer, f->run->data, S("CASE-1\0")));
}

static size_t near(Fixture *f, Str **out, const char *wanted)
{
    Arena scratch = arena_new();
    size_t count = explain_near(out, &f->arena, scratch, f->run->data->id, f->run->data->customers,
                                str_from(wanted));
    arena_free(&scratch);
    return count;
}

static void near_ids_are_offered_nearest_first(void **state)
{
    Fixture *f = *state;
    Str *id;
    assert_true(near(f, &id, "case-1") > 0);
    equal(id[0], "CASE-1"); /* the letters' case, not an edit, comes first */
    assert_true(near(f, &id, " CASE-2 ") > 0);
    equal(id[0], "CASE-2");
    assert_int_equal(near(f, &id, "CASE"), 3); /* cut off when copied */
    assert_int_equal(near(f, &id, "S-0"), CASE_NEAR_MAX);
    assert_int_equal(near(f, &id, ""), 0);
    assert_int_equal(near(f, &id, "nothing at all like it"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_adds_up_what_the_book_counts_as_money),
        cmocka_unit_test(lots_match_the_example_worked_out_by_hand),
        cmocka_unit_test(events_know_the_reason_that_rests_on_them),
        cmocka_unit_test(mixes_and_periods_sum_to_the_totals),
        cmocka_unit_test(kinds_hold_attempts_that_moved_nothing_beside_money),
        cmocka_unit_test(periods_are_days_of_a_short_history),
        cmocka_unit_test(rows_of_this_customer_are_doubted),
        cmocka_unit_test(contradictory_labels_are_doubted),
        cmocka_unit_test(protected_columns_are_counted_and_never_shown),
        cmocka_unit_test(what_was_declared_is_told_from_the_rest_of_the_record),
        cmocka_unit_test(pushes_sum_to_the_score),
        cmocka_unit_test(case_is_bounded_and_says_how_much_it_leaves_out),
        cmocka_unit_test(customer_without_transactions_has_a_case_too),
        cmocka_unit_test(page_escapes_what_files_say),
        cmocka_unit_test(page_shows_the_score_after_the_evidence),
        cmocka_unit_test(case_is_in_french_when_asked),
        cmocka_unit_test(ids_are_found_to_the_byte),
        cmocka_unit_test(near_ids_are_offered_nearest_first),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
