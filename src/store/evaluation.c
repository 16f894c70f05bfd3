/* evaluation.c - how well a procedure, or a bundle, tells risky customers from others. */
#include "store/store_internal.h"

#include <math.h>

/* evaluation.csv: the customers a bundle was judged on, so that anyone can recompute its figures.
 */
static Status store_judged(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const TrainingSet *set = run->training;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "evaluation.csv", err));
    buffer_add(&s.line, S("customer_id,label"));
    for (size_t k = 0; k < set->strata; k++) {
        buffer_char(&s.line, ',');
        csv_write_cell(&s.line, set->stratum[k], true);
    }
    buffer_add(&s.line, S(",probability\n"));
    for (size_t i = 0; i < set->x->rows; i++) {
        char text[NUMBER_TEXT];
        csv_write_cell(&s.line, set->x->id[i], true);
        buffer_format(&s.line, ",%d", set->label[i]);
        for (size_t k = 0; k < set->strata; k++)
            buffer_format(&s.line, ",%d", set->in_stratum[k][i]);
        buffer_char(&s.line, ',');
        buffer_add(&s.line, double_text(text, run->scored->probability[i]));
        buffer_char(&s.line, '\n');
        sheet_flush(&s, false);
    }
    return sheet_close(&s, err);
}

static Status write_all(const Run *run, const char *folder, Arena scratch, Error *err)
{
    TRY(folder_make(folder, err));
    TRY(quarantine_write(run->data->quarantine, path_join(&scratch, folder, "quarantine.csv"),
                         err));
    TRY(store_quality(run, folder, scratch, err));
    TRY(store_metrics(run, folder, scratch, err));
    TRY(store_learning(run, folder, scratch, err));
    if (run->judged != NULL)
        TRY(store_judged(run, folder, scratch, err));
    TRY(store_timings(run, folder, scratch, err));
    Str identity;
    TRY(store_identity(&identity, &scratch, run, NULL, err));
    return file_write(path_join(&scratch, folder, "run.json"), identity, err);
}

Status store_evaluation(const Run *run, const char *folder, Error *err)
{
    Arena own = arena_new();
    Status status = write_all(run, folder, own, err);
    arena_free(&own);
    return status;
}

static void add_figures(Buffer *b, Str model, bool chosen, Str stratum, const MetricSet *m)
{
    for (int k = 0; k < METRIC_KINDS; k++) {
        const double value[] = {m->metric[k].value, m->metric[k].low, m->metric[k].high};
        csv_write_cell(b, model, true);
        buffer_format(b, ",%s,", chosen ? "true" : "false");
        csv_write_cell(b, stratum, true);
        buffer_format(b, ",%zu,%zu,%.*s", m->customers, m->positives,
                      STR_ARG(metric_name((MetricKind)k)));
        for (size_t i = 0; i < COUNT_OF(value); i++) {
            char text[NUMBER_TEXT];
            buffer_char(b, ',');
            if (isfinite(value[i]))
                buffer_add(b, double_text(text, value[i]));
        }
        buffer_char(b, '\n');
    }
}

Str store_figures(Arena *keep, const Run *run)
{
    Buffer b = buffer_new(keep);
    const TrainingSet *set = run->training;
    const Validation *v = run->validation;
    buffer_add(&b, S("model,chosen,stratum,customers,positives,metric,value,low,high\n"));
    for (size_t c = 0; v != NULL && c < v->candidates; c++)
        for (size_t s = 0; s < set->strata; s++)
            add_figures(&b, v->candidate[c].name, c == v->chosen, set->stratum[s],
                        &v->candidate[c].metric[s]);
    bool reweighted = v != NULL && run->strata != NULL && run->strata->metric != NULL;
    for (size_t c = 0; reweighted && c < v->candidates; c++)
        add_figures(&b, v->candidate[c].name, c == v->chosen, S("REWEIGHTED"),
                    &run->strata->metric[c]);
    for (size_t s = 0; run->judged != NULL && s < set->strata; s++)
        add_figures(&b, S("bundle"), true, set->stratum[s], &run->judged[s]);
    return buffer_str(&b);
}
