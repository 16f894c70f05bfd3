/* token_check JWKS ISSUER AUDIENCE [SECONDS] - read "NOW TOKEN" lines and say of each what the room
 * auth says: "ok NAME SCOPES" or the name of the refusal (tests/oracle/tokens.py compares with
 * PyJWT). With SECONDS, instead: what a verification costs, new and seen before. */
#include "auth/auth_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const verdicts[] = {"ok",      "missing",   "invalid",
                                       "expired", "forbidden", "limited"};

/* Of this thread's own time: what others do on the machine does not count. */
static double thread_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double microseconds_each(Auth *a, const Str *header, size_t count, double seconds)
{
    double began = thread_us(), now = began;
    size_t done = 0;
    Caller caller;
    int retry;
    for (; now < began + seconds * 1e6; now = thread_us())
        for (size_t i = 0; i < count; i++, done++)
            (void)auth_check(a, &caller, &retry, SCOPE_SCORE, header[i], (Str){0},
                             1700000000 * SECOND_US, 0);
    return (now - began) / (double)done;
}

int main(int argc, char **argv)
{
    Arena arena = arena_new();
    Error err = {0};
    Auth *a;
    FileLines *lines;
    FileLine line;
    if (argc < 4)
        return 2;
    AuthSettings s = {.kind = AUTH_JWT,
                      .jwks = argv[1],
                      .issuer = str_from(argv[2]),
                      .audience = str_from(argv[3]),
                      .skew_seconds = 60};
    if (auth_open(&a, &s, &err) != STATUS_OK ||
        file_lines_open(&lines, &arena, "/dev/stdin", &err) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    Str *header = NULL;
    size_t count = 0, capacity = 0;
    while (file_lines_next(lines, &line)) {
        char *end;
        Str text = str_copy(&arena, line.text);
        int64_t now = strtoll(text.data, &end, 10);
        Str token = str_slice(text, (size_t)(end - text.data) + 1, text.size);
        Buffer b = buffer_new(&arena);
        buffer_add(&b, S("Bearer "));
        buffer_add(&b, token);
        Str all = *ARENA_PUSH(&arena, header, count, capacity) = buffer_str(&b);
        if (argc > 4)
            continue;
        Caller caller;
        int retry;
        AuthVerdict v =
            auth_check(a, &caller, &retry, SCOPE_SCORE, all, (Str){0}, now * SECOND_US, 0);
        if (v == AUTH_OK || v == AUTH_FORBIDDEN)
            (void)printf("ok %s %u\n", caller.name, caller.scopes);
        else
            (void)printf("%s\n", verdicts[v]);
    }
    if (argc > 4 && count > 0) {
        double seconds = strtod(argv[4], NULL);
        /* More tokens than the cache has room for are new each time they come round. */
        (void)printf("%zu tokens one after another: %.2f us each\n", count,
                     microseconds_each(a, header, count, seconds));
        (void)printf("one token again and again: %.2f us each\n",
                     microseconds_each(a, header, 1, seconds));
    }
    auth_close(a);
    return file_lines_close(lines, &err) == STATUS_OK ? 0 : 1;
}
