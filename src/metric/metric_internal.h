/* metric_internal.h - what the two bootstraps, plain and weighted, share. */
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

/* The ends of the interval from the draws that are defined; drawn is sorted in place. */
void metric_percentiles(Interval *out, double *drawn, size_t replicates);

#endif
