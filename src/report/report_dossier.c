/* report_dossier.c - one customer's case as a page: first what is on record, then what was made of
 * it. */
#include "report/report_internal.h"

#include <math.h>

enum { PUSHES_SHOWN = 12, LOTS_OPEN = 12, TICKS = 4 };

typedef struct Dossier {
    Page *p;
    Arena *arena;
    const Case *c;
    const Change *change;
} Dossier;

/* ---- small parts ---- */

static void words(Dossier *d, const char *english)
{
    html_text(d->p, case_word(d->c, english));
}

static void paragraph(Dossier *d, const char *class, Str text)
{
    if (text.size == 0)
        return;
    html(d->p, class[0] == '\0' ? "<p>" : "<p class=\"");
    html(d->p, class);
    html(d->p, class[0] == '\0' ? "" : "\">");
    html_text(d->p, text);
    html(d->p, "</p>\n");
}

static void open_section(Dossier *d, const char *id, const char *title)
{
    html(d->p, "<section aria-labelledby=\"");
    html(d->p, id);
    html(d->p, "\">\n<h2 id=\"");
    html(d->p, id);
    html(d->p, "\">");
    words(d, title);
    html(d->p, "</h2>\n");
}

static void close_section(Dossier *d)
{
    html(d->p, "</section>\n");
}

static void subtitle(Dossier *d, const char *title)
{
    html(d->p, "<h3>");
    words(d, title);
    html(d->p, "</h3>\n");
}

/* "<b>May also be:</b> text", where there is one. */
static void aside(Dossier *d, const char *name, Str text)
{
    if (text.size == 0)
        return;
    html(d->p, "<p class=\"aside\"><b>");
    words(d, name);
    html(d->p, "</b> ");
    html_text(d->p, text);
    html(d->p, "</p>\n");
}

static void figure(Dossier *d, const char *name, Str value, Str more)
{
    html(d->p, "<div><dt>");
    words(d, name);
    html(d->p, "</dt><dd>");
    html_text(d->p, value);
    if (more.size > 0) {
        html(d->p, "<small>");
        html_text(d->p, more);
        html(d->p, "</small>");
    }
    html(d->p, "</dd></div>\n");
}

/* A caption and columns in one language: html_table takes them in one text. */
static void table(Dossier *d, const char *caption, const char *columns)
{
    html_table(d->p, str_chars(d->arena, case_word(d->c, caption)),
               str_chars(d->arena, case_word(d->c, columns)));
}

static void cell_money(Dossier *d, int64_t amount)
{
    html_cell_number(d->p, amount == 0 ? S("\xE2\x80\x93") : case_money(d->arena, d->c, amount));
}

static Str minute(Dossier *d, int64_t at_us)
{
    return at_us == NO_TIME ? case_word(d->c, "unknown") : case_minute(d->arena, at_us);
}

static void cell_id(Dossier *d, Str id)
{
    html(d->p, "<td>");
    html_id(d->p, id);
    html(d->p, "</td>");
}

static void list(Dossier *d, const Str *item, size_t count)
{
    html(d->p, "<ul>\n");
    for (size_t i = 0; i < count; i++) {
        html(d->p, "<li>");
        html_text(d->p, item[i]);
        html(d->p, "</li>\n");
    }
    html(d->p, "</ul>\n");
}

/* ---- the page ---- */

static void begin(Dossier *d, Str version, const Bundle *bundle)
{
    Page *p = d->p;
    const Case *c = d->c;
    html_open(p, str_chars(d->arena, case_word(c, "Case of a customer")), "dossier");
    html(p, "<a class=\"skip\" href=\"#money\">");
    words(d, "Skip to the case");
    html(p, "</a>\n<header>\n<p class=\"meta\">");
    words(d, "Case of a customer");
    html(p, "</p>\n<h1>");
    html_id(p, c->decision->id);
    html(p, "</h1>\n<p class=\"meta\">");
    const MessagePart part[] = {{S("day"), minute(d, c->as_of_us)},
                                {S("version"), version},
                                {S("bundle"), str_slice(str_from(bundle->id), 0, 12)},
                                {S("decision"), c->decision_id}};
    html_text(p, case_say(d->arena, c,
                          "As of {day} UTC \xC2\xB7 assay {version} \xC2\xB7 bundle {bundle}", part,
                          COUNT_OF(part)));
    if (c->decision_id.size > 0)
        html_text(p, case_say(d->arena, c, " \xC2\xB7 decision {decision}", part, COUNT_OF(part)));
    html(p, "</p>\n<dl class=\"figures\">\n");
    figure(d, "Money in", case_money(d->arena, c, c->total_in),
           case_plural(d->arena, c, c->counted_in, "in {count} transaction",
                       "in {count} transactions"));
    figure(d, "Money out", case_money(d->arena, c, c->total_out),
           case_plural(d->arena, c, c->counted_out, "in {count} transaction",
                       "in {count} transactions"));
    figure(d, "Transactions on record", case_count(d->arena, c, c->events),
           c->first_us == NO_TIME
               ? S("")
               : case_say(d->arena, c, "{first} to {last}",
                          (MessagePart[]){{S("first"), case_day(d->arena, c->first_us)},
                                          {S("last"), case_day(d->arena, c->last_us)}},
                          2));
    figure(d, "To doubt in these rows", case_count(d->arena, c, c->warnings),
           c->warnings == 0 ? case_word(c, "nothing was found") : case_word(c, "see below"));
    html(p, "</dl>\n</header>\n<main>\n");
}

/* ---- money ---- */

/* 1, 2 or 5 times a power of ten, not below the value. */
static double round_up(double value)
{
    double unit = 1;
    while (unit * 10 <= value)
        unit *= 10;
    while (unit > value && unit > 1e-9)
        unit /= 10;
    double times = value / unit;
    return unit * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static double real(const Case *c, int64_t amount)
{
    return decimal_to_double(amount, c->scale);
}

static void time_axis(Dossier *d, Chart *chart)
{
    const Case *c = d->c;
    size_t steps = c->periods < TICKS ? c->periods : TICKS;
    for (size_t i = 0; i < steps; i++) {
        size_t at = steps == 1 ? 0 : i * (c->periods - 1) / (steps - 1);
        Str day = case_day(d->arena, c->period[at].from_us);
        chart_tick(chart, (double)at + 0.5, c->periods > 1 ? str_slice(day, 2, 10) : day);
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
    words(d, "The figures behind the charts");
    html(d->p, "</summary>\n");
    table(d, "Money in and out by period",
          "From|>Transactions|>In|>Out|>In, added up|>Out, added up");
    for (size_t i = 0; i < c->periods; i++) {
        const CasePeriod *one = &c->period[i];
        in += one->in;
        out += one->out;
        html_row(d->p);
        html_head(d->p, case_day(d->arena, one->from_us));
        html_cell_number(d->p, case_count(d->arena, c, one->events));
        cell_money(d, one->in);
        cell_money(d, one->out);
        cell_money(d, in);
        cell_money(d, out);
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
    subtitle(d, "Money that came in and left again");
    const MessagePart part[] = {{S("money"), case_money(d->arena, c, c->matched)},
                                {S("in"), case_money(d->arena, c, c->total_in)},
                                {S("feature"), c->flow_feature},
                                {S("formula"), c->flow_formula}};
    paragraph(d, "",
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
    table(d, "Which money went where", "Came in|By|>Amount|>After|By|Transactions");
    for (size_t i = 0; i < c->lots; i++) {
        const CaseLot *l = &c->lot[i];
        html_row(d->p);
        html_head(d->p, minute(d, l->in_us));
        html_cell(d->p, l->in_kind);
        cell_money(d, l->amount);
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
        paragraph(d, "note",
                  case_plural(d->arena, c, c->all_lots - c->lots,
                              "{count} later match is not shown.",
                              "{count} later matches are not shown."));
}

static void money(Dossier *d)
{
    const Case *c = d->c;
    open_section(d, "money", "Money in and out");
    if (c->events == 0) {
        paragraph(d, "lead", case_word(c, "No transaction is on record."));
        close_section(d);
        return;
    }
    if (c->periods > 0) {
        html(d->p, "<p class=\"key\"><i></i>");
        words(d, "money in");
        html(d->p, "<i class=\"out\"></i>");
        words(d, "money out");
        html(d->p, "</p>\n<div class=\"charts\">\n");
        bars(d);
        sums(d);
        html(d->p, "</div>\n");
        periods_table(d);
    }
    lots(d);
    close_section(d);
}

/* ---- reasons ---- */

static void evidence(Dossier *d, const Reason *r)
{
    const Case *c = d->c;
    if (r->feature.size == 0)
        return;
    html(d->p, "<details><summary>");
    html_text(d->p, case_plural(d->arena, c, r->transactions, "{count} transaction behind it",
                                "{count} transactions behind it"));
    html(d->p, "</summary>\n<p class=\"note\"><code>");
    html_text(d->p, r->feature);
    html(d->p, "</code> ");
    const MessagePart part[] = {{S("window"), r->window}, {S("value"), r->value}};
    html_text(d->p, case_say(d->arena, c, "over {window}: {value}", part, COUNT_OF(part)));
    html(d->p, "</p>\n");
    if (r->transactions > 0)
        html(d->p, "<ul class=\"ids\">");
    for (size_t i = 0; i < r->transactions && i < CASE_EVENTS_MAX; i++) {
        html(d->p, "<li>");
        html_id(d->p, r->transaction[i]);
        html(d->p, "</li>");
    }
    if (r->transactions > 0)
        html(d->p, "</ul>\n");
    if (r->transactions > CASE_EVENTS_MAX)
        paragraph(d, "note", case_word(c, "The others are in the JSON of this case."));
    html(d->p, "</details>\n");
}

static void reasons(Dossier *d)
{
    const Case *c = d->c;
    const Decision *made = c->decision;
    open_section(d, "reasons", "What stands out");
    if (made->reasons == 0)
        paragraph(d, "", case_word(c, "Nothing does."));
    else
        html(d->p, "<ol class=\"reasons\">\n");
    for (size_t i = 0; i < made->reasons; i++) {
        const Reason *r = &made->reason[i];
        html(d->p, "<li><p><span class=\"tag\">");
        html_text(d->p, r->severity.size > 0 ? case_word(c, str_chars(d->arena, r->severity))
                                             : case_word(c, "model"));
        html(d->p, " \xC2\xB7 ");
        html_text(d->p, r->family);
        html(d->p, "</span> ");
        html_text(d->p, r->sentence);
        html(d->p, "</p>\n");
        paragraph(d, "aside", case_standing(d->arena, c, r));
        aside(d, "May also be:", r->also);
        aside(d, "Missing proof:", r->missing_proof);
        aside(d, "Next step:", r->next_step);
        evidence(d, r);
        html(d->p, "</li>\n");
    }
    if (made->reasons > 0)
        html(d->p, "</ol>\n");
    subtitle(d, "What speaks for the customer");
    if (made->mitigatings > 0)
        list(d, made->mitigating, made->mitigatings);
    else
        paragraph(d, "", case_word(c, "No mitigating fact of the policy book is on record."));
    close_section(d);
}

/* ---- said and done ---- */

static void mix(Dossier *d, const char *caption, const CaseMixes *m)
{
    const Case *c = d->c;
    if (m->count == 0)
        return;
    table(d, caption, "|>Transactions|>All amounts|>Money in|>Money out");
    for (size_t i = 0; i < m->count; i++) {
        const CaseMix *one = &m->item[i];
        html_row(d->p);
        html_head(d->p, one->others > 0 ? case_plural(d->arena, c, one->others, "{count} other",
                                                      "{count} others")
                        : one->name.size == 0 ? case_word(c, "not said")
                                              : one->name);
        html_cell_number(d->p, case_count(d->arena, c, one->events));
        cell_money(d, one->amount);
        cell_money(d, one->in);
        cell_money(d, one->out);
        html_row_end(d->p);
    }
    html_table_end(d->p);
}

static void fields(Dossier *d, bool declared)
{
    for (size_t i = 0; i < d->c->fields; i++) {
        const CaseField *f = &d->c->field[i];
        if (f->declared != declared)
            continue;
        html_row(d->p);
        html(d->p, "<th scope=\"row\"><code>");
        html_text(d->p, f->name);
        html(d->p, "</code></th>");
        html_cell(d->p, f->value.size > 0 ? f->value : case_word(d->c, "not on record"));
        html_cell(d->p, f->says);
        html_row_end(d->p);
    }
}

static void said(Dossier *d)
{
    const Case *c = d->c;
    open_section(d, "said", "Said and done");
    table(d, "What is on record of the customer", "Column|Value|Meaning");
    fields(d, true);
    fields(d, false);
    html_table_end(d->p);
    if (c->hidden > 0)
        paragraph(d, "note",
                  case_plural(d->arena, c, c->hidden,
                              "{count} column on protected grounds is not shown.",
                              "{count} columns on protected grounds are not shown."));
    if (c->comparisons > 0) {
        table(d, "What was said beside what was done", "Comparison|Seen here");
        for (size_t i = 0; i < c->comparisons; i++) {
            const CaseComparison *one = &c->comparison[i];
            html_row(d->p);
            html_head(d->p, one->says);
            html(d->p, one->holds ? "<td class=\"mark\">" : "<td>");
            words(d, one->holds ? "yes" : one->known ? "no" : "not known");
            html(d->p, "</td>");
            html_row_end(d->p);
        }
        html_table_end(d->p);
    }
    html(d->p, "<div class=\"pair\">\n");
    mix(d, "Kinds of transactions", &c->kinds);
    mix(d, "How transactions ended", &c->states);
    html(d->p, "</div>\n");
    paragraph(d, "note",
              case_word(c, "Money in and out is what the features book counts as such; "
                           "the amounts of all transactions, attempts that failed too, "
                           "stand beside it."));
    close_section(d);
}

static void doubts(Dossier *d)
{
    const Case *c = d->c;
    open_section(d, "doubts", "To doubt in these rows");
    if (c->warnings == 0)
        paragraph(d, "", case_word(c, "Nothing was found."));
    else
        html(d->p, "<ul>\n");
    for (size_t i = 0; i < c->warnings; i++) {
        const CaseWarning *w = &c->warning[i];
        html(d->p, "<li>");
        html_text(d->p, w->sentence);
        for (size_t k = 0; k < w->places; k++) {
            html(d->p, k == 0 ? " <span class=\"note\">" : ", ");
            html_text(d->p, w->place[k]);
        }
        html(d->p, w->places > 0 ? "</span></li>\n" : "</li>\n");
    }
    if (c->warnings > 0)
        html(d->p, "</ul>\n");
    close_section(d);
}

/* ---- what was made of it ---- */

static void pushes(Dossier *d)
{
    const Case *c = d->c;
    if (c->pushes == 0)
        return;
    double rest = 0;
    html(d->p, "<details><summary>");
    words(d, "What the score is made of");
    html(d->p, "</summary>\n");
    table(d, "Contributions to the calibrated log-odds", "Feature|Meaning|>Log-odds");
    html_row(d->p);
    html_head(d->p, case_word(c, "starting point"));
    html_cell(d->p, S(""));
    html_cell_number(d->p, number_fixed(d->arena, c->push_start, 3));
    html_row_end(d->p);
    for (size_t i = 0; i < c->pushes; i++) {
        if (i >= PUSHES_SHOWN) {
            rest += c->push[i].value;
            continue;
        }
        html_row(d->p);
        html_head(d->p, c->push[i].feature);
        html_cell(d->p, c->push[i].says);
        html_cell_number(d->p, number_fixed(d->arena, c->push[i].value, 3));
        html_row_end(d->p);
    }
    if (c->pushes > PUSHES_SHOWN) {
        html_row(d->p);
        html_head(d->p, case_word(c, "all others"));
        html_cell(d->p, S(""));
        html_cell_number(d->p, number_fixed(d->arena, rest, 3));
        html_row_end(d->p);
    }
    html(d->p, "<tr class=\"sum\">");
    html_head(d->p, case_word(c, "log-odds of the score"));
    html_cell(d->p, S(""));
    html_cell_number(d->p, number_fixed(d->arena, c->push_sum, 3));
    html_row_end(d->p);
    html_table_end(d->p);
    html(d->p, "</details>\n");
}

static void change(Dossier *d)
{
    const Change *change = d->change;
    if (change == NULL || change->sentence.size == 0)
        return;
    subtitle(d, "What would change the outcome");
    paragraph(d, "", change->sentence);
    Str *step = ARENA_ARRAY(d->arena, Str, change->steps + 1);
    for (size_t i = 0; i < change->steps; i++)
        step[i] = change->step[i].sentence;
    if (change->steps > 0)
        list(d, step, change->steps);
}

static void measures(Dossier *d)
{
    const Decision *made = d->c->decision;
    if (made->measures == 0)
        return;
    subtitle(d, "Milder measures weighed");
    table(d, "From the mildest", "Measure|Suffices|Why");
    for (size_t i = 0; i < made->measures; i++) {
        html_row(d->p);
        html_head(d->p, made->measure[i].id);
        html_cell(d->p, case_word(d->c, made->measure[i].suffices ? "yes" : "no"));
        html_cell(d->p, made->measure[i].sentence);
        html_row_end(d->p);
    }
    html_table_end(d->p);
}

static void facts(Dossier *d)
{
    const Case *c = d->c;
    const Decision *made = c->decision;
    if (made->facts > 0) {
        subtitle(d, "Known of the case");
        table(d, "Facts of the case", "Fact|Evidence|Since");
        for (size_t i = 0; i < made->facts; i++) {
            const CaseFact *f = &made->fact[i];
            html_row(d->p);
            html_head(d->p, f->name);
            html_cell(d->p, f->evidence);
            html_cell(d->p, f->since_us == NO_TIME ? case_word(c, "not said")
                                                   : case_day(d->arena, f->since_us));
            html_row_end(d->p);
        }
        html_table_end(d->p);
    }
    if (!c->earlier.known)
        return;
    subtitle(d, "Before");
    const MessagePart part[] = {{S("segment"), case_word(c, segment_name(c->earlier.segment).data)},
                                {S("day"), c->earlier.since_us == NO_TIME
                                               ? case_word(c, "an unknown day")
                                               : case_day(d->arena, c->earlier.since_us)}};
    paragraph(d, "", case_say(d->arena, c, "In segment {segment} since {day}.", part, 2));
}

static void outcome(Dossier *d)
{
    const Case *c = d->c;
    const Decision *made = c->decision;
    open_section(d, "outcome", "The score and what is proposed");
    paragraph(d, "note",
              case_word(c, "Form a view of what stands above before you read on: a number "
                           "seen first colours the rest."));
    html(d->p, "<dl class=\"figures\">\n");
    const MessagePart part[] = {{S("low"), case_percent(d->arena, c, made->probability_low)},
                                {S("high"), case_percent(d->arena, c, made->probability_high)},
                                {S("medium"), case_percent(d->arena, c, c->thresholds.medium)},
                                {S("review"), case_percent(d->arena, c, c->thresholds.high)}};
    figure(d, "Score", case_percent(d->arena, c, made->probability),
           case_say(d->arena, c, "what the data supports: {low} to {high}", part, 4));
    figure(d, "Segment", case_word(c, segment_name(made->segment).data),
           case_say(d->arena, c, "Medium from {medium}, High from {review}", part, 4));
    figure(d, "Proposed", action_name(made->action), case_word(c, "for people to decide on"));
    figure(d, "Kinds of evidence", case_count(d->arena, c, made->families),
           case_plural(d->arena, c, made->severe_rules, "{count} severe rule",
                       "{count} severe rules"));
    html(d->p, "</dl>\n");
    paragraph(d, "lead", made->because);
    paragraph(d, "", made->segment_because);
    paragraph(d, "", made->near_miss);
    if (made->insufficient_data)
        paragraph(d, "", case_word(c, "Insufficient data: the score says little."));
    if (made->safeguards > 0) {
        subtitle(d, "Safeguards that lowered the proposal");
        list(d, made->safeguard, made->safeguards);
    }
    pushes(d);
    change(d);
    measures(d);
    facts(d);
    close_section(d);
}

/* For paper: nobody's name is filled in by the program. */
static void signatures(Dossier *d)
{
    open_section(d, "decision", "Decision of two people");
    table(d, "To be filled in by hand", "|Name|Decision|Reason|Date");
    for (int i = 0; i < 2; i++) {
        html(d->p, "<tr class=\"blank\">");
        html_head(d->p, case_word(d->c, i == 0 ? "First reviewer" : "Second reviewer"));
        html(d->p, "<td></td><td></td><td></td><td></td>");
        html_row_end(d->p);
    }
    html_table_end(d->p);
    close_section(d);
}

static void events(Dossier *d)
{
    const Case *c = d->c;
    if (c->shown == 0)
        return;
    open_section(d, "transactions", "Transactions");
    if (c->shown < c->events) {
        const MessagePart part[] = {{S("shown"), case_count(d->arena, c, c->shown)},
                                    {S("all"), case_count(d->arena, c, c->events)}};
        paragraph(d, "note",
                  case_say(d->arena, c,
                           "{shown} of {all}: those behind reasons first of all, then the latest.",
                           part, 2));
    }
    html(d->p, "<details><summary>");
    html_text(d->p,
              case_plural(d->arena, c, c->shown, "{count} transaction", "{count} transactions"));
    html(d->p, "</summary>\n");
    table(d, "In time order", "Begun|Kind|State|Direction|>Amount|>Matched|Counts as|>Reason|Id");
    for (size_t i = 0; i < c->shown; i++) {
        const CaseEvent *e = &c->event[i];
        html_row(d->p);
        html_head(d->p, minute(d, e->at_us));
        html_cell(d->p, e->kind);
        html_cell(d->p, e->state);
        html_cell(d->p, e->direction);
        html_cell_number(d->p, e->has_amount ? case_money(d->arena, c, e->amount) : S(""));
        cell_money(d, e->matched);
        html_cell(d->p, case_word(c, e->flow == CASE_IN    ? "money in"
                                     : e->flow == CASE_OUT ? "money out"
                                                           : "neither"));
        html_cell_number(d->p, e->reason == 0 ? S("") : case_count(d->arena, c, e->reason));
        cell_id(d, e->id);
        html_row_end(d->p);
    }
    html_table_end(d->p);
    html(d->p, "</details>\n");
    close_section(d);
}

Str report_dossier(Arena *keep, const Case *c, const Change *with, Str version,
                   const Bundle *bundle)
{
    Arena own = arena_new(), spare = arena_new();
    Page p = {.arena = &own, .spare = spare, .out = buffer_new(keep)};
    Dossier d = {&p, &own, c, with};
    begin(&d, version, bundle);
    money(&d);
    reasons(&d);
    said(&d);
    doubts(&d);
    outcome(&d);
    signatures(&d);
    events(&d);
    html(&p, "</main>\n<footer>\n<p class=\"note\">");
    words(&d, "This file holds personal data of one customer. It needs no network. It "
              "proposes; people decide.");
    html(&p, "</p>\n</footer>\n");
    html_close(&p);
    arena_free(&spare);
    arena_free(&own);
    return buffer_str(&p.out);
}
