/* decision.c - all of a decision as one JSON object: the same bytes in a run folder and in an
 * answer. */
#include "record/record.h"

void document_reason(Document *j, yyjson_mut_val *list, const Reason *r)
{
    yyjson_mut_val *o = document_object(j, list, NULL);
    document_text(j, o, "source", r->source == REASON_RULE ? S("rule") : S("model"));
    document_text(j, o, "code", r->code);
    document_text(j, o, "family", r->family);
    if (r->source == REASON_RULE)
        document_text(j, o, "severity", r->severity);
    document_text(j, o, "sentence", r->sentence);
    if (r->source == REASON_RULE) {
        document_text(j, o, "also", r->also);
        document_text(j, o, "missing_proof", r->missing_proof);
        document_text(j, o, "next_step", r->next_step);
    }
    document_real(j, o, "contribution", r->contribution);
    if (!is_missing(r->percentile)) {
        document_real(j, o, "percentile", r->percentile);
        document_text(j, o, "peer_group", r->peer_group);
        document_count(j, o, "peers", r->peers);
    }
    yyjson_mut_val *evidence = document_object(j, o, "evidence");
    document_text(j, evidence, "feature", r->feature);
    document_text(j, evidence, "value", r->value);
    document_text(j, evidence, "window", r->window);
    document_texts(j, evidence, "transaction_ids", r->transaction, r->transactions);
}

static void add_contributions(Document *j, const Decision *d, const Str *column)
{
    yyjson_mut_val *o = document_object(j, j->root, "contributions");
    for (size_t k = 0; k < d->contributions; k++)
        document_named_real(j, o, k + 1 < d->contributions ? column[k] : S("bias"),
                            d->contribution[k]);
}

/* What holds the segment up, and what the next run must know of it. */
static void add_segment(Document *j, yyjson_mut_val *in, const Decision *d)
{
    document_text(j, in, "segment_by_score", segment_name(d->segment_by_score));
    document_text(j, in, "segment_because", d->segment_because);
    document_time(j, in, "segment_since", d->next.known ? d->next.since_us : NO_TIME);
    document_time(j, in, "segment_lower_since", d->next.known ? d->next.lower_since_us : NO_TIME);
}

void document_measures(Document *j, yyjson_mut_val *in, const Decision *d)
{
    yyjson_mut_val *list = document_list(j, in, "measures");
    for (size_t i = 0; i < d->measures; i++) {
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "id", d->measure[i].id);
        document_text(j, o, "action", action_name(d->measure[i].action));
        document_truth(j, o, "suffices", d->measure[i].suffices);
        document_text(j, o, "sentence", d->measure[i].sentence);
    }
}

void document_weighed(Document *j, yyjson_mut_val *in, const Decision *d)
{
    document_text(j, in, "queue", d->queue);
    document_truth(j, in, "documented", d->documented);
    yyjson_mut_val *list = document_list(j, in, "facts");
    for (size_t i = 0; i < d->facts; i++) {
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "name", d->fact[i].name);
        document_time(j, o, "since", d->fact[i].since_us);
        document_text(j, o, "evidence", d->fact[i].evidence);
        document_truth(j, o, "counts", d->fact[i].counts);
        document_text(j, o, "sentence", d->fact[i].sentence);
    }
    document_measures(j, in, d);
    document_text(j, in, "near_miss", d->near_miss);
}

/* What was known of the customer beside files and bundle, so that it can be given again. */
static void add_given(Document *j, const Scored *s, uint32_t row)
{
    yyjson_mut_val *o = document_object(j, j->root, "given");
    yyjson_mut_val *list = document_list(j, o, "facts");
    const CaseFacts *facts = s->options.facts;
    for (size_t i = 0; facts != NULL && i < facts->count[row]; i++) {
        const CaseFact *f = &facts->of[row][i];
        yyjson_mut_val *fact = document_object(j, list, NULL);
        document_text(j, fact, "name", f->name);
        document_text(j, fact, "evidence", f->evidence);
        document_time(j, fact, "since", f->since_us);
    }
    if (s->options.earlier == NULL || !s->options.earlier[row].known)
        return;
    const Earlier *e = &s->options.earlier[row];
    yyjson_mut_val *earlier = document_object(j, o, "earlier");
    document_text(j, earlier, "segment", segment_name(e->segment));
    document_time(j, earlier, "since", e->since_us);
    document_time(j, earlier, "lower_since", e->lower_since_us);
}

void document_decision(Document *j, Arena scratch, const Recording *r, const Decision *d, size_t at)
{
    const Str *column;
    yyjson_mut_val *o = j->root;
    const Scored *s = r->scored;
    char *id = ARENA_ARRAY(j->arena, char, DECISION_ID_TEXT);
    char *features = ARENA_ARRAY(j->arena, char, SHA256_TEXT);
    uint32_t row = s->row[at];
    features_sha256(features, scratch, s, at);
    const DecisionName name = decision_name(r, d, at, str_from(features));
    decision_id(id, &name);
    document_text(j, o, "decision_id", str_from(id));
    document_text(j, o, "customer_id", d->id);
    document_time(j, o, "as_of", r->as_of_us);
    document_text(j, o, "bundle", str_from(r->bundle->id));
    document_text(j, o, "policy_sha256", name.policy_sha256);
    document_text(j, o, "features_sha256", name.features_sha256);
    document_truth(j, o, "explained", !s->options.brief);
    document_text(j, o, "language", language_name(s->options.language));
    add_given(j, s, row);
    document_real(j, o, "margin", d->margin);
    document_real(j, o, "probability", d->probability);
    document_real(j, o, "probability_low", d->probability_low);
    document_real(j, o, "probability_high", d->probability_high);
    document_text(j, o, "segment", segment_name(d->segment));
    add_segment(j, o, d);
    document_truth(j, o, "insufficient_data", d->insufficient_data);
    document_truth(j, o, "contradictory_label", s->contradictory[at] != 0);
    document_text(j, o, "action", action_name(d->action));
    document_text(j, o, "action_before_safeguards", action_name(d->before_safeguards));
    document_text(j, o, "because", d->because);
    document_texts(j, o, "safeguards", d->safeguard, d->safeguards);
    document_weighed(j, o, d);
    document_count(j, o, "rules", d->rules);
    document_count(j, o, "severe_rules", d->severe_rules);
    document_count(j, o, "families", d->families);
    document_real(j, o, "exposure", d->exposure);
    yyjson_mut_val *list = document_list(j, o, "reasons");
    for (size_t i = 0; i < d->reasons; i++)
        document_reason(j, list, &d->reason[i]);
    document_texts(j, o, "mitigating", d->mitigating, d->mitigatings);
    (void)model_columns(r->bundle->model, &column);
    add_contributions(j, d, column);
}
