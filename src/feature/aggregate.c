#include "feature/feature_internal.h"

#include <stdlib.h>

static Status overflow(Error *err)
{
    (void)error_set(err, STATUS_LIMIT, "a sum is too large for 64 bits");
    return error_remedy(err, "use a smaller scale for amounts in the schema book");
}

static Status put_integer(Column *out, size_t row, Int128 value, Error *err)
{
    if (value > INT64_MAX || value < INT64_MIN)
        return overflow(err);
    out->integer[row] = (int64_t)value;
    column_set_valid(out, row);
    return STATUS_OK;
}

static void put_real(Column *out, size_t row, double value)
{
    out->real[row] = value;
    column_set_valid(out, row);
}

/* Halves are rounded away from zero. */
static Int128 nearest_quotient(Int128 sum, size_t count)
{
    Int128 half = (Int128)count / 2;
    return (sum < 0 ? sum - half : sum + half) / (Int128)count;
}

typedef struct Sum {
    Int128 exact;
    double real;
    size_t count;
} Sum;

static Sum sum_of(const Folding *f, Range r)
{
    Sum s = {0};
    const Column *x = f->argument;
    for (size_t row = r.from; row < r.to; row++) {
        if (!condition_holds(f->filter, row) || !column_valid(x, row))
            continue;
        s.count++;
        if (x->type == TYPE_DOUBLE)
            s.real += x->real[row];
        else
            s.exact += x->type == TYPE_BOOLEAN ? x->boolean[row] : x->integer[row];
    }
    return s;
}

static Status fold_sum(Column *out, const Folding *f, Range r, size_t customer, Error *err)
{
    Sum s = sum_of(f, r);
    if (f->aggregate->kind == AGGREGATE_MEAN) {
        if (s.count == 0)
            return STATUS_OK;
        if (out->type != TYPE_DOUBLE) /* the mean of durations is a duration */
            return put_integer(out, customer, nearest_quotient(s.exact, s.count), err);
        double total = f->argument->type == TYPE_DOUBLE
                           ? s.real
                           : (double)s.exact / (double)power_of_ten(f->argument->scale);
        put_real(out, customer, total / (double)s.count);
        return STATUS_OK;
    }
    if (out->type == TYPE_DOUBLE) {
        put_real(out, customer, s.real);
        return STATUS_OK;
    }
    return put_integer(out, customer, s.exact, err);
}

static void fold_extreme(Column *out, const Folding *f, Range r, size_t customer)
{
    const Column *x = f->argument;
    bool least = f->aggregate->kind == AGGREGATE_MIN;
    for (size_t row = r.from; row < r.to; row++) {
        if (!condition_holds(f->filter, row) || !column_valid(x, row))
            continue;
        bool first = !column_valid(out, customer);
        if (x->type == TYPE_DOUBLE) {
            double value = x->real[row];
            if (first || (least ? value < out->real[customer] : value > out->real[customer]))
                out->real[customer] = value;
        } else if (x->type == TYPE_BOOLEAN) {
            uint8_t value = x->boolean[row];
            if (first || (least ? value < out->boolean[customer] : value > out->boolean[customer]))
                out->boolean[customer] = value;
        } else {
            int64_t value = x->integer[row];
            if (first || (least ? value < out->integer[customer] : value > out->integer[customer]))
                out->integer[customer] = value;
        }
        column_set_valid(out, customer);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int64_t count_distinct(const Folding *f, Range r, Arena scratch)
{
    const Column *x = f->argument;
    uint64_t *value = ARENA_RAW(&scratch, uint64_t, r.to - r.from + 1);
    size_t count = 0;
    for (size_t row = r.from; row < r.to; row++) {
        if (!condition_holds(f->filter, row) || !column_valid(x, row))
            continue;
        union {
            double real;
            uint64_t bits;
        } key = {.bits = 0};
        switch (x->type) {
        case TYPE_BOOLEAN:
            key.bits = x->boolean[row];
            break;
        case TYPE_CATEGORY:
        case TYPE_TEXT:
            key.bits = x->code[row];
            break;
        case TYPE_DOUBLE:
            key.real = x->real[row] + 0.0; /* -0 and 0 are one value */
            break;
        default:
            key.bits = (uint64_t)x->integer[row];
        }
        value[count++] = key.bits;
    }
    qsort(value, count, sizeof *value, by_value);
    int64_t distinct = 0;
    for (size_t i = 0; i < count; i++)
        distinct += i == 0 || value[i] != value[i - 1];
    return distinct;
}

static void fold_share(Column *out, const Folding *f, Range r, size_t customer)
{
    size_t part = 0, whole = 0;
    for (size_t row = r.from; row < r.to; row++) {
        if (!condition_holds(f->base, row))
            continue;
        whole++;
        part += condition_holds(f->filter, row);
    }
    if (whole > 0)
        put_real(out, customer, (double)part / (double)whole);
}

Status aggregate_fold(Column *out, const Events *events, const Folding *f, Window w,
                      size_t customer, Arena scratch, Error *err)
{
    Range r = events_range(events, customer, w);
    switch (f->aggregate->kind) {
    case AGGREGATE_COUNT: {
        int64_t count = 0;
        for (size_t row = r.from; row < r.to; row++)
            count += condition_holds(f->filter, row);
        return put_integer(out, customer, count, err);
    }
    case AGGREGATE_SUM:
    case AGGREGATE_MEAN:
        return fold_sum(out, f, r, customer, err);
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        fold_extreme(out, f, r, customer);
        return STATUS_OK;
    case AGGREGATE_DISTINCT:
        return put_integer(out, customer, count_distinct(f, r, scratch), err);
    case AGGREGATE_SHARE:
        fold_share(out, f, r, customer);
        return STATUS_OK;
    case AGGREGATE_MATCHED: {
        Flow flow = flow_of(events, events->rows, events->created_us, f);
        return put_integer(out, customer, flow_match(&flow, r, scratch, NULL), err);
    }
    }
    return STATUS_OK;
}
