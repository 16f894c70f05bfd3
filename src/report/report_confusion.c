/* report_confusion.c - right and wrong at the thresholds that the policy uses, and what reviewing
 * the highest scores first would gain. */
#include "report/report_internal.h"

#include <math.h>
#include <stdlib.h>

/* The labelled customers of one slice, and what was said of them out of fold. */
typedef struct Judged {
    double *score;
    uint8_t *label;
    size_t count, positives;
} Judged;

static Judged judged_in(Page *p, size_t stratum)
{
    const TrainingSet *t = p->run->training;
    const double *score = store_out_of_fold(p->arena, p->run);
    Judged out = {.score = ARENA_RAW(p->arena, double, t->x->rows + 1),
                  .label = ARENA_RAW(p->arena, uint8_t, t->x->rows + 1)};
    for (size_t i = 0; i < t->x->rows; i++) {
        if (!t->in_stratum[stratum][i] || is_missing(score[i]))
            continue;
        out.score[out.count] = score[i];
        out.label[out.count++] = t->label[i] != 0;
        out.positives += t->label[i] != 0;
    }
    return out;
}

/* An exact interval, where there are customers enough to say anything. */
static void cell_share(Page *p, size_t count, size_t of)
{
    if (of < SELECTED_MIN)
        html_cell_number(p, of == 0 ? S("nobody") : S("too few"));
    else
        html_cell_interval(p, metric_proportion_exact(count, of, 0.95), 2);
}

static void confusion_table(Page *p, size_t stratum)
{
    static const char *const name[] = {"Medium", "High", "off-boarding by score"};
    Arena *a = p->arena;
    const Thresholds cut = policy_thresholds(p->run->policy);
    const double at[] = {cut.medium, cut.high, cut.offboarding};
    const Judged j = judged_in(p, stratum);
    Str caption = str_format(a, "Confusion at the thresholds, %.*s (%zu customers, %zu suspended)",
                             STR_ARG(p->run->training->stratum[stratum]), j.count, j.positives);
    html_table(p, str_chars(a, caption),
               "Threshold|>Score|>Flagged, suspended|>Flagged, not suspended|>Not flagged, "
               "suspended|>Not flagged, not suspended|>Right among the flagged|>Found of the "
               "suspended|>False alarms among the others");
    for (size_t k = 0; k < COUNT_OF(at); k++) {
        Confusion c = metric_confusion(j.score, j.label, j.count, at[k]);
        const size_t count[] = {c.true_positive, c.false_positive, c.false_negative,
                                c.true_negative};
        html_row(p);
        html_head(p, str_from(name[k]));
        html_cell_number(p, number_fixed(a, at[k], 3));
        for (size_t i = 0; i < COUNT_OF(count); i++)
            html_cell_number(p, number_count(a, count[i]));
        cell_share(p, c.true_positive, c.true_positive + c.false_positive);
        cell_share(p, c.true_positive, c.true_positive + c.false_negative);
        cell_share(p, c.false_positive, c.false_positive + c.true_negative);
        html_row_end(p);
    }
    html_table_end(p);
}

void section_confusion(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    const Thresholds cut = policy_thresholds(run->policy);
    const Judged j = judged_in(p, run->headline);
    Confusion c = metric_confusion(j.score, j.label, j.count, cut.high);
    size_t flagged = c.true_positive + c.false_positive;
    Interval right = metric_proportion_exact(c.true_positive, flagged, 0.95);
    Str name = run->training->stratum[run->headline], high = number_fixed(a, cut.high, 2);
    html(p, "<h3 id=\"confusion\">Right and wrong at the thresholds</h3>\n<p class=\"say\">");
    html_say(p,
             "From the High threshold (%.*s) on, %zu of %zu labelled customers of %.*s are flagged",
             STR_ARG(high), flagged, j.count, STR_ARG(name));
    if (flagged >= SELECTED_MIN) {
        Str share = number_share(a, right.value);
        Str low = number_share(a, right.low), most = number_share(a, right.high);
        html_say(
            p,
            "; %zu of them had been suspended (%.*s, 95 %%: %.*s to %.*s), %zu had not. %zu of "
            "%zu suspended ones are missed.",
            c.true_positive, STR_ARG(share), STR_ARG(low), STR_ARG(most), c.false_positive,
            c.false_negative, j.positives);
    } else {
        html(p, ": too few to say how often a flag is right.");
    }
    html(p, "</p>\n");
    html_paragraph(p, "Counts are of customers, by their score averaged over repeats, from models "
                      "that had not seen them. A threshold of the policy begins a review; it does "
                      "not decide about anybody.");
    confusion_table(p, run->headline);
    if (run->training->strata > 1) {
        html(p, "<details><summary>The same for every slice</summary>\n");
        for (size_t s = 0; s < run->training->strata; s++)
            if (s != run->headline)
                confusion_table(p, s);
        html(p, "</details>\n");
    }
    html_note(p, "Exact (Clopper\xE2\x80\x93Pearson) 95 %% intervals, each by itself.");
}

/* ---- gains ---- */

typedef struct Top {
    double threshold;
    size_t selected, found;
} Top;

static int falling(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

/* The highest scores, at least `wanted` of them: equal ones stay together. */
static Top top_of(Page *p, const Judged *j, size_t wanted)
{
    Arena scratch = p->spare;
    double *score = ARENA_RAW(&scratch, double, j->count + 1);
    for (size_t i = 0; i < j->count; i++)
        score[i] = j->score[i];
    qsort(score, j->count, sizeof *score, falling);
    Top out = {.threshold = score[wanted - 1]};
    for (size_t i = 0; i < j->count; i++)
        if (j->score[i] >= out.threshold) {
            out.selected++;
            out.found += j->label[i];
        }
    return out;
}

static size_t tenth(const Judged *j, size_t tenths)
{
    size_t wanted = (j->count * tenths + 9) / 10;
    return wanted == 0 ? 1 : wanted;
}

static void draw_gain(Page *p)
{
    const Run *run = p->run;
    const TrainingSet *t = run->training;
    const double *score = store_out_of_fold(p->arena, run);
    const double diagonal[2] = {0, 1};
    Chart c;
    chart_open(&c, p, "gain", "Cumulative gains",
               S("Share of suspended customers found against the share of all customers reviewed, "
                 "highest scores first. The dotted line is reviewing at random, the dashed one "
                 "marks where all would be found by a perfect order."),
               "share of customers reviewed", "share of suspended found");
    chart_axes(&c, 5, 1, 1);
    chart_line(&c, "line chance", diagonal, diagonal, 2);
    for (int pass = run->headline == 0 ? 1 : 0; pass < 2; pass++) {
        size_t s = pass == 0 ? 0 : run->headline;
        const Judged j = judged_in(p, s);
        double *reviewed = ARENA_RAW(p->arena, double, CURVE_POINTS_MAX + 2);
        double base = (double)j.positives / (double)j.count;
        Curve curve;
        curve_make(&curve, p->spare, score, t->label, t->in_stratum[s], t->x->rows);
        for (size_t i = 0; i < curve.points; i++)
            reviewed[i] = base * curve.true_share[i] + (1 - base) * curve.false_share[i];
        chart_line(&c, pass == 0 ? "line soft" : "line", reviewed, curve.true_share, curve.points);
        if (pass == 1)
            chart_mark(&c, base, S("perfect"));
    }
    chart_close(&c);
}

void section_gain(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    const Judged j = judged_in(p, run->headline);
    Str name = run->training->stratum[run->headline];
    html(p, "<h3 id=\"gain\">What reviewing the highest scores first gains</h3>\n");
    if (j.positives == 0 || j.positives == j.count) {
        html_paragraph(p, "Not defined on %.*s, where all customers are alike.", STR_ARG(name));
        return;
    }
    double base = (double)j.positives / (double)j.count;
    Top fifth = top_of(p, &j, tenth(&j, 2));
    Interval found = metric_proportion_exact(fifth.found, j.positives, 0.95);
    Str share = number_share(a, found.value), low = number_share(a, found.low);
    Str high = number_share(a, found.high),
        lift = number_fixed(a, (double)fifth.found / (double)fifth.selected / base, 1);
    html(p, "<p class=\"say\">");
    html_say(p,
             "The fifth of %.*s with the highest scores (%zu of %zu customers) holds %.*s of its "
             "suspended ones (95 %%: %.*s to %.*s): %.*s times as many as a fifth drawn at random.",
             STR_ARG(name), fifth.selected, j.count, STR_ARG(share), STR_ARG(low), STR_ARG(high),
             STR_ARG(lift));
    html(p, "</p>\n<div class=\"charts one\">\n");
    draw_gain(p);
    html(p, "</div>\n<details><summary>The same as a table</summary>\n");
    html_table(p, str_chars(a, str_format(a, "Gains by tenth, %.*s", STR_ARG(name))),
               "Highest scores|>From score|>Customers|>Suspended|>Share of suspended found|>Right "
               "among them|>Times as good as chance");
    for (size_t k = 1; k <= 10; k++) {
        Top top = top_of(p, &j, tenth(&j, k));
        html_row(p);
        html_head(p, str_format(a, "%zu %%", 10 * k));
        html_cell_number(p, number_fixed(a, top.threshold, 3));
        html_cell_number(p, number_count(a, top.selected));
        html_cell_number(p, number_count(a, top.found));
        cell_share(p, top.found, j.positives);
        cell_share(p, top.found, top.selected);
        html_cell_number(p, number_fixed(a, (double)top.found / (double)top.selected / base, 2));
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p,
              "Customers of equal score are taken together, so a tenth may be larger. Exact 95 %% "
              "intervals.");
    html(p, "</details>\n");
}
