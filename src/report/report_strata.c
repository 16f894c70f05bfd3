/* report_strata.c - for whom the figures hold: every slice side by side, and the one to quote. */
#include "report/report_internal.h"

Quoted headline_quoted(const Run *run)
{
    const Strata *s = run->strata;
    if (s != NULL) {
        const StrataSlice *one = &s->slice[s->headline];
        return (Quoted){one->name, one->metric, one->told, one->says};
    }
    const Validation *v = run->validation;
    const MetricSet *m = &v->candidate[v->chosen].metric[run->headline];
    return (Quoted){run->training->stratum[run->headline], m, true, {0}};
}

bool headline_elsewhere(const Run *run)
{
    return run->strata != NULL && run->strata->headline != run->headline;
}

void html_cell_figure(Page *p, const MetricSet *m, MetricKind kind)
{
    size_t selected = m->confusion.true_positive + m->confusion.false_positive;
    if (m->positives < FIGURE_CLASS_MIN || m->customers - m->positives < FIGURE_CLASS_MIN ||
        (kind == METRIC_PRECISION && selected < SELECTED_MIN))
        html_cell_number(p, S("too few"));
    else if (kind == METRIC_ECE) /* draws add error of their own: the section on calibration says
                                    what it would be if scores were perfect */
        html_cell_number(p, number_fixed(p->arena, m->metric[kind].value, 3));
    else
        html_cell_interval(p, m->metric[kind], 3);
}

static void side_by_side(Page *p, const Strata *s)
{
    static const MetricKind shown[] = {METRIC_AUC, METRIC_PR_AUC,    METRIC_BRIER,
                                       METRIC_ECE, METRIC_PRECISION, METRIC_RECALL};
    Arena *a = p->arena;
    html_table(p, "Every slice side by side, out of fold, with 95 % intervals",
               "Slice|Who|>Labelled|>Suspended|>To be scored|>ROC AUC|>PR AUC|>Brier|>Calibration "
               "error|>Precision|>Recall");
    for (size_t i = 0; i < s->slices; i++) {
        const StrataSlice *one = &s->slice[i];
        html(p, i == s->headline ? "<tr class=\"chosen\"><th scope=\"row\">"
                                 : "<tr><th scope=\"row\">");
        html_text(p, one->name);
        html(p, i == s->headline ? " <span class=\"tag\">quoted</span></th>" : "</th>");
        if (i < p->run->training->strata)
            html_cell_code(p, one->condition);
        else
            html_cell(p, one->condition);
        html_cell_number(p, number_count(a, one->customers));
        html_cell_number(p, number_count(a, one->positives));
        html_cell_number(p, number_count(a, one->scored));
        for (size_t k = 0; k < COUNT_OF(shown); k++)
            html_cell_figure(p, one->metric, shown[k]);
        html_row_end(p);
    }
    html_table_end(p);
    for (size_t i = 0; i < s->slices; i++)
        if (s->slice[i].says.size > 0)
            html_note(p, "%.*s: %.*s", STR_ARG(s->slice[i].name), STR_ARG(s->slice[i].says));
}

static void cells(Page *p, const Strata *s)
{
    Arena *a = p->arena;
    if (s->no_estimate.size > 0) {
        html_paragraph(p, "No reweighted estimate. %.*s", STR_ARG(s->no_estimate));
        return;
    }
    html_paragraph(
        p,
        "REWEIGHTED counts each labelled customer by a weight, so that their mix over the cells "
        "below is that of the %zu customers to be scored. Together they say as much as %.0f "
        "customers of equal weight (Kish), the suspended ones among them as much as %.0f. It "
        "corrects for these cells alone: customers of one cell are taken to be alike in both "
        "files.",
        s->scored, s->effective, s->effective_positives);
    html_table(p, "Cells and weights", "Cell|>Labelled|>Suspended|>To be scored|>Share|>Weight");
    for (size_t c = 0; c < s->cells; c++) {
        const StrataCell *cell = &s->cell[c];
        html_row(p);
        html_head(p, cell->name);
        html_cell_number(p, number_count(a, cell->labelled));
        html_cell_number(p, number_count(a, cell->positives));
        html_cell_number(p, number_count(a, cell->scored));
        html_cell_number(p, number_share(a, (double)cell->scored / (double)s->scored));
        html_cell_number(p, cell->labelled == 0 ? S("none labelled")
                                                : number_fixed(a, cell->weight, 2));
        html_row_end(p);
    }
    html_table_end(p);
}

void section_strata(Page *p)
{
    const Run *run = p->run;
    const Strata *s = run->strata;
    if (s == NULL)
        return;
    const Quoted q = headline_quoted(run);
    Str auc = number_interval(p->arena, q.metric->metric[METRIC_AUC], 3);
    html(p, "<p class=\"lead\">");
    if (q.told)
        html_say(p, "The figure to quote is the AUC on %.*s: %.*s.", STR_ARG(q.name), STR_ARG(auc));
    else
        html_say(p, "There is no figure to quote. %.*s: %.*s", STR_ARG(q.name), STR_ARG(q.says));
    html(p, "</p>\n");
    Str signal = signal_says(p->arena, run);
    if (signal.size > 0)
        html_paragraph(p, "%.*s.", STR_ARG(signal));
    html_paragraph(p, "%.*s", STR_ARG(s->reason));
    html_paragraph(p, "A figure on other customers answers another question than the one this "
                      "model will be asked: easy customers, whom nobody has to judge, lift it.");
    if (s->unseen.size > 0)
        html_paragraph(p, "%.*s", STR_ARG(s->unseen));
    side_by_side(p, s);
    cells(p, s);
}
