/* Types of aggregates, functions and case. */
#include "lang/tree.h"

#include <assert.h>

static bool is_span(const Node *n)
{
    return n->type == TYPE_DURATION;
}

/* One type that holds every value: of least, greatest, coalesce and case. */
static Status check_values(Checker *c, Node *n, Node *const *value, size_t count, bool ordered)
{
    Node *first = NULL;
    bool text = false, category = false;
    for (size_t i = 0; i < count && first == NULL; i++)
        first = node_is_null(value[i]) ? NULL : value[i];
    if (first == NULL)
        return CHECK_FAIL(c, n, "nothing says what type these nulls have");
    n->type = first->type;
    n->scale = first->scale;
    for (size_t i = 0; i < count; i++) {
        Node *v = value[i];
        assert(v != NULL);
        if (node_is_null(v))
            node_adopt(v, first);
        text = text || (v->type == TYPE_TEXT && v->kind != NODE_STRING && v->kind != NODE_NULL);
        category = category || v->type == TYPE_CATEGORY;
        if (ordered && (node_is_string(v) || v->type == TYPE_BOOLEAN)) {
            char type[TYPE_TEXT_SIZE];
            return CHECK_FAIL(c, v, "%s: %s has no order", function_name(n->kind),
                              node_type(type, v));
        }
        if (node_is_number(n) && node_is_number(v))
            node_join(n, n, v);
        else if (node_is_instant(n) && node_is_instant(v))
            n->type = n->type == v->type ? n->type : TYPE_TIME;
        else if (!(node_is_string(n) && node_is_string(v)) && n->type != v->type)
            return check_clash(c, n, "choosing", n, v);
    }
    if (node_is_string(n))
        n->type = category && !text ? TYPE_CATEGORY : TYPE_TEXT;
    for (size_t i = 0; i < count; i++) /* at run time every value is of the final type */
        if (node_is_null(value[i]))
            node_adopt(value[i], n);
    return STATUS_OK;
}

Status check_case(Checker *c, Node *n)
{
    Node **value = ARENA_ARRAY(c->keep, Node *, n->count);
    size_t values = 0;
    for (size_t i = 0; i + 1 < n->count; i += 2) {
        TRY(check_boolean(c, n->child[i], "'when'"));
        value[values++] = n->child[i + 1];
    }
    if (n->count % 2 == 1)
        value[values++] = n->child[n->count - 1];
    return check_values(c, n, value, values, false);
}

/* ---- functions ---- */

/* abs, sign, floor, ceil, round, log, log1p, sqrt, exp and the minus sign */
static Status check_single(Checker *c, Node *n)
{
    Node *x = n->child[0];
    char type[TYPE_TEXT_SIZE];
    bool spans = n->kind == NODE_NEGATE || n->kind == NODE_ABS || n->kind == NODE_SIGN;
    if (node_is_null(x))
        return CHECK_FAIL(c, x, "nothing says what type this null has");
    if (!node_is_number(x) && !(spans && is_span(x))) {
        (void)CHECK_FAIL(c, x, "%s needs a number, but this is %s",
                         n->kind == NODE_NEGATE ? "a minus sign" : function_name(n->kind),
                         node_type(type, x));
        if (is_span(x))
            (void)error_remedy(c->err, "divide by a duration first: x / 1h is a number of hours");
        return STATUS_FORMAT;
    }
    n->type = x->type;
    switch (n->kind) {
    case NODE_LOG:
    case NODE_LOG1P:
    case NODE_SQRT:
    case NODE_EXP:
        n->type = TYPE_DOUBLE;
        break;
    case NODE_SIGN:
        n->type = TYPE_INT64;
        break;
    case NODE_FLOOR:
    case NODE_CEIL:
        n->type = x->type == TYPE_DOUBLE ? TYPE_DOUBLE : TYPE_INT64;
        break;
    case NODE_ROUND:
        if (x->type == TYPE_DECIMAL && n->count == 1)
            n->type = TYPE_INT64;
        else if (x->type == TYPE_DECIMAL)
            n->scale = n->child[1]->integer < x->scale ? (int)n->child[1]->integer : x->scale;
        return STATUS_OK;
    default:
        break;
    }
    n->scale = n->type == TYPE_DECIMAL ? x->scale : 0;
    return STATUS_OK;
}

static Status check_mod(Checker *c, Node *n)
{
    Node *a = n->child[0], *b = n->child[1];
    if (node_is_null(a) && node_is_null(b))
        return CHECK_FAIL(c, n, "nothing says what type these nulls have");
    if (node_is_null(a))
        node_adopt(a, b);
    if (node_is_null(b))
        node_adopt(b, a);
    if (node_is_number(a) && node_is_number(b))
        node_join(n, a, b);
    else if (is_span(a) && is_span(b))
        n->type = TYPE_DURATION;
    else
        return check_clash(c, n, "mod", a, b);
    return STATUS_OK;
}

static Status check_text(Checker *c, Node *n)
{
    Node *x = n->child[0];
    char type[TYPE_TEXT_SIZE];
    if (node_is_null(x))
        x->type = TYPE_TEXT;
    if (!node_is_string(x))
        return CHECK_FAIL(c, x, "%s needs a text, but this is %s", function_name(n->kind),
                          node_type(type, x));
    n->type = n->kind == NODE_LENGTH ? TYPE_INT64 : x->type;
    return STATUS_OK;
}

static Status check_calendar(Checker *c, Node *n)
{
    Node *x = n->child[0];
    char type[TYPE_TEXT_SIZE];
    if (node_is_null(x))
        x->type = TYPE_TIME;
    if (!node_is_instant(x))
        return CHECK_FAIL(c, x, "%s needs a time, but this is %s", function_name(n->kind),
                          node_type(type, x));
    n->type = n->kind == NODE_DAY ? TYPE_TIME : TYPE_INT64;
    return STATUS_OK;
}

Status check_function(Checker *c, Node *n)
{
    switch (n->kind) {
    case NODE_MOD:
        return check_mod(c, n);
    case NODE_NULLIF:
        if (node_is_null(n->child[0]))
            return CHECK_FAIL(c, n->child[0], "nothing says what type this null has");
        TRY(check_comparable(c, n, n->child[0], n->child[1], false));
        n->type = n->child[0]->type;
        n->scale = n->child[0]->scale;
        return STATUS_OK;
    case NODE_LOWER:
    case NODE_LENGTH:
        return check_text(c, n);
    case NODE_HOUR:
    case NODE_WEEKDAY:
    case NODE_DAY:
        return check_calendar(c, n);
    case NODE_LEAST:
    case NODE_GREATEST:
    case NODE_COALESCE:
        return check_values(c, n, n->child, n->count, n->kind != NODE_COALESCE);
    default:
        return check_single(c, n);
    }
}

/* ---- aggregates ---- */

static Status check_flow(Checker *c, Node *n)
{
    char type[TYPE_TEXT_SIZE];
    for (size_t i = 0; i < c->scope->events; i++) {
        const Name *amount = &c->scope->event[i];
        if (!str_equal(amount->name, c->scope->amount))
            continue;
        if (amount->type != TYPE_DECIMAL)
            return CHECK_FAIL(c, n, "%s adds up decimals, but %.*s is %s", n->call->form->name.data,
                              STR_ARG(amount->name), type_text(type, amount->type, amount->scale));
        bool money = n->call->kind == AGGREGATE_MATCHED;
        n->type = money                                    ? TYPE_DECIMAL
                  : n->call->kind == AGGREGATE_MATCHED_LAG ? TYPE_DURATION
                                                           : TYPE_INT64;
        n->scale = money ? amount->scale : 0;
        return STATUS_OK;
    }
    return CHECK_FAIL(c, n, "%s needs a transaction column '%.*s', and there is none",
                      n->call->form->name.data, STR_ARG(c->scope->amount));
}

/* sum, mean, sd, percentile */
static Status check_measure(Checker *c, Node *n, const char *name)
{
    Node *x = n->call->argument;
    char type[TYPE_TEXT_SIZE];
    assert(x != NULL);
    if (!node_is_number(x) && !is_span(x)) {
        (void)CHECK_FAIL(c, x, "%s needs numbers or durations, but this is %s", name,
                         node_type(type, x));
        if (x->type == TYPE_BOOLEAN)
            (void)error_remedy(c->err, "count(condition) counts, share(condition) gives the "
                                       "share");
        return STATUS_FORMAT;
    }
    n->type = n->call->kind != AGGREGATE_SUM && !is_span(x) ? TYPE_DOUBLE : x->type;
    n->scale = n->type == TYPE_DECIMAL ? x->scale : 0;
    return STATUS_OK;
}

Status check_aggregate(Checker *c, Node *n)
{
    Call *call = n->call;
    Node *x = call->argument;
    char type[TYPE_TEXT_SIZE];
    const char *name = call->form->name.data;
    if (call->filter != NULL)
        TRY(check_boolean(c, call->filter, call->argument == NULL ? name : "the filter"));
    if (call->base != NULL)
        TRY(check_boolean(c, call->base, "the filter"));
    if (x != NULL && node_is_null(x))
        return CHECK_FAIL(c, x, "nothing says what type this null has");
    switch (call->kind) {
    case AGGREGATE_COUNT:
    case AGGREGATE_DISTINCT:
    case AGGREGATE_MODAL:
    case AGGREGATE_FOLLOWED:
    case AGGREGATE_SAME:
    case AGGREGATE_STREAK:
        n->type = TYPE_INT64;
        return STATUS_OK;
    case AGGREGATE_SHARE:
    case AGGREGATE_ENTROPY:
    case AGGREGATE_CONCENTRATION:
        n->type = TYPE_DOUBLE;
        return STATUS_OK;
    case AGGREGATE_SINCE:
    case AGGREGATE_UNTIL:
        n->type = TYPE_DURATION;
        return STATUS_OK;
    case AGGREGATE_MATCHED:
    case AGGREGATE_MATCHED_LAG:
    case AGGREGATE_DRAINED:
        return check_flow(c, n);
    case AGGREGATE_SUM:
    case AGGREGATE_MEAN:
    case AGGREGATE_SD:
    case AGGREGATE_PERCENTILE:
        return check_measure(c, n, name);
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        assert(x != NULL);
        if (node_is_string(x) || x->type == TYPE_BOOLEAN)
            return CHECK_FAIL(c, x, "%s needs values with an order, but this is %s", name,
                              node_type(type, x));
        break;
    case AGGREGATE_FIRST:
    case AGGREGATE_LAST:
    case AGGREGATE_PREVIOUS:
        break;
    }
    assert(x != NULL);
    n->type = x->type;
    n->scale = x->scale;
    return STATUS_OK;
}
