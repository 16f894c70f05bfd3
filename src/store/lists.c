/* lists.c - who is proposed for off-boarding, who nearly is, and what moves everybody's score. */
#include "store/store_internal.h"

#include <math.h>
#include <stdlib.h>

static int closest_first(const void *left, const void *right, void *outcomes)
{
    const Outcome *a = (const Outcome *)outcomes + *(const uint32_t *)left;
    const Outcome *b = (const Outcome *)outcomes + *(const uint32_t *)right;
    if (a->before_safeguards != b->before_safeguards)
        return a->before_safeguards > b->before_safeguards ? -1 : 1;
    if (a->families != b->families)
        return a->families > b->families ? -1 : 1;
    if (a->severe_rules != b->severe_rules)
        return a->severe_rules > b->severe_rules ? -1 : 1;
    if (a->probability != b->probability)
        return a->probability > b->probability ? -1 : 1;
    if (a->exposure != b->exposure)
        return a->exposure > b->exposure ? -1 : 1;
    return str_compare(a->id, b->id);
}

static Status whole(const Decision **out, size_t *count, Arena *keep, const Run *run,
                    const uint32_t *position, size_t positions, Error *err)
{
    Decision *made;
    Arena scratch = arena_new();
    Scored explained = *run->scored; /* whoever is on a list is told why */
    explained.options.brief = false;
    *count = positions < LIST_MAX ? positions : LIST_MAX;
    Status status = score_decide(&made, keep, scratch, run->bundle, &explained, position, *count,
                                 run->team, err);
    arena_free(&scratch);
    *out = made;
    return status;
}

enum { MOVED_MAX = 20000 };

/* One-hot columns of a feature push together before the absolute value is taken. */
static Status weigh(Run *run, Arena *keep, Error *err)
{
    const Bundle *b = run->bundle;
    const size_t columns = b->columns->columns, features = b->plan->features;
    double *moves = ARENA_ARRAY(keep, double, features + 1);
    for (size_t f = 0; f < features; f++)
        moves[f] = -1;
    for (size_t k = 0; k < columns; k++)
        moves[b->columns->feature[k]] = 0;
    run->moves = moves;
    Arena own = arena_new();
    Matrix *x;
    uint32_t *position = score_sample(&run->moved, &own, run->scored, MOVED_MAX);
    double *sum = ARENA_ARRAY(&own, double, features + 1);
    Status status = score_matrix(&x, &own, b, run->scored, position, run->moved, err);
    const double *phi = status == STATUS_OK ? score_contributions(&own, b, x, run->team) : NULL;
    for (size_t i = 0; phi != NULL && i < run->moved; i++, phi += columns + 1) {
        for (size_t k = 0; k < columns; k++)
            sum[b->columns->feature[k]] += phi[k];
        for (size_t f = 0; f < features; f++) {
            if (moves[f] >= 0)
                moves[f] += fabs(sum[f]) / (double)run->moved;
            sum[f] = 0;
        }
    }
    arena_free(&own);
    return status;
}

Status store_lists(Run *run, Arena *keep, Error *err)
{
    const Scored *s = run->scored;
    uint32_t *candidate = ARENA_ARRAY(keep, uint32_t, s->count + 1);
    run->candidates = policy_rank(candidate, s->outcome, s->count);
    run->candidate = candidate;
    TRY(whole(&run->listed, &run->listeds, keep, run, candidate, run->candidates, err));

    uint32_t *near = ARENA_ARRAY(keep, uint32_t, s->count + 1);
    size_t count = 0, torn;
    for (size_t i = 0; i < s->count; i++)
        if (s->outcome[i].near_miss)
            near[count++] = (uint32_t)i;
    if (count > 1)
        qsort_r(near, count, sizeof *near, closest_first, s->outcome);
    run->near_miss = near;
    TRY(whole(&run->near, &run->near_misses, keep, run, near, count, err));
    TRY(whole(&run->torn, &torn, keep, run, run->contradictory, run->contradictories, err));
    return weigh(run, keep, err);
}
