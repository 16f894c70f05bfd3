/* How a customer's values are spread. Nothing here depends on the order of codes in a
 * dictionary, which is the order of a file. */
#include "feature/feature_internal.h"
#include "feature/sort.h"

#include <math.h>
#include <stdlib.h>

uint64_t cell_key(const Column *c, size_t row)
{
    union {
        double real;
        uint64_t bits;
    } key = {.bits = 0};
    switch (c->type) {
    case TYPE_BOOLEAN:
        key.bits = c->boolean[row];
        break;
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        key.bits = c->code[row];
        break;
    case TYPE_DOUBLE:
        key.real = c->real[row] + 0.0; /* -0 and 0 are one value */
        break;
    default:
        key.bits = (uint64_t)c->integer[row];
    }
    return key.bits;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int by_integer(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int by_real(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* By code: how often each occurs, without those that do not. */
static size_t count_codes(uint64_t *often, const Folding *f, Range r)
{
    const size_t codes = f->argument->dictionary->count;
    const uint32_t *code = f->argument->code;
    size_t values = 0;
    for (size_t k = 0; k < codes; k++)
        often[k] = 0;
    FOR_TAKEN(row, f, r)
    often[code[row]]++;
    for (size_t k = 0; k < codes; k++) {
        often[values] = often[k];
        values += often[k] > 0;
    }
    return values;
}

static size_t count_sorted(uint64_t *often, const Folding *f, Range r, Arena scratch)
{
    uint64_t *key = ARENA_RAW(&scratch, uint64_t, r.to - r.from + 1), last = 0;
    size_t n = 0, values = 0;
    FOR_TAKEN(row, f, r)
    key[n++] = cell_key(f->argument, row);
    SORT_FEW_ITEMS(uint64_t, key, n, SORT_AFTER, by_key);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || key[i] != last)
            often[values++] = 0;
        last = key[i];
        often[values - 1]++;
    }
    return values;
}

/* How often each value occurs, from the rarest on; `total` is their sum. */
static uint64_t *frequencies(size_t *count, size_t *total, const Folding *f, Range r,
                             Arena *scratch)
{
    const bool few = codes_are_few(f->argument, r.to - r.from);
    const size_t most = few ? f->argument->dictionary->count : r.to - r.from;
    uint64_t *often = ARENA_RAW(scratch, uint64_t, most + 1);
    const size_t values = few ? count_codes(often, f, r) : count_sorted(often, f, r, *scratch);
    if (f->aggregate->kind != AGGREGATE_DISTINCT)
        SORT_FEW_ITEMS(uint64_t, often, values, SORT_AFTER, by_key);
    *count = values;
    *total = 0;
    for (size_t i = 0; i < values; i++)
        *total += often[i];
    return often;
}

static Status fold_frequencies(Column *out, const Folding *f, Range r, size_t customer,
                               Arena scratch, Error *err)
{
    size_t values, total;
    const uint64_t *often = frequencies(&values, &total, f, r, &scratch);
    Int128 squares = 0;
    double entropy = 0;
    switch (f->aggregate->kind) {
    case AGGREGATE_DISTINCT:
        return put_integer(out, customer, (Int128)values, err);
    case AGGREGATE_MODAL:
        return put_integer(out, customer, values == 0 ? 0 : (Int128)often[values - 1], err);
    case AGGREGATE_CONCENTRATION:
        for (size_t i = 0; i < values; i++)
            squares += (Int128)often[i] * (Int128)often[i];
        return total == 0 ? STATUS_OK
                          : put_real(out, customer,
                                     (double)squares / ((double)total * (double)total), err);
    default: /* entropy, added up from the rarest value on */
        for (size_t i = 0; i < values; i++)
            entropy +=
                (double)often[i] / (double)total * stable_log((double)total / (double)often[i]);
        return total == 0 ? STATUS_OK : put_real(out, customer, entropy, err);
    }
}

/* Half away from zero. */
static Status put_span(Column *out, size_t customer, double us, Error *err)
{
    return !(fabs(us) < 9e18) ? put_real(out, customer, INFINITY, err)
                              : put_integer(out, customer, (Int128)round(us), err);
}

/* With n - 1, in two passes; missing under two values. */
static Status fold_sd(Column *out, const Folding *f, Range r, size_t customer, Error *err)
{
    const Column *x = f->argument;
    Int128 exact = 0;
    double real = 0, squares = 0, unit = (double)power_of_ten(x->scale);
    size_t count = 0;
    FOR_TAKEN(row, f, r)
    {
        count++;
        if (x->type == TYPE_DOUBLE)
            real += x->real[row];
        else
            exact += x->integer[row];
    }
    if (count < 2)
        return STATUS_OK;
    double mean = (x->type == TYPE_DOUBLE ? real : (double)exact / unit) / (double)count;
    FOR_TAKEN(row, f, r)
    {
        double off =
            (x->type == TYPE_DOUBLE ? x->real[row] : (double)x->integer[row] / unit) - mean;
        squares += off * off;
    }
    double sd = sqrt(squares / (double)(count - 1));
    return out->type == TYPE_DOUBLE ? put_real(out, customer, sd, err)
                                    : put_span(out, customer, sd, err);
}

/* R's type 7: between the order statistics around (n - 1) p. */
static Status fold_percentile(Column *out, const Folding *f, Range r, size_t customer,
                              Arena scratch, Error *err)
{
    const Column *x = f->argument;
    const Aggregate *a = f->aggregate;
    bool real = x->type == TYPE_DOUBLE;
    double *value = ARENA_RAW(&scratch, double, r.to - r.from + 1);
    int64_t *whole = ARENA_RAW(&scratch, int64_t, r.to - r.from + 1);
    size_t n = 0;
    FOR_TAKEN(row, f, r)
    {
        if (real)
            value[n++] = x->real[row];
        else
            whole[n++] = x->integer[row];
    }
    if (n == 0)
        return STATUS_OK;
    if (real)
        SORT_FEW_ITEMS(double, value, n, SORT_AFTER, by_real);
    else
        SORT_FEW_ITEMS(int64_t, whole, n, SORT_AFTER, by_integer);
    double at = (double)(n - 1) * decimal_to_double(a->fraction, a->fraction_scale);
    size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;
    double between = at - (double)low;
    if (out->type == TYPE_DURATION) {
        double step = between * (double)((Int128)whole[high] - whole[low]);
        return put_integer(out, customer, whole[low] + (Int128)round(step), err);
    }
    double below = real ? value[low] : decimal_to_double(whole[low], x->scale);
    double above = real ? value[high] : decimal_to_double(whole[high], x->scale);
    return put_real(out, customer, below + between * (above - below), err);
}

Status distribution_fold(Column *out, const Folding *f, Range r, size_t customer, Arena scratch,
                         Error *err)
{
    switch (f->aggregate->kind) {
    case AGGREGATE_SD:
        return fold_sd(out, f, r, customer, err);
    case AGGREGATE_PERCENTILE:
        return fold_percentile(out, f, r, customer, scratch, err);
    default:
        return fold_frequencies(out, f, r, customer, scratch, err);
    }
}
