/* outbox.c - decisions published as CloudEvents to an HTTP sink (docs/events.md).
 *
 * With a database an event is kept in one transaction with its decision and sent until the sink
 * has said 2xx: at least once. Without one, events wait in memory, so many and no more. Either way
 * an answer never waits for the sink: senders are threads of their own, each post has a time limit,
 * and a sink that fails is left alone for a while by all of them (a circuit breaker).
 */
#include "serve/fetch.h"
#include "serve/serve_internal.h"

#include "record/record.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
    SENDERS = 2,
    TAKEN = 8,             /* events at a time from the database */
    LEASE_MORE_MS = 10000, /* above the longest that sending them takes, they are a sender's */
    POLL_MS = 1000,
    COUNT_MS = 5000,
    FIRST_MS = 1000, /* before the second attempt */
    MOST_MS = 300000,
    FAILURES_TO_OPEN = 5, /* one after the other */
    OPEN_FIRST_MS = 1000,
    OPEN_MOST_MS = 60000,
    REFUSALS_MOST = 20, /* attempts after which a 4xx is the last word */
    DRAIN_MS = 3000     /* for what waits in memory when all stops */
};

/* Of memory alone. */
typedef struct Waiting {
    struct Waiting *next;
    int64_t due_us; /* monotonic */
    uint64_t attempts;
    size_t event_size;
    char id[DECISION_ID_TEXT];
    char event[];
} Waiting;

typedef struct Sender {
    struct Outbox *outbox;
    pthread_t thread;
    char owner[64];
    Fetcher *fetcher;
} Sender;

struct Outbox {
    Service *service;
    SinkSettings settings;
    Database *database; /* NULL: memory */
    unsigned char key[256];
    size_t key_size; /* 0: unsigned */
    Sender sender[SENDERS];
    int senders;
    atomic_bool stops, cuts; /* no more waiting; no more sending */
    pthread_mutex_t lock;    /* of what follows */
    pthread_cond_t wake;
    Waiting *first, *last; /* in the order they came */
    size_t waiting;
    int failures;                /* of the sink, one after the other */
    int64_t open_until_us;       /* nothing is sent before; monotonic */
    bool trying;                 /* one sender looks whether the sink is back */
    int64_t counted_us, stop_us; /* monotonic */
    bool told;                   /* that the sink fails: once until it is back */
};

static int64_t wall_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

/* ---- the event ---- */

/* 2026-11-26T09:05:37.213234Z, as RFC 3339 has it. */
static Str rfc3339(Arena *keep, int64_t time_us)
{
    int64_t days = time_us / DAY_US, rest = time_us % DAY_US, year;
    int month, day;
    civil_from_days(days, &year, &month, &day);
    return str_format(keep, "%04lld-%02d-%02dT%02lld:%02lld:%02lld.%06lldZ", (long long)year, month,
                      day, (long long)(rest / HOUR_US), (long long)(rest / MINUTE_US % 60),
                      (long long)(rest / SECOND_US % 60), (long long)(rest % SECOND_US));
}

/* The answer without what explains the score number by number; its numbers keep their digits. */
static yyjson_mut_val *answer_into(Document *d, Str body, bool whole)
{
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)body.data, body.size,
                                       YYJSON_READ_NUMBER_AS_RAW, &d->memory, NULL);
    yyjson_mut_val *data = yyjson_val_mut_copy(d->doc, yyjson_doc_get_root(doc));
    if (!whole)
        (void)yyjson_mut_obj_remove_key(data, "contributions");
    return data;
}

Str outbox_event(const struct Outbox *o, Arena *keep, const Answer *answer, const char *trace_id,
                 const char *span_id)
{
    char hash[TELEMETRY_HASH];
    Document d;
    document_open(&d, keep);
    telemetry_hash(hash, o->service->telemetry, answer->customer_id);
    document_text(&d, d.root, "specversion", S("1.0"));
    document_text(&d, d.root, "id", answer->decision_id);
    document_text(&d, d.root, "source", str_from(o->settings.source));
    document_text(&d, d.root, "type", str_from(o->settings.type));
    document_text(&d, d.root, "subject",
                  o->settings.plain_ids ? answer->customer_id : str_from(hash));
    document_text(&d, d.root, "time", rfc3339(keep, wall_us()));
    if (trace_id != NULL && trace_id[0] != '\0' && span_id != NULL && span_id[0] != '\0')
        document_text(&d, d.root, "traceparent",
                      str_format(keep, "00-%s-%s-01", trace_id, span_id));
    document_text(&d, d.root, "datacontenttype", S("application/json"));
    (void)yyjson_mut_obj_add_val(d.doc, d.root, "data",
                                 answer_into(&d, answer->body, o->settings.whole));
    return str_trim(document_write(&d, false));
}

/* ---- waiting ---- */

static void tell_waiting(struct Outbox *o, uint64_t waiting)
{
    telemetry_events_waiting(o->service->telemetry, waiting);
}

static void append(struct Outbox *o, Waiting *w)
{
    w->next = NULL;
    if (o->last != NULL)
        o->last->next = w;
    else
        o->first = w;
    o->last = w;
    o->waiting++;
}

void outbox_put(struct Outbox *o, Str decision_id, Str event, bool kept)
{
    Waiting *w = kept ? NULL : malloc(sizeof *w + event.size);
    bool dropped = !kept && w == NULL;
    if (w != NULL) {
        *w = (Waiting){.event_size = event.size};
        (void)snprintf(w->id, sizeof w->id, "%.*s", STR_ARG(decision_id));
        memcpy(w->event, event.data, event.size);
    }
    (void)pthread_mutex_lock(&o->lock);
    if (w != NULL && o->waiting >= o->settings.waiting_max) {
        free(w);
        dropped = true;
    } else if (w != NULL) {
        append(o, w);
    }
    size_t waiting = o->waiting;
    (void)pthread_cond_signal(&o->wake);
    (void)pthread_mutex_unlock(&o->lock);
    if (dropped)
        telemetry_events(o->service->telemetry, "dropped", 1);
    if (!kept)
        tell_waiting(o, waiting);
}

/* The first that is due; NULL: none. */
static Waiting *take_waiting(struct Outbox *o, int64_t now_us)
{
    (void)pthread_mutex_lock(&o->lock);
    Waiting *before = NULL, *w = o->first;
    while (w != NULL && w->due_us > now_us) {
        before = w;
        w = w->next;
    }
    if (w != NULL) {
        if (before != NULL)
            before->next = w->next;
        else
            o->first = w->next;
        if (o->last == w)
            o->last = before;
        o->waiting--;
    }
    (void)pthread_mutex_unlock(&o->lock);
    return w;
}

/* ---- the breaker ---- */

/* May something be sent now? When the sink has been left alone for long enough, one sender may
 * try. */
static bool may_send(struct Outbox *o, bool *trial)
{
    (void)pthread_mutex_lock(&o->lock);
    bool may = true;
    *trial = o->failures >= FAILURES_TO_OPEN;
    if (*trial) {
        may = !o->trying && clock_monotonic_us() >= o->open_until_us;
        o->trying = o->trying || may;
    }
    (void)pthread_mutex_unlock(&o->lock);
    return may;
}

/* The sink answered with sense, or it failed. */
static void judge(struct Outbox *o, bool works, const Fetch *x)
{
    bool say = false;
    (void)pthread_mutex_lock(&o->lock);
    o->trying = false;
    if (works) {
        o->failures = 0;
        o->told = false;
    } else {
        o->failures += o->failures < 1000;
        if (o->failures >= FAILURES_TO_OPEN) {
            int64_t wait =
                fetch_wait_ms(o->failures - FAILURES_TO_OPEN + 1, OPEN_FIRST_MS, OPEN_MOST_MS);
            if (x->retry_seconds > 0 && x->retry_seconds * 1000 > wait)
                wait = x->retry_seconds < 3600 ? x->retry_seconds * 1000 : 3600000;
            o->open_until_us = clock_monotonic_us() + wait * 1000;
            say = !o->told;
            o->told = true;
        }
    }
    (void)pthread_mutex_unlock(&o->lock);
    if (say) {
        LogField field[] = {{"status", {0}, x->status}, {"error", str_from(x->failure), 0}};
        telemetry_log(o->service->telemetry, LEVEL_WARNING, "the sink of events does not answer",
                      field, COUNT_OF(field));
    }
}

/* ---- a post ---- */

typedef enum Posted { POSTED, POST_AGAIN, POST_REFUSED } Posted;

/* Standard Webhooks 1.0: HMAC-SHA256 over id, time and body. */
static bool sign(const struct Outbox *o, char out[128], Arena scratch, Str id, int64_t seconds,
                 Str event)
{
    unsigned char sum[EVP_MAX_MD_SIZE], text[64];
    unsigned int size = 0;
    Buffer b = buffer_new(&scratch);
    buffer_add(&b, id);
    buffer_format(&b, ".%lld.", (long long)seconds);
    buffer_add(&b, event);
    if (HMAC(EVP_sha256(), o->key, (int)o->key_size, (const unsigned char *)b.data, b.size, sum,
             &size) == NULL)
        return false;
    (void)EVP_EncodeBlock(text, sum, (int)size);
    (void)snprintf(out, 128, "webhook-signature: v1,%s", (const char *)text);
    return true;
}

static Posted post(Sender *s, Arena scratch, Str id, Str event)
{
    struct Outbox *o = s->outbox;
    char id_line[80], time_line[64], signature[128];
    int64_t seconds = wall_us() / SECOND_US;
    (void)snprintf(id_line, sizeof id_line, "webhook-id: %.*s", STR_ARG(id));
    (void)snprintf(time_line, sizeof time_line, "webhook-timestamp: %lld", (long long)seconds);
    Fetch x = {
        .method = "POST",
        .url = o->settings.url,
        .header = {"Content-Type: application/cloudevents+json; charset=utf-8", id_line, time_line},
        .body = event,
        .timeout_ms = atomic_load(&o->stops) && o->settings.timeout_ms > DRAIN_MS
                          ? DRAIN_MS
                          : o->settings.timeout_ms};
    if (o->key_size > 0) {
        if (!sign(o, signature, scratch, id, seconds, event))
            return POST_AGAIN;
        x.header[3] = signature;
    }
    (void)fetch(s->fetcher, &x);
    bool sent = x.status >= 200 && x.status < 300;
    /* A refusal of this event says nothing against the sink. */
    bool works = sent || (x.status != 0 && !fetch_later(&x) && x.status < 500);
    if (!atomic_load(&o->cuts))
        judge(o, works, &x);
    telemetry_events(o->service->telemetry, sent ? "sent" : "failed", 1);
    return sent ? POSTED : works ? POST_REFUSED : POST_AGAIN;
}

static void drop(struct Outbox *o, Str id)
{
    LogField field = {"decision_id", id, 0};
    telemetry_events(o->service->telemetry, "dropped", 1);
    telemetry_log(o->service->telemetry, LEVEL_ERROR,
                  "the sink refused an event again and again; it is given up", &field, 1);
}

/* ---- senders ---- */

/* Whether there was something. */
static bool send_waiting(Sender *s)
{
    struct Outbox *o = s->outbox;
    bool trial;
    if (!may_send(o, &trial))
        return false;
    Waiting *w = take_waiting(o, clock_monotonic_us());
    if (w == NULL) {
        (void)pthread_mutex_lock(&o->lock);
        o->trying = false;
        (void)pthread_mutex_unlock(&o->lock);
        return false;
    }
    Arena scratch = arena_new();
    Str id = str_from(w->id);
    Posted p = post(s, scratch, id, (Str){w->event, w->event_size});
    arena_free(&scratch);
    w->attempts++;
    if (p == POSTED || (p == POST_REFUSED && w->attempts >= REFUSALS_MOST)) {
        if (p != POSTED)
            drop(o, id);
        free(w);
        w = NULL;
    }
    (void)pthread_mutex_lock(&o->lock);
    if (w != NULL) {
        w->due_us =
            clock_monotonic_us() + fetch_wait_ms((int)w->attempts, FIRST_MS, MOST_MS) * 1000;
        append(o, w);
    }
    size_t waiting = o->waiting;
    (void)pthread_mutex_unlock(&o->lock);
    tell_waiting(o, waiting);
    return true;
}

static void settle(struct Outbox *o, Str id, bool gone, int64_t again_us)
{
    Error err = {0};
    /* One that cannot be settled comes again when the lease has run out. */
    (void)!database_settle_outgoing(o->database, id, gone, again_us, &err);
}

static bool send_kept(Sender *s)
{
    struct Outbox *o = s->outbox;
    bool trial;
    if (!may_send(o, &trial))
        return false;
    Arena keep = arena_new(), scratch = arena_new();
    Error err = {0};
    Outgoing *out = NULL;
    int64_t lease_us = (TAKEN * o->settings.timeout_ms + LEASE_MORE_MS) * 1000;
    size_t count = 0;
    Status status = database_take_outgoing(o->database, &out, &count, &keep, str_from(s->owner),
                                           wall_us(), lease_us, trial ? 1 : TAKEN, &err);
    bool open = false;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        /* After the first, the breaker is asked again: it may have opened meanwhile. */
        open = open || atomic_load(&o->stops) || (i > 0 && !may_send(o, &trial));
        if (open) {
            settle(o, out[i].id, false, wall_us());
            continue;
        }
        Posted p = post(s, scratch, out[i].id, out[i].event);
        uint64_t attempts = out[i].attempts + 1;
        bool lost = p == POST_REFUSED && attempts >= REFUSALS_MOST;
        if (lost)
            drop(o, out[i].id);
        int64_t wait = fetch_wait_ms(attempts < 100 ? (int)attempts : 100, FIRST_MS, MOST_MS);
        settle(o, out[i].id, p == POSTED || lost, wall_us() + wait * 1000);
    }
    if (count == 0) {
        (void)pthread_mutex_lock(&o->lock);
        o->trying = false;
        (void)pthread_mutex_unlock(&o->lock);
    }
    arena_free(&keep);
    arena_free(&scratch);
    return count > 0 && !open;
}

static void count_kept(struct Outbox *o)
{
    Error err = {0};
    uint64_t waiting;
    int64_t now = clock_monotonic_us();
    (void)pthread_mutex_lock(&o->lock);
    bool due = now - o->counted_us >= (int64_t)COUNT_MS * 1000;
    if (due)
        o->counted_us = now;
    (void)pthread_mutex_unlock(&o->lock);
    if (due && database_count_outgoing(o->database, &waiting, &err) == STATUS_OK)
        tell_waiting(o, waiting);
}

static void wait_for(struct Outbox *o)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += POLL_MS / 1000;
    (void)pthread_mutex_lock(&o->lock);
    if (!atomic_load(&o->stops))
        (void)pthread_cond_timedwait(&o->wake, &o->lock, &until);
    (void)pthread_mutex_unlock(&o->lock);
}

static void *run(void *context)
{
    Sender *s = context;
    struct Outbox *o = s->outbox;
    while (!atomic_load(&o->stops)) {
        bool more = o->database != NULL ? send_kept(s) : send_waiting(s);
        if (o->database != NULL)
            count_kept(o);
        if (!more)
            wait_for(o);
    }
    /* What the database holds is sent by whoever starts next; what memory holds now or never. */
    while (o->database == NULL && clock_monotonic_us() < o->stop_us && send_waiting(s))
        ;
    return NULL;
}

/* ---- opening and closing ---- */

/* "whsec_" and base64, as Standard Webhooks writes keys; or any bytes. */
static Status read_key(struct Outbox *o, Error *err)
{
    Str text;
    if (o->settings.secret == NULL)
        return STATUS_OK;
    Arena keep = arena_new();
    Status status = file_read(&text, &keep, o->settings.secret, err);
    if (status == STATUS_OK) {
        text = str_trim(text);
        bool coded = str_starts(text, S("whsec_"));
        Str key = coded ? str_slice(text, 6, text.size) : text;
        int n = -1;
        if (coded && key.size > 0 && key.size % 4 == 0 && key.size / 4 * 3 <= sizeof o->key) {
            n = EVP_DecodeBlock(o->key, (const unsigned char *)key.data, (int)key.size);
            for (size_t i = key.size; n > 0 && i > 0 && key.data[i - 1] == '='; i--)
                n--;
        } else if (!coded && key.size >= 16 && key.size <= sizeof o->key) {
            memcpy(o->key, key.data, key.size);
            n = (int)key.size;
        }
        if (n < 16)
            status = error_set(err, STATUS_USAGE,
                               "the secret of the sink must be 16 to 256 bytes, or whsec_ and "
                               "base64 of so many");
        else
            o->key_size = (size_t)n;
    }
    arena_free(&keep);
    return status;
}

static Status start(struct Outbox *o, Error *err)
{
    for (int i = 0; i < SENDERS; i++) {
        Sender *s = &o->sender[i];
        uint64_t drawn = (uint64_t)clock_monotonic_us();
        (void)!getrandom(&drawn, sizeof drawn, 0);
        s->outbox = o;
        (void)snprintf(s->owner, sizeof s->owner, "%ld-%016llx-%d", (long)getpid(),
                       (unsigned long long)drawn, i);
        TRY(fetcher_open(&s->fetcher, &o->cuts, err));
        if (pthread_create(&s->thread, NULL, run, s) != 0)
            return error_set(err, STATUS_IO, "a thread for events could not be started");
        o->senders++;
    }
    return STATUS_OK;
}

Status outbox_open(struct Outbox **out, Service *s, Error *err)
{
    *out = NULL;
    const char *url = s->settings->sink.url;
    if (url == NULL)
        return STATUS_OK;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return error_set(err, STATUS_USAGE, "the sink is no http:// or https:// URL");
    struct Outbox *o = calloc(1, sizeof *o);
    if (o == NULL)
        return error_set(err, STATUS_IO, "no memory for events");
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&o->lock, NULL);
    (void)pthread_cond_init(&o->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    o->service = s;
    o->settings = s->settings->sink;
    /* Only a decision that is kept has its event there. */
    o->database = s->settings->forget_decisions ? NULL : s->database;
    Status status = read_key(o, err);
    if (status == STATUS_OK)
        status = start(o, err);
    if (status != STATUS_OK) {
        outbox_close(o);
        return status;
    }
    *out = o;
    return STATUS_OK;
}

void outbox_close(struct Outbox *o)
{
    if (o == NULL)
        return;
    (void)pthread_mutex_lock(&o->lock);
    o->stop_us = clock_monotonic_us() + (int64_t)DRAIN_MS * 1000;
    atomic_store(&o->stops, true);
    if (o->database != NULL)
        atomic_store(&o->cuts, true);
    (void)pthread_cond_broadcast(&o->wake);
    (void)pthread_mutex_unlock(&o->lock);
    for (int i = 0; i < o->senders; i++)
        (void)pthread_join(o->sender[i].thread, NULL);
    for (int i = 0; i < SENDERS; i++)
        fetcher_close(o->sender[i].fetcher);
    if (o->waiting > 0)
        telemetry_events(o->service->telemetry, "dropped", o->waiting);
    while (o->first != NULL) {
        Waiting *w = o->first;
        o->first = w->next;
        free(w);
    }
    OPENSSL_cleanse(o->key, sizeof o->key);
    (void)pthread_cond_destroy(&o->wake);
    (void)pthread_mutex_destroy(&o->lock);
    free(o);
}
