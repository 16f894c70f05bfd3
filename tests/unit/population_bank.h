/* population_bank.h - a made-up bank whose customers have reasons and partners, with a book of
 * every population feature, for tests of what they mean and of what a bundle makes of them. */
#ifndef TESTS_POPULATION_BANK_H
#define TESTS_POPULATION_BANK_H

#include "audit/audit_internal.h"
#include "learn/learn_internal.h"
#include "score/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

/* ---- a bank whose transactions name a partner ---- */

static const char schema_text[] = "version: 1\n"
                                  "currency: EUR\n"
                                  "customers:\n"
                                  "  key: id\n"
                                  "  label: {column: state, positive: [BAD], negative: [GOOD]}\n"
                                  "  columns:\n"
                                  "    - {name: id, type: text}\n"
                                  "    - {name: state, type: category}\n"
                                  "    - {name: reason, type: category}\n"
                                  "    - {name: gender, type: category, protected: gender}\n"
                                  "transactions:\n"
                                  "  key: id\n"
                                  "  customer: customer\n"
                                  "  created: at\n"
                                  "  amount: amount\n"
                                  "  columns:\n"
                                  "    - {name: id, type: text}\n"
                                  "    - {name: customer, type: text}\n"
                                  "    - {name: at, type: time}\n"
                                  "    - {name: amount, type: decimal, scale: 2}\n"
                                  "    - {name: partner, type: text}\n";

#define FEATURE(name, expr, rest)                                                                  \
    "  - {name: " name ", expr: \"" expr "\", family: peer, says: A test" rest "}\n"

static const char book_text[] =
    "version: 1\nobserved_equally: a test\n"
    "features:\n" FEATURE("total", "sum(amount)", ", use: model, over: first 14d")
        FEATURE("events", "count()", ", use: model, over: first 14d") FEATURE(
            "mean_amount", "mean(amount)",
            ", use: model, over: first 14d") FEATURE("constant", "count() * 0", ", use: model")
            FEATURE("busy", "count() > 5", ", use: model") FEATURE("p1", "peer_percentile(total)",
                                                                   ", use: model")
                FEATURE("p2", "peer_percentile(total by reason)", ", use: model") FEATURE(
                    "p3", "peer_percentile(mean_amount by busy)",
                    ", use: model") FEATURE("p4", "peer_percentile(events)", ", use: monitor")
                    FEATURE("p5", "peer_percentile(constant by reason)",
                            ", use: monitor") FEATURE("z1", "peer_z(total)", ", use: model")
                        FEATURE("z2", "peer_z(total by reason)", ", use: monitor") FEATURE(
                            "z3", "peer_z(events by reason)",
                            ", use: model") FEATURE("z4", "peer_z(constant)", ", use: monitor")
                            FEATURE("r1", "risky_partners(partner)", ", use: monitor") FEATURE(
                                "r2", "risky_partners(partner where amount > 50)",
                                ", use: model, over: first 14d, risk: up, reason: a test")
                                FEATURE("r3", "risky_partners(partner)", ", use: monitor, over: 3d")
                                    FEATURE("high", "p1 > 0.9", ", use: policy");

typedef struct Bank {
    Arena keep, scratch;
    Schema *schema;
    Plan *plan;
    Dataset *data;
    Events *events;
    Table *features;
    uint32_t *row;
    uint8_t *label;
    Fitting fitting;
    Error err;
} Bank;

static inline void must(Status status, const Error *err)
{
    if (status != STATUS_OK)
        fail_msg("%s:%lld:%lld: %s (%s)", err->file, (long long)err->line, (long long)err->column,
                 err->message, err->remedy);
}

/* Customers of five reasons, one of them rare, some without; a tenth pays itself. */
static inline void draw(Buffer *customers, Buffer *transactions, size_t count, uint64_t seed)
{
    static const char *const reasons[] = {"SPEND", "SPEND", "SAVE", "CRYPTO", "", "RARE"};
    Random r = random_new(seed);
    char time[TIME_TEXT];
    size_t next = 0;
    buffer_add(customers, S("id,state,reason,gender\n"));
    buffer_add(transactions, S("id,customer,at,amount,partner\n"));
    for (size_t i = 0; i < count; i++) {
        uint64_t label = random_below(&r, 10), reason = random_below(&r, 6);
        if (reason == 5 && random_below(&r, 2) == 0)
            reason = 0;
        buffer_format(customers, "c%zu,%s,%s,\n", i,
                      label < 3   ? "BAD"
                      : label < 9 ? "GOOD"
                                  : "",
                      reasons[reason]);
        uint64_t events = random_below(&r, 9);
        int64_t at = 19900 * DAY_US + (int64_t)random_below(&r, 40) * DAY_US;
        for (uint64_t k = 0; k < events; k++) {
            uint64_t cents = (random_below(&r, 20) + 1) * 500, who = random_below(&r, count + 20);
            bool self = random_below(&r, 10) == 0;
            at += (int64_t)random_below(&r, 3 * DAY_US);
            buffer_format(transactions, "t%zu,c%zu,%.*s,%llu.%02llu,c%zu\n", next++, i,
                          STR_ARG(time_text(time, at)), (unsigned long long)cents / 100,
                          (unsigned long long)cents % 100, self ? i : (size_t)who);
        }
    }
}

static inline void bank_read(Bank *b, Str customers, Str transactions, const char *book)
{
    const Str text[2] = {customers, transactions};
    const InputFile file[2] = {{"customers.csv", &text[0]}, {"transactions.csv", &text[1]}};
    const DatasetInputs in = {
        .customers = {&file[0], 1}, .transactions = {&file[1], 1}, .bad_rows_max = 0};
    must(schema_read(&b->schema, &b->keep, S(schema_text), "schema.yaml", &b->err), &b->err);
    must(plan_read(&b->plan, &b->keep, str_from(book), "features.yaml", b->schema, &b->err),
         &b->err);
    must(dataset_read(&b->data, &b->keep, b->scratch, b->schema, &in, &b->err), &b->err);
    size_t n = 0;
    int64_t *as_of = ARENA_ARRAY(&b->keep, int64_t, b->data->customers + 1);
    b->row = ARENA_ARRAY(&b->keep, uint32_t, b->data->customers + 1);
    b->label = ARENA_ARRAY(&b->keep, uint8_t, b->data->customers + 1);
    for (size_t i = 0; i < b->data->customers; i++) {
        as_of[i] = b->data->as_of_us;
        if (b->data->label[i] < 0)
            continue;
        b->label[n] = b->data->label[i] == LABEL_POSITIVE;
        b->row[n++] = (uint32_t)i;
    }
    b->fitting = (Fitting){b->row, b->label, n};
    must(score_events(&b->events, &b->keep, b->scratch, b->plan, b->data, as_of, &b->err), &b->err);
}

static inline void fit(Bank *b, Team *team)
{
    must(feature_table_fit(&b->features, &b->keep, b->scratch, b->plan, b->events, &b->fitting,
                           team, &b->err),
         &b->err);
}

static inline Bank *bank_new(size_t count, uint64_t seed, const char *book)
{
    Bank *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->keep = arena_new();
    b->scratch = arena_new();
    Arena text = arena_new(), other = arena_new();
    Buffer customers = buffer_new(&text), transactions = buffer_new(&other);
    draw(&customers, &transactions, count, seed);
    bank_read(b, str_copy(&b->keep, buffer_str(&customers)),
              str_copy(&b->keep, buffer_str(&transactions)), book);
    arena_free(&text);
    arena_free(&other);
    return b;
}

static inline void bank_free(Bank *b)
{
    arena_free(&b->keep);
    arena_free(&b->scratch);
    free(b);
}

static inline void same_tables(const Table *a, const Table *b, const char *what)
{
    assert_int_equal(a->columns, b->columns);
    for (size_t k = 0; k < a->columns; k++)
        for (size_t i = 0; i < a->rows; i++)
            if (!cell_equal(&a->column[k], i, &b->column[k], i))
                fail_msg("%s, customer %zu, %.*s: %.17g is not %.17g", what, i,
                         STR_ARG(a->column[k].name), cell_double(&a->column[k], i),
                         cell_double(&b->column[k], i));
}

static inline const Column *column_named(const Table *t, const char *name)
{
    const Column *c = table_find(t, str_from(name));
    assert_non_null(c);
    return c;
}

#endif
