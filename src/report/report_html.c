#include "report/report_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- escaping ---- */

/* Bytes of the character at s, 0 when they are not one. */
static size_t character(Str s)
{
    unsigned char c = (unsigned char)s.data[0];
    size_t size = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    return size <= s.size && str_valid_utf8(str_slice(s, 0, size)) ? size : 0;
}

/* U+202A..202E and U+2066..2069 turn the direction of what follows. */
static bool turns_direction(Str one)
{
    const unsigned char *c = (const unsigned char *)one.data;
    if (one.size != 3 || c[0] != 0xE2)
        return false;
    return (c[1] == 0x80 && c[2] >= 0xAA && c[2] <= 0xAE) ||
           (c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9);
}

/* Neither a control (but a line's end or a tab) nor a turn of direction. */
static bool text_is_plain(Str one)
{
    bool control = one.size == 1 && ((unsigned char)one.data[0] < ' ' || one.data[0] == 0x7F) &&
                   one.data[0] != '\n' && one.data[0] != '\t';
    return !control && !turns_direction(one);
}

static void escape_one(Buffer *b, Str rest, size_t size)
{
    switch (rest.data[0]) {
    case '<':
        buffer_add(b, S("&lt;"));
        return;
    case '>':
        buffer_add(b, S("&gt;"));
        return;
    case '&':
        buffer_add(b, S("&amp;"));
        return;
    case '"':
        buffer_add(b, S("&quot;"));
        return;
    case '\'':
        buffer_add(b, S("&#39;"));
        return;
    default:
        buffer_add(b, str_slice(rest, 0, size));
    }
}

void text_escape(Buffer *b, Str text, size_t bytes_max, EscapeOne *one)
{
    for (size_t i = 0; i < text.size;) {
        Str rest = str_slice(text, i, text.size);
        size_t size = character(rest);
        if (i + size > bytes_max) {
            buffer_add(b, S("\xE2\x80\xA6"));
            return;
        }
        if (size == 0 || !text_is_plain(str_slice(rest, 0, size)))
            buffer_add(b, S("\xEF\xBF\xBD"));
        else
            one(b, rest, size);
        i += size == 0 ? 1 : size;
    }
}

static void escape(Buffer *b, Str text, size_t bytes_max)
{
    text_escape(b, text, bytes_max, escape_one);
}

void html(Page *p, const char *markup)
{
    buffer_add(&p->out, str_from(markup));
}

void html_text(Page *p, Str text)
{
    escape(&p->out, text, TEXT_BYTES_MAX);
}

void html_spoken(Page *p, Str text)
{
    bool french = p->run != NULL && p->run->language == LANGUAGE_FRENCH;
    html(p, french ? "<span lang=\"fr\">" : "");
    html_text(p, text);
    html(p, french ? "</span>" : "");
}

static PRINTF_LIKE(2, 0) void say(Page *p, const char *format, va_list args)
{
    char text[4096];
    int size = vsnprintf(text, sizeof text, format, args);
    size_t bytes = size < 0 ? 0 : (size_t)size >= sizeof text ? sizeof text - 1 : (size_t)size;
    escape(&p->out, (Str){text, bytes}, sizeof text);
}

void html_say(Page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(p, format, args);
    va_end(args);
}

void html_paragraph(Page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    html(p, "<p>");
    say(p, format, args);
    html(p, "</p>\n");
    va_end(args);
}

void html_verdict(Page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    html(p, "<p class=\"say\">");
    say(p, format, args);
    html(p, "</p>\n");
    va_end(args);
}

void html_note(Page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    html(p, "<p class=\"note\">");
    say(p, format, args);
    html(p, "</p>\n");
    va_end(args);
}

void html_id(Page *p, Str id)
{
    html(p, "<bdi>");
    escape(&p->out, id, ID_BYTES_MAX);
    html(p, "</bdi>");
}

/* ---- tables ---- */

void html_table(Page *p, const char *caption, const char *columns)
{
    html(p, "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"");
    html_say(p, "%s", caption);
    html(p, "\">\n<table>\n<caption>");
    html_say(p, "%s", caption);
    html(p, "</caption>\n<thead><tr>");
    for (const char *at = columns; *at != '\0';) {
        size_t size = strcspn(at, "|");
        bool number = at[0] == '>';
        html(p, number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        html_text(p, (Str){at + number, size - number});
        html(p, "</th>");
        at += size + (at[size] == '|');
    }
    html(p, "</tr></thead>\n<tbody>\n");
}

void html_row(Page *p)
{
    html(p, "<tr>");
}

void html_head(Page *p, Str text)
{
    html(p, "<th scope=\"row\">");
    html_text(p, text);
    html(p, "</th>");
}

void html_head_id(Page *p, Str id)
{
    html(p, "<th scope=\"row\">");
    html_id(p, id);
    html(p, "</th>");
}

void html_cell(Page *p, Str text)
{
    html(p, "<td>");
    html_text(p, text);
    html(p, "</td>");
}

void html_cell_code(Page *p, Str text)
{
    html(p, "<td><code>");
    html_text(p, text);
    html(p, "</code></td>");
}

void html_cell_number(Page *p, Str number)
{
    html(p, "<td class=\"n\">");
    html_text(p, number);
    html(p, "</td>");
}

void html_cell_interval(Page *p, Interval i, int digits)
{
    html(p, "<td class=\"n\">");
    html_text(p, number_fixed(p->arena, i.value, digits));
    if (!is_missing(i.low) && !is_missing(i.high)) {
        html(p, " <span class=\"ci\">");
        html_text(p, number_fixed(p->arena, i.low, digits));
        html(p, i.low < 0 ? " to " : "\xE2\x80\x93"); /* a dash beside a minus reads as two */
        html_text(p, number_fixed(p->arena, i.high, digits));
        html(p, "</span>");
    }
    html(p, "</td>");
}

void html_row_end(Page *p)
{
    html(p, "</tr>\n");
}

void html_table_end(Page *p)
{
    html(p, "</tbody>\n</table>\n</div>\n");
}

/* ---- numbers ---- */

Str number_fixed(Arena *arena, double value, int digits)
{
    char text[NUMBER_TEXT];
    if (!isfinite(value))
        return S("not defined");
    double units = floor(fabs(value) * (double)power_of_ten(digits) + 0.5);
    if (!(units < 9e17))
        return str_copy(arena, double_text(text, value));
    int64_t whole = (int64_t)units;
    return str_copy(arena, decimal_text(text, value < 0 ? -whole : whole, digits));
}

static void group(Buffer *b, Str digits)
{
    for (size_t i = 0; i < digits.size; i++) {
        if (i > 0 && (digits.size - i) % 3 == 0)
            buffer_char(b, ',');
        buffer_char(b, digits.data[i]);
    }
}

Str number_count(Arena *arena, uint64_t value)
{
    char text[32];
    int size = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    Buffer b = buffer_new(arena);
    group(&b, (Str){text, (size_t)size});
    return buffer_str(&b);
}

Str number_share(Arena *arena, double share)
{
    if (!isfinite(share))
        return S("not defined");
    bool fine = share > 0 && share < 0.0995;
    Str number = number_fixed(arena, share * 100, fine ? 1 : 0);
    return str_format(arena, "%.*s\xC2\xA0%%", STR_ARG(number)); /* never parted from its sign */
}

Str number_interval(Arena *arena, Interval i, int digits)
{
    Str value = number_fixed(arena, i.value, digits);
    if (is_missing(i.low) || is_missing(i.high))
        return value;
    Str low = number_fixed(arena, i.low, digits), high = number_fixed(arena, i.high, digits);
    return str_format(arena, "%.*s [%.*s, %.*s]", STR_ARG(value), STR_ARG(low), STR_ARG(high));
}

Str number_money(Arena *arena, const Run *run, double value)
{
    if (!isfinite(value))
        return S("not known");
    Str fixed = number_fixed(arena, fabs(value), 2);
    Str currency = run->plan->schema->currency.text;
    Buffer b = buffer_new(arena);
    if (value < 0)
        buffer_char(&b, '-');
    if (str_equal(currency, S("EUR"))) {
        buffer_add(&b, S("\xE2\x82\xAC"));
    } else {
        buffer_add(&b, currency);
        buffer_char(&b, ' ');
    }
    size_t point = fixed.size >= 3 ? fixed.size - 3 : 0;
    group(&b, str_slice(fixed, 0, point));
    buffer_add(&b, str_slice(fixed, point, fixed.size));
    return buffer_str(&b);
}

Str number_plural(Arena *arena, uint64_t count, const char *one, const char *many)
{
    Str number = number_count(arena, count);
    return str_format(arena, "%.*s %s", STR_ARG(number), count == 1 ? one : many);
}
