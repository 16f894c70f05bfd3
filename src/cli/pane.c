#include "cli/pane.h"

#include <string.h>

/* ---- characters ---- */

/* The character at s and its bytes; 0 bytes where there is none. */
static uint32_t decode(Str s, size_t *bytes)
{
    const unsigned char *c = (const unsigned char *)s.data;
    *bytes = c[0] < 0x80 ? 1 : c[0] >= 0xF0 ? 4 : c[0] >= 0xE0 ? 3 : 2;
    if (*bytes > s.size || !str_valid_utf8(str_slice(s, 0, *bytes)))
        *bytes = 0;
    switch (*bytes) {
    case 1:
        return c[0];
    case 2:
        return (uint32_t)(c[0] & 0x1F) << 6 | (c[1] & 0x3F);
    case 3:
        return (uint32_t)(c[0] & 0x0F) << 12 | (uint32_t)(c[1] & 0x3F) << 6 | (c[2] & 0x3F);
    case 4:
        return (uint32_t)(c[0] & 0x07) << 18 | (uint32_t)(c[1] & 0x3F) << 12 |
               (uint32_t)(c[2] & 0x3F) << 6 | (c[3] & 0x3F);
    default:
        return c[0];
    }
}

typedef struct Between {
    uint32_t from, to;
} Between;

static bool within(uint32_t c, const Between *range, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (c >= range[i].from && c <= range[i].to)
            return true;
    return false;
}

/* Controls, turns of direction, what takes no cell of its own, and what is no character. */
static bool is_unseen(uint32_t c)
{
    static const Between unseen[] = {{0x00, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},
                                     {0x034F, 0x034F},   {0x061C, 0x061C},   {0x115F, 0x1160},
                                     {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},
                                     {0x2028, 0x202E},   {0x2060, 0x206F},   {0x3164, 0x3164},
                                     {0xE000, 0xF8FF},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},
                                     {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFC},   {0xFFFE, 0xFFFF},
                                     {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0x10FFFF}};
    return within(c, unseen, COUNT_OF(unseen));
}

static size_t cells_of(uint32_t c)
{
    static const Between none[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},
                                   {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0E31, 0x0E31},
                                   {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF},
                                   {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE20, 0xFE2F}};
    static const Between two[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
                                  {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
                                  {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                                  {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF},
                                  {0x20000, 0x3FFFD}};
    if (c < 0x300)
        return 1;
    return within(c, none, COUNT_OF(none)) ? 0 : within(c, two, COUNT_OF(two)) ? 2 : 1;
}

/* What stands for a character where only ASCII can be written; NULL: nothing does. */
static const char *plain_letter(uint32_t c)
{
    switch (c) {
    case 0xA0:
    case 0x202F:
    case 0x2009:
        return " ";
    case 0xB7:
    case 0x2022:
        return "-";
    case 0xAB:
    case 0xBB:
    case 0x201C:
    case 0x201D:
        return "\"";
    case 0x2018:
    case 0x2019:
        return "'";
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
        return "-";
    case 0x2026:
        return "...";
    case 0x20AC:
        return "EUR ";
    case 0x2190:
        return "<-";
    case 0x2192:
        return "->";
    case 0x2265:
        return ">=";
    case 0x2264:
        return "<=";
    case 0x153:
        return "oe";
    case 0x152:
        return "OE";
    default:
        break;
    }
    static const char *const letters[] = {
        "A", "A", "A", "A", "A", "A", "AE", "C", "E", "E", "E", "E", "I", "I", "I",  "I",
        "D", "N", "O", "O", "O", "O", "O",  "x", "O", "U", "U", "U", "U", "Y", "Th", "ss",
        "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",
        "d", "n", "o", "o", "o", "o", "o",  "/", "o", "u", "u", "u", "u", "y", "th", "y"};
    return c >= 0xC0 && c <= 0xFF ? letters[c - 0xC0] : NULL;
}

Str terminal_text(Arena *arena, Str text, bool unicode)
{
    Buffer b = buffer_new(arena);
    for (size_t i = 0; i < text.size;) {
        size_t bytes;
        Str rest = str_slice(text, i, text.size);
        uint32_t c = decode(rest, &bytes);
        const char *plain = c < 0x80 || unicode ? NULL : plain_letter(c);
        if (bytes == 0)
            buffer_format(&b, "\\x%02X", c);
        else if (is_unseen(c) || (c >= 0x80 && !unicode && plain == NULL))
            buffer_format(&b, "\\u{%X}", c);
        else if (plain != NULL)
            buffer_add(&b, str_from(plain));
        else
            buffer_add(&b, str_slice(rest, 0, bytes));
        i += bytes == 0 ? 1 : bytes;
    }
    return buffer_str(&b);
}

size_t terminal_cells(Str text)
{
    size_t cells = 0, bytes;
    for (size_t i = 0; i < text.size; i += bytes == 0 ? 1 : bytes)
        cells += cells_of(decode(str_slice(text, i, text.size), &bytes));
    return cells;
}

/* Bytes of the first characters that take at most so many cells. */
static size_t fitting(Str text, size_t cells)
{
    size_t i = 0, bytes;
    while (i < text.size) {
        size_t more = cells_of(decode(str_slice(text, i, text.size), &bytes));
        if (more > cells)
            break;
        cells -= more;
        i += bytes == 0 ? 1 : bytes;
    }
    return i;
}

/* ---- lines ---- */

Pane pane_new(Arena *arena, size_t width, bool colour, bool unicode)
{
    return (Pane){.arena = arena,
                  .width = width,
                  .colour = colour,
                  .unicode = unicode,
                  .at = buffer_new(arena)};
}

static void put(Pane *p, Tint tint, Str text)
{
    static const char *const code[] = {"",         "\033[1m",  "\033[2m",  "\033[1;36m",
                                       "\033[32m", "\033[35m", "\033[33m", "\033[1;31m"};
    if (p->colour && tint != p->tint && text.size > 0) {
        buffer_add(&p->at, p->tint == TINT_NONE ? S("") : S("\033[0m"));
        buffer_add(&p->at, str_from(code[tint]));
        p->tint = tint;
    }
    buffer_add(&p->at, text);
    p->used += terminal_cells(text);
}

void pane_end(Pane *p)
{
    if (p->tint != TINT_NONE)
        buffer_add(&p->at, S("\033[0m"));
    p->tint = TINT_NONE;
    *ARENA_PUSH(p->arena, p->line, p->lines, p->capacity) = buffer_str(&p->at);
    size_t lines = p->lines - 1;
    *ARENA_PUSH(p->arena, p->cells, lines, p->cells_capacity) = p->used;
    p->at = buffer_new(p->arena);
    p->used = 0;
    p->owed = NULL;
}

void pane_blank(Pane *p)
{
    if (p->lines > 0 && p->cells[p->lines - 1] > 0)
        pane_end(p);
}

void pane_to(Pane *p, size_t cell)
{
    while (p->used < cell) {
        buffer_char(&p->at, ' ');
        p->used++;
    }
}

static void wrap(Pane *p, Tint tint, size_t hang, Str text)
{
    Str gap = p->owed == NULL ? S("") : terminal_text(p->arena, str_from(p->owed), p->unicode);
    p->owed = NULL;
    for (size_t i = 0; i < text.size;) {
        size_t from = i;
        while (i < text.size && text.data[i] == ' ')
            i++;
        if (i > from && gap.size == 0 && p->used > hang)
            gap = S(" ");
        size_t word = i;
        while (i < text.size && text.data[i] != ' ')
            i++;
        Str one = str_slice(text, word, i);
        if (one.size == 0)
            break;
        size_t cells = terminal_cells(one), parting = terminal_cells(gap);
        if (p->used > hang && p->used + parting + cells > p->width) {
            pane_end(p);
            pane_to(p, hang);
        } else {
            put(p, gap.size > 1 ? TINT_SOFT : p->tint, gap);
        }
        gap = S("");
        while (p->used + cells > p->width) { /* longer than a line: cut it anywhere */
            size_t bytes = fitting(one, p->width > p->used ? p->width - p->used : 1);
            bytes = bytes == 0 ? one.size : bytes;
            put(p, tint, str_slice(one, 0, bytes));
            one = str_slice(one, bytes, one.size);
            cells = terminal_cells(one);
            if (one.size == 0)
                break;
            pane_end(p);
            pane_to(p, hang);
        }
        put(p, tint, one);
    }
}

void pane_part(Pane *p, const char *separator)
{
    p->owed = separator;
}

void pane_text(Pane *p, Tint tint, size_t hang, Str text)
{
    Str safe = terminal_text(p->arena, text, p->unicode);
    wrap(p, tint, hang < p->width / 2 ? hang : 0, safe);
}

void pane_say(Pane *p, Tint tint, size_t hang, const char *text)
{
    pane_text(p, tint, hang, str_from(text));
}

void pane_cut(Pane *p, Tint tint, size_t cells, Str text)
{
    Str safe = terminal_text(p->arena, text, p->unicode);
    if (terminal_cells(safe) <= cells) {
        put(p, tint, safe);
        return;
    }
    Str dots = p->unicode ? S("\xE2\x80\xA6") : S("~");
    if (cells > 0) {
        put(p, tint, str_slice(safe, 0, fitting(safe, cells - 1)));
        put(p, tint, dots);
    }
}

void pane_right(Pane *p, Tint tint, size_t cells, Str text)
{
    Str safe = terminal_text(p->arena, text, p->unicode);
    size_t size = terminal_cells(safe);
    if (size < cells)
        pane_to(p, p->used + cells - size);
    put(p, tint, safe);
}

/* ---- onto the screen ---- */

static void spaces(Buffer *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buffer_char(b, ' ');
}

void pane_print(Buffer *b, const Pane *p)
{
    for (size_t i = 0; i < p->lines; i++) {
        buffer_add(b, p->line[i]);
        buffer_char(b, '\n');
    }
}

void pane_join(Buffer *b, const Pane *left, const Pane *right, size_t gap)
{
    size_t lines = left->lines > right->lines ? left->lines : right->lines;
    for (size_t i = 0; i < lines; i++) {
        size_t used = 0;
        if (i < left->lines) {
            buffer_add(b, left->line[i]);
            used = left->cells[i];
        }
        if (i < right->lines && right->cells[i] > 0) {
            spaces(b, left->width + gap > used ? left->width + gap - used : 1);
            buffer_add(b, right->line[i]);
        }
        buffer_char(b, '\n');
    }
}
