/* request_of.h - a customer of a dataset as the JSON request that a service would be sent. */
#ifndef TESTS_REQUEST_OF_H
#define TESTS_REQUEST_OF_H

#include "record/record.h"

/* A cell as JSON; numbers as numbers. */
static inline void request_cell(Document *j, yyjson_mut_val *o, const Column *c, size_t row)
{
    Str text = cell_text(j->arena, c, row);
    const char *key = str_chars(j->arena, c->name);
    bool number = c->type == TYPE_INT64 || c->type == TYPE_DECIMAL || c->type == TYPE_DOUBLE;
    if (!column_valid(c, row))
        document_null(j, o, key);
    else if (number)
        (void)yyjson_mut_obj_add(o, yyjson_mut_str(j->doc, key),
                                 yyjson_mut_rawn(j->doc, text.data, text.size));
    else if (c->type == TYPE_BOOLEAN)
        document_truth(j, o, key, c->boolean[row] != 0);
    else
        document_text(j, o, key, text);
}

/* Of a customer with several records the request lists them all. transactions_max: the first so
 * many rows. */
static inline Str request_of(Arena *keep, const Dataset *d, size_t customer, int64_t as_of_us,
                             const char *options, size_t transactions_max)
{
    Document j;
    document_open(&j, keep);
    document_text(&j, j.root, "customer_id", d->id[customer]);
    document_time(&j, j.root, "as_of", as_of_us);
    yyjson_mut_val *records = document_list(&j, j.root, "customer");
    for (size_t i = d->raw_first[customer]; i < d->raw_first[customer + 1]; i++) {
        yyjson_mut_val *o = document_object(&j, records, NULL);
        size_t row = d->raw_row[i];
        for (size_t k = 0; k < d->raw->columns; k++) {
            const Column *c = &d->raw->column[k];
            if (!schema_is_outcome(d->schema, c->name) || d->raw_labelled[row])
                request_cell(&j, o, c, row);
        }
    }
    yyjson_mut_val *list = document_list(&j, j.root, "transactions");
    size_t count = 0;
    for (size_t i = 0; i < d->versions->rows && count < transactions_max; i++) {
        if (d->owner[i] != customer)
            continue;
        count++;
        yyjson_mut_val *o = document_object(&j, list, NULL);
        for (size_t k = 0; k < d->versions->columns; k++) {
            const Column *c = &d->versions->column[k];
            const SchemaColumn *known = d->schema->transactions.columns.item;
            for (size_t n = 0; n < d->schema->transactions.columns.count; n++)
                if (str_equal(known[n].name.text, c->name))
                    request_cell(&j, o, c, i);
        }
    }
    if (options != NULL) {
        Str text = str_from(options);
        (void)yyjson_mut_obj_add(j.root, yyjson_mut_str(j.doc, "options"),
                                 yyjson_mut_rawn(j.doc, text.data, text.size));
    }
    Str out = document_write(&j, false);
    return str_slice(out, 0, out.size - 1);
}

#endif
