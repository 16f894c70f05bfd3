/* settings.c - serve.yaml, by a table of fields; docs/serve.md explains every key. */
#include "serve/serve.h"

#include "book/book.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What is written, before it is checked: sizes and paths are texts. */
typedef struct Written {
    struct {
        BookText bundle;
        double weight;
    } challenger;
    struct {
        BookText certificate, key;
    } tls;
    struct {
        int kind;
        BookText jwks, issuer, audience, keys;
        int64_t skew_us;
        double rate_per_second, rate_burst, failures_per_minute;
        int64_t forwarded;
    } auth;
    struct {
        BookText jwks, audience, email;
        int64_t attempts_max, letters_max;
    } pubsub;
    struct {
        int level;
        double sample;
        BookText project, hash_key;
    } log;
    struct {
        BookText file, bytes;
        int64_t keep;
        bool plain_ids;
    } predictions;
    struct {
        BookText folder, part;
        BookTexts objects;
        int64_t workers, waiting_max, lease_us, deadline_us;
    } jobs;
    struct {
        BookText url, type, source, secret;
        bool plain_ids, whole;
        int64_t waiting_max, timeout_us;
    } sink;
    struct {
        BookText body, unpacked, batch, batch_line, spool, memory, header;
        int64_t connections, connections_per_address, in_flight, transactions, depth;
        int64_t idle_us, request_us, grace_us, drain_us;
    } limits;
    BookText bundle, base_path, listen, admin_listen, store, spool, cors;
    bool watch, insecure;
    int decisions;
    int64_t threads;
} Written;

#define AT(member) offsetof(Written, member)

static const char *const auth_kinds[] = {"none", "jwt", "keys", NULL};
static const char *const kept[] = {"keep", "forget", NULL};
static const char *const levels[] = {"debug", "info", "warning", "error", NULL};

static const Field challenger_fields[] = {
    {"bundle", FIELD_TEXT, AT(challenger.bundle), true, .says = "its folder"},
    {"weight", FIELD_NUMBER, AT(challenger.weight), false,
     .says = "share of customers that it answers, by a hash of their id; 0 (default): it answers "
             "beside "
             "the champion, and only metrics say so"},
    {0}};

static const Field tls_fields[] = {
    {"certificate", FIELD_TEXT, AT(tls.certificate), true,
     .says = "PEM file, with its chain; read again when it changes"},
    {"key", FIELD_TEXT, AT(tls.key), true, .says = "PEM file; likewise"},
    {0}};

static const Field auth_fields[] = {
    {"kind", FIELD_CHOICE, AT(auth.kind), true, .says = "who is let in", .choices = auth_kinds},
    {"jwks", FIELD_TEXT, AT(auth.jwks), false,
     .says = "file with the issuer's keys; read again when it changes"},
    {"issuer", FIELD_TEXT, AT(auth.issuer), false, .says = "what `iss` must be"},
    {"audience", FIELD_TEXT, AT(auth.audience), false, .says = "what `aud` must hold"},
    {"skew", FIELD_DURATION, AT(auth.skew_us), false,
     .says = "by which clocks may differ (default 60s)"},
    {"keys", FIELD_TEXT, AT(auth.keys), false, .says = "file of hashed API keys"},
    {"rate_per_second", FIELD_NUMBER, AT(auth.rate_per_second), false,
     .says = "requests a second of one caller; 0 (default): no limit"},
    {"rate_burst", FIELD_NUMBER, AT(auth.rate_burst), false,
     .says = "requests at once above that (default: two seconds' worth)"},
    {"failures_per_minute", FIELD_NUMBER, AT(auth.failures_per_minute), false,
     .says = "tokens or keys that are not valid, a minute, of one address; 0 (default): no limit"},
    {"forwarded", FIELD_INTEGER, AT(auth.forwarded), false,
     .says = "which address of X-Forwarded-For, from its end, is the caller's: 1 behind one proxy; "
             "0 (default): the header is not believed"},
    {0}};

static const Field pubsub_fields[] = {
    {"jwks", FIELD_TEXT, AT(pubsub.jwks), false, .says = "file with the keys of who pushes"},
    {"audience", FIELD_TEXT, AT(pubsub.audience), false,
     .says = "what `aud` of its token must hold"},
    {"email", FIELD_TEXT, AT(pubsub.email), false, .says = "the service account that pushes"},
    {"attempts_max", FIELD_INTEGER, AT(pubsub.attempts_max), false,
     .says = "after so many deliveries a message that cannot be understood is acknowledged "
             "(default 100)"},
    {"letters_max", FIELD_INTEGER, AT(pubsub.letters_max), false,
     .says = "so many of those are kept (default 1000)"},
    {0}};

static const Field log_fields[] = {
    {"level", FIELD_CHOICE, AT(log.level), false, .says = "least that is written (default info)",
     .choices = levels},
    {"sample", FIELD_NUMBER, AT(log.sample), false,
     .says = "share of successful requests that get a line (default 1)"},
    {"project", FIELD_TEXT, AT(log.project), false,
     .says = "Google Cloud's, for the names of traces"},
    {"hash_key", FIELD_TEXT, AT(log.hash_key), false,
     .says = "file with the key of the hashes that stand for identifiers; default: random"},
    {0}};

static const Field predictions_fields[] = {{"file", FIELD_TEXT, AT(predictions.file), true,
                                            .says = "NDJSON, a line a decision; - is stdout"},
                                           {"bytes", FIELD_TEXT, AT(predictions.bytes), false,
                                            .says = "then the file is rotated (default 256M)"},
                                           {"keep", FIELD_INTEGER, AT(predictions.keep), false,
                                            .says = "rotated files that stay (default 5)"},
                                           {"plain_ids", FIELD_BOOLEAN, AT(predictions.plain_ids),
                                            false, .says = "customer ids as they are, not hashed"},
                                           {0}};

static const Field jobs_fields[] = {
    {"folder", FIELD_TEXT, AT(jobs.folder), false, .says = "under which local jobs read and write"},
    {"objects", FIELD_TEXTS, AT(jobs.objects), false,
     .says = "what of object storage jobs may touch: gs://bucket/prefix/"},
    {"workers", FIELD_INTEGER, AT(jobs.workers), false,
     .says = "threads (default 1); 0: none here"},
    {"waiting_max", FIELD_INTEGER, AT(jobs.waiting_max), false,
     .says = "more are refused (default 100)"},
    {"lease", FIELD_DURATION, AT(jobs.lease_us), false,
     .says = "silent for so long, a job is another's (default 60s)"},
    {"deadline", FIELD_DURATION, AT(jobs.deadline_us), false,
     .says = "of a whole job (default 1d)"},
    {"part", FIELD_TEXT, AT(jobs.part), false,
     .says = "bytes of output between two places to go on from (default 8M)"},
    {0}};

static const Field sink_fields[] = {
    {"url", FIELD_TEXT, AT(sink.url), true, .says = "that decisions are posted to as CloudEvents"},
    {"type", FIELD_TEXT, AT(sink.type), false, .says = "default com.deblock.assay.decision.v1"},
    {"source", FIELD_TEXT, AT(sink.source), false, .says = "default /assay"},
    {"secret", FIELD_TEXT, AT(sink.secret), false, .says = "file with the key of the signature"},
    {"plain_ids", FIELD_BOOLEAN, AT(sink.plain_ids), false,
     .says = "the customer's id itself, not its hash"},
    {"whole", FIELD_BOOLEAN, AT(sink.whole), false, .says = "the whole answer, contributions too"},
    {"waiting_max", FIELD_INTEGER, AT(sink.waiting_max), false,
     .says = "in memory, where no store holds them (default 10000)"},
    {"timeout", FIELD_DURATION, AT(sink.timeout_us), false, .says = "of one post (default 10s)"},
    {0}};

static const Field limits_fields[] = {
    {"body", FIELD_TEXT, AT(limits.body), false, .says = "of a request as sent (default 1M)"},
    {"unpacked", FIELD_TEXT, AT(limits.unpacked), false,
     .says = "of a compressed one, unpacked (default 4M)"},
    {"batch", FIELD_TEXT, AT(limits.batch), false,
     .says = "of a batch, as sent and unpacked (default 1G)"},
    {"batch_line", FIELD_TEXT, AT(limits.batch_line), false,
     .says = "of one of its lines (default 1M)"},
    {"spool", FIELD_TEXT, AT(limits.spool), false,
     .says = "of a batch's answers, which wait in a file (default 1G)"},
    {"memory", FIELD_TEXT, AT(limits.memory), false,
     .says = "of all bodies and replies held at once (default 128M)"},
    {"header", FIELD_TEXT, AT(limits.header), false,
     .says = "of request line and headers (default 16K)"},
    {"connections", FIELD_INTEGER, AT(limits.connections), false,
     .says = "open at once (default 4096)"},
    {"connections_per_address", FIELD_INTEGER, AT(limits.connections_per_address), false,
     .says = "of one address (default 1024); 0: no such limit"},
    {"in_flight", FIELD_INTEGER, AT(limits.in_flight), false,
     .says = "requests under way at once (default 512)"},
    {"transactions", FIELD_INTEGER, AT(limits.transactions), false,
     .says = "of one customer in a request (default 10000)"},
    {"depth", FIELD_INTEGER, AT(limits.depth), false, .says = "of nesting in a body (default 16)"},
    {"idle", FIELD_DURATION, AT(limits.idle_us), false,
     .says = "that a connection may be silent (default 60s)"},
    {"request", FIELD_DURATION, AT(limits.request_us), false,
     .says = "for a request and its reply, and a second more for every 16 KiB (default 30s)"},
    {"grace", FIELD_DURATION, AT(limits.grace_us), false,
     .says =
         "between not being ready and taking no new connections, when told to stop (default 1s)"},
    {"drain", FIELD_DURATION, AT(limits.drain_us), false,
     .says = "for requests under way when told to stop (default 25s)"},
    {0}};

#define PART(part, text)                                                                           \
    {                                                                                              \
#part, FIELD_RECORD, 0, .says = (text), .fields = part##_fields                            \
    }

static const Field fields[] = {
    {"bundle", FIELD_TEXT, AT(bundle), false, .says = "folder of the bundle that answers"},
    PART(challenger, "a second bundle, to be compared"),
    {"watch", FIELD_BOOLEAN, AT(watch), false,
     .says =
         "reload by itself when a bundle's SHA256SUMS changes (default false; SIGHUP always does)"},
    {"base_path", FIELD_TEXT, AT(base_path), false, .says = "under which everything lives: /ai"},
    {"listen", FIELD_TEXT, AT(listen), false, .says = "address and port (default 127.0.0.1:8080)"},
    {"admin_listen", FIELD_TEXT, AT(admin_listen), false,
     .says = "another one, for health and metrics alone, on a thread of its own"},
    {"insecure", FIELD_BOOLEAN, AT(insecure), false,
     .says = "answer anybody though others than this machine can reach the service"},
    PART(tls, "certificate and key, when nothing in front of it ends TLS"),
    {"threads", FIELD_INTEGER, AT(threads), false,
     .says = "0 (default): one a core; two with SQLite, eight with PostgreSQL"},
    {"store", FIELD_TEXT, AT(store), false,
     .says = "none (default), sqlite:FILE or postgresql://..."},
    {"decisions", FIELD_CHOICE, AT(decisions), false,
     .says = "keep (default): the store holds every answer in its chain, and an answer waits for "
             "that; forget: it holds none",
     .choices = kept},
    {"spool", FIELD_TEXT, AT(spool), false, .says = "folder for long replies (default TMPDIR)"},
    {"cors", FIELD_TEXT, AT(cors), false,
     .says = "the one origin whose pages may ask; default: none"},
    PART(auth, "who may ask, and how often"),
    PART(pubsub, "events pushed by Pub/Sub"),
    PART(log, "log lines"),
    PART(predictions, "the prediction log"),
    PART(jobs, "batches in files or object storage"),
    PART(sink, "decisions published as CloudEvents"),
    PART(limits, "what one request, and all of them, may take"),
    {0}};

Str serve_settings_schema(Arena *keep)
{
    return book_json_schema(keep, fields, "assay serve.yaml");
}

/* ---- from texts to settings ---- */

typedef struct Reading {
    Arena *keep;
    const char *file;
    Error *err;
} Reading;

static const char *text_of(const Reading *r, BookText t, const char *otherwise)
{
    return t.text.size == 0 ? otherwise : str_chars(r->keep, t.text);
}

static Status wrong(const Reading *r, BookText t, const char *what)
{
    Arena scratch = *r->keep;
    Status status =
        error_set(r->err, STATUS_FORMAT, "`%.60s` is not %s", str_chars(&scratch, t.text), what);
    (void)error_place(r->err, r->file, t.mark.line, t.mark.column);
    return status;
}

static Status size_of(uint64_t *out, const Reading *r, BookText t, uint64_t otherwise)
{
    static const char letters[] = "KMGT";
    Str number = t.text;
    int64_t value;
    *out = otherwise;
    if (number.size == 0)
        return STATUS_OK;
    const char *letter = strchr(letters, number.data[number.size - 1]);
    int shift = letter == NULL ? 0 : 10 * (int)(letter - letters + 1);
    number.size -= letter != NULL;
    if (parse_int64(number, &value) && value > 0 && value <= INT64_MAX >> shift) {
        *out = (uint64_t)value << shift;
        return STATUS_OK;
    }
    (void)wrong(r, t, "a size");
    return error_remedy(r->err, "give bytes, or a whole number with K, M or G, such as 8M");
}

static Status within(const Reading *r, const char *key, int64_t value, int64_t least, int64_t most)
{
    if (value >= least && value <= most)
        return STATUS_OK;
    (void)error_set(r->err, STATUS_FORMAT, "`%s` is out of range", key);
    (void)error_place(r->err, r->file, 0, 0);
    return error_remedy(r->err, "give one from %lld to %lld", (long long)least, (long long)most);
}

static Status share(const Reading *r, const char *key, double value)
{
    if (value >= 0 && value <= 1)
        return STATUS_OK;
    (void)error_set(r->err, STATUS_FORMAT, "`%s` is a share, from 0 to 1", key);
    (void)error_place(r->err, r->file, 0, 0);
    return error_remedy(r->err, "write it like 0.1");
}

static Status limits_of(ServeLimits *l, const Reading *r, const Written *w)
{
    uint64_t header;
    TRY(size_of(&l->body_bytes, r, w->limits.body, (uint64_t)1 << 20));
    TRY(size_of(&l->unpacked_bytes, r, w->limits.unpacked, (uint64_t)4 << 20));
    TRY(size_of(&l->batch_bytes, r, w->limits.batch, (uint64_t)1 << 30));
    TRY(size_of(&l->batch_line_bytes, r, w->limits.batch_line, (uint64_t)1 << 20));
    TRY(size_of(&l->spool_bytes, r, w->limits.spool, (uint64_t)1 << 30));
    TRY(size_of(&l->memory_bytes, r, w->limits.memory, (uint64_t)128 << 20));
    TRY(size_of(&header, r, w->limits.header, (uint64_t)16 << 10));
    TRY(within(r, "limits.header", (int64_t)header, 1024, 1 << 20));
    TRY(within(r, "limits.connections", w->limits.connections, 1, 1000000));
    TRY(within(r, "limits.connections_per_address", w->limits.connections_per_address, 0, 1000000));
    TRY(within(r, "limits.in_flight", w->limits.in_flight, 1, 1000000));
    TRY(within(r, "limits.transactions", w->limits.transactions, 1, 10000000));
    TRY(within(r, "limits.depth", w->limits.depth, 4, 1000));
    TRY(within(r, "limits.idle (seconds)", w->limits.idle_us / SECOND_US, 1, 3600));
    TRY(within(r, "limits.request (seconds)", w->limits.request_us / SECOND_US, 1, 3600));
    TRY(within(r, "limits.grace (seconds)", w->limits.grace_us / SECOND_US, 0, 600));
    TRY(within(r, "limits.drain (seconds)", w->limits.drain_us / SECOND_US, 0, 3600));
    l->header_bytes = (size_t)header;
    l->connections = (size_t)w->limits.connections;
    l->connections_per_address = (size_t)w->limits.connections_per_address;
    l->in_flight = (size_t)w->limits.in_flight;
    l->answer.transactions_max = (size_t)w->limits.transactions;
    l->answer.depth_max = (size_t)w->limits.depth;
    l->idle_seconds = w->limits.idle_us / SECOND_US;
    l->request_seconds = w->limits.request_us / SECOND_US;
    l->grace_seconds = w->limits.grace_us / SECOND_US;
    l->drain_seconds = w->limits.drain_us / SECOND_US;
    return STATUS_OK;
}

static Status auth_of(AuthSettings *a, const Reading *r, const Written *w)
{
    static const struct {
        AuthKind kind;
        const char *needs;
    } needed[] = {{AUTH_JWT, "jwks"}, {AUTH_KEYS, "keys"}};
    *a = (AuthSettings){.kind = (AuthKind)w->auth.kind,
                        .jwks = text_of(r, w->auth.jwks, NULL),
                        .issuer = str_copy(r->keep, w->auth.issuer.text),
                        .audience = str_copy(r->keep, w->auth.audience.text),
                        .skew_seconds = w->auth.skew_us / SECOND_US,
                        .keys = text_of(r, w->auth.keys, NULL),
                        .pubsub_jwks = text_of(r, w->pubsub.jwks, NULL),
                        .pubsub_audience = str_copy(r->keep, w->pubsub.audience.text),
                        .pubsub_email = str_copy(r->keep, w->pubsub.email.text),
                        .rate_per_second = w->auth.rate_per_second,
                        .rate_burst = w->auth.rate_burst,
                        .failures_per_minute = w->auth.failures_per_minute,
                        .hash_key = text_of(r, w->log.hash_key, NULL)};
    if (isnan(a->rate_burst))
        a->rate_burst = 2 * a->rate_per_second;
    TRY(within(r, "auth.skew (seconds)", a->skew_seconds, 0, 600));
    TRY(within(r, "auth.forwarded", w->auth.forwarded, 0, 16));
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        const char *given = needed[i].kind == AUTH_JWT ? a->jwks : a->keys;
        if (a->kind != needed[i].kind || given != NULL)
            continue;
        (void)error_set(r->err, STATUS_FORMAT, "`auth` of kind %s needs `%s`",
                        auth_kinds[needed[i].kind], needed[i].needs);
        (void)error_place(r->err, r->file, 0, 0);
        return error_remedy(r->err, "write `%s: FILE` below `auth:`", needed[i].needs);
    }
    if (a->rate_per_second >= 0 && a->rate_burst >= 0 && a->failures_per_minute >= 0)
        return STATUS_OK;
    (void)error_set(r->err, STATUS_FORMAT, "rates of `auth` are not negative");
    return error_place(r->err, r->file, 0, 0);
}

static Status telemetry_of(TelemetrySettings *t, const Reading *r, const Written *w)
{
    *t = (TelemetrySettings){.level = (LogLevel)w->log.level,
                             .sample = w->log.sample,
                             .project = text_of(r, w->log.project, NULL),
                             .predictions = text_of(r, w->predictions.file, NULL),
                             .predictions_keep = (int)w->predictions.keep,
                             .plain_ids = w->predictions.plain_ids,
                             .hash_key = text_of(r, w->log.hash_key, NULL)};
    TRY(share(r, "log.sample", w->log.sample));
    TRY(within(r, "predictions.keep", w->predictions.keep, 0, 1000));
    return size_of(&t->predictions_bytes_max, r, w->predictions.bytes, (uint64_t)256 << 20);
}

static Status jobs_of(JobsSettings *j, const Reading *r, const Written *w)
{
    uint64_t part;
    const char **objects = NULL;
    if (w->jobs.objects.count > 0)
        objects = ARENA_ARRAY(r->keep, const char *, w->jobs.objects.count + 1);
    for (size_t i = 0; i < w->jobs.objects.count; i++)
        objects[i] = str_chars(r->keep, w->jobs.objects.item[i].text);
    TRY(size_of(&part, r, w->jobs.part, (uint64_t)8 << 20));
    TRY(within(r, "jobs.workers", w->jobs.workers, 0, 64));
    TRY(within(r, "jobs.waiting_max", w->jobs.waiting_max, 1, 1000000));
    TRY(within(r, "jobs.lease (seconds)", w->jobs.lease_us / SECOND_US, 1, 86400));
    TRY(within(r, "jobs.deadline (seconds)", w->jobs.deadline_us / SECOND_US, 1,
               (int64_t)31 * 86400));
    *j = (JobsSettings){.folder = text_of(r, w->jobs.folder, NULL),
                        .objects = objects,
                        .workers = (int)w->jobs.workers,
                        .waiting_max = (size_t)w->jobs.waiting_max,
                        .lease_seconds = w->jobs.lease_us / SECOND_US,
                        .deadline_seconds = w->jobs.deadline_us / SECOND_US,
                        .part_bytes = (size_t)part};
    return STATUS_OK;
}

static Status sink_of(SinkSettings *s, const Reading *r, const Written *w)
{
    TRY(within(r, "sink.waiting_max", w->sink.waiting_max, 1, 10000000));
    TRY(within(r, "sink.timeout (seconds)", w->sink.timeout_us / SECOND_US, 1, 600));
    *s = (SinkSettings){.url = text_of(r, w->sink.url, NULL),
                        .type = text_of(r, w->sink.type, "com.deblock.assay.decision.v1"),
                        .source = text_of(r, w->sink.source, "/assay"),
                        .secret = text_of(r, w->sink.secret, NULL),
                        .plain_ids = w->sink.plain_ids,
                        .whole = w->sink.whole,
                        .waiting_max = (size_t)w->sink.waiting_max,
                        .timeout_ms = w->sink.timeout_us / 1000};
    return STATUS_OK;
}

static Status settings_of(ServeSettings *out, const Reading *r, const Written *w)
{
    *out = (ServeSettings){.file = r->file,
                           .bundle = text_of(r, w->bundle, NULL),
                           .challenger = text_of(r, w->challenger.bundle, NULL),
                           .challenger_weight = w->challenger.weight,
                           .watch = w->watch,
                           .base_path = text_of(r, w->base_path, ""),
                           .listen = text_of(r, w->listen, "127.0.0.1:8080"),
                           .admin_listen = text_of(r, w->admin_listen, NULL),
                           .insecure = w->insecure,
                           .tls_certificate = text_of(r, w->tls.certificate, NULL),
                           .tls_key = text_of(r, w->tls.key, NULL),
                           .threads = (int)w->threads,
                           .store = text_of(r, w->store, "none"),
                           .forget_decisions = w->decisions == 1,
                           .spool = text_of(r, w->spool, NULL),
                           .cors = text_of(r, w->cors, NULL),
                           .forwarded = (int)w->auth.forwarded};
    TRY(share(r, "challenger.weight", w->challenger.weight));
    TRY(within(r, "threads", w->threads, 0, 256));
    TRY(within(r, "pubsub.attempts_max", w->pubsub.attempts_max, 1, 1000));
    TRY(within(r, "pubsub.letters_max", w->pubsub.letters_max, 0, 1000000));
    out->pubsub = (PubsubSettings){(int)w->pubsub.attempts_max, (size_t)w->pubsub.letters_max};
    TRY(auth_of(&out->auth, r, w));
    TRY(telemetry_of(&out->telemetry, r, w));
    TRY(jobs_of(&out->jobs, r, w));
    TRY(sink_of(&out->sink, r, w));
    return limits_of(&out->limits, r, w);
}

Status serve_settings(ServeSettings *out, Arena *keep, const char *file, Error *err)
{
    Str yaml;
    Node *node;
    Reading r = {keep, file, err};
    Written w = {
        .auth = {.skew_us = MINUTE_US, .rate_burst = NAN},
        .pubsub = {.attempts_max = 100, .letters_max = 1000},
        .log = {.level = LEVEL_INFO, .sample = 1},
        .predictions = {.keep = 5},
        .jobs = {.workers = 1, .waiting_max = 100, .lease_us = MINUTE_US, .deadline_us = DAY_US},
        .sink = {.waiting_max = 10000, .timeout_us = 10 * SECOND_US},
        .limits = {.connections = 4096,
                   .connections_per_address = 1024,
                   .in_flight = 512,
                   .transactions = 10000,
                   .depth = 16,
                   .idle_us = MINUTE_US,
                   .request_us = 30 * SECOND_US,
                   .grace_us = SECOND_US,
                   .drain_us = 25 * SECOND_US}};
    if (file != NULL) {
        TRY(file_read(&yaml, keep, file, err));
        TRY(book_parse(&node, keep, yaml, file, err));
        TRY(book_read(&w, keep, node, fields, file, err));
    }
    return settings_of(out, &r, &w);
}

Status serve_settings_environment(ServeSettings *out, Arena *keep, Error *err)
{
    int64_t port;
    const char *text = getenv("AIP_HTTP_PORT");
    if (text == NULL)
        return STATUS_OK;
    if (!parse_int64(str_from(text), &port) || port < 1 || port > 65535) {
        (void)error_set(err, STATUS_USAGE, "AIP_HTTP_PORT is not a port");
        return error_remedy(err, "set it to 8080, or unset it");
    }
    out->listen = str_format(keep, "0.0.0.0:%d", (int)port).data;
    return STATUS_OK;
}
