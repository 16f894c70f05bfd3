/* request.c - JSON to a Request: every fault with its place. */
#include "answer/request_internal.h"

#include <string.h>

/* ---- what is known beside, and options ---- */

static Status read_facts(Request *out, Reading *r, yyjson_val *list)
{
    static const Str known[] = {{"name", 4}, {"since", 5}, {"evidence", 8}};
    Place place = {"/facts", no_at, S("")};
    if (list == NULL || yyjson_is_null(list))
        return STATUS_OK;
    if (!yyjson_is_arr(list))
        return reading_wrong_type(r, place, "a list", list);
    if (yyjson_arr_size(list) > FACTS_MAX)
        return fault_set(r->fault, place, "too_many", "There are more than %d facts.", FACTS_MAX);
    out->fact = ARENA_ARRAY(r->keep, RequestFact, yyjson_arr_size(list) + 1);
    yyjson_val *item;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, item)
    {
        yyjson_val *v[COUNT_OF(known)];
        RequestFact *f = &out->fact[out->facts++];
        place.at = i;
        place.field = S("");
        if (!yyjson_is_obj(item))
            return reading_wrong_type(r, place, "an object", item);
        TRY(reading_spread(r, item, place, known, COUNT_OF(known), v));
        Str *into[] = {&f->name, &f->since, &f->evidence};
        for (size_t k = 0; k < COUNT_OF(known); k++) {
            place.field = known[k];
            TRY(reading_text(into[k], r, place, v[k], TEXT_BYTES_MAX));
        }
        place.field = S("name");
        if (f->name.size == 0)
            return fault_set(r->fault, place, "missing_field", "A fact needs its name.");
        int64_t unused;
        place.field = S("since");
        if (f->since.size > 0 && !parse_time(f->since, &unused))
            return fault_set(r->fault, place, "not_a_time",
                             "This is not a time; write it as 2024-08-27T12:00:00Z.");
    }
    return STATUS_OK;
}

static Status read_earlier(Earlier *out, Reading *r, yyjson_val *object)
{
    static const Str known[] = {{"segment", 7}, {"since", 5}, {"lower_since", 11}};
    yyjson_val *v[COUNT_OF(known)];
    Place place = {"/earlier", no_at, S("")};
    Str name;
    if (object == NULL || yyjson_is_null(object))
        return STATUS_OK;
    if (!yyjson_is_obj(object))
        return reading_wrong_type(r, place, "an object", object);
    TRY(reading_spread(r, object, place, known, COUNT_OF(known), v));
    place.field = known[0];
    TRY(reading_text(&name, r, place, v[0], TEXT_BYTES_MAX));
    size_t s = 0;
    while (s < SEGMENTS && !str_equal(segment_name((Segment)s), name))
        s++;
    if (s == SEGMENTS)
        return fault_set(r->fault, place, name.size == 0 ? "missing_field" : "bad_value",
                         "The earlier segment must be Low, Medium or High.");
    *out = (Earlier){.known = true, .segment = (Segment)s, .lower_since_us = NO_TIME};
    place.field = known[1];
    TRY(reading_time(&out->since_us, r, place, v[1]));
    place.field = known[2];
    if (v[2] != NULL && !yyjson_is_null(v[2]))
        TRY(reading_time(&out->lower_since_us, r, place, v[2]));
    return STATUS_OK;
}

static Status read_options(Request *out, Reading *r, yyjson_val *object)
{
    static const Str known[] = {{"allow_unknown_fields", 20},
                                {"reasons", 7},
                                {"counterfactual", 14},
                                {"language", 8},
                                {"policy", 6}};
    yyjson_val *v[COUNT_OF(known)];
    Place place = {"/options", no_at, S("")};
    Str language;
    out->reasons = true;
    if (object == NULL || yyjson_is_null(object))
        return STATUS_OK;
    if (!yyjson_is_obj(object))
        return reading_wrong_type(r, place, "an object", object);
    place.field = known[0];
    TRY(reading_truth(&r->unknown_fields, r, place,
                      yyjson_obj_get(object, "allow_unknown_fields")));
    place.field = S("");
    TRY(reading_spread(r, object, place, known, COUNT_OF(known), v));
    out->unknown_fields = r->unknown_fields;
    place.field = known[1];
    TRY(reading_truth(&out->reasons, r, place, v[1]));
    place.field = known[2];
    TRY(reading_truth(&out->counterfactual, r, place, v[2]));
    place.field = known[3];
    TRY(reading_text(&language, r, place, v[3], TEXT_BYTES_MAX));
    for (size_t i = 0; i < LANGUAGES && language.size > 0; i++)
        if (str_equal(language_name((Language)i), language)) {
            out->language = (Language)i;
            language.size = 0;
        }
    if (language.size > 0)
        return fault_set(r->fault, place, "bad_value", "The language must be en or fr.");
    place.field = known[4];
    if (v[4] == NULL || yyjson_is_null(v[4]))
        return STATUS_OK;
    if (!yyjson_is_str(v[4]))
        return reading_wrong_type(r, place, "a policy book as text", v[4]);
    out->policy = reading_text_of(v[4]);
    return STATUS_OK;
}

static Status read_as_of(Request *out, Reading *r, yyjson_val *v)
{
    Place place = reading_at_field(S("as_of"));
    if (v == NULL || yyjson_is_null(v))
        return STATUS_OK;
    if (yyjson_is_str(v) && str_equal(reading_text_of(v), S("now"))) {
        out->as_of = AS_OF_NOW;
        out->as_of_us = r->now_us;
        return STATUS_OK;
    }
    out->as_of = AS_OF_SAID;
    return reading_time(&out->as_of_us, r, place, v);
}

/* ---- whose it is ---- */

/* Every id that the request says must be the same. */
static Status settle_id(Request *out, Reading *r, yyjson_val *id)
{
    const AnswerColumns c = r->a->customer;
    if (id != NULL && !yyjson_is_null(id)) {
        if (!yyjson_is_str(id) && !yyjson_is_raw(id))
            return reading_wrong_type(r, reading_at_field(S("customer_id")), "text", id);
        out->customer_id = reading_text_of(id);
        TRY(reading_check_text(r, reading_at_field(S("customer_id")), out->customer_id,
                               ID_BYTES_MAX));
    }
    for (size_t k = 0; k < c.count; k++) {
        if (!c.item[k].key)
            continue;
        for (size_t i = 0; i < out->customer.rows; i++) {
            Str *cell = &out->customer.cell[i * c.count + k];
            Place place = {"/customer", out->customer.single ? no_at : i, c.item[k].name};
            if (out->customer_id.size == 0)
                out->customer_id = *cell;
            if (cell->size > 0 && !str_equal(*cell, out->customer_id))
                return fault_set(r->fault, place, "other_customer",
                                 "This is another customer than the request's; a request is about "
                                 "one.");
            TRY(reading_check_text(r, place, *cell, ID_BYTES_MAX));
        }
    }
    if (str_trim(out->customer_id).size == 0)
        return fault_set(r->fault, reading_at_field(S("customer_id")), "missing_field",
                         "The request does not say which customer it is about; give customer_id.");
    return STATUS_OK;
}

/* Fill in who the customer and the owner of the transactions is. */
static Status settle_owner(Request *out, Reading *r)
{
    const AnswerColumns c = r->a->customer, t = r->a->transaction;
    for (size_t k = 0; k < c.count; k++)
        for (size_t i = 0; c.item[k].key && i < out->customer.rows; i++)
            out->customer.cell[i * c.count + k] = out->customer_id;
    for (size_t k = 0; k < t.count; k++)
        for (size_t i = 0; t.item[k].key && i < out->transactions.rows; i++) {
            Str *cell = &out->transactions.cell[i * t.count + k];
            if (cell->size > 0 && !str_equal(*cell, out->customer_id))
                return fault_set(r->fault, (Place){"/transactions", i, t.item[k].name},
                                 "other_customer",
                                 "This transaction is of another customer than the request's.");
            *cell = out->customer_id;
        }
    return STATUS_OK;
}

static const Str request_fields[] = {{"customer_id", 11}, {"customer", 8}, {"transactions", 12},
                                     {"as_of", 5},        {"facts", 5},    {"earlier", 7},
                                     {"options", 7}};

/* What a request says, `rows` NULL or its transactions that are read already. */
static Status read_fields(Request *out, Reading *r, yyjson_val *root, const RequestRows *rows,
                          const char *hole)
{
    const Answerer *a = r->a;
    yyjson_val *v[COUNT_OF(request_fields)];
    *out = (Request){.reasons = true};
    r->unknown_fields = false;
    yyjson_val *options = yyjson_obj_get(root, "options");
    TRY(read_options(out, r, options)); /* first: it says what becomes of unknown fields */
    TRY(reading_spread(r, root, (Place){"", no_at, S("")}, request_fields, COUNT_OF(request_fields),
                       v));
    TRY(reading_rows(&out->customer, r, "/customer", a->customer, a->column_names[0], v[1],
                     RECORDS_MAX, true));
    if (rows == NULL)
        TRY(reading_rows(&out->transactions, r, "/transactions", a->transaction, a->column_names[1],
                         v[2], r->limits->transactions_max, false));
    else if (yyjson_get_raw(v[2]) == hole && yyjson_get_len(v[2]) == 1)
        out->transactions = *rows;
    else
        return STATUS_FORMAT; /* what was read is another list of that name */
    TRY(read_as_of(out, r, v[3]));
    TRY(read_facts(out, r, v[4]));
    TRY(read_earlier(&out->earlier, r, v[5]));
    if (r->held && out->customer_id.size == 0 && v[0] == NULL)
        return STATUS_OK; /* it is the asked customer's */
    TRY(settle_id(out, r, v[0]));
    return settle_owner(out, r);
}

Status request_read_whole(Request *out, Arena *keep, const Answerer *a, Str json,
                          const AnswerLimits *limits, int64_t now_us, bool held, Fault *fault)
{
    Reading r = {
        .keep = keep, .a = a, .limits = limits, .fault = fault, .now_us = now_us, .held = held};
    yyjson_val *root = NULL;
    *out = (Request){.reasons = true};
    TRY(reading_parse(&root, &r, json));
    return read_fields(out, &r, root, NULL, NULL);
}

Status request_read(Request *out, Arena *keep, const Answerer *a, Str json,
                    const AnswerLimits *limits, int64_t now_us, bool held, Fault *fault)
{
    Fault unsaid = {0}; /* what is wrong is said by who reads the whole */
    Reading r = {
        .keep = keep, .a = a, .limits = limits, .fault = &unsaid, .now_us = now_us, .held = held};
    RequestRows rows;
    const char *hole;
    yyjson_val *rest = reading_plain(&rows, &hole, &r, json);
    if (rest != NULL && read_fields(out, &r, rest, &rows, hole) == STATUS_OK)
        return STATUS_OK;
    return request_read_whole(out, keep, a, json, limits, now_us, held, fault);
}

bool answer_customer(Str *out, Arena *keep, Str request, const AnswerLimits *limits)
{
    yyjson_alc memory = arena_memory(keep);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)request.data, request.size,
                                       YYJSON_READ_NUMBER_AS_RAW, &memory, NULL);
    if (reading_too_deep(doc, request, limits->depth_max))
        return false;
    yyjson_val *id = yyjson_obj_get(yyjson_doc_get_root(doc), "customer_id");
    if (!yyjson_is_str(id) && !yyjson_is_raw(id))
        return false;
    *out = reading_text_of(id);
    /* What no database takes as an id is refused when the request is answered. */
    return out->size > 0 && out->size <= ID_BYTES_MAX && memchr(out->data, 0, out->size) == NULL;
}

/* ---- what is to be held ---- */

Status request_read_customer(RequestRows *out, Arena *keep, const Answerer *a, Str json,
                             const AnswerLimits *limits, Fault *fault)
{
    Reading r = {.keep = keep, .a = a, .limits = limits, .fault = fault};
    yyjson_val *root;
    TRY(reading_parse(&root, &r, json));
    return reading_rows(out, &r, "", a->customer, a->column_names[0], root, 1, true);
}

Status request_read_transactions(RequestRows *out, const char **list, Arena *keep,
                                 const Answerer *a, Str json, const AnswerLimits *limits,
                                 Fault *fault)
{
    static const Str known[] = {{"transactions", 12}};
    Reading r = {.keep = keep, .a = a, .limits = limits, .fault = fault};
    yyjson_val *root, *rows;
    TRY(reading_parse_any(&root, &r, json));
    rows = root;
    *list = "";
    if (yyjson_obj_get(root, "transactions") != NULL) {
        TRY(reading_spread(&r, root, (Place){"", no_at, S("")}, known, COUNT_OF(known), &rows));
        *list = "/transactions";
    }
    TRY(reading_rows(out, &r, *list, a->transaction, a->column_names[1], rows,
                     limits->transactions_max, true));
    if (out->rows == 0)
        return fault_set(fault, (Place){*list, no_at, S("")}, "missing_field",
                         "There is no transaction; give at least one.");
    return STATUS_OK;
}
