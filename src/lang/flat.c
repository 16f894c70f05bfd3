/* flat.c - an expression laid flat when it is read, for cell.c to walk through. What one row is not
 * computed of so (of an unexpected type, a new string, too many steps) is left to evaluate.c. */
#include "lang/flat.h"

#include <assert.h>
#include <string.h>

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

static Flat *finish(Arena *keep, const Laying *l, uint8_t root)
{
    Flat *f = arena_raw(keep, sizeof *f + l->count * sizeof *l->step, 1);
    f->count = (uint8_t)l->count;
    f->root = root;
    f->place = ARENA_ARRAY(keep, atomic_uint, l->names + 1);
    memcpy(f->step, l->step, l->count * sizeof *l->step);
    return f;
}

Flat *lang_flat(Arena *keep, const Node *root)
{
    Laying l = {.count = 0};
    const uint8_t at = lay(&l, root);
    const uint8_t what = l.step[at].what;
    if (l.refused || (type_is_string(root->type) && what != CELL_NAME && what != CELL_AGGREGATE))
        return NULL;
    return finish(keep, &l, at);
}

const ExprSet *lang_set(Arena *keep, const Expr *const *e, size_t count)
{
    Laying l = {.count = 0};
    Arena before = *keep;
    ExprSet *s = ARENA_NEW(keep, ExprSet);
    const Expr **of = ARENA_ARRAY(keep, const Expr *, count + 1);
    s->of = of;
    s->root = ARENA_ARRAY(keep, uint8_t, count + 1);
    s->count = count;
    for (size_t i = 0; i < count; i++) {
        assert(!type_is_string(e[i]->root->type) && e[i]->aggregates == 0);
        of[i] = e[i];
        s->root[i] = lay(&l, e[i]->root);
        l.refused = l.refused || e[i]->population != NULL;
    }
    if (l.refused) {
        *keep = before;
        return NULL;
    }
    s->flat = finish(keep, &l, 0);
    return s;
}
