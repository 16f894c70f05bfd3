/* reply.c - the reply: the decision as a run records it, and what only the service says. */
#include "answer/answer_internal.h"

#include <assert.h>
#include <string.h>

/* Columns that the model or the policy reads and that nothing is known of. */
static void add_missing(Document *j, const Reply *r)
{
    const AnswerColumns columns[] = {r->answerer->customer, r->answerer->transaction};
    const RequestRows *rows[] = {&r->request->customer, &r->request->transactions};
    yyjson_mut_val *list = document_list(j, j->root, "missing");
    for (size_t k = 0; k < COUNT_OF(rows); k++)
        for (size_t c = 0; c < columns[k].count; c++) {
            const AnswerColumn *column = &columns[k].item[c];
            if (!column->read || column->key || column->outcome)
                continue;
            bool known = k == 1 && rows[k]->rows == 0; /* a customer without transactions */
            for (size_t i = 0; i < rows[k]->rows && !known; i++)
                known = rows[k]->cell[i * columns[k].count + c].size > 0;
            if (!known)
                document_text(j, list, NULL,
                              str_format(j->arena, "%s.%.*s", k == 0 ? "customer" : "transactions",
                                         STR_ARG(column->name)));
        }
}

/* Inputs of the model without a value, and values of categories that training never saw. */
static void add_inputs(Document *j, Answer *out, const Reply *r)
{
    const Answerer *a = r->answerer;
    yyjson_mut_val *list = document_list(j, j->root, "unknown_values");
    for (size_t i = 0; i < a->inputs; i++) {
        const Column *c = &r->scored->features->column[a->input[i]];
        if (!column_valid(c, 0)) {
            out->missing_inputs++;
            continue;
        }
        if (c->type != TYPE_CATEGORY)
            continue;
        const Feature *f = &r->bundle->plan->feature[a->input[i]];
        bool known = false;
        for (size_t l = 0; l < f->levels && !known; l++)
            known = str_equal(f->level[l], c->dictionary->text[c->code[0]]);
        if (known)
            continue;
        out->unknown_values++;
        document_text(j, list, NULL, f->name.text);
    }
    document_count(j, j->root, "missing_inputs", out->missing_inputs);
}

static void add_notes(Document *j, const Answer *out, const Reply *r)
{
    yyjson_mut_val *list = document_list(j, j->root, "notes");
    if (r->request->as_of == AS_OF_LATEST)
        document_text(j, list, NULL, S("as_of was not given: it is the latest event known."));
    if (r->after_as_of > 0)
        document_text(j, list, NULL,
                      str_format(j->arena,
                                 "%zu transactions were created after as_of and left out.",
                                 r->after_as_of));
    if (r->facts_later > 0)
        document_text(
            j, list, NULL,
            str_format(j->arena, "%zu facts begin after as_of and were left out.", r->facts_later));
    if (out->transactions == 0)
        document_text(j, list, NULL, S("No transaction is known: the score says little."));
    if (out->unknown_values > 0)
        document_text(j, list, NULL,
                      S("Values in unknown_values are not known to the model, and were scored as "
                        "none of the known ones."));
    if (r->dry_run)
        document_text(j, list, NULL,
                      S("Decided with the policy book of the request, for a look: this is no "
                        "decision of the bundle's policy."));
}

static Str as_of_name(AsOf as_of)
{
    static const Str name[] = {{"latest_event", 12}, {"request", 7}, {"now", 3}};
    return name[as_of];
}

void reply_write(Answer *out, Arena *keep, Arena scratch, const Reply *r)
{
    Recording recording = {.bundle = r->bundle, .scored = r->scored, .as_of_us = r->data->as_of_us};
    memcpy(recording.policy_sha256, r->policy_sha256, sizeof recording.policy_sha256);
    Document made, more;
    document_open(&made, keep);
    document_decision(&made, scratch, &recording, r->decision, 0);

    document_open(&more, keep);
    PolicyIdentity policy = policy_identity(r->bundle->policy);
    out->transactions = r->scored->events->start[1] - r->scored->events->start[0];
    document_text(&more, more.root, "version", S(ASSAY_VERSION));
    document_text(&more, more.root, "policy", policy.name);
    document_text(&more, more.root, "policy_revision", policy.revision);
    document_truth(&more, more.root, "dry_run", r->dry_run);
    document_text(&more, more.root, "as_of_from", as_of_name(r->request->as_of));
    yyjson_mut_val *o = document_object(&more, more.root, "transactions");
    document_count(&more, o, "given", r->given);
    document_count(&more, o, "held", r->held);
    document_count(&more, o, "after_as_of", r->after_as_of);
    document_count(&more, o, "used", out->transactions);
    add_missing(&more, r);
    add_inputs(&more, out, r);
    add_notes(&more, out, r);
    if (r->request->counterfactual)
        document_change(&more, more.root, "would_change", r->change);
    Str rest = document_write(&more, false), record = document_write(&made, false);

    /* The record is the last piece of keep, and so it grows in place: one object of both. */
    size_t size = record.size - 2; /* up to its brace and newline */
    char *body = arena_grow_raw(keep, (char *)(uintptr_t)record.data,
                                (size_t)(keep->at - record.data), size + rest.size, 1);
    body[size] = ',';
    memcpy(body + size + 1, rest.data + 1, rest.size - 2);
    out->body = (Str){body, size + rest.size - 1};
    out->record = (Str){body + 1, size - 1};
    const size_t at = sizeof "\"decision_id\":\"" - 1;
    out->decision_id = str_slice(out->record, at, at + DECISION_ID_TEXT - 1);
    out->customer_id = r->request->customer_id;
    out->as_of_us = r->data->as_of_us;
    out->scored = r->scored;
    out->decision = r->decision;
    out->change = r->change;
    out->dry_run = r->dry_run;
}
