/* report_data_drift.c - how the customers to be scored differ from those learnt from. */
#include "report/report_data.h"

#include <math.h>
#include <stdlib.h>

enum { SHOWN = 12 };

/* One column or feature that was compared, from the audit or from the bundle's reference. */
typedef struct Moved {
    Str name;
    bool feature;
    double psi, limit;
    double missing_before, missing_now;
} Moved;

static bool beyond(const Moved *m)
{
    return m->psi >= 0.1 && !is_missing(m->limit) && m->psi > m->limit;
}

static size_t from_audit(const Audit *a, const Description *d, Moved *out)
{
    size_t count = 0;
    for (size_t i = 0; i < a->probes + a->columns; i++) {
        bool feature = i < a->probes;
        const Probe *probe = feature ? &a->probe[i] : &a->column[i - a->probes];
        const DescribedColumn *c = data_find(d, probe->name, feature);
        bool shut = c == NULL || c->kind == DESCRIBE_PROTECTED || c->kind == DESCRIBE_IDENTIFIER;
        if ((!feature && (probe->about != PROBE_CUSTOMER || shut)) || probe->one_cohort ||
            is_missing(probe->stability.psi))
            continue;
        out[count++] = (Moved){probe->name,
                               feature,
                               probe->stability.psi,
                               probe->psi_limit,
                               probe->missing_labelled,
                               probe->missing_scored};
    }
    return count;
}

static double missing_of(const uint64_t *count, size_t bins)
{
    uint64_t all = 0;
    for (size_t b = 0; b < bins; b++)
        all += count[b];
    return all == 0 ? MISSING_VALUE : (double)count[bins - 1] / (double)all;
}

static size_t from_drift(const Drift *d, Moved *out)
{
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++) {
        const DriftItem *item = &d->item[i];
        if (item->before->of != OF_FEATURE || is_missing(item->stability.psi))
            continue;
        out[count++] = (Moved){item->before->name,
                               true,
                               item->stability.psi,
                               item->limit,
                               missing_of(item->before->count, item->before->bins),
                               missing_of(item->count, item->before->bins)};
    }
    return count;
}

static int by_size(const void *a, const void *b)
{
    const Moved *x = a, *y = b;
    if (beyond(x) != beyond(y))
        return beyond(x) ? -1 : 1;
    if (x->psi != y->psi)
        return x->psi > y->psi ? -1 : 1;
    return str_compare(x->name, y->name);
}

/* What differs: medians, and the bin whose share moved most.  */
static Str difference(Page *p, const Moved *m)
{
    const Description *d = p->run->description;
    const DescribedColumn *c = data_find(d, m->name, m->feature);
    Arena *a = p->arena;
    if (c == NULL || d->customers[DESCRIBE_LABELLED] == 0 || d->customers[DESCRIBE_SCORED] == 0)
        return S("");
    Buffer b = buffer_new(a);
    const DescribeSummary *x = &c->summary[DESCRIBE_LABELLED], *y = &c->summary[DESCRIBE_SCORED];
    if (c->kind == DESCRIBE_NUMBER && !is_missing(x->median) && !is_missing(y->median)) {
        Str one = data_number(a, x->median, c->unit), other = data_number(a, y->median, c->unit);
        buffer_format(&b, "median %.*s, now %.*s", STR_ARG(one), STR_ARG(other));
    }
    double most = 0;
    const DescribeBin *best = NULL;
    for (size_t i = 0; i < c->bins; i++) {
        size_t n = c->bin[i].count[DESCRIBE_LABELLED], k = c->bin[i].count[DESCRIBE_SCORED];
        double gap = fabs((double)n / (double)d->customers[DESCRIBE_LABELLED] -
                          (double)k / (double)d->customers[DESCRIBE_SCORED]);
        if (gap > most && !data_few(n) && !data_few(k)) {
            most = gap;
            best = &c->bin[i];
        }
    }
    if (best != NULL) {
        Str range = data_range(a, c, best);
        Str one = number_share(a, (double)best->count[DESCRIBE_LABELLED] /
                                      (double)d->customers[DESCRIBE_LABELLED]);
        Str other = number_share(a, (double)best->count[DESCRIBE_SCORED] /
                                        (double)d->customers[DESCRIBE_SCORED]);
        buffer_format(&b, "%s%.*s: %.*s, now %.*s", b.size > 0 ? "; " : "", STR_ARG(range),
                      STR_ARG(one), STR_ARG(other));
    }
    return buffer_str(&b);
}

static void bars(Page *p, const Moved *m, size_t count)
{
    static const BarSeries series[] = {{{"index", 5}, "g0", 0},
                                       {{"what chance stays below", 23}, "g1", 0}};
    double most = 0.25;
    Bars b;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, m[i].psi);
        most = is_missing(m[i].limit) ? most : fmax(most, m[i].limit);
    }
    html(p, "<div class=\"charts one data\">\n");
    bars_open(&b, p, "drift-chart", S("Population stability index, most moved first"),
              S("The index of each column or feature and what chance alone stays below."), series,
              2, count, most);
    for (size_t i = 0; i < count; i++) {
        const double value[] = {m[i].psi, m[i].limit};
        const Str text[] = {number_fixed(p->arena, m[i].psi, 2),
                            is_missing(m[i].limit) ? S("") : number_fixed(p->arena, m[i].limit, 2)};
        const Str says[] = {m[i].name, m[i].name};
        bars_row(&b, m[i].name, value, text, says);
    }
    bars_close(&b);
    html(p, "</figure>\n</div>\n");
}

static void table(Page *p, const Moved *m, size_t count, bool words)
{
    html_table(p, "Most moved",
               words ? "Column or feature|>PSI|>Chance stays below|>Missing, labelled|>Missing, to "
                       "be scored|What differs"
                     : "Feature|>PSI|>Chance stays below|>Missing at training|>Missing now");
    for (size_t i = 0; i < count; i++) {
        html_row(p);
        html_head(p, m[i].name);
        html_cell_number(p, number_fixed(p->arena, m[i].psi, 3));
        html_cell_number(p, is_missing(m[i].limit) ? S("not above chance")
                                                   : number_fixed(p->arena, m[i].limit, 3));
        html_cell_number(p, number_share(p->arena, m[i].missing_before));
        html_cell_number(p, number_share(p->arena, m[i].missing_now));
        if (words)
            html_cell(p, difference(p, &m[i]));
        html_row_end(p);
    }
    html_table_end(p);
}

void data_drift(Page *p)
{
    const Run *run = p->run;
    bool audited = run->audit != NULL && run->description->customers[DESCRIBE_SCORED] > 0;
    if (!audited && run->drift == NULL)
        return;
    size_t most = audited ? run->audit->probes + run->audit->columns : run->drift->count;
    Moved *m = ARENA_ARRAY(p->arena, Moved, most + 1);
    size_t count =
        audited ? from_audit(run->audit, run->description, m) : from_drift(run->drift, m);
    html(p, audited ? "<h3 id=\"drift\">Labelled against to be scored</h3>\n"
                    : "<h3 id=\"drift\">Training against now</h3>\n");
    if (count == 0) {
        html_paragraph(p, "Nothing could be compared.");
        return;
    }
    qsort(m, count, sizeof *m, by_size);
    size_t moved = 0;
    for (size_t i = 0; i < count; i++)
        moved += beyond(&m[i]);
    html_paragraph(p,
                   "%zu %s were compared between the customers %s and those to be scored by the "
                   "population stability index. %zu differ by 0.1 or more and by more than chance "
                   "gives samples of these sizes%s.",
                   count, audited ? "columns and features" : "features",
                   audited ? "with labels" : "that the bundle learnt from", moved,
                   moved == 0 ? ", so that nothing here speaks against reading figures of the one "
                                "as figures of the other"
                   : audited  ? "; figures of the labelled customers carry over with care, and "
                                "the slices of the model chapter say for whom"
                              : "; what the bundle's papers promise carries over with care");
    size_t shown = count < SHOWN ? count : SHOWN;
    bars(p, m, shown);
    table(p, m, shown, audited);
    html_note(p,
              "Shown: %zu of %zu. From 0.1 on a difference is worth a look, from 0.25 on it is "
              "great, as in credit scoring. What chance stays below in 999 of 1,000 cases is "
              "worked out for these sample sizes. Columns on a protected ground are left out here.",
              shown, count);
}
