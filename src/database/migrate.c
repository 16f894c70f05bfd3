/* migrate.c - the tables, and how they came to be as they are.
 *
 * A migration is never changed once it was released; what must differ becomes the next one.
 * Types are those that both databases know: TEXT and BIGINT. What is not said is '' or 0.
 */
#include "database/database_internal.h"

static const char *const first[] = {
    "CREATE TABLE assay_customers (customer TEXT PRIMARY KEY, json TEXT NOT NULL)",
    "CREATE TABLE assay_transactions (customer TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT "
    "NULL,"
    " json TEXT NOT NULL, PRIMARY KEY (customer, id, state))",
    /* Whoever adds to the chain holds the one row of its end. */
    "CREATE TABLE assay_chain_end (sequence BIGINT NOT NULL, chain TEXT NOT NULL)",
    "INSERT INTO assay_chain_end VALUES (0, '" CHAIN_FIRST "')",
    "CREATE TABLE assay_chain (sequence BIGINT PRIMARY KEY, kind TEXT NOT NULL,"
    " id TEXT NOT NULL UNIQUE, customer_sha256 TEXT NOT NULL, text_sha256 TEXT NOT NULL,"
    " at_us BIGINT NOT NULL, chain TEXT NOT NULL, erased_by BIGINT NOT NULL)",
    "CREATE INDEX assay_chain_erased ON assay_chain (erased_by) WHERE erased_by > 0",
    "CREATE TABLE assay_decisions (id TEXT PRIMARY KEY, sequence BIGINT NOT NULL,"
    " customer TEXT NOT NULL, salt TEXT NOT NULL, action TEXT NOT NULL, segment TEXT NOT NULL,"
    " as_of_us BIGINT NOT NULL, json TEXT NOT NULL)",
    "CREATE INDEX assay_decisions_customer ON assay_decisions (customer)",
    "CREATE TABLE assay_keys (caller TEXT NOT NULL, name TEXT NOT NULL,"
    " request_sha256 TEXT NOT NULL, claimed_us BIGINT NOT NULL, status BIGINT NOT NULL,"
    " content_type TEXT NOT NULL, reply TEXT NOT NULL, PRIMARY KEY (caller, name))",
    "CREATE INDEX assay_keys_claimed ON assay_keys (claimed_us)",
    "CREATE TABLE assay_messages (id TEXT PRIMARY KEY, seen_us BIGINT NOT NULL)",
    "CREATE INDEX assay_messages_seen ON assay_messages (seen_us)",
    "CREATE TABLE assay_feedback (id TEXT PRIMARY KEY, decision_id TEXT NOT NULL,"
    " customer TEXT NOT NULL, verdict TEXT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL,"
    " reviewer TEXT NOT NULL, at_us BIGINT NOT NULL, reviewed_seconds BIGINT NOT NULL)",
    "CREATE INDEX assay_feedback_customer ON assay_feedback (customer)",
    "CREATE TABLE assay_jobs (id TEXT PRIMARY KEY, caller TEXT NOT NULL, input TEXT NOT NULL,"
    " output TEXT NOT NULL, options TEXT NOT NULL, state TEXT NOT NULL, row_count BIGINT NOT NULL,"
    " bad_rows BIGINT NOT NULL, input_offset BIGINT NOT NULL, output_offset BIGINT NOT NULL,"
    " progress TEXT NOT NULL, problem TEXT NOT NULL, created_us BIGINT NOT NULL, started_us BIGINT "
    "NOT NULL,"
    " ended_us BIGINT NOT NULL, cancel BIGINT NOT NULL, owner TEXT NOT NULL,"
    " heard_us BIGINT NOT NULL)",
    "CREATE INDEX assay_jobs_open ON assay_jobs (created_us) WHERE state IN ('waiting', 'running')",
    "CREATE INDEX assay_jobs_caller ON assay_jobs (caller, created_us)",
    "CREATE TABLE assay_outbox (id TEXT PRIMARY KEY, sequence BIGINT NOT NULL,"
    " customer TEXT NOT NULL, event TEXT NOT NULL, attempts BIGINT NOT NULL, due_us BIGINT NOT "
    "NULL,"
    " owner TEXT NOT NULL, taken_us BIGINT NOT NULL)",
    "CREATE INDEX assay_outbox_sequence ON assay_outbox (sequence)",
    "CREATE TABLE assay_dead_letters (id TEXT PRIMARY KEY, reason TEXT NOT NULL,"
    " message TEXT NOT NULL, at_us BIGINT NOT NULL)",
    NULL};

static const char *const *const migrations[] = {first};

/* One migrates, the others wait and find it done. */
static const Statement take_turns = {
    .sql = "SELECT 1", .postgresql = "SELECT 1 FROM pg_advisory_xact_lock(4702394921)"};
static const Statement is_there = {
    .sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'assay_form'",
    .postgresql = "SELECT CASE WHEN to_regclass('assay_form') IS NULL THEN 0 ELSE 1 END"};
static const Statement make = {.sql = "CREATE TABLE assay_form (version BIGINT NOT NULL)"};
static const Statement begin_form = {.sql = "INSERT INTO assay_form VALUES (0)"};
static const Statement get = {.sql = "SELECT version FROM assay_form"};
static const Statement set = {.sql = "UPDATE assay_form SET version = $1"};

static Status version_of(Link *l, int64_t *version, Error *err)
{
    Rows rows;
    Arena scratch = l->scratch;
    *version = -1;
    TRY(link_run(l, &rows, &scratch, &is_there, NULL, 0, err));
    if (row_number(&rows, 0, 0) == 0)
        return STATUS_OK;
    TRY(link_run(l, &rows, &scratch, &get, NULL, 0, err));
    if (rows.count != 1) {
        (void)error_set(err, STATUS_DATA, "the store does not say which form it has");
        return error_remedy(err, "assay_form must have one row; take the store from its backup");
    }
    *version = row_number(&rows, 0, 0);
    if (*version > (int64_t)COUNT_OF(migrations)) {
        (void)error_set(err, STATUS_DATA,
                        "the store was made by a newer program: its form is %lld, "
                        "this program knows %zu",
                        (long long)*version, COUNT_OF(migrations));
        return error_remedy(err, "use the newer program, or another store");
    }
    return STATUS_OK;
}

static Status bring_up(Link *l, void *context, Error *err)
{
    int64_t version;
    (void)context;
    TRY(link_run(l, NULL, NULL, &take_turns, NULL, 0, err));
    TRY(version_of(l, &version, err));
    if (version < 0) {
        TRY(link_run(l, NULL, NULL, &make, NULL, 0, err));
        TRY(link_run(l, NULL, NULL, &begin_form, NULL, 0, err));
        version = 0;
    }
    for (; version < (int64_t)COUNT_OF(migrations); version++) {
        for (const char *const *sql = migrations[version]; *sql != NULL; sql++) {
            Statement once = {.sql = *sql};
            TRY(link_run(l, NULL, NULL, &once, NULL, 0, err));
        }
        Value to = bind_number(version + 1);
        TRY(link_run(l, NULL, NULL, &set, &to, 1, err));
    }
    return STATUS_OK;
}

typedef struct Looked {
    int64_t version;
} Looked;

static Status look(Link *l, void *context, Error *err)
{
    return version_of(l, &((Looked *)context)->version, err);
}

/* A service that may not make tables can use those that are there. */
Status database_migrate(Database *d, Error *err)
{
    Looked looked;
    TRY(database_write(d, look, &looked, err));
    if (looked.version == (int64_t)COUNT_OF(migrations))
        return STATUS_OK;
    return database_write(d, bring_up, NULL, err);
}
