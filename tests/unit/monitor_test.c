#include "unit/telemetry_bank.h"
#include "monitor/monitor_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A bank, a folder, and the log that a service wrote of every customer of the bank. */
typedef struct World {
    Bank bank;
    char folder[32];
    const char *log, *text;
} World;

static const char *file_of(World *w, const char *name, Str bytes)
{
    Error err = {0};
    const char *path = path_join(&w->bank.keep, w->folder, name);
    made_up_ok(file_write(path, bytes, &err), &err);
    return path;
}

static int set_up(void **state)
{
    static World world; /* one for the group */
    World *w = *state = &world;
    bank_make(&w->bank);
    (void)strcpy(w->folder, "/tmp/assay-monitor-XXXXXX");
    if (mkdtemp(w->folder) == NULL)
        return -1;
    w->log = path_join(&w->bank.keep, w->folder, "predictions.ndjson");
    Telemetry *t = bank_telemetry((TelemetrySettings){.predictions = w->log, .plain_ids = true});
    telemetry_bundles(t, &w->bank.bundle, NULL);
    for (size_t i = 0; i < w->bank.data->customers; i++)
        telemetry_answer(t, ROLE_CHAMPION, &w->bank.bundle, bank_answer(&w->bank, i));
    telemetry_close(t);
    return 0;
}

static int tear_down(void **state)
{
    World *w = *state;
    const char **path;
    Error err = {0};
    size_t n = file_glob(&path, &w->bank.keep, str_format(&w->bank.keep, "%s/*", w->folder).data);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(file_remove(path[i], &err), STATUS_OK);
    assert_int_equal(rmdir(w->folder), 0);
    bank_free(&w->bank);
    return 0;
}

static MonitorInputs inputs_of(World *w, const char *const *log)
{
    return (MonitorInputs){.bundle = &w->bank.bundle,
                           .predictions = log,
                           .files = 1,
                           .window_us = 7 * DAY_US,
                           .mature_us = 90 * DAY_US,
                           .floor = 0.8,
                           .version = S("0.1.0")};
}

static Monitor *monitor_of(World *w, const MonitorInputs *in)
{
    Error err = {0};
    Monitor *m;
    made_up_ok(monitor_read(&m, &w->bank.keep, w->bank.scratch, in, NULL, &err), &err);
    return m;
}

static bool raised(const Monitor *m, const char *code)
{
    for (size_t i = 0; i < m->alerts; i++)
        if (strcmp(m->alert[i].code, code) == 0)
            return true;
    return false;
}

/* ---- what a service wrote ---- */

static void what_a_service_wrote_falls_into_the_references_bins(void **state)
{
    World *w = *state;
    const char *log[] = {w->log};
    MonitorInputs in = inputs_of(w, log);
    Monitor *m = monitor_of(w, &in);
    assert_int_equal(m->lines, w->bank.data->customers);
    assert_int_equal(m->now.customers, w->bank.data->customers);
    for (size_t i = 0; i < m->items; i++) {
        const Distribution *was = m->item[i].was;
        for (size_t b = 0; b < was->bins; b++)
            if (m->now.count[m->item[i].first + b] != was->count[b])
                fail_msg("%.*s: bin %zu holds %llu, not %llu", STR_ARG(was->name), b,
                         (unsigned long long)m->now.count[m->item[i].first + b],
                         (unsigned long long)was->count[b]);
        assert_true(m->item[i].stability.psi == 0);
        assert_int_equal(m->item[i].verdict, DRIFT_STABLE);
    }
    assert_false(raised(m, "drift_feature"));
    assert_false(raised(m, "drift_test"));
    assert_true(m->unknowns >= 3); /* the window before, labels, verdicts */
}

/* One line of a log of our own: the first line that was written, with other words in it. */
static Str line_like(World *w, const char *time, const char *decision, const char *customer,
                     const char *action, double probability)
{
    Arena *keep = &w->bank.keep;
    Error err = {0};
    Str all;
    made_up_ok(file_read(&all, keep, w->log, &err), &err);
    Str line =
        str_slice(all, 0, (size_t)((const char *)memchr(all.data, '\n', all.size) - all.data));
    const char *features = strstr(line.data, "\"features\"");
    bool proposed = strcmp(action, "PROPOSE_OFFBOARDING") == 0;
    return str_format(keep,
                      "{\"time\":\"%s\",\"decision_id\":\"%s\",\"customer\":\"%s\",\"as_of\":"
                      "\"%s\",\"bundle\":\"%s\",\"role\":\"champion\",\"probability\":%.4f,"
                      "\"segment\":\"%s\",\"action\":\"%s\",\"insufficient_data\":false,%.*s\n",
                      time, decision, customer, time, w->bank.bundle.id, probability,
                      proposed ? "High" : "Low", action, (int)(line.data + line.size - features),
                      features);
}

static void a_customer_counts_once_and_a_repeated_decision_is_told(void **state)
{
    World *w = *state;
    Buffer b = buffer_new(&w->bank.keep);
    buffer_add(&b, line_like(w, "2026-11-19T00:00:00Z", "d1", "c1", "RETAIN", 0.1));
    buffer_add(&b, line_like(w, "2026-11-20T00:00:00Z", "d2", "c1", "PROPOSE_OFFBOARDING", 0.9));
    buffer_add(&b, line_like(w, "2026-11-20T00:00:00Z", "d2", "c1", "PROPOSE_OFFBOARDING", 0.9));
    buffer_add(&b, line_like(w, "2026-11-10T00:00:00Z", "d3", "c1", "RETAIN", 0.1));
    buffer_add(&b, line_like(w, "2026-09-10T00:00:00Z", "d4", "c1", "RETAIN", 0.1));
    buffer_add(&b, line_like(w, "2026-09-10T00:00:00Z", "d4", "c1", "RETAIN", 0.1));
    const char *log[] = {file_of(w, "once.ndjson", buffer_str(&b))};
    MonitorInputs in = inputs_of(w, log);
    Monitor *m = monitor_of(w, &in);
    assert_int_equal(m->now.decisions, 3);
    assert_int_equal(m->now.customers, 1);
    assert_int_equal(m->now.action[ACTION_RETAIN], 1);
    assert_int_equal(m->before.customers, 1);
    assert_int_equal(m->older, 2);
    assert_int_equal(m->watched, 4); /* of older ones it is not remembered which they were */
    assert_int_equal(m->repeated, 1);
    assert_true(raised(m, "repeated"));
    in.until_given = true;
    assert_true(parse_time(S("2026-11-19T12:00:00Z"), &in.until_us));
    m = monitor_of(w, &in);
    assert_int_equal(m->later, 2);
    assert_int_equal(m->now.decisions, 1);
}

static void labels_count_when_the_decision_is_old_enough(void **state)
{
    World *w = *state;
    Buffer b = buffer_new(&w->bank.keep);
    buffer_add(&b, line_like(w, "2026-05-01T00:00:00Z", "old1", "a", "PROPOSE_OFFBOARDING", 0.9));
    buffer_add(&b, line_like(w, "2026-05-20T00:00:00Z", "old2", "a", "RETAIN", 0.1));
    buffer_add(&b, line_like(w, "2026-06-02T00:00:00Z", "old3", "b", "PROPOSE_OFFBOARDING", 0.9));
    buffer_add(&b, line_like(w, "2026-06-03T00:00:00Z", "old4", "e", "RETAIN", 0.2));
    buffer_add(&b, line_like(w, "2026-11-20T00:00:00Z", "new1", "c", "RETAIN", 0.2));
    const char *log[] = {file_of(w, "labels.ndjson", buffer_str(&b))};
    MonitorInputs in = inputs_of(w, log);
    in.labels = file_of(w, "labels.csv",
                        S("decision_id,customer_id,label,known_at\n"
                          "old1,,0,2026-05-10\n"
                          "old1,,suspended,2026-07-10\n" /* the last one that is known counts */
                          "old1,,active,2026-12-01\n"    /* after the window's end */
                          ",b,negative,2026-08-01\n"
                          "old4,,1,2026-06-01\n" /* known before the decision */
                          "new1,,1,2026-11-20T01:00:00Z\n"
                          "nobody,,1,2026-08-01\n"));
    in.until_given = true;
    assert_true(parse_time(S("2026-11-21"), &in.until_us));
    Monitor *m = monitor_of(w, &in);
    const MonitorCohort *all = &m->cohort[m->cohorts - 1];
    assert_int_equal(m->cohorts, 3); /* May, June, all */
    assert_true(str_equal(m->cohort[0].name, S("2026-05")));
    assert_int_equal(m->cohort[0].decisions, 2);
    assert_int_equal(m->cohort[0].labelled, 1);
    assert_int_equal(m->cohort[0].right, 1);
    assert_int_equal(m->cohort[1].labelled, 1);
    assert_int_equal(m->cohort[1].right, 0);
    assert_int_equal(all->labelled, 2);
    assert_int_equal(all->proposed, 2);
    assert_true(all->precision.value == 0.5);
    assert_int_equal(m->labels_waiting, 1);
    assert_int_equal(m->labels_early, 1);
    assert_int_equal(m->labels_unmatched, 1);
    assert_int_equal(m->certifying, 14);
    assert_false(raised(m, "precision")); /* two proposals prove nothing */
    assert_true(is_missing(all->recalibration.slope.value));
}

/* Forty proposals of a month, half of them right, and as many others of whom a quarter was risky.
 */
static void precision_below_the_floor_is_an_alert(void **state)
{
    World *w = *state;
    Buffer b = buffer_new(&w->bank.keep), l = buffer_new(&w->bank.keep);
    buffer_add(&l, S("decision_id,label,known_at\n"));
    for (int i = 0; i < 80; i++) {
        Str id = str_format(&w->bank.keep, "d%d", i);
        bool proposed = i < 40;
        buffer_add(&b, line_like(w, "2026-05-19T00:00:00Z", id.data, id.data,
                                 proposed ? "PROPOSE_OFFBOARDING" : "RETAIN",
                                 proposed ? 0.99 - 0.0005 * i : 0.01 + 0.0005 * i));
        buffer_format(&l, "%.*s,%d,2026-07-01\n", STR_ARG(id), i % (proposed ? 2 : 4) == 0);
    }
    const char *log[] = {file_of(w, "wrong.ndjson", buffer_str(&b))};
    MonitorInputs in = inputs_of(w, log);
    in.labels = file_of(w, "wrong.csv", buffer_str(&l));
    in.until_given = true;
    assert_true(parse_time(S("2026-11-21"), &in.until_us));
    Monitor *m = monitor_of(w, &in);
    const MonitorCohort *all = &m->cohort[m->cohorts - 1];
    assert_int_equal(all->proposed, 40);
    assert_int_equal(all->right, 20);
    assert_true(raised(m, "precision"));
    assert_true(raised(m, "calibration"));
    assert_true(all->recalibration.slope.value < 0.8);
    in.floor = 0.3; /* 20 of 40 prove that much */
    assert_false(raised(monitor_of(w, &in), "precision"));
}

/* Thirteen proposals could not prove 0.80 if all were right, but refute it when all are wrong: in
 * all, and in their month beside one without any. */
static void few_proposals_that_are_wrong_are_an_alert(void **state)
{
    World *w = *state;
    for (int wrong = 0; wrong <= 13; wrong++) {
        Buffer b = buffer_new(&w->bank.keep), l = buffer_new(&w->bank.keep);
        buffer_add(&l, S("decision_id,label,known_at\n"));
        buffer_add(&l, S("other,0,2026-07-01\n"));
        buffer_add(&b, line_like(w, "2026-06-19T00:00:00Z", "other", "other", "RETAIN", 0.1));
        for (int i = 0; i < 13; i++) {
            Str id = str_format(&w->bank.keep, "d%d", i);
            buffer_add(&b, line_like(w, "2026-05-19T00:00:00Z", id.data, id.data,
                                     "PROPOSE_OFFBOARDING", 0.9));
            buffer_format(&l, "%.*s,%d,2026-07-01\n", STR_ARG(id), i >= wrong);
        }
        const char *log[] = {file_of(w, "few.ndjson", buffer_str(&b))};
        MonitorInputs in = inputs_of(w, log);
        in.labels = file_of(w, "few.csv", buffer_str(&l));
        in.until_given = true;
        assert_true(parse_time(S("2026-11-21"), &in.until_us));
        Monitor *m = monitor_of(w, &in);
        size_t alerts = 0;
        for (size_t i = 0; i < m->alerts; i++)
            alerts += strcmp(m->alert[i].code, "precision") == 0;
        /* at 0.80, at most 7 of 13 are right once in 33, at most 8 once in 10 */
        assert_int_equal(m->cohorts, 3);
        assert_int_equal(alerts, wrong >= 6 ? 2 : 0); /* May, and all */
    }
}

static void overturned_proposals_and_hasty_reviews_are_alerts(void **state)
{
    World *w = *state;
    Buffer b = buffer_new(&w->bank.keep), f = buffer_new(&w->bank.keep);
    for (int i = 0; i < 40; i++) {
        Str id = str_format(&w->bank.keep, "d%d", i);
        buffer_add(
            &b, line_like(w, "2026-11-19T00:00:00Z", id.data, id.data, "PROPOSE_OFFBOARDING", 0.9));
        buffer_format(&f,
                      "{\"%s\":\"%.*s\",\"verdict\":\"%s\",\"at\":\"2026-11-19T%02d:00:00Z\","
                      "\"reviewed_seconds\":%d}\n",
                      i % 2 == 0 ? "decision_id" : "customer_id", STR_ARG(id),
                      i < 10 ? "overrule" : "agree", i % 24, 30 + i);
    }
    buffer_add(&b, line_like(w, "2026-11-19T00:00:00Z", "low", "low", "RETAIN", 0.05));
    buffer_add(&f, S("{\"decision_id\":\"low\",\"verdict\":\"positive\"}\n"
                     "{\"decision_id\":\"d1\",\"verdict\":\"agree\",\"at\":\"2020-01-01\"}\n"
                     "{\"decision_id\":\"unheard\",\"verdict\":\"agree\"}\n"));
    const char *log[] = {file_of(w, "reviews.ndjson", buffer_str(&b))};
    MonitorInputs in = inputs_of(w, log);
    in.feedback = file_of(w, "feedback.ndjson", buffer_str(&f));
    in.until_given = true;
    assert_true(parse_time(S("2026-11-21"), &in.until_us));
    Monitor *m = monitor_of(w, &in);
    const MonitorVerdicts *v = &m->feedback.action[ACTION_PROPOSE_OFFBOARDING];
    /* d1 is customer d1 too: a verdict on the customer is on the last decision before it. */
    assert_int_equal(v->agree, 30);
    assert_int_equal(v->overrule, 10);
    assert_int_equal(m->feedback.unmatched, 1);
    assert_int_equal(m->feedback.outside, 1);
    assert_int_equal(m->feedback.low_positive, 1);
    assert_true(m->feedback.median_seconds > 40 && m->feedback.median_seconds < 60);
    assert_true(raised(m, "overturned"));
    assert_true(raised(m, "hasty_reviews"));
    assert_true(raised(m, "low_segment_case"));
    assert_false(raised(m, "rubber_stamping"));
}

/* Whether a good customer was acted on says his first decision, also when its log is read last. */
static void groups_judge_a_customer_by_his_first_decision(void **state)
{
    World *w = *state;
    Str line[] = {line_like(w, "2026-05-01T00:00:00Z", "d1", "a", "PROPOSE_OFFBOARDING", 0.9),
                  line_like(w, "2026-06-01T00:00:00Z", "d2", "a", "RETAIN", 0.1)};
    for (int i = 0; i < 2; i++) {
        const char *log[] = {file_of(w, "one.ndjson", line[i]),
                             file_of(w, "two.ndjson", line[1 - i])};
        MonitorInputs in = inputs_of(w, log);
        in.files = 2;
        in.labels = file_of(w, "order.csv", S("customer_id,label,known_at\na,0,2026-07-10\n"));
        in.groups = file_of(w, "of.csv", S("customer_id,country\na,FR\n"));
        in.until_given = true;
        assert_true(parse_time(S("2026-11-21"), &in.until_us));
        Monitor *m = monitor_of(w, &in);
        assert_int_equal(m->groups, 1);
        assert_int_equal(m->group[0].negatives, 1);
        assert_int_equal(m->group[0].negatives_acted, 1);
    }
}

static void ids_are_hashed_with_the_services_key(void **state)
{
    World *w = *state;
    Error err = {0};
    TelemetryKey *key;
    char hashed[TELEMETRY_HASH];
    MonitorInputs in;
    const char *path = file_of(w, "key", S("0123456789abcdef0123456789abcdef"));
    made_up_ok(telemetry_key_open(&key, path, &err), &err);
    telemetry_key_hash(hashed, key, S("customer-1"));
    telemetry_key_close(key);
    const char *log[] = {file_of(w, "hashed.ndjson",
                                 line_like(w, "2026-01-01T00:00:00Z", "d", hashed, "RETAIN", 0.2))};
    in = inputs_of(w, log);
    in.hash_key = path;
    in.labels = file_of(w, "plain.csv", S("customer_id,label,known_at\ncustomer-1,0,2026-02-01\n"));
    in.until_given = true;
    assert_true(parse_time(S("2026-11-21"), &in.until_us));
    assert_int_equal(monitor_of(w, &in)->labels_unmatched, 0);
    in.hash_key = NULL;
    assert_int_equal(monitor_of(w, &in)->labels_unmatched, 1);
}

static void texts_from_outside_do_not_become_markup(void **state)
{
    World *w = *state;
    Error err = {0};
    const char *log[] = {w->log};
    MonitorInputs in = inputs_of(w, log);
    in.groups =
        file_of(w, "groups.csv", S("customer_id,<b>a</b>\nL-001,\"<script>x\"\"\n</script>\"\n"));
    Monitor *m = monitor_of(w, &in);
    const char *page = path_join(&w->bank.keep, w->folder, "m.html");
    Str text;
    made_up_ok(monitor_page(m, page, &err), &err);
    made_up_ok(file_read(&text, &w->bank.keep, page, &err), &err);
    assert_false(str_contains(text, S("<b>a")));
    assert_false(str_contains(text, S("<script>x")));
    assert_true(str_contains(text, S("&lt;script&gt;x")));
    Str json = monitor_json(&w->bank.keep, m);
    yyjson_doc *doc = yyjson_read(json.data, json.size, 0);
    assert_non_null(doc);
    yyjson_doc_free(doc);
    promtool_finds_nothing(monitor_prometheus(&w->bank.keep, m));
}

/* ---- the room's own parts ---- */

static void a_set_of_numbers_grows(void **state)
{
    NumberSet s = number_set();
    Error err = {0};
    bool added;
    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        made_up_ok(number_set_add(&s, i * 0x9E3779B97F4A7C15u, &added, &err), &err);
        assert_true(added);
    }
    for (uint64_t i = 0; i < 100000; i++) {
        made_up_ok(number_set_add(&s, i * 0x9E3779B97F4A7C15u, &added, &err), &err);
        assert_false(added);
    }
    assert_int_equal(s.count, 100000);
    number_set_free(&s);
}

static void assert_near(double seen, double expected, double tolerance)
{
    if (!(fabs(seen - expected) <= tolerance * fabs(expected)))
        fail_msg("%.17g, not %.17g", seen, expected);
}

/* scipy.stats.ks_2samp(method="exact"), kstwobign.sf, chi2_contingency(correction=False) */
static void tests_of_two_samples_are_scipys(void **state)
{
    Arena scratch = arena_new();
    double x;
    size_t degrees;
    (void)state;
    assert_near(metric_kolmogorov(0.5, 10, 8, scratch), 0.1659582247817542, 1e-10);
    assert_near(metric_kolmogorov(0.2, 300, 200, scratch), 0.00011771628203287246, 1e-8);
    assert_near(metric_kolmogorov_tail(1.2), 0.11224966667072497, 1e-12);
    assert_near(metric_kolmogorov_tail(0.5), 0.9639452436648751, 1e-12);
    assert_near(metric_kolmogorov(0.02, 10000, 12000, scratch), 0.025100710978319993, 1e-9);
    assert_true(metric_kolmogorov(0, 5, 5, scratch) == 1);
    assert_true(is_missing(metric_kolmogorov(0.1, 0, 5, scratch)));
    const uint64_t one[] = {10, 20, 30, 1}, other[] = {20, 15, 10, 2};
    assert_near(metric_chi_squared(&x, &degrees, one, other, 4), 0.005135180713577834, 1e-10);
    assert_int_equal(degrees, 3);
    assert_near(metric_kolmogorov_distance(one, other, 4), 20.0 / 47 - 10.0 / 61, 1e-12);
    const uint64_t same[] = {5, 0, 0, 0}, only[] = {7, 0, 0, 0};
    assert_true(is_missing(metric_chi_squared(&x, &degrees, same, only, 4)));
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_service_wrote_falls_into_the_references_bins),
        cmocka_unit_test(a_customer_counts_once_and_a_repeated_decision_is_told),
        cmocka_unit_test(labels_count_when_the_decision_is_old_enough),
        cmocka_unit_test(precision_below_the_floor_is_an_alert),
        cmocka_unit_test(few_proposals_that_are_wrong_are_an_alert),
        cmocka_unit_test(overturned_proposals_and_hasty_reviews_are_alerts),
        cmocka_unit_test(groups_judge_a_customer_by_his_first_decision),
        cmocka_unit_test(ids_are_hashed_with_the_services_key),
        cmocka_unit_test(texts_from_outside_do_not_become_markup),
        cmocka_unit_test(a_set_of_numbers_grows),
        cmocka_unit_test(tests_of_two_samples_are_scipys),
    };
    return cmocka_run_group_tests_name("monitor", tests, set_up, tear_down);
}
