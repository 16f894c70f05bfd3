#include "serve/objects_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yyjson.h>

enum { NAME_MAX_BYTES = 1024, BUCKET_MIN = 3, BUCKET_MAX = 222 };

struct ObjectReader {
    bool cloud;
    uint64_t size;
    char version[96];
    LocalReader local;
    CloudReader remote;
};

struct ObjectWriter {
    bool cloud;
    uint64_t size, saved;
    LocalWriter local;
    CloudWriter remote;
};

bool object_split(Str name, Str *bucket, Str *object)
{
    if (!str_starts(name, S("gs://")))
        return false;
    Str rest = str_slice(name, 5, name.size);
    const char *slash = memchr(rest.data, '/', rest.size);
    size_t at = slash == NULL ? rest.size : (size_t)(slash - rest.data);
    *bucket = str_slice(rest, 0, at);
    *object = slash == NULL ? S("") : str_slice(rest, at + 1, rest.size);
    return true;
}

static bool is_bucket(Str s)
{
    bool fine = s.size >= BUCKET_MIN && s.size <= BUCKET_MAX;
    for (size_t i = 0; i < s.size && fine; i++)
        fine = (s.data[i] >= 'a' && s.data[i] <= 'z') || (s.data[i] >= '0' && s.data[i] <= '9') ||
               s.data[i] == '-' || s.data[i] == '_' || s.data[i] == '.';
    return fine;
}

static char *join(Str a, const char *b)
{
    size_t n = strlen(b);
    char *text = malloc(a.size + n + 1);
    if (text != NULL) {
        memcpy(text, a.data, a.size);
        memcpy(text + a.size, b, n + 1);
    }
    return text;
}

Status objects_open(Objects **out, const ObjectsSettings *settings, Error *err)
{
    *out = NULL;
    for (size_t i = 0; settings->objects != NULL && settings->objects[i] != NULL; i++) {
        Str bucket, object;
        if (!object_split(str_from(settings->objects[i]), &bucket, &object) || !is_bucket(bucket)) {
            (void)error_set(err, STATUS_USAGE, "%s is no place in object storage",
                            settings->objects[i]);
            return error_remedy(err, "write gs://BUCKET/ or gs://BUCKET/FOLDER/");
        }
    }
    Objects *o = calloc(1, sizeof *o);
    if (o == NULL)
        return error_set(err, STATUS_IO, "no memory for jobs");
    o->settings = *settings;
    o->settings.wait_ms = settings->wait_ms > 0 ? settings->wait_ms : 250;
    o->settings.tries = settings->tries > 0 ? settings->tries : 6;
    o->folder = -1;
    (void)pthread_mutex_init(&o->lock, NULL);
    const char *emulator = getenv("STORAGE_EMULATOR_HOST");
    o->emulator = emulator != NULL && emulator[0] != '\0';
    Str host = str_from(o->emulator ? emulator : "https://storage.googleapis.com");
    while (host.size > 0 && host.data[host.size - 1] == '/')
        host.size--;
    char *end = join(host, "");
    bool schemed = str_starts(host, S("http://")) || str_starts(host, S("https://"));
    if (!schemed && end != NULL) {
        char *whole = join(S("http://"), end);
        free(end);
        end = whole;
    }
    o->endpoint = end;
    if (settings->folder != NULL)
        o->folder = open(settings->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (o->endpoint == NULL || (settings->folder != NULL && o->folder < 0)) {
        Status status =
            error_set(err, STATUS_IO, "cannot use the folder of jobs %s: %s",
                      settings->folder != NULL ? settings->folder : "", strerror(errno));
        objects_close(o);
        return status;
    }
    *out = o;
    return STATUS_OK;
}

void objects_close(Objects *o)
{
    if (o == NULL)
        return;
    if (o->folder >= 0)
        (void)close(o->folder);
    (void)pthread_mutex_destroy(&o->lock);
    free((void *)(uintptr_t)o->endpoint);
    free(o);
}

static Status allow_object(const Objects *o, Str name, Str bucket, Str object, Error *err)
{
    if (!is_bucket(bucket) || object.size == 0 || object.data[object.size - 1] == '/')
        return error_set(err, STATUS_USAGE, "it is no gs://BUCKET/OBJECT");
    for (size_t i = 0; o->settings.objects != NULL && o->settings.objects[i] != NULL; i++) {
        Str prefix = str_from(o->settings.objects[i]), b, rest;
        (void)object_split(prefix, &b, &rest);
        /* A prefix without a slash at its end is a bucket or a folder none the less. */
        if (str_equal(bucket, b) && str_starts(object, rest) &&
            (rest.size == 0 || rest.data[rest.size - 1] == '/' ||
             (object.size > rest.size && object.data[rest.size] == '/')))
            return STATUS_OK;
    }
    (void)name;
    return error_set(err, STATUS_USAGE, "jobs may not use this place in object storage");
}

Status objects_allow(const Objects *o, Str name, Error *err)
{
    Str bucket, object;
    bool plain = name.size > 0 && name.size <= NAME_MAX_BYTES && str_valid_utf8(name);
    for (size_t i = 0; i < name.size && plain; i++)
        plain = (unsigned char)name.data[i] >= ' ' && name.data[i] != 127;
    if (!plain)
        return error_set(err, STATUS_USAGE, "it is empty, too long, or holds control characters");
    if (object_split(name, &bucket, &object))
        return allow_object(o, name, bucket, object, err);
    if (str_contains(name, S("://")))
        return error_set(err, STATUS_USAGE, "only gs:// is known of object storage");
    if (o->folder < 0)
        return error_set(err, STATUS_USAGE,
                         "this service has no folder for jobs; give a gs:// URL");
    for (size_t from = 0; from <= name.size;) {
        const char *slash = memchr(name.data + from, '/', name.size - from);
        size_t to = slash == NULL ? name.size : (size_t)(slash - name.data);
        if (to == from || to - from > 180 || name.data[from] == '.')
            return error_set(
                err, STATUS_USAGE,
                "a path goes down from the folder of jobs, like july/in.ndjson, and no "
                "part of it begins with a dot");
        from = to + 1;
    }
    return STATUS_OK;
}

/* ---- reading ---- */

Status object_reader_open(ObjectReader **out, Objects *o, Str name, uint64_t offset, Str version,
                          const atomic_bool *stop, Error *err)
{
    Str bucket, object;
    *out = NULL;
    TRY(objects_allow(o, name, err));
    ObjectReader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_set(err, STATUS_IO, "no memory to read the input");
    r->cloud = object_split(name, &bucket, &object);
    r->local.fd = -1;
    Status status = r->cloud ? cloud_reader_open(&r->remote, o, bucket, object, offset, &r->size,
                                                 r->version, sizeof r->version, stop, err)
                             : local_reader_open(&r->local, o, name, offset, &r->size, r->version,
                                                 sizeof r->version, err);
    if (status == STATUS_OK && version.size > 0 && !str_equal(version, str_from(r->version)))
        status = error_set(err, STATUS_DATA, "the input has changed since the job began");
    if (status != STATUS_OK) {
        object_reader_close(r);
        return status;
    }
    *out = r;
    return STATUS_OK;
}

uint64_t object_reader_size(const ObjectReader *r)
{
    return r->size;
}

Str object_reader_version(const ObjectReader *r)
{
    return str_from(r->version);
}

Status object_reader_read(ObjectReader *r, size_t *got, char *into, size_t room, Error *err)
{
    return r->cloud ? cloud_reader_read(&r->remote, got, into, room, err)
                    : local_reader_read(&r->local, got, into, room, err);
}

void object_reader_close(ObjectReader *r)
{
    if (r == NULL)
        return;
    if (r->cloud)
        cloud_reader_close(&r->remote);
    else
        local_reader_close(&r->local);
    free(r);
}

/* ---- writing ---- */

/* {"bytes": 123, "whole": true, "parts": [["attempt", 12], ...]} */
typedef struct Saved {
    uint64_t bytes;
    bool whole;
    CloudAttempt *attempt;
    size_t attempts;
} Saved;

static Status read_saved(Saved *out, Str text, Error *err)
{
    yyjson_doc *doc = yyjson_read(text.data, text.size, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *bytes = yyjson_obj_get(root, "bytes");
    yyjson_val *parts = yyjson_obj_get(root, "parts"), *part;
    size_t i, most, count = yyjson_arr_size(parts);
    bool fine = yyjson_is_uint(bytes) && count <= CLOUD_ATTEMPTS_MAX;
    out->bytes = yyjson_get_uint(bytes);
    out->whole = yyjson_get_bool(yyjson_obj_get(root, "whole"));
    out->attempt = fine ? calloc(count + 1, sizeof *out->attempt) : NULL;
    fine = fine && out->attempt != NULL;
    if (fine) {
        yyjson_arr_foreach(parts, i, most, part)
        {
            const char *name = yyjson_get_str(yyjson_arr_get_first(part));
            fine = fine && name != NULL && strlen(name) < sizeof out->attempt->name;
            if (!fine)
                break;
            (void)snprintf(out->attempt[i].name, sizeof out->attempt[i].name, "%s", name);
            out->attempt[i].parts = yyjson_get_uint(yyjson_arr_get(part, 1));
        }
    }
    out->attempts = fine ? count : 0;
    yyjson_doc_free(doc);
    return fine
               ? STATUS_OK
               : error_set(err, STATUS_DATA, "what the job has saved of its output makes no sense");
}

Status object_writer_open(ObjectWriter **out, Objects *o, Str name, Str job, Str saved,
                          const atomic_bool *stop, Error *err)
{
    Str bucket, object;
    Saved s = {0};
    *out = NULL;
    TRY(objects_allow(o, name, err));
    if (saved.size > 0)
        TRY(read_saved(&s, saved, err));
    ObjectWriter *w = calloc(1, sizeof *w);
    if (w == NULL) {
        free(s.attempt);
        return error_set(err, STATUS_IO, "no memory to write the output");
    }
    w->cloud = object_split(name, &bucket, &object);
    w->local.fd = w->local.folder = -1;
    w->size = w->saved = s.bytes;
    Status status = w->cloud ? cloud_writer_open(&w->remote, o, bucket, object, job, s.attempt,
                                                 s.attempts, saved.size > 0, stop, err)
                             : local_writer_open(&w->local, o, name, job, saved.size > 0, s.bytes,
                                                 s.whole, err);
    free(s.attempt);
    if (status != STATUS_OK) {
        object_writer_close(w);
        return status;
    }
    *out = w;
    return STATUS_OK;
}

Status object_writer_add(ObjectWriter *w, Str bytes, Error *err)
{
    TRY(w->cloud ? cloud_writer_add(&w->remote, bytes, err)
                 : local_writer_add(&w->local, bytes, err));
    w->size += bytes.size;
    return STATUS_OK;
}

Status object_writer_save(ObjectWriter *w, Str *saved, Arena *keep, bool whole, Error *err)
{
    TRY(w->cloud ? cloud_writer_save(&w->remote, err) : local_writer_save(&w->local, err));
    w->saved = w->size;
    Buffer b = buffer_new(keep);
    buffer_format(&b, "{\"bytes\":%llu,\"whole\":%s,\"parts\":[", (unsigned long long)w->size,
                  whole ? "true" : "false");
    for (size_t i = 0; w->cloud && i < w->remote.attempts; i++)
        buffer_format(&b, "%s[\"%s\",%llu]", i > 0 ? "," : "", w->remote.attempt[i].name,
                      (unsigned long long)w->remote.attempt[i].parts);
    buffer_add(&b, S("]}"));
    *saved = buffer_str(&b);
    return STATUS_OK;
}

uint64_t object_writer_size(const ObjectWriter *w)
{
    return w->size;
}

uint64_t object_writer_unsaved(const ObjectWriter *w)
{
    return w->size - w->saved;
}

Status object_writer_finish(ObjectWriter *w, Error *err)
{
    return w->cloud ? cloud_writer_finish(&w->remote, w->size, err)
                    : local_writer_finish(&w->local, err);
}

void object_writer_clean(ObjectWriter *w)
{
    if (w->cloud)
        cloud_writer_clean(&w->remote);
    else
        local_writer_clean(&w->local);
}

void object_writer_close(ObjectWriter *w)
{
    if (w == NULL)
        return;
    if (w->cloud)
        cloud_writer_close(&w->remote);
    else
        local_writer_close(&w->local);
    free(w);
}
