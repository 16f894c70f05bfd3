/* One row, cell by cell: what blocks do for a block, without any. For a customer's features, of
 * which each is one small expression over one row.
 *
 * Where something is too large, of an unexpected type, or a new string, it gives up, and evaluate.c
 * answers or says what is wrong. */
#include "lang/run.h"

#include <math.h>

typedef struct Cell {
    bool there;
    union {
        bool truth;
        int64_t integer;
        double real;
        uint32_t code;
    };
    Dictionary *dictionary; /* of a string; NULL: of a column that is not there */
} Cell;

/* One for each kind of node: a leaf then pays for a leaf alone. */
typedef bool CellMaker(const Run *r, const Node *n, Cell *out);
static CellMaker *const makers[NODE_COALESCE + 1];

static bool cell_of(const Run *r, const Node *n, Cell *out)
{
    return makers[n->kind](r, n, out);
}

static inline bool cell_read(const Node *n, const Column *from, Cell *out)
{
    out->there = *from->valid & 1;
    switch (n->type) {
    case TYPE_BOOLEAN:
        out->truth = *from->boolean != 0;
        return from->type == TYPE_BOOLEAN;
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        out->code = *from->code;
        out->dictionary = from->dictionary;
        return type_is_string(from->type);
    case TYPE_DOUBLE:
        out->real = *from->real;
        out->there = out->there && !is_missing(out->real);
        return from->type == TYPE_DOUBLE;
    case TYPE_DECIMAL:
        out->integer = *from->integer;
        return from->type == TYPE_DECIMAL && from->scale == n->scale;
    default:
        out->integer = *from->integer;
        return from->type == n->type;
    }
}

static bool cell_name(const Run *r, const Node *n, Cell *out)
{
    const Column *from = run_find(r, n);
    out->there = false;
    out->dictionary = NULL;
    return from == NULL || cell_read(n, from, out);
}

static bool cell_literal(const Run *r, const Node *n, Cell *out)
{
    (void)r;
    out->there = n->kind != NODE_NULL;
    out->dictionary = n->dictionary;
    if (n->kind == NODE_BOOLEAN)
        out->truth = n->integer != 0;
    else if (n->kind == NODE_STRING)
        out->code = 0;
    else
        out->integer = n->integer;
    return true;
}

/* A child brought to the type an operator works in, as run_operand does. */
static bool cell_operand(const Run *r, const Node *child, Type type, int scale, Cell *out)
{
    bool good = child->kind == NODE_AGGREGATE
                    ? cell_read(child, &r->aggregate[child->call->index], out)
                : child->kind == NODE_NUMBER ? cell_literal(r, child, out)
                                             : cell_of(r, child, out);
    if (!good)
        return false;
    bool same = child->type == type && (type != TYPE_DECIMAL || child->scale == scale);
    if (same || type_is_string(type) || !out->there)
        return true;
    if (type == TYPE_DOUBLE) {
        out->real = decimal_to_double(out->integer, child->scale);
        return true;
    }
    int64_t unit = type == TYPE_TIME
                       ? DAY_US
                       : power_of_ten(scale - (child->type == TYPE_DECIMAL ? child->scale : 0));
    return !__builtin_mul_overflow(out->integer, unit, &out->integer);
}

/* ---- arithmetic ---- */

static bool cell_finite(Cell *c)
{
    if (!c->there || isfinite(c->real))
        return true;
    c->there = false;
    return is_missing(c->real);
}

static bool cell_real_pair(const Run *r, const Node *n, Cell *out)
{
    Cell a, b;
    bool durations = n->child[0]->type == TYPE_DURATION;
    Type type = durations ? TYPE_DURATION : TYPE_DOUBLE;
    if (!cell_operand(r, n->child[0], type, 0, &a) || !cell_operand(r, n->child[1], type, 0, &b))
        return false;
    out->there = a.there && b.there;
    if (!out->there)
        return true;
    double x = durations ? (double)a.integer : a.real, y = durations ? (double)b.integer : b.real;
    switch (n->kind) {
    case NODE_ADD:
        out->real = x + y;
        break;
    case NODE_SUBTRACT:
        out->real = x - y;
        break;
    case NODE_MULTIPLY:
        out->real = x * y;
        break;
    default:
        out->there = y != 0;
        out->real = y != 0 ? x / y : 0;
    }
    return cell_finite(out);
}

static bool cell_whole_pair(const Run *r, const Node *n, Cell *out)
{
    Cell a, b;
    const Node *left = n->child[0], *right = n->child[1];
    bool align = n->type == TYPE_DECIMAL && n->kind != NODE_MULTIPLY;
    Type left_type = left->type == TYPE_DATE ? TYPE_TIME : left->type;
    Type right_type = right->type == TYPE_DATE ? TYPE_TIME : right->type;
    if (!cell_operand(r, left, align ? n->type : left_type, align ? n->scale : left->scale, &a) ||
        !cell_operand(r, right, align ? n->type : right_type, align ? n->scale : right->scale, &b))
        return false;
    out->there = a.there && b.there;
    if (!out->there)
        return true;
    bool over = n->kind == NODE_ADD ? __builtin_add_overflow(a.integer, b.integer, &out->integer)
                : n->kind == NODE_SUBTRACT
                    ? __builtin_sub_overflow(a.integer, b.integer, &out->integer)
                    : __builtin_mul_overflow(a.integer, b.integer, &out->integer);
    return !over;
}

static bool cell_negate(const Run *r, const Node *n, Cell *out)
{
    if (!cell_operand(r, n->child[0], n->type, n->scale, out))
        return false;
    if (n->type == TYPE_DOUBLE)
        out->real = -out->real;
    else if (out->there)
        return !__builtin_sub_overflow(0, out->integer, &out->integer);
    return true;
}

/* ---- comparison and logic ---- */

static bool says(NodeKind kind, int order)
{
    return compare_answers(kind) >> (order + 1) & 1;
}

static bool cell_compare(const Run *r, NodeKind kind, const Node *left, const Node *right,
                         Cell *out)
{
    Cell a, b;
    out->there = false;
    if (left->kind == NODE_NULL || right->kind == NODE_NULL)
        return true;
    bool real = left->type == TYPE_DOUBLE || right->type == TYPE_DOUBLE;
    bool instants = left->type == TYPE_TIME || right->type == TYPE_TIME;
    Type left_type = real ? TYPE_DOUBLE : instants ? TYPE_TIME : left->type;
    Type right_type = real ? TYPE_DOUBLE : instants ? TYPE_TIME : right->type;
    if (!cell_operand(r, left, left_type, left->scale, &a) ||
        !cell_operand(r, right, right_type, right->scale, &b))
        return false;
    out->there = a.there && b.there;
    if (!out->there)
        return true;
    if (real) {
        out->truth = says(kind, (a.real > b.real) - (a.real < b.real));
    } else if (type_is_string(left_type)) {
        bool equal = a.dictionary == b.dictionary
                         ? a.code == b.code
                         : str_equal(a.dictionary->text[a.code], b.dictionary->text[b.code]);
        out->truth = equal == (kind == NODE_EQUAL);
    } else if (left_type == TYPE_BOOLEAN) {
        out->truth = says(kind, a.truth - b.truth);
    } else if (left->scale == right->scale) {
        out->truth = says(kind, (a.integer > b.integer) - (a.integer < b.integer));
    } else {
        int scale = left->scale > right->scale ? left->scale : right->scale;
        Int128 x = (Int128)power_of_ten(scale - left->scale) * a.integer;
        Int128 y = (Int128)power_of_ten(scale - right->scale) * b.integer;
        out->truth = says(kind, (x > y) - (x < y));
    }
    return true;
}

/* out = out or b; with `and`, the same on what is false. */
static void cell_join(Cell *out, const Cell *b, bool any)
{
    bool decided = (out->there && out->truth == any) || (b->there && b->truth == any);
    out->there = decided || (out->there && b->there);
    out->truth = decided == any;
}

/* Every part is computed, decided or not: one that is too large is an error all the same. */
static bool cell_logic(const Run *r, const Node *n, Cell *out)
{
    if (!cell_of(r, n->child[0], out))
        return false;
    for (size_t i = 1; i < n->count; i++) {
        Cell b;
        if (!cell_of(r, n->child[i], &b))
            return false;
        cell_join(out, &b, n->kind == NODE_OR);
    }
    return true;
}

static bool cell_members(const Run *r, const Node *n, Cell *out)
{
    bool in = n->kind == NODE_IN;
    for (size_t i = 1; i < n->count; i++) {
        Cell b;
        NodeKind kind = in ? NODE_EQUAL : i == 1 ? NODE_GREATER_EQUAL : NODE_LESS_EQUAL;
        if (!cell_compare(r, kind, n->child[0], n->child[i], &b))
            return false;
        if (i == 1)
            *out = b;
        else
            cell_join(out, &b, in);
    }
    return true;
}

/* ---- functions ---- */

static bool cell_single(const Run *r, const Node *n, Cell *out)
{
    const Node *x = n->child[0];
    bool real = n->type == TYPE_DOUBLE || x->type == TYPE_DOUBLE;
    if (!cell_operand(r, x, real ? TYPE_DOUBLE : x->type, real ? 0 : x->scale, out))
        return false;
    if (!out->there)
        return true;
    if (real && n->kind != NODE_SIGN) {
        out->real = function_real(n, out->real);
        return cell_finite(out);
    }
    int64_t value = out->integer;
    if (real)
        out->integer = (out->real > 0) - (out->real < 0);
    else if (n->kind == NODE_SIGN)
        out->integer = (value > 0) - (value < 0);
    else if (n->kind == NODE_ABS)
        return value >= 0 || !__builtin_sub_overflow(0, value, &out->integer);
    else if (x->scale != n->scale)
        out->integer = function_quotient(n->kind, value, power_of_ten(x->scale - n->scale));
    return true;
}

static bool cell_nullif(const Run *r, const Node *n, Cell *out)
{
    Cell equal;
    if (!cell_of(r, n->child[0], out) ||
        !cell_compare(r, NODE_EQUAL, n->child[0], n->child[1], &equal))
        return false;
    if (equal.there && equal.truth)
        out->there = false;
    return true;
}

/* least, greatest: missing when any value is. */
static bool cell_extreme(const Run *r, const Node *n, Cell *out)
{
    bool least = n->kind == NODE_LEAST, there = true;
    for (size_t k = 0; k < n->count; k++) {
        Cell a;
        if (!cell_operand(r, n->child[k], n->type, n->scale, &a))
            return false;
        there = there && a.there;
        bool better = k == 0 || !there;
        if (!better && n->type == TYPE_DOUBLE)
            better = least ? a.real < out->real : a.real > out->real;
        else if (!better)
            better = least ? a.integer < out->integer : a.integer > out->integer;
        if (better)
            *out = a;
    }
    out->there = there;
    return true;
}

static bool cell_coalesce(const Run *r, const Node *n, Cell *out)
{
    if (type_is_string(n->type))
        return false;
    *out = (Cell){0};
    for (size_t k = 0; k < n->count; k++) {
        Cell a;
        if (!cell_operand(r, n->child[k], n->type, n->scale, &a))
            return false;
        if (!out->there && a.there)
            *out = a;
    }
    return true;
}

static bool cell_case(const Run *r, const Node *n, Cell *out)
{
    bool open = true;
    if (type_is_string(n->type))
        return false;
    *out = (Cell){0};
    for (size_t k = 0; k < n->count; k += 2) {
        Cell when = {.there = true, .truth = true}, value;
        bool otherwise = k + 1 == n->count;
        if (!otherwise && !cell_of(r, n->child[k], &when))
            return false;
        if (!cell_operand(r, n->child[otherwise ? k : k + 1], n->type, n->scale, &value))
            return false;
        if (open && when.there && when.truth) {
            open = false;
            *out = value;
        }
    }
    return true;
}

static bool cell_aggregate(const Run *r, const Node *n, Cell *out)
{
    return cell_read(n, &r->aggregate[n->call->index], out);
}

static bool cell_pair(const Run *r, const Node *n, Cell *out)
{
    return n->type == TYPE_DOUBLE ? cell_real_pair(r, n, out) : cell_whole_pair(r, n, out);
}

static bool cell_comparison(const Run *r, const Node *n, Cell *out)
{
    return cell_compare(r, n->kind, n->child[0], n->child[1], out);
}

static bool cell_not(const Run *r, const Node *n, Cell *out)
{
    if (!cell_of(r, n->child[0], out))
        return false;
    out->truth = out->there && !out->truth; /* of what is missing nothing was written */
    return true;
}

static bool cell_null_test(const Run *r, const Node *n, Cell *out)
{
    if (!cell_of(r, n->child[0], out))
        return false;
    out->truth = !out->there;
    out->there = true;
    return true;
}

static bool cell_nothing(const Run *r, const Node *n, Cell *out)
{
    (void)r;
    (void)n;
    (void)out;
    return false;
}

static CellMaker *const makers[NODE_COALESCE + 1] = {
    [NODE_NULL] = cell_literal,
    [NODE_BOOLEAN] = cell_literal,
    [NODE_NUMBER] = cell_literal,
    [NODE_DURATION] = cell_literal,
    [NODE_TIME] = cell_literal,
    [NODE_STRING] = cell_literal,
    [NODE_NAME] = cell_name,
    [NODE_AGGREGATE] = cell_aggregate,
    [NODE_OR] = cell_logic,
    [NODE_AND] = cell_logic,
    [NODE_NOT] = cell_not,
    [NODE_EQUAL] = cell_comparison,
    [NODE_UNEQUAL] = cell_comparison,
    [NODE_LESS] = cell_comparison,
    [NODE_LESS_EQUAL] = cell_comparison,
    [NODE_GREATER] = cell_comparison,
    [NODE_GREATER_EQUAL] = cell_comparison,
    [NODE_IN] = cell_members,
    [NODE_BETWEEN] = cell_members,
    [NODE_IS_NULL] = cell_null_test,
    [NODE_LIKE] = cell_nothing,
    [NODE_CASE] = cell_case,
    [NODE_ADD] = cell_pair,
    [NODE_SUBTRACT] = cell_pair,
    [NODE_MULTIPLY] = cell_pair,
    [NODE_DIVIDE] = cell_pair,
    [NODE_NEGATE] = cell_negate,
    [NODE_ABS] = cell_single,
    [NODE_SIGN] = cell_single,
    [NODE_FLOOR] = cell_single,
    [NODE_CEIL] = cell_single,
    [NODE_ROUND] = cell_single,
    [NODE_LOG] = cell_single,
    [NODE_LOG1P] = cell_single,
    [NODE_SQRT] = cell_single,
    [NODE_EXP] = cell_single,
    [NODE_MOD] = cell_nothing,
    [NODE_NULLIF] = cell_nullif,
    [NODE_LOWER] = cell_nothing,
    [NODE_LENGTH] = cell_nothing,
    [NODE_HOUR] = cell_nothing,
    [NODE_WEEKDAY] = cell_nothing,
    [NODE_DAY] = cell_nothing,
    [NODE_LEAST] = cell_extreme,
    [NODE_GREATEST] = cell_extreme,
    [NODE_COALESCE] = cell_coalesce,
};

bool lang_evaluate_cell(Column *out, const Expr *e, const Table *rows, const Column *aggregate)
{
    const Run r = {.e = e, .rows = rows, .aggregate = aggregate};
    Cell c;
    if (!cell_of(&r, e->root, &c))
        return false;
    if (type_is_string(out->type) && c.dictionary != NULL)
        out->dictionary = c.dictionary;
    if (!c.there)
        return true;
    column_set_valid(out, 0);
    if (type_is_string(out->type))
        *out->code = c.code;
    else if (out->type == TYPE_BOOLEAN)
        *out->boolean = c.truth;
    else if (out->type == TYPE_DOUBLE)
        *out->real = c.real;
    else
        *out->integer = c.integer;
    return true;
}
