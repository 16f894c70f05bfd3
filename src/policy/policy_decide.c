/* policy_decide.c - facts and a probability into a Decision with its reasons.
 *
 * Customers are decided in slices. A slice evaluates every expression of the book over its
 * rows, column by column, and then puts each customer's decision together. Slices have a
 * fixed size and know nothing of each other, so neither results nor errors depend on how
 * many threads share them.
 */
#include "policy/policy_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_MAX = 32,    /* slices under way at a time */
    OWN_SAFEGUARDS = 4 /* that hold whatever the book says */
};

/* ---- decisions ---- */

/* The entry of the book that is taken; NULL for the rest. */
static const Clause *choose_action(Decision *out, Arena *keep, const Policy *p, const Slice *s,
                                   size_t row)
{
    for (size_t i = 0; i < p->actions; i++) {
        if (!slice_holds(&s->action[i], row))
            continue;
        out->action = p->action[i].action;
        out->queue = p->action[i].queue;
        out->because = slice_fill(keep, p->action[i].because, s, row);
        return &p->action[i];
    }
    out->action = ACTION_RETAIN;
    if (out->insufficient_data)
        out->because = slice_fill(keep, p->insufficient->because, s, row);
    else if (p->otherwise != NULL)
        out->because = slice_fill(keep, p->otherwise, s, row);
    else
        out->because = slice_say(s, S("No condition of a graver action holds."));
    return NULL;
}

static void cap_action(Decision *out, Action cap, Str sentence)
{
    if (cap < out->action)
        out->action = cap;
    out->safeguard[out->safeguards++] = sentence;
}

static Str share_words(Arena *keep, const Slice *s, double share)
{
    Column c;
    if (s->wordless)
        return S("");
    column_init(&c, keep, S(""), TYPE_DOUBLE, 0, 1, NULL);
    c.real[0] = share;
    column_set_valid(&c, 0);
    return format_cell(keep, FORMAT_PERCENT, s->language, S(""), &c, 0);
}

/* Whatever a book says, an exit that no documented fact stands for needs more than a score. */
static void hold_exits(Decision *out, Arena *keep, const Deciding *d, const Slice *s)
{
    const Thresholds t = d->p->thresholds;
    const MessagePart part[] = {{S("probability"), share_words(keep, s, out->probability)},
                                {S("threshold_high"), share_words(keep, s, t.high)}};
    if (out->families < 2)
        cap_action(
            out, ACTION_ENHANCED_DUE_DILIGENCE,
            slice_say(s, S("Fewer than two independent kinds of evidence support an exit.")));
    if (out->probability < t.high && !(out->probability_low >= t.high))
        cap_action(out, ACTION_ENHANCED_DUE_DILIGENCE,
                   message_fill(keep, s->messages, s->language,
                                S("The score of {probability} is below the review bound of "
                                  "{threshold_high}, and no documented criterion stands for an "
                                  "exit."),
                                part, COUNT_OF(part)));
    if (!(out->exposure > 0))
        cap_action(out, ACTION_ENHANCED_DUE_DILIGENCE,
                   slice_say(s, S("No money is at stake, so an exit would prevent no loss.")));
}

/* Every safeguard that alone would lower the action is named, not only the strictest. */
static void apply_safeguards(Decision *out, Arena *keep, const Deciding *d, const Clause *chosen,
                             const FactView *hard, const Slice *s, size_t row)
{
    const Policy *p = d->p;
    const uint8_t *contradictory = d->in->contradictory;
    Action before = out->before_safeguards = out->action;
    bool uncapped = chosen != NULL && chosen->uncapped;
    out->safeguard = ARENA_ARRAY(keep, Str, p->safeguards + OWN_SAFEGUARDS);
    for (size_t i = 0; i < p->safeguards && !uncapped; i++) {
        const Clause *one = &p->safeguard[i];
        bool passes = before == one->allows; /* and nothing milder: that is capped */
        if (one->action < before && !passes && slice_holds(&s->safeguard[i], row))
            cap_action(out, one->action, slice_fill(keep, one->because, s, row));
    }
    if (before == ACTION_PROPOSE_OFFBOARDING && hard == NULL)
        hold_exits(out, keep, d, s);
    /* One of the two labels is wrong, and nobody knows which. */
    if (before > ACTION_ENHANCED_DUE_DILIGENCE && !uncapped && contradictory != NULL &&
        contradictory[s->from + row])
        cap_action(
            out, ACTION_ENHANCED_DUE_DILIGENCE,
            slice_say(s, S("This customer carries both labels in the files; settle that first.")));
}

/* What a book says against a measure is about behaviour; where a documented fact stands for the
 * exit, that is the answer. */
static Str insufficient_words(Arena *keep, const Clause *m, const FactView *hard, const Slice *s,
                              size_t row)
{
    if (hard == NULL)
        return slice_fill(keep, m->otherwise, s, row);
    const MessagePart part = {S("fact"), slice_say(s, hard->says)};
    return slice_words(keep, s, S("It would not answer what is documented: {fact}."), &part, 1);
}

/* Where an exit is still proposed: would something milder do? */
static void weigh_measures(Decision *out, Arena *keep, const Deciding *d, const FactView *hard,
                           const Slice *s, size_t row)
{
    const Policy *p = d->p;
    if (out->action != ACTION_PROPOSE_OFFBOARDING || p->measures == 0)
        return;
    out->measure = ARENA_ARRAY(keep, MilderMeasure, p->measures);
    out->measures = p->measures;
    for (size_t i = 0; i < p->measures; i++) {
        const Clause *m = &p->measure[i];
        bool suffices = slice_holds(&s->measure[i], row);
        out->measure[i] =
            (MilderMeasure){.id = m->id,
                            .action = m->action,
                            .suffices = suffices,
                            .sentence = suffices ? slice_fill(keep, m->because, s, row)
                                                 : insufficient_words(keep, m, hard, s, row)};
        if (suffices && out->action == ACTION_PROPOSE_OFFBOARDING)
            out->action = m->action;
    }
}

static Status decide(Decision *out, Arena *keep, Arena scratch, const Deciding *d, const Slice *s,
                     size_t row, Error *err)
{
    const Policy *p = d->p;
    const PolicyInputs *in = d->in;
    size_t k = s->from + row;
    double *contribution = out->contribution;

    if (!(in->probability[k] >= 0 && in->probability[k] <= 1) || !isfinite(in->margin[k])) {
        Str id = in->id[in->row[k]];
        (void)error_set(err, STATUS_DATA, "the model gives customer %.*s no probability",
                        STR_ARG(id));
        return error_remedy(err, "check the model: its score is not a finite number");
    }
    *out = (Decision){.id = in->id[in->row[k]],
                      .margin = in->margin[k],
                      .probability = in->probability[k],
                      .probability_low = in->probability_low[k],
                      .probability_high = in->probability_high[k],
                      .insufficient_data =
                          p->insufficient != NULL && slice_holds(&s->insufficient, row),
                      .rules = s->rules[row],
                      .severe_rules = s->severe_rules[row],
                      .families = s->families[row],
                      .exposure = s->exposure[row],
                      .contribution = contribution,
                      .contributions = contribution == NULL ? 0 : in->columns->columns + 1};
    segment_decide(out, keep, d, s, row);
    const Clause *chosen = choose_action(out, keep, p, s, row);
    const FactView *hard =
        out->action == ACTION_PROPOSE_OFFBOARDING ? facts_support(chosen, d, k) : NULL;
    out->documented = hard != NULL;
    apply_safeguards(out, keep, d, chosen, hard, s, row);
    weigh_measures(out, keep, d, hard, s, row);
    near_add(out, keep, d, s, row);
    if (!d->wordless)
        facts_add(out, keep, d, k);
    if (in->contribution == NULL)
        return STATUS_OK;

    out->mitigating = ARENA_ARRAY(keep, Str, p->mitigatings);
    for (size_t i = 0; i < p->mitigatings; i++)
        if (slice_holds(&s->mitigating[i], row))
            out->mitigating[out->mitigatings++] =
                slice_fill(keep, p->mitigating[i].because, s, row);
    return reasons_add(out, keep, scratch, d, s, row, err);
}

Status policy_decide_slice(Decision *out, Arena *keep, Arena scratch, const Deciding *d,
                           size_t slice, Error *err)
{
    Slice s = {.from = slice * SLICE_ROWS,
               .language = d->in->language,
               .wordless = d->wordless,
               .messages = d->p->messages};
    size_t left = d->in->count - s.from;
    s.rows = left < SLICE_ROWS ? left : SLICE_ROWS;
    TRY(slice_gather(&s, &scratch, *keep, d, err));
    for (size_t row = 0; row < s.rows; row++)
        TRY(decide(&out[row], keep, scratch, d, &s, row, err));
    for (size_t i = 0; d->fired != NULL && i < d->p->rules; i++)
        for (size_t row = 0; row < s.rows; row++)
            d->fired[slice * d->p->rules + i] += slice_holds(&s.rule[i], row);
    return STATUS_OK;
}

/* ---- slices shared by a team ---- */

/* An arena belongs to one thread, so a slice grows its results in an arena of its own and
 * they are copied into the caller's, slice after slice. */
typedef struct Slot {
    Arena keep;
    Status status;
    Error err;
} Slot;

typedef struct Wave {
    const Deciding *d;
    Decision *out;
    Slot *slot;
    size_t first;
} Wave;

static void wave_task(void *context, size_t task, Arena scratch)
{
    const Wave *w = context;
    Slot *slot = &w->slot[task];
    slot->err = (Error){0};
    slot->status = policy_decide_slice(w->out + (w->first + task) * SLICE_ROWS, &slot->keep,
                                       scratch, w->d, w->first + task, &slot->err);
}

static Str *copy_texts(Arena *keep, const Str *text, size_t count)
{
    Str *out = ARENA_ARRAY(keep, Str, count);
    for (size_t i = 0; i < count; i++)
        out[i] = str_copy(keep, text[i]);
    return out;
}

/* Texts of the books and of inputs, ids and contributions already outlive the slice. */
static void copy_decision(Decision *d, Arena *keep)
{
    d->because = str_copy(keep, d->because);
    d->segment_because = str_copy(keep, d->segment_because);
    d->near_miss = str_copy(keep, d->near_miss);
    d->measure = arena_copy(keep, d->measure, d->measures * sizeof(MilderMeasure));
    for (size_t i = 0; i < d->measures; i++)
        d->measure[i].sentence = str_copy(keep, d->measure[i].sentence);
    d->fact = arena_copy(keep, d->fact, d->facts * sizeof(CaseFact));
    for (size_t i = 0; i < d->facts; i++)
        d->fact[i].sentence = str_copy(keep, d->fact[i].sentence);
    d->safeguard = copy_texts(keep, d->safeguard, d->safeguards);
    d->mitigating = copy_texts(keep, d->mitigating, d->mitigatings);
    d->reason = arena_copy(keep, d->reason, d->reasons * sizeof(Reason));
    for (size_t i = 0; i < d->reasons; i++) {
        Reason *r = &d->reason[i];
        r->sentence = str_copy(keep, r->sentence);
        r->also = str_copy(keep, r->also);
        r->missing_proof = str_copy(keep, r->missing_proof);
        r->next_step = str_copy(keep, r->next_step);
        r->value = str_copy(keep, r->value);
        r->transaction = arena_copy(keep, r->transaction, r->transactions * sizeof(Str));
    }
}

static Status run_wave(Wave *w, Arena *keep, size_t slices, Team *team, Error *err)
{
    team_run(team, slices, wave_task, w);
    for (size_t i = 0; i < slices; i++) {
        Slot *slot = &w->slot[i];
        if (slot->status != STATUS_OK) {
            if (err != NULL && err->status == STATUS_OK)
                *err = slot->err;
            return slot->status;
        }
        size_t from = (w->first + i) * SLICE_ROWS;
        for (size_t k = from; k < from + SLICE_ROWS && k < w->d->in->count; k++)
            copy_decision(&w->out[k], keep);
    }
    return STATUS_OK;
}

static Status decide_shared(Decision *out, Arena *keep, const Deciding *d, size_t slices,
                            Team *team, Error *err)
{
    Slot slot[SLOTS_MAX];
    Arena empty[SLOTS_MAX];
    Wave w = {.d = d, .out = out, .slot = slot};
    size_t slots = team_threads(team) < SLOTS_MAX ? team_threads(team) : SLOTS_MAX;
    Status status = STATUS_OK;

    for (size_t i = 0; i < slots; i++)
        empty[i] = arena_new();
    for (; w.first < slices && status == STATUS_OK; w.first += slots) {
        size_t left = slices - w.first;
        for (size_t i = 0; i < slots; i++)
            slot[i].keep = empty[i];
        status = run_wave(&w, keep, left < slots ? left : slots, team, err);
    }
    for (size_t i = 0; i < slots; i++)
        arena_free(&empty[i]);
    return status;
}

Deciding policy_deciding(const Policy *policy, const PolicyInputs *inputs)
{
    Deciding d = {.p = policy, .in = inputs};
    d.transaction_id =
        table_find(inputs->events->rows, policy->plan->schema->transactions.key.text);
    assert(d.transaction_id != NULL && d.transaction_id->dictionary != NULL);
    return d;
}

Status policy_decide(Decision **out, Arena *keep, Arena scratch, const Policy *policy,
                     const PolicyInputs *inputs, Team *team, Error *err)
{
    size_t width = inputs->columns->columns + 1, slices = SLICES(inputs->count);
    const Deciding d = policy_deciding(policy, inputs);
    assert(inputs->matrix == NULL || inputs->matrix->rows == inputs->count);
    assert(inputs->matrix == NULL || inputs->matrix->columns == inputs->columns->columns);

    Decision *made = ARENA_ARRAY(keep, Decision, inputs->count);
    if (inputs->contribution != NULL) {
        double *contribution =
            arena_copy(keep, inputs->contribution, inputs->count * width * sizeof(double));
        for (size_t i = 0; i < inputs->count; i++)
            made[i].contribution = contribution + i * width;
    }

    *out = made;
    if (slices > 1 && team_threads(team) > 1)
        return decide_shared(made, keep, &d, slices, team, err);
    for (size_t i = 0; i < slices; i++)
        TRY(policy_decide_slice(made + i * SLICE_ROWS, keep, scratch, &d, i, err));
    return STATUS_OK;
}
