/* joining.c - when customers joined: what it tells, and what depends on it. */
#include "audit/audit_internal.h"

#include <math.h>
#include <stdlib.h>

enum { CLASS_LEAST = 10, LATE_LEAST = 20 }; /* customers of a class in a cohort; of a side */
static const double RELATION_RANGE = 0.15, LATE_CHANCE = 0.001;
static const double WINDOW_WHOLE = 0.95, HISTORY_DIFFERENCE = 0.10;

/* ---- cohorts of joining ---- */

static int by_time(const void *a, const void *b, void *context)
{
    const int64_t *time = context;
    int64_t x = time[*(const uint32_t *)a], y = time[*(const uint32_t *)b];
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    return x != y ? (x > y) - (x < y) : (i > j) - (i < j);
}

/* Cut those who were seen so that positives are shared out evenly: rates differ, and a cohort
 * without positives says nothing of a feature. Answers how many cohorts; until[c] is where c ends
 * in order[]. */
static size_t cut_cohorts(size_t *until, const uint32_t *order, size_t seen, const uint8_t *label,
                          const int64_t *time)
{
    size_t positives = 0;
    for (size_t i = 0; i < seen; i++)
        positives += label[order[i]] != 0;
    for (size_t cohorts = JOINED_MAX; cohorts >= 2; cohorts--) {
        size_t found = 0, passed = 0, from = 0;
        bool good = true;
        for (size_t i = 0; i < seen && found + 1 < cohorts; i++) {
            passed += label[order[i]] != 0;
            bool tie = i + 1 < seen && time[order[i + 1]] == time[order[i]];
            if (!tie && passed * cohorts >= positives * (found + 1))
                until[found++] = i + 1;
        }
        if (found + 1 < cohorts)
            continue;
        until[found] = seen;
        for (size_t c = 0; c < cohorts && good; c++) {
            size_t risky = 0;
            for (size_t i = from; i < until[c]; i++)
                risky += label[order[i]] != 0;
            good = risky >= CLASS_LEAST && until[c] - from - risky >= CLASS_LEAST;
            from = until[c];
        }
        if (good)
            return cohorts;
    }
    return 0;
}

static void fill_cohorts(Joining *out, const size_t *until, const uint32_t *order,
                         const uint8_t *label, const JoiningInputs *in)
{
    size_t from = 0, seen = 0;
    for (size_t i = 0; i < in->scored; i++)
        seen += in->scored_us[i] != INT64_MAX;
    for (size_t c = 0; c < out->cohorts; c++) {
        JoinCohort *j = &out->joined[c];
        *j = (JoinCohort){.from_us = in->labelled_us[order[from]],
                          .until_us = in->labelled_us[order[until[c] - 1]],
                          .customers = until[c] - from};
        for (size_t i = from; i < until[c]; i++)
            j->positives += label[order[i]] != 0;
        j->share = metric_proportion(j->positives, j->customers);
        size_t scored = 0;
        bool first = c == 0, last = c + 1 == out->cohorts;
        int64_t next = last ? INT64_MAX : in->labelled_us[order[until[c]]];
        for (size_t i = 0; i < in->scored; i++) {
            int64_t t = in->scored_us[i];
            scored += t != INT64_MAX && (first || t >= j->from_us) && t < next;
        }
        j->scored_share = seen == 0 ? (double)NAN : (double)scored / (double)seen;
        from = until[c];
    }
}

/* ---- who joined lately ---- */

/* Two rates, chi-squared with Yates's correction. */
static double rates_differ(size_t a, size_t n, size_t b, size_t m)
{
    double all = (double)(n + m), hits = (double)(a + b);
    double expected = hits * (double)n / all;
    double spread = (double)n * (double)m * hits * (all - hits) / (all * all * (all - 1));
    double off = fabs((double)a - expected) - 0.5;
    if (!(spread > 0) || off <= 0)
        return 1;
    return 2 * metric_normal_tail(off / sqrt(spread));
}

static void find_late(Joining *out, const uint8_t *label, const JoiningInputs *in)
{
    static const int64_t days[] = {7, 14, 28};
    const size_t tests = COUNT_OF(days);
    out->p = 1;
    for (size_t d = 0; d < tests; d++) {
        size_t late = 0, risky = 0, others = 0, other_risky = 0;
        for (size_t i = 0; i < in->labelled; i++) {
            if (in->labelled_us[i] == INT64_MAX)
                continue;
            bool is_late = in->labelled_us[i] > in->as_of_us - days[d] * DAY_US;
            late += is_late;
            risky += is_late && label[i] != 0;
            others += !is_late;
            other_risky += !is_late && label[i] != 0;
        }
        if (late < LATE_LEAST || others < LATE_LEAST)
            continue;
        double p = rates_differ(risky, late, other_risky, others) * (double)tests;
        if (p >= LATE_CHANCE || p >= out->p)
            continue;
        out->p = p;
        out->late_days = days[d];
        out->late = late;
        out->late_positives = risky;
        out->others = others;
        out->other_positives = other_risky;
    }
}

static void say_late(const Joining *j, const JoiningInputs *in, Findings *findings)
{
    if (j->late_days == 0)
        return;
    Arena own = arena_new();
    double late = 100 * (double)j->late_positives / (double)j->late;
    double others = 100 * (double)j->other_positives / (double)j->others;
    size_t scored = 0;
    for (size_t i = 0; i < in->scored; i++)
        scored += in->scored_us[i] != INT64_MAX &&
                  in->scored_us[i] > in->as_of_us - j->late_days * DAY_US;
    findings_add(findings, SEVERITY_WARNING, "joining_cohort", j->late,
                 str_format(&own,
                            "%zu labelled customers joined (%.*s) in the last %lld days and %zu of "
                            "them are risky (%.1f %%), against %zu of %zu of those who joined "
                            "before (%.1f %%); of the customers to be scored %zu joined so late",
                            j->late, STR_ARG(in->by), (long long)j->late_days, j->late_positives,
                            late, j->other_positives, j->others, others, scored),
                 late < others
                     ? S("nobody is suspended before being looked at: judge by a stratum of those "
                         "who were seen long enough, and let the model see fixed early windows "
                         "alone")
                     : S("ask what happened then: the model must not learn the calendar; it sees "
                         "fixed early windows alone"));
    arena_free(&own);
}

/* ---- what a feature tells, by cohort ---- */

static double signed_auc(const double *value, const uint8_t *label, const uint32_t *row,
                         size_t count, bool low, Arena scratch)
{
    double *score = ARENA_RAW(&scratch, double, count + 1);
    uint8_t *of = ARENA_RAW(&scratch, uint8_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        double x = value[row[i]];
        score[i] = is_missing(x) ? (low ? -INFINITY : INFINITY) : x;
        of[i] = label[row[i]] != 0;
    }
    return metric_auc(score, of, count, scratch);
}

static int least_first(const void *a, const void *b)
{
    const Relation *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return str_compare(x->name, y->name);
}

typedef struct Told {
    const Relation *relation;
    size_t cohorts;
} Told;

static Str relation_words(Arena *arena, const void *item)
{
    const Told *t = item;
    Buffer b = buffer_new(arena);
    buffer_format(&b, "%.*s (AUC ", STR_ARG(t->relation->name));
    for (size_t c = 0; c < t->cohorts; c++)
        buffer_format(&b, "%s%.2f", c == 0 ? "" : ", ", t->relation->auc[c]);
    buffer_format(&b, ")");
    return buffer_str(&b);
}

static void find_relations(Joining *out, Arena *keep, Arena scratch, const AuditInputs *in,
                           const uint32_t *order, size_t seen, const size_t *until)
{
    const Table *t = in->labelled;
    size_t rows = t->rows;
    out->relation = ARENA_ARRAY(keep, Relation, t->columns + 1);
    double *value = ARENA_RAW(&scratch, double, rows + 1);
    size_t positives[JOINED_MAX] = {0}, negatives[JOINED_MAX] = {0};
    for (size_t c = 0, from = 0; c < out->cohorts; from = until[c++])
        for (size_t i = from; i < until[c]; i++) {
            positives[c] += in->label[order[i]] != 0;
            negatives[c] += in->label[order[i]] == 0;
        }
    for (size_t k = 0; k < t->columns; k++) {
        const Column *column = &t->column[k];
        if (!str_equal(in->use[k], S("model")) || column->type == TYPE_CATEGORY ||
            column->type == TYPE_TEXT)
            continue;
        for (size_t i = 0; i < rows; i++)
            value[i] = cell_double(column, i);
        /* Missing stands on the side where it tells more of all. */
        double low = signed_auc(value, in->label, order, seen, true, scratch);
        double high = signed_auc(value, in->label, order, seen, false, scratch);
        bool is_low = fabs(low - 0.5) >= fabs(high - 0.5);
        Relation *r = &out->relation[out->relations++];
        *r = (Relation){.name = str_copy(keep, column->name), .use = in->use[k]};
        for (size_t c = 0, from = 0; c < out->cohorts; from = until[c++])
            r->auc[c] =
                signed_auc(value, in->label, order + from, until[c] - from, is_low, scratch);
        r->p = metric_auc_heterogeneity(r->auc, positives, negatives, out->cohorts, NULL);
    }
    double *p = ARENA_RAW(&scratch, double, out->relations + 1);
    double *q = ARENA_RAW(&scratch, double, out->relations + 1);
    for (size_t i = 0; i < out->relations; i++)
        p[i] = out->relation[i].p;
    metric_false_discovery(q, p, out->relations, scratch);
    for (size_t i = 0; i < out->relations; i++) {
        Relation *r = &out->relation[i];
        double least = 1, most = 0;
        for (size_t c = 0; c < out->cohorts; c++) {
            least = r->auc[c] < least ? r->auc[c] : least;
            most = r->auc[c] > most ? r->auc[c] : most;
        }
        r->q = q[i];
        r->changes = q[i] <= FALSE_RELATION && most - least >= RELATION_RANGE;
    }
    qsort(out->relation, out->relations, sizeof *out->relation, least_first);
}

static void say_relations(const Joining *j, Findings *findings)
{
    Arena own = arena_new();
    char from[TIME_TEXT], until[TIME_TEXT];
    Told *told = ARENA_ARRAY(&own, Told, j->relations + 1);
    const void **list = ARENA_ARRAY(&own, const void *, j->relations + 1);
    size_t count = 0;
    for (size_t i = 0; i < j->relations; i++)
        if (j->relation[i].changes) {
            told[count] = (Told){&j->relation[i], j->cohorts};
            list[count] = &told[count];
            count++;
        }
    Buffer b = buffer_new(&own);
    buffer_add(&b, S("what features of the model tell depends on when customers joined ("));
    for (size_t c = 0; c < j->cohorts; c++) {
        Str first = str_slice(time_text(from, j->joined[c].from_us), 0, 10);
        Str last = str_slice(time_text(until, j->joined[c].until_us), 0, 10);
        buffer_format(&b, "%s%.*s to %.*s: %zu risky of %zu", c == 0 ? "" : "; ", STR_ARG(first),
                      STR_ARG(last), j->joined[c].positives, j->joined[c].customers);
    }
    buffer_add(&b, S(")"));
    buffer_char(&b, '\0');
    say_list(
        findings, SEVERITY_WARNING, "relation_changes", b.data,
        S("what held for some cohorts may not hold for the next: watch these, and judge by the "
          "cohort that resembles the customers to be scored"),
        list, count, relation_words);
    arena_free(&own);
}

void audit_joining(Audit *audit, Arena *keep, Arena scratch, const AuditInputs *inputs,
                   const JoiningInputs *joining, Findings *findings)
{
    Joining *out = &audit->joining;
    uint32_t *order = ARENA_RAW(&scratch, uint32_t, joining->labelled + 1);
    size_t seen = 0, until[JOINED_MAX];
    for (size_t i = 0; i < joining->labelled; i++)
        if (joining->labelled_us[i] != INT64_MAX)
            order[seen++] = (uint32_t)i;
    qsort_r(order, seen, sizeof *order, by_time, (void *)(uintptr_t)joining->labelled_us);
    find_late(out, inputs->label, joining);
    say_late(out, joining, findings);
    out->cohorts = cut_cohorts(until, order, seen, inputs->label, joining->labelled_us);
    if (out->cohorts == 0)
        return;
    fill_cohorts(out, until, order, inputs->label, joining);
    find_relations(out, keep, scratch, inputs, order, seen, until);
    say_relations(out, findings);
}

/* ---- windows that everyone was observed for ---- */

static double whole_share(const int64_t *first_us, size_t count, int64_t as_of_us, int64_t window)
{
    size_t seen = 0, whole = 0;
    for (size_t i = 0; i < count; i++)
        if (first_us[i] != INT64_MAX) {
            seen++;
            whole += as_of_us - first_us[i] >= window;
        }
    return seen == 0 ? 1 : (double)whole / (double)seen;
}

static Str feature_words(Arena *arena, const void *item)
{
    const Feature *f = item;
    char text[TIME_TEXT];
    Str window = f->longest_first_us > 0 ? duration_text(text, f->longest_first_us) : S("all");
    return str_format(arena, "%.*s (%.*s)", STR_ARG(f->name.text), STR_ARG(window));
}

void audit_windows(Audit *audit, Arena scratch, const AuditInputs *inputs,
                   const JoiningInputs *joining, Findings *findings)
{
    static const int64_t days[EARLY_WINDOWS] = {3, 7, 14};
    const Plan *plan = inputs->plan;
    int64_t longest = 0;
    size_t best = 0;
    if (plan == NULL || inputs->sight == NULL || plan->schema->timeless)
        return;
    const void **list = ARENA_ARRAY(&scratch, const void *, plan->features + 1);
    for (size_t w = 0; w < EARLY_WINDOWS; w++) {
        EarlyWindow *e = &audit->early[w];
        e->window_us = days[w] * DAY_US;
        e->whole_labelled =
            whole_share(joining->labelled_us, joining->labelled, joining->as_of_us, e->window_us);
        e->whole_scored =
            whole_share(joining->scored_us, joining->scored, joining->as_of_us, e->window_us);
        bool fits = e->whole_labelled >= WINDOW_WHOLE && e->whole_scored >= WINDOW_WHOLE;
        audit->early_fits_us = fits ? e->window_us : audit->early_fits_us;
        best = fits ? w : best;
        for (size_t i = 0; i < plan->features; i++) {
            const Feature *f = &plan->feature[i];
            bool open = inputs->sight[i] >= SIGHT_OPEN;
            if (!str_equal(inputs->use[i], S("model")))
                continue;
            e->longer += open || f->longest_first_us > e->window_us;
            longest = open                            ? INT64_MAX / 2
                      : f->longest_first_us > longest ? f->longest_first_us
                                                      : longest;
        }
    }
    const EarlyWindow *fit = &audit->early[best];
    double whole = whole_share(joining->labelled_us, joining->labelled, joining->as_of_us, longest);
    double other = whole_share(joining->scored_us, joining->scored, joining->as_of_us, longest);
    if (fit->longer == 0 || longest <= fit->window_us || plan->observed_equally.size > 0 ||
        fabs(whole - other) < HISTORY_DIFFERENCE)
        return;
    size_t count = 0;
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        if (str_equal(inputs->use[i], S("model")) &&
            (inputs->sight[i] >= SIGHT_OPEN || f->longest_first_us > fit->window_us))
            list[count++] = f;
    }
    Arena own = arena_new();
    long long window = (long long)(fit->window_us / DAY_US);
    Str opening =
        str_format(&own,
                   "%.0f %% of the labelled customers with transactions were observed for "
                   "the whole of the model's longest window and %.0f %% of those to be "
                   "scored; features of the model that see more than `first %lldd`",
                   100 * whole, 100 * other, window);
    Str done = audit->early_fits_us > 0
                   ? str_format(&own,
                                "`over: first %lldd` fits: %.0f %% and %.0f %% were observed that "
                                "long",
                                window, 100 * fit->whole_labelled, 100 * fit->whole_scored)
                   : str_format(&own,
                                "`over: first %lldd` comes nearest: %.0f %% and %.0f %% were "
                                "observed that long",
                                window, 100 * fit->whole_labelled, 100 * fit->whole_scored);
    say_list(findings, SEVERITY_INFO, "early_windows", opening.data, done, list, count,
             feature_words);
    arena_free(&own);
}
