/* profile.h - what the columns of unknown files hold, and the books guessed from it.
 *
 * Every column is read as text and looked at through its distinct cells: what kind of value it
 * holds and in what form, what its name says in a dozen languages, and how
 * it goes with the label. From this come the keys by which the files join, the label, the
 * roles of the transactions' columns, columns that stand for a protected ground (by name or
 * by the values they hold), columns that know the outcome, and differences between the two
 * cohorts. All of it is a guess. What is unsure is said in the books as comments, with what
 * was seen and what to do; nothing here decides for the analyst in silence.
 *
 * Valid for CSV as docs/csv.md has it. Words are matched, not understood: a column in another
 * language is judged by its values alone. Source of the grounds: docs/init.md.
 */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include "book/book.h"
#include "csv/csv.h"

typedef struct ProfileFiles {
    const char *const *path;
    size_t count;
} ProfileFiles;

typedef struct ProfileInputs {
    ProfileFiles customers, transactions;             /* labelled */
    ProfileFiles score_customers, score_transactions; /* none: cohorts are not compared */
    const char *label;                                /* the column of the outcome; NULL: guess */
} ProfileInputs;

typedef struct Profile Profile;

/* Read the files whole and look. Errors: IO, FORMAT as csv_read; DATA with a remedy when a file
 * has no row, no column joins the two, nothing can be the label, or no column is an amount.
 * Memory: keep.  Cost: O(cells). */
MUST_USE Status profile_read(Profile **out, Arena *keep, Arena scratch, const ProfileInputs *in,
                             Error *err);

/* The books that suit the files, ready to be read back.  Memory: keep.  Cannot fail. */
Str profile_schema_book(Arena *keep, const Profile *p);
Str profile_features_book(Arena *keep, const Profile *p);
Str profile_policy_book(Arena *keep, const Profile *p);

/* The files of transactions that the books are for: a file whose columns cannot be told to be those
 * of the first one is left out, and the summary says so. */
ProfileFiles profile_transactions(const Profile *p, bool scored);

/* What was found, a line each, and after it what was unsure.  Memory: keep. */
Str profile_summary(Arena *keep, const Profile *p);

/* ---- any files, without a notion of customers: what one looks at before anything else ---- */

enum { SURVEY_TOPS = 8, SURVEY_STEPS = 20, SURVEY_LEAST = 5 };

typedef struct SurveyValue {
    Str text;
    size_t rows;
} SurveyValue;

typedef struct SurveyColumn {
    Str name;
    Str holds; /* "whole number", "time (iso)", "words" ... */
    bool number, time;
    size_t filled, distinct;
    bool hidden;    /* its values name rows or people, and are not shown ... */
    Str hidden_why; /* ... because */
    /* Of numbers and times (microseconds since 1970), over rows; NaN for others. */
    double low, q1, median, q3, high, mean;
    size_t below, above; /* rows beyond Tukey's outer fences; 0 where the quartiles are equal */
    /* Rows in equal steps between the 1 % and the 99 % quantile, or the outer fences where these
     * are nearer; what lies beyond is in the first and the last. */
    double from, to;
    size_t steps; /* SURVEY_STEPS, or 0 */
    size_t step[SURVEY_STEPS];
    /* Of other kinds: the most frequent values, each in SURVEY_LEAST rows or more unless the file
     * has fewer than 50. None when hidden. */
    size_t tops;
    SurveyValue top[SURVEY_TOPS];
    size_t shortest, longest; /* characters of a value */
    size_t findings;
    Str *finding;
} SurveyColumn;

/* Two numeric columns of a file. */
typedef struct SurveyPair {
    size_t a, b, rows;
    double rho; /* Spearman's */
} SurveyPair;

typedef struct SurveyFile {
    const char *path;
    Str name;       /* its base name */
    uint64_t bytes; /* unpacked */
    bool empty;     /* there is nothing in it: no columns, no rows */
    bool mended;    /* names were made up, or made distinct */
    char delimiter;
    uint64_t rows, set_aside;
    size_t repeated; /* rows that are the same in every cell as an earlier one */
    size_t columns;
    SurveyColumn *column;
    size_t pairs; /* strongest first */
    SurveyPair *pair;
    size_t pairs_of, pair_rows; /* looked at, and on how many rows at most */
    size_t findings;
    Str *finding;
} SurveyFile;

/* A column of one file whose values are found in a column of another. */
typedef struct SurveyLink {
    size_t file[2], column[2];
    size_t values;  /* distinct, found in both */
    size_t rows[2]; /* rows of either file whose value is found in the other */
    bool key[2];    /* no value of it stands in two rows */
} SurveyLink;

typedef struct Survey {
    size_t files;
    SurveyFile *file;
    size_t links; /* most values first */
    SurveyLink *link;
    bool values; /* example values may be shown */
    uint64_t rows;
} Survey;

typedef struct SurveyInputs {
    ProfileFiles files; /* "-" is standard input */
    bool no_header;     /* the first line is data: columns are called column_1, ... */
    bool hide_values;   /* leave out every value of a single row: personal data */
    uint64_t unpacked_max;
    const Progress *progress;
} SurveyInputs;

/* Read the files and look at every column. Empty files, headers without names, rows that cannot be
 * read and bytes that are not UTF-8 are findings in words. Errors: IO; FORMAT for what is no text.
 * Memory: keep, about the distinct cells and 4 bytes a cell.
 * Cost: O(cells + distinct cells * log), and columns^2 over a sample for what columns say of each
 * other. */
MUST_USE Status survey_read(Survey **out, Arena *keep, Arena scratch, const SurveyInputs *in,
                            Error *err);

#endif
