#include "report/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "made_up_run.h"

typedef struct Fixture {
    Arena arena;
    Run *run;
} Fixture;

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
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

/* The data chapter alone. */
static Str chapter(Arena *arena, const Run *run)
{
    char path[] = "/tmp/assay-report-data-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    Error err = {0};
    Str page;
    made_up_ok(report_write(run, path, &err), &err);
    made_up_ok(file_read(&page, arena, path, &err), &err);
    (void)unlink(path);
    const char *text = str_chars(arena, page);
    const char *from = strstr(text, "<section id=\"data\"");
    const char *to = strstr(text, "<section id=\"model\"");
    assert_true(from != NULL && to != NULL && from < to);
    return str_copy(arena, (Str){from, (size_t)(to - from)});
}

static size_t count_of(Str s, const char *part)
{
    size_t count = 0;
    for (const char *at = s.data; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static void has(Str s, const char *part)
{
    if (count_of(s, part) == 0)
        fail_msg("not in the chapter: %s", part);
}

static void has_not(Str s, const char *part)
{
    if (count_of(s, part) > 0)
        fail_msg("in the chapter: %s", part);
}

static void every_part_is_there_and_every_chart_has_its_table(void **state)
{
    Fixture *f = *state;
    Str s = chapter(&f->arena, f->run);
    static const char *const parts[] = {"ledger",   "cohorts",       "findings",
                                        "coverage", "distributions", "missing",
                                        "outliers", "correlations",  "drift"};
    const char *before = s.data;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        const char *at =
            strstr(s.data, str_chars(&f->arena, str_format(&f->arena, "<h3 id=\"%s\"", parts[i])));
        assert_non_null(at);
        assert_true(at > before);
        before = at;
    }
    assert_true(count_of(s, "<svg") >= 12);
    assert_int_equal(count_of(s, "<svg"), count_of(s, "role=\"img\""));
    assert_true(count_of(s, "<details>") >= 12);
    assert_int_equal(count_of(s, "<svg"), count_of(s, "<desc id="));
}

/* Whatever stands in a cell of a table of shares or counts is 0, 5 or more, or "fewer than 5". */
static void no_count_below_five_is_shown(void **state)
{
    Fixture *f = *state;
    Str s = chapter(&f->arena, f->run);
    const char *at = strstr(s.data, "id=\"coverage\"");
    size_t shares = 0;
    has(s, "fewer than 5");
    for (; (at = strstr(at, "\xC2\xA0% (")) != NULL; at++) {
        char *end;
        long count = strtol(at + 5, &end, 10);
        assert_true(*end == ',' || count == 0 || count >= 5);
        shares++;
    }
    assert_true(shares > 100);
}

static void of_protected_columns_nothing_but_what_is_missing_is_shown(void **state)
{
    Fixture *f = *state;
    Str s = chapter(&f->arena, f->run);
    has(s, "stand for a protected ground: country_of_residence");
    has_not(s, "<figcaption>country_of_residence");
    has_not(s, "residence\">FR");
}

static void names_from_outside_stay_text(void **state)
{
    Fixture *f = *state;
    static const Str evil = {"</svg><script>x\"'&|\x01\xFF", 21};
    Run run = *f->run;
    Description d = *run.description;
    DescribedColumn *column = arena_copy(&f->arena, d.column, d.columns * sizeof *column);
    Missingness *missing = arena_copy(&f->arena, d.missing, d.missings * sizeof *missing);
    for (size_t k = 0; k < d.columns; k++) {
        column[k].name = evil;
        for (size_t b = 0; b < column[k].bins; b++)
            if (column[k].kind == DESCRIBE_LEVELS)
                column[k].bin[b].level = evil;
    }
    for (size_t i = 0; i < d.missings; i++)
        missing[i].name = missing[i].ground = evil;
    d.column = column;
    d.missing = missing;
    run.description = &d;
    Str s = chapter(&f->arena, &run);
    has_not(s, "<script");
    has_not(s, "</svg><s");
    has(s, "&lt;/svg&gt;&lt;script&gt;x&quot;&#39;&amp;|\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void a_label_with_a_bar_parts_no_columns(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Plan plan = *run.plan;
    Schema schema = *plan.schema;
    BookText positive = {.text = S("a|b<i>")};
    schema.customers.label.positive = (BookTexts){&positive, 1};
    plan.schema = &schema;
    run.plan = &plan;
    Str s = chapter(&f->arena, &run);
    has(s, "a/b&lt;i&gt;</th>");
    has_not(s, "<i>");
}

static void a_cohort_alone_is_shown_alone(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Dataset data = *run.data;
    data.cohort = ARENA_ARRAY(&f->arena, uint8_t, data.customers);
    data.label = ARENA_ARRAY(&f->arena, int8_t, data.customers);
    for (size_t i = 0; i < data.customers; i++) {
        data.cohort[i] = COHORT_SCORED;
        data.label[i] = LABEL_NONE;
    }
    Arena work = arena_new();
    run.description =
        describe_dataset(&f->arena, work, &data, run.plan, run.events, run.scored->features, NULL);
    arena_free(&work);
    run.audit = NULL;
    run.screening = NULL;
    run.training = NULL;
    run.validation = NULL;
    run.strata = NULL;
    run.fairness = NULL;
    run.thresholds = NULL;
    run.stability = NULL;
    run.importance = NULL;
    run.silence = NULL;
    Str s = chapter(&f->arena, &run);
    const char *from = strstr(s.data, "id=\"coverage\"");
    assert_null(strstr(from, "SUSPENDED"));
    assert_null(strstr(from, ">labelled<"));
    assert_null(strstr(from, "id=\"drift\""));
    assert_non_null(strstr(from, "to be scored"));
    assert_null(strstr(from, "not defined"));
}

static void figures_are_those_of_the_description(void **state)
{
    Fixture *f = *state;
    const Description *d = f->run->description;
    Str s = chapter(&f->arena, f->run);
    size_t complete = 0, columns = 0;
    for (size_t i = 0; i < d->missings; i++) {
        if (d->missing[i].of == DESCRIBE_OF_FEATURES)
            continue;
        bool gone = false;
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
            gone = gone || d->missing[i].missing[g] > 0;
        columns++;
        complete += !gone;
    }
    has(s,
        str_chars(&f->arena, str_format(&f->arena, "%zu of %zu columns of the files have a value",
                                        complete, columns)));
}

static void a_run_that_was_not_described_says_nothing_of_it(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    run.description = NULL;
    Str s = chapter(&f->arena, &run);
    has(s, "id=\"ledger\"");
    has_not(s, "id=\"coverage\"");
    has_not(s, "id=\"distributions\"");
}

/* ---- the files ---- */

static Str file_of(Arena *arena, const Run *run, const char *name)
{
    char folder[] = "/tmp/assay-describe-XXXXXX";
    assert_non_null(mkdtemp(folder));
    Error err = {0};
    Str text;
    made_up_ok(store_begin(folder, &err), &err);
    made_up_ok(store_run(run, folder, &err), &err);
    made_up_ok(file_read(&text, arena, path_join(arena, folder, name), &err), &err);
    text = str_copy(arena, text);
    made_up_ok(store_begin(folder, &err), &err);        /* which removes what a run writes */
    (void)rmdir(path_join(arena, folder, "histories")); /* folders stay, empty */
    if (rmdir(folder) != 0)
        fail_msg("%s is not empty: store_begin does not know every file", folder);
    return text;
}

static void formulas_in_levels_and_names_are_defused(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Description d = *run.description;
    DescribedColumn *column = arena_copy(&f->arena, d.column, d.columns * sizeof *column);
    for (size_t k = 0; k < d.columns; k++) {
        column[k].name = S("=cmd|'/c calc'!A0");
        for (size_t b = 0; b < column[k].bins; b++)
            column[k].bin[b].level = S("@SUM(1+1)");
    }
    d.column = column;
    run.description = &d;
    Str s = file_of(&f->arena, &run, "distributions.csv");
    assert_true(count_of(s, ",'=cmd|") > 10);
    assert_true(count_of(s, ",'@SUM(1+1),") > 10);
    assert_int_equal(count_of(s, ",=cmd"), 0);
    assert_int_equal(count_of(s, ",@SUM"), 0);
    s = file_of(&f->arena, &run, "correlations.csv");
    assert_int_equal(count_of(s, "\n=cmd"), 0);
    assert_int_equal(count_of(s, ",=cmd"), 0);
    assert_true(count_of(s, "\n'=cmd|") > 10);
}

static void files_hide_counts_below_five(void **state)
{
    Fixture *f = *state;
    Str s = file_of(&f->arena, f->run, "distributions.csv");
    assert_true(count_of(s, ",<5,\n") > 0); /* and no share to work it out from */
    for (int count = 1; count < 5; count++) {
        static const char *const groups[] = {"risky", "not_risky", "labelled", "to_be_scored"};
        for (size_t g = 0; g < COUNT_OF(groups); g++)
            assert_int_equal(count_of(s, str_chars(&f->arena, str_format(&f->arena, ",%s,%d,",
                                                                         groups[g], count))),
                             0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_there_and_every_chart_has_its_table),
        cmocka_unit_test(no_count_below_five_is_shown),
        cmocka_unit_test(of_protected_columns_nothing_but_what_is_missing_is_shown),
        cmocka_unit_test(names_from_outside_stay_text),
        cmocka_unit_test(a_label_with_a_bar_parts_no_columns),
        cmocka_unit_test(a_cohort_alone_is_shown_alone),
        cmocka_unit_test(figures_are_those_of_the_description),
        cmocka_unit_test(a_run_that_was_not_described_says_nothing_of_it),
        cmocka_unit_test(formulas_in_levels_and_names_are_defused),
        cmocka_unit_test(files_hide_counts_below_five),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
