/* report_data.c - part 1: what came in, and what was made of it. */
#include "report/report_data.h"

static void ledger(Page *p, const Tally *t)
{
    const Dataset *d = p->run->data;
    Arena *a = p->arena;
    html(p, "<h3 id=\"ledger\">Every row accounted for</h3>\n");
    if (t->rows == t->used + t->merged + t->quarantined)
        html_paragraph(p, "Rows read are rows used, merged or set aside; the sum holds for every "
                          "file. What was set aside is in quarantine.csv, with file, line and "
                          "reason.");
    else
        html_paragraph(p, "The sum does not hold: rows were lost. Do not rely on this run.");
    html_table(p, "Rows by file", "File|Holds|>Read|>Used|>Merged|>Set aside");
    for (size_t i = 0; i < d->ledger_count; i++) {
        const LedgerLine *l = &d->ledger[i];
        html_row(p);
        html_head_id(p, l->file);
        html_cell(p, l->role);
        html_cell_number(p, number_count(a, l->rows));
        html_cell_number(p, number_count(a, l->used));
        html_cell_number(p, number_count(a, l->merged));
        html_cell_number(p, number_count(a, l->quarantined));
        html_row_end(p);
    }
    html(p, "<tr class=\"sum\">");
    html_head(p, S("All files"));
    html_cell(p, S(""));
    html_cell_number(p, number_count(a, t->rows));
    html_cell_number(p, number_count(a, t->used));
    html_cell_number(p, number_count(a, t->merged));
    html_cell_number(p, number_count(a, t->quarantined));
    html_row_end(p);
    html_table_end(p);
}

/* ---- cohorts ---- */

typedef struct Cohort {
    size_t customers, idle, transactions;
    int64_t first_us, last_us;
} Cohort;

static Cohort cohort_of(const Run *run, uint8_t bits, bool exactly)
{
    const Events *e = run->scored->events;
    Cohort c = {.first_us = INT64_MAX, .last_us = INT64_MIN};
    for (size_t i = 0; i < run->data->customers; i++) {
        uint8_t cohort = run->data->cohort[i];
        if (exactly ? cohort != bits : (cohort & bits) == 0)
            continue;
        c.customers++;
        c.idle += events_of(run, i) == 0;
        c.transactions += events_of(run, i);
        for (size_t row = e->start[i]; row < e->start[i + 1]; row++) {
            int64_t at = e->created_us[row];
            c.first_us = at < c.first_us ? at : c.first_us;
            c.last_us = at > c.last_us ? at : c.last_us;
        }
    }
    return c;
}

static Str day(Arena *arena, int64_t time_us)
{
    char text[TIME_TEXT];
    int64_t days = time_us / DAY_US - (time_us % DAY_US < 0);
    return str_copy(arena, date_text(text, days));
}

static void cohort_row(Page *p, const char *name, Cohort c)
{
    Arena *a = p->arena;
    html_row(p);
    html_head(p, str_from(name));
    html_cell_number(p, number_count(a, c.customers));
    html_cell_number(p, number_count(a, c.idle));
    html_cell_number(p, number_count(a, c.transactions));
    html_cell_number(p, c.transactions == 0 ? S("none") : day(a, c.first_us));
    html_cell_number(p, c.transactions == 0 ? S("none") : day(a, c.last_us));
    html_row_end(p);
}

static void cohorts(Page *p, const Tally *t)
{
    const Run *run = p->run;
    char time[TIME_TEXT];
    Str as_of = time_text(time, run->data->as_of_us);
    html(p, "<h3 id=\"cohorts\">Customers and time</h3>\n");
    html_paragraph(p,
                   "Everything is taken as it was known at %.*s. A customer is one row from here "
                   "on, however many rows the files hold; a transaction is one event, however "
                   "many of its states were exported.",
                   STR_ARG(as_of));
    html_table(p, "Customers, transactions and the days they cover",
               "Cohort|>Customers|>Without transactions|>Transactions|>First|>Last");
    cohort_row(p, "Labelled", cohort_of(run, COHORT_LABELLED, false));
    cohort_row(p, "To be scored", cohort_of(run, COHORT_SCORED, false));
    if (t->both > 0)
        cohort_row(p, "Of these, in both", cohort_of(run, COHORT_LABELLED | COHORT_SCORED, true));
    html_table_end(p);
}

/* ---- labels ---- */

static void label_row(Page *p, Str name, size_t count, size_t all, const char *use)
{
    html_row(p);
    html_head(p, name);
    html_cell_number(p, number_count(p->arena, count));
    html_cell_number(p, number_share(p->arena, all == 0 ? 0 : (double)count / (double)all));
    html_cell(p, str_from(use));
    html_row_end(p);
}

/* "SUSPENDED, CLOSED: risky" */
static Str label_value(Arena *a, BookTexts values, const char *meaning)
{
    Buffer b = buffer_new(a);
    for (size_t i = 0; i < values.count; i++)
        buffer_format(&b, "%s%.*s", i > 0 ? ", " : "", STR_ARG(values.item[i].text));
    buffer_format(&b, "%s%s", values.count > 0 ? ": " : "", meaning);
    return buffer_str(&b);
}

static void labels(Page *p, const Tally *t)
{
    const SchemaLabel *l = &p->run->plan->schema->customers.label;
    if (t->labelled == 0)
        return;
    html_table(p, "Labelled customers by past decision", "Label|>Customers|>Share|Used for");
    label_row(p, label_value(p->arena, l->positive, "counts as risky"), t->positive, t->labelled,
              "training and evaluation");
    label_row(p, label_value(p->arena, l->negative, "counts as not risky"), t->negative,
              t->labelled, "training and evaluation");
    if (t->contradictory > 0)
        label_row(p, S("both labels"), t->contradictory, t->labelled, "scored and listed only");
    if (t->unlabelled > 0)
        label_row(p, S("no known label"), t->unlabelled, t->labelled, "scored only");
    html_table_end(p);
}

/* ---- findings ---- */

static void finding_rows(Page *p, Severity severity, bool for_people)
{
    const Findings *f = p->run->data->findings;
    for (size_t i = 0; i < f->count; i++) {
        if (f->item[i].severity != severity || finding_for_people(&f->item[i]) != for_people)
            continue;
        html(p, severity == SEVERITY_SEVERE ? "<tr class=\"severe\">" : "<tr>");
        html_head(p, severity_name(severity));
        html_cell(p, f->item[i].what);
        html_cell(p, f->item[i].done);
        html_row_end(p);
    }
}

static void findings(Page *p, const Tally *t)
{
    Arena *a = p->arena;
    html(p, "<h3 id=\"findings\">Findings and repairs</h3>\n");
    if (t->severe + t->warnings + t->notes == 0) {
        html_paragraph(p, "Nothing was found that needed a repair.");
        return;
    }
    Str severe = number_count(a, t->severe);
    Str warnings = number_plural(a, t->warnings, "warning", "warnings");
    Str notes = number_plural(a, t->notes, "note", "notes");
    html_paragraph(p,
                   "%.*s severe, %.*s, %.*s. Nothing was repaired in silence: each line says "
                   "what was found and what was done about it.",
                   STR_ARG(severe), STR_ARG(warnings), STR_ARG(notes));
    size_t people = 0;
    for (size_t i = 0; i < p->run->data->findings->count; i++)
        people += finding_for_people(&p->run->data->findings->item[i]);
    if (people > 0) {
        html_table(p, "A person must decide", "Severity|Found|Done, or to be done");
        finding_rows(p, SEVERITY_SEVERE, true);
        finding_rows(p, SEVERITY_WARNING, true);
        html_table_end(p);
    }
    if (t->severe + t->warnings > people) {
        html_table(p, "Handled", "Severity|Found|Done");
        finding_rows(p, SEVERITY_WARNING, false);
        html_table_end(p);
    }
    if (t->notes > 0) {
        html(p, "<details><summary>");
        html_text(p, number_plural(a, t->notes, "note for completeness", "notes for completeness"));
        html(p, "</summary>\n");
        html_table(p, "Notes", "Severity|Found|Done");
        finding_rows(p, SEVERITY_INFO, false);
        html_table_end(p);
        html(p, "</details>\n");
    }
}

void section_data(Page *p)
{
    const Tally t = tally_run(p->run);
    Arena *a = p->arena;
    Str rows = number_plural(a, t.rows, "row", "rows");
    Str files = number_plural(a, p->run->data->ledger_count, "file", "files");
    Str customers = number_plural(a, p->run->data->customers, "customer", "customers");
    Str events =
        number_plural(a, p->run->scored->events->rows->rows, "transaction", "transactions");
    html(p, "<section id=\"data\" aria-labelledby=\"data-h\">\n<h2 id=\"data-h\">1 Data</h2>\n");
    html_paragraph(p, "%.*s in %.*s became %.*s with %.*s.", STR_ARG(rows), STR_ARG(files),
                   STR_ARG(customers), STR_ARG(events));
    ledger(p, &t);
    cohorts(p, &t);
    labels(p, &t);
    findings(p, &t);
    if (p->run->description != NULL) {
        data_coverage(p);
        data_distributions(p);
        data_missing(p);
        data_outliers(p);
        data_correlations(p);
        data_drift(p);
    }
    html(p, "</section>\n");
}
