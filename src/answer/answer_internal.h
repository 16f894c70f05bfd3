/* answer_internal.h - what the files of this room share. */
#ifndef ANSWER_ANSWER_INTERNAL_H
#define ANSWER_ANSWER_INTERNAL_H

#include "answer/answer.h"

enum { ID_BYTES_MAX = 512, TEXT_BYTES_MAX = 4096, RECORDS_MAX = 100, FACTS_MAX = 100 };

/* ---- faults ---- */

/* A place in a request: /list/at/field; list NULL is the whole, no_at no position, an empty field
 * none. */
#define no_at SIZE_MAX
typedef struct Place {
    const char *list;
    size_t at;
    Str field;
} Place;

/* Say what is wrong, unless something is said already. Answers FORMAT. */
Status fault_set(Fault *f, Place place, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* A name from outside for a sentence: short, and nothing that a terminal or a log would obey. */
Str fault_shown(Arena *keep, Str name);

/* ---- what a request may say of one column ---- */

typedef struct AnswerColumn {
    const SchemaColumn *schema;
    Str name;
    bool key;     /* of the customer, or the owner of a transaction: filled in when left out */
    bool outcome; /* of the customer: no input */
    bool needed;  /* must be said, for a column left out would pass for one who did nothing */
    bool read;    /* the model or the policy looks at it */
} AnswerColumn;

typedef struct AnswerColumns {
    AnswerColumn *item;
    size_t count;
} AnswerColumns;

struct Answerer {
    Arena arena;
    Bundle *bundle;
    AnswerColumns customer, transaction;
    size_t *input; /* positions of the features that the model reads */
    size_t inputs;
    char policy_sha256[SHA256_TEXT];
    Str *column_names[2]; /* of customer and transaction, for the nearest name */
};

/* ---- a request, understood ---- */

/* Rows of one kind: cells as text, in the columns' order; an empty Str is missing. */
typedef struct RequestRows {
    Str *cell; /* [rows][columns] */
    size_t rows;
    bool *said;  /* [columns] some row has the column, be it as null */
    bool given;  /* the key is there */
    bool single; /* one object and not a list */
} RequestRows;

typedef struct RequestFact {
    Str name, evidence, since;
} RequestFact;

typedef enum AsOf { AS_OF_LATEST, AS_OF_SAID, AS_OF_NOW } AsOf;

typedef struct Request {
    Str customer_id;
    RequestRows customer, transactions;
    AsOf as_of;
    int64_t as_of_us;
    RequestFact *fact;
    size_t facts;
    Earlier earlier;
    bool reasons, counterfactual, unknown_fields;
    Language language;
    Str policy; /* a book for a dry run; data NULL: none */
} Request;

/* Parse and check. held: what a database keeps, where fields that this bundle does not know are
 * passed over.  Memory: keep; the request's texts point into it and into json. */
MUST_USE Status request_read(Request *out, Arena *keep, const Answerer *a, Str json,
                             const AnswerLimits *limits, int64_t now_us, bool held, Fault *fault);
/* The same by way of a tree of the whole, where all faults are found: what request_read must agree
 * with, and does itself when the transactions are not written as plainly as they mostly are. */
MUST_USE Status request_read_whole(Request *out, Arena *keep, const Answerer *a, Str json,
                                   const AnswerLimits *limits, int64_t now_us, bool held,
                                   Fault *fault);

/* Rows alone, to be held: a customer as one object; transactions as {"transactions": [...]}, a list
 * or one object, *list the place where they are. */
MUST_USE Status request_read_customer(RequestRows *out, Arena *keep, const Answerer *a, Str json,
                                      const AnswerLimits *limits, Fault *fault);
MUST_USE Status request_read_transactions(RequestRows *out, const char **list, Arena *keep,
                                          const Answerer *a, Str json, const AnswerLimits *limits,
                                          Fault *fault);
/* Has some row every column that must be said? */
MUST_USE Status request_said(Fault *fault, const char *list, AnswerColumns columns,
                             const RequestRows *rows);
/* Can a database keep and find them by their keys and states? */
MUST_USE Status request_keys(Fault *fault, const char *list, const Answerer *a,
                             const RequestRows *rows);
/* Are they all in the book's one currency? */
MUST_USE Status request_currency(const Request *r, const Answerer *a, Fault *fault);
/* Read the rows as a run does; the first that would be set aside is *fault. */
MUST_USE Status request_data(Dataset **out, size_t *after, Arena *keep, Arena scratch,
                             const Answerer *a, const Request *r, Fault *fault, Error *err);

/* Add what is held to what is asked. */
void request_merge(Request *r, Arena *keep, const Answerer *a, const Request *held);

/* The two files that a request is. */
typedef struct RequestFiles {
    CsvCells cells[2];
    size_t *column[2]; /* position of a file's cell among the columns */
} RequestFiles;
void request_files(RequestFiles *out, Arena *keep, const Answerer *a, const Request *r);

/* A row that was set aside, for who sent it. */
Status fault_row(Fault *f, const Answerer *a, const RequestFiles *files, const QuarantineRow *row,
                 Str file);

/* ---- the reply ---- */

typedef struct Reply {
    const Answerer *answerer;
    const Request *request;
    const Bundle *bundle; /* with the policy that decided */
    const Dataset *data;
    const Scored *scored;
    const Decision *decision;
    const Change *change;
    char policy_sha256[SHA256_TEXT];
    size_t after_as_of, given, held, facts_later;
    bool dry_run;
} Reply;
void reply_write(Answer *out, Arena *keep, Arena scratch, const Reply *r);

#endif
