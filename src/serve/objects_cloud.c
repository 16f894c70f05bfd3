/* Objects of Google's Cloud Storage, through its JSON API.
 *
 * Input is read in blocks of one generation of the object. Output is written in parts, each an
 * object of its own under OUTPUT.assay-JOB/, with a name that no other attempt at the job uses; the
 * job's record in the database says which parts count. So an attempt that was taken for dead can
 * spoil nothing, and what was not saved is simply not composed. A part goes up in a resumable
 * upload, in chunks of 2 MiB: after a fault only what did not arrive is sent again.
 */
#include "serve/objects_internal.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <yyjson.h>

enum {
    BLOCK = 4 << 20,
    CHUNK = 8 * (256 << 10), /* a multiple of 256 KiB, as the API asks */
    COMPOSE_MAX = 32,
    CALL_MS = 60000,
    REPLY = 1 << 16,
    NAME_HEX = 16
};

/* ---- the token ---- */

static Status token_of(Objects *o, Fetcher *f, char out[], size_t room, Error *err)
{
    if (o->emulator) {
        out[0] = '\0';
        return STATUS_OK;
    }
    (void)pthread_mutex_lock(&o->lock);
    Status status = STATUS_OK;
    if (o->token[0] == '\0' || clock_monotonic_us() >= o->token_until_us) {
        char url[512], body[8192];
        const char *host = getenv("GCE_METADATA_HOST");
        (void)snprintf(url, sizeof url,
                       "http://%s/computeMetadata/v1/instance/service-accounts/default/token",
                       host != NULL && host[0] != '\0' ? host : "metadata.google.internal");
        Fetch x = {.method = "GET",
                   .url = url,
                   .header = {"Metadata-Flavor: Google"},
                   .timeout_ms = 5000,
                   .direct = true,
                   .into = body,
                   .room = sizeof body};
        yyjson_doc *doc = NULL;
        if (fetch(f, &x) && x.status == 200 && !x.cut)
            doc = yyjson_read(body, x.got, 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        const char *token = yyjson_get_str(yyjson_obj_get(root, "access_token"));
        int64_t seconds = yyjson_get_sint(yyjson_obj_get(root, "expires_in"));
        int n = token == NULL
                    ? -1
                    : snprintf(o->token, sizeof o->token, "Authorization: Bearer %s", token);
        if (n < 0 || (size_t)n >= sizeof o->token || strpbrk(o->token, "\r\n") != NULL) {
            o->token[0] = '\0';
            status = error_set(err, STATUS_IO, "the metadata server gave no token");
        }
        /* A minute early, as it may be used for that long. */
        o->token_until_us = clock_monotonic_us() + (seconds > 120 ? seconds - 60 : 60) * SECOND_US;
        yyjson_doc_free(doc);
    }
    (void)snprintf(out, room, "%s", o->token);
    (void)pthread_mutex_unlock(&o->lock);
    return status;
}

static void token_forget(Objects *o)
{
    (void)pthread_mutex_lock(&o->lock);
    o->token[0] = '\0';
    (void)pthread_mutex_unlock(&o->lock);
}

/* ---- calls ---- */

/* Once, with the token put among the headers. */
static Status ask(Objects *o, Fetcher *f, Fetch *x, Error *err)
{
    char token[sizeof o->token];
    size_t at = 0;
    TRY(token_of(o, f, token, sizeof token, err));
    while (at < FETCH_HEADERS_MAX - 1 && x->header[at] != NULL)
        at++;
    x->header[at] = token[0] != '\0' ? token : NULL;
    x->timeout_ms = CALL_MS;
    (void)fetch(f, x);
    x->header[at] = NULL;
    if (x->status == 401)
        token_forget(o);
    return STATUS_OK;
}

static bool stopped(const atomic_bool *stop)
{
    return stop != NULL && atomic_load(stop);
}

/* Wait before the next try; false: there is none. */
static bool wait_again(const Objects *o, const Fetch *x, int tries, const atomic_bool *stop)
{
    enum { MOST_MS = 16000, RETRY_AFTER_MOST = 60 };
    if (tries >= o->settings.tries)
        return false;
    int64_t ms = fetch_wait_ms(tries, o->settings.wait_ms, MOST_MS);
    if (x->retry_seconds > 0 && x->retry_seconds <= RETRY_AFTER_MOST &&
        ms < x->retry_seconds * 1000)
        ms = x->retry_seconds * 1000;
    return fetch_sleep(ms, stop);
}

static Status refusal(const Fetch *x, const atomic_bool *stop, const char *what, Error *err)
{
    if (stopped(stop))
        return error_set(err, STATUS_STOPPED, "stopped");
    if (x->status == 0)
        return error_set(err, STATUS_IO, "cannot %s: object storage cannot be reached (%s)", what,
                         x->failure);
    if (x->status == 404)
        return error_set(err, STATUS_DATA, "cannot %s: there is no such object or bucket", what);
    if (x->status == 401 || x->status == 403)
        return error_set(err, STATUS_USAGE,
                         "cannot %s: the service's account may not do that there (%d)", what,
                         x->status);
    return error_set(err, fetch_later(x) ? STATUS_IO : STATUS_USAGE,
                     "cannot %s: object storage answered %d", what, x->status);
}

Status cloud_call(Objects *o, Fetcher *f, Fetch *x, const atomic_bool *stop, const char *what,
                  Error *err)
{
    for (int tries = 1;; tries++) {
        Error no_token = {0};
        Status status = ask(o, f, x, &no_token);
        if (status == STATUS_OK && x->status >= 200 && x->status < 300)
            return STATUS_OK;
        bool later = status != STATUS_OK || fetch_later(x) || (x->status == 401 && tries == 1);
        if (!later || !wait_again(o, x, tries, stop)) {
            if (status != STATUS_OK && !stopped(stop))
                return error_set(err, status, "cannot %s: %s", what, no_token.message);
            return refusal(x, stop, what, err);
        }
    }
}

/* ENDPOINT/storage/v1/b/BUCKET/o/OBJECT */
static const char *url_of(Arena *keep, const Objects *o, Str bucket, Str object, const char *query)
{
    return str_format(keep, "%s/storage/v1/b/%s/o/%s%s", o->endpoint,
                      fetch_escape(keep, bucket).data, fetch_escape(keep, object).data, query)
        .data;
}

typedef struct About {
    uint64_t size;
    char generation[32], job[64];
} About;

/* Numbers of 64 bits come as texts. */
static Status about(About *out, Arena scratch, Objects *o, Fetcher *f, Str bucket, Str object,
                    const atomic_bool *stop, const char *what, Error *err)
{
    char *reply = ARENA_RAW(&scratch, char, REPLY);
    Fetch x = {.method = "GET",
               .url = url_of(&scratch, o, bucket, object, ""),
               .into = reply,
               .room = REPLY};
    TRY(cloud_call(o, f, &x, stop, what, err));
    yyjson_doc *doc = x.cut ? NULL : yyjson_read(reply, x.got, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *size = yyjson_get_str(yyjson_obj_get(root, "size"));
    const char *generation = yyjson_get_str(yyjson_obj_get(root, "generation"));
    const char *job = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(root, "metadata"), "assay-job"));
    int64_t bytes = 0;
    bool fine = size != NULL && generation != NULL && parse_int64(str_from(size), &bytes) &&
                bytes >= 0 && strlen(generation) < sizeof out->generation &&
                strspn(generation, "0123456789") == strlen(generation);
    if (fine) {
        out->size = (uint64_t)bytes;
        (void)snprintf(out->generation, sizeof out->generation, "%s", generation);
        (void)snprintf(out->job, sizeof out->job, "%s", job != NULL ? job : "");
    }
    yyjson_doc_free(doc);
    return fine ? STATUS_OK
                : error_set(err, STATUS_FORMAT, "cannot %s: object storage's answer makes no sense",
                            what);
}

/* ---- reading ---- */

Status cloud_reader_open(CloudReader *r, Objects *o, Str bucket, Str object, uint64_t offset,
                         uint64_t *size, char *version, size_t version_room,
                         const atomic_bool *stop, Error *err)
{
    About a;
    *r = (CloudReader){.objects = o, .stop = stop, .at = offset, .keep = arena_new()};
    TRY(fetcher_open(&r->fetcher, stop, err));
    TRY(about(&a, r->keep, o, r->fetcher, bucket, object, stop, "read the input", err));
    r->size = *size = a.size;
    (void)snprintf(version, version_room, "%s", a.generation);
    const char *query = str_format(&r->keep, "?alt=media&generation=%s", a.generation).data;
    r->url = url_of(&r->keep, o, bucket, object, query);
    r->block = ARENA_RAW(&r->keep, char, BLOCK);
    return STATUS_OK;
}

static Status next_block(CloudReader *r, Error *err)
{
    char range[80];
    uint64_t want = r->size - r->at < BLOCK ? r->size - r->at : BLOCK;
    (void)snprintf(range, sizeof range, "Range: bytes=%llu-%llu", (unsigned long long)r->at,
                   (unsigned long long)(r->at + want - 1));
    /* As stored: without this header objects with Content-Encoding: gzip come unpacked, and no
     * range of them can be had. */
    Fetch x = {.method = "GET",
               .url = r->url,
               .header = {range, "Accept-Encoding: gzip"},
               .into = r->block,
               .room = BLOCK};
    TRY(cloud_call(r->objects, r->fetcher, &x, r->stop, "read the input", err));
    bool whole = x.status == 200 && r->at == 0 && want == r->size; /* all of it */
    if ((x.status != 206 && !whole) || x.got != want || x.cut)
        return error_set(err, STATUS_FORMAT,
                         "cannot read the input: object storage sent other bytes than were asked "
                         "for");
    r->block_at = 0;
    r->block_size = x.got;
    r->at += x.got;
    return STATUS_OK;
}

Status cloud_reader_read(CloudReader *r, size_t *got, char *into, size_t room, Error *err)
{
    *got = 0;
    if (r->block_at == r->block_size) {
        if (r->at >= r->size)
            return STATUS_OK;
        TRY(next_block(r, err));
    }
    size_t left = r->block_size - r->block_at;
    *got = room < left ? room : left;
    memcpy(into, r->block + r->block_at, *got);
    r->block_at += *got;
    return STATUS_OK;
}

void cloud_reader_close(CloudReader *r)
{
    fetcher_close(r->fetcher);
    if (r->keep.range != NULL)
        arena_free(&r->keep);
}

/* ---- writing ---- */

Status cloud_writer_open(CloudWriter *w, Objects *o, Str bucket, Str object, Str job,
                         const CloudAttempt *attempt, size_t attempts, bool going_on,
                         const atomic_bool *stop, Error *err)
{
    uint64_t drawn;
    *w = (CloudWriter){.objects = o, .stop = stop, .keep = arena_new()};
    TRY(fetcher_open(&w->fetcher, stop, err));
    w->bucket = str_copy(&w->keep, bucket);
    w->object = str_copy(&w->keep, object);
    w->job = str_copy(&w->keep, job);
    w->prefix = str_format(&w->keep, "%s.assay-%s/", w->object.data, w->job.data);
    w->attempt = ARENA_ARRAY(&w->keep, CloudAttempt, CLOUD_ATTEMPTS_MAX + 1);
    w->attempts = attempts;
    memcpy(w->attempt, attempt, attempts * sizeof *attempt);
    if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn)
        return error_set(err, STATUS_IO, "the system gave no random number");
    (void)snprintf(w->mine, sizeof w->mine, "%016llx", (unsigned long long)drawn);
    if (w->prefix.size > 960)
        return error_set(err, STATUS_USAGE, "the name of the output is too long");
    if (going_on)
        return STATUS_OK;
    About a;
    Error none = {0};
    Status status =
        about(&a, w->keep, o, w->fetcher, bucket, object, stop, "write the output", &none);
    if (status == STATUS_OK)
        return error_set(err, STATUS_DATA, "there is an object of the output's name already");
    /* 404 is what we want; a bucket that is not there is seen with the first part. */
    return status == STATUS_DATA ? STATUS_OK : error_set(err, status, "%s", none.message);
}

Status cloud_writer_add(CloudWriter *w, Str bytes, Error *err)
{
    if (w->size + bytes.size > w->capacity) {
        size_t capacity = w->capacity == 0 ? (size_t)1 << 20 : w->capacity;
        while (capacity < w->size + bytes.size)
            capacity *= 2;
        char *more = realloc(w->data, capacity);
        if (more == NULL)
            return error_set(err, STATUS_IO, "no memory for a part of the output");
        w->data = more;
        w->capacity = capacity;
    }
    memcpy(w->data + w->size, bytes.data, bytes.size);
    w->size += bytes.size;
    return STATUS_OK;
}

static Str part_name(Arena *keep, const CloudWriter *w, uint64_t number, const char *attempt)
{
    return str_format(keep, "%.*s%08llu-%s", STR_ARG(w->prefix), (unsigned long long)number,
                      attempt);
}

static uint64_t parts_of(const CloudWriter *w)
{
    uint64_t parts = 0;
    for (size_t i = 0; i < w->attempts; i++)
        parts += w->attempt[i].parts;
    return parts;
}

static Str md5_of(Arena *keep, Str bytes)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    unsigned char *text = ARENA_RAW(keep, unsigned char, 64);
    if (EVP_Digest(bytes.data, bytes.size, sum, &size, EVP_md5(), NULL) != 1)
        return S("");
    int n = EVP_EncodeBlock(text, sum, (int)size);
    return (Str){(char *)text, (size_t)n};
}

/* Where an upload that broke off goes on: asked with an empty piece. *done: it is whole. */
static Status upload_state(CloudWriter *w, const char *session, Str bytes, uint64_t *at, bool *done,
                           Error *err)
{
    char range[64];
    (void)snprintf(range, sizeof range, "Content-Range: bytes */%zu", bytes.size);
    Fetch x = {.method = "PUT", .url = session, .header = {range}, .body = S("")};
    Status status = cloud_call(w->objects, w->fetcher, &x, w->stop, "write the output", err);
    *done = status == STATUS_OK;
    if (*done || x.status != 308)
        return status;
    *err = (Error){0};
    int64_t last = -1;
    Str range_of = str_from(x.range);
    if (str_starts(range_of, S("bytes=0-")) &&
        (!parse_int64(str_slice(range_of, 8, range_of.size), &last) || last < 0 ||
         (uint64_t)last >= bytes.size))
        return error_set(err, STATUS_FORMAT, "object storage's answer makes no sense");
    *at = (uint64_t)(last + 1);
    return STATUS_OK;
}

static Status upload(CloudWriter *w, Arena scratch, Str name, Str bytes, Error *err)
{
    /* The server refuses what arrives otherwise than it left. */
    Str body =
        str_format(&scratch, "{\"md5Hash\":\"%s\"}", str_chars(&scratch, md5_of(&scratch, bytes)));
    const char *url =
        str_format(&scratch, "%s/upload/storage/v1/b/%s/o?uploadType=resumable&name=%s",
                   w->objects->endpoint, fetch_escape(&scratch, w->bucket).data,
                   fetch_escape(&scratch, name).data)
            .data;
    char length[64];
    (void)snprintf(length, sizeof length, "X-Upload-Content-Length: %zu", bytes.size);
    Fetch start = {.method = "POST",
                   .url = url,
                   .header = {"Content-Type: application/json; charset=UTF-8",
                              "X-Upload-Content-Type: application/x-ndjson", length},
                   .body = body};
    TRY(cloud_call(w->objects, w->fetcher, &start, w->stop, "write the output", err));
    /* The session is on the server that we trust, or it is nowhere. */
    if (!str_starts(str_from(start.location), str_from(w->objects->endpoint)))
        return error_set(err, STATUS_FORMAT, "object storage named no session to upload to");
    uint64_t at = 0;
    for (int tries = 1;;) {
        size_t left = (size_t)(bytes.size - at), size = left < CHUNK ? left : CHUNK;
        char range[96];
        if (size > 0)
            (void)snprintf(range, sizeof range, "Content-Range: bytes %llu-%llu/%zu",
                           (unsigned long long)at, (unsigned long long)(at + size - 1), bytes.size);
        else
            (void)snprintf(range, sizeof range, "Content-Range: bytes */%zu", bytes.size);
        Fetch x = {.method = "PUT",
                   .url = start.location,
                   .header = {range},
                   .body = {bytes.data + at, size}};
        TRY(ask(w->objects, w->fetcher, &x, err));
        if (x.status == 200 || x.status == 201)
            return STATUS_OK;
        if (x.status != 308 && !fetch_later(&x))
            return refusal(&x, w->stop, "write the output", err);
        bool done = false;
        uint64_t before = at;
        if (x.status != 308 && !wait_again(w->objects, &x, tries++, w->stop))
            return refusal(&x, w->stop, "write the output", err);
        int64_t last = -1;
        if (x.status == 308 && str_starts(str_from(x.range), S("bytes=0-")) &&
            parse_int64(str_from(x.range + 8), &last) && last >= 0 && (uint64_t)last < bytes.size)
            at = (uint64_t)last + 1;
        else
            TRY(upload_state(w, start.location, bytes, &at, &done, err));
        if (done)
            return STATUS_OK;
        if (at > before)
            tries = 1;
        else if (x.status == 308 && !wait_again(w->objects, &x, tries++, w->stop))
            return error_set(err, STATUS_IO, "object storage takes no more of the output");
    }
}

Status cloud_writer_save(CloudWriter *w, Error *err)
{
    if (w->size == 0)
        return STATUS_OK;
    bool mine = w->attempts > 0 && strcmp(w->attempt[w->attempts - 1].name, w->mine) == 0;
    if (!mine && w->attempts == CLOUD_ATTEMPTS_MAX)
        return error_set(err, STATUS_LIMIT, "the job was begun anew too often");
    Arena scratch = w->keep;
    Str name = part_name(&scratch, w, parts_of(w), w->mine);
    TRY(upload(w, scratch, name, (Str){w->data, w->size}, err));
    if (!mine)
        (void)snprintf(w->attempt[w->attempts++].name, sizeof w->mine, "%s", w->mine);
    w->attempt[w->attempts - 1].parts++;
    w->size = 0;
    return STATUS_OK;
}

/* One object out of up to 32. first: it must not be there yet. */
static Status compose(CloudWriter *w, Arena scratch, Str target, const Str *source, size_t count,
                      bool first, int *status, Error *err)
{
    Buffer b = buffer_new(&scratch);
    buffer_format(&b,
                  "{\"kind\":\"storage#composeRequest\",\"destination\":{\"contentType\":"
                  "\"application/x-ndjson\",\"metadata\":{\"assay-job\":\"%.*s\"}},"
                  "\"sourceObjects\":[",
                  STR_ARG(w->job));
    Arena other = arena_new();
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *name = yyjson_mut_strncpy(doc, source[i].data, source[i].size);
        char *text = yyjson_mut_val_write(name, 0, NULL); /* with its quotes */
        buffer_format(&b, "%s{\"name\":", i > 0 ? "," : "");
        buffer_add(&b, str_from(text != NULL ? text : "null"));
        buffer_char(&b, '}');
        free(text);
    }
    yyjson_mut_doc_free(doc);
    buffer_add(&b, S("]}"));
    const char *url = url_of(&other, w->objects, w->bucket, target,
                             first ? "/compose?ifGenerationMatch=0" : "/compose");
    Fetch x = {.method = "POST",
               .url = url,
               .header = {"Content-Type: application/json; charset=UTF-8"},
               .body = buffer_str(&b)};
    Status s = cloud_call(w->objects, w->fetcher, &x, w->stop, "put the output together", err);
    *status = x.status;
    arena_free(&other);
    return s;
}

/* The names of all parts that count, in their order. */
static Str *part_names(Arena *keep, const CloudWriter *w, size_t *count)
{
    Str *name = ARENA_ARRAY(keep, Str, parts_of(w) + 1);
    size_t n = 0;
    for (size_t i = 0; i < w->attempts; i++)
        for (uint64_t k = 0; k < w->attempt[i].parts; k++, n++)
            name[n] = part_name(keep, w, n, w->attempt[i].name);
    *count = n;
    return name;
}

/* Is the object the job's, and as long as all that was saved? */
static Status is_whole(CloudWriter *w, Arena scratch, Str object, uint64_t size,
                       const char *otherwise, Error *err)
{
    About a = {0};
    TRY(about(&a, scratch, w->objects, w->fetcher, w->bucket, object, w->stop, "write the output",
              err));
    if (str_equal(str_from(a.job), w->job) && a.size == size)
        return STATUS_OK;
    return error_set(err, STATUS_DATA, "%s", otherwise);
}

/* It may be ours, from before a crash. */
static Status named_already(CloudWriter *w, Arena scratch, uint64_t size, Error *err)
{
    return is_whole(w, scratch, w->object, size, "there is an object of the output's name already",
                    err);
}

/* More than 32 are put together away from the final name, which nobody shall see grow. Each step
 * has a name of its own and only reads the one before: asked twice, as after a reply that was lost,
 * it does the same twice. *out: the last. */
static Status put_together(Str *out, Arena *keep, CloudWriter *w, const Str *name, size_t count,
                           uint64_t size, Error *err)
{
    size_t at = 0;
    int code;
    for (size_t step = 0; at < count; step++) {
        Str source[COMPOSE_MAX];
        size_t n = 0;
        if (step > 0)
            source[n++] = *out;
        while (n < COMPOSE_MAX && at < count)
            source[n++] = name[at++];
        *out = str_format(keep, "%.*swhole-%s-%zu", STR_ARG(w->prefix), w->mine, step);
        TRY(compose(w, w->keep, *out, source, n, false, &code, err));
    }
    return is_whole(w, w->keep, *out, size, "the parts of the output are not as long as they were",
                    err);
}

Status cloud_writer_finish(CloudWriter *w, uint64_t size, Error *err)
{
    Arena keep = arena_new();
    size_t count;
    int code;
    Str *name = part_names(&keep, w, &count);
    Status status = STATUS_OK;
    if (count == 0) { /* an empty output is a part of no bytes */
        name[0] = part_name(&keep, w, 0, w->mine);
        status = upload(w, w->keep, name[0], S(""), err);
        count = 1;
    }
    if (count > COMPOSE_MAX && status == STATUS_OK) {
        Str whole = {0};
        status = put_together(&whole, &keep, w, name, count, size, err);
        name[0] = whole;
        count = 1;
    }
    if (status == STATUS_OK) {
        Error taken = {0};
        status = compose(w, w->keep, w->object, name, count, true, &code, &taken);
        if (status != STATUS_OK && (code == 412 || code == 404))
            status = named_already(w, w->keep, size, err);
        else if (status != STATUS_OK)
            *err = taken;
        else
            status = is_whole(w, w->keep, w->object, size,
                              "the output is not as long as what was written", err);
    }
    w->named = status == STATUS_OK;
    arena_free(&keep);
    return status;
}

/* All objects under the prefix of the parts: those of attempts that came to nothing, too. */
void cloud_writer_clean(CloudWriter *w)
{
    enum { PAGES_MAX = 100000, LIST = 4 << 20 };
    for (int page = 0; page < PAGES_MAX; page++) {
        Arena keep = arena_new();
        Error err = {0};
        char *reply = ARENA_RAW(&keep, char, LIST);
        Fetch x = {.method = "GET",
                   .url = str_format(&keep, "%s/storage/v1/b/%s/o?maxResults=500&prefix=%s",
                                     w->objects->endpoint, fetch_escape(&keep, w->bucket).data,
                                     fetch_escape(&keep, w->prefix).data)
                              .data,
                   .into = reply,
                   .room = LIST};
        size_t removed = 0, i, most;
        if (cloud_call(w->objects, w->fetcher, &x, NULL, "list the parts", &err) == STATUS_OK &&
            !x.cut) {
            yyjson_doc *doc = yyjson_read(reply, x.got, 0);
            yyjson_val *items = yyjson_obj_get(yyjson_doc_get_root(doc), "items"), *item;
            yyjson_arr_foreach(items, i, most, item)
            {
                yyjson_val *name = yyjson_obj_get(item, "name");
                Str object = {yyjson_get_str(name), yyjson_get_len(name)};
                if (object.data == NULL || !str_starts(object, w->prefix))
                    continue;
                Fetch gone = {.method = "DELETE",
                              .url = url_of(&keep, w->objects, w->bucket, object, "")};
                Error one = {0};
                removed += cloud_call(w->objects, w->fetcher, &gone, NULL, "remove a part", &one) ==
                           STATUS_OK;
            }
            yyjson_doc_free(doc);
        }
        arena_free(&keep);
        if (removed == 0)
            return;
    }
}

void cloud_writer_close(CloudWriter *w)
{
    fetcher_close(w->fetcher);
    free(w->data);
    if (w->keep.range != NULL)
        arena_free(&w->keep);
}
