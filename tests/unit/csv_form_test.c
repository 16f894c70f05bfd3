/* Cells as other banks write them: marks in numbers, forms of times, columns of other names. */
#include "csv/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static Arena keep, scratch;
static Error err;

static int set_up(void **state)
{
    (void)state;
    keep = arena_new();
    scratch = arena_new();
    err = (Error){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&keep);
    arena_free(&scratch);
    return 0;
}

/* Read one cell under a header `x`, and say what it became; "!reason" when it is set aside. */
static Str cell(CsvColumn ask, const char *text)
{
    Table *t;
    Quarantine *q = quarantine_new(&keep);
    Str bytes = str_format(&keep, "x\ty\n%s\t1\n", text);
    ask.name = S("x");
    if (csv_read_bytes(&t, NULL, &keep, scratch, bytes, "f.csv", &ask, 1, NULL, q, &err))
        fail_msg("%s", err.message);
    if (q->count > 0)
        return str_format(&keep, "!%.*s", STR_ARG(q->row[0].reason));
    return cell_text(&keep, &t->column[0], 0);
}

static void becomes(CsvColumn ask, const char *text, const char *value)
{
    Str seen = cell(ask, text);
    if (!str_equal(seen, str_from(value)))
        fail_msg("%s gives %.*s and not %s", text, STR_ARG(seen), value);
}

static void set_aside(CsvColumn ask, const char *text)
{
    Str seen = cell(ask, text);
    if (!str_starts(seen, S("!")))
        fail_msg("%s gives %.*s", text, STR_ARG(seen));
}

static const CsvColumn
    comma = {.type = TYPE_DECIMAL, .scale = 2, .decimal_mark = ','},
    german = {.type = TYPE_DECIMAL, .scale = 2, .decimal_mark = ',', .thousands = {".", 1}},
    french = {.type = TYPE_DECIMAL, .scale = 2, .decimal_mark = ',', .thousands = {" ", 1}},
    english = {.type = TYPE_DECIMAL, .scale = 2, .thousands = {",", 1}};

static void a_comma_may_be_the_decimal_mark(void **state)
{
    (void)state;
    becomes(comma, "12,5", "12.50");
    becomes(comma, "-0,05", "-0.05");
    becomes(comma, "1234", "1234.00");
    becomes(comma, ",5", "0.50");
    becomes(comma, "", "");
    set_aside(comma, "12.5"); /* a point here is no mistake to be guessed at */
    set_aside(comma, "1,2,3");
    set_aside(comma, "1,234");
    CsvColumn real = {.type = TYPE_DOUBLE, .decimal_mark = ','};
    becomes(real, "1,5e3", "1500");
    set_aside(real, "1.5");
}

static void thousands_stand_three_by_three(void **state)
{
    (void)state;
    becomes(german, "1.234.567,89", "1234567.89");
    becomes(german, "234.567", "234567.00");
    becomes(german, "1234,5", "1234.50");
    becomes(german, "-1.000", "-1000.00");
    set_aside(german, "1.50"); /* the marks are the other way round */
    set_aside(german, "1234.567");
    set_aside(german, "1..234");
    set_aside(german, ".234");
    set_aside(german, "1.234.");
    set_aside(german, "1.234,5.6");
    becomes(english, "1,234,567.89", "1234567.89");
    set_aside(english, "1,5");
    becomes((CsvColumn){.type = TYPE_INT64, .thousands = {"'", 1}}, "12'345", "12345");
    char digits[200];
    memset(digits, '1', sizeof digits);
    digits[sizeof digits - 1] = '\0';
    set_aside(german, digits);
}

static void a_space_between_thousands_may_be_a_narrow_one(void **state)
{
    (void)state;
    becomes(french, "1 234 567,8", "1234567.80");
    becomes(french,
            "1\xC2\xA0"
            "234,50",
            "1234.50");
    becomes(french,
            "1\xE2\x80\xAF"
            "234,50",
            "1234.50");
    becomes(french, "  1 234  ", "1234.00"); /* at the ends it is no part of the number */
    set_aside(french, "1 23");
}

static void times_are_read_in_their_form(void **state)
{
    (void)state;
    CsvColumn t = {.type = TYPE_TIME, .time = {TIME_STEP, DAY_US, 18262 * DAY_US}};
    becomes(t, "31", "2020-02-01 00:00:00 UTC");
    becomes(t, "", "");
    set_aside(t, "2020-02-01");
    t.time = (TimeFormat){TIME_EPOCH_MS, 0, 0};
    becomes(t, "1724663137213", "2024-08-26 09:05:37.213000 UTC");
    CsvColumn d = {.type = TYPE_DATE, .time = {TIME_DAY_MONTH_YEAR, 0, TIME_CENTURY_US}};
    becomes(d, "26/08/2024", "2024-08-26");
    becomes(d, "1.2.1969", "1969-02-01");
    set_aside(d, "26/08/2024 09:00"); /* a date has no time of day */
    becomes((CsvColumn){.type = TYPE_TIME}, "2024-08-26T11:05:37+02:00", "2024-08-26 09:05:37 UTC");
}

static void reasons_say_the_form_that_was_expected(void **state)
{
    (void)state;
    const struct {
        CsvColumn ask;
        const char *says;
    } all[] = {
        {german, "!x is not a number with at most 2 digits after the point, written like "
                 "1.234.567,8"},
        {{.type = TYPE_INT64, .thousands = {" ", 1}},
         "!x is not a whole number that fits 64 bits, written like 1 234 567"},
        {{.type = TYPE_TIME, .time = {TIME_EPOCH, 0, 0}},
         "!x is not a time in seconds since 1970 such as 1724663137"},
        {{.type = TYPE_TIME, .time = {TIME_STEP, DAY_US, 0}}, "!x is not a whole number of steps"},
        {{.type = TYPE_TIME, .time = {TIME_MONTH_DAY_YEAR, 0, 0}},
         "!x is not a time such as 08/26/2024 or 8/26/2024 09:05"},
        {{.type = TYPE_DATE, .time = {TIME_YYMMDD, 0, 0}}, "!x is not a date such as 240826"},
    };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        becomes(all[i].ask, "secret", all[i].says);
}

static Status renamed(Table **t, CsvCounts *counts, Str bytes, const CsvRename *rename, size_t n)
{
    static const CsvColumn ask[] = {{.name = {"id", 2}, .type = TYPE_TEXT, .required = true},
                                    {.name = {"sum", 3}, .type = TYPE_INT64, .required = true}};
    CsvOptions options = {.rename = rename, .renames = n};
    return csv_read_bytes(t, counts, &keep, scratch, bytes, "f.csv", ask, 2, &options, NULL, &err);
}

static void columns_may_go_by_other_names(void **state)
{
    (void)state;
    const CsvRename two[] = {{S("number"), S("id")}, {S("value"), S("sum")}};
    Table *t;
    CsvCounts counts;
    assert_int_equal(renamed(&t, &counts, S("value,number,more\n7,a,x\n"), two, 2), STATUS_OK);
    assert_int_equal(table_find(t, S("sum"))->integer[0], 7);
    assert_int_equal(counts.extra_count, 1);
    /* two columns that change places */
    const CsvRename swap[] = {{S("id"), S("sum")}, {S("sum"), S("id")}};
    assert_int_equal(renamed(&t, &counts, S("id,sum\n7,a\n"), swap, 2), STATUS_OK);
    assert_int_equal(table_find(t, S("sum"))->integer[0], 7);
    /* a file that has the book's own names needs none */
    assert_int_equal(renamed(&t, &counts, S("id,sum\na,7\n"), two, 2), STATUS_OK);
    assert_int_equal(table_find(t, S("sum"))->integer[0], 7);
}

static void a_new_name_that_is_taken_is_refused(void **state)
{
    (void)state;
    const CsvRename one[] = {{S("value"), S("sum")}};
    Table *t;
    assert_int_equal(renamed(&t, NULL, S("id,sum,value\na,1,7\n"), one, 1), STATUS_FORMAT);
    assert_string_equal(err.message,
                        "column 3, value, is renamed to sum, and column 2 has that name");
    assert_non_null(strstr(err.remedy, "rename that column too"));
    assert_int_equal(err.column, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_comma_may_be_the_decimal_mark),
        TEST(thousands_stand_three_by_three),
        TEST(a_space_between_thousands_may_be_a_narrow_one),
        TEST(times_are_read_in_their_form),
        TEST(reasons_say_the_form_that_was_expected),
        TEST(columns_may_go_by_other_names),
        TEST(a_new_name_that_is_taken_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
