#include "csv/csv.h"
#include "csv/csv_form.h"
#include "csv/csv_scan.h"
#include "csv/csv_start.h"
#include "csv/csv_verdict.h"

#include <string.h>

#define BLOCK_BYTES    ((size_t)1 << 16) /* its cells stay in the second-level cache */
#define AHEAD          12                /* cells between asking for memory and using it */
#define FAR_SLOTS      ((size_t)1 << 16) /* of a dictionary that outgrew the near caches */
#define CELL_BYTES_MAX ((size_t)1 << 20)
#define FEW_VALUES     16                /* of a closed category */
#define ROWS_RESERVED  ((size_t)1 << 10) /* of cells whose texts are given room at once */

/* One column that was asked for and that the header has. */
typedef struct Field {
    const CsvColumn *ask;
    Column *column;
    size_t position;   /* in the file, 0-based */
    size_t place;      /* in the table */
    bool coded, plain; /* has codes; is written as column_parse reads it */
    /* A closed category's values have the codes 0 .. value_count - 1 of `known`, NULL of any other
     * column. Where that is the column's own dictionary, which begins with them, these are its
     * codes too; else `code` has the column's code of each, NO_CODE until it is first seen. */
    const Dictionary *known;
    uint32_t *code;
} Field;

typedef struct Reader {
    const char *path;
    CsvStart start;
    CsvLimits limits;
    Field *field; /* in the file's order, so the first cell at fault takes the blame */
    size_t fields;
    Table *table;
    Quarantine *quarantine;
    CsvCounts counts;
} Reader;

static bool has_codes(Type type)
{
    return type == TYPE_CATEGORY || type == TYPE_TEXT;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static Str trim(Str s)
{
    while (s.size > 0 && is_blank(s.data[0]))
        s.data++, s.size--;
    while (s.size > 0 && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

/* Spaces around an unquoted cell mean nothing to a number; in text, and in quotes, they are
 * part of the value. */
static Str text_of(CsvCell cell, Type type, Arena *scratch)
{
    Str text = csv_cell_text(cell, scratch);
    return cell.quoted || type == TYPE_TEXT ? text : trim(text);
}

/* Can a cell of the column be at fault? */
static bool may_be_bad(const Field *f)
{
    return !f->coded || f->ask->key || f->known != NULL;
}

/* The code of one of a closed category's values, or none of theirs. Among few, looking at each is
 * quicker than to hash the text. */
static inline uint32_t known_code(const Field *f, Str text)
{
    if (f->ask->value_count > FEW_VALUES)
        return dictionary_find(f->known, text);
    for (uint32_t i = 0; i < f->ask->value_count && i < f->known->count; i++)
        if (str_equal(f->known->text[i], text))
            return i;
    return NO_CODE;
}

/* Read one cell into its column; a coded column's text waits until the row is known to be good,
 * so that a row set aside leaves no trace in a dictionary. */
static inline Blame read_cell(const Field *f, size_t row, Str text)
{
    Column *c = f->column;
    if (f->ask->key && trim(text).size == 0)
        return BLAME_MISSING_KEY;
    if (!f->coded) {
        bool good = f->plain ? column_parse(c, row, text) : csv_form_parse(c, row, text, f->ask);
        return good ? BLAME_NONE : BLAME_BAD_VALUE;
    }
    if (f->known == NULL || text.size == 0)
        return BLAME_NONE;
    c->code[row] = known_code(f, text);
    return c->code[row] < f->ask->value_count ? BLAME_NONE : BLAME_UNKNOWN_VALUE;
}

/* A dictionary of millions of ids lies far from the processor: ask for the place of a text some
 * cells before it is needed. A hint only; nothing depends on it. */
static void expect_code(const Field *f, CsvCell cell)
{
    const Dictionary *d = f->column->dictionary;
    if (f->known == NULL && d->slots >= FAR_SLOTS && !cell.doubled) {
        uint64_t hash = hash64((Str){cell.data, cell.size}, 0);
        __builtin_prefetch(&d->slot[hash & (d->slots - 1)]);
    }
}

/* Rows of one owner, state or currency often follow each other: the code of the row before needs no
 * look-up. */
static inline void add_code(const Field *f, size_t row, Str text)
{
    Column *c = f->column;
    if (text.size == 0)
        return;
    if (f->code != NULL) {
        uint32_t known = c->code[row];
        if (f->code[known] == NO_CODE)
            f->code[known] = dictionary_add(c->dictionary, text);
        c->code[row] = f->code[known];
    } else if (f->known == NULL) { /* else read_cell has found the code */
        bool again = row > 0 && column_valid(c, row - 1) &&
                     str_equal(c->dictionary->text[c->code[row - 1]], text);
        c->code[row] = again ? c->code[row - 1] : dictionary_add(c->dictionary, text);
    }
    column_set_valid(c, row);
}

static void move_cell(Column *c, size_t to, size_t from)
{
    size_t width = type_width(c->type);
    memcpy((char *)c->data + to * width, (const char *)c->data + from * width, width);
    if (column_valid(c, from))
        column_set_valid(c, to);
    else
        column_set_missing(c, to);
}

/* Close the gaps that bad cells left: of the `count` cells from `base` on keep those whose row
 * is sound. */
static void close_gaps(Column *c, size_t base, const Verdict *verdict, const uint32_t *row,
                       size_t count)
{
    size_t kept = base, width = type_width(c->type);
    for (size_t i = 0; i < count; i++)
        if (verdict[row[i]].blame == BLAME_NONE)
            move_cell(c, kept++, base + i);
    memset((char *)c->data + kept * width, 0, (base + count - kept) * width);
    for (size_t i = kept; i < base + count; i++)
        column_set_missing(c, i);
}

/* Read all cells but coded ones of the rows so far sound, column by column. Returns how many
 * rows are left; `row` then names them. */
static size_t read_cells(Reader *r, const CsvBatch *batch, Verdict *verdict, uint32_t *row,
                         size_t count, Arena scratch)
{
    size_t base = r->table->rows, kept = 0;
    for (size_t k = 0; k < r->fields; k++) {
        const Field *f = &r->field[k];
        for (size_t i = 0; i < count && may_be_bad(f); i++) {
            Verdict *v = &verdict[row[i]];
            Arena own = scratch;
            if (v->blame != BLAME_NONE)
                continue;
            const CsvCell *cell = batch->cell + batch->row[row[i]].first + f->position;
            v->blame = read_cell(f, base + i, text_of(*cell, f->ask->type, &own));
            if (v->blame != BLAME_NONE) {
                v->column = (uint32_t)f->position + 1;
                v->ask = f->ask;
            }
        }
    }
    for (size_t i = 0; i < count; i++)
        kept += verdict[row[i]].blame == BLAME_NONE;
    if (kept == count)
        return count;
    for (size_t k = 0; k < r->fields; k++)
        close_gaps(r->field[k].column, base, verdict, row, count);
    kept = 0;
    for (size_t i = 0; i < count; i++)
        if (verdict[row[i]].blame == BLAME_NONE)
            row[kept++] = row[i];
    return kept;
}

static void set_aside_unsound(Reader *r, const CsvBatch *batch, const Verdict *verdict,
                              Arena scratch)
{
    for (size_t i = 0; i < batch->rows; i++) {
        if (verdict[i].blame == BLAME_NONE)
            continue;
        r->counts.quarantined++;
        if (r->quarantine != NULL)
            csv_set_aside(r->quarantine, str_from(r->path), &batch->row[i], verdict[i], r->limits,
                          scratch);
    }
}

/* Type the batch's rows into the table; set aside those that are not sound. */
static void read_batch(Reader *r, const CsvBatch *batch, bool plain, Arena scratch)
{
    Table *t = r->table;
    size_t count = 0, sound;
    uint32_t *row = ARENA_RAW(&scratch, uint32_t, batch->rows); /* those that go on */
    Verdict *verdict = ARENA_RAW(&scratch, Verdict, batch->rows);
    for (size_t i = 0; i < batch->rows; i++) {
        const CsvCell *cell = batch->cell + batch->row[i].first;
        verdict[i] = csv_judge(&batch->row[i], cell, r->limits, plain);
        if (verdict[i].blame == BLAME_NONE)
            row[count++] = (uint32_t)i;
    }
    sound = read_cells(r, batch, verdict, row, count, scratch);
    for (size_t k = 0; k < r->fields; k++) {
        const Field *f = &r->field[k];
        for (size_t i = 0; i < sound && f->coded; i++) {
            Arena own = scratch;
            if (i + AHEAD < sound)
                expect_code(f, batch->cell[batch->row[row[i + AHEAD]].first + f->position]);
            const CsvCell *cell = batch->cell + batch->row[row[i]].first + f->position;
            add_code(f, t->rows + i, text_of(*cell, f->ask->type, &own));
        }
    }
    for (size_t i = 0; i < sound; i++)
        t->line[t->rows + i] = batch->row[row[i]].line;
    t->rows += sound;
    r->counts.rows += batch->rows;
    if (sound < batch->rows)
        set_aside_unsound(r, batch, verdict, scratch);
}

/* No more rows than lines, and none shorter than its delimiters and line end. */
static size_t rows_bound(const CsvStart *start)
{
    Str rest = str_slice(start->bytes, start->at, start->bytes.size);
    size_t shortest = start->columns < 2 ? 2 : start->columns;
    size_t lines = 1, by_size = (rest.size + 1) / shortest;
    const char *at = rest.data, *end = rest.data + rest.size;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        lines++;
        at++;
    }
    return lines < by_size ? lines : by_size;
}

enum { REMEDY_ENOUGH = 120, HEADER_NAMED = 6 }; /* bytes, names: an error has little room */

static void then(Buffer *b)
{
    buffer_add(b, b->size > 0 ? S("; ") : S(""));
}

/* What the header may have in a column's place: a name that a rename misses, or one much like it.
 */
static void add_nearest(Buffer *b, const CsvStart *s, Str name, const CsvOptions *options)
{
    for (size_t k = 0; k < options->renames; k++)
        if (str_equal(options->rename[k].to, name)) {
            Str from = options->rename[k].from;
            then(b);
            buffer_format(b,
                          "the schema book's source renames %.*s to %.*s, and the file has no %.*s",
                          STR_ARG(from), STR_ARG(name), STR_ARG(from));
            Str like = str_nearest(from, s->header, s->columns);
            if (like.size > 0)
                buffer_format(b, " but \"%.*s\"", STR_ARG(like));
            return;
        }
    Str nearest = str_nearest(name, s->header, s->columns);
    if (nearest.size == 0)
        return;
    then(b);
    buffer_format(b, "it has \"%.*s\": rename that to %.*s, if it is the same", STR_ARG(nearest),
                  STR_ARG(name));
}

static Status absent(Reader *r, const CsvColumn *column, size_t columns, const CsvOptions *options,
                     Arena scratch, Error *err)
{
    const CsvStart *s = &r->start;
    Arena said = arena_new();
    Buffer names = buffer_new(&scratch), remedy = buffer_new(&said);
    Dictionary *header = dictionary_new(&said);
    for (size_t i = 0; i < s->columns; i++)
        (void)dictionary_add(header, s->name[i]);
    for (size_t i = 0; i < columns; i++) {
        if (!column[i].required || dictionary_find(header, column[i].name) != NO_CODE)
            continue;
        if (names.size > 0)
            buffer_add(&names, S(", "));
        buffer_add(&names, column[i].name);
        if (remedy.size < REMEDY_ENOUGH)
            add_nearest(&remedy, s, column[i].name, options);
    }
    if (remedy.size == 0 && s->columns == 1)
        buffer_add(&remedy, S("it has one column only: is the delimiter , ; tab or |?"));
    if (remedy.size == 0) {
        buffer_add(&remedy, S("it has "));
        for (size_t i = 0; i < s->columns && i < HEADER_NAMED; i++)
            buffer_format(&remedy, "%s%.*s", i > 0 ? ", " : "", STR_ARG(s->header[i]));
        buffer_format(&remedy, "%s: export the file again with these columns, or mend the schema",
                      s->columns > HEADER_NAMED ? ", ..." : "");
    }
    if (options->absent_hint.size > 0)
        buffer_format(&remedy, "; %.*s", STR_ARG(options->absent_hint));
    (void)error_set(err, STATUS_FORMAT, "the header lacks what is required: %.*s",
                    STR_ARG(buffer_str(&names)));
    (void)error_place(err, r->path, (int64_t)s->header_line, 0);
    (void)error_remedy(err, "%.*s", STR_ARG(buffer_str(&remedy)));
    arena_free(&said);
    return STATUS_FORMAT;
}

/* Does the column's own dictionary begin with the values that its cells may have? */
static bool begins_with_values(const CsvColumn *ask)
{
    const Dictionary *d = ask->dictionary;
    if (d == NULL || d->count < ask->value_count)
        return false;
    for (size_t i = 0; i < ask->value_count; i++)
        if (!str_equal(d->text[i], ask->values[i]))
            return false;
    return true;
}

static Field new_field(const CsvColumn *ask, size_t position, Arena *scratch)
{
    bool time = ask->type == TYPE_TIME || ask->type == TYPE_DATE;
    Field f = {.ask = ask,
               .position = position,
               .coded = has_codes(ask->type),
               .plain = time ? ask->time.form == TIME_ISO
                             : ask->thousands.size == 0 &&
                                   (ask->decimal_mark == '\0' || ask->decimal_mark == '.')};
    if (ask->type != TYPE_CATEGORY || ask->value_count == 0 || ask->open)
        return f;
    f.known = ask->dictionary;
    if (begins_with_values(ask))
        return f;
    Dictionary *known = dictionary_new(scratch);
    f.code = ARENA_RAW(scratch, uint32_t, ask->value_count);
    for (size_t i = 0; i < ask->value_count; i++)
        f.code[dictionary_add(known, ask->values[i])] = NO_CODE;
    f.known = known;
    return f;
}

/* Give the header's columns the names that they go by. A new name that stands there already would
 * leave two columns of one name. */
static Status rename_columns(Reader *r, const CsvOptions *options, Error *err)
{
    CsvStart *s = &r->start;
    for (size_t k = 0; k < options->renames; k++) {
        size_t at = s->columns, other = s->columns;
        for (size_t i = 0; i < s->columns; i++) {
            at = str_equal(s->header[i], options->rename[k].from) ? i : at;
            other = str_equal(s->header[i], options->rename[k].to) ? i : other;
        }
        if (at == s->columns)
            continue; /* what is asked for and lacking is said below */
        for (size_t m = 0; m < options->renames && other < s->columns; m++)
            if (str_equal(options->rename[m].from, s->header[other]))
                other = s->columns; /* that one is renamed as well */
        if (other < s->columns && other != at) {
            (void)error_set(err, STATUS_FORMAT,
                            "column %zu, %.*s, is renamed to %.*s, and column %zu has that name",
                            at + 1, STR_ARG(options->rename[k].from),
                            STR_ARG(options->rename[k].to), other + 1);
            (void)error_place(err, r->path, (int64_t)s->header_line, (int64_t)at + 1);
            return error_remedy(err, "rename that column too, in `sources` of the schema book");
        }
        s->name[at] = options->rename[k].to;
    }
    return STATUS_OK;
}

/* Lay the asked columns over the header's; what is left over is listed as extra. Headers mostly
 * keep the order of what is asked, so each name is looked for where the one before it was found. */
static Status match_columns(Reader *r, Arena *keep, Arena *scratch, const CsvColumn *column,
                            size_t columns, const CsvOptions *options, Error *err)
{
    const CsvStart *s = &r->start;
    size_t *place = ARENA_ARRAY(scratch, size_t, columns + 1), next = 0;
    r->field = ARENA_RAW(scratch, Field, columns);
    r->counts.header = s->name;
    r->counts.header_count = s->columns;
    r->counts.extra = ARENA_RAW(keep, Str, s->columns);
    for (size_t i = 0; i < s->columns; i++) {
        size_t tried = 0;
        while (tried < columns && !str_equal(column[next].name, s->name[i])) {
            next = next + 1 == columns ? 0 : next + 1;
            tried++;
        }
        if (tried == columns) {
            r->counts.extra[r->counts.extra_count++] = s->name[i];
            continue;
        }
        place[next + 1] = 1;
        r->field[r->fields++] = new_field(&column[next], i, scratch);
        next = next + 1 == columns ? 0 : next + 1;
    }
    for (size_t i = 0; i < columns; i++) {
        if (column[i].required && place[i + 1] == 0)
            return absent(r, column, columns, options, *scratch, err);
        place[i + 1] += place[i];
    }
    for (size_t k = 0; k < r->fields; k++)
        r->field[k].place = place[r->field[k].ask - column];
    return STATUS_OK;
}

/* The file's name without folders and ending. */
static Str stem(Str path)
{
    for (size_t i = path.size; i > 0; i--)
        if (path.data[i - 1] == '/') {
            path = str_slice(path, i, path.size);
            break;
        }
    for (size_t i = path.size; i > 1; i--)
        if (path.data[i - 1] == '.')
            return str_slice(path, 0, i - 1);
    return path;
}

/* The columns in the order asked for, though they are read in the file's. */
static void make_table(Reader *r, Arena *keep, size_t rows)
{
    Table *t = table_new(keep, str_copy(keep, stem(str_from(r->path))), 0, r->fields);
    t->files = ARENA_NEW(keep, Str);
    t->files[0] = str_copy(keep, str_from(r->path));
    t->file_count = 1;
    t->file = ARENA_ARRAY(keep, uint32_t, rows + 1);
    t->line = ARENA_ARRAY(keep, uint64_t, rows + 1);
    for (size_t k = 0; k < r->fields; k++) {
        Field *f = &r->field[k];
        f->column = &t->column[f->place];
        column_init(f->column, keep, f->ask->name, f->ask->type, f->ask->scale, rows,
                    f->ask->dictionary);
    }
    r->table = t;
}

Status csv_read_bytes(Table **out, CsvCounts *counts, Arena *keep, Arena scratch, Str bytes,
                      const char *path, const CsvColumn *column, size_t columns,
                      const CsvOptions *options, Quarantine *quarantine, Error *err)
{
    static const CsvOptions usual = {0};
    options = options == NULL ? &usual : options;
    Reader r = {.path = path, .quarantine = quarantine};
    TRY(csv_start(&r.start, keep, scratch, bytes, path, options, err));
    r.limits.columns = r.start.columns;
    r.limits.cell_bytes_max =
        options->cell_bytes_max == 0 ? CELL_BYTES_MAX : options->cell_bytes_max;
    r.counts.delimiter = r.start.dialect.delimiter;
    r.counts.content = hash64(bytes, bytes.size);
    TRY(rename_columns(&r, options, err));
    TRY(match_columns(&r, keep, &scratch, column, columns, options, err));
    size_t rows = rows_bound(&r.start);
    if (rows >= UINT32_MAX) {
        (void)error_set(err, STATUS_LIMIT, "the file may hold more than %u rows", UINT32_MAX);
        (void)error_place(err, path, 0, 0);
        (void)error_remedy(err, "split it into several files");
        return STATUS_LIMIT;
    }
    make_table(&r, keep, rows);

    Str all = r.start.bytes;
    CsvBatch batch = csv_batch(&scratch, r.start.line);
    for (size_t at = r.start.at, next; at < all.size; at = next) {
        progress_part(options->progress, at, all.size);
        next = csv_scan(&batch, r.start.dialect, all, at, BLOCK_BYTES);
        read_batch(&r, &batch, csv_plain(str_slice(all, at, next)), scratch);
    }
    *out = r.table;
    if (counts != NULL)
        *counts = r.counts;
    return STATUS_OK;
}

/* Rows of cells, when all are sound: most are. False when one is not; then no dictionary has
 * changed, and the rows are to be read as a batch, which says what is wrong with each. */
static bool read_sound(Reader *r, const CsvCells *cells)
{
    size_t wide = cells->columns, rows = cells->rows;
    for (size_t i = 0; i < rows * wide; i++)
        if (cells->cell[i].size > r->limits.cell_bytes_max)
            return false;
    for (size_t k = 0; k < r->fields; k++) {
        const Field *f = &r->field[k];
        const Str *cell = cells->cell + f->position;
        if (!may_be_bad(f))
            continue;
        for (size_t row = 0; row < rows; row++, cell += wide)
            if (row > 0 && f->coded && str_equal(cell[0], cell[-(ptrdiff_t)wide]))
                f->column->code[row] = f->column->code[row - 1];
            else if (read_cell(f, row, *cell) != BLAME_NONE)
                return false;
    }
    for (size_t k = 0; k < r->fields; k++) {
        const Field *f = &r->field[k];
        const Str *cell = cells->cell + f->position;
        if (!f->coded)
            continue;
        if (rows > 1 && rows <= ROWS_RESERVED && f->ask->type == TYPE_TEXT &&
            !str_equal(cell[0], cell[wide])) /* mostly each has its own */
            dictionary_reserve(f->column->dictionary, f->column->dictionary->count + rows);
        for (size_t row = 0; row < rows; row++, cell += wide)
            add_code(f, row, *cell);
    }
    for (size_t row = 0; row < rows; row++)
        r->table->line[row] = row + 1;
    r->table->rows = r->counts.rows = rows;
    return true;
}

static void read_as_batch(Reader *r, const CsvCells *cells, Arena scratch)
{
    size_t wide = cells->columns;
    CsvBatch batch = {.row = ARENA_ARRAY(&scratch, CsvRow, cells->rows + 1),
                      .rows = cells->rows,
                      .cell = ARENA_RAW(&scratch, CsvCell, cells->rows * wide + 1)};
    for (size_t i = 0; i < cells->rows; i++) {
        CsvRow *row = &batch.row[i];
        *row = (CsvRow){.first = i * wide, .cells = wide, .line = i + 1, .lines = 1};
        for (size_t k = 0; k < wide; k++) {
            Str cell = cells->cell[i * wide + k];
            batch.cell[row->first + k] = (CsvCell){cell.data, cell.size, true, false};
            if (cell.size > row->longest) {
                row->longest = cell.size;
                row->longest_at = k;
            }
        }
    }
    read_batch(r, &batch, true, scratch);
}

Status csv_read_cells(Table **out, CsvCounts *counts, Arena *keep, Arena scratch,
                      const CsvCells *cells, const char *path, const CsvColumn *column,
                      size_t columns, const CsvOptions *options, Quarantine *quarantine, Error *err)
{
    static const CsvOptions usual = {0};
    options = options == NULL ? &usual : options;
    Reader r = {.path = path, .quarantine = quarantine};
    size_t wide = cells->columns;
    r.start.columns = wide;
    r.start.name = arena_copy(keep, cells->name, wide * sizeof(Str));
    r.start.header = r.start.name;
    r.limits.columns = wide;
    r.limits.cell_bytes_max =
        options->cell_bytes_max == 0 ? CELL_BYTES_MAX : options->cell_bytes_max;
    TRY(match_columns(&r, keep, &scratch, column, columns, options, err));
    make_table(&r, keep, cells->rows);

    if (!read_sound(&r, cells))
        read_as_batch(&r, cells, scratch);
    *out = r.table;
    if (counts != NULL)
        *counts = r.counts;
    return STATUS_OK;
}

Status csv_read(Table **out, CsvCounts *counts, Arena *keep, Arena scratch, const char *path,
                const CsvColumn *column, size_t columns, const CsvOptions *options,
                Quarantine *quarantine, Error *err)
{
    Str bytes;
    uint64_t max = options == NULL ? 0 : options->unpacked_max;
    TRY(file_read_unpacked(&bytes, &scratch, path, max, err));
    return csv_read_bytes(out, counts, keep, scratch, bytes, path, column, columns, options,
                          quarantine, err);
}

Status csv_header(Str **names, size_t *count, char *delimiter, Arena *keep, const char *path,
                  Error *err)
{
    Arena own = arena_new();
    Str bytes;
    CsvStart start;
    Status status = file_read_unpacked(&bytes, &own, path, 0, err);
    if (status == STATUS_OK)
        status = csv_start(&start, keep, own, bytes, path, &(CsvOptions){0}, err);
    if (status == STATUS_OK) {
        *names = start.name;
        *count = start.columns;
        if (delimiter != NULL)
            *delimiter = start.dialect.delimiter;
    }
    arena_free(&own);
    return status;
}
