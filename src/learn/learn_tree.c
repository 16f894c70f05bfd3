#include "learn/learn_split.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct Leaf {
    uint32_t node;
    size_t from, to; /* its rows in the sample */
    size_t depth;
    Sum sum;
    double low, high; /* bounds on its weight */
    Split split;
    int64_t *histogram; /* kept for its children; NULL when it cannot be split further */
} Leaf;

struct Grower {
    const Bins *bins;
    const int8_t *monotone;
    const ForestOptions *options;
    Team *team;
    /* Every leaf draws its own columns: then its histogram holds these alone, and is of no use to
     * its children. */
    bool own_columns;
    int64_t **pool; /* free histograms */
    size_t pool_count, pool_capacity;
    Leaf *open;
    size_t open_count;
    uint32_t *spare; /* for the stable partition */
    /* Columns that the two leaves being searched may be split by, when each draws its own. */
    uint8_t *own_built, *own_sibling, *drawn;
};

static size_t leaves_max(const ForestOptions *o, size_t rows)
{
    size_t most = o->depth < 32 ? (size_t)1 << o->depth : rows;
    if (o->leaves > 0 && o->leaves < most)
        most = o->leaves;
    return most < rows ? most : rows;
}

size_t grower_nodes_max(const ForestOptions *options, size_t rows)
{
    return 2 * leaves_max(options, rows) - 1;
}

Grower *grower_new(Arena *keep, const Bins *bins, const int8_t *monotone,
                   const ForestOptions *options, Team *team)
{
    Grower *g = ARENA_NEW(keep, Grower);
    g->bins = bins;
    g->monotone = monotone;
    g->options = options;
    /* Sharing out costs some microseconds a node: small work stays with the caller. */
    g->team = bins->rows * bins->columns >= 200000 ? team : NULL;
    g->own_columns = options->split_share < 1;
    size_t words = bins->tile_cell[bins->groups] * (bins_narrow(bins) ? 1 : 2);
    size_t leaves = leaves_max(options, bins->rows);
    /* Depth first keeps one histogram a level open, best first one a leaf. */
    size_t deepest = options->depth < leaves ? options->depth : leaves;
    g->pool_capacity = g->own_columns ? 1 : options->leaves > 0 ? leaves + 2 : deepest + 3;
    g->pool = ARENA_ARRAY(keep, int64_t *, g->pool_capacity);
    for (size_t i = 0; i < g->pool_capacity; i++)
        g->pool[i] = ARENA_RAW(keep, int64_t, words);
    g->open = ARENA_ARRAY(keep, Leaf, leaves + 1);
    g->spare = ARENA_RAW(keep, uint32_t, bins->rows);
    g->own_built = ARENA_RAW(keep, uint8_t, bins->columns);
    g->own_sibling = ARENA_RAW(keep, uint8_t, bins->columns);
    g->drawn = ARENA_RAW(keep, uint8_t, bins->columns);
    return g;
}

static int64_t *histogram_take(Grower *g)
{
    return g->pool[--g->pool_count];
}

static void histogram_give(Grower *g, int64_t *histogram)
{
    if (histogram != NULL && !g->own_columns) /* all leaves share the one */
        g->pool[g->pool_count++] = histogram;
}

/* ---- histograms ---- */

typedef struct Work {
    Grower *grower;
    const uint32_t *sample;
    const int64_t *packed;
    const uint8_t *column_in; /* of the tree */
    uint64_t seed;
    const uint8_t *column_built, *column_sibling; /* of the two leaves */
    Leaf *built;                                  /* its histogram is summed from its rows */
    Leaf *sibling; /* its histogram holds the parent's; NULL at the root */
    Search search_built, search_sibling;
    Split *best_built, *best_sibling; /* [groups] */
} Work;

static Listed listed_of(const Bins *b, size_t group, const uint8_t *column_in)
{
    Listed l = {.group = group};
    size_t from = group * GROUP, to = from + GROUP < b->columns ? from + GROUP : b->columns;
    for (size_t c = from; c < to; c++) {
        l.column[l.count] = (uint8_t)(c - from);
        l.cell[l.count] = b->cell[c];
        l.count += column_in[c];
    }
    return l;
}

/* Sums of a leaf's rows from .. to - 1, at most FIXED_ROWS of them, for the listed columns. */
static void cells_add(const Work *w, const Listed *l, size_t from, size_t to, int64_t *cells)
{
    const Bins *b = w->grower->bins;
    const uint8_t *tile = bins_tile(b, l->group);
    const uint32_t *cell = b->cell + l->group * GROUP;
    if (l->count > GROUP / 2) { /* the whole tile: fewer instructions for a column */
        memset(cells, 0, (b->tile_cell[l->group + 1] - b->tile_cell[l->group]) * sizeof *cells);
        for (size_t i = from; i < to; i++) {
            uint32_t row = w->sample[i];
            const uint8_t *code = tile + (size_t)row * GROUP;
            int64_t value = w->packed[row];
#pragma GCC unroll 16
            for (size_t c = 0; c < GROUP; c++)
                cells[cell[c] + code[c]] += value;
        }
        return;
    }
    for (size_t k = 0; k < l->count; k++)
        memset(cells + l->cell[k], 0,
               (b->count[l->group * GROUP + l->column[k]] + 1U) * sizeof *cells);
    for (size_t i = from; i < to; i++) {
        uint32_t row = w->sample[i];
        const uint8_t *code = tile + (size_t)row * GROUP;
        int64_t value = w->packed[row];
        for (size_t k = 0; k < l->count; k++)
            cells[l->cell[k] + code[l->column[k]]] += value;
    }
}

/* The tile's part of a histogram. */
static int64_t *tile_of(const Grower *g, int64_t *histogram, size_t group)
{
    return histogram + g->bins->tile_cell[group] * (bins_narrow(g->bins) ? 1 : 2);
}

static void leaf_sum(const Work *w, const Listed *l, const Leaf *leaf, int64_t *out, Arena scratch)
{
    if (bins_narrow(w->grower->bins)) {
        cells_add(w, l, leaf->from, leaf->to, out);
        return;
    }
    const Bins *b = w->grower->bins;
    size_t cells = b->tile_cell[l->group + 1] - b->tile_cell[l->group];
    int64_t *packed = ARENA_RAW(&scratch, int64_t, cells);
    memset(out, 0, 2 * cells * sizeof *out);
    for (size_t from = leaf->from; from < leaf->to; from += FIXED_ROWS) {
        size_t to = from + FIXED_ROWS < leaf->to ? from + FIXED_ROWS : leaf->to;
        cells_add(w, l, from, to, packed);
        for (size_t k = 0; k < l->count; k++)
            for (size_t c = l->cell[k]; c <= l->cell[k] + b->count[l->group * GROUP + l->column[k]];
                 c++) {
                int64_t hessian = packed[c] & 0xFFFFFFFF;
                out[2 * c] += (packed[c] - hessian) / ((int64_t)1 << 32);
                out[2 * c + 1] += hessian;
            }
    }
}

static void tile_subtract(const Work *w, const Listed *l, int64_t *large, const int64_t *small)
{
    const Bins *b = w->grower->bins;
    size_t words = bins_narrow(w->grower->bins) ? 1 : 2;
    if (l->count > GROUP / 2) {
        size_t cells = b->tile_cell[l->group + 1] - b->tile_cell[l->group];
        for (size_t c = 0; c < cells * words; c++)
            large[c] -= small[c];
        return;
    }
    for (size_t k = 0; k < l->count; k++) {
        size_t from = l->cell[k] * words;
        size_t to = from + (b->count[l->group * GROUP + l->column[k]] + 1U) * words;
        for (size_t c = from; c < to; c++)
            large[c] -= small[c];
    }
}

static void work_group(void *context, size_t group, Arena scratch)
{
    const Work *w = context;
    const Grower *g = w->grower;
    Listed l = listed_of(g->bins, group, w->column_built);
    int64_t *cells = tile_of(g, w->built->histogram, group);
    leaf_sum(w, &l, w->built, cells, scratch);
    w->best_built[group] = search_tile(&w->search_built, &l, cells);
    if (w->sibling == NULL)
        return;
    int64_t *other = tile_of(g, w->sibling->histogram, group);
    if (g->own_columns) { /* in the place of the one before */
        l = listed_of(g->bins, group, w->column_sibling);
        leaf_sum(w, &l, w->sibling, other, scratch);
    } else {
        tile_subtract(w, &l, other, cells);
    }
    w->best_sibling[group] = search_tile(&w->search_sibling, &l, other);
}

static Split split_first_best(const Split *of, size_t groups)
{
    Split best = {0};
    for (size_t i = 0; i < groups; i++)
        if (of[i].gain > best.gain)
            best = of[i];
    return best;
}

/* A leaf's own draw belongs to the tree and to the leaf's number, so it does not depend on which of
 * two siblings is searched first. */
static const uint8_t *leaf_columns(const Work *w, uint8_t *own, const Leaf *leaf)
{
    Grower *g = w->grower;
    if (!g->own_columns)
        return w->column_in;
    size_t columns = g->bins->columns, count = 0;
    for (size_t c = 0; c < columns; c++)
        count += w->column_in[c];
    Random random = random_new(seed_derive(w->seed, leaf->node));
    draw_share(g->drawn, count, g->options->split_share, &random);
    for (size_t c = 0, i = 0; c < columns; c++)
        own[c] = w->column_in[c] && g->drawn[i++];
    return own;
}

/* Fill the histograms of one leaf, or of two siblings of which the larger holds the parent's,
 * and find their best splits. */
static void leaves_search(Work *w, Leaf *built, Leaf *sibling, Fixed fixed, Arena scratch)
{
    Grower *g = w->grower;
    size_t groups = g->bins->groups;
    w->built = built;
    w->sibling = sibling;
    w->column_built = leaf_columns(w, g->own_built, built);
    w->column_sibling = sibling == NULL ? NULL : leaf_columns(w, g->own_sibling, sibling);
    w->search_built =
        search_new(g->bins, g->monotone, g->options, fixed, built->sum, built->low, built->high);
    if (sibling != NULL)
        w->search_sibling = search_new(g->bins, g->monotone, g->options, fixed, sibling->sum,
                                       sibling->low, sibling->high);
    w->best_built = ARENA_RAW(&scratch, Split, groups);
    w->best_sibling = ARENA_RAW(&scratch, Split, groups);
    share_out(g->team, groups, work_group, w, scratch);
    built->split = split_first_best(w->best_built, groups);
    if (sibling != NULL)
        sibling->split = split_first_best(w->best_sibling, groups);
}

/* ---- growing ---- */

/* Rows that go left to the front, order kept on both sides. */
static size_t partition(Grower *g, uint32_t *sample, const Leaf *leaf)
{
    const Bins *b = g->bins;
    const Split *s = &leaf->split;
    const uint8_t *tile = bins_tile(b, s->column / GROUP) + s->column % GROUP;
    /* Missing has the highest code: only when it goes left does it need a second look. */
    unsigned missing = b->count[s->column], bin = s->bin;
    size_t left = leaf->from, right = 0;
    for (size_t i = leaf->from; i < leaf->to; i++) {
        uint32_t row = sample[i];
        unsigned code = tile[(size_t)row * GROUP];
        bool goes_left = (code <= bin) | (s->missing_left & (code == missing));
        sample[left] = row;
        g->spare[right] = row;
        left += goes_left;
        right += !goes_left;
    }
    memcpy(sample + left, g->spare, right * sizeof *sample);
    return left;
}

static void leaf_close(Grower *g, TreeNode *node, const Leaf *leaf, const Terms *terms,
                       const uint32_t *sample, float *margin)
{
    double weight = weight_of(terms, leaf->sum, leaf->low, leaf->high);
    float value = (float)(weight * g->options->learning_rate);
    node[leaf->node] = (TreeNode){
        .threshold = value, .cover = (float)((double)leaf->sum.hessian * terms->hessian_unit)};
    for (size_t i = leaf->from; i < leaf->to; i++)
        margin[sample[i]] += value;
    histogram_give(g, leaf->histogram);
}

/* The children's bounds: as XGBoost's, the middle of their weights parts them. */
static void bounds_part(const Grower *g, const Leaf *parent, const Terms *terms, Leaf *left,
                        Leaf *right)
{
    left->low = right->low = parent->low;
    left->high = right->high = parent->high;
    int sign = g->monotone == NULL ? 0 : g->monotone[parent->split.column];
    if (sign == 0)
        return;
    double middle = (weight_of(terms, left->sum, parent->low, parent->high) +
                     weight_of(terms, right->sum, parent->low, parent->high)) /
                    2;
    if (sign > 0)
        left->high = right->low = middle;
    else
        left->low = right->high = middle;
}

/* The leaf to split next: the newest, or with a limit on leaves the one that gains most (the
 * lower node on a tie). */
static Leaf leaf_next(Grower *g)
{
    size_t chosen = g->open_count - 1;
    if (g->options->leaves > 0)
        for (size_t i = g->open_count; i-- > 0;) {
            const Leaf *a = &g->open[i], *best = &g->open[chosen];
            if (a->split.gain > best->split.gain ||
                (a->split.gain == best->split.gain && a->node < best->node))
                chosen = i;
        }
    Leaf out = g->open[chosen];
    memmove(g->open + chosen, g->open + chosen + 1, (--g->open_count - chosen) * sizeof *g->open);
    return out;
}

size_t grower_tree(Grower *g, TreeNode *node, uint32_t *sample, size_t count, const int64_t *packed,
                   Fixed fixed, const uint8_t *column_in, uint64_t seed, float *margin,
                   Arena scratch)
{
    const ForestOptions *o = g->options;
    const Terms terms = {o->l2, fixed.gradient_unit, fixed.hessian_unit};
    Work work = {
        .grower = g, .sample = sample, .packed = packed, .column_in = column_in, .seed = seed};
    size_t nodes = 1, leaves = 1, leaves_most = o->leaves > 0 ? o->leaves : SIZE_MAX;
    g->pool_count = g->pool_capacity;
    g->open_count = 0;

    Leaf root = {.to = count, .low = -DBL_MAX, .high = DBL_MAX, .histogram = histogram_take(g)};
    for (size_t i = 0; i < count; i++) {
        int64_t hessian = packed[sample[i]] & 0xFFFFFFFF;
        root.sum.hessian += hessian;
        root.sum.gradient += (packed[sample[i]] - hessian) / ((int64_t)1 << 32);
    }
    leaves_search(&work, &root, NULL, fixed, scratch);
    g->open[g->open_count++] = root;
    while (g->open_count > 0) {
        Leaf parent = leaf_next(g);
        const Split *s = &parent.split;
        if (!(s->gain > 0) || leaves >= leaves_most) {
            leaf_close(g, node, &parent, &terms, sample, margin);
            continue;
        }
        size_t middle = partition(g, sample, &parent);
        bool open = s->bin + 1U < g->bins->count[s->column]; /* else: all values | missing */
        node[parent.node] =
            (TreeNode){.left = (uint32_t)nodes,
                       .right = (uint32_t)nodes + 1,
                       .column = s->column,
                       .threshold = open ? g->bins->cut[s->column][s->bin] : FLT_MAX,
                       .default_left = s->missing_left,
                       .bin = s->bin,
                       .gain = (float)s->gain,
                       .cover = (float)((double)parent.sum.hessian * terms.hessian_unit)};
        Leaf left = {.node = (uint32_t)nodes,
                     .from = parent.from,
                     .to = middle,
                     .depth = parent.depth + 1,
                     .sum = s->left};
        Leaf right = {
            .node = (uint32_t)nodes + 1,
            .from = middle,
            .to = parent.to,
            .depth = parent.depth + 1,
            .sum = {parent.sum.gradient - s->left.gradient, parent.sum.hessian - s->left.hessian}};
        bounds_part(g, &parent, &terms, &left, &right);
        nodes += 2;
        leaves++;
        if (left.depth < o->depth && leaves < leaves_most) {
            Leaf *small = middle - parent.from <= parent.to - middle ? &left : &right;
            Leaf *large = small == &left ? &right : &left;
            large->histogram = parent.histogram;
            small->histogram = g->own_columns ? parent.histogram : histogram_take(g);
            leaves_search(&work, small, large, fixed, scratch);
        } else {
            histogram_give(g, parent.histogram);
        }
        g->open[g->open_count++] = right;
        g->open[g->open_count++] = left;
    }
    return nodes;
}

float tree_value(const TreeNode *tree, const float *x)
{
    uint32_t at = 0;
    while (tree[at].left != 0) {
        const TreeNode *n = &tree[at];
        float v = x[n->column];
        bool left = v == v ? v < n->threshold : n->default_left;
        at = left ? n->left : n->right;
    }
    return tree[at].threshold;
}
