/* error.h - one status, one caller-owned error.
 *
 * A function that can fail on bad data returns a Status and fills the caller's
 * Error with a short sentence, the place (file, line, column) and the remedy. The
 * first error is kept: whoever is higher up passes it on and never overwrites it.
 * A bug in the program asserts instead.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

typedef enum Status {
    STATUS_OK = 0,
    STATUS_USAGE,  /* the command line or a call is wrong          */
    STATUS_IO,     /* the operating system refused                 */
    STATUS_FORMAT, /* a file, book or request is not what it must be */
    STATUS_DATA,   /* well formed, but nothing honest can be done with it */
    STATUS_LIMIT,  /* a stated bound was exceeded                  */
    STATUS_GATE,   /* a quality gate said no                       */
    STATUS_STOPPED /* told to stop: what was finished is kept      */
} Status;

typedef struct Error {
    Status status;
    char message[512]; /* one short line: what is wrong */
    char remedy[384];  /* what to do about it, or empty */
    char file[256];    /* where, or empty               */
    int64_t line;      /* 1-based, 0 when unknown       */
    int64_t column;    /* 1-based, 0 when unknown       */
    char excerpt[512]; /* the line at fault, shortened and without control bytes, or empty */
    int64_t caret;     /* characters of it before the fault */
} Error;

/* Pass a failure up unchanged. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        Status try_status_ = (call);                                                               \
        if (try_status_ != STATUS_OK)                                                              \
            return try_status_;                                                                    \
    } while (0)

/* Record an error unless one is recorded already; returns the status that stands.
 * `err` may be NULL. */
Status error_set(Error *err, Status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* Record what was recorded elsewhere, such as by another thread, unless an error is recorded
 * already. `err` may be NULL. */
void error_pass(Error *err, const Error *other);

/* Add the place or the remedy to the error that stands, unless it has one.
 * Both return err->status, so that `return error_remedy(err, ...)` reads well. */
Status error_place(Error *err, const char *file, int64_t line, int64_t column);
Status error_remedy(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Show the line of `text` around byte `offset`, unless something is shown already. */
struct Str;
void error_excerpt(Error *err, struct Str text, size_t offset);
/* The error's place is in this file: show its line, if it has that column and does not speak
 * against what is shown already (a text that YAML has folded stays as it was put together). */
void error_excerpt_file(Error *err, const char *file, struct Str text);

#endif
