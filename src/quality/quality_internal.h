/* quality_internal.h - the steps of dataset_read, in the order they run. */
#ifndef QUALITY_INTERNAL_H
#define QUALITY_INTERNAL_H

#include "quality/quality.h"

/* The rows of every file of one kind, united under the schema's columns. A column that no
 * file has is missing everywhere. */
typedef struct Union {
    Table *rows;
    uint32_t *source; /* [rows] ledger line; NO_CODE for events made of a customer's history */
} Union;

/* The first of the book's sources whose pattern the file's name matches, or NULL. */
const SchemaSource *quality_source_of(const Schema *s, const char *path, Arena scratch);
const BookPair *quality_pair_of(const BookPairs *pairs, Str name); /* NULL when absent */

/* Rows of one key merged into one customer each; fills id, cohort, label, profile. DATA when a
 * label has a value that the schema book does not name. */
MUST_USE Status quality_merge_customers(Dataset *d, Arena *keep, Arena scratch, const Union *all,
                                        Error *err);

/* The events that the profile's history columns hold, with the columns of `like`. */
Table *quality_history(Dataset *d, Arena *keep, const Table *like);

/* Rows routed to customers, exact duplicates merged; fills versions, owner, as_of. Gives the rows
 * of `all` what the book leaves to us: keys, times, directions. */
MUST_USE Status quality_route_transactions(Dataset *d, Arena *keep, Arena scratch, const Union *all,
                                           const DatasetInputs *inputs, Error *err);

/* A key for every row that has none: a hash of all its cells, numbered where rows are equal. So it
 * depends on what a row holds and not on where it stands. */
void quality_make_keys(Dataset *d, Arena *keep, Arena scratch, const Union *all);

/* Rows as customers see them: one for each row, or one for each known side of it. */
typedef struct Sighting {
    Table *rows;
    uint32_t *owner;  /* [rows] customer; NO_CODE when no side is one */
    uint32_t *origin; /* [rows] the row of the union; those of one row stand together */
} Sighting;
Sighting quality_split_sides(Dataset *d, Arena *keep, Arena scratch, const Union *all,
                             const uint32_t *owner_of);

/* Debit and credit, or an amount with a sign, made an amount without one and a direction. */
void quality_shape_amounts(const Schema *s, Table *t);

/* The cells of a row's first columns as one line of text. */
Str quality_row_text(Arena *arena, const Table *t, size_t columns, size_t row);

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

/* What tells events apart: the customer, the id, and which side of it this is. */
typedef struct EventKey {
    const uint32_t *owner;
    const Column *key, *side; /* side: NULL when transactions have but one */
} EventKey;
EventKey quality_event_key(const Schema *s, const Table *t, const uint32_t *owner);
bool quality_same_event(const EventKey *k, uint32_t a, uint32_t b);

/* Bring the versions of one event together: order rows by event, then row. */
void quality_sort_versions(uint32_t *order, size_t count, const EventKey *k);

/* Say which event times lie far from nearly all others, and whether as_of does. */
void quality_find_times(Dataset *d, Arena *keep, Arena scratch, const Table *t,
                        const uint32_t *owner, const Column *created, const Column *completed);

/* Is this transaction row's state one that is not final? Without a state column every row is
 * final. */
bool quality_pending(const Schema *schema, const Column *state, size_t row);

#endif
