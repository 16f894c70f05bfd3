/* model_internal.h - what the files of this room share: JSON values read with their errors. */
#ifndef MODEL_MODEL_INTERNAL_H
#define MODEL_MODEL_INTERNAL_H

#include "model/model.h"

#include <yyjson.h>

/* Numbers are read as text, so that each is rounded once, to the type that holds it. */
MUST_USE Status forest_read(Forest **out, Arena *keep, yyjson_val *root, Error *err);
MUST_USE Status linear_read(Linear **out, Arena *keep, yyjson_val *root, Error *err);
Str forest_write(Arena *keep, const Forest *f);
Str linear_write(Arena *keep, const Linear *l);

void forest_explain(const Forest *f, const Matrix *x, Arena scratch, double *phi);
double linear_part(const Linear *l, size_t column, float x); /* what one column adds */

/* The text of a string or a number; the empty Str for anything else, NULL included. */
Str json_text(yyjson_val *value);
/* Column names: an array of distinct strings. */
MUST_USE Status json_distinct(const Str *name, size_t count, Arena scratch, Error *err);
void json_quote(Buffer *b, Str text);

#endif
