/* request_plain.c - the transactions of a request as nearly all senders write them, read into cells
 * without a tree of the whole.
 *
 * What is taken here is JSON, and less than all of it: objects of known fields, none twice, whose
 * texts have no backslash and whose numbers no exponent. Whatever else stands there is left to the
 * readers of request_rows.c, which know all of it and say what is wrong; both make the same cells.
 */
#include "answer/request_internal.h"

#include <string.h>

/* What reads a part answers with where it ends, or with NULL when it is not written plainly. */

static inline const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* The byte comes next, after blanks or none. */
static inline const char *take(const char *at, const char *end, char wanted)
{
    at = skip_blanks(at, end);
    return at < end && *at == wanted ? at + 1 : NULL;
}

/* The next bytes are these. */
static inline bool ahead(const char *at, const char *end, Str wanted)
{
    uint64_t x, y;
    size_t i = 0;
    if ((size_t)(end - at) < wanted.size)
        return false;
    if (wanted.size < sizeof x) {
        while (i < wanted.size && at[i] == wanted.data[i])
            i++;
        return i == wanted.size;
    }
    for (; i + sizeof x < wanted.size; i += sizeof x) {
        memcpy(&x, at + i, sizeof x);
        memcpy(&y, wanted.data + i, sizeof y);
        if (x != y)
            return false;
    }
    memcpy(&x, at + wanted.size - sizeof x, sizeof x); /* some bytes of these once more */
    memcpy(&y, wanted.data + wanted.size - sizeof y, sizeof y);
    return x == y;
}

/* ---- texts ---- */

/* Sixteen bytes at once, as the processor has them or the compiler makes them. */
typedef int8_t Bytes16 __attribute__((vector_size(16)));
typedef uint64_t Halves __attribute__((vector_size(16)));
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

/* The first byte from `at` on that ends a run of plain ones: a quote, a backslash, a control
 * character, or one that is not ASCII (as signed bytes these are below the blank, too). */
static inline const char *plain_end(const char *at, const char *end)
{
    for (; (size_t)(end - at) >= sizeof(Bytes16); at += sizeof(Bytes16)) {
        Bytes16 b;
        memcpy(&b, at, sizeof b);
        Halves stop = (Halves)((b < ' ') | (b == '"') | (b == '\\'));
        if (stop[0] != 0)
            return at + __builtin_ctzll(stop[0]) / 8;
        if (stop[1] != 0)
            return at + 8 + __builtin_ctzll(stop[1]) / 8;
    }
    while (at < end && (signed char)*at >= ' ' && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* The text from behind its first quote to behind its other. */
static inline const char *take_text(const char *from, const char *end, Str *out)
{
    const char *at = plain_end(from, end);
    bool ascii = true;
    while (at < end && (unsigned char)*at >= 0x80) {
        ascii = false;
        at = plain_end(at + 1, end);
    }
    if (at == end || *at != '"')
        return NULL;
    *out = (Str){from, (size_t)(at - from)};
    return ascii || str_valid_utf8(*out) ? at + 1 : NULL;
}

/* ---- other values ---- */

static inline const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* An exponent is left, and ends the reading there. */
static inline const char *take_number(const char *from, const char *end, Str *out)
{
    const char *whole = from + (*from == '-'), *at = skip_digits(whole, end);
    if (at == whole || (*whole == '0' && at - whole > 1))
        return NULL;
    if (at < end && *at == '.') {
        const char *point = at;
        at = skip_digits(point + 1, end);
        if (at == point + 1)
            return NULL;
    }
    *out = (Str){from, (size_t)(at - from)};
    return at;
}

static const char *take_word(const char *at, const char *end, Str word)
{
    bool there = (size_t)(end - at) >= word.size && memcmp(at, word.data, word.size) == 0;
    return there ? at + word.size : NULL;
}

static inline const char *take_cell(const char *at, const char *end, Str *out, Arena *keep,
                                    const SchemaColumn *column)
{
    if (at == end)
        return NULL;
    if (*at == '"') {
        at = take_text(at + 1, end, out);
        return at != NULL && out->size <= TEXT_BYTES_MAX ? at : NULL;
    }
    if (*at == 'n') {
        *out = (Str){NULL, 0};
        return take_word(at, end, S("null"));
    }
    if (*at == 't' || *at == 'f') {
        *out = *at == 't' ? S("true") : S("false");
        return column->type == TYPE_BOOLEAN ? take_word(at, end, *out) : NULL;
    }
    at = take_number(at, end, out);
    if (at == NULL || out->size > TEXT_BYTES_MAX)
        return NULL;
    *out = reading_marked(keep, column, *out);
    return at;
}

/* ---- rows ---- */

/* What stands before the value of a row: a brace or a comma, the column's name, a colon. Rows of
 * one sender are alike, so it is compared with what stood there in a row before. */
typedef struct Before {
    Str text;
    size_t column;
} Before;

typedef struct Rows {
    AnswerColumns columns;
    Before *before; /* [befores] by place in the row, at most one for each column */
    size_t befores;
    size_t *last; /* by column: the number, from 1, of the last row that has it */
} Rows;

/* The name of a column, the next one from *column on that is called so, and the colon. */
static const char *take_name(const char *at, const char *end, AnswerColumns columns, size_t *column)
{
    Str name;
    size_t tried = 0;
    at = take(at, end, '"');
    at = at == NULL ? NULL : take_text(at, end, &name);
    at = at == NULL ? NULL : take(at, end, ':');
    if (at == NULL)
        return NULL;
    while (!str_equal(columns.item[*column].name, name)) {
        *column = *column + 1 == columns.count ? 0 : *column + 1;
        if (++tried == columns.count)
            return NULL;
    }
    return skip_blanks(at, end);
}

/* One object behind its brace. */
static const char *take_row(const char *at, const char *end, Str *cell, Arena *keep, Rows *rows,
                            size_t row)
{
    size_t columns = rows->columns.count, column = 0, taken = 0;
    for (;; taken++) {
        Before *before = &rows->before[taken];
        if (taken < rows->befores && ahead(at, end, before->text)) {
            at += before->text.size;
            column = before->column;
        } else {
            const char *from = at, *over = take(at, end, '}');
            if (over != NULL) {
                at = over;
                break;
            }
            at = taken == 0 ? at : take(at, end, ',');
            at = at == NULL ? NULL : take_name(at, end, rows->columns, &column);
            if (at == NULL || taken == columns)
                return NULL;
            *before = (Before){{from, (size_t)(at - from)}, column};
            rows->befores = taken < rows->befores ? rows->befores : taken + 1;
        }
        if (rows->last[column] == row)
            return NULL;
        at = take_cell(at, end, &cell[column], keep, rows->columns.item[column].schema);
        if (at == NULL)
            return NULL;
        rows->last[column] = row;
    }
    for (size_t k = 0; taken < columns && k < columns; k++)
        if (rows->last[k] != row)
            cell[k] = (Str){NULL, 0};
    return at;
}

/* The list behind its bracket. */
static const char *take_rows(const char *at, const char *end, RequestRows *out, Arena *keep,
                             AnswerColumns columns, size_t most)
{
    enum { FIRST_ROWS = 32 };
    size_t capacity = FIRST_ROWS, wide = columns.count;
    Rows rows = {.columns = columns,
                 .before = ARENA_RAW(keep, Before, wide + 1),
                 .last = ARENA_ARRAY(keep, size_t, wide)};
    *out = (RequestRows){.said = ARENA_ARRAY(keep, bool, wide + 1), .given = true};
    out->cell = ARENA_RAW(keep, Str, capacity * wide);
    const char *over = take(at, end, ']');
    if (over != NULL)
        return over;
    do {
        at = take(at, end, '{');
        if (at == NULL || out->rows == most)
            return NULL;
        if (out->rows == capacity) {
            Str *more = ARENA_RAW(keep, Str, 2 * capacity * wide);
            memcpy(more, out->cell, capacity * wide * sizeof *more);
            out->cell = more;
            capacity *= 2;
        }
        Str *cell = out->cell + out->rows++ * wide;
        at = take_row(at, end, cell, keep, &rows, out->rows);
        if (at == NULL)
            return NULL;
        over = at;
    } while ((at = take(at, end, ',')) != NULL);
    for (size_t k = 0; k < wide; k++)
        out->said[k] = rows.last[k] > 0;
    return take(over, end, ']');
}

/* ---- the rest ---- */

/* Behind the bracket of the first list under the name in the bytes, be it where it may. */
static const char *find_list(Str json, Str quoted_name)
{
    const char *at = memmem(json.data, json.size, quoted_name.data, quoted_name.size),
               *end = json.data + json.size;
    at = at == NULL ? NULL : take(at + quoted_name.size, end, ':');
    return at == NULL ? NULL : take(at, end, '[');
}

yyjson_val *reading_plain(RequestRows *rows, const char **hole, Reading *r, Str json)
{
    enum { DEPTH_OF_ROWS = 3 }; /* the request, the list, the objects */
    const AnswerColumns columns = r->a->transaction;
    const char *end = json.data + json.size, *at = find_list(json, S("\"transactions\""));
    if (at == NULL || columns.count == 0 || r->limits->depth_max < DEPTH_OF_ROWS)
        return NULL;
    size_t before = (size_t)(at - 1 - json.data);
    at = take_rows(at, end, rows, r->keep, columns, r->limits->transactions_max);
    if (at == NULL)
        return NULL;
    /* A number stands for the list that was read: a value for a value, so that the whole is JSON
     * where what is left is. */
    size_t behind = (size_t)(end - at), size = before + 1 + behind;
    char *rest = arena_raw(r->keep, size + YYJSON_PADDING_SIZE, 1);
    memcpy(rest, json.data, before);
    rest[before] = '0';
    memcpy(rest + before + 1, at, behind);
    memset(rest + size, 0, YYJSON_PADDING_SIZE);
    *hole = rest + before;
    r->escapes = memchr(rest, '\\', size) != NULL;
    yyjson_alc memory = arena_memory(r->keep);
    yyjson_doc *doc =
        yyjson_read_opts(rest, size, YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_INSITU, &memory, NULL);
    if (doc == NULL || reading_too_deep(doc, S(""), r->limits->depth_max))
        return NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    return yyjson_is_obj(root) ? root : NULL;
}
