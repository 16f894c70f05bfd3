/* One row, cell by cell: what blocks do for a block, without any. For a customer's features, of
 * which each is one small expression over one row.
 *
 * An expression is laid flat when it is read: steps of sixteen bytes side by side, each of which
 * makes one cell of those before it, so that a request walks through a few lines of memory and not
 * through a tree. Where something is too large, of an unexpected type, or a new string, it gives
 * up, and evaluate.c answers or says what is wrong. */
#include "lang/run.h"

#include <math.h>
#include <string.h>

typedef enum What {
    CELL_NAME,      /* of the column that is called so; c: the name's number */
    CELL_AGGREGATE, /* of the aggregate's column */
    CELL_LITERAL,
    CELL_MISSING,
    CELL_AND,
    CELL_OR,
    CELL_NULL_TEST,
    CELL_UNLESS, /* a, but missing where b is true */
    CELL_EITHER, /* a, or where it is missing b */
    CELL_CHOICE, /* b where a is true, else c */
    /* From here on missing where a is, or b. Of one cell both are that one. */
    CELL_REAL,  /* a, a whole number, divided by the literal */
    CELL_TIMES, /* a times the literal */
    CELL_NEGATE_REAL,
    CELL_NEGATE,
    CELL_NOT,
    CELL_FUNCTION, /* function_real of the node */
    CELL_SIGN_REAL,
    CELL_SIGN,
    CELL_ABS,
    CELL_QUOTIENT, /* a divided by the literal; `detail`: how */
    CELL_ADD_REAL,
    CELL_SUBTRACT_REAL,
    CELL_MULTIPLY_REAL,
    CELL_DIVIDE_REAL,
    CELL_ADD,
    CELL_SUBTRACT,
    CELL_MULTIPLY,
    CELL_COMPARE_REAL, /* `detail`: compare_answers */
    CELL_COMPARE,
    CELL_COMPARE_TRUTH,
    CELL_COMPARE_TEXT,
    CELL_COMPARE_SCALED, /* a times 10^c with b times 10^scale */
    CELL_LEAST_REAL,
    CELL_LEAST,
    CELL_GREATEST_REAL,
    CELL_GREATEST,
    CELL_COMPUTED = CELL_REAL
} What;

typedef struct FlatStep {
    uint8_t what;    /* What */
    uint8_t detail;  /* of NAME, AGGREGATE, LITERAL the Type */
    uint8_t a, b, c; /* earlier steps */
    uint8_t scale;
    uint16_t size; /* of a name */
    union {
        int64_t integer;
        bool truth;
        double real;
        const Str *text;
        const char *name;
        const Node *node;
    };
} FlatStep;

typedef struct Cell {
    bool there;
    union {
        bool truth;
        int64_t integer;
        double real;
        const Str *text;
    };
} Cell;

enum { STEPS_MOST = 200 };

struct Flat {
    uint8_t count, root; /* the step that makes the expression's cell */
    /* Of each name, where its column stood the last time. Whoever finds another one there looks for
     * it, so it changes no result; threads read and write it relaxed. */
    atomic_uint *place;
    FlatStep step[];
};

/* ---- laid flat ---- */

typedef struct Laying {
    size_t count;
    uint8_t names;
    bool refused;
    FlatStep step[STEPS_MOST];
} Laying;

/* The same step of the same cells is there once; of names, whatever their numbers. */
static uint8_t put(Laying *l, FlatStep step)
{
    for (size_t i = 0; i < l->count && !l->refused; i++) {
        const FlatStep *s = &l->step[i];
        if (s->what == step.what && s->detail == step.detail && s->a == step.a && s->b == step.b &&
            (s->c == step.c || step.what == CELL_NAME) && s->scale == step.scale &&
            s->size == step.size && s->integer == step.integer)
            return (uint8_t)i;
    }
    if (l->count == STEPS_MOST)
        l->refused = true;
    if (l->refused)
        return 0;
    l->step[l->count] = step;
    return (uint8_t)l->count++;
}

static uint8_t put_one(Laying *l, uint8_t a, FlatStep step)
{
    step.a = step.b = a;
    return put(l, step);
}

static uint8_t put_two(Laying *l, What what, uint8_t a, uint8_t b)
{
    return put(l, (FlatStep){.what = (uint8_t)what, .a = a, .b = b});
}

static uint8_t refuse(Laying *l)
{
    l->refused = true;
    return 0;
}

static uint8_t lay(Laying *l, const Node *n);

static uint8_t lay_name(Laying *l, const Node *n)
{
    const Str name = n->name->name;
    if (name.size > UINT16_MAX)
        return refuse(l);
    const size_t before = l->count;
    const uint8_t at = put(l, (FlatStep){.what = CELL_NAME,
                                         .detail = (uint8_t)n->type,
                                         .c = l->names,
                                         .scale = (uint8_t)n->scale,
                                         .size = (uint16_t)name.size,
                                         .name = name.data});
    l->names = (uint8_t)(l->names + (l->count > before));
    return at;
}

static uint8_t lay_leaf(Laying *l, const Node *n)
{
    FlatStep step = {.what = CELL_LITERAL, .detail = (uint8_t)n->type, .integer = n->integer};
    switch (n->kind) {
    case NODE_NAME:
        return lay_name(l, n);
    case NODE_AGGREGATE:
        step.what = CELL_AGGREGATE;
        step.scale = (uint8_t)n->scale;
        step.integer = (int64_t)n->call->index;
        break;
    case NODE_NULL:
        step.what = CELL_MISSING;
        break;
    case NODE_BOOLEAN:
        step.integer = 0;
        step.truth = n->integer != 0;
        break;
    case NODE_STRING:
        step.text = &n->text;
        break;
    default:
        break;
    }
    return put(l, step);
}

/* A child brought to the type an operator works in, as run_operand does. */
static uint8_t lay_operand(Laying *l, const Node *child, Type type, int scale)
{
    const bool same = child->type == type && (type != TYPE_DECIMAL || child->scale == scale);
    if (!same && child->kind == NODE_NUMBER && type == TYPE_DOUBLE)
        return put(l, (FlatStep){.what = CELL_LITERAL,
                                 .detail = TYPE_DOUBLE,
                                 .real = decimal_to_double(child->integer, child->scale)});
    const uint8_t at = lay(l, child);
    if (same || type_is_string(type) || child->kind == NODE_NULL)
        return at;
    if (type == TYPE_DOUBLE)
        return put_one(l, at,
                       (FlatStep){.what = CELL_REAL, .real = (double)power_of_ten(child->scale)});
    const int64_t unit =
        type == TYPE_TIME ? DAY_US
                          : power_of_ten(scale - (child->type == TYPE_DECIMAL ? child->scale : 0));
    return put_one(l, at, (FlatStep){.what = CELL_TIMES, .integer = unit});
}

static uint8_t lay_real_pair(Laying *l, const Node *n)
{
    const bool durations = n->child[0]->type == TYPE_DURATION;
    const Type type = durations ? TYPE_DURATION : TYPE_DOUBLE;
    uint8_t a = lay_operand(l, n->child[0], type, 0), b = lay_operand(l, n->child[1], type, 0);
    if (durations) {
        a = put_one(l, a, (FlatStep){.what = CELL_REAL, .real = 1});
        b = put_one(l, b, (FlatStep){.what = CELL_REAL, .real = 1});
    }
    return put_two(l,
                   n->kind == NODE_ADD        ? CELL_ADD_REAL
                   : n->kind == NODE_SUBTRACT ? CELL_SUBTRACT_REAL
                   : n->kind == NODE_MULTIPLY ? CELL_MULTIPLY_REAL
                                              : CELL_DIVIDE_REAL,
                   a, b);
}

static uint8_t lay_pair(Laying *l, const Node *n)
{
    if (n->type == TYPE_DOUBLE)
        return lay_real_pair(l, n);
    const Node *left = n->child[0], *right = n->child[1];
    const bool align = n->type == TYPE_DECIMAL && n->kind != NODE_MULTIPLY;
    const Type left_type = left->type == TYPE_DATE ? TYPE_TIME : left->type;
    const Type right_type = right->type == TYPE_DATE ? TYPE_TIME : right->type;
    const uint8_t a =
        lay_operand(l, left, align ? n->type : left_type, align ? n->scale : left->scale);
    const uint8_t b =
        lay_operand(l, right, align ? n->type : right_type, align ? n->scale : right->scale);
    return put_two(l,
                   n->kind == NODE_ADD        ? CELL_ADD
                   : n->kind == NODE_SUBTRACT ? CELL_SUBTRACT
                                              : CELL_MULTIPLY,
                   a, b);
}

static uint8_t lay_compare(Laying *l, NodeKind kind, const Node *left, const Node *right)
{
    if (left->kind == NODE_NULL || right->kind == NODE_NULL)
        return put(l, (FlatStep){.what = CELL_MISSING});
    const bool real = left->type == TYPE_DOUBLE || right->type == TYPE_DOUBLE;
    const bool instants = left->type == TYPE_TIME || right->type == TYPE_TIME;
    const Type left_type = real ? TYPE_DOUBLE : instants ? TYPE_TIME : left->type;
    const Type right_type = real ? TYPE_DOUBLE : instants ? TYPE_TIME : right->type;
    FlatStep step = {.what = CELL_COMPARE, .detail = (uint8_t)compare_answers(kind)};
    step.a = lay_operand(l, left, left_type, left->scale);
    step.b = lay_operand(l, right, right_type, right->scale);
    const int scale = left->scale > right->scale ? left->scale : right->scale;
    if (real)
        step.what = CELL_COMPARE_REAL;
    else if (type_is_string(left_type))
        step.what = CELL_COMPARE_TEXT;
    else if (left_type == TYPE_BOOLEAN)
        step.what = CELL_COMPARE_TRUTH;
    else if (left->scale != right->scale) {
        step.what = CELL_COMPARE_SCALED;
        step.c = (uint8_t)(scale - left->scale);
        step.scale = (uint8_t)(scale - right->scale);
    }
    return put(l, step);
}

/* Every part is computed, decided or not: one that is too large is an error all the same. */
static uint8_t lay_all(Laying *l, const Node *n, What what)
{
    uint8_t at = lay_operand(l, n->child[0], n->type, n->scale);
    for (size_t i = 1; i < n->count; i++)
        at = put_two(l, what, at, lay_operand(l, n->child[i], n->type, n->scale));
    return at;
}

/* x in (a, b) is x = a or x = b; x between a and b is x >= a and x <= b. */
static uint8_t lay_members(Laying *l, const Node *n)
{
    const bool in = n->kind == NODE_IN;
    uint8_t at = lay_compare(l, in ? NODE_EQUAL : NODE_GREATER_EQUAL, n->child[0], n->child[1]);
    for (size_t i = 2; i < n->count; i++)
        at = put_two(l, in ? CELL_OR : CELL_AND, at,
                     lay_compare(l, in ? NODE_EQUAL : NODE_LESS_EQUAL, n->child[0], n->child[i]));
    return at;
}

static uint8_t lay_single(Laying *l, const Node *n)
{
    const Node *x = n->child[0];
    const bool real = n->type == TYPE_DOUBLE || x->type == TYPE_DOUBLE;
    const uint8_t at = lay_operand(l, x, real ? TYPE_DOUBLE : x->type, real ? 0 : x->scale);
    if (n->kind == NODE_SIGN)
        return put_one(l, at, (FlatStep){.what = real ? CELL_SIGN_REAL : CELL_SIGN});
    if (real)
        return put_one(l, at, (FlatStep){.what = CELL_FUNCTION, .node = n});
    if (n->kind == NODE_ABS)
        return put_one(l, at, (FlatStep){.what = CELL_ABS});
    if (x->scale == n->scale)
        return at;
    return put_one(l, at,
                   (FlatStep){.what = CELL_QUOTIENT,
                              .detail = (uint8_t)n->kind,
                              .integer = power_of_ten(x->scale - n->scale)});
}

static uint8_t lay_case(Laying *l, const Node *n)
{
    const bool otherwise = n->count % 2 == 1;
    uint8_t at = otherwise ? lay_operand(l, n->child[n->count - 1], n->type, n->scale)
                           : put(l, (FlatStep){.what = CELL_MISSING});
    for (size_t k = n->count - otherwise; k > 0; k -= 2) { /* the first that is true stands */
        const uint8_t when = lay(l, n->child[k - 2]);
        const uint8_t value = lay_operand(l, n->child[k - 1], n->type, n->scale);
        at = put(l, (FlatStep){.what = CELL_CHOICE, .a = when, .b = value, .c = at});
    }
    return at;
}

static uint8_t lay_function(Laying *l, const Node *n)
{
    const bool real = n->type == TYPE_DOUBLE;
    switch (n->kind) {
    case NODE_CASE:
        return lay_case(l, n);
    case NODE_LEAST:
        return lay_all(l, n, real ? CELL_LEAST_REAL : CELL_LEAST);
    case NODE_GREATEST:
        return lay_all(l, n, real ? CELL_GREATEST_REAL : CELL_GREATEST);
    case NODE_COALESCE:
        return lay_all(l, n, CELL_EITHER);
    case NODE_NULLIF: {
        const uint8_t at = lay(l, n->child[0]);
        return put_two(l, CELL_UNLESS, at, lay_compare(l, NODE_EQUAL, n->child[0], n->child[1]));
    }
    case NODE_ABS:
    case NODE_SIGN:
    case NODE_FLOOR:
    case NODE_CEIL:
    case NODE_ROUND:
    case NODE_LOG:
    case NODE_LOG1P:
    case NODE_SQRT:
    case NODE_EXP:
        return lay_single(l, n);
    default:
        return refuse(l);
    }
}

/* The step that makes the node's cell. */
static uint8_t lay(Laying *l, const Node *n)
{
    if (l->refused)
        return 0;
    switch (n->kind) {
    case NODE_NULL:
    case NODE_BOOLEAN:
    case NODE_NUMBER:
    case NODE_DURATION:
    case NODE_TIME:
    case NODE_STRING:
    case NODE_NAME:
    case NODE_AGGREGATE:
        return lay_leaf(l, n);
    case NODE_OR:
    case NODE_AND:
        return lay_all(l, n, n->kind == NODE_OR ? CELL_OR : CELL_AND);
    case NODE_NOT:
        return put_one(l, lay(l, n->child[0]), (FlatStep){.what = CELL_NOT});
    case NODE_IS_NULL:
        return put_one(l, lay(l, n->child[0]), (FlatStep){.what = CELL_NULL_TEST});
    case NODE_EQUAL:
    case NODE_UNEQUAL:
    case NODE_LESS:
    case NODE_LESS_EQUAL:
    case NODE_GREATER:
    case NODE_GREATER_EQUAL:
        return lay_compare(l, n->kind, n->child[0], n->child[1]);
    case NODE_IN:
    case NODE_BETWEEN:
        return lay_members(l, n);
    case NODE_ADD:
    case NODE_SUBTRACT:
    case NODE_MULTIPLY:
    case NODE_DIVIDE:
        return lay_pair(l, n);
    case NODE_NEGATE: {
        const uint8_t at = lay_operand(l, n->child[0], n->type, n->scale);
        return put_one(l, at,
                       (FlatStep){.what = n->type == TYPE_DOUBLE ? CELL_NEGATE_REAL : CELL_NEGATE});
    }
    default:
        return lay_function(l, n);
    }
}

Flat *lang_flat(Arena *keep, const Node *root)
{
    Laying l = {.count = 0};
    const uint8_t at = lay(&l, root);
    const uint8_t what = l.step[at].what;
    if (l.refused || (type_is_string(root->type) && what != CELL_NAME && what != CELL_AGGREGATE))
        return NULL;
    Flat *f = arena_raw(keep, sizeof *f + l.count * sizeof *l.step, 1);
    f->count = (uint8_t)l.count;
    f->root = at;
    f->place = ARENA_ARRAY(keep, atomic_uint, l.names + 1);
    memcpy(f->step, l.step, l.count * sizeof *l.step);
    return f;
}

/* ---- walked through ---- */

/* A book's expressions look for the same columns again and again, in tables of one form. */
static const Column *find(const Flat *f, const FlatStep *step, const Table *rows)
{
    atomic_uint *place = &f->place[step->c];
    const size_t guess = atomic_load_explicit(place, memory_order_relaxed);
    const Str name = {step->name, step->size};
    if (guess < rows->columns) {
        const Column *c = &rows->column[guess];
        if (c->name.size == name.size && (c->name.data == name.data || str_equal(c->name, name)))
            return c;
    }
    const Column *found = table_find(rows, name);
    if (found != NULL)
        atomic_store_explicit(place, (unsigned)(found - rows->column), memory_order_relaxed);
    return found;
}

/* False: the column is not what the expression was made for. */
static inline bool read_cell(Cell *out, const FlatStep *step, const Column *from)
{
    out->there = *from->valid & 1;
    switch ((Type)step->detail) {
    case TYPE_BOOLEAN:
        out->truth = *from->boolean != 0;
        return from->type == TYPE_BOOLEAN;
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        if (!type_is_string(from->type))
            return false;
        out->text = out->there ? &from->dictionary->text[*from->code] : NULL;
        return true;
    case TYPE_DOUBLE:
        out->real = *from->real;
        out->there = out->there && !is_missing(out->real);
        return from->type == TYPE_DOUBLE;
    case TYPE_DECIMAL:
        out->integer = *from->integer;
        return from->type == TYPE_DECIMAL && from->scale == step->scale;
    default:
        out->integer = *from->integer;
        return from->type == (Type)step->detail;
    }
}

static inline bool answers(const FlatStep *step, int order)
{
    return step->detail >> (order + 1) & 1;
}

/* a or b; with `and`, the same of what is false. */
static inline void join_cells(Cell *out, const Cell *a, const Cell *b, bool any)
{
    const bool decided = (a->there && a->truth == any) || (b->there && b->truth == any);
    out->there = decided || (a->there && b->there);
    out->truth = decided == any;
}

/* Infinity is an error, NaN another way to say missing. */
static inline bool put_finite(Cell *out, double x)
{
    out->real = x;
    if (isfinite(x))
        return true;
    out->there = false;
    return is_missing(x);
}

static inline bool put_quotient(Cell *out, double x, double y)
{
    out->there = y != 0;
    return put_finite(out, y != 0 ? x / y : 0);
}

static inline bool put_distance(Cell *out, int64_t x)
{
    out->integer = x;
    return x >= 0 || !__builtin_sub_overflow(0, x, &out->integer);
}

static inline bool scaled_answer(const FlatStep *step, const Cell *a, const Cell *b)
{
    const Int128 x = (Int128)power_of_ten(step->c) * a->integer;
    const Int128 y = (Int128)power_of_ten(step->scale) * b->integer;
    return answers(step, (x > y) - (x < y));
}

/* Of cells that are there. False: too large. */
static inline bool compute(Cell *out, const FlatStep *step, const Cell *a, const Cell *b)
{
    switch (step->what) {
    case CELL_REAL:
        out->real = (double)a->integer / step->real;
        return true;
    case CELL_TIMES:
        return !__builtin_mul_overflow(a->integer, step->integer, &out->integer);
    case CELL_NEGATE_REAL:
        out->real = -a->real;
        return true;
    case CELL_NEGATE:
        return !__builtin_sub_overflow(0, a->integer, &out->integer);
    case CELL_NOT:
        out->truth = !a->truth;
        return true;
    case CELL_FUNCTION:
        return put_finite(out, function_real(step->node, a->real));
    case CELL_SIGN_REAL:
        out->integer = (a->real > 0) - (a->real < 0);
        return true;
    case CELL_SIGN:
        out->integer = (a->integer > 0) - (a->integer < 0);
        return true;
    case CELL_ABS:
        return put_distance(out, a->integer);
    case CELL_QUOTIENT:
        out->integer = function_quotient((NodeKind)step->detail, a->integer, step->integer);
        return true;
    case CELL_ADD_REAL:
        return put_finite(out, a->real + b->real);
    case CELL_SUBTRACT_REAL:
        return put_finite(out, a->real - b->real);
    case CELL_MULTIPLY_REAL:
        return put_finite(out, a->real * b->real);
    case CELL_DIVIDE_REAL:
        return put_quotient(out, a->real, b->real);
    case CELL_ADD:
        return !__builtin_add_overflow(a->integer, b->integer, &out->integer);
    case CELL_SUBTRACT:
        return !__builtin_sub_overflow(a->integer, b->integer, &out->integer);
    case CELL_MULTIPLY:
        return !__builtin_mul_overflow(a->integer, b->integer, &out->integer);
    case CELL_COMPARE_REAL:
        out->truth = answers(step, (a->real > b->real) - (a->real < b->real));
        return true;
    case CELL_COMPARE:
        out->truth = answers(step, (a->integer > b->integer) - (a->integer < b->integer));
        return true;
    case CELL_COMPARE_TRUTH:
        out->truth = answers(step, a->truth - b->truth);
        return true;
    case CELL_COMPARE_TEXT: /* nobody asks but whether they are equal */
        out->truth = answers(step, !(a->text == b->text || str_equal(*a->text, *b->text)));
        return true;
    case CELL_COMPARE_SCALED:
        out->truth = scaled_answer(step, a, b);
        return true;
    case CELL_LEAST_REAL:
        out->real = b->real < a->real ? b->real : a->real;
        return true;
    case CELL_LEAST:
        out->integer = b->integer < a->integer ? b->integer : a->integer;
        return true;
    case CELL_GREATEST_REAL:
        out->real = b->real > a->real ? b->real : a->real;
        return true;
    case CELL_GREATEST:
        out->integer = b->integer > a->integer ? b->integer : a->integer;
        return true;
    default:
        return false;
    }
}

/* The other steps. False: a column is not what the expression was made for. */
static inline bool take(Cell *out, const Flat *f, const FlatStep *step, const Cell *a,
                        const Cell *b, const Cell *c, const Table *rows, const Column *aggregate)
{
    const Column *from;
    switch (step->what) {
    case CELL_NAME:
        from = find(f, step, rows);
        out->there = false;
        return from == NULL || read_cell(out, step, from);
    case CELL_AGGREGATE:
        return read_cell(out, step, &aggregate[step->integer]);
    case CELL_LITERAL:
        out->there = true;
        out->integer = step->integer;
        return true;
    case CELL_MISSING:
        out->there = false;
        return true;
    case CELL_AND:
    case CELL_OR:
        join_cells(out, a, b, step->what == CELL_OR);
        return true;
    case CELL_NULL_TEST:
        out->there = true;
        out->truth = !a->there;
        return true;
    case CELL_UNLESS:
        out->integer = a->integer;
        out->there = a->there && !(b->there && b->truth);
        return true;
    case CELL_EITHER:
        *out = a->there ? *a : *b;
        return true;
    default: /* CELL_CHOICE */
        *out = a->there && a->truth ? *b : *c;
        return true;
    }
}

static bool take_steps(Cell *cell, const Flat *f, const Table *rows, const Column *aggregate)
{
    Cell *out = cell;
    for (const FlatStep *step = f->step, *end = step + f->count; step < end; step++, out++) {
        const Cell *a = &cell[step->a], *b = &cell[step->b];
        if (step->what < CELL_COMPUTED) {
            if (!take(out, f, step, a, b, &cell[step->c], rows, aggregate))
                return false;
            continue;
        }
        out->there = a->there && b->there;
        if (out->there && !compute(out, step, a, b))
            return false;
    }
    return true;
}

/* A string is the code of a column's own dictionary. */
static bool copy_string(Column *out, const Flat *f, const Table *rows, const Column *aggregate)
{
    const FlatStep *step = &f->step[f->root];
    const Column *from = step->what == CELL_NAME ? find(f, step, rows) : &aggregate[step->integer];
    if (from == NULL)
        return true;
    if (!type_is_string(from->type))
        return false;
    if (from->dictionary != NULL)
        out->dictionary = from->dictionary;
    if (*from->valid & 1) {
        column_set_valid(out, 0);
        *out->code = *from->code;
    }
    return true;
}

bool lang_evaluate_cell(Column *out, const Expr *e, const Table *rows, const Column *aggregate)
{
    const Flat *f = e->flat;
    if (f == NULL)
        return false;
    if (type_is_string(out->type))
        return copy_string(out, f, rows, aggregate);
    Cell cell[STEPS_MOST];
    if (!take_steps(cell, f, rows, aggregate))
        return false;
    const Cell *c = &cell[f->root];
    if (!c->there)
        return true;
    column_set_valid(out, 0);
    if (out->type == TYPE_BOOLEAN)
        *out->boolean = c->truth;
    else
        *out->integer = c->integer; /* or the bits of a double */
    return true;
}
