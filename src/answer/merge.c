/* merge.c - what is held of a customer beside what a request says of him. */
#include "answer/answer_internal.h"

#include <string.h>

/* What makes a version of a transaction that one: its key and state; of a book without keys all of
 * it but its owner, which a request may leave out. Sizes stand before the texts. */
static Str version_text(Buffer *b, const Answerer *a, const RequestRows *rows, size_t row)
{
    const AnswerColumns t = a->transaction;
    const SchemaTransactions *s = &a->bundle->schema->transactions;
    b->size = 0;
    for (size_t k = 0; k < t.count; k++) {
        Str cell = rows->cell[row * t.count + k];
        bool part = s->key.text.size > 0 ? str_equal(t.item[k].name, s->key.text) ||
                                               str_equal(t.item[k].name, s->state.text)
                                         : !t.item[k].key;
        if (part)
            buffer_format(b, "%zu:%.*s", cell.size, STR_ARG(cell));
    }
    return buffer_str(b);
}

/* A version that is sent stands instead of the one that is held. */
static void leave_out_said(RequestRows *held, Arena *keep, const Answerer *a,
                           const RequestRows *said)
{
    size_t columns = a->transaction.count, rows = 0;
    if (said->rows == 0 || held->rows == 0)
        return;
    Dictionary *versions = dictionary_new(keep);
    Buffer b = buffer_new(keep);
    for (size_t i = 0; i < said->rows; i++)
        (void)dictionary_add(versions, version_text(&b, a, said, i));
    for (size_t i = 0; i < held->rows; i++) {
        if (dictionary_find(versions, version_text(&b, a, held, i)) != NO_CODE)
            continue;
        memmove(held->cell + rows * columns, held->cell + i * columns,
                columns * sizeof *held->cell);
        rows++;
    }
    held->rows = rows;
}

static void add_rows(RequestRows *to, Arena *keep, size_t columns, const RequestRows *from)
{
    size_t rows = to->rows + from->rows;
    Str *cell = ARENA_ARRAY(keep, Str, rows * columns + 1);
    if (to->rows > 0)
        memcpy(cell, to->cell, to->rows * columns * sizeof *cell);
    if (from->rows > 0)
        memcpy(cell + to->rows * columns, from->cell, from->rows * columns * sizeof *cell);
    to->cell = cell;
    to->rows = rows;
    to->given = to->given || from->given;
    for (size_t k = 0; k < columns; k++)
        to->said[k] = to->said[k] || from->said[k];
}

/* What the request says of the customer stands, and the rest is as held. */
void request_merge(Request *r, Arena *keep, const Answerer *a, const Request *held)
{
    const AnswerColumns c = a->customer, t = a->transaction;
    if (!r->customer.given) {
        r->customer = held->customer;
    } else if (r->customer.single && held->customer.rows == 1) {
        for (size_t k = 0; k < c.count; k++) {
            if (!r->customer.said[k])
                r->customer.cell[k] = held->customer.cell[k];
            r->customer.said[k] = r->customer.said[k] || held->customer.said[k];
        }
    }
    for (size_t k = 0; k < c.count; k++)
        for (size_t i = 0; c.item[k].key && i < r->customer.rows; i++)
            r->customer.cell[i * c.count + k] = r->customer_id;
    RequestRows rest = held->transactions;
    leave_out_said(&rest, keep, a, &r->transactions);
    add_rows(&r->transactions, keep, t.count, &rest);
    for (size_t k = 0; k < t.count; k++)
        for (size_t i = 0; t.item[k].key && i < r->transactions.rows; i++)
            r->transactions.cell[i * t.count + k] = r->customer_id;
}
