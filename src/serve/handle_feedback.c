/* handle_feedback.c - an analyst's verdict on a decision, or a label that has matured. */
#include "serve/serve_internal.h"

#include <stdio.h>
#include <string.h>
#include <yyjson.h>

enum { REASON_BYTES_MAX = 8000, NAME_BYTES_MAX = 512, SECONDS_MAX = 31536000 };

typedef enum Said {
    SAID_DECISION,
    SAID_CUSTOMER,
    SAID_VERDICT,
    SAID_ACTION,
    SAID_REASON,
    SAID_REVIEWER,
    SAID_AT,
    SAID_SECONDS,
    SAIDS
} Said;
static const struct {
    Str name;
    size_t bytes_max;
} fields[SAIDS] = {{{"decision_id", 11}, NAME_BYTES_MAX}, {{"customer_id", 11}, NAME_BYTES_MAX},
                   {{"verdict", 7}, NAME_BYTES_MAX},      {{"action", 6}, NAME_BYTES_MAX},
                   {{"reason", 6}, REASON_BYTES_MAX},     {{"reviewer", 8}, NAME_BYTES_MAX},
                   {{"at", 2}, NAME_BYTES_MAX},           {{"reviewed_seconds", 16}, 0}};

/* ---- reading ---- */

static bool fault(Fault *out, const char *code, Str field, const char *detail)
{
    out->code = code;
    (void)snprintf(out->pointer, sizeof out->pointer, "%s%.*s", field.size > 0 ? "/" : "",
                   STR_ARG(field));
    (void)snprintf(out->detail, sizeof out->detail, "%s", detail);
    return false;
}

static bool unknown(Fault *out, Str name)
{
    Str known[SAIDS];
    for (size_t i = 0; i < SAIDS; i++)
        known[i] = fields[i].name;
    Str near = str_nearest(name, known, SAIDS);
    (void)fault(out, "unknown_field", S(""), "there is a field that is not known here");
    if (near.size > 0)
        (void)snprintf(out->detail, sizeof out->detail,
                       "there is a field that is not known here; did you mean %.*s?",
                       STR_ARG(near));
    /* the name as a pointer, where it is harmless to repeat */
    bool plain = name.size < 100;
    for (size_t i = 0; i < name.size; i++)
        plain &= (name.data[i] >= 'a' && name.data[i] <= 'z') || name.data[i] == '_' ||
                 (name.data[i] >= 'A' && name.data[i] <= 'Z');
    if (plain)
        (void)snprintf(out->pointer, sizeof out->pointer, "/%.*s", STR_ARG(name));
    return false;
}

static bool spread(yyjson_val *value[SAIDS], Fault *out, yyjson_val *root)
{
    yyjson_val *key, *v;
    size_t i, n;
    yyjson_obj_foreach(root, i, n, key, v)
    {
        Str name = {yyjson_get_str(key), yyjson_get_len(key)};
        size_t f = 0;
        while (f < SAIDS && !str_equal(fields[f].name, name))
            f++;
        if (f == SAIDS)
            return unknown(out, name);
        if (value[f] != NULL)
            return fault(out, "duplicate_field", name, "this field is there twice; send it once");
        value[f] = v;
    }
    return true;
}

static bool texts(Str text[SAIDS], Fault *out, yyjson_val *const value[SAIDS])
{
    for (size_t f = 0; f < SAIDS; f++) {
        text[f] = S("");
        if (f == SAID_SECONDS || value[f] == NULL || yyjson_is_null(value[f]))
            continue;
        if (!yyjson_is_str(value[f]))
            return fault(out, "wrong_type", fields[f].name, "this must be text");
        text[f] = (Str){yyjson_get_str(value[f]), yyjson_get_len(value[f])};
        if (text[f].size > fields[f].bytes_max)
            return fault(out, "too_long", fields[f].name, "this text is too long");
        if (text[f].size > 0 && memchr(text[f].data, '\0', text[f].size) != NULL)
            return fault(out, "bad_value", fields[f].name, "this text holds a NUL character");
    }
    return true;
}

static bool is_verdict(Str s)
{
    return str_equal(s, S("agree")) || str_equal(s, S("overrule")) || str_equal(s, S("positive")) ||
           str_equal(s, S("negative"));
}

static bool is_action(Str s)
{
    for (size_t a = 0; a < ACTIONS; a++)
        if (str_equal(s, action_name((Action)a)))
            return true;
    return s.size == 0;
}

static bool seconds(int64_t *out, Fault *why, const yyjson_val *v)
{
    *out = -1;
    if (v == NULL || yyjson_is_null((yyjson_val *)(uintptr_t)v))
        return true;
    if (!yyjson_is_uint((yyjson_val *)(uintptr_t)v) ||
        yyjson_get_uint((yyjson_val *)(uintptr_t)v) > SECONDS_MAX)
        return fault(why, "bad_value", fields[SAID_SECONDS].name,
                     "this must be a whole number of seconds, of a year at most");
    *out = (int64_t)yyjson_get_uint((yyjson_val *)(uintptr_t)v);
    return true;
}

static bool understand(Feedback *f, Exchange *x, Fault *out, yyjson_val *root)
{
    yyjson_val *value[SAIDS] = {0};
    Str text[SAIDS];
    if (!yyjson_is_obj(root))
        return fault(out, "wrong_type", S(""), "feedback must be a JSON object");
    if (!spread(value, out, root) || !texts(text, out, value))
        return false;
    *f = (Feedback){.decision_id = text[SAID_DECISION],
                    .customer = text[SAID_CUSTOMER],
                    .verdict = text[SAID_VERDICT],
                    .action = text[SAID_ACTION],
                    .reason = text[SAID_REASON],
                    .reviewer = text[SAID_REVIEWER],
                    .at_us = x->now_us};
    if (!seconds(&f->reviewed_seconds, out, value[SAID_SECONDS]))
        return false;
    if (!is_verdict(f->verdict))
        return fault(out, f->verdict.size == 0 ? "missing_field" : "bad_value",
                     fields[SAID_VERDICT].name,
                     "the verdict must be agree, overrule, positive or negative");
    if (!is_action(f->action))
        return fault(out, "bad_value", fields[SAID_ACTION].name,
                     "this is no action; use RETAIN, MONITOR, ENHANCED_DUE_DILIGENCE, RESTRICT or "
                     "PROPOSE_OFFBOARDING");
    if (f->decision_id.size == 0 && f->customer.size == 0)
        return fault(out, "missing_field", fields[SAID_DECISION].name,
                     "say which decision or which customer this is about");
    if (text[SAID_AT].size > 0 && !parse_time(text[SAID_AT], &f->at_us))
        return fault(out, "not_a_time", fields[SAID_AT].name,
                     "this is not a time; write it as 2024-08-27T12:00:00Z");
    return true;
}

static bool read_feedback(Feedback *f, Exchange *x, Fault *out)
{
    yyjson_read_err why = {0};
    yyjson_alc memory = arena_memory(x->arena);
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)x->body.data, x->body.size, 0, &memory, &why);
    if (doc == NULL && !str_valid_utf8(x->body))
        return fault(out, "not_utf8", S(""), "the body is not UTF-8; send UTF-8");
    if (doc == NULL)
        return fault(out, "not_json", S(""), "the body is not JSON; send a JSON object");
    return understand(f, x, out, yyjson_doc_get_root(doc));
}

/* ---- keeping ---- */

/* Is there such a decision, and whose is it? False: a reply was set. */
static bool look_up(Exchange *x, const Feedback *f, StoredDecision *decision)
{
    Error err = {0};
    Found found;
    *decision = (StoredDecision){0};
    if (f->decision_id.size == 0)
        return true;
    if (database_decision(x->service->database, decision, &found, x->arena, f->decision_id, &err) !=
        STATUS_OK)
        reply_error(x, &err);
    else if (found == FOUND_NONE)
        reply_problem(x, 404, "not_found", "/decision_id", "there is no decision of this id");
    else if (found == FOUND_ERASED)
        reply_problem(x, 410, "erased", "/decision_id",
                      "there was a decision of this id; its person was erased");
    else if (f->customer.size > 0 && !str_equal(f->customer, decision->customer))
        reply_problem(x, 422, "other_customer", "/customer_id",
                      "the decision is about another customer");
    else
        return true;
    return false;
}

static void feedback(Exchange *x)
{
    Feedback f;
    Fault why = {0};
    Error err = {0};
    Found found;
    StoredDecision decision;
    if (x->service->database == NULL) {
        reply_problem(x, 501, "store_needed", NULL,
                      "this service keeps nothing; start it with --store sqlite:FILE or "
                      "--store postgresql://...");
        return;
    }
    if (!read_feedback(&f, x, &why)) {
        reply_fault(x, &why);
        return;
    }
    if (!look_up(x, &f, &decision))
        return;
    if (database_add_feedback(x->service->database, &found, &f, &err) != STATUS_OK) {
        reply_error(x, &err);
        return;
    }
    x->decision_id = f.decision_id;
    telemetry_feedback(x->service->telemetry, f.verdict, decision.action, f.action);
    reply_json(x, 202, S("{\"accepted\":true}"));
}

const Route routes_feedback[] = {
    {"POST", "/v1/feedback", SCOPE_FEEDBACK, feedback, .settles = true}, {0}};
