/* Types, from the leaves up. Nothing is converted in the tree: an operator knows from its own
 * type and its operands' types what to compute, and evaluate.c converts on the way in. */
#include "lang/tree.h"

#include <assert.h>
#include <stdio.h>

const char *type_text(char out[TYPE_TEXT_SIZE], Type type, int scale)
{
    if (type == TYPE_DECIMAL)
        (void)snprintf(out, TYPE_TEXT_SIZE, "decimal(%d)", scale);
    else
        (void)snprintf(out, TYPE_TEXT_SIZE, "%.*s", STR_ARG(type_name(type)));
    return out;
}

const char *node_type(char out[TYPE_TEXT_SIZE], const Node *n)
{
    return n->kind == NODE_NULL ? "null" : type_text(out, n->type, n->scale);
}

bool node_is_number(const Node *n)
{
    return n->type == TYPE_INT64 || n->type == TYPE_DECIMAL || n->type == TYPE_DOUBLE;
}

bool node_is_string(const Node *n)
{
    return n->type == TYPE_CATEGORY || n->type == TYPE_TEXT;
}

bool node_is_instant(const Node *n)
{
    return n->type == TYPE_TIME || n->type == TYPE_DATE;
}

bool node_is_null(const Node *n)
{
    return n->kind == NODE_NULL;
}

/* null takes the type of what it meets. */
void node_adopt(Node *null, const Node *other)
{
    null->type = other->type;
    null->scale = other->scale;
}

Status check_boolean(Checker *c, Node *n, const char *where)
{
    char type[TYPE_TEXT_SIZE];
    if (node_is_null(n))
        n->type = TYPE_BOOLEAN;
    if (n->type == TYPE_BOOLEAN)
        return STATUS_OK;
    return CHECK_FAIL(c, n, "%s needs a condition, but this is %s", where, node_type(type, n));
}

/* What first, last and previous give is a value of the column they look at. */
static const Node *origin(const Node *n)
{
    return n->kind == NODE_AGGREGATE && n->call->argument != NULL ? n->call->argument : n;
}

/* A string beside a closed category must be one of its values. */
static Status known_value(Checker *c, const Node *category, const Node *literal)
{
    category = origin(category);
    if (category->kind != NODE_NAME || literal->kind != NODE_STRING)
        return STATUS_OK;
    const Name *name = category->name;
    if (name->values == NULL || name->value_count == 0)
        return STATUS_OK;
    for (size_t i = 0; i < name->value_count; i++)
        if (str_equal(name->values[i], literal->text))
            return STATUS_OK;
    (void)CHECK_FAIL(c, literal, "'%.*s' is not a value of %.*s",
                     STR_ARG(str_slice(literal->text, 0, 80)), STR_ARG(name->name));
    Str near = str_nearest(literal->text, name->values, name->value_count);
    if (near.size > 0) {
        (void)error_remedy(c->err, "did you mean '%.*s'?", STR_ARG(near));
        return STATUS_FORMAT;
    }
    Buffer all = buffer_new(c->keep);
    for (size_t i = 0; i < name->value_count && all.size < 300; i++)
        buffer_format(&all, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(name->values[i]));
    (void)error_remedy(c->err, "its values are %.*s", STR_ARG(buffer_str(&all)));
    return STATUS_FORMAT;
}

/* Can a and b be compared, for order or only for equality? */
Status check_comparable(Checker *c, const Node *at, Node *a, Node *b, bool order)
{
    char left[TYPE_TEXT_SIZE], right[TYPE_TEXT_SIZE];
    if (node_is_null(a) && node_is_null(b))
        return STATUS_OK;
    if (node_is_null(a))
        node_adopt(a, b);
    if (node_is_null(b))
        node_adopt(b, a);
    bool same = (node_is_number(a) && node_is_number(b)) ||
                (node_is_instant(a) && node_is_instant(b)) ||
                (node_is_string(a) && node_is_string(b)) ||
                (a->type == b->type && (a->type == TYPE_BOOLEAN || a->type == TYPE_DURATION));
    if (!same) {
        (void)CHECK_FAIL(c, at, "%s cannot be compared with %s", node_type(left, a),
                         node_type(right, b));
        if ((node_is_instant(a) && b->kind == NODE_STRING) ||
            (node_is_instant(b) && a->kind == NODE_STRING))
            (void)error_remedy(c->err, "put the word time before it: time '2024-08-26'");
        else if (node_is_string(a) || node_is_string(b))
            (void)error_remedy(c->err, "strings stand in single quotes, numbers without");
        return STATUS_FORMAT;
    }
    if (order && (node_is_string(a) || a->type == TYPE_BOOLEAN)) {
        (void)CHECK_FAIL(c, at, "%s and %s have no order", node_type(left, a), node_type(right, b));
        (void)error_remedy(c->err, "they can be compared with =, <> and in");
        return STATUS_FORMAT;
    }
    TRY(known_value(c, a, b));
    return known_value(c, b, a);
}

Status check_clash(Checker *c, const Node *n, const char *verb, const Node *a, const Node *b)
{
    char left[TYPE_TEXT_SIZE], right[TYPE_TEXT_SIZE];
    return CHECK_FAIL(c, n, "%s: %s and %s do not go together", verb, node_type(left, a),
                      node_type(right, b));
}

/* The type that holds both numbers exactly, or double. */
void node_join(Node *n, const Node *a, const Node *b)
{
    n->type = a->type == TYPE_DOUBLE || b->type == TYPE_DOUBLE     ? TYPE_DOUBLE
              : a->type == TYPE_DECIMAL || b->type == TYPE_DECIMAL ? TYPE_DECIMAL
                                                                   : TYPE_INT64;
    n->scale = n->type != TYPE_DECIMAL ? 0 : a->scale > b->scale ? a->scale : b->scale;
}

static Status adopt_pair(Checker *c, const Node *n, Node *a, Node *b)
{
    if (node_is_null(a) && node_is_null(b))
        return CHECK_FAIL(c, n, "nothing says what type these nulls have");
    if (node_is_null(a))
        node_adopt(a, b);
    if (node_is_null(b))
        node_adopt(b, a);
    return STATUS_OK;
}

static Status check_sum(Checker *c, Node *n)
{
    Node *a = n->child[0], *b = n->child[1];
    bool add = n->kind == NODE_ADD;
    if (node_is_null(b) && node_is_instant(a) && add)
        b->type = TYPE_DURATION;
    if (node_is_null(a) && node_is_instant(b) && add)
        a->type = TYPE_DURATION;
    if (!(node_is_null(a) && a->type == TYPE_DURATION) &&
        !(node_is_null(b) && b->type == TYPE_DURATION))
        TRY(adopt_pair(c, n, a, b));
    if (node_is_number(a) && node_is_number(b)) {
        node_join(n, a, b);
        return STATUS_OK;
    }
    bool left = a->type == TYPE_DURATION, right = b->type == TYPE_DURATION;
    if ((left && right) || (!add && node_is_instant(a) && node_is_instant(b)))
        n->type = TYPE_DURATION;
    else if ((node_is_instant(a) && right) || (add && left && node_is_instant(b)))
        n->type = TYPE_TIME;
    else
        return check_clash(c, n, add ? "adding" : "subtracting", a, b);
    return STATUS_OK;
}

static Status check_product(Checker *c, Node *n)
{
    Node *a = n->child[0], *b = n->child[1];
    TRY(adopt_pair(c, n, a, b));
    if (n->kind == NODE_DIVIDE) {
        if (!(node_is_number(a) && node_is_number(b)) &&
            !(a->type == TYPE_DURATION && b->type == TYPE_DURATION))
            return check_clash(c, n, "dividing", a, b);
        n->type = TYPE_DOUBLE;
        return STATUS_OK;
    }
    if (!node_is_number(a) || !node_is_number(b))
        return check_clash(c, n, "multiplying", a, b);
    node_join(n, a, b);
    if (n->type != TYPE_DECIMAL)
        return STATUS_OK;
    n->scale = a->scale + b->scale;
    if (n->scale <= DECIMAL_SCALE_MAX)
        return STATUS_OK;
    char left[TYPE_TEXT_SIZE], right[TYPE_TEXT_SIZE];
    (void)CHECK_FAIL(c, n, "multiplying %s by %s needs more than %d decimals", node_type(left, a),
                     node_type(right, b), DECIMAL_SCALE_MAX);
    (void)error_remedy(c->err, "divide by 1 first to compute it as a double");
    return STATUS_FORMAT;
}

static Status check(Checker *c, Node *n)
{
    char type[TYPE_TEXT_SIZE];
    for (size_t i = 0; i < n->count; i++)
        TRY(check(c, n->child[i]));
    switch (n->kind) {
    case NODE_NULL:
    case NODE_BOOLEAN:
        n->type = TYPE_BOOLEAN;
        return STATUS_OK;
    case NODE_NUMBER:
        return STATUS_OK; /* the parser saw whether there is a point */
    case NODE_DURATION:
        n->type = TYPE_DURATION;
        return STATUS_OK;
    case NODE_TIME:
        n->type = TYPE_TIME;
        return STATUS_OK;
    case NODE_STRING:
        n->type = TYPE_TEXT;
        return STATUS_OK;
    case NODE_NAME:
        n->type = n->name->type;
        n->scale = n->type == TYPE_DECIMAL ? n->name->scale : 0;
        return STATUS_OK;
    case NODE_AGGREGATE:
        return check_aggregate(c, n);
    case NODE_OR:
    case NODE_AND:
    case NODE_NOT:
        n->type = TYPE_BOOLEAN;
        for (size_t i = 0; i < n->count; i++)
            TRY(check_boolean(c, n->child[i],
                              n->kind == NODE_OR    ? "'or'"
                              : n->kind == NODE_AND ? "'and'"
                                                    : "'not'"));
        return STATUS_OK;
    case NODE_EQUAL:
    case NODE_UNEQUAL:
    case NODE_IN:
    case NODE_LESS:
    case NODE_LESS_EQUAL:
    case NODE_GREATER:
    case NODE_GREATER_EQUAL:
    case NODE_BETWEEN:
        n->type = TYPE_BOOLEAN;
        for (size_t i = 1; i < n->count; i++)
            TRY(check_comparable(c, n, n->child[0], n->child[i],
                                 n->kind >= NODE_LESS && n->kind != NODE_IN));
        return STATUS_OK;
    case NODE_IS_NULL:
        n->type = TYPE_BOOLEAN;
        return STATUS_OK;
    case NODE_ADD:
    case NODE_SUBTRACT:
        return check_sum(c, n);
    case NODE_MULTIPLY:
    case NODE_DIVIDE:
        return check_product(c, n);
    case NODE_LIKE:
        if (node_is_null(n->child[0]))
            node_adopt(n->child[0], n->child[1]);
        if (!node_is_string(n->child[0])) {
            (void)CHECK_FAIL(c, n, "like needs a text, but this is %s",
                             node_type(type, n->child[0]));
            return STATUS_FORMAT;
        }
        n->type = TYPE_BOOLEAN;
        return STATUS_OK;
    case NODE_CASE:
        return check_case(c, n);
    default:
        return check_function(c, n);
    }
    return STATUS_OK;
}

Status lang_check(Node *n, Arena *keep, const Scope *scope, const char *file, Error *err)
{
    Checker c = {keep, scope, file, err};
    return check(&c, n);
}
