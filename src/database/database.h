/* database.h - what a service remembers: histories, decisions in one chain, idempotency keys, jobs,
 * messages seen, feedback. One SQLite file, or PostgreSQL for many replicas.
 *
 * Shared by threads (a pool of connections inside). Every call is one transaction and either
 * happens whole or not at all. IO: the database cannot be reached or refused; the caller answers
 * 503 and the next call tries again. DATA: it can never work (another program's database, a newer
 * form).
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

MUST_USE Status database_put_customer(Database *d, Str customer, Str json, Error *err);

/* A version of a transaction. Idempotent: the same customer, id and state again changes nothing. */
typedef struct StoredEvent {
    Str customer, id, state, json;
} StoredEvent;
MUST_USE Status database_add_transactions(Database *d, size_t *added, const StoredEvent *event,
                                          size_t count, Error *err);
/* {"customer": {...}, "transactions": [...]} in the order of id, then state; empty: nothing is
 * held.  Memory: keep. */
MUST_USE Status database_history(Database *d, Str *out, Arena *keep, Str customer, Error *err);

/* Erase a person: histories, feedback and the texts of decisions; what stays is that there were
 * decisions, with their hashes, so that the chain still holds. */
MUST_USE Status database_erase(Database *d, bool *was_there, Str customer, Error *err);

/* ---- decisions ---- */

typedef struct StoredDecision {
    Str id, customer, action, segment;
    int64_t as_of_us;
    Str json;  /* the answer */
    Str event; /* what is to be published of it; empty: nothing. Kept in the outbox by the same
                  transaction, so that a decision that was answered is published at least once */
} StoredDecision;
/* The same id again changes nothing: neither the decision nor the outbox. */
MUST_USE Status database_add_decision(Database *d, const StoredDecision *decision, Error *err);
/* Empty: none of this id; *erased: there was one, of a person erased since.  Memory: keep. */
MUST_USE Status database_decision(Database *d, Str *json, bool *erased, Arena *keep, Str id,
                                  Error *err);
/* Is the chain whole? FORMAT names the first decision that is not as it was. */
MUST_USE Status database_verify(Database *d, size_t *decisions, size_t *erased, Error *err);

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
MUST_USE Status database_settle(Database *d, Str caller, Str key, int status, Str content_type,
                                Str reply, Error *err);
MUST_USE Status database_release(Database *d, Str caller, Str key,
                                 Error *err); /* nothing to keep */

/* ---- messages seen (Pub/Sub delivers at least once): to be called when all is done that the
 * message asked for, so that one cut short is done again ---- */

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
MUST_USE Status database_add_feedback(Database *d, const Feedback *f, Error *err);

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
/* database_erase also forgets what of that customer waits here. */

/* ---- messages that can never be understood ---- */

/* Keep one for a person to look at; of more than `most` the oldest go. The same id again changes
 * nothing. */
MUST_USE Status database_add_dead_letter(Database *d, Str message_id, Str reason, Str message,
                                         int64_t now_us, size_t most, Error *err);

#endif
