/* autoscaler.h - how many pods Kubernetes' HorizontalPodAutoscaler asks for.
 *
 * The algorithm of autoscaling/v2 as its controller has it: a proposal for each metric with its
 * tolerance and its rules for pods that are missing or not yet ready, the greatest of them, then
 * stabilisation windows and policies of rate.
 * Source: kubernetes/pkg/controller/podautoscaler/{replica_calculator,horizontal}.go, release 1.30.
 */
#ifndef SCALE_AUTOSCALER_H
#define SCALE_AUTOSCALER_H

#include <stdbool.h>
#include <stddef.h>

enum { PODS_MAX = 4096, RECOMMENDATIONS_MAX = 512 };

typedef enum Sample {
    SAMPLE_READY,   /* it has a value that counts */
    SAMPLE_MISSING, /* it runs, and nothing was measured of it */
    SAMPLE_UNREADY  /* it starts, or was measured before it was ready */
} Sample;

typedef struct Measured {
    Sample kind;
    double value; /* of SAMPLE_READY: of its request, or requests in flight */
} Measured;

typedef struct Rules { /* of one direction; 0: this policy is not there */
    double window;     /* seconds of stabilisation */
    double percent, percent_period;
    double pods, pods_period;
} Rules;

typedef struct Change {
    double at;
    int pods;
} Change;

typedef struct Autoscaler {
    int least, most;
    double tolerance;
    double cpu_target, in_flight_target; /* 0: not asked */
    Rules up, down;
    Change said[RECOMMENDATIONS_MAX], added[RECOMMENDATIONS_MAX], removed[RECOMMENDATIONS_MAX];
    size_t said_count, added_count, removed_count; /* rings: the newest are at count - 1 */
} Autoscaler;

/* What one metric asks for. missing_as: what a missing pod is taken for when there is less to do,
 * as a share of the target. -1 where no pod was measured. */
int autoscaler_propose(const Measured *pod, size_t pods, int current, double target,
                       double missing_as, double tolerance);

/* What all of them ask for now, within bounds, windows and rates. cpu and in_flight: a Measured for
 * each of the pods. */
int autoscaler_decide(Autoscaler *a, double now, int current, const Measured *cpu,
                      const Measured *in_flight, size_t pods);

#endif
