/* report_thresholds.c - what each threshold selects and costs, whether analysts can keep up, and
 * what the labels prove. */
#include "report/report_internal.h"

#include <math.h>
#include <string.h>

static Str fixed(Page *p, double value, int digits)
{
    return number_fixed(p->arena, value, digits);
}

static bool has_mark(const ThresholdStratum *s, int mark)
{
    if (mark <= MARK_OFFBOARDING)
        return true;
    return mark < THRESHOLD_MARKS && s->mark[mark].cut.customers > 0;
}

/* ---- costs ---- */

/* What it costs on a good customer and saves on a risky one, both beside doing nothing. */
static void cost_line(Page *p, const char *action, const CostMatrix *c, CostAction a, double from)
{
    html_row(p);
    html_head(p, str_from(action));
    html_cell_number(p, fixed(p, c->good[a] - c->good[COST_NOTHING], 2));
    html_cell_number(p, fixed(p, c->risky[COST_NOTHING] - c->risky[a], 2));
    html_cell_number(p, fixed(p, from, 3));
    html_row_end(p);
}

static void cost_matrix(Page *p)
{
    const ThresholdReview *t = p->run->thresholds;
    const Thresholds cut = policy_thresholds(p->run->policy);
    html_paragraph(p,
                   "The four costs of the policy book say what every action costs on either kind "
                   "of customer. The unit is one risky customer whom nobody looks at. Each action "
                   "is set beside doing nothing, and taken to find all the risk that is there.");
    html_table(p, "Each action beside doing nothing",
               "Action|>Costs on a good customer|>Saves on a risky one|>Pays from probability");
    cost_line(p, "watch more closely", &t->costs, COST_MONITOR, cut.medium);
    cost_line(p, "review", &t->costs, COST_REVIEW, cut.high);
    cost_line(p, "exit", &t->costs, COST_EXIT, cut.offboarding);
    html_table_end(p);
    html_note(p, "The lines cannot be set against each other: watching is cheaper and finds less "
                 "than a review, and the book does not say how much less. That High customers are "
                 "reviewed and Medium ones watched is the policy\xE2\x80\x99s decision, not a "
                 "result of these costs.");
}

/* ---- what thresholds select ---- */

static Str mark_says(Page *p, int mark)
{
    const ThresholdReview *t = p->run->thresholds;
    switch ((ThresholdMark)mark) {
    case MARK_MEDIUM:
        return S("Medium, from the costs");
    case MARK_HIGH:
        return S("High, from the costs");
    case MARK_OFFBOARDING:
        return S("off-boarding by score, from the costs");
    case MARK_CAPACITY:
        return str_format(p->arena, "%zu reviews of the customers scored", t->capacity.reviews);
    case MARK_CAPACITY_WORKED:
        return S("the same with a fifth of the time kept free");
    case MARK_TOP:
        return str_format(p->arena, "the %zu labelled customers of highest score",
                          t->capacity.reviews);
    case THRESHOLD_MARKS:
        break;
    }
    return S("");
}

/* Of fewer than five an interval says nothing but that they are few. */
static void cell_precision(Page *p, const MetricCut *cut, Interval precision)
{
    if (cut->selected < SELECTED_MIN)
        html_cell_number(p, cut->selected == 0 ? S("nobody") : S("too few"));
    else
        html_cell_interval(p, precision, 2);
}

/* A table's title, with the slice that it is about. */
static const char *titled(Page *p, const char *title)
{
    Str slice = p->run->training->stratum[p->run->headline];
    return str_chars(p->arena, str_format(p->arena, "%s, %.*s", title, STR_ARG(slice)));
}

static void threshold_cells(Page *p, const ThresholdRow *row)
{
    html_cell_number(p, number_count(p->arena, row->cut.selected));
    html_cell_number(p, number_count(p->arena, row->cut.hits));
    cell_precision(p, &row->cut, row->cut.precision);
    html_cell_interval(p, row->cut.recall, 2);
    html_cell_interval(p, row->cost, 3);
    html_cell_interval(p, row->net_benefit, 3);
    if (p->run->thresholds->scored > 0)
        html_cell_number(p, number_count(p->arena, row->reviews));
}

static const char *columns_of(const Page *p, const char *with, const char *without)
{
    return p->run->thresholds->scored > 0 ? with : without;
}

static void at_marks(Page *p, const ThresholdStratum *s, Str name)
{
    html_table(
        p,
        str_chars(p->arena,
                  str_format(p->arena,
                             "At the thresholds, out of fold, %.*s (%zu customers, %zu "
                             "suspended)",
                             STR_ARG(name), s->mark[0].cut.customers, s->mark[0].cut.positives)),
        columns_of(p,
                   "Threshold|>Probability|>Reviewed|>Suspended|>Precision|>Recall|>Cost a "
                   "customer|>Net benefit|>Reviews now",
                   "Threshold|>Probability|>Reviewed|>Suspended|>Precision|>Recall|>Cost a "
                   "customer|>Net benefit"));
    for (int m = 0; m < THRESHOLD_MARKS; m++) {
        if (!has_mark(s, m))
            continue;
        html_row(p);
        html_head(p, mark_says(p, m));
        html_cell_number(p, isfinite(s->mark[m].cut.threshold)
                                ? fixed(p, s->mark[m].cut.threshold, 3)
                                : S("none: all tie"));
        threshold_cells(p, &s->mark[m]);
        html_row_end(p);
    }
    html_table_end(p);
    Str segments = number_interval(p->arena, s->cost_segments, 3);
    Str blind = number_interval(p->arena, s->cost_segments_blind, 3);
    Str nobody = fixed(p, s->cost_nobody, 3), everybody = fixed(p, s->cost_everybody, 3);
    html_note(p,
              "Precision and recall: exact (Clopper\xE2\x80\x93Pearson) 95 %% intervals. Customers "
              "of equal score are taken together or left out together. Cost a customer: those at "
              "or above the threshold are reviewed, others left alone; reviewing nobody costs "
              "%.*s, everybody %.*s, and the segments as they are (High reviewed, Medium watched) "
              "%.*s if watching finds all the risk that is there and %.*s if it finds none. "
              "Reviews now: customers scored in this run who reach the threshold.",
              STR_ARG(nobody), STR_ARG(everybody), STR_ARG(segments), STR_ARG(blind));
    if (p->run->thresholds->linked > 0)
        html_note(
            p,
            "%zu of the labelled customers are linked to another one. The exact intervals and "
            "the certificate below take customers for independent: for linked ones they are "
            "narrower than they should be.",
            p->run->thresholds->linked);
    if (s->mark[MARK_TOP].cut.tied > 0)
        html_note(p, "%zu customers tie at the cut of the highest scores and are all left out.",
                  s->mark[MARK_TOP].cut.tied);
}

/* ---- capacity ---- */

static void capacity(Page *p, const ThresholdStratum *s)
{
    const ThresholdReview *t = p->run->thresholds;
    if (t->capacity.reviews == 0) {
        html_paragraph(p, "The policy book does not say how much analysts can review; write "
                          "`capacity: {reviews: 20}` to see whether they can keep up.");
        return;
    }
    if (t->scored == 0)
        return;
    size_t by_score = s->mark[MARK_HIGH].reviews;
    Str fits = fixed(p, s->mark[MARK_CAPACITY].cut.threshold, 3);
    Str worked = fixed(p, s->mark[MARK_CAPACITY_WORKED].cut.threshold, 3);
    Str per = t->capacity.per.size > 0 ? str_format(p->arena, " a %.*s", STR_ARG(t->capacity.per))
                                       : S("");
    html_paragraph(p,
                   "Analysts can do %zu reviews%.*s. The policy proposes due diligence or more for "
                   "%zu of the %zu customers scored. %zu reach the High threshold; for %zu it is "
                   "proposed below it, by rules.",
                   t->capacity.reviews, STR_ARG(per), t->reviews_expected, t->scored, by_score,
                   t->reviews_by_rules);
    if (by_score <= t->capacity.reviews && t->reviews_expected <= t->capacity.reviews)
        html_paragraph(p, "That is within what they can do.");
    else
        html_paragraph(p,
                       "That is more than they can do. By score alone, a High threshold of %.*s "
                       "would fit, and one of %.*s would also keep a fifth of their time free, "
                       "without which a queue only grows; reviews proposed by rules come on top. "
                       "No threshold was moved: that is the risk owner's to decide, by more "
                       "analysts, by another cost of a review, or by other rules.",
                       STR_ARG(fits), STR_ARG(worked));
}

/* ---- charts ---- */

typedef double Value(const ThresholdRow *row);

static double precision_of(const ThresholdRow *row)
{
    return row->cut.precision.value;
}
static double recall_of(const ThresholdRow *row)
{
    return row->cut.recall.value;
}
static double benefit_of(const ThresholdRow *row)
{
    return row->net_benefit.value;
}
static double benefit_of_all(const ThresholdRow *row)
{
    return row->net_benefit_all.value;
}
static double reviews_of(const ThresholdRow *row)
{
    return (double)row->reviews;
}

/* The part of the curve that is defined and lies in the plot. */
static void draw(Chart *c, const char *style, const ThresholdStratum *s, Value *value)
{
    double *x = ARENA_ARRAY(c->page->arena, double, s->grid_rows + 1);
    double *y = ARENA_ARRAY(c->page->arena, double, s->grid_rows + 1);
    size_t n = 0;
    for (size_t i = 0; i < s->grid_rows; i++) {
        double v = value(&s->grid[i]);
        if (!isfinite(v) || v < c->y_low || v > c->y_high)
            continue;
        x[n] = s->grid[i].cut.threshold;
        y[n++] = v;
    }
    if (n > 1)
        chart_line(c, style, x, y, n);
}

static void marks_of_costs(Chart *c, const ThresholdStratum *s)
{
    chart_mark(c, s->mark[MARK_MEDIUM].cut.threshold, S("Medium"));
    chart_mark(c, s->mark[MARK_HIGH].cut.threshold, S("High"));
    chart_mark(c, s->mark[MARK_OFFBOARDING].cut.threshold, S("Exit"));
}

static void level_line(Chart *c, const char *style, double y)
{
    const double x[2] = {c->x_low, c->x_high}, both[2] = {y, y};
    chart_line(c, style, x, both, 2);
}

static void precision_chart(Page *p, const ThresholdStratum *s)
{
    Chart c;
    chart_open(&c, p, "precision-at", "Precision and recall by threshold",
               S("Strong line: precision, with exact 95 % intervals at every tenth; thin line: "
                 "recall. The counts are in the table below."),
               "threshold on the probability", "share");
    chart_axes(&c, 5, 1, 1);
    marks_of_costs(&c, s);
    draw(&c, "line soft", s, recall_of);
    draw(&c, "line", s, precision_of);
    for (size_t i = 9; i < s->grid_rows; i += 10) {
        const Interval q = s->grid[i].cut.precision;
        if (!isfinite(q.value) || s->grid[i].cut.selected < SELECTED_MIN)
            continue;
        chart_upright(&c, s->grid[i].cut.threshold, q.low, q.high);
        chart_point(&c, "dot", s->grid[i].cut.threshold, q.value, 3);
    }
    chart_close(&c);
}

static void decision_curve(Page *p, const ThresholdStratum *s)
{
    static const double heights[] = {0.04, 0.08, 0.2, 0.4, 0.8};
    double most = s->mark[0].cut.customers == 0
                      ? 0
                      : (double)s->mark[0].cut.positives / (double)s->mark[0].cut.customers;
    Chart c;
    chart_open(&c, p, "decision-curve", "Decision curve",
               S("Net benefit a customer if an action that pays from the threshold on is taken: by "
                 "the model (strong), for everybody (thin), for nobody (dotted, at 0)."),
               "threshold at which acting pays", "net benefit");
    c.y_high = 1;
    for (size_t i = COUNT_OF(heights); i-- > 0;)
        if (most <= heights[i])
            c.y_high = heights[i];
    c.y_low = -c.y_high / 4;
    chart_axes(&c, 5, 1, 2);
    marks_of_costs(&c, s);
    level_line(&c, "line chance", 0);
    draw(&c, "line soft", s, benefit_of_all);
    draw(&c, "line", s, benefit_of);
    chart_close(&c);
}

static void capacity_chart(Page *p, const ThresholdStratum *s)
{
    const ThresholdReview *t = p->run->thresholds;
    if (t->scored == 0)
        return;
    Chart c;
    chart_open(&c, p, "capacity", "Reviews by threshold",
               S("Customers scored who reach each threshold; dotted: what analysts can review."),
               "threshold on the probability", "customers to review");
    size_t unit = 5;
    while (unit < t->scored)
        unit *= 2;
    c.y_high = (double)unit;
    chart_axes(&c, 5, 1, 0);
    marks_of_costs(&c, s);
    if (t->capacity.reviews > 0 && t->capacity.reviews <= unit)
        level_line(&c, "line chance", (double)t->capacity.reviews);
    draw(&c, "line", s, reviews_of);
    chart_close(&c);
}

static void grid(Page *p, const ThresholdStratum *s)
{
    html(p, "<details><summary>The same as a table</summary>\n");
    html_table(p, titled(p, "By threshold"),
               columns_of(p,
                          "Threshold|>Reviewed|>Suspended|>Precision|>Recall|>Cost a customer|>Net "
                          "benefit|>Reviews now|>Net benefit, everybody",
                          "Threshold|>Reviewed|>Suspended|>Precision|>Recall|>Cost a customer|>Net "
                          "benefit|>Net benefit, everybody"));
    for (size_t i = 4; i < s->grid_rows; i += 5) {
        html_row(p);
        html_head(p, fixed(p, s->grid[i].cut.threshold, 2));
        threshold_cells(p, &s->grid[i]);
        html_cell_number(p, fixed(p, s->grid[i].net_benefit_all.value, 3));
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p, "thresholds.csv has every hundredth, for every slice.");
    html(p, "</details>\n");
}

/* ---- another mix of customers ---- */

static void prevalence(Page *p, const ThresholdStratum *s)
{
    static const double at[] = {0.02, 0.05, 0.10, 0.17};
    html_paragraph(p, "A precision belongs to a mix of customers. Where risky customers are rarer "
                      "than in the labelled sample, the same threshold is right less often, though "
                      "the model is as good: the table supposes that either kind of customer looks "
                      "as it does here and only their shares differ.");
    html_table(p, titled(p, "Precision if this share of customers were risky"),
               "Threshold|>As labelled|>2 %|>5 %|>10 %|>17 %");
    for (int m = MARK_MEDIUM; m <= MARK_OFFBOARDING; m++) {
        html_row(p);
        html_head(p, mark_says(p, m));
        const MetricCut *cut = &s->mark[m].cut;
        cell_precision(p, cut, cut->precision);
        for (size_t i = 0; i < COUNT_OF(at); i++)
            cell_precision(p, cut, metric_precision_at(cut, at[i]));
        html_row_end(p);
    }
    html_table_end(p);
}

void section_thresholds(Page *p)
{
    const Run *run = p->run;
    if (run->thresholds == NULL)
        return;
    const ThresholdStratum *s = &run->thresholds->stratum[run->headline];
    html(p, "<h3 id=\"thresholds\">What the thresholds select and cost</h3>\n");
    cost_matrix(p);
    at_marks(p, s, run->training->stratum[run->headline]);
    capacity(p, s);
    html(p, "<div class=\"charts\">\n");
    precision_chart(p, s);
    decision_curve(p, s);
    capacity_chart(p, s);
    html(p, "</div>\n");
    grid(p, s);
    prevalence(p, s);
}

/* ---- the guarantee ---- */

static void answer(Page *p, const ThresholdStratum *s, Str name)
{
    const MetricCertificate *c = &s->certificate;
    Str precision = number_share(p->arena, c->precision);
    Str confidence = number_share(p->arena, c->confidence);
    if (c->selected > 0) {
        Str threshold = fixed(p, c->threshold, 3), low = number_share(p->arena, c->low);
        html_paragraph(
            p,
            "Yes, a set of scores is. Of the labelled customers of %.*s, the %zu with an "
            "out-of-fold probability of %.*s or more hold %zu who were not suspended: at "
            "%.*s confidence at least %.*s of such customers are suspended (this set by "
            "itself: at least %.*s).",
            STR_ARG(name), c->selected, STR_ARG(threshold), c->errors, STR_ARG(confidence),
            STR_ARG(precision), STR_ARG(low));
        return;
    }
    if (c->start == 0) {
        html_paragraph(
            p,
            "No. A precision of %.*s at a confidence of %.*s cannot be shown by any number "
            "of customers that anyone has.",
            STR_ARG(precision), STR_ARG(confidence));
        return;
    }
    if (c->first_selected == 0) {
        html_paragraph(
            p,
            "No. A precision of %.*s at a confidence of %.*s needs a set of at least %zu "
            "customers; %.*s has %zu labelled ones in all.",
            STR_ARG(precision), STR_ARG(confidence), c->start, STR_ARG(name), c->customers);
        return;
    }
    Str low = number_share(p->arena, c->first_low);
    html_paragraph(p,
                   "No. Asked is that at least %.*s of the selected are right, at %.*s confidence. "
                   "Of the %zu labelled customers of %.*s with the highest out-of-fold "
                   "probabilities, %zu were not suspended, and that shows only %.*s.",
                   STR_ARG(precision), STR_ARG(confidence), c->first_selected, STR_ARG(name),
                   c->first_errors, STR_ARG(low));
}

static void instead(Page *p, const ThresholdStratum *s)
{
    const MetricCertificate *c = &s->certificate;
    if (c->selected > 0)
        return;
    if (s->levels_reached == 0) {
        html_paragraph(p, "Nothing else can be certified either: not even a precision of 50 %%.");
        return;
    }
    const MetricCertificate *best = &s->level[s->levels_reached - 1];
    Str precision = number_share(p->arena, best->precision);
    Str confidence = number_share(p->arena, best->confidence);
    Str threshold = fixed(p, best->first_threshold, 3);
    html_paragraph(p,
                   "What can be certified instead: a precision of %.*s at %.*s confidence, for the "
                   "%zu customers with a probability of %.*s or more, %zu of whom were not "
                   "suspended. This is a second test on the same labels, made after the first "
                   "failed: the chance of certifying wrongly is at most %.*s in each of the two.",
                   STR_ARG(precision), STR_ARG(confidence), best->first_selected,
                   STR_ARG(threshold), best->first_errors,
                   STR_ARG(number_share(p->arena, 1 - best->confidence)));
}

static void needed(Page *p, const MetricCertificate *c)
{
    if (c->least[0] == 0 || c->least[1] == 0 || c->least[2] == 0)
        return;
    Str precision = number_share(p->arena, c->precision);
    Str confidence = number_share(p->arena, c->confidence);
    html_paragraph(p,
                   "What would be needed: cases decided by people on their own evidence, not used "
                   "in learning, taken in the order of the list, with the threshold fixed "
                   "beforehand. That at least %.*s of a list are right is shown at %.*s confidence "
                   "by %zu such cases without an error, by %zu with one, or by %zu with two (exact "
                   "binomial).",
                   STR_ARG(precision), STR_ARG(confidence), c->least[0], c->least[1], c->least[2]);
}

static void certificate_row(Page *p, Str what, const MetricCertificate *c, Str repeats)
{
    html_row(p);
    html_head(p, what);
    html_cell_number(p, number_count(p->arena, c->customers));
    html_cell(p, c->selected > 0 ? S("yes") : S("no"));
    const bool any = c->selected > 0;
    size_t selected = any ? c->selected : c->first_selected;
    size_t errors = any ? c->errors : c->first_errors;
    double threshold = any ? c->threshold : c->first_threshold, low = any ? c->low : c->first_low;
    html_cell_number(p, selected == 0 ? S("too few") : fixed(p, threshold, 3));
    html_cell_number(p, selected == 0 ? S("") : number_count(p->arena, selected));
    html_cell_number(p, selected == 0 ? S("") : number_count(p->arena, errors));
    html_cell_number(p, selected == 0 ? S("") : fixed(p, low, 2));
    if (repeats.size > 0)
        html_cell_number(p, repeats);
    html_row_end(p);
}

static void by_stratum(Page *p)
{
    const Run *run = p->run;
    const ThresholdReview *t = run->thresholds;
    html_table(p, "Is a set certified as asked?",
               "Slice|>Labelled|Certified|>Probability from|>Selected|>Errors|>At least|>Certified "
               "in repeats");
    for (size_t k = 0; k < t->strata; k++) {
        const ThresholdStratum *s = &t->stratum[k];
        certificate_row(p, run->training->stratum[k], &s->certificate,
                        str_format(p->arena, "%zu of %zu", s->repeats_certified, t->repeats));
    }
    html_table_end(p);
    html_note(p, "Where nothing is certified the strictest set is shown. At least: the one-sided "
                 "exact bound of that set by itself. Certified in repeats: the same test on each "
                 "repeat's own probabilities, a measure of luck in the folds.");
}

/* The walk that instead() quotes: strictest sets, upwards until one fails. */
static void other_levels(Page *p, const ThresholdStratum *s)
{
    html(p, "<details><summary>Other precisions</summary>\n");
    html_table(p, titled(p, "Other precisions, each by its strictest set, upwards until one fails"),
               "Precision|>Labelled|Certified|>Probability from|>Selected|>Errors|>At least");
    for (size_t k = 0; k < CERTIFY_LEVELS; k++) {
        const MetricCertificate *c = &s->level[k];
        bool held = k<s->levels_reached, tried = c->first_selected> 0;
        html_row(p);
        html_head(p, fixed(p, c->precision, 2));
        html_cell_number(p, number_count(p->arena, c->customers));
        html_cell(p, held ? S("yes") : k > s->levels_reached ? S("not tested") : S("no"));
        html_cell_number(p, tried ? fixed(p, c->first_threshold, 3) : S("too few"));
        html_cell_number(p, tried ? number_count(p->arena, c->first_selected) : S(""));
        html_cell_number(p, tried ? number_count(p->arena, c->first_errors) : S(""));
        html_cell_number(p, tried ? fixed(p, c->first_low, 2) : S(""));
        html_row_end(p);
    }
    html_table_end(p);
    Str wrong = number_share(p->arena, 1 - s->level[0].confidence);
    html_note(p,
              "The strictest set of a precision is the smallest at which no error is proof. They "
              "are tested from the lowest precision upwards; the first that fails ends it, and the "
              "last that held is what can be certified instead. The test as asked and this walk "
              "are two tests on the same labels, each wrong with a chance of at most %.*s.",
              STR_ARG(wrong));
    html(p, "</details>\n");
}

void section_certified(Page *p)
{
    const Run *run = p->run;
    const ThresholdReview *t = run->thresholds;
    html(p, "<h3 id=\"certified\">Is the list statistically certified?</h3>\n");
    if (t == NULL) {
        html_paragraph(p, "No. Nothing was learnt in this run, so nothing was tested, and each "
                          "candidate says so.");
        return;
    }
    const ThresholdStratum *s = &t->stratum[run->headline];
    answer(p, s, run->training->stratum[run->headline]);
    if (headline_elsewhere(run)) {
        const Quoted q = headline_quoted(run);
        Str slice = run->training->stratum[run->headline];
        html_paragraph(p,
                       "The figure to quote is that of %.*s; what is tested here is for the mix of "
                       "labelled customers in %.*s, and nobody is marked as certified on the "
                       "strength of it.",
                       STR_ARG(q.name), STR_ARG(slice));
    }
    instead(p, s);
    needed(p, &s->certificate);
    html_paragraph(p,
                   "What such a guarantee is worth. It is about scores, not about the list: "
                   "rules and safeguards choose among them. It holds for customers like the "
                   "labelled ones, with as large a share of risky ones; labels are past "
                   "decisions, not the truth. And it is approximate: the probabilities come from "
                   "models that learnt from the other labelled customers, and the kind of model "
                   "was chosen on the same labels. Confirm it on reviewed cases.");
    by_stratum(p);
    other_levels(p, s);
}
