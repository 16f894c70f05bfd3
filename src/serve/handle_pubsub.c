/* handle_pubsub.c - POST /v1/pubsub: what Pub/Sub pushes, kept and scored (docs/events.md).
 *
 * A message is a transaction, a list of them, or what is known of a customer. It is appended to the
 * store, and every customer that it names is scored anew as of his latest event. 2xx acknowledges:
 * so it is said when all is kept, and a message cut short is delivered and done again, which
 * changes nothing that was done. What can never be understood is refused for as long as a
 * dead-letter topic may take it, and else kept here for a person to look at.
 */
#include "serve/serve_internal.h"

#include "record/record.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { TOUCHED_MOST = 1000, MESSAGE_ID_MOST = 256 };

typedef struct Pushed {
    Str id;          /* of the message, with its subscription; never empty */
    Str data;        /* JSON */
    Str type;        /* the attribute; may be empty */
    int64_t attempt; /* 0: no dead-letter topic counts them */
} Pushed;

/* What a message asks for. */
typedef struct Event {
    Str customer, row; /* an id, and his columns as JSON; empty: none */
    Str transactions;  /* JSON as answer_hold_transactions takes it; empty: none */
    Str as_of;         /* JSON; empty: the latest event */
} Event;

/* ---- the envelope ---- */

static Str text_of(yyjson_val *v)
{
    return yyjson_is_str(v) ? (Str){yyjson_get_str(v), yyjson_get_len(v)} : S("");
}

static bool fault(Fault *f, const char *code, const char *pointer, const char *detail)
{
    f->code = code;
    (void)snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
    (void)snprintf(f->detail, sizeof f->detail, "%s", detail);
    return false;
}

static bool decode(Str *out, Arena *keep, Str text)
{
    /* A decoder of base64 that leaves out what it does not know would let two texts mean one. */
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '+' || c == '/' || (c == '=' && i + 2 >= text.size);
        if (!plain)
            return false;
    }
    if (text.size == 0 || text.size % 4 != 0 || text.size > INT32_MAX)
        return false;
    unsigned char *bytes = ARENA_RAW(keep, unsigned char, text.size / 4 * 3 + 1);
    int n = EVP_DecodeBlock(bytes, (const unsigned char *)text.data, (int)text.size);
    for (size_t i = text.size; n > 0 && i > 0 && text.data[i - 1] == '='; i--)
        n--;
    if (n < 0)
        return false;
    *out = (Str){(const char *)bytes, (size_t)n};
    return true;
}

static bool has_nul(Str text)
{
    return text.size > 0 && memchr(text.data, '\0', text.size) != NULL;
}

static Str named(Arena *keep, Str subscription, Str id)
{
    if (id.size == 0 || id.size > MESSAGE_ID_MOST || subscription.size > MESSAGE_ID_MOST ||
        has_nul(id) || has_nul(subscription))
        return S("");
    return str_format(keep, "%.*s|%.*s", STR_ARG(subscription), STR_ARG(id));
}

/* A header may hold any bytes; one that no store takes as text says nothing. */
static Str header_text(const Exchange *x, const char *name)
{
    Str text = request_header(x, name);
    return str_valid_utf8(text) ? text : S("");
}

/* Pub/Sub's own envelope; or, where the subscription unwraps payloads, the data itself, and what is
 * known of the message in headers, if anything is. */
static bool open_envelope(Pushed *p, Exchange *x, Fault *f)
{
    yyjson_alc memory = arena_memory(x->arena);
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)x->body.data, x->body.size, 0, &memory, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc), *message = yyjson_obj_get(root, "message");
    char sum[SHA256_TEXT];
    sha256_text(sum, x->body);
    p->id = str_format(x->arena, "sha256|%s", sum); /* of who gives no id */
    if (doc == NULL)
        return fault(f, "not_json", "", "The body is no JSON.");
    if (!yyjson_is_obj(message)) {
        Str id = named(x->arena, header_text(x, "x-goog-pubsub-subscription-name"),
                       header_text(x, "x-goog-pubsub-message-id"));
        p->id = id.size > 0 ? id : p->id;
        p->data = x->body;
        p->type = header_text(x, "type");
        return true;
    }
    yyjson_val *id = yyjson_obj_get(message, "messageId"), *data = yyjson_obj_get(message, "data");
    if (id == NULL)
        id = yyjson_obj_get(message, "message_id");
    Str full = named(x->arena, text_of(yyjson_obj_get(root, "subscription")), text_of(id));
    p->attempt = yyjson_get_sint(yyjson_obj_get(root, "deliveryAttempt"));
    p->type = text_of(yyjson_obj_get(yyjson_obj_get(message, "attributes"), "type"));
    if (full.size == 0) {
        (void)decode(&p->data, x->arena, text_of(data)); /* for the letter that becomes of it */
        return fault(f, "missing_field", "/message/messageId",
                     "A message has a messageId of 1 to 256 bytes, and no NUL in it.");
    }
    p->id = full;
    if (text_of(data).size == 0)
        return fault(f, "missing_field", "/message/data", "A message without data asks nothing.");
    if (!decode(&p->data, x->arena, text_of(data)))
        return fault(f, "bad_value", "/message/data", "The data is no base64.");
    return true;
}

/* ---- what it asks for ---- */

static Str json_of(yyjson_mut_val *v, const yyjson_alc *memory)
{
    size_t size = 0;
    char *text = yyjson_mut_val_write_opts(v, 0, memory, &size, NULL);
    return text != NULL ? (Str){text, size} : S("");
}

/* Transactions beside a customer_id are his where they do not say whose they are. */
static Str owned(Arena *keep, yyjson_mut_doc *doc, yyjson_mut_val *list, Str customer, Str column,
                 const yyjson_alc *memory)
{
    size_t i, most;
    yyjson_mut_val *row;
    const char *name = str_chars(keep, column);
    yyjson_mut_arr_foreach(list, i, most, row)
    {
        if (customer.size > 0 && column.size > 0 && yyjson_mut_is_obj(row) &&
            yyjson_mut_obj_get(row, name) == NULL)
            (void)yyjson_mut_obj_add_strn(doc, row, name, customer.data, customer.size);
    }
    return json_of(list, memory);
}

static bool read_object(Event *e, Exchange *x, yyjson_val *root, yyjson_mut_doc *doc,
                        const yyjson_alc *memory, Fault *f)
{
    static const char *const known[] = {"customer_id", "customer", "transactions", "as_of"};
    const Schema *schema = answer_bundle(x->served->champion)->schema;
    size_t i, most, k;
    yyjson_val *key, *value;
    yyjson_obj_foreach(root, i, most, key, value)
    {
        (void)value;
        for (k = 0; k < COUNT_OF(known); k++)
            if (yyjson_equals_str(key, known[k]))
                break;
        if (k == COUNT_OF(known))
            return fault(f, "unknown_field", "",
                         "A message holds customer_id, customer, transactions and as_of.");
    }
    yyjson_mut_val *top = yyjson_mut_doc_get_root(doc);
    yyjson_mut_val *row = yyjson_mut_obj_get(top, "customer");
    yyjson_mut_val *list = yyjson_mut_obj_get(top, "transactions");
    yyjson_mut_val *as_of = yyjson_mut_obj_get(top, "as_of");
    e->customer = text_of(yyjson_obj_get(root, "customer_id"));
    if (row != NULL && e->customer.size == 0)
        e->customer = text_of(yyjson_obj_get(yyjson_obj_get(root, "customer"),
                                             str_chars(x->arena, schema->customers.key.text)));
    if (row != NULL && e->customer.size == 0)
        return fault(f, "missing_field", "/customer_id", "A customer has an id.");
    if (row != NULL)
        e->row = json_of(row, memory);
    if (list != NULL)
        e->transactions =
            owned(x->arena, doc, list, e->customer, schema->transactions.customer.text, memory);
    if (as_of != NULL)
        e->as_of = json_of(as_of, memory);
    if (row == NULL && list == NULL && e->customer.size == 0)
        return fault(f, "missing_field", "", "The message names no customer and no transaction.");
    return true;
}

/* By the attribute `type`, else by its shape. Numbers keep their digits. */
static bool read_event(Event *e, Exchange *x, const Pushed *p, Fault *f)
{
    yyjson_alc memory = arena_memory(x->arena);
    yyjson_doc *read = yyjson_read_opts((char *)(uintptr_t)p->data.data, p->data.size,
                                        YYJSON_READ_NUMBER_AS_RAW, &memory, NULL);
    yyjson_val *root = yyjson_doc_get_root(read);
    const Schema *schema = answer_bundle(x->served->champion)->schema;
    *e = (Event){0};
    if (read == NULL)
        return fault(f, "not_json", "", "The data is no JSON.");
    bool one = str_equal(p->type, S("customer"));
    bool many = str_equal(p->type, S("transaction")) || str_equal(p->type, S("transactions"));
    if (p->type.size > 0 && !one && !many && !str_equal(p->type, S("event")))
        return fault(f, "bad_value", "/message/attributes/type",
                     "The attribute `type` is customer, transaction, transactions or event.");
    bool object = yyjson_is_obj(root);
    bool whole =
        object &&
        (yyjson_obj_get(root, "transactions") != NULL || yyjson_obj_get(root, "customer") != NULL ||
         (yyjson_obj_get(root, "customer_id") != NULL && yyjson_obj_size(root) <= 2));
    if (whole && !many && !(one && yyjson_obj_get(root, "customer") == NULL))
        return read_object(e, x, root, yyjson_doc_mut_copy(read, &memory), &memory, f);
    if (one) {
        e->customer =
            text_of(yyjson_obj_get(root, str_chars(x->arena, schema->customers.key.text)));
        e->row = p->data;
        return e->customer.size > 0
                   ? true
                   : fault(f, "missing_field", "", "The customer does not say his id.");
    }
    e->transactions = p->data;
    return true;
}

/* ---- doing it ---- */

/* Status as of answer.h: FORMAT or USAGE with *f, IO, or ours. */
static Status keep_event(Exchange *x, const Event *e, Dictionary *touched, Fault *f, Error *err)
{
    const AnswerLimits *limits = &x->service->settings->limits.answer;
    Database *d = x->service->database;
    HeldVersion *version = NULL;
    size_t count = 0, rows = 0, added;
    bool was_new;
    Str row = S("");
    /* All is looked at before anything is kept. */
    if (e->row.size > 0)
        TRY(answer_hold_customer(&row, x->arena, x->scratch, x->served->champion, e->customer,
                                 e->row, limits, f, err));
    if (e->transactions.size > 0)
        TRY(answer_hold_transactions(&version, &count, &rows, x->arena, x->scratch,
                                     x->served->champion, e->transactions, limits, f, err));
    if (e->customer.size > 0)
        (void)dictionary_add(touched, e->customer);
    for (size_t i = 0; i < count; i++)
        (void)dictionary_add(touched, version[i].customer);
    if (touched->count > TOUCHED_MOST) {
        (void)fault(f, "too_many", "", "A message names at most 1000 customers.");
        return STATUS_USAGE;
    }
    if (row.size > 0)
        TRY(database_put_customer(d, &was_new, e->customer, row, err));
    StoredEvent *event = ARENA_ARRAY(x->arena, StoredEvent, count + 1);
    for (size_t i = 0; i < count; i++)
        event[i] = (StoredEvent){.customer = version[i].customer,
                                 .id = version[i].id,
                                 .state = version[i].state,
                                 .json = version[i].json};
    Status status =
        count == 0 ? STATUS_OK : database_add_transactions(d, &added, NULL, event, count, err);
    if (status != STATUS_LIMIT)
        return status;
    (void)fault(f, "too_many", "", "More transactions of a customer would be held than can be.");
    return STATUS_USAGE;
}

static Status score_touched(Exchange *x, const Event *e, const Dictionary *touched,
                            yyjson_mut_val *decisions, Document *d, Fault *f, Error *err)
{
    char id[DECISION_ID_TEXT];
    for (size_t i = 0; i < touched->count; i++) {
        Answer answer;
        Document q;
        Arena own = *x->arena; /* of one answer; only its id outlives it */
        document_open(&q, &own);
        document_text(&q, q.root, "customer_id", touched->text[i]);
        if (e->as_of.size > 0)
            (void)yyjson_mut_obj_add_val(q.doc, q.root, "as_of",
                                         yyjson_mut_rawn(q.doc, e->as_of.data, e->as_of.size));
        Asked asked = {.request = str_trim(document_write(&q, false)),
                       .now_us = x->now_us,
                       .trace_id = x->trace_id,
                       .span_id = x->span_id};
        Status status =
            serve_answer_one(&answer, &own, x->scratch, x->service, x->served, &asked, f, err);
        /* Of a customer without an event there is no latest one to score him as of: he is kept. */
        if (f->code != NULL && e->as_of.size == 0 && strcmp(f->pointer, "/as_of") == 0) {
            *f = (Fault){0};
            continue;
        }
        TRY(status);
        int size = snprintf(id, sizeof id, "%.*s", STR_ARG(answer.decision_id));
        assert(size == DECISION_ID_TEXT - 1);
        x->decision_id = str_copy(x->arena, (Str){id, (size_t)size});
        document_text(d, decisions, NULL, x->decision_id);
    }
    return STATUS_OK;
}

static void pushed(Exchange *x, const char *outcome)
{
    telemetry_pushed(x->service->telemetry, outcome);
}

/* Where the envelope opened, what was in it, for an erasure finds no name in base64; and JSON as it
 * is written here, for a name can be written in many ways. */
static Str letter_of(Exchange *x, const Pushed *p)
{
    Str said = p->data.size > 0 ? p->data : x->body;
    yyjson_alc memory = arena_memory(x->arena);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)said.data, said.size,
                                       YYJSON_READ_NUMBER_AS_RAW, &memory, NULL);
    size_t size = 0;
    char *text = doc == NULL ? NULL : yyjson_write_opts(doc, 0, &memory, &size, NULL);
    return text != NULL ? (Str){text, size} : said;
}

/* What can never be understood. A delivery that is counted has a dead-letter topic behind it, which
 * takes it over when it was refused often enough; so it is refused. */
static void poison(Exchange *x, const Pushed *p, const Fault *f)
{
    Error err = {0};
    LogField field[] = {{"code", str_from(f->code), 0}, {"message_id", p->id, 0}};
    telemetry_log(x->service->telemetry, LEVEL_WARNING, "a pushed message makes no sense", field,
                  COUNT_OF(field));
    if (p->attempt > 0 && p->attempt <= x->service->settings->pubsub.attempts_max) {
        pushed(x, "refused");
        reply_fault(x, f);
        return;
    }
    if (database_add_dead_letter(x->service->database, p->id, str_from(f->code), letter_of(x, p),
                                 x->now_us, x->service->settings->pubsub.letters_max,
                                 &err) != STATUS_OK) {
        reply_error(x, &err);
        return;
    }
    pushed(x, "dead_letter");
    x->problem = f->code;
    Buffer b = buffer_new(x->arena);
    buffer_add(&b, S("{\"outcome\":\"dead_letter\",\"problem\":"));
    buffer_add(&b, problem_text(x->arena, fault_status(f), f->code, f->pointer, str_from(f->detail),
                                x->request_id));
    buffer_char(&b, '}');
    reply_json(x, 200, buffer_str(&b));
}

static void push(Exchange *x)
{
    Fault f = {0};
    Error err = {0};
    Pushed p = {0};
    Event e;
    Document d;
    bool seen = false;
    if (x->service->database == NULL) {
        reply_problem(x, 501, "store_needed", NULL,
                      "an event carries no history, and this service keeps none; start it with "
                      "--store sqlite:FILE or --store postgresql://...");
        return;
    }
    bool fine = open_envelope(&p, x, &f);
    if (database_seen(x->service->database, &seen, p.id, &err) != STATUS_OK) {
        reply_error(x, &err);
        return;
    }
    if (seen) {
        pushed(x, "seen_before");
        reply_json(x, 200, S("{\"outcome\":\"seen_before\"}"));
        return;
    }
    if (!fine || !read_event(&e, x, &p, &f)) {
        poison(x, &p, &f);
        return;
    }
    document_open(&d, x->arena);
    yyjson_mut_val *decisions = document_list(&d, d.root, "decision_ids");
    Dictionary *touched = dictionary_new(x->arena);
    Status status = keep_event(x, &e, touched, &f, &err);
    if (status == STATUS_OK)
        status = score_touched(x, &e, touched, decisions, &d, &f, &err);
    if (status == STATUS_OK)
        status = database_see(x->service->database, &seen, p.id, x->now_us, &err);
    if (status == STATUS_OK) {
        pushed(x, "done");
        document_text(&d, d.root, "outcome",
                      yyjson_mut_arr_size(decisions) > 0 ? S("scored") : S("kept"));
        reply_json(x, 200, str_trim(document_write(&d, false)));
    } else if (f.code != NULL) {
        poison(x, &p, &f);
    } else {
        reply_error(x, &err);
    }
}

/* A payload without its envelope comes with whatever type its publisher or Pub/Sub gave it. */
const Route routes_pubsub[] = {
    {"POST", "/v1/pubsub", SCOPE_PUBSUB, .handle = push, .takes = TAKES_ANY}, {0}};
