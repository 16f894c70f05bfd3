/* telemetry.h - the service seen from outside: metrics, log lines, the prediction log.
 *
 * Metrics are Prometheus text (exposition format 0.0.4) with bounded labels. Log lines are JSON
 * with the fields that Cloud Logging reads. The prediction log is NDJSON, a line a decision:
 * features, score, versions. No personal data in metrics and log lines: identifiers are keyed
 * hashes; the prediction log carries the customer id hashed likewise unless the settings say
 * otherwise. Everything here may be called by any number of threads.
 */
#ifndef TELEMETRY_TELEMETRY_H
#define TELEMETRY_TELEMETRY_H

#include "answer/answer.h"

typedef enum LogLevel { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR } LogLevel;

typedef struct TelemetrySettings {
    LogLevel level;                 /* least that is written */
    double sample;                  /* share of successful requests that get a line; default 1 */
    const char *project;            /* Google Cloud's, for trace names; NULL: none */
    const char *predictions;        /* file, "-" for stdout; NULL: no prediction log */
    uint64_t predictions_bytes_max; /* then the file is rotated; 0: 256 MiB */
    int predictions_keep;           /* rotated files that stay; default 5 */
    bool plain_ids;                 /* customer ids as they are in the prediction log */
    const char *hash_key;           /* file with the key of the hashes; NULL: random */
} TelemetrySettings;

typedef struct Telemetry Telemetry;
MUST_USE Status telemetry_open(Telemetry **out, const TelemetrySettings *settings, Error *err);
void telemetry_close(Telemetry *t); /* flushes; NULL is fine */

/* ---- requests ---- */

typedef struct RequestSeen {
    const char *route; /* of the table of routes: "/v1/score"; bounded */
    const char *base;  /* what stood before it: "/ai"; NULL: nothing */
    const char *method;
    int status;
    int64_t took_ns;
    uint64_t bytes_in, bytes_out;
    const char *code;                            /* of the problem; NULL */
    const char *request_id, *trace_id, *span_id; /* trace_id may be NULL */
    const char *caller_hash;                     /* may be NULL */
    Str decision_id;                             /* may be empty */
    const AnswerTimes *took;                     /* may be NULL */
} RequestSeen;
void telemetry_request(Telemetry *t, const RequestSeen *r); /* counts, and writes the line */
void telemetry_in_flight(Telemetry *t, int change);
void telemetry_connections(Telemetry *t, int change);
void telemetry_shed(Telemetry *t,
                    const char *why); /* memory, in_flight, rate, failures, slow, jobs */

/* ---- decisions ---- */

typedef enum AnswerRole { ROLE_CHAMPION, ROLE_CHALLENGER } AnswerRole;
/* Counts by segment, action, reason; score and features for drift; the prediction log. */
void telemetry_answer(Telemetry *t, AnswerRole role, const Bundle *bundle, const Answer *answer);
/* The same customer by both. */
void telemetry_disagree(Telemetry *t, const Answer *champion, const Answer *challenger);
void telemetry_not_compared(Telemetry *t); /* the challenger's queue was full */
void telemetry_batch(Telemetry *t, uint64_t rows, uint64_t bad_rows);
void telemetry_feedback(Telemetry *t, Str verdict, Str action_was, Str action_became);
void telemetry_job(Telemetry *t, const char *state);
/* Decisions published as CloudEvents: sent, failed (and to be tried again), dropped. */
void telemetry_events(Telemetry *t, const char *outcome, uint64_t count);
void telemetry_events_waiting(Telemetry *t, uint64_t waiting);
void telemetry_jobs_waiting(Telemetry *t, uint64_t waiting);
/* Whether the store can be reached; before the first word of it there is none. */
void telemetry_store(Telemetry *t, bool up);
/* What Pub/Sub pushed: done, seen_before, refused, dead_letter. */
void telemetry_pushed(Telemetry *t, const char *outcome);
void telemetry_reload(Telemetry *t, bool done);
/* Which bundles answer now; NULL: none. The windows for drift start anew when it is another. */
void telemetry_bundles(Telemetry *t, const Bundle *champion, const Bundle *challenger);

/* ---- out ---- */

/* All metrics.  Memory: keep. */
Str telemetry_text(Telemetry *t, Arena *keep);
/* One label of the exposition format, its value escaped; a comma before it unless it is the first.
 */
void telemetry_label(Buffer *b, const char *name, Str value, bool first);

/* A line of the log: severity, message and any number of fields. */
typedef struct LogField {
    const char *name;
    Str text;      /* when data is not NULL */
    double number; /* else */
} LogField;
void telemetry_log(Telemetry *t, LogLevel level, const char *message, const LogField *field,
                   size_t fields);
/* Sixteen digits that stand for an identifier: HMAC-SHA256 with the key of the settings. */
enum { TELEMETRY_HASH = 17 };
void telemetry_hash(char out[TELEMETRY_HASH], const Telemetry *t, Str identifier);

/* The same without a service, for who reads its logs later. file NULL: a key of random bytes. */
typedef struct TelemetryKey TelemetryKey;
MUST_USE Status telemetry_key_open(TelemetryKey **out, const char *file, Error *err);
void telemetry_key_close(TelemetryKey *k); /* NULL is fine */
void telemetry_key_hash(char out[TELEMETRY_HASH], const TelemetryKey *k, Str identifier);

/* The schema of the prediction log as BigQuery reads it (`bq load --source_format
 * NEWLINE_DELIMITED_JSON`): a JSON list of fields, `features` a record with one for each feature of
 * the book.  Memory: keep. */
Str telemetry_prediction_schema(Arena *keep, const Plan *plan);

#endif
