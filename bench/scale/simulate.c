/* simulate.c - requests, pods and their autoscaler, second by second, for scaling.py.
 *
 *   simulate NAME=VALUE...        prints one JSON object; the same words give the same bytes
 *   simulate propose TARGET CURRENT MISSING_AS TOLERANCE VALUE...   what one metric asks for; a
 * VALUE is a number, missing or unready
 *
 * NAMEs are those of the table below. Requests come as a Poisson process whose rate is the
 * traffic's; a request's work is `work_fixed` seconds and, exponentially distributed, `work_more`.
 */
#include "pods.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Settings {
    double seed, seconds, peak, low, traffic, start_at, factor, random_turn;
    double cores, threads, in_flight, work_fixed, work_more, chain_seconds, store_seconds;
    double pods, spare, node_least, node_most, warm, start, fails_at, fails_share;
    double least, most, tolerance, cpu_target, in_flight_target, sync, cpu_delay, cpu_window,
        gauge_delay, initialization;
    double up_window, up_percent, up_pods, up_period, down_window, down_percent, down_pods,
        down_period;
    double slow, every;
} Settings;

static const Settings normal = {
    .seed = 1,
    .seconds = 3600,
    .peak = 100,
    .low = 0.2,
    .start_at = 600,
    .factor = 3,
    .cores = 1,
    .threads = 1,
    .in_flight = 512,
    .work_fixed = 0.0003,
    .work_more = 0.0003,
    .node_least = 80,
    .node_most = 120,
    .warm = 5,
    .start = 10,
    .fails_share = 1.0 / 3,
    .least = 3,
    .most = 100,
    .tolerance = 0.1,
    .cpu_target = 0.6,
    .sync = 15,
    .cpu_delay = 15,
    .cpu_window = 30,
    .gauge_delay = 60,
    .initialization = 300,
    .up_percent = 100,
    .up_pods = 4,
    .up_period = 15,
    .down_window = 300,
    .down_percent = 10,
    .down_pods = 1,
    .down_period = 60,
    .slow = 0.3,
    .every = 60,
};

#define SETTING(name)                                                                              \
    {                                                                                              \
#name, offsetof(Settings, name)                                                            \
    }
static const struct {
    const char *name;
    size_t offset;
} table[] = {
    SETTING(seed),           SETTING(seconds),
    SETTING(peak),           SETTING(low),
    SETTING(traffic),        SETTING(start_at),
    SETTING(factor),         SETTING(random_turn),
    SETTING(cores),          SETTING(threads),
    SETTING(in_flight),      SETTING(work_fixed),
    SETTING(work_more),      SETTING(chain_seconds),
    SETTING(store_seconds),  SETTING(pods),
    SETTING(spare),          SETTING(node_least),
    SETTING(node_most),      SETTING(warm),
    SETTING(start),          SETTING(fails_at),
    SETTING(fails_share),    SETTING(least),
    SETTING(most),           SETTING(tolerance),
    SETTING(cpu_target),     SETTING(in_flight_target),
    SETTING(sync),           SETTING(cpu_delay),
    SETTING(cpu_window),     SETTING(gauge_delay),
    SETTING(initialization), SETTING(up_window),
    SETTING(up_percent),     SETTING(up_pods),
    SETTING(up_period),      SETTING(down_window),
    SETTING(down_percent),   SETTING(down_pods),
    SETTING(down_period),    SETTING(slow),
    SETTING(every),
};

enum { TRAFFIC_FLAT, TRAFFIC_DAY, TRAFFIC_STEP, TRAFFIC_SALARY, TRAFFIC_MARKETING };

/* Requests a second at an instant; peak is a usual day's greatest. */
static double rate_at(const Settings *s, double t)
{
    double since = t - s->start_at;
    switch ((int)s->traffic) {
    case TRAFFIC_DAY: { /* least at 4 in the morning, greatest at 18 o'clock, by two straight lines
                         */
        double hour = fmod(t / 3600, 24);
        double up =
            hour >= 4 && hour < 18 ? (hour - 4) / 14 : (hour < 4 ? 4 - hour : 28 - hour) / 10;
        return s->peak * (s->low + (1 - s->low) * up);
    }
    case TRAFFIC_STEP: /* from half a peak, at once */
        return s->peak * (since < 0 ? 0.5 : s->factor);
    case TRAFFIC_SALARY: { /* within a minute, for half an hour, and down within ten minutes */
        double above = since < 0      ? 0
                       : since < 60   ? since / 60
                       : since < 1860 ? 1
                       : since < 2460 ? (2460 - since) / 600
                                      : 0;
        return s->peak * (1 + (s->factor - 1) * above);
    }
    case TRAFFIC_MARKETING: { /* a push message: within ten seconds, halved every five minutes */
        double above = since < 0 ? 0 : since < 10 ? since / 10 : 1 / (1 + (since - 10) / 300);
        return s->peak * (1 + (s->factor - 1) * above);
    }
    default:
        return s->peak;
    }
}

/* ---- what is counted ---- */

enum { BINS = 80000 }; /* of a quarter of a millisecond */

typedef struct Counted {
    double slow;
    uint64_t answered, late, shed, asked, lost, minute_answered;
    double took_sum;
    uint32_t all[BINS], minute[BINS];
} Counted;

static void answered(void *context, double now, double took)
{
    Counted *c = context;
    size_t bin = (size_t)(took * 4000);
    (void)now;
    bin = bin < BINS ? bin : BINS - 1;
    c->all[bin]++;
    c->minute[bin]++;
    c->answered++;
    c->minute_answered++;
    c->late += took > c->slow;
    c->took_sum += took;
}

static double quantile_ms(const uint32_t *bins, uint64_t count, double q)
{
    uint64_t sum = 0, wanted = (uint64_t)ceil(q * (double)count);
    for (size_t i = 0; i < BINS; i++) {
        sum += bins[i];
        if (sum >= wanted && sum > 0)
            return (double)(i + 1) / 4;
    }
    return 0;
}

/* ---- one run ---- */

typedef struct Run {
    Settings s;
    Fleet *fleet;
    Autoscaler autoscaler;
    Random random;
    Counted counted;
    double *spare_at; /* when a place for a pod without a new node is there again */
    double pod_seconds, spare_seconds, chain_free;
    int most_pods;
} Run;

static int pods_now(const Fleet *f)
{
    int pods = 0;
    for (size_t i = 0; i < f->used; i++)
        pods += f->pod[i].state == POD_STARTING || f->pod[i].state == POD_READY;
    return pods;
}

static void add_pods(Run *r, double now, int pods)
{
    const Settings *s = &r->s;
    for (int i = 0; i < pods; i++) {
        double node = s->node_least + (s->node_most - s->node_least) * random_uniform(&r->random);
        double placed = now + node;
        for (size_t k = 0; k < (size_t)s->spare; k++) {
            if (r->spare_at[k] <= now) {
                r->spare_at[k] = now + node; /* the place-holder moves to a new node */
                placed = now + s->warm;
                break;
            }
        }
        if (fleet_add(r->fleet, now, placed + s->start) == SIZE_MAX)
            break;
    }
}

/* Those that are not ready first, then the youngest; as a ReplicaSet chooses. */
static void remove_pods(Run *r, double now, int pods)
{
    Fleet *f = r->fleet;
    for (int n = 0; n < pods; n++) {
        size_t worst = SIZE_MAX;
        for (size_t i = 0; i < f->used; i++) {
            const Pod *pod = &f->pod[i];
            if (pod->state != POD_STARTING && pod->state != POD_READY)
                continue;
            if (worst == SIZE_MAX || pod->ready_at > f->pod[worst].ready_at)
                worst = i;
        }
        if (worst != SIZE_MAX)
            (void)fleet_remove(f, now, worst, false);
    }
}

static void fail_pods(Run *r, double now)
{
    Fleet *f = r->fleet;
    int ready = 0, failed = 0;
    for (size_t i = 0; i < f->used; i++)
        ready += f->pod[i].state == POD_READY;
    int wanted = (int)ceil(ready * r->s.fails_share);
    for (size_t i = 0; i < f->used && failed < wanted; i++) {
        if (f->pod[i].state != POD_READY)
            continue;
        r->counted.lost += fleet_remove(f, now, i, true);
        failed++;
    }
    add_pods(r, now, failed); /* the Deployment's own work */
}

static void scrape(Run *r, double now)
{
    for (size_t i = 0; i < r->fleet->used; i++) {
        Pod *pod = &r->fleet->pod[i];
        if (pod->state == POD_NONE)
            continue;
        size_t at = pod->grid_count++ % GRID_MAX;
        pod->grid_busy[at] = fleet_busy(pod, now, r->fleet->cores);
        pod->grid_in_flight[at] = (int)fleet_in_flight(pod);
    }
}

static const Measured *sampled(const Run *r, double now, Measured *cpu, Measured *gauge,
                               size_t *count)
{
    const Settings *s = &r->s;
    size_t n = 0, late = (size_t)(s->cpu_delay / s->sync), wide = (size_t)(s->cpu_window / s->sync),
           gauge_late = (size_t)(s->gauge_delay / s->sync);
    for (size_t i = 0; i < r->fleet->used; i++) {
        const Pod *pod = &r->fleet->pod[i];
        if (pod->state != POD_STARTING && pod->state != POD_READY)
            continue;
        bool has = pod->grid_count > late + wide, starts = pod->ready_at > now;
        bool young = pod->made + s->initialization > now;
        bool early = now - s->cpu_delay < pod->ready_at + s->cpu_window;
        cpu[n].kind = starts || (young && early) ? SAMPLE_UNREADY
                      : has                      ? SAMPLE_READY
                                                 : SAMPLE_MISSING;
        if (cpu[n].kind == SAMPLE_READY) {
            size_t to = pod->grid_count - 1 - late;
            double busy = pod->grid_busy[to % GRID_MAX] - pod->grid_busy[(to - wide) % GRID_MAX];
            cpu[n].value = busy / s->cpu_window / s->cores;
        }
        /* A gauge has no such rule: a pod without a node is unready, and one without a value
         * missing. */
        has = pod->grid_count > gauge_late && pod->ready_at <= now - s->gauge_delay;
        gauge[n].kind = has ? SAMPLE_READY : starts ? SAMPLE_UNREADY : SAMPLE_MISSING;
        if (has)
            gauge[n].value = pod->grid_in_flight[(pod->grid_count - 1 - gauge_late) % GRID_MAX];
        n++;
    }
    *count = n;
    return cpu;
}

static void scale(Run *r, double now)
{
    static Measured cpu[PODS_MAX], gauge[PODS_MAX];
    size_t count;
    (void)sampled(r, now, cpu, gauge, &count);
    int current = pods_now(r->fleet);
    int wanted = autoscaler_decide(&r->autoscaler, now, current, cpu, gauge, count);
    if (wanted > current)
        add_pods(r, now, wanted - current);
    else if (wanted < current)
        remove_pods(r, now, current - wanted);
}

static void minute_row(Run *r, double now, bool first, uint64_t asked, uint64_t shed)
{
    Counted *c = &r->counted;
    int ready = 0;
    for (size_t i = 0; i < r->fleet->used; i++) {
        const Pod *pod = &r->fleet->pod[i];
        ready += pod->state == POD_READY || (pod->state == POD_STARTING && pod->ready_at <= now);
    }
    (void)printf("%s\n [%.0f, %.1f, %d, %d, %.2f, %llu]", first ? "" : ",", now,
                 (double)asked / r->s.every, ready, pods_now(r->fleet),
                 quantile_ms(c->minute, c->minute_answered, 0.99), (unsigned long long)shed);
    memset(c->minute, 0, sizeof c->minute);
    c->minute_answered = 0;
}

static double work_of(Run *r)
{
    const Settings *s = &r->s;
    return s->work_fixed + (s->work_more > 0 ? s->work_more * random_exponential(&r->random) : 0);
}

static void print_summary(const Run *r)
{
    const Counted *c = &r->counted;
    (void)printf("\"requests\": %llu, \"answered\": %llu, \"shed\": %llu, \"lost\": %llu, "
                 "\"late\": %llu,\n",
                 (unsigned long long)c->asked, (unsigned long long)c->answered,
                 (unsigned long long)c->shed, (unsigned long long)c->lost,
                 (unsigned long long)c->late);
    (void)printf("\"mean_ms\": %.4f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"p999_ms\": %.2f,\n",
                 c->answered == 0 ? 0 : 1000 * c->took_sum / (double)c->answered,
                 quantile_ms(c->all, c->answered, 0.5), quantile_ms(c->all, c->answered, 0.99),
                 quantile_ms(c->all, c->answered, 0.999));
    (void)printf("\"pods_mean\": %.4f, \"pods_most\": %d, \"pod_hours\": %.4f, \"spare_hours\": "
                 "%.4f}\n",
                 r->pod_seconds / r->s.seconds, r->most_pods, r->pod_seconds / 3600,
                 r->spare_seconds / 3600);
}

static void settle(Run *r)
{
    const Settings *s = &r->s;
    Fleet *f = r->fleet;
    f->cores = s->cores;
    f->threads = s->threads;
    f->in_flight_limit = s->in_flight < IN_FLIGHT_MAX ? (size_t)s->in_flight : IN_FLIGHT_MAX - 1;
    f->chain_seconds = s->chain_seconds;
    f->store_seconds = s->store_seconds;
    r->autoscaler = (Autoscaler){
        .least = (int)s->least,
        .most = (int)s->most,
        .tolerance = s->tolerance,
        .cpu_target = s->cpu_target,
        .in_flight_target = s->in_flight_target,
        .up = {s->up_window, s->up_percent, s->up_period, s->up_pods, s->up_period},
        .down = {s->down_window, s->down_percent, s->down_period, s->down_pods, s->down_period},
    };
    r->random = random_new(seed_derive((uint64_t)s->seed, 1));
    r->counted.slow = s->slow;
    int first = (int)(s->pods > 0 ? s->pods : s->least);
    for (int i = 0; i < first; i++)
        (void)fleet_add(f, -s->initialization, -s->initialization);
}

static void simulate(Run *r)
{
    const Settings *s = &r->s;
    Fleet *f = r->fleet;
    Counted *c = &r->counted;
    Random traffic = random_new(seed_derive((uint64_t)s->seed, 2));
    double most = s->peak * (s->factor > 1 && s->traffic > TRAFFIC_DAY ? s->factor : 1);
    double now = 0, next_ask = 0, tick = s->sync, minute = s->every, fails = s->fails_at;
    uint64_t asked_before = 0, shed_before = 0;
    (void)printf("\"minutes\": [");
    bool first = true;
    while (now < s->seconds) {
        double event = fleet_next_event(f);
        double next = fmin(fmin(event, next_ask), fmin(tick, minute));
        if (fails > 0 && fails < next)
            next = fails;
        now = next;
        if (event <= now) {
            fleet_pass(f, now, answered, c);
        } else if (fails > 0 && fails <= now) {
            fail_pods(r, now);
            fails = 0;
        } else if (tick <= now) {
            int pods = pods_now(f);
            r->pod_seconds += pods * s->sync;
            r->spare_seconds += s->spare * s->sync;
            scrape(r, now);
            scale(r, now);
            r->most_pods = pods > r->most_pods ? pods : r->most_pods;
            tick += s->sync;
        } else if (minute <= now) {
            minute_row(r, now, first, c->asked - asked_before, c->shed + c->lost - shed_before);
            asked_before = c->asked;
            shed_before = c->shed + c->lost;
            first = false;
            minute += s->every;
        } else {
            double share = random_uniform(&traffic);
            if (share * most < rate_at(s, now)) {
                double work = work_of(r);
                size_t pod = fleet_next_pod(f, now);
                if (s->random_turn > 0 && pod != SIZE_MAX) {
                    size_t skip = random_below(&traffic, (uint64_t)pods_now(f));
                    for (size_t i = 0; i < skip; i++)
                        pod = fleet_next_pod(f, now);
                }
                c->asked++;
                if (pod == SIZE_MAX || !fleet_ask(f, now, pod, work))
                    c->shed++;
            }
            next_ask = now + random_exponential(&traffic) / most;
        }
    }
    (void)printf("],\n");
}

static int propose(int count, char **args)
{
    static Measured pod[PODS_MAX];
    size_t pods = 0;
    for (int i = 6; i < count && pods < PODS_MAX; i++, pods++) {
        pod[pods].kind = strcmp(args[i], "missing") == 0   ? SAMPLE_MISSING
                         : strcmp(args[i], "unready") == 0 ? SAMPLE_UNREADY
                                                           : SAMPLE_READY;
        pod[pods].value = pod[pods].kind == SAMPLE_READY ? strtod(args[i], NULL) : 0;
    }
    (void)printf("%d\n", autoscaler_propose(pod, pods, (int)strtol(args[3], NULL, 10),
                                            strtod(args[2], NULL), strtod(args[4], NULL),
                                            strtod(args[5], NULL)));
    return 0;
}

int main(int count, char **args)
{
    if (count > 6 && strcmp(args[1], "propose") == 0)
        return propose(count, args);
    Run *r = calloc(1, sizeof *r);
    if (r == NULL || (r->fleet = fleet_new()) == NULL)
        return 1;
    r->s = normal;
    for (int i = 1; i < count; i++) {
        const char *equals = strchr(args[i], '=');
        size_t size = equals == NULL ? 0 : (size_t)(equals - args[i]), at = 0;
        while (at < COUNT_OF(table) &&
               (strlen(table[at].name) != size || strncmp(table[at].name, args[i], size) != 0))
            at++;
        char *end = NULL;
        double value = equals == NULL ? 0 : strtod(equals + 1, &end);
        if (at == COUNT_OF(table) || end == equals + 1 || *end != '\0' || !(value >= 0)) {
            (void)fprintf(stderr, "simulate: no setting '%s'\n", args[i]);
            return 2;
        }
        memcpy((char *)&r->s + table[at].offset, &value, sizeof value);
    }
    r->spare_at = calloc((size_t)r->s.spare + 1, sizeof *r->spare_at);
    if (r->spare_at == NULL)
        return 1;
    (void)printf("{");
    settle(r);
    simulate(r);
    print_summary(r);
    free(r->spare_at);
    fleet_free(r->fleet);
    free(r);
    return 0;
}
