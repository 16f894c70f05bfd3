/* explain_ways.c - the contributions of small trees, found once for every way a row may take.
 *
 * A tree of three levels has at most seven splits, and of the row nothing matters but the side it
 * takes at each of them. What an edge adds to its column depends on the splits above and below it,
 * so all edges on one side of the root depend on the root's split and on those of that side: on
 * four of them, sixteen ways. For each way the edges' numbers lie side by side, as a pass of
 * explain_paths.c makes them, and behind them the leaf where the row arrives: seven numbers and a
 * leaf are one line of memory. A row adds them up in the order of a pass: the same bits. */
#include "model/paths.h"

#include <math.h>

enum {
    BELOW_MAX = 4, /* splits below the root on one side: a table has 2^(1 + these) rows */
    LINE = 64 / sizeof(double),
    NUMBERS_MAX = (1 << 20) / sizeof(double) /* more would not stay near, and take long to fill */
};

/* A row goes right where its cell is not below the threshold. A missing value has two cells, one
 * below all thresholds and one above. */
typedef struct Turn {
    float threshold;
    uint32_t cell;
} Turn;

typedef struct Tree {
    uint32_t turn, column;    /* where its own begin */
    uint32_t number[2];       /* where the table of each side begins */
    uint8_t turns;            /* 0: not known */
    uint8_t below[2], row[2]; /* splits of each side; numbers of a row of its table */
} Tree;

struct Ways {
    Tree *tree;       /* [trees] */
    Turn *turn;       /* of all splits, the root's first, then the left side's */
    uint32_t *column; /* of all edges */
    double *number;
};

/* Edges of a side: one that leads there and two at each of its splits. */
static inline size_t edges_of(size_t below)
{
    return 2 * below + 1;
}

/* With the leaf; up to a line a power of two, so that no row lies across two lines. */
static inline size_t row_of(size_t below)
{
    size_t numbers = edges_of(below) + 1, row = 2;
    while (row < numbers && row < LINE)
        row *= 2;
    return row < numbers ? (numbers + LINE - 1) / LINE * LINE : row;
}

static size_t table_of(size_t below)
{
    return (row_of(below) << (1 + below)) + LINE; /* so many may be lost to begin on a line */
}

/* Splits on the left side of the root. */
static size_t lefts(const Paths *p, size_t tree)
{
    const Split *split = p->split + p->split_of[tree];
    return split->edge[0] / 2; /* the left side's other edges are numbered before its first */
}

static bool is_small(const Paths *p, size_t tree)
{
    size_t splits = p->split_of[tree + 1] - p->split_of[tree];
    if (splits == 0 || lefts(p, tree) > BELOW_MAX || splits - 1 - lefts(p, tree) > BELOW_MAX)
        return false;
    for (size_t i = p->split_of[tree]; i < p->split_of[tree + 1]; i++)
        if (!isfinite(p->split[i].threshold))
            return false;
    return true;
}

/* The value of the leaf where the row arrives. */
static double leaf_of(const Split *split, size_t splits, const Edge *edge, const uint8_t *right)
{
    size_t at = 2 * splits; /* the edge to the root; splits come after those above them */
    for (size_t i = 0; i < splits; i++)
        if (split[i].enter == at)
            at = split[i].edge[right[i]];
    return edge[at].leaf;
}

/* Both sides' tables at once: each is told the same way of its own splits. */
static void fill_tables(const Ways *w, const Tree *t, const Paths *p, size_t tree,
                        const Passing *passing, Arena scratch)
{
    const size_t splits = t->turns, edges = 2 * splits, left = t->below[0];
    const size_t most = left > t->below[1] ? left : t->below[1];
    const Edge *of = p->edge + p->edge_of[tree];
    Edge *edge = arena_copy(&scratch, of, edges * sizeof *edge);
    double *added = ARENA_RAW(&scratch, double, edges);
    for (size_t e = 0; e < edges; e++)
        edge[e].column = (uint32_t)e;
    for (size_t way = 0; way < (size_t)2 << most; way++) {
        passing->right[0] = way & 1;
        for (size_t i = 1; i < splits; i++)
            passing->right[i] = way >> (i > left ? i - left : i) & 1;
        for (size_t e = 0; e < edges; e++)
            added[e] = 0;
        paths_pass(added, p, tree, edge, passing);
        double leaf = leaf_of(p->split + p->split_of[tree], splits, of, passing->right);
        for (size_t side = 0, first = 0; side <= 1; first += edges_of(t->below[side++])) {
            if (way >= (size_t)2 << t->below[side])
                continue;
            double *row = w->number + t->number[side] + way * t->row[side];
            for (size_t e = 0; e < edges_of(t->below[side]); e++)
                row[e] = added[first + e];
            row[edges_of(t->below[side])] = leaf; /* read where the row takes this side */
        }
    }
}

const Ways *ways_new(Arena *keep, Arena scratch, const Paths *p, size_t trees)
{
    size_t numbers = LINE, turns = 0;
    for (size_t t = 0; t < trees; t++) {
        if (!is_small(p, t))
            continue;
        size_t splits = p->split_of[t + 1] - p->split_of[t], left = lefts(p, t);
        numbers += table_of(left) + table_of(splits - 1 - left);
        turns += splits;
    }
    if (turns == 0 || numbers > NUMBERS_MAX)
        return NULL;
    Ways *w = ARENA_NEW(keep, Ways);
    const Passing passing = passing_new(&scratch, p);
    w->tree = ARENA_ARRAY(keep, Tree, trees);
    w->turn = ARENA_RAW(keep, Turn, turns);
    w->column = ARENA_RAW(keep, uint32_t, 2 * turns);
    w->number = ARENA_ARRAY(keep, double, numbers);
    uint32_t turn = 0, column = 0;
    size_t number = (64 - (uintptr_t)w->number % 64) % 64 / sizeof *w->number;
    for (size_t t = 0; t < trees; t++) {
        if (!is_small(p, t))
            continue;
        Tree *tree = &w->tree[t];
        const Split *split = p->split + p->split_of[t];
        tree->turn = turn;
        tree->column = column;
        tree->turns = (uint8_t)(p->split_of[t + 1] - p->split_of[t]);
        tree->below[0] = (uint8_t)lefts(p, t);
        tree->below[1] = (uint8_t)(tree->turns - 1 - tree->below[0]);
        for (size_t side = 0; side <= 1; side++) {
            tree->row[side] = (uint8_t)row_of(tree->below[side]);
            tree->number[side] = (uint32_t)number;
            number += (size_t)tree->row[side] << (1 + tree->below[side]);
            number = (number + LINE - 1) / LINE * LINE;
        }
        for (size_t i = 0; i < tree->turns; i++)
            w->turn[turn++] =
                (Turn){split[i].threshold, 2 * split[i].column + split[i].default_left};
        for (size_t e = 0; e < 2 * (size_t)tree->turns; e++)
            w->column[column++] = p->edge[p->edge_of[t] + e].column;
        fill_tables(w, tree, p, t, &passing, scratch);
    }
    return w;
}

bool ways_know(const Ways *w, size_t tree)
{
    return w != NULL && w->tree[tree].turns > 0;
}

const float *ways_cells(Arena *scratch, const Matrix *x)
{
    size_t cells = x->rows * x->columns;
    float *out = ARENA_RAW(scratch, float, 2 * cells + 1);
    for (size_t i = 0; i < cells; i++) {
        float value = x->value[i];
        out[2 * i] = value != value ? INFINITY : value;      /* missing goes right */
        out[2 * i + 1] = value != value ? -INFINITY : value; /* missing goes left */
    }
    return out;
}

/* Where a row goes on one side of the root, what that adds, and the leaf if it comes this way. */
static inline __attribute__((always_inline)) double
take_side(double *restrict phi, const Turn *restrict turn, const uint32_t *restrict column,
          const double *restrict table, const float *restrict cell, size_t root, size_t below)
{
    size_t way = 0;
    for (size_t i = below; i-- > 0;)
        way = way << 1 | (cell[turn[i].cell] >= turn[i].threshold);
    const double *restrict number = table + (way << 1 | root) * row_of(below);
    for (size_t e = 0; e < edges_of(below); e++)
        phi[column[e]] += number[e];
    return number[edges_of(below)];
}

/* Loops of a length known when they are compiled are none. */
static double take_known(double *phi, const Turn *turn, const uint32_t *column, const double *table,
                         const float *cell, size_t root, size_t below)
{
    switch (below) {
    case 0:
        return take_side(phi, turn, column, table, cell, root, 0);
    case 1:
        return take_side(phi, turn, column, table, cell, root, 1);
    case 2:
        return take_side(phi, turn, column, table, cell, root, 2);
    case 3:
        return take_side(phi, turn, column, table, cell, root, 3);
    default:
        return take_side(phi, turn, column, table, cell, root, below);
    }
}

void ways_take(const Ways *w, size_t tree, const float *cell, const Matrix *x, double *phi,
               Closing *closing)
{
    const Tree *t = &w->tree[tree];
    const Turn *turn = w->turn + t->turn, *second = turn + 1 + t->below[0];
    const uint32_t *column = w->column + t->column;
    for (size_t r = 0; r < x->rows; r++, cell += 2 * x->columns, phi += x->columns + 1) {
        const size_t root = cell[turn->cell] >= turn->threshold;
        const double left =
            take_known(phi, turn + 1, column, w->number + t->number[0], cell, root, t->below[0]);
        const double right = take_known(phi, second, column + edges_of(t->below[0]),
                                        w->number + t->number[1], cell, root, t->below[1]);
        closing_add(&closing[r], (float)(root ? right : left));
    }
}
