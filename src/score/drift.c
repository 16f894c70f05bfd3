/* drift.c - what is scored now beside what was learnt from: distributions and columns. */
#include "score/score_internal.h"

#include <math.h>
#include <stdlib.h>

static const double psi_watch = 0.1, psi_act = 0.25, missing_least = 0.05;
enum { NAMED = 6, STREAM_DRIFT = 0xD21F7 };

Str drift_verdict_name(DriftVerdict v)
{
    static const Str names[] = {{"stable", 6}, {"noise", 5}, {"watch", 5}, {"act", 3}};
    return names[v];
}

/* ---- one item ---- */

typedef struct Comparing {
    Arena *keep; /* [items] one each: tasks run at the same time */
    const Bundle *b;
    const Scored *scored;
    DriftItem *item;
    Status *status; /* [items] */
    Error *err;     /* [items] */
} Comparing;

/* Two shares differ by more than three in a thousand comparisons of one population would show. */
static bool shares_differ(double a, double n, double b, double m)
{
    double both = (a + b) / (n + m), spread = sqrt(both * (1 - both) * (1 / n + 1 / m));
    return fabs(a / n - b / m) >= missing_least && fabs(a / n - b / m) > 3 * spread;
}

DriftVerdict drift_verdict(double psi, double limit)
{
    return psi < psi_watch  ? DRIFT_STABLE
           : !(psi > limit) ? DRIFT_NOISE
           : psi <= psi_act ? DRIFT_WATCH
                            : DRIFT_ACT;
}

static void compare_task(void *context, size_t task, Arena scratch)
{
    Comparing *c = context;
    const Reference *r = c->b->reference;
    const Distribution *d = &r->item[task];
    const Scored *s = c->scored;
    DriftItem *item = &c->item[task];
    Arena spare = arena_new(), *keep = &c->keep[task];
    Sample sample;
    c->status[task] =
        reference_sample(&sample, &scratch, spare, c->b->plan, c->b->policy, d, task, s->features,
                         s->row, s->count, s->probability, &c->err[task]);
    if (c->status[task] == STATUS_OK) {
        double before = (double)r->customers, now = (double)s->count;
        *item = (DriftItem){.before = d, .count = reference_count(keep, d, sample)};
        item->use = d->of == OF_FEATURE ? c->b->plan->feature[task].use : USE_MODEL;
        item->stability = metric_psi_counts(d->count, item->count, d->bins);
        item->limit = metric_psi_limit(d->count, item->count, d->bins,
                                       seed_derive(STREAM_DRIFT, task), scratch);
        item->verdict = drift_verdict(item->stability.psi, item->limit);
        item->missing_changed = shares_differ((double)d->count[d->bins - 1], before,
                                              (double)item->count[d->bins - 1], now);
    }
    arena_free(&spare);
}

static Status compare(Drift *out, Arena *keep, const Bundle *b, const Scored *scored, Team *team,
                      Error *err)
{
    size_t n = b->reference->count;
    Comparing c = {.keep = ARENA_ARRAY(keep, Arena, n),
                   .b = b,
                   .scored = scored,
                   .item = ARENA_ARRAY(keep, DriftItem, n),
                   .status = ARENA_ARRAY(keep, Status, n),
                   .err = ARENA_ARRAY(keep, Error, n)};
    for (size_t i = 0; i < n; i++)
        c.keep[i] = arena_new();
    team_run_told(team, n, compare_task, &c);
    Status status = STATUS_OK;
    for (size_t i = 0; i < n; i++) {
        if (status == STATUS_OK && c.status[i] != STATUS_OK) {
            status = c.status[i];
            *err = c.err[i];
        }
        if (status == STATUS_OK)
            c.item[i].count =
                arena_copy(keep, c.item[i].count, c.item[i].before->bins * sizeof *c.item[i].count);
        arena_free(&c.keep[i]);
    }
    out->item = c.item;
    out->count = n;
    return status;
}

/* ---- in words ---- */

static int worst_first(const void *a, const void *b)
{
    const DriftItem *x = *(const DriftItem *const *)a, *y = *(const DriftItem *const *)b;
    if (x->stability.psi != y->stability.psi)
        return x->stability.psi > y->stability.psi ? -1 : 1;
    return str_compare(x->before->name, y->before->name);
}

typedef Str Words(Arena *keep, const Drift *d, const DriftItem *i);

static Str psi_words(Arena *keep, const Drift *d, const DriftItem *i)
{
    (void)d;
    return str_format(keep, "%.*s (PSI %.2f, chance reaches %.2f)", STR_ARG(i->before->name),
                      i->stability.psi, i->limit);
}

static double missing_share(const uint64_t *count, size_t bins, size_t customers)
{
    return 100 * (double)count[bins - 1] / (double)customers;
}

static Str missing_words(Arena *keep, const Drift *d, const DriftItem *i)
{
    size_t bins = i->before->bins;
    return str_format(keep, "%.*s (%.0f %% at training, %.0f %% now)", STR_ARG(i->before->name),
                      missing_share(i->before->count, bins, d->before),
                      missing_share(i->count, bins, d->now));
}

typedef bool Picks(const DriftItem *i);

static bool acts_model(const DriftItem *i)
{
    return i->before->of == OF_FEATURE && i->use == USE_MODEL && i->verdict == DRIFT_ACT;
}
static bool watches_model(const DriftItem *i)
{
    return i->before->of == OF_FEATURE && i->use == USE_MODEL && i->verdict == DRIFT_WATCH;
}
static bool moves_policy(const DriftItem *i)
{
    return i->before->of == OF_FEATURE && i->use == USE_POLICY && i->verdict >= DRIFT_WATCH;
}
static bool moves_monitor(const DriftItem *i)
{
    return i->before->of == OF_FEATURE && i->use == USE_MONITOR && i->verdict >= DRIFT_WATCH;
}
static bool misses(const DriftItem *i)
{
    return i->before->of == OF_FEATURE && i->use != USE_MONITOR && i->missing_changed;
}

/* A line of findings about features: which are picked, how grave, how they are told. */
typedef struct Line {
    Picks *picks;
    Words *words;
    Severity severity;
    const char *code, *opening, *done;
} Line;

static const Line lines[] = {
    {acts_model, psi_words, SEVERITY_SEVERE, "drift_act",
     "features of the model are distributed otherwise than at training",
     "scored all the same; look at the files, then at who the customers are, then train again"},
    {watches_model, psi_words, SEVERITY_WARNING, "drift_watch",
     "features of the model have moved since training", "scored all the same; keep an eye on them"},
    {moves_policy, psi_words, SEVERITY_WARNING, "drift_policy",
     "features of rules and sentences have moved since training",
     "rules hold as written; check that their limits still mean what they meant"},
    {moves_monitor, psi_words, SEVERITY_INFO, "drift_monitor",
     "watched features, which decide nothing, have moved since training", "said only"},
    {misses, missing_words, SEVERITY_WARNING, "drift_missing",
     "features are missing more or less often than at training",
     "a missing value keeps its own place in the model; check why this changed"}};

static void say_line(const Line *l, const Drift *d, Findings *findings, Arena *keep)
{
    const DriftItem **picked = ARENA_ARRAY(keep, const DriftItem *, d->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++)
        if (l->picks(&d->item[i]))
            picked[count++] = &d->item[i];
    qsort(picked, count, sizeof(const DriftItem *), worst_first);
    Arena names = arena_new();
    Buffer b = buffer_new(keep);
    buffer_format(&b, "%zu %s: ", count, l->opening);
    for (size_t i = 0; i < count && i < NAMED; i++) {
        buffer_add(&b, i > 0 ? S(", ") : S(""));
        buffer_add(&b, l->words(&names, d, picked[i]));
    }
    if (count > NAMED)
        buffer_format(&b, ", and %zu more", count - NAMED);
    findings_add(findings, l->severity, l->code, count, buffer_str(&b), str_from(l->done));
    arena_free(&names);
}

static Severity severity_of(const DriftItem *i)
{
    Severity most = i->before->of == OF_STRATUM ? SEVERITY_WARNING : SEVERITY_SEVERE;
    return i->verdict == DRIFT_ACT     ? most
           : i->verdict == DRIFT_WATCH ? SEVERITY_WARNING
                                       : SEVERITY_INFO;
}

static void add_share(Buffer *b, Str value, const Distribution *d, const uint64_t *count,
                      size_t customers)
{
    for (size_t k = 0; k + 2 < d->bins; k++)
        if (str_equal(d->value[k], value))
            buffer_format(b, "%s%.*s %.0f %%", b->size > 0 ? ", " : "", STR_ARG(value),
                          100 * (double)count[k] / (double)customers);
}

/* "Low 60 %, Medium 30 %, High 10 %" */
static Str mix(Arena *keep, const Distribution *d, const uint64_t *count, size_t customers)
{
    Buffer b = buffer_new(keep);
    if (d->of == OF_STRATUM)
        add_share(&b, S("inside"), d, count, customers);
    for (int k = 0; d->of == OF_SEGMENT && k < SEGMENTS; k++)
        add_share(&b, segment_name((Segment)k), d, count, customers);
    return b.size == 0 ? S("none of them") : buffer_str(&b);
}

static const char *judged(DriftVerdict v)
{
    static const char *const words[] = {"is as at training", "differs by no more than chance",
                                        "has moved", "has moved far"};
    return words[v];
}

static Str outcome_words(Arena *keep, const Drift *d, const DriftItem *i)
{
    const Distribution *was = i->before;
    double psi = i->stability.psi;
    if (was->of == OF_SCORE)
        return str_format(keep,
                          "the distribution of the score %s (PSI %.2f against training; chance "
                          "reaches %.2f)",
                          judged(i->verdict), psi, i->limit);
    Str before = mix(keep, was, was->count, d->before), now = mix(keep, was, i->count, d->now);
    if (was->of == OF_SEGMENT)
        return str_format(keep, "the mix of segments %s (PSI %.2f): %.*s at training; %.*s now",
                          judged(i->verdict), psi, STR_ARG(before), STR_ARG(now));
    return str_format(keep, "the share of stratum %.*s %s (PSI %.2f): %.*s at training; %.*s now",
                      STR_ARG(was->name), judged(i->verdict), psi, STR_ARG(before), STR_ARG(now));
}

/* What became of the score and the segments is always said, for good or bad. */
static void say_outcome(const Drift *d, Findings *findings, Arena *keep)
{
    static const char *const code[] = {NULL, "drift_score", "drift_segments", "drift_stratum"};
    for (size_t i = 0; i < d->count; i++) {
        const DriftItem *item = &d->item[i];
        DistributionOf of = item->before->of;
        bool moves = item->verdict >= DRIFT_WATCH;
        if (of == OF_FEATURE || (of == OF_STRATUM && !moves))
            continue;
        findings_add(findings, severity_of(item), code[of], d->now, outcome_words(keep, d, item),
                     moves ? S("look at the files and at the features that moved before the model "
                               "is blamed")
                           : S("as it should be"));
    }
}

/* ---- columns ---- */

static bool among(Str name, const Str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(name, list[i]))
            return true;
    return false;
}

static size_t list_missing(Buffer *b, const Str *of, size_t count, const Str *in, size_t in_count)
{
    size_t missing = 0;
    for (size_t i = 0; i < count; i++)
        if (!among(of[i], in, in_count)) {
            if (missing++ < 12)
                buffer_format(b, "%s%.*s", missing > 1 ? ", " : "", STR_ARG(of[i]));
        }
    return missing;
}

/* Do the columns that both have stand in another order? */
static bool moved(const Header *h, const Str *column, size_t columns)
{
    size_t at = 0;
    for (size_t i = 0; i < columns; i++) {
        if (!among(column[i], h->name, h->count))
            continue;
        while (at < h->count && !among(h->name[at], column, columns))
            at++;
        if (at == h->count || !str_equal(h->name[at++], column[i]))
            return true;
    }
    return false;
}

/* Of the layouts that files of this source had at training, the one most like the file's; NULL when
 * there were none. */
static const Layout *nearest_layout(const Header *h, const Layout *layout, size_t layouts)
{
    const Layout *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < layouts; i++) {
        const Layout *l = &layout[i];
        if (!str_equal(l->source, h->source))
            continue;
        size_t apart = moved(h, l->column, l->columns);
        for (size_t k = 0; k < l->columns; k++)
            apart += 2 * (size_t)!among(l->column[k], h->name, h->count);
        for (size_t k = 0; k < h->count; k++)
            apart += 2 * (size_t)!among(h->name[k], l->column, l->columns);
        if (apart < least) {
            least = apart;
            best = l;
        }
    }
    return best;
}

static void compare_columns(const Header *h, const Reference *r, const Dataset *data, Arena *keep)
{
    Str role = h->role;
    const SchemaCustomers *outcome = &data->schema->customers;
    size_t kind = str_equal(role, S("transactions")) || str_equal(role, S("score_transactions"));
    const Layout *l = nearest_layout(h, r->layout[kind], r->layouts[kind]);
    if (l == NULL || l->columns == 0)
        return;
    const Str *column = l->column;
    size_t columns = l->columns;
    bool sources = kind == 1 && data->schema->transactions.sources.count > 0;
    Arena names = arena_new();
    Buffer b = buffer_new(&names);
    size_t gone = list_missing(&b, column, columns, h->name, h->count);
    findings_add(
        data->findings, SEVERITY_WARNING, "columns_gone", gone,
        str_format(keep, "%.*s lacks columns that the files of training had: %.*s",
                   STR_ARG(h->file), STR_ARG(buffer_str(&b))),
        sources ? S("read as missing here; what the model or the policy reads of them, another "
                    "file has")
                : S("read as missing; nothing that the model or the policy reads is among "
                    "them"));
    Str *known = ARENA_ARRAY(&names, Str, columns + 2);
    for (size_t i = 0; i < columns; i++)
        known[i] = column[i];
    known[columns] = outcome->label.column.text; /* labelled files have these, too */
    known[columns + 1] = outcome->outcome_at.text;
    b = buffer_new(&names);
    size_t new = list_missing(&b, h->name, h->count, known, columns + 2);
    findings_add(data->findings, SEVERITY_INFO, "columns_new", new,
                 str_format(keep, "%.*s has columns that the files of training had not: %.*s",
                            STR_ARG(h->file), STR_ARG(buffer_str(&b))),
                 S("the model knows nothing of them"));
    findings_add(data->findings, SEVERITY_INFO, "columns_moved", moved(h, column, columns),
                 str_format(keep, "the columns of %.*s stand in another order than at training",
                            STR_ARG(h->file)),
                 S("harmless: columns are found by name"));
    arena_free(&names);
}

Status score_drift(Drift **out, Arena *keep, Arena scratch, const Bundle *b, Dataset *data,
                   const Scored *scored, Team *team, Error *err)
{
    Drift *d = *out = ARENA_NEW(keep, Drift);
    d->now = scored->count;
    if (b->reference == NULL) {
        findings_add(data->findings, SEVERITY_INFO, "no_reference", 1,
                     S("the bundle says nothing of the customers that its model learnt from"),
                     S("drift is not looked for"));
        return STATUS_OK;
    }
    d->before = b->reference->customers;
    for (size_t i = 0; i < data->ledger_count; i++)
        compare_columns(&data->header[i], b->reference, data, &scratch);
    if (scored->count == 0 || d->before == 0)
        return STATUS_OK;
    TRY(compare(d, keep, b, scored, team, err));
    say_outcome(d, data->findings, &scratch);
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        say_line(&lines[i], d, data->findings, &scratch);
    return STATUS_OK;
}
