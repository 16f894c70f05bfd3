/* serve_internal.h - what the handlers share: an exchange, the table of routes, the service.
 *
 * A request goes through exchange.c: its headers are judged first (route, limits, who asks, what
 * form the body has), then the body arrives, then its handler runs to its end on a thread of the
 * server's and sets the reply. Handlers therefore may block, but not for long.
 */
#ifndef SERVE_INTERNAL_H
#define SERVE_INTERNAL_H

#include "database/database.h"
#include "serve/serve.h"

#include <pthread.h>

/* The bundles that answer now; held while an exchange uses them, freed when nobody does. */
typedef struct Served {
    Answerer *champion, *challenger; /* challenger may be NULL */
    double challenger_weight;
    atomic_size_t holders;
    int64_t since_us;
    pthread_mutex_t showing; /* of the two below */
    Str openapi, page;       /* on the heap; empty: nobody has asked for them yet */
} Served;

struct Service {
    const ServeSettings *settings;
    Telemetry *telemetry;
    Auth *auth;
    Database *database;                /* NULL: --store none */
    struct Outbox *outbox;             /* of CloudEvents; NULL: none */
    struct Shadow *shadow;             /* of the challenger; NULL: none */
    struct Jobs *jobs;                 /* NULL: none */
    struct Certificates *certificates; /* NULL: plain HTTP */

    /* The core's own from here on. */
    Arena keep;
    Str base_path; /* without a slash at its end */
    int64_t started_us;
    pthread_mutex_t lock; /* of served, and of the marks below */
    Served *served;
    uint64_t bundle_mark, refused_mark; /* of the folders' sums: those served, those refused */
    pthread_mutex_t reloading;
    atomic_bool draining, database_down;
    atomic_size_t in_flight;
    atomic_uint_least64_t begun;      /* requests ever */
    atomic_uint_least64_t held_bytes; /* of bodies and replies in memory */
    struct Route *aip;                /* Vertex AI's own two routes; NULL: none */
    struct Daemon *daemon, *admin;    /* admin NULL: none */
    pthread_t keeper;                 /* looks after slow clients, new bundles, keys */
    pthread_cond_t wake;
    bool keeper_runs, keeper_stops;
};

typedef enum Encoding { ENCODING_PLAIN, ENCODING_GZIP, ENCODING_ZSTD, ENCODING_OTHER } Encoding;
enum { PARAMETERS_MAX = 2, EXCHANGE_HEADERS_MAX = 16 };

/* One request and its reply. Lives as long as the connection is busy with it. */
typedef struct Exchange {
    Service *service;
    Served *served;
    const struct Route *route; /* NULL: none */
    Arena *arena;              /* the thread's own: what is in it lasts until the handler returns */
    Arena scratch;
    Caller caller;
    char request_id[40], trace_id[33], span_id[17];
    Str method, path;               /* without the base path, as sent */
    Str parameter;                  /* what stood for {id} in the route, unescaped; empty: none */
    Str parameters[PARAMETERS_MAX]; /* all of them */
    Str body;                       /* whole and unpacked */
    int64_t now_us, began_ns;
    /* the reply */
    int status; /* 0: none yet */
    const char *content_type;
    Str reply;
    int reply_fd;        /* a spool file instead of reply; -1: none */
    const char *problem; /* its code; NULL */
    Str decision_id;     /* for the log */
    AnswerTimes took;
    void *connection; /* struct MHD_Connection */
    void *stream;     /* of a streamed route */

    /* The core's own from here on. */
    Encoding encoding; /* of the body */
    bool has_body, expects, queued, sealed, admin, claimed;
    int64_t claimed_us;                /* when the idempotency key was, by the wall clock */
    bool root;                         /* the path stood outside of the base path */
    uint64_t declared, received, held; /* bytes: Content-Length, of the body so far, in memory */
    char *upload;                      /* the body as sent, on the heap */
    size_t upload_capacity;
    const char *header_name[EXCHANGE_HEADERS_MAX], *header_value[EXCHANGE_HEADERS_MAX];
    size_t headers;
    struct Unpacking *unpacking; /* of a streamed body; NULL: plain */
    uint64_t unpacking_held;     /* bytes of it, part of held */
    uint64_t unpacked;           /* bytes that came out of it */
    void *response;              /* struct MHD_Response, once the reply is settled */
    char *refusal;               /* the same as plain bytes, when it came before the whole body */
    struct Peer *peer;
    uint64_t reply_bytes, refused_at;
    int64_t worked_us; /* of ours, on the pieces of a body */
} Exchange;

typedef void Handler(Exchange *x);

/* How a route takes a body piece by piece, in memory that does not grow with it. */
typedef struct Streamed {
    bool (*begin)(Exchange *x);           /* makes x->stream; false: a reply was set */
    bool (*feed)(Exchange *x, Str piece); /* unpacked; false: a reply was set, and no more comes */
    void (*drop)(Exchange *x);            /* x->stream ends, whatever came of it */
} Streamed;

#define TAKES_ANY "*/*"
typedef struct Route {
    const char *method;
    const char *path; /* "/v1/decisions/{id}"; also the label in metrics */
    AuthScope scope;
    Handler *handle;           /* of a streamed route: when all of the body is here */
    const Streamed *streamed;  /* NULL: the body is whole in x->body */
    bool settles;              /* honours Idempotency-Key */
    Handler *replays;          /* gives an earlier reply the headers that it had; NULL: none */
    const char *takes;         /* content type of the body; NULL: application/json; TAKES_ANY */
    const char *gives;         /* content type of the reply; NULL: application/json */
    const struct Route *lines; /* the same of a body of NDJSON; NULL: it takes none */
    bool admin;                /* also at the root and on the admin listener */
    bool health;               /* answered however much is under way, as open routes of admin are */
} Route;

/* POST /v1/transactions of NDJSON. */
extern const Route route_transaction_lines;
/* Tables of routes, each ended by a NULL method; routes.c has the list of them. */
extern const Route routes_docs[], routes_score[], routes_batch[], routes_protocols[],
    routes_health[], routes_store[], routes_feedback[], routes_pubsub[], routes_jobs[];

/* ---- replies (reply.c) ---- */

/* json must live in x->arena, or as long as x->served. */
void reply_json(Exchange *x, int status, Str json);
void reply_text(Exchange *x, int status, const char *content_type, Str text);
void reply_empty(Exchange *x, int status); /* 204 and the like */
/* application/problem+json: type, title, status, code, detail, pointer, request_id. */
void reply_problem(Exchange *x, int status, const char *code, const char *pointer,
                   const char *detail, ...) PRINTF_LIKE(5, 6);
void reply_fault(Exchange *x, const Fault *fault); /* 400, 413 or 422, by its code */
/* Ours, not the sender's: 500 or 503 without detail; *err goes to the log. */
void reply_error(Exchange *x, const Error *err);
/* A further header; both must last as the reply does (literals, or in x->arena). */
void reply_header(Exchange *x, const char *name, const char *value);
/* What a problem looks like, for who writes several of them into one reply. Memory: keep. */
Str problem_text(Arena *keep, int status, const char *code, const char *pointer, Str detail,
                 const char *request_id);

Str request_header(const Exchange *x, const char *name); /* empty: not there */
Str request_query(const Exchange *x, const char *name);  /* unescaped; likewise */

/* ---- answering, with the database's history, shadow, telemetry, sink and decisions kept ---- */

/* history: empty for a request that brings its own, or whose customer the database may know.
 * Fills the answer and keeps the decision; false: a reply was set. */
bool serve_answer(Exchange *x, Answer *out, Str request, Str history);

/* The same without an exchange, for jobs and for lines of a batch. FORMAT or USAGE: *fault says
 * what is wrong with the request; IO: the database; else *err is ours.
 * Memory: keep; scratch another range. */
typedef struct Asked {
    Str request, history;
    int64_t now_us;
    const char *trace_id, *span_id; /* NULL: none */
    struct Keeping *keeping;        /* that takes the decision; NULL: it is kept at once */
} Asked;
MUST_USE Status serve_answer_one(Answer *out, Arena *keep, Arena scratch, Service *s,
                                 const Served *served, const Asked *asked, Fault *fault,
                                 Error *err);

/* Decisions of many rows that are kept together, for a commit a row would hold up everybody else
 * (keeping.c). None of their answers may be given out before keeping_keep has said OK. */
enum { KEEPING_ROWS = 64, KEEPING_BYTES = 256 << 10 };
typedef struct Keeping {
    Arena keep, empty; /* a range of its own */
    StoredDecision decision[KEEPING_ROWS];
    size_t count, bytes;
} Keeping;
Keeping *keeping_new(void);          /* NULL: no memory */
void keeping_free(Keeping *b);       /* NULL is fine; what is in it is not kept */
void keeping_clear(Keeping *b);      /* likewise */
bool keeping_full(const Keeping *b); /* keep it before anything is added */
void keeping_add(Keeping *b, const StoredDecision *decision); /* a copy */
/* Not OK: as database_add_decisions, and all is still in the block. */
MUST_USE Status keeping_keep(Service *s, Keeping *b, Error *err);

/* ---- NDJSON in, NDJSON out (lines.c) ---- */

/* Who answers the lines. Each false: a reply was set, and no more comes. */
typedef struct LineUser {
    uint64_t held; /* bytes of his that count as memory, beside the answers */
    bool (*take)(Exchange *x, void *own, uint64_t number, Str line); /* it is not empty */
    /* In the place of a line that is too long. */
    bool (*refuse)(Exchange *x, void *own, uint64_t number, const Fault *fault);
    void (*drop)(void *own);
} LineUser;
typedef struct Lines Lines; /* x->stream */
/* own NULL: there was no memory for it. It ends with the lines. */
bool lines_begin(Exchange *x, const LineUser *user, void *own);
bool lines_feed(Exchange *x, Str piece);
bool lines_end(Exchange *x); /* the last line, which nothing ended */
bool lines_put(Exchange *x, Str text);
void lines_reply(Exchange *x); /* all that was put */
void lines_drop(Exchange *x);
void *lines_own(const Exchange *x);
uint64_t lines_count(const Exchange *x); /* empty ones, too */

/* 400, 413 or 422. */
int fault_status(const Fault *fault);
/* What stands on the line of a batch that cannot be answered, with the number of the line that was
 * sent.  Memory: keep. */
Str batch_error(Arena *keep, uint64_t line, int status, const Fault *fault);

bool has_store(Exchange *x); /* else 501 */

/* The bundles of now, until they are given back. */
Served *served_take(Service *s);
void served_drop(Served *served);
Served *served_hold(const Served *served); /* by who has it already */

/* ---- what runs beside the exchanges; *out NULL: the settings ask for none ---- */

MUST_USE Status jobs_open(struct Jobs **out, Service *s, Error *err);
void jobs_close(struct Jobs *j); /* NULL is fine; work under way is given back */
MUST_USE Status outbox_open(struct Outbox **out, Service *s, Error *err);
void outbox_close(struct Outbox *o); /* NULL is fine */
MUST_USE Status shadow_open(struct Shadow **out, Service *s, Error *err);
void shadow_close(
    struct Shadow *h); /* NULL is fine; what waits is compared, for three seconds at most */
/* The challenger is asked the same, later. one_of_many: a row of a batch or of a job. */
void shadow_put(struct Shadow *h, const Served *served, const AnswerInputs *inputs,
                const Decision *champion, bool one_of_many);
/* What is to be published of an answer, as StoredDecision has it.  Memory: keep. */
Str outbox_event(const struct Outbox *o, Arena *keep, const Answer *answer, const char *trace_id,
                 const char *span_id);
/* It is to be sent. kept: the database holds it already, with the decision. */
void outbox_put(struct Outbox *o, Str decision_id, Str event, bool kept);

/* ---- memory ---- */

/* Take so many bytes of the budget for bodies; false: there are not so many left. */
bool budget_take(Service *s, uint64_t bytes);
void budget_give(Service *s, uint64_t bytes);
/* Take them though there be none left: for replies, which are there already. */
void budget_hold(Service *s, uint64_t bytes);

/* ---- the core's own ---- */

#include <microhttpd.h>

/* routes.c */
typedef struct Match {
    const Route *route; /* NULL: not found, or not with this method */
    bool known;         /* the path is, whatever the method */
    bool malformed;     /* an escape in it that is none, or what no identifier may hold */
    char allow[64];     /* of a known path without the method: "GET, HEAD, OPTIONS" */
    Str parameter[PARAMETERS_MAX];
} Match;
/* path: as sent, without the base path. root: it stood outside of the base path.
 * Memory: keep, for parameters. */
void route_match(Match *out, Arena *keep, const Service *s, Str method, Str path, bool root,
                 bool admin);
/* %41 to A; false: not an escape, NUL, or not UTF-8.  Memory: keep. */
bool path_unescape(Str *out, Arena *keep, Str text);
/* Take the base path off; false: it stands outside of it. */
bool path_under(Str *rest, Str path, Str base_path);

/* handle_protocols.c: Vertex AI's own two routes, when its variables are set (AIP_HEALTH_ROUTE,
 * AIP_PREDICT_ROUTE); else NULL. */
Route *routes_of_vertex(Service *s);

/* admit.c: each sets a reply where the answer is no. */
typedef struct Bench Bench;
void admit_headers(Exchange *x, Bench *b, Str url);
void admit_route(Exchange *x, Str url); /* x->route and its parameters, in x->arena */
void admit_origin(Exchange *x);         /* CORS */
bool keeps_body(const Exchange *x);     /* else it is let go: the method asks with none */
uint64_t body_limit(const Exchange *x);
void refuse_large(Exchange *x);
const char *remedy_large(const Exchange *x); /* "split it, or ask for a job" */
void refuse_overloaded(Exchange *x, const char *why);

/* address.c */
enum { ADDRESS_BYTES = 8 };
/* The bytes of whom failures are counted for: who asked, or as proxies say where they are believed
 * (auth.forwarded). */
Str address_of(uint8_t out[ADDRESS_BYTES], Exchange *x);
Str address_read(uint8_t out[ADDRESS_BYTES], Str text); /* empty: no address */

/* exchange.c */
enum MHD_Result exchange_access(void *daemon, struct MHD_Connection *c, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **context);
void exchange_completed(void *daemon, struct MHD_Connection *c, void **context,
                        enum MHD_RequestTerminationCode how);

/* daemon.c: sockets, connections, and those that are too slow. */
typedef struct Daemon Daemon;
/* A connection, while it is open. */
typedef struct Peer {
    struct Peer *previous, *next;
    Daemon *daemon;
    int fd;
    struct Pair *pair;             /* that it is shown; NULL: plain HTTP */
    atomic_int_least64_t until_us; /* then it is cut: what it does now takes too long */
    /* The keeper's, under the lock. */
    bool cut;
    int64_t looked_us, taken_us, take_until_us; /* when it took something last; see to_take */
    uint64_t taken, to_take; /* bytes: read by the other side; that must be, until then */
} Peer;
enum { SLOWEST_BYTES = 16 << 10 }; /* a second, of a request and of its reply */
MUST_USE Status daemon_start(Daemon **out, Service *s, const char *listen, bool admin, Error *err);
int daemon_port(const Daemon *d);
bool daemon_is_admin(const Daemon *d);
Service *daemon_service(const Daemon *d);
void daemon_refuse(Daemon *d); /* no new connections */
bool daemon_idle(Daemon *d);   /* no connection is open */
void daemon_stop(Daemon *d);   /* NULL is fine */
void daemon_sweep(Daemon *d);  /* cut those that are too slow */
Peer *daemon_peer(struct MHD_Connection *c);
void peer_waits(Peer *p); /* for the next request */
/* "127.0.0.1:8080", "[::1]:0", "localhost:8080" and ":8080" (everybody). */
bool listen_parse(char host[64], int *port, const char *listen);
bool listen_is_loopback(const char *listen);

/* certificate.c: certificate and key, which may be replaced while others speak TLS. */
typedef struct Certificates Certificates;
typedef struct Pair Pair;
/* *out stays NULL without TLS. Not OK: they cannot be read, do not belong together, have expired.
 */
MUST_USE Status certificates_open(Certificates **out, const ServeSettings *s, Error *err);
void certificates_close(Certificates *c); /* NULL is fine */
/* Look at the files; a pair that is good and not the one of before is shown to new connections.
 * Else the old one stays, and *err says why, once for each content. By any thread. */
Status certificates_refresh(Certificates *c, bool *fresh, Error *err);
Pair *pair_take(Certificates *c);
void pair_drop(Pair *p); /* NULL is fine */
/* tls_session: of GnuTLS, before its handshake. p must live as long. */
bool pair_show(const Pair *p, void *tls_session);

/* unpacking.c: a compressed body, piece by piece. */
Encoding encoding_of(Str content_encoding);
typedef struct Unpacking Unpacking;
typedef enum Unpacked { UNPACKED_MORE, UNPACKED_DAMAGED, UNPACKED_STOPPED } Unpacked;
Unpacking *unpacking_new(Encoding e); /* NULL: no memory */
void unpacking_free(Unpacking *u);    /* NULL is fine */
/* Hand what comes out to `take`, in pieces; STOPPED: it said false. */
Unpacked unpacking_feed(Unpacking *u, Str piece, bool (*take)(void *context, Str piece),
                        void *context);
uint64_t unpacking_bytes(const Unpacking *u); /* that it holds: zstd's window comes with a frame */
bool unpacking_whole(const Unpacking *u);     /* nothing is missing at its end */
/* Pack a reply in one go.  Memory: keep. False: it could not be. */
bool packed(Str *out, Arena *keep, Encoding e, Str bytes);
/* The best that the sender accepts (Accept-Encoding) of what we have. */
Encoding encoding_accepted(Str accept_encoding);

/* bench.c: a thread's arenas and working tools. */
struct Bench {
    Arena keep, scratch; /* empty */
    Arena keep_empty, scratch_empty;
    Random random; /* of ids, seeded by the system */
};
Bench *bench_of_thread(void);
/* Empty again; what a large request took goes back to the system. */
void bench_clear(Bench *b);

/* settle.c: Idempotency-Key, with a database. */
bool settle_begin(Exchange *x); /* false: a reply was set (an earlier one, 409, 422, 503) */
void settle_end(Exchange *x);   /* keep the reply, or free the key when it is worth another try */

#endif
