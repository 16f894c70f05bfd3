/* telemetry.c - the service seen from outside: what happened is counted and told. */
#include "telemetry/telemetry_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOG_QUEUE = 512 << 10, PREDICTION_QUEUE = 4 << 20, PREDICTIONS_KEEP = 5 };
static const uint64_t predictions_bytes = (uint64_t)256 << 20;

/* ---- opening and closing ---- */

/* A counter that is first seen at 1 has not risen for who reads it: what is known to come is there
 * from the start, at 0. */
static void begin_at_zero(Counts *c)
{
    static const struct {
        FamilyId family;
        const char *label;
    } known[] = {{COUNT_SHED, "memory"},
                 {COUNT_SHED, "in_flight"},
                 {COUNT_SHED, "rate"},
                 {COUNT_SHED, "slow"},
                 {COUNT_SHED, "jobs"},
                 {COUNT_UNKNOWN_VALUES, "champion"},
                 {COUNT_INSUFFICIENT, "champion"},
                 {COUNT_MISSING_INPUTS, "champion"},
                 {COUNT_JOBS, "accepted"},
                 {COUNT_JOBS, "running"},
                 {COUNT_JOBS, "done"},
                 {COUNT_JOBS, "failed"},
                 {COUNT_JOBS, "cancelled"},
                 {COUNT_RELOADS, "success"},
                 {COUNT_RELOADS, "failure"},
                 {COUNT_EVENTS, "sent"},
                 {COUNT_EVENTS, "failed"},
                 {COUNT_EVENTS, "dropped"},
                 {COUNT_PUSHED, "done"},
                 {COUNT_PUSHED, "seen_before"},
                 {COUNT_PUSHED, "refused"},
                 {COUNT_PUSHED, "dead_letter"}};
    static const Str verdicts[] = {{"agree", 5}, {"overrule", 8}, {"positive", 8}, {"negative", 8}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        Str label = str_from(known[i].label);
        counts_add(c, known[i].family, &label, 0);
    }
    for (int a = 0; a < ACTIONS; a++) {
        for (int s = 0; s < SEGMENTS; s++) {
            Str label[] = {S("champion"), segment_name((Segment)s), action_name((Action)a)};
            counts_add(c, COUNT_DECISIONS, label, 0);
        }
        for (size_t v = 0; v < COUNT_OF(verdicts); v++) {
            Str label[] = {verdicts[v], action_name((Action)a)};
            counts_add(c, COUNT_FEEDBACK, label, 0);
        }
        for (int b = 0; b < ACTIONS; b++)
            if (a != b) {
                Str label[] = {action_name((Action)a), action_name((Action)b)};
                counts_add(c, COUNT_OVERRIDES, label, 0);
            }
    }
}

Status telemetry_open(Telemetry **out, const TelemetrySettings *settings, Error *err)
{
    if (!(settings->sample >= 0 && settings->sample <= 1))
        return error_set(err, STATUS_USAGE,
                         "the share of requests that get a line must be from 0 "
                         "to 1");
    Telemetry *t = calloc(1, sizeof *t);
    if (t == NULL)
        return error_set(err, STATUS_IO, "no memory for telemetry");
    t->settings = *settings;
    t->log.fd = t->predictions.fd = -1;
    t->counts = counts_new();
    begin_at_zero(t->counts);
    t->start_us = clock_wall_us();
    Status status = telemetry_key_open(&t->key, settings->hash_key, err);
    if (status == STATUS_OK)
        status = outlet_open(&t->log, NULL, STDERR_FILENO, 0, 0, LOG_QUEUE, err);
    const char *path = settings->predictions;
    if (status == STATUS_OK && path != NULL) {
        bool console = strcmp(path, "-") == 0;
        status = outlet_open(&t->predictions, console ? NULL : path, console ? STDOUT_FILENO : -1,
                             settings->predictions_bytes_max == 0 ? predictions_bytes
                                                                  : settings->predictions_bytes_max,
                             settings->predictions_keep <= 0 ? PREDICTIONS_KEEP
                                                             : settings->predictions_keep,
                             PREDICTION_QUEUE, err);
        t->predicts = status == STATUS_OK;
    }
    if (status == STATUS_OK)
        status = sight_start(t, err);
    if (status != STATUS_OK) {
        telemetry_close(t);
        return status;
    }
    *out = t;
    return STATUS_OK;
}

void telemetry_close(Telemetry *t)
{
    if (t == NULL)
        return;
    sight_stop(t); /* it writes the last predictions */
    outlet_close(&t->predictions);
    outlet_close(&t->log);
    telemetry_key_close(t->key);
    counts_free(t->counts);
    free(t);
}

void telemetry_hash(char out[TELEMETRY_HASH], const Telemetry *t, Str identifier)
{
    telemetry_key_hash(out, t->key, identifier);
}

/* ---- requests ---- */

static Str method_of(const char *method)
{
    static const Str known[] = {{"GET", 3},  {"POST", 4},    {"PUT", 3},  {"DELETE", 6},
                                {"HEAD", 4}, {"OPTIONS", 7}, {"PATCH", 5}};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (method != NULL && str_equal(known[i], str_from(method)))
            return known[i];
    return S("other");
}

void telemetry_request(Telemetry *t, const RequestSeen *r)
{
    static const char digits[] = "0123456789";
    int status = r->status >= 100 && r->status <= 599 ? r->status : 0;
    char code[3] = {digits[status / 100], digits[status / 10 % 10], digits[status % 10]};
    Str route = r->route == NULL || r->route[0] == '\0' ? S("none") : str_from(r->route);
    Str label[] = {route, method_of(r->method), {code, sizeof code}};
    counts_add(t->counts, COUNT_REQUESTS, label, 1);
    counts_observe(t->counts, COUNT_DURATION, &route, r->took_ns < 0 ? 0 : r->took_ns);
    counts_add(t->counts, COUNT_BYTES_IN, &route, r->bytes_in);
    counts_add(t->counts, COUNT_BYTES_OUT, &route, r->bytes_out);
    if (r->code != NULL) {
        Str problem[] = {route, str_from(r->code)};
        counts_add(t->counts, COUNT_PROBLEMS, problem, 1);
    }
    line_request(t, r);
}

void telemetry_in_flight(Telemetry *t, int change)
{
    atomic_fetch_add_explicit(&t->in_flight, change, memory_order_relaxed);
}

void telemetry_connections(Telemetry *t, int change)
{
    atomic_fetch_add_explicit(&t->connections, change, memory_order_relaxed);
}

void telemetry_shed(Telemetry *t, const char *why)
{
    Str label = str_from(why);
    counts_add(t->counts, COUNT_SHED, &label, 1);
}

/* ---- decisions ---- */

static const Str roles[] = {{"champion", 8}, {"challenger", 10}};

static void count_stages(Telemetry *t, Str role, const AnswerTimes *took)
{
    static const Str names[] = {
        {"read", 4}, {"features", 8}, {"score", 5}, {"reasons", 7}, {"write", 5}};
    const int64_t ns[] = {took->read_ns, took->features_ns, took->score_ns, took->reasons_ns,
                          took->write_ns};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (ns[i] > 0) {
            Str label[] = {role, names[i]};
            counts_observe(t->counts, COUNT_STAGE, label, ns[i]);
        }
}

static int64_t parts_of(double probability)
{
    return (int64_t)(probability * 1e9 + (probability < 0 ? -0.5 : 0.5));
}

void telemetry_answer(Telemetry *t, AnswerRole role, const Bundle *bundle, const Answer *answer)
{
    const Decision *d = answer->decision;
    Counts *c = t->counts;
    if (answer->dry_run) {
        counts_add(c, COUNT_DRY_RUNS, NULL, 1);
        return;
    }
    Str label[] = {roles[role], segment_name(d->segment), action_name(d->action)};
    counts_add(c, COUNT_DECISIONS, label, 1);
    counts_observe(c, COUNT_SCORE, &roles[role], parts_of(d->probability));
    if (d->insufficient_data)
        counts_add(c, COUNT_INSUFFICIENT, &roles[role], 1);
    for (size_t i = 0; i < d->reasons; i++) {
        Str reason[] = {roles[role], d->reason[i].code};
        counts_add(c, COUNT_REASONS, reason, 1);
    }
    if (answer->unknown_values > 0)
        counts_add(c, COUNT_UNKNOWN_VALUES, &roles[role], answer->unknown_values);
    if (answer->missing_inputs > 0)
        counts_add(c, COUNT_MISSING_INPUTS, &roles[role], answer->missing_inputs);
    counts_add(c, COUNT_TRANSACTIONS, &roles[role], answer->transactions);
    count_stages(t, roles[role], &answer->took);
    atomic_store_explicit(&t->last_decision_us, clock_monotonic_us(), memory_order_relaxed);
    sight_pack(t, role, bundle, answer);
}

void telemetry_disagree(Telemetry *t, const Answer *champion, const Answer *challenger)
{
    const Decision *a = champion->decision, *b = challenger->decision;
    counts_add(t->counts, COUNT_COMPARED, NULL, 1);
    counts_observe(t->counts, COUNT_SCORE_DIFFERENCE, NULL,
                   parts_of(b->probability - a->probability));
    if (a->segment != b->segment) {
        Str label[] = {segment_name(a->segment), segment_name(b->segment)};
        counts_add(t->counts, COUNT_SEGMENTS_DIFFER, label, 1);
    }
    if (a->action != b->action) {
        Str label[] = {action_name(a->action), action_name(b->action)};
        counts_add(t->counts, COUNT_ACTIONS_DIFFER, label, 1);
    }
}

void telemetry_not_compared(Telemetry *t)
{
    counts_add(t->counts, COUNT_NOT_COMPARED, NULL, 1);
}

void telemetry_batch(Telemetry *t, uint64_t rows, uint64_t bad_rows)
{
    counts_add(t->counts, COUNT_BATCH_ROWS, NULL, rows);
    counts_add(t->counts, COUNT_BATCH_BAD_ROWS, NULL, bad_rows);
}

void telemetry_feedback(Telemetry *t, Str verdict, Str action_was, Str action_became)
{
    Str label[] = {verdict, action_was.size == 0 ? S("none") : action_was};
    counts_add(t->counts, COUNT_FEEDBACK, label, 1);
    if (action_became.size > 0 && !str_equal(action_was, action_became)) {
        Str changed[] = {label[1], action_became};
        counts_add(t->counts, COUNT_OVERRIDES, changed, 1);
    }
}

void telemetry_job(Telemetry *t, const char *state)
{
    Str label = str_from(state);
    counts_add(t->counts, COUNT_JOBS, &label, 1);
}

void telemetry_events(Telemetry *t, const char *outcome, uint64_t count)
{
    Str label = str_from(outcome);
    counts_add(t->counts, COUNT_EVENTS, &label, count);
}

void telemetry_events_waiting(Telemetry *t, uint64_t waiting)
{
    atomic_store_explicit(&t->events_waiting, waiting, memory_order_relaxed);
}

void telemetry_jobs_waiting(Telemetry *t, uint64_t waiting)
{
    atomic_store_explicit(&t->jobs_waiting, waiting, memory_order_relaxed);
}

void telemetry_store(Telemetry *t, bool up)
{
    atomic_store_explicit(&t->store, up ? STORE_UP : STORE_DOWN, memory_order_relaxed);
}

void telemetry_pushed(Telemetry *t, const char *outcome)
{
    Str label = str_from(outcome);
    counts_add(t->counts, COUNT_PUSHED, &label, 1);
}

void telemetry_reload(Telemetry *t, bool done)
{
    Str label = done ? S("success") : S("failure");
    counts_add(t->counts, COUNT_RELOADS, &label, 1);
}

/* ---- which bundles answer ---- */

static bool same_bundle(const Watch *w, const Bundle *b)
{
    return w != NULL && b != NULL && strcmp(w->id, b->id) == 0;
}

void telemetry_bundles(Telemetry *t, const Bundle *champion, const Bundle *challenger)
{
    const Bundle *bundle[] = {champion, challenger};
    pthread_mutex_lock(&t->drain);
    sight_drain(t); /* what the old ones decided is still theirs */
    for (size_t i = 0; i < 2; i++) {
        if (same_bundle(t->watch[i], bundle[i]) || (t->watch[i] == NULL && bundle[i] == NULL))
            continue;
        if (t->watch[i] != NULL) {
            size_t last = COUNT_OF(t->former) - 1;
            watch_free(t->former[last]);
            for (size_t k = last; k > 0; k--)
                t->former[k] = t->former[k - 1];
            t->former[0] = t->watch[i];
        }
        t->watch[i] = bundle[i] == NULL ? NULL : watch_new(bundle[i], clock_monotonic_us());
    }
    pthread_mutex_unlock(&t->drain);
}
