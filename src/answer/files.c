/* files.c - a request as the two very small files that a run would read of the customer, and what
 * was set aside of them told to who sent it. */
#include "answer/answer_internal.h"

/* Of the customer's columns those of the outcome only where the request says them. */
static void take_rows(RequestFiles *out, size_t k, Arena *keep, AnswerColumns columns,
                      const RequestRows *rows, Str id)
{
    size_t *at = out->column[k] = ARENA_ARRAY(keep, size_t, columns.count + 1), wide = 0;
    for (size_t c = 0; c < columns.count; c++)
        if (!columns.item[c].outcome || rows->said[c])
            at[wide++] = c;
    bool nothing = k == 0 && rows->rows == 0; /* of the customer only the id is known */
    size_t count = nothing ? 1 : rows->rows;
    Str *name = ARENA_ARRAY(keep, Str, wide + 1), *cell = rows->cell;
    for (size_t c = 0; c < wide; c++)
        name[c] = columns.item[at[c]].name;
    if (wide < columns.count || nothing) {
        cell = ARENA_ARRAY(keep, Str, count * wide + 1);
        for (size_t i = 0; i < count; i++)
            for (size_t c = 0; c < wide; c++)
                cell[i * wide + c] = !nothing ? rows->cell[i * columns.count + at[c]]
                                     : columns.item[at[c]].key ? id
                                                               : S("");
    }
    out->cells[k] = (CsvCells){name, wide, cell, count};
}

void request_files(RequestFiles *out, Arena *keep, const Answerer *a, const Request *r)
{
    take_rows(out, 0, keep, a->customer, &r->customer, r->customer_id);
    take_rows(out, 1, keep, a->transaction, &r->transactions, r->customer_id);
}

Status fault_row(Fault *f, const Answerer *a, const RequestFiles *files, const QuarantineRow *row,
                 Str file)
{
    size_t k = str_equal(file, S("transactions"));
    AnswerColumns columns = k == 0 ? a->customer : a->transaction;
    Place place = {k == 0 ? "/customer" : "/transactions", (size_t)row->line - 1, S("")};
    if (k == 0 && files->cells[k].rows == 1)
        place.at = no_at;
    if (row->column > 0)
        place.field = columns.item[files->column[k][row->column - 1]].name;
    /* Codes of rows are stable, and docs/csv.md lists them; reasons name no value. */
    static const char *const known[] = {"nul_byte",    "invalid_utf8",     "cell_too_long",
                                        "missing_key", "bad_value",        "unknown_value",
                                        "no_side",     "unknown_customer", "debit_and_credit"};
    const char *stable = "bad_row";
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (str_equal(row->code, str_from(known[i])))
            stable = known[i];
    return fault_set(f, place, stable, "This cannot be used: %.*s.", STR_ARG(row->reason));
}
