/* figures.c - what moved: features, scores and segments, groups, verdicts. */
#include "monitor/monitor_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_LIMIT = 0x30A1, FIGURE_LEAST = 30 };
static const double missing_rise = 0.05, rate = 0.01;

Str monitor_test_name(MonitorTest t)
{
    static const Str names[] = {
        {"none", 4}, {"kolmogorov", 10}, {"chi_squared", 11}, {"fisher", 6}};
    return names[t];
}

static uint64_t total(const uint64_t *count, size_t bins)
{
    uint64_t sum = 0;
    for (size_t b = 0; b < bins; b++)
        sum += count[b];
    return sum;
}

/* Two bins of all are in use: which. */
static size_t used_bins(const uint64_t *was, const uint64_t *now, size_t bins, size_t used[2])
{
    size_t n = 0;
    for (size_t b = 0; b < bins; b++)
        if (was[b] + now[b] > 0) {
            if (n < 2)
                used[n] = b;
            n++;
        }
    return n;
}

/* The values that are there, the missing left out: those have a test of their own. */
static void test_item(MonitorItem *i, const uint64_t *now, Arena scratch)
{
    const Distribution *was = i->was;
    size_t bins = was->bins - 1, degrees, used[2];
    uint64_t n = total(was->count, bins), m = total(now, bins);
    size_t n_used = used_bins(was->count, now, bins, used);
    i->p = i->statistic = NAN;
    i->test = TEST_NONE;
    if (n == 0 || m == 0 || n_used < 2)
        return;
    if (n_used == 2) {
        i->test = TEST_FISHER;
        i->statistic = (double)now[used[1]] / (double)m - (double)was->count[used[1]] / (double)n;
        i->p = metric_fisher(now[used[1]], m, was->count[used[1]], n);
    } else if (was->by_value) {
        i->test = TEST_CHI_SQUARED;
        i->p = metric_chi_squared(&i->statistic, &degrees, was->count, now, bins);
    } else {
        i->test = TEST_KOLMOGOROV;
        i->statistic = metric_kolmogorov_distance(was->count, now, bins);
        i->p = metric_kolmogorov(i->statistic, n, m, scratch);
    }
}

static void item_task(void *context, size_t task, Arena scratch)
{
    Monitor *m = context;
    MonitorItem *i = &m->item[task];
    const Distribution *was = i->was;
    const uint64_t *now = m->now.count + i->first, *before = m->before.count + i->first;
    double n = (double)total(was->count, was->bins), k = (double)total(now, was->bins);
    i->stability = metric_psi_counts(was->count, now, was->bins);
    /* Partitions only where the verdict hangs on them. */
    bool moved =
        !is_missing(i->stability.psi) && drift_verdict(i->stability.psi, 0) != DRIFT_STABLE;
    i->limit = moved ? metric_psi_limit(was->count, now, was->bins, seed_derive(STREAM_LIMIT, task),
                                        scratch)
                     : metric_psi_limit_about(was->count, now, was->bins);
    i->verdict = k == 0 ? DRIFT_STABLE : drift_verdict(i->stability.psi, i->limit);
    i->psi_before = metric_psi_counts(before, now, was->bins).psi;
    i->missing_was = n == 0 ? NAN : (double)was->count[was->bins - 1] / n;
    i->missing_now = k == 0 ? NAN : (double)now[was->bins - 1] / k;
    i->missing_p = n == 0 || k == 0 ? NAN
                                    : metric_fisher(now[was->bins - 1], (size_t)k,
                                                    was->count[was->bins - 1], (size_t)n);
    test_item(i, now, scratch);
}

void figures_items(Monitor *m, Arena *keep, Team *team)
{
    Arena scratch = arena_new();
    double *p = ARENA_ARRAY(&scratch, double, m->items + 1);
    double *q = ARENA_ARRAY(&scratch, double, m->items + 1);
    size_t features = 0;
    (void)keep;
    team_run(team, m->items, item_task, m);
    /* Features are one family of tests, their missing values another; the score and the segments
     * follow from them and have no part in it. */
    while (features < m->items && m->item[features].was->of == OF_FEATURE)
        features++;
    for (size_t i = 0; i < features; i++)
        p[i] = m->item[i].p;
    metric_false_discovery(q, p, features, scratch);
    for (size_t i = 0; i < m->items; i++)
        m->item[i].q = i < features ? q[i] : NAN;
    for (size_t i = 0; i < features; i++)
        p[i] = m->item[i].missing_p;
    metric_false_discovery(q, p, features, scratch);
    for (size_t i = 0; i < m->items; i++) {
        MonitorItem *item = &m->item[i];
        item->missing_q = i < features ? q[i] : NAN;
        item->missing_rose =
            item->missing_now - item->missing_was >= missing_rise && item->missing_q < rate;
    }
    arena_free(&scratch);
}

/* ---- groups ---- */

void groups_window(Monitor *m, const Groups *g, const Prediction *p)
{
    uint32_t who = dictionary_find(g->customer, p->customer);
    for (size_t c = 0; who != NO_CODE && c < g->columns; c++) {
        if (g->of[c][who] == NO_CODE)
            continue;
        MonitorGroup *group = &m->group[g->first[c] + g->of[c][who]];
        group->customers++;
        group->acted += p->action >= ACTION_ENHANCED_DUE_DILIGENCE;
    }
}

void groups_judged(Monitor *m, Arena scratch, const Groups *g, const Judging *j)
{
    uint8_t *seen = ARENA_ARRAY(&scratch, uint8_t, g->customer->count + 1);
    for (size_t i = 0; i < j->count; i++) {
        const Judged *one = &j->item[i];
        uint32_t who = dictionary_find(g->customer, one->customer);
        if (who == NO_CODE || seen[who] != 0)
            continue;
        seen[who] = 1;
        if (one->positive)
            continue;
        for (size_t c = 0; c < g->columns; c++) {
            if (g->of[c][who] == NO_CODE)
                continue;
            MonitorGroup *group = &m->group[g->first[c] + g->of[c][who]];
            group->negatives++;
            group->negatives_acted += one->action >= ACTION_ENHANCED_DUE_DILIGENCE;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    const MonitorGroup *x = a, *y = b;
    return str_compare(x->value, y->value);
}

void figures_groups(Monitor *m, const Groups *g)
{
    static const Interval unknown = {NAN, NAN, NAN};
    for (size_t c = 0; c < g->columns; c++) {
        MonitorGroup *group = &m->group[g->first[c]];
        size_t n = g->value[c]->count, all = 0, acted = 0, negatives = 0, wrong = 0;
        for (size_t i = 0; i < n; i++) {
            all += group[i].customers;
            acted += group[i].acted;
            negatives += group[i].negatives;
            wrong += group[i].negatives_acted;
        }
        for (size_t i = 0; i < n; i++) {
            MonitorGroup *one = &group[i];
            one->others = all - one->customers;
            one->others_negatives = negatives - one->negatives;
            bool enough = one->customers >= FIGURE_LEAST && one->others >= FIGURE_LEAST;
            one->action_ratio =
                enough ? metric_ratio(one->acted, one->customers, acted - one->acted, one->others)
                       : unknown;
            enough = one->negatives >= FIGURE_LEAST && one->others_negatives >= FIGURE_LEAST;
            one->false_ratio =
                enough ? metric_ratio(one->negatives_acted, one->negatives,
                                      wrong - one->negatives_acted, one->others_negatives)
                       : unknown;
        }
        qsort(group, n, sizeof *group, by_value);
    }
}

/* ---- verdicts ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void count_verdict(MonitorVerdicts *to, const Review *v)
{
    bool other = v->action >= 0 && v->action != (int)v->proposed;
    if (str_equal(v->verdict, S("positive")))
        to->positive++;
    else if (str_equal(v->verdict, S("negative")))
        to->negative++;
    else if (other || str_equal(v->verdict, S("overrule")))
        to->overrule++;
    else
        to->agree++;
}

static Interval overturned(const MonitorVerdicts *v)
{
    size_t n = v->agree + v->overrule;
    return n == 0 ? (Interval){NAN, NAN, NAN} : metric_proportion_exact(v->overrule, n, 0.95);
}

void figures_feedback(Monitor *m, Arena *keep, const Reviews *v, int64_t from_us, int64_t to_us)
{
    MonitorFeedback *f = &m->feedback;
    Arena scratch = arena_new();
    double *seconds = ARENA_ARRAY(&scratch, double, v->count + 1);
    (void)keep;
    f->lines = v->count;
    for (size_t i = 0; i < v->count; i++) {
        const Review *one = &v->verdict[i];
        if (one->at_us != INT64_MIN && (one->at_us <= from_us || one->at_us > to_us)) {
            f->outside++;
            continue;
        }
        if (!one->matched) {
            f->unmatched++;
            continue;
        }
        count_verdict(&f->action[one->proposed], one);
        count_verdict(&f->all, one);
        f->low_positive += one->segment == SEGMENT_LOW && str_equal(one->verdict, S("positive"));
        if (one->seconds >= 0)
            seconds[f->timed++] = (double)one->seconds;
    }
    qsort(seconds, f->timed, sizeof *seconds, ascending);
    f->median_seconds = f->timed == 0 ? NAN : metric_quantile(seconds, f->timed, 0.5);
    for (int a = 0; a < ACTIONS; a++)
        f->overturned[a] = overturned(&f->action[a]);
    f->overturned_all = overturned(&f->all);
    arena_free(&scratch);
}
