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

#include <stdatomic.h>

typedef struct ServeLimits {
    uint64_t body_bytes;       /* of a request as it is sent; default 1 MiB */
    uint64_t unpacked_bytes;   /* of a compressed one when unpacked; default 4 MiB */
    uint64_t batch_bytes;      /* of a batch, as it is sent and unpacked; default 1 GiB */
    uint64_t batch_line_bytes; /* of one of its lines, unpacked; default 1 MiB */
    uint64_t spool_bytes;      /* of its answers, which wait in a file; default 1 GiB */
    uint64_t memory_bytes;     /* of all bodies and replies held at once; default 128 MiB */
    size_t header_bytes;       /* request line and headers; default 16 KiB */
    size_t connections, connections_per_address; /* default 4096, 1024; 0: no limit by address */
    size_t in_flight;                            /* requests at once; default 512 */
    AnswerLimits answer;
    int64_t idle_seconds;    /* that a connection may be silent; default 60 */
    int64_t request_seconds; /* for a request and its reply, and 16 KiB a second more; default 30 */
    int64_t grace_seconds;   /* between "not ready" and no new connections; default 1 */
    int64_t drain_seconds;   /* for requests under way when told to stop; default 25 */
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
    int attempts_max;   /* one that cannot be understood is acknowledged after so many
                           deliveries; default 100 */
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
    bool forget_decisions;                 /* the store holds none */
    const char *spool;                     /* folder for long replies; NULL: TMPDIR */
    const char *cors;                      /* an origin; NULL: off */
    int forwarded; /* which address of X-Forwarded-For, from its end, asks; 0: it is not believed */
    JobsSettings jobs;
    SinkSettings sink;
    PubsubSettings pubsub;
    AuthSettings auth;
    TelemetrySettings telemetry;
    ServeLimits limits;
} ServeSettings;

/* Defaults, then what the file says. FORMAT names file and line.  Memory: keep. */
MUST_USE Status serve_settings(ServeSettings *out, Arena *keep, const char *file, Error *err);
/* What Vertex AI says by environment variables: AIP_HTTP_PORT is listened on (0.0.0.0). */
MUST_USE Status serve_settings_environment(ServeSettings *out, Arena *keep, Error *err);
/* JSON Schema of serve.yaml.  Memory: keep. */
Str serve_settings_schema(Arena *keep);

/* Could a service start with these: settings, bundles, keys. Listens on nothing. */
MUST_USE Status serve_check(const ServeSettings *settings, Error *err);

/* ---- the service itself ---- */

typedef struct Service Service;

/* Open the bundles and everything else, listen, and answer from then on, on threads of its own.
 * settings must live as long. USAGE: others than loopback could reach it and nobody would be asked
 * who they are; IO: the address is taken; else what the bundle's or a file's fault is. */
MUST_USE Status serve_start(Service **out, const ServeSettings *settings, Error *err);
int serve_port(const Service *s);       /* that it listens on */
int serve_admin_port(const Service *s); /* 0: none */
/* Open the bundles anew; requests under way end with the old ones. When a new one is bad the old
 * ones stay, and *err says why (the log does, too). */
Status serve_reload(Service *s, Error *err);
/* Not ready from now on; no new connections after the grace; requests under way, and those that
 * come on open connections until there was none for a quarter of a second, are answered, for
 * drain_seconds at most; then all is closed and freed. */
void serve_stop(Service *s);

/* serve_start, then serve until *stop is not 0 (a signal's number); SIGHUP reloads. ready, where
 * not NULL, is called once when requests are answered. */
MUST_USE Status serve_run(const ServeSettings *settings, const atomic_int *stop,
                          void (*ready)(void *context, const Service *s), void *context,
                          Error *err);

#endif
