/* Many expressions over the same rows, taken apart into parts of which each is computed once.
 *
 * Conditions are words of 64 rows: `and`, `or` and `not` of a word are a few instructions, and
 * whoever counts or adds up afterwards goes through the rows that count alone. What compares a
 * value with literals, tests for null or joins conditions is done here; every other part is one
 * instruction of its own that evaluate.c carries out, so that there is one meaning of each. */
#include "lang/run.h"

#include <string.h>

typedef enum Operation {
    OPERATION_GIVEN,   /* a column from outside */
    OPERATION_NAME,    /* a column of the rows */
    OPERATION_COMPARE, /* part 0 with the literal */
    OPERATION_AND,     /* of all parts */
    OPERATION_OR,      /* of all parts */
    OPERATION_NOT,     /* of part 0 */
    OPERATION_NULL,    /* is part 0 missing? */
    OPERATION_CASE,    /* condition, value, condition, value, ..., [else] */
    OPERATION_EVALUATE /* the node, whose aggregates are the parts */
} Operation;

typedef struct Instruction {
    Operation operation;
    NodeKind kind; /* COMPARE */
    const Expr *expr;
    const Node *node; /* NAME, CASE, EVALUATE; of COMPARE the literal */
    Type type;        /* of the value */
    const uint32_t *part;
    size_t parts;
} Instruction;

struct Program {
    Arena *keep;
    Instruction *item;
    size_t count, capacity;
    Arena *passing;   /* while it is made */
    Dictionary *text; /* what each part is, in words: position in known */
    uint32_t *known;
    size_t knowns, known_capacity;
};

/* A value is a column; of a condition the words where it is true, and its column has no cells until
 * somebody asks for them. */
typedef struct Value {
    Column column;
    uint64_t *truth;
} Value;

struct ProgramRun {
    const Program *program;
    Arena *keep;
    const Table *rows;
    size_t words;
    Value *value;        /* [program->count] */
    uint64_t *condition; /* [program->count][2][words] */
    size_t done;
};

/* ---- making ---- */

Program *program_new(Arena *keep, Arena *passing)
{
    Program *p = ARENA_NEW(keep, Program);
    p->keep = keep;
    p->passing = passing;
    p->text = dictionary_new(passing);
    return p;
}

static uint32_t add(Program *p, const Instruction *i)
{
    *ARENA_PUSH(p->keep, p->item, p->count, p->capacity) = *i;
    return (uint32_t)p->count - 1;
}

uint32_t program_given(Program *p, Type type)
{
    return add(p, &(Instruction){.operation = OPERATION_GIVEN, .type = type});
}

/* The same operation on the same values is there once. */
static uint32_t add_once(Program *p, const Instruction *i)
{
    Buffer b = buffer_new(p->passing);
    buffer_format(&b, "%d %d %d", (int)i->operation, (int)i->kind, (int)i->type);
    for (size_t k = 0; k < i->parts; k++)
        buffer_format(&b, " %u", i->part[k]);
    if (i->node != NULL) {
        buffer_format(&b, " %d %d:", (int)i->node->type, i->node->scale);
        node_print(&b, i->node);
    }
    uint32_t code = dictionary_add(p->text, buffer_str(&b));
    if (code == p->knowns)
        *ARENA_PUSH(p->passing, p->known, p->knowns, p->known_capacity) = add(p, i);
    return p->known[code];
}

typedef struct Adding {
    Program *p;
    const Expr *e;
    const uint32_t *nested; /* [aggregates of e] */
} Adding;

static uint32_t add_node(const Adding *a, const Node *n);

/* Comparisons with a literal of the same kind of value: those of compare_literal, and of doubles.
 */
static bool with_literal(const Node *left, const Node *right)
{
    if (!node_is_literal(right) || left->type == TYPE_BOOLEAN || left->kind == NODE_NULL)
        return false;
    if (right->kind == NODE_NUMBER)
        return left->type == TYPE_INT64 || left->type == TYPE_DECIMAL || left->type == TYPE_DOUBLE;
    return left->type == right->type || (type_is_string(left->type) && type_is_string(right->type));
}

static uint32_t add_compare(const Adding *a, NodeKind kind, const Node *left, const Node *right)
{
    uint32_t *part = ARENA_NEW(a->p->keep, uint32_t);
    *part = add_node(a, left);
    return add_once(a->p,
                    &(Instruction){OPERATION_COMPARE, kind, NULL, right, TYPE_BOOLEAN, part, 1});
}

static uint32_t add_parts(const Adding *a, Operation operation, const Node *n)
{
    uint32_t *part = ARENA_ARRAY(a->p->keep, uint32_t, n->count + 1);
    for (size_t i = 0; i < n->count; i++)
        part[i] = add_node(a, n->child[i]);
    return add_once(a->p,
                    &(Instruction){operation, NODE_NULL, NULL, NULL, TYPE_BOOLEAN, part, n->count});
}

/* x in (a, b) is x = a or x = b; x between a and b is x >= a and x <= b. */
static uint32_t add_members(const Adding *a, const Node *n)
{
    bool in = n->kind == NODE_IN;
    uint32_t *part = ARENA_ARRAY(a->p->keep, uint32_t, n->count);
    for (size_t i = 1; i < n->count; i++)
        part[i - 1] = add_compare(a,
                                  in       ? NODE_EQUAL
                                  : i == 1 ? NODE_GREATER_EQUAL
                                           : NODE_LESS_EQUAL,
                                  n->child[0], n->child[i]);
    return add_once(a->p, &(Instruction){in ? OPERATION_OR : OPERATION_AND, NODE_NULL, NULL, NULL,
                                         TYPE_BOOLEAN, part, n->count - 1});
}

static bool has_aggregate(const Node *n)
{
    bool has = n->kind == NODE_AGGREGATE;
    for (size_t i = 0; i < n->count && !has; i++)
        has = has_aggregate(n->child[i]);
    return has;
}

/* A case whose values are wide as a number and need not be brought to its type. */
static bool plain_case(const Node *n)
{
    bool plain = n->type != TYPE_BOOLEAN && !type_is_string(n->type);
    for (size_t k = 0; k < n->count && plain; k++) {
        const Node *child = n->child[k];
        if (k % 2 == 1 || k + 1 == n->count)
            plain = child->kind != NODE_NULL && child->type == n->type && child->scale == n->scale;
        else
            plain = child->kind != NODE_NULL;
    }
    return plain;
}

static uint32_t add_case(const Adding *a, const Node *n)
{
    uint32_t *part = ARENA_ARRAY(a->p->keep, uint32_t, n->count);
    for (size_t i = 0; i < n->count; i++)
        part[i] = add_node(a, n->child[i]);
    return add_once(a->p,
                    &(Instruction){OPERATION_CASE, NODE_NULL, a->e, n, n->type, part, n->count});
}

static uint32_t add_node(const Adding *a, const Node *n)
{
    bool literals = n->count > 1;
    switch (n->kind) {
    case NODE_AGGREGATE:
        return a->nested[n->call->index];
    case NODE_AND:
    case NODE_OR:
        return add_parts(a, n->kind == NODE_AND ? OPERATION_AND : OPERATION_OR, n);
    case NODE_NOT:
        return add_parts(a, OPERATION_NOT, n);
    case NODE_IS_NULL:
        if (n->child[0]->kind != NODE_NULL)
            return add_parts(a, OPERATION_NULL, n);
        break;
    case NODE_EQUAL:
    case NODE_UNEQUAL:
    case NODE_LESS:
    case NODE_LESS_EQUAL:
    case NODE_GREATER:
    case NODE_GREATER_EQUAL:
        if (with_literal(n->child[0], n->child[1]))
            return add_compare(a, n->kind, n->child[0], n->child[1]);
        break;
    case NODE_IN:
    case NODE_BETWEEN:
        for (size_t i = 1; i < n->count; i++)
            literals = literals && with_literal(n->child[0], n->child[i]);
        if (literals)
            return add_members(a, n);
        break;
    case NODE_CASE:
        if (plain_case(n))
            return add_case(a, n);
        break;
    default:
        break;
    }
    const bool name = n->kind == NODE_NAME;
    size_t count = 0;
    if (has_aggregate(n))
        (void)lang_aggregates(a->e, &count);
    return add_once(a->p, &(Instruction){name ? OPERATION_NAME : OPERATION_EVALUATE, NODE_NULL,
                                         a->e, n, n->type, a->nested, count});
}

uint32_t program_add(Program *p, const Expr *e, const uint32_t *nested)
{
    const Adding a = {p, e, nested};
    return add_node(&a, e->root);
}

/* ---- running ---- */

ProgramRun *program_begin(Arena *keep, const Program *p, const Table *rows)
{
    ProgramRun *r = ARENA_NEW(keep, ProgramRun);
    *r = (ProgramRun){.program = p, .keep = keep, .rows = rows, .words = (rows->rows + 63) / 64};
    r->value = ARENA_RAW(keep, Value, p->count + 1);
    r->condition = ARENA_RAW(keep, uint64_t, p->count * 2 * r->words + 1);
    return r;
}

/* A condition's words: known, and true. */
static void new_condition(ProgramRun *r, Value *v)
{
    uint64_t *both = r->condition + (size_t)(v - r->value) * 2 * r->words;
    v->column = (Column){.type = TYPE_BOOLEAN, .valid = both};
    v->truth = both + r->words;
}

static void all_missing(ProgramRun *r, Value *v, const Instruction *i)
{
    v->truth = NULL;
    v->column = (Column){.type = i->type, .scale = i->node->scale};
    v->column.valid = ARENA_ARRAY(r->keep, uint64_t, r->words + 1);
    v->column.data = arena_alloc(r->keep, r->rows->rows + 1, type_width(i->type));
    if (type_is_string(i->type))
        v->column.dictionary = dictionary_new(r->keep);
}

static void set_value(ProgramRun *r, Value *v, const Column *c)
{
    v->column = *c;
    v->truth = c->type == TYPE_BOOLEAN ? column_truth(r->keep, c, r->rows->rows) : NULL;
}

void program_give(ProgramRun *r, uint32_t value, const Column *c)
{
    set_value(r, &r->value[value], c);
}

static Status evaluate(ProgramRun *r, Value *v, const Instruction *i, Arena scratch, Error *err)
{
    Column *nested = ARENA_RAW(r->keep, Column, i->parts + 1);
    for (size_t k = 0; k < i->parts; k++)
        nested[k] = *program_column(r, i->part[k]);
    Column made;
    column_init(&made, r->keep, S(""), i->type, i->node->scale, r->rows->rows, NULL);
    TRY(node_evaluate(&made, r->keep, scratch, i->expr, i->node, r->rows, nested, err));
    set_value(r, v, &made);
    return STATUS_OK;
}

/* The column where it stands; another than the book expects is evaluate.c's to refuse. */
static Status name(ProgramRun *r, Value *v, const Instruction *i, Arena scratch, Error *err)
{
    const Run run = {.e = i->expr, .rows = r->rows, .count = r->rows->rows, .words = r->words};
    Column c;
    if (run_find(&run, i->node) == NULL)
        all_missing(r, v, i);
    else if (!run_view(&run, i->node, &c))
        return evaluate(r, v, i, scratch, err);
    else
        set_value(r, v, &c);
    if (i->type == TYPE_BOOLEAN && v->truth == NULL)
        v->truth = ARENA_ARRAY(r->keep, uint64_t, r->words + 1);
    return STATUS_OK;
}

/* to[w]: bit k is what the comparison says of row w * 64 + k. From the last row on, so that a bit
 * is put in by one addition. */
#define TEST_WORDS(holds, bits_of)                                                                 \
    for (size_t w = 0; w < words; w++) {                                                           \
        uint64_t bits = 0;                                                                         \
        for (size_t row = w * 64 + 64 < rows ? w * 64 + 64 : rows; row-- > w * 64;)                \
            bits = bits + bits + (holds);                                                          \
        to[w] = (bits_of)&known[w];                                                                \
    }
#define COMPARE_WORDS(x, y)                                                                        \
    TEST_WORDS((uint64_t)(table >> (((x) > (y)) - ((x) < (y)) + 1) & 1), bits)
/* The same of one question, or of its opposite. */
#define ASK_WORDS(holds) TEST_WORDS(holds, bits ^ turn)

static void compare(ProgramRun *r, Value *v, const Instruction *i)
{
    const Column *a = &r->value[*i->part].column;
    const Node *literal = i->node;
    const size_t rows = r->rows->rows, words = r->words;
    const unsigned table = compare_answers(i->kind);
    new_condition(r, v);
    memcpy(v->column.valid, a->valid, words * sizeof *a->valid);
    const uint64_t *known = v->column.valid;
    uint64_t *to = v->truth;
    const bool opposite =
        i->kind == NODE_UNEQUAL || i->kind == NODE_LESS_EQUAL || i->kind == NODE_GREATER_EQUAL;
    const uint64_t turn = opposite ? UINT64_MAX : 0;
    if (type_is_string(a->type)) {
        const uint32_t code = dictionary_find(a->dictionary, literal->text), *is = a->code;
        ASK_WORDS(is[row] == code)
        return;
    }
    if (a->type == TYPE_DOUBLE) {
        const double than = decimal_to_double(literal->integer, literal->scale), *is = a->real;
        COMPARE_WORDS(is[row], than)
        return;
    }
    int scale = a->scale > literal->scale ? a->scale : literal->scale;
    const Int128 x = power_of_ten(scale - a->scale);
    const Int128 y = (Int128)power_of_ten(scale - literal->scale) * literal->integer;
    const int64_t *is = a->integer;
    if (x != 1 || y > INT64_MAX || y < INT64_MIN) {
        COMPARE_WORDS(x * is[row], y)
        return;
    }
    const int64_t than = (int64_t)y;
    if (i->kind == NODE_EQUAL || i->kind == NODE_UNEQUAL)
        ASK_WORDS(is[row] == than)
    else if (i->kind == NODE_LESS || i->kind == NODE_GREATER_EQUAL)
        ASK_WORDS(is[row] < than)
    else
        ASK_WORDS(is[row] > than)
}

/* true: all parts true; known: all known, or one known and false. `or` is the same of what is
 * false. */
static void join(ProgramRun *r, Value *v, const Instruction *i)
{
    const bool any = i->operation == OPERATION_OR;
    new_condition(r, v);
    for (size_t w = 0; w < r->words; w++) {
        uint64_t known = UINT64_MAX, decided = 0;
        for (size_t k = 0; k < i->parts; k++) {
            const Value *part = &r->value[i->part[k]];
            uint64_t truth = part->truth[w], there = part->column.valid[w];
            known &= there;
            decided |= any ? truth : there & ~truth;
        }
        v->column.valid[w] = known | decided;
        v->truth[w] = any ? decided : known & ~decided;
    }
}

/* The value behind the first condition that is true; without one the else, or missing. */
static void choose(ProgramRun *r, Value *v, const Instruction *i)
{
    column_init(&v->column, r->keep, S(""), i->type, i->node->scale, r->rows->rows, NULL);
    v->truth = NULL;
    for (size_t w = 0; w < r->words; w++) {
        uint64_t open = UINT64_MAX;
        if (w + 1 == r->words && r->rows->rows % 64 != 0)
            open >>= 64 - r->rows->rows % 64;
        for (size_t k = 0; k < i->parts; k += 2) {
            const bool otherwise = k + 1 == i->parts;
            const Column *from = &r->value[i->part[otherwise ? k : k + 1]].column;
            const uint64_t taken = otherwise ? open : open & r->value[i->part[k]].truth[w];
            const uint64_t there = taken & from->valid[w];
            open &= ~taken;
            v->column.valid[w] |= there;
            for (uint64_t bits = there; bits != 0; bits &= bits - 1) {
                const size_t row = w * 64 + (size_t)__builtin_ctzll(bits);
                v->column.integer[row] = from->integer[row]; /* or the bits of a double */
            }
        }
    }
}

static Status carry_out(ProgramRun *r, Value *v, const Instruction *i, Arena scratch, Error *err)
{
    const Value *part = i->parts > 0 ? &r->value[*i->part] : NULL;
    switch (i->operation) {
    case OPERATION_GIVEN:
        return STATUS_OK;
    case OPERATION_NAME:
        return name(r, v, i, scratch, err);
    case OPERATION_COMPARE:
        compare(r, v, i);
        return STATUS_OK;
    case OPERATION_AND:
    case OPERATION_OR:
        join(r, v, i);
        return STATUS_OK;
    case OPERATION_NOT:
        new_condition(r, v);
        for (size_t w = 0; w < r->words; w++) {
            v->column.valid[w] = part->column.valid[w];
            v->truth[w] = part->column.valid[w] & ~part->truth[w];
        }
        return STATUS_OK;
    case OPERATION_NULL:
        new_condition(r, v);
        for (size_t w = 0; w < r->words; w++) {
            v->column.valid[w] = UINT64_MAX;
            v->truth[w] = ~part->column.valid[w];
        }
        return STATUS_OK;
    case OPERATION_CASE:
        choose(r, v, i);
        return STATUS_OK;
    default:
        return evaluate(r, v, i, scratch, err);
    }
}

Status program_run(ProgramRun *r, Arena scratch, uint32_t value, Error *err)
{
    for (; r->done <= value; r->done++)
        TRY(carry_out(r, &r->value[r->done], &r->program->item[r->done], scratch, err));
    return STATUS_OK;
}

const uint64_t *program_truth(const ProgramRun *r, uint32_t value)
{
    return r->value[value].truth;
}

const Column *program_column(ProgramRun *r, uint32_t value)
{
    Value *v = &r->value[value];
    if (v->column.data != NULL)
        return &v->column;
    size_t rows = r->rows->rows;
    Column made;
    column_init(&made, r->keep, S(""), TYPE_BOOLEAN, 0, rows, NULL);
    for (size_t row = 0; row < rows; row++)
        if (column_valid(&v->column, row)) {
            made.boolean[row] = v->truth[row >> 6] >> (row & 63) & 1;
            column_set_valid(&made, row);
        }
    v->column = made;
    return &v->column;
}
