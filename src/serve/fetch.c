#include "serve/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

struct Fetcher {
    CURL *curl;
    const atomic_bool *stop;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready; /* written once, under `once` */

static void begin(void)
{
    ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

Status fetcher_open(Fetcher **out, const atomic_bool *stop, Error *err)
{
    *out = NULL;
    (void)pthread_once(&once, begin);
    CURL *curl = ready ? curl_easy_init() : NULL;
    Fetcher *f = curl != NULL ? malloc(sizeof *f) : NULL;
    if (f == NULL) {
        curl_easy_cleanup(curl);
        return error_set(err, STATUS_IO, "cannot start the HTTP client");
    }
    *f = (Fetcher){curl, stop};
    *out = f;
    return STATUS_OK;
}

void fetcher_close(Fetcher *f)
{
    if (f == NULL)
        return;
    curl_easy_cleanup(f->curl);
    free(f);
}

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    Fetch *x = context;
    size_t more = size * count, left = x->room - x->got;
    if (more > left)
        x->cut = true;
    if (left > 0)
        memcpy(x->into + x->got, bytes, more < left ? more : left);
    x->got += more < left ? more : left;
    /* What nobody wants need not be carried to its end, but for a little: that keeps the
     * connection. */
    return more;
}

static bool named(const char *line, size_t size, const char *name, Str *value)
{
    size_t n = strlen(name);
    if (size <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    *value = str_trim((Str){line + n + 1, size - n - 1});
    return true;
}

static void hold(char *out, size_t room, Str value)
{
    if (value.size >= room)
        return; /* too long to be what we asked for */
    memcpy(out, value.data, value.size);
    out[value.size] = '\0';
}

static size_t head(char *line, size_t size, size_t count, void *context)
{
    Fetch *x = context;
    Str value;
    size_t bytes = size * count;
    if (named(line, bytes, "location", &value))
        hold(x->location, sizeof x->location, value);
    else if (named(line, bytes, "range", &value))
        hold(x->range, sizeof x->range, value);
    else if (named(line, bytes, "x-goog-generation", &value))
        hold(x->generation, sizeof x->generation, value);
    else if (named(line, bytes, "retry-after", &value)) {
        int64_t seconds = 0;
        if (value.size > 0 && value.size < 8 && parse_int64(value, &seconds) && seconds >= 0)
            x->retry_seconds = seconds;
    }
    return bytes;
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const atomic_bool *stop = context;
    return stop != NULL && atomic_load(stop) ? 1 : 0;
}

bool fetch(Fetcher *f, Fetch *x)
{
    x->got = 0;
    x->cut = false;
    x->status = 0;
    x->retry_seconds = -1;
    x->failure[0] = x->location[0] = x->range[0] = x->generation[0] = '\0';

    CURL *c = f->curl;
    curl_easy_reset(c);
    struct curl_slist *headers = NULL;
    bool made = true;
    for (size_t i = 0; i < FETCH_HEADERS_MAX && x->header[i] != NULL; i++) {
        struct curl_slist *more = curl_slist_append(headers, x->header[i]);
        made = made && more != NULL;
        headers = more != NULL ? more : headers;
    }
    /* Without it curl waits for leave to send a body. */
    struct curl_slist *more = curl_slist_append(headers, "Expect:");
    made = made && more != NULL;
    headers = more != NULL ? more : headers;

    bool body = x->body.data != NULL;
    bool nobody = strcmp(x->method, "HEAD") == 0;
#define SET(option, value) made = curl_easy_setopt(c, (option), (value)) == CURLE_OK && made
    SET(CURLOPT_URL, x->url);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_USERAGENT, "assay/" ASSAY_VERSION);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(x->timeout_ms < 5000 ? x->timeout_ms : 5000));
    SET(CURLOPT_TIMEOUT_MS, (long)x->timeout_ms);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_WRITEFUNCTION, take);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_HEADERFUNCTION, head);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, watch);
    SET(CURLOPT_XFERINFODATA, f->stop);
    if (x->direct)
        SET(CURLOPT_NOPROXY, "*");
    if (nobody)
        SET(CURLOPT_NOBODY, 1L);
    if (body) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.size);
        SET(CURLOPT_POSTFIELDS, x->body.data);
    }
    SET(CURLOPT_CUSTOMREQUEST, x->method);
#undef SET
    CURLcode code = made ? curl_easy_perform(c) : CURLE_OUT_OF_MEMORY;
    long status = 0;
    if (code == CURLE_OK)
        (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    else
        (void)snprintf(x->failure, sizeof x->failure, "%s", curl_easy_strerror(code));
    x->status = (int)status;
    curl_slist_free_all(headers);
    return x->status != 0;
}

bool fetch_later(const Fetch *x)
{
    switch (x->status) {
    case 0:
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

int64_t fetch_wait_ms(int tries, int64_t first_ms, int64_t most_ms)
{
    int64_t wait = first_ms;
    for (int i = 1; i < tries && wait < most_ms; i++)
        wait *= 2;
    wait = wait < most_ms ? wait : most_ms;
    uint32_t drawn = 0;
    if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) != (ssize_t)sizeof drawn)
        drawn = UINT32_MAX / 2;
    return wait - (int64_t)((double)wait / 2 * drawn / UINT32_MAX);
}

bool fetch_sleep(int64_t ms, const atomic_bool *stop)
{
    enum { SLICE = 20 };
    while (ms > 0) {
        if (stop != NULL && atomic_load(stop))
            return false;
        int64_t now = ms < SLICE ? ms : SLICE;
        struct timespec time = {0, (long)now * 1000000};
        (void)nanosleep(&time, NULL);
        ms -= now;
    }
    return stop == NULL || !atomic_load(stop);
}

Str fetch_escape(Arena *keep, Str text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = ARENA_RAW(keep, char, 3 * text.size + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char b = (unsigned char)text.data[i];
        bool plain = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
                     b == '-' || b == '.' || b == '_' || b == '~';
        if (plain) {
            out[n++] = (char)b;
        } else {
            out[n++] = '%';
            out[n++] = hex[b >> 4];
            out[n++] = hex[b & 15];
        }
    }
    out[n] = '\0';
    return (Str){out, n};
}
