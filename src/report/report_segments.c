/* report_segments.c - part 3: Low, Medium and High, and how each behaves. */
#include "report/report_internal.h"

#include <math.h>
#include <stdlib.h>

enum { BINS = 20, MEDIANS_MAX = 24 };

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

static void sizes(Page *p, const Tally *t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    html_table(p, "Segments",
               "Segment|>Customers|>Share|>Lowest score|>Highest score|>Insufficient data");
    for (size_t s = 0; s < SEGMENTS; s++) {
        double low = MISSING_VALUE, high = MISSING_VALUE;
        size_t insufficient = 0;
        for (size_t i = 0; i < run->scored->count; i++) {
            const Outcome *d = &run->scored->outcome[i];
            if (d->segment != (Segment)s)
                continue;
            low = is_missing(low) || d->probability < low ? d->probability : low;
            high = is_missing(high) || d->probability > high ? d->probability : high;
            insufficient += d->insufficient_data;
        }
        double n = (double)run->scored->count;
        html_row(p);
        html_head(p, segment_name((Segment)s));
        html_cell_number(p, number_count(a, t->segment[s]));
        html_cell_number(p, number_share(a, n > 0 ? (double)t->segment[s] / n : 0));
        html_cell_number(p, is_missing(low) ? S("none") : number_fixed(a, low, 3));
        html_cell_number(p, is_missing(high) ? S("none") : number_fixed(a, high, 3));
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

/* ---- behaviour ---- */

typedef struct Value {
    double value;
    uint32_t row;
} Value;

static int ascending(const void *left, const void *right)
{
    const Value *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* The lower median is some customer's own value, so it is shown as exactly as theirs. */
static Str median(Page *p, const Feature *f, const Column *c, Segment segment)
{
    const Scored *s = p->run->scored;
    Arena scratch = p->spare;
    Value *value = ARENA_RAW(&scratch, Value, s->count + 1);
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        double x = cell_double(c, s->row[i]);
        if (s->outcome[i].segment == segment && !s->outcome[i].insufficient_data && !is_missing(x))
            value[n++] = (Value){x, s->row[i]};
    }
    if (n == 0)
        return S("not defined");
    qsort(value, n, sizeof *value, ascending);
    return format_cell(p->arena, f->format, p->run->plan->schema->currency.text, c,
                       value[(n - 1) / 2].row);
}

static bool countable(const Column *c)
{
    return c != NULL && c->type != TYPE_CATEGORY && c->type != TYPE_TEXT &&
           c->type != TYPE_BOOLEAN && c->type != TYPE_TIME && c->type != TYPE_DATE;
}

static void behaviour(Page *p)
{
    const Run *run = p->run;
    size_t shown = 0;
    html(p, "<h3 id=\"behaviour\">How each segment behaves</h3>\n");
    html_paragraph(p, "Medians of the features that the policy speaks of, over the customers who "
                      "have transactions. The segments are cut by the score alone; these figures "
                      "describe them.");
    html_table(p, "Median customer of each segment", "Feature|>Low|>Medium|>High");
    for (size_t i = 0; i < run->plan->features && shown < MEDIANS_MAX; i++) {
        const Feature *f = &run->plan->feature[i];
        const Column *c = table_find(run->scored->features, f->name.text);
        if (f->use != USE_POLICY || !countable(c))
            continue;
        shown++;
        html_row(p);
        html_head(p, f->says.text);
        for (size_t s = 0; s < SEGMENTS; s++)
            html_cell_number(p, median(p, f, c, (Segment)s));
        html_row_end(p);
    }
    html_table_end(p);
}

void section_segments(Page *p)
{
    const Tally t = tally_run(p->run);
    Thresholds limits = policy_thresholds(p->run->policy);
    Arena *a = p->arena;
    Str scored = number_plural(a, p->run->scored->count, "customer", "customers");
    Str medium = number_fixed(a, limits.medium, 2), high = number_fixed(a, limits.high, 2);
    Str insufficient = number_plural(a, t.insufficient, "customer", "customers");
    html(p, "<section id=\"segments\" aria-labelledby=\"segments-h\">\n"
            "<h2 id=\"segments-h\">3 Segments</h2>\n");
    html_paragraph(p,
                   "%.*s were scored. Below a score of %.*s is Low, from %.*s Medium, from "
                   "%.*s High. The cuts follow from costs, not from quotas, and High does not mean "
                   "off-boarding.",
                   STR_ARG(scored), STR_ARG(medium), STR_ARG(medium), STR_ARG(high));
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
    actions(p, &t);
    behaviour(p);
    section_thresholds(p);
    html(p, "</section>\n");
}
