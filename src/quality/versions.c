#include "quality/quality_internal.h"

#include <stdlib.h>

bool quality_same_row(const Table *t, uint32_t a, uint32_t b)
{
    for (size_t k = 0; k < t->columns; k++)
        if (!cell_equal(&t->column[k], a, &t->column[k], b))
            return false;
    return true;
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
