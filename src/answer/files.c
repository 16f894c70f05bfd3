/* files.c - a request as the two very small files that a run would read of the customer, and what
 * was set aside of them told to who sent it. */
#include "answer/answer_internal.h"

const char *const request_file_names[2] = {"customer", "transactions"};

/* A row begins on the line after the one before it; cells may hold line ends. */
static uint64_t lines_in(Str cell)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < cell.size; i++)
        lines += cell.data[i] == '\n';
    return lines;
}

static void write_file(RequestFiles *out, size_t k, Arena *keep, AnswerColumns columns,
                       const RequestRows *rows, Str id)
{
    Buffer b = buffer_new(keep);
    size_t *at = out->column[k] = ARENA_ARRAY(keep, size_t, columns.count + 1), cells = 0;
    for (size_t c = 0; c < columns.count; c++)
        if (!columns.item[c].outcome || rows->said[c])
            at[cells++] = c;
    for (size_t c = 0; c < cells; c++) {
        if (c > 0)
            buffer_char(&b, ',');
        csv_write_cell(&b, columns.item[at[c]].name, false);
    }
    buffer_char(&b, '\n');
    bool nothing = k == 0 && rows->rows == 0; /* of the customer only the id is known */
    size_t count = out->rows[k] = nothing ? 1 : rows->rows;
    out->line[k] = ARENA_ARRAY(keep, uint64_t, count + 1);
    uint64_t line = 2;
    for (size_t i = 0; i < count; i++) {
        out->line[k][i] = line++;
        for (size_t c = 0; c < cells; c++) {
            Str cell = nothing ? (columns.item[at[c]].key ? id : S(""))
                               : rows->cell[i * columns.count + at[c]];
            if (c > 0)
                buffer_char(&b, ',');
            csv_write_cell(&b, cell, false);
            line += lines_in(cell);
        }
        buffer_char(&b, '\n');
    }
    out->text[k] = buffer_str(&b);
}

void request_files(RequestFiles *out, Arena *keep, const Answerer *a, const Request *r)
{
    write_file(out, 0, keep, a->customer, &r->customer, r->customer_id);
    write_file(out, 1, keep, a->transaction, &r->transactions, r->customer_id);
}

static size_t row_of(const RequestFiles *files, size_t k, uint64_t line)
{
    size_t row = 0;
    while (row + 1 < files->rows[k] && files->line[k][row + 1] <= line)
        row++;
    return row;
}

Status fault_row(Fault *f, const Answerer *a, const RequestFiles *files, const QuarantineRow *row,
                 Str file)
{
    size_t k = str_equal(file, str_from(request_file_names[1]));
    AnswerColumns columns = k == 0 ? a->customer : a->transaction;
    Place place = {k == 0 ? "/customer" : "/transactions", row_of(files, k, row->line), S("")};
    if (k == 0 && files->rows[k] == 1)
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
