/* report_audit.c - what the model should not know, and how it was made sure. */
#include "report/report_internal.h"

enum { PROBES_SHOWN = 12 };

static void verdict(Page *p, bool passed, Str sentence)
{
    html(p, passed ? "<p class=\"verdict\"><strong>Passed.</strong> "
                   : "<p class=\"verdict bad\"><strong>Failed.</strong> ");
    html_text(p, sentence);
    html(p, "</p>\n");
}

const char *control_verdict(const Control *c)
{
    return !c->passed                 ? "FAILED"
           : control_judges_little(c) ? "passed, but judges little"
                                      : "passed";
}

Str control_sees(Arena *a, const Control *c)
{
    Str high = number_fixed(a, c->high, 3);
    Str sees = c->high < 1 ? str_format(a,
                                        "A leak that lifts the AUC of shuffled labels to %.*s or "
                                        "more would be seen more often than not.",
                                        STR_ARG(high))
                           : S("Limits this wide show no leak at all.");
    return str_format(
        a,
        "%.*s%s Not done again on shuffled labels: the choice among candidates, what "
        "the audit keeps from the model, and the cut of histories at outcome dates.",
        STR_ARG(sees),
        control_judges_little(c)
            ? " With limits this wide (few customers of the rarer class, or few shuffles) "
              "the control judges little."
            : "");
}

static void control(Page *p, const Control *c)
{
    Arena *a = p->arena;
    Str mean = number_fixed(a, c->mean, 3), low = number_fixed(a, c->low, 3);
    Str high = number_fixed(a, c->high, 3);
    html(p, "<h3 id=\"control\">Negative control</h3>\n");
    verdict(p, c->passed,
            str_format(a,
                       "On labels shuffled over customers, %zu times, search and fit of %.*s reach "
                       "a mean AUC of %.*s; clean data stays between %.*s and %.*s.",
                       c->shuffles, STR_ARG(c->candidate), STR_ARG(mean), STR_ARG(low),
                       STR_ARG(high)));
    html_paragraph(p, "%.*s", STR_ARG(control_sees(a, c)));
    if (!c->passed)
        html_paragraph(p, "Something gives labels away. No figure of this report should be quoted "
                          "before the leak is found.");
}

static void silence(Page *p, const Silence *s)
{
    Arena *a = p->arena;
    char text[TIME_TEXT];
    Str age = duration_text(text, s->age_us), mean = number_fixed(a, s->mean_change, 3);
    Str most = number_fixed(a, s->max_change, 3), limit = number_fixed(a, s->limit, 3);
    Str order = number_fixed(a, s->rank_correlation, 3);
    Str least = number_fixed(a, s->correlation_least, 2);
    html(p, "<h3 id=\"silence\">Silence test</h3>\n");
    if (!s->tested) {
        html_paragraph(p,
                       "Not possible: only %zu customers are older than %.*s. Nothing is known of "
                       "what the model makes of silence. %s",
                       s->customers, STR_ARG(age),
                       s->passed ? ""
                                 : "Its windows are longer than many customers were observed, so "
                                   "it can see who joined early: do not use these results.");
        return;
    }
    verdict(p, s->passed,
            str_format(a,
                       "With every history cut at the age of %.*s, the probabilities of %zu "
                       "customers move by %.*s on average (limit %.*s), at most by %.*s; rank "
                       "correlation %.*s (at least %.*s).",
                       STR_ARG(age), s->customers, STR_ARG(mean), STR_ARG(limit), STR_ARG(most),
                       STR_ARG(order), STR_ARG(least)));
    html_note(p,
              "Suspended accounts fall silent. A model that had learnt from silence would change "
              "its mind when the silence is cut away.");
}

static void probe_row(Page *p, const Probe *probe)
{
    Arena *a = p->arena;
    html(p, probe->severity == SEVERITY_SEVERE ? "<tr class=\"severe\">" : "<tr>");
    html(p, "<th scope=\"row\"><code>");
    html_text(p, probe->name);
    html(p, "</code></th>");
    html_cell(p, probe->use);
    html_cell_alone(p, &probe->auc);
    html_cell(p, probe->higher_is_risky ? S("more") : S("less"));
    html_cell_number(p, number_share(a, probe->missing_labelled));
    html_cell_number(p, number_share(a, probe->missing_scored));
    html_cell_number(p, number_fixed(a, probe->cohort_auc, 3));
    Str psi = number_fixed(a, probe->stability.psi, 2);
    bool tested = !is_missing(probe->psi_limit);
    Str limit = tested ? number_fixed(a, probe->psi_limit, 2) : S("not above chance");
    html(p, "<td class=\"n\">");
    html_text(p, psi);
    if (!is_missing(probe->stability.psi)) {
        html(p, " <span class=\"ci\">");
        html_text(p, limit);
        html(p, "</span>");
    }
    html(p, "</td>");
    html_cell(p, severity_name(probe->severity));
    html_row_end(p);
}

static void probe_table(Page *p, const char *caption, size_t from, size_t to)
{
    html_table(p, caption,
               "Column|Used by|>AUC alone|Riskier|>Missing, labelled|>Missing, to be scored|"
               ">Cohort AUC|>PSI (most by chance)|Severity");
    for (size_t i = from; i < to; i++)
        probe_row(p, &p->run->audit->probe[i]);
    html_table_end(p);
}

static void probes(Page *p, const Audit *a)
{
    size_t shown = a->probes < PROBES_SHOWN ? a->probes : PROBES_SHOWN;
    size_t severe = 0, left = count_overruled(a);
    for (size_t i = 0; i < a->probes; i++)
        severe += a->probe[i].severity == SEVERITY_SEVERE;
    html(p, "<h3 id=\"leaks\">Leakage audit</h3>\n");
    html_verdict(p,
                 "Of %zu columns tried alone %zu tell more than they should; %zu features of the "
                 "model knew too much: %zu were kept out of it, %zu left in by the features book.",
                 a->probes, severe, a->kept_outs, a->kept_outs - left, left);
    html_paragraph(p,
                   "Every column was tried alone, missing values included, against the label and "
                   "against the cohort. A column that separates the labels too well, or the two "
                   "cohorts at all, may know what it should not. What is used by monitor or audit "
                   "only is watched and never enters the model. Policy features over windows that "
                   "end at the extract measure behaviour, yet a suspension cuts them short.");
    probe_table(p, "Columns that tell most, worst first", 0, shown);
    if (a->probes > shown) {
        html(p, "<details><summary>");
        html_text(p,
                  number_plural(p->arena, a->probes - shown, "further column", "further columns"));
        html(p, "</summary>\n");
        probe_table(p, "Further columns", shown, a->probes);
        html(p, "</details>\n");
    }
    html_note(p,
              "AUC alone: 0.5 tells nothing, 1 everything, in either direction. Cohort AUC: how "
              "well the column tells labelled customers from those to be scored. PSI: population "
              "stability index between the two, beside what chance stays below in 999 of 1,000 "
              "partitions of these customers.");
}

void section_audit(Page *p)
{
    const Audit *audit = p->run->audit;
    if (audit != NULL) {
        probes(p, audit);
        section_columns(p, audit);
        if (audit->ablation != NULL)
            section_ablation(p, audit->ablation);
        if (audit->control.shuffles > 0)
            control(p, &audit->control);
    }
    if (p->run->silence != NULL)
        silence(p, p->run->silence);
}
