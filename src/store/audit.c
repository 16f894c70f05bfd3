/* audit.c - what the leakage audit found, in metrics.json, and ablation.csv. */
#include "store/store_internal.h"

static void add_probes(Document *j, yyjson_mut_val *in, const char *key, const Probe *probe,
                       size_t probes)
{
    static const char *const abouts[] = {"feature", "customers", "transactions", "observation"};
    static const char *const sights[] = {"profile", "early", "open_window", "observation"};
    yyjson_mut_val *list = document_list(j, in, key);
    for (size_t i = 0; i < probes; i++) {
        const Probe *p = &probe[i];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "name", p->name);
        document_text(j, one, "about", str_from(abouts[p->about]));
        if (p->about == PROBE_FEATURE) {
            document_text(j, one, "use", p->use);
            document_text(j, one, "sight", str_from(sights[p->sight]));
        }
        if (p->column.size > 0)
            document_text(j, one, "column", p->column);
        if (p->leak != LEAK_NONE)
            document_text(j, one, "leak", leak_code(p->leak));
        document_text(j, one, "severity", severity_name(p->severity));
        document_interval(j, one, "auc", p->auc);
        document_truth(j, one, "higher_is_risky", p->higher_is_risky);
        document_real(j, one, "false_discovery_rate", p->label_q);
        document_real(j, one, "missing_labelled", p->missing_labelled);
        document_real(j, one, "missing_scored", p->missing_scored);
        document_real(j, one, "cohort_auc", p->cohort_auc);
        document_real(j, one, "cohort_false_discovery_rate", p->cohort_q);
        document_real(j, one, "psi", p->stability.psi);
        document_real(j, one, "psi_null_mean", p->stability.null_mean);
        document_real(j, one, "psi_noise_limit", p->psi_limit);
    }
}

static void add_kept_out(Document *j, yyjson_mut_val *in, const Audit *a)
{
    yyjson_mut_val *list = document_list(j, in, "kept_out");
    for (size_t i = 0; i < a->kept_outs; i++) {
        const KeptOut *k = &a->kept_out[i];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "feature", k->name);
        document_text(j, one, "leak", leak_code(k->leak));
        if (k->column.size > 0)
            document_text(j, one, "column", k->column);
        document_text(j, one, "why", k->why);
        document_interval(j, one, "auc", k->auc);
        document_truth(j, one, "kept_out", k->overruled.size == 0);
        if (k->overruled.size > 0)
            document_text(j, one, "overruled", k->overruled);
    }
}

static void add_adversary(Document *j, yyjson_mut_val *in, const Adversary *a)
{
    if (a->labelled == 0)
        return;
    yyjson_mut_val *o = document_object(j, in, "adversarial_validation");
    document_count(j, o, "labelled", a->labelled);
    document_count(j, o, "scored", a->scored);
    document_interval(j, o, "auc", a->auc);
    yyjson_mut_val *list = document_list(j, o, "columns");
    for (size_t i = 0; i < a->tellings; i++) {
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "name", a->telling[i].column);
        document_real(j, one, "auc_drop", a->telling[i].drop);
    }
}

static void add_joining(Document *j, yyjson_mut_val *in, const Joining *a)
{
    char text[TIME_TEXT];
    if (a->cohorts == 0 && a->late_days == 0)
        return;
    yyjson_mut_val *o = document_object(j, in, "joining");
    yyjson_mut_val *list = document_list(j, o, "cohorts");
    for (size_t c = 0; c < a->cohorts; c++) {
        const JoinCohort *joined = &a->joined[c];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "from", str_copy(j->arena, time_text(text, joined->from_us)));
        document_text(j, one, "until", str_copy(j->arena, time_text(text, joined->until_us)));
        document_count(j, one, "customers", joined->customers);
        document_count(j, one, "positives", joined->positives);
        document_interval(j, one, "positive_share", joined->share);
        document_real(j, one, "share_scored", joined->scored_share);
    }
    if (a->late_days > 0) {
        yyjson_mut_val *late = document_object(j, o, "late");
        document_count(j, late, "days", (uint64_t)a->late_days);
        document_count(j, late, "customers", a->late);
        document_count(j, late, "positives", a->late_positives);
        document_count(j, late, "other_customers", a->others);
        document_count(j, late, "other_positives", a->other_positives);
        document_real(j, late, "p", a->p);
    }
    list = document_list(j, o, "relations");
    for (size_t i = 0; i < a->relations; i++) {
        const Relation *r = &a->relation[i];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "name", r->name);
        yyjson_mut_val *auc = document_list(j, one, "auc");
        for (size_t c = 0; c < a->cohorts; c++)
            document_real(j, auc, NULL, r->auc[c]);
        document_real(j, one, "p", r->p);
        document_real(j, one, "false_discovery_rate", r->q);
        document_truth(j, one, "changes", r->changes);
    }
}

static void add_shared(Document *j, yyjson_mut_val *in, const Audit *a)
{
    yyjson_mut_val *list = document_list(j, in, "shared_between_cohorts");
    for (size_t i = 0; i < a->shareds; i++) {
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "what", a->shared[i].what);
        if (a->shared[i].column.size > 0)
            document_text(j, one, "column", a->shared[i].column);
        document_count(j, one, "values", a->shared[i].values);
        document_count(j, one, "customers", a->shared[i].customers);
    }
}

static void add_windows(Document *j, yyjson_mut_val *in, const Audit *a)
{
    if (a->early[0].window_us == 0)
        return;
    yyjson_mut_val *o = document_object(j, in, "early_windows");
    document_count(j, o, "fits_days", (uint64_t)(a->early_fits_us / DAY_US));
    yyjson_mut_val *list = document_list(j, o, "windows");
    for (size_t i = 0; i < EARLY_WINDOWS; i++) {
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_count(j, one, "days", (uint64_t)(a->early[i].window_us / DAY_US));
        document_real(j, one, "whole_labelled", a->early[i].whole_labelled);
        document_real(j, one, "whole_scored", a->early[i].whole_scored);
        document_count(j, one, "features_longer", a->early[i].longer);
    }
}

static void add_control(Document *j, yyjson_mut_val *in, const Control *c)
{
    yyjson_mut_val *control = document_object(j, in, "negative_control");
    document_text(j, control, "candidate", c->candidate);
    document_count(j, control, "shuffles", c->shuffles);
    document_real(j, control, "mean", c->mean);
    document_real(j, control, "limit_low", c->low);
    document_real(j, control, "limit_high", c->high);
    document_truth(j, control, "passed", c->passed);
    yyjson_mut_val *list = document_list(j, control, "auc");
    for (size_t i = 0; i < c->shuffles; i++)
        document_real(j, list, NULL, c->auc[i]);
}

static const char *const ablations[] = {"full", "without", "only", "with_suspicious",
                                        "with_protected"};

static void add_ablation(Document *j, yyjson_mut_val *in, const Ablation *a)
{
    yyjson_mut_val *o = document_object(j, in, "ablation");
    document_text(j, o, "candidate", a->candidate);
    document_count(j, o, "customers", a->customers);
    document_count(j, o, "repeats", a->repeats);
    document_count(j, o, "replicates", a->replicates);
    yyjson_mut_val *list = document_list(j, o, "variants");
    for (size_t i = 0; i < a->rows; i++) {
        const AblationRow *row = &a->row[i];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "columns", str_from(ablations[row->kind]));
        if (row->name.size > 0)
            document_text(j, one, "family", row->name);
        document_count(j, one, "count", row->columns);
        yyjson_mut_val *strata = document_list(j, one, "strata");
        for (size_t s = 0; s < a->strata; s++) {
            yyjson_mut_val *stratum = document_object(j, strata, NULL);
            document_text(j, stratum, "stratum", a->stratum[s]);
            document_interval(j, stratum, "auc", row->auc[s]);
            document_interval(j, stratum, "auc_difference", row->auc_gain[s]);
        }
        document_interval(j, one, "log_loss", row->log_loss);
        document_interval(j, one, "log_loss_difference", row->log_loss_gain);
    }
}

void store_audit(Document *j, const Audit *a)
{
    yyjson_mut_val *o = document_object(j, j->root, "audit");
    add_probes(j, o, "probes", a->probe, a->probes);
    add_probes(j, o, "columns", a->column, a->columns);
    add_kept_out(j, o, a);
    add_adversary(j, o, &a->adversary);
    add_joining(j, o, &a->joining);
    add_shared(j, o, a);
    add_windows(j, o, a);
    if (a->control.shuffles > 0)
        add_control(j, o, &a->control);
    if (a->ablation != NULL)
        add_ablation(j, o, a->ablation);
}

static void add_numbers(Buffer *b, Interval i)
{
    const double value[] = {i.value, i.low, i.high};
    char text[NUMBER_TEXT];
    for (size_t k = 0; k < COUNT_OF(value); k++) {
        buffer_char(b, ',');
        if (!is_missing(value[k]))
            buffer_add(b, double_text(text, value[k]));
    }
}

static void add_line(Sheet *s, const AblationRow *row, Str stratum, const char *metric,
                     Interval value, Interval gain)
{
    buffer_format(&s->line, "%s,", ablations[row->kind]);
    csv_write_cell(&s->line, row->name, true);
    buffer_format(&s->line, ",%zu,", row->columns);
    csv_write_cell(&s->line, stratum, true);
    buffer_format(&s->line, ",%s", metric);
    add_numbers(&s->line, value);
    add_numbers(&s->line, gain);
    buffer_char(&s->line, '\n');
    sheet_flush(s, false);
}

Status store_ablation(const Run *run, const char *folder, Arena scratch, Error *err)
{
    if (run->audit == NULL || run->audit->ablation == NULL)
        return STATUS_OK;
    const Ablation *a = run->audit->ablation;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "ablation.csv", err));
    buffer_add(&s.line, S("variant,family,columns,stratum,metric,value,low,high,difference,"
                          "difference_low,difference_high\n"));
    for (size_t i = 0; i < a->rows; i++) {
        const AblationRow *row = &a->row[i];
        for (size_t k = 0; k < a->strata; k++)
            add_line(&s, row, a->stratum[k], "auc", row->auc[k], row->auc_gain[k]);
        add_line(&s, row, a->stratum[0], "log_loss", row->log_loss, row->log_loss_gain);
    }
    return sheet_close(&s, err);
}
