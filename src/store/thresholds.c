/* thresholds.c - thresholds.csv, and what metrics.json says of thresholds. */
#include "store/store_internal.h"

/* ---- thresholds.csv ---- */

static void threshold_row(Sheet *s, Str stratum, Str mark, const ThresholdRow *row, bool scored)
{
    const MetricCut *c = &row->cut;
    csv_write_cell(&s->line, stratum, true);
    buffer_format(&s->line, ",%.*s", STR_ARG(mark));
    sheet_real(s, c->threshold);
    buffer_format(&s->line, ",%zu,%zu,%zu,%zu,%zu", c->customers, c->positives, c->selected,
                  c->hits, c->tied);
    sheet_interval(s, c->precision);
    sheet_interval(s, c->recall);
    if (scored)
        buffer_format(&s->line, ",%zu", row->reviews);
    else
        buffer_char(&s->line, ',');
    sheet_interval(s, row->cost);
    sheet_interval(s, row->net_benefit);
    sheet_real(s, row->net_benefit_all.value);
    buffer_char(&s->line, '\n');
    sheet_flush(s, false);
}

Status store_thresholds(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const ThresholdReview *t = run->thresholds;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "thresholds.csv", err));
    buffer_add(&s.line,
               S("stratum,mark,threshold,customers,positives,selected,hits,tied,precision,"
                 "precision_low,precision_high,recall,recall_low,recall_high,reviews,expected_cost,"
                 "expected_cost_low,expected_cost_high,net_benefit,net_benefit_low,"
                 "net_benefit_high,net_benefit_all\n"));
    for (size_t k = 0; k < t->strata; k++) {
        const ThresholdStratum *one = &t->stratum[k];
        Str stratum = run->training->stratum[k];
        for (int m = 0; m < THRESHOLD_MARKS; m++)
            if (m <= MARK_OFFBOARDING || one->mark[m].cut.customers > 0)
                threshold_row(&s, stratum, threshold_mark_name((ThresholdMark)m), &one->mark[m],
                              t->scored > 0);
        for (size_t i = 0; i < one->grid_rows; i++)
            threshold_row(&s, stratum, S(""), &one->grid[i], t->scored > 0);
    }
    return sheet_close(&s, err);
}

/* ---- metrics.json ---- */

static void add_certificate(Document *j, yyjson_mut_val *o, const MetricCertificate *c)
{
    document_real(j, o, "precision", c->precision);
    document_real(j, o, "confidence", c->confidence);
    document_count(j, o, "customers", c->customers);
    yyjson_mut_val *least = document_list(j, o, "least_without_and_with_errors");
    for (size_t e = 0; e < COUNT_OF(c->least); e++)
        if (c->least[e] > 0)
            document_count(j, least, NULL, c->least[e]);
        else
            document_null(j, least, NULL);
    if (c->start > 0)
        document_count(j, o, "first_set", c->start);
    else
        document_null(j, o, "first_set");
    document_count(j, o, "sets_tested", c->tested);
    document_truth(j, o, "certified", c->selected > 0);
    if (c->selected > 0) {
        document_real(j, o, "threshold", c->threshold);
        document_count(j, o, "selected", c->selected);
        document_count(j, o, "errors", c->errors);
        document_real(j, o, "precision_low", c->low);
    }
    if (c->failed_selected > 0) {
        yyjson_mut_val *failed = document_object(j, o, "ended_at");
        document_count(j, failed, "selected", c->failed_selected);
        document_count(j, failed, "errors", c->failed_errors);
        document_real(j, failed, "p_value", c->failed_p);
    }
    if (c->first_selected > 0) {
        yyjson_mut_val *first = document_object(j, o, "strictest");
        document_real(j, first, "threshold", c->first_threshold);
        document_count(j, first, "selected", c->first_selected);
        document_count(j, first, "errors", c->first_errors);
        document_real(j, first, "precision_low", c->first_low);
    }
}

static void add_mark(Document *j, yyjson_mut_val *list, Str name, const ThresholdRow *row,
                     bool scored)
{
    yyjson_mut_val *o = document_object(j, list, NULL);
    document_text(j, o, "mark", name);
    document_real(j, o, "threshold", row->cut.threshold);
    document_count(j, o, "selected", row->cut.selected);
    document_count(j, o, "hits", row->cut.hits);
    document_count(j, o, "tied", row->cut.tied);
    document_interval(j, o, "precision", row->cut.precision);
    document_interval(j, o, "recall", row->cut.recall);
    if (scored)
        document_count(j, o, "reviews", row->reviews);
    document_interval(j, o, "expected_cost", row->cost);
    document_interval(j, o, "net_benefit", row->net_benefit);
    document_interval(j, o, "net_benefit_all", row->net_benefit_all);
    static const double prevalence[] = {0.02, 0.05, 0.10, 0.17};
    yyjson_mut_val *at = document_list(j, o, "precision_at_prevalence");
    for (size_t i = 0; i < COUNT_OF(prevalence); i++) {
        yyjson_mut_val *one = document_object(j, at, NULL);
        document_real(j, one, "prevalence", prevalence[i]);
        document_interval(j, one, "precision", metric_precision_at(&row->cut, prevalence[i]));
    }
}

static void add_stratum(Document *j, yyjson_mut_val *list, const Run *run, size_t k)
{
    const ThresholdReview *t = run->thresholds;
    const ThresholdStratum *one = &t->stratum[k];
    yyjson_mut_val *o = document_object(j, list, NULL);
    document_text(j, o, "stratum", run->training->stratum[k]);
    document_interval(j, o, "expected_cost_of_segments", one->cost_segments);
    document_interval(j, o, "expected_cost_of_segments_watching_blind", one->cost_segments_blind);
    document_real(j, o, "expected_cost_reviewing_nobody", one->cost_nobody);
    document_real(j, o, "expected_cost_reviewing_everybody", one->cost_everybody);
    yyjson_mut_val *marks = document_list(j, o, "marks");
    for (int m = 0; m < THRESHOLD_MARKS; m++)
        if (m <= MARK_OFFBOARDING || one->mark[m].cut.customers > 0)
            add_mark(j, marks, threshold_mark_name((ThresholdMark)m), &one->mark[m], t->scored > 0);
    yyjson_mut_val *certificate = document_object(j, o, "certificate");
    add_certificate(j, certificate, &one->certificate);
    document_count(j, certificate, "repeats", t->repeats);
    document_count(j, certificate, "repeats_certified", one->repeats_certified);
    document_count(j, o, "levels_reached", one->levels_reached);
    yyjson_mut_val *levels = document_list(j, o, "other_levels");
    for (size_t i = 0; i < CERTIFY_LEVELS; i++)
        add_certificate(j, document_object(j, levels, NULL), &one->level[i]);
}

static void add_costs(Document *j, yyjson_mut_val *in, const CostMatrix *c)
{
    static const char *const names[COST_ACTIONS] = {
        [COST_NOTHING] = "nothing",
        [COST_MONITOR] = "monitor",
        [COST_REVIEW] = "review",
        [COST_EXIT] = "exit",
    };
    yyjson_mut_val *o = document_object(j, in, "costs");
    for (size_t a = 0; a < COST_ACTIONS; a++) {
        yyjson_mut_val *one = document_object(j, o, names[a]);
        document_real(j, one, "good", c->good[a]);
        document_real(j, one, "risky", c->risky[a]);
    }
}

void thresholds_part(Document *j, yyjson_mut_val *in, const Run *run)
{
    const ThresholdReview *t = run->thresholds;
    add_costs(j, in, &t->costs);
    if (t->capacity.reviews > 0) {
        yyjson_mut_val *o = document_object(j, in, "capacity");
        document_count(j, o, "reviews", t->capacity.reviews);
        document_text(j, o, "per", t->capacity.per);
        if (t->scored > 0) {
            document_count(j, o, "reviews_expected", t->reviews_expected);
            document_count(j, o, "reviews_by_rules", t->reviews_by_rules);
        }
    }
    document_count(j, in, "linked_customers", t->linked);
    yyjson_mut_val *strata = document_list(j, in, "strata");
    for (size_t k = 0; k < t->strata; k++)
        add_stratum(j, strata, run, k);
}
