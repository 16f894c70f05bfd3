/* shadow.c - the challenger answers beside, and nobody hears of it but the metrics.
 *
 * No answer waits for it: what was asked is copied into a queue, which a thread of its own works
 * off with the bundles that were there then. The queue is bounded; what finds no room is counted
 * and not compared. A row of a batch or of a job finds room in half of the queue alone: such rows
 * come one right after the other, and would leave none to who asks for one customer.
 */
#include "serve/serve_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    WAITING_MOST = 256,
    WAITING_BYTES = 8 << 20,
    NICE = 5, /* whoever is answered goes first */
    DRAIN_US = 3000000,
    KEPT_BYTES = 2 << 20 /* of an arena, between two */
};

typedef struct Waiting {
    struct Waiting *next;
    Served *served;
    Decision champion;
    AnswerInputs inputs; /* its texts lie below */
    char text[];
} Waiting;

struct Shadow {
    Service *service;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    Waiting *first, *last; /* in the order they came */
    size_t waiting, bytes;
    bool stops;
    int64_t stop_us; /* monotonic */
};

static size_t bytes_of(const AnswerInputs *inputs)
{
    return sizeof(Waiting) + inputs->request.size + inputs->history.size;
}

static void compare(Service *s, const Waiting *w, Arena keep, Arena scratch)
{
    const Answerer *challenger = w->served->challenger;
    Answer other, one = {.decision = &w->champion};
    Fault fault = {0};
    Error err = {0};
    if (answer_score(&other, &keep, scratch, challenger, &w->inputs, &fault, &err) == STATUS_OK) {
        telemetry_answer(s->telemetry, ROLE_CHALLENGER, answer_bundle(challenger), &other);
        telemetry_disagree(s->telemetry, &one, &other);
        return;
    }
    LogField field = {"error", str_from(fault.code != NULL ? fault.code : err.message), 0};
    telemetry_log(s->telemetry, LEVEL_WARNING, "the challenger could not answer", &field, 1);
}

void shadow_put(struct Shadow *h, const Served *v, const AnswerInputs *inputs,
                const Decision *champion, bool one_of_many)
{
    size_t size = bytes_of(inputs), part = one_of_many ? 2 : 1;
    (void)pthread_mutex_lock(&h->lock);
    bool room = h->waiting < WAITING_MOST / part && h->bytes + size <= WAITING_BYTES / part;
    if (room) { /* taken before it is filled, so that the lock is not held meanwhile */
        h->waiting++;
        h->bytes += size;
    }
    (void)pthread_mutex_unlock(&h->lock);
    Waiting *w = room ? malloc(size) : NULL;
    if (w == NULL)
        telemetry_not_compared(h->service->telemetry);
    else {
        *w = (Waiting){.served = served_hold(v), .champion = *champion, .inputs = *inputs};
        if (inputs->request.size > 0)
            memcpy(w->text, inputs->request.data, inputs->request.size);
        if (inputs->history.size > 0)
            memcpy(w->text + inputs->request.size, inputs->history.data, inputs->history.size);
        w->inputs.request.data = w->text;
        w->inputs.history.data = w->text + inputs->request.size;
    }
    (void)pthread_mutex_lock(&h->lock);
    if (w != NULL) {
        if (h->last != NULL)
            h->last->next = w;
        else
            h->first = w;
        h->last = w;
        (void)pthread_cond_signal(&h->wake);
    } else if (room) {
        h->waiting--;
        h->bytes -= size;
    }
    (void)pthread_mutex_unlock(&h->lock);
}

static void waiting_free(Waiting *w)
{
    served_drop(w->served);
    free(w);
}

/* The next one; NULL: none is left and none comes. */
static Waiting *take(struct Shadow *h)
{
    (void)pthread_mutex_lock(&h->lock);
    while (h->first == NULL && !h->stops)
        (void)pthread_cond_wait(&h->wake, &h->lock);
    Waiting *w = h->first;
    if (w != NULL) {
        h->first = w->next;
        if (h->first == NULL)
            h->last = NULL;
        h->waiting--;
        h->bytes -= bytes_of(&w->inputs);
    }
    (void)pthread_mutex_unlock(&h->lock);
    return w;
}

static bool too_late(struct Shadow *h)
{
    (void)pthread_mutex_lock(&h->lock);
    bool late = h->stops && clock_monotonic_us() > h->stop_us;
    (void)pthread_mutex_unlock(&h->lock);
    return late;
}

static void *work(void *argument)
{
    struct Shadow *h = argument;
    Waiting *w;
    Arena keep = arena_new(), scratch = arena_new();
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of Linux: of this thread alone */
    while ((w = take(h)) != NULL) {
        if (too_late(h))
            telemetry_not_compared(h->service->telemetry);
        else
            compare(h->service, w, keep, scratch);
        waiting_free(w);
        arena_trim(&keep, KEPT_BYTES);
        arena_trim(&scratch, KEPT_BYTES);
    }
    arena_free(&keep);
    arena_free(&scratch);
    return NULL;
}

Status shadow_open(struct Shadow **out, Service *s, Error *err)
{
    const ServeSettings *settings = s->settings;
    if (settings->challenger == NULL || settings->challenger_weight > 0)
        return STATUS_OK;
    struct Shadow *h = calloc(1, sizeof *h);
    if (h == NULL)
        return error_set(err, STATUS_IO, "no memory for the challenger's queue");
    h->service = s;
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->wake, NULL);
    if (pthread_create(&h->thread, NULL, work, h) != 0) {
        free(h);
        return error_set(err, STATUS_IO, "a thread could not be started");
    }
    *out = h;
    return STATUS_OK;
}

void shadow_close(struct Shadow *h)
{
    if (h == NULL)
        return;
    (void)pthread_mutex_lock(&h->lock);
    h->stops = true;
    h->stop_us = clock_monotonic_us() + DRAIN_US;
    (void)pthread_cond_signal(&h->wake);
    (void)pthread_mutex_unlock(&h->lock);
    (void)pthread_join(h->thread, NULL);
    (void)pthread_mutex_destroy(&h->lock);
    (void)pthread_cond_destroy(&h->wake);
    free(h);
}
