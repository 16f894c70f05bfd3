/* verify.c - is a run folder as it was written? */
#include "store/store_internal.h"

#include <string.h>

typedef struct Verifying {
    const char *folder;
    Arena *keep;
    Error *err;
    Chain said; /* by chain.json */
    Dictionary *file;
    Str *sum; /* by code of file */
} Verifying;

static Status changed(const Verifying *v, const char *file, uint64_t line, const char *what)
{
    (void)error_set(v->err, STATUS_FORMAT, "%s", what);
    (void)error_place(v->err, path_join(v->keep, v->folder, file), (int64_t)line, 0);
    return error_remedy(v->err, "the folder is not what the run wrote: take it again from where "
                                "it was kept, or run again");
}

/* ---- chain.json ---- */

static Str text_of(Arena *keep, yyjson_val *in, const char *key)
{
    yyjson_val *v = yyjson_obj_get(in, key);
    return yyjson_is_str(v) ? str_copy(keep, (Str){yyjson_get_str(v), yyjson_get_len(v)}) : S("");
}

static bool take_hash(char out[SHA256_TEXT], Str text)
{
    if (text.size != SHA256_TEXT - 1)
        return false;
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

static bool take_chain(Verifying *v, yyjson_val *root)
{
    yyjson_val *chain = yyjson_obj_get(root, "decisions"), *files = yyjson_obj_get(root, "files");
    yyjson_val *count = yyjson_obj_get(chain, "count"), *key, *value;
    size_t i, n;
    v->said.header = text_of(v->keep, chain, "header");
    if (!yyjson_is_uint(count) || !yyjson_is_obj(files) ||
        !take_hash(v->said.first, text_of(v->keep, chain, "first")) ||
        !take_hash(v->said.head, text_of(v->keep, chain, "head")))
        return false;
    v->said.count = yyjson_get_uint(count);
    v->file = dictionary_new(v->keep);
    v->sum = ARENA_ARRAY(v->keep, Str, yyjson_obj_size(files) + 1);
    yyjson_obj_foreach(files, i, n, key, value)
    {
        Str name = {yyjson_get_str(key), yyjson_get_len(key)};
        if (!yyjson_is_str(value))
            return false;
        v->sum[dictionary_add(v->file, name)] =
            str_copy(v->keep, (Str){yyjson_get_str(value), yyjson_get_len(value)});
    }
    return true;
}

static Status read_chain(Verifying *v, Str *text)
{
    const char *path = path_join(v->keep, v->folder, "chain.json");
    if (!file_exists(path) && !file_exists(path_join(v->keep, v->folder, "run.json"))) {
        (void)error_set(v->err, STATUS_USAGE, "there is no run with decisions in this folder");
        (void)error_place(v->err, v->folder, 0, 0);
        return error_remedy(v->err, "name the folder that `assay run --out` or `assay score --out` "
                                    "wrote");
    }
    if (!file_exists(path))
        return changed(v, "chain.json", 0, "the file is missing");
    TRY(file_read(text, v->keep, path, v->err));
    yyjson_doc *doc = yyjson_read(text->data, text->size, 0);
    bool good = doc != NULL && take_chain(v, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return good ? STATUS_OK : changed(v, "chain.json", 0, "the file is not one that a run writes");
}

/* ---- sums ---- */

static bool of_log(const char *name)
{
    return strcmp(name, "decisions.jsonl") == 0 || str_starts(str_from(name), S("histories/"));
}

/* Files of the log come last: what is wrong with them is better said by line. */
static Status check_files(Verifying *v, bool log)
{
    const char **name;
    size_t count = chain_files(&name, v->keep);
    for (size_t i = 0; i < count; i++) {
        char sum[SHA256_TEXT];
        const char *path = path_join(v->keep, v->folder, name[i]);
        uint32_t code = dictionary_find(v->file, str_from(name[i]));
        if (of_log(name[i]) != log || (code == NO_CODE && !file_exists(path)))
            continue;
        if (code == NO_CODE)
            return changed(v, name[i], 0, "the run wrote no such file");
        if (!file_exists(path))
            return changed(v, name[i], 0, "the file is missing");
        TRY(file_sha256(sum, path, v->err));
        if (!str_equal(str_from(sum), v->sum[code]))
            return changed(v, name[i], 0,
                           "the file's sum is not the one in chain.json: one of the two was "
                           "changed");
    }
    return STATUS_OK;
}

/* ---- the log ---- */

/* Rows of the histories follow one another as decisions do. */
static Status check_slice(const Verifying *v, const HistorySlice *s, size_t file, uint64_t line,
                          uint64_t *end)
{
    char sum[SHA256_TEXT];
    Arena own = arena_new();
    Str slice;
    Error unread = {0};
    Status status =
        s->offset != *end
            ? STATUS_FORMAT
            : file_read_part(&slice, &own, path_join(&own, v->folder, history_files[file]),
                             s->offset, s->bytes, &unread);
    if (status == STATUS_OK)
        sha256_text(sum, slice);
    bool same = status == STATUS_OK && strcmp(sum, s->sha256) == 0;
    arena_free(&own);
    *end = s->offset + s->bytes;
    if (same)
        return STATUS_OK;
    return changed(v, history_files[file], 0,
                   str_chars(v->keep, str_format(v->keep,
                                                 "the rows behind line %llu of decisions.jsonl "
                                                 "are not what that decision was made of",
                                                 (unsigned long long)line)));
}

static Status check_line(const Verifying *v, Arena keep, FileLine line, char head[SHA256_TEXT],
                         uint64_t end[HISTORY_FILES])
{
    static const char file[] = "decisions.jsonl";
    char sum[SHA256_TEXT], id[DECISION_ID_TEXT];
    LoggedLine cut;
    Logged said;
    if (!line.whole || !logged_cut(&cut, line.text))
        return changed(v, file, line.number, "the line is not one that a run writes");
    if (!str_equal(cut.previous, str_from(head)))
        return changed(v, file, line.number,
                       "the line does not follow the one before it: lines were changed, taken "
                       "out, put in or moved");
    logged_hash(sum, keep, line.text);
    if (!str_equal(cut.chain, str_from(sum)))
        return changed(v, file, line.number, "the line was changed");
    memcpy(head, sum, sizeof sum);
    if (logged_read(&said, &keep, line.text) != NULL)
        return changed(v, file, line.number, "the line is not one that a run writes");
    decision_id(id, &said.name);
    if (!str_equal(cut.id, str_from(id)))
        return changed(v, file, line.number, "decision_id is not that of this decision");
    if (said.rank != line.number)
        return changed(v, file, line.number, "the rank is not the line's place");
    for (size_t k = 0; k < HISTORY_FILES; k++)
        TRY(check_slice(v, &said.slice[k], k, line.number, &end[k]));
    return STATUS_OK;
}

/* Where the first customer's rows begin: behind the names of the columns. */
static Status find_begin(const Verifying *v, uint64_t *end, size_t file)
{
    FileLines *lines;
    FileLine first;
    Arena own = arena_new();
    const char *path = path_join(&own, v->folder, history_files[file]);
    if (!file_exists(path)) {
        arena_free(&own);
        return changed(v, history_files[file], 0, "the file is missing");
    }
    Status status = file_lines_open(&lines, &own, path, v->err);
    if (status == STATUS_OK) {
        *end = file_lines_next(lines, &first) ? first.text.size + first.whole : 0;
        status = file_lines_close(lines, v->err);
    }
    arena_free(&own);
    return status;
}

static Status check_log(Verifying *v, Chain *found)
{
    FileLines *lines;
    FileLine line;
    uint64_t end[HISTORY_FILES] = {0};
    const char *path = path_join(v->keep, v->folder, "decisions.jsonl");
    if (!file_exists(path))
        return changed(v, "decisions.jsonl", 0, "the file is missing");
    for (size_t k = 0; k < HISTORY_FILES; k++)
        TRY(find_begin(v, &end[k], k));
    *found = (Chain){.header = v->said.header};
    sha256_text(found->first, found->header);
    if (strcmp(found->first, v->said.first) != 0)
        return changed(v, "chain.json", 0, "the chain does not begin with its header");
    memcpy(found->head, found->first, sizeof found->head);
    TRY(file_lines_open(&lines, v->keep, path, v->err));
    Arena own = arena_new();
    Status status = STATUS_OK;
    while (status == STATUS_OK && file_lines_next(lines, &line)) {
        status = check_line(v, own, line, found->head, end);
        found->count++;
    }
    arena_free(&own);
    Status closed = file_lines_close(lines, status == STATUS_OK ? v->err : NULL);
    TRY(status == STATUS_OK ? closed : status);
    if (found->count != v->said.count || strcmp(found->head, v->said.head) != 0)
        return changed(v, "decisions.jsonl", found->count,
                       "the log does not end where chain.json says: lines were put in or taken "
                       "out, or chain.json was changed");
    return STATUS_OK;
}

Status store_verify(Verified *out, Arena *keep, const char *folder, Str head, Error *err)
{
    Verifying v = {.folder = folder, .keep = keep, .err = err};
    Chain found = {0};
    Bundle *bundle;
    Str text, again;
    TRY(read_chain(&v, &text));
    TRY(check_files(&v, false));
    TRY(check_log(&v, &found));
    TRY(check_files(&v, true));
    TRY(bundle_open(&bundle, keep, path_join(keep, folder, "bundle"), err));
    if (!str_contains(found.header, str_from(bundle->id)))
        return changed(&v, "chain.json", 0, "the bundle is not the one that decided");
    TRY(chain_text(&again, keep, &found, S(""), folder, err));
    if (!str_equal(text, again))
        return changed(&v, "chain.json", 0, "the file has other bytes than the run wrote");
    *out = (Verified){.decisions = found.count,
                      .files = v.file->count,
                      .head = str_copy(keep, str_from(found.head)),
                      .bundle = bundle};
    if (head.size > 0 && !str_equal(head, out->head))
        return changed(&v, "chain.json", 0,
                       "the chain is whole, and its head is not the one that was noted");
    return STATUS_OK;
}

Status store_verify_log(size_t *decisions, Arena *keep, const char *folder, Error *err)
{
    Verifying v = {.folder = folder, .keep = keep, .err = err};
    Chain found = {0};
    Str text;
    TRY(read_chain(&v, &text));
    TRY(check_log(&v, &found));
    *decisions = found.count;
    return STATUS_OK;
}
