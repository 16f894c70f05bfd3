/* erase.c - a person leaves; the chain of decisions stays whole. */
#include "database/database_internal.h"

#include <stdio.h>
#include <string.h>

typedef struct Erasing {
    Str customer;
    int64_t now_us;
    Erased erased;
    bool removed; /* anything, be it a letter */
} Erasing;

static Status remove_of(Link *l, size_t *count, const Statement *s, Str customer, Error *err)
{
    Value v = bind_text(customer);
    Rows rows;
    TRY(link_run(l, &rows, NULL, s, &v, 1, err));
    *count += rows.changed;
    return STATUS_OK;
}

/* Replies that were kept for idempotency keys, and dead letters, name the customer as JSON does. */
static Str in_json(Arena *keep, Str text)
{
    static const char digits[] = "0123456789ABCDEF";
    Buffer b = buffer_new(keep);
    buffer_char(&b, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        const char *named = strchr("\"\\\b\f\n\r\t", c);
        if (c == '"' || c == '\\') {
            buffer_char(&b, '\\');
            buffer_char(&b, (char)c);
        } else if (named != NULL && c != '\0') {
            buffer_char(&b, '\\');
            buffer_char(&b, "\"\\bfnrt"[named - "\"\\\b\f\n\r\t"]);
        } else if (c < ' ') {
            buffer_add(&b, S("\\u00"));
            buffer_char(&b, digits[c >> 4]);
            buffer_char(&b, digits[c & 15]);
        } else
            buffer_char(&b, (char)c);
    }
    buffer_char(&b, '"');
    return buffer_str(&b);
}

/* Letters are JSON without spaces where they were JSON at all, so an id that was sent as a number
 * stands between a colon and a comma or a brace. */
static Status remove_letters(Link *l, size_t *count, Arena scratch, Str customer, Error *err)
{
    static const Statement letters = {
        .sql = "DELETE FROM assay_dead_letters WHERE replace(message, $1, '') <> message"};
    static const char end[] = {',', '}'};
    bool digits = customer.size > 0;
    for (size_t i = 0; i < customer.size; i++)
        digits = digits && customer.data[i] != '\0' &&
                 strchr("0123456789+-.eE", customer.data[i]) != NULL;
    TRY(remove_of(l, count, &letters, in_json(&scratch, customer), err));
    for (size_t i = 0; digits && i < COUNT_OF(end); i++)
        TRY(remove_of(l, count, &letters,
                      str_format(&scratch, ":%.*s%c", STR_ARG(customer), end[i]), err));
    return STATUS_OK;
}

/* The entry of an erasure says of which decisions the texts went. */
static Status add_entry(Link *l, Arena scratch, const Erasing *e, Error *err)
{
    static const Statement which = {
        .sql = "SELECT sequence FROM assay_decisions WHERE customer = $1 ORDER BY sequence"};
    static const Statement mark = {
        .sql = "UPDATE assay_chain SET erased_by = $2 WHERE sequence IN"
               " (SELECT sequence FROM assay_decisions WHERE customer = $1)"};
    Rows rows;
    char text[SHA256_TEXT], id[40];
    bool added;
    Value v[] = {bind_text(e->customer), bind_number(l->end.sequence + 1)};
    TRY(link_run(l, &rows, &scratch, &which, v, 1, err));
    Buffer b = buffer_new(&scratch);
    for (size_t i = 0; i < rows.count; i++)
        buffer_format(&b, "%lld\n", (long long)row_number(&rows, i, 0));
    sha256_text(text, buffer_str(&b));
    (void)snprintf(id, sizeof id, "erasure/%lld", (long long)l->end.sequence + 1);
    Entry entry = {.kind = S("erasure"),
                   .id = str_from(id),
                   .text_sha256 = str_from(text),
                   .at_us = e->now_us};
    TRY(entries_add(l, &added, &entry, err));
    if (!added)
        return error_set(err, STATUS_DATA, "the chain of decisions has an entry beyond its end");
    return link_run(l, NULL, NULL, &mark, v, COUNT_OF(v), err);
}

static Status erase(Link *l, void *context, Error *err)
{
    static const Statement customers = {.sql = "DELETE FROM assay_customers WHERE customer = $1"};
    static const Statement events = {.sql = "DELETE FROM assay_transactions WHERE customer = $1"};
    static const Statement texts = {.sql = "DELETE FROM assay_decisions WHERE customer = $1"};
    static const Statement feedback = {.sql = "DELETE FROM assay_feedback WHERE customer = $1"};
    static const Statement replies = {
        .sql = "DELETE FROM assay_keys WHERE replace(reply, $1, '') <> reply"};
    /* Whose request is under way for a key cannot be told: its reply is then not kept. */
    static const Statement claims = {.sql = "DELETE FROM assay_keys WHERE status = 0"};
    static const Statement outgoing = {.sql = "DELETE FROM assay_outbox WHERE customer = $1"};
    static const Statement held = {
        .sql = "SELECT 1 FROM assay_decisions WHERE customer = $1 LIMIT 1",
        .postgresql = "SELECT 1 FROM assay_decisions WHERE customer = $1 FOR UPDATE"};
    Erasing *e = context;
    Arena scratch = l->scratch;
    Value v = bind_text(e->customer);
    size_t customer = 0, reply = 0, letter = 0, other = 0;
    Rows rows;
    e->erased = (Erased){0};
    TRY(entries_begin(l, err)); /* first, so that no decision comes in between */
    TRY(link_run(l, &rows, &scratch, &held, &v, 1, err));
    bool decided = rows.count > 0;
    TRY(remove_of(l, &customer, &customers, e->customer, err));
    TRY(remove_of(l, &e->erased.transactions, &events, e->customer, err));
    TRY(remove_of(l, &e->erased.feedback, &feedback, e->customer, err));
    TRY(link_run(l, NULL, NULL, &claims, NULL, 0, err));
    TRY(remove_of(l, &reply, &replies, in_json(&scratch, e->customer), err));
    TRY(remove_letters(l, &letter, scratch, e->customer, err));
    TRY(remove_of(l, &other, &outgoing, e->customer, err));
    /* A letter is nothing that was kept of him, and may name him by chance. */
    e->erased.was_there = decided || customer > 0 || e->erased.transactions > 0 ||
                          e->erased.feedback > 0 || reply > 0 || other > 0;
    e->removed = e->erased.was_there || letter > 0;
    if (!e->erased.was_there)
        return STATUS_OK;
    TRY(add_entry(l, scratch, e, err));
    return remove_of(l, &e->erased.decisions, &texts, e->customer, err);
}

Status database_erase(Database *d, Erased *out, Str customer, int64_t now_us, Error *err)
{
    Erasing e = {.customer = customer, .now_us = now_us};
    TRY(database_texts(&customer, 1, err));
    TRY(database_write_in_turn(d, erase, &e, err));
    *out = e.erased;
    if (e.removed)
        database_wipe(d);
    return STATUS_OK;
}
