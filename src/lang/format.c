/* Numbers for people. Rounding is half away from zero, in integers wherever the cell is one. */
#include "lang/tree.h"

#include <math.h>
#include <stdio.h>

static const Str names[] = {{"plain", 5}, {"count", 5}, {"eur", 3},  {"percent", 7},
                            {"hours", 5}, {"days", 4},  {"date", 4}, {"minutes", 7},
                            {"ratio", 5}, {"money", 5}};

static const Str language_names[LANGUAGES] = {{"en", 2}, {"fr", 2}};

#define EURO            "\xE2\x82\xAC" /* U+20AC */
#define NO_BREAK        "\xC2\xA0"     /* U+00A0 */
#define NARROW_NO_BREAK "\xE2\x80\xAF" /* U+202F */

/* How a language writes numbers. */
typedef struct Marks {
    const char *thousands;
    char point;
    const char *space; /* between a number and its unit */
} Marks;

static const Marks marks[LANGUAGES] = {{",", '.', " "}, {NARROW_NO_BREAK, ',', NO_BREAK}};

Str language_name(Language l)
{
    return language_names[l];
}

bool language_from_name(Str name, Language *out)
{
    for (size_t i = 0; i < LANGUAGES; i++)
        if (str_equal(name, language_names[i])) {
            *out = (Language)i;
            return true;
        }
    return false;
}

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

/* A number that was written with a full stop. */
static Str pointed(Arena *arena, Language language, Str text)
{
    Buffer b = buffer_new(arena);
    for (size_t i = 0; i < text.size; i++)
        buffer_char(&b, text.data[i] == '.' ? marks[language].point : text.data[i]);
    return buffer_str(&b);
}

/* 1,234.50 with exactly `scale` digits after the point, and its unit (may be empty) after a space;
 * `prefix` follows the sign. */
static Str grouped(Arena *arena, Language language, const char *prefix, Int128 value, int scale,
                   Str unit)
{
    const Marks *m = &marks[language];
    char digits[64];
    size_t count = 0;
    bool negative = value < 0;
    while (value < INT64_MIN || value > INT64_MAX) {
        int digit = (int)(value % 10);
        digits[count++] = (char)('0' + (digit < 0 ? -digit : digit));
        value /= 10;
    }
    /* What is left, which is nearly always all, needs no long division. */
    uint64_t rest = negative ? 0 - (uint64_t)value : (uint64_t)value;
    while (rest != 0 || count <= (size_t)scale) {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    Buffer b = buffer_new(arena);
    if (negative)
        buffer_char(&b, '-');
    buffer_add(&b, str_from(prefix));
    for (size_t i = count; i-- > 0;) {
        buffer_char(&b, digits[i]);
        if (i == (size_t)scale && scale > 0)
            buffer_char(&b, m->point);
        if (i > (size_t)scale && (i - (size_t)scale) % 3 == 0)
            buffer_add(&b, str_from(m->thousands));
    }
    if (unit.size > 0) {
        buffer_add(&b, str_from(m->space));
        buffer_add(&b, unit);
    }
    return buffer_str(&b);
}

/* What is printed as it is read, with the language's point. */
static Str as_read(Arena *arena, Language language, const Column *c, size_t row)
{
    Str text = cell_text(arena, c, row);
    if (language == LANGUAGE_FRENCH && c->type == TYPE_BOOLEAN)
        return c->boolean[row] != 0 ? S("vrai") : S("faux");
    return c->type == TYPE_DECIMAL || c->type == TYPE_DOUBLE ? pointed(arena, language, text)
                                                             : text;
}

/* A decimal of more than two digits keeps those that are not zero: what is shown is exact. */
static Str money(Arena *arena, Language language, Str currency, const Column *c, size_t row)
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
        return as_read(arena, language, c, row);
    if (!str_equal(currency, S("EUR")))
        return grouped(arena, language, "", value, scale, currency);
    if (language == LANGUAGE_FRENCH)
        return grouped(arena, language, "", value, scale, S(EURO));
    return grouped(arena, language, EURO, value, scale, S(""));
}

static Str percent(Arena *arena, Language language, const Column *c, size_t row)
{
    Int128 tenths;
    if (!scaled(c, row, 3, &tenths))
        return as_read(arena, language, c, row);
    if (tenths != 0 && tenths < 100 && tenths > -100)
        return grouped(arena, language, "", tenths, 1, S("%"));
    Int128 whole = 0;
    (void)scaled(c, row, 2, &whole);
    return grouped(arena, language, "", whole, 0, S("%"));
}

Str format_percent_tenths(Arena *arena, Language language, const Column *c, size_t row)
{
    Int128 tenths;
    return scaled(c, row, 3, &tenths) ? grouped(arena, language, "", tenths, 1, S("%"))
                                      : as_read(arena, language, c, row);
}

/* A unit of time or number: English takes the singular of exactly one, French of all below two. */
typedef struct Unit {
    int64_t us;
    struct {
        Str one, many;
    } in[LANGUAGES];
} Unit;

static const Unit hours = {HOUR_US, {{{"h", 1}, {"h", 1}}, {{"h", 1}, {"h", 1}}}};
static const Unit days = {DAY_US, {{{"day", 3}, {"days", 4}}, {{"jour", 4}, {"jours", 5}}}};
static const Unit minutes = {MINUTE_US, {{{"min", 3}, {"min", 3}}, {{"min", 3}, {"min", 3}}}};
static const Unit times = {1, {{{"time", 4}, {"times", 5}}, {{"fois", 4}, {"fois", 4}}}};

/* At most one digit after the point. */
static Str amount_of(Arena *arena, Language language, const Unit *unit, const Column *c, size_t row)
{
    Int128 tenths;
    int64_t us = unit->us;
    if (c->type == TYPE_DURATION)
        tenths = ((Int128)c->integer[row] * 10 + (c->integer[row] < 0 ? -us / 2 : us / 2)) / us;
    else if (!scaled(c, row, 1, &tenths))
        return as_read(arena, language, c, row);
    Int128 size = tenths < 0 ? -tenths : tenths;
    bool one = language == LANGUAGE_FRENCH ? size < 20 : size == 10;
    Str name = one ? unit->in[language].one : unit->in[language].many;
    if (tenths % 10 == 0)
        return grouped(arena, language, "", tenths / 10, 0, name);
    return grouped(arena, language, "", tenths, 1, name);
}

static Str date(Arena *arena, Language language, const Column *c, size_t row)
{
    static const char *const months[LANGUAGES][12] = {
        {"January", "February", "March", "April", "May", "June", "July", "August", "September",
         "October", "November", "December"},
        {"janvier", "f\xC3\xA9vrier", "mars", "avril", "mai", "juin", "juillet", "ao\xC3\xBBt",
         "septembre", "octobre", "novembre", "d\303\251cembre"}};
    if (c->type != TYPE_TIME && c->type != TYPE_DATE)
        return as_read(arena, language, c, row);
    int64_t count = c->integer[row], year;
    int month, day;
    if (c->type == TYPE_TIME)
        count = count / DAY_US - (count % DAY_US < 0);
    if (count < -200000000 || count > 200000000)
        return cell_text(arena, c, row);
    civil_from_days(count, &year, &month, &day);
    const char *first = language == LANGUAGE_FRENCH && day == 1 ? "er" : ""; /* 1er mai */
    return str_format(arena, "%d%s %s %lld", day, first, months[language][month - 1],
                      (long long)year);
}

/* Four digits after the point, or four significant ones below 1; no zeros at the end. */
static Str plain_real(Arena *arena, Language language, double x)
{
    char text[NUMBER_TEXT];
    double size = fabs(x);
    if (size == 0)
        return S("0");
    if (!(size < 1e15) || size < 1e-9)
        return pointed(arena, language, double_text(text, x));
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
    return pointed(arena, language, (Str){text, (size_t)count});
}

static Str plain(Arena *arena, Language language, const Column *c, size_t row)
{
    if (c->type == TYPE_DOUBLE)
        return plain_real(arena, language, c->real[row]);
    if (c->type == TYPE_DURATION && c->integer[row] == 0)
        return S("0s");
    return as_read(arena, language, c, row);
}

static Str count_of(Arena *arena, Language language, const Column *c, size_t row)
{
    Int128 value;
    return scaled(c, row, 0, &value) ? grouped(arena, language, "", value, 0, S(""))
                                     : as_read(arena, language, c, row);
}

Str format_unknown(Language language)
{
    return language == LANGUAGE_FRENCH ? S("inconnu") : S("unknown");
}

Str format_cell(Arena *arena, Format f, Language language, Str currency, const Column *c,
                size_t row)
{
    if (!column_valid(c, row) || (c->type == TYPE_DOUBLE && is_missing(c->real[row])))
        return format_unknown(language);
    switch (f) {
    case FORMAT_PLAIN:
        return plain(arena, language, c, row);
    case FORMAT_COUNT:
        return count_of(arena, language, c, row);
    case FORMAT_EUR:
        return money(arena, language, S("EUR"), c, row);
    case FORMAT_PERCENT:
        return percent(arena, language, c, row);
    case FORMAT_HOURS:
        return amount_of(arena, language, &hours, c, row);
    case FORMAT_DAYS:
        return amount_of(arena, language, &days, c, row);
    case FORMAT_DATE:
        return date(arena, language, c, row);
    case FORMAT_MINUTES:
        return amount_of(arena, language, &minutes, c, row);
    case FORMAT_RATIO:
        return amount_of(arena, language, &times, c, row);
    case FORMAT_MONEY:
        return money(arena, language, currency, c, row);
    case FORMATS:
        break;
    }
    return S("");
}

Str format_real(Arena *arena, Format f, Language language, Str currency, double value)
{
    Column c;
    column_init(&c, arena, S(""), TYPE_DOUBLE, 0, 1, NULL);
    c.real[0] = value;
    column_set_valid(&c, 0);
    return format_cell(arena, f, language, currency, &c, 0);
}

Str format_decimal(Arena *arena, Language language, int64_t units, int scale)
{
    return grouped(arena, language, "", units, scale, S(""));
}
