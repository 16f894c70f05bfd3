/* serve.h - the service: HTTP in front of answers.
 *
 * One process, all cores, libmicrohttpd with epoll. Under the base path: scoring one by one and in
 * batches, jobs, the database's histories, feedback, Pub/Sub, the Open Inference Protocol, Vertex
 * AI's routes, health, metrics, and the OpenAPI document that says all this (docs/api.md). A
 * request never ends the process; SIGHUP opens the bundle anew without a request lost; SIGTERM
 * drains.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "auth/auth.h"
#include "telemetry/telemetry.h"

typedef struct ServeLimits {
    uint64_t body_bytes, batch_line_bytes, batch_bytes, memory_bytes, unpacked_bytes;
    size_t header_bytes, connections, connections_per_address, in_flight;
    AnswerLimits answer;
    int64_t idle_seconds, request_seconds, drain_seconds;
} ServeLimits;

typedef struct ServeSettings {
    const char *file;                /* serve.yaml it was read from; NULL */
    const char *bundle, *challenger; /* folders; challenger NULL */
    double
        challenger_weight; /* share of customers that the challenger answers, by hash; 0: shadow */
    bool watch;            /* look for a new bundle in the folder by itself */
    const char *base_path; /* "/ai", or empty */
    const char *listen;    /* "127.0.0.1:8080", "[::]:8080" */
    const char *admin_listen; /* health and metrics besides, on an own thread; NULL */
    bool insecure;            /* no authentication though others than loopback can reach it */
    const char *tls_certificate, *tls_key; /* files; NULL: plain HTTP */
    int threads;                           /* 0: one a core; with PostgreSQL eight a core */
    const char *store;                     /* "none", "sqlite:FILE", "postgresql://..." */
    const char *spool;                     /* folder for long replies; NULL: TMPDIR */
    const char *jobs_folder; /* under which local jobs read and write; NULL: no local jobs */
    const char *sink;        /* URL that decisions are posted to as CloudEvents; NULL */
    const char *cors;        /* an origin; NULL: off */
    AuthSettings auth;
    TelemetrySettings telemetry;
    ServeLimits limits;
} ServeSettings;

/* Defaults, then what the file says. FORMAT names file and line.  Memory: keep. */
MUST_USE Status serve_settings(ServeSettings *out, Arena *keep, const char *file, Error *err);
/* JSON Schema of serve.yaml.  Memory: keep. */
Str serve_settings_schema(Arena *keep);

/* Serve until SIGTERM or SIGINT. ready, where not NULL, is called once with the port. */
MUST_USE Status serve_run(const ServeSettings *settings, void (*ready)(void *context, int port),
                          void *context, Error *err);

#endif
