/* policy_reasons.c - the rules that fired and what moved the model, as reasons with evidence. */
#include "policy/policy_internal.h"

#include <math.h>

enum { MODEL_REASONS_MAX = 5 }; /* for one customer */

/* A smaller push is not worth a sentence: it changes the odds by less than 5 %. */
#define CONTRIBUTION_MIN 0.05

static void add_standing(Reason *out, const Deciding *d, const Slice *s, size_t feature, size_t row,
                         double value)
{
    const Events *e = d->in->events;
    size_t customer = d->in->row[s->from + row];
    size_t set =
        comparable_set(d->p, s->comparable, row, e->start[customer + 1] > e->start[customer]);
    peers_reason(out, d->in->peers, set, feature, value);
    out->peer_group = slice_say(s, out->peer_group);
}

/* The part of a reason that its feature tells: value, window and transactions. */
static Status add_evidence(Reason *out, Arena *keep, Arena scratch, const Deciding *d,
                           const Slice *s, size_t feature, size_t row, Error *err)
{
    const Plan *plan = d->p->plan;
    const Column *c = deciding_feature(d, feature);
    uint32_t *rows = NULL, customer = d->in->row[s->from + row];
    size_t count = 0;

    out->feature = plan->feature[feature].name.text;
    out->window = d->p->window[feature];
    out->value = c == NULL ? format_unknown(s->language)
                           : format_cell(keep, plan->feature[feature].format, s->language,
                                         plan->schema->currency.text, c, customer);
    if (c != NULL && d->in->peers != NULL)
        add_standing(out, d, s, feature, row, cell_double(c, customer));
    TRY(feature_evidence(&rows, &count, &scratch, *keep, &plan->feature[feature], d->in->events,
                         customer, err));
    const Column *id = d->transaction_id;
    out->transaction = ARENA_ARRAY(keep, Str, count);
    for (size_t i = 0; i < count; i++)
        if (column_valid(id, rows[i]))
            out->transaction[out->transactions++] = id->dictionary->text[id->code[rows[i]]];
    return STATUS_OK;
}

/* The columns of one category feature push together: they are one fact about the customer. */
static double *feature_contributions(Arena *scratch, const Deciding *d, size_t customer)
{
    const MatrixPlan *columns = d->in->columns;
    const double *contribution = d->in->contribution + customer * (columns->columns + 1);
    double *sum = ARENA_ARRAY(scratch, double, d->p->plan->features);
    for (size_t i = 0; i < columns->columns; i++)
        sum[columns->feature[i]] += contribution[i];
    return sum;
}

static Status add_rules(Decision *out, Arena *keep, Arena scratch, const Deciding *d,
                        const Slice *s, size_t row, Error *err)
{
    const double *push = feature_contributions(&scratch, d, s->from + row);
    for (int severe = 1; severe >= 0; severe--)
        for (size_t i = 0; i < d->p->rules; i++) {
            const Rule *rule = &d->p->rule[i];
            if (rule->severe != (severe == 1) || !slice_holds(&s->rule[i], row))
                continue;
            Reason *reason = &out->reason[out->reasons++];
            *reason = (Reason){.source = REASON_RULE,
                               .code = rule->id,
                               .percentile = NAN,
                               .contribution = push[rule->evidence],
                               .family = rule->family,
                               .severity = rule->severe ? S("severe") : S("supporting"),
                               .sentence = slice_fill(keep, rule->because, s, row),
                               .also = slice_fill(keep, rule->also, s, row),
                               .missing_proof = slice_fill(keep, rule->missing_proof, s, row),
                               .next_step = slice_fill(keep, rule->next_step, s, row)};
            TRY(add_evidence(reason, keep, scratch, d, s, rule->evidence, row, err));
        }
    return STATUS_OK;
}

/* "Share of ...: 93 % (raises the log-odds by 0.41)." */
static Str model_sentence(Arena *keep, const Slice *s, const Feature *feature, Str value,
                          double contribution)
{
    Str says = feature->says.text.size > 0 ? feature->says.text : feature->name.text;
    int64_t hundredths = (int64_t)floor(fmin(contribution, 1e9) * 100 + 0.5);
    const MessagePart part[] = {
        {S("feature"), slice_say(s, says)},
        {S("value"), value},
        {S("contribution"), format_decimal(keep, s->language, hundredths, 2)}};
    return message_fill(keep, s->messages, s->language,
                        S("{feature}: {value} (raises the log-odds by {contribution})."), part,
                        COUNT_OF(part));
}

static Status add_model(Decision *out, Arena *keep, Arena scratch, const Deciding *d,
                        const Slice *s, size_t row, Error *err)
{
    const Plan *plan = d->p->plan;
    double *push = feature_contributions(&scratch, d, s->from + row);
    uint32_t *moved = ARENA_RAW(&scratch, uint32_t, plan->features);
    size_t moving = 0;
    for (size_t i = 0; i < plan->features; i++)
        if (isfinite(push[i]) && push[i] > CONTRIBUTION_MIN)
            moved[moving++] = (uint32_t)i;
    for (size_t taken = 0; taken < MODEL_REASONS_MAX && taken < moving; taken++) {
        size_t best = moved[0];
        for (size_t i = 1; i < moving; i++)
            if (push[moved[i]] > push[best])
                best = moved[i];
        const Feature *feature = &plan->feature[best];
        Reason *reason = &out->reason[out->reasons++];
        *reason = (Reason){.source = REASON_MODEL,
                           .code = feature->name.text,
                           .percentile = NAN,
                           .family = feature->family.text,
                           .contribution = push[best]};
        TRY(add_evidence(reason, keep, scratch, d, s, best, row, err));
        reason->sentence = model_sentence(keep, s, feature, reason->value, push[best]);
        push[best] = 0;
    }
    return STATUS_OK;
}

Status reasons_add(Decision *out, Arena *keep, Arena scratch, const Deciding *d, const Slice *s,
                   size_t row, Error *err)
{
    out->reason = ARENA_ARRAY(keep, Reason, out->rules + MODEL_REASONS_MAX);
    TRY(add_rules(out, keep, scratch, d, s, row, err));
    return add_model(out, keep, scratch, d, s, row, err);
}
