#include "csv/csv_start.h"

#include <string.h>

#define LOOK_BYTES  ((size_t)1 << 20) /* of the file, to find its delimiter */
#define LOOK_ROWS   20
#define TEXT_BYTES  ((size_t)1 << 16) /* of the file, to see that it is text */
#define STRANGE_MIN 16                /* control characters that a text may still hold */
#define COLUMNS_MAX 4096

bool csv_plain(Str bytes)
{
    const uint64_t high = 0x8080808080808080u, ones = 0x0101010101010101u;
    uint64_t seen = 0, word;
    size_t i = 0;
    for (; i + sizeof word <= bytes.size; i += sizeof word) {
        memcpy(&word, bytes.data + i, sizeof word);
        seen |= word | ((word - ones) & ~word); /* the top bit: not ASCII, or zero */
    }
    for (; i < bytes.size; i++)
        seen |= bytes.data[i] == '\0' || (unsigned char)bytes.data[i] >= 0x80 ? high : 0;
    return (seen & high) == 0;
}

static Status refuse(Error *err, const char *path, uint64_t line, const char *what,
                     const char *remedy)
{
    (void)error_set(err, STATUS_FORMAT, "%s", what);
    (void)error_place(err, path, (int64_t)line, 0);
    (void)error_remedy(err, "%s", remedy);
    return STATUS_FORMAT;
}

/* Formats that are often handed over by mistake, by the bytes they begin with. */
static Status check_text(Str bytes, const char *path, Error *err)
{
    static const struct {
        Str bytes;
        const char *what, *remedy;
    } known[] = {
        {{"\xFF\xFE", 2}, "file is UTF-16, not UTF-8", "save it as CSV in UTF-8"},
        {{"\xFE\xFF", 2}, "file is UTF-16, not UTF-8", "save it as CSV in UTF-8"},
        {{"\x1F\x8B", 2}, "file is compressed (gzip)", "decompress it first"},
        {{"\x28\xB5\x2F\xFD", 4}, "file is compressed (zstd)", "decompress it first"},
        {{"PK\x03\x04", 4}, "file is a spreadsheet or zip archive", "export it as CSV in UTF-8"},
        {{"PAR1", 4}, "file is Parquet", "export it as CSV in UTF-8"},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (str_starts(bytes, known[i].bytes))
            return refuse(err, path, 0, known[i].what, known[i].remedy);
    Str look = str_slice(bytes, 0, TEXT_BYTES);
    size_t strange = 0;
    for (size_t i = 0; i < look.size; i++) {
        unsigned char c = (unsigned char)look.data[i];
        strange += c < ' ' && c != '\t' && c != '\n' && c != '\r';
    }
    if (strange >= STRANGE_MIN && strange * 50 > look.size)
        return refuse(err, path, 0, "file is binary, not text", "export it as CSV in UTF-8");
    return STATUS_OK;
}

/* How well a delimiter fits: cells in the first row, and how many rows after it agree. */
typedef struct Fit {
    size_t cells, rows, agreeing;
} Fit;

static Fit fit(char delimiter, Str bytes, Arena scratch)
{
    Str look = str_slice(bytes, 0, LOOK_BYTES);
    CsvDialect dialect = {.delimiter = delimiter, .cells_max = 0};
    CsvBatch batch = csv_batch(&scratch, 1);
    Fit out = {0};
    for (size_t at = 0, seen = 0; at < look.size && seen <= LOOK_ROWS; seen++) {
        at = csv_scan(&batch, dialect, look, at, 1);
        if (batch.rows == 0 || (at == look.size && look.size < bytes.size && seen > 0))
            continue; /* a blank line, or a row that the look cuts short */
        if (out.cells == 0) {
            out.cells = batch.row[0].cells;
            continue;
        }
        out.rows++;
        out.agreeing += batch.row[0].fault == CSV_SOUND && batch.row[0].cells == out.cells;
    }
    return out;
}

/* The delimiter by which the header has several cells and most rows agree with it; on a tie the
 * one that gives more cells; a comma when none does. */
static char find_delimiter(Str bytes, Arena scratch)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    char best = ',';
    Fit best_fit = {0};
    for (size_t i = 0; i < COUNT_OF(candidates); i++) {
        Fit f = fit(candidates[i], bytes, scratch);
        if (f.cells < 2)
            continue;
        size_t mine = f.agreeing * (best_fit.rows + 1), other = best_fit.agreeing * (f.rows + 1);
        if (best_fit.cells == 0 || mine > other || (mine == other && f.cells > best_fit.cells)) {
            best = candidates[i];
            best_fit = f;
        }
    }
    return best;
}

static Status check_header(const CsvRow *row, const char *path, Error *err)
{
    static const char remedy[] = "mend the header line, or export the file again";
    if (row->fault == CSV_STRAY_RETURN)
        return refuse(err, path, row->line, "a carriage return stands alone in the header",
                      "convert the file's line ends to LF or CRLF");
    if (row->fault != CSV_SOUND)
        return refuse(err, path, row->line, "the header's quotes do not match", remedy);
    if (csv_plain(row->raw))
        return STATUS_OK;
    if (memchr(row->raw.data, '\0', row->raw.size) != NULL)
        return refuse(err, path, row->line, "file is binary: its header holds a NUL byte",
                      "export it as CSV in UTF-8");
    if (!str_valid_utf8(row->raw))
        return refuse(err, path, row->line, "the header is not valid UTF-8",
                      "save the file as CSV in UTF-8");
    return STATUS_OK;
}

/* Two columns of one name would make every answer about that name a guess. */
static Status check_names(const CsvStart *start, Arena scratch, const char *path, Error *err)
{
    Dictionary *seen = dictionary_new(&scratch);
    for (size_t i = 0; i < start->columns; i++) {
        uint32_t before = dictionary_add(seen, start->name[i]);
        if (before == i)
            continue;
        if (start->name[i].size == 0)
            (void)error_set(err, STATUS_FORMAT, "columns %zu and %zu have no name",
                            (size_t)before + 1, i + 1);
        else
            (void)error_set(err, STATUS_FORMAT, "columns %zu and %zu are both named %.*s",
                            (size_t)before + 1, i + 1, STR_ARG(start->name[i]));
        (void)error_place(err, path, (int64_t)start->header_line, (int64_t)i + 1);
        (void)error_remedy(err, "give each column a name of its own");
        return STATUS_FORMAT;
    }
    return STATUS_OK;
}

static Status check_options(const CsvOptions *options, Error *err)
{
    char delimiter = options->delimiter;
    if (delimiter == '"' || delimiter == '\n' || delimiter == '\r' ||
        (unsigned char)delimiter >= 0x80) {
        (void)error_set(err, STATUS_USAGE,
                        "a quote, a line end or a part of a letter cannot "
                        "be the delimiter");
        (void)error_remedy(err, "use a comma, a semicolon, a tab or a bar");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

Status csv_start(CsvStart *out, Arena *keep, Arena scratch, Str bytes, const char *path,
                 const CsvOptions *options, Error *err)
{
    size_t columns_max = options->columns_max == 0 ? COLUMNS_MAX : options->columns_max;
    TRY(check_options(options, err));
    if (bytes.size == 0)
        return refuse(err, path, 0, "file is empty", "export it again, with its header line");
    TRY(check_text(bytes, path, err));
    if (str_starts(bytes, S("\xEF\xBB\xBF")))
        bytes = str_slice(bytes, 3, bytes.size);

    *out = (CsvStart){.bytes = bytes};
    out->dialect.delimiter =
        options->delimiter != 0 ? options->delimiter : find_delimiter(bytes, scratch);
    out->dialect.cells_max = columns_max;
    CsvBatch batch = csv_batch(&scratch, 1);
    while (out->at < bytes.size && batch.rows == 0)
        out->at = csv_scan(&batch, out->dialect, bytes, out->at, 1);
    if (batch.rows == 0)
        return refuse(err, path, 0, "file holds only blank lines",
                      "export it again, with its header line");
    const CsvRow *row = &batch.row[0];
    TRY(check_header(row, path, err));
    if (row->cells > columns_max) {
        (void)error_set(err, STATUS_LIMIT, "the header has %zu columns; at most %zu are read",
                        row->cells, columns_max);
        (void)error_place(err, path, (int64_t)row->line, 0);
        (void)error_remedy(err, "keep the columns that are needed");
        return STATUS_LIMIT;
    }

    out->line = batch.line;
    out->header_line = row->line;
    out->columns = out->dialect.cells_max = row->cells;
    out->name = ARENA_ARRAY(keep, Str, out->columns);
    for (size_t i = 0; i < out->columns; i++)
        out->name[i] = str_copy(keep, str_trim(csv_cell_text(batch.cell[i], &scratch)));
    out->header = arena_copy(keep, out->name, out->columns * sizeof *out->name);
    return check_names(out, scratch, path, err);
}
