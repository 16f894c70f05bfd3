/* replay.c - a decision made again from what the run folder holds of the customer. */
#include "store/store_internal.h"

#include <string.h>

struct DecisionLog {
    const char *folder;
    const Bundle *bundle;
    const char *path[HISTORY_FILES];
    Str header[HISTORY_FILES]; /* their first line */
    FileLines *lines;
};

/* ---- a line ---- */

static Status strange(const DecisionLog *log, uint64_t line, const char *what, Error *err)
{
    Arena own = arena_new();
    (void)error_set(err, STATUS_FORMAT, "the decision's line holds no %s as a run writes it", what);
    (void)error_place(err, path_join(&own, log->folder, "decisions.jsonl"), (int64_t)line, 0);
    arena_free(&own);
    return error_remedy(err, "see what was changed with `assay verify --run %s`", log->folder);
}

/* ---- the customer ---- */

static Status read_history(Str *out, Arena *keep, const DecisionLog *log, const HistorySlice *s,
                           size_t file, Error *err)
{
    char sum[SHA256_TEXT];
    Str slice;
    TRY(file_read_part(&slice, keep, log->path[file], s->offset, s->bytes, err));
    sha256_text(sum, slice);
    if (strcmp(sum, s->sha256) != 0) {
        unsigned long long from = s->offset, end = s->offset + s->bytes;
        (void)error_set(err, STATUS_FORMAT,
                        "bytes %llu to %llu are not what the decision was made of", from, end);
        (void)error_place(err, log->path[file], 0, 0);
        return error_remedy(err, "see what was changed with `assay verify --run %s`", log->folder);
    }
    Buffer b = buffer_new(keep);
    buffer_add(&b, log->header[file]);
    buffer_char(&b, '\n');
    buffer_add(&b, slice);
    *out = buffer_str(&b);
    return STATUS_OK;
}

static Status read_customer(Dataset **out, Arena *keep, Arena scratch, const DecisionLog *log,
                            const Logged *made, Error *err)
{
    Str bytes[HISTORY_FILES];
    InputFile file[HISTORY_FILES];
    for (size_t k = 0; k < HISTORY_FILES; k++) {
        TRY(read_history(&bytes[k], keep, log, &made->slice[k], k, err));
        file[k] = (InputFile){log->path[k], &bytes[k]};
    }
    const DatasetInputs in = {.has_as_of = true,
                              .as_of_us = made->name.as_of_us,
                              .bad_rows_max = 1,
                              .score_customers = {&file[HISTORY_CUSTOMERS], 1},
                              .score_transactions = {&file[HISTORY_TRANSACTIONS], 1}};
    TRY(dataset_read(out, keep, scratch, log->bundle->schema, &in, err));
    Dataset *d = *out;
    if (d->customers != 1 || !str_equal(d->id[0], made->name.customer) ||
        d->quarantine->count > 0) {
        (void)error_set(err, STATUS_FORMAT, "the history of a decision is not one customer's");
        (void)error_place(err, log->path[HISTORY_CUSTOMERS], 0, 0);
        return error_remedy(err, "see what was changed with `assay verify --run %s`", log->folder);
    }
    dataset_take_label(d, scratch);
    return STATUS_OK;
}

Status decision_log_replay(Replayed *out, Arena *keep, Arena scratch, const DecisionLog *log,
                           FileLine line, Error *err)
{
    LoggedLine cut;
    Logged *made = ARENA_NEW(keep, Logged);
    *out = (Replayed){.bundle = log->bundle, .line = str_copy(keep, line.text)};
    if (!logged_cut(&cut, out->line))
        return strange(log, line.number, "decision_id and chain", err);
    const char *missing = logged_read(made, keep, line.text);
    if (missing != NULL)
        return strange(log, line.number, missing, err);
    out->id = cut.id;
    out->recorded = cut.body;
    out->rank = made->rank;
    TRY(read_customer(&out->data, keep, scratch, log, made, err));

    uint32_t *row = ARENA_NEW(keep, uint32_t);
    Scored *scored;
    Decision *decision;
    const ScoreOptions options = {.facts = &made->facts,
                                  .earlier = &made->earlier,
                                  .language = made->language,
                                  .brief = !made->explained};
    TRY(score_dataset(&scored, keep, scratch, log->bundle, out->data, row, 1, &options, NULL, err));
    TRY(score_decide(&decision, keep, scratch, log->bundle, scored, row, 1, NULL, err));
    out->scored = scored;
    out->decision = decision;
    const Recording recording = recording_of(log->bundle, scored, made->name.as_of_us);
    Document j;
    document_open(&j, keep);
    document_decision(&j, scratch, &recording, decision, 0);
    Str text = document_write(&j, false);
    out->made = str_slice(text, 1, text.size - 2); /* without braces and newline */
    return STATUS_OK;
}

/* ---- the folder ---- */

static Status no_run(const char *folder, Error *err)
{
    (void)error_set(err, STATUS_USAGE, "there is no run with decisions in this folder");
    (void)error_place(err, folder, 0, 0);
    return error_remedy(err, "name the folder that `assay run --out` or `assay score --out` wrote");
}

Status decision_log_open(DecisionLog **out, Arena *keep, const char *folder, Error *err)
{
    DecisionLog *log = *out = ARENA_NEW(keep, DecisionLog);
    Bundle *bundle;
    log->folder = str_chars(keep, str_from(folder));
    const char *lines = path_join(keep, folder, "decisions.jsonl");
    if (!file_exists(lines) || !file_exists(path_join(keep, folder, "run.json")))
        return no_run(folder, err);
    TRY(bundle_open(&bundle, keep, path_join(keep, folder, "bundle"), err));
    log->bundle = bundle;
    for (size_t k = 0; k < HISTORY_FILES; k++) {
        FileLines *reading;
        FileLine first = {.text = S("")};
        log->path[k] = path_join(keep, folder, history_files[k]);
        TRY(file_lines_open(&reading, keep, log->path[k], err));
        if (file_lines_next(reading, &first))
            log->header[k] = str_copy(keep, first.text);
        TRY(file_lines_close(reading, err));
    }
    return file_lines_open(&log->lines, keep, lines, err);
}

bool decision_log_next(DecisionLog *log, FileLine *out)
{
    return file_lines_next(log->lines, out);
}

Status decision_log_close(DecisionLog *log, Error *err)
{
    return file_lines_close(log->lines, err);
}

/* ---- one of them ---- */

enum { NEAR = 3 };

/* The ids most like the one that is not there. */
typedef struct Nearest {
    Str id[NEAR];
    size_t distance[NEAR], count;
} Nearest;

/* What would move a terminal's cursor is not shown to anybody. */
static bool shown(Str id)
{
    for (size_t i = 0; i < id.size; i++) {
        unsigned char c = (unsigned char)id.data[i];
        if (c < 0x20 || c == 0x7F || (c == 0xC2 && i + 1 < id.size && (id.data[i + 1] & 0x60) == 0))
            return false;
    }
    return id.size > 0;
}

static void consider(Nearest *n, Arena *keep, Str wanted, Str id)
{
    if (!shown(id))
        return;
    size_t limit = n->count < NEAR ? 1 + wanted.size / 3 : n->distance[NEAR - 1];
    size_t distance = str_distance(wanted, id, limit);
    if (distance > limit || (n->count == NEAR && distance >= n->distance[NEAR - 1]))
        return;
    size_t at = n->count < NEAR ? n->count++ : NEAR - 1;
    for (; at > 0 && n->distance[at - 1] > distance; at--) {
        n->id[at] = n->id[at - 1];
        n->distance[at] = n->distance[at - 1];
    }
    n->id[at] = str_copy(keep, id);
    n->distance[at] = distance;
}

typedef struct Searching {
    Str wanted;
    bool exact; /* found is the one */
    FileLine found;
    Str id[2]; /* decisions that begin with it */
    size_t matches;
    Nearest near;
} Searching;

static bool hexadecimal(Str s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!((s.data[i] >= '0' && s.data[i] <= '9') || (s.data[i] >= 'a' && s.data[i] <= 'f')))
            return false;
    return s.size > 0 && s.size < DECISION_ID_TEXT;
}

/* The body begins with decision_id and customer_id. */
static Str customer_of(Arena *keep, const LoggedLine *line)
{
    static const char key[] = "\",\"customer_id\":\"";
    const char *from = line->id.data + line->id.size;
    Str rest = {from, (size_t)(line->body.data + line->body.size - from)};
    if (!str_starts(rest, (Str){key, sizeof key - 1}))
        return S("");
    rest = str_slice(rest, sizeof key - 1, rest.size);
    size_t size = 0;
    while (size < rest.size && rest.data[size] != '"')
        size += rest.data[size] == '\\' ? 2 : 1;
    if (size >= rest.size)
        return S("");
    if (memchr(rest.data, '\\', size) == NULL)
        return str_slice(rest, 0, size);
    yyjson_doc *doc = yyjson_read(rest.data - 1, size + 2, 0); /* with its quotes */
    yyjson_val *v = yyjson_doc_get_root(doc);
    Str id = yyjson_is_str(v) ? str_copy(keep, (Str){yyjson_get_str(v), yyjson_get_len(v)}) : S("");
    yyjson_doc_free(doc);
    return id;
}

static void look(Searching *s, Arena *keep, Arena scratch, FileLine line)
{
    LoggedLine cut;
    if (!logged_cut(&cut, line.text))
        return;
    Str customer = customer_of(&scratch, &cut);
    s->exact = str_equal(customer, s->wanted) || str_equal(cut.id, s->wanted);
    bool begins = hexadecimal(s->wanted) && str_starts(cut.id, s->wanted);
    if (s->exact || begins) {
        if (s->matches < COUNT_OF(s->id))
            s->id[s->matches] = str_copy(keep, cut.id);
        if (s->matches++ == 0 || s->exact)
            s->found = (FileLine){str_copy(keep, line.text), line.number, line.whole};
    } else if (s->matches == 0) {
        consider(&s->near, keep, s->wanted, customer);
        consider(&s->near, keep, s->wanted, cut.id);
    }
}

static Status not_found(const Searching *s, Error *err)
{
    if (s->matches > 1) {
        (void)error_set(err, STATUS_DATA, "%zu decisions begin with %.*s", s->matches,
                        STR_ARG(s->wanted));
        return error_remedy(err, "give more of it: %.*s or %.*s", STR_ARG(s->id[0]),
                            STR_ARG(s->id[1]));
    }
    (void)error_set(err, STATUS_DATA, "no decision and no customer of this run has the id %.*s",
                    STR_ARG(s->wanted));
    if (s->near.count == 0)
        return error_remedy(err,
                            "decisions.csv has every customer, decisions.jsonl every decision");
    Arena own = arena_new();
    Buffer b = buffer_new(&own);
    for (size_t i = 0; i < s->near.count; i++)
        buffer_format(&b, "%s%.*s", i > 0 ? ", " : "", STR_ARG(s->near.id[i]));
    Str list = buffer_str(&b);
    (void)error_remedy(err, "did you mean %.*s?", STR_ARG(list));
    arena_free(&own);
    return STATUS_DATA;
}

Status store_replay(Replayed *out, Arena *keep, Arena scratch, const char *folder, Str id,
                    Error *err)
{
    DecisionLog *log;
    FileLine line;
    TRY(decision_log_open(&log, keep, folder, err));
    Searching *s = ARENA_NEW(keep, Searching);
    s->wanted = id;
    while (!s->exact && decision_log_next(log, &line))
        look(s, keep, scratch, line);
    TRY(decision_log_close(log, err));
    if (!s->exact && s->matches != 1)
        return not_found(s, err);
    return decision_log_replay(out, keep, scratch, log, s->found, err);
}
