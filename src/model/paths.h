/* paths.h - what explain_paths.c and explain_ways.c share: trees laid out for their contributions.
 */
#ifndef MODEL_PATHS_H
#define MODEL_PATHS_H

#include "model/model_internal.h"

enum { PAIRS_MAX = (POINTS_MAX + 1) / 2 };

typedef double Two __attribute__((vector_size(16)));

/* Splits stand in the order of a walk that goes left first: root, left subtree, right subtree. */
typedef struct Split {
    uint32_t column;
    float threshold;
    uint32_t enter, older; /* edge that leads here; the last one on the column, or NONE */
    uint32_t edge[2];
    uint8_t default_left;
} Split;

/* From a split to its child. Edges are numbered within their tree, those below an edge before it.
 */
typedef struct Edge {
    uint32_t column, into; /* `enter` of the split that it leaves */
    double leaf;           /* its value, or 0 */
} Edge;

#define NONE UINT32_MAX

typedef struct Ways Ways;

struct Paths {
    size_t points, pairs, edges_max; /* of a tree */
    double mean, size, at[POINTS_MAX];
    Two weight[PAIRS_MAX];
    size_t *split_of, *edge_of; /* [trees + 1] where a tree's begin */
    Split *split;
    Edge *edge;
    /* [edges][5][pairs]: factors when the row was lost to the column by now, and when not; gains
     * when it was lost before, is lost here, and is not. */
    Two *table;
    const Ways *ways;
};

/* Of a tree's edges, and after them of one that leads to the root: its product is 1. */
typedef struct Passing {
    Two *product, *sum; /* [edges + 1][pairs] */
    uint8_t *alive;     /* [edges + 1] did the row go this way at all splits on the column */
    uint32_t *gain;     /* [edges] where in the table its gains begin */
    uint8_t *right;     /* [splits] where the row goes: to be filled in before a pass */
} Passing;
Passing passing_new(Arena *scratch, const Paths *p);
/* Add a tree's contributions to phi, edge after edge; edge: the tree's, or others with columns of
 * their own. */
void paths_pass(double *phi, const Paths *p, size_t tree, const Edge *edge, const Passing *w);

/* Contributions of the trees that are small enough, for every way a row may take. Memory: keep. */
const Ways *ways_new(Arena *keep, Arena scratch, const Paths *p, size_t trees);
bool ways_know(const Ways *w, size_t tree);
/* The rows' values twice each, as ways_take wants them.  Memory: scratch. */
const float *ways_cells(Arena *scratch, const Matrix *x);
/* Add a tree's contributions and leaf of each row, with the bits of paths_pass. */
void ways_take(const Ways *w, size_t tree, const float *cell, const Matrix *x, double *phi,
               Closing *closing);

#endif
