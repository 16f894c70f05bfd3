/* assay.c - the public library over this room's door. A customer becomes a very small pair of
 * CSV files in memory and goes down the same corridor as a run of a million. */
#include "assay.h"

#include "score/score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

struct assay_bundle {
    Arena arena;
    Bundle *bundle;
};

enum { COLUMNS_MAX = 4096 };

struct assay_customer {
    Arena arena;
    const assay_bundle *bundle;
    Str id;
    Str *profile;  /* [customer columns] as text */
    Buffer events; /* CSV rows */
    size_t event_count;
};

struct assay_decision {
    Arena arena;
    assay_outcome outcome;
    const char *json;
};

static assay_status told(assay_error *error, const Error *err)
{
    if (error != NULL) {
        if (err->file[0] != '\0' && err->line > 0)
            (void)snprintf(error->message, sizeof error->message, "%s:%lld: %s", err->file,
                           (long long)err->line, err->message);
        else
            (void)snprintf(error->message, sizeof error->message, "%s", err->message);
        (void)snprintf(error->remedy, sizeof error->remedy, "%s", err->remedy);
    }
    return (assay_status)err->status;
}

static assay_status usage(assay_error *error, const char *message, const char *remedy)
{
    Error err = {0};
    (void)error_set(&err, STATUS_USAGE, "%s", message);
    (void)error_remedy(&err, "%s", remedy);
    return told(error, &err);
}

const char *assay_version(void)
{
    return ASSAY_VERSION;
}

assay_status assay_open(assay_bundle **out, const char *folder, assay_error *error)
{
    Error err = {0};
    Arena arena = arena_new();
    assay_bundle *b = ARENA_NEW(&arena, assay_bundle);
    *out = NULL;
    if (folder == NULL) {
        arena_free(&arena);
        return usage(error, "no folder was given", "give the bundle/ folder of a run");
    }
    Status status = bundle_open(&b->bundle, &arena, folder, &err);
    if (status != STATUS_OK) {
        arena_free(&arena);
        return told(error, &err);
    }
    b->arena = arena;
    *out = b;
    return ASSAY_OK;
}

void assay_close(assay_bundle *bundle)
{
    if (bundle == NULL)
        return;
    Arena arena = bundle->arena; /* the bundle lives inside what is freed */
    arena_free(&arena);
}

assay_status assay_customer_new(assay_customer **out, const assay_bundle *bundle, const char *id,
                                assay_error *error)
{
    *out = NULL;
    if (bundle == NULL || id == NULL || id[0] == '\0')
        return usage(error, "a customer needs an open bundle and an id", "give both");
    Arena arena = arena_new();
    assay_customer *c = ARENA_NEW(&arena, assay_customer);
    c->bundle = bundle;
    c->id = str_copy(&arena, str_from(id));
    c->profile = ARENA_ARRAY(&arena, Str, bundle->bundle->schema->customers.columns.count + 1);
    c->arena = arena;
    *out = c;
    return ASSAY_OK;
}

static size_t find_column(BookRecords columns, Str name)
{
    const SchemaColumn *c = columns.item;
    for (size_t i = 0; i < columns.count; i++)
        if (str_equal(c[i].name.text, name))
            return i;
    return SIZE_MAX;
}

assay_status assay_customer_set(assay_customer *customer, const char *column, const char *value,
                                assay_error *error)
{
    const Schema *s = customer->bundle->bundle->schema;
    size_t at = column == NULL ? SIZE_MAX : find_column(s->customers.columns, str_from(column));
    if (at == SIZE_MAX)
        return usage(error, "the schema has no such customer column",
                     "see schema.yaml in the bundle");
    customer->profile[at] = str_copy(&customer->arena, str_from(value));
    return ASSAY_OK;
}

/* Does the engine, the model or the policy read this transaction column? */
static bool column_needed(const Bundle *b, Str column)
{
    const SchemaTransactions *t = &b->schema->transactions;
    const Str engine[] = {t->key.text,    t->created.text,      t->completed.text,
                          t->state.text,  t->amount.text,       t->debit.text,
                          t->credit.text, t->sides.source.text, t->sides.target.text};
    for (size_t i = 0; i < COUNT_OF(engine); i++)
        if (str_equal(engine[i], column))
            return true;
    for (size_t i = 0; i < b->plan->features; i++) {
        const Feature *f = &b->plan->feature[i];
        if (f->use != USE_MONITOR && !(f->use == USE_MODEL && b->skip[i]) &&
            feature_reads(f, column))
            return true;
    }
    return false;
}

assay_status assay_customer_transaction(assay_customer *customer, const char *const *column,
                                        const char *const *value, size_t count, assay_error *error)
{
    const Schema *s = customer->bundle->bundle->schema;
    size_t columns = s->transactions.columns.count;
    const SchemaColumn *known = s->transactions.columns.item;
    /* What a feature reads must be said, even if only as an empty value: a column left out would
     * pass for a customer who did nothing. */
    for (size_t k = 0; k < columns && count <= COLUMNS_MAX && column != NULL; k++) {
        bool said = str_equal(known[k].name.text, s->transactions.customer.text) ||
                    !column_needed(customer->bundle->bundle, known[k].name.text);
        for (size_t i = 0; i < count && !said; i++)
            said = column[i] != NULL && str_equal(str_from(column[i]), known[k].name.text);
        if (!said) {
            Error err = {0};
            (void)error_set(&err, STATUS_USAGE, "the transaction has no column %.*s",
                            STR_ARG(known[k].name.text));
            (void)error_remedy(&err, "give it, with an empty value where it is not known");
            return told(error, &err);
        }
    }
    if (count > COLUMNS_MAX || column == NULL || value == NULL)
        return usage(error, "a transaction needs columns and values",
                     "give both, of the same length");
    if (customer->events.arena == NULL)
        customer->events = buffer_new(&customer->arena);
    Arena scratch = arena_new();
    Str *cell = ARENA_ARRAY(&scratch, Str, columns + 1);
    for (size_t i = 0; i < count; i++) {
        size_t at = column[i] == NULL ? SIZE_MAX
                                      : find_column(s->transactions.columns, str_from(column[i]));
        if (at == SIZE_MAX) {
            arena_free(&scratch);
            return usage(error, "the schema has no such transaction column",
                         "see schema.yaml in the bundle");
        }
        cell[at] = str_from(value[i]);
    }
    for (size_t k = 0; k < columns; k++) {
        if (k > 0)
            buffer_char(&customer->events, ',');
        bool owner = str_equal(known[k].name.text, s->transactions.customer.text);
        csv_write_cell(&customer->events, owner ? customer->id : cell[k], false);
    }
    buffer_char(&customer->events, '\n');
    customer->event_count++;
    arena_free(&scratch);
    return ASSAY_OK;
}

static void header(Buffer *b, BookRecords columns, Str without)
{
    const SchemaColumn *c = columns.item;
    bool first = true;
    for (size_t i = 0; i < columns.count; i++) {
        if (str_equal(c[i].name.text, without))
            continue;
        if (!first)
            buffer_char(b, ',');
        csv_write_cell(b, c[i].name.text, false);
        first = false;
    }
    buffer_char(b, '\n');
}

static void put(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, Str text)
{
    (void)yyjson_mut_obj_add(
        o, yyjson_mut_strcpy(doc, key),
        yyjson_mut_strncpy(doc, text.data == NULL ? "" : text.data, text.size));
}

static void put_real(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, double value)
{
    (void)yyjson_mut_obj_add(o, yyjson_mut_strcpy(doc, key),
                             isfinite(value) ? yyjson_mut_real(doc, value) : yyjson_mut_null(doc));
}

static const char *explain(Arena *keep, const Bundle *b, const Decision *d)
{
    const Str *names;
    size_t columns = model_columns(b->model, &names);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    put(doc, root, "customer_id", d->id);
    put(doc, root, "bundle", str_from(b->id));
    put_real(doc, root, "probability", d->probability);
    put_real(doc, root, "probability_low", d->probability_low);
    put_real(doc, root, "probability_high", d->probability_high);
    put(doc, root, "segment", segment_name(d->segment));
    put(doc, root, "action", action_name(d->action));
    put(doc, root, "because", d->because);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "reasons");
    for (size_t i = 0; i < d->reasons; i++) {
        const Reason *r = &d->reason[i];
        yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
        put(doc, o, "source", r->source == REASON_RULE ? S("rule") : S("model"));
        put(doc, o, "code", r->code);
        put(doc, o, "family", r->family);
        put(doc, o, "sentence", r->sentence);
        put(doc, o, "also", r->also);
        put(doc, o, "missing_proof", r->missing_proof);
        put(doc, o, "next_step", r->next_step);
        put_real(doc, o, "contribution", r->contribution);
        if (!is_missing(r->percentile)) {
            put_real(doc, o, "percentile", r->percentile);
            put(doc, o, "peer_group", r->peer_group);
            put_real(doc, o, "peers", (double)r->peers);
        }
        yyjson_mut_val *ids = yyjson_mut_obj_add_arr(doc, o, "transactions");
        for (size_t k = 0; k < r->transactions; k++)
            (void)yyjson_mut_arr_add_strncpy(doc, ids, r->transaction[k].data,
                                             r->transaction[k].size);
    }
    list = yyjson_mut_obj_add_arr(doc, root, "mitigating");
    for (size_t i = 0; i < d->mitigatings; i++)
        (void)yyjson_mut_arr_add_strncpy(doc, list, d->mitigating[i].data, d->mitigating[i].size);
    list = yyjson_mut_obj_add_arr(doc, root, "safeguards");
    for (size_t i = 0; i < d->safeguards; i++)
        (void)yyjson_mut_arr_add_strncpy(doc, list, d->safeguard[i].data, d->safeguard[i].size);
    list = yyjson_mut_obj_add_obj(doc, root, "contributions");
    for (size_t k = 0; k < columns; k++)
        put_real(doc, list, str_chars(keep, names[k]), d->contribution[k]);
    put_real(doc, root, "bias", d->contribution[columns]);
    size_t size = 0;
    char *json = yyjson_mut_write(doc, 0, &size);
    const char *out = str_chars(keep, (Str){json, json == NULL ? 0 : size});
    free(json);
    yyjson_mut_doc_free(doc);
    return out;
}

static Status decide(assay_decision *d, const assay_customer *c, const char *as_of, Error *err)
{
    Arena *keep = &d->arena;
    const Bundle *b = c->bundle->bundle;
    const Schema *s = b->schema;
    DatasetInputs in = {.has_as_of = true, .bad_rows_max = 1};
    if (as_of == NULL || !parse_time(str_from(as_of), &in.as_of_us)) {
        (void)error_set(err, STATUS_USAGE, "as_of is not a time");
        return error_remedy(err, "write it as \"2024-08-27 12:00:00 UTC\"");
    }
    Buffer customers = buffer_new(keep), transactions = buffer_new(keep);
    Str label = s->customers.label.column.text;
    header(&customers, s->customers.columns, label);
    const SchemaColumn *column = s->customers.columns.item;
    bool first = true;
    for (size_t k = 0; k < s->customers.columns.count; k++) {
        if (str_equal(column[k].name.text, label))
            continue;
        if (!first)
            buffer_char(&customers, ',');
        bool key = str_equal(column[k].name.text, s->customers.key.text);
        csv_write_cell(&customers, key ? c->id : c->profile[k], false);
        first = false;
    }
    buffer_char(&customers, '\n');
    header(&transactions, s->transactions.columns, S(""));
    buffer_add(&transactions, buffer_str(&c->events));

    Str bytes[2] = {buffer_str(&customers), buffer_str(&transactions)};
    const InputFile file[2] = {{"customer", &bytes[0]}, {"transactions", &bytes[1]}};
    in.score_customers = (InputFiles){&file[0], 1};
    in.score_transactions = (InputFiles){&file[1], 1};
    Dataset *data;
    Scored *scored;
    Decision *made = NULL;
    Arena scratch = arena_new();
    Error refused = {0};
    Status status = dataset_read(&data, keep, scratch, s, &in, &refused);
    /* A run sets a bad row aside and says so; a caller that hands over one customer is told, and
     * told of the row before whatever follows from its absence. Only what was not known yet at
     * as_of is left out in peace. */
    const Quarantine *aside = data->quarantine;
    for (size_t i = 0; i < aside->count && err->status == STATUS_OK; i++)
        if (!str_equal(aside->row[i].code, S("after_as_of"))) {
            const QuarantineRow *q = &aside->row[i];
            status = error_set(err, STATUS_FORMAT, "%.*s", STR_ARG(q->reason));
            (void)error_place(err, str_chars(keep, aside->files->text[q->file]),
                              (int64_t)q->line - 1, 0);
            (void)error_remedy(err, "mend the value; types are in schema.yaml in the bundle");
        }
    if (status != STATUS_OK && err->status == STATUS_OK)
        *err = refused;
    const uint32_t row = 0, only = 0;
    if (status == STATUS_OK)
        status = score_dataset(&scored, keep, scratch, b, data, &row, 1, NULL, NULL, err);
    if (status == STATUS_OK)
        status = score_decide(&made, keep, scratch, b, scored, &only, 1, NULL, err);
    if (status == STATUS_OK) {
        d->outcome = (assay_outcome){.probability = made->probability,
                                     .probability_low = made->probability_low,
                                     .probability_high = made->probability_high,
                                     .insufficient_data = made->insufficient_data,
                                     .segment = str_chars(keep, segment_name(made->segment)),
                                     .action = str_chars(keep, action_name(made->action)),
                                     .because = str_chars(keep, made->because)};
        d->json = explain(keep, b, made);
    }
    arena_free(&scratch);
    return status;
}

assay_status assay_decide(assay_decision **out, const assay_customer *customer, const char *as_of,
                          assay_error *error)
{
    Error err = {0};
    *out = NULL;
    if (customer == NULL)
        return usage(error, "no customer was given", "make one with assay_customer_new");
    Arena arena = arena_new();
    assay_decision *d = ARENA_NEW(&arena, assay_decision);
    d->arena = arena;
    if (decide(d, customer, as_of, &err) != STATUS_OK) {
        arena_free(&arena);
        return told(error, &err);
    }
    *out = d;
    return ASSAY_OK;
}

const assay_outcome *assay_decision_outcome(const assay_decision *decision)
{
    return &decision->outcome;
}

const char *assay_decision_explain(const assay_decision *decision)
{
    return decision->json;
}

void assay_free(assay_customer *customer, assay_decision *decision)
{
    if (customer != NULL) {
        Arena arena = customer->arena;
        arena_free(&arena);
    }
    if (decision != NULL) {
        Arena arena = decision->arena;
        arena_free(&arena);
    }
}
