/* sqlite.c - a link to one SQLite file.
 *
 * WAL, so that readers and the writer do not wait for each other; synchronous FULL, so that what
 * was accepted survives the loss of power; secure_delete, so that what is erased is overwritten.
 * Writes take turns (database.c), so SQLite's own lock only matters beside another process.
 */
#include "database/database_internal.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATEMENTS_MAX 128
#define APPLICATION    0x61736179 /* "asay" */
#define BUSY_MS        5000
#define WAL_BYTES_MAX  "67108864"

typedef struct SqliteLink {
    Link link;
    sqlite3 *db;
    char *path;
    const char *sql[STATEMENTS_MAX]; /* texts of the program, told apart by their address */
    sqlite3_stmt *prepared[STATEMENTS_MAX];
    size_t count;
} SqliteLink;

static Status refused(SqliteLink *s, int code, Error *err)
{
    int primary = code & 0xFF;
    bool never = primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT ||
                 primary == SQLITE_MISMATCH || primary == SQLITE_TOOBIG;
    if (primary == SQLITE_ERROR) /* a statement that does not fit the tables */
        never = true;
    (void)error_set(err, never ? STATUS_DATA : STATUS_IO, "the database refused: %s",
                    sqlite3_errstr(code));
    (void)error_place(err, s->path, 0, 0);
    switch (primary) {
    case SQLITE_FULL:
        return error_remedy(err, "make room on its disk; what was accepted so far is safe");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_remedy(err, "another program holds the file; try again when it is done");
    case SQLITE_NOTADB:
        return error_remedy(err, "name a file that assay made, or one that is not there yet");
    case SQLITE_CORRUPT:
        return error_remedy(err, "take the file from its backup");
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return error_remedy(err, "its folder must be there and writable");
    case SQLITE_IOERR:
        return error_remedy(err, "look at its disk: is it full, or failing?");
    default:
        return err == NULL ? STATUS_IO : err->status;
    }
}

/* ---- statements ---- */

static int prepare(SqliteLink *s, const char *sql, sqlite3_stmt **out)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->sql[i] == sql) {
            *out = s->prepared[i];
            return SQLITE_OK;
        }
    int code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (code != SQLITE_OK)
        return code;
    if (s->count == STATEMENTS_MAX) { /* the tables' own, once, when they are made */
        for (size_t i = 0; i < s->count; i++)
            (void)sqlite3_finalize(s->prepared[i]);
        s->count = 0;
    }
    s->sql[s->count] = sql;
    s->prepared[s->count++] = *out;
    return SQLITE_OK;
}

static int bind(sqlite3_stmt *st, const Value *value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[8];
        int code = SQLITE_OK;
        (void)snprintf(name, sizeof name, "$%u", (unsigned)(i + 1) % 100);
        int at = sqlite3_bind_parameter_index(st, name);
        if (at == 0)
            continue;
        if (value[i].kind == VALUE_NUMBER)
            code = sqlite3_bind_int64(st, at, value[i].number);
        else if (value[i].kind == VALUE_TEXT)
            code = sqlite3_bind_text64(st, at, value[i].text.data, value[i].text.size,
                                       SQLITE_STATIC, SQLITE_UTF8);
        else
            code = sqlite3_bind_null(st, at);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

static Value column(sqlite3_stmt *st, int i, Arena *keep)
{
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        return bind_number(sqlite3_column_int64(st, i));
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_column_text(st, i);
        return bind_text(str_copy(keep, (Str){text, (size_t)sqlite3_column_bytes(st, i)}));
    }
    default:
        return (Value){.kind = VALUE_NOTHING};
    }
}

static int step(SqliteLink *s, sqlite3_stmt *st, Rows *out, Arena *keep)
{
    Rows rows = {.columns = (size_t)sqlite3_column_count(st)};
    size_t capacity = 0, cells = 0;
    int code, changes = sqlite3_total_changes(s->db);
    while ((code = sqlite3_step(st)) == SQLITE_ROW) {
        rows.count++;
        if (out == NULL || keep == NULL)
            continue;
        /* Texts of the row come after its cells: the cells may have to move. */
        if (cells + rows.columns > capacity) {
            size_t more = capacity == 0 ? 4 * rows.columns : capacity * 2;
            rows.cell = arena_grow(keep, rows.cell, cells, more, sizeof *rows.cell);
            capacity = more;
        }
        for (size_t i = 0; i < rows.columns; i++)
            rows.cell[cells + i] = column(st, (int)i, keep);
        cells += rows.columns;
    }
    rows.changed = (size_t)(sqlite3_total_changes(s->db) - changes);
    if (out != NULL)
        *out = rows;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static Status run(Link *l, Rows *out, Arena *keep, const Statement *statement, const Value *value,
                  size_t count, Error *err)
{
    SqliteLink *s = (SqliteLink *)l;
    sqlite3_stmt *st;
    int code = prepare(s, statement->sql, &st);
    if (code != SQLITE_OK)
        return refused(s, code, err);
    code = bind(st, value, count);
    if (code == SQLITE_OK)
        code = step(s, st, out, keep);
    if (code != SQLITE_OK)
        code = sqlite3_extended_errcode(s->db);
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return code == SQLITE_OK ? STATUS_OK : refused(s, code, err);
}

/* ---- connect and end ---- */

static void end(Link *l)
{
    SqliteLink *s = (SqliteLink *)l;
    for (size_t i = 0; i < s->count; i++)
        (void)sqlite3_finalize(s->prepared[i]);
    (void)sqlite3_close(s->db);
    arena_free(&l->scratch);
    free(s->path);
    free(s);
}

static int one_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *st;
    int code = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(st);
    *out = code == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    (void)sqlite3_finalize(st);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* Ours, or nobody's yet? */
static Status whose(SqliteLink *s, Error *err)
{
    int64_t application = 0, tables = 0;
    int code = one_number(s->db, "PRAGMA application_id", &application);
    if (code == SQLITE_OK)
        code = one_number(s->db, "SELECT count(*) FROM sqlite_master", &tables);
    if (code != SQLITE_OK)
        return refused(s, code, err);
    if (application == APPLICATION)
        return STATUS_OK;
    if (application != 0 || tables != 0) {
        (void)error_set(err, STATUS_DATA, "this is the database of another program");
        (void)error_place(err, s->path, 0, 0);
        return error_remedy(err, "name a file that assay made, or one that is not there yet");
    }
    char sql[64];
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d", APPLICATION);
    code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : refused(s, code, err);
}

static Status settings(SqliteLink *s, Error *err)
{
    (void)sqlite3_busy_timeout(s->db, BUSY_MS);
    (void)sqlite3_extended_result_codes(s->db, 1);
    TRY(whose(s, err));
    int code = sqlite3_exec(s->db,
                            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                            "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
                            "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                            "PRAGMA journal_size_limit = " WAL_BYTES_MAX,
                            NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : refused(s, code, err);
}

static Status connect_file(Link **out, const char *url, Error *err)
{
    const char *path = url + strlen("sqlite:");
    if (path[0] == '\0' || path[0] == ':') {
        (void)error_set(err, STATUS_USAGE, "sqlite: needs the name of a file");
        return error_remedy(err, "for example sqlite:assay.db");
    }
    SqliteLink *s = calloc(1, sizeof *s);
    char *copy = strdup(path);
    if (s == NULL || copy == NULL) {
        free(s);
        free(copy);
        return error_set(err, STATUS_IO, "out of memory");
    }
    *s = (SqliteLink){.link = {.driver = &driver_sqlite, .scratch = arena_new()}, .path = copy};
    /* Nobody else has to read it; SQLite gives its other files the rights of this one. */
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0)
        (void)close(file);
    int code = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    Status status = code == SQLITE_OK ? settings(s, err) : refused(s, code, err);
    if (status != STATUS_OK)
        end(&s->link);
    else
        *out = &s->link;
    return status;
}

/* The log still has the pages as they were: have it written back and emptied. */
static bool wipe(Link *l)
{
    SqliteLink *s = (SqliteLink *)l;
    return sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
           SQLITE_OK;
}

const Driver driver_sqlite = {.name = "SQLite",
                              .one_writer = true,
                              .begin = {.sql = "BEGIN IMMEDIATE"},
                              .connect = connect_file,
                              .end = end,
                              .run = run,
                              .wipe = wipe};
