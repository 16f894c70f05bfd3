/* objects_internal.h - what the two kinds of storage have in common, and each of them. */
#ifndef SERVE_OBJECTS_INTERNAL_H
#define SERVE_OBJECTS_INTERNAL_H

#include "serve/fetch.h"
#include "serve/objects.h"

#include <pthread.h>

struct Objects {
    ObjectsSettings settings;
    int folder;           /* of local files; -1: none */
    const char *endpoint; /* "https://storage.googleapis.com", or the emulator's; no slash at the
                             end; allocated */
    bool emulator;
    pthread_mutex_t lock;   /* of the token */
    char token[4096];       /* "Authorization: Bearer ..."; empty: none yet */
    int64_t token_until_us; /* monotonic */
};

/* The name's two parts: false for a path. */
bool object_split(Str name, Str *bucket, Str *object);

/* ---- files ---- */

typedef struct LocalReader {
    int fd;
} LocalReader;
Status local_reader_open(LocalReader *r, const Objects *o, Str path, uint64_t offset,
                         uint64_t *size, char *version, size_t version_room, Error *err);
Status local_reader_read(LocalReader *r, size_t *got, char *into, size_t room, Error *err);
void local_reader_close(LocalReader *r);

typedef struct LocalWriter {
    int folder, fd;
    char name[256], part[300]; /* in the folder */
    uint64_t size;
    bool done; /* it has its name already */
} LocalWriter;
Status local_writer_open(LocalWriter *w, const Objects *o, Str path, Str job, bool going_on,
                         uint64_t size, bool whole, Error *err);
Status local_writer_add(LocalWriter *w, Str bytes, Error *err);
Status local_writer_save(LocalWriter *w, Error *err);
Status local_writer_finish(LocalWriter *w, Error *err);
void local_writer_clean(LocalWriter *w);
void local_writer_close(LocalWriter *w);

/* ---- Cloud Storage ---- */

/* One call to its API, tried again while that may help. FORMAT: an answer that makes no sense; IO:
 * it could not be reached or is out of order; DATA: 404; USAGE: 403 and any other refusal, with
 * x->status for who can do something about it. */
Status cloud_call(Objects *o, Fetcher *f, Fetch *x, const atomic_bool *stop, const char *what,
                  Error *err);

typedef struct CloudReader {
    Objects *objects;
    Fetcher *fetcher;
    const atomic_bool *stop;
    Arena keep;
    const char *url;   /* of the media, with its generation */
    uint64_t at, size; /* at: of the next block */
    char *block;       /* the last one fetched */
    size_t block_at, block_size;
} CloudReader;
Status cloud_reader_open(CloudReader *r, Objects *o, Str bucket, Str object, uint64_t offset,
                         uint64_t *size, char *version, size_t version_room,
                         const atomic_bool *stop, Error *err);
Status cloud_reader_read(CloudReader *r, size_t *got, char *into, size_t room, Error *err);
void cloud_reader_close(CloudReader *r);

/* A run of parts that one attempt at the job has written. */
typedef struct CloudAttempt {
    char name[17];
    uint64_t parts;
} CloudAttempt;
enum { CLOUD_ATTEMPTS_MAX = 1000 };
typedef struct CloudWriter {
    Objects *objects;
    Fetcher *fetcher;
    const atomic_bool *stop;
    Arena keep;                 /* of the names and the attempts */
    Str bucket, object, prefix; /* of the parts: "OBJECT.assay-JOB/" */
    Str job;
    CloudAttempt *attempt; /* CLOUD_ATTEMPTS_MAX; the last is this one's, once it has parts */
    size_t attempts;
    char mine[17];
    bool named; /* it has its name */
    char *data; /* not yet written */
    size_t size, capacity;
} CloudWriter;
Status cloud_writer_open(CloudWriter *w, Objects *o, Str bucket, Str object, Str job,
                         const CloudAttempt *attempt, size_t attempts, bool going_on,
                         const atomic_bool *stop, Error *err);
Status cloud_writer_add(CloudWriter *w, Str bytes, Error *err);
Status cloud_writer_save(CloudWriter *w, Error *err);
Status cloud_writer_finish(CloudWriter *w, uint64_t size, Error *err);
void cloud_writer_clean(CloudWriter *w);
void cloud_writer_close(CloudWriter *w);

#endif
