/* synth_internal.h - one made-up customer, in memory of a fixed size. */
#ifndef SYNTH_SYNTH_INTERNAL_H
#define SYNTH_SYNTH_INTERNAL_H

#include "synth/synth.h"

#include <assert.h>

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
    uint8_t pattern;  /* 1 + the Typology that it is part of, or 0 */
    bool pending_row; /* the pending version was exported too */
    bool forced;      /* amount and state are fixed */
} Event;

typedef struct Customer {
    Uuid id;
    Cohort cohort;
    bool suspended; /* the truth */
    bool contradictory;
    bool mislabelled;
    bool twin;               /* the one before once more, under another id */
    int64_t joined, stopped; /* first and last moment of activity */
    int64_t suspended_at;    /* 0: never, or not yet */
    unsigned planted;        /* bit per Typology; what is chosen is planted */
    int64_t onset[PATTERNS]; /* first transaction of each that is planted; of a profile, joined */
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
void profile_draw(Customer *c, Random *r, Random *noise, const SynthOptions *o);

/* ---- history.c: what the customer does ---- */
void history_draw(Customer *c, Random *r, const SynthOptions *o);
/* Set cohort, truth and dates; `cohort` is given. */
void customer_draw(Customer *c, Random *r, const SynthOptions *o, Cohort cohort);

/* ---- typology.c: which patterns a customer follows, when, and how long it takes ---- */
void typology_choose(Customer *c, Random *r, const SynthOptions *o);
double typology_days(unsigned planted); /* of a life that holds them all */
void typology_plant(Customer *c, Random *r);
double drift_of(const Customer *c, const SynthOptions *o);

/* ---- recipe.c: what each pattern leaves in the transactions ---- */
typedef struct Stage {
    Customer *customer;
    Random *random;
    int64_t from, until;
    uint8_t pattern; /* 1 + Typology, for the events */
} Stage;

/* What of everyday life is left out while it lasts. */
typedef enum Quiet {
    QUIET_NOT,
    QUIET_MONEY, /* all but cards and fees */
    QUIET_ALL,
    QUIET_BEFORE /* all, from the account's first event on */
} Quiet;

typedef struct Recipe {
    const char *name;
    int days; /* how long it takes; 0: the profile shows it, the transactions do not */
    Quiet quiet;
    void (*plant)(const Stage *stage);
} Recipe;

extern const Recipe recipes[PATTERNS];

/* ---- plant.c: leaks planted on purpose ---- */
#define PART_PLANT 2 /* of a customer's seed */
void plant_header(Buffer *b, const SynthOptions *o);
void plant_cells(Buffer *b, const Customer *c, const SynthOptions *o, uint64_t seed);
void plant_truth(Buffer *b, const Customer *c, const SynthOptions *o);
/* Other ids, the same life. */
void plant_disguise(Customer *c);
MUST_USE Status plant_books(Arena scratch, const char *folder, const SynthOptions *o, Error *err);

/* ---- rows.c: a customer as text ---- */
#define CATEGORIES 16
#define PART_NOISE 1 /* of a customer's seed */

typedef struct Block {
    const SynthOptions *options;
    const Uuid *category; /* CATEGORIES of them */
    Arena arena;          /* of the text */
    Buffer text[SYNTH_FILES];
    SynthCounts counts;
    Customer customer;
    uint64_t seed;
    Random noise; /* of the customer at hand: what is written, never what was done */
} Block;

void rows_header(Buffer *b, SynthFile file, const SynthOptions *o);
/* The rows of one customer, and at times of a stranger after it, at the end of the texts.
 * `alone` says that nobody to be scored came before. */
void rows_customer(Block *b, uint64_t seed, bool labelled, bool alone, bool twin);
void rows_malformed(Block *b, Random *r, uint64_t number);

static inline Event *event_add(Customer *c, int64_t created, Kind kind)
{
    assert(c->events < EVENTS_MAX);
    Event *e = &c->event[c->events];
    *e = (Event){.created = created, .kind = (uint8_t)kind, .order = (uint32_t)c->events};
    c->events++;
    return e;
}

#endif
