/* serve_client.h - a service in this process with a made-up bundle, and a plain client for it. */
#ifndef TESTS_SERVE_CLIENT_H
#define TESTS_SERVE_CLIENT_H

#include "serve/serve.h"

#include "made_up_run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- bundles ---- */

typedef struct MadeUpService {
    Arena arena;
    Run *run;
    char folder[64], other[64]; /* two bundles, of different ids */
    ServeSettings settings;
    Service *service;
} MadeUpService;

/* What a bundle holds beyond a run's model: fitted tables, and what training looked like. */
static inline void made_up_fit(MadeUpService *m)
{
    Error err = {0};
    const Run *run = m->run;
    Arena scratch = arena_new();
    uint32_t *row = ARENA_ARRAY(&m->arena, uint32_t, run->data->customers);
    uint8_t *label = ARENA_ARRAY(&m->arena, uint8_t, run->data->customers);
    Fitting labelled = {.row = row, .label = label};
    Table *fitted;
    Matrix *x;
    for (size_t i = 0; i < run->data->customers; i++)
        if (run->data->label[i] >= 0) {
            row[labelled.count] = (uint32_t)i;
            label[labelled.count++] = run->data->label[i] == LABEL_POSITIVE;
        }
    made_up_ok(feature_table_fit(&fitted, &m->arena, scratch, (Plan *)(uintptr_t)run->plan,
                                 run->events, &labelled, NULL, &err),
               &err);
    made_up_ok(
        score_matrix(&x, &m->arena, run->bundle, run->scored, NULL, run->scored->count, &err),
        &err);
    bundle_reference((Bundle *)(uintptr_t)run->bundle, &m->arena, scratch, x);
    arena_free(&scratch);
}

static inline void made_up_bundle(MadeUpService *m, const char *folder, uint64_t seed)
{
    Error err = {0};
    Bundle *b = ARENA_NEW(&m->arena, Bundle);
    *b = *m->run->bundle;
    b->seed = seed;
    made_up_ok(bundle_write(b, folder, &err), &err);
}

static inline void made_up_service_start(MadeUpService *m)
{
    Error err = {0};
    made_up_ok(serve_start(&m->service, &m->settings, &err), &err);
}

static inline MadeUpService *made_up_service(void)
{
    Error err = {0};
    MadeUpService *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&m->arena);
    m->run = made_up_run(&m->arena, &inputs);
    made_up_fit(m);
    strcpy(m->folder, "/tmp/assay-serve-XXXXXX");
    strcpy(m->other, "/tmp/assay-serve-XXXXXX");
    assert_non_null(mkdtemp(m->folder));
    assert_non_null(mkdtemp(m->other));
    made_up_bundle(m, m->folder, 1);
    made_up_bundle(m, m->other, 2);
    made_up_ok(serve_settings(&m->settings, &m->arena, NULL, &err), &err);
    m->settings.bundle = m->folder;
    m->settings.listen = "127.0.0.1:0";
    m->settings.threads = 2;
    m->settings.telemetry.level = LEVEL_ERROR; /* an assertion's words are easier to find */
    m->settings.limits.grace_seconds = 0;
    m->settings.limits.drain_seconds = 5;
    return m;
}

static inline void made_up_service_free(MadeUpService *m)
{
    Error err = {0};
    if (m->service != NULL)
        serve_stop(m->service);
    made_up_ok(bundle_remove(m->folder, &err), &err);
    made_up_ok(bundle_remove(m->other, &err), &err);
    (void)rmdir(m->folder);
    (void)rmdir(m->other);
    arena_free(&m->arena);
    free(m);
}

/* ---- a client ---- */

typedef struct Reply {
    int status; /* 0: the connection ended without one */
    Str head, body;
} Reply;

static inline int client_connect(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static inline void client_send(int fd, Str bytes)
{
    for (size_t at = 0; at < bytes.size;) {
        ssize_t n = send(fd, bytes.data + at, bytes.size - at, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the other side has had enough: its reply says so */
        at += (size_t)n;
    }
}

static inline Str reply_header_of(const Reply *r, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i + size + 2 < r->head.size; i++)
        if (r->head.data[i] == '\n' && strncasecmp(r->head.data + i + 1, name, size) == 0 &&
            r->head.data[i + 1 + size] == ':') {
            Str rest = str_slice(r->head, i + size + 2, r->head.size);
            const char *end = memchr(rest.data, '\r', rest.size);
            return str_trim((Str){rest.data, end == NULL ? rest.size : (size_t)(end - rest.data)});
        }
    return (Str){0};
}

/* One reply; waits for it up to ten seconds. */
static inline Reply client_receive(Arena *keep, int fd)
{
    size_t capacity = 1 << 16, size = 0, head = 0, length = 0;
    char *data = arena_raw(keep, capacity, 1);
    Reply r = {0};
    struct pollfd wait = {fd, POLLIN, 0};
    while (head == 0 || size < head + length) {
        if (size == capacity) {
            data = arena_grow(keep, data, capacity, 2 * capacity, 1);
            capacity *= 2;
        }
        if (poll(&wait, 1, 60000) != 1)
            return (Reply){0};
        ssize_t n = recv(fd, data + size, capacity - size, 0);
        if (n <= 0)
            break;
        size += (size_t)n;
        const char *end = memmem(data, size, "\r\n\r\n", 4);
        if (head == 0 && end != NULL && memcmp(data, "HTTP/1.1 100", 12) == 0) {
            size -= (size_t)(end + 4 - data);
            memmove(data, end + 4, size);
            end = memmem(data, size, "\r\n\r\n", 4);
        }
        if (head == 0 && end != NULL) {
            int64_t declared = 0;
            head = (size_t)(end - data) + 4;
            r.head = (Str){data, head};
            (void)parse_int64(reply_header_of(&r, "Content-Length"), &declared);
            length = (size_t)declared;
        }
    }
    if (head == 0)
        return (Reply){0};
    r.head = (Str){data, head};
    r.body = (Str){data + head, size - head};
    r.status = (int)strtol(data + 9, NULL, 10);
    return r;
}

static inline Reply client_ask(Arena *keep, int port, Str request)
{
    int fd = client_connect(port);
    assert_true(fd >= 0);
    client_send(fd, request);
    Reply r = client_receive(keep, fd);
    (void)close(fd);
    return r;
}

static inline Reply client_get(Arena *keep, int port, const char *path)
{
    return client_ask(
        keep, port,
        str_format(keep, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path));
}

/* headers: further ones, each with its end of line. */
static inline Str post_request(Arena *keep, const char *path, const char *headers, Str body)
{
    Buffer b = buffer_new(keep);
    buffer_format(&b, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", path,
                  body.size, headers);
    buffer_add(&b, body);
    return buffer_str(&b);
}

static inline Reply client_post(Arena *keep, int port, const char *path, const char *headers,
                                Str body)
{
    return client_ask(keep, port, post_request(keep, path, headers, body));
}

static inline void assert_problem(Reply r, int status, const char *code)
{
    char wanted[128];
    (void)snprintf(wanted, sizeof wanted, "\"code\":\"%s\"", code);
    if (r.status != status || !str_contains(r.body, str_from(wanted)))
        fail_msg("wanted %d %s, got %d: %.*s", status, code, r.status, STR_ARG(r.body));
    assert_true(str_equal(reply_header_of(&r, "Content-Type"), S("application/problem+json")));
    assert_true(reply_header_of(&r, "X-Request-Id").size > 0);
}

#endif
