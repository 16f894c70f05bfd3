/* shape_fuzz.c - any bytes as the transactions of a bank of some shape: no row is lost, every event
 * is a customer's, and what is read does not hang on being read twice.
 *
 * The first byte chooses the shape, the rest is the file. */
#include "quality/quality.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COLUMNS                                                                                    \
    "  columns:\n    - {name: a, type: text}\n    - {name: b, type: category}\n"                   \
    "    - {name: m, type: decimal, decimal_mark: \",\", thousands: \".\"}\n"                      \
    "    - {name: n, type: decimal}\n    - {name: i, type: text}\n"                                \
    "    - {name: s, type: category}\n"

static const char *const shapes[] = {
    "  sides: {source: a, target: b}\n  created: t\n  amount: n\n" COLUMNS
    "    - {name: t, type: time, format: step, step: 1h, from: 2020-01-01}\n",
    "  key: i\n  sides: {source: a, target: b}\n  created: t\n  amount: m\n  state: s\n"
    "  pending: [P]\n" COLUMNS "    - {name: t, type: time, format: yymmdd}\n",
    "  customer: a\n  created: t\n  debit: n\n  credit: m2\n" COLUMNS
    "    - {name: m2, type: decimal, decimal_mark: \",\"}\n"
    "    - {name: t, type: time, format: day_month_year}\n",
    "  customer: b\n  amount: m\n  signed: true\n" COLUMNS,
    "  key: i\n  customer: a\n  created: t\n  completed: u\n  amount: n\n  signed: true\n" COLUMNS
    "    - {name: t, type: time, format: epoch}\n    - {name: u, type: time}\n",
};

static void must(bool claim)
{
    if (!claim)
        abort();
}

static size_t read_once(Arena *keep, Arena scratch, const Schema *schema, Str text)
{
    const Str folk = S("c,bad,may\nx,0,1\ny,1,\nz,0,2\n");
    const InputFile file[] = {{"folk", &folk}, {"fuzz", &text}};
    const DatasetInputs in = {
        .customers = {&file[0], 1}, .transactions = {&file[1], 1}, .bad_rows_max = 1};
    Dataset *d;
    Collapsed *c;
    Error err = {0};
    if (dataset_read(&d, keep, scratch, schema, &in, &err) != STATUS_OK) {
        must(err.message[0] != '\0' && err.remedy[0] != '\0');
        return 0;
    }
    const LedgerLine *l = &d->ledger[1];
    must(l->rows == l->used + l->merged + l->quarantined);
    int64_t as_of[] = {d->as_of_us, d->as_of_us, d->as_of_us};
    must(d->customers == 3);
    must(quality_collapse(&c, keep, scratch, schema, d->versions, d->owner, as_of, &err) ==
         STATUS_OK);
    const Column *direction = table_find(c->rows, S(SCHEMA_DIRECTION));
    const Column *amount = table_find(c->rows, schema->transactions.amount.text);
    for (size_t i = 0; i < c->rows->rows; i++) {
        must(c->owner[i] < 3);
        must(!schema_two_sided(schema) || column_valid(direction, i));
        must(!schema->makes_direction || schema_two_sided(schema) || !column_valid(amount, i) ||
             amount->integer[i] >= 0);
    }
    return c->rows->rows + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    Arena keep = arena_new(), scratch = arena_new();
    Schema *schema;
    Error err = {0};
    Str book = str_format(&keep,
                          "version: 1\ncurrency: EUR\ncustomers:\n  key: c\n"
                          "  label: {column: bad, positive: [1], negative: [0]}\n%s  columns:\n"
                          "    - {name: c, type: text}\n    - {name: bad, type: boolean}\n"
                          "    - {name: may, type: decimal}\ntransactions:\n%s",
                          data[0] % 10 == 0 ? "  history:\n    - {columns: [may], into: n, "
                                              "from: 2020-01-01, step: 1d, set: {direction: IN}}\n"
                                            : "",
                          shapes[data[0] % COUNT_OF(shapes)]);
    must(schema_read(&schema, &keep, book, "book", &err) == STATUS_OK);
    Str text = {(const char *)data + 1, size - 1};
    size_t first = read_once(&keep, scratch, schema, text);
    must(first == read_once(&keep, scratch, schema, text));
    arena_free(&keep);
    arena_free(&scratch);
    return 0;
}
