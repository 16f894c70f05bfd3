/* case.c - a customer's case as JSON: all of it, under names that stay (docs/explain.md). */
#include "record/record.h"

#include <math.h>

/* Exact, as text: "1234.50". */
static void add_money(Document *j, yyjson_mut_val *in, const char *key, const Case *c,
                      int64_t amount)
{
    char text[NUMBER_TEXT];
    document_text(j, in, key, str_copy(j->arena, decimal_text(text, amount, c->scale)));
}

static void add_reason(Document *j, yyjson_mut_val *list, const Reason *r)
{
    yyjson_mut_val *o = document_object(j, list, NULL);
    bool rule = r->source == REASON_RULE;
    document_text(j, o, "source", rule ? S("rule") : S("model"));
    document_text(j, o, "code", r->code);
    document_text(j, o, "family", r->family);
    document_text(j, o, "severity", r->severity);
    document_text(j, o, "sentence", r->sentence);
    document_text(j, o, "also", r->also);
    document_text(j, o, "missing_proof", r->missing_proof);
    document_text(j, o, "next_step", r->next_step);
    document_real(j, o, "contribution", rule ? NAN : r->contribution);
    document_real(j, o, "percentile", r->peers == 0 ? NAN : r->percentile);
    document_text(j, o, "peer_group", r->peer_group);
    document_count(j, o, "peers", r->peers);
    yyjson_mut_val *evidence = document_object(j, o, "evidence");
    document_text(j, evidence, "feature", r->feature);
    document_text(j, evidence, "value", r->value);
    document_text(j, evidence, "window", r->window);
    document_texts(j, evidence, "transaction_ids", r->transaction, r->transactions);
}

static void add_decision(Document *j, const Case *c)
{
    const Decision *d = c->decision;
    yyjson_mut_val *o = document_object(j, j->root, "decision");
    document_text(j, o, "action", action_name(d->action));
    document_text(j, o, "action_before_safeguards", action_name(d->before_safeguards));
    document_text(j, o, "segment", segment_name(d->segment));
    document_text(j, o, "segment_by_score", segment_name(d->segment_by_score));
    document_text(j, o, "segment_because", d->segment_because);
    document_real(j, o, "probability", d->probability);
    document_real(j, o, "probability_low", d->probability_low);
    document_real(j, o, "probability_high", d->probability_high);
    document_real(j, o, "threshold_medium", c->thresholds.medium);
    document_real(j, o, "threshold_high", c->thresholds.high);
    document_real(j, o, "threshold_offboarding", c->thresholds.offboarding);
    document_truth(j, o, "insufficient_data", d->insufficient_data);
    document_truth(j, o, "contradictory_label", c->contradictory);
    document_text(j, o, "because", d->because);
    document_text(j, o, "near_miss", d->near_miss);
    document_text(j, o, "queue", d->queue);
    document_count(j, o, "rules", d->rules);
    document_count(j, o, "severe_rules", d->severe_rules);
    document_count(j, o, "families", d->families);
    document_real(j, o, "exposure", d->exposure);
    document_texts(j, o, "safeguards", d->safeguard, d->safeguards);
    yyjson_mut_val *list = document_list(j, o, "reasons");
    for (size_t i = 0; i < d->reasons; i++)
        add_reason(j, list, &d->reason[i]);
    document_texts(j, o, "mitigating", d->mitigating, d->mitigatings);
    yyjson_mut_val *made = document_object(j, o, "score");
    document_real(j, made, "start", c->push_start);
    document_real(j, made, "log_odds", c->push_sum);
    list = document_list(j, made, "features");
    for (size_t i = 0; i < c->pushes; i++) {
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "feature", c->push[i].feature);
        document_text(j, one, "says", c->push[i].says);
        document_real(j, one, "contribution", c->push[i].value);
    }
    document_measures(j, o, d);
    list = document_list(j, o, "facts");
    for (size_t i = 0; i < d->facts; i++) {
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "name", d->fact[i].name);
        document_text(j, one, "evidence", d->fact[i].evidence);
        document_time(j, one, "since", d->fact[i].since_us);
        document_truth(j, one, "counts", d->fact[i].counts);
        document_text(j, one, "sentence", d->fact[i].sentence);
    }
}

static Str flow_name(CaseFlow flow)
{
    return flow == CASE_IN ? S("in") : flow == CASE_OUT ? S("out") : S("neither");
}

static void add_money_flow(Document *j, const Case *c)
{
    yyjson_mut_val *o = document_object(j, j->root, "money");
    document_text(j, o, "currency", c->currency);
    add_money(j, o, "in", c, c->total_in);
    add_money(j, o, "out", c, c->total_out);
    document_count(j, o, "in_count", c->counted_in);
    document_count(j, o, "out_count", c->counted_out);
    document_count(j, o, "events", c->events);
    document_time(j, o, "first", c->first_us);
    document_time(j, o, "last", c->last_us);
    document_real(j, o, "period_days",
                  c->periods == 0 ? NAN : (double)c->period_us / (double)DAY_US);
    yyjson_mut_val *list = document_list(j, o, "periods");
    for (size_t i = 0; i < c->periods; i++) {
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "from", case_day(j->arena, c->period[i].from_us));
        document_count(j, one, "events", c->period[i].events);
        add_money(j, one, "in", c, c->period[i].in);
        add_money(j, one, "out", c, c->period[i].out);
    }
    yyjson_mut_val *matched = document_object(j, o, "matched");
    document_text(j, matched, "feature", c->flow_feature);
    document_text(j, matched, "formula", c->flow_formula);
    add_money(j, matched, "amount", c, c->matched);
    document_count(j, matched, "lots", c->all_lots);
    list = document_list(j, matched, "list");
    for (size_t i = 0; i < c->lots; i++) {
        const CaseLot *l = &c->lot[i];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "in_id", l->in_id);
        document_text(j, one, "in_kind", l->in_kind);
        document_time(j, one, "in_at", l->in_us);
        document_text(j, one, "out_id", l->out_id);
        document_text(j, one, "out_kind", l->out_kind);
        document_time(j, one, "out_at", l->out_us);
        add_money(j, one, "amount", c, l->amount);
        document_real(j, one, "lag_seconds", (double)l->lag_us / 1e6);
    }
    list = document_list(j, o, "list");
    for (size_t i = 0; i < c->shown; i++) {
        const CaseEvent *e = &c->event[i];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "id", e->id);
        document_time(j, one, "at", e->at_us);
        document_text(j, one, "kind", e->kind);
        document_text(j, one, "state", e->state);
        document_text(j, one, "direction", e->direction);
        document_text(j, one, "flow", flow_name(e->flow));
        if (e->has_amount)
            add_money(j, one, "amount", c, e->amount);
        else
            document_null(j, one, "amount");
        add_money(j, one, "matched", c, e->matched);
        document_count(j, one, "versions", e->versions);
        document_count(j, one, "reason", e->reason);
    }
}

static void add_mix(Document *j, const char *key, const Case *c, const CaseMixes *m)
{
    yyjson_mut_val *list = document_list(j, j->root, key);
    for (size_t i = 0; i < m->count; i++) {
        const CaseMix *one = &m->item[i];
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "name", one->name);
        document_count(j, o, "others", one->others);
        document_count(j, o, "events", one->events);
        add_money(j, o, "amount", c, one->amount);
        add_money(j, o, "in", c, one->in);
        add_money(j, o, "out", c, one->out);
    }
}

static void add_record(Document *j, const Case *c)
{
    yyjson_mut_val *list = document_list(j, j->root, "record");
    for (size_t i = 0; i < c->fields; i++) {
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "name", c->field[i].name);
        document_text(j, o, "says", c->field[i].says);
        if (c->field[i].value.size > 0)
            document_text(j, o, "value", c->field[i].value);
        else
            document_null(j, o, "value");
        document_truth(j, o, "declared", c->field[i].declared);
    }
    document_count(j, j->root, "protected_values_hidden", c->hidden);
    list = document_list(j, j->root, "comparisons");
    for (size_t i = 0; i < c->comparisons; i++) {
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "feature", c->comparison[i].feature);
        document_text(j, o, "says", c->comparison[i].says);
        if (c->comparison[i].known)
            document_truth(j, o, "holds", c->comparison[i].holds);
        else
            document_null(j, o, "holds");
    }
    list = document_list(j, j->root, "warnings");
    for (size_t i = 0; i < c->warnings; i++) {
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "code", c->warning[i].code);
        document_count(j, o, "count", c->warning[i].count);
        document_text(j, o, "sentence", c->warning[i].sentence);
        document_texts(j, o, "places", c->warning[i].place, c->warning[i].places);
    }
}

Str record_case(Arena *keep, const Case *c, const Change *change, Str version, const Bundle *bundle)
{
    Document j;
    document_open(&j, keep);
    document_text(&j, j.root, "customer_id", c->decision->id);
    document_text(&j, j.root, "decision_id", c->decision_id);
    document_time(&j, j.root, "as_of", c->as_of_us);
    document_text(&j, j.root, "version", version);
    document_text(&j, j.root, "bundle", str_from(bundle->id));
    add_decision(&j, c);
    document_change(&j, j.root, "change", change);
    if (c->earlier.known) {
        yyjson_mut_val *o = document_object(&j, j.root, "earlier");
        document_text(&j, o, "segment", segment_name(c->earlier.segment));
        document_time(&j, o, "since", c->earlier.since_us);
        document_time(&j, o, "lower_since", c->earlier.lower_since_us);
    } else {
        document_null(&j, j.root, "earlier");
    }
    add_money_flow(&j, c);
    add_mix(&j, "kinds", c, &c->kinds);
    add_mix(&j, "states", c, &c->states);
    add_record(&j, c);
    return document_write(&j, true);
}
