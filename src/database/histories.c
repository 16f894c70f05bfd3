/* histories.c - customers and the versions of their transactions. */
#include "database/database_internal.h"

#include <stdlib.h>

/* ---- customers ---- */

typedef struct Putting {
    Str customer, json;
    bool was_new;
} Putting;

static Status put(Link *l, void *context, Error *err)
{
    static const Statement change = {.sql = "UPDATE assay_customers SET json = $2"
                                            " WHERE customer = $1"};
    static const Statement add = {.sql = "INSERT INTO assay_customers (customer, json)"
                                         " VALUES ($1, $2) ON CONFLICT (customer)"
                                         " DO UPDATE SET json = excluded.json"};
    Putting *p = context;
    Value v[] = {bind_text(p->customer), bind_text(p->json)};
    Rows rows;
    TRY(link_run(l, &rows, NULL, &change, v, COUNT_OF(v), err));
    p->was_new = rows.changed == 0;
    return p->was_new ? link_run(l, NULL, NULL, &add, v, COUNT_OF(v), err) : STATUS_OK;
}

Status database_put_customer(Database *d, bool *was_new, Str customer, Str json, Error *err)
{
    Putting p = {.customer = customer, .json = json};
    TRY(database_texts((const Str[]){customer, json}, 2, err));
    TRY(database_write(d, put, &p, err));
    *was_new = p.was_new;
    return STATUS_OK;
}

/* ---- transactions ---- */

typedef struct Adding {
    const StoredEvent *event;
    size_t count, added;
} Adding;

static Status add_all(Link *l, void *context, Error *err)
{
    static const Statement add = {.sql = "INSERT INTO assay_transactions"
                                         " (customer, id, state, json) VALUES ($1, $2, $3, $4)"
                                         " ON CONFLICT (customer, id, state) DO NOTHING"};
    Adding *a = context;
    a->added = 0;
    for (size_t i = 0; i < a->count; i++) {
        const StoredEvent *e = &a->event[i];
        Value v[] = {bind_text(e->customer), bind_text(e->id), bind_text(e->state),
                     bind_text(e->json)};
        Rows rows;
        TRY(link_run(l, &rows, NULL, &add, v, COUNT_OF(v), err));
        a->added += rows.changed;
    }
    return STATUS_OK;
}

Status database_add_transactions(Database *d, size_t *added, const StoredEvent *event, size_t count,
                                 Error *err)
{
    Adding a = {.event = event, .count = count};
    for (size_t i = 0; i < count; i++) {
        const StoredEvent *e = &event[i];
        TRY(database_texts((const Str[]){e->customer, e->id, e->state, e->json}, 4, err));
    }
    TRY(database_write(d, add_all, &a, err));
    *added = a.added;
    return STATUS_OK;
}

/* ---- reading ---- */

typedef struct Version {
    Str id, state, json;
} Version;

/* By bytes: a server's collation may be anything. */
static int by_id_and_state(const void *a, const void *b)
{
    const Version *x = a, *y = b;
    int order = str_compare(x->id, y->id);
    return order != 0 ? order : str_compare(x->state, y->state);
}

Status database_history(Database *d, Str *out, Arena *keep, Str customer, Error *err)
{
    /* One statement, so that both are of one moment. */
    static const Statement ask = {
        .sql = "SELECT 0, '', '', json FROM assay_customers WHERE customer = $1 UNION ALL"
               " SELECT 1, id, state, json FROM assay_transactions WHERE customer = $1"};
    Value v = bind_text(customer);
    Rows rows;
    size_t count = 0;
    *out = S("");
    TRY(database_texts(&customer, 1, err));
    TRY(database_ask(d, &rows, keep, &ask, &v, 1, err));
    if (rows.count == 0)
        return STATUS_OK;
    Version *version = ARENA_ARRAY(keep, Version, rows.count);
    Buffer b = buffer_new(keep);
    buffer_char(&b, '{');
    for (size_t i = 0; i < rows.count; i++)
        if (row_number(&rows, i, 0) == 1)
            version[count++] =
                (Version){row_text(&rows, i, 1), row_text(&rows, i, 2), row_text(&rows, i, 3)};
        else {
            buffer_add(&b, S("\"customer\":"));
            buffer_add(&b, row_text(&rows, i, 3));
            buffer_char(&b, ',');
        }
    qsort(version, count, sizeof *version, by_id_and_state);
    buffer_add(&b, S("\"transactions\":["));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_char(&b, ',');
        buffer_add(&b, version[i].json);
    }
    buffer_add(&b, S("]}"));
    *out = buffer_str(&b);
    return STATUS_OK;
}
