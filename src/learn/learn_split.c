#include "learn/learn_split.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

static const double least_gain = 1e-6; /* as XGBoost's: below it a gain is rounding */

/* What giving the rows of s this weight gains over weight 0, doubled. */
static double gain_of(const Terms *t, Sum s, double weight)
{
    double gradient = (double)s.gradient * t->gradient_unit;
    double hessian = (double)s.hessian * t->hessian_unit + t->l2;
    return -(2 * gradient * weight + hessian * weight * weight);
}

Search search_new(const Bins *bins, const int8_t *monotone, const ForestOptions *o, Fixed fixed,
                  Sum all, double low, double high)
{
    Search s = {.bins = bins,
                .monotone = monotone,
                .all = all,
                .low = low,
                .high = high,
                .terms = {o->l2, fixed.gradient_unit, fixed.hessian_unit},
                .least = o->gain_min > least_gain ? o->gain_min : least_gain};
    s.bounded = low > -DBL_MAX || high < DBL_MAX;
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
    const Search *s = p->search;
    int sign = s->monotone == NULL ? 0 : s->monotone[column];
    size_t count = s->bins->count[column];
    double before = at->gain;
    if (s->bins->rare[column])
        splits_try_rare(p, at, count, sign, cells);
    else
        splits_try(p, at, count, s->bins->closed[column], sign, cells);
    if (at->gain > before)
        *best =
            (Split){at->gain, (uint32_t)column, at->bin, at->missing_left, sum_of_pair(at->left)};
}

Split search_tile(const Search *s, const Listed *l, const int64_t *words)
{
    Parted p = parted_of(s, s->all);
    Split best = {0};
    Best at = {.reach = reach_of(&p, 0)};
    for (size_t k = 0; k < l->count; k++) {
        size_t column = l->group * GROUP + l->column[k];
        if (bins_narrow(s->bins))
            split_column(&p, &best, &at, column, (Cells){words + l->cell[k], true});
        else
            split_column(&p, &best, &at, column, (Cells){words + 2 * (size_t)l->cell[k], false});
    }
    return best;
}
