#include "synth/synth_internal.h"

bool draw_chance(Random *r, double probability)
{
    return random_uniform(r) < probability;
}

size_t draw_weighted(Random *r, const uint16_t *weight, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += weight[i];
    uint64_t at = random_below(r, total);
    size_t i = 0;
    while (at >= weight[i])
        at -= weight[i++];
    return i;
}

double draw_between(Random *r, double low, double high)
{
    return low + (high - low) * random_uniform(r);
}

double draw_log_normal(Random *r, double log_mean, double log_sd)
{
    return stable_exp(log_mean + log_sd * random_normal(r));
}

/* Version 4, so that it also reads as a valid UUID. */
Uuid draw_uuid(Random *r)
{
    uint64_t high = random_next(r), low = random_next(r);
    return (Uuid){(high & ~(uint64_t)0xF000) | 0x4000,
                  (low & ~((uint64_t)3 << 62)) | (uint64_t)2 << 62};
}
