/* Numbers for people. Rounding is half away from zero, in integers wherever the cell is one. */
#include "lang/tree.h"

#include <math.h>
#include <stdio.h>

static const Str names[] = {{"plain", 5}, {"count", 5}, {"eur", 3},  {"percent", 7},
                            {"hours", 5}, {"days", 4},  {"date", 4}, {"minutes", 7},
                            {"ratio", 5}, {"money", 5}};

bool format_from_name(Str name, Format *out)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal_fold(name, names[i])) {
            *out = (Format)i;
            return true;
        }
    return false;
}

bool format_wrong_currency(Format f, Str currency)
{
    return f == FORMAT_EUR && currency.size > 0 && !str_equal(currency, S("EUR"));
}

Str format_name(Format f)
{
    return names[f];
}

/* A number as an integer count of 10^-scale units, rounded from `from` digits to `to`. */
static Int128 round_scale(Int128 value, int from, int to)
{
    if (to >= from)
        return value * power_of_ten(to - from);
    Int128 unit = power_of_ten(from - to), half = unit / 2;
    return (value < 0 ? value - half : value + half) / unit;
}

/* The cell in units of 10^-scale, or false when it has no such number (too large). */
static bool scaled(const Column *c, size_t row, int scale, Int128 *out)
{
    if (c->type == TYPE_DOUBLE) {
        double x = c->real[row] * (double)power_of_ten(scale);
        if (!(fabs(x) < 1e18))
            return false;
        *out = (Int128)(x < 0 ? -floor(-x + 0.5) : floor(x + 0.5));
        return true;
    }
    if (c->type == TYPE_BOOLEAN) {
        *out = round_scale(c->boolean[row] != 0, 0, scale);
        return true;
    }
    if (c->type == TYPE_CATEGORY || c->type == TYPE_TEXT)
        return false;
    *out = round_scale(c->integer[row], c->scale, scale);
    return true;
}

/* 1,234.50 with exactly `scale` digits after the point; `prefix` follows the sign. */
static Str grouped(Arena *arena, const char *prefix, Int128 value, int scale, const char *suffix)
{
    char digits[64];
    size_t count = 0;
    bool negative = value < 0;
    while (value != 0 || count <= (size_t)scale) {
        int digit = (int)(value % 10);
        digits[count++] = (char)('0' + (digit < 0 ? -digit : digit));
        value /= 10;
    }
    Buffer b = buffer_new(arena);
    if (negative)
        buffer_char(&b, '-');
    buffer_add(&b, str_from(prefix));
    for (size_t i = count; i-- > 0;) {
        buffer_char(&b, digits[i]);
        if (i == (size_t)scale && scale > 0)
            buffer_char(&b, '.');
        if (i > (size_t)scale && (i - (size_t)scale) % 3 == 0)
            buffer_char(&b, ',');
    }
    buffer_add(&b, str_from(suffix));
    return buffer_str(&b);
}

/* A decimal of more than two digits keeps those that are not zero: what is shown is exact. */
static Str money(Arena *arena, Str currency, const Column *c, size_t row)
{
    Int128 value;
    int scale = 2;
    if (c->type == TYPE_DECIMAL && c->scale > 2) {
        int64_t rest = c->integer[row];
        scale = c->scale;
        while (scale > 2 && rest % 10 == 0) {
            rest /= 10;
            scale--;
        }
    }
    if (!scaled(c, row, scale, &value))
        return cell_text(arena, c, row);
    if (str_equal(currency, S("EUR")))
        return grouped(arena, "\xE2\x82\xAC", value, scale, "");
    const char *space = currency.size > 0 ? " " : "";
    return grouped(arena, "", value, scale,
                   str_format(arena, "%s%.*s", space, STR_ARG(currency)).data);
}

static Str percent(Arena *arena, const Column *c, size_t row)
{
    Int128 tenths;
    if (!scaled(c, row, 3, &tenths))
        return cell_text(arena, c, row);
    if (tenths == 0)
        return S("0 %");
    if (tenths < 100 && tenths > -100)
        return grouped(arena, "", tenths, 1, " %");
    Int128 whole = 0;
    (void)scaled(c, row, 2, &whole);
    return grouped(arena, "", whole, 0, " %");
}

Str format_percent_tenths(Arena *arena, const Column *c, size_t row)
{
    Int128 tenths;
    return scaled(c, row, 3, &tenths) ? grouped(arena, "", tenths, 1, " %")
                                      : cell_text(arena, c, row);
}

/* At most one digit after the point. */
static Str amount_of(Arena *arena, const Column *c, size_t row, int64_t unit, const char *one,
                     const char *many)
{
    Int128 tenths;
    if (c->type == TYPE_DURATION)
        tenths =
            ((Int128)c->integer[row] * 10 + (c->integer[row] < 0 ? -unit / 2 : unit / 2)) / unit;
    else if (!scaled(c, row, 1, &tenths))
        return cell_text(arena, c, row);
    const char *suffix = tenths == 10 || tenths == -10 ? one : many;
    if (tenths % 10 == 0)
        return grouped(arena, "", tenths / 10, 0, suffix);
    return grouped(arena, "", tenths, 1, suffix);
}

static Str date(Arena *arena, const Column *c, size_t row)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    if (c->type != TYPE_TIME && c->type != TYPE_DATE)
        return cell_text(arena, c, row);
    int64_t days = c->integer[row], year;
    int month, day;
    if (c->type == TYPE_TIME)
        days = days / DAY_US - (days % DAY_US < 0);
    if (days < -200000000 || days > 200000000)
        return cell_text(arena, c, row);
    civil_from_days(days, &year, &month, &day);
    return str_format(arena, "%d %s %lld", day, months[month - 1], (long long)year);
}

/* Four digits after the point, or four significant ones below 1; no zeros at the end. */
static Str plain_real(Arena *arena, double x)
{
    char text[NUMBER_TEXT];
    double size = fabs(x);
    if (size == 0)
        return S("0");
    if (!(size < 1e15) || size < 1e-9)
        return str_copy(arena, double_text(text, x));
    int digits = 4;
    while (size < 0.1 && digits < 13) {
        size *= 10;
        digits++;
    }
    int count = snprintf(text, sizeof text, "%.*f", digits, x);
    while (text[count - 1] == '0')
        count--;
    if (text[count - 1] == '.')
        count--;
    return str_copy(arena, (Str){text, (size_t)count});
}

static Str plain(Arena *arena, const Column *c, size_t row)
{
    if (c->type == TYPE_DOUBLE)
        return plain_real(arena, c->real[row]);
    if (c->type == TYPE_DURATION && c->integer[row] == 0)
        return S("0s");
    return cell_text(arena, c, row);
}

static Str count_of(Arena *arena, const Column *c, size_t row)
{
    Int128 value;
    return scaled(c, row, 0, &value) ? grouped(arena, "", value, 0, "") : cell_text(arena, c, row);
}

Str format_cell(Arena *arena, Format f, Str currency, const Column *c, size_t row)
{
    if (!column_valid(c, row) || (c->type == TYPE_DOUBLE && is_missing(c->real[row])))
        return S("unknown");
    switch (f) {
    case FORMAT_PLAIN:
        return plain(arena, c, row);
    case FORMAT_COUNT:
        return count_of(arena, c, row);
    case FORMAT_EUR:
        return money(arena, S("EUR"), c, row);
    case FORMAT_PERCENT:
        return percent(arena, c, row);
    case FORMAT_HOURS:
        return amount_of(arena, c, row, HOUR_US, " h", " h");
    case FORMAT_DAYS:
        return amount_of(arena, c, row, DAY_US, " day", " days");
    case FORMAT_DATE:
        return date(arena, c, row);
    case FORMAT_MINUTES:
        return amount_of(arena, c, row, MINUTE_US, " min", " min");
    case FORMAT_RATIO:
        return amount_of(arena, c, row, 1, " time", " times");
    case FORMAT_MONEY:
        return money(arena, currency, c, row);
    case FORMATS:
        break;
    }
    return S("");
}
