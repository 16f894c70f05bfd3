/* table.h - typed columns with validity, and the matrix that learning reads.
 *
 * A Table is a set of equally long columns. A cell is missing when its validity bit is 0,
 * whatever its type; the value behind a missing cell is zero. Once built, a table is not
 * changed: any number of threads may read it. Every row remembers the file and line it came
 * from, so that nothing can be lost without a trace.
 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "base/base.h"

typedef enum Type {
    TYPE_BOOLEAN,
    TYPE_INT64,
    TYPE_DECIMAL, /* exact: an integer count of 10^-scale units */
    TYPE_DOUBLE,
    TYPE_CATEGORY, /* one of few values, by code */
    TYPE_TEXT,     /* any string (identifiers), also by code: equal strings, equal codes */
    TYPE_TIME,     /* microseconds since 1970 UTC */
    TYPE_DATE,     /* days since 1970 */
    TYPE_DURATION  /* microseconds */
} Type;

Str type_name(Type type);
bool type_from_name(Str name, Type *out);

typedef struct Column {
    Str name;
    Type type;
    int scale;       /* of TYPE_DECIMAL; 0 otherwise */
    uint64_t *valid; /* bit i: row i has a value */
    union {
        uint8_t *boolean;
        int64_t *integer; /* INT64, DECIMAL, TIME, DATE, DURATION */
        double *real;     /* DOUBLE */
        uint32_t *code;   /* CATEGORY, TEXT: positions in dictionary */
        void *data;
    };
    Dictionary *dictionary; /* CATEGORY, TEXT; may be shared between tables */
} Column;

typedef struct Table {
    Str name;
    size_t rows;
    size_t columns;
    Column *column;
    /* Where each row came from: files[file[i]], line[i]. NULL for made tables. */
    Str *files;
    size_t file_count;
    uint32_t *file;
    uint64_t *line;
} Table;

size_t type_width(Type type); /* bytes a cell */

static inline bool column_valid(const Column *c, size_t row)
{
    return (c->valid[row >> 6] >> (row & 63)) & 1;
}
static inline void column_set_valid(Column *c, size_t row)
{
    c->valid[row >> 6] |= (uint64_t)1 << (row & 63);
}
static inline void column_set_missing(Column *c, size_t row)
{
    c->valid[row >> 6] &= ~((uint64_t)1 << (row & 63));
}

/* A column of `rows` missing cells. dictionary is for CATEGORY and TEXT (NULL makes one in
 * keep).  Memory: keep. */
void column_init(Column *c, Arena *keep, Str name, Type type, int scale, size_t rows,
                 Dictionary *dictionary);

/* Bit i of the words: row i of a BOOLEAN column has a value, and it is true.  Memory: keep. */
uint64_t *column_truth(Arena *keep, const Column *c, size_t rows);

/* A table of missing cells with no columns yet initialised (column[i] are zero). */
Table *table_new(Arena *keep, Str name, size_t rows, size_t columns);

Column *table_find(const Table *t, Str name); /* NULL when absent */

/* Rows `index[0 .. count - 1]` of a column, in that order; its dictionary is shared. */
void column_take(Column *out, Arena *keep, const Column *c, const uint32_t *index, size_t count);

/* Rows `index[0 .. count - 1]` of t, in that order, origins included. Dictionaries are shared.
 * Cost: O(count * columns). */
Table *table_take(Arena *keep, const Table *t, const uint32_t *index, size_t count);

/* Read the text of one cell into row `row`. Empty text is missing. False when the text is not
 * of the column's type (the cell is then missing). Booleans: TRUE/FALSE/true/false/1/0/yes/no. */
bool column_parse(Column *c, size_t row, Str text);

/* The cell as text, the inverse of column_parse; the empty Str when missing. */
Str cell_text(Arena *arena, const Column *c, size_t row);

/* The cell as a double: booleans 0/1, decimals and integers by value, times in microseconds;
 * NaN when missing. CATEGORY and TEXT give NaN. */
double cell_double(const Column *c, size_t row);

/* Same type, scale and value in both cells, or both missing. Names and dictionaries may differ. */
bool cell_equal(const Column *a, size_t row_a, const Column *b, size_t row_b);

/* Matrix - float32 rows that carry customer ids; NaN is missing. Row-major: a row is
 * contiguous. Never changed once built. */
typedef struct Matrix {
    size_t rows;
    size_t columns;
    Str *name;    /* by column */
    Str *id;      /* by row: the customer */
    float *value; /* [rows][columns] */
} Matrix;

Matrix *matrix_new(Arena *keep, size_t rows, size_t columns);
/* A matrix of the rows in index, in that order. */
Matrix *matrix_take(Arena *keep, const Matrix *x, const uint32_t *index, size_t count);
static inline const float *matrix_row(const Matrix *x, size_t row)
{
    return x->value + row * x->columns;
}

#endif
