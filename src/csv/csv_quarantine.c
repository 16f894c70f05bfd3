#include "csv/csv.h"

#include <assert.h>

#define RAW_BYTES_MAX 4096
#define FLUSH_BYTES   ((size_t)1 << 16)

Quarantine *quarantine_new(Arena *keep)
{
    Quarantine *q = ARENA_NEW(keep, Quarantine);
    q->arena = keep;
    q->files = dictionary_new(keep);
    return q;
}

/* Cut before a character rather than inside it. */
static Str cut(Str raw)
{
    if (raw.size <= RAW_BYTES_MAX)
        return raw;
    size_t size = RAW_BYTES_MAX;
    for (int back = 0; back < 3 && ((unsigned char)raw.data[size] & 0xC0) == 0x80; back++)
        size--;
    return str_slice(raw, 0, size);
}

void quarantine_add(Quarantine *q, Str file, QuarantineRow row)
{
    row.file = dictionary_add(q->files, file);
    const QuarantineRow *last = q->count > 0 ? &q->row[q->count - 1] : NULL;
    /* A bad column sets row after row aside for the same reason: keep its text once. */
    bool same = last != NULL && str_equal(last->reason, row.reason);
    row.reason = same ? last->reason : str_copy(q->arena, row.reason);
    same = last != NULL && str_equal(last->code, row.code);
    row.code = same ? last->code : str_copy(q->arena, row.code);
    row.raw = str_copy(q->arena, cut(row.raw));
    QuarantineRow *place = ARENA_PUSH(q->arena, q->row, q->count, q->capacity);
    assert(place != NULL);
    *place = row;
}

/* The file must open everywhere: bytes that are not UTF-8, and NUL, are written as \xHH. */
static Str printable(Arena *arena, Str raw)
{
    bool strange = !str_valid_utf8(raw);
    for (size_t i = 0; i < raw.size && !strange; i++)
        strange = raw.data[i] == '\0';
    if (!strange)
        return raw;
    Buffer b = buffer_new(arena);
    for (size_t i = 0; i < raw.size;) {
        size_t size = 1;
        while (size < 4 && i + size < raw.size &&
               ((unsigned char)raw.data[i + size] & 0xC0) == 0x80)
            size++;
        Str character = str_slice(raw, i, i + size);
        if (raw.data[i] != '\0' && str_valid_utf8(character)) {
            buffer_add(&b, character);
        } else {
            size = 1;
            buffer_format(&b, "\\x%02X", (unsigned)(unsigned char)raw.data[i]);
        }
        i += size;
    }
    return buffer_str(&b);
}

static void add_row(Buffer *b, const Quarantine *q, const QuarantineRow *row, Arena scratch)
{
    csv_write_cell(b, q->files->text[row->file], true);
    buffer_format(b, ",%llu,%lld,", (unsigned long long)row->line, (long long)row->column);
    csv_write_cell(b, row->code, false);
    buffer_char(b, ',');
    csv_write_cell(b, row->reason, true);
    buffer_char(b, ',');
    csv_write_cell(b, printable(&scratch, row->raw), true);
    buffer_char(b, '\n');
}

Status quarantine_write(const Quarantine *q, const char *path, Error *err)
{
    Arena own = arena_new(), other = arena_new();
    Writer *w;
    Status status = writer_open(&w, &own, path, err);
    if (status == STATUS_OK) {
        Buffer b = buffer_new(&own);
        buffer_add(&b, S("file,line,column,code,reason,raw\n"));
        for (size_t i = 0; i < q->count; i++) {
            add_row(&b, q, &q->row[i], other);
            if (b.size >= FLUSH_BYTES) {
                writer_add(w, buffer_str(&b));
                b.size = 0;
            }
        }
        writer_add(w, buffer_str(&b));
        status = writer_close(w, err);
    }
    arena_free(&other);
    arena_free(&own);
    return status;
}
