/* What is written inside an aggregate and looks back from each transaction: nested aggregates
 * over a sliding window, and the functions of the order of events. One pass over a customer's
 * rows each; `low` is the first row still inside the window and only ever moves on. */
#include "feature/feature_internal.h"
#include "feature/sort.h"

#include <stdlib.h>

typedef struct Look {
    Column *out;
    const Folding *f;
    const uint64_t *taken; /* the rows that count, a bit each */
    const int64_t *created_us;
    int64_t within_us; /* 0: back to the first row */
    Range r;           /* all rows of a customer */
    Error *err;
} Look;

static inline bool takes(const Look *l, size_t row)
{
    return l->taken[row >> 6] >> (row & 63) & 1;
}

/* Does row i still see an earlier one? It sees those of (t - within, t]. */
static inline bool seen(const Look *l, size_t row, size_t i)
{
    return l->within_us == 0 || l->created_us[row] > l->created_us[i] - l->within_us;
}

/* Every row of these has a value. */
static void all_valid(Column *out, Range r)
{
    for (size_t w = r.from / 64; w * 64 < r.to; w++)
        out->valid[w] |= range_word(r, w);
}

static void look_count(const Look *l)
{
    const Look own = *l; /* what is written below could lie in *l, for all a compiler knows */
    int64_t *out = l->out->integer, count = 0;
    size_t low = own.r.from;
    for (size_t i = own.r.from; i < own.r.to; i++) {
        count += takes(&own, i);
        for (; !seen(&own, low, i); low++)
            count -= takes(&own, low);
        out[i] = count;
    }
    all_valid(l->out, own.r);
}

static Status look_share(const Look *l)
{
    const uint64_t *base = l->f->base;
    int64_t part = 0, whole = 0;
    size_t low = l->r.from;
    for (size_t i = l->r.from; i < l->r.to; i++) {
        bool counts = condition_holds(base, i);
        whole += counts;
        part += counts && takes(l, i);
        for (; !seen(l, low, i); low++) {
            counts = condition_holds(base, low);
            whole -= counts;
            part -= counts && takes(l, low);
        }
        if (whole > 0)
            TRY(put_real(l->out, i, (double)part / (double)whole, l->err));
    }
    return STATUS_OK;
}

static Status look_whole_sum(const Look *l)
{
    const Look own = *l;
    const int64_t *x = l->f->argument->integer;
    int64_t *out = l->out->integer;
    Int128 sum = 0;
    size_t low = own.r.from;
    for (size_t i = own.r.from; i < own.r.to; i++) {
        for (; !seen(&own, low, i); low++)
            if (takes(&own, low))
                sum -= x[low];
        if (takes(&own, i))
            sum += x[i];
        if (sum != (int64_t)sum)
            return put_overflow(own.err);
        out[i] = (int64_t)sum;
    }
    all_valid(l->out, own.r);
    return STATUS_OK;
}

/* Sums are exact, of doubles too, so what leaves the window is taken out again to the bit. */
static Status look_sum(const Look *l)
{
    const Folding *f = l->f;
    const Column *x = f->argument;
    const bool is_real = x->type == TYPE_DOUBLE;
    ExactSum real = {.count = 0};
    Int128 exact = 0;
    size_t count = 0, low = l->r.from;
    for (size_t i = l->r.from; i < l->r.to; i++) {
        for (; !seen(l, low, i); low++) {
            if (!takes(l, low))
                continue;
            count--;
            if (is_real)
                exact_add(&real, -x->real[low]);
            else
                exact -= x->integer[low];
        }
        if (takes(l, i)) {
            count++;
            if (is_real)
                exact_add(&real, x->real[i]);
            else
                exact += x->integer[i];
        }
        double total = is_real ? exact_value(&real) : 0;
        TRY(f->aggregate->kind == AGGREGATE_MEAN
                ? put_mean(l->out, i, exact, total, count, x, l->err)
                : put_sum(l->out, i, exact, total, l->err));
    }
    return STATUS_OK;
}

static bool better(const Look *l, size_t a, size_t b)
{
    const Column *x = l->f->argument;
    bool least = l->f->aggregate->kind == AGGREGATE_MIN;
    if (x->type == TYPE_DOUBLE)
        return least ? x->real[a] < x->real[b] : x->real[a] > x->real[b];
    return least ? x->integer[a] < x->integer[b] : x->integer[a] > x->integer[b];
}

/* A queue of rows, best first: a row that a later one beats will never be the best again. */
static void look_extreme(const Look *l, Arena scratch)
{
    size_t *queue = ARENA_RAW(&scratch, size_t, l->r.to - l->r.from + 1);
    size_t head = 0, tail = 0;
    for (size_t i = l->r.from; i < l->r.to; i++) {
        if (takes(l, i)) {
            while (tail > head && better(l, i, queue[tail - 1]))
                tail--;
            queue[tail++] = i;
        }
        while (tail > head && !seen(l, queue[head], i))
            head++;
        if (tail > head)
            put_copy(l->out, i, l->f->argument, queue[head]);
    }
}

static void look_end(const Look *l)
{
    bool first = l->f->aggregate->kind == AGGREGATE_FIRST, any = false;
    size_t at = l->r.from; /* FIRST: none before it counts; LAST: the latest that does */
    for (size_t i = l->r.from; i < l->r.to; i++) {
        if (first) {
            while (at < i && !(takes(l, at) && seen(l, at, i)))
                at++;
            any = takes(l, at) && seen(l, at, i);
        } else if (takes(l, i)) {
            at = i;
            any = true;
        }
        if (any && seen(l, at, i))
            put_copy(l->out, i, l->f->argument, at);
    }
}

#define KEY_AFTER(a, b) ((a).key > (b).key)

typedef struct Keyed {
    uint64_t key;
    size_t row;
} Keyed;

static int by_key(const void *a, const void *b)
{
    const Keyed *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Equal values of these rows as equal numbers below *codes, [row - from]; rows without a value have
 * any. */
static const uint32_t *small_codes(size_t *codes, const Look *l, Arena *scratch)
{
    const Column *x = l->f->argument;
    size_t n = l->r.to - l->r.from, count = 0;
    if (codes_are_few(x, n)) {
        *codes = x->dictionary->count;
        return x->code + l->r.from;
    }
    uint32_t *code = ARENA_ARRAY(scratch, uint32_t, n + 1), next = 0;
    Keyed *item = ARENA_RAW(scratch, Keyed, n + 1);
    for (size_t row = l->r.from; row < l->r.to; row++)
        if (column_valid(x, row))
            item[count++] = (Keyed){cell_key(x, row), row};
    SORT_FEW_ITEMS(Keyed, item, count, KEY_AFTER, by_key);
    for (size_t i = 0; i < count; i++) {
        next += i > 0 && item[i].key != item[i - 1].key;
        code[item[i].row - l->r.from] = next;
    }
    *codes = (size_t)next + 1;
    return code;
}

/* How many values the window holds. */
static void look_distinct(const Look *l, Arena scratch)
{
    size_t from = l->r.from, low = from, codes;
    const uint32_t *code = small_codes(&codes, l, &scratch);
    int64_t *held = ARENA_ARRAY(&scratch, int64_t, codes + 1), distinct = 0;
    for (size_t i = from; i < l->r.to; i++) {
        for (; !seen(l, low, i); low++)
            if (takes(l, low))
                distinct -= --held[code[low - from]] == 0;
        if (takes(l, i))
            distinct += held[code[i - from]]++ == 0;
        l->out->integer[i] = distinct;
    }
    all_valid(l->out, l->r);
}

/* How often the window held this row's value before. */
static void look_same(const Look *l, Arena scratch)
{
    const Look own = *l;
    size_t from = l->r.from, low = from, codes;
    const uint32_t *code = small_codes(&codes, l, &scratch);
    int64_t *held = ARENA_ARRAY(&scratch, int64_t, codes + 1), *out = l->out->integer;
    for (size_t i = from; i < own.r.to; i++) {
        for (; !seen(&own, low, i); low++)
            if (takes(&own, low))
                held[code[low - from]]--;
        if (!column_valid(own.f->argument, i))
            continue;
        out[i] = held[code[i - from]];
        column_set_valid(own.out, i);
        held[code[i - from]] += takes(&own, i);
    }
}

/* since, previous: the latest strictly earlier row that counts. */
static Status look_earlier(const Look *l)
{
    bool since = l->f->aggregate->kind == AGGREGATE_SINCE, any = false;
    size_t at = 0;
    for (size_t i = l->r.from; i < l->r.to; i++) {
        if (any && since)
            TRY(put_integer(l->out, i, (Int128)l->created_us[i] - l->created_us[at], l->err));
        else if (any)
            put_copy(l->out, i, l->f->argument, at);
        if (takes(l, i)) {
            at = i;
            any = true;
        }
    }
    return STATUS_OK;
}

/* Only the rows of the window are seen, and only these get a value. */
static Status look_ahead(const Look *l, Range window)
{
    bool any = false;
    size_t at = 0;
    for (size_t i = window.to; i-- > window.from;) {
        if (any)
            TRY(put_integer(l->out, i, (Int128)l->created_us[at] - l->created_us[i], l->err));
        if (takes(l, i)) {
            at = i;
            any = true;
        }
    }
    return STATUS_OK;
}

static void look_streak(const Look *l)
{
    const Look own = *l;
    const uint64_t *base = l->f->base;
    int64_t *out = l->out->integer, streak = 0;
    for (size_t i = own.r.from; i < own.r.to; i++) {
        if (!condition_holds(base, i))
            continue;
        streak = takes(&own, i) ? streak + 1 : 0;
        out[i] = streak;
        column_set_valid(own.out, i);
    }
}

static Status look(const Look *l, Range window, Arena scratch)
{
    switch (l->f->aggregate->kind) {
    case AGGREGATE_COUNT:
        look_count(l);
        return STATUS_OK;
    case AGGREGATE_SHARE:
        return look_share(l);
    case AGGREGATE_SUM:
        return l->f->argument->type == TYPE_DOUBLE ? look_sum(l) : look_whole_sum(l);
    case AGGREGATE_MEAN:
        return look_sum(l);
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        look_extreme(l, scratch);
        return STATUS_OK;
    case AGGREGATE_FIRST:
    case AGGREGATE_LAST:
        look_end(l);
        return STATUS_OK;
    case AGGREGATE_DISTINCT:
        look_distinct(l, scratch);
        return STATUS_OK;
    case AGGREGATE_SAME:
        look_same(l, scratch);
        return STATUS_OK;
    case AGGREGATE_UNTIL:
        return look_ahead(l, window);
    case AGGREGATE_STREAK:
        look_streak(l);
        return STATUS_OK;
    default:
        return look_earlier(l);
    }
}

Status sequence_column(Column *out, Arena *keep, Arena scratch, const Events *events,
                       const Folding *f, Window w, Error *err)
{
    const size_t rows = events->rows->rows;
    folding_column(out, keep, f, rows);
    uint64_t *taken = ARENA_RAW(&scratch, uint64_t, rows / 64 + 1);
    for (size_t k = 0; k * 64 < rows; k++)
        taken[k] = taken_word(f, (Range){0, rows}, k);
    Look l = {.out = out,
              .f = f,
              .taken = taken,
              .created_us = events->created_us,
              .within_us = f->aggregate->within_us,
              .err = err};
    for (size_t customer = 0; customer < events->customers; customer++) {
        l.r = (Range){events->start[customer], events->start[customer + 1]};
        TRY(look(&l, events_range(events, customer, w), scratch));
    }
    return STATUS_OK;
}
