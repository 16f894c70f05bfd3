/* Files under one folder. Every step of a path is opened by its own name, from the folder before
 * it, and no link is followed: so nothing that a caller names, and nothing that somebody puts there
 * meanwhile, leads out of the folder. */
#include "serve/objects_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static Status refuse(Error *err, const char *verb, Str path)
{
    int number = errno;
    Status status = number == ENOENT || number == ELOOP || number == ENOTDIR || number == EISDIR
                        ? STATUS_DATA
                        : STATUS_IO;
    /* A link is not told from what is not there: neither is for a job. */
    const char *why =
        number == ELOOP || number == ENOTDIR ? "No such file or directory" : strerror(number);
    return error_set(err, status, "cannot %s %.*s: %s", verb, STR_ARG(path), why);
}

/* The folder of the path, open, and the last name; -1 with errno. */
static int walk(const Objects *o, Str path, char *name, size_t room)
{
    int at = fcntl(o->folder, F_DUPFD_CLOEXEC, 0);
    size_t from = 0;
    while (at >= 0) {
        const char *slash = memchr(path.data + from, '/', path.size - from);
        size_t to = slash == NULL ? path.size : (size_t)(slash - path.data);
        if (to - from == 0 || to - from >= room || path.data[from] == '.') {
            (void)close(at);
            errno = ENOENT;
            return -1;
        }
        memcpy(name, path.data + from, to - from);
        name[to - from] = '\0';
        if (slash == NULL)
            return at;
        int next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int number = errno;
        (void)close(at);
        errno = number;
        at = next;
        from = to + 1;
    }
    return at;
}

Status local_reader_open(LocalReader *r, const Objects *o, Str path, uint64_t offset,
                         uint64_t *size, char *version, size_t version_room, Error *err)
{
    char name[256];
    struct stat info;
    int folder = walk(o, path, name, sizeof name);
    if (folder < 0)
        return refuse(err, "read", path);
    /* Without O_NONBLOCK a pipe would hold us up for good. */
    r->fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int number = errno;
    (void)close(folder);
    errno = number;
    if (r->fd < 0)
        return refuse(err, "read", path);
    if (fstat(r->fd, &info) != 0 || !S_ISREG(info.st_mode))
        return error_set(err, STATUS_DATA, "cannot read %.*s: it is not a file", STR_ARG(path));
    *size = (uint64_t)info.st_size;
    (void)snprintf(version, version_room, "%llx-%llx-%lld-%lld.%09ld",
                   (unsigned long long)info.st_dev, (unsigned long long)info.st_ino,
                   (long long)info.st_size, (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    if (lseek(r->fd, (off_t)offset, SEEK_SET) < 0)
        return refuse(err, "read", path);
    return STATUS_OK;
}

Status local_reader_read(LocalReader *r, size_t *got, char *into, size_t room, Error *err)
{
    ssize_t n;
    do
        n = read(r->fd, into, room);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set(err, STATUS_IO, "cannot read the input: %s", strerror(errno));
    *got = (size_t)n;
    return STATUS_OK;
}

void local_reader_close(LocalReader *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
}

static Status not_written(Error *err)
{
    return error_set(err, STATUS_IO, "cannot write the output: %s", strerror(errno));
}

/* Has somebody given it its name already? Only this job does, once all is saved. */
static bool is_named(const LocalWriter *w, uint64_t size)
{
    struct stat info;
    return fstatat(w->folder, w->name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
           (uint64_t)info.st_size == size;
}

Status local_writer_open(LocalWriter *w, const Objects *o, Str path, Str job, bool going_on,
                         uint64_t size, bool whole, Error *err)
{
    struct stat info;
    w->fd = -1;
    w->folder = walk(o, path, w->name, sizeof w->name - 64);
    if (w->folder < 0)
        return refuse(err, "write", path);
    int n = snprintf(w->part, sizeof w->part, ".%s.assay-%.*s", w->name, STR_ARG(job));
    if (n < 0 || n > 255)
        return error_set(err, STATUS_USAGE, "the name of the output is too long");
    bool there = fstatat(w->folder, w->name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!going_on && there)
        return error_set(err, STATUS_DATA, "there is a file %.*s already", STR_ARG(path));
    int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (going_on ? 0 : O_CREAT);
    w->fd = openat(w->folder, w->part, flags, 0666);
    if (w->fd < 0 && errno == ENOENT && going_on && whole && is_named(w, size)) {
        w->done = true;
        w->size = size;
        return STATUS_OK;
    }
    if (w->fd < 0 && errno == ENOENT && going_on)
        return error_set(err, STATUS_DATA, "what was written of %.*s is gone", STR_ARG(path));
    if (w->fd < 0)
        return refuse(err, "write", path);
    /* A process that the others take for dead may still be writing. While it lives it holds this.
     */
    if (flock(w->fd, LOCK_EX | LOCK_NB) != 0)
        return error_set(err, errno == EWOULDBLOCK ? STATUS_GATE : STATUS_IO,
                         "another process still writes %.*s", STR_ARG(path));
    if (fstat(w->fd, &info) != 0 || !S_ISREG(info.st_mode))
        return error_set(err, STATUS_DATA, "cannot write %.*s: it is not a file", STR_ARG(path));
    if ((uint64_t)info.st_size < size)
        return error_set(err, STATUS_DATA, "what was written of %.*s is not whole any more",
                         STR_ARG(path));
    if (ftruncate(w->fd, (off_t)size) != 0 || lseek(w->fd, (off_t)size, SEEK_SET) < 0)
        return not_written(err);
    w->size = size;
    return STATUS_OK;
}

Status local_writer_add(LocalWriter *w, Str bytes, Error *err)
{
    while (bytes.size > 0) {
        ssize_t n = write(w->fd, bytes.data, bytes.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return not_written(err);
        w->size += (uint64_t)n;
        bytes.data += n;
        bytes.size -= (size_t)n;
    }
    return STATUS_OK;
}

Status local_writer_save(LocalWriter *w, Error *err)
{
    return w->done || fdatasync(w->fd) == 0 ? STATUS_OK : not_written(err);
}

Status local_writer_finish(LocalWriter *w, Error *err)
{
    if (w->done)
        return STATUS_OK;
    if (fsync(w->fd) != 0)
        return not_written(err);
    /* A hard link fails where the name is taken; a rename would put ours in its place. */
    if (linkat(w->folder, w->part, w->folder, w->name, 0) != 0) {
        if (errno != EEXIST)
            return not_written(err);
        struct stat ours, theirs;
        bool same = fstat(w->fd, &ours) == 0 &&
                    fstatat(w->folder, w->name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
                    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
        if (!same)
            return error_set(err, STATUS_DATA, "there is a file %s already", w->name);
    }
    (void)unlinkat(w->folder, w->part, 0);
    int folder = openat(w->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        (void)fsync(folder); /* not every file system can */
        (void)close(folder);
    }
    w->done = true;
    return STATUS_OK;
}

void local_writer_clean(LocalWriter *w)
{
    if (!w->done && w->folder >= 0 && w->fd >= 0)
        (void)unlinkat(w->folder, w->part, 0);
}

void local_writer_close(LocalWriter *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    if (w->folder >= 0)
        (void)close(w->folder);
    w->fd = w->folder = -1;
}
