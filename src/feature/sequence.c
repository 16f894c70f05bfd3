/* What is written inside an aggregate and looks back from each transaction: nested aggregates
 * over a sliding window, and the functions of the order of events. One pass over a customer's
 * rows each; `low` is the first row still inside the window and only ever moves on. */
#include "feature/feature_internal.h"
#include "feature/sort.h"

#include <stdlib.h>

typedef struct Look {
    Column *out;
    const Folding *f;
    const int64_t *created_us;
    int64_t within_us; /* 0: back to the first row */
    Range r;           /* all rows of a customer */
    Error *err;
} Look;

/* The first row at or after low that row i still sees: those of (t - within, t]. */
static bool seen(const Look *l, size_t row, size_t i)
{
    return l->within_us == 0 || l->created_us[row] > l->created_us[i] - l->within_us;
}

static Status look_count(const Look *l)
{
    const Folding *f = l->f;
    const bool share = f->aggregate->kind == AGGREGATE_SHARE;
    const uint64_t *base = f->base, *filter = f->filter;
    const Look own = *l; /* what is written below could lie in *l, for all a compiler knows */
    int64_t part = 0, whole = 0;
    size_t low = own.r.from;
    for (size_t i = own.r.from; i < own.r.to; i++) {
        bool counts = condition_holds(base, i);
        whole += counts;
        part += counts && condition_holds(filter, i);
        for (; !seen(&own, low, i); low++) {
            counts = condition_holds(base, low);
            whole -= counts;
            part -= counts && condition_holds(filter, low);
        }
        if (!share) {
            own.out->integer[i] = part;
            column_set_valid(own.out, i);
        } else if (whole > 0)
            TRY(put_real(l->out, i, (double)part / (double)whole, l->err));
    }
    return STATUS_OK;
}

/* Sums are exact, of doubles too, so what leaves the window is taken out again to the bit. */
static Status look_sum(const Look *l)
{
    const Folding *f = l->f;
    const Column *x = f->argument;
    const bool is_real = x->type == TYPE_DOUBLE;
    const bool whole_sum = !is_real && f->aggregate->kind == AGGREGATE_SUM;
    ExactSum real = {.count = 0};
    Int128 exact = 0;
    const Look own = *l;
    size_t count = 0, low = own.r.from;
    for (size_t i = own.r.from; i < own.r.to; i++) {
        for (; !seen(&own, low, i); low++) {
            if (!folding_takes(f, low))
                continue;
            count--;
            if (is_real)
                exact_add(&real, -x->real[low]);
            else
                exact -= x->integer[low];
        }
        if (folding_takes(f, i)) {
            count++;
            if (is_real)
                exact_add(&real, x->real[i]);
            else
                exact += x->integer[i];
        }
        if (whole_sum) {
            TRY(put_integer(own.out, i, exact, own.err));
            continue;
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
        if (folding_takes(l->f, i)) {
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
            while (at < i && !(folding_takes(l->f, at) && seen(l, at, i)))
                at++;
            any = folding_takes(l->f, at) && seen(l, at, i);
        } else if (folding_takes(l->f, i)) {
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

/* Equal values of these rows as equal small numbers, [row - from]; other rows have none. */
static uint32_t *small_codes(const Look *l, Arena *scratch)
{
    size_t n = l->r.to - l->r.from, count = 0;
    uint32_t *code = ARENA_ARRAY(scratch, uint32_t, n + 1), next = 0;
    Keyed *item = ARENA_RAW(scratch, Keyed, n + 1);
    for (size_t row = l->r.from; row < l->r.to; row++)
        if (column_valid(l->f->argument, row))
            item[count++] = (Keyed){cell_key(l->f->argument, row), row};
    SORT_FEW_ITEMS(Keyed, item, count, KEY_AFTER, by_key);
    for (size_t i = 0; i < count; i++) {
        next += i > 0 && item[i].key != item[i - 1].key;
        code[item[i].row - l->r.from] = next;
    }
    return code;
}

/* distinct: how many values the window holds. same: how often it held this one before. */
static Status look_values(const Look *l, Arena scratch)
{
    bool same = l->f->aggregate->kind == AGGREGATE_SAME;
    size_t from = l->r.from, low = from;
    const uint32_t *code = small_codes(l, &scratch);
    int64_t *held = ARENA_ARRAY(&scratch, int64_t, l->r.to - from + 1), distinct = 0;
    for (size_t i = from; i < l->r.to; i++) {
        for (; !seen(l, low, i); low++)
            if (folding_takes(l->f, low))
                distinct -= --held[code[low - from]] == 0;
        if (same && column_valid(l->f->argument, i))
            TRY(put_integer(l->out, i, held[code[i - from]], l->err));
        if (folding_takes(l->f, i))
            distinct += held[code[i - from]]++ == 0;
        if (!same)
            TRY(put_integer(l->out, i, distinct, l->err));
    }
    return STATUS_OK;
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
        if (folding_takes(l->f, i)) {
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
        if (condition_holds(l->f->filter, i)) {
            at = i;
            any = true;
        }
    }
    return STATUS_OK;
}

static Status look_streak(const Look *l)
{
    int64_t streak = 0;
    for (size_t i = l->r.from; i < l->r.to; i++) {
        if (!condition_holds(l->f->base, i))
            continue;
        streak = condition_holds(l->f->filter, i) ? streak + 1 : 0;
        TRY(put_integer(l->out, i, streak, l->err));
    }
    return STATUS_OK;
}

static Status look(const Look *l, Range window, Arena scratch)
{
    switch (l->f->aggregate->kind) {
    case AGGREGATE_COUNT:
    case AGGREGATE_SHARE:
        return look_count(l);
    case AGGREGATE_SUM:
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
    case AGGREGATE_SAME:
        return look_values(l, scratch);
    case AGGREGATE_UNTIL:
        return look_ahead(l, window);
    case AGGREGATE_STREAK:
        return look_streak(l);
    default:
        return look_earlier(l);
    }
}

Status sequence_column(Column *out, Arena *keep, Arena scratch, const Events *events,
                       const Folding *f, Window w, Error *err)
{
    folding_column(out, keep, f, events->rows->rows);
    Look l = {.out = out,
              .f = f,
              .created_us = events->created_us,
              .within_us = f->aggregate->within_us,
              .err = err};
    for (size_t customer = 0; customer < events->customers; customer++) {
        l.r = (Range){events->start[customer], events->start[customer + 1]};
        TRY(look(&l, events_range(events, customer, w), scratch));
    }
    return STATUS_OK;
}
