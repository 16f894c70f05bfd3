/* basin.c - bytes that many threads put in and one takes out. */
#include "telemetry/telemetry_internal.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <assert.h>

static char *pages(size_t size)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    assert(p != MAP_FAILED); /* when the service starts, never later */
    return p;
}

void basin_init(Basin *b, size_t capacity)
{
    pthread_condattr_t monotonic;
    *b = (Basin){.fill = pages(capacity), .other = pages(capacity), .capacity = capacity};
    pthread_mutex_init(&b->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&b->more, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void basin_free(Basin *b)
{
    munmap(b->fill, b->capacity);
    munmap(b->other, b->capacity);
    pthread_cond_destroy(&b->more);
    pthread_mutex_destroy(&b->lock);
}

bool basin_add(Basin *b, const void *bytes, size_t size)
{
    pthread_mutex_lock(&b->lock);
    bool fits = size <= b->capacity - b->filled;
    if (fits) {
        memcpy(b->fill + b->filled, bytes, size);
        b->filled += size;
    }
    /* Who empties it looks by itself every while; only a filling basin calls. */
    if (b->waiting && b->filled > b->capacity / 2) {
        b->waiting = false;
        pthread_cond_signal(&b->more);
    }
    pthread_mutex_unlock(&b->lock);
    return fits;
}

static Str swap(Basin *b)
{
    Str full = {b->fill, b->filled};
    b->fill = b->other;
    b->other = (char *)(uintptr_t)full.data;
    b->filled = 0;
    return full;
}

static void wait_half(Basin *b, int wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)wait_ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    b->waiting = true;
    while (!b->closing && b->filled <= b->capacity / 2)
        if (pthread_cond_timedwait(&b->more, &b->lock, &until) != 0)
            break;
    b->waiting = false;
}

bool basin_wait(Basin *b, int wait_ms)
{
    pthread_mutex_lock(&b->lock);
    wait_half(b, wait_ms);
    bool closing = b->closing;
    pthread_mutex_unlock(&b->lock);
    return closing;
}

Str basin_take(Basin *b, int wait_ms)
{
    pthread_mutex_lock(&b->lock);
    if (wait_ms > 0)
        wait_half(b, wait_ms);
    Str full = swap(b);
    pthread_mutex_unlock(&b->lock);
    return full;
}

void basin_close(Basin *b)
{
    pthread_mutex_lock(&b->lock);
    b->closing = true;
    pthread_cond_signal(&b->more);
    pthread_mutex_unlock(&b->lock);
}
