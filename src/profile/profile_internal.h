/* profile_internal.h - the room's own: portraits of columns, the words of names, the roles. */
#ifndef PROFILE_PROFILE_INTERNAL_H
#define PROFILE_PROFILE_INTERNAL_H

#include "profile/profile.h"

/* What a name speaks of; a Portrait's `words` has bit 1 << Word for each. */
typedef enum Word {
    WORD_ID,
    WORD_CUSTOMER,
    WORD_TRANSACTION,
    WORD_AMOUNT,
    WORD_DEBIT,
    WORD_CREDIT,
    WORD_DIRECTION,
    WORD_STATE,
    WORD_TYPE,
    WORD_CURRENCY,
    WORD_TIME,
    WORD_CREATED,
    WORD_COMPLETED,
    WORD_SOURCE,
    WORD_TARGET,
    WORD_PARTNER,
    WORD_LABEL,   /* names an outcome */
    WORD_GOOD,    /* names a good outcome: its yes is not the risky one */
    WORD_OUTCOME, /* belongs to an outcome: a date, a reason, a case */
    WORD_LAST,    /* of the end of what was observed */
    WORD_BALANCE,
    WORD_BUSINESS, /* of a bank's customer, and of no person's ground: plan, tier, device */
    /* Protected grounds, in the order of word_ground. */
    WORD_GENDER,
    WORD_AGE,
    WORD_RESIDENCE,
    WORD_NATIONALITY,
    WORD_LANGUAGE,
    WORD_ETHNICITY,
    WORD_RELIGION,
    WORD_MARITAL,
    WORD_FAMILY,
    WORD_HEALTH,
    WORD_OPINION,
    WORD_ECONOMIC,
    WORD_NAME
} Word;
#define SPEAKS(portrait, word) ((((portrait)->words) >> (word)) & 1)

/* A name or value in plain small letters, its words between single spaces: " date naissance ".
 * Accents are dropped, camelCase is taken apart. */
Str words_plain(Arena *keep, Str text);
/* The bits of every word that a plain name holds. */
uint64_t words_read(Str plain);
/* What a value says: is it one of the words of a good or bad end, of money in or out, ... */
typedef enum Says {
    SAYS_BAD,     /* suspended, fraud, blocked: a bad outcome of a customer */
    SAYS_GOOD,    /* active, normal */
    SAYS_IN,      /* money in */
    SAYS_OUT,     /* money out */
    SAYS_DONE,    /* state: completed */
    SAYS_FAILED,  /* state: failed, declined, cancelled, reversed */
    SAYS_PENDING, /* state: not final */
    SAYS_MALE,    /* or a title that tells it */
    SAYS_FEMALE,
    SAYS_MARITAL,
    SAYS_RELIGION,
    SAYS_ETHNICITY,
    SAYS_OCCUPATION,
    SAYS_COUNTRY,  /* a name or ISO code */
    SAYS_LANGUAGE, /* a name, or an ISO code in small letters */
    SAYS_CURRENCY, /* an ISO code */
    SAYS_BUSINESS, /* premium, android, branch */
    SAYS_NOTHING   /* NA, NULL, - */
} Says;
bool value_says(Str value, Says what, Arena scratch);

typedef enum Kind {
    KIND_EMPTY,
    KIND_BOOLEAN,
    KIND_INTEGER,
    KIND_DECIMAL,
    KIND_DOUBLE,
    KIND_TIME, /* a form, with a clock or without */
    KIND_CATEGORY,
    KIND_TEXT
} Kind;

const char *form_name(TimeForm form);
/* Read one cell in a form; false when it is not of it. *clock: it says the hour. */
bool form_parse(Str cell, TimeForm form, int64_t *out_us, bool *clock);

enum { LABELLED = 1, SCORED = 2 };

/* How a column of numbers is written. */
typedef struct NumberForm {
    char mark;     /* '.' or ',' */
    Str thousands; /* empty: none */
    int digits;    /* most digits after the mark */
} NumberForm;
bool number_parse(Str cell, NumberForm form, double *out, int *digits);

typedef struct Portrait {
    Str name, plain;
    uint64_t words;
    uint8_t cohorts;   /* LABELLED, SCORED: in whose headers it is */
    Dictionary *value; /* distinct cells */
    uint32_t *code;    /* [rows], NO_CODE when missing */
    uint32_t *count;   /* [values] rows of each */
    size_t filled;     /* rows with a value */
    size_t filled_in[2];
    Kind kind;
    TimeForm form;
    NumberForm number_form;
    bool clock;       /* of a time: some cell says the hour */
    bool form_unsure; /* several forms fit */
    size_t misfits;   /* rows whose cell is not of the kind */
    double *number;   /* [values] numbers, or times in microseconds; NaN for none */
    double low, high;
    size_t negatives, positives, zeros; /* rows */
    const char *ground;                 /* the protected ground it stands for, or NULL */
    Str ground_why;                     /* when only the values say so: what was seen */
    Str leak;                           /* why it may know the outcome; empty when it does not */
    Str unsure;                         /* what the analyst should look at */
    bool in_history;                    /* one of a wide table's columns */
} Portrait;

/* All files of one kind, one under the other; labelled rows come first. */
typedef struct Sheet {
    const char *what; /* customers, transactions */
    size_t rows, labelled;
    size_t columns;
    Portrait *column;
    char delimiter;
} Sheet;

/* What the columns of one file are called in the book. */
typedef struct Source {
    Str file; /* its base name */
    CsvRename *rename;
    size_t renames;
} Source;

Status sheet_read(Sheet *out, Arena *keep, Arena scratch, const char *what, ProfileFiles labelled,
                  ProfileFiles scored, const Source *source, size_t sources, Error *err);
void portrait_look(Portrait *c, const Sheet *s, Arena *keep, Arena scratch);
/* Distinct values by falling count, then bytes. */
uint32_t *portrait_order(Arena *keep, const Portrait *c);
static inline size_t portrait_values(const Portrait *c)
{
    return c->value->count;
}
static inline bool portrait_numeric(const Portrait *c)
{
    return c->kind == KIND_INTEGER || c->kind == KIND_DECIMAL || c->kind == KIND_DOUBLE;
}
/* Share of the rows with a value whose value says so. */
double portrait_saying(const Portrait *c, Says what, Arena scratch);

/* Wide columns, one a month, oldest first. */
typedef struct History {
    Str stem; /* a name for the events */
    Portrait **column;
    size_t count;
    bool dated; /* the names say the months */
    int64_t from_us;
} History;

typedef struct Label {
    Portrait *column;
    uint8_t *side;                        /* [values] 1 positive, 0 negative, 2 ignored */
    size_t positives, negatives, ignored; /* labelled rows */
    Str why;
    bool by_frequency; /* no word told which side is which */
} Label;

struct Profile {
    Sheet customers, transactions;
    ProfileFiles files[2]; /* of transactions that are read: labelled, to be scored */
    Source *source_file;
    size_t sources;
    Str name;
    Label label;
    Portrait *key;        /* of the customers; a customer is a code of it */
    int8_t *outcome;      /* [customers] 1, 0, or -1 */
    Portrait *outcome_at; /* of the customers: a time that only the risky have */
    /* Roles of the transactions' columns; NULL when there is none. */
    Portrait *transaction, *customer, *source, *target, *partner;
    Portrait *created, *completed, *amount, *debit, *credit;
    Portrait *direction, *state, *type, *currency;
    bool is_signed;
    uint32_t *owner; /* [transaction rows] a customer, or NO_CODE (the source when two-sided) */
    uint32_t *other; /* the target, when two-sided; else NULL */
    double joined;   /* share of transactions whose customer is known */
    Str currency_name;
    Str in_value, out_value; /* of the direction column */
    int64_t step_us;
    bool has_clock;            /* events have an hour */
    int64_t latest_us;         /* of the transactions */
    double span_days;          /* a quarter of customers are observed no longer */
    int window_days;           /* of the model's first days */
    int busy_day, many_payers; /* in a day, in a week: what one customer in twenty reaches */
    double typical;            /* the median customer's turnover, one significant digit */
    History *history;
    size_t histories;
    Str series; /* the event column that tells histories apart */
    int scale;  /* of the amount */
    Arena *arena;
    Str *note; /* what was unsure, a sentence each */
    size_t notes, note_capacity;
};

/* Why a customers' column is not for the model; the empty Str when it may be. */
Str profile_against(Arena *keep, const Profile *p, const Portrait *c);
/* A customers' category that no word of ours explains: it may stand for anything. */
bool profile_unexplained(const Portrait *c, Arena scratch);
void profile_note(Profile *p, const char *format, ...) PRINTF_LIKE(2, 3);

Status files_choose(Profile *p, const ProfileInputs *in, Arena scratch, Error *err);
Status roles_join(Profile *p, Arena scratch, Error *err);
void roles_sides(Profile *p, Arena scratch);
void roles_unknown(Profile *p);
void customers_measure(Profile *p, Arena scratch);
Status roles_transactions(Profile *p, Arena scratch, Error *err);
Status label_find(Profile *p, const char *wanted, Arena scratch, Error *err);
void history_find(Profile *p, Arena scratch);
void grounds_find(Profile *p, Arena scratch);
void leaks_find(Profile *p, Arena scratch);
void cohorts_compare(Profile *p, Arena scratch);

/* ---- a survey of any files ---- */

/* A file while it is looked at. */
typedef struct Viewed {
    SurveyFile *file;
    Sheet sheet;
    bool hide_values;
    Arena *keep;
} Viewed;

void survey_column(SurveyColumn *out, const Portrait *c, const Viewed *seen, Arena scratch);
/* What is odd about each column, and about columns together. */
void survey_findings(Viewed *seen, Arena scratch);
void survey_pairs(Viewed *seen, Arena scratch);
void survey_links(Survey *s, const Viewed *seen, Arena *keep);
void survey_say(Arena *keep, Str **list, size_t *count, const char *format, ...) PRINTF_LIKE(4, 5);
/* The bytes under a header of distinct names: made up when there is none (no_header), made distinct
 * where it repeats or lacks them. *mended is false, and the bytes are the same, when it is fine. */
Str survey_header(bool *mended, Arena *keep, Str bytes, char delimiter, bool no_header);

/* ---- books as text ---- */
void add_yaml(Buffer *b, Str text);                        /* a scalar, quoted when it must be */
void add_name(Buffer *b, Str name);                        /* a column in an expression */
void add_literal(Buffer *b, Str value);                    /* 'value' */
void add_comment(Buffer *b, const char *indent, Str text); /* # lines, wrapped */
/* The name of a feature that is ours, unless a customers' column has it. */
Str own_name(Arena *keep, const Profile *p, Str name);
/* A name that policy conditions have from the engine; no feature may have it. */
bool is_engine_name(Str name);
/* A name for a feature: letters, digits and _. */
Str name_of_feature(Arena *keep, Str column);

#endif
