/* history.c - wide columns of customers (one a month) made into events. */
#include "quality/quality_internal.h"

#include <string.h>

static void put_text(Column *c, size_t row, Str text)
{
    c->code[row] = dictionary_add(c->dictionary, text);
    column_set_valid(c, row);
}

static void copy_cell(Column *to, size_t to_row, const Column *from, size_t from_row)
{
    size_t width = type_width(to->type);
    memcpy((char *)to->data + to_row * width, (const char *)from->data + from_row * width, width);
    column_set_valid(to, to_row);
}

typedef struct Filling {
    const Dataset *d;
    Table *events;
    Column *owner, *key, *created, *completed, *currency;
    Arena *keep;
} Filling;

static void add_event(const Filling *f, const SchemaHistory *h, size_t row, size_t customer,
                      const Column *from, int64_t at_us)
{
    Column *into = table_find(f->events, h->into.text);
    Str id = f->d->id[customer];
    copy_cell(into, row, from, customer);
    put_text(f->owner, row, id);
    put_text(f->key, row, str_format(f->keep, "%.*s:%.*s", STR_ARG(id), STR_ARG(from->name)));
    f->created->integer[row] = at_us;
    column_set_valid(f->created, row);
    if (f->completed != NULL)
        copy_cell(f->completed, row, f->created, row);
    if (f->currency != NULL)
        put_text(f->currency, row, f->d->schema->currency.text);
    for (size_t i = 0; i < h->set.count; i++)
        (void)column_parse(table_find(f->events, h->set.item[i].name.text), row,
                           h->set.item[i].value.text);
}

Table *quality_history(Dataset *d, Arena *keep, const Table *like)
{
    const Schema *s = d->schema;
    const SchemaTransactions *st = &s->transactions;
    const SchemaHistory *history = s->customers.history.item;
    size_t rows = 0, at = 0;
    for (size_t k = 0; k < s->customers.history.count; k++)
        for (size_t c = 0; c < history[k].columns.count; c++) {
            const Column *from = table_find(d->profile, history[k].columns.item[c].text);
            for (size_t i = 0; i < d->customers; i++)
                rows += column_valid(from, i);
        }
    Table *t = table_new(keep, S("history"), rows, like->columns);
    for (size_t k = 0; k < like->columns; k++)
        column_init(&t->column[k], keep, like->column[k].name, like->column[k].type,
                    like->column[k].scale, rows, like->column[k].dictionary);
    Str owner = schema_two_sided(s) ? st->sides.source.text : st->customer.text;
    const Filling f = {.d = d,
                       .events = t,
                       .owner = table_find(t, owner),
                       .key = table_find(t, st->key.text),
                       .created = table_find(t, st->created.text),
                       .completed = table_find(t, st->completed.text),
                       .currency = table_find(t, st->currency.text),
                       .keep = keep};
    for (size_t k = 0; k < s->customers.history.count; k++)
        for (size_t c = 0; c < history[k].columns.count; c++) {
            const Column *from = table_find(d->profile, history[k].columns.item[c].text);
            int64_t time = history[k].from_us + (int64_t)c * history[k].step_us;
            for (size_t i = 0; i < d->customers; i++)
                if (column_valid(from, i))
                    add_event(&f, &history[k], at++, i, from, time);
        }
    findings_add(d->findings, SEVERITY_INFO, "history_events", rows,
                 str_format(keep, "%zu values of wide customer columns are one event each", rows),
                 S("added to the customers' transactions"));
    return t;
}
