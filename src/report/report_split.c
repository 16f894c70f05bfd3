/* report_split.c - who was judged with whom, and whether it would have worked then. */
#include "report/report_internal.h"

static void together(Page *p, const Validation *v, const Links *l)
{
    Str folds = number_count(p->arena, v->folds), repeats = number_count(p->arena, v->repeats);
    html(p, "<h3 id=\"split\">Who was judged with whom</h3>\n");
    html_verdict(p, "No customer was judged by a model that had learnt from that customer, or from "
                    "anybody known to be linked to them.");
    html_paragraph(p,
                   "Customers were dealt into %.*s folds, %.*s times, each time with about as many "
                   "risky ones in every fold; folds.csv has the fold of every customer.",
                   STR_ARG(folds), STR_ARG(repeats));
    if (l == NULL || l->groups == 0) {
        html_paragraph(p, "No two labelled customers are known to be one person, share a "
                          "transaction or have one history, so each was dealt alone.");
        return;
    }
    html_paragraph(p,
                   "%zu of them are linked to another, %zu by the person behind them, %zu by a "
                   "transaction or the reference to one and %zu by the same history under two "
                   "ids: %zu groups, the largest of %zu. A group "
                   "lies in one fold, and is drawn as one for every interval: nobody is judged by "
                   "a model that knew somebody linked to them.",
                   l->linked, l->by_person, l->by_transaction, l->by_history, l->groups,
                   l->largest);
}

static void forward(Page *p, const Forward *f)
{
    char text[TIME_TEXT];
    html(p, "<h3 id=\"forward\">Judged forward in time</h3>\n");
    html_verdict(p, f->worse
                        ? "Time makes it worse than cross-validation promises: expect the lower "
                          "figure next month."
                        : "Trained on the past alone, it does not do worse on what came later "
                          "than chance explains.");
    html_paragraph(p,
                   "The chosen procedure was trained again on what was known at earlier "
                   "instants, and judged on customers who had a history by then and no outcome "
                   "yet: could it tell whose came later? Whoever is judged was not learnt from.");
    html_table(p, "Instants, and the outcomes since",
               "Known until|>Risky by then|>Judged|>Risky since|>AUC");
    for (size_t k = 0; k < f->cuts; k++) {
        const ForwardCut *c = &f->cut[k];
        html_row(p);
        html_head(p, time_text(text, c->at_us));
        html_cell_number(p, number_count(p->arena, c->known));
        html_cell_number(p, number_count(p->arena, c->judged));
        html_cell_number(p, number_count(p->arena, c->later));
        html_cell_interval(p, c->auc, 3);
        html_row_end(p);
    }
    html_table_end(p);
    Str there = number_interval(p->arena, f->auc, 3);
    Str here = number_interval(p->arena, f->cross_validated, 3);
    html_paragraph(p,
                   "Together the AUC is %.*s. Cross-validation, which may learn from customers of "
                   "a later time, gives %.*s for the same customers. %s",
                   STR_ARG(there), STR_ARG(here),
                   f->worse ? "Time makes it worse than cross-validation promises: expect the "
                              "lower figure next month."
                            : "The difference can be chance.");
}

void section_split(Page *p)
{
    const Run *run = p->run;
    if (run->validation == NULL)
        return;
    together(p, run->validation, run->links);
    if (run->forward != NULL)
        forward(p, run->forward);
}
