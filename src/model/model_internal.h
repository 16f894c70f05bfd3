/* model_internal.h - what the files of this room share: JSON values read with their errors. */
#ifndef MODEL_MODEL_INTERNAL_H
#define MODEL_MODEL_INTERNAL_H

#include "model/model.h"

#include <yyjson.h>

/* XGBoost's UBJSON, told from JSON by its first two bytes, as JSON.  Cost: O(bytes). */
bool ubj_is(Str bytes);
MUST_USE Status ubj_to_json(Str *out, Arena *keep, Str bytes, Error *err);

/* Numbers are read as text, so that each is rounded once, to the type that holds it. */
#define MODEL_READ_FLAGS (YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_ALLOW_INF_AND_NAN)

/* A forest's text cut into its trees and the rest (forest_cut.c says why and how). */
typedef struct ForestCut {
    char *rest; /* with an empty text in the place of each tree, and padding; read where it lies */
    size_t size, trees;
    Str *tree;
    const char **place;
} ForestCut;
bool forest_cut(ForestCut *out, Arena *keep, Str json); /* false: it must be read at once */
bool forest_cut_fits(const ForestCut *cut, yyjson_val *trees);

/* cut: where the trees are, of a root that was read from its rest; NULL: in the root. */
MUST_USE Status forest_read(Forest **out, Arena *keep, yyjson_val *root, const ForestCut *cut,
                            Error *err);
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
/* Margins too. */
void forest_explain(const Forest *f, const Matrix *x, Arena scratch, double *margin, double *phi);
/* The plain way; forest_explain takes the prepared one where there is one, with the same bits. */
void forest_explain_plain(const Forest *f, const Matrix *x, Arena scratch, double *margin,
                          double *phi);

/* ---- explaining (explain.c says what these are) ---- */

enum { POINTS_MAX = FOREST_DEPTH_MAX / 2 };
typedef struct Flow {
    double zero, one;
} Flow;
static inline double flow_factor(Flow flow, double t)
{
    return (1 - t) * flow.zero + t * flow.one;
}
size_t forest_points(const Forest *f, double at[POINTS_MAX], double weight[POINTS_MAX]);
/* The share of a split's cover that its left child has. */
double forest_left_share(const Forest *f, uint32_t node);
/* The margin of a row of which nothing is known; *trees_size: the largest leaf of each tree, added.
 */
double forest_mean(const Forest *f, double *trees_size);
/* Set f->paths, unless they would take much memory or a branch has no cover. */
void forest_prepare(Forest *f, Arena *keep);
/* What a row's leaves come to: as float32, which is the margin, and with less rounding, against
 * which contributions are held; `size` is that of its terms. */
typedef struct Closing {
    float margin;
    double leaves, size;
} Closing;
static inline void closing_add(Closing *c, float leaf)
{
    c->margin += leaf;
    c->leaves += (double)leaf;
    c->size += leaf < 0 ? -(double)leaf : (double)leaf;
}
/* Add the rows' contributions to phi and their leaves to closing, as the plain way does. */
void forest_explain_rows(const Forest *f, const Matrix *x, double *phi, Closing *closing,
                         Arena scratch);
double paths_mean(const Paths *p, double *size);
double linear_part(const Linear *l, size_t column, float x); /* what one column adds */

/* The text of a string or a number; the empty Str for anything else, NULL included. */
Str json_text(yyjson_val *value);
/* A finite number rounded once, to float, as strtof does; false when it is none. */
bool json_single(Str text, float *out);
/* FORMAT unless every field of the object is one of `known` (ended by NULL), and only once:
 * what is not understood must not be passed over. where: "learner", "tree 3". */
MUST_USE Status json_fields(yyjson_val *object, const char *where, const char *const *known,
                            Error *err);
/* Column names: an array of distinct strings. */
MUST_USE Status json_distinct(const Str *name, size_t count, Arena scratch, Error *err);
void json_quote(Buffer *b, Str text);

#endif
