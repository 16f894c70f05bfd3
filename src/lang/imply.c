/* imply.c - what one condition says about another, read off their form. A `false` says nothing. */
#include "lang/tree.h"

static Str text_of(Arena *scratch, const Node *n)
{
    Buffer b = buffer_new(scratch);
    node_print(&b, n);
    return buffer_str(&b);
}

static bool same(const Node *a, const Node *b)
{
    Arena own = arena_new();
    bool equal = str_equal(text_of(&own, a), text_of(&own, b));
    arena_free(&own);
    return equal;
}

/* A name compared with strings: name = 'x', name in ('x', 'y'), and the same with <> or not. */
typedef struct Values {
    const Node *name;
    Node *const *value;
    size_t count;
    bool among; /* else: none of them */
} Values;

static bool values_of(Values *out, const Node *n)
{
    bool among = true;
    if (n->kind == NODE_NOT && n->child[0]->kind == NODE_IN) {
        among = false;
        n = n->child[0];
    }
    if (n->kind != NODE_IN && n->kind != NODE_EQUAL && n->kind != NODE_UNEQUAL)
        return false;
    *out = (Values){n->child[0], n->child + 1, n->count - 1, among && n->kind != NODE_UNEQUAL};
    if (out->name->kind != NODE_NAME)
        return false;
    for (size_t i = 0; i < out->count; i++)
        if (out->value[i]->kind != NODE_STRING)
            return false;
    return true;
}

static bool has(const Values *v, Str text)
{
    for (size_t i = 0; i < v->count; i++)
        if (str_equal(v->value[i]->text, text))
            return true;
    return false;
}

/* How many of a's values are b's, too. */
static size_t shared(const Values *a, const Values *b)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++)
        count += has(b, a->value[i]->text);
    return count;
}

static bool values_imply(const Node *a, const Node *b)
{
    Values x, y;
    if (!values_of(&x, a) || !values_of(&y, b) || !same(x.name, y.name))
        return false;
    if (x.among)
        return shared(&x, &y) == (y.among ? x.count : 0);
    return !y.among && shared(&y, &x) == y.count;
}

static bool values_exclude(const Node *a, const Node *b)
{
    Values x, y;
    if (!values_of(&x, a) || !values_of(&y, b) || !same(x.name, y.name))
        return false;
    if (x.among && y.among)
        return shared(&x, &y) == 0;
    return (x.among && shared(&x, &y) == x.count) || (y.among && shared(&y, &x) == y.count);
}

static bool implies(const Node *a, const Node *b)
{
    bool all = true;
    if (b->kind == NODE_AND) {
        for (size_t i = 0; i < b->count && all; i++)
            all = implies(a, b->child[i]);
        return all;
    }
    if (a->kind == NODE_OR) {
        for (size_t i = 0; i < a->count && all; i++)
            all = implies(a->child[i], b);
        return all;
    }
    for (size_t i = 0; a->kind == NODE_AND && i < a->count; i++)
        if (implies(a->child[i], b))
            return true;
    for (size_t i = 0; b->kind == NODE_OR && i < b->count; i++)
        if (implies(a, b->child[i]))
            return true;
    return values_imply(a, b) || same(a, b);
}

static bool excludes(const Node *a, const Node *b)
{
    bool all = true;
    if (a->kind == NODE_OR || b->kind == NODE_OR) {
        const Node *either = a->kind == NODE_OR ? a : b, *other = either == a ? b : a;
        for (size_t i = 0; i < either->count && all; i++)
            all = excludes(either->child[i], other);
        return all;
    }
    for (size_t i = 0; a->kind == NODE_AND && i < a->count; i++)
        if (excludes(a->child[i], b))
            return true;
    for (size_t i = 0; b->kind == NODE_AND && i < b->count; i++)
        if (excludes(a, b->child[i]))
            return true;
    return values_exclude(a, b);
}

bool lang_implies(const Expr *a, const Expr *b)
{
    return b == NULL || (a != NULL && implies(a->root, b->root));
}

bool lang_excludes(const Expr *a, const Expr *b)
{
    return a != NULL && b != NULL && excludes(a->root, b->root);
}

bool lang_is_aggregate(const Expr *e)
{
    return e->root->kind == NODE_AGGREGATE;
}
