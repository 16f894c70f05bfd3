#include "report/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "made_up_run.h"

typedef struct Fixture {
    Arena arena;
    Run *run;
    Schema *schema;
    Bundle *bundle;
    CalibrationCheck *check;
} Fixture;

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    f->schema = (Schema *)(uintptr_t)f->run->data->schema;
    f->bundle = (Bundle *)(uintptr_t)f->run->bundle;
    f->check = (CalibrationCheck *)(uintptr_t)f->run->calibration;
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

static Str page_of(Fixture *f)
{
    char path[] = "/tmp/assay-calibration-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    Error err = {0};
    Str page;
    made_up_ok(report_write(f->run, path, &err), &err);
    made_up_ok(file_read(&page, &f->arena, path, &err), &err);
    (void)unlink(path);
    return page;
}

static void has(Str page, const char *part)
{
    if (!str_contains(page, str_from(part)))
        fail_msg("the page lacks `%s`", part);
}

static void has_not(Str page, const char *part)
{
    if (str_contains(page, str_from(part)))
        fail_msg("the page has `%s`", part);
}

/* Unless the schema book says so, nobody may read a score as a probability in the bank. */
static void a_sample_by_design_is_never_called_the_population(void **state)
{
    Fixture *f = *state;
    assert_int_equal(f->schema->customers.label.prior, LABEL_PRIOR_BY_DESIGN);
    Str page = page_of(f);
    has(page, "A score is not a population probability.");
    has(page, "is no probability in the bank");
    has(page, "never how likely a customer of the bank is to be suspended");
    has(page, "and not how often customers of the bank are");
    has_not(page, "own share (prior: population). The table");
    has_not(page, "the bank's own by the schema book");
    f->schema->customers.label.prior = LABEL_PRIOR_POPULATION;
    page = page_of(f);
    f->schema->customers.label.prior = LABEL_PRIOR_BY_DESIGN;
    has_not(page, "A score is not a population probability.");
    has_not(page, "never how likely a customer of the bank");
    has(page, "own share (prior: population). The table");
    has(page, "A score is a probability for customers like these.");
}

static void the_noise_floor_stands_beside_the_error(void **state)
{
    Fixture *f = *state;
    NoiseFloor *e = &f->check[f->run->headline].ece, was = *e;
    *e = (NoiseFloor){.seen = 0.0361, .mean = 0.0342, .high = 0.0604, .share = 0.4, .draws = 1000};
    Str page = page_of(f);
    has(page, "the calibration error is 0.036; a perfectly calibrated model would show 0.034 on as "
              "many customers (95 %: up to 0.060)");
    has(page, "what chance alone would give");
    e->seen = 0.0701;
    page = page_of(f);
    has(page, "It is more than chance explains");
    has_not(page, "what chance alone would give");
    *e = (NoiseFloor){NAN, NAN, NAN, NAN, 0};
    has_not(page_of(f), "the calibration error is");
    *e = was;
}

static void slope_and_level_are_put_in_words(void **state)
{
    Fixture *f = *state;
    Recalibration *r = &f->check[f->run->headline].recalibration, was = *r;
    r->slope = (Interval){0.6, 0.4, 0.8};
    r->large = (Interval){0.9, 0.4, 1.3};
    Str page = page_of(f);
    has(page, "<td>too extreme</td>");
    has(page, "<td>too low</td>");
    has(page, "probabilities are too low before any correction");
    r->slope = (Interval){1.6, 1.4, 1.8};
    r->large = (Interval){-0.9, -1.4, -0.3};
    page = page_of(f);
    has(page, "<td>too timid</td>");
    has(page, "<td>too high</td>");
    has(page, "probabilities are too high before any correction");
    r->slope = (Interval){NAN, NAN, NAN};
    r->large = (Interval){0.1, -0.4, 0.5};
    page = page_of(f);
    has(page, "<td>cannot be told</td>");
    has_not(page, "before any correction");
    *r = was;
}

static void every_kind_of_map_is_described(void **state)
{
    Fixture *f = *state;
    static double margin[] = {-1, 0, 1}, log_odds[] = {-2, -1, 0};
    static const Isotonic steps = {3, margin, log_odds};
    Calibration was = f->bundle->calibration;
    Str page = page_of(f);
    has(page, "sigmoid, slope 0.930, intercept -0.040.");
    has(page, "too few customers");
    f->bundle->calibration = (Calibration){.kind = CALIBRATION_BETA, .beta = {0.5, 2, -1}};
    has(page_of(f), "beta, a 0.500, b 2.000, c -1.000.");
    f->bundle->calibration = (Calibration){.kind = CALIBRATION_ISOTONIC, .isotonic = &steps};
    has(page_of(f), "isotonic, lines between 3 knots.");
    f->bundle->calibration = was;
}

static void the_interval_is_called_what_it_is(void **state)
{
    Fixture *f = *state;
    Str page = page_of(f);
    has(page, "It is not a confidence bound");
    Support s;
    Arena scratch = arena_new();
    store_support(&s, scratch, f->run, f->run->headline);
    arena_free(&scratch);
    char text[120];
    (void)snprintf(text, sizeof text, "in %zu of the %zu groups above; in %zu its own", s.inside,
                   s.groups, s.met);
    has(page, text);
    assert_true(s.inside <= s.met && s.met <= s.groups && s.groups > 1);
    assert_true(s.mean > 0 && s.mean < 0.25 && s.median > 0); /* made up: .5 either side */
}

static void assumed_shares_have_a_table(void **state)
{
    Fixture *f = *state;
    Str page = page_of(f);
    static const char *const rows[] = {"2.0\xC2\xA0%: High, as is", "5.0\xC2\xA0%: High, corrected",
                                       "10\xC2\xA0%: Medium or High, as is",
                                       "17\xC2\xA0%: Medium or High, corrected"};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        has(page, rows[i]);
    const CalibrationCheck *was = f->run->calibration;
    f->run->calibration = NULL; /* a run that has none says nothing of it */
    page = page_of(f);
    has_not(page, "id=\"prevalence\"");
    has(page, "id=\"calibration\"");
    f->run->calibration = was;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_by_design_is_never_called_the_population),
        cmocka_unit_test(the_noise_floor_stands_beside_the_error),
        cmocka_unit_test(slope_and_level_are_put_in_words),
        cmocka_unit_test(every_kind_of_map_is_described),
        cmocka_unit_test(the_interval_is_called_what_it_is),
        cmocka_unit_test(assumed_shares_have_a_table),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
