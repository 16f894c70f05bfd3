#include "book/book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static Arena arena;

static int start(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static Node *parse(const char *yaml)
{
    Node *node = NULL;
    Error err = {0};
    Status status = book_parse(&node, &arena, str_from(yaml), "b.yaml", &err);
    if (status != STATUS_OK)
        print_message("%s:%lld:%lld %s\n", err.file, (long long)err.line, (long long)err.column,
                      err.message);
    assert_int_equal(status, STATUS_OK);
    return node;
}

static void expect(const Error *err, Status status, int line, int column, const char *message,
                   const char *remedy)
{
    if (strstr(err->message, message) == NULL || strstr(err->remedy, remedy) == NULL ||
        err->line != line || err->column != column)
        print_message("%s:%lld:%lld %s | %s\n", err->file, (long long)err->line,
                      (long long)err->column, err->message, err->remedy);
    assert_int_equal(err->status, status);
    assert_string_equal(err->file, "b.yaml");
    assert_int_equal(err->line, line);
    assert_int_equal(err->column, column);
    assert_non_null(strstr(err->message, message));
    assert_non_null(strstr(err->remedy, remedy));
}

static void refuses_bytes(Str yaml, Status status, int line, int column, const char *message,
                          const char *remedy)
{
    Node *node = NULL;
    Error err = {0};
    assert_int_equal(book_parse(&node, &arena, yaml, "b.yaml", &err), status);
    expect(&err, status, line, column, message, remedy);
}

static void refuses(const char *yaml, int line, int column, const char *message, const char *remedy)
{
    refuses_bytes(str_from(yaml), STATUS_FORMAT, line, column, message, remedy);
}

static void is_text(Str text, const char *expected)
{
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

static void is_mark(Mark mark, int line, int column)
{
    assert_int_equal(mark.line, line);
    assert_int_equal(mark.column, column);
}

static void yaml_nodes_keep_order_kind_and_mark(void **state)
{
    (void)state;
    Node *n = parse("b: 1\na:\n  - x\n  - [y, z]\n");
    assert_int_equal(n->kind, NODE_MAP);
    assert_int_equal(n->count, 2);
    is_text(n->key[0].text, "b");
    is_text(n->key[1].text, "a");
    is_mark(n->key[1].mark, 2, 1);
    is_mark(n->item[0].mark, 1, 4);
    assert_int_equal(n->item[1].kind, NODE_LIST);
    is_mark(n->item[1].item[1].mark, 4, 5);
    is_text(n->item[1].item[1].item[1].text, "z");
    is_mark(n->item[1].item[1].item[1].mark, 4, 9);
}

static void yaml_mark_is_the_first_character_of_content(void **state)
{
    (void)state;
    Node *n = parse("a: plain\nb: 'single'\nc: \"double\"\n"
                    "d: |\n    one\n    two\ne: >-\n  folded\n  text\n"
                    "f: plain\n  goes on\n"
                    "g: |\n\n   late\nh: |2\n    kept\ni: last\n");
    is_mark(n->item[0].mark, 1, 4);
    is_mark(n->item[1].mark, 2, 5);
    is_mark(n->item[2].mark, 3, 5);
    is_mark(n->item[3].mark, 5, 5);
    is_text(n->item[3].text, "one\ntwo\n");
    is_mark(n->item[4].mark, 8, 3);
    is_text(n->item[4].text, "folded text");
    is_mark(n->item[5].mark, 10, 4);
    is_text(n->item[5].text, "plain goes on");
    is_mark(n->item[6].mark, 13, 4);
    is_text(n->item[6].text, "\nlate\n");
    is_mark(n->item[7].mark, 16, 3);
    is_text(n->item[7].text, "  kept\n");
    is_mark(n->item[8].mark, 17, 4);
}

static void yaml_columns_count_characters_and_skip_the_byte_order_mark(void **state)
{
    (void)state;
    Node *n = parse("\xEF\xBB\xBF{é: 1, b: x}\r\n");
    is_mark(n->key[0].mark, 1, 2);
    is_mark(n->item[1].mark, 1, 11);
}

static void yaml_quoted_scalar_is_marked_quoted(void **state)
{
    (void)state;
    Node *n = parse("['1', 1, \"x\"]");
    assert_true(n->item[0].quoted);
    assert_false(n->item[1].quoted);
    assert_true(n->item[2].quoted);
}

static void yaml_refuses_anchors_aliases_and_tags(void **state)
{
    (void)state;
    refuses("a: &x 1\n", 1, 4, "anchor", "write the value out");
    refuses("a: &x [1]\n", 1, 4, "anchor", "");
    refuses("a: 1\nb: *x\n", 2, 4, "alias", "");
    refuses("a: !!int 1\n", 1, 4, "tag", "");
    refuses("a: ! 1\n", 1, 4, "tag", "");
    refuses("a: !!map {}\n", 1, 4, "tag", "");
    refuses("a: !x [1]\n", 1, 4, "tag", "");
}

static void yaml_refuses_a_key_given_twice(void **state)
{
    (void)state;
    refuses("a: 1\nb: {c: 1, d: 2, c: 3}\n", 2, 17, "`c` is given twice", "line 2");
    refuses("a: 1\n'a': 2\n", 2, 2, "`a` is given twice", "line 1");
    parse("a: {x: 1}\nb: {x: 1}\n");
}

static void yaml_refuses_keys_that_are_no_words(void **state)
{
    (void)state;
    refuses("? [a]\n: 1\n", 1, 3, "a key must be a word", "");
    refuses("{{a: 1}: 2}\n", 1, 2, "a key must be a word", "");
}

static void yaml_refuses_what_is_no_yaml_with_its_place(void **state)
{
    (void)state;
    refuses("a: 1\nb: [1,\n", 3, 1, "not valid YAML", "indentation");
    refuses("a: 1\nb: [1\nc: 2\n", 3, 2, "not valid YAML", "line 2");
    refuses("a: 1\n\tb: 2\n", 2, 1, "not valid YAML", "no tabs");
    refuses("a: b: c\n", 1, 5, "not valid YAML", "");
    refuses("a: 1\nb: \x01\n", 2, 4, "not valid YAML", "unprintable");
    refuses("a: \"\\0\"\n", 1, 4, "NUL", "");
    refuses("a: é\nb: \xFF\n", 2, 4, "not valid UTF-8", "UTF-8");
    refuses_bytes((Str){"a\0b", 3}, STATUS_FORMAT, 1, 2, "not valid YAML", "");
}

static void yaml_refuses_empty_books_and_second_documents(void **state)
{
    (void)state;
    refuses("", 1, 1, "empty", "default");
    refuses("# nothing\n", 1, 1, "empty", "");
    refuses("---\n", 1, 1, "empty", "");
    refuses("a: 1\n---\nb: 1\n", 2, 1, "second document", "");
}

static void yaml_bounds_hold_exactly(void **state)
{
    (void)state;
    char deep[80] = {0};
    memset(deep, '[', 32);
    memset(deep + 32, ']', 32);
    parse(deep);
    memset(deep, '[', 33);
    memset(deep + 33, ']', 33);
    refuses_bytes(str_from(deep), STATUS_LIMIT, 1, 33, "nested too deeply", "32 levels");

    Buffer many = buffer_new(&arena);
    for (int i = 0; i < 99999; i++)
        buffer_add(&many, S("- a\n"));
    Node *n = parse(str_chars(&arena, buffer_str(&many)));
    assert_int_equal(n->count, 99999);
    buffer_add(&many, S("- a\n"));
    refuses_bytes(buffer_str(&many), STATUS_LIMIT, 100000, 3, "too many values", "100000");

    Buffer large = buffer_new(&arena);
    buffer_add(&large, S("a: "));
    while (large.size < ((size_t)1 << 20))
        buffer_char(&large, 'x');
    is_mark(parse(str_chars(&arena, buffer_str(&large)))->item[0].mark, 1, 4);
    buffer_char(&large, 'x');
    refuses_bytes(buffer_str(&large), STATUS_LIMIT, 0, 0, "too large", "1 MiB");
}

/* ---- records ---- */

typedef struct Part {
    Mark mark;
    BookText name;
    int64_t size;
} Part;

typedef struct Whole {
    BookText text;
    BookTexts texts;
    BookPairs pairs;
    double number;
    int64_t integer, duration;
    bool flag;
    int colour;
    Part part;
    BookRecords parts;
} Whole;

static const char *const colours[] = {"red", "green", "blue", NULL};
static const Part part_defaults = {.size = 7};

static const Field part_fields[] = {
    {.name = "name",
     .kind = FIELD_TEXT,
     .offset = offsetof(Part, name),
     .required = true,
     .says = "what it is called"},
    {.name = "size", .kind = FIELD_INTEGER, .offset = offsetof(Part, size)},
    {0}};

static const Field whole_fields[] = {
    {.name = "text", .kind = FIELD_TEXT, .offset = offsetof(Whole, text)},
    {.name = "texts", .kind = FIELD_TEXTS, .offset = offsetof(Whole, texts)},
    {.name = "pairs", .kind = FIELD_PAIRS, .offset = offsetof(Whole, pairs)},
    {.name = "number", .kind = FIELD_NUMBER, .offset = offsetof(Whole, number)},
    {.name = "integer", .kind = FIELD_INTEGER, .offset = offsetof(Whole, integer)},
    {.name = "duration", .kind = FIELD_DURATION, .offset = offsetof(Whole, duration)},
    {.name = "flag", .kind = FIELD_BOOLEAN, .offset = offsetof(Whole, flag)},
    {.name = "colour", .kind = FIELD_CHOICE, .offset = offsetof(Whole, colour), .choices = colours},
    {.name = "part",
     .kind = FIELD_RECORD,
     .offset = offsetof(Whole, part),
     .fields = part_fields,
     .marked = true},
    {.name = "parts",
     .kind = FIELD_RECORDS,
     .offset = offsetof(Whole, parts),
     .fields = part_fields,
     .size = sizeof(Part),
     .marked = true,
     .defaults = &part_defaults},
    {0}};

static Status fill(Whole *whole, const char *yaml, Error *err)
{
    Node *node = NULL;
    TRY(book_parse(&node, &arena, str_from(yaml), "b.yaml", err));
    return book_read(whole, &arena, node, whole_fields, "b.yaml", err);
}

static void cannot_fill(const char *yaml, int line, int column, const char *message,
                        const char *remedy)
{
    Whole whole = {0};
    Error err = {0};
    assert_int_equal(fill(&whole, yaml, &err), STATUS_FORMAT);
    expect(&err, STATUS_FORMAT, line, column, message, remedy);
}

static void record_reads_every_kind(void **state)
{
    (void)state;
    Whole w = {.number = 3};
    Error err = {0};
    assert_int_equal(fill(&w,
                          "text: hello\ntexts: [a, '']\npairs: {x: 1, y: two}\nnumber: -2.5e1\n"
                          "integer: -4\nduration: 14d\nflag: true\ncolour: blue\n"
                          "part: {name: p, size: 1}\nparts:\n  - name: q\n  - {name: r, size: 2}\n",
                          &err),
                     STATUS_OK);
    is_text(w.text.text, "hello");
    is_mark(w.text.mark, 1, 7);
    assert_int_equal(w.texts.count, 2);
    assert_non_null(w.texts.item);
    if (w.texts.item == NULL)
        return;
    is_text(w.texts.item[0].text, "a");
    is_text(w.texts.item[1].text, "");
    assert_int_equal(w.pairs.count, 2);
    is_text(w.pairs.item[1].name.text, "y");
    is_text(w.pairs.item[1].value.text, "two");
    is_mark(w.pairs.item[1].value.mark, 3, 18);
    assert_true(w.number == -25);
    assert_int_equal(w.integer, -4);
    assert_true(w.duration == 14 * DAY_US);
    assert_true(w.flag);
    assert_int_equal(w.colour, 2);
    is_mark(w.part.mark, 9, 7);
    is_text(w.part.name.text, "p");
    assert_int_equal(w.parts.count, 2);
    const Part *part = w.parts.item;
    is_text(part[0].name.text, "q");
    is_mark(part[0].mark, 11, 5);
    assert_int_equal(part[0].size, 7);
    assert_int_equal(part[1].size, 2);
}

static void record_leaves_defaults_where_nothing_is_written(void **state)
{
    (void)state;
    Whole w = {.number = 3, .colour = 1, .flag = true};
    Error err = {0};
    assert_int_equal(fill(&w, "texts: one\n", &err), STATUS_OK);
    assert_true(w.number == 3);
    assert_int_equal(w.colour, 1);
    assert_true(w.flag);
    assert_int_equal(w.text.text.size, 0);
    assert_int_equal(w.texts.count, 1);
    assert_non_null(w.texts.item);
    if (w.texts.item != NULL)
        is_text(w.texts.item[0].text, "one");
}

static void record_answers_a_misspelt_key_with_the_nearest(void **state)
{
    (void)state;
    cannot_fill("text: a\ncolor: red\n", 2, 1, "unknown key `color`", "did you mean `colour`?");
    cannot_fill("zzz: a\n", 1, 1, "unknown key `zzz`", "use one of `text`, `texts`, `pairs`");
    cannot_fill("parts:\n  - nane: a\n", 2, 5, "unknown key `nane`", "`name`");
    cannot_fill("\"\\e[31m\": a\n", 1, 2, "unknown key `?[31m`", "");
}

static void record_tells_what_is_missing(void **state)
{
    (void)state;
    cannot_fill("parts:\n  - name: a\n  - size: 1\n", 3, 5, "`name` is missing",
                "what it is called");
    cannot_fill("part:\n  name: ''\n", 2, 10, "`name` is empty", "");
    cannot_fill("text:\n", 1, 6, "`text` has no value", "");
    cannot_fill("text: null\n", 1, 7, "`text` has no value", "");
}

static void record_refuses_the_wrong_kind_with_an_example(void **state)
{
    (void)state;
    cannot_fill("number: '1'\n", 1, 10, "`number` must be a number", "number: 0.8");
    cannot_fill("number: .nan\n", 1, 9, "`number` must be a number", "");
    cannot_fill("integer: 1.5\n", 1, 10, "`integer` must be a whole number", "");
    cannot_fill("duration: 14\n", 1, 11, "`duration` must be a duration", "24h");
    cannot_fill("flag: maybe\n", 1, 7, "`flag` must be true or false", "");
    cannot_fill("colour: gren\n", 1, 9, "`colour` cannot be `gren`", "did you mean `green`?");
    cannot_fill("text: [a]\n", 1, 7, "`text` must be one value, not a list", "");
    cannot_fill("texts: {a: b}\n", 1, 8, "`texts` must be a list of texts", "");
    cannot_fill("texts: [[a]]\n", 1, 9, "`texts` must be a list of texts", "");
    cannot_fill("pairs: [a]\n", 1, 8, "`pairs` must be a map", "");
    cannot_fill("pairs: {a: [b]}\n", 1, 12, "`pairs` must be a map", "");
    cannot_fill("parts: {name: a}\n", 1, 8, "`parts` must be a list", "- name: ...");
    cannot_fill("parts: [a]\n", 1, 9, "`parts` must hold keys", "name");
    cannot_fill("[a]\n", 1, 1, "must hold keys", "text");
}

/* ---- the schema ---- */

#define HEAD                                                                                       \
    "version: 1\ncurrency: EUR\n"                                                                  \
    "customers:\n  key: who\n  label: {column: bad, positive: [Y], negative: [N]}\n  columns:\n"
#define CUSTOMER_COLUMNS "    - {name: who, type: text}\n    - {name: bad, type: category}\n"
#define TRANSACTIONS                                                                               \
    "transactions:\n  key: id\n  customer: who\n  created: at\n  amount: sum\n  columns:\n"
#define TRANSACTION_COLUMNS                                                                        \
    "    - {name: id, type: text}\n    - {name: who, type: text}\n"                                \
    "    - {name: at, type: time}\n    - {name: sum, type: decimal}\n"
#define GOOD HEAD CUSTOMER_COLUMNS TRANSACTIONS TRANSACTION_COLUMNS

static void cannot_read(const char *yaml, int line, int column, const char *message,
                        const char *remedy)
{
    Schema *schema = NULL;
    Error err = {0};
    assert_int_equal(schema_read(&schema, &arena, str_from(yaml), "b.yaml", &err), STATUS_FORMAT);
    expect(&err, STATUS_FORMAT, line, column, message, remedy);
}

static void schema_reads_the_smallest_book(void **state)
{
    (void)state;
    Schema *s = NULL;
    Error err = {0};
    assert_int_equal(schema_read(&s, &arena, str_from(GOOD), "b.yaml", &err), STATUS_OK);
    assert_int_equal(schema_transaction_column(s, S("sum"))->scale, 2);
    assert_int_equal(schema_transaction_column(s, S("sum"))->type, TYPE_DECIMAL);
    assert_null(schema_transaction_column(s, S("bad")));
    is_mark(s->customers.label.mark, 5, 10);
    is_text(s->text, GOOD);
    assert_string_equal(s->file, "b.yaml");
}

static void schema_type_names_are_those_of_the_table(void **state)
{
    (void)state;
    for (int type = TYPE_BOOLEAN; type <= TYPE_DURATION; type++) {
        Str book = str_format(&arena,
                              HEAD CUSTOMER_COLUMNS
                              "    - {name: x, type: %s}\n" TRANSACTIONS TRANSACTION_COLUMNS,
                              str_chars(&arena, type_name((Type)type)));
        Schema *s = NULL;
        Error err = {0};
        assert_int_equal(schema_read(&s, &arena, book, "b.yaml", &err), STATUS_OK);
        assert_int_equal(schema_customer_column(s, S("x"))->type, type);
    }
}

static void schema_refuses_what_contradicts_itself(void **state)
{
    (void)state;
    cannot_read("version: 2\ncurrency: EUR\n" GOOD, 3, 1, "`version` is given twice", "");
    cannot_read(HEAD
                "    - {name: whose, type: text}\n    - {name: bad, type: category}\n" TRANSACTIONS
                    TRANSACTION_COLUMNS,
                4, 8, "`who` is not declared", "`who");
    cannot_read(HEAD CUSTOMER_COLUMNS
                "    - {name: who, type: text}\n" TRANSACTIONS TRANSACTION_COLUMNS,
                9, 14, "`who` is declared twice", "keep one");
    cannot_read(HEAD
                "    - {name: who, type: date}\n    - {name: bad, type: category}\n" TRANSACTIONS
                    TRANSACTION_COLUMNS,
                7, 7, "`who` names the customer but is no text", "type: text");
    cannot_read(HEAD "    - {name: who, type: text}\n    - {name: bad, type: category, values: [Y, "
                     "M]}\n" TRANSACTIONS TRANSACTION_COLUMNS,
                5, 50, "`N` is not one of the values of `bad`", "`Y`");
    cannot_read(
        HEAD
        "    - {name: who, type: text, scale: 3}\n    - {name: bad, type: category}\n" TRANSACTIONS
            TRANSACTION_COLUMNS,
        7, 7, "scale", "decimal");
    cannot_read(HEAD "    - {name: who, type: txt}\n", 7, 25, "`type` cannot be `txt`", "`text`");
    cannot_read(HEAD CUSTOMER_COLUMNS TRANSACTIONS
                "    - {name: id, type: text}\n    - {name: who, type: text}\n"
                "    - {name: at, type: time}\n    - {name: sum, type: double}\n",
                18, 7, "`sum` is the amount but no decimal", "exact");
    cannot_read(HEAD CUSTOMER_COLUMNS TRANSACTIONS
                "    - {name: id, type: text}\n    - {name: who, type: text}\n"
                "    - {name: at, type: time}\n    - {name: sum, type: decimal, scale: 19}\n",
                18, 7, "impossible scale", "18");
    cannot_read(HEAD CUSTOMER_COLUMNS TRANSACTIONS
                "    - {name: id, type: text}\n    - {name: who, type: text}\n"
                "    - {name: at, type: text}\n    - {name: sum, type: decimal}\n",
                17, 7, "`at` is no time", "");
    cannot_read(GOOD "  pending: [P]\n", 19, 13, "no `state` is named", "state");
}

static void schema_refuses_an_unknown_version(void **state)
{
    (void)state;
    Str good = str_from(GOOD);
    Buffer book = buffer_new(&arena);
    buffer_add(&book, S("version: 9"));
    buffer_add(&book, str_slice(good, 10, good.size));
    cannot_read(str_chars(&arena, buffer_str(&book)), 1, 1, "version 9", "version: 1");
}

static void schema_default_reads_and_every_column_speaks(void **state)
{
    (void)state;
    Schema *s = NULL;
    Error err = {0};
    assert_int_equal(schema_default(&s, &arena, &err), STATUS_OK);
    assert_int_equal(s->customers.columns.count, 16);
    assert_int_equal(s->transactions.columns.count, 11);
    const BookRecords *both[] = {&s->customers.columns, &s->transactions.columns};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < both[k]->count; i++)
            assert_true(((const SchemaColumn *)both[k]->item)[i].says.text.size > 0);
    static const char *const grounds[] = {
        "country_of_residence", "phone_number_country_code", "occupation", "gender",
        "date_of_birth",        "document_issuing_country",  "locale"};
    for (size_t i = 0; i < COUNT_OF(grounds); i++)
        assert_true(schema_customer_column(s, str_from(grounds[i]))->protected.text.size > 0);
    assert_int_equal(schema_customer_column(s, S("occupation"))->values.count, 0);
    assert_int_equal(schema_transaction_column(s, S("type"))->values.count, 9);
    assert_int_equal(s->transactions.pending.count, 1);
}

/* The headers of the home task's files, when they are at hand, hold only declared columns. */
static void schema_default_declares_the_columns_of_the_real_files(void **state)
{
    (void)state;
    static const char *const files[] = {"labelled_users", "unlabelled_users",
                                        "labelled_transactions", "unlabelled_transactions"};
    Schema *s = NULL;
    Error err = {0};
    assert_int_equal(schema_default(&s, &arena, &err), STATUS_OK);
    for (size_t k = 0; k < COUNT_OF(files); k++) {
        const char *path = str_format(&arena, "../shared/data/deblock/%s.csv", files[k]).data;
        if (!file_exists(path)) {
            print_message("*** %s is absent: its header was NOT checked ***\n", path);
            continue;
        }
        Str bytes;
        assert_int_equal(file_read(&bytes, &arena, path, &err), STATUS_OK);
        size_t from = 0, columns = 0;
        for (size_t at = 0; at < bytes.size && from <= at; at++) {
            char c = bytes.data[at];
            if (c != ',' && c != '\r' && c != '\n')
                continue;
            Str name = str_slice(bytes, from, at);
            assert_non_null(k < 2 ? schema_customer_column(s, name)
                                  : schema_transaction_column(s, name));
            columns++;
            from = at + 1;
            if (c != ',')
                break;
        }
        assert_true(columns >= 10);
    }
}

static void default_books_are_valid_yaml(void **state)
{
    (void)state;
    static const char *const names[] = {"schema", "features", "policy"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        Node *node = NULL;
        Error err = {0};
        Status status = book_parse(&node, &arena, book_default_text(names[i]), names[i], &err);
        if (status != STATUS_OK)
            print_message("%s:%lld: %s\n", err.file, (long long)err.line, err.message);
        assert_int_equal(status, STATUS_OK);
        assert_int_equal(node->kind, NODE_MAP);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(yaml_nodes_keep_order_kind_and_mark),
        TEST(yaml_mark_is_the_first_character_of_content),
        TEST(yaml_columns_count_characters_and_skip_the_byte_order_mark),
        TEST(yaml_quoted_scalar_is_marked_quoted),
        TEST(yaml_refuses_anchors_aliases_and_tags),
        TEST(yaml_refuses_a_key_given_twice),
        TEST(yaml_refuses_keys_that_are_no_words),
        TEST(yaml_refuses_what_is_no_yaml_with_its_place),
        TEST(yaml_refuses_empty_books_and_second_documents),
        TEST(yaml_bounds_hold_exactly),
        TEST(record_reads_every_kind),
        TEST(record_leaves_defaults_where_nothing_is_written),
        TEST(record_answers_a_misspelt_key_with_the_nearest),
        TEST(record_tells_what_is_missing),
        TEST(record_refuses_the_wrong_kind_with_an_example),
        TEST(schema_reads_the_smallest_book),
        TEST(schema_type_names_are_those_of_the_table),
        TEST(schema_refuses_what_contradicts_itself),
        TEST(schema_refuses_an_unknown_version),
        TEST(schema_default_reads_and_every_column_speaks),
        TEST(schema_default_declares_the_columns_of_the_real_files),
        TEST(default_books_are_valid_yaml),
    };
    return cmocka_run_group_tests_name("book", tests, NULL, NULL);
}
