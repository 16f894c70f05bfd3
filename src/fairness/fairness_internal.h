/* fairness_internal.h - what the files of fairness/ share. */
#ifndef FAIRNESS_INTERNAL_H
#define FAIRNESS_INTERNAL_H

#include "fairness/fairness.h"

/* Streams of random numbers that never meet: seed_derive(seed, one of these). learn and audit have
 * those below 16. */
enum { STREAM_FAIRNESS = 33, STREAM_PROXY };

/* The levels of a protected column: what each customer is. */
typedef struct Levels {
    size_t levels; /* the last one is "(missing)" */
    Str *name;
    uint32_t *of; /* [customers] */
    Str bands;    /* how numbers were put together; empty for the values themselves */
} Levels;
Levels group_levels(Arena *keep, Arena scratch, const SchemaColumn *column, const Column *value,
                    size_t customers, int64_t as_of_us);

/* The proxy test of one attribute's groups: group_of[customer] is a group, or SIZE_MAX. */
typedef struct ProxyTarget {
    const FairnessAttribute *attribute;
    size_t group;
    const uint32_t *group_of; /* [customers]; UINT32_MAX: of none that is shown */
} ProxyTarget;
void fairness_proxies(Fairness *out, Arena *keep, Arena scratch, const FairnessInputs *inputs,
                      const ProxyTarget *target, size_t targets, const double *out_of_fold,
                      const LearnOptions *options, Team *team);

#endif
