/* report_dossier_parts.c - the parts of a case's page below its money: reasons, record, doubts,
 * what was made of them, and the transactions. */
#include "report/report_dossier.h"

enum { PUSHES_SHOWN = 12 };

static void aside(Dossier *d, const char *name, Str text)
{
    if (text.size == 0)
        return;
    html(d->p, "<p class=\"aside\"><b>");
    dossier_words(d, name);
    html(d->p, "</b> ");
    html_text(d->p, text);
    html(d->p, "</p>\n");
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
        dossier_paragraph(d, "note", case_word(c, "The others are in the JSON of this case."));
    html(d->p, "</details>\n");
}

void dossier_reasons(Dossier *d)
{
    const Case *c = d->c;
    const Decision *made = c->decision;
    dossier_section(d, "reasons", "What stands out");
    if (made->reasons == 0)
        dossier_paragraph(d, "", case_word(c, "Nothing does."));
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
        dossier_paragraph(d, "aside", case_standing(d->arena, c, r, false));
        aside(d, "May also be:", r->also);
        aside(d, "Missing proof:", r->missing_proof);
        aside(d, "Next step:", r->next_step);
        evidence(d, r);
        html(d->p, "</li>\n");
    }
    if (made->reasons > 0)
        html(d->p, "</ol>\n");
    dossier_subtitle(d, "What speaks for the customer");
    if (made->mitigatings > 0)
        list(d, made->mitigating, made->mitigatings);
    else
        dossier_paragraph(d, "",
                          case_word(c, "No mitigating fact of the policy book is on record."));
    dossier_section_end(d);
}

/* ---- said and done ---- */

static void mix(Dossier *d, const char *caption, const CaseMixes *m)
{
    const Case *c = d->c;
    if (m->count == 0)
        return;
    dossier_table(d, caption, "|>Transactions|>All amounts|>Money in|>Money out");
    for (size_t i = 0; i < m->count; i++) {
        const CaseMix *one = &m->item[i];
        html_row(d->p);
        html_head(d->p, one->others > 0 ? case_plural(d->arena, c, one->others, "{count} other",
                                                      "{count} others")
                        : one->name.size == 0 ? case_word(c, "not said")
                                              : one->name);
        html_cell_number(d->p, case_count(d->arena, c, one->events));
        dossier_cell_money(d, one->amount);
        dossier_cell_money(d, one->in);
        dossier_cell_money(d, one->out);
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
        html(d->p, "</code><small>");
        html_text(d->p, f->says);
        html(d->p, "</small></th>");
        html_cell(d->p, f->value.size > 0 ? f->value : case_word(d->c, "not on record"));
        html_row_end(d->p);
    }
}

void dossier_record(Dossier *d)
{
    const Case *c = d->c;
    dossier_section(d, "said", "Said and done");
    dossier_table(d, "What is on record of the customer", "Column|Value");
    fields(d, true);
    fields(d, false);
    html_table_end(d->p);
    if (c->hidden > 0)
        dossier_paragraph(d, "note",
                          case_plural(d->arena, c, c->hidden,
                                      "{count} value on protected grounds is not shown.",
                                      "{count} values on protected grounds are not shown."));
    if (c->comparisons > 0) {
        dossier_table(d, "What was said beside what was done", "Comparison|Seen here");
        for (size_t i = 0; i < c->comparisons; i++) {
            const CaseComparison *one = &c->comparison[i];
            html_row(d->p);
            html_head(d->p, one->says);
            html(d->p, one->holds ? "<td class=\"mark\">" : "<td>");
            dossier_words(d, one->holds ? "yes" : one->known ? "no" : "not known");
            html(d->p, "</td>");
            html_row_end(d->p);
        }
        html_table_end(d->p);
    }
    mix(d, "Kinds of transactions", &c->kinds);
    mix(d, "How transactions ended", &c->states);
    dossier_paragraph(d, "note",
                      case_word(c, "Money in and out is what the features book counts as such; "
                                   "the amounts of all transactions, attempts that failed too, "
                                   "stand beside it."));
    dossier_section_end(d);
}

void dossier_doubts(Dossier *d)
{
    const Case *c = d->c;
    dossier_section(d, "doubts", "Doubts about the data");
    if (c->warnings == 0)
        dossier_paragraph(d, "", case_word(c, "Nothing was found."));
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
    dossier_section_end(d);
}

/* ---- what was made of it ---- */

static void pushes(Dossier *d)
{
    const Case *c = d->c;
    if (c->pushes == 0)
        return;
    double rest = 0;
    html(d->p, "<details><summary>");
    dossier_words(d, "What the score is made of");
    html(d->p, "</summary>\n");
    dossier_table(d, "Contributions to the calibrated log-odds", "Feature|>Log-odds");
    html_row(d->p);
    html_head(d->p, case_word(c, "starting point"));
    html_cell_number(d->p, number_fixed(d->arena, c->push_start, 3));
    html_row_end(d->p);
    for (size_t i = 0; i < c->pushes; i++) {
        if (i >= PUSHES_SHOWN) {
            rest += c->push[i].value;
            continue;
        }
        html(d->p, "<tr><th scope=\"row\"><code>");
        html_text(d->p, c->push[i].feature);
        html(d->p, "</code><small>");
        html_text(d->p, c->push[i].says);
        html(d->p, "</small></th>");
        html_cell_number(d->p, number_fixed(d->arena, c->push[i].value, 3));
        html_row_end(d->p);
    }
    if (c->pushes > PUSHES_SHOWN) {
        html_row(d->p);
        html_head(d->p, case_word(c, "all others"));
        html_cell_number(d->p, number_fixed(d->arena, rest, 3));
        html_row_end(d->p);
    }
    html(d->p, "<tr class=\"sum\">");
    html_head(d->p, case_word(c, "log-odds of the score"));
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
    dossier_subtitle(d, "What would change the outcome");
    dossier_paragraph(d, "", change->sentence);
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
    dossier_subtitle(d, "Milder measures weighed");
    dossier_table(d, "From the mildest", "Measure|Suffices|Why");
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
        dossier_subtitle(d, "Known of the case");
        dossier_table(d, "Facts of the case", "Fact|Evidence|Since|Counts");
        for (size_t i = 0; i < made->facts; i++) {
            const CaseFact *f = &made->fact[i];
            html_row(d->p);
            html(d->p, "<th scope=\"row\"><code>");
            html_text(d->p, f->name);
            html(d->p, "</code><small>");
            html_text(d->p, f->sentence);
            html(d->p, "</small></th>");
            html_cell(d->p, f->evidence);
            html_cell(d->p, f->since_us == NO_TIME ? case_word(c, "not said")
                                                   : case_day(d->arena, f->since_us));
            html_cell(d->p, case_word(c, f->counts ? "yes" : "no"));
            html_row_end(d->p);
        }
        html_table_end(d->p);
    }
    if (!c->earlier.known)
        return;
    dossier_subtitle(d, "Before");
    const MessagePart part[] = {{S("segment"), case_word(c, segment_name(c->earlier.segment).data)},
                                {S("day"), c->earlier.since_us == NO_TIME
                                               ? case_word(c, "an unknown day")
                                               : case_day(d->arena, c->earlier.since_us)}};
    dossier_paragraph(d, "", case_say(d->arena, c, "In segment {segment} since {day}.", part, 2));
}

void dossier_outcome(Dossier *d)
{
    const Case *c = d->c;
    const Decision *made = c->decision;
    dossier_section(d, "outcome", "The score and what is proposed");
    dossier_paragraph(d, "note",
                      case_word(c, "Form a view of what stands above before you read on: a number "
                                   "seen first colours the rest."));
    html(d->p, "<dl class=\"figures\">\n");
    const MessagePart part[] = {{S("low"), case_percent(d->arena, c, made->probability_low)},
                                {S("high"), case_percent(d->arena, c, made->probability_high)},
                                {S("medium"), case_percent(d->arena, c, c->thresholds.medium)},
                                {S("review"), case_percent(d->arena, c, c->thresholds.high)}};
    dossier_figure(d, "Score", case_percent(d->arena, c, made->probability),
                   case_say(d->arena, c, "what the data supports: {low} to {high}", part, 4));
    dossier_figure(d, "Segment", case_word(c, segment_name(made->segment).data),
                   case_say(d->arena, c, "Medium from {medium}, High from {review}", part, 4));
    dossier_figure(d, "Proposed", action_name(made->action),
                   case_word(c, "for people to decide on"));
    dossier_figure(d, "Kinds of evidence", case_count(d->arena, c, made->families),
                   case_plural(d->arena, c, made->severe_rules, "{count} severe rule",
                               "{count} severe rules"));
    html(d->p, "</dl>\n");
    dossier_paragraph(d, "lead", made->because);
    if (made->queue.size > 0) {
        const MessagePart queue = {S("queue"), made->queue};
        dossier_paragraph(d, "", case_say(d->arena, c, "The case goes to {queue}.", &queue, 1));
    }
    dossier_paragraph(d, "", made->segment_because);
    dossier_paragraph(d, "", made->near_miss);
    if (made->insufficient_data)
        dossier_paragraph(d, "", case_word(c, "Insufficient data: the score says little."));
    if (made->safeguards > 0) {
        dossier_subtitle(d, "Safeguards that lowered the proposal");
        list(d, made->safeguard, made->safeguards);
    }
    pushes(d);
    change(d);
    measures(d);
    facts(d);
    dossier_section_end(d);
}

/* For paper: nobody's name is filled in by the program. */
void dossier_signatures(Dossier *d)
{
    dossier_section(d, "decision", "Decision of two people");
    dossier_table(d, "To be filled in by hand", "|Name|Decision|Reason|Date");
    for (int i = 0; i < 2; i++) {
        html(d->p, "<tr class=\"blank\">");
        html_head(d->p, case_word(d->c, i == 0 ? "First reviewer" : "Second reviewer"));
        html(d->p, "<td></td><td></td><td></td><td></td>");
        html_row_end(d->p);
    }
    html_table_end(d->p);
    dossier_section_end(d);
}

void dossier_events(Dossier *d)
{
    const Case *c = d->c;
    if (c->shown == 0)
        return;
    dossier_section(d, "transactions", "Transactions");
    if (c->shown < c->events) {
        const MessagePart part[] = {{S("shown"), case_count(d->arena, c, c->shown)},
                                    {S("all"), case_count(d->arena, c, c->events)}};
        dossier_paragraph(
            d, "note",
            case_say(d->arena, c,
                     "{shown} of {all}: those behind reasons first of all, then the latest.", part,
                     2));
    }
    html(d->p, "<details><summary>");
    html_text(d->p,
              case_plural(d->arena, c, c->shown, "{count} transaction", "{count} transactions"));
    html(d->p, "</summary>\n");
    dossier_table(d, "In time order",
                  "Begun|Kind|State|Direction|>Amount|>Matched|Counts as|>Reason|Id");
    for (size_t i = 0; i < c->shown; i++) {
        const CaseEvent *e = &c->event[i];
        html_row(d->p);
        html_head(d->p, dossier_minute(d, e->at_us));
        html_cell(d->p, e->kind);
        html_cell(d->p, e->state);
        html_cell(d->p, e->direction);
        html_cell_number(d->p, e->has_amount ? case_money(d->arena, c, e->amount) : S(""));
        dossier_cell_money(d, e->matched);
        html_cell(d->p, case_word(c, e->flow == CASE_IN    ? "money in"
                                     : e->flow == CASE_OUT ? "money out"
                                                           : "neither"));
        html_cell_number(d->p, e->reason == 0 ? S("") : case_count(d->arena, c, e->reason));
        cell_id(d, e->id);
        html_row_end(d->p);
    }
    html_table_end(d->p);
    html(d->p, "</details>\n");
    dossier_section_end(d);
}
