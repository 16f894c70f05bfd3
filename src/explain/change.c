/* change.c - the nearest change of each customer, found by many and told in words. */
#include "explain/change_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MAX = 32 }; /* customers under way at a time */

/* ---- in words ---- */

typedef struct Telling {
    const Subject *s;
    const Messages *messages;
    Language language;
} Telling;

static Telling telling(const Subject *s)
{
    return (Telling){s, s->levers->bundle->messages, s->scored->options.language};
}

static Str say(Arena *keep, const Telling *t, Str english, const MessagePart *part, size_t parts)
{
    return message_fill(keep, t->messages, t->language, english, part, parts);
}

static Str percent(Arena *keep, const Telling *t, double share)
{
    return format_real(keep, FORMAT_PERCENT, t->language, S(""), share);
}

static Str place(Arena *keep, const Telling *t, double percentile)
{
    return format_real(keep, FORMAT_COUNT, t->language, S(""), floor(100 * percentile + 0.5));
}

static Str shown(Arena *keep, const Telling *t, size_t feature, const Table *features, size_t row)
{
    const Plan *p = t->s->levers->bundle->plan;
    return format_cell(keep, p->feature[feature].format, t->language, p->schema->currency.text,
                       &features->column[feature], row);
}

static bool has(const Levers *l, size_t feature, uint32_t quantity)
{
    size_t count;
    (void)lang_aggregates(l->bundle->plan->feature[feature].expr, &count);
    for (size_t k = 0; k < count; k++)
        if (l->quantities.of[feature][k] == quantity)
            return true;
    return false;
}

/* The feature that shows a quantity, or where that one stays what it was, another that tells. */
static size_t teller(const Subject *s, uint32_t quantity, const Table *made)
{
    const Levers *l = s->levers;
    const Table *was = s->scored->features;
    size_t own = s->scored->row[s->position], first = l->show[quantity];
    if (!cell_equal(&was->column[first], own, &made->column[first], 0))
        return first;
    for (size_t i = 0; i < l->bundle->plan->features; i++)
        if (l->used[i] && has(l, i, quantity) &&
            !cell_equal(&was->column[i], own, &made->column[i], 0))
            return i;
    return first;
}

static ChangeStep step_of(Arena *keep, const Telling *t, const Move *m, const Table *made)
{
    const Subject *s = t->s;
    const Levers *l = s->levers;
    size_t own = s->scored->row[s->position], feature = teller(s, m->quantity, made);
    const Feature *f = &l->bundle->plan->feature[feature];
    ChangeStep out = {.feature = f->name.text,
                      .says = message(t->messages, t->language, f->says.text),
                      .window = window_text(keep, l->quantities.item[m->quantity].window),
                      .from = shown(keep, t, feature, s->scored->features, own),
                      .to = shown(keep, t, feature, made, 0),
                      .move = m->step};
    double from = change_place(s, m->quantity, s->own[m->quantity]);
    const MessagePart part[] = {{S("says"), out.says},
                                {S("to"), out.to},
                                {S("from"), out.from},
                                {S("place"), place(keep, t, from + m->step)},
                                {S("was"), place(keep, t, from)}};
    out.sentence = say(keep, t,
                       S("{says}: {to} instead of {from} (percentile {place} instead of {was} "
                         "among comparable customers)."),
                       part, COUNT_OF(part));
    return out;
}

static int larger_move(const void *a, const void *b)
{
    const Move *x = a, *y = b;
    if (fabs(x->step) != fabs(y->step))
        return fabs(x->step) > fabs(y->step) ? -1 : 1;
    return (x->quantity > y->quantity) - (x->quantity < y->quantity);
}

static bool among(const Str *name, size_t count, Str wanted)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(name[i], wanted))
            return true;
    return false;
}

/* Features that show what was carried along. */
static void tell_followers(Change *out, Arena *keep, const Subject *s, const Trial *t,
                           const Table *made)
{
    const Levers *l = s->levers;
    Arena own = arena_new();
    double *value = ARENA_ARRAY(&own, double, l->quantities.count + 1);
    Str step[CHANGE_STEPS_MAX];
    for (size_t i = 0; i < out->steps; i++)
        step[i] = out->step[i].feature;
    out->follows = ARENA_ARRAY(keep, Str, l->quantities.count + 1);
    (void)change_carry(value, s, t);
    for (uint32_t q = 0; q < l->quantities.count; q++) {
        Str name = l->bundle->plan->feature[teller(s, q, made)].name.text;
        if (isnan(value[q]) || value[q] == s->own[q] || among(step, out->steps, name) ||
            among(out->follows, out->followers, name))
            continue;
        out->follows[out->followers++] = name;
    }
    arena_free(&own);
}

static Str whole_sentence(Arena *keep, const Telling *t, const Change *c)
{
    const Outcome *now = &t->s->scored->outcome[t->s->position];
    const MessagePart part[] = {{S("action"), action_name(c->action)},
                                {S("now"), action_name(now->action)},
                                {S("probability"), percent(keep, t, c->probability)},
                                {S("was"), percent(keep, t, now->probability)}};
    if (str_equal(part[2].text, part[3].text))
        return say(
            keep, t,
            S("The proposal would be {action} instead of {now}, with the same score, if this "
              "were otherwise:"),
            part, COUNT_OF(part));
    return say(keep, t,
               S("The proposal would be {action} instead of {now}, with a score of {probability} "
                 "instead of {was}, if this were otherwise:"),
               part, COUNT_OF(part));
}

static Status tell(Change *out, Arena *keep, Arena scratch, const Subject *s, const Trial *trial,
                   Error *err)
{
    const Telling t = telling(s);
    Arena own = arena_new();
    Decision *outcome;
    const Table *made;
    Trial ordered = *trial;
    qsort(ordered.move, ordered.moves, sizeof *ordered.move, larger_move);
    Status status = change_decide(&outcome, &made, &own, scratch, s, &ordered, err);
    if (status == STATUS_OK) {
        out->found = true;
        out->distance = ordered.distance;
        out->probability = outcome->probability;
        out->probability_low = outcome->probability_low;
        out->probability_high = outcome->probability_high;
        out->segment = outcome->segment;
        out->action = outcome->action;
        out->because = str_copy(keep, outcome->because);
        out->steps = ordered.moves;
        for (size_t i = 0; i < ordered.moves; i++)
            out->step[i] = step_of(keep, &t, &ordered.move[i], made);
        const PeerSet *peers =
            peer_quantity_set(s->levers->bundle->peers, s->set, ordered.move[0].quantity);
        out->peer_group = peers == NULL ? S("") : message(t.messages, t.language, peers->name);
        tell_followers(out, keep, s, &ordered, made);
        out->sentence = whole_sentence(keep, &t, out);
    }
    arena_free(&own);
    return status;
}

/* ---- one customer ---- */

static void take_own(Subject *s, Arena *keep)
{
    const Levers *l = s->levers;
    s->own = ARENA_ARRAY(keep, double, l->quantities.count + 1);
    s->held = ARENA_ARRAY(keep, uint8_t, l->limits + 1);
    for (size_t q = 0; q < l->quantities.count; q++) {
        const Column *c = &s->quantity[q];
        bool number = c->type == TYPE_INT64 || c->type == TYPE_DECIMAL || c->type == TYPE_DURATION;
        s->own[q] = !column_valid(c, s->at)  ? NAN
                    : number                 ? (double)c->integer[s->at]
                    : c->type == TYPE_DOUBLE ? c->real[s->at]
                                             : NAN;
    }
    for (size_t i = 0; i < l->limits; i++) {
        const Limit *m = &l->limit[i];
        double a = s->own[m->a], whole = s->own[m->whole];
        s->held[i] = m->kind == LIMIT_PART    ? !limit_exceeded(m, a, whole)
                     : m->kind == LIMIT_APART ? a + s->own[m->b] <= whole
                                              : !(a > 0 && whole == 0);
    }
}

static Status change_of(Change *out, Arena *keep, Arena scratch, const Subject *s, Error *err)
{
    Trial best;
    bool found;
    const Telling t = telling(s);
    *out = (Change){.action = s->scored->outcome[s->position].action};
    if (out->action == ACTION_RETAIN) {
        out->sentence = say(keep, &t, S("Nothing is proposed that a change could leave."), NULL, 0);
        return STATUS_OK;
    }
    TRY(change_search(&found, &best, &out->tried, scratch, s, err));
    if (found)
        return tell(out, keep, scratch, s, &best, err);
    const MessagePart part[] = {{S("action"), action_name(out->action)}};
    out->sentence = say(keep, &t,
                        S("No change of at most three quantities, within what comparable "
                          "customers show, was found that leaves {action}."),
                        part, 1);
    return STATUS_OK;
}

/* ---- all that are asked for ---- */

typedef struct Slot {
    Arena keep;
    Status status;
    Error err;
} Slot;

typedef struct Wave {
    const Subject *subject;
    Change *out;
    Slot *slot;
    size_t first;
} Wave;

static void wave_task(void *context, size_t task, Arena scratch)
{
    const Wave *w = context;
    Slot *slot = &w->slot[task];
    slot->err = (Error){0};
    slot->status = change_of(&w->out[w->first + task], &slot->keep, scratch,
                             &w->subject[w->first + task], &slot->err);
}

/* Names and meanings are the books'; the rest was made in the slot. */
static void copy_change(Change *c, Arena *keep)
{
    c->sentence = str_copy(keep, c->sentence);
    c->because = str_copy(keep, c->because);
    for (size_t i = 0; i < c->steps; i++) {
        ChangeStep *s = &c->step[i];
        s->window = str_copy(keep, s->window);
        s->from = str_copy(keep, s->from);
        s->to = str_copy(keep, s->to);
        s->sentence = str_copy(keep, s->sentence);
    }
    if (c->followers > 0)
        c->follows = arena_copy(keep, c->follows, c->followers * sizeof *c->follows);
}

static Status search_all(Change *out, Arena *keep, const Subject *subject, size_t count, Team *team,
                         Error *err)
{
    Slot slot[SLOTS_MAX];
    Arena empty[SLOTS_MAX];
    Wave w = {.subject = subject, .out = out, .slot = slot};
    Status status = STATUS_OK;
    for (size_t i = 0; i < SLOTS_MAX; i++)
        empty[i] = arena_new();
    for (; w.first < count && status == STATUS_OK; w.first += SLOTS_MAX) {
        size_t left = count - w.first, n = left < SLOTS_MAX ? left : SLOTS_MAX;
        for (size_t i = 0; i < n; i++)
            slot[i].keep = empty[i];
        team_run(team, n, wave_task, &w);
        for (size_t i = 0; i < n && status == STATUS_OK; i++) {
            status = slot[i].status;
            if (status == STATUS_OK)
                copy_change(&out[w.first + i], keep);
            else if (err != NULL && err->status == STATUS_OK)
                *err = slot[i].err;
        }
    }
    for (size_t i = 0; i < SLOTS_MAX; i++)
        arena_free(&empty[i]);
    return status;
}

static void say_no_peers(Change *out, Arena *keep, const Bundle *b, const Scored *s,
                         const uint32_t *position, size_t count)
{
    Str why = message_fill(keep, b->messages, s->options.language,
                           S("The bundle holds no comparable customers, so no change can be "
                             "called feasible."),
                           NULL, 0);
    for (size_t i = 0; i < count; i++)
        out[i] = (Change){.sentence = why, .action = s->outcome[position[i]].action};
}

Status change_subjects(Subject **out, Arena *keep, Arena scratch, const Bundle *b, const Scored *s,
                       const uint32_t *position, size_t count, Team *team, Error *err)
{
    const Levers *levers = change_levers(keep, b);
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, count + 1);
    uint32_t *set = ARENA_ARRAY(keep, uint32_t, count + 1);
    Column *quantity;
    *out = ARENA_ARRAY(keep, Subject, count + 1);
    for (size_t i = 0; i < count; i++)
        row[i] = s->row[position[i]];
    const Events *events = events_take(keep, s->events, row, count);
    TRY(policy_peer_set(set, scratch, b->policy, s->events, s->features, row, count, err));
    TRY(quantity_columns(&quantity, keep, scratch, b->plan, &levers->quantities, events, team,
                         err));
    for (size_t i = 0; i < count; i++) {
        (*out)[i] = (Subject){.levers = levers,
                              .scored = s,
                              .events = events,
                              .quantity = quantity,
                              .at = i,
                              .position = position[i],
                              .set = set[i]};
        take_own(&(*out)[i], keep);
    }
    return STATUS_OK;
}

Status explain_changes(Change **out, Arena *keep, Arena scratch, const Bundle *b, const Scored *s,
                       const uint32_t *position, size_t count, Team *team, Error *err)
{
    *out = ARENA_ARRAY(keep, Change, count + 1);
    if (b->peers == NULL) {
        say_no_peers(*out, keep, b, s, position, count);
        return STATUS_OK;
    }
    Arena own = arena_new();
    Subject *subject;
    Status status = change_subjects(&subject, &own, scratch, b, s, position, count, team, err);
    if (status == STATUS_OK)
        status = search_all(*out, keep, subject, count, team, err);
    arena_free(&own);
    return status;
}
