#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

Str str_from(const char *text)
{
    return text == NULL ? S("") : (Str){text, strlen(text)};
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_equal_fold(Str a, Str b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (fold(a.data[i]) != fold(b.data[i]))
            return false;
    return true;
}

int str_compare(Str a, Str b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int order = n == 0 ? 0 : memcmp(a.data, b.data, n);
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

bool str_starts(Str s, Str prefix)
{
    return s.size >= prefix.size &&
           (prefix.size == 0 || memcmp(s.data, prefix.data, prefix.size) == 0);
}

bool str_contains(Str s, Str part)
{
    return part.size == 0 || (s.size >= part.size && memmem(s.data, s.size, part.data, part.size));
}

Str str_trim(Str s)
{
    while (s.size > 0 && (unsigned char)s.data[0] <= ' ')
        s.data++, s.size--;
    while (s.size > 0 && (unsigned char)s.data[s.size - 1] <= ' ')
        s.size--;
    return s;
}

Str str_slice(Str s, size_t from, size_t to)
{
    to = to > s.size ? s.size : to;
    from = from > to ? to : from;
    return (Str){from == 0 ? s.data : s.data + from, to - from}; /* nothing is added to NULL */
}

Str str_copy(Arena *arena, Str s)
{
    char *out = arena_raw(arena, s.size + 1, 1);
    if (s.size > 0)
        memcpy(out, s.data, s.size);
    out[s.size] = '\0';
    return (Str){out, s.size};
}

const char *str_chars(Arena *arena, Str s)
{
    return str_copy(arena, s).data;
}

static PRINTF_LIKE(2, 0) Str format_into(Arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    size_t bytes = size < 0 ? 0 : (size_t)size;
    char *out = arena_raw(arena, bytes + 1, 1);
    (void)vsnprintf(out, bytes + 1, format, again);
    va_end(again);
    return (Str){out, bytes};
}

Str str_format(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    Str out = format_into(arena, format, args);
    va_end(args);
    return out;
}

/* Strict UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, at most U+10FFFF. */
size_t str_characters(Str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.size; i++)
        count += ((unsigned char)s.data[i] & 0xC0) != 0x80;
    return count;
}

bool str_valid_utf8(Str s)
{
    const unsigned char *p = (const unsigned char *)s.data;
    size_t i = 0;
    while (i < s.size) {
        uint64_t eight;
        if (s.size - i >= sizeof eight) { /* most text is ASCII */
            memcpy(&eight, p + i, sizeof eight);
            if ((eight & 0x8080808080808080) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        unsigned char c = p[i];
        if (c < 0x80) {
            i++;
            continue;
        }
        size_t more = c >= 0xC2 && c <= 0xDF   ? 1
                      : (c & 0xF0) == 0xE0     ? 2
                      : c >= 0xF0 && c <= 0xF4 ? 3
                                               : 0;
        if (more == 0 || s.size - i <= more)
            return false;
        for (size_t k = 1; k <= more; k++)
            if ((p[i + k] & 0xC0) != 0x80)
                return false;
        if ((c == 0xE0 && p[i + 1] < 0xA0) || (c == 0xED && p[i + 1] > 0x9F) ||
            (c == 0xF0 && p[i + 1] < 0x90) || (c == 0xF4 && p[i + 1] > 0x8F))
            return false;
        i += more + 1;
    }
    return true;
}

size_t str_distance(Str a, Str b, size_t limit)
{
    size_t row[65];
    a.size = a.size > 64 ? 64 : a.size;
    b.size = b.size > 64 ? 64 : b.size;
    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t change = diagonal + (fold(a.data[i - 1]) != fold(b.data[j - 1]));
            diagonal = row[j];
            size_t best = change < row[j] + 1 ? change : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[b.size] > limit ? limit + 1 : row[b.size];
}

Str str_nearest(Str name, const Str *names, size_t count)
{
    size_t limit = name.size / 3 < 1 ? 1 : name.size / 3;
    Str best = S("");
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(name, names[i], limit);
        if (distance <= limit) {
            best = names[i];
            limit = distance == 0 ? 0 : distance - 1;
            if (distance == 0)
                break;
        }
    }
    return best;
}

Buffer buffer_new(Arena *arena)
{
    return (Buffer){.arena = arena};
}

static void reserve(Buffer *b, size_t more)
{
    if (b->size + more <= b->capacity)
        return;
    size_t capacity = b->capacity == 0 ? 256 : b->capacity;
    while (capacity < b->size + more)
        capacity *= 2;
    b->data = arena_grow_raw(b->arena, b->data, b->capacity, capacity, 1);
    b->capacity = capacity;
}

void buffer_add(Buffer *b, Str s)
{
    if (s.size == 0)
        return;
    reserve(b, s.size);
    memcpy(b->data + b->size, s.data, s.size);
    b->size += s.size;
}

void buffer_char(Buffer *b, char c)
{
    reserve(b, 1);
    b->data[b->size++] = c;
}

void buffer_format(Buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t bytes = size < 0 ? 0 : (size_t)size;
    reserve(b, bytes + 1);
    (void)vsnprintf(b->data + b->size, bytes + 1, format, again);
    va_end(again);
    b->size += bytes;
}

Str buffer_str(const Buffer *b)
{
    return (Str){b->data, b->size};
}
