/* lines.c - NDJSON in, NDJSON out: each line is handed to whoever answers it, in memory that does
 * not grow with them.
 *
 * Lines are answered while they arrive. MHD sends nothing before the body has ended, so answers
 * wait: in memory up to a megabyte, then in a file that has no name. A line that cannot be answered
 * gets an error in its place and spoils nothing.
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

struct Lines {
    const LineUser *user;
    void *own;  /* the user's */
    char *line; /* that is not whole yet */
    size_t line_size, line_capacity;
    bool too_long; /* the rest of it is let go */
    uint64_t lines;
    char *out; /* answers that are not in the file yet */
    size_t out_size, out_capacity;
    uint64_t spooled; /* bytes in the file */
    int fd;           /* -1: none needed yet */
};

bool lines_begin(Exchange *x, const LineUser *user, void *own)
{
    Lines *l = calloc(1, sizeof *l);
    x->stream = l;
    if (l != NULL) {
        l->user = user;
        l->own = own;
        l->fd = -1;
    }
    if (l == NULL || own == NULL || !budget_take(x->service, SPOOL_FROM + user->held)) {
        telemetry_shed(x->service->telemetry, "memory");
        reply_header(x, "Retry-After", "5");
        reply_problem(x, 503, "overloaded", NULL, "the service is busy; try again in seconds");
        if (l == NULL && own != NULL)
            user->drop(own);
        return false;
    }
    x->held += SPOOL_FROM + user->held;
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

static bool flush(Exchange *x, Lines *l)
{
    const char *folder = x->service->settings->spool;
    uint64_t most = x->service->settings->limits.spool_bytes;
    if (l->spooled + l->out_size > most) {
        reply_problem(x, 413, "too_large", NULL, "the answers are longer than %llu bytes; %s",
                      (unsigned long long)most, remedy_large(x));
        return false;
    }
    if (folder == NULL && (folder = getenv("TMPDIR")) == NULL)
        folder = "/tmp";
    if (l->fd < 0 && (l->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) < 0)
        return spool_failed(x, "no file could be made in the spool folder");
    for (size_t done = 0; done < l->out_size;) {
        ssize_t n = write(l->fd, l->out + done, l->out_size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return spool_failed(x, "the spool folder took no more");
        done += (size_t)n;
    }
    l->spooled += l->out_size;
    l->out_size = 0;
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

bool lines_put(Exchange *x, Str text)
{
    Lines *l = x->stream;
    if (l->out_size > 0 && l->out_size + text.size + 1 > SPOOL_FROM && !flush(x, l))
        return false;
    size_t need = l->out_size + text.size + 1;
    if (!grow(x, &l->out, &l->out_capacity, need, SPOOL_FROM))
        return false;
    memcpy(l->out + l->out_size, text.data, text.size);
    l->out[need - 1] = '\n';
    l->out_size = need;
    return l->out_size < SPOOL_FROM || flush(x, l);
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

static bool take_line(Exchange *x, Lines *l, Str line)
{
    l->lines++;
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    /* An empty line asks nothing. */
    return str_trim(line).size == 0 || l->user->take(x, l->own, l->lines, line);
}

static bool end_line(Exchange *x, Lines *l)
{
    if (!l->too_long)
        return take_line(x, l, (Str){l->line, l->line_size});
    Fault fault = {.code = "too_large"};
    (void)snprintf(fault.detail, sizeof fault.detail, "the line is longer than %llu bytes",
                   (unsigned long long)x->service->settings->limits.batch_line_bytes);
    l->lines++;
    return l->user->refuse(x, l->own, l->lines, &fault);
}

static bool grow_line(Exchange *x, Lines *l, Str part)
{
    size_t need = l->line_size + part.size;
    if (need > x->service->settings->limits.batch_line_bytes) {
        l->too_long = true;
        return true;
    }
    if (!grow(x, &l->line, &l->line_capacity, need, 0))
        return false;
    memcpy(l->line + l->line_size, part.data, part.size);
    l->line_size = need;
    return true;
}

bool lines_feed(Exchange *x, Str piece)
{
    Lines *l = x->stream;
    while (piece.size > 0) {
        if (l->line_size == 0 && !l->too_long) { /* a bomb may unpack to millions of empty lines */
            size_t empty = 0;
            while (empty < piece.size && piece.data[empty] == '\n')
                empty++;
            l->lines += empty;
            piece = str_slice(piece, empty, piece.size);
            if (piece.size == 0)
                break;
        }
        const char *newline = memchr(piece.data, '\n', piece.size);
        Str part = {piece.data, newline == NULL ? piece.size : (size_t)(newline - piece.data)};
        bool whole = l->line_size == 0 && newline != NULL && !l->too_long &&
                     part.size <= x->service->settings->limits.batch_line_bytes;
        if (whole) { /* without a copy */
            if (!take_line(x, l, part))
                return false;
        } else {
            if (!l->too_long && !grow_line(x, l, part))
                return false;
            if (newline != NULL && !end_line(x, l))
                return false;
        }
        if (newline != NULL) {
            l->line_size = 0;
            l->too_long = false;
        }
        piece = str_slice(piece, part.size + (newline != NULL), piece.size);
    }
    return true;
}

bool lines_end(Exchange *x)
{
    Lines *l = x->stream;
    return (l->line_size == 0 && !l->too_long) || end_line(x, l);
}

void lines_reply(Exchange *x)
{
    Lines *l = x->stream;
    if (l->fd < 0) {
        reply_text(x, 200, "application/x-ndjson", (Str){l->out, l->out_size});
        return;
    }
    if (!flush(x, l))
        return;
    reply_text(x, 200, "application/x-ndjson", S(""));
    x->reply_fd = l->fd;
    l->fd = -1;
}

void *lines_own(const Exchange *x)
{
    return ((const Lines *)x->stream)->own;
}

uint64_t lines_count(const Exchange *x)
{
    return ((const Lines *)x->stream)->lines;
}

void lines_drop(Exchange *x)
{
    Lines *l = x->stream;
    if (l->fd >= 0)
        (void)close(l->fd);
    if (l->own != NULL)
        l->user->drop(l->own);
    free(l->out);
    free(l->line);
    free(l);
    x->stream = NULL;
}
