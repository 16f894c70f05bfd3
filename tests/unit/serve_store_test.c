/* The service with a store: keys that settle a request, decisions that are kept, two bundles that
 * share the customers, and what happens when the store is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_client.h"

#include "serve/serve_internal.h"

#include <sqlite3.h>

static Arena arena;
static char file[64];

#define JSON   "Content-Type: application/json\r\n"
#define NDJSON "Content-Type: application/x-ndjson\r\n"

static int set_up(void **state)
{
    arena = arena_new();
    MadeUpService *m = made_up_service();
    strcpy(file, "/tmp/assay-store-XXXXXX");
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)unlink(file);
    m->settings.store = str_format(&arena, "sqlite:%s", file).data;
    *state = m;
    return 0;
}

static int tear_down(void **state)
{
    made_up_service_free(*state);
    for (size_t i = 0; i < 3; i++)
        (void)unlink(str_format(&arena, "%s%s", file, i == 0 ? "" : i == 1 ? "-wal" : "-shm").data);
    arena_free(&arena);
    return 0;
}

static Str request_of(size_t customer, const char *amount)
{
    return str_format(&arena,
                      "{\"customer\":{\"user_id\":\"c-%zu\"},\"transactions\":[{\"id\":\"t%zu\","
                      "\"user_id\":\"c-%zu\",\"state\":\"COMPLETED\",\"type\":\"BANK_TRANSFER\","
                      "\"amount\":\"%s\",\"currency\":\"EUR\",\"direction\":\"IN\","
                      "\"completed_at\":\"2024-07-01 10:00:01 UTC\","
                      "\"created_at\":\"2024-07-01 10:00:00 UTC\"}]}",
                      customer, customer, customer, amount);
}

static void a_key_settles_a_request(void **state)
{
    MadeUpService *m = *state;
    made_up_service_start(m);
    int port = serve_port(m->service);
    const char *headers = JSON "Idempotency-Key: k-1\r\n";
    Reply first = client_post(&arena, port, "/v1/score", headers, request_of(1, "120.00"));
    assert_int_equal(first.status, 200);
    assert_int_equal(reply_header_of(&first, "Idempotency-Replayed").size, 0);
    Reply again = client_post(&arena, port, "/v1/score", headers, request_of(1, "120.00"));
    assert_int_equal(again.status, 200);
    assert_true(str_equal(reply_header_of(&again, "Idempotency-Replayed"), S("true")));
    assert_true(str_equal(again.body, first.body));
    assert_problem(client_post(&arena, port, "/v1/score", headers, request_of(1, "130.00")), 422,
                   "idempotency_mismatch");
    char key[400];
    (void)snprintf(key, sizeof key, JSON "Idempotency-Key: %0300d\r\n", 7);
    assert_problem(client_post(&arena, port, "/v1/score", key, request_of(1, "120.00")), 400,
                   "bad_idempotency_key");
}

static void a_job_that_is_asked_for_twice_says_twice_where_it_is(void **state)
{
    MadeUpService *m = *state;
    m->settings.base_path = "/ai";
    m->settings.jobs.folder = "/tmp";
    m->settings.jobs.workers = 0; /* accepted, and run by none */
    made_up_service_start(m);
    int port = serve_port(m->service);
    const char *headers = JSON "Idempotency-Key: k-1\r\n";
    Str body = S("{\"input\":\"assay-in\",\"output\":\"assay-out\"}");
    Reply first = client_post(&arena, port, "/ai/v1/jobs", headers, body);
    Reply again = client_post(&arena, port, "/ai/v1/jobs", headers, body);
    assert_int_equal(first.status, 202);
    assert_int_equal(again.status, 202);
    assert_true(str_equal(reply_header_of(&again, "Idempotency-Replayed"), S("true")));
    assert_true(str_starts(reply_header_of(&first, "Location"), S("/ai/v1/jobs/")));
    assert_true(
        str_equal(reply_header_of(&again, "Location"), reply_header_of(&first, "Location")));
}

static void a_decision_is_kept_under_its_id(void **state)
{
    MadeUpService *m = *state;
    made_up_service_start(m);
    int port = serve_port(m->service);
    Reply r = client_post(&arena, port, "/v1/score", JSON, request_of(2, "90.00"));
    assert_int_equal(r.status, 200);
    Str key = S("\"decision_id\":\"");
    const char *at = memmem(r.body.data, r.body.size, key.data, key.size);
    assert_non_null(at);
    Reply kept =
        client_get(&arena, port, str_format(&arena, "/v1/decisions/%.32s", at + key.size).data);
    assert_int_equal(kept.status, 200);
    assert_true(str_contains(kept.body, S("\"c-2\"")));
}

/* More than one block of them, and one that is not full. */
static Str batch_of(size_t lines)
{
    Buffer b = buffer_new(&arena);
    for (size_t i = 0; i < lines; i++) {
        buffer_add(&b, i % 10 == 3 ? S("{\"colour\":1}") : request_of(i, "70.00"));
        buffer_add(&b, S("\n"));
    }
    return buffer_str(&b);
}

static void every_decision_of_a_batch_is_kept_when_it_is_answered(void **state)
{
    enum { LINES = 3 * KEEPING_ROWS };
    MadeUpService *m = *state;
    made_up_service_start(m);
    Str key = S("{\"decision_id\":\"");
    Error err = {0};
    ChainState chain;
    for (size_t round = 0; round < 2; round++) { /* the second time there is nothing to add */
        Reply r =
            client_post(&arena, serve_port(m->service), "/v1/score:batch", NDJSON, batch_of(LINES));
        assert_int_equal(r.status, 200);
        size_t found = 0;
        for (const char *at = r.body.data, *end = at + r.body.size;
             (at = memmem(at, (size_t)(end - at), key.data, key.size)) != NULL; at += key.size) {
            StoredDecision d;
            Found held;
            made_up_ok(database_decision(m->service->database, &d, &held, &arena,
                                         (Str){at + key.size, 32}, &err),
                       &err);
            assert_int_equal(held, FOUND_HELD);
            found++;
        }
        size_t bad = (LINES + 6) / 10;
        assert_int_equal(found, LINES - bad);
        made_up_ok(database_verify(m->service->database, &chain, S(""), &err), &err);
        assert_int_equal(chain.decisions, LINES - bad);
    }
}

/* Takes what decisions are kept in; histories can still be read. */
static void lose_decisions(void)
{
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "DROP TABLE assay_decisions", NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(other);
}

static void a_decision_that_cannot_be_kept_is_not_given_and_not_counted(void **state)
{
    MadeUpService *m = *state;
    m->settings.challenger = m->other;
    made_up_service_start(m);
    int port = serve_port(m->service);
    lose_decisions();
    Reply r = client_post(&arena, port, "/v1/score", JSON, request_of(2, "90.00"));
    assert_true(r.status >= 500);
    Reply metrics = client_get(&arena, port, "/metrics");
    assert_int_equal(metrics.status, 200);
    assert_true(str_contains(metrics.body, S("assay_bundle_info{role=\"challenger\"")));
    /* What can be counted is there from the start, at 0. */
    size_t counted = 0;
    for (Str left = metrics.body; left.size > 0;) {
        const char *end = memchr(left.data, '\n', left.size);
        Str line = {left.data, end == NULL ? left.size : (size_t)(end - left.data)};
        if (str_starts(line, S("assay_decisions_total{"))) {
            assert_memory_equal(line.data + line.size - 2, " 0", 2);
            counted++;
        }
        left = str_slice(left, line.size + (end != NULL), left.size);
    }
    assert_true(counted > 0);
}

static void a_batch_whose_decisions_cannot_be_kept_is_not_answered(void **state)
{
    MadeUpService *m = *state;
    made_up_service_start(m);
    lose_decisions();
    Reply r = client_post(&arena, serve_port(m->service), "/v1/score:batch", NDJSON, batch_of(3));
    assert_true(r.status >= 500);
    assert_false(str_contains(r.body, S("decision_id")));
}

static void customers_are_shared_out_by_weight_and_stay_where_they_are(void **state)
{
    enum { CUSTOMERS = 200 };
    MadeUpService *m = *state;
    m->settings.store = "none";
    m->settings.challenger = m->other;
    m->settings.challenger_weight = 0.25;
    made_up_service_start(m);
    Served *v = served_take(m->service);
    Str challenger = str_from(answer_bundle(v->challenger)->id);
    size_t theirs = 0;
    for (size_t i = 0; i < CUSTOMERS; i++) {
        Arena one = arena;
        Str request = request_of(i, "50.00");
        Reply r = client_post(&arena, serve_port(m->service), "/v1/score", JSON, request);
        Reply again = client_post(&arena, serve_port(m->service), "/v1/score", JSON, request);
        assert_int_equal(r.status, 200);
        assert_true(str_equal(r.body, again.body));
        theirs += str_contains(r.body, challenger);
        arena = one;
    }
    served_drop(v);
    assert_in_range(theirs, CUSTOMERS / 8, CUSTOMERS * 3 / 8);
}

static void the_shadow_changes_no_answer_and_is_counted(void **state)
{
    MadeUpService *m = *state;
    m->settings.store = "none";
    made_up_service_start(m);
    Reply alone =
        client_post(&arena, serve_port(m->service), "/v1/score", JSON, request_of(3, "9.00"));
    serve_stop(m->service);
    m->settings.challenger = m->other;
    made_up_service_start(m);
    Reply beside =
        client_post(&arena, serve_port(m->service), "/v1/score", JSON, request_of(3, "9.00"));
    assert_true(str_equal(alone.body, beside.body));
    Reply metrics = client_get(&arena, serve_port(m->service), "/metrics");
    assert_true(str_contains(metrics.body, S("challenger")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_key_settles_a_request),
        TEST(a_job_that_is_asked_for_twice_says_twice_where_it_is),
        TEST(a_decision_is_kept_under_its_id),
        TEST(every_decision_of_a_batch_is_kept_when_it_is_answered),
        TEST(a_decision_that_cannot_be_kept_is_not_given_and_not_counted),
        TEST(a_batch_whose_decisions_cannot_be_kept_is_not_answered),
        TEST(customers_are_shared_out_by_weight_and_stay_where_they_are),
        TEST(the_shadow_changes_no_answer_and_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
