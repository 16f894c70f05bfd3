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
    bool same =
        from->type == out->type || (type_is_string(from->type) && type_is_string(out->type));
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

const Column *run_find(const Run *r, const Node *n)
{
    return find_column((atomic_uint *)(uintptr_t)&n->place, r->rows, n->name->name);
}

static Status name_leaf(const Run *r, const Node *n, Column *out)
{
    const Column *from = run_find(r, n);
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
bool run_view(const Run *r, const Node *n, Column *out)
{
    const Column *from = n->kind == NODE_NAME        ? run_find(r, n)
                         : n->kind == NODE_AGGREGATE ? &r->aggregate[n->call->index]
                                                     : NULL;
    bool same =
        from != NULL &&
        (from->type == n->type || (type_is_string(from->type) && type_is_string(n->type))) &&
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
    bool same = (child->type == type && (type != TYPE_DECIMAL || child->scale == scale)) ||
                type_is_string(type);
    if (same && run_view(r, child, out))
        return STATUS_OK;
    *out = block_new(r, scratch, type, scale);
    if (same)
        return run_evaluate(r, child, out, *scratch);
    Arena inner = *scratch;
    Column raw;
    if (!run_view(r, child, &raw)) {
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
        return run_logic(r, n, out, scratch);
    case NODE_NOT:
        return run_negation(r, n, out, scratch);
    case NODE_EQUAL:
    case NODE_UNEQUAL:
    case NODE_LESS:
    case NODE_LESS_EQUAL:
    case NODE_GREATER:
    case NODE_GREATER_EQUAL:
        return run_compare(r, n->kind, n->child[0], n->child[1], out, scratch);
    case NODE_IN:
    case NODE_BETWEEN:
        return run_members(r, n, out, scratch);
    case NODE_IS_NULL:
        return run_null_test(r, n, out, scratch);
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

Status node_evaluate(Column *out, Arena *keep, Arena scratch, const Expr *e, const Node *n,
                     const Table *rows, const Column *aggregate, Error *err)
{
    Run r = {.e = e, .rows = rows, .aggregate = aggregate, .err = err};
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

Status lang_evaluate(Column *out, Arena *keep, Arena scratch, const Expr *e, const Table *rows,
                     const Column *aggregate, Error *err)
{
    column_init(out, keep, e->text, e->root->type, e->root->scale, rows->rows, NULL);
    if (rows->rows == 1 && lang_evaluate_cell(out, e, rows, aggregate))
        return STATUS_OK;
    return node_evaluate(out, keep, scratch, e, e->root, rows, aggregate, err);
}
