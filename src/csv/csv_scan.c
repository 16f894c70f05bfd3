#include "csv/csv_scan.h"

#include <string.h>

CsvBatch csv_batch(Arena *arena, uint64_t line)
{
    return (CsvBatch){.arena = arena, .line = line};
}

static uint64_t count_lines(const char *from, const char *to)
{
    uint64_t lines = 0;
    while (from < to && (from = memchr(from, '\n', (size_t)(to - from))) != NULL) {
        lines++;
        from++;
    }
    return lines;
}

/* Carriage returns right before a line feed, or before the end of the file, belong to the line
 * end; NULL when those at `at` do neither. */
static const char *line_end(const char *at, const char *end)
{
    while (at < end && *at == '\r')
        at++;
    return at == end || *at == '\n' ? at : NULL;
}

static Str without_returns(const char *from, const char *to)
{
    while (to > from && to[-1] == '\r')
        to--;
    return (Str){from, (size_t)(to - from)};
}

/* The end of a quoted cell: its closing quote, or NULL. */
static const char *closing_quote(const char *at, const char *end, bool *doubled)
{
    while (at < end && (at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        if (end - at < 2 || at[1] != '"')
            return at;
        *doubled = true;
        at += 2;
    }
    return NULL;
}

typedef struct Kernel {
    bool special[256]; /* what ends an unquoted run of bytes */
    CsvDialect dialect;
    const char *end;
} Kernel;

/* Scan the row at `start` into *row and the batch's cells. Returns its end, which is a line
 * end or the end of the bytes, or the byte at fault. */
static const char *scan_row(const Kernel *k, CsvBatch *batch, CsvRow *row, const char *start)
{
    const char *at = start, *end = k->end;
    for (;;) {
        CsvCell cell = {.data = at};
        row->fault_at = row->cells;
        if (at < end && *at == '"') {
            cell.quoted = true;
            cell.data = at + 1;
            const char *close = closing_quote(at + 1, end, &cell.doubled);
            if (close == NULL) {
                row->fault = CSV_OPEN_QUOTE;
                return at;
            }
            cell.size = (size_t)(close - cell.data);
            row->lines += count_lines(cell.data, close);
            at = close + 1;
        } else {
            while (at < end && !k->special[(unsigned char)*at])
                at++;
            cell.size = (size_t)(at - cell.data);
        }
        if (row->cells < k->dialect.cells_max)
            batch->cell[batch->cells++] = cell;
        if (cell.size > row->longest) {
            row->longest = cell.size;
            row->longest_at = row->cells;
        }
        row->cells++;
        if (at == end || *at == '\n')
            return at;
        if (*at == k->dialect.delimiter) {
            at++;
            continue;
        }
        const char *after = *at == '\r' ? line_end(at, end) : NULL;
        if (after != NULL)
            return after;
        row->fault = *at == '\r' ? CSV_STRAY_RETURN : CSV_STRAY_QUOTE;
        return at;
    }
}

/* The end of a line that holds nothing but spaces and tabs, or NULL. */
static const char *blank_line(const Kernel *k, const char *at)
{
    while (at < k->end && (*at == ' ' || *at == '\t') && *at != k->dialect.delimiter)
        at++;
    return line_end(at, k->end);
}

static CsvRow *next_row(CsvBatch *batch, size_t cells_max)
{
    if (batch->cell_capacity - batch->cells < cells_max) {
        size_t capacity = 2 * batch->cell_capacity + cells_max;
        batch->cell = arena_grow(batch->arena, batch->cell, batch->cell_capacity, capacity,
                                 sizeof *batch->cell);
        batch->cell_capacity = capacity;
    }
    CsvRow *row = ARENA_PUSH(batch->arena, batch->row, batch->rows, batch->row_capacity);
    *row = (CsvRow){.first = batch->cells, .line = batch->line, .lines = 1};
    return row;
}

size_t csv_scan(CsvBatch *batch, CsvDialect dialect, Str bytes, size_t at, size_t block)
{
    Kernel k = {.dialect = dialect, .end = bytes.data + bytes.size};
    k.special[(unsigned char)dialect.delimiter] = true;
    k.special['"'] = k.special['\n'] = k.special['\r'] = true;
    const char *p = bytes.data + at, *start = p;
    batch->rows = batch->cells = 0;
    while (p < k.end && (size_t)(p - start) < block) {
        const char *end = blank_line(&k, p);
        if (end == NULL) {
            CsvRow *row = next_row(batch, dialect.cells_max);
            end = scan_row(&k, batch, row, p);
            if (row->fault != CSV_SOUND) {
                end = memchr(p, '\n', (size_t)(k.end - p));
                end = end == NULL ? k.end : end;
                row->lines = 1;
            }
            row->raw = without_returns(p, end);
            batch->line += row->lines - 1;
        }
        if (end < k.end)
            batch->line++;
        p = end < k.end ? end + 1 : end;
    }
    return (size_t)(p - bytes.data);
}

Str csv_cell_text(CsvCell cell, Arena *arena)
{
    if (!cell.doubled)
        return (Str){cell.data, cell.size};
    char *out = arena_raw(arena, cell.size, 1);
    size_t size = 0;
    for (size_t i = 0; i < cell.size; i++) {
        out[size++] = cell.data[i];
        i += cell.data[i] == '"'; /* the second of the two */
    }
    return (Str){out, size};
}
