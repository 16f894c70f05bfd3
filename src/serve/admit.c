/* admit.c - what can be said of a request when its headers are here: who it is, which handler it
 * means, what form its body has, and whether it may be answered.
 */
#include "serve/serve_internal.h"

#include <string.h>
#include <strings.h>

/* ---- who and what ---- */

static bool is_hex(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

static bool all_zeros(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != '0')
            return false;
    return true;
}

static bool sane_id(Str id)
{
    for (size_t i = 0; i < id.size; i++) {
        char c = id.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return id.size > 0;
}

/* Sixteen digits for each number, and a NUL. */
static void hex_text(char *out, const uint64_t *number, size_t numbers)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < numbers; i++)
        for (int shift = 60; shift >= 0; shift -= 4)
            *out++ = digits[number[i] >> shift & 15];
    *out = '\0';
}

/* The request's own id when it is one, and the trace it belongs to (W3C Trace Context, version 00);
 * else new ones. */
static void identify(Exchange *x, Bench *b)
{
    Str id = request_header(x, "X-Request-Id"), trace = request_header(x, "traceparent");
    uint64_t own[2], other[2], span;
    own[0] = random_next(&b->random);
    own[1] = random_next(&b->random);
    other[0] = random_next(&b->random);
    other[1] = random_next(&b->random) | 1; /* never all zeros */
    span = random_next(&b->random) | 1;
    if (id.size < sizeof x->request_id && sane_id(id))
        memcpy(x->request_id, id.data, id.size);
    else
        hex_text(x->request_id, own, 2);
    const char *t = trace.data;
    if (trace.size >= 55 && is_hex(t, 2) && memcmp(t, "ff", 2) != 0 && t[2] == '-' &&
        is_hex(t + 3, 32) && !all_zeros(t + 3, 32) && t[35] == '-' && is_hex(t + 36, 16) &&
        !all_zeros(t + 36, 16) && t[52] == '-' && is_hex(t + 53, 2) &&
        (trace.size == 55 || (memcmp(t, "00", 2) != 0 && t[55] == '-')))
        memcpy(x->trace_id, t + 3, 32);
    else
        hex_text(x->trace_id, other, 2);
    hex_text(x->span_id, &span, 1);
}

/* A proxy may send the whole address. */
static Str without_authority(Str url)
{
    size_t scheme = str_starts(url, S("http://")) ? 7 : str_starts(url, S("https://")) ? 8 : 0;
    if (scheme == 0)
        return url;
    const char *slash = memchr(url.data + scheme, '/', url.size - scheme);
    return slash == NULL ? S("/") : str_slice(url, (size_t)(slash - url.data), url.size);
}

void admit_origin(Exchange *x)
{
    const char *cors = x->service->settings->cors;
    Str origin = request_header(x, "Origin");
    if (cors == NULL || origin.size == 0)
        return;
    reply_header(x, "Vary", "Origin");
    if (!str_equal(origin, str_from(cors)))
        return;
    reply_header(x, "Access-Control-Allow-Origin", cors);
    if (str_equal(x->method, S("OPTIONS")) &&
        request_header(x, "Access-Control-Request-Method").size > 0) {
        reply_header(x, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
        reply_header(x, "Access-Control-Allow-Headers",
                     "Authorization, Content-Encoding, Content-Type, Idempotency-Key, "
                     "X-API-Key, X-Request-Id, traceparent");
        reply_header(x, "Access-Control-Max-Age", "600");
    }
}

/* Find the handler, or say that there is none. */
void admit_route(Exchange *x, Str url)
{
    Match m;
    Service *s = x->service;
    Str rest = without_authority(url);
    bool root = x->root = !path_under(&x->path, rest, s->base_path);
    if (root)
        x->path = rest;
    if (x->path.size == 0 || x->path.data[0] != '/') {
        reply_problem(x, 400, "bad_path", NULL, "the path must begin with a slash");
        return;
    }
    route_match(&m, x->arena, s, x->method, x->path, root, x->admin);
    x->route = m.route;
    if (m.route == NULL && !m.known) {
        if (root && !x->admin)
            reply_problem(x, 404, "outside_base_path", NULL,
                          "this service lives under %s: begin the path with it", s->base_path.data);
        else
            reply_problem(x, 404, "no_such_path", NULL,
                          "there is nothing at this path; the paths are in /openapi.json");
    } else if (m.route == NULL) {
        reply_header(x, "Allow", str_chars(x->arena, str_from(m.allow)));
        if (str_equal(x->method, S("OPTIONS")))
            reply_empty(x, 204);
        else
            reply_problem(x, 405, "method_not_allowed", NULL, "this path takes %s", m.allow);
    } else if (m.malformed)
        reply_problem(x, 400, "bad_path", NULL,
                      "an identifier in the path is not valid: percent-encode it as UTF-8");
    for (size_t i = 0; i < PARAMETERS_MAX; i++)
        x->parameters[i] = m.parameter[i];
    x->parameter = m.parameter[0];
}

/* ---- the form of a body and of a reply ---- */

/* The next item of a list between commas, and what is before its first semicolon. */
static Str next_item(Str *list, Str *name)
{
    size_t end = 0, semicolon = 0;
    while (end < list->size && list->data[end] != ',')
        end++;
    Str item = str_trim(str_slice(*list, 0, end));
    *list = str_slice(*list, end < list->size ? end + 1 : end, list->size);
    while (semicolon < item.size && item.data[semicolon] != ';')
        semicolon++;
    *name = str_trim(str_slice(item, 0, semicolon));
    return str_slice(item, semicolon, item.size);
}

static bool accepts(Str accept, Str type)
{
    const char *slash = memchr(type.data, '/', type.size);
    Str group = {type.data, (size_t)(slash - type.data) + 1};
    if (accept.size == 0)
        return true;
    while (accept.size > 0) {
        Str name;
        (void)next_item(&accept, &name);
        if (str_equal(name, S("*/*")) || str_equal_fold(name, type) ||
            (name.size == group.size + 1 && str_starts(name, group) &&
             name.data[group.size] == '*'))
            return true;
    }
    return false;
}

static bool is_type(Str given, Str wanted)
{
    Str name, parameters = next_item(&given, &name);
    bool json = str_equal(wanted, S("application/json")) && name.size > 17 &&
                str_starts(name, S("application/")) &&
                str_equal_fold(str_slice(name, name.size - 5, name.size), S("+json"));
    if (!json && !str_equal_fold(name, wanted))
        return false;
    for (size_t i = 0; i + 8 <= parameters.size; i++)
        if (str_equal_fold(str_slice(parameters, i, i + 8), S("charset="))) {
            Str set = str_trim(str_slice(parameters, i + 8, parameters.size));
            return str_equal_fold(set, S("utf-8")) || str_equal_fold(set, S("\"utf-8\"")) ||
                   str_equal_fold(set, S("utf8"));
        }
    return true;
}

bool keeps_body(const Exchange *x)
{
    return str_equal(x->method, S("POST")) || str_equal(x->method, S("PUT"));
}

uint64_t body_limit(const Exchange *x)
{
    enum { UNREAD_MOST = 4 << 10 }; /* nobody reads it */
    const ServeLimits *l = &x->service->settings->limits;
    if (!keeps_body(x))
        return l->body_bytes < UNREAD_MOST ? l->body_bytes : UNREAD_MOST;
    return x->route != NULL && x->route->streamed != NULL ? l->batch_bytes : l->body_bytes;
}

const char *remedy_large(const Exchange *x)
{
    return !keeps_body(x)                                   ? "nobody reads it here: send none"
           : x->route == NULL || x->route->streamed == NULL ? "send fewer transactions, or a batch"
           : x->route->scope == SCOPE_SCORE                 ? "split it, or ask for a job"
                                                            : "split it";
}

void refuse_large(Exchange *x)
{
    reply_problem(x, 413, "too_large", NULL, "the body is larger than %llu bytes; %s",
                  (unsigned long long)body_limit(x), remedy_large(x));
}

/* ---- where one request ends ---- */

typedef struct Framing {
    size_t lengths, codings;
    bool odd; /* a name with a blank in it, say, or a value with a line's end, which a proxy may
               * read as another */
} Framing;

static enum MHD_Result count_framing(void *context, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    Framing *f = context;
    (void)kind;
    f->lengths += strcasecmp(name, "Content-Length") == 0;
    f->codings += strcasecmp(name, "Transfer-Encoding") == 0;
    for (const char *c = name; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              strchr(marks, *c) != NULL))
            f->odd = true;
    for (const char *c = value; c != NULL && *c != '\0'; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7F)
            f->odd = true;
    return MHD_YES;
}

/* Two lengths are how requests are smuggled past a proxy. What follows such a request on its
 * connection may be a part of it, so the connection ends. */
static bool framing_sound(Exchange *x)
{
    Framing f = {0};
    (void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_framing, &f);
    if (f.lengths + f.codings <= 1 && !f.odd)
        return true;
    reply_header(x, "Connection", "close");
    reply_problem(x, 400, "bad_framing", NULL,
                  f.odd ? "a header holds what no header may"
                        : "send one Content-Length, or one Transfer-Encoding: chunked");
    return false;
}

static void admit_body(Exchange *x)
{
    Str length = request_header(x, "Content-Length"),
        coding = request_header(x, "Transfer-Encoding");
    Str type = request_header(x, "Content-Type");
    int64_t declared = 0;
    if (coding.size > 0 && !str_equal_fold(coding, S("chunked"))) {
        reply_header(x, "Connection", "close");
        reply_problem(x, 400, "bad_framing", NULL,
                      "send one Content-Length, or one Transfer-Encoding: chunked");
        return;
    }
    if (length.size > 0 && (!parse_int64(length, &declared) || declared < 0)) {
        reply_header(x, "Connection", "close");
        reply_problem(x, 400, "bad_framing", NULL, "Content-Length is not a size");
        return;
    }
    x->declared = (uint64_t)declared;
    x->has_body = declared > 0 || coding.size > 0;
    if (x->route == NULL)
        return;
    if (x->route->lines != NULL && is_type(type, S("application/x-ndjson")))
        x->route = x->route->lines;
    const char *gives = x->route->gives == NULL ? "application/json" : x->route->gives;
    Str accept = request_header(x, "Accept");
    bool takes = keeps_body(x);
    const char *wanted = x->route->takes == NULL ? "application/json" : x->route->takes;
    x->encoding = encoding_of(request_header(x, "Content-Encoding"));
    if (!accepts(accept, str_from(gives)) && !accepts(accept, S("application/problem+json")))
        reply_problem(x, 406, "not_acceptable", NULL, "this path answers with %s alone", gives);
    else if (takes && x->has_body && type.size > 0 && strcmp(wanted, TAKES_ANY) != 0 &&
             !is_type(type, str_from(wanted)))
        reply_problem(x, 415, "unsupported_type", NULL, "send Content-Type: %s, in UTF-8", wanted);
    else if (x->has_body && x->encoding == ENCODING_OTHER) {
        reply_header(x, "Accept-Encoding", "gzip, zstd");
        reply_problem(x, 415, "unsupported_encoding", NULL,
                      "a body may be compressed by gzip or zstd, and by nothing else");
    } else if (x->declared > body_limit(x))
        refuse_large(x);
}

/* ---- may it be answered ---- */

static void retry_after(Exchange *x, int seconds)
{
    reply_header(x, "Retry-After", str_format(x->arena, "%d", seconds < 1 ? 1 : seconds).data);
}

void refuse_overloaded(Exchange *x, const char *why)
{
    telemetry_shed(x->service->telemetry, why);
    retry_after(x, 1);
    reply_problem(x, 503, "overloaded", NULL, "the service is busy; try again in a second");
}

static void refuse_failing(Exchange *x, int seconds)
{
    telemetry_shed(x->service->telemetry, "failures");
    retry_after(x, seconds);
    reply_problem(x, 429, "too_many_failures", NULL,
                  "too many tokens or keys from this address were not valid; see Retry-After");
}

static void admit_caller(Exchange *x)
{
    int seconds = 1;
    uint8_t bytes[ADDRESS_BYTES];
    int64_t monotonic_us = clock_monotonic_us();
    Service *s = x->service;
    bool open = x->route->scope == SCOPE_OPEN,
         health = open && (x->route->admin || x->route->health);
    if (x->admin || health)
        return;
    if (atomic_load(&s->in_flight) > s->settings->limits.in_flight) {
        refuse_overloaded(x, "in_flight");
        return;
    }
    if (open)
        return;
    Str authorization = request_header(x, "Authorization"), address = address_of(bytes, x);
    if (!auth_may_try(s->auth, address, monotonic_us, &seconds)) {
        refuse_failing(x, seconds);
        return;
    }
    switch (auth_check(s->auth, &x->caller, &seconds, x->route->scope, authorization,
                       request_header(x, "X-API-Key"), x->now_us, monotonic_us)) {
    case AUTH_OK:
        return;
    case AUTH_MISSING:
        reply_header(x, "WWW-Authenticate", "Bearer");
        reply_problem(x, 401, "unauthenticated", NULL,
                      "send a bearer token in Authorization, or a key in X-API-Key");
        return;
    case AUTH_INVALID:
        auth_failed(s->auth, address, monotonic_us);
        reply_header(x, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
        reply_problem(x, 401, "invalid_credentials", NULL, "the token or key is not valid here");
        return;
    case AUTH_EXPIRED:
        reply_header(x, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
        reply_problem(x, 401, "expired", NULL, "the token is not valid at this time");
        return;
    case AUTH_FORBIDDEN: {
        Str scope = scope_name(x->route->scope);
        reply_problem(x, 403, "forbidden", NULL, "this needs the scope %.*s", STR_ARG(scope));
        return;
    }
    case AUTH_LIMITED:
        telemetry_shed(s->telemetry, "rate");
        retry_after(x, seconds);
        reply_problem(x, 429, "rate_limited", NULL,
                      "too many requests from this caller; see Retry-After");
        return;
    }
}

void admit_headers(Exchange *x, Bench *b, Str url)
{
    identify(x, b);
    admit_origin(x);
    admit_route(x, url);
    if (framing_sound(x) && (x->status == 0 || x->route == NULL))
        admit_body(x);
    if (x->status == 0)
        admit_caller(x);
}
