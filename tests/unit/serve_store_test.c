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
    made_up_ok(store_run(f->run, f->folder, &err), &err);
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
    const char *url =
        str_format(&f->arena, "sqlite:%s/store%d.db", f->folder, ++number).data;
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

#define TX                                                                                         \
    "\"transaction_id\":\"t1\",\"user_id\":\"ann\",\"state\":\"COMPLETED\""

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
        f->keep = f->keep;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_held_is_answered_like_what_is_sent, with_store,
                                        without_store),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
