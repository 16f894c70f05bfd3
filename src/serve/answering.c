/* answering.c - an answer and all that it leaves behind: what the database knew before, which of
 * two bundles answers, what is counted, kept and published. */
#include "serve/serve_internal.h"

#include "record/record.h"

#include <stdio.h>
#include <string.h>

/* One customer always falls to the same side, on every replica. */
static bool falls_to_challenger(const Served *v, Str customer)
{
    static const uint64_t seed = 0x636861; /* the split is none of the tables' hashes */
    double at = (double)(hash64(customer, seed) >> 11) * 0x1p-53;
    return at < v->challenger_weight;
}

/* Whom a request is about: `customer_id`, or the key column of `customer`. */
static bool customer_of(Str *out, Arena *keep, const Answerer *a, Str request,
                        const AnswerLimits *limits)
{
    if (answer_customer(out, keep, request, limits))
        return true;
    Str key = answer_bundle(a)->schema->customers.key.text;
    yyjson_alc memory = arena_memory(keep);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)request.data, request.size,
                                       YYJSON_READ_NUMBER_AS_RAW, &memory, NULL);
    yyjson_val *customer = yyjson_obj_get(yyjson_doc_get_root(doc), "customer");
    if (yyjson_is_arr(customer)) /* versions of one */
        customer = yyjson_arr_get_first(customer);
    yyjson_val *id = yyjson_obj_getn(customer, key.data, key.size);
    if (!yyjson_is_str(id) && !yyjson_is_raw(id))
        return false;
    const char *text = yyjson_is_str(id) ? yyjson_get_str(id) : yyjson_get_raw(id);
    *out = (Str){text, yyjson_get_len(id)};
    return out->size > 0;
}

_Static_assert((int)HISTORY_MAX <= (int)ANSWER_HELD_MAX, "what is held can be scored");

static Status history_of(Str *out, Arena *keep, Service *s, const Answerer *a, const Asked *asked,
                         Fault *fault, Error *err)
{
    Str customer;
    *out = asked->history;
    if (s->database == NULL || out->size > 0 ||
        !customer_of(&customer, keep, a, asked->request, &s->settings->limits.answer) ||
        memchr(customer.data, '\0', customer.size) != NULL) /* refused by name further on */
        return STATUS_OK;
    Status status = database_history(s->database, out, keep, customer, err);
    if (status != STATUS_LIMIT)
        return status;
    *fault = (Fault){.code = "unusable"};
    (void)snprintf(fault->detail, sizeof fault->detail,
                   "More than %d transactions of this customer are held: too many to score.",
                   HISTORY_MAX);
    return STATUS_USAGE;
}

static Status keep_decision(Service *s, Arena *keep, const Answer *answer, const Asked *asked,
                            bool from_held, Error *err)
{
    Str event = s->outbox == NULL
                    ? S("")
                    : outbox_event(s->outbox, keep, answer, asked->trace_id, asked->span_id);
    bool kept = s->database != NULL && !s->settings->forget_decisions;
    if (kept) {
        StoredDecision d = {.id = answer->decision_id,
                            .customer = answer->customer_id,
                            .action = action_name(answer->decision->action),
                            .segment = segment_name(answer->decision->segment),
                            .as_of_us = answer->as_of_us,
                            .json = answer->body,
                            .from_held = from_held,
                            .event = event};
        if (asked->keeping != NULL) {
            keeping_add(asked->keeping, &d);
            return STATUS_OK;
        }
        TRY(database_add_decision(s->database, &d, err));
    }
    if (event.size > 0)
        outbox_put(s->outbox, answer->decision_id, event, kept);
    return STATUS_OK;
}

Status serve_answer_one(Answer *out, Arena *keep, Arena scratch, Service *s, const Served *v,
                        const Asked *asked, Fault *fault, Error *err)
{
    AnswerInputs inputs = {
        .request = asked->request, .now_us = asked->now_us, .limits = s->settings->limits.answer};
    Str customer;
    TRY(history_of(&inputs.history, keep, s, v->champion, asked, fault, err));
    bool from_held = asked->history.size == 0 && inputs.history.size > 0;
    bool split = v->challenger != NULL && v->challenger_weight > 0 &&
                 customer_of(&customer, keep, v->champion, asked->request, &inputs.limits) &&
                 falls_to_challenger(v, customer);
    const Answerer *a = split ? v->challenger : v->champion;
    TRY(answer_score(out, keep, scratch, a, &inputs, fault, err));
    if (!out->dry_run)
        TRY(keep_decision(s, keep, out, asked, from_held, err));
    /* A decision that nobody is given is none. Rows of a block are counted before it is kept. */
    telemetry_answer(s->telemetry, split ? ROLE_CHALLENGER : ROLE_CHAMPION, answer_bundle(a), out);
    if (v->challenger != NULL && v->challenger_weight <= 0 && !out->dry_run)
        shadow_put(s->shadow, v, &inputs, out->decision, asked->keeping != NULL);
    return STATUS_OK;
}

bool serve_answer(Exchange *x, Answer *out, Str request, Str history)
{
    Fault fault = {0};
    Error err = {0};
    Asked asked = {request, history, x->now_us, x->trace_id, x->span_id, NULL};
    Status status =
        serve_answer_one(out, x->arena, x->scratch, x->service, x->served, &asked, &fault, &err);
    if (status == STATUS_OK) {
        x->decision_id = out->decision_id;
        x->took = out->took;
        return true;
    }
    if (fault.code != NULL)
        reply_fault(x, &fault);
    else
        reply_error(x, &err);
    return false;
}
