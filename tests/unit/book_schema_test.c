/* What a schema book can say of a bank's files, and what it may not. */
#include "book/book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* A book with room for more of the customers, of the transactions, and of their columns. */
static Str book(const char *customers, const char *transactions, const char *columns)
{
    return str_format(&arena,
                      "version: 1\n"
                      "currency: EUR\n"
                      "customers:\n"
                      "  key: who\n"
                      "%s"
                      "  columns:\n"
                      "    - {name: who, type: text}\n"
                      "    - {name: bad, type: category}\n"
                      "    - {name: flag, type: boolean}\n"
                      "    - {name: may, type: decimal}\n"
                      "    - {name: june, type: decimal}\n"
                      "    - {name: human, type: text}\n"
                      "    - {name: end, type: category, values: [Y, N, X]}\n"
                      "transactions:\n"
                      "%s"
                      "  columns:\n"
                      "    - {name: who, type: text}\n"
                      "    - {name: to, type: text}\n"
                      "    - {name: sum, type: decimal}\n"
                      "    - {name: plus, type: decimal}\n"
                      "    - {name: minus, type: decimal}\n"
                      "    - {name: kind, type: category, values: [CARD, BILL]}\n"
                      "    - {name: done, type: time}\n"
                      "%s",
                      customers, transactions, columns);
}

#define LABEL "  label: {column: bad, positive: [Y], negative: [N]}\n"
#define PLAIN "  customer: who\n  created: at\n  amount: sum\n"
#define AT    "    - {name: at, type: time}\n"

static Schema *good(const char *customers, const char *transactions, const char *columns)
{
    Schema *s = NULL;
    Error err = {0};
    Status status = schema_read(&s, &arena, book(customers, transactions, columns), "b.yaml", &err);
    if (status != STATUS_OK)
        print_message("%s:%lld: %s (%s)\n", err.file, (long long)err.line, err.message, err.remedy);
    assert_int_equal(status, STATUS_OK);
    return s;
}

/* A refusal is one sentence with a place and a remedy. */
static void bad(const char *customers, const char *transactions, const char *columns,
                const char *message, const char *remedy)
{
    Schema *s = NULL;
    Error err = {0};
    assert_int_equal(
        schema_read(&s, &arena, book(customers, transactions, columns), "b.yaml", &err),
        STATUS_FORMAT);
    if (strstr(err.message, message) == NULL || strstr(err.remedy, remedy) == NULL)
        print_message("%s (%s)\n", err.message, err.remedy);
    assert_non_null(strstr(err.message, message));
    assert_non_null(strstr(err.remedy, remedy));
    assert_true(err.remedy[0] != '\0');
    assert_string_equal(err.file, "b.yaml");
    assert_true(err.line > 0 && err.column > 0);
    assert_null(strchr(err.message, '\n'));
}

static void is(Str seen, const char *expected)
{
    assert_true(str_equal(seen, str_from(expected)));
}

static void a_book_without_key_gets_one_that_no_expression_sees(void **state)
{
    (void)state;
    Schema *s = good(LABEL, PLAIN, AT);
    assert_true(s->keyless && !s->timeless && !s->makes_direction);
    is(s->transactions.key.text, SCHEMA_MADE_KEY);
    assert_null(schema_transaction_column(s, S(SCHEMA_MADE_KEY)));
    assert_int_equal(s->events.count, s->transactions.columns.count);
    s = good(LABEL, "  customer: who\n  amount: sum\n", "");
    assert_true(s->timeless);
    is(s->transactions.created.text, SCHEMA_MADE_TIME);
}

static void two_sides_make_direction_and_partner(void **state)
{
    (void)state;
    Schema *s =
        good(LABEL, "  sides: {source: who, target: to}\n  created: at\n  amount: sum\n", AT);
    assert_true(schema_two_sided(s) && s->makes_direction);
    assert_int_equal(s->transactions.customer.text.size, 0);
    const SchemaColumn *direction = schema_transaction_column(s, S("direction"));
    assert_int_equal(direction->type, TYPE_CATEGORY);
    assert_int_equal(direction->values.count, 2);
    is(direction->values.item[0].text, "IN");
    is(direction->values.item[1].text, "OUT");
    assert_int_equal(schema_transaction_column(s, S("partner"))->type, TYPE_TEXT);
    assert_int_equal(s->events.count, s->transactions.columns.count + 2);
}

static void debit_and_credit_make_an_amount(void **state)
{
    (void)state;
    Schema *s = good(LABEL, "  customer: who\n  created: at\n  debit: minus\n  credit: plus\n", AT);
    is(s->transactions.amount.text, "amount");
    assert_int_equal(schema_transaction_column(s, S("amount"))->scale, 2);
    assert_non_null(schema_transaction_column(s, S("direction")));
    assert_null(schema_transaction_column(s, S("partner")));
    s = good(LABEL, PLAIN "  signed: true\n", AT);
    assert_non_null(schema_transaction_column(s, S("direction")));
    is(s->transactions.amount.text, "sum");
}

static void times_and_numbers_have_forms(void **state)
{
    (void)state;
    Schema *s = good(LABEL, PLAIN,
                     "    - {name: at, type: time, format: step, step: 1h, from: 2020-01-01}\n"
                     "    - {name: b, type: time, format: epoch_ms}\n"
                     "    - {name: c, type: date, format: day_month_year}\n"
                     "    - {name: d, type: time, format: yymmdd, from: 1950-01-01}\n"
                     "    - {name: e, type: decimal, decimal_mark: \",\", thousands: \".\"}\n"
                     "    - {name: f, type: int64, thousands: \" \"}\n");
    TimeFormat at = schema_transaction_column(s, S("at"))->time;
    assert_int_equal(at.form, TIME_STEP);
    assert_true(at.step_us == HOUR_US && at.from_us == 18262 * DAY_US);
    assert_int_equal(schema_transaction_column(s, S("b"))->time.form, TIME_EPOCH_MS);
    assert_int_equal(schema_transaction_column(s, S("c"))->time.form, TIME_DAY_MONTH_YEAR);
    assert_true(schema_transaction_column(s, S("c"))->time.from_us == TIME_CENTURY_US);
    assert_true(schema_transaction_column(s, S("d"))->time.from_us == -7305 * DAY_US);
    is(schema_transaction_column(s, S("e"))->decimal_mark.text, ",");
}

static void label_values_are_those_that_the_column_will_hold(void **state)
{
    (void)state;
    Schema *s = good("  label: {column: flag, positive: [TRUE], negative: ['0']}\n", PLAIN, AT);
    is(s->customers.label.positive.item[0].text, "true");
    is(s->customers.label.negative.item[0].text, "false");
    s = good("  label: {column: bad, positive: [Y], negative: [N], ignored: [PENDING, CLOSED]}\n",
             PLAIN, AT);
    assert_int_equal(s->customers.label.ignored.count, 2);
    assert_int_equal(s->customers.label.prior, LABEL_PRIOR_BY_DESIGN);
    s = good("  label: {column: bad, positive: [Y], negative: [N], prior: population}\n", PLAIN,
             AT);
    assert_int_equal(s->customers.label.prior, LABEL_PRIOR_POPULATION);
    bad("  label: {column: bad, positive: [Y], negative: [N], prior: populaton}\n", PLAIN, AT,
        "populaton", "population");
    bad("  label: {column: flag, positive: [rather], negative: [no]}\n", PLAIN, AT,
        "`rather` is no value of its column", "boolean");
    bad("  label: {column: bad, positive: [Y], negative: [N], ignored: [N]}\n", PLAIN, AT,
        "`N` is ignored and cannot mean something as well", "one of the lists");
    bad("  label: {column: bad, positive: [Y], negative: [Y]}\n", PLAIN, AT,
        "`Y` is both positive and negative", "one of the lists");
    /* A closed label says what each of its values means. */
    good("  label: {column: end, positive: [Y], negative: [N], ignored: [X]}\n", PLAIN, AT);
    bad("  label: {column: end, positive: [Y], negative: [N]}\n", PLAIN, AT,
        "`X` is a value of the label and neither positive, negative nor ignored", "three lists");
}

static void sources_rename_and_set(void **state)
{
    (void)state;
    Schema *s = good(LABEL,
                     PLAIN "  sources:\n    - files: \"cards*.csv\"\n"
                           "      rename: {when: at, value: sum}\n      set: {kind: CARD}\n",
                     AT);
    const SchemaSource *source = s->transactions.sources.item;
    is(source->files.text, "cards*.csv");
    assert_int_equal(source->rename.count, 2);
    is(source->rename.item[1].value.text, "sum");
    is(source->set.item[0].value.text, "CARD");
#define SOURCE(rest) PLAIN "  sources:\n    - {files: c.csv, " rest "}\n"
    bad(LABEL, SOURCE("rename: {value: sun}"), AT, "`sun` is not declared", "`sum`");
    bad(LABEL, SOURCE("rename: {a: sum, b: sum}"), AT, "`sum` is the new name of two", "keep one");
    bad(LABEL, SOURCE("set: {kind: CARDS}"), AT, "`CARDS` is not one of the values", "`CARD`");
    bad(LABEL, SOURCE("set: {direction: OUT}"), AT, "`direction` is not declared", "");
    bad(LABEL, SOURCE("set: {who: me}"), AT, "`who` cannot be the same in every row", "type");
    bad(LABEL, SOURCE("set: {sum: much}"), AT, "`much` is no value of its column", "decimal");
    bad(LABEL, SOURCE("set: {sum: 1}, rename: {x: sum}"), AT, "`sum` is both renamed and set",
        "keep one");
    bad(LABEL, PLAIN "  sources:\n    - {files: a/c.csv}\n", AT, "names a folder", "cards*.csv");
    (void)good(LABEL, SOURCE("set: {direction: OUT}") "  signed: true\n", AT);
    bad(LABEL,
        "  sides: {source: who, target: to}\n  created: at\n  amount: sum\n"
        "  sources:\n    - {files: c.csv, set: {direction: OUT}}\n",
        AT, "`direction` is given by the two sides", "take it away");
}

static void history_columns_become_events(void **state)
{
    (void)state;
#define HISTORY(columns, rest) LABEL "  history:\n    - {columns: [" columns "], " rest "}\n"
    Schema *s = good(HISTORY("may, june", "into: sum, from: 2005-05-01, step: 30d, "
                                          "set: {kind: BILL}") "  person: human\n",
                     PLAIN, AT);
    const SchemaHistory *h = s->customers.history.item;
    assert_int_equal(h->columns.count, 2);
    assert_true(h->from_us == 12904 * DAY_US && h->step_us == 30 * DAY_US);
    is(s->customers.person.text, "human");
    bad(HISTORY("may, july", "into: sum, from: 2005-05-01, step: 30d"), PLAIN, AT,
        "`july` is not declared", "");
    bad(HISTORY("may, may", "into: sum, from: 2005-05-01, step: 30d"), PLAIN, AT,
        "`may` is listed twice", "keep one");
    bad(HISTORY("who", "into: sum, from: 2005-05-01, step: 30d"), PLAIN, AT,
        "`who` is not of the type and scale", "same `type`");
    bad(HISTORY("who", "into: kind, from: 2005-05-01, step: 30d"), PLAIN, AT, "`kind` holds words",
        "column of numbers");
    bad(HISTORY("may", "into: sum, from: 2005-05-01, step: 30d"), PLAIN "  state: kind\n", AT,
        "`kind` is the state, and these events have none", "set: {state");
    bad(HISTORY("may", "into: som, from: 2005-05-01, step: 30d"), PLAIN, AT,
        "`som` is not declared", "`sum`");
    bad(HISTORY("may", "into: sum, from: May, step: 30d"), PLAIN, AT, "`May` is no time", "from");
    bad(HISTORY("may", "into: sum, from: 2005-05-01, step: 0d"), PLAIN, AT, "lie no time apart",
        "30d");
    bad(HISTORY("may", "into: sum, from: 2005-05-01, step: 30d, set: {sum: 1}"), PLAIN, AT,
        "`sum` takes the values", "take it out");
    bad(HISTORY("may", "into: sum, from: 2005-05-01, step: 30d"),
        "  customer: who\n  amount: sum\n", "", "the transactions name no `created`", "created");
}

static void owners_and_amounts_are_said_once(void **state)
{
    (void)state;
    bad(LABEL, "  created: at\n  amount: sum\n", AT, "nothing says whose", "sides");
    bad(LABEL, PLAIN "  sides: {source: who, target: to}\n", AT, "and so do the two `sides`",
        "keep `customer` or `sides`");
    bad(LABEL, "  sides: {source: who, target: who}\n  amount: sum\n", "", "cannot be both sides",
        "target");
    bad(LABEL, "  sides: {source: who, target: too}\n  amount: sum\n", "", "`too` is not declared",
        "`to`");
    bad(LABEL, "  key: who\n" PLAIN, AT, "`who` names the transaction and cannot name its customer",
        "customer's key");
    bad(LABEL, "  customer: who\n  created: at\n", AT, "nothing says how much", "debit");
    bad(LABEL, PLAIN "  debit: minus\n  credit: plus\n", AT, "`minus` is an amount beside `amount`",
        "keep `amount`");
    bad(LABEL, "  customer: who\n  debit: minus\n", "", "the other is not named", "signed: true");
    bad(LABEL, "  customer: who\n  debit: plus\n  credit: plus\n", "",
        "`plus` cannot be both debit and credit", "signed: true");
    bad(LABEL, "  customer: who\n  debit: minus\n  credit: plus\n  signed: true\n", "",
        "needs no sign", "take `signed` away");
    bad(LABEL, "  sides: {source: who, target: to}\n  amount: sum\n  signed: true\n", "",
        "the amount has no sign of its own", "keep `sides`");
    bad(LABEL, "  customer: who\n  amount: sum\n  completed: done\n", "",
        "nothing says when it began", "created");
    bad(LABEL, PLAIN "  signed: true\n", AT "    - {name: direction, type: category}\n",
        "`direction` is a column that the sign of the amount gives", "rename");
    bad(LABEL, "  sides: {source: who, target: to}\n  amount: sum\n",
        "    - {name: partner, type: text}\n", "`partner` is a column that `sides` gives",
        "rename");
}

static void forms_that_make_no_sense_are_refused(void **state)
{
    (void)state;
#define COLUMN(rest) AT "    - {name: x, " rest "}\n"
    bad(LABEL, PLAIN, COLUMN("type: time, format: step"), "not how long one is", "step: 1d");
    bad(LABEL, PLAIN, COLUMN("type: time, step: 1d"), "has a step but does not count", "step");
    bad(LABEL, PLAIN, COLUMN("type: time, format: epoch, from: 2020-01-01"), "is of no use",
        "take `from` away");
    bad(LABEL, PLAIN, COLUMN("type: time, format: step, step: 1d, from: once"), "`once` is no time",
        "2020");
    bad(LABEL, PLAIN, COLUMN("type: date, format: epoch"), "has a format but is no time", "time");
    bad(LABEL, PLAIN, COLUMN("type: text, format: yymmdd"), "has a format but is no time", "time");
    bad(LABEL, PLAIN, COLUMN("type: time, format: ymd"), "`format` cannot be `ymd`", "`yymmdd`");
    bad(LABEL, PLAIN, COLUMN("type: text, decimal_mark: \",\""), "has no decimals", "leave it out");
    bad(LABEL, PLAIN, COLUMN("type: decimal, decimal_mark: \";\""), "cannot be a decimal mark",
        "\",\"");
    bad(LABEL, PLAIN, COLUMN("type: decimal, thousands: \".\""), "is the decimal mark",
        "decimal_mark");
    bad(LABEL, PLAIN, COLUMN("type: decimal, thousands: \", \""), "cannot stand between thousands",
        "one character");
    bad(LABEL, PLAIN, COLUMN("type: decimal, thousands: \"3\""), "cannot stand between thousands",
        "one character");
    bad(LABEL, PLAIN, COLUMN("type: text, thousands: \".\""), "its column is no number",
        "take `thousands` away");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_book_without_key_gets_one_that_no_expression_sees),
        TEST(two_sides_make_direction_and_partner),
        TEST(debit_and_credit_make_an_amount),
        TEST(times_and_numbers_have_forms),
        TEST(label_values_are_those_that_the_column_will_hold),
        TEST(sources_rename_and_set),
        TEST(history_columns_become_events),
        TEST(owners_and_amounts_are_said_once),
        TEST(forms_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
