/* report_data_missing.c - where values are missing, and for whom more than for others. */
#include "report/report_data.h"

#include <math.h>

enum { BARS_SHOWN = 16, FEATURES_SHOWN = 12 };

static double share_of(const Missingness *m, DescribeGroup g)
{
    return m->rows[g] == 0 ? 0 : (double)m->missing[g] / (double)m->rows[g];
}

static double greatest(const Missingness *m)
{
    double out = 0;
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
        out = fmax(out, share_of(m, (DescribeGroup)g));
    return out;
}

static const char *of_words(DescribeOf of)
{
    static const char *const names[] = {"customers' files", "transactions", "features"};
    return names[of];
}

static void row(Page *p, const Missingness *m)
{
    html_row(p);
    html_head(p, m->name);
    html_cell(p, str_from(of_words(m->of)));
    html_cell(p, m->ground);
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
        if (p->run->description->customers[g] > 0)
            html_cell_number(p, data_share(p->arena, m->missing[g], m->rows[g]));
    html_cell(p, m->cohorts_differ && m->classes_differ ? S("classes, cohorts")
                 : m->cohorts_differ                    ? S("cohorts")
                 : m->classes_differ                    ? S("classes")
                                                        : S(""));
    html_row_end(p);
}

static const char *head(Page *p)
{
    Buffer b = buffer_new(p->arena);
    buffer_add(&b, S("Column|Of|Protected ground"));
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
        if (p->run->description->customers[g] > 0) {
            Str name = data_group(p, (DescribeGroup)g);
            buffer_add(&b, S("|>"));
            for (size_t k = 0; k < name.size; k++)
                buffer_char(&b, name.data[k] == '|' ? '/' : name.data[k]);
        }
    buffer_add(&b, S("|Differ"));
    return str_chars(p->arena, buffer_str(&b));
}

static void bars(Page *p, const Missingness *const *shown, size_t count)
{
    static const char *const styles[] = {"g0", "g1", "g2", "g3"};
    const Description *d = p->run->description;
    BarSeries series[BAR_SERIES_MAX];
    DescribeGroup group[BAR_SERIES_MAX];
    size_t n = 0;
    Bars b;
    for (size_t g = DESCRIBE_LABELLED; g < DESCRIBE_GROUPS; g++)
        if (d->customers[g] > 0) {
            group[n] = (DescribeGroup)g;
            series[n++] = (BarSeries){data_group(p, (DescribeGroup)g), styles[g], 0};
        }
    html(p, "<div class=\"charts one data\">\n");
    bars_open(&b, p, "missing-chart", S("Share without a value, most first"),
              S("Columns of the files by the share of rows without a value in either cohort."),
              series, n, count, 1);
    for (size_t i = 0; i < count; i++) {
        double value[BAR_SERIES_MAX];
        Str text[BAR_SERIES_MAX], says[BAR_SERIES_MAX];
        for (size_t k = 0; k < n; k++) {
            size_t missing = shown[i]->missing[group[k]], rows = shown[i]->rows[group[k]];
            bool few = data_few(missing);
            Str share = data_share(p->arena, missing, rows), name = data_group(p, group[k]);
            value[k] = few || rows == 0 ? MISSING_VALUE : (double)missing / (double)rows;
            text[k] = few            ? S("<5")
                      : rows == 0    ? S("no rows")
                      : missing == 0 ? S("0")
                                     : number_share(p->arena, value[k]);
            says[k] = str_format(p->arena, "%.*s, %.*s: %.*s", STR_ARG(shown[i]->name),
                                 STR_ARG(name), STR_ARG(share));
        }
        bars_row(&b, shown[i]->name, value, text, says);
    }
    bars_close(&b);
    html(p, "</figure>\n</div>\n");
}

static size_t holed(const Description *d, const Missingness **out, bool features)
{
    size_t count = 0;
    for (size_t i = 0; i < d->missings; i++)
        if ((d->missing[i].of == DESCRIBE_OF_FEATURES) == features && greatest(&d->missing[i]) > 0)
            out[count++] = &d->missing[i];
    /* Most first; few enough for the plainest way of sorting, and equal ones stay in order. */
    for (size_t i = 1; i < count; i++) {
        const Missingness *m = out[i];
        size_t k = i;
        for (; k > 0 && greatest(out[k - 1]) < greatest(m); k--)
            out[k] = out[k - 1];
        out[k] = m;
    }
    return count;
}

/* A column of transactions that one cohort's files fill and the other's do not. */
static void one_sided(Page *p, const Missingness *m)
{
    double labelled = share_of(m, DESCRIBE_LABELLED), scored = share_of(m, DESCRIBE_SCORED);
    if (m->of != DESCRIBE_OF_TRANSACTIONS || m->rows[DESCRIBE_LABELLED] == 0 ||
        m->rows[DESCRIBE_SCORED] == 0 || fmax(labelled, scored) < 1 || fmin(labelled, scored) > 0.5)
        return;
    html_paragraph(p, "%.*s has no value in any transaction of %s, and is filled for the others.",
                   STR_ARG(m->name), scored < 1 ? "labelled customers" : "customers to be scored");
}

static void words(Page *p)
{
    const Description *d = p->run->description;
    Buffer cohorts = buffer_new(p->arena), classes = buffer_new(p->arena);
    size_t complete = 0, columns = 0;
    for (size_t i = 0; i < d->missings; i++) {
        const Missingness *m = &d->missing[i];
        if (m->of == DESCRIBE_OF_FEATURES)
            continue;
        columns++;
        complete += greatest(m) == 0;
        if (m->cohorts_differ)
            buffer_format(&cohorts, "%s%.*s", cohorts.size > 0 ? ", " : "", STR_ARG(m->name));
        if (m->classes_differ)
            buffer_format(&classes, "%s%.*s", classes.size > 0 ? ", " : "", STR_ARG(m->name));
    }
    html_paragraph(p, "%zu of %zu columns of the files have a value in every row that was used.",
                   complete, columns);
    for (size_t i = 0; i < d->missings; i++)
        one_sided(p, &d->missing[i]);
    if (cohorts.size > 0)
        html_paragraph(
            p,
            "Missing more often in one cohort than in the other, beyond what chance "
            "explains: %.*s. Figures of the labelled customers say less about the others where "
            "these columns count.",
            STR_ARG(buffer_str(&cohorts)));
    if (classes.size > 0)
        html_paragraph(
            p,
            "Missing more often for one past decision than for the other: %.*s. What is filled "
            "because of a decision must not predict it; the audit below says what was "
            "kept from the model.",
            STR_ARG(buffer_str(&classes)));
}

void data_missing(Page *p)
{
    const Description *d = p->run->description;
    const Missingness **m = ARENA_ARRAY(p->arena, const Missingness *, d->missings + 1);
    html(p, "<h3 id=\"missing\">Missing values</h3>\n");
    words(p);
    size_t count = holed(d, m, false);
    if (count > 0) {
        bars(p, m, count < BARS_SHOWN ? count : BARS_SHOWN);
        data_fold(p, "Columns of the files that lack values");
        html_table(p, "Rows without a value", head(p));
        for (size_t i = 0; i < count; i++)
            row(p, m[i]);
        html_table_end(p);
        data_fold_end(p);
    }
    count = holed(d, m, true);
    size_t differ = 0, shown = 0;
    for (size_t i = 0; i < count; i++)
        differ += m[i]->cohorts_differ || m[i]->classes_differ;
    if (count > 0) {
        html_paragraph(p,
                       "%zu of %zu features have no value for some customers, mostly because they "
                       "did nothing that could be measured; for %zu the share differs between "
                       "classes or cohorts beyond chance.",
                       count, p->run->plan->features, differ);
        data_fold(p, "Features that lack values most often");
        html_table(p, "Customers without a value", head(p));
        for (size_t i = 0; i < count && shown < FEATURES_SHOWN; i++, shown++)
            row(p, m[i]);
        html_table_end(p);
        data_fold_end(p);
    }
    html_note(
        p, "Differ: by 5 points or more, and in a way that chance would show once in 1,000 times "
           "(Fisher's exact test); transactions of one customer are not independent, so of theirs "
           "nothing is tested. missingness.csv has every column and feature.");
}
