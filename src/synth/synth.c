/* synth.c - blocks of customers, made by a team and written in order. */
#include "synth/synth_internal.h"

#include <string.h>
#include <unistd.h>

#define CUSTOMERS_MAX 100000000
/* Memory is that of the blocks of one round, so both are small and neither depends on the
 * number of threads. */
#define BLOCK_CUSTOMERS 32
#define BLOCKS          16
/* Parts of the seed that no customer's number reaches. */
#define PART_CATEGORIES ((uint64_t)1 << 40)
#define PART_MALFORMED  (PART_CATEGORIES + 1)

static const char *const file_names[SYNTH_FILES] = {"labelled_users.csv",
                                                    "labelled_transactions.csv",
                                                    "unlabelled_users.csv",
                                                    "unlabelled_transactions.csv",
                                                    "truth.csv",
                                                    "truth_transactions.csv"};

/* What a block has room for: about four times what it mostly holds. One that outgrew it is made
 * anew, so that the busiest customers of a large bank do not leave their mark on memory. */
static const size_t room[SYNTH_FILES] = {1 << 15, 1 << 18, 1 << 15, 1 << 19, 1 << 14, 1 << 15};

const char *synth_file_name(SynthFile file)
{
    return file_names[file];
}

SynthOptions synth_defaults(void)
{
    return (SynthOptions){.customers = 1000,
                          .seed = 1,
                          .as_of = days_from_civil(2024, 8, 27),
                          .labelled_share = 0.55,
                          .suspended = 0.17,
                          .share = {[TYPOLOGY_PASS_THROUGH] = 0.22,
                                    [TYPOLOGY_FUNNEL] = 0.05,
                                    [TYPOLOGY_STRUCTURING] = 0.04,
                                    [TYPOLOGY_CARD_TESTING] = 0.03,
                                    [TYPOLOGY_STOLEN_CARD_TO_CRYPTO] = 0.08,
                                    [TYPOLOGY_TOP_UP_CYCLING] = 0.05,
                                    [TYPOLOGY_FIRST_PARTY_ABUSE] = 0.03,
                                    [TYPOLOGY_ACCOUNT_TAKEOVER] = 0.03,
                                    [TYPOLOGY_BONUS_ABUSE] = 0.03,
                                    [TYPOLOGY_DORMANT_BURST] = 0.07,
                                    [TYPOLOGY_SYNTHETIC_IDENTITY] = 0.02,
                                    [TYPOLOGY_GEO_MISMATCH] = 0.02,
                                    [TYPOLOGY_CRYPTO_LAYERING] = 0.04,
                                    [TYPOLOGY_BANK_TO_CRYPTO] = 0.12,
                                    [TYPOLOGY_OUTFLOW_ABOVE_INFLOW] = 0.09},
                          .overlap = 0.11,
                          .lookalikes = 0.04,
                          .calendar_leak = true,
                          .imperfections = true};
}

typedef struct Synth {
    const SynthOptions *options;
    SynthCounts *counts;
    Writer *writer[SYNTH_FILES]; /* NULL: not wanted */
    Uuid category[CATEGORIES];
    uint64_t from; /* first customer of the round */
    Block *block;  /* BLOCKS of them */
} Synth;

/* How many of the first customers are labelled: every one at whose number the share of all so
 * far passes a whole number, so that it is the same for a customer in a bank of any size. */
static uint64_t labelled_of(const SynthOptions *o, uint64_t customers)
{
    double wanted = (double)customers * o->labelled_share;
    uint64_t whole = (uint64_t)wanted;
    return whole + ((double)whole < wanted);
}

static void make_block(void *context, size_t task, Arena scratch)
{
    (void)scratch;
    const Synth *s = context;
    Block *b = &s->block[task];
    const SynthOptions *o = s->options;
    uint64_t from = s->from + task * BLOCK_CUSTOMERS, until = from + BLOCK_CUSTOMERS;
    for (uint64_t i = from; i < until && i < o->customers; i++) {
        uint64_t before = labelled_of(o, i);
        bool twin = (o->plants & 1u << PLANT_PERSON_TWICE) != 0 && i % 8 == 7;
        rows_customer(b, seed_derive(o->seed, twin ? i - 1 : i), labelled_of(o, i + 1) > before,
                      before == i, twin);
    }
}

static void add_counts(SynthCounts *to, const SynthCounts *from)
{
    const uint64_t *more = (const uint64_t *)from;
    uint64_t *sum = (uint64_t *)to;
    for (size_t i = 0; i < sizeof *to / sizeof *sum; i++)
        sum[i] += more[i];
}

static void clear(Block *b)
{
    bool outgrown = b->arena.range == NULL;
    for (size_t i = 0; i < SYNTH_FILES; i++) {
        b->text[i].size = 0;
        outgrown = outgrown || b->text[i].capacity > room[i];
    }
    b->counts = (SynthCounts){0};
    if (!outgrown)
        return;
    arena_free(&b->arena);
    b->arena = arena_new();
    for (size_t i = 0; i < SYNTH_FILES; i++)
        b->text[i] = (Buffer){
            .arena = &b->arena, .data = arena_raw(&b->arena, room[i], 1), .capacity = room[i]};
}

/* The block's texts to their files, and the block empty again. */
static void write_block(Synth *s, Block *b)
{
    for (size_t i = 0; i < SYNTH_FILES; i++)
        if (s->writer[i] != NULL)
            writer_add(s->writer[i], buffer_str(&b->text[i]));
    add_counts(s->counts, &b->counts);
    clear(b);
}

static bool failed(const Synth *s)
{
    bool out = false;
    for (size_t i = 0; i < SYNTH_FILES; i++)
        out = out || (s->writer[i] != NULL && writer_failed(s->writer[i]));
    return out;
}

static void write_customers(Synth *s)
{
    const SynthOptions *o = s->options;
    const uint64_t round = (uint64_t)BLOCKS * BLOCK_CUSTOMERS;
    for (s->from = 0; s->from < o->customers && !failed(s); s->from += round) {
        uint64_t left = o->customers - s->from;
        size_t blocks = (size_t)((left < round ? left : round) + BLOCK_CUSTOMERS - 1);
        blocks /= BLOCK_CUSTOMERS;
        team_run(o->team, blocks, make_block, s);
        for (size_t i = 0; i < blocks; i++)
            write_block(s, &s->block[i]);
        progress_tell(o->progress, "making customers",
                      (size_t)(left < round ? o->customers : s->from + round),
                      (size_t)o->customers);
    }
    Random r = random_new(seed_derive(o->seed, PART_MALFORMED));
    for (uint64_t i = 0; i < o->malformed && !failed(s); i++) {
        rows_malformed(&s->block[0], &r, i);
        write_block(s, &s->block[0]);
    }
}

static Status refuse(Error *err, const char *what, const char *remedy)
{
    (void)error_set(err, STATUS_USAGE, "%s", what);
    return error_remedy(err, "%s", remedy);
}

static bool is_share(double x)
{
    return x >= 0 && x <= 1;
}

static Status check(const SynthOptions *o, Error *err)
{
    const char *share = "ask for a number from 0 to 1";
    if (o->customers < 1 || o->customers > CUSTOMERS_MAX)
        return refuse(err, "a made-up bank cannot have that many customers",
                      "ask for 1 to 100000000");
    if (!is_share(o->labelled_share))
        return refuse(err, "the labelled share is no share", share);
    if (!is_share(o->suspended))
        return refuse(err, "the share of the suspended is no share", share);
    for (unsigned t = 0; t < TYPOLOGIES; t++)
        if (!is_share(o->share[t]))
            return refuse(err, "the share of a typology is no share", share);
    if (!is_share(o->overlap) || !is_share(o->lookalikes) || !is_share(o->drift))
        return refuse(err, "the overlap, the look-alikes or the drift is no share", share);
    if (!is_share(o->label_noise) || !is_share(o->missing) || !is_share(o->defects))
        return refuse(err, "a share of noise is no share", share);
    if (o->as_of < days_from_civil(1990, 1, 1) || o->as_of > days_from_civil(2198, 12, 31))
        return refuse(err, "the day of the extract is out of bounds",
                      "ask for a day from 1990-01-01 to 2198-12-31");
    if (o->malformed > CUSTOMERS_MAX)
        return refuse(err, "that many malformed rows cannot be made", "ask for 0 to 100000000");
    return STATUS_OK;
}

static Synth *prepare(SynthCounts *out, Arena *arena, const SynthOptions *options)
{
    Synth *s = ARENA_NEW(arena, Synth);
    *out = (SynthCounts){0};
    s->options = options;
    s->counts = out;
    Random r = random_new(seed_derive(options->seed, PART_CATEGORIES));
    for (size_t i = 0; i < CATEGORIES; i++)
        s->category[i] = draw_uuid(&r);
    s->block = ARENA_ARRAY(arena, Block, BLOCKS);
    for (size_t k = 0; k < BLOCKS; k++) {
        Block *b = &s->block[k];
        b->options = options;
        b->category = s->category;
        clear(b);
    }
    return s;
}

static Status open_file(Synth *s, Arena *arena, size_t file, const char *path, Error *err)
{
    TRY(writer_open(&s->writer[file], arena, path, err));
    Buffer header = buffer_new(arena);
    rows_header(&header, (SynthFile)file, s->options);
    writer_add(s->writer[file], buffer_str(&header));
    return STATUS_OK;
}

/* Close what was opened; when anything failed leave no file that looks whole. */
static Status finish(Synth *s, Arena *arena, const char *folder, Status status, Error *err)
{
    for (size_t k = 0; k < BLOCKS; k++)
        arena_free(&s->block[k].arena);
    for (size_t i = 0; i < SYNTH_FILES; i++) {
        if (s->writer[i] == NULL)
            continue;
        Status closed = writer_close(s->writer[i], err);
        status = status == STATUS_OK ? closed : status;
    }
    for (size_t i = 0; i < SYNTH_FILES && folder != NULL && status != STATUS_OK; i++)
        if (s->writer[i] != NULL)
            (void)unlink(path_join(arena, folder, file_names[i]));
    return status;
}

Status synth_write(SynthCounts *out, Arena scratch, const char *folder, const SynthOptions *options,
                   Error *err)
{
    TRY(check(options, err));
    TRY(folder_make(folder, err));
    Synth *s = prepare(out, &scratch, options);
    Status status = STATUS_OK;
    for (size_t i = 0; i < SYNTH_FILES && status == STATUS_OK; i++)
        status = open_file(s, &scratch, i, path_join(&scratch, folder, file_names[i]), err);
    if (status == STATUS_OK)
        write_customers(s);
    if (status == STATUS_OK && (options->plants != 0 || options->outcome_dates))
        status = plant_books(scratch, folder, options, err);
    return finish(s, &scratch, folder, status, err);
}

Status synth_print(SynthCounts *out, Arena scratch, SynthFile file, const SynthOptions *options,
                   Error *err)
{
    TRY(check(options, err));
    Synth *s = prepare(out, &scratch, options);
    Status status = open_file(s, &scratch, file, "-", err);
    if (status == STATUS_OK)
        write_customers(s);
    return finish(s, &scratch, NULL, status, err);
}
