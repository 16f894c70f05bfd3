/* monitor.c - prediction logs read twice: for their last time, and for what is in them. */
#include "monitor/monitor_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { BUNDLES_MAX = 1000, PROVING_MAX = 100000 };

typedef struct Reading {
    Monitor *m;
    PredictionReader reader;
    Labels *labels; /* NULL: none were given; likewise: */
    Reviews *verdicts;
    Groups *groups;
    Judging *judging;
    NumberSet customers, decisions;
    Dictionary *bundles;
    uint32_t *bin;
    double sum[2];
} Reading;

/* Go through every line of every file. */
typedef Status OneLine(Reading *r, const Prediction *p, Error *err);

static Status read_file(Reading *r, Arena scratch, const char *path, OneLine *one, Error *err)
{
    Lines *lines;
    Str line;
    uint64_t number;
    Prediction p;
    TRY(lines_open(&lines, &scratch, path, err));
    Status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = lines_next(lines, &line, &number, err);
        if (status != STATUS_OK || line.data == NULL)
            break;
        status = prediction_read(&p, &r->reader, line, err);
        if (status == STATUS_OK)
            status = one(r, &p, err);
        if (status != STATUS_OK)
            (void)error_place(err, path, (int64_t)number, 0);
    }
    lines_close(lines);
    return status;
}

static Status read_all(Reading *r, Arena scratch, OneLine *one, Error *err)
{
    for (size_t i = 0; i < r->m->inputs.files; i++)
        TRY(read_file(r, scratch, r->m->inputs.predictions[i], one, err));
    return STATUS_OK;
}

static Status latest(Reading *r, const Prediction *p, Error *err)
{
    (void)err;
    Monitor *m = r->m;
    if (m->lines++ == 0 || p->time_us > m->inputs.until_us)
        m->inputs.until_us = p->time_us;
    return STATUS_OK;
}

/* ---- the second time ---- */

static Status count_window(Reading *r, MonitorWindow *w, size_t which, const Prediction *p,
                           Error *err)
{
    bool added;
    w->decisions++;
    TRY(number_set_add(&r->customers, hash64(p->customer, 11 + which), &added, err));
    Monitor *m = r->m;
    TRY(prediction_bins(r->bin, &r->reader, p, m->item, m->items, err));
    if (!added)
        return STATUS_OK;
    w->customers++;
    w->insufficient += p->insufficient;
    w->segment[p->segment]++;
    w->action[p->action]++;
    r->sum[which] += p->probability;
    for (size_t i = 0; i < m->items; i++)
        w->count[m->item[i].first + r->bin[i]]++;
    if (w == &m->now && r->groups != NULL)
        groups_window(m, r->groups, p);
    return STATUS_OK;
}

static void judge_one(Reading *r, const Prediction *p, bool other_bundle)
{
    Monitor *m = r->m;
    bool mature = p->time_us <= m->inputs.until_us - m->inputs.mature_us;
    Label *l = r->labels == NULL ? NULL : labels_find(r->labels, p);
    if (l != NULL && l->known_us <= p->time_us) {
        l->early = true;
        l = NULL;
    }
    if (l != NULL && mature)
        l->used = true;
    else if (l != NULL)
        l->waiting = true;
    if (mature && r->labels != NULL)
        judging_decision(r->judging, p, l, other_bundle);
    if (r->verdicts != NULL)
        reviews_match(r->verdicts, p);
}

static Status take(Reading *r, const Prediction *p, Error *err)
{
    Monitor *m = r->m;
    bool added, other = !str_equal(p->bundle, str_from(m->inputs.bundle->id));
    if (p->challenger != m->inputs.challenger) {
        m->other_role++;
        return STATUS_OK;
    }
    if (p->time_us > m->inputs.until_us) {
        m->later++;
        return STATUS_OK;
    }
    if (p->time_us > m->before.from_us) { /* memory must not grow with the age of logs */
        TRY(number_set_add(&r->decisions, hash64(p->decision, 7), &added, err));
        m->watched++;
        m->repeated += !added;
    }
    judge_one(r, p, other);
    if (other) {
        m->other_bundle++;
        if (r->bundles->count < BUNDLES_MAX)
            (void)dictionary_add(r->bundles, p->bundle);
        return STATUS_OK;
    }
    if (p->time_us > m->now.from_us)
        return count_window(r, &m->now, 0, p, err);
    if (p->time_us > m->before.from_us)
        return count_window(r, &m->before, 1, p, err);
    m->older++;
    return STATUS_OK;
}

/* ---- before and after ---- */

static void list_items(Monitor *m, Arena *keep)
{
    const Reference *r = m->inputs.bundle->reference;
    size_t bins = 0;
    if (r != NULL) {
        m->reference = r->customers;
        m->item = ARENA_ARRAY(keep, MonitorItem, r->count + 1);
        for (size_t i = 0; i < r->count && r->item[i].of != OF_STRATUM; i++) {
            int use = r->item[i].of == OF_FEATURE ? m->inputs.bundle->plan->feature[i].use
                                                  : (int)USE_MODEL;
            m->item[m->items++] = (MonitorItem){.was = &r->item[i], .first = bins, .use = use};
            bins += r->item[i].bins;
        }
    }
    m->now.count = ARENA_ARRAY(keep, uint64_t, bins + 1);
    m->before.count = ARENA_ARRAY(keep, uint64_t, bins + 1);
}

static void list_groups(Monitor *m, Arena *keep, Groups *g)
{
    for (size_t c = 0; c < g->columns; c++) {
        g->first[c] = m->groups;
        m->groups += g->value[c]->count;
    }
    m->group = ARENA_ARRAY(keep, MonitorGroup, m->groups + 1);
    for (size_t c = 0; c < g->columns; c++)
        for (size_t v = 0; v < g->value[c]->count; v++)
            m->group[g->first[c] + v] =
                (MonitorGroup){.column = g->column[c], .value = g->value[c]->text[v]};
}

static void count_labels(Monitor *m, const Label *l, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        m->labels++;
        if (l[i].used)
            continue;
        m->labels_waiting += l[i].waiting;
        m->labels_early += l[i].early && !l[i].waiting;
        m->labels_unmatched += !l[i].waiting && !l[i].early;
    }
}

static Status read_later(Reading *r, Arena *keep, Arena scratch, Error *err)
{
    const MonitorInputs *in = &r->m->inputs;
    if (in->labels != NULL)
        TRY(labels_read(&r->labels, keep, scratch, in, in->until_us, err));
    if (in->feedback != NULL)
        TRY(reviews_read(&r->verdicts, keep, scratch, in, err));
    if (in->groups != NULL) {
        TRY(groups_read(&r->groups, keep, scratch, in, err));
        list_groups(r->m, keep, r->groups);
    }
    return STATUS_OK;
}

static Status read_twice(Reading *r, Arena *keep, Arena scratch, Error *err)
{
    Monitor *m = r->m;
    MonitorInputs *in = &m->inputs;
    prediction_reader(&r->reader, keep, in->bundle);
    bool given = in->until_given;
    int64_t until = in->until_us;
    TRY(read_all(r, scratch, latest, err));
    if (m->lines == 0) {
        (void)error_set(err, STATUS_DATA, "the prediction logs hold no line");
        return error_remedy(err, "give logs that a service wrote with `predictions` in serve.yaml");
    }
    if (given)
        in->until_us = until;
    m->now.to_us = in->until_us;
    m->now.from_us = m->before.to_us = in->until_us - in->window_us;
    m->before.from_us = m->before.to_us - in->window_us;
    TRY(read_later(r, keep, scratch, err));
    return read_all(r, scratch, take, err);
}

static void compute(Reading *r, Arena *keep, Arena scratch, Team *team)
{
    Monitor *m = r->m;
    MonitorWindow *w[] = {&m->now, &m->before};
    for (size_t i = 0; i < 2; i++)
        w[i]->probability = w[i]->customers == 0 ? NAN : r->sum[i] / (double)w[i]->customers;
    m->bundles = r->bundles->count;
    figures_items(m, keep, team);
    judging_sort(r->judging);
    if (r->labels != NULL) {
        count_labels(m, r->labels->of_decision, r->labels->decision->count);
        count_labels(m, r->labels->of_customer, r->labels->customer->count);
        judging_cohorts(m, keep, r->judging, team);
        m->certifying = metric_certifying_trials(0, m->inputs.floor, 0.95, PROVING_MAX);
    }
    if (r->verdicts != NULL)
        figures_feedback(m, keep, r->verdicts, m->inputs.until_us - m->inputs.mature_us,
                         m->inputs.until_us);
    if (r->groups != NULL) {
        groups_judged(m, scratch, r->groups, r->judging);
        figures_groups(m, r->groups);
    }
    alerts_raise(m, keep);
}

Status monitor_read(Monitor **out, Arena *keep, Arena scratch, const MonitorInputs *inputs,
                    Team *team, Error *err)
{
    Monitor *m = *out = ARENA_NEW(keep, Monitor);
    m->inputs = *inputs;
    list_items(m, keep);
    Reading r = {.m = m,
                 .judging = judging_new(keep),
                 .customers = number_set(),
                 .decisions = number_set(),
                 .bundles = dictionary_new(keep)};
    r.bin = ARENA_ARRAY(keep, uint32_t, m->items + 1);
    Status status = read_twice(&r, keep, scratch, err);
    if (status == STATUS_OK)
        compute(&r, keep, scratch, team);
    number_set_free(&r.customers);
    number_set_free(&r.decisions);
    return status;
}
