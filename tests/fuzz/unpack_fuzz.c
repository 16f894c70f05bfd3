/* unpack_fuzz.c - any bytes, and any bytes after the marks of gzip and zstd: unpacked within the
 * bound, or refused with a sentence. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BOUND = 1 << 20 };

static void try_bytes(Str bytes)
{
    Arena keep = arena_new();
    Error err = {0};
    Str out = {0};
    Status status = unpack(&out, &keep, bytes, BOUND, "fuzz", &err);
    if (status == STATUS_OK ? out.size > BOUND && out.data != bytes.data
                            : err.message[0] == '\0' || err.remedy[0] == '\0')
        abort();
    arena_free(&keep);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const Str marks[] = {{"\x1F\x8B\x08\x00", 4}, {"\x28\xB5\x2F\xFD", 4}};
    char *copy = malloc(size + 4); /* of its own size, so that reading past the end is seen */
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    try_bytes((Str){copy, size});
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        memcpy(copy, marks[i].data, 4);
        memcpy(copy + 4, data, size);
        try_bytes((Str){copy, size + 4});
    }
    free(copy);
    return 0;
}
