/* job_bundle.c - what was learnt and what it was learnt from, as a bundle. */
#include "cli/job.h"

static void add_interval(Buffer *b, const char *name, Interval v)
{
    char text[3][NUMBER_TEXT];
    const double values[3] = {v.value, v.low, v.high};
    buffer_format(b, ",\"%s\":[", name);
    for (size_t i = 0; i < 3; i++) {
        buffer_add(b, i > 0 ? S(",") : S(""));
        buffer_add(b, is_missing(values[i]) ? S("null") : double_text(text[i], values[i]));
    }
    buffer_char(b, ']');
}

/* What a bundle says of itself: the chosen candidate's figures, [value, low, high]. */
static Str bundle_metrics(Arena *keep, const TrainingSet *set, const Validation *v)
{
    Buffer b = buffer_new(keep);
    if (v == NULL) /* nothing was learnt */
        return S("{\"model\":\"none\",\"strata\":[]}");
    const Candidate *c = &v->candidate[v->chosen];
    buffer_format(&b, "{\"model\":\"%.*s\",\"strata\":[", STR_ARG(c->name));
    for (size_t s = 0; s < set->strata; s++) {
        buffer_format(&b, "%s{\"customers\":%zu,\"positives\":%zu", s > 0 ? "," : "",
                      c->metric[s].customers, c->metric[s].positives);
        for (int k = 0; k < METRIC_KINDS; k++) {
            Str name = metric_name((MetricKind)k);
            add_interval(&b, str_chars(keep, name), c->metric[s].metric[k]);
        }
        buffer_char(&b, '}');
    }
    buffer_add(&b, S("]}"));
    return buffer_str(&b);
}

Status job_write_bundle(Job *j, const char *folder, Error *err)
{
    size_t positives = 0;
    char *hash = ARENA_ARRAY(j->keep, char, SHA256_TEXT);
    bundle_data_hash(hash, j->set.x, j->set.label);
    for (size_t i = 0; i < j->set.x->rows; i++)
        positives += j->set.label[i];
    Bundle b = {.schema = j->schema,
                .plan = j->plan,
                .policy = j->policy,
                .messages = j->messages,
                .model = j->learned.model,
                .calibration = j->learned.calibration,
                .venn_abers = j->learned.venn_abers,
                .skip = j->skip,
                .columns = matrix_plan(j->keep, j->plan, j->skip),
                .version = S(ASSAY_VERSION),
                .as_of_us = j->data->as_of_us,
                .seed = j->learn.seed,
                .customers = j->set.x->rows,
                .positives = positives,
                .data_hash = str_from(hash),
                .metrics = bundle_metrics(j->keep, &j->set, j->run.validation)};
    bundle_reference(&b, j->keep, j->scratch, j->set.x);
    /* The model's own probabilities. Those out of fold are other models' and differ from it where
     * many customers share one score, which would pass for drift ever after. */
    double *probability = ARENA_ARRAY(j->keep, double, j->set.x->rows + 1);
    model_margin(j->learned.model, j->set.x, probability);
    for (size_t i = 0; i < j->set.x->rows; i++)
        probability[i] = calibration_apply(&j->learned.calibration, probability[i]);
    TRY(reference_make(&b.reference, j->keep, j->scratch, j->plan, j->policy, j->data, j->features,
                       j->training_row, j->set.x->rows, probability, err));
    TRY(policy_peers(&b.peers, j->keep, j->scratch, j->policy, j->skip, j->events, j->features,
                     j->training_row, j->set.x->rows, j->args->team, err));
    TRY(bundle_write(&b, folder, err));
    /* Scored with what was written, not with what is in memory: what is served is what was
     * trained, or the run fails here. */
    return bundle_open(&j->bundle, j->keep, folder, err);
}
