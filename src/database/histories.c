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
    bool *each;
    size_t count, added;
} Adding;

static Status too_long(Error *err)
{
    return error_set(err, STATUS_LIMIT, "more than %d transactions of a customer are held",
                     HISTORY_MAX);
}

static int by_text(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

/* Of everybody to whom something was added, once. */
static Status check_lengths(Link *l, const Adding *a, Error *err)
{
    static const Statement held = {
        .sql = "SELECT count(*) FROM (SELECT 1 FROM assay_transactions WHERE customer = $1"
               " LIMIT $2) AS held"};
    Arena scratch = l->scratch;
    Str *customer = ARENA_ARRAY(&scratch, Str, a->count + 1);
    for (size_t i = 0; i < a->count; i++)
        customer[i] = a->event[i].customer;
    qsort(customer, a->count, sizeof *customer, by_text);
    for (size_t i = 0; i < a->count; i++) {
        Value v[] = {bind_text(customer[i]), bind_number(HISTORY_MAX + 1)};
        Arena own = scratch;
        Rows rows;
        if (i > 0 && str_equal(customer[i], customer[i - 1]))
            continue;
        TRY(link_run(l, &rows, &own, &held, v, COUNT_OF(v), err));
        if (row_number(&rows, 0, 0) > HISTORY_MAX)
            return too_long(err);
    }
    return STATUS_OK;
}

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
        if (a->each != NULL)
            a->each[i] = rows.changed > 0;
    }
    return a->added > 0 ? check_lengths(l, a, err) : STATUS_OK;
}

Status database_add_transactions(Database *d, size_t *added, bool *each, const StoredEvent *event,
                                 size_t count, Error *err)
{
    Adding a = {.event = event, .each = each, .count = count};
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
               " SELECT * FROM (SELECT 1, id, state, json FROM assay_transactions"
               " WHERE customer = $1 LIMIT $2) AS held"};
    Value v[] = {bind_text(customer), bind_number(HISTORY_MAX + 1)};
    Rows rows;
    size_t count = 0;
    *out = S("");
    TRY(database_texts(&customer, 1, err));
    TRY(database_ask(d, &rows, keep, &ask, v, COUNT_OF(v), err));
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
    if (count > HISTORY_MAX)
        return too_long(err);
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
