#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

static const int64_t powers[19] = {1LL,
                                   10LL,
                                   100LL,
                                   1000LL,
                                   10000LL,
                                   100000LL,
                                   1000000LL,
                                   10000000LL,
                                   100000000LL,
                                   1000000000LL,
                                   10000000000LL,
                                   100000000000LL,
                                   1000000000000LL,
                                   10000000000000LL,
                                   100000000000000LL,
                                   1000000000000000LL,
                                   10000000000000000LL,
                                   100000000000000000LL,
                                   1000000000000000000LL};

int64_t power_of_ten(int exponent)
{
    return powers[exponent < 0 ? 0 : exponent > 18 ? 18 : exponent];
}

bool parse_decimal(Str s, int scale, int64_t *out)
{
    size_t i = 0;
    bool negative = s.size > 0 && s.data[0] == '-';
    if (s.size > 0 && (s.data[0] == '-' || s.data[0] == '+'))
        i++;
    int64_t value = 0;
    int after = -1; /* digits kept after the point, -1 before it */
    size_t digits = 0;
    for (; i < s.size; i++) {
        char c = s.data[i];
        if (c == '.' && after < 0) {
            after = 0;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        digits++;
        if (after >= scale) {
            if (c != '0')
                return false;
            continue;
        }
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, c - '0', &value)) /* negative: holds INT64_MIN too */
            return false;
        if (after >= 0)
            after++;
    }
    if (digits == 0)
        return false;
    for (int k = after < 0 ? 0 : after; k < scale; k++)
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

bool parse_int64(Str s, int64_t *out)
{
    return memchr(s.data == NULL ? "" : s.data, '.', s.size) == NULL && parse_decimal(s, 0, out);
}

bool parse_double(Str s, double *out)
{
    char text[128];
    if (s.size == 0 || s.size >= sizeof text)
        return false;
    for (size_t i = 0; i < s.size; i++)
        if (strchr("0123456789+-.eE", s.data[i]) == NULL || s.data[i] == '\0')
            return false;
    memcpy(text, s.data, s.size);
    text[s.size] = '\0';
    char *end;
    double value = strtod(text, &end);
    if (end != text + s.size || !isfinite(value))
        return false;
    *out = value;
    return true;
}

/* Logs hold millions of numbers, and printf takes its time over each. */
static char *digits_before(char *end, uint64_t value, int least)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (--least > 0 || value > 0);
    return end;
}

Str decimal_text(char out[NUMBER_TEXT], int64_t value, int scale)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t unit = (uint64_t)power_of_ten(scale);
    char text[NUMBER_TEXT], *end = text + sizeof text, *at = end;
    if (scale > 0) {
        at = digits_before(at, magnitude % unit, scale);
        *--at = '.';
    }
    at = digits_before(at, scale > 0 ? magnitude / unit : magnitude, 1);
    if (value < 0)
        *--at = '-';
    size_t size = (size_t)(end - at);
    memcpy(out, at, size);
    out[size] = '\0';
    return (Str){out, size};
}

static void *only_room(void *room, size_t size)
{
    return size <= NUMBER_TEXT ? room : NULL;
}

static void *no_room(void *room, void *old, size_t old_size, size_t size)
{
    (void)room;
    (void)old;
    (void)old_size;
    (void)size;
    return NULL;
}

static void leave_room(void *room, void *old)
{
    (void)room;
    (void)old;
}

/* How many digits say it exactly, of at least 0.0001: as many after the point as it has binary
 * places, less zeros that come first. */
static int exact_digits(double size)
{
    uint64_t bits, fraction = (UINT64_C(1) << 52) - 1;
    memcpy(&bits, &size, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    int digits = 52 - exponent - __builtin_ctzll((bits & fraction) | (fraction + 1));
    for (double unit = 1; size >= unit; unit *= 10)
        digits++;
    for (double unit = 0.1; size < unit; unit /= 10)
        digits--;
    return digits;
}

/* The fewest digits that read as the value again, as the JSON library finds them in a twentieth of
 * printf's time. They are printf's own where neither writes an exponent and one number of so many
 * digits is the nearest: at most 15 digits are the value itself, and half-way between two of 15 to
 * 17 digits is only what has one digit more. */
static bool quick_text(Str *text, char out[NUMBER_TEXT], double value)
{
    double size = fabs(value);
    if (!(size >= 1e-4 && size < 1e9))
        return false;
    int digits = exact_digits(size);
    if (digits > 15 && digits < 19)
        return false;
    yyjson_val number = {0};
    const yyjson_alc room = {only_room, no_room, leave_room, out};
    text->data = yyjson_set_real(&number, value)
                     ? yyjson_val_write_opts(&number, YYJSON_WRITE_NOFLAG, &room, &text->size, NULL)
                     : NULL;
    return text->data != NULL;
}

Str double_text(char out[NUMBER_TEXT], double value)
{
    int size = 0;
    Str quick;
    if (value > -1e15 && value < 1e15 && value != 0 && value == (double)(int64_t)value)
        return decimal_text(out, (int64_t)value, 0); /* as 15 digits would say it */
    if (value == 0 && !signbit(value))
        return decimal_text(out, 0, 0);
    if (quick_text(&quick, out, value))
        return quick;
    for (int digits = 15; digits <= 17; digits++) {
        size = snprintf(out, NUMBER_TEXT, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return (Str){out, (size_t)size};
}

double decimal_to_double(int64_t value, int scale)
{
    return (double)value / (double)power_of_ten(scale);
}

bool is_missing(double x)
{
    return x != x;
}

/* x 2^e for x in [1/2, 2] and e from -1075 to 1024, in two exact powers, so that results below the
 * normal range are rounded once at the end. */
static double scaled(double x, int e)
{
    int half = e / 2;
    uint64_t bits[2] = {(uint64_t)(half + 1023) << 52, (uint64_t)(e - half + 1023) << 52};
    double power[2];
    memcpy(power, bits, sizeof power);
    return x * power[0] * power[1];
}

/* x = k ln2 + r, |r| <= ln2/2; exp(r) by a Taylor sum to degree 13, whose remainder is
 * below 2^-56 there. ln2 is split in two so that k * high is exact. */
double stable_exp(double x)
{
    if (x != x)
        return x;
    if (x > 709.79) /* the largest finite result is at 709.7827; ldexp finds it */
        return INFINITY;
    if (x < -745.0)
        return 0.0;
    const double high = 6.93147180369123816490e-01, low = 1.90821492927058770002e-10;
    double k = floor(x * 1.44269504088896338700 + 0.5);
    double r = (x - k * high) - k * low;
    double sum = 1.0;
    for (int i = 13; i >= 1; i--)
        sum = 1.0 + sum * r / (double)i;
    return scaled(sum, (int)k);
}

/* Four at a time, whatever the processor has: each by the very operations of stable_exp. */
typedef double Four __attribute__((vector_size(32)));

void stable_exp_all(double *x, size_t n)
{
    const double high = 6.93147180369123816490e-01, low = 1.90821492927058770002e-10;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        Four k = {0}, v = {0};
        bool common = true;
        for (size_t j = 0; j < 4; j++) {
            v[j] = x[i + j];
            common = common && v[j] >= -745.0 && v[j] <= 709.79;
        }
        if (!common)
            break;
        for (size_t j = 0; j < 4; j++) {
            double to = v[j] * 1.44269504088896338700 + 0.5, whole = (double)(int)to;
            k[j] = whole - (whole > to); /* floor */
        }
        Four r = (v - k * high) - k * low, sum = {1.0, 1.0, 1.0, 1.0};
        for (int term = 13; term >= 1; term--)
            sum = 1.0 + sum * r / (double)term;
        for (size_t j = 0; j < 4; j++)
            x[i + j] = scaled(sum[j], (int)k[j]);
    }
    for (; i < n; i++)
        x[i] = stable_exp(x[i]);
}

/* x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), summed
 * to s^23, whose remainder is below 2^-60 there. */
double stable_log(double x)
{
    if (x != x || x < 0)
        return NAN;
    if (x == 0)
        return -INFINITY;
    if (isinf(x))
        return x;
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    double f = m - 1.0, s = f / (2.0 + f), z = s * s, sum = 0.0;
    static const double term[] = {2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13,
                                  2.0 / 11, 2.0 / 9,  2.0 / 7,  2.0 / 5,  2.0 / 3};
    for (size_t i = 0; i < COUNT_OF(term); i++)
        sum = sum * z + term[i];
    sum = sum * z; /* 2/3 z + 2/5 z^2 + ... : log m = 2 s + s * sum */
    const double high = 6.93147180369123816490e-01, low = 1.90821492927058770002e-10;
    double k = (double)e;
    /* f - s (f - sum') keeps the leading term exact: 2 s = f - s f. */
    return k * high - ((s * (f - sum) - k * low) - f);
}

double stable_log1p(double x)
{
    double u = 1.0 + x;
    if (u == 1.0 || isinf(x))
        return x;
    if (!(u > 0))
        return stable_log(u);
    double lost = x < 1 ? x - (u - 1.0) : 1.0 - (u - x); /* by rounding 1 + x, exactly */
    return stable_log(u) + lost / u;
}

double stable_sigmoid(double x)
{
    if (x >= 0)
        return 1.0 / (1.0 + stable_exp(-x));
    double e = stable_exp(x);
    return e / (1.0 + e);
}

double stable_logit(double p)
{
    return stable_log(p) - stable_log1p(-p);
}

/* From the largest down, each part takes as many bits of those below as it can hold. */
static void pack(ExactSum *s)
{
    double packed[COUNT_OF(s->part)], high = s->part[s->count - 1];
    size_t first = COUNT_OF(packed);
    for (size_t i = s->count - 1; i-- > 0;) {
        double sum = high + s->part[i], low = s->part[i] - (sum - high);
        high = sum;
        if (low == 0)
            continue;
        packed[--first] = high;
        high = low;
    }
    if (high != 0)
        packed[--first] = high;
    s->count = COUNT_OF(packed) - first;
    for (size_t i = 0; i < s->count; i++)
        s->part[i] = packed[first + i];
}

void exact_add(ExactSum *s, double x)
{
    size_t kept = 0;
    if (s->count == COUNT_OF(s->part))
        pack(s);
    for (size_t i = 0; i < s->count; i++) {
        double y = s->part[i];
        if (fabs(x) < fabs(y)) {
            double swap = x;
            x = y;
            y = swap;
        }
        double high = x + y, low = y - (high - x); /* x + y = high + low, exactly */
        if (low != 0)
            s->part[kept++] = low;
        x = high;
    }
    if (!isfinite(x))
        s->overflow = true;
    if (x != 0)
        s->part[kept++] = x;
    s->count = kept;
}

double exact_value(const ExactSum *s)
{
    size_t i = s->count;
    double high = 0, low = 0;
    if (s->overflow)
        return INFINITY;
    if (i > 0)
        high = s->part[--i];
    while (i > 0) {
        double x = high, y = s->part[--i];
        high = x + y;
        low = y - (high - x);
        if (low != 0)
            break;
    }
    /* Halfway between two doubles, what is left decides. */
    if (i > 0 && ((low < 0 && s->part[i - 1] < 0) || (low > 0 && s->part[i - 1] > 0))) {
        double twice = low * 2, x = high + twice;
        if (x - high == twice)
            high = x;
    }
    return high;
}
