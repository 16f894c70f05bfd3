/* handle_lines.c - POST /v1/transactions of NDJSON: a transaction a line in, what became of it a
 * line out.
 *
 * They are held in blocks, for a commit a line would take longer than all the rest. What became of
 * a line is said when its block is held. A block that the store will not hold because of one line
 * is tried line by line, so that the others are.
 */
#include "serve/serve_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_LINES = 256, BLOCK_BYTES = 256 << 10, SIDES = 2 /* of a transaction, at most */ };

typedef struct Told {
    uint64_t number;
    size_t first, count; /* of the block's events */
    Fault fault;         /* code NULL: none */
} Told;

typedef struct Block {
    Arena keep, empty; /* a range of its own */
    StoredEvent event[SIDES * BLOCK_LINES];
    bool added[SIDES * BLOCK_LINES];
    Told line[BLOCK_LINES];
    size_t events, lines, bytes;
} Block;

static Status hold(Service *s, Block *b, size_t first, size_t count, Error *err)
{
    size_t added;
    return count == 0 ? STATUS_OK
                      : database_add_transactions(s->database, &added, b->added + first,
                                                  b->event + first, count, err);
}

/* False: the store is not there, or we failed. */
static bool hold_each(Exchange *x, Block *b)
{
    for (size_t i = 0; i < b->lines; i++) {
        Told *l = &b->line[i];
        Error err = {0};
        Status status = hold(x->service, b, l->first, l->count, &err);
        if (status == STATUS_LIMIT)
            (void)snprintf(l->fault.detail, sizeof l->fault.detail,
                           "More than %d transactions of a customer would be held.", HISTORY_MAX);
        else if (status == STATUS_USAGE)
            (void)snprintf(l->fault.detail, sizeof l->fault.detail,
                           "The store cannot hold a text of this line.");
        else if (status != STATUS_OK) {
            reply_error(x, &err);
            return false;
        }
        if (status != STATUS_OK)
            l->fault.code = status == STATUS_LIMIT ? "too_many" : "bad_value";
    }
    return true;
}

static bool tell(Exchange *x, const Block *b, const Told *l)
{
    size_t added = 0;
    Arena keep = *x->arena;
    if (l->fault.code != NULL)
        return lines_put(x, batch_error(&keep, l->number, fault_status(&l->fault), &l->fault));
    for (size_t i = 0; i < l->count; i++)
        added += b->added[l->first + i];
    return lines_put(x, str_format(&keep, "{\"received\":1,\"added\":%zu}", added));
}

static bool end_block(Exchange *x, Block *b)
{
    Error err = {0};
    bool good = true;
    Status status = hold(x->service, b, 0, b->events, &err);
    if (status == STATUS_LIMIT || status == STATUS_USAGE)
        good = hold_each(x, b);
    else if (status != STATUS_OK) {
        reply_error(x, &err);
        good = false;
    }
    for (size_t i = 0; good && i < b->lines; i++)
        good = tell(x, b, &b->line[i]);
    arena_trim(&b->empty, (size_t)2 * BLOCK_BYTES);
    b->keep = b->empty;
    b->events = b->lines = b->bytes = 0;
    return good;
}

static bool put_line(Exchange *x, Block *b, const Told *l)
{
    b->line[b->lines++] = *l;
    return (b->lines < BLOCK_LINES && b->bytes < BLOCK_BYTES) || end_block(x, b);
}

static bool refuse_line(Exchange *x, void *block, uint64_t number, const Fault *fault)
{
    Told l = {.number = number, .fault = *fault};
    return put_line(x, block, &l);
}

static bool take_line(Exchange *x, void *block, uint64_t number, Str line)
{
    Block *b = block;
    Fault fault = {0};
    Error err = {0};
    HeldVersion *version;
    size_t count, rows;
    Arena keep = *x->arena; /* forgotten after the line */
    Status status =
        answer_hold_transactions(&version, &count, &rows, &keep, x->scratch, x->served->champion,
                                 line, &x->service->settings->limits.answer, &fault, &err);
    if (status == STATUS_OK && (rows != 1 || count > SIDES)) {
        fault.code = "too_many";
        (void)snprintf(fault.detail, sizeof fault.detail,
                       "A line is one transaction; send a list as application/json.");
    }
    if (fault.code != NULL)
        return refuse_line(x, b, number, &fault);
    if (status != STATUS_OK) {
        reply_error(x, &err);
        return false;
    }
    Told l = {.number = number, .first = b->events, .count = count};
    for (size_t i = 0; i < count; i++) {
        b->event[b->events++] = (StoredEvent){.customer = str_copy(&b->keep, version[i].customer),
                                              .id = str_copy(&b->keep, version[i].id),
                                              .state = str_copy(&b->keep, version[i].state),
                                              .json = str_copy(&b->keep, version[i].json)};
        b->bytes += version[i].json.size;
    }
    return put_line(x, b, &l);
}

static void drop(void *block)
{
    Block *b = block;
    arena_free(&b->keep);
    free(b);
}

static const LineUser user = {sizeof(Block) + BLOCK_BYTES, take_line, refuse_line, drop};

static bool begin(Exchange *x)
{
    if (!has_store(x))
        return false;
    Block *b = calloc(1, sizeof *b);
    if (b != NULL)
        b->empty = b->keep = arena_new();
    return lines_begin(x, &user, b);
}

static void finish(Exchange *x)
{
    if (lines_end(x) && end_block(x, lines_own(x)))
        lines_reply(x);
}

static const Streamed transactions = {begin, lines_feed, lines_drop};

const Route route_transaction_lines = {"POST",
                                       "/v1/transactions",
                                       SCOPE_DATA,
                                       finish,
                                       .streamed = &transactions,
                                       .takes = "application/x-ndjson",
                                       .gives = "application/x-ndjson"};
