/* typology.c - which patterns a customer follows, and when.
 *
 * They are more often those of who is suspended. Patterns follow each other in time and do not
 * overlap, so that each is in the transactions as its recipe made it. */
#include "synth/synth_internal.h"

static const unsigned in_profile = 1u << TYPOLOGY_SYNTHETIC_IDENTITY | 1u << TYPOLOGY_GEO_MISMATCH;

const char *typology_name(Typology typology)
{
    return recipes[typology].name;
}

double drift_of(const Customer *c, const SynthOptions *o)
{
    return c->cohort == COHORT_LABELLED ? 0 : o->drift;
}

/* With drift the commonest patterns of the labelled cohort go out of fashion in the scored one,
 * and the others come up. */
static double share_of(const Customer *c, const SynthOptions *o, unsigned typology)
{
    static const unsigned common = 1u << TYPOLOGY_PASS_THROUGH | 1u << TYPOLOGY_BANK_TO_CRYPTO |
                                   1u << TYPOLOGY_STOLEN_CARD_TO_CRYPTO |
                                   1u << TYPOLOGY_OUTFLOW_ABOVE_INFLOW;
    double drift = drift_of(c, o);
    double change = (common >> typology & 1) != 0 ? 1 - 0.6 * drift : 1 + 1.5 * drift;
    return o->share[typology] * change * (c->suspended ? 1 : o->overlap);
}

void typology_choose(Customer *c, Random *r, const SynthOptions *o)
{
    c->planted = 0;
    for (unsigned t = 0; t < TYPOLOGIES; t++)
        if (draw_chance(r, share_of(c, o, t)))
            c->planted |= 1u << t;
    if (c->cohort == COHORT_UNKNOWN) /* has no profile */
        c->planted &= ~in_profile;
    /* A takeover is a break with an otherwise ordinary account. */
    if ((c->planted & 1u << TYPOLOGY_ACCOUNT_TAKEOVER) != 0)
        c->planted &= in_profile | 1u << TYPOLOGY_ACCOUNT_TAKEOVER;
    bool alike = draw_chance(r, o->lookalikes), saver = draw_chance(r, 0.5);
    if (alike && !c->suspended && c->planted == 0)
        c->planted = 1u << (saver ? LOOKALIKE_CRYPTO_SAVER : LOOKALIKE_SALARY_FORWARDER);
}

double typology_days(unsigned planted)
{
    int days = 0;
    for (unsigned t = 0; t < PATTERNS; t++)
        if ((planted >> t & 1) != 0)
            days += recipes[t].days;
    return days;
}

/* Take the everyday events out of a stretch of time: all, or those that move money otherwise
 * than by card. */
static void hush(Customer *c, int64_t from, int64_t until, bool cards_too)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->events; i++) {
        const Event *e = &c->event[i];
        bool card = e->kind == KIND_CARD_OUT || e->kind == KIND_CARD_IN || e->kind == KIND_FEE;
        if (e->forced || e->created < from || e->created >= until || (card && !cards_too))
            c->event[kept++] = *e;
    }
    c->events = kept;
}

static void plant(Customer *c, Random *r, unsigned t, int64_t *cursor)
{
    const Recipe *recipe = &recipes[t];
    int64_t from = *cursor, until = from + recipe->days * DAY_US;
    *cursor = until;
    if (recipe->quiet != QUIET_NOT)
        hush(c, recipe->quiet == QUIET_BEFORE ? c->joined + 1 : from, until,
             recipe->quiet != QUIET_MONEY);
    recipe->plant(&(Stage){c, r, from, until, (uint8_t)(1 + t)});
}

void typology_plant(Customer *c, Random *r)
{
    int64_t spare = c->stopped - c->joined - (int64_t)typology_days(c->planted) * DAY_US;
    double start = draw_between(r, 0, 0.3);
    int64_t wait = (int64_t)(start * (double)spare);
    int64_t cursor = c->joined + MINUTE_US + (wait > 5 * DAY_US ? 5 * DAY_US : wait > 0 ? wait : 0);
    for (unsigned t = 0; t < PATTERNS; t++)
        if ((c->planted >> t & 1) != 0 && recipes[t].days > 0 && t != TYPOLOGY_DORMANT_BURST)
            plant(c, r, t, &cursor);
    /* Last, for it wants silence before it. */
    if ((c->planted & 1u << TYPOLOGY_DORMANT_BURST) != 0)
        plant(c, r, TYPOLOGY_DORMANT_BURST, &cursor);
    for (unsigned t = 0; t < PATTERNS; t++)
        c->onset[t] = c->joined;
    bool seen[PATTERNS] = {false};
    for (size_t i = 0; i < c->events; i++) {
        const Event *e = &c->event[i];
        if (e->pattern == 0)
            continue;
        unsigned t = e->pattern - 1u;
        if (!seen[t] || e->created < c->onset[t])
            c->onset[t] = e->created;
        seen[t] = true;
    }
}
