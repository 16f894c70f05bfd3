/* request_both.h - a request read both ways: what is read from the bytes must be what is read from
 * a tree of the whole. */
#ifndef TESTS_REQUEST_BOTH_H
#define TESTS_REQUEST_BOTH_H

#include "answer/answer_internal.h"

#include <string.h>

/* Only what is read here of a bundle: the default books' columns. */
static inline Answerer *request_answerer(Arena *arena)
{
    Error err = {0};
    Schema *schema;
    if (schema_default(&schema, arena, &err) != STATUS_OK)
        return NULL;
    Answerer *a = ARENA_NEW(arena, Answerer);
    a->bundle = ARENA_NEW(arena, Bundle);
    a->bundle->schema = schema;
    AnswerColumns *out[] = {&a->customer, &a->transaction};
    const BookRecords from[] = {schema->customers.columns, schema->transactions.columns};
    const Str owner[] = {schema->customers.key.text, schema->transactions.customer.text};
    for (size_t k = 0; k < COUNT_OF(out); k++) {
        const SchemaColumn *c = from[k].item;
        *out[k] = (AnswerColumns){ARENA_ARRAY(arena, AnswerColumn, from[k].count), from[k].count};
        a->column_names[k] = ARENA_ARRAY(arena, Str, from[k].count);
        for (size_t i = 0; i < from[k].count; i++) {
            out[k]->item[i] = (AnswerColumn){.schema = &c[i],
                                             .name = c[i].name.text,
                                             .key = str_equal(c[i].name.text, owner[k])};
            a->column_names[k][i] = c[i].name.text;
        }
    }
    return a;
}

static inline bool request_same_rows(const RequestRows *a, const RequestRows *b, size_t columns)
{
    bool same = a->rows == b->rows && a->given == b->given && a->single == b->single;
    for (size_t k = 0; same && k < columns; k++)
        same = a->said[k] == b->said[k];
    for (size_t i = 0; same && i < a->rows * columns; i++)
        same = str_equal(a->cell[i], b->cell[i]) &&
               (a->cell[i].data == NULL) == (b->cell[i].data == NULL);
    return same;
}

/* Read a request both ways; NULL, or what differs. */
static inline const char *request_both(Request *out, Status *status, Fault *fault, Arena *keep,
                                       const Answerer *a, Str json, const AnswerLimits *limits,
                                       bool held)
{
    Request whole;
    Fault other = {0};
    *fault = other;
    *status = request_read(out, keep, a, json, limits, 0, held, fault);
    if (request_read_whole(&whole, keep, a, json, limits, 0, held, &other) != *status)
        return "status";
    if (*status != STATUS_OK)
        return strcmp(fault->code, other.code) == 0 && strcmp(fault->pointer, other.pointer) == 0 &&
                       strcmp(fault->detail, other.detail) == 0
                   ? NULL
                   : "fault";
    if (!request_same_rows(&out->customer, &whole.customer, a->customer.count))
        return "customer";
    if (!request_same_rows(&out->transactions, &whole.transactions, a->transaction.count))
        return "transactions";
    return str_equal(out->customer_id, whole.customer_id) && out->as_of == whole.as_of &&
                   out->as_of_us == whole.as_of_us && out->facts == whole.facts &&
                   out->reasons == whole.reasons && out->language == whole.language &&
                   out->counterfactual == whole.counterfactual &&
                   out->unknown_fields == whole.unknown_fields &&
                   out->earlier.known == whole.earlier.known && str_equal(out->policy, whole.policy)
               ? NULL
               : "fields";
}

#endif
