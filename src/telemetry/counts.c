/* counts.c - counters and histograms that many threads add to. */
#include "telemetry/telemetry_internal.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define US  INT64_C(1000)
#define MS  INT64_C(1000000)
#define SEC INT64_C(1000000000)
static const int64_t latency_ns[] = {50 * US,  100 * US, 250 * US, 500 * US,  1 * MS,   2500 * US,
                                     5 * MS,   10 * MS,  25 * MS,  50 * MS,   100 * MS, 250 * MS,
                                     300 * MS, 500 * MS, 1 * SEC,  2500 * MS, 5 * SEC,  10 * SEC};
static const int64_t stage_ns[] = {1 * US,   2500,     5 * US, 10 * US, 25 * US, 50 * US,  100 * US,
                                   250 * US, 500 * US, 1 * MS, 5 * MS,  25 * MS, 100 * MS, 1 * SEC};
#define SCORE_UNIT INT64_C(1000000000)
#define TENTH      (SCORE_UNIT / 10)
static const int64_t score_parts[] = {TENTH / 10, TENTH / 5, TENTH / 2, TENTH,     2 * TENTH,
                                      3 * TENTH,  4 * TENTH, 5 * TENTH, 6 * TENTH, 7 * TENTH,
                                      8 * TENTH,  9 * TENTH, SCORE_UNIT};
static const int64_t difference_parts[] = {
    -5 * TENTH, -2 * TENTH, -TENTH,    -TENTH / 2, -TENTH / 5, -TENTH / 10, 0,
    TENTH / 10, TENTH / 5,  TENTH / 2, TENTH,      2 * TENTH,  5 * TENTH,   SCORE_UNIT};

#define BINS(array) .bound = (array), .bounds = COUNT_OF(array)

const Family families[FAMILIES] = {
    [COUNT_REQUESTS] = {"assay_requests_total",
                        "Requests answered, by route, method and status.",
                        {"route", "method", "code"},
                        .limit = 400},
    [COUNT_PROBLEMS] = {"assay_request_problems_total",
                        "Requests refused or failed, by route and the problem's stable code.",
                        {"route", "problem"},
                        .limit = 400},
    [COUNT_DURATION] = {"assay_request_duration_seconds",
                        "Time from a request's first byte to the end of its reply.",
                        {"route"},
                        BINS(latency_ns),
                        .unit = 1e9,
                        .limit = 64},
    [COUNT_BYTES_IN] = {"assay_request_bytes_total",
                        "Bytes of request bodies.",
                        {"route"},
                        .limit = 64},
    [COUNT_BYTES_OUT] = {"assay_response_bytes_total",
                         "Bytes of reply bodies.",
                         {"route"},
                         .limit = 64},
    [COUNT_SHED] = {"assay_requests_shed_total",
                    "Requests and connections turned away to protect the service.",
                    {"reason"},
                    .limit = 16},
    [COUNT_BATCH_ROWS] = {"assay_batch_rows_total", "Lines of batches that were answered.",
                          .limit = 0},
    [COUNT_BATCH_BAD_ROWS] = {"assay_batch_bad_rows_total",
                              "Lines of batches that were answered with a problem.", .limit = 0},
    [COUNT_STAGE] = {"assay_stage_duration_seconds",
                     "Time that a stage of a decision took.",
                     {"role", "stage"},
                     BINS(stage_ns),
                     .unit = 1e9,
                     .limit = 16},
    [COUNT_DECISIONS] = {"assay_decisions_total",
                         "Decisions made, by segment and proposed action.",
                         {"role", "segment", "action"},
                         .limit = (size_t)2 * SEGMENTS * ACTIONS},
    [COUNT_SCORE] = {"assay_score",
                     "Calibrated probabilities.",
                     {"role"},
                     BINS(score_parts),
                     .unit = (double)SCORE_UNIT,
                     .limit = 2},
    [COUNT_REASONS] = {"assay_reasons_total",
                       "Decisions that have this reason; codes are those of the bundle's books.",
                       {"role", "reason"},
                       .limit = 1500},
    [COUNT_INSUFFICIENT] = {"assay_insufficient_data_total",
                            "Decisions on too little data for the score to say much.",
                            {"role"},
                            .limit = 2},
    [COUNT_UNKNOWN_VALUES] = {"assay_unknown_values_total",
                              "Values of categories that training never saw.",
                              {"role"},
                              .limit = 2},
    [COUNT_MISSING_INPUTS] = {"assay_missing_inputs_total",
                              "Inputs of the model that were missing.",
                              {"role"},
                              .limit = 2},
    [COUNT_TRANSACTIONS] = {"assay_transactions_total",
                            "Transactions that decisions rest on, after versions were merged.",
                            {"role"},
                            .limit = 2},
    [COUNT_DRY_RUNS] = {"assay_dry_runs_total",
                        "Decisions made with a policy book of the request: nothing was kept.",
                        .limit = 0},
    [COUNT_COMPARED] = {"assay_challenger_compared_total",
                        "Customers answered by both champion and challenger.", .limit = 0},
    [COUNT_NOT_COMPARED] = {"assay_challenger_dropped_total",
                            "Customers whom the challenger did not answer, for too many waited.",
                            .limit = 0},
    [COUNT_SEGMENTS_DIFFER] = {"assay_challenger_segment_disagreements_total",
                               "Customers put into another segment by the challenger.",
                               {"champion", "challenger"},
                               .limit = (size_t)SEGMENTS * SEGMENTS},
    [COUNT_ACTIONS_DIFFER] = {"assay_challenger_action_disagreements_total",
                              "Customers for whom the challenger proposes another action.",
                              {"champion", "challenger"},
                              .limit = (size_t)ACTIONS * ACTIONS},
    [COUNT_SCORE_DIFFERENCE] = {"assay_challenger_score_difference",
                                "Probability of the challenger less that of the champion.",
                                {0},
                                BINS(difference_parts),
                                .unit = (double)SCORE_UNIT},
    [COUNT_FEEDBACK] = {"assay_feedback_total",
                        "Verdicts of analysts, by verdict and the action that had been proposed.",
                        {"verdict", "action"},
                        .limit = 100},
    [COUNT_OVERRIDES] = {"assay_feedback_overrides_total",
                         "Verdicts that changed the proposed action.",
                         {"action", "became"},
                         .limit = 100},
    [COUNT_JOBS] = {"assay_jobs_total",
                    "Batch jobs that came into a state.",
                    {"state"},
                    .limit = 16},
    [COUNT_RELOADS] = {"assay_reloads_total",
                       "Attempts to open the bundle anew.",
                       {"result"},
                       .limit = 4},
    [COUNT_EVENTS] = {"assay_events_total",
                      "Decisions on their way to the sink of events, by outcome of a try.",
                      {"outcome"},
                      .limit = 8},
    [COUNT_PUSHED] = {"assay_pubsub_messages_total",
                      "Messages that Pub/Sub pushed, by what became of them.",
                      {"outcome"},
                      .limit = 8},
    [COUNT_LOG_LINES] = {"assay_log_lines_total",
                         "Lines of the log, by severity.",
                         {"severity"},
                         .limit = 4},
};

enum { SHARDS = 8, SLOTS = 4 * SERIES, CELLS = SERIES * 8 };

struct Counts {
    _Atomic(Series *) slot[SLOTS];
    _Atomic uint64_t *shard[SHARDS]; /* [CELLS] each; pages are taken as they are written */
    pthread_mutex_t lock;            /* for the new ones, and all below */
    Arena arena;
    Series *series[SERIES];
    size_t count, cells, of[FAMILIES];
};

static size_t cells_of(const Family *f)
{
    return f->bound == NULL ? 1 : f->bounds + 2;
}

Counts *counts_new(void)
{
    Arena arena = arena_new();
    Counts *c = ARENA_NEW(&arena, Counts);
    for (size_t i = 0; i < SHARDS; i++) {
        c->shard[i] = calloc(CELLS, sizeof *c->shard[i]);
        assert(c->shard[i] != NULL); /* when the service starts, never later */
    }
    pthread_mutex_init(&c->lock, NULL);
    c->arena = arena;
    return c;
}

void counts_free(Counts *c)
{
    pthread_mutex_destroy(&c->lock);
    for (size_t i = 0; i < SHARDS; i++)
        free((void *)c->shard[i]);
    Arena arena = c->arena;
    arena_free(&arena);
}

/* ---- finding a series ---- */

static uint64_t hash_of(FamilyId family, const Str *label, size_t labels)
{
    uint64_t h = family + 1;
    for (size_t i = 0; i < labels; i++)
        h = hash64(label[i], h);
    return h == 0 ? 1 : h;
}

static size_t labels_of(const Family *f)
{
    size_t n = 0;
    while (n < LABELS && f->label[n] != NULL)
        n++;
    return n;
}

static bool is_series(const Series *s, FamilyId family, uint64_t hash, const Str *label, size_t n)
{
    if (s->hash != hash || s->family != family)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!str_equal(s->label[i], label[i]))
            return false;
    return true;
}

static const Series *look_up(Counts *c, FamilyId family, uint64_t hash, const Str *label, size_t n,
                             size_t *at)
{
    for (*at = hash % SLOTS;; *at = (*at + 1) % SLOTS) {
        const Series *s = atomic_load_explicit(&c->slot[*at], memory_order_acquire);
        if (s == NULL || is_series(s, family, hash, label, n))
            return s;
    }
}

/* With the lock held. NULL: the family has all the series it may have. */
static const Series *make(Counts *c, FamilyId family, uint64_t hash, const Str *label, size_t n)
{
    const Family *f = &families[family];
    size_t at, limit = n == 0 ? 1 : f->limit + 1; /* one more for "other" */
    const Series *known = look_up(c, family, hash, label, n, &at);
    if (known != NULL)
        return known;
    bool other = n > 0 && str_equal(label[0], S("other"));
    size_t room = limit - (n > 0 && !other ? 1 : 0);
    if (c->of[family] >= room || c->count >= SERIES - (other ? 0 : FAMILIES) ||
        c->cells + cells_of(f) > CELLS - (other ? 0 : FAMILIES * 32))
        return NULL;
    Series *s = ARENA_NEW(&c->arena, Series);
    *s = (Series){.family = family, .hash = hash, .cell = c->cells};
    for (size_t i = 0; i < n; i++)
        s->label[i] = str_copy(&c->arena, label[i]);
    c->cells += cells_of(f);
    c->of[family]++;
    c->series[c->count++] = s;
    atomic_store_explicit(&c->slot[at], s, memory_order_release);
    return s;
}

static const Series *find(Counts *c, FamilyId family, const Str *given)
{
    size_t n = labels_of(&families[family]), at;
    static const Str others[LABELS] = {{"other", 5}, {"other", 5}, {"other", 5}};
    Str label[LABELS] = {{0}};
    for (size_t i = 0; i < n; i++)
        label[i] = given[i].size <= LABEL_BYTES ? given[i] : S("other");
    uint64_t hash = hash_of(family, label, n);
    const Series *s = look_up(c, family, hash, label, n, &at);
    if (s != NULL)
        return s;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < n; i++)
        if (!str_valid_utf8(label[i])) {
            label[i] = S("other");
            hash = hash_of(family, label, n);
        }
    s = make(c, family, hash, label, n);
    if (s == NULL && n > 0)
        s = make(c, family, hash_of(family, others, n), others, n);
    pthread_mutex_unlock(&c->lock);
    return s;
}

/* ---- counting ---- */

static _Atomic uint64_t *cells_here(Counts *c, const Series *s)
{
    int cpu = sched_getcpu();
    return c->shard[cpu < 0 ? 0 : (size_t)cpu % SHARDS] + s->cell;
}

void counts_add(Counts *c, FamilyId family, const Str *label, uint64_t by)
{
    const Series *s = find(c, family, label);
    if (s != NULL)
        atomic_fetch_add_explicit(cells_here(c, s), by, memory_order_relaxed);
}

void counts_observe(Counts *c, FamilyId family, const Str *label, int64_t value)
{
    const Family *f = &families[family];
    const Series *s = find(c, family, label);
    if (s == NULL)
        return;
    size_t b = 0;
    while (b < f->bounds && value > f->bound[b])
        b++;
    _Atomic uint64_t *cell = cells_here(c, s);
    atomic_fetch_add_explicit(&cell[b], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&cell[f->bounds + 1], (uint64_t)value, memory_order_relaxed);
}

/* ---- reading ---- */

static int by_labels(const void *a, const void *b)
{
    const Series *x = *(const Series *const *)a, *y = *(const Series *const *)b;
    for (size_t i = 0; i < LABELS; i++) {
        int c = str_compare(x->label[i], y->label[i]);
        if (c != 0)
            return c;
    }
    return 0;
}

size_t counts_series(const Series ***out, Arena *keep, Counts *c, FamilyId family)
{
    size_t n = 0;
    pthread_mutex_lock(&c->lock);
    const Series **list = ARENA_ARRAY(keep, const Series *, c->of[family] + 1);
    for (size_t i = 0; i < c->count; i++)
        if (c->series[i]->family == family)
            list[n++] = c->series[i];
    pthread_mutex_unlock(&c->lock);
    qsort(list, n, sizeof(const Series *), by_labels);
    *out = list;
    return n;
}

uint64_t counts_cell(const Counts *c, size_t cell)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SHARDS; i++)
        sum += atomic_load_explicit(&c->shard[i][cell], memory_order_relaxed);
    return sum;
}

uint64_t counts_value(Counts *c, FamilyId family, const Str *label)
{
    size_t n = labels_of(&families[family]), at;
    const Series *s = look_up(c, family, hash_of(family, label, n), label, n, &at);
    return s == NULL ? 0 : counts_cell(c, s->cell);
}
