#include "quality/quality_internal.h"

Str severity_name(Severity s)
{
    static const Str names[] = {{"info", 4}, {"warning", 7}, {"severe", 6}};
    return names[s];
}

Findings *findings_new(Arena *keep)
{
    Findings *f = ARENA_NEW(keep, Findings);
    f->arena = keep;
    return f;
}

void findings_add(Findings *f, Severity severity, const char *code, uint64_t count, Str what,
                  Str done)
{
    if (count == 0)
        return;
    Finding *item = ARENA_PUSH(f->arena, f->item, f->count, f->capacity);
    *item = (Finding){severity, str_copy(f->arena, str_from(code)), count, str_copy(f->arena, what),
                      str_copy(f->arena, done)};
}

const Finding *findings_find(const Findings *f, const char *code)
{
    for (size_t i = 0; i < f->count; i++)
        if (str_equal(f->item[i].code, str_from(code)))
            return &f->item[i];
    return NULL;
}

Str quality_row_text(Arena *arena, const Table *t, size_t columns, size_t row)
{
    Buffer b = buffer_new(arena);
    for (size_t k = 0; k < columns; k++) {
        if (k > 0)
            buffer_char(&b, ',');
        csv_write_cell(&b, cell_text(arena, &t->column[k], row), false);
    }
    return buffer_str(&b);
}
