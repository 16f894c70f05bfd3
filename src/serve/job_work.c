/* job_work.c - one job, from where it was left to its end. */
#include "serve/jobs.h"

#include "serve/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PIECE = 256 << 10,
    SAVE_US = 2000000,        /* between saves of a file */
    SAVE_CLOUD_US = 30000000, /* and of an object, where each makes a part */
    TRIES = 10,               /* with storage that fails, without getting further */
    TRIES_ROW = 5             /* with a row that we fail at */
};

typedef struct Work {
    Worker *worker;
    struct Jobs *jobs;
    Service *service;
    Served *served;
    Arena keep, scratch; /* of a row; forgotten after it */
    Arena place;         /* of what is saved; likewise */
    Arena long_keep;     /* of the whole work */
    Job job;
    JobPlace at;
    ObjectReader *reader;
    ObjectWriter *writer;
    Unpacking *unpacking;
    uint64_t skip;    /* of the unpacked input: answered before */
    uint64_t pending; /* of it: read, in a line that is not answered yet */
    Keeping *keeping; /* of rows since the last save, or since it was full */
    char *line;
    size_t line_size, line_capacity;
    bool too_long;
    int64_t saved_us, until_us;
    Status status; /* why the input is not read on */
    Error err;
} Work;

static int64_t wall_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

static bool ends(const Work *w)
{
    return atomic_load(&w->worker->ends);
}

/* Tell the database, however long it takes. Not OK: the job is to end, or is not ours any more. */
static Status tell(Work *w, const Job *job, bool to_end)
{
    for (int tries = 1;; tries++) {
        Error err = {0};
        Status status = job_tell(w->worker, job, &err);
        if (status == STATUS_OK)
            return !to_end && ends(w) ? STATUS_STOPPED : STATUS_OK;
        if (status != STATUS_IO)
            return STATUS_STOPPED;
        if (atomic_load(&w->jobs->stops)) /* then the lease runs out, and another goes on */
            return STATUS_STOPPED;
        (void)fetch_sleep(fetch_wait_ms(tries, 200, 5000), &w->jobs->stops);
    }
}

/* A database that cannot be reached is waited for. */
static Status keep_block(Work *w)
{
    for (int tries = 1;; tries++) {
        Error err = {0};
        Status status = keeping_keep(w->service, w->keeping, &err);
        if (status == STATUS_OK)
            return STATUS_OK;
        if (status != STATUS_IO && tries >= TRIES_ROW)
            return error_set(&w->err, status, "decisions could not be kept: %s", err.message);
        if (clock_monotonic_us() >= w->until_us)
            return error_set(&w->err, STATUS_LIMIT, "the job took longer than it may");
        if (!fetch_sleep(fetch_wait_ms(tries, 100, 5000), &w->worker->ends))
            return error_set(&w->err, STATUS_STOPPED, "stopped");
    }
}

static Status save(Work *w, bool whole, Error *err)
{
    TRY(keep_block(w)); /* a saved row is never answered again */
    Arena keep = w->place;
    w->at.whole = whole;
    TRY(object_writer_save(w->writer, &w->at.output, &keep, whole, err));
    w->job.progress = job_place_text(&keep, &w->at);
    w->job.output_offset = object_writer_size(w->writer);
    w->saved_us = clock_monotonic_us();
    Status status = tell(w, &w->job, false);
    /* The worker has its own copy by now; ours is forgotten. */
    w->job.progress = w->at.output = S("");
    return status == STATUS_OK ? STATUS_OK : error_set(err, STATUS_STOPPED, "stopped");
}

static bool due(const Work *w)
{
    int64_t every = str_starts(w->job.output, S("gs://")) ? SAVE_CLOUD_US : SAVE_US;
    return object_writer_unsaved(w->writer) >= w->jobs->settings.part_bytes ||
           clock_monotonic_us() - w->saved_us >= every;
}

/* ---- a row ---- */

static Status put_bad(Work *w, Arena *keep, int status, const Fault *fault)
{
    Str text = batch_error(keep, w->at.lines, status, fault);
    w->job.bad_rows++;
    TRY(object_writer_add(w->writer, text, &w->err));
    return object_writer_add(w->writer, S("\n"), &w->err);
}

static Status answer_row(Work *w, Str row)
{
    Fault ours = {.code = "internal", .detail = "the service failed at this line"};
    for (int tries = 1;; tries++) {
        Arena keep = w->keep;
        Answer a;
        Fault fault = {0};
        Error err = {0};
        /* "now" is when the job began: the same, however often it is begun again. */
        Asked asked = {
            job_row(&keep, row, w->job.options), {0}, w->job.started_us, NULL, NULL, w->keeping};
        Status status =
            serve_answer_one(&a, &keep, w->scratch, w->service, w->served, &asked, &fault, &err);
        if (status == STATUS_OK) {
            TRY(object_writer_add(w->writer, a.body, &w->err));
            TRY(object_writer_add(w->writer, S("\n"), &w->err));
            return keeping_full(w->keeping) ? keep_block(w) : STATUS_OK;
        }
        if (fault.code != NULL)
            return put_bad(w, &keep, fault_status(&fault), &fault);
        /* A database that cannot be reached is waited for; what else fails is ours, and may fail
         * for good. */
        if (status != STATUS_IO && tries >= TRIES_ROW) {
            LogField field = {"error", str_from(err.message), 0};
            telemetry_log(w->service->telemetry, LEVEL_ERROR, "a row of a job failed", &field, 1);
            return put_bad(w, &keep, 500, &ours);
        }
        if (clock_monotonic_us() >= w->until_us)
            return error_set(&w->err, STATUS_LIMIT, "the job took longer than it may");
        if (!fetch_sleep(fetch_wait_ms(tries, 100, 5000), &w->worker->ends))
            return error_set(&w->err, STATUS_STOPPED, "stopped");
    }
}

static Status end_line(Work *w, Str line, bool too_long)
{
    Arena keep = w->keep;
    w->at.lines++;
    if (too_long) {
        Fault fault = {.code = "too_large"};
        (void)snprintf(fault.detail, sizeof fault.detail, "the line is longer than %llu bytes",
                       (unsigned long long)w->service->settings->limits.batch_line_bytes);
        w->job.rows++;
        return put_bad(w, &keep, 413, &fault);
    }
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (str_trim(line).size == 0)
        return STATUS_OK;
    w->job.rows++;
    return answer_row(w, line);
}

/* ---- lines ---- */

static Status grow_line(Work *w, Str part)
{
    size_t need = w->line_size + part.size;
    if (need > w->service->settings->limits.batch_line_bytes) {
        w->too_long = true;
        return STATUS_OK;
    }
    if (need > w->line_capacity) {
        char *more = realloc(w->line, need * 2);
        if (more == NULL)
            return error_set(&w->err, STATUS_IO, "no memory for a line");
        w->line = more;
        w->line_capacity = need * 2;
    }
    if (part.size > 0)
        memcpy(w->line + w->line_size, part.data, part.size);
    w->line_size = need;
    return STATUS_OK;
}

static Status between_lines(Work *w)
{
    if (ends(w))
        return error_set(&w->err, STATUS_STOPPED, "stopped");
    if (clock_monotonic_us() >= w->until_us)
        return error_set(&w->err, STATUS_LIMIT, "the job took longer than it may");
    return due(w) ? save(w, false, &w->err) : STATUS_OK;
}

static Status take_piece(Work *w, Str piece)
{
    if (w->skip > 0) {
        size_t over = piece.size < w->skip ? piece.size : (size_t)w->skip;
        w->skip -= over;
        piece = str_slice(piece, over, piece.size);
    }
    while (piece.size > 0) {
        const char *newline = memchr(piece.data, '\n', piece.size);
        Str part = {piece.data, newline == NULL ? piece.size : (size_t)(newline - piece.data)};
        size_t used = part.size + (newline != NULL);
        if (!w->too_long)
            TRY(grow_line(w, part));
        if (newline != NULL) {
            TRY(end_line(w, (Str){w->line, w->line_size}, w->too_long));
            w->line_size = 0;
            w->too_long = false;
        }
        w->pending += used;
        if (newline != NULL) {
            w->job.offset += w->pending;
            w->pending = 0;
            TRY(between_lines(w));
        }
        piece = str_slice(piece, used, piece.size);
    }
    return ends(w) ? error_set(&w->err, STATUS_STOPPED, "stopped") : STATUS_OK;
}

static bool take_unpacked(void *context, Str piece)
{
    Work *w = context;
    w->status = take_piece(w, piece);
    return w->status == STATUS_OK;
}

/* ---- the input ---- */

static Encoding packed_how(Str start)
{
    return str_starts(start, S("\x1f\x8b"))           ? ENCODING_GZIP
           : str_starts(start, S("\x28\xb5\x2f\xfd")) ? ENCODING_ZSTD
                                                      : ENCODING_PLAIN;
}

/* The first bytes tell what it is. A plain input is read on from where it was left; of a packed one
 * what was answered is unpacked again and let go. */
static Status open_input(Work *w, char *piece, size_t *got)
{
    Objects *o = w->jobs->objects;
    *got = 0;
    TRY(object_reader_open(&w->reader, o, w->job.input, 0, w->at.version, &w->worker->ends,
                           &w->err));
    w->at.version = str_copy(&w->long_keep, object_reader_version(w->reader));
    w->at.size = object_reader_size(w->reader);
    while (*got < 4) {
        size_t more;
        TRY(object_reader_read(w->reader, &more, piece + *got, PIECE - *got, &w->err));
        if (more == 0)
            break;
        *got += more;
    }
    Encoding e = packed_how((Str){piece, *got});
    w->at.read = *got;
    w->skip = w->job.offset;
    if (e != ENCODING_PLAIN) {
        w->unpacking = unpacking_new(e);
        return w->unpacking != NULL
                   ? STATUS_OK
                   : error_set(&w->err, STATUS_IO, "no memory to unpack the input");
    }
    if (w->job.offset <= *got)
        return STATUS_OK;
    object_reader_close(w->reader);
    w->reader = NULL;
    *got = 0;
    w->skip = 0;
    w->at.read = w->job.offset;
    return object_reader_open(&w->reader, o, w->job.input, w->job.offset, w->at.version,
                              &w->worker->ends, &w->err);
}

static Status feed(Work *w, Str piece)
{
    if (w->unpacking == NULL)
        return take_piece(w, piece);
    w->status = STATUS_OK;
    switch (unpacking_feed(w->unpacking, piece, take_unpacked, w)) {
    case UNPACKED_MORE:
        return STATUS_OK;
    case UNPACKED_STOPPED:
        return w->status;
    default:
        return error_set(&w->err, STATUS_DATA, "the compressed input is damaged");
    }
}

static Status all_rows(Work *w)
{
    char *piece = ARENA_RAW(&w->long_keep, char, PIECE);
    size_t got;
    TRY(open_input(w, piece, &got));
    for (;;) {
        if (got > 0)
            TRY(feed(w, (Str){piece, got}));
        TRY(object_reader_read(w->reader, &got, piece, PIECE, &w->err));
        if (got == 0)
            break;
        w->at.read += got;
    }
    if (w->unpacking != NULL && !unpacking_whole(w->unpacking))
        return error_set(&w->err, STATUS_DATA, "the compressed input is cut off");
    if (w->skip > 0)
        return error_set(&w->err, STATUS_DATA, "the input has changed since the job began");
    if (w->line_size > 0 || w->too_long) /* the last line, without its newline */
        TRY(end_line(w, (Str){w->line, w->line_size}, w->too_long));
    w->job.offset += w->pending;
    w->pending = 0;
    return save(w, true, &w->err);
}

/* ---- from the place that was saved to the end ---- */

static void close_all(Work *w)
{
    object_reader_close(w->reader);
    object_writer_close(w->writer);
    unpacking_free(w->unpacking);
    w->reader = NULL;
    w->writer = NULL;
    w->unpacking = NULL;
    w->line_size = 0;
    w->pending = 0;
    w->too_long = false;
}

/* Start at what the database holds of the job. */
static Status begin(Work *w, const Job *held)
{
    w->job = *held;
    w->job.problem = S("");
    w->at = (JobPlace){0};
    if (held->progress.size > 0 && !job_place_read(&w->at, &w->long_keep, held->progress))
        return error_set(&w->err, STATUS_DATA, "what the job has saved makes no sense");
    TRY(object_writer_open(&w->writer, w->jobs->objects, w->job.output, w->job.id, w->at.output,
                           &w->worker->ends, &w->err));
    w->at.output = S("");
    /* From here on there is something of the output, and a second start must know it. */
    return held->progress.size > 0 ? STATUS_OK : save(w, false, &w->err);
}

static Status once(Work *w, const Job *held)
{
    w->err = (Error){0};
    keeping_clear(w->keeping); /* rows that were not saved are answered again */
    TRY(begin(w, held));
    if (!w->at.whole)
        TRY(all_rows(w));
    return object_writer_finish(w->writer, &w->err);
}

static const char *state_text(Arena *keep, JobState s)
{
    return str_chars(keep, job_state_name(s));
}

static void log_end(Work *w, JobState state)
{
    LogField field[] = {{"job", w->job.id, 0},
                        {"state", job_state_name(state), 0},
                        {"rows", {0}, (double)w->job.rows},
                        {"bad_rows", {0}, (double)w->job.bad_rows}};
    telemetry_log(w->service->telemetry, state == JOB_FAILED ? LEVEL_WARNING : LEVEL_INFO,
                  "a job ended", field, COUNT_OF(field));
}

/* Where the output was when the database was told last. */
static Str output_saved(Work *w, Arena *keep)
{
    JobPlace at;
    (void)pthread_mutex_lock(&w->worker->lock);
    bool read = job_place_read(&at, keep, w->worker->saved.progress);
    (void)pthread_mutex_unlock(&w->worker->lock);
    return read ? at.output : S("");
}

/* The last thing said of it; what was on the way is removed once that is known. */
static void end(Work *w, JobState state, const char *problem)
{
    Arena keep = w->place;
    w->job.state = state;
    w->job.problem = str_copy(&w->long_keep, str_from(problem));
    w->job.ended_us = wall_us();
    w->job.progress = job_place_text(&keep, &w->at);
    Str output = w->at.output.size > 0 ? w->at.output : output_saved(w, &keep);
    if (tell(w, &w->job, true) != STATUS_OK)
        return;
    /* What ended the work would end this, too. */
    atomic_store(&w->worker->ends, atomic_load(&w->jobs->stops));
    if (w->writer == NULL && output.size > 0) {
        Error err = {0};
        (void)!object_writer_open(&w->writer, w->jobs->objects, w->job.output, w->job.id, output,
                                  &w->worker->ends, &err);
    }
    if (w->writer != NULL)
        object_writer_clean(w->writer);
    telemetry_job(w->service->telemetry, state_text(&keep, state));
    log_end(w, state);
}

/* Somebody else may take it at once: with what was saved last. */
static void give_back(Work *w)
{
    Job job;
    (void)pthread_mutex_lock(&w->worker->lock);
    job = w->worker->saved;
    (void)pthread_mutex_unlock(&w->worker->lock);
    job.progress = str_copy(&w->long_keep, job.progress);
    job.state = JOB_WAITING;
    close_all(w); /* first, so that whoever takes it finds the output free */
    (void)tell(w, &job, true);
}

void job_work(Worker *worker, const Job *taken)
{
    struct Jobs *j = worker->jobs;
    Work w = {.worker = worker,
              .jobs = j,
              .service = j->service,
              .served = served_take(j->service),
              .keep = arena_new(),
              .scratch = arena_new(),
              .place = arena_new(),
              .long_keep = arena_new(),
              .keeping = keeping_new(),
              .job = *taken};
    if (w.keeping == NULL)
        abort(); /* as arenas do */
    int64_t spent = wall_us() - taken->started_us;
    w.until_us =
        clock_monotonic_us() + j->settings.deadline_seconds * SECOND_US - (spent > 0 ? spent : 0);
    telemetry_job(j->service->telemetry, "running");
    Job held = *taken;
    for (int tries = 1;; tries++) {
        uint64_t before = held.rows;
        Status status = once(&w, &held);
        if (status == STATUS_OK) {
            end(&w, JOB_DONE, "");
            break;
        }
        if (atomic_load(&worker->lost))
            break;
        if (atomic_load(&worker->cancelled)) {
            end(&w, JOB_CANCELLED, "");
            break;
        }
        if (atomic_load(&j->stops)) {
            give_back(&w);
            break;
        }
        /* Another process still writes, or storage fails: from the last save on once more. */
        bool again = (status == STATUS_GATE || (status == STATUS_IO && tries < TRIES)) &&
                     clock_monotonic_us() < w.until_us;
        if (!again) {
            end(&w, JOB_FAILED, w.err.message);
            break;
        }
        close_all(&w);
        (void)pthread_mutex_lock(&worker->lock);
        held = worker->saved;
        (void)pthread_mutex_unlock(&worker->lock);
        held.progress = str_copy(&w.long_keep, held.progress);
        tries = held.rows > before ? 1 : tries;
        (void)fetch_sleep(fetch_wait_ms(tries, 500, 60000), &worker->ends);
    }
    close_all(&w);
    free(w.line);
    keeping_free(w.keeping);
    served_drop(w.served);
    arena_free(&w.keep);
    arena_free(&w.scratch);
    arena_free(&w.place);
    arena_free(&w.long_keep);
}
