/* serve_internal.h - what the handlers share: an exchange, the table of routes, the service. */
#ifndef SERVE_INTERNAL_H
#define SERVE_INTERNAL_H

#include "database/database.h"
#include "serve/serve.h"

/* The bundles that answer now; held while an exchange uses them, freed when nobody does. */
typedef struct Served {
    Answerer *champion, *challenger; /* challenger may be NULL */
    double challenger_weight;
    Str openapi; /* of the champion */
    /* ... count of holders */
} Served;

typedef struct Service {
    const ServeSettings *settings;
    Telemetry *telemetry;
    Auth *auth;
    Database *database;    /* NULL: --store none */
    struct Outbox *outbox; /* of CloudEvents; NULL: none */
    struct Jobs *jobs;     /* NULL: none */
    /* ... */
} Service;

/* One request and its reply. Lives as long as the connection is busy with it. */
typedef struct Exchange {
    Service *service;
    Served *served;
    const struct Route *route;
    Arena *arena; /* of the exchange */
    Arena scratch;
    Caller caller;
    char request_id[40], trace_id[33], span_id[17];
    Str method, path; /* without the base path */
    Str parameter;    /* what stood for {id} in the route, unescaped; empty: none */
    Str body;         /* whole and unpacked */
    int64_t now_us, began_ns;
    /* the reply */
    int status;
    const char *content_type;
    Str reply;
    int reply_fd;        /* a spool file instead of reply; -1: none */
    const char *problem; /* its code; NULL */
    Str decision_id;     /* for the log */
    AnswerTimes took;
    void *connection; /* struct MHD_Connection */
} Exchange;

typedef void Handler(Exchange *x);

typedef struct Route {
    const char *method;
    const char *path; /* "/v1/decisions/{id}"; also the label in metrics */
    Scope scope;
    Handler *handle;
    bool streamed; /* takes its body line by line: see batch.c */
    bool settles;  /* honours Idempotency-Key */
} Route;

/* Tables of routes, each ended by a NULL method; routes.c has the list of them. */
extern const Route routes_score[], routes_batch[], routes_protocols[], routes_page[],
    routes_store[], routes_feedback[], routes_pubsub[], routes_jobs[];

/* ---- replies ---- */

void reply_json(Exchange *x, int status, Str json); /* json must live in x->arena */
void reply_text(Exchange *x, int status, const char *content_type, Str text);
/* application/problem+json: type, title, status, code, detail, pointer, request_id. */
void reply_problem(Exchange *x, int status, const char *code, const char *pointer,
                   const char *detail, ...) PRINTF_LIKE(5, 6);
void reply_fault(Exchange *x, const Fault *fault); /* 400, 413 or 422, by its code */
/* Ours, not the sender's: 500 or 503 without detail; *err goes to the log. */
void reply_error(Exchange *x, const Error *err);
void reply_header(Exchange *x, const char *name, const char *value); /* a further header */

Str request_header(const Exchange *x, const char *name); /* empty: not there */
Str request_query(const Exchange *x, const char *name);

/* ---- answering, with the database's history, shadow, telemetry, sink and decisions kept ---- */

/* history: empty for a request that brings its own. Fills the answer and keeps the decision;
 * false: a reply was set. */
bool serve_answer(Exchange *x, Answer *out, Str request, Str history);

#endif
