/* job_place.c - what a job remembers of itself, and a row with the job's options in it. */
#include "serve/jobs.h"

#include "record/record.h"

Str job_place_text(Arena *keep, const JobPlace *p)
{
    Document d;
    document_open(&d, keep);
    document_text(&d, d.root, "version", p->version);
    document_count(&d, d.root, "lines", p->lines);
    document_count(&d, d.root, "read", p->read);
    document_count(&d, d.root, "size", p->size);
    document_truth(&d, d.root, "whole", p->whole);
    document_text(&d, d.root, "output", p->output);
    return str_trim(document_write(&d, false));
}

static Str text_of(Arena *keep, yyjson_val *of, const char *key)
{
    yyjson_val *v = yyjson_obj_get(of, key);
    return yyjson_is_str(v) ? str_copy(keep, (Str){yyjson_get_str(v), yyjson_get_len(v)}) : S("");
}

bool job_place_read(JobPlace *out, Arena *keep, Str text)
{
    *out = (JobPlace){0};
    yyjson_doc *doc = yyjson_read(text.data, text.size, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool fine = yyjson_is_obj(root);
    if (fine)
        *out = (JobPlace){.version = text_of(keep, root, "version"),
                          .lines = yyjson_get_uint(yyjson_obj_get(root, "lines")),
                          .read = yyjson_get_uint(yyjson_obj_get(root, "read")),
                          .size = yyjson_get_uint(yyjson_obj_get(root, "size")),
                          .whole = yyjson_get_bool(yyjson_obj_get(root, "whole")),
                          .output = text_of(keep, root, "output")};
    yyjson_doc_free(doc);
    return fine;
}

Str job_row(Arena *keep, Str row, Str options)
{
    /* Depth is bounded by who answers; here the parser keeps its place on the heap. */
    yyjson_alc memory = arena_memory(keep);
    yyjson_doc *given =
        yyjson_read_opts((char *)(uintptr_t)options.data, options.size, 0, &memory, NULL);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)row.data, row.size,
                                       YYJSON_READ_NUMBER_AS_RAW, &memory, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc), *key, *value;
    yyjson_val *defaults = yyjson_doc_get_root(given);
    if (!yyjson_is_obj(root) || yyjson_obj_size(defaults) == 0)
        return row;
    yyjson_val *said = yyjson_obj_get(root, "options");
    if (said != NULL && !yyjson_is_obj(said))
        return row;
    yyjson_mut_doc *made = yyjson_doc_mut_copy(doc, &memory);
    yyjson_mut_val *top = yyjson_mut_doc_get_root(made);
    yyjson_mut_val *into = yyjson_mut_obj_get(top, "options");
    if (into == NULL)
        into = yyjson_mut_obj_add_obj(made, top, "options");
    size_t i, most;
    yyjson_obj_foreach(defaults, i, most, key, value)
    {
        if (yyjson_obj_getn(said, yyjson_get_str(key), yyjson_get_len(key)) == NULL)
            (void)yyjson_mut_obj_add(into, yyjson_val_mut_copy(made, key),
                                     yyjson_val_mut_copy(made, value));
    }
    size_t size = 0;
    char *text = yyjson_mut_write_opts(made, 0, &memory, &size, NULL);
    return text != NULL ? (Str){text, size} : row;
}
