/* fetch.h - one HTTP request to another service, and its reply; of libcurl.
 *
 * A Fetcher keeps its connections open from one request to the next and belongs to one thread.
 * Certificates are verified, redirects are not followed, and a reply is never larger than the room
 * given for it. Nothing is tried again here: whoever asks knows what may be.
 */
#ifndef SERVE_FETCH_H
#define SERVE_FETCH_H

#include "base/base.h"

#include <stdatomic.h>

typedef struct Fetcher Fetcher;
/* stop: when it becomes true, a request that is under way ends at once; NULL: never. */
MUST_USE Status fetcher_open(Fetcher **out, const atomic_bool *stop, Error *err);
void fetcher_close(Fetcher *f); /* NULL is fine */

enum { FETCH_HEADERS_MAX = 12 };
typedef struct Fetch {
    const char *method, *url;
    const char *header[FETCH_HEADERS_MAX]; /* "name: value"; the first NULL ends them */
    Str body;
    int64_t timeout_ms;
    bool direct; /* never by way of a proxy */
    /* the reply */
    char *into;
    size_t room; /* of into; 0: the body is not wanted */
    size_t got;
    bool cut;                                       /* the body was larger than the room */
    int status;                                     /* 0: there was none */
    char failure[160];                              /* why not */
    char location[2048], range[64], generation[32]; /* headers of the reply; empty: not there */
    int64_t retry_seconds;                          /* Retry-After; negative: not there */
} Fetch;
/* Ask; fills the reply. Whether there was one. */
bool fetch(Fetcher *f, Fetch *x);

/* May the same request succeed later? No reply, 408, 425, 429, 500, 502, 503, 504. */
bool fetch_later(const Fetch *x);

/* How long to wait before try number `tries` + 1 (from 1): doubling from first_ms up to most_ms,
 * a random half of it taken off so that many who wait do not come back together. */
int64_t fetch_wait_ms(int tries, int64_t first_ms, int64_t most_ms);
/* Sleep, or until *stop; whether the time was slept to its end. */
bool fetch_sleep(int64_t ms, const atomic_bool *stop);

/* For a path or a query: everything but A-Z a-z 0-9 - . _ ~ becomes %XX.  Memory: keep. */
Str fetch_escape(Arena *keep, Str text);

#endif
