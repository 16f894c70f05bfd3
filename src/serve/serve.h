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

/* Batches in files or object storage (docs/jobs.md). */
typedef struct JobsSettings {
    const char *folder;         /* under which local jobs read and write; NULL: no local jobs */
    const char *const *objects; /* what of object storage they may touch: "gs://bucket/prefix/",
                                   NULL-terminated; NULL: nothing */
    int workers;                /* threads; default 1; 0: this process accepts and runs none */
    size_t waiting_max;         /* more are refused with 429; default 100 */
    int64_t lease_seconds;      /* silent for so long, a job is another's; default 60 */
    int64_t deadline_seconds;   /* of a whole job; default 86400 */
    size_t part_bytes;          /* of the output between two saved places; default 8 MiB */
} JobsSettings;

/* Decisions published as CloudEvents (docs/events.md). */
typedef struct SinkSettings {
    const char *url;    /* that they are posted to; NULL: none */
    const char *type;   /* default com.deblock.assay.decision.v1 */
    const char *source; /* default /assay */
    const char *secret; /* file with the key of the signature; NULL: unsigned */
    bool plain_ids;     /* subject: the customer's id itself, not its keyed hash */
    bool whole;         /* data: the whole answer, contributions too */
    size_t waiting_max; /* in memory, where no database holds them; default 10000 */
    int64_t timeout_ms; /* of one post; default 10000 */
} SinkSettings;

/* Events pushed by Pub/Sub (docs/events.md). */
typedef struct PubsubSettings {
    int attempts_max;   /* a message that cannot be understood is acknowledged from this
                           delivery on; default 5 */
    size_t letters_max; /* of those, so many are kept; default 1000 */
} PubsubSettings;

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
    const char *cors;                      /* an origin; NULL: off */
    JobsSettings jobs;
    SinkSettings sink;
    PubsubSettings pubsub;
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
