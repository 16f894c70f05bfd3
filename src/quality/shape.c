/* shape.c - rows as the bank writes them made into events: a key where there is none, an event
 * for each side, an amount without a sign and its direction. */
#include "quality/quality_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { CODE_IN = 0, CODE_OUT = 1 }; /* of the direction that we make: its values in order */

/* ---- keys ---- */

typedef struct Content {
    uint64_t hash;
    uint32_t row;
} Content;

typedef struct ContentOrder {
    const Schema *schema;
    const Table *rows;
} ContentOrder;

static int by_content(const void *a, const void *b, void *context)
{
    const ContentOrder *o = context;
    const Content *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    int order = quality_row_order(o->schema, o->rows, x->row, y->row);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

void quality_make_keys(Dataset *d, Arena *keep, Arena scratch, const Union *all)
{
    const Table *t = all->rows;
    Column *key = table_find(t, d->schema->transactions.key.text);
    Content *content = ARENA_RAW(&scratch, Content, t->rows + 1);
    size_t count = 0;
    uint64_t repeated = 0;
    for (size_t row = 0; row < t->rows; row++) {
        if (column_valid(key, row)) /* of a history: it has one */
            continue;
        Arena own = scratch;
        content[count++] =
            (Content){hash64(quality_row_text(&own, t, t->columns, row), 0), (uint32_t)row};
    }
    ContentOrder order = {d->schema, t};
    qsort_r(content, count, sizeof *content, by_content, &order);
    size_t nth = 0; /* of the rows of one hash */
    for (size_t i = 0; i < count; i++) {
        char text[48];
        bool same = i > 0 && content[i].hash == content[i - 1].hash;
        nth = same ? nth + 1 : 1;
        repeated += same && quality_same_row(t, content[i - 1].row, content[i].row);
        int size =
            nth == 1 ? snprintf(text, sizeof text, "e%016llx", (unsigned long long)content[i].hash)
                     : snprintf(text, sizeof text, "e%016llx-%zu",
                                (unsigned long long)content[i].hash, nth);
        key->code[content[i].row] = dictionary_add(key->dictionary, (Str){text, (size_t)size});
    }
    /* Only now, so that a key is no part of what rows are compared by. */
    for (size_t i = 0; i < count; i++)
        column_set_valid(key, content[i].row);
    findings_add(d->findings, SEVERITY_INFO, "repeated_rows", repeated,
                 str_format(keep, "%llu transaction rows are the same as another row in every cell",
                            (unsigned long long)repeated),
                 S("kept: the schema book names no `key`, so every row is an event of its own"));
}

/* ---- sides ---- */

static bool is_history(const Union *all, size_t row)
{
    return all->source[row] == NO_CODE;
}

typedef struct Splitting {
    const Table *rows;
    const Column *source, *target;
    const uint32_t *owner_of; /* customer of each code of the two columns */
} Splitting;

static uint32_t owner_at(const Splitting *s, const Column *side, size_t row)
{
    return column_valid(side, row) ? s->owner_of[side->code[row]] : NO_CODE;
}

static void say_sides(Dataset *d, Arena *keep, uint64_t outside, uint64_t one, uint64_t self)
{
    const char *const what[] = {"transactions have a partner who is in no customer file",
                                "transactions name one side only",
                                "transactions have the same customer on both sides"};
    findings_add(d->findings, SEVERITY_INFO, "unknown_partner", outside,
                 str_format(keep, "%llu %s", (unsigned long long)outside, what[0]),
                 S("kept for the side that is a customer, with the other as `partner`; give the "
                   "partners' customer file too if they are the bank's own"));
    findings_add(d->findings, SEVERITY_WARNING, "missing_side", one,
                 str_format(keep, "%llu %s", (unsigned long long)one, what[1]),
                 S("kept for the side that is named, without a `partner`; mend the file if the "
                   "other is known"));
    const SchemaSides *sides = &d->schema->transactions.sides;
    findings_add(d->findings, SEVERITY_WARNING, "pays_itself", self,
                 str_format(keep, "%llu %s", (unsigned long long)self, what[2]),
                 str_format(keep,
                            "kept as money out and money in, with the customer itself as "
                            "`partner`; leave them out of a feature with `where %.*s != %.*s`",
                            STR_ARG(sides->source.text), STR_ARG(sides->target.text)));
}

Sighting quality_split_sides(Dataset *d, Arena *keep, Arena scratch, const Union *all,
                             const uint32_t *owner_of)
{
    const SchemaTransactions *st = &d->schema->transactions;
    const Table *t = all->rows;
    const Splitting s = {.rows = t,
                         .source = table_find(t, st->sides.source.text),
                         .target = table_find(t, st->sides.target.text),
                         .owner_of = owner_of};
    Sighting out = {.origin = ARENA_RAW(keep, uint32_t, 2 * t->rows + 1),
                    .owner = ARENA_RAW(keep, uint32_t, 2 * t->rows + 1)};
    uint8_t *pays = ARENA_RAW(&scratch, uint8_t, 2 * t->rows + 1);
    uint64_t outside = 0, one = 0, self = 0;
    size_t n = 0;
    for (size_t row = 0; row < t->rows; row++) {
        uint32_t source = owner_at(&s, s.source, row), target = owner_at(&s, s.target, row);
        bool known = source != NO_CODE || target != NO_CODE,
             one_named = !column_valid(s.source, row) || !column_valid(s.target, row);
        size_t first = n;
        if (source != NO_CODE || !known) { /* a row of nobody's is carried on, to be set aside */
            pays[n] = 1;
            out.owner[n++] = source;
        }
        if (target != NO_CODE) {
            pays[n] = 0;
            out.owner[n++] = target;
        }
        for (size_t i = first; i < n; i++)
            out.origin[i] = (uint32_t)row;
        if (!known || is_history(all, row))
            continue;
        one += one_named;
        outside += !one_named && (source == NO_CODE || target == NO_CODE);
        self += source == target;
    }
    out.rows = table_take(keep, t, out.origin, n);
    Column *direction = table_find(out.rows, S(SCHEMA_DIRECTION));
    Column *partner = table_find(out.rows, S(SCHEMA_PARTNER));
    for (size_t i = 0; i < n; i++) {
        const Column *other = pays[i] ? s.target : s.source;
        if (is_history(all, out.origin[i])) /* has the direction that it was given, or none */
            continue;
        direction->code[i] = pays[i] ? CODE_OUT : CODE_IN;
        column_set_valid(direction, i);
        if (!column_valid(other, out.origin[i]))
            continue;
        partner->code[i] = other->code[out.origin[i]]; /* the three share one dictionary */
        column_set_valid(partner, i);
    }
    say_sides(d, keep, outside, one, self);
    return out;
}

/* ---- amounts ---- */

typedef struct Amounts {
    const Column *debit, *credit;
    Column *amount, *direction;
    bool is_signed;
} Amounts;

static Amounts amounts_of(const Schema *s, const Table *t)
{
    const SchemaTransactions *st = &s->transactions;
    return (Amounts){.debit = table_find(t, st->debit.text),
                     .credit = table_find(t, st->credit.text),
                     .amount = table_find(t, st->amount.text),
                     .direction = table_find(t, S(SCHEMA_DIRECTION)),
                     .is_signed = st->is_signed};
}

static bool moves(const Column *c, size_t row)
{
    return column_valid(c, row) && c->integer[row] != 0;
}

bool quality_two_amounts(const Schema *s, const Table *t, size_t row)
{
    Amounts a = amounts_of(s, t);
    return a.debit != NULL && moves(a.debit, row) && moves(a.credit, row);
}

/* The direction that the amount tells, unless the file's source has set one. */
static void direct(Column *direction, size_t row, uint32_t code)
{
    if (column_valid(direction, row))
        return;
    direction->code[row] = code;
    column_set_valid(direction, row);
}

/* INT64_MIN has no positive; it is 9 thousand million million units of anything. */
static int64_t magnitude(int64_t value)
{
    return value < 0 ? (value == INT64_MIN ? INT64_MAX : -value) : value;
}

void quality_shape_amounts(const Schema *s, Table *t)
{
    Amounts a = amounts_of(s, t);
    if (!s->makes_direction || schema_two_sided(s))
        return;
    for (size_t row = 0; row < t->rows; row++) {
        if (a.debit == NULL) {
            if (!column_valid(a.amount, row))
                continue;
            int64_t value = a.amount->integer[row];
            a.amount->integer[row] = magnitude(value);
            if (value != 0)
                direct(a.direction, row, value < 0 ? CODE_OUT : CODE_IN);
            continue;
        }
        if (column_valid(a.amount, row)) /* a history's */
            continue;
        bool out = moves(a.debit, row) || (!moves(a.credit, row) && column_valid(a.debit, row));
        const Column *from = out ? a.debit : a.credit;
        if (!column_valid(from, row))
            continue;
        a.amount->integer[row] = magnitude(from->integer[row]);
        column_set_valid(a.amount, row);
        if (moves(from, row) || !column_valid(out ? a.credit : a.debit, row))
            direct(a.direction, row, out ? CODE_OUT : CODE_IN);
    }
}
