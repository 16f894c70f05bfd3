#include "quality/quality_internal.h"

#include <stdlib.h>

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

bool quality_same_version(const Schema *schema, const Table *t, uint32_t a, uint32_t b)
{
    for (size_t k = 0; k < t->columns; k++) {
        const Column *c = &t->column[k];
        if (cell_equal(c, a, c, b))
            continue;
        if ((column_valid(c, a) && column_valid(c, b)) ||
            tells_version(&schema->transactions, c->name))
            return false;
    }
    return true;
}

size_t quality_valid_cells(const Table *t, uint32_t row)
{
    size_t count = 0;
    for (size_t k = 0; k < t->columns; k++)
        count += column_valid(&t->column[k], row);
    return count;
}

typedef struct Order {
    const uint32_t *owner;
    const Column *key;
} Order;

static int by_owner_and_id(const void *a, const void *b, void *context)
{
    const Order *o = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (o->owner[i] != o->owner[j])
        return o->owner[i] < o->owner[j] ? -1 : 1;
    if (o->key->code[i] != o->key->code[j])
        return o->key->code[i] < o->key->code[j] ? -1 : 1;
    return (i > j) - (i < j);
}

void quality_sort_versions(uint32_t *order, size_t count, const uint32_t *owner, const Column *key)
{
    qsort_r(order, count, sizeof *order, by_owner_and_id, &(Order){owner, key});
}

bool quality_pending(const Schema *schema, const Column *state, size_t row)
{
    if (state == NULL || !column_valid(state, row))
        return true; /* nothing says that it is final */
    Str value = state->dictionary->text[state->code[row]];
    for (size_t i = 0; i < schema->transactions.pending.count; i++)
        if (str_equal(schema->transactions.pending.item[i].text, value))
            return true;
    return false;
}
