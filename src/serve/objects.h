/* objects.h - what jobs read and write: files under one folder, and objects of Cloud Storage.
 *
 * A name is either a path under the folder of the settings ("july/in.ndjson") or a URL
 * ("gs://bucket/july/in.ndjson") that begins with one of the settings' prefixes. A path never
 * leaves the folder: no ".." and no link is followed on the way. Cloud Storage is reached through
 * its JSON API with a token of the metadata server; STORAGE_EMULATOR_HOST is another server that
 * asks for none.
 *
 * What is written appears under its name when it is whole, never before. Until then it is kept in
 * such a way that a process that was killed can go on from the last save: a file beside the final
 * one, cut back to what was saved; or objects, each a part, that are composed at the end. Errors
 * are for whoever asked for the job: they say what was wrong without a path outside the folder.
 *
 * An Objects may be shared by threads; a reader or writer belongs to one.
 */
#ifndef SERVE_OBJECTS_H
#define SERVE_OBJECTS_H

#include "base/base.h"

#include <stdatomic.h>

typedef struct ObjectsSettings {
    const char *folder;         /* NULL: no files */
    const char *const *objects; /* prefixes, NULL-terminated; NULL: no object storage */
    int64_t wait_ms;            /* before the first of the further tries; 0: 250 */
    int tries;                  /* 0: 6 */
} ObjectsSettings;

typedef struct Objects Objects;
/* The settings must outlive it. */
MUST_USE Status objects_open(Objects **out, const ObjectsSettings *settings, Error *err);
void objects_close(Objects *o);

/* May a job read or write this? USAGE says why not. Touches nothing. */
MUST_USE Status objects_allow(const Objects *o, Str name, Error *err);

/* ---- reading ---- */

typedef struct ObjectReader ObjectReader;
/* From a byte on. version: what object_reader_version said when it was opened before, or empty;
 * DATA: it is another one now. *stop ends what takes long with STOPPED; NULL: nothing does. */
MUST_USE Status object_reader_open(ObjectReader **out, Objects *o, Str name, uint64_t offset,
                                   Str version, const atomic_bool *stop, Error *err);
uint64_t object_reader_size(const ObjectReader *r); /* of the whole, as stored */
Str object_reader_version(const ObjectReader *r);   /* lives as long as the reader */
/* Some bytes; *got 0: the end. */
MUST_USE Status object_reader_read(ObjectReader *r, size_t *got, char *into, size_t room,
                                   Error *err);
void object_reader_close(ObjectReader *r); /* NULL is fine */

/* ---- writing ---- */

typedef struct ObjectWriter ObjectWriter;
/* job: names what is not finished yet: letters, digits and "-". saved: what object_writer_save gave
 * last, or empty: from the start, and then DATA when there is something of that name already.
 * GATE: another process still holds it. */
MUST_USE Status object_writer_open(ObjectWriter **out, Objects *o, Str name, Str job, Str saved,
                                   const atomic_bool *stop, Error *err);
MUST_USE Status object_writer_add(ObjectWriter *w, Str bytes, Error *err);
/* All that was added will be there after a crash; *saved is what to open with to go on behind it,
 * a line of JSON. whole: nothing more will be added.  Memory: keep. */
MUST_USE Status object_writer_save(ObjectWriter *w, Str *saved, Arena *keep, bool whole,
                                   Error *err);
uint64_t object_writer_size(const ObjectWriter *w);    /* with what was there when it was opened */
uint64_t object_writer_unsaved(const ObjectWriter *w); /* bytes added since */
/* Give it its name, when the whole is saved. May be done again after a crash. DATA: the name is
 * taken by something else. */
MUST_USE Status object_writer_finish(ObjectWriter *w, Error *err);
/* Remove what is left of the way: after a finish, the parts; before, all of it. */
void object_writer_clean(ObjectWriter *w);
void object_writer_close(ObjectWriter *w); /* NULL is fine; what was saved stays */

#endif
