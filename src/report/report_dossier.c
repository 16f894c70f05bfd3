/* report_dossier.c - one customer's case as a page: first what is on record, then what was made of
 * it. */
#include "report/report_dossier.h"

#include <math.h>

enum { LOTS_OPEN = 12, TICKS = 4, LONG = 14 };

/* ---- small parts ---- */

void dossier_words(Dossier *d, const char *english)
{
    html_text(d->p, case_word(d->c, english));
}

void dossier_paragraph(Dossier *d, const char *class, Str text)
{
    if (text.size == 0)
        return;
    html(d->p, class[0] == '\0' ? "<p>" : "<p class=\"");
    html(d->p, class);
    html(d->p, class[0] == '\0' ? "" : "\">");
    html_text(d->p, text);
    html(d->p, "</p>\n");
}

void dossier_section(Dossier *d, const char *id, const char *title)
{
    html(d->p, "<section id=\"");
    html(d->p, id);
    html(d->p, "\" aria-labelledby=\"");
    html(d->p, id);
    html(d->p, "-h\">\n<h2 id=\"");
    html(d->p, id);
    html(d->p, "-h\">");
    dossier_words(d, title);
    html(d->p, "</h2>\n");
}

void dossier_section_end(Dossier *d)
{
    html(d->p, "</section>\n");
}

void dossier_subtitle(Dossier *d, const char *title)
{
    html(d->p, "<h3>");
    dossier_words(d, title);
    html(d->p, "</h3>\n");
}

/* "<b>May also be:</b> text", where there is one. */
void dossier_figure(Dossier *d, const char *name, Str value, Str more)
{
    html(d->p, "<div><dt>");
    dossier_words(d, name);
    html(d->p, value.size > LONG ? "</dt><dd class=\"long\">" : "</dt><dd>");
    html_text(d->p, value);
    if (more.size > 0) {
        html(d->p, "<small>");
        html_text(d->p, more);
        html(d->p, "</small>");
    }
    html(d->p, "</dd></div>\n");
}

/* A caption and columns in one language: html_table takes them in one text. */
void dossier_table(Dossier *d, const char *caption, const char *columns)
{
    html_table(d->p, str_chars(d->arena, case_word(d->c, caption)),
               str_chars(d->arena, case_word(d->c, columns)));
}

void dossier_cell_money(Dossier *d, int64_t amount)
{
    html_cell_number(d->p, amount == 0 ? S("\xE2\x80\x93") : case_money(d->arena, d->c, amount));
}

Str dossier_minute(Dossier *d, int64_t at_us)
{
    return at_us == NO_TIME ? case_word(d->c, "unknown") : case_minute(d->arena, at_us);
}

/* ---- the page ---- */

static void begin(Dossier *d, Str version, const Bundle *bundle)
{
    Page *p = d->p;
    const Case *c = d->c;
    html_open(p, c->language == LANGUAGE_FRENCH ? "fr" : "en", case_word(c, "Case of a customer"),
              "dossier");
    html(p, "<a class=\"skip\" href=\"#money\">");
    dossier_words(d, "Skip to the case");
    html(p, "</a>\n<header>\n<p class=\"meta\">");
    dossier_words(d, "Case of a customer");
    html(p, "</p>\n<h1>");
    html_id(p, c->decision->id);
    html(p, "</h1>\n<p class=\"meta\">");
    const MessagePart part[] = {{S("day"), dossier_minute(d, c->as_of_us)},
                                {S("version"), version},
                                {S("bundle"), str_slice(str_from(bundle->id), 0, 12)},
                                {S("decision"), c->decision_id}};
    html_text(p, case_say(d->arena, c,
                          "As of {day} UTC \xC2\xB7 assay {version} \xC2\xB7 bundle {bundle}", part,
                          COUNT_OF(part)));
    if (c->decision_id.size > 0)
        html_text(p, case_say(d->arena, c, " \xC2\xB7 decision {decision}", part, COUNT_OF(part)));
    html(p, "</p>\n<dl class=\"figures\">\n");
    dossier_figure(d, "Money in", case_money(d->arena, c, c->total_in),
                   case_plural(d->arena, c, c->counted_in, "in {count} transaction",
                               "in {count} transactions"));
    dossier_figure(d, "Money out", case_money(d->arena, c, c->total_out),
                   case_plural(d->arena, c, c->counted_out, "in {count} transaction",
                               "in {count} transactions"));
    dossier_figure(d, "Transactions on record", case_count(d->arena, c, c->events),
                   c->first_us == NO_TIME
                       ? S("")
                       : case_say(d->arena, c, "{first} to {last}",
                                  (MessagePart[]){{S("first"), case_day(d->arena, c->first_us)},
                                                  {S("last"), case_day(d->arena, c->last_us)}},
                                  2));
    dossier_figure(d, "Doubts about the data", case_count(d->arena, c, c->warnings),
                   c->warnings == 0 ? case_word(c, "nothing was found")
                                    : case_word(c, "see below"));
    html(p, "</dl>\n</header>\n<main>\n");
}

/* ---- money ---- */

/* A round number not below the value. */
static double round_up(double value)
{
    static const double steps[] = {1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10};
    double unit = 1;
    while (unit * 10 <= value)
        unit *= 10;
    while (unit > value && unit > 1e-9)
        unit /= 10;
    size_t i = 0;
    while (i + 1 < COUNT_OF(steps) && steps[i] * unit < value)
        i++;
    return steps[i] * unit;
}

static double real(const Case *c, int64_t amount)
{
    return decimal_to_double(amount, c->scale);
}

static void time_axis(Dossier *d, Chart *chart)
{
    const Case *c = d->c;
    size_t steps = c->periods < TICKS ? c->periods : TICKS;
    bool within_year = c->last_us - c->first_us < 300 * DAY_US; /* 07-17, else 24-07 */
    for (size_t i = 0; i < steps; i++) {
        size_t at = steps == 1 ? 0 : i * (c->periods - 1) / (steps - 1);
        Str day = case_day(d->arena, c->period[at].from_us);
        chart_tick(chart, (double)at + 0.5,
                   within_year ? str_slice(day, 5, 10) : str_slice(day, 2, 7));
    }
}

static Str step_words(Dossier *d)
{
    const Case *c = d->c;
    size_t days = (size_t)(c->period_us / DAY_US);
    return case_plural(d->arena, c, days, "by day", "by {count} days");
}

static void bars(Dossier *d)
{
    const Case *c = d->c;
    Chart chart;
    double most = 0;
    for (size_t i = 0; i < c->periods; i++) {
        most = fmax(most, real(c, c->period[i].in));
        most = fmax(most, real(c, c->period[i].out));
    }
    most = round_up(most > 0 ? most : 1);
    const MessagePart part[] = {{S("step"), step_words(d)},
                                {S("in"), case_money(d->arena, c, c->total_in)},
                                {S("out"), case_money(d->arena, c, c->total_out)}};
    Str title = case_say(d->arena, c, "Money in (up) and out (down), {step}", part, 3);
    chart_open(&chart, d->p, "bars", str_chars(d->arena, title),
               case_say(d->arena, c,
                        "{in} came in and {out} went out; the table below has every bar.", part, 3),
               "", str_chars(d->arena, c->currency));
    chart.x_high = (double)c->periods;
    chart.y_low = -most;
    chart.y_high = most;
    chart_scale(&chart, 4, most < 10 ? 1 : 0);
    for (size_t i = 0; i < c->periods; i++) {
        double x = (double)i;
        if (c->period[i].in > 0)
            chart_span(&chart, "in", x + 0.1, x + 0.9, 0, real(c, c->period[i].in));
        if (c->period[i].out > 0)
            chart_span(&chart, "out", x + 0.1, x + 0.9, -real(c, c->period[i].out), 0);
    }
    time_axis(d, &chart);
    chart_close(&chart);
}

static void sums(Dossier *d)
{
    const Case *c = d->c;
    Chart chart;
    double *x = ARENA_ARRAY(d->arena, double, c->periods + 1);
    double *in = ARENA_ARRAY(d->arena, double, c->periods + 1);
    double *out = ARENA_ARRAY(d->arena, double, c->periods + 1);
    for (size_t i = 0; i < c->periods; i++) {
        x[i + 1] = (double)(i + 1);
        in[i + 1] = in[i] + real(c, c->period[i].in);
        out[i + 1] = out[i] + real(c, c->period[i].out);
    }
    double most = fmax(in[c->periods], out[c->periods]);
    chart_open(&chart, d->p, "sums", str_chars(d->arena, case_word(c, "The same, added up")),
               case_word(c, "Money out that follows close upon money in is money that stayed only "
                            "for a short time."),
               "", str_chars(d->arena, c->currency));
    chart.x_high = (double)c->periods;
    chart.y_high = round_up(most > 0 ? most : 1);
    chart_scale(&chart, 4, chart.y_high < 10 ? 1 : 0);
    chart_line(&chart, "line", x, in, c->periods + 1);
    chart_line(&chart, "line out", x, out, c->periods + 1);
    time_axis(d, &chart);
    chart_close(&chart);
}

static void periods_table(Dossier *d)
{
    const Case *c = d->c;
    int64_t in = 0, out = 0;
    html(d->p, "<details><summary>");
    dossier_words(d, "The figures behind the charts");
    html(d->p, "</summary>\n");
    dossier_table(d, "Money in and out by period",
                  "From|>Transactions|>In|>Out|>In, added up|>Out, added up");
    for (size_t i = 0; i < c->periods; i++) {
        const CasePeriod *one = &c->period[i];
        in += one->in;
        out += one->out;
        html_row(d->p);
        html_head(d->p, case_day(d->arena, one->from_us));
        html_cell_number(d->p, case_count(d->arena, c, one->events));
        dossier_cell_money(d, one->in);
        dossier_cell_money(d, one->out);
        dossier_cell_money(d, in);
        dossier_cell_money(d, out);
        html_row_end(d->p);
    }
    html_table_end(d->p);
    html(d->p, "</details>\n");
}

static void lots(Dossier *d)
{
    const Case *c = d->c;
    if (c->flow_feature.size == 0)
        return;
    dossier_subtitle(d, "Money that came in and left again");
    const MessagePart part[] = {{S("money"), case_money(d->arena, c, c->matched)},
                                {S("in"), case_money(d->arena, c, c->total_in)},
                                {S("feature"), c->flow_feature},
                                {S("formula"), c->flow_formula}};
    dossier_paragraph(
        d, "",
        c->all_lots == 0
            ? case_word(c, "No money was matched.")
            : case_say(d->arena, c,
                       "{money} of {in} that came in, first in, first out and every unit "
                       "once, as the feature {feature} matches it.",
                       part, COUNT_OF(part)));
    html(d->p, "<p class=\"note\"><code>");
    html_text(d->p, c->flow_formula);
    html(d->p, "</code></p>\n");
    if (c->all_lots == 0)
        return;
    html(d->p, c->lots > LOTS_OPEN ? "<details><summary>" : "<details open><summary>");
    html_text(d->p, case_plural(d->arena, c, c->all_lots, "{count} match", "{count} matches"));
    html(d->p, "</summary>\n");
    dossier_table(d, "Which money went where", "Came in|By|>Amount|>After|By|Transactions");
    for (size_t i = 0; i < c->lots; i++) {
        const CaseLot *l = &c->lot[i];
        html_row(d->p);
        html_head(d->p, dossier_minute(d, l->in_us));
        html_cell(d->p, l->in_kind);
        dossier_cell_money(d, l->amount);
        html_cell_number(d->p, case_lag(d->arena, c, l->lag_us));
        html_cell(d->p, l->out_kind);
        html(d->p, "<td>");
        html_id(d->p, l->in_id);
        html(d->p, " \xE2\x86\x92 ");
        html_id(d->p, l->out_id);
        html(d->p, "</td>");
        html_row_end(d->p);
    }
    html_table_end(d->p);
    html(d->p, "</details>\n");
    if (c->all_lots > c->lots)
        dossier_paragraph(d, "note",
                          case_plural(d->arena, c, c->all_lots - c->lots,
                                      "{count} later match is not shown.",
                                      "{count} later matches are not shown."));
}

static void money(Dossier *d)
{
    const Case *c = d->c;
    dossier_section(d, "money", "Money in and out");
    if (c->events == 0) {
        dossier_paragraph(d, "lead", case_word(c, "No transaction is on record."));
        dossier_section_end(d);
        return;
    }
    if (c->periods > 0) {
        html(d->p, "<p class=\"key\"><i></i>");
        dossier_words(d, "money in");
        html(d->p, "<i class=\"out\"></i>");
        dossier_words(d, "money out");
        html(d->p, "</p>\n<div class=\"charts\">\n");
        bars(d);
        sums(d);
        html(d->p, "</div>\n");
        periods_table(d);
    }
    lots(d);
    dossier_section_end(d);
}

Str report_dossier(Arena *keep, const Case *c, const Change *with, Str version,
                   const Bundle *bundle)
{
    Arena own = arena_new(), spare = arena_new();
    Page p = {.arena = &own, .spare = spare, .out = buffer_new(keep)};
    Dossier d = {&p, &own, c, with};
    begin(&d, version, bundle);
    money(&d);
    dossier_reasons(&d);
    dossier_record(&d);
    dossier_doubts(&d);
    dossier_outcome(&d);
    dossier_signatures(&d);
    dossier_events(&d);
    html(&p, "</main>\n<footer>\n<p class=\"note\">");
    dossier_words(
        &d, "This file holds personal data of one customer. It needs no network. It proposes; "
            "people decide.");
    html(&p, "</p>\n</footer>\n");
    html_close(&p);
    arena_free(&spare);
    arena_free(&own);
    return buffer_str(&p.out);
}
