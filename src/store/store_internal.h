/* store_internal.h - JSON and CSV as the run folder's files use them. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/store.h"

#include <yyjson.h>

/* ---- JSON: one document in an arena; NaN becomes null, bytes that are not UTF-8 \xHH ---- */

typedef struct Document {
    Arena *arena;
    yyjson_alc memory;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
} Document;

void document_open(Document *d, Arena *arena);
Str document_write(Document *d, bool pretty); /* ends with a newline */

/* A key of `in`; when `in` is a list, key is NULL. Texts are referred to, not copied. */
yyjson_mut_val *document_object(Document *d, yyjson_mut_val *in, const char *key);
yyjson_mut_val *document_list(Document *d, yyjson_mut_val *in, const char *key);
void document_text(Document *d, yyjson_mut_val *in, const char *key, Str text);
void document_count(Document *d, yyjson_mut_val *in, const char *key, uint64_t count);
void document_real(Document *d, yyjson_mut_val *in, const char *key, double value);
void document_truth(Document *d, yyjson_mut_val *in, const char *key, bool truth);
void document_null(Document *d, yyjson_mut_val *in, const char *key);
void document_texts(Document *d, yyjson_mut_val *in, const char *key, const Str *text,
                    size_t count);

/* {value, low, high} */
void document_interval(Document *d, yyjson_mut_val *in, const char *key, Interval i);

/* Names from outside as keys. */
void document_named_real(Document *d, yyjson_mut_val *in, Str name, double value);

/* ---- a file written in pieces of about 64 KiB ---- */

typedef struct Sheet {
    Writer *writer;
    Buffer line;
} Sheet;

MUST_USE Status sheet_open(Sheet *s, Arena *keep, const char *folder, const char *name, Error *err);
void sheet_flush(Sheet *s, bool whole);
MUST_USE Status sheet_close(Sheet *s, Error *err);

/* ---- the files ---- */

MUST_USE Status store_decisions(const Run *run, const uint32_t *order, const char *folder,
                                Arena scratch, Error *err);
MUST_USE Status store_offboarding(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_features(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_evidence(const Run *run, const uint32_t *order, const char *folder,
                               Arena scratch, Error *err);
MUST_USE Status store_quality(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_metrics(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_validation(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_identity(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_timings(const Run *run, const char *folder, Arena scratch, Error *err);

/* What the audit found: an object of metrics.json, and ablation.csv where there is such a table. */
void store_audit(Document *d, const Audit *audit);
MUST_USE Status store_ablation(const Run *run, const char *folder, Arena scratch, Error *err);

/* 1 for each position in scored that is in the list of contradictory customers. */
uint8_t *store_contradictory(Arena *keep, const Run *run);

#endif
