#include "report/report_data.h"

static void key_figure(Page *p, const char *name, Str value, Str more)
{
    html(p, "<div><dt>");
    html(p, name);
    html(p, "</dt><dd>");
    html_text(p, value);
    if (more.size > 0) {
        html(p, "<small>");
        html_text(p, more);
        html(p, "</small>");
    }
    html(p, "</dd></div>\n");
}

static void key_figures(Page *p)
{
    const Run *run = p->run;
    const Tally t = tally_run(run);
    Arena *a = p->arena;
    html(p, "<dl class=\"figures\">\n");
    size_t learnt = run->training != NULL ? run->training->x->rows : run->bundle->customers;
    Str learnt_from = number_count(a, learnt);
    Str scored = tally_scored(a, &t);
    Str more = str_slice(scored, number_count(a, t.to_score).size, scored.size);
    key_figure(p, "Customers scored", number_count(a, t.to_score),
               str_format(a, "%.*s%slearnt from %.*s labelled", STR_ARG(more),
                          more.size > 0 ? "; " : "", STR_ARG(learnt_from)));
    size_t certified = 0;
    for (size_t i = 0; i < run->candidates; i++)
        certified += store_certified(run, run->candidate[i]);
    key_figure(p, "Candidates", number_count(a, run->candidates),
               certified == 0
                   ? S("for off-boarding, not statistically certified")
                   : str_format(a, "for off-boarding, the scores of %zu certified", certified));
    if (run->validation != NULL && run->training != NULL) {
        const Quoted q = headline_quoted(run);
        Interval auc = q.metric->metric[METRIC_AUC];
        Str low = number_fixed(a, auc.low, 3), high = number_fixed(a, auc.high, 3);
        Str nested = number_fixed(
            a, run->validation->nested.metric[run->headline].metric[METRIC_AUC].value, 2);
        key_figure(p, "AUC, out of fold", q.told ? number_fixed(a, auc.value, 3) : S("none"),
                   q.told
                       ? str_format(a,
                                    "%.*s, 95 %%: %.*s to %.*s; %.*s with the choice of the "
                                    "model inside",
                                    STR_ARG(q.name), STR_ARG(low), STR_ARG(high), STR_ARG(nested))
                       : str_format(a, "%.*s: too few customers", STR_ARG(q.name)));
    }
    if (run->audit != NULL && run->audit->control.shuffles > 0)
        key_figure(p, "Leak control", str_from(control_verdict(&run->audit->control)),
                   str_format(a, "on %zu shuffles of the labels%.*s", run->audit->control.shuffles,
                              STR_ARG(overruled_words(a, run->audit))));
    Str severe = number_count(a, t.severe);
    key_figure(p, "Findings", number_count(a, t.severe + t.warnings),
               str_format(a, "%.*s of them severe", STR_ARG(severe)));
    html(p, "</dl>\n");
}

static void begin(Page *p)
{
    char time[TIME_TEXT];
    Str as_of = time_text(time, p->run->data->as_of_us);
    Str seed = str_format(p->arena, "%llu", (unsigned long long)p->run->seed);
    html_open(p, "en", S("Customer risk report"), "report");
    html(p, "<a class=\"skip\" href=\"#brief\">Skip to the report</a>\n"
            "<header>\n<h1>Customer risk report</h1>\n<p class=\"meta\">");
    html_say(p, "As of %.*s \xC2\xB7 assay %.*s \xC2\xB7 seed %.*s", STR_ARG(as_of),
             STR_ARG(p->run->version), STR_ARG(seed));
    html(p, "</p>\n");
    key_figures(p);
    html(p, "<nav aria-label=\"Contents\"><ol>"
            "<li><a href=\"#brief\">In short</a></li>"
            "<li><a href=\"#data\">1 Data</a></li>"
            "<li><a href=\"#model\">2 Model</a></li>"
            "<li><a href=\"#segments\">3 Segments</a></li>"
            "<li><a href=\"#offboarding\">4 Off-boarding</a></li>"
            "<li><a href=\"#limits\">5 Assumptions and limitations</a></li>"
            "<li><a href=\"#reproduce\">6 Reproduce</a></li></ol></nav>\n"
            "</header>\n<main>\n");
}

static void finish(Page *p)
{
    html(p,
         "</main>\n<footer>\n<p class=\"note\">This file holds personal data of the customers "
         "listed. It needs no network. Its script sorts and filters tables and reads charts out; "
         "without it everything is there to read. Beside it: decisions.csv, offboarding.csv, "
         "decisions.jsonl, features.csv, validation.csv, and the tables behind the sections "
         "(docs/run-folder.md), quality.json, quarantine.csv, metrics.json and "
         "run.json.</p>\n</footer>\n");
    html_close(p);
}

Status report_write(const Run *run, const char *path, Error *err)
{
    Arena own = arena_new(), spare = arena_new(), text = arena_new();
    Page p = {.arena = &own, .spare = spare, .out = buffer_new(&text), .run = run};
    begin(&p);
    section_brief(&p);
    section_data(&p);
    section_model(&p);
    section_segments(&p);
    section_offboarding(&p);
    section_limits(&p);
    section_reproduce(&p);
    finish(&p);
    Status status = file_write(path, buffer_str(&p.out), err);
    arena_free(&text);
    arena_free(&spare);
    arena_free(&own);
    return status;
}
