/* Random expressions over random tables: the evaluator against a slow and obvious oracle that
 * shares no code with it, and the canonical text against the expression it came from. */
#include "lang/lang.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

typedef enum Op {
    OP_COLUMN,
    OP_AGGREGATE,
    OP_LITERAL,
    OP_NULL,
    OP_OR,
    OP_AND,
    OP_NOT,
    OP_COMPARE, /* sign[] says which */
    OP_IN,
    OP_BETWEEN,
    OP_IS_NULL,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_NEGATE,
    OP_ABS,
    OP_LOG1P,
    OP_LEAST,
    OP_GREATEST,
    OP_COALESCE,
    OP_SIGN,
    OP_FLOOR,
    OP_CEIL,
    OP_ROUND, /* integer: digits, -1 when not written */
    OP_LOG,
    OP_SQRT,
    OP_EXP,
    OP_MOD,
    OP_NULLIF,
    OP_LOWER,
    OP_LENGTH,
    OP_HOUR,
    OP_WEEKDAY,
    OP_DAY,
    OP_LIKE, /* text: the pattern */
    OP_CASE
} Op;

typedef struct Tree Tree;
struct Tree {
    Op op;
    Type type;
    int scale;
    int64_t integer; /* literal */
    Str text;        /* literal */
    size_t column;
    const char *sign;
    Tree *child[5];
    size_t count;
};

typedef struct Value {
    bool valid;
    Type type;
    int scale;
    int64_t integer;
    double real;
    Str text;
} Value;

typedef struct World {
    Arena *arena;
    Random random;
    Table *table;
    Column aggregate[2]; /* count(), sum(amount) */
    bool overflow;
} World;

static const Name customer[] = {
    {.name = {"flag", 4}, .type = TYPE_BOOLEAN},
    {.name = {"i", 1}, .type = TYPE_INT64},
    {.name = {"j", 1}, .type = TYPE_INT64},
    {.name = {"cents", 5}, .type = TYPE_DECIMAL, .scale = 2},
    {.name = {"fine one", 8}, .type = TYPE_DECIMAL, .scale = 4},
    {.name = {"x", 1}, .type = TYPE_DOUBLE},
    {.name = {"y", 1}, .type = TYPE_DOUBLE},
    {.name = {"c", 1}, .type = TYPE_CATEGORY},
    {.name = {"k", 1}, .type = TYPE_CATEGORY},
    {.name = {"note", 4}, .type = TYPE_TEXT},
    {.name = {"at", 2}, .type = TYPE_TIME},
    {.name = {"day", 3}, .type = TYPE_DATE},
    {.name = {"lasts", 5}, .type = TYPE_DURATION},
};
static const Name event[] = {{.name = {"amount", 6}, .type = TYPE_DECIMAL, .scale = 2}};
static const Scope scope = {.customer = customer,
                            .customers = COUNT_OF(customer),
                            .event = event,
                            .events = 1,
                            .amount = {"amount", 6}};

static size_t pick(World *w, size_t count)
{
    return (size_t)random_below(&w->random, count);
}

/* ---- random trees ---- */

static Tree *make(World *w, Op op, Type type, int scale, Tree *a, Tree *b)
{
    Tree *t = ARENA_NEW(w->arena, Tree);
    *t = (Tree){.op = op, .type = type, .scale = scale, .child = {a, b}};
    t->count = a == NULL ? 0 : b == NULL ? 1 : 2;
    return t;
}

static Tree *column(World *w, size_t index)
{
    Tree *t = make(w, OP_COLUMN, customer[index].type, customer[index].scale, NULL, NULL);
    t->column = index;
    return t;
}

static Tree *literal(World *w, Type type, int scale, int64_t integer)
{
    Tree *t = make(w, OP_LITERAL, type, scale, NULL, NULL);
    t->integer = integer;
    return t;
}

static int64_t number(World *w)
{
    if (pick(w, 60) == 0)
        return pick(w, 2) ? INT64_MAX - (int64_t)pick(w, 3) : INT64_MIN + (int64_t)pick(w, 3);
    return (int64_t)pick(w, pick(w, 4) == 0 ? 100000 : 8) - 3;
}

static Tree *grow(World *w, Type type, int depth);

static Tree *grow_number(World *w, int depth)
{
    static const Type types[] = {TYPE_INT64, TYPE_DECIMAL, TYPE_DOUBLE};
    return grow(w, types[pick(w, 3)], depth);
}

static Tree *grow_instant(World *w, int depth)
{
    return pick(w, 4) == 0 ? column(w, 11) : grow(w, TYPE_TIME, depth);
}

static Tree *null_tree(World *w, const Tree *like)
{
    return make(w, OP_NULL, like->type, like->scale, NULL, NULL);
}

/* Now and then one of two operands is a bare null. */
static Tree *or_null(World *w, Tree *t)
{
    return pick(w, 20) == 0 ? null_tree(w, t) : t;
}

static Tree *compare(World *w, Tree *a, Tree *b, bool order)
{
    static const char *const signs[] = {"=", "<>", "<", "<=", ">", ">="};
    Tree *t = make(w, OP_COMPARE, TYPE_BOOLEAN, 0, a, or_null(w, b));
    t->sign = signs[pick(w, order ? 6 : 2)];
    return t;
}

static Tree *grow_boolean(World *w, int depth)
{
    Tree *t;
    static const char *const patterns[] = {"%",   "_",   "A%",        "%s%", "it_s",   "",
                                           "\\%", "z%_", "%\xC3\xA9", "h_",  "%%t_\\s"};
    switch (pick(w, 12)) {
    case 11:
        t = make(w, OP_LIKE, TYPE_BOOLEAN, 0, grow(w, TYPE_TEXT, depth), NULL);
        t->text = str_from(patterns[pick(w, COUNT_OF(patterns))]);
        return t;
    case 0:
    case 1:
        t = make(w, pick(w, 2) ? OP_AND : OP_OR, TYPE_BOOLEAN, 0, grow(w, TYPE_BOOLEAN, depth),
                 grow(w, TYPE_BOOLEAN, depth));
        if (pick(w, 2))
            t->child[t->count++] = grow(w, TYPE_BOOLEAN, depth);
        return t;
    case 2:
        return make(w, OP_NOT, TYPE_BOOLEAN, 0, grow(w, TYPE_BOOLEAN, depth), NULL);
    case 3:
        return compare(w, grow_number(w, depth), grow_number(w, depth), true);
    case 4:
        return compare(w, grow(w, TYPE_TEXT, depth), grow(w, TYPE_TEXT, depth), false);
    case 5:
        return compare(w, grow_instant(w, depth), grow_instant(w, depth), true);
    case 6:
        return compare(w, grow(w, TYPE_DURATION, depth), grow(w, TYPE_DURATION, depth), true);
    case 7:
        return compare(w, grow(w, TYPE_BOOLEAN, depth), grow(w, TYPE_BOOLEAN, depth), false);
    case 8: {
        bool text = pick(w, 2);
        t = make(w, OP_IN, TYPE_BOOLEAN, 0,
                 text ? grow(w, TYPE_TEXT, depth) : grow_number(w, depth), NULL);
        for (size_t n = 1 + pick(w, 3); n > 0; n--)
            t->child[t->count++] =
                or_null(w, text ? grow(w, TYPE_TEXT, depth) : grow_number(w, depth));
        return t;
    }
    case 9:
        t = make(w, OP_BETWEEN, TYPE_BOOLEAN, 0, grow_number(w, depth), grow_number(w, depth));
        t->child[t->count++] = or_null(w, grow_number(w, depth));
        return t;
    default: {
        static const Type any[] = {TYPE_BOOLEAN, TYPE_INT64, TYPE_TEXT, TYPE_TIME, TYPE_DOUBLE};
        return make(w, OP_IS_NULL, TYPE_BOOLEAN, 0, grow(w, any[pick(w, 5)], depth), NULL);
    }
    }
}

static void widen(Tree *t)
{
    t->type = TYPE_INT64;
    t->scale = 0;
    for (size_t i = 0; i < t->count; i++) {
        Type type = t->child[i]->type;
        if (type == TYPE_DOUBLE || t->type == TYPE_DOUBLE)
            t->type = TYPE_DOUBLE;
        else if (type == TYPE_DECIMAL)
            t->type = TYPE_DECIMAL;
    }
    for (size_t i = 0; i < t->count && t->type == TYPE_DECIMAL; i++)
        if (t->child[i]->scale > t->scale)
            t->scale = t->child[i]->scale;
}

static Tree *choice(World *w, Tree *a, Tree *b)
{
    static const Op ops[] = {OP_LEAST, OP_GREATEST, OP_COALESCE};
    return make(w, ops[pick(w, 3)], a->type, a->scale, a, b);
}

static Tree *grow_arithmetic(World *w, Tree *a, Tree *b)
{
    static const Op ops[] = {OP_ADD, OP_SUBTRACT, OP_MULTIPLY};
    Op op = ops[pick(w, 3)];
    Tree *t = make(w, op, TYPE_INT64, 0, a, b);
    widen(t);
    if (op == OP_MULTIPLY && t->type == TYPE_DECIMAL) {
        t->scale = a->scale + b->scale;
        if (t->scale > DECIMAL_SCALE_MAX)
            return a;
    }
    return t;
}

static Tree *grow_single(World *w, Tree *a)
{
    return make(w, pick(w, 2) ? OP_NEGATE : OP_ABS, a->type, a->scale, a, NULL);
}

static Tree *leaf(World *w, Type type)
{
    bool from_column = pick(w, 3) > 0;
    Tree *t;
    switch (type) {
    case TYPE_BOOLEAN:
        return from_column ? column(w, 0) : literal(w, type, 0, (int64_t)pick(w, 2));
    case TYPE_INT64:
        if (pick(w, 6) == 0)
            return make(w, OP_AGGREGATE, TYPE_INT64, 0, NULL, NULL);
        return from_column ? column(w, 1 + pick(w, 2)) : literal(w, type, 0, number(w));
    case TYPE_DECIMAL:
        if (pick(w, 6) == 0)
            return make(w, OP_AGGREGATE, TYPE_DECIMAL, 2, NULL, NULL);
        return from_column ? column(w, 3 + pick(w, 2))
                           : literal(w, type, 1 + (int)pick(w, 3), number(w));
    case TYPE_DOUBLE:
        return column(w, 5 + pick(w, 2));
    case TYPE_TIME:
        return from_column ? column(w, 10)
                           : literal(w, type, 0, (int64_t)pick(w, 5) * HOUR_US + 1724630400000000);
    case TYPE_DURATION:
        return from_column ? column(w, 12) : literal(w, type, 0, (int64_t)pick(w, 9) * 6 * HOUR_US);
    default:
        if (from_column)
            return column(w, 7 + pick(w, 3));
        t = literal(w, TYPE_TEXT, 0, 0);
        t->text = str_from((const char *[]){"A", "B", "it's", "", "h\xC3\xA9Q"}[pick(w, 5)]);
        return t;
    }
}

/* case when c then x [when c then x] [else x] end; nullif(x, y) */
static Tree *grow_any(World *w, Type type, int depth)
{
    Tree *x = grow(w, type, depth);
    if (pick(w, 3) == 0)
        return make(w, OP_NULLIF, x->type, x->scale, x, or_null(w, grow(w, type, depth)));
    Tree *t = make(w, OP_CASE, x->type, x->scale, grow(w, TYPE_BOOLEAN, depth), x);
    if (pick(w, 2)) {
        t->child[t->count++] = grow(w, TYPE_BOOLEAN, depth);
        t->child[t->count++] = or_null(w, grow(w, type, depth));
    }
    if (pick(w, 2))
        t->child[t->count++] = or_null(w, grow(w, type, depth));
    for (size_t i = 1; i < t->count && type == TYPE_DECIMAL; i += i + 2 < t->count ? 2 : 1)
        if (t->child[i]->op != OP_NULL && t->child[i]->scale > t->scale)
            t->scale = t->child[i]->scale;
    for (size_t i = 1; i < t->count; i++) /* a bare null takes the type of the whole */
        if (t->child[i]->op == OP_NULL)
            t->child[i]->scale = t->scale;
    return t;
}

static Tree *rounding(World *w, Tree *x)
{
    static const Op ops[] = {OP_FLOOR, OP_CEIL, OP_ROUND, OP_ROUND};
    Tree *t = make(w, ops[pick(w, 4)], x->type, 0, x, NULL);
    t->integer = t->op == OP_ROUND ? (int64_t)pick(w, 4) - 1 : -1;
    if (x->type != TYPE_DECIMAL)
        return t;
    t->type = t->integer > 0 ? TYPE_DECIMAL : TYPE_INT64;
    if (t->type == TYPE_DECIMAL)
        t->scale = t->integer < x->scale ? (int)t->integer : x->scale;
    return t;
}

static Tree *grow_mod(World *w, Tree *a, Tree *b)
{
    Tree *t = make(w, OP_MOD, a->type, 0, a, b);
    if (a->type != TYPE_DURATION)
        widen(t);
    return t;
}

/* What came with the functions. */
static Tree *grow_function(World *w, Type type, int depth)
{
    static const Op reals[] = {OP_LOG, OP_SQRT, OP_EXP};
    Tree *t;
    switch (type) {
    case TYPE_INT64:
        switch (pick(w, 5)) {
        case 0:
            return make(w, OP_SIGN, type, 0,
                        pick(w, 3) ? grow_number(w, depth) : grow(w, TYPE_DURATION, depth), NULL);
        case 1:
            t = rounding(w, grow(w, pick(w, 2) ? TYPE_DECIMAL : type, depth));
            return t->type == TYPE_INT64 ? t : make(w, OP_SIGN, type, 0, t, NULL);
        case 2:
            return make(w, OP_LENGTH, type, 0, grow(w, TYPE_TEXT, depth), NULL);
        case 3:
            return make(w, pick(w, 2) ? OP_HOUR : OP_WEEKDAY, type, 0, grow_instant(w, depth),
                        NULL);
        default:
            return grow_mod(w, grow(w, type, depth), grow(w, type, depth));
        }
    case TYPE_DECIMAL:
        if (pick(w, 2))
            return grow_mod(w, grow(w, type, depth),
                            grow(w, pick(w, 2) ? TYPE_INT64 : TYPE_DECIMAL, depth));
        t = rounding(w, grow(w, type, depth));
        return t->type == TYPE_DECIMAL ? t : t->child[0];
    case TYPE_DOUBLE:
        switch (pick(w, 3)) {
        case 0:
            return make(w, reals[pick(w, 3)], type, 0, grow_number(w, depth), NULL);
        case 1:
            return rounding(w, grow(w, type, depth));
        default:
            return grow_mod(w, grow(w, type, depth), grow_number(w, depth));
        }
    case TYPE_TIME:
        return make(w, OP_DAY, type, 0, grow_instant(w, depth), NULL);
    case TYPE_DURATION:
        return grow_mod(w, grow(w, type, depth), grow(w, type, depth));
    case TYPE_BOOLEAN:
        return grow_any(w, type, depth);
    default:
        return make(w, OP_LOWER, TYPE_TEXT, 0, grow(w, TYPE_TEXT, depth), NULL);
    }
}

static Tree *grow(World *w, Type type, int depth)
{
    if (depth == 0 || pick(w, 5) == 0)
        return leaf(w, type);
    depth--;
    Tree *t;
    if (pick(w, 8) == 0)
        return grow_any(w, type, depth);
    if (pick(w, 5) == 0)
        return grow_function(w, type, depth);
    switch (type) {
    case TYPE_BOOLEAN:
        return grow_boolean(w, depth);
    case TYPE_INT64:
        switch (pick(w, 3)) {
        case 0:
            return grow_single(w, grow(w, type, depth));
        case 1:
            return choice(w, grow(w, type, depth), grow(w, type, depth));
        default:
            return grow_arithmetic(w, grow(w, type, depth), or_null(w, grow(w, type, depth)));
        }
    case TYPE_DECIMAL:
        switch (pick(w, 4)) {
        case 0:
            return grow_single(w, grow(w, type, depth));
        case 1:
            t = choice(w, grow(w, type, depth),
                       grow(w, pick(w, 2) ? TYPE_INT64 : TYPE_DECIMAL, depth));
            widen(t);
            return t;
        case 2:
            return grow_arithmetic(w, grow(w, TYPE_INT64, depth), grow(w, type, depth));
        default:
            return grow_arithmetic(w, grow(w, type, depth), grow(w, type, depth));
        }
    case TYPE_DOUBLE:
        switch (pick(w, 6)) {
        case 0:
            return make(w, OP_LOG1P, type, 0, grow_number(w, depth), NULL);
        case 1:
            return grow_single(w, grow(w, type, depth));
        case 2:
            return make(w, OP_DIVIDE, type, 0, grow(w, TYPE_DURATION, depth),
                        grow(w, TYPE_DURATION, depth));
        case 3:
            t = choice(w, grow_number(w, depth), grow(w, type, depth));
            widen(t);
            return t;
        case 4:
            return make(w, OP_DIVIDE, type, 0, grow_number(w, depth), grow_number(w, depth));
        default:
            return grow_arithmetic(w, grow(w, type, depth), grow_number(w, depth));
        }
    case TYPE_TIME:
        if (pick(w, 3) == 0)
            return make(w, OP_ADD, type, 0, grow(w, TYPE_DURATION, depth), grow_instant(w, depth));
        if (pick(w, 3) == 0)
            return choice(w, grow(w, type, depth), grow_instant(w, depth));
        return make(w, pick(w, 2) ? OP_ADD : OP_SUBTRACT, type, 0, grow_instant(w, depth),
                    grow(w, TYPE_DURATION, depth));
    case TYPE_DURATION:
        if (pick(w, 3) == 0)
            return make(w, OP_SUBTRACT, type, 0, grow_instant(w, depth), grow_instant(w, depth));
        if (pick(w, 3) == 0)
            return grow_single(w, grow(w, type, depth));
        return make(w, pick(w, 2) ? OP_ADD : OP_SUBTRACT, type, 0, grow(w, type, depth),
                    grow(w, type, depth));
    default:
        return make(w, OP_COALESCE, TYPE_TEXT, 0, grow(w, TYPE_TEXT, depth),
                    grow(w, TYPE_TEXT, depth));
    }
}

/* ---- as text, every operator in brackets ---- */

static void write_tree(Buffer *b, const Tree *t);

static void write_list(Buffer *b, const Tree *t, size_t from, const char *between)
{
    for (size_t i = from; i < t->count; i++) {
        if (i > from)
            buffer_add(b, str_from(between));
        write_tree(b, t->child[i]);
    }
}

static void write_call(Buffer *b, const char *name, const Tree *t)
{
    buffer_format(b, "%s(", name);
    write_list(b, t, 0, ",");
    buffer_char(b, ')');
}

static void write_text(Buffer *b, Str text)
{
    buffer_char(b, '\'');
    for (size_t i = 0; i < text.size; i++) {
        buffer_char(b, text.data[i]);
        if (text.data[i] == '\'')
            buffer_char(b, '\'');
    }
    buffer_char(b, '\'');
}

static void write_literal(Buffer *b, const Tree *t)
{
    char text[NUMBER_TEXT];
    switch (t->type) {
    case TYPE_BOOLEAN:
        buffer_add(b, t->integer ? S("True") : S("FALSE"));
        break;
    case TYPE_TIME:
        buffer_format(b, "TIME '%.*s'", STR_ARG(time_text(text, t->integer)));
        break;
    case TYPE_DURATION:
        buffer_format(b, "%lldmin", (long long)(t->integer / MINUTE_US));
        break;
    case TYPE_TEXT:
        write_text(b, t->text);
        break;
    default:
        buffer_add(b, decimal_text(text, t->integer, t->scale));
    }
}

static void write_case(Buffer *b, const Tree *t)
{
    buffer_add(b, S("CASE"));
    for (size_t i = 0; i < t->count; i++) {
        buffer_add(b, i % 2 == 1 ? S(" then ") : i + 1 < t->count ? S(" WHEN ") : S(" else "));
        write_tree(b, t->child[i]);
    }
    buffer_add(b, S(" end"));
}

static void write_tree(Buffer *b, const Tree *t)
{
    static const char *const between[] = {
        [OP_OR] = " OR ",    [OP_AND] = " and ",    [OP_ADD] = "+",
        [OP_SUBTRACT] = "-", [OP_MULTIPLY] = " * ", [OP_DIVIDE] = " / "};
    static const char *const calls[] = {
        [OP_ABS] = "abs",       [OP_LOG1P] = "log1p",       [OP_LEAST] = "MIN",
        [OP_GREATEST] = "max",  [OP_COALESCE] = "coalesce", [OP_SIGN] = "sign",
        [OP_FLOOR] = "floor",   [OP_CEIL] = "ceil",         [OP_LOG] = "log",
        [OP_SQRT] = "sqrt",     [OP_EXP] = "exp",           [OP_MOD] = "mod",
        [OP_NULLIF] = "nullif", [OP_LOWER] = "lower",       [OP_LENGTH] = "length",
        [OP_HOUR] = "hour",     [OP_WEEKDAY] = "weekday",   [OP_DAY] = "day"};
    switch (t->op) {
    case OP_COLUMN:
        buffer_format(b, "\"%.*s\"", STR_ARG(customer[t->column].name));
        return;
    case OP_AGGREGATE:
        buffer_add(b, t->type == TYPE_INT64 ? S("count()") : S("sum(amount)"));
        return;
    case OP_LITERAL:
        write_literal(b, t);
        return;
    case OP_NULL:
        buffer_add(b, S("null"));
        return;
    case OP_ROUND:
        buffer_add(b, S("round("));
        write_tree(b, t->child[0]);
        if (t->integer >= 0)
            buffer_format(b, ", %d", (int)t->integer);
        buffer_char(b, ')');
        return;
    case OP_CASE:
        write_case(b, t);
        return;
    default:
        break;
    }
    if (t->op < COUNT_OF(calls) && calls[t->op] != NULL) {
        write_call(b, calls[t->op], t);
        return;
    }
    buffer_char(b, '(');
    if (t->op == OP_NOT || t->op == OP_NEGATE) {
        buffer_add(b, t->op == OP_NOT ? S("not ") : S("- "));
        write_tree(b, t->child[0]);
    } else if (t->op == OP_LIKE) {
        write_tree(b, t->child[0]);
        buffer_add(b, S(" like "));
        write_text(b, t->text);
    } else if (t->op == OP_IN || t->op == OP_BETWEEN || t->op == OP_IS_NULL) {
        write_tree(b, t->child[0]);
        buffer_add(b, t->op == OP_IN        ? S(" in (")
                      : t->op == OP_BETWEEN ? S(" between ")
                                            : S(" is null"));
        write_list(b, t, 1, t->op == OP_IN ? ", " : " and ");
        buffer_add(b, t->op == OP_IN ? S(")") : S(""));
    } else {
        write_list(b, t, 0, t->op == OP_COMPARE ? t->sign : between[t->op]);
    }
    buffer_char(b, ')');
}

/* ---- the oracle: one row, one value at a time ---- */

static Value missing(const Tree *t)
{
    return (Value){.type = t->type, .scale = t->scale};
}

static Value cell(const Column *c, size_t row)
{
    Value v = {.valid = column_valid(c, row), .type = c->type, .scale = c->scale};
    if (!v.valid)
        return v;
    if (c->type == TYPE_BOOLEAN)
        v.integer = c->boolean[row];
    else if (c->type == TYPE_DOUBLE)
        v.real = c->real[row];
    else if (c->dictionary != NULL)
        v.text = c->dictionary->text[c->code[row]];
    else
        v.integer = c->integer[row];
    return v;
}

static double as_real(Value v)
{
    return v.type == TYPE_DOUBLE ? v.real : (double)v.integer / (double)power_of_ten(v.scale);
}

static Int128 scaled(Value v, int scale)
{
    Int128 x = v.integer;
    if (v.type == TYPE_DATE)
        x *= (Int128)DAY_US;
    for (int i = v.scale; i < scale; i++)
        x *= 10;
    return x;
}

static Value whole(World *w, const Tree *t, Int128 x)
{
    Value v = missing(t);
    if (x > INT64_MAX || x < INT64_MIN)
        w->overflow = true;
    else
        v = (Value){.valid = true, .type = t->type, .scale = t->scale, .integer = (int64_t)x};
    return v;
}

static Value real(World *w, const Tree *t, double x)
{
    if (isinf(x))
        w->overflow = true;
    return (Value){.valid = isfinite(x), .type = t->type, .real = x};
}

static bool is_text(Type type)
{
    return type == TYPE_TEXT || type == TYPE_CATEGORY;
}

static int order(Value a, Value b)
{
    if (is_text(a.type))
        return str_compare(a.text, b.text);
    if (a.type == TYPE_DOUBLE || b.type == TYPE_DOUBLE)
        return (as_real(a) > as_real(b)) - (as_real(a) < as_real(b));
    int scale = a.scale > b.scale ? a.scale : b.scale;
    Int128 x = scaled(a, scale), y = scaled(b, scale);
    return (x > y) - (x < y);
}

/* 0 false, 1 true, 2 unknown */
static int truth(Value v)
{
    return !v.valid ? 2 : v.integer != 0;
}

static Value of_truth(const Tree *t, int truth_value)
{
    return (Value){.valid = truth_value != 2, .type = t->type, .integer = truth_value == 1};
}

static int compared(Value a, Value b, const char *sign)
{
    if (!a.valid || !b.valid)
        return 2;
    int o = order(a, b);
    return strcmp(sign, "=") == 0    ? o == 0
           : strcmp(sign, "<>") == 0 ? o != 0
           : strcmp(sign, "<") == 0  ? o < 0
           : strcmp(sign, "<=") == 0 ? o <= 0
           : strcmp(sign, ">") == 0  ? o > 0
                                     : o >= 0;
}

static int either(int a, int b)
{
    return a == 1 || b == 1 ? 1 : a == 2 || b == 2 ? 2 : 0;
}

static int both(int a, int b)
{
    return a == 0 || b == 0 ? 0 : a == 2 || b == 2 ? 2 : 1;
}

static Value convert(World *w, const Tree *to, Value v, Type type, int scale)
{
    if (!v.valid || is_text(type))
        return v;
    Tree shape = *to;
    shape.type = type;
    shape.scale = scale;
    if (type == TYPE_DOUBLE)
        return (Value){.valid = true, .type = type, .real = as_real(v)};
    return whole(w, &shape, scaled(v, scale));
}

static Value oracle(World *w, const Tree *t, size_t row);

static Value pair(World *w, const Tree *t, Value a, Value b)
{
    if (t->op != OP_DIVIDE && t->type != TYPE_DOUBLE && t->op != OP_MULTIPLY) {
        /* Lining up the scales may itself overflow, on either side alone. */
        a = convert(w, t, a, a.type == TYPE_DATE ? TYPE_TIME : a.type, t->scale);
        b = convert(w, t, b, b.type == TYPE_DATE ? TYPE_TIME : b.type, t->scale);
    }
    if (!a.valid || !b.valid)
        return missing(t);
    if (t->type == TYPE_DOUBLE) {
        double x = as_real(a), y = as_real(b);
        if (t->op == OP_DIVIDE)
            return y == 0 ? missing(t) : real(w, t, x / y);
        return real(w, t, t->op == OP_ADD ? x + y : t->op == OP_SUBTRACT ? x - y : x * y);
    }
    Int128 x = a.integer, y = b.integer;
    return whole(w, t, t->op == OP_ADD ? x + y : t->op == OP_SUBTRACT ? x - y : x * y);
}

static Value oracle_choice(World *w, const Tree *t, size_t row)
{
    Value best = missing(t);
    bool any_missing = false;
    for (size_t i = 0; i < t->count; i++) {
        Value v = convert(w, t, oracle(w, t->child[i], row), t->type, t->scale);
        any_missing = any_missing || !v.valid;
        if (!v.valid || (t->op == OP_COALESCE && best.valid))
            continue;
        int o = best.valid ? order(v, best) : 0;
        if (!best.valid || (t->op == OP_LEAST ? o < 0 : o > 0))
            best = v;
    }
    return t->op != OP_COALESCE && any_missing ? missing(t) : best;
}

/* x against each other operand; a bare null is unknown without a look at x. */
static int against(World *w, const Tree *t, const Tree *a, const Tree *b, const char *sign,
                   size_t row)
{
    (void)t;
    if (a->op == OP_NULL || b->op == OP_NULL)
        return 2;
    return compared(oracle(w, a, row), oracle(w, b, row), sign);
}

/* Every value is computed, also of conditions that do not hold: so a part too large is. */
static Value oracle_case(World *w, const Tree *t, size_t row)
{
    Value chosen = missing(t);
    bool open = true;
    for (size_t i = 0; i < t->count; i += 2) {
        bool last = i + 1 == t->count;
        bool holds = last || truth(oracle(w, t->child[i], row)) == 1;
        Value v = convert(w, t, oracle(w, t->child[last ? i : i + 1], row), t->type, t->scale);
        if (open && holds)
            chosen = v;
        open = open && !holds;
    }
    return chosen;
}

static Value oracle_round(World *w, const Tree *t, Value a)
{
    double unit = 1;
    for (int64_t i = 0; i < t->integer; i++)
        unit *= 10;
    if (t->type == TYPE_DOUBLE) {
        double x = a.real * unit, size = fabs(x);
        if (t->op != OP_ROUND)
            return real(w, t, t->op == OP_FLOOR ? floor(a.real) : ceil(a.real));
        if (!isfinite(x))
            return a;
        double nearest = floor(size) + (size - floor(size) >= 0.5);
        return real(w, t, (x < 0 ? -nearest : nearest) / unit);
    }
    Int128 whole_unit = 1, x = a.integer;
    for (int i = t->scale; i < a.scale; i++)
        whole_unit *= 10;
    Int128 below = (x - ((x % whole_unit) + whole_unit) % whole_unit) / whole_unit;
    Int128 rest = x - below * whole_unit; /* 0 <= rest < unit */
    bool up = t->op == OP_FLOOR  ? false
              : t->op == OP_CEIL ? rest > 0
              : x < 0            ? 2 * rest > whole_unit
                                 : 2 * rest >= whole_unit;
    return whole(w, t, below + (up && whole_unit > 1));
}

static Value oracle_mod(World *w, const Tree *t, Value a, Value b)
{
    a = convert(w, t, a, t->type, t->scale);
    b = convert(w, t, b, t->type, t->scale);
    if (!a.valid || !b.valid)
        return missing(t);
    if (t->type == TYPE_DOUBLE) {
        if (b.real == 0)
            return missing(t);
        double rest = fmod(a.real, b.real);
        return real(w, t, rest * b.real < 0 ? rest + b.real : rest);
    }
    if (b.integer == 0)
        return missing(t);
    Int128 rest = (Int128)a.integer % b.integer;
    return whole(w, t, (rest < 0) != (b.integer < 0) && rest != 0 ? rest + b.integer : rest);
}

/* One way to lay a pattern on a text: try every length of a %. */
static bool like(Str s, Str pattern)
{
    size_t one = 1, in_pattern = 1;
    if (pattern.size == 0)
        return s.size == 0;
    if (pattern.data[0] == '%') {
        for (size_t i = 0; i <= s.size; i++)
            if (like(str_slice(s, i, s.size), str_slice(pattern, 1, pattern.size)))
                return true;
        return false;
    }
    if (s.size == 0)
        return false;
    if (pattern.data[0] == '_') {
        while (one < s.size && ((unsigned char)s.data[one] & 0xC0) == 0x80)
            one++;
    } else {
        size_t at = pattern.data[0] == '\\';
        if (pattern.data[at] != s.data[0])
            return false;
        in_pattern = at + 1;
    }
    return like(str_slice(s, one, s.size), str_slice(pattern, in_pattern, pattern.size));
}

static Value oracle_text(World *w, const Tree *t, Value a)
{
    Value v = {.valid = true, .type = t->type};
    if (t->op == OP_LIKE) {
        v.integer = like(a.text, t->text);
    } else if (t->op == OP_LENGTH) {
        for (size_t i = 0; i < a.text.size; i++)
            v.integer += (a.text.data[i] & 0xC0) != 0x80;
    } else {
        char *text = arena_copy(w->arena, a.text.size == 0 ? "" : a.text.data, a.text.size + 0);
        for (size_t i = 0; i < a.text.size; i++)
            if (text[i] >= 'A' && text[i] <= 'Z')
                text[i] = (char)(text[i] + 32);
        v.text = (Str){text, a.text.size};
    }
    return v;
}

static Value oracle_calendar(World *w, const Tree *t, Value a)
{
    const Int128 day = (int64_t)DAY_US, hour = (int64_t)HOUR_US;
    Int128 us = scaled(a, 0), within = ((us % day) + day) % day;
    Int128 days = (us - within) / day - 19961; /* since Monday 26 August 2024 */
    if (t->op == OP_HOUR)
        return whole(w, t, within / hour);
    if (t->op == OP_DAY)
        return whole(w, t, us - within);
    return whole(w, t, ((days % 7) + 7) % 7 + 1);
}

/* Of one operand that is not missing. */
static Value oracle_function(World *w, const Tree *t, Value a)
{
    double x = is_text(a.type) ? 0 : as_real(a);
    switch (t->op) {
    case OP_SIGN:
        return whole(w, t,
                     a.type == TYPE_DOUBLE ? (x > 0) - (x < 0) : (a.integer > 0) - (a.integer < 0));
    case OP_LOG:
        return x > 0 ? real(w, t, stable_log(x)) : missing(t);
    case OP_SQRT:
        return x >= 0 ? real(w, t, sqrt(x)) : missing(t);
    case OP_EXP:
        return real(w, t, stable_exp(x));
    case OP_FLOOR:
    case OP_CEIL:
    case OP_ROUND:
        return oracle_round(w, t, a);
    case OP_HOUR:
    case OP_WEEKDAY:
    case OP_DAY:
        return oracle_calendar(w, t, a);
    default:
        return oracle_text(w, t, a);
    }
}

static Value oracle(World *w, const Tree *t, size_t row)
{
    Value a;
    int result;
    if (t->op >= OP_SIGN && t->op != OP_CASE) {
        a = oracle(w, t->child[0], row);
        if (t->op == OP_MOD)
            return oracle_mod(w, t, a, oracle(w, t->child[1], row));
        if (t->op == OP_NULLIF)
            return against(w, t, t->child[0], t->child[1], "=", row) == 1 ? missing(t) : a;
        return a.valid ? oracle_function(w, t, a) : missing(t);
    }
    switch (t->op) {
    case OP_CASE:
        return oracle_case(w, t, row);
    case OP_COLUMN:
        return cell(&w->table->column[t->column], row);
    case OP_AGGREGATE:
        return cell(&w->aggregate[t->type == TYPE_DECIMAL], row);
    case OP_LITERAL:
        return (Value){.valid = true,
                       .type = t->type,
                       .scale = t->scale,
                       .integer = t->integer,
                       .text = t->text};
    case OP_NULL:
        return missing(t);
    case OP_OR:
    case OP_AND:
        result = t->op == OP_AND;
        for (size_t i = 0; i < t->count; i++) {
            int one = truth(oracle(w, t->child[i], row));
            result = t->op == OP_AND ? both(result, one) : either(result, one);
        }
        return of_truth(t, result);
    case OP_NOT:
        result = truth(oracle(w, t->child[0], row));
        return of_truth(t, result == 2 ? 2 : !result);
    case OP_COMPARE:
        return of_truth(t, against(w, t, t->child[0], t->child[1], t->sign, row));
    case OP_IN:
        result = 0;
        for (size_t i = 1; i < t->count; i++)
            result = either(result, against(w, t, t->child[0], t->child[i], "=", row));
        return of_truth(t, result);
    case OP_BETWEEN:
        return of_truth(t, both(against(w, t, t->child[0], t->child[1], ">=", row),
                                against(w, t, t->child[0], t->child[2], "<=", row)));
    case OP_IS_NULL:
        return of_truth(t, !oracle(w, t->child[0], row).valid);
    case OP_LEAST:
    case OP_GREATEST:
    case OP_COALESCE:
        return oracle_choice(w, t, row);
    case OP_NEGATE:
    case OP_ABS:
        a = oracle(w, t->child[0], row);
        if (!a.valid)
            return missing(t);
        if (t->type == TYPE_DOUBLE)
            return real(w, t, t->op == OP_ABS ? fabs(a.real) : -a.real);
        return whole(w, t, t->op == OP_ABS && a.integer >= 0 ? a.integer : -(Int128)a.integer);
    case OP_LOG1P:
        a = oracle(w, t->child[0], row);
        return !a.valid || as_real(a) <= -1 ? missing(t) : real(w, t, stable_log1p(as_real(a)));
    default:
        a = oracle(w, t->child[0], row);
        return pair(w, t, a, oracle(w, t->child[1], row));
    }
}

/* ---- random tables ---- */

static void fill(World *w, Column *c, size_t rows)
{
    static const char *const words[] = {"A", "B", "h\xC3\xA9", "it's", "\"q\"", "zz%"};
    for (size_t i = 0; i < rows; i++) {
        if (pick(w, 5) == 0)
            continue;
        column_set_valid(c, i);
        switch (c->type) {
        case TYPE_BOOLEAN:
            c->boolean[i] = (uint8_t)pick(w, 2);
            break;
        case TYPE_DOUBLE:
            c->real[i] = pick(w, 200) == 0 ? 1e308 : (double)((int64_t)pick(w, 13) - 4) / 4;
            break;
        case TYPE_CATEGORY:
        case TYPE_TEXT:
            c->code[i] = dictionary_add(c->dictionary, str_from(words[pick(w, 6)]));
            break;
        case TYPE_TIME:
            c->integer[i] = 1724630400000000 + (int64_t)pick(w, 5) * HOUR_US;
            break;
        case TYPE_DATE:
            c->integer[i] = 19960 + (int64_t)pick(w, 3);
            break;
        case TYPE_DURATION:
            c->integer[i] = ((int64_t)pick(w, 9) - 2) * 3 * HOUR_US;
            break;
        default:
            c->integer[i] = pick(w, 400) == 0 ? INT64_MAX / 2 : number(w) % 100000;
        }
    }
}

static void build(World *w, size_t rows)
{
    w->table = table_new(w->arena, S("t"), rows, COUNT_OF(customer));
    for (size_t k = 0; k < COUNT_OF(customer); k++) {
        column_init(&w->table->column[k], w->arena, customer[k].name, customer[k].type,
                    customer[k].scale, rows, NULL);
        fill(w, &w->table->column[k], rows);
    }
    column_init(&w->aggregate[0], w->arena, S("count"), TYPE_INT64, 0, rows, NULL);
    column_init(&w->aggregate[1], w->arena, S("sum"), TYPE_DECIMAL, 2, rows, NULL);
    for (size_t k = 0; k < 2; k++)
        fill(w, &w->aggregate[k], rows);
}

/* The aggregate columns in the order in which the expression lists its aggregates. */
static const Column *arranged(World *w, const Expr *e)
{
    size_t count;
    const Aggregate *a = lang_aggregates(e, &count);
    Column *out = ARENA_ARRAY(w->arena, Column, count + 1);
    for (size_t i = 0; i < count; i++)
        out[i] = w->aggregate[a[i].kind == AGGREGATE_SUM];
    return out;
}

static void check_row(const Column *c, size_t row, Value want, Str text)
{
    Value have = cell(c, row);
    bool same = have.valid == want.valid;
    if (same && have.valid)
        same = c->type == TYPE_DOUBLE ? have.real == want.real
               : is_text(c->type)     ? str_equal(have.text, want.text)
                                      : have.integer == want.integer;
    if (same && !have.valid && !is_text(c->type) && c->type != TYPE_BOOLEAN)
        same = c->integer[row] == 0; /* nothing hides behind a missing cell */
    if (!same)
        fail_msg("row %zu of %.*s: valid %d/%d integer %lld/%lld real %.17g/%.17g", row,
                 STR_ARG(text), have.valid, want.valid, (long long)have.integer,
                 (long long)want.integer, have.real, want.real);
}

static Status evaluate(World *w, Column *out, const Expr *e, Arena *scratch)
{
    Error err = {0};
    return lang_evaluate(out, w->arena, *scratch, e, w->table, arranged(w, e), &err);
}

static Expr *read(World *w, Str text)
{
    Error err = {0};
    Expr *e = NULL;
    if (lang_read(&e, w->arena, text, &scope, "book.yaml", 1, 1, &err) != STATUS_OK)
        fail_msg("%s (%lld): %.*s", err.message, (long long)err.column, STR_ARG(text));
    return e;
}

/* As one of two equal expressions of a program, and its truth as words. */
static Status try_program(World *w, const Expr *e, const Expr *again, const Value *want, Str text,
                          Arena *scratch)
{
    Error err = {0};
    Arena passing = arena_new();
    size_t count, rows = w->table->rows;
    const Column *nested = arranged(w, e);
    (void)lang_aggregates(e, &count);
    Program *p = program_new(w->arena, &passing);
    uint32_t *given = ARENA_ARRAY(w->arena, uint32_t, count + 1);
    for (size_t i = 0; i < count; i++)
        given[i] = program_given(p, nested[i].type);
    uint32_t value = program_add(p, e, given);
    assert_int_equal(value, program_add(p, again, given));
    arena_free(&passing);
    ProgramRun *r = program_begin(w->arena, p, w->table);
    for (size_t i = 0; i < count; i++)
        program_give(r, given[i], &nested[i]);
    Status status = program_run(r, *scratch, value, &err);
    for (size_t i = 0; i < rows && status == STATUS_OK && !w->overflow; i++) {
        check_row(program_column(r, value), i, want[i], text);
        if (lang_type(e) == TYPE_BOOLEAN)
            assert_int_equal(program_truth(r, value)[i / 64] >> i % 64 & 1,
                             want[i].valid && want[i].integer != 0);
    }
    return status;
}

/* One row alone; false when only the block evaluator answers. */
static bool try_cell(World *w, const Expr *e, size_t row, Value want, bool overflow, Str text,
                     Arena *scratch)
{
    Error err = {0};
    uint32_t index = (uint32_t)row;
    size_t count;
    const Column *whole = arranged(w, e);
    (void)lang_aggregates(e, &count);
    Table of = {.rows = w->table->rows, .columns = count, .column = (Column *)(uintptr_t)whole};
    const Table *own = table_take(w->arena, w->table, &index, 1);
    const Column *nested = table_take(w->arena, &of, &index, 1)->column;
    Column out, cell;
    Status status = lang_evaluate(&out, w->arena, *scratch, e, own, nested, &err);
    if (status != (overflow ? STATUS_LIMIT : STATUS_OK))
        fail_msg("row %zu alone: status %d, overflow %d: %.*s", row, status, overflow,
                 STR_ARG(text));
    column_init(&cell, w->arena, S(""), lang_type(e), lang_scale(e), 1, NULL);
    bool answered = lang_evaluate_cell(&cell, e, own, nested);
    assert_false(answered && overflow);
    if (!overflow)
        check_row(&out, 0, want, text);
    if (answered)
        check_row(&cell, 0, want, text);
    return answered;
}

/* Two expressions of one row together; false when they must be asked one
 * by one. */
static bool try_set(World *w, const Expr *const pair[2], Arena *scratch)
{
    Error err = {0};
    uint32_t first = 0;
    Column own, out[2];
    size_t count;
    for (size_t i = 0; i < 2; i++) {
        (void)lang_aggregates(pair[i], &count);
        if (count > 0 || is_text(lang_type(pair[i])))
            return false;
    }
    const Table *row = table_take(w->arena, w->table, &first, 1);
    const ExprSet *set = lang_set(w->arena, pair, 2);
    if (set == NULL || !lang_evaluate_set(out, w->arena, set, row))
        return false;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(STATUS_OK,
                         lang_evaluate(&own, w->arena, *scratch, pair[i], row, NULL, &err));
        assert_int_equal(own.type, out[i].type);
        assert_int_equal(own.scale, out[i].scale);
        assert_true(str_equal(own.name, out[i].name));
        assert_int_equal(*own.valid, *out[i].valid);
        assert_memory_equal(own.data, out[i].data, type_width(own.type));
    }
    return true;
}

static void try_one(World *w, const Tree *t, Arena *scratch, size_t *overflows, size_t *cells)
{
    Buffer b = buffer_new(w->arena);
    write_tree(&b, t);
    Str text = buffer_str(&b);
    Expr *e = read(w, text);
    Expr *again = read(w, lang_text(e));
    if (!str_equal(lang_text(e), lang_text(again)))
        fail_msg("%.*s\n%.*s", STR_ARG(lang_text(e)), STR_ARG(lang_text(again)));
    if (lang_type(e) != t->type && !(is_text(t->type) && is_text(lang_type(e))))
        fail_msg("type %d instead of %d: %.*s", lang_type(e), t->type, STR_ARG(text));
    if (t->type == TYPE_DECIMAL)
        assert_int_equal(lang_scale(e), t->scale);
    size_t rows = w->table->rows;
    Value *want = ARENA_ARRAY(w->arena, Value, rows);
    bool *over = ARENA_ARRAY(w->arena, bool, rows + 1), any = false;
    for (size_t i = 0; i < rows; i++) {
        w->overflow = false;
        want[i] = oracle(w, t, i);
        over[i] = w->overflow;
        any = any || over[i];
    }
    w->overflow = any;
    Column first, second;
    Status status = evaluate(w, &first, e, scratch);
    assert_int_equal(status, evaluate(w, &second, again, scratch));
    if (status != (w->overflow ? STATUS_LIMIT : STATUS_OK))
        fail_msg("status %d, overflow %d: %.*s", status, w->overflow, STR_ARG(text));
    *overflows += w->overflow;
    for (size_t i = 0; i < rows && !w->overflow; i++) {
        check_row(&first, i, want[i], text);
        check_row(&second, i, want[i], lang_text(again));
    }
    assert_int_equal(status, try_program(w, e, again, want, text, scratch));
    for (size_t i = 0; i < rows && i < 5; i++)
        *cells += try_cell(w, e, i, want[i], over[i], text, scratch);
}

static void lang_evaluator_agrees_with_the_oracle_on_random_expressions(void **state)
{
    (void)state;
    static const Type types[] = {TYPE_BOOLEAN, TYPE_INT64, TYPE_DECIMAL, TYPE_DOUBLE,
                                 TYPE_TEXT,    TYPE_TIME,  TYPE_DURATION};
    static const size_t sizes[] = {0, 1, 63, 64, 65, 200};
    Arena arena = arena_new(), scratch = arena_new();
    size_t overflows = 0, tried = 0, cells = 0, sets = 0;
    for (uint64_t seed = 0; seed < 6000; seed++) {
        Arena mark = arena;
        World w = {.arena = &arena, .random = random_new(seed_derive(20240826, seed))};
        build(&w, seed % 500 == 0 ? 4500 : sizes[pick(&w, COUNT_OF(sizes))]);
        Tree *t = grow(&w, types[pick(&w, COUNT_OF(types))], 1 + (int)pick(&w, 5));
        try_one(&w, t, &scratch, &overflows, &cells);
        if (w.table->rows > 0) {
            const Tree *both[] = {t, grow(&w, TYPE_BOOLEAN, 1 + (int)pick(&w, 5))};
            const Expr *pair[2];
            for (size_t i = 0; i < 2; i++) {
                Buffer b = buffer_new(w.arena);
                write_tree(&b, both[i]);
                pair[i] = read(&w, buffer_str(&b));
            }
            sets += try_set(&w, pair, &scratch);
        }
        tried++;
        arena = mark;
    }
    /* The test must not live on overflows alone, nor never see one. */
    assert_in_range(overflows, 20, tried / 3);
    assert_true(cells > 2 * tried); /* of five rows at most: mostly no blocks are needed */
    assert_true(sets > tried / 10);
    arena_free(&arena);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lang_evaluator_agrees_with_the_oracle_on_random_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
