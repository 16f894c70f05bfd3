/* description.c - the tables behind the report's first part. A count of 1 to 4 is written "<5",
 * and what could be read from it is left empty. */
#include "store/store_internal.h"

#include <math.h>

static bool few(size_t count)
{
    return count > 0 && count < DESCRIBE_LEAST;
}

static void count_cell(Sheet *s, size_t count)
{
    if (few(count))
        sheet_text(s, S("<5"));
    else
        sheet_count(s, count);
}

static void share_cell(Sheet *s, size_t count, size_t of)
{
    sheet_real(s, few(count) || of == 0 ? (double)NAN : (double)count / (double)of);
}

static Str of_name(const DescribedColumn *c)
{
    return c->feature ? S("feature") : S("column");
}

static Str unit_name(DescribeUnit unit)
{
    static const Str names[] = {{"", 0}, {"days", 4}, {"days since 1970", 15}};
    return names[unit];
}

static Status write_distributions(const Description *d, const char *folder, Arena scratch,
                                  Error *err)
{
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "distributions.csv", err));
    buffer_add(&s.line, S("of,name,kind,unit,bin,low,high,level,group,customers,share\n"));
    for (size_t k = 0; k < d->columns; k++) {
        const DescribedColumn *c = &d->column[k];
        for (size_t b = 0; b < c->bins; b++)
            for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
                if (d->customers[g] == 0)
                    continue;
                sheet_text(&s, of_name(c));
                sheet_text(&s, c->name);
                sheet_text(&s, str_from(describe_kind_name(c->kind)));
                sheet_text(&s, unit_name(c->unit));
                sheet_count(&s, b + 1);
                sheet_real(&s, c->bin[b].low);
                sheet_real(&s, c->bin[b].high);
                sheet_text(&s, c->bin[b].level);
                sheet_text(&s, str_from(describe_group_name((DescribeGroup)g)));
                count_cell(&s, c->bin[b].count[g]);
                share_cell(&s, c->bin[b].count[g], d->customers[g]);
                sheet_line_end(&s);
            }
    }
    return sheet_close(&s, err);
}

static Status write_quantiles(const Description *d, const char *folder, Arena scratch, Error *err)
{
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "quantiles.csv", err));
    buffer_add(&s.line, S("of,name,unit,group,customers,missing,mean,p05,q1,median,q3,p95\n"));
    for (size_t k = 0; k < d->columns; k++) {
        const DescribedColumn *c = &d->column[k];
        if (c->kind != DESCRIBE_NUMBER)
            continue;
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
            const DescribeSummary *q = &c->summary[g];
            if (d->customers[g] == 0)
                continue;
            sheet_text(&s, of_name(c));
            sheet_text(&s, c->name);
            sheet_text(&s, unit_name(c->unit));
            sheet_text(&s, str_from(describe_group_name((DescribeGroup)g)));
            count_cell(&s, q->customers);
            count_cell(&s, q->missing);
            const double value[] = {q->mean, q->p05, q->q1, q->median, q->q3, q->p95};
            for (size_t i = 0; i < COUNT_OF(value); i++)
                sheet_real(&s, value[i]);
            sheet_line_end(&s);
        }
    }
    return sheet_close(&s, err);
}

static Status write_outliers(const Description *d, const char *folder, Arena scratch, Error *err)
{
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "outliers.csv", err));
    buffer_add(&s.line, S("of,name,unit,customers,q1,q3,below,above,far_below,far_above,median,"
                          "deviation,strange,top_mean,top_share\n"));
    for (size_t k = 0; k < d->columns; k++) {
        const DescribedColumn *c = &d->column[k];
        const DescribeOutliers *o = &c->outliers;
        if (c->kind != DESCRIBE_NUMBER || o->known < (size_t)4 * DESCRIBE_LEAST)
            continue;
        sheet_text(&s, of_name(c));
        sheet_text(&s, c->name);
        sheet_text(&s, unit_name(c->unit));
        sheet_count(&s, o->known);
        sheet_real(&s, o->q1);
        sheet_real(&s, o->q3);
        const size_t beyond[] = {o->below, o->above, o->far_below, o->far_above};
        for (size_t i = 0; i < COUNT_OF(beyond); i++)
            if (o->possible)
                count_cell(&s, beyond[i]);
            else
                sheet_text(&s, S(""));
        sheet_real(&s, o->median);
        sheet_real(&s, o->deviation);
        if (o->deviation > 0)
            count_cell(&s, o->strange);
        else
            sheet_text(&s, S(""));
        sheet_real(&s, o->top_mean);
        sheet_real(&s, o->top_share);
        sheet_line_end(&s);
    }
    return sheet_close(&s, err);
}

static Status write_missingness(const Description *d, const char *folder, Arena scratch, Error *err)
{
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "missingness.csv", err));
    buffer_add(&s.line,
               S("of,name,ground,group,rows,missing,share,cohorts_differ,classes_differ\n"));
    for (size_t k = 0; k < d->missings; k++) {
        const Missingness *m = &d->missing[k];
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
            if (m->rows[g] == 0)
                continue;
            sheet_text(&s, str_from(describe_of_name(m->of)));
            sheet_text(&s, m->name);
            sheet_text(&s, m->ground);
            sheet_text(&s, str_from(describe_group_name((DescribeGroup)g)));
            count_cell(&s, m->rows[g]);
            count_cell(&s, m->missing[g]);
            share_cell(&s, m->missing[g], m->rows[g]);
            sheet_truth(&s, m->cohorts_differ);
            sheet_truth(&s, m->classes_differ);
            sheet_line_end(&s);
        }
    }
    return sheet_close(&s, err);
}

static Status write_correlations(const Description *d, const char *folder, Arena scratch,
                                 Error *err)
{
    const Correlations *c = &d->correlations;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "correlations.csv", err));
    buffer_add(&s.line, S("feature,other,customers,spearman,low,high,beyond_noise\n"));
    for (size_t i = 0; i < c->pairs; i++) {
        const DescribedPair *p = &c->pair[i];
        sheet_text(&s, d->column[c->number[p->a]].name);
        sheet_text(&s, d->column[c->number[p->b]].name);
        sheet_count(&s, p->customers);
        sheet_interval(&s, p->rho);
        sheet_truth(&s, p->beyond);
        sheet_line_end(&s);
    }
    return sheet_close(&s, err);
}

static Status write_coverage(const Description *d, const char *folder, Arena scratch, Error *err)
{
    const Coverage *c = &d->coverage;
    char text[TIME_TEXT];
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "coverage.csv", err));
    buffer_add(&s.line, S("from,weeks,group,transactions,customers,joining\n"));
    for (size_t i = 0; i < c->steps; i++)
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
            const CoverageStep *step = &c->step[i];
            if (d->customers[g] == 0)
                continue;
            sheet_text(&s, date_text(text, step->from_us / DAY_US));
            sheet_count(&s, c->weeks_a_step);
            sheet_text(&s, str_from(describe_group_name((DescribeGroup)g)));
            if (few(step->customers[g]))
                sheet_text(&s, S("")); /* of one customer a number of transactions is a row */
            else
                sheet_count(&s, step->events[g]);
            count_cell(&s, step->customers[g]);
            count_cell(&s, step->joining[g]);
            sheet_line_end(&s);
        }
    return sheet_close(&s, err);
}

Status store_description(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const Description *d = run->description;
    if (d == NULL)
        return STATUS_OK;
    TRY(write_distributions(d, folder, scratch, err));
    TRY(write_quantiles(d, folder, scratch, err));
    TRY(write_outliers(d, folder, scratch, err));
    TRY(write_missingness(d, folder, scratch, err));
    TRY(write_correlations(d, folder, scratch, err));
    return write_coverage(d, folder, scratch, err);
}
