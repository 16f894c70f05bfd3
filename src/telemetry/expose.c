/* expose.c - all metrics as Prometheus text, exposition format 0.0.4. */
#include "telemetry/telemetry_internal.h"

#include <math.h>
#include <string.h>

/* ---- parts of the format ---- */

static void add_number(Buffer *b, double value)
{
    char text[NUMBER_TEXT];
    buffer_add(b, isnan(value)   ? S("NaN")
                  : isinf(value) ? (value > 0 ? S("+Inf") : S("-Inf"))
                                 : double_text(text, value));
    buffer_char(b, '\n');
}

static void add_count(Buffer *b, uint64_t value)
{
    buffer_format(b, "%llu\n", (unsigned long long)value);
}

static void head(Buffer *b, const char *name, const char *type, const char *help)
{
    buffer_format(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void telemetry_label(Buffer *b, const char *name, Str value, bool first)
{
    buffer_format(b, "%s%s=\"", first ? "" : ",", name);
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c == '\\' || c == '"')
            buffer_char(b, '\\');
        if (c == '\n')
            buffer_add(b, S("\\n"));
        else
            buffer_char(b, c);
    }
    buffer_char(b, '"');
}

static void gauge(Buffer *b, const char *name, const char *help, double value)
{
    head(b, name, "gauge", help);
    buffer_format(b, "%s ", name);
    add_number(b, value);
}

static void counter(Buffer *b, const char *name, const char *help, double value)
{
    head(b, name, "counter", help);
    buffer_format(b, "%s ", name);
    add_number(b, value);
}

/* ---- what is counted ---- */

/* name_suffix{labels,le="..."} */
static void begin(Buffer *b, const Family *f, const Series *s, const char *suffix, Str le)
{
    bool first = true;
    buffer_format(b, "%s%s", f->name, suffix);
    if (f->label[0] != NULL || le.size > 0)
        buffer_char(b, '{');
    for (size_t i = 0; i < LABELS && f->label[i] != NULL; i++) {
        telemetry_label(b, f->label[i], s->label[i], first);
        first = false;
    }
    if (le.size > 0)
        telemetry_label(b, "le", le, first);
    if (f->label[0] != NULL || le.size > 0)
        buffer_char(b, '}');
    buffer_char(b, ' ');
}

/* The count is the sum of the bins as they were read, so it never contradicts them. */
static void add_histogram(Buffer *b, const Counts *c, const Family *f, const Series *s)
{
    uint64_t so_far = 0;
    char text[NUMBER_TEXT];
    for (size_t k = 0; k <= f->bounds; k++) {
        so_far += counts_cell(c, s->cell + k);
        begin(b, f, s, "_bucket",
              k == f->bounds ? S("+Inf") : double_text(text, (double)f->bound[k] / f->unit));
        add_count(b, so_far);
    }
    begin(b, f, s, "_sum", S(""));
    add_number(b, (double)(int64_t)counts_cell(c, s->cell + f->bounds + 1) / f->unit);
    begin(b, f, s, "_count", S(""));
    add_count(b, so_far);
}

static void add_families(Buffer *b, Arena scratch, Counts *c)
{
    for (FamilyId id = 0; id < FAMILIES; id++) {
        const Family *f = &families[id];
        const Series **series;
        Arena one = scratch;
        size_t n = counts_series(&series, &one, c, id);
        head(b, f->name, f->bound == NULL ? "counter" : "histogram", f->help);
        if (n == 0 && f->label[0] == NULL && f->bound == NULL)
            buffer_format(b, "%s 0\n", f->name);
        for (size_t i = 0; i < n; i++) {
            if (f->bound != NULL) {
                add_histogram(b, c, f, series[i]);
                continue;
            }
            begin(b, f, series[i], "", S(""));
            add_count(b, counts_cell(c, series[i]->cell));
        }
    }
}

/* ---- lines and queues ---- */

static void add_lost(Buffer *b, Telemetry *t)
{
    counter(b, "assay_log_lines_dropped_total",
            "Lines of the log that nobody took in time, or that could not be written.",
            (double)(t->log.dropped_full + t->log.dropped_failed));
    counter(b, "assay_predictions_written_total", "Lines of the prediction log that were written.",
            (double)t->predictions.written);
    const char *name = "assay_predictions_dropped_total";
    head(b, name, "counter", "Lines of the prediction log that were lost, by reason.");
    buffer_format(b, "%s{reason=\"queue\"} ", name);
    add_count(b, t->predictions.dropped_full);
    buffer_format(b, "%s{reason=\"write\"} ", name);
    add_count(b, t->predictions.dropped_failed);
    counter(b, "assay_decisions_unwatched_total",
            "Decisions that were answered but neither watched for drift nor logged, for the queue "
            "was full.",
            (double)t->seen_dropped);
}

/* ---- the bundles, and drift ---- */

static const char *const role_names[] = {"champion", "challenger"};

static void add_bundles(Buffer *b, Telemetry *t)
{
    const char *name = "assay_bundle_info";
    int64_t now = clock_wall_us();
    head(b, name, "gauge", "The bundles that answer: 1.");
    for (size_t i = 0; i < 2; i++) {
        const Watch *w = t->watch[i];
        if (w == NULL)
            continue;
        buffer_format(b, "%s{", name);
        telemetry_label(b, "role", str_from(role_names[i]), true);
        telemetry_label(b, "id", str_from(w->id), false);
        telemetry_label(b, "version", w->version, false);
        telemetry_label(b, "policy", w->policy, false);
        telemetry_label(b, "revision", w->revision, false);
        telemetry_label(b, "policy_sha256", w->policy_sha256, false);
        buffer_add(b, S("} 1\n"));
    }
    static const struct {
        const char *name, *help;
    } of[] = {{"assay_bundle_data_timestamp_seconds", "The instant that a bundle's data end at."},
              {"assay_bundle_age_seconds", "Time since the instant that a bundle's data end at."},
              {"assay_bundle_trained_customers", "Customers that a bundle has learnt from."},
              {"assay_bundle_trained_positives", "Suspended customers among them."}};
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        head(b, of[k].name, "gauge", of[k].help);
        for (size_t i = 0; i < 2; i++) {
            const Watch *w = t->watch[i];
            if (w == NULL)
                continue;
            const double value[] = {(double)w->as_of_us / 1e6, (double)(now - w->as_of_us) / 1e6,
                                    (double)w->trained, (double)w->positives};
            buffer_format(b, "%s{role=\"%s\"} ", of[k].name, role_names[i]);
            add_number(b, value[k]);
        }
    }
}

typedef double DriftFigure(const WatchFigure *f);
static double figure_psi(const WatchFigure *f)
{
    return f->psi;
}
static double figure_limit(const WatchFigure *f)
{
    return f->limit;
}
static double figure_beyond(const WatchFigure *f)
{
    return f->psi > f->limit;
}
static double figure_verdict(const WatchFigure *f)
{
    return f->verdict == DRIFT_ACT ? 2 : f->verdict == DRIFT_WATCH ? 1 : 0;
}
static double figure_missing(const WatchFigure *f)
{
    return f->missing;
}

static void add_drift(Buffer *b, Arena scratch, Telemetry *t)
{
    static const struct {
        const char *name, *help;
        DriftFigure *figure;
        bool features; /* of features alone */
    } of[] = {
        {"assay_drift_psi",
         "Population stability index of the last 24 hours against the bundle's reference.",
         figure_psi, false},
        {"assay_drift_noise_limit_psi",
         "The index that chance alone stays below in 999 of 1,000 windows of this size.",
         figure_limit, false},
        {"assay_drift_beyond_noise", "1 where the index is above what chance gives.", figure_beyond,
         false},
        {"assay_drift_verdict",
         "0: stable or within noise; 1: watch, above 0.1; 2: act, above 0.25 (and beyond noise).",
         figure_verdict, false},
        {"assay_feature_missing_ratio", "Share of the decisions of the window without a value.",
         figure_missing, true}};
    const char *window = "assay_drift_window_decisions";
    head(b, window, "gauge", "Decisions of the last 24 hours that drift is measured on.");
    WatchFigure *figure[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++) {
        const Watch *w = t->watch[i];
        if (w == NULL)
            continue;
        buffer_format(b, "%s{role=\"%s\"} ", window, role_names[i]);
        add_count(b, w->customers);
        figure[i] = ARENA_ARRAY(&scratch, WatchFigure, w->items + 1);
        for (size_t k = 0; k < w->items && w->customers > 0; k++)
            figure[i][k] = watch_figure(w, &w->item[k]);
    }
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        head(b, of[k].name, "gauge", of[k].help);
        for (size_t i = 0; i < 2; i++) {
            const Watch *w = t->watch[i];
            for (size_t j = 0; w != NULL && w->customers > 0 && j < w->items; j++) {
                const Distribution *was = w->item[j].was;
                if (of[k].features && was->of != OF_FEATURE)
                    continue;
                static const char *const kinds[] = {"feature", "score", "segment", "stratum"};
                static const char *const uses[] = {"model", "policy", "monitor"};
                buffer_format(b, "%s{role=\"%s\",kind=\"%s\",use=\"%s\"", of[k].name, role_names[i],
                              kinds[was->of], uses[w->item[j].use]);
                telemetry_label(b, "feature", was->name, false);
                buffer_add(b, S("} "));
                add_number(b, of[k].figure(&figure[i][j]));
            }
        }
    }
}

/* ---- the rest ---- */

/* Of the verdicts that say so, how many found the proposal right. */
static void add_precision(Buffer *b, Arena scratch, Telemetry *t)
{
    const char *name = "assay_feedback_confirmed_ratio";
    const Series **series;
    size_t n = counts_series(&series, &scratch, t->counts, COUNT_FEEDBACK);
    head(b, name, "gauge",
         "Of the actions that were judged, the share found right (agree, positive).");
    for (int a = 0; a < ACTIONS; a++) {
        uint64_t right = 0, judged = 0;
        for (size_t i = 0; i < n; i++) {
            Str verdict = series[i]->label[0];
            if (!str_equal(series[i]->label[1], action_name((Action)a)))
                continue;
            uint64_t count = counts_cell(t->counts, series[i]->cell);
            bool yes = str_equal(verdict, S("agree")) || str_equal(verdict, S("positive"));
            right += yes ? count : 0;
            bool no = str_equal(verdict, S("overrule")) || str_equal(verdict, S("negative"));
            judged += yes || no ? count : 0;
        }
        if (judged > 0) {
            buffer_format(b, "%s{", name);
            telemetry_label(b, "action", action_name((Action)a), true);
            buffer_add(b, S("} "));
            add_number(b, (double)right / (double)judged);
        }
    }
}

static void add_process(Buffer *b, const Telemetry *t)
{
    ProcessFigures p = process_figures();
    counter(b, "process_cpu_seconds_total", "Processor time used.", p.cpu_seconds);
    gauge(b, "process_resident_memory_bytes", "Resident memory.", (double)p.resident_bytes);
    gauge(b, "process_virtual_memory_bytes", "Reserved addresses.", (double)p.virtual_bytes);
    gauge(b, "process_start_time_seconds", "When the process was started.",
          p.start_seconds > 0 ? p.start_seconds : (double)t->start_us / 1e6);
    gauge(b, "process_open_fds", "Open file descriptors.", (double)p.open_fds);
    gauge(b, "process_max_fds", "File descriptors that may be open.", (double)p.max_fds);
    gauge(b, "process_threads", "Threads.", (double)p.threads);
}

Str telemetry_text(Telemetry *t, Arena *keep)
{
    Arena scratch = arena_new();
    Buffer b = buffer_new(keep);
    const char *build = "assay_build_info";
    head(&b, build, "gauge", "The program: 1.");
    buffer_format(&b, "%s{version=\"%s\"} 1\n", build, ASSAY_VERSION);
    gauge(&b, "assay_requests_in_flight", "Requests that are being answered.",
          (double)atomic_load_explicit(&t->in_flight, memory_order_relaxed));
    gauge(&b, "assay_connections", "Open connections.",
          (double)atomic_load_explicit(&t->connections, memory_order_relaxed));
    gauge(&b, "assay_events_waiting", "Decisions that wait to be posted to the sink of events.",
          (double)atomic_load_explicit(&t->events_waiting, memory_order_relaxed));
    TelemetryStore store = atomic_load_explicit(&t->store, memory_order_relaxed);
    if (store != STORE_NONE) {
        gauge(&b, "assay_store_up", "1 while the store can be reached; not there without one.",
              store == STORE_UP);
        gauge(&b, "assay_jobs_waiting", "Batch jobs of the store that nobody works on yet.",
              (double)atomic_load_explicit(&t->jobs_waiting, memory_order_relaxed));
    }
    add_families(&b, scratch, t->counts);
    add_precision(&b, scratch, t);
    int64_t last = atomic_load_explicit(&t->last_decision_us, memory_order_relaxed);
    head(&b, "assay_last_decision_age_seconds", "gauge",
         "Time since the last decision; not there before the first.");
    if (last != 0) {
        buffer_add(&b, S("assay_last_decision_age_seconds "));
        add_number(&b, (double)(clock_monotonic_us() - last) / 1e6);
    }
    pthread_mutex_lock(&t->drain);
    sight_drain(t);
    add_bundles(&b, t);
    add_drift(&b, scratch, t);
    pthread_mutex_unlock(&t->drain);
    add_lost(&b, t);
    add_process(&b, t);
    arena_free(&scratch);
    return buffer_str(&b);
}
