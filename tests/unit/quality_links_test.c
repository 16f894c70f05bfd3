#include "quality/quality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const char book[] = "version: 1\n"
                           "currency: EUR\n"
                           "customers:\n"
                           "  key: user\n"
                           "  person: person\n"
                           "  label: {column: outcome, positive: [BAD], negative: [GOOD]}\n"
                           "  columns:\n"
                           "    - {name: user, type: text}\n"
                           "    - {name: person, type: text}\n"
                           "    - {name: outcome, type: category}\n"
                           "transactions:\n"
                           "  key: id\n"
                           "  customer: user\n"
                           "  created: at\n"
                           "  amount: amount\n"
                           "  reference: of\n"
                           "  columns:\n"
                           "    - {name: id, type: text}\n"
                           "    - {name: of, type: text}\n"
                           "    - {name: user, type: text}\n"
                           "    - {name: at, type: time}\n"
                           "    - {name: amount, type: decimal}\n";

/* The same bank with two sides to every transaction. */
static const char sided[] = "version: 1\n"
                            "currency: EUR\n"
                            "customers:\n"
                            "  key: user\n"
                            "  label: {column: outcome, positive: [BAD], negative: [GOOD]}\n"
                            "  columns:\n"
                            "    - {name: user, type: text}\n"
                            "    - {name: outcome, type: category}\n"
                            "transactions:\n"
                            "  sides: {source: payer, target: payee}\n"
                            "  created: at\n"
                            "  amount: amount\n"
                            "  columns:\n"
                            "    - {name: payer, type: text}\n"
                            "    - {name: payee, type: text}\n"
                            "    - {name: at, type: time}\n"
                            "    - {name: amount, type: decimal}\n";

typedef struct Bank {
    Arena keep, scratch;
    Buffer customers, transactions;
    Dataset *data;
    Links *links;
    Arena text[2]; /* of the buffers, which grow at their ends */
} Bank;

static Bank *bank_new(const char *customers, const char *transactions)
{
    Bank *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->keep = arena_new();
    b->scratch = arena_new();
    b->text[0] = arena_new();
    b->text[1] = arena_new();
    b->customers = buffer_new(&b->text[0]);
    b->transactions = buffer_new(&b->text[1]);
    buffer_add(&b->customers, str_from(customers));
    buffer_add(&b->transactions, str_from(transactions));
    return b;
}

/* Reads what the buffers hold; the customers to be scored are one `z`. */
static void bank_link(Bank *b, const char *schema_text)
{
    Schema *schema;
    Error err = {0};
    if (schema_read(&schema, &b->keep, str_from(schema_text), "book", &err))
        fail_msg("%s", err.message);
    Str text[3] = {buffer_str(&b->customers), buffer_str(&b->transactions),
                   schema->customers.person.text.size > 0 ? S("user,person\nz,p1\n")
                                                          : S("user\nz\n")};
    const InputFile file[3] = {
        {"customers.csv", &text[0]}, {"transactions.csv", &text[1]}, {"scored.csv", &text[2]}};
    DatasetInputs in = {.customers = {&file[0], 1},
                        .transactions = {&file[1], 1},
                        .score_customers = {&file[2], 1},
                        .bad_rows_max = 1};
    if (dataset_read(&b->data, &b->keep, b->scratch, schema, &in, &err))
        fail_msg("%s", err.message);
    b->links = quality_link(&b->keep, b->scratch, b->data);
}

static void bank_free(Bank *b)
{
    arena_free(&b->text[0]);
    arena_free(&b->text[1]);
    arena_free(&b->keep);
    arena_free(&b->scratch);
    free(b);
}

static uint32_t group_of(const Bank *b, const char *id)
{
    for (size_t i = 0; i < b->data->customers; i++)
        if (str_equal(b->data->id[i], str_from(id)))
            return b->links->group[i];
    fail_msg("no customer %s", id);
    return 0;
}

static bool together(const Bank *b, const char *one, const char *other)
{
    return group_of(b, one) == group_of(b, other);
}

static const Finding *found(const Bank *b, const char *code)
{
    return findings_find(b->data->findings, code);
}

#define TRANSACTIONS "id,of,user,at,amount\n"

static void customers_who_share_nothing_are_alone(void **state)
{
    (void)state;
    Bank *b = bank_new("user,person,outcome\na,p1,GOOD\nb,p2,BAD\nc,,GOOD\nd,,BAD\n",
                       TRANSACTIONS "1,,a,2024-01-01,5\n2,,b,2024-01-02,5\n3,9,c,2024-01-02,5\n");
    bank_link(b, book);
    assert_int_equal(b->links->groups, 0);
    assert_int_equal(b->links->linked, 0);
    assert_int_equal(b->links->largest, 1);
    assert_false(together(b, "c", "d")); /* an empty person key names nobody */
    assert_null(found(b, "linked_customers"));
    assert_null(found(b, "same_person_twice"));
    bank_free(b);
}

static void persons_ids_and_references_link_and_chain(void **state)
{
    (void)state;
    Bank *b = bank_new("user,person,outcome\na,p1,GOOD\nb,p1,BAD\nc,p2,GOOD\nd,p3,BAD\ne,p4,GOOD\n"
                       "f,p5,GOOD\ng,p6,GOOD\nh,p7,GOOD\n",
                       TRANSACTIONS "1,,b,2024-01-01,5\n"
                                    "1,,c,2024-01-02,5\n"   /* one id, two customers */
                                    "2,7,d,2024-01-02,5\n"  /* refers to ... */
                                    "7,,e,2024-01-03,5\n"   /* ... this one */
                                    "3,88,f,2024-01-03,5\n" /* both refer to one unknown */
                                    "4,88,g,2024-01-03,5\n"
                                    "5,,z,2024-01-03,5\n"
                                    "5,,h,2024-01-03,5\n"); /* z is not learnt from */
    bank_link(b, book);
    assert_true(together(b, "a", "b") && together(b, "b", "c"));
    assert_true(together(b, "d", "e"));
    assert_true(together(b, "f", "g"));
    assert_false(together(b, "a", "d") || together(b, "d", "f") || together(b, "h", "z"));
    assert_false(together(b, "a", "z")); /* one person, but only who is learnt from is linked */
    assert_int_equal(b->links->groups, 3);
    assert_int_equal(b->links->linked, 7);
    assert_int_equal(b->links->largest, 3);
    assert_int_equal(b->links->by_person, 2);
    assert_int_equal(b->links->by_transaction, 6);
    const Finding *twice = found(b, "same_person_twice");
    assert_non_null(twice);
    assert_int_equal(twice->count, 1);
    assert_int_equal(twice->severity, SEVERITY_SEVERE); /* labelled both ways */
    assert_non_null(strstr(str_chars(&b->scratch, twice->what), "1 of these persons"));
    assert_int_equal(found(b, "linked_customers")->count, 7);
    bank_free(b);
}

static void hubs_and_placeholders_link_nobody(void **state)
{
    (void)state;
    Bank *b = bank_new("user,person,outcome\n", TRANSACTIONS);
    for (int i = 0; i < 30; i++) {
        buffer_format(&b->customers, "u%02d,%s,%s\n", i, i < 21 ? "UNKNOWN" : "",
                      i % 2 == 0 ? "GOOD" : "BAD");
        /* u00 .. u05 share the reference m, u06 .. u10 the reference n. */
        buffer_format(&b->transactions, "%d,%s,u%02d,2024-01-01,5\n", i,
                      i < 6    ? "m"
                      : i < 11 ? "n"
                               : "",
                      i);
    }
    bank_link(b, book);
    assert_false(together(b, "u00", "u05"));
    assert_true(together(b, "u06", "u10"));
    assert_int_equal(b->links->groups, 1);
    assert_int_equal(b->links->largest, LINK_TRANSACTION_MAX);
    assert_int_equal(b->links->hubs, 1);
    assert_int_equal(b->links->crowds, 1);
    assert_non_null(found(b, "shared_by_many"));
    assert_non_null(found(b, "person_of_many"));
    assert_null(found(b, "same_person_twice"));
    bank_free(b);
}

/* Pairs that pay each other are linked; a chain through the whole bank is not one group. */
static void one_history_under_two_ids_is_one_customer(void **state)
{
    (void)state;
    Bank *b = bank_new("user,person,outcome\na,,GOOD\nb,,BAD\nc,,GOOD\nd,,GOOD\n",
                       TRANSACTIONS "1,,a,2024-01-01 10:00:01,5\n2,,a,2024-01-02,6\n"
                                    "3,,a,2024-01-03,7\n"
                                    "9,,b,2024-01-03,7\n8,,b,2024-01-02,6\n" /* in any order */
                                    "7,,b,2024-01-01 10:00:01,5\n"
                                    "4,,c,2024-01-01 10:00:01,5\n5,,c,2024-01-02,6\n"
                                    "6,,c,2024-01-03,7.01\n" /* a cent more */
                                    "10,,d,2024-01-01 10:00:01,5\n11,,d,2024-01-02,6\n");
    bank_link(b, book);
    assert_true(together(b, "a", "b"));
    assert_false(together(b, "a", "c") || together(b, "a", "d"));
    assert_int_equal(b->links->by_history, 2);
    assert_int_equal(found(b, "same_history_twice")->count, 2);
    bank_free(b);
}

static void chains_of_payments_do_not_swallow_the_bank(void **state)
{
    (void)state;
    Bank *b = bank_new("user,outcome\n", "payer,payee,at,amount\n");
    for (int i = 0; i < 40; i++) {
        buffer_format(&b->customers, "u%02d,%s\n", i, i % 2 == 0 ? "GOOD" : "BAD");
        if (i < 20) /* u00 pays u01, who pays u02, ... */
            // NOLINTNEXTLINE(bugprone-branch-clone)
            buffer_format(&b->transactions, "u%02d,u%02d,2024-01-01,5\n", i, i + 1);
        else if (i >= 30 && i % 2 == 0)
            buffer_format(&b->transactions, "u%02d,u%02d,2024-01-01,5\n", i, i + 1);
    }
    bank_link(b, sided);
    assert_int_equal(b->links->chained, 21);
    assert_int_equal(b->links->limit, LINK_TRANSACTION_MAX);
    assert_false(together(b, "u00", "u01"));
    assert_true(together(b, "u30", "u31"));
    assert_int_equal(b->links->groups, 5);
    assert_int_equal(b->links->by_transaction, 10);
    assert_non_null(found(b, "links_in_chains"));
    bank_free(b);
}

static void persons_stay_linked_inside_a_chain_that_is_cut(void **state)
{
    (void)state;
    Bank *b = bank_new("user,person,outcome\n", TRANSACTIONS);
    for (int i = 0; i < 12; i++) {
        buffer_format(&b->customers, "u%02d,p%d,%s\n", i, i / 2, i % 3 == 0 ? "BAD" : "GOOD");
        buffer_format(&b->transactions, "t%d,,u%02d,2024-01-01,5\n", i, i);
        buffer_format(&b->transactions, "t%d,,u%02d,2024-01-01,5\n", i + 1, i);
    }
    bank_link(b, book);
    assert_int_equal(b->links->chained, 12);
    assert_int_equal(b->links->groups, 6);
    assert_true(together(b, "u00", "u01"));
    assert_false(together(b, "u01", "u02"));
    bank_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(customers_who_share_nothing_are_alone),
        cmocka_unit_test(persons_ids_and_references_link_and_chain),
        cmocka_unit_test(hubs_and_placeholders_link_nobody),
        cmocka_unit_test(one_history_under_two_ids_is_one_customer),
        cmocka_unit_test(chains_of_payments_do_not_swallow_the_bank),
        cmocka_unit_test(persons_stay_linked_inside_a_chain_that_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
