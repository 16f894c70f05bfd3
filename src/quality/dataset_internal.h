/* dataset_internal.h - what dataset_read asks of files, and says of their columns. */
#ifndef QUALITY_DATASET_INTERNAL_H
#define QUALITY_DATASET_INTERNAL_H

#include "quality/quality_internal.h"

/* One kind of file: which columns to ask for, and the codes that all its files share. */
typedef struct Request {
    CsvColumn *column;
    size_t columns;
} Request;

typedef struct Part {
    Table *table;
    uint32_t line; /* of the ledger; NO_CODE when no file has these rows */
} Part;

/* ---- dataset_request.c ---- */

/* `keys` are the columns whose cells must be present; `needed` those whose header must be. */
Request request_columns(Arena *keep, BookRecords columns, const BookText *key, size_t keys,
                        const BookText *needed, size_t needs);
/* The same columns, with the codes they have, of files that must have others. */
Request request_needing(Arena *keep, Request from, const BookText *needed, size_t needs);
/* Columns that a customers' file must have; the two of the outcome come last. */
BookText *request_needs(Arena *keep, const SchemaCustomers *c, size_t *count);
/* The columns of an event: those that files have, then those that the book makes. */
Request request_events(Arena *keep, const Schema *s);
Request request_without_set(Arena *keep, Request want, const SchemaSource *source);
Request request_with_made(Arena *keep, Request wanted, Request all);

/* ---- dataset_columns.c ---- */

/* `shared`: a file may lack what another one has. */
void columns_note_absent(Dataset *d, Arena *keep, Request want, const Part *part, size_t parts,
                         bool shared);
/* The columns that no file has. */
Dictionary *columns_find_lacking(Dataset *d, Arena *keep, Request want, const Part *part,
                                 size_t parts, bool training, Str kind);
/* Columns that have values in one cohort's files and none in the other's. */
void columns_find_dropped(Dataset *d, Arena *keep, Request want, const Part *part, size_t split,
                          size_t parts, Str label);
void columns_find_constants(Dataset *d, Arena *keep, Arena scratch, const Table *t,
                            const Dictionary *lacking);

#endif
