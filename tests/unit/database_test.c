#include "database_stores.h"

/* ---- histories ---- */

static void history_of_nobody_is_empty(void **state)
{
    Store *s = *state;
    Str history;
    OK(database_history(s->database, &history, &s->arena, S("nobody"), err));
    assert_int_equal(0, history.size);
}

static void history_holds_customer_and_versions_in_order(void **state)
{
    Store *s = *state;
    Str history;
    bool was_new;
    size_t added;
    const StoredEvent event[] = {{S("ann"), S("b"), S("PENDING"), S("{\"id\":\"b\"}")},
                                 {S("ann"), S("a"), S("PENDING"), S("{\"id\":\"a\",\"n\":1}")},
                                 {S("bob"), S("c"), S("PENDING"), S("{\"id\":\"c\"}")},
                                 {S("ann"), S("a"), S("COMPLETED"), S("{\"id\":\"a\"}")},
                                 {S("ann"), S("B"), S("PENDING"), S("{\"id\":\"B\"}")}};
    OK(database_add_transactions(s->database, &added, NULL, event, COUNT_OF(event), err));
    assert_int_equal(5, added);
    OK(database_history(s->database, &history, &s->arena, S("ann"), err));
    ASSERT_STR("{\"transactions\":[{\"id\":\"B\"},{\"id\":\"a\"},{\"id\":\"a\",\"n\":1},"
               "{\"id\":\"b\"}]}",
               history);
    OK(database_put_customer(s->database, &was_new, S("ann"), S("{\"x\":1}"), err));
    assert_true(was_new);
    OK(database_put_customer(s->database, &was_new, S("ann"), S("{\"x\":2}"), err));
    assert_false(was_new);
    OK(database_history(s->database, &history, &s->arena, S("ann"), err));
    ASSERT_STR("{\"customer\":{\"x\":2},\"transactions\":[{\"id\":\"B\"},{\"id\":\"a\"},"
               "{\"id\":\"a\",\"n\":1},{\"id\":\"b\"}]}",
               history);
}

static void same_version_again_changes_nothing(void **state)
{
    Store *s = *state;
    Str history;
    size_t added;
    const StoredEvent event[] = {{S("ann"), S("a"), S("PENDING"), S("{\"n\":1}")},
                                 {S("ann"), S("a"), S("PENDING"), S("{\"n\":2}")}};
    OK(database_add_transactions(s->database, &added, NULL, event, 2, err));
    assert_int_equal(1, added);
    OK(database_add_transactions(s->database, &added, NULL, event, 2, err));
    assert_int_equal(0, added);
    OK(database_history(s->database, &history, &s->arena, S("ann"), err));
    ASSERT_STR("{\"transactions\":[{\"n\":1}]}", history);
}

static void a_history_has_an_end(void **state)
{
    Store *s = *state;
    size_t added;
    Str history;
    Error refusal = {0};
    const StoredEvent event[] = {{S("bob"), S("b"), S("PENDING"), S("{}")},
                                 {S("ann"), S("new"), S(""), S("{}")}};
    const StoredEvent known = {S("ann"), S("1"), S(""), S("{}")};
    by_hand(s, "INSERT INTO assay_transactions"
               " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
               " SELECT 'ann', CAST(i AS TEXT), '', '{}' FROM n");
    OK(database_history(s->database, &history, &s->arena, S("ann"), err));
    OK(database_add_transactions(s->database, &added, NULL, &known, 1, err));
    assert_int_equal(STATUS_LIMIT,
                     database_add_transactions(s->database, &added, NULL, event, 2, &refusal));
    OK(database_history(s->database, &history, &s->arena, S("bob"), err));
    assert_int_equal(0, history.size);
    by_hand(s, "INSERT INTO assay_transactions VALUES ('ann', 'by hand', '', '{}')");
    assert_int_equal(STATUS_LIMIT,
                     database_history(s->database, &history, &s->arena, S("ann"), &refusal));
}

static void text_with_nul_or_bad_utf8_is_refused(void **state)
{
    Store *s = *state;
    bool was_new;
    Error nul = {0}, bad = {0};
    Str with_nul = {"a\0b", 3};
    assert_int_equal(STATUS_USAGE,
                     database_put_customer(s->database, &was_new, with_nul, S("{}"), &nul));
    assert_int_equal(STATUS_USAGE,
                     database_put_customer(s->database, &was_new, S("\xff"), S("{}"), &bad));
    assert_non_null(strstr(bad.message, "UTF-8"));
}

/* What looks like SQL is a text like any other. */
static void hostile_names_are_only_names(void **state)
{
    Store *s = *state;
    static const char *const name[] = {
        "'; DROP TABLE assay_customers; --",    "\"", "\\", "$1", "%",
        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", " ",  "\n"};
    bool was_new;
    Str history;
    for (size_t i = 0; i < COUNT_OF(name); i++)
        OK(database_put_customer(s->database, &was_new, str_from(name[i]),
                                 str_format(&s->arena, "{\"n\":%zu}", i), err));
    for (size_t i = 0; i < COUNT_OF(name); i++) {
        OK(database_history(s->database, &history, &s->arena, str_from(name[i]), err));
        assert_true(str_contains(history, str_format(&s->arena, "{\"n\":%zu}", i)));
    }
}

/* ---- decisions ---- */

static void decision_comes_back_as_it_was(void **state)
{
    Store *s = *state;
    StoredDecision in = made_up_decision(&s->arena, "ann", 7), out;
    Found found;
    OK(database_add_decision(s->database, &in, err));
    OK(database_decision(s->database, &out, &found, &s->arena, in.id, err));
    assert_int_equal(FOUND_HELD, found);
    assert_true(str_equal(in.json, out.json));
    assert_true(str_equal(in.customer, out.customer));
    assert_true(str_equal(in.action, out.action));
    assert_true(str_equal(in.segment, out.segment));
    assert_int_equal(in.as_of_us, out.as_of_us);
    assert_int_equal(in.at_us, out.at_us);
    OK(database_decision(s->database, &out, &found, &s->arena, S("none"), err));
    assert_int_equal(FOUND_NONE, found);
}

static void chain_of_many_is_whole_and_the_same_again_adds_nothing(void **state)
{
    Store *s = *state;
    StoredDecision all[600];
    ChainState chain, again;
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(0, chain.entries);
    for (int i = 0; i < 600; i++)
        all[i] = made_up_decision(&s->arena, "ann", i);
    OK(database_add_decisions(s->database, all, COUNT_OF(all), err));
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(600, chain.entries);
    assert_int_equal(600, chain.decisions);
    OK(database_add_decisions(s->database, all, COUNT_OF(all), err));
    OK(database_verify(s->database, &again, S(""), err));
    assert_int_equal(600, again.entries);
    assert_string_equal(chain.head, again.head);
}

static void head_noted_earlier_must_be_in_the_chain(void **state)
{
    Store *s = *state;
    ChainState noted, chain;
    Error err = {0};
    StoredDecision a = made_up_decision(&s->arena, "ann", 1);
    StoredDecision b = made_up_decision(&s->arena, "ann", 2);
    assert_int_equal(STATUS_OK, database_add_decision(s->database, &a, &err));
    assert_int_equal(STATUS_OK, database_verify(s->database, &noted, S(""), &err));
    assert_int_equal(STATUS_OK, database_add_decision(s->database, &b, &err));
    assert_int_equal(STATUS_OK, database_verify(s->database, &chain, str_from(noted.head), &err));
    /* written anew, with all of its hashes right */
    by_hand(s, "DELETE FROM assay_chain");
    by_hand(s, "DELETE FROM assay_decisions");
    by_hand(s, "UPDATE assay_chain_end SET sequence = 0, chain = substr(chain, 1, 0) ||"
               " '0000000000000000000000000000000000000000000000000000000000000000'");
    assert_int_equal(STATUS_OK, database_add_decision(s->database, &b, &err));
    assert_int_equal(STATUS_OK, database_verify(s->database, &chain, S(""), &err));
    assert_int_equal(STATUS_FORMAT,
                     database_verify(s->database, &chain, str_from(noted.head), &err));
    assert_non_null(strstr(err.message, "noted"));
}

static void fill(Store *s)
{
    StoredDecision all[6];
    for (int i = 0; i < 6; i++)
        all[i] = made_up_decision(&s->arena, i % 2 == 0 ? "ann" : "bob", i);
    OK(database_add_decisions(s->database, all, COUNT_OF(all), err));
}

static void altered(void **state, const char *sql, const char *says)
{
    Store *s = *state;
    ChainState chain;
    Error err = {0};
    fill(s);
    by_hand(s, sql);
    assert_int_equal(STATUS_FORMAT, database_verify(s->database, &chain, S(""), &err));
    if (strstr(err.message, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
}

static void altered_text_is_found(void **state)
{
    altered(state, "UPDATE assay_decisions SET json = '{}' WHERE sequence = 3",
            "entry 3 of the chain has another text");
}

static void altered_customer_is_found(void **state)
{
    altered(state, "UPDATE assay_decisions SET customer = 'eve' WHERE sequence = 2",
            "entry 2 of the chain belongs to another customer");
}

static void altered_entry_is_found(void **state)
{
    altered(state, "UPDATE assay_chain SET at_us = at_us + 1 WHERE sequence = 4",
            "entry 4 of the chain is not as it was written");
}

static void removed_entry_is_found(void **state)
{
    altered(state, "DELETE FROM assay_chain WHERE sequence = 4", "entry 4 of the chain is missing");
}

static void cut_off_end_is_found(void **state)
{
    altered(state, "DELETE FROM assay_chain WHERE sequence = 6", "entry 6 of the chain is missing");
}

static void end_moved_back_is_found(void **state)
{
    altered(state, "UPDATE assay_chain_end SET sequence = 5", "entry 5 of the chain is not where");
}

static void removed_text_without_erasure_is_found(void **state)
{
    altered(state, "DELETE FROM assay_decisions WHERE sequence = 5",
            "entry 5 of the chain has lost its text");
}

static void text_removed_under_cover_of_an_erasure_is_found(void **state)
{
    Store *s = *state;
    Erased erased;
    fill(s);
    OK(database_erase(s->database, &erased, S("ann"), 1, err));
    StoredDecision more = made_up_decision(&s->arena, "cid", 50);
    OK(database_add_decision(s->database, &more, err));
    by_hand(s, "DELETE FROM assay_decisions WHERE sequence = 2");
    by_hand(s, "UPDATE assay_chain SET erased_by = 7 WHERE sequence = 2");
    ChainState chain;
    Error err = {0};
    assert_int_equal(STATUS_FORMAT, database_verify(s->database, &chain, S(""), &err));
    assert_non_null(strstr(err.message, "entry 7 of the chain answers for other erasures"));
}

static void removed_text_with_a_decision_for_its_erasure_is_found(void **state)
{
    altered(state,
            "DELETE FROM assay_decisions WHERE sequence = 2;"
            "UPDATE assay_chain SET erased_by = 5 WHERE sequence = 2",
            "entry 2 of the chain has lost its text");
}

static void removed_text_with_a_made_up_erasure_is_found(void **state)
{
    altered(state,
            "DELETE FROM assay_decisions WHERE sequence = 2;"
            "UPDATE assay_chain SET erased_by = 99999 WHERE sequence = 2",
            "entry 2 of the chain has lost its text");
}

static void removed_text_with_an_erasure_beyond_the_end_is_found(void **state)
{
    altered(state,
            "DELETE FROM assay_decisions WHERE sequence = 2;"
            "UPDATE assay_chain SET erased_by = 99999 WHERE sequence = 2;"
            "INSERT INTO assay_chain VALUES (99999, 'erasure', 'erasure/99999', '', '', 0, '', 0)",
            "entry 2 of the chain has lost its text");
}

static void decision_put_in_by_hand_is_found(void **state)
{
    altered(state,
            "INSERT INTO assay_decisions VALUES ('x', 99, 'eve', '', 'RETAIN', 'Low', 0, '{}')",
            "decisions that the chain does not know");
}

/* ---- erasing ---- */

static void erasing_leaves_the_chain_whole(void **state)
{
    Store *s = *state;
    Erased erased;
    ChainState chain;
    StoredDecision out;
    Found found;
    Str history;
    size_t added;
    bool was_new;
    const StoredEvent event[] = {{S("ann"), S("a"), S("PENDING"), S("{}")},
                                 {S("bob"), S("b"), S("PENDING"), S("{}")}};
    fill(s);
    OK(database_put_customer(s->database, &was_new, S("ann"), S("{}"), err));
    OK(database_add_transactions(s->database, &added, NULL, event, 2, err));
    OK(database_erase(s->database, &erased, S("ann"), 5, err));
    assert_true(erased.was_there);
    assert_int_equal(3, erased.decisions);
    assert_int_equal(1, erased.transactions);
    OK(database_history(s->database, &history, &s->arena, S("ann"), err));
    assert_int_equal(0, history.size);
    OK(database_history(s->database, &history, &s->arena, S("bob"), err));
    assert_true(history.size > 0);
    OK(database_decision(s->database, &out, &found, &s->arena, str_format(&s->arena, "%032x", 2),
                         err));
    assert_int_equal(FOUND_ERASED, found);
    assert_int_equal(0, out.json.size);
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(7, chain.entries);
    assert_int_equal(6, chain.decisions);
    assert_int_equal(3, chain.erased);
    assert_int_equal(1, chain.erasures);
    /* and goes on */
    StoredDecision more = made_up_decision(&s->arena, "cid", 50);
    OK(database_add_decision(s->database, &more, err));
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(8, chain.entries);
    OK(database_erase(s->database, &erased, S("ann"), 6, err));
    assert_false(erased.was_there);
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(8, chain.entries);
}

static void erasing_takes_feedback_and_kept_replies_along(void **state)
{
    Store *s = *state;
    Erased erased;
    Found found;
    Claimed claimed;
    Feedback f = {.decision_id = str_format(&s->arena, "%032x", 0), .verdict = S("agree")};
    Str who = S("an\"n"), reply = S("{\"customer\":\"an\\\"n\"}");
    StoredDecision mine = made_up_decision(&s->arena, "an\"n", 0);
    OK(database_add_decision(s->database, &mine, err));
    OK(database_add_feedback(s->database, &found, &f, err));
    assert_int_equal(FOUND_HELD, found);
    OK(database_claim(s->database, &claimed, &s->arena, S("me"), S("k"), S("1"), 1, err));
    OK(database_settle(s->database, S("me"), S("k"), 1, 200, S("application/json"), reply, err));
    OK(database_claim(s->database, &claimed, &s->arena, S("me"), S("open"), S("1"), 1, err));
    OK(database_erase(s->database, &erased, who, 5, err));
    /* A reply that was being made may name him, and is not kept. */
    OK(database_settle(s->database, S("me"), S("open"), 1, 200, S("t"), reply, err));
    OK(database_claim(s->database, &claimed, &s->arena, S("me"), S("open"), S("1"), 2, err));
    assert_int_equal(CLAIM_NEW, claimed.claim);
    assert_int_equal(1, erased.feedback);
    assert_int_equal(1, erased.decisions);
    OK(database_claim(s->database, &claimed, &s->arena, S("me"), S("k"), S("1"), 2, err));
    assert_int_equal(CLAIM_NEW, claimed.claim);
    OK(database_add_feedback(s->database, &found, &f, err));
    assert_int_equal(FOUND_ERASED, found);
}

static void decision_made_of_an_erased_history_is_not_kept(void **state)
{
    Store *s = *state;
    Erased erased;
    ChainState chain;
    StoredDecision out, made = made_up_decision(&s->arena, "ann", 1);
    const StoredEvent event = {S("ann"), S("a"), S("PENDING"), S("{}")};
    size_t added;
    Found found;
    made.from_held = true;
    OK(database_add_transactions(s->database, &added, NULL, &event, 1, err));
    OK(database_erase(s->database, &erased, S("ann"), 5, err)); /* while it was being made */
    OK(database_add_decision(s->database, &made, err));
    OK(database_decision(s->database, &out, &found, &s->arena, made.id, err));
    assert_int_equal(FOUND_NONE, found);
    OK(database_add_transactions(s->database, &added, NULL, &event, 1, err));
    OK(database_add_decision(s->database, &made, err));
    OK(database_decision(s->database, &out, &found, &s->arena, made.id, err));
    assert_int_equal(FOUND_HELD, found);
    OK(database_verify(s->database, &chain, S(""), err));
}

static void erased_bytes_are_in_no_file(void **state)
{
    Store *s = *state;
    Erased erased;
    StoredDecision all[300];
    for (int i = 0; i < 300; i++)
        all[i] = made_up_decision(&s->arena, i % 3 == 0 ? "ann-7431" : "bob-5512", i);
    OK(database_add_decisions(s->database, all, COUNT_OF(all), err));
    assert_int_equal(0, shell("grep -qa ann-7431 %s/store.db*", s->folder));
    OK(database_erase(s->database, &erased, S("ann-7431"), 5, err));
    assert_int_equal(100, erased.decisions);
    assert_int_equal(1, shell("grep -qa ann-7431 %s/store.db*", s->folder));
    assert_int_equal(0, shell("grep -qa bob-5512 %s/store.db*", s->folder));
}

/* As if the process had died right after the transaction: the log still holds the bytes. */
static void erased_bytes_are_gone_after_opening_again(void **state)
{
    Store *s = *state;
    fill(s);
    database_close(s->database);
    s->database = NULL;
    sqlite3 *db;
    assert_int_equal(SQLITE_OK, sqlite3_open(s->url + 7, &db));
    assert_int_equal(SQLITE_OK,
                     sqlite3_exec(db,
                                  "PRAGMA secure_delete = 1; PRAGMA wal_autocheckpoint = 0;"
                                  "INSERT INTO assay_customers VALUES ('ann-7431', '{}');"
                                  "DELETE FROM assay_customers",
                                  NULL, NULL, NULL));
    assert_int_equal(0, shell("cp %s/store.db-wal %s/log", s->folder, s->folder));
    assert_int_equal(SQLITE_OK, sqlite3_close(db)); /* tidies up, as a killed process does not */
    assert_int_equal(0, shell("mv %s/log %s/store.db-wal", s->folder, s->folder));
    assert_int_equal(0, shell("grep -qa ann-7431 %s/store.db*", s->folder));
    OK(database_open(&s->database, s->url, 0, err));
    assert_int_equal(1, shell("grep -qa ann-7431 %s/store.db*", s->folder));
}

/* ---- opening ---- */

static void opened_again_it_is_all_there(void **state)
{
    Store *s = *state;
    StoredDecision in = made_up_decision(&s->arena, "ann", 7), out;
    Found found;
    OK(database_add_decision(s->database, &in, err));
    database_close(s->database);
    OK(database_open(&s->database, s->url, 2, err));
    OK(database_ping(s->database, err));
    OK(database_decision(s->database, &out, &found, &s->arena, in.id, err));
    assert_int_equal(FOUND_HELD, found);
}

static void newer_form_is_refused(void **state)
{
    Store *s = *state;
    Database *other = NULL;
    Error err = {0};
    by_hand(s, "UPDATE assay_form SET version = 99");
    assert_int_equal(STATUS_DATA, database_open(&other, s->url, 0, &err));
    assert_non_null(strstr(err.message, "newer"));
    assert_null(other);
}

static void refused(const char *url, Status status, const char *says)
{
    Database *d = NULL;
    Error err = {0};
    assert_int_equal(status, database_open(&d, url, 0, &err));
    if (strstr(err.message, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    assert_null(d);
}

static void what_is_no_store_is_refused(void **state)
{
    Store *s = *state;
    char url[256];
    refused("mysql://x", STATUS_USAGE, "sqlite:FILE or postgresql://");
    refused("sqlite:", STATUS_USAGE, "needs the name of a file");
    refused("sqlite:/nowhere/at/all.db", STATUS_IO, "unable to open");
    (void)snprintf(url, sizeof url, "sqlite:%s/text", s->folder);
    assert_int_equal(0, shell("seq 1 2000 >%s/text", s->folder));
    refused(url, STATUS_DATA, "not a database");
    (void)snprintf(url, sizeof url, "sqlite:%s/other", s->folder);
    Store other = {.url = ""};
    (void)snprintf(other.url, sizeof other.url, "%s", url);
    by_hand(&other, "CREATE TABLE t (x)");
    refused(url, STATUS_DATA, "another program");
#ifndef ASSAY_POSTGRESQL
    refused("postgresql://localhost/x", STATUS_USAGE, "without PostgreSQL");
#endif
}

static void file_is_its_owners_alone(void **state)
{
    Store *s = *state;
    fill(s);
    assert_int_equal(0, shell("test \"$(stat -c %%a %s/store.db*  | sort -u)\" = 600", s->folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(history_of_nobody_is_empty),
        OVER_BOTH(history_holds_customer_and_versions_in_order),
        OVER_BOTH(same_version_again_changes_nothing),
        OVER_BOTH(a_history_has_an_end),
        OVER_BOTH(text_with_nul_or_bad_utf8_is_refused),
        OVER_BOTH(hostile_names_are_only_names),
        OVER_BOTH(decision_comes_back_as_it_was),
        OVER_BOTH(chain_of_many_is_whole_and_the_same_again_adds_nothing),
        OVER_BOTH(head_noted_earlier_must_be_in_the_chain),
        OVER_BOTH(altered_text_is_found),
        OVER_BOTH(altered_customer_is_found),
        OVER_BOTH(altered_entry_is_found),
        OVER_BOTH(removed_entry_is_found),
        OVER_BOTH(cut_off_end_is_found),
        OVER_BOTH(end_moved_back_is_found),
        OVER_BOTH(removed_text_without_erasure_is_found),
        OVER_BOTH(text_removed_under_cover_of_an_erasure_is_found),
        OVER_BOTH(removed_text_with_a_decision_for_its_erasure_is_found),
        OVER_BOTH(removed_text_with_a_made_up_erasure_is_found),
        OVER_BOTH(removed_text_with_an_erasure_beyond_the_end_is_found),
        OVER_BOTH(decision_put_in_by_hand_is_found),
        OVER_BOTH(erasing_leaves_the_chain_whole),
        OVER_BOTH(erasing_takes_feedback_and_kept_replies_along),
        OVER_BOTH(decision_made_of_an_erased_history_is_not_kept),
        OVER_SQLITE(erased_bytes_are_in_no_file),
        OVER_SQLITE(erased_bytes_are_gone_after_opening_again),
        OVER_BOTH(opened_again_it_is_all_there),
        OVER_BOTH(newer_form_is_refused),
        OVER_SQLITE(what_is_no_store_is_refused),
        OVER_SQLITE(file_is_its_owners_alone),
    };
    return cmocka_run_group_tests(tests, postgres_start, postgres_end);
}
