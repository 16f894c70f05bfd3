#include "pods.h"

#include <math.h>
#include <stdlib.h>

Fleet *fleet_new(void)
{
    return calloc(1, sizeof(Fleet));
}

void fleet_free(Fleet *f)
{
    for (size_t i = 0; f != NULL && i < f->used; i++) {
        free(f->pod[i].running);
        free(f->pod[i].waiting);
    }
    if (f != NULL)
        free(f->stored);
    free(f);
}

size_t fleet_in_flight(const Pod *pod)
{
    return pod->running_count + pod->waiting_count + pod->stored_count;
}

/* ---- processors that the threads of a pod share ---- */

static double pace(const Pod *pod, double cores)
{
    double n = (double)pod->running_count;
    return n <= cores ? 1 : cores / n;
}

static void catch_up(Pod *pod, double now, double cores)
{
    double passed = now - pod->updated, each = pace(pod, cores);
    pod->clock += passed * each;
    pod->busy += passed * each * (double)pod->running_count;
    pod->updated = now;
}

double fleet_busy(Pod *pod, double now, double cores)
{
    catch_up(pod, now, cores);
    return pod->busy;
}

static void plan(Pod *pod, double cores)
{
    pod->next = INFINITY;
    if (pod->running_count > 0) {
        double left = pod->running[0].ends - pod->clock;
        pod->next = pod->updated + (left > 0 ? left : 0) / pace(pod, cores);
    }
}

static void run(Pod *pod, Job job)
{
    size_t at = pod->running_count++;
    Running new = {pod->clock + job.work, job};
    while (at > 0 && pod->running[(at - 1) / 2].ends > new.ends) {
        pod->running[at] = pod->running[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    pod->running[at] = new;
}

static Job finish(Pod *pod)
{
    Job done = pod->running[0].job;
    Running last = pod->running[--pod->running_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= pod->running_count)
            break;
        if (child + 1 < pod->running_count &&
            pod->running[child + 1].ends < pod->running[child].ends)
            child++;
        if (pod->running[child].ends >= last.ends)
            break;
        pod->running[at] = pod->running[child];
        at = child;
    }
    pod->running[at] = last;
    return done;
}

static void take_waiting(Pod *pod, double threads)
{
    while (pod->waiting_count > 0 && (double)(pod->running_count + pod->stored_count) < threads) {
        run(pod, pod->waiting[pod->waiting_first]);
        pod->waiting_first = (pod->waiting_first + 1) % IN_FLIGHT_MAX;
        pod->waiting_count--;
    }
}

/* ---- pods that come and go ---- */

size_t fleet_add(Fleet *f, double now, double ready_at)
{
    size_t at = 0;
    while (at < f->used && f->pod[at].state != POD_NONE)
        at++;
    if (at == PODS_MAX)
        return SIZE_MAX;
    Pod *pod = &f->pod[at];
    Running *running = pod->running;
    Job *waiting = pod->waiting;
    if (at == f->used) {
        running = calloc(IN_FLIGHT_MAX, sizeof *running);
        waiting = calloc(IN_FLIGHT_MAX, sizeof *waiting);
        f->used++;
    }
    if (running == NULL || waiting == NULL)
        exit(1);
    *pod = (Pod){.state = POD_STARTING,
                 .made = now,
                 .ready_at = ready_at,
                 .updated = now,
                 .next = INFINITY,
                 .running = running,
                 .waiting = waiting};
    return at;
}

size_t fleet_remove(Fleet *f, double now, size_t pod, bool at_once)
{
    Pod *p = &f->pod[pod];
    size_t lost = at_once ? fleet_in_flight(p) : 0;
    if (at_once || fleet_in_flight(p) == 0) {
        p->state = POD_NONE;
        p->next = INFINITY;
        p->running_count = p->waiting_count = p->stored_count = 0;
    } else {
        catch_up(p, now, f->cores);
        p->state = POD_DRAINING;
        plan(p, f->cores);
    }
    return lost;
}

size_t fleet_next_pod(Fleet *f, double now)
{
    for (size_t i = 1; i <= f->used; i++) {
        size_t at = (f->turn + i) % f->used;
        Pod *pod = &f->pod[at];
        if (pod->state == POD_STARTING && pod->ready_at <= now)
            pod->state = POD_READY;
        if (pod->state == POD_READY) {
            f->turn = at;
            return at;
        }
    }
    return SIZE_MAX;
}

bool fleet_ask(Fleet *f, double now, size_t pod, double work)
{
    Pod *p = &f->pod[pod];
    if (fleet_in_flight(p) >= f->in_flight_limit)
        return false;
    catch_up(p, now, f->cores);
    p->waiting[(p->waiting_first + p->waiting_count++) % IN_FLIGHT_MAX] = (Job){now, work};
    take_waiting(p, f->threads);
    plan(p, f->cores);
    return true;
}

/* ---- what happens by itself ---- */

static void store(Fleet *f, double now, size_t pod, double arrived)
{
    if (f->stored_count == f->stored_capacity) {
        size_t wider = f->stored_capacity == 0 ? 1024 : 2 * f->stored_capacity;
        Stored *more = calloc(wider, sizeof *more);
        if (more == NULL)
            exit(1);
        for (size_t i = 0; i < f->stored_count; i++)
            more[i] = f->stored[(f->stored_first + i) % f->stored_capacity];
        free(f->stored);
        f->stored = more;
        f->stored_first = 0;
        f->stored_capacity = wider;
    }
    f->chain_free = (f->chain_free > now ? f->chain_free : now) + f->chain_seconds;
    f->stored[(f->stored_first + f->stored_count++) % f->stored_capacity] =
        (Stored){f->chain_free + f->store_seconds, pod, arrived, f->pod[pod].made};
    f->pod[pod].stored_count++;
}

double fleet_next_event(const Fleet *f)
{
    double next = f->stored_count > 0 ? f->stored[f->stored_first].ends : INFINITY;
    for (size_t i = 0; i < f->used; i++)
        if (f->pod[i].next < next)
            next = f->pod[i].next;
    return next;
}

static void rest_of(Fleet *f, Pod *pod)
{
    take_waiting(pod, f->threads);
    plan(pod, f->cores);
    if (pod->state == POD_DRAINING && fleet_in_flight(pod) == 0)
        pod->state = POD_NONE;
}

void fleet_pass(Fleet *f, double now, FleetAnswered *answered, void *context)
{
    for (size_t i = 0; i < f->used; i++) {
        Pod *pod = &f->pod[i];
        if (pod->next > now)
            continue;
        catch_up(pod, now, f->cores);
        Job job = finish(pod);
        if (f->chain_seconds > 0)
            store(f, now, i, job.arrived);
        else
            answered(context, now, now - job.arrived);
        rest_of(f, pod);
    }
    while (f->stored_count > 0 && f->stored[f->stored_first].ends <= now) {
        Stored s = f->stored[f->stored_first];
        f->stored_first = (f->stored_first + 1) % f->stored_capacity;
        f->stored_count--;
        Pod *pod = &f->pod[s.pod];
        if (pod->state == POD_NONE || pod->made != s.pod_made)
            continue; /* it died with its requests */
        catch_up(pod, now, f->cores);
        pod->stored_count--;
        answered(context, now, now - s.arrived);
        rest_of(f, pod);
    }
}
