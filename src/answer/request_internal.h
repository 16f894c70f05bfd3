/* request_internal.h - a request while it is read: what request.c, request_fields.c and
 * request_rows.c and request_plain.c share. */
#ifndef ANSWER_REQUEST_INTERNAL_H
#define ANSWER_REQUEST_INTERNAL_H

#include "answer/answer_internal.h"

typedef struct Reading {
    Arena *keep;
    const Answerer *a;
    const AnswerLimits *limits;
    Fault *fault;
    int64_t now_us;
    bool held;           /* from a database: unknown fields are passed over */
    bool unknown_fields; /* the sender asked for the same */
    bool escapes;        /* a text may hold what JSON writes with a backslash alone: a NUL */
} Reading;
static inline Str reading_text_of(yyjson_val *v)
{
    if (yyjson_is_raw(v))
        return (Str){yyjson_get_raw(v), yyjson_get_len(v)};
    return (Str){yyjson_get_str(v), yyjson_get_len(v)};
}

static inline Place reading_whole(void)
{
    return (Place){NULL, no_at, S("")};
}

static inline Place reading_at_field(Str field)
{
    return (Place){"", no_at, field};
}
/* ---- request_fields.c ---- */

/* Does the document (NULL: the bytes are no JSON) nest deeper than so many levels? */
bool reading_too_deep(yyjson_doc *doc, Str json, size_t most);
MUST_USE Status reading_parse_any(yyjson_val **root, Reading *r, Str json);
MUST_USE Status reading_parse(yyjson_val **root, Reading *r, Str json); /* an object */

enum { UNKNOWN_MAX = 64 };

/* Fields that are passed over may still not be there twice. */
typedef struct Unknown {
    Str name[UNKNOWN_MAX];
    size_t count;
} Unknown;

/* A field twice has no one meaning. */
Status reading_twice(Reading *r, Place place, Str name);
/* Pass the field over where that is allowed. */
MUST_USE Status reading_unknown(Reading *r, Unknown *seen, Place place, Str name, const Str *known,
                                size_t count);
/* Spread an object's values over the names known; value[i] NULL: not there. */
MUST_USE Status reading_spread(Reading *r, yyjson_val *object, Place place, const Str *known,
                               size_t count, yyjson_val **value);
Status reading_wrong_type(Reading *r, Place place, const char *wanted, yyjson_val *v);
MUST_USE Status reading_check_text(Reading *r, Place place, Str text, size_t most);
/* A text, or the empty Str for null and nothing. */
MUST_USE Status reading_text(Str *out, Reading *r, Place place, yyjson_val *v, size_t most);
MUST_USE Status reading_truth(bool *out, Reading *r, Place place, yyjson_val *v);
MUST_USE Status reading_time(int64_t *out, Reading *r, Place place, yyjson_val *v);

/* ---- request_rows.c ---- */

/* A number's text as the column's cells are written. */
Str reading_marked(Arena *keep, const SchemaColumn *c, Str number);

/* A list of objects as cells; one: an object alone will do. */
MUST_USE Status reading_rows(RequestRows *rows, Reading *r, const char *list, AnswerColumns columns,
                             const Str *names, yyjson_val *v, size_t most, bool one);

/* ---- request_plain.c ---- */

/* The transactions of a request that is written plainly, read from the bytes, which the cells point
 * into, and the object that the request is without them: where they were it has a number whose text
 * is the one byte at *hole. NULL: read it as a whole, whatever it is.  Memory: keep.
 * Cost: O(bytes). */
yyjson_val *reading_plain(RequestRows *rows, const char **hole, Reading *r, Str json);

#endif
