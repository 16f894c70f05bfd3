/* report_markdown.c - Markdown that no text from outside can bend. */
#include "report/report_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- escaping ---- */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

/* Does the character at rest need a backslash? What has no meaning where it stands keeps its looks:
 * names like first_14d, intervals in brackets. */
static bool needs_backslash(const Buffer *b, Str rest)
{
    char next = rest.size > 1 ? rest.data[1] : ' ';
    char before = b->size > 0 ? b->data[b->size - 1] : ' ';
    switch (rest.data[0]) {
    case '\\':
    case '`':
    case '*':
    case '|':
    case '~':
    case '$':
        return true;
    case '_':
        return !is_word(before) || !is_word(next);
    case ']':
        return next == '(' || next == '[' || next == ':';
    case ':':
        return str_starts(rest, S("://"));
    case '.': /* www. and what else becomes a link by itself */
        return b->size >= 3 && (memcmp(b->data + b->size - 3, "www", 3) == 0 ||
                                memcmp(b->data + b->size - 3, "WWW", 3) == 0);
    default:
        return false;
    }
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
    case '\n':
    case '\t':
        buffer_char(b, ' ');
        return;
    default:
        break;
    }
    if (needs_backslash(b, rest))
        buffer_char(b, '\\');
    buffer_add(b, str_slice(rest, 0, size));
}

void markdown_escape(Buffer *b, Str text)
{
    text_escape(b, text, MARKDOWN_BYTES_MAX, escape_one);
}

/* What would make a block of a line that starts with it: a heading, a list, a rule, a reference. */
static void escape_line(Buffer *b, Str text)
{
    text = str_trim(text);
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    if (digits > 0 && digits < text.size &&
        (text.data[digits] == '.' || text.data[digits] == ')')) {
        buffer_add(b, str_slice(text, 0, digits));
        buffer_char(b, '\\');
        text = str_slice(text, digits, text.size);
    } else if (text.size > 0 && strchr("#-+=[", text.data[0]) != NULL && text.data[0] != '\0') {
        buffer_char(b, '\\');
    }
    markdown_escape(b, text);
}

void markdown(Page *p, const char *markup)
{
    buffer_add(&p->out, str_from(markup));
}

void markdown_text(Page *p, Str text)
{
    markdown_escape(&p->out, text);
}

/* ---- blocks: each begins after an empty line and ends its own ---- */

static PRINTF_LIKE(2, 0) Str say(Page *p, const char *format, va_list args)
{
    char text[MARKDOWN_BYTES_MAX];
    int size = vsnprintf(text, sizeof text, format, args);
    size_t bytes = size < 0 ? 0 : (size_t)size >= sizeof text ? sizeof text - 1 : (size_t)size;
    return str_copy(p->arena, (Str){text, bytes});
}

void markdown_title(Page *p, const char *marks, const char *title)
{
    buffer_format(&p->out, "%s%s %s\n", p->out.size > 0 ? "\n" : "", marks, title);
}

void markdown_sentences(Page *p, Str text)
{
    markdown(p, "\n");
    escape_line(&p->out, text);
    markdown(p, "\n");
}

void markdown_paragraph(Page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    markdown_sentences(p, say(p, format, args));
    va_end(args);
}

/* Items that follow each other are one list. */
static bool ends_in_item(const Buffer *b)
{
    size_t start = b->size > 0 ? b->size - 1 : 0;
    while (start > 0 && b->data[start - 1] != '\n')
        start--;
    return str_starts((Str){b->data + start, b->size - start}, S("- "));
}

void markdown_item(Page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    markdown(p, ends_in_item(&p->out) ? "- " : "\n- ");
    escape_line(&p->out, say(p, format, args));
    markdown(p, "\n");
    va_end(args);
}

void markdown_belief(Page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    markdown(p, "\n**How far this goes.** ");
    markdown_text(p, say(p, format, args));
    markdown(p, "\n");
    va_end(args);
}

void markdown_absent(Page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    markdown(p, "\n**Absent.** ");
    markdown_text(p, say(p, format, args));
    markdown(p, "\n");
    va_end(args);
}

/* Nothing is escaped in a block of code, whose fence is longer than any in the text. */
static void code_one(Buffer *b, Str rest, size_t size)
{
    if (rest.data[0] == '\n' || rest.data[0] == '\t')
        buffer_char(b, ' ');
    else
        buffer_add(b, str_slice(rest, 0, size));
}

void markdown_code(Page *p, Str text)
{
    size_t longest = 2, fence = 0;
    for (size_t i = 0, run = 0; i < text.size; i++) {
        run = text.data[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    fence = longest + 1; /* at least three */
    markdown(p, "\n");
    for (size_t i = 0; i < fence; i++)
        buffer_char(&p->out, '`');
    markdown(p, "\n");
    text_escape(&p->out, text, MARKDOWN_BYTES_MAX, code_one);
    markdown(p, "\n");
    for (size_t i = 0; i < fence; i++)
        buffer_char(&p->out, '`');
    markdown(p, "\n");
}

/* ---- tables ---- */

void markdown_table(Page *p, const char *columns)
{
    Buffer rule = buffer_new(p->arena);
    markdown(p, "\n|");
    for (const char *at = columns; *at != '\0';) {
        size_t size = strcspn(at, "|");
        bool number = at[0] == '>';
        markdown_cell(p, (Str){at + number, size - number});
        buffer_add(&rule, number ? S("--:|") : S("---|"));
        at += size + (at[size] == '|');
    }
    markdown(p, "\n|");
    buffer_add(&p->out, buffer_str(&rule));
    markdown(p, "\n");
}

void markdown_row(Page *p)
{
    markdown(p, "|");
}

void markdown_cell(Page *p, Str text)
{
    markdown(p, " ");
    markdown_text(p, text);
    markdown(p, " |");
}

void markdown_say(Page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    markdown_cell(p, say(p, format, args));
    va_end(args);
}

void markdown_row_end(Page *p)
{
    markdown(p, "\n");
}

void markdown_pair(Page *p, const char *name, Str value)
{
    markdown_row(p);
    markdown_cell(p, str_from(name));
    markdown_cell(p, value);
    markdown_row_end(p);
}

/* ---- numbers ---- */

static Str with_sign(Arena *arena, double value, int digits)
{
    Str number = number_fixed(arena, value, digits);
    return isfinite(value) && number.data[0] != '-' ? str_format(arena, "+%.*s", STR_ARG(number))
                                                    : number;
}

Str number_change(Arena *arena, Interval i, int digits)
{
    Str value = with_sign(arena, i.value, digits);
    if (is_missing(i.value) || is_missing(i.low) || is_missing(i.high))
        return value;
    Str low = with_sign(arena, i.low, digits), high = with_sign(arena, i.high, digits);
    return str_format(arena, "%.*s [%.*s, %.*s]", STR_ARG(value), STR_ARG(low), STR_ARG(high));
}

const char *say_text(Page *p, Str text)
{
    return str_chars(p->arena, text);
}

const char *say_count(Page *p, uint64_t value)
{
    return say_text(p, number_count(p->arena, value));
}

const char *say_fixed(Page *p, double value, int digits)
{
    return say_text(p, number_fixed(p->arena, value, digits));
}

const char *say_share(Page *p, double share)
{
    return say_text(p, number_share(p->arena, share));
}

const char *say_interval(Page *p, Interval i, int digits)
{
    return say_text(p, number_interval(p->arena, i, digits));
}
