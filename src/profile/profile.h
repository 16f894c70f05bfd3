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

#endif
