/* replay.c - run a fuzzer over kept inputs, one after another, without libFuzzer: what was once
 * found stays found, in every build and with every compiler.
 *
 *     NAME_replay FILE|FOLDER... */
#include "base/base.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *path)
{
    Arena arena = arena_new();
    Str bytes;
    Error err = {0};
    if (file_read(&bytes, &arena, path, &err) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    /* Named before it runs, so that a crash tells which. */
    (void)printf("%s\n", path);
    (void)fflush(stdout);
    /* A copy of its own, so that the sanitizer sees a byte too far. */
    uint8_t *exact = malloc(bytes.size + (bytes.size == 0));
    if (exact == NULL)
        exit(1);
    if (bytes.size > 0)
        memcpy(exact, bytes.data, bytes.size);
    (void)LLVMFuzzerTestOneInput(exact, bytes.size);
    free(exact);
    arena_free(&arena);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static size_t replay_folder(const char *folder)
{
    Arena arena = arena_new();
    const char **name = NULL;
    size_t count = 0, capacity = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        replay(folder);
        arena_free(&arena);
        return 1;
    }
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            *ARENA_PUSH(&arena, name, count, capacity) = path_join(&arena, folder, e->d_name);
    (void)closedir(dir);
    if (count > 0)
        qsort(name, count, sizeof *name, by_name);
    for (size_t i = 0; i < count; i++)
        replay(name[i]);
    arena_free(&arena);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++)
        count += replay_folder(argv[i]);
    (void)printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1; /* an empty folder proves nothing */
}
