#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Texts of files stand in messages, which go to terminals and logs: a control character of theirs
 * would move a cursor or begin a line of its own. */
static PRINTF_LIKE(3, 0) void write_text(char *out, size_t size, const char *format, va_list args)
{
    (void)vsnprintf(out, size, format, args);
    for (; *out != '\0'; out++)
        if ((unsigned char)*out < 0x20 || *out == 0x7F)
            *out = '?';
}

Status error_set(Error *err, Status status, const char *format, ...)
{
    if (err == NULL)
        return status;
    if (err->status != STATUS_OK)
        return err->status;
    err->status = status;
    va_list args;
    va_start(args, format);
    write_text(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

void error_pass(Error *err, const Error *other)
{
    if (err != NULL && err->status == STATUS_OK)
        *err = *other;
}

Status error_place(Error *err, const char *file, int64_t line, int64_t column)
{
    if (err == NULL)
        return STATUS_FORMAT;
    if (err->file[0] == '\0' && err->line == 0) {
        (void)snprintf(err->file, sizeof err->file, "%s", file == NULL ? "" : file);
        err->line = line;
        err->column = column;
    }
    return err->status;
}

Status error_remedy(Error *err, const char *format, ...)
{
    if (err == NULL)
        return STATUS_FORMAT;
    if (err->remedy[0] == '\0') {
        va_list args;
        va_start(args, format);
        write_text(err->remedy, sizeof err->remedy, format, args);
        va_end(args);
    }
    return err->status;
}

#define EXCERPT_BEFORE 60 /* characters shown on either side of the fault, at most */
#define EXCERPT_AFTER  40

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* The line that holds the byte. */
static Str line_of(Str text, size_t offset)
{
    size_t from = offset, to = offset;
    while (from > 0 && text.data[from - 1] != '\n')
        from--;
    while (to < text.size && text.data[to] != '\n' && text.data[to] != '\r')
        to++;
    return str_slice(text, from, to);
}

void error_excerpt(Error *err, Str text, size_t offset)
{
    if (err == NULL || err->status == STATUS_OK || err->excerpt[0] != '\0')
        return;
    offset = offset > text.size ? text.size : offset;
    while (offset > 0 && offset == text.size && text.data[offset - 1] == '\n')
        offset--;
    Str line = line_of(text, offset);
    size_t at = offset - (size_t)(line.data - text.data), from = at, to = at;
    at = at > line.size ? line.size : at;
    for (int i = 0; from > 0 && i < EXCERPT_BEFORE; i += begins_character(line.data[from]))
        from--;
    for (int i = 0; to < line.size && i < EXCERPT_AFTER; i += begins_character(line.data[to - 1]))
        to++;
    while (to < line.size && !begins_character(line.data[to]))
        to++;
    size_t size = 0;
    bool cut = from > 0;
    while (!cut && from < at && (line.data[from] == ' ' || line.data[from] == '\t'))
        from++;
    if (cut)
        size = (size_t)snprintf(err->excerpt, sizeof err->excerpt, "...");
    err->caret = (int64_t)size;
    for (size_t i = from; i < to && size + 8 < sizeof err->excerpt; i++) {
        unsigned char c = (unsigned char)line.data[i];
        err->caret += i < at && begins_character(line.data[i]);
        err->excerpt[size++] = c == '\t' ? ' ' : c < ' ' || c == 0x7F ? '?' : line.data[i];
    }
    (void)snprintf(err->excerpt + size, sizeof err->excerpt - size, "%s",
                   to < line.size ? "..." : "");
}

/* Byte of a 1-based line and column; false when the line is not so long. */
static bool byte_of(Str text, int64_t line, int64_t column, size_t *out)
{
    size_t i = 0;
    for (; line > 1 && i < text.size; i++)
        line -= text.data[i] == '\n';
    for (; column > 1 && i < text.size && text.data[i] != '\n'; i++)
        column -= i + 1 >= text.size || begins_character(text.data[i + 1]);
    *out = i;
    return line == 1 && column == 1;
}

void error_excerpt_file(Error *err, const char *file, Str text)
{
    size_t at, back = 0;
    if (err == NULL || err->line == 0 || file == NULL ||
        strncmp(err->file, file, sizeof err->file - 1) != 0 ||
        !byte_of(text, err->line, err->column, &at))
        return;
    /* What is shown must stand there, byte for byte, for the whole line to be shown instead. */
    Str shown = str_from(err->excerpt);
    for (int64_t i = 0; i < err->caret && back < shown.size; back++)
        i += back + 1 >= shown.size || begins_character(shown.data[back + 1]);
    if (back > at || !str_starts(str_slice(text, at - back, text.size), shown))
        return;
    err->excerpt[0] = '\0';
    error_excerpt(err, text, at);
}
