/* book_internal.h - what the files of the book room share: refusals with their place. */
#ifndef BOOK_BOOK_INTERNAL_H
#define BOOK_BOOK_INTERNAL_H

#include "book/book.h"

/* A piece of a hostile book made fit for a message: control bytes become '?', and a long
 * text is cut at a whole character. */
#define BOOK_SHOWN 64
const char *book_shown(char out[BOOK_SHOWN], Str text);

/* Set message and place; the caller adds the remedy. Returns the status that stands. */
Status book_refuse(Error *err, Status status, const char *file, Mark mark, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* "did you mean `y`?" or the list of what is known. */
void book_suggest(Error *err, Str name, const Str *known, size_t count);

/* Check a schema book that has been read against itself, settle what it leaves open, and fill in
 * the roles and columns that it makes.  Memory: keep. */
MUST_USE Status schema_check(Schema *s, Arena *keep, Mark root, Error *err);

#define SCHEMA_NO_SCALE INT64_MIN /* not written */

#endif
