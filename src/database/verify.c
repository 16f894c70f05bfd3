/* verify.c - is the chain of decisions as it was written?
 *
 * Entries are read a page at a time, in order, up to the end that the chain had at the beginning:
 * what is added meanwhile is for the next time. A text may be missing where an erasure answers
 * for it, and an erasure must name, by its hash, the very entries that it answers for.
 */
#include "database/database_internal.h"

#include <string.h>

#define PAGE_ROWS 500

typedef struct Verifying {
    Database *d;
    Arena arena, scratch; /* of a page; of an entry */
    int64_t end;
    char end_hash[SHA256_TEXT];
    char previous[SHA256_TEXT];
    ChainState state;
    Str head; /* noted earlier */
    bool headed;
} Verifying;

static Status changed(int64_t sequence, const char *what, Error *err)
{
    (void)error_set(err, STATUS_FORMAT, "entry %lld of the chain %s", (long long)sequence, what);
    return error_remedy(err, "somebody wrote on the store: take it from its backup, and look into "
                             "who may write to it");
}

static Status read_end(Verifying *v, Error *err)
{
    static const Statement ask = {.sql = "SELECT sequence, chain FROM assay_chain_end"};
    Arena scratch = v->arena;
    Rows rows;
    TRY(database_ask(v->d, &rows, &scratch, &ask, NULL, 0, err));
    if (rows.count != 1 || row_text(&rows, 0, 1).size != SHA256_TEXT - 1)
        return changed(0, "is missing: the chain has no end", err);
    v->end = row_number(&rows, 0, 0);
    memcpy(v->end_hash, row_text(&rows, 0, 1).data, SHA256_TEXT - 1);
    return STATUS_OK;
}

static Status check_decision(Verifying *v, const Rows *r, size_t i, Error *err)
{
    int64_t sequence = row_number(r, i, 0), erased_by = row_number(r, i, 7);
    char hash[SHA256_TEXT];
    v->state.decisions++;
    if (r->cell[i * r->columns + 8].kind == VALUE_NOTHING) {
        v->state.erased++;
        bool answered = r->cell[i * r->columns + 11].kind != VALUE_NOTHING;
        return answered && erased_by > sequence
                   ? STATUS_OK
                   : changed(sequence, "has lost its text, and no erasure says so", err);
    }
    if (erased_by != 0)
        return changed(sequence, "is said to be erased, and has its text", err);
    sha256_text(hash, row_text(r, i, 8));
    if (!str_equal(str_from(hash), row_text(r, i, 4)))
        return changed(sequence, "has another text than it had", err);
    customer_hash(hash, v->scratch, row_text(r, i, 9), row_text(r, i, 10));
    if (!str_equal(str_from(hash), row_text(r, i, 3)))
        return changed(sequence, "belongs to another customer than it did", err);
    return STATUS_OK;
}

static Status check_erasure(Verifying *v, const Rows *r, size_t i, Error *err)
{
    static const Statement which = {
        .sql = "SELECT sequence FROM assay_chain WHERE erased_by = $1 AND erased_by > 0"
               " ORDER BY sequence"};
    Value sequence = bind_number(row_number(r, i, 0));
    Arena scratch = v->scratch;
    char hash[SHA256_TEXT];
    Rows rows;
    v->state.erasures++;
    TRY(database_ask(v->d, &rows, &scratch, &which, &sequence, 1, err));
    Buffer b = buffer_new(&scratch);
    for (size_t k = 0; k < rows.count; k++)
        buffer_format(&b, "%lld\n", (long long)row_number(&rows, k, 0));
    sha256_text(hash, buffer_str(&b));
    return str_equal(str_from(hash), row_text(r, i, 4))
               ? STATUS_OK
               : changed(sequence.number, "answers for other erasures than it did", err);
}

static Status check_entry(Verifying *v, const Rows *r, size_t i, int64_t expected, Error *err)
{
    char own[SHA256_TEXT];
    Entry e = {.sequence = row_number(r, i, 0),
               .kind = row_text(r, i, 1),
               .id = row_text(r, i, 2),
               .customer_sha256 = row_text(r, i, 3),
               .text_sha256 = row_text(r, i, 4),
               .at_us = row_number(r, i, 5)};
    if (e.sequence != expected)
        return changed(expected, "is missing", err);
    entry_hash(own, v->scratch, &e, str_from(v->previous));
    if (!str_equal(str_from(own), row_text(r, i, 6)))
        return changed(e.sequence, "is not as it was written", err);
    memcpy(v->previous, own, sizeof own);
    v->headed |= str_equal(v->head, str_from(own));
    v->state.entries++;
    if (str_equal(e.kind, S("erasure")))
        return check_erasure(v, r, i, err);
    return check_decision(v, r, i, err);
}

static Status check_page(Verifying *v, int64_t *at, Error *err)
{
    static const Statement page = {
        .sql =
            "SELECT c.sequence, c.kind, c.id, c.customer_sha256, c.text_sha256, c.at_us, c.chain,"
            " c.erased_by, d.json, d.salt, d.customer, e.sequence"
            " FROM assay_chain c LEFT JOIN assay_decisions d ON d.id = c.id"
            " LEFT JOIN assay_chain e ON e.sequence = c.erased_by AND e.kind = 'erasure'"
            " AND e.sequence <= (SELECT sequence FROM assay_chain_end)" /* it may be new */
            " WHERE c.sequence > $1 AND c.sequence <= $2 ORDER BY c.sequence"};
    Arena keep = v->arena;
    int64_t to = *at + PAGE_ROWS < v->end ? *at + PAGE_ROWS : v->end;
    Value range[] = {bind_number(*at), bind_number(to)};
    Rows rows;
    TRY(database_ask(v->d, &rows, &keep, &page, range, COUNT_OF(range), err));
    for (size_t i = 0; i < rows.count; i++)
        TRY(check_entry(v, &rows, i, *at + (int64_t)i + 1, err));
    if ((int64_t)rows.count < to - *at)
        return changed(*at + (int64_t)rows.count + 1, "is missing", err);
    *at = to;
    return STATUS_OK;
}

/* Is there anything that the chain does not know of? */
static Status check_beyond(Verifying *v, Error *err)
{
    static const Statement foreign = {
        .sql =
            "SELECT count(*) FROM assay_decisions d WHERE NOT EXISTS (SELECT 1 FROM assay_chain c"
            " WHERE c.id = d.id AND c.sequence = d.sequence AND c.kind = 'decision')"};
    Arena scratch = v->arena;
    Rows rows;
    TRY(database_ask(v->d, &rows, &scratch, &foreign, NULL, 0, err));
    if (row_number(&rows, 0, 0) == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT, "there are decisions that the chain does not know");
    return error_remedy(err, "somebody wrote on the store: take it from its backup, and look into "
                             "who may write to it");
}

static Status check_head(const Verifying *v, Error *err)
{
    if (v->head.size == 0 || v->headed || str_equal(v->head, S(CHAIN_FIRST)))
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT, "the head that was noted is not in the chain");
    return error_remedy(err, "the chain was written anew, or the head is of another store");
}

Status database_verify(Database *d, ChainState *out, Str head, Error *err)
{
    Verifying v = {.d = d,
                   .arena = arena_new(),
                   .scratch = arena_new(),
                   .previous = CHAIN_FIRST,
                   .head = head};
    int64_t at = 0;
    Status s = read_end(&v, err);
    while (s == STATUS_OK && at < v.end)
        s = check_page(&v, &at, err);
    if (s == STATUS_OK && memcmp(v.previous, v.end_hash, SHA256_TEXT - 1) != 0)
        s = changed(v.end, "is not where the chain ended", err);
    if (s == STATUS_OK)
        s = check_beyond(&v, err);
    if (s == STATUS_OK)
        s = check_head(&v, err);
    memcpy(v.state.head, v.previous, SHA256_TEXT);
    *out = v.state;
    arena_free(&v.arena);
    arena_free(&v.scratch);
    return s;
}
