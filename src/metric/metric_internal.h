/* metric_internal.h - what the files of this room share. */
#ifndef METRIC_INTERNAL_H
#define METRIC_INTERNAL_H

#include "metric/metric.h"

/* The percentile of sorted values, R-7: linear between order statistics. */
double sorted_quantile(const double *sorted, size_t n, double share);

/* low and high: the middle 95 % of the draws that are defined, which it sorts; none: left alone. */
void percentile_interval(Interval *out, double *drawn, size_t draws);

#endif
