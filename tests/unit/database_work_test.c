#include "database_stores.h"

#include <pthread.h>

/* ---- keys and messages ---- */

static void claimed_key_is_busy_then_replays(void **state)
{
    Store *s = *state;
    Claimed c;
    int64_t now = 1000 * DAY_US;
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("k"), S("1"), now, err));
    assert_int_equal(CLAIM_NEW, c.claim);
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("k"), S("1"), now + 1, err));
    assert_int_equal(CLAIM_BUSY, c.claim);
    OK(database_claim(s->database, &c, &s->arena, S("you"), S("k"), S("1"), now + 1, err));
    assert_int_equal(CLAIM_NEW, c.claim);
    OK(database_settle(s->database, S("me"), S("k"), now, 202, S("application/json"), S("{}"),
                       err));
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("k"), S("1"), now + 2, err));
    assert_int_equal(CLAIM_DONE, c.claim);
    assert_int_equal(202, c.status);
    ASSERT_STR("application/json", c.content_type);
    ASSERT_STR("{}", c.reply);
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("k"), S("2"), now + 2, err));
    assert_int_equal(CLAIM_DIFFERENT, c.claim);
}

static void abandoned_or_old_keys_are_free_again(void **state)
{
    Store *s = *state;
    Claimed c;
    int64_t now = 1000 * DAY_US;
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("k"), S("1"), now, err));
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("k"), S("2"), now + 61 * SECOND_US,
                      err));
    assert_int_equal(CLAIM_NEW, c.claim);
    /* Whoever had it first neither frees nor settles it any more. */
    OK(database_release(s->database, S("me"), S("k"), now, err));
    OK(database_settle(s->database, S("me"), S("k"), now, 200, S("t"), S("first"), err));
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("k"), S("2"), now + 61 * SECOND_US,
                      err));
    assert_int_equal(CLAIM_BUSY, c.claim);
    OK(database_release(s->database, S("me"), S("k"), now + 61 * SECOND_US, err));
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("k"), S("3"), now + 62 * SECOND_US,
                      err));
    assert_int_equal(CLAIM_NEW, c.claim);
    OK(database_settle(s->database, S("me"), S("k"), now + 62 * SECOND_US, 200, S("t"), S("r"),
                       err));
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("k"), S("4"), now + 2 * DAY_US, err));
    assert_int_equal(CLAIM_NEW, c.claim);
}

typedef struct Rival {
    Store *store;
    pthread_t thread;
    Claimed claimed;
    Status status;
} Rival;

static void *claim_at_once(void *context)
{
    Rival *r = context;
    Arena own = arena_new();
    Error err = {0};
    r->status =
        database_claim(r->store->database, &r->claimed, &own, S("me"), S("k"), S("1"), 1, &err);
    arena_free(&own);
    return NULL;
}

static void one_of_many_at_once_gets_the_key(void **state)
{
    Rival rival[8];
    size_t new = 0, busy = 0;
    for (size_t i = 0; i < COUNT_OF(rival); i++) {
        rival[i] = (Rival){.store = *state};
        assert_int_equal(0, pthread_create(&rival[i].thread, NULL, claim_at_once, &rival[i]));
    }
    for (size_t i = 0; i < COUNT_OF(rival); i++) {
        (void)pthread_join(rival[i].thread, NULL);
        assert_int_equal(STATUS_OK, rival[i].status);
        new += rival[i].claimed.claim == CLAIM_NEW;
        busy += rival[i].claimed.claim == CLAIM_BUSY;
    }
    assert_int_equal(1, new);
    assert_int_equal(7, busy);
}

static void old_keys_and_messages_are_swept(void **state)
{
    Store *s = *state;
    Claimed c;
    bool seen;
    int64_t now = 1000 * DAY_US;
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("old"), S("1"), now, err));
    OK(database_see(s->database, &seen, S("message"), now, err));
    OK(database_see(s->database, &seen, S("other"), now + 2 * DAY_US, err));
    OK(database_seen(s->database, &seen, S("message"), err));
    assert_true(seen);
    OK(database_see(s->database, &seen, S("third"), now + 40 * DAY_US, err));
    OK(database_seen(s->database, &seen, S("message"), err));
    assert_false(seen);
    OK(database_claim(s->database, &c, &s->arena, S("me"), S("old"), S("2"), now, err));
    assert_int_equal(CLAIM_NEW, c.claim);
}

static void message_is_seen_once(void **state)
{
    Store *s = *state;
    bool seen;
    OK(database_seen(s->database, &seen, S("1"), err));
    assert_false(seen);
    OK(database_see(s->database, &seen, S("1"), 5, err));
    assert_false(seen);
    OK(database_see(s->database, &seen, S("1"), 6, err));
    assert_true(seen);
    OK(database_seen(s->database, &seen, S("1"), err));
    assert_true(seen);
}

/* ---- jobs ---- */

static Job made_up_job(const char *id, int64_t created_us)
{
    return (Job){.id = str_from(id),
                 .caller = S("me"),
                 .input = S("in"),
                 .output = S("out"),
                 .options = S("{}"),
                 .created_us = created_us};
}

static void jobs_are_taken_in_order_and_once(void **state)
{
    Store *s = *state;
    Job a = made_up_job("a", 2), b = made_up_job("b", 1), out;
    bool found, cancel;
    OK(database_add_job(s->database, &a, err));
    OK(database_add_job(s->database, &b, err));
    OK(database_take_job(s->database, &out, &found, &s->arena, S("x"), 100, 10, err));
    assert_true(found);
    ASSERT_STR("b", out.id);
    assert_int_equal(JOB_RUNNING, out.state);
    assert_int_equal(100, out.started_us);
    OK(database_take_job(s->database, &out, &found, &s->arena, S("y"), 100, 10, err));
    ASSERT_STR("a", out.id);
    OK(database_take_job(s->database, &out, &found, &s->arena, S("z"), 100, 10, err));
    assert_false(found);
    out = b;
    out.state = JOB_DONE;
    out.rows = 12;
    out.ended_us = 105;
    OK(database_save_job(s->database, &out, S("x"), 105, &cancel, err));
    assert_false(cancel);
    OK(database_job(s->database, &out, &found, &s->arena, S("b"), err));
    assert_true(found);
    assert_int_equal(JOB_DONE, out.state);
    assert_int_equal(12, out.rows);
    OK(database_job(s->database, &out, &found, &s->arena, S("none"), err));
    assert_false(found);
}

static void job_of_a_dead_owner_goes_on_where_it_was(void **state)
{
    Store *s = *state;
    Job a = made_up_job("a", 2), out, mine;
    bool found, cancel;
    OK(database_add_job(s->database, &a, err));
    OK(database_take_job(s->database, &mine, &found, &s->arena, S("x"), 100, 10, err));
    mine.offset = 4096;
    mine.output_offset = 777;
    mine.progress = S("{\"at\":1}");
    OK(database_save_job(s->database, &mine, S("x"), 105, &cancel, err));
    OK(database_take_job(s->database, &out, &found, &s->arena, S("y"), 114, 10, err));
    assert_false(found);
    OK(database_take_job(s->database, &out, &found, &s->arena, S("y"), 116, 10, err));
    assert_true(found);
    assert_int_equal(4096, out.offset);
    assert_int_equal(777, out.output_offset);
    ASSERT_STR("{\"at\":1}", out.progress);
    assert_int_equal(100, out.started_us);
    /* the old owner comes back: it is his no more */
    mine.offset = 9999;
    Error late = {0};
    assert_int_equal(STATUS_DATA,
                     database_save_job(s->database, &mine, S("x"), 117, &cancel, &late));
    OK(database_job(s->database, &out, &found, &s->arena, S("a"), err));
    assert_int_equal(4096, out.offset);
}

static void cancelled_jobs_end(void **state)
{
    Store *s = *state;
    Job a = made_up_job("a", 1), b = made_up_job("b", 2), out;
    bool found, cancel;
    OK(database_add_job(s->database, &a, err));
    OK(database_add_job(s->database, &b, err));
    OK(database_take_job(s->database, &out, &found, &s->arena, S("x"), 100, 10, err));
    OK(database_cancel_job(s->database, &found, S("a"), err));
    assert_true(found);
    OK(database_cancel_job(s->database, &found, S("b"), err));
    OK(database_cancel_job(s->database, &found, S("none"), err));
    assert_false(found);
    OK(database_save_job(s->database, &out, S("x"), 105, &cancel, err));
    assert_true(cancel);
    OK(database_job(s->database, &out, &found, &s->arena, S("b"), err));
    assert_int_equal(JOB_CANCELLED, out.state);
    OK(database_take_job(s->database, &out, &found, &s->arena, S("y"), 106, 10, err));
    assert_false(found);
}

static void jobs_are_listed_by_caller_newest_first(void **state)
{
    Store *s = *state;
    Job *list, other = made_up_job("x", 9);
    size_t count;
    uint64_t waiting;
    for (int i = 0; i < 5; i++) {
        Job j = made_up_job(str_chars(&s->arena, str_format(&s->arena, "j%d", i)), i / 2);
        OK(database_add_job(s->database, &j, err));
    }
    other.caller = S("you");
    OK(database_add_job(s->database, &other, err));
    OK(database_jobs(s->database, &list, &count, &s->arena, S("me"), S(""), 3, err));
    assert_int_equal(3, count);
    ASSERT_STR("j4", list[0].id);
    ASSERT_STR("j3", list[1].id);
    ASSERT_STR("j2", list[2].id);
    OK(database_jobs(s->database, &list, &count, &s->arena, S("me"), S("j2"), 3, err));
    assert_int_equal(2, count);
    ASSERT_STR("j1", list[0].id);
    ASSERT_STR("j0", list[1].id);
    OK(database_jobs(s->database, &list, &count, &s->arena, S("me"), S("x"), 3, err));
    assert_int_equal(0, count);
    OK(database_count_jobs(s->database, &waiting, JOB_WAITING, err));
    assert_int_equal(6, waiting);
    OK(database_count_jobs(s->database, &waiting, JOB_DONE, err));
    assert_int_equal(0, waiting);
}

/* ---- outbox ---- */

static void outgoing_is_taken_in_order_and_kept_until_it_is_sent(void **state)
{
    Store *s = *state;
    StoredDecision all[5];
    Outgoing *out;
    size_t count;
    uint64_t waiting;
    for (int i = 0; i < 5; i++) {
        all[i] = made_up_decision(&s->arena, i == 3 ? "ann" : "bob", 9 - i);
        all[i].event = i == 4 ? S("") : str_format(&s->arena, "{\"n\":%d}", i);
    }
    OK(database_add_decisions(s->database, all, 5, err));
    OK(database_add_decisions(s->database, all, 5, err));
    OK(database_count_outgoing(s->database, &waiting, err));
    assert_int_equal(4, waiting);
    OK(database_take_outgoing(s->database, &out, &count, &s->arena, S("x"), 100, 10, 2, err));
    assert_int_equal(2, count);
    ASSERT_STR("{\"n\":0}", out[0].event);
    ASSERT_STR("{\"n\":1}", out[1].event);
    OK(database_settle_outgoing(s->database, out[0].id, true, 0, err));
    OK(database_settle_outgoing(s->database, out[1].id, false, 150, err));
    OK(database_take_outgoing(s->database, &out, &count, &s->arena, S("y"), 105, 10, 9, err));
    assert_int_equal(2, count);
    ASSERT_STR("{\"n\":2}", out[0].event);
    OK(database_take_outgoing(s->database, &out, &count, &s->arena, S("z"), 110, 10, 9, err));
    assert_int_equal(0, count);
    OK(database_take_outgoing(s->database, &out, &count, &s->arena, S("z"), 150, 10, 9, err));
    assert_int_equal(3, count);
    ASSERT_STR("{\"n\":1}", out[0].event);
    assert_int_equal(1, out[0].attempts);
    Erased erased;
    OK(database_erase(s->database, &erased, S("ann"), 5, err));
    OK(database_count_outgoing(s->database, &waiting, err));
    assert_int_equal(2, waiting);
}

static void dead_letters_are_bounded_and_readable(void **state)
{
    Store *s = *state;
    Erased erased;
    const Str bad = {"a\0\xff", 3};
    OK(database_add_dead_letter(s->database, S("1"), S("why"), bad, 1, 2, err));
    OK(database_add_dead_letter(s->database, S("2"), S("why"), S("of ann"), 2, 2, err));
    OK(database_add_dead_letter(s->database, S("2"), S("why"), S("of ann"), 2, 2, err));
    OK(database_add_dead_letter(s->database, S("3"), S("why"), S("c"), 3, 2, err));
    by_hand(s, "INSERT INTO assay_messages SELECT 'letters', count(*) FROM assay_dead_letters"
               " WHERE message IN ('of ann', 'c')");
    by_hand(s, "DELETE FROM assay_messages WHERE seen_us = 2");
    bool seen;
    OK(database_seen(s->database, &seen, S("letters"), err));
    assert_false(seen);
    OK(database_erase(s->database, &erased, S("ann"), 5, err));
    assert_false(erased.was_there); /* a letter is nothing that was kept of him */
}

/* How many letters are there? */
static void letters_are(Store *s, int expected)
{
    bool seen;
    by_hand(s, "DELETE FROM assay_messages");
    by_hand(s, str_chars(&s->arena,
                         str_format(&s->arena,
                                    "INSERT INTO assay_messages SELECT 'as expected', 1 WHERE"
                                    " (SELECT count(*) FROM assay_dead_letters) = %d",
                                    expected)));
    OK(database_seen(s->database, &seen, S("as expected"), err));
    assert_true(seen);
}

static void erasing_takes_the_letters_that_name_him_and_no_others(void **state)
{
    Store *s = *state;
    Erased erased;
    const Str letter[] = {S("{\"customer\":\"s\"}"), S("{\"customer\":\"sam\",\"x\":\"us\"}"),
                          S("{\"customer\":7}"), S("{\"customer\":77,\"x\":\"a7\"}")};
    for (size_t i = 0; i < COUNT_OF(letter); i++)
        OK(database_add_dead_letter(s->database, str_format(&s->arena, "%zu", i), S("why"),
                                    letter[i], 1, 9, err));
    letters_are(s, 4);
    OK(database_erase(s->database, &erased, S("s"), 5, err));
    assert_false(erased.was_there);
    letters_are(s, 3);
    OK(database_erase(s->database, &erased, S("7"), 5, err));
    letters_are(s, 2);
    OK(database_erase(s->database, &erased, S("sam"), 5, err));
    letters_are(s, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(claimed_key_is_busy_then_replays),
        OVER_BOTH(one_of_many_at_once_gets_the_key),
        OVER_BOTH(abandoned_or_old_keys_are_free_again),
        OVER_BOTH(old_keys_and_messages_are_swept),
        OVER_BOTH(message_is_seen_once),
        OVER_BOTH(jobs_are_taken_in_order_and_once),
        OVER_BOTH(job_of_a_dead_owner_goes_on_where_it_was),
        OVER_BOTH(cancelled_jobs_end),
        OVER_BOTH(jobs_are_listed_by_caller_newest_first),
        OVER_BOTH(outgoing_is_taken_in_order_and_kept_until_it_is_sent),
        OVER_BOTH(dead_letters_are_bounded_and_readable),
        OVER_BOTH(erasing_takes_the_letters_that_name_him_and_no_others),
    };
    return cmocka_run_group_tests(tests, postgres_start, postgres_end);
}
