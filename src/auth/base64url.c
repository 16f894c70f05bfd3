#include "auth/auth_internal.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_decode(uint8_t *out, size_t *size, Str text)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t written = 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = value_of(text.data[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xFFFF;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[written++] = (uint8_t)(bits >> held);
        }
    }
    *size = written;
    return text.size % 4 != 1 && (bits & ((1U << held) - 1)) == 0;
}

Str base64url_encode(Arena *keep, const uint8_t *bytes, size_t size)
{
    Buffer out = buffer_new(keep);
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | bytes[i]) & 0xFFFF;
        for (held += 8; held >= 6;) {
            held -= 6;
            buffer_char(&out, digits[bits >> held & 63]);
        }
    }
    if (held > 0)
        buffer_char(&out, digits[bits << (6 - held) & 63]);
    return buffer_str(&out);
}
