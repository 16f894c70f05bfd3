#include "profile/profile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* Files in a folder of their own, looked at. */
typedef struct Looked {
    Arena arena;
    char folder[64];
    const char *path[2];
    size_t files;
    Survey *survey;
    Error err;
} Looked;

static int setup(void **state)
{
    Looked *l = calloc(1, sizeof *l);
    l->arena = arena_new();
    (void)snprintf(l->folder, sizeof l->folder, "/tmp/assay-survey-XXXXXX");
    assert_non_null(mkdtemp(l->folder));
    *state = l;
    return 0;
}

static int teardown(void **state)
{
    Looked *l = *state;
    for (size_t i = 0; i < l->files; i++)
        (void)unlink(l->path[i]);
    assert_int_equal(rmdir(l->folder), 0);
    arena_free(&l->arena);
    free(l);
    return 0;
}

static void put(Looked *l, const char *name, Str text)
{
    Error err = {0};
    l->path[l->files] = path_join(&l->arena, l->folder, name);
    assert_int_equal(file_write(l->path[l->files++], text, &err), STATUS_OK);
}

static Status look(Looked *l, bool hide, bool no_header)
{
    Arena scratch = arena_new();
    const SurveyInputs in = {
        .files = {l->path, l->files}, .hide_values = hide, .no_header = no_header};
    Status status = survey_read(&l->survey, &l->arena, scratch, &in, &l->err);
    arena_free(&scratch);
    return status;
}

static const SurveyFile *only(Looked *l, Str text)
{
    put(l, "only.csv", text);
    assert_int_equal(look(l, false, false), STATUS_OK);
    return &l->survey->file[0];
}

static bool said(const Str *list, size_t count, const char *part)
{
    for (size_t i = 0; i < count; i++)
        if (str_contains(list[i], str_from(part)))
            return true;
    return false;
}

static void says(const SurveyColumn *c, const char *part)
{
    if (!said(c->finding, c->findings, part))
        fail_msg("%.*s: not said: %s", STR_ARG(c->name), part);
}

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fmax(1, fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

static void quantiles_weigh_a_value_by_its_rows(void **state)
{
    /* 1 1 1 2 10: by hand, type 7 */
    const SurveyFile *f = only(*state, S("v,w\n1,a\n2,b\n1,c\n10,d\n1,e\n,f\n"));
    const SurveyColumn *c = &f->column[0];
    assert_int_equal(f->rows, 6);
    assert_int_equal(c->filled, 5);
    assert_int_equal(c->distinct, 3);
    near(c->low, 1);
    near(c->q1, 1);
    near(c->median, 1);
    near(c->q3, 2);
    near(c->high, 10);
    near(c->mean, 3);
    assert_int_equal(c->below, 0);
    assert_int_equal(c->above, 1); /* 2 + 3 * 1 is below 10 */
    size_t sum = 0;
    for (size_t i = 0; i < c->steps; i++)
        sum += c->step[i];
    assert_int_equal(sum, 5);
}

static void repeated_rows_are_counted_beyond_their_first(void **state)
{
    const SurveyFile *f = only(*state, S("a,b\n1,x\n2,y\n1,x\n1,x\n2,\n2,\n"));
    assert_int_equal(f->repeated, 3);
}

static Str many(Arena *arena, bool filled_for_one)
{
    Buffer b = buffer_new(arena);
    buffer_add(&b, S("key,state,reason\n"));
    for (size_t i = 0; i < 100; i++)
        buffer_format(&b, "k%03zu,%s,%s\n", i,
                      i % 4 == 0   ? "CLOSED"
                      : i % 4 == 1 ? "OPEN"
                                   : "NEW",
                      i % 4 == 0 || (!filled_for_one && i == 1) ? "r1" : "");
    return buffer_str(&b);
}

static void a_column_that_one_value_fills_is_named(void **state)
{
    Looked *l = *state;
    const SurveyFile *f = only(l, many(&l->arena, true));
    says(&f->column[2], "filled only where state is CLOSED (25 of these 25 rows)");
    assert_true(f->column[0].hidden);
    assert_int_equal(f->column[0].tops, 0);
}

static void a_single_exception_takes_that_back(void **state)
{
    Looked *l = *state;
    const SurveyFile *f = only(l, many(&l->arena, false));
    assert_false(said(f->column[2].finding, f->column[2].findings, "filled only where"));
}

static void columns_join_by_what_they_share(void **state)
{
    Looked *l = *state;
    Buffer a = buffer_new(&l->arena), b = buffer_new(&l->arena);
    buffer_add(&a, S("user_id,n\n"));
    buffer_add(&b, S("id,user_id\n"));
    for (size_t i = 0; i < 30; i++)
        buffer_format(&a, "user-%04zu,%zu\n", i, i % 3);
    for (size_t i = 0; i < 60; i++) /* users 20 to 39, three times each */
        buffer_format(&b, "move-%04zu,user-%04zu\n", i, 20 + i % 20);
    put(l, "users.csv", buffer_str(&a));
    put(l, "moves.csv", buffer_str(&b));
    assert_int_equal(look(l, false, false), STATUS_OK);
    assert_int_equal(l->survey->links, 1);
    const SurveyLink *link = &l->survey->link[0];
    assert_int_equal(link->values, 10);
    assert_int_equal(link->rows[0], 10);
    assert_int_equal(link->rows[1], 30);
    assert_true(link->key[0]);
    assert_false(link->key[1]);
}

static void small_numbers_do_not_join_by_chance(void **state)
{
    Looked *l = *state;
    Buffer a = buffer_new(&l->arena), b = buffer_new(&l->arena);
    buffer_add(&a, S("height\n"));
    buffer_add(&b, S("points\n"));
    for (size_t i = 0; i < 60; i++) {
        buffer_format(&a, "%zu\n", i * 7 % 60);
        buffer_format(&b, "%zu\n", i * 11 % 60);
    }
    put(l, "a.csv", buffer_str(&a));
    put(l, "b.csv", buffer_str(&b));
    assert_int_equal(look(l, false, false), STATUS_OK);
    assert_int_equal(l->survey->links, 0);
}

static void values_of_single_rows_can_be_hidden(void **state)
{
    Looked *l = *state;
    put(l, "only.csv", S("amount,city\n1.50,Lyon\n2.50,Lyon\n99.00,Nice\n"));
    assert_int_equal(look(l, true, false), STATUS_OK);
    const SurveyFile *f = &l->survey->file[0];
    assert_true(is_missing(f->column[0].low) && is_missing(f->column[0].high));
    near(f->column[0].median, 2.5);
    assert_int_equal(f->column[1].tops, 0);
    assert_false(l->survey->values);
}

static void a_file_without_names_can_be_read(void **state)
{
    Looked *l = *state;
    put(l, "only.csv", S("1;2,5;\"x;y\"\n3;4,5;z\n"));
    assert_int_equal(look(l, false, true), STATUS_OK);
    const SurveyFile *f = &l->survey->file[0];
    assert_int_equal(f->rows, 2);
    assert_int_equal(f->columns, 3);
    assert_true(str_equal(f->column[2].name, S("column_3")));
    near(f->column[1].low, 2.5);
}

static void names_that_repeat_are_told_apart(void **state)
{
    const SurveyFile *f = only(*state, S("\xEF\xBB\xBF\"a\",a,\"a (2)\",\n1,2,3,4\n"));
    assert_int_equal(f->columns, 4);
    assert_true(str_equal(f->column[0].name, S("a")));
    assert_true(str_equal(f->column[1].name, S("a (2)")));
    assert_true(str_equal(f->column[2].name, S("a (2) (2)")));
    assert_true(str_equal(f->column[3].name, S("column_4")));
    assert_int_equal(f->rows, 1);
    near(f->column[3].low, 4);
}

static void an_empty_file_is_a_finding_and_no_error(void **state)
{
    const SurveyFile *f = only(*state, S("\n"));
    assert_true(f->empty);
    assert_int_equal(f->columns, 0);
    assert_true(said(f->finding, f->findings, "empty"));
}

static void rows_that_cannot_be_read_are_counted_by_reason(void **state)
{
    const SurveyFile *f = only(*state, S("a,b\n1,2\n1,2,3\n\xFF,1\n4\n"));
    assert_int_equal(f->rows, 1);
    assert_int_equal(f->set_aside, 3);
    assert_true(said(f->finding, f->findings, "2 rows could not be read"));
    assert_true(said(f->finding, f->findings, "not valid UTF-8"));
}

static void what_is_no_text_is_refused(void **state)
{
    Looked *l = *state;
    put(l, "only.csv", S("PK\x03\x04 a spreadsheet"));
    assert_int_equal(look(l, false, false), STATUS_FORMAT);
    assert_non_null(strstr(l->err.message, "spreadsheet"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quantiles_weigh_a_value_by_its_rows),
        TEST(repeated_rows_are_counted_beyond_their_first),
        TEST(a_column_that_one_value_fills_is_named),
        TEST(a_single_exception_takes_that_back),
        TEST(columns_join_by_what_they_share),
        TEST(small_numbers_do_not_join_by_chance),
        TEST(values_of_single_rows_can_be_hidden),
        TEST(a_file_without_names_can_be_read),
        TEST(names_that_repeat_are_told_apart),
        TEST(an_empty_file_is_a_finding_and_no_error),
        TEST(rows_that_cannot_be_read_are_counted_by_reason),
        TEST(what_is_no_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
