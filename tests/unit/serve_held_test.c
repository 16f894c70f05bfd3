/* What the store's handlers take, refuse and give back; the exchange is put together by hand. */
#include "serve/serve_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "made_up_run.h"
#include "request_of.h"

typedef struct Fixture {
    Arena arena, keep, scratch;
    Run *run;
    Answerer *answerer;
    Telemetry *telemetry;
    char folder[64];
    ServeSettings settings;
    Service service;
    Served served;
} Fixture;

/* A bundle's whole: what bundles are written with beside the model. */
static void complete_bundle(Fixture *f)
{
    const Run *run = f->run;
    Error err = {0};
    Matrix *x;
    Table *fitted;
    uint32_t *row = ARENA_ARRAY(&f->arena, uint32_t, run->data->customers);
    uint8_t *label = ARENA_ARRAY(&f->arena, uint8_t, run->data->customers);
    Fitting labelled = {.row = row, .label = label};
    for (size_t i = 0; i < run->data->customers; i++)
        if (run->data->label[i] >= 0) {
            row[labelled.count] = (uint32_t)i;
            label[labelled.count++] = run->data->label[i] == LABEL_POSITIVE;
        }
    made_up_ok(feature_table_fit(&fitted, &f->arena, f->scratch, (Plan *)(uintptr_t)run->plan,
                                 run->events, &labelled, NULL, &err),
               &err);
    made_up_ok(
        score_matrix(&x, &f->arena, run->bundle, run->scored, NULL, run->scored->count, &err),
        &err);
    bundle_reference((Bundle *)(uintptr_t)run->bundle, &f->arena, f->scratch, x);
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    Error err = {0};
    f->arena = arena_new();
    f->keep = arena_new();
    f->scratch = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    strcpy(f->folder, "/tmp/assay-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    complete_bundle(f);
    const char *bundle = path_join(&f->arena, f->folder, "bundle");
    made_up_ok(bundle_write((Bundle *)(uintptr_t)f->run->bundle, bundle, &err), &err);
    made_up_ok(answer_open(&f->answerer, bundle, &err), &err);
    TelemetrySettings quiet = {.level = LEVEL_ERROR};
    made_up_ok(telemetry_open(&f->telemetry, &quiet, &err), &err);
    f->settings.limits.answer = (AnswerLimits){10000, 16};
    f->served.champion = f->answerer;
    f->service = (Service){.settings = &f->settings, .telemetry = f->telemetry};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    const char *command = str_format(&f->arena, "rm -r '%s'", f->folder).data;
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a path of the test's own
    answer_close(f->answerer);
    telemetry_close(f->telemetry);
    arena_free(&f->arena);
    arena_free(&f->keep);
    arena_free(&f->scratch);
    free(f);
    return 0;
}

/* Every test has a store of its own. */
static int with_store(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    static int number;
    const char *url = str_format(&f->arena, "sqlite:%s/store%d.db", f->folder, ++number).data;
    made_up_ok(database_open(&f->service.database, url, 0, &err), &err);
    return 0;
}

static int without_store(void **state)
{
    Fixture *f = *state;
    database_close(f->service.database);
    f->service.database = NULL;
    return 0;
}

/* ---- asking ---- */

static Exchange ask(Fixture *f, const char *method, const char *path, const char *parameter,
                    Str body)
{
    const Route *tables[] = {routes_store, routes_feedback};
    Exchange x = {.service = &f->service,
                  .served = &f->served,
                  .arena = &f->arena,
                  .scratch = f->scratch,
                  .request_id = "r",
                  .parameter = str_from(parameter),
                  .body = body,
                  .now_us = 20000 * DAY_US,
                  .reply_fd = -1};
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        for (const Route *r = tables[t]; r->method != NULL; r++)
            if (strcmp(r->method, method) == 0 && strcmp(r->path, path) == 0)
                x.route = r;
    assert_non_null(x.route);
    x.route->handle(&x);
    return x;
}

static Exchange put(Fixture *f, const char *customer, const char *body)
{
    return ask(f, "PUT", "/v1/customers/{id}", customer, str_from(body));
}

static Exchange post(Fixture *f, const char *body)
{
    return ask(f, "POST", "/v1/transactions", "", str_from(body));
}

static Exchange say(Fixture *f, const char *body)
{
    return ask(f, "POST", "/v1/feedback", "", str_from(body));
}

static void expect(Fixture *f, Exchange x, int status, const char *code, const char *pointer)
{
    const char *reply = str_chars(&f->arena, x.reply);
    if (x.status != status || (x.problem == NULL) != (code == NULL) ||
        (code != NULL && strcmp(code, x.problem) != 0))
        fail_msg("%d %s: %s", x.status, x.problem == NULL ? "" : x.problem, reply);
    if (pointer != NULL &&
        strstr(reply, str_format(&f->arena, "\"pointer\":\"%s\"", pointer).data) == NULL)
        fail_msg("not at %s: %s", pointer, reply);
}

/* ---- the same answer ---- */

static Str score_of(Fixture *f, Str request, Str history)
{
    Answer a;
    Fault fault;
    Error err = {0};
    AnswerInputs in = {.request = request, .history = history, .limits = {10000, 16}};
    Status s = answer_score(&a, &f->arena, f->scratch, f->answerer, &in, &fault, &err);
    if (s != STATUS_OK)
        fail_msg("%s %s %s %s", fault.code, fault.pointer, fault.detail, err.message);
    return a.record;
}

/* Every customer, brought into the store a piece at a time, is answered from it as from a request
 * that says all. */
static void what_is_held_is_answered_like_what_is_sent(void **state)
{
    Fixture *f = *state;
    const Dataset *d = f->run->data;
    size_t compared = 0;
    for (size_t i = 0; i < d->customers; i++) {
        Str whole = request_of(&f->arena, d, i, d->as_of_us, NULL, 10000), history;
        Error err = {0};
        if (d->raw_first[i + 1] - d->raw_first[i] != 1)
            continue; /* several records: a store holds one */
        yyjson_doc *doc = yyjson_read(whole.data, whole.size, YYJSON_READ_NUMBER_AS_RAW);
        yyjson_val *root = yyjson_doc_get_root(doc);
        yyjson_val *customer = yyjson_arr_get_first(yyjson_obj_get(root, "customer"));
        yyjson_val *list = yyjson_obj_get(root, "transactions"), *item;
        const char *id = yyjson_get_str(yyjson_obj_get(root, "customer_id"));
        char *text = yyjson_val_write(customer, 0, NULL);
        expect(f, put(f, id, text), 200, NULL, NULL);
        free(text);
        size_t k, n, half = yyjson_arr_size(list) / 2;
        Buffer many = buffer_new(&f->keep);
        yyjson_arr_foreach(list, k, n, item)
        {
            text = yyjson_val_write(item, 0, NULL);
            if (k < half)
                expect(f, post(f, text), 200, NULL, NULL);
            else {
                buffer_char(&many, many.size == 0 ? '[' : ',');
                buffer_add(&many, str_from(text));
            }
            free(text);
        }
        if (many.size > 0) {
            buffer_char(&many, ']');
            expect(f, post(f, str_chars(&f->keep, buffer_str(&many))), 200, NULL, NULL);
        }
        made_up_ok(database_history(f->service.database, &history, &f->arena, str_from(id), &err),
                   &err);
        char time[TIME_TEXT];
        Document j;
        document_open(&j, &f->arena);
        document_text(&j, j.root, "customer_id", str_from(id));
        document_text(&j, j.root, "as_of", time_text(time, d->as_of_us));
        Str asked = document_write(&j, false);
        Str sent = score_of(f, whole, S("")), held = score_of(f, asked, history);
        if (!str_equal(sent, held))
            fail_msg("%.*s\nis not\n%.*s", STR_ARG(sent), STR_ARG(held));
        compared += list != NULL && half > 0;
        yyjson_doc_free(doc);
    }
    assert_true(compared > 10);
}

/* ---- refused at the door ---- */

#define GOOD                                                                                       \
    "\"id\":\"t1\",\"user_id\":\"ann\",\"state\":\"COMPLETED\","                                   \
    "\"type\":\"CARDS\",\"currency\":\"EUR\",\"direction\":\"OUT\","                               \
    "\"completed_at\":\"2024-08-01T10:00:00Z\""
#define TIMES ",\"created_at\":\"2024-08-01T09:00:00Z\""

static size_t held(Fixture *f, const char *customer)
{
    Str history;
    Error err = {0};
    made_up_ok(database_history(f->service.database, &history, &f->arena, str_from(customer), &err),
               &err);
    return history.size;
}

static void customer_that_cannot_be_scored_is_not_kept(void **state)
{
    Fixture *f = *state;
    expect(f, put(f, "ann", ""), 400, "not_json", NULL);
    expect(f, put(f, "ann", "{"), 400, "not_json", NULL);
    expect(f, put(f, "ann", "[1]"), 422, "wrong_type", NULL);
    expect(f, put(f, "ann", "\"x\""), 422, "wrong_type", NULL);
    expect(f, put(f, "ann", "{\"kyc_stat\":\"COMPLETED\"}"), 422, "unknown_field", "/kyc_stat");
    expect(f, put(f, "ann", "{\"kyc_state\":1,\"kyc_state\":2}"), 400, "duplicate_field",
           "/kyc_state");
    expect(f, put(f, "ann", "{\"has_biometrics\":\"perhaps\"}"), 422, "bad_value",
           "/has_biometrics");
    expect(f, put(f, "ann", "{\"user_id\":\"bob\"}"), 422, "other_customer", "/user_id");
    expect(f, put(f, "ann", "{},\"options\":{}"), 400, "not_json", NULL);
    expect(f, put(f, " ", "{}"), 422, "bad_value", NULL);
    assert_int_equal(0, held(f, "ann"));
    expect(f, put(f, "ann", "{\"user_id\":\"ann\",\"has_biometrics\":true}"), 200, NULL, NULL);
    assert_true(held(f, "ann") > 0);
}

static void transactions_that_cannot_be_scored_are_not_kept(void **state)
{
    Fixture *f = *state;
    expect(f, post(f, "{\"transactions\":[]}"), 422, "missing_field", "/transactions");
    expect(f, post(f, "[]"), 422, "missing_field", NULL);
    expect(f, post(f, "{\"transactions\":[{" GOOD TIMES ",\"amuont\":\"1\"}]}"), 422,
           "unknown_field", "/transactions/0/amuont");
    expect(f, post(f, "[{" GOOD TIMES ",\"amount\":\"1.00\"},{" GOOD TIMES ",\"amount\":\"x\"}]"),
           422, "bad_value", "/1/amount");
    expect(f, post(f, "{" GOOD TIMES ",\"amount\":\"x\"}"), 422, "bad_value", "/amount");
    expect(f, post(f, "{" GOOD TIMES ",\"amount\":{}}"), 422, "wrong_type", "/amount");
    expect(f, post(f, "{" GOOD ",\"amount\":\"1.00\"}"), 422, "missing_field", "/created_at");
    expect(f, post(f, "{\"transactions\":[{" GOOD TIMES ",\"amount\":\"1.00\"}],\"x\":1}"), 422,
           "unknown_field", "/x");
    expect(f, post(f, "[{\"id\":\"t1\"}]"), 422, "missing_field", "/0/user_id");
    char id[514] = "";
    memset(id, 'x', sizeof id - 1);
    Str text =
        str_format(&f->keep,
                   "[{\"user_id\":\"ann\",\"id\":\"%s\",\"state\":\"COMPLETED\","
                   "\"type\":\"CARDS\",\"currency\":\"EUR\",\"direction\":\"OUT\","
                   "\"completed_at\":\"2024-08-01T10:00:00Z\",\"amount\":\"1.00\"" TIMES "}]",
                   id);
    expect(f, post(f, str_chars(&f->keep, text)), 413, "too_long", "/0/id");
    assert_int_equal(0, held(f, "ann"));
}

static void same_version_is_added_once(void **state)
{
    Fixture *f = *state;
    Exchange x = post(f, "{\"transactions\":[{" GOOD TIMES ",\"amount\":\"1.00\"},{" GOOD TIMES
                         ",\"amount\":\"1.00\"}]}");
    expect(f, x, 200, NULL, NULL);
    assert_true(str_equal(x.reply, S("{\"received\":2,\"added\":1}")));
    x = post(f, "{" GOOD TIMES ",\"amount\":1.00}");
    assert_true(str_equal(x.reply, S("{\"received\":1,\"added\":0}")));
}

/* ---- decisions, feedback, erasing ---- */

static void keep_decision(Fixture *f, const char *id, const char *customer)
{
    Error err = {0};
    StoredDecision d = {.id = str_from(id),
                        .customer = str_from(customer),
                        .action = S("RESTRICT"),
                        .segment = S("High"),
                        .json = S("{\"decision_id\":\"d\"}")};
    made_up_ok(database_add_decision(f->service.database, &d, &err), &err);
}

static void decision_is_given_then_gone(void **state)
{
    Fixture *f = *state;
    const char *path = "/v1/decisions/{id}", *who = "/v1/customers/{id}";
    keep_decision(f, "d1", "ann");
    Exchange x = ask(f, "GET", path, "d1", S(""));
    expect(f, x, 200, NULL, NULL);
    assert_true(str_equal(x.reply, S("{\"decision_id\":\"d\"}")));
    expect(f, ask(f, "GET", path, "d2", S("")), 404, "not_found", NULL);
    expect(f, ask(f, "DELETE", who, "ann", S("")), 200, NULL, NULL);
    expect(f, ask(f, "DELETE", who, "ann", S("")), 404, "not_found", NULL);
    expect(f, ask(f, "GET", path, "d1", S("")), 410, "erased", NULL);
    expect(f, say(f, "{\"decision_id\":\"d1\",\"verdict\":\"agree\"}"), 410, "erased", NULL);
}

static void feedback_is_kept_and_counted(void **state)
{
    Fixture *f = *state;
    keep_decision(f, "d3", "ann");
    expect(f,
           say(f, "{\"decision_id\":\"d3\",\"verdict\":\"overrule\",\"action\":\"MONITOR\","
                  "\"reason\":\"Source of funds documented\",\"reviewer\":\"r7\","
                  "\"at\":\"2024-08-27T12:00:00Z\",\"reviewed_seconds\":240}"),
           202, NULL, NULL);
    expect(f, say(f, "{\"customer_id\":\"bob\",\"verdict\":\"positive\",\"action\":null}"), 202,
           NULL, NULL);
    const char *metrics = str_chars(&f->arena, telemetry_text(f->telemetry, &f->arena));
    assert_non_null(strstr(metrics, "RESTRICT"));
    assert_non_null(strstr(metrics, "overrule"));
}

static void feedback_that_says_nothing_is_refused(void **state)
{
    Fixture *f = *state;
    keep_decision(f, "d4", "ann");
    expect(f, say(f, "x"), 400, "not_json", NULL);
    expect(f, say(f, "\"\xff\""), 400, "not_utf8", NULL);
    expect(f, say(f, "[]"), 422, "wrong_type", NULL);
    expect(f, say(f, "{\"verdict\":\"agree\"}"), 422, "missing_field", "/decision_id");
    expect(f, say(f, "{\"customer_id\":\"ann\"}"), 422, "missing_field", "/verdict");
    expect(f, say(f, "{\"customer_id\":\"ann\",\"verdict\":\"maybe\"}"), 422, "bad_value",
           "/verdict");
    expect(f, say(f, "{\"customer_id\":\"ann\",\"verdict\":\"agree\",\"acton\":\"MONITOR\"}"), 422,
           "unknown_field", "/acton");
    expect(f, say(f, "{\"customer_id\":\"ann\",\"verdict\":\"agree\",\"verdict\":\"agree\"}"), 400,
           "duplicate_field", "/verdict");
    expect(f, say(f, "{\"customer_id\":\"ann\",\"verdict\":\"agree\",\"action\":\"OFFBOARD\"}"),
           422, "bad_value", "/action");
    expect(f, say(f, "{\"customer_id\":\"ann\",\"verdict\":\"agree\",\"at\":\"soon\"}"), 422,
           "not_a_time", "/at");
    expect(f, say(f, "{\"customer_id\":\"ann\",\"verdict\":\"agree\",\"reviewed_seconds\":-1}"),
           422, "bad_value", "/reviewed_seconds");
    expect(f, say(f, "{\"customer_id\":5,\"verdict\":\"agree\"}"), 422, "wrong_type",
           "/customer_id");
    expect(f, say(f, "{\"customer_id\":\"a\\u0000b\",\"verdict\":\"agree\"}"), 422, "bad_value",
           "/customer_id");
    expect(f, say(f, "{\"decision_id\":\"none\",\"verdict\":\"agree\"}"), 404, "not_found",
           "/decision_id");
    expect(f, say(f, "{\"decision_id\":\"d4\",\"customer_id\":\"bob\",\"verdict\":\"agree\"}"), 422,
           "other_customer", "/customer_id");
}

static void without_a_store_all_say_what_is_needed(void **state)
{
    Fixture *f = *state;
    expect(f, put(f, "ann", "{}"), 501, "store_needed", NULL);
    expect(f, post(f, "[]"), 501, "store_needed", NULL);
    expect(f, say(f, "{}"), 501, "store_needed", NULL);
    expect(f, ask(f, "GET", "/v1/decisions/{id}", "d", S("")), 501, "store_needed", NULL);
    expect(f, ask(f, "DELETE", "/v1/customers/{id}", "d", S("")), 501, "store_needed", NULL);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, with_store, without_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(what_is_held_is_answered_like_what_is_sent),
        WITH(customer_that_cannot_be_scored_is_not_kept),
        WITH(transactions_that_cannot_be_scored_are_not_kept),
        WITH(same_version_is_added_once),
        WITH(decision_is_given_then_gone),
        WITH(feedback_is_kept_and_counted),
        WITH(feedback_that_says_nothing_is_refused),
        cmocka_unit_test(without_a_store_all_say_what_is_needed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
