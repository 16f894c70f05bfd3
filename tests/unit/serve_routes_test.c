/* What a request's path, addresses and headers mean, below HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/serve_internal.h"

#include <string.h>

static Arena arena;
static Service service;

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

static Match match(const char *method, const char *path)
{
    Match m;
    route_match(&m, &arena, &service, str_from(method), str_from(path), false, false);
    return m;
}

static void route_is_found_by_method_and_path(void **state)
{
    (void)state;
    Match m = match("POST", "/v1/score");
    assert_non_null(m.route);
    assert_string_equal(m.route->path, "/v1/score");
    assert_string_equal(match("POST", "/v1/score:batch").route->path, "/v1/score:batch");
    assert_string_equal(match("HEAD", "/healthz").route->path, "/healthz");
}

static void route_of_another_method_is_known_and_says_which(void **state)
{
    (void)state;
    Match m = match("DELETE", "/v1/score");
    assert_null(m.route);
    assert_true(m.known);
    assert_string_equal(m.allow, "POST, OPTIONS");
    assert_string_equal(match("POST", "/healthz").allow, "GET, HEAD, OPTIONS");
}

static void route_that_is_none_is_not_known(void **state)
{
    (void)state;
    static const char *const paths[] = {"/v1/scores",       "/v1",       "/v1/score/",
                                        "//v1/score",       "/V1/score", "/v1/score/x",
                                        "/v2/models//infer"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        Match m = match("POST", paths[i]);
        assert_null(m.route);
        assert_false(m.known);
    }
}

static void parameter_is_unescaped_once(void **state)
{
    (void)state;
    Match m = match("GET", "/v2/models/a%2Fb%2520%C3%A9/versions/0123");
    assert_non_null(m.route);
    assert_false(m.malformed);
    assert_true(str_equal(m.parameter[0], S("a/b%20\xC3\xA9")));
    assert_true(str_equal(m.parameter[1], S("0123")));
}

static void parameter_that_no_identifier_holds_is_malformed(void **state)
{
    (void)state;
    static const char *const ids[] = {"%", "%4", "%zz", "a%00b", "%ff", "%C3"};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        char path[64] = "/v2/models/";
        Match m = match("GET", strcat(path, ids[i]));
        assert_non_null(m.route);
        assert_true(m.malformed);
    }
}

static void only_health_and_metrics_stand_outside_of_the_base_path(void **state)
{
    (void)state;
    Match m;
    route_match(&m, &arena, &service, S("GET"), S("/healthz"), true, false);
    assert_non_null(m.route);
    route_match(&m, &arena, &service, S("GET"), S("/"), true, false);
    assert_non_null(m.route);
    route_match(&m, &arena, &service, S("POST"), S("/v1/score"), true, false);
    assert_false(m.known);
    route_match(&m, &arena, &service, S("POST"), S("/v1/score"), false, true);
    assert_false(m.known); /* nor on the admin listener */
}

static void base_path_is_taken_off_at_a_slash_only(void **state)
{
    (void)state;
    Str rest;
    assert_true(path_under(&rest, S("/ai/v1/score"), S("/ai")));
    assert_true(str_equal(rest, S("/v1/score")));
    assert_true(path_under(&rest, S("/ai"), S("/ai")));
    assert_true(str_equal(rest, S("/")));
    assert_false(path_under(&rest, S("/aix/v1"), S("/ai")));
    assert_false(path_under(&rest, S("/v1"), S("/ai")));
    assert_true(path_under(&rest, S("/v1"), S("")));
}

static void addresses_are_read_and_loopback_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *host;
        int port;
        bool loopback;
    } good[] = {{"127.0.0.1:8080", "127.0.0.1", 8080, true},
                {"localhost:0", "127.0.0.1", 0, true},
                {"[::1]:1", "::1", 1, true},
                {"127.9.9.9:1", "127.9.9.9", 1, true},
                {"0.0.0.0:8080", "0.0.0.0", 8080, false},
                {":8080", "", 8080, false},
                {"*:8080", "", 8080, false},
                {"[::]:8080", "::", 8080, false},
                {"10.0.0.1:80", "10.0.0.1", 80, false}};
    static const char *const bad[] = {
        "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "127.0.0.1:-1", ""};
    char host[64];
    int port;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(listen_parse(host, &port, good[i].listen));
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
        assert_int_equal(listen_is_loopback(good[i].listen), good[i].loopback);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(listen_parse(host, &port, bad[i]));
}

static void the_best_accepted_encoding_is_taken(void **state)
{
    (void)state;
    assert_int_equal(encoding_accepted(S("")), ENCODING_PLAIN);
    assert_int_equal(encoding_accepted(S("br, deflate")), ENCODING_PLAIN);
    assert_int_equal(encoding_accepted(S("gzip, deflate, br")), ENCODING_GZIP);
    assert_int_equal(encoding_accepted(S("gzip, zstd")), ENCODING_ZSTD);
    assert_int_equal(encoding_accepted(S("gzip;q=0.5, zstd;q=0")), ENCODING_GZIP);
    assert_int_equal(encoding_accepted(S("gzip; q=0")), ENCODING_PLAIN);
    assert_int_equal(encoding_accepted(S(",;,=,,;q")), ENCODING_PLAIN);
    assert_int_equal(encoding_of(S("GZIP")), ENCODING_GZIP);
    assert_int_equal(encoding_of(S("br")), ENCODING_OTHER);
}

static void the_budget_is_never_passed(void **state)
{
    (void)state;
    ServeSettings settings = {.limits = {.memory_bytes = 100}};
    Service s = {.settings = &settings};
    assert_true(budget_take(&s, 60));
    assert_false(budget_take(&s, 41));
    assert_true(budget_take(&s, 40));
    assert_false(budget_take(&s, 1));
    budget_give(&s, 60);
    assert_true(budget_take(&s, 60));
    budget_hold(&s, 50); /* a reply that is there already */
    assert_false(budget_take(&s, 1));
}

static void a_fault_says_its_status_by_its_code(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int status;
    } cases[] = {{"not_json", 400}, {"too_deep", 400}, {"too_many", 413}, {"unknown_field", 422}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Fault f = {.code = cases[i].code};
        assert_int_equal(fault_status(&f), cases[i].status);
    }
}

static void an_address_is_read_and_a_network_of_ipv6_is_one(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
        size_t size;
    } good[] = {{"192.0.2.1", "\xC0\0\2\1", 4},
                {" 192.0.2.1:443 ", "\xC0\0\2\1", 4},
                {"::ffff:192.0.2.1", "\xC0\0\2\1", 4},
                {"2001:db8:0:7::1", "\x20\1\x0D\xB8\0\0\0\7", 8},
                {"2001:db8:0:7:ffff::", "\x20\1\x0D\xB8\0\0\0\7", 8},
                {"[2001:db8:0:7::1]", "\x20\1\x0D\xB8\0\0\0\7", 8},
                {"[2001:db8:0:7::1]:443", "\x20\1\x0D\xB8\0\0\0\7", 8}};
    static const char *const bad[] = {
        "",
        " ",
        "unknown",
        "1.2.3",
        "1.2.3.4.5",
        "[",
        "[]",
        "[::1",
        ":",
        "::g",
        "for=1.2.3.4",
        "1111111111111111111111111111111111111111111111111111111111111111111111111111111"};
    uint8_t bytes[ADDRESS_BYTES];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        Str got = address_read(bytes, str_from(good[i].text));
        assert_int_equal(got.size, good[i].size);
        assert_memory_equal(got.data, good[i].bytes, good[i].size);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(address_read(bytes, str_from(bad[i])).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_read_and_a_network_of_ipv6_is_one),
        cmocka_unit_test(route_is_found_by_method_and_path),
        cmocka_unit_test(route_of_another_method_is_known_and_says_which),
        cmocka_unit_test(route_that_is_none_is_not_known),
        cmocka_unit_test(parameter_is_unescaped_once),
        cmocka_unit_test(parameter_that_no_identifier_holds_is_malformed),
        cmocka_unit_test(only_health_and_metrics_stand_outside_of_the_base_path),
        cmocka_unit_test(base_path_is_taken_off_at_a_slash_only),
        cmocka_unit_test(addresses_are_read_and_loopback_is_known),
        cmocka_unit_test(the_best_accepted_encoding_is_taken),
        cmocka_unit_test(the_budget_is_never_passed),
        cmocka_unit_test(a_fault_says_its_status_by_its_code),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
