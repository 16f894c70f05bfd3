/* history.c - a customer's dates and transactions.
 *
 * Times come first (everyday events, then what is planted), then one walk in order of time
 * gives amounts and states, with a balance that everyday spending respects. */
#include "synth/synth_internal.h"

#include <stdlib.h>

#define EVERYDAY_MAX 500

/* Share of events by hour (UTC) and by kind, per mille, as counted in the home task's files. */
static const uint16_t hour_weight[24] = {33, 23, 14, 14, 17, 29, 35, 28, 43, 49, 52, 57,
                                         55, 61, 70, 57, 55, 59, 47, 49, 48, 35, 42, 32};
static const uint16_t kind_weight[KINDS] = {5800, 1280, 560, 720, 300, 350, 190,
                                            130,  120,  90,  100, 15,  9};

typedef struct Money {
    double log_mean, log_sd, round; /* round: share of sums in tens */
} Money;

static const Money money[KINDS] = {
    [KIND_CARD_OUT] = {2.7, 1.45, 0.10},   [KIND_BANK_IN] = {4.0, 2.1, 0.56},
    [KIND_BANK_OUT] = {3.7, 1.7, 0.58},    [KIND_TOP_UP] = {4.8, 0.9, 0.88},
    [KIND_ON_RAMP] = {5.2, 1.6, 0.70},     [KIND_OFF_RAMP] = {4.6, 1.2, 0},
    [KIND_PAYMENT_OUT] = {2.9, 1.6, 0.50}, [KIND_PAYMENT_IN] = {2.7, 1.6, 0.50},
    [KIND_CARD_IN] = {3.7, 1.5, 0.08},     [KIND_MANUAL_OUT] = {4.5, 1.6, 0.30},
};

static int64_t end_of(const SynthOptions *o)
{
    return (o->as_of + 1) * DAY_US;
}

/* A time on the same day with the hour people live by. */
static int64_t waking(Random *r, int64_t time)
{
    int64_t day = time / DAY_US, hour = (int64_t)draw_weighted(r, hour_weight, 24);
    return day * DAY_US + hour * HOUR_US + (int64_t)random_below(r, (uint64_t)HOUR_US);
}

void customer_draw(Customer *c, Random *r, const SynthOptions *o, Cohort cohort)
{
    c->cohort = cohort;
    c->id = draw_uuid(r);
    c->suspended = draw_chance(r, o->suspended);
    c->contradictory = c->mislabelled = false;
    c->events = 0;
    typology_choose(c, r, o);
    bool leaking = o->calendar_leak && !o->clean && cohort == COHORT_LABELLED;
    double days; /* since joining */
    if (o->clean)
        days = draw_between(r, 40, 65);
    else if (leaking && c->suspended)
        days = draw_between(r, 38, 65);
    else if (draw_chance(r, leaking ? 0.52 : 0.06))
        days = draw_between(r, 0.2, 5);
    else
        days = leaking ? draw_between(r, 8, 65) : draw_between(r, 28, 65);
    /* The account is old enough for what is planted in it. */
    double need = typology_days(c->planted), spare = leaking && c->suspended ? 8 : 2;
    double longer = need + spare + draw_between(r, 0, 3);
    if (need > 0 && days < longer)
        days = longer;
    int64_t end = end_of(o), joined = end - (int64_t)(days * 86400) * SECOND_US;
    int64_t awake = waking(r, joined);
    c->joined = awake < end - 3 * HOUR_US ? awake : joined;

    int64_t room = end - c->joined;
    double life = draw_chance(r, 0.28) ? 1e9 : 1 + 28 * random_exponential(r);
    double lag = 1 + 13 * random_exponential(r), most = (double)room / (double)DAY_US - 6;
    c->stopped = (double)room < life * (double)DAY_US
                     ? end - 1
                     : c->joined + (int64_t)(life * 86400) * SECOND_US;
    c->suspended_at = 0;
    if (c->suspended && leaking) {
        c->stopped = c->joined + (int64_t)((lag < most ? lag : most) * 86400) * SECOND_US;
    }
    int64_t least = c->joined + (int64_t)(need * 86400 + 3600) * SECOND_US;
    if (need > 0 && c->stopped < least)
        c->stopped = least;
    if (c->suspended && leaking) {
        c->suspended_at = c->stopped;
    } else if (c->suspended && cohort == COHORT_LABELLED) {
        c->suspended_at = end - 1; /* stopped on the last day: no silence to learn from */
    }
}

static int64_t draw_amount(Random *r, Kind kind, double drift)
{
    const Money *m = &money[kind];
    double chance = random_uniform(r), euros;
    switch (kind) {
    case KIND_FEE:
        return chance < 0.60 ? 1499 : chance < 0.93 ? 999 : chance < 0.98 ? 499 : 0;
    case KIND_REWARD:
        return chance < 0.55 ? 1000 : 1 + (int64_t)random_below(r, 200);
    case KIND_MANUAL_IN:
        return chance < 0.9 ? 1000 : 1200;
    case KIND_CARD_OUT:
        if (chance < 0.12) /* a check of the card, without a payment */
            return 0;
        break;
    default:
        break;
    }
    euros = draw_log_normal(r, m->log_mean + 0.4 * drift, m->log_sd);
    if (euros > 15000)
        euros = 15000 * draw_between(r, 0.3, 1);
    if (draw_chance(r, m->round))
        return (int64_t)(euros / 10 + 0.5) < 1 ? 1000 : (int64_t)(euros / 10 + 0.5) * 1000;
    int64_t cents = (int64_t)(euros * 100 + 0.5);
    return cents < 1 ? 1 : cents;
}

static bool outgoing(Kind kind)
{
    return kind == KIND_CARD_OUT || kind == KIND_BANK_OUT || kind == KIND_ON_RAMP ||
           kind == KIND_FEE || kind == KIND_PAYMENT_OUT || kind == KIND_MANUAL_OUT;
}

static State draw_state(Random *r, Kind kind)
{
    double chance = random_uniform(r);
    switch (kind) {
    case KIND_CARD_OUT:
        return chance < 0.16 ? STATE_DECLINED : chance < 0.185 ? STATE_REVERSED : STATE_COMPLETED;
    case KIND_CARD_IN:
        return chance < 0.34 ? STATE_DECLINED : STATE_COMPLETED;
    case KIND_BANK_OUT:
        return chance < 0.075 ? STATE_FAILED : STATE_COMPLETED;
    case KIND_TOP_UP:
        return chance < 0.78 ? STATE_FAILED : STATE_COMPLETED;
    case KIND_ON_RAMP:
        return chance < 0.055 ? STATE_CANCELLED : chance < 0.07 ? STATE_FAILED : STATE_COMPLETED;
    case KIND_PAYMENT_OUT:
        return chance < 0.08 ? STATE_REVERSED : STATE_COMPLETED;
    default:
        return STATE_COMPLETED;
    }
}

/* Everyday spending respects the balance: a card is declined, other payments shrink to what is
 * there or become a payment in. */
static void settle_everyday(Event *e, Random *r, int64_t balance, double drift)
{
    e->amount = draw_amount(r, (Kind)e->kind, drift);
    e->state = (uint8_t)draw_state(r, (Kind)e->kind);
    if (!outgoing((Kind)e->kind) || e->amount <= balance || e->kind == KIND_FEE)
        return;
    if (e->kind == KIND_CARD_OUT) {
        if (balance < 300 || draw_chance(r, 0.20))
            e->state = STATE_DECLINED;
        else if (e->state != STATE_DECLINED)
            e->amount = (int64_t)((double)balance * draw_between(r, 0.05, 0.6));
    } else if (balance < 1000) {
        e->kind = KIND_BANK_IN;
        e->amount = draw_amount(r, KIND_BANK_IN, drift);
        e->state = STATE_COMPLETED;
    } else {
        e->amount = balance - (int64_t)((double)balance * draw_between(r, 0, 0.7));
    }
}

/* When the final state was reached, and whether the pending version was exported as well. */
static void complete(Event *e, Random *r, int64_t end)
{
    double seconds, pending, stuck = 0;
    switch ((Kind)e->kind) {
    case KIND_CARD_OUT:
        seconds = draw_log_normal(r, 11.0, 0.5);
        pending = e->state == STATE_DECLINED ? 0 : 0.93;
        stuck = e->state == STATE_COMPLETED ? 0.006 : 0;
        break;
    case KIND_CARD_IN:
        seconds = e->state == STATE_DECLINED ? 0 : draw_log_normal(r, 10.8, 0.5);
        pending = e->state == STATE_DECLINED ? 0 : 0.4;
        break;
    case KIND_BANK_IN:
        seconds = draw_log_normal(r, 2.3, 0.4);
        pending = 0;
        break;
    case KIND_BANK_OUT:
        seconds = draw_log_normal(r, 2.4, 0.4);
        pending = e->state == STATE_FAILED ? 0.9 : 0.2;
        stuck = 0.002;
        break;
    case KIND_TOP_UP:
        seconds = draw_log_normal(r, 1.6, 1.3);
        pending = e->state == STATE_FAILED ? 0.05 : 0.3;
        break;
    case KIND_ON_RAMP:
    case KIND_OFF_RAMP:
        seconds = draw_log_normal(r, 4.15, 0.25);
        pending = e->kind == KIND_ON_RAMP ? 0.3 : 0;
        stuck = e->kind == KIND_ON_RAMP ? 0.003 : 0;
        break;
    case KIND_FEE:
        pending = 0.55;
        seconds = draw_log_normal(r, 11.5, 1.3);
        stuck = 0.25;
        break;
    default:
        seconds = 0;
        pending = e->kind == KIND_PAYMENT_OUT ? 0.1 : 0;
        break;
    }
    if (e->forced && seconds > 3600) /* what is planted is over when the extract is made */
        seconds = 3600;
    double settle = random_uniform(r), share = draw_between(r, 0.7, 1.25);
    bool shown = draw_chance(r, pending), stays = draw_chance(r, stuck) && !e->forced;
    if (!shown && e->kind != KIND_BANK_OUT)
        seconds = seconds > 3600 ? 0 : seconds;
    e->pending_row = shown;
    e->asked = e->amount;
    if (shown && e->kind == KIND_CARD_OUT && e->state == STATE_COMPLETED && e->amount > 0 &&
        settle < 0.045 && !e->forced) {
        int64_t other = (int64_t)((double)e->amount * share);
        e->amount = other < 1 ? 1 : other;
    }
    e->completed = e->created + (int64_t)(seconds * 1e6);
    if (stays || e->completed >= end) {
        e->state = STATE_PENDING;
        e->completed = 0;
        e->amount = e->asked;
        e->pending_row = false;
    }
}

static uint8_t draw_category(Random *r, Kind kind)
{
    static const uint16_t shops[] = {350, 120, 95, 95, 90, 55, 50, 45, 30, 15, 10};
    switch (kind) {
    case KIND_CARD_OUT:
    case KIND_CARD_IN:
        return (uint8_t)(5 + draw_weighted(r, shops, COUNT_OF(shops)));
    case KIND_ON_RAMP:
    case KIND_OFF_RAMP:
        return 1;
    case KIND_TOP_UP:
        return 2;
    case KIND_FEE:
    case KIND_MANUAL_IN:
    case KIND_MANUAL_OUT:
        return 3;
    case KIND_REWARD:
        return 4;
    default:
        return 0;
    }
}

static int by_time(const void *left, const void *right)
{
    const Event *a = left, *b = right;
    if (a->created != b->created)
        return a->created < b->created ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static void everyday_times(Customer *c, Random *r, double drift)
{
    double days = (double)(c->stopped - c->joined) / (double)DAY_US;
    double rate = draw_log_normal(r, -0.75 + 0.3 * drift, 1.1);
    double wanted = draw_between(r, 0, 2.5) + rate * days;
    size_t count = wanted > EVERYDAY_MAX ? EVERYDAY_MAX : (size_t)wanted;
    /* The first event brings money, otherwise there is nothing to do. */
    (void)event_add(c, c->joined, draw_chance(r, 0.55) ? KIND_BANK_IN : KIND_TOP_UP);
    for (size_t i = 0; i < count; i++) {
        int64_t at = c->joined + (int64_t)(draw_between(r, 0, days) * 86400) * SECOND_US;
        int64_t awake = waking(r, at);
        if (awake > c->joined && awake < c->stopped)
            at = awake;
        Kind kind = (Kind)draw_weighted(r, kind_weight, KINDS);
        double crypto = random_uniform(r); /* the scored cohort pays less by card */
        if (kind == KIND_CARD_OUT && crypto < 0.2 * drift)
            kind = crypto < 0.12 * drift ? KIND_ON_RAMP : KIND_OFF_RAMP;
        (void)event_add(c, at, kind);
    }
}

/* An operator pays out what a suspended account still held. */
static void clear_balance(Customer *c, Random *r, int64_t balance, int64_t end)
{
    if (c->suspended_at == 0 || balance < 2000 || !draw_chance(r, 0.12))
        return;
    int64_t at = c->suspended_at + (int64_t)(draw_between(r, 0.1, 2) * 86400) * SECOND_US;
    if (at >= end)
        return;
    Event *e = event_add(c, at, KIND_MANUAL_OUT);
    e->forced = true;
    e->state = STATE_COMPLETED;
    e->amount = balance;
}

static void walk(Customer *c, Random *r, int64_t end, double drift)
{
    int64_t balance = 0;
    for (size_t i = 0; i < c->events; i++) {
        Event *e = &c->event[i];
        if (!e->forced)
            settle_everyday(e, r, balance, drift);
        if (e->state == STATE_COMPLETED)
            balance += outgoing((Kind)e->kind) ? -e->amount : e->amount;
        if (i + 1 == c->events && e->kind != KIND_MANUAL_OUT)
            clear_balance(c, r, balance, end); /* may add one more */
        complete(e, r, end);
        e->category = draw_category(r, (Kind)e->kind);
        e->id = draw_uuid(r);
        e->reference = draw_uuid(r);
    }
}

void history_draw(Customer *c, Random *r, const SynthOptions *o)
{
    double drift = drift_of(c, o);
    bool silent = draw_chance(r, c->suspended ? 0.05 : c->cohort == COHORT_LABELLED ? 0.39 : 0.33);
    if (silent && !o->clean && c->cohort != COHORT_UNKNOWN && typology_days(c->planted) == 0) {
        typology_plant(c, r); /* what the profile alone shows has an onset too */
        return;
    }
    everyday_times(c, r, drift);
    typology_plant(c, r);
    int64_t last = 0;
    for (size_t i = 0; i < c->events; i++) {
        c->event[i].order = (uint32_t)i;
        last = c->event[i].created > last ? c->event[i].created : last;
    }
    if (c->suspended_at != 0 && last > c->suspended_at)
        c->suspended_at = last; /* nobody acts after it */
    qsort(c->event, c->events, sizeof c->event[0], by_time);
    walk(c, r, end_of(o), drift);
}
