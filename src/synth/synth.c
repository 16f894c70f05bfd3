/* synth.c - one customer after another onto five files. */
#include "synth/synth_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CUSTOMERS_MAX 100000000
#define FLUSH_BYTES   ((size_t)1 << 16)
/* Parts of the seed that no customer's number reaches. */
#define PART_CATEGORIES ((uint64_t)1 << 40)
#define PART_MALFORMED  (PART_CATEGORIES + 1)
#define CATEGORIES      16

enum { LABELLED_USERS, LABELLED_ROWS, UNLABELLED_USERS, UNLABELLED_ROWS, TRUTH, FILES };

static const char *const file_names[FILES] = {"labelled_users.csv", "labelled_transactions.csv",
                                              "unlabelled_users.csv", "unlabelled_transactions.csv",
                                              "truth.csv"};

static const char *const headers[FILES] = {
    "user_id,session_id,country_of_residence,has_biometrics,phone_number_country_code,"
    "reason_to_use_app,occupation,kyc_state,gender,date_of_birth,document_issuing_country,"
    "locale,screening_state,is_adverse_media_minor,is_pep,user_current_state\n",
    "id,reference_transaction_id,user_id,state,type,category_id,amount,currency,direction,"
    "completed_at,created_at\n",
    "user_id,session_id,country_of_residence,has_biometrics,phone_number_country_code,"
    "reason_to_use_app,occupation,kyc_state,gender,document_issuing_country,locale,"
    "screening_state,is_adverse_media_minor,is_pep\n",
    "id,reference_transaction_id,user_id,state,type,amount,currency,direction,completed_at,"
    "created_at\n",
    "user_id,cohort,label,typology,suspended_at,contradictory\n"};

static const char *const kind_types[KINDS] = {
    "CARDS",          "BANK_TRANSFER",   "BANK_TRANSFER", "CARD_TOP_UP", "CRYPTO_ON_RAMP",
    "PROCESSING_FEE", "CRYPTO_OFF_RAMP", "PAYMENTS",      "PAYMENTS",    "USER_REWARD",
    "CARDS",          "MANUAL",          "MANUAL"};
static const char *const kind_directions[KINDS] = {"OUT", "IN", "OUT", "IN", "OUT", "OUT", "IN",
                                                   "OUT", "IN", "IN",  "IN", "IN",  "OUT"};
static const char *const state_names[] = {"PENDING",  "COMPLETED", "FAILED",
                                          "DECLINED", "REVERSED",  "CANCELLED"};

typedef struct Synth {
    const SynthOptions *options;
    SynthCounts *counts;
    Writer *writer[FILES];
    Buffer text[FILES];
    Uuid category[CATEGORIES];
    Customer customer;
} Synth;

SynthOptions synth_defaults(void)
{
    return (SynthOptions){.customers = 1000,
                          .seed = 1,
                          .as_of = days_from_civil(2024, 8, 27),
                          .labelled_share = 0.55,
                          .calendar_leak = true,
                          .imperfections = true};
}

/* ---- text ---- */

static void add_text(Buffer *b, const char *text)
{
    buffer_add(b, str_from(text));
}

static void add_uuid(Buffer *b, Uuid id)
{
    static const char digits[] = "0123456789abcdef";
    char text[36];
    size_t at = 0;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            text[at++] = '-';
        uint64_t half = i < 16 ? id.high : id.low;
        text[at++] = digits[(half >> (60 - 4 * (i & 15))) & 15];
    }
    buffer_add(b, (Str){text, at});
}

/* As the export writes them: no zeros at the end, no point without cents. */
static void add_amount(Buffer *b, int64_t cents)
{
    char text[NUMBER_TEXT];
    Str s = decimal_text(text, cents, 2);
    while (s.data[s.size - 1] == '0')
        s.size--;
    if (s.data[s.size - 1] == '.')
        s.size--;
    buffer_add(b, s.size == 0 ? S("0") : s);
}

static void add_time(Buffer *b, int64_t time)
{
    char text[TIME_TEXT];
    buffer_add(b, time_text(text, time));
}

static void add_fields(Buffer *b, const char *const *field, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_char(b, ',');
        add_text(b, field[i]);
    }
}

static void flush(Synth *s, size_t file, size_t from)
{
    Buffer *b = &s->text[file];
    if (b->size < from)
        return;
    writer_add(s->writer[file], buffer_str(b));
    b->size = 0;
}

/* ---- rows ---- */

static void write_user(Synth *s, const Profile *p)
{
    const Customer *c = &s->customer;
    bool labelled = c->cohort == COHORT_LABELLED;
    Buffer *b = &s->text[labelled ? LABELLED_USERS : UNLABELLED_USERS];
    char born[TIME_TEXT];
    Str date = date_text(born, p->born);
    add_uuid(b, c->id);
    buffer_char(b, ',');
    add_uuid(b, p->session);
    add_fields(b,
               (const char *const[]){p->residence, p->biometrics ? "TRUE" : "FALSE", p->phone,
                                     p->reason, p->occupation, p->kyc, p->gender},
               7);
    if (labelled) {
        buffer_char(b, ',');
        buffer_add(b, date);
    }
    add_fields(b, (const char *const[]){p->document, p->locale, p->screening, "FALSE", "FALSE"}, 5);
    if (labelled)
        add_text(b, p->suspended ? ",SUSPENDED" : ",ACTIVE");
    buffer_char(b, '\n');
    if (labelled)
        s->counts->labelled_users++;
    else
        s->counts->unlabelled_users++;
}

static void write_event(Synth *s, size_t file, const Event *e, bool pending)
{
    Buffer *b = &s->text[file];
    add_uuid(b, e->id);
    buffer_char(b, ',');
    add_uuid(b, e->reference);
    buffer_char(b, ',');
    add_uuid(b, s->customer.id);
    add_fields(
        b,
        (const char *const[]){state_names[pending ? STATE_PENDING : e->state], kind_types[e->kind]},
        2);
    buffer_char(b, ',');
    if (file == LABELLED_ROWS) {
        add_uuid(b, s->category[e->category]);
        buffer_char(b, ',');
    }
    add_amount(b, pending ? e->asked : e->amount);
    add_fields(b, (const char *const[]){"EUR", kind_directions[e->kind]}, 2);
    buffer_char(b, ',');
    if (!pending && e->completed != 0)
        add_time(b, e->completed);
    buffer_char(b, ',');
    add_time(b, e->created);
    buffer_char(b, '\n');
}

/* Write the customer's rows, or those of every second event, `copies` times over; with
 * imperfections in an order that tells nothing. Returns how many rows were written. */
static uint64_t write_events(Synth *s, size_t file, Random *r, size_t copies, bool half)
{
    const Customer *c = &s->customer;
    uint32_t row[EVENTS_MAX * 2];
    size_t rows = 0;
    for (size_t i = 0; i < c->events; i++) {
        if (half && (i & 1) != 0)
            continue;
        if (c->event[i].pending_row)
            row[rows++] = (uint32_t)(i * 2 + 1);
        row[rows++] = (uint32_t)(i * 2);
    }
    if (s->options->imperfections)
        random_shuffle(r, row, rows);
    for (size_t k = 0; k < copies; k++)
        for (size_t i = 0; i < rows; i++)
            write_event(s, file, &c->event[row[i] / 2], (row[i] & 1) != 0);
    flush(s, file, FLUSH_BYTES);
    return (uint64_t)(rows * copies);
}

static void write_truth(Synth *s)
{
    static const char *const cohorts[] = {"labelled", "unlabelled", "unknown"};
    const Customer *c = &s->customer;
    Buffer *b = &s->text[TRUTH];
    add_uuid(b, c->id);
    add_fields(b, (const char *const[]){cohorts[c->cohort], c->suspended ? "SUSPENDED" : "ACTIVE"},
               2);
    buffer_char(b, ',');
    const char *between = "";
    for (unsigned t = 0; t < TYPOLOGIES; t++) {
        if ((c->planted & (1u << t)) == 0)
            continue;
        add_text(b, between);
        add_text(b, typology_name((Typology)t));
        between = "+";
    }
    buffer_char(b, ',');
    if (c->suspended_at != 0)
        add_time(b, c->suspended_at);
    add_text(b, c->contradictory ? ",TRUE\n" : ",FALSE\n");
    flush(s, TRUTH, FLUSH_BYTES);
}

/* ---- customers ---- */

static void count_customer(Synth *s)
{
    const Customer *c = &s->customer;
    SynthCounts *n = s->counts;
    n->transactions += c->events;
    for (unsigned t = 0; t < TYPOLOGIES; t++)
        n->planted[t] += (c->planted >> t) & 1;
    if (c->cohort == COHORT_UNKNOWN) {
        n->unknown++;
    } else if (c->cohort == COHORT_UNLABELLED) {
        n->unlabelled++;
        n->suspended_unlabelled += c->suspended;
    } else {
        n->labelled++;
        n->suspended += c->suspended;
        n->silent += c->events == 0;
        n->contradictory += c->contradictory;
    }
}

static void draw_customer(Synth *s, Random *r, Cohort cohort)
{
    Customer *c = &s->customer;
    customer_draw(c, r, s->options, cohort);
    profile_draw(c, r, s->options);
    history_draw(c, r, s->options);
    count_customer(s);
    write_truth(s);
}

/* Every fifth row of the file to be scored is of a labelled customer: as many are copied or
 * moved there as keep it so. */
static void write_labelled(Synth *s, Random *r)
{
    const Customer *c = &s->customer;
    SynthCounts *n = s->counts;
    size_t copies = c->versions > 1 && draw_chance(r, 0.4) ? 2 : 1;
    for (size_t i = 0; i < c->versions; i++)
        write_user(s, &c->version[i]);
    flush(s, LABELLED_USERS, FLUSH_BYTES);
    bool wanted = draw_chance(r, 0.5), moved = draw_chance(r, 0.3), half = draw_chance(r, 0.5);
    uint64_t own = n->unlabelled_transactions - n->rows_of_labelled;
    bool spill = s->options->imperfections && wanted && n->rows_of_labelled * 4 < own;
    if (!(spill && moved))
        n->labelled_transactions += write_events(s, LABELLED_ROWS, r, copies, false);
    if (spill) {
        uint64_t rows = write_events(s, UNLABELLED_ROWS, r, 1, half && !moved);
        n->unlabelled_transactions += rows;
        n->rows_of_labelled += rows;
    }
}

static void write_unlabelled(Synth *s, Random *r)
{
    const Customer *c = &s->customer;
    for (size_t i = 0; i < c->versions; i++)
        write_user(s, &c->version[i]);
    flush(s, UNLABELLED_USERS, FLUSH_BYTES);
    size_t copies = c->versions > 1 && draw_chance(r, 0.4) ? 2 : 1;
    s->counts->unlabelled_transactions += write_events(s, UNLABELLED_ROWS, r, copies, false);
    if (!s->options->imperfections || !draw_chance(r, 0.05))
        return;
    draw_customer(s, r, COHORT_UNKNOWN);
    uint64_t rows = write_events(s, UNLABELLED_ROWS, r, 1, false);
    s->counts->unlabelled_transactions += rows;
    s->counts->rows_of_unknown += rows;
}

static void write_customers(Synth *s)
{
    const SynthOptions *o = s->options;
    double before = 0; /* labelled customers wanted so far, rounded up */
    for (uint64_t i = 0; i < o->customers; i++) {
        double wanted = (double)(i + 1) * o->labelled_share, whole = (double)(uint64_t)wanted;
        whole += whole < wanted;
        Random r = random_new(seed_derive(o->seed, i));
        bool labelled = whole > before;
        before = whole;
        draw_customer(s, &r, labelled ? COHORT_LABELLED : COHORT_UNLABELLED);
        if (labelled)
            write_labelled(s, &r);
        else
            write_unlabelled(s, &r);
    }
}

/* Rows that no reader can take, each faulty in its own way, at the end of the labelled files. */
static void write_malformed(Synth *s)
{
    static const char *const tails[] = {
        ",COMPLETED,CARDS,,12.5,EUR,OUT\n",                           /* cells are missing */
        ",COMPLETED,CARDS,,12.5x,EUR,OUT,,2024-08-26 09:00:00 UTC\n", /* no amount */
        ",COMPLETED,CARDS,,12.5,EUR,OUT,,yesterday\n",                /* no time */
        ",SETTLED,CARDS,,12.5,EUR,OUT,,2024-08-26 09:00:00 UTC\n",    /* no such state */
        ",COMPLETED,CARDS,,1,2,5,EUR,OUT,,2024-08-26 09:00:00 UTC\n"  /* cells too many */
    };
    Random r = random_new(seed_derive(s->options->seed, PART_MALFORMED));
    for (uint64_t i = 0; i < s->options->malformed; i++) {
        bool user = i % 6 == 5;
        size_t file = user ? LABELLED_USERS : LABELLED_ROWS;
        Buffer *b = &s->text[file];
        add_uuid(b, draw_uuid(&r));
        buffer_char(b, ',');
        add_uuid(b, draw_uuid(&r));
        if (user) {
            add_text(b, ",FR,TRUE\n");
        } else {
            buffer_char(b, ',');
            add_uuid(b, draw_uuid(&r));
            add_text(b, tails[i % 6]);
        }
        s->counts->malformed++;
        flush(s, file, FLUSH_BYTES);
    }
}

static Status check(const SynthOptions *o, Error *err)
{
    Status status = STATUS_OK;
    const char *remedy = "";
    if (o->customers < 1 || o->customers > CUSTOMERS_MAX) {
        status = error_set(err, STATUS_USAGE, "a made-up bank cannot have that many customers");
        remedy = "ask for 1 to 100000000";
    } else if (!(o->labelled_share >= 0 && o->labelled_share <= 1)) {
        status = error_set(err, STATUS_USAGE, "the labelled share is no share");
        remedy = "ask for a number from 0 to 1";
    } else if (o->as_of < days_from_civil(1990, 1, 1) || o->as_of > days_from_civil(2198, 12, 31)) {
        status = error_set(err, STATUS_USAGE, "the day of the extract is out of bounds");
        remedy = "ask for a day from 1990-01-01 to 2198-12-31";
    } else if (o->malformed > CUSTOMERS_MAX) {
        status = error_set(err, STATUS_USAGE, "that many malformed rows cannot be made");
        remedy = "ask for 0 to 100000000";
    }
    if (status != STATUS_OK)
        (void)error_remedy(err, "%s", remedy);
    return status;
}

/* Close what was opened; when anything failed leave no file that looks whole. */
static Status close_files(Synth *s, Arena *arena, const char *folder, Status status, Error *err)
{
    for (size_t i = 0; i < FILES && s->writer[i] != NULL; i++) {
        flush(s, i, 1);
        Status closed = writer_close(s->writer[i], err);
        status = status == STATUS_OK ? closed : status;
    }
    for (size_t i = 0; i < FILES && s->writer[i] != NULL && status != STATUS_OK; i++)
        (void)unlink(path_join(arena, folder, file_names[i]));
    return status;
}

static Status open_files(Synth *s, Arena *arena, const char *folder, Error *err)
{
    for (size_t i = 0; i < FILES; i++) {
        /* Room for one customer's rows beyond the flush, so that it never grows. */
        s->text[i] = (Buffer){.arena = arena,
                              .data = arena_raw(arena, FLUSH_BYTES * 16, 1),
                              .capacity = FLUSH_BYTES * 16};
        TRY(writer_open(&s->writer[i], arena, path_join(arena, folder, file_names[i]), err));
        add_text(&s->text[i], headers[i]);
    }
    return STATUS_OK;
}

Status synth_write(SynthCounts *out, Arena scratch, const char *folder, const SynthOptions *options,
                   Error *err)
{
    *out = (SynthCounts){0};
    TRY(check(options, err));
    TRY(folder_make(folder, err));
    Synth *s = ARENA_NEW(&scratch, Synth);
    s->options = options;
    s->counts = out;
    Random r = random_new(seed_derive(options->seed, PART_CATEGORIES));
    for (size_t i = 0; i < CATEGORIES; i++)
        s->category[i] = draw_uuid(&r);
    Status status = open_files(s, &scratch, folder, err);
    if (status == STATUS_OK) {
        write_customers(s);
        write_malformed(s);
    }
    return close_files(s, &scratch, folder, status, err);
}
