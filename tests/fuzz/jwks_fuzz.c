/* jwks_fuzz.c - any bytes as a key set or as a file of hashed keys: taken, or refused with a
 * sentence. */
#include "auth/auth_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_reader(KeysReader *read, Str text)
{
    Keys *k = keys_new();
    Error err = {0};
    Status status = read(k, text, &err);
    if (status == STATUS_OK ? k->public_keys + k->hashed_keys == 0 : err.message[0] == '\0')
        abort();
    for (size_t i = 0; i < k->public_keys; i++)
        if (k->public_key[i].key == NULL || EVP_PKEY_get_bits(k->public_key[i].key) < 256)
            abort();
    for (size_t i = 0; i < k->hashed_keys; i++)
        if (k->hashed[i].name.size == 0 || k->hashed[i].scopes == 0)
            abort();
    keys_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* of its own size, so that reading past the end is seen */
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    try_reader(keys_read_jwks, (Str){copy, size});
    try_reader(keys_read_hashed, (Str){copy, size});
    free(copy);
    return 0;
}
