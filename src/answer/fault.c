/* fault.c - what is wrong with a request, in one sentence. */
#include "answer/answer_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 60 };

Str fault_shown(Arena *keep, Str name)
{
    Buffer b = buffer_new(keep);
    for (size_t i = 0; i < name.size && i < SHOWN_MAX; i++) {
        unsigned char c = (unsigned char)name.data[i];
        buffer_char(&b, c < 0x20 || c >= 0x7F ? '?' : (char)c);
    }
    return buffer_str(&b);
}

/* RFC 6901, cut where it gets too long; bytes that are no plain letters become question marks. */
static void add_token(Fault *f, size_t *at, Str token)
{
    for (size_t i = 0; i < token.size && *at + 3 < sizeof f->pointer; i++) {
        unsigned char c = (unsigned char)token.data[i];
        if (c == '~' || c == '/') {
            f->pointer[(*at)++] = '~';
            f->pointer[(*at)++] = c == '~' ? '0' : '1';
        } else {
            f->pointer[(*at)++] = c < 0x20 || c >= 0x7F ? '?' : (char)c;
        }
    }
    f->pointer[*at] = '\0';
}

Status fault_set(Fault *f, Place place, const char *code, const char *format, ...)
{
    if (f->code != NULL)
        return STATUS_FORMAT;
    va_list args;
    size_t at = 0;
    f->code = code;
    f->pointer[0] = '\0';
    if (place.list != NULL)
        at = (size_t)snprintf(f->pointer, sizeof f->pointer, "%s", place.list);
    if (place.at != no_at)
        at += (size_t)snprintf(f->pointer + at, sizeof f->pointer - at, "/%zu", place.at);
    if (place.field.size > 0) {
        f->pointer[at++] = '/';
        add_token(f, &at, place.field);
    }
    va_start(args, format);
    (void)vsnprintf(f->detail, sizeof f->detail, format, args);
    va_end(args);
    return STATUS_FORMAT;
}
