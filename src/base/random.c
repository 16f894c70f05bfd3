#include "base/base.h"

#include <math.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint64_t seed_derive(uint64_t seed, uint64_t part)
{
    uint64_t state = seed ^ (part * 0xD1342543DE82EF95u + 0x632BE59BD9B4E019u);
    (void)splitmix(&state);
    return splitmix(&state);
}

Random random_new(uint64_t seed)
{
    Random r;
    for (int i = 0; i < 4; i++)
        r.state[i] = splitmix(&seed);
    return r;
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t random_next(Random *r)
{
    uint64_t *s = r->state;
    uint64_t out = rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return out;
}

uint64_t random_below(Random *r, uint64_t bound)
{
    uint64_t limit = (0 - bound) % bound; /* 2^64 mod bound: values below it would bias */
    for (;;) {
        uint64_t x = random_next(r);
        if (x >= limit)
            return x % bound;
    }
}

double random_uniform(Random *r)
{
    return (double)(random_next(r) >> 11) * 0x1p-53;
}

/* Marsaglia's polar method, with our own log so that every machine draws the same. */
double random_normal(Random *r)
{
    for (;;) {
        double u = 2 * random_uniform(r) - 1, v = 2 * random_uniform(r) - 1, s = u * u + v * v;
        if (s > 0 && s < 1)
            return u * sqrt(-2 * stable_log(s) / s);
    }
}

double random_exponential(Random *r)
{
    return -stable_log(1.0 - random_uniform(r));
}

void random_shuffle(Random *r, uint32_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)random_below(r, i);
        uint32_t t = items[i - 1];
        items[i - 1] = items[j];
        items[j] = t;
    }
}
