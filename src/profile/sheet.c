/* sheet.c - all files of one kind read as text, one under the other. */
#include "profile/profile_internal.h"

#include <string.h>

/* One file's cells, before they are put under the others'. */
typedef struct Part {
    Table *table;
    uint8_t cohort;
} Part;

static Portrait *column_of(Sheet *s, Arena *keep, Str name, size_t *capacity)
{
    for (size_t k = 0; k < s->columns; k++)
        if (str_equal(s->column[k].name, name))
            return &s->column[k];
    Portrait *c = ARENA_PUSH(keep, s->column, s->columns, *capacity);
    Str plain = words_plain(keep, name);
    *c = (Portrait){.name = name, .plain = plain, .words = words_read(plain)};
    return c;
}

static const Source *source_of(const Source *source, size_t sources, const char *path)
{
    for (size_t i = 0; i < sources; i++)
        if (str_equal(source[i].file, path_base(path)))
            return &source[i];
    return NULL;
}

static Status read_part(Sheet *s, Part *part, Arena *keep, Arena scratch, const char *path,
                        const Source *source, size_t *capacity, Error *err)
{
    CsvOptions options = {0};
    if (source != NULL) {
        options.rename = source->rename;
        options.renames = source->renames;
    }
    Str *names;
    size_t count;
    TRY(csv_header(&names, &count, &s->delimiter, keep, path, err));
    CsvColumn *ask = ARENA_ARRAY(keep, CsvColumn, count + 1);
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        if (names[i].size == 0)
            continue; /* a column without a name can be in no book */
        for (size_t k = 0; k < options.renames; k++)
            if (str_equal(names[i], options.rename[k].from))
                names[i] = options.rename[k].to;
        ask[asked++] = (CsvColumn){.name = names[i], .type = TYPE_TEXT, .open = true};
        column_of(s, keep, names[i], capacity)->cohorts |= part->cohort;
    }
    TRY(csv_read(&part->table, NULL, keep, scratch, path, ask, asked, &options, NULL, err));
    if (part->table->rows > 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_DATA, "%s has a header and no usable row", path);
    return error_remedy(err, "init looks at values: give a file that has some");
}

/* The codes of a file's column become codes of the sheet's. */
static void place(Portrait *c, const Table *t, size_t at, size_t cohort, Arena scratch)
{
    const Column *from = table_find(t, c->name);
    if (from == NULL)
        return;
    uint32_t *code = ARENA_ARRAY(&scratch, uint32_t, from->dictionary->count + 1);
    for (size_t i = 0; i < from->dictionary->count; i++) {
        Str cell = str_trim(from->dictionary->text[i]);
        code[i] = cell.size == 0 ? NO_CODE : dictionary_add(c->value, cell);
    }
    for (size_t row = 0; row < t->rows; row++) {
        if (!column_valid(from, row) || code[from->code[row]] == NO_CODE)
            continue;
        c->code[at + row] = code[from->code[row]];
        c->filled++;
        c->filled_in[cohort]++;
    }
}

Status sheet_read(Sheet *out, Arena *keep, Arena scratch, const char *what, ProfileFiles labelled,
                  ProfileFiles scored, const Source *source, size_t sources, Error *err)
{
    *out = (Sheet){.what = what};
    size_t parts = labelled.count + scored.count, capacity = 0, at = 0;
    Arena read = arena_new();
    Part *part = ARENA_ARRAY(&scratch, Part, parts + 1);
    Status status = STATUS_OK;
    for (size_t i = 0; i < parts && status == STATUS_OK; i++) {
        bool first = i < labelled.count;
        part[i].cohort = first ? LABELLED : SCORED;
        const char *path = first ? labelled.path[i] : scored.path[i - labelled.count];
        status = read_part(out, &part[i], &read, scratch, path, source_of(source, sources, path),
                           &capacity, err);
        if (status != STATUS_OK)
            break;
        out->rows += part[i].table->rows;
        out->labelled += first ? part[i].table->rows : 0;
    }
    if (status == STATUS_OK) {
        /* The portraits were made while reading; what stays is copied out of it. */
        Portrait *kept = ARENA_ARRAY(keep, Portrait, out->columns + 1);
        for (size_t k = 0; k < out->columns; k++) {
            kept[k] = out->column[k];
            kept[k].name = str_copy(keep, kept[k].name);
            kept[k].plain = str_copy(keep, kept[k].plain);
            kept[k].value = dictionary_new(keep);
            kept[k].code = ARENA_ARRAY(keep, uint32_t, out->rows + 1);
            for (size_t row = 0; row < out->rows; row++)
                kept[k].code[row] = NO_CODE;
        }
        out->column = kept;
        for (size_t i = 0; i < parts; at += part[i++].table->rows)
            for (size_t k = 0; k < out->columns; k++)
                place(&kept[k], part[i].table, at, part[i].cohort == SCORED, scratch);
        for (size_t k = 0; k < out->columns; k++)
            portrait_look(&kept[k], out, keep, scratch);
    }
    arena_free(&read);
    return status;
}
