/* hash.h - a fast hash for tables (XXH3) and a safe one for artefacts (SHA-256). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

uint64_t hash64(Str bytes, uint64_t seed);

#define SHA256_TEXT 65
void sha256_text(char out[SHA256_TEXT], Str bytes); /* 64 lower-case hex digits and NUL */

/* The same of bytes that come in pieces. */
typedef struct Sha256 Sha256;
Sha256 *sha256_begin(Arena *keep);
void sha256_add(Sha256 *s, Str bytes);
void sha256_end(Sha256 *s, char out[SHA256_TEXT]); /* and it may begin again */

#endif
