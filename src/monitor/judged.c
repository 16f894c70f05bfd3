/* judged.c - decisions whose labels are mature, cohort by cohort.
 *
 * A decision is mature when it is old enough for the truth to have come out, whether it has or not:
 * were every label taken as soon as it is there, customers who were found out fast would make up
 * the sample. Who has no label is not taken for a good customer.
 */
#include "monitor/monitor_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NOISE_DRAWS = 199, CLASS_LEAST = 10, STREAM_NOISE = 0x30C1 };

Judging *judging_new(Arena *keep)
{
    Judging *j = ARENA_NEW(keep, Judging);
    j->keep = keep;
    j->first = dictionary_new(keep);
    j->month = dictionary_new(keep);
    return j;
}

static Str month_of(char out[16], int64_t time_us)
{
    int64_t days = time_us / DAY_US - (time_us % DAY_US < 0), year;
    int month, day;
    civil_from_days(days, &year, &month, &day);
    out[0] = (char)('0' + year / 1000 % 10);
    out[1] = (char)('0' + year / 100 % 10);
    out[2] = (char)('0' + year / 10 % 10);
    out[3] = (char)('0' + year % 10);
    out[4] = '-';
    out[5] = (char)('0' + month / 10);
    out[6] = (char)('0' + month % 10);
    return (Str){out, 7};
}

void judging_decision(Judging *j, const Prediction *p, const Label *label, bool other_bundle)
{
    char text[16], key[16 + 1024];
    Str month = month_of(text, p->time_us);
    uint32_t m = dictionary_add(j->month, month); /* times are of 300 years at most */
    j->all++;
    j->decisions[m]++;
    if (label == NULL)
        return;
    memcpy(key, month.data, month.size);
    key[month.size] = ' ';
    memcpy(key + month.size + 1, p->customer.data, p->customer.size);
    Str name = {key, month.size + 1 + p->customer.size};
    uint32_t code = dictionary_find(j->first, name);
    Judged *one;
    if (code != NO_CODE) {
        one = &j->item[code];
        if (p->time_us >= one->time_us)
            return;
    } else {
        code = dictionary_add(j->first, name);
        one = ARENA_PUSH(j->keep, j->item, j->count, j->capacity);
    }
    Str known = j->first->text[code];
    *one = (Judged){.time_us = p->time_us,
                    .customer = str_slice(known, month.size + 1, known.size),
                    .probability = p->probability,
                    .action = p->action,
                    .segment = p->segment,
                    .month = m,
                    .positive = label->positive,
                    .other_bundle = other_bundle};
}

static const Interval none = {NAN, NAN, NAN};

/* month NO_CODE: all of them, each customer once, by the first decision. */
static void judge(MonitorCohort *c, Arena scratch, const Judging *j, uint32_t month, uint64_t seed,
                  Team *team)
{
    double *p = ARENA_ARRAY(&scratch, double, j->count + 1);
    uint8_t *label = ARENA_ARRAY(&scratch, uint8_t, j->count + 1);
    Dictionary *seen = NULL;
    Arena names = arena_new();
    if (month == NO_CODE)
        seen = dictionary_new(&names);
    for (size_t i = 0; i < j->count; i++) {
        const Judged *one = &j->item[i];
        if (month != NO_CODE && one->month != month)
            continue;
        if (seen != NULL) {
            size_t before = seen->count;
            (void)dictionary_add(seen, one->customer);
            if (seen->count == before)
                continue;
        }
        p[c->labelled] = one->probability;
        label[c->labelled++] = one->positive;
        c->positives += one->positive;
        c->others_bundle += one->other_bundle;
        bool proposed = one->action == ACTION_PROPOSE_OFFBOARDING;
        bool flagged = one->action >= ACTION_ENHANCED_DUE_DILIGENCE;
        bool low = one->segment == SEGMENT_LOW;
        c->proposed += proposed;
        c->right += proposed && one->positive;
        c->flagged += flagged;
        c->flagged_right += flagged && one->positive;
        c->low += low;
        c->low_positives += low && one->positive;
    }
    size_t n = c->labelled;
    const double *one[] = {p};
    c->precision = c->proposed == 0 ? none : metric_proportion_exact(c->right, c->proposed, 0.95);
    c->precision_low = c->proposed == 0 ? NAN : metric_proportion_low(c->right, c->proposed, 0.95);
    c->auc = metric_auc(p, label, n, scratch);
    c->brier = n == 0 ? NAN : metric_brier(p, label, n);
    c->recalibration = (Recalibration){none, none, none};
    c->ece = (NoiseFloor){NAN, NAN, NAN, NAN, 0};
    if (c->positives >= CLASS_LEAST && n - c->positives >= CLASS_LEAST) {
        metric_recalibration(&c->recalibration, one, 1, label, NULL, n);
        metric_ece_noise(&c->ece, one, 1, label, NULL, n, NOISE_DRAWS, seed, team);
    }
    arena_free(&names);
}

static int by_time(const void *a, const void *b)
{
    const Judged *x = a, *y = b;
    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    return str_compare(x->customer, y->customer);
}

static int by_name(const void *a, const void *b)
{
    const MonitorCohort *x = a, *y = b;
    return str_compare(x->name, y->name);
}

/* In the order of time, whatever the order of files: a customer's first decision counts. */
void judging_sort(Judging *j)
{
    j->first = NULL; /* positions are others now */
    if (j->count > 0)
        qsort(j->item, j->count, sizeof *j->item, by_time);
}

void judging_cohorts(Monitor *m, Arena *keep, const Judging *j, Team *team)
{
    Arena scratch = arena_new();
    size_t months = j->month->count;
    m->cohort = ARENA_ARRAY(keep, MonitorCohort, months + 1);
    for (size_t k = 0; k < months; k++) {
        m->cohort[k].name = str_copy(keep, j->month->text[k]);
        m->cohort[k].decisions = j->decisions[k];
        judge(&m->cohort[k], scratch, j, (uint32_t)k, hash64(m->cohort[k].name, STREAM_NOISE),
              team);
    }
    qsort(m->cohort, months, sizeof *m->cohort, by_name);
    MonitorCohort *all = &m->cohort[months];
    all->name = S("all");
    all->decisions = j->all;
    judge(all, scratch, j, NO_CODE, hash64(all->name, STREAM_NOISE), team);
    m->cohorts = months + 1;
    m->mature_decisions = j->all;
    arena_free(&scratch);
}
