/* synth_internal.h - one made-up customer, in memory of a fixed size. */
#ifndef SYNTH_SYNTH_INTERNAL_H
#define SYNTH_SYNTH_INTERNAL_H

#include "synth/synth.h"

#define EVENTS_MAX   768
#define VERSIONS_MAX 6

typedef struct Uuid {
    uint64_t high, low;
} Uuid;

typedef enum Cohort { COHORT_LABELLED, COHORT_UNLABELLED, COHORT_UNKNOWN } Cohort;

typedef struct Profile {
    Uuid session;
    const char *residence, *phone, *reason, *occupation, *kyc, *gender, *document, *screening;
    char locale[8];
    bool biometrics;
    int64_t born;   /* days since 1970 */
    bool suspended; /* as written in this version */
} Profile;

typedef enum Kind {
    KIND_CARD_OUT,
    KIND_BANK_IN,
    KIND_BANK_OUT,
    KIND_TOP_UP,
    KIND_ON_RAMP,
    KIND_FEE,
    KIND_OFF_RAMP,
    KIND_PAYMENT_OUT,
    KIND_PAYMENT_IN,
    KIND_REWARD,
    KIND_CARD_IN,
    KIND_MANUAL_IN,
    KIND_MANUAL_OUT,
    KINDS
} Kind;

typedef enum State {
    STATE_PENDING,
    STATE_COMPLETED,
    STATE_FAILED,
    STATE_DECLINED,
    STATE_REVERSED,
    STATE_CANCELLED
} State;

typedef struct Event {
    Uuid id, reference;
    int64_t created, completed; /* completed: 0 while pending */
    int64_t amount, asked;      /* cents: settled, and as first asked for */
    uint32_t order;             /* of making, to keep sorting stable */
    uint8_t kind, state, category;
    bool pending_row; /* the pending version was exported too */
    bool forced;      /* part of a typology: amount and state are fixed */
} Event;

typedef struct Customer {
    Uuid id;
    Cohort cohort;
    bool suspended; /* the truth */
    bool contradictory;
    int64_t joined, stopped; /* first and last moment of activity */
    int64_t suspended_at;    /* 0: never, or not yet */
    unsigned planted;        /* bit per Typology */
    size_t versions;
    Profile version[VERSIONS_MAX];
    size_t events;
    Event event[EVENTS_MAX]; /* by time */
} Customer;

/* ---- draw.c: chance ----
 *
 * Two draws never stand in one expression or argument list: C leaves their order to the
 * compiler, and the bytes would differ between compilers. */
bool draw_chance(Random *r, double probability);
size_t draw_weighted(Random *r, const uint16_t *weight, size_t count);
double draw_between(Random *r, double low, double high);
double draw_log_normal(Random *r, double log_mean, double log_sd);
Uuid draw_uuid(Random *r);

/* ---- profile.c: who the customer says to be ---- */
void profile_draw(Customer *c, Random *r, const SynthOptions *o);

/* ---- history.c: what the customer does ---- */
void history_draw(Customer *c, Random *r, const SynthOptions *o);
/* Set cohort, truth and dates; `cohort` is given. */
void customer_draw(Customer *c, Random *r, const SynthOptions *o, Cohort cohort);

/* ---- typology.c: what is planted ---- */
void typology_plant(Customer *c, Random *r);

static inline Event *event_add(Customer *c, int64_t created, Kind kind)
{
    if (c->events == EVENTS_MAX)
        return NULL;
    Event *e = &c->event[c->events];
    *e = (Event){.created = created, .kind = (uint8_t)kind, .order = (uint32_t)c->events};
    c->events++;
    return e;
}

#endif
