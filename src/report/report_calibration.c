/* report_calibration.c - do the probabilities mean what they say, and what would they mean where
 * suspensions are rarer? */
#include "report/report_internal.h"

#include <math.h>

static void reliability(Page *p)
{
    const Run *run = p->run;
    Reliability *bin;
    size_t bins = store_reliability(&bin, p->arena, p->spare, run, run->headline), off = 0;
    Chart c;
    for (size_t i = 0; i < bins; i++)
        off += bin[i].mean < bin[i].share.low || bin[i].mean > bin[i].share.high;
    Str name = run->training->stratum[run->headline];
    html_paragraph(p,
                   "Customers of %.*s are put in groups of neighbouring probability; each group's "
                   "mean is compared with the share that was suspended. In %zu of %zu groups the "
                   "mean lies inside the 95 %% interval of the share. Each interval stands by "
                   "itself: with a perfect model, too, one group in twenty would miss it.",
                   STR_ARG(name), bins - off, bins);
    html(p, "<div class=\"charts\">\n");
    chart_open(&c, p, "reliability", "Reliability",
               str_format(p->arena,
                          "Observed share against mean probability in %zu groups; the "
                          "diagonal is perfect calibration.",
                          bins),
               "mean probability", "share suspended");
    chart_axes(&c, 5, 1, 1);
    const double diagonal[2] = {0, 1};
    chart_line(&c, "line chance", diagonal, diagonal, 2);
    for (size_t i = 0; i < bins; i++) {
        chart_upright(&c, bin[i].mean, bin[i].share.low, bin[i].share.high);
        chart_point(&c, "dot", bin[i].mean, bin[i].share.value, 4);
    }
    chart_close(&c);
    html(p, "</div>\n");
    html_table(p, "Reliability by group",
               "Probability|>Customers|>Suspended|>Mean|>Observed share|>Supported");
    for (size_t i = 0; i < bins; i++) {
        Str low = number_fixed(p->arena, bin[i].low, 2),
            high = number_fixed(p->arena, bin[i].high, 2);
        Str from = number_fixed(p->arena, bin[i].supported_low, 2),
            to = number_fixed(p->arena, bin[i].supported_high, 2);
        html_row(p);
        html_head(p, str_format(p->arena, "%.*s\xE2\x80\x93%.*s", STR_ARG(low), STR_ARG(high)));
        html_cell_number(p, number_count(p->arena, bin[i].customers));
        html_cell_number(p, number_count(p->arena, bin[i].positives));
        html_cell_number(p, number_fixed(p->arena, bin[i].mean, 2));
        html_cell_interval(p, bin[i].share, 2);
        html_cell_number(p,
                         str_format(p->arena, "%.*s\xE2\x80\x93%.*s", STR_ARG(from), STR_ARG(to)));
        html_row_end(p);
    }
    html_table_end(p);
}

/* ---- slope, intercept, and how much of the error is chance ---- */

static const char *slope_says(Interval slope)
{
    if (is_missing(slope.value))
        return "cannot be told";
    return slope.low > 1    ? "too timid"
           : slope.high < 1 ? "too extreme"
                            : "nothing wrong that shows";
}

static const char *large_says(Interval large)
{
    if (is_missing(large.value))
        return "cannot be told";
    return large.low > 0 ? "too low" : large.high < 0 ? "too high" : "nothing wrong that shows";
}

static void checks(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    html_table(p, "Calibration of each slice, with 95 % intervals",
               "Slice|>Slope|Spread|>In the large|Level|>Intercept|>Calibration error|>If "
               "perfect|>95 % of perfect");
    for (size_t s = 0; s < run->training->strata; s++) {
        const CalibrationCheck *c = &run->calibration[s];
        html(p, s == run->headline ? "<tr class=\"chosen\">" : "<tr>");
        html_head(p, run->training->stratum[s]);
        html_cell_interval(p, c->recalibration.slope, 2);
        html_cell(p, str_from(slope_says(c->recalibration.slope)));
        html_cell_interval(p, c->recalibration.large, 2);
        html_cell(p, str_from(large_says(c->recalibration.large)));
        html_cell_interval(p, c->recalibration.intercept, 2);
        html_cell_number(p, number_fixed(a, c->ece.seen, 3));
        html_cell_number(p, number_fixed(a, c->ece.mean, 3));
        html_cell_number(
            p, is_missing(c->ece.high)
                   ? number_fixed(a, c->ece.high, 3)
                   : str_format(a, "up to %.*s", STR_ARG(number_fixed(a, c->ece.high, 3))));
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p,
              "Labels are fitted again on the log-odds. A slope of 1 is right, below 1 the "
              "probabilities are too extreme, above 1 too timid. In the large: the shift of the "
              "log-odds that would make the mean right; above 0 the probabilities are too low. The "
              "calibration error (ECE) is never 0 on few customers: \xE2\x80\x9Cif perfect\xE2\x80"
              "\x9D draws outcomes from the probabilities themselves, %.*s times, and measures the "
              "same.",
              STR_ARG(number_count(a, run->calibration[run->headline].ece.draws)));
}

static void noise(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    const NoiseFloor *e = &run->calibration[run->headline].ece;
    if (is_missing(e->seen))
        return;
    Str name = run->training->stratum[run->headline], seen = number_fixed(a, e->seen, 3);
    Str mean = number_fixed(a, e->mean, 3), high = number_fixed(a, e->high, 3);
    html_paragraph(p,
                   "On %.*s the calibration error is %.*s; a perfectly calibrated model would show "
                   "%.*s on as many customers (95 %%: up to %.*s). %s",
                   STR_ARG(name), STR_ARG(seen), STR_ARG(mean), STR_ARG(high),
                   e->seen > e->high
                       ? "It is more than chance explains: read the probabilities of this slice as "
                         "a ranking."
                       : "What is seen is what chance alone would give: better calibration could "
                         "not be told from it here.");
}

/* ---- the map ---- */

static const char *const map_title[CALIBRATION_KINDS] = {"Platt\xE2\x80\x99s sigmoid", "Beta map",
                                                         "Isotonic map"};

static void map_is(Page *p, const Calibration *c)
{
    Arena *a = p->arena;
    if (c->kind == CALIBRATION_ISOTONIC) {
        html_note(p, "The map in the bundle: isotonic, lines between %zu knots.",
                  c->isotonic->knots);
        return;
    }
    bool platt = c->kind == CALIBRATION_PLATT;
    Str one = number_fixed(a, platt ? c->platt.slope : c->beta.a, 3);
    Str two = number_fixed(a, platt ? c->platt.intercept : c->beta.b, 3);
    if (platt)
        html_note(p,
                  "The map in the bundle: Platt\xE2\x80\x99s sigmoid, slope %.*s, intercept %.*s.",
                  STR_ARG(one), STR_ARG(two));
    else
        html_note(p, "The map in the bundle: beta, a %.*s, b %.*s, c %.*s.", STR_ARG(one),
                  STR_ARG(two), STR_ARG(number_fixed(a, c->beta.c, 3)));
}

static void maps(Page *p)
{
    const CalibrationChoice *c = p->run->validation->calibration;
    Arena *a = p->arena;
    html_paragraph(p, "%.*s", STR_ARG(c->reason));
    html_table(p, "Maps from score to probability, simplest first",
               "Map|>Log loss|>Against Platt\xE2\x80\x99s sigmoid");
    for (int kind = 0; kind < CALIBRATION_KINDS; kind++) {
        const CalibrationTrial *t = &c->trial[kind];
        html(p, kind == (int)c->chosen ? "<tr class=\"chosen\">" : "<tr>");
        html(p, "<th scope=\"row\">");
        html(p, map_title[kind]);
        html(p, kind == (int)c->chosen ? " <span class=\"tag\">chosen</span></th>" : "</th>");
        Str loss = number_fixed(a, t->log_loss, 4), error = number_fixed(a, t->log_loss_error, 4);
        Str gap = number_fixed(a, t->difference, 4), gaps = number_fixed(a, t->difference_error, 4);
        html_cell_number(p, t->tried
                                ? str_format(a, "%.*s \xC2\xB1 %.*s", STR_ARG(loss), STR_ARG(error))
                                : S("too few customers"));
        html_cell_number(p, !t->tried ? S("")
                            : kind == 0
                                ? S("\xE2\x80\x93")
                                : str_format(a, "%.*s \xC2\xB1 %.*s", STR_ARG(gap), STR_ARG(gaps)));
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p,
              "\xC2\xB1 one standard error over customers. Every map is judged on customers of a "
              "fold that it was not fitted on.");
    if (p->run->bundle != NULL)
        map_is(p, &p->run->bundle->calibration);
}

/* ---- each customer's interval ---- */

static void support(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    Support s;
    store_support(&s, p->spare, run, run->headline);
    Str name = run->training->stratum[run->headline];
    Str mean = number_fixed(a, s.mean, 2), median = number_fixed(a, s.median, 2);
    html_paragraph(
        p,
        "Beside a customer\xE2\x80\x99s probability stands an interval (Venn and Abers): "
        "what the labelled customers support if this one were one more suspended, or one "
        "more not. It is not a confidence bound: it says how much one answer would move "
        "the calibration, and not how sure the model is. On %.*s it is %.*s wide on "
        "average (median %.*s). The share that was suspended lies between the mean ends "
        "of the intervals in %zu of the %zu groups above; in %zu its own 95 %% interval "
        "meets them, which is what can be asked of groups so small.",
        STR_ARG(name), STR_ARG(mean), STR_ARG(median), s.inside, s.groups, s.met);
}

/* ---- elsewhere ---- */

static void prior_words(Page *p)
{
    const Run *run = p->run;
    const CalibrationCheck *c = &run->calibration[run->headline];
    Str share = number_share(
        p->arena, c->customers == 0 ? MISSING_VALUE : (double)c->positives / (double)c->customers);
    Str name = run->training->stratum[run->headline];
    if (store_prior_by_design(run))
        html_paragraph(
            p,
            "Of the labelled customers of %.*s %.*s were suspended. The schema book does "
            "not say that this is the bank\xE2\x80\x99s own share (prior: population), so "
            "it counts as made by whoever drew the sample: a score says how a customer "
            "stands in this sample, never how likely a customer of the bank is "
            "to be suspended. The table says what the same scores would mean at other "
            "shares.",
            STR_ARG(name), STR_ARG(share));
    else
        html_paragraph(p,
                       "Of the labelled customers of %.*s %.*s were suspended, and the schema book "
                       "says that this is the bank\xE2\x80\x99s own share (prior: population). The "
                       "table says what the same scores would mean where the share is another.",
                       STR_ARG(name), STR_ARG(share));
}

static void prevalence_row(Page *p, Str title, const PrevalenceRule *r)
{
    html_row(p);
    html_head(p, title);
    html_cell_number(p, number_fixed(p->arena, r->threshold, 2));
    html_cell_interval(p, r->precision, 2);
    html_cell_interval(p, r->recall, 2);
    html_cell_interval(p, r->load, 0);
    html_row_end(p);
}

static void prevalence(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    const Prevalence *v = run->calibration[run->headline].prevalence;
    Str slice = run->training->stratum[run->headline];
    html(p, "<h3 id=\"prevalence\">Where suspensions are rarer</h3>\n");
    prior_words(p);
    static const char *const segment[PREVALENCE_RULES] = {"Medium or High", "High"};
    html_table(
        p,
        str_chars(a, str_format(a, "The same scores at assumed shares of suspended customers, %.*s",
                                STR_ARG(slice))),
        "Assumed share|>Score from|>Precision|>Recall|>Flagged of 1,000");
    for (size_t i = 0; i < PREVALENCES; i++)
        for (size_t k = PREVALENCE_RULES; k-- > 0;) {
            Str share = number_share(a, v[i].assumed);
            prevalence_row(p, str_format(a, "%.*s: %s, as is", STR_ARG(share), segment[k]),
                           &v[i].as_is[k]);
            prevalence_row(p, str_format(a, "%.*s: %s, corrected", STR_ARG(share), segment[k]),
                           &v[i].corrected[k]);
        }
    html_table_end(p);
    html_table(p,
               str_chars(a, str_format(a, "Corrected probabilities at assumed shares, %.*s",
                                       STR_ARG(slice))),
               "Assumed share|>Brier score|>Log loss");
    for (size_t i = 0; i < PREVALENCES; i++) {
        html_row(p);
        html_head(p, number_share(a, v[i].assumed));
        html_cell_interval(p, v[i].brier, 3);
        html_cell_interval(p, v[i].log_loss, 3);
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p,
              "As is: the segments of this report, their cuts unchanged. Corrected: the cost "
              "cuts on probabilities whose log-odds are moved by logit(assumed share) \xE2\x88\x92 "
              "logit(share here), which is the same as another cut on the score. Both hold if "
              "suspended customers, and others, look elsewhere as they do here and only "
              "their numbers differ. Out of fold; intervals resample customers within each "
              "class.");
    const Interval large = run->calibration[run->headline].recalibration.large;
    if (large.low > 0 || large.high < 0)
        html_note(p,
                  "On this slice probabilities are too %s before any correction, and the corrected "
                  "ones inherit it.",
                  large.low > 0 ? "low" : "high");
}

void section_calibration(Page *p)
{
    html(p, "<h3 id=\"calibration\">Does 40 % mean 40 %?</h3>\n");
    Str answer = calibration_says(p);
    if (answer.size > 0) {
        html(p, "<p class=\"lead\">");
        html_text(p, answer);
        html(p, "</p>\n");
    }
    html_note(
        p, store_prior_by_design(p->run)
               ? "Among customers like the labelled ones, that is: a score is calibrated to "
                 "this sample\xE2\x80\x99s mix and is no probability in the bank\xE2\x80\x99s "
                 "population."
               : "Among customers like the labelled ones, whose mix is the bank\xE2\x80\x99s own "
                 "by the schema book.");
    reliability(p);
    if (p->run->calibration != NULL) {
        noise(p);
        checks(p);
    }
    maps(p);
    support(p);
    if (p->run->calibration != NULL)
        prevalence(p);
}
