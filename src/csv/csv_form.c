#include "csv/csv_form.h"

#include <assert.h>
#include <string.h>

#define NUMBER_BYTES 128 /* no number is longer */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* How many bytes of s stand between thousands at `at`; where a space is meant, a no-break space
 * and a narrow one are too. */
static size_t between_thousands(Str s, size_t at, Str thousands)
{
    static const Str spaces[] = {{"\xC2\xA0", 2}, {"\xE2\x80\xAF", 3}};
    Str rest = str_slice(s, at, s.size);
    if (thousands.size == 0)
        return 0;
    if (str_starts(rest, thousands))
        return thousands.size;
    for (size_t i = 0; i < COUNT_OF(spaces) && str_equal(thousands, S(" ")); i++)
        if (str_starts(rest, spaces[i]))
            return spaces[i].size;
    return 0;
}

/* Copy digits and leave out what stands between thousands: groups of three after a first of one to
 * three, so that a decimal mark mistaken for it is seen. */
static bool copy_whole(char *out, size_t *size, Str s, size_t *at, Str thousands)
{
    size_t group = 0, groups = 0;
    while (*at < s.size) {
        size_t skip = between_thousands(s, *at, thousands);
        if (is_digit(s.data[*at])) {
            out[(*size)++] = s.data[(*at)++];
            group++;
        } else if (skip > 0) {
            if (group == 0 || group > 3 || (groups > 0 && group != 3))
                return false;
            groups++;
            group = 0;
            *at += skip;
        } else
            break;
    }
    return groups == 0 || group == 3;
}

/* The number as we write it: a point, and nothing between thousands. */
static bool plain_number(char out[NUMBER_BYTES], size_t *size, Str s, const CsvColumn *ask)
{
    char mark = ask->decimal_mark == '\0' ? '.' : ask->decimal_mark;
    size_t at = 0;
    *size = 0;
    if (s.size >= NUMBER_BYTES)
        return false;
    if (s.size > 0 && (s.data[0] == '-' || s.data[0] == '+'))
        out[(*size)++] = s.data[at++];
    if (!copy_whole(out, size, s, &at, ask->thousands))
        return false;
    for (bool marked = false; at < s.size; at++) {
        char c = s.data[at];
        bool is_mark = c == mark && !marked;
        if (c == '.' && !is_mark)
            return false;
        marked = marked || is_mark;
        out[(*size)++] = is_mark ? '.' : c;
    }
    return true;
}

static bool parse_time_cell(Column *c, size_t row, Str text, const CsvColumn *ask)
{
    int64_t us;
    (void)column_parse(c, row, S("")); /* whatever stood there is gone */
    if (text.size == 0)
        return true;
    if (!parse_time_as(text, ask->time, &us))
        return false;
    if (c->type == TYPE_DATE) {
        if (us % DAY_US != 0)
            return false; /* a date has no time of day */
        us /= DAY_US;
    }
    c->integer[row] = us;
    column_set_valid(c, row);
    return true;
}

static bool has_form(const CsvColumn *ask)
{
    return (ask->type == TYPE_TIME || ask->type == TYPE_DATE) && ask->time.form != TIME_ISO;
}

bool csv_form_plain(const CsvColumn *ask)
{
    return !has_form(ask) && ask->thousands.size == 0 &&
           (ask->decimal_mark == '\0' || ask->decimal_mark == '.');
}

bool csv_form_parse(Column *c, size_t row, Str text, const CsvColumn *ask)
{
    if (has_form(ask))
        return parse_time_cell(c, row, text, ask);
    if (csv_form_plain(ask) || text.size == 0)
        return column_parse(c, row, text);
    char plain[NUMBER_BYTES];
    size_t size;
    bool good = plain_number(plain, &size, text, ask) && size > 0;
    return column_parse(c, row, good ? (Str){plain, size} : S("")) && good;
}

static Str time_expected(const CsvColumn *ask)
{
    static const char *const example[] = {
        [TIME_ISO] = "a time such as 2024-08-26 09:05:37 UTC",
        [TIME_EPOCH] = "a time in seconds since 1970 such as 1724663137",
        [TIME_EPOCH_MS] = "a time in milliseconds since 1970 such as 1724663137213",
        [TIME_EPOCH_US] = "a time in microseconds since 1970 such as 1724663137213234",
        [TIME_STEP] = "a whole number of steps",
        [TIME_YYMMDD] = "a time such as 240826 or 240826 09:05:37",
        [TIME_YYYYMMDD] = "a time such as 20240826 or 20240826 09:05:37",
        [TIME_DAY_MONTH_YEAR] = "a time such as 26/08/2024 or 26.8.2024 09:05",
        [TIME_MONTH_DAY_YEAR] = "a time such as 08/26/2024 or 8/26/2024 09:05"};
    static const char *const date[] = {[TIME_ISO] = "a date such as 2024-08-26",
                                       [TIME_YYMMDD] = "a date such as 240826",
                                       [TIME_YYYYMMDD] = "a date such as 20240826",
                                       [TIME_DAY_MONTH_YEAR] = "a date such as 26/08/2024",
                                       [TIME_MONTH_DAY_YEAR] = "a date such as 08/26/2024"};
    if (ask->type == TYPE_DATE && (size_t)ask->time.form < COUNT_OF(date) &&
        date[ask->time.form] != NULL)
        return str_from(date[ask->time.form]);
    return str_from(example[ask->time.form]);
}

/* "a number ... like 1.234.567,89" */
static Str marked_number(const CsvColumn *ask, Str number, Arena *arena)
{
    bool comma = ask->decimal_mark == ',';
    if (!comma && ask->thousands.size == 0)
        return number;
    Str t = ask->thousands;
    return str_format(arena, "%.*s, written like 1%.*s234%.*s567%s", STR_ARG(number), STR_ARG(t),
                      STR_ARG(t),
                      ask->type == TYPE_INT64 ? ""
                      : comma                 ? ",8"
                                              : ".8");
}

Str csv_form_expected(const CsvColumn *ask, Arena *arena)
{
    switch (ask->type) {
    case TYPE_BOOLEAN:
        return S("true or false (also yes, no, 1, 0)");
    case TYPE_INT64:
        return marked_number(ask, S("a whole number that fits 64 bits"), arena);
    case TYPE_DECIMAL:
        return marked_number(
            ask, str_format(arena, "a number with at most %d digits after the point", ask->scale),
            arena);
    case TYPE_DOUBLE:
        return marked_number(ask, S("a number"), arena);
    case TYPE_TIME:
    case TYPE_DATE:
        return time_expected(ask);
    case TYPE_DURATION:
        return S("a duration such as 14d or 6h");
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        break;
    }
    return S("a value");
}
