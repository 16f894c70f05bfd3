#include "learn/learn_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Floats in ascending order as unsigned numbers in ascending order, and back. */
static uint32_t key_of(float x)
{
    uint32_t bits;
    x += 0.0F; /* -0 is 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
}

static float value_of(uint32_t key)
{
    uint32_t bits = key & 0x80000000U ? key & 0x7FFFFFFFU : ~key;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void sort_keys(uint32_t *key, uint32_t *spare, size_t n)
{
    enum { VALUES = 1 << 11 };
    if (n < 64) { /* insertion into a sorted run beats passes over counters */
        for (size_t i = 1; i < n; i++) {
            uint32_t k = key[i];
            size_t j = i;
            for (; j > 0 && key[j - 1] > k; j--)
                key[j] = key[j - 1];
            key[j] = k;
        }
        return;
    }
    /* Four passes over few counters, or three over many where rows outweigh them. */
    int digit = n < VALUES ? 8 : 11;
    uint32_t start[VALUES], mask = (1U << digit) - 1;
    for (int shift = 0; shift < 32; shift += digit) {
        memset(start, 0, (mask + 1) * sizeof *start);
        for (size_t i = 0; i < n; i++)
            start[(key[i] >> shift) & mask]++;
        if (start[(key[0] >> shift) & mask] == n)
            continue; /* whole numbers and flags have nothing in their low digits */
        uint32_t sum = 0;
        for (size_t v = 0; v <= mask; v++) {
            uint32_t count = start[v];
            start[v] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            spare[start[(key[i] >> shift) & mask]++] = key[i];
        memcpy(key, spare, n * sizeof *key);
    }
}

/* A threshold t with low < t <= high, midway when there is room; false when no finite one is. */
static bool midway(float low, float high, float *out)
{
    double middle = ((double)low + (double)high) / 2;
    if (middle > FLT_MAX || !(middle == middle))
        middle = FLT_MAX;
    if (middle < -FLT_MAX)
        middle = -FLT_MAX;
    float t = (float)middle;
    if (t <= low)
        t = high;
    *out = t;
    return isfinite(t) && t > low && t <= high;
}

/* One column: cuts between distinct values. Every bin takes an equal share of the rows that are
 * left; a value with more than that share stands alone, so that a column of mostly zeros still
 * has its other values cut finely. Answers the number of value bins. */
static uint16_t cut_column(float *cut, bool *closed, bool *rare, const Matrix *x, size_t column,
                           const uint32_t *row, size_t rows, size_t bins, Arena scratch)
{
    uint32_t *key = ARENA_RAW(&scratch, uint32_t, rows),
             *spare = ARENA_RAW(&scratch, uint32_t, rows);
    uint32_t *count = ARENA_RAW(&scratch, uint32_t, rows);
    size_t n = 0, distinct = 0;
    for (size_t i = 0; i < rows; i++) {
        float v = x->value[row[i] * x->columns + column];
        if (v == v)
            key[n++] = key_of(v);
    }
    *closed = n == 0;
    *rare = rows - n < missing_least(rows);
    if (n == 0)
        return 1;
    sort_keys(key, spare, n);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || key[i] != key[distinct - 1]) {
            key[distinct] = key[i];
            count[distinct++] = 1;
        } else {
            count[distinct - 1]++;
        }
    }
    *closed = !(value_of(key[distinct - 1]) < FLT_MAX);
    size_t cuts = 0, filled = 0, left = n, bins_left = bins;
    for (size_t i = 0; i + 1 < distinct && bins_left > 1; i++) {
        filled += count[i];
        bool full = filled * bins_left >= left;
        bool heavy_next = (size_t)count[i + 1] * bins_left >= left;
        if (distinct > bins && !full && !heavy_next)
            continue;
        if (!midway(value_of(key[i]), value_of(key[i + 1]), &cut[cuts]))
            continue;
        cuts++;
        bins_left--;
        left -= filled;
        filled = 0;
    }
    return (uint16_t)(cuts + 1);
}

static uint8_t code_of(const float *cut, size_t cuts, float v)
{
    size_t from = 0; /* the number of cuts at or below v */
    for (size_t size = cuts; size > 0;) {
        size_t half = size / 2;
        bool beyond = v >= cut[from + half];
        from = beyond ? from + half + 1 : from;
        size = beyond ? size - half - 1 : half;
    }
    return (uint8_t)from;
}

typedef struct Binning {
    Bins *bins;
    const Matrix *x;
    const uint32_t *row;
    size_t most;
} Binning;

static void bin_tile(void *context, size_t group, Arena scratch)
{
    Binning *t = context;
    Bins *b = t->bins;
    uint8_t *tile = b->code + group * b->rows * GROUP;
    size_t from = group * GROUP, to = from + GROUP < b->columns ? from + GROUP : b->columns;
    for (size_t c = from; c < to; c++)
        b->count[c] = cut_column(b->cut[c], &b->closed[c], &b->rare[c], t->x, c, t->row, b->rows,
                                 t->most, scratch);
    for (size_t i = 0; i < b->rows; i++) {
        const float *x = matrix_row(t->x, t->row[i]);
        uint8_t *code = tile + i * GROUP;
        memset(code, 0, GROUP);
        for (size_t c = from; c < to; c++)
            code[c - from] =
                x[c] == x[c] ? code_of(b->cut[c], b->count[c] - 1U, x[c]) : (uint8_t)b->count[c];
    }
}

Bins *bins_new(Arena *keep, const Matrix *x, const uint32_t *row, size_t rows, size_t bins,
               Team *team)
{
    Bins *b = ARENA_NEW(keep, Bins);
    b->rows = rows;
    b->columns = x->columns;
    b->groups = (x->columns + GROUP - 1) / GROUP;
    b->count = ARENA_ARRAY(keep, uint16_t, b->groups * GROUP);
    b->closed = ARENA_ARRAY(keep, bool, x->columns);
    b->rare = ARENA_ARRAY(keep, bool, x->columns);
    b->cut = ARENA_ARRAY(keep, float *, x->columns);
    for (size_t c = 0; c < x->columns; c++)
        b->cut[c] = ARENA_ARRAY(keep, float, bins);
    b->code = ARENA_RAW(keep, uint8_t, b->groups * rows * GROUP);
    Binning t = {b, x, row, bins};
    share_out(team, b->groups, bin_tile, &t, *keep);
    b->cell = ARENA_ARRAY(keep, uint32_t, b->groups * GROUP);
    b->tile_cell = ARENA_ARRAY(keep, size_t, b->groups + 1);
    for (size_t c = 0; c < b->groups * GROUP; c++) {
        size_t group = c / GROUP;
        if (c % GROUP == 0)
            b->tile_cell[group + 1] = b->tile_cell[group];
        b->cell[c] = (uint32_t)(b->tile_cell[group + 1] - b->tile_cell[group]);
        b->tile_cell[group + 1] += b->count[c] + 1U; /* and missing */
    }
    return b;
}
