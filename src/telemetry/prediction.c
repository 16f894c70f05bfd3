/* prediction.c - the prediction log: a line of JSON a decision, and its schema for BigQuery. */
#include "telemetry/telemetry_internal.h"

#include <math.h>
#include <string.h>

static yyjson_mut_val *text_value(yyjson_mut_doc *doc, Str s)
{
    return str_valid_utf8(s) ? yyjson_mut_strncpy(doc, s.data, s.size)
                             : yyjson_mut_str(doc, "\xEF\xBF\xBD");
}

static yyjson_mut_val *feature_value(yyjson_mut_doc *doc, const Seen *s, const SeenValue *v)
{
    char text[TIME_TEXT + NUMBER_TEXT]; /* either */
    Str as;
    if (!v->valid)
        return yyjson_mut_null(doc);
    switch ((Type)v->type) {
    case TYPE_BOOLEAN:
        return yyjson_mut_bool(doc, v->integer != 0);
    case TYPE_DOUBLE:
        return isfinite(v->real) ? yyjson_mut_real(doc, v->real) : yyjson_mut_null(doc);
    case TYPE_DECIMAL:
        as = decimal_text(text, v->integer, v->scale);
        return yyjson_mut_rawncpy(doc, as.data, as.size);
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        return text_value(doc, seen_text(s, v));
    case TYPE_TIME:
        as = rfc3339_text(text, v->integer);
        return yyjson_mut_strncpy(doc, as.data, as.size);
    case TYPE_DATE:
        as = date_text(text, v->integer);
        return yyjson_mut_strncpy(doc, as.data, as.size);
    default:
        return yyjson_mut_sint(doc, v->integer);
    }
}

static void add(yyjson_mut_doc *doc, yyjson_mut_val *in, const char *key, yyjson_mut_val *value)
{
    yyjson_mut_obj_add(in, yyjson_mut_str(doc, key), value);
}

static void add_time(yyjson_mut_doc *doc, yyjson_mut_val *in, const char *key, int64_t time_us)
{
    char text[RFC3339_TEXT];
    Str s = rfc3339_text(text, time_us);
    add(doc, in, key, yyjson_mut_strncpy(doc, s.data, s.size));
}

static Str customer_of(const Telemetry *t, const Seen *s, char hashed[TELEMETRY_HASH])
{
    Str id = {s->customer, s->customer_bytes};
    if (t->settings.plain_ids)
        return id;
    telemetry_hash(hashed, t, id);
    return str_from(hashed);
}

void prediction_add(Telemetry *t, const Watch *w, const Seen *s)
{
    Arena line = t->prediction;
    yyjson_alc memory = arena_memory(&line);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *features = yyjson_mut_obj(doc);
    char hashed[TELEMETRY_HASH];
    Str action = action_name((Action)s->action), segment = segment_name((Segment)s->segment);
    yyjson_mut_doc_set_root(doc, root);
    add_time(doc, root, "time", s->time_us);
    add(doc, root, "decision_id", yyjson_mut_str(doc, s->decision));
    add(doc, root, "customer", text_value(doc, customer_of(t, s, hashed)));
    add_time(doc, root, "as_of", s->as_of_us);
    add(doc, root, "bundle", yyjson_mut_str(doc, w->id));
    add(doc, root, "version", text_value(doc, w->version));
    add(doc, root, "policy_sha256", text_value(doc, w->policy_sha256));
    add(doc, root, "role",
        yyjson_mut_str(doc, s->role == ROLE_CHAMPION ? "champion" : "challenger"));
    add(doc, root, "probability", yyjson_mut_real(doc, s->probability));
    add(doc, root, "probability_low", yyjson_mut_real(doc, s->low));
    add(doc, root, "probability_high", yyjson_mut_real(doc, s->high));
    add(doc, root, "segment", yyjson_mut_strn(doc, segment.data, segment.size));
    add(doc, root, "action", yyjson_mut_strn(doc, action.data, action.size));
    add(doc, root, "insufficient_data", yyjson_mut_bool(doc, s->insufficient));
    const SeenValue *value = (const SeenValue *)(const void *)(s + 1);
    for (size_t i = 0; i < w->features; i++)
        yyjson_mut_obj_add(features, yyjson_mut_strn(doc, w->name[i].data, w->name[i].size),
                           feature_value(doc, s, &value[i]));
    add(doc, root, "features", features);
    size_t size;
    char *text = yyjson_mut_write_opts(doc, YYJSON_WRITE_NEWLINE_AT_END, &memory, &size, NULL);
    if (text != NULL)
        outlet_add(&t->predictions, (Str){text, size});
    else /* a probability that is no number: never, but a line is not worth a service */
        atomic_fetch_add_explicit(&t->seen_dropped, 1, memory_order_relaxed);
}

/* ---- for BigQuery ---- */

static const char *column_type(Type type)
{
    switch (type) {
    case TYPE_BOOLEAN:
        return "BOOLEAN";
    case TYPE_DOUBLE:
        return "FLOAT";
    case TYPE_DECIMAL:
        return "BIGNUMERIC"; /* holds every scale that a decimal may have */
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        return "STRING";
    case TYPE_TIME:
        return "TIMESTAMP";
    case TYPE_DATE:
        return "DATE";
    default:
        return "INTEGER";
    }
}

static yyjson_mut_val *field(Document *d, yyjson_mut_val *in, Str name, const char *type,
                             bool required, Str says)
{
    yyjson_mut_val *f = document_object(d, in, NULL);
    document_text(d, f, "name", name);
    document_text(d, f, "type", str_from(type));
    document_text(d, f, "mode", required ? S("REQUIRED") : S("NULLABLE"));
    if (says.size > 0)
        document_text(d, f, "description", says);
    return f;
}

Str telemetry_prediction_schema(Arena *keep, const Plan *plan)
{
    static const struct {
        const char *name, *type, *says;
    } fixed[] = {
        {"time", "TIMESTAMP", "when it was answered"},
        {"decision_id", "STRING", "the decision's name"},
        {"customer", "STRING", "keyed hash of the customer's id, or the id where settings say so"},
        {"as_of", "TIMESTAMP", "the instant that the decision is of"},
        {"bundle", "STRING", "SHA-256 of the bundle"},
        {"version", "STRING", "of the program that trained the bundle"},
        {"policy_sha256", "STRING", "of the policy book"},
        {"role", "STRING", "champion or challenger"},
        {"probability", "FLOAT", "calibrated"},
        {"probability_low", "FLOAT", "of its interval"},
        {"probability_high", "FLOAT", "of its interval"},
        {"segment", "STRING", "Low, Medium, High"},
        {"action", "STRING", "proposed"},
        {"insufficient_data", "BOOLEAN", "the score says little"},
    };
    Document d;
    document_open(&d, keep);
    d.root = yyjson_mut_arr(d.doc);
    yyjson_mut_doc_set_root(d.doc, d.root);
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        (void)field(&d, d.root, str_from(fixed[i].name), fixed[i].type, true,
                    str_from(fixed[i].says));
    yyjson_mut_val *all = field(&d, d.root, S("features"), "RECORD", false,
                                S("every feature of the book; null is missing"));
    yyjson_mut_val *list = document_list(&d, all, "fields");
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        Type type = lang_type(f->expr);
        Str says = f->says.text;
        if (type == TYPE_DURATION)
            says = str_format(keep, "%.*s (microseconds)", STR_ARG(says));
        (void)field(&d, list, f->name.text, column_type(type), false, says);
    }
    return document_write(&d, true);
}
