/* write.c - what was found, for programs: JSON, and Prometheus text for the textfile collector. */
#include "monitor/monitor_internal.h"

#include <math.h>

static const char *const gravities[] = {"watch", "act"};
static const char *const uses[] = {"model", "policy", "monitor"};
static const char *const kinds[] = {"feature", "score", "segment", "stratum"};

/* ---- JSON ---- */

static void put_window(Document *d, const char *key, const MonitorWindow *w)
{
    yyjson_mut_val *o = document_object(d, d->root, key);
    document_time(d, o, "from", w->from_us);
    document_time(d, o, "to", w->to_us);
    document_count(d, o, "decisions", w->decisions);
    document_count(d, o, "customers", w->customers);
    document_count(d, o, "insufficient_data", w->insufficient);
    document_real(d, o, "mean_probability", w->probability);
    yyjson_mut_val *s = document_object(d, o, "segments");
    for (int k = 0; k < SEGMENTS; k++)
        document_count(d, s, segment_name((Segment)k).data, w->segment[k]);
    yyjson_mut_val *a = document_object(d, o, "actions");
    for (int k = 0; k < ACTIONS; k++)
        document_count(d, a, action_name((Action)k).data, w->action[k]);
}

static void put_item(Document *d, yyjson_mut_val *list, const MonitorItem *i)
{
    yyjson_mut_val *o = document_object(d, list, NULL);
    document_text(d, o, "name", i->was->name);
    document_text(d, o, "kind", str_from(kinds[i->was->of]));
    document_text(d, o, "use", str_from(uses[i->use]));
    document_real(d, o, "psi", i->stability.psi);
    document_real(d, o, "psi_null_mean", i->stability.null_mean);
    document_real(d, o, "psi_limit", i->limit);
    document_text(d, o, "verdict", drift_verdict_name(i->verdict));
    document_real(d, o, "psi_before", i->psi_before);
    document_text(d, o, "test", monitor_test_name(i->test));
    document_real(d, o, "statistic", i->statistic);
    document_real(d, o, "p", i->p);
    document_real(d, o, "q", i->q);
    document_real(d, o, "missing_at_training", i->missing_was);
    document_real(d, o, "missing_now", i->missing_now);
    document_real(d, o, "missing_p", i->missing_p);
    document_real(d, o, "missing_q", i->missing_q);
    document_truth(d, o, "missing_rose", i->missing_rose);
}

static void put_cohort(Document *d, yyjson_mut_val *list, const MonitorCohort *c)
{
    yyjson_mut_val *o = document_object(d, list, NULL);
    document_text(d, o, "cohort", c->name);
    document_count(d, o, "decisions", c->decisions);
    document_count(d, o, "labelled", c->labelled);
    document_count(d, o, "positives", c->positives);
    document_count(d, o, "of_other_bundles", c->others_bundle);
    document_count(d, o, "proposed", c->proposed);
    document_count(d, o, "right", c->right);
    document_interval(d, o, "precision", c->precision);
    document_real(d, o, "precision_not_below", c->precision_low);
    document_count(d, o, "flagged", c->flagged);
    document_count(d, o, "flagged_right", c->flagged_right);
    document_count(d, o, "low", c->low);
    document_count(d, o, "low_positives", c->low_positives);
    document_real(d, o, "auc", c->auc);
    document_real(d, o, "brier", c->brier);
    document_interval(d, o, "slope", c->recalibration.slope);
    document_interval(d, o, "intercept", c->recalibration.intercept);
    document_interval(d, o, "in_the_large", c->recalibration.large);
    document_real(d, o, "ece", c->ece.seen);
    document_real(d, o, "ece_by_chance", c->ece.mean);
    document_real(d, o, "ece_by_chance_high", c->ece.high);
}

static void put_feedback(Document *d, const Monitor *m)
{
    const MonitorFeedback *f = &m->feedback;
    yyjson_mut_val *o = document_object(d, d->root, "feedback");
    document_count(d, o, "lines", f->lines);
    document_count(d, o, "unmatched", f->unmatched);
    document_count(d, o, "outside", f->outside);
    document_count(d, o, "timed", f->timed);
    document_real(d, o, "median_review_seconds", f->median_seconds);
    document_count(d, o, "positive_in_low", f->low_positive);
    yyjson_mut_val *list = document_list(d, o, "actions");
    for (int a = 0; a <= ACTIONS; a++) {
        const MonitorVerdicts *v = a < ACTIONS ? &f->action[a] : &f->all;
        yyjson_mut_val *one = document_object(d, list, NULL);
        document_text(d, one, "action", a < ACTIONS ? action_name((Action)a) : S("all"));
        document_count(d, one, "agree", v->agree);
        document_count(d, one, "overrule", v->overrule);
        document_count(d, one, "positive", v->positive);
        document_count(d, one, "negative", v->negative);
        document_interval(d, one, "overturned", a < ACTIONS ? f->overturned[a] : f->overturned_all);
    }
}

static void put_lists(Document *d, const Monitor *m)
{
    yyjson_mut_val *list = document_list(d, d->root, "drift");
    for (size_t i = 0; i < m->items; i++)
        put_item(d, list, &m->item[i]);
    list = document_list(d, d->root, "cohorts");
    for (size_t i = 0; i < m->cohorts; i++)
        put_cohort(d, list, &m->cohort[i]);
    list = document_list(d, d->root, "groups");
    for (size_t i = 0; i < m->groups; i++) {
        const MonitorGroup *g = &m->group[i];
        yyjson_mut_val *o = document_object(d, list, NULL);
        document_text(d, o, "column", g->column);
        document_text(d, o, "group", g->value);
        document_count(d, o, "customers", g->customers);
        document_count(d, o, "acted", g->acted);
        document_count(d, o, "negatives", g->negatives);
        document_count(d, o, "negatives_acted", g->negatives_acted);
        document_interval(d, o, "action_ratio", g->action_ratio);
        document_interval(d, o, "false_positive_ratio", g->false_ratio);
    }
    list = document_list(d, d->root, "alerts");
    for (size_t i = 0; i < m->alerts; i++) {
        const MonitorAlert *a = &m->alert[i];
        yyjson_mut_val *o = document_object(d, list, NULL);
        document_text(d, o, "severity", str_from(gravities[a->gravity]));
        document_text(d, o, "code", str_from(a->code));
        document_text(d, o, "about", a->about);
        document_text(d, o, "seen", a->seen);
        document_text(d, o, "threshold", a->threshold);
        document_text(d, o, "runbook", str_from(a->runbook));
    }
    document_texts(d, d->root, "unknown", m->unknown, m->unknowns);
}

Str monitor_json(Arena *keep, const Monitor *m)
{
    Document d;
    document_open(&d, keep);
    document_text(&d, d.root, "version", m->inputs.version);
    document_text(&d, d.root, "bundle", str_from(m->inputs.bundle->id));
    document_text(&d, d.root, "role", m->inputs.challenger ? S("challenger") : S("champion"));
    document_time(&d, d.root, "until", m->inputs.until_us);
    document_real(&d, d.root, "window_days", (double)m->inputs.window_us / (double)DAY_US);
    document_real(&d, d.root, "mature_days", (double)m->inputs.mature_us / (double)DAY_US);
    document_real(&d, d.root, "floor", m->inputs.floor);
    document_count(&d, d.root, "reference_customers", m->reference);
    yyjson_mut_val *o = document_object(&d, d.root, "lines");
    document_count(&d, o, "all", m->lines);
    document_count(&d, o, "of_the_other_role", m->other_role);
    document_count(&d, o, "of_other_bundles", m->other_bundle);
    document_count(&d, o, "later", m->later);
    document_count(&d, o, "older", m->older);
    document_count(&d, o, "repeated", m->repeated);
    put_window(&d, "now", &m->now);
    put_window(&d, "before", &m->before);
    o = document_object(&d, d.root, "labels");
    document_count(&d, o, "all", m->labels);
    document_count(&d, o, "unmatched", m->labels_unmatched);
    document_count(&d, o, "waiting", m->labels_waiting);
    document_count(&d, o, "known_before", m->labels_early);
    document_count(&d, o, "mature_decisions", m->mature_decisions);
    put_feedback(&d, m);
    put_lists(&d, m);
    return document_write(&d, true);
}

/* ---- Prometheus ---- */

static void head(Buffer *b, const char *name, const char *help)
{
    buffer_format(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void number(Buffer *b, double value)
{
    char text[NUMBER_TEXT];
    buffer_add(b, is_missing(value) ? S("NaN")
                  : isinf(value)    ? (value > 0 ? S("+Inf") : S("-Inf"))
                                    : double_text(text, value));
    buffer_char(b, '\n');
}

static void single(Buffer *b, const char *name, const char *help, double value)
{
    head(b, name, help);
    buffer_format(b, "%s ", name);
    number(b, value);
}

typedef double ItemFigure(const MonitorItem *i);
static double item_psi(const MonitorItem *i)
{
    return i->stability.psi;
}
static double item_limit(const MonitorItem *i)
{
    return i->limit;
}
static double item_q(const MonitorItem *i)
{
    return i->q;
}
static double item_missing(const MonitorItem *i)
{
    return i->missing_now;
}

static void put_items(Buffer *b, const Monitor *m)
{
    static const struct {
        const char *name, *help;
        ItemFigure *figure;
    } of[] = {{"assay_monitor_drift_psi", "Population stability index against training.", item_psi},
              {"assay_monitor_drift_noise_limit_psi", "What chance alone stays below.", item_limit},
              {"assay_monitor_drift_false_discovery_ratio",
               "Smallest false discovery rate at which the feature has moved.", item_q},
              {"assay_monitor_feature_missing_ratio", "Share of customers without a value.",
               item_missing}};
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        head(b, of[k].name, of[k].help);
        for (size_t i = 0; i < m->items; i++) {
            double value = of[k].figure(&m->item[i]);
            if (is_missing(value))
                continue;
            buffer_format(b, "%s{kind=\"%s\",use=\"%s\"", of[k].name, kinds[m->item[i].was->of],
                          uses[m->item[i].use]);
            telemetry_label(b, "feature", m->item[i].was->name, false);
            buffer_add(b, S("} "));
            number(b, value);
        }
    }
}

static void put_cohorts(Buffer *b, const Monitor *m)
{
    static const char *const name[] = {
        "assay_monitor_labelled_customers", "assay_monitor_precision_ratio",
        "assay_monitor_precision_low_ratio", "assay_monitor_calibration_slope",
        "assay_monitor_calibration_error"};
    static const char *const help[] = {
        "Customers with a mature label.", "Share of proposals that were right.",
        "Its one-sided lower bound, 95 %.", "Slope of labels on the log-odds; 1 is calibrated.",
        "Expected calibration error."};
    for (size_t k = 0; k < COUNT_OF(name); k++) {
        head(b, name[k], help[k]);
        for (size_t i = 0; i < m->cohorts; i++) {
            const MonitorCohort *c = &m->cohort[i];
            const double value[] = {(double)c->labelled, c->precision.value, c->precision_low,
                                    c->recalibration.slope.value, c->ece.seen};
            if (is_missing(value[k]))
                continue;
            buffer_format(b, "%s{", name[k]);
            telemetry_label(b, "cohort", c->name, true);
            buffer_add(b, S("} "));
            number(b, value[k]);
        }
    }
}

/* To everybody else of the column; a group too small to say so of is not there. */
static void put_groups(Buffer *b, const Monitor *m)
{
    const char *name = "assay_monitor_group_ratio";
    head(b, name,
         "Rate of a group to that of the others: `action` of due diligence or graver, `false` the "
         "same among good customers.");
    for (size_t i = 0; i < m->groups; i++) {
        const MonitorGroup *g = &m->group[i];
        const double ratio[] = {g->action_ratio.value, g->false_ratio.value};
        for (size_t k = 0; k < COUNT_OF(ratio); k++) {
            if (is_missing(ratio[k]))
                continue;
            buffer_format(b, "%s{of=\"%s\"", name, k == 0 ? "action" : "false");
            telemetry_label(b, "column", g->column, false);
            telemetry_label(b, "group", g->value, false);
            buffer_add(b, S("} "));
            number(b, ratio[k]);
        }
    }
}

static void put_alerts(Buffer *b, const Monitor *m)
{
    const char *name = "assay_monitor_alert";
    head(b, name, "An alert of the last report: 1.");
    for (size_t i = 0; i < m->alerts; i++) {
        const MonitorAlert *a = &m->alert[i];
        buffer_format(b, "%s{severity=\"%s\",alert=\"%s\"", name, gravities[a->gravity], a->code);
        telemetry_label(b, "about", a->about, false);
        buffer_add(b, S("} 1\n"));
    }
    size_t count[2] = {0};
    for (size_t i = 0; i < m->alerts; i++)
        count[m->alert[i].gravity]++;
    head(b, "assay_monitor_alerts", "Alerts of the last report, by severity.");
    for (int g = 0; g < 2; g++)
        buffer_format(b, "assay_monitor_alerts{severity=\"%s\"} %zu\n", gravities[g], count[g]);
}

Str monitor_prometheus(Arena *keep, const Monitor *m)
{
    Buffer b = buffer_new(keep);
    const char *name = "assay_monitor_info";
    head(&b, name, "What the report is of: 1.");
    buffer_format(&b, "%s{bundle=\"%s\",role=\"%s\"} 1\n", name, m->inputs.bundle->id,
                  m->inputs.challenger ? "challenger" : "champion");
    single(&b, "assay_monitor_until_timestamp_seconds", "The end of the window.",
           (double)m->inputs.until_us / 1e6);
    single(&b, "assay_monitor_window_customers", "Customers of the window.",
           (double)m->now.customers);
    head(&b, "assay_monitor_segment_ratio", "Share of the window's customers in a segment.");
    for (int k = 0; k < SEGMENTS && m->now.customers > 0; k++) {
        buffer_format(&b, "assay_monitor_segment_ratio{segment=\"%.*s\"} ",
                      STR_ARG(segment_name((Segment)k)));
        number(&b, (double)m->now.segment[k] / (double)m->now.customers);
    }
    if (m->now.customers > 0)
        single(&b, "assay_monitor_proposed_ratio",
               "Share of the window's customers put forward for off-boarding.",
               (double)m->now.action[ACTION_PROPOSE_OFFBOARDING] / (double)m->now.customers);
    put_items(&b, m);
    put_cohorts(&b, m);
    if (!is_missing(m->feedback.overturned_all.value) && m->inputs.feedback != NULL)
        single(&b, "assay_monitor_overturned_ratio", "Share of reviewed decisions overturned.",
               m->feedback.overturned_all.value);
    put_groups(&b, m);
    put_alerts(&b, m);
    return buffer_str(&b);
}

Status monitor_write(const Monitor *m, const char *folder, Error *err)
{
    Arena own = arena_new();
    Status status = folder_make(folder, err);
    if (status == STATUS_OK)
        status = file_write(path_join(&own, folder, "monitor.json"), monitor_json(&own, m), err);
    if (status == STATUS_OK)
        status =
            file_write(path_join(&own, folder, "monitor.prom"), monitor_prometheus(&own, m), err);
    if (status == STATUS_OK)
        status = monitor_page(m, path_join(&own, folder, "monitor.html"), err);
    arena_free(&own);
    return status;
}
