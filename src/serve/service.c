/* service.c - the service as a whole: what it stands on, the bundles of now, and how it ends.
 *
 * One thread, the keeper, looks after what nobody asks for: clients that are too slow, a bundle
 * that was replaced in its folder, keys that were, and whether the database is there.
 */
#include "serve/serve_internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { QUIET_US = 250000, KEEPER_MS = 250, LOOK_EVERY = 8 /* rounds of the keeper */ };

static int64_t wall_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void log_error(const Service *s, const char *message, const Error *err)
{
    LogField field[] = {{"error", str_from(err->message), 0},
                        {"place", str_from(err->file), 0},
                        {"remedy", str_from(err->remedy), 0}};
    telemetry_log(s->telemetry, LEVEL_ERROR, message, field, COUNT_OF(field));
}

static void log_bundle(const Service *s, const char *message, const Served *served)
{
    Str champion = str_from(answer_bundle(served->champion)->id);
    Str challenger =
        served->challenger == NULL ? S("") : str_from(answer_bundle(served->challenger)->id);
    LogField field[] = {{"bundle", champion, 0}, {"challenger", challenger, 0}};
    telemetry_log(s->telemetry, LEVEL_INFO, message, field, COUNT_OF(field));
}

static void tell_bundles(const Service *s, const Served *v)
{
    telemetry_bundles(s->telemetry, answer_bundle(v->champion),
                      v->challenger == NULL ? NULL : answer_bundle(v->challenger));
}

/* ---- the bundles of now ---- */

static void served_free(Served *v)
{
    answer_close(v->champion);
    answer_close(v->challenger);
    free((char *)(uintptr_t)v->openapi.data);
    free((char *)(uintptr_t)v->page.data);
    (void)pthread_mutex_destroy(&v->showing);
    free(v);
}

static Status served_open(Served **out, const Service *s, Error *err)
{
    const ServeSettings *settings = s->settings;
    Served *v = calloc(1, sizeof *v);
    if (v == NULL)
        return error_set(err, STATUS_IO, "no memory for another bundle");
    v->challenger_weight = settings->challenger_weight;
    v->since_us = wall_us();
    atomic_store(&v->holders, 1); /* the service */
    (void)pthread_mutex_init(&v->showing, NULL);
    Status status = answer_open(&v->champion, settings->bundle, err);
    if (status == STATUS_OK && settings->challenger != NULL)
        status = answer_open(&v->challenger, settings->challenger, err);
    if (status == STATUS_OK)
        *out = v;
    else
        served_free(v);
    return status;
}

Served *served_take(Service *s)
{
    (void)pthread_mutex_lock(&s->lock);
    Served *v = s->served;
    (void)atomic_fetch_add(&v->holders, 1);
    (void)pthread_mutex_unlock(&s->lock);
    return v;
}

Served *served_hold(const Served *v)
{
    Served *held = (Served *)(uintptr_t)v;
    (void)atomic_fetch_add(&held->holders, 1);
    return held;
}

void served_drop(Served *v)
{
    if (v != NULL && atomic_fetch_sub(&v->holders, 1) == 1)
        served_free(v);
}

/* What stands in the folders, without reading the bundles: a bundle's sums are written last and
 * removed first, and a mounted folder that is swapped has other files. */
static uint64_t mark_of(const ServeSettings *settings)
{
    uint64_t mark = 0;
    const char *folder[] = {settings->bundle, settings->challenger};
    for (size_t i = 0; i < COUNT_OF(folder); i++) {
        char path[4096];
        struct stat info;
        if (folder[i] == NULL)
            continue;
        if ((size_t)snprintf(path, sizeof path, "%s/SHA256SUMS", folder[i]) >= sizeof path ||
            stat(path, &info) != 0)
            return 0;
        int64_t what[] = {(int64_t)info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                          (int64_t)info.st_size};
        mark = hash64((Str){(const char *)what, sizeof what}, mark);
    }
    return mark == 0 ? 1 : mark;
}

Status serve_reload(Service *s, Error *err)
{
    Served *fresh, *old = NULL;
    (void)pthread_mutex_lock(&s->reloading);
    uint64_t mark = mark_of(s->settings);
    Status status = served_open(&fresh, s, err);
    (void)pthread_mutex_lock(&s->lock);
    if (status == STATUS_OK) {
        old = s->served;
        s->served = fresh;
        s->bundle_mark = mark;
    } else
        s->refused_mark = mark;
    (void)pthread_mutex_unlock(&s->lock);
    telemetry_reload(s->telemetry, status == STATUS_OK);
    if (status == STATUS_OK) {
        tell_bundles(s, fresh);
        log_bundle(s, "bundle reloaded", fresh);
        served_drop(old);
    } else
        log_error(s, "a new bundle was refused; the old one stays", err);
    (void)pthread_mutex_unlock(&s->reloading);
    return status;
}

/* ---- the keeper ---- */

static void look_for_bundle(Service *s)
{
    Error err = {0};
    uint64_t mark = mark_of(s->settings);
    (void)pthread_mutex_lock(&s->lock);
    bool fresh = mark != 0 && mark != s->bundle_mark && mark != s->refused_mark;
    (void)pthread_mutex_unlock(&s->lock);
    if (fresh)
        (void)serve_reload(s, &err);
}

static void look_for_certificate(Service *s)
{
    bool fresh;
    Error err = {0};
    if (s->certificates == NULL)
        return;
    if (certificates_refresh(s->certificates, &fresh, &err) != STATUS_OK)
        log_error(s, "a new certificate was refused; the old one stays", &err);
    else if (fresh)
        telemetry_log(s->telemetry, LEVEL_INFO, "certificate reloaded", NULL, 0);
}

static void look_after(Service *s)
{
    Error err = {0};
    if (s->settings->watch)
        look_for_bundle(s);
    look_for_certificate(s);
    if (!auth_refresh(s->auth, &err))
        log_error(s, "keys were not read again; the old ones stay", &err);
    if (s->database == NULL)
        return;
    err = (Error){0};
    bool down = database_ping(s->database, &err) != STATUS_OK;
    if (atomic_exchange(&s->database_down, down) != down) {
        if (down)
            log_error(s, "the store cannot be reached", &err);
        else
            telemetry_log(s->telemetry, LEVEL_INFO, "the store can be reached again", NULL, 0);
    }
    telemetry_store(s->telemetry, !down);
    uint64_t waiting;
    if (!down && database_count_jobs(s->database, &waiting, JOB_WAITING, &err) == STATUS_OK)
        telemetry_jobs_waiting(s->telemetry, waiting);
}

static void *keep(void *argument)
{
    Service *s = argument;
    for (uint64_t round = 1;; round++) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += KEEPER_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_mutex_lock(&s->lock);
        if (!s->keeper_stops)
            (void)pthread_cond_timedwait(&s->wake, &s->lock, &until);
        bool stops = s->keeper_stops;
        (void)pthread_mutex_unlock(&s->lock);
        if (stops)
            return NULL;
        daemon_sweep(s->daemon);
        if (s->admin != NULL)
            daemon_sweep(s->admin);
        if (round % LOOK_EVERY == 0)
            look_after(s);
    }
}

/* ---- start and stop ---- */

static Status check_exposed(const ServeSettings *s, Error *err)
{
    /* Health and metrics are meant to be reached by who watches: nobody is asked there. */
    if (s->insecure || s->auth.kind != AUTH_NONE || listen_is_loopback(s->listen))
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE,
                    "others than this machine could reach %.80s, and nobody would be asked who "
                    "they are",
                    s->listen);
    return error_remedy(err, "say `auth:` in serve.yaml, listen on 127.0.0.1, or give --insecure "
                             "where something in front of it asks");
}

/* What is to be published waits where decisions are kept. */
static Status check_published(const ServeSettings *s, Error *err)
{
    bool store = s->store != NULL && strcmp(s->store, "none") != 0;
    if (!s->forget_decisions || s->sink.url == NULL || !store)
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE, "a sink needs the decisions that `decisions` forgets");
    return error_remedy(err, "write `decisions: keep`, or leave out the store or the sink");
}

static Status check_settings(const ServeSettings *s, Error *err)
{
    if (s->bundle == NULL) {
        (void)error_set(err, STATUS_USAGE, "there is no bundle to answer with");
        return error_remedy(err, "give --bundle FOLDER, or `bundle:` in serve.yaml");
    }
    const char *address[] = {s->listen, s->admin_listen};
    for (size_t i = 0; i < COUNT_OF(address); i++) {
        char host[64];
        int port;
        if (address[i] == NULL || listen_parse(host, &port, address[i]))
            continue;
        (void)error_set(err, STATUS_USAGE, "`%.80s` is not an address to listen on", address[i]);
        return error_remedy(err, "write it as 127.0.0.1:8080, [::1]:8080 or :8080 (everybody)");
    }
    if ((s->tls_certificate == NULL) != (s->tls_key == NULL)) {
        (void)error_set(err, STATUS_USAGE, "TLS needs a certificate and its key");
        return error_remedy(err, "give both of them, or neither");
    }
    TRY(check_published(s, err));
    return check_exposed(s, err);
}

/* "/ai" of "/ai/", "ai" or "/ai". */
static Str tidy_base_path(Arena *keep, const char *path)
{
    Str p = str_trim(str_from(path));
    while (p.size > 0 && p.data[p.size - 1] == '/')
        p.size--;
    return p.size == 0        ? S("")
           : p.data[0] == '/' ? str_copy(keep, p)
                              : str_format(keep, "/%.*s", STR_ARG(p));
}

static Status open_all(Service *s, Error *err)
{
    const ServeSettings *settings = s->settings;
    TRY(certificates_open(&s->certificates, settings, err));
    TRY(telemetry_open(&s->telemetry, &settings->telemetry, err));
    TRY(auth_open(&s->auth, &settings->auth, err));
    if (settings->store != NULL && strcmp(settings->store, "none") != 0) {
        TRY(database_open(&s->database, settings->store, 0, err));
        telemetry_store(s->telemetry, true);
    }
    s->bundle_mark = mark_of(settings);
    TRY(served_open(&s->served, s, err));
    tell_bundles(s, s->served);
    TRY(outbox_open(&s->outbox, s, err));
    TRY(shadow_open(&s->shadow, s, err));
    TRY(jobs_open(&s->jobs, s, err));
    TRY(daemon_start(&s->daemon, s, settings->listen, false, err));
    if (settings->admin_listen != NULL)
        TRY(daemon_start(&s->admin, s, settings->admin_listen, true, err));
    s->keeper_runs = pthread_create(&s->keeper, NULL, keep, s) == 0;
    return s->keeper_runs ? STATUS_OK : error_set(err, STATUS_IO, "a thread could not be started");
}

static void stop_keeper(Service *s)
{
    if (!s->keeper_runs)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->keeper_stops = true;
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->keeper, NULL);
    s->keeper_runs = false;
}

/* In the order that lets whoever uses a part end before the part. */
static void close_all(Service *s)
{
    stop_keeper(s);
    daemon_stop(s->daemon);
    daemon_stop(s->admin);
    jobs_close(s->jobs);
    shadow_close(s->shadow);
    outbox_close(s->outbox);
    served_drop(s->served);
    database_close(s->database);
    auth_close(s->auth);
    certificates_close(s->certificates);
    telemetry_close(s->telemetry);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_mutex_destroy(&s->reloading);
    (void)pthread_cond_destroy(&s->wake);
    Arena keep = s->keep;
    arena_free(&keep); /* the service itself lies in it */
}

Status serve_start(Service **out, const ServeSettings *settings, Error *err)
{
    TRY(check_settings(settings, err));
    Arena keep_all = arena_new();
    Service *s = ARENA_NEW(&keep_all, Service);
    pthread_condattr_t attributes;
    s->settings = settings;
    s->started_us = wall_us();
    s->base_path = tidy_base_path(&keep_all, settings->base_path);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_mutex_init(&s->reloading, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    s->keep = keep_all;
    s->aip = routes_of_vertex(s);
    Status status = open_all(s, err);
    if (status != STATUS_OK) {
        close_all(s);
        return status;
    }
    log_bundle(s, "ready", s->served);
    *out = s;
    return STATUS_OK;
}

Status serve_check(const ServeSettings *settings, Error *err)
{
    Auth *auth = NULL;
    Answerer *a = NULL;
    Certificates *certificates = NULL;
    const char *folder[] = {settings->bundle, settings->challenger};
    TRY(check_settings(settings, err));
    for (size_t i = 0; i < COUNT_OF(folder); i++) {
        if (folder[i] == NULL)
            continue;
        TRY(answer_open(&a, folder[i], err));
        answer_close(a);
    }
    TRY(certificates_open(&certificates, settings, err));
    certificates_close(certificates);
    TRY(auth_open(&auth, &settings->auth, err));
    auth_close(auth);
    return STATUS_OK;
}

int serve_port(const Service *s)
{
    return daemon_port(s->daemon);
}

int serve_admin_port(const Service *s)
{
    return s->admin == NULL ? 0 : daemon_port(s->admin);
}

static void sleep_ms(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* Until all that was asked is answered. A request that was sent on an open connection is under way
 * before we hear of it, so there must be quiet for a while; who asks in it is answered, and told
 * that the connection ends. */
static void drain(Service *s, int64_t until_us)
{
    int64_t now, quiet_us = clock_monotonic_us();
    uint64_t begun = atomic_load(&s->begun);
    while ((now = clock_monotonic_us()) < until_us) {
        uint64_t before = begun;
        begun = atomic_load(&s->begun);
        bool busy = atomic_load(&s->in_flight) > 0;
        if (busy || begun != before)
            quiet_us = now;
        if (!busy && (daemon_idle(s->daemon) || now - quiet_us >= QUIET_US))
            return;
        sleep_ms(5);
    }
}

void serve_stop(Service *s)
{
    const ServeLimits *l = &s->settings->limits;
    atomic_store(&s->draining, true);
    telemetry_log(s->telemetry, LEVEL_INFO, "draining", NULL, 0);
    sleep_ms(l->grace_seconds * 1000);
    daemon_refuse(s->daemon);
    drain(s, clock_monotonic_us() + l->drain_seconds * SECOND_US);
    LogField left = {"in_flight", {0}, (double)atomic_load(&s->in_flight)};
    telemetry_log(s->telemetry, LEVEL_INFO, "stopped", &left, 1);
    close_all(s);
}

/* ---- for a command ---- */

static atomic_int hung_up; /* SIGHUP came */

static void on_hangup(int signal)
{
    atomic_store(&hung_up, signal);
}

Status serve_run(const ServeSettings *settings, const atomic_int *stop,
                 void (*ready)(void *context, const Service *s), void *context, Error *err)
{
    Service *s;
    struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART}, before[3];
    /* A log's reader that has gone, and a file that may grow no more, are errors of a write. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGHUP, &hangup, &before[0]);
    (void)sigaction(SIGPIPE, &ignore, &before[1]);
    (void)sigaction(SIGXFSZ, &ignore, &before[2]);
    Status status = serve_start(&s, settings, err);
    if (status == STATUS_OK) {
        if (ready != NULL)
            ready(context, s);
        while (atomic_load(stop) == 0) {
            Error refused = {0};
            if (atomic_exchange(&hung_up, 0) != 0)
                (void)serve_reload(s, &refused);
            sleep_ms(50);
        }
        serve_stop(s);
    }
    (void)sigaction(SIGHUP, &before[0], NULL);
    (void)sigaction(SIGPIPE, &before[1], NULL);
    (void)sigaction(SIGXFSZ, &before[2], NULL);
    return status;
}
