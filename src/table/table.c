#include "table/table.h"

#include <math.h>
#include <string.h>

static const Str type_names[] = {{"boolean", 7}, {"int64", 5},    {"decimal", 7},
                                 {"double", 6},  {"category", 8}, {"text", 4},
                                 {"time", 4},    {"date", 4},     {"duration", 8}};

Str type_name(Type type)
{
    return type_names[type];
}

bool type_from_name(Str name, Type *out)
{
    for (size_t i = 0; i < COUNT_OF(type_names); i++)
        if (str_equal(name, type_names[i])) {
            *out = (Type)i;
            return true;
        }
    return false;
}

size_t type_width(Type type)
{
    switch (type) {
    case TYPE_BOOLEAN:
        return sizeof(uint8_t);
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        return sizeof(uint32_t);
    case TYPE_DOUBLE:
        return sizeof(double);
    default:
        return sizeof(int64_t);
    }
}

enum { SMALL_ROWS = 4096 };

void column_init(Column *c, Arena *keep, Str name, Type type, int scale, size_t rows,
                 Dictionary *dictionary)
{
    *c = (Column){.name = name, .type = type, .scale = type == TYPE_DECIMAL ? scale : 0};
    size_t bits = (((rows + 63) / 64 + 1) * sizeof(uint64_t) + 15) & ~(size_t)15,
           width = type_width(type);
    if (rows > SMALL_ROWS) {
        c->valid = arena_alloc(keep, bits, 1);
        c->data = arena_alloc(keep, rows + 1, width);
    } else { /* one piece of memory for both */
        char *both = arena_alloc(keep, bits + (rows + 1) * width, 1);
        c->valid = (uint64_t *)(void *)both;
        c->data = both + bits;
    }
    if (type == TYPE_CATEGORY || type == TYPE_TEXT)
        c->dictionary = dictionary != NULL ? dictionary : dictionary_new(keep);
}

uint64_t *column_truth(Arena *keep, const Column *c, size_t rows)
{
    uint64_t *truth = ARENA_RAW(keep, uint64_t, (rows + 63) / 64 + 1);
    for (size_t w = 0, row = 0; row < rows; w++) {
        uint64_t bits = 0;
        for (size_t end = row + 64 < rows ? row + 64 : rows, k = 0; row < end; row++, k++)
            bits |= (uint64_t)(c->boolean[row] != 0) << k;
        truth[w] = bits & c->valid[w];
    }
    return truth;
}

Table *table_new(Arena *keep, Str name, size_t rows, size_t columns)
{
    Table *t = ARENA_NEW(keep, Table);
    t->name = name;
    t->rows = rows;
    t->columns = columns;
    t->column = ARENA_ARRAY(keep, Column, columns + 1);
    return t;
}

Column *table_find(const Table *t, Str name)
{
    /* Names of books and of the tables made by them are mostly one and the same text: where one is,
     * it is the column; else the first whose name reads the same. Most names of a size differ in
     * their last letter. */
    Column *equal = NULL;
    for (Column *c = t->column, *end = c + t->columns; c < end; c++) {
        if (c->name.size != name.size)
            continue;
        if (c->name.data == name.data)
            return c;
        if (equal == NULL &&
            (name.size == 0 || c->name.data[name.size - 1] == name.data[name.size - 1]) &&
            str_equal(c->name, name))
            equal = c;
    }
    return equal;
}

/* Cells of one width; validity a word at a time. */
#define TAKE_CELLS(Cell)                                                                           \
    for (size_t w = 0, i = 0; i < count; w++) {                                                    \
        uint64_t bits = 0;                                                                         \
        for (size_t end = i + 64 < count ? i + 64 : count, k = 0; i < end; i++, k++) {             \
            if (!column_valid(from, index[i]))                                                     \
                continue;                                                                          \
            bits |= (uint64_t)1 << k;                                                              \
            ((Cell *)to->data)[i] = ((const Cell *)from->data)[index[i]];                          \
        }                                                                                          \
        to->valid[w] = bits;                                                                       \
    }

static void take_cells(Column *to, const Column *from, const uint32_t *index, size_t count)
{
    switch (type_width(from->type)) {
    case sizeof(uint8_t):
        TAKE_CELLS(uint8_t)
        break;
    case sizeof(uint32_t):
        TAKE_CELLS(uint32_t)
        break;
    default:
        TAKE_CELLS(uint64_t)
    }
}

void column_take(Column *out, Arena *keep, const Column *c, const uint32_t *index, size_t count)
{
    column_init(out, keep, c->name, c->type, c->scale, count, c->dictionary);
    take_cells(out, c, index, count);
}

Table *table_take(Arena *keep, const Table *t, const uint32_t *index, size_t count)
{
    Table *out = table_new(keep, t->name, count, t->columns);
    for (size_t k = 0; k < t->columns; k++)
        column_take(&out->column[k], keep, &t->column[k], index, count);
    if (t->line != NULL) {
        out->files = t->files;
        out->file_count = t->file_count;
        out->file = ARENA_ARRAY(keep, uint32_t, count + 1);
        out->line = ARENA_ARRAY(keep, uint64_t, count + 1);
        for (size_t i = 0; i < count; i++) {
            out->file[i] = t->file[index[i]];
            out->line[i] = t->line[index[i]];
        }
    }
    return out;
}

static bool parse_boolean(Str text, uint8_t *out)
{
    static const Str yes[] = {{"true", 4}, {"1", 1}, {"yes", 3}, {"t", 1}, {"y", 1}};
    static const Str no[] = {{"false", 5}, {"0", 1}, {"no", 2}, {"f", 1}, {"n", 1}};
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (str_equal_fold(text, yes[i]))
            return *out = 1, true;
        if (str_equal_fold(text, no[i]))
            return *out = 0, true;
    }
    return false;
}

bool column_parse(Column *c, size_t row, Str text)
{
    if (column_valid(c, row)) { /* read before: what stood there is gone, whatever comes */
        size_t width = type_width(c->type);
        column_set_missing(c, row);
        memset((char *)c->data + row * width, 0, width);
    }
    if (text.size == 0)
        return true;
    bool good = false;
    switch (c->type) {
    case TYPE_BOOLEAN:
        good = parse_boolean(text, &c->boolean[row]);
        break;
    case TYPE_INT64:
        good = parse_int64(text, &c->integer[row]);
        break;
    case TYPE_DECIMAL:
        good = parse_decimal(text, c->scale, &c->integer[row]);
        break;
    case TYPE_DOUBLE:
        good = parse_double(text, &c->real[row]);
        break;
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        c->code[row] = dictionary_add(c->dictionary, text);
        good = true;
        break;
    case TYPE_TIME:
        good = parse_time(text, &c->integer[row]);
        break;
    case TYPE_DATE:
        good = parse_date(text, &c->integer[row]);
        break;
    case TYPE_DURATION:
        good = parse_duration(text, &c->integer[row]);
        break;
    }
    if (good)
        column_set_valid(c, row);
    return good;
}

Str cell_text(Arena *arena, const Column *c, size_t row)
{
    char text[NUMBER_TEXT];
    if (!column_valid(c, row))
        return S("");
    switch (c->type) {
    case TYPE_BOOLEAN:
        return c->boolean[row] ? S("true") : S("false");
    case TYPE_INT64:
    case TYPE_DECIMAL:
        return str_copy(arena, decimal_text(text, c->integer[row], c->scale));
    case TYPE_DOUBLE:
        return str_copy(arena, double_text(text, c->real[row]));
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        return c->dictionary->text[c->code[row]];
    case TYPE_TIME:
        return str_copy(arena, time_text(text, c->integer[row]));
    case TYPE_DATE:
        return str_copy(arena, date_text(text, c->integer[row]));
    case TYPE_DURATION:
        return str_copy(arena, duration_text(text, c->integer[row]));
    }
    return S("");
}

double cell_double(const Column *c, size_t row)
{
    if (!column_valid(c, row))
        return MISSING_VALUE;
    switch (c->type) {
    case TYPE_BOOLEAN:
        return (double)c->boolean[row];
    case TYPE_DOUBLE:
        return c->real[row];
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        return MISSING_VALUE;
    default:
        return decimal_to_double(c->integer[row], c->scale);
    }
}

static bool same_code(const Column *a, size_t row_a, const Column *b, size_t row_b)
{
    if (a->dictionary == b->dictionary)
        return a->code[row_a] == b->code[row_b];
    return str_equal(a->dictionary->text[a->code[row_a]], b->dictionary->text[b->code[row_b]]);
}

bool cell_equal(const Column *a, size_t row_a, const Column *b, size_t row_b)
{
    if (a->type != b->type || column_valid(a, row_a) != column_valid(b, row_b))
        return false;
    if (!column_valid(a, row_a))
        return true;
    switch (a->type) {
    case TYPE_BOOLEAN:
        return a->boolean[row_a] == b->boolean[row_b];
    case TYPE_DOUBLE:
        return a->real[row_a] == b->real[row_b];
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        return same_code(a, row_a, b, row_b);
    default:
        return a->integer[row_a] == b->integer[row_b] && a->scale == b->scale;
    }
}

Matrix *matrix_new(Arena *keep, size_t rows, size_t columns)
{
    Matrix *x = ARENA_NEW(keep, Matrix);
    x->rows = rows;
    x->columns = columns;
    x->name = ARENA_ARRAY(keep, Str, columns + 1);
    x->id = ARENA_ARRAY(keep, Str, rows + 1);
    x->value = ARENA_RAW(keep, float, rows *columns + 1);
    for (size_t i = 0; i < rows * columns; i++)
        x->value[i] = NAN;
    return x;
}

Matrix *matrix_take(Arena *keep, const Matrix *x, const uint32_t *index, size_t count)
{
    Matrix *out = matrix_new(keep, count, x->columns);
    memcpy(out->name, x->name, x->columns * sizeof *x->name);
    for (size_t i = 0; i < count; i++) {
        out->id[i] = x->id[index[i]];
        memcpy(out->value + i * x->columns, matrix_row(x, index[i]), x->columns * sizeof(float));
    }
    return out;
}
