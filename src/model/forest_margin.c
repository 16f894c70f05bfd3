#include "model/model_internal.h"

/* Margins of many rows.
 *
 * forest_row is the plain way and the oracle. For many rows the nodes are first laid out 16 bytes
 * each, so that a step costs one access, and leaves lead to themselves, so that a handful of rows
 * can go down a tree in lockstep without asking who has arrived: their loads overlap where one
 * row's would wait for each other. A row's leaves are added in the order of trees in either case,
 * so the bits are the same. */

enum {
    LAID_OUT_FROM = 64, /* rows: below it laying out costs more than it saves */
    ROWS_BLOCK = 64,    /* rows that one tree serves while it is in the cache */
    LANES = 8           /* rows in lockstep */
};

typedef struct Laid {
    float threshold; /* of a leaf: its value */
    uint32_t column; /* the lowest bit: a missing value goes right */
    uint32_t child[2];
} Laid;

float forest_leaf(const Forest *f, size_t tree, const float *row)
{
    uint32_t node = f->root[tree];
    while (f->left[node] != 0) {
        float value = row[f->column[node]];
        bool left = value != value ? f->default_left[node] : value < f->threshold[node];
        node = left ? f->left[node] : f->right[node];
    }
    return f->threshold[node];
}

float forest_row(const Forest *f, const float *row)
{
    float sum = f->base_margin;
    for (size_t t = 0; t < f->trees; t++)
        sum += forest_leaf(f, t, row);
    return sum;
}

static Laid *lay_out(Arena *arena, const Forest *f, uint8_t *depth)
{
    Laid *laid = ARENA_RAW(arena, Laid, f->nodes);
    uint8_t *below = ARENA_ARRAY(arena, uint8_t, f->nodes); /* splits from the root to a node */
    for (size_t t = 0; t < f->trees; t++) {
        uint32_t stack[FOREST_DEPTH_MAX + 2] = {f->root[t]};
        size_t height = 1;
        depth[t] = 0;
        while (height > 0) {
            uint32_t node = stack[--height];
            bool leaf = f->left[node] == 0;
            laid[node] =
                (Laid){.threshold = f->threshold[node],
                       .column = leaf ? 0 : f->column[node] << 1 | !f->default_left[node],
                       .child = {leaf ? node : f->left[node], leaf ? node : f->right[node]}};
            if (below[node] > depth[t])
                depth[t] = below[node];
            if (leaf)
                continue;
            below[f->left[node]] = below[f->right[node]] = (uint8_t)(below[node] + 1);
            stack[height++] = f->right[node];
            stack[height++] = f->left[node];
        }
    }
    return laid;
}

/* One tree, LANES rows: each lane's leaf is added to its sum. */
static void lanes_add(float *sum, const Laid *laid, uint32_t root, size_t depth, const float *row,
                      size_t stride)
{
    uint32_t at[LANES];
    for (size_t k = 0; k < LANES; k++)
        at[k] = root;
    for (size_t d = 0; d < depth; d++)
        for (size_t k = 0; k < LANES; k++) {
            const Laid *n = &laid[at[k]];
            float value = row[k * stride + (n->column >> 1)];
            uint32_t right = value != value ? n->column & 1 : !(value < n->threshold);
            at[k] = n->child[right];
        }
    for (size_t k = 0; k < LANES; k++)
        sum[k] += laid[at[k]].threshold;
}

void forest_margin(const Forest *f, const Matrix *x, double *margin)
{
    size_t whole = x->rows / LANES * LANES, done = 0;
    if (x->rows >= LAID_OUT_FROM) {
        Arena own = arena_new();
        uint8_t *depth = ARENA_ARRAY(&own, uint8_t, f->trees + 1);
        const Laid *laid = lay_out(&own, f, depth);
        for (; done < whole;) {
            size_t rows = whole - done < ROWS_BLOCK ? whole - done : ROWS_BLOCK;
            float sum[ROWS_BLOCK];
            for (size_t r = 0; r < rows; r++)
                sum[r] = f->base_margin;
            for (size_t t = 0; t < f->trees; t++)
                for (size_t r = 0; r < rows; r += LANES)
                    lanes_add(sum + r, laid, f->root[t], depth[t], matrix_row(x, done + r),
                              x->columns);
            for (size_t r = 0; r < rows; r++)
                margin[done + r] = (double)sum[r];
            done += rows;
        }
        arena_free(&own);
    }
    for (; done < x->rows; done++)
        margin[done] = (double)forest_row(f, matrix_row(x, done));
}
