/* forms.c - the forms in which times and numbers are written. */
#include "profile/profile_internal.h"

#include <string.h>

const char *form_name(TimeForm form)
{
    static const char *const names[] = {"iso",    "epoch",    "epoch_ms",       "epoch_us",
                                        "step",   "yymmdd",   "yyyymmdd",       "day_month_year",
                                        "month_day_year"};
    return names[form];
}

static bool digits_only(Str s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return s.size > 0;
}

static bool civil(int64_t year, int64_t month, int64_t day, int64_t *out_us)
{
    int64_t days, y;
    int m, d;
    if (month < 1 || month > 12 || day < 1 || day > 31 || year < 1900 || year > 2199)
        return false;
    days = days_from_civil(year, (int)month, (int)day);
    civil_from_days(days, &y, &m, &d);
    *out_us = days * DAY_US;
    return y == year && m == month && d == day; /* no 31 February */
}

static bool number_at(Str s, size_t *at, size_t least, size_t most, int64_t *out)
{
    size_t from = *at;
    *out = 0;
    while (*at < s.size && *at - from < most && s.data[*at] >= '0' && s.data[*at] <= '9')
        *out = *out * 10 + (s.data[(*at)++] - '0');
    return *at - from >= least;
}

/* 26/08/2024, 26.8.2024 or 26-08-2024, with HH:MM[:SS] behind it or not. */
static bool parse_parts(Str s, bool day_first, int64_t *out_us, bool *clock)
{
    size_t at = 0;
    int64_t a, b, year, hour = 0, minute = 0, second = 0;
    if (!number_at(s, &at, 1, 2, &a) || at >= s.size)
        return false;
    char mark = s.data[at++];
    if ((mark != '/' && mark != '.' && mark != '-') || !number_at(s, &at, 1, 2, &b) ||
        at >= s.size || s.data[at++] != mark || !number_at(s, &at, 4, 4, &year) ||
        !civil(year, day_first ? b : a, day_first ? a : b, out_us))
        return false;
    if (at == s.size)
        return true;
    if (s.data[at] != ' ' && s.data[at] != 'T')
        return false;
    at++;
    if (!number_at(s, &at, 1, 2, &hour) || at >= s.size || s.data[at++] != ':' ||
        !number_at(s, &at, 2, 2, &minute))
        return false;
    if (at < s.size && (s.data[at++] != ':' || !number_at(s, &at, 2, 2, &second)))
        return false;
    if (at != s.size || hour > 23 || minute > 59 || second > 59)
        return false;
    *out_us += hour * HOUR_US + minute * MINUTE_US + second * SECOND_US;
    *clock = true;
    return true;
}

bool form_parse(Str cell, TimeForm form, int64_t *out_us, bool *clock)
{
    int64_t n;
    cell = str_trim(cell);
    switch (form) {
    case FORM_ISO:
        /* A bare number is no date, and a date begins with its year. */
        if (cell.size < 10 || cell.data[4] != '-' || !parse_time(cell, out_us))
            return false;
        *clock = *clock || cell.size > 10;
        return true;
    case FORM_EPOCH:
    case FORM_EPOCH_MS:
    case FORM_EPOCH_US: {
        size_t size = form == FORM_EPOCH ? 10 : form == FORM_EPOCH_MS ? 13 : 16;
        int64_t unit = form == FORM_EPOCH ? SECOND_US : form == FORM_EPOCH_MS ? 1000 : 1;
        if (cell.size < size - 1 || cell.size > size || !digits_only(cell) || !parse_int64(cell, &n))
            return false;
        *out_us = n * unit;
        *clock = *clock || *out_us % DAY_US != 0;
        return *out_us >= (int64_t)315532800 * SECOND_US; /* 1980 */
    }
    case FORM_STEP:
        if (!digits_only(cell) || cell.size > 7 || !parse_int64(cell, &n))
            return false;
        *out_us = n * DAY_US;
        return true;
    case FORM_YYMMDD:
        if (cell.size != 6 || !digits_only(cell) || !parse_int64(cell, &n))
            return false;
        return civil((n / 10000 < 70 ? 2000 : 1900) + n / 10000, n / 100 % 100, n % 100, out_us);
    case FORM_YYYYMMDD:
        if (cell.size != 8 || !digits_only(cell) || !parse_int64(cell, &n))
            return false;
        return civil(n / 10000, n / 100 % 100, n % 100, out_us);
    case FORM_DAY_MONTH_YEAR:
        return parse_parts(cell, true, out_us, clock);
    case FORM_MONTH_DAY_YEAR:
        return parse_parts(cell, false, out_us, clock);
    }
    return false;
}

/* Digits in groups: "1.234.567,89" with mark ',' and thousands '.'. Groups after the first have
 * three digits, so that a decimal comma is never taken for a separator in silence. */
bool number_parse(Str cell, NumberForm form, double *out, int *digits)
{
    char text[64];
    size_t size = 0, at = 0, group = 0, groups = 0;
    bool marked = false;
    cell = str_trim(cell);
    if (cell.size == 0 || cell.size >= sizeof text)
        return false;
    *digits = 0;
    if (cell.data[0] == '-' || cell.data[0] == '+') {
        if (cell.data[0] == '-')
            text[size++] = '-';
        at = 1;
    }
    size_t first = at;
    while (at < cell.size) {
        char c = cell.data[at];
        if (c >= '0' && c <= '9') {
            text[size++] = c;
            group++;
            *digits += marked;
            at++;
        } else if (c == form.mark && !marked && group > 0) {
            if (groups > 0 && group != 3)
                return false;
            marked = true;
            text[size++] = '.';
            at++;
        } else if (form.thousands.size > 0 && !marked && group > 0 &&
                   str_starts(str_slice(cell, at, cell.size), form.thousands)) {
            if (group > 3 || (groups > 0 && group != 3))
                return false;
            groups++;
            group = 0;
            at += form.thousands.size;
        } else if ((c == 'e' || c == 'E') && form.mark == '.' && group > 0 && groups == 0) {
            return parse_double(cell, out) && (*digits = 19) > 0; /* 1.5e-7: no decimal */
        } else {
            return false;
        }
    }
    if (at == first || (groups > 0 && !marked && group != 3) || (marked && *digits == 0))
        return false;
    /* 007 is a name and no number. */
    if (!marked && at - first > 1 && cell.data[first] == '0' && groups == 0)
        return false;
    return parse_double((Str){text, size}, out);
}
