#include "report/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "made_up_run.h"

typedef struct Fixture {
    Arena arena;
    Run *run;
    Str note;
} Fixture;

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    f->note = report_note(&f->arena, f->run);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    arena_free(&f->arena);
    free(f);
    return 0;
}

static void has(Str note, const char *part)
{
    if (!str_contains(note, str_from(part)))
        fail_msg("the note lacks `%s`", part);
}

static void figures_come_with_their_intervals(void **state)
{
    Fixture *f = *state;
    const Run *run = f->run;
    const MetricSet *m = run->strata->slice[run->strata->headline].metric;
    const Interval auc = m->metric[METRIC_AUC];
    char text[96];
    (void)snprintf(text, sizeof text, "| AUC, out of fold | %.3f [%.3f, %.3f] |", auc.value,
                   auc.low, auc.high);
    has(f->note, text);
    (void)snprintf(text, sizeof text, "| Candidates for off-boarding | %zu, ", run->candidates);
    has(f->note, text);
    has(f->note, "## Segments and proposals");
    has(f->note, "## What to doubt");
    has(f->note, "| Policy book (SHA-256) |");
}

static void proposals_add_up_to_everybody_scored(void **state)
{
    Fixture *f = *state;
    size_t count[SEGMENTS] = {0};
    for (size_t i = 0; i < f->run->scored->count; i++)
        count[f->run->scored->outcome[i].segment]++;
    char text[96];
    (void)snprintf(text, sizeof text, "| All | %zu | %zu | %zu | %zu |", count[SEGMENT_LOW],
                   count[SEGMENT_MEDIUM], count[SEGMENT_HIGH], f->run->scored->count);
    has(f->note, text);
}

static void no_customer_is_named(void **state)
{
    Fixture *f = *state;
    const Dataset *d = f->run->data;
    size_t long_enough = 0;
    for (size_t i = 0; i < d->customers; i++) {
        if (d->id[i].size < 5) /* "7" stands in many a figure */
            continue;
        long_enough++;
        if (str_contains(f->note, d->id[i]))
            fail_msg("the note names %.*s", STR_ARG(d->id[i]));
    }
    assert_true(long_enough > 5);
}

static void hostile_texts_stay_text(void **state)
{
    Fixture *f = *state;
    static const Str evil = {"|\n# <script>x</script> [a](b)", 28};
    Run run = *f->run;
    Dataset data = *run.data;
    Findings *findings = findings_new(&f->arena);
    findings_add(findings, SEVERITY_SEVERE, "evil", 1, evil, evil);
    data.findings = findings;
    run.data = &data;
    run.version = evil;
    Str note = report_note(&f->arena, &run);
    assert_false(str_contains(note, S("<script")));
    assert_false(str_contains(note, S("\n# <")));
    assert_false(str_contains(note, S("[a](b)")));
    has(note, "Severe: ");
}

static void a_run_that_only_scores_has_a_note_too(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    run.training = NULL;
    run.validation = NULL;
    run.audit = NULL;
    run.thresholds = NULL;
    run.stability = NULL;
    run.calibration = NULL;
    run.strata = NULL;
    Str note = report_note(&f->arena, &run);
    has(note, "nothing learnt here");
    assert_false(str_contains(note, S("AUC, out of fold")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_come_with_their_intervals),
        cmocka_unit_test(proposals_add_up_to_everybody_scored),
        cmocka_unit_test(no_customer_is_named),
        cmocka_unit_test(hostile_texts_stay_text),
        cmocka_unit_test(a_run_that_only_scores_has_a_note_too),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
