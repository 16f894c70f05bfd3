/* golden_customers.c - made-up customers whose every feature a bundle remembers.
 *
 * They come from the schema and the frozen levels alone, by fixed patterns and a fixed stream.
 * One has a long history, one a history that as_of cuts short and two rows for its profile, one
 * silence after its first event and no profile, one no history.
 */
#include "score/score_internal.h"

#include <string.h>

enum {
    WALKED = 200, /* transactions whose times walk through the gaps below */
    EDGES = 6     /* and those at the very edges of the first 3 and 14 days */
};
#define STREAM 4

/* Days before as_of on which a customer's history begins; 0 is no history. */
static const int begins[GOLDEN_CUSTOMERS] = {45, 12, 40, 0};

/* Minutes from one transaction to the next, around every limit of 1, 6, 24 and 72 hours. */
static const int gap[] = {0,  25, 40,  200, 10, 59,  61, 300, 20, 700, 35,   90,
                          12, 5,  480, 50,  30, 359, 15, 3,   60, 55,  1441, 8};

static const int64_t edge_us[EDGES] = {
    3 * DAY_US - SECOND_US,  3 * DAY_US,  3 * DAY_US + SECOND_US,
    14 * DAY_US - SECOND_US, 14 * DAY_US, 14 * DAY_US + SECOND_US};

/* Seconds from creation to completion: mostly a few, at times hours. */
static const int delay[] = {2, 3, 2, 5, 40, 2, 180, 3, 5400, 2, 26000, 7};

/* In hundredths; 5 euros and its neighbours, equal and unequal amounts, nothing at all. */
static const int64_t cents[] = {10000, 500,   25000, 501,  7550,  120000, 499,
                                4000,  33333, 100,   5000, 99999, 0,      61235};

typedef struct Choices {
    Str *value;
    size_t count;
} Choices;

/* What a category's cells are taken from: the values of a closed one; of an open one the levels
 * that the model knows, the states that are named as pending, and fixed words. */
static Choices choices(Arena *keep, const Bundle *b, const SchemaColumn *c, bool state)
{
    static const char *const word[] = {"COMPLETED", "FAILED", "OTHER"};
    const BookTexts pending = b->schema->transactions.pending;
    size_t capacity = 0, count = 0;
    Str *value = NULL;
    for (size_t i = 0; i < c->values.count; i++)
        *ARENA_PUSH(keep, value, count, capacity) = c->values.item[i].text;
    if (count > 0)
        return (Choices){value, count};
    for (size_t i = 0; i < b->plan->features; i++) {
        const Feature *f = &b->plan->feature[i];
        for (size_t k = 0; k < f->levels && feature_reads(f, c->name.text); k++)
            *ARENA_PUSH(keep, value, count, capacity) = f->level[k];
    }
    for (size_t i = 0; i < COUNT_OF(word); i++)
        *ARENA_PUSH(keep, value, count, capacity) = str_from(word[i]);
    for (size_t i = 0; state && i < pending.count; i++)
        *ARENA_PUSH(keep, value, count, capacity) = pending.item[i].text;
    return (Choices){value, count};
}

/* Scales beyond ten would leave no room for sums: the amounts get small instead. */
static Str amount(Arena *keep, int64_t hundredths, int scale)
{
    char text[NUMBER_TEXT];
    int room = scale > 10 ? 10 : scale;
    int64_t units =
        room >= 2 ? hundredths * power_of_ten(room - 2) : hundredths / power_of_ten(2 - room);
    return str_copy(keep, decimal_text(text, units, scale));
}

/* A number with the marks that its column's cells have. */
static Str marked(Arena *keep, const SchemaColumn *c, Str number)
{
    Str out = str_copy(keep, number);
    char *point = memchr(out.data, '.', out.size);
    if (point != NULL && c->decimal_mark.text.size > 0)
        *point = c->decimal_mark.text.data[0];
    return out;
}

static Str time_cell(Arena *keep, const SchemaColumn *c, int64_t time_us)
{
    char text[TIME_TEXT];
    return str_copy(keep, time_text_as(text, time_us, c->time));
}

static Str cell(Arena *keep, const SchemaColumn *c, Choices list, uint64_t at)
{
    char text[TIME_TEXT];
    int64_t day = (int64_t)(at % 20) * 500;
    switch ((Type)c->type) {
    case TYPE_BOOLEAN:
        return at % 2 == 0 ? S("true") : S("false");
    case TYPE_INT64:
        return str_format(keep, "%d", (int)(at % 10));
    case TYPE_DECIMAL:
        return marked(keep, c, amount(keep, cents[at % COUNT_OF(cents)], (int)c->scale));
    case TYPE_DOUBLE:
        return marked(keep, c, str_format(keep, "%d.5", (int)(at % 100)));
    case TYPE_CATEGORY:
        return list.value[at % list.count];
    case TYPE_TEXT:
        return str_format(keep, "text-%d", (int)(at % 7));
    case TYPE_TIME:
        return time_cell(keep, c, (int64_t)(19000 + at % 20) * DAY_US);
    case TYPE_DATE:
        return c->time.form == TIME_ISO ? str_copy(keep, date_text(text, day))
                                        : time_cell(keep, c, day * DAY_US);
    case TYPE_DURATION:
        return str_format(keep, "%dh", (int)(at % 50));
    }
    return S("");
}

static void csv_row(Buffer *out, const Str *value, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (k > 0)
            buffer_char(out, ',');
        csv_write_cell(out, value[k], false);
    }
    buffer_char(out, '\n');
}

static bool named(const SchemaColumn *c, BookText role)
{
    return str_equal(c->name.text, role.text);
}

static Str customers_text(Arena *keep, const Bundle *b)
{
    const SchemaCustomers *s = &b->schema->customers;
    const SchemaColumn *column = s->columns.item;
    Buffer out = buffer_new(keep);
    Str *value = ARENA_ARRAY(keep, Str, s->columns.count + 1);
    size_t n = 0;
    for (size_t k = 0; k < s->columns.count; k++)
        if (!schema_is_outcome(b->schema, column[k].name.text))
            value[n++] = column[k].name.text;
    csv_row(&out, value, n);
    for (size_t i = 0; i < GOLDEN_CUSTOMERS; i++) {
        n = 0;
        for (size_t k = 0; k < s->columns.count; k++) {
            if (schema_is_outcome(b->schema, column[k].name.text))
                continue;
            value[n] = S("");
            if (named(&column[k], s->key))
                value[n] = str_format(keep, "golden-%zu", i + 1);
            else if (i != 2)
                value[n] = cell(keep, &column[k], choices(keep, b, &column[k], false), i - (i > 2));
            n++;
        }
        csv_row(&out, value, n);
        for (size_t k = 0; i == 1 && k < n; k++) /* and once more, with the id alone */
            value[k] = str_starts(value[k], S("golden-")) ? value[k] : S("");
        if (i == 1)
            csv_row(&out, value, n);
    }
    return buffer_str(&out);
}

/* Half of all events have the first final state; the others walk through all states. */
static Str draw_state(const Schema *s, Choices list, uint64_t draw)
{
    size_t first = 0;
    while (first + 1 < list.count && schema_is_pending(s, list.value[first]))
        first++;
    return list.value[draw % 2 == 0 ? first : draw / 2 % list.count];
}

typedef struct Event {
    size_t number; /* of all */
    Str customer, partner, state;
    int64_t created_us, completed_us;
    uint64_t draw; /* what the other cells are taken from */
} Event;

/* Who the other side of a transaction is: a golden customer, the customer itself at times, or
 * somebody who is no customer. */
static Str partner(Arena *keep, size_t customer, uint64_t draw)
{
    uint64_t who = draw >> 20;
    if (who % 4 == 0)
        return str_format(keep, "golden-%d", (int)((customer + who / 4) % GOLDEN_CUSTOMERS) + 1);
    return str_format(keep, "outside-%d", (int)(who % 11));
}

/* Events come in pairs that are alike but for time, amount, state and what has two values: money
 * of a kind comes in, and goes out. */
static void event_row(Buffer *out, const Bundle *b, const Choices *list, const Event *e)
{
    const SchemaTransactions *s = &b->schema->transactions;
    const SchemaColumn *column = s->columns.item;
    Arena *keep = out->arena;
    Random r = random_new(e->draw);
    Str *value = ARENA_ARRAY(keep, Str, s->columns.count + 1);
    bool out_first = e->number % 2 != 0; /* money comes in, and goes out */
    for (size_t k = 0; k < s->columns.count; k++) {
        uint64_t draw = random_next(&r), at = draw >> 8;
        if (column[k].type != TYPE_CATEGORY || list[k].count < 3)
            at += e->number;
        if (named(&column[k], s->key))
            value[k] = str_format(keep, "event-%zu", e->number);
        else if (named(&column[k], s->customer))
            value[k] = e->customer;
        else if (named(&column[k], s->sides.source))
            value[k] = out_first ? e->customer : e->partner;
        else if (named(&column[k], s->sides.target))
            value[k] = out_first ? e->partner : e->customer;
        else if (named(&column[k], s->state))
            value[k] = e->state;
        else if (named(&column[k], s->currency))
            value[k] = b->schema->currency.text;
        else if (named(&column[k], s->created))
            value[k] = time_cell(keep, &column[k], e->created_us);
        else if (named(&column[k], s->completed))
            value[k] = schema_is_pending(b->schema, e->state)
                           ? S("")
                           : time_cell(keep, &column[k], e->completed_us);
        else if (named(&column[k], out_first ? s->credit : s->debit))
            value[k] = S("");                                     /* one of the two is filled */
        else if (draw >> 59 != 0 || named(&column[k], s->amount)) /* one in 32 is missing */
            value[k] = cell(keep, &column[k], list[k], at);
        if (s->is_signed && named(&column[k], s->amount) && out_first)
            value[k] = str_format(keep, "-%.*s", STR_ARG(value[k]));
    }
    csv_row(out, value, s->columns.count);
}

static Str transactions_text(Arena *keep, const Bundle *b)
{
    const SchemaTransactions *s = &b->schema->transactions;
    const SchemaColumn *column = s->columns.item;
    Str *value = ARENA_ARRAY(keep, Str, s->columns.count + 1);
    Choices *list = ARENA_ARRAY(keep, Choices, s->columns.count + 1), states = {0};
    for (size_t k = 0; k < s->columns.count; k++) {
        list[k] = choices(keep, b, &column[k], named(&column[k], s->state));
        value[k] = column[k].name.text;
        if (named(&column[k], s->state))
            states = list[k];
    }
    Buffer out = buffer_new(keep);
    csv_row(&out, value, s->columns.count);
    Random r = random_new(STREAM);
    size_t number = 0;
    for (size_t i = 0; i < GOLDEN_CUSTOMERS; i++) {
        uint64_t pair = 0;
        int64_t first = GOLDEN_AS_OF_US - begins[i] * DAY_US, at = first;
        for (size_t k = 0; k < WALKED + EDGES && begins[i] != 0; k++) {
            at += gap[(k + i * 7) % COUNT_OF(gap)] * MINUTE_US * (k > 0);
            if (i == 2 && k == 1) /* after the first event, silence */
                at = first + 9 * DAY_US;
            if (k % 2 == 0)
                pair = random_next(&r);
            Event e = {.number = number,
                       .customer = str_format(keep, "golden-%zu", i + 1),
                       .partner = partner(keep, i, pair),
                       .created_us = k < WALKED ? at : first + edge_us[k - WALKED],
                       .draw = pair};
            number++;
            if (e.created_us > GOLDEN_AS_OF_US)
                continue; /* not known then */
            e.completed_us = e.created_us + delay[k % COUNT_OF(delay)] * SECOND_US;
            e.state = states.count == 0 ? S("") : draw_state(b->schema, states, random_next(&r));
            if (i == 2 && k == 0 && s->pending.count > 0)
                e.state = s->pending.item[0].text;
            event_row(&out, b, list, &e);
            if (k % 5 != 1 || s->pending.count == 0 || schema_is_pending(b->schema, e.state))
                continue;
            e.state = s->pending.item[0].text; /* and what was announced before */
            event_row(&out, b, list, &e);
        }
    }
    return buffer_str(&out);
}

void golden_files(Str text[2], Arena *keep, const Bundle *b)
{
    text[0] = customers_text(keep, b);
    text[1] = transactions_text(keep, b);
}
