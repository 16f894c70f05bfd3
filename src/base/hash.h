/* hash.h - a fast hash for tables (XXH3) and a safe one for artefacts (SHA-256). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

uint64_t hash64(Str bytes, uint64_t seed);

#define SHA256_TEXT 65
void sha256_text(char out[SHA256_TEXT], Str bytes); /* 64 lower-case hex digits and NUL */

#endif
