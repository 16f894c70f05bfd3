/* Functions, like and case, over a block of rows. */
#include "lang/run.h"

#include <math.h>
#include <string.h>

/* ---- of one number ---- */

/* Divided by unit, to the whole below, above, or nearest with halves away from zero. */
int64_t function_quotient(NodeKind kind, int64_t x, int64_t unit)
{
    int64_t q = x / unit, rest = x % unit;
    if (kind == NODE_FLOOR)
        return q - (rest < 0);
    if (kind == NODE_CEIL)
        return q + (rest > 0);
    if (rest >= unit - rest)
        return q + (rest > 0);
    return q - (rest < 0 && rest <= -unit - rest);
}

static Status whole_single(const Run *r, const Node *n, Column *out, const Column *a, Arena scratch)
{
    bool rounds = n->kind == NODE_FLOOR || n->kind == NODE_CEIL || n->kind == NODE_ROUND;
    int64_t unit = rounds ? power_of_ten(a->scale - n->scale) : 1;
    for (size_t i = 0; i < r->count; i++) {
        if (!column_valid(out, i))
            continue;
        int64_t x = a->integer[i], *to = &out->integer[i];
        if (rounds)
            *to = unit == 1 ? x : function_quotient(n->kind, x, unit);
        else if (n->kind == NODE_SIGN)
            *to = (x > 0) - (x < 0);
        else if (x >= 0) /* abs */
            *to = x;
        else if (__builtin_sub_overflow(0, x, to))
            return run_too_large(r, n, i, scratch);
    }
    return STATUS_OK;
}

/* Halves away from zero; a number too large to have such digits stays as it is. */
static double round_digits(double x, const Node *n)
{
    double unit = n->count == 1 ? 1 : (double)power_of_ten((int)n->child[1]->integer);
    double scaled = x * unit;
    return isfinite(scaled) ? round(scaled) / unit : x;
}

double function_real(const Node *n, double x)
{
    switch (n->kind) {
    case NODE_ABS:
        return fabs(x);
    case NODE_FLOOR:
        return floor(x);
    case NODE_CEIL:
        return ceil(x);
    case NODE_ROUND:
        return round_digits(x, n);
    case NODE_LOG: /* where there is none, NaN: missing */
        return x > 0 ? stable_log(x) : MISSING_VALUE;
    case NODE_LOG1P:
        return x > -1 ? stable_log1p(x) : MISSING_VALUE;
    case NODE_SQRT:
        return x >= 0 ? sqrt(x) : MISSING_VALUE;
    default:
        return stable_exp(x);
    }
}

static Status single(const Run *r, const Node *n, Column *out, Arena scratch)
{
    const Node *x = n->child[0];
    Column a;
    Arena keep = scratch;
    bool real = n->type == TYPE_DOUBLE || x->type == TYPE_DOUBLE;
    TRY(run_operand(r, x, real ? TYPE_DOUBLE : x->type, real ? 0 : x->scale, &a, &keep));
    memcpy(out->valid, a.valid, r->words * sizeof *out->valid);
    if (!real)
        return whole_single(r, n, out, &a, keep);
    if (n->kind == NODE_SIGN) {
        for (size_t i = 0; i < r->count; i++)
            out->integer[i] = (a.real[i] > 0) - (a.real[i] < 0);
        return STATUS_OK;
    }
    for (size_t i = 0; i < r->count; i++)
        if (column_valid(out, i))
            out->real[i] = function_real(n, a.real[i]);
    return run_check_finite(r, n, out, keep);
}

/* The remainder with the sign of the divisor; of a zero divisor missing. */
static Status mod(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Column a, b;
    Arena keep = scratch;
    TRY(run_operand(r, n->child[0], n->type, n->scale, &a, &keep));
    TRY(run_operand(r, n->child[1], n->type, n->scale, &b, &keep));
    block_both_valid(r, out, &a, &b);
    for (size_t i = 0; i < r->count; i++) {
        if (!column_valid(out, i))
            continue;
        if (n->type == TYPE_DOUBLE) {
            double y = b.real[i], rest = y == 0 ? MISSING_VALUE : fmod(a.real[i], y);
            out->real[i] = rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
            if (y == 0)
                column_set_missing(out, i);
            continue;
        }
        int64_t y = b.integer[i];
        int64_t rest = y == 0 || y == -1 ? 0 : a.integer[i] % y;
        out->integer[i] = rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
        if (y == 0)
            column_set_missing(out, i);
    }
    return STATUS_OK;
}

static Status nullif(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Arena keep = scratch;
    Column equal = block_new(r, &keep, TYPE_BOOLEAN, 0);
    TRY(run_evaluate(r, n->child[0], out, keep));
    TRY(run_compare(r, NODE_EQUAL, n->child[0], n->child[1], &equal, keep));
    for (size_t i = 0; i < r->count; i++)
        if (column_valid(&equal, i) && equal.boolean[i])
            column_set_missing(out, i);
    return STATUS_OK;
}

/* ---- of texts ---- */

static Str lower_text(Arena *arena, Str s)
{
    char *text = arena_raw(arena, s.size + 1, 1);
    for (size_t i = 0; i < s.size; i++)
        text[i] = s.data[i] >= 'A' && s.data[i] <= 'Z' ? (char)(s.data[i] - 'A' + 'a') : s.data[i];
    return (Str){text, s.size};
}

/* Behind the character at i. */
static size_t next_character(Str s, size_t i)
{
    for (i++; i < s.size && ((unsigned char)s.data[i] & 0xC0) == 0x80; i++)
        continue;
    return i;
}

/* Does the pattern at `at` take the one character at i? A backslash keeps what follows it. */
static bool takes(Str s, size_t i, Str pattern, size_t *at)
{
    size_t p = *at, end = next_character(s, i);
    bool any = pattern.data[p] == '_';
    p += pattern.data[p] == '\\';
    size_t to = next_character(pattern, p);
    *at = to;
    return any || str_equal(str_slice(s, i, end), str_slice(pattern, p, to));
}

/* Greedy, going back to the last % only: what stands before it has found its first place, and
 * no other place could help.  Cost: O(text * pattern) at worst. */
static bool like_text(Str s, Str pattern)
{
    size_t i = 0, at = 0, back_text = 0, back_pattern = SIZE_MAX;
    while (i < s.size) {
        if (at < pattern.size && pattern.data[at] == '%') {
            back_pattern = ++at;
            back_text = i;
            continue;
        }
        if (at < pattern.size && takes(s, i, pattern, &at)) {
            i = next_character(s, i);
            continue;
        }
        if (back_pattern == SIZE_MAX)
            return false;
        at = back_pattern;
        i = back_text = next_character(s, back_text);
    }
    while (at < pattern.size && pattern.data[at] == '%')
        at++;
    return at == pattern.size;
}

/* like, lower, length: neighbours are often equal, so the last answer is kept. */
static Status text_function(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Column a;
    Arena keep = scratch;
    const Node *x = n->child[0];
    uint32_t last = NO_CODE, code = 0;
    int64_t answer = 0;
    TRY(run_operand(r, x, x->type, 0, &a, &keep));
    memcpy(out->valid, a.valid, r->words * sizeof *out->valid);
    if (n->kind == NODE_LOWER)
        out->dictionary = r->merged;
    for (size_t i = 0; i < r->count; i++) {
        if (!column_valid(out, i))
            continue;
        Str text = a.dictionary->text[a.code[i]];
        bool fresh = a.code[i] != last;
        last = a.code[i];
        if (n->kind == NODE_LIKE) {
            answer = fresh ? like_text(text, n->child[1]->text) : answer;
            out->boolean[i] = answer != 0;
        } else if (n->kind == NODE_LENGTH) {
            answer = fresh ? (int64_t)str_characters(text) : answer;
            out->integer[i] = answer;
        } else {
            Arena inner = keep;
            code = fresh ? dictionary_add(r->merged, lower_text(&inner, text)) : code;
            out->code[i] = code;
        }
    }
    return STATUS_OK;
}

/* ---- of times ---- */

static int64_t whole_days(int64_t us)
{
    return us / DAY_US - (us % DAY_US < 0);
}

/* A time is looked at in the book's zone; a date is a day already. */
static Status calendar(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Column a;
    Arena keep = scratch;
    int64_t zone = n->child[0]->type == TYPE_DATE ? 0 : n->integer;
    TRY(run_operand(r, n->child[0], TYPE_TIME, 0, &a, &keep));
    memcpy(out->valid, a.valid, r->words * sizeof *out->valid);
    for (size_t i = 0; i < r->count; i++) {
        int64_t local;
        if (!column_valid(out, i))
            continue;
        if (__builtin_add_overflow(a.integer[i], zone, &local))
            return run_too_large(r, n, i, keep);
        int64_t days = whole_days(local);
        if (n->kind == NODE_HOUR) {
            out->integer[i] = (local - days * DAY_US) / HOUR_US;
        } else if (n->kind == NODE_WEEKDAY) {
            int64_t from_monday = (days + 3) % 7; /* 1970 began on a Thursday */
            out->integer[i] = (from_monday < 0 ? from_monday + 7 : from_monday) + 1;
        } else if (__builtin_mul_overflow(days, DAY_US, &local) ||
                   __builtin_sub_overflow(local, zone, &out->integer[i])) {
            return run_too_large(r, n, i, keep);
        }
    }
    return STATUS_OK;
}

/* ---- choices ---- */

void run_move(const Run *r, Column *to, const Column *from, size_t i)
{
    size_t width = type_width(to->type);
    if (type_is_string(to->type))
        to->code[i] = dictionary_add(r->merged, from->dictionary->text[from->code[i]]);
    else
        memcpy((char *)to->data + i * width, (const char *)from->data + i * width, width);
}

static Status coalesce(const Run *r, const Node *n, Column *out, Arena scratch)
{
    block_all_missing(r, out);
    if (type_is_string(out->type))
        out->dictionary = r->merged;
    for (size_t k = 0; k < n->count; k++) {
        Column a;
        Arena keep = scratch;
        TRY(run_operand(r, n->child[k], n->type, n->scale, &a, &keep));
        for (size_t i = 0; i < r->count; i++)
            if (!column_valid(out, i) && column_valid(&a, i)) {
                run_move(r, out, &a, i);
                column_set_valid(out, i);
            }
    }
    return STATUS_OK;
}

/* Missing when any value is. */
static Status extreme(const Run *r, const Node *n, Column *out, Arena scratch)
{
    bool least = n->kind == NODE_LEAST;
    block_all_valid(r, out);
    for (size_t k = 0; k < n->count; k++) {
        Column a;
        Arena keep = scratch;
        TRY(run_operand(r, n->child[k], n->type, n->scale, &a, &keep));
        for (size_t i = 0; i < r->count; i++) {
            if (!column_valid(&a, i)) {
                column_set_missing(out, i);
                continue;
            }
            bool less =
                n->type == TYPE_DOUBLE ? a.real[i] < out->real[i] : a.integer[i] < out->integer[i];
            bool more =
                n->type == TYPE_DOUBLE ? a.real[i] > out->real[i] : a.integer[i] > out->integer[i];
            if (k == 0 || (least ? less : more))
                run_move(r, out, &a, i);
        }
    }
    return STATUS_OK;
}

/* The value behind the first condition that is true; without one the else, or missing. */
static Status choose(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Arena keep = scratch;
    Column open = block_new(r, &keep, TYPE_BOOLEAN, 0); /* not yet decided */
    memset(open.boolean, 1, r->count);
    block_all_missing(r, out);
    if (type_is_string(out->type))
        out->dictionary = r->merged;
    for (size_t k = 0; k < n->count; k += 2) {
        Arena inner = keep;
        bool otherwise = k + 1 == n->count;
        Column when = block_new(r, &inner, TYPE_BOOLEAN, 0), value;
        if (!otherwise)
            TRY(run_evaluate(r, n->child[k], &when, inner));
        TRY(run_operand(r, n->child[otherwise ? k : k + 1], n->type, n->scale, &value, &inner));
        for (size_t i = 0; i < r->count; i++) {
            if (!open.boolean[i] || (!otherwise && !(column_valid(&when, i) && when.boolean[i])))
                continue;
            open.boolean[i] = 0;
            if (!column_valid(&value, i))
                continue;
            run_move(r, out, &value, i);
            column_set_valid(out, i);
        }
    }
    return STATUS_OK;
}

Status run_function(const Run *r, const Node *n, Column *out, Arena scratch)
{
    switch (n->kind) {
    case NODE_LIKE:
    case NODE_LOWER:
    case NODE_LENGTH:
        return text_function(r, n, out, scratch);
    case NODE_CASE:
        return choose(r, n, out, scratch);
    case NODE_MOD:
        return mod(r, n, out, scratch);
    case NODE_NULLIF:
        return nullif(r, n, out, scratch);
    case NODE_HOUR:
    case NODE_WEEKDAY:
    case NODE_DAY:
        return calendar(r, n, out, scratch);
    case NODE_LEAST:
    case NODE_GREATEST:
        return extreme(r, n, out, scratch);
    case NODE_COALESCE:
        return coalesce(r, n, out, scratch);
    default:
        return single(r, n, out, scratch);
    }
}
