#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static Status refuse(Error *err, const char *path, const char *verb)
{
    int number = errno;
    (void)error_set(err, STATUS_IO, "cannot %s %s: %s", verb, path, strerror(number));
    if (number == ENOENT)
        (void)error_remedy(err, "check the path; it is taken relative to the current folder");
    else if (number == EISDIR)
        (void)error_remedy(
            err, "it is a folder: give a file, or a pattern of files such as '%s/*.csv'", path);
    else if (number == EACCES)
        (void)error_remedy(err, "check the permissions of the file and its folder");
    return STATUS_IO;
}

Status file_read(Str *out, Arena *keep, const char *path, Error *err)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(err, path, "read");
    struct stat info;
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        if (S_ISDIR(info.st_mode))
            errno = EISDIR;
        Status status = refuse(err, path, "read");
        (void)close(fd);
        return status;
    }
    size_t capacity = info.st_size > 0 ? (size_t)info.st_size + 1 : 65536, size = 0;
    char *data = arena_raw(keep, capacity, 1);
    for (;;) {
        if (size == capacity) {
            data = arena_grow(keep, data, capacity, capacity * 2, 1);
            capacity *= 2;
        }
        ssize_t got = read(fd, data + size, capacity - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            Status status = refuse(err, path, "read");
            (void)close(fd);
            return status;
        }
        if (got == 0)
            break;
        size += (size_t)got;
    }
    (void)close(fd);
    *out = (Str){data, size};
    return STATUS_OK;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_regular(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool file_written(int64_t *time_us, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    *time_us = (int64_t)info.st_mtim.tv_sec * 1000000 + info.st_mtim.tv_nsec / 1000;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t file_glob(const char ***out, Arena *keep, const char *pattern)
{
    glob_t found = {0};
    *out = ARENA_ARRAY(keep, const char *, 1);
    (*out)[0] = pattern;
    if (strpbrk(pattern, "*?[") == NULL || file_exists(pattern) ||
        glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return 1;
    size_t count = found.gl_pathc;
    *out = ARENA_ARRAY(keep, const char *, count);
    for (size_t i = 0; i < count; i++)
        (*out)[i] = str_copy(keep, str_from(found.gl_pathv[i])).data;
    globfree(&found);
    qsort(*out, count, sizeof **out, by_bytes);
    return count;
}

Status file_remove(const char *path, Error *err)
{
    return unlink(path) == 0 || errno == ENOENT ? STATUS_OK : refuse(err, path, "remove");
}

Status folder_make(const char *path, Error *err)
{
    char part[4096];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof part)
        return error_set(err, STATUS_IO, "folder name is empty or too long");
    memcpy(part, path, size + 1);
    for (size_t i = 1; i <= size; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return refuse(err, part, "make the folder");
        part[i] = kept;
    }
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        errno = ENOTDIR;
        return refuse(err, path, "use as a folder");
    }
    return STATUS_OK;
}

const char *path_join(Arena *arena, const char *folder, const char *name)
{
    return str_format(arena, "%s/%s", folder, name).data;
}

Str path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return str_from(slash == NULL ? path : slash + 1);
}

struct Writer {
    FILE *file;
    const char *path;
    const char *part;
    int failed; /* errno of the first failure */
};

Status writer_open(Writer **out, Arena *keep, const char *path, Error *err)
{
    Writer *w = ARENA_NEW(keep, Writer);
    w->path = str_chars(keep, str_from(path));
    w->part = strcmp(path, "-") == 0 ? NULL : str_format(keep, "%s.part", path).data;
    w->file = w->part == NULL ? fdopen(dup(STDOUT_FILENO), "wb") : fopen(w->part, "wbe");
    if (w->file == NULL)
        return refuse(err, path, "write");
    *out = w;
    return STATUS_OK;
}

void writer_add(Writer *w, Str bytes)
{
    if (w->failed == 0 && bytes.size > 0 &&
        fwrite(bytes.data, 1, bytes.size, w->file) != bytes.size)
        w->failed = errno == 0 ? EIO : errno;
}

void writer_format(Writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (w->failed == 0 && vfprintf(w->file, format, args) < 0)
        w->failed = errno == 0 ? EIO : errno;
    va_end(args);
}

bool writer_failed(const Writer *w)
{
    return w->failed != 0;
}

Status writer_close(Writer *w, Error *err)
{
    errno = 0;
    if (fclose(w->file) != 0 && w->failed == 0)
        w->failed = errno;
    if (w->failed == 0 && w->part != NULL && rename(w->part, w->path) != 0)
        w->failed = errno;
    if (w->failed == 0)
        return STATUS_OK;
    if (w->part != NULL)
        (void)unlink(w->part);
    errno = w->failed;
    return refuse(err, w->path, "write");
}

Status file_write(const char *path, Str bytes, Error *err)
{
    Arena own = arena_new();
    Writer *w = NULL;
    Status status = writer_open(&w, &own, path, err);
    if (status == STATUS_OK) {
        writer_add(w, bytes);
        status = writer_close(w, err);
    }
    arena_free(&own);
    return status;
}
