/* synth.h - a made-up bank: customers and transactions with the truth beside them.
 *
 * The files have the shape of the home task's: the same headers, states, types, shares and
 * faults, and as its last part what no real file has: the truth about every customer. Who is
 * risky does certain things more often (a typology), others do them too, though rarely, and
 * some do what only looks alike, so that nothing separates the two perfectly. docs/synth.md
 * says what each typology leaves in the transactions.
 *
 * Each customer draws from a random stream named by the seed and the customer's number, and
 * noise from a second one: the same options give the same bytes on every machine with any
 * number of threads, the first customers of a large bank have the same history as those of a
 * small one, and noise changes what is written about them but not what they do.
 */
#ifndef SYNTH_SYNTH_H
#define SYNTH_SYNTH_H

#include "base/base.h"

typedef enum Typology {
    TYPOLOGY_PASS_THROUGH,          /* bank in, at least 80 % bank out within hours          */
    TYPOLOGY_FUNNEL,                /* many credits in a week, one or two exits              */
    TYPOLOGY_STRUCTURING,           /* sums just under a threshold, several in a week        */
    TYPOLOGY_CARD_TESTING,          /* card payments of cents, then a large one              */
    TYPOLOGY_STOLEN_CARD_TO_CRYPTO, /* top-ups fail, one succeeds, crypto is bought with it  */
    TYPOLOGY_TOP_UP_CYCLING,        /* top-up after top-up, each spent within a day          */
    TYPOLOGY_FIRST_PARTY_ABUSE,     /* large card payments, reversed after the benefit       */
    TYPOLOGY_ACCOUNT_TAKEOVER,      /* far off the own pattern, by means never used before   */
    TYPOLOGY_BONUS_ABUSE,           /* rewards are the inflow, and leave within a day        */
    TYPOLOGY_DORMANT_BURST,         /* silence of two weeks, then a day of large movements   */
    TYPOLOGY_SYNTHETIC_IDENTITY,    /* statements of the profile contradict each other       */
    TYPOLOGY_GEO_MISMATCH,          /* phone, document or language from elsewhere            */
    TYPOLOGY_CRYPTO_LAYERING,       /* crypto bought and sold again, round after round       */
    TYPOLOGY_BANK_TO_CRYPTO,        /* bank in, crypto bought with it within two days        */
    TYPOLOGY_OUTFLOW_ABOVE_INFLOW,  /* more leaves than was ever seen to arrive              */
    TYPOLOGIES,
    /* What honest customers do that looks alike. */
    LOOKALIKE_SALARY_FORWARDER = TYPOLOGIES, /* the salary goes on to an account elsewhere   */
    LOOKALIKE_CRYPTO_SAVER,                  /* every week a little crypto from the bank     */
    PATTERNS
} Typology;

const char *typology_name(Typology typology); /* pass_through, ... as in truth.csv */

/* Leaks that are planted on purpose, each a column of both customers' files (docs/synth.md). */
typedef enum Plant {
    PLANT_LABEL_COLUMN,         /* review_code: R7 for the suspended, R1 for the others          */
    PLANT_POSITIVE_ONLY_COLUMN, /* closure_reason: filled for the suspended alone                */
    PLANT_POST_OUTCOME_COUNTER, /* contacts_90d: who was suspended called afterwards             */
    PLANT_COHORT_SHIFT,         /* app_build: customers to be scored have a later one            */
    PLANT_PERSON_TWICE,         /* person_id: every eighth customer is the one before once more  */
    PLANTS
} Plant;

const char *plant_name(Plant plant); /* label_column, ... */

typedef enum SynthFile {
    SYNTH_LABELLED_USERS,
    SYNTH_LABELLED_TRANSACTIONS,
    SYNTH_UNLABELLED_USERS,
    SYNTH_UNLABELLED_TRANSACTIONS,
    SYNTH_TRUTH,              /* a row a customer                                           */
    SYNTH_TRUTH_TRANSACTIONS, /* a row for each transaction of a typology or a look-alike   */
    SYNTH_FILES
} SynthFile;

const char *synth_file_name(SynthFile file); /* labelled_users.csv, ... */

typedef struct SynthOptions {
    uint64_t customers; /* 1 .. 100,000,000 */
    uint64_t seed;
    int64_t as_of; /* the day of the extract, days since 1970; its events are included */
    double labelled_share;
    double suspended;         /* share of the customers who are risky, in truth              */
    double share[TYPOLOGIES]; /* of these, who does it; each is drawn by itself              */
    double overlap;           /* the others do it this many times as often                   */
    double lookalikes;        /* share of the others who do what looks alike                 */
    double drift;             /* how far the scored cohort is from the labelled; 0 .. 1      */
    bool calendar_leak;       /* suspended accounts fall silent, and who joined lately is active */
    bool column_leak;         /* screening_state of labelled customers was set afterwards    */
    bool copies_leak;         /* rows of suspended labelled customers were exported again    */
    bool outcome_dates;       /* labelled_users.csv says when an account was suspended, and
                                 schema.yaml, which reads it, is written */
    bool clean;         /* nothing but behaviour tells: all joined at the same time, all act */
    unsigned plants;    /* bit per Plant; with any, schema.yaml and features.yaml are written, whose
                           last features read the planted columns, and truth.csv gets a column */
    bool imperfections; /* versions, copies, contradictions, strangers, blanks, cut codes */
    double label_noise; /* share of labelled customers whose written label is wrong    */
    double missing;     /* share of cells of customers and of categories left empty    */
    double defects;     /* damaged copies that cannot be read, a row                   */
    uint64_t malformed; /* rows that cannot be read, at the end of the labelled files  */
    Team *team;         /* NULL: the caller alone                                      */
    const Progress *progress; /* may be NULL */
} SynthOptions;

/* 1,000 customers, seed 1, 2024-08-27, 0.55 labelled, 0.17 suspended, all typologies, with
 * calendar leak, look-alikes and imperfections; no drift, no noise. */
SynthOptions synth_defaults(void);

typedef struct SynthCounts {
    /* customers: as in truth.csv */
    uint64_t labelled, unlabelled, unknown; /* unknown: transactions but no customer row */
    uint64_t suspended;                     /* of the labelled, in truth                 */
    uint64_t suspended_unlabelled;          /* of the unlabelled, in truth               */
    uint64_t silent;                        /* labelled without any transaction          */
    uint64_t contradictory;                 /* labelled with both labels written         */
    uint64_t mislabelled;                   /* labelled with the wrong label written     */
    uint64_t planted[PATTERNS];             /* customers of any cohort                   */
    uint64_t transactions;                  /* distinct ids                              */
    uint64_t planted_transactions;          /* of these, in truth_transactions.csv       */
    /* rows, headers and malformed ones not counted */
    uint64_t labelled_users, unlabelled_users;
    uint64_t labelled_transactions, unlabelled_transactions;
    uint64_t rows_of_labelled; /* in unlabelled_transactions.csv */
    uint64_t rows_of_unknown;  /* in unlabelled_transactions.csv */
    uint64_t malformed;        /* of any file, damaged copies too */
} SynthCounts;

/* Write labelled_users.csv, labelled_transactions.csv, unlabelled_users.csv,
 * unlabelled_transactions.csv, truth.csv (user_id, cohort, label, typology, onset, lookalike,
 * suspended_at, contradictory, mislabelled) and truth_transactions.csv (id, user_id, typology)
 * into the folder, which is made when it is not there. USAGE when an option is out of bounds.
 * Memory: constant, whatever the number of customers: blocks of them are made by the team and
 * written in order.  Cost: O(rows). */
MUST_USE Status synth_write(SynthCounts *out, Arena scratch, const char *folder,
                            const SynthOptions *options, Error *err);

/* Write one of the files to standard output, and no other. */
MUST_USE Status synth_print(SynthCounts *out, Arena scratch, SynthFile file,
                            const SynthOptions *options, Error *err);

#endif
