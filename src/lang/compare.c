/* Comparison and three-valued logic, over a block of rows. */
#include "lang/run.h"

#include <string.h>

/* ---- comparison ---- */

/* Does `order` (-1, 0, 1) satisfy the operator? */
static bool satisfies(NodeKind kind, int order)
{
    switch (kind) {
    case NODE_EQUAL:
        return order == 0;
    case NODE_UNEQUAL:
        return order != 0;
    case NODE_LESS:
        return order < 0;
    case NODE_LESS_EQUAL:
        return order <= 0;
    case NODE_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

unsigned compare_answers(NodeKind kind)
{
    return (unsigned)satisfies(kind, -1) | (unsigned)satisfies(kind, 0) << 1 |
           (unsigned)satisfies(kind, 1) << 2;
}

/* The bytes written may lie anywhere for all a compiler knows, so that what a loop reads is held
 * beside it. */
#define COMPARE(x, y)                                                                              \
    for (size_t i = 0; i < count; i++)                                                             \
    to[i] = (uint8_t)(table >> (((x) > (y)) - ((x) < (y)) + 1) & 1)

static void compare_strings(const Run *r, Column *out, const Column *a, const Column *b, bool equal)
{
    if (a->dictionary == NULL || b->dictionary == NULL)
        return; /* a column that is not there: missing everywhere */
    if (a->dictionary == b->dictionary) {
        for (size_t i = 0; i < r->count; i++)
            out->boolean[i] = (a->code[i] == b->code[i]) == equal;
        return;
    }
    /* Usually one side is a literal: look it up once in the other's dictionary. */
    if (a->dictionary->count == 1) {
        const Column *swap = a;
        a = b;
        b = swap;
    }
    if (b->dictionary->count == 1) {
        uint32_t code = dictionary_find(a->dictionary, b->dictionary->text[0]);
        for (size_t i = 0; i < r->count; i++)
            out->boolean[i] = (a->code[i] == code) == equal;
        return;
    }
    for (size_t i = 0; i < r->count; i++)
        if (column_valid(out, i))
            out->boolean[i] = str_equal(a->dictionary->text[a->code[i]],
                                        b->dictionary->text[b->code[i]]) == equal;
}

bool node_is_literal(const Node *n)
{
    return n->kind == NODE_BOOLEAN || n->kind == NODE_NUMBER || n->kind == NODE_DURATION ||
           n->kind == NODE_TIME || n->kind == NODE_STRING;
}

/* Most comparisons are of a column with a literal: no block is made of either. */
static bool compare_literal(const Run *r, NodeKind kind, const Node *left, const Node *right,
                            Column *out)
{
    Column a;
    bool alike = left->type == right->type ||
                 (type_is_string(left->type) && type_is_string(right->type)) ||
                 right->kind == NODE_NUMBER;
    if (!node_is_literal(right) || left->type == TYPE_DOUBLE || !alike || !run_view(r, left, &a))
        return false;
    const unsigned table = compare_answers(kind);
    const size_t count = r->count;
    uint8_t *to = out->boolean;
    memcpy(out->valid, a.valid, r->words * sizeof *out->valid);
    if (type_is_string(a.type)) {
        const uint8_t equal = kind == NODE_EQUAL;
        const uint32_t code = dictionary_find(a.dictionary, right->text), *is = a.code;
        for (size_t i = 0; i < count; i++)
            to[i] = (is[i] == code) == equal;
    } else if (a.type == TYPE_BOOLEAN) {
        const uint8_t *is = a.boolean, than = right->integer != 0;
        COMPARE(is[i], than);
    } else if (left->scale == right->scale) {
        const int64_t *is = a.integer, than = right->integer;
        COMPARE(is[i], than);
    } else {
        int scale = left->scale > right->scale ? left->scale : right->scale;
        Int128 x = power_of_ten(scale - left->scale);
        Int128 y = (Int128)power_of_ten(scale - right->scale) * right->integer;
        const int64_t *is = a.integer;
        COMPARE(x * is[i], y);
    }
    return true;
}

Status run_compare(const Run *r, NodeKind kind, const Node *left, const Node *right, Column *out,
                   Arena scratch)
{
    if (left->kind == NODE_NULL || right->kind == NODE_NULL) {
        block_all_missing(r, out);
        return STATUS_OK;
    }
    if (compare_literal(r, kind, left, right, out))
        return STATUS_OK;
    const unsigned table = compare_answers(kind);
    const size_t count = r->count;
    uint8_t *to = out->boolean;
    Type type = left->type == TYPE_DOUBLE || right->type == TYPE_DOUBLE ? TYPE_DOUBLE
                : left->type == TYPE_DATE && right->type == TYPE_TIME   ? TYPE_TIME
                                                                        : left->type;
    Column a, b;
    Arena keep = scratch;
    if (type == TYPE_DOUBLE || type_is_string(type) || type == TYPE_BOOLEAN) {
        TRY(run_operand(r, left, type, 0, &a, &keep));
        TRY(run_operand(r, right, type, 0, &b, &keep));
        block_both_valid(r, out, &a, &b);
        if (type == TYPE_DOUBLE)
            COMPARE(a.real[i], b.real[i]);
        else if (type == TYPE_BOOLEAN)
            COMPARE(a.boolean[i], b.boolean[i]);
        else
            compare_strings(r, out, &a, &b, kind == NODE_EQUAL);
        return STATUS_OK;
    }
    bool instant = type == TYPE_TIME && right->type == TYPE_DATE;
    Type right_type = instant ? TYPE_TIME : right->type;
    TRY(run_operand(r, left, type, left->scale, &a, &keep));
    TRY(run_operand(r, right, right_type, right->scale, &b, &keep));
    block_both_valid(r, out, &a, &b);
    if (left->scale == right->scale) {
        COMPARE(a.integer[i], b.integer[i]);
        return STATUS_OK;
    }
    /* 2^63 times 10^18 fits in 128 bits, so decimals of any scales compare exactly. */
    int scale = left->scale > right->scale ? left->scale : right->scale;
    Int128 x = power_of_ten(scale - left->scale), y = power_of_ten(scale - right->scale);
    COMPARE(x * a.integer[i], y * b.integer[i]);
    return STATUS_OK;
}

/* ---- three-valued logic ---- */

/* out = out or b; with `and`, the same on what is false. */
static void fold_logic(const Run *r, Column *out, const Column *b, bool any)
{
    uint8_t decides = any;
    for (size_t w = 0; w * 64 < r->count; w++) {
        uint64_t known = out->valid[w] & b->valid[w], word = 0;
        size_t end = w * 64 + 64 < r->count ? w * 64 + 64 : r->count;
        uint64_t all = UINT64_MAX >> (64 - (end - w * 64));
        if ((known & all) == all) { /* nothing missing: two values are enough */
            uint8_t *to = out->boolean;
            const uint8_t *from = b->boolean;
            for (size_t i = w * 64; i < end; i++)
                to[i] = any ? to[i] | from[i] : to[i] & from[i];
            continue;
        }
        const uint64_t left = out->valid[w], right = b->valid[w];
        uint8_t *to = out->boolean + w * 64;
        const uint8_t *from = b->boolean + w * 64;
        for (size_t k = 0; k < end - w * 64; k++) {
            unsigned decided = ((unsigned)(left >> k) & (unsigned)(to[k] == decides)) |
                               ((unsigned)(right >> k) & (unsigned)(from[k] == decides));
            to[k] = (uint8_t)(decided ^ !decides);
            word |= (uint64_t)decided << k;
        }
        out->valid[w] = known | word;
    }
}

Status run_logic(const Run *r, const Node *n, Column *out, Arena scratch)
{
    TRY(run_evaluate(r, n->child[0], out, scratch));
    for (size_t i = 1; i < n->count; i++) {
        Arena keep = scratch;
        Column b = block_new(r, &keep, TYPE_BOOLEAN, 0);
        TRY(run_evaluate(r, n->child[i], &b, keep));
        fold_logic(r, out, &b, n->kind == NODE_OR);
    }
    return STATUS_OK;
}

/* x in (a, b) is x = a or x = b; x between a and b is x >= a and x <= b. */
Status run_members(const Run *r, const Node *n, Column *out, Arena scratch)
{
    bool in = n->kind == NODE_IN;
    TRY(run_compare(r, in ? NODE_EQUAL : NODE_GREATER_EQUAL, n->child[0], n->child[1], out,
                    scratch));
    for (size_t i = 2; i < n->count; i++) {
        Arena keep = scratch;
        Column b = block_new(r, &keep, TYPE_BOOLEAN, 0);
        TRY(run_compare(r, in ? NODE_EQUAL : NODE_LESS_EQUAL, n->child[0], n->child[i], &b, keep));
        fold_logic(r, out, &b, in);
    }
    return STATUS_OK;
}

Status run_negation(const Run *r, const Node *n, Column *out, Arena scratch)
{
    TRY(run_evaluate(r, n->child[0], out, scratch));
    for (size_t i = 0; i < r->count; i++)
        out->boolean[i] = !out->boolean[i];
    return STATUS_OK;
}

Status run_null_test(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Column a;
    Arena keep = scratch;
    TRY(run_operand(r, n->child[0], n->child[0]->type, n->child[0]->scale, &a, &keep));
    block_all_valid(r, out);
    for (size_t i = 0; i < r->count; i++)
        out->boolean[i] = !column_valid(&a, i);
    return STATUS_OK;
}
