/* telemetry_bank.h - a made-up bundle with its reference, and answers about made-up customers. */
#ifndef UNIT_TELEMETRY_BANK_H
#define UNIT_TELEMETRY_BANK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "unit/made_up_run.h"
#include "telemetry/telemetry_internal.h"

typedef struct Bank {
    Arena keep, scratch;
    Schema *schema;
    Bundle bundle, other; /* the other has the same books under another name */
    Table *features;
    Dataset *data;
    double *probability;
} Bank;

static inline void bank_make(Bank *b)
{
    Error err = {0};
    *b = (Bank){.keep = arena_new(), .scratch = arena_new()};
    DatasetInputs in = made_up_inputs(&b->keep);
    Plan *plan;
    Policy *policy;
    Events *events;
    made_up_ok(schema_default(&b->schema, &b->keep, &err), &err);
    made_up_ok(dataset_read(&b->data, &b->keep, b->scratch, b->schema, &in, &err), &err);
    made_up_ok(
        plan_read(&plan, &b->keep, book_default_text("features"), "features.yaml", b->schema, &err),
        &err);
    made_up_ok(
        policy_read(&policy, &b->keep, book_default_text("policy"), "policy.yaml", plan, &err),
        &err);
    size_t n = b->data->customers;
    int64_t *as_of = ARENA_ARRAY(&b->keep, int64_t, n);
    uint32_t *row = ARENA_ARRAY(&b->keep, uint32_t, n);
    b->probability = ARENA_ARRAY(&b->keep, double, n);
    for (size_t i = 0; i < n; i++) {
        Random r = random_new(hash64(b->data->id[i], 1));
        as_of[i] = b->data->as_of_us;
        row[i] = (uint32_t)i;
        b->probability[i] = random_uniform(&r);
    }
    made_up_ok(score_events(&events, &b->keep, b->scratch, plan, b->data, as_of, &err), &err);
    made_up_ok(feature_table(&b->features, &b->keep, b->scratch, plan, events, NULL, &err), &err);
    b->bundle = (Bundle){.schema = b->schema,
                         .plan = plan,
                         .policy = policy,
                         .version = S("0.1.0"),
                         .as_of_us = b->data->as_of_us,
                         .customers = n,
                         .positives = n / 4};
    made_up_ok(reference_make(&b->bundle.reference, &b->keep, b->scratch, plan, policy, b->data,
                              b->features, row, n, b->probability, &err),
               &err);
    sha256_text(b->bundle.id, S("made up"));
    b->other = b->bundle;
    sha256_text(b->other.id, S("another"));
}

static inline void bank_free(Bank *b)
{
    arena_free(&b->keep);
    arena_free(&b->scratch);
}

/* What a service would say of customer i of the bank. */
static inline Answer *bank_answer(Bank *b, size_t i)
{
    static const Str code[] = {{"pass_through", 12}, {"new_partners", 12}};
    Answer *a = ARENA_NEW(&b->keep, Answer);
    Scored *s = ARENA_NEW(&b->keep, Scored);
    Decision *d = ARENA_NEW(&b->keep, Decision);
    uint32_t row = (uint32_t)(i % b->data->customers);
    s->count = 1;
    s->features = table_take(&b->keep, b->features, &row, 1);
    d->id = b->data->id[row];
    d->probability = b->probability[row];
    d->probability_low = d->probability / 2;
    d->probability_high = (1 + d->probability) / 2;
    d->segment = policy_segment(policy_thresholds(b->bundle.policy), d->probability);
    d->action = d->segment == SEGMENT_HIGH ? ACTION_PROPOSE_OFFBOARDING : ACTION_RETAIN;
    d->insufficient_data = i % 10 == 0;
    d->reasons = 2;
    d->reason = ARENA_ARRAY(&b->keep, Reason, 2);
    for (size_t k = 0; k < 2; k++)
        d->reason[k].code = code[k];
    *a = (Answer){.decision_id = str_format(&b->keep, "%032zx", i + 1),
                  .customer_id = d->id,
                  .as_of_us = b->bundle.as_of_us,
                  .scored = s,
                  .decision = d,
                  .transactions = 8,
                  .missing_inputs = 2,
                  .unknown_values = i % 2,
                  .took = {1000, 20000, 3000, 40000, 5000}};
    return a;
}

static inline Telemetry *bank_telemetry(TelemetrySettings settings)
{
    Error err = {0};
    Telemetry *t = NULL;
    settings.sample = settings.sample > 0 ? settings.sample : 0;
    made_up_ok(telemetry_open(&t, &settings, &err), &err);
    return t;
}

/* The value of the line of the metrics that begins so; NaN: there is none. */
static inline double metric_value(Str text, const char *series)
{
    Str wanted = str_from(series);
    double value;
    for (size_t at = 0; at < text.size;) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        Str line = str_slice(text, at, (size_t)(end - text.data));
        at = (size_t)(end - text.data) + 1;
        if (str_starts(line, wanted) && line.size > wanted.size && line.data[wanted.size] == ' ' &&
            parse_double(str_slice(line, wanted.size + 1, line.size), &value))
            return value;
    }
    return MISSING_VALUE;
}

/* Prometheus's own reader and linter; said aloud where it is not. */
static inline void promtool_finds_nothing(Str text)
{
    // NOLINTNEXTLINE(cert-env33-c): a fixed command
    if (system("promtool --version >/dev/null 2>&1") != 0) {
        print_message("!!! promtool (Debian package prometheus) is not here: PROMETHEUS ITSELF DID "
                      "NOT READ THE METRICS\n");
        return;
    }
    // NOLINTNEXTLINE(cert-env33-c): likewise
    FILE *out = popen("promtool check metrics 2>&1 >/dev/null", "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text.data, 1, text.size, out), text.size);
    assert_int_equal(pclose(out), 0);
}

#endif
