/* The oracle of population features: what docs/language.md says of one customer, done again from
 * the start for each. Shares only the lookup of names with the fast way. */
#include "feature/feature_internal.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* position number / parts * (n - 1) from 0, between neighbours in proportion. */
static double quantile(const double *sorted, size_t n, size_t number, size_t parts)
{
    size_t at = 0;
    while ((at + 1) * parts <= (n - 1) * number)
        at++;
    size_t rest = (n - 1) * number - at * parts;
    return rest == 0 ? sorted[at]
                     : sorted[at] + (double)rest / (double)parts * (sorted[at + 1] - sorted[at]);
}

static double percentile(double *peer, size_t n, double x)
{
    size_t knots = n / 3 < 1 ? 1 : n / 3 > 100 ? 100 : n / 3, halves = 0;
    qsort(peer, n, sizeof *peer, ascending);
    for (size_t k = 0; k < knots; k++) {
        double knot = quantile(peer, n, 2 * k + 1, 2 * knots);
        halves += knot < x ? 2 : knot == x ? 1 : 0;
    }
    return (double)halves / (double)(2 * knots);
}

static double robust(double *peer, size_t n, double x)
{
    qsort(peer, n, sizeof *peer, ascending);
    double median = quantile(peer, n, 1, 2), sum = 0;
    for (size_t i = 0; i < n; i++)
        peer[i] = fabs(peer[i] - median);
    qsort(peer, n, sizeof *peer, ascending);
    for (size_t i = 0; i < n; i++)
        sum += peer[i];
    double spread = 1.4826 * quantile(peer, n, 1, 2);
    if (spread == 0)
        spread = 1.2533141373155003 * (sum / (double)n);
    return spread > 0 ? (x - median) / spread : x == median ? 0 : (double)NAN;
}

static Str group_of(Arena *keep, const Column *group, size_t customer)
{
    return group == NULL ? S("") : cell_text(keep, group, customer);
}

static size_t gather(double *peer, const Column *value, const Column *group, Str name,
                     const Fitting *fitting, Arena scratch)
{
    size_t n = 0;
    for (size_t i = 0; i < fitting->count; i++) {
        Arena own = scratch;
        double x = cell_double(value, fitting->row[i]);
        if (!isnan(x) &&
            (name.size == 0 || str_equal(group_of(&own, group, fitting->row[i]), name)))
            peer[n++] = x;
    }
    return n;
}

static double peer_answer(const Population *f, const Column *value, const Column *group,
                          size_t customer, const Fitting *fitting, Arena scratch)
{
    double *peer = ARENA_ARRAY(&scratch, double, fitting->count + 1);
    double x = cell_double(value, customer);
    size_t n = gather(peer, value, group, group_of(&scratch, group, customer), fitting, scratch);
    if (n < 30)
        n = gather(peer, value, NULL, S(""), fitting, scratch);
    if (n == 0 || isnan(x))
        return (double)NAN;
    return f->kind == POPULATION_Z ? robust(peer, n, x) : percentile(peer, n, x);
}

static bool dealt_with(const Events *events, const Column *holds, const Column *partner, Window w,
                       size_t customer, Str id)
{
    int64_t first = 0, as_of = events->as_of_us[customer];
    for (size_t k = events->start[customer]; k < events->start[customer + 1]; k++) {
        int64_t at = events->created_us[k];
        first = k == events->start[customer] ? at : first;
        bool inside = w.kind == WINDOW_ALL || (w.kind == WINDOW_FIRST ? at < first + w.duration_us
                                                                      : at > as_of - w.duration_us);
        if (inside && column_holds(holds, k) && column_valid(partner, k) &&
            str_equal(partner->dictionary->text[partner->code[k]], id))
            return true;
    }
    return false;
}

static Status partners_slow(Column *out, Arena *keep, Arena scratch, const Feature *f,
                            const Events *events, const Fitting *fitting, Error *err)
{
    const Population *of = lang_population(f->expr);
    const Column *partner = table_find(events->rows, of->partner);
    const Column *key = table_find(events->profile, events->plan->schema->customers.key.text);
    Column *holds;
    TRY(events_evaluate(&holds, &scratch, *keep, of->condition, events, f->window, err));
    for (size_t i = 0; i < events->customers; i++) {
        column_set_valid(out, i);
        for (size_t k = 0; k < fitting->count; k++) {
            size_t other = fitting->row[k];
            if (fitting->label[k] && other != i)
                out->integer[i] += dealt_with(events, holds, partner, f->window, i,
                                              key->dictionary->text[key->code[other]]);
        }
    }
    return STATUS_OK;
}

Status feature_population_slow(Column *out, Arena *keep, Arena scratch, const Plan *plan,
                               size_t feature, const Events *events, const Table *features,
                               const Fitting *fitting, Error *err)
{
    const Feature *f = &plan->feature[feature];
    const Population *of = lang_population(f->expr);
    column_init(out, keep, f->name.text, lang_type(f->expr), 0, events->customers, NULL);
    if (of->kind == POPULATION_PARTNERS)
        return partners_slow(out, keep, scratch, f, events, fitting, err);
    const Column *value = named_column(plan, feature, events, features, of->value);
    const Column *group =
        of->group.size == 0 ? NULL : named_column(plan, feature, events, features, of->group);
    for (size_t i = 0; value != NULL && i < events->customers; i++) {
        double x = peer_answer(of, value, group, i, fitting, scratch);
        if (isnan(x))
            continue;
        out->real[i] = x;
        column_set_valid(out, i);
    }
    return STATUS_OK;
}
