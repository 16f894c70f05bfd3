/* Types, from the leaves up. Nothing is converted in the tree: an operator knows from its own
 * type and its operands' types what to compute, and evaluate.c converts on the way in. */
#include "lang/tree.h"

#include <assert.h>
#include <stdio.h>

typedef struct Checker {
    Arena *keep;
    const Scope *scope;
    const char *file;
    Error *err;
} Checker;

const char *type_text(char out[TYPE_TEXT_SIZE], Type type, int scale)
{
    if (type == TYPE_DECIMAL)
        (void)snprintf(out, TYPE_TEXT_SIZE, "decimal(%d)", scale);
    else
        (void)snprintf(out, TYPE_TEXT_SIZE, "%.*s", STR_ARG(type_name(type)));
    return out;
}

static const char *node_type(char out[TYPE_TEXT_SIZE], const Node *n)
{
    return n->kind == NODE_NULL ? "null" : type_text(out, n->type, n->scale);
}

#define FAIL(c, n, ...)                                                                            \
    SOURCE_ERROR((c)->err, (c)->file, (n)->source, (n)->offset, STATUS_FORMAT, __VA_ARGS__)

static bool is_number(const Node *n)
{
    return n->type == TYPE_INT64 || n->type == TYPE_DECIMAL || n->type == TYPE_DOUBLE;
}

static bool is_string(const Node *n)
{
    return n->type == TYPE_CATEGORY || n->type == TYPE_TEXT;
}

static bool is_instant(const Node *n)
{
    return n->type == TYPE_TIME || n->type == TYPE_DATE;
}

static bool is_null(const Node *n)
{
    return n->kind == NODE_NULL;
}

/* null takes the type of what it meets. */
static void adopt(Node *null, const Node *other)
{
    null->type = other->type;
    null->scale = other->scale;
}

static Status want_boolean(Checker *c, Node *n, const char *where)
{
    char type[TYPE_TEXT_SIZE];
    if (is_null(n))
        n->type = TYPE_BOOLEAN;
    if (n->type == TYPE_BOOLEAN)
        return STATUS_OK;
    return FAIL(c, n, "%s needs a condition, but this is %s", where, node_type(type, n));
}

/* A string beside a closed category must be one of its values. */
static Status known_value(Checker *c, const Node *category, const Node *literal)
{
    if (category->kind != NODE_NAME || literal->kind != NODE_STRING)
        return STATUS_OK;
    const Name *name = category->name;
    if (name->values == NULL || name->value_count == 0)
        return STATUS_OK;
    for (size_t i = 0; i < name->value_count; i++)
        if (str_equal(name->values[i], literal->text))
            return STATUS_OK;
    (void)FAIL(c, literal, "'%.*s' is not a value of %.*s",
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
static Status comparable(Checker *c, const Node *at, Node *a, Node *b, bool order)
{
    char left[TYPE_TEXT_SIZE], right[TYPE_TEXT_SIZE];
    if (is_null(a) && is_null(b))
        return STATUS_OK;
    if (is_null(a))
        adopt(a, b);
    if (is_null(b))
        adopt(b, a);
    bool same = (is_number(a) && is_number(b)) || (is_instant(a) && is_instant(b)) ||
                (is_string(a) && is_string(b)) ||
                (a->type == b->type && (a->type == TYPE_BOOLEAN || a->type == TYPE_DURATION));
    if (!same) {
        (void)FAIL(c, at, "%s cannot be compared with %s", node_type(left, a), node_type(right, b));
        if ((is_instant(a) && b->kind == NODE_STRING) || (is_instant(b) && a->kind == NODE_STRING))
            (void)error_remedy(c->err, "put the word time before it: time '2024-08-26'");
        else if (is_string(a) || is_string(b))
            (void)error_remedy(c->err, "strings stand in single quotes, numbers without");
        return STATUS_FORMAT;
    }
    if (order && (is_string(a) || a->type == TYPE_BOOLEAN)) {
        (void)FAIL(c, at, "%s and %s have no order", node_type(left, a), node_type(right, b));
        (void)error_remedy(c->err, "they can be compared with =, <> and in");
        return STATUS_FORMAT;
    }
    TRY(known_value(c, a, b));
    return known_value(c, b, a);
}

static Status clash(Checker *c, const Node *n, const char *verb, const Node *a, const Node *b)
{
    char left[TYPE_TEXT_SIZE], right[TYPE_TEXT_SIZE];
    return FAIL(c, n, "%s: %s and %s do not go together", verb, node_type(left, a),
                node_type(right, b));
}

/* The type that holds both numbers exactly, or double. */
static void join_numbers(Node *n, const Node *a, const Node *b)
{
    n->type = a->type == TYPE_DOUBLE || b->type == TYPE_DOUBLE     ? TYPE_DOUBLE
              : a->type == TYPE_DECIMAL || b->type == TYPE_DECIMAL ? TYPE_DECIMAL
                                                                   : TYPE_INT64;
    n->scale = n->type != TYPE_DECIMAL ? 0 : a->scale > b->scale ? a->scale : b->scale;
}

static Status adopt_pair(Checker *c, const Node *n, Node *a, Node *b)
{
    if (is_null(a) && is_null(b))
        return FAIL(c, n, "nothing says what type these nulls have");
    if (is_null(a))
        adopt(a, b);
    if (is_null(b))
        adopt(b, a);
    return STATUS_OK;
}

static Status check_sum(Checker *c, Node *n)
{
    Node *a = n->child[0], *b = n->child[1];
    bool add = n->kind == NODE_ADD;
    if (is_null(b) && is_instant(a) && add)
        b->type = TYPE_DURATION;
    if (is_null(a) && is_instant(b) && add)
        a->type = TYPE_DURATION;
    if (!(is_null(a) && a->type == TYPE_DURATION) && !(is_null(b) && b->type == TYPE_DURATION))
        TRY(adopt_pair(c, n, a, b));
    if (is_number(a) && is_number(b)) {
        join_numbers(n, a, b);
        return STATUS_OK;
    }
    bool left = a->type == TYPE_DURATION, right = b->type == TYPE_DURATION;
    if ((left && right) || (!add && is_instant(a) && is_instant(b)))
        n->type = TYPE_DURATION;
    else if ((is_instant(a) && right) || (add && left && is_instant(b)))
        n->type = TYPE_TIME;
    else
        return clash(c, n, add ? "adding" : "subtracting", a, b);
    return STATUS_OK;
}

static Status check_product(Checker *c, Node *n)
{
    Node *a = n->child[0], *b = n->child[1];
    TRY(adopt_pair(c, n, a, b));
    if (n->kind == NODE_DIVIDE) {
        if (!(is_number(a) && is_number(b)) &&
            !(a->type == TYPE_DURATION && b->type == TYPE_DURATION))
            return clash(c, n, "dividing", a, b);
        n->type = TYPE_DOUBLE;
        return STATUS_OK;
    }
    if (!is_number(a) || !is_number(b))
        return clash(c, n, "multiplying", a, b);
    join_numbers(n, a, b);
    if (n->type != TYPE_DECIMAL)
        return STATUS_OK;
    n->scale = a->scale + b->scale;
    if (n->scale <= DECIMAL_SCALE_MAX)
        return STATUS_OK;
    char left[TYPE_TEXT_SIZE], right[TYPE_TEXT_SIZE];
    (void)FAIL(c, n, "multiplying %s by %s needs more than %d decimals", node_type(left, a),
               node_type(right, b), DECIMAL_SCALE_MAX);
    (void)error_remedy(c->err, "divide by 1 first to compute it as a double");
    return STATUS_FORMAT;
}

/* least, greatest, coalesce: one type that holds every value. */
static Status check_choice(Checker *c, Node *n)
{
    Node *first = NULL;
    bool ordered = n->kind != NODE_COALESCE, text = false, category = false;
    for (size_t i = 0; i < n->count && first == NULL; i++)
        first = is_null(n->child[i]) ? NULL : n->child[i];
    if (first == NULL)
        return FAIL(c, n, "nothing says what type these nulls have");
    n->type = first->type;
    n->scale = first->scale;
    for (size_t i = 0; i < n->count; i++) {
        Node *child = n->child[i];
        if (is_null(child))
            adopt(child, first);
        text = text || (child->type == TYPE_TEXT && child->kind == NODE_NAME);
        category = category || child->type == TYPE_CATEGORY;
        if (ordered && (is_string(child) || child->type == TYPE_BOOLEAN)) {
            char type[TYPE_TEXT_SIZE];
            return FAIL(c, child, "%s: %s has no order",
                        n->kind == NODE_LEAST ? "least" : "greatest", node_type(type, child));
        }
        if (is_number(n) && is_number(child))
            join_numbers(n, n, child);
        else if (is_instant(n) && is_instant(child))
            n->type = n->type == child->type ? n->type : TYPE_TIME;
        else if (!(is_string(n) && is_string(child)) && n->type != child->type)
            return clash(c, n, "choosing", n, child);
    }
    if (is_string(n))
        n->type = category && !text ? TYPE_CATEGORY : TYPE_TEXT;
    for (size_t i = 0; i < n->count; i++) /* at run time every value is of the final type */
        if (is_null(n->child[i]))
            adopt(n->child[i], n);
    return STATUS_OK;
}

static Status check_aggregate(Checker *c, Node *n)
{
    Call *call = n->call;
    Node *x = call->argument;
    char type[TYPE_TEXT_SIZE];
    if (call->filter != NULL)
        TRY(want_boolean(c, call->filter, "the filter"));
    if (call->base != NULL)
        TRY(want_boolean(c, call->base, "the filter"));
    if (x != NULL && is_null(x))
        return FAIL(c, x, "nothing says what type this null has");
    switch (call->kind) {
    case AGGREGATE_COUNT:
    case AGGREGATE_DISTINCT:
        n->type = TYPE_INT64;
        return STATUS_OK;
    case AGGREGATE_SHARE:
        n->type = TYPE_DOUBLE;
        return STATUS_OK;
    case AGGREGATE_MATCHED:
        for (size_t i = 0; i < c->scope->events; i++) {
            const Name *amount = &c->scope->event[i];
            if (!str_equal(amount->name, c->scope->amount))
                continue;
            if (amount->type != TYPE_DECIMAL)
                return FAIL(c, n, "matched adds up decimals, but %.*s is %s", STR_ARG(amount->name),
                            type_text(type, amount->type, amount->scale));
            n->type = TYPE_DECIMAL;
            n->scale = amount->scale;
            return STATUS_OK;
        }
        return FAIL(c, n, "matched needs a transaction column '%.*s', and there is none",
                    STR_ARG(c->scope->amount));
    case AGGREGATE_SUM:
    case AGGREGATE_MEAN:
        assert(x != NULL);
        if (!is_number(x) && x->type != TYPE_DURATION) {
            (void)FAIL(c, x, "%s needs numbers or durations, but this is %s",
                       call->kind == AGGREGATE_SUM ? "sum" : "mean", node_type(type, x));
            if (x->type == TYPE_BOOLEAN)
                (void)error_remedy(c->err, "count(condition) counts, share(condition) gives the "
                                           "share");
            return STATUS_FORMAT;
        }
        n->type = call->kind == AGGREGATE_MEAN && x->type != TYPE_DURATION ? TYPE_DOUBLE : x->type;
        n->scale = n->type == TYPE_DECIMAL ? x->scale : 0;
        return STATUS_OK;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        assert(x != NULL);
        if (is_string(x) || x->type == TYPE_BOOLEAN)
            return FAIL(c, x, "%s needs values with an order, but this is %s",
                        call->kind == AGGREGATE_MIN ? "min" : "max", node_type(type, x));
        n->type = x->type;
        n->scale = x->scale;
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* -x, abs(x), log1p(x) */
static Status check_single(Checker *c, Node *n)
{
    Node *x = n->child[0];
    char type[TYPE_TEXT_SIZE];
    if (is_null(x))
        return FAIL(c, x, "nothing says what type this null has");
    bool good = is_number(x) || (x->type == TYPE_DURATION && n->kind != NODE_LOG1P);
    if (!good)
        return FAIL(c, x, "%s needs a number, but this is %s",
                    n->kind == NODE_NEGATE ? "a minus sign"
                    : n->kind == NODE_ABS  ? "abs"
                                           : "log1p",
                    node_type(type, x));
    n->type = n->kind == NODE_LOG1P ? TYPE_DOUBLE : x->type;
    n->scale = n->type == TYPE_DECIMAL ? x->scale : 0;
    return STATUS_OK;
}

static Status check(Checker *c, Node *n)
{
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
            TRY(want_boolean(c, n->child[i],
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
            TRY(comparable(c, n, n->child[0], n->child[i],
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
    case NODE_NEGATE:
    case NODE_ABS:
    case NODE_LOG1P:
        return check_single(c, n);
    case NODE_LEAST:
    case NODE_GREATEST:
    case NODE_COALESCE:
        return check_choice(c, n);
    }
    return STATUS_OK;
}

Status lang_check(Node *n, Arena *keep, const Scope *scope, const char *file, Error *err)
{
    Checker c = {keep, scope, file, err};
    return check(&c, n);
}
