/* keeping.c - decisions of many rows, kept in one transaction. */
#include "serve/serve_internal.h"

#include <stdlib.h>

Keeping *keeping_new(void)
{
    Keeping *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->empty = b->keep = arena_new();
    return b;
}

void keeping_free(Keeping *b)
{
    if (b == NULL)
        return;
    arena_free(&b->keep);
    free(b);
}

void keeping_clear(Keeping *b)
{
    arena_trim(&b->empty, (size_t)2 * KEEPING_BYTES);
    b->keep = b->empty;
    b->count = b->bytes = 0;
}

bool keeping_full(const Keeping *b)
{
    return b->count == KEEPING_ROWS || b->bytes >= KEEPING_BYTES;
}

void keeping_add(Keeping *b, const StoredDecision *d)
{
    b->decision[b->count++] = (StoredDecision){.id = str_copy(&b->keep, d->id),
                                               .customer = str_copy(&b->keep, d->customer),
                                               .action = str_copy(&b->keep, d->action),
                                               .segment = str_copy(&b->keep, d->segment),
                                               .as_of_us = d->as_of_us,
                                               .at_us = d->at_us,
                                               .json = str_copy(&b->keep, d->json),
                                               .from_held = d->from_held,
                                               .event = str_copy(&b->keep, d->event)};
    b->bytes += d->json.size + d->event.size;
}

Status keeping_keep(Service *s, Keeping *b, Error *err)
{
    if (b->count == 0)
        return STATUS_OK;
    TRY(database_add_decisions(s->database, b->decision, b->count, err));
    for (size_t i = 0; i < b->count; i++)
        if (b->decision[i].event.size > 0)
            outbox_put(s->outbox, b->decision[i].id, b->decision[i].event, true);
    keeping_clear(b);
    return STATUS_OK;
}
