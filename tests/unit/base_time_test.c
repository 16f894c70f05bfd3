/* The forms in which files write times. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int64_t us(const char *iso)
{
    int64_t out;
    assert_true(parse_time(str_from(iso), &out));
    return out;
}

static void reads(TimeFormat format, const char *text, const char *iso)
{
    int64_t out = 0;
    assert_true(parse_time_as(str_from(text), format, &out));
    assert_true(out == us(iso));
}

static void refuses(TimeFormat format, const char *text)
{
    int64_t out = 77;
    assert_false(parse_time_as(str_from(text), format, &out));
    assert_int_equal(out, 77);
}

static const TimeFormat iso = {TIME_ISO, 0, 0}, epoch = {TIME_EPOCH, 0, 0},
                        milli = {TIME_EPOCH_MS, 0, 0}, micro = {TIME_EPOCH_US, 0, 0},
                        brief = {TIME_YYMMDD, 0, TIME_CENTURY_US}, joined = {TIME_YYYYMMDD, 0, 0},
                        day_first = {TIME_DAY_MONTH_YEAR, 0, TIME_CENTURY_US},
                        month_first = {TIME_MONTH_DAY_YEAR, 0, TIME_CENTURY_US};

static void counts_since_1970_are_cut_below_a_microsecond(void **state)
{
    (void)state;
    reads(epoch, "0", "1970-01-01");
    reads(epoch, "1724663137", "2024-08-26 09:05:37");
    reads(epoch, "1724663137.2132349", "2024-08-26 09:05:37.213234");
    reads(epoch, "-0.5", "1969-12-31 23:59:59.5");
    reads(milli, "1724663137213", "2024-08-26 09:05:37.213");
    reads(milli, "1724663137213.0", "2024-08-26 09:05:37.213");
    reads(micro, "1724663137213234", "2024-08-26 09:05:37.213234");
    reads(micro, "-1", "1969-12-31 23:59:59.999999");
    refuses(epoch, "1724663137213"); /* milliseconds: the year 56623 */
    refuses(epoch, "");
    refuses(epoch, "1.7e9");
    refuses(epoch, "2024-08-26");
    refuses(milli, "99999999999999999999");
    refuses(iso, "1724663137");
}

/* Times in their usual form are read at once, all others part by part: the two must agree. */
static void times_with_and_without_fractions_are_read_alike(void **state)
{
    (void)state;
    const char *const same[] = {"2024-08-26 09:05:37",         "2024-08-26T09:05:37Z",
                                "2024-08-26 09:05:37 UTC",     "2024-08-26 09:05:37.0",
                                "2024-08-26 09:05:37.0000000", "2024-08-26 09:05:37.000Z",
                                "2024-08-26 11:05:37+02:00",   "2024-08-26 09:05:37UTC"};
    for (size_t i = 0; i < COUNT_OF(same); i++)
        assert_true(us(same[i]) == 1724663137 * SECOND_US);
    assert_true(us("2024-08-26 09:05:37.213234 UTC") == 1724663137 * SECOND_US + 213234);
    assert_true(us("2024-08-26 09:05:37.2132349Z") == 1724663137 * SECOND_US + 213234);
    assert_true(us("2024-08-26T09:05:37.21") == 1724663137 * SECOND_US + 210000);
    const char *const bad[] = {
        "2024-08-26 09:05:37.",      "2024-08-26 09:05:37.Z",         "2024-08-26 24:05:37",
        "2024-02-30 09:05:37",       "2024-08-26 09:05:60 UTC",       "2024-08-26 09:05:37 utc",
        "2024-08-2609:05:37.21 UTC", "2024-08-26 09:05:3x",           "2200-01-01 00:00:00",
        "1899-12-31 23:59:59",       "2024-08-26 09:05:37.1234567890"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refuses(iso, bad[i]);
}

/* With an offset of no hours a time is read part by part. */
static void any_other_byte_of_a_usual_time_is_read_alike(void **state)
{
    (void)state;
    const char *const usual[] = {"2024-02-29 09:05:37", "1999-12-31T23:59:59.123456",
                                 "2000-10-10 10:10:10.5", "2100-03-01T00:00:00.1234567"};
    size_t good = 0, all = 0;
    for (size_t i = 0; i < COUNT_OF(usual); i++)
        for (size_t at = 0; at < strlen(usual[i]); at++)
            for (int c = 0; c < 256; c++) {
                char text[64];
                int64_t at_once = 0, by_parts = 0;
                size_t size = strlen(usual[i]);
                memcpy(text, usual[i], size + 1);
                text[at] = (char)c;
                if (text[size - 1] == ' ' || text[size - 1] == 'Z')
                    continue; /* part of what stands behind a time */
                bool read = parse_time((Str){text, size}, &at_once);
                memcpy(text + size, "+00:00", sizeof "+00:00");
                assert_int_equal(read, parse_time((Str){text, size + 6}, &by_parts));
                assert_true(at_once == by_parts);
                good += read;
                all++;
            }
    assert_true(good > 300 && good < all / 10);
}

static void steps_count_from_their_start(void **state)
{
    (void)state;
    TimeFormat day = {TIME_STEP, DAY_US, us("2020-01-01")};
    TimeFormat hour = {TIME_STEP, HOUR_US, us("2020-01-01 12:00")};
    reads(day, "0", "2020-01-01");
    reads(day, "31", "2020-02-01");
    reads(day, "-1", "2019-12-31");
    reads(day, "12.0", "2020-01-13");
    reads(hour, "13", "2020-01-02 01:00");
    refuses(day, "1.5");
    refuses(day, "9223372036854775807");
    refuses(day, "100000"); /* the year 2293 */
    refuses(day, "");
}

static void joined_dates_may_have_a_time_of_day(void **state)
{
    (void)state;
    reads(brief, "930101", "1993-01-01");
    reads(brief, "690101", "1969-01-01");
    reads(brief, "681231", "2068-12-31");
    reads(brief, "931231 23:59:58", "1993-12-31 23:59:58");
    TimeFormat old = {TIME_YYMMDD, 0, us("1920-06-01")};
    reads(old, "200101", "1920-01-01");
    reads(old, "191231", "2019-12-31");
    reads(joined, "20240229", "2024-02-29");
    reads(joined, "20240229T09:05:37+02:00", "2024-02-29 07:05:37");
    refuses(joined, "20230229");
    refuses(joined, "240229");
    refuses(brief, "20240229");
    refuses(brief, "930132");
    refuses(brief, "931301");
    refuses(joined, "20240229 25:00");
}

static void parted_dates_keep_one_mark(void **state)
{
    (void)state;
    reads(day_first, "26/08/2024", "2024-08-26");
    reads(day_first, "26.8.2024 09:05", "2024-08-26 09:05");
    reads(day_first, "1-2-03", "2003-02-01");
    reads(month_first, "8/26/2024 09:05:37.25", "2024-08-26 09:05:37.25");
    refuses(day_first, "8/26/2024");
    refuses(month_first, "26/08/2024");
    refuses(day_first, "26/08.2024");
    refuses(day_first, "26/08/024");
    refuses(day_first, "26/08/20245");
    refuses(day_first, "29/02/2023");
    refuses(day_first, "2024-08-26");
    refuses(day_first, "26.8.2024 9:05");
    refuses(day_first, "");
}

static void every_form_reads_its_own_text(void **state)
{
    (void)state;
    const TimeFormat day = {TIME_STEP, DAY_US, us("2020-01-01")};
    const TimeFormat forms[] = {iso,   epoch,  milli,     micro,      day,
                                brief, joined, day_first, month_first};
    const char *const times[] = {"2020-01-01", "1999-12-31", "2024-02-29"};
    char text[TIME_TEXT];
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        for (size_t k = 0; k < COUNT_OF(times); k++) {
            int64_t back;
            assert_true(parse_time_as(time_text_as(text, us(times[k]), forms[i]), forms[i], &back));
            assert_true(back == us(times[k]));
        }
    int64_t fine = us("2024-02-29 13:14:15.000016"), back;
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (forms[i].form != TIME_STEP) {
            assert_true(parse_time_as(time_text_as(text, fine, forms[i]), forms[i], &back));
            assert_true(back == fine);
        }
    assert_true(parse_time_as(time_text_as(text, us("2019-12-31 23:00"), day), day, &back));
    assert_true(back == us("2019-12-31"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_since_1970_are_cut_below_a_microsecond),
        cmocka_unit_test(times_with_and_without_fractions_are_read_alike),
        cmocka_unit_test(any_other_byte_of_a_usual_time_is_read_alike),
        cmocka_unit_test(steps_count_from_their_start),
        cmocka_unit_test(joined_dates_may_have_a_time_of_day),
        cmocka_unit_test(parted_dates_keep_one_mark),
        cmocka_unit_test(every_form_reads_its_own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
