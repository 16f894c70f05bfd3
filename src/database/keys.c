/* keys.c - requests and messages that come twice. */
#include "database/database_internal.h"

#define CLAIM_US   MINUTE_US     /* then whoever claimed a key is taken to have died */
#define KEY_US     DAY_US        /* then a key is forgotten */
#define MESSAGE_US (31 * DAY_US) /* Pub/Sub keeps messages so long at most */
#define SWEEP_US   (5 * MINUTE_US)

/* ---- what is old goes ---- */

static Status sweep(Link *l, void *context, Error *err)
{
    static const Statement keys = {.sql = "DELETE FROM assay_keys WHERE claimed_us < $1"};
    static const Statement messages = {.sql = "DELETE FROM assay_messages WHERE seen_us < $1"};
    static const Statement letters = {.sql = "DELETE FROM assay_dead_letters WHERE at_us < $1"};
    int64_t now_us = *(const int64_t *)context;
    Value key = bind_number(now_us - KEY_US), message = bind_number(now_us - MESSAGE_US);
    TRY(link_run(l, NULL, NULL, &keys, &key, 1, err));
    TRY(link_run(l, NULL, NULL, &letters, &message, 1, err));
    return link_run(l, NULL, NULL, &messages, &message, 1, err);
}

/* Now and then, by whoever comes by. What it could not do the next one does. */
static void sweep_sometimes(Database *d, int64_t now_us)
{
    Error err = {0};
    (void)pthread_mutex_lock(&d->lock);
    bool due = now_us - d->swept_us > SWEEP_US || now_us < d->swept_us;
    bool wipe = due && d->wipe_due;
    if (due)
        d->swept_us = now_us;
    (void)pthread_mutex_unlock(&d->lock);
    if (!due)
        return;
    Status s = database_write(d, sweep, &now_us, &err);
    if (wipe)
        database_wipe(d);
    if (s != STATUS_OK) {
        (void)pthread_mutex_lock(&d->lock);
        d->swept_us = 0;
        (void)pthread_mutex_unlock(&d->lock);
    }
}

/* ---- keys ---- */

typedef struct Claiming {
    Str caller, key, sha256;
    int64_t now_us;
    Claimed out;
    Arena *keep;
} Claiming;

static Claimed held(const Claiming *c, const Rows *rows)
{
    Claimed out = {.claim = CLAIM_BUSY};
    int64_t age = c->now_us - row_number(rows, 0, 1);
    out.status = (int)row_number(rows, 0, 2);
    bool settled = out.status != 0;
    if (age > KEY_US || (!settled && age > CLAIM_US))
        return (Claimed){.claim = CLAIM_NEW};
    if (!str_equal(row_text(rows, 0, 0), c->sha256))
        return (Claimed){.claim = CLAIM_DIFFERENT};
    if (!settled)
        return (Claimed){.claim = CLAIM_BUSY};
    out.claim = CLAIM_DONE;
    out.content_type = row_text(rows, 0, 3);
    out.reply = row_text(rows, 0, 4);
    return out;
}

static Status claim(Link *l, void *context, Error *err)
{
    static const Statement add = {
        .sql = "INSERT INTO assay_keys (caller, name, request_sha256, claimed_us, status,"
               " content_type, reply) VALUES ($1, $2, $3, $4, 0, '', '')"
               " ON CONFLICT (caller, name) DO NOTHING"};
    static const Statement get = {
        .sql = "SELECT request_sha256, claimed_us, status, content_type, reply FROM assay_keys"
               " WHERE caller = $1 AND name = $2",
        .postgresql = "SELECT request_sha256, claimed_us, status, content_type, reply"
                      " FROM assay_keys WHERE caller = $1 AND name = $2 FOR UPDATE"};
    static const Statement again = {
        .sql = "UPDATE assay_keys SET request_sha256 = $3, claimed_us = $4, status = 0,"
               " content_type = '', reply = '' WHERE caller = $1 AND name = $2"};
    Claiming *c = context;
    Rows rows;
    Value v[] = {bind_text(c->caller), bind_text(c->key), bind_text(c->sha256),
                 bind_number(c->now_us)};
    c->out = (Claimed){.claim = CLAIM_NEW};
    TRY(link_run(l, &rows, NULL, &add, v, 4, err));
    if (rows.changed == 1)
        return STATUS_OK;
    TRY(link_run(l, &rows, c->keep, &get, v, 2, err));
    if (rows.count == 0) { /* swept away at this very moment */
        c->out.claim = CLAIM_BUSY;
        return STATUS_OK;
    }
    c->out = held(c, &rows);
    return c->out.claim == CLAIM_NEW ? link_run(l, NULL, NULL, &again, v, 4, err) : STATUS_OK;
}

Status database_claim(Database *d, Claimed *out, Arena *keep, Str caller, Str key,
                      Str request_sha256, int64_t now_us, Error *err)
{
    Claiming c = {
        .caller = caller, .key = key, .sha256 = request_sha256, .now_us = now_us, .keep = keep};
    TRY(database_texts((const Str[]){caller, key, request_sha256}, 3, err));
    TRY(database_write(d, claim, &c, err));
    *out = c.out;
    sweep_sometimes(d, now_us);
    return STATUS_OK;
}

typedef struct Settling {
    Str caller, key, content_type, reply;
    int64_t claimed_us;
    int status;
} Settling;

static Status settle(Link *l, void *context, Error *err)
{
    static const Statement change = {
        .sql = "UPDATE assay_keys SET status = $3, content_type = $4, reply = $5"
               " WHERE caller = $1 AND name = $2 AND status = 0 AND claimed_us = $6"};
    const Settling *s = context;
    Value v[] = {bind_text(s->caller),       bind_text(s->key),   bind_number(s->status),
                 bind_text(s->content_type), bind_text(s->reply), bind_number(s->claimed_us)};
    return link_run(l, NULL, NULL, &change, v, COUNT_OF(v), err);
}

Status database_settle(Database *d, Str caller, Str key, int64_t claimed_us, int status,
                       Str content_type, Str reply, Error *err)
{
    Settling s = {caller, key, content_type, reply, claimed_us, status};
    TRY(database_texts((const Str[]){caller, key, content_type, reply}, 4, err));
    return database_write(d, settle, &s, err);
}

static Status release(Link *l, void *context, Error *err)
{
    static const Statement drop = {
        .sql = "DELETE FROM assay_keys WHERE caller = $1 AND name = $2 AND status = 0"
               " AND claimed_us = $3"};
    const Settling *s = context;
    Value v[] = {bind_text(s->caller), bind_text(s->key), bind_number(s->claimed_us)};
    return link_run(l, NULL, NULL, &drop, v, COUNT_OF(v), err);
}

Status database_release(Database *d, Str caller, Str key, int64_t claimed_us, Error *err)
{
    Settling s = {.caller = caller, .key = key, .claimed_us = claimed_us};
    TRY(database_texts((const Str[]){caller, key}, 2, err));
    return database_write(d, release, &s, err);
}

/* ---- messages ---- */

Status database_seen(Database *d, bool *seen_before, Str message_id, Error *err)
{
    static const Statement ask = {.sql = "SELECT 1 FROM assay_messages WHERE id = $1"};
    Value v = bind_text(message_id);
    Rows rows;
    *seen_before = false;
    TRY(database_texts(&message_id, 1, err));
    TRY(database_ask(d, &rows, NULL, &ask, &v, 1, err));
    *seen_before = rows.count > 0;
    return STATUS_OK;
}

typedef struct Seeing {
    Str id;
    int64_t now_us;
    bool before;
} Seeing;

static Status see(Link *l, void *context, Error *err)
{
    static const Statement add = {.sql = "INSERT INTO assay_messages (id, seen_us)"
                                         " VALUES ($1, $2) ON CONFLICT (id) DO NOTHING"};
    Seeing *s = context;
    Value v[] = {bind_text(s->id), bind_number(s->now_us)};
    Rows rows;
    TRY(link_run(l, &rows, NULL, &add, v, COUNT_OF(v), err));
    s->before = rows.changed == 0;
    return STATUS_OK;
}

Status database_see(Database *d, bool *seen_before, Str message_id, int64_t now_us, Error *err)
{
    Seeing s = {.id = message_id, .now_us = now_us};
    TRY(database_texts(&message_id, 1, err));
    TRY(database_write(d, see, &s, err));
    *seen_before = s.before;
    sweep_sometimes(d, now_us);
    return STATUS_OK;
}
