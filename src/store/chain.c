/* chain.c - the chain that ties every line of the log to those before it. */
#include "store/store_internal.h"

#include <stdlib.h>
#include <string.h>

Chain chain_begin(Arena *keep, const Recording *r, size_t count)
{
    char time[TIME_TEXT];
    Chain c = {.count = count};
    c.header = str_format(keep, "assay decisions %d, bundle %s, policy %s, as of %.*s, count %zu",
                          DECISION_FORMAT, r->bundle->id, r->policy_sha256,
                          STR_ARG(time_text(time, r->as_of_us)), count);
    sha256_text(c.first, c.header);
    memcpy(c.head, c.first, sizeof c.head);
    return c;
}

Str chain_line(Chain *c, Arena *keep, Str line)
{
    char own[SHA256_TEXT];
    Buffer b = buffer_new(keep);
    buffer_add(&b, str_slice(line, 0, line.size - 1)); /* its brace comes back */
    buffer_format(&b, ",\"previous\":\"%s\"}", c->head);
    sha256_text(own, buffer_str(&b));
    b.size--;
    buffer_format(&b, ",\"chain\":\"%s\"}\n", own);
    memcpy(c->head, own, sizeof own);
    return buffer_str(&b);
}

void document_chain(Document *j, yyjson_mut_val *in, const Chain *c)
{
    yyjson_mut_val *o = document_object(j, in, "decisions");
    document_text(j, o, "header", c->header);
    document_count(j, o, "count", c->count);
    document_text(j, o, "first", str_from(c->first));
    document_text(j, o, "head", str_from(c->head));
}

/* ---- chain.json ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t chain_files(const char ***out, Arena *keep)
{
    const char **name = ARENA_ARRAY(keep, const char *, store_writtens + BUNDLE_FILES + 1);
    size_t count = 0;
    for (size_t i = 0; i < BUNDLE_FILES; i++)
        name[count++] = path_join(keep, "bundle", bundle_files[i]);
    for (size_t i = 0; i < store_writtens; i++)
        if (strcmp(store_written[i], "chain.json") != 0 &&
            strcmp(store_written[i], "timings.json") != 0)
            name[count++] = store_written[i];
    qsort(name, count, sizeof *name, by_name);
    *out = name;
    return count;
}

Status chain_text(Str *out, Arena *keep, const Chain *c, Str run_json, const char *folder,
                  Error *err)
{
    Document j;
    const char **name;
    size_t count = chain_files(&name, keep);
    document_open(&j, keep);
    document_chain(&j, j.root, c);
    yyjson_mut_val *files = document_object(&j, j.root, "files");
    for (size_t i = 0; i < count; i++) {
        char *sum = ARENA_ARRAY(keep, char, SHA256_TEXT);
        const char *path = path_join(keep, folder, name[i]);
        if (run_json.size > 0 && strcmp(name[i], "run.json") == 0)
            sha256_text(sum, run_json);
        else if (!file_exists(path))
            continue;
        else
            TRY(file_sha256(sum, path, err));
        document_text(&j, files, name[i], str_from(sum));
    }
    *out = document_write(&j, true);
    return STATUS_OK;
}

Status store_chain(const Chain *c, Str run_json, const char *folder, Arena scratch, Error *err)
{
    Str text;
    TRY(chain_text(&text, &scratch, c, run_json, folder, err));
    return file_write(path_join(&scratch, folder, "chain.json"), text, err);
}
