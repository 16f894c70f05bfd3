/* report_data_shapes.c - distributions of the customers' columns and of the main features, by past
 * decision and by cohort. */
#include "report/report_data.h"

#include <math.h>

enum { FEATURES_SHOWN = 10, COLUMNS_SHOWN = 10 };

/* The groups that hold anybody, as series. */
static size_t series_of(Page *p, BarSeries *out, DescribeGroup *group)
{
    static const char *const styles[] = {"g0", "g1", "g2", "g3"};
    const Description *d = p->run->description;
    bool classes = d->customers[DESCRIBE_POSITIVE] > 0 && d->customers[DESCRIBE_NEGATIVE] > 0;
    size_t count = 0;
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
        bool of_class = g == DESCRIBE_POSITIVE || g == DESCRIBE_NEGATIVE;
        if (d->customers[g] == 0 || (of_class && !classes))
            continue;
        group[count] = (DescribeGroup)g;
        out[count++] =
            (BarSeries){data_group(p, (DescribeGroup)g), styles[g], classes && !of_class};
    }
    return count;
}

static Str quantile_words(Page *p, const DescribedColumn *c)
{
    const Description *d = p->run->description;
    static const DescribeGroup pairs[][2] = {{DESCRIBE_POSITIVE, DESCRIBE_NEGATIVE},
                                             {DESCRIBE_LABELLED, DESCRIBE_SCORED}};
    Buffer b = buffer_new(p->arena);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        const DescribeSummary *x = &c->summary[pairs[i][0]], *y = &c->summary[pairs[i][1]];
        if (d->customers[pairs[i][0]] == 0 || d->customers[pairs[i][1]] == 0 ||
            is_missing(x->median) || is_missing(y->median))
            continue;
        Str first = data_number(p->arena, x->median, c->unit);
        Str second = data_number(p->arena, y->median, c->unit);
        Str one = data_group_said(p, pairs[i][0]), other = data_group_said(p, pairs[i][1]);
        buffer_format(&b, "%s%.*s of %.*s against %.*s of %.*s", b.size == 0 ? "Median " : "; ",
                      STR_ARG(first), STR_ARG(one), STR_ARG(second), STR_ARG(other));
    }
    if (b.size > 0)
        buffer_char(&b, '.');
    return buffer_str(&b);
}

/* The level whose share differs most between the classes, or the cohorts. */
static Str level_words(Page *p, const DescribedColumn *c)
{
    const Description *d = p->run->description;
    bool classes = d->customers[DESCRIBE_POSITIVE] > 0 && d->customers[DESCRIBE_NEGATIVE] > 0;
    DescribeGroup x = classes ? DESCRIBE_POSITIVE : DESCRIBE_LABELLED;
    DescribeGroup y = classes ? DESCRIBE_NEGATIVE : DESCRIBE_SCORED;
    double most = 0.05; /* what is worth a word */
    const DescribeBin *best = NULL;
    if (d->customers[x] == 0 || d->customers[y] == 0)
        return S("");
    for (size_t b = 0; b < c->bins; b++) {
        const DescribeBin *bin = &c->bin[b];
        double gap = fabs((double)bin->count[x] / (double)d->customers[x] -
                          (double)bin->count[y] / (double)d->customers[y]);
        if (gap > most && !data_few(bin->count[x]) && !data_few(bin->count[y])) {
            most = gap;
            best = bin;
        }
    }
    if (best == NULL)
        return S("");
    Str first = number_share(p->arena, (double)best->count[x] / (double)d->customers[x]);
    Str second = number_share(p->arena, (double)best->count[y] / (double)d->customers[y]);
    Str one = data_group_said(p, x), other = data_group_said(p, y);
    return str_format(p->arena, "They differ most in %.*s: %.*s of %.*s against %.*s of %.*s.",
                      STR_ARG(data_range(p->arena, c, best)), STR_ARG(first), STR_ARG(one),
                      STR_ARG(second), STR_ARG(other));
}

static void shape_table(Page *p, const DescribedColumn *c, const DescribeGroup *group, size_t count)
{
    const Description *d = p->run->description;
    Buffer head = buffer_new(p->arena);
    buffer_add(&head, c->kind == DESCRIBE_LEVELS ? S("Level") : S("Value"));
    for (size_t i = 0; i < count; i++) {
        Buffer name = buffer_new(p->arena);
        Str group_says = data_group(p, group[i]);
        for (size_t k = 0; k < group_says.size; k++) /* a bar would part columns */
            buffer_char(&name, group_says.data[k] == '|' ? '/' : group_says.data[k]);
        buffer_format(&head, "|>%.*s", STR_ARG(buffer_str(&name)));
    }
    html_table(p, "Share of customers (number)", str_chars(p->arena, buffer_str(&head)));
    for (size_t b = 0; b < c->bins; b++) {
        html_row(p);
        html_head(p, data_range(p->arena, c, &c->bin[b]));
        for (size_t i = 0; i < count; i++)
            html_cell_number(
                p, data_share(p->arena, c->bin[b].count[group[i]], d->customers[group[i]]));
        html_row_end(p);
    }
    html_table_end(p);
}

static void quantile_table(Page *p, const DescribedColumn *c, const DescribeGroup *group,
                           size_t count)
{
    if (c->kind != DESCRIBE_NUMBER)
        return;
    html_table(p, "Quantiles of those with a value",
               "Customers|>With a value|>Mean|>5 %|>25 %|>Median|>75 %|>95 %");
    for (size_t i = 0; i < count; i++) {
        const DescribeSummary *s = &c->summary[group[i]];
        html_row(p);
        html_head(p, data_group(p, group[i]));
        html_cell_number(p, data_count(p->arena, s->customers - s->missing));
        const double value[] = {s->mean, s->p05, s->q1, s->median, s->q3, s->p95};
        for (size_t k = 0; k < COUNT_OF(value); k++)
            html_cell_number(p, data_number(p->arena, value[k], c->unit));
        html_row_end(p);
    }
    html_table_end(p);
}

static void shape(Page *p, const DescribedColumn *c, size_t number)
{
    const Description *d = p->run->description;
    BarSeries series[BAR_SERIES_MAX];
    DescribeGroup group[BAR_SERIES_MAX];
    size_t count = series_of(p, series, group);
    double most = 0;
    Arena *a = p->arena;
    Bars bars;
    for (size_t b = 0; b < c->bins; b++)
        for (size_t i = 0; i < count; i++)
            most = fmax(most, (double)c->bin[b].count[group[i]] / (double)d->customers[group[i]]);
    Str words = c->kind == DESCRIBE_NUMBER ? quantile_words(p, c) : level_words(p, c);
    Str about = c->feature ? p->run->plan->feature[c->index].says.text : S("");
    bars_open(&bars, p, str_chars(a, str_format(a, "shape-%zu", number)), c->name,
              str_format(a, "Share of customers by value. %.*s", STR_ARG(words)), series, count,
              c->bins, most);
    for (size_t b = 0; b < c->bins; b++) {
        double value[BAR_SERIES_MAX];
        Str text[BAR_SERIES_MAX], says[BAR_SERIES_MAX];
        Str range = data_range(a, c, &c->bin[b]);
        for (size_t i = 0; i < count; i++) {
            size_t n = c->bin[b].count[group[i]], of = d->customers[group[i]];
            bool few = data_few(n);
            Str share = data_share(a, n, of), name = data_group(p, group[i]);
            value[i] = few ? MISSING_VALUE : (double)n / (double)of;
            text[i] = few ? S("<5") : n == 0 ? S("0") : number_share(a, (double)n / (double)of);
            says[i] =
                str_format(a, "%.*s: %.*s of %.*s", STR_ARG(range), STR_ARG(share), STR_ARG(name));
        }
        bars_row(&bars, range, value, text, says);
    }
    bars_close(&bars);
    if (about.size > 0)
        html_note(p, "%.*s", STR_ARG(about));
    if (words.size > 0)
        html_note(p, "%.*s", STR_ARG(words));
    data_fold(p, "The figures");
    shape_table(p, c, group, count);
    quantile_table(p, c, group, count);
    data_fold_end(p);
    html(p, "</figure>\n");
}

static void not_drawn(Page *p)
{
    const Description *d = p->run->description;
    Buffer shut = buffer_new(p->arena), same = buffer_new(p->arena), named = buffer_new(p->arena);
    size_t constants = 0;
    for (size_t k = 0; k < d->columns; k++) {
        const DescribedColumn *c = &d->column[k];
        Buffer *list = c->kind == DESCRIBE_PROTECTED                   ? &shut
                       : c->kind == DESCRIBE_IDENTIFIER && !c->feature ? &named
                       : c->kind == DESCRIBE_CONSTANT                  ? &same
                                                                       : NULL;
        if (list == NULL)
            continue;
        constants += list == &same;
        buffer_format(list, "%s%.*s", list->size > 0 ? ", " : "", STR_ARG(c->name));
    }
    if (shut.size > 0)
        html_paragraph(p,
                       "Not drawn, because they stand for a protected ground: %.*s. Of these only "
                       "what is missing is shown here; no model and no rule reads them, and "
                       "the fairness part is the one place where they are used.",
                       STR_ARG(buffer_str(&shut)));
    if (named.size > 0)
        html_paragraph(p, "Not drawn, because their values name customers or sessions: %.*s.",
                       STR_ARG(buffer_str(&named)));
    if (constants > 0)
        html_paragraph(
            p, "%zu %s one value for everybody, or none, and can tell nobody apart: %.*s.",
            constants, constants == 1 ? "column or feature has" : "columns or features have",
            STR_ARG(buffer_str(&same)));
}

void data_distributions(Page *p)
{
    const Description *d = p->run->description;
    uint32_t main[FEATURES_SHOWN];
    size_t features = data_main(p, main, FEATURES_SHOWN), shown = 0, columns = 0, drawable = 0;
    for (size_t k = 0; k < d->columns; k++) {
        bool drawn = d->column[k].kind == DESCRIBE_NUMBER || d->column[k].kind == DESCRIBE_LEVELS;
        drawable += drawn;
        columns += drawn && !d->column[k].feature;
    }
    bool classes = d->customers[DESCRIBE_POSITIVE] > 0 && d->customers[DESCRIBE_NEGATIVE] > 0;
    bool cohorts = d->customers[DESCRIBE_LABELLED] > 0 && d->customers[DESCRIBE_SCORED] > 0;
    html(p, "<h3 id=\"distributions\">Distributions");
    html(p, classes && cohorts ? " by past decision and by cohort"
            : classes          ? " by past decision"
            : cohorts          ? " by cohort"
                               : "");
    html(p, "</h3>\n");
    html_paragraph(
        p, "Bars are shares of the customers of a group, those without a value "
           "included, so that groups of different size can be compared. Numbers are cut at the "
           "deciles of all customers (a range holds its upper end, not its lower one); a count of "
           "1 to 4 is not shown.");
    html(p, "<div class=\"charts data\">\n");
    for (size_t k = 0, n = 0; k < d->columns && n < COLUMNS_SHOWN; k++)
        if (!d->column[k].feature &&
            (d->column[k].kind == DESCRIBE_NUMBER || d->column[k].kind == DESCRIBE_LEVELS)) {
            shape(p, &d->column[k], shown++);
            n++;
        }
    for (size_t i = 0; i < features; i++)
        shape(p, &d->column[main[i]], shown++);
    html(p, "</div>\n");
    not_drawn(p);
    html_note(p,
              "Drawn are %zu of the %zu columns of customers that vary and the %zu %s; "
              "distributions.csv and quantiles.csv have all %zu columns and features that vary.",
              columns < COLUMNS_SHOWN ? columns : COLUMNS_SHOWN, columns, features,
              p->run->screening != NULL ? "features of the model that tell most alone"
                                        : "features of the model that come first in the book",
              drawable);
}
