/* csv_cells_test.c - cells that no file holds are read as a file that holds them. */
#include "csv/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { NAMES = 10, CHOICES = 4, ROWS_MAX = 12, ROUNDS = 400 };

typedef struct Kind {
    Str name;
    Str good[CHOICES], bad;
} Kind;

#define T(literal)                                                                                 \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* `extra` is asked by nobody. */
static const Kind kinds[NAMES] = {
    {T("colour"), {T("red"), T("blue"), T("red"), T("")}, T("green")},
    {T("id"), {T("a"), T("b"), T(" b"), T("c,\"d")}, T(" ")},
    {T("extra"), {T("x"), T(""), T("y"), T("z")}, T("")},
    {T("amount"), {T("1,50"), T("-2"), T("1.234,5"), T("")}, T("1.2,5")},
    {T("at"),
     {T("2024-08-26 09:05:37 UTC"), T("2024-08-26"), T(""), T("2024-08-26T10:00:00Z")},
     T("26/08/2024")},
    {T("count"), {T("0"), T("-7"), T(""), T("12")}, T(" 7")},
    {T("state"), {T("DONE"), T(""), T("OPEN"), T("DONE")}, T("CLOSED")},
    {T("open"), {T("p"), T("q"), T(""), T("p")}, T("r")},
    {T("flag"), {T("true"), T("0"), T(""), T("yes")}, T("maybe")},
    {T("day"), {T("26/08/2024"), T("1.2.2024"), T(""), T("01/12/2023")}, T("2024-08-26")},
};

typedef struct Reading {
    Table *table;
    CsvCounts counts;
    Quarantine *aside;
    Dictionary *state;
} Reading;

static const Str colours[] = {{"red", 3}, {"blue", 4}};
static const Str states[] = {{"OPEN", 4}, {"DONE", 4}};

/* Read them as cells, or else as the text of a file. */
static Reading read_it(Arena *keep, Arena scratch, const CsvCells *cells, const Str *text)
{
    Error err = {0};
    Reading r = {.aside = quarantine_new(keep), .state = dictionary_new(keep)};
    for (size_t i = 0; i < COUNT_OF(states); i++)
        (void)dictionary_add(r.state, states[i]);
    (void)dictionary_add(r.state, S("CLOSED")); /* of another column: no value of this one */
    const CsvColumn ask[] = {
        {.name = S("id"), .type = TYPE_TEXT, .required = true, .key = true},
        {.name = S("absent"), .type = TYPE_INT64},
        {.name = S("state"),
         .type = TYPE_CATEGORY,
         .values = states,
         .value_count = COUNT_OF(states),
         .dictionary = r.state},
        {.name = S("colour"),
         .type = TYPE_CATEGORY,
         .values = colours,
         .value_count = COUNT_OF(colours)},
        {.name = S("open"), .type = TYPE_CATEGORY, .open = true, .dictionary = r.state},
        {.name = S("amount"),
         .type = TYPE_DECIMAL,
         .scale = 2,
         .decimal_mark = ',',
         .thousands = S(".")},
        {.name = S("count"), .type = TYPE_INT64},
        {.name = S("flag"), .type = TYPE_BOOLEAN},
        {.name = S("at"), .type = TYPE_TIME},
        {.name = S("day"), .type = TYPE_DATE, .time = {.form = TIME_DAY_MONTH_YEAR}},
    };
    Status status = text == NULL ? csv_read_cells(&r.table, &r.counts, keep, scratch, cells, "rows",
                                                  ask, COUNT_OF(ask), NULL, r.aside, &err)
                                 : csv_read_bytes(&r.table, &r.counts, keep, scratch, *text, "rows",
                                                  ask, COUNT_OF(ask),
                                                  &(CsvOptions){.delimiter = ','}, r.aside, &err);
    if (status != STATUS_OK)
        fail_msg("%s; %s", err.message, err.remedy);
    return r;
}

static void quote(Buffer *b, Str cell)
{
    buffer_char(b, '"');
    for (size_t i = 0; i < cell.size; i++) {
        buffer_char(b, cell.data[i]);
        if (cell.data[i] == '"')
            buffer_char(b, '"');
    }
    buffer_char(b, '"');
}

static Str as_file(Arena *keep, const CsvCells *cells)
{
    Buffer b = buffer_new(keep);
    for (size_t row = 0; row <= cells->rows; row++)
        for (size_t k = 0; k < cells->columns; k++) {
            const Str *from = row == 0 ? cells->name : cells->cell + (row - 1) * cells->columns;
            quote(&b, from[k]);
            buffer_char(&b, k + 1 == cells->columns ? '\n' : ',');
        }
    return buffer_str(&b);
}

static void assert_same_table(const Table *a, const Table *b)
{
    assert_int_equal(a->columns, b->columns);
    assert_int_equal(a->rows, b->rows);
    for (size_t k = 0; k < a->columns; k++) {
        const Column *x = &a->column[k], *y = &b->column[k];
        assert_true(str_equal(x->name, y->name));
        for (size_t row = 0; row < a->rows; row++) {
            assert_true(cell_equal(x, row, y, row));
            if (x->dictionary != NULL)
                assert_int_equal(x->code[row], y->code[row]);
        }
        assert_int_equal(x->dictionary == NULL, y->dictionary == NULL);
        if (x->dictionary != NULL && y->dictionary != NULL)
            assert_int_equal(x->dictionary->count, y->dictionary->count);
    }
    for (size_t row = 0; row < a->rows; row++)
        assert_int_equal(a->line[row] + 1, b->line[row]); /* below the header */
}

static void assert_same_aside(const Quarantine *a, const Quarantine *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->row[i].line + 1, b->row[i].line);
        assert_int_equal(a->row[i].column, b->row[i].column);
        assert_true(str_equal(a->row[i].code, b->row[i].code));
        assert_true(str_equal(a->row[i].reason, b->row[i].reason));
    }
}

/* Sound rows have a way of their own; one bad cell among them takes the way of files. */
static void cells_are_read_as_a_file_that_holds_them(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Random random = random_new(11);
    size_t sound = 0, unsound = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        Arena own = keep;
        uint32_t order[NAMES];
        Str name[NAMES];
        bool bad = round % 2 == 1;
        for (uint32_t k = 0; k < NAMES; k++)
            order[k] = k;
        random_shuffle(&random, order, NAMES);
        size_t rows = random_below(&random, ROWS_MAX + 1);
        Str *cell = ARENA_ARRAY(&own, Str, rows * NAMES + 1);
        for (size_t k = 0; k < NAMES; k++) {
            const Kind *kind = &kinds[order[k]];
            name[k] = kind->name;
            for (size_t row = 0; row < rows; row++)
                cell[row * NAMES + k] = bad && random_below(&random, 60) == 0
                                            ? kind->bad
                                            : kind->good[random_below(&random, CHOICES)];
        }
        const CsvCells cells = {name, NAMES, cell, rows};
        Str text = as_file(&own, &cells);
        Reading a = read_it(&own, scratch, &cells, NULL), b = read_it(&own, scratch, NULL, &text);
        assert_same_table(a.table, b.table);
        assert_same_aside(a.aside, b.aside);
        assert_int_equal(a.counts.rows, b.counts.rows);
        assert_int_equal(a.counts.quarantined, b.counts.quarantined);
        assert_int_equal(a.counts.extra_count, 1);
        assert_true(str_equal(a.counts.extra[0], S("extra")));
        assert_int_equal(a.state->count, b.state->count);
        sound += a.counts.quarantined == 0;
        unsound += a.counts.quarantined > 0;
    }
    assert_true(sound > ROUNDS / 4 && unsound > ROUNDS / 4);
    arena_free(&keep);
    arena_free(&scratch);
}

static void a_cell_longer_than_allowed_sets_its_row_aside(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    const CsvColumn ask = {.name = S("a"), .type = TYPE_TEXT};
    const Str name[] = {S("a"), S("b")}, cell[] = {S("1"), S("2"), S("3"), S("long")};
    const CsvCells cells = {name, 2, cell, 2};
    const CsvOptions options = {.cell_bytes_max = 3};
    Quarantine *aside = quarantine_new(&keep);
    Table *t;
    Error err = {0};
    assert_int_equal(
        csv_read_cells(&t, NULL, &keep, scratch, &cells, "rows", &ask, 1, &options, aside, &err),
        STATUS_OK);
    assert_int_equal(t->rows, 1);
    assert_int_equal(aside->count, 1);
    assert_true(str_equal(aside->row[0].code, S("cell_too_long")));
    assert_int_equal(aside->row[0].line, 2);
    assert_int_equal(aside->row[0].column, 2);
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_read_as_a_file_that_holds_them),
        cmocka_unit_test(a_cell_longer_than_allowed_sets_its_row_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
