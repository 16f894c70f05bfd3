#include "table/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static void same_text(Str got, const char *want)
{
    if (!str_equal(got, str_from(want)))
        fail_msg("`%.*s` is not `%s`", STR_ARG(got), want);
}

static void type_names_read_back(void **state)
{
    (void)state;
    for (int t = TYPE_BOOLEAN; t <= TYPE_DURATION; t++) {
        Type got;
        assert_true(type_from_name(type_name((Type)t), &got));
        assert_int_equal(got, t);
        assert_true(type_width((Type)t) > 0);
    }
    Type got;
    assert_false(type_from_name(S("Boolean"), &got));
    assert_false(type_from_name(S(""), &got));
}

static void column_cells_read_back(void **state)
{
    (void)state;
    static const struct {
        Type type;
        const char *text, *back;
    } cases[] = {
        {TYPE_BOOLEAN, "TRUE", "true"},
        {TYPE_BOOLEAN, "no", "false"},
        {TYPE_BOOLEAN, "1", "true"},
        {TYPE_BOOLEAN, "f", "false"},
        {TYPE_INT64, "-42", "-42"},
        {TYPE_INT64, "9223372036854775807", "9223372036854775807"},
        {TYPE_DECIMAL, "12.5", "12.50"},
        {TYPE_DECIMAL, "-0.01", "-0.01"},
        {TYPE_DOUBLE, "1e-3", "0.001"},
        {TYPE_DOUBLE, "-2.5", "-2.5"},
        {TYPE_CATEGORY, "COMPLETED", "COMPLETED"},
        {TYPE_TEXT, "any, \"text\"\n", "any, \"text\"\n"},
        {TYPE_TIME, "2024-08-26T09:05:37.25Z", "2024-08-26 09:05:37.250000 UTC"},
        {TYPE_DATE, "1984-02-29", "1984-02-29"},
        {TYPE_DURATION, "36h", "36h"},
    };
    Arena arena = arena_new();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Column c, again;
        column_init(&c, &arena, S("c"), cases[i].type, 2, 2, NULL);
        column_init(&again, &arena, S("c"), cases[i].type, 2, 2, NULL);
        if (!column_parse(&c, 1, str_from(cases[i].text)))
            fail_msg("`%s` is not read", cases[i].text);
        assert_false(column_valid(&c, 0));
        assert_true(column_valid(&c, 1));
        Str text = cell_text(&arena, &c, 1);
        same_text(text, cases[i].back);
        assert_true(column_parse(&again, 0, text));
        assert_true(cell_equal(&c, 1, &again, 0));
        assert_false(cell_equal(&c, 1, &again, 1));
        same_text(cell_text(&arena, &c, 0), "");
    }
    arena_free(&arena);
}

static void column_refuses_text_of_another_type(void **state)
{
    (void)state;
    static const struct {
        Type type;
        const char *text;
    } cases[] = {{TYPE_BOOLEAN, "maybe"},      {TYPE_BOOLEAN, "2"},
                 {TYPE_INT64, "1.0"},          {TYPE_INT64, "9223372036854775808"},
                 {TYPE_DECIMAL, "1.005"},      {TYPE_DECIMAL, "1,5"},
                 {TYPE_DOUBLE, "1e999"},       {TYPE_DOUBLE, "nan"},
                 {TYPE_TIME, "yesterday"},     {TYPE_TIME, "1900-01-01 00:00+01:00"},
                 {TYPE_DATE, "2023-02-29"},    {TYPE_DATE, "2023-02-28 12:00"},
                 {TYPE_DURATION, "99999999w"}, {TYPE_DURATION, "soon"}};
    Arena arena = arena_new();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Column c;
        uint64_t zero = 0;
        column_init(&c, &arena, S("c"), cases[i].type, 2, 1, NULL);
        if (column_parse(&c, 0, str_from(cases[i].text)))
            fail_msg("`%s` is read", cases[i].text);
        assert_false(column_valid(&c, 0));
        assert_memory_equal(c.data, &zero, type_width(c.type)); /* zero behind a missing cell */
    }
    arena_free(&arena);
}

static void column_parse_replaces_what_was_there(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Column c;
    column_init(&c, &arena, S("c"), TYPE_INT64, 0, 1, NULL);
    assert_true(column_parse(&c, 0, S("7")));
    assert_false(column_parse(&c, 0, S("seven")));
    assert_false(column_valid(&c, 0));
    assert_int_equal(c.integer[0], 0);
    assert_true(column_parse(&c, 0, S("7")));
    assert_true(column_parse(&c, 0, S(""))); /* empty text is missing */
    assert_false(column_valid(&c, 0));
    assert_int_equal(c.integer[0], 0);
    arena_free(&arena);
}

static void column_validity_is_one_bit_a_row(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Column c;
    column_init(&c, &arena, S("c"), TYPE_BOOLEAN, 0, 200, NULL);
    for (size_t i = 0; i < 200; i++)
        assert_false(column_valid(&c, i));
    for (size_t i = 0; i < 200; i += 3)
        column_set_valid(&c, i);
    column_set_missing(&c, 63);
    column_set_missing(&c, 64);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(column_valid(&c, i), i % 3 == 0 && i != 63);
    column_init(&c, &arena, S("none"), TYPE_INT64, 0, 0, NULL); /* no rows is fine */
    arena_free(&arena);
}

static void cell_as_a_double(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Column c;
    column_init(&c, &arena, S("c"), TYPE_DECIMAL, 2, 1, NULL);
    assert_true(is_missing(cell_double(&c, 0)));
    assert_true(column_parse(&c, 0, S("12.34")));
    assert_true(cell_double(&c, 0) == 12.34);
    column_init(&c, &arena, S("c"), TYPE_BOOLEAN, 0, 1, NULL);
    assert_true(column_parse(&c, 0, S("yes")));
    assert_true(cell_double(&c, 0) == 1);
    column_init(&c, &arena, S("c"), TYPE_TIME, 0, 1, NULL);
    assert_true(column_parse(&c, 0, S("1970-01-02")));
    assert_true(cell_double(&c, 0) == 86400e6);
    column_init(&c, &arena, S("c"), TYPE_CATEGORY, 0, 1, NULL);
    assert_true(column_parse(&c, 0, S("A")));
    assert_true(is_missing(cell_double(&c, 0)));
    arena_free(&arena);
}

static void cell_equal_looks_at_type_scale_and_text(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Column a, b;
    column_init(&a, &arena, S("a"), TYPE_DECIMAL, 2, 2, NULL);
    column_init(&b, &arena, S("b"), TYPE_DECIMAL, 2, 2, NULL);
    assert_true(cell_equal(&a, 0, &b, 0)); /* both missing */
    assert_true(column_parse(&a, 0, S("1.50")) && column_parse(&b, 0, S("1.5")));
    assert_true(cell_equal(&a, 0, &b, 0));
    assert_false(cell_equal(&a, 0, &b, 1));
    column_init(&b, &arena, S("b"), TYPE_DECIMAL, 0, 1, NULL);
    assert_true(column_parse(&b, 0, S("150")));
    assert_false(cell_equal(&a, 0, &b, 0)); /* 1.50 is not 150 */
    column_init(&b, &arena, S("b"), TYPE_INT64, 0, 1, NULL);
    assert_false(cell_equal(&a, 1, &b, 0)); /* another type, even when both are missing */

    column_init(&a, &arena, S("a"), TYPE_CATEGORY, 0, 2, NULL);
    column_init(&b, &arena, S("b"), TYPE_CATEGORY, 0, 2, NULL);
    assert_true(column_parse(&a, 0, S("X")) && column_parse(&a, 1, S("Y")));
    assert_true(column_parse(&b, 0, S("Y")) && column_parse(&b, 1, S("X")));
    assert_int_equal(a.code[0], b.code[0]);
    assert_false(cell_equal(&a, 0, &b, 0)); /* equal codes of two dictionaries */
    assert_true(cell_equal(&a, 0, &b, 1));
    assert_true(cell_equal(&a, 1, &b, 0));
    arena_free(&arena);
}

static void table_take_keeps_cells_and_origins(void **state)
{
    (void)state;
    enum { ROWS = 150 };
    Arena arena = arena_new();
    Table *t = table_new(&arena, S("t"), ROWS, 9);
    t->files = ARENA_ARRAY(&arena, Str, 2);
    t->files[0] = S("one.csv");
    t->files[1] = S("two.csv");
    t->file_count = 2;
    t->file = ARENA_ARRAY(&arena, uint32_t, ROWS);
    t->line = ARENA_ARRAY(&arena, uint64_t, ROWS);
    static const char *const text[9] = {"true", "7",          "1.25",       "0.5", "A",
                                        "id",   "2024-01-01", "2024-01-02", "6h"};
    for (size_t k = 0; k < 9; k++) {
        Str name = str_format(&arena, "column%zu", k);
        column_init(&t->column[k], &arena, name, (Type)k, 2, ROWS, NULL);
        for (size_t i = 0; i < ROWS; i++)
            if ((i + k) % 4 != 0)
                assert_true(column_parse(&t->column[k], i, str_from(text[k])));
    }
    for (size_t i = 0; i < ROWS; i++) {
        t->file[i] = i % 2;
        t->line[i] = 1000 + i;
        if (column_valid(&t->column[1], i))
            t->column[1].integer[i] = (int64_t)i;
    }
    static const uint32_t index[] = {149, 0, 64, 63, 63, 1};
    Table *taken = table_take(&arena, t, index, COUNT_OF(index));
    assert_int_equal(taken->rows, COUNT_OF(index));
    assert_int_equal(taken->columns, 9);
    for (size_t i = 0; i < COUNT_OF(index); i++) {
        for (size_t k = 0; k < 9; k++) {
            assert_true(str_equal(taken->column[k].name, t->column[k].name));
            assert_true(cell_equal(&taken->column[k], i, &t->column[k], index[i]));
        }
        assert_int_equal(taken->line[i], 1000 + index[i]);
        assert_int_equal(taken->file[i], index[i] % 2);
    }
    assert_ptr_equal(taken->column[4].dictionary, t->column[4].dictionary);
    assert_int_equal(table_take(&arena, t, index, 0)->rows, 0);
    t->line = NULL; /* a made table has no origins */
    t->file = NULL;
    assert_null(table_take(&arena, t, index, 2)->line);
    arena_free(&arena);
}

static void table_find_answers_by_name(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Table *t = table_new(&arena, S("t"), 1, 2);
    column_init(&t->column[0], &arena, S("a"), TYPE_INT64, 0, 1, NULL);
    column_init(&t->column[1], &arena, S("b"), TYPE_INT64, 0, 1, NULL);
    assert_ptr_equal(table_find(t, S("b")), &t->column[1]);
    assert_null(table_find(t, S("B")));
    arena_free(&arena);
}

static void matrix_is_missing_until_filled_and_takes_rows(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Matrix *x = matrix_new(&arena, 4, 3);
    for (size_t i = 0; i < 12; i++)
        assert_true(isnan(x->value[i]));
    for (size_t k = 0; k < 3; k++)
        x->name[k] = str_format(&arena, "x%zu", k);
    for (size_t i = 0; i < 4; i++) {
        x->id[i] = str_format(&arena, "id%zu", i);
        for (size_t k = 0; k < 3; k++)
            x->value[i * 3 + k] = (float)(10 * i + k);
    }
    static const uint32_t index[] = {3, 1, 3};
    Matrix *y = matrix_take(&arena, x, index, 3);
    assert_int_equal(y->rows, 3);
    same_text(y->id[0], "id3");
    same_text(y->id[1], "id1");
    same_text(y->name[2], "x2");
    for (size_t i = 0; i < 3; i++)
        assert_memory_equal(matrix_row(y, i), matrix_row(x, index[i]), 3 * sizeof(float));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_names_read_back),
        cmocka_unit_test(column_cells_read_back),
        cmocka_unit_test(column_refuses_text_of_another_type),
        cmocka_unit_test(column_parse_replaces_what_was_there),
        cmocka_unit_test(column_validity_is_one_bit_a_row),
        cmocka_unit_test(cell_as_a_double),
        cmocka_unit_test(cell_equal_looks_at_type_scale_and_text),
        cmocka_unit_test(table_take_keeps_cells_and_origins),
        cmocka_unit_test(table_find_answers_by_name),
        cmocka_unit_test(matrix_is_missing_until_filled_and_takes_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
