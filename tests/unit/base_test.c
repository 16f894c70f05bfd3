#include "base/base.h"

#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t bits(double x)
{
    uint64_t out;
    memcpy(&out, &x, sizeof out);
    return out;
}

static void same_text(Str got, const char *want)
{
    if (!str_equal(got, str_from(want)))
        fail_msg("`%.*s` is not `%s`", STR_ARG(got), want);
}

/* ---- errors ---- */

static void error_keeps_the_first(void **state)
{
    (void)state;
    Error err = {0};
    assert_int_equal(error_set(&err, STATUS_IO, "first %d", 1), STATUS_IO);
    assert_int_equal(error_set(&err, STATUS_DATA, "second"), STATUS_IO);
    assert_int_equal(error_place(&err, "a.csv", 3, 7), STATUS_IO);
    assert_int_equal(error_place(&err, "b.csv", 4, 8), STATUS_IO);
    assert_int_equal(error_remedy(&err, "mend it"), STATUS_IO);
    assert_int_equal(error_remedy(&err, "leave it"), STATUS_IO);
    assert_string_equal(err.message, "first 1");
    assert_string_equal(err.file, "a.csv");
    assert_int_equal(err.line, 3);
    assert_int_equal(err.column, 7);
    assert_string_equal(err.remedy, "mend it");
}

static void error_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, STATUS_LIMIT, "nobody reads this"), STATUS_LIMIT);
    assert_int_not_equal(error_place(NULL, "a", 1, 1), STATUS_OK);
    assert_int_not_equal(error_remedy(NULL, "do"), STATUS_OK);
}

static Error at_fault(Str text, size_t offset)
{
    Error err = {0};
    (void)error_set(&err, STATUS_FORMAT, "wrong");
    error_excerpt(&err, text, offset);
    return err;
}

static void error_shows_the_line_at_fault(void **state)
{
    (void)state;
    Error err = at_fault(S("first\n  second line\nthird"), 15);
    assert_string_equal(err.excerpt, "second line");
    assert_int_equal(err.caret, 7);
    err = at_fault(S("h\xC3\xA9t\xC3\xA9 = x\tand\x01"), 9); /* characters, not bytes */
    assert_string_equal(err.excerpt, "h\xC3\xA9t\xC3\xA9 = x and?");
    assert_int_equal(err.caret, 7);
    err = at_fault(S("open ("), 6); /* at the end */
    assert_string_equal(err.excerpt, "open (");
    assert_int_equal(err.caret, 6);
    err = at_fault(S(""), 0);
    assert_string_equal(err.excerpt, "");
    error_excerpt(NULL, S("nobody reads this"), 3);

    char text[401];
    memset(text, 'a', 400);
    text[200] = 'X';
    text[400] = '\0';
    err = at_fault(str_from(text), 200);
    assert_int_equal(err.excerpt[err.caret], 'X');
    assert_int_equal(strlen(err.excerpt), 3 + 60 + 40 + 3);
    error_excerpt(&err, S("another"), 0); /* the first stays */
    assert_int_equal(err.excerpt[err.caret], 'X');
}

static void error_shows_the_line_of_the_file_when_it_agrees(void **state)
{
    (void)state;
    const Str book = S("a: 1\nexpr: x + yy\n");
    Error err = {0};
    (void)error_set(&err, STATUS_FORMAT, "wrong");
    (void)error_place(&err, "book", 2, 11);
    error_excerpt(&err, S("x + yy"), 4);
    error_excerpt_file(&err, "other", book); /* not the error's file */
    assert_string_equal(err.excerpt, "x + yy");
    error_excerpt_file(&err, "book", S("a: 1\nexpr: x+ yy z\n"));
    assert_string_equal(err.excerpt, "x + yy"); /* something else stands there */
    error_excerpt_file(&err, "book", S("a: 1\n"));
    assert_string_equal(err.excerpt, "x + yy"); /* no such line */
    error_excerpt_file(&err, "book", book);
    assert_string_equal(err.excerpt, "expr: x + yy");
    assert_int_equal(err.caret, 10);
    err = (Error){0};
    (void)error_set(&err, STATUS_FORMAT, "wrong");
    (void)error_place(&err, "book", 1, 4);
    error_excerpt_file(&err, "book", book); /* nothing shown yet */
    assert_string_equal(err.excerpt, "a: 1");
    assert_int_equal(err.caret, 3);
}

static void error_cuts_a_long_sentence(void **state)
{
    (void)state;
    Error err = {0};
    char text[2000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    (void)error_set(&err, STATUS_FORMAT, "%s", text);
    (void)error_place(&err, text, 1, 1);
    (void)error_remedy(&err, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(strlen(err.file), sizeof err.file - 1);
    assert_int_equal(strlen(err.remedy), sizeof err.remedy - 1);
}

static void error_passed_on_never_overwrites(void **state)
{
    (void)state;
    Error first = {0}, second = {0};
    (void)error_set(&second, STATUS_IO, "second");
    (void)error_remedy(&second, "wait");
    error_pass(NULL, &second);
    error_pass(&first, &second);
    assert_int_equal(first.status, STATUS_IO);
    assert_string_equal(first.message, "second");
    assert_string_equal(first.remedy, "wait");
    Error third = {0};
    (void)error_set(&third, STATUS_DATA, "third");
    error_pass(&first, &third);
    assert_string_equal(first.message, "second");
}

/* ---- arenas ---- */

static void arena_adopted_lives_as_long_as_the_other(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) { /* ranges are put by and taken again */
        Arena arena = arena_new(), one = arena_new(), two = arena_new(), inner = arena_new();
        arena_adopt(&one, inner);
        arena_adopt(&arena, one);
        arena_adopt(&arena, two);
        char *a = arena_alloc(&one, 3000, 1), *b = arena_alloc(&two, 3000, 1);
        char *c = arena_alloc(&inner, 3000, 1);
        assert_true(a != b && b != c && a != c);
        memset(a, 1, 3000);
        memset(b, 2, 3000);
        memset(c, 3, 3000);
        assert_int_equal(a[2999] + b[2999] + c[2999], 6);
        arena_free(&arena);
        assert_null(arena.range);
        /* All four are there again, each once. */
        Arena again[4];
        for (size_t i = 0; i < COUNT_OF(again); i++) {
            again[i] = arena_new();
            for (size_t k = 0; k < i; k++)
                assert_ptr_not_equal(again[i].range, again[k].range);
        }
        for (size_t i = 0; i < COUNT_OF(again); i++)
            arena_free(&again[i]);
    }
}

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    Arena arena = arena_new();
    char *last = NULL;
    for (size_t size = 1; size < 200; size++) {
        char *p = arena_alloc(&arena, size, 1);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true(last == NULL || p > last);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xA5, size);
        last = p + size - 1;
    }
    arena_free(&arena);
    assert_null(arena.range);
    arena_free(&arena); /* a second time does nothing */
}

static void arena_scratch_by_value_gives_its_memory_back(void **state)
{
    (void)state;
    Arena arena = arena_new(), scratch = arena;
    char *first = arena_alloc(&scratch, 100, 1);
    memset(first, 0xFF, 100);
    char *again = arena_alloc(&arena, 100, 1);
    assert_ptr_equal(first, again);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(again[i], 0); /* zeroed although it was used before */
    arena_free(&arena);
}

static void arena_grows_the_last_array_in_place(void **state)
{
    (void)state;
    Arena arena = arena_new();
    uint64_t *array = ARENA_ARRAY(&arena, uint64_t, 10);
    for (uint64_t i = 0; i < 10; i++)
        array[i] = i;
    uint64_t *grown = arena_grow(&arena, array, 10, 1000, sizeof *array);
    assert_ptr_equal(grown, array);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(grown[i], i < 10 ? i : 0);
    char *next = arena_alloc(&arena, 1, 1);
    assert_true(next >= (char *)(grown + 1000));
    arena_free(&arena);
}

static void arena_copies_an_array_that_is_not_last(void **state)
{
    (void)state;
    Arena arena = arena_new();
    uint64_t *array = ARENA_ARRAY(&arena, uint64_t, 10);
    for (uint64_t i = 0; i < 10; i++)
        array[i] = i;
    char *other = arena_alloc(&arena, 1, 1);
    *other = 'x';
    uint64_t *grown = arena_grow(&arena, array, 10, 20, sizeof *array);
    assert_ptr_not_equal(grown, array);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(grown[i], i < 10 ? i : 0);
    assert_int_equal(*other, 'x');
    arena_free(&arena);
}

/* Growth smaller than the padding of the last array. */
static void arena_grows_by_a_byte_at_a_time(void **state)
{
    (void)state;
    Arena arena = arena_new();
    char *text = NULL;
    for (size_t n = 0; n < 100; n++) {
        text = arena_grow(&arena, text, n, n + 1, 1);
        assert_int_equal(text[n], 0);
        text[n] = (char)n;
    }
    char *next = arena_alloc(&arena, 16, 1);
    memset(next, 0xFF, 16);
    for (size_t n = 0; n < 100; n++)
        assert_int_equal(text[n], n);
    arena_free(&arena);
}

static void arena_push_keeps_what_was_pushed(void **state)
{
    (void)state;
    Arena arena = arena_new();
    uint32_t *item = NULL;
    size_t count = 0, capacity = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        *ARENA_PUSH(&arena, item, count, capacity) = i * 3;
        if (i % 100 == 0)
            (void)arena_alloc(&arena, 1, 1); /* in the way of growing in place */
    }
    assert_int_equal(count, 10000);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(item[i], i * 3);
    arena_free(&arena);
}

/* ---- strings ---- */

static void str_utf8_follows_rfc_3629(void **state)
{
    (void)state;
    static const struct {
        Str text;
        bool valid;
    } cases[] = {
        {{"", 0}, true},
        {{"plain", 5}, true},
        {{"\0", 1}, true},
        {{"\x7F", 1}, true},
        {{"\x80", 1}, false},
        {{"\xBF", 1}, false},
        {{"\xC0\x80", 2}, false},
        {{"\xC1\xBF", 2}, false},
        {{"\xC2\x80", 2}, true},
        {{"\xDF\xBF", 2}, true},
        {{"\xC3", 1}, false},
        {{"\xC3(", 2}, false},
        {{"\xE0\x80\x80", 3}, false},
        {{"\xE0\x9F\xBF", 3}, false},
        {{"\xE0\xA0\x80", 3}, true},
        {{"\xE2\x82\xAC", 3}, true},
        {{"\xE2\x82", 2}, false},
        {{"\xE2\x28\xAC", 3}, false},
        {{"\xED\x9F\xBF", 3}, true},
        {{"\xED\xA0\x80", 3}, false},
        {{"\xED\xBF\xBF", 3}, false},
        {{"\xEF\xBF\xBF", 3}, true},
        {{"\xF0\x8F\xBF\xBF", 4}, false},
        {{"\xF0\x90\x80\x80", 4}, true},
        {{"\xF0\x9F\x98\x80", 4}, true},
        {{"\xF0\x9F\x98", 3}, false},
        {{"\xF4\x8F\xBF\xBF", 4}, true},
        {{"\xF4\x90\x80\x80", 4}, false},
        {{"\xF5\x80\x80\x80", 4}, false},
        {{"\xFF", 1}, false},
        {{"a\xE2\x82\xAC"
          "b",
          5},
         true},
        {{"ok\xFE", 3}, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (str_valid_utf8(cases[i].text) != cases[i].valid)
            fail_msg("case %zu is taken the wrong way", i);
}

static void str_compare_is_by_bytes_and_shorter_first(void **state)
{
    (void)state;
    static const Str ascending[] = {{"", 0},   {"\0", 1}, {"A", 1}, {"AB", 2},       {"a", 1},
                                    {"aa", 2}, {"ab", 2}, {"b", 1}, {"\xC3\xA9", 2}, {"\xFF", 1}};
    for (size_t i = 0; i < COUNT_OF(ascending); i++)
        for (size_t j = 0; j < COUNT_OF(ascending); j++) {
            int order = str_compare(ascending[i], ascending[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(str_equal(ascending[i], ascending[j]), i == j);
        }
}

static void str_pieces_stay_inside(void **state)
{
    (void)state;
    Str s = S("  two words\t\r\n");
    same_text(str_trim(s), "two words");
    same_text(str_trim(S(" \t ")), "");
    same_text(str_slice(S("abcdef"), 2, 4), "cd");
    same_text(str_slice(S("abcdef"), 4, 2), "");
    same_text(str_slice(S("abcdef"), 4, 99), "ef");
    same_text(str_slice(S("abcdef"), 99, 100), "");
    assert_true(str_starts(S("abc"), S("ab")));
    assert_true(str_starts(S("abc"), S("")));
    assert_true(str_starts((Str){0}, (Str){0}));
    assert_false(str_starts(S("ab"), S("abc")));
    assert_true(str_contains(S("abc"), S("bc")));
    assert_true(str_contains((Str){0}, (Str){0}));
    assert_false(str_contains(S("abc"), S("cb")));
    assert_true(str_equal_fold(S("CompleteD"), S("cOMPLETEd")));
    assert_false(str_equal_fold(S("a"), S("ab")));
    same_text(str_from(NULL), "");
}

static void str_distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(str_distance(S("kitten"), S("sitting"), 9), 3);
    assert_int_equal(str_distance(S(""), S("abc"), 9), 3);
    assert_int_equal(str_distance(S("abc"), S(""), 9), 3);
    assert_int_equal(str_distance(S("Amount"), S("amount"), 9), 0);
    assert_int_equal(str_distance(S("kitten"), S("sitting"), 1), 2); /* limit + 1 */
}

static void str_nearest_suggests_only_what_is_near(void **state)
{
    (void)state;
    static const Str names[] = {{"created_at", 10}, {"completed_at", 12}, {"amount", 6}, {"id", 2}};
    same_text(str_nearest(S("creatd_at"), names, 4), "created_at");
    same_text(str_nearest(S("complete_at"), names, 4), "completed_at");
    same_text(str_nearest(S("AMOUNT"), names, 4), "amount");
    same_text(str_nearest(S("ad"), names, 4), "id");
    same_text(str_nearest(S("direction"), names, 4), "");
    same_text(str_nearest(S("anything"), names, 0), "");
}

static void buffer_puts_text_together(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Buffer b = buffer_new(&arena);
    assert_int_equal(buffer_str(&b).size, 0);
    for (int i = 0; i < 1000; i++) {
        buffer_add(&b, S("ab"));
        buffer_char(&b, '-');
        buffer_format(&b, "%03d", i);
        (void)arena_alloc(&arena, 1, 1);
    }
    Str s = buffer_str(&b);
    assert_int_equal(s.size, 6000);
    same_text(str_slice(s, 0, 12), "ab-000ab-001");
    same_text(str_slice(s, 5994, 6000), "ab-999");
    Str formatted = str_format(&arena, "%s %zu", "x", (size_t)7);
    same_text(formatted, "x 7");
    assert_int_equal(formatted.data[formatted.size], '\0');
    arena_free(&arena);
}

/* ---- numbers ---- */

static void decimal_is_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int scale;
        int64_t value;
    } cases[] = {{"0", 2, 0},
                 {"-0", 2, 0},
                 {"12.5", 2, 1250},
                 {"12.50", 2, 1250},
                 {"12.5000", 2, 1250},
                 {"+12.34", 2, 1234},
                 {"-12.34", 2, -1234},
                 {".5", 2, 50},
                 {"5.", 2, 500},
                 {"000012", 0, 12},
                 {"7.000", 0, 7},
                 {"0.1", 18, 100000000000000000},
                 {"92233720368547758.07", 2, INT64_MAX},
                 {"-92233720368547758.08", 2, INT64_MIN},
                 {"9223372036854775807", 0, INT64_MAX},
                 {"-9223372036854775808", 0, INT64_MIN}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t got = 42;
        if (!parse_decimal(str_from(cases[i].text), cases[i].scale, &got) || got != cases[i].value)
            fail_msg("%s reads as %lld", cases[i].text, (long long)got);
    }
}

static void decimal_refuses_what_it_cannot_hold(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int scale;
    } cases[] = {{"", 2},
                 {"-", 2},
                 {"+", 2},
                 {".", 2},
                 {"-.", 2},
                 {"1.234", 2},
                 {"1.001", 2},
                 {"1,5", 2},
                 {"1 ", 2},
                 {" 1", 2},
                 {"1e3", 2},
                 {"0x10", 0},
                 {"1.2.3", 2},
                 {"--1", 2},
                 {"1-", 2},
                 {"nan", 2},
                 {"inf", 2},
                 {"92233720368547758.08", 2},
                 {"-92233720368547758.09", 2},
                 {"9223372036854775808", 0},
                 {"-9223372036854775809", 0},
                 {"99999999999999999999999", 0},
                 {"10", 18},
                 {"9.3", 18}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t got = 42;
        if (parse_decimal(str_from(cases[i].text), cases[i].scale, &got))
            fail_msg("`%s` is read as %lld", cases[i].text, (long long)got);
        assert_int_equal(got, 42); /* nothing is written when nothing is read */
    }
    int64_t got;
    assert_false(parse_int64(S("7.0"), &got));
    assert_false(parse_int64((Str){0}, &got));
    assert_true(parse_int64(S("-7"), &got) && got == -7);
}

static void decimal_text_reads_back(void **state)
{
    (void)state;
    char text[NUMBER_TEXT];
    same_text(decimal_text(text, 1250, 2), "12.50");
    same_text(decimal_text(text, -5, 2), "-0.05");
    same_text(decimal_text(text, 7, 0), "7");
    same_text(decimal_text(text, INT64_MIN, 2), "-92233720368547758.08");
    same_text(decimal_text(text, INT64_MIN, 18), "-9.223372036854775808");
    same_text(decimal_text(text, INT64_MAX, 0), "9223372036854775807");
    Random r = random_new(11);
    for (int i = 0; i < 20000; i++) {
        int scale = (int)random_below(&r, DECIMAL_SCALE_MAX + 1);
        int64_t value = (int64_t)(random_next(&r) >> random_below(&r, 64)), got;
        value = random_below(&r, 2) ? -value : value;
        assert_true(parse_decimal(decimal_text(text, value, scale), scale, &got));
        assert_true(got == value);
    }
}

static void double_text_reads_back(void **state)
{
    (void)state;
    char text[NUMBER_TEXT];
    same_text(double_text(text, 0.1), "0.1");
    same_text(double_text(text, -2.5), "-2.5");
    same_text(double_text(text, 1e300), "1e+300");
    same_text(double_text(text, 1.0 / 3), "0.3333333333333333");
    Random r = random_new(12);
    for (int i = 0; i < 100000; i++) {
        uint64_t raw = random_next(&r);
        double value, got;
        memcpy(&value, &raw, sizeof value);
        if (!isfinite(value))
            continue;
        assert_true(parse_double(double_text(text, value), &got));
        assert_true(bits(got) == bits(value));
    }
    static const double edges[] = {0.0,
                                   -0.0,
                                   5e-324,
                                   2.2250738585072014e-308,
                                   1.7976931348623157e308,
                                   -1.7976931348623157e308};
    for (size_t i = 0; i < COUNT_OF(edges); i++) {
        double got;
        assert_true(parse_double(double_text(text, edges[i]), &got));
        assert_true(bits(got) == bits(edges[i]));
    }
}

/* The first of 15, 16 and 17 digits that reads back, as printf writes it. */
static void same_as_printf(double value)
{
    char text[NUMBER_TEXT], wanted[NUMBER_TEXT];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(wanted, sizeof wanted, "%.*g", digits, value);
        if (strtod(wanted, NULL) == value)
            break;
    }
    same_text(double_text(text, value), wanted);
    assert_string_equal(text, wanted);
}

static void double_text_is_what_printf_writes(void **state)
{
    (void)state;
    Random r = random_new(13);
    for (int i = 0; i < 20000; i++) {
        double size = pow(10, (double)random_below(&r, 16) - 5);
        double value = (random_uniform(&r) - 0.5) * size;
        same_as_printf(value);
        same_as_printf((double)(float)value);
        /* Few binary places: now and then half-way between two numbers of 17 digits. */
        same_as_printf(ldexp((double)(random_next(&r) >> 11), -(int)random_below(&r, 60)));
        same_as_printf((double)random_below(&r, 1000000000) / ldexp(1, (int)random_below(&r, 24)));
        same_as_printf(-(double)random_below(&r, UINT64_C(1) << 50) /
                       ldexp(1, (int)random_below(&r, 9)));
        same_as_printf((double)random_below(&r, 100000000) / pow(10, (double)random_below(&r, 10)));
    }
    same_as_printf(8589934592.00390625); /* half-way */
    same_as_printf(0.0001);
    same_as_printf(0.0);
    same_as_printf(-0.0);
    same_as_printf(0.00009999999999999999);
    same_as_printf(999999999.9999999);
    same_as_printf(0x1p-13);
}

static void double_is_finite_and_decimal_digits_only(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "nan", "inf", "1e999", "-1e999", "0x1p3", "1 ",
                                      " 1", "1,5", "e5",  ".",     "1e",     "--1",   "1d3"};
    double got;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (parse_double(str_from(bad[i]), &got))
            fail_msg("`%s` is read", bad[i]);
    char big[200];
    memset(big, '1', sizeof big);
    assert_false(parse_double((Str){big, sizeof big}, &got));
    assert_false(parse_double((Str){"1\0", 2}, &got));
    assert_true(parse_double(S("-1.5e-3"), &got) && got == -1.5e-3);
}

/* How far x is from the true value, in units of the last place of a double. */
static double ulps(double x, long double truth)
{
    double near = (double)truth;
    int e;
    (void)frexp(near, &e);
    long double unit = ldexpl(1.0L, (e < -1021 ? -1021 : e) - 53);
    return (double)(fabsl((long double)x - truth) / unit);
}

static double worst_exp, worst_log, worst_log1p; /* of one test; see below */

static void try_exp(double x)
{
    double off = ulps(stable_exp(x), expl((long double)x));
    worst_exp = off > worst_exp ? off : worst_exp;
    if (off > 2)
        fail_msg("exp(%.17g) is %.17g, %.2f ulp off", x, stable_exp(x), off);
}

static void try_log(double x)
{
    double off = ulps(stable_log(x), logl((long double)x));
    worst_log = off > worst_log ? off : worst_log;
    if (off > 2)
        fail_msg("log(%.17g) is %.17g, %.2f ulp off", x, stable_log(x), off);
}

static void try_log1p(double x)
{
    double off = ulps(stable_log1p(x), log1pl((long double)x));
    worst_log1p = off > worst_log1p ? off : worst_log1p;
    if (off > 2)
        fail_msg("log1p(%.17g) is %.17g, %.2f ulp off", x, stable_log1p(x), off);
}

static void stable_exp_is_within_two_ulp(void **state)
{
    (void)state;
    worst_exp = 0;
    for (int i = -745000; i <= 709780; i++)
        try_exp((double)i / 1000);
    for (int i = -200000; i <= 200000; i++)
        try_exp((double)i / 100000);
    Random r = random_new(13);
    for (int i = 0; i < 200000; i++)
        try_exp(-745 + 1454.7 * random_uniform(&r));
    for (int e = -1074; e < -1; e++) {
        try_exp(ldexp(1.0, e));
        try_exp(-ldexp(1.0, e));
    }
    print_message("exp: worst %.3f ulp\n", worst_exp);
}

static void stable_log_is_within_two_ulp(void **state)
{
    (void)state;
    worst_log = 0;
    for (int e = -1074; e < 1024; e++)
        for (int i = 0; i < 200; i++)
            try_log(ldexp(1.0 + i / 200.0, e));
    for (int i = 1; i < 400000; i++)
        try_log((double)i / 100000);
    double x = 1;
    for (int i = 0; i < 10000; i++) /* near 1, where the result is small */
        try_log(x = nextafter(x, 2));
    x = 1;
    for (int i = 0; i < 10000; i++)
        try_log(x = nextafter(x, 0));
    Random r = random_new(14);
    for (int i = 0; i < 200000; i++)
        try_log(ldexp(1.0 + random_uniform(&r), (int)random_below(&r, 2046) - 1022));
    print_message("log: worst %.3f ulp\n", worst_log);
}

static void stable_log1p_is_within_two_ulp(void **state)
{
    (void)state;
    worst_log1p = 0;
    for (int e = -1074; e < 1000; e++)
        for (int i = 0; i < 50; i++) {
            double x = ldexp(1.0 + i / 50.0, e);
            try_log1p(x);
            if (x < 1)
                try_log1p(-x);
        }
    for (int i = -99999; i < 400000; i++)
        try_log1p((double)i / 100000);
    print_message("log1p: worst %.3f ulp\n", worst_log1p);
}

/* Inputs, and the bits of exp(x) and log(|x|). They must be these on every machine, or a
 * bundle made on one is refused on another. */
static const struct {
    double x;
    uint64_t exp, log;
} golden[] = {
    {-745, 0x0000000000000001, 0x401a741afe174a7a},
    {-744.5, 0x0000000000000001, 0x401a736aff76d8d2},
    {-740.25, 0x0000000000000042, 0x401a6d8e40ed01fa},
    {-708.39999999999998, 0x000ff15b469edf89, 0x401a40856818f025},
    {-700, 0x00d14f2b0fb9307f, 0x401a344e6741ebab},
    {-512.5, 0x11b891c51de88206, 0x4018f50b3eded583},
    {-100, 0x36ea8c1f14e2af5d, 0x40126bb1bbb55516},
    {-50.125, 0x3b69b8bdcea90086, 0x400f50efcd4277c4},
    {-20, 0x3e21b48655f37267, 0x4007f7427b73e391},
    {-10, 0x3f07cd79b5647c9a, 0x40026bb1bbb55516},
    {-5.5, 0x3f70bd4a5aca7728, 0x3ffb46a5ef8151a0},
    {-3, 0x3fa97db0ccceb0af, 0x3ff193ea7aad030a},
    {-2, 0x3fc152aaa3bf81cc, 0x3fe62e42fefa39ef},
    {-1.5, 0x3fcc8f87724b5c1d, 0x3fd9f323ecbf984c},
    {-1, 0x3fd78b56362cef38, 0x0000000000000000},
    {-0.69999999999999996, 0x3fdfc80db9dd5542, 0xbfd6d3c324e13f50},
    {-0.5, 0x3fe368b2fc6f960a, 0xbfe62e42fefa39ef},
    {-0.34999999999999998, 0x3fe68cce09671f71, 0xbff0cc1248b56ccc},
    {-0.34657359027997264, 0x3fe6a09e667f3bcc, 0xbff0f45e267477e0},
    {-0.10000000000000001, 0x3fecf46d99d52b3a, 0xc0026bb1bbb55515},
    {-0.001, 0x3feff7cfe56f1a9e, 0xc01ba18a998fffa0},
    {-1e-08, 0x3feffffffaa19c48, 0xc0326bb1bbb55516},
    {-9.9999999999999998e-17, 0x3fefffffffffffff, 0xc0426bb1bbb55516},
    {0, 0x3ff0000000000000, 0xfff0000000000000},
    {1e-300, 0x3ff0000000000000, 0xc085963447f87fb5},
    {1.0000000000000001e-17, 0x3ff0000000000000, 0xc043926cd770aa67},
    {1.0000000000000001e-09, 0x3ff000000044b830, 0xc034b927f32bffb8},
    {0.0001, 0x3ff00068dce3484e, 0xc0226bb1bbb55515},
    {0.050000000000000003, 0x3ff0d201a422a433, 0xc007f7427b73e391},
    {0.25, 0x3ff48b5e3c3e8186, 0xbff62e42fefa39ef},
    {0.34657359027997264, 0x3ff6a09e667f3bcc, 0xbff0f45e267477e0},
    {0.3465735902799727, 0x3ff6a09e667f3bcd, 0xbff0f45e267477df},
    {0.5, 0x3ffa61298e1e069c, 0xbfe62e42fefa39ef},
    {0.69314718055994529, 0x4000000000000000, 0xbfd774f29bdd6b9f},
    {0.75, 0x4000ef9db467dcf8, 0xbfd269621134db92},
    {1, 0x4005bf0a8b14576a, 0x0000000000000000},
    {1.25, 0x400bec38edb0faf0, 0x3fcc8ff7c79a9a22},
    {2, 0x401d8e64b8d4ddae, 0x3fe62e42fefa39ef},
    {2.7182818284590451, 0x402e4efb75e4527a, 0x3ff0000000000000},
    {3.5, 0x40408ec721396bdb, 0x3ff40b512eb53d60},
    {5, 0x40628d389970338f, 0x3ff9c041f7ed8d33},
    {7.3890000000000002, 0x409948594f41ca4a, 0x3ffffff809fc6fa6},
    {10, 0x40d5829dcf950560, 0x40026bb1bbb55516},
    {17.5, 0x4182fd6c832e3c72, 0x4006e5c99351654a},
    {33.299999999999997, 0x42f078401f5a3ec8, 0x400c0b61ad3275b2},
    {88.75, 0x47f070c68e479c40, 0x4011f17bb261ab9a},
    {250, 0x5679860afea3876c, 0x401615f9d9d17124},
    {500, 0x6d045ba2a9f7e438, 0x4018dbc239b0b862},
    {700, 0x7f0d945df4f8ec8e, 0x401a344e6741ebab},
    {709.5, 0x7fe81e9b4b52d0c9, 0x401a421c25960b33},
};

static void stable_exp_and_log_give_these_bits(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(golden), 50);
    for (size_t i = 0; i < COUNT_OF(golden); i++)
        if (bits(stable_exp(golden[i].x)) != golden[i].exp ||
            bits(stable_log(fabs(golden[i].x))) != golden[i].log)
            fail_msg("other bits for %.17g", golden[i].x);
}

static void stable_functions_keep_their_edges(void **state)
{
    (void)state;
    assert_true(stable_exp(0) == 1 && stable_exp(-0.0) == 1);
    assert_true(isinf(stable_exp(709.7828)) && isinf(stable_exp(INFINITY)));
    assert_true(isfinite(stable_exp(709.7827)));
    assert_true(stable_exp(-746) == 0 && stable_exp(-INFINITY) == 0);
    assert_true(isnan(stable_exp(NAN)) && isnan(stable_log(NAN)) && isnan(stable_log1p(NAN)));
    assert_true(stable_log(1) == 0 && stable_log(0) == -INFINITY && isnan(stable_log(-1)));
    assert_true(stable_log(INFINITY) == INFINITY && stable_log1p(INFINITY) == INFINITY);
    assert_true(stable_log1p(0) == 0 && stable_log1p(-1) == -INFINITY && isnan(stable_log1p(-2)));
    assert_true(stable_log1p(1e-300) == 1e-300);
    assert_true(stable_sigmoid(0) == 0.5 && stable_sigmoid(800) == 1 && stable_sigmoid(-800) == 0);
    assert_true(stable_logit(0.5) == 0);
    for (int i = -300; i <= 300; i++) {
        double x = i / 10.0, p = stable_sigmoid(x);
        assert_true(fabs(p + stable_sigmoid(-x) - 1) < 1e-15);
        assert_true(fabs(stable_logit(p) - x) < 1e-15 / (1 - p) + 1e-14);
    }
    assert_true(is_missing(MISSING_VALUE) && !is_missing(0) && !is_missing(INFINITY));
}

/* ---- time ---- */

static void time_reads_what_it_writes(void **state)
{
    (void)state;
    char text[TIME_TEXT];
    Random r = random_new(15);
    int64_t least, most, us;
    assert_true(parse_time(S("1900-01-01"), &least));
    assert_true(parse_time(S("2199-12-31 23:59:59.999999"), &most));
    for (int i = 0; i < 100000; i++) {
        int64_t at = least + (int64_t)random_below(&r, (uint64_t)(most - least) + 1);
        if (i % 2)
            at -= at % SECOND_US;
        assert_true(parse_time(time_text(text, at), &us));
        assert_true(us == at);
    }
    assert_true(parse_time(time_text(text, least), &us) && us == least);
    assert_true(parse_time(time_text(text, most), &us) && us == most);
}

static void time_has_these_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *utc;
    } cases[] = {
        {"1970-01-01", "1970-01-01 00:00:00 UTC"},
        {"2024-08-26", "2024-08-26 00:00:00 UTC"},
        {"2024-08-26 09:05", "2024-08-26 09:05:00 UTC"},
        {"2024-08-26T09:05:37", "2024-08-26 09:05:37 UTC"},
        {"2024-08-26 09:05:37.213234 UTC", "2024-08-26 09:05:37.213234 UTC"},
        {"2024-08-26 09:05:37.2", "2024-08-26 09:05:37.200000 UTC"},
        {"2024-08-26T09:05:37.213234999Z", "2024-08-26 09:05:37.213234 UTC"},
        {"2024-08-26 09:05:37+02:00", "2024-08-26 07:05:37 UTC"},
        {"2024-08-26 09:05:37 +0200", "2024-08-26 07:05:37 UTC"},
        {"2024-08-26 09:05:37-05", "2024-08-26 14:05:37 UTC"},
        {"2024-03-01 00:30+01:00", "2024-02-29 23:30:00 UTC"},
        {"1900-01-01 01:00:00 +01:00", "1900-01-01 00:00:00 UTC"},
        {"2199-12-31 22:59:59 -01:00", "2199-12-31 23:59:59 UTC"},
        {"1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999 UTC"},
    };
    char text[TIME_TEXT];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us;
        if (!parse_time(str_from(cases[i].text), &us))
            fail_msg("`%s` is not read", cases[i].text);
        same_text(time_text(text, us), cases[i].utc);
    }
}

static void time_refuses_what_is_no_instant(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2024",
        "2024-8-26",
        "2024-13-01",
        "2024-00-01",
        "2024-02-30",
        "2023-02-29",
        "2100-02-29", /* a century is no leap year */
        "1899-12-31",
        "2200-01-01",
        "2024-08-26 24:00:00",
        "2024-08-26 23:60:00",
        "2024-08-26 23:59:60",
        "2024-08-26 9:05:37",
        "2024-08-26 09:05:37.",
        "2024-08-26 09:05:37.1234567890",
        "2024-08-26 09:05.5", /* a fraction belongs to seconds */
        "2024-08-26 09:05:37 CET",
        "2024-08-26 09:05:37+",
        "2024-08-26 09:05:37+2",
        "2024-08-26 09:05:37+02:",
        "2024-08-26 09:05:37+02:0",
        "2024-08-26 09:05:37+15:00",
        "2024-08-26 09:05:37+02:60",
        "2024-08-26 09:05:37Z ",
        "2024-08-26x",
        "1900-01-01 00:30:00 +01:00", /* 1899 in UTC: could not be read back */
        "2199-12-31 23:30:00 -01:00", /* 2200 in UTC */
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t us = 42;
        if (parse_time(str_from(bad[i]), &us))
            fail_msg("`%s` is read", bad[i]);
        assert_int_equal(us, 42);
    }
}

static void date_round_trip_is_every_day(void **state)
{
    (void)state;
    char text[TIME_TEXT];
    int64_t from = days_from_civil(1900, 1, 1), to = days_from_civil(2199, 12, 31), got;
    assert_int_equal(days_from_civil(1970, 1, 1), 0);
    assert_int_equal(days_from_civil(2000, 3, 1), 11017);
    assert_int_equal(to - from + 1, 300 * 365 + 73);
    for (int64_t day = from; day <= to; day++) {
        assert_true(parse_date(date_text(text, day), &got));
        assert_true(got == day);
    }
    got = 42;
    assert_false(parse_date(S("2024-08-26 00:00"), &got));
    assert_true(got == 42);
    assert_false(parse_date(S("1899-12-31"), &got));
}

static void duration_reads_what_it_writes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
        const char *back;
    } cases[] = {{"90s", 90 * SECOND_US, "90s"},
                 {"10min", 10 * MINUTE_US, "10min"},
                 {"6h", 6 * HOUR_US, "6h"},
                 {"24h", DAY_US, "1d"},
                 {"14d", 14 * DAY_US, "14d"},
                 {"2w", 14 * DAY_US, "14d"},
                 {"0s", 0, "0s"},
                 {"36600d", 36600 * DAY_US, "36600d"},
                 {"3600s", HOUR_US, "1h"}};
    char text[TIME_TEXT];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us;
        if (!parse_duration(str_from(cases[i].text), &us) || us != cases[i].us)
            fail_msg("%s is %lld", cases[i].text, (long long)us);
        same_text(duration_text(text, us), cases[i].back);
    }
    static const char *const bad[] = {"",
                                      "d",
                                      "14",
                                      "14 d",
                                      "-1d",
                                      "1.5h",
                                      "36601d",
                                      "14D",
                                      "1month",
                                      "9223372036854775807w",
                                      "99999999999999999999s"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t us = 42;
        if (parse_duration(str_from(bad[i]), &us))
            fail_msg("`%s` is read", bad[i]);
        assert_int_equal(us, 42);
    }
}

/* ---- dictionary ---- */

static void dictionary_equals_a_list(void **state)
{
    (void)state;
    enum { WORDS = 3000 };
    Arena arena = arena_new();
    Dictionary *d = dictionary_new(&arena);
    Str *list = ARENA_ARRAY(&arena, Str, WORDS);
    size_t count = 0;
    Random r = random_new(16);
    for (int i = 0; i < 12000; i++) {
        char text[24];
        int size =
            snprintf(text, sizeof text, "w%llu", (unsigned long long)random_below(&r, WORDS));
        Str word = {text, i == 77 ? 0 : (size_t)size}; /* the empty word too */
        size_t at = 0;
        while (at < count && !str_equal(list[at], word))
            at++;
        assert_int_equal(dictionary_find(d, word), at < count ? at : NO_CODE);
        assert_int_equal(dictionary_add(d, word), at);
        if (at == count)
            list[count++] = str_copy(&arena, word);
        assert_int_equal(d->count, count);
        if (i % 500 == 9) /* room changes nothing, be it enough already or not */
            dictionary_reserve(d, (size_t)random_below(&r, (uint64_t)2 * WORDS) / 4);
    }
    for (size_t i = 0; i < count; i++)
        assert_true(str_equal(d->text[i], list[i]));
    arena_free(&arena);
}

/* ---- random streams ---- */

static void random_streams_never_change(void **state)
{
    (void)state;
    /* Of seed 0 as published with xoshiro256++ seeded by SplitMix64. */
    static const uint64_t zero[] = {0x53175d61490b23df, 0x61da6f3dc380d507, 0x5c0fdf91ec9a7bfc,
                                    0x02eebf8c3bbe5e1a};
    static const uint64_t one[] = {0xcfc5d07f6f03c29b, 0xbf424132963fe08d, 0x19a37d5757aaf520,
                                   0xbf08119f05cd56d6};
    static const uint64_t below[] = {1, 6, 8, 6};
    static const uint32_t shuffled[] = {9, 4, 3, 8, 7, 5, 0, 1, 6, 2};
    Random r = random_new(0);
    for (size_t i = 0; i < 4; i++)
        assert_true(random_next(&r) == zero[i]);
    r = random_new(1);
    for (size_t i = 0; i < 4; i++)
        assert_true(random_next(&r) == one[i]);
    assert_true(seed_derive(1, 0) == 0xfa427cf8b0e7a1c0);
    assert_true(seed_derive(1, 1) == 0x24959ec40fa0803c);
    assert_true(seed_derive(2, 1) == 0x3c1925cbebb0d41e);
    r = random_new(7);
    for (size_t i = 0; i < 4; i++)
        assert_true(random_below(&r, 10) == below[i]);
    assert_true(random_uniform(&r) == 0x1.ed64c7e5eaf2p-1);
    assert_true(random_uniform(&r) == 0x1.dce16d89f08bp-2);
    assert_true(random_uniform(&r) == 0x1.72a3f366c43d4p-1);
    assert_true(random_normal(&r) == -0x1.839a39c249ef4p-1);
    assert_true(random_normal(&r) == -0x1.032f64fba1cfdp+0);
    assert_true(random_normal(&r) == 0x1.110532477c6b2p+0);
    assert_true(random_exponential(&r) == 0x1.13f3c1bd62ed1p-1);
    assert_true(random_exponential(&r) == 0x1.92a8d54afcba6p+0);
    assert_true(random_exponential(&r) == 0x1.83840f635e79p-1);
    uint32_t item[10];
    for (uint32_t i = 0; i < 10; i++)
        item[i] = i;
    random_shuffle(&r, item, 10);
    assert_memory_equal(item, shuffled, sizeof item);
}

static void random_draws_have_their_moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    Random r = random_new(seed_derive(17, 3));
    double uniform = 0, normal = 0, square = 0, exponential = 0;
    size_t face[6] = {0};
    for (int i = 0; i < N; i++) {
        double u = random_uniform(&r), z = random_normal(&r);
        assert_true(u >= 0 && u < 1);
        uniform += u;
        normal += z;
        square += z * z;
        exponential += random_exponential(&r);
        face[random_below(&r, 6)]++;
    }
    assert_true(fabs(uniform / N - 0.5) < 0.005);
    assert_true(fabs(normal / N) < 0.01);
    assert_true(fabs(square / N - 1) < 0.02);
    assert_true(fabs(exponential / N - 1) < 0.015);
    for (int k = 0; k < 6; k++)
        assert_in_range(face[k], N / 6 - 800, N / 6 + 800);
    assert_int_equal(random_below(&r, 1), 0);
}

/* ---- team ---- */

typedef struct Work {
    uint64_t *out;
    size_t round;
} Work;

static void work_task(void *context, size_t task, Arena scratch)
{
    Work *w = context;
    uint64_t *own = ARENA_ARRAY(&scratch, uint64_t, 50 + task % 50);
    assert(own[0] == 0 && own[49] == 0);
    Random r = random_new(seed_derive(w->round, task));
    for (size_t i = 0; i < 50 + task % 50; i++)
        own[i] = random_next(&r);
    for (size_t i = 0; i < 50 + task % 50; i++)
        w->out[task] += own[i];
}

static void team_result_does_not_depend_on_threads(void **state)
{
    (void)state;
    enum { TASKS = 97, ROUNDS = 500 };
    static const size_t threads[] = {1, 2, 8};
    uint64_t expected[ROUNDS] = {0};
    for (size_t t = 0; t <= COUNT_OF(threads); t++) {
        Team *team = t == 0 ? NULL : team_new(threads[t - 1]); /* NULL: the caller alone */
        if (t > 0)
            assert_in_range(team_threads(team), 1, threads[t - 1]);
        for (size_t round = 0; round < ROUNDS; round++) {
            uint64_t out[TASKS] = {0}, sum = 0;
            Work w = {out, round};
            size_t count = round % (TASKS + 1);
            team_run(team, count, work_task, &w);
            for (size_t i = 0; i < TASKS; i++) {
                if (i >= count)
                    assert_true(out[i] == 0);
                sum = sum * 31 + out[i];
            }
            if (t == 0)
                expected[round] = sum;
            assert_true(sum == expected[round]);
        }
        team_free(team);
    }
}

static void team_of_no_work_is_freed(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        team_free(team_new(4));
    team_free(NULL);
    assert_int_equal(team_threads(NULL), 1);
    Team *team = team_new(0);
    assert_in_range(team_threads(team), 1, 256);
    team_free(team);
}

/* ---- files ---- */

static const char *temporary(Arena *arena)
{
    char *path = (char *)(uintptr_t)str_copy(arena, S("/tmp/assay-base-XXXXXX")).data;
    assert_non_null(mkdtemp(path));
    return path;
}

static void writer_shows_a_file_only_when_it_is_whole(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Error err = {0};
    Writer *w;
    Str got;
    const char *folder = temporary(&arena), *path = path_join(&arena, folder, "a.txt");
    assert_int_equal(file_write(path, S("old"), &err), STATUS_OK);
    assert_int_equal(writer_open(&w, &arena, path, &err), STATUS_OK);
    writer_add(w, S("new "));
    writer_format(w, "%d", 7);
    assert_int_equal(file_read(&got, &arena, path, &err), STATUS_OK);
    same_text(got, "old");
    assert_int_equal(writer_close(w, &err), STATUS_OK);
    assert_int_equal(file_read(&got, &arena, path, &err), STATUS_OK);
    same_text(got, "new 7");
    assert_false(file_exists(path_join(&arena, folder, "a.txt.part")));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left behind */
    arena_free(&arena);
}

static void writer_failure_leaves_the_old_file(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Error err = {0};
    Writer *w;
    const char *folder = temporary(&arena), *path = path_join(&arena, folder, "taken");
    const char *inside = path_join(&arena, path, "x");
    assert_int_equal(folder_make(path, &err), STATUS_OK);
    assert_int_equal(file_write(inside, S("kept"), &err), STATUS_OK);
    assert_int_equal(writer_open(&w, &arena, path, &err), STATUS_OK);
    writer_add(w, S("a folder cannot be replaced by a file"));
    assert_int_equal(writer_close(w, &err), STATUS_IO);
    assert_non_null(strstr(err.message, path));
    assert_true(file_exists(inside));
    assert_false(file_exists(path_join(&arena, folder, "taken.part")));

    err = (Error){0};
    assert_int_equal(writer_open(&w, &arena, path_join(&arena, folder, "no/where"), &err),
                     STATUS_IO);
    assert_non_null(strstr(err.message, "no/where"));
    assert_int_not_equal(err.remedy[0], '\0');
    assert_int_equal(unlink(inside), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_free(&arena);
}

static void writer_reports_a_full_disk(void **state)
{
    (void)state;
    if (!file_exists("/dev/full")) {
        print_message("NOT TESTED: there is no /dev/full here\n");
        return;
    }
    Arena arena = arena_new();
    Error err = {0};
    Writer *w;
    const char *folder = temporary(&arena), *path = path_join(&arena, folder, "full.txt");
    assert_int_equal(symlink("/dev/full", path_join(&arena, folder, "full.txt.part")), 0);
    assert_int_equal(writer_open(&w, &arena, path, &err), STATUS_OK);
    for (int i = 0; i < 10000; i++)
        writer_add(w, S("more than any buffer holds\n"));
    assert_int_equal(writer_close(w, &err), STATUS_IO);
    assert_false(file_exists(path));
    assert_int_equal(rmdir(folder), 0);
    arena_free(&arena);
}

static void file_read_gives_every_byte(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Error err = {0};
    const char *folder = temporary(&arena), *path = path_join(&arena, folder, "bytes");
    Random r = random_new(18);
    static const size_t sizes[] = {0, 1, 4095, 65536, 300001};
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        char *bytes = arena_alloc(&arena, sizes[k] + 1, 1);
        for (size_t i = 0; i < sizes[k]; i++)
            bytes[i] = (char)random_next(&r);
        Str got;
        assert_int_equal(file_write(path, (Str){bytes, sizes[k]}, &err), STATUS_OK);
        assert_int_equal(file_read(&got, &arena, path, &err), STATUS_OK);
        assert_true(str_equal(got, (Str){bytes, sizes[k]}));
    }
    Str got;
    assert_int_equal(file_read(&got, &arena, folder, &err), STATUS_IO); /* a folder is no file */
    assert_non_null(strstr(err.remedy, "it is a folder: give a file, or a pattern"));
    err = (Error){0};
    assert_int_equal(file_read(&got, &arena, path_join(&arena, folder, "none"), &err), STATUS_IO);
    assert_non_null(strstr(err.message, "none"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_free(&arena);
}

static void folder_make_makes_parents_and_accepts_what_is_there(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Error err = {0};
    const char *folder = temporary(&arena), *deep = path_join(&arena, folder, "a/b//c/");
    assert_int_equal(folder_make(deep, &err), STATUS_OK);
    assert_int_equal(folder_make(deep, &err), STATUS_OK);
    assert_true(file_exists(path_join(&arena, folder, "a/b/c")));
    assert_int_equal(file_write(path_join(&arena, folder, "a/f"), S(""), &err), STATUS_OK);
    assert_int_equal(folder_make(path_join(&arena, folder, "a/f"), &err), STATUS_IO);
    err = (Error){0};
    assert_int_equal(folder_make("", &err), STATUS_IO);
    assert_int_equal(unlink(path_join(&arena, folder, "a/f")), 0);
    assert_int_equal(rmdir(path_join(&arena, folder, "a/b/c")), 0);
    assert_int_equal(rmdir(path_join(&arena, folder, "a/b")), 0);
    assert_int_equal(rmdir(path_join(&arena, folder, "a")), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_free(&arena);
}

static void sha256_gives_the_published_answers(void **state)
{
    (void)state;
    char hash[SHA256_TEXT];
    sha256_text(hash, S(""));
    assert_string_equal(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_text(hash, S("abc"));
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_text(hash, S("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
    assert_string_equal(hash, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    Arena arena = arena_new();
    char *million = arena_alloc(&arena, 1000000, 1);
    memset(million, 'a', 1000000);
    sha256_text(hash, (Str){million, 1000000});
    assert_string_equal(hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    arena_free(&arena);
}

static void exact_sums_round_once(void **state)
{
    (void)state;
    ExactSum s = {.count = 0};
    assert_true(exact_value(&s) == 0);
    for (int i = 0; i < 10; i++)
        exact_add(&s, 0.1);
    assert_true(exact_value(&s) == 1.0); /* 0.1 ten times over, not 0.9999999999999999 */
    s = (ExactSum){.count = 0};
    exact_add(&s, 1e300);
    exact_add(&s, 1);
    exact_add(&s, -1e300);
    assert_true(exact_value(&s) == 1);
    s = (ExactSum){.count = 0}; /* halfway, and a little more or less */
    exact_add(&s, 1);
    exact_add(&s, 0x1p-53);
    assert_true(exact_value(&s) == 1);
    exact_add(&s, 0x1p-200);
    assert_true(exact_value(&s) == 1 + 0x1p-52);
    exact_add(&s, -0x1p-199);
    assert_true(exact_value(&s) == 1);
    exact_add(&s, 1e308);
    exact_add(&s, 1e308);
    assert_true(exact_value(&s) == INFINITY);
}

/* What went in comes out again, whatever its size, and nothing is left. */
static void exact_sums_forget_what_is_taken_out(void **state)
{
    (void)state;
    Random r = random_new(31);
    double x[400];
    ExactSum s = {.count = 0}, again = {.count = 0};
    for (size_t i = 0; i < COUNT_OF(x); i++) {
        x[i] = ldexp(random_uniform(&r) - 0.5, (int)random_below(&r, 2000) - 1000);
        exact_add(&s, x[i]);
    }
    for (size_t i = 0; i < 300; i++)
        exact_add(&s, -x[i]);
    for (size_t i = COUNT_OF(x); i-- > 300;)
        exact_add(&again, x[i]);
    assert_true(exact_value(&s) == exact_value(&again));
    for (size_t i = 300; i < COUNT_OF(x); i++)
        exact_add(&s, -x[i]);
    assert_int_equal(s.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_keeps_the_first),
        cmocka_unit_test(error_may_be_null),
        cmocka_unit_test(error_shows_the_line_at_fault),
        cmocka_unit_test(error_shows_the_line_of_the_file_when_it_agrees),
        cmocka_unit_test(exact_sums_round_once),
        cmocka_unit_test(exact_sums_forget_what_is_taken_out),
        cmocka_unit_test(error_cuts_a_long_sentence),
        cmocka_unit_test(error_passed_on_never_overwrites),
        cmocka_unit_test(arena_adopted_lives_as_long_as_the_other),
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_scratch_by_value_gives_its_memory_back),
        cmocka_unit_test(arena_grows_the_last_array_in_place),
        cmocka_unit_test(arena_copies_an_array_that_is_not_last),
        cmocka_unit_test(arena_grows_by_a_byte_at_a_time),
        cmocka_unit_test(arena_push_keeps_what_was_pushed),
        cmocka_unit_test(str_utf8_follows_rfc_3629),
        cmocka_unit_test(str_compare_is_by_bytes_and_shorter_first),
        cmocka_unit_test(str_pieces_stay_inside),
        cmocka_unit_test(str_distance_counts_edits),
        cmocka_unit_test(str_nearest_suggests_only_what_is_near),
        cmocka_unit_test(buffer_puts_text_together),
        cmocka_unit_test(decimal_is_exact),
        cmocka_unit_test(decimal_refuses_what_it_cannot_hold),
        cmocka_unit_test(decimal_text_reads_back),
        cmocka_unit_test(double_text_reads_back),
        cmocka_unit_test(double_text_is_what_printf_writes),
        cmocka_unit_test(double_is_finite_and_decimal_digits_only),
        cmocka_unit_test(stable_exp_is_within_two_ulp),
        cmocka_unit_test(stable_log_is_within_two_ulp),
        cmocka_unit_test(stable_log1p_is_within_two_ulp),
        cmocka_unit_test(stable_exp_and_log_give_these_bits),
        cmocka_unit_test(stable_functions_keep_their_edges),
        cmocka_unit_test(time_reads_what_it_writes),
        cmocka_unit_test(time_has_these_forms),
        cmocka_unit_test(time_refuses_what_is_no_instant),
        cmocka_unit_test(date_round_trip_is_every_day),
        cmocka_unit_test(duration_reads_what_it_writes),
        cmocka_unit_test(dictionary_equals_a_list),
        cmocka_unit_test(random_streams_never_change),
        cmocka_unit_test(random_draws_have_their_moments),
        cmocka_unit_test(team_result_does_not_depend_on_threads),
        cmocka_unit_test(team_of_no_work_is_freed),
        cmocka_unit_test(writer_shows_a_file_only_when_it_is_whole),
        cmocka_unit_test(writer_failure_leaves_the_old_file),
        cmocka_unit_test(writer_reports_a_full_disk),
        cmocka_unit_test(file_read_gives_every_byte),
        cmocka_unit_test(folder_make_makes_parents_and_accepts_what_is_there),
        cmocka_unit_test(sha256_gives_the_published_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
