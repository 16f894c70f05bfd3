#include "base/base.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <sha2.h>

uint64_t hash64(Str bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

struct Sha256 {
    SHA2_CTX context;
};

Sha256 *sha256_begin(Arena *keep)
{
    Sha256 *s = ARENA_NEW(keep, Sha256);
    SHA256Init(&s->context);
    return s;
}

void sha256_add(Sha256 *s, Str bytes)
{
    SHA256Update(&s->context, (const uint8_t *)bytes.data, bytes.size);
}

void sha256_end(Sha256 *s, char out[SHA256_TEXT])
{
    (void)SHA256End(&s->context, out);
    SHA256Init(&s->context);
}

void sha256_text(char out[SHA256_TEXT], Str bytes)
{
    (void)SHA256Data((const uint8_t *)bytes.data, bytes.size, out);
}
