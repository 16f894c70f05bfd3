/* case.h - one customer's case: all that a person needs to judge a decision, gathered once.
 *
 * The terminal, the page and the JSON show the same Case. It holds events in time order with the
 * money that was matched, sums by period, by kind and by state, what the customer said the account
 * is for beside what the book's features compare with it, and what is doubtful about this
 * customer's own rows. Columns on a protected ground are never read into it, nor are texts that
 * only identify (session, phone). Amounts are exact: whole units of 10^-scale.
 */
#ifndef EXPLAIN_CASE_H
#define EXPLAIN_CASE_H

#include "score/score.h"

enum {
    CASE_EVENTS_MAX = 400, /* shown one by one; sums hold all */
    CASE_LOTS_MAX = 400,
    CASE_PERIODS_MAX = 60,
    CASE_MIX_MAX = 12,
    CASE_PLACES_MAX = 5,
    CASE_NEAR_MAX = 5
};

typedef enum CaseFlow { CASE_NEITHER, CASE_IN, CASE_OUT } CaseFlow;

typedef struct CaseEvent {
    Str id;
    Str kind, state, direction; /* as in the files; empty: not said */
    int64_t at_us;              /* NO_TIME: the files have no times */
    int64_t amount;
    bool has_amount;
    CaseFlow flow;   /* does the features book count it as money in, or out? */
    int64_t matched; /* of an amount that came in: what left again; of an outflow: what it took */
    size_t versions; /* rows of the files behind it */
    size_t reason;   /* the first of the decision's reasons that rests on it, from 1; 0: none */
} CaseEvent;

/* Money that came in and left again. */
typedef struct CaseLot {
    Str in_id, out_id, in_kind, out_kind;
    int64_t in_us, out_us;
    int64_t amount, lag_us;
} CaseLot;

typedef struct CasePeriod {
    int64_t from_us;
    int64_t in, out;
    size_t events;
} CasePeriod;

typedef struct CaseMix {
    Str name;      /* empty: not said */
    size_t others; /* 0; of the last row when there are too many: how many names it stands for */
    size_t events;
    int64_t amount, in, out;
} CaseMix;

typedef struct CaseMixes {
    CaseMix *item; /* most events first, then by name */
    size_t count;
} CaseMixes;

/* A column of the customer's record. */
typedef struct CaseField {
    Str name, says, value; /* value empty: not on record */
    bool declared;         /* what the customer said of how the account is used */
} CaseField;

/* A feature that sets what was said against what was done. */
typedef struct CaseComparison {
    Str feature, says;
    bool known, holds;
} CaseComparison;

/* What is doubtful about this customer's own rows. */
typedef struct CaseWarning {
    Str code; /* stable */
    size_t count;
    Str sentence;
    Str *place; /* file:line, the first few */
    size_t places;
} CaseWarning;

/* What a feature adds to the calibrated log-odds; its columns together. */
typedef struct CasePush {
    Str feature, says;
    double value;
} CasePush;

typedef struct Case {
    const Decision *decision;
    Str decision_id; /* empty: not known */
    Language language;
    const Messages *words, *books; /* the program's own, and those of the bundle; may be NULL */
    int64_t as_of_us;
    Str currency;
    int scale;
    bool contradictory;
    Thresholds thresholds;
    Earlier earlier; /* of the run before; known is false without one */

    size_t events; /* all of them */
    size_t counted_in, counted_out;
    int64_t total_in, total_out;
    int64_t first_us, last_us; /* NO_TIME without events, or without times */
    CaseEvent *event;          /* [shown] in time order: those behind reasons first of all, then the
                                  latest */
    size_t shown;
    int64_t period_us;
    CasePeriod *period; /* [periods] from first_us's day on, none left out */
    size_t periods;
    Str flow_feature, flow_formula; /* which matching; empty: the book matches no money */
    CaseLot *lot;                   /* [lots] by time of the outflow */
    size_t lots, all_lots;
    int64_t matched; /* of all lots */

    CasePush *push; /* [pushes] all that are not 0, strongest first */
    size_t pushes;
    double push_start, push_sum; /* with nothing known of the customer; of all, the score's */

    CaseMixes kinds, states;
    Str kind_column; /* the column of kinds; empty: the files have none */
    CaseField *field;
    size_t fields;
    size_t hidden; /* values of the record that stand for a protected ground */
    CaseComparison *comparison;
    size_t comparisons, holding;
    CaseWarning *warning;
    size_t warnings;
} Case;

typedef struct CaseInputs {
    const Bundle *bundle;
    const Dataset *data;
    const Scored *scored;
    size_t position; /* in scored */
    const Decision *decision;
    Str decision_id;       /* may be empty */
    const Messages *words; /* the program's catalogue; NULL: what is not a book's is English */
} CaseInputs;

/* Gather the case of one customer.  Memory: keep; refers to its inputs.
 * Cost: O(rows of the dataset + n log n in the customer's events). */
MUST_USE Status explain_case(Case **out, Arena *keep, Arena scratch, const CaseInputs *inputs,
                             Error *err);

/* The customer's number in the dataset; false when there is none. */
bool explain_find(size_t *customer, const Dataset *data, Str id);

/* Ids like the one that was not found, nearest first, at most CASE_NEAR_MAX.  Memory: keep.
 * Cost: O(customers * size of id^2). */
size_t explain_near(Str **out, Arena *keep, Arena scratch, const Str *id, size_t count, Str wanted);

/* ---- words for people, the same on the terminal and on the page.  Memory: arena ---- */

/* A text of ours, or of a book, in the case's language; English where no catalogue has it. */
Str case_word(const Case *c, const char *english);
Str case_text(const Case *c, Str english);
/* A sentence with its placeholders filled: "{count} of {all}". */
Str case_say(Arena *arena, const Case *c, const char *english, const MessagePart *part,
             size_t parts);
/* The same with {count} alone, in one of two sentences. */
Str case_plural(Arena *arena, const Case *c, size_t count, const char *one, const char *many);
Str case_count(Arena *arena, const Case *c, size_t count);
Str case_money(Arena *arena, const Case *c, int64_t amount); /* with the currency */
Str case_percent(Arena *arena, const Case *c, double share);
Str case_lag(Arena *arena, const Case *c, int64_t duration_us); /* 12 min, 6.5 h, 3 days */
Str case_day(Arena *arena, int64_t at_us);                      /* 2024-03-12 */
Str case_minute(Arena *arena, int64_t at_us);                   /* 2024-03-12 09:14 */
/* Where the customer stands among comparable ones; empty when there are none. brief: without who
 * they are. */
Str case_standing(Arena *arena, const Case *c, const Reason *r, bool brief);

#endif
