#include "serve/jobs.h"

#include "serve/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 1000, NICE = 10 };

static int64_t wall_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

static void heard(Worker *w, Status status, bool cancel)
{
    if (status == STATUS_DATA)
        atomic_store(&w->lost, true);
    if (cancel)
        atomic_store(&w->cancelled, true);
    if (cancel || status == STATUS_DATA)
        atomic_store(&w->ends, true);
}

Status job_tell(Worker *w, const Job *job, Error *err)
{
    Service *s = w->jobs->service;
    bool cancel = false;
    (void)pthread_mutex_lock(&w->lock);
    Status status =
        database_save_job(s->database, job, str_from(w->owner), wall_us(), &cancel, err);
    char *copy = status == STATUS_OK ? malloc(job->progress.size + 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, job->progress.data, job->progress.size);
        free(w->progress);
        w->progress = copy;
        w->saved = *job;
        w->saved.progress = (Str){copy, job->progress.size};
    } else if (status == STATUS_OK) {
        w->busy = false; /* no memory: the lease is renewed when the worker saves, and only then */
    }
    heard(w, status, cancel);
    /* What has ended is nobody's to renew. */
    if (status == STATUS_DATA || (status == STATUS_OK && job->state != JOB_RUNNING))
        w->busy = false;
    (void)pthread_mutex_unlock(&w->lock);
    return status;
}

/* Says of every job under way what was said of it before, so that nobody takes it for dead while
 * its worker waits for something slow. */
static void beat(Worker *w)
{
    Error err = {0};
    bool cancel = false;
    (void)pthread_mutex_lock(&w->lock);
    if (w->busy) {
        Status status = database_save_job(w->jobs->service->database, &w->saved, str_from(w->owner),
                                          wall_us(), &cancel, &err);
        heard(w, status, cancel);
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* Until `ms` have passed or somebody wakes us. */
static void wait_for(struct Jobs *j, int64_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&j->lock);
    if (!atomic_load(&j->stops))
        (void)pthread_cond_timedwait(&j->wake, &j->lock, &until);
    (void)pthread_mutex_unlock(&j->lock);
}

static void *heart(void *context)
{
    struct Jobs *j = context;
    int64_t third = j->settings.lease_seconds * 1000 / 3;
    while (!atomic_load(&j->stops)) {
        (void)fetch_sleep(third < 2000 ? third : 2000, &j->stops);
        for (int i = 0; i < j->workers; i++)
            beat(&j->worker[i]);
    }
    return NULL;
}

static void *work(void *context)
{
    Worker *w = context;
    struct Jobs *j = w->jobs;
    /* On Linux this is of the thread alone: whoever waits for an answer goes first. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    while (!atomic_load(&j->stops)) {
        Arena keep = arena_new();
        Error err = {0};
        Job job;
        bool found = false;
        Status status =
            database_take_job(j->service->database, &job, &found, &keep, str_from(w->owner),
                              wall_us(), j->settings.lease_seconds * SECOND_US, &err);
        if (status == STATUS_OK && found) {
            (void)pthread_mutex_lock(&w->lock);
            w->saved = job;
            w->busy = true;
            atomic_store(&w->cancelled, job.cancel);
            atomic_store(&w->lost, false);
            atomic_store(&w->ends, job.cancel || atomic_load(&j->stops));
            (void)pthread_mutex_unlock(&w->lock);
            job_work(w, &job);
            (void)pthread_mutex_lock(&w->lock);
            w->busy = false; /* its texts go */
            (void)pthread_mutex_unlock(&w->lock);
        }
        arena_free(&keep);
        if (status != STATUS_OK || !found)
            wait_for(j, POLL_MS);
    }
    return NULL;
}

void jobs_wake(struct Jobs *j)
{
    (void)pthread_mutex_lock(&j->lock);
    (void)pthread_cond_broadcast(&j->wake);
    (void)pthread_mutex_unlock(&j->lock);
}

const Objects *jobs_objects(const struct Jobs *j)
{
    return j->objects;
}

/* A name that no other thread of any replica has. */
static void name_worker(Worker *w, int number)
{
    char host[48] = "";
    uint64_t drawn = (uint64_t)clock_monotonic_us();
    (void)gethostname(host, sizeof host - 1);
    (void)!getrandom(&drawn, sizeof drawn, 0);
    for (char *c = host; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '?';
    (void)snprintf(w->owner, sizeof w->owner, "%s-%ld-%016llx-%d", host, (long)getpid(),
                   (unsigned long long)drawn, number);
}

static Status start(struct Jobs *j, Error *err)
{
    j->worker = calloc((size_t)j->settings.workers + 1, sizeof *j->worker);
    if (j->worker == NULL)
        return error_set(err, STATUS_IO, "no memory for jobs");
    for (int i = 0; i < j->settings.workers; i++) {
        Worker *w = &j->worker[i];
        w->jobs = j;
        name_worker(w, i);
        (void)pthread_mutex_init(&w->lock, NULL);
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            return error_set(err, STATUS_IO, "a thread for jobs could not be started");
        j->workers++;
    }
    j->heart_runs = j->workers > 0 && pthread_create(&j->heart, NULL, heart, j) == 0;
    return j->workers == 0 || j->heart_runs
               ? STATUS_OK
               : error_set(err, STATUS_IO, "a thread for jobs could not be started");
}

Status jobs_open(struct Jobs **out, Service *s, Error *err)
{
    const JobsSettings *settings = &s->settings->jobs;
    *out = NULL;
    if (s->database == NULL || (settings->folder == NULL && settings->objects == NULL))
        return STATUS_OK;
    struct Jobs *j = calloc(1, sizeof *j);
    if (j == NULL)
        return error_set(err, STATUS_IO, "no memory for jobs");
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&j->lock, NULL);
    (void)pthread_cond_init(&j->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    j->service = s;
    j->settings = *settings;
    j->storage = (ObjectsSettings){.folder = settings->folder, .objects = settings->objects};
    Status status = objects_open(&j->objects, &j->storage, err);
    if (status == STATUS_OK)
        status = start(j, err);
    if (status != STATUS_OK) {
        jobs_close(j);
        return status;
    }
    *out = j;
    return STATUS_OK;
}

void jobs_close(struct Jobs *j)
{
    if (j == NULL)
        return;
    atomic_store(&j->stops, true);
    for (int i = 0; i < j->workers; i++)
        atomic_store(&j->worker[i].ends, true);
    jobs_wake(j);
    for (int i = 0; i < j->workers; i++)
        (void)pthread_join(j->worker[i].thread, NULL);
    if (j->heart_runs)
        (void)pthread_join(j->heart, NULL);
    for (int i = 0; i < j->workers; i++) {
        (void)pthread_mutex_destroy(&j->worker[i].lock);
        free(j->worker[i].progress);
    }
    free(j->worker);
    objects_close(j->objects);
    (void)pthread_cond_destroy(&j->wake);
    (void)pthread_mutex_destroy(&j->lock);
    free(j);
}
