#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 20 };

static Status refuse(Error *err, const char *path, const char *verb)
{
    int number = errno;
    (void)error_set(err, STATUS_IO, "cannot %s: %s", verb, strerror(number));
    return error_place(err, path, 0, 0);
}

Status file_read_part(Str *out, Arena *keep, const char *path, uint64_t offset, uint64_t bytes,
                      Error *err)
{
    FILE *f = fopen(path, "rbe");
    *out = S("");
    if (f == NULL)
        return refuse(err, path, "read");
    bool there = bytes <= INT64_MAX && offset <= INT64_MAX - bytes && fseeko(f, 0, SEEK_END) == 0 &&
                 (uint64_t)ftello(f) >= offset + bytes && fseeko(f, (off_t)offset, SEEK_SET) == 0;
    char *text = there ? ARENA_RAW(keep, char, bytes + 1) : NULL;
    there = there && fread(text, 1, bytes, f) == bytes;
    (void)fclose(f);
    if (!there) {
        unsigned long long end = offset + bytes;
        (void)error_set(err, STATUS_FORMAT, "the file ends before byte %llu", end);
        return error_place(err, path, 0, 0);
    }
    *out = (Str){text, bytes};
    return STATUS_OK;
}

Status file_sha256(char out[], const char *path, Error *err)
{
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        return refuse(err, path, "read");
    Arena own = arena_new();
    Sha256 *sum = sha256_begin(&own);
    char *piece = ARENA_RAW(&own, char, PIECE);
    size_t n;
    while ((n = fread(piece, 1, PIECE, f)) > 0)
        sha256_add(sum, (Str){piece, n});
    Status status = ferror(f) ? refuse(err, path, "read") : STATUS_OK;
    sha256_end(sum, out);
    (void)fclose(f);
    arena_free(&own);
    return status;
}

struct FileLines {
    FILE *file;
    const char *path;
    char *data;
    size_t from, to, capacity; /* data[from .. to) is read and not yet handed out */
    uint64_t number;
    bool ended, too_long;
    int failed;
};

Status file_lines_open(FileLines **out, Arena *keep, const char *path, Error *err)
{
    FileLines *l = *out = ARENA_NEW(keep, FileLines);
    l->path = str_chars(keep, str_from(path));
    l->file = fopen(path, "rbe");
    if (l->file == NULL)
        return refuse(err, path, "read");
    l->capacity = PIECE;
    l->data = malloc(l->capacity);
    l->failed = l->data == NULL ? ENOMEM : 0;
    return STATUS_OK;
}

/* Room for another piece behind what is there; false: the line is too long, or no memory. */
static bool make_room(FileLines *l)
{
    memmove(l->data, l->data + l->from, l->to - l->from);
    l->to -= l->from;
    l->from = 0;
    if (l->capacity - l->to >= PIECE)
        return true;
    l->too_long = l->to > LINE_BYTES_MAX;
    char *more = l->too_long ? NULL : realloc(l->data, 2 * l->capacity + PIECE);
    if (more == NULL) {
        l->failed = l->too_long ? 0 : ENOMEM;
        return false;
    }
    l->data = more;
    l->capacity = 2 * l->capacity + PIECE;
    return true;
}

bool file_lines_next(FileLines *l, FileLine *out)
{
    size_t looked = 0; /* of what is there, no newline */
    while (l->failed == 0 && !l->too_long) {
        const char *end = l->to - l->from == looked
                              ? NULL
                              : memchr(l->data + l->from + looked, '\n', l->to - l->from - looked);
        if (end != NULL || (l->ended && l->to > l->from)) {
            size_t size = end == NULL ? l->to - l->from : (size_t)(end - (l->data + l->from));
            *out = (FileLine){{l->data + l->from, size}, ++l->number, end != NULL};
            l->from += size + (end != NULL);
            return true;
        }
        if (l->ended)
            return false;
        looked = l->to - l->from;
        if (!make_room(l))
            return false;
        size_t n = fread(l->data + l->to, 1, PIECE, l->file);
        l->to += n;
        if (n == 0 && ferror(l->file))
            l->failed = errno == 0 ? EIO : errno;
        l->ended = n == 0;
    }
    return false;
}

Status file_lines_close(FileLines *l, Error *err)
{
    (void)fclose(l->file);
    free(l->data);
    if (l->too_long) {
        (void)error_set(err, STATUS_LIMIT, "a line is longer than %d bytes", LINE_BYTES_MAX);
        return error_place(err, l->path, (int64_t)l->number + 1, 0);
    }
    errno = l->failed;
    return l->failed != 0 ? refuse(err, l->path, "read") : STATUS_OK;
}
