/* A file that is written anew while we read must never take the service's keys away: what is read
 * is taken only whole and right, and the old keys stay for those who still verify with them. */
#include "auth/auth_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* A file may be written again within the same tick of its file system's clock; until so long after
 * it was written, looking the same does not mean being the same. */
enum { SETTLED_SECONDS = 2 };

static bool looks_same(const KeyFile *f, const struct stat *info)
{
    return f->looked && f->settled && f->device == info->st_dev && f->inode == info->st_ino &&
           f->bytes == info->st_size && f->written.tv_sec == info->st_mtim.tv_sec &&
           f->written.tv_nsec == info->st_mtim.tv_nsec;
}

static void look(KeyFile *f, const struct stat *info)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    f->looked = true;
    f->settled =
        info->st_mtim.tv_sec > now.tv_sec || now.tv_sec - info->st_mtim.tv_sec >= SETTLED_SECONDS;
    f->device = info->st_dev;
    f->inode = info->st_ino;
    f->bytes = info->st_size;
    f->written = info->st_mtim;
}

static Status refuse_file(KeyFile *f, const char *why, Error *err)
{
    /* Said once: the same file, or its absence, is not complained of again. */
    bool said = f->looked && f->bytes < 0;
    f->looked = true;
    f->settled = false;
    f->bytes = -1;
    if (said && f->now != NULL)
        return STATUS_OK;
    (void)error_set(err, STATUS_IO, "cannot read keys: %s", why);
    return error_place(err, f->path, 0, 0);
}

static void take(KeyFile *f, Keys *k)
{
    for (size_t i = 0; f->auth != NULL && i < k->hashed_keys; i++)
        auth_hash(k->hashed[i].hash, f->auth, k->hashed[i].name);
    k->generation = ++f->generation;
    k->holders = 1; /* the file itself */
    (void)pthread_mutex_lock(&f->lock);
    Keys *old = f->now;
    f->now = k;
    (void)pthread_mutex_unlock(&f->lock);
    if (old != NULL)
        key_file_release(f, old);
}

Status key_file_refresh(KeyFile *f, Error *err)
{
    struct stat info;
    if (stat(f->path, &info) != 0)
        return refuse_file(f, strerror(errno), err);
    if (looks_same(f, &info))
        return STATUS_OK;
    if (!S_ISREG(info.st_mode))
        return refuse_file(f, "it is not a regular file", err);
    if (info.st_size > KEY_FILE_BYTES_MAX)
        return refuse_file(f, "it is larger than 1 MiB", err);
    Arena scratch = arena_new();
    Str text;
    Error unread = {0};
    Status status = file_read(&text, &scratch, f->path, &unread);
    if (status != STATUS_OK) {
        status = refuse_file(f, unread.message, err);
    } else {
        uint8_t content[SHA256_BYTES];
        sha256_bytes(content, text);
        bool same = f->looked && f->bytes >= 0 && memcmp(content, f->content, sizeof content) == 0;
        look(f, &info);
        if (!same) {
            memcpy(f->content, content, sizeof content);
            Keys *k = keys_new();
            status = f->read(k, text, err);
            if (status == STATUS_OK)
                take(f, k);
            else
                keys_free(k);
        }
    }
    arena_free(&scratch);
    /* The reader knows the line, and not the file. */
    if (status != STATUS_OK && err != NULL && err->file[0] == '\0')
        (void)snprintf(err->file, sizeof err->file, "%s", f->path);
    return status;
}

Status key_file_open(KeyFile *f, const char *path, KeysReader *read, const Auth *auth, Error *err)
{
    *f = (KeyFile){.path = path, .read = read, .auth = auth};
    (void)pthread_mutex_init(&f->lock, NULL);
    return key_file_refresh(f, err);
}

void key_file_close(KeyFile *f)
{
    if (f->path == NULL)
        return;
    keys_free(f->now);
    (void)pthread_mutex_destroy(&f->lock);
}

Keys *key_file_hold(KeyFile *f)
{
    (void)pthread_mutex_lock(&f->lock);
    Keys *k = f->now;
    k->holders++;
    (void)pthread_mutex_unlock(&f->lock);
    return k;
}

void key_file_release(KeyFile *f, Keys *k)
{
    (void)pthread_mutex_lock(&f->lock);
    bool last = --k->holders == 0;
    (void)pthread_mutex_unlock(&f->lock);
    if (last)
        keys_free(k);
}
