/* quality.h - from files to one row per customer and one row per transaction, with every
 * repair counted.
 *
 * Customers: rows of one key are versions of one record without a time. Where they agree the
 * value stands; where they differ the most frequent value stands, and on a tie the value is
 * missing, because nobody can say which holds. Contradictory labels keep a customer out of
 * training; such customers are scored and listed.
 *
 * Transactions: all files are united, then routed by customer, whichever file they came in.
 * Rows of one id are versions of one event: PENDING, then a final state. A transaction with two
 * sides is an event of each side that is a customer, with `direction` and `partner`. Rows
 * without a key get one from what they hold. Columns of a customer that hold one value a period
 * become events. Nothing here depends on the order of rows or files.
 *
 * Rows in = used + merged + quarantined, by file; a row with two sides counts once, and events
 * made of a customer's columns are rows of no file. dataset_read checks the sum.
 */
#ifndef QUALITY_QUALITY_H
#define QUALITY_QUALITY_H

#include "book/book.h"
#include "csv/csv.h"
#include "table/table.h"

typedef enum Severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_SEVERE } Severity;
Str severity_name(Severity s);

typedef struct Finding {
    Severity severity;
    Str code;       /* stable: contradictory_labels */
    uint64_t count; /* of what the sentence counts */
    Str what;       /* one sentence: what was found */
    Str done;       /* what was done about it */
} Finding;

typedef struct Findings {
    Arena *arena;
    Finding *item;
    size_t count, capacity;
} Findings;

Findings *findings_new(Arena *keep);
/* Texts are copied. Findings with count 0 are not recorded. */
void findings_add(Findings *f, Severity severity, const char *code, uint64_t count, Str what,
                  Str done);
const Finding *findings_find(const Findings *f, const char *code); /* NULL when absent */

/* The account of one input file. */
typedef struct LedgerLine {
    Str file;
    Str role; /* customers, transactions, score_customers, score_transactions */
    uint64_t rows, used, merged, quarantined;
} LedgerLine;

#define OUTCOME_UNKNOWN INT64_MIN
enum { COHORT_LABELLED = 1, COHORT_SCORED = 2 };
enum { LABEL_NEGATIVE = 0, LABEL_POSITIVE = 1, LABEL_NONE = -1, LABEL_CONTRADICTORY = -2 };

/* A column of the schema that a file's header lacks. When the book has sources, files may lack what
 * another file of the role has, or what the source sets: then it is not absent. */
typedef struct Absent {
    Str role; /* as in LedgerLine */
    Str file, column;
} Absent;

/* The columns of a file, in its order. */
typedef struct Header {
    Str role; /* as in LedgerLine */
    Str file;
    Str *name; /* as the book calls them */
    size_t count;
    Str source; /* the pattern of the book's source that the file is of; empty when of none */
} Header;

/* Transactions that came in a file of the cohort that their customer is not in, and those that
 * files of both cohorts hold. */
typedef struct Across {
    uint64_t rows, customers, ids;
} Across;

typedef struct Dataset {
    const Schema *schema;
    size_t customers;
    Str *id;         /* [customers], ascending by bytes */
    uint8_t *cohort; /* [customers] bits of COHORT_ */
    int8_t *label;   /* [customers] one of LABEL_ */
    /* [customers] when the label became known, OUTCOME_UNKNOWN where no file says; the earliest of
     * a customer's rows. NULL when the schema book names no outcome_at. */
    int64_t *outcome_us;
    Table *profile;  /* [customers] rows: the customer columns without the outcome, and `records`:
                        how many rows were merged into this one */
    Table *versions; /* every usable transaction row of a known customer, or side of one */
    uint32_t *owner; /* [versions->rows] its customer */
    /* The customers' rows as read, label and outcome among the columns, and which are whose:
     * raw_row[raw_first[i] .. raw_first[i + 1]) are those of customer i. */
    const Table *raw;
    uint32_t *raw_row;
    size_t *raw_first;     /* [customers + 1] */
    uint8_t *raw_labelled; /* [raw->rows] came in a labelled file: only then is the label one */
    Across across;
    int64_t as_of_us;
    Str *dropped; /* columns that have values in files of one cohort and none in the other's */
    size_t dropped_count;
    Absent *absent; /* by file, in the schema's order */
    size_t absent_count;
    LedgerLine *ledger;
    Header *header; /* [ledger_count] of the same files */
    size_t ledger_count;
    Findings *findings;
    Quarantine *quarantine;
} Dataset;

/* A file by its path, or CSV text already in memory (a request) under a name for messages. Text in
 * memory speaks the book's own names, and its transactions may also have the columns that the
 * engine makes (a direction, a key), as a run folder's histories do. */
typedef struct InputFile {
    const char *path;
    const Str *bytes; /* NULL: read the path */
} InputFile;
typedef struct InputFiles {
    const InputFile *item;
    size_t count;
} InputFiles;

typedef struct DatasetInputs {
    InputFiles customers, transactions;             /* labelled; none when only scoring */
    InputFiles score_customers, score_transactions; /* none when only training */
    /* Instead of files to be scored, rows as cells (a request), called `customer` and
     * `transactions` in messages: like text in memory, without the text. */
    const CsvCells *customer_cells, *transaction_cells;
    bool has_as_of;
    int64_t as_of_us;      /* without it: the latest event time of all */
    double bad_rows_max;   /* share of malformed rows that a file may hold; default 0.01 */
    uint64_t unpacked_max; /* bytes that a compressed file may unpack to; 0 as in base/unpack.h */
    const Progress *progress; /* may be NULL */
    /* Nobody reads the findings, nor `across`: of one customer's rows they say little. Rows are set
     * aside and errors are said all the same. */
    bool no_findings;
} DatasetInputs;

/* Read, unite, merge, route, account. Errors: IO, FORMAT; DATA: no usable customer, no label
 * column or one class only among labelled files, no transaction of any customer; GATE: more
 * malformed rows than bad_rows_max (the dataset is then complete enough to write the
 * quarantine: *out is set).  Memory: keep.  Cost: O(rows log rows). */
MUST_USE Status dataset_read(Dataset **out, Arena *keep, Arena scratch, const Schema *schema,
                             const DatasetInputs *inputs, Error *err);

/* Of files to be scored a label means nothing. That one customer's rows, alone in the dataset,
 * carry both must be known all the same: label[0] is what they say.  Cost: O(rows). */
void dataset_take_label(Dataset *d, Arena scratch);

/* Which of the labelled customers are not independent of each other. Linked are customers of one
 * person (the schema book's `person`), and customers who share a transaction: the same transaction
 * key on record for both, the same `reference`, or a reference of one that is a transaction of the
 * other (of two sides, each is on record for both); and customers whose whole histories, of
 * LINK_HISTORY_LEAST rows or more, are the same in every time and amount. A key, reference or
 * history that more than
 * LINK_TRANSACTION_MAX of them share, and a person key of more than LINK_PERSON_MAX, links nobody:
 * it is a batch, a merchant or a placeholder. Where shared transactions chain more than a tenth of
 * the labelled customers together (and more than LINK_TRANSACTION_MAX), that group falls back to
 * what persons and histories link, or no fold could be left out. */
enum { LINK_TRANSACTION_MAX = 5, LINK_PERSON_MAX = 20, LINK_HISTORY_LEAST = 3 };
typedef struct Links {
    /* [customers] linked customers share a number: the first of them. Below customers. */
    uint32_t *group;
    size_t groups, linked, largest; /* groups of two or more; customers in them; the largest */
    size_t by_person, by_transaction, by_history; /* customers that each joined to another */
    size_t hubs, crowds;                          /* transactions and persons that too many share */
    size_t chained, limit; /* customers in chains that were cut; the most that a chain may hold */
} Links;
/* What is found is added to the findings: linked_customers, same_person_twice, same_history_twice,
 * shared_by_many, person_of_many, links_in_chains.  Memory: keep.  Cost: O(rows + shared rows *
 * log). */
Links *quality_link(Arena *keep, Arena scratch, Dataset *d);

/* Events as known at an instant, one row for each id, by customer, then created_at, then id; of a
 * payment to oneself the money out comes first.
 * A final state counts from completed_at on (or created_at when that is later); before it the
 * event is pending, whether or not a pending row was exported. */
typedef struct Collapsed {
    Table *rows;     /* the transaction columns, and `records`: versions of the id known then */
    uint32_t *owner; /* [rows] customer */
} Collapsed;

/* as_of_us[customer] is each customer's own instant (all equal in a run; cut at a common age in
 * the silence test). Events created after it are absent.
 * Memory: keep.  Cost: O(rows log rows). */
MUST_USE Status quality_collapse(Collapsed **out, Arena *keep, Arena scratch, const Schema *schema,
                                 const Table *versions, const uint32_t *owner,
                                 const int64_t *as_of_us, Error *err);

#endif
