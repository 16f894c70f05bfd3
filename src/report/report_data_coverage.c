/* report_data_coverage.c - which weeks the files cover, and who is there. */
#include "report/report_data.h"

typedef enum Measure { EVENTS, CUSTOMERS, JOINING, MEASURES } Measure;
static const char *const titles[MEASURES] = {"Transactions", "Customers with transactions",
                                             "Customers with their first transaction"};

static double value_of(const CoverageStep *s, Measure m, DescribeGroup g)
{
    size_t customers = m == JOINING ? s->joining[g] : s->customers[g];
    if (data_few(customers))
        return MISSING_VALUE;
    return (double)(m == EVENTS ? s->events[g] : customers);
}

static Str day(Page *p, int64_t at_us)
{
    char text[TIME_TEXT];
    return str_copy(p->arena, date_text(text, at_us / DAY_US - (at_us % DAY_US < 0)));
}

static void charts(Page *p, const Coverage *c)
{
    const Description *d = p->run->description;
    Arena *a = p->arena;
    double *value = ARENA_ARRAY(a, double, c->steps + 1);
    Str first = day(p, c->step[0].from_us);
    Str last = str_format(a, "week of %.*s", STR_ARG(day(p, c->step[c->steps - 1].from_us)));
    html(p, "<div class=\"charts data\">\n");
    for (size_t m = 0; m < MEASURES; m++)
        for (size_t g = DESCRIBE_LABELLED; g < DESCRIBE_GROUPS; g++) {
            if (d->customers[g] == 0)
                continue;
            Str name = data_group(p, (DescribeGroup)g);
            for (size_t s = 0; s < c->steps; s++)
                value[s] = value_of(&c->step[s], (Measure)m, (DescribeGroup)g);
            steps_draw(p, str_chars(a, str_format(a, "time-%zu-%zu", m, g)),
                       str_format(a, "%s, %.*s", titles[m], STR_ARG(name)),
                       str_format(a, "%s by %s, %.*s customers.", titles[m],
                                  c->weeks_a_step == 1 ? "week" : "equal steps of weeks",
                                  STR_ARG(name)),
                       g == DESCRIBE_LABELLED ? "g2" : "g3", value, c->steps, first, last);
            html(p, "</figure>\n");
        }
    html(p, "</div>\n");
}

static void table(Page *p, const Coverage *c)
{
    const Description *d = p->run->description;
    bool both = d->customers[DESCRIBE_LABELLED] > 0 && d->customers[DESCRIBE_SCORED] > 0;
    data_fold(p, "The figures");
    html_table(p, "By week, from Monday on (UTC)",
               both
                   ? "From|>Transactions, labelled|>Customers|>Joining|>Transactions, to be scored|"
                     ">Customers|>Joining"
                   : "From|>Transactions|>Customers|>Joining");
    for (size_t s = 0; s < c->steps; s++) {
        html_row(p);
        html_head(p, day(p, c->step[s].from_us));
        for (size_t g = DESCRIBE_LABELLED; g < DESCRIBE_GROUPS; g++) {
            if (d->customers[g] == 0)
                continue;
            const CoverageStep *step = &c->step[s];
            html_cell_number(p, data_few(step->customers[g])
                                    ? S("of fewer than 5")
                                    : number_count(p->arena, step->events[g]));
            html_cell_number(p, data_count(p->arena, step->customers[g]));
            html_cell_number(p, data_count(p->arena, step->joining[g]));
        }
        html_row_end(p);
    }
    html_table_end(p);
    data_fold_end(p);
}

/* Half of a cohort's customers had joined by the end of this step. */
static const CoverageStep *half_joined(const Coverage *c, DescribeGroup g)
{
    size_t all = 0, so_far = 0;
    for (size_t s = 0; s < c->steps; s++)
        all += c->step[s].joining[g];
    for (size_t s = 0; s < c->steps; s++) {
        so_far += c->step[s].joining[g];
        if (2 * so_far >= all && all >= DESCRIBE_LEAST)
            return &c->step[s];
    }
    return NULL;
}

static void words(Page *p, const Coverage *c)
{
    const Description *d = p->run->description;
    for (size_t g = DESCRIBE_LABELLED; g < DESCRIBE_GROUPS; g++) {
        const CoverageStep *half = half_joined(c, (DescribeGroup)g);
        if (d->customers[g] == 0)
            continue;
        if (c->events[g] == 0) {
            html_paragraph(p, "Of the %.*s customers no transaction is known.",
                           STR_ARG(data_group(p, (DescribeGroup)g)));
            continue;
        }
        Str name =
            g == DESCRIBE_LABELLED ? S("Customers with labels") : S("Customers to be scored");
        Str first = day(p, c->first_us[g]);
        Str last = day(p, c->last_us[g]);
        Str events = number_count(p->arena, c->events[g]);
        Str idle = data_count(p->arena, c->idle[g]);
        Str joined =
            half == NULL
                ? S("")
                : str_format(p->arena,
                             " Half of those with transactions had joined by the end of the "
                             "week of %.*s.",
                             STR_ARG(day(p, half->from_us)));
        html_paragraph(p,
                       "%.*s: %.*s transactions from %.*s to %.*s; %.*s of %zu have "
                       "none.%.*s",
                       STR_ARG(name), STR_ARG(events), STR_ARG(first), STR_ARG(last), STR_ARG(idle),
                       d->customers[g], STR_ARG(joined));
    }
}

void data_coverage(Page *p)
{
    const Coverage *c = &p->run->description->coverage;
    html(p, "<h3 id=\"coverage\">Time covered</h3>\n");
    if (c->steps == 0) {
        html_paragraph(p, p->run->plan->schema->timeless
                              ? "Transactions of these files have no time."
                              : "There are no transactions.");
        return;
    }
    words(p, c);
    charts(p, c);
    table(p, c);
    html_note(p,
              "One bar is %zu week%s, from Monday in UTC; a bar of fewer than 5 customers is "
              "left out. The first and the last may be cut by the ends of the extract. "
              "coverage.csv has them by past "
              "decision too.",
              c->weeks_a_step, c->weeks_a_step == 1 ? "" : "s");
}
