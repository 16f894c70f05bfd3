/* report_data_outliers.c - how heavy the tails are, without showing whose they are. */
#include "report/report_data.h"

enum { SHOWN = 15 };

static double far_share(const DescribedColumn *c)
{
    const DescribeOutliers *o = &c->outliers;
    return o->known == 0 ? 0 : (double)(o->far_below + o->far_above) / (double)o->known;
}

static size_t tailed(const Description *d, const DescribedColumn **out)
{
    size_t count = 0;
    for (size_t k = 0; k < d->columns; k++)
        if (d->column[k].kind == DESCRIBE_NUMBER && d->column[k].outliers.possible &&
            far_share(&d->column[k]) > 0)
            out[count++] = &d->column[k];
    for (size_t i = 1; i < count; i++) {
        const DescribedColumn *c = out[i];
        size_t k = i;
        for (; k > 0 && far_share(out[k - 1]) < far_share(c); k--)
            out[k] = out[k - 1];
        out[k] = c;
    }
    return count;
}

static void row(Page *p, const DescribedColumn *c)
{
    const DescribeOutliers *o = &c->outliers;
    Arena *a = p->arena;
    html_row(p);
    html_head(p, c->name);
    html_cell_number(p, number_count(a, o->known));
    Str low = data_number(a, o->q1 - 1.5 * (o->q3 - o->q1), c->unit);
    Str high = data_number(a, o->q3 + 1.5 * (o->q3 - o->q1), c->unit);
    html_cell_number(p, str_format(a, "%.*s to %.*s", STR_ARG(low), STR_ARG(high)));
    html_cell_number(p, data_share(a, o->below + o->above, o->known));
    html_cell_number(p, data_share(a, o->far_below + o->far_above, o->known));
    html_cell_number(p, o->deviation > 0 ? data_share(a, o->strange, o->known) : S("no spread"));
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
        if (p->run->description->customers[g] > 0)
            html_cell_number(p, data_share(a, o->far[g], o->known_in[g]));
    html_cell_number(p, data_number(a, o->top_mean, c->unit));
    html_cell_number(p, is_missing(o->top_share) ? S("") : number_share(a, o->top_share));
    html_row_end(p);
}

static const char *head(Page *p)
{
    Buffer b = buffer_new(p->arena);
    buffer_add(&b, S("Column or feature|>Customers|>Inner fences|>Beyond them|>Beyond the "
                     "outer|>Robust z above 3.5"));
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
        if (p->run->description->customers[g] > 0) {
            Str name = data_group(p, (DescribeGroup)g);
            buffer_add(&b, S("|>Far, "));
            for (size_t k = 0; k < name.size; k++)
                buffer_char(&b, name.data[k] == '|' ? '/' : name.data[k]);
        }
    buffer_add(&b, S("|>Mean of the greatest 5|>Sum held by the top 1 %"));
    return str_chars(p->arena, buffer_str(&b));
}

static void bars(Page *p, const DescribedColumn *const *c, size_t count)
{
    static const char *const styles[] = {"g0", "g1", "g2", "g3"};
    const Description *d = p->run->description;
    BarSeries series[BAR_SERIES_MAX];
    DescribeGroup group[BAR_SERIES_MAX];
    bool classes = d->customers[DESCRIBE_POSITIVE] > 0 && d->customers[DESCRIBE_NEGATIVE] > 0;
    size_t n = 0;
    double most = 0;
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
        bool of_class = g == DESCRIBE_POSITIVE || g == DESCRIBE_NEGATIVE;
        if (d->customers[g] == 0 || (of_class && !classes))
            continue;
        group[n] = (DescribeGroup)g;
        series[n++] = (BarSeries){data_group(p, (DescribeGroup)g), styles[g], classes && !of_class};
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < n; k++) {
            size_t of = c[i]->outliers.known_in[group[k]];
            double share = of == 0 ? 0 : (double)c[i]->outliers.far[group[k]] / (double)of;
            most = share > most ? share : most;
        }
    Bars b;
    html(p, "<div class=\"charts one data\">\n");
    bars_open(&b, p, "outlier-chart", S("Customers beyond the outer fences, heaviest tails first"),
              S("Share of the customers with a value whose value lies more than 3 times the "
                "distance of the quartiles beyond them."),
              series, n, count, most);
    for (size_t i = 0; i < count; i++) {
        double value[BAR_SERIES_MAX];
        Str text[BAR_SERIES_MAX], says[BAR_SERIES_MAX];
        for (size_t k = 0; k < n; k++) {
            size_t far = c[i]->outliers.far[group[k]], of = c[i]->outliers.known_in[group[k]];
            bool few = data_few(far);
            Str share = data_share(p->arena, far, of), name = data_group(p, group[k]);
            value[k] = few || of == 0 ? MISSING_VALUE : (double)far / (double)of;
            text[k] = few ? S("<5") : far == 0 ? S("0") : number_share(p->arena, value[k]);
            says[k] = str_format(p->arena, "%.*s: %.*s of %.*s with a value", STR_ARG(c[i]->name),
                                 STR_ARG(share), STR_ARG(name));
        }
        bars_row(&b, c[i]->name, value, text, says);
    }
    bars_close(&b);
    html(p, "</figure>\n</div>\n");
}

void data_outliers(Page *p)
{
    const Description *d = p->run->description;
    const DescribedColumn **c = ARENA_ARRAY(p->arena, const DescribedColumn *, d->columns + 1);
    size_t count = tailed(d, c), numbers = 0;
    for (size_t k = 0; k < d->columns; k++)
        numbers += d->column[k].kind == DESCRIBE_NUMBER;
    html(p, "<h3 id=\"outliers\">Outliers</h3>\n");
    if (numbers == 0) {
        html_paragraph(p, "No column is a number that varies.");
        return;
    }
    html_paragraph(p,
                   "%zu of %zu numeric columns and features have customers far out: beyond the "
                   "quartiles by more than 3 times their distance. They are kept as they are: "
                   "money is skewed by nature, and what lies far out is often the very thing "
                   "that is looked for.",
                   count, numbers);
    if (count == 0)
        return;
    bars(p, c, count < SHOWN ? count : SHOWN);
    data_fold(p, "The figures");
    html_table(p, "Beyond the fences, as shares of customers with a value", head(p));
    for (size_t i = 0; i < count && i < SHOWN; i++)
        row(p, c[i]);
    html_table_end(p);
    data_fold_end(p);
    html_note(p,
              "Fences lie 1.5 (inner) and 3 times (outer) the distance of the quartiles beyond "
              "them (Tukey); the robust z measures the distance from the median in median absolute "
              "deviations (Iglewicz and Hoaglin). Nobody's own value is shown: the greatest 5 are "
              "one mean. Shown: %zu of %zu; outliers.csv has all.",
              count < SHOWN ? count : (size_t)SHOWN, count);
}
