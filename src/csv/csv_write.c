#include "csv/csv.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Also quoted: any of the delimiters we find by looking, and spaces at the ends, which a reader
 * may trim from an unquoted cell. */
static bool needs_quotes(Str cell)
{
    for (size_t i = 0; i < cell.size; i++) {
        char c = cell.data[i];
        if (c == '"' || c == ',' || c == ';' || c == '\t' || c == '\n' || c == '\r')
            return true;
    }
    return cell.size > 0 && (is_space(cell.data[0]) || is_space(cell.data[cell.size - 1]));
}

static bool is_formula(Str cell)
{
    if (cell.size == 0)
        return false;
    char c = cell.data[0];
    return c == '=' || c == '+' || c == '-' || c == '@' || c == '\t' || c == '\r';
}

void csv_write_cell(Buffer *b, Str cell, bool guard)
{
    bool formula = guard && is_formula(cell);
    if (!needs_quotes(cell)) {
        if (formula)
            buffer_char(b, '\'');
        buffer_add(b, cell);
        return;
    }
    buffer_add(b, formula ? S("\"'") : S("\""));
    size_t from = 0;
    for (size_t i = 0; i < cell.size; i++) {
        if (cell.data[i] != '"')
            continue;
        buffer_add(b, str_slice(cell, from, i + 1));
        from = i;
    }
    buffer_add(b, str_slice(cell, from, cell.size));
    buffer_char(b, '"');
}
