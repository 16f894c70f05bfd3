/* jobs.c - long work that survives whoever does it: a job has an owner for as long as it is heard
 * of, and then belongs to whoever takes it next. */
#include "database/database_internal.h"

#define JOB_COLUMNS                                                                                \
    "id, caller, input, output, options, state, row_count, bad_rows, input_offset,"                \
    " output_offset, problem, created_us, started_us, ended_us, cancel, progress"

static const char *const states[] = {"waiting", "running", "done", "failed", "cancelled"};

Str job_state_name(JobState s)
{
    return str_from(states[s]);
}

static JobState state_of(Str name)
{
    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (str_equal(name, str_from(states[i])))
            return (JobState)i;
    return JOB_FAILED;
}

static Job job_of(const Rows *r, size_t i)
{
    return (Job){.id = row_text(r, i, 0),
                 .caller = row_text(r, i, 1),
                 .input = row_text(r, i, 2),
                 .output = row_text(r, i, 3),
                 .options = row_text(r, i, 4),
                 .state = state_of(row_text(r, i, 5)),
                 .rows = (uint64_t)row_number(r, i, 6),
                 .bad_rows = (uint64_t)row_number(r, i, 7),
                 .offset = (uint64_t)row_number(r, i, 8),
                 .output_offset = (uint64_t)row_number(r, i, 9),
                 .problem = row_text(r, i, 10),
                 .created_us = row_number(r, i, 11),
                 .started_us = row_number(r, i, 12),
                 .ended_us = row_number(r, i, 13),
                 .cancel = row_number(r, i, 14) != 0,
                 .progress = row_text(r, i, 15)};
}

/* ---- adding and looking ---- */

static Status add(Link *l, void *context, Error *err)
{
    static const Statement insert = {
        .sql =
            "INSERT INTO assay_jobs (" JOB_COLUMNS ", owner, heard_us)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, '', 0)"
            " ON CONFLICT (id) DO NOTHING"};
    const Job *j = context;
    Value v[] = {bind_text(j->id),
                 bind_text(j->caller),
                 bind_text(j->input),
                 bind_text(j->output),
                 bind_text(j->options),
                 bind_text(job_state_name(j->state)),
                 bind_number((int64_t)j->rows),
                 bind_number((int64_t)j->bad_rows),
                 bind_number((int64_t)j->offset),
                 bind_number((int64_t)j->output_offset),
                 bind_text(j->problem),
                 bind_number(j->created_us),
                 bind_number(j->started_us),
                 bind_number(j->ended_us),
                 bind_number(j->cancel),
                 bind_text(j->progress)};
    return link_run(l, NULL, NULL, &insert, v, COUNT_OF(v), err);
}

Status database_add_job(Database *d, const Job *job, Error *err)
{
    Job copy = *job;
    const Str text[] = {job->id,      job->caller,   job->input,  job->output,
                        job->options, job->progress, job->problem};
    TRY(database_texts(text, COUNT_OF(text), err));
    return database_write(d, add, &copy, err);
}

Status database_job(Database *d, Job *out, bool *found, Arena *keep, Str id, Error *err)
{
    static const Statement ask = {.sql = "SELECT " JOB_COLUMNS " FROM assay_jobs WHERE id = $1"};
    Value v = bind_text(id);
    Rows rows;
    *out = (Job){0};
    *found = false;
    if (database_texts(&id, 1, NULL) != STATUS_OK)
        return STATUS_OK;
    TRY(database_ask(d, &rows, keep, &ask, &v, 1, err));
    *found = rows.count > 0;
    if (*found)
        *out = job_of(&rows, 0);
    return STATUS_OK;
}

Status database_count_jobs(Database *d, uint64_t *count, JobState state, Error *err)
{
    static const Statement ask = {.sql = "SELECT count(*) FROM assay_jobs WHERE state = $1"};
    return database_count(d, count, &ask, bind_text(job_state_name(state)), err);
}

Status database_jobs(Database *d, Job **out, size_t *count, Arena *keep, Str caller, Str after,
                     size_t limit, Error *err)
{
#define JOBS_OF(condition)                                                                         \
    "SELECT id, caller, input, output, options, state, row_count, bad_rows, input_offset,"         \
    " output_offset, problem, created_us, started_us, ended_us, cancel, '' FROM assay_jobs j"      \
    " WHERE caller = $1" condition " ORDER BY created_us DESC, id DESC LIMIT $2"
    static const Statement newest = {.sql = JOBS_OF("")};
    static const Statement older = {
        .sql = JOBS_OF(" AND EXISTS (SELECT 1 FROM assay_jobs a WHERE a.id = $3"
                       " AND a.caller = $1 AND (j.created_us < a.created_us"
                       " OR (j.created_us = a.created_us AND j.id < a.id)))")};
    Value v[] = {bind_text(caller), bind_number((int64_t)limit), bind_text(after)};
    Rows rows;
    *count = 0;
    TRY(database_texts((const Str[]){caller, after}, 2, err));
    bool first = after.size == 0;
    TRY(database_ask(d, &rows, keep, first ? &newest : &older, v, first ? 2 : 3, err));
    *out = ARENA_ARRAY(keep, Job, rows.count + 1);
    for (size_t i = 0; i < rows.count; i++)
        (*out)[i] = job_of(&rows, i);
    *count = rows.count;
    return STATUS_OK;
}

/* ---- working ---- */

typedef struct Taking {
    Job job;
    bool found;
    Arena *keep;
    Str owner;
    int64_t now_us, lease_us;
} Taking;

static Status take(Link *l, void *context, Error *err)
{
#define TAKE(lock)                                                                                 \
    "UPDATE assay_jobs SET state = 'running', owner = $1, heard_us = $2,"                          \
    " started_us = CASE WHEN started_us = 0 THEN $2 ELSE started_us END"                           \
    " WHERE id = (SELECT id FROM assay_jobs WHERE state = 'waiting'"                               \
    " OR (state = 'running' AND heard_us < $3) ORDER BY created_us, id LIMIT 1" lock ")"           \
    " RETURNING " JOB_COLUMNS
    static const Statement next = {.sql = TAKE(""), .postgresql = TAKE(" FOR UPDATE SKIP LOCKED")};
    Taking *t = context;
    Value v[] = {bind_text(t->owner), bind_number(t->now_us), bind_number(t->now_us - t->lease_us)};
    Rows rows;
    TRY(link_run(l, &rows, t->keep, &next, v, COUNT_OF(v), err));
    t->found = rows.count > 0;
    if (t->found)
        t->job = job_of(&rows, 0);
    return STATUS_OK;
}

Status database_take_job(Database *d, Job *out, bool *found, Arena *keep, Str owner, int64_t now_us,
                         int64_t lease_us, Error *err)
{
    Taking t = {.keep = keep, .owner = owner, .now_us = now_us, .lease_us = lease_us};
    TRY(database_texts(&owner, 1, err));
    TRY(database_write(d, take, &t, err));
    *found = t.found;
    *out = t.job;
    return STATUS_OK;
}

typedef struct Saving {
    const Job *job;
    Str owner;
    int64_t now_us;
    bool cancel;
} Saving;

static Status save(Link *l, void *context, Error *err)
{
    static const Statement change = {
        .sql = "UPDATE assay_jobs SET state = $3, row_count = $4, bad_rows = $5,"
               " input_offset = $6, output_offset = $7, problem = $8, ended_us = $9,"
               " heard_us = $10, progress = $11 WHERE id = $1 AND owner = $2 AND state = 'running'"
               " RETURNING cancel"};
    Saving *s = context;
    const Job *j = s->job;
    Arena scratch = l->scratch;
    Value v[] = {bind_text(j->id),
                 bind_text(s->owner),
                 bind_text(job_state_name(j->state)),
                 bind_number((int64_t)j->rows),
                 bind_number((int64_t)j->bad_rows),
                 bind_number((int64_t)j->offset),
                 bind_number((int64_t)j->output_offset),
                 bind_text(j->problem),
                 bind_number(j->ended_us),
                 bind_number(s->now_us),
                 bind_text(j->progress)};
    Rows rows;
    TRY(link_run(l, &rows, &scratch, &change, v, COUNT_OF(v), err));
    if (rows.count == 0) {
        (void)error_set(err, STATUS_DATA, "the job has another owner by now, or has ended");
        return error_remedy(err, "leave it alone");
    }
    s->cancel = row_number(&rows, 0, 0) != 0;
    return STATUS_OK;
}

Status database_save_job(Database *d, const Job *job, Str owner, int64_t now_us, bool *cancel,
                         Error *err)
{
    Saving s = {.job = job, .owner = owner, .now_us = now_us};
    TRY(database_texts((const Str[]){job->id, owner, job->progress, job->problem}, 4, err));
    TRY(database_write(d, save, &s, err));
    *cancel = s.cancel;
    return STATUS_OK;
}

/* ---- cancelling ---- */

typedef struct Ending {
    Str id;
    bool found;
} Ending;

static Status end(Link *l, void *context, Error *err)
{
    static const Statement ask = {
        .sql = "UPDATE assay_jobs SET cancel = 1,"
               " state = CASE WHEN state = 'waiting' THEN 'cancelled' ELSE state END"
               " WHERE id = $1"};
    Ending *e = context;
    Value v = bind_text(e->id);
    Rows rows;
    TRY(link_run(l, &rows, NULL, &ask, &v, 1, err));
    e->found = rows.changed > 0;
    return STATUS_OK;
}

Status database_cancel_job(Database *d, bool *found, Str id, Error *err)
{
    Ending e = {.id = id};
    *found = false;
    if (database_texts(&id, 1, NULL) != STATUS_OK)
        return STATUS_OK;
    TRY(database_write(d, end, &e, err));
    *found = e.found;
    return STATUS_OK;
}
