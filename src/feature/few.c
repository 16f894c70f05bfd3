/* few.c - aggregates of one customer whose rows fit one word of conditions, as most do: what counts
 * is the and of a few words, and a value is one cell. aggregate.c says the same of any number of
 * rows, and does what looks at how values are spread or are matched. */
#include "feature/feature_internal.h"

#include <assert.h>

static inline Status keep_integer(Column *out, Int128 value)
{
    out->integer[0] = (int64_t)value;
    *out->valid = value == *out->integer;
    return value == *out->integer ? STATUS_OK : STATUS_LIMIT;
}

static inline void keep_cell(Column *out, const Column *x, int row)
{
    assert(x != NULL);
    if (x->type == TYPE_BOOLEAN || x->type == TYPE_CATEGORY || x->type == TYPE_TEXT)
        put_copy(out, 0, x, (size_t)row);
    else
        out->integer[0] = x->integer[row]; /* or the bits of a double */
    *out->valid = 1;
}

/* In the order of the rows, as aggregate.c adds them up. */
static Status add_up(Column *out, AggregateKind kind, const Column *x, uint64_t bits)
{
    Int128 exact = 0;
    double real = 0;
    const size_t count = (size_t)__builtin_popcountll(bits);
    assert(x != NULL);
    if (x->type == TYPE_DOUBLE)
        for (; bits != 0; bits &= bits - 1)
            real += x->real[__builtin_ctzll(bits)];
    else
        for (; bits != 0; bits &= bits - 1)
            exact += x->integer[__builtin_ctzll(bits)];
    if (kind == AGGREGATE_MEAN)
        return put_mean(out, 0, exact, real, count, x, NULL);
    return x->type == TYPE_DOUBLE ? put_real(out, 0, real, NULL) : keep_integer(out, exact);
}

/* The earliest of equals; the complement of more is less. */
static void keep_extreme(Column *out, bool least, const Column *x, uint64_t bits)
{
    if (bits == 0)
        return;
    assert(x != NULL);
    int best = __builtin_ctzll(bits);
    if (x->type == TYPE_DOUBLE) {
        for (bits &= bits - 1; bits != 0; bits &= bits - 1) {
            const int row = __builtin_ctzll(bits);
            if (least ? x->real[row] < x->real[best] : x->real[row] > x->real[best])
                best = row;
        }
        out->real[0] = x->real[best];
    } else {
        const int64_t turn = least ? 0 : -1, *value = x->integer;
        int64_t found = value[best] ^ turn;
        for (bits &= bits - 1; bits != 0; bits &= bits - 1) {
            const int64_t next = value[__builtin_ctzll(bits)] ^ turn;
            found = next < found ? next : found;
        }
        out->integer[0] = found ^ turn;
    }
    *out->valid = 1;
}

bool fold_few(Column *out, Status *status, AggregateKind kind, const Column *argument,
              const uint64_t *filter, const uint64_t *base, uint64_t rows)
{
    uint64_t bits = filter == NULL ? rows : rows & *filter;
    if (argument != NULL)
        bits &= *argument->valid;
    *status = STATUS_OK;
    switch (kind) {
    case AGGREGATE_COUNT:
        out->integer[0] = __builtin_popcountll(bits);
        *out->valid = 1;
        return true;
    case AGGREGATE_SUM:
    case AGGREGATE_MEAN:
        *status = add_up(out, kind, argument, bits);
        return true;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        keep_extreme(out, kind == AGGREGATE_MIN, argument, bits);
        return true;
    case AGGREGATE_FIRST:
        if (bits != 0)
            keep_cell(out, argument, __builtin_ctzll(bits));
        return true;
    case AGGREGATE_LAST:
        if (bits != 0)
            keep_cell(out, argument, 63 - __builtin_clzll(bits));
        return true;
    case AGGREGATE_SHARE:
        assert(filter != NULL);
        rows = base == NULL ? rows : rows & *base;
        if (rows != 0)
            out->real[0] =
                (double)__builtin_popcountll(rows & *filter) / (double)__builtin_popcountll(rows);
        *out->valid = rows != 0;
        return true;
    default:
        return false;
    }
}
