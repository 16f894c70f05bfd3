/* request.c - JSON to a Request: bounded, checked, every fault with its place. */
#include "answer/answer_internal.h"

#include <string.h>

typedef struct Reading {
    Arena *keep;
    const Answerer *a;
    const AnswerLimits *limits;
    Fault *fault;
    int64_t now_us;
    bool held;           /* from a database: unknown fields are passed over */
    bool unknown_fields; /* the sender asked for the same */
    bool escapes;        /* a text may hold what JSON writes with a backslash alone: a NUL */
} Reading;

static Str text_of(yyjson_val *v)
{
    if (yyjson_is_raw(v))
        return (Str){yyjson_get_raw(v), yyjson_get_len(v)};
    return (Str){yyjson_get_str(v), yyjson_get_len(v)};
}

static Place whole(void)
{
    return (Place){NULL, no_at, S("")};
}

static Place at_field(Str field)
{
    return (Place){"", no_at, field};
}

/* ---- bytes to a document ---- */

/* How deep brackets nest in bytes that need not be JSON. */
static size_t depth_of(Str json)
{
    size_t depth = 0, most = 0;
    for (size_t i = 0; i < json.size; i++) {
        char c = json.data[i];
        if (c == '"') {
            for (i++; i < json.size && json.data[i] != '"'; i++)
                i += json.data[i] == '\\';
        } else if (c == '{' || c == '[') {
            depth++;
            most = depth > most ? depth : most;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return most;
}

/* Does a value nest deeper than so many levels? Looks no deeper than that. */
static bool deeper(yyjson_val *v, size_t levels)
{
    yyjson_val *key, *inner;
    size_t i, n;
    if (!yyjson_is_ctn(v))
        return false;
    if (levels == 0)
        return true;
    if (yyjson_is_obj(v)) {
        yyjson_obj_foreach(v, i, n, key, inner)
        {
            if (yyjson_is_ctn(inner) && deeper(inner, levels - 1))
                return true;
        }
        return false;
    }
    yyjson_arr_foreach(v, i, n, inner)
    {
        if (yyjson_is_ctn(inner) && deeper(inner, levels - 1))
            return true;
    }
    return false;
}

/* What is JSON is a tree to be walked; what is not is counted bracket by bracket. */
static bool too_deep(yyjson_doc *doc, Str json, size_t most)
{
    return doc != NULL ? deeper(yyjson_doc_get_root(doc), most) : depth_of(json) > most;
}

static Status parse_any(yyjson_val **root, Reading *r, Str json)
{
    yyjson_read_err why = {0};
    yyjson_alc memory = arena_memory(r->keep);
    if (json.size == 0)
        return fault_set(r->fault, whole(), "not_json", "The body is empty; send a JSON object.");
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)json.data, json.size,
                                       YYJSON_READ_NUMBER_AS_RAW, &memory, &why);
    if (too_deep(doc, json, r->limits->depth_max))
        return fault_set(r->fault, whole(), "too_deep",
                         "The JSON nests deeper than %zu levels; a request needs no more than 4.",
                         r->limits->depth_max);
    if (doc == NULL && !str_valid_utf8(json))
        return fault_set(r->fault, whole(), "not_utf8",
                         "The body is not UTF-8, near byte %zu; send UTF-8.", why.pos);
    if (doc == NULL)
        return fault_set(r->fault, whole(), "not_json", "The body is not JSON: %s at byte %zu.",
                         why.msg, why.pos);
    *root = yyjson_doc_get_root(doc);
    r->escapes = memchr(json.data, '\\', json.size) != NULL;
    return STATUS_OK;
}

static Status parse(yyjson_val **root, Reading *r, Str json)
{
    TRY(parse_any(root, r, json));
    if (!yyjson_is_obj(*root))
        return fault_set(r->fault, whole(), "wrong_type",
                         "The request must be a JSON object, not %s.", yyjson_get_type_desc(*root));
    return STATUS_OK;
}

/* ---- objects with known fields ---- */

/* A field twice has no one meaning, and programs disagree which of the two counts. */
static Status twice(Reading *r, Place place, Str name)
{
    place.field = name;
    return fault_set(r->fault, place, "duplicate_field",
                     "The field %.*s is there twice; send it once.",
                     STR_ARG(fault_shown(r->keep, name)));
}

enum { UNKNOWN_MAX = 64 };

/* Fields that are passed over may still not be there twice. */
typedef struct Unknown {
    Str name[UNKNOWN_MAX];
    size_t count;
} Unknown;

static Status unknown_field(Reading *r, Unknown *seen, Place place, Str name, const Str *known,
                            size_t count)
{
    place.field = name;
    if (!r->held && !r->unknown_fields) {
        Str near = str_nearest(name, known, count);
        Str shown = fault_shown(r->keep, name);
        if (near.size > 0)
            return fault_set(r->fault, place, "unknown_field",
                             "There is no field %.*s; did you mean %.*s?", STR_ARG(shown),
                             STR_ARG(near));
        return fault_set(r->fault, place, "unknown_field",
                         "There is no field %.*s; leave it out, or set "
                         "options.allow_unknown_fields.",
                         STR_ARG(shown));
    }
    for (size_t i = 0; i < seen->count; i++)
        if (str_equal(seen->name[i], name))
            return twice(r, place, name);
    if (seen->count == UNKNOWN_MAX)
        return fault_set(r->fault, place, "too_many_fields",
                         "There are more than %d unknown fields in one object.", UNKNOWN_MAX);
    seen->name[seen->count++] = name;
    return STATUS_OK;
}

/* Spread an object's values over the names known; value[i] NULL: not there. */
static Status spread(Reading *r, yyjson_val *object, Place place, const Str *known, size_t count,
                     yyjson_val **value)
{
    Unknown seen = {.count = 0};
    yyjson_val *key, *v;
    size_t i, n;
    for (size_t k = 0; k < count; k++)
        value[k] = NULL;
    yyjson_obj_foreach(object, i, n, key, v)
    {
        Str name = text_of(key);
        size_t k = 0;
        while (k < count && !str_equal(known[k], name))
            k++;
        if (k == count) {
            TRY(unknown_field(r, &seen, place, name, known, count));
            continue;
        }
        if (value[k] != NULL)
            return twice(r, place, name);
        value[k] = v;
    }
    return STATUS_OK;
}

static Status wrong_type(Reading *r, Place place, const char *wanted, yyjson_val *v)
{
    const char *is = yyjson_is_raw(v) ? "a number" : yyjson_get_type_desc(v);
    return fault_set(r->fault, place, "wrong_type", "This must be %s, not %s.", wanted, is);
}

static Status check_text(Reading *r, Place place, Str text, size_t most)
{
    if (text.size > most)
        return fault_set(r->fault, place, "too_long",
                         "This text has %zu bytes; at most %zu are taken.", text.size, most);
    if (r->escapes && text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
        return fault_set(r->fault, place, "bad_value", "This text holds a NUL character.");
    return STATUS_OK;
}

/* A text, or the empty Str for null and nothing. */
static Status get_text(Str *out, Reading *r, Place place, yyjson_val *v, size_t most)
{
    *out = S("");
    if (v == NULL || yyjson_is_null(v))
        return STATUS_OK;
    if (!yyjson_is_str(v))
        return wrong_type(r, place, "text", v);
    *out = text_of(v);
    return check_text(r, place, *out, most);
}

static Status get_truth(bool *out, Reading *r, Place place, yyjson_val *v)
{
    if (v == NULL || yyjson_is_null(v))
        return STATUS_OK;
    if (!yyjson_is_bool(v))
        return wrong_type(r, place, "true or false", v);
    *out = yyjson_get_bool(v);
    return STATUS_OK;
}

static Status get_time(int64_t *out, Reading *r, Place place, yyjson_val *v)
{
    Str text;
    TRY(get_text(&text, r, place, v, TEXT_BYTES_MAX));
    if (parse_time(text, out))
        return STATUS_OK;
    return fault_set(r->fault, place, "not_a_time",
                     "This is not a time; write it as 2024-08-27T12:00:00Z.");
}

/* ---- numbers as cells ---- */

enum { EXPONENT_MAX = 40 };

/* A JSON number with an exponent written out, since exact columns take digits alone. */
static bool write_out(Buffer *b, Str number)
{
    size_t at = 0, point = 0;
    char digit[2 * TIME_TEXT];
    size_t digits = 0;
    bool past = false;
    if (number.size > TIME_TEXT)
        return false;
    if (number.data[0] == '-') {
        buffer_char(b, '-');
        at++;
    }
    for (; at < number.size && number.data[at] != 'e' && number.data[at] != 'E'; at++) {
        if (number.data[at] == '.') {
            past = true;
            continue;
        }
        digit[digits++] = number.data[at];
        point += !past;
    }
    int64_t exponent = 0;
    Str rest = str_slice(number, at + 1, number.size);
    if (rest.size > 0 && rest.data[0] == '+')
        rest = str_slice(rest, 1, rest.size);
    if (!parse_int64(rest, &exponent) || exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return false;
    int64_t whole = (int64_t)point + exponent;
    if (whole <= 0)
        buffer_add(b, S("0."));
    for (int64_t i = whole; i < 0; i++)
        buffer_char(b, '0');
    for (size_t i = 0; i < digits; i++) {
        if (whole > 0 && (int64_t)i == whole)
            buffer_char(b, '.');
        buffer_char(b, digit[i]);
    }
    for (int64_t i = (int64_t)digits; i < whole; i++)
        buffer_char(b, '0');
    return true;
}

/* A number as the column's cells are written. */
static Str number_cell(Arena *keep, const SchemaColumn *c, Str number)
{
    Str out = number;
    bool exact = c->type == TYPE_INT64 || c->type == TYPE_DECIMAL;
    if (exact && (memchr(number.data, 'e', number.size) || memchr(number.data, 'E', number.size))) {
        Buffer b = buffer_new(keep);
        if (write_out(&b, number))
            out = buffer_str(&b);
    }
    bool marked = exact || c->type == TYPE_DOUBLE;
    if (!marked || c->decimal_mark.text.size == 0 || c->decimal_mark.text.data[0] == '.')
        return out;
    Str copy = str_copy(keep, out);
    char *point = memchr(copy.data, '.', copy.size);
    if (point != NULL)
        *point = c->decimal_mark.text.data[0];
    return copy;
}

static Status get_cell(Str *out, Reading *r, Place place, const SchemaColumn *c, yyjson_val *v)
{
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_NULL:
        *out = (Str){NULL, 0};
        return STATUS_OK;
    case YYJSON_TYPE_STR:
        *out = (Str){unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)};
        return !r->escapes && out->size <= TEXT_BYTES_MAX
                   ? STATUS_OK
                   : check_text(r, place, *out, TEXT_BYTES_MAX);
    case YYJSON_TYPE_RAW:
        *out = number_cell(r->keep, c, text_of(v));
        return check_text(r, place, *out, TEXT_BYTES_MAX);
    case YYJSON_TYPE_BOOL:
        if (c->type != TYPE_BOOLEAN)
            return wrong_type(r, place, "text, a number or null", v);
        *out = yyjson_get_bool(v) ? S("true") : S("false");
        return STATUS_OK;
    default:
        return wrong_type(r, place, "text, a number, true, false or null", v);
    }
}

/* ---- rows ---- */

static inline bool same_name(Str a, Str b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* One object as cells. Senders keep an order of fields, so each is looked for where the one before
 * it was found. */
static Status read_row(RequestRows *rows, Reading *r, Place place, AnswerColumns columns,
                       const Str *names, yyjson_val *object, uint8_t *seen)
{
    Str *cell = rows->cell + rows->rows * columns.count;
    Unknown unknown;
    unknown.count = 0;
    yyjson_val *key, *v;
    size_t i, n, next = 0;
    memset(seen, 0, columns.count + 1);
    yyjson_obj_foreach(object, i, n, key, v)
    {
        Str name = {unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key)};
        size_t tried = 0;
        while (tried < columns.count && !same_name(columns.item[next].name, name)) {
            next = next + 1 == columns.count ? 0 : next + 1;
            tried++;
        }
        if (tried == columns.count) {
            TRY(unknown_field(r, &unknown, place, name, names, columns.count));
            continue;
        }
        if (seen[next])
            return twice(r, place, name);
        seen[next] = 1;
        place.field = name;
        TRY(get_cell(&cell[next], r, place, columns.item[next].schema, v));
        rows->said[next] = true;
        next = next + 1 == columns.count ? 0 : next + 1;
    }
    rows->rows++;
    return STATUS_OK;
}

static Status read_rows(RequestRows *rows, Reading *r, const char *list, AnswerColumns columns,
                        const Str *names, yyjson_val *v, size_t most, bool one)
{
    *rows = (RequestRows){.said = ARENA_ARRAY(r->keep, bool, columns.count + 1)};
    Place place = {list, no_at, S("")};
    if (v == NULL || yyjson_is_null(v))
        return STATUS_OK;
    rows->given = true;
    uint8_t *seen = ARENA_ARRAY(r->keep, uint8_t, columns.count + 1);
    if (one && yyjson_is_obj(v)) {
        rows->single = true;
        rows->cell = ARENA_ARRAY(r->keep, Str, columns.count + 1);
        return read_row(rows, r, place, columns, names, v, seen);
    }
    if (!yyjson_is_arr(v))
        return wrong_type(r, place, one ? "an object, or a list of them" : "a list", v);
    size_t count = yyjson_arr_size(v);
    if (count > most)
        return fault_set(r->fault, place, "too_many",
                         "There are %zu entries; at most %zu are taken in one request.", count,
                         most);
    rows->cell = ARENA_ARRAY(r->keep, Str, count * columns.count + 1);
    yyjson_val *item;
    size_t i, n;
    yyjson_arr_foreach(v, i, n, item)
    {
        place.at = i;
        if (!yyjson_is_obj(item))
            return wrong_type(r, place, "an object", item);
        TRY(read_row(rows, r, place, columns, names, item, seen));
    }
    return STATUS_OK;
}

/* ---- what is known beside, and options ---- */

static Status read_facts(Request *out, Reading *r, yyjson_val *list)
{
    static const Str known[] = {{"name", 4}, {"since", 5}, {"evidence", 8}};
    Place place = {"/facts", no_at, S("")};
    if (list == NULL || yyjson_is_null(list))
        return STATUS_OK;
    if (!yyjson_is_arr(list))
        return wrong_type(r, place, "a list", list);
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
            return wrong_type(r, place, "an object", item);
        TRY(spread(r, item, place, known, COUNT_OF(known), v));
        Str *into[] = {&f->name, &f->since, &f->evidence};
        for (size_t k = 0; k < COUNT_OF(known); k++) {
            place.field = known[k];
            TRY(get_text(into[k], r, place, v[k], TEXT_BYTES_MAX));
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
        return wrong_type(r, place, "an object", object);
    TRY(spread(r, object, place, known, COUNT_OF(known), v));
    place.field = known[0];
    TRY(get_text(&name, r, place, v[0], TEXT_BYTES_MAX));
    size_t s = 0;
    while (s < SEGMENTS && !str_equal(segment_name((Segment)s), name))
        s++;
    if (s == SEGMENTS)
        return fault_set(r->fault, place, name.size == 0 ? "missing_field" : "bad_value",
                         "The earlier segment must be Low, Medium or High.");
    *out = (Earlier){.known = true, .segment = (Segment)s, .lower_since_us = NO_TIME};
    place.field = known[1];
    TRY(get_time(&out->since_us, r, place, v[1]));
    place.field = known[2];
    if (v[2] != NULL && !yyjson_is_null(v[2]))
        TRY(get_time(&out->lower_since_us, r, place, v[2]));
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
        return wrong_type(r, place, "an object", object);
    place.field = known[0];
    TRY(get_truth(&r->unknown_fields, r, place, yyjson_obj_get(object, "allow_unknown_fields")));
    place.field = S("");
    TRY(spread(r, object, place, known, COUNT_OF(known), v));
    out->unknown_fields = r->unknown_fields;
    place.field = known[1];
    TRY(get_truth(&out->reasons, r, place, v[1]));
    place.field = known[2];
    TRY(get_truth(&out->counterfactual, r, place, v[2]));
    place.field = known[3];
    TRY(get_text(&language, r, place, v[3], TEXT_BYTES_MAX));
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
        return wrong_type(r, place, "a policy book as text", v[4]);
    out->policy = text_of(v[4]);
    return STATUS_OK;
}

static Status read_as_of(Request *out, Reading *r, yyjson_val *v)
{
    Place place = at_field(S("as_of"));
    if (v == NULL || yyjson_is_null(v))
        return STATUS_OK;
    if (yyjson_is_str(v) && str_equal(text_of(v), S("now"))) {
        out->as_of = AS_OF_NOW;
        out->as_of_us = r->now_us;
        return STATUS_OK;
    }
    out->as_of = AS_OF_SAID;
    return get_time(&out->as_of_us, r, place, v);
}

/* ---- whose it is ---- */

/* Every id that the request says must be the same. */
static Status settle_id(Request *out, Reading *r, yyjson_val *id)
{
    const AnswerColumns c = r->a->customer;
    if (id != NULL && !yyjson_is_null(id)) {
        if (!yyjson_is_str(id) && !yyjson_is_raw(id))
            return wrong_type(r, at_field(S("customer_id")), "text", id);
        out->customer_id = text_of(id);
        TRY(check_text(r, at_field(S("customer_id")), out->customer_id, ID_BYTES_MAX));
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
            TRY(check_text(r, place, *cell, ID_BYTES_MAX));
        }
    }
    if (str_trim(out->customer_id).size == 0)
        return fault_set(r->fault, at_field(S("customer_id")), "missing_field",
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

Status request_read(Request *out, Arena *keep, const Answerer *a, Str json,
                    const AnswerLimits *limits, int64_t now_us, bool held, Fault *fault)
{
    Reading r = {
        .keep = keep, .a = a, .limits = limits, .fault = fault, .now_us = now_us, .held = held};
    yyjson_val *root = NULL, *v[COUNT_OF(request_fields)];
    *out = (Request){.reasons = true};
    TRY(parse(&root, &r, json));
    yyjson_val *options = yyjson_obj_get(root, "options");
    TRY(read_options(out, &r, options)); /* first: it says what becomes of unknown fields */
    TRY(spread(&r, root, (Place){"", no_at, S("")}, request_fields, COUNT_OF(request_fields), v));
    TRY(read_rows(&out->customer, &r, "/customer", a->customer, a->column_names[0], v[1],
                  RECORDS_MAX, true));
    TRY(read_rows(&out->transactions, &r, "/transactions", a->transaction, a->column_names[1], v[2],
                  limits->transactions_max, false));
    TRY(read_as_of(out, &r, v[3]));
    TRY(read_facts(out, &r, v[4]));
    TRY(read_earlier(&out->earlier, &r, v[5]));
    if (held && out->customer_id.size == 0 && v[0] == NULL)
        return STATUS_OK; /* it is the asked customer's */
    TRY(settle_id(out, &r, v[0]));
    return settle_owner(out, &r);
}

bool answer_customer(Str *out, Arena *keep, Str request, const AnswerLimits *limits)
{
    yyjson_alc memory = arena_memory(keep);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)request.data, request.size,
                                       YYJSON_READ_NUMBER_AS_RAW, &memory, NULL);
    if (too_deep(doc, request, limits->depth_max))
        return false;
    yyjson_val *id = yyjson_obj_get(yyjson_doc_get_root(doc), "customer_id");
    if (!yyjson_is_str(id) && !yyjson_is_raw(id))
        return false;
    *out = text_of(id);
    /* What no database takes as an id is refused when the request is answered. */
    return out->size > 0 && out->size <= ID_BYTES_MAX && memchr(out->data, 0, out->size) == NULL;
}

/* ---- what is to be held ---- */

Status request_read_customer(RequestRows *out, Arena *keep, const Answerer *a, Str json,
                             const AnswerLimits *limits, Fault *fault)
{
    Reading r = {.keep = keep, .a = a, .limits = limits, .fault = fault};
    yyjson_val *root;
    TRY(parse(&root, &r, json));
    return read_rows(out, &r, "", a->customer, a->column_names[0], root, 1, true);
}

Status request_read_transactions(RequestRows *out, const char **list, Arena *keep,
                                 const Answerer *a, Str json, const AnswerLimits *limits,
                                 Fault *fault)
{
    static const Str known[] = {{"transactions", 12}};
    Reading r = {.keep = keep, .a = a, .limits = limits, .fault = fault};
    yyjson_val *root, *rows;
    TRY(parse_any(&root, &r, json));
    rows = root;
    *list = "";
    if (yyjson_obj_get(root, "transactions") != NULL) {
        TRY(spread(&r, root, (Place){"", no_at, S("")}, known, COUNT_OF(known), &rows));
        *list = "/transactions";
    }
    TRY(read_rows(out, &r, *list, a->transaction, a->column_names[1], rows,
                  limits->transactions_max, true));
    if (out->rows == 0)
        return fault_set(fault, (Place){*list, no_at, S("")}, "missing_field",
                         "There is no transaction; give at least one.");
    return STATUS_OK;
}
