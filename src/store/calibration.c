/* calibration.c - what the probabilities are worth: the part of metrics.json, and calibration.csv,
 * from which the choice of the map can be recomputed. */
#include "store/store_internal.h"

static void add_map(Document *j, yyjson_mut_val *in, const Calibration *c)
{
    document_text(j, in, "kind", calibration_name(c->kind));
    yyjson_mut_val *o = document_object(j, in, str_chars(j->arena, calibration_name(c->kind)));
    if (c->kind == CALIBRATION_PLATT) {
        document_real(j, o, "slope", c->platt.slope);
        document_real(j, o, "intercept", c->platt.intercept);
    } else if (c->kind == CALIBRATION_BETA) {
        document_real(j, o, "a", c->beta.a);
        document_real(j, o, "b", c->beta.b);
        document_real(j, o, "c", c->beta.c);
    } else {
        document_count(j, o, "knots", c->isotonic->knots);
    }
}

static void add_choice(Document *j, yyjson_mut_val *in, const CalibrationChoice *c)
{
    yyjson_mut_val *o = document_object(j, in, "choice");
    document_text(j, o, "chosen", calibration_name(c->chosen));
    document_text(j, o, "reason", c->reason);
    document_count(j, o, "customers_least", c->customers);
    document_count(j, o, "positives_least", c->positives);
    yyjson_mut_val *list = document_list(j, o, "kinds");
    for (int kind = 0; kind < CALIBRATION_KINDS; kind++) {
        const CalibrationTrial *t = &c->trial[kind];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "kind", calibration_name((CalibrationKind)kind));
        document_truth(j, one, "tried", t->tried);
        if (!t->tried)
            continue;
        document_real(j, one, "log_loss", t->log_loss);
        document_real(j, one, "log_loss_error", t->log_loss_error);
        document_real(j, one, "difference", t->difference);
        document_real(j, one, "difference_error", t->difference_error);
    }
}

static void add_reliability(Document *j, yyjson_mut_val *in, const Run *run, Arena scratch)
{
    yyjson_mut_val *strata = document_list(j, in, "reliability");
    for (size_t s = 0; s < run->training->strata; s++) {
        Reliability *bin;
        size_t bins = store_reliability(&bin, j->arena, scratch, run, s);
        yyjson_mut_val *one = document_object(j, strata, NULL);
        document_text(j, one, "stratum", run->training->stratum[s]);
        yyjson_mut_val *list = document_list(j, one, "bins");
        for (size_t i = 0; i < bins; i++) {
            yyjson_mut_val *b = document_object(j, list, NULL);
            document_count(j, b, "customers", bin[i].customers);
            document_count(j, b, "positives", bin[i].positives);
            document_real(j, b, "probability_low", bin[i].low);
            document_real(j, b, "probability_high", bin[i].high);
            document_real(j, b, "probability_mean", bin[i].mean);
            document_interval(j, b, "positive_share", bin[i].share);
            document_real(j, b, "supported_low", bin[i].supported_low);
            document_real(j, b, "supported_high", bin[i].supported_high);
        }
    }
}

static void add_rule(Document *j, yyjson_mut_val *in, const char *key, const PrevalenceRule *r)
{
    yyjson_mut_val *o = document_object(j, in, key);
    document_real(j, o, "threshold", r->threshold);
    document_interval(j, o, "precision", r->precision);
    document_interval(j, o, "recall", r->recall);
    document_interval(j, o, "flagged_per_1000", r->load);
}

static void add_prevalence(Document *j, yyjson_mut_val *in, const Prevalence *v)
{
    yyjson_mut_val *o = document_object(j, in, NULL);
    document_real(j, o, "assumed", v->assumed);
    document_real(j, o, "share", v->share);
    add_rule(j, o, "medium_as_is", &v->as_is[0]);
    add_rule(j, o, "high_as_is", &v->as_is[1]);
    add_rule(j, o, "medium_corrected", &v->corrected[0]);
    add_rule(j, o, "high_corrected", &v->corrected[1]);
    document_interval(j, o, "brier", v->brier);
    document_interval(j, o, "log_loss", v->log_loss);
}

static void add_check(Document *j, yyjson_mut_val *list, const Run *run, size_t s, Arena scratch)
{
    const CalibrationCheck *c = &run->calibration[s];
    yyjson_mut_val *o = document_object(j, list, NULL);
    document_text(j, o, "stratum", run->training->stratum[s]);
    document_count(j, o, "customers", c->customers);
    document_count(j, o, "positives", c->positives);
    document_interval(j, o, "slope", c->recalibration.slope);
    document_interval(j, o, "intercept", c->recalibration.intercept);
    document_interval(j, o, "in_the_large", c->recalibration.large);
    yyjson_mut_val *noise = document_object(j, o, "ece");
    document_real(j, noise, "value", c->ece.seen);
    document_real(j, noise, "when_perfect_mean", c->ece.mean);
    document_real(j, noise, "when_perfect_95", c->ece.high);
    document_real(j, noise, "when_perfect_share_reaching", c->ece.share);
    document_count(j, noise, "draws", c->ece.draws);
    if (run->validation != NULL) {
        Support width;
        store_support(&width, scratch, run, s);
        yyjson_mut_val *v = document_object(j, o, "venn_abers");
        document_real(j, v, "width_mean", width.mean);
        document_real(j, v, "width_median", width.median);
        document_count(j, v, "groups", width.groups);
        document_count(j, v, "groups_inside", width.inside);
        document_count(j, v, "groups_met", width.met);
    }
    yyjson_mut_val *assumed = document_list(j, o, "prevalence");
    for (size_t a = 0; a < PREVALENCES; a++)
        add_prevalence(j, assumed, &c->prevalence[a]);
}

void store_calibration_part(Document *j, const Run *run, Arena scratch)
{
    yyjson_mut_val *o = document_object(j, j->root, "calibration");
    document_text(j, o, "sample_prior",
                  store_prior_by_design(run) ? S("by_design") : S("population"));
    if (run->bundle != NULL)
        add_map(j, o, &run->bundle->calibration);
    if (run->validation != NULL) {
        add_choice(j, o, run->validation->calibration);
        add_reliability(j, o, run, scratch);
    }
    if (run->calibration == NULL)
        return;
    yyjson_mut_val *list = document_list(j, o, "strata");
    for (size_t s = 0; s < run->training->strata; s++)
        add_check(j, list, run, s, scratch);
}

bool store_prior_by_design(const Run *run)
{
    return run->data->schema->customers.label.prior == LABEL_PRIOR_BY_DESIGN;
}

void store_support(Support *out, Arena scratch, const Run *run, size_t stratum)
{
    const CalibrationChoice *c = run->validation->calibration;
    size_t rows = run->validation->rows, n = 0;
    double *width = ARENA_RAW(&scratch, double, rows + 1), sum = 0;
    *out = (Support){.mean = MISSING_VALUE, .median = MISSING_VALUE};
    for (size_t i = 0; i < rows; i++)
        if (run->training->in_stratum[stratum][i]) {
            width[n] = c->high[i] - c->low[i];
            sum += width[n++];
        }
    if (n > 0) {
        metric_sort(width, n);
        out->mean = sum / (double)n;
        out->median = (width[(n - 1) / 2] + width[n / 2]) / 2;
    }
    Reliability *bin;
    Arena own = arena_new(); /* apart from scratch, which the bins are made with */
    out->groups = store_reliability(&bin, &own, scratch, run, stratum);
    for (size_t i = 0; i < out->groups; i++) {
        out->inside += bin[i].share.value >= bin[i].supported_low &&
                       bin[i].share.value <= bin[i].supported_high;
        out->met +=
            bin[i].share.high >= bin[i].supported_low && bin[i].share.low <= bin[i].supported_high;
    }
    arena_free(&own);
}

/* calibration.csv: the chosen candidate's out-of-fold probabilities by every kind of map tried. */
Status store_calibration(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const TrainingSet *set = run->training;
    const Validation *v = run->validation;
    const CalibrationChoice *c = v->calibration;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "calibration.csv", err));
    buffer_add(&s.line, S("customer_id,label,supported_low,supported_high"));
    for (int kind = 0; kind < CALIBRATION_KINDS; kind++)
        for (size_t r = 0; c->trial[kind].tried && r < v->repeats; r++)
            buffer_format(&s.line, ",p_%.*s_%zu", STR_ARG(calibration_name((CalibrationKind)kind)),
                          r + 1);
    buffer_char(&s.line, '\n');
    for (size_t i = 0; i < set->x->rows; i++) {
        char text[NUMBER_TEXT];
        csv_write_cell(&s.line, set->x->id[i], true);
        buffer_format(&s.line, ",%d,%.*s", set->label[i], STR_ARG(double_text(text, c->low[i])));
        buffer_char(&s.line, ',');
        buffer_add(&s.line, double_text(text, c->high[i]));
        for (int kind = 0; kind < CALIBRATION_KINDS; kind++)
            for (size_t r = 0; c->trial[kind].tried && r < v->repeats; r++) {
                buffer_char(&s.line, ',');
                buffer_add(&s.line, double_text(text, c->trial[kind].probability[r][i]));
            }
        buffer_char(&s.line, '\n');
        sheet_flush(&s, false);
    }
    return sheet_close(&s, err);
}
