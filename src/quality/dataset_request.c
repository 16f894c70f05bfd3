/* dataset_request.c - which columns files are asked for. */
#include "quality/dataset_internal.h"

#include <string.h>

static Str *texts(Arena *arena, BookTexts list)
{
    Str *out = ARENA_RAW(arena, Str, list.count);
    for (size_t i = 0; i < list.count; i++)
        out[i] = list.item[i].text;
    return out;
}

static bool among(const BookText *list, size_t count, Str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(list[i].text, name))
            return true;
    return false;
}

/* `keys` are the columns whose cells must be present; `needed` those whose header must be. */
Request request_columns(Arena *keep, BookRecords columns, const BookText *key, size_t keys,
                        const BookText *needed, size_t needs)
{
    const SchemaColumn *from = columns.item;
    Request r = {ARENA_RAW(keep, CsvColumn, columns.count + 1), columns.count};
    for (size_t i = 0; i < columns.count; i++) {
        CsvColumn *c = &r.column[i];
        *c = (CsvColumn){.name = from[i].name.text,
                         .type = (Type)from[i].type,
                         .scale = (int)from[i].scale,
                         .values = texts(keep, from[i].values),
                         .value_count = from[i].values.count,
                         .open = from[i].values.count == 0,
                         .time = from[i].time,
                         .thousands = from[i].thousands.text};
        if (from[i].decimal_mark.text.size > 0)
            c->decimal_mark = from[i].decimal_mark.text.data[0];
        c->key = among(key, keys, c->name);
        c->required = c->key || among(needed, needs, c->name);
        if (c->type != TYPE_CATEGORY && c->type != TYPE_TEXT)
            continue;
        c->dictionary = dictionary_new(keep);
        for (size_t v = 0; v < c->value_count; v++)
            (void)dictionary_add(c->dictionary, c->values[v]);
    }
    return r;
}

Request request_needing(Arena *keep, Request from, const BookText *needed, size_t needs)
{
    Request r = {arena_copy(keep, from.column, from.columns * sizeof *from.column), from.columns};
    for (size_t k = 0; k < r.columns; k++)
        r.column[k].required = r.column[k].key || among(needed, needs, r.column[k].name);
    return r;
}

/* Columns that a customers' file must have: those that become events, for one that lacks them
 * would pass for customers who did nothing, and last the two of the outcome. */
BookText *request_needs(Arena *keep, const SchemaCustomers *c, size_t *count)
{
    const SchemaHistory *history = c->history.item;
    BookText *out = NULL;
    size_t capacity = 0;
    *count = 0;
    for (size_t k = 0; k < c->history.count; k++)
        for (size_t i = 0; i < history[k].columns.count; i++)
            *ARENA_PUSH(keep, out, *count, capacity) = history[k].columns.item[i];
    *ARENA_PUSH(keep, out, *count, capacity) = c->outcome_at; /* may be empty: asks nothing */
    *ARENA_PUSH(keep, out, *count, capacity) = c->label.column;
    return out;
}

/* The columns of an event: those that files have, then those that the book makes. */
Request request_events(Arena *keep, const Schema *s)
{
    const SchemaTransactions *st = &s->transactions;
    BookRecords columns = s->events;
    if (s->keyless || s->timeless) {
        SchemaColumn *column = ARENA_ARRAY(keep, SchemaColumn, columns.count + 2);
        memcpy(column, columns.item, columns.count * sizeof *column);
        columns.item = column;
        if (s->keyless)
            column[columns.count++] = (SchemaColumn){.name = st->key, .type = TYPE_TEXT};
        if (s->timeless)
            column[columns.count++] = (SchemaColumn){.name = st->created, .type = TYPE_TIME};
    }
    const BookText keys[] = {st->key, st->customer, st->created};
    /* What the engine itself reads; a name left out of the schema book is empty and asks nothing.
     */
    const BookText needs[] = {st->amount,       st->debit, st->credit,   st->sides.source,
                              st->sides.target, st->state, st->completed};
    Request r = request_columns(keep, columns, keys, COUNT_OF(keys), needs, COUNT_OF(needs));
    Dictionary *parties = NULL; /* both sides and the partner name the same people */
    for (size_t k = 0; k < r.columns && schema_two_sided(s); k++) {
        Str name = r.column[k].name;
        if (!str_equal(name, st->sides.source.text) && !str_equal(name, st->sides.target.text) &&
            !str_equal(name, S(SCHEMA_PARTNER)))
            continue;
        if (parties == NULL)
            parties = r.column[k].dictionary;
        r.column[k].dictionary = parties;
    }
    return r;
}

/* What a source sets is not read from its file. */
Request request_without_set(Arena *keep, Request want, const SchemaSource *source)
{
    Request out = {ARENA_ARRAY(keep, CsvColumn, want.columns + 1), 0};
    for (size_t k = 0; k < want.columns; k++)
        if (quality_pair_of(&source->set, want.column[k].name) == NULL)
            out.column[out.columns++] = want.column[k];
    return out;
}

/* What the engine makes may stand in what is in memory, and need not. */
Request request_with_made(Arena *keep, Request wanted, Request all)
{
    Request out = {arena_copy(keep, all.column, all.columns * sizeof *all.column), all.columns};
    for (size_t k = wanted.columns; k < all.columns; k++)
        out.column[k].key = out.column[k].required = false;
    return out;
}
