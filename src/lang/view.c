/* The tree as others may see it: for who reasons about conditions instead of evaluating them. */
#include "lang/tree.h"

#include <assert.h>

/* The door has its own names for kinds; they stand in the same order. */
_Static_assert((int)VIEW_NAME == (int)NODE_NAME && (int)VIEW_IN == (int)NODE_IN &&
                   (int)VIEW_NEGATE == (int)NODE_NEGATE && (int)VIEW_SQRT == (int)NODE_SQRT &&
                   (int)VIEW_COALESCE == (int)NODE_COALESCE,
               "ViewKind follows NodeKind");

static const Node *node_of(const ExprNode *n)
{
    return (const Node *)n;
}

const ExprNode *lang_root(const Expr *e)
{
    return (const ExprNode *)e->root;
}

const ExprNode *lang_child(const ExprNode *n, size_t i)
{
    assert(i < node_of(n)->count);
    return (const ExprNode *)node_of(n)->child[i];
}

View lang_view(const ExprNode *node)
{
    const Node *n = node_of(node);
    View v = {.kind = (ViewKind)n->kind,
              .type = n->type,
              .scale = n->scale,
              .children = n->count,
              .integer = n->integer};
    if (n->kind == NODE_NAME)
        v.text = n->name->name;
    else if (n->kind == NODE_STRING)
        v.text = n->text;
    else if (n->kind == NODE_AGGREGATE)
        v.aggregate = n->call->index;
    return v;
}

Str lang_node_text(Arena *arena, const ExprNode *n)
{
    Buffer b = buffer_new(arena);
    node_print(&b, node_of(n));
    return buffer_str(&b);
}

void lang_place(const ExprNode *node, int64_t *line, int64_t *column)
{
    Error place = {0};
    const Node *n = node_of(node);
    while (n->count > 0 && n->child[0]->source == n->source && n->child[0]->offset < n->offset)
        n = n->child[0]; /* an operator's place is its sign; the expression begins further left */
    source_place(&place, "", n->source, n->offset);
    *line = place.line;
    *column = place.column;
}
