/* telemetry_internal.h - what the files of this room share. */
#ifndef TELEMETRY_INTERNAL_H
#define TELEMETRY_INTERNAL_H

#include "telemetry/telemetry.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- counts.c: counters and histograms that many threads add to ----
 *
 * A family is a metric; a series is a family with one value for each of its labels. A series is
 * found by hash without a lock, and made under one when it is new. Its numbers lie in as many
 * copies as there are shards; a thread adds (C11 atomics, relaxed) to the copy of the processor it
 * runs on, and whoever reads sums them up. A family that has all the series it may have counts
 * further ones under the label "other", so that nobody outside can make it grow.
 */
typedef enum FamilyId {
    COUNT_REQUESTS,
    COUNT_PROBLEMS,
    COUNT_DURATION,
    COUNT_BYTES_IN,
    COUNT_BYTES_OUT,
    COUNT_SHED,
    COUNT_BATCH_ROWS,
    COUNT_BATCH_BAD_ROWS,
    COUNT_STAGE,
    COUNT_DECISIONS,
    COUNT_SCORE,
    COUNT_REASONS,
    COUNT_INSUFFICIENT,
    COUNT_UNKNOWN_VALUES,
    COUNT_MISSING_INPUTS,
    COUNT_TRANSACTIONS,
    COUNT_DRY_RUNS,
    COUNT_COMPARED,
    COUNT_NOT_COMPARED,
    COUNT_SEGMENTS_DIFFER,
    COUNT_ACTIONS_DIFFER,
    COUNT_SCORE_DIFFERENCE,
    COUNT_FEEDBACK,
    COUNT_OVERRIDES,
    COUNT_JOBS,
    COUNT_RELOADS,
    COUNT_EVENTS,
    COUNT_PUSHED,
    COUNT_LOG_LINES,
    FAMILIES
} FamilyId;

enum { LABELS = 3, SERIES = 4096, LABEL_BYTES = 128 };

typedef struct Family {
    const char *name, *help;
    const char *label[LABELS]; /* NULL: fewer */
    const int64_t *bound;      /* of a histogram, ascending, in units; NULL: a counter */
    size_t bounds;
    double unit;  /* how many units are 1 of what is shown */
    size_t limit; /* series */
} Family;
extern const Family families[FAMILIES];

typedef struct Series {
    FamilyId family;
    uint64_t hash;
    Str label[LABELS];
    size_t cell; /* the first: of a counter its value; of a histogram its bins, then the sum */
} Series;

typedef struct Counts Counts;
Counts *counts_new(void);
void counts_free(Counts *c);
/* label: as many as the family has; NULL where it has none. */
void counts_add(Counts *c, FamilyId family, const Str *label, uint64_t by);
void counts_observe(Counts *c, FamilyId family, const Str *label, int64_t value);
/* The series of a family, by the bytes of their labels.  Memory: keep. */
size_t counts_series(const Series ***out, Arena *keep, Counts *c, FamilyId family);
uint64_t counts_cell(const Counts *c, size_t cell);
/* The value of one counter; 0 when there is none yet. */
uint64_t counts_value(Counts *c, FamilyId family, const Str *label);

/* ---- basin.c: bytes that many threads put in and one takes out ----
 *
 * Two buffers: one is filled, under a mutex, while the other is emptied. What does not fit is not
 * taken, so nobody ever waits for a disk or a pipe.
 */
typedef struct Basin {
    pthread_mutex_t lock;
    pthread_cond_t more;
    char *fill, *other;
    size_t filled, capacity;
    bool waiting, closing;
} Basin;
void basin_init(Basin *b, size_t capacity);
void basin_free(Basin *b);
bool basin_add(Basin *b, const void *bytes, size_t size);
/* What has come, after waiting for at most `wait_ms` for a first of it; until the next call. */
Str basin_take(Basin *b, int wait_ms);
/* Wait until the basin is half full, wait_ms have passed or it closes; true: it closes. */
bool basin_wait(Basin *b, int wait_ms);
void basin_close(Basin *b); /* wakes who waits */

/* ---- outlet.c: whole lines on their way to a file, a pipe or a terminal ---- */

typedef struct Outlet {
    Basin basin;
    pthread_t thread;
    bool started;
    int fd;
    bool regular;     /* a file */
    bool half;        /* half a line is at its end */
    const char *path; /* that is rotated; NULL: a descriptor of somebody else's */
    uint64_t size, bytes_max;
    int keep;
    _Atomic uint64_t written, dropped_full, dropped_failed; /* lines */
} Outlet;
/* path NULL: to fd.  IO when the file cannot be opened. */
MUST_USE Status outlet_open(Outlet *o, const char *path, int fd, uint64_t bytes_max, int keep,
                            size_t capacity, Error *err);
void outlet_close(Outlet *o); /* gives what is left two seconds */
/* A line with its newline. */
void outlet_add(Outlet *o, Str line);

/* ---- line.c: one JSON object in bounded memory ---- */

enum { LOG_LINE_BYTES = 4096 }; /* PIPE_BUF: such a line is never mixed with another's */
typedef struct Line {
    char *at, *end;
    bool first;
} Line;
void line_key(Line *l, const char *key);
void line_string(Line *l, Str text, size_t most); /* escaped, cut, UTF-8 made whole */
void line_text(Line *l, const char *key, Str text, size_t most);
void line_number(Line *l, const char *key, double number);
/* As line_number writes number / 1000. */
void line_thousandths(Line *l, const char *key, int64_t number);
void line_count(Line *l, const char *key, uint64_t count);
#define RFC3339_TEXT 40
Str rfc3339_text(char out[RFC3339_TEXT], int64_t time_us); /* 2024-08-26T09:05:37.213234Z */
int64_t clock_wall_us(void);
void line_request(Telemetry *t, const RequestSeen *r);

/* ---- sight.c: decisions on their way to the windows and the prediction log ---- */

enum { SEEN_ID_BYTES = 512 }; /* of a customer: no answer has a longer one */

/* A feature's value as it lies in the queue. */
typedef struct SeenValue {
    union {
        int64_t integer;
        double real;
        uint32_t text; /* where it begins in the texts behind the values; then its size, 4 bytes */
    };
    uint8_t type, valid;
    int8_t scale;
} SeenValue;

typedef struct Seen {
    uint32_t bytes, texts; /* of all; where texts begin */
    uint32_t features;
    uint8_t role, segment, action, insufficient;
    char bundle[SHA256_TEXT], decision[40];
    uint16_t customer_bytes;
    char customer[SEEN_ID_BYTES];
    int64_t time_us, as_of_us;
    double probability, low, high;
} Seen;

/* ---- watch.c: the features and scores of a bundle beside its reference ----
 *
 * Numbers of customers by bin for each hour of the last day; an hour that is over leaves the sum.
 * Hours are counted by the monotonic clock: setting the machine's clock changes nothing.
 */
enum { WATCH_SLOTS = 24 };
typedef struct WatchItem {
    const Distribution *was;
    size_t first; /* of its bins in `now` and in every slot */
    int use;      /* FeatureUse; of the score and segment: USE_MODEL */
    double limit; /* by partitions, when so many customers had been counted; NaN: not yet */
    uint64_t limit_at;
} WatchItem;

/* What counting needs of an item: some hundred of them are gone through for every decision. */
typedef struct WatchPlace {
    const double *cut;
    uint32_t first;
    uint16_t cuts;
    bool numbers; /* a feature that is a number; else by its Distribution */
} WatchPlace;

typedef struct Watch {
    Arena arena;
    char id[SHA256_TEXT];
    Str version, policy, revision, policy_sha256;
    int64_t as_of_us;
    size_t trained, positives;
    size_t features;
    Str *name;    /* [features] */
    size_t items; /* 0: the bundle has no reference */
    WatchItem *item;
    WatchPlace *place;
    size_t bins; /* of all items */
    uint64_t *now;
    uint32_t *slot[WATCH_SLOTS];
    uint64_t before, customers, slot_customers[WATCH_SLOTS];
    int64_t hour; /* that the current slot is of */
    int64_t since_us;
} Watch;
Watch *watch_new(const Bundle *b, int64_t now_us);
void watch_free(Watch *w);
void watch_turn(Watch *w, int64_t now_us); /* drops hours that are over */
void watch_count(Watch *w, const Seen *s); /* of the same bundle */
Str seen_text(const Seen *s, const SeenValue *v);
typedef struct WatchFigure {
    double psi, null_mean, limit, missing;
    DriftVerdict verdict;
} WatchFigure;
WatchFigure watch_figure(const Watch *w, const WatchItem *i);
/* Partitions for items that seem to have moved, at most `most` of them; how many were done. */
size_t watch_limits(Watch *w, size_t most, Arena scratch);

typedef enum TelemetryStore { STORE_NONE, STORE_DOWN, STORE_UP } TelemetryStore;

struct Telemetry {
    TelemetrySettings settings;
    Counts *counts;
    TelemetryKey *key;
    Outlet log, predictions;
    bool predicts;
    _Atomic int64_t in_flight, connections;
    _Atomic uint64_t events_waiting, jobs_waiting;
    _Atomic uint8_t store;            /* TelemetryStore */
    _Atomic int64_t last_decision_us; /* by the monotonic clock; 0: none yet */
    int64_t start_us;                 /* wall clock */
    Basin seen;
    pthread_t watcher;
    bool watching;
    _Atomic uint64_t seen_dropped;
    /* Under `drain`, which whoever empties `seen` holds: the windows, and who answers now. The
     * last ones that did are kept a while for decisions that are still on their way. */
    pthread_mutex_t drain;
    Watch *watch[2]; /* by AnswerRole */
    Watch *former[4];
    Arena prediction; /* of one line */
};
void sight_pack(Telemetry *t, AnswerRole role, const Bundle *b, const Answer *answer);
void sight_drain(Telemetry *t); /* with t->drain held */
MUST_USE Status sight_start(Telemetry *t, Error *err);
void sight_stop(Telemetry *t);

/* ---- prediction.c ---- */
void prediction_add(Telemetry *t, const Watch *w, const Seen *s);

/* ---- process.c: what the system says of this process ---- */
typedef struct ProcessFigures {
    double cpu_seconds, start_seconds;
    uint64_t resident_bytes, virtual_bytes, open_fds, max_fds, threads;
} ProcessFigures;
ProcessFigures process_figures(void);

#endif
