/* rows.c - a customer, and the truth about it, as rows of the six files. */
#include "synth/synth_internal.h"

static const char *const headers[SYNTH_FILES] = {
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
    "user_id,cohort,label,typology,onset,lookalike,suspended_at,contradictory,mislabelled\n",
    "id,user_id,typology\n"};

static const char *const kind_types[KINDS] = {
    "CARDS",          "BANK_TRANSFER",   "BANK_TRANSFER", "CARD_TOP_UP", "CRYPTO_ON_RAMP",
    "PROCESSING_FEE", "CRYPTO_OFF_RAMP", "PAYMENTS",      "PAYMENTS",    "USER_REWARD",
    "CARDS",          "MANUAL",          "MANUAL"};
static const char *const kind_directions[KINDS] = {"OUT", "IN", "OUT", "IN", "OUT", "OUT", "IN",
                                                   "OUT", "IN", "IN",  "IN", "IN",  "OUT"};
static const char *const state_names[] = {"PENDING",  "COMPLETED", "FAILED",
                                          "DECLINED", "REVERSED",  "CANCELLED"};

void rows_header(Buffer *b, SynthFile file, const SynthOptions *o)
{
    buffer_add(b, str_from(headers[file]));
    b->size--; /* the end of the line */
    if (file == SYNTH_LABELLED_USERS && o->outcome_dates)
        buffer_add(b, S(",suspended_at"));
    if (file == SYNTH_LABELLED_USERS || file == SYNTH_UNLABELLED_USERS)
        plant_header(b, o);
    else if (file == SYNTH_TRUTH && o->plants != 0)
        buffer_add(b, S(",planted"));
    buffer_char(b, '\n');
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

/* A cell that the noise may leave empty. */
static void add_cell(Block *k, Buffer *b, const char *text)
{
    buffer_char(b, ',');
    if (!draw_chance(&k->noise, k->options->missing))
        add_text(b, text);
}

/* ---- noise ---- */

/* Copy the row that begins at `from` to the end, with another text for one cell. */
static void copy_row(Buffer *b, size_t from, size_t cell, const char *text)
{
    size_t end = b->size - 1, at = 0; /* without its newline */
    for (size_t i = from; i < end; i++) {
        char c = b->data[i];
        at += c == ',';
        if (c == ',' || at != cell)
            buffer_char(b, c);
        if (c == ',' && at == cell)
            add_text(b, text);
    }
}

/* After a row, at times, a damaged copy of it that no reader can take. */
static void damage(Block *k, SynthFile file, size_t from)
{
    if (!draw_chance(&k->noise, k->options->defects))
        return;
    bool users = file == SYNTH_LABELLED_USERS || file == SYNTH_UNLABELLED_USERS;
    size_t amount = file == SYNTH_LABELLED_TRANSACTIONS ? 6 : 5, never = SIZE_MAX;
    Buffer *b = &k->text[file];
    switch (random_below(&k->noise, users ? 2 : 5)) {
    case 0: /* cut short */
        copy_row(b, from, never, "");
        while (b->data[b->size - 1] != ',')
            b->size--;
        b->size--;
        break;
    case 1: /* cells too many */
        copy_row(b, from, never, "");
        add_text(b, ",,");
        break;
    case 2:
        copy_row(b, from, amount, "12.5x");
        break;
    case 3:
        copy_row(b, from, amount + 4, "yesterday");
        break;
    default:
        copy_row(b, from, 3, "SETTLED");
        break;
    }
    buffer_char(b, '\n');
    k->counts.malformed++;
}

/* ---- rows ---- */

static void write_user(Block *k, const Profile *p)
{
    const Customer *c = &k->customer;
    bool labelled = c->cohort == COHORT_LABELLED;
    SynthFile file = labelled ? SYNTH_LABELLED_USERS : SYNTH_UNLABELLED_USERS;
    Buffer *b = &k->text[file];
    size_t from = b->size;
    char born[TIME_TEXT];
    Str date = date_text(born, p->born); /* with a zero at its end */
    const char *const cells[] = {
        p->residence, p->biometrics ? "TRUE" : "FALSE", p->phone, p->reason, p->occupation, p->kyc,
        p->gender};
    const char *const more[] = {p->document, p->locale, p->screening};
    add_uuid(b, c->id);
    buffer_char(b, ',');
    add_uuid(b, p->session);
    for (size_t i = 0; i < COUNT_OF(cells); i++)
        add_cell(k, b, cells[i]);
    if (labelled)
        add_cell(k, b, date.data);
    for (size_t i = 0; i < COUNT_OF(more); i++)
        add_cell(k, b, more[i]);
    add_text(b, ",FALSE,FALSE");
    if (labelled)
        add_text(b, p->suspended ? ",SUSPENDED" : ",ACTIVE");
    if (labelled && k->options->outcome_dates) {
        buffer_char(b, ',');
        if (p->suspended && c->suspended_at != 0)
            add_time(b, c->suspended_at);
    }
    plant_cells(b, c, k->options, k->seed);
    buffer_char(b, '\n');
    if (labelled)
        k->counts.labelled_users++;
    else
        k->counts.unlabelled_users++;
    damage(k, file, from);
}

static void write_users(Block *k)
{
    for (size_t i = 0; i < k->customer.versions; i++)
        write_user(k, &k->customer.version[i]);
}

static void write_event(Block *k, SynthFile file, const Event *e, bool pending)
{
    Buffer *b = &k->text[file];
    size_t from = b->size;
    add_uuid(b, e->id);
    buffer_char(b, ',');
    add_uuid(b, e->reference);
    buffer_char(b, ',');
    add_uuid(b, k->customer.id);
    add_fields(
        b,
        (const char *const[]){state_names[pending ? STATE_PENDING : e->state], kind_types[e->kind]},
        2);
    buffer_char(b, ',');
    if (file == SYNTH_LABELLED_TRANSACTIONS) {
        if (!draw_chance(&k->noise, k->options->missing))
            add_uuid(b, k->category[e->category]);
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
    damage(k, file, from);
}

/* Write the customer's rows, or those of every second event, `copies` times over; with
 * imperfections in an order that tells nothing. Returns how many rows were written. */
static uint64_t write_events(Block *k, SynthFile file, Random *r, size_t copies, bool half)
{
    const Customer *c = &k->customer;
    uint32_t row[EVENTS_MAX * 2];
    size_t rows = 0;
    for (size_t i = 0; i < c->events; i++) {
        if (half && (i & 1) != 0)
            continue;
        if (c->event[i].pending_row)
            row[rows++] = (uint32_t)(i * 2 + 1);
        row[rows++] = (uint32_t)(i * 2);
    }
    if (k->options->imperfections)
        random_shuffle(r, row, rows);
    for (size_t copy = 0; copy < copies; copy++)
        for (size_t i = 0; i < rows; i++)
            write_event(k, file, &c->event[row[i] / 2], (row[i] & 1) != 0);
    return (uint64_t)(rows * copies);
}

/* ---- the truth ---- */

/* The names, or the onsets, of the customer's patterns from `low` to `high`. */
static void add_patterns(Buffer *b, const Customer *c, unsigned low, unsigned high, bool onset)
{
    const char *between = "";
    for (unsigned t = low; t < high; t++) {
        if ((c->planted & (1u << t)) == 0)
            continue;
        add_text(b, between);
        if (onset)
            add_time(b, c->onset[t]);
        else
            add_text(b, typology_name((Typology)t));
        between = "+";
    }
}

static void write_truth(Block *k)
{
    static const char *const cohorts[] = {"labelled", "unlabelled", "unknown"};
    const Customer *c = &k->customer;
    Buffer *b = &k->text[SYNTH_TRUTH];
    add_uuid(b, c->id);
    add_fields(b, (const char *const[]){cohorts[c->cohort], c->suspended ? "SUSPENDED" : "ACTIVE"},
               2);
    buffer_char(b, ',');
    add_patterns(b, c, 0, TYPOLOGIES, false);
    buffer_char(b, ',');
    add_patterns(b, c, 0, TYPOLOGIES, true);
    buffer_char(b, ',');
    add_patterns(b, c, TYPOLOGIES, PATTERNS, false);
    buffer_char(b, ',');
    if (c->suspended_at != 0)
        add_time(b, c->suspended_at);
    add_text(b, c->contradictory ? ",TRUE" : ",FALSE");
    add_text(b, c->mislabelled ? ",TRUE" : ",FALSE");
    plant_truth(b, c, k->options);
    buffer_char(b, '\n');
    b = &k->text[SYNTH_TRUTH_TRANSACTIONS];
    for (size_t i = 0; i < c->events; i++) {
        const Event *e = &c->event[i];
        if (e->pattern == 0)
            continue;
        add_uuid(b, e->id);
        buffer_char(b, ',');
        add_uuid(b, c->id);
        buffer_char(b, ',');
        add_text(b, typology_name((Typology)(e->pattern - 1)));
        buffer_char(b, '\n');
        k->counts.planted_transactions++;
    }
}

/* ---- customers ---- */

static void count_customer(Block *k)
{
    const Customer *c = &k->customer;
    SynthCounts *n = &k->counts;
    n->transactions += c->events;
    for (unsigned t = 0; t < PATTERNS; t++)
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
        n->mislabelled += c->mislabelled;
    }
}

static void draw_customer(Block *k, Random *r, Cohort cohort)
{
    Customer *c = &k->customer;
    customer_draw(c, r, k->options, cohort);
    profile_draw(c, r, &k->noise, k->options);
    history_draw(c, r, k->options);
    if (c->twin)
        plant_disguise(c);
    count_customer(k);
    write_truth(k);
}

/* Every fifth row of the file to be scored is of a labelled customer: copied there, or moved.
 * The chance of one depends on the share of labelled customers, not on what other customers
 * have; 0.60 is as measured. */
static void write_labelled(Block *k, Random *r, bool alone)
{
    double share = k->options->labelled_share, often = 0.60 * (1 - share) / share;
    size_t copies = k->customer.versions > 1 && draw_chance(r, 0.4) ? 2 : 1;
    write_users(k);
    bool wanted = draw_chance(r, often), moved = draw_chance(r, 0.3), half = draw_chance(r, 0.5);
    bool spill = k->options->imperfections && wanted && !alone;
    SynthCounts *n = &k->counts;
    if (!(spill && moved))
        n->labelled_transactions += write_events(k, SYNTH_LABELLED_TRANSACTIONS, r, copies, false);
    if (spill) {
        uint64_t rows = write_events(k, SYNTH_UNLABELLED_TRANSACTIONS, r, 1, half && !moved);
        n->unlabelled_transactions += rows;
        n->rows_of_labelled += rows;
    }
}

static void write_unlabelled(Block *k, Random *r)
{
    SynthCounts *n = &k->counts;
    write_users(k);
    size_t copies = k->customer.versions > 1 && draw_chance(r, 0.4) ? 2 : 1;
    n->unlabelled_transactions += write_events(k, SYNTH_UNLABELLED_TRANSACTIONS, r, copies, false);
    if (!k->options->imperfections || !draw_chance(r, 0.05))
        return;
    k->customer.twin = false;
    draw_customer(k, r, COHORT_UNKNOWN);
    uint64_t rows = write_events(k, SYNTH_UNLABELLED_TRANSACTIONS, r, 1, false);
    n->unlabelled_transactions += rows;
    n->rows_of_unknown += rows;
}

void rows_customer(Block *k, uint64_t seed, bool labelled, bool alone, bool twin)
{
    Random r = random_new(seed);
    k->seed = seed;
    k->customer.twin = twin;
    k->noise = random_new(seed_derive(seed, PART_NOISE));
    draw_customer(k, &r, labelled ? COHORT_LABELLED : COHORT_UNLABELLED);
    if (labelled)
        write_labelled(k, &r, alone);
    else
        write_unlabelled(k, &r);
}

/* Rows that no reader can take, each faulty in its own way. */
void rows_malformed(Block *k, Random *r, uint64_t number)
{
    static const char *const tails[] = {
        ",COMPLETED,CARDS,,12.5,EUR,OUT\n",                           /* cells are missing */
        ",COMPLETED,CARDS,,12.5x,EUR,OUT,,2024-08-26 09:00:00 UTC\n", /* no amount */
        ",COMPLETED,CARDS,,12.5,EUR,OUT,,yesterday\n",                /* no time */
        ",SETTLED,CARDS,,12.5,EUR,OUT,,2024-08-26 09:00:00 UTC\n",    /* no such state */
        ",COMPLETED,CARDS,,1,2,5,EUR,OUT,,2024-08-26 09:00:00 UTC\n"  /* cells too many */
    };
    bool user = number % 6 == 5;
    Buffer *b = &k->text[user ? SYNTH_LABELLED_USERS : SYNTH_LABELLED_TRANSACTIONS];
    add_uuid(b, draw_uuid(r));
    buffer_char(b, ',');
    add_uuid(b, draw_uuid(r));
    if (user) {
        add_text(b, ",FR,TRUE\n");
    } else {
        buffer_char(b, ',');
        add_uuid(b, draw_uuid(r));
        add_text(b, tails[number % 6]);
    }
    k->counts.malformed++;
}
