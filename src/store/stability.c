/* stability.c - stability.csv, and what metrics.json says of it. */
#include "store/store_internal.h"

static const char *const kinds[RERUN_KINDS] = {
    [RERUN_SEEDS] = "seeds",
    [RERUN_FOLDS] = "folds",
};

static void header(Sheet *s)
{
    buffer_add(&s->line, S("customer_id,on_list,segment,probability"));
    for (size_t k = 0; k < RERUN_KINDS; k++)
        buffer_format(&s->line,
                      ",%s_runs,%s_on_list,%s_low,%s_medium,%s_high,%s_probability_mean,"
                      "%s_probability_deviation",
                      kinds[k], kinds[k], kinds[k], kinds[k], kinds[k], kinds[k], kinds[k]);
    buffer_char(&s->line, '\n');
}

Status store_stability(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const ListStability *stability = run->stability;
    const uint32_t *order = store_order(&scratch, run);
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "stability.csv", err));
    header(&s);
    for (size_t i = 0; i < stability->customers; i++) {
        const Outcome *d = &run->scored->outcome[order[i]];
        csv_write_cell(&s.line, d->id, true);
        buffer_format(&s.line, ",%s,%.*s",
                      d->action == ACTION_PROPOSE_OFFBOARDING ? "true" : "false",
                      STR_ARG(segment_name(d->segment)));
        sheet_real(&s, d->probability);
        for (size_t k = 0; k < RERUN_KINDS; k++) {
            const Reruns *r = &stability->kind[k];
            const uint32_t *in = r->segment[order[i]];
            buffer_format(&s.line, ",%zu,%u,%u,%u,%u", r->runs, r->on_list[order[i]],
                          in[SEGMENT_LOW], in[SEGMENT_MEDIUM], in[SEGMENT_HIGH]);
            sheet_real(&s, r->mean[order[i]]);
            sheet_real(&s, r->deviation[order[i]]);
        }
        buffer_char(&s.line, '\n');
        sheet_flush(&s, false);
    }
    return sheet_close(&s, err);
}

static void add_kind(Document *j, yyjson_mut_val *in, const char *name, const Reruns *r)
{
    yyjson_mut_val *o = document_object(j, in, name);
    document_count(j, o, "runs", r->runs);
    document_count(j, o, "on_list_in_all", r->always);
    document_count(j, o, "on_list_in_8_of_10", r->mostly);
    document_count(j, o, "on_list_in_half", r->half);
    document_count(j, o, "on_list_in_fewer", r->rarely);
    document_count(j, o, "not_listed_but_in_half", r->newcomers);
    document_count(j, o, "same_segment_in_all", r->same_segment);
    document_real(j, o, "jaccard_mean", r->jaccard_mean);
    document_real(j, o, "jaccard_low", r->jaccard_low);
    yyjson_mut_val *listed = document_list(j, o, "listed");
    for (size_t i = 0; i < r->runs; i++)
        document_count(j, listed, NULL, r->listed[i]);
    yyjson_mut_val *jaccard = document_list(j, o, "jaccard");
    for (size_t i = 0; i < r->runs; i++)
        document_real(j, jaccard, NULL, r->jaccard[i]);
}

void stability_part(Document *j, yyjson_mut_val *in, const ListStability *s)
{
    yyjson_mut_val *o = document_object(j, in, "stability");
    document_count(j, o, "customers", s->customers);
    document_count(j, o, "listed", s->listed);
    document_truth(j, o, "model_draws", s->drawn);
    for (size_t k = 0; k < RERUN_KINDS; k++)
        add_kind(j, o, kinds[k], &s->kind[k]);
}
