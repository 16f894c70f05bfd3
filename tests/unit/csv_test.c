/* csv_test.c - what csv.h promises: RFC 4180, repairs, and rows set aside with their place. */
#include "csv/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <yyjson.h>

typedef struct Fixture {
    Arena keep, scratch;
    Table *table;
    CsvCounts counts;
    Quarantine *quarantine;
    Error err;
} Fixture;

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->keep = arena_new();
    f->scratch = arena_new();
    f->quarantine = quarantine_new(&f->keep);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    arena_free(&f->keep);
    arena_free(&f->scratch);
    free(f);
    return 0;
}

static Status read_with(Fixture *f, Str bytes, const CsvColumn *column, size_t columns,
                        const CsvOptions *options)
{
    f->quarantine = quarantine_new(&f->keep);
    f->err = (Error){0};
    f->table = NULL;
    return csv_read_bytes(&f->table, &f->counts, &f->keep, f->scratch, bytes, "dir/data.csv",
                          column, columns, options, f->quarantine, &f->err);
}

static void read_ok(Fixture *f, Str bytes, const CsvColumn *column, size_t columns)
{
    Status status = read_with(f, bytes, column, columns, NULL);
    if (status != STATUS_OK)
        fail_msg("%s; %s", f->err.message, f->err.remedy);
    assert_int_equal(f->counts.rows, f->table->rows + f->counts.quarantined);
    assert_int_equal(f->counts.quarantined, f->quarantine->count);
}

static void assert_str(Str got, Str want)
{
    if (!str_equal(got, want))
        fail_msg("got <%.*s>, want <%.*s>", STR_ARG(got), STR_ARG(want));
}

static void assert_cell(Fixture *f, const char *column, size_t row, Str want)
{
    const Column *c = table_find(f->table, str_from(column));
    assert_non_null(c);
    assert_true(row < f->table->rows);
    assert_str(cell_text(&f->keep, c, row), want);
}

static void assert_aside(Fixture *f, size_t i, uint64_t line, int64_t column, const char *code,
                         Str raw)
{
    assert_true(i < f->quarantine->count);
    const QuarantineRow *row = &f->quarantine->row[i];
    assert_str(row->code, str_from(code));
    assert_int_equal(row->line, line);
    assert_int_equal(row->column, column);
    assert_str(row->raw, raw);
    assert_str(f->quarantine->files->text[row->file], S("dir/data.csv"));
    assert_true(row->reason.size > 0);
}

static void assert_refused(Fixture *f, Str bytes, const CsvColumn *column, size_t columns,
                           Status want, const char *message, const char *remedy)
{
    Status status = read_with(f, bytes, column, columns, NULL);
    assert_int_equal(status, want);
    assert_int_equal(f->err.status, want);
    assert_string_equal(f->err.file, "dir/data.csv");
    if (strstr(f->err.message, message) == NULL)
        fail_msg("message <%s> lacks <%s>", f->err.message, message);
    if (strstr(f->err.remedy, remedy) == NULL || f->err.remedy[0] == '\0')
        fail_msg("remedy <%s> lacks <%s>", f->err.remedy, remedy);
}

#define TEXT(literal)                                                                              \
    {                                                                                              \
        .name = {literal, sizeof(literal) - 1}, .type = TYPE_TEXT                                  \
    }

static const CsvColumn abc[] = {TEXT("a"), TEXT("b"), TEXT("c")};

/* -- what is accepted ---------------------------------------------------------------------- */

static void csv_reads_quotes_and_embedded_newlines(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("a,b,c\n\"x, y\",\"say \"\"hi\"\"\",\"two\nlines\"\n\"\"\"\",,z"), abc, 3);
    assert_int_equal(f->table->rows, 2);
    assert_cell(f, "a", 0, S("x, y"));
    assert_cell(f, "b", 0, S("say \"hi\""));
    assert_cell(f, "c", 0, S("two\nlines"));
    assert_cell(f, "a", 1, S("\""));
    assert_false(column_valid(table_find(f->table, S("b")), 1));
    assert_cell(f, "c", 1, S("z"));
    assert_int_equal(f->table->line[0], 2);
    assert_int_equal(f->table->line[1], 4);
    assert_str(f->table->files[f->table->file[1]], S("dir/data.csv"));
    assert_str(f->table->name, S("data"));
}

static void csv_columns_come_in_any_order_and_extra_ones_are_listed(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("zip,c,a,\nB1,3,1,\n"), abc, 3);
    assert_int_equal(f->table->columns, 2);
    assert_str(f->table->column[0].name, S("a"));
    assert_str(f->table->column[1].name, S("c"));
    assert_null(table_find(f->table, S("b")));
    assert_cell(f, "a", 0, S("1"));
    assert_cell(f, "c", 0, S("3"));
    assert_int_equal(f->counts.extra_count, 2);
    assert_str(f->counts.extra[0], S("zip"));
    assert_str(f->counts.extra[1], S(""));
}

static void csv_blank_lines_are_skipped_and_still_counted_as_lines(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("\n\r\na,b,c\n\n  \t\n1,2,3\n\r\n\n4,5,6\n\n"), abc, 3);
    assert_int_equal(f->counts.rows, 2);
    assert_int_equal(f->table->line[0], 6);
    assert_int_equal(f->table->line[1], 9);
}

static void csv_a_row_of_empty_cells_is_a_row(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("a,b,c\n,,\n"), abc, 3);
    assert_int_equal(f->table->rows, 1);
    assert_false(column_valid(&f->table->column[0], 0));
}

static void csv_header_alone_gives_no_rows(void **state)
{
    Fixture *f = *state;
    const Str files[] = {S("a,b,c"), S("a,b,c\n"),
                         S("\xEF\xBB\xBF"
                           "a,b,c\r\n"),
                         S("a,b,c\r")};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        read_ok(f, files[i], abc, 3);
        assert_int_equal(f->table->rows, 0);
        assert_int_equal(f->table->columns, 3);
        assert_int_equal(f->counts.rows, 0);
    }
}

static void csv_finds_the_delimiter_outside_quotes(void **state)
{
    Fixture *f = *state;
    static const struct {
        Str bytes;
        char delimiter;
    } cases[] = {
        {{"a,b,c\n1,2,3\n", 12}, ','},
        {{"a;b;c\n1,5;2,5;3,5\n", 18}, ';'},
        {{"a\tb\tc\n1,2\t3;4\t5\n", 17}, '\t'},
        {{"a|b|c\n1,5|2;5|3,5\n", 18}, '|'},
        {{"a|b,c,d\n1,2,3\n", 14}, ','},
        {{"\"a;x;y;z\",b\n1,2\n", 16}, ','},
        {{"a,b;c;d,e\n1;2;3\n4;5;6\n", 22}, ';'},
        {{"a,b;c\n", 6}, ','},
        {{"a\n1;2\n", 6}, ','},
        {{"a;b\n\"x,\n,\";2\n", 14}, ';'},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        read_ok(f, cases[i].bytes, abc, 3);
        assert_int_equal(f->counts.delimiter, cases[i].delimiter);
    }
    const CsvOptions hash = {.delimiter = '#'};
    assert_int_equal(read_with(f, S("a#b#c\n1#2,;#3\n"), abc, 3, &hash), STATUS_OK);
    assert_cell(f, "b", 0, S("2,;"));
}

static const CsvColumn typed[] = {
    {.name = {"id", 2}, .type = TYPE_TEXT, .required = true, .key = true},
    {.name = {"amount", 6}, .type = TYPE_DECIMAL, .scale = 2},
    {.name = {"at", 2}, .type = TYPE_TIME},
    {.name = {"ok", 2}, .type = TYPE_BOOLEAN},
    {.name = {"note", 4}, .type = TYPE_TEXT},
};

static void assert_same_table(const Table *a, const Table *b)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->columns, b->columns);
    for (size_t k = 0; k < a->columns; k++)
        for (size_t i = 0; i < a->rows; i++)
            assert_true(cell_equal(&a->column[k], i, &b->column[k], i));
    for (size_t i = 0; i < a->rows; i++)
        assert_int_equal(a->line[i], b->line[i]);
}

static void csv_delimiter_line_end_and_mark_do_not_change_the_table(void **state)
{
    Fixture *f = *state;
    const char *model = "id|amount|at|ok|note\n"
                        "u1|12.50|2024-08-26 09:05:37.213234 UTC|TRUE|plain\n"
                        "u2|-3|2024-08-26|no|\"a \"\"b\"\" c\"\n"
                        "\n"
                        "u3||||\n";
    const Str ends[] = {S("\n"), S("\r\n"), S("\r\r\n")};
    const char delimiters[] = {',', ';', '\t', '|'};
    Table *first = NULL;
    size_t variants = 0;
    for (size_t e = 0; e < COUNT_OF(ends); e++)
        for (size_t d = 0; d < COUNT_OF(delimiters); d++)
            for (int mark = 0; mark < 2; mark++)
                for (int last = 0; last < 2; last++) {
                    Buffer b = buffer_new(&f->keep);
                    if (mark)
                        buffer_add(&b, S("\xEF\xBB\xBF"));
                    for (const char *p = model; *p != '\0'; p++) {
                        if (*p == '|')
                            buffer_char(&b, delimiters[d]);
                        else if (*p != '\n')
                            buffer_char(&b, *p);
                        else if (p[1] != '\0' || last)
                            buffer_add(&b, ends[e]);
                    }
                    read_ok(f, buffer_str(&b), typed, COUNT_OF(typed));
                    assert_int_equal(f->counts.delimiter, delimiters[d]);
                    assert_int_equal(f->quarantine->count, 0);
                    first = first == NULL ? f->table : first;
                    assert_same_table(first, f->table);
                    variants++;
                }
    assert_int_equal(variants, 48);
    assert_int_equal(first->rows, 3);
}

static void csv_line_ends_may_be_mixed(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("a,b,c\r\n1,2,3\n4,5,6\r\n7,8,\"9\"\r\n"), abc, 3);
    assert_int_equal(f->table->rows, 3);
    assert_cell(f, "c", 1, S("6"));
    assert_cell(f, "c", 2, S("9"));
}

static void csv_spaces_are_trimmed_around_what_is_not_text(void **state)
{
    Fixture *f = *state;
    const Str values[] = {S("IN"), S("OUT")};
    const CsvColumn columns[] = {
        {.name = S("n"), .type = TYPE_INT64},
        {.name = S("t"), .type = TYPE_TEXT},
        {.name = S("d"), .type = TYPE_CATEGORY, .values = values, .value_count = 2},
    };
    read_ok(f, S("n, t ,d\n 7\t, x , IN \n\" 7\",x,IN\n"), columns, 3);
    assert_int_equal(f->table->rows, 1);
    assert_int_equal(f->table->column[0].integer[0], 7);
    assert_cell(f, "t", 0, S(" x "));
    assert_cell(f, "d", 0, S("IN"));
    assert_aside(f, 0, 3, 1, "bad_value", S("\" 7\",x,IN"));
}

static void csv_shared_dictionary_gives_equal_codes(void **state)
{
    Fixture *f = *state;
    Dictionary *shared = dictionary_new(&f->keep);
    (void)dictionary_add(shared, S("before"));
    CsvColumn columns[] = {TEXT("a"), TEXT("b")};
    columns[0].dictionary = columns[1].dictionary = shared;
    read_ok(f, S("a,b\nx,y\ny,x\n"), columns, 2);
    const Column *a = &f->table->column[0], *b = &f->table->column[1];
    assert_ptr_equal(a->dictionary, shared);
    assert_int_equal(a->code[0], b->code[1]);
    assert_int_equal(a->code[1], b->code[0]);
    assert_int_equal(shared->count, 3);
}

static void csv_quarantine_and_counts_may_be_absent(void **state)
{
    Fixture *f = *state;
    Status status = csv_read_bytes(&f->table, NULL, &f->keep, f->scratch, S("a,b,c\n1\n1,2,3\n"),
                                   "x", abc, 3, NULL, NULL, NULL);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(f->table->rows, 1);
}

/* -- what is set aside --------------------------------------------------------------------- */

static void csv_open_quote_costs_one_line(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("a,b,c\n1,2,3\n4,\"5,6\n7,8,9\n10,11,12"), abc, 3);
    assert_int_equal(f->table->rows, 3);
    assert_cell(f, "a", 1, S("7"));
    assert_int_equal(f->table->line[2], 5);
    assert_int_equal(f->quarantine->count, 1);
    assert_aside(f, 0, 3, 2, "open_quote", S("4,\"5,6"));
    assert_str(f->quarantine->row[0].reason,
               S("a quote is never closed; the next line is read anew"));
}

static void csv_stray_quote_costs_one_line(void **state)
{
    Fixture *f = *state;
    read_ok(f,
            S("a,b,c\r\n"
              "1,5\" pipe,3\r\n"
              "\"x\"y,2,3\r\n"
              "ok,2,3\r\n"
              "1,\"lost,3\r\n"
              "1,2,3\r\n"
              "1,\"quoted\",3\r\n"),
            abc, 3);
    assert_int_equal(f->table->rows, 3);
    assert_int_equal(f->quarantine->count, 3);
    assert_aside(f, 0, 2, 2, "stray_quote", S("1,5\" pipe,3"));
    assert_aside(f, 1, 3, 1, "stray_quote", S("\"x\"y,2,3"));
    assert_aside(f, 2, 5, 2, "stray_quote", S("1,\"lost,3"));
    assert_int_equal(f->table->line[0], 4);
    assert_int_equal(f->table->line[1], 6);
    assert_cell(f, "b", 2, S("quoted"));
}

static void csv_ragged_rows_are_set_aside_with_both_counts(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("a,b,c\n1,2\n1,2,3,4\n1,2,3\n\"1\n1\"\n"), abc, 3);
    assert_int_equal(f->table->rows, 1);
    assert_aside(f, 0, 2, 0, "ragged_row", S("1,2"));
    assert_aside(f, 1, 3, 0, "ragged_row", S("1,2,3,4"));
    assert_aside(f, 2, 5, 0, "ragged_row", S("\"1\n1\""));
    assert_str(f->quarantine->row[0].reason, S("cells in the row: 2, in the header: 3"));
    assert_str(f->quarantine->row[1].reason, S("cells in the row: 4, in the header: 3"));
    assert_str(f->quarantine->row[2].reason, S("cells in the row: 1, in the header: 3; it spans 2 "
                                               "lines, as when a quote is lost"));
}

static void csv_bytes_that_are_not_text_set_their_row_aside(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("a,b,c\n1,\0,3\n1,2,\xC3\n\xC3\xA9,2,3\n\xED\xA0\x80,2\n1,\"\0\",\xFF\n"), abc, 3);
    assert_int_equal(f->table->rows, 1);
    assert_cell(f, "a", 0, S("\xC3\xA9"));
    assert_aside(f, 0, 2, 2, "nul_byte", S("1,\0,3"));
    assert_aside(f, 1, 3, 3, "invalid_utf8", S("1,2,\xC3"));
    assert_aside(f, 2, 5, 1, "invalid_utf8", S("\xED\xA0\x80,2"));
    assert_aside(f, 3, 6, 2, "nul_byte", S("1,\"\0\",\xFF"));
}

static void csv_carriage_return_alone_sets_its_row_aside(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("a,b,c\n1,2\r,3\n1,\"in\rquotes\",3\n"), abc, 3);
    assert_int_equal(f->table->rows, 1);
    assert_aside(f, 0, 2, 2, "stray_return", S("1,2\r,3"));
}

static void csv_huge_cell_is_set_aside_and_reading_goes_on(void **state)
{
    Fixture *f = *state;
    const size_t huge = (size_t)10 << 20;
    for (int quoted = 0; quoted < 2; quoted++) {
        Buffer b = buffer_new(&f->keep);
        buffer_add(&b, S("a,b,c\n1,2,3\n4,"));
        if (quoted)
            buffer_char(&b, '"');
        char *fill = arena_raw(&f->keep, huge, 1);
        memset(fill, quoted ? '\n' : 'x', huge);
        buffer_add(&b, (Str){fill, huge});
        buffer_add(&b, quoted ? S("\",6\n7,8,9\n") : S(",6\n7,8,9\n"));
        read_ok(f, buffer_str(&b), abc, 3);
        assert_int_equal(f->table->rows, 2);
        assert_cell(f, "c", 1, S("9"));
        assert_int_equal(f->table->line[1], quoted ? 4 + huge : 4);
        assert_aside(f, 0, 3, 2, "cell_too_long", str_slice(buffer_str(&b), 12, 12 + 4096));
    }
    const CsvOptions five = {.cell_bytes_max = 5};
    assert_int_equal(read_with(f, S("a,b,c\n12345,,\n123456,,\n"), abc, 3, &five), STATUS_OK);
    assert_int_equal(f->table->rows, 1);
    assert_aside(f, 0, 3, 1, "cell_too_long", S("123456,,"));
}

static void csv_bad_values_name_the_column_and_the_form_but_never_the_value(void **state)
{
    Fixture *f = *state;
    const Str values[] = {S("red"), S("blue")};
    const CsvColumn columns[] = {
        {.name = S("b"), .type = TYPE_BOOLEAN},
        {.name = S("i"), .type = TYPE_INT64},
        {.name = S("m"), .type = TYPE_DECIMAL, .scale = 2},
        {.name = S("r"), .type = TYPE_DOUBLE},
        {.name = S("t"), .type = TYPE_TIME},
        {.name = S("d"), .type = TYPE_DATE},
        {.name = S("l"), .type = TYPE_DURATION},
        {.name = S("c"), .type = TYPE_CATEGORY, .values = values, .value_count = 2},
    };
    static const char *reasons[] = {
        "b is not true or false (also yes, no, 1, 0)",
        "i is not a whole number that fits 64 bits",
        "m is not a number with at most 2 digits after the point",
        "r is not a number",
        "t is not a time such as 2024-08-26 09:05:37 UTC",
        "d is not a date such as 2024-08-26",
        "l is not a duration such as 14d or 6h",
        "c is not one of its 2 listed values",
    };
    for (size_t bad = 0; bad < COUNT_OF(columns); bad++) {
        Buffer b = buffer_new(&f->keep);
        buffer_add(&b, S("x,b,i,m,r,t,d,l,c\n,1,1,1.5,1e3,2024-01-01,2024-01-01,14d,red\n"));
        for (size_t k = 0; k < COUNT_OF(columns); k++)
            buffer_add(&b, k == bad ? S(",secret") : S(","));
        buffer_add(&b, S("\n,,,,,,,,blue\n"));
        read_ok(f, buffer_str(&b), columns, COUNT_OF(columns));
        assert_int_equal(f->table->rows, 2);
        assert_cell(f, "c", 0, S("red"));
        assert_cell(f, "c", 1, S("blue"));
        assert_cell(f, "m", 0, S("1.50"));
        assert_int_equal(f->quarantine->count, 1);
        const QuarantineRow *row = &f->quarantine->row[0];
        assert_int_equal(row->line, 3);
        assert_int_equal(row->column, bad + 2);
        assert_str(row->code, bad == 7 ? S("unknown_value") : S("bad_value"));
        assert_str(row->reason, str_from(reasons[bad]));
    }
}

static void csv_first_cell_at_fault_takes_the_blame(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("at,amount,id\nnever,much,\nnever,1,u1\n2024-01-01,1,u2\n2024-01-01,1,\" \"\n"),
            typed, COUNT_OF(typed));
    assert_int_equal(f->table->rows, 1);
    assert_cell(f, "id", 0, S("u2"));
    assert_aside(f, 0, 2, 1, "bad_value", S("never,much,"));
    assert_aside(f, 1, 3, 1, "bad_value", S("never,1,u1"));
    assert_aside(f, 2, 5, 3, "missing_key", S("2024-01-01,1,\" \""));
    assert_str(f->quarantine->row[2].reason, S("id is empty and must not be"));
}

static void csv_row_set_aside_leaves_no_trace_in_a_dictionary(void **state)
{
    Fixture *f = *state;
    read_ok(f, S("id,amount,note\nghost,x,gone\nu1,1,here\nu2,,\n"), typed, COUNT_OF(typed));
    assert_int_equal(f->table->rows, 2);
    const Column *id = table_find(f->table, S("id")), *amount = table_find(f->table, S("amount"));
    assert_int_equal(id->dictionary->count, 2);
    assert_int_equal(id->code[0], 0);
    assert_int_equal(dictionary_find(id->dictionary, S("ghost")), NO_CODE);
    assert_int_equal(amount->integer[0], 100);
    assert_true(column_valid(amount, 0));
    assert_false(column_valid(amount, 1));
    assert_int_equal(amount->integer[1], 0); /* what is behind a missing cell is zero */
}

static void csv_open_category_keeps_what_its_list_lacks(void **state)
{
    Fixture *f = *state;
    const Str values[] = {S("red")};
    CsvColumn column = {.name = S("c"), .type = TYPE_CATEGORY, .values = values, .value_count = 1};
    read_ok(f, S("c\nblue\nred\n\"\"\n"), &column, 1);
    assert_int_equal(f->table->rows, 2);
    assert_aside(f, 0, 2, 1, "unknown_value", S("blue"));
    column.open = true;
    read_ok(f, S("c\nblue\nred\n"), &column, 1);
    assert_int_equal(f->table->rows, 2);
}

static void csv_raw_text_is_cut_at_a_character(void **state)
{
    Fixture *f = *state;
    Buffer b = buffer_new(&f->keep);
    buffer_add(&b, S("a,b,c\nx"));
    for (int i = 0; i < 4000; i++)
        buffer_add(&b, S("\xC3\xA9"));
    read_ok(f, buffer_str(&b), abc, 3);
    assert_int_equal(f->quarantine->count, 1);
    assert_int_equal(f->quarantine->row[0].raw.size, 4095);
    assert_true(str_valid_utf8(f->quarantine->row[0].raw));
}

/* -- what is refused ----------------------------------------------------------------------- */

static void csv_refuses_what_has_no_sound_header(void **state)
{
    Fixture *f = *state;
    assert_refused(f, S(""), abc, 3, STATUS_FORMAT, "empty", "header");
    assert_refused(f, (Str){0}, abc, 3, STATUS_FORMAT, "empty", "header");
    assert_refused(f, S("\xEF\xBB\xBF"), abc, 3, STATUS_FORMAT, "blank", "header");
    assert_refused(f, S("\n \r\n\n"), abc, 3, STATUS_FORMAT, "blank", "header");
    assert_refused(f, S("a,\"b,c\n1,2,3\n"), abc, 3, STATUS_FORMAT, "quotes", "header");
    assert_refused(f, S("a,b\xFF,c\n1,2,3\n"), abc, 3, STATUS_FORMAT, "UTF-8", "UTF-8");
    assert_refused(f, S("a,b\0,c\n1,2,3\n"), abc, 3, STATUS_FORMAT, "NUL", "UTF-8");
    assert_refused(f, S("a,b,c\r1,2,3\r"), abc, 3, STATUS_FORMAT, "carriage return", "LF");
    assert_int_equal(f->err.line, 1);
}

static void csv_refuses_a_name_that_comes_twice(void **state)
{
    Fixture *f = *state;
    assert_refused(f, S("\na,b,\"a\"\n1,2,3\n"), abc, 3, STATUS_FORMAT,
                   "columns 1 and 3 are both named a", "name");
    assert_int_equal(f->err.line, 2);
    assert_int_equal(f->err.column, 3);
    assert_refused(f, S("a,,\n1,2,3\n"), abc, 3, STATUS_FORMAT, "columns 2 and 3 have no name",
                   "name");
}

static void csv_names_the_nearest_column_when_a_required_one_is_absent(void **state)
{
    Fixture *f = *state;
    const CsvColumn columns[] = {{.name = S("user_id"), .type = TYPE_TEXT, .required = true},
                                 {.name = S("amount"), .type = TYPE_TEXT, .required = true}};
    assert_refused(f, S("userid,x,y\n"), columns, 2, STATUS_FORMAT, "user_id, amount",
                   "it has \"userid\"");
    assert_refused(f, S("userid,amuont,y\n"), columns, 2, STATUS_FORMAT, "user_id, amount",
                   "it has \"amuont\": rename that to amount, if it is the same");
    assert_refused(f, S("alpha#beta\n"), columns, 2, STATUS_FORMAT, "user_id, amount", "delimiter");
    assert_refused(f, S("alpha,beta\n"), columns, 2, STATUS_FORMAT, "user_id, amount",
                   "it has alpha, beta: ");
}

static void csv_says_what_renames_and_patterns_have_to_do_with_an_absent_column(void **state)
{
    Fixture *f = *state;
    const CsvColumn columns[] = {{.name = S("user_id"), .type = TYPE_TEXT, .required = true}};
    const CsvRename rename[] = {{S("cliente"), S("user_id")}};
    const CsvOptions renaming = {.rename = rename, .renames = 1};
    assert_int_equal(read_with(f, S("client,y\n"), columns, 1, &renaming), STATUS_FORMAT);
    assert_non_null(
        strstr(f->err.remedy, "renames cliente to user_id, and the file has no cliente"));
    const CsvOptions alone = {.absent_hint = S("no pattern fits")};
    assert_int_equal(read_with(f, S("client,y\n"), columns, 1, &alone), STATUS_FORMAT);
    assert_non_null(strstr(f->err.remedy, "it has client, y: "));
    assert_non_null(strstr(f->err.remedy, "; no pattern fits"));
}

static void csv_refuses_binary_files_by_what_they_are(void **state)
{
    Fixture *f = *state;
    static char noise[4096] = "a,b,c\n";
    assert_refused(f, S("\x1F\x8B\x08"), abc, 3, STATUS_FORMAT, "gzip", "decompress");
    assert_refused(f, S("PK\x03\x04..."), abc, 3, STATUS_FORMAT, "spreadsheet", "CSV");
    assert_refused(f,
                   S("\xFF\xFE"
                     "a\0,\0"),
                   abc, 3, STATUS_FORMAT, "UTF-16", "UTF-8");
    assert_refused(f, (Str){noise, sizeof noise}, abc, 3, STATUS_FORMAT, "binary", "CSV");
}

static void csv_limits_hold(void **state)
{
    Fixture *f = *state;
    const CsvOptions two = {.columns_max = 2};
    assert_int_equal(read_with(f, S("a,b,c\n"), abc, 3, &two), STATUS_LIMIT);
    assert_true(f->err.remedy[0] != '\0');
    assert_int_equal(read_with(f, S("a,b\n1,2,3,4\n1,2\n"), abc, 3, &two), STATUS_OK);
    assert_int_equal(f->table->rows, 1);
    const CsvOptions quote = {.delimiter = '"'};
    assert_int_equal(read_with(f, S("a,b\n"), abc, 3, &quote), STATUS_USAGE);
    Buffer b = buffer_new(&f->keep);
    for (int i = 0; i < 4096; i++)
        buffer_char(&b, ',');
    assert_refused(f, buffer_str(&b), abc, 3, STATUS_LIMIT, "4097 columns", "columns");
}

static void csv_missing_file_is_an_io_error(void **state)
{
    Fixture *f = *state;
    Str *names;
    size_t count;
    Status status = csv_read(&f->table, &f->counts, &f->keep, f->scratch, "no/such/file.csv", abc,
                             3, NULL, f->quarantine, &f->err);
    assert_int_equal(status, STATUS_IO);
    f->err = (Error){0};
    assert_int_equal(csv_header(&names, &count, NULL, &f->keep, "no/such/file.csv", &f->err),
                     STATUS_IO);
}

/* -- writing ------------------------------------------------------------------------------- */

static const char *temporary(Fixture *f, const char *name)
{
    const char *folder = getenv("TMPDIR");
    return str_format(&f->keep, "%s/assay-csv-%ld-%s", folder != NULL ? folder : "/tmp",
                      (long)getpid(), name)
        .data;
}

static void csv_header_gives_names_and_delimiter(void **state)
{
    Fixture *f = *state;
    const char *path = temporary(f, "header.csv");
    Str *names;
    size_t count;
    char delimiter;
    assert_int_equal(file_write(path, S("\xEF\xBB\xBF\" a\"; b;\"c;d\"\r\n1;2;3\r\n"), &f->err), 0);
    assert_int_equal(csv_header(&names, &count, &delimiter, &f->keep, path, &f->err), STATUS_OK);
    assert_int_equal(count, 3);
    assert_int_equal(delimiter, ';');
    assert_str(names[0], S("a"));
    assert_str(names[1], S("b"));
    assert_str(names[2], S("c;d"));
    assert_int_equal(unlink(path), 0);
}

static void csv_cells_are_quoted_and_defused_when_they_must_be(void **state)
{
    Fixture *f = *state;
    static const struct {
        Str cell, plain, guarded;
    } cases[] = {
        {{"", 0}, {"", 0}, {"", 0}},
        {{"abc", 3}, {"abc", 3}, {"abc", 3}},
        {{"a,b", 3}, {"\"a,b\"", 5}, {"\"a,b\"", 5}},
        {{"a\"b", 3}, {"\"a\"\"b\"", 6}, {"\"a\"\"b\"", 6}},
        {{"\"\"", 2}, {"\"\"\"\"\"\"", 6}, {"\"\"\"\"\"\"", 6}},
        {{"a\nb", 3}, {"\"a\nb\"", 5}, {"\"a\nb\"", 5}},
        {{" a", 2}, {"\" a\"", 4}, {"\" a\"", 4}},
        {{"=1+1", 4}, {"=1+1", 4}, {"'=1+1", 5}},
        {{"+1", 2}, {"+1", 2}, {"'+1", 3}},
        {{"-1", 2}, {"-1", 2}, {"'-1", 3}},
        {{"@x", 2}, {"@x", 2}, {"'@x", 3}},
        {{"\tx", 2}, {"\"\tx\"", 4}, {"\"'\tx\"", 5}},
        {{"\rx", 2}, {"\"\rx\"", 4}, {"\"'\rx\"", 5}},
        {{"=a,b", 4}, {"\"=a,b\"", 6}, {"\"'=a,b\"", 7}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Buffer plain = buffer_new(&f->keep), guarded = buffer_new(&f->scratch);
        csv_write_cell(&plain, cases[i].cell, false);
        csv_write_cell(&guarded, cases[i].cell, true);
        assert_str(buffer_str(&plain), cases[i].plain);
        assert_str(buffer_str(&guarded), cases[i].guarded);
    }
}

static void csv_quarantine_is_written_exactly(void **state)
{
    Fixture *f = *state;
    const char *path = temporary(f, "quarantine.csv");
    read_ok(f, S("id,amount\nu1,\n=2+3,lots\nu\xFF\xC3\xA9,1\nu\0,2\n\"x\ny\",z,\"q\"\n"), typed,
            COUNT_OF(typed));
    assert_int_equal(quarantine_write(f->quarantine, path, &f->err), STATUS_OK);
    Str got;
    assert_int_equal(file_read(&got, &f->keep, path, &f->err), STATUS_OK);
    assert_str(got,
               S("file,line,column,code,reason,raw\n"
                 "dir/data.csv,3,2,bad_value,"
                 "amount is not a number with at most 2 digits after the point,\"'=2+3,lots\"\n"
                 "dir/data.csv,4,1,invalid_utf8,the row is not valid UTF-8,\"u\\xFF\xC3\xA9,1\"\n"
                 "dir/data.csv,5,1,nul_byte,the row holds a NUL byte,\"u\\x00,2\"\n"
                 "dir/data.csv,6,0,ragged_row,\"cells in the row: 3, in the header: 2; it spans 2 "
                 "lines, as when a quote is lost\",\"\"\"x\ny\"\",z,\"\"q\"\"\"\n"));
    assert_int_equal(unlink(path), 0);
}

static void csv_quarantine_of_many_rows_reads_back(void **state)
{
    Fixture *f = *state;
    const char *path = temporary(f, "many.csv");
    Buffer b = buffer_new(&f->keep);
    buffer_add(&b, S("a,b,c\n"));
    for (int i = 0; i < 5000; i++)
        buffer_format(&b, "%d,\"x\ny\"\n", i);
    read_ok(f, buffer_str(&b), abc, 3);
    Quarantine *written = f->quarantine;
    assert_int_equal(written->count, 5000);
    assert_int_equal(quarantine_write(written, path, &f->err), STATUS_OK);
    const CsvColumn columns[] = {{.name = S("line"), .type = TYPE_INT64}, TEXT("raw")};
    f->quarantine = quarantine_new(&f->keep);
    assert_int_equal(csv_read(&f->table, &f->counts, &f->keep, f->scratch, path, columns, 2, NULL,
                              f->quarantine, &f->err),
                     STATUS_OK);
    assert_int_equal(f->table->rows, 5000);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(f->table->column[0].integer[i], written->row[i].line);
        assert_cell(f, "raw", i, written->row[i].raw);
    }
    assert_int_equal(unlink(path), 0);
}

/* -- properties ---------------------------------------------------------------------------- */

static Str random_text(Arena *arena, Random *r)
{
    static const char *pieces[] = {"a", "b",  ",",        ";", "\"", "\n", "\r\n",
                                   " ", "\t", "\xC3\xA9", "=", "0",  "\r", "zz"};
    Buffer b = buffer_new(arena);
    for (uint64_t n = random_below(r, 8); n > 0; n--)
        buffer_add(&b, str_from(pieces[random_below(r, COUNT_OF(pieces))]));
    return buffer_str(&b);
}

static void csv_reads_back_whatever_it_writes(void **state)
{
    Fixture *f = *state;
    Random r = random_new(7);
    for (int round = 0; round < 200; round++) {
        Arena own = arena_new();
        size_t rows = random_below(&r, 30);
        Str *cell = ARENA_ARRAY(&own, Str, rows * 3 + 1);
        Buffer b = buffer_new(&own);
        buffer_add(&b, S("a,b,c\n"));
        for (size_t i = 0; i < rows * 3; i++) {
            cell[i] = random_text(&own, &r);
            csv_write_cell(&b, cell[i], false);
            buffer_char(&b, i % 3 == 2 ? '\n' : ',');
        }
        const CsvOptions comma = {.delimiter = ','};
        assert_int_equal(read_with(f, buffer_str(&b), abc, 3, &comma), STATUS_OK);
        assert_int_equal(f->quarantine->count, 0);
        assert_int_equal(f->table->rows, rows);
        for (size_t i = 0; i < rows * 3; i++)
            assert_str(cell_text(&own, &f->table->column[i % 3], i / 3), cell[i]);
        arena_free(&own);
    }
}

static Str valid_file(Arena *arena, Random *r, size_t rows, bool quotes)
{
    Buffer b = buffer_new(arena);
    buffer_add(&b, S("id,amount,at,ok,note\n"));
    for (size_t i = 0; i < rows; i++) {
        buffer_format(&b, "u%zu,%d.%02d,2024-08-%02d 09:05:37.213234 UTC,%s,", i,
                      (int)random_below(r, 1000), (int)random_below(r, 100),
                      (int)random_below(r, 28) + 1, random_below(r, 2) ? "TRUE" : "FALSE");
        if (quotes && random_below(r, 3) == 0)
            csv_write_cell(&b, random_text(arena, r), false);
        buffer_char(&b, '\n');
    }
    return buffer_str(&b);
}

/* Change a few bytes after the header: replaced, left out, doubled, or the file cut short. */
static Str mutate(Arena *arena, Random *r, Str file, const char *bytes, size_t count)
{
    size_t header = (size_t)((char *)memchr(file.data, '\n', file.size) - file.data) + 1;
    char *data = arena_raw(arena, file.size + 64, 1);
    memcpy(data, file.data, file.size);
    size_t size = file.size;
    for (uint64_t n = 1 + random_below(r, 12); n > 0 && size > header + 1; n--) {
        size_t at = header + random_below(r, size - header);
        char byte = bytes[random_below(r, count)];
        switch (random_below(r, 8)) {
        case 0:
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        case 1:
            memmove(data + at + 1, data + at, size - at);
            data[at] = byte;
            size++;
            break;
        case 2:
            if (random_below(r, 10) == 0)
                size = at;
            break;
        default:
            data[at] = byte;
            break;
        }
    }
    return (Str){data, size};
}

/* Every row is in the table or in the quarantine, in the file's order, and in only one. */
static void assert_nothing_lost(Fixture *f)
{
    const Table *t = f->table;
    const Quarantine *q = f->quarantine;
    assert_int_equal(f->counts.rows, t->rows + q->count);
    assert_int_equal(f->counts.quarantined, q->count);
    uint64_t line = 1;
    for (size_t i = 0, k = 0; i < t->rows || k < q->count;) {
        bool used = k == q->count || (i < t->rows && t->line[i] < q->row[k].line);
        uint64_t next = used ? t->line[i++] : q->row[k++].line;
        assert_true(next > line);
        line = next;
    }
    const Column *id = table_find(t, S("id"));
    for (size_t i = 0; i < t->rows; i++)
        assert_true(column_valid(id, i));
}

static void csv_rows_in_are_rows_used_and_rows_set_aside(void **state)
{
    Fixture *f = *state;
    static const char bytes[] = {'"', '"', '"', ',', '\n', '\r', '\0', '\xFF', ';', 'x', ' ', '\t'};
    Random r = random_new(20240826);
    size_t set_aside = 0, used = 0;
    for (int round = 0; round < 3000; round++) {
        Arena keep = f->keep; /* each round's memory is given back */
        Arena own = arena_new();
        Str file = mutate(&own, &r, valid_file(&own, &r, random_below(&r, 40) + 1, true), bytes,
                          sizeof bytes);
        const CsvOptions comma = {.delimiter = ','};
        if (read_with(f, file, typed, COUNT_OF(typed), &comma) != STATUS_OK)
            fail_msg("round %d: %s", round, f->err.message);
        assert_nothing_lost(f);
        set_aside += f->quarantine->count;
        used += f->table->rows;
        arena_free(&own);
        f->keep = keep;
    }
    assert_true(set_aside > 3000 && used > set_aside);
}

static void csv_without_quotes_every_line_is_a_row(void **state)
{
    Fixture *f = *state;
    static const char bytes[] = {',', '\n', '\n', '\r', '\0', '\xFF', ';', 'x'};
    Random r = random_new(99);
    for (int round = 0; round < 2000; round++) {
        Arena keep = f->keep;
        Arena own = arena_new();
        Str file = mutate(&own, &r, valid_file(&own, &r, random_below(&r, 40) + 1, false), bytes,
                          sizeof bytes);
        size_t lines = 0, ink = 0; /* ink: bytes of the line that are not a line end */
        for (size_t i = 0; i <= file.size; i++) {
            if (i == file.size || file.data[i] == '\n') {
                lines += ink > 0;
                ink = 0;
            } else {
                ink += file.data[i] != '\r';
            }
        }
        const CsvOptions comma = {.delimiter = ','};
        assert_int_equal(read_with(f, file, typed, COUNT_OF(typed), &comma), STATUS_OK);
        assert_nothing_lost(f);
        assert_int_equal(f->counts.rows, lines - 1);
        arena_free(&own);
        f->keep = keep;
    }
}

static void csv_blocks_leave_no_seam(void **state)
{
    Fixture *f = *state;
    Random r = random_new(3);
    const size_t rows = 40000; /* some ten blocks */
    Str clean = valid_file(&f->keep, &r, rows, false);
    read_ok(f, clean, typed, COUNT_OF(typed));
    assert_int_equal(f->table->rows, rows);
    for (size_t i = 0; i < rows; i++) {
        assert_int_equal(f->table->line[i], i + 2);
        assert_int_equal(f->table->column[0].code[i], i);
    }
    assert_cell(f, "id", rows - 1, S("u39999"));

    /* The same file with every seventh amount made unreadable. */
    Buffer b = buffer_new(&f->keep);
    size_t line = 1, bad = 0;
    for (const char *p = clean.data, *end = p + clean.size; p < end; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        Str text = {p, (size_t)(stop - p)};
        const char *comma = memchr(text.data, ',', text.size);
        buffer_add(&b, (Str){p, (size_t)(comma + 1 - p)});
        if (line > 1 && line % 7 == 0) {
            buffer_char(&b, 'x');
            bad++;
        }
        buffer_add(&b, (Str){comma + 1, (size_t)(stop - comma)});
        p = stop + 1;
    }
    Table *all = f->table;
    read_ok(f, buffer_str(&b), typed, COUNT_OF(typed));
    assert_int_equal(f->quarantine->count, bad);
    assert_int_equal(f->table->rows, rows - bad);
    for (size_t i = 0; i < f->table->rows; i++) {
        size_t from = f->table->line[i] - 2;
        assert_true(f->table->line[i] % 7 != 0);
        for (size_t k = 0; k < COUNT_OF(typed); k++)
            assert_true(cell_equal(&f->table->column[k], i, &all->column[k], from));
    }
}

/* Lost quotes in every line must not make the cost quadratic: 20 MB would then take hours. */
static void csv_hostile_quotes_cost_linear_time(void **state)
{
    Fixture *f = *state;
    const Str lines[] = {S("\"\n"), S("x,\"a\n"), S("\"a\"\"\n"), S("\"\n\"\",\n"), S("\"\",\"\n")};
    for (size_t k = 0; k < COUNT_OF(lines); k++) {
        Arena keep = f->keep;
        Buffer b = buffer_new(&f->keep);
        buffer_add(&b, S("a,b,c\n"));
        for (int i = 0; i < 300000; i++)
            buffer_add(&b, lines[k]);
        buffer_add(&b, S("1,2,\"3"));
        int64_t start = clock_monotonic_us();
        read_ok(f, buffer_str(&b), abc, 3);
        assert_true(clock_monotonic_us() - start < 20 * SECOND_US);
        f->keep = keep;
    }
}

/* -- others' data -------------------------------------------------------------------------- */

#define SPECTRUM "../shared/data/csv-spectrum"

static void check_against_json(Fixture *f, const char *name)
{
    const char *csv = str_format(&f->keep, SPECTRUM "/csvs/%s.csv", name).data;
    const char *json = str_format(&f->keep, SPECTRUM "/json/%s.json", name).data;
    Str *names;
    size_t count;
    assert_int_equal(csv_header(&names, &count, NULL, &f->keep, csv, &f->err), STATUS_OK);
    CsvColumn *column = ARENA_ARRAY(&f->keep, CsvColumn, count);
    for (size_t i = 0; i < count; i++)
        column[i] = (CsvColumn){.name = names[i], .type = TYPE_TEXT, .required = true};
    f->quarantine = quarantine_new(&f->keep);
    assert_int_equal(csv_read(&f->table, &f->counts, &f->keep, f->scratch, csv, column, count, NULL,
                              f->quarantine, &f->err),
                     STATUS_OK);
    assert_int_equal(f->quarantine->count, 0);

    Str text;
    assert_int_equal(file_read(&text, &f->keep, json, &f->err), STATUS_OK);
    yyjson_doc *doc = yyjson_read(text.data, text.size, 0);
    assert_non_null(doc);
    yyjson_val *rows = yyjson_doc_get_root(doc), *row;
    size_t i, max;
    assert_int_equal(f->table->rows, yyjson_arr_size(rows));
    yyjson_arr_foreach(rows, i, max, row)
    {
        assert_int_equal(yyjson_obj_size(row), count);
        for (size_t k = 0; k < count; k++) {
            yyjson_val *want = yyjson_obj_getn(row, names[k].data, names[k].size);
            assert_non_null(want);
            assert_str(cell_text(&f->keep, &f->table->column[k], i),
                       (Str){yyjson_get_str(want), yyjson_get_len(want)});
        }
    }
    yyjson_doc_free(doc);
}

static void csv_spectrum_files_equal_their_json(void **state)
{
    Fixture *f = *state;
    static const char *names[] = {"comma_in_quotes",
                                  "empty",
                                  "empty_crlf",
                                  "escaped_quotes",
                                  "json",
                                  "newlines",
                                  "newlines_crlf",
                                  "quotes_and_newlines",
                                  "simple",
                                  "simple_crlf",
                                  "utf8"};
    if (!file_exists(SPECTRUM "/csvs/simple.csv")) {
        (void)fprintf(stderr, "\n**** NOT TESTED: csv-spectrum is absent (%s) ****\n\n", SPECTRUM);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++)
        check_against_json(f, names[i]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(csv_reads_quotes_and_embedded_newlines),
        CASE(csv_columns_come_in_any_order_and_extra_ones_are_listed),
        CASE(csv_blank_lines_are_skipped_and_still_counted_as_lines),
        CASE(csv_a_row_of_empty_cells_is_a_row),
        CASE(csv_header_alone_gives_no_rows),
        CASE(csv_finds_the_delimiter_outside_quotes),
        CASE(csv_delimiter_line_end_and_mark_do_not_change_the_table),
        CASE(csv_line_ends_may_be_mixed),
        CASE(csv_spaces_are_trimmed_around_what_is_not_text),
        CASE(csv_shared_dictionary_gives_equal_codes),
        CASE(csv_quarantine_and_counts_may_be_absent),
        CASE(csv_open_quote_costs_one_line),
        CASE(csv_stray_quote_costs_one_line),
        CASE(csv_ragged_rows_are_set_aside_with_both_counts),
        CASE(csv_bytes_that_are_not_text_set_their_row_aside),
        CASE(csv_carriage_return_alone_sets_its_row_aside),
        CASE(csv_huge_cell_is_set_aside_and_reading_goes_on),
        CASE(csv_bad_values_name_the_column_and_the_form_but_never_the_value),
        CASE(csv_first_cell_at_fault_takes_the_blame),
        CASE(csv_row_set_aside_leaves_no_trace_in_a_dictionary),
        CASE(csv_open_category_keeps_what_its_list_lacks),
        CASE(csv_raw_text_is_cut_at_a_character),
        CASE(csv_refuses_what_has_no_sound_header),
        CASE(csv_refuses_a_name_that_comes_twice),
        CASE(csv_names_the_nearest_column_when_a_required_one_is_absent),
        CASE(csv_says_what_renames_and_patterns_have_to_do_with_an_absent_column),
        CASE(csv_refuses_binary_files_by_what_they_are),
        CASE(csv_limits_hold),
        CASE(csv_missing_file_is_an_io_error),
        CASE(csv_header_gives_names_and_delimiter),
        CASE(csv_cells_are_quoted_and_defused_when_they_must_be),
        CASE(csv_quarantine_is_written_exactly),
        CASE(csv_quarantine_of_many_rows_reads_back),
        CASE(csv_reads_back_whatever_it_writes),
        CASE(csv_rows_in_are_rows_used_and_rows_set_aside),
        CASE(csv_without_quotes_every_line_is_a_row),
        CASE(csv_blocks_leave_no_seam),
        CASE(csv_hostile_quotes_cost_linear_time),
        CASE(csv_spectrum_files_equal_their_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
