/* pods.h - pods that answer requests: threads that share processors, a limit of requests under way,
 * and a store whose chain of decisions takes one at a time. An exact simulation, event by event. */
#ifndef SCALE_PODS_H
#define SCALE_PODS_H

#include "autoscaler.h"
#include "base/base.h"

enum { IN_FLIGHT_MAX = 4096, GRID_MAX = 32 };

typedef enum PodState { POD_NONE, POD_STARTING, POD_READY, POD_DRAINING } PodState;

typedef struct Job {
    double arrived, work; /* work: processor seconds */
} Job;

typedef struct Running {
    double ends; /* in the pod's own time, which goes as fast as each thread does */
    Job job;
} Running;

typedef struct Pod {
    PodState state;
    double made, ready_at;
    double clock, updated; /* the pod's own time, and when it was that */
    double busy;           /* processor seconds so far */
    double next;           /* when the next thread is done with its computing; INFINITY */
    Running *running;      /* a heap */
    Job *waiting;          /* a ring */
    size_t running_count, waiting_first, waiting_count, stored_count;
    double grid_busy[GRID_MAX]; /* what a scrape saw, newest at grid_count - 1 */
    int grid_in_flight[GRID_MAX];
    size_t grid_count;
} Pod;

typedef struct Stored {
    double ends;
    size_t pod;
    double arrived;
    double pod_made;
} Stored;

typedef struct Fleet {
    double cores, threads; /* of a pod */
    size_t in_flight_limit;
    double chain_seconds; /* for which a decision holds the chain; 0: there is no store */
    double store_seconds; /* that a thread waits besides */
    double chain_free;
    Pod pod[PODS_MAX];
    size_t used;    /* pods from 0 that ever were */
    size_t turn;    /* of the load balancer */
    Stored *stored; /* those that wait for the store, in the order in which they end */
    size_t stored_first, stored_count, stored_capacity;
} Fleet;

typedef void FleetAnswered(void *context, double now, double took);

Fleet *fleet_new(void); /* NULL without memory */
void fleet_free(Fleet *f);
size_t fleet_add(Fleet *f, double now, double ready_at);
size_t fleet_in_flight(const Pod *pod);
bool fleet_ask(Fleet *f, double now, size_t pod, double work); /* false: shed */
size_t fleet_next_pod(Fleet *f, double now); /* whose turn it is; SIZE_MAX where none is ready */
size_t fleet_remove(Fleet *f, double now, size_t pod, bool at_once); /* requests that were lost */
double fleet_next_event(const Fleet *f);
void fleet_pass(Fleet *f, double now, FleetAnswered *answered, void *context);
double fleet_busy(Pod *pod, double now, double cores);

#endif
