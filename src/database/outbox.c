/* outbox.c - decisions that are to be published, and messages that nobody understood. */
#include "database/database_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- taking ---- */

typedef struct Taking {
    Rows rows;
    Arena *keep;
    Str owner;
    int64_t now_us, lease_us;
    size_t limit;
} Taking;

static Status take(Link *l, void *context, Error *err)
{
#define TAKE(lock)                                                                                 \
    "UPDATE assay_outbox SET owner = $1, taken_us = $2 WHERE id IN (SELECT id FROM assay_outbox"   \
    " WHERE due_us <= $2 AND taken_us < $3 ORDER BY sequence LIMIT $4" lock ")"                    \
    " RETURNING id, event, attempts, sequence"
    static const Statement next = {.sql = TAKE(""), .postgresql = TAKE(" FOR UPDATE SKIP LOCKED")};
    Taking *t = context;
    Value v[] = {bind_text(t->owner), bind_number(t->now_us), bind_number(t->now_us - t->lease_us),
                 bind_number((int64_t)t->limit)};
    return link_run(l, &t->rows, t->keep, &next, v, COUNT_OF(v), err);
}

static int by_sequence(const void *a, const void *b)
{
    const Value *x = a, *y = b;
    return (x[3].number > y[3].number) - (x[3].number < y[3].number);
}

Status database_take_outgoing(Database *d, Outgoing **out, size_t *count, Arena *keep, Str owner,
                              int64_t now_us, int64_t lease_us, size_t limit, Error *err)
{
    Taking t = {
        .keep = keep, .owner = owner, .now_us = now_us, .lease_us = lease_us, .limit = limit};
    *count = 0;
    TRY(database_texts(&owner, 1, err));
    TRY(database_write(d, take, &t, err));
    if (t.rows.count > 0) /* what an UPDATE returns has no order */
        qsort(t.rows.cell, t.rows.count, t.rows.columns * sizeof *t.rows.cell, by_sequence);
    *out = ARENA_ARRAY(keep, Outgoing, t.rows.count + 1);
    for (size_t i = 0; i < t.rows.count; i++)
        (*out)[i] = (Outgoing){.id = row_text(&t.rows, i, 0),
                               .event = row_text(&t.rows, i, 1),
                               .attempts = (uint64_t)row_number(&t.rows, i, 2)};
    *count = t.rows.count;
    return STATUS_OK;
}

/* ---- settling ---- */

typedef struct Settling {
    Str id;
    bool sent;
    int64_t again_us;
} Settling;

static Status settle(Link *l, void *context, Error *err)
{
    static const Statement forget = {.sql = "DELETE FROM assay_outbox WHERE id = $1"};
    static const Statement again = {
        .sql = "UPDATE assay_outbox SET due_us = $2, attempts = attempts + 1, owner = '',"
               " taken_us = 0 WHERE id = $1"};
    const Settling *s = context;
    Value v[] = {bind_text(s->id), bind_number(s->again_us)};
    return s->sent ? link_run(l, NULL, NULL, &forget, v, 1, err)
                   : link_run(l, NULL, NULL, &again, v, 2, err);
}

Status database_settle_outgoing(Database *d, Str id, bool sent, int64_t again_us, Error *err)
{
    Settling s = {.id = id, .sent = sent, .again_us = again_us};
    TRY(database_texts(&id, 1, err));
    return database_write(d, settle, &s, err);
}

Status database_count_outgoing(Database *d, uint64_t *count, Error *err)
{
    static const Statement ask = {.sql = "SELECT count(*) FROM assay_outbox"};
    return database_count(d, count, &ask, (Value){.kind = VALUE_NOTHING}, err);
}

/* ---- dead letters ---- */

typedef struct Letter {
    Str id, reason, message;
    int64_t now_us;
    size_t most;
} Letter;

static Status bury(Link *l, void *context, Error *err)
{
    static const Statement add = {.sql =
                                      "INSERT INTO assay_dead_letters (id, reason, message, at_us)"
                                      " VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING"};
    static const Statement old = {
        .sql = "DELETE FROM assay_dead_letters WHERE id NOT IN (SELECT id FROM assay_dead_letters"
               " ORDER BY at_us DESC, id LIMIT $1)"};
    const Letter *x = context;
    Value v[] = {bind_text(x->id), bind_text(x->reason), bind_text(x->message),
                 bind_number(x->now_us)};
    Value most = bind_number((int64_t)x->most);
    TRY(link_run(l, NULL, NULL, &add, v, COUNT_OF(v), err));
    return link_run(l, NULL, NULL, &old, &most, 1, err);
}

/* Anything may have been sent. */
static Str readable(Arena *keep, Str message)
{
    char *out = arena_copy(keep, message.data, message.size);
    bool text = str_valid_utf8(message);
    for (size_t i = 0; i < message.size; i++)
        if (out[i] == '\0' || (!text && (unsigned char)out[i] >= 0x80))
            out[i] = '?';
    return (Str){out, message.size};
}

Status database_add_dead_letter(Database *d, Str message_id, Str reason, Str message,
                                int64_t now_us, size_t most, Error *err)
{
    Arena arena = arena_new();
    Letter x = {.id = message_id, .reason = reason, .now_us = now_us, .most = most};
    x.message = readable(&arena, message);
    Status s = database_texts((const Str[]){message_id, reason}, 2, err);
    if (s == STATUS_OK)
        s = database_write(d, bury, &x, err);
    arena_free(&arena);
    return s;
}
