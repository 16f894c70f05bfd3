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
    SLOTS_MAX = 32,        /* slices under way at a time */
    MODEL_REASONS_MAX = 5, /* of the model, for one customer */
    OWN_SAFEGUARDS = 2     /* that hold whatever the book says */
};

/* A smaller push is not worth a sentence: it changes the odds by less than 5 %. */
#define CONTRIBUTION_MIN 0.05

/* What the book's expressions say about a slice's rows. */
typedef struct Facts {
    size_t from, rows;
    Language language;
    const Messages *messages;
    Table *table;           /* the features, then the engine's own names */
    const Column **feature; /* by feature; NULL when not computed */
    Column insufficient, *rule, *mitigating, *safeguard, *action, *comparable;
    uint32_t *rules, *severe_rules, *families; /* by row */
    double *exposure;
} Facts;

/* Unknown is false. */
static bool holds(const Column *c, size_t row)
{
    return column_valid(c, row) && c->boolean[row] != 0;
}

/* ---- facts of a slice ---- */

/* Columns go to scratch. Temporaries of lang_evaluate take the free end of keep: an arena
 * that results grow in must never be the one passed by value. */
static Status evaluate(Column *out, Arena *scratch, Arena spare, const Expr *e, const Facts *f,
                       Error *err)
{
    return lang_evaluate(out, scratch, spare, e, f->table, NULL, err);
}

static Status evaluate_clauses(Column **out, Arena *scratch, Arena spare, const Clause *clause,
                               size_t count, const Facts *f, Error *err)
{
    *out = ARENA_ARRAY(scratch, Column, count);
    for (size_t i = 0; i < count; i++)
        TRY(evaluate(&(*out)[i], scratch, spare, clause[i].when, f, err));
    return STATUS_OK;
}

static void take_features(Facts *f, Arena *scratch, const Deciding *d)
{
    const Plan *plan = d->p->plan;
    const Table *features = d->in->features;
    Table *taken = table_take(scratch, features, d->in->row + f->from, f->rows);
    f->table = table_new(scratch, S("policy"), f->rows, features->columns + OWN_NAMES);
    f->table->columns = features->columns; /* the engine's own follow once they are known */
    memcpy(f->table->column, taken->column, features->columns * sizeof(Column));
    f->feature = ARENA_ARRAY(scratch, const Column *, plan->features);
    for (size_t i = 0; i < plan->features; i++) {
        Str name = plan->feature[i].name.text;
        bool in_place = i < features->columns && str_equal(f->table->column[i].name, name);
        f->feature[i] = in_place ? &f->table->column[i] : table_find(f->table, name);
    }
}

static void count_rules(Facts *f, Arena *scratch, const Policy *p)
{
    uint8_t *seen = ARENA_ARRAY(scratch, uint8_t, p->families);
    f->rules = ARENA_ARRAY(scratch, uint32_t, f->rows);
    f->severe_rules = ARENA_ARRAY(scratch, uint32_t, f->rows);
    f->families = ARENA_ARRAY(scratch, uint32_t, f->rows);
    for (size_t row = 0; row < f->rows; row++) {
        memset(seen, 0, p->families);
        for (size_t i = 0; i < p->rules; i++) {
            if (!holds(&f->rule[i], row))
                continue;
            f->rules[row]++;
            f->severe_rules[row] += p->rule[i].severe;
            f->families[row] += !seen[p->rule[i].family_index];
            seen[p->rule[i].family_index] = 1;
        }
    }
}

static Column *own(Facts *f, Arena *scratch, const Policy *p, size_t which)
{
    const Name *name = &p->name[p->plan->features + which];
    Column *c = &f->table->column[f->table->columns++];
    column_init(c, scratch, name->name, name->type, name->scale, f->rows, NULL);
    return c;
}

/* What is not a number is missing, and so makes no condition true. */
static void own_reals(Facts *f, Arena *scratch, const Policy *p, size_t which, const double *value)
{
    Column *c = own(f, scratch, p, which);
    for (size_t row = 0; row < f->rows; row++) {
        double v = value[row];
        if (!isfinite(v))
            continue;
        c->real[row] = v;
        column_set_valid(c, row);
    }
}

static void own_constant(Facts *f, Arena *scratch, const Policy *p, size_t which, double value)
{
    Column *c = own(f, scratch, p, which);
    for (size_t row = 0; row < f->rows; row++) {
        c->real[row] = value;
        column_set_valid(c, row);
    }
}

static void own_counts(Facts *f, Arena *scratch, const Policy *p, size_t which,
                       const uint32_t *value)
{
    Column *c = own(f, scratch, p, which);
    for (size_t row = 0; row < f->rows; row++) {
        c->integer[row] = value[row];
        column_set_valid(c, row);
    }
}

static void add_own_names(Facts *f, Arena *scratch, const Deciding *d, const Column *exposure)
{
    const Policy *p = d->p;
    const PolicyInputs *in = d->in;
    own_reals(f, scratch, p, OWN_PROBABILITY, in->probability + f->from);
    own_reals(f, scratch, p, OWN_PROBABILITY_LOW, in->probability_low + f->from);
    own_reals(f, scratch, p, OWN_PROBABILITY_HIGH, in->probability_high + f->from);
    own_constant(f, scratch, p, OWN_THRESHOLD_MEDIUM, p->thresholds.medium);
    own_constant(f, scratch, p, OWN_THRESHOLD_HIGH, p->thresholds.high);
    own_constant(f, scratch, p, OWN_THRESHOLD_OFFBOARDING, p->thresholds.offboarding);
    own_counts(f, scratch, p, OWN_RULES, f->rules);
    own_counts(f, scratch, p, OWN_SEVERE_RULES, f->severe_rules);
    own_counts(f, scratch, p, OWN_FAMILIES, f->families);

    Column *stake = &f->table->column[f->table->columns++];
    *stake = *exposure;
    stake->name = p->name[p->plan->features + OWN_EXPOSURE].name;

    Column *overlay = own(f, scratch, p, OWN_INSUFFICIENT_DATA);
    for (size_t row = 0; row < f->rows; row++) {
        overlay->boolean[row] = p->insufficient != NULL && holds(&f->insufficient, row);
        column_set_valid(overlay, row);
    }
}

static Status gather(Facts *f, Arena *scratch, Arena spare, const Deciding *d, Error *err)
{
    const Policy *p = d->p;
    Column exposure;

    take_features(f, scratch, d);
    TRY(evaluate(&exposure, scratch, spare, p->exposure, f, err));
    f->exposure = ARENA_ARRAY(scratch, double, f->rows);
    for (size_t row = 0; row < f->rows; row++) {
        double value = cell_double(&exposure, row);
        f->exposure[row] = isfinite(value) ? value : 0;
    }
    if (p->insufficient != NULL)
        TRY(evaluate(&f->insufficient, scratch, spare, p->insufficient->when, f, err));
    f->rule = ARENA_ARRAY(scratch, Column, p->rules);
    for (size_t i = 0; i < p->rules; i++)
        TRY(evaluate(&f->rule[i], scratch, spare, p->rule[i].when, f, err));
    count_rules(f, scratch, p);
    add_own_names(f, scratch, d, &exposure);
    TRY(evaluate_clauses(&f->mitigating, scratch, spare, p->mitigating, p->mitigatings, f, err));
    f->comparable = ARENA_ARRAY(scratch, Column, p->comparables);
    for (size_t i = 0; i < p->comparables && d->in->peers != NULL; i++)
        TRY(evaluate(&f->comparable[i], scratch, spare, p->comparable[i].when, f, err));
    TRY(evaluate_clauses(&f->safeguard, scratch, spare, p->safeguard, p->safeguards, f, err));
    return evaluate_clauses(&f->action, scratch, spare, p->action, p->actions, f, err);
}

/* ---- reasons ---- */

static Str fill(Arena *keep, const Template *t, const Facts *f, size_t row)
{
    return t == NULL ? S("") : template_fill(keep, t, f->language, f->table, row);
}

/* A sentence of the engine's own. */
static Str say(const Facts *f, Str english)
{
    return message(f->messages, f->language, english);
}

static Str feature_value(Arena *keep, const Deciding *d, const Facts *f, size_t feature, size_t row)
{
    const Column *c = f->feature[feature];
    return c == NULL ? format_unknown(f->language)
                     : format_cell(keep, d->p->plan->feature[feature].format, f->language,
                                   d->p->plan->schema->currency.text, c, row);
}

static void add_standing(Reason *out, const Deciding *d, const Facts *f, size_t feature, size_t row)
{
    const Events *e = d->in->events;
    size_t customer = d->in->row[f->from + row];
    if (d->in->peers == NULL || f->feature[feature] == NULL)
        return;
    size_t set =
        comparable_set(d->p, f->comparable, row, e->start[customer + 1] > e->start[customer]);
    peers_reason(out, d->in->peers, set, feature, cell_double(f->feature[feature], row));
}

/* The part of a reason that its feature tells: value, window and transactions. */
static Status add_evidence(Reason *out, Arena *keep, Arena scratch, const Deciding *d,
                           const Facts *f, size_t feature, size_t row, Error *err)
{
    const Plan *plan = d->p->plan;
    uint32_t *rows = NULL;
    size_t count = 0;

    out->feature = plan->feature[feature].name.text;
    out->window = d->p->window[feature];
    out->value = feature_value(keep, d, f, feature, row);
    add_standing(out, d, f, feature, row);
    TRY(feature_evidence(&rows, &count, &scratch, *keep, &plan->feature[feature], d->in->events,
                         d->in->row[f->from + row], err));
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
                        const Facts *f, size_t row, Error *err)
{
    const double *push = feature_contributions(&scratch, d, f->from + row);
    for (int severe = 1; severe >= 0; severe--)
        for (size_t i = 0; i < d->p->rules; i++) {
            const Rule *rule = &d->p->rule[i];
            if (rule->severe != (severe == 1) || !holds(&f->rule[i], row))
                continue;
            Reason *reason = &out->reason[out->reasons++];
            *reason = (Reason){.source = REASON_RULE,
                               .code = rule->id,
                               .percentile = NAN,
                               .contribution = push[rule->evidence],
                               .family = rule->family,
                               .severity = rule->severe ? S("severe") : S("supporting"),
                               .sentence = fill(keep, rule->because, f, row),
                               .also = fill(keep, rule->also, f, row),
                               .missing_proof = fill(keep, rule->missing_proof, f, row),
                               .next_step = fill(keep, rule->next_step, f, row)};
            TRY(add_evidence(reason, keep, scratch, d, f, rule->evidence, row, err));
        }
    return STATUS_OK;
}

/* "Share of ...: 93 % (raises the log-odds by 0.41)." */
static Str model_sentence(Arena *keep, const Facts *f, const Feature *feature, Str value,
                          double contribution)
{
    Str says = feature->says.text.size > 0 ? feature->says.text : feature->name.text;
    int64_t hundredths = (int64_t)floor(fmin(contribution, 1e9) * 100 + 0.5);
    const MessagePart part[] = {
        {S("feature"), say(f, says)},
        {S("value"), value},
        {S("contribution"), format_decimal(keep, f->language, hundredths, 2)}};
    return message_fill(keep, f->messages, f->language,
                        S("{feature}: {value} (raises the log-odds by {contribution})."), part,
                        COUNT_OF(part));
}

static Status add_model(Decision *out, Arena *keep, Arena scratch, const Deciding *d,
                        const Facts *f, size_t row, Error *err)
{
    const Plan *plan = d->p->plan;
    double *push = feature_contributions(&scratch, d, f->from + row);
    for (size_t taken = 0; taken < MODEL_REASONS_MAX; taken++) {
        size_t best = plan->features;
        for (size_t i = 0; i < plan->features; i++)
            if (isfinite(push[i]) && push[i] > CONTRIBUTION_MIN &&
                (best == plan->features || push[i] > push[best]))
                best = i;
        if (best == plan->features)
            break;
        const Feature *feature = &plan->feature[best];
        Reason *reason = &out->reason[out->reasons++];
        *reason = (Reason){.source = REASON_MODEL,
                           .code = feature->name.text,
                           .percentile = NAN,
                           .family = feature->family.text,
                           .contribution = push[best]};
        TRY(add_evidence(reason, keep, scratch, d, f, best, row, err));
        reason->sentence = model_sentence(keep, f, feature, reason->value, push[best]);
        push[best] = 0;
    }
    return STATUS_OK;
}

/* ---- decisions ---- */

Segment policy_segment(Thresholds t, double probability)
{
    return probability >= t.high     ? SEGMENT_HIGH
           : probability >= t.medium ? SEGMENT_MEDIUM
                                     : SEGMENT_LOW;
}

static void choose_action(Decision *out, Arena *keep, const Policy *p, const Facts *f, size_t row)
{
    for (size_t i = 0; i < p->actions; i++) {
        if (!holds(&f->action[i], row))
            continue;
        out->action = p->action[i].action;
        out->because = fill(keep, p->action[i].because, f, row);
        return;
    }
    out->action = ACTION_RETAIN;
    if (out->insufficient_data)
        out->because = fill(keep, p->insufficient->because, f, row);
    else if (p->otherwise != NULL)
        out->because = fill(keep, p->otherwise, f, row);
    else
        out->because = say(f, S("No condition of a graver action holds."));
}

static void cap_action(Decision *out, Action cap, Str sentence)
{
    if (cap < out->action)
        out->action = cap;
    out->safeguard[out->safeguards++] = sentence;
}

/* Every safeguard that alone would lower the action is named, not only the strictest. */
static void apply_safeguards(Decision *out, Arena *keep, const Deciding *d, const Facts *f,
                             size_t row)
{
    const Policy *p = d->p;
    const uint8_t *contradictory = d->in->contradictory;
    out->before_safeguards = out->action;
    out->safeguard = ARENA_ARRAY(keep, Str, p->safeguards + OWN_SAFEGUARDS);
    for (size_t i = 0; i < p->safeguards; i++) {
        const Clause *s = &p->safeguard[i];
        if (s->action < out->before_safeguards && holds(&f->safeguard[i], row))
            cap_action(out, s->action, fill(keep, s->because, f, row));
    }
    /* Whatever a book says, a score alone proposes no exit. */
    if (out->before_safeguards == ACTION_PROPOSE_OFFBOARDING && out->families < 2)
        cap_action(out, ACTION_ENHANCED_DUE_DILIGENCE,
                   say(f, S("Fewer than two independent kinds of evidence support an exit.")));
    /* One of the two labels is wrong, and nobody knows which. */
    if (out->before_safeguards > ACTION_ENHANCED_DUE_DILIGENCE && contradictory != NULL &&
        contradictory[f->from + row])
        cap_action(out, ACTION_ENHANCED_DUE_DILIGENCE,
                   say(f, S("This customer carries both labels in the files; settle that first.")));
}

static Status decide(Decision *out, Arena *keep, Arena scratch, const Deciding *d, const Facts *f,
                     size_t row, Error *err)
{
    const Policy *p = d->p;
    const PolicyInputs *in = d->in;
    size_t k = f->from + row;
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
                      .segment = policy_segment(p->thresholds, in->probability[k]),
                      .segment_by_score = policy_segment(p->thresholds, in->probability[k]),
                      .insufficient_data = p->insufficient != NULL && holds(&f->insufficient, row),
                      .rules = f->rules[row],
                      .severe_rules = f->severe_rules[row],
                      .families = f->families[row],
                      .exposure = f->exposure[row],
                      .contribution = contribution,
                      .contributions = contribution == NULL ? 0 : in->columns->columns + 1};
    choose_action(out, keep, p, f, row);
    apply_safeguards(out, keep, d, f, row);
    if (in->contribution == NULL)
        return STATUS_OK;

    out->mitigating = ARENA_ARRAY(keep, Str, p->mitigatings);
    for (size_t i = 0; i < p->mitigatings; i++)
        if (holds(&f->mitigating[i], row))
            out->mitigating[out->mitigatings++] = fill(keep, p->mitigating[i].because, f, row);

    out->reason = ARENA_ARRAY(keep, Reason, out->rules + MODEL_REASONS_MAX);
    TRY(add_rules(out, keep, scratch, d, f, row, err));
    return add_model(out, keep, scratch, d, f, row, err);
}

Status policy_decide_slice(Decision *out, Arena *keep, Arena scratch, const Deciding *d,
                           size_t slice, Error *err)
{
    Facts f = {.from = slice * SLICE_ROWS, .language = d->in->language, .messages = d->p->messages};
    size_t left = d->in->count - f.from;
    f.rows = left < SLICE_ROWS ? left : SLICE_ROWS;
    TRY(gather(&f, &scratch, *keep, d, err));
    for (size_t row = 0; row < f.rows; row++)
        TRY(decide(&out[row], keep, scratch, d, &f, row, err));
    for (size_t i = 0; d->fired != NULL && i < d->p->rules; i++)
        for (size_t row = 0; row < f.rows; row++)
            d->fired[slice * d->p->rules + i] += holds(&f.rule[i], row);
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

/* Texts of the books, ids and contributions already outlive the slice. */
static void copy_decision(Decision *d, Arena *keep)
{
    d->because = str_copy(keep, d->because);
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
