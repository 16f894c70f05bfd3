#include "lang/lang.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const Str directions[] = {{"IN", 2}, {"OUT", 3}};
static const Name customer[] = {
    {.name = {"inflow_30d", 10}, .type = TYPE_DECIMAL, .scale = 2},
    {.name = {"pass_through", 12}, .type = TYPE_DOUBLE},
    {.name = {"logins", 6}, .type = TYPE_INT64},
    {.name = {"country", 7}, .type = TYPE_TEXT},
    {.name = {"opened", 6}, .type = TYPE_TIME},
    {.name = {"idle", 4}, .type = TYPE_DURATION},
    {.name = {"to", 2}, .type = TYPE_INT64},
};
static const Name event[] = {
    {.name = {"amount", 6}, .type = TYPE_DECIMAL, .scale = 2},
    {.name = {"direction", 9}, .type = TYPE_CATEGORY, .values = directions, .value_count = 2},
    {.name = {"created_at", 10}, .type = TYPE_TIME},
    {.name = {"done", 4}, .type = TYPE_TIME},
};
static const Scope plain = {.customer = customer,
                            .customers = COUNT_OF(customer),
                            .event = event,
                            .events = COUNT_OF(event),
                            .amount = {"amount", 6}};

#define DEFINE(name, text, line)                                                                   \
    {                                                                                              \
        {name, sizeof(name) - 1}, {text, sizeof(text) - 1}, line, 7                                \
    }
static const Definition definitions[] = {
    DEFINE("ok_in", "direction = 'IN'\n and amount > 0", 20),
    DEFINE("big", "amount >= 100 or direction = 'OUT'", 30),
    DEFINE("inflow", "sum(amount where ok_in)", 40),
    DEFINE("chicken", "egg + 1", 50),
    DEFINE("egg", "hen - 1", 60),
    DEFINE("hen", "chicken", 70),
    DEFINE("wrong", "amount >\n   'much'", 80),
    DEFINE("logins", "1", 90),
    DEFINE("unfinished", "amount +", 100),
};
static const Scope defined = {.customer = customer,
                              .customers = COUNT_OF(customer),
                              .event = event,
                              .events = COUNT_OF(event),
                              .definition = definitions,
                              .definitions = COUNT_OF(definitions),
                              .amount = {"amount", 6}};

static Expr *read(Arena *arena, const Scope *scope, const char *text)
{
    Error err = {0};
    Expr *e = NULL;
    if (lang_read(&e, arena, str_from(text), scope, "f.yaml", 3, 11, &err) != STATUS_OK)
        fail_msg("%s: %s", text, err.message);
    return e;
}

static Error failure(const Scope *scope, const char *text)
{
    Arena arena = arena_new();
    Error err = {0};
    Expr *e = NULL;
    if (lang_read(&e, &arena, str_from(text), scope, "f.yaml", 3, 11, &err) == STATUS_OK)
        fail_msg("read without an error: %s", text);
    assert_string_equal(err.file, "f.yaml");
    arena_free(&arena);
    return err;
}

static void same(Str have, const char *want)
{
    if (!str_equal(have, str_from(want)))
        fail_msg("'%.*s' instead of '%s'", STR_ARG(have), want);
}

static void canonical(const Scope *scope, const char *text, const char *want)
{
    Arena arena = arena_new();
    same(lang_text(read(&arena, scope, text)), want);
    same(lang_text(read(&arena, scope, want)), want);
    arena_free(&arena);
}

static void lang_text_has_brackets_only_where_needed(void **state)
{
    (void)state;
    canonical(&plain, "((logins)+(2*3))", "logins + 2 * 3");
    canonical(&plain, "(logins+2)*3", "(logins + 2) * 3");
    canonical(&plain, "logins-(2-3)", "logins - (2 - 3)");
    canonical(&plain, "(logins-2)-3", "logins - 2 - 3");
    canonical(&plain, "-(logins)", "-logins");
    canonical(&plain, "-(-logins)", "- -logins");
    canonical(&plain, "-(5)", "-(5)");
    canonical(&plain, "- 5", "-5");
    canonical(&plain, "- -5", "- -5");
    canonical(&plain, "NOT (logins=1 AND true)", "not (logins = 1 and true)");
    canonical(&plain, "(NOT logins = 1) and true", "not logins = 1 and true");
    canonical(&plain, "true and (false and (true or false))", "true and false and (true or false)");
    canonical(&plain, "not (logins in (1,2))", "logins not in (1, 2)");
    canonical(&plain, "(logins is not null) = true", "(logins is not null) = true");
    canonical(&plain, "logins between 1 and 2 and true", "logins between 1 and 2 and true");
    canonical(&plain, "logins != 3", "logins <> 3");
    canonical(&plain, "Count ( direction='IN' ) OVER First 2w",
              "count(direction = 'IN') over first 14d");
    canonical(&plain, "sum(amount WHERE direction='IN') over ALL",
              "sum(amount where direction = 'IN') over all");
    canonical(&plain, "matched(direction='IN' to direction='OUT' within 1d)",
              "matched(direction = 'IN' to direction = 'OUT' within 1d)");
    canonical(&plain, "share(direction='IN' where amount>1.50)",
              "share(direction = 'IN' where amount > 1.50)");
    canonical(&plain, "country = 'it''s'", "country = 'it''s'");
    canonical(&plain, "opened > time '2024-08-01T00:00Z'", "opened > time '2024-08-01'");
    canonical(&plain, "opened > time '2024-08-01 02:30+02:00'",
              "opened > time '2024-08-01 00:30:00 UTC'");
    canonical(&plain, "idle > 0s and idle < 120min", "idle > 0s and idle < 2h");
    canonical(&plain, "\"logins\" + \"to\"", "logins + \"to\"");
}

static void lang_definitions_are_put_in_as_trees(void **state)
{
    (void)state;
    canonical(&defined, "count(ok_in and big)",
              "count(direction = 'IN' and amount > 0 and (amount >= 100 or direction = 'OUT'))");
    canonical(&defined, "inflow / count(big)",
              "sum(amount where direction = 'IN' and amount > 0) / "
              "count(amount >= 100 or direction = 'OUT')");
}

static void check_place(Error e, int64_t line, int64_t column, const char *words)
{
    if (strstr(e.message, words) == NULL)
        fail_msg("'%s' does not say '%s'", e.message, words);
    assert_int_equal(e.line, line);
    assert_int_equal(e.column, column);
}

static void lang_errors_point_into_the_book(void **state)
{
    (void)state;
    check_place(failure(&plain, "lgins + 1"), 3, 11, "no customer column 'lgins'");
    check_place(failure(&plain, "logins + lgins"), 3, 20, "no customer column 'lgins'");
    check_place(failure(&plain, "logins +\n  2 *\n   lgins"), 5, 4, "no customer column");
    check_place(failure(&plain, "'\xC3\xA9\xC3\xA9' = lgins"), 3, 18, "no customer column");
    check_place(failure(&plain, "logins +"), 3, 19, "ends here");
    check_place(failure(&plain, "1 = 1 and country > 1"), 3, 29, "text cannot be compared");
    check_place(failure(&plain, ""), 3, 11, "empty");
    check_place(failure(&plain, "\xFF"), 3, 11, "UTF-8");
}

static void lang_errors_in_a_definition_point_into_the_definition(void **state)
{
    (void)state;
    check_place(failure(&defined, "count(wrong)"), 80, 14,
                "decimal(2) cannot be compared with text");
    check_place(failure(&defined, "count(unfinished)"), 100, 15, "ends here");
    /* Right in the definition's text, wrong in this scope: the place is the definition's too. */
    check_place(failure(&defined, "ok_in"), 20, 7, "no customer column 'direction'");
    check_place(failure(&defined, "sum(count(inflow > 1))"), 40, 7, "nest only once");
    check_place(failure(&defined, "1 + logins"), 3, 15, "both a column and a definition");
}

static void lang_cycle_of_definitions_is_named(void **state)
{
    (void)state;
    check_place(failure(&defined, "chicken"), 70, 7, "chicken -> egg -> hen -> chicken");
    check_place(failure(&defined, "1 + egg"), 50, 7, "egg -> hen -> chicken -> egg");
}

static void lang_remedy_names_the_nearest(void **state)
{
    (void)state;
    assert_string_equal(failure(&plain, "inflow_3d").remedy, "did you mean 'inflow_30d'?");
    assert_string_equal(failure(&plain, "coun()").remedy, "did you mean 'count'?");
    assert_non_null(strstr(failure(&plain, "amount").remedy, "inside an aggregate"));
    assert_non_null(strstr(failure(&plain, "count(logins > 1)").remedy, "column of the customer"));
    assert_non_null(strstr(failure(&plain, "to + 1").remedy, "double quotes"));
}

static void repeat(Buffer *b, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buffer_add(b, str_from(text));
}

static Status read_repeated(const char *before, const char *middle, const char *after, size_t times)
{
    Arena arena = arena_new();
    Buffer b = buffer_new(&arena);
    Error err = {0};
    Expr *e;
    repeat(&b, before, times);
    buffer_add(&b, str_from(middle));
    repeat(&b, after, times);
    Status status = lang_read(&e, &arena, buffer_str(&b), &plain, NULL, 1, 1, &err);
    if (status == STATUS_OK) {
        Expr *again;
        assert_int_equal(lang_read(&again, &arena, lang_text(e), &plain, NULL, 1, 1, &err),
                         STATUS_OK);
    }
    arena_free(&arena);
    return status;
}

static void lang_nesting_and_size_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(read_repeated("(", "1", ")", 64), STATUS_OK);
    assert_int_equal(read_repeated("(", "1", ")", 65), STATUS_LIMIT);
    assert_int_equal(read_repeated("not ", "true", "", 64), STATUS_OK);
    assert_int_equal(read_repeated("not ", "true", "", 65), STATUS_LIMIT);
    assert_int_equal(read_repeated("- ", "logins", "", 64), STATUS_OK);
    assert_int_equal(read_repeated("abs(", "logins", ")", 64), STATUS_OK);
    assert_int_equal(read_repeated("abs(", "logins", ")", 5000), STATUS_LIMIT);
    assert_int_equal(read_repeated("", "logins", " + 1", 200), STATUS_OK);
    assert_int_equal(read_repeated("", "logins", " + 1", 300), STATUS_LIMIT);
    assert_int_equal(read_repeated("", "true", " and true", 3000), STATUS_OK);
    assert_int_equal(read_repeated("", "true", " and true", 10001), STATUS_LIMIT);
}

static void lang_definitions_cannot_blow_up(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Definition doubling[40];
    for (size_t i = 0; i < COUNT_OF(doubling); i++) {
        doubling[i] = (Definition){.name = str_format(&arena, "d%zu", i), .line = 1, .column = 1};
        doubling[i].text = i == 0 ? S("logins") : str_format(&arena, "d%zu + d%zu", i - 1, i - 1);
    }
    Scope scope = plain;
    scope.definition = doubling;
    scope.definitions = COUNT_OF(doubling);
    assert_int_equal(failure(&scope, "d39").status, STATUS_LIMIT);
    (void)read(&arena, &scope, "d10");
    arena_free(&arena);
}

static void lang_lists_each_aggregate_once(void **state)
{
    (void)state;
    Arena arena = arena_new();
    size_t count;
    Expr *e =
        read(&arena, &plain,
             "sum(amount where direction = 'IN') / count() + inflow_30d + "
             "sum(amount where (direction='IN')) - SUM(amount where direction = 'IN') over 30d"
             " + logins + matched(direction = 'IN' to amount > 3 within 24h)");
    const Aggregate *a = lang_aggregates(e, &count);
    assert_int_equal(count, 4);
    assert_int_equal(a[0].kind, AGGREGATE_SUM);
    assert_int_equal(a[0].type, TYPE_DECIMAL);
    assert_int_equal(a[0].scale, 2);
    assert_false(a[0].has_window);
    same(lang_text(a[0].argument), "amount");
    same(lang_text(a[0].filter), "direction = 'IN'");
    assert_int_equal(a[1].kind, AGGREGATE_COUNT);
    assert_null(a[1].filter);
    assert_int_equal(a[2].window.kind, WINDOW_TRAILING);
    assert_int_equal(a[2].window.duration_us, 30 * DAY_US);
    assert_int_equal(a[3].kind, AGGREGATE_MATCHED);
    same(lang_text(a[3].base), "amount > 3");
    assert_int_equal(a[3].within_us, DAY_US);
    const Str *names = lang_names(e, &count);
    assert_int_equal(count, 2);
    same(names[0], "inflow_30d");
    same(names[1], "logins");
    names = lang_event_names(e, &count);
    assert_int_equal(count, 2);
    same(names[0], "amount");
    same(names[1], "direction");
    names = lang_names(a[3].filter, &count); /* what it reads from the transactions */
    assert_int_equal(count, 1);
    same(names[0], "direction");
    arena_free(&arena);
}

static void check_type(const char *text, Type type, int scale)
{
    Arena arena = arena_new();
    Expr *e = read(&arena, &plain, text);
    if (lang_type(e) != type || lang_scale(e) != scale)
        fail_msg("%s is %.*s(%d)", text, STR_ARG(type_name(lang_type(e))), lang_scale(e));
    arena_free(&arena);
}

static void lang_aggregates_have_the_types_of_the_door(void **state)
{
    (void)state;
    check_type("count()", TYPE_INT64, 0);
    check_type("sum(amount)", TYPE_DECIMAL, 2);
    check_type("sum(amount * 0.5)", TYPE_DECIMAL, 3);
    check_type("sum(amount / 2)", TYPE_DOUBLE, 0);
    check_type("sum(1)", TYPE_INT64, 0);
    check_type("mean(amount)", TYPE_DOUBLE, 0);
    check_type("sum(done - created_at)", TYPE_DURATION, 0);
    check_type("mean(done - created_at)", TYPE_DURATION, 0);
    check_type("min(created_at)", TYPE_TIME, 0);
    check_type("max(amount)", TYPE_DECIMAL, 2);
    check_type("distinct(direction)", TYPE_INT64, 0);
    check_type("share(direction = 'IN')", TYPE_DOUBLE, 0);
    check_type("matched(direction = 'IN' to direction = 'OUT' within 1h)", TYPE_DECIMAL, 2);
    check_type("matched(true to true within 1h) / sum(amount)", TYPE_DOUBLE, 0);
    check_type("null", TYPE_BOOLEAN, 0);
    Scope none = plain;
    none.amount = S("");
    assert_non_null(strstr(failure(&none, "matched(true to true within 1h)").message, "amounts"));
}

/* Two rows: 12.50, 0.5, 3, FR, 2024-08-26 09:05, 6h; the second is missing everywhere. */
static Table *rows(Arena *arena)
{
    static const char *const text[] = {"4210.00",          "0.98",   "3", "FR",
                                       "2024-08-26 09:05", "390min", "7"};
    Table *t = table_new(arena, S("rows"), 2, COUNT_OF(customer));
    for (size_t k = 0; k < COUNT_OF(customer); k++) {
        column_init(&t->column[k], arena, customer[k].name, customer[k].type, customer[k].scale, 2,
                    NULL);
        assert_true(column_parse(&t->column[k], 0, str_from(text[k])));
    }
    return t;
}

static void lang_evaluates_with_the_columns_of_its_aggregates(void **state)
{
    (void)state;
    Arena arena = arena_new(), scratch = arena_new();
    Expr *e = read(&arena, &plain, "sum(amount) / count() + logins");
    Column aggregate[2], out;
    column_init(&aggregate[0], &arena, S("a"), TYPE_DECIMAL, 2, 2, NULL);
    column_init(&aggregate[1], &arena, S("b"), TYPE_INT64, 0, 2, NULL);
    assert_true(column_parse(&aggregate[0], 0, S("7.50")));
    assert_true(column_parse(&aggregate[1], 0, S("3")));
    Error err = {0};
    assert_int_equal(lang_evaluate(&out, &arena, scratch, e, rows(&arena), aggregate, &err),
                     STATUS_OK);
    assert_true(cell_double(&out, 0) == 5.5);
    assert_false(column_valid(&out, 1));
    arena_free(&arena);
    arena_free(&scratch);
}

static void lang_name_that_is_not_in_the_rows_is_missing(void **state)
{
    (void)state;
    Arena arena = arena_new(), scratch = arena_new();
    Table *none = table_new(&arena, S("none"), 1, 0);
    Error err = {0};
    Column out;
    static const char *const missing[] = {
        "logins + 1", "country = 'FR'", "country", "country in ('A', 'B')", "idle", "opened + 1d"};
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        Expr *e = read(&arena, &plain, missing[i]);
        assert_int_equal(lang_evaluate(&out, &arena, scratch, e, none, NULL, &err), STATUS_OK);
        assert_false(column_valid(&out, 0));
        same(format_cell(&arena, FORMAT_PLAIN, LANGUAGE_ENGLISH, S(""), &out, 0), "unknown");
    }
    arena_free(&arena);
    arena_free(&scratch);
}

static void lang_column_of_another_type_is_an_error(void **state)
{
    (void)state;
    Arena arena = arena_new(), scratch = arena_new();
    Table *t = rows(&arena);
    column_init(&t->column[0], &arena, S("inflow_30d"), TYPE_DECIMAL, 4, 2, NULL);
    Error err = {0};
    Column out;
    Expr *e = read(&arena, &plain, "1 + inflow_30d");
    assert_int_equal(lang_evaluate(&out, &arena, scratch, e, t, NULL, &err), STATUS_DATA);
    check_place(err, 3, 15,
                "'inflow_30d' is decimal(4) here, but the expression was made for "
                "decimal(2)");
    arena_free(&arena);
    arena_free(&scratch);
}

static void lang_overflow_names_expression_row_and_place(void **state)
{
    (void)state;
    Arena arena = arena_new(), scratch = arena_new();
    Error err = {0};
    Column out;
    Expr *e = read(&arena, &plain, "logins > 0 and\n logins * 9223372036854775807 > 1");
    assert_int_equal(lang_evaluate(&out, &arena, scratch, e, rows(&arena), NULL, &err),
                     STATUS_LIMIT);
    check_place(err, 4, 9, "'logins * 9223372036854775807' is too large to hold (row 1)");
    arena_free(&arena);
    arena_free(&scratch);
}

static void lang_expression_outlives_its_scope(void **state)
{
    (void)state;
    Arena arena = arena_new(), scratch = arena_new(), passing = arena_new();
    Name *name = ARENA_NEW(&passing, Name);
    *name = (Name){.name = str_copy(&passing, S("logins")), .type = TYPE_INT64};
    char *text = arena_copy(&passing, "logins = 3", 11);
    Scope scope = {.customer = name, .customers = 1};
    Expr *e = read(&arena, &scope, text);
    arena_free(&passing);
    Error err = {0};
    Column out;
    assert_int_equal(lang_evaluate(&out, &arena, scratch, e, rows(&arena), NULL, &err), STATUS_OK);
    assert_true(column_valid(&out, 0) && out.boolean[0]);
    same(lang_text(e), "logins = 3");
    arena_free(&arena);
    arena_free(&scratch);
}

static void lang_windows_read_and_print(void **state)
{
    (void)state;
    Arena arena = arena_new();
    static const struct {
        const char *text;
        WindowKind kind;
        int64_t days;
        const char *again;
    } good[] = {{"30d", WINDOW_TRAILING, 30, "30d"},
                {" First  2w ", WINDOW_FIRST, 14, "first 14d"},
                {"ALL", WINDOW_ALL, 0, "all"}};
    Window w;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(window_parse(str_from(good[i].text), &w));
        assert_int_equal(w.kind, good[i].kind);
        assert_int_equal(w.duration_us, good[i].days * DAY_US);
        same(window_text(&arena, w), good[i].again);
    }
    static const char *const bad[] = {"", "0d", "first", "first14d", "-3d", "30", "all 3d", "1e9w"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(window_parse(str_from(bad[i]), &w));
    arena_free(&arena);
}

static void check_format(Type type, int scale, const char *cell, Format f, const char *want)
{
    Arena arena = arena_new();
    Column c;
    column_init(&c, &arena, S("c"), type, scale, 1, NULL);
    assert_true(column_parse(&c, 0, str_from(cell)));
    same(format_cell(&arena, f, LANGUAGE_ENGLISH, S("PLN"), &c, 0), want);
    arena_free(&arena);
}

#define EURO "\xE2\x82\xAC"

static void format_writes_numbers_for_people(void **state)
{
    (void)state;
    check_format(TYPE_DECIMAL, 2, "4210.00", FORMAT_EUR, EURO "4,210.00");
    check_format(TYPE_DECIMAL, 2, "-1234567.05", FORMAT_EUR, "-" EURO "1,234,567.05");
    check_format(TYPE_DECIMAL, 2, "0.05", FORMAT_EUR, EURO "0.05");
    check_format(TYPE_DECIMAL, 2, "999.99", FORMAT_EUR, EURO "999.99");
    check_format(TYPE_DECIMAL, 4, "12.3450", FORMAT_EUR, EURO "12.345");
    check_format(TYPE_DECIMAL, 2, "-92233720368547758.08", FORMAT_EUR,
                 "-" EURO "92,233,720,368,547,758.08");
    check_format(TYPE_DECIMAL, 2, "-4210.50", FORMAT_MONEY, "-4,210.50 PLN");
    check_format(TYPE_DOUBLE, 0, "12.345678", FORMAT_MONEY, "12.35 PLN");
    check_format(TYPE_INT64, 0, "1000", FORMAT_EUR, EURO "1,000.00");
    check_format(TYPE_DOUBLE, 0, "12.345678", FORMAT_EUR, EURO "12.35");
    check_format(TYPE_DOUBLE, 0, "0.98", FORMAT_PERCENT, "98 %");
    check_format(TYPE_DOUBLE, 0, "0.075", FORMAT_PERCENT, "7.5 %");
    check_format(TYPE_DOUBLE, 0, "0", FORMAT_PERCENT, "0 %");
    check_format(TYPE_DOUBLE, 0, "1", FORMAT_PERCENT, "100 %");
    check_format(TYPE_DOUBLE, 0, "0.0996", FORMAT_PERCENT, "10 %");
    check_format(TYPE_DOUBLE, 0, "-0.5", FORMAT_PERCENT, "-50 %");
    check_format(TYPE_DURATION, 0, "390min", FORMAT_HOURS, "6.5 h");
    check_format(TYPE_DURATION, 0, "6h", FORMAT_HOURS, "6 h");
    check_format(TYPE_DOUBLE, 0, "6.54", FORMAT_HOURS, "6.5 h");
    check_format(TYPE_DURATION, 0, "90s", FORMAT_MINUTES, "1.5 min");
    check_format(TYPE_DURATION, 0, "2h", FORMAT_MINUTES, "120 min");
    check_format(TYPE_INT64, 0, "7", FORMAT_MINUTES, "7 min");
    check_format(TYPE_DOUBLE, 0, "2.44", FORMAT_RATIO, "2.4 times");
    check_format(TYPE_DOUBLE, 0, "1", FORMAT_RATIO, "1 time");
    check_format(TYPE_DECIMAL, 2, "1234.55", FORMAT_RATIO, "1,234.6 times");
    check_format(TYPE_DURATION, 0, "12d", FORMAT_DAYS, "12 days");
    check_format(TYPE_DURATION, 0, "24h", FORMAT_DAYS, "1 day");
    check_format(TYPE_INT64, 0, "0", FORMAT_DAYS, "0 days");
    check_format(TYPE_INT64, 0, "1234567", FORMAT_COUNT, "1,234,567");
    check_format(TYPE_INT64, 0, "123", FORMAT_COUNT, "123");
    check_format(TYPE_TIME, 0, "2024-08-26 23:59", FORMAT_DATE, "26 August 2024");
    check_format(TYPE_TIME, 0, "1969-12-31 23:59", FORMAT_DATE, "31 December 1969");
    check_format(TYPE_DATE, 0, "2024-02-29", FORMAT_DATE, "29 February 2024");
    check_format(TYPE_DOUBLE, 0, "1234.567891", FORMAT_PLAIN, "1234.5679");
    check_format(TYPE_DOUBLE, 0, "0.000123456", FORMAT_PLAIN, "0.0001235");
    check_format(TYPE_DOUBLE, 0, "2.50", FORMAT_PLAIN, "2.5");
    check_format(TYPE_DOUBLE, 0, "1e300", FORMAT_PLAIN, "1e+300");
    check_format(TYPE_DECIMAL, 2, "2.50", FORMAT_PLAIN, "2.50");
    check_format(TYPE_DURATION, 0, "0s", FORMAT_PLAIN, "0s");
    check_format(TYPE_TEXT, 0, "FR", FORMAT_PLAIN, "FR");
    check_format(TYPE_BOOLEAN, 0, "true", FORMAT_PLAIN, "true");
}

static void format_names_read_back(void **state)
{
    (void)state;
    for (Format f = FORMAT_PLAIN; f < FORMATS; f++) {
        Format again;
        assert_true(format_from_name(format_name(f), &again));
        assert_int_equal(f, again);
    }
    Format f;
    assert_false(format_from_name(S("dollars"), &f));
}

static void template_fills_in_the_cells(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Error err = {0};
    Template *t;
    Str text = S("{pass_through:percent} of {inflow_30d:eur} left; {{{country}} on {opened:date}, "
                 "{idle: hours}, {pass_through}");
    assert_int_equal(template_read(&t, &arena, text, &plain, "p.yaml", 1, 1, &err), STATUS_OK);
    same(template_fill(&arena, t, LANGUAGE_ENGLISH, rows(&arena), 0),
         "98 % of " EURO "4,210.00 left; {FR} on 26 August 2024, 6.5 h, 0.98");
    same(template_fill(&arena, t, LANGUAGE_ENGLISH, rows(&arena), 1),
         "unknown of unknown left; {unknown} on unknown, unknown, unknown");
    same(template_fill(&arena, t, LANGUAGE_ENGLISH, table_new(&arena, S("none"), 1, 0), 0),
         "unknown of unknown left; {unknown} on unknown, unknown, unknown");
    size_t count;
    const Str *names = template_names(t, &count);
    assert_int_equal(count, 5);
    same(names[0], "pass_through");
    same(names[4], "idle");
    arena_free(&arena);
}

static void shares_that_would_read_alike_get_a_decimal(void **state)
{
    (void)state;
    static const Name names[] = {{.name = {"score", 5}, .type = TYPE_DOUBLE},
                                 {.name = {"bound", 5}, .type = TYPE_DOUBLE}};
    static const double score[] = {0.802, 0.8, 0.91};
    static const char *const want[] = {"80.2 % is above 80.0 %", "80 % is above 80 %",
                                       "91 % is above 80 %"};
    Scope scope = plain;
    scope.customer = names;
    scope.customers = COUNT_OF(names);
    Arena arena = arena_new();
    Error err = {0};
    Template *t;
    assert_int_equal(template_read(&t, &arena, S("{score:percent} is above {bound:percent}"),
                                   &scope, "p.yaml", 1, 1, &err),
                     STATUS_OK);
    Table *rows = table_new(&arena, S("shares"), COUNT_OF(score), 2);
    for (size_t k = 0; k < 2; k++) {
        Column *c = &rows->column[k];
        column_init(c, &arena, names[k].name, TYPE_DOUBLE, 0, COUNT_OF(score), NULL);
        for (size_t i = 0; i < COUNT_OF(score); i++) {
            c->real[i] = k == 0 ? score[i] : 0.8;
            column_set_valid(c, i);
        }
    }
    for (size_t i = 0; i < COUNT_OF(score); i++)
        same(template_fill(&arena, t, LANGUAGE_ENGLISH, rows, i), want[i]);
    arena_free(&arena);
}

static void money_in_a_sentence_has_the_currency_of_its_scope(void **state)
{
    (void)state;
    static const struct {
        const char *currency, *text;
    } want[] = {{"EUR", EURO "4,210.00"}, {"PLN", "4,210.00 PLN"}, {"", "4,210.00"}};
    Arena arena = arena_new();
    Scope scope = plain;
    Template *t;
    Error err = {0};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        scope.currency = str_from(want[i].currency);
        assert_int_equal(
            template_read(&t, &arena, S("{inflow_30d:money}"), &scope, "p.yaml", 1, 1, &err),
            STATUS_OK);
        same(template_fill(&arena, t, LANGUAGE_ENGLISH, rows(&arena), 0), want[i].text);
        Status status =
            template_read(&t, &arena, S("a {inflow_30d:eur}"), &scope, "p.yaml", 1, 1, &err);
        assert_int_equal(status, i == 1 ? STATUS_FORMAT : STATUS_OK);
    }
    check_place(err, 1, 15, "amounts are in PLN");
    arena_free(&arena);
}

static void template_errors_point_at_the_placeholder(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t line, column;
        const char *words;
    } bad[] = {{"of {inflow_3d:eur}", 5, 5, "'inflow_3d', which is not known"},
               {"of\n{inflow_30d:dollars}", 6, 13, "no number format 'dollars'"},
               {"of {inflow_30d", 5, 4, "never closed"},
               {"{country:eur}", 5, 10, "country is text and cannot be written as eur"},
               {"{inflow_30d:date}", 5, 13, "cannot be written as date"},
               {"{}", 5, 2, "not known"}};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Arena arena = arena_new();
        Error err = {0};
        Template *t;
        assert_int_equal(
            template_read(&t, &arena, str_from(bad[i].text), &plain, "p.yaml", 5, 1, &err),
            STATUS_FORMAT);
        check_place(err, bad[i].line, bad[i].column, bad[i].words);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lang_text_has_brackets_only_where_needed),
        cmocka_unit_test(lang_definitions_are_put_in_as_trees),
        cmocka_unit_test(lang_errors_point_into_the_book),
        cmocka_unit_test(lang_errors_in_a_definition_point_into_the_definition),
        cmocka_unit_test(lang_cycle_of_definitions_is_named),
        cmocka_unit_test(lang_remedy_names_the_nearest),
        cmocka_unit_test(lang_nesting_and_size_are_bounded),
        cmocka_unit_test(lang_definitions_cannot_blow_up),
        cmocka_unit_test(lang_lists_each_aggregate_once),
        cmocka_unit_test(lang_aggregates_have_the_types_of_the_door),
        cmocka_unit_test(lang_evaluates_with_the_columns_of_its_aggregates),
        cmocka_unit_test(lang_name_that_is_not_in_the_rows_is_missing),
        cmocka_unit_test(lang_column_of_another_type_is_an_error),
        cmocka_unit_test(lang_overflow_names_expression_row_and_place),
        cmocka_unit_test(lang_expression_outlives_its_scope),
        cmocka_unit_test(lang_windows_read_and_print),
        cmocka_unit_test(format_writes_numbers_for_people),
        cmocka_unit_test(format_names_read_back),
        cmocka_unit_test(template_fills_in_the_cells),
        cmocka_unit_test(shares_that_would_read_alike_get_a_decimal),
        cmocka_unit_test(money_in_a_sentence_has_the_currency_of_its_scope),
        cmocka_unit_test(template_errors_point_at_the_placeholder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
