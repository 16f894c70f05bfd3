/* change_levers.c - which quantities may be otherwise, and which of them go together. */
#include "explain/change_internal.h"

#include <math.h>

static bool nested(const Aggregate *a)
{
    const Expr *part[] = {a->argument, a->filter, a->base};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(part) && count == 0; i++)
        if (part[i] != NULL)
            (void)lang_aggregates(part[i], &count);
    return count > 0;
}

static bool is_number(Type type)
{
    return type == TYPE_INT64 || type == TYPE_DECIMAL || type == TYPE_DOUBLE ||
           type == TYPE_DURATION;
}

static bool reads(const Expr *e, Str name)
{
    size_t count = 0;
    const Str *names = e == NULL ? NULL : lang_names(e, &count);
    for (size_t i = 0; i < count; i++)
        if (str_equal(names[i], name))
            return true;
    return false;
}

/* A plain sum of amounts: never below 0, and no sum of some of them exceeds it. */
static bool adds_amounts(const Aggregate *a, const Plan *p)
{
    return (a->kind == AGGREGATE_SUM || a->kind == AGGREGATE_MAX) && a->argument != NULL &&
           str_equal(lang_bare_name(a->argument), p->schema->transactions.amount.text);
}

static bool counts(const Aggregate *a)
{
    return a->kind == AGGREGATE_COUNT && a->argument == NULL;
}

static bool flows(const Aggregate *a)
{
    return a->kind == AGGREGATE_MATCHED || a->kind == AGGREGATE_DRAINED ||
           a->kind == AGGREGATE_FOLLOWED;
}

/* How much was seen of a customer is no behaviour: counts over a window that ends at as_of grow
 * with it, as do points in time and row versions. What is looked at event by event, and what is no
 * amount, count or time between, has no value that could be given to it by itself. */
static bool may_move(const Quantity *q, const Plan *p)
{
    const Aggregate *a = q->aggregate;
    if (nested(a) || !is_number(a->type) || reads(a->argument, S("records")) ||
        reads(a->filter, S("records")))
        return false;
    if (counts(a))
        return q->window.kind == WINDOW_FIRST || p->schema->timeless;
    return adds_amounts(a, p) || flows(a) || a->kind == AGGREGATE_MATCHED_LAG;
}

static bool inside(Window a, Window b)
{
    if (b.kind == WINDOW_ALL)
        return true;
    return a.kind == b.kind && a.duration_us <= b.duration_us;
}

/* Every row that a takes is taken by b. Of flows: on either side. */
static bool rows_within(const Quantity *a, const Quantity *b)
{
    return inside(a->window, b->window) && lang_implies(a->aggregate->filter, b->aggregate->filter);
}

static bool flow_within(const Aggregate *a, const Aggregate *b)
{
    return a->kind == b->kind && lang_implies(a->filter, b->filter) &&
           lang_implies(a->base, b->base) && a->within_us <= b->within_us &&
           a->fraction == b->fraction && a->fraction_scale == b->fraction_scale;
}

/* The busiest day, the longest streak: the largest of what is looked back at from each event, which
 * lies in the same window where that begins with the first event. NULL for all else. */
static const Aggregate *peak_of(const Quantity *q)
{
    const Aggregate *a = q->aggregate, *inner;
    size_t count = 0;
    if (a->kind != AGGREGATE_MAX || a->argument == NULL || !lang_is_aggregate(a->argument) ||
        (q->window.kind != WINDOW_FIRST && q->window.kind != WINDOW_ALL))
        return NULL;
    inner = lang_aggregates(a->argument, &count);
    return count == 1 ? inner : NULL;
}

/* What has no value that could be given to it by itself, and is still never more than its whole: a
 * peak, the number of different values, the most frequent one's count, a mean of amounts. */
static bool is_bound(const Quantity *a, const Quantity *b, const Plan *p)
{
    const Aggregate *x = a->aggregate, *y = b->aggregate, *peak = peak_of(a);
    if (!inside(a->window, b->window))
        return false;
    if (peak != NULL && !nested(peak) && lang_implies(peak->filter, y->filter)) {
        bool count = (peak->kind == AGGREGATE_COUNT && peak->argument == NULL) ||
                     peak->kind == AGGREGATE_STREAK;
        return count ? counts(y)
                     : peak->kind == AGGREGATE_SUM && adds_amounts(peak, p) &&
                           y->kind == AGGREGATE_SUM && adds_amounts(y, p);
    }
    if (nested(x) || !lang_implies(x->filter, y->filter))
        return false;
    if (x->kind == AGGREGATE_DISTINCT || x->kind == AGGREGATE_MODAL)
        return counts(y);
    return x->kind == AGGREGATE_MEAN && x->argument != NULL && adds_amounts(y, p) &&
           str_equal(lang_bare_name(x->argument), p->schema->transactions.amount.text);
}

static bool is_part(const Quantity *a, const Quantity *b, const Plan *p)
{
    const Aggregate *x = a->aggregate, *y = b->aggregate;
    if (is_bound(a, b, p))
        return true;
    if (nested(x))
        return false;
    if (flows(x) && flows(y))
        return inside(a->window, b->window) && flow_within(x, y);
    if (x->kind == AGGREGATE_MATCHED && y->kind == AGGREGATE_SUM && adds_amounts(y, p))
        return inside(a->window, b->window) &&
               (lang_implies(x->filter, y->filter) || lang_implies(x->base, y->filter));
    if ((x->kind == AGGREGATE_DRAINED || x->kind == AGGREGATE_FOLLOWED) && counts(y))
        return rows_within(a, b);
    if (adds_amounts(x, p) && adds_amounts(y, p))
        return !(x->kind == AGGREGATE_SUM && y->kind == AGGREGATE_MAX) && rows_within(a, b);
    return counts(x) && counts(y) && rows_within(a, b);
}

/* a is nothing where b is: an amount of rows that b counts, or a count of rows whose amounts b adds
 * up. */
static bool is_none(const Quantity *a, const Quantity *b, const Plan *p)
{
    const Aggregate *x = a->aggregate, *y = b->aggregate;
    bool other = (adds_amounts(x, p) || x->kind == AGGREGATE_MATCHED) && counts(y);
    return (other || (counts(x) && adds_amounts(y, p))) && rows_within(a, b);
}

static bool is_apart(const Quantity *a, const Quantity *b)
{
    return a->aggregate->kind == b->aggregate->kind &&
           (a->aggregate->kind == AGGREGATE_SUM || counts(a->aggregate)) &&
           lang_excludes(a->aggregate->filter, b->aggregate->filter);
}

static double scale_between(const Aggregate *a, const Aggregate *whole)
{
    bool units = a->type == TYPE_DOUBLE && whole->type == TYPE_DECIMAL;
    return units ? (double)power_of_ten(whole->scale) : 1;
}

static void find_limits(Levers *l, Arena *keep)
{
    const Plan *p = l->bundle->plan;
    const Quantity *q = l->quantities.item;
    size_t capacity = 0, n = l->quantities.count;
    for (uint32_t a = 0; a < n; a++)
        for (uint32_t whole = 0; whole < n && l->known[a]; whole++) {
            if (a == whole || !l->known[whole] || nested(q[whole].aggregate))
                continue;
            bool bound = is_bound(&q[a], &q[whole], p), part = is_part(&q[a], &q[whole], p);
            l->bound[a] |= bound;
            if (part || (!nested(q[a].aggregate) && is_none(&q[a], &q[whole], p)))
                *ARENA_PUSH(keep, l->limit, l->limits, capacity) =
                    (Limit){part ? LIMIT_PART : LIMIT_NONE, a, 0, whole,
                            scale_between(q[a].aggregate, q[whole].aggregate)};
            for (uint32_t b = a + 1; b < n && part; b++)
                if (b != whole && l->known[b] && !nested(q[b].aggregate) &&
                    q[b].aggregate->kind == q[whole].aggregate->kind &&
                    is_part(&q[b], &q[whole], p) && is_apart(&q[a], &q[b]))
                    *ARENA_PUSH(keep, l->limit, l->limits, capacity) =
                        (Limit){LIMIT_APART, a, b, whole, 1};
        }
}

/* A feature that is the quantity and nothing else; else one that begins with it; else any. What is
 * only monitored comes last. */
static uint32_t shown_by(const Levers *l, uint32_t quantity)
{
    const Plan *p = l->bundle->plan;
    uint32_t best = l->quantities.item[quantity].feature;
    int best_rank = 0;
    for (size_t i = 0; i < p->features; i++) {
        const Feature *f = &p->feature[i];
        size_t count;
        (void)lang_aggregates(f->expr, &count);
        for (size_t k = 0; k < count; k++) {
            if (l->quantities.of[i][k] != quantity)
                continue;
            bool itself = lang_is_aggregate(f->expr);
            int rank = 1 + (itself ? 4 : 0) + (f->use != USE_MONITOR ? 2 : 0) + (k == 0 ? 1 : 0);
            best = rank > best_rank ? (uint32_t)i : best;
            best_rank = rank > best_rank ? rank : best_rank;
        }
    }
    return best;
}

/* Does it read a feature before it that is not fixed? */
static bool follows(const Levers *l, size_t feature)
{
    const Plan *p = l->bundle->plan;
    for (size_t i = 0; i < feature; i++)
        if (!l->fixed[i] && reads(p->feature[feature].expr, p->feature[i].name.text))
            return true;
    return false;
}

static void find_fixed(Levers *l)
{
    const Plan *p = l->bundle->plan;
    for (size_t i = 0; i < p->features; i++) {
        const Expr *e = p->feature[i].expr;
        size_t count;
        (void)lang_aggregates(e, &count);
        l->fixed[i] = lang_population(e) == NULL && !follows(l, i);
        for (size_t k = 0; k < count; k++)
            l->fixed[i] = l->fixed[i] && !l->free[l->quantities.of[i][k]];
        for (size_t k = 0; k < count && !l->fixed[i]; k++)
            l->read[l->quantities.of[i][k]] = 1;
    }
}

Levers *change_levers(Arena *keep, const Bundle *b)
{
    Levers *l = ARENA_NEW(keep, Levers);
    const PeerSet *all = &b->peers->set[b->peers->sets - 1];
    l->bundle = b;
    plan_quantities(&l->quantities, keep, b->plan);
    size_t n = l->quantities.count;
    l->known = ARENA_ARRAY(keep, uint8_t, n + 1);
    l->free = ARENA_ARRAY(keep, uint8_t, n + 1);
    l->bound = ARENA_ARRAY(keep, uint8_t, n + 1);
    l->show = ARENA_ARRAY(keep, uint32_t, n + 1);
    l->used = ARENA_ARRAY(keep, uint8_t, b->plan->features + 1);
    l->fixed = ARENA_ARRAY(keep, uint8_t, b->plan->features + 1);
    l->read = ARENA_ARRAY(keep, uint8_t, n + 1);
    for (size_t i = 0; i < b->plan->features; i++)
        l->used[i] = all->feature[i].customers > 0;
    for (uint32_t i = 0; i < n; i++) {
        l->known[i] = all->quantity[i].customers > 0;
        l->free[i] = l->known[i] && may_move(&l->quantities.item[i], b->plan);
        l->show[i] = shown_by(l, i);
    }
    find_fixed(l);
    find_limits(l, keep);
    return l;
}

/* ---- carrying along ---- */

enum { ROUNDS_MAX = 20 };

typedef struct Carrying {
    const Subject *s;
    double *value;
    const Trial *trial;
} Carrying;

static bool pinned(const Carrying *c, uint32_t quantity)
{
    for (size_t i = 0; i < c->trial->moves; i++)
        if (c->trial->move[i].quantity == quantity)
            return true;
    return false;
}

static bool set(const Carrying *c, uint32_t quantity, double value)
{
    const Levers *l = c->s->levers;
    if (!(l->free[quantity] || l->bound[quantity]) || pinned(c, quantity) || value < 0)
        return false;
    c->value[quantity] = value;
    return true;
}

/* A part of what was lowered is lowered with it. What was raised must find room as things are: to
 * raise its whole as well is another move, which has its own distance. */
static bool keep_part(const Carrying *c, uint32_t a, uint32_t whole, double most)
{
    return c->value[whole] < c->s->own[whole] && set(c, a, most);
}

/* Both give way in proportion, what was not moved alone where the other was. */
static bool keep_apart(const Carrying *c, const Limit *l)
{
    double a = c->value[l->a], b = c->value[l->b], whole = c->value[l->whole];
    if (!(whole < c->s->own[l->whole]))
        return false;
    if (pinned(c, l->a))
        return set(c, l->b, whole - a);
    if (pinned(c, l->b))
        return set(c, l->a, whole - b);
    double share = floor(whole * (a / (a + b)));
    return set(c, l->a, share) && set(c, l->b, whole - share);
}

static bool keep_limit(bool *moved, const Carrying *c, const Limit *l)
{
    double a = c->value[l->a], whole = c->value[l->whole];
    *moved = false;
    if (isnan(a) || isnan(whole))
        return true;
    if (l->kind == LIMIT_PART && limit_exceeded(l, a, whole))
        return *moved = true, keep_part(c, l->a, l->whole, limit_most(l, whole));
    if (l->kind == LIMIT_NONE && a > 0 && whole == 0)
        return *moved = true, keep_part(c, l->a, l->whole, 0);
    if (l->kind == LIMIT_APART && a + c->value[l->b] > whole)
        return *moved = true, keep_apart(c, l);
    return true;
}

bool change_carry(double *value, const Subject *s, const Trial *t)
{
    const Levers *l = s->levers;
    const Carrying c = {s, value, t};
    for (size_t i = 0; i < l->quantities.count; i++)
        value[i] = s->own[i];
    for (size_t i = 0; i < t->moves; i++)
        value[t->move[i].quantity] = t->move[i].value;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool any = false;
        for (size_t i = 0; i < l->limits; i++) {
            bool moved;
            if (!s->held[i])
                continue;
            if (!keep_limit(&moved, &c, &l->limit[i]))
                return false;
            any = any || moved;
        }
        if (!any)
            return true;
    }
    return false;
}
