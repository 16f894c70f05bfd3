/* report_choice.c - whether the chosen model can be told from the others, what choosing itself is
 * worth, and how settings were searched for. */
#include "report/report_internal.h"

#include <math.h>

static const char *const measure[CRITERIA] = {"log loss", "Brier score", "AUC",
                                              "average precision"};

static Str told(const Comparison *c)
{
    return c->verdict == VERDICT_BETTER  ? S("better")
           : c->verdict == VERDICT_WORSE ? S("worse")
                                         : S("cannot be told apart");
}

static void cell_difference(Page *p, const Comparison *c)
{
    Str value = is_missing(c->difference.value)
                    ? S("not defined")
                    : str_format(p->arena, "%+.4f", c->difference.value);
    if (isfinite(c->difference.low))
        value = str_format(p->arena, "%.*s [%+.4f, %+.4f]", STR_ARG(value), c->difference.low,
                           c->difference.high);
    html_cell_number(p, value);
}

static void compared(Page *p)
{
    const Validation *v = p->run->validation;
    Criterion by = v->criterion, beside = by == CRITERION_AUC ? CRITERION_LOG_LOSS : CRITERION_AUC;
    html_table(p, "Each candidate less the chosen one, with 95 % intervals",
               str_chars(p->arena, str_format(p->arena,
                                              "Candidate|>Difference in %s|By that|>Difference in "
                                              "%s|By that",
                                              measure[by], measure[beside])));
    for (size_t i = 0; i < v->candidates; i++) {
        const Candidate *c = &v->candidate[i];
        if (i == v->chosen)
            continue;
        html_row(p);
        html_head(p, c->name);
        cell_difference(p, &c->against_chosen[by]);
        html_cell(p, told(&c->against_chosen[by]));
        cell_difference(p, &c->against_chosen[beside]);
        html_cell(p, told(&c->against_chosen[beside]));
        html_row_end(p);
    }
    html_table_end(p);
    html_note(
        p, "The same customers are drawn again 1,000 times for both (linked customers "
           "together), and the difference is taken in each draw. An interval with 0 in it: the two "
           "cannot be told apart on these customers. Each interval stands for itself, at 95 %%, "
           "with no correction for how many candidates are compared: among several, one may look "
           "better or worse by chance. All labelled customers count, those without a transaction "
           "too. A lower log loss or Brier score is better, and a higher AUC or average "
           "precision.");
}

static void nested(Page *p)
{
    const Run *run = p->run;
    const Validation *v = run->validation;
    Arena *a = p->arena;
    Buffer often = buffer_new(a);
    for (size_t k = 0, named = 0; k < v->candidates; k++)
        if (v->nested.times[k] > 0)
            buffer_format(&often, "%s%.*s %zu", named++ == 0 ? "" : ", ",
                          STR_ARG(v->candidate[k].name), v->nested.times[k]);
    Str own =
        number_interval(a, v->candidate[v->chosen].metric[run->headline].metric[METRIC_AUC], 3);
    Str whole = number_interval(a, v->nested.metric[run->headline].metric[METRIC_AUC], 3);
    Str loss = number_fixed(a, v->nested.log_loss, 4);
    Str chosen = number_fixed(a, v->candidate[v->chosen].log_loss, 4);
    html_paragraph(
        p,
        "The chosen candidate's own figures are those it was chosen by, which flatters "
        "it a little. So the choice was judged as well, with search and fit: inside "
        "each of the %zu training parts a candidate was chosen anew by the same rule "
        "(times chosen: %.*s), and the fold outside was judged by it. Its AUC on %.*s is "
        "%.*s, against %.*s of the chosen candidate; its log loss %.*s against %.*s.",
        v->repeats * v->folds, STR_ARG(buffer_str(&often)),
        STR_ARG(run->training->stratum[run->headline]), STR_ARG(whole), STR_ARG(own), STR_ARG(loss),
        STR_ARG(chosen));
}

static void searched(Page *p)
{
    const SearchBudget *b = &p->run->validation->budget;
    html_note(
        p,
        "%zu candidates have settings to search for; each was searched in every one of %zu "
        "training parts (one of them all customers). %zu settings were tried each time, the "
        "default one first and the others drawn at random, "
        "judged in %zu rungs on more and more inner folds, the better half going on. The default "
        "stays unless another is better by more than two standard errors. %s fits were planned "
        "and %s made; every trial is in trials.csv.",
        b->searched, b->parts, b->trials, b->rungs,
        str_chars(p->arena, number_count(p->arena, b->fits)),
        str_chars(p->arena, number_count(p->arena, b->made)));
}

void report_choice(Page *p)
{
    compared(p);
    nested(p);
    searched(p);
}
