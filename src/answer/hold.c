/* hold.c - what a database is to hold, checked as if it were asked about now: nothing that could
 * not be scored is kept. */
#include "answer/answer_internal.h"

#include <string.h>

#define FAR_US                                                                                     \
    (INT64_C(7258118400) * SECOND_US - 1) /* the last instant of 2199: nothing is later */

static size_t column_of(AnswerColumns columns, BookText name)
{
    size_t i = 0;
    while (i < columns.count &&
           (name.text.size == 0 || !str_equal(columns.item[i].name, name.text)))
        i++;
    return i;
}

/* A row in the columns' order: what was said of it, and nothing else. */
static Str row_json(Arena *keep, AnswerColumns columns, const RequestRows *rows, size_t row)
{
    Document d;
    document_open(&d, keep);
    for (size_t k = 0; k < columns.count; k++) {
        const char *name = str_chars(keep, columns.item[k].name);
        Str cell = rows->cell[row * columns.count + k];
        if (!rows->said[k])
            continue;
        if (cell.data == NULL)
            document_null(&d, d.root, name);
        else
            document_text(&d, d.root, name, cell);
    }
    return str_trim(document_write(&d, false));
}

/* ---- a customer ---- */

Status answer_hold_customer(Str *out, Arena *keep, Arena scratch, const Answerer *a, Str id,
                            Str body, const AnswerLimits *limits, Fault *fault, Error *err)
{
    const AnswerColumns c = a->customer;
    Request r = {.customer_id = id, .as_of = AS_OF_SAID, .as_of_us = FAR_US};
    Dataset *data;
    size_t after = 0, key = column_of(c, a->bundle->schema->customers.key);
    *fault = (Fault){0};
    if (str_trim(id).size == 0 || id.size > ID_BYTES_MAX)
        return fault_set(fault, (Place){NULL, no_at, S("")}, "bad_value",
                         "The customer's id must have 1 to %d bytes.", ID_BYTES_MAX);
    TRY(request_read_customer(&r.customer, keep, a, body, limits, fault));
    r.transactions = (RequestRows){.said = ARENA_ARRAY(keep, bool, a->transaction.count + 1)};
    r.transactions.given = true;
    if (key < c.count) {
        Str *cell = &r.customer.cell[key];
        if (cell->size > 0 && !str_equal(*cell, id))
            return fault_set(fault, (Place){"", no_at, c.item[key].name}, "other_customer",
                             "This is another customer than the path's; leave it out.");
        *cell = id;
        r.customer.said[key] = true;
    }
    Status status = request_data(&data, &after, keep, scratch, a, &r, fault, err);
    /* The rows of a request are in "/customer"; here that is the whole. */
    if (fault->code != NULL && strncmp(fault->pointer, "/customer", 9) == 0)
        memmove(fault->pointer, fault->pointer + 9, strlen(fault->pointer + 9) + 1);
    TRY(status);
    *out = row_json(keep, c, &r.customer, 0);
    return STATUS_OK;
}

/* ---- transactions ---- */

/* Whose a transaction is: one column, or one of each side. */
typedef struct Owners {
    size_t column[2];
    size_t count;
} Owners;

static Owners owners_of(const Answerer *a)
{
    const SchemaTransactions *s = &a->bundle->schema->transactions;
    Owners o = {.count = 1, .column = {column_of(a->transaction, s->customer)}};
    if (schema_two_sided(a->bundle->schema))
        o = (Owners){.count = 2,
                     .column = {column_of(a->transaction, s->sides.source),
                                column_of(a->transaction, s->sides.target)}};
    return o;
}

/* Everybody whom the rows name is a customer for as long as they are checked. */
static Status take_owners(Request *r, Arena *keep, const Answerer *a, Owners o, const char *list,
                          Fault *fault)
{
    const AnswerColumns c = a->customer, t = a->transaction;
    size_t key = column_of(c, a->bundle->schema->customers.key);
    Dictionary *seen = dictionary_new(keep);
    for (size_t i = 0; i < r->transactions.rows; i++) {
        size_t named = 0;
        Place place = {list, r->transactions.single ? no_at : i, S("")};
        for (size_t k = 0; k < o.count; k++) {
            Str id = r->transactions.cell[i * t.count + o.column[k]];
            place.field = t.item[o.column[k]].name;
            if (str_trim(id).size == 0)
                continue;
            if (id.size > ID_BYTES_MAX)
                return fault_set(fault, place, "too_long", "A customer's id has at most %d bytes.",
                                 ID_BYTES_MAX);
            (void)dictionary_add(seen, id);
            named++;
        }
        if (named == 0)
            return fault_set(fault, place, "missing_field",
                             "This transaction does not say whose it is.");
    }
    r->customer = (RequestRows){.rows = seen->count, .given = true};
    r->customer.cell = ARENA_ARRAY(keep, Str, seen->count * c.count + 1);
    r->customer.said = ARENA_ARRAY(keep, bool, c.count + 1);
    for (size_t i = 0; i < seen->count; i++)
        r->customer.cell[i * c.count + key] = seen->text[i];
    r->customer.said[key] = true;
    return STATUS_OK;
}

static HeldVersion version_of(Arena *keep, const Answerer *a, const RequestRows *rows, size_t row)
{
    const AnswerColumns t = a->transaction;
    const SchemaTransactions *s = &a->bundle->schema->transactions;
    size_t id = column_of(t, s->key), state = column_of(t, s->state);
    const Str *cell = rows->cell + row * t.count;
    HeldVersion v = {.json = row_json(keep, t, rows, row)};
    v.state = state < t.count && cell[state].size > 0 ? cell[state] : S("");
    if (id < t.count) {
        v.id = cell[id];
        return v;
    }
    char *sum = ARENA_ARRAY(keep, char, SHA256_TEXT); /* a book without a key: the row is its own */
    sha256_text(sum, v.json);
    v.id = str_from(sum);
    return v;
}

/* Faults of rows are in "/transactions/0/..."; here that is list, or nothing for a single one. */
static void relocate(Fault *fault, const char *list, bool single)
{
    char rest[sizeof fault->pointer];
    size_t from = strlen("/transactions"), to = strlen(list);
    if (fault->code == NULL || strncmp(fault->pointer, "/transactions", from) != 0)
        return;
    if (single && strncmp(fault->pointer + from, "/0", 2) == 0)
        from += 2;
    memcpy(rest, fault->pointer, sizeof rest);
    memcpy(fault->pointer, list, to);
    memcpy(fault->pointer + to, rest + from, strlen(rest + from) + 1);
}

Status answer_hold_transactions(HeldVersion **out, size_t *count, size_t *rows, Arena *keep,
                                Arena scratch, const Answerer *a, Str body,
                                const AnswerLimits *limits, Fault *fault, Error *err)
{
    const AnswerColumns t = a->transaction;
    Request r = {.as_of = AS_OF_SAID, .as_of_us = FAR_US};
    Owners o = owners_of(a);
    const char *list;
    Dataset *data;
    size_t after = 0;
    *fault = (Fault){0};
    *count = *rows = 0;
    if (t.count == 0)
        return fault_set(fault, (Place){NULL, no_at, S("")}, "unusable",
                         "The bundle's customers have no transactions; their columns hold all.");
    TRY(request_read_transactions(&r.transactions, &list, keep, a, body, limits, fault));
    TRY(take_owners(&r, keep, a, o, list, fault));
    Status status = request_said(fault, "/transactions", t, &r.transactions);
    if (status == STATUS_OK)
        status = request_keys(fault, "/transactions", a, &r.transactions);
    if (status == STATUS_OK)
        status = request_currency(&r, a, fault);
    if (status == STATUS_OK)
        status = request_data(&data, &after, keep, scratch, a, &r, fault, err);
    relocate(fault, list, r.transactions.single);
    TRY(status);
    *rows = r.transactions.rows;
    *out = ARENA_ARRAY(keep, HeldVersion, *rows * o.count + 1);
    for (size_t i = 0; i < *rows; i++) {
        HeldVersion v = version_of(keep, a, &r.transactions, i);
        for (size_t k = 0; k < o.count; k++) {
            v.customer = r.transactions.cell[i * t.count + o.column[k]];
            Str source = r.transactions.cell[i * t.count + o.column[0]];
            bool twice = k == 1 && str_equal(v.customer, source);
            if (str_trim(v.customer).size > 0 && !twice)
                (*out)[(*count)++] = v;
        }
    }
    return STATUS_OK;
}
