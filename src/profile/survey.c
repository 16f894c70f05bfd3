/* survey.c - files read as text, and every column looked at. */
#include "profile/profile_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void survey_say(Arena *keep, Str **list, size_t *count, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t size = (size_t)vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = ARENA_ARRAY(keep, char, size + 1);
    (void)vsnprintf(text, size + 1, format, again);
    va_end(again);
    *list = arena_grow(keep, *list, *count, *count + 1, sizeof **list);
    (*list)[(*count)++] = (Str){text, size};
}

static bool is_blank(Str bytes)
{
    Str text = str_starts(bytes, S("\xEF\xBB\xBF")) ? str_slice(bytes, 3, bytes.size) : bytes;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != '\n' && text.data[i] != '\r' && text.data[i] != ' ')
            return false;
    return true;
}

/* The header's names by a look at the beginning; the names are mended where they must be. */
static Status read_names(SurveyFile *f, CsvCounts *counts, Str *bytes, Arena *keep, Arena scratch,
                         bool no_header, Error *err)
{
    enum { LOOK = 1 << 20 };
    Table *none;
    Error first = {0};
    if (no_header)
        *bytes = survey_header(&f->mended, keep, *bytes, 0, true);
    Status status = csv_read_bytes(&none, counts, keep, scratch, str_slice(*bytes, 0, LOOK),
                                   f->path, NULL, 0, NULL, NULL, &first);
    bool unnamed = false;
    for (size_t i = 0; status == STATUS_OK && i < counts->header_count; i++)
        unnamed = unnamed || counts->header[i].size == 0;
    if (!no_header && (status == STATUS_FORMAT || unnamed)) {
        char mark = status == STATUS_OK ? counts->delimiter : 0;
        *bytes = survey_header(&f->mended, keep, *bytes, mark, false);
        if (f->mended) {
            first = (Error){0};
            status = csv_read_bytes(&none, counts, keep, scratch, str_slice(*bytes, 0, LOOK),
                                    f->path, NULL, 0, NULL, NULL, &first);
        }
    }
    if (status != STATUS_OK && err != NULL)
        *err = first;
    return status;
}

/* Rows set aside, by reason. */
static void say_set_aside(SurveyFile *f, const Quarantine *q, Arena *keep, Arena scratch)
{
    Dictionary *reasons = dictionary_new(&scratch);
    size_t *first = ARENA_ARRAY(&scratch, size_t, q->count + 1); /* by reason: a row of it, ... */
    size_t *count = ARENA_ARRAY(&scratch, size_t, q->count + 1); /* ... and how many there are */
    for (size_t i = 0; i < q->count; i++) {
        uint32_t code = dictionary_add(reasons, q->row[i].code);
        if (count[code]++ == 0)
            first[code] = i;
    }
    for (size_t k = 0; k < reasons->count; k++) {
        const QuarantineRow *row = &q->row[first[k]];
        survey_say(keep, &f->finding, &f->findings,
                   "%zu %s could not be read and %s left out: %.*s (the first in line %llu)",
                   count[k], count[k] == 1 ? "row" : "rows", count[k] == 1 ? "is" : "are",
                   STR_ARG(row->reason), (unsigned long long)row->line);
    }
}

static void make_sheet(Viewed *seen, const Table *t, Arena *keep, Arena scratch)
{
    Sheet *s = &seen->sheet;
    *s = (Sheet){.what = "rows",
                 .rows = t->rows,
                 .labelled = t->rows,
                 .columns = t->columns,
                 .column = ARENA_ARRAY(keep, Portrait, t->columns + 1)};
    for (size_t k = 0; k < t->columns; k++) {
        const Column *from = &t->column[k];
        Arena own = scratch;
        Portrait *c = &s->column[k];
        Str plain = words_plain(keep, from->name);
        *c = (Portrait){.name = str_copy(keep, from->name),
                        .plain = plain,
                        .words = words_read(plain),
                        .cohorts = LABELLED,
                        .value = dictionary_new(keep),
                        .code = ARENA_RAW(keep, uint32_t, t->rows + 1)};
        uint32_t *code = ARENA_RAW(&own, uint32_t, from->dictionary->count + 1);
        for (size_t i = 0; i < from->dictionary->count; i++) {
            Str cell = str_trim(from->dictionary->text[i]);
            code[i] = cell.size == 0 ? NO_CODE : dictionary_add(c->value, cell);
        }
        for (size_t row = 0; row < t->rows; row++) {
            c->code[row] = column_valid(from, row) ? code[from->code[row]] : NO_CODE;
            c->filled += c->code[row] != NO_CODE;
        }
        c->filled_in[0] = c->filled;
        portrait_look(c, s, keep, own);
    }
}

static Status read_file(SurveyFile *f, Viewed *seen, Arena *keep, Arena scratch,
                        const SurveyInputs *in, Error *err)
{
    Str bytes;
    CsvCounts counts = {0};
    Table *table;
    f->name = strcmp(f->path, "-") == 0 ? S("standard input") : path_base(f->path);
    *seen = (Viewed){.file = f, .hide_values = in->hide_values, .keep = keep};
    TRY(file_read_unpacked(&bytes, &scratch, f->path, in->unpacked_max, err));
    f->bytes = bytes.size;
    if (is_blank(bytes)) {
        f->empty = true;
        survey_say(keep, &f->finding, &f->findings, "the file is empty: no header, no row");
        return STATUS_OK;
    }
    Arena read = arena_new(), work = arena_new();
    Status status = read_names(f, &counts, &bytes, &read, work, in->no_header, err);
    if (status == STATUS_OK) {
        size_t columns = counts.header_count;
        CsvColumn *ask = ARENA_ARRAY(&read, CsvColumn, columns + 1);
        for (size_t i = 0; i < columns; i++)
            ask[i] = (CsvColumn){
                .name = str_copy(keep, counts.header[i]), .type = TYPE_TEXT, .open = true};
        const CsvOptions options = {.delimiter = counts.delimiter, .progress = in->progress};
        Quarantine *aside = quarantine_new(&read);
        status = csv_read_bytes(&table, &counts, &read, work, bytes, f->path, ask, columns,
                                &options, aside, err);
        if (status == STATUS_OK) {
            f->delimiter = counts.delimiter;
            f->rows = table->rows;
            f->set_aside = counts.quarantined;
            f->columns = table->columns;
            say_set_aside(f, aside, keep, work);
            make_sheet(seen, table, keep, work);
        }
    }
    arena_free(&work);
    arena_free(&read);
    return status;
}

static void look(Viewed *seen, Arena *keep, Arena scratch)
{
    SurveyFile *f = seen->file;
    f->column = ARENA_ARRAY(keep, SurveyColumn, f->columns + 1);
    for (size_t k = 0; k < f->columns; k++)
        survey_column(&f->column[k], &seen->sheet.column[k], seen, scratch);
    survey_findings(seen, scratch);
    survey_pairs(seen, scratch);
}

Status survey_read(Survey **out, Arena *keep, Arena scratch, const SurveyInputs *in, Error *err)
{
    Survey *s = *out = ARENA_NEW(keep, Survey);
    s->files = in->files.count;
    s->file = ARENA_ARRAY(keep, SurveyFile, s->files + 1);
    s->values = !in->hide_values;
    Viewed *seen = ARENA_ARRAY(&scratch, Viewed, s->files + 1);
    for (size_t i = 0; i < s->files; i++) {
        s->file[i].path = in->files.path[i];
        progress_tell(in->progress, "reading", i, s->files);
        TRY(read_file(&s->file[i], &seen[i], keep, scratch, in, err));
        progress_tell(in->progress, "looking at the columns", i, s->files);
        look(&seen[i], keep, scratch);
        s->rows += s->file[i].rows;
    }
    progress_tell(in->progress, "comparing the files", 0, 1);
    survey_links(s, seen, keep);
    progress_tell(in->progress, "done", 1, 1);
    return STATUS_OK;
}
