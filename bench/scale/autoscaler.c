#include "autoscaler.h"

#include <math.h>

int autoscaler_propose(const Measured *pod, size_t pods, int current, double target,
                       double missing_as, double tolerance)
{
    double sum = 0;
    size_t ready = 0, missing = 0, unready = 0;
    for (size_t i = 0; i < pods; i++) {
        if (pod[i].kind == SAMPLE_READY) {
            sum += pod[i].value;
            ready++;
        }
        missing += pod[i].kind == SAMPLE_MISSING;
        unready += pod[i].kind == SAMPLE_UNREADY;
    }
    if (ready == 0)
        return -1;
    double ratio = sum / (double)ready / target;
    bool more_with_unready = unready > 0 && ratio > 1;
    if (!more_with_unready && missing == 0)
        return fabs(1 - ratio) <= tolerance ? current : (int)ceil(ratio * (double)ready);

    /* Who is not known is taken for whatever changes least. */
    size_t counted = ready;
    if (ratio < 1)
        sum += (double)missing * target * missing_as;
    if (missing > 0)
        counted += missing;
    if (more_with_unready)
        counted += unready;
    double again = sum / (double)counted / target;
    if (fabs(1 - again) <= tolerance || (ratio < 1 && again > 1) || (ratio > 1 && again < 1))
        return current;
    int wanted = (int)ceil(again * (double)counted);
    if ((again < 1 && wanted > current) || (again > 1 && wanted < current))
        return current;
    return wanted;
}

static void note(Change *ring, size_t *count, double at, int pods)
{
    ring[(*count)++ % RECOMMENDATIONS_MAX] = (Change){at, pods};
}

/* Those of a ring that are younger than this, summed. */
static int within(const Change *ring, size_t count, double now, double seconds)
{
    int sum = 0;
    for (size_t i = count; i > 0 && count - i < RECOMMENDATIONS_MAX; i--) {
        const Change *c = &ring[(i - 1) % RECOMMENDATIONS_MAX];
        if (c->at <= now - seconds)
            break;
        sum += c->pods;
    }
    return sum;
}

/* The least that was said in the window of more, and the greatest in the window of less. */
static int stabilized(const Autoscaler *a, double now, int current, int wanted)
{
    int up = wanted, down = wanted;
    for (size_t i = a->said_count; i > 0 && a->said_count - i < RECOMMENDATIONS_MAX; i--) {
        const Change *c = &a->said[(i - 1) % RECOMMENDATIONS_MAX];
        if (c->at > now - a->up.window && c->pods < up)
            up = c->pods;
        if (c->at > now - a->down.window && c->pods > down)
            down = c->pods;
    }
    int stable = current;
    if (stable < up)
        stable = up;
    if (stable > down)
        stable = down;
    return stable;
}

/* How many pods there were when a period began. */
static int began_with(const Autoscaler *a, double now, int current, double period)
{
    return current - within(a->added, a->added_count, now, period) +
           within(a->removed, a->removed_count, now, period);
}

static int limit_up(const Autoscaler *a, double now, int current)
{
    const Rules *r = &a->up;
    int limit = r->percent > 0 || r->pods > 0 ? current : a->most;
    if (r->percent > 0) {
        int began = began_with(a, now, current, r->percent_period);
        int most = (int)ceil(began * (1 + r->percent / 100));
        limit = most > limit ? most : limit;
    }
    if (r->pods > 0) {
        int most = began_with(a, now, current, r->pods_period) + (int)r->pods;
        limit = most > limit ? most : limit;
    }
    return limit < a->most ? limit : a->most;
}

static int limit_down(const Autoscaler *a, double now, int current)
{
    const Rules *r = &a->down;
    int limit = r->percent > 0 || r->pods > 0 ? current : a->least;
    if (r->percent > 0) {
        int began = began_with(a, now, current, r->percent_period);
        int least = (int)(began * (1 - r->percent / 100));
        limit = least < limit ? least : limit;
    }
    if (r->pods > 0) {
        int least = began_with(a, now, current, r->pods_period) - (int)r->pods;
        limit = least < limit ? least : limit;
    }
    return limit > a->least ? limit : a->least;
}

int autoscaler_decide(Autoscaler *a, double now, int current, const Measured *cpu,
                      const Measured *in_flight, size_t pods)
{
    int wanted = -1;
    bool unknown = false;
    if (a->cpu_target > 0) {
        /* A missing pod counts as one that uses its whole request. */
        double missing_as = a->cpu_target < 1 ? 1 / a->cpu_target : 1;
        int asks = autoscaler_propose(cpu, pods, current, a->cpu_target, missing_as, a->tolerance);
        unknown |= asks < 0;
        wanted = asks > wanted ? asks : wanted;
    }
    if (a->in_flight_target > 0) {
        int asks =
            autoscaler_propose(in_flight, pods, current, a->in_flight_target, 1, a->tolerance);
        unknown |= asks < 0;
        wanted = asks > wanted ? asks : wanted;
    }
    /* Where one metric is not known, the others may ask for more but not for less. */
    if (wanted < 0 || (unknown && wanted < current))
        wanted = current;
    int stable = stabilized(a, now, current, wanted);
    note(a->said, &a->said_count, now, wanted);
    if (stable > current) {
        int limit = limit_up(a, now, current);
        stable = stable < limit ? stable : limit;
    } else if (stable < current) {
        int limit = limit_down(a, now, current);
        stable = stable > limit ? stable : limit;
    }
    stable = stable < a->least ? a->least : stable;
    stable = stable > a->most ? a->most : stable;
    if (stable > current)
        note(a->added, &a->added_count, now, stable - current);
    else if (stable < current)
        note(a->removed, &a->removed_count, now, current - stable);
    return stable;
}
