/* single.c - a JSON number as a float, rounded once.
 *
 * A model is mostly such numbers, and opening it waits for them. Up to 15 digits and a power of ten
 * up to 22 are exact doubles, so one division or product is the number rounded to double. Rounding
 * that to float is the same as rounding the number itself, for nothing that is a double lies
 * between the two but the middle of two floats: there, and for all else, strtof is asked. Source:
 * Clinger 1990, How to read floating point numbers accurately. */
#include "model/model_internal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 15, POWER_MAX = 22 };

static bool plain(Str text, float *out)
{
    char copy[64];
    if (text.size == 0 || text.size >= sizeof copy)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\0' || strchr("0123456789+-.eE", text.data[i]) == NULL)
            return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *end;
    *out = strtof(copy, &end);
    return end == copy + text.size && isfinite(*out);
}

/* Exactly half-way between two floats, or too small for a float's full precision. */
static bool delicate(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return (bits & 0x1FFFFFFF) == 0x10000000 || fabs(d) < (double)FLT_MIN ||
           fabs(d) > (double)FLT_MAX;
}

bool json_single(Str text, float *out)
{
    static const double ten[POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *at = text.data, *end = text.data + text.size;
    bool negative = at < end && *at == '-', point = false;
    uint64_t mantissa = 0;
    int power = 0, digits = 0, exponent = 0;
    for (at += negative; at < end && digits <= DIGITS_MAX; at++) {
        unsigned digit = (unsigned char)*at - '0';
        if (digit <= 9) {
            mantissa = mantissa * 10 + digit;
            digits++;
            power -= point;
        } else if (*at == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (digits == 0 || digits > DIGITS_MAX)
        return plain(text, out);
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool down = at < end && *at == '-';
        at += at < end && (*at == '-' || *at == '+');
        const char *first = at;
        for (; at < end && at < first + 3 && (unsigned char)*at - (unsigned)'0' <= 9; at++)
            exponent = exponent * 10 + (*at - '0');
        if (at == first)
            return plain(text, out);
        power += down ? -exponent : exponent;
    }
    if (at != end || power > POWER_MAX || power < -POWER_MAX)
        return plain(text, out);
    double d = power < 0 ? (double)mantissa / ten[-power] : (double)mantissa * ten[power];
    if (mantissa != 0 && delicate(d))
        return plain(text, out);
    *out = (float)(negative ? -d : d);
    return true;
}
