/* prediction.c - one line of a prediction log. */
#include "monitor/monitor_internal.h"

#include <math.h>
#include <string.h>

enum { TEXT_MOST = 512, LINE_MEMORY = 16 * MONITOR_LINE_MAX };

void prediction_reader(PredictionReader *r, Arena *keep, const Bundle *bundle)
{
    *r = (PredictionReader){.bundle = bundle, .name = dictionary_new(keep)};
    r->memory_size = LINE_MEMORY;
    r->memory = arena_raw(keep, 1, r->memory_size);
    r->had = ARENA_ARRAY(keep, uint8_t, bundle->plan->features + 1);
    for (size_t i = 0; i < bundle->plan->features; i++)
        (void)dictionary_add(r->name, bundle->plan->feature[i].name.text);
}

static Status bad(Error *err, const char *key, const char *what)
{
    return error_set(err, STATUS_FORMAT, "`%s` %s", key, what);
}

static Status text(Str *out, yyjson_val *v, const char *key, Error *err)
{
    if (!yyjson_is_str(v) || yyjson_get_len(v) == 0 || yyjson_get_len(v) > TEXT_MOST)
        return bad(err, key, v == NULL ? "is not there" : "is not a text of 1 to 512 bytes");
    *out = (Str){yyjson_get_str(v), yyjson_get_len(v)};
    return STATUS_OK;
}

static Status time(int64_t *out, yyjson_val *v, const char *key, Error *err)
{
    Str s;
    TRY(text(&s, v, key, err));
    return parse_time(s, out) ? STATUS_OK
                              : bad(err, key,
                                    "is not a time such as "
                                    "2026-11-25T09:05:00Z");
}

static Status known(int *out, Str s, Str (*name)(int), int count, const char *key, Error *err)
{
    for (*out = 0; *out < count; ++*out)
        if (str_equal(name(*out), s))
            return STATUS_OK;
    return bad(err, key, "is none that the program knows");
}

static Str segment_text(int s)
{
    return segment_name((Segment)s);
}
static Str action_text(int a)
{
    return action_name((Action)a);
}

/* Of a key that stands twice nobody can tell which one is meant. */
static Status check_once(yyjson_val *root, Error *err)
{
    static const char *const keys[] = {
        "time",    "decision_id", "customer",          "as_of",   "bundle", "role", "probability",
        "segment", "action",      "insufficient_data", "features"};
    size_t seen[COUNT_OF(keys)] = {0}, i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(root, i, n, key, value)
    {
        (void)value;
        for (size_t k = 0; k < COUNT_OF(keys); k++)
            if (yyjson_equals_str(key, keys[k]) && ++seen[k] > 1)
                return bad(err, keys[k], "stands twice");
    }
    return STATUS_OK;
}

Status prediction_read(Prediction *p, PredictionReader *r, Str line, Error *err)
{
    yyjson_alc memory;
    yyjson_read_err fault;
    Str role, segment, action;
    int one;
    yyjson_alc_pool_init(&memory, r->memory, r->memory_size);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)line.data, line.size, 0, &memory, &fault);
    if (doc == NULL)
        return error_set(err, STATUS_FORMAT, "the line is not JSON: %s at byte %zu", fault.msg,
                         fault.pos + 1);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!yyjson_is_obj(root))
        return error_set(err, STATUS_FORMAT, "the line is not a JSON object");
    TRY(check_once(root, err));
    TRY(time(&p->time_us, yyjson_obj_get(root, "time"), "time", err));
    TRY(time(&p->as_of_us, yyjson_obj_get(root, "as_of"), "as_of", err));
    TRY(text(&p->decision, yyjson_obj_get(root, "decision_id"), "decision_id", err));
    TRY(text(&p->customer, yyjson_obj_get(root, "customer"), "customer", err));
    TRY(text(&p->bundle, yyjson_obj_get(root, "bundle"), "bundle", err));
    TRY(text(&role, yyjson_obj_get(root, "role"), "role", err));
    p->challenger = str_equal(role, S("challenger"));
    if (!p->challenger && !str_equal(role, S("champion")))
        return bad(err, "role", "is neither champion nor challenger");
    yyjson_val *v = yyjson_obj_get(root, "probability");
    p->probability = yyjson_is_num(v) ? yyjson_get_num(v) : MISSING_VALUE;
    if (!(p->probability >= 0 && p->probability <= 1))
        return bad(err, "probability", "is not a number from 0 to 1");
    TRY(text(&segment, yyjson_obj_get(root, "segment"), "segment", err));
    TRY(known(&one, segment, segment_text, SEGMENTS, "segment", err));
    p->segment = (Segment)one;
    TRY(text(&action, yyjson_obj_get(root, "action"), "action", err));
    TRY(known(&one, action, action_text, ACTIONS, "action", err));
    p->action = (Action)one;
    v = yyjson_obj_get(root, "insufficient_data");
    if (!yyjson_is_bool(v))
        return bad(err, "insufficient_data", "is neither true nor false");
    p->insufficient = yyjson_get_bool(v);
    p->features = yyjson_obj_get(root, "features");
    return yyjson_is_obj(p->features) ? STATUS_OK : bad(err, "features", "is not an object");
}

/* ---- into the reference's bins ---- */

static Status wrong_type(Error *err, Str name, const char *expected)
{
    return error_set(err, STATUS_FORMAT, "feature `%.*s` is not %s", STR_ARG(name), expected);
}

static Status number_of(double *out, yyjson_val *v, Type type, Str name, Error *err)
{
    int64_t whole;
    Str s = {yyjson_get_str(v), yyjson_get_len(v)};
    *out = MISSING_VALUE;
    if (yyjson_is_null(v))
        return STATUS_OK;
    if (type == TYPE_BOOLEAN) {
        *out = yyjson_get_bool(v);
        return yyjson_is_bool(v) ? STATUS_OK : wrong_type(err, name, "true or false");
    }
    if (type == TYPE_TIME || type == TYPE_DATE) {
        bool read =
            yyjson_is_str(v) && (type == TYPE_TIME ? parse_time(s, &whole) : parse_date(s, &whole));
        if (!read)
            return wrong_type(err, name, type == TYPE_TIME ? "a time" : "a date");
        *out = (double)whole;
        return STATUS_OK;
    }
    *out = yyjson_get_num(v);
    return yyjson_is_num(v) ? STATUS_OK : wrong_type(err, name, "a number");
}

static Status feature_bin(uint32_t *bin, const Bundle *b, size_t i, const Distribution *was,
                          yyjson_val *v, Error *err)
{
    const Feature *f = &b->plan->feature[i];
    Str word = {"", 0};
    double number = 0;
    if (was->by_value) {
        if (!yyjson_is_null(v) && !yyjson_is_str(v))
            return wrong_type(err, f->name.text, "a text");
        if (yyjson_is_str(v))
            word = (Str){yyjson_get_str(v), yyjson_get_len(v)};
    } else
        TRY(number_of(&number, v, lang_type(f->expr), f->name.text, err));
    *bin = (uint32_t)distribution_bin(was, number, word);
    return STATUS_OK;
}

Status prediction_bins(uint32_t *bin, PredictionReader *r, const Prediction *p,
                       const MonitorItem *item, size_t items, Error *err)
{
    const Bundle *b = r->bundle;
    size_t features = b->plan->features, at, n, next = 0, read = 0;
    yyjson_val *key, *value;
    memset(r->had, 0, features);
    yyjson_obj_foreach(p->features, at, n, key, value)
    {
        Str name = {yyjson_get_str(key), yyjson_get_len(key)};
        /* They stand in the book's order where a service wrote them. */
        size_t i = next < features && str_equal(b->plan->feature[next].name.text, name)
                       ? next
                       : dictionary_find(r->name, name);
        if (i >= features)
            return error_set(err, STATUS_FORMAT, "the bundle has no feature `%.*s`",
                             (int)(name.size < 60 && str_valid_utf8(name) ? name.size : 0),
                             name.data);
        if (r->had[i]++)
            return error_set(err, STATUS_FORMAT, "feature `%.*s` stands twice", STR_ARG(name));
        next = i + 1;
        read++;
        if (i < items)
            TRY(feature_bin(&bin[i], b, i, item[i].was, value, err));
    }
    for (size_t i = 0; read < features && i < features; i++)
        if (!r->had[i])
            return error_set(err, STATUS_FORMAT, "feature `%.*s` is not there",
                             STR_ARG(b->plan->feature[i].name.text));
    for (size_t i = features; i < items; i++)
        bin[i] = (uint32_t)distribution_bin(item[i].was, p->probability, segment_name(p->segment));
    return STATUS_OK;
}
