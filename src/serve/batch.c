/* batch.c - POST /v1/score:batch: a request a line in, an answer a line out.
 *
 * Only a store that fails ends the batch, for then no later line could be answered either.
 * Decisions are kept in blocks, the last one before the first answer is sent.
 */
#include "serve/serve_internal.h"

#include <stdlib.h>

typedef struct Batch {
    uint64_t bad;
    Keeping *keeping;
} Batch;

static bool put_bad(Exchange *x, void *batch, uint64_t number, const Fault *fault)
{
    Batch *b = batch;
    Arena keep = *x->arena;
    b->bad++;
    return lines_put(x, batch_error(&keep, number, fault_status(fault), fault));
}

static bool keep_block(Exchange *x, Batch *b)
{
    Error err = {0};
    if (keeping_keep(x->service, b->keeping, &err) == STATUS_OK)
        return true;
    reply_error(x, &err);
    return false;
}

static bool answer_line(Exchange *x, void *batch, uint64_t number, Str line)
{
    Answer a;
    Batch *b = batch;
    Fault fault = {0};
    Error err = {0};
    Arena keep = *x->arena; /* forgotten after the line */
    Asked asked = {line, {0}, x->now_us, x->trace_id, x->span_id, b->keeping};
    Status status =
        serve_answer_one(&a, &keep, x->scratch, x->service, x->served, &asked, &fault, &err);
    if (status == STATUS_OK)
        return lines_put(x, a.body) && (!keeping_full(b->keeping) || keep_block(x, b));
    if (fault.code != NULL)
        return put_bad(x, b, number, &fault);
    reply_error(x, &err);
    return false;
}

static void drop(void *batch)
{
    Batch *b = batch;
    keeping_free(b->keeping);
    free(b);
}

static const LineUser user = {KEEPING_BYTES, answer_line, put_bad, drop};

static bool begin(Exchange *x)
{
    Batch *b = calloc(1, sizeof *b);
    if (b != NULL && (b->keeping = keeping_new()) == NULL) {
        free(b);
        b = NULL;
    }
    return lines_begin(x, &user, b);
}

static void finish(Exchange *x)
{
    Batch *b = lines_own(x);
    if (!lines_end(x) || !keep_block(x, b))
        return;
    telemetry_batch(x->service->telemetry, lines_count(x), b->bad);
    lines_reply(x);
}

static const Streamed batch = {begin, lines_feed, lines_drop};

const Route routes_batch[] = {{"POST", "/v1/score:batch", SCOPE_SCORE, finish, .streamed = &batch,
                               .takes = "application/x-ndjson", .gives = "application/x-ndjson"},
                              {0}};
