/* database_stores.h - the same claims over every store: a SQLite file and a PostgreSQL server. */
#ifndef DATABASE_STORES_H
#define DATABASE_STORES_H

#include "database/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>
#ifdef ASSAY_POSTGRESQL
#include <libpq-fe.h>
#endif

typedef struct Store {
    char folder[64];
    char url[256];
    Database *database;
    Arena arena;
} Store;

static inline void store_ok_at(Status s, const Error *err, int line)
{
    if (s != STATUS_OK)
        fail_msg("line %d: status %d: %s (%s)", line, (int)s, err->message, err->remedy);
}
#define OK(call)                                                                                   \
    do {                                                                                           \
        Error ok_error_ = {0};                                                                     \
        Error *err = &ok_error_;                                                                   \
        Status ok_status_ = (call);                                                                \
        store_ok_at(ok_status_, err, __LINE__);                                                    \
    } while (0)

PRINTF_LIKE(1, 2) static inline int shell(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(command, sizeof command, format, args);
    va_end(args);
    int status = system(command); // NOLINT(cert-env33-c): paths of the test's own
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static inline void store_folder(Store *s)
{
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/assay-database-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    s->arena = arena_new();
}

static inline int store_sqlite(void **state)
{
    Store *s = calloc(1, sizeof *s);
    store_folder(s);
    (void)snprintf(s->url, sizeof s->url, "sqlite:%s/store.db", s->folder);
    OK(database_open(&s->database, s->url, 0, err));
    *state = s;
    return 0;
}

static inline int store_sqlite_end(void **state)
{
    Store *s = *state;
    database_close(s->database);
    (void)shell("rm -rf %s", s->folder);
    arena_free(&s->arena);
    free(s);
    return 0;
}

#ifdef ASSAY_POSTGRESQL
static inline void by_hand_at(const char *url, const char *sql)
{
    PGconn *c = PQconnectdb(url);
    PGresult *r = PQexec(c, sql);
    ExecStatusType how = PQresultStatus(r);
    if (how != PGRES_COMMAND_OK && how != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
}

/* One server for a program's tests; each test has a schema of its own. */
static char postgres_folder[64];

static inline int postgres_start(void **state)
{
    (void)state;
    (void)snprintf(postgres_folder, sizeof postgres_folder, "/tmp/assay-postgres-XXXXXX");
    assert_non_null(mkdtemp(postgres_folder));
    if (shell("tests/service/postgres.sh start %s >/dev/null", postgres_folder) != 0) {
        (void)shell("rm -rf %s", postgres_folder);
        fail_msg("no PostgreSQL server could be started; script/bootstrap --test installs it");
    }
    return 0;
}

static inline int postgres_end(void **state)
{
    (void)state;
    (void)shell("tests/service/postgres.sh stop %s", postgres_folder);
    (void)shell("rm -rf %s", postgres_folder);
    return 0;
}

static inline int store_postgresql(void **state)
{
    static int number;
    Store *s = calloc(1, sizeof *s);
    char host[128] = "";
    store_folder(s);
    for (const char *p = postgres_folder; *p != '\0'; p++)
        (void)snprintf(host + strlen(host), sizeof host - strlen(host), *p == '/' ? "%%2F" : "%c",
                       *p);
    (void)snprintf(s->url, sizeof s->url,
                   "postgresql://tester@%s/test?options=-csearch_path%%3Dtest%d", host, ++number);
    by_hand_at(s->url, str_format(&s->arena, "CREATE SCHEMA test%d", number).data);
    OK(database_open(&s->database, s->url, 0, err));
    *state = s;
    return 0;
}

#define store_postgresql_end store_sqlite_end
#endif

#define ASSERT_STR(expected, actual)                                                               \
    do {                                                                                           \
        Str a_ = (actual);                                                                         \
        assert_string_equal(expected, str_chars(&s->arena, a_));                                   \
    } while (0)

/* A claim over every store. */
#ifdef ASSAY_POSTGRESQL
#define OVER_BOTH(test)                                                                            \
    {"sqlite_" #test, test, store_sqlite, store_sqlite_end, NULL},                                 \
    {                                                                                              \
        "postgresql_" #test, test, store_postgresql, store_postgresql_end, NULL                    \
    }
#else
#define OVER_BOTH(test)                                                                            \
    {                                                                                              \
        "sqlite_" #test, test, store_sqlite, store_sqlite_end, NULL                                \
    }
#define postgres_start NULL
#define postgres_end   NULL
#endif
#define OVER_SQLITE(test)                                                                          \
    {                                                                                              \
        "sqlite_" #test, test, store_sqlite, store_sqlite_end, NULL                                \
    }
#define OVER_POSTGRESQL(test)                                                                      \
    {                                                                                              \
        "postgresql_" #test, test, store_postgresql, store_postgresql_end, NULL                    \
    }

/* Statements by hand, as an operator or an intruder would. */
static inline void by_hand(const Store *s, const char *sql)
{
    if (strncmp(s->url, "sqlite:", 7) == 0) {
        sqlite3 *db;
        assert_int_equal(SQLITE_OK, sqlite3_open(s->url + 7, &db));
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
            fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        assert_int_equal(SQLITE_OK, sqlite3_close(db));
        return;
    }
#ifdef ASSAY_POSTGRESQL
    by_hand_at(s->url, sql);
#endif
}

static inline StoredDecision made_up_decision(Arena *keep, const char *customer, int number)
{
    return (StoredDecision){.id = str_format(keep, "%032x", number),
                            .customer = str_from(customer),
                            .action = S("PROPOSE_OFFBOARDING"),
                            .segment = S("High"),
                            .as_of_us = 1724716800000000 + number,
                            .at_us = 1724716900000000 + number,
                            .json = str_format(keep,
                                               "{\"decision_id\":\"%032x\",\"customer\":"
                                               "\"%s\",\"score\":0.%d}",
                                               number, customer, number)};
}

#endif
