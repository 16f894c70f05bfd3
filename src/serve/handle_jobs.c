/* handle_jobs.c - jobs asked for, looked at, listed and cancelled. A caller sees his own. */
#include "serve/jobs.h"

#include "record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ID_BYTES = 16, ID_TEXT = 2 * ID_BYTES, LIMIT_DEFAULT = 50, LIMIT_MOST = 200 };

static bool has_jobs(Exchange *x)
{
    if (x->service->database == NULL)
        reply_problem(x, 501, "store_needed", NULL,
                      "this service keeps nothing, and a job must survive it; start it with "
                      "--store sqlite:FILE or --store postgresql://...");
    else if (x->service->jobs == NULL)
        reply_problem(x, 501, "jobs_needed", NULL,
                      "this service runs no jobs; its settings say with jobs.folder or "
                      "jobs.objects what they may read and write");
    return x->service->database != NULL && x->service->jobs != NULL;
}

static void job_into(Document *d, yyjson_mut_val *in, const Job *j)
{
    JobPlace at;
    yyjson_doc *options = yyjson_read(j->options.data, j->options.size, 0);
    document_text(d, in, "id", j->id);
    document_text(d, in, "state", job_state_name(j->state));
    document_text(d, in, "input", j->input);
    document_text(d, in, "output", j->output);
    if (yyjson_obj_size(yyjson_doc_get_root(options)) > 0)
        (void)yyjson_mut_obj_add_val(d->doc, in, "options",
                                     yyjson_val_mut_copy(d->doc, yyjson_doc_get_root(options)));
    document_count(d, in, "rows", j->rows);
    document_count(d, in, "bad_rows", j->bad_rows);
    if (j->state == JOB_DONE)
        document_real(d, in, "share", 1);
    else if (j->progress.size > 0 && job_place_read(&at, d->arena, j->progress) && at.size > 0)
        document_real(d, in, "share", at.read < at.size ? (double)at.read / (double)at.size : 1);
    if (j->problem.size > 0)
        document_text(d, in, "problem", j->problem);
    if (j->cancel && j->state == JOB_RUNNING)
        document_truth(d, in, "cancelling", true);
    document_time(d, in, "created_at", j->created_us);
    if (j->started_us > 0)
        document_time(d, in, "started_at", j->started_us);
    if (j->ended_us > 0)
        document_time(d, in, "ended_at", j->ended_us);
    yyjson_doc_free(options);
}

static void reply_job(Exchange *x, int status, const Job *j)
{
    Document d;
    document_open(&d, x->arena);
    job_into(&d, d.root, j);
    reply_json(x, status, str_trim(document_write(&d, false)));
}

/* ---- POST /v1/jobs ---- */

static Str text_of(yyjson_val *v)
{
    return yyjson_is_str(v) ? (Str){yyjson_get_str(v), yyjson_get_len(v)} : S("");
}

static bool refuse(Exchange *x, int status, const char *code, const char *pointer,
                   const char *detail)
{
    reply_problem(x, status, code, pointer, "%s", detail);
    return false;
}

/* What a row may say, too; the policy book and what else it holds is judged row by row. */
static bool options_fine(Exchange *x, yyjson_val *options)
{
    static const struct {
        const char *name;
        bool text;
    } known[] = {{"reasons", false},
                 {"counterfactual", false},
                 {"language", true},
                 {"policy", true},
                 {"allow_unknown_fields", false}};
    size_t i, most, k;
    yyjson_val *key, *value;
    if (options == NULL)
        return true;
    if (!yyjson_is_obj(options))
        return refuse(x, 422, "not_an_object", "/options", "options are an object");
    yyjson_obj_foreach(options, i, most, key, value)
    {
        for (k = 0; k < COUNT_OF(known); k++)
            if (yyjson_equals_str(key, known[k].name))
                break;
        if (k == COUNT_OF(known))
            return refuse(x, 422, "unknown_field", "/options",
                          "options of a job are reasons, counterfactual, language, policy and "
                          "allow_unknown_fields");
        if (known[k].text ? !yyjson_is_str(value) : !yyjson_is_bool(value)) {
            reply_problem(x, 422, known[k].text ? "not_a_text" : "not_a_truth",
                          str_format(x->arena, "/options/%s", known[k].name).data, "it is %s",
                          known[k].text ? "a text" : "true or false");
            return false;
        }
    }
    return true;
}

static bool place_fine(Exchange *x, Str place, const char *name)
{
    Error err = {0};
    const char *pointer = str_format(x->arena, "/%s", name).data;
    if (place.size == 0) {
        reply_problem(x, 422, "missing_field", pointer, "a job needs its %s, a text", name);
        return false;
    }
    if (objects_allow(jobs_objects(x->service->jobs), place, &err) != STATUS_OK) {
        reply_problem(x, 422, "place_refused", pointer, "%s", err.message);
        return false;
    }
    return true;
}

static bool request_fine(Exchange *x, Job *job, yyjson_val *root)
{
    size_t i, most;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(root))
        return refuse(x, 400, "not_json", "", "the body is a JSON object with input and output");
    yyjson_obj_foreach(root, i, most, key, value)
    {
        (void)value;
        if (!yyjson_equals_str(key, "input") && !yyjson_equals_str(key, "output") &&
            !yyjson_equals_str(key, "options"))
            return refuse(x, 422, "unknown_field", "", "a job has input, output and options");
        if (i >= 3)
            return refuse(x, 400, "duplicate_key", "", "a key stands twice");
    }
    yyjson_val *options = yyjson_obj_get(root, "options");
    job->input = text_of(yyjson_obj_get(root, "input"));
    job->output = text_of(yyjson_obj_get(root, "output"));
    if (!place_fine(x, job->input, "input") || !place_fine(x, job->output, "output") ||
        !options_fine(x, options))
        return false;
    if (str_equal(job->input, job->output))
        return refuse(x, 422, "same_place", "/output",
                      "the output is another place than the input");
    size_t size = 0;
    char *text = options == NULL ? NULL : yyjson_val_write(options, 0, &size);
    job->options = text == NULL ? S("{}") : str_copy(x->arena, (Str){text, size});
    free(text);
    return true;
}

static Str new_id(Arena *keep)
{
    unsigned char drawn[ID_BYTES];
    char *text = ARENA_ARRAY(keep, char, ID_TEXT + 1);
    if (getrandom(drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn)
        return S("");
    for (size_t i = 0; i < ID_BYTES; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", drawn[i]);
    return (Str){text, ID_TEXT};
}

static void add_location(Exchange *x, Str id)
{
    reply_header(
        x, "Location",
        str_format(x->arena, "%s/v1/jobs/%.*s", x->service->base_path.data, STR_ARG(id)).data);
}

/* The job of an earlier reply, where it is one. */
static void replay_job(Exchange *x)
{
    yyjson_alc memory = arena_memory(x->arena);
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)x->reply.data, x->reply.size, 0, &memory, NULL);
    Str id = text_of(yyjson_obj_get(yyjson_doc_get_root(doc), "id"));
    if (x->status == 202 && id.size > 0)
        add_location(x, id);
}

static void add_job(Exchange *x)
{
    Error err = {0};
    uint64_t waiting = 0;
    yyjson_alc memory = arena_memory(x->arena);
    if (!has_jobs(x))
        return;
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)x->body.data, x->body.size, 0, &memory, NULL);
    Job job = {.caller = str_from(x->caller.name), .created_us = x->now_us};
    if (!request_fine(x, &job, yyjson_doc_get_root(doc)))
        return;
    if (database_count_jobs(x->service->database, &waiting, JOB_WAITING, &err) != STATUS_OK) {
        reply_error(x, &err);
        return;
    }
    if (waiting >= x->service->settings->jobs.waiting_max) {
        telemetry_shed(x->service->telemetry, "jobs");
        reply_header(x, "Retry-After", "60");
        reply_problem(x, 429, "too_many_jobs", NULL,
                      "as many jobs are waiting as may; try again when some are done");
        return;
    }
    job.id = new_id(x->arena);
    if (job.id.size == 0)
        (void)error_set(&err, STATUS_DATA, "the system gave no random number");
    if (job.id.size == 0 || database_add_job(x->service->database, &job, &err) != STATUS_OK) {
        reply_error(x, &err);
        return;
    }
    jobs_wake(x->service->jobs);
    telemetry_job(x->service->telemetry, "accepted");
    add_location(x, job.id);
    reply_job(x, 202, &job);
}

/* ---- GET /v1/jobs/{id}, DELETE, GET /v1/jobs ---- */

/* The job of the path, if it is the caller's. */
static bool find_job(Exchange *x, Job *job)
{
    Error err = {0};
    bool found = false;
    if (!has_jobs(x))
        return false;
    if (database_job(x->service->database, job, &found, x->arena, x->parameter, &err) !=
        STATUS_OK) {
        reply_error(x, &err);
        return false;
    }
    /* Of another's not even that it is there. */
    if (!found || !str_equal(job->caller, str_from(x->caller.name)))
        return refuse(x, 404, "not_found", NULL, "there is no job of this id");
    return true;
}

static void get_job(Exchange *x)
{
    Job job;
    if (find_job(x, &job))
        reply_job(x, 200, &job);
}

static void cancel_job(Exchange *x)
{
    Error err = {0};
    Job job;
    bool found;
    if (!find_job(x, &job))
        return;
    bool open = job.state == JOB_WAITING || job.state == JOB_RUNNING;
    if (open &&
        (database_cancel_job(x->service->database, &found, job.id, &err) != STATUS_OK ||
         database_job(x->service->database, &job, &found, x->arena, job.id, &err) != STATUS_OK)) {
        reply_error(x, &err);
        return;
    }
    if (open && job.state == JOB_CANCELLED)
        telemetry_job(x->service->telemetry, "cancelled");
    reply_job(x, 202, &job);
}

static void list_jobs(Exchange *x)
{
    Error err = {0};
    Job *job;
    size_t count;
    int64_t limit = LIMIT_DEFAULT;
    Str asked = request_query(x, "limit"), after = request_query(x, "after");
    if (!has_jobs(x))
        return;
    if (asked.size > 0 && (!parse_int64(asked, &limit) || limit < 1 || limit > LIMIT_MOST)) {
        (void)refuse(x, 400, "bad_query", NULL, "limit is a whole number from 1 to 200");
        return;
    }
    if (after.size > 64) {
        (void)refuse(x, 400, "bad_query", NULL, "after is the `next` of the page before");
        return;
    }
    /* One more than is shown tells whether there is another page. */
    if (database_jobs(x->service->database, &job, &count, x->arena, str_from(x->caller.name), after,
                      (size_t)limit + 1, &err) != STATUS_OK) {
        reply_error(x, &err);
        return;
    }
    Document d;
    document_open(&d, x->arena);
    yyjson_mut_val *list = document_list(&d, d.root, "jobs");
    size_t shown = count < (size_t)limit ? count : (size_t)limit;
    for (size_t i = 0; i < shown; i++)
        job_into(&d, document_object(&d, list, NULL), &job[i]);
    if (count > shown)
        document_text(&d, d.root, "next", job[shown - 1].id);
    else
        document_null(&d, d.root, "next");
    reply_json(x, 200, str_trim(document_write(&d, false)));
}

const Route routes_jobs[] = {
    {"POST", "/v1/jobs", SCOPE_JOBS, add_job, .settles = true, .replays = replay_job},
    {"GET", "/v1/jobs", SCOPE_JOBS, .handle = list_jobs},
    {"GET", "/v1/jobs/{id}", SCOPE_JOBS, .handle = get_job},
    {"DELETE", "/v1/jobs/{id}", SCOPE_JOBS, .handle = cancel_job},
    {0}};
