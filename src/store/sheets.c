/* sheets.c - the CSV files of the run folder: decisions, off-boarding, features.
 *
 * Every text is guarded against spreadsheet formulas, because ids and names come from outside;
 * numbers are our own. */
#include "store/store_internal.h"

#include <math.h>

enum { REASONS_SHOWN = 6, REASONS_BRIEF = 3, FLUSH_BYTES = 1 << 16 };

Status sheet_open(Sheet *s, Arena *keep, const char *folder, const char *name, Error *err)
{
    TRY(writer_open(&s->writer, keep, path_join(keep, folder, name), err));
    s->line = buffer_new(keep);
    return STATUS_OK;
}

void sheet_flush(Sheet *s, bool whole)
{
    if (!whole && s->line.size < FLUSH_BYTES)
        return;
    writer_add(s->writer, buffer_str(&s->line));
    s->line.size = 0;
}

Status sheet_close(Sheet *s, Error *err)
{
    sheet_flush(s, true);
    return writer_close(s->writer, err);
}

static void comma(Sheet *s)
{
    if (s->line.size > 0 && s->line.data[s->line.size - 1] != '\n')
        buffer_char(&s->line, ',');
}

void sheet_text(Sheet *s, Str cell)
{
    comma(s);
    csv_write_cell(&s->line, cell, true);
}

void sheet_count(Sheet *s, size_t value)
{
    comma(s);
    buffer_format(&s->line, "%zu", value);
}

void sheet_real(Sheet *s, double value)
{
    char out[NUMBER_TEXT];
    comma(s);
    if (isfinite(value))
        buffer_add(&s->line, double_text(out, value));
}

void sheet_truth(Sheet *s, bool value)
{
    comma(s);
    buffer_add(&s->line, value ? S("true") : S("false"));
}

void sheet_interval(Sheet *s, Interval i)
{
    sheet_real(s, i.value);
    sheet_real(s, i.low);
    sheet_real(s, i.high);
}

void sheet_line_end(Sheet *s)
{
    buffer_char(&s->line, '\n');
    sheet_flush(s, false);
}

/* ---- lists in one cell ---- */

typedef struct Joined {
    Buffer text;
    Dictionary *seen;
} Joined;

static Joined joined(Arena *scratch)
{
    return (Joined){buffer_new(scratch), dictionary_new(scratch)};
}

static void join(Joined *j, Str item, Str between)
{
    size_t known = j->seen->count;
    if (item.size == 0 || dictionary_add(j->seen, item) < known)
        return;
    if (j->text.size > 0)
        buffer_add(&j->text, between);
    buffer_add(&j->text, item);
}

typedef Str ReasonPart(const Reason *r);

static Str part_code(const Reason *r)
{
    return r->code;
}
static Str part_family(const Reason *r)
{
    return r->family;
}
static Str part_missing_proof(const Reason *r)
{
    return r->missing_proof;
}
static Str part_next_step(const Reason *r)
{
    return r->next_step;
}

/* One part of every rule that fired, each text once. */
static void rule_parts(Sheet *s, Arena scratch, const Decision *d, ReasonPart *part, Str between)
{
    Joined j = joined(&scratch);
    for (size_t i = 0; i < d->reasons; i++)
        if (d->reason[i].source == REASON_RULE)
            join(&j, part(&d->reason[i]), between);
    sheet_text(s, buffer_str(&j.text));
}

static void sentences(Sheet *s, Arena scratch, const Str *sentence, size_t n)
{
    Joined j = joined(&scratch);
    for (size_t i = 0; i < n; i++)
        join(&j, sentence[i], S(" "));
    sheet_text(s, buffer_str(&j.text));
}

static void transactions(Sheet *s, Arena scratch, const Decision *d)
{
    Joined j = joined(&scratch);
    for (size_t i = 0; i < d->reasons; i++)
        for (size_t k = 0; d->reason[i].source == REASON_RULE && k < d->reason[i].transactions; k++)
            join(&j, d->reason[i].transaction[k], S(";"));
    sheet_text(s, buffer_str(&j.text));
}

static void measures(Sheet *s, Arena scratch, const Decision *d)
{
    Joined j = joined(&scratch);
    for (size_t i = 0; i < d->measures; i++)
        join(&j,
             str_format(&scratch, "%.*s: %.*s", STR_ARG(d->measure[i].id),
                        STR_ARG(d->measure[i].sentence)),
             S(" "));
    sheet_text(s, buffer_str(&j.text));
}

static void facts(Sheet *s, Arena scratch, const Decision *d)
{
    Joined j = joined(&scratch);
    for (size_t i = 0; i < d->facts; i++)
        join(&j, d->fact[i].sentence, S(" "));
    sheet_text(s, buffer_str(&j.text));
}

static void instant(Sheet *s, int64_t time_us)
{
    char text[TIME_TEXT];
    sheet_text(s, time_us == NO_TIME ? S("") : time_text(text, time_us));
}

static void beside_row(Sheet *s, Arena scratch, const Decision *d)
{
    sheet_text(s, d->queue);
    facts(s, scratch, d);
    measures(s, scratch, d);
}

/* What was weighed, and what the next run must know of the segment. */
static void case_row(Sheet *s, Arena scratch, const Decision *d)
{
    beside_row(s, scratch, d);
    sheet_text(s, d->near_miss);
    sheet_text(s, segment_name(d->segment_by_score));
    sheet_text(s, d->segment_because);
    instant(s, d->next.known ? d->next.since_us : NO_TIME);
    instant(s, d->next.known ? d->next.lower_since_us : NO_TIME);
}

static void reasons(Sheet *s, const Decision *d, size_t shown)
{
    for (size_t i = 0; i < shown; i++)
        sheet_text(s, i < d->reasons ? d->reason[i].sentence : S(""));
}

static void reason_names(Sheet *s, size_t shown)
{
    for (size_t i = 1; i <= shown; i++)
        buffer_format(&s->line, ",reason_%zu", i);
}

/* ---- the files ---- */

void decision_row(Sheet *s, Arena scratch, size_t rank, const Decision *d, bool contradictory)
{
    sheet_count(s, rank);
    sheet_text(s, d->id);
    sheet_text(s, segment_name(d->segment));
    sheet_truth(s, d->insufficient_data);
    sheet_text(s, action_name(d->action));
    sheet_text(s, action_name(d->before_safeguards));
    sheet_real(s, d->probability);
    sheet_real(s, d->probability_low);
    sheet_real(s, d->probability_high);
    rule_parts(s, scratch, d, part_family, S(";"));
    sheet_count(s, d->severe_rules);
    rule_parts(s, scratch, d, part_code, S(";"));
    sheet_real(s, d->exposure);
    sheet_truth(s, contradictory);
    sheet_text(s, d->because);
    sentences(s, scratch, d->safeguard, d->safeguards);
    case_row(s, scratch, d);
    reasons(s, d, REASONS_BRIEF);
    buffer_char(&s->line, '\n');
}

void decision_names(Sheet *s)
{
    buffer_add(&s->line, S("rank,customer_id,segment,insufficient_data,action,"
                           "action_before_safeguards,probability,probability_low,probability_high,"
                           "families,severe_rules,rules,exposure,contradictory_label,because,"
                           "safeguards,queue,facts,measures,near_miss,segment_by_score,"
                           "segment_because,segment_since,segment_lower_since"));
    reason_names(s, REASONS_BRIEF);
    buffer_char(&s->line, '\n');
}

static void stable(Sheet *s, const Run *run, RerunKind kind, size_t at)
{
    if (run->stability == NULL) {
        buffer_char(&s->line, ',');
        return;
    }
    const Reruns *r = &run->stability->kind[kind];
    buffer_format(&s->line, ",%u of %zu", r->on_list[at], r->runs);
}

/* "gone_within_24h 0.97" of each reason that has people to be compared with. */
static void percentiles(Sheet *s, Arena scratch, const Decision *d)
{
    Joined j = joined(&scratch);
    for (size_t i = 0; i < d->reasons && i < REASONS_SHOWN; i++) {
        char text[NUMBER_TEXT];
        const Reason *r = &d->reason[i];
        if (is_missing(r->percentile))
            continue;
        Buffer b = buffer_new(&scratch);
        buffer_format(&b, "%.*s ", STR_ARG(r->code));
        buffer_add(&b, double_text(text, r->percentile));
        join(&j, buffer_str(&b), S(";"));
    }
    sheet_text(s, buffer_str(&j.text));
}

void listed_row(Sheet *s, Arena scratch, const Run *run, const Listed *l)
{
    const Decision *d = l->decision;
    sheet_count(s, l->rank);
    sheet_text(s, d->id);
    sheet_real(s, d->probability);
    sheet_real(s, d->probability_low);
    sheet_real(s, d->probability_high);
    sheet_text(s, segment_name(d->segment));
    sheet_text(s, action_name(d->action));
    sheet_text(s, store_certified(run, l->at) ? S("score in the certified set")
                                              : S("not statistically certified"));
    stable(s, run, RERUN_SEEDS, l->at);
    stable(s, run, RERUN_FOLDS, l->at);
    rule_parts(s, scratch, d, part_family, S(";"));
    sheet_count(s, d->severe_rules);
    rule_parts(s, scratch, d, part_code, S(";"));
    sheet_real(s, d->exposure);
    sheet_text(s, d->because);
    reasons(s, d, REASONS_SHOWN);
    transactions(s, scratch, d);
    rule_parts(s, scratch, d, part_missing_proof, S(" "));
    rule_parts(s, scratch, d, part_next_step, S(" "));
    sentences(s, scratch, d->mitigating, d->mitigatings);
    sentences(s, scratch, d->safeguard, d->safeguards);
    beside_row(s, scratch, d);
    sheet_text(s, l->id);
    percentiles(s, scratch, d);
    if (l->near)
        sheet_text(s, d->near_miss);
    buffer_char(&s->line, '\n');
}

void listed_names(Sheet *s, bool near)
{
    buffer_add(&s->line, S("rank,customer_id,probability,probability_low,probability_high,segment,"
                           "action,certified,on_list_seeds,on_list_folds,families,severe_rules,"
                           "rules,exposure,because"));
    reason_names(s, REASONS_SHOWN);
    buffer_add(&s->line, S(",transaction_ids,missing_proof,next_step,mitigating,safeguards,"
                           "queue,facts,measures,decision_id,percentiles"));
    buffer_add(&s->line, near ? S(",why_not\n") : S("\n"));
}

static Str cohort_name(uint8_t cohort)
{
    return cohort == COHORT_LABELLED ? S("labelled")
           : cohort == COHORT_SCORED ? S("scored")
                                     : S("both");
}

/* Texts and categories come from outside; every other type is written by us. */
static bool foreign(const Column *c)
{
    return c->type == TYPE_TEXT || c->type == TYPE_CATEGORY;
}

Status store_feature_table(const Table *t, const Str *id, const uint8_t *cohort, const char *path,
                           Error *err)
{
    Arena own = arena_new(), row = arena_new();
    Sheet s;
    Status status = writer_open(&s.writer, &own, path, err);
    s.line = buffer_new(&own);
    buffer_add(&s.line, cohort == NULL ? S("customer_id") : S("customer_id,cohort"));
    for (size_t k = 0; k < t->columns; k++)
        sheet_text(&s, t->column[k].name);
    buffer_char(&s.line, '\n');
    for (size_t i = 0; i < t->rows && status == STATUS_OK; i++) {
        Arena one = row;
        sheet_text(&s, id[i]);
        if (cohort != NULL)
            sheet_text(&s, cohort_name(cohort[i]));
        for (size_t k = 0; k < t->columns; k++) {
            comma(&s);
            csv_write_cell(&s.line, cell_text(&one, &t->column[k], i), foreign(&t->column[k]));
        }
        buffer_char(&s.line, '\n');
        sheet_flush(&s, false);
    }
    if (status == STATUS_OK)
        status = sheet_close(&s, err);
    arena_free(&row);
    arena_free(&own);
    return status;
}

Status store_features(const Run *run, const char *folder, Arena scratch, Error *err)
{
    return store_feature_table(run->scored->features, run->data->id, run->data->cohort,
                               path_join(&scratch, folder, "features.csv"), err);
}
