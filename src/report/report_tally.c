#include "report/report_internal.h"

Tally tally_run(const Run *run)
{
    const Dataset *d = run->data;
    Tally t = {0};
    for (size_t i = 0; i < d->customers; i++) {
        t.labelled += (d->cohort[i] & COHORT_LABELLED) != 0;
        t.to_score += (d->cohort[i] & COHORT_SCORED) != 0;
        t.both += d->cohort[i] == (COHORT_LABELLED | COHORT_SCORED);
        t.positive += d->label[i] == LABEL_POSITIVE;
        t.negative += d->label[i] == LABEL_NEGATIVE;
        t.contradictory += d->label[i] == LABEL_CONTRADICTORY;
        t.unlabelled += d->label[i] == LABEL_NONE && (d->cohort[i] & COHORT_LABELLED) != 0;
    }
    for (size_t i = 0; i < d->ledger_count; i++) {
        t.rows += d->ledger[i].rows;
        t.used += d->ledger[i].used;
        t.merged += d->ledger[i].merged;
        t.quarantined += d->ledger[i].quarantined;
    }
    for (size_t i = 0; i < d->findings->count; i++) {
        Severity s = d->findings->item[i].severity;
        *(s == SEVERITY_SEVERE ? &t.severe : s == SEVERITY_WARNING ? &t.warnings : &t.notes) += 1;
    }
    for (size_t i = 0; run->scored != NULL && i < run->scored->count; i++) {
        const Outcome *one = &run->scored->outcome[i];
        t.segment[one->segment]++;
        t.insufficient += one->insufficient_data;
        t.action[one->action]++;
        uint32_t customer = run->scored->row[i];
        bool besides = (d->cohort[customer] & COHORT_SCORED) == 0;
        t.scored_torn += besides && d->label[customer] == LABEL_CONTRADICTORY;
        t.scored_unlabelled += besides && d->label[customer] != LABEL_CONTRADICTORY;
    }
    return t;
}

Str tally_scored(Arena *arena, const Tally *t)
{
    Buffer b = buffer_new(arena);
    buffer_add(&b, number_count(arena, t->to_score));
    if (t->scored_torn > 0)
        buffer_format(&b, " + %zu with both labels", t->scored_torn);
    if (t->scored_unlabelled > 0)
        buffer_format(&b, " + %zu with an unknown label", t->scored_unlabelled);
    return buffer_str(&b);
}

size_t tally_certified(const Run *run)
{
    size_t certified = 0;
    for (size_t i = 0; i < run->candidates; i++)
        certified += store_certified(run, run->candidate[i]);
    return certified;
}

size_t events_of(const Run *run, size_t customer)
{
    const size_t *start = run->scored->events->start;
    return start[customer + 1] - start[customer];
}
