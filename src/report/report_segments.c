/* report_segments.c - part 3: Low, Medium and High, and how each behaves. */
#include "report/report_internal.h"

#include <stdlib.h>
#include <string.h>

enum { BINS = 20 };

/* The smallest 1, 2 or 5 times a power of ten of which five reach `most`. */
static size_t round_step(size_t most)
{
    for (size_t unit = 1;; unit *= 10)
        for (size_t k = 1; k <= 5; k += k == 1 ? 1 : 3)
            if (5 * k * unit >= most)
                return k * unit;
}

static void histogram(Page *p, Thresholds t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    size_t count[BINS] = {0}, most = 1;
    for (size_t i = 0; i < run->scored->count; i++) {
        size_t bin = (size_t)(run->scored->outcome[i].probability * BINS);
        bin = bin >= BINS ? BINS - 1 : bin;
        count[bin]++;
        most = count[bin] > most ? count[bin] : most;
    }
    Chart c;
    html(p, "<div class=\"charts one\">\n");
    chart_open(&c, p, "scores", "Probabilities of the customers scored",
               S("Customers in steps of 0.05 of the score, with the thresholds of the "
                 "policy; the counts are in the table below."),
               "score", "customers");
    c.y_high = (double)(5 * round_step(most));
    chart_axes(&c, 5, 1, 0);
    for (size_t b = 0; b < BINS; b++)
        if (count[b] > 0)
            chart_bar(&c, "fill", (double)b / BINS, (double)(b + 1) / BINS, (double)count[b]);
    chart_mark(&c, t.medium, S("Medium"));
    chart_mark(&c, t.high, S("High"));
    chart_close(&c);
    html(p, "</div>\n<details><summary>The same as a table</summary>\n");
    html_table(p, "Customers by score", "Score|>Customers");
    for (size_t b = 0; b < BINS; b++) {
        Str low = number_fixed(a, (double)b / BINS, 2);
        Str high = number_fixed(a, (double)(b + 1) / BINS, 2);
        html_row(p);
        html_head(p, str_format(a, "%.*s to %.*s", STR_ARG(low), STR_ARG(high)));
        html_cell_number(p, number_count(a, count[b]));
        html_row_end(p);
    }
    html_table_end(p);
    html(p, "</details>\n");
}

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void sizes(Page *p, const Tally *t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    html_table(p, "Segments",
               "Segment|>Customers|>Share|>Lowest score|>Median score|>Highest score|>Insufficient "
               "data");
    double *score = ARENA_RAW(a, double, run->scored->count + 1);
    for (size_t s = 0; s < SEGMENTS; s++) {
        size_t insufficient = 0, count = 0;
        for (size_t i = 0; i < run->scored->count; i++) {
            const Outcome *d = &run->scored->outcome[i];
            if (d->segment != (Segment)s)
                continue;
            score[count++] = d->probability;
            insufficient += d->insufficient_data;
        }
        double n = (double)run->scored->count;
        qsort(score, count, sizeof *score, rising);
        html_row(p);
        html_head(p, segment_name((Segment)s));
        html_cell_number(p, number_count(a, t->segment[s]));
        html_cell_number(p, number_share(a, n > 0 ? (double)t->segment[s] / n : 0));
        const size_t place[] = {0, count > 0 ? (count - 1) / 2 : 0, count > 0 ? count - 1 : 0};
        for (size_t k = 0; k < COUNT_OF(place); k++)
            html_cell_number(p, count == 0 ? S("none") : number_fixed(a, score[place[k]], 3));
        html_cell_number(p, number_count(a, insufficient));
        html_row_end(p);
    }
    html_table_end(p);
}

static void actions(Page *p, const Tally *t)
{
    const Run *run = p->run;
    html_table(p, "What is proposed, by segment", "Action|>Low|>Medium|>High|>All");
    for (size_t action = ACTIONS; action-- > 0;) {
        size_t count[SEGMENTS] = {0};
        for (size_t i = 0; i < run->scored->count; i++)
            if (run->scored->outcome[i].action == (Action)action)
                count[run->scored->outcome[i].segment]++;
        html_row(p);
        html_head(p, action_name((Action)action));
        for (size_t s = 0; s < SEGMENTS; s++)
            html_cell_number(p, number_count(p->arena, count[s]));
        html_cell_number(p, number_count(p->arena, t->action[action]));
        html_row_end(p);
    }
    html_table_end(p);
}

/* ---- did scores part the labelled customers so? ---- */

void segments_past(SegmentPast past[SEGMENTS], Page *p)
{
    memset(past, 0, SEGMENTS * sizeof *past);
    const TrainingSet *t = p->run->training;
    const double *score = store_out_of_fold(p->arena, p->run);
    const Thresholds cut = policy_thresholds(p->run->policy);
    for (size_t i = 0; i < t->x->rows; i++)
        if (t->in_stratum[p->run->headline][i] && !is_missing(score[i])) {
            SegmentPast *one = &past[policy_segment(cut, score[i])];
            one->customers++;
            one->suspended += t->label[i] != 0;
        }
}

/* "23 % (95 %: 13 % to 38 %) of those with a Low score" */
static Str past_share(Arena *a, const SegmentPast *past, Segment s)
{
    Interval share = metric_proportion(past[s].suspended, past[s].customers);
    Str value = number_share(a, share.value), name = segment_name(s);
    Str low = number_share(a, share.low), high = number_share(a, share.high);
    return str_format(a, "%.*s (95 %%: %.*s to %.*s) of those with a %.*s score", STR_ARG(value),
                      STR_ARG(low), STR_ARG(high), STR_ARG(name));
}

Str segments_parted(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    SegmentPast past[SEGMENTS];
    Interval share[SEGMENTS];
    Str says[SEGMENTS];
    segments_past(past, p);
    for (size_t s = 0; s < SEGMENTS; s++) {
        share[s] = metric_proportion(past[s].suspended, past[s].customers);
        says[s] = past[s].customers == 0 ? S("") : past_share(a, past, (Segment)s);
    }
    if (past[SEGMENT_HIGH].customers < SELECTED_MIN || past[SEGMENT_LOW].customers < SELECTED_MIN)
        return S("");
    Buffer b = buffer_new(a);
    buffer_format(&b, "Of the labelled customers of %.*s, judged out of fold, %.*s",
                  STR_ARG(run->training->stratum[run->headline]), STR_ARG(says[SEGMENT_HIGH]));
    if (past[SEGMENT_MEDIUM].customers >= SELECTED_MIN)
        buffer_format(&b, ", %.*s", STR_ARG(says[SEGMENT_MEDIUM]));
    buffer_format(&b, " and %.*s had been suspended: ", STR_ARG(says[SEGMENT_LOW]));
    if (share[SEGMENT_HIGH].low <= share[SEGMENT_LOW].high)
        buffer_add(&b, S("they are so few that the difference can be chance."));
    else if (past[SEGMENT_MEDIUM].customers < SELECTED_MIN)
        buffer_add(&b, S("High and Low are told apart; of Medium there are too few to say."));
    else if (share[SEGMENT_HIGH].low > share[SEGMENT_MEDIUM].high &&
             share[SEGMENT_MEDIUM].low > share[SEGMENT_LOW].high)
        buffer_add(&b, S("the three are told apart."));
    else
        buffer_add(&b, S("High and Low are told apart; Medium is not clear of both."));
    return buffer_str(&b);
}

static void verdict(Page *p, const Tally *t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    size_t n = run->scored->count;
    html(p, "<p class=\"lead\">");
    for (int s = SEGMENTS - 1; s >= 0; s--) {
        Str share = number_share(a, n > 0 ? (double)t->segment[s] / (double)n : 0);
        Str name = segment_name((Segment)s);
        if (s == SEGMENT_HIGH)
            html_say(p, "Of %zu customers scored ", n);
        html_say(p, "%s%zu are %.*s (%.*s)",
                 s == SEGMENT_HIGH     ? ""
                 : s == SEGMENT_MEDIUM ? ", "
                                       : " and ",
                 t->segment[s], STR_ARG(name), STR_ARG(share));
    }
    html(p, ".");
    if (run->training != NULL && run->validation != NULL) {
        Str parts = segments_parted(p);
        if (parts.size > 0)
            html_say(p, " %.*s", STR_ARG(parts));
    }
    html(p, "</p>\n");
}

static void parted(Page *p)
{
    const Run *run = p->run;
    if (run->training == NULL || run->validation == NULL)
        return;
    Arena *a = p->arena;
    SegmentPast past[SEGMENTS];
    segments_past(past, p);
    html_table(p,
               str_chars(a, str_format(a,
                                       "Labelled customers by the segment of their score out of "
                                       "fold, %.*s",
                                       STR_ARG(run->training->stratum[run->headline]))),
               "Segment|>Labelled|>Suspended|>Share suspended");
    for (size_t s = 0; s < SEGMENTS; s++) {
        html_row(p);
        html_head(p, segment_name((Segment)s));
        html_cell_number(p, number_count(a, past[s].customers));
        html_cell_number(p, number_count(a, past[s].suspended));
        if (past[s].customers < SELECTED_MIN)
            html_cell_number(p, S("too few"));
        else
            html_cell_interval(p, metric_proportion(past[s].suspended, past[s].customers), 2);
        html_row_end(p);
    }
    html_table_end(p);
}

void section_segments(Page *p)
{
    const Tally t = tally_run(p->run);
    Thresholds limits = policy_thresholds(p->run->policy);
    Arena *a = p->arena;
    Str medium = number_fixed(a, limits.medium, 2), high = number_fixed(a, limits.high, 2);
    Str insufficient = number_plural(a, t.insufficient, "customer", "customers");
    html(p, "<section id=\"segments\" aria-labelledby=\"segments-h\">\n"
            "<h2 id=\"segments-h\">3 Segments</h2>\n");
    verdict(p, &t);
    html_paragraph(
        p,
        "Below a score of %.*s is Low, from %.*s Medium, from %.*s High. The cuts follow "
        "from costs, not from quotas, and High does not mean off-boarding.",
        STR_ARG(medium), STR_ARG(medium), STR_ARG(high));
    html_note(p, store_prior_by_design(p->run)
                     ? "A score is the model's probability calibrated to the mix of the labelled "
                       "customers: how often customers of that sample with such a score were "
                       "suspended, and not how often customers of the bank are."
                     : "A score is the model's probability calibrated to the mix of the labelled "
                       "customers, which is the bank's own by the schema book.");
    sizes(p, &t);
    if (t.insufficient > 0)
        html_paragraph(
            p,
            "INSUFFICIENT_DATA is an overlay, not a segment: for %.*s the score rests on "
            "too little to say much, in whichever segment it falls. Absence of evidence "
            "is not evidence of good.",
            STR_ARG(insufficient));
    histogram(p, limits);
    parted(p);
    actions(p, &t);
    section_behaviour(p);
    section_thresholds(p);
    html(p, "</section>\n");
}
