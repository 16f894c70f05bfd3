#include "unit/telemetry_bank.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int set_up(void **state)
{
    static Bank bank; /* one for the group */
    *state = &bank;
    bank_make(&bank);
    return 0;
}

static int tear_down(void **state)
{
    bank_free(*state);
    return 0;
}

static void assert_value(Str text, const char *series, double expected)
{
    double seen = metric_value(text, series);
    if (!(seen == expected))
        fail_msg("%s is %g, not %g", series, seen, expected);
}

static const RequestSeen fine = {.route = "/v1/score",
                                 .method = "POST",
                                 .status = 200,
                                 .took_ns = 240000,
                                 .bytes_in = 8000,
                                 .bytes_out = 3000,
                                 .request_id = "r1"};

/* Everything a service could say at once. */
static void say_all(Bank *b, Telemetry *t, size_t decisions)
{
    telemetry_bundles(t, &b->bundle, &b->other);
    for (size_t i = 0; i < decisions; i++) {
        Answer *one = bank_answer(b, i), *two = bank_answer(b, i + 1);
        telemetry_answer(t, ROLE_CHAMPION, &b->bundle, one);
        telemetry_answer(t, ROLE_CHALLENGER, &b->other, two);
        telemetry_disagree(t, one, two);
        telemetry_request(t, &fine);
    }
    telemetry_in_flight(t, 1);
    telemetry_connections(t, 3);
    telemetry_shed(t, "rate");
    telemetry_batch(t, 100, 3);
    telemetry_feedback(t, S("agree"), S("PROPOSE_OFFBOARDING"), S(""));
    telemetry_feedback(t, S("agree"), S("PROPOSE_OFFBOARDING"), S(""));
    telemetry_feedback(t, S("overrule"), S("PROPOSE_OFFBOARDING"), S("RETAIN"));
    telemetry_job(t, "running");
    telemetry_reload(t, false);
    telemetry_events(t, "sent", 2);
    telemetry_pushed(t, "done");
    telemetry_events_waiting(t, 5);
    telemetry_store(t, true);
    telemetry_jobs_waiting(t, 7);
}

static void requests_are_counted_by_route_method_and_status(void **state)
{
    Arena keep = arena_new();
    Telemetry *t = bank_telemetry((TelemetrySettings){0});
    RequestSeen bad = fine, odd = fine;
    (void)state;
    bad.status = 422;
    bad.code = "not_a_time";
    bad.took_ns = 40000;
    odd.method = "BREW";
    odd.status = 7000;
    odd.route = NULL;
    telemetry_request(t, &fine);
    telemetry_request(t, &fine);
    telemetry_request(t, &bad);
    telemetry_request(t, &odd);
    Str text = telemetry_text(t, &keep);
    assert_value(text, "assay_requests_total{route=\"/v1/score\",method=\"POST\",code=\"200\"}", 2);
    assert_value(text, "assay_requests_total{route=\"/v1/score\",method=\"POST\",code=\"422\"}", 1);
    assert_value(text, "assay_requests_total{route=\"none\",method=\"other\",code=\"000\"}", 1);
    assert_value(text, "assay_request_problems_total{route=\"/v1/score\",problem=\"not_a_time\"}",
                 1);
    assert_value(text, "assay_request_bytes_total{route=\"/v1/score\"}", 24000);
    const char *bucket = "assay_request_duration_seconds_bucket{route=\"/v1/score\",le=";
    assert_value(text, str_format(&keep, "%s\"5e-05\"}", bucket).data, 1);
    assert_value(text, str_format(&keep, "%s\"0.0001\"}", bucket).data, 1);
    assert_value(text, str_format(&keep, "%s\"0.00025\"}", bucket).data, 3);
    assert_value(text, str_format(&keep, "%s\"10\"}", bucket).data, 3);
    assert_value(text, str_format(&keep, "%s\"+Inf\"}", bucket).data, 3);
    assert_value(text, "assay_request_duration_seconds_sum{route=\"/v1/score\"}", 0.00052);
    assert_value(text, "assay_request_duration_seconds_count{route=\"/v1/score\"}", 3);
    telemetry_close(t);
    arena_free(&keep);
}

static void decisions_are_counted_by_what_they_say(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    Telemetry *t = bank_telemetry((TelemetrySettings){0});
    say_all(b, t, 20);
    Answer dry = *bank_answer(b, 3);
    dry.dry_run = true;
    telemetry_answer(t, ROLE_CHAMPION, &b->bundle, &dry);
    Str text = telemetry_text(t, &keep);
    double all = 0;
    for (int s = 0; s < SEGMENTS; s++)
        for (int a = 0; a < ACTIONS; a++) {
            double n = metric_value(
                text, str_format(&keep,
                                 "assay_decisions_total{role=\"champion\",segment=\"%.*s\","
                                 "action=\"%.*s\"}",
                                 STR_ARG(segment_name((Segment)s)), STR_ARG(action_name((Action)a)))
                          .data);
            all += is_missing(n) ? 0 : n;
        }
    assert_true(all == 20);
    assert_value(text, "assay_dry_runs_total", 1);
    assert_value(text, "assay_reasons_total{role=\"champion\",reason=\"pass_through\"}", 20);
    assert_value(text, "assay_score_count{role=\"champion\"}", 20);
    assert_value(text, "assay_score_count{role=\"challenger\"}", 20);
    assert_value(text, "assay_insufficient_data_total{role=\"champion\"}", 2);
    assert_value(text, "assay_missing_inputs_total{role=\"champion\"}", 40);
    assert_value(text, "assay_unknown_values_total{role=\"champion\"}", 10);
    assert_value(text, "assay_stage_duration_seconds_sum{role=\"champion\",stage=\"reasons\"}",
                 20 * 40e-6);
    assert_value(text, "assay_challenger_compared_total", 20);
    assert_value(text, "assay_challenger_score_difference_count", 20);
    double sum = 0;
    for (size_t i = 0; i < 20; i++)
        sum += b->probability[i + 1] - b->probability[i];
    assert_true(fabs(metric_value(text, "assay_challenger_score_difference_sum") - sum) < 1e-7);
    assert_value(text, "assay_feedback_total{verdict=\"agree\",action=\"PROPOSE_OFFBOARDING\"}", 2);
    assert_value(text,
                 "assay_feedback_overrides_total{action=\"PROPOSE_OFFBOARDING\",became=\"RETAIN\"}",
                 1);
    assert_true(fabs(metric_value(text, "assay_feedback_confirmed_ratio{action="
                                        "\"PROPOSE_OFFBOARDING\"}") -
                     2.0 / 3) < 1e-12);
    assert_value(text, "assay_reloads_total{result=\"failure\"}", 1);
    assert_value(text, "assay_jobs_total{state=\"running\"}", 1);
    assert_value(text, "assay_batch_bad_rows_total", 3);
    assert_value(text, "assay_requests_shed_total{reason=\"rate\"}", 1);
    assert_value(text, "assay_events_total{outcome=\"sent\"}", 2);
    assert_value(text, "assay_events_waiting", 5);
    assert_value(text, "assay_store_up", 1);
    assert_value(text, "assay_jobs_waiting", 7);
    assert_value(text, "assay_requests_in_flight", 1);
    assert_value(text, "assay_connections", 3);
    assert_value(text, "assay_drift_window_decisions{role=\"champion\"}", 20);
    assert_true(metric_value(text, "assay_last_decision_age_seconds") < 60);
    assert_true(metric_value(text, "process_resident_memory_bytes") > 1e6);
    assert_true(metric_value(text, "process_open_fds") >= 3);
    assert_true(str_contains(text, S("id=\"")));
    telemetry_close(t);
    arena_free(&keep);
}

/* ---- the format ---- */

static bool is_name(Str s)
{
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return s.size > 0;
}

/* Every family once, HELP then TYPE then its samples, names as they should be, no sample twice. */
static void check_format(Str text)
{
    Arena keep = arena_new();
    Dictionary *families_seen = dictionary_new(&keep), *samples = dictionary_new(&keep);
    Str family = S(""), type = S("");
    assert_true(text.size > 0 && text.data[text.size - 1] == '\n');
    for (size_t at = 0; at < text.size;) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        Str line = str_slice(text, at, (size_t)(end - text.data));
        at = (size_t)(end - text.data) + 1;
        if (str_starts(line, S("# HELP "))) {
            const char *space = memchr(line.data + 7, ' ', line.size - 7);
            family = str_slice(line, 7, (size_t)(space - line.data));
            assert_true(is_name(family));
            assert_int_equal(dictionary_find(families_seen, family), NO_CODE);
            (void)dictionary_add(families_seen, family);
            continue;
        }
        if (str_starts(line, S("# TYPE "))) {
            assert_true(str_starts(str_slice(line, 7, line.size), family));
            type = str_slice(line, 8 + family.size, line.size);
            bool total = family.size > 6 &&
                         str_equal(str_slice(family, family.size - 6, family.size), S("_total"));
            assert_int_equal(total, str_equal(type, S("counter")));
            continue;
        }
        assert_true(str_starts(line, family));
        size_t value = line.size;
        while (line.data[value - 1] != ' ')
            value--;
        Str sample = str_slice(line, 0, value - 1);
        assert_int_equal(dictionary_find(samples, sample), NO_CODE);
        (void)dictionary_add(samples, sample);
    }
    assert_true(families_seen->count > 40);
    arena_free(&keep);
}

static void text_is_what_prometheus_reads(void **state)
{
    Arena keep = arena_new();
    Telemetry *t = bank_telemetry((TelemetrySettings){0});
    check_format(telemetry_text(t, &keep)); /* before anything has happened */
    say_all(*state, t, 50);
    Str text = telemetry_text(t, &keep);
    check_format(text);
    telemetry_close(t);
    promtool_finds_nothing(text);
    arena_free(&keep);
}

static void names_from_outside_cannot_make_it_grow(void **state)
{
    Arena keep = arena_new();
    Telemetry *t = bank_telemetry((TelemetrySettings){0});
    (void)state;
    for (int i = 0; i < 3000; i++) {
        RequestSeen r = fine;
        r.route = str_format(&keep, "/v1/%d", i).data;
        r.code = r.route;
        telemetry_request(t, &r);
        telemetry_feedback(t, str_from(r.route), str_from(r.route), S("x"));
    }
    telemetry_feedback(t, S("a\"b\\c\nd"), S("\xff\xfe"), S(""));
    Str text = telemetry_text(t, &keep);
    check_format(text);
    assert_true(text.size < 400000);
    assert_value(text, "assay_requests_total{route=\"other\",method=\"other\",code=\"other\"}",
                 2600);
    assert_true(metric_value(text, "assay_feedback_total{verdict=\"other\",action=\"other\"}") >
                2000);
    telemetry_close(t);
    arena_free(&keep);
}

static void hostile_labels_are_escaped(void **state)
{
    Arena keep = arena_new();
    Telemetry *t = bank_telemetry((TelemetrySettings){0});
    (void)state;
    telemetry_feedback(t, S("a\"b\\c\nd 1"), S("\xff\xfe"), S(""));
    Str text = telemetry_text(t, &keep);
    assert_value(text, "assay_feedback_total{verdict=\"a\\\"b\\\\c\\nd 1\",action=\"other\"}", 1);
    telemetry_close(t);
    arena_free(&keep);
}

/* ---- threads ---- */

enum { WORKERS = 8, EACH = 5000 };

typedef struct Work {
    Telemetry *t;
    Bank *b;
    Answer *answer;
} Work;

static void work(void *context, size_t task, Arena scratch)
{
    Work *w = context;
    (void)scratch;
    for (int i = 0; i < EACH; i++) {
        RequestSeen r = fine;
        r.status = 200 + (int)(task % 3);
        telemetry_request(w->t, &r);
        telemetry_feedback(w->t, S("agree"), action_name((Action)(i % ACTIONS)), S(""));
        if (i % 50 == 0)
            telemetry_answer(w->t, ROLE_CHAMPION, &w->b->bundle, w->answer);
        if (i % 1000 == 0) {
            Arena keep = arena_new();
            (void)telemetry_text(w->t, &keep);
            telemetry_bundles(w->t, i % 2000 == 0 ? &w->b->bundle : &w->b->other, NULL);
            arena_free(&keep);
        }
    }
}

static void threads_lose_no_count(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    Work w = {bank_telemetry((TelemetrySettings){0}), b, bank_answer(b, 1)};
    Team *team = team_new(WORKERS);
    team_run(team, WORKERS, work, &w);
    team_free(team);
    Str text = telemetry_text(w.t, &keep);
    assert_value(text, "assay_request_duration_seconds_count{route=\"/v1/score\"}", WORKERS * EACH);
    double all = 0;
    for (int a = 0; a < ACTIONS; a++)
        all += metric_value(text, str_format(&keep,
                                             "assay_feedback_total{verdict=\"agree\","
                                             "action=\"%.*s\"}",
                                             STR_ARG(action_name((Action)a)))
                                      .data);
    assert_true(all == WORKERS * EACH);
    assert_value(text, "assay_decisions_unwatched_total", 0);
    telemetry_close(w.t);
    arena_free(&keep);
}

/* ---- what it costs ---- */

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void it_costs_little(void **state)
{
    enum { TIMES = 20000 };
    Bank *b = *state;
    Arena keep = arena_new();
    Telemetry *t = bank_telemetry((TelemetrySettings){0});
    Answer *a = bank_answer(b, 5);
    telemetry_bundles(t, &b->bundle, NULL);
    int64_t begun = cpu_ns();
    for (int i = 0; i < TIMES; i++)
        telemetry_answer(t, ROLE_CHAMPION, &b->bundle, a);
    int64_t answers = cpu_ns() - begun;
    begun = cpu_ns();
    for (int i = 0; i < TIMES; i++)
        telemetry_request(t, &fine);
    int64_t requests = cpu_ns() - begun;
    (void)telemetry_text(t, &keep);
    begun = cpu_ns();
    Str text = telemetry_text(t, &keep);
    int64_t scrape = cpu_ns() - begun;
    print_message("an answer %.0f ns (%zu features), a request %.0f ns, a scrape %.0f us and %zu "
                  "bytes\n",
                  (double)answers / TIMES, b->bundle.plan->features, (double)requests / TIMES,
                  (double)scrape / 1e3, text.size);
    /* A hundred times what an idle machine needs (sanitizers take most of that): it fails where
     * something is done that should not be. */
    assert_true(answers + requests < TIMES * INT64_C(200000));
    telemetry_close(t);
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_by_route_method_and_status),
        cmocka_unit_test(decisions_are_counted_by_what_they_say),
        cmocka_unit_test(text_is_what_prometheus_reads),
        cmocka_unit_test(names_from_outside_cannot_make_it_grow),
        cmocka_unit_test(hostile_labels_are_escaped),
        cmocka_unit_test(threads_lose_no_count),
        cmocka_unit_test(it_costs_little),
    };
    return cmocka_run_group_tests_name("telemetry metrics", tests, set_up, tear_down);
}
