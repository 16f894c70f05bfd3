/* database.c - links, transactions, and the writes of many threads in one of them. */
#include "database/database_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS      8
#define REFUSED_PAUSE_US (SECOND_US / 2) /* no new attempt to connect so soon after one failed */

int64_t wall_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

Value bind_text(Str s)
{
    return (Value){.kind = VALUE_TEXT, .text = s.data == NULL ? S("") : s};
}

Value bind_number(int64_t n)
{
    return (Value){.kind = VALUE_NUMBER, .number = n};
}

Str row_text(const Rows *r, size_t row, size_t column)
{
    const Value *v = &r->cell[row * r->columns + column];
    return v->kind == VALUE_TEXT ? v->text : S("");
}

int64_t row_number(const Rows *r, size_t row, size_t column)
{
    const Value *v = &r->cell[row * r->columns + column];
    return v->kind == VALUE_NUMBER ? v->number : 0;
}

Status database_texts(const Str *text, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++)
        if (text[i].size > 0 &&
            (memchr(text[i].data, '\0', text[i].size) != NULL || !str_valid_utf8(text[i]))) {
            (void)error_set(err, STATUS_USAGE, "a text is no UTF-8, or holds the character NUL");
            return error_remedy(err, "leave such characters out");
        }
    return STATUS_OK;
}

/* ---- links ---- */

Status link_run(Link *l, Rows *out, Arena *keep, const Statement *s, const Value *value,
                size_t count, Error *err)
{
    return l->driver->run(l, out, keep, s, value, count, err);
}

static Status link_new(Database *d, Link **out, Error *err)
{
    Error own = {0};
    Status s = d->driver->connect(out, d->url, &own);
    (void)pthread_mutex_lock(&d->lock);
    if (s != STATUS_OK) {
        d->open--;
        d->refused = own;
        d->refused_until_us = clock_monotonic_us() + REFUSED_PAUSE_US;
        (void)pthread_cond_signal(&d->given);
    }
    (void)pthread_mutex_unlock(&d->lock);
    if (s != STATUS_OK && err != NULL && err->status == STATUS_OK)
        *err = own;
    return s;
}

static struct timespec after(int64_t us)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    us += t.tv_nsec / 1000;
    t.tv_sec += us / SECOND_US;
    t.tv_nsec = us % SECOND_US * 1000;
    return t;
}

static Status link_take(Database *d, Link **out, Error *err)
{
    struct timespec until = after(LINK_WAIT_US);
    int waited = 0;
    (void)pthread_mutex_lock(&d->lock);
    while (d->idles == 0 && d->open == d->most && waited == 0)
        waited = pthread_cond_timedwait(&d->given, &d->lock, &until);
    bool idle = d->idles > 0, more = !idle && d->open < d->most;
    bool refused = more && clock_monotonic_us() < d->refused_until_us;
    if (idle)
        *out = d->idle[--d->idles];
    else if (refused && err != NULL && err->status == STATUS_OK)
        *err = d->refused;
    else if (more && !refused)
        d->open++;
    Status why = d->refused.status;
    (void)pthread_mutex_unlock(&d->lock);
    if (refused)
        return why;
    if (more)
        return link_new(d, out, err);
    if (!idle)
        return error_set(err, STATUS_IO, "every connection to the database is busy");
    return STATUS_OK;
}

/* When one link broke the others did too, as a rule: the server was stopped. */
static void link_give(Database *d, Link *l)
{
    Link *dead = NULL;
    (void)pthread_mutex_lock(&d->lock);
    if (!l->broken) {
        d->idle[d->idles++] = l;
        l = NULL;
    }
    while (l != NULL) {
        d->open--;
        d->driver->end(l);
        dead = d->idles > 0 ? d->idle[--d->idles] : NULL;
        l = dead;
    }
    (void)pthread_cond_signal(&d->given);
    (void)pthread_mutex_unlock(&d->lock);
}

static void link_ready(const Database *d, Link *l)
{
    l->again = l->ending = false;
    l->until_us = clock_monotonic_us() + d->transaction_us;
    l->end = (ChainEnd){0};
}

/* ---- transactions ---- */

static const Statement commit = {.sql = "COMMIT"}, rollback = {.sql = "ROLLBACK"};

typedef struct Pending {
    Work *work;
    void *context;
    Error error;
    bool done;
    struct Pending *next;
} Pending;

static Status work_through(Link *l, const Pending *list, Error *err)
{
    TRY(link_run(l, NULL, NULL, &l->driver->begin, NULL, 0, err));
    for (const Pending *p = list; p != NULL; p = p->next)
        TRY(p->work(l, p->context, err));
    TRY(entries_finish(l, err));
    l->ending = true;
    return link_run(l, NULL, NULL, &commit, NULL, 0, err);
}

/* All of the list in one transaction. A link that the server had dropped is found out by using it;
 * as long as COMMIT was not sent nothing has happened and the work may be done again. */
static Status transact(Database *d, const Pending *list, Error *err)
{
    for (int attempt = 0;; attempt++) {
        Link *l;
        Error own = {0};
        TRY(link_take(d, &l, err));
        link_ready(d, l);
        Status s = work_through(l, list, &own);
        bool again = s != STATUS_OK && l->again && !l->ending && attempt == 0;
        if (s != STATUS_OK && !l->broken) {
            Error other = {0};
            l->broken = link_run(l, NULL, NULL, &rollback, NULL, 0, &other) != STATUS_OK;
        }
        link_give(d, l);
        if (again)
            continue;
        if (s != STATUS_OK && err != NULL && err->status == STATUS_OK)
            *err = own;
        return s;
    }
}

/* What failed by its own fault (and not the database's) must not fail the others. */
static void transact_group(Database *d, Pending *list)
{
    Error err = {0};
    Status s = transact(d, list, &err);
    bool apart = s != STATUS_OK && s != STATUS_IO && list->next != NULL;
    for (Pending *p = list, *next; p != NULL; p = next) {
        next = p->next;
        p->next = NULL;
        if (apart)
            p->error.status = transact(d, p, &p->error);
        else
            p->error = err;
    }
}

enum { GROUP_MAX = 64 };

/* The first so many that wait.  The lock is held. */
static size_t take_group(Database *d, Pending *group[GROUP_MAX])
{
    size_t count = 0;
    Pending *last = d->first;
    for (Pending *p = d->first; p != NULL && count < GROUP_MAX; p = p->next)
        group[count++] = last = p;
    d->first = last->next;
    d->last = d->first == NULL ? NULL : d->last;
    last->next = NULL;
    return count;
}

/* Whoever finds nobody leading takes all that wait along, and tells them how it went. Each waits on
 * his own stack, and is out of the list before he returns. */
Status database_write_in_turn(Database *d, Work *work, void *context, Error *err)
{
    Pending own = {.work = work, .context = context};
    (void)pthread_mutex_lock(&d->lock);
    *(d->last != NULL ? &d->last->next : &d->first) = &own;
    // cppcheck-suppress autoVariables
    d->last = &own;
    while (!own.done) {
        if (d->leading) {
            (void)pthread_cond_wait(&d->led, &d->lock);
            continue;
        }
        Pending *group[GROUP_MAX] = {0};
        size_t count = take_group(d, group);
        d->leading = true;
        (void)pthread_mutex_unlock(&d->lock);
        transact_group(d, group[0]);
        (void)pthread_mutex_lock(&d->lock);
        for (size_t i = 0; i < count; i++)
            group[i]->done = true;
        d->leading = false;
        (void)pthread_cond_broadcast(&d->led);
    }
    (void)pthread_mutex_unlock(&d->lock);
    if (own.error.status != STATUS_OK && err != NULL && err->status == STATUS_OK)
        *err = own.error;
    return own.error.status;
}

Status database_write(Database *d, Work *work, void *context, Error *err)
{
    if (d->driver->one_writer)
        return database_write_in_turn(d, work, context, err);
    Pending alone = {.work = work, .context = context};
    return transact(d, &alone, err);
}

Status database_ask(Database *d, Rows *out, Arena *keep, const Statement *s, const Value *value,
                    size_t count, Error *err)
{
    for (int attempt = 0;; attempt++) {
        Link *l;
        Error own = {0};
        TRY(link_take(d, &l, err));
        link_ready(d, l);
        Status status = link_run(l, out, keep, s, value, count, &own);
        bool again = status != STATUS_OK && l->again && attempt == 0;
        link_give(d, l);
        if (again)
            continue;
        if (status != STATUS_OK && err != NULL && err->status == STATUS_OK)
            *err = own;
        return status;
    }
}

Status database_count(Database *d, uint64_t *count, const Statement *s, Value value, Error *err)
{
    Arena arena = arena_new();
    Rows rows;
    bool none = value.kind == VALUE_NOTHING;
    Status status = database_ask(d, &rows, &arena, s, none ? NULL : &value, none ? 0 : 1, err);
    *count = status == STATUS_OK && rows.count > 0 ? (uint64_t)row_number(&rows, 0, 0) : 0;
    arena_free(&arena);
    return status;
}

void database_wipe(Database *d)
{
    Link *l;
    Error err = {0};
    bool done = false;
    if (link_take(d, &l, &err) == STATUS_OK) {
        done = d->driver->wipe(l);
        link_give(d, l);
    }
    (void)pthread_mutex_lock(&d->lock);
    d->wipe_due = !done;
    (void)pthread_mutex_unlock(&d->lock);
}

/* ---- open and close ---- */

static Status driver_of(const Driver **out, const char *url, Error *err)
{
    Str s = str_from(url);
    bool postgresql = str_starts(s, S("postgresql://")) || str_starts(s, S("postgres://"));
    *out = NULL;
    if (str_starts(s, S("sqlite:")))
        *out = &driver_sqlite;
    else if (!postgresql) {
        (void)error_set(err, STATUS_USAGE, "a store is sqlite:FILE or postgresql://...");
        return error_remedy(err, "give one of these, or none");
    }
#ifdef ASSAY_POSTGRESQL
    else
        *out = &driver_postgresql;
#endif
    if (*out == NULL) {
        (void)error_set(err, STATUS_USAGE, "this program was built without PostgreSQL");
        return error_remedy(err, "build it with -DASSAY_POSTGRESQL=ON, or use sqlite:FILE");
    }
    return STATUS_OK;
}

Status database_open(Database **out, const char *url, size_t connections, Error *err)
{
    const Driver *driver;
    pthread_condattr_t monotonic;
    *out = NULL;
    TRY(driver_of(&driver, url, err));
    Database *d = calloc(1, sizeof *d);
    size_t most = connections == 0 ? CONNECTIONS : connections;
    Link **idle = calloc(most, sizeof(Link *)); // NOLINT(bugprone-sizeof-expression): pointers
    char *copy = strdup(url);
    if (d == NULL || idle == NULL || copy == NULL) {
        free(d);
        free(idle);
        free(copy);
        return error_set(err, STATUS_IO, "out of memory");
    }
    *d = (Database){.driver = driver,
                    .url = copy,
                    .transaction_us = TRANSACTION_US,
                    .idle = idle,
                    .most = most};
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&d->given, &monotonic);
    (void)pthread_cond_init(&d->led, NULL);
    (void)pthread_condattr_destroy(&monotonic);
    Status s = database_migrate(d, err);
    if (s != STATUS_OK) {
        database_close(d);
        return s;
    }
    database_wipe(d); /* the process before may have died between an erasure and this */
    *out = d;
    return STATUS_OK;
}

void database_close(Database *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->idles; i++)
        d->driver->end(d->idle[i]);
    (void)pthread_mutex_destroy(&d->lock);
    (void)pthread_cond_destroy(&d->given);
    (void)pthread_cond_destroy(&d->led);
    free(d->idle);
    free(d->url);
    free(d);
}

Status database_ping(Database *d, Error *err)
{
    static const Statement ask = {.sql = "SELECT version FROM assay_form"};
    return database_ask(d, NULL, NULL, &ask, NULL, 0, err);
}
