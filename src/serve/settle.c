/* settle.c - Idempotency-Key: the same request again gets the reply that it got, for a day.
 *
 * Without a database there is nothing to remember replies in, and little to remember them for: an
 * answer is a function of its request and its bundle. */
#include "serve/serve_internal.h"

#include <time.h>

enum { KEY_BYTES_MAX = 255 };

static bool plain_key(Str key)
{
    for (size_t i = 0; i < key.size; i++)
        if (key.data[i] <= ' ' || key.data[i] > '~')
            return false;
    return key.size <= KEY_BYTES_MAX;
}

static void request_sum(char out[SHA256_TEXT], Exchange *x)
{
    Sha256 *s = sha256_begin(x->arena);
    sha256_add(s, x->method);
    sha256_add(s, S(" "));
    sha256_add(s, x->path);
    sha256_add(s, S("\n"));
    sha256_add(s, x->body);
    sha256_end(s, out);
}

static int64_t wall_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

bool settle_begin(Exchange *x)
{
    char sum[SHA256_TEXT];
    Claimed claimed;
    Error err = {0};
    Str key = request_header(x, "Idempotency-Key"), caller = str_from(x->caller.name);
    if (key.size == 0 || x->service->database == NULL)
        return true;
    if (!plain_key(key)) {
        reply_problem(x, 400, "bad_idempotency_key", NULL,
                      "Idempotency-Key takes up to %d printable characters", KEY_BYTES_MAX);
        return false;
    }
    request_sum(sum, x);
    x->claimed_us = wall_us(); /* and not when its header came: its body may have taken minutes */
    if (database_claim(x->service->database, &claimed, x->arena, caller, key, str_from(sum),
                       x->claimed_us, &err) != STATUS_OK) {
        reply_error(x, &err);
        return false;
    }
    switch (claimed.claim) {
    case CLAIM_NEW:
        x->claimed = true;
        return true;
    case CLAIM_DONE:
        reply_header(x, "Idempotency-Replayed", "true");
        reply_text(x, claimed.status, str_chars(x->arena, claimed.content_type), claimed.reply);
        if (x->route->replays != NULL)
            x->route->replays(x);
        return false;
    case CLAIM_BUSY:
        reply_header(x, "Retry-After", "1");
        reply_problem(x, 409, "idempotency_busy", NULL,
                      "another request with this Idempotency-Key is under way");
        return false;
    case CLAIM_DIFFERENT:
        reply_problem(x, 422, "idempotency_mismatch", NULL,
                      "this Idempotency-Key came with another request before");
        return false;
    }
    return true;
}

void settle_end(Exchange *x)
{
    Error err = {0};
    Str key = request_header(x, "Idempotency-Key"), caller = str_from(x->caller.name);
    if (!x->claimed)
        return;
    Database *d = x->service->database;
    /* What failed on our side, or for too much haste, is worth another try. */
    bool again = x->status >= 500 || x->status == 429 || x->reply_fd >= 0;
    Status status = again ? database_release(d, caller, key, x->claimed_us, &err)
                          : database_settle(d, caller, key, x->claimed_us, x->status,
                                            str_from(x->content_type), x->reply, &err);
    if (status != STATUS_OK) {
        LogField field = {"error", str_from(err.message), 0};
        telemetry_log(x->service->telemetry, LEVEL_WARNING, "an idempotency key was not settled",
                      &field, 1);
    }
}
