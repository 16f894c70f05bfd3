/* metric_internal.h - what the files of this room share. */
#ifndef METRIC_INTERNAL_H
#define METRIC_INTERNAL_H

#include "metric/metric.h"

/* One repeat: its customers in row order, and the same from the highest probability down (later
 * row first on a tie). */
typedef struct MetricRun {
    double *loss, *square; /* [n] of each row */
    uint8_t *predicted;    /* [n] p >= threshold */
    double *p;             /* [n] descending */
    uint32_t *row;         /* [n] whose p it is */
} MetricRun;
MetricRun metric_run(Arena *keep, const double *p, const uint8_t *label, size_t n,
                     double threshold);

/* Means over the repeats in which a metric is defined; deviation may be NULL. */
void metric_averaged(double mean[METRIC_KINDS], double deviation[METRIC_KINDS],
                     const double (*value)[METRIC_KINDS], size_t repeats);

/* What is drawn or counted as one: a customer, or linked ones. Kind 1 holds a positive. */
typedef struct Units {
    size_t n;
    const uint8_t *label;    /* [n] 0 or 1 */
    const uint32_t *unit[2]; /* [units[kind]] each unit's first row */
    size_t units[2];
    const uint32_t *next; /* [n] of the same unit; n when it is the last */
} Units;

/* low and high of AUC (on the log-odds scale), Brier score and log loss (on the log scale), value
 * plus and minus Student's t times the standard error, where there is one.
 * Cost: O(repeats * n) on runs that are sorted already. */
void influence_intervals(MetricSet *out, const MetricRun *run, size_t repeats, const Units *units,
                         Arena scratch);
/* Student's t that 97.5 % stay below; at least 1 degree of freedom. */
double student_quantile(double degrees);

#endif
