/* lines.c - files line by line, plain or gzip, in bounded memory. */
#include "monitor/monitor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK = 1 << 17, NUMBERS_MAX = 1 << 24 };

struct Lines {
    gzFile file;
    const char *path;
    char *buffer; /* [MONITOR_LINE_MAX + BLOCK] */
    size_t from, to;
    uint64_t number;
    bool ended;
};

Status lines_open(Lines **out, Arena *keep, const char *path, Error *err)
{
    Lines *l = *out = ARENA_NEW(keep, Lines);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    l->path = path;
    l->file = fd < 0 ? NULL : gzdopen(fd, "rb"); /* a plain file is read as it is */
    if (l->file == NULL) {
        error_set(err, STATUS_IO, "this file cannot be opened: %s", strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return error_place(err, path, 0, 0);
    }
    (void)gzbuffer(l->file, BLOCK);
    l->buffer = malloc(MONITOR_LINE_MAX + BLOCK);
    if (l->buffer == NULL) {
        (void)gzclose(l->file);
        return error_set(err, STATUS_IO, "no memory for a line");
    }
    return STATUS_OK;
}

static Status refuse(const Lines *l, Error *err, Status status, const char *what)
{
    (void)error_set(err, status, "%s", what);
    return error_place(err, l->path, (int64_t)l->number, 0);
}

static Status fill(Lines *l, Error *err)
{
    memmove(l->buffer, l->buffer + l->from, l->to - l->from);
    l->to -= l->from;
    l->from = 0;
    int n = gzread(l->file, l->buffer + l->to, BLOCK), code = Z_OK;
    if (n < 0)
        return refuse(l, err, STATUS_FORMAT, "the file is damaged or cannot be read to its end");
    (void)gzerror(l->file, &code);
    if (n == 0 && code == Z_BUF_ERROR)
        return refuse(l, err, STATUS_FORMAT, "the compressed file is cut off");
    l->ended = n == 0;
    l->to += (size_t)n;
    return STATUS_OK;
}

Status lines_next(Lines *l, Str *line, uint64_t *number, Error *err)
{
    for (size_t looked = 0;;) {
        char *at = l->buffer + l->from;
        char *end = memchr(at + looked, '\n', l->to - l->from - looked);
        if (end == NULL && l->ended && l->to == l->from) {
            *line = (Str){NULL, 0};
            return STATUS_OK;
        }
        looked = l->to - l->from;
        if (end != NULL || l->ended || looked > MONITOR_LINE_MAX) {
            size_t size = end != NULL ? (size_t)(end - at) : looked;
            l->number++;
            if (size > MONITOR_LINE_MAX)
                return refuse(l, err, STATUS_LIMIT, "the line is longer than 1 MiB");
            if (end == NULL)
                return refuse(l, err, STATUS_FORMAT,
                              "the last line is not whole: it has no newline");
            *line = (Str){at, size};
            *number = l->number;
            l->from += size + 1;
            return STATUS_OK;
        }
        TRY(fill(l, err));
    }
}

void lines_close(Lines *l)
{
    (void)gzclose(l->file);
    free(l->buffer);
}

/* ---- a set of numbers ---- */

NumberSet number_set(void)
{
    enum { SLOTS = 1 << 14 };
    return (NumberSet){.slot = calloc(SLOTS, sizeof(uint64_t)), .slots = SLOTS};
}

void number_set_free(NumberSet *s)
{
    free(s->slot);
}

static uint64_t *place(uint64_t *slot, size_t slots, uint64_t number)
{
    size_t at = (size_t)number & (slots - 1);
    while (slot[at] != 0 && slot[at] != number)
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

Status number_set_add(NumberSet *s, uint64_t number, bool *added, Error *err)
{
    number += number == 0;
    if (s->slot == NULL)
        return error_set(err, STATUS_IO, "no memory to tell customers apart");
    if (s->count * 2 >= s->slots) {
        if (s->count >= NUMBERS_MAX) {
            (void)error_set(err, STATUS_LIMIT, "more than 16 million customers and decisions");
            return error_remedy(err, "give fewer files, or a shorter --window");
        }
        uint64_t *more = calloc(s->slots * 2, sizeof *more);
        if (more == NULL)
            return error_set(err, STATUS_IO, "no memory to tell customers apart");
        for (size_t i = 0; i < s->slots; i++)
            if (s->slot[i] != 0)
                *place(more, s->slots * 2, s->slot[i]) = s->slot[i];
        free(s->slot);
        s->slot = more;
        s->slots *= 2;
    }
    uint64_t *at = place(s->slot, s->slots, number);
    *added = *at == 0;
    s->count += *added;
    *at = number;
    return STATUS_OK;
}
