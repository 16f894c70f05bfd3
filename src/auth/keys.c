#include "auth/auth_internal.h"

#include <openssl/sha.h>

void sha256_bytes(uint8_t out[SHA256_BYTES], Str bytes)
{
    (void)SHA256((const unsigned char *)bytes.data, bytes.size, out);
}

bool json_plain(yyjson_val *v, size_t members_max)
{
    if (!yyjson_is_obj(v) || yyjson_obj_size(v) > members_max)
        return false;
    yyjson_obj_iter outer = yyjson_obj_iter_with(v);
    for (yyjson_val *name; (name = yyjson_obj_iter_next(&outer)) != NULL;) {
        yyjson_obj_iter rest = outer;
        for (yyjson_val *other; (other = yyjson_obj_iter_next(&rest)) != NULL;)
            if (yyjson_equals_strn(name, yyjson_get_str(other), yyjson_get_len(other)))
                return false;
    }
    return true;
}

Str claim_text(yyjson_val *v)
{
    return yyjson_is_str(v) ? (Str){yyjson_get_str(v), yyjson_get_len(v)} : (Str){0};
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
