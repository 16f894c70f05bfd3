/* A condition taken apart: the parts of a conjunction, the sides of a comparison. */
#include "lang/tree.h"

static Expr *part_of(Arena *keep, const Expr *e, const Node *n)
{
    return expr_finish(keep, n, e->file, S(""));
}

static void flatten(Arena *keep, NodeList *list, Node *n, NodeKind kind)
{
    if (n->kind != kind) {
        nodes_push(keep, list, n);
        return;
    }
    for (size_t i = 0; i < n->count; i++)
        flatten(keep, list, n->child[i], kind);
}

size_t lang_parts(Expr ***out, Arena *keep, const Expr *e, PartsOf of)
{
    NodeList list = {0};
    /* The tree is shared, never changed. */
    flatten(keep, &list, (Node *)(uintptr_t)e->root, of == PARTS_AND ? NODE_AND : NODE_OR);
    *out = ARENA_ARRAY(keep, Expr *, list.count);
    for (size_t i = 0; i < list.count; i++)
        (*out)[i] = part_of(keep, e, list.node[i]);
    return list.count;
}

bool lang_compared(ComparedSides *out, Arena *keep, const Expr *e)
{
    const Node *n = e->root;
    if (n->kind < NODE_EQUAL || n->kind > NODE_GREATER_EQUAL)
        return false;
    *out = (ComparedSides){.sign = (CompareSign)(n->kind - NODE_EQUAL),
                           .left = part_of(keep, e, n->child[0]),
                           .right = part_of(keep, e, n->child[1])};
    return true;
}

Expr *lang_negated(Arena *keep, const Expr *e)
{
    return e->root->kind == NODE_NOT ? part_of(keep, e, e->root->child[0]) : NULL;
}
