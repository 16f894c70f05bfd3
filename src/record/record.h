/* record.h - a decision as JSON, and its name.
 *
 * What a run folder's log holds of a decision, what the service answers and what the explained case
 * says are written here, so that they are the same bytes wherever they come from. A decision's id
 * names all that it was made of (docs/replay.md).
 */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include "explain/explain.h"

#include <yyjson.h>

/* ---- one document in an arena; NaN becomes null, bytes that are not UTF-8 \xHH ---- */

typedef struct Document {
    Arena *arena;
    yyjson_alc memory;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
} Document;

yyjson_alc arena_memory(Arena *arena);
void document_open(Document *d, Arena *arena);
Str document_write(Document *d, bool pretty); /* ends with a newline */

/* A key as the library keeps it: of one that the compiler sees, size and that it needs no escape
 * are known beforehand. */
typedef struct DocumentKey {
    const char *name;
    uint64_t tag;
} DocumentKey;
ALWAYS_INLINE DocumentKey document_key(const char *name)
{
    yyjson_mut_val value = {0};
    if (name != NULL)
        unsafe_yyjson_set_str(&value, name);
    return (DocumentKey){name, value.tag};
}

/* Put the value under the key; returns it. The others are made of this. */
yyjson_mut_val *document_put(Document *d, yyjson_mut_val *in, DocumentKey key,
                             yyjson_mut_val *value);
yyjson_mut_val *document_object_value(Document *d);
yyjson_mut_val *document_list_value(Document *d);
yyjson_mut_val *document_text_value(Document *d, Str text);
yyjson_mut_val *document_count_value(Document *d, uint64_t count);
yyjson_mut_val *document_real_value(Document *d, double value);
yyjson_mut_val *document_truth_value(Document *d, bool truth);
yyjson_mut_val *document_null_value(Document *d);
yyjson_mut_val *document_time_value(Document *d, int64_t time_us);

/* A key of `in`; when `in` is a list, key is NULL. Keys and texts are referred to, not copied. */
ALWAYS_INLINE yyjson_mut_val *document_object(Document *d, yyjson_mut_val *in, const char *key)
{
    return document_put(d, in, document_key(key), document_object_value(d));
}
ALWAYS_INLINE yyjson_mut_val *document_list(Document *d, yyjson_mut_val *in, const char *key)
{
    return document_put(d, in, document_key(key), document_list_value(d));
}
ALWAYS_INLINE void document_text(Document *d, yyjson_mut_val *in, const char *key, Str text)
{
    (void)document_put(d, in, document_key(key), document_text_value(d, text));
}
ALWAYS_INLINE void document_count(Document *d, yyjson_mut_val *in, const char *key, uint64_t count)
{
    (void)document_put(d, in, document_key(key), document_count_value(d, count));
}
ALWAYS_INLINE void document_real(Document *d, yyjson_mut_val *in, const char *key, double value)
{
    (void)document_put(d, in, document_key(key), document_real_value(d, value));
}
ALWAYS_INLINE void document_truth(Document *d, yyjson_mut_val *in, const char *key, bool truth)
{
    (void)document_put(d, in, document_key(key), document_truth_value(d, truth));
}
ALWAYS_INLINE void document_null(Document *d, yyjson_mut_val *in, const char *key)
{
    (void)document_put(d, in, document_key(key), document_null_value(d));
}
/* NO_TIME is null. */
ALWAYS_INLINE void document_time(Document *d, yyjson_mut_val *in, const char *key, int64_t time_us)
{
    (void)document_put(d, in, document_key(key), document_time_value(d, time_us));
}
void document_texts(Document *d, yyjson_mut_val *in, const char *key, const Str *text,
                    size_t count);

void document_interval(Document *d, yyjson_mut_val *in, const char *key, Interval i);

/* Names from outside as keys. */
void document_named_real(Document *d, yyjson_mut_val *in, Str name, double value);

/* ---- a decision's name ---- */

/* What decisions are made of, in a run and when one is made again. */
typedef struct Recording {
    const Bundle *bundle;
    const Scored *scored;
    int64_t as_of_us;
    char policy_sha256[SHA256_TEXT];
} Recording;
Recording recording_of(const Bundle *bundle, const Scored *scored, int64_t as_of_us);

/* Over the exact value of every feature of the customer at position `at`, in the book's order;
 * their names and types are the bundle's. docs/replay.md has the bytes. */
void features_sha256(char out[SHA256_TEXT], Arena scratch, const Scored *s, size_t at);

/* What a decision's id is the SHA-256 of, cut to 32 digits, with DECISION_FORMAT; no sentence, and
 * so no language. */
typedef struct DecisionName {
    Str bundle, policy_sha256, customer, features_sha256;
    int64_t as_of_us;
    const CaseFact *fact; /* given */
    size_t facts;
    const Earlier *earlier; /* likewise; NULL: none */
    bool contradictory;     /* the files hold both labels: the policy may cap the action */
    double margin;
} DecisionName;
enum { DECISION_FORMAT = 2, DECISION_ID_TEXT = 33 };
void decision_id(char out[DECISION_ID_TEXT], const DecisionName *n);
/* The name of the decision d of the customer at position `at`; features: its features_sha256. */
DecisionName decision_name(const Recording *r, const Decision *d, size_t at, Str features);

/* The id of the decision of the customer at position `at`.  Memory: keep. */
Str recorded_id(Arena *keep, Arena scratch, const Recording *r, const Decision *d, size_t at);

/* ---- a decision ---- */

/* The decision itself, of the customer at position `at` in scored: from decision_id to
 * contributions. */
void document_decision(Document *j, Arena scratch, const Recording *r, const Decision *d,
                       size_t at);
/* Its parts, for lists: a reason as an item of a list; facts, measures and queue as keys. */
void document_reason(Document *j, yyjson_mut_val *list, const Reason *r);
void document_weighed(Document *j, yyjson_mut_val *in, const Decision *d);
void document_measures(Document *j, yyjson_mut_val *in, const Decision *d);

/* `found`, the sentence, steps and outcome; null without one. */
void document_change(Document *j, yyjson_mut_val *in, const char *key, const Change *change);

/* The case as JSON; change NULL: it was not looked for. docs/explain.md has every key.
 * Memory: keep. */
Str record_case(Arena *keep, const Case *c, const Change *change, Str version,
                const Bundle *bundle);

#endif
