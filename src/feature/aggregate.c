#include "feature/feature_internal.h"

#include <math.h>
#include <string.h>

Status put_overflow(Error *err)
{
    (void)error_set(err, STATUS_LIMIT, "a sum is too large for 64 bits");
    return error_remedy(err, "use a smaller scale for amounts in the schema book");
}

Status put_real(Column *out, size_t row, double value, Error *err)
{
    if (!isfinite(value)) {
        (void)error_set(err, STATUS_LIMIT, "a number is too large for a double");
        return error_remedy(err, "add up smaller numbers, or their logarithms");
    }
    out->real[row] = value;
    column_set_valid(out, row);
    return STATUS_OK;
}

void put_copy(Column *out, size_t row, const Column *from, size_t at)
{
    size_t width = type_width(from->type);
    memcpy((char *)out->data + row * width, (const char *)from->data + at * width, width);
    column_set_valid(out, row);
}

/* Halves are rounded away from zero. */
static Int128 nearest_quotient(Int128 sum, size_t count)
{
    Int128 half = (Int128)count / 2;
    return (sum < 0 ? sum - half : sum + half) / (Int128)count;
}

Status put_sum(Column *out, size_t row, Int128 exact, double real, Error *err)
{
    return out->type == TYPE_DOUBLE ? put_real(out, row, real, err)
                                    : put_integer(out, row, exact, err);
}

Status put_mean(Column *out, size_t row, Int128 exact, double real, size_t count, const Column *of,
                Error *err)
{
    if (count == 0)
        return STATUS_OK;
    if (out->type != TYPE_DOUBLE) /* the mean of durations is a duration */
        return put_integer(out, row, nearest_quotient(exact, count), err);
    double total = of->type == TYPE_DOUBLE ? real : (double)exact / (double)power_of_ten(of->scale);
    return put_real(out, row, total / (double)count, err);
}

static Status fold_sum(Column *out, const Folding *f, Range r, size_t customer, Error *err)
{
    const Column *x = f->argument;
    Int128 exact = 0;
    double real = 0;
    size_t count = 0;
    FOR_TAKEN(row, f, r)
    {
        count++;
        if (x->type == TYPE_DOUBLE)
            real += x->real[row];
        else
            exact += x->integer[row];
    }
    return f->aggregate->kind == AGGREGATE_MEAN
               ? put_mean(out, customer, exact, real, count, x, err)
               : put_sum(out, customer, exact, real, err);
}

static void fold_extreme(Column *out, const Folding *f, Range r, size_t customer)
{
    const Column *x = f->argument;
    const bool least = f->aggregate->kind == AGGREGATE_MIN;
    size_t best = r.to; /* none yet */
    if (x->type == TYPE_DOUBLE) {
        double found = 0;
        FOR_TAKEN(row, f, r)
        {
            const double value = least ? x->real[row] : -x->real[row];
            if (best < r.to && !(value < found))
                continue;
            best = row;
            found = value;
        }
    } else {
        const int64_t turn = least ? 0 : -1; /* the complement of more is less */
        int64_t found = 0;
        FOR_TAKEN(row, f, r)
        {
            const int64_t value = x->integer[row] ^ turn;
            if (best < r.to && value >= found)
                continue;
            best = row;
            found = value;
        }
    }
    if (best < r.to)
        put_copy(out, customer, x, best);
}

static Status fold_count(Column *out, const Folding *f, Range r, size_t customer, Error *err)
{
    int64_t count = 0;
    for (size_t w = r.from / 64; w * 64 < r.to; w++)
        count += __builtin_popcountll(taken_word(f, r, w));
    return put_integer(out, customer, count, err);
}

static Status fold_share(Column *out, const Folding *f, Range r, size_t customer, Error *err)
{
    size_t part = 0, whole = 0;
    for (size_t w = r.from / 64; w * 64 < r.to; w++) {
        uint64_t base = range_word(r, w) & (f->base == NULL ? UINT64_MAX : f->base[w]);
        whole += (size_t)__builtin_popcountll(base);
        part += (size_t)__builtin_popcountll(base & f->filter[w]);
    }
    return whole == 0 ? STATUS_OK : put_real(out, customer, (double)part / (double)whole, err);
}

static void fold_end(Column *out, const Folding *f, Range r, size_t customer)
{
    bool first = f->aggregate->kind == AGGREGATE_FIRST;
    size_t end = r.to;
    for (size_t w = r.from / 64; w * 64 < r.to && !(first && end < r.to); w++) {
        uint64_t bits = taken_word(f, r, w);
        if (bits != 0)
            end = w * 64 + (size_t)(first ? __builtin_ctzll(bits) : 63 - __builtin_clzll(bits));
    }
    if (end < r.to)
        put_copy(out, customer, f->argument, end);
}

static Status fold_flow(Column *out, const Events *events, const Folding *f, Range r,
                        size_t customer, Arena scratch, Error *err)
{
    Flow flow = flow_of(events, f);
    if (f->aggregate->kind == AGGREGATE_FOLLOWED)
        return put_integer(out, customer, flow_followed(&flow, r, NULL), err);
    Matched m = flow_match(&flow, r, scratch, NULL);
    if (f->aggregate->kind == AGGREGATE_MATCHED)
        return put_integer(out, customer, m.amount, err);
    if (f->aggregate->kind == AGGREGATE_DRAINED)
        return put_integer(out, customer, m.drained, err);
    if (m.overflow)
        return put_overflow(err);
    if (m.amount == 0)
        return STATUS_OK;
    return put_integer(out, customer, (m.weighted + m.amount / 2) / m.amount, err);
}

void folding_column(Column *out, Arena *keep, const Folding *f, size_t rows)
{
    const Aggregate *a = f->aggregate;
    bool text = a->type == TYPE_CATEGORY || a->type == TYPE_TEXT;
    column_init(out, keep, S(""), a->type, a->scale, rows, text ? f->argument->dictionary : NULL);
}

Status aggregate_fold(Column *out, const Events *events, const Folding *f, Range r, size_t customer,
                      Arena scratch, Error *err)
{
    switch (f->aggregate->kind) {
    case AGGREGATE_COUNT:
        return fold_count(out, f, r, customer, err);
    case AGGREGATE_SUM:
    case AGGREGATE_MEAN:
        return fold_sum(out, f, r, customer, err);
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        fold_extreme(out, f, r, customer);
        return STATUS_OK;
    case AGGREGATE_FIRST:
    case AGGREGATE_LAST:
        fold_end(out, f, r, customer);
        return STATUS_OK;
    case AGGREGATE_SHARE:
        return fold_share(out, f, r, customer, err);
    case AGGREGATE_MATCHED:
    case AGGREGATE_MATCHED_LAG:
    case AGGREGATE_DRAINED:
    case AGGREGATE_FOLLOWED:
        return fold_flow(out, events, f, r, customer, scratch, err);
    default:
        return distribution_fold(out, f, r, customer, scratch, err);
    }
}
