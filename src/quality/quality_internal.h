/* quality_internal.h - the steps of dataset_read, in the order they run. */
#ifndef QUALITY_INTERNAL_H
#define QUALITY_INTERNAL_H

#include "quality/quality.h"

/* The rows of every file of one kind, united under the schema's columns. A column that no
 * file has is missing everywhere. */
typedef struct Union {
    Table *rows;
    uint32_t *source; /* [rows] ledger line */
} Union;

/* Rows of one key merged into one customer each; fills id, cohort, label, profile. */
MUST_USE Status quality_merge_customers(Dataset *d, Arena *keep, Arena scratch, const Union *all,
                                        Error *err);

/* Rows routed to customers, exact duplicates merged; fills versions, owner, as_of. */
MUST_USE Status quality_route_transactions(Dataset *d, Arena *keep, Arena scratch, const Union *all,
                                           const DatasetInputs *inputs, Error *err);

/* A row's cells as one line of text, for the quarantine. */
Str quality_row_text(Arena *arena, const Table *t, size_t row);

/* Rows of one id are compared with each other, so their number is bounded. Beyond it the key is
 * almost surely not one: DATA, with the place of one of the rows. */
enum { VERSIONS_MAX = 1000 };
MUST_USE Status quality_check_versions(const Table *t, uint32_t row, size_t count, Str column,
                                       Arena scratch, Error *err);

/* Are two rows the same in every column? */
bool quality_same_row(const Table *t, uint32_t a, uint32_t b);

/* Does row a of one id say all that row b says? What says which version it is (state, times,
 * amount) must be equal; elsewhere b may lack a value, because a file may lack a column that
 * another has. */
bool quality_says_all(const Schema *schema, const Table *t, uint32_t a, uint32_t b);

/* An order of rows by what they hold and not by where they stand: by state, amount, then every
 * column; missing comes first. 0 only when they are equal in every cell. */
int quality_row_order(const Schema *schema, const Table *t, uint32_t a, uint32_t b);

/* Bring the versions of one event together: order rows by customer, id, row. */
void quality_sort_versions(uint32_t *order, size_t count, const uint32_t *owner, const Column *key);

/* Say which event times lie far from nearly all others, and whether as_of does. */
void quality_find_times(Dataset *d, Arena *keep, Arena scratch, const Table *t,
                        const uint32_t *owner, const Column *created, const Column *completed);

/* Is this transaction row's state one that is not final? */
bool quality_pending(const Schema *schema, const Column *state, size_t row);

#endif
