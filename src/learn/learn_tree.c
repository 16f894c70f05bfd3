#include "learn/learn_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double least_gain = 1e-6; /* as XGBoost's: below it a gain is rounding */

typedef struct Split {
    double gain; /* 0: none */
    uint32_t column;
    uint8_t bin; /* codes 0 .. bin go left */
    bool missing_left;
    Sum left;
} Split;

typedef struct Leaf {
    uint32_t node;
    size_t from, to; /* its rows in the sample */
    size_t depth;
    Sum sum;
    double low, high; /* bounds on its weight */
    Split split;
    Sum *histogram; /* NULL when it cannot be split further */
} Leaf;

struct Grower {
    const Bins *bins;
    const int8_t *monotone;
    const ForestOptions *options;
    Team *team;
    size_t histogram_size; /* sums of one node */
    Sum **pool;            /* free histograms */
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
    g->histogram_size = bins->groups * GROUP * bins->stride;
    size_t leaves = leaves_max(options, bins->rows);
    /* Depth first keeps one histogram a level open, best first one a leaf. */
    size_t deepest = options->depth < leaves ? options->depth : leaves;
    g->pool_capacity = options->leaves > 0 ? leaves + 2 : deepest + 3;
    g->pool = ARENA_ARRAY(keep, Sum *, g->pool_capacity);
    for (size_t i = 0; i < g->pool_capacity; i++)
        g->pool[i] = ARENA_RAW(keep, Sum, g->histogram_size);
    g->open = ARENA_ARRAY(keep, Leaf, leaves + 1);
    g->spare = ARENA_RAW(keep, uint32_t, bins->rows);
    g->own_built = ARENA_RAW(keep, uint8_t, bins->columns);
    g->own_sibling = ARENA_RAW(keep, uint8_t, bins->columns);
    g->drawn = ARENA_RAW(keep, uint8_t, bins->columns);
    return g;
}

static Sum *histogram_take(Grower *g)
{
    return g->pool[--g->pool_count];
}

static void histogram_give(Grower *g, Sum *histogram)
{
    if (histogram != NULL)
        g->pool[g->pool_count++] = histogram;
}

/* ---- weights and gains, as XGBoost's ---- */

typedef struct Terms {
    double l2, gradient_unit, hessian_unit;
} Terms;

static double weight_of(const Terms *t, Sum s, double low, double high)
{
    double w =
        -((double)s.gradient * t->gradient_unit) / ((double)s.hessian * t->hessian_unit + t->l2);
    return w < low ? low : w > high ? high : w;
}

/* What giving the rows of s this weight gains over weight 0, doubled. */
static double gain_of(const Terms *t, Sum s, double weight)
{
    double gradient = (double)s.gradient * t->gradient_unit;
    double hessian = (double)s.hessian * t->hessian_unit + t->l2;
    return -(2 * gradient * weight + hessian * weight * weight);
}

typedef struct Search {
    const Grower *grower;
    Sum all;          /* of the rows that are parted */
    double low, high; /* bounds on the weights */
    Terms terms;
    double parent_gain;
    bool bounded;     /* some weight may have to be clipped */
    double scale, l2; /* of gains and of the penalty, in counts */
    int64_t hessian_min;
    double least; /* gains must exceed it */
} Search;

static Search search_of(const Grower *g, const Leaf *leaf, Fixed fixed)
{
    const ForestOptions *o = g->options;
    Search s = {.grower = g,
                .all = leaf->sum,
                .low = leaf->low,
                .high = leaf->high,
                .terms = {o->l2, fixed.gradient_unit, fixed.hessian_unit},
                .least = o->gain_min > least_gain ? o->gain_min : least_gain};
    s.parent_gain = gain_of(&s.terms, s.all, weight_of(&s.terms, s.all, s.low, s.high));
    s.bounded = leaf->low > -DBL_MAX || leaf->high < DBL_MAX;
    s.scale = fixed.gradient_unit * fixed.gradient_unit / fixed.hessian_unit;
    s.l2 = o->l2 / fixed.hessian_unit;
    s.hessian_min = (int64_t)ceil(o->hessian_min / fixed.hessian_unit);
    if (s.hessian_min < 1)
        s.hessian_min = 1; /* every row has a hessian of at least 1: no empty side */
    return s;
}

/* The gain when weights are free, G^2 / (H + l2) on both sides, with a single division. */
static double gain_free(const Search *s, Sum left, Sum right)
{
    double left_g = (double)left.gradient, left_h = (double)left.hessian + s->l2;
    double right_g = (double)right.gradient, right_h = (double)right.hessian + s->l2;
    double both = (left_g * left_g * right_h + right_g * right_g * left_h) / (left_h * right_h);
    return s->scale * both - s->parent_gain;
}

/* The gain with weights clipped to the leaf's bounds; negative when they break the sign. */
static double gain_within(const Search *s, Sum left, Sum right, int sign)
{
    double left_weight = weight_of(&s->terms, left, s->low, s->high);
    double right_weight = weight_of(&s->terms, right, s->low, s->high);
    if (sign * (right_weight - left_weight) < 0)
        return -1;
    return gain_of(&s->terms, left, left_weight) + gain_of(&s->terms, right, right_weight) -
           s->parent_gain;
}

static inline void split_try(const Search *s, Split *best, size_t column, size_t bin,
                             bool missing_left, Sum left)
{
    Sum right = {s->all.gradient - left.gradient, s->all.hessian - left.hessian};
    if (left.hessian < s->hessian_min || right.hessian < s->hessian_min)
        return;
    int sign = s->grower->monotone == NULL ? 0 : s->grower->monotone[column];
    double gain =
        s->bounded || sign != 0 ? gain_within(s, left, right, sign) : gain_free(s, left, right);
    if (gain > s->least && gain > best->gain)
        *best = (Split){gain, (uint32_t)column, (uint8_t)bin, missing_left, left};
}

/* The best split of a column with too few missing rows to learn from: the others alone choose it,
 * as if those rows were not there, and missing values then go where more of the others went, left
 * on a tie. The side they join counts them among its rows; bounds_part keeps the column's sign
 * whatever they do to its weight. */
static void split_column_rare(const Search *s, Split *best, size_t column, const Sum *histogram)
{
    const Bins *b = s->grower->bins;
    size_t count = b->count[column];
    const Sum *h = histogram + column * b->stride;
    Sum missing = h[count], sum = {0, 0};
    Search present = *s;
    if (missing.hessian > 0) {
        present.all.gradient -= missing.gradient;
        present.all.hessian -= missing.hessian;
        present.parent_gain =
            gain_of(&s->terms, present.all, weight_of(&s->terms, present.all, s->low, s->high));
    }
    Split own = {.gain = best->gain};
    for (size_t bin = 0; bin + 1 < count; bin++) {
        if (h[bin].hessian == 0)
            continue;
        sum.gradient += h[bin].gradient;
        sum.hessian += h[bin].hessian;
        split_try(&present, &own, column, bin, true, sum);
    }
    if (!(own.gain > best->gain))
        return;
    own.missing_left = own.left.hessian >= present.all.hessian - own.left.hessian;
    if (own.missing_left) {
        own.left.gradient += missing.gradient;
        own.left.hessian += missing.hessian;
    }
    *best = own;
}

/* The best split of one column. On equal gain the first tried stands: lower bins first, and
 * for each bin missing values to the left first. */
static void split_column(const Search *s, Split *best, size_t column, const Sum *histogram)
{
    const Bins *b = s->grower->bins;
    if (b->rare[column]) {
        split_column_rare(s, best, column, histogram);
        return;
    }
    size_t count = b->count[column];
    const Sum *h = histogram + column * b->stride;
    Sum missing = h[count], sum = {0, 0};
    bool any_missing = missing.hessian > 0;
    size_t last = any_missing && !b->closed[column] ? count : count - 1;
    for (size_t bin = 0; bin < last; bin++) {
        if (h[bin].hessian == 0)
            continue; /* the same two sides as one bin earlier */
        sum.gradient += h[bin].gradient;
        sum.hessian += h[bin].hessian;
        if (bin + 1 < count || !any_missing)
            split_try(s, best, column, bin, true,
                      (Sum){sum.gradient + missing.gradient, sum.hessian + missing.hessian});
        if (any_missing)
            split_try(s, best, column, bin, false, sum);
    }
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

static void histogram_group(const Work *w, size_t group, Arena scratch)
{
    const Bins *b = w->grower->bins;
    const uint8_t *tile = bins_tile(b, group);
    size_t cells = GROUP * b->stride, stride = b->stride;
    int64_t *packed = ARENA_RAW(&scratch, int64_t, cells);
    Sum *out = w->built->histogram + group * cells;
    for (size_t from = w->built->from; from < w->built->to; from += FIXED_ROWS) {
        size_t to = from + FIXED_ROWS < w->built->to ? from + FIXED_ROWS : w->built->to;
        memset(packed, 0, cells * sizeof *packed);
        for (size_t i = from; i < to; i++) {
            uint32_t row = w->sample[i];
            const uint8_t *code = tile + (size_t)row * GROUP;
            int64_t value = w->packed[row];
            for (size_t c = 0; c < GROUP; c++)
                packed[c * stride + code[c]] += value;
        }
        bool first = from == w->built->from;
        for (size_t c = 0; c < cells; c++) {
            int64_t hessian = packed[c] & 0xFFFFFFFF;
            Sum sum = {(packed[c] - hessian) / ((int64_t)1 << 32), hessian};
            out[c].gradient = first ? sum.gradient : out[c].gradient + sum.gradient;
            out[c].hessian = first ? sum.hessian : out[c].hessian + sum.hessian;
        }
    }
}

static void work_group(void *context, size_t group, Arena scratch)
{
    const Work *w = context;
    const Bins *b = w->grower->bins;
    size_t cells = GROUP * b->stride;
    histogram_group(w, group, scratch);
    if (w->sibling != NULL) {
        const Sum *small = w->built->histogram + group * cells;
        Sum *large = w->sibling->histogram + group * cells;
        for (size_t c = 0; c < cells; c++) {
            large[c].gradient -= small[c].gradient;
            large[c].hessian -= small[c].hessian;
        }
    }
    size_t from = group * GROUP, to = from + GROUP < b->columns ? from + GROUP : b->columns;
    w->best_built[group] = (Split){0};
    w->best_sibling[group] = (Split){0};
    for (size_t c = from; c < to; c++) {
        if (w->column_built[c])
            split_column(&w->search_built, &w->best_built[group], c, w->built->histogram);
        if (w->sibling != NULL && w->column_sibling[c])
            split_column(&w->search_sibling, &w->best_sibling[group], c, w->sibling->histogram);
    }
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
    double share = g->options->split_share;
    if (!(share < 1))
        return w->column_in;
    size_t columns = g->bins->columns, count = 0;
    for (size_t c = 0; c < columns; c++)
        count += w->column_in[c];
    Random random = random_new(seed_derive(w->seed, leaf->node));
    draw_share(g->drawn, count, share, &random);
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
    w->search_built = search_of(g, built, fixed);
    if (sibling != NULL)
        w->search_sibling = search_of(g, sibling, fixed);
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
            small->histogram = histogram_take(g);
            large->histogram = parent.histogram;
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
