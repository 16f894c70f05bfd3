/* What whoever runs the service does to it: reload, watch, drain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_client.h"

#include "serve/serve_internal.h"

#include <signal.h>

static Arena arena;

static int set_up(void **state)
{
    arena = arena_new();
    *state = made_up_service();
    return 0;
}

static int tear_down(void **state)
{
    made_up_service_free(*state);
    arena_free(&arena);
    return 0;
}

static Str served_id(MadeUpService *m)
{
    Served *v = served_take(m->service);
    Str id = str_copy(&arena, str_from(answer_bundle(v->champion)->id));
    served_drop(v);
    return id;
}

/* ---- clients that never stop asking ---- */

typedef struct Caller1 {
    pthread_t thread;
    int port;
    atomic_bool stop;
    atomic_size_t answered, failed;
    const char *path;
} Caller1;

static void *call(void *argument)
{
    Caller1 *c = argument;
    Arena own = arena_new();
    while (!atomic_load(&c->stop)) {
        Arena one = own;
        int fd = client_connect(c->port);
        if (fd < 0)
            break;
        for (size_t i = 0; i < 50 && !atomic_load(&c->stop); i++) {
            Arena each = one;
            client_send(fd, str_format(&each, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", c->path));
            Reply r = client_receive(&each, fd);
            (void)atomic_fetch_add(r.status == 200 ? &c->answered : &c->failed, 1);
            if (str_equal(reply_header_of(&r, "Connection"), S("close")))
                break;
        }
        (void)close(fd);
    }
    arena_free(&own);
    return NULL;
}

static void reload_under_load_loses_nothing(void **state)
{
    MadeUpService *m = *state;
    Error err = {0};
    Caller1 c[3] = {{0}};
    made_up_service_start(m);
    Str before = served_id(m);
    for (size_t i = 0; i < COUNT_OF(c); i++) {
        c[i].port = serve_port(m->service);
        c[i].path = "/v1/model";
        assert_int_equal(pthread_create(&c[i].thread, NULL, call, &c[i]), 0);
    }
    for (size_t i = 0; i < 20; i++) {
        m->settings.bundle = i % 2 == 0 ? m->other : m->folder;
        made_up_ok(serve_reload(m->service, &err), &err);
        assert_int_equal(str_equal(served_id(m), before), i % 2 != 0);
    }
    for (size_t i = 0; i < COUNT_OF(c); i++) {
        atomic_store(&c[i].stop, true);
        (void)pthread_join(c[i].thread, NULL);
        assert_true(atomic_load(&c[i].answered) > 10);
        assert_int_equal(atomic_load(&c[i].failed), 0);
    }
    for (size_t i = 0; i < 100 && atomic_load(&m->service->in_flight) > 0; i++)
        (void)usleep(10000); /* a reply is there before its exchange ends */
    assert_int_equal(atomic_load(&m->service->served->holders), 1);
}

static void a_bad_bundle_is_refused_and_the_old_one_stays(void **state)
{
    MadeUpService *m = *state;
    Error err = {0};
    made_up_service_start(m);
    Str before = served_id(m);
    const char *model = path_join(&arena, m->other, "model.json");
    made_up_ok(file_write(model, S("{}"), &err), &err);
    m->settings.bundle = m->other;
    assert_int_not_equal(serve_reload(m->service, &err), STATUS_OK);
    assert_true(err.message[0] != '\0');
    assert_true(str_equal(served_id(m), before));
    Reply r = client_get(&arena, serve_port(m->service), "/readyz");
    assert_int_equal(r.status, 200);
    assert_true(str_contains(r.body, before));
    r = client_get(&arena, serve_port(m->service), "/metrics");
    assert_true(str_contains(r.body, S("reload")));
}

static void a_bundle_that_is_replaced_is_found_when_watched(void **state)
{
    MadeUpService *m = *state;
    m->settings.watch = true;
    made_up_service_start(m);
    Str before = served_id(m), now = before;
    made_up_bundle(m, m->folder, 3);
    for (size_t i = 0; i < 100 && str_equal(now, before); i++) {
        (void)usleep(50000);
        now = served_id(m);
    }
    assert_false(str_equal(now, before));
}

static void two_bundles_are_both_served_and_said(void **state)
{
    MadeUpService *m = *state;
    m->settings.challenger = m->other;
    m->settings.challenger_weight = 0.5;
    made_up_service_start(m);
    Served *v = served_take(m->service);
    Reply r = client_get(&arena, serve_port(m->service), "/readyz");
    assert_true(str_contains(r.body, str_from(answer_bundle(v->champion)->id)));
    assert_true(str_contains(r.body, str_from(answer_bundle(v->challenger)->id)));
    served_drop(v);
}

/* ---- the end ---- */

typedef struct Stopping {
    MadeUpService *m;
    atomic_bool done;
} Stopping;

static void *stop(void *argument)
{
    Stopping *s = argument;
    serve_stop(s->m->service);
    s->m->service = NULL;
    atomic_store(&s->done, true);
    return NULL;
}

static void requests_under_way_are_answered_before_the_end(void **state)
{
    MadeUpService *m = *state;
    pthread_t thread;
    Stopping s = {.m = m};
    m->settings.limits.grace_seconds = 1;
    made_up_service_start(m);
    int port = serve_port(m->service), slow = client_connect(port);
    client_send(slow, S("POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        "Content-Length: 2\r\n\r\n{"));
    while (atomic_load(&m->service->in_flight) == 0)
        (void)usleep(1000);
    assert_int_equal(pthread_create(&thread, NULL, stop, &s), 0);
    /* Not ready at once, and still answering for the grace. */
    Reply r = {0};
    for (size_t i = 0; i < 50 && r.status != 503; i++) {
        r = client_get(&arena, port, "/readyz");
        (void)usleep(5000);
    }
    assert_int_equal(r.status, 503);
    assert_true(str_contains(r.body, S("draining")));
    assert_true(str_equal(reply_header_of(&r, "Connection"), S("close")));
    /* Then nobody new, while the one under way is waited for. */
    bool refused = false;
    for (size_t i = 0; i < 100 && !refused; i++) {
        int fd = client_connect(port);
        refused = fd < 0;
        if (fd >= 0)
            (void)close(fd);
        (void)usleep(20000);
    }
    assert_true(refused);
    assert_false(atomic_load(&s.done));
    client_send(slow, S("}"));
    assert_int_equal(client_receive(&arena, slow).status, 422);
    (void)close(slow);
    (void)pthread_join(thread, NULL);
    assert_true(atomic_load(&s.done));
}

static void what_comes_on_an_open_connection_is_answered_before_the_end(void **state)
{
    MadeUpService *m = *state;
    pthread_t thread;
    Stopping s = {.m = m};
    made_up_service_start(m);
    int kept = client_connect(serve_port(m->service));
    Str ask = S("GET /v1/model HTTP/1.1\r\nHost: x\r\n\r\n");
    client_send(kept, ask);
    assert_int_equal(client_receive(&arena, kept).status, 200);
    assert_int_equal(pthread_create(&thread, NULL, stop, &s), 0);
    (void)usleep(100000); /* it is on its way while nothing is in flight */
    client_send(kept, ask);
    Reply r = client_receive(&arena, kept);
    assert_int_equal(r.status, 200);
    assert_true(str_equal(reply_header_of(&r, "Connection"), S("close")));
    (void)close(kept);
    int64_t began = clock_monotonic_us();
    (void)pthread_join(thread, NULL);
    assert_true(clock_monotonic_us() - began < 2 * SECOND_US); /* the drain may take 5 s */
}

static void who_never_ends_is_waited_for_no_longer_than_said(void **state)
{
    MadeUpService *m = *state;
    m->settings.limits.drain_seconds = 1;
    made_up_service_start(m);
    int slow = client_connect(serve_port(m->service));
    client_send(slow, S("POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        "Content-Length: 2\r\n\r\n{"));
    while (atomic_load(&m->service->in_flight) == 0)
        (void)usleep(1000);
    int64_t began = clock_monotonic_us();
    serve_stop(m->service);
    m->service = NULL;
    int64_t took = clock_monotonic_us() - began;
    assert_true(took > 900000 && took < 3 * SECOND_US);
    (void)close(slow);
}

static void on_ready(void *context, const Service *s)
{
    int *port = context;
    *port = serve_port(s);
    (void)raise(SIGHUP);
}

static void a_signal_ends_it_and_another_reloads(void **state)
{
    MadeUpService *m = *state;
    int port = 0;
    Error err = {0};
    atomic_int told = SIGTERM; /* at once, after it was ready */
    made_up_ok(serve_run(&m->settings, &told, on_ready, &port, &err), &err);
    assert_true(port > 0);
}

static void an_address_that_is_taken_is_said(void **state)
{
    MadeUpService *m = *state;
    Error err = {0};
    Service *second = NULL;
    made_up_service_start(m);
    ServeSettings again = m->settings;
    again.listen = str_format(&arena, "127.0.0.1:%d", serve_port(m->service)).data;
    assert_int_equal(serve_start(&second, &again, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "cannot listen on 127.0.0.1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reload_under_load_loses_nothing),
        TEST(a_bad_bundle_is_refused_and_the_old_one_stays),
        TEST(a_bundle_that_is_replaced_is_found_when_watched),
        TEST(two_bundles_are_both_served_and_said),
        TEST(requests_under_way_are_answered_before_the_end),
        TEST(what_comes_on_an_open_connection_is_answered_before_the_end),
        TEST(who_never_ends_is_waited_for_no_longer_than_said),
        TEST(a_signal_ends_it_and_another_reloads),
        TEST(an_address_that_is_taken_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
