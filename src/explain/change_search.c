/* change_search.c - the nearest change that leaves the proposed action.
 *
 * One lever after the other is put to every value that comparable customers show, outwards from the
 * customer's own, and wherever what follows changes between two neighbours, the edge is halved down
 * to the unit: so thresholds of the book and splits of the trees are found without reading either.
 * What is worth combining (where rules fall away or the score drops) is then tried in pairs, and
 * where no change was found, in threes.
 */
#include "explain/change_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 512,       /* trials scored and decided on at a time */
    HALVINGS = 48,     /* of an edge: enough for 64 bits of cents */
    EDGES_MAX = 256,   /* of all levers */
    POINTS_LEAST = 80, /* values of a lever, about */
    KEPT_MAX = 6,      /* values of a lever that are tried with others' */
    TRIPLE_LEVERS = 10,
    TRIPLE_KEPT = 4
};

/* A value of a lever, and what follows from it alone. */
typedef struct Point {
    Trial trial;
    Outcome outcome;
    bool feasible;
} Point;

typedef struct Lever {
    uint32_t quantity;
    Point *point; /* by value */
    size_t points;
    Point kept[KEPT_MAX];
    size_t kepts;
    double drop; /* most that it lowers the score by, 1 more where a rule falls away */
} Lever;

typedef struct Search {
    const Subject *s;
    Arena work, spare, own; /* a batch's columns; its temporaries; what is found */
    Lever *lever;
    size_t levers;
    bool found;
    Trial best;
    size_t tried;
    Error *err;
} Search;

/* ---- trials ---- */

static Move move_to(const Subject *s, uint32_t quantity, double value)
{
    return (Move){quantity, value,
                  change_place(s, quantity, value) - change_place(s, quantity, s->own[quantity])};
}

static double distance(const Trial *t)
{
    double sum = 0;
    for (size_t i = 0; i < t->moves; i++)
        sum += fabs(t->move[i].step);
    return sum;
}

/* Nearer in percentiles; of equals the one with fewer moves, then the smaller change of values. */
static bool nearer(const Subject *s, const Trial *a, const Trial *b)
{
    if (a->distance != b->distance)
        return a->distance < b->distance;
    if (a->moves != b->moves)
        return a->moves < b->moves;
    for (size_t i = 0; i < a->moves; i++) {
        if (a->move[i].quantity != b->move[i].quantity)
            return a->move[i].quantity < b->move[i].quantity;
        double x = fabs(a->move[i].value - s->own[a->move[i].quantity]);
        double y = fabs(b->move[i].value - s->own[b->move[i].quantity]);
        if (x != y)
            return x < y;
    }
    return false;
}

static void offer(Search *w, const Point *p)
{
    if (!p->feasible || !change_leaves(w->s, &p->outcome))
        return;
    if (w->found && !nearer(w->s, &p->trial, &w->best))
        return;
    w->found = true;
    w->best = p->trial;
}

/* Fill in what follows from each point's trial. */
static Status answer(Search *w, Point *point, size_t count)
{
    for (size_t from = 0; from < count; from += BATCH) {
        size_t n = count - from < BATCH ? count - from : BATCH;
        Arena work = w->work;
        Trial *trial = ARENA_ARRAY(&work, Trial, n);
        Outcome *outcome;
        uint8_t *feasible;
        for (size_t i = 0; i < n; i++)
            trial[i] = point[from + i].trial;
        TRY(change_try(&outcome, &feasible, &work, w->spare, w->s, trial, n, w->err));
        for (size_t i = 0; i < n; i++) {
            point[from + i].outcome = outcome[i];
            point[from + i].feasible = feasible[i];
            offer(w, &point[from + i]);
        }
        w->tried += n;
    }
    return STATUS_OK;
}

static Trial trial_of(const Subject *s, uint32_t quantity, double value)
{
    Trial t = {.move = {move_to(s, quantity, value)}, .moves = 1};
    t.distance = distance(&t);
    return t;
}

/* ---- one lever ---- */

static double in_units(const Column *c, double number)
{
    if (c->type == TYPE_DOUBLE)
        return number;
    if (c->type == TYPE_DECIMAL)
        number *= (double)power_of_ten(c->scale);
    return floor(number + 0.5);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Its own value among those that comparable customers show, each once, and values between them
 * where they are few: what follows may change twice from one to the next. */
static void lay_out(Search *w, Lever *l, const PeerKnots *k)
{
    const Column *c = &w->s->quantity[l->quantity];
    size_t between = POINTS_LEAST / k->knots, n = 0, to = 0;
    double *value = ARENA_ARRAY(&w->own, double, (k->knots + 1) * (between + 1) + 1);
    value[n++] = w->s->own[l->quantity];
    for (size_t i = 0; i < k->knots; i++) {
        value[n++] = in_units(c, k->knot[i]);
        for (size_t m = 1; m <= between && i + 1 < k->knots && k->knot[i + 1] > k->knot[i]; m++)
            value[n++] = in_units(c, k->knot[i] + (k->knot[i + 1] - k->knot[i]) * (double)m /
                                                      (double)(between + 1));
    }
    qsort(value, n, sizeof *value, by_value);
    for (size_t i = 0; i < n; i++)
        if (to == 0 || value[i] != value[to - 1])
            value[to++] = value[i];
    l->points = to;
    l->point = ARENA_ARRAY(&w->own, Point, to + 1);
    for (size_t i = 0; i < to; i++)
        l->point[i].trial = trial_of(w->s, l->quantity, value[i]);
}

static Status find_levers(Search *w)
{
    const Levers *of = w->s->levers;
    w->lever = ARENA_ARRAY(&w->own, Lever, of->quantities.count + 1);
    for (uint32_t q = 0; q < of->quantities.count; q++) {
        const PeerKnots *k = !of->free[q] || isnan(w->s->own[q]) ? NULL : change_knots(w->s, q);
        if (k == NULL)
            continue;
        Lever *l = &w->lever[w->levers++];
        l->quantity = q;
        lay_out(w, l, k);
        TRY(answer(w, l->point, l->points));
    }
    return STATUS_OK;
}

/* The same rules, caps and segment? The score may differ. */
static bool alike(const Outcome *a, const Outcome *b)
{
    return a->action == b->action && a->before_safeguards == b->before_safeguards &&
           a->segment == b->segment && a->rules == b->rules && a->severe_rules == b->severe_rules &&
           a->families == b->families && a->insufficient_data == b->insufficient_data;
}

/* Two neighbours with something between them: near is closer to the customer's own value. What is
 * looked for is the first value beyond the edge, or where what lies beyond cannot be, the last
 * before it. */
typedef struct Edge {
    size_t lever;
    Point near, far;
    double near_value, far_value;
    bool last, done;
} Edge;

static bool differ(const Point *a, const Point *b)
{
    return a->feasible != b->feasible || !alike(&a->outcome, &b->outcome);
}

static void find_edges(const Search *w, Edge *edge, size_t *edges)
{
    for (size_t i = 0; i < w->levers; i++) {
        const Lever *l = &w->lever[i];
        double own = w->s->own[l->quantity];
        for (size_t k = 0; k + 1 < l->points && *edges < EDGES_MAX; k++) {
            const Point *a = &l->point[k], *b = &l->point[k + 1];
            bool outwards = a->trial.move[0].value >= own;
            const Point *near = outwards ? a : b, *far = outwards ? b : a;
            if ((near->feasible || far->feasible) && differ(near, far))
                edge[(*edges)++] = (Edge){.lever = i,
                                          .near = *near,
                                          .far = *far,
                                          .near_value = near->trial.move[0].value,
                                          .far_value = far->trial.move[0].value,
                                          .last = !far->feasible};
        }
    }
}

/* What an edge has found: worth keeping with the lever's other points. */
static const Point *edge_point(const Edge *e)
{
    return e->last ? &e->near : &e->far;
}

static double middle(const Column *c, double near, double far)
{
    double m = near + (far - near) / 2;
    return c->type == TYPE_DOUBLE ? m : near < far ? ceil(m) : floor(m);
}

static void halve(Edge *e, const Point *probe)
{
    double value = probe->trial.move[0].value;
    bool beyond = e->last ? !probe->feasible : probe->feasible && differ(probe, &e->near);
    if (beyond && !e->last)
        e->far = *probe;
    if (!beyond && e->last)
        e->near = *probe;
    *(beyond ? &e->far_value : &e->near_value) = value;
}

/* Halve every edge at once, down to the unit. */
static Status sharpen(Search *w, Edge *edge, size_t edges)
{
    Point *probe = ARENA_ARRAY(&w->own, Point, edges + 1);
    uint32_t *of = ARENA_ARRAY(&w->own, uint32_t, edges + 1);
    for (int round = 0; round < HALVINGS; round++) {
        size_t n = 0;
        for (size_t i = 0; i < edges; i++) {
            Edge *e = &edge[i];
            uint32_t q = w->lever[e->lever].quantity;
            double m = middle(&w->s->quantity[q], e->near_value, e->far_value);
            e->done = e->done || m == e->near_value || m == e->far_value;
            if (e->done)
                continue;
            of[n] = (uint32_t)i;
            probe[n++] = (Point){.trial = trial_of(w->s, q, m)};
        }
        if (n == 0)
            break;
        TRY(answer(w, probe, n));
        for (size_t k = 0; k < n; k++)
            halve(&edge[of[k]], &probe[k]);
    }
    return STATUS_OK;
}

/* ---- what is worth combining ---- */

static int by_distance(const void *a, const void *b)
{
    const Point *x = a, *y = b;
    if (x->trial.distance != y->trial.distance)
        return x->trial.distance < y->trial.distance ? -1 : 1;
    double u = x->trial.move[0].value, v = y->trial.move[0].value;
    return (u > v) - (u < v);
}

static bool fewer_rules(const Outcome *a, const Outcome *b)
{
    return a->rules < b->rules || a->severe_rules < b->severe_rules || a->families < b->families ||
           a->before_safeguards < b->before_safeguards || a->segment < b->segment;
}

/* Outwards by distance: a point is kept where the score is lower than at every nearer one by a
 * hundredth, or what follows is milder in kind. The furthest of the score's are thinned out. */
static void keep_points(Search *w, Lever *l, const Edge *edge, size_t edges)
{
    size_t all = l->points, n = 0;
    const Outcome *own = &w->s->scored->outcome[w->s->position];
    Point *list = ARENA_ARRAY(&w->own, Point, l->points + edges + 1);
    memcpy(list, l->point, l->points * sizeof *list);
    for (size_t i = 0; i < edges; i++)
        if (w->lever[edge[i].lever].quantity == l->quantity)
            list[all++] = *edge_point(&edge[i]);
    qsort(list, all, sizeof *list, by_distance);
    Point *worth = ARENA_ARRAY(&w->own, Point, all + 1);
    const Outcome *last = own;
    double lowest = own->probability - 0.01;
    for (size_t i = 0; i < all; i++) {
        const Outcome *o = &list[i].outcome;
        if (!list[i].feasible || o->insufficient_data)
            continue;
        bool milder = fewer_rules(o, last);
        if (!milder && o->probability > lowest)
            continue;
        worth[n++] = list[i];
        last = milder ? o : last;
        lowest = o->probability < lowest ? o->probability - 0.01 : lowest;
        double drop = own->probability - o->probability + (milder ? 1 : 0);
        l->drop = drop > l->drop ? drop : l->drop;
    }
    l->kepts = n < KEPT_MAX ? n : KEPT_MAX;
    for (size_t k = 0; k < l->kepts; k++)
        l->kept[k] = worth[l->kepts == n ? k : k * (n - 1) / (l->kepts - 1)];
}

static int by_drop(const void *a, const void *b)
{
    const Lever *x = a, *y = b;
    if (x->drop != y->drop)
        return x->drop > y->drop ? -1 : 1;
    return (x->quantity > y->quantity) - (x->quantity < y->quantity);
}

/* ---- together ---- */

typedef struct Combining {
    Search *w;
    Point *point;
    size_t points;
} Combining;

static Status flush(Combining *c)
{
    size_t n = c->points;
    c->points = 0;
    return answer(c->w, c->point, n);
}

static Status combine(Combining *c, const Point *const *part, size_t parts)
{
    Trial t = {.moves = parts};
    for (size_t i = 0; i < parts; i++)
        t.move[i] = part[i]->trial.move[0];
    t.distance = distance(&t);
    if (c->w->found && t.distance >= c->w->best.distance)
        return STATUS_OK;
    c->point[c->points++] = (Point){.trial = t};
    return c->points < BATCH ? STATUS_OK : flush(c);
}

static Status try_pairs(Combining *c)
{
    const Search *w = c->w;
    for (size_t i = 0; i < w->levers; i++)
        for (size_t k = i + 1; k < w->levers; k++)
            for (size_t a = 0; a < w->lever[i].kepts; a++)
                for (size_t b = 0; b < w->lever[k].kepts; b++) {
                    const Point *part[] = {&w->lever[i].kept[a], &w->lever[k].kept[b]};
                    TRY(combine(c, part, 2));
                }
    return flush(c);
}

static const Point *some(const Lever *l, size_t k)
{
    size_t n = l->kepts < TRIPLE_KEPT ? l->kepts : TRIPLE_KEPT;
    return &l->kept[n == l->kepts ? k : k * (l->kepts - 1) / (n - 1)];
}

static size_t some_count(const Lever *l)
{
    return l->kepts < TRIPLE_KEPT ? l->kepts : TRIPLE_KEPT;
}

static Status try_triples(Combining *c)
{
    const Lever *l = c->w->lever;
    size_t n = c->w->levers < TRIPLE_LEVERS ? c->w->levers : TRIPLE_LEVERS;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            for (size_t m = k + 1; m < n; m++)
                for (size_t a = 0; a < some_count(&l[i]); a++)
                    for (size_t b = 0; b < some_count(&l[k]); b++)
                        for (size_t d = 0; d < some_count(&l[m]); d++) {
                            const Point *part[] = {some(&l[i], a), some(&l[k], b), some(&l[m], d)};
                            TRY(combine(c, part, 3));
                        }
    return flush(c);
}

/* Bring each move of what was found as near as it still does, one after the other. */
static Status tighten(Search *w)
{
    for (size_t i = 0; i < w->best.moves; i++) {
        uint32_t q = w->best.move[i].quantity;
        double near = w->s->own[q], far = w->best.move[i].value;
        for (int round = 0; round < HALVINGS; round++) {
            double m = middle(&w->s->quantity[q], near, far);
            if (m == near || m == far)
                break;
            Point p = {.trial = w->best};
            p.trial.move[i] = move_to(w->s, q, m);
            p.trial.distance = distance(&p.trial);
            TRY(answer(w, &p, 1));
            if (p.feasible && change_leaves(w->s, &p.outcome))
                far = m;
            else
                near = m;
        }
    }
    return STATUS_OK;
}

static Status search(Search *w)
{
    size_t edges = 0;
    Edge *edge = ARENA_ARRAY(&w->own, Edge, EDGES_MAX + 1);
    TRY(find_levers(w));
    find_edges(w, edge, &edges);
    TRY(sharpen(w, edge, edges));
    for (size_t i = 0; i < w->levers; i++)
        keep_points(w, &w->lever[i], edge, edges);
    qsort(w->lever, w->levers, sizeof *w->lever, by_drop);
    Combining c = {.w = w, .point = ARENA_ARRAY(&w->own, Point, BATCH + 1)};
    TRY(try_pairs(&c));
    if (!w->found)
        TRY(try_triples(&c));
    return w->found ? tighten(w) : STATUS_OK;
}

Status change_search(bool *found, Trial *best, size_t *tried, Arena scratch, const Subject *s,
                     Error *err)
{
    Search w = {.s = s, .work = arena_new(), .spare = scratch, .own = arena_new(), .err = err};
    Status status = search(&w);
    *found = w.found;
    *best = w.best;
    *tried = w.tried;
    arena_free(&w.work);
    arena_free(&w.own);
    return status;
}
