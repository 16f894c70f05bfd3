#include "book/book_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *book_shown(char out[BOOK_SHOWN], Str text)
{
    size_t size = text.size < BOOK_SHOWN - 4 ? text.size : BOOK_SHOWN - 4;
    if (size < text.size)
        while (size > 0 && ((unsigned char)text.data[size] & 0xC0) == 0x80)
            size--;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        out[i] = c < ' ' || c == 0x7F ? '?' : text.data[i];
    }
    memcpy(out + size, "...", 4);
    if (size == text.size)
        out[size] = '\0';
    return out;
}

Status book_refuse(Error *err, Status status, const char *file, Mark mark, const char *format, ...)
{
    char message[sizeof err->message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    status = error_set(err, status, "%s", message);
    (void)error_place(err, file, mark.line, mark.column);
    return status;
}

void book_suggest(Error *err, Str name, const Str *known, size_t count)
{
    char text[sizeof err->remedy], shown[BOOK_SHOWN];
    Str near = str_nearest(name, known, count);
    if (near.size > 0) {
        (void)error_remedy(err, "did you mean `%s`?", book_shown(shown, near));
        return;
    }
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        int more = snprintf(text + size, sizeof text - size, "%s`%s`", i == 0 ? "" : ", ",
                            book_shown(shown, known[i]));
        if (more < 0 || (size_t)more >= sizeof text - size - 24) {
            (void)snprintf(text + size, sizeof text - size, ", ...");
            break;
        }
        size += (size_t)more;
    }
    if (count > 0)
        (void)error_remedy(err, "use one of %s", text);
}
