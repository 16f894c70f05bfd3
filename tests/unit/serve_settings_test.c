/* serve.yaml: defaults, every key, and what is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/serve.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Arena arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static Status read_text(ServeSettings *out, const char *yaml, Error *err)
{
    char path[] = "/tmp/assay-serve-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, yaml, strlen(yaml)), strlen(yaml));
    (void)close(fd);
    *err = (Error){0};
    Status status = serve_settings(out, &arena, str_chars(&arena, str_from(path)), err);
    (void)unlink(path);
    return status;
}

static void without_a_file_everything_has_its_default(void **state)
{
    (void)state;
    ServeSettings s;
    Error err = {0};
    assert_int_equal(serve_settings(&s, &arena, NULL, &err), STATUS_OK);
    assert_null(s.bundle);
    assert_string_equal(s.listen, "127.0.0.1:8080");
    assert_string_equal(s.store, "none");
    assert_string_equal(s.base_path, "");
    assert_int_equal(s.auth.kind, AUTH_NONE);
    assert_int_equal(s.limits.body_bytes, 1 << 20);
    assert_int_equal(s.limits.request_seconds, 30);
    assert_int_equal(s.limits.grace_seconds, 1);
    assert_int_equal(s.limits.answer.depth_max, 16);
    assert_int_equal(s.jobs.workers, 1);
    assert_null(s.sink.url);
}

static void every_part_is_read(void **state)
{
    (void)state;
    ServeSettings s;
    Error err;
    static const char yaml[] = "bundle: out/bundle\n"
                               "challenger: {bundle: next, weight: 0.25}\n"
                               "watch: true\n"
                               "base_path: /ai\n"
                               "listen: 0.0.0.0:80\n"
                               "tls: {certificate: c.pem, key: k.pem}\n"
                               "store: sqlite:a.db\n"
                               "auth: {kind: jwt, jwks: j.json, issuer: i, audience: a, skew: 30s, "
                               "rate_per_second: 10, failures_per_minute: 30, forwarded: 2}\n"
                               "log: {level: warning, sample: 0.5}\n"
                               "predictions: {file: '-', bytes: 8K, keep: 2}\n"
                               "jobs: {folder: /jobs, objects: ['gs://a/', 'gs://b/'], part: 1M}\n"
                               "sink: {url: 'http://x/', timeout: 2s}\n"
                               "limits: {body: 64K, memory: 8M, idle: 5s, drain: 1min}\n";
    assert_int_equal(read_text(&s, yaml, &err), STATUS_OK);
    assert_string_equal(s.bundle, "out/bundle");
    assert_string_equal(s.challenger, "next");
    assert_true(s.challenger_weight == 0.25);
    assert_true(s.watch);
    assert_string_equal(s.tls_key, "k.pem");
    assert_int_equal(s.auth.kind, AUTH_JWT);
    assert_true(str_equal(s.auth.issuer, S("i")));
    assert_int_equal(s.auth.skew_seconds, 30);
    assert_true(s.auth.rate_burst == 20); /* two seconds' worth */
    assert_true(s.auth.failures_per_minute == 30);
    assert_int_equal(s.forwarded, 2);
    assert_int_equal(s.telemetry.level, LEVEL_WARNING);
    assert_int_equal(s.telemetry.predictions_bytes_max, 8192);
    assert_string_equal(s.jobs.objects[1], "gs://b/");
    assert_null(s.jobs.objects[2]);
    assert_int_equal(s.sink.timeout_ms, 2000);
    assert_int_equal(s.limits.body_bytes, 65536);
    assert_int_equal(s.limits.drain_seconds, 60);
    assert_false(s.forget_decisions);
    assert_int_equal(read_text(&s, "store: sqlite:a.db\ndecisions: forget\n", &err), STATUS_OK);
    assert_true(s.forget_decisions);
}

static void what_cannot_be_meant_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *says;
        int64_t line;
    } cases[] = {{"bundle: a\nlissen: 1\n", "unknown key `lissen`", 2},
                 {"limits:\n  body: large\n", "`large` is not a size", 2},
                 {"limits:\n  body: 99999999999G\n", "is not a size", 2},
                 {"decisions: perhaps\n", "perhaps", 1},
                 {"limits: {depth: 1}\n", "`limits.depth` is out of range", 0},
                 {"challenger: {bundle: a, weight: 1.5}\n", "is a share", 0},
                 {"auth: {kind: jwt}\n", "needs `jwks`", 0},
                 {"auth: {kind: keys}\n", "needs `keys`", 0},
                 {"auth: {kind: magic}\n", "`kind` cannot be `magic`", 1},
                 {"sink: {type: a}\n", "`url` is missing", 1},
                 {"threads: -1\n", "out of range", 0}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ServeSettings s;
        Error err;
        assert_int_equal(read_text(&s, cases[i].yaml, &err), STATUS_FORMAT);
        if (strstr(err.message, cases[i].says) == NULL)
            fail_msg("%s says: %s", cases[i].yaml, err.message);
        assert_true(err.file[0] != '\0');
        assert_int_equal(err.line, cases[i].line);
    }
}

static void vertex_says_the_port(void **state)
{
    (void)state;
    ServeSettings s = {.listen = "127.0.0.1:1"};
    Error err = {0};
    assert_int_equal(setenv("AIP_HTTP_PORT", "7080", 1), 0);
    assert_int_equal(serve_settings_environment(&s, &arena, &err), STATUS_OK);
    assert_string_equal(s.listen, "0.0.0.0:7080");
    assert_int_equal(setenv("AIP_HTTP_PORT", "many", 1), 0);
    assert_int_equal(serve_settings_environment(&s, &arena, &err), STATUS_USAGE);
    assert_int_equal(unsetenv("AIP_HTTP_PORT"), 0);
}

static void nobody_but_this_machine_is_answered_unasked(void **state)
{
    (void)state;
    static const char *const reachable[] = {"0.0.0.0:0", ":0", "[::]:0", "10.1.2.3:0"};
    for (size_t i = 0; i < COUNT_OF(reachable); i++) {
        ServeSettings s;
        Service *service = NULL;
        Error err = {0};
        assert_int_equal(serve_settings(&s, &arena, NULL, &err), STATUS_OK);
        s.bundle = "/nowhere";
        s.listen = reachable[i];
        assert_int_equal(serve_start(&service, &s, &err), STATUS_USAGE);
        assert_non_null(strstr(err.message, "nobody would be asked"));
        assert_null(service);
    }
}

static void a_sink_and_a_store_that_forgets_do_not_go_together(void **state)
{
    (void)state;
    ServeSettings s;
    Error err = {0};
    static const char yaml[] = "bundle: /nowhere\ndecisions: forget\nsink: {url: 'http://x/'}\n";
    assert_int_equal(read_text(&s, yaml, &err), STATUS_OK);
    assert_int_not_equal(serve_check(&s, &err), STATUS_USAGE); /* without a store */
    s.store = "sqlite:a.db"; /* as the command line says it, after the file */
    err = (Error){0};
    assert_int_equal(serve_check(&s, &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "a sink needs the decisions"));
}

static void the_schema_of_the_file_knows_every_part(void **state)
{
    (void)state;
    Str schema = serve_settings_schema(&arena);
    static const char *const keys[] = {"\"challenger\"", "\"rate_per_second\"", "\"batch_line\"",
                                       "\"hash_key\"", "\"jwt\""};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_true(str_contains(schema, str_from(keys[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_everything_has_its_default),
        cmocka_unit_test(every_part_is_read),
        cmocka_unit_test(what_cannot_be_meant_is_refused_with_its_place),
        cmocka_unit_test(vertex_says_the_port),
        cmocka_unit_test(nobody_but_this_machine_is_answered_unasked),
        cmocka_unit_test(a_sink_and_a_store_that_forgets_do_not_go_together),
        cmocka_unit_test(the_schema_of_the_file_knows_every_part),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
