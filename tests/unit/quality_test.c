#include "quality/quality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A small bank of our own, so that nothing here hangs on the home task's columns. */
static const char schema_text[] = "version: 1\n"
                                  "name: small\n"
                                  "currency: EUR\n"
                                  "customers:\n"
                                  "  key: user_id\n"
                                  "  label: {column: outcome, positive: [BAD], negative: [GOOD],\n"
                                  "          ignored: [UGLY]}\n"
                                  "  columns:\n"
                                  "    - {name: user_id, type: text, says: The customer}\n"
                                  "    - {name: outcome, type: category, says: The label}\n"
                                  "    - {name: country, type: category, says: Where}\n"
                                  "    - {name: age, type: int64, says: How old}\n"
                                  "transactions:\n"
                                  "  key: id\n"
                                  "  customer: user_id\n"
                                  "  created: created_at\n"
                                  "  completed: completed_at\n"
                                  "  state: state\n"
                                  "  amount: amount\n"
                                  "  currency: currency\n"
                                  "  pending: [PENDING]\n"
                                  "  columns:\n"
                                  "    - {name: id, type: text, says: The transaction}\n"
                                  "    - {name: user_id, type: text, says: The customer}\n"
                                  "    - name: state\n"
                                  "      type: category\n"
                                  "      values: [PENDING, COMPLETED, FAILED, REVERSED]\n"
                                  "      says: How far it got\n"
                                  "    - name: direction\n"
                                  "      type: category\n"
                                  "      values: [IN, OUT]\n"
                                  "      says: Which way\n"
                                  "    - {name: shop, type: text, says: Where spent}\n"
                                  "    - {name: amount, type: decimal, scale: 2, says: How much}\n"
                                  "    - {name: currency, type: category, says: Of the amount}\n"
                                  "    - {name: created_at, type: time, says: When begun}\n"
                                  "    - {name: completed_at, type: time, says: When final}\n";

#define CUSTOMERS       "user_id,outcome,country,age\n"
#define SCORE_CUSTOMERS "user_id,country,age\n"
#define TRANSACTIONS    "id,user_id,state,direction,shop,amount,currency,created_at,completed_at\n"

enum { CUSTOMER, TRANSACTION, SCORE_CUSTOMER, SCORE_TRANSACTION, ROLES };
static const char *const role_names[ROLES] = {"customers", "transactions", "score_customers",
                                              "score_transactions"};

/* Nothing is to be found in these. */
static const char *const clean[ROLES] = {
    CUSTOMERS "a,GOOD,FR,30\n"
              "b,BAD,DE,41\n"
              "c,GOOD,FR,52\n",
    TRANSACTIONS "1,a,COMPLETED,IN,x,10.00,EUR,2024-01-01 10:00:00,2024-01-01 11:00:00\n"
                 "2,a,FAILED,OUT,,5.00,EUR,2024-01-02 10:00:00,2024-01-02 10:00:01\n"
                 "3,b,COMPLETED,IN,y,20.00,EUR,2024-01-03 10:00:00,2024-01-03 10:00:00\n"
                 "4,c,COMPLETED,OUT,x,1.00,EUR,2024-01-04 10:00:00,2024-01-04 10:00:00\n",
    SCORE_CUSTOMERS "d,FR,30\n"
                    "e,IT,25\n",
    TRANSACTIONS "5,d,COMPLETED,IN,x,10.00,EUR,2024-01-05 10:00:00,2024-01-05 10:00:00\n"
                 "6,e,COMPLETED,IN,y,10.00,EUR,2024-01-06 10:00:00,2024-01-06 10:00:00\n",
};

typedef struct Bank {
    Arena keep, scratch;
    Schema *schema;
    DatasetInputs in;
    Str text[ROLES][3];
    InputFile file[ROLES][3];
    size_t files[ROLES];
    Dataset *data;
    Error err;
} Bank;

static Bank *bank_new(void)
{
    Bank *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->keep = arena_new();
    b->scratch = arena_new();
    b->in.bad_rows_max = 1;
    if (schema_read(&b->schema, &b->keep, str_from(schema_text), "schema.yaml", &b->err))
        fail_msg("%s", b->err.message);
    return b;
}

static void bank_free(Bank *b)
{
    arena_free(&b->keep);
    arena_free(&b->scratch);
    free(b);
}

static void bank_file(Bank *b, int role, Str text)
{
    size_t at = b->files[role]++;
    b->text[role][at] = text;
    b->file[role][at] = (InputFile){str_format(&b->keep, "%s%zu.csv", role_names[role], at).data,
                                    &b->text[role][at]};
}

static Status bank_read(Bank *b)
{
    InputFiles *to[ROLES] = {&b->in.customers, &b->in.transactions, &b->in.score_customers,
                             &b->in.score_transactions};
    for (int i = 0; i < ROLES; i++)
        *to[i] = (InputFiles){b->file[i], b->files[i]};
    return dataset_read(&b->data, &b->keep, b->scratch, b->schema, &b->in, &b->err);
}

/* The clean files with lines added to one of them. */
static Bank *bank_with(int role, const char *lines)
{
    Bank *b = bank_new();
    for (int i = 0; i < ROLES; i++)
        bank_file(b, i, str_format(&b->keep, "%s%s", clean[i], i == role ? lines : ""));
    return b;
}

static void bank_must_read(Bank *b)
{
    if (bank_read(b) != STATUS_OK)
        fail_msg("%s", b->err.message);
}

static size_t customer_of(const Dataset *d, const char *id)
{
    for (size_t i = 0; i < d->customers; i++)
        if (str_equal(d->id[i], str_from(id)))
            return i;
    fail_msg("there is no customer %s", id);
    return 0;
}

static Str profile(Bank *b, const char *id, const char *column)
{
    return cell_text(&b->keep, table_find(b->data->profile, str_from(column)),
                     customer_of(b->data, id));
}

static void same_text(Str got, const char *want)
{
    if (!str_equal(got, str_from(want)))
        fail_msg("`%.*s` is not `%s`", STR_ARG(got), want);
}

static void sums_hold(const Bank *b)
{
    const Dataset *d = b->data;
    uint64_t customers = 0, transactions = 0;
    assert_int_equal(d->ledger_count, b->files[0] + b->files[1] + b->files[2] + b->files[3]);
    for (size_t i = 0; i < d->ledger_count; i++) {
        const LedgerLine *l = &d->ledger[i];
        assert_int_equal(l->rows, l->used + l->merged + l->quarantined);
        if (str_contains(l->role, S("customers")))
            customers += l->used;
        else
            transactions += l->used;
    }
    assert_int_equal(customers, d->customers);
    /* One used row for each id of each customer. */
    size_t events = 0;
    const Column *key = table_find(d->versions, S("id"));
    for (size_t i = 0; i < d->versions->rows; i++) {
        bool first = true;
        for (size_t k = 0; k < i && first; k++)
            first = d->owner[k] != d->owner[i] || !cell_equal(key, k, key, i);
        events += first;
    }
    assert_int_equal(transactions, events);
    uint64_t set_aside = 0;
    for (size_t i = 0; i < d->ledger_count; i++)
        set_aside += d->ledger[i].quarantined;
    assert_int_equal(set_aside, d->quarantine->count);
}

/* ---- every finding, there and not there ---- */

static const struct {
    const char *code;
    Severity severity;
    int role;
    const char *lines;
    uint64_t count;
    const char *as_of;
} found[] = {
    {"duplicate_customer_rows", SEVERITY_INFO, CUSTOMER, "a,GOOD,FR,30\na,GOOD,FR,30\n", 2, NULL},
    {"customer_versions", SEVERITY_WARNING, CUSTOMER, "a,GOOD,FR,31\nb,BAD,,41\nb,BAD,NL,\n", 2,
     NULL},
    {"contradictory_labels", SEVERITY_SEVERE, CUSTOMER, "a,BAD,FR,30\n", 1, NULL},
    {"no_label", SEVERITY_WARNING, CUSTOMER, "f,UGLY,FR,30\ng,,FR,31\na,,FR,30\n", 2, NULL},
    {"ignored_label", SEVERITY_INFO, CUSTOMER, "f,UGLY,FR,30\ng,,FR,31\na,,FR,30\n", 1, NULL},
    {"label_majority_positive", SEVERITY_SEVERE, CUSTOMER, "f,BAD,FR,30\ng,BAD,FR,31\n", 3, NULL},
    {"customers_in_both_cohorts", SEVERITY_WARNING, SCORE_CUSTOMER, "a,FR,30\nb,DE,41\n", 2, NULL},
    {"malformed_rows", SEVERITY_WARNING, CUSTOMER, "f,GOOD,FR,old\n,GOOD,FR,1\n", 2, NULL},
    {"duplicate_transaction_rows", SEVERITY_INFO, SCORE_TRANSACTION,
     "1,a,COMPLETED,IN,x,10.00,EUR,2024-01-01 10:00:00,2024-01-01 11:00:00\n"
     "1,a,COMPLETED,IN,,10.00,EUR,2024-01-01 10:00:00,2024-01-01 11:00:00\n",
     2, NULL},
    {"transaction_versions", SEVERITY_INFO, TRANSACTION,
     "1,a,PENDING,IN,x,10.00,EUR,2024-01-01 10:00:00,\n", 1, NULL},
    {"transactions_of_the_other_cohort", SEVERITY_WARNING, SCORE_TRANSACTION,
     "7,a,COMPLETED,IN,x,10.00,EUR,2024-01-01 10:00:00,2024-01-01 11:00:00\n", 1, NULL},
    {"transactions_of_nobody", SEVERITY_WARNING, TRANSACTION,
     "7,z,COMPLETED,IN,x,10.00,EUR,2024-01-01 10:00:00,2024-01-01 11:00:00\n"
     "8,z,COMPLETED,IN,x,10.00,EUR,2024-01-01 10:00:00,2024-01-01 11:00:00\n",
     2, NULL},
    {"transactions_after_as_of", SEVERITY_WARNING, TRANSACTION,
     "7,a,COMPLETED,IN,x,10.00,EUR,2024-01-07 10:00:00,2024-01-07 11:00:00\n", 1,
     "2024-01-07 09:59:59"},
    {"customers_without_transactions", SEVERITY_WARNING, CUSTOMER, "f,GOOD,FR,30\n", 1, NULL},
    {"completed_before_created", SEVERITY_WARNING, TRANSACTION,
     "7,a,COMPLETED,IN,x,10.00,EUR,2024-01-01 10:00:00,2024-01-01 09:00:00\n", 1, NULL},
    {"final_without_time", SEVERITY_WARNING, TRANSACTION,
     "7,a,COMPLETED,IN,x,10.00,EUR,2024-01-01 10:00:00,\n", 1, NULL},
    {"still_pending", SEVERITY_INFO, TRANSACTION,
     "7,a,PENDING,IN,x,10.00,EUR,2024-01-01 10:00:00,\n", 1, NULL},
    {"amount_changed", SEVERITY_INFO, TRANSACTION,
     "1,a,PENDING,IN,x,12.00,EUR,2024-01-01 10:00:00,\n", 1, NULL},
    {"several_final_states", SEVERITY_WARNING, TRANSACTION,
     "1,a,REVERSED,IN,x,10.00,EUR,2024-01-01 10:00:00,2024-01-02 11:00:00\n", 1, NULL},
    {"shared_transaction_ids", SEVERITY_WARNING, TRANSACTION,
     "1,b,COMPLETED,IN,x,10.00,EUR,2024-01-01 10:00:00,2024-01-01 11:00:00\n"
     "1,c,COMPLETED,IN,x,10.00,EUR,2024-01-01 10:00:00,2024-01-01 11:00:00\n",
     1, NULL},
};

static void every_finding_appears_when_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(found); i++) {
        Bank *b = bank_with(found[i].role, found[i].lines);
        if (found[i].as_of != NULL) {
            b->in.has_as_of = true;
            assert_true(parse_time(str_from(found[i].as_of), &b->in.as_of_us));
        }
        bank_must_read(b);
        const Finding *f = findings_find(b->data->findings, found[i].code);
        if (f == NULL || f->count != found[i].count || f->severity != found[i].severity) {
            fail_msg("%s: %llu instead of %llu", found[i].code,
                     (unsigned long long)(f == NULL ? 0 : f->count),
                     (unsigned long long)found[i].count);
            return;
        }
        assert_true(f->what.size > 0 && f->done.size > 0);
        sums_hold(b);
        bank_free(b);
    }
}

static void clean_files_give_no_finding(void **state)
{
    (void)state;
    Bank *b = bank_with(ROLES, "");
    bank_must_read(b);
    for (size_t i = 0; i < b->data->findings->count; i++)
        fail_msg("%.*s: %.*s", STR_ARG(b->data->findings->item[i].code),
                 STR_ARG(b->data->findings->item[i].what));
    sums_hold(b);
    assert_int_equal(b->data->customers, 5);
    assert_int_equal(b->data->versions->rows, 6);
    assert_int_equal(b->data->quarantine->count, 0);
    assert_int_equal(b->data->dropped_count, 0);
    char text[TIME_TEXT];
    same_text(time_text(text, b->data->as_of_us), "2024-01-06 10:00:00 UTC");
    bank_free(b);
}

/* Findings about columns need another header, so they are claimed apart. */
static void columns_that_say_nothing_are_found(void **state)
{
    (void)state;
    Bank *b = bank_new();
    bank_file(b, CUSTOMER, S("user_id,outcome,country,age,hat\na,GOOD,FR,,\nb,BAD,FR,,\n"));
    bank_file(b, TRANSACTION, str_from(clean[TRANSACTION]));
    bank_file(b, SCORE_CUSTOMER, S("user_id,country\nd,FR\n"));
    bank_file(b, SCORE_TRANSACTION, str_from(clean[SCORE_TRANSACTION]));
    bank_must_read(b);
    const Findings *f = b->data->findings;
    const Finding *empty = findings_find(f, "empty_column");
    const Finding *constant = findings_find(f, "constant_column");
    const Finding *extra = findings_find(f, "extra_columns");
    assert_non_null(empty);
    assert_non_null(constant);
    assert_non_null(extra);
    assert_true(str_contains(empty->what, S("age")));
    assert_true(str_contains(constant->what, S("country")) &&
                str_contains(constant->what, S("FR")));
    assert_true(str_contains(extra->what, S("hat")));
    assert_int_equal(b->data->dropped_count, 0); /* age says nothing in either cohort */
    sums_hold(b);
    bank_free(b);
}

/* A column counts where it brings values: a header over empty cells is as good as none. */
static void column_of_one_cohort_only_is_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *labelled, *scored, *code;
    } shape[] = {{"user_id,outcome,country,age\na,GOOD,FR,33\nb,BAD,DE,44\n",
                  "user_id,country\nd,FR\n", "absent_at_scoring"},
                 {"user_id,outcome,country,age\na,GOOD,FR,33\nb,BAD,DE,44\n",
                  "user_id,country,age\nd,FR,\n", "absent_at_scoring"},
                 {"user_id,outcome,country\na,GOOD,FR\nb,BAD,DE\n",
                  "user_id,country,age\nd,FR,20\n", "absent_at_training"}};
    for (size_t i = 0; i < COUNT_OF(shape); i++) {
        Bank *b = bank_new();
        bank_file(b, CUSTOMER, str_from(shape[i].labelled));
        bank_file(b, TRANSACTION, str_from(clean[TRANSACTION]));
        bank_file(b, SCORE_CUSTOMER, str_from(shape[i].scored));
        bank_file(b, SCORE_TRANSACTION, str_from(clean[SCORE_TRANSACTION]));
        bank_must_read(b);
        const Finding *f = findings_find(b->data->findings, shape[i].code);
        assert_non_null(f);
        assert_true(f != NULL && str_contains(f->what, S("age")));
        assert_int_equal(b->data->dropped_count, 1);
        same_text(b->data->dropped[0], "age");
        bank_free(b);
    }
}

/* Which rows say less than they should, and that nothing is made up for them. */
static void rows_without_amount_state_currency_or_sign_are_counted(void **state)
{
    (void)state;
    Bank *b = bank_new();
    bank_file(b, CUSTOMER, str_from(clean[CUSTOMER]));
    bank_file(b, TRANSACTION,
              S(TRANSACTIONS
                "1,a,COMPLETED,IN,x,,EUR,2024-01-01 10:00:00,2024-01-01 11:00:00\n"
                "2,a,,OUT,,5.00,EUR,2024-01-02 10:00:00,2024-01-02 10:00:01\n"
                "3,b,COMPLETED,IN,y,-20.00,EUR,2024-01-03 10:00:00,2024-01-03 10:00:00\n"
                "4,c,COMPLETED,OUT,x,1.00,,2024-01-04 10:00:00,2024-01-04 10:00:00\n"));
    bank_must_read(b);
    const char *const codes[] = {"no_amount", "no_state", "negative_amount", "no_currency"};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        const Finding *f = findings_find(b->data->findings, codes[i]);
        assert_non_null(f);
        assert_true(f != NULL && f->count == 1);
    }
    bank_free(b);
}

/* One mistyped year moves as_of for everybody. */
static void a_time_far_from_all_others_is_named(void **state)
{
    (void)state;
    for (int typo = 0; typo < 2; typo++) {
        Bank *b = bank_new();
        Buffer rows = buffer_new(&b->keep);
        buffer_add(&rows, S(TRANSACTIONS));
        for (int i = 0; i < 200; i++)
            buffer_format(&rows, "t%d,a,COMPLETED,IN,x,1.00,EUR,%s-03-%02d 10:00:00,\n", i,
                          typo == 1 && i == 77 ? "2099" : "2024", 1 + i % 28);
        bank_file(b, CUSTOMER, str_from(clean[CUSTOMER]));
        bank_file(b, TRANSACTION, buffer_str(&rows));
        bank_must_read(b);
        const Finding *f = findings_find(b->data->findings, "times_far_off");
        assert_true((f != NULL) == (typo == 1));
        assert_true(f == NULL || (f->count == 1 && str_contains(f->what, S("line 79"))));
        assert_true((findings_find(b->data->findings, "as_of_far_off") != NULL) == (typo == 1));
        bank_free(b);
    }
}

/* ---- customers ---- */

static void labels_follow_the_schema(void **state)
{
    (void)state;
    Bank *b = bank_with(CUSTOMER, "a,BAD,FR,30\nf,UGLY,FR,30\nc,,FR,52\n");
    bank_must_read(b);
    const Dataset *d = b->data;
    assert_int_equal(d->label[customer_of(d, "a")], LABEL_CONTRADICTORY);
    assert_int_equal(d->label[customer_of(d, "b")], LABEL_POSITIVE);
    assert_int_equal(d->label[customer_of(d, "c")],
                     LABEL_NEGATIVE); /* an empty label says nothing */
    assert_int_equal(d->label[customer_of(d, "f")], LABEL_NONE);
    assert_int_equal(d->label[customer_of(d, "d")], LABEL_NONE);
    assert_int_equal(d->cohort[customer_of(d, "a")], COHORT_LABELLED);
    assert_int_equal(d->cohort[customer_of(d, "d")], COHORT_SCORED);
    assert_null(table_find(d->profile, S("outcome"))); /* a feature cannot see it */
    for (size_t i = 1; i < d->customers; i++)
        assert_true(str_compare(d->id[i - 1], d->id[i]) < 0);
    bank_free(b);
}

static void a_label_with_a_third_value_is_refused_by_name(void **state)
{
    (void)state;
    Bank *b = bank_with(CUSTOMER, "f,WORSE,FR,30\ng,,FR,31\nh,FINE,FR,30\ni,WORSE,FR,3\n");
    assert_int_equal(bank_read(b), STATUS_DATA);
    assert_string_equal(b->err.message,
                        "the label outcome also holds `FINE`, `WORSE`, which the schema book "
                        "calls neither positive nor negative");
    assert_non_null(strstr(b->err.remedy, "`ignored`"));
    assert_int_equal(b->err.line, 5);
    bank_free(b);
}

static void label_of_a_file_to_be_scored_is_not_read(void **state)
{
    (void)state;
    Bank *b = bank_new();
    bank_file(b, CUSTOMER, str_from(clean[CUSTOMER]));
    bank_file(b, TRANSACTION, str_from(clean[TRANSACTION]));
    bank_file(b, SCORE_CUSTOMER, S(CUSTOMERS "a,BAD,FR,30\nd,BAD,FR,30\n"));
    bank_file(b, SCORE_TRANSACTION, str_from(clean[SCORE_TRANSACTION]));
    bank_must_read(b);
    const Dataset *d = b->data;
    assert_int_equal(d->label[customer_of(d, "a")], LABEL_NEGATIVE);
    assert_int_equal(d->cohort[customer_of(d, "a")], COHORT_LABELLED | COHORT_SCORED);
    assert_int_equal(d->label[customer_of(d, "d")], LABEL_NONE);
    bank_free(b);
}

static void versions_settle_by_majority_and_a_tie_is_missing(void **state)
{
    (void)state;
    Bank *b = bank_with(CUSTOMER, "a,GOOD,DE,30\na,GOOD,DE,31\n" /* country 2:1, age 2:1 */
                                  "b,BAD,FR,41\n"                /* country 1:1, age agrees */
                                  "c,GOOD,,\nc,GOOD,,\n");       /* missing does not vote */
    bank_must_read(b);
    same_text(profile(b, "a", "country"), "DE");
    same_text(profile(b, "a", "age"), "30");
    same_text(profile(b, "b", "country"), "");
    same_text(profile(b, "b", "age"), "41");
    same_text(profile(b, "c", "country"), "FR");
    same_text(profile(b, "c", "age"), "52");
    same_text(profile(b, "a", "records"), "3");
    same_text(profile(b, "e", "records"), "1");
    bank_free(b);
}

static void a_tie_of_three_and_a_late_majority(void **state)
{
    (void)state;
    Bank *b = bank_with(CUSTOMER, "a,GOOD,DE,30\na,GOOD,IT,30\n"            /* 1:1:1 */
                                  "b,BAD,FR,41\nb,BAD,FR,41\nb,BAD,DE,41\n" /* 2:2 */
                                  "c,GOOD,DE,52\nc,GOOD,DE,52\n");          /* 1:2 */
    bank_must_read(b);
    same_text(profile(b, "a", "country"), "");
    same_text(profile(b, "b", "country"), "");
    same_text(profile(b, "c", "country"), "DE");
    bank_free(b);
}

/* ---- transactions ---- */

static void rows_are_routed_by_customer_whichever_file_they_came_in(void **state)
{
    (void)state;
    Bank *b = bank_with(SCORE_TRANSACTION,
                        "7,a,COMPLETED,IN,x,70.00,EUR,2024-01-01 12:00:00,2024-01-01 12:00:00\n"
                        "8,z,COMPLETED,IN,x,80.00,EUR,2024-01-01 12:00:00,2024-01-01 12:00:00\n");
    bank_must_read(b);
    const Dataset *d = b->data;
    const Column *key = table_find(d->versions, S("id"));
    bool seen = false;
    for (size_t i = 0; i < d->versions->rows; i++) {
        Str id = cell_text(&b->keep, key, i);
        assert_false(str_equal(id, S("8")));
        if (str_equal(id, S("7"))) {
            assert_int_equal(d->owner[i], customer_of(d, "a"));
            same_text(d->versions->files[d->versions->file[i]], "score_transactions0.csv");
            assert_int_equal(d->versions->line[i], 4);
            seen = true;
        }
    }
    assert_true(seen);
    assert_int_equal(d->quarantine->count, 1);
    same_text(d->quarantine->row[0].code, "unknown_customer");
    assert_int_equal(d->quarantine->row[0].line, 5);
    same_text(d->quarantine->files->text[d->quarantine->row[0].file], "score_transactions0.csv");
    assert_true(str_contains(d->quarantine->row[0].raw, S("80.00")));
    bank_free(b);
}

static size_t rows_of(Bank *b, const char *id, Str *shops)
{
    const Table *v = b->data->versions;
    size_t rows = 0;
    Buffer out = buffer_new(&b->keep);
    for (size_t i = 0; i < v->rows; i++)
        if (str_equal(cell_text(&b->keep, table_find(v, S("id")), i), str_from(id))) {
            rows++;
            buffer_add(&out, cell_text(&b->keep, table_find(v, S("shop")), i));
            buffer_char(&out, ';');
        }
    *shops = buffer_str(&out);
    return rows;
}

#define EVENT(shop, direction)                                                                     \
    "7,a,COMPLETED," direction "," shop ",7.00,EUR,2024-01-01 10:00:00,2024-01-01 10:00:00\n"

static void of_rows_that_say_the_same_the_fullest_is_kept(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        size_t rows;
        const char *shops;
    } cases[] = {
        {EVENT("", "IN") EVENT("x", "IN") EVENT("", ""), 1, "x;"}, /* a file lacks columns */
        {EVENT("x", "IN") EVENT("", "IN") EVENT("x", "IN"), 1, "x;"},
        {EVENT("x", "IN") EVENT("y", "IN"), 2, "x;y;"}, /* they contradict each other */
        {EVENT("", "IN") EVENT("x", "IN") EVENT("y", "IN"), 2, "x;y;"},
        {EVENT("x", "IN") EVENT("", "IN") EVENT("y", "IN"), 2, "x;y;"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Bank *b = bank_with(TRANSACTION, cases[i].lines);
        Str shops;
        bank_must_read(b);
        assert_int_equal(rows_of(b, "7", &shops), cases[i].rows);
        same_text(shops, cases[i].shops);
        sums_hold(b);
        bank_free(b);
    }
}

/* The event of one id as known at an instant: "state direction amount completed records", or
 * nothing. */
static Str known(Bank *b, const char *id, const char *as_of)
{
    int64_t at, *as_of_us = ARENA_ARRAY(&b->keep, int64_t, b->data->customers + 1);
    assert_true(parse_time(str_from(as_of), &at));
    for (size_t i = 0; i < b->data->customers; i++)
        as_of_us[i] = at;
    Collapsed *c;
    assert_int_equal(quality_collapse(&c, &b->keep, b->scratch, b->schema, b->data->versions,
                                      b->data->owner, as_of_us, &b->err),
                     STATUS_OK);
    Str out = S("");
    for (size_t i = 0; i < c->rows->rows; i++) {
        static const char *const names[] = {"state", "amount", "completed_at", "records"};
        if (!str_equal(cell_text(&b->keep, table_find(c->rows, S("id")), i), str_from(id)))
            continue;
        assert_int_equal(out.size, 0); /* one row for each id */
        Buffer text = buffer_new(&b->keep);
        for (size_t k = 0; k < COUNT_OF(names); k++) {
            buffer_add(&text, k > 0 ? S("|") : S(""));
            buffer_add(&text, cell_text(&b->keep, table_find(c->rows, str_from(names[k])), i));
        }
        out = buffer_str(&text);
    }
    return out;
}

static void events_stand_in_time_order_whichever_way_they_come(void **state)
{
    (void)state;
    /* The minute, and the id; of one minute the lesser id comes first. */
    static const char *const orders[] = {"1a 2b 3c 3d 4e", "4e 3d 3c 2b 1a", "4e 3c 3d 2b 1a",
                                         "2b 4e 1a 3d 3c", "1a 2b 3d 3c 4e"};
    for (size_t k = 0; k < COUNT_OF(orders); k++) {
        Arena arena = arena_new();
        Buffer rows = buffer_new(&arena);
        for (const char *at = orders[k]; *at != 0; at += at[2] == 0 ? 2 : 3)
            buffer_format(&rows, "%c,a,COMPLETED,IN,x,1.00,EUR,2024-01-01 10:0%c:00,\n", at[1],
                          at[0]);
        buffer_char(&rows, 0);
        Bank *b = bank_with(TRANSACTION, buffer_str(&rows).data);
        bank_must_read(b);
        int64_t as_of, *as_of_us = ARENA_ARRAY(&b->keep, int64_t, b->data->customers + 1);
        assert_true(parse_time(S("2024-01-02 00:00:00"), &as_of));
        for (size_t i = 0; i < b->data->customers; i++)
            as_of_us[i] = as_of;
        /* Theirs alone, as in a request. */
        const Table *all = b->data->versions;
        uint32_t *index = ARENA_ARRAY(&b->keep, uint32_t, all->rows + 1);
        uint32_t *owner = ARENA_ARRAY(&b->keep, uint32_t, all->rows + 1);
        size_t count = 0;
        for (size_t i = 0; i < all->rows; i++)
            if (cell_text(&b->keep, table_find(all, S("id")), i).data[0] >= 'a') {
                owner[count] = b->data->owner[i];
                index[count++] = (uint32_t)i;
            }
        assert_int_equal(count, 5);
        Collapsed *c;
        assert_int_equal(quality_collapse(&c, &b->keep, b->scratch, b->schema,
                                          table_take(&b->keep, all, index, count), owner, as_of_us,
                                          &b->err),
                         STATUS_OK);
        Buffer ids = buffer_new(&b->keep);
        for (size_t i = 0; i < c->rows->rows; i++)
            buffer_add(&ids, cell_text(&b->keep, table_find(c->rows, S("id")), i));
        same_text(buffer_str(&ids), "abcde");
        bank_free(b);
        arena_free(&arena);
    }
}

static void pending_counts_until_completion(void **state)
{
    (void)state;
    Bank *b = bank_with(TRANSACTION, "7,a,PENDING,IN,x,70.00,EUR,2024-01-01 10:00:00,\n"
                                     "7,a,COMPLETED,IN,x,71.50,EUR,2024-01-01 10:00:00,"
                                     "2024-01-01 12:00:00\n");
    bank_must_read(b);
    same_text(known(b, "7", "2024-01-01 09:59:59.999999"), "");
    same_text(known(b, "7", "2024-01-01 10:00:00"), "PENDING|70.00||1");
    same_text(known(b, "7", "2024-01-01 11:59:59.999999"), "PENDING|70.00||1");
    same_text(known(b, "7", "2024-01-01 12:00:00"), "COMPLETED|71.50|2024-01-01 12:00:00 UTC|2");
    bank_free(b);
}

static void final_without_a_pending_row_was_pending_too(void **state)
{
    (void)state;
    Bank *b = bank_with(TRANSACTION, "7,a,COMPLETED,IN,x,70.00,EUR,2024-01-01 10:00:00,"
                                     "2024-01-02 12:00:00\n");
    bank_must_read(b);
    same_text(known(b, "7", "2024-01-01 10:00:00"), "PENDING|70.00||1");
    same_text(known(b, "7", "2024-01-02 11:59:59"), "PENDING|70.00||1");
    same_text(known(b, "7", "2024-01-02 12:00:00"), "COMPLETED|70.00|2024-01-02 12:00:00 UTC|1");
    bank_free(b);
}

static void latest_of_several_finals_counts(void **state)
{
    (void)state;
    Bank *b = bank_with(TRANSACTION,
                        "7,a,REVERSED,IN,x,70.00,EUR,2024-01-01 10:00:00,2024-01-03 00:00:00\n"
                        "7,a,COMPLETED,IN,x,70.00,EUR,2024-01-01 10:00:00,2024-01-02 00:00:00\n"
                        "7,a,PENDING,IN,x,70.00,EUR,2024-01-01 10:00:00,\n");
    bank_must_read(b);
    same_text(known(b, "7", "2024-01-01 20:00:00"), "PENDING|70.00||1");
    same_text(known(b, "7", "2024-01-02 20:00:00"), "COMPLETED|70.00|2024-01-02 00:00:00 UTC|2");
    same_text(known(b, "7", "2024-01-03 20:00:00"), "REVERSED|70.00|2024-01-03 00:00:00 UTC|3");
    bank_free(b);
}

static void completion_before_creation_counts_from_creation(void **state)
{
    (void)state;
    Bank *b = bank_with(TRANSACTION, "7,a,COMPLETED,IN,x,70.00,EUR,2024-01-02 10:00:00,"
                                     "2024-01-01 10:00:00\n"
                                     "8,a,FAILED,IN,x,80.00,EUR,2024-01-02 10:00:00,\n");
    bank_must_read(b);
    same_text(known(b, "7", "2024-01-02 09:59:59"), "");
    same_text(known(b, "7", "2024-01-02 10:00:00"), "COMPLETED|70.00|2024-01-01 10:00:00 UTC|1");
    same_text(known(b, "8", "2024-01-02 10:00:00"), "FAILED|80.00||1");
    bank_free(b);
}

static void collapsed_rows_are_by_customer_time_and_id(void **state)
{
    (void)state;
    Bank *b = bank_with(TRANSACTION,
                        "10,a,COMPLETED,IN,x,1.00,EUR,2024-01-01 10:00:00,2024-01-01 10:00:00\n"
                        "09,a,COMPLETED,IN,x,1.00,EUR,2024-01-01 10:00:00,2024-01-01 10:00:00\n"
                        "11,a,COMPLETED,IN,x,1.00,EUR,2023-12-31 10:00:00,2024-01-01 10:00:00\n");
    bank_must_read(b);
    int64_t as_of[8];
    for (size_t i = 0; i < b->data->customers; i++)
        as_of[i] = b->data->as_of_us;
    Collapsed *c;
    assert_int_equal(quality_collapse(&c, &b->keep, b->scratch, b->schema, b->data->versions,
                                      b->data->owner, as_of, &b->err),
                     STATUS_OK);
    static const char *const order[] = {"11", "09", "1", "10", "2", "3", "4", "5", "6"};
    assert_int_equal(c->rows->rows, COUNT_OF(order));
    for (size_t i = 0; i < COUNT_OF(order); i++)
        same_text(cell_text(&b->keep, table_find(c->rows, S("id")), i), order[i]);
    bank_free(b);
}

/* ---- what nothing honest can be done with ---- */

static void refused(Bank *b, Status status, const char *message, const char *remedy)
{
    assert_int_equal(bank_read(b), status);
    assert_int_equal(b->err.status, status);
    assert_string_equal(b->err.message, message);
    assert_string_equal(b->err.remedy, remedy);
}

static Bank *bank_of(const char *customers, const char *transactions)
{
    Bank *b = bank_new();
    bank_file(b, CUSTOMER, str_from(customers));
    bank_file(b, TRANSACTION, str_from(transactions));
    return b;
}

static void one_class_only_is_refused(void **state)
{
    (void)state;
    Bank *b = bank_of(CUSTOMERS "a,GOOD,FR,30\nb,GOOD,DE,41\n", clean[TRANSACTION]);
    refused(b, STATUS_DATA,
            "one class only: 0 customers labelled risky and 2 not, in column outcome",
            "learning needs both; check `label` in the schema book against the values in the file");
    bank_free(b);
    /* Contradictory customers belong to neither class. */
    b = bank_of(CUSTOMERS "a,GOOD,FR,30\na,BAD,FR,30\nb,GOOD,DE,41\n", clean[TRANSACTION]);
    refused(b, STATUS_DATA,
            "one class only: 0 customers labelled risky and 1 not, in column outcome",
            "learning needs both; check `label` in the schema book against the values in the file");
    bank_free(b);
}

static void a_labelled_file_without_the_label_is_refused(void **state)
{
    (void)state;
    Bank *b = bank_of("user_id,country,outcom\na,FR,GOOD\n", clean[TRANSACTION]);
    assert_int_equal(bank_read(b), STATUS_FORMAT);
    assert_non_null(strstr(b->err.message, "outcome"));
    assert_non_null(strstr(b->err.remedy, "outcom"));
    assert_string_equal(b->err.file, "customers0.csv");
    assert_int_equal(b->err.line, 1);
    bank_free(b);
}

static void labelled_files_without_a_usable_row_are_refused(void **state)
{
    (void)state;
    Bank *b = bank_of(CUSTOMERS, clean[TRANSACTION]);
    bank_file(b, SCORE_CUSTOMER, str_from(clean[SCORE_CUSTOMER]));
    refused(b, STATUS_DATA,
            "no labelled customer could be read: the files of labelled customers have a header "
            "and no usable row",
            "check that the files are the right ones and not cut off");
    bank_free(b);
}

static void header_only_is_refused(void **state)
{
    (void)state;
    Bank *b = bank_of(CUSTOMERS, clean[TRANSACTION]);
    refused(b, STATUS_DATA,
            "no customer could be read: the customer files have a header and no usable row",
            "check that the files are the right ones and not cut off");
    bank_free(b);
    b = bank_of(clean[CUSTOMER], TRANSACTIONS);
    refused(b, STATUS_DATA, "none of the 0 transaction rows belongs to any of the 3 customers",
            "check that customers and transactions come from the same extract, and `key` and "
            "`customer` in the schema book");
    bank_free(b);
}

static void transactions_of_other_customers_only_are_refused(void **state)
{
    (void)state;
    Bank *b = bank_of(clean[CUSTOMER], clean[SCORE_TRANSACTION]);
    refused(b, STATUS_DATA, "none of the 2 transaction rows belongs to any of the 3 customers",
            "check that customers and transactions come from the same extract, and `key` and "
            "`customer` in the schema book");
    bank_free(b);
}

static void an_as_of_before_every_transaction_is_refused_by_its_name(void **state)
{
    (void)state;
    Bank *b = bank_with(ROLES, "");
    b->in.has_as_of = true;
    assert_true(parse_time(S("2023-01-01"), &b->in.as_of_us));
    refused(b, STATUS_DATA,
            "all 6 transaction rows were created after as_of, 2023-01-01 00:00:00 UTC",
            "give a later as_of, or none: then it is the latest event");
    bank_free(b);
}

/* A request may be about a customer of whom nothing is known yet. */
static void a_customer_to_be_scored_may_have_no_known_transaction(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        Bank *b = bank_new();
        bank_file(b, SCORE_CUSTOMER, S(SCORE_CUSTOMERS "d,FR,30\n"));
        bank_file(b, SCORE_TRANSACTION,
                  with ? S(TRANSACTIONS "5,d,COMPLETED,IN,x,10.00,EUR,2024-01-05 10:00:00,\n")
                       : S(TRANSACTIONS));
        b->in.has_as_of = true;
        assert_true(parse_time(S("2024-01-01"), &b->in.as_of_us));
        bank_must_read(b);
        assert_int_equal(b->data->versions->rows, 0);
        assert_int_equal(b->data->quarantine->count, with);
        sums_hold(b);
        bank_free(b);
    }
}

static void a_second_currency_is_refused(void **state)
{
    (void)state;
    Bank *b = bank_with(TRANSACTION,
                        "7,a,COMPLETED,IN,x,70.00,CHF,2024-01-01 10:00:00,2024-01-01 10:00:00\n");
    refused(b, STATUS_DATA, "amounts are in more than one currency: CHF beside EUR",
            "convert the amounts, or keep the rows of one currency; amounts of different "
            "currencies are never added up");
    assert_string_equal(b->err.file, "transactions0.csv");
    assert_int_equal(b->err.line, 6);
    bank_free(b);
}

static void too_many_malformed_rows_close_the_gate_and_keep_the_quarantine(void **state)
{
    (void)state;
    Bank *b = bank_with(CUSTOMER, "f,GOOD,FR,old\n");
    b->in.bad_rows_max = 0.25; /* one of four rows is not more than that */
    bank_must_read(b);
    bank_free(b);
    b = bank_with(CUSTOMER, "f,GOOD,FR,old\n");
    b->in.bad_rows_max = 0.2;
    refused(b, STATUS_GATE, "25.0 % of the rows of customers0.csv cannot be read, more than 20.0 %",
            "see quarantine.csv for each row and reason; mend the file or raise --max-bad-rows");
    assert_int_equal(b->data->quarantine->count, 1);
    assert_int_equal(b->data->quarantine->row[0].line, 5);
    bank_free(b);
}

/* Half and half is no majority; more is told with its figures. */
static void a_label_that_looks_the_wrong_way_round_is_said(void **state)
{
    (void)state;
    Bank *b = bank_with(CUSTOMER, "f,BAD,FR,30\n");
    bank_must_read(b);
    assert_null(findings_find(b->data->findings, "label_majority_positive"));
    bank_free(b);
    b = bank_with(CUSTOMER, "f,BAD,FR,30\ng,BAD,FR,30\nh,UGLY,FR,30\n");
    bank_must_read(b);
    const Finding *f = findings_find(b->data->findings, "label_majority_positive");
    assert_non_null(f);
    assert_true(str_contains(f->what, S("3 of 5 labelled customers are risky; if `positive` and")));
    assert_true(str_contains(f->done, S("look at `label`")));
    bank_free(b);
}

static void a_share_above_a_small_limit_reads_as_above_it(void **state)
{
    (void)state;
    Bank *b = bank_with(ROLES, "");
    Buffer rows = buffer_new(&b->keep);
    buffer_add(&rows, S(CUSTOMERS "f,GOOD,FR,old\n"));
    for (size_t i = 0; i < 996; i++)
        buffer_format(&rows, "n%zu,GOOD,FR,30\n", i);
    bank_file(b, CUSTOMER, buffer_str(&rows));
    b->in.bad_rows_max = 0.0002;
    refused(b, STATUS_GATE,
            "0.1003 % of the rows of customers1.csv cannot be read, more than 0.02 %",
            "see quarantine.csv for each row and reason; mend the file or raise --max-bad-rows");
    bank_free(b);
}

static void no_file_is_a_usage_error(void **state)
{
    (void)state;
    Bank *b = bank_new();
    bank_file(b, CUSTOMER, str_from(clean[CUSTOMER]));
    assert_int_equal(bank_read(b), STATUS_USAGE);
    assert_string_equal(b->err.message, "no transaction file was given");
    bank_free(b);
    b = bank_new();
    bank_file(b, TRANSACTION, str_from(clean[TRANSACTION]));
    assert_int_equal(bank_read(b), STATUS_USAGE);
    assert_string_equal(b->err.message, "no customer file was given");
    bank_free(b);
}

/* ---- the order of rows and files says nothing ---- */

enum { LINES_MAX = 400, ORDERS = 12 };

typedef struct Lines {
    Str line[ROLES][LINES_MAX];
    size_t count[ROLES];
} Lines;

static Str pick(Random *r, const char *const *of, size_t count)
{
    return str_from(of[random_below(r, count)]);
}

/* Versions, copies, contradictions and half-empty rows, drawn from few values so that they
 * collide in every way. */
static void messy(Lines *l, Arena *arena, Random *r)
{
    static const char *const outcomes[] = {"GOOD", "GOOD", "BAD", "", "UGLY"};
    static const char *const countries[] = {"FR", "DE", "IT", ""};
    static const char *const ages[] = {"30", "31", ""};
    static const char *const states[] = {"PENDING", "COMPLETED", "COMPLETED",
                                         "FAILED",  "REVERSED",  ""};
    static const char *const ways[] = {"IN", "OUT", ""};
    static const char *const shops[] = {"x", "y", "", ""};
    static const char *const amounts[] = {"1.00", "2.00", "0", ""};
    static const char *const times[] = {"2024-01-01 10:00:00", "2024-01-02 10:00:00",
                                        "2024-01-03 10:00:00"};
    static const char *const finals[] = {"2024-01-01 09:00:00", "2024-01-02 10:00:00",
                                         "2024-01-04 10:00:00", ""};
    for (int i = 0; i < 60; i++) {
        int role = random_below(r, 3) ? CUSTOMER : SCORE_CUSTOMER;
        Str country = pick(r, countries, 4), age = pick(r, ages, 3), outcome = pick(r, outcomes, 5);
        int id = (int)random_below(r, 20);
        l->line[role][l->count[role]++] =
            role == CUSTOMER
                ? str_format(arena, "u%d,%s,%s,%s\n", id, outcome.data, country.data, age.data)
                : str_format(arena, "u%d,%s,%s\n", id, country.data, age.data);
    }
    /* So that there are two classes whatever was drawn. */
    l->line[CUSTOMER][l->count[CUSTOMER]++] = S("good,GOOD,FR,1\n");
    l->line[CUSTOMER][l->count[CUSTOMER]++] = S("bad,BAD,FR,1\n");
    for (int i = 0; i < 300; i++) {
        int role = random_below(r, 3) ? TRANSACTION : SCORE_TRANSACTION;
        int id = (int)random_below(r, 60);
        Str cell[7] = {pick(r, states, 6),  pick(r, ways, 3), pick(r, shops, 4),
                       pick(r, amounts, 4), S("EUR"),         pick(r, times, 3),
                       pick(r, finals, 4)};
        l->line[role][l->count[role]++] =
            str_format(arena, "t%d,u%d,%s,%s,%s,%s,%s,%s,%s\n", id,
                       random_below(r, 8) ? id % 22 : (id + 1) % 22, cell[0].data, cell[1].data,
                       cell[2].data, cell[3].data, cell[4].data, cell[5].data, cell[6].data);
    }
}

/* Two files of each role, the rows dealt out and ordered by chance. */
static Bank *dealt(const Lines *l, Random *r)
{
    static const char *const headers[ROLES] = {CUSTOMERS, TRANSACTIONS, SCORE_CUSTOMERS,
                                               TRANSACTIONS};
    Bank *b = bank_new();
    for (int role = 0; role < ROLES; role++) {
        uint32_t order[LINES_MAX];
        for (uint32_t i = 0; i < l->count[role]; i++)
            order[i] = i;
        random_shuffle(r, order, l->count[role]);
        Buffer text[2] = {buffer_new(&b->keep), buffer_new(&b->keep)};
        buffer_add(&text[0], str_from(headers[role]));
        buffer_add(&text[1], str_from(headers[role]));
        for (size_t i = 0; i < l->count[role]; i++)
            buffer_add(&text[random_below(r, 2)], l->line[role][order[i]]);
        bank_file(b, role, buffer_str(&text[0]));
        bank_file(b, role, buffer_str(&text[1]));
    }
    return b;
}

static Str row_text(Arena *arena, const Table *t, size_t row)
{
    Buffer b = buffer_new(arena);
    for (size_t k = 0; k < t->columns; k++) {
        buffer_add(&b, cell_text(arena, &t->column[k], row));
        buffer_char(&b, '|');
    }
    return buffer_str(&b);
}

static int by_text(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

/* All that a dataset says, as text: what two readings must have in common. */
static Str all_of(Bank *b)
{
    const Dataset *d = b->data;
    Buffer out = buffer_new(&b->keep);
    for (size_t i = 0; i < d->customers; i++) {
        buffer_format(&out, "customer %.*s %d %d ", STR_ARG(d->id[i]), d->cohort[i], d->label[i]);
        buffer_add(&out, row_text(&b->keep, d->profile, i));
        buffer_char(&out, '\n');
    }
    Str *line = ARENA_ARRAY(&b->keep, Str, d->versions->rows + 1);
    for (size_t i = 0; i < d->versions->rows; i++)
        line[i] = row_text(&b->keep, d->versions, i);
    qsort(line, d->versions->rows, sizeof *line, by_text);
    for (size_t i = 0; i < d->versions->rows; i++)
        buffer_format(&out, "version %.*s\n", STR_ARG(line[i]));
    static const char *const instants[] = {"2024-01-01 12:00:00", "2024-01-02 12:00:00",
                                           "2024-01-05 00:00:00"};
    for (size_t t = 0; t < COUNT_OF(instants); t++) {
        int64_t at, *as_of = ARENA_ARRAY(&b->keep, int64_t, d->customers + 1);
        assert_true(parse_time(str_from(instants[t]), &at));
        for (size_t i = 0; i < d->customers; i++)
            as_of[i] = at + (int64_t)(i % 3) * DAY_US;
        Collapsed *c;
        assert_int_equal(quality_collapse(&c, &b->keep, b->scratch, b->schema, d->versions,
                                          d->owner, as_of, &b->err),
                         STATUS_OK);
        for (size_t i = 0; i < c->rows->rows; i++)
            buffer_format(&out, "event %s %u %.*s\n", instants[t], c->owner[i],
                          STR_ARG(row_text(&b->keep, c->rows, i)));
    }
    line = ARENA_ARRAY(&b->keep, Str, d->findings->count + 1);
    for (size_t i = 0; i < d->findings->count; i++)
        line[i] = str_format(&b->keep, "%.*s %llu", STR_ARG(d->findings->item[i].code),
                             (unsigned long long)d->findings->item[i].count);
    qsort(line, d->findings->count, sizeof *line, by_text);
    for (size_t i = 0; i < d->findings->count; i++)
        buffer_format(&out, "finding %.*s\n", STR_ARG(line[i]));
    return buffer_str(&out);
}

static void first_difference(Str a, Str b, uint64_t seed)
{
    size_t at = 0, from = 0;
    while (at < a.size && at < b.size && a.data[at] == b.data[at]) {
        if (a.data[at] == '\n')
            from = at + 1;
        at++;
    }
    fail_msg("seed %llu: \n  %.*s\n  %.*s", (unsigned long long)seed,
             (int)strcspn(a.data + from, "\n"), a.data + from, (int)strcspn(b.data + from, "\n"),
             b.data + from);
}

static void order_of_rows_and_files_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        Arena arena = arena_new();
        Random r = random_new(seed);
        Lines *l = ARENA_NEW(&arena, Lines);
        messy(l, &arena, &r);
        Str first = S("");
        for (int i = 0; i < ORDERS; i++) {
            Bank *b = dealt(l, &r);
            bank_must_read(b);
            sums_hold(b);
            Str all = all_of(b);
            if (i == 0)
                first = str_copy(&arena, all);
            else if (!str_equal(first, all))
                first_difference(first, str_copy(&arena, all), seed);
            bank_free(b);
        }
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_finding_appears_when_it_should),
        cmocka_unit_test(clean_files_give_no_finding),
        cmocka_unit_test(columns_that_say_nothing_are_found),
        cmocka_unit_test(column_of_one_cohort_only_is_dropped),
        cmocka_unit_test(rows_without_amount_state_currency_or_sign_are_counted),
        cmocka_unit_test(a_time_far_from_all_others_is_named),
        cmocka_unit_test(labels_follow_the_schema),
        cmocka_unit_test(a_label_with_a_third_value_is_refused_by_name),
        cmocka_unit_test(label_of_a_file_to_be_scored_is_not_read),
        cmocka_unit_test(versions_settle_by_majority_and_a_tie_is_missing),
        cmocka_unit_test(a_tie_of_three_and_a_late_majority),
        cmocka_unit_test(rows_are_routed_by_customer_whichever_file_they_came_in),
        cmocka_unit_test(of_rows_that_say_the_same_the_fullest_is_kept),
        cmocka_unit_test(events_stand_in_time_order_whichever_way_they_come),
        cmocka_unit_test(pending_counts_until_completion),
        cmocka_unit_test(final_without_a_pending_row_was_pending_too),
        cmocka_unit_test(latest_of_several_finals_counts),
        cmocka_unit_test(completion_before_creation_counts_from_creation),
        cmocka_unit_test(collapsed_rows_are_by_customer_time_and_id),
        cmocka_unit_test(one_class_only_is_refused),
        cmocka_unit_test(a_labelled_file_without_the_label_is_refused),
        cmocka_unit_test(labelled_files_without_a_usable_row_are_refused),
        cmocka_unit_test(header_only_is_refused),
        cmocka_unit_test(transactions_of_other_customers_only_are_refused),
        cmocka_unit_test(an_as_of_before_every_transaction_is_refused_by_its_name),
        cmocka_unit_test(a_customer_to_be_scored_may_have_no_known_transaction),
        cmocka_unit_test(a_second_currency_is_refused),
        cmocka_unit_test(too_many_malformed_rows_close_the_gate_and_keep_the_quarantine),
        cmocka_unit_test(a_label_that_looks_the_wrong_way_round_is_said),
        cmocka_unit_test(a_share_above_a_small_limit_reads_as_above_it),
        cmocka_unit_test(no_file_is_a_usage_error),
        cmocka_unit_test(order_of_rows_and_files_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
