/* decisions.c - decisions, and their chain of hashes.
 *
 * assay_chain has an entry for each decision and each erasure and is never cut; assay_decisions has
 * the texts, which go when the person is erased. An entry's hash is SHA-256 over the lines
 *
 *     assay chain 1 / sequence / kind / id / customer_sha256 / text_sha256 / at_us / previous
 *
 * where customer_sha256 is over a random salt, a newline and the customer. The salt is kept beside
 * the text and goes with it: then nobody can tell any more whose entry it was.
 */
#include "database/database_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define SALT_BYTES 16

void entry_hash(char out[SHA256_TEXT], Arena scratch, const Entry *e, Str previous)
{
    Buffer b = buffer_new(&scratch);
    buffer_format(&b, "assay chain 1\n%lld\n", (long long)e->sequence);
    const Str line[] = {e->kind, e->id, e->customer_sha256, e->text_sha256};
    for (size_t i = 0; i < COUNT_OF(line); i++) {
        buffer_add(&b, line[i]);
        buffer_char(&b, '\n');
    }
    buffer_format(&b, "%lld\n", (long long)e->at_us);
    buffer_add(&b, previous);
    buffer_char(&b, '\n');
    sha256_text(out, buffer_str(&b));
}

void customer_hash(char out[SHA256_TEXT], Arena scratch, Str salt, Str customer)
{
    Buffer b = buffer_new(&scratch);
    buffer_add(&b, salt);
    buffer_char(&b, '\n');
    buffer_add(&b, customer);
    sha256_text(out, buffer_str(&b));
}

Status entries_begin(Link *l, Error *err)
{
    static const Statement ask = {.sql = "SELECT sequence, chain FROM assay_chain_end",
                                  .postgresql =
                                      "SELECT sequence, chain FROM assay_chain_end FOR UPDATE"};
    Arena scratch = l->scratch;
    Rows rows;
    if (l->end.loaded)
        return STATUS_OK;
    TRY(link_run(l, &rows, &scratch, &ask, NULL, 0, err));
    if (rows.count != 1 || row_text(&rows, 0, 1).size != SHA256_TEXT - 1) {
        (void)error_set(err, STATUS_DATA, "the chain of decisions has no end");
        return error_remedy(err, "take the store from its backup");
    }
    l->end.sequence = row_number(&rows, 0, 0);
    memcpy(l->end.hash, row_text(&rows, 0, 1).data, SHA256_TEXT - 1);
    l->end.hash[SHA256_TEXT - 1] = '\0';
    l->end.loaded = true;
    return STATUS_OK;
}

Status entries_add(Link *l, bool *added, Entry *e, Error *err)
{
    static const Statement add = {
        .sql = "INSERT INTO assay_chain (sequence, kind, id, customer_sha256, text_sha256, at_us,"
               " chain, erased_by) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)"
               " ON CONFLICT (id) DO NOTHING"};
    char own[SHA256_TEXT];
    Rows rows;
    TRY(entries_begin(l, err));
    e->sequence = l->end.sequence + 1;
    entry_hash(own, l->scratch, e, str_from(l->end.hash));
    Value v[] = {bind_number(e->sequence),      bind_text(e->kind),        bind_text(e->id),
                 bind_text(e->customer_sha256), bind_text(e->text_sha256), bind_number(e->at_us),
                 bind_text(str_from(own))};
    TRY(link_run(l, &rows, NULL, &add, v, COUNT_OF(v), err));
    *added = rows.changed == 1;
    if (*added) {
        l->end.sequence = e->sequence;
        l->end.moved = true;
        memcpy(l->end.hash, own, sizeof own);
    }
    return STATUS_OK;
}

Status entries_finish(Link *l, Error *err)
{
    static const Statement change = {.sql = "UPDATE assay_chain_end SET sequence = $1, chain = $2"};
    Value v[] = {bind_number(l->end.sequence), bind_text(str_from(l->end.hash))};
    return l->end.moved ? link_run(l, NULL, NULL, &change, v, COUNT_OF(v), err) : STATUS_OK;
}

/* ---- adding ---- */

typedef struct Deciding {
    const StoredDecision *decision;
    size_t count;
} Deciding;

static Status make_salt(char out[2 * SALT_BYTES + 1], Error *err)
{
    unsigned char byte[SALT_BYTES];
    if (getrandom(byte, sizeof byte, 0) != (ssize_t)sizeof byte)
        return error_set(err, STATUS_IO, "the system has no random numbers");
    for (size_t i = 0; i < SALT_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", byte[i]);
    return STATUS_OK;
}

/* Whoever erases holds the end of the chain as well, so nobody goes between this and the entry. */
static Status check_held(Link *l, bool *gone, const StoredDecision *d, Error *err)
{
    static const Statement ask = {
        .sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM assay_transactions WHERE customer = $1)"
               " OR EXISTS (SELECT 1 FROM assay_customers WHERE customer = $1)"};
    Value v = bind_text(d->customer);
    Rows rows;
    *gone = false;
    if (!d->from_held)
        return STATUS_OK;
    TRY(entries_begin(l, err));
    TRY(link_run(l, &rows, NULL, &ask, &v, 1, err));
    *gone = rows.count == 0;
    return STATUS_OK;
}

static Status add_one(Link *l, const StoredDecision *d, Error *err)
{
    static const Statement publish = {
        .sql = "INSERT INTO assay_outbox (id, sequence, customer, event, attempts, due_us, owner,"
               " taken_us) VALUES ($1, $2, $3, $4, 0, 0, '', 0) ON CONFLICT (id) DO NOTHING"};
    static const Statement add = {
        .sql = "INSERT INTO assay_decisions (id, sequence, customer, salt, action, segment,"
               " as_of_us, json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
    char salt[2 * SALT_BYTES + 1], customer[SHA256_TEXT], text[SHA256_TEXT];
    bool added, gone;
    TRY(check_held(l, &gone, d, err));
    if (gone)
        return STATUS_OK;
    TRY(make_salt(salt, err));
    customer_hash(customer, l->scratch, str_from(salt), d->customer);
    sha256_text(text, d->json);
    Entry e = {.kind = S("decision"),
               .id = d->id,
               .customer_sha256 = str_from(customer),
               .text_sha256 = str_from(text),
               .at_us = d->at_us == 0 ? wall_us() : d->at_us};
    TRY(entries_add(l, &added, &e, err));
    if (!added)
        return STATUS_OK;
    Value v[] = {bind_text(d->id),          bind_number(e.sequence), bind_text(d->customer),
                 bind_text(str_from(salt)), bind_text(d->action),    bind_text(d->segment),
                 bind_number(d->as_of_us),  bind_text(d->json)};
    TRY(link_run(l, NULL, NULL, &add, v, COUNT_OF(v), err));
    Value event[] = {bind_text(d->id), bind_number(e.sequence), bind_text(d->customer),
                     bind_text(d->event)};
    return d->event.size == 0 ? STATUS_OK
                              : link_run(l, NULL, NULL, &publish, event, COUNT_OF(event), err);
}

static Status add_all(Link *l, void *context, Error *err)
{
    const Deciding *d = context;
    for (size_t i = 0; i < d->count; i++)
        TRY(add_one(l, &d->decision[i], err));
    return STATUS_OK;
}

/* An id is a line of what is hashed, and other kinds of entries have a slash in theirs. */
static Status check_id(Str id, Error *err)
{
    for (size_t i = 0; i < id.size; i++)
        if ((unsigned char)id.data[i] <= ' ' || id.data[i] == '/')
            id.size = 0;
    return id.size > 0 ? STATUS_OK
                       : error_set(err, STATUS_USAGE, "this cannot be the id of a decision");
}

Status database_add_decisions(Database *d, const StoredDecision *decision, size_t count, Error *err)
{
    Deciding all = {.decision = decision, .count = count};
    for (size_t i = 0; i < count; i++) {
        const StoredDecision *x = &decision[i];
        const Str text[] = {x->id, x->customer, x->action, x->segment, x->json, x->event};
        TRY(database_texts(text, COUNT_OF(text), err));
        TRY(check_id(x->id, err));
    }
    return database_write_in_turn(d, add_all, &all, err);
}

Status database_add_decision(Database *d, const StoredDecision *decision, Error *err)
{
    return database_add_decisions(d, decision, 1, err);
}

/* ---- reading ---- */

Status database_decision(Database *d, StoredDecision *out, Found *found, Arena *keep, Str id,
                         Error *err)
{
    static const Statement ask = {
        .sql = "SELECT c.id, d.customer, d.action, d.segment, d.as_of_us, c.at_us, d.json"
               " FROM assay_chain c LEFT JOIN assay_decisions d ON d.id = c.id"
               " WHERE c.id = $1 AND c.kind = 'decision'"};
    Value v = bind_text(id);
    Rows rows;
    *out = (StoredDecision){0};
    *found = FOUND_NONE;
    if (database_texts(&id, 1, NULL) != STATUS_OK)
        return STATUS_OK;
    TRY(database_ask(d, &rows, keep, &ask, &v, 1, err));
    if (rows.count == 0)
        return STATUS_OK;
    *found = FOUND_ERASED;
    if (rows.cell[6].kind == VALUE_NOTHING)
        return STATUS_OK;
    *found = FOUND_HELD;
    *out = (StoredDecision){.id = row_text(&rows, 0, 0),
                            .customer = row_text(&rows, 0, 1),
                            .action = row_text(&rows, 0, 2),
                            .segment = row_text(&rows, 0, 3),
                            .as_of_us = row_number(&rows, 0, 4),
                            .at_us = row_number(&rows, 0, 5),
                            .json = row_text(&rows, 0, 6)};
    return STATUS_OK;
}
