/* feedback.c - what analysts said of decisions, and labels that matured. */
#include "database/database_internal.h"

#include <stdio.h>
#include <sys/random.h>

typedef struct Saying {
    const Feedback *feedback;
    char id[33];
    Found found;
} Saying;

/* Whose decision is it? */
static Status customer_of(Link *l, Arena *keep, Saying *s, Str *customer, Error *err)
{
    static const Statement ask = {
        .sql = "SELECT d.customer FROM assay_chain c LEFT JOIN assay_decisions d ON d.id = c.id"
               " WHERE c.id = $1 AND c.kind = 'decision'"};
    /* An erasure waits for what is said of a decision, or has taken the decision away. */
    static const Statement lock = {.sql = "SELECT 1 FROM assay_decisions WHERE id = $1",
                                   .postgresql =
                                       "SELECT 1 FROM assay_decisions WHERE id = $1 FOR SHARE"};
    Value v = bind_text(s->feedback->decision_id);
    Rows rows;
    TRY(link_run(l, &rows, NULL, &lock, &v, 1, err));
    TRY(link_run(l, &rows, keep, &ask, &v, 1, err));
    s->found = rows.count == 0                      ? FOUND_NONE
               : rows.cell[0].kind == VALUE_NOTHING ? FOUND_ERASED
                                                    : FOUND_HELD;
    if (s->found == FOUND_HELD)
        *customer = row_text(&rows, 0, 0);
    return STATUS_OK;
}

static Status say(Link *l, void *context, Error *err)
{
    static const Statement add = {
        .sql = "INSERT INTO assay_feedback (id, decision_id, customer, verdict, action, reason,"
               " reviewer, at_us, reviewed_seconds) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
               " ON CONFLICT (id) DO NOTHING"};
    Saying *s = context;
    const Feedback *f = s->feedback;
    Arena scratch = l->scratch;
    Str customer = f->customer;
    s->found = FOUND_HELD;
    if (f->decision_id.size > 0)
        TRY(customer_of(l, &scratch, s, &customer, err));
    if (s->found != FOUND_HELD)
        return STATUS_OK;
    Value v[] = {
        bind_text(str_from(s->id)), bind_text(f->decision_id), bind_text(customer),
        bind_text(f->verdict),      bind_text(f->action),      bind_text(f->reason),
        bind_text(f->reviewer),     bind_number(f->at_us),     bind_number(f->reviewed_seconds)};
    return link_run(l, NULL, NULL, &add, v, COUNT_OF(v), err);
}

Status database_add_feedback(Database *d, Found *found, const Feedback *f, Error *err)
{
    Saying s = {.feedback = f};
    uint64_t random[2];
    const Str text[] = {f->decision_id, f->customer, f->verdict, f->action, f->reason, f->reviewer};
    TRY(database_texts(text, COUNT_OF(text), err));
    if (f->decision_id.size == 0 && f->customer.size == 0)
        return error_set(err, STATUS_USAGE, "feedback names a decision or a customer");
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set(err, STATUS_IO, "the system has no random numbers");
    (void)snprintf(s.id, sizeof s.id, "%016llx%016llx", (unsigned long long)random[0],
                   (unsigned long long)random[1]);
    TRY(database_write(d, say, &s, err));
    *found = s.found;
    return STATUS_OK;
}
