/* postgresql.c - a link to a PostgreSQL server.
 *
 * Nothing here waits for longer than it says: libpq is asked without blocking and its socket is
 * polled, so that a server that is stopped, frozen or cut off costs CONNECT_US or what is left of
 * the transaction's time, and then the link is given up. The server has the same limits, in case
 * that it is this program that freezes.
 */
#ifdef ASSAY_POSTGRESQL
#include "database/database_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENTS_MAX 128
#define TYPE_BOOL      16
#define TYPE_INT8      20
#define TYPE_INT2      21
#define TYPE_INT4      23

typedef struct PostgresqlLink {
    Link link;
    PGconn *connection;
    Arena scratch;                   /* of one statement */
    const char *sql[STATEMENTS_MAX]; /* texts of the program, told apart by their address */
    size_t count;
} PostgresqlLink;

/* ---- waiting ---- */

/* False: not within the time. */
static bool wait_for(PGconn *c, short events, int64_t until_us)
{
    struct pollfd p = {.fd = PQsocket(c), .events = events};
    for (;;) {
        int64_t left = until_us - clock_monotonic_us();
        if (p.fd < 0 || left <= 0)
            return false;
        int n = poll(&p, 1, (int)(left / 1000) + 1);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

/* ---- errors ---- */

static Status lost(PostgresqlLink *s, Error *err)
{
    s->link.broken = true;
    s->link.again = !s->link.ending;
    (void)error_set(err, STATUS_IO, "the connection to PostgreSQL was lost");
    return error_remedy(err, "look whether the server runs; the next call tries again");
}

static Status late(PostgresqlLink *s, Error *err)
{
    s->link.broken = true;
    (void)error_set(err, STATUS_IO, "PostgreSQL did not answer in time");
    return error_remedy(err, "look at the server's load and locks; the next call tries again");
}

/* The primary message alone: details may hold values of rows. */
static Status refused(PostgresqlLink *s, const PGresult *r, Error *err)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    state = state == NULL ? "" : state;
    if (PQstatus(s->connection) == CONNECTION_BAD || strncmp(state, "57P", 3) == 0)
        return lost(s, err);
    s->link.again = strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
    bool never = strncmp(state, "42", 2) == 0 && strcmp(state, "42501") != 0;
    /* What it was given, not how it is: a value it cannot hold, a text too long for an index. */
    if (strncmp(state, "22", 2) == 0 || strncmp(state, "54", 2) == 0) {
        (void)error_set(err, STATUS_USAGE, "PostgreSQL cannot hold this (%s): %s", state,
                        message == NULL ? "it does not say why" : message);
        return error_remedy(err, "send shorter texts, and only such as the docs allow");
    }
    (void)error_set(err, never ? STATUS_DATA : STATUS_IO, "PostgreSQL refused (%s): %s", state,
                    message == NULL ? "it does not say why" : message);
    if (strncmp(state, "53", 2) == 0)
        return error_remedy(err, "the server lacks room or memory; what was accepted is safe");
    if (strcmp(state, "42501") == 0)
        return error_remedy(err, "let the role make and use tables in its schema, or make them "
                                 "once as a role that may");
    if (never)
        return error_remedy(err, "the tables are not as this program made them");
    return err == NULL ? STATUS_IO : err->status;
}

/* ---- statements ---- */

/* The one result of what was sent, and nothing more to come. */
static Status receive(PostgresqlLink *s, PGresult **out, Error *err)
{
    PGconn *c = s->connection;
    int flushing;
    *out = NULL;
    while ((flushing = PQflush(c)) == 1) {
        if (!wait_for(c, POLLIN | POLLOUT, s->link.until_us))
            return late(s, err);
        if (!PQconsumeInput(c))
            return lost(s, err);
    }
    if (flushing < 0)
        return lost(s, err);
    for (;;) {
        while (PQisBusy(c)) {
            if (!wait_for(c, POLLIN, s->link.until_us)) {
                PQclear(*out);
                *out = NULL;
                return late(s, err);
            }
            if (!PQconsumeInput(c)) {
                PQclear(*out);
                *out = NULL;
                return lost(s, err);
            }
        }
        PGresult *next = PQgetResult(c);
        if (next == NULL)
            return *out != NULL ? STATUS_OK : lost(s, err);
        PQclear(*out);
        *out = next;
    }
}

static Status finish(PostgresqlLink *s, PGresult *r, Error *err)
{
    ExecStatusType how = PQresultStatus(r);
    return how == PGRES_COMMAND_OK || how == PGRES_TUPLES_OK ? STATUS_OK : refused(s, r, err);
}

static Status prepare(PostgresqlLink *s, const char *sql, char name[16], Error *err)
{
    PGresult *r;
    size_t i = 0;
    while (i < s->count && s->sql[i] != sql)
        i++;
    (void)snprintf(name, 16, "assay%zu", i % 1000);
    if (i < s->count)
        return STATUS_OK;
    if (s->count == STATEMENTS_MAX) { /* the tables' own, once: not worth keeping */
        name[0] = '\0';
        i = s->count;
    }
    if (!PQsendPrepare(s->connection, name, sql, 0, NULL))
        return lost(s, err);
    TRY(receive(s, &r, err));
    Status status = finish(s, r, err);
    PQclear(r);
    if (status == STATUS_OK && i < STATEMENTS_MAX)
        s->sql[s->count++] = sql;
    return status;
}

static Value cell(const PGresult *r, int row, int column, Arena *keep)
{
    if (PQgetisnull(r, row, column))
        return (Value){.kind = VALUE_NOTHING};
    const char *text = PQgetvalue(r, row, column);
    switch (PQftype(r, column)) {
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        return bind_number(strtoimax(text, NULL, 10));
    case TYPE_BOOL:
        return bind_number(text[0] == 't');
    default:
        return bind_text(str_copy(keep, (Str){text, (size_t)PQgetlength(r, row, column)}));
    }
}

static void take_rows(Rows *out, Arena *keep, const PGresult *r)
{
    *out = (Rows){.count = (size_t)PQntuples(r),
                  .columns = (size_t)PQnfields(r),
                  .changed = (size_t)strtoumax(PQcmdTuples((PGresult *)(uintptr_t)r), NULL, 10)};
    if (keep == NULL)
        return;
    out->cell = ARENA_ARRAY(keep, Value, out->count * out->columns + 1);
    for (size_t i = 0; i < out->count; i++)
        for (size_t k = 0; k < out->columns; k++)
            out->cell[i * out->columns + k] = cell(r, (int)i, (int)k, keep);
}

static const char *parameter(Arena *scratch, const Value *v)
{
    if (v->kind == VALUE_NOTHING)
        return NULL;
    if (v->kind == VALUE_TEXT)
        return str_chars(scratch, v->text);
    return str_format(scratch, "%" PRId64, v->number).data;
}

static Status run(Link *l, Rows *out, Arena *keep, const Statement *statement, const Value *value,
                  size_t count, Error *err)
{
    PostgresqlLink *s = (PostgresqlLink *)l;
    Arena scratch = s->scratch;
    const char *text[VALUES_MAX] = {0};
    char name[16];
    PGresult *r;
    const char *sql = statement->postgresql != NULL ? statement->postgresql : statement->sql;
    if (l->broken)
        return lost(s, err);
    TRY(prepare(s, sql, name, err));
    for (size_t i = 0; i < count; i++)
        text[i] = parameter(&scratch, &value[i]);
    if (!PQsendQueryPrepared(s->connection, name, (int)count, text, NULL, NULL, 0))
        return lost(s, err);
    TRY(receive(s, &r, err));
    Status status = finish(s, r, err);
    if (status == STATUS_OK && out != NULL)
        take_rows(out, keep, r);
    PQclear(r);
    return status;
}

/* ---- connect and end ---- */

static void end(Link *l)
{
    PostgresqlLink *s = (PostgresqlLink *)l;
    PQfinish(s->connection);
    arena_free(&l->scratch);
    arena_free(&s->scratch);
    free(s);
}

static void say_nothing(void *context, const PGresult *r)
{
    (void)context;
    (void)r;
}

/* libpq's words without its newlines; they name host and role, and never the password. */
static Status unreachable(const PGconn *c, const char *why, Error *err)
{
    char line[256];
    (void)snprintf(line, sizeof line, "%s", why != NULL ? why : PQerrorMessage(c));
    for (char *p = line; *p != '\0'; p++)
        if (*p == '\n' || *p == '\t')
            *p = ' ';
    (void)error_set(err, STATUS_IO, "no connection to PostgreSQL: %s", line);
    return error_remedy(err, "look at the URL, at the server, and whether it lets this role in");
}

static Status wait_connected(PGconn *c, Error *err)
{
    int64_t until = clock_monotonic_us() + CONNECT_US;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (PQstatus(c) == CONNECTION_BAD || state == PGRES_POLLING_FAILED)
            return unreachable(c, NULL, err);
        if (!wait_for(c, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
            return unreachable(c, "it did not answer in time", err);
        state = PQconnectPoll(c);
    }
    return STATUS_OK;
}

/* What the server is to do by itself when it does not hear from us, and what texts are in. */
static Status settings(PostgresqlLink *s, Error *err)
{
    static const Statement set[] = {{.sql = "SET statement_timeout = 8000"},
                                    {.sql = "SET lock_timeout = 5000"},
                                    {.sql = "SET idle_in_transaction_session_timeout = 10000"},
                                    {.sql = "SET synchronous_commit = on"}};
    const char *encoding = PQparameterStatus(s->connection, "server_encoding");
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
        (void)error_set(err, STATUS_DATA, "the PostgreSQL database is not in UTF-8");
        return error_remedy(err, "make one with: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE "
                                 "template0");
    }
    s->link.until_us = clock_monotonic_us() + CONNECT_US;
    for (size_t i = 0; i < COUNT_OF(set); i++)
        TRY(run(&s->link, NULL, NULL, &set[i], NULL, 0, err));
    return STATUS_OK;
}

static Status connect_server(Link **out, const char *url, Error *err)
{
    /* What the URL says stands: its parameters are read where dbname is expanded, after these. */
    const char *const name[] = {
        "client_encoding",     "application_name", "tcp_user_timeout", "keepalives_idle",
        "keepalives_interval", "keepalives_count", "dbname",           NULL};
    const char *const value[] = {"UTF8", "assay", "5000", "5", "2", "2", url, NULL};
    PostgresqlLink *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set(err, STATUS_IO, "out of memory");
    s->link = (Link){.driver = &driver_postgresql, .scratch = arena_new()};
    s->scratch = arena_new();
    s->connection = PQconnectStartParams(name, value, 1);
    Status status = s->connection == NULL ? error_set(err, STATUS_IO, "out of memory")
                                          : wait_connected(s->connection, err);
    if (status == STATUS_OK) {
        (void)PQsetNoticeReceiver(s->connection, say_nothing, NULL);
        if (PQsetnonblocking(s->connection, 1) != 0)
            status = unreachable(s->connection, NULL, err);
    }
    if (status == STATUS_OK)
        status = settings(s, err);
    if (status != STATUS_OK)
        end(&s->link);
    else
        *out = &s->link;
    return status;
}

/* Its vacuum does that by itself; its log goes when it is archived or used again. */
static bool wipe(Link *l)
{
    (void)l;
    return true;
}

const Driver driver_postgresql = {.name = "PostgreSQL",
                                  .begin = {.sql = "BEGIN"},
                                  .connect = connect_server,
                                  .end = end,
                                  .run = run,
                                  .wipe = wipe};
#else
typedef int PostgresqlLeftOut; /* ISO C has no empty files */
#endif
