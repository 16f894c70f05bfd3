/* monitor_internal.h - what the files of this room share. */
#ifndef MONITOR_INTERNAL_H
#define MONITOR_INTERNAL_H

#include "monitor/monitor.h"
#include "record/record.h"
#include "telemetry/telemetry.h"

/* ---- lines.c: files line by line, plain or gzip, in bounded memory ---- */

enum { MONITOR_LINE_MAX = 1 << 20 };
typedef struct Lines Lines;
MUST_USE Status lines_open(Lines **out, Arena *keep, const char *path, Error *err);
/* The next line, without its newline; NULL data at the end. */
MUST_USE Status lines_next(Lines *l, Str *line, uint64_t *number, Error *err);
void lines_close(Lines *l);

/* A set of numbers that only grows. */
typedef struct NumberSet {
    uint64_t *slot;
    size_t count, slots;
} NumberSet;
NumberSet number_set(void);
void number_set_free(NumberSet *s);
/* *added: it was not there.  LIMIT above 16 million. */
MUST_USE Status number_set_add(NumberSet *s, uint64_t number, bool *added, Error *err);

/* ---- prediction.c: one line of a prediction log ---- */

typedef struct Prediction {
    int64_t time_us, as_of_us;
    Str decision, customer, bundle;
    bool challenger, insufficient;
    double probability;
    Segment segment;
    Action action;
    yyjson_val *features;
} Prediction;

typedef struct PredictionReader {
    Arena arena; /* of one line */
    void *memory;
    size_t memory_size;
    const Bundle *bundle;
    Dictionary *name; /* of features, by position */
    uint8_t *had;     /* [features] in this line */
} PredictionReader;
void prediction_reader(PredictionReader *out, Arena *keep, const Bundle *bundle);
/* Until the next line is read. */
MUST_USE Status prediction_read(Prediction *out, PredictionReader *r, Str line, Error *err);
/* bin[items of the reference]: which bin each falls into; strata are left out. */
MUST_USE Status prediction_bins(uint32_t *bin, PredictionReader *r, const Prediction *p,
                                const MonitorItem *item, size_t items, Error *err);

/* ---- later.c: labels, verdicts, groups ---- */

typedef struct Label {
    int64_t known_us;
    bool positive;
    bool used, waiting, early; /* by a mature decision; by a younger; known before the decision */
} Label;
typedef struct Labels {
    Dictionary *decision, *customer; /* to positions in `of` below, by code */
    Label *of_decision, *of_customer;
    size_t count;
} Labels;
MUST_USE Status labels_read(Labels **out, Arena *keep, Arena scratch, const MonitorInputs *in,
                            int64_t until_us, Error *err);
/* The label of a decision; NULL: none. */
Label *labels_find(const Labels *l, const Prediction *p);

typedef struct Review {
    Str verdict;            /* agree, overrule, positive, negative */
    int action;             /* what was decided; -1: not said */
    int64_t at_us, seconds; /* NO_TIME: not said; negative: not said */
    bool matched;
    int64_t matched_us;
    Action proposed;
    Segment segment;
} Review;
typedef struct Reviews {
    Dictionary *decision, *customer;
    uint32_t *of_decision, *of_customer; /* by code: the last verdict on it, +1; chained: */
    uint32_t *next;                      /* [count] the one before on the same, +1 */
    Review *verdict;
    size_t count, capacity;
} Reviews;
MUST_USE Status reviews_read(Reviews **out, Arena *keep, Arena scratch, const MonitorInputs *in,
                             Error *err);
void reviews_match(Reviews *v, const Prediction *p);

typedef struct Groups {
    Dictionary *customer;
    size_t columns;
    Dictionary **value; /* [columns] */
    Str *column;
    uint32_t **of; /* [columns][customer] code, or NO_CODE */
    size_t *first; /* [columns] of the column's values in Monitor.group */
} Groups;
MUST_USE Status groups_read(Groups **out, Arena *keep, Arena scratch, const MonitorInputs *in,
                            Error *err);

/* ---- judged.c: decisions with mature labels ---- */

typedef struct Judged {
    int64_t time_us;
    Str customer;
    double probability;
    Action action;
    Segment segment;
    uint32_t month; /* code */
    bool positive, other_bundle;
} Judged;
enum { MONTHS_MAX = 3600 };
typedef struct Judging {
    Arena *keep;
    Dictionary *first; /* "2026-05 customer", by position in item */
    Judged *item;
    size_t count, capacity;
    Dictionary *month;              /* "2026-05" */
    uint64_t decisions[MONTHS_MAX]; /* mature ones, labelled or not */
    uint64_t all;
} Judging;
Judging *judging_new(Arena *keep);
/* A mature decision; label NULL: none is known. */
void judging_decision(Judging *j, const Prediction *p, const Label *label, bool other_bundle);
/* By time, as judging_cohorts and groups_judged need it. Nothing may be added afterwards. */
void judging_sort(Judging *j);
void judging_cohorts(Monitor *m, Arena *keep, const Judging *j, Team *team);

/* ---- figures.c ---- */
void figures_items(Monitor *m, Arena *keep, Team *team);
void groups_window(Monitor *m, const Groups *g, const Prediction *p);
void groups_judged(Monitor *m, Arena scratch, const Groups *g, const Judging *j);
void figures_groups(Monitor *m, const Groups *g);
void figures_feedback(Monitor *m, Arena *keep, const Reviews *v, int64_t from_us, int64_t to_us);

/* ---- alerts.c ---- */
void alerts_raise(Monitor *m, Arena *keep);

#endif
