/* monitor.h - drift and performance from what a service wrote down: prediction logs, and labels and
 * verdicts that came later. docs/monitor.md has every figure and its threshold.
 *
 * A customer counts once in a window: by the first decision about him in the order of the files.
 * Logs are read line by line, twice. Memory grows with the customers and the decisions of the two
 * windows (16 to 32 bytes each, 48 while a set grows), with labels and verdicts, and with the
 * customers that have a label, once for each month in which a mature decision was made about
 * them; older lines take none beside that. Whatever cannot be said for want of customers is said to
 * be unknown.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "report/report.h"
#include "score/score.h"

typedef struct MonitorInputs {
    const Bundle *bundle;
    const char *const *predictions; /* prediction logs: NDJSON, plain or gzip */
    size_t files;
    const char *labels;   /* CSV: decision_id or customer_id, label, known_at; NULL */
    const char *feedback; /* NDJSON: verdicts of analysts; NULL */
    const char *groups;   /* CSV: customer_id and any columns of groups; NULL */
    const char
        *hash_key; /* file: customer ids of the three are hashed with it; NULL: as they are */
    bool until_given;
    int64_t until_us;  /* else the last decision's time */
    int64_t window_us; /* of what is watched, and of what lies before */
    int64_t mature_us; /* labels of younger decisions are waited for */
    double floor;      /* that precision must not be below */
    bool challenger;   /* whose decisions: else the champion's */
    Str version;       /* of the program */
} MonitorInputs;

/* Counts of one window; count is by bin of the bundle's reference, item after item. */
typedef struct MonitorWindow {
    int64_t from_us, to_us; /* (from, to] */
    uint64_t decisions, customers, insufficient;
    uint64_t segment[SEGMENTS], action[ACTIONS];
    double probability; /* mean */
    uint64_t *count;
} MonitorWindow;

typedef enum MonitorTest { TEST_NONE, TEST_KOLMOGOROV, TEST_CHI_SQUARED, TEST_FISHER } MonitorTest;
Str monitor_test_name(MonitorTest t);

/* One item of the reference beside what was decided on. */
typedef struct MonitorItem {
    const Distribution *was;
    int use;      /* FeatureUse */
    size_t first; /* bin in MonitorWindow.count */
    Stability stability;
    double limit; /* what chance alone stays below */
    DriftVerdict verdict;
    double psi_before; /* against the window before; NaN: there is none */
    MonitorTest test;
    double statistic, p, q;          /* q: smallest false discovery rate */
    double missing_was, missing_now; /* shares */
    double missing_p, missing_q;     /* Fisher's exact test */
    bool missing_rose;               /* by 5 points or more, and not by chance */
} MonitorItem;

/* Customers whose labels are mature, by the month of their first decision in it. */
typedef struct MonitorCohort {
    Str name; /* "2026-05"; "all" */
    size_t decisions, labelled, positives, others_bundle;
    size_t proposed, right; /* proposals for off-boarding, and positives among them */
    Interval precision;     /* Clopper-Pearson, 95 % */
    double precision_low;   /* one-sided, 95 % */
    size_t flagged, flagged_right, low, low_positives; /* EDD or graver; segment Low */
    double auc, brier;
    Recalibration recalibration;
    NoiseFloor ece;
} MonitorCohort;

typedef struct MonitorVerdicts {
    size_t agree, overrule, positive, negative;
} MonitorVerdicts;

typedef struct MonitorFeedback {
    size_t lines, unmatched, outside; /* outside: older than mature_us, or after until */
    MonitorVerdicts action[ACTIONS], all;
    Interval overturned[ACTIONS], overturned_all; /* Clopper-Pearson, 95 % */
    size_t timed;
    double median_seconds; /* of reviews; NaN: none was timed */
    size_t low_positive;   /* customers in segment Low whom a verdict calls positive */
} MonitorFeedback;

typedef struct MonitorGroup {
    Str column, value;
    size_t customers, acted;            /* of the window; due diligence or graver */
    size_t negatives, negatives_acted;  /* mature labels */
    Interval action_ratio, false_ratio; /* to everybody else of the column */
    size_t others, others_negatives;
} MonitorGroup;

typedef enum MonitorGravity { GRAVITY_WATCH, GRAVITY_ACT } MonitorGravity;
typedef struct MonitorAlert {
    MonitorGravity gravity;
    const char *code; /* stable: drift_feature, score_mix, ... */
    Str about;        /* feature, segment, cohort, group; may be empty */
    Str seen, threshold;
    const char *runbook;
} MonitorAlert;

typedef struct Monitor {
    MonitorInputs inputs;
    /* lines */
    uint64_t lines, other_role, other_bundle, later, older;
    uint64_t watched, repeated; /* in both windows, by any bundle; those that repeat a decision */
    size_t bundles;             /* others that were seen */
    MonitorWindow now, before;
    size_t reference; /* customers */
    MonitorItem *item;
    size_t items;
    /* labels */
    size_t labels, labels_unmatched, labels_waiting, labels_early;
    uint64_t mature_decisions;
    MonitorCohort *cohort; /* by month; the last is all of them */
    size_t cohorts;        /* 0: no labels were given */
    size_t certifying;     /* right proposals without a wrong one that prove the floor; 0: none */
    MonitorFeedback feedback;
    MonitorGroup *group;
    size_t groups;
    MonitorAlert *alert; /* gravest first */
    size_t alerts;
    Str *unknown; /* what cannot be said, and why */
    size_t unknowns;
} Monitor;

/* FORMAT with file and line for a line that is not as the service writes it; LIMIT for more than
 * 16 million customers, or decisions, in two windows.  Memory: keep.
 * Cost: O(bytes), and O(999 * customers) for each feature that seems to have moved. */
MUST_USE Status monitor_read(Monitor **out, Arena *keep, Arena scratch, const MonitorInputs *inputs,
                             Team *team, Error *err);

/* monitor.html, monitor.json and monitor.prom (for node_exporter's textfile collector). */
MUST_USE Status monitor_write(const Monitor *m, const char *folder, Error *err);
Str monitor_json(Arena *keep, const Monitor *m);
Str monitor_prometheus(Arena *keep, const Monitor *m);
MUST_USE Status monitor_page(const Monitor *m, const char *path, Error *err);

#endif
