/* request_rows.c - a customer's records and transactions: objects to rows of cells. */
#include "answer/request_internal.h"

#include <string.h>

/* ---- numbers as cells ---- */

enum { EXPONENT_MAX = 40 };

/* A JSON number with an exponent written out, since exact columns take digits alone. */
static bool write_out(Buffer *b, Str number)
{
    size_t at = 0, point = 0;
    char digit[2 * TIME_TEXT];
    size_t digits = 0;
    bool past = false;
    if (number.size > TIME_TEXT)
        return false;
    if (number.data[0] == '-') {
        buffer_char(b, '-');
        at++;
    }
    for (; at < number.size && number.data[at] != 'e' && number.data[at] != 'E'; at++) {
        if (number.data[at] == '.') {
            past = true;
            continue;
        }
        digit[digits++] = number.data[at];
        point += !past;
    }
    int64_t exponent = 0;
    Str rest = str_slice(number, at + 1, number.size);
    if (rest.size > 0 && rest.data[0] == '+')
        rest = str_slice(rest, 1, rest.size);
    if (!parse_int64(rest, &exponent) || exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return false;
    int64_t whole = (int64_t)point + exponent;
    if (whole <= 0)
        buffer_add(b, S("0."));
    for (int64_t i = whole; i < 0; i++)
        buffer_char(b, '0');
    for (size_t i = 0; i < digits; i++) {
        if (whole > 0 && (int64_t)i == whole)
            buffer_char(b, '.');
        buffer_char(b, digit[i]);
    }
    for (int64_t i = (int64_t)digits; i < whole; i++)
        buffer_char(b, '0');
    return true;
}

static bool is_exact(const SchemaColumn *c)
{
    return c->type == TYPE_INT64 || c->type == TYPE_DECIMAL;
}

Str reading_marked(Arena *keep, const SchemaColumn *c, Str number)
{
    bool marked = is_exact(c) || c->type == TYPE_DOUBLE;
    if (!marked || c->decimal_mark.text.size == 0 || c->decimal_mark.text.data[0] == '.')
        return number;
    Str copy = str_copy(keep, number);
    char *point = memchr(copy.data, '.', copy.size);
    if (point != NULL)
        *point = c->decimal_mark.text.data[0];
    return copy;
}

/* A number as the column's cells are written. */
static Str number_cell(Arena *keep, const SchemaColumn *c, Str number)
{
    Str out = number;
    if (is_exact(c) &&
        (memchr(number.data, 'e', number.size) || memchr(number.data, 'E', number.size))) {
        Buffer b = buffer_new(keep);
        if (write_out(&b, number))
            out = buffer_str(&b);
    }
    return reading_marked(keep, c, out);
}

static Status get_cell(Str *out, Reading *r, Place place, const SchemaColumn *c, yyjson_val *v)
{
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_NULL:
        *out = (Str){NULL, 0};
        return STATUS_OK;
    case YYJSON_TYPE_STR:
        *out = (Str){unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)};
        return reading_check_text(r, place, *out, TEXT_BYTES_MAX);
    case YYJSON_TYPE_RAW:
        *out = number_cell(r->keep, c, reading_text_of(v));
        return reading_check_text(r, place, *out, TEXT_BYTES_MAX);
    case YYJSON_TYPE_BOOL:
        if (c->type != TYPE_BOOLEAN)
            return reading_wrong_type(r, place, "text, a number or null", v);
        *out = yyjson_get_bool(v) ? S("true") : S("false");
        return STATUS_OK;
    default:
        return reading_wrong_type(r, place, "text, a number, true, false or null", v);
    }
}

/* ---- rows ---- */

/* One object as cells; last[column] is the number, from 1, of the last row that has it. Senders
 * keep an order of fields, so each is looked for where the one before it was found. */
static Status read_row(RequestRows *rows, Reading *r, Place place, AnswerColumns columns,
                       const Str *names, yyjson_val *object, size_t *last)
{
    Str *cell = rows->cell + rows->rows * columns.count;
    Unknown unknown;
    unknown.count = 0;
    yyjson_val *key, *v;
    size_t i, n, next = 0, row = ++rows->rows;
    memset(cell, 0, columns.count * sizeof *cell);
    yyjson_obj_foreach(object, i, n, key, v)
    {
        Str name = {unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key)};
        size_t tried = 0;
        while (tried < columns.count && !str_equal(columns.item[next].name, name)) {
            next = next + 1 == columns.count ? 0 : next + 1;
            tried++;
        }
        if (tried == columns.count) {
            TRY(reading_unknown(r, &unknown, place, name, names, columns.count));
            continue;
        }
        if (last[next] == row)
            return reading_twice(r, place, name);
        last[next] = row;
        size_t size = unsafe_yyjson_get_len(v);
        if (unsafe_yyjson_is_str(v) && !r->escapes && size <= TEXT_BYTES_MAX) { /* most are */
            cell[next] = (Str){unsafe_yyjson_get_str(v), size};
        } else {
            place.field = name;
            TRY(get_cell(&cell[next], r, place, columns.item[next].schema, v));
        }
        next = next + 1 == columns.count ? 0 : next + 1;
    }
    return STATUS_OK;
}

static void note_said(RequestRows *rows, AnswerColumns columns, const size_t *last)
{
    for (size_t k = 0; k < columns.count; k++)
        rows->said[k] = last[k] > 0;
}

Status reading_rows(RequestRows *rows, Reading *r, const char *list, AnswerColumns columns,
                    const Str *names, yyjson_val *v, size_t most, bool one)
{
    *rows = (RequestRows){.said = ARENA_ARRAY(r->keep, bool, columns.count + 1)};
    Place place = {list, no_at, S("")};
    if (v == NULL || yyjson_is_null(v))
        return STATUS_OK;
    rows->given = true;
    size_t *last = ARENA_ARRAY(r->keep, size_t, columns.count + 1);
    if (one && yyjson_is_obj(v)) {
        rows->single = true;
        rows->cell = ARENA_RAW(r->keep, Str, columns.count + 1);
        TRY(read_row(rows, r, place, columns, names, v, last));
        note_said(rows, columns, last);
        return STATUS_OK;
    }
    if (!yyjson_is_arr(v))
        return reading_wrong_type(r, place, one ? "an object, or a list of them" : "a list", v);
    size_t count = yyjson_arr_size(v);
    if (count > most)
        return fault_set(r->fault, place, "too_many",
                         "There are %zu entries; at most %zu are taken in one request.", count,
                         most);
    rows->cell = ARENA_RAW(r->keep, Str, count * columns.count + 1);
    yyjson_val *item;
    size_t i, n;
    yyjson_arr_foreach(v, i, n, item)
    {
        place.at = i;
        if (!yyjson_is_obj(item))
            return reading_wrong_type(r, place, "an object", item);
        TRY(read_row(rows, r, place, columns, names, item, last));
    }
    note_said(rows, columns, last);
    return STATUS_OK;
}
