/* forms.c - the forms in which times and numbers are written. */
#include "profile/profile_internal.h"

#include <string.h>

const char *form_name(TimeForm form)
{
    static const char *const names[] = {"iso",      "epoch",          "epoch_ms",
                                        "epoch_us", "step",           "yymmdd",
                                        "yyyymmdd", "day_month_year", "month_day_year"};
    return names[form];
}

static bool digits_only(Str s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return s.size > 0;
}

/* The form's own reader, after what a guess needs besides: numbers are many things, so counts
 * must be of the length that times of our days have. */
bool form_parse(Str cell, TimeForm form, int64_t *out_us, bool *clock)
{
    enum { YEAR_1990 = 20 * 365 };
    cell = str_trim(cell);
    size_t size = form == TIME_EPOCH ? 10 : form == TIME_EPOCH_MS ? 13 : 16;
    bool counts = form == TIME_EPOCH || form == TIME_EPOCH_MS || form == TIME_EPOCH_US;
    if (counts && (!digits_only(cell) || cell.size > size || cell.size + 1 < size))
        return false;
    if ((form == TIME_YYMMDD || form == TIME_YYYYMMDD) && !digits_only(cell))
        return false;
    if (!parse_time_as(cell, (TimeFormat){form, DAY_US, TIME_CENTURY_US}, out_us))
        return false;
    if (counts && *out_us < YEAR_1990 * DAY_US)
        return false;
    *clock = *clock || *out_us % DAY_US != 0 || (!counts && cell.size > 10);
    return true;
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
