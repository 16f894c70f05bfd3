/* random.h - seeded, independent streams of random numbers.
 *
 * A stream is named by a seed and a path of numbers (fold, tree, ...), so that work can be
 * shared out over threads without changing what any part of it draws.
 * Source: Steele, Lea and Flood 2014 (SplitMix64); Blackman and Vigna 2018 (xoshiro256++). */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

typedef struct Random {
    uint64_t state[4];
} Random;

uint64_t seed_derive(uint64_t seed, uint64_t part); /* a new seed for one part of the work */
Random random_new(uint64_t seed);
uint64_t random_next(Random *r);
uint64_t random_below(Random *r, uint64_t bound); /* uniform on 0 .. bound - 1; bound > 0 */
double random_uniform(Random *r);                 /* [0, 1), 53 bits */
double random_normal(Random *r);                  /* mean 0, variance 1 */
double random_exponential(Random *r);             /* mean 1 */
void random_shuffle(Random *r, uint32_t *items, size_t count); /* Fisher-Yates */

#endif
