/* model_internal.h - what the files of this room share: JSON values read with their errors. */
#ifndef MODEL_MODEL_INTERNAL_H
#define MODEL_MODEL_INTERNAL_H

#include "model/model.h"

#include <yyjson.h>

/* XGBoost's UBJSON, told from JSON by its first two bytes, as JSON.  Cost: O(bytes). */
bool ubj_is(Str bytes);
MUST_USE Status ubj_to_json(Str *out, Arena *keep, Str bytes, Error *err);

/* Numbers are read as text, so that each is rounded once, to the type that holds it. */
MUST_USE Status forest_read(Forest **out, Arena *keep, yyjson_val *root, Error *err);
MUST_USE Status linear_read(Linear **out, Arena *keep, yyjson_val *root, Error *err);
MUST_USE Status blend_read(Blend **out, Arena *keep, yyjson_val *root, Error *err);
MUST_USE Status model_read_value(Model **out, Arena *keep, yyjson_val *root, Error *err);
Linear *linear_new(Arena *keep, size_t columns); /* weights 0 */
Str forest_write(Arena *keep, const Forest *f);
Str linear_write(Arena *keep, const Linear *l);
Str blend_write(Arena *keep, const Blend *b);

/* One row the plain way, and many rows at a time with the same bits. */
float forest_leaf(const Forest *f, size_t tree, const float *row);
float forest_row(const Forest *f, const float *row);
void forest_margin(const Forest *f, const Matrix *x, double *margin);
void forest_explain(const Forest *f, const Matrix *x, Arena scratch, double *phi);
double linear_part(const Linear *l, size_t column, float x); /* what one column adds */

/* The text of a string or a number; the empty Str for anything else, NULL included. */
Str json_text(yyjson_val *value);
/* FORMAT unless every field of the object is one of `known` (ended by NULL), and only once:
 * what is not understood must not be passed over. where: "learner", "tree 3". */
MUST_USE Status json_fields(yyjson_val *object, const char *where, const char *const *known,
                            Error *err);
/* Column names: an array of distinct strings. */
MUST_USE Status json_distinct(const Str *name, size_t count, Arena scratch, Error *err);
void json_quote(Buffer *b, Str text);

#endif
