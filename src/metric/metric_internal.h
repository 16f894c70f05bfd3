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

/* The percentile of sorted values, R-7: linear between order statistics. */
double sorted_quantile(const double *sorted, size_t n, double share);

/* low and high: the middle 95 % of the draws that are defined, which it sorts; none: left alone. */
void percentile_interval(Interval *out, double *drawn, size_t draws);

#endif
