/* recorded.c - features.csv, decisions.jsonl and the bundle of a run folder, read back. */
#include "cli/recorded.h"

#include "csv/csv.h"

#include <math.h>
#include <string.h>
#include <yyjson.h>

static Status refuse(Error *err, const char *file, int64_t line, Status status, const char *what)
{
    (void)error_set(err, status, "%s", what);
    return error_place(err, file, line, 0);
}

static Status need_file(const char **out, Arena *keep, const char *folder, const char *name,
                        Error *err)
{
    *out = path_join(keep, folder, name);
    if (file_exists(*out))
        return STATUS_OK;
    (void)error_set(err, STATUS_IO, "the run folder %.200s has no %s", folder, name);
    return error_remedy(err, "give the --out folder of a run that was finished");
}

/* ---- features.csv ---- */

static bool guarded(Str text)
{
    return text.size > 1 && text.data[0] == '\'' && text.data[1] != '\0' &&
           strchr("=+-@\t\r", text.data[1]) != NULL;
}

/* Text that a spreadsheet would take for a formula was written behind an apostrophe. */
static void unguard(Column *c, Arena *keep, size_t rows)
{
    Dictionary *plain = dictionary_new(keep);
    for (size_t i = 0; i < rows; i++) {
        if (!column_valid(c, i))
            continue;
        Str text = c->dictionary->text[c->code[i]];
        c->code[i] = dictionary_add(plain, guarded(text) ? str_slice(text, 1, text.size) : text);
    }
    c->dictionary = plain;
}

/* A duration as it is written there: also a negative one, or one with parts of a second, neither of
 * which a book may write. */
static bool read_duration(Str text, int64_t *out)
{
    static const struct {
        Str name;
        int64_t us;
    } unit[] = {{S("s"), SECOND_US}, {S("min"), MINUTE_US}, {S("h"), HOUR_US}, {S("d"), DAY_US}};
    size_t n = text.size > 0 && text.data[0] == '-';
    while (n < text.size && ((text.data[n] >= '0' && text.data[n] <= '9') || text.data[n] == '.'))
        n++;
    int64_t micros;
    Str number = str_slice(text, 0, n), name = str_slice(text, n, text.size);
    for (size_t i = 0; i < COUNT_OF(unit); i++) {
        if (!str_equal(name, unit[i].name) || !parse_decimal(number, 6, &micros))
            continue;
        return !__builtin_mul_overflow(micros, unit[i].us / SECOND_US, out);
    }
    return false;
}

static Status take_durations(Table *t, Arena *keep, const Plan *plan, const char *path, Error *err)
{
    for (size_t i = 0; i < plan->features; i++) {
        Column *text = &t->column[i + 1], out;
        if (lang_type(plan->feature[i].expr) != TYPE_DURATION)
            continue;
        column_init(&out, keep, text->name, TYPE_DURATION, 0, t->rows, NULL);
        for (size_t row = 0; row < t->rows; row++) {
            if (!column_valid(text, row))
                continue;
            if (!read_duration(text->dictionary->text[text->code[row]], &out.integer[row])) {
                (void)error_set(err, STATUS_FORMAT, "%.*s is not a duration", STR_ARG(text->name));
                (void)error_place(err, path, (int64_t)t->line[row], (int64_t)i + 3);
                return error_remedy(err, "the file was edited: run again");
            }
            column_set_valid(&out, row);
        }
        *text = out;
    }
    return STATUS_OK;
}

static Status read_features(Table **out, Arena *keep, Arena scratch, const char *folder,
                            const Plan *plan, Error *err)
{
    const char *path;
    TRY(need_file(&path, keep, folder, "features.csv", err));
    CsvColumn *column = ARENA_ARRAY(keep, CsvColumn, plan->features + 1);
    column[0] =
        (CsvColumn){.name = S("customer_id"), .type = TYPE_TEXT, .required = true, .key = true};
    for (size_t i = 0; i < plan->features; i++)
        column[i + 1] = (CsvColumn){.name = plan->feature[i].name.text,
                                    .type = lang_type(plan->feature[i].expr) == TYPE_DURATION
                                                ? TYPE_TEXT
                                                : lang_type(plan->feature[i].expr),
                                    .scale = lang_scale(plan->feature[i].expr),
                                    .required = true};
    const CsvOptions options = {
        .delimiter = ',',
        .absent_hint = S("the folder and the bundle are not of one run, or the file was edited")};
    Quarantine *aside = quarantine_new(keep);
    TRY(csv_read(out, NULL, keep, scratch, path, column, plan->features + 1, &options, aside, err));
    if (aside->count > 0) {
        const QuarantineRow *row = &aside->row[0];
        (void)error_set(err, STATUS_FORMAT, "%zu row%s of features.csv cannot be read: %.*s",
                        aside->count, aside->count == 1 ? "" : "s", STR_ARG(row->reason));
        (void)error_place(err, path, (int64_t)row->line, row->column);
        return error_remedy(err, "the file was edited: run again");
    }
    TRY(take_durations(*out, keep, plan, path, err));
    for (size_t i = 0; i < (*out)->columns; i++) {
        Column *c = &(*out)->column[i];
        if (c->type == TYPE_TEXT || c->type == TYPE_CATEGORY)
            unguard(c, keep, (*out)->rows);
    }
    return STATUS_OK;
}

/* ---- decisions.jsonl ---- */

typedef struct Lines {
    Recorded *r;
    Arena *keep;
    const char *path;
    int64_t line;
    const Dictionary *ids; /* of features.csv */
    const uint32_t *row;   /* by code of ids */
    double *margin, *probability, *low, *high;
    uint8_t *contradictory;
    uint32_t *at; /* rows of features */
    Earlier *earlier;
    CaseFact **fact;
    size_t *facts;
    int64_t *as_of;
    size_t capacity;
    Error *err;
} Lines;

static Status no_form(const Lines *l, const char *what)
{
    (void)refuse(l->err, l->path, l->line, STATUS_FORMAT, what);
    return error_remedy(l->err, "the file was cut off or edited: run again");
}

static Status get_real(double *out, const Lines *l, yyjson_val *in, const char *key)
{
    yyjson_val *v = yyjson_obj_get(in, key);
    if (!yyjson_is_num(v))
        return no_form(l, str_chars(l->keep, str_format(l->keep, "`%s` is not a number", key)));
    *out = yyjson_get_num(v);
    return STATUS_OK;
}

static Status get_count(uint32_t *out, const Lines *l, yyjson_val *in, const char *key)
{
    yyjson_val *v = yyjson_obj_get(in, key);
    if (!yyjson_is_uint(v) || yyjson_get_uint(v) > UINT32_MAX)
        return no_form(l, str_chars(l->keep, str_format(l->keep, "`%s` is not a count", key)));
    *out = (uint32_t)yyjson_get_uint(v);
    return STATUS_OK;
}

static Str get_text(const Lines *l, yyjson_val *in, const char *key)
{
    yyjson_val *v = yyjson_obj_get(in, key);
    return !yyjson_is_str(v) ? S("")
                             : str_copy(l->keep, (Str){yyjson_get_str(v), yyjson_get_len(v)});
}

static int64_t get_time(const Lines *l, yyjson_val *in, const char *key)
{
    int64_t out;
    Str text = get_text(l, in, key);
    return text.size > 0 && parse_time(text, &out) ? out : NO_TIME;
}

static Status get_action(Action *out, const Lines *l, yyjson_val *in, const char *key)
{
    Str text = get_text(l, in, key);
    for (Action a = 0; a < ACTIONS; a++)
        if (str_equal(text, action_name(a))) {
            *out = a;
            return STATUS_OK;
        }
    return no_form(l, str_chars(l->keep, str_format(l->keep, "`%s` is not an action", key)));
}

static Status get_segment(Segment *out, const Lines *l, yyjson_val *in, const char *key)
{
    Str text = get_text(l, in, key);
    for (Segment s = 0; s < SEGMENTS; s++)
        if (str_equal(text, segment_name(s))) {
            *out = s;
            return STATUS_OK;
        }
    return no_form(l, str_chars(l->keep, str_format(l->keep, "`%s` is not a segment", key)));
}

static void read_facts(Lines *l, yyjson_val *in, size_t k)
{
    yyjson_val *list = yyjson_obj_get(in, "facts");
    size_t count = yyjson_arr_size(list);
    if (count == 0)
        return;
    l->fact[k] = ARENA_ARRAY(l->keep, CaseFact, count);
    for (size_t i = 0; i < count; i++) {
        yyjson_val *one = yyjson_arr_get(list, i);
        l->fact[k][l->facts[k]++] = (CaseFact){.name = get_text(l, one, "name"),
                                               .evidence = get_text(l, one, "evidence"),
                                               .since_us = get_time(l, one, "since")};
    }
}

/* Since when the customer is in the segment. One who was known before this run keeps that; of
 * others nothing is known, and the segment follows from the score and the floors. */
static void read_earlier(Lines *l, yyjson_val *in, const Outcome *d, size_t row)
{
    int64_t since = get_time(l, in, "segment_since");
    if (since == NO_TIME || since >= l->as_of[row])
        return;
    l->earlier[row] = (Earlier){true, d->segment, since, get_time(l, in, "segment_lower_since")};
}

static Status read_decision(Lines *l, yyjson_val *in, size_t k)
{
    Outcome *d = &l->r->outcome[k];
    d->id = get_text(l, in, "customer_id");
    uint32_t code = dictionary_find(l->ids, d->id);
    if (code == NO_CODE) {
        (void)error_set(l->err, STATUS_DATA,
                        "customer %.100s of decisions.jsonl is not in "
                        "features.csv",
                        str_chars(l->keep, d->id));
        (void)error_place(l->err, l->path, l->line, 0);
        return error_remedy(l->err, "one of the two files was edited: run again");
    }
    size_t row = l->at[k] = l->row[code];
    TRY(get_real(&l->margin[k], l, in, "margin"));
    TRY(get_real(&l->probability[k], l, in, "probability"));
    TRY(get_real(&l->low[k], l, in, "probability_low"));
    TRY(get_real(&l->high[k], l, in, "probability_high"));
    TRY(get_segment(&d->segment, l, in, "segment"));
    TRY(get_action(&d->action, l, in, "action"));
    TRY(get_action(&d->before_safeguards, l, in, "action_before_safeguards"));
    TRY(get_count(&d->rules, l, in, "rules"));
    TRY(get_count(&d->severe_rules, l, in, "severe_rules"));
    TRY(get_count(&d->families, l, in, "families"));
    TRY(get_real(&d->exposure, l, in, "exposure"));
    d->insufficient_data = yyjson_get_bool(yyjson_obj_get(in, "insufficient_data"));
    d->margin = l->margin[k];
    d->probability = l->probability[k];
    d->probability_low = l->low[k];
    d->probability_high = l->high[k];
    l->contradictory[k] = yyjson_get_bool(yyjson_obj_get(in, "contradictory_label"));
    l->as_of[row] = get_time(l, in, "as_of");
    if (l->as_of[row] == NO_TIME)
        return no_form(l, "`as_of` is not a time");
    read_facts(l, in, row);
    read_earlier(l, in, d, row);
    Str bundle = get_text(l, in, "bundle");
    if (bundle.size == 0 || str_equal(bundle, str_from(l->r->bundle->id)))
        return STATUS_OK;
    (void)refuse(l->err, l->path, l->line, STATUS_DATA,
                 "these decisions were made with another bundle");
    return error_remedy(l->err, "give the bundle that the run was scored with: --bundle FOLDER");
}

static size_t count_lines(Str text)
{
    size_t out = 0;
    for (size_t i = 0; i < text.size; i++)
        out += text.data[i] == '\n';
    return out + (text.size > 0 && text.data[text.size - 1] != '\n');
}

static void make_room(Lines *l, size_t count, size_t customers)
{
    l->margin = ARENA_ARRAY(l->keep, double, count + 1);
    l->probability = ARENA_ARRAY(l->keep, double, count + 1);
    l->low = ARENA_ARRAY(l->keep, double, count + 1);
    l->high = ARENA_ARRAY(l->keep, double, count + 1);
    l->contradictory = ARENA_ARRAY(l->keep, uint8_t, count + 1);
    l->at = ARENA_ARRAY(l->keep, uint32_t, count + 1);
    l->r->outcome = ARENA_ARRAY(l->keep, Outcome, count + 1);
    l->r->line = ARENA_ARRAY(l->keep, size_t, count + 1);
    l->earlier = ARENA_ARRAY(l->keep, Earlier, customers + 1);
    l->fact = ARENA_ARRAY(l->keep, CaseFact *, customers + 1);
    l->facts = ARENA_ARRAY(l->keep, size_t, customers + 1);
    l->as_of = ARENA_ARRAY(l->keep, int64_t, customers + 1);
}

static Status read_lines(Lines *l, Str text, size_t customers, size_t *count)
{
    uint8_t *seen = ARENA_ARRAY(l->keep, uint8_t, customers + 1);
    size_t from = 0;
    make_room(l, count_lines(text), customers);
    for (*count = 0; from < text.size; l->line++) {
        const char *end = memchr(text.data + from, '\n', text.size - from);
        size_t to = end == NULL ? text.size : (size_t)(end - text.data);
        yyjson_doc *doc = yyjson_read(text.data + from, to - from, 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        Status status = yyjson_is_obj(root) ? read_decision(l, root, *count)
                                            : no_form(l, "the line is not a JSON object");
        yyjson_doc_free(doc);
        TRY(status);
        if (end == NULL)
            return no_form(l, "the last line is cut off");
        if (seen[l->at[*count]]++)
            return no_form(l, "the customer is decided on twice");
        l->r->line[(*count)++] = (size_t)l->line;
        from = to + 1;
    }
    return STATUS_OK;
}

static Status read_decisions(Recorded *r, Arena *keep, Table *features, Error *err)
{
    Lines l = {.r = r, .keep = keep, .line = 1, .err = err};
    Str text;
    size_t count;
    Column *id = &features->column[0];
    Str *ids = ARENA_ARRAY(keep, Str, features->rows + 1);
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, id->dictionary->count + 1);
    for (size_t i = 0; i < features->rows; i++) {
        ids[i] = id->dictionary->text[id->code[i]];
        row[id->code[i]] = (uint32_t)i;
    }
    TRY(need_file(&l.path, keep, r->folder, "decisions.jsonl", err));
    TRY(file_read(&text, keep, l.path, err));
    l.ids = id->dictionary;
    l.row = row;
    TRY(read_lines(&l, text, features->rows, &count));
    CaseFacts *facts = ARENA_NEW(keep, CaseFacts);
    *facts = (CaseFacts){l.fact, l.facts};
    /* The table of features alone: what the engine looks up by name is by name. */
    Table *table = table_new(keep, S("features"), features->rows, features->columns - 1);
    memcpy(table->column, features->column + 1, table->columns * sizeof(Column));
    Table *rows = table_new(keep, S("events"), 0, 1);
    column_init(&rows->column[0], keep, r->bundle->schema->transactions.key.text, TYPE_TEXT, 0, 0,
                NULL);
    r->events = (Events){
        .plan = r->bundle->plan, .customers = features->rows, .rows = rows, .as_of_us = l.as_of};
    r->in = (PolicyInputs){.events = &r->events,
                           .features = table,
                           .row = l.at,
                           .id = ids,
                           .count = count,
                           .margin = l.margin,
                           .probability = l.probability,
                           .probability_low = l.low,
                           .probability_high = l.high,
                           .columns = &r->no_columns,
                           .contradictory = l.contradictory,
                           .facts = facts,
                           .earlier = l.earlier};
    return STATUS_OK;
}

/* ---- proxies.csv ---- */

#define PROXY_ALONE 0.65 /* as docs/fairness.md has it of all inputs together */

/* Which features tell a group, in a run that found that the inputs do. Without the file: none. */
static Status read_proxies(Recorded *r, Arena *keep, Arena scratch, Error *err)
{
    enum { INPUTS = 5, COLUMNS = 4 + 2 * INPUTS };
    const char *path = path_join(keep, r->folder, "proxies.csv");
    static const char *const names[COLUMNS] = {"column",  "ground",      "group",   "clear",
                                               "input_1", "input_1_auc", "input_2", "input_2_auc",
                                               "input_3", "input_3_auc", "input_4", "input_4_auc",
                                               "input_5", "input_5_auc"};
    CsvColumn column[COLUMNS];
    Table *rows;
    size_t capacity = 0;
    if (!file_exists(path))
        return STATUS_OK;
    for (size_t i = 0; i < COLUMNS; i++)
        column[i] = (CsvColumn){.name = str_from(names[i]),
                                .type = i == 3                ? TYPE_BOOLEAN
                                        : i > 4 && i % 2 == 1 ? TYPE_DOUBLE
                                                              : TYPE_TEXT,
                                .required = true};
    const CsvOptions options = {.delimiter = ','};
    TRY(csv_read(&rows, NULL, keep, scratch, path, column, COLUMNS, &options, NULL, err));
    for (size_t i = 0; i < 5; i++)
        if (i != 3)
            unguard(&rows->column[i], keep, rows->rows);
    for (size_t i = 0; i < rows->rows; i++) {
        const Column *c = rows->column;
        if (!column_valid(&c[3], i) || !c[3].boolean[i])
            continue;
        for (size_t k = 0; k < INPUTS; k++) {
            const Column *name = &c[4 + 2 * k], *auc = &c[5 + 2 * k];
            if (!column_valid(name, i) || !column_valid(auc, i) || !(auc->real[i] >= PROXY_ALONE))
                continue;
            *ARENA_PUSH(keep, r->proxy, r->proxies, capacity) =
                (ProveProxy){cell_text(keep, name, i), cell_text(keep, &c[0], i),
                             cell_text(keep, &c[1], i), cell_text(keep, &c[2], i), auc->real[i]};
        }
    }
    return STATUS_OK;
}

/* ---- the whole ---- */

Status recorded_read(Recorded **out, Arena *keep, Arena scratch, const char *folder,
                     const char *bundle, Error *err)
{
    Recorded *r = *out = ARENA_NEW(keep, Recorded);
    const char *last;
    Table *features;
    r->folder = folder;
    if (!file_exists(path_join(keep, folder, "run.json"))) {
        (void)error_set(err, STATUS_IO, "%.200s is not a whole run folder: it has no run.json",
                        folder);
        return error_remedy(err, "give the --out folder of a run that was finished");
    }
    if (bundle == NULL) {
        bundle = path_join(keep, folder, "bundle");
        if (!file_exists(path_join(keep, bundle, "bundle.json"))) {
            (void)error_set(err, STATUS_IO, "the run folder %.200s has no bundle", folder);
            return error_remedy(err, "give the bundle that it was scored with: --bundle FOLDER");
        }
    }
    TRY(bundle_open(&r->bundle, keep, bundle, err));
    TRY(need_file(&last, keep, folder, "decisions.jsonl", err));
    TRY(read_features(&features, keep, scratch, folder, r->bundle->plan, err));
    TRY(read_decisions(r, keep, features, err));
    return read_proxies(r, keep, scratch, err);
}

/* What of two outcomes is not the same; NULL when nothing is. */
static const char *difference(const Outcome *a, const Outcome *b)
{
    if (a->action != b->action)
        return "action";
    if (a->before_safeguards != b->before_safeguards)
        return "action_before_safeguards";
    if (a->segment != b->segment)
        return "segment";
    if (a->rules != b->rules)
        return "rules";
    if (a->severe_rules != b->severe_rules)
        return "severe_rules";
    if (a->families != b->families)
        return "families";
    if (a->exposure != b->exposure)
        return "exposure";
    return a->insufficient_data != b->insufficient_data ? "insufficient_data" : NULL;
}

Status recorded_check(const Recorded *r, Arena scratch, Team *team, Error *err)
{
    Arena keep = arena_new();
    Outcome *again;
    Status status =
        policy_outcomes(&again, NULL, &keep, scratch, r->bundle->policy, &r->in, team, err);
    size_t differ = 0, first = 0;
    const char *what = NULL;
    for (size_t i = 0; i < r->in.count && status == STATUS_OK; i++) {
        const char *one = difference(&r->outcome[i], &again[i]);
        if (one != NULL && differ++ == 0) {
            first = i;
            what = one;
        }
    }
    if (status == STATUS_OK && differ > 0) {
        status = error_set(err, STATUS_DATA,
                           "decided again with the run's own policy, %zu of %zu customers come out "
                           "otherwise than decisions.jsonl says; the first by `%s`",
                           differ, r->in.count, what);
        (void)error_place(err, path_join(&keep, r->folder, "decisions.jsonl"),
                          (int64_t)r->line[first], 0);
        (void)error_remedy(err, "a file of the folder was edited, or the program is not the one "
                                "that made it: run again");
    }
    arena_free(&keep);
    return status;
}

ProveSeen recorded_seen(const Recorded *r, Arena *keep)
{
    return (ProveSeen){.from = str_format(keep, "the run folder %.200s", r->folder),
                       .features = r->in.features,
                       .row = r->in.row,
                       .scored = r->in.count,
                       .probability = r->in.probability,
                       .probability_low = r->in.probability_low,
                       .probability_high = r->in.probability_high,
                       .proxy = r->proxy,
                       .proxies = r->proxies};
}
