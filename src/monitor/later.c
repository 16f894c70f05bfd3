/* later.c - what became known later: labels, verdicts, groups. Each file is bounded by its bytes,
 * and a row that cannot be understood is an error with its line. */
#include "monitor/monitor_internal.h"
#include "csv/csv.h"

#include <string.h>

/* ---- files of rows ---- */

typedef struct Ids {
    TelemetryKey *key; /* NULL: ids are as they are in the log */
    char hashed[TELEMETRY_HASH];
} Ids;

static Status ids_open(Ids *out, const MonitorInputs *in, Error *err)
{
    *out = (Ids){0};
    return in->hash_key == NULL ? STATUS_OK : telemetry_key_open(&out->key, in->hash_key, err);
}

static Str id_of(Ids *ids, Str customer)
{
    if (ids->key == NULL || customer.size == 0)
        return customer;
    telemetry_key_hash(ids->hashed, ids->key, customer);
    return str_from(ids->hashed);
}

static Status refuse(Error *err, const char *path, uint64_t line, const char *what)
{
    (void)error_set(err, STATUS_FORMAT, "%s", what);
    return error_place(err, path, (int64_t)line, 0);
}

static Status read_rows(Table **out, Arena *keep, Arena scratch, const char *path,
                        const CsvColumn *column, size_t columns, Error *err)
{
    Quarantine *aside = quarantine_new(keep);
    TRY(csv_read(out, NULL, keep, scratch, path, column, columns, NULL, aside, err));
    if (aside->count == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT, "%.*s", STR_ARG(aside->row[0].reason));
    return error_place(err, path, (int64_t)aside->row[0].line, 0);
}

static Str cell(const Table *t, const char *name, size_t row)
{
    const Column *c = table_find(t, str_from(name));
    return c == NULL || !column_valid(c, row) ? S("") : c->dictionary->text[c->code[row]];
}

/* ---- labels ---- */

static bool read_label(Str s, bool *positive)
{
    static const Str yes[] = {{"1", 1}, {"true", 4}, {"positive", 8}, {"suspended", 9}},
                     no[] = {{"0", 1}, {"false", 5}, {"negative", 8}, {"active", 6}};
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        if (str_equal_fold(s, yes[i]) || str_equal_fold(s, no[i])) {
            *positive = str_equal_fold(s, yes[i]);
            return true;
        }
    return false;
}

/* Of several labels the last one that is known counts; of equally late ones the last row. */
static void keep_label(Label *l, int64_t known_us, bool positive)
{
    if (known_us >= l->known_us)
        *l = (Label){.known_us = known_us, .positive = positive};
}

Status labels_read(Labels **out, Arena *keep, Arena scratch, const MonitorInputs *in,
                   int64_t until_us, Error *err)
{
    const CsvColumn column[] = {
        {.name = S("decision_id"), .type = TYPE_TEXT},
        {.name = S("customer_id"), .type = TYPE_TEXT},
        {.name = S("label"), .type = TYPE_TEXT, .required = true, .key = true},
        {.name = S("known_at"), .type = TYPE_TIME, .required = true, .key = true}};
    Labels *l = *out = ARENA_NEW(keep, Labels);
    Table *t;
    Ids ids;
    TRY(read_rows(&t, keep, scratch, in->labels, column, COUNT_OF(column), err));
    if (table_find(t, S("decision_id")) == NULL && table_find(t, S("customer_id")) == NULL)
        return refuse(err, in->labels, 1, "there is neither a column decision_id nor customer_id");
    TRY(ids_open(&ids, in, err));
    const Column *known = table_find(t, S("known_at"));
    l->decision = dictionary_new(keep);
    l->of_decision = ARENA_ARRAY(keep, Label, t->rows + 1);
    l->of_customer = ARENA_ARRAY(keep, Label, t->rows + 1);
    l->customer = dictionary_new(keep);
    Status status = STATUS_OK;
    for (size_t i = 0; i <= t->rows; i++)
        l->of_decision[i].known_us = l->of_customer[i].known_us = INT64_MIN;
    for (size_t i = 0; i < t->rows && status == STATUS_OK; i++) {
        Str decision = cell(t, "decision_id", i), customer = cell(t, "customer_id", i);
        bool positive;
        if (decision.size == 0 && customer.size == 0)
            status =
                refuse(err, in->labels, t->line[i], "the row names no decision and no customer");
        else if (!read_label(cell(t, "label", i), &positive))
            status = refuse(err, in->labels, t->line[i],
                            "the label is none of 1, 0, true, false, positive, negative, "
                            "suspended, active");
        else if (known->integer[i] <= until_us) {
            l->count++;
            if (decision.size > 0)
                keep_label(&l->of_decision[dictionary_add(l->decision, decision)],
                           known->integer[i], positive);
            else
                keep_label(&l->of_customer[dictionary_add(l->customer, id_of(&ids, customer))],
                           known->integer[i], positive);
        }
    }
    telemetry_key_close(ids.key);
    return status;
}

Label *labels_find(const Labels *l, const Prediction *p)
{
    uint32_t code = dictionary_find(l->decision, p->decision);
    if (code != NO_CODE)
        return &l->of_decision[code];
    code = dictionary_find(l->customer, p->customer);
    return code == NO_CODE ? NULL : &l->of_customer[code];
}

/* ---- verdicts ---- */

static Status verdict_text(Str *out, yyjson_val *v, const char *key, bool required, Error *err)
{
    *out = S("");
    if (v == NULL || yyjson_is_null(v))
        return required ? error_set(err, STATUS_FORMAT, "`%s` is not there", key) : STATUS_OK;
    if (!yyjson_is_str(v) || yyjson_get_len(v) > 512)
        return error_set(err, STATUS_FORMAT, "`%s` is not a text of at most 512 bytes", key);
    *out = (Str){yyjson_get_str(v), yyjson_get_len(v)};
    return STATUS_OK;
}

static Status read_verdict(Review *v, Str *decision, Str *customer, yyjson_val *root, Error *err)
{
    static const Str known[] = {{"agree", 5}, {"overrule", 8}, {"positive", 8}, {"negative", 8}};
    Str verdict, action, at;
    if (!yyjson_is_obj(root))
        return error_set(err, STATUS_FORMAT, "the line is not a JSON object");
    TRY(verdict_text(decision, yyjson_obj_get(root, "decision_id"), "decision_id", false, err));
    TRY(verdict_text(customer, yyjson_obj_get(root, "customer_id"), "customer_id", false, err));
    TRY(verdict_text(&verdict, yyjson_obj_get(root, "verdict"), "verdict", true, err));
    TRY(verdict_text(&action, yyjson_obj_get(root, "action"), "action", false, err));
    TRY(verdict_text(&at, yyjson_obj_get(root, "at"), "at", false, err));
    *v = (Review){.action = -1, .at_us = INT64_MIN, .seconds = -1, .matched_us = INT64_MIN};
    if (decision->size == 0 && customer->size == 0)
        return error_set(err, STATUS_FORMAT, "the line names no decision_id and no customer_id");
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (str_equal(verdict, known[i]))
            v->verdict = known[i];
    if (v->verdict.size == 0)
        return error_set(err, STATUS_FORMAT,
                         "`verdict` is none of agree, overrule, positive, negative");
    for (int a = 0; a < ACTIONS; a++)
        if (str_equal(action, action_name((Action)a)))
            v->action = a;
    if (action.size > 0 && v->action < 0 && !str_equal(action, S("OFFBOARD")))
        return error_set(err, STATUS_FORMAT, "`action` is none that the program knows");
    if (str_equal(action, S("OFFBOARD"))) /* what two people made of the proposal */
        v->action = ACTION_PROPOSE_OFFBOARDING;
    if (at.size > 0 && !parse_time(at, &v->at_us))
        return error_set(err, STATUS_FORMAT, "`at` is not a time");
    yyjson_val *seconds = yyjson_obj_get(root, "reviewed_seconds");
    if (yyjson_is_int(seconds))
        v->seconds = yyjson_get_sint(seconds);
    else if (seconds != NULL && !yyjson_is_null(seconds))
        return error_set(err, STATUS_FORMAT, "`reviewed_seconds` is not a whole number");
    return STATUS_OK;
}

static void chain(Reviews *v, Arena *keep, Dictionary *d, uint32_t **of, size_t *room, Str id)
{
    uint32_t code = dictionary_add(d, id);
    if (code >= *room) {
        *of = arena_grow(keep, *of, *room, *room * 2 + 64, sizeof **of);
        *room = *room * 2 + 64;
    }
    v->next[v->count - 1] = (*of)[code];
    (*of)[code] = (uint32_t)v->count;
}

static Status add_verdict(Reviews *v, Arena *keep, Ids *ids, size_t room[3], Str line, Error *err)
{
    yyjson_read_err fault;
    Str decision, customer;
    Review one;
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)line.data, line.size, 0, NULL, &fault);
    if (doc == NULL)
        return error_set(err, STATUS_FORMAT, "the line is not JSON: %s at byte %zu", fault.msg,
                         fault.pos + 1);
    Status status = read_verdict(&one, &decision, &customer, yyjson_doc_get_root(doc), err);
    if (status == STATUS_OK) {
        *ARENA_PUSH(keep, v->verdict, v->count, v->capacity) = one;
        if (v->count > room[2]) {
            v->next = arena_grow(keep, v->next, room[2], room[2] * 2 + 64, sizeof *v->next);
            room[2] = room[2] * 2 + 64;
        }
        if (decision.size > 0)
            chain(v, keep, v->decision, &v->of_decision, &room[0], decision);
        else
            chain(v, keep, v->customer, &v->of_customer, &room[1], id_of(ids, customer));
    }
    yyjson_doc_free(doc);
    return status;
}

Status reviews_read(Reviews **out, Arena *keep, Arena scratch, const MonitorInputs *in, Error *err)
{
    Reviews *v = *out = ARENA_NEW(keep, Reviews);
    Lines *lines;
    Str line;
    uint64_t number;
    size_t room[3] = {0};
    Ids ids;
    (void)scratch;
    v->decision = dictionary_new(keep);
    v->customer = dictionary_new(keep);
    TRY(lines_open(&lines, keep, in->feedback, err));
    Status status = ids_open(&ids, in, err);
    while (status == STATUS_OK) {
        status = lines_next(lines, &line, &number, err);
        if (status != STATUS_OK || line.data == NULL)
            break;
        status = add_verdict(v, keep, &ids, room, line, err);
        if (status != STATUS_OK)
            (void)error_place(err, in->feedback, (int64_t)number, 0);
    }
    telemetry_key_close(ids.key);
    lines_close(lines);
    return status;
}

/* By the decision itself; a verdict on a customer is on the last decision before it. */
void reviews_match(Reviews *v, const Prediction *p)
{
    uint32_t code = dictionary_find(v->decision, p->decision);
    for (uint32_t i = code == NO_CODE ? 0 : v->of_decision[code]; i != 0; i = v->next[i - 1]) {
        Review *one = &v->verdict[i - 1];
        one->matched = true;
        one->matched_us = p->time_us;
        one->proposed = p->action;
        one->segment = p->segment;
    }
    code = dictionary_find(v->customer, p->customer);
    for (uint32_t i = code == NO_CODE ? 0 : v->of_customer[code]; i != 0; i = v->next[i - 1]) {
        Review *one = &v->verdict[i - 1];
        if ((one->at_us != INT64_MIN && p->time_us > one->at_us) || p->time_us < one->matched_us)
            continue;
        one->matched = true;
        one->matched_us = p->time_us;
        one->proposed = p->action;
        one->segment = p->segment;
    }
}

/* ---- groups ---- */

enum { GROUP_COLUMNS_MAX = 16, GROUP_VALUES_MAX = 200 };

static Status add_groups(Groups *g, Arena *keep, const Table *t, const Column *id, Ids *ids,
                         const char *path, Error *err)
{
    for (size_t i = 0; i < t->rows; i++) {
        uint32_t who = dictionary_add(g->customer, id_of(ids, id->dictionary->text[id->code[i]]));
        for (size_t c = 0; c < g->columns; c++) {
            Str value = cell(t, str_chars(keep, g->column[c]), i);
            if (value.size == 0)
                continue;
            g->of[c][who] = dictionary_add(g->value[c], value);
            if (g->value[c]->count > GROUP_VALUES_MAX)
                return refuse(err, path, t->line[i], "a column has more than 200 groups");
        }
    }
    return STATUS_OK;
}

Status groups_read(Groups **out, Arena *keep, Arena scratch, const MonitorInputs *in, Error *err)
{
    Groups *g = *out = ARENA_NEW(keep, Groups);
    Str *name;
    size_t names;
    char delimiter;
    Table *t;
    Ids ids;
    TRY(csv_header(&name, &names, &delimiter, keep, in->groups, err));
    CsvColumn *column = ARENA_ARRAY(keep, CsvColumn, names + 1);
    size_t columns = 0;
    column[columns++] =
        (CsvColumn){.name = S("customer_id"), .type = TYPE_TEXT, .required = true, .key = true};
    g->column = ARENA_ARRAY(keep, Str, names + 1);
    for (size_t i = 0; i < names; i++)
        if (!str_equal(name[i], S("customer_id"))) {
            g->column[g->columns++] = name[i];
            column[columns++] = (CsvColumn){.name = name[i], .type = TYPE_TEXT};
        }
    if (g->columns == 0 || g->columns > GROUP_COLUMNS_MAX)
        return refuse(err, in->groups, 1, "there must be 1 to 16 columns beside customer_id");
    TRY(read_rows(&t, keep, scratch, in->groups, column, columns, err));
    g->customer = dictionary_new(keep);
    g->value = ARENA_ARRAY(keep, Dictionary *, g->columns);
    g->of = ARENA_ARRAY(keep, uint32_t *, g->columns);
    g->first = ARENA_ARRAY(keep, size_t, g->columns);
    for (size_t c = 0; c < g->columns; c++) {
        g->value[c] = dictionary_new(keep);
        g->of[c] = ARENA_ARRAY(keep, uint32_t, t->rows + 1);
        memset(g->of[c], 0xFF, (t->rows + 1) * sizeof(uint32_t));
    }
    TRY(ids_open(&ids, in, err));
    Status status = add_groups(g, keep, t, table_find(t, S("customer_id")), &ids, in->groups, err);
    telemetry_key_close(ids.key);
    return status;
}
