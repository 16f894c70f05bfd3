/* cell.c - one row, cell by cell: what blocks do for a block, without any. For a customer's
 * features, of which each is one small expression over one row.
 *
 * Where something is too large, of an unexpected type, or a new string, it gives up, and evaluate.c
 * answers or says what is wrong. */
#include "lang/flat.h"

#include <math.h>
#include <string.h>

typedef struct Cell {
    bool there;
    union {
        bool truth;
        int64_t integer;
        double real;
        const Str *text;
    };
} Cell;

static const Column *find(const Flat *f, const FlatStep *step, const Table *rows)
{
    return find_column(&f->place[step->c], rows, (Str){step->name, step->size});
}

/* False: the column is not what the expression was made for. */
static inline bool read_cell(Cell *out, const FlatStep *step, const Column *from)
{
    out->there = *from->valid & 1;
    switch ((Type)step->detail) {
    case TYPE_BOOLEAN:
        out->truth = *from->boolean != 0;
        return from->type == TYPE_BOOLEAN;
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        if (!type_is_string(from->type))
            return false;
        out->text = out->there ? &from->dictionary->text[*from->code] : NULL;
        return true;
    case TYPE_DOUBLE:
        out->real = *from->real;
        out->there = out->there && !is_missing(out->real);
        return from->type == TYPE_DOUBLE;
    case TYPE_DECIMAL:
        out->integer = *from->integer;
        return from->type == TYPE_DECIMAL && from->scale == step->scale;
    default:
        out->integer = *from->integer;
        return from->type == (Type)step->detail;
    }
}

static inline bool answers(const FlatStep *step, int order)
{
    return step->detail >> (order + 1) & 1;
}

/* a or b; with `and`, the same of what is false. */
static inline void join_cells(Cell *out, const Cell *a, const Cell *b, bool any)
{
    const bool decided = (a->there && a->truth == any) || (b->there && b->truth == any);
    out->there = decided || (a->there && b->there);
    out->truth = decided == any;
}

/* Infinity is an error, NaN another way to say missing. */
static inline bool put_finite(Cell *out, double x)
{
    out->real = x;
    if (isfinite(x))
        return true;
    out->there = false;
    return is_missing(x);
}

static inline bool put_quotient(Cell *out, double x, double y)
{
    out->there = y != 0;
    return put_finite(out, y != 0 ? x / y : 0);
}

static inline bool put_distance(Cell *out, int64_t x)
{
    out->integer = x;
    return x >= 0 || !__builtin_sub_overflow(0, x, &out->integer);
}

static inline bool scaled_answer(const FlatStep *step, const Cell *a, const Cell *b)
{
    const Int128 x = (Int128)power_of_ten(step->c) * a->integer;
    const Int128 y = (Int128)power_of_ten(step->scale) * b->integer;
    return answers(step, (x > y) - (x < y));
}

/* Of cells that are there. False: too large. */
static inline bool compute(Cell *out, const FlatStep *step, const Cell *a, const Cell *b)
{
    switch (step->what) {
    case CELL_REAL:
        out->real = (double)a->integer / step->real;
        return true;
    case CELL_TIMES:
        return !__builtin_mul_overflow(a->integer, step->integer, &out->integer);
    case CELL_NEGATE_REAL:
        out->real = -a->real;
        return true;
    case CELL_NEGATE:
        return !__builtin_sub_overflow(0, a->integer, &out->integer);
    case CELL_NOT:
        out->truth = !a->truth;
        return true;
    case CELL_FUNCTION:
        return put_finite(out, function_real(step->node, a->real));
    case CELL_SIGN_REAL:
        out->integer = (a->real > 0) - (a->real < 0);
        return true;
    case CELL_SIGN:
        out->integer = (a->integer > 0) - (a->integer < 0);
        return true;
    case CELL_ABS:
        return put_distance(out, a->integer);
    case CELL_QUOTIENT:
        out->integer = function_quotient((NodeKind)step->detail, a->integer, step->integer);
        return true;
    case CELL_ADD_REAL:
        return put_finite(out, a->real + b->real);
    case CELL_SUBTRACT_REAL:
        return put_finite(out, a->real - b->real);
    case CELL_MULTIPLY_REAL:
        return put_finite(out, a->real * b->real);
    case CELL_DIVIDE_REAL:
        return put_quotient(out, a->real, b->real);
    case CELL_ADD:
        return !__builtin_add_overflow(a->integer, b->integer, &out->integer);
    case CELL_SUBTRACT:
        return !__builtin_sub_overflow(a->integer, b->integer, &out->integer);
    case CELL_MULTIPLY:
        return !__builtin_mul_overflow(a->integer, b->integer, &out->integer);
    case CELL_COMPARE_REAL:
        out->truth = answers(step, (a->real > b->real) - (a->real < b->real));
        return true;
    case CELL_COMPARE:
        out->truth = answers(step, (a->integer > b->integer) - (a->integer < b->integer));
        return true;
    case CELL_COMPARE_TRUTH:
        out->truth = answers(step, a->truth - b->truth);
        return true;
    case CELL_COMPARE_TEXT: /* nobody asks but whether they are equal */
        out->truth = answers(step, !(a->text == b->text || str_equal(*a->text, *b->text)));
        return true;
    case CELL_COMPARE_SCALED:
        out->truth = scaled_answer(step, a, b);
        return true;
    case CELL_LEAST_REAL:
        out->real = b->real < a->real ? b->real : a->real;
        return true;
    case CELL_LEAST:
        out->integer = b->integer < a->integer ? b->integer : a->integer;
        return true;
    case CELL_GREATEST_REAL:
        out->real = b->real > a->real ? b->real : a->real;
        return true;
    case CELL_GREATEST:
        out->integer = b->integer > a->integer ? b->integer : a->integer;
        return true;
    default:
        return false;
    }
}

/* The other steps. False: a column is not what the expression was made for. */
static inline bool take(Cell *out, const Flat *f, const FlatStep *step, const Cell *cell,
                        const Table *rows, const Column *aggregate)
{
    const Cell *a, *b;
    const Column *from;
    switch (step->what) {
    case CELL_NAME:
        from = find(f, step, rows);
        out->there = false;
        return from == NULL || read_cell(out, step, from);
    case CELL_AGGREGATE:
        return read_cell(out, step, &aggregate[step->integer]);
    case CELL_LITERAL:
        out->there = true;
        out->integer = step->integer;
        return true;
    case CELL_MISSING:
        out->there = false;
        return true;
    case CELL_AND:
    case CELL_OR:
        join_cells(out, &cell[step->a], &cell[step->b], step->what == CELL_OR);
        return true;
    case CELL_NULL_TEST:
        out->there = true;
        out->truth = !cell[step->a].there;
        return true;
    case CELL_UNLESS:
        a = &cell[step->a];
        b = &cell[step->b];
        out->integer = a->integer;
        out->there = a->there && !(b->there && b->truth);
        return true;
    case CELL_EITHER:
        *out = cell[step->a].there ? cell[step->a] : cell[step->b];
        return true;
    default: /* CELL_CHOICE */
        a = &cell[step->a];
        *out = cell[a->there && a->truth ? step->b : step->c];
        return true;
    }
}

static bool take_steps(Cell *cell, const Flat *f, const Table *rows, const Column *aggregate)
{
    Cell *out = cell;
    for (const FlatStep *step = f->step, *end = step + f->count; step < end; step++, out++) {
        if (step->what < CELL_COMPUTED) {
            if (!take(out, f, step, cell, rows, aggregate))
                return false;
            continue;
        }
        const Cell *a = &cell[step->a], *b = &cell[step->b];
        out->there = a->there && b->there;
        if (out->there && !compute(out, step, a, b))
            return false;
    }
    return true;
}

/* A string is the code of a column's own dictionary. */
static bool copy_string(Column *out, const Flat *f, const Table *rows, const Column *aggregate)
{
    const FlatStep *step = &f->step[f->root];
    const Column *from = step->what == CELL_NAME ? find(f, step, rows) : &aggregate[step->integer];
    if (from == NULL)
        return true;
    if (!type_is_string(from->type))
        return false;
    if (from->dictionary != NULL)
        out->dictionary = from->dictionary;
    if (*from->valid & 1) {
        column_set_valid(out, 0);
        *out->code = *from->code;
    }
    return true;
}

static inline void put_cell(Column *out, const Cell *c)
{
    if (!c->there)
        return;
    column_set_valid(out, 0);
    if (out->type == TYPE_BOOLEAN)
        *out->boolean = c->truth;
    else
        *out->integer = c->integer; /* or the bits of a double */
}

bool lang_evaluate_cell(Column *out, const Expr *e, const Table *rows, const Column *aggregate)
{
    const Flat *f = e->flat;
    if (f == NULL)
        return false;
    if (type_is_string(out->type))
        return copy_string(out, f, rows, aggregate);
    Cell cell[STEPS_MOST];
    if (!take_steps(cell, f, rows, aggregate))
        return false;
    put_cell(out, &cell[f->root]);
    return true;
}

bool lang_evaluate_set(Column *out, Arena *keep, const ExprSet *s, const Table *rows)
{
    struct {
        uint64_t valid[2];
        int64_t data[2];
    } * room; /* what column_init makes for one row */
    Cell cell[STEPS_MOST];
    if (!take_steps(cell, s->flat, rows, NULL))
        return false;
    room = arena_alloc(keep, s->count, sizeof *room);
    for (size_t i = 0; i < s->count; i++) {
        const Node *root = s->of[i]->root;
        out[i] = (Column){.name = s->of[i]->text,
                          .type = root->type,
                          .scale = root->type == TYPE_DECIMAL ? root->scale : 0,
                          .valid = room[i].valid};
        out[i].data = room[i].data;
        put_cell(&out[i], &cell[s->root[i]]);
    }
    return true;
}
