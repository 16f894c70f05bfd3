/* value.c - intervals and sets of truth values through an expression. Where nothing better is
 * known the answer is "anything": never too small a set. */
#include "prove/prove_internal.h"

#include <math.h>

static Value number_any(void)
{
    return (Value){.kind = VALUE_NUMBER,
                   .may_miss = true,
                   .may_have = true,
                   .low = -INFINITY,
                   .high = INFINITY,
                   .low_open = true,
                   .high_open = true};
}

Value value_between(double low, double high)
{
    return (Value){.kind = VALUE_NUMBER,
                   .may_have = true,
                   .low = low,
                   .high = high,
                   .low_open = isinf(low),
                   .high_open = isinf(high)};
}

Value value_number(double x)
{
    return value_between(x, x);
}

Value value_truth(uint8_t set)
{
    return (Value){.kind = VALUE_TRUTH, .truth = set};
}

static ValueKind kind_of(Type type)
{
    return type == TYPE_BOOLEAN                         ? VALUE_TRUTH
           : type == TYPE_CATEGORY || type == TYPE_TEXT ? VALUE_TEXT
                                                        : VALUE_NUMBER;
}

Value value_anything(Type type)
{
    ValueKind kind = kind_of(type);
    if (kind == VALUE_TRUTH)
        return value_truth(MAY_ANY);
    if (kind == VALUE_NUMBER)
        return number_any();
    return (Value){.kind = VALUE_TEXT, .may_miss = true, .may_have = true};
}

Value value_missing(Type type)
{
    ValueKind kind = kind_of(type);
    return kind == VALUE_TRUTH ? value_truth(MAY_UNKNOWN)
                               : (Value){.kind = kind, .may_miss = true, .low = 1, .high = -1};
}

/* ---- truth ---- */

static uint8_t truth_not(uint8_t a)
{
    return (uint8_t)((a & MAY_UNKNOWN) | ((a & MAY_TRUE) ? MAY_FALSE : 0) |
                     ((a & MAY_FALSE) ? MAY_TRUE : 0));
}

static uint8_t truth_and(uint8_t a, uint8_t b)
{
    uint8_t out = 0;
    if ((a | b) & MAY_FALSE)
        out |= MAY_FALSE;
    if (a & b & MAY_TRUE)
        out |= MAY_TRUE;
    if (((a & MAY_UNKNOWN) && (b & (MAY_UNKNOWN | MAY_TRUE))) ||
        ((b & MAY_UNKNOWN) && (a & (MAY_UNKNOWN | MAY_TRUE))))
        out |= MAY_UNKNOWN;
    return out;
}

static uint8_t truth_or(uint8_t a, uint8_t b)
{
    return truth_not(truth_and(truth_not(a), truth_not(b)));
}

/* ---- comparisons ---- */

static bool may_be_less(const Value *a, const Value *b)
{
    return a->low < b->high;
}

static bool may_equal(const Value *a, const Value *b)
{
    double low = a->low > b->low ? a->low : b->low;
    double high = a->high < b->high ? a->high : b->high;
    bool open = (a->low == low && a->low_open) || (b->low == low && b->low_open) ||
                (a->high == high && a->high_open) || (b->high == high && b->high_open);
    return low < high || (low == high && !open);
}

static bool is_point(const Value *v)
{
    return v->low == v->high;
}

static bool among(Str text, const Str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(list[i], text))
            return true;
    return false;
}

static uint8_t equal_texts(const Value *a, const Value *b)
{
    if (a->known && b->known)
        return str_equal(a->text, b->text) ? MAY_TRUE : MAY_FALSE;
    if ((a->known && among(a->text, b->others, b->other_count)) ||
        (b->known && among(b->text, a->others, a->other_count)))
        return MAY_FALSE;
    return MAY_TRUE | MAY_FALSE;
}

static uint8_t equal_truths(uint8_t a, uint8_t b)
{
    uint8_t out = (a | b) & MAY_UNKNOWN;
    uint8_t both = MAY_TRUE | MAY_FALSE;
    if (a & b & both)
        out |= MAY_TRUE;
    if (((a & MAY_TRUE) && (b & MAY_FALSE)) || ((a & MAY_FALSE) && (b & MAY_TRUE)))
        out |= MAY_FALSE;
    return out;
}

static uint8_t compare(ViewKind kind, const Value *a, const Value *b)
{
    uint8_t out = 0;
    bool yes, no;
    if (a->kind != b->kind)
        return MAY_ANY; /* null beside something: unknown, or what it was given to be */
    if (a->kind == VALUE_TRUTH) {
        out = equal_truths(a->truth, b->truth);
        return kind == VIEW_UNEQUAL ? truth_not(out) : out;
    }
    if (a->may_miss || b->may_miss)
        out = MAY_UNKNOWN;
    if (!a->may_have || !b->may_have)
        return out;
    if (a->kind == VALUE_TEXT) {
        uint8_t equal = equal_texts(a, b);
        return out | (kind == VIEW_UNEQUAL ? truth_not(equal) : equal);
    }
    bool less = may_be_less(a, b), equal = may_equal(a, b), more = may_be_less(b, a);
    switch (kind) {
    case VIEW_LESS:
        yes = less;
        no = equal || more;
        break;
    case VIEW_LESS_EQUAL:
        yes = less || equal;
        no = more;
        break;
    case VIEW_GREATER:
        yes = more;
        no = equal || less;
        break;
    case VIEW_GREATER_EQUAL:
        yes = more || equal;
        no = less;
        break;
    default:
        yes = equal;
        no = !(is_point(a) && is_point(b) && a->low == b->low);
        if (kind == VIEW_UNEQUAL) {
            bool swap = yes;
            yes = no;
            no = swap;
        }
    }
    return (uint8_t)(out | (yes ? MAY_TRUE : 0) | (no ? MAY_FALSE : 0));
}

/* ---- arithmetic: ends may be rounded, so an end that is not a small whole number is let out by
 * one step of a double ---- */

static double outward(double x, bool up)
{
    if (isinf(x) || (x == floor(x) && fabs(x) < 1e15))
        return x;
    return nextafter(x, up ? INFINITY : -INFINITY);
}

static Value made(const Value *a, const Value *b, double low, bool low_open, double high,
                  bool high_open)
{
    Value out = {.kind = VALUE_NUMBER,
                 .may_miss = a->may_miss || (b != NULL && b->may_miss),
                 .may_have = a->may_have && (b == NULL || b->may_have),
                 .low = low,
                 .high = high,
                 .low_open = low_open,
                 .high_open = high_open};
    if (isnan(low)) {
        out.low = -INFINITY;
        out.low_open = true;
    }
    if (isnan(high)) {
        out.high = INFINITY;
        out.high_open = true;
    }
    return out;
}

static Value add(const Value *a, const Value *b)
{
    return made(a, b, outward(a->low + b->low, false), a->low_open || b->low_open,
                outward(a->high + b->high, true), a->high_open || b->high_open);
}

static Value negate(const Value *a)
{
    return made(a, NULL, -a->high, a->high_open, -a->low, a->low_open);
}

/* Ends taken as included: a little more than there is. */
static Value multiply(const Value *a, const Value *b)
{
    double corner[4] = {a->low * b->low, a->low * b->high, a->high * b->low, a->high * b->high};
    double low = INFINITY, high = -INFINITY;
    if (is_point(a) && isfinite(a->low) && a->low != 0) { /* scaling keeps open ends */
        double x = a->low * b->low, y = a->low * b->high;
        return a->low > 0
                   ? made(a, b, outward(x, false), b->low_open, outward(y, true), b->high_open)
                   : made(a, b, outward(y, false), b->high_open, outward(x, true), b->low_open);
    }
    if (is_point(b) && isfinite(b->low) && b->low != 0)
        return multiply(b, a);
    for (size_t i = 0; i < 4; i++) {
        double x = isnan(corner[i]) ? 0 : corner[i]; /* nothing times without bound */
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    return made(a, b, outward(low, false), isinf(low), outward(high, true), isinf(high));
}

static Value divide(const Value *a, const Value *b)
{
    bool zero = b->low <= 0 && b->high >= 0;
    if (zero || !b->may_have) {
        Value out = number_any();
        /* Both of one sign: no share is negative. */
        if (a->low >= 0 && b->low >= 0) {
            out.low = 0;
            out.low_open = false;
        }
        out.may_have = a->may_have && b->may_have && !(b->low == 0 && b->high == 0);
        out.may_miss = a->may_miss || b->may_miss || zero;
        return out;
    }
    Value one = made(b, NULL, outward(1 / b->high, false), b->high_open, outward(1 / b->low, true),
                     b->low_open);
    Value out = multiply(a, &one);
    out.low = outward(out.low, false);
    out.high = outward(out.high, true);
    if (a->low >= 0 && one.low >= 0 && out.low < 0)
        out.low = 0;
    return out;
}

static Value extreme(bool least, const Value *a, const Value *b)
{
    bool low_from_a = least ? a->low < b->low || (a->low == b->low && !a->low_open)
                            : a->low > b->low || (a->low == b->low && a->low_open);
    bool high_from_a = least ? a->high < b->high || (a->high == b->high && a->high_open)
                             : a->high > b->high || (a->high == b->high && !a->high_open);
    const Value *low = low_from_a ? a : b, *high = high_from_a ? a : b;
    return made(a, b, low->low, low->low_open, high->high, high->high_open);
}

/* What either may be. */
static Value join(const Value *a, const Value *b)
{
    if (a->kind == VALUE_TRUTH)
        return value_truth(a->truth | b->truth);
    Value out = *a;
    if (!a->may_have)
        out = *b;
    else if (b->may_have && a->kind == VALUE_TEXT)
        out = a->known && b->known && str_equal(a->text, b->text)
                  ? *a
                  : (Value){.kind = VALUE_TEXT, .may_have = true};
    else if (b->may_have) {
        if (b->low < out.low || (b->low == out.low && !b->low_open)) {
            out.low = b->low;
            out.low_open = b->low_open;
        }
        if (b->high > out.high || (b->high == out.high && !b->high_open)) {
            out.high = b->high;
            out.high_open = b->high_open;
        }
    }
    out.may_miss = a->may_miss || b->may_miss;
    out.may_have = a->may_have || b->may_have;
    return out;
}

static Value absolute(const Value *a)
{
    if (a->low >= 0)
        return *a;
    if (a->high <= 0)
        return negate(a);
    double high = -a->low > a->high ? -a->low : a->high;
    return made(a, NULL, 0, false, high, isinf(high));
}

/* ---- expressions ---- */

static Value in_list(const ExprNode *n, const View *v, const Lookup *lookup)
{
    Value x = value_of(lang_child(n, 0), lookup);
    uint8_t out = MAY_FALSE;
    for (size_t i = 1; i < v->children; i++) {
        const ExprNode *item = lang_child(n, i);
        Value y = value_of(item, lookup);
        out = truth_or(out, lang_view(item).kind == VIEW_NULL ? MAY_UNKNOWN
                                                              : compare(VIEW_EQUAL, &x, &y));
    }
    return value_truth(out);
}

static Value choose(const ExprNode *n, const View *v, const Lookup *lookup)
{
    Value out = value_missing(v->type);
    bool any = false, open = true; /* may the rest be reached? */
    for (size_t i = 0; i < v->children && open; i += 2) {
        bool otherwise = i + 1 == v->children;
        uint8_t when = otherwise ? MAY_TRUE : value_of(lang_child(n, i), lookup).truth;
        open = (when & (MAY_FALSE | MAY_UNKNOWN)) != 0;
        if (!(when & MAY_TRUE))
            continue;
        const ExprNode *branch = lang_child(n, otherwise ? i : i + 1);
        Value one =
            lang_view(branch).kind == VIEW_NULL ? value_missing(v->type) : value_of(branch, lookup);
        out = any ? join(&out, &one) : one;
        any = true;
    }
    Value missing = value_missing(v->type);
    return !any ? missing : open ? join(&out, &missing) : out;
}

static Value coalesce(const ExprNode *n, const View *v, const Lookup *lookup)
{
    Value out = value_missing(v->type);
    for (size_t i = 0; i < v->children; i++) {
        if (lang_view(lang_child(n, i)).kind == VIEW_NULL)
            continue;
        Value one = value_of(lang_child(n, i), lookup);
        bool before = out.may_miss;
        if (out.kind == VALUE_TRUTH) {
            if (!(out.truth & MAY_UNKNOWN))
                break;
            out.truth = (uint8_t)((out.truth & ~MAY_UNKNOWN) | one.truth);
            continue;
        }
        if (!before)
            break;
        Value joined = join(&out, &one);
        joined.may_miss = one.may_miss;
        out = joined;
    }
    return out;
}

static Value literal(const View *v)
{
    double x =
        v->kind == VIEW_NUMBER ? decimal_to_double(v->integer, v->scale) : (double)v->integer;
    /* Beyond 15 digits a double does not tell neighbours apart. */
    if (v->integer > INT64_C(999999999999999) || v->integer < -INT64_C(999999999999999)) {
        if (v->kind == VIEW_NUMBER)
            return number_any();
    }
    return value_number(x);
}

static Value is_null(const Value *x)
{
    bool may = x->kind == VALUE_TRUTH ? (x->truth & MAY_UNKNOWN) != 0 : x->may_miss;
    bool may_not = x->kind == VALUE_TRUTH ? (x->truth & (MAY_TRUE | MAY_FALSE)) != 0 : x->may_have;
    return value_truth((uint8_t)((may ? MAY_TRUE : 0) | (may_not ? MAY_FALSE : 0)));
}

static Value connect(const ExprNode *n, const View *v, const Lookup *lookup)
{
    uint8_t out = v->kind == VIEW_AND ? MAY_TRUE : MAY_FALSE;
    for (size_t i = 0; i < v->children; i++) {
        uint8_t one = value_of(lang_child(n, i), lookup).truth;
        out = v->kind == VIEW_AND ? truth_and(out, one) : truth_or(out, one);
    }
    return value_truth(out);
}

/* Integers and decimals are computed exactly: an end that is a rounding away from a number of the
 * result's scale is that number. */
static double snap(const View *v, double x)
{
    int scale = v->type == TYPE_DECIMAL ? v->scale : 0;
    double unit = (double)power_of_ten(scale);
    if (!isfinite(x) || fabs(x) * unit >= 1e15)
        return x;
    double near = decimal_to_double((int64_t)floor(x * unit + 0.5), scale);
    return fabs(near - x) <= 4e-16 * fabs(x) ? near : x;
}

static Value exact(Value out, const View *v)
{
    if (v->type == TYPE_DECIMAL || v->type == TYPE_INT64) {
        out.low = snap(v, out.low);
        out.high = snap(v, out.high);
    }
    return out;
}

static Value arithmetic(const ExprNode *n, const View *v, const Lookup *lookup)
{
    Value a = value_of(lang_child(n, 0), lookup), b = value_of(lang_child(n, 1), lookup);
    if (a.kind != VALUE_NUMBER || b.kind != VALUE_NUMBER)
        return value_anything(v->type);
    if (v->kind == VIEW_ADD)
        return exact(add(&a, &b), v);
    if (v->kind == VIEW_SUBTRACT) {
        Value minus = negate(&b);
        return exact(add(&a, &minus), v);
    }
    return v->kind == VIEW_MULTIPLY ? exact(multiply(&a, &b), v) : divide(&a, &b);
}

static Value comparison(const ExprNode *n, const View *v, const Lookup *lookup)
{
    Value a = value_of(lang_child(n, 0), lookup), b = value_of(lang_child(n, 1), lookup);
    bool null = lang_view(lang_child(n, 0)).kind == VIEW_NULL ||
                lang_view(lang_child(n, 1)).kind == VIEW_NULL;
    if (null)
        return value_truth(MAY_UNKNOWN);
    if (v->kind != VIEW_BETWEEN)
        return value_truth(compare(v->kind, &a, &b));
    Value c = value_of(lang_child(n, 2), lookup);
    uint8_t low = compare(VIEW_GREATER_EQUAL, &a, &b);
    return value_truth(truth_and(low, compare(VIEW_LESS_EQUAL, &a, &c)));
}

Value value_of(const ExprNode *n, const Lookup *lookup)
{
    View v = lang_view(n);
    Value a;
    switch (v.kind) {
    case VIEW_NULL:
        return value_missing(v.type);
    case VIEW_BOOLEAN:
        return value_truth(v.integer != 0 ? MAY_TRUE : MAY_FALSE);
    case VIEW_NUMBER:
    case VIEW_DURATION:
    case VIEW_TIME:
        return literal(&v);
    case VIEW_STRING:
        return (Value){.kind = VALUE_TEXT, .may_have = true, .known = true, .text = v.text};
    case VIEW_NAME:
        return lookup->name(lookup->context, v.text, v.type);
    case VIEW_AGGREGATE:
        return lookup->aggregate == NULL ? value_anything(v.type)
                                         : lookup->aggregate(lookup->context, v.aggregate, v.type);
    case VIEW_AND:
    case VIEW_OR:
        return connect(n, &v, lookup);
    case VIEW_NOT:
        return value_truth(truth_not(value_of(lang_child(n, 0), lookup).truth));
    case VIEW_IN:
        return in_list(n, &v, lookup);
    case VIEW_EQUAL:
    case VIEW_UNEQUAL:
    case VIEW_LESS:
    case VIEW_LESS_EQUAL:
    case VIEW_GREATER:
    case VIEW_GREATER_EQUAL:
    case VIEW_BETWEEN:
        return comparison(n, &v, lookup);
    case VIEW_IS_NULL:
        a = value_of(lang_child(n, 0), lookup);
        return is_null(&a);
    case VIEW_CASE:
        return choose(n, &v, lookup);
    case VIEW_COALESCE:
        return coalesce(n, &v, lookup);
    case VIEW_ADD:
    case VIEW_SUBTRACT:
    case VIEW_MULTIPLY:
    case VIEW_DIVIDE:
        return arithmetic(n, &v, lookup);
    case VIEW_NEGATE:
    case VIEW_ABS:
        a = value_of(lang_child(n, 0), lookup);
        return v.kind == VIEW_ABS ? absolute(&a) : negate(&a);
    case VIEW_LEAST:
    case VIEW_GREATEST:
        a = value_of(lang_child(n, 0), lookup);
        for (size_t i = 1; i < v.children; i++) {
            Value b = value_of(lang_child(n, i), lookup);
            a = extreme(v.kind == VIEW_LEAST, &a, &b);
        }
        return a;
    default:
        return value_anything(v.type);
    }
}
