/* sight.c - decisions on their way to the windows and the prediction log.
 *
 * Who answers only copies a decision's features into the queue; a thread of its own counts them in
 * bins and writes them out. A scrape empties the queue first, so that it sees every decision.
 */
#include "telemetry/telemetry_internal.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUEUE_BYTES = 4 << 20,
    ON_STACK = 16 << 10,
    TEXT_BYTES_MAX = 256,
    WAIT_MS = 50,
    LIMITS_EVERY_MS = 1000,
    LIMITS_AT_ONCE = 4
};

/* ---- in ---- */

static void pack_value(SeenValue *v, const Column *c, char *texts, size_t *used)
{
    *v = (SeenValue){.type = (uint8_t)c->type, .scale = (int8_t)c->scale};
    if (!column_valid(c, 0))
        return;
    v->valid = 1;
    switch (c->type) {
    case TYPE_BOOLEAN:
        v->integer = c->boolean[0];
        break;
    case TYPE_DOUBLE:
        v->real = c->real[0];
        break;
    case TYPE_CATEGORY:
    case TYPE_TEXT: {
        Str s = c->dictionary->text[c->code[0]];
        uint32_t size = (uint32_t)(s.size < TEXT_BYTES_MAX ? s.size : TEXT_BYTES_MAX);
        while (size < s.size && size > 0 && (s.data[size] & 0xC0) == 0x80)
            size--; /* not through a character */
        v->text = (uint32_t)*used;
        memcpy(texts + *used, &size, sizeof size);
        memcpy(texts + *used + sizeof size, s.data, size);
        *used += sizeof size + size;
        break;
    }
    default:
        v->integer = c->integer[0];
    }
}

static size_t texts_room(const Table *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->columns; i++)
        n += f->column[i].type == TYPE_CATEGORY || f->column[i].type == TYPE_TEXT;
    return n * (TEXT_BYTES_MAX + sizeof(uint32_t));
}

void sight_pack(Telemetry *t, AnswerRole role, const Bundle *b, const Answer *answer)
{
    _Alignas(16) char stack[ON_STACK];
    const Table *f = answer->scored->features;
    const Decision *d = answer->decision;
    size_t values = sizeof(Seen) + f->columns * sizeof(SeenValue), used = 0;
    char *at = values + texts_room(f) <= sizeof stack ? stack : malloc(values + texts_room(f));
    if (at == NULL) {
        atomic_fetch_add_explicit(&t->seen_dropped, 1, memory_order_relaxed);
        return;
    }
    Seen *s = (Seen *)(void *)at;
    memset(s, 0, sizeof *s);
    *s = (Seen){.features = (uint32_t)f->columns,
                .role = (uint8_t)role,
                .segment = (uint8_t)d->segment,
                .action = (uint8_t)d->action,
                .insufficient = d->insufficient_data,
                .time_us = clock_wall_us(),
                .as_of_us = answer->as_of_us,
                .probability = d->probability,
                .low = d->probability_low,
                .high = d->probability_high};
    memcpy(s->bundle, b->id, sizeof s->bundle);
    size_t n = answer->decision_id.size;
    memcpy(s->decision, answer->decision_id.data, n < sizeof s->decision ? n : 0);
    n = answer->customer_id.size;
    s->customer_bytes = (uint16_t)(n < sizeof s->customer ? n : sizeof s->customer);
    memcpy(s->customer, answer->customer_id.data, s->customer_bytes);
    SeenValue *value = (SeenValue *)(void *)(at + sizeof *s);
    for (size_t i = 0; i < f->columns; i++)
        pack_value(&value[i], &f->column[i], at + values, &used);
    s->texts = (uint32_t)values;
    s->bytes = (uint32_t)((values + used + 15) & ~(size_t)15);
    memset(at + values + used, 0, s->bytes - values - used);
    if (!basin_add(&t->seen, at, s->bytes))
        atomic_fetch_add_explicit(&t->seen_dropped, 1, memory_order_relaxed);
    if (at != stack)
        free(at);
}

/* ---- out ---- */

static const Watch *bundle_of(const Telemetry *t, const Seen *s)
{
    for (size_t i = 0; i < 2; i++)
        if (t->watch[i] != NULL && strcmp(t->watch[i]->id, s->bundle) == 0)
            return t->watch[i];
    for (size_t i = 0; i < COUNT_OF(t->former); i++)
        if (t->former[i] != NULL && strcmp(t->former[i]->id, s->bundle) == 0)
            return t->former[i];
    return NULL;
}

void sight_drain(Telemetry *t)
{
    int64_t now = clock_monotonic_us();
    Str all = basin_take(&t->seen, 0);
    for (size_t i = 0; i < 2; i++)
        if (t->watch[i] != NULL)
            watch_turn(t->watch[i], now);
    for (size_t at = 0; at < all.size;) {
        const Seen *s = (const Seen *)(const void *)(all.data + at);
        Watch *w = t->watch[s->role];
        at += s->bytes;
        if (w != NULL && strcmp(w->id, s->bundle) == 0 && w->features == s->features)
            watch_count(w, s);
        if (t->predicts) {
            const Watch *of = bundle_of(t, s);
            if (of != NULL && of->features == s->features)
                prediction_add(t, of, s);
            else
                atomic_fetch_add_explicit(&t->seen_dropped, 1, memory_order_relaxed);
        }
    }
}

static void *watch_all(void *context)
{
    Telemetry *t = context;
    Arena scratch = arena_new();
    int64_t last = 0;
    for (bool closing = false; !closing;) {
        closing = basin_wait(&t->seen, WAIT_MS);
        pthread_mutex_lock(&t->drain);
        sight_drain(t);
        int64_t now = clock_monotonic_us();
        if (now - last > LIMITS_EVERY_MS * INT64_C(1000)) {
            for (size_t i = 0; i < 2; i++)
                if (t->watch[i] != NULL)
                    (void)watch_limits(t->watch[i], LIMITS_AT_ONCE, scratch);
            last = now;
        }
        pthread_mutex_unlock(&t->drain);
    }
    arena_free(&scratch);
    return NULL;
}

Status sight_start(Telemetry *t, Error *err)
{
    sigset_t all, before;
    basin_init(&t->seen, QUEUE_BYTES);
    pthread_mutex_init(&t->drain, NULL);
    t->prediction = arena_new();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&t->watcher, NULL, watch_all, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    t->watching = failed == 0;
    return failed == 0 ? STATUS_OK
                       : error_set(err, STATUS_IO,
                                   "no thread could be started to count "
                                   "decisions: %s",
                                   strerror(failed));
}

void sight_stop(Telemetry *t)
{
    if (t->seen.capacity == 0) /* it never came so far */
        return;
    basin_close(&t->seen);
    if (t->watching)
        pthread_join(t->watcher, NULL);
    basin_free(&t->seen);
    pthread_mutex_destroy(&t->drain);
    arena_free(&t->prediction);
    for (size_t i = 0; i < 2; i++)
        watch_free(t->watch[i]);
    for (size_t i = 0; i < COUNT_OF(t->former); i++)
        watch_free(t->former[i]);
}
