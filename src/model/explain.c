#include "model/model_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Path-dependent TreeSHAP by quadrature.
 *
 * When the columns outside a set are unknown, a row flows both ways at their splits, in
 * proportion to the training covers. A leaf is then worth its value times one factor for each
 * column on its path: `one` when the column is known (1 while the row itself goes this way, else
 * 0), `zero` when it is not (the share of cover that goes this way, over all the column's splits
 * on the path). By Owen's multilinear extension the Shapley value of column i in that product is
 *
 *     (one_i - zero_i) * integral over t in [0, 1] of the product over j != i of
 *                        f_j(t) = (1 - t) zero_j + t one_j
 *
 * a polynomial of degree below the depth, so Gauss and Legendre's rule with depth / 2 points is
 * exact. Every term is positive: unlike the extend and unwind of Lundberg, Erion and Lee 2018
 * (algorithm 2), which gives the same numbers, nothing cancels on long paths, and the sums of all
 * leaves under a node are carried up together, so a node costs O(depth) and not O(depth^2).
 *
 * A column with both factors 0 makes a leaf worthless whatever is known: such branches are not
 * walked, and so every f_j is positive.
 *
 * Sources: Owen 1972, Multilinear extensions of games; Lundberg, Erion and Lee 2018; Yu, Bifet,
 * Read and Xu 2022, Linear TreeShap (the sums carried up).
 *
 * This is the plain way and the oracle; explain_paths.c does the same with what does not depend on
 * the row found once. */

typedef struct Walk {
    const Forest *forest;
    const float *row;
    double *phi;
    Flow *flow; /* [columns] of the columns on the path; others have 1 and 1 */
    size_t points;
    double at[POINTS_MAX], weight[POINTS_MAX];
    double (*product)[POINTS_MAX]; /* [depth] of the f_j of the path */
    double (*sum)[POINTS_MAX];     /* [depth] over the leaves below: product times value */
} Walk;

/* P_n(x) and P_{n-1}(x) of Legendre. */
static double legendre(size_t n, double x, double *before)
{
    double p = 1, q = 0;
    for (size_t k = 0; k < n; k++) {
        double next = ((double)(2 * k + 1) * x * p - (double)k * q) / (double)(k + 1);
        q = p;
        p = next;
    }
    *before = q;
    return p;
}

/* The points and weights on [0, 1]. The roots of P_n lie one in each gap between -1, the roots of
 * P_{n-1} and 1, and halving finds them with the same bits everywhere. */
static void find_points(Walk *w, size_t points)
{
    double edge[POINTS_MAX + 2] = {-1, 1}, before;
    for (size_t n = 1; n <= points; n++) {
        double root[POINTS_MAX];
        for (size_t i = 0; i < n; i++) {
            double low = edge[i], high = edge[i + 1];
            bool rising = (n - i) % 2 == 1; /* P_n is positive at 1 and changes sign at roots */
            for (;;) {
                double middle = low + (high - low) / 2;
                if (middle <= low || middle >= high)
                    break;
                if ((legendre(n, middle, &before) < 0) == rising)
                    low = middle;
                else
                    high = middle;
            }
            root[i] = low;
        }
        for (size_t i = 0; i < n; i++)
            edge[i + 1] = root[i];
        edge[n + 1] = 1;
    }
    for (size_t i = 0; i < points; i++) {
        double x = edge[i + 1], n = (double)points;
        (void)legendre(points, x, &before);
        w->at[i] = (1 + x) / 2;
        w->weight[i] = (1 - x * x) / (n * n * before * before);
    }
    w->points = points;
}

/* Found once in each thread for forests of one depth: a request would pay for it anew. */
static void quadrature(Walk *w, size_t points)
{
    static _Thread_local size_t found;
    static _Thread_local double at[POINTS_MAX], weight[POINTS_MAX];
    if (found == points) {
        memcpy(w->at, at, sizeof at);
        memcpy(w->weight, weight, sizeof weight);
        w->points = points;
        return;
    }
    find_points(w, points);
    memcpy(at, w->at, sizeof at);
    memcpy(weight, w->weight, sizeof weight);
    found = points;
}

/* The share of a split's cover that its left child has. Float sums do not always add up to the
 * split's own cover, so the children are compared with each other. */
double forest_left_share(const Forest *f, uint32_t node)
{
    double left = (double)f->cover[f->left[node]], right = (double)f->cover[f->right[node]];
    return left + right > 0 ? left / (left + right) : 0.5;
}

static void visit(Walk *w, uint32_t node, size_t depth)
{
    const Forest *f = w->forest;
    const size_t points = w->points;
    const double *product = w->product[depth], *below = w->sum[depth + 1];
    double *sum = w->sum[depth], *next = w->product[depth + 1];
    if (f->left[node] == 0) {
        for (size_t g = 0; g < points; g++)
            sum[g] = product[g] * (double)f->threshold[node];
        return;
    }
    uint32_t column = f->column[node];
    float value = w->row[column];
    bool goes_left = value != value ? f->default_left[node] : value < f->threshold[node];
    double share = forest_left_share(f, node);
    Flow old = w->flow[column];
    bool fresh = old.zero == 1 && old.one == 1; /* not on the path yet: its factor is 1 */
    double factor_old[POINTS_MAX], factor_new[POINTS_MAX];
    for (size_t g = 0; g < points; g++) {
        factor_old[g] = fresh ? 1 : flow_factor(old, w->at[g]);
        sum[g] = 0;
    }
    for (int right = 0; right <= 1; right++) {
        Flow new = {old.zero * (right ? 1 - share : share), goes_left == !right ? old.one : 0};
        if (!(new.zero > 0) && !(new.one > 0))
            continue;
        for (size_t g = 0; g < points; g++) {
            factor_new[g] = flow_factor(new, w->at[g]);
            next[g] =
                fresh ? product[g] * factor_new[g] : product[g] / factor_old[g] * factor_new[g];
        }
        w->flow[column] = new;
        visit(w, right ? f->right[node] : f->left[node], depth + 1);
        /* The leaves below have the column's factor from here, and no more the one from above
         * under which an earlier split on the column will count them. */
        double phi = 0, gain_new = new.one - new.zero, gain_old = old.one - old.zero;
        for (size_t g = 0; g < points; g++) {
            sum[g] += below[g];
            double gain = gain_new / factor_new[g];
            if (!fresh)
                gain -= gain_old / factor_old[g];
            phi += w->weight[g] * below[g] * gain;
        }
        w->phi[column] += phi;
    }
    w->flow[column] = old;
}

static size_t depth_below(const Forest *f, uint32_t node)
{
    if (f->left[node] == 0)
        return 0;
    size_t left = depth_below(f, f->left[node]), right = depth_below(f, f->right[node]);
    return 1 + (left > right ? left : right);
}

/* What a row is worth of which no column is known. */
static double mean_below(const Forest *f, uint32_t node)
{
    if (f->left[node] == 0)
        return (double)f->threshold[node];
    double share = forest_left_share(f, node);
    return share * mean_below(f, f->left[node]) + (1 - share) * mean_below(f, f->right[node]);
}

static Closing closing_new(const Forest *f)
{
    double base = (double)f->base_margin;
    return (Closing){f->base_margin, base, fabs(base)};
}

/* Close a row: its contributions and the mean must add up to its leaves. What float32 rounds off
 * their sum then goes to the bias, so that the row adds up to the margin that is served.
 * trees_size: the largest leaf of each tree, added, against which rounding is judged. */
static double close_row(const Forest *f, double *phi, const Closing *c, double mean,
                        double trees_size)
{
    double size = c->size, sum = mean, margin = (double)c->margin;
    for (size_t k = 0; k < f->columns; k++) {
        sum += phi[k];
        size += fabs(phi[k]);
    }
    assert(fabs(sum - c->leaves) <= 1e-9 * (size + trees_size));
    assert(fabs(margin - c->leaves) <= 1e-7 * (double)(f->trees + 1) * size);
    phi[f->columns] = mean + (margin - sum);
    (void)size;
    (void)trees_size;
    return margin;
}

size_t forest_points(const Forest *f, double at[POINTS_MAX], double weight[POINTS_MAX])
{
    size_t depth = 0;
    for (size_t t = 0; t < f->trees; t++) {
        size_t below = depth_below(f, f->root[t]);
        depth = below > depth ? below : depth;
    }
    assert(depth <= FOREST_DEPTH_MAX);
    Walk w = {0};
    quadrature(&w, depth < 2 ? 1 : (depth + 1) / 2);
    memcpy(at, w.at, sizeof w.at);
    memcpy(weight, w.weight, sizeof w.weight);
    return w.points;
}

double forest_mean(const Forest *f, double *trees_size)
{
    double mean = (double)f->base_margin, size = 0;
    for (size_t t = 0; t < f->trees; t++) {
        mean += mean_below(f, f->root[t]);
        double most = 0;
        for (uint32_t i = f->root[t]; i < f->root[t + 1]; i++)
            if (f->left[i] == 0 && fabs((double)f->threshold[i]) > most)
                most = fabs((double)f->threshold[i]);
        size += most;
    }
    *trees_size = size;
    return mean;
}

void forest_explain(const Forest *f, const Matrix *x, Arena scratch, double *margin, double *phi)
{
    if (f->paths == NULL) {
        forest_explain_plain(f, x, scratch, margin, phi);
        return;
    }
    double size, mean = paths_mean(f->paths, &size);
    Closing *closing = ARENA_RAW(&scratch, Closing, x->rows);
    for (size_t i = 0; i < x->rows * (x->columns + 1); i++)
        phi[i] = 0;
    for (size_t r = 0; r < x->rows; r++)
        closing[r] = closing_new(f);
    forest_explain_rows(f, x, phi, closing, scratch);
    for (size_t r = 0; r < x->rows; r++)
        margin[r] = close_row(f, phi + r * (x->columns + 1), &closing[r], mean, size);
}

void forest_explain_plain(const Forest *f, const Matrix *x, Arena scratch, double *margin,
                          double *phi)
{
    double size, mean = forest_mean(f, &size);
    Walk w = {.forest = f, .flow = ARENA_RAW(&scratch, Flow, f->columns)};
    w.points = forest_points(f, w.at, w.weight);
    w.product = arena_alloc(&scratch, 2 * w.points + 2, sizeof *w.product); /* by depth */
    w.sum = arena_alloc(&scratch, 2 * w.points + 2, sizeof *w.sum);
    for (size_t c = 0; c < f->columns; c++)
        w.flow[c] = (Flow){1, 1};
    for (size_t g = 0; g < w.points; g++)
        w.product[0][g] = 1;
    for (size_t r = 0; r < x->rows; r++) {
        Closing closing = closing_new(f);
        w.row = matrix_row(x, r);
        w.phi = phi + r * (x->columns + 1);
        for (size_t c = 0; c < x->columns; c++)
            w.phi[c] = 0;
        for (size_t t = 0; t < f->trees; t++) {
            visit(&w, f->root[t], 0);
            closing_add(&closing, forest_leaf(f, t, w.row));
        }
        margin[r] = close_row(f, w.phi, &closing, mean, size);
    }
}
