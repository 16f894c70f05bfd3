/* correlate.c - which features say the same: rank correlations, and groups by average linkage. */
#include "inspect/inspect_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Item {
    double value;
    size_t index;
} Item;

static int ascending(const void *a, const void *b)
{
    const Item *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

void importance_ranks(double *out, const double *value, size_t n, Arena scratch)
{
    Item *item = ARENA_RAW(&scratch, Item, n + 1);
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        if (!is_missing(value[i]))
            item[known++] = (Item){value[i], i};
    }
    qsort(item, known, sizeof *item, ascending);
    double square = 0;
    for (size_t i = 0, j; i < known; i = j) {
        for (j = i + 1; j < known && item[j].value == item[i].value;)
            j++;
        double rank = ((double)(i + j) - (double)known) / 2; /* mean of i .. j - 1, less the mean */
        for (size_t k = i; k < j; k++)
            out[item[k].index] = rank;
        square += (double)(j - i) * rank * rank;
    }
    for (size_t i = 0; i < n && square > 0; i++)
        out[i] /= sqrt(square);
}

typedef struct Pairs {
    double *similarity;
    const double *rank;
    const uint32_t *of;
    size_t columns, n, features;
} Pairs;

/* A task is one feature against those before it. */
static void pairs_task(void *context, size_t task, Arena scratch)
{
    const Pairs *p = context;
    double *own = p->similarity + task * p->features;
    (void)scratch;
    for (size_t a = 0; a < p->columns; a++) {
        if (p->of[a] != task)
            continue;
        for (size_t b = 0; b < p->columns; b++) {
            if (p->of[b] >= task)
                continue;
            const double *x = p->rank + a * p->n, *y = p->rank + b * p->n;
            double dot = 0;
            for (size_t i = 0; i < p->n; i++)
                dot += x[i] * y[i];
            own[p->of[b]] = fmax(own[p->of[b]], fabs(dot));
        }
    }
}

void importance_similarity(double *similarity, const double *rank, size_t columns, size_t n,
                           const uint32_t *of, size_t features, Team *team)
{
    memset(similarity, 0, features * features * sizeof *similarity);
    Pairs p = {similarity, rank, of, columns, n, features};
    team_run(team, features, pairs_task, &p);
    for (size_t a = 0; a < features; a++) {
        similarity[a * features + a] = 1;
        for (size_t b = 0; b < a; b++)
            similarity[b * features + a] = similarity[a * features + b];
    }
}

typedef struct Linkage {
    double *similarity;
    size_t items;
    size_t *size; /* of a group, under its lowest item; 0: joined to another */
} Linkage;

/* The group most alike to one; on a tie the one before it in the chain, else the lowest. */
static size_t nearest(const Linkage *l, size_t one, size_t before)
{
    const double *own = l->similarity + one * l->items;
    size_t best = before;
    for (size_t k = 0; k < l->items; k++)
        if (k != one && l->size[k] > 0 && (best == SIZE_MAX || own[k] > own[best]))
            best = k;
    return best;
}

static void join(Linkage *l, size_t into, size_t from)
{
    double a = (double)l->size[into], b = (double)l->size[from];
    for (size_t k = 0; k < l->items; k++) {
        double *x = &l->similarity[into * l->items + k];
        *x = (a * *x + b * l->similarity[from * l->items + k]) / (a + b);
        l->similarity[k * l->items + into] = *x;
    }
    l->size[into] += l->size[from];
    l->size[from] = 0;
}

static uint32_t root(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

/* A pair of nearest neighbours may be joined at once, whatever else is near: average linkage gives
 * the same tree in any order, and no join is more alike than those below it. So joins below the cut
 * are made, to get on, but not taken over into the groups. */
size_t importance_cluster(uint32_t *group, double *similarity, size_t items, double cut,
                          Arena scratch)
{
    Linkage l = {similarity, items, ARENA_RAW(&scratch, size_t, items + 1)};
    size_t *chain = ARENA_RAW(&scratch, size_t, items + 1), length = 0, groups = 0;
    uint32_t *parent = ARENA_RAW(&scratch, uint32_t, items + 1);
    uint32_t *number = ARENA_ARRAY(&scratch, uint32_t, items + 1);
    uint32_t *members = ARENA_ARRAY(&scratch, uint32_t, items + 1);
    for (size_t i = 0; i < items; i++) {
        l.size[i] = 1;
        parent[i] = (uint32_t)i;
    }
    for (size_t joins = 0; joins + 1 < items;) {
        if (length == 0)
            for (chain[length++] = 0; l.size[chain[0]] == 0;)
                chain[0]++;
        size_t one = chain[length - 1], before = length > 1 ? chain[length - 2] : SIZE_MAX;
        size_t other = nearest(&l, one, before);
        if (other != before) {
            chain[length++] = other;
            continue;
        }
        if (similarity[one * items + other] >= cut)
            parent[root(parent, (uint32_t)(one > other ? one : other))] =
                root(parent, (uint32_t)(one < other ? one : other));
        join(&l, one < other ? one : other, one < other ? other : one);
        length -= 2;
        joins++;
    }
    for (uint32_t i = 0; i < items; i++)
        members[root(parent, i)]++;
    for (uint32_t i = 0; i < items; i++) {
        uint32_t r = root(parent, i);
        if (members[r] > 1 && number[r] == 0)
            number[r] = (uint32_t)++groups;
        group[i] = number[r];
    }
    return groups;
}
