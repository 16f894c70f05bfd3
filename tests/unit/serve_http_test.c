/* The service over a socket: who gets which reply, limits, and that nothing a client does spoils
 * the next request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_client.h"

#include "serve/serve_internal.h"

static MadeUpService *made;
static Arena arena;

#define JSON "Content-Type: application/json\r\n"

static int port(void)
{
    return serve_port(made->service);
}

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    made = made_up_service();
    made->settings.base_path = "/ai/";
    made->settings.admin_listen = "127.0.0.1:0";
    made->settings.cors = "https://desk.example";
    made->settings.limits.body_bytes = 64 << 10;
    made->settings.limits.unpacked_bytes = 128 << 10;
    made->settings.limits.batch_bytes = 8 << 20;
    made->settings.limits.batch_line_bytes = 4 << 10;
    made->settings.limits.spool_bytes = 64 << 20;
    made->settings.limits.memory_bytes = 4 << 20;
    made->settings.limits.request_seconds = 1;
    made->settings.limits.idle_seconds = 1;
    made_up_service_start(made);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    made_up_service_free(made);
    arena_free(&arena);
    return 0;
}

/* ---- what is there ---- */

static void health_answers_with_and_without_the_base_path(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/healthz", "/ai/healthz", "/readyz", "/ai/readyz",
        "/",        "/ai/",        "/ai",     "/ai/v2/health/ready"};
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        assert_int_equal(client_get(&arena, port(), paths[i]).status, 200);
    Reply r = client_get(&arena, port(), "/readyz");
    assert_true(str_contains(r.body, S("\"status\":\"ready\"")));
    assert_true(str_contains(r.body, S("\"store\":\"none\"")));
}

static void what_stands_outside_of_the_base_path_is_not_found(void **state)
{
    (void)state;
    assert_problem(client_get(&arena, port(), "/v1/model"), 404, "outside_base_path");
    assert_problem(client_get(&arena, port(), "/ai/v1/nothing"), 404, "no_such_path");
    assert_problem(client_get(&arena, port(), "/ai/../etc/passwd"), 404, "no_such_path");
}

static void another_method_is_told_which_there_are(void **state)
{
    (void)state;
    Reply r = client_get(&arena, port(), "/ai/v1/score");
    assert_problem(r, 405, "method_not_allowed");
    assert_true(str_equal(reply_header_of(&r, "Allow"), S("POST, OPTIONS")));
    r = client_ask(&arena, port(), S("OPTIONS /ai/v1/score HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_equal(r.status, 204);
    assert_true(str_equal(reply_header_of(&r, "Allow"), S("POST, OPTIONS")));
}

static void head_has_the_length_and_no_body(void **state)
{
    (void)state;
    Reply got = client_get(&arena, port(), "/healthz");
    int fd = client_connect(port());
    client_send(fd, S("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    char text[4096];
    ssize_t size = 0, n;
    while ((n = recv(fd, text + size, sizeof text - (size_t)size, 0)) > 0)
        size += n;
    (void)close(fd);
    Reply r = {.head = {text, (size_t)size}};
    assert_true(
        str_equal(reply_header_of(&r, "Content-Length"), reply_header_of(&got, "Content-Length")));
    assert_memory_equal(text + size - 4, "\r\n\r\n", 4);
}

static void one_origin_may_ask_from_a_page(void **state)
{
    (void)state;
    Reply r = client_ask(&arena, port(),
                         S("OPTIONS /ai/v1/score HTTP/1.1\r\nHost: x\r\nOrigin: "
                           "https://desk.example\r\nAccess-Control-Request-Method: POST\r\n\r\n"));
    assert_true(
        str_equal(reply_header_of(&r, "Access-Control-Allow-Origin"), S("https://desk.example")));
    assert_true(
        str_contains(reply_header_of(&r, "Access-Control-Allow-Headers"), S("Idempotency-Key")));
    r = client_ask(&arena, port(),
                   S("OPTIONS /ai/v1/score HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n"
                     "Access-Control-Request-Method: POST\r\n\r\n"));
    assert_int_equal(reply_header_of(&r, "Access-Control-Allow-Origin").size, 0);
}

static void metrics_count_by_route(void **state)
{
    (void)state;
    (void)client_get(&arena, port(), "/ai/v1/model");
    Reply r = client_get(&arena, serve_admin_port(made->service), "/metrics");
    assert_int_equal(r.status, 200);
    assert_true(str_contains(r.body, S("route=\"/v1/model\"")));
    r = client_get(&arena, serve_admin_port(made->service), "/v1/model");
    assert_problem(r, 404, "no_such_path"); /* health and metrics alone */
}

static void a_sane_request_id_comes_back_and_another_is_replaced(void **state)
{
    (void)state;
    Reply r = client_ask(&arena, port(),
                         S("GET /ai/v1/nothing HTTP/1.1\r\nHost: x\r\nX-Request-Id: "
                           "a-1.b_2\r\n\r\n"));
    assert_true(str_equal(reply_header_of(&r, "X-Request-Id"), S("a-1.b_2")));
    assert_true(str_contains(r.body, S("\"request_id\":\"a-1.b_2\"")));
    static const char *const bad[] = {"a b", "<script>", "{}",
                                      "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        r = client_ask(&arena, port(),
                       str_format(&arena,
                                  "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: "
                                  "%s\r\n\r\n",
                                  bad[i]));
        assert_int_equal(reply_header_of(&r, "X-Request-Id").size, 32);
    }
}

/* ---- the form of bodies ---- */

static void a_body_of_another_type_is_refused(void **state)
{
    (void)state;
    Str body = S("{}");
    assert_problem(client_post(&arena, port(), "/ai/v1/score", "Content-Type: text/xml\r\n", body),
                   415, "unsupported_type");
    assert_problem(client_post(&arena, port(), "/ai/v1/score",
                               "Content-Type: application/json; charset=latin1\r\n", body),
                   415, "unsupported_type");
    assert_problem(
        client_post(&arena, port(), "/ai/v1/score", JSON "Content-Encoding: br\r\n", body), 415,
        "unsupported_encoding");
    assert_problem(client_post(&arena, port(), "/ai/v1/score", JSON "Accept: image/png\r\n", body),
                   406, "not_acceptable");
}

static void two_lengths_are_refused(void **state)
{
    (void)state;
    Reply r = client_ask(&arena, port(),
                         S("POST /ai/v1/score HTTP/1.1\r\nHost: x\r\n" JSON
                           "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
                           "0\r\n\r\n"));
    assert_int_equal(r.status, 400);
}

static void a_large_body_is_refused_before_it_is_here(void **state)
{
    (void)state;
    /* Announced, and never sent. */
    Reply r = client_ask(
        &arena, port(),
        S("POST /ai/v1/score HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 1073741824\r\n\r\n"));
    assert_problem(r, 413, "too_large");
    r = client_ask(&arena, port(),
                   S("POST /ai/v1/score HTTP/1.1\r\nHost: x\r\n" JSON
                     "Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n"));
    assert_problem(r, 413, "too_large");
    /* Sent whole, a little too much: the reply does not get lost. */
    char *text = arena_alloc(&arena, 200000, 1);
    memset(text, ' ', 200000);
    r = client_post(&arena, port(), "/ai/v1/score", JSON, (Str){text, 200000});
    assert_problem(r, 413, "too_large");
}

static void a_body_that_nobody_reads_is_not_kept(void **state)
{
    (void)state;
    Str text = str_format(&arena,
                          "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
                          "%60000s",
                          "");
    assert_problem(client_ask(&arena, port(), text), 413, "too_large");
    /* A small one is let go, and holds nothing meanwhile. */
    char part[3001];
    uint64_t before = atomic_load(&made->service->held_bytes);
    int fd = client_connect(port());
    memset(part, ' ', sizeof part);
    client_send(fd, S("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3001\r\n\r\n"));
    client_send(fd, (Str){part, 3000});
    (void)usleep(50000);
    assert_int_equal(atomic_load(&made->service->held_bytes), before);
    client_send(fd, S(" "));
    assert_int_equal(client_receive(&arena, fd).status, 200);
    (void)close(fd);
}

static void a_large_body_in_chunks_is_refused_while_it_arrives(void **state)
{
    (void)state;
    int fd = client_connect(port());
    char chunk[4096 + 16];
    int n = snprintf(chunk, sizeof chunk, "1000\r\n");
    memset(chunk + n, ' ', 4096);
    chunk[n + 4096] = '\r';
    chunk[n + 4097] = '\n';
    client_send(fd, S("POST /ai/v1/score HTTP/1.1\r\nHost: x\r\n" JSON
                      "Transfer-Encoding: chunked\r\n\r\n"));
    size_t sent = 0;
    struct pollfd in = {fd, POLLIN, 0};
    while (poll(&in, 1, 0) == 0 && sent < 64 << 20) {
        client_send(fd, (Str){chunk, (size_t)n + 4098});
        sent += 4096;
    }
    Reply r = client_receive(&arena, fd);
    (void)close(fd);
    assert_problem(r, 413, "too_large");
    assert_true(sent < 16 << 20); /* not waited for */
}

static void a_body_that_waits_to_be_asked_for_is_asked_for(void **state)
{
    (void)state;
    int fd = client_connect(port());
    client_send(fd, S("POST /ai/v1/score HTTP/1.1\r\nHost: x\r\n" JSON
                      "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
    char text[128];
    ssize_t n = recv(fd, text, sizeof text, 0);
    assert_true(n > 12);
    assert_memory_equal(text, "HTTP/1.1 100", 12);
    client_send(fd, S("{}"));
    assert_int_equal(client_receive(&arena, fd).status, 422);
    (void)close(fd);
}

static void packed_bodies_are_read_as_plain_ones_are(void **state)
{
    (void)state;
    static const Encoding encodings[] = {ENCODING_GZIP, ENCODING_ZSTD};
    static const char *const headers[] = {JSON "Content-Encoding: gzip\r\n",
                                          JSON "Content-Encoding: zstd\r\n"};
    Str plain = S("{\"custommer\":{}}"), bytes;
    Reply wanted = client_post(&arena, port(), "/ai/v1/score", JSON, plain);
    assert_int_equal(wanted.status, 422);
    for (size_t i = 0; i < 2; i++) {
        assert_true(packed(&bytes, &arena, encodings[i], plain));
        Reply r = client_post(&arena, port(), "/ai/v1/score", headers[i], bytes);
        assert_int_equal(r.status, 422);
        assert_int_equal(r.body.size, wanted.body.size); /* all but the request's id */
        assert_problem(client_post(&arena, port(), "/ai/v1/score", headers[i],
                                   str_slice(bytes, 0, bytes.size - 4)),
                       400, "bad_encoding");
        assert_problem(client_post(&arena, port(), "/ai/v1/score", headers[i], plain), 400,
                       "bad_encoding");
    }
}

static void a_bomb_is_refused(void **state)
{
    (void)state;
    static const Encoding encodings[] = {ENCODING_GZIP, ENCODING_ZSTD};
    static const char *const headers[] = {JSON "Content-Encoding: gzip\r\n",
                                          JSON "Content-Encoding: zstd\r\n"};
    char *zeros = arena_alloc(&arena, 8 << 20, 1);
    for (size_t i = 0; i < 2; i++) {
        Str bytes;
        assert_true(packed(&bytes, &arena, encodings[i], (Str){zeros, 8 << 20}));
        assert_true(bytes.size < 64 << 10);
        assert_problem(client_post(&arena, port(), "/ai/v1/score", headers[i], bytes), 413,
                       "too_large");
    }
}

static void long_replies_are_packed_for_who_asks(void **state)
{
    (void)state;
    int admin = serve_admin_port(made->service);
    Reply plain = client_get(&arena, admin, "/metrics");
    Reply r = client_ask(&arena, admin,
                         S("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"));
    Str text;
    Error err = {0};
    assert_true(str_equal(reply_header_of(&r, "Content-Encoding"), S("gzip")));
    assert_true(r.body.size < plain.body.size / 2);
    made_up_ok(unpack(&text, &arena, r.body, 0, "reply", &err), &err);
    assert_true(str_contains(text, S("assay_build_info")));
}

/* ---- the hostile ---- */

static void header_bombs_are_refused(void **state)
{
    (void)state;
    Buffer b = buffer_new(&arena);
    buffer_add(&b, S("GET /healthz HTTP/1.1\r\nHost: x\r\n"));
    for (size_t i = 0; i < 4000; i++)
        buffer_format(&b, "X-Header-%zu: filler filler filler\r\n", i);
    buffer_add(&b, S("\r\n"));
    Reply r = client_ask(&arena, port(), buffer_str(&b));
    assert_true(r.status == 0 || r.status == 431 || r.status == 413);
    char *path = arena_alloc(&arena, 200000, 1);
    memset(path, 'a', 200000 - 1);
    r = client_ask(&arena, port(), str_format(&arena, "GET /%s HTTP/1.1\r\n\r\n", path));
    assert_true(r.status == 0 || r.status == 414 || r.status == 431);
    assert_int_equal(client_get(&arena, port(), "/healthz").status, 200);
}

static void what_is_no_http_is_cut(void **state)
{
    (void)state;
    static const Str bytes[] = {
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11},
        {"\0\0\0\0\r\n\r\n", 8},
        {"GET\r\n\r\n", 7},
        {"GET /healthz HTTP/9.9\r\n\r\n", 25},
        {"POST /ai/v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 60},
        {"POST /ai/v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: "
         "99999999999999999999999\r\n\r\n",
         80},
        {"POST /ai/v1/score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
         "chunked\r\n\r\nZZZ\r\n",
         70}};
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        Reply r = client_ask(&arena, port(), bytes[i]);
        assert_true(r.status == 0 || r.status >= 400);
    }
    assert_int_equal(client_get(&arena, port(), "/healthz").status, 200);
}

static void the_slow_are_cut(void **state)
{
    (void)state;
    int64_t began = clock_monotonic_us();
    int headers = client_connect(port()), body = client_connect(port());
    client_send(headers, S("GET /healthz HTTP/1.1\r\nX-A: "));
    client_send(
        body, S("POST /ai/v1/score HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 60000\r\n\r\n"));
    bool open[2] = {true, true};
    int fd[2] = {headers, body};
    while ((open[0] || open[1]) && clock_monotonic_us() - began < 8 * SECOND_US) {
        for (size_t i = 0; i < 2; i++) {
            char text[512];
            if (!open[i])
                continue;
            (void)send(fd[i], "a", 1, MSG_NOSIGNAL); /* never silent */
            ssize_t n = recv(fd[i], text, sizeof text, MSG_DONTWAIT);
            open[i] = n != 0 && !(n < 0 && errno != EAGAIN);
        }
        (void)usleep(50000);
    }
    (void)close(headers);
    (void)close(body);
    assert_false(open[0]);
    assert_false(open[1]);
    assert_true(clock_monotonic_us() - began < 6 * SECOND_US);
    assert_int_equal(client_get(&arena, port(), "/healthz").status, 200);
}

/* By a service that cuts nobody off meanwhile, however busy the machine is. */
static void bodies_beyond_the_budget_are_told_to_wait(void **state)
{
    (void)state;
    enum { CLIENTS = 100, BODY = 60001, SENT = BODY - 1 };
    ServeSettings patient = made->settings;
    patient.limits.request_seconds = patient.limits.idle_seconds = 60;
    Service *service;
    Error err = {0};
    made_up_ok(serve_start(&service, &patient, &err), &err);
    int fd[CLIENTS], at = serve_port(service);
    size_t told = 0;
    char *part = arena_alloc(&arena, SENT, 1);
    memset(part, ' ', SENT);
    /* Each holds its 60,001 bytes of the 4 MiB; none is whole. */
    for (size_t i = 0; i < CLIENTS; i++) {
        fd[i] = client_connect(at);
        client_send(fd[i], S("POST /ai/v1/score HTTP/1.1\r\nHost: x\r\n" JSON
                             "Content-Length: 60001\r\n\r\n"));
        client_send(fd[i], (Str){part, SENT});
    }
    bool full = false;
    for (size_t i = 0; i < 3000 && !full; i++) {
        (void)usleep(10000);
        full = atomic_load(&service->held_bytes) + BODY > patient.limits.memory_bytes;
    }
    assert_true(full);
    Reply late = client_post(&arena, at, "/ai/v1/score", JSON, (Str){part, SENT});
    assert_problem(late, 503, "overloaded");
    for (size_t i = 0; i < CLIENTS; i++) {
        client_send(fd[i], S(" "));
        Arena own = arena;
        Reply r = client_receive(&own, fd[i]);
        told += r.status == 503;
        if (r.status == 503) {
            assert_problem(r, 503, "overloaded");
            assert_true(reply_header_of(&r, "Retry-After").size > 0);
        } else
            assert_true(r.status == 400 || r.status == 422);
        (void)close(fd[i]);
    }
    assert_true(told < CLIENTS);
    assert_int_equal(client_get(&arena, at, "/healthz").status, 200);
    serve_stop(service);
}

/* ---- answers ---- */

#define CUSTOMER                                                                                   \
    "{\"customer\":{\"user_id\":\"c-1\",\"country_of_residence\":\"FR\"},\"transactions\":["       \
    "{\"id\":\"t1\",\"user_id\":\"c-1\",\"state\":\"COMPLETED\",\"type\":\"BANK_TRANSFER\","       \
    "\"amount\":\"120.00\",\"currency\":\"EUR\",\"direction\":\"IN\","                             \
    "\"completed_at\":\"2024-07-01 10:00:01 UTC\",\"created_at\":\"2024-07-01 10:00:00 UTC\"}]}"

static void the_same_request_gets_the_same_bytes(void **state)
{
    (void)state;
    Reply r = client_post(&arena, port(), "/ai/v1/score", JSON, S(CUSTOMER));
    if (r.status != 200)
        fail_msg("%.*s", STR_ARG(r.body));
    assert_true(str_contains(r.body, S("\"decision_id\":\"")));
    assert_true(str_contains(r.body, S("\"customer_id\":\"c-1\"")));
    Reply again = client_post(&arena, port(), "/ai/v1/score", JSON, S(CUSTOMER));
    assert_true(str_equal(again.body, r.body));
    /* And so does a line of a batch, and an instance of Vertex AI's form. */
    Reply line = client_post(&arena, port(), "/ai/v1/score:batch",
                             "Content-Type: application/x-ndjson\r\n", S(CUSTOMER "\n"));
    assert_true(str_equal(str_trim(line.body), r.body));
    Reply instance =
        client_post(&arena, port(), "/ai/v1/predict", JSON, S("{\"instances\":[" CUSTOMER ",{}]}"));
    assert_int_equal(instance.status, 200);
    assert_true(str_contains(instance.body, r.body));
    assert_true(str_contains(instance.body, S("\"pointer\":\"/instances/1")));
}

static void nesting_without_end_is_refused(void **state)
{
    (void)state;
    char *deep = arena_alloc(&arena, 60000, 1);
    memset(deep, '[', 60000 - 1);
    static const char *const paths[] = {"/ai/v1/score", "/ai/v1/predict"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        Reply r = client_post(&arena, port(), paths[i], JSON, str_from(deep));
        assert_int_equal(r.status, 400);
    }
}

static void the_contract_is_the_same_each_time_and_waits_its_turn(void **state)
{
    (void)state;
    static const char *const paths[] = {"/ai/openapi.json", "/ai/docs"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        Reply first = client_get(&arena, port(), paths[i]), again;
        again = client_get(&arena, port(), paths[i]);
        assert_int_equal(first.status, 200);
        assert_true(first.body.size > 1000);
        assert_true(str_equal(first.body, again.body));
    }
    size_t most = made->settings.limits.in_flight;
    made->settings.limits.in_flight = 0; /* the request itself is one too many */
    Reply health = client_get(&arena, port(), "/ai/healthz");
    Reply shown = client_get(&arena, port(), "/ai/docs");
    made->settings.limits.in_flight = most;
    assert_int_equal(health.status, 200);
    assert_problem(shown, 503, "overloaded");
}

static void the_contract_is_a_page_without_scripts(void **state)
{
    (void)state;
    Reply r = client_get(&arena, port(), "/ai/docs");
    assert_int_equal(r.status, 200);
    assert_true(
        str_contains(reply_header_of(&r, "Content-Security-Policy"), S("default-src 'none'")));
    assert_true(str_contains(r.body, S("/v1/score")));
    assert_false(str_contains(r.body, S("<script")));
    r = client_get(&arena, port(), "/ai/openapi.json");
    assert_int_equal(r.status, 200);
    assert_true(str_contains(r.body, S("\"openapi\"")));
    assert_true(str_contains(r.body, S("/ai")));
}

/* ---- batches ---- */

#define NDJSON "Content-Type: application/x-ndjson\r\n"

static size_t lines_of(Str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++)
        n += text.data[i] == '\n';
    return n;
}

static void a_bad_line_gets_an_error_with_its_number(void **state)
{
    (void)state;
    char *line = arena_alloc(&arena, 6000, 1);
    memset(line, ' ', 5999);
    Str body = str_format(&arena, "{}\n\n{\"a\":1}\r\n%s\n[]", line);
    Reply r = client_post(&arena, port(), "/ai/v1/score:batch", NDJSON, body);
    assert_int_equal(r.status, 200);
    assert_int_equal(lines_of(r.body), 4);
    static const char *const wanted[] = {"{\"error\":{\"line\":1,", "{\"error\":{\"line\":3,",
                                         "{\"error\":{\"line\":4,\"status\":413,",
                                         "{\"error\":{\"line\":5,"};
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        assert_true(str_contains(r.body, str_from(wanted[i])));
}

static void a_long_batch_goes_through_a_file_and_comes_whole(void **state)
{
    (void)state;
    enum { LINES = 30000 };
    Buffer b = buffer_new(&arena);
    for (size_t i = 0; i < LINES; i++)
        buffer_add(&b, S("{}\n"));
    Reply r = client_post(&arena, port(), "/ai/v1/score:batch", NDJSON, buffer_str(&b));
    assert_int_equal(r.status, 200);
    assert_int_equal(lines_of(r.body), LINES);
    assert_true(r.body.size > 2 << 20);
    assert_true(str_contains(r.body, S("{\"error\":{\"line\":30000,")));
    Str bytes;
    assert_true(packed(&bytes, &arena, ENCODING_ZSTD, buffer_str(&b)));
    Reply again = client_post(&arena, port(), "/ai/v1/score:batch",
                              NDJSON "Content-Encoding: zstd\r\n", bytes);
    assert_true(str_equal(again.body, r.body));
}

static void a_packed_batch_that_becomes_too_much_is_refused(void **state)
{
    (void)state;
    static const Encoding encodings[] = {ENCODING_GZIP, ENCODING_ZSTD};
    static const char *const headers[] = {NDJSON "Content-Encoding: gzip\r\n",
                                          NDJSON "Content-Encoding: zstd\r\n"};
    enum { BLANK = 9 << 20, LINES = 100000 };
    char *blank = arena_raw(&arena, BLANK, 1);
    memset(blank, '\n', BLANK);
    Buffer b = buffer_new(&arena);
    for (size_t i = 0; i < LINES; i++)
        buffer_add(&b, S("{}\n"));
    for (size_t e = 0; e < COUNT_OF(encodings); e++) {
        Str bytes;
        assert_true(packed(&bytes, &arena, encodings[e], (Str){blank, BLANK}));
        Reply r = client_post(&arena, port(), "/ai/v1/score:batch", headers[e], bytes);
        assert_problem(r, 413, "too_large");
        assert_true(str_contains(r.body, S("unpacks to more than")));
        assert_true(packed(&bytes, &arena, encodings[e], buffer_str(&b)));
        made->settings.limits.spool_bytes = 2 << 20;
        r = client_post(&arena, port(), "/ai/v1/score:batch", headers[e], bytes);
        made->settings.limits.spool_bytes = 64 << 20;
        assert_problem(r, 413, "too_large");
        assert_true(str_contains(r.body, S("the answers are longer than")));
    }
}

static void a_line_beyond_the_budget_is_told_to_wait(void **state)
{
    (void)state;
    Service *s = made->service;
    char part[1000];
    int fd = client_connect(port());
    memset(part, ' ', sizeof part);
    client_send(fd, S("POST /ai/v1/score:batch HTTP/1.1\r\nHost: x\r\n" NDJSON
                      "Content-Length: 2000\r\n\r\n"));
    /* The batch has begun; what its line needs is taken by others. */
    for (size_t i = 0; i < 200 && atomic_load(&s->held_bytes) == 0; i++)
        (void)usleep(5000);
    uint64_t others = made->settings.limits.memory_bytes - atomic_load(&s->held_bytes) - 1000;
    budget_hold(s, others);
    client_send(fd, (Str){part, sizeof part});
    client_send(fd, (Str){part, sizeof part});
    Reply r = client_receive(&arena, fd);
    budget_give(s, others);
    (void)close(fd);
    assert_problem(r, 503, "overloaded");
    assert_true(reply_header_of(&r, "Retry-After").size > 0);
}

/* ---- operations ---- */

static void a_connection_serves_many_requests(void **state)
{
    (void)state;
    int fd = client_connect(port());
    for (size_t i = 0; i < 200; i++) {
        Arena own = arena;
        client_send(fd, post_request(&own, "/ai/v1/score", JSON, S("{}")));
        assert_int_equal(client_receive(&own, fd).status, 422);
    }
    (void)close(fd);
}

static void nothing_is_held_after_all_that(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100 && atomic_load(&made->service->in_flight) > 0; i++)
        (void)usleep(20000);
    assert_int_equal(atomic_load(&made->service->in_flight), 0);
    assert_int_equal(atomic_load(&made->service->held_bytes), 0);
    assert_int_equal(atomic_load(&made->service->served->holders), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_answers_with_and_without_the_base_path),
        cmocka_unit_test(what_stands_outside_of_the_base_path_is_not_found),
        cmocka_unit_test(another_method_is_told_which_there_are),
        cmocka_unit_test(head_has_the_length_and_no_body),
        cmocka_unit_test(one_origin_may_ask_from_a_page),
        cmocka_unit_test(metrics_count_by_route),
        cmocka_unit_test(a_sane_request_id_comes_back_and_another_is_replaced),
        cmocka_unit_test(a_body_of_another_type_is_refused),
        cmocka_unit_test(two_lengths_are_refused),
        cmocka_unit_test(a_large_body_is_refused_before_it_is_here),
        cmocka_unit_test(a_body_that_nobody_reads_is_not_kept),
        cmocka_unit_test(a_large_body_in_chunks_is_refused_while_it_arrives),
        cmocka_unit_test(a_body_that_waits_to_be_asked_for_is_asked_for),
        cmocka_unit_test(packed_bodies_are_read_as_plain_ones_are),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(long_replies_are_packed_for_who_asks),
        cmocka_unit_test(header_bombs_are_refused),
        cmocka_unit_test(what_is_no_http_is_cut),
        cmocka_unit_test(the_slow_are_cut),
        cmocka_unit_test(bodies_beyond_the_budget_are_told_to_wait),
        cmocka_unit_test(the_same_request_gets_the_same_bytes),
        cmocka_unit_test(nesting_without_end_is_refused),
        cmocka_unit_test(the_contract_is_the_same_each_time_and_waits_its_turn),
        cmocka_unit_test(the_contract_is_a_page_without_scripts),
        cmocka_unit_test(a_bad_line_gets_an_error_with_its_number),
        cmocka_unit_test(a_long_batch_goes_through_a_file_and_comes_whole),
        cmocka_unit_test(a_packed_batch_that_becomes_too_much_is_refused),
        cmocka_unit_test(a_line_beyond_the_budget_is_told_to_wait),
        cmocka_unit_test(a_connection_serves_many_requests),
        cmocka_unit_test(nothing_is_held_after_all_that),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
