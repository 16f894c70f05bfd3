#include "base/base.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <sha2.h>

uint64_t hash64(Str bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

void sha256_text(char out[SHA256_TEXT], Str bytes)
{
    (void)SHA256Data((const uint8_t *)bytes.data, bytes.size, out);
}
