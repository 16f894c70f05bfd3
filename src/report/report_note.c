/* report_note.c - a run in a page of Markdown, for whoever reviews a change of books or code: key
 * figures with their intervals, segments, counts, doubts. It names no customer. */
#include "report/report_internal.h"

static void interval_row(Page *p, const char *what, const MetricSet *m, MetricKind kind)
{
    markdown_pair(p, what, number_interval(p->arena, m->metric[kind], 3));
}

static void judged(Page *p)
{
    const Run *run = p->run;
    const Validation *v = run->validation;
    Arena *a = p->arena;
    const Quoted q = headline_quoted(run);
    markdown_pair(p, "Model", v->candidate[v->chosen].name);
    markdown_pair(p, "Quoted on",
                  q.told ? str_format(a, "%.*s: %zu customers, %zu suspended", STR_ARG(q.name),
                                      q.metric->customers, q.metric->positives)
                         : str_format(a, "nothing: %.*s", STR_ARG(q.says)));
    if (q.told) {
        interval_row(p, "AUC, out of fold", q.metric, METRIC_AUC);
        interval_row(p, "Average precision", q.metric, METRIC_PR_AUC);
        interval_row(p, "Brier score", q.metric, METRIC_BRIER);
    }
    markdown_pair(p, "AUC with the choice of the model inside",
                  number_interval(a, v->nested.metric[run->headline].metric[METRIC_AUC], 3));
}

static void key_figures(Page *p, const Tally *t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    markdown_table(p, "Key figure|Value (95 % interval)");
    markdown_pair(
        p, "Rows read = used + merged + set aside",
        str_format(a, "%zu = %zu + %zu + %zu", t->rows, t->used, t->merged, t->quarantined));
    markdown_pair(p, "Customers",
                  str_format(a, "%zu labelled (%zu suspended, %zu contradictory), %.*s scored",
                             t->labelled, t->positive, t->contradictory,
                             STR_ARG(tally_scored(a, t))));
    if (run->validation != NULL && run->training != NULL)
        judged(p);
    else
        markdown_pair(p, "Model",
                      run->training != NULL
                          ? S("none: too few labelled customers of one kind to learn from")
                          : str_format(a, "bundle %.12s, nothing learnt here", run->bundle->id));
    if (run->audit != NULL && run->audit->control.shuffles > 0)
        markdown_pair(p, "Control on shuffled labels",
                      str_from(control_verdict(&run->audit->control)));
    if (run->silence != NULL)
        markdown_pair(p, "Silence test",
                      !run->silence->tested  ? S("not possible")
                      : run->silence->passed ? S("passed")
                                             : S("FAILED"));
    markdown_pair(p, "Candidates for off-boarding",
                  str_format(a, "%zu, %zu of them with a score in a certified set", run->candidates,
                             tally_certified(run)));
    const ListStability *s = run->stability;
    if (s != NULL && s->listed > 0)
        markdown_pair(
            p, "Candidates again",
            str_format(a, "%zu in all %zu runs without a fold, %zu in all %zu with another seed",
                       s->kind[RERUN_FOLDS].always, s->kind[RERUN_FOLDS].runs,
                       s->kind[RERUN_SEEDS].always, s->kind[RERUN_SEEDS].runs));
    markdown_pair(p, "Near misses", number_count(a, run->near_misses));
}

static void segments(Page *p, const Tally *t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    size_t count[ACTIONS][SEGMENTS] = {{0}};
    for (size_t i = 0; i < run->scored->count; i++)
        count[run->scored->outcome[i].action][run->scored->outcome[i].segment]++;
    markdown_title(p, "##", "Segments and proposals");
    markdown_table(p, "Proposed|>Low|>Medium|>High|>All");
    for (size_t k = ACTIONS; k-- > 0;) {
        markdown_row(p);
        markdown_cell(p, action_name((Action)k));
        for (size_t s = 0; s < SEGMENTS; s++)
            markdown_cell(p, number_count(a, count[k][s]));
        markdown_cell(p, number_count(a, t->action[k]));
        markdown_row_end(p);
    }
    markdown_row(p);
    markdown_cell(p, S("All"));
    for (size_t s = 0; s < SEGMENTS; s++)
        markdown_cell(p, number_count(a, t->segment[s]));
    markdown_cell(p, number_count(a, run->scored->count));
    markdown_row_end(p);
}

static void doubts(Page *p, const Tally *t)
{
    enum { SHOWN = 8 };
    const Run *run = p->run;
    const Findings *f = run->data->findings;
    Arena *a = p->arena;
    size_t shown = 0, act = 0;
    markdown_title(p, "##", "What to doubt");
    Str signal = run->validation != NULL && run->training != NULL ? signal_says(a, run) : S("");
    if (signal.size > 0)
        markdown_item(p, "%.*s.", STR_ARG(signal));
    if (run->calibration != NULL && run->validation != NULL && run->training != NULL)
        markdown_item(p, "Does a score of 40 %% mean 40 %%? %.*s", STR_ARG(calibration_says(p)));
    if (t->insufficient > 0)
        markdown_item(p, "%zu of %zu customers scored have too little data to be judged.",
                      t->insufficient, run->scored->count);
    for (size_t i = 0; run->drift != NULL && i < run->drift->count; i++)
        act += run->drift->item[i].verdict == DRIFT_ACT;
    if (run->drift != NULL)
        markdown_item(p, "%zu of %zu distributions differ clearly from those at training.", act,
                      run->drift->count);
    for (int severity = SEVERITY_SEVERE; severity >= SEVERITY_WARNING; severity--)
        for (size_t i = 0; i < f->count; i++) {
            const Finding *one = &f->item[i];
            if (one->severity != (Severity)severity || !finding_for_people(one) || shown++ >= SHOWN)
                continue;
            markdown_item(p, "%s: %.*s.", severity == SEVERITY_SEVERE ? "Severe" : "Warning",
                          STR_ARG(one->what));
        }
    if (shown > SHOWN)
        markdown_item(p, "%zu more findings for people to decide on.", shown - SHOWN);
    markdown_item(p,
                  "%zu severe findings, %zu warnings and %zu notes in all; quality.json has them.",
                  t->severe, t->warnings, t->notes);
}

Str report_note(Arena *keep, const Run *run)
{
    Arena own = arena_new(), spare = arena_new();
    Page p = {.arena = &own, .spare = spare, .out = buffer_new(keep), .run = run};
    const Tally t = tally_run(run);
    char time[TIME_TEXT];
    markdown_title(&p, "#", "Customer risk: this run");
    Str as_of = time_text(time, run->data->as_of_us);
    markdown_paragraph(&p,
                       "As of %.*s, assay %.*s, seed %llu. Aggregates alone; the whole report is "
                       "report.html beside this file.",
                       STR_ARG(as_of), STR_ARG(run->version), (unsigned long long)run->seed);
    key_figures(&p, &t);
    segments(&p, &t);
    doubts(&p, &t);
    markdown_title(&p, "##", "Which books and which bundle");
    paper_identity(&p);
    Str out = buffer_str(&p.out);
    arena_free(&spare);
    arena_free(&own);
    return out;
}

Status report_note_write(const Run *run, const char *folder, Error *err)
{
    Arena own = arena_new();
    Status status = file_write(path_join(&own, folder, "report.md"), report_note(&own, run), err);
    arena_free(&own);
    return status;
}
