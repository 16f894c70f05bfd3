/* Runs tests/cases/lang.test, and reads every expression of tests/cases/aggregate.test. The
 * formats are described at the top of those files. */
#include "lang/lang.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define FIELDS 16

typedef struct Cases {
    Arena *arena, *scratch;
    size_t line;
    Name name[FIELDS];
    size_t names;
    Str row[64];
    size_t rows;
    Str expression, type;
    Expr *e;
    Status status;
    Error err;
    Column answer;
    size_t checked;
    size_t bad;
} Cases;

static size_t fields(Str line, Str *out)
{
    size_t count = 0, from = 0;
    for (size_t i = 0; i <= line.size && count < FIELDS; i++)
        if (i == line.size || line.data[i] == '|') {
            out[count++] = str_trim(str_slice(line, from, i));
            from = i + 1;
        }
    return count;
}

static void complain(Cases *c, const char *what, Str text)
{
    (void)fprintf(stderr, "tests/cases/lang.test:%zu: %s: %.*s\n", c->line, what, STR_ARG(text));
    c->bad++;
}

/* "decimal(2)" or "category(A,B)" or a bare type. */
static void read_type(Cases *c, Str text, Name *out)
{
    size_t open = 0;
    while (open < text.size && text.data[open] != '(')
        open++;
    if (!type_from_name(str_slice(text, 0, open), &out->type))
        complain(c, "not a type", text);
    if (open == text.size)
        return;
    Str inside = str_slice(text, open + 1, text.size - 1);
    if (out->type == TYPE_DECIMAL) {
        out->scale = inside.data[0] - '0';
        return;
    }
    Str *values = ARENA_ARRAY(c->arena, Str, FIELDS);
    size_t from = 0;
    for (size_t i = 0; i <= inside.size; i++)
        if (i == inside.size || inside.data[i] == ',') {
            values[out->value_count++] = str_slice(inside, from, i);
            from = i + 1;
        }
    out->values = values;
}

static void read_columns(Cases *c, Str line)
{
    Str field[FIELDS];
    c->names = fields(line, field);
    c->rows = 0;
    for (size_t i = 0; i < c->names; i++) {
        size_t space = 0;
        while (space < field[i].size && field[i].data[space] != ' ')
            space++;
        c->name[i] = (Name){.name = str_slice(field[i], 0, space)};
        read_type(c, str_trim(str_slice(field[i], space, field[i].size)), &c->name[i]);
    }
}

static Table *build(Cases *c)
{
    Table *t = table_new(c->arena, S("rows"), c->rows, c->names);
    for (size_t k = 0; k < c->names; k++)
        column_init(&t->column[k], c->arena, c->name[k].name, c->name[k].type, c->name[k].scale,
                    c->rows, NULL);
    for (size_t i = 0; i < c->rows; i++) {
        Str field[FIELDS];
        if (fields(c->row[i], field) != c->names)
            complain(c, "wrong number of fields", c->row[i]);
        for (size_t k = 0; k < c->names; k++)
            if (!str_equal(field[k], S("-")) && !column_parse(&t->column[k], i, field[k]))
                complain(c, "not of the column's type", field[k]);
    }
    return t;
}

static void evaluate(Cases *c, Str line)
{
    Scope scope = {.customer = c->name, .customers = c->names};
    c->expression = line;
    c->err = (Error){0};
    c->status = lang_read(&c->e, c->arena, line, &scope, "lang.test", (int64_t)c->line, 1, &c->err);
    if (c->status == STATUS_OK)
        c->status = lang_evaluate(&c->answer, c->arena, *c->scratch, c->e, build(c), NULL, &c->err);
}

static bool same_cell(Cases *c, size_t row, Str want)
{
    if (str_equal(want, S("-")))
        return !column_valid(&c->answer, row);
    if (!column_valid(&c->answer, row))
        return false;
    double x;
    if (c->answer.type == TYPE_DOUBLE)
        return parse_double(want, &x) && c->answer.real[row] == x;
    int64_t us;
    if (c->answer.type == TYPE_TIME)
        return parse_time(want, &us) && c->answer.integer[row] == us;
    if (c->answer.type == TYPE_DURATION && parse_duration(want, &us))
        return c->answer.integer[row] == us;
    return str_equal(cell_text(c->arena, &c->answer, row), want);
}

static void check_answer(Cases *c, Str line)
{
    Str want[FIELDS];
    c->checked++;
    if (c->status != STATUS_OK) {
        complain(c, c->err.message, c->expression);
        return;
    }
    if (c->type.size > 0) {
        Name type = {0};
        read_type(c, c->type, &type);
        if (type.type != lang_type(c->e) || type.scale != lang_scale(c->e))
            complain(c, "another type", c->expression);
        c->type = S("");
    }
    if (fields(line, want) != c->rows)
        complain(c, "wrong number of answers", line);
    for (size_t i = 0; i < c->rows; i++)
        if (!same_cell(c, i, want[i]))
            complain(c, "another answer",
                     str_format(c->arena, "%.*s, row %zu: %.*s instead of %.*s",
                                STR_ARG(c->expression), i + 1,
                                STR_ARG(cell_text(c->arena, &c->answer, i)), STR_ARG(want[i])));
}

static void check_error(Cases *c, Str words, const char *text)
{
    c->checked++;
    if (c->status == STATUS_OK)
        complain(c, "no error", c->expression);
    else if (!str_contains(str_from(text), words))
        complain(c, text, c->expression);
    else if (c->err.line != (int64_t)c->line - 1 && c->err.line != (int64_t)c->line - 2)
        complain(c, "the error is not in this line", c->expression);
}

static void run_line(Cases *c, Str line)
{
    if (line.size == 0 || line.data[0] == '#')
        return;
    if (str_starts(line, S("columns "))) {
        read_columns(c, str_slice(line, 8, line.size));
    } else if (str_starts(line, S("row "))) {
        assert_true(c->rows < COUNT_OF(c->row));
        c->row[c->rows++] = str_slice(line, 4, line.size);
    } else if (str_starts(line, S("TYPE "))) {
        c->type = str_slice(line, 5, line.size);
    } else if (str_starts(line, S("= "))) {
        check_answer(c, str_slice(line, 2, line.size));
    } else if (str_starts(line, S("! "))) {
        check_error(c, str_slice(line, 2, line.size), c->err.message);
    } else if (str_starts(line, S("? "))) {
        check_error(c, str_slice(line, 2, line.size), c->err.remedy);
    } else {
        evaluate(c, line);
    }
}

static void for_lines(Arena *arena, const char *path, void (*each)(Cases *, Str), Cases *c)
{
    Str text;
    Error err = {0};
    if (file_read(&text, arena, path, &err) != STATUS_OK)
        fail_msg("%s: run from the repository root", err.message);
    size_t from = 0;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\n') {
            c->line++;
            each(c, str_slice(text, from, i));
            from = i + 1;
        }
}

static void lang_cases_have_their_answers(void **state)
{
    (void)state;
    Arena arena = arena_new(), scratch = arena_new();
    Cases *c = ARENA_NEW(&arena, Cases);
    c->arena = &arena;
    c->scratch = &scratch;
    for_lines(&arena, "tests/cases/lang.test", run_line, c);
    assert_in_range(c->checked, 110, 10000);
    assert_int_equal(c->bad, 0);
    arena_free(&arena);
    arena_free(&scratch);
}

static const Str states[] = {
    {"PENDING", 7}, {"COMPLETED", 9}, {"FAILED", 6}, {"DECLINED", 8}, {"REVERSED", 8}};
static const Str types[] = {{"CARD_TOP_UP", 11}, {"BANK_TRANSFER", 13}, {"CARDS", 5}};
static const Str directions[] = {{"IN", 2}, {"OUT", 3}};
static const Name transaction[] = {
    {.name = {"id", 2}, .type = TYPE_TEXT},
    {.name = {"created_at", 10}, .type = TYPE_TIME},
    {.name = {"completed_at", 12}, .type = TYPE_TIME},
    {.name = {"state", 5}, .type = TYPE_CATEGORY, .values = states, .value_count = 5},
    {.name = {"type", 4}, .type = TYPE_CATEGORY, .values = types, .value_count = 3},
    {.name = {"amount", 6}, .type = TYPE_DECIMAL, .scale = 2},
    {.name = {"direction", 9}, .type = TYPE_CATEGORY, .values = directions, .value_count = 2}};

/* The expression is the line before the answer. */
static void read_aggregate_line(Cases *c, Str line)
{
    if (line.size > 1 && (str_starts(line, S("= ")) || str_starts(line, S("! ")))) {
        Scope scope = {
            .event = transaction, .events = COUNT_OF(transaction), .amount = {"amount", 6}};
        Error err = {0};
        bool good = lang_read(&c->e, c->arena, c->expression, &scope, "aggregate.test",
                              (int64_t)c->line, 1, &err) == STATUS_OK;
        c->checked++;
        if (good != (line.data[0] == '=')) {
            (void)fprintf(stderr, "tests/cases/aggregate.test:%zu: %s\n", c->line, err.message);
            c->bad++;
        }
    }
    c->expression = line;
}

static void lang_reads_every_aggregate_case(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Cases *c = ARENA_NEW(&arena, Cases);
    c->arena = &arena;
    for_lines(&arena, "tests/cases/aggregate.test", read_aggregate_line, c);
    assert_in_range(c->checked, 40, 10000);
    assert_int_equal(c->bad, 0);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lang_cases_have_their_answers),
        cmocka_unit_test(lang_reads_every_aggregate_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
