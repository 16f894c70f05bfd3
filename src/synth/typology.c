/* typology.c - what is planted, more often in those who are suspended.
 *
 * The patterns are those that held in the home task's mature accounts. Everything planted is
 * completed, so that the truth file never claims what the transactions do not show. */
#include "synth/synth_internal.h"

static const char *const names[] = {"pass_through", "bank_to_crypto", "top_up_cycling",
                                    "outflow_above_inflow", "dormant_burst"};

const char *typology_name(Typology typology)
{
    return names[typology];
}

static int64_t cents(double euros)
{
    return (int64_t)(euros * 100 + 0.5);
}

static int64_t later(Random *r, int64_t from, double low_hours, double high_hours)
{
    double seconds = draw_between(r, low_hours, high_hours) * 3600;
    return from + (int64_t)seconds * SECOND_US + (int64_t)random_below(r, (uint64_t)SECOND_US);
}

static void force(Customer *c, int64_t created, Kind kind, State state, int64_t amount)
{
    Event *e = event_add(c, created, kind);
    if (e == NULL)
        return;
    e->forced = true;
    e->state = (uint8_t)state;
    e->amount = e->asked = amount;
}

static int64_t credit(Random *r, double median_log)
{
    double euros = draw_log_normal(r, median_log, 0.8);
    if (draw_chance(r, 0.5)) /* half of what people send is a round sum */
        euros = (double)(int64_t)(euros / 50 + 1) * 50;
    return cents(euros > 9000 ? 9000 : euros < 60 ? 60 + euros / 10 : euros);
}

static int64_t part(Random *r, int64_t amount, double low, double high)
{
    double share = draw_between(r, low, high);
    return (int64_t)((double)amount * share);
}

/* The moment of one cycle, with `hours` left before the end of the window. */
static int64_t moment(Random *r, int64_t from, int64_t until, int64_t hours)
{
    int64_t room = until - from - hours * HOUR_US;
    return from + (room > 0 ? (int64_t)random_below(r, (uint64_t)room) : 0);
}

static void plant_pass_through(Customer *c, Random *r, int64_t from, int64_t until)
{
    size_t cycles = 2 + (size_t)random_below(r, 4);
    for (size_t i = 0; i < cycles; i++) {
        int64_t at = moment(r, from, until, 8), amount = credit(r, 5.7);
        force(c, at, KIND_BANK_IN, STATE_COMPLETED, amount);
        int64_t gone = part(r, amount, 0.82, 1.0);
        bool two = draw_chance(r, 0.35);
        int64_t first = two ? part(r, gone, 0.3, 0.7) : gone;
        force(c, later(r, at, 0.1, 3), KIND_BANK_OUT, STATE_COMPLETED, first);
        if (two)
            force(c, later(r, at, 3.1, 6), KIND_BANK_OUT, STATE_COMPLETED, gone - first);
    }
}

static void plant_bank_to_crypto(Customer *c, Random *r, int64_t from, int64_t until)
{
    bool roomy = until - from > 3 * DAY_US;
    size_t cycles = 1 + (size_t)random_below(r, 3);
    for (size_t i = 0; i < cycles; i++) {
        int64_t at = moment(r, from, until, roomy ? 50 : 7), amount = credit(r, 5.7);
        force(c, at, KIND_BANK_IN, STATE_COMPLETED, amount);
        int64_t then = later(r, at, 0.1, roomy && draw_chance(r, 0.3) ? 48 : 6);
        force(c, then, KIND_ON_RAMP, STATE_COMPLETED, part(r, amount, 0.8, 1.0));
    }
}

static void plant_top_up_cycling(Customer *c, Random *r, int64_t from, int64_t until)
{
    size_t cycles = 1 + (size_t)random_below(r, 2);
    for (size_t i = 0; i < cycles; i++) {
        int64_t at = moment(r, from, until, 10), amount = credit(r, 5.0);
        size_t failures = 2 + (size_t)random_below(r, 3);
        for (size_t k = 0; k < failures; k++) {
            force(c, at, KIND_TOP_UP, STATE_FAILED, amount);
            at = later(r, at, 0.005, 0.04);
        }
        force(c, at, KIND_TOP_UP, STATE_COMPLETED, amount);
        at = later(r, at, 0.1, 8);
        force(c, at, KIND_ON_RAMP, STATE_COMPLETED, part(r, amount, 0.85, 1.0));
    }
}

static void plant_outflow(Customer *c, Random *r, int64_t from, int64_t until)
{
    size_t times = 2 + (size_t)random_below(r, 3);
    for (size_t i = 0; i < times; i++) {
        int64_t at = moment(r, from, until, 2), amount = credit(r, 5.5);
        force(c, at, draw_chance(r, 0.6) ? KIND_BANK_OUT : KIND_ON_RAMP, STATE_COMPLETED, amount);
    }
}

/* Background events of the two weeks before the burst are taken out: the account sleeps. */
static bool plant_burst(Customer *c, Random *r)
{
    int64_t room = c->stopped - c->joined - 17 * DAY_US;
    if (room <= 0)
        return false;
    int64_t at = c->joined + 16 * DAY_US + (int64_t)random_below(r, (uint64_t)room);
    size_t kept = 0;
    for (size_t i = 0; i < c->events; i++)
        if (c->event[i].forced || c->event[i].created < at - 15 * DAY_US ||
            c->event[i].created >= at)
            c->event[kept++] = c->event[i];
    c->events = kept;
    size_t pairs = 3 + (size_t)random_below(r, 4);
    for (size_t i = 0; i < pairs; i++) {
        int64_t in = later(r, at, 0, 16), amount = credit(r, 6.0);
        force(c, in, KIND_BANK_IN, STATE_COMPLETED, amount);
        int64_t out = later(r, in, 0.1, 5);
        Kind kind = draw_chance(r, 0.5) ? KIND_BANK_OUT : KIND_ON_RAMP;
        force(c, out, kind, STATE_COMPLETED, part(r, amount, 0.7, 1.0));
    }
    return true;
}

static void plant(Customer *c, Random *r, Typology typology)
{
    int64_t span = c->stopped - c->joined;
    if ((c->planted & (1u << typology)) != 0 || span < 12 * HOUR_US)
        return;
    int64_t from = c->joined + MINUTE_US + (int64_t)(draw_between(r, 0, 0.3) * (double)span);
    if (from > c->joined + 5 * DAY_US)
        from = c->joined + (int64_t)random_below(r, (uint64_t)(5 * DAY_US)) + MINUTE_US;
    int64_t until = from + 9 * DAY_US < c->stopped ? from + 9 * DAY_US : c->stopped;
    switch (typology) {
    case TYPOLOGY_PASS_THROUGH:
        plant_pass_through(c, r, from, until);
        break;
    case TYPOLOGY_BANK_TO_CRYPTO:
        plant_bank_to_crypto(c, r, from, until);
        break;
    case TYPOLOGY_TOP_UP_CYCLING:
        plant_top_up_cycling(c, r, from, until);
        break;
    case TYPOLOGY_OUTFLOW_ABOVE_INFLOW:
        plant_outflow(c, r, from, until);
        break;
    default:
        if (c->planted != 0 || !plant_burst(c, r))
            return;
        break;
    }
    c->planted |= 1u << typology;
}

void typology_plant(Customer *c, Random *r)
{
    static const uint16_t weight[TYPOLOGIES] = {38, 20, 14, 16, 12};
    size_t times = draw_chance(r, c->suspended ? 0.62 : 0.15);
    if (c->suspended)
        times += draw_chance(r, 0.25);
    for (size_t i = 0; i < times; i++)
        plant(c, r, (Typology)draw_weighted(r, weight, TYPOLOGIES));
}
