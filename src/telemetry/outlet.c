/* outlet.c - whole lines on their way to a file, a pipe or a terminal.
 *
 * A thread of its own writes them. A pipe is written to only when it has room, in pieces of at most
 * PIPE_BUF bytes, so that a reader who has stopped reading keeps nobody, not even this thread, and
 * the descriptor keeps its flags, which others may share. A file of our own is cut back to its last
 * whole line when the disk is full; one that we were given may hold other people's bytes, so it
 * keeps the half line, and a newline ends that before the next one.
 */
#include "telemetry/telemetry_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 50, LAST_MS = 2000, HALF_LINE = 1 << 20 };

static uint64_t lines_in(Str s)
{
    uint64_t n = 0;
    for (const char *p = s.data; (p = memchr(p, '\n', (size_t)(s.data + s.size - p))) != NULL; p++)
        n++;
    return n;
}

/* ---- files ---- */

/* What a process that was killed left of a line is not one. */
static void cut_half_line(int fd, uint64_t *size)
{
    char block[4096];
    uint64_t end = *size, least = end > HALF_LINE ? end - HALF_LINE : 0;
    while (end > least) {
        size_t n = end - least < sizeof block ? (size_t)(end - least) : sizeof block;
        if (pread(fd, block, n, (off_t)(end - n)) != (ssize_t)n)
            return;
        for (size_t i = n; i > 0; i--)
            if (block[i - 1] == '\n') {
                end = end - n + i;
                if (end != *size && ftruncate(fd, (off_t)end) == 0)
                    *size = end;
                return;
            }
        end -= n;
    }
    if (end == 0 && *size > 0 && ftruncate(fd, 0) == 0)
        *size = 0;
}

static bool open_file(Outlet *o)
{
    struct stat s;
    o->fd = open(o->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (o->fd < 0)
        return false;
    if (fstat(o->fd, &s) != 0) {
        (void)close(o->fd);
        o->fd = -1;
        return false;
    }
    o->regular = S_ISREG(s.st_mode);
    o->half = false;
    o->size = o->regular ? (uint64_t)s.st_size : 0;
    if (o->regular && o->size > 0)
        cut_half_line(o->fd, &o->size);
    return true;
}

static void rotated_name(char out[PATH_MAX], const char *path, int number)
{
    (void)snprintf(out, PATH_MAX, "%s.%d", path, number);
}

/* FILE becomes FILE.1, that FILE.2 and so on; the last one goes. When a name cannot be changed (the
 * folder is not ours, the disk is broken) the file goes on growing: nothing is lost. */
static void rotate(Outlet *o)
{
    char from[PATH_MAX], to[PATH_MAX];
    for (int i = o->keep; i > 1; i--) {
        rotated_name(from, o->path, i - 1);
        rotated_name(to, o->path, i);
        (void)rename(from, to);
    }
    rotated_name(to, o->path, 1);
    if (rename(o->path, to) != 0)
        return;
    int old = o->fd;
    uint64_t size = o->size;
    if (open_file(o))
        (void)close(old);
    else {
        o->fd = old;
        o->size = size;
    }
}

/* Somebody else has moved the file away: go on under its name. */
static void follow_name(Outlet *o)
{
    struct stat here, there;
    if (o->fd >= 0 && fstat(o->fd, &here) == 0 && stat(o->path, &there) == 0 &&
        here.st_ino == there.st_ino && here.st_dev == there.st_dev)
        return;
    int old = o->fd;
    if (!open_file(o)) {
        o->fd = old;
        return;
    }
    if (old >= 0)
        (void)close(old);
}

static size_t write_some(int fd, Str bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t n = write(fd, bytes.data + done, bytes.size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static void write_file(Outlet *o, Str lines)
{
    if (o->half && write_some(o->fd, S("\n")) == 1) {
        o->half = false;
        o->size++;
    }
    size_t done = o->half ? 0 : write_some(o->fd, lines), whole = done;
    while (whole > 0 && lines.data[whole - 1] != '\n')
        whole--;
    if (whole < done && (o->path == NULL || ftruncate(o->fd, (off_t)(o->size + whole)) != 0)) {
        o->half = true;
        o->size += done - whole;
    }
    o->size += whole;
    o->written += lines_in((Str){lines.data, whole});
    o->dropped_failed += lines_in((Str){lines.data + whole, lines.size - whole});
}

/* Some lines, as many as fit into the file before it is rotated. */
static void write_rotated(Outlet *o, Str lines)
{
    while (lines.size > 0) {
        size_t part = lines.size;
        if (o->size > 0 && o->size + part > o->bytes_max) {
            size_t room = o->bytes_max > o->size ? (size_t)(o->bytes_max - o->size) : 0;
            const char *end = room == 0 ? NULL : memrchr(lines.data, '\n', room);
            if (end == NULL) {
                rotate(o);
                if (o->size > 0) { /* it could not be */
                    write_file(o, lines);
                    return;
                }
                continue;
            }
            part = (size_t)(end - lines.data) + 1;
        } else if (part > o->bytes_max) { /* more than a whole file */
            const char *end = memrchr(lines.data, '\n', (size_t)o->bytes_max);
            if (end == NULL)
                end = memchr(lines.data, '\n', lines.size); /* one long line: a file of its own */
            part = (size_t)(end - lines.data) + 1;
        }
        write_file(o, (Str){lines.data, part});
        lines = (Str){lines.data + part, lines.size - part};
    }
}

/* ---- pipes and terminals ---- */

/* The lines that fit into one piece; of a longer line a part. */
static size_t piece_of(Str lines)
{
    if (lines.size <= PIPE_BUF)
        return lines.size;
    const char *end = memrchr(lines.data, '\n', PIPE_BUF);
    return end == NULL ? PIPE_BUF : (size_t)(end - lines.data) + 1;
}

static void write_pipe(Outlet *o, Str lines)
{
    int64_t last = 0;
    while (lines.size > 0) {
        struct pollfd p = {.fd = o->fd, .events = POLLOUT};
        int ready = poll(&p, 1, WAIT_MS);
        if (ready > 0 && (p.revents & POLLOUT) != 0 && (p.revents & (POLLERR | POLLNVAL)) == 0) {
            ssize_t n = write(o->fd, lines.data, piece_of(lines));
            if (n > 0) {
                o->written += lines_in((Str){lines.data, (size_t)n});
                lines = (Str){lines.data + n, lines.size - (size_t)n};
                continue;
            }
            if (errno != EAGAIN && errno != EINTR)
                break;
        } else if (ready > 0)
            break; /* nobody reads it any more */
        pthread_mutex_lock(&o->basin.lock);
        bool closing = o->basin.closing;
        pthread_mutex_unlock(&o->basin.lock);
        if (closing && last == 0)
            last = clock_monotonic_us() + LAST_MS * INT64_C(1000);
        if (last != 0 && clock_monotonic_us() > last)
            break;
    }
    o->dropped_failed += lines_in(lines);
}

/* ---- the thread ---- */

static void *write_all(void *context)
{
    Outlet *o = context;
    for (bool closing = false; !closing;) {
        closing = basin_wait(&o->basin, WAIT_MS);
        Str lines = basin_take(&o->basin, 0);
        if (lines.size == 0)
            continue;
        if (o->path != NULL)
            follow_name(o);
        if (o->path != NULL && o->regular)
            write_rotated(o, lines);
        else if (o->regular)
            write_file(o, lines);
        else
            write_pipe(o, lines);
    }
    return NULL;
}

Status outlet_open(Outlet *o, const char *path, int fd, uint64_t bytes_max, int keep,
                   size_t capacity, Error *err)
{
    struct stat s;
    *o = (Outlet){.fd = fd, .path = path, .bytes_max = bytes_max, .keep = keep};
    if (path != NULL && !open_file(o)) {
        error_set(err, STATUS_IO, "this file cannot be opened for writing: %s", strerror(errno));
        return error_place(err, path, 0, 0);
    }
    /* A file that we were given: what is in it is somebody else's, and it is never cut. */
    if (path == NULL)
        o->regular = fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
    basin_init(&o->basin, capacity);
    /* Signals are other threads' business, and of a closed pipe the write itself tells. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&o->thread, NULL, write_all, o);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    o->started = failed == 0;
    return failed == 0 ? STATUS_OK
                       : error_set(err, STATUS_IO, "no thread could be started to write lines: %s",
                                   strerror(failed));
}

void outlet_close(Outlet *o)
{
    if (o->basin.capacity == 0) /* it was never opened */
        return;
    basin_close(&o->basin);
    if (o->started)
        pthread_join(o->thread, NULL);
    basin_free(&o->basin);
    if (o->path != NULL && o->fd >= 0)
        (void)close(o->fd);
}

void outlet_add(Outlet *o, Str line)
{
    if (!basin_add(&o->basin, line.data, line.size))
        atomic_fetch_add_explicit(&o->dropped_full, 1, memory_order_relaxed);
}
