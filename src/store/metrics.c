/* metrics.c - metrics.json: how the model was chosen and how far it can be believed. */
#include "store/store_internal.h"

void document_metrics(Document *j, yyjson_mut_val *in, Str stratum, const MetricSet *m)
{
    yyjson_mut_val *o = document_object(j, in, NULL);
    document_text(j, o, "stratum", stratum);
    document_count(j, o, "customers", m->customers);
    document_count(j, o, "positives", m->positives);
    document_count(j, o, "repeats", m->repeats);
    yyjson_mut_val *metrics = document_object(j, o, "metrics");
    for (size_t k = 0; k < METRIC_KINDS; k++) {
        const char *name = str_chars(j->arena, metric_name((MetricKind)k));
        yyjson_mut_val *one = document_object(j, metrics, name);
        document_real(j, one, "value", m->metric[k].value);
        document_real(j, one, "low", m->metric[k].low);
        document_real(j, one, "high", m->metric[k].high);
        document_real(j, one, "repeat_deviation", m->repeat_deviation[k]);
    }
    document_real(j, o, "threshold", m->threshold);
    yyjson_mut_val *c = document_object(j, o, "confusion");
    document_count(j, c, "true_positive", m->confusion.true_positive);
    document_count(j, c, "false_positive", m->confusion.false_positive);
    document_count(j, c, "true_negative", m->confusion.true_negative);
    document_count(j, c, "false_negative", m->confusion.false_negative);
}

static void add_settings(Document *j, yyjson_mut_val *in, const Candidate *c)
{
    yyjson_mut_val *o = document_object(j, in, "settings");
    if (c->kind == MODEL_LINEAR) {
        if (c->lasso)
            document_real(j, o, "l1", c->l1);
        else if (!c->constant)
            document_real(j, o, "l2", c->l2);
        return;
    }
    if (c->kind == MODEL_BLEND) {
        yyjson_mut_val *list = document_list(j, o, "parts");
        for (size_t i = 0; i < c->parts; i++)
            document_text(j, document_object(j, list, NULL), "name", c->part[i]->name);
        return;
    }
    const ForestOptions *f = &c->forest;
    document_count(j, o, "trees", f->trees);
    document_count(j, o, "depth", f->depth);
    document_count(j, o, "leaves", f->leaves);
    document_count(j, o, "bins", f->bins);
    document_real(j, o, "learning_rate", f->learning_rate);
    document_real(j, o, "l2", f->l2);
    document_real(j, o, "hessian_min", f->hessian_min);
    document_real(j, o, "gain_min", f->gain_min);
    document_real(j, o, "row_share", f->row_share);
    document_real(j, o, "column_share", f->column_share);
    document_real(j, o, "split_share", f->split_share);
    document_truth(j, o, "apart", f->apart);
    document_count(j, o, "patience", f->patience);
    document_count(j, o, "seed", f->seed);
}

static void add_candidates(Document *j, yyjson_mut_val *in, const Run *run)
{
    const Validation *v = run->validation;
    yyjson_mut_val *list = document_list(j, in, "candidates");
    for (size_t i = 0; i < v->candidates; i++) {
        const Candidate *c = &v->candidate[i];
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "name", c->name);
        document_text(j, o, "says", c->says);
        document_text(j, o, "kind",
                      c->kind == MODEL_LINEAR   ? S("linear")
                      : c->kind == MODEL_FOREST ? S("forest")
                                                : S("blend"));
        add_settings(j, o, c);
        document_real(j, o, "log_loss", c->log_loss);
        document_real(j, o, "log_loss_error", c->log_loss_error);
        document_candidate_choice(j, o, v, c);
        yyjson_mut_val *strata = document_list(j, o, "strata");
        for (size_t s = 0; s < run->training->strata; s++)
            document_metrics(j, strata, run->training->stratum[s], &c->metric[s]);
    }
}

static void add_validation(Document *j, const Run *run)
{
    const Validation *v = run->validation;
    yyjson_mut_val *o = document_object(j, j->root, "validation");
    document_count(j, o, "customers", v->rows);
    document_count(j, o, "positives", v->positives);
    document_count(j, o, "folds", v->folds);
    document_count(j, o, "repeats", v->repeats);
    document_text(j, o, "chosen", v->candidate[v->chosen].name);
    document_text(j, o, "reason", v->reason);
    document_text(j, o, "headline_stratum", run->training->stratum[run->headline]);
    document_choice(j, o, run);
    add_candidates(j, o, run);
}

static void add_judged(Document *j, const Run *run)
{
    yyjson_mut_val *o = document_object(j, j->root, "evaluation");
    document_text(j, o, "bundle", str_from(run->bundle->id));
    document_count(j, o, "customers", run->training->x->rows);
    document_text(j, o, "headline_stratum", run->training->stratum[run->headline]);
    yyjson_mut_val *strata = document_list(j, o, "strata");
    for (size_t s = 0; s < run->training->strata; s++)
        document_metrics(j, strata, run->training->stratum[s], &run->judged[s]);
}

static void add_silence(Document *j, const Silence *s)
{
    char text[TIME_TEXT];
    yyjson_mut_val *o = document_object(j, j->root, "silence");
    document_text(j, o, "age", str_copy(j->arena, duration_text(text, s->age_us)));
    document_count(j, o, "customers", s->customers);
    document_real(j, o, "mean_change", s->mean_change);
    document_real(j, o, "max_change", s->max_change);
    document_real(j, o, "rank_correlation", s->rank_correlation);
    document_real(j, o, "limit", s->limit);
    document_real(j, o, "rank_correlation_least", s->correlation_least);
    document_real(j, o, "observed_unequally", s->unequal);
    document_truth(j, o, "tested", s->tested);
    document_truth(j, o, "passed", s->passed);
}

Status store_metrics(const Run *run, const char *folder, Arena scratch, Error *err)
{
    Document j;
    Arena spare = arena_new();
    document_open(&j, &scratch);
    Thresholds t = policy_thresholds(run->policy);
    yyjson_mut_val *o = document_object(&j, j.root, "thresholds");
    document_real(&j, o, "medium", t.medium);
    document_real(&j, o, "high", t.high);
    document_real(&j, o, "offboarding", t.offboarding);
    if (run->thresholds != NULL)
        thresholds_part(&j, o, run);
    if (run->stability != NULL)
        stability_part(&j, j.root, run->stability);
    if (run->validation != NULL) {
        add_validation(&j, run);
        store_add_split(&j, run);
        store_strata_figures(&j, run);
    }
    if (run->validation != NULL || run->judged != NULL)
        store_calibration_part(&j, run, spare);
    if (run->judged != NULL)
        add_judged(&j, run);
    if (run->audit != NULL)
        store_audit(&j, run->audit);
    if (run->importance != NULL)
        store_add_importance(&j, run);
    if (run->screening != NULL)
        store_add_screening(&j, run);
    if (run->silence != NULL)
        add_silence(&j, run->silence);
    store_fairness_figures(&j, run);
    Status status =
        file_write(path_join(&scratch, folder, "metrics.json"), document_write(&j, true), err);
    arena_free(&spare);
    return status;
}
