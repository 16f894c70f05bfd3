/* csv_fuzz.c - any bytes are read or refused, and no row is lost.
 *
 * The first byte chooses the options, the rest is the file. What is read is written and read
 * again: the two tables must be equal. */
#include "csv/csv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Str listed[] = {{"IN", 2}, {"OUT", 3}};

static const CsvColumn asked[] = {
    {.name = {"id", 2}, .type = TYPE_TEXT, .key = true},
    {.name = {"b", 1}, .type = TYPE_BOOLEAN},
    {.name = {"i", 1}, .type = TYPE_INT64},
    {.name = {"m", 1}, .type = TYPE_DECIMAL, .scale = 2},
    {.name = {"r", 1}, .type = TYPE_DOUBLE},
    {.name = {"t", 1}, .type = TYPE_TIME},
    {.name = {"d", 1}, .type = TYPE_DATE},
    {.name = {"l", 1}, .type = TYPE_DURATION},
    {.name = {"c", 1}, .type = TYPE_CATEGORY, .values = listed, .value_count = 2},
    {.name = {"x", 1}, .type = TYPE_TEXT},
};

static void must(bool claim)
{
    if (!claim)
        abort();
}

static Table *read_once(Arena *keep, Arena scratch, Str bytes, const CsvOptions *options,
                        uint64_t *quarantined)
{
    Table *t = NULL;
    CsvCounts counts;
    Error err = {0};
    Quarantine *q = quarantine_new(keep);
    Status status = csv_read_bytes(&t, &counts, keep, scratch, bytes, "fuzz.csv", asked,
                                   COUNT_OF(asked), options, q, &err);
    if (status != STATUS_OK) {
        must(err.status == status && err.message[0] != '\0' && err.remedy[0] != '\0');
        return NULL;
    }
    must(counts.rows == t->rows + counts.quarantined && counts.quarantined == q->count);
    uint64_t line = 0;
    for (size_t i = 0, k = 0; i < t->rows || k < q->count;) {
        bool used = k == q->count || (i < t->rows && t->line[i] < q->row[k].line);
        uint64_t next = used ? t->line[i++] : q->row[k++].line;
        must(next > line);
        line = next;
    }
    *quarantined = q->count;
    return t;
}

static Str write_table(Arena *keep, const Table *t, char delimiter)
{
    Buffer b = buffer_new(keep);
    for (size_t k = 0; k < t->columns; k++) {
        if (k > 0)
            buffer_char(&b, delimiter);
        buffer_add(&b, t->column[k].name);
    }
    buffer_char(&b, '\n');
    for (size_t i = 0; i < t->rows; i++) {
        for (size_t k = 0; k < t->columns; k++) {
            Str text = cell_text(keep, &t->column[k], i);
            if (k > 0)
                buffer_char(&b, delimiter);
            if (text.size == 0)
                buffer_add(&b, S("\"\"")); /* a row of one empty cell is not a blank line */
            else
                csv_write_cell(&b, text, false);
        }
        buffer_char(&b, '\n');
    }
    return buffer_str(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {0, ',', ';', '\t'};
    if (size == 0)
        return 0;
    CsvOptions options = {.delimiter = delimiters[data[0] & 3],
                          .cell_bytes_max = data[0] & 4 ? 8 : 0,
                          .columns_max = data[0] & 8 ? 3 : 0};
    Arena keep = arena_new(), scratch = arena_new();
    uint64_t quarantined;
    /* A copy of its own, so that reading past the end is seen. */
    char *copy = malloc(size);
    must(copy != NULL);
    for (size_t i = 1; i < size; i++)
        copy[i - 1] = (char)data[i];
    char *exact = realloc(copy, size - 1 > 0 ? size - 1 : 1);
    Table *t = read_once(&keep, scratch, (Str){exact, size - 1}, &options, &quarantined);
    if (t != NULL && t->columns > 0) {
        Str text = write_table(&keep, t, ',');
        Table *again =
            read_once(&keep, scratch, text, &(CsvOptions){.delimiter = ','}, &quarantined);
        must(again != NULL && quarantined == 0);
        must(again->rows == t->rows && again->columns == t->columns);
        for (size_t k = 0; k < t->columns; k++)
            for (size_t i = 0; i < t->rows; i++)
                must(cell_equal(&t->column[k], i, &again->column[k], i));
    }
    free(exact);
    arena_free(&keep);
    arena_free(&scratch);
    return 0;
}
