/* explain_paths.c - what every row's contributions need of a forest, found once.
 *
 * The plain way (explain.c) walks every branch of every tree for each row, and finds again what the
 * row has no part in: shares of covers, factors at the points, what a column gains. Of the row only
 * the sides that it takes matter: for a column's factor, whether it went its way at all splits on
 * the column from the root to an edge, and to the one before it on that column. So an edge's
 * factors and gains are laid out for each of these cases, and a row is two straight passes: down
 * over the splits for the products, up over the edges for the sums. Both do the plain way's
 * arithmetic in the plain way's order: the same bits. Points go in twos; the last one of an odd
 * number has a fellow whose factors are 1 and whose gains are 0, so that it adds nothing. */
#include "model/paths.h"

enum { BYTES_MAX = 1 << 25 };

typedef struct Laying {
    const Forest *forest;
    Paths *paths;
    Flow *zero;     /* [columns] of the columns on the path */
    uint32_t *last; /* [columns] edge that led here by the column, or NONE */
    size_t tree, splits, edges;
    bool sound;
} Laying;

static double factor(double zero, double one, double t)
{
    return flow_factor((Flow){zero, one}, t);
}

static void lay_edge(Laying *w, size_t e, Flow before, double zero, bool fresh)
{
    Paths *p = w->paths;
    const size_t pairs = p->pairs;
    Two *table = p->table + (p->edge_of[w->tree] + e) * 5 * pairs;
    static const double one_before[] = {0, 1, 1}, one_now[] = {0, 0, 1};
    for (size_t k = 0; k < 5 * pairs; k++)
        table[k] = k < 2 * pairs ? (Two){1, 1} : (Two){0, 0};
    for (size_t g = 0; g < p->points; g++) {
        table[g / 2][g % 2] = factor(zero, 0, p->at[g]);
        table[pairs + g / 2][g % 2] = factor(zero, 1, p->at[g]);
        for (size_t k = 0; k < COUNT_OF(one_now); k++) {
            double gain = (one_now[k] - zero) / factor(zero, one_now[k], p->at[g]);
            if (!fresh)
                gain -=
                    (one_before[k] - before.zero) / factor(before.zero, one_before[k], p->at[g]);
            table[(2 + k) * pairs + g / 2][g % 2] = gain;
        }
    }
}

/* Edges get their numbers on the way back, so a split is told of its own when it knows them. */
static size_t count_edges(const Forest *f, uint32_t node)
{
    return f->left[node] == 0 ? 0
                              : 2 + count_edges(f, f->left[node]) + count_edges(f, f->right[node]);
}

/* The edges below node are numbered from w->edges on, and `enter` comes right after them. */
static void lay_node(Laying *w, uint32_t node, uint32_t enter)
{
    const Forest *f = w->forest;
    Paths *p = w->paths;
    uint32_t column = f->column[node];
    Flow before = w->zero[column];
    uint32_t last = w->last[column];
    Split *s = &p->split[p->split_of[w->tree] + w->splits++];
    *s = (Split){column, f->threshold[node], enter, last, {0, 0}, f->default_left[node]};
    double share = forest_left_share(f, node);
    for (int right = 0; right <= 1; right++) {
        uint32_t child = right ? f->right[node] : f->left[node];
        uint32_t e = (uint32_t)(w->edges + count_edges(f, child));
        double zero = before.zero * (right ? 1 - share : share);
        bool leaf = f->left[child] == 0;
        w->sound = w->sound && zero > 0;
        s->edge[right] = e;
        p->edge[p->edge_of[w->tree] + e] =
            (Edge){column, enter, leaf ? (double)f->threshold[child] : 0};
        lay_edge(w, e, before, zero, last == NONE);
        w->zero[column] = (Flow){zero, 1};
        w->last[column] = e;
        if (!leaf)
            lay_node(w, child, e);
        w->edges = e + 1;
    }
    w->zero[column] = before;
    w->last[column] = last;
}

/* Trees are laid out by two threads: each tree has its own places. */
enum { HALVES = 2, ALONE_EDGES = 1 << 12 }; /* fewer are laid sooner than a thread is started */
typedef struct Halves {
    const Forest *forest;
    Paths *paths;
    bool sound[HALVES];
} Halves;

static void lay_half(void *context, size_t task, Arena scratch)
{
    Halves *h = context;
    const Forest *f = h->forest;
    Laying w = {.forest = f, .paths = h->paths, .sound = true};
    w.zero = ARENA_RAW(&scratch, Flow, f->columns);
    w.last = ARENA_RAW(&scratch, uint32_t, f->columns);
    for (size_t c = 0; c < f->columns; c++) {
        w.zero[c] = (Flow){1, 1};
        w.last[c] = NONE;
    }
    size_t last = f->trees * (task + 1) / HALVES;
    for (w.tree = f->trees * task / HALVES; w.tree < last; w.tree++) {
        size_t own = w.paths->edge_of[w.tree + 1] - w.paths->edge_of[w.tree];
        w.splits = w.edges = 0;
        if (own > 0)
            lay_node(&w, f->root[w.tree], (uint32_t)own);
    }
    h->sound[task] = w.sound;
}

void forest_prepare(Forest *f, Arena *keep)
{
    Paths *p = ARENA_NEW(keep, Paths);
    size_t splits = (f->nodes - f->trees) / 2, edges = 2 * splits;
    double weight[POINTS_MAX];
    p->points = forest_points(f, p->at, weight);
    p->pairs = (p->points + 1) / 2;
    if (f->nodes > UINT32_MAX / 2 ||
        edges * (sizeof(Edge) + 5 * p->pairs * sizeof(Two)) > BYTES_MAX)
        return; /* the plain way needs no memory */
    Arena before = *keep;
    for (size_t g = 0; g < p->points; g++)
        p->weight[g / 2][g % 2] = weight[g];
    p->mean = forest_mean(f, &p->size);
    p->split_of = ARENA_ARRAY(keep, size_t, f->trees + 1);
    p->edge_of = ARENA_ARRAY(keep, size_t, f->trees + 1);
    p->split = ARENA_RAW(keep, Split, splits + 1);
    p->edge = ARENA_RAW(keep, Edge, edges + 1);
    p->table = ARENA_RAW(keep, Two, edges * 5 * p->pairs + 1);
    for (size_t t = 0; t < f->trees; t++) {
        size_t own = count_edges(f, f->root[t]);
        p->edges_max = own > p->edges_max ? own : p->edges_max;
        p->split_of[t + 1] = p->split_of[t] + own / 2;
        p->edge_of[t + 1] = p->edge_of[t] + own;
    }
    Halves h = {.forest = f, .paths = p};
    Team *team = edges > ALONE_EDGES && team_processors() > 1 ? team_new(HALVES) : NULL;
    team_run(team, HALVES, lay_half, &h);
    team_free(team);
    if (!h.sound[0] || !h.sound[1]) { /* nobody came this way in training: factors could be 0 */
        *keep = before;
        return;
    }
    f->paths = p;
    Arena own = arena_new();
    p->ways = ways_new(keep, own, p, f->trees);
    arena_free(&own);
}

/* ---- a row ---- */

/* The products from the root to every edge, and what leaves are worth. */
static inline __attribute__((always_inline)) void
pass_down(const Split *restrict split, size_t splits, const Edge *restrict edge,
          const Two *restrict table, const uint8_t *restrict goes_right, const Passing *w,
          const size_t pairs)
{
    Two *restrict product = w->product, *restrict sum = w->sum;
    uint8_t *restrict alive = w->alive;
    uint32_t *restrict gain = w->gain;
    for (size_t i = 0; i < splits; i++) {
        const Split *s = &split[i];
        unsigned right = goes_right[i];
        Two above[PAIRS_MAX];
        unsigned was = 1;
        for (size_t g = 0; g < pairs; g++)
            above[g] = product[s->enter * pairs + g];
        if (s->older != NONE) {
            was = alive[s->older];
            const Two *old = table + (s->older * 5 + was) * pairs;
            for (size_t g = 0; g < pairs; g++)
                above[g] /= old[g];
        }
        for (unsigned side = 0; side <= 1; side++) {
            size_t e = s->edge[side];
            unsigned now = was & (right == side);
            const Two *new = table + (e * 5 + now) * pairs;
            double leaf = edge[e].leaf; /* 0 unless it is one */
            alive[e] = (uint8_t)now;
            gain[e] = (uint32_t)((e * 5 + 2 + was + now) * pairs);
            for (size_t g = 0; g < pairs; g++) {
                Two worth = above[g] * new[g];
                product[e * pairs + g] = worth;
                sum[e * pairs + g] = worth * leaf;
            }
        }
    }
}

/* The sums over the leaves below every edge, and what its column has of them. */
static inline __attribute__((always_inline)) void
pass_up(double *restrict phi, const Edge *restrict edge, size_t edges, const Two *restrict table,
        const Two *restrict weight, const Passing *w, const size_t pairs)
{
    Two *restrict sum = w->sum;
    for (size_t e = 0; e < edges; e++) {
        const Two *gain = table + w->gain[e];
        Two *into = sum + edge[e].into * pairs;
        double added = 0;
        for (size_t g = 0; g < pairs; g++) {
            Two below = sum[e * pairs + g], part = weight[g] * below * gain[g];
            into[g] += below;
            added += part[0];
            added += part[1];
        }
        phi[edge[e].column] += added;
    }
}

Passing passing_new(Arena *scratch, const Paths *p)
{
    size_t edges = p->edges_max + 1;
    return (Passing){.product = ARENA_RAW(scratch, Two, edges * p->pairs),
                     .sum = ARENA_RAW(scratch, Two, edges * p->pairs),
                     .alive = ARENA_RAW(scratch, uint8_t, edges),
                     .gain = ARENA_RAW(scratch, uint32_t, edges),
                     .right = ARENA_RAW(scratch, uint8_t, edges)};
}

static inline __attribute__((always_inline)) void pass_both(double *phi, const Paths *p,
                                                            size_t tree, const Edge *edge,
                                                            const Passing *w, const size_t pairs)
{
    const Two *table = p->table + p->edge_of[tree] * 5 * pairs;
    size_t splits = p->split_of[tree + 1] - p->split_of[tree], edges = 2 * splits;
    for (size_t g = 0; g < pairs; g++) {
        w->product[edges * pairs + g] = (Two){1, 1};
        w->sum[edges * pairs + g] = (Two){0, 0};
    }
    pass_down(p->split + p->split_of[tree], splits, edge, table, w->right, w, pairs);
    pass_up(phi, edge, edges, table, p->weight, w, pairs);
}

void paths_pass(double *phi, const Paths *p, size_t tree, const Edge *edge, const Passing *w)
{
    switch (p->pairs) { /* loops of a length known when they are compiled are none */
    case 1:
        pass_both(phi, p, tree, edge, w, 1);
        break;
    case 2:
        pass_both(phi, p, tree, edge, w, 2);
        break;
    default:
        pass_both(phi, p, tree, edge, w, p->pairs);
        break;
    }
}

/* The decisions of a row at a tree's splits. */
static void decide(uint8_t *right, const Split *split, size_t splits, const float *row)
{
    for (size_t i = 0; i < splits; i++) {
        float value = row[split[i].column];
        right[i] = value != value ? !split[i].default_left : !(value < split[i].threshold);
    }
}

/* A tree serves all rows while it is in the cache. */
void forest_explain_rows(const Forest *f, const Matrix *x, double *phi, Closing *closing,
                         Arena scratch)
{
    const Paths *p = f->paths;
    const Passing w = passing_new(&scratch, p);
    const float *cell = ways_cells(&scratch, x);
    for (size_t t = 0; t < f->trees; t++) {
        if (ways_know(p->ways, t)) {
            ways_take(p->ways, t, cell, x, phi, closing);
            continue;
        }
        for (size_t r = 0; r < x->rows; r++) {
            const float *row = matrix_row(x, r);
            decide(w.right, p->split + p->split_of[t], p->split_of[t + 1] - p->split_of[t], row);
            paths_pass(phi + r * (x->columns + 1), p, t, p->edge + p->edge_of[t], &w);
            closing_add(&closing[r], forest_leaf(f, t, row));
        }
    }
}

double paths_mean(const Paths *p, double *size)
{
    *size = p->size;
    return p->mean;
}
