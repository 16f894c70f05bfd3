/* database.h - what a service remembers: histories, decisions in one chain, idempotency keys, jobs,
 * messages seen, feedback. One SQLite file, or PostgreSQL for many replicas.
 *
 * Shared by threads (a pool of connections inside). Every call is one transaction and either
 * happens whole or not at all; what it has accepted survives kill -9 and the loss of power. No call
 * takes longer than about 20 seconds, whatever the server does. IO: the database cannot be reached
 * or refused (full, locked, no permission); the caller answers 503 and the next call tries again.
 * DATA: it can never work (another program's database, a newer form). USAGE: a text is no UTF-8,
 * holds a NUL, or is more than the database can hold. docs/database.md has the tables, the chain
 * and what calls cost.
 */
#ifndef DATABASE_DATABASE_H
#define DATABASE_DATABASE_H

#include "base/base.h"

typedef struct Database Database;

/* "sqlite:FILE", or a PostgreSQL URL (postgresql://...). Tables are made, or brought up to date.
 * connections: at most so many at once (PostgreSQL); 0: a default. */
MUST_USE Status database_open(Database **out, const char *url, size_t connections, Error *err);
void database_close(Database *d); /* NULL is fine */
MUST_USE Status database_ping(Database *d, Error *err);

/* ---- histories ---- */

MUST_USE Status database_put_customer(Database *d, bool *was_new, Str customer, Str json,
                                      Error *err);

/* Versions of transactions held of one customer, at most: what can be read and scored in one go. */
enum { HISTORY_MAX = 100000 };

/* A version of a transaction. Idempotent: the same customer, id and state again changes nothing.
 * LIMIT: more would be held of a customer than HISTORY_MAX, and nothing was added. */
typedef struct StoredEvent {
    Str customer, id, state, json;
} StoredEvent;
/* each: whether it was added; NULL: nobody asks. */
MUST_USE Status database_add_transactions(Database *d, size_t *added, bool *each,
                                          const StoredEvent *event, size_t count, Error *err);
/* {"customer": {...}, "transactions": [...]} in the order of id, then state (without "customer"
 * where only transactions are held); empty: nothing is held. LIMIT: more than HISTORY_MAX are.
 * Memory: keep. */
MUST_USE Status database_history(Database *d, Str *out, Arena *keep, Str customer, Error *err);

typedef struct Erased {
    bool was_there;
    size_t decisions, transactions, feedback; /* that were removed */
} Erased;
/* Erase a person: histories, feedback, the texts of decisions and what waits to be published of
 * them, replies kept for idempotency and dead letters that name him.
 * What stays is that there were decisions, with hashes that nobody can tie to the person any more,
 * so that the chain still holds; the erasure is an entry of it. */
MUST_USE Status database_erase(Database *d, Erased *out, Str customer, int64_t now_us, Error *err);

/* ---- decisions ---- */

typedef struct StoredDecision {
    Str id, customer, action, segment;
    int64_t as_of_us, at_us; /* at_us: when it was made, by the clock; 0: now */
    Str json;                /* the answer */
    bool from_held; /* made of what is held of the customer: where nothing is any more he was erased
                       meanwhile, and the decision is not kept */
    Str event;      /* what is to be published of it; empty: nothing. Kept in the outbox by the same
                       transaction, so that a decision that was answered is published at least once */
} StoredDecision;
/* The same id again changes nothing: neither the decision nor the outbox. Calls of several threads
 * at once share a transaction. */
MUST_USE Status database_add_decision(Database *d, const StoredDecision *decision, Error *err);
/* The same of many, for batches: all or none. */
MUST_USE Status database_add_decisions(Database *d, const StoredDecision *decision, size_t count,
                                       Error *err);

typedef enum Found {
    FOUND_NONE,
    FOUND_ERASED, /* there was one, of a person erased since; out is empty */
    FOUND_HELD
} Found;
MUST_USE Status database_decision(Database *d, StoredDecision *out, Found *found, Arena *keep,
                                  Str id, Error *err); /* Memory: keep. */

typedef struct ChainState {
    size_t entries, decisions, erased, erasures; /* erased: decisions without their text */
    char head[65]; /* the last hash; kept elsewhere, it shows later that nothing was cut off */
} ChainState;
/* Is the chain whole? FORMAT names the first entry that is not as it was. head: one that was noted
 * earlier, and must be somewhere in the chain; empty: none. Reads page by page, so that a service
 * goes on meanwhile.  Cost: O(bytes of decisions). */
MUST_USE Status database_verify(Database *d, ChainState *out, Str head, Error *err);

/* ---- idempotency: a key, the request it came with, the reply it got ---- */

typedef enum Claim {
    CLAIM_NEW,      /* go on, and settle */
    CLAIM_DONE,     /* the reply is here already */
    CLAIM_BUSY,     /* another request with this key is under way: 409 */
    CLAIM_DIFFERENT /* the key came with another request: 422 */
} Claim;
typedef struct Claimed {
    Claim claim;
    int status; /* of the reply */
    Str content_type, reply;
} Claimed;
/* caller: keys of different callers are different. A claim that is never settled is free again
 * after a minute; a key is forgotten after a day. */
MUST_USE Status database_claim(Database *d, Claimed *out, Arena *keep, Str caller, Str key,
                               Str request_sha256, int64_t now_us, Error *err);
/* claimed_us: the now_us that it was claimed at. A claim that somebody else took over since, or
 * that an erasure dropped, is left as it is. */
MUST_USE Status database_settle(Database *d, Str caller, Str key, int64_t claimed_us, int status,
                                Str content_type, Str reply, Error *err);
MUST_USE Status database_release(Database *d, Str caller, Str key, int64_t claimed_us,
                                 Error *err); /* nothing to keep */

/* ---- messages seen (Pub/Sub delivers at least once) ---- */

/* Has a message been dealt with? Ask before, and say so (database_see) when all is done that it
 * asked for, so that one cut short is done again. Forgotten after 31 days. */
MUST_USE Status database_seen(Database *d, bool *seen_before, Str message_id, Error *err);
MUST_USE Status database_see(Database *d, bool *seen_before, Str message_id, int64_t now_us,
                             Error *err);

/* ---- feedback ---- */

typedef struct Feedback {
    Str decision_id, customer;       /* at least one */
    Str verdict;                     /* agree, overrule, or a label: positive, negative */
    Str action;                      /* what the analyst decided; may be empty */
    Str reason, reviewer;            /* reviewer: a name or a hash of one */
    int64_t at_us, reviewed_seconds; /* how long it took; negative: unknown */
} Feedback;
/* Where only the decision is named its customer is filled in, so that erasing the person finds it;
 * once a person is erased feedback on his decisions is none of ours: *found says what there was. */
MUST_USE Status database_add_feedback(Database *d, Found *found, const Feedback *f, Error *err);

/* ---- jobs ---- */

typedef enum JobState { JOB_WAITING, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED } JobState;
Str job_state_name(JobState s);
typedef struct Job {
    Str id, caller;
    Str input, output; /* URLs or paths */
    Str options;       /* JSON, as requested */
    JobState state;
    uint64_t rows, bad_rows;
    uint64_t offset, output_offset; /* bytes of input answered, of output written: to go on from */
    Str progress; /* the worker's own, opaque here, up to a few hundred kilobytes; may be empty */
    Str problem;  /* why it failed; may be empty */
    int64_t created_us, started_us, ended_us;
    bool cancel; /* asked for */
} Job;
MUST_USE Status database_add_job(Database *d, const Job *job, Error *err);
/* How many are in this state: whoever adds one first sees that there are not too many. */
MUST_USE Status database_count_jobs(Database *d, uint64_t *count, JobState state, Error *err);
/* Of one caller, newest first (by created_us, then id), from the one after `after` (an id; empty:
 * from the newest), without their progress.  Memory: keep. */
MUST_USE Status database_jobs(Database *d, Job **out, size_t *count, Arena *keep, Str caller,
                              Str after, size_t limit, Error *err);
MUST_USE Status database_job(Database *d, Job *out, bool *found, Arena *keep, Str id, Error *err);
/* Take the oldest waiting job, or a running one whose owner has not been heard of since lease_us;
 * *found false: there is none. */
MUST_USE Status database_take_job(Database *d, Job *out, bool *found, Arena *keep, Str owner,
                                  int64_t now_us, int64_t lease_us, Error *err);
/* Write how far it is, with its state (JOB_WAITING gives it back for anyone to take at once), and
 * renew the lease; *cancel: somebody asked for it to end. DATA: it is not this owner's any more,
 * and nothing was written. */
MUST_USE Status database_save_job(Database *d, const Job *job, Str owner, int64_t now_us,
                                  bool *cancel, Error *err);
/* A waiting job is cancelled at once; of a running one its worker hears at the next save. */
MUST_USE Status database_cancel_job(Database *d, bool *found, Str id, Error *err);

/* ---- outbox: decisions to be published (database_add_decision fills it) ---- */

typedef struct Outgoing {
    Str id;    /* the decision's */
    Str event; /* as it was kept */
    uint64_t attempts;
} Outgoing;
/* Those that are due, oldest first, and nobody has taken since lease_us; they are the owner's until
 * then.  Memory: keep. */
MUST_USE Status database_take_outgoing(Database *d, Outgoing **out, size_t *count, Arena *keep,
                                       Str owner, int64_t now_us, int64_t lease_us, size_t limit,
                                       Error *err);
/* Sent: forgotten. Otherwise it is due again at again_us, with one more attempt. */
MUST_USE Status database_settle_outgoing(Database *d, Str id, bool sent, int64_t again_us,
                                         Error *err);
MUST_USE Status database_count_outgoing(Database *d, uint64_t *count, Error *err);

/* ---- messages that can never be understood ---- */

/* Keep one for a person to look at; of more than `most` the oldest go. The same id again changes
 * nothing. Bytes of the message that are no text become question marks. */
MUST_USE Status database_add_dead_letter(Database *d, Str message_id, Str reason, Str message,
                                         int64_t now_us, size_t most, Error *err);

#endif
