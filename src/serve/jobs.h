/* jobs.h - batches in files or object storage, worked off in the background.
 *
 * Worker threads take jobs from the database; many processes may share one. How far a job is is
 * saved in one row: where in the input, where in the output, and what stands for the output's bytes
 * up to there. Whoever goes on starts exactly there, so no row is lost and none is twice in the
 * output. docs/jobs.md tells it to users.
 */
#ifndef SERVE_JOBS_H
#define SERVE_JOBS_H

#include "serve/objects.h"
#include "serve/serve_internal.h"

/* A thread that works on one job at a time. */
typedef struct Worker {
    struct Jobs *jobs;
    pthread_t thread;
    char owner[96];
    /* `ends` is set for whatever ends a job's work early: told to stop, cancelled, lost. */
    atomic_bool ends, cancelled, lost;
    pthread_mutex_t lock; /* of what follows, which the heart reads */
    bool busy;
    Job saved;      /* what the database was told last; its texts are the worker's, but for: */
    char *progress; /* its own copy */
} Worker;

struct Jobs {
    Service *service;
    JobsSettings settings;
    ObjectsSettings storage;
    Objects *objects;
    Worker *worker;
    int workers;
    pthread_t heart; /* renews the leases, and hears of cancelled jobs */
    bool heart_runs;
    atomic_bool stops;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a job was added, or all stops */
};

/* Wake a worker: there is a job. */
void jobs_wake(struct Jobs *j);
const Objects *jobs_objects(const struct Jobs *j);

/* job_work.c: work on a job that was taken, to its end or until w->ends. scratch: arenas of the
 * thread are used besides. */
void job_work(Worker *w, const Job *taken);
/* Tell the database, and hear whether the job is still ours. OK: told; IO: it cannot be reached. */
Status job_tell(Worker *w, const Job *job, Error *err);

/* ---- what a job saves in its row (progress), as JSON ---- */

typedef struct JobPlace {
    Str version;         /* of the input */
    uint64_t lines;      /* of the input, those that are empty too */
    uint64_t read, size; /* bytes of the input as stored: read, and all */
    bool whole;          /* every row is answered and saved */
    Str output;          /* of the writer */
} JobPlace;
/* Memory: keep. */
Str job_place_text(Arena *keep, const JobPlace *p);
bool job_place_read(JobPlace *out, Arena *keep, Str text); /* false: makes no sense */

/* A row with what the job's options say where the row itself does not; a row that is no JSON object
 * stays as it is. Numbers keep their digits.  Memory: keep. */
Str job_row(Arena *keep, Str row, Str options);

#endif
