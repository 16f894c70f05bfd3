#include "unit/telemetry_bank.h"

#include <string.h>

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

/* A feature of numbers that the model reads and that varies, and its place. */
static size_t some_feature(const Bank *b)
{
    for (size_t i = 0; i < b->bundle.plan->features; i++)
        if (b->bundle.plan->feature[i].use == USE_MODEL && !b->bundle.reference->item[i].by_value &&
            b->features->column[i].type == TYPE_DOUBLE && b->bundle.reference->item[i].bins > 8)
            return i;
    fail_msg("no feature varies");
    return 0;
}

static double drift(Str text, Arena *keep, const char *metric, const Bank *b, size_t i)
{
    Str name = b->bundle.plan->feature[i].name.text;
    return metric_value(text, str_format(keep,
                                         "%s{role=\"champion\",kind=\"feature\",use=\"model\","
                                         "feature=\"%.*s\"}",
                                         metric, STR_ARG(name))
                                  .data);
}

static void the_same_customers_do_not_drift(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    size_t f = some_feature(b);
    Telemetry *t = bank_telemetry((TelemetrySettings){0});
    telemetry_bundles(t, &b->bundle, NULL);
    for (size_t i = 0; i < b->data->customers; i++)
        telemetry_answer(t, ROLE_CHAMPION, &b->bundle, bank_answer(b, i));
    Str text = telemetry_text(t, &keep);
    assert_true(drift(text, &keep, "assay_drift_psi", b, f) == 0);
    assert_true(drift(text, &keep, "assay_drift_verdict", b, f) == 0);
    assert_true(drift(text, &keep, "assay_drift_beyond_noise", b, f) == 0);
    assert_true(drift(text, &keep, "assay_drift_noise_limit_psi", b, f) > 0);
    const Distribution *d = &b->bundle.reference->item[f];
    double missing = (double)d->count[d->bins - 1] / (double)b->bundle.reference->customers;
    assert_true(fabs(drift(text, &keep, "assay_feature_missing_ratio", b, f) - missing) < 1e-12);
    assert_true(metric_value(text, "assay_drift_psi{role=\"champion\",kind=\"score\",use=\"model\","
                                   "feature=\"score\"}") == 0);
    assert_true(metric_value(text, "assay_drift_psi{role=\"champion\",kind=\"segment\",use="
                                   "\"model\",feature=\"segment\"}") == 0);
    telemetry_close(t);
    arena_free(&keep);
}

static void one_customer_again_and_again_drifts_and_few_are_noise(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    size_t f = some_feature(b);
    Telemetry *t = bank_telemetry((TelemetrySettings){0});
    Answer *a = bank_answer(b, 0);
    telemetry_bundles(t, &b->bundle, NULL);
    for (int i = 0; i < 2; i++)
        telemetry_answer(t, ROLE_CHAMPION, &b->bundle, a);
    Str text = telemetry_text(t, &keep);
    assert_true(drift(text, &keep, "assay_drift_psi", b, f) > 0.25);
    assert_true(drift(text, &keep, "assay_drift_verdict", b, f) == 0); /* two are nobody */
    for (int i = 0; i < 300; i++)
        telemetry_answer(t, ROLE_CHAMPION, &b->bundle, a);
    text = telemetry_text(t, &keep);
    assert_true(drift(text, &keep, "assay_drift_psi", b, f) > 0.25);
    assert_true(drift(text, &keep, "assay_drift_verdict", b, f) == 2);
    assert_true(drift(text, &keep, "assay_drift_beyond_noise", b, f) == 1);
    /* Another bundle begins with an empty window. */
    telemetry_bundles(t, &b->other, NULL);
    text = telemetry_text(t, &keep);
    assert_true(metric_value(text, "assay_drift_window_decisions{role=\"champion\"}") == 0);
    telemetry_close(t);
    arena_free(&keep);
}

/* Bins are those of distribution_bin, whatever the numbers are: at cuts, between them, missing. */
static void a_number_is_counted_where_its_distribution_says(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    Random r = random_new(23);
    size_t features = b->bundle.plan->features;
    Seen *s = arena_alloc(&keep, 1, sizeof *s + features * sizeof(SeenValue));
    SeenValue *value = (SeenValue *)(void *)(s + 1);
    Watch *w = watch_new(&b->bundle, 0);
    uint64_t *expected = ARENA_ARRAY(&keep, uint64_t, w->bins);
    size_t counted = 0;
    for (int round = 0; round < 200; round++) {
        s->probability = random_uniform(&r);
        s->segment = (uint8_t)random_below(&r, SEGMENTS);
        for (size_t i = 0; i < w->items; i++) {
            const Distribution *was = w->item[i].was;
            Str text = S("");
            double number = s->probability;
            if (was->of == OF_FEATURE) {
                size_t cuts = was->by_value ? 0 : was->bins - 2;
                number = cuts == 0 ? 1.5 : was->cut[random_below(&r, cuts)];
                number += (double)random_below(&r, 3) - 1;
                value[i] = (SeenValue){.type = TYPE_DOUBLE, .valid = random_below(&r, 8) > 0};
                value[i].real = number = value[i].valid ? number : MISSING_VALUE;
                if (was->by_value) /* a number where texts were is counted nowhere */
                    continue;
                if (random_below(&r, 4) == 0) {
                    value[i] = (SeenValue){.type = TYPE_DECIMAL, .valid = 1, .scale = 2};
                    value[i].integer = (int64_t)random_below(&r, 100000) - 50000;
                    number = decimal_to_double(value[i].integer, 2);
                }
            } else if (was->of == OF_SEGMENT)
                text = segment_name((Segment)s->segment);
            expected[w->item[i].first + distribution_bin(was, number, text)]++;
            counted++;
        }
        watch_count(w, s);
    }
    assert_true(counted > 10000);
    for (size_t k = 0; k < w->bins; k++) {
        assert_int_equal(w->now[k], expected[k]);
        assert_int_equal(w->slot[0][k], expected[k]);
    }
    assert_int_equal(w->customers, 200);
    watch_free(w);
    arena_free(&keep);
}

static void the_window_forgets_after_a_day(void **state)
{
    Bank *b = *state;
    Watch *w = watch_new(&b->bundle, 5 * HOUR_US);
    for (int64_t hour = 5; hour < 5 + 60; hour++) {
        watch_turn(w, hour * HOUR_US + 1);
        size_t s = (size_t)(w->hour % WATCH_SLOTS);
        w->now[0]++;
        w->slot[s][0]++;
        w->customers++;
        w->slot_customers[s]++;
        uint64_t expected = hour - 4 < WATCH_SLOTS ? (uint64_t)(hour - 4) : WATCH_SLOTS;
        assert_int_equal(w->customers, expected);
        assert_int_equal(w->now[0], expected);
    }
    watch_turn(w, 70 * HOUR_US); /* six hours without anybody */
    assert_int_equal(w->customers, WATCH_SLOTS - 6);
    watch_turn(w, 69 * HOUR_US); /* a clock that goes back changes nothing */
    assert_int_equal(w->customers, WATCH_SLOTS - 6);
    watch_turn(w, 7000 * HOUR_US);
    assert_int_equal(w->customers, 0);
    assert_int_equal(w->now[0], 0);
    watch_free(w);
}

static void limits_are_those_of_partitions_where_it_matters(void **state)
{
    Bank *b = *state;
    Arena scratch = arena_new();
    size_t f = some_feature(b);
    Watch *w = watch_new(&b->bundle, 0);
    WatchItem *i = &w->item[f];
    w->now[i->first] = w->customers = 40; /* forty customers in one bin; others are not counted */
    assert_int_equal(watch_limits(w, 1000, scratch), 1);
    assert_true(i->limit == metric_psi_limit(i->was->count, w->now + i->first, i->was->bins,
                                             seed_derive(0x3A7C4, f), scratch));
    assert_int_equal(watch_limits(w, 1000, scratch), 0); /* nothing has changed since */
    w->now[i->first] = w->customers = 60;
    assert_int_equal(watch_limits(w, 1000, scratch), 1);
    watch_free(w);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_customers_do_not_drift),
        cmocka_unit_test(one_customer_again_and_again_drifts_and_few_are_noise),
        cmocka_unit_test(a_number_is_counted_where_its_distribution_says),
        cmocka_unit_test(the_window_forgets_after_a_day),
        cmocka_unit_test(limits_are_those_of_partitions_where_it_matters),
    };
    return cmocka_run_group_tests_name("telemetry drift", tests, set_up, tear_down);
}
