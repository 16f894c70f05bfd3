/* number.h - exact decimals, numbers as text, and the few functions of analysis that
 * results depend on.
 *
 * stable_exp and stable_log use only +, -, *, / and bit operations in a fixed order, so
 * they give the same bits on every machine; libm's differ between machines. Both are
 * within 2 ulp of the true value on the ranges the tests cover.
 * Source: the argument reductions and rational forms of fdlibm's e_exp and e_log,
 * re-derived; see docs/journal.md.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#define DECIMAL_SCALE_MAX 18

/* Parse the whole of s or answer false. Decimals: optional sign, digits, optional point;
 * at most `scale` digits after the point (trailing zeros beyond are let go); the result is
 * the integer count of 10^-scale units. */
bool parse_int64(Str s, int64_t *out);
bool parse_double(Str s, double *out); /* finite only; no locale */
bool parse_decimal(Str s, int scale, int64_t *out);

int64_t power_of_ten(int exponent); /* 0 .. 18 */

/* Write a decimal with all its digits after the point ("12.50"), or a double as the
 * shortest text that reads back equal. out needs NUMBER_TEXT bytes. Both return a Str over
 * `out`. */
#define NUMBER_TEXT 48
Str decimal_text(char out[NUMBER_TEXT], int64_t value, int scale);
Str double_text(char out[NUMBER_TEXT], double value);

double decimal_to_double(int64_t value, int scale);

double stable_exp(double x);
void stable_exp_all(double *x, size_t n); /* in place, each to the bit as stable_exp */
double stable_log(double x);
double stable_log1p(double x); /* exact for tiny x */
double stable_sigmoid(double x);
double stable_logit(double p);

/* A sum of doubles without any rounding until it is asked for: adding -x takes x out again, to
 * the last bit, and the order of adding makes no difference. Starts as zeros.
 * Cost: O(parts), of which there are few unless sizes differ by many powers of ten.
 * Source: Shewchuk 1997, as in Python's math.fsum. */
typedef struct ExactSum {
    double part[64]; /* small to large, no bit in two of them; packed, 2098 bits fit in 42 */
    size_t count;
    bool overflow; /* left the range of a double; nothing brings it back */
} ExactSum;
void exact_add(ExactSum *s, double x);
double exact_value(const ExactSum *s); /* rounded once; infinity after an overflow */

bool is_missing(double x); /* NaN marks a missing number */
#define MISSING_VALUE ((double)__builtin_nanf(""))

#endif
