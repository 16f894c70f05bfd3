/* Sentences with placeholders: a list of pieces, literal text or the name of a cell. */
#include "lang/tree.h"

#include <assert.h>
#include <string.h>

typedef struct Piece {
    Str text; /* literal, or the name */
    bool cell;
    Format format;
    atomic_uint place; /* find_column's */
} Piece;

typedef struct Wording {
    Piece *piece;
    size_t pieces;
} Wording;

struct Template {
    Wording in[LANGUAGES]; /* of no pieces: not translated, or an empty sentence */
    const Str *name;
    size_t names;
    Str currency;
};

typedef struct Reader {
    Arena *keep;
    const Scope *scope;
    const char *file;
    Error *err;
    Source source;
} Reader;

#define FAIL(r, at, ...)                                                                           \
    SOURCE_ERROR((r)->err, (r)->file, &(r)->source, (at), STATUS_FORMAT, __VA_ARGS__)

static Status unknown(Reader *r, size_t at, Str name)
{
    Str *all = ARENA_ARRAY(r->keep, Str, r->scope->customers);
    for (size_t i = 0; i < r->scope->customers; i++)
        all[i] = r->scope->customer[i].name;
    (void)FAIL(r, at, "the sentence uses '%.*s', which is not known here",
               STR_ARG(str_slice(name, 0, 100)));
    Str near = str_nearest(name, all, r->scope->customers);
    if (near.size > 0)
        (void)error_remedy(r->err, "did you mean '%.*s'?", STR_ARG(near));
    else
        (void)error_remedy(r->err, "a brace that is text is written twice: {{");
    return STATUS_FORMAT;
}

static bool fits(Format f, Type type)
{
    bool number = type == TYPE_INT64 || type == TYPE_DECIMAL || type == TYPE_DOUBLE;
    switch (f) {
    case FORMAT_PLAIN:
        return true;
    case FORMAT_COUNT:
    case FORMAT_EUR:
    case FORMAT_MONEY:
    case FORMAT_PERCENT:
    case FORMAT_RATIO:
        return number;
    case FORMAT_HOURS:
    case FORMAT_DAYS:
    case FORMAT_MINUTES:
        return number || type == TYPE_DURATION;
    case FORMAT_DATE:
        return type == TYPE_TIME || type == TYPE_DATE;
    case FORMATS:
        break;
    }
    return false;
}

/* `at` is the byte after the opening brace. */
static Status placeholder(Reader *r, Piece *out, size_t at, Str inside)
{
    const char *colon = inside.size == 0 ? NULL : memchr(inside.data, ':', inside.size);
    size_t split = colon == NULL ? inside.size : (size_t)(colon - inside.data);
    Str name = str_trim(str_slice(inside, 0, split));
    const Name *known = NULL;
    for (size_t i = 0; i < r->scope->customers && known == NULL; i++)
        if (str_equal(r->scope->customer[i].name, name))
            known = &r->scope->customer[i];
    if (known == NULL)
        return unknown(r, at, name);
    *out = (Piece){.text = str_copy(r->keep, name), .cell = true, .format = FORMAT_PLAIN};
    if (colon == NULL)
        return STATUS_OK;
    Str format = str_trim(str_slice(inside, split + 1, inside.size));
    if (!format_from_name(format, &out->format)) {
        (void)FAIL(r, at + split + 1, "there is no number format '%.*s'",
                   STR_ARG(str_slice(format, 0, 60)));
        (void)error_remedy(
            r->err,
            "known are plain, count, money, eur, percent, ratio, minutes, hours, days and date");
        return STATUS_FORMAT;
    }
    if (format_wrong_currency(out->format, r->scope->currency)) {
        (void)FAIL(r, at + split + 1, "eur writes a euro sign, and amounts are in %.*s",
                   STR_ARG(str_slice(r->scope->currency, 0, 60)));
        (void)error_remedy(r->err, "write {%.*s:money}, which names the currency",
                           STR_ARG(str_slice(name, 0, 100)));
        return STATUS_FORMAT;
    }
    char type[TYPE_TEXT_SIZE];
    if (!fits(out->format, known->type))
        return FAIL(r, at + split + 1, "%.*s is %s and cannot be written as %.*s", STR_ARG(name),
                    type_text(type, known->type, known->scale), STR_ARG(format_name(out->format)));
    return STATUS_OK;
}

/* `used` takes the names of the placeholders. */
static Status read_wording(Wording *out, Dictionary *used, Reader *r)
{
    Str s = r->source.text;
    size_t capacity = 0, from = 0;
    if (s.size > LANG_BYTES)
        return FAIL(r, 0, "the sentence is too long (%d bytes at most)", LANG_BYTES);
    if (!str_valid_utf8(s))
        return FAIL(r, 0, "the sentence is not valid UTF-8");
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] != '{')
            continue;
        bool brace = i + 1 < s.size && s.data[i + 1] == '{';
        Piece before = {.text = str_slice(s, from, brace ? i + 1 : i)};
        if (before.text.size > 0)
            *ARENA_PUSH(r->keep, out->piece, out->pieces, capacity) = before;
        size_t end = i + 1;
        if (!brace) {
            while (end < s.size && s.data[end] != '}')
                end++;
            if (end == s.size)
                return FAIL(r, i, "the brace is never closed");
            Piece cell = {0};
            TRY(placeholder(r, &cell, i + 1, str_slice(s, i + 1, end)));
            (void)dictionary_add(used, cell.text);
            *ARENA_PUSH(r->keep, out->piece, out->pieces, capacity) = cell;
        }
        i = end;
        from = end + 1;
    }
    if (from < s.size)
        *ARENA_PUSH(r->keep, out->piece, out->pieces, capacity) =
            (Piece){.text = str_slice(s, from, s.size)};
    return STATUS_OK;
}

Status template_read(Template **out, Arena *keep, Str text, const Scope *scope, const char *file,
                     int64_t line, int64_t column, Error *err)
{
    Reader r = {keep, scope, file, err, {str_copy(keep, text), line, column}};
    Template *t = ARENA_NEW(keep, Template);
    Dictionary *used = dictionary_new(keep);
    TRY(read_wording(&t->in[LANGUAGE_ENGLISH], used, &r));
    t->name = used->text;
    t->names = used->count;
    t->currency = str_copy(keep, scope->currency);
    *out = t;
    return STATUS_OK;
}

/* Is every number of a also in b, written alike? */
static const Piece *lacking(const Wording *a, const Wording *b)
{
    for (size_t i = 0; i < a->pieces; i++) {
        bool found = !a->piece[i].cell;
        for (size_t k = 0; k < b->pieces && !found; k++)
            found = b->piece[k].cell && b->piece[k].format == a->piece[i].format &&
                    str_equal(b->piece[k].text, a->piece[i].text);
        if (!found)
            return &a->piece[i];
    }
    return NULL;
}

Status template_translate(Template *t, Arena *keep, Language language, Str text, const Scope *scope,
                          const char *file, int64_t line, int64_t column, Error *err)
{
    Reader r = {keep, scope, file, err, {str_copy(keep, text), line, column}};
    Wording translated = {0};
    assert(language != LANGUAGE_ENGLISH && language < LANGUAGES);
    TRY(read_wording(&translated, dictionary_new(keep), &r));
    const Wording *english = &t->in[LANGUAGE_ENGLISH];
    const Piece *left = lacking(english, &translated), *added = lacking(&translated, english);
    if (left != NULL || added != NULL) {
        const Piece *p = left != NULL ? left : added;
        return FAIL(&r, 0, "the translation %s {%.*s:%.*s}", left != NULL ? "leaves out" : "adds",
                    STR_ARG(str_slice(p->text, 0, 100)), STR_ARG(format_name(p->format)));
    }
    t->in[language] = translated;
    return STATUS_OK;
}

/* What a sentence is filled with. */
typedef struct Filling {
    const Wording *wording;
    Language language;
    Str currency;
    const Table *rows;
    size_t row;
} Filling;

static const Column *column_of(const Filling *f, const Piece *p)
{
    return find_column((atomic_uint *)(uintptr_t)&p->place, f->rows, p->text);
}

/* Does another share of the sentence read the same, though it is another number? */
static bool reads_alike(Arena *arena, const Filling *f, size_t at, Str text)
{
    const Column *mine = column_of(f, &f->wording->piece[at]);
    for (size_t i = 0; i < f->wording->pieces; i++) {
        const Piece *p = &f->wording->piece[i];
        if (!p->cell || p->format != FORMAT_PERCENT || i == at)
            continue;
        const Column *c = column_of(f, p);
        if (c != NULL && column_valid(c, f->row) &&
            cell_double(c, f->row) != cell_double(mine, f->row) &&
            str_equal(format_cell(arena, p->format, f->language, f->currency, c, f->row), text))
            return true;
    }
    return false;
}

static Str fill(Arena *arena, const Filling *f, size_t at)
{
    const Piece *p = &f->wording->piece[at];
    const Column *c = column_of(f, p);
    if (c == NULL)
        return format_unknown(f->language);
    Str text = format_cell(arena, p->format, f->language, f->currency, c, f->row);
    if (p->format == FORMAT_PERCENT && column_valid(c, f->row) && reads_alike(arena, f, at, text))
        return format_percent_tenths(arena, f->language, c, f->row);
    return text;
}

Str template_fill(Arena *arena, const Template *t, Language language, const Table *rows, size_t row)
{
    if (t->in[language].pieces == 0)
        language = LANGUAGE_ENGLISH;
    Filling f = {&t->in[language], language, t->currency, rows, row};
    Buffer b = buffer_new(arena);
    for (size_t i = 0; i < f.wording->pieces; i++) {
        const Piece *p = &f.wording->piece[i];
        buffer_add(&b, p->cell ? fill(arena, &f, i) : p->text);
    }
    return buffer_str(&b);
}

const Str *template_names(const Template *t, size_t *count)
{
    *count = t->names;
    return t->name;
}
