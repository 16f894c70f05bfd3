/* strata.c - the slices side by side: strata.csv, and their part of metrics.json. */
#include "store/store_internal.h"

#include <math.h>

/* The weights, and what every candidate reaches with them. */
static void add_reweighted(Document *j, const Run *run)
{
    const Strata *s = run->strata;
    yyjson_mut_val *o = document_object(j, j->root, "reweighted");
    document_count(j, o, "scored", s->scored);
    document_count(j, o, "scored_uncovered", s->uncovered);
    document_real(j, o, "effective_customers", s->effective);
    document_real(j, o, "effective_positives", s->effective_positives);
    document_text(j, o, "no_estimate", s->no_estimate);
    yyjson_mut_val *list = document_list(j, o, "cells");
    for (size_t c = 0; c < s->cells; c++) {
        const StrataCell *cell = &s->cell[c];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "name", cell->name);
        document_count(j, one, "labelled", cell->labelled);
        document_count(j, one, "positives", cell->positives);
        document_count(j, one, "scored", cell->scored);
        document_real(j, one, "weight", cell->weight);
    }
    list = document_list(j, o, "candidates");
    for (size_t c = 0; s->metric != NULL && c < run->validation->candidates; c++) {
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "name", run->validation->candidate[c].name);
        document_metrics(j, document_list(j, one, "strata"), S("REWEIGHTED"), &s->metric[c]);
    }
}

void store_strata_figures(Document *j, const Run *run)
{
    const Strata *s = run->strata;
    if (s == NULL)
        return;
    yyjson_mut_val *o = document_object(j, j->root, "headline");
    const StrataSlice *quoted = &s->slice[s->headline];
    document_text(j, o, "slice", quoted->name);
    document_text(j, o, "reason", s->reason);
    document_text(j, o, "without_transactions", s->unseen);
    yyjson_mut_val *list = document_list(j, j->root, "strata");
    double rows = (double)run->validation->rows;
    for (size_t i = 0; i < s->slices; i++) {
        const StrataSlice *one = &s->slice[i];
        o = document_object(j, list, NULL);
        document_text(j, o, "name", one->name);
        document_text(j, o, "condition", one->condition);
        document_count(j, o, "customers", one->customers);
        document_count(j, o, "positives", one->positives);
        document_count(j, o, "scored", one->scored);
        document_real(j, o, "share_labelled", (double)one->customers / rows);
        document_real(j, o, "share_scored",
                      s->scored == 0 ? 0 : (double)one->scored / (double)s->scored);
        document_truth(j, o, "enough", one->told);
        document_text(j, o, "says", one->says);
    }
    add_reweighted(j, run);
}

/* A slice with too few customers of either class has its sentence and no figure. */
Status store_strata(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const Strata *strata = run->strata;
    if (strata == NULL)
        return STATUS_OK;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "strata.csv", err));
    buffer_add(&s.line, S("slice,condition,headline,customers,positives,scored,metric,value,low,"
                          "high,says\n"));
    for (size_t i = 0; i < strata->slices; i++) {
        const StrataSlice *one = &strata->slice[i];
        for (size_t k = 0; k < METRIC_KINDS; k++) {
            const Interval m = one->metric->metric[k];
            csv_write_cell(&s.line, one->name, true);
            buffer_char(&s.line, ',');
            csv_write_cell(&s.line, one->condition, true);
            buffer_format(&s.line, ",%s,%zu,%zu,%zu,%.*s", i == strata->headline ? "true" : "false",
                          one->customers, one->positives, one->scored,
                          STR_ARG(metric_name((MetricKind)k)));
            sheet_real(&s, one->told ? m.value : NAN);
            sheet_real(&s, one->told ? m.low : NAN);
            sheet_real(&s, one->told ? m.high : NAN);
            buffer_char(&s.line, ',');
            csv_write_cell(&s.line, one->says, true);
            buffer_char(&s.line, '\n');
        }
        sheet_flush(&s, false);
    }
    return sheet_close(&s, err);
}
