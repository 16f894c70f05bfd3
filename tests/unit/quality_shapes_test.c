/* Files of other shapes: two sides, no key, no time, no state, debit and credit, several sources,
 * a column a month. */
#include "quality/quality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static Arena keep, scratch;
static Schema *schema;
static Dataset *data;
static DatasetInputs in;
static Error err;

static int set_up(void **state)
{
    (void)state;
    keep = arena_new();
    scratch = arena_new();
    in = (DatasetInputs){.bad_rows_max = 1};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&keep);
    arena_free(&scratch);
    return 0;
}

#define CUSTOMERS_BOOK                                                                             \
    "version: 1\ncurrency: EUR\ncustomers:\n  key: c\n"                                            \
    "  label: {column: bad, positive: [1], negative: [0]}\n"

static void book(const char *customers, const char *transactions)
{
    Str yaml = str_format(&keep,
                          CUSTOMERS_BOOK "%s  columns:\n    - {name: c, type: text}\n"
                                         "    - {name: bad, type: boolean}\n"
                                         "    - {name: may, type: decimal}\n"
                                         "    - {name: june, type: decimal}\n"
                                         "transactions:\n%s",
                          customers, transactions);
    err = (Error){0};
    if (schema_read(&schema, &keep, yaml, "s.yaml", &err))
        fail_msg("%lld: %s", (long long)err.line, err.message);
}

#define FOLK "c,bad,may,june\na,0,,\nb,1,,\nd,0,,\n"

static Status try_read(const char *customers, const char *const *transactions, size_t files)
{
    InputFile *file = ARENA_ARRAY(&keep, InputFile, files + 1);
    Str *text = ARENA_ARRAY(&keep, Str, files + 1);
    text[files] = str_from(customers);
    file[files] = (InputFile){"folk.csv", &text[files]};
    for (size_t i = 0; i < files; i++) {
        text[i] = str_from(transactions[i]);
        file[i] = (InputFile){str_format(&keep, "t%zu.csv", i).data, &text[i]};
    }
    in.customers = (InputFiles){&file[files], 1};
    in.transactions = (InputFiles){file, files};
    err = (Error){0};
    return dataset_read(&data, &keep, scratch, schema, &in, &err);
}

static void must_read(const char *customers, const char *const *transactions, size_t files)
{
    if (try_read(customers, transactions, files))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < data->ledger_count; i++) {
        const LedgerLine *l = &data->ledger[i];
        assert_int_equal(l->rows, l->used + l->merged + l->quarantined);
    }
}

static void read_one(const char *transactions)
{
    must_read(FOLK, &transactions, 1);
}

/* The events as known at as_of, one a line: customer, then the named columns. */
static Str events(const char *const *column, size_t columns)
{
    Collapsed *c;
    int64_t *as_of = ARENA_ARRAY(&keep, int64_t, data->customers);
    for (size_t i = 0; i < data->customers; i++)
        as_of[i] = data->as_of_us;
    if (quality_collapse(&c, &keep, scratch, schema, data->versions, data->owner, as_of, &err))
        fail_msg("%s", err.message);
    Buffer b = buffer_new(&keep);
    for (size_t row = 0; row < c->rows->rows; row++) {
        buffer_add(&b, data->id[c->owner[row]]);
        for (size_t k = 0; k < columns; k++) {
            Str text = cell_text(&keep, table_find(c->rows, str_from(column[k])), row);
            buffer_char(&b, ' ');
            buffer_add(&b, text.size == 0 ? S("-") : str_slice(text, 0, 10));
        }
        buffer_char(&b, '\n');
    }
    return buffer_str(&b);
}
#define EVENTS(...)                                                                                \
    events((const char *const[]){__VA_ARGS__},                                                     \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void are(Str seen, const char *expected)
{
    if (!str_equal(seen, str_from(expected)))
        fail_msg("seen:\n%.*sexpected:\n%s", STR_ARG(seen), expected);
}

static uint64_t found(const char *code)
{
    const Finding *f = findings_find(data->findings, code);
    if (f == NULL)
        return 0;
    assert_true(f->what.size > 0 && f->done.size > 0);
    return f->count;
}

static void ledger_is(size_t line, uint64_t rows, uint64_t used, uint64_t merged, uint64_t aside)
{
    const LedgerLine *l = &data->ledger[line];
    assert_int_equal(l->rows, rows);
    assert_int_equal(l->used, used);
    assert_int_equal(l->merged, merged);
    assert_int_equal(l->quarantined, aside);
}

#define SIDES_BOOK                                                                                 \
    "  key: id\n  sides: {source: from, target: to}\n  created: at\n  amount: sum\n"               \
    "  state: state\n  pending: [P]\n  columns:\n    - {name: id, type: text}\n"                   \
    "    - {name: from, type: text}\n    - {name: to, type: text}\n"                               \
    "    - {name: at, type: time}\n    - {name: sum, type: decimal}\n"                             \
    "    - {name: state, type: category}\n"
#define SIDES "id,from,to,at,sum,state\n"

static void each_side_sees_a_transaction(void **state)
{
    (void)state;
    book("", SIDES_BOOK);
    read_one(SIDES "1,a,b,2024-01-01,5,F\n2,b,d,2024-01-02,3,F\n3,a,b,2024-01-03,7,F\n");
    are(EVENTS("at", "id", "direction", "partner", "sum"), "a 2024-01-01 1 OUT b 5.00\n"
                                                           "a 2024-01-03 3 OUT b 7.00\n"
                                                           "b 2024-01-01 1 IN a 5.00\n"
                                                           "b 2024-01-02 2 OUT d 3.00\n"
                                                           "b 2024-01-03 3 IN a 7.00\n"
                                                           "d 2024-01-02 2 IN b 3.00\n");
    ledger_is(1, 3, 3, 0, 0); /* a row with two events is one row */
    assert_int_equal(found("unknown_partner"), 0);
    assert_int_equal(found("shared_transaction_ids"), 0);
    assert_int_equal(found("transaction_versions"), 0);
}

static void an_unknown_partner_leaves_the_known_side(void **state)
{
    (void)state;
    book("", SIDES_BOOK);
    read_one(SIDES "1,a,x,2024-01-01,5,F\n2,y,b,2024-01-02,3,F\n3,x,y,2024-01-03,7,F\n"
                   "4,d,,2024-01-03,2,F\n5,,d,2024-01-04,2,F\n6,,,2024-01-05,2,F\n");
    are(EVENTS("id", "direction", "partner", "sum"), "a 1 OUT x 5.00\nb 2 IN y 3.00\n"
                                                     "d 4 OUT - 2.00\nd 5 IN - 2.00\n");
    ledger_is(1, 6, 4, 0, 2);
    assert_int_equal(found("unknown_partner"), 2);
    assert_int_equal(found("missing_side"), 2);
    assert_int_equal(found("transactions_of_nobody"), 1);
    assert_int_equal(found("transactions_without_side"), 1);
    assert_int_equal(data->quarantine->count, 2);
    assert_true(str_equal(data->quarantine->row[0].code, S("unknown_customer")));
    assert_true(str_equal(data->quarantine->row[0].raw, S("3,x,y,2024-01-03 00:00:00 UTC,7.00,F")));
    assert_true(str_equal(data->quarantine->row[1].code, S("no_side")));
    /* whose rows are nobody's do not move as_of */
    assert_true(data->as_of_us == (days_from_civil(2024, 1, 4)) * DAY_US);
}

static void who_pays_himself_has_both_events(void **state)
{
    (void)state;
    book("", SIDES_BOOK);
    read_one(SIDES "1,a,a,2024-01-01,5,F\n1,a,a,2024-01-01,5,P\n2,a,b,2024-01-01,1,F\n");
    are(EVENTS("id", "direction", "partner", "sum", "records"),
        "a 1 OUT a 5.00 2\na 1 IN a 5.00 2\na 2 OUT b 1.00 1\nb 2 IN a 1.00 1\n");
    ledger_is(1, 3, 2, 1, 0);
    assert_int_equal(found("pays_itself"), 2);
}

static void versions_of_two_sided_rows_merge_on_both_sides(void **state)
{
    (void)state;
    book("", SIDES_BOOK);
    read_one(SIDES "1,a,b,2024-01-01,5,P\n1,a,b,2024-01-01,6,F\n1,a,b,2024-01-01,6,F\n");
    are(EVENTS("id", "direction", "sum", "state", "records"),
        "a 1 OUT 6.00 F 2\nb 1 IN 6.00 F 2\n");
    ledger_is(1, 3, 1, 2, 0);
    in.has_as_of = true;
    in.as_of_us = days_from_civil(2023, 12, 31) * DAY_US;
    const char *text = SIDES "1,a,b,2024-01-01,5,P\n2,a,b,2023-12-01,5,F\n";
    must_read(FOLK, &text, 1);
    ledger_is(1, 2, 1, 0, 1); /* set aside once, not once a side */
    assert_int_equal(found("transactions_after_as_of"), 1);
}

#define PLAIN_BOOK                                                                                 \
    "  customer: c\n  created: at\n  amount: sum\n  columns:\n    - {name: c, type: text}\n"       \
    "    - {name: at, type: time}\n    - {name: sum, type: decimal}\n"
#define PLAIN "c,at,sum\n"

static void without_a_key_every_row_is_an_event(void **state)
{
    (void)state;
    book("", PLAIN_BOOK);
    read_one(PLAIN "a,2024-01-01,5\na,2024-01-01,5\nb,2024-01-01,5\na,2024-01-01,4\n");
    assert_int_equal(data->versions->rows, 4);
    ledger_is(1, 4, 4, 0, 0);
    assert_int_equal(found("repeated_rows"), 1);
    assert_int_equal(found("duplicate_transaction_rows"), 0);
    assert_int_equal(found("no_state"), 0);
    assert_int_equal(found("final_without_time"), 0);
    assert_int_equal(found("still_pending"), 0);
}

/* What is read does not hang on where it stands, keys that we make included. */
static void order_of_rows_and_files_changes_nothing(void **state)
{
    (void)state;
    static const char *const books[] = {PLAIN_BOOK, SIDES_BOOK};
    static const char *const headers[] = {PLAIN, SIDES};
    Random r = random_new(11);
    for (size_t k = 0; k < 2; k++) {
        enum { ROWS = 60 };
        Str row[ROWS], first = S("");
        book("", k == 1 ? SIDES_BOOK : books[k]);
        static const char *const who[] = {"a", "b", "d", "x", ""};
        for (size_t i = 0; i < ROWS; i++) {
            uint64_t day = random_below(&r, 4) + 1, sum = random_below(&r, 3);
            uint64_t from = random_below(&r, k == 0 ? 4 : 5), to = random_below(&r, 5);
            uint64_t id = random_below(&r, 30);
            row[i] = k == 0
                         ? str_format(&keep, "%s,2024-01-0%d,%d\n", who[from], (int)day, (int)sum)
                         : str_format(&keep, "%d,%s,%s,2024-01-0%d,%d,%s\n", (int)id, who[from],
                                      who[to], (int)day, (int)sum, day % 2 == 0 ? "P" : "F");
        }
        for (size_t turn = 0; turn < 12; turn++) {
            uint32_t order[ROWS];
            for (uint32_t i = 0; i < ROWS; i++)
                order[i] = i;
            random_shuffle(&r, order, ROWS);
            size_t split = random_below(&r, ROWS + 1);
            Buffer text[2] = {buffer_new(&keep), buffer_new(&keep)};
            for (size_t f = 0; f < 2; f++) {
                buffer_add(&text[f], str_from(headers[k]));
                for (size_t i = f == 0 ? 0 : split; i < (f == 0 ? split : ROWS); i++)
                    buffer_add(&text[f], row[order[i]]);
            }
            const char *files[] = {str_chars(&keep, buffer_str(&text[0])),
                                   str_chars(&keep, buffer_str(&text[1]))};
            must_read(FOLK, files, 2);
            Str seen = k == 0
                           ? EVENTS("at", "sum", SCHEMA_MADE_KEY, "records")
                           : EVENTS("at", "id", "direction", "partner", "sum", "state", "records");
            if (turn == 0)
                first = seen;
            assert_true(first.size > 100);
            assert_true(str_equal(first, seen));
        }
    }
}

#define PARTED_BOOK                                                                                \
    "  customer: c\n  created: at\n  debit: minus\n  credit: plus\n  columns:\n"                   \
    "    - {name: c, type: text}\n    - {name: at, type: time}\n"                                  \
    "    - {name: minus, type: decimal}\n    - {name: plus, type: decimal}\n"

static void debit_goes_out_and_credit_comes_in(void **state)
{
    (void)state;
    book("", PARTED_BOOK);
    read_one("c,at,minus,plus\na,2024-01-01,5,\na,2024-01-02,,6\na,2024-01-03,0.00,7\n"
             "a,2024-01-04,8,0\na,2024-01-05,0,0\na,2024-01-06,0,\na,2024-01-07,,\n"
             "a,2024-01-08,-9,\na,2024-01-09,1,1\n");
    are(EVENTS("at", "amount", "direction"),
        "a 2024-01-01 5.00 OUT\na 2024-01-02 6.00 IN\na 2024-01-03 7.00 IN\n"
        "a 2024-01-04 8.00 OUT\na 2024-01-05 0.00 -\na 2024-01-06 0.00 OUT\n"
        "a 2024-01-07 - -\na 2024-01-08 9.00 OUT\n");
    ledger_is(1, 9, 8, 0, 1);
    assert_int_equal(found("debit_and_credit"), 1);
    assert_int_equal(found("no_amount"), 1);
    assert_int_equal(found("negative_debit_or_credit"), 1);
    assert_true(str_equal(data->quarantine->row[0].code, S("debit_and_credit")));
    assert_int_equal(data->quarantine->row[0].line, 10);
}

static void a_sign_is_a_direction(void **state)
{
    (void)state;
    book("", "  signed: true\n" PLAIN_BOOK);
    read_one(PLAIN "a,2024-01-01,-5\na,2024-01-02,6\na,2024-01-03,0\na,2024-01-04,\n");
    are(EVENTS("at", "sum", "direction"), "a 2024-01-01 5.00 OUT\na 2024-01-02 6.00 IN\n"
                                          "a 2024-01-03 0.00 -\na 2024-01-04 - -\n");
    assert_int_equal(found("negative_amount"), 0);
}

static void without_a_state_rows_are_final_from_their_completion(void **state)
{
    (void)state;
    book("", "  completed: done\n" PLAIN_BOOK "    - {name: done, type: time}\n");
    read_one("c,at,sum,done\na,2024-01-01,5,2024-01-02\na,2024-01-03,6,\n"
             "a,2024-01-04,7,2024-01-01\n");
    are(EVENTS("at", "done"), "a 2024-01-01 2024-01-02\na 2024-01-03 -\na 2024-01-04 2024-01-01\n");
    assert_int_equal(found("completed_before_created"), 1);
    assert_int_equal(found("final_without_time"), 0);
    const Finding *f = findings_find(data->findings, "completed_before_created");
    assert_non_null(strstr(str_chars(&keep, f->what), "such as line 4 of t0.csv"));
    assert_non_null(strstr(str_chars(&keep, f->done), "`created` and `completed`"));
}

static void events_may_have_no_time(void **state)
{
    (void)state;
    book("", "  customer: c\n  amount: sum\n  columns:\n    - {name: c, type: text}\n"
             "    - {name: sum, type: decimal}\n");
    read_one("c,sum\na,5\nb,6\na,7\n");
    assert_int_equal(data->versions->rows, 3);
    assert_int_equal(data->as_of_us, 0);
    assert_int_equal(found("no_times"), 3);
    in.has_as_of = true;
    in.as_of_us = 42 * DAY_US;
    read_one("c,sum\na,5\n");
    assert_true(data->as_of_us == 42 * DAY_US);
    (void)EVENTS("sum");
}

static void two_currencies_are_never_added_up(void **state)
{
    (void)state;
    book("", "  currency: money\n" PLAIN_BOOK "    - {name: money, type: category}\n");
    const char *text = "c,at,sum,money\na,2024-01-01,5,EUR\na,2024-01-02,5,USD\n";
    assert_int_equal(try_read(FOLK, &text, 1), STATUS_DATA);
    assert_string_equal(err.message, "amounts are in more than one currency: USD beside EUR");
    assert_int_equal(err.line, 3);
    assert_non_null(strstr(err.remedy, "convert the amounts"));
}

/* ---- a column a month ---- */

#define HISTORY                                                                                    \
    "  history:\n    - {columns: [may, june], into: sum, from: 2024-05-01, step: 31d, "            \
    "set: {kind: BILL}}\n"
#define KIND "    - {name: kind, type: category, values: [CARD, BILL]}\n"

static void a_column_a_month_becomes_an_event_a_month(void **state)
{
    (void)state;
    book(HISTORY, PLAIN_BOOK KIND);
    const char *text = "c,at,sum,kind\na,2024-05-15,9,CARD\n";
    must_read("c,bad,may,june\na,0,5,6\nb,1,,7\nd,0,,\n", &text, 1);
    are(EVENTS("at", "sum", "kind", SCHEMA_MADE_KEY),
        str_format(&keep,
                   "a 2024-05-01 5.00 BILL a:may\na 2024-05-15 9.00 CARD %.*s\n"
                   "a 2024-06-01 6.00 BILL a:june\nb 2024-06-01 7.00 BILL b:june\n",
                   10, cell_text(&keep, table_find(data->versions, S(SCHEMA_MADE_KEY)), 2).data)
            .data);
    assert_int_equal(found("history_events"), 3);
    assert_int_equal(found("customers_without_transactions"), 1);
    ledger_is(0, 3, 3, 0, 0); /* the files' rows are what the ledger counts */
    ledger_is(1, 1, 1, 0, 0);
    assert_true(data->as_of_us == days_from_civil(2024, 6, 1) * DAY_US);
    assert_non_null(table_find(data->profile, S("may"))); /* and still a fact of the customer */
}

static void a_history_needs_no_transaction_file(void **state)
{
    (void)state;
    book(HISTORY, PLAIN_BOOK KIND);
    must_read("c,bad,may,june\na,0,5,6\nb,1,,7\n", NULL, 0);
    are(EVENTS("at", "sum"), "a 2024-05-01 5.00\na 2024-06-01 6.00\nb 2024-06-01 7.00\n");
    in.has_as_of = true;
    in.as_of_us = days_from_civil(2024, 5, 20) * DAY_US;
    must_read("c,bad,may,june\na,0,5,6\nb,1,,7\n", NULL, 0);
    are(EVENTS("at", "sum"), "a 2024-05-01 5.00\n");
    assert_int_equal(found("history_after_as_of"), 2);
    assert_int_equal(data->quarantine->count, 0);
    /* a file that lacks one of the months would pass for customers who did nothing */
    assert_int_equal(try_read("c,bad,may\na,0,5\n", NULL, 0), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "june"));
    book("", PLAIN_BOOK);
    assert_int_equal(try_read(FOLK, NULL, 0), STATUS_USAGE);
}

static void a_history_of_a_two_sided_bank_has_no_partner(void **state)
{
    (void)state;
    book("  history:\n    - {columns: [may], into: sum, from: 2024-05-01, step: 31d, "
         "set: {state: F, direction: OUT}}\n",
         SIDES_BOOK);
    const char *text = SIDES "1,b,a,2024-01-01,5,F\n";
    must_read("c,bad,may,june\na,0,5,6\nb,1,,7\n", &text, 1);
    are(EVENTS("id", "direction", "partner", "sum", "state"),
        "a 1 IN b 5.00 F\na a:may OUT - 5.00 F\nb 1 OUT a 5.00 F\n");
    assert_int_equal(found("missing_side"), 0);
}

/* ---- several files ---- */

static void files_may_have_columns_of_their_own(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay_sources_XXXXXX";
    assert_non_null(mkdtemp(folder));
    book(
        "",
        "  sources:\n    - files: \"cards*.csv\"\n      rename: {who: c, when: at, value: sum}\n"
        "      set: {kind: CARD}\n    - {files: \"bills.*\", set: {kind: BILL}}\n" PLAIN_BOOK KIND);
    const struct {
        const char *name, *text;
    } file[] = {{"folk.csv", FOLK},
                {"cards-1.csv", "value;when;who;kind\n5;2024-01-01;a;whatever\n"},
                {"bills.txt", "c,at,sum\nb,2024-01-02,6\n"},
                {"other.csv", "c,at,sum,kind\nd,2024-01-03,7,CARD\n"}};
    InputFile input[4];
    for (size_t i = 0; i < 4; i++) {
        input[i] = (InputFile){path_join(&keep, folder, file[i].name), NULL};
        assert_int_equal(file_write(input[i].path, str_from(file[i].text), &err), STATUS_OK);
    }
    in.customers = (InputFiles){&input[0], 1};
    in.transactions = (InputFiles){&input[1], 3};
    if (dataset_read(&data, &keep, scratch, schema, &in, &err))
        fail_msg("%s", err.message);
    are(EVENTS("at", "sum", "kind"), "a 2024-01-01 5.00 CARD\nb 2024-01-02 6.00 BILL\n"
                                     "d 2024-01-03 7.00 CARD\n");
    assert_int_equal(data->absent_count, 0); /* what a source sets is not lacking */

    /* a copy under another name, and one without a row, which counts nothing */
    InputFile whole = input[3];
    const char *copy = path_join(&keep, folder, "other-copy.csv");
    assert_int_equal(file_write(copy, str_from(file[3].text), &err), STATUS_OK);
    input[2] = (InputFile){copy, NULL};
    assert_int_equal(dataset_read(&data, &keep, scratch, schema, &in, &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "other-copy.csv and "));
    assert_non_null(strstr(err.message, "other.csv hold the same"));
    err = (Error){0};
    in.score_transactions = (InputFiles){&whole, 1};
    in.score_customers = in.customers;
    in.transactions.count = 2;
    assert_int_equal(dataset_read(&data, &keep, scratch, schema, &in, &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "hold the same"));
    err = (Error){0};
    in.score_transactions = in.score_customers = (InputFiles){NULL, 0};
    in.transactions.count = 3;
    assert_int_equal(file_write(copy, S("c,at,sum,kind\n"), &err), STATUS_OK);
    const char *copy_of_none = path_join(&keep, folder, "other-none.csv");
    assert_int_equal(file_write(copy_of_none, S("c,at,sum,kind\n"), &err), STATUS_OK);
    input[3] = (InputFile){copy_of_none, NULL};
    assert_int_equal(dataset_read(&data, &keep, scratch, schema, &in, &err), STATUS_OK);
    input[3] = whole;
    assert_int_equal(unlink(copy), 0);
    assert_int_equal(unlink(copy_of_none), 0);

    /* the same file twice: rows without a key would count twice */
    input[2] = input[1];
    assert_int_equal(dataset_read(&data, &keep, scratch, schema, &in, &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "given twice"));
    err = (Error){0};
    input[1].path = input[2].path = "-";
    assert_int_equal(dataset_read(&data, &keep, scratch, schema, &in, &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "standard input was given twice"));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(unlink(path_join(&keep, folder, file[i].name)), 0);
    assert_int_equal(rmdir(folder), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_side_sees_a_transaction),
        TEST(an_unknown_partner_leaves_the_known_side),
        TEST(who_pays_himself_has_both_events),
        TEST(versions_of_two_sided_rows_merge_on_both_sides),
        TEST(without_a_key_every_row_is_an_event),
        TEST(order_of_rows_and_files_changes_nothing),
        TEST(debit_goes_out_and_credit_comes_in),
        TEST(a_sign_is_a_direction),
        TEST(without_a_state_rows_are_final_from_their_completion),
        TEST(events_may_have_no_time),
        TEST(two_currencies_are_never_added_up),
        TEST(a_column_a_month_becomes_an_event_a_month),
        TEST(a_history_needs_no_transaction_file),
        TEST(a_history_of_a_two_sided_bank_has_no_partner),
        TEST(files_may_have_columns_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
