/* learn_split.h - the best split of a leaf, by histograms of its rows.
 *
 * Weights and gains are XGBoost's. Sums are whole numbers of fixed-point counts, so the same rows
 * give the same split in whatever order and on however many threads they were added.
 */
#ifndef LEARN_SPLIT_H
#define LEARN_SPLIT_H

#include "learn/learn_internal.h"

/* A cell of a histogram is one word of Fixed sums while those cannot overflow, else two: a Sum. */
static inline bool bins_narrow(const Bins *b)
{
    return b->rows <= FIXED_ROWS;
}

typedef struct Split {
    double gain; /* 0: none */
    uint32_t column;
    uint8_t bin; /* codes 0 .. bin go left */
    bool missing_left;
    Sum left;
} Split;

typedef struct Terms {
    double l2, gradient_unit, hessian_unit;
} Terms;

static inline double weight_of(const Terms *t, Sum s, double low, double high)
{
    double w =
        -((double)s.gradient * t->gradient_unit) / ((double)s.hessian * t->hessian_unit + t->l2);
    return w < low ? low : w > high ? high : w;
}

typedef struct Search {
    const Bins *bins;
    const int8_t *monotone; /* NULL: all free */
    Sum all;                /* of the rows that are parted */
    double low, high;       /* bounds on the weights */
    Terms terms;
    bool bounded;     /* some weight may have to be clipped */
    double scale, l2; /* of gains and of the penalty, in counts */
    int64_t hessian_min;
    double least; /* gains must exceed it */
} Search;

/* Of a leaf's rows, whose sum is `all`, within the bounds on its weight. */
Search search_new(const Bins *bins, const int8_t *monotone, const ForestOptions *options,
                  Fixed fixed, Sum all, double low, double high);

/* The columns of a tile that are looked at. */
typedef struct Listed {
    size_t group, count;
    uint8_t column[GROUP]; /* [count] within the tile */
    uint32_t cell[GROUP];  /* [count] */
} Listed;

/* The best split by the listed columns; word: the tile's part of the histogram. Equal gains go to
 * the lower column, then the lower bin, then missing values to the left. */
Split search_tile(const Search *search, const Listed *listed, const int64_t *word);

#endif
