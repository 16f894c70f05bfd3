/* book.h - the analyst's YAML documents: read with marks, and the schema book.
 *
 * A book is a YAML document whose every value remembers its line and column. A table of
 * Fields says what a record may hold; the same table reads the record into a C struct,
 * answers a misspelt key with the nearest known one, and prints the JSON Schema.
 * Bounds: 1 MiB a book, 32 levels, 100,000 nodes; no anchors or aliases (they would let a
 * small file stand for a huge one), no duplicate keys, valid UTF-8.
 */
#ifndef BOOK_BOOK_H
#define BOOK_BOOK_H

#include "table/table.h"

typedef struct Mark {
    int64_t line, column; /* 1-based */
} Mark;

/* A value as written, with its place. text.size == 0 when the key is absent. */
typedef struct BookText {
    Str text;
    Mark mark;
} BookText;

typedef struct BookTexts {
    BookText *item;
    size_t count;
} BookTexts;

/* name: value pairs in the order written. */
typedef struct BookPair {
    BookText name, value;
} BookPair;
typedef struct BookPairs {
    BookPair *item;
    size_t count;
} BookPairs;

typedef enum NodeKind { NODE_SCALAR, NODE_LIST, NODE_MAP } NodeKind;

typedef struct Node {
    NodeKind kind;
    Mark mark;
    Str text;          /* of a scalar */
    bool quoted;       /* a quoted scalar is never a number, boolean or null */
    size_t count;      /* items of a list, pairs of a map */
    struct Node *item; /* the items, or the values of the pairs */
    BookText *key;     /* of a map */
} Node;

/* Parse YAML. FORMAT gives file, line and column.  Memory: keep.  Cost: O(bytes). */
MUST_USE Status book_parse(Node **out, Arena *keep, Str yaml, const char *file, Error *err);

typedef enum FieldKind {
    FIELD_TEXT,     /* BookText */
    FIELD_REASON,   /* BookText that is no boolean and no number: words of a person */
    FIELD_TEXTS,    /* BookTexts: a list of scalars, or one scalar */
    FIELD_PAIRS,    /* BookPairs: a map of scalars */
    FIELD_NUMBER,   /* double */
    FIELD_INTEGER,  /* int64_t */
    FIELD_BOOLEAN,  /* bool */
    FIELD_DURATION, /* int64_t microseconds, written 24h or 14d */
    FIELD_CHOICE,   /* int: position in choices */
    FIELD_RECORD,   /* a struct described by fields, in place */
    FIELD_RECORDS   /* BookRecords of such structs */
} FieldKind;

typedef struct BookRecords {
    void *item;
    size_t count;
} BookRecords;

typedef struct Field {
    const char *name;
    FieldKind kind;
    size_t offset; /* of the value in the struct */
    bool required;
    const char *says;           /* one line, for people and for the JSON Schema */
    const char *const *choices; /* FIELD_CHOICE: NULL-terminated */
    const struct Field *fields; /* FIELD_RECORD(S): ended by a NULL name */
    size_t size;                /* FIELD_RECORDS: bytes of one struct */
    bool marked;                /* FIELD_RECORD(S): the struct begins with its Mark */
    const void *defaults;       /* FIELD_RECORDS: the struct each begins as; NULL for zeros */
} Field;

/* Fill `record` (already set to its defaults) from a map node. Unknown key, missing required
 * key, wrong kind: FORMAT with place, and the nearest known name as remedy. */
MUST_USE Status book_read(void *record, Arena *keep, const Node *node, const Field *fields,
                          const char *file, Error *err);

/* The JSON Schema (2020-12) of such a record, for editors and other programs. It knows the form of
 * a book, not whether its expressions and names make sense.  Memory: keep. */
Str book_json_schema(Arena *keep, const Field *fields, const char *title);

/* ---- the schema book: what the data is ----
 *
 * Roles (key, created, amount ...) name columns. Where the book leaves a role out and the engine
 * needs one, schema_read fills in a column of ours: so a reader finds every event's key, time
 * and amount by role, whatever the bank's files are like. `events` lists what an expression may
 * read of an event: the declared columns, and those that the book makes (direction, partner,
 * amount).
 */

typedef struct SchemaColumn {
    Mark mark;
    BookText name;
    int type;           /* a Type */
    int64_t scale;      /* of decimals; default 2 */
    BookTexts values;   /* a closed category's values; empty means open */
    BookText protected; /* the protected ground it stands for (gender, age, residence, ...) */
    BookText says;
    int format;            /* a TimeForm: how its times are written */
    int64_t step_us;       /* of format step */
    BookText from;         /* of formats step and yymmdd */
    TimeFormat time;       /* the three of them together */
    BookText decimal_mark; /* "." unless said */
    BookText thousands;    /* one character between thousands, or none */
} SchemaColumn;

/* What the share of positives among the labelled is: its maker's doing, or unknown; or what a
 * customer of the bank at large would have. Only then may a probability be read as a population's.
 */
typedef enum LabelPrior { LABEL_PRIOR_BY_DESIGN, LABEL_PRIOR_POPULATION } LabelPrior;

typedef struct SchemaLabel {
    Mark mark;
    BookText column;
    BookTexts positive, negative; /* values that mean risky, and not */
    BookTexts ignored;            /* values that say neither */
    int prior;                    /* a LabelPrior */
} SchemaLabel;

/* Wide columns of the customers' files, one a period, that become events. */
typedef struct SchemaHistory {
    Mark mark;
    BookTexts columns; /* oldest first */
    BookText into;     /* the event column that takes their values */
    BookText from;     /* the time of the first ... */
    int64_t step_us;   /* ... and from one to the next */
    int64_t from_us;
    BookPairs set; /* event column: value */
} SchemaHistory;

typedef struct SchemaCustomers {
    Mark mark;
    BookText key;
    BookText person;     /* the person behind several customers, if the files know */
    BookText outcome_at; /* when the label became known; empty where it did not */
    SchemaLabel label;
    BookRecords history; /* SchemaHistory */
    BookRecords columns; /* SchemaColumn */
} SchemaCustomers;

/* A transaction seen by both its sides: an event of each. */
typedef struct SchemaSides {
    Mark mark;
    BookText source, target; /* the columns of who pays and who is paid */
} SchemaSides;

/* Files whose columns have other names than the book's, or lack some. */
typedef struct SchemaSource {
    Mark mark;
    BookText files;   /* a pattern of base names: cards*.csv */
    BookPairs rename; /* the file's column: the book's */
    BookPairs set;    /* the book's column: its value in every row */
} SchemaSource;

typedef struct SchemaTransactions {
    Mark mark;
    BookText key, customer, created, completed, state, amount, currency;
    BookText reference; /* the transaction, or other thing, that one belongs to */
    SchemaSides sides;  /* source.text.size > 0: two-sided, and `customer` is empty */
    BookText debit, credit;
    bool is_signed;      /* the amount's sign is its direction */
    BookTexts pending;   /* states that are not final */
    BookRecords sources; /* SchemaSource */
    BookRecords columns; /* SchemaColumn */
} SchemaTransactions;

typedef struct Schema {
    int64_t version; /* 1 */
    BookText name;
    BookText currency; /* the one currency that amounts are in */
    SchemaCustomers customers;
    SchemaTransactions transactions;
    BookRecords events;   /* SchemaColumn: what expressions may read of an event */
    bool keyless;         /* the book names no key: every row is an event of its own */
    bool timeless;        /* it names no `created`: events have no time and no order */
    bool makes_direction; /* direction comes from the sides, the sign, or debit and credit */
    Str text;             /* the book as read, for the bundle */
    const char *file;     /* for messages */
} Schema;

/* Names of the columns that are not in the files. The first two are out of expressions' reach. */
#define SCHEMA_MADE_KEY  "#event"
#define SCHEMA_MADE_TIME "#time"
#define SCHEMA_DIRECTION "direction" /* IN or OUT */
#define SCHEMA_PARTNER   "partner"   /* the other side's key */
#define SCHEMA_AMOUNT    "amount"    /* of debit and credit */

/* Read a schema book and check it against itself: every named column is declared, key
 * columns are text or category, times are times, the amount is a decimal.
 * schema_default reads the one built in for the home task's files. */
MUST_USE Status schema_read(Schema **out, Arena *keep, Str yaml, const char *file, Error *err);
MUST_USE Status schema_default(Schema **out, Arena *keep, Error *err);
Str schema_json_schema(Arena *keep); /* of the schema book itself */

const SchemaColumn *schema_customer_column(const Schema *s, Str name); /* NULL when absent */
/* A column of the transactions' files, or one that the book makes. NULL when absent. */
const SchemaColumn *schema_transaction_column(const Schema *s, Str name);
bool schema_two_sided(const Schema *s);
bool schema_is_pending(const Schema *s, Str state); /* is the state one that is not final? */
/* Is this customer column the label, or when it became known? No feature may read it. */
bool schema_is_outcome(const Schema *s, Str name);

/* The default books as embedded text: "schema", "features", "policy", "messages"; and the skeleton
 * of the service's OpenAPI document: "openapi". */
Str book_default_text(const char *name);

#endif
