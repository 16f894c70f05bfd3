/* Rates: what each caller may ask for, by a clock that only goes forward. */
#include "auth/auth_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

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

static size_t taken(Rates *r, uint64_t who, int64_t now_us, size_t tries)
{
    size_t got = 0;
    int retry;
    for (size_t i = 0; i < tries; i++)
        got += rates_take(r, who, now_us, &retry);
    return got;
}

static void a_burst_and_then_the_rate(void **state)
{
    (void)state;
    Rates *r = rates_new(&arena, 10, 25);
    int retry = 0;
    assert_int_equal(taken(r, 7, 0, 100), 25);
    assert_false(rates_take(r, 7, 0, &retry));
    assert_int_equal(retry, 1);
    assert_int_equal(taken(r, 7, 1 * SECOND_US, 100), 10);
    assert_int_equal(taken(r, 7, 1 * SECOND_US + 50000, 100), 0);
    assert_int_equal(taken(r, 7, 1 * SECOND_US + 100000, 100), 1);
    assert_int_equal(taken(r, 7, 100 * SECOND_US, 100), 25); /* never more than the burst */
    rates_free(r);
}

static void one_caller_does_not_spend_for_another(void **state)
{
    (void)state;
    Rates *r = rates_new(&arena, 1, 3);
    assert_int_equal(taken(r, 1, 0, 10), 3);
    assert_int_equal(taken(r, 2, 0, 10), 3);
    assert_int_equal(taken(r, 0, 0, 10), 3);
    assert_int_equal(taken(r, 0, 0, 10), 0);
    rates_free(r);
}

static void a_slow_rate_says_when(void **state)
{
    (void)state;
    Rates *r = rates_new(&arena, 0.1, 1);
    int retry = 0;
    assert_true(rates_take(r, 1, 0, &retry));
    assert_false(rates_take(r, 1, 0, &retry));
    assert_int_equal(retry, 10);
    assert_false(rates_take(r, 1, 6 * SECOND_US, &retry));
    assert_int_equal(retry, 4);
    assert_true(rates_take(r, 1, 10 * SECOND_US, &retry));
    rates_free(r);
}

/* Threads read the clock at about the same time, and one may come to the table later. */
static void an_earlier_clock_gives_nothing(void **state)
{
    (void)state;
    Rates *r = rates_new(&arena, 10, 10);
    assert_int_equal(taken(r, 1, 5 * SECOND_US, 100), 10);
    assert_int_equal(taken(r, 1, 1 * SECOND_US, 100), 0);
    assert_int_equal(taken(r, 1, 5 * SECOND_US, 100), 0);
    assert_int_equal(taken(r, 1, 6 * SECOND_US, 100), 10);
    rates_free(r);
}

/* Eight thousand places: whoever is spent keeps his when strangers come by. */
static void strangers_do_not_refill_a_bucket(void **state)
{
    (void)state;
    Rates *r = rates_new(&arena, 1, 5);
    assert_int_equal(taken(r, 1025, 0, 10), 5);
    int retry;
    for (uint64_t i = 0; i < 100000; i++)
        (void)rates_take(r, 1 + 1024 * (i + 100), 0, &retry); /* all in the same place */
    assert_int_equal(taken(r, 1025, 0, 10), 0);
    rates_free(r);
}

static void to_look_takes_nothing_and_knows_nobody_new(void **state)
{
    (void)state;
    Rates *r = rates_new(&arena, 0.1, 2);
    int retry = 0;
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(rates_left(r, i, 0, &retry));
    assert_int_equal(taken(r, 7, 0, 10), 2);
    assert_false(rates_left(r, 7, 0, &retry));
    assert_int_equal(retry, 10);
    assert_int_equal(taken(r, 0, 0, 10), 2);
    assert_false(rates_left(r, 0, 0, &retry));
    assert_true(rates_left(r, 7 + 1024, 0, &retry)); /* another one in the same place */
    assert_true(rates_left(r, 7, 10 * SECOND_US, &retry));
    rates_free(r);
}

static void an_address_may_fail_so_often_a_minute(void **state)
{
    (void)state;
    Auth *a;
    Error err = {0};
    int retry = 0;
    Str one = S("\xC0\0\2\1"), other = S("\xC0\0\2\2");
    AuthSettings s = {.kind = AUTH_NONE};
    assert_int_equal(auth_open(&a, &s, &err), STATUS_OK);
    for (size_t i = 0; i < 1000; i++)
        auth_failed(a, one, 0);
    assert_true(auth_may_try(a, one, 0, &retry)); /* no limit is set */
    auth_close(a);
    s.failures_per_minute = 6;
    assert_int_equal(auth_open(&a, &s, &err), STATUS_OK);
    for (size_t i = 0; i < 6; i++) {
        assert_true(auth_may_try(a, one, 0, &retry));
        auth_failed(a, one, 0);
    }
    assert_false(auth_may_try(a, one, 0, &retry));
    assert_int_equal(retry, 10);
    assert_true(auth_may_try(a, other, 0, &retry));
    assert_true(auth_may_try(a, one, 10 * SECOND_US, &retry));
    auth_failed(a, one, 10 * SECOND_US);
    assert_false(auth_may_try(a, one, 10 * SECOND_US, &retry));
    auth_close(a);
    s.failures_per_minute = -1;
    assert_int_equal(auth_open(&a, &s, &err), STATUS_USAGE);
}

static void nobody_is_counted_where_there_is_no_limit(void **state)
{
    (void)state;
    Auth *a;
    Error err = {0};
    Caller caller;
    int retry;
    AuthSettings s = {.kind = AUTH_NONE};
    assert_int_equal(auth_open(&a, &s, &err), STATUS_OK);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(auth_check(a, &caller, &retry, SCOPE_ERASE, (Str){0}, (Str){0}, 0, 0),
                         AUTH_OK);
    assert_string_equal(caller.name, "anonymous");
    auth_close(a);
    s.rate_per_second = 2;
    s.rate_burst = 4;
    assert_int_equal(auth_open(&a, &s, &err), STATUS_OK);
    size_t good = 0;
    for (size_t i = 0; i < 10; i++)
        good += auth_check(a, &caller, &retry, SCOPE_SCORE, (Str){0}, (Str){0}, 0, 0) == AUTH_OK;
    assert_int_equal(good, 4);
    assert_int_equal(auth_check(a, &caller, &retry, SCOPE_SCORE, (Str){0}, (Str){0}, 0, 0),
                     AUTH_LIMITED);
    assert_int_equal(retry, 1);
    assert_int_equal(auth_check(a, &caller, &retry, SCOPE_OPEN, (Str){0}, (Str){0}, 0, 0), AUTH_OK);
    auth_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_and_then_the_rate),
        cmocka_unit_test(one_caller_does_not_spend_for_another),
        cmocka_unit_test(a_slow_rate_says_when),
        cmocka_unit_test(to_look_takes_nothing_and_knows_nobody_new),
        cmocka_unit_test(an_address_may_fail_so_often_a_minute),
        cmocka_unit_test(an_earlier_clock_gives_nothing),
        cmocka_unit_test(strangers_do_not_refill_a_bucket),
        cmocka_unit_test(nobody_is_counted_where_there_is_no_limit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
