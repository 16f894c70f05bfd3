/* Columns, a block of rows at a time: every node computes its whole block before its parent
 * looks at it, so that a step is one tight loop and scratch holds blocks, not tables.
 *
 * A block's column carries validity bits like any other. Behind a missing cell of a block may
 * stand anything; only the finished column has zeros there. */
#include "lang/run.h"

#include <math.h>
#include <string.h>

Column block_new(const Run *r, Arena *scratch, Type type, int scale)
{
    size_t bits = (r->words * sizeof(uint64_t) + 15) & ~(size_t)15;
    char *both = arena_raw(scratch, bits + r->words * 64 * type_width(type), 1);
    Column c = {.type = type, .scale = scale};
    c.valid = (uint64_t *)(void *)both;
    c.data = both + bits;
    return c;
}

void block_all_valid(const Run *r, Column *c)
{
    for (size_t w = 0; w < r->words; w++)
        c->valid[w] = UINT64_MAX;
}

void block_all_missing(const Run *r, Column *c)
{
    for (size_t w = 0; w < r->words; w++)
        c->valid[w] = 0;
}

void block_both_valid(const Run *r, Column *out, const Column *a, const Column *b)
{
    for (size_t w = 0; w < r->words; w++)
        out->valid[w] = a->valid[w] & b->valid[w];
}

static bool is_string(Type type)
{
    return type == TYPE_CATEGORY || type == TYPE_TEXT;
}

Status run_too_large(const Run *r, const Node *n, size_t row, Arena scratch)
{
    Buffer text = buffer_new(&scratch);
    node_print(&text, n);
    (void)error_set(r->err, STATUS_LIMIT, "'%.*s' is too large to hold (row %zu)",
                    STR_ARG(str_slice(buffer_str(&text), 0, 200)), r->from + row + 1);
    source_place(r->err, r->e->file, n->source, n->offset);
    (void)error_remedy(r->err, "a double has more room and less exactness: divide by 1 before "
                               "computing on");
    return STATUS_LIMIT;
}

/* ---- leaves ---- */

static Status copy_column(const Run *r, const Node *n, Column *out, const Column *from)
{
    bool same = from->type == out->type || (is_string(from->type) && is_string(out->type));
    if (!same || (out->type == TYPE_DECIMAL && from->scale != out->scale)) {
        char want[TYPE_TEXT_SIZE], have[TYPE_TEXT_SIZE];
        (void)error_set(r->err, STATUS_DATA,
                        "column '%.*s' is %s here, but the expression was "
                        "made for %s",
                        STR_ARG(from->name), type_text(have, from->type, from->scale),
                        type_text(want, out->type, out->scale));
        source_place(r->err, r->e->file, n->source, n->offset);
        return STATUS_DATA;
    }
    size_t width = type_width(from->type);
    memcpy(out->data, (const char *)from->data + r->from * width, r->count * width);
    memcpy(out->valid, from->valid + r->from / 64, r->words * sizeof *out->valid);
    out->dictionary = from->dictionary;
    if (out->type == TYPE_DOUBLE) /* NaN is another way to say missing */
        for (size_t i = 0; i < r->count; i++)
            if (is_missing(out->real[i]))
                column_set_missing(out, i);
    return STATUS_OK;
}

/* A book's expressions look for the same columns again and again, in tables of one form. */
static const Column *find_column(const Run *r, const Node *n)
{
    atomic_uint *place = (atomic_uint *)(uintptr_t)&n->place;
    size_t guess = atomic_load_explicit(place, memory_order_relaxed);
    Str name = n->name->name;
    if (guess < r->rows->columns && str_equal(r->rows->column[guess].name, name))
        return &r->rows->column[guess];
    const Column *found = table_find(r->rows, name);
    if (found != NULL)
        atomic_store_explicit(place, (unsigned)(found - r->rows->column), memory_order_relaxed);
    return found;
}

static Status name_leaf(const Run *r, const Node *n, Column *out)
{
    const Column *from = find_column(r, n);
    if (from != NULL)
        return copy_column(r, n, out, from);
    block_all_missing(r, out);
    return STATUS_OK;
}

static void literal_leaf(const Run *r, const Node *n, Column *out)
{
    block_all_valid(r, out);
    if (n->kind == NODE_NULL) {
        block_all_missing(r, out);
    } else if (n->kind == NODE_STRING) {
        out->dictionary = n->dictionary;
        memset(out->code, 0, r->count * sizeof *out->code);
    } else if (n->kind == NODE_BOOLEAN) {
        memset(out->boolean, n->integer != 0, r->count);
    } else {
        for (size_t i = 0; i < r->count; i++)
            out->integer[i] = n->integer;
    }
}

/* ---- operands brought to the type an operator works in ---- */

static Status to_scale(const Run *r, const Node *n, Column *out, const Column *from, int shift,
                       Arena scratch)
{
    int64_t unit = power_of_ten(shift);
    for (size_t i = 0; i < r->count; i++)
        if (!column_valid(from, i))
            out->integer[i] = 0;
        else if (__builtin_mul_overflow(from->integer[i], unit, &out->integer[i]))
            return run_too_large(r, n, i, scratch);
    return STATUS_OK;
}

static Status to_time(const Run *r, const Node *n, Column *out, const Column *from, Arena scratch)
{
    for (size_t i = 0; i < r->count; i++)
        if (!column_valid(from, i))
            out->integer[i] = 0;
        else if (__builtin_mul_overflow(from->integer[i], DAY_US, &out->integer[i]))
            return run_too_large(r, n, i, scratch);
    return STATUS_OK;
}

static bool has_nan(const Run *r, const Column *c)
{
    for (size_t i = 0; i < r->count; i++)
        if (is_missing(c->real[i]))
            return true;
    return false;
}

/* The block of a column of this very type, where it stands: only to be read. A NaN among doubles
 * is missing, and so these are copied where there is one. */
static bool view_column(const Run *r, const Node *n, Column *out)
{
    const Column *from = n->kind == NODE_NAME        ? find_column(r, n)
                         : n->kind == NODE_AGGREGATE ? &r->aggregate[n->call->index]
                                                     : NULL;
    bool same = from != NULL &&
                (from->type == n->type || (is_string(from->type) && is_string(n->type))) &&
                (n->type != TYPE_DECIMAL || from->scale == n->scale);
    if (!same)
        return false;
    *out = *from;
    out->scale = n->scale;
    out->valid = from->valid + r->from / 64;
    out->data = (char *)from->data + r->from * type_width(from->type);
    return out->type != TYPE_DOUBLE || !has_nan(r, out);
}

/* Evaluate a child as `type` with `scale`; *out is a block of *scratch, or of a column, and only to
 * be read. */
Status run_operand(const Run *r, const Node *child, Type type, int scale, Column *out,
                   Arena *scratch)
{
    bool same =
        (child->type == type && (type != TYPE_DECIMAL || child->scale == scale)) || is_string(type);
    if (same && view_column(r, child, out))
        return STATUS_OK;
    *out = block_new(r, scratch, type, scale);
    if (same)
        return run_evaluate(r, child, out, *scratch);
    Arena inner = *scratch;
    Column raw;
    if (!view_column(r, child, &raw)) {
        raw = block_new(r, &inner, child->type, child->scale);
        TRY(run_evaluate(r, child, &raw, inner));
    }
    memcpy(out->valid, raw.valid, r->words * sizeof *out->valid);
    if (type == TYPE_DOUBLE) {
        for (size_t i = 0; i < r->count; i++)
            out->real[i] = decimal_to_double(raw.integer[i], raw.scale);
        return STATUS_OK;
    }
    if (type == TYPE_TIME)
        return to_time(r, child, out, &raw, inner);
    return to_scale(r, child, out, &raw, scale - (child->type == TYPE_DECIMAL ? child->scale : 0),
                    inner);
}

/* ---- arithmetic ---- */

Status run_check_finite(const Run *r, const Node *n, Column *out, Arena scratch)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!column_valid(out, i) || isfinite(out->real[i]))
            continue;
        if (!is_missing(out->real[i]))
            return run_too_large(r, n, i, scratch);
        column_set_missing(out, i);
    }
    return STATUS_OK;
}

static Status real_pair(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Column a, b;
    Arena keep = scratch;
    bool durations = n->child[0]->type == TYPE_DURATION;
    Type type = durations ? TYPE_DURATION : TYPE_DOUBLE;
    TRY(run_operand(r, n->child[0], type, 0, &a, &keep));
    TRY(run_operand(r, n->child[1], type, 0, &b, &keep));
    if (durations) {
        const Column x = a, y = b;
        a = block_new(r, &keep, TYPE_DOUBLE, 0);
        b = block_new(r, &keep, TYPE_DOUBLE, 0);
        memcpy(a.valid, x.valid, r->words * sizeof *a.valid);
        memcpy(b.valid, y.valid, r->words * sizeof *b.valid);
        for (size_t i = 0; i < r->count; i++) {
            a.real[i] = (double)x.integer[i];
            b.real[i] = (double)y.integer[i];
        }
    }
    block_both_valid(r, out, &a, &b);
    switch (n->kind) {
    case NODE_ADD:
        for (size_t i = 0; i < r->count; i++)
            out->real[i] = a.real[i] + b.real[i];
        break;
    case NODE_SUBTRACT:
        for (size_t i = 0; i < r->count; i++)
            out->real[i] = a.real[i] - b.real[i];
        break;
    case NODE_MULTIPLY:
        for (size_t i = 0; i < r->count; i++)
            out->real[i] = a.real[i] * b.real[i];
        break;
    default:
        for (size_t i = 0; i < r->count; i++) {
            if (b.real[i] == 0)
                column_set_missing(out, i);
            else
                out->real[i] = a.real[i] / b.real[i];
        }
    }
    return run_check_finite(r, n, out, keep);
}

/* int64, decimal, time, duration */
static Status whole_pair(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Column a, b;
    Arena keep = scratch;
    const Node *left = n->child[0], *right = n->child[1];
    Type left_type = left->type == TYPE_DATE ? TYPE_TIME : left->type;
    Type right_type = right->type == TYPE_DATE ? TYPE_TIME : right->type;
    bool align = n->type == TYPE_DECIMAL && n->kind != NODE_MULTIPLY;
    TRY(run_operand(r, left, align ? n->type : left_type, align ? n->scale : left->scale, &a,
                    &keep));
    TRY(run_operand(r, right, align ? n->type : right_type, align ? n->scale : right->scale, &b,
                    &keep));
    block_both_valid(r, out, &a, &b);
    for (size_t i = 0; i < r->count; i++) {
        if (!column_valid(out, i))
            continue;
        int64_t x = a.integer[i], y = b.integer[i], *z = &out->integer[i];
        bool over = n->kind == NODE_ADD        ? __builtin_add_overflow(x, y, z)
                    : n->kind == NODE_SUBTRACT ? __builtin_sub_overflow(x, y, z)
                                               : __builtin_mul_overflow(x, y, z);
        if (over)
            return run_too_large(r, n, i, keep);
    }
    return STATUS_OK;
}

static Status negate(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Column a;
    Arena keep = scratch;
    TRY(run_operand(r, n->child[0], n->type, n->scale, &a, &keep));
    memcpy(out->valid, a.valid, r->words * sizeof *out->valid);
    for (size_t i = 0; i < r->count; i++) {
        if (!column_valid(out, i))
            continue;
        if (n->type == TYPE_DOUBLE)
            out->real[i] = -a.real[i];
        else if (__builtin_sub_overflow(0, a.integer[i], &out->integer[i]))
            return run_too_large(r, n, i, keep);
    }
    return STATUS_OK;
}

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

/* Bit 0: what the comparison says of less, bit 1: of equal, bit 2: of greater. */
static unsigned answers(NodeKind kind)
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

static bool is_literal(const Node *n)
{
    return n->kind == NODE_BOOLEAN || n->kind == NODE_NUMBER || n->kind == NODE_DURATION ||
           n->kind == NODE_TIME || n->kind == NODE_STRING;
}

/* Most comparisons are of a column with a literal: no block is made of either. */
static bool compare_literal(const Run *r, NodeKind kind, const Node *left, const Node *right,
                            Column *out)
{
    Column a;
    bool alike = left->type == right->type || (is_string(left->type) && is_string(right->type)) ||
                 right->kind == NODE_NUMBER;
    if (!is_literal(right) || left->type == TYPE_DOUBLE || !alike || !view_column(r, left, &a))
        return false;
    const unsigned table = answers(kind);
    const size_t count = r->count;
    uint8_t *to = out->boolean;
    memcpy(out->valid, a.valid, r->words * sizeof *out->valid);
    if (is_string(a.type)) {
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
    const unsigned table = answers(kind);
    const size_t count = r->count;
    uint8_t *to = out->boolean;
    Type type = left->type == TYPE_DOUBLE || right->type == TYPE_DOUBLE ? TYPE_DOUBLE
                : left->type == TYPE_DATE && right->type == TYPE_TIME   ? TYPE_TIME
                                                                        : left->type;
    Column a, b;
    Arena keep = scratch;
    if (type == TYPE_DOUBLE || is_string(type) || type == TYPE_BOOLEAN) {
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

static Status logic(const Run *r, const Node *n, Column *out, Arena scratch)
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
static Status members(const Run *r, const Node *n, Column *out, Arena scratch)
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

static Status negation(const Run *r, const Node *n, Column *out, Arena scratch)
{
    TRY(run_evaluate(r, n->child[0], out, scratch));
    for (size_t i = 0; i < r->count; i++)
        out->boolean[i] = !out->boolean[i];
    return STATUS_OK;
}

static Status null_test(const Run *r, const Node *n, Column *out, Arena scratch)
{
    Column a;
    Arena keep = scratch;
    TRY(run_operand(r, n->child[0], n->child[0]->type, n->child[0]->scale, &a, &keep));
    block_all_valid(r, out);
    for (size_t i = 0; i < r->count; i++)
        out->boolean[i] = !column_valid(&a, i);
    return STATUS_OK;
}

Status run_evaluate(const Run *r, const Node *n, Column *out, Arena scratch)
{
    switch (n->kind) {
    case NODE_NULL:
    case NODE_BOOLEAN:
    case NODE_NUMBER:
    case NODE_DURATION:
    case NODE_TIME:
    case NODE_STRING:
        literal_leaf(r, n, out);
        return STATUS_OK;
    case NODE_NAME:
        return name_leaf(r, n, out);
    case NODE_AGGREGATE:
        return copy_column(r, n, out, &r->aggregate[n->call->index]);
    case NODE_OR:
    case NODE_AND:
        return logic(r, n, out, scratch);
    case NODE_NOT:
        return negation(r, n, out, scratch);
    case NODE_EQUAL:
    case NODE_UNEQUAL:
    case NODE_LESS:
    case NODE_LESS_EQUAL:
    case NODE_GREATER:
    case NODE_GREATER_EQUAL:
        return run_compare(r, n->kind, n->child[0], n->child[1], out, scratch);
    case NODE_IN:
    case NODE_BETWEEN:
        return members(r, n, out, scratch);
    case NODE_IS_NULL:
        return null_test(r, n, out, scratch);
    case NODE_ADD:
    case NODE_SUBTRACT:
    case NODE_MULTIPLY:
    case NODE_DIVIDE:
        return n->type == TYPE_DOUBLE ? real_pair(r, n, out, scratch)
                                      : whole_pair(r, n, out, scratch);
    case NODE_NEGATE:
        return negate(r, n, out, scratch);
    default:
        return run_function(r, n, out, scratch);
    }
    return STATUS_OK;
}

/* Behind missing cells go zeros. */
static void clear_missing(const Run *r, Column *c)
{
    size_t width = type_width(c->type);
    for (size_t w = 0, left = r->count; left > 0; w++) {
        uint64_t all = left < 64 ? ((uint64_t)1 << left) - 1 : UINT64_MAX;
        left -= left < 64 ? left : 64;
        c->valid[w] &= all;
        for (uint64_t missing = ~c->valid[w] & all; missing != 0; missing &= missing - 1) {
            size_t i = w * 64 + (size_t)__builtin_ctzll(missing);
            memset((char *)c->data + i * width, 0, width);
        }
    }
}

/* Copy a finished block. */
static void finish_block(const Run *r, Column *out, Column *part)
{
    size_t width = type_width(out->type);
    clear_missing(r, part);
    memcpy(out->valid + r->from / 64, part->valid, r->words * sizeof *out->valid);
    memcpy((char *)out->data + r->from * width, part->data, r->count * width);
    if (part->dictionary != NULL)
        out->dictionary = part->dictionary;
}

/* Blocks are no longer than what is left of the rows: a customer's few cost no more than few. */
static void take_block(Run *r, size_t rows)
{
    r->count = rows - r->from < BLOCK ? rows - r->from : BLOCK;
    r->words = (r->count + 63) / 64;
}

Status lang_evaluate(Column *out, Arena *keep, Arena scratch, const Expr *e, const Table *rows,
                     const Column *aggregate, Error *err)
{
    const Node *n = e->root;
    Run r = {.e = e, .rows = rows, .aggregate = aggregate, .err = err};
    column_init(out, keep, e->text, n->type, n->scale, rows->rows, NULL);
    if (e->merges)
        r.merged = dictionary_new(keep);
    take_block(&r, rows->rows);
    if (rows->rows > 0 && rows->rows <= BLOCK) { /* one block: computed where it is to stand */
        Dictionary *own = out->dictionary;
        out->dictionary = NULL;
        TRY(run_evaluate(&r, n, out, scratch));
        clear_missing(&r, out);
        out->dictionary = out->dictionary != NULL ? out->dictionary : own;
        return STATUS_OK;
    }
    Column part = block_new(&r, &scratch, n->type, n->scale);
    for (; r.from < rows->rows; r.from += BLOCK) {
        take_block(&r, rows->rows);
        part.dictionary = NULL;
        TRY(run_evaluate(&r, n, &part, scratch));
        finish_block(&r, out, &part);
    }
    return STATUS_OK;
}
