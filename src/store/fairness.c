/* fairness.c - fairness.csv and proxies.csv, and what metrics.json says of both. */
#include "store/store_internal.h"

#include <math.h>

static const char *const verdict_name[] = {"too few", "within", "may_be_chance", "beyond_chance"};

static void opening(Sheet *s, Str column, Str ground, Str group)
{
    sheet_text(s, column);
    sheet_text(s, ground);
    sheet_text(s, group);
}

/* A mean or an AUC: not a rate, so it is compared with nobody. */
static void add_plain(Sheet *s, const FairnessAttribute *a, const FairnessGroup *g,
                      const char *measure, size_t of, Interval i)
{
    opening(s, a->column, a->ground, g->name);
    buffer_format(&s->line, ",%s,,%zu", measure, of);
    sheet_interval(s, i);
    buffer_add(&s->line, S(",,,,,,\n"));
}

static void add_group(Sheet *s, const FairnessAttribute *a, const FairnessGroup *g)
{
    for (size_t m = 0; m < FAIRNESS_MEASURES; m++) {
        const GroupComparison *c = &g->comparison[m];
        if (c->of == 0)
            continue;
        opening(s, a->column, a->ground, g->name);
        buffer_format(&s->line, ",%.*s,%zu,%zu", STR_ARG(c->measure), c->count, c->of);
        sheet_interval(s, c->rate);
        if (c->rest_of > 0)
            buffer_format(&s->line, ",%zu,%zu", c->rest_count, c->rest_of);
        else
            buffer_add(&s->line, S(",,"));
        sheet_interval(s, c->ratio);
        buffer_format(&s->line, ",%s\n", verdict_name[c->verdict]);
    }
    add_plain(s, a, g, "mean_probability", g->labelled, g->mean_labelled);
    add_plain(s, a, g, "calibration", g->labelled, g->calibration);
    add_plain(s, a, g, "auc", g->labelled, g->auc);
    if (g->scored > 0)
        add_plain(s, a, g, "mean_probability_scored", g->scored, g->mean_scored);
}

static Status write_groups(const Fairness *f, const char *folder, Arena scratch, Error *err)
{
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "fairness.csv", err));
    buffer_add(&s.line, S("column,ground,group,measure,count,of,value,low,high,rest_count,rest_of,"
                          "ratio,ratio_low,ratio_high,verdict\n"));
    for (size_t a = 0; a < f->attributes; a++)
        for (size_t g = 0; g < f->attribute[a].groups; g++) {
            add_group(&s, &f->attribute[a], &f->attribute[a].group[g]);
            sheet_flush(&s, false);
        }
    return sheet_close(&s, err);
}

static Status write_proxies(const Fairness *f, const char *folder, Arena scratch, Error *err)
{
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "proxies.csv", err));
    buffer_add(&s.line, S("column,ground,group,customers,members,auc,auc_low,auc_high,score_auc,"
                          "score_low,score_high,clear"));
    for (int i = 1; i <= PROXY_INPUTS; i++)
        buffer_format(&s.line, ",input_%d,input_%d_auc,input_%d_drop", i, i, i);
    buffer_char(&s.line, '\n');
    for (size_t k = 0; k < f->proxies; k++) {
        const Proxy *p = &f->proxy[k];
        opening(&s, p->column, p->ground, p->group);
        buffer_format(&s.line, ",%zu,%zu", p->customers, p->members);
        sheet_interval(&s, p->auc);
        sheet_interval(&s, p->score);
        buffer_format(&s.line, ",%s", p->clear ? "true" : "false");
        for (size_t i = 0; i < PROXY_INPUTS; i++) {
            buffer_char(&s.line, ',');
            if (i < p->inputs)
                csv_write_cell(&s.line, p->input[i].feature, true);
            sheet_real(&s, i < p->inputs ? p->input[i].auc : NAN);
            sheet_real(&s, i < p->inputs ? p->input[i].drop : NAN);
        }
        buffer_char(&s.line, '\n');
        sheet_flush(&s, false);
    }
    return sheet_close(&s, err);
}

Status store_fairness(const Run *run, const char *folder, Arena scratch, Error *err)
{
    if (run->fairness == NULL)
        return STATUS_OK;
    TRY(write_groups(run->fairness, folder, scratch, err));
    return write_proxies(run->fairness, folder, scratch, err);
}

void store_fairness_figures(Document *j, const Run *run)
{
    const Fairness *f = run->fairness;
    if (f == NULL)
        return;
    yyjson_mut_val *o = document_object(j, j->root, "fairness");
    document_count(j, o, "comparisons", f->comparisons);
    document_count(j, o, "may_be_chance", f->apart - f->clear);
    document_count(j, o, "beyond_chance", f->clear);
    document_real(j, o, "expected_by_chance", 0.05 * (double)f->comparisons);
    document_real(j, o, "proxy_mark", f->proxy_mark);
    document_count(j, o, "proxy_customers", f->proxy_customers);
    yyjson_mut_val *list = document_list(j, o, "columns");
    for (size_t a = 0; a < f->attributes; a++) {
        const FairnessAttribute *one = &f->attribute[a];
        yyjson_mut_val *c = document_object(j, list, NULL);
        document_text(j, c, "column", one->column);
        document_text(j, c, "ground", one->ground);
        document_text(j, c, "bands", one->bands);
        document_count(j, c, "groups", one->groups);
        document_truth(j, c, "known_when_scored", one->known_scored);
        document_truth(j, c, "some_left_out", one->left_out);
    }
    list = document_list(j, o, "gaps");
    for (size_t a = 0; a < f->attributes; a++)
        for (size_t g = 0; g < f->attribute[a].groups; g++)
            for (size_t m = 0; m < FAIRNESS_MEASURES; m++) {
                const GroupComparison *c = &f->attribute[a].group[g].comparison[m];
                if (c->verdict < FAIRNESS_APART)
                    continue;
                yyjson_mut_val *gap = document_object(j, list, NULL);
                document_text(j, gap, "column", f->attribute[a].column);
                document_text(j, gap, "group", f->attribute[a].group[g].name);
                document_text(j, gap, "measure", c->measure);
                document_text(j, gap, "verdict", str_from(verdict_name[c->verdict]));
                document_interval(j, gap, "ratio", c->ratio);
            }
    list = document_list(j, o, "proxies");
    for (size_t k = 0; k < f->proxies; k++) {
        const Proxy *p = &f->proxy[k];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "column", p->column);
        document_text(j, one, "group", p->group);
        document_count(j, one, "members", p->members);
        document_interval(j, one, "auc", p->auc);
        document_interval(j, one, "score_auc", p->score);
        document_truth(j, one, "clear", p->clear);
    }
}
