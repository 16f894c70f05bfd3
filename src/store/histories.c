/* histories.c - what the program saw of each customer, cut out so that one customer's decision can
 * be made again without the files it came from.
 *
 * Two CSV files in the schema book's own columns and forms, customers in the order of the
 * decisions: the profile's rows as read, and every version of every transaction that was used.
 * They are read back by dataset_read, not by a spreadsheet: cells are not guarded against formulas,
 * because a cell that is changed is another customer. */
#include "store/store_internal.h"

#include <string.h>

/* How a column's cells are written, so that reading gives the same value. */
static const SchemaColumn *form_of(BookRecords columns, Str name)
{
    const SchemaColumn *c = columns.item;
    for (size_t i = 0; i < columns.count; i++)
        if (str_equal(c[i].name.text, name))
            return &c[i];
    return NULL; /* of ours: plain */
}

static Str cell_as_read(Arena *scratch, const Column *c, const SchemaColumn *form, size_t row)
{
    char text[TIME_TEXT];
    if (form == NULL || !column_valid(c, row))
        return cell_text(scratch, c, row);
    bool time = c->type == TYPE_TIME || c->type == TYPE_DATE;
    if (time && form->time.form != TIME_ISO) {
        int64_t us = c->integer[row] * (c->type == TYPE_DATE ? DAY_US : 1);
        return str_copy(scratch, time_text_as(text, us, form->time));
    }
    Str cell = cell_text(scratch, c, row);
    bool number = c->type == TYPE_INT64 || c->type == TYPE_DECIMAL || c->type == TYPE_DOUBLE;
    if (!number || form->decimal_mark.text.size == 0)
        return cell;
    char *copy = (char *)(uintptr_t)str_chars(scratch, cell);
    char *point = memchr(copy, '.', cell.size);
    if (point != NULL)
        *point = form->decimal_mark.text.data[0];
    return (Str){copy, cell.size};
}

typedef struct HistoryColumn {
    const Column *column;
    const SchemaColumn *form;
    bool outcome; /* said by labelled files alone */
} HistoryColumn;

typedef struct HistoryFile {
    HistoryColumn *column;
    size_t columns;
    Sheet sheet;
    Sha256 *sum;       /* of the slice under way */
    uint64_t at;       /* bytes written so far */
    HistorySlice last; /* of the customer written last */
} HistoryFile;

struct Histories {
    const Dataset *data;
    HistoryFile file[HISTORY_FILES];
    size_t *first;                     /* [customers + 1] rows of versions */
    const Column *partner, *direction; /* of two sides, else NULL */
};

const char *const history_files[HISTORY_FILES] = {"histories/customers.csv",
                                                  "histories/transactions.csv"};

static void take_columns(HistoryFile *f, Arena *keep, const Table *t, BookRecords forms,
                         const Schema *s)
{
    f->column = ARENA_ARRAY(keep, HistoryColumn, t->columns + 1);
    for (size_t k = 0; k < t->columns; k++) {
        Str name = t->column[k].name;
        if (s->timeless && str_equal(name, s->transactions.created.text))
            continue; /* every event is at as_of */
        f->column[f->columns++] = (HistoryColumn){&t->column[k], form_of(forms, name), false};
    }
}

static void names(HistoryFile *f)
{
    for (size_t k = 0; k < f->columns; k++) {
        if (k > 0)
            buffer_char(&f->sheet.line, ',');
        csv_write_cell(&f->sheet.line, f->column[k].column->name, false);
    }
    buffer_char(&f->sheet.line, '\n');
    f->at = f->sheet.line.size;
}

Status histories_open(Histories **out, Arena *keep, const Dataset *d, const char *folder,
                      Error *err)
{
    Histories *h = *out = ARENA_NEW(keep, Histories);
    const Schema *s = d->schema;
    h->data = d;
    take_columns(&h->file[HISTORY_CUSTOMERS], keep, d->raw, s->customers.columns, s);
    take_columns(&h->file[HISTORY_TRANSACTIONS], keep, d->versions, s->events, s);
    HistoryFile *customers = &h->file[HISTORY_CUSTOMERS];
    for (size_t k = 0; k < customers->columns; k++)
        customers->column[k].outcome = schema_is_outcome(s, customers->column[k].column->name);
    if (schema_two_sided(s)) {
        h->partner = table_find(d->versions, S(SCHEMA_PARTNER));
        h->direction = table_find(d->versions, S(SCHEMA_DIRECTION));
    }
    h->first = ARENA_ARRAY(keep, size_t, d->customers + 1);
    for (size_t i = 0; i < d->versions->rows; i++)
        h->first[d->owner[i] + 1]++;
    for (size_t i = 0; i < d->customers; i++)
        h->first[i + 1] += h->first[i];
    TRY(folder_make(path_join(keep, folder, "histories"), err));
    for (size_t k = 0; k < HISTORY_FILES; k++) {
        h->file[k].sum = sha256_begin(keep);
        TRY(sheet_open(&h->file[k].sheet, keep, folder, history_files[k], err));
        names(&h->file[k]);
    }
    return STATUS_OK;
}

static void add_row(HistoryFile *f, Arena scratch, size_t row, bool labelled)
{
    Buffer *b = &f->sheet.line;
    size_t from = b->size;
    for (size_t k = 0; k < f->columns; k++) {
        const HistoryColumn *c = &f->column[k];
        Arena one = scratch;
        if (k > 0)
            buffer_char(b, ',');
        if (!c->outcome || labelled)
            csv_write_cell(b, cell_as_read(&one, c->column, c->form, row), false);
    }
    buffer_char(b, '\n');
    sha256_add(f->sum, (Str){b->data + from, b->size - from});
    f->last.bytes += b->size - from;
    f->at += b->size - from;
    sheet_flush(&f->sheet, false);
}

/* Events made of a customer's wide columns come with its row; of a payment to oneself, which is two
 * events of one row, the money out stands for both. */
static bool stands_for_another(const Histories *h, size_t customer, size_t row)
{
    const Table *t = h->data->versions;
    if (t->line != NULL && t->line[row] == 0)
        return true;
    if (h->partner == NULL || !column_valid(h->partner, row))
        return false;
    Str partner = h->partner->dictionary->text[h->partner->code[row]];
    return str_equal(partner, h->data->id[customer]) &&
           str_equal(cell_text(NULL, h->direction, row), S("IN"));
}

void histories_add(Histories *h, HistorySlice out[HISTORY_FILES], size_t customer, Arena scratch)
{
    const Dataset *d = h->data;
    for (size_t k = 0; k < HISTORY_FILES; k++)
        h->file[k].last = (HistorySlice){.offset = h->file[k].at};
    for (size_t i = d->raw_first[customer]; i < d->raw_first[customer + 1]; i++)
        add_row(&h->file[HISTORY_CUSTOMERS], scratch, d->raw_row[i],
                d->raw_labelled[d->raw_row[i]]);
    for (size_t i = h->first[customer]; i < h->first[customer + 1]; i++)
        if (!stands_for_another(h, customer, i))
            add_row(&h->file[HISTORY_TRANSACTIONS], scratch, i, true);
    for (size_t k = 0; k < HISTORY_FILES; k++) {
        sha256_end(h->file[k].sum, h->file[k].last.sha256);
        out[k] = h->file[k].last;
    }
}

Status histories_close(Histories *h, Error *err)
{
    Status status = STATUS_OK;
    for (size_t k = 0; k < HISTORY_FILES; k++) {
        if (h->file[k].sheet.writer == NULL)
            continue;
        Status closed = sheet_close(&h->file[k].sheet, status == STATUS_OK ? err : NULL);
        status = status == STATUS_OK ? closed : status;
    }
    return status;
}
