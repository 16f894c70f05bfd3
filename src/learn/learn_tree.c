#include "learn/learn_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

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
    int64_t *histogram; /* kept for its children; NULL when it cannot be split further */
} Leaf;

struct Grower {
    const Bins *bins;
    const int8_t *monotone;
    const ForestOptions *options;
    Team *team;
    /* A cell is one word of Fixed sums while those cannot overflow, else two: a Sum. */
    bool narrow;
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
    g->narrow = bins->rows <= FIXED_ROWS;
    g->own_columns = options->split_share < 1;
    size_t words = bins->tile_cell[bins->groups] * (g->narrow ? 1 : 2);
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
    s.bounded = leaf->low > -DBL_MAX || leaf->high < DBL_MAX;
    s.scale = fixed.gradient_unit * fixed.gradient_unit / fixed.hessian_unit;
    s.l2 = o->l2 / fixed.hessian_unit;
    s.hessian_min = (int64_t)ceil(o->hessian_min / fixed.hessian_unit);
    if (s.hessian_min < 1)
        s.hessian_min = 1; /* every row has a hessian of at least 1: no empty side */
    return s;
}

/* A sum as whole doubles, which hold it exactly: gradient and hessian in one vector, in the order
 * in which a packed word has them in memory. */
typedef double Pair __attribute__((vector_size(16)));
typedef int32_t Halves __attribute__((vector_size(8)));
enum { HESSIAN = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 1, GRADIENT = 1 - HESSIAN };

static inline Pair pair_of_sum(Sum s)
{
    return HESSIAN == 0 ? (Pair){(double)s.hessian, (double)s.gradient}
                        : (Pair){(double)s.gradient, (double)s.hessian};
}

static inline Sum sum_of_pair(Pair p)
{
    return (Sum){(int64_t)p[GRADIENT], (int64_t)p[HESSIAN]};
}

/* One column of a histogram. */
typedef struct Cells {
    const int64_t *word;
    bool narrow;
} Cells;

ALWAYS_INLINE bool cell_empty(Cells c, size_t i)
{
    return (c.narrow ? c.word[i] : c.word[2 * i + 1]) ==
           0; /* each row has a hessian of 1 or more */
}

ALWAYS_INLINE Pair cell_of(Cells c, size_t i)
{
    if (!c.narrow)
        return pair_of_sum((Sum){c.word[2 * i], c.word[2 * i + 1]});
    Halves halves; /* the lower never borrows from the upper: a hessian is not negative */
    memcpy(&halves, c.word + i, sizeof halves);
    return __builtin_convertvector(halves, Pair);
}

/* Of the rows that are parted, what a split is judged by. */
typedef struct Parted {
    const Search *search;
    Pair all, l2; /* in counts */
    double hessian_min, parent_gain;
} Parted;

static Parted parted_of(const Search *s, Sum all)
{
    double gain = gain_of(&s->terms, all, weight_of(&s->terms, all, s->low, s->high));
    return (Parted){s, pair_of_sum(all), HESSIAN == 0 ? (Pair){s->l2, 0} : (Pair){0, s->l2},
                    (double)s->hessian_min, gain};
}

/* The best split so far, and what G^2 / (H + l2) of both sides, in counts, a gain that may be
 * better must reach at least. It is lower by far more than rounding can be, so that what falls
 * short needs no division, nor a look at bounds and signs: those can only lower a gain. */
typedef struct Best {
    double gain;
    double reach;
    uint8_t bin;
    bool missing_left;
    Pair left;
} Best;

static double reach_of(const Parted *p, double gain)
{
    const Search *s = p->search;
    return (p->parent_gain + (gain > s->least ? gain : s->least)) / s->scale * (1 - 1e-12);
}

/* The gain with weights clipped to the leaf's bounds; negative when they break the sign. */
static double gain_within(const Parted *p, Pair left, int sign)
{
    const Search *s = p->search;
    Sum left_sum = sum_of_pair(left), right_sum = sum_of_pair(p->all - left);
    double left_weight = weight_of(&s->terms, left_sum, s->low, s->high);
    double right_weight = weight_of(&s->terms, right_sum, s->low, s->high);
    if (sign * (right_weight - left_weight) < 0)
        return -1;
    return gain_of(&s->terms, left_sum, left_weight) + gain_of(&s->terms, right_sum, right_weight) -
           p->parent_gain;
}

ALWAYS_INLINE void split_try(const Parted *p, Best *best, size_t bin, int sign, bool missing_left,
                             Pair left)
{
    Pair right = p->all - left;
    if (left[HESSIAN] < p->hessian_min || right[HESSIAN] < p->hessian_min)
        return;
    Pair l = left + p->l2, r = right + p->l2;
    double over = l[GRADIENT] * l[GRADIENT] * r[HESSIAN] + r[GRADIENT] * r[GRADIENT] * l[HESSIAN];
    double under = l[HESSIAN] * r[HESSIAN];
    if (over < best->reach * under)
        return;
    const Search *s = p->search;
    double gain = s->bounded || sign != 0 ? gain_within(p, left, sign)
                                          : s->scale * (over / under) - p->parent_gain;
    if (gain > s->least && gain > best->gain)
        *best = (Best){gain, reach_of(p, gain), (uint8_t)bin, missing_left, left};
}

/* Every split of one column, missing values on either side. On equal gain the first tried stands:
 * lower bins first, and for each bin missing values to the left first. */
ALWAYS_INLINE void splits_try(const Parted *p, Best *best, size_t count, bool closed, int sign,
                              Cells cells)
{
    Pair missing = cell_of(cells, count), sum = {0, 0};
    bool any_missing = missing[HESSIAN] > 0;
    size_t last = any_missing && !closed ? count : count - 1;
    for (size_t bin = 0; bin < last; bin++) {
        if (cell_empty(cells, bin))
            continue; /* the same two sides as one bin earlier */
        sum += cell_of(cells, bin);
        if (bin + 1 < count || !any_missing)
            split_try(p, best, bin, sign, true, sum + missing);
        if (any_missing)
            split_try(p, best, bin, sign, false, sum);
    }
}

/* The best split of a column with too few missing rows to learn from: the others alone choose it,
 * as if those rows were not there, and missing values then go where more of the others went, left
 * on a tie. The side they join counts them among its rows; bounds_part keeps the column's sign
 * whatever they do to its weight. */
ALWAYS_INLINE void splits_try_rare(const Parted *p, Best *best, size_t count, int sign, Cells cells)
{
    Pair missing = cell_of(cells, count), sum = {0, 0};
    Parted present = *p;
    if (missing[HESSIAN] > 0)
        present = parted_of(p->search, sum_of_pair(p->all - missing));
    double before = best->gain;
    best->reach = reach_of(&present, before);
    for (size_t bin = 0; bin + 1 < count; bin++) {
        if (cell_empty(cells, bin))
            continue;
        sum += cell_of(cells, bin);
        split_try(&present, best, bin, sign, true, sum);
    }
    if (best->gain > before) {
        best->missing_left = best->left[HESSIAN] >= present.all[HESSIAN] - best->left[HESSIAN];
        if (best->missing_left)
            best->left += missing;
    }
    best->reach = reach_of(p, best->gain);
}

ALWAYS_INLINE void split_column(const Parted *p, Split *best, Best *at, size_t column, Cells cells)
{
    const Grower *g = p->search->grower;
    int sign = g->monotone == NULL ? 0 : g->monotone[column];
    size_t count = g->bins->count[column];
    double before = at->gain;
    if (g->bins->rare[column])
        splits_try_rare(p, at, count, sign, cells);
    else
        splits_try(p, at, count, g->bins->closed[column], sign, cells);
    if (at->gain > before)
        *best =
            (Split){at->gain, (uint32_t)column, at->bin, at->missing_left, sum_of_pair(at->left)};
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

/* The columns of a tile that are looked at. */
typedef struct Listed {
    size_t group, count;
    uint8_t column[GROUP]; /* [count] within the tile */
    uint32_t cell[GROUP];  /* [count] */
} Listed;

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
    return histogram + g->bins->tile_cell[group] * (g->narrow ? 1 : 2);
}

static void leaf_sum(const Work *w, const Listed *l, const Leaf *leaf, int64_t *out, Arena scratch)
{
    if (w->grower->narrow) {
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
    size_t words = w->grower->narrow ? 1 : 2;
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

static Split tile_split(const Grower *g, const Search *s, const Listed *l, const int64_t *words)
{
    Parted p = parted_of(s, s->all);
    Split best = {0};
    Best at = {.reach = reach_of(&p, 0)};
    for (size_t k = 0; k < l->count; k++) {
        size_t column = l->group * GROUP + l->column[k];
        if (g->narrow)
            split_column(&p, &best, &at, column, (Cells){words + l->cell[k], true});
        else
            split_column(&p, &best, &at, column, (Cells){words + 2 * (size_t)l->cell[k], false});
    }
    return best;
}

static void work_group(void *context, size_t group, Arena scratch)
{
    const Work *w = context;
    const Grower *g = w->grower;
    Listed l = listed_of(g->bins, group, w->column_built);
    int64_t *cells = tile_of(g, w->built->histogram, group);
    leaf_sum(w, &l, w->built, cells, scratch);
    w->best_built[group] = tile_split(g, &w->search_built, &l, cells);
    if (w->sibling == NULL)
        return;
    int64_t *other = tile_of(g, w->sibling->histogram, group);
    if (g->own_columns) { /* in the place of the one before */
        l = listed_of(g->bins, group, w->column_sibling);
        leaf_sum(w, &l, w->sibling, other, scratch);
    } else {
        tile_subtract(w, &l, other, cells);
    }
    w->best_sibling[group] = tile_split(g, &w->search_sibling, &l, other);
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
