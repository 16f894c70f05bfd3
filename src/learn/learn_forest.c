#include "learn/learn_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Usual for some hundred customers of whom sixty are positive: shallow trees, slow steps,
 * leaves of a dozen customers or more, every tree on its own four fifths. See
 * docs/learning.md for the reasons. */
ForestOptions forest_options_default(void)
{
    return (ForestOptions){.trees = 300,
                           .depth = 3,
                           .leaves = 0,
                           .bins = 32,
                           .learning_rate = 0.05,
                           .l2 = 5,
                           .hessian_min = 3,
                           .gain_min = 0,
                           .row_share = 0.8,
                           .column_share = 0.8,
                           .split_share = 1,
                           .patience = 30,
                           .seed = 1};
}

/* Breiman's: deep trees on samples of the size that a bootstrap leaves distinct (1 - 1/e), few
 * columns a split. Leaves keep half a dozen customers: their rates are averaged, not their votes.
 */
ForestOptions forest_options_random(void)
{
    enum { TREES = 200 };
    return (ForestOptions){.trees = TREES,
                           .depth = 10,
                           .bins = 32,
                           .learning_rate = 1.0 / TREES,
                           .l2 = 1,
                           .hessian_min = 1,
                           .row_share = 0.632,
                           .column_share = 1,
                           .split_share = 0.2,
                           .apart = true,
                           .seed = 1};
}

/* What a person can read; how many leaves is tuned. */
ForestOptions forest_options_tree(void)
{
    return (ForestOptions){.trees = 1,
                           .depth = 6,
                           .leaves = 16,
                           .bins = 32,
                           .learning_rate = 1,
                           .l2 = 1,
                           .hessian_min = 3,
                           .row_share = 1,
                           .column_share = 1,
                           .split_share = 1,
                           .apart = true,
                           .seed = 1};
}

static void options_check(const ForestOptions *o)
{
    assert(o->trees >= 1 && o->trees <= FOREST_TREES_MAX);
    assert(o->depth >= 1 && o->depth <= FOREST_DEPTH_MAX);
    assert(o->bins >= 2 && o->bins <= 255);
    assert(o->leaves == 0 || o->leaves >= 2);
    assert(o->learning_rate > 0 && o->l2 >= 0 && o->hessian_min >= 0);
    assert(o->row_share > 0 && o->row_share <= 1);
    assert(o->column_share > 0 && o->column_share <= 1);
    assert(o->split_share > 0 && o->split_share <= 1);
    (void)o;
}

Booster *booster_new(Arena *keep, const TrainingSet *set, const uint32_t *row, size_t rows,
                     const uint32_t *watch, size_t watch_rows, const ForestOptions *options,
                     uint64_t seed, Team *team)
{
    Bins *bins = bins_new(keep, set->x, row, rows, options->bins, team);
    return booster_on(bins, keep, set, row, watch, watch_rows, options, seed, team);
}

Booster *booster_on(const Bins *bins, Arena *keep, const TrainingSet *set, const uint32_t *row,
                    const uint32_t *watch, size_t watch_rows, const ForestOptions *options,
                    uint64_t seed, Team *team)
{
    size_t rows = bins->rows;
    options_check(options);
    Booster *b = ARENA_NEW(keep, Booster);
    b->set = set;
    b->options = options;
    b->row = row;
    b->rows = rows;
    b->seed = seed;
    b->team = team;
    b->watch = watch;
    b->watch_rows = watch_rows;
    size_t positives = 0;
    for (size_t i = 0; i < rows; i++)
        positives += set->label[row[i]] != 0;
    b->base = forest_base_margin((float)((double)positives / (double)rows));
    b->margin = ARENA_RAW(keep, float, rows);
    for (size_t i = 0; i < rows; i++)
        b->margin[i] = b->base;
    b->watch_margin = ARENA_RAW(keep, float, watch_rows);
    b->watch_wide = ARENA_RAW(keep, double, watch_rows);
    b->watch_probability = ARENA_RAW(keep, double, watch_rows);
    b->watch_label = ARENA_RAW(keep, uint8_t, watch_rows);
    for (size_t i = 0; i < watch_rows; i++) {
        b->watch_margin[i] = b->base;
        b->watch_label[i] = set->label[watch[i]] != 0;
    }
    b->packed = ARENA_RAW(keep, int64_t, rows);
    b->sample = ARENA_RAW(keep, uint32_t, rows);
    b->drawn = ARENA_RAW(keep, uint8_t, rows);
    b->column_in = ARENA_RAW(keep, uint8_t, set->x->columns);
    b->root = ARENA_ARRAY(keep, size_t, options->trees + 1);
    /* Address space for the most there can be; pages come as they are reached. */
    b->node = ARENA_RAW(keep, TreeNode, options->trees * grower_nodes_max(options, rows));
    b->bins = bins;
    b->grower = grower_new(keep, bins, set->monotone, options, team);
    return b;
}

/* Source: Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S. */
void draw_share(uint8_t *in, size_t n, double share, Random *random)
{
    size_t wanted = (size_t)floor(share * (double)n + 0.5);
    wanted = wanted < 1 ? 1 : wanted > n ? n : wanted;
    if (wanted == n) {
        memset(in, 1, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        in[i] = random_uniform(random) * (double)(n - i) < (double)wanted;
        wanted -= in[i];
    }
}

/* The finest units with which sums over FIXED_ROWS rows, or over all if there are fewer, stay
 * below 2^31: a gradient is at most 1 and a hessian at most 1/4. */
static int fixed_bits(size_t rows)
{
    size_t most = rows < FIXED_ROWS ? rows : FIXED_ROWS;
    int bits = 30;
    while (((size_t)1 << (30 - bits)) < most)
        bits--;
    return bits;
}

enum { BLOCK = 4096 };

static void pack_block(void *context, size_t block, Arena scratch)
{
    Booster *b = context;
    size_t from = block * BLOCK, to = from + BLOCK < b->rows ? from + BLOCK : b->rows;
    int bits = fixed_bits(b->rows);
    double gradient_counts = ldexp(1, bits), hessian_counts = ldexp(1, bits + 2);
    double *small = ARENA_RAW(&scratch, double, to - from);
    for (size_t i = from; i < to; i++)
        small[i - from] = -fabs((double)b->margin[i]);
    stable_exp_all(small, to - from);
    for (size_t i = from; i < to; i++) {
        double e = small[i - from], p = (b->margin[i] >= 0 ? 1.0 : e) / (1.0 + e);
        double gradient = p - (b->set->label[b->row[i]] != 0), hessian = p * (1 - p);
        int64_t g = (int64_t)floor(gradient * gradient_counts + 0.5);
        int64_t h = (int64_t)floor(hessian * hessian_counts + 0.5);
        b->packed[i] = g * ((int64_t)1 << 32) + (h < 1 ? 1 : h);
    }
}

/* Rows that the tree did not see get its value too, from their raw numbers. */
typedef struct Unseen {
    Booster *booster;
    const TreeNode *tree;
} Unseen;

static void unseen_block(void *context, size_t block, Arena scratch)
{
    Unseen *u = context;
    Booster *b = u->booster;
    (void)scratch;
    size_t to = (block + 1) * BLOCK < b->rows ? (block + 1) * BLOCK : b->rows;
    for (size_t i = block * BLOCK; i < to; i++)
        if (!b->drawn[i])
            b->margin[i] += tree_value(u->tree, matrix_row(b->set->x, b->row[i]));
}

void booster_step(Booster *b, Arena scratch)
{
    const ForestOptions *o = b->options;
    size_t blocks = (b->rows + BLOCK - 1) / BLOCK;
    Team *team = blocks > 1 ? b->team : NULL;
    if (!o->apart || b->trees == 0) /* trees apart all start from the base */
        share_out(team, blocks, pack_block, b, scratch);
    int bits = fixed_bits(b->rows);
    Fixed fixed = {ldexp(1, -bits), ldexp(1, -bits - 2)};

    uint64_t seed = seed_derive(b->seed, b->trees);
    Random random = random_new(seed);
    draw_share(b->drawn, b->rows, o->row_share, &random);
    draw_share(b->column_in, b->set->x->columns, o->column_share, &random);
    size_t count = 0;
    for (size_t i = 0; i < b->rows; i++) {
        b->sample[count] = (uint32_t)i;
        count += b->drawn[i];
    }
    TreeNode *tree = b->node + b->root[b->trees];
    size_t nodes = grower_tree(b->grower, tree, b->sample, count, b->packed, fixed, b->column_in,
                               seed, b->margin, scratch);
    if (count < b->rows)
        share_out(team, blocks, unseen_block, &(Unseen){b, tree}, scratch);
    for (size_t i = 0; i < b->watch_rows; i++)
        b->watch_margin[i] += tree_value(tree, matrix_row(b->set->x, b->watch[i]));
    b->trees++;
    b->root[b->trees] = b->root[b->trees - 1] + nodes;
}

double booster_watch_loss(const Booster *b)
{
    for (size_t i = 0; i < b->watch_rows; i++)
        b->watch_wide[i] = (double)b->watch_margin[i];
    return margins_loss(b->watch_wide, b->watch_label, b->watch_rows, b->watch_probability);
}

Forest *booster_forest(const Booster *b, Arena *keep, size_t trees)
{
    size_t nodes = b->root[trees], columns = b->set->x->columns;
    Forest *f = ARENA_NEW(keep, Forest);
    f->columns = columns;
    f->name = ARENA_ARRAY(keep, Str, columns);
    for (size_t c = 0; c < columns; c++)
        f->name[c] = str_copy(keep, b->set->x->name[c]);
    f->base_margin = b->base;
    f->trees = trees;
    f->nodes = nodes;
    forest_room(f, keep, nodes);
    for (size_t t = 0; t < trees; t++) {
        uint32_t root = (uint32_t)b->root[t];
        f->root[t + 1] = (uint32_t)b->root[t + 1];
        for (uint32_t i = root; i < f->root[t + 1]; i++) {
            const TreeNode *n = &b->node[i];
            f->left[i] = n->left == 0 ? 0 : root + n->left;
            f->right[i] = n->left == 0 ? 0 : root + n->right;
            f->column[i] = n->column;
            f->threshold[i] = n->threshold;
            f->default_left[i] = n->default_left;
            f->cover[i] = n->cover;
            f->gain[i] = n->gain;
        }
    }
    return f;
}

Status learn_forest(Forest **out, Arena *keep, Arena scratch, const TrainingSet *set,
                    const uint32_t *row, size_t rows, const uint32_t *watch, size_t watch_rows,
                    const ForestOptions *options, Team *team, Error *err)
{
    rows = row == NULL ? set->x->rows : rows;
    row = rows_or_all(&scratch, row, rows);
    TRY(learn_check_classes(set->label, row, rows, 2, err));
    Booster *b =
        booster_new(&scratch, set, row, rows, watch, watch_rows, options, options->seed, team);
    size_t best = options->trees;
    double lowest = INFINITY;
    while (b->trees < options->trees) {
        team_told(team, b->trees, options->trees);
        booster_step(b, scratch);
        if (watch_rows == 0 || options->patience == 0)
            continue;
        double loss = booster_watch_loss(b);
        if (loss < lowest) {
            lowest = loss;
            best = b->trees;
        } else if (b->trees - best >= options->patience) {
            break;
        }
    }
    *out = booster_forest(b, keep, best);
    return STATUS_OK;
}
