/* logged.c - a line of decisions.jsonl read back. Every byte of it comes from outside. */
#include "store/store_internal.h"

#include <string.h>

/* ---- its parts ---- */

static bool is_sum(const char *text)
{
    return strspn(text, "0123456789abcdef") >= SHA256_TEXT - 1; /* a quote follows it */
}

bool logged_cut(LoggedLine *out, Str line)
{
    static const char begin[] = "\"decision_id\":\"", previous[] = ",\"previous\":\"";
    static const char chain[] = "\",\"chain\":\"";
    const size_t digits = SHA256_TEXT - 1;
    const size_t tail = sizeof previous - 1 + digits + sizeof chain - 1 + digits + 2;
    const char *at =
        line.size < tail ? NULL : memmem(line.data, line.size - tail, begin, sizeof begin - 1);
    if (at == NULL || line.data[0] != '{')
        return false;
    const char *end = line.data + line.size - tail, *sum = end + sizeof previous - 1;
    if (memcmp(end, previous, sizeof previous - 1) != 0 ||
        memcmp(sum + digits, chain, sizeof chain - 1) != 0 ||
        memcmp(line.data + line.size - 2, "\"}", 2) != 0 || !is_sum(sum) ||
        !is_sum(sum + digits + sizeof chain - 1))
        return false;
    Str id = {at + sizeof begin - 1, 0};
    while (id.data + id.size < end && id.data[id.size] != '"')
        id.size++;
    *out = (LoggedLine){.body = {at, (size_t)(end - at)},
                        .id = id,
                        .previous = {sum, digits},
                        .chain = {sum + digits + sizeof chain - 1, digits}};
    return id.size == DECISION_ID_TEXT - 1;
}

void logged_hash(char out[SHA256_TEXT], Arena scratch, Str line)
{
    const size_t chain = sizeof ",\"chain\":\"\"" - 1 + SHA256_TEXT - 1;
    Sha256 *sum = sha256_begin(&scratch);
    sha256_add(sum, str_slice(line, 0, line.size - 1 - chain));
    sha256_add(sum, S("}"));
    sha256_end(sum, out);
}

/* ---- what it says ---- */

static Str text_of(yyjson_val *in, const char *key)
{
    yyjson_val *v = yyjson_obj_get(in, key);
    return yyjson_is_str(v) ? (Str){yyjson_get_str(v), yyjson_get_len(v)} : S("");
}

static bool time_of(int64_t *out, yyjson_val *in, const char *key)
{
    return parse_time(text_of(in, key), out);
}

static bool time_or_none(int64_t *out, yyjson_val *in, const char *key)
{
    *out = NO_TIME;
    return yyjson_is_null(yyjson_obj_get(in, key)) || time_of(out, in, key);
}

static bool read_facts(CaseFacts *out, Arena *keep, yyjson_val *list)
{
    size_t i, n;
    yyjson_val *v;
    CaseFact *fact = ARENA_ARRAY(keep, CaseFact, yyjson_arr_size(list) + 1);
    if (!yyjson_is_arr(list))
        return false;
    out->of = ARENA_NEW(keep, CaseFact *);
    out->count = ARENA_NEW(keep, size_t);
    out->of[0] = fact;
    out->count[0] = yyjson_arr_size(list);
    yyjson_arr_foreach(list, i, n, v)
    {
        fact[i] = (CaseFact){.name = str_copy(keep, text_of(v, "name")),
                             .evidence = str_copy(keep, text_of(v, "evidence"))};
        if (!time_or_none(&fact[i].since_us, v, "since"))
            return false;
    }
    return true;
}

static bool read_earlier(Earlier *out, yyjson_val *o)
{
    *out = (Earlier){.since_us = NO_TIME, .lower_since_us = NO_TIME};
    if (o == NULL)
        return true;
    out->known = true;
    int segment = 0;
    while (segment < SEGMENTS && !str_equal(segment_name((Segment)segment), text_of(o, "segment")))
        segment++;
    out->segment = (Segment)segment;
    return segment < SEGMENTS && time_or_none(&out->since_us, o, "since") &&
           time_or_none(&out->lower_since_us, o, "lower_since");
}

static bool read_slice(HistorySlice *out, yyjson_val *o)
{
    Str sum = text_of(o, "sha256");
    yyjson_val *offset = yyjson_obj_get(o, "offset"), *bytes = yyjson_obj_get(o, "bytes");
    if (!yyjson_is_uint(offset) || !yyjson_is_uint(bytes) || sum.size != SHA256_TEXT - 1)
        return false;
    out->offset = yyjson_get_uint(offset);
    out->bytes = yyjson_get_uint(bytes);
    memcpy(out->sha256, sum.data, sum.size);
    out->sha256[sum.size] = '\0';
    return true;
}

static const char *read_line(Logged *out, Arena *keep, yyjson_val *root)
{
    yyjson_val *history = yyjson_obj_get(root, "history"), *given = yyjson_obj_get(root, "given");
    DecisionName *n = &out->name;
    n->customer = str_copy(keep, text_of(root, "customer_id"));
    n->bundle = str_copy(keep, text_of(root, "bundle"));
    n->policy_sha256 = str_copy(keep, text_of(root, "policy_sha256"));
    n->features_sha256 = str_copy(keep, text_of(root, "features_sha256"));
    out->rank = yyjson_get_uint(yyjson_obj_get(root, "rank"));
    if (n->customer.size == 0)
        return "customer_id";
    if (!time_of(&n->as_of_us, root, "as_of"))
        return "as_of";
    if (!yyjson_is_bool(yyjson_obj_get(root, "explained")))
        return "explained";
    out->explained = yyjson_is_true(yyjson_obj_get(root, "explained"));
    if (!language_from_name(text_of(root, "language"), &out->language))
        return "language";
    if (!yyjson_is_bool(yyjson_obj_get(root, "contradictory_label")))
        return "contradictory_label";
    n->contradictory = yyjson_is_true(yyjson_obj_get(root, "contradictory_label"));
    if (!yyjson_is_real(yyjson_obj_get(root, "margin")))
        return "margin";
    n->margin = yyjson_get_real(yyjson_obj_get(root, "margin"));
    if (!read_slice(&out->slice[HISTORY_CUSTOMERS], yyjson_obj_get(history, "customers")) ||
        !read_slice(&out->slice[HISTORY_TRANSACTIONS], yyjson_obj_get(history, "transactions")))
        return "history";
    if (!read_facts(&out->facts, keep, yyjson_obj_get(given, "facts")))
        return "facts";
    n->fact = out->facts.of[0];
    n->facts = out->facts.count[0];
    n->earlier = &out->earlier;
    return read_earlier(&out->earlier, yyjson_obj_get(given, "earlier")) ? NULL : "earlier";
}

const char *logged_read(Logged *out, Arena *keep, Str line)
{
    *out = (Logged){0};
    yyjson_doc *doc = yyjson_read(line.data, line.size, 0);
    const char *missing = doc == NULL ? "JSON" : read_line(out, keep, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return missing;
}
