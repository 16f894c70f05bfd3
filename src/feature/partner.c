/* Partners: how many known-positive customers a customer deals with. */
#include "feature/feature_internal.h"
#include "feature/peer.h"

#include <stdlib.h>

static int by_code(const void *a, const void *b)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    return (i > j) - (i < j);
}

Status partner_column(PartnerColumn **out, Arena *keep, Arena scratch, const Population *f,
                      Window w, const Events *events, const uint32_t *row, size_t rows, Error *err)
{
    const Schema *s = events->plan->schema;
    const Column *partner = table_find(events->rows, f->partner);
    const Column *own = table_find(events->profile, s->customers.key.text);
    Column *holds;
    PartnerColumn *c = *out = ARENA_NEW(keep, PartnerColumn);
    TRY(events_evaluate(&holds, &scratch, *keep, f->condition, events, w, err));
    c->rows = rows;
    c->start = ARENA_ARRAY(keep, size_t, rows + 1);
    if (partner == NULL || own == NULL) { /* a column that these files lack: nobody is known */
        c->names = dictionary_new(keep);
        return STATUS_OK;
    }
    c->names = partner->dictionary;
    c->code = ARENA_RAW(keep, uint32_t, events->rows->rows + 1);
    size_t n = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t customer = row == NULL ? i : row[i], from = n;
        Range r = events_range(events, customer, w);
        uint32_t self = !column_valid(own, customer)
                            ? NO_CODE
                            : dictionary_find(c->names, own->dictionary->text[own->code[customer]]);
        for (size_t k = r.from; k < r.to; k++)
            if (column_valid(partner, k) && partner->code[k] != self && column_holds(holds, k))
                c->code[n++] = partner->code[k];
        qsort(c->code + from, n - from, sizeof *c->code, by_code);
        size_t kept = from;
        for (size_t k = from; k < n; k++)
            if (k == from || c->code[k] != c->code[k - 1])
                c->code[kept++] = c->code[k];
        n = kept;
        c->start[i + 1] = n;
    }
    return STATUS_OK;
}

/* 128 bits of SHA-256 over salt and id. */
static Str fingerprint(char hash[SHA256_TEXT], Arena scratch, Str salt, Str id)
{
    Buffer b = buffer_new(&scratch);
    buffer_add(&b, salt);
    buffer_char(&b, '\n');
    buffer_add(&b, id);
    sha256_text(hash, buffer_str(&b));
    return (Str){hash, FINGERPRINT_TEXT};
}

static int by_bytes(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

/* The salt is made of the ids themselves: two bundles of other customers share no fingerprint, and
 * the same data gives the same bytes. */
Peers *partners_fit(Arena *keep, Arena scratch, const Str *id, size_t count)
{
    Peers *p = ARENA_NEW(keep, Peers);
    char hash[SHA256_TEXT];
    Str *sorted = arena_copy(&scratch, id, count * sizeof *id);
    qsort(sorted, count, sizeof *sorted, by_bytes);
    Buffer all = buffer_new(&scratch);
    for (size_t i = 0; i < count; i++) {
        buffer_add(&all, sorted[i]);
        buffer_char(&all, '\n');
    }
    sha256_text(hash, buffer_str(&all));
    p->salt = str_copy(keep, (Str){hash, FINGERPRINT_TEXT});
    p->positives = count;
    p->positive = ARENA_ARRAY(keep, Str, count + 1);
    for (size_t i = 0; i < count; i++)
        p->positive[i] = str_copy(keep, fingerprint(hash, scratch, p->salt, id[i]));
    qsort(p->positive, count, sizeof *p->positive, by_bytes);
    return p;
}

void partners_known(uint8_t *risky, Arena scratch, const Peers *p, const PartnerColumn *c)
{
    enum { NEW, SAFE, RISKY };
    for (size_t i = 0; i < c->names->count; i++)
        risky[i] = NEW;
    for (size_t i = 0; i < c->start[c->rows]; i++) {
        uint8_t *known = &risky[c->code[i]];
        if (*known != NEW)
            continue;
        char hash[SHA256_TEXT];
        Str wanted = fingerprint(hash, scratch, p->salt, c->names->text[c->code[i]]);
        bool found = p->positives > 0 &&
                     bsearch(&wanted, p->positive, p->positives, sizeof wanted, by_bytes) != NULL;
        *known = found ? RISKY : SAFE;
    }
    for (size_t i = 0; i < c->names->count; i++)
        risky[i] = risky[i] == RISKY;
}

void partners_count(int64_t *out, const PartnerColumn *c, const uint8_t *risky)
{
    for (size_t i = 0; i < c->rows; i++) {
        out[i] = 0;
        for (size_t k = c->start[i]; k < c->start[i + 1]; k++)
            out[i] += risky[c->code[k]];
    }
}
