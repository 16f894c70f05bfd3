/* request_fields.c - bytes to a document, and its objects with known fields: bounded, checked. */
#include "answer/request_internal.h"

#include <string.h>

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
bool reading_too_deep(yyjson_doc *doc, Str json, size_t most)
{
    return doc != NULL ? deeper(yyjson_doc_get_root(doc), most) : depth_of(json) > most;
}

Status reading_parse_any(yyjson_val **root, Reading *r, Str json)
{
    yyjson_read_err why = {0};
    yyjson_alc memory = arena_memory(r->keep);
    if (json.size == 0)
        return fault_set(r->fault, reading_whole(), "not_json",
                         "The body is empty; send a JSON object.");
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)json.data, json.size,
                                       YYJSON_READ_NUMBER_AS_RAW, &memory, &why);
    if (reading_too_deep(doc, json, r->limits->depth_max))
        return fault_set(r->fault, reading_whole(), "too_deep",
                         "The JSON nests deeper than %zu levels; a request needs no more than 4.",
                         r->limits->depth_max);
    if (doc == NULL && !str_valid_utf8(json))
        return fault_set(r->fault, reading_whole(), "not_utf8",
                         "The body is not UTF-8, near byte %zu; send UTF-8.", why.pos);
    if (doc == NULL)
        return fault_set(r->fault, reading_whole(), "not_json",
                         "The body is not JSON: %s at byte %zu.", why.msg, why.pos);
    *root = yyjson_doc_get_root(doc);
    r->escapes = memchr(json.data, '\\', json.size) != NULL;
    return STATUS_OK;
}

Status reading_parse(yyjson_val **root, Reading *r, Str json)
{
    TRY(reading_parse_any(root, r, json));
    if (!yyjson_is_obj(*root))
        return fault_set(r->fault, reading_whole(), "wrong_type",
                         "The request must be a JSON object, not %s.", yyjson_get_type_desc(*root));
    return STATUS_OK;
}

/* ---- objects with known fields ---- */

/* A field twice has no one meaning, and programs disagree which of the two counts. */
Status reading_twice(Reading *r, Place place, Str name)
{
    place.field = name;
    return fault_set(r->fault, place, "duplicate_field",
                     "The field %.*s is there twice; send it once.",
                     STR_ARG(fault_shown(r->keep, name)));
}

Status reading_unknown(Reading *r, Unknown *seen, Place place, Str name, const Str *known,
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
            return reading_twice(r, place, name);
    if (seen->count == UNKNOWN_MAX)
        return fault_set(r->fault, place, "too_many_fields",
                         "There are more than %d unknown fields in one object.", UNKNOWN_MAX);
    seen->name[seen->count++] = name;
    return STATUS_OK;
}

/* Spread an object's values over the names known; value[i] NULL: not there. */
Status reading_spread(Reading *r, yyjson_val *object, Place place, const Str *known, size_t count,
                      yyjson_val **value)
{
    Unknown seen = {.count = 0};
    yyjson_val *key, *v;
    size_t i, n;
    for (size_t k = 0; k < count; k++)
        value[k] = NULL;
    yyjson_obj_foreach(object, i, n, key, v)
    {
        Str name = reading_text_of(key);
        size_t k = 0;
        while (k < count && !str_equal(known[k], name))
            k++;
        if (k == count) {
            TRY(reading_unknown(r, &seen, place, name, known, count));
            continue;
        }
        if (value[k] != NULL)
            return reading_twice(r, place, name);
        value[k] = v;
    }
    return STATUS_OK;
}

Status reading_wrong_type(Reading *r, Place place, const char *wanted, yyjson_val *v)
{
    const char *is = yyjson_is_raw(v) ? "a number" : yyjson_get_type_desc(v);
    return fault_set(r->fault, place, "wrong_type", "This must be %s, not %s.", wanted, is);
}

Status reading_check_text(Reading *r, Place place, Str text, size_t most)
{
    if (text.size > most)
        return fault_set(r->fault, place, "too_long",
                         "This text has %zu bytes; at most %zu are taken.", text.size, most);
    if (r->escapes && text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
        return fault_set(r->fault, place, "bad_value", "This text holds a NUL character.");
    return STATUS_OK;
}

/* A text, or the empty Str for null and nothing. */
Status reading_text(Str *out, Reading *r, Place place, yyjson_val *v, size_t most)
{
    *out = S("");
    if (v == NULL || yyjson_is_null(v))
        return STATUS_OK;
    if (!yyjson_is_str(v))
        return reading_wrong_type(r, place, "text", v);
    *out = reading_text_of(v);
    return reading_check_text(r, place, *out, most);
}

Status reading_truth(bool *out, Reading *r, Place place, yyjson_val *v)
{
    if (v == NULL || yyjson_is_null(v))
        return STATUS_OK;
    if (!yyjson_is_bool(v))
        return reading_wrong_type(r, place, "true or false", v);
    *out = yyjson_get_bool(v);
    return STATUS_OK;
}

Status reading_time(int64_t *out, Reading *r, Place place, yyjson_val *v)
{
    Str text;
    TRY(reading_text(&text, r, place, v, TEXT_BYTES_MAX));
    if (parse_time(text, out))
        return STATUS_OK;
    return fault_set(r->fault, place, "not_a_time",
                     "This is not a time; write it as 2024-08-27T12:00:00Z.");
}
