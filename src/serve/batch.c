/* batch.c - POST /v1/score:batch: a request a line in, an answer a line out, in memory that does
 * not grow with them.
 *
 * Lines are answered while they arrive. MHD sends nothing before the body has ended, so answers
 * wait: in memory up to a megabyte, then in a file that has no name. A line that cannot be answered
 * gets an error in its place and spoils nothing; only a store that fails ends the batch, for then
 * no later line could be answered either. Decisions are kept in blocks, the last one before the
 * first answer is sent.
 */
#include "serve/serve_internal.h"

#include "record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPOOL_FROM = 1 << 20, LINE_FIRST = 1 << 14 };

typedef struct Batch {
    char *line; /* that is not whole yet */
    size_t line_size, line_capacity;
    bool too_long; /* the rest of it is let go */
    uint64_t lines, bad;
    char *out; /* answers that are not in the file yet */
    size_t out_size, out_capacity;
    uint64_t spooled; /* bytes in the file */
    int fd;           /* -1: none needed yet */
    Keeping *keeping;
} Batch;

static bool begin(Exchange *x)
{
    Batch *b = calloc(1, sizeof *b);
    x->stream = b;
    if (b == NULL || (b->keeping = keeping_new()) == NULL ||
        !budget_take(x->service, SPOOL_FROM + KEEPING_BYTES)) {
        telemetry_shed(x->service->telemetry, "memory");
        reply_header(x, "Retry-After", "5");
        reply_problem(x, 503, "overloaded", NULL, "the service is busy; try again in seconds");
        if (b != NULL)
            b->fd = -1;
        return false;
    }
    x->held += SPOOL_FROM + KEEPING_BYTES;
    b->fd = -1;
    return true;
}

static bool spool_failed(Exchange *x, const char *what)
{
    Error err = {0};
    (void)error_set(&err, STATUS_DATA, "the reply of a batch cannot be kept: %s: %s", what,
                    strerror(errno));
    reply_error(x, &err);
    return false;
}

static bool flush(Exchange *x, Batch *b)
{
    const char *folder = x->service->settings->spool;
    uint64_t most = x->service->settings->limits.spool_bytes;
    if (b->spooled + b->out_size > most) {
        reply_problem(x, 413, "too_large", NULL,
                      "the answers are longer than %llu bytes; split the batch, or ask for a job",
                      (unsigned long long)most);
        return false;
    }
    if (folder == NULL && (folder = getenv("TMPDIR")) == NULL)
        folder = "/tmp";
    if (b->fd < 0 && (b->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) < 0)
        return spool_failed(x, "no file could be made in the spool folder");
    for (size_t done = 0; done < b->out_size;) {
        ssize_t n = write(b->fd, b->out + done, b->out_size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return spool_failed(x, "the spool folder took no more");
        done += (size_t)n;
    }
    b->spooled += b->out_size;
    b->out_size = 0;
    return true;
}

/* Of the budget first. held: of the buffer's bytes, those that were counted when the batch began.
 */
static bool grow(Exchange *x, char **data, size_t *capacity, size_t need, size_t held)
{
    size_t larger = *capacity == 0 ? LINE_FIRST : *capacity;
    if (need <= *capacity)
        return true;
    while (larger < need)
        larger *= 2;
    size_t before = *capacity > held ? *capacity : held, after = larger > held ? larger : held;
    if (!budget_take(x->service, after - before)) {
        refuse_overloaded(x, "memory");
        return false;
    }
    x->held += after - before;
    char *more = realloc(*data, larger);
    if (more == NULL) {
        refuse_overloaded(x, "memory");
        return false;
    }
    *data = more;
    *capacity = larger;
    return true;
}

static bool put(Exchange *x, Batch *b, Str text)
{
    if (b->out_size > 0 && b->out_size + text.size + 1 > SPOOL_FROM && !flush(x, b))
        return false;
    size_t need = b->out_size + text.size + 1;
    if (!grow(x, &b->out, &b->out_capacity, need, SPOOL_FROM))
        return false;
    memcpy(b->out + b->out_size, text.data, text.size);
    b->out[need - 1] = '\n';
    b->out_size = need;
    return b->out_size < SPOOL_FROM || flush(x, b);
}

Str batch_error(Arena *keep, uint64_t line, int status, const Fault *fault)
{
    Document d;
    document_open(&d, keep);
    yyjson_mut_val *e = document_object(&d, d.root, "error");
    document_count(&d, e, "line", line);
    document_count(&d, e, "status", (uint64_t)status);
    document_text(&d, e, "code", str_from(fault->code));
    document_text(&d, e, "detail", str_from(fault->detail));
    document_text(&d, e, "pointer", str_from(fault->pointer));
    return str_trim(document_write(&d, false));
}

static bool put_bad(Exchange *x, Batch *b, Arena *keep, int status, const Fault *fault)
{
    b->bad++;
    return put(x, b, batch_error(keep, b->lines, status, fault));
}

static bool keep_block(Exchange *x, Batch *b)
{
    Error err = {0};
    if (keeping_keep(x->service, b->keeping, &err) == STATUS_OK)
        return true;
    reply_error(x, &err);
    return false;
}

static bool answer_line(Exchange *x, Batch *b, Str line)
{
    Answer a;
    Fault fault = {0};
    Error err = {0};
    Arena keep = *x->arena; /* forgotten after the line */
    Asked asked = {line, {0}, x->now_us, x->trace_id, x->span_id, b->keeping};
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (asked.request.size != line.size)
        asked.request = line;
    b->lines++;
    if (str_trim(line).size == 0) { /* an empty line asks nothing */
        return true;
    }
    Status status =
        serve_answer_one(&a, &keep, x->scratch, x->service, x->served, &asked, &fault, &err);
    if (status == STATUS_OK)
        return put(x, b, a.body) && (!keeping_full(b->keeping) || keep_block(x, b));
    if (fault.code != NULL)
        return put_bad(x, b, &keep, fault_status(&fault), &fault);
    reply_error(x, &err);
    return false;
}

static bool end_line(Exchange *x, Batch *b)
{
    if (!b->too_long)
        return answer_line(x, b, (Str){b->line, b->line_size});
    Arena keep = *x->arena;
    Fault fault = {.code = "too_large"};
    (void)snprintf(fault.detail, sizeof fault.detail, "the line is longer than %llu bytes",
                   (unsigned long long)x->service->settings->limits.batch_line_bytes);
    b->lines++;
    return put_bad(x, b, &keep, 413, &fault);
}

static bool grow_line(Exchange *x, Batch *b, Str part)
{
    size_t need = b->line_size + part.size;
    if (need > x->service->settings->limits.batch_line_bytes) {
        b->too_long = true;
        return true;
    }
    if (!grow(x, &b->line, &b->line_capacity, need, 0))
        return false;
    memcpy(b->line + b->line_size, part.data, part.size);
    b->line_size = need;
    return true;
}

static bool feed(Exchange *x, Str piece)
{
    Batch *b = x->stream;
    while (piece.size > 0) {
        if (b->line_size == 0 && !b->too_long) { /* a bomb may unpack to millions of empty lines */
            size_t empty = 0;
            while (empty < piece.size && piece.data[empty] == '\n')
                empty++;
            b->lines += empty;
            piece = str_slice(piece, empty, piece.size);
            if (piece.size == 0)
                break;
        }
        const char *newline = memchr(piece.data, '\n', piece.size);
        Str part = {piece.data, newline == NULL ? piece.size : (size_t)(newline - piece.data)};
        bool whole = b->line_size == 0 && newline != NULL && !b->too_long &&
                     part.size <= x->service->settings->limits.batch_line_bytes;
        if (whole) { /* without a copy */
            if (!answer_line(x, b, part))
                return false;
        } else {
            if (!b->too_long && !grow_line(x, b, part))
                return false;
            if (newline != NULL && !end_line(x, b))
                return false;
        }
        if (newline != NULL) {
            b->line_size = 0;
            b->too_long = false;
        }
        piece = str_slice(piece, part.size + (newline != NULL), piece.size);
    }
    return true;
}

static void finish(Exchange *x)
{
    Batch *b = x->stream;
    if ((b->line_size > 0 || b->too_long) && !end_line(x, b))
        return;
    if (!keep_block(x, b))
        return;
    telemetry_batch(x->service->telemetry, b->lines, b->bad);
    if (b->fd < 0) {
        reply_text(x, 200, "application/x-ndjson", (Str){b->out, b->out_size});
        return;
    }
    if (!flush(x, b))
        return;
    reply_text(x, 200, "application/x-ndjson", S(""));
    x->reply_fd = b->fd;
    b->fd = -1;
}

static void drop(Exchange *x)
{
    Batch *b = x->stream;
    if (b->fd >= 0)
        (void)close(b->fd);
    free(b->out);
    free(b->line);
    keeping_free(b->keeping);
    free(b);
    x->stream = NULL;
}

static const Streamed batch = {begin, feed, drop};

const Route routes_batch[] = {{"POST", "/v1/score:batch", SCOPE_SCORE, finish, .streamed = &batch,
                               .takes = "application/x-ndjson", .gives = "application/x-ndjson"},
                              {0}};
