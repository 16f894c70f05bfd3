/* report_summary.c - the ten lines that end a run on a terminal. */
#include "report/report_internal.h"

typedef struct Summary {
    Buffer text;
    Arena *arena;
    const Run *run;
    Tally tally;
    const char *folder;
} Summary;

static void line_rows(Summary *s)
{
    const Tally *t = &s->tally;
    Str read = number_count(s->arena, t->rows), used = number_count(s->arena, t->used);
    Str merged = number_count(s->arena, t->merged), aside = number_count(s->arena, t->quarantined);
    bool holds = t->rows == t->used + t->merged + t->quarantined;
    buffer_format(&s->text, "Rows          %.*s read = %.*s used + %.*s merged + %.*s set aside%s",
                  STR_ARG(read), STR_ARG(used), STR_ARG(merged), STR_ARG(aside),
                  holds ? "" : " - THE SUM DOES NOT HOLD");
}

static void line_customers(Summary *s)
{
    char time[TIME_TEXT];
    const Tally *t = &s->tally;
    Str as_of = time_text(time, s->run->data->as_of_us);
    Str scored = tally_scored(s->arena, t);
    buffer_format(&s->text,
                  "Customers     %zu labelled (%zu suspended, %zu contradictory), %.*s to be "
                  "scored, as of %.*s",
                  t->labelled, t->positive, t->contradictory, STR_ARG(scored), STR_ARG(as_of));
}

static void line_findings(Summary *s)
{
    enum { NAMED = 3 };
    const Findings *f = s->run->data->findings;
    size_t named = 0;
    buffer_format(&s->text, "Findings      %zu severe, %zu warnings, %zu notes", s->tally.severe,
                  s->tally.warnings, s->tally.notes);
    for (int severity = SEVERITY_SEVERE; severity >= SEVERITY_WARNING; severity--)
        for (size_t i = 0; i < f->count && named < NAMED; i++) {
            if (f->item[i].severity != (Severity)severity ||
                findings_find(f, f->item[i].code.data) != &f->item[i])
                continue; /* another of this code was named */
            uint64_t count = 0;
            for (size_t k = i; k < f->count; k++)
                count += str_equal(f->item[k].code, f->item[i].code) ? f->item[k].count : 0;
            buffer_format(&s->text, "%s%.*s (%llu)", named++ == 0 ? ": " : ", ",
                          STR_ARG(f->item[i].code), (unsigned long long)count);
        }
}

static void line_model(Summary *s)
{
    const Validation *v = s->run->validation;
    if (v == NULL && s->run->training != NULL)
        buffer_add(&s->text,
                   S("Model         none: too few labelled customers of one kind to learn "
                     "from; rules alone decide"));
    else if (v == NULL)
        buffer_format(&s->text, "Model         bundle %s; nothing learnt in this run",
                      s->run->bundle->id);
    else
        buffer_format(&s->text, "Model         %.*s: %.*s", STR_ARG(v->candidate[v->chosen].name),
                      STR_ARG(v->reason));
}

static void line_headline(Summary *s)
{
    const Run *run = s->run;
    const Validation *v = run->validation;
    if (v == NULL) {
        buffer_add(&s->text, S("Headline      not measured in this run"));
        return;
    }
    const Quoted q = headline_quoted(run);
    Str auc = number_interval(s->arena, q.metric->metric[METRIC_AUC], 3);
    if (q.told)
        buffer_format(&s->text,
                      "Headline      AUC %.*s on %.*s, out of fold (%zu customers, %zu suspended)",
                      STR_ARG(auc), STR_ARG(q.name), q.metric->customers, q.metric->positives);
    else
        buffer_format(&s->text, "Headline      none. %.*s: %.*s", STR_ARG(q.name), STR_ARG(q.says));
    for (size_t i = 0; run->strata != NULL && i < run->strata->slices; i++) {
        const StrataSlice *one = &run->strata->slice[i];
        if (i == run->strata->headline)
            continue;
        Str other = number_interval(s->arena, one->metric->metric[METRIC_AUC], 3);
        if (one->told)
            buffer_format(&s->text, "; %.*s on %.*s", STR_ARG(other), STR_ARG(one->name));
        else
            buffer_format(&s->text, "; too few suspended for a figure on %.*s (%zu of %zu)",
                          STR_ARG(one->name), one->positives, one->customers);
    }
    Str nested = number_interval(s->arena, v->nested.metric[run->headline].metric[METRIC_AUC], 3);
    buffer_format(&s->text, "; with the choice of the model inside the folds too: %.*s",
                  STR_ARG(nested));
    Str signal = signal_says(s->arena, run);
    if (signal.size > 0)
        buffer_format(&s->text, ". %.*s", STR_ARG(signal));
}

static void line_control(Summary *s)
{
    const Audit *audit = s->run->audit;
    buffer_add(&s->text, S("Leak control  "));
    if (audit != NULL && audit->control.shuffles > 0) {
        const Control *c = &audit->control;
        Str mean = number_fixed(s->arena, c->mean, 3), low = number_fixed(s->arena, c->low, 3);
        Str high = number_fixed(s->arena, c->high, 3);
        buffer_format(&s->text, "%s: AUC %.*s on shuffled labels (clean: %.*s to %.*s)",
                      control_verdict(c), STR_ARG(mean), STR_ARG(low), STR_ARG(high));
    } else {
        buffer_add(&s->text, S("not run"));
    }
    buffer_add(&s->text, overruled_words(s->arena, audit));
    if (s->run->silence != NULL)
        buffer_format(&s->text, "; silence test %s",
                      s->run->silence->tested   ? s->run->silence->passed ? "passed" : "FAILED"
                      : s->run->silence->passed ? "not possible: too few old enough"
                                                : "NOT POSSIBLE: windows longer than customers "
                                                  "were observed");
}

static void line_segments(Summary *s)
{
    const size_t *n = s->tally.segment;
    buffer_format(&s->text,
                  "Segments      %zu Low, %zu Medium, %zu High; %zu with insufficient data",
                  n[SEGMENT_LOW], n[SEGMENT_MEDIUM], n[SEGMENT_HIGH], s->tally.insufficient);
}

static Str each_lacks(const Summary *s)
{
    const Validation *v = s->run->validation;
    return v == NULL
               ? S("")
               : str_format(s->arena, " (each lacks 1 in %zu of the labelled customers)", v->folds);
}

static void line_candidates(Summary *s)
{
    const size_t *n = s->tally.action;
    const ListStability *stable = s->run->stability;
    size_t certified = 0;
    for (size_t i = 0; i < s->run->candidates; i++)
        certified += store_certified(s->run, s->run->candidate[i]);
    buffer_format(&s->text, "Candidates    %zu for off-boarding, ", s->run->candidates);
    if (certified == 0)
        buffer_add(&s->text, S("not statistically certified"));
    else
        buffer_format(&s->text, "%zu with a score in the certified set", certified);
    if (stable != NULL && stable->listed > 0)
        buffer_format(&s->text, ", %zu again in all %zu runs without a fold%.*s",
                      stable->kind[RERUN_FOLDS].always, stable->kind[RERUN_FOLDS].runs,
                      STR_ARG(each_lacks(s)));
    buffer_format(&s->text, "; %zu for due diligence, %zu to monitor",
                  n[ACTION_ENHANCED_DUE_DILIGENCE], n[ACTION_MONITOR]);
}

static void line_report(Summary *s)
{
    buffer_format(&s->text, "Report        %s/report.html", s->folder);
}

static void line_evidence(Summary *s)
{
    buffer_format(&s->text, "Evidence      %s/offboarding.csv and %s/decisions.jsonl", s->folder,
                  s->folder);
}

static void line_bundle(Summary *s)
{
    buffer_format(&s->text, "Bundle        %s (%.12s)", s->folder, s->run->bundle->id);
}

typedef void Line(Summary *s);

/* Names from outside must neither end a line nor move the terminal's cursor. */
static void end_line(Buffer *b, size_t start)
{
    for (size_t i = start; i < b->size; i++)
        if ((unsigned char)b->data[i] < ' ' || b->data[i] == 0x7F)
            b->data[i] = '?';
    buffer_char(b, '\n');
}

static Str lines_of(Arena *keep, const Run *run, const char *folder, Line *const *line,
                    size_t lines)
{
    Summary s = {buffer_new(keep), keep, run, tally_run(run), folder};
    for (size_t i = 0; i < lines; i++) {
        size_t start = s.text.size;
        line[i](&s);
        end_line(&s.text, start);
    }
    return buffer_str(&s.text);
}

Str report_summary(Arena *keep, const Run *run, const char *folder)
{
    static Line *const lines[] = {line_rows,     line_customers, line_findings, line_model,
                                  line_headline, line_control,   line_segments, line_candidates,
                                  line_report,   line_evidence};
    return lines_of(keep, run, folder, lines, COUNT_OF(lines));
}

Str report_learnt(Arena *keep, const Run *run, const char *folder)
{
    static Line *const lines[] = {line_rows,     line_customers, line_findings, line_model,
                                  line_headline, line_control,   line_bundle};
    return lines_of(keep, run, folder, lines, COUNT_OF(lines));
}
