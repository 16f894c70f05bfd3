/* peers.c - quantiles of the labelled customers' numbers, and where a number stands among them. */
#include "policy/policy_internal.h"

#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KNOTS_MOST = 100, KNOTS_OF_FEW = 20, MANY = 100, CUSTOMERS_A_KNOT = 3 };

static bool is_number(Type type)
{
    return type == TYPE_INT64 || type == TYPE_DECIMAL || type == TYPE_DOUBLE ||
           type == TYPE_DURATION;
}

/* ---- what is kept ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fit(PeerKnots *out, Arena *keep, double *value, size_t n)
{
    out->customers = n;
    if (n < PEERS_LEAST)
        return;
    size_t most = n < MANY ? KNOTS_OF_FEW : KNOTS_MOST;
    out->knots = n / CUSTOMERS_A_KNOT < most ? n / CUSTOMERS_A_KNOT : most;
    out->knot = ARENA_ARRAY(keep, double, out->knots);
    qsort(value, n, sizeof *value, ascending);
    for (size_t k = 0; k < out->knots; k++)
        out->knot[k] = metric_quantile_part(value, n, 2 * k + 1, 2 * out->knots);
}

/* member[i]: the sets that customer i belongs to are its own and those of the engine's after it. */
static bool belongs(size_t sets, size_t set, uint32_t own)
{
    return set == own || (set + 2 >= sets && set > own);
}

static void fit_column(PeerSets *out, Arena *keep, Arena scratch, const Column *c,
                       const uint32_t *row, size_t count, const uint32_t *own, size_t at,
                       bool feature)
{
    double *value = ARENA_ARRAY(&scratch, double, count + 1);
    for (size_t s = 0; s < out->sets; s++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            double v = cell_double(c, row == NULL ? i : row[i]);
            if (belongs(out->sets, s, own[i]) && isfinite(v))
                value[n++] = v;
        }
        fit(feature ? &out->set[s].feature[at] : &out->set[s].quantity[at], keep, value, n);
    }
}

static void read_by(uint8_t *used, const Plan *plan, const Expr *e)
{
    size_t names;
    const Str *name = e == NULL ? NULL : lang_names(e, &names);
    for (size_t i = 0; name != NULL && i < names; i++) {
        const Feature *f = plan_find(plan, name[i]);
        if (f != NULL)
            used[f - plan->feature] = 1;
    }
}

/* What the model reads, and what the book's rules, exposure and whatever decides an action do. */
static void find_used(uint8_t *used, const Policy *p, const uint8_t *skip)
{
    for (size_t i = 0; i < p->plan->features; i++)
        used[i] = p->plan->feature[i].use == USE_MODEL && !(skip != NULL && skip[i]);
    read_by(used, p->plan, p->exposure);
    for (size_t i = 0; i < p->rules; i++) {
        read_by(used, p->plan, p->rule[i].when);
        used[p->rule[i].evidence] = 1;
    }
    for (size_t i = 0; i < p->actions; i++)
        read_by(used, p->plan, p->action[i].when);
    for (size_t i = 0; i < p->safeguards; i++)
        read_by(used, p->plan, p->safeguard[i].when);
    for (size_t i = 0; i < p->measures; i++)
        read_by(used, p->plan, p->measure[i].when);
    for (size_t i = 0; i < p->floors; i++)
        read_by(used, p->plan, p->floor[i].when);
}

/* The quantities of those features and of the ones that they are made of. */
static uint8_t *find_behind(Arena *keep, const Quantities *q, const Plan *plan, const uint8_t *used)
{
    uint8_t *behind = ARENA_ARRAY(keep, uint8_t, q->count + 1);
    uint8_t *seen = arena_copy(keep, used, plan->features);
    for (size_t i = plan->features; i-- > 0;) {
        const Feature *f = &plan->feature[i];
        size_t count;
        (void)lang_aggregates(f->expr, &count);
        for (size_t k = 0; seen[i] && k < f->earlier_count; k++)
            seen[f->earlier[k]] = 1; /* which stand before it */
        for (size_t k = 0; seen[i] && k < count; k++)
            behind[q->of[i][k]] = 1;
    }
    return behind;
}

Status policy_peers(PeerSets **out, Arena *keep, Arena scratch, const Policy *p,
                    const uint8_t *skip, const Events *events, const Table *features,
                    const uint32_t *row, size_t count, Team *team, Error *err)
{
    PeerSets *made = *out = policy_peer_sets(keep, p);
    Arena own = arena_new();
    uint32_t *set = ARENA_ARRAY(&own, uint32_t, count + 1);
    uint8_t *used = ARENA_ARRAY(&own, uint8_t, p->plan->features + 1);
    Quantities quantities;
    Column *value = NULL;
    plan_quantities(&quantities, &own, p->plan);
    find_used(used, p, skip);
    uint8_t *behind = find_behind(&own, &quantities, p->plan, used);
    const Events *theirs = events_take(&own, events, row, count);
    Status status = policy_peer_set(set, scratch, p, events, features, row, count, err);
    if (status == STATUS_OK)
        status = quantity_columns(&value, &own, scratch, p->plan, &quantities, theirs, team, err);
    for (size_t s = 0; s < made->sets && status == STATUS_OK; s++)
        for (size_t i = 0; i < count; i++)
            made->set[s].customers += belongs(made->sets, s, set[i]);
    for (size_t i = 0; i < p->plan->features && status == STATUS_OK; i++)
        if (used[i] && is_number(features->column[i].type))
            fit_column(made, keep, scratch, &features->column[i], row, count, set, i, true);
    for (size_t i = 0; i < quantities.count && status == STATUS_OK; i++)
        if (behind[i] && is_number(value[i].type))
            fit_column(made, keep, scratch, &value[i], NULL, count, set, i, false);
    arena_free(&own);
    return status;
}

/* ---- where a number stands ---- */

/* Knots below x, and those up to it. */
static void places(size_t *below, size_t *upto, const PeerKnots *k, double x)
{
    *below = 0;
    *upto = k->knots;
    for (size_t to = k->knots; *below < to;) {
        size_t middle = *below + (to - *below) / 2;
        if (k->knot[middle] < x)
            *below = middle + 1;
        else
            to = middle;
    }
    for (size_t from = *below; from < *upto;) {
        size_t middle = from + (*upto - from) / 2;
        if (k->knot[middle] <= x)
            from = middle + 1;
        else
            *upto = middle;
    }
}

double peer_percentile(const PeerKnots *k, double value)
{
    size_t below, upto;
    if (k->knots == 0 || isnan(value))
        return NAN;
    places(&below, &upto, k, value);
    double at = (double)(below + upto) / 2;
    if (below == upto && below > 0 && below < k->knots) {
        double left = k->knot[below - 1], right = k->knot[below];
        at = (double)below - 0.5 + (value - left) / (right - left);
    }
    return at / (double)k->knots;
}

void peers_reason(Reason *out, const PeerSets *peers, size_t set, size_t feature, double value)
{
    const PeerSet *with = peers == NULL ? NULL : peer_feature_set(peers, set, feature);
    out->percentile = NAN;
    if (with == NULL || !isfinite(value))
        return;
    out->percentile = peer_percentile(&with->feature[feature], value);
    out->peer_group = with->name;
    out->peers = with->feature[feature].customers;
}

Str reason_standing(Arena *keep, const Messages *m, Language language, const Reason *r)
{
    if (isnan(r->percentile))
        return S("");
    double place = floor(100 * r->percentile + 0.5);
    const MessagePart part[] = {
        {S("place"), format_real(keep, FORMAT_COUNT, language, S(""), place)},
        {S("count"), format_real(keep, FORMAT_COUNT, language, S(""), (double)r->peers)},
        {S("peers"), r->peer_group}};
    return message_fill(keep, m, language,
                        S("Percentile {place} among {count} labelled customers ({peers})."), part,
                        COUNT_OF(part));
}
