/* watch.c - the features and scores of a bundle beside its reference. */
#include "telemetry/telemetry_internal.h"

#include <math.h>
#include <string.h>

enum { STREAM_WATCH = 0x3A7C4 };

/* An even number of cuts, of which the last may be one that nothing lies above. */
static size_t room_of(const Distribution *d)
{
    return d->by_value ? 0 : d->bins - 2 + d->bins % 2;
}

/* So that those of all items lie side by side: every decision goes by them. */
static size_t cuts_of(const Reference *r)
{
    size_t n = 1; /* what is written behind the last ones */
    for (size_t i = 0; i < r->count; i++)
        n += room_of(&r->item[i]);
    return n;
}

static void copy_items(Watch *w, const Bundle *b)
{
    const Reference *r = b->reference;
    Distribution *was = ARENA_ARRAY(&w->arena, Distribution, r->count);
    w->item = ARENA_ARRAY(&w->arena, WatchItem, r->count);
    w->place = ARENA_ARRAY(&w->arena, WatchPlace, r->count);
    double *cut = ARENA_ARRAY(&w->arena, double, cuts_of(r));
    w->before = r->customers;
    for (size_t i = 0; i < r->count; i++) {
        const Distribution *d = &r->item[i];
        if (d->of == OF_STRATUM) /* they come last, and are of features that are here already */
            break;
        was[i] = *d;
        was[i].name = str_copy(&w->arena, d->name);
        was[i].count = arena_copy(&w->arena, d->count, d->bins * sizeof *d->count);
        if (d->by_value) {
            was[i].value = ARENA_ARRAY(&w->arena, Str, d->bins);
            for (size_t v = 0; v + 2 < d->bins; v++)
                was[i].value[v] = str_copy(&w->arena, d->value[v]);
        } else {
            was[i].cut = memcpy(cut, d->cut, (d->bins - 2) * sizeof *d->cut);
            cut[d->bins - 2] = INFINITY;
            cut += room_of(d);
        }
        w->place[i] = (WatchPlace){.cut = was[i].cut,
                                   .first = (uint32_t)w->bins,
                                   .cuts = (uint16_t)(d->bins - 2),
                                   .numbers = d->of == OF_FEATURE && !d->by_value &&
                                              d->bins - 2 <= UINT16_MAX};
        w->item[i] = (WatchItem){.was = &was[i], .first = w->bins, .limit = NAN};
        w->item[i].use = d->of == OF_FEATURE ? b->plan->feature[i].use : USE_MODEL;
        w->bins += d->bins;
        w->items = i + 1;
    }
    w->now = ARENA_ARRAY(&w->arena, uint64_t, w->bins);
    for (size_t s = 0; s < WATCH_SLOTS; s++)
        w->slot[s] = ARENA_ARRAY(&w->arena, uint32_t, w->bins);
}

Watch *watch_new(const Bundle *b, int64_t now_us)
{
    Arena arena = arena_new();
    Watch *w = ARENA_NEW(&arena, Watch);
    w->arena = arena;
    PolicyIdentity policy = policy_identity(b->policy);
    memcpy(w->id, b->id, sizeof w->id);
    w->version = str_copy(&w->arena, b->version);
    w->policy = str_copy(&w->arena, policy.name);
    w->revision = str_copy(&w->arena, policy.revision);
    w->policy_sha256 = str_copy(&w->arena, policy.sha256);
    w->as_of_us = b->as_of_us;
    w->trained = b->customers;
    w->positives = b->positives;
    w->features = b->plan->features;
    w->name = ARENA_ARRAY(&w->arena, Str, w->features + 1);
    for (size_t i = 0; i < w->features; i++)
        w->name[i] = str_copy(&w->arena, b->plan->feature[i].name.text);
    w->since_us = now_us;
    w->hour = now_us / HOUR_US;
    if (b->reference != NULL)
        copy_items(w, b);
    return w;
}

void watch_free(Watch *w)
{
    if (w == NULL)
        return;
    Arena arena = w->arena;
    arena_free(&arena);
}

void watch_turn(Watch *w, int64_t now_us)
{
    int64_t hour = now_us / HOUR_US;
    int64_t steps = hour - w->hour < WATCH_SLOTS ? hour - w->hour : WATCH_SLOTS;
    for (int64_t k = 0; k < steps; k++) {
        size_t s = (size_t)((hour - k) % WATCH_SLOTS);
        for (size_t b = 0; b < w->bins; b++) {
            w->now[b] -= w->slot[s][b];
            w->slot[s][b] = 0;
        }
        w->customers -= w->slot_customers[s];
        w->slot_customers[s] = 0;
    }
    if (steps > 0)
        w->hour = hour;
}

/* ---- counting ---- */

Str seen_text(const Seen *s, const SeenValue *v)
{
    uint32_t size;
    const char *at = (const char *)s + s->texts + v->text;
    memcpy(&size, at, sizeof size);
    return (Str){at + sizeof size, size};
}

static bool is_text(const SeenValue *v)
{
    return v->type == TYPE_CATEGORY || v->type == TYPE_TEXT;
}

static double number_of(const SeenValue *v)
{
    return v->type == TYPE_DOUBLE    ? v->real
           : v->type == TYPE_DECIMAL ? decimal_to_double(v->integer, v->scale)
                                     : (double)v->integer;
}

/* As distribution_bin finds it: cuts ascend. Two at a time, whatever the processor has. */
typedef double Two __attribute__((vector_size(16), aligned(8)));
typedef int64_t TwoCounts __attribute__((vector_size(16)));

static size_t bin_of_number(const WatchPlace *p, const SeenValue *v)
{
    double number = v->valid ? number_of(v) : MISSING_VALUE;
    if (number != number)
        return (size_t)p->cuts + 1;
    Two both = {number, number};
    TwoCounts below = {0, 0};
    for (size_t k = 0; k < p->cuts; k += 2)
        below -= both > *(const Two *)(const void *)(p->cut + k);
    return (size_t)(below[0] + below[1]);
}

static size_t bin_of_other(const Distribution *was, const Seen *s, const SeenValue *v)
{
    if (was->of != OF_FEATURE)
        return distribution_bin(was, s->probability, segment_name((Segment)s->segment));
    Str text = was->by_value && v->valid ? seen_text(s, v) : S("");
    return distribution_bin(was, was->by_value || !v->valid ? MISSING_VALUE : number_of(v), text);
}

void watch_count(Watch *w, const Seen *s)
{
    const SeenValue *value = (const SeenValue *)(const void *)(s + 1);
    size_t hour = (size_t)(w->hour % WATCH_SLOTS);
    uint32_t *slot = w->slot[hour];
    for (size_t i = 0; i < w->items; i++) {
        const WatchPlace *p = &w->place[i];
        size_t bin = p->first;
        if (p->numbers && !is_text(&value[i]))
            bin += bin_of_number(p, &value[i]);
        else {
            const Distribution *was = w->item[i].was;
            if (was->of == OF_FEATURE && is_text(&value[i]) != was->by_value)
                continue;
            bin += bin_of_other(was, s, &value[i]);
        }
        w->now[bin]++;
        slot[bin]++;
    }
    w->customers++;
    w->slot_customers[hour]++;
}

/* ---- figures ---- */

WatchFigure watch_figure(const Watch *w, const WatchItem *i)
{
    const uint64_t *now = w->now + i->first;
    const Distribution *was = i->was;
    Stability s = metric_psi_counts(was->count, now, was->bins);
    WatchFigure f = {.psi = s.psi, .null_mean = s.null_mean};
    f.limit = isnan(i->limit) ? metric_psi_limit_about(was->count, now, was->bins) : i->limit;
    f.missing = (double)now[was->bins - 1] / (double)w->customers;
    f.verdict = w->customers == 0 ? DRIFT_STABLE : drift_verdict(s.psi, f.limit);
    return f;
}

/* The limit changes as the window fills, ever more slowly. */
static bool stale(const Watch *w, const WatchItem *i)
{
    return isnan(i->limit) || w->customers > i->limit_at + i->limit_at / 4 ||
           w->customers + w->customers / 4 < i->limit_at;
}

size_t watch_limits(Watch *w, size_t most, Arena scratch)
{
    size_t done = 0;
    for (size_t k = 0; k < w->items && done < most && w->customers > 0; k++) {
        WatchItem *i = &w->item[k];
        const Distribution *was = i->was;
        const uint64_t *now = w->now + i->first;
        if (!stale(w, i))
            continue;
        /* Below this the verdict is the same whatever chance could do. */
        double psi = metric_psi_counts(was->count, now, was->bins).psi;
        if (isnan(psi) || drift_verdict(psi, 0) == DRIFT_STABLE) {
            i->limit = NAN;
            continue;
        }
        i->limit =
            metric_psi_limit(was->count, now, was->bins, seed_derive(STREAM_WATCH, k), scratch);
        i->limit_at = w->customers;
        done++;
    }
    return done;
}
