/* Peers: where a customer stands among the customers that were learnt from. */
#include "feature/peer.h"

#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>

enum { PEERS_LEAST = 30, KNOTS_MOST = 100, CUSTOMERS_A_KNOT = 3 };

/* To the scale of a normal distribution's standard deviation: 1 / 0.6745 and sqrt(pi / 2).
 * Source: Iglewicz and Hoaglin 1993. */
static const double MEDIAN_DEVIATION = 1.4826, MEAN_DEVIATION = 1.2533141373155003;

static int by_value(const void *a, const void *b, void *context)
{
    const double *value = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (value[i] != value[j])
        return value[i] < value[j] ? -1 : 1;
    return (i > j) - (i < j);
}

PeerColumn *peer_column(Arena *keep, Arena scratch, const Column *value, const Column *group,
                        const uint32_t *row, size_t rows)
{
    PeerColumn *c = ARENA_NEW(keep, PeerColumn);
    c->rows = rows;
    c->names = dictionary_new(keep);
    c->value = ARENA_ARRAY(keep, double, rows + 1);
    c->group = ARENA_ARRAY(keep, uint32_t, rows + 1);
    c->order = ARENA_ARRAY(keep, uint32_t, rows + 1);
    for (size_t i = 0; i < rows; i++) {
        size_t at = row == NULL ? i : row[i];
        Arena own = scratch;
        c->value[i] = cell_double(value, at);
        c->group[i] = group == NULL || !column_valid(group, at)
                          ? NO_CODE
                          : dictionary_add(c->names, cell_text(&own, group, at));
        if (!isnan(c->value[i]))
            c->order[c->ordered++] = (uint32_t)i;
    }
    qsort_r(c->order, c->ordered, sizeof *c->order, by_value, c->value);
    return c;
}

/* Distances from the middle, ascending: a walk outwards from it to both sides. */
static void distances(double *out, const double *v, size_t n, double middle)
{
    size_t right = 0;
    while (right < n && v[right] < middle)
        right++;
    size_t left = right;
    for (size_t i = 0; i < n; i++) {
        bool lower = right == n || (left > 0 && middle - v[left - 1] <= v[right] - middle);
        out[i] = lower ? middle - v[--left] : v[right++] - middle;
    }
}

static void group_fit(PeerGroup *g, Arena *keep, Arena scratch, const double *v, size_t n)
{
    g->customers = n;
    if (n == 0)
        return;
    g->knots = n / CUSTOMERS_A_KNOT < KNOTS_MOST ? n / CUSTOMERS_A_KNOT : KNOTS_MOST;
    g->knots = g->knots == 0 ? 1 : g->knots;
    g->knot = ARENA_ARRAY(keep, double, g->knots);
    for (size_t k = 0; k < g->knots; k++)
        g->knot[k] = metric_quantile_part(v, n, 2 * k + 1, 2 * g->knots);
    g->median = metric_quantile_part(v, n, 1, 2);
    double *distance = ARENA_RAW(&scratch, double, n), sum = 0;
    distances(distance, v, n, g->median);
    g->spread = MEDIAN_DEVIATION * metric_quantile_part(distance, n, 1, 2);
    for (size_t i = 0; i < n; i++)
        sum += distance[i];
    if (g->spread == 0)
        g->spread = MEAN_DEVIATION * (sum / (double)n);
}

static int by_name(const void *a, const void *b)
{
    return str_compare(((const PeerGroup *)a)->name, ((const PeerGroup *)b)->name);
}

Peers *peers_fit(Arena *keep, Arena scratch, const PeerColumn *c, const uint8_t *fitting)
{
    Peers *p = ARENA_NEW(keep, Peers);
    size_t names = c->names->count, all = 0;
    size_t *count = ARENA_ARRAY(&scratch, size_t, names + 1);
    double **value = ARENA_ARRAY(&scratch, double *, names + 1);
    double *every = ARENA_RAW(&scratch, double, c->ordered + 1);
    for (size_t i = 0; i < c->ordered; i++)
        if (fitting[c->order[i]] && c->group[c->order[i]] != NO_CODE)
            count[c->group[c->order[i]]]++;
    for (size_t k = 0; k < names; k++) {
        value[k] = ARENA_RAW(&scratch, double, count[k] + 1);
        count[k] = 0;
    }
    for (size_t i = 0; i < c->ordered; i++) {
        uint32_t row = c->order[i], group = c->group[row];
        if (!fitting[row])
            continue;
        every[all++] = c->value[row];
        if (group != NO_CODE)
            value[group][count[group]++] = c->value[row];
    }
    p->group = ARENA_ARRAY(keep, PeerGroup, names + 1);
    group_fit(&p->group[p->groups++], keep, scratch, every, all);
    for (size_t k = 0; k < names; k++)
        if (count[k] >= PEERS_LEAST) {
            PeerGroup *g = &p->group[p->groups++];
            g->name = str_copy(keep, c->names->text[k]);
            group_fit(g, keep, scratch, value[k], count[k]);
        }
    qsort(p->group + 1, p->groups - 1, sizeof *p->group, by_name);
    return p;
}

/* Knots below x, and half of those equal to it, as a share of all. */
static double position(const PeerGroup *g, double x)
{
    size_t below = 0, upto = g->knots;
    for (size_t to = g->knots; below < to;) {
        size_t middle = below + (to - below) / 2;
        if (g->knot[middle] < x)
            below = middle + 1;
        else
            to = middle;
    }
    for (size_t from = below; from < upto;) {
        size_t middle = from + (upto - from) / 2;
        if (g->knot[middle] <= x)
            from = middle + 1;
        else
            upto = middle;
    }
    return (double)(below + upto) / (double)(2 * g->knots);
}

static double answer(const PeerGroup *g, PopulationKind kind, double x)
{
    if (isnan(x) || g->customers == 0)
        return (double)NAN;
    if (kind == POPULATION_PERCENTILE)
        return position(g, x);
    if (g->spread == 0)
        return x == g->median ? 0 : (double)NAN;
    return (x - g->median) / g->spread;
}

/* The group that is called so, or all customers. */
static const PeerGroup *group_of(const Peers *p, Str name)
{
    const PeerGroup wanted = {.name = name};
    const PeerGroup *own =
        p->groups < 2 ? NULL
                      : bsearch(&wanted, p->group + 1, p->groups - 1, sizeof wanted, by_name);
    return own == NULL ? &p->group[0] : own;
}

double peers_place(Arena scratch, const Peers *p, PopulationKind kind, const Column *value,
                   const Column *group, size_t row)
{
    const PeerGroup *own = group == NULL || !column_valid(group, row)
                               ? &p->group[0]
                               : group_of(p, cell_text(&scratch, group, row));
    return answer(own, kind, cell_double(value, row));
}

void peers_apply(double *out, Arena scratch, const Peers *p, const PeerColumn *c,
                 PopulationKind kind)
{
    const PeerGroup **of = ARENA_ARRAY(&scratch, const PeerGroup *, c->names->count + 1);
    for (size_t k = 0; k < c->names->count; k++)
        of[k] = group_of(p, c->names->text[k]);
    for (size_t i = 0; i < c->rows; i++) {
        const PeerGroup *own = c->group[i] == NO_CODE ? &p->group[0] : of[c->group[i]];
        out[i] = answer(own, kind, c->value[i]);
    }
}
