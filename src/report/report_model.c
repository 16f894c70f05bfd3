/* report_model.c - part 2: what was tried, why this model, and how far it can be believed. */
#include "report/report_internal.h"

#include <math.h>
#include <stdlib.h>

static const char *const metric_title[METRIC_KINDS] = {"ROC AUC",
                                                       "PR AUC (average precision)",
                                                       "Brier score",
                                                       "Log loss",
                                                       "Calibration error (ECE)",
                                                       "Accuracy",
                                                       "Precision, mean over repeats",
                                                       "Recall",
                                                       "F1"};

static const MetricSet *chosen_metric(const Run *run, size_t stratum)
{
    const Validation *v = run->validation;
    return &v->candidate[v->chosen].metric[stratum];
}

/* "Name|>A|>B" for html_table. */
static const char *columns(Page *p, const char *first, const char *rest, bool reweighted)
{
    const TrainingSet *t = p->run->training;
    Buffer b = buffer_new(p->arena);
    buffer_add(&b, str_from(first));
    for (size_t s = 0; s < t->strata; s++) {
        buffer_add(&b, S("|>"));
        buffer_add(&b, t->stratum[s]);
        buffer_add(&b, str_from(rest));
    }
    if (reweighted) {
        buffer_add(&b, S("|>REWEIGHTED"));
        buffer_add(&b, str_from(rest));
    }
    return str_chars(p->arena, buffer_str(&b));
}

static void tried(Page *p)
{
    const Run *run = p->run;
    const Validation *v = run->validation;
    bool reweighted = run->strata != NULL && run->strata->metric != NULL;
    html(p, "<h3 id=\"tried\">What was tried, and why this one</h3>\n");
    html_verdict(p, "Chosen: %.*s. %.*s", STR_ARG(v->candidate[v->chosen].name),
                 STR_ARG(v->reason));
    html_paragraph(p,
                   "%zu ways of modelling were judged by cross-validation of whole customers: %zu "
                   "folds, repeated %zu times. Settings were tuned and scores calibrated inside "
                   "the training parts; no customer was ever judged by a model that had seen it.",
                   v->candidates, v->folds, v->repeats);
    html_table(p, "Candidates, simplest first",
               columns(p, "Candidate|>Log loss", " AUC", reweighted));
    for (size_t i = 0; i < v->candidates; i++) {
        const Candidate *c = &v->candidate[i];
        html(p, i == v->chosen ? "<tr class=\"chosen\">" : "<tr>");
        html(p, "<th scope=\"row\">");
        html_text(p, c->name);
        html(p, i == v->chosen ? " <span class=\"tag\">chosen</span></th>" : "</th>");
        Str loss = number_fixed(p->arena, c->log_loss, 3);
        Str error = number_fixed(p->arena, c->log_loss_error, 3);
        html_cell_number(p,
                         str_format(p->arena, "%.*s \xC2\xB1 %.*s", STR_ARG(loss), STR_ARG(error)));
        for (size_t s = 0; s < run->training->strata; s++)
            html_cell_figure(p, &c->metric[s], METRIC_AUC);
        if (reweighted)
            html_cell_figure(p, &run->strata->metric[i], METRIC_AUC);
        html_row_end(p);
    }
    html_table_end(p);
    html(p, "<details><summary>The settings of each</summary>\n");
    html_table(p, "Settings of each candidate on all labelled customers", "Candidate|Settings");
    for (size_t i = 0; i < v->candidates; i++) {
        html_row(p);
        html_head(p, v->candidate[i].name);
        html_cell(p, v->candidate[i].says);
        html_row_end(p);
    }
    html_table_end(p);
    html(p, "</details>\n");
    report_choice(p);
}

static void figures(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    bool reweighted = run->strata != NULL && run->strata->metric != NULL;
    html_table(p, "Cross-validated figures with 95 % intervals",
               columns(p, "Metric", "", reweighted));
    for (size_t k = 0; k < METRIC_KINDS; k++) {
        html_row(p);
        html_head(p, str_from(metric_title[k]));
        for (size_t s = 0; s < run->training->strata; s++)
            html_cell_figure(p, chosen_metric(run, s), (MetricKind)k);
        if (reweighted)
            html_cell_figure(p, &run->strata->metric[run->validation->chosen], (MetricKind)k);
        html_row_end(p);
    }
    html_table_end(p);
    const MetricSet *m = chosen_metric(run, run->headline);
    Str threshold = number_fixed(a, m->threshold, 2);
    Str deviation = number_fixed(a, m->repeat_deviation[METRIC_AUC], 3);
    html_note(
        p,
        "Values are means over %zu repeats; intervals say how far other customers of the same "
        "kind could have moved them. "
        "Accuracy, precision, recall and F1 hold at the score %.*s. Between repeats "
        "the headline AUC varies by %.*s (standard deviation), which is the luck of the "
        "folds and not the uncertainty that matters.",
        m->repeats, STR_ARG(threshold), STR_ARG(deviation));
}

/* ---- charts ---- */

static void draw(Chart *c, Page *p, const double *score, bool roc)
{
    const Run *run = p->run;
    const TrainingSet *t = run->training;
    for (int pass = run->headline == 0 ? 1 : 0; pass < 2; pass++) {
        Curve curve;
        size_t s = pass == 0 ? 0 : run->headline;
        curve_make(&curve, p->spare, score, t->label, t->in_stratum[s], t->x->rows);
        chart_line(c, pass == 0 ? "line soft" : "line", roc ? curve.false_share : curve.true_share,
                   roc ? curve.true_share : curve.precision, curve.points);
    }
}

static void operating_points(Page *p, const double *score)
{
    static const double at[] = {0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
    const Run *run = p->run;
    const TrainingSet *t = run->training;
    size_t n = 0;
    double *kept = ARENA_ARRAY(p->arena, double, t->x->rows + 1);
    uint8_t *label = ARENA_ARRAY(p->arena, uint8_t, t->x->rows + 1);
    for (size_t i = 0; i < t->x->rows; i++)
        if (t->in_stratum[run->headline][i]) {
            kept[n] = score[i];
            label[n++] = t->label[i];
        }
    html(p, "<details><summary>The same as a table</summary>\n");
    html_table(p,
               str_chars(p->arena, str_format(p->arena, "What each threshold would flag, %.*s",
                                              STR_ARG(t->stratum[run->headline]))),
               "Threshold|>Flagged|>Suspended among them|>Recall|>False alarms");
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        Confusion c = metric_confusion(kept, label, n, at[i]);
        size_t flagged = c.true_positive + c.false_positive;
        html_row(p);
        html_head(p, number_fixed(p->arena, at[i], 2));
        html_cell_number(p, number_count(p->arena, flagged));
        html_cell_number(p, number_count(p->arena, c.true_positive));
        html_cell_interval(
            p, metric_proportion(c.true_positive, c.true_positive + c.false_negative), 2);
        html_cell_interval(
            p, metric_proportion(c.false_positive, c.false_positive + c.true_negative), 2);
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p,
              "The share of suspended among the flagged, with its exact interval, is in part 3.");
    html(p, "</details>\n");
}

static void curves(Page *p)
{
    const Run *run = p->run;
    const TrainingSet *t = run->training;
    const double *score = store_out_of_fold(p->arena, run);
    const MetricSet *m = chosen_metric(run, run->headline);
    Chart c;
    Str area = number_interval(p->arena, m->metric[METRIC_AUC], 3);
    Str precise = number_interval(p->arena, m->metric[METRIC_PR_AUC], 3);
    Str share =
        number_share(p->arena, m->customers == 0 ? 0 : (double)m->positives / (double)m->customers);
    html(p, "<h3 id=\"curves\">Ranking at every threshold</h3>\n");
    html_verdict(p,
                 "On %.*s a suspended customer scores above another one in %.*s of pairs (AUC; a "
                 "coin: 0.5), and the average precision is %.*s where guessing gives the share of "
                 "suspended, %.*s.",
                 STR_ARG(t->stratum[run->headline]), STR_ARG(area), STR_ARG(precise),
                 STR_ARG(share));
    html_note(p, "Strong line: %.*s%s%.*s. Out-of-fold probabilities averaged over repeats.",
              STR_ARG(t->stratum[run->headline]), run->headline == 0 ? "" : "; thin line: ",
              STR_ARG(run->headline == 0 ? S("") : t->stratum[0]));
    html(p, "<div class=\"charts\">\n");
    Str auc = number_interval(p->arena, m->metric[METRIC_AUC], 3);
    chart_open(&c, p, "roc", "ROC curve",
               str_format(p->arena,
                          "Share of suspended customers found against share of others "
                          "flagged; AUC %.*s.",
                          STR_ARG(auc)),
               "share of others flagged", "share of suspended found");
    chart_axes(&c, 5, 1, 1);
    const double diagonal[2] = {0, 1};
    chart_line(&c, "line chance", diagonal, diagonal, 2);
    draw(&c, p, score, true);
    chart_close(&c);
    double base = m->customers == 0 ? 0 : (double)m->positives / (double)m->customers;
    Str average = number_interval(p->arena, m->metric[METRIC_PR_AUC], 3);
    chart_open(&c, p, "pr", "Precision and recall",
               str_format(p->arena,
                          "Share of flagged customers that were suspended against share "
                          "of suspended customers found; average precision %.*s. The "
                          "dotted line is chance.",
                          STR_ARG(average)),
               "recall: share of suspended found", "precision");
    chart_axes(&c, 5, 1, 1);
    const double chance[2] = {base, base};
    chart_line(&c, "line chance", diagonal, chance, 2);
    draw(&c, p, score, false);
    chart_close(&c);
    html(p, "</div>\n");
    operating_points(p, score);
}

/* ---- importance ---- */

typedef struct Weight {
    uint32_t feature;
    double size;
} Weight;

static int heavier(const void *left, const void *right)
{
    const Weight *a = left, *b = right;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return (a->feature > b->feature) - (a->feature < b->feature);
}

enum { IMPORTANT = 15 };

static size_t weigh(Weight *out, Page *p)
{
    size_t used = 0;
    for (size_t f = 0; f < p->run->plan->features; f++)
        if (p->run->moves[f] >= 0)
            out[used++] = (Weight){(uint32_t)f, p->run->moves[f]};
    qsort(out, used, sizeof *out, heavier);
    return used;
}

static void importance(Page *p)
{
    static const char *const direction[] = {"either", "more", "less"};
    const Run *run = p->run;
    Weight *weight = ARENA_ARRAY(p->arena, Weight, run->plan->features + 1);
    if (run->scored->count == 0)
        return;
    size_t used = weigh(weight, p);
    html(p, "<h3 id=\"importance\">What moves the score</h3>\n");
    html_paragraph(p,
                   "By how much each feature moves the calibrated log-odds, on average over "
                   "%s%zu customers scored, up or down. It says what the model uses, not what "
                   "causes risk.",
                   run->moved < run->scored->count ? "an even sample of " : "the ", run->moved);
    html_table(p, "Mean absolute contribution",
               "Feature|Meaning|Risk may rise with|>Log-odds|Compared");
    for (size_t i = 0; i < used && i < IMPORTANT && weight[i].size > 0; i++) {
        const Feature *f = &run->plan->feature[weight[i].feature];
        html_row(p);
        html(p, "<th scope=\"row\"><code>");
        html_text(p, f->name.text);
        html(p, "</code></th>");
        html_cell(p, f->says.text);
        html_cell(p, str_from(direction[f->risk]));
        html_cell_number(p, number_fixed(p->arena, weight[i].size, 3));
        Str share = number_fixed(p->arena, 80 * weight[i].size / weight[0].size, 1);
        buffer_format(&p->out,
                      "<td class=\"bar\"><svg viewBox=\"0 0 80 8\" aria-hidden=\"true\"><rect "
                      "class=\"fill\" width=\"%.*s\" height=\"8\"/></svg></td>",
                      STR_ARG(share));
        html_row_end(p);
    }
    html_table_end(p);
    if (used > IMPORTANT)
        html_note(p,
                  "The first %d of %zu features; decisions.jsonl has every contribution of every "
                  "customer.",
                  IMPORTANT, used);
}

/* Names of slices stand in every table: who they are. */
static void slices(Page *p)
{
    const Run *run = p->run;
    html(p, "<p class=\"note\">Figures are told for slices of the labelled customers");
    for (size_t s = 0; s < run->training->strata; s++) {
        html(p, s == 0 ? ": <b>" : "; <b>");
        html_text(p, run->training->stratum[s]);
        html(p, "</b> ");
        Str who = run->strata != NULL ? run->strata->slice[s].condition : S("");
        if (str_equal(who, S("true"))) {
            html(p, "everybody");
        } else if (who.size > 0) {
            html(p, "<code>");
            html_text(p, who);
            html(p, "</code>");
        }
    }
    if (run->strata != NULL && run->strata->metric != NULL)
        html(p, "; <b>REWEIGHTED</b> everybody, weighed to the mix of the customers to be scored");
    html(p, ". An interval beside a figure holds at 95 %.</p>\n");
}

/* The chapter is long: its own contents. */
static void chapter(Page *p)
{
    const Run *run = p->run;
    const struct {
        const char *link;
        bool there;
    } part[] = {{"<a href=\"#tried\">Why this model</a>", true},
                {"<a href=\"#figures\">Figures</a>", true},
                {"<a href=\"#curves\">ROC, precision, gains</a>", true},
                {"<a href=\"#confusion\">Right and wrong</a>", true},
                {"<a href=\"#calibration\">Calibration</a>", run->calibration != NULL},
                {"<a href=\"#leaks\">Leakage audit</a>", run->audit != NULL},
                {"<a href=\"#importance\">What the model lives on</a>", run->importance != NULL},
                {"<a href=\"#screening\">Single features</a>", run->screening != NULL},
                {"<a href=\"#fairness\">Groups on protected grounds</a>", run->fairness != NULL}};
    html(p, "<nav aria-label=\"The model, in parts\"><ol>");
    for (size_t i = 0; i < COUNT_OF(part); i++) {
        if (!part[i].there)
            continue;
        html(p, "<li>");
        html(p, part[i].link);
        html(p, "</li>");
    }
    html(p, "</ol></nav>\n");
}

void section_model(Page *p)
{
    html(p,
         "<section id=\"model\" aria-labelledby=\"model-h\">\n<h2 id=\"model-h\">2 Model</h2>\n");
    if (p->run->validation != NULL) {
        chapter(p);
        slices(p);
    }
    if (p->run->validation == NULL && p->run->training != NULL && p->run->judged == NULL) {
        html_paragraph(p, "No model was made: there are too few labelled customers of one kind to "
                          "learn from. Everyone has the same probability, which says nothing; what "
                          "was decided rests on rules alone.");
    } else if (p->run->validation == NULL) {
        Str id = str_from(p->run->bundle->id);
        html_paragraph(p,
                       "Nothing was learnt in this run: a saved bundle was used (%.*s). Its own "
                       "report tells how it was judged.",
                       STR_ARG(id));
    } else {
        tried(p);
        html(p, "<h3 id=\"figures\">Figures, out of fold</h3>\n");
        section_strata(p);
        figures(p);
        curves(p);
        section_gain(p);
        section_confusion(p);
        section_calibration(p);
    }
    section_split(p);
    section_audit(p);
    if (p->run->importance != NULL)
        section_importance(p);
    else
        importance(p);
    if (p->run->screening != NULL)
        section_screening(p);
    section_fairness(p);
    html(p, "</section>\n");
}
