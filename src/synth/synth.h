/* synth.h - a made-up bank: customers and transactions with the truth beside them.
 *
 * The files have the shape of the home task's: the same headers, states, types, shares and
 * faults, and as its last part what no real file has: the truth about every customer. Who is
 * risky does certain things more often (a typology), others do them too, though rarely, so
 * that nothing separates the two perfectly.
 *
 * Each customer draws from a random stream named by the seed and the customer's number: the
 * same options give the same bytes on every machine, and the first customers of a large bank
 * have the same history as those of a small one.
 */
#ifndef SYNTH_SYNTH_H
#define SYNTH_SYNTH_H

#include "base/base.h"

typedef enum Typology {
    TYPOLOGY_PASS_THROUGH,         /* bank in, at least 80 % bank out within hours          */
    TYPOLOGY_BANK_TO_CRYPTO,       /* bank in, crypto bought with it within two days        */
    TYPOLOGY_TOP_UP_CYCLING,       /* top-ups fail, one succeeds, crypto is bought with it   */
    TYPOLOGY_OUTFLOW_ABOVE_INFLOW, /* more leaves than was ever seen to arrive               */
    TYPOLOGY_DORMANT_BURST,        /* silence of two weeks, then a day of large movements    */
    TYPOLOGIES
} Typology;

const char *typology_name(Typology typology); /* pass_through, ... as in truth.csv */

typedef struct SynthOptions {
    uint64_t customers; /* 1 .. 100,000,000 */
    uint64_t seed;
    int64_t as_of; /* the day of the extract, days since 1970; its events are included */
    double labelled_share;
    bool calendar_leak; /* suspended accounts fall silent, and who joined lately is active */
    bool imperfections; /* versions, copies, contradictions, strangers, blanks, cut codes  */
    uint64_t malformed; /* rows that cannot be read, at the end of the labelled files      */
} SynthOptions;

/* 1,000 customers, seed 1, 2024-08-27, 0.55 labelled, with leak and imperfections. */
SynthOptions synth_defaults(void);

typedef struct SynthCounts {
    /* customers: as in truth.csv */
    uint64_t labelled, unlabelled, unknown; /* unknown: transactions but no customer row */
    uint64_t suspended;                     /* of the labelled, in truth                 */
    uint64_t suspended_unlabelled;          /* of the unlabelled, in truth               */
    uint64_t silent;                        /* labelled without any transaction          */
    uint64_t contradictory;                 /* labelled with both labels written         */
    uint64_t planted[TYPOLOGIES];           /* customers of any cohort                   */
    uint64_t transactions;                  /* distinct ids                              */
    /* rows, headers and malformed ones not counted */
    uint64_t labelled_users, unlabelled_users;
    uint64_t labelled_transactions, unlabelled_transactions;
    uint64_t rows_of_labelled; /* in unlabelled_transactions.csv */
    uint64_t rows_of_unknown;  /* in unlabelled_transactions.csv */
    uint64_t malformed;
} SynthCounts;

/* Write labelled_users.csv, labelled_transactions.csv, unlabelled_users.csv,
 * unlabelled_transactions.csv and truth.csv (user_id, cohort, label, typology, suspended_at,
 * contradictory) into the folder, which is made when it is not there. USAGE when an option is
 * out of bounds.  Memory: constant, whatever the number of customers.  Cost: O(rows). */
MUST_USE Status synth_write(SynthCounts *out, Arena scratch, const char *folder,
                            const SynthOptions *options, Error *err);

#endif
