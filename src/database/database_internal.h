/* database_internal.h - one set of statements, two drivers.
 *
 *   histories  decisions  erase  keys  feedback  jobs        what is held (statements)
 *                       │
 *                  database.c     a pool of links, transactions, writes of many threads in one
 *                       │
 *            sqlite.c ──┴── postgresql.c                     a link: connect, run, end
 *
 * Statements are written once, with $1, $2, ... and in what both databases understand; where they
 * must differ there are two texts. A link is used by one thread at a time.
 */
#ifndef DATABASE_INTERNAL_H
#define DATABASE_INTERNAL_H

#include "database/database.h"

#include <pthread.h>

#define LINK_WAIT_US   (5 * SECOND_US) /* for a link of the pool */
#define CONNECT_US     (3 * SECOND_US)
#define TRANSACTION_US (8 * SECOND_US) /* all of its statements; PostgreSQL */

typedef struct Statement {
    const char *sql;
    const char *postgresql; /* where it differs; NULL: the same */
} Statement;

typedef enum ValueKind { VALUE_NOTHING, VALUE_NUMBER, VALUE_TEXT } ValueKind;
typedef struct Value {
    ValueKind kind;
    int64_t number;
    Str text;
} Value;
Value bind_text(Str s);
Value bind_number(int64_t n);
#define VALUES_MAX 16

typedef struct Rows {
    Value *cell; /* row by row */
    size_t count, columns;
    size_t changed; /* rows that a statement wrote */
} Rows;
Str row_text(const Rows *r, size_t row, size_t column);
int64_t row_number(const Rows *r, size_t row, size_t column);

/* The end of the chain, read once in a transaction and written once at its end. */
typedef struct ChainEnd {
    bool loaded, moved;
    int64_t sequence;
    char hash[SHA256_TEXT];
} ChainEnd;

typedef struct Link {
    const struct Driver *driver;
    Arena scratch; /* of works, passed on by value; never of what a driver does */
    bool broken;   /* to be ended, not used again */
    bool again;    /* what failed would have succeeded on another link, or at another time */
    bool ending;   /* COMMIT was sent: nobody knows whether it came through */
    int64_t until_us;
    ChainEnd end;
} Link;

typedef struct Driver {
    const char *name;
    bool one_writer; /* all writes take turns */
    Statement begin;
    MUST_USE Status (*connect)(Link **out, const char *url, Error *err);
    void (*end)(Link *l);
    /* out may be NULL; rows are kept in keep, which may then be NULL too. */
    MUST_USE Status (*run)(Link *l, Rows *out, Arena *keep, const Statement *s, const Value *value,
                           size_t count, Error *err);
    /* Make away with what deleting leaves lying about; false: not possible just now. */
    bool (*wipe)(Link *l);
} Driver;
extern const Driver driver_sqlite;
#ifdef ASSAY_POSTGRESQL
extern const Driver driver_postgresql;
#endif

/* A transaction's work. It may be called again when a first attempt came to nothing, and by
 * another thread than the one that waits for it. */
typedef Status Work(Link *l, void *context, Error *err);

struct Database {
    const Driver *driver;
    char *url;
    int64_t transaction_us;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t given; /* a link came back */
    Link **idle;
    size_t idles, open, most;
    Error refused; /* why no link could be made, the last time */
    int64_t refused_until_us;
    pthread_cond_t led; /* a group of writes is done */
    bool leading;
    struct Pending *first, *last;
    int64_t swept_us; /* when old keys and messages were last removed */
    bool wipe_due;
};

MUST_USE Status link_run(Link *l, Rows *out, Arena *keep, const Statement *s, const Value *value,
                         size_t count, Error *err);
/* One statement outside of transactions. */
MUST_USE Status database_ask(Database *d, Rows *out, Arena *keep, const Statement *s,
                             const Value *value, size_t count, Error *err);
/* The one number that a statement with one value gives. */
MUST_USE Status database_count(Database *d, uint64_t *count, const Statement *s, Value value,
                               Error *err);
/* One transaction. */
MUST_USE Status database_write(Database *d, Work *work, void *context, Error *err);
/* The same, in one with those of other threads that wait for their turn: for what must take turns
 * anyway, because it goes to the end of the chain. */
MUST_USE Status database_write_in_turn(Database *d, Work *work, void *context, Error *err);
/* Overwrite what deleting left, now or as soon as it can be done. */
void database_wipe(Database *d);
/* Is every text something that both databases can hold? */
MUST_USE Status database_texts(const Str *text, size_t count, Error *err);

/* Bring the tables up to date, or refuse them. */
MUST_USE Status database_migrate(Database *d, Error *err);

/* ---- chain ---- */

typedef struct Entry {
    int64_t sequence;
    Str kind; /* decision or erasure */
    Str id;   /* of the decision; erasure/SEQUENCE */
    Str customer_sha256, text_sha256;
    int64_t at_us;
} Entry;
void entry_hash(char out[SHA256_TEXT], Arena scratch, const Entry *e, Str previous);
/* Put an entry at the end; its sequence is filled in. *added false: its id is there already. */
MUST_USE Status entries_add(Link *l, bool *added, Entry *e, Error *err);
MUST_USE Status entries_begin(Link *l, Error *err);  /* lock and read the end */
MUST_USE Status entries_finish(Link *l, Error *err); /* write it back, if it moved */
/* customer_sha256 of an entry. */
void customer_hash(char out[SHA256_TEXT], Arena scratch, Str salt, Str customer);
#define CHAIN_FIRST "0000000000000000000000000000000000000000000000000000000000000000"

int64_t wall_us(void); /* for what is kept a while and then removed */

#endif
