/* recipe.c - what each pattern leaves in the transactions.
 *
 * Sums and lags of the first patterns are those that held in the home task's mature accounts;
 * of the others, those by which supervisors and the industry describe them (docs/synth.md).
 * Everything planted is final, so that the truth file never claims what the transactions do
 * not show. */
#include "synth/synth_internal.h"

static int64_t cents(double euros)
{
    return (int64_t)(euros * 100 + 0.5);
}

static int64_t later(Random *r, int64_t from, double low_hours, double high_hours)
{
    double seconds = draw_between(r, low_hours, high_hours) * 3600;
    return from + (int64_t)seconds * SECOND_US + (int64_t)random_below(r, (uint64_t)SECOND_US);
}

static void force(const Stage *s, int64_t created, Kind kind, State state, int64_t amount)
{
    Event *e = event_add(s->customer, created, kind);
    e->forced = true;
    e->pattern = s->pattern;
    e->state = (uint8_t)state;
    e->amount = e->asked = amount;
}

static void done(const Stage *s, int64_t created, Kind kind, int64_t amount)
{
    force(s, created, kind, STATE_COMPLETED, amount);
}

static int64_t credit(Random *r, double median_log)
{
    double euros = draw_log_normal(r, median_log, 0.8);
    if (draw_chance(r, 0.5)) /* half of what people send is a round sum */
        euros = (double)(int64_t)(euros / 50 + 1) * 50;
    return cents(euros > 9000 ? 9000 : euros < 60 ? 60 + euros / 10 : euros);
}

static int64_t euros_between(Random *r, double low, double high)
{
    return cents(draw_between(r, low, high));
}

static int64_t part(Random *r, int64_t amount, double low, double high)
{
    double share = draw_between(r, low, high);
    return (int64_t)((double)amount * share);
}

static size_t from_to(Random *r, size_t low, size_t high)
{
    return low + (size_t)random_below(r, high - low + 1);
}

/* The moment of one cycle, with `hours` left before the end of the stage. */
static int64_t moment(const Stage *s, int64_t hours)
{
    int64_t room = s->until - s->from - hours * HOUR_US;
    return s->from + (room > 0 ? (int64_t)random_below(s->random, (uint64_t)room) : 0);
}

/* The moment of the i-th of `count` equal parts of the stage. */
static int64_t moment_of(const Stage *s, size_t i, size_t count, int64_t hours)
{
    int64_t size = (s->until - s->from) / (int64_t)count;
    Stage own = *s;
    own.from = s->from + (int64_t)i * size;
    own.until = own.from + size;
    return moment(&own, hours);
}

static void plant_pass_through(const Stage *s)
{
    Random *r = s->random;
    size_t cycles = from_to(r, 2, 5);
    int64_t amount[5] = {0}, sum = 0;
    for (size_t i = 0; i < cycles; i++) {
        amount[i] = credit(r, 5.7);
        sum += amount[i];
    }
    if (sum < 100000) /* less than a thousand euros passes unseen */
        amount[0] += 100000 - sum;
    for (size_t i = 0; i < cycles; i++) {
        int64_t at = moment(s, 8);
        done(s, at, KIND_BANK_IN, amount[i]);
        int64_t gone = part(r, amount[i], 0.82, 1.0);
        bool two = draw_chance(r, 0.35);
        int64_t first = two ? part(r, gone, 0.3, 0.7) : gone;
        done(s, later(r, at, 0.1, 3), KIND_BANK_OUT, first);
        if (two)
            done(s, later(r, at, 3.1, 6), KIND_BANK_OUT, gone - first);
    }
}

static void plant_funnel(const Stage *s)
{
    Random *r = s->random;
    size_t credits = from_to(r, 6, 11), exits = from_to(r, 1, 2);
    int64_t sum = 0;
    Stage week = *s; /* quiet days before and after, so that any window of a week shows it */
    week.from += DAY_US;
    week.until -= 2 * DAY_US;
    for (size_t i = 0; i < credits; i++) {
        int64_t at = moment_of(&week, i, credits, 6), amount = euros_between(r, 40, 700);
        done(s, at, KIND_BANK_IN, amount);
        sum += amount;
    }
    int64_t gone = part(r, sum, 0.85, 0.97);
    for (size_t i = 0; i < exits; i++) {
        int64_t at = later(r, week.until, -5, -1);
        done(s, at, KIND_BANK_OUT, gone / (int64_t)exits);
    }
}

/* Under 1,000 euros, at times under 10,000: the lowest tenth below the threshold. */
static void plant_structuring(const Stage *s)
{
    Random *r = s->random;
    double threshold = draw_chance(r, 0.9) ? 1000 : 10000;
    size_t times = from_to(r, 3, 6);
    bool sends = draw_chance(r, 0.4);
    if (sends)
        done(s, s->from, KIND_BANK_IN, cents(threshold * (double)times));
    for (size_t i = 0; i < times; i++) {
        int64_t at = moment_of(s, i, times, 2);
        int64_t amount = cents(threshold) - 1 - part(r, cents(threshold), 0, 0.09);
        done(s, at + HOUR_US, sends ? KIND_BANK_OUT : KIND_BANK_IN, amount);
    }
}

static void plant_card_testing(const Stage *s)
{
    Random *r = s->random;
    int64_t at = moment(s, 30), large = euros_between(r, 100, 900);
    done(s, at, KIND_TOP_UP, large + 2000);
    at = later(r, at, 0.2, 2);
    size_t tries = from_to(r, 3, 6), refused = from_to(r, 0, 3);
    for (size_t i = 0; i < tries + refused; i++) {
        int64_t then = later(r, at, 0, 0.9);
        force(s, then, KIND_CARD_OUT, i < tries ? STATE_COMPLETED : STATE_DECLINED,
              euros_between(r, 0.01, 2));
    }
    done(s, later(r, at, 1, 20), KIND_CARD_OUT, large);
}

static void plant_stolen_card(const Stage *s)
{
    Random *r = s->random;
    size_t cycles = from_to(r, 1, 2);
    for (size_t i = 0; i < cycles; i++) {
        int64_t at = moment(s, 10), amount = credit(r, 5.0);
        size_t failures = from_to(r, 2, 4);
        for (size_t k = 0; k < failures; k++) {
            force(s, at, KIND_TOP_UP, STATE_FAILED, amount);
            at = later(r, at, 0.005, 0.04);
        }
        done(s, at, KIND_TOP_UP, amount);
        at = later(r, at, 0.1, 8);
        done(s, at, KIND_ON_RAMP, part(r, amount, 0.85, 1.0));
    }
}

static void plant_top_up_cycling(const Stage *s)
{
    Random *r = s->random;
    size_t cycles = from_to(r, 3, 5);
    for (size_t i = 0; i < cycles; i++) {
        int64_t at = moment_of(s, i, cycles, 22), amount = euros_between(r, 60, 500);
        done(s, at, KIND_TOP_UP, amount);
        int64_t gone = part(r, amount, 0.92, 0.99);
        bool two = draw_chance(r, 0.4);
        int64_t first = two ? gone / 2 : gone;
        Kind kind = draw_chance(r, 0.6) ? KIND_BANK_OUT : KIND_PAYMENT_OUT;
        done(s, later(r, at, 0.2, 8), kind, first);
        if (two)
            done(s, later(r, at, 8.1, 20), kind, gone - first);
    }
}

static void plant_first_party(const Stage *s)
{
    Random *r = s->random;
    size_t times = from_to(r, 3, 6);
    int64_t amount[6] = {0}, sum = 0;
    for (size_t i = 0; i < times; i++) {
        amount[i] = euros_between(r, 110, 700);
        sum += amount[i];
    }
    done(s, s->from, KIND_BANK_IN, sum);
    for (size_t i = 0; i < times; i++)
        force(s, moment_of(s, i, times, 2) + HOUR_US, KIND_CARD_OUT, STATE_REVERSED, amount[i]);
}

/* Small card payments of a week and a half make the own pattern; then another hand. */
static void plant_takeover(const Stage *s)
{
    Random *r = s->random;
    Stage ordinary = *s, other = *s;
    ordinary.pattern = 0;
    ordinary.until = other.from = s->until - DAY_US;
    size_t payments = from_to(r, 10, 18), transfers = from_to(r, 1, 3);
    done(&ordinary, s->from, KIND_BANK_IN, euros_between(r, 1500, 6000));
    for (size_t i = 0; i < payments; i++) {
        int64_t then = moment_of(&ordinary, i, payments, 1) + MINUTE_US;
        done(&ordinary, then, KIND_CARD_OUT, euros_between(r, 8, 40));
    }
    int64_t at = moment(&other, 8);
    Kind kind = draw_chance(r, 0.5) ? KIND_PAYMENT_OUT : KIND_ON_RAMP; /* never used before */
    for (size_t i = 0; i < transfers; i++) {
        done(s, at, kind, euros_between(r, 900, 3000));
        at = later(r, at, 0.1, 2);
    }
}

static void plant_bonus(const Stage *s)
{
    Random *r = s->random;
    size_t rewards = from_to(r, 3, 6);
    int64_t at = moment(s, 50), sum = 0;
    for (size_t i = 0; i < rewards; i++) {
        int64_t amount = draw_chance(r, 0.7) ? 1000 : 2500;
        done(s, at, KIND_REWARD, amount);
        sum += amount;
        at = later(r, at, 0.2, 2);
    }
    at = later(r, at, 0.1, 6);
    Kind kind = draw_chance(r, 0.5) ? KIND_BANK_OUT : KIND_PAYMENT_OUT;
    done(s, at, kind, part(r, sum, 0.92, 1));
}

static void plant_burst(const Stage *s)
{
    Random *r = s->random;
    size_t pairs = from_to(r, 3, 6);
    int64_t start = s->until - DAY_US; /* all before it is silence */
    for (size_t i = 0; i < pairs; i++) {
        int64_t in = later(r, start, 0, 16), amount = credit(r, 6.0);
        done(s, in, KIND_BANK_IN, amount);
        int64_t out = later(r, in, 0.1, 5);
        Kind kind = draw_chance(r, 0.5) ? KIND_BANK_OUT : KIND_ON_RAMP;
        done(s, out, kind, part(r, amount, 0.7, 1.0));
    }
}

static void plant_layering(const Stage *s)
{
    Random *r = s->random;
    size_t rounds = from_to(r, 2, 4);
    int64_t amount = euros_between(r, 500, 4000);
    done(s, s->from, KIND_BANK_IN, amount);
    for (size_t i = 0; i < rounds; i++) {
        int64_t at = moment_of(s, i, rounds, 30) + HOUR_US;
        amount = part(r, amount, 0.95, 1);
        done(s, at, KIND_ON_RAMP, amount);
        amount = part(r, amount, 0.92, 1);
        done(s, later(r, at, 0.3, 20), KIND_OFF_RAMP, amount);
    }
    int64_t last = later(r, s->until, -6, -1);
    done(s, last, KIND_BANK_OUT, part(r, amount, 0.9, 1));
}

static void plant_bank_to_crypto(const Stage *s)
{
    Random *r = s->random;
    size_t cycles = from_to(r, 1, 3);
    for (size_t i = 0; i < cycles; i++) {
        int64_t at = moment(s, 50), amount = credit(r, 5.7);
        done(s, at, KIND_BANK_IN, amount);
        int64_t then = later(r, at, 0.1, draw_chance(r, 0.3) ? 48 : 6);
        done(s, then, KIND_ON_RAMP, part(r, amount, 0.8, 1.0));
    }
}

static void plant_outflow(const Stage *s)
{
    Random *r = s->random;
    size_t times = from_to(r, 2, 4);
    for (size_t i = 0; i < times; i++) {
        int64_t at = moment(s, 2), amount = credit(r, 5.5);
        done(s, at, draw_chance(r, 0.6) ? KIND_BANK_OUT : KIND_ON_RAMP, amount);
    }
}

/* ---- what looks alike ---- */

static void plant_salary(const Stage *s)
{
    Random *r = s->random;
    int64_t salary = euros_between(r, 1300, 3600), at = s->from + HOUR_US;
    double share = draw_between(r, 0.75, 0.95);
    for (int month = 0; month < 2; month++) {
        done(s, at, KIND_BANK_IN, salary);
        int64_t then = later(r, at, 1, 20);
        done(s, then, KIND_BANK_OUT, part(r, salary, share, share));
        at += 30 * DAY_US;
    }
}

static void plant_saver(const Stage *s)
{
    Random *r = s->random;
    int64_t amount = 1000 * (int64_t)from_to(r, 5, 30); /* tens */
    for (int64_t week = 0; week < 4; week++) {
        int64_t at = later(r, s->from + week * 7 * DAY_US, 0, 10);
        done(s, at, KIND_BANK_IN, amount);
        done(s, later(r, at, 0.5, 12), KIND_ON_RAMP, amount);
    }
}

const Recipe recipes[PATTERNS] = {
    [TYPOLOGY_PASS_THROUGH] = {"pass_through", 9, QUIET_MONEY, plant_pass_through},
    [TYPOLOGY_FUNNEL] = {"funnel", 9, QUIET_MONEY, plant_funnel},
    [TYPOLOGY_STRUCTURING] = {"structuring", 6, QUIET_MONEY, plant_structuring},
    [TYPOLOGY_CARD_TESTING] = {"card_testing", 4, QUIET_ALL, plant_card_testing},
    [TYPOLOGY_STOLEN_CARD_TO_CRYPTO] = {"stolen_card_to_crypto", 7, QUIET_MONEY, plant_stolen_card},
    [TYPOLOGY_TOP_UP_CYCLING] = {"top_up_cycling", 8, QUIET_MONEY, plant_top_up_cycling},
    [TYPOLOGY_FIRST_PARTY_ABUSE] = {"first_party_abuse", 7, QUIET_ALL, plant_first_party},
    [TYPOLOGY_ACCOUNT_TAKEOVER] = {"account_takeover", 11, QUIET_BEFORE, plant_takeover},
    [TYPOLOGY_BONUS_ABUSE] = {"bonus_abuse", 5, QUIET_ALL, plant_bonus},
    [TYPOLOGY_DORMANT_BURST] = {"dormant_burst", 17, QUIET_ALL, plant_burst},
    [TYPOLOGY_SYNTHETIC_IDENTITY] = {"synthetic_identity", 0, QUIET_NOT, NULL},
    [TYPOLOGY_GEO_MISMATCH] = {"geo_mismatch", 0, QUIET_NOT, NULL},
    [TYPOLOGY_CRYPTO_LAYERING] = {"crypto_layering", 7, QUIET_MONEY, plant_layering},
    [TYPOLOGY_BANK_TO_CRYPTO] = {"bank_to_crypto", 9, QUIET_MONEY, plant_bank_to_crypto},
    [TYPOLOGY_OUTFLOW_ABOVE_INFLOW] = {"outflow_above_inflow", 9, QUIET_MONEY, plant_outflow},
    [LOOKALIKE_SALARY_FORWARDER] = {"salary_forwarder", 32, QUIET_NOT, plant_salary},
    [LOOKALIKE_CRYPTO_SAVER] = {"crypto_saver", 23, QUIET_NOT, plant_saver},
};
