#include "quality/quality_internal.h"

#include <stdlib.h>

Status quality_check_versions(const Table *t, uint32_t row, size_t count, Str column, Arena scratch,
                              Error *err)
{
    if (count <= VERSIONS_MAX)
        return STATUS_OK;
    (void)error_set(err, STATUS_DATA, "%zu rows of %.*s have one and the same %.*s, more than %d",
                    count, STR_ARG(t->name), STR_ARG(column), VERSIONS_MAX);
    (void)error_place(err, str_chars(&scratch, t->files[t->file[row]]), (int64_t)t->line[row], 0);
    return error_remedy(err, "check `key` in the schema book: it must name one record, of which a "
                             "few versions may be exported");
}

bool quality_same_row(const Table *t, uint32_t a, uint32_t b)
{
    for (size_t k = 0; k < t->columns; k++)
        if (!cell_equal(&t->column[k], a, &t->column[k], b))
            return false;
    return true;
}

static bool tells_version(const SchemaTransactions *s, Str column)
{
    return str_equal(column, s->state.text) || str_equal(column, s->created.text) ||
           str_equal(column, s->completed.text) || str_equal(column, s->amount.text);
}

bool quality_says_all(const Schema *schema, const Table *t, uint32_t a, uint32_t b)
{
    for (size_t k = 0; k < t->columns; k++) {
        const Column *c = &t->column[k];
        if (cell_equal(c, a, c, b))
            continue;
        if (column_valid(c, b) || tells_version(&schema->transactions, c->name))
            return false;
    }
    return true;
}

static int cell_order(const Column *c, uint32_t a, uint32_t b)
{
    if (!column_valid(c, a) || !column_valid(c, b))
        return column_valid(c, a) - column_valid(c, b);
    switch (c->type) {
    case TYPE_BOOLEAN:
        return c->boolean[a] - c->boolean[b];
    case TYPE_DOUBLE:
        return (c->real[a] > c->real[b]) - (c->real[a] < c->real[b]);
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        return str_compare(c->dictionary->text[c->code[a]], c->dictionary->text[c->code[b]]);
    default:
        return (c->integer[a] > c->integer[b]) - (c->integer[a] < c->integer[b]);
    }
}

int quality_row_order(const Schema *schema, const Table *t, uint32_t a, uint32_t b)
{
    const Str first[] = {schema->transactions.state.text, schema->transactions.amount.text};
    for (size_t i = 0; i < COUNT_OF(first); i++) {
        const Column *c = table_find(t, first[i]);
        int order = c == NULL ? 0 : cell_order(c, a, b);
        if (order != 0)
            return order;
    }
    for (size_t k = 0; k < t->columns; k++) {
        int order = cell_order(&t->column[k], a, b);
        if (order != 0)
            return order;
    }
    return 0;
}

EventKey quality_event_key(const Schema *s, const Table *t, const uint32_t *owner)
{
    return (EventKey){owner, table_find(t, s->transactions.key.text),
                      schema_two_sided(s) ? table_find(t, S(SCHEMA_DIRECTION)) : NULL};
}

bool quality_same_event(const EventKey *k, uint32_t a, uint32_t b)
{
    return k->owner[a] == k->owner[b] && k->key->code[a] == k->key->code[b] &&
           (k->side == NULL || k->side->code[a] == k->side->code[b]);
}

static int by_event(const void *a, const void *b, void *context)
{
    const EventKey *k = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (k->owner[i] != k->owner[j])
        return k->owner[i] < k->owner[j] ? -1 : 1;
    if (k->key->code[i] != k->key->code[j])
        return k->key->code[i] < k->key->code[j] ? -1 : 1;
    if (k->side != NULL && k->side->code[i] != k->side->code[j])
        return k->side->code[i] < k->side->code[j] ? -1 : 1;
    return (i > j) - (i < j);
}

void quality_sort_versions(uint32_t *order, size_t count, const EventKey *k)
{
    size_t sorted = 1; /* one customer's rows, each an event, come in this order */
    while (sorted < count && by_event(&order[sorted - 1], &order[sorted], (void *)(uintptr_t)k) < 0)
        sorted++;
    if (sorted < count)
        qsort_r(order, count, sizeof *order, by_event, (void *)(uintptr_t)k);
}

bool quality_pending(const Schema *schema, const Column *state, size_t row)
{
    if (state == NULL)
        return false;
    if (!column_valid(state, row))
        return true; /* nothing says that it is final */
    return schema_is_pending(schema, state->dictionary->text[state->code[row]]);
}
