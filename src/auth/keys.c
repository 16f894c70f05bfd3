#include "auth/auth_internal.h"

#include <openssl/sha.h>

void sha256_bytes(uint8_t out[SHA256_BYTES], Str bytes)
{
    (void)SHA256((const unsigned char *)bytes.data, bytes.size, out);
}

Keys *keys_new(void)
{
    Arena arena = arena_new();
    Keys *k = ARENA_NEW(&arena, Keys);
    k->arena = arena;
    k->public_key = ARENA_ARRAY(&k->arena, PublicKey, PUBLIC_KEYS_MAX);
    return k;
}

void keys_free(Keys *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->public_keys; i++)
        EVP_PKEY_free(k->public_key[i].key);
    Arena arena = k->arena;
    arena_free(&arena);
}
