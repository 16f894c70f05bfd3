/* exchange.c - one request from its headers to its reply.
 *
 * MHD calls when the headers are here, with each piece of the body, and when the body is whole.
 * Whatever can be refused is refused at the headers; but the reply waits for the end of a small
 * body, because a connection that is closed over unread bytes may take the reply with it. A large
 * one is not waited for.
 */
#include "serve/serve_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Of a refused body so much is read and let go; a body begins with so much memory; replies from
 * so many bytes on are packed. */
enum { DISCARD_BYTES = 1 << 20, BODY_FIRST = 1 << 14, PACK_LEAST = 1 << 10 };

static int64_t wall_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t monotonic_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Until when so many bytes may take. */
static void allow_time(Exchange *x, int64_t since_us, uint64_t bytes)
{
    int64_t seconds =
        x->service->settings->limits.request_seconds + (int64_t)(bytes / SLOWEST_BYTES);
    atomic_store(&x->peer->until_us, since_us + seconds * SECOND_US);
}

/* ---- memory ---- */

bool budget_take(Service *s, uint64_t bytes)
{
    uint64_t limit = s->settings->limits.memory_bytes;
    uint64_t before = atomic_fetch_add(&s->held_bytes, bytes);
    if (before + bytes <= limit)
        return true;
    (void)atomic_fetch_sub(&s->held_bytes, bytes);
    return false;
}

void budget_hold(Service *s, uint64_t bytes)
{
    (void)atomic_fetch_add(&s->held_bytes, bytes);
}

void budget_give(Service *s, uint64_t bytes)
{
    (void)atomic_fetch_sub(&s->held_bytes, bytes);
}

/* ---- out ---- */

static const char *method_label(Str method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (str_equal(method, str_from(known[i])))
            return known[i];
    return "other";
}

static void tell(const Exchange *x, int status, const char *code)
{
    RequestSeen seen = {.route = x->route == NULL ? "unmatched" : x->route->path,
                        .base = x->route == NULL || x->root ? NULL : x->service->base_path.data,
                        .method = method_label(x->method),
                        .status = status,
                        .took_ns = monotonic_ns() - x->began_ns,
                        .bytes_in = x->received,
                        .bytes_out = x->reply_bytes,
                        .code = code,
                        .request_id = x->request_id,
                        .trace_id = x->trace_id,
                        .span_id = x->span_id,
                        .caller_hash = x->caller.hash[0] == '\0' ? NULL : x->caller.hash,
                        .decision_id = x->decision_id,
                        .took = x->decision_id.size > 0 ? &x->took : NULL};
    telemetry_request(x->service->telemetry, &seen);
}

static struct MHD_Response *response_of(Exchange *x)
{
    Str text = x->reply;
    Encoding e = ENCODING_PLAIN;
    if (x->reply_fd >= 0) {
        off_t size = lseek(x->reply_fd, 0, SEEK_END);
        struct MHD_Response *r = MHD_create_response_from_fd64((uint64_t)size, x->reply_fd);
        if (r != NULL)
            x->reply_fd = -1; /* it is closed with the response */
        x->reply_bytes = (uint64_t)size;
        return r;
    }
    if (text.size >= PACK_LEAST)
        e = encoding_accepted(request_header(x, "Accept-Encoding"));
    if (e != ENCODING_PLAIN && packed(&text, x->arena, e, x->reply))
        reply_header(x, "Content-Encoding", e == ENCODING_GZIP ? "gzip" : "zstd");
    if (x->reply.size >= PACK_LEAST)
        reply_header(x, "Vary", "Accept-Encoding");
    budget_hold(x->service, text.size);
    x->held += text.size;
    x->reply_bytes = text.size;
    return MHD_create_response_from_buffer(text.size, (void *)(uintptr_t)text.data,
                                           MHD_RESPMEM_MUST_COPY);
}

/* The reply becomes one that needs the thread's arena no longer. */
static void seal(Exchange *x)
{
    struct MHD_Response *r = response_of(x);
    x->sealed = true;
    x->response = r;
    if (r == NULL)
        return;
    if (x->content_type != NULL)
        (void)MHD_add_response_header(r, "Content-Type", x->content_type);
    (void)MHD_add_response_header(r, "X-Request-Id", x->request_id);
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    (void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i < x->headers; i++)
        (void)MHD_add_response_header(r, x->header_name[i], x->header_value[i]);
    if (atomic_load(&x->service->draining))
        (void)MHD_add_response_header(r, "Connection", "close");
}

/* The same for a body that is not waited for: bytes that can be sent without MHD, which takes no
 * reply in the middle of a body. */
static void keep_refusal(Exchange *x)
{
    Buffer b = buffer_new(x->arena);
    buffer_format(&b,
                  "HTTP/1.1 %d Refused\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                  "Connection: close\r\nX-Request-Id: %s\r\n",
                  x->status, x->content_type == NULL ? "text/plain" : x->content_type,
                  x->reply.size, x->request_id);
    for (size_t i = 0; i < x->headers; i++)
        buffer_format(&b, "%s: %s\r\n", x->header_name[i], x->header_value[i]);
    buffer_add(&b, S("\r\n"));
    buffer_add(&b, x->reply);
    x->refusal = strndup(b.data, b.size);
}

static enum MHD_Result send_refusal(Exchange *x)
{
    if (x->refusal != NULL && x->service->settings->tls_certificate == NULL)
        (void)send(x->peer->fd, x->refusal, strlen(x->refusal), MSG_DONTWAIT | MSG_NOSIGNAL);
    tell(x, x->status, x->problem);
    x->queued = true;
    return MHD_NO;
}

static enum MHD_Result respond(Exchange *x)
{
    struct MHD_Response *r = x->response;
    if (r == NULL) /* no memory for it */
        return MHD_NO;
    allow_time(x, clock_monotonic_us(), x->reply_bytes);
    enum MHD_Result done = MHD_queue_response(x->connection, (unsigned)x->status, r);
    MHD_destroy_response(r);
    x->response = NULL;
    x->queued = true;
    tell(x, x->status, x->problem);
    return done;
}

/* ---- in ---- */

static Bench *take_bench(Exchange *x)
{
    Bench *b = bench_of_thread();
    x->arena = &b->keep;
    x->scratch = b->scratch;
    return b;
}

static void leave_bench(Exchange *x, Bench *b)
{
    x->reply = x->body = x->parameter = x->decision_id = (Str){0};
    x->headers = 0;
    bench_clear(b);
}

/* A reply is set before the body is whole. */
static void settle_early(Exchange *x)
{
    x->refused_at = x->received;
    keep_refusal(x);
    seal(x);
}

static void begin(Exchange *x, Str url)
{
    Bench *b = take_bench(x);
    Service *s = x->service;
    x->now_us = wall_us();
    x->began_ns = monotonic_ns();
    admit_headers(x, b, url);
    if (x->status == 0) {
        x->served = served_take(s);
        if (x->route->streamed != NULL && x->encoding != ENCODING_PLAIN && x->has_body &&
            (x->unpacking = unpacking_new(x->encoding)) == NULL)
            refuse_overloaded(x, "memory");
        else if (x->route->streamed != NULL)
            (void)x->route->streamed->begin(x);
    }
    x->expects = str_equal_fold(request_header(x, "Expect"), S("100-continue"));
    if (x->status != 0)
        settle_early(x);
    leave_bench(x, b);
}

static bool append(Exchange *x, Str piece)
{
    uint64_t size = x->received;
    if (size > x->upload_capacity) {
        size_t capacity = x->upload_capacity == 0 ? BODY_FIRST : 2 * x->upload_capacity;
        if (x->upload_capacity == 0 && x->declared > 0 && x->declared <= (uint64_t)4 * BODY_FIRST)
            capacity = (size_t)x->declared;
        while (capacity < size)
            capacity *= 2;
        if (!budget_take(x->service, capacity - x->upload_capacity))
            return false;
        x->held += capacity - x->upload_capacity;
        char *more = realloc(x->upload, capacity);
        if (more == NULL)
            return false;
        x->upload = more;
        x->upload_capacity = capacity;
    }
    memcpy(x->upload + (size - piece.size), piece.data, piece.size);
    return true;
}

static bool feed_route(void *context, Str piece)
{
    Exchange *x = context;
    uint64_t most = body_limit(x);
    x->unpacked += piece.size;
    if (x->unpacked <= most)
        return x->route->streamed->feed(x, piece);
    reply_problem(x, 413, "too_large", NULL, "the body unpacks to more than %llu bytes; %s",
                  (unsigned long long)most, remedy_large(x));
    return false;
}

static void feed(Exchange *x, Str piece)
{
    Unpacked how = UNPACKED_MORE;
    if (x->unpacking == NULL)
        (void)feed_route(x, piece);
    else
        how = unpacking_feed(x->unpacking, piece, feed_route, x);
    if (how == UNPACKED_DAMAGED && x->status == 0)
        reply_problem(x, 400, "bad_encoding", NULL, "the compressed body is damaged");
    uint64_t now = x->unpacking == NULL ? 0 : unpacking_bytes(x->unpacking);
    if (x->status != 0 || now <= x->unpacking_held)
        return;
    if (!budget_take(x->service, now - x->unpacking_held)) {
        refuse_overloaded(x, "memory");
        return;
    }
    x->held += now - x->unpacking_held;
    x->unpacking_held = now;
}

/* A piece of the body; MHD_NO ends the connection. */
static enum MHD_Result take_piece(Exchange *x, Str piece)
{
    x->received += piece.size;
    if (x->sealed)
        return x->received > x->refused_at + DISCARD_BYTES ? send_refusal(x) : MHD_YES;
    Bench *b = take_bench(x);
    if (x->received > body_limit(x))
        refuse_large(x);
    else if (x->route->streamed != NULL)
        feed(x, piece);
    else if (keeps_body(x) && !append(x, piece))
        refuse_overloaded(x, "memory");
    if (x->status != 0)
        settle_early(x);
    leave_bench(x, b);
    return MHD_YES;
}

static bool unpack_body(Exchange *x)
{
    Error err = {0};
    uint64_t most = x->service->settings->limits.unpacked_bytes;
    x->body = (Str){x->upload, x->upload == NULL ? 0 : (size_t)x->received};
    if (x->encoding == ENCODING_PLAIN || x->body.size == 0)
        return true;
    Str mark = x->encoding == ENCODING_GZIP ? S("\x1F\x8B") : S("\x28\xB5\x2F\xFD");
    Status status = str_starts(x->body, mark)
                        ? unpack(&x->body, x->arena, x->body, most, "body", &err)
                        : STATUS_FORMAT;
    if (status == STATUS_LIMIT)
        reply_problem(x, 413, "too_large", NULL, "the body unpacks to more than %llu bytes",
                      (unsigned long long)most);
    else if (status != STATUS_OK)
        reply_problem(x, 400, "bad_encoding", NULL, "the compressed body is damaged");
    return status == STATUS_OK;
}

static void handle(Exchange *x, Str url)
{
    if (x->parameters[0].size > 0) /* they lay in the arena */
        admit_route(x, url);
    if (x->unpacking != NULL && !unpacking_whole(x->unpacking)) {
        reply_problem(x, 400, "bad_encoding", NULL, "the compressed body is cut off");
        return;
    }
    if (x->route->streamed == NULL && !unpack_body(x))
        return;
    if (x->route->settles && !settle_begin(x))
        return;
    x->route->handle(x);
    if (x->status == 0) /* a handler without a reply: ours to mend, not the sender's to bear */
        reply_problem(x, 500, "internal", NULL, "the service failed");
    if (x->route->settles)
        settle_end(x);
}

static enum MHD_Result finish(Exchange *x, Str url)
{
    if (x->sealed)
        return respond(x);
    Bench *b = take_bench(x);
    admit_origin(x);
    handle(x, url);
    seal(x);
    enum MHD_Result done = respond(x);
    leave_bench(x, b);
    return done;
}

static Exchange *exchange_new(Daemon *d, struct MHD_Connection *c, const char *method)
{
    Exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    Service *s = daemon_service(d);
    x->service = s;
    x->connection = c;
    x->peer = daemon_peer(c);
    x->admin = daemon_is_admin(d);
    x->method = str_from(method);
    x->reply_fd = -1;
    (void)atomic_fetch_add(&s->in_flight, 1);
    (void)atomic_fetch_add(&s->begun, 1);
    telemetry_in_flight(s->telemetry, 1);
    allow_time(x, clock_monotonic_us(), 0);
    return x;
}

enum MHD_Result exchange_access(void *daemon, struct MHD_Connection *c, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **context)
{
    (void)version;
    Exchange *x = *context;
    if (x == NULL) {
        *context = x = exchange_new(daemon, c, method);
        if (x == NULL)
            return MHD_NO;
        begin(x, str_from(url));
        bool now = x->sealed && x->has_body && (x->expects || x->declared > DISCARD_BYTES);
        return now ? respond(x) : MHD_YES;
    }
    if (*upload_size == 0) {
        atomic_store(&x->peer->until_us, INT64_MAX); /* until there is a reply to be read */
        return finish(x, str_from(url));
    }
    Str piece = {upload, *upload_size};
    *upload_size = 0;
    /* What takes us long is not the sender's slowness. */
    int64_t began_us = clock_monotonic_us();
    atomic_store(&x->peer->until_us, INT64_MAX);
    enum MHD_Result done = take_piece(x, piece);
    x->worked_us += clock_monotonic_us() - began_us;
    allow_time(x, x->began_ns / 1000 + x->worked_us, x->received);
    return done;
}

void exchange_completed(void *daemon, struct MHD_Connection *c, void **context,
                        enum MHD_RequestTerminationCode how)
{
    (void)daemon;
    (void)c;
    (void)how;
    Exchange *x = *context;
    if (x == NULL)
        return;
    Service *s = x->service;
    if (!x->queued) /* the sender went away, was too slow, or the service ends */
        tell(x, 499, "client_gone");
    if (x->route != NULL && x->route->streamed != NULL && x->stream != NULL)
        x->route->streamed->drop(x);
    if (x->response != NULL)
        MHD_destroy_response(x->response);
    if (x->reply_fd >= 0)
        (void)close(x->reply_fd);
    if (x->served != NULL)
        served_drop(x->served);
    unpacking_free(x->unpacking);
    budget_give(s, x->held);
    peer_waits(x->peer);
    telemetry_in_flight(s->telemetry, -1);
    (void)atomic_fetch_sub(&s->in_flight, 1);
    free(x->refusal);
    free(x->upload);
    free(x);
    *context = NULL;
}
