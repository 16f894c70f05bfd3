/* http_fuzz.c - any bytes down a connection to the service, and any bytes as the body of a request
 * that is right otherwise: a reply that is no fault of ours, or none.
 *
 * The first byte chooses the path that a body goes to, 0 the bare connection. The service runs in
 * this process with a made-up bundle and a database of its own: what reads the socket
 * (libmicrohttpd) decides what a request is, so a request is only worth feeding through it. */
#include <stdio.h>
#include <stdlib.h>

/* What the headers of the tests want of cmocka. */
#define fail()                 abort()
#define fail_msg(...)          ((void)fprintf(stderr, __VA_ARGS__), abort())
#define print_error(...)       (void)fprintf(stderr, __VA_ARGS__)
#define assert_true(claim)     ((claim) ? (void)0 : abort())
#define assert_non_null(p)     ((p) != NULL ? (void)0 : abort())
#define assert_int_equal(a, b) ((a) == (b) ? (void)0 : abort())

#include "../unit/serve_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static MadeUpService *service;
static char folder[] = "/tmp/assay-fuzz-XXXXXX";
static Arena kept;

static void stop(void)
{
    static const char *const file[] = {"store.db", "store.db-wal", "store.db-shm"};
    Error err = {0};
    made_up_service_free(service);
    for (size_t i = 0; i < COUNT_OF(file); i++)
        if (file_remove(path_join(&kept, folder, file[i]), &err) != STATUS_OK)
            abort();
    (void)rmdir(folder);
    arena_free(&kept);
}

static void start(void)
{
    kept = arena_new();
    assert_non_null(mkdtemp(folder));
    service = made_up_service();
    service->settings.store =
        str_format(&kept, "sqlite:%s", path_join(&kept, folder, "store.db")).data;
    service->settings.limits.idle_seconds = 2;
    service->settings.limits.connections_per_address = 0;
    made_up_service_start(service);
    (void)atexit(stop);
}

/* A status that no request may bring about. 503 is the service's own word for what it has not. */
static bool our_fault(int status)
{
    return status >= 500 && status != 501 && status != 503 && status != 505;
}

static void must_be_sound(Str replies)
{
    if (replies.size == 0)
        return;
    if (!str_starts(replies, S("HTTP/1.")) || replies.size < 12 ||
        our_fault((int)strtol(replies.data + 9, NULL, 10))) {
        (void)fprintf(stderr, "%.*s\n", STR_ARG(replies));
        abort();
    }
}

/* All that comes back after the last byte was sent. */
static Str converse(Arena *keep, Str bytes)
{
    char piece[4096];
    Buffer all = buffer_new(keep);
    int fd = client_connect(serve_port(service->service));
    if (fd < 0)
        abort();
    client_send(fd, bytes);
    (void)shutdown(fd, SHUT_WR);
    for (struct pollfd wait = {fd, POLLIN, 0};;) {
        if (poll(&wait, 1, 10000) != 1) {
            (void)fprintf(stderr, "the connection hangs\n");
            abort();
        }
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            break;
        buffer_add(&all, (Str){piece, (size_t)n});
    }
    (void)close(fd);
    buffer_char(&all, '\0');
    return (Str){all.data, all.size - 1};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const path[] = {
        NULL,         "/v1/score", "/v1/score:batch", "/v1/transactions",      "/v1/feedback",
        "/v1/pubsub", "/v1/jobs",  "/v1/predict",     "/v2/models/assay/infer"};
    if (service == NULL)
        start();
    if (size == 0)
        return 0;
    Arena arena = arena_new();
    Str rest = {(const char *)data + 1, size - 1};
    size_t to = data[0] % COUNT_OF(path);
    if (to == 0)
        must_be_sound(converse(&arena, rest));
    else {
        Str kind = to == 2 ? S("Content-Type: application/x-ndjson\r\nConnection: close\r\n")
                           : S("Content-Type: application/json\r\nConnection: close\r\n");
        Str replies = converse(&arena, post_request(&arena, path[to], kind.data, rest));
        must_be_sound(replies);
        if (replies.size == 0)
            abort(); /* who asks rightly is answered */
    }
    arena_free(&arena);
    return 0;
}
