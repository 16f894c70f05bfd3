#include "csv/csv_verdict.h"
#include "csv/csv_form.h"
#include "csv/csv_start.h"

#include <assert.h>
#include <string.h>

/* The first cell that holds a NUL byte or is not UTF-8, 1-based; 0 when it cannot be told. */
static uint32_t strange_cell(const CsvRow *row, const CsvCell *cell, size_t cells_max, bool nul)
{
    for (size_t i = 0; i < row->cells && i < cells_max; i++) {
        Str text = {cell[i].data, cell[i].size};
        if (nul ? memchr(text.data, '\0', text.size) != NULL : !str_valid_utf8(text))
            return (uint32_t)i + 1;
    }
    return 0;
}

Verdict csv_judge(const CsvRow *row, const CsvCell *cell, CsvLimits limits, bool plain)
{
    if (row->fault != CSV_SOUND)
        return (Verdict){.blame = BLAME_FAULT, .column = (uint32_t)row->fault_at + 1};
    if (!plain && !csv_plain(row->raw)) {
        bool nul = memchr(row->raw.data, '\0', row->raw.size) != NULL;
        if (nul || !str_valid_utf8(row->raw))
            return (Verdict){.blame = nul ? BLAME_NUL_BYTE : BLAME_UTF8,
                             .column = strange_cell(row, cell, limits.columns, nul)};
    }
    if (row->cells != limits.columns)
        return (Verdict){.blame = BLAME_RAGGED};
    if (row->longest > limits.cell_bytes_max)
        return (Verdict){.blame = BLAME_TOO_LONG, .column = (uint32_t)row->longest_at + 1};
    return (Verdict){0};
}

static Str ragged_reason(const CsvRow *row, CsvLimits limits, Arena *arena)
{
    if (row->lines == 1)
        return str_format(arena, "cells in the row: %zu, in the header: %zu", row->cells,
                          limits.columns);
    return str_format(arena,
                      "cells in the row: %zu, in the header: %zu; it spans %llu lines, as when "
                      "a quote is lost",
                      row->cells, limits.columns, (unsigned long long)row->lines);
}

static void fault_words(QuarantineRow *out, CsvFault fault)
{
    if (fault == CSV_STRAY_QUOTE) {
        out->code = S("stray_quote");
        out->reason = S("a quote stands where none may; the next line is read anew");
    } else if (fault == CSV_OPEN_QUOTE) {
        out->code = S("open_quote");
        out->reason = S("a quote is never closed; the next line is read anew");
    } else {
        out->code = S("stray_return");
        out->reason = S("a carriage return outside quotes ends no line");
    }
}

void csv_set_aside(Quarantine *q, Str file, const CsvRow *row, Verdict verdict, CsvLimits limits,
                   Arena scratch)
{
    QuarantineRow out = {.line = row->line, .column = verdict.column, .raw = row->raw};
    Str name = verdict.ask == NULL ? S("") : verdict.ask->name;
    switch (verdict.blame) {
    case BLAME_NONE:
        return;
    case BLAME_FAULT:
        fault_words(&out, row->fault);
        break;
    case BLAME_NUL_BYTE:
        out.code = S("nul_byte");
        out.reason = S("the row holds a NUL byte");
        break;
    case BLAME_UTF8:
        out.code = S("invalid_utf8");
        out.reason = S("the row is not valid UTF-8");
        break;
    case BLAME_RAGGED:
        out.code = S("ragged_row");
        out.reason = ragged_reason(row, limits, &scratch);
        break;
    case BLAME_TOO_LONG:
        out.code = S("cell_too_long");
        out.reason = str_format(&scratch, "a cell is longer than %zu bytes", limits.cell_bytes_max);
        break;
    case BLAME_MISSING_KEY:
        out.code = S("missing_key");
        out.reason = str_format(&scratch, "%.*s is empty and must not be", STR_ARG(name));
        break;
    case BLAME_BAD_VALUE: {
        assert(verdict.ask != NULL);
        Str form = csv_form_expected(verdict.ask, &scratch);
        out.code = S("bad_value");
        out.reason = str_format(&scratch, "%.*s is not %.*s", STR_ARG(name), STR_ARG(form));
        break;
    }
    case BLAME_UNKNOWN_VALUE:
        assert(verdict.ask != NULL);
        out.code = S("unknown_value");
        out.reason = str_format(&scratch, "%.*s is not one of its %zu listed values", STR_ARG(name),
                                verdict.ask->value_count);
        break;
    }
    quarantine_add(q, file, out);
}
