#include "lang/tree.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The place in the book: lines are counted from the start of the text, columns in characters. */
void source_place(Error *err, const char *file, const Source *source, size_t offset)
{
    int64_t line = source->line, column = source->column;
    for (size_t i = 0; i < offset && i < source->text.size; i++) {
        unsigned char c = (unsigned char)source->text.data[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xC0) != 0x80) {
            column++;
        }
    }
    (void)error_place(err, file, line, column);
}

bool lexer_reserved(Str word)
{
    static const Str words[] = {{"and", 3},    {"or", 2},      {"not", 3},  {"in", 2},
                                {"is", 2},     {"between", 7}, {"null", 4}, {"true", 4},
                                {"false", 5},  {"where", 5},   {"over", 4}, {"to", 2},
                                {"within", 6}, {"like", 4},    {"case", 4}, {"when", 4},
                                {"then", 4},   {"else", 4},    {"end", 3}};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal_fold(word, words[i]))
            return true;
    return false;
}

bool lexer_bare(Str name)
{
    if (name.size == 0 || !is_letter(name.data[0]) || lexer_reserved(name))
        return false;
    for (size_t i = 1; i < name.size; i++)
        if (!is_letter(name.data[i]) && !is_digit(name.data[i]))
            return false;
    return true;
}

bool lexer_word(const Lexer *l, const char *word)
{
    return l->token.kind == TOKEN_NAME && str_equal_fold(l->token.raw, str_from(word));
}

bool lexer_symbol(const Lexer *l, const char *symbol)
{
    return l->token.kind == TOKEN_SYMBOL && str_equal(l->token.raw, str_from(symbol));
}

/* 'it''s' or "a ""name""": the quote is written twice inside. */
static Status quoted(Lexer *l, char quote)
{
    Str s = l->source->text;
    size_t from = l->at, doubled = 0;
    size_t i = from + 1;
    for (;; i++) {
        if (i >= s.size)
            return SOURCE_ERROR(l->err, l->file, l->source, from, STATUS_FORMAT,
                                "the quote %c is never closed", quote);
        if (s.data[i] != quote)
            continue;
        if (i + 1 >= s.size || s.data[i + 1] != quote)
            break;
        doubled++;
        i++;
    }
    Str inside = str_slice(s, from + 1, i);
    if (doubled > 0) {
        char *out = arena_raw(l->keep, inside.size, 1);
        size_t n = 0;
        for (size_t k = 0; k < inside.size; k++) {
            out[n++] = inside.data[k];
            k += inside.data[k] == quote;
        }
        inside = (Str){out, n};
    }
    l->at = i + 1;
    l->token.raw = str_slice(s, from, l->at);
    l->token.text = inside;
    l->token.kind = quote == '\'' ? TOKEN_STRING : TOKEN_QUOTED;
    return STATUS_OK;
}

/* 12, 12.50, and 14d: digits with a unit stuck to them are a duration. */
static Status number(Lexer *l)
{
    Str s = l->source->text;
    size_t from = l->at, i = from;
    bool point = false;
    for (; i < s.size; i++) {
        if (s.data[i] == '.' && !point && i + 1 < s.size && is_digit(s.data[i + 1]))
            point = true;
        else if (!is_digit(s.data[i]))
            break;
    }
    l->token.kind = TOKEN_NUMBER;
    if (i < s.size && is_letter(s.data[i])) {
        while (i < s.size && (is_letter(s.data[i]) || is_digit(s.data[i])))
            i++;
        l->token.kind = TOKEN_DURATION;
    }
    l->at = i;
    l->token.raw = str_slice(s, from, i);
    int64_t ignored;
    if (l->token.kind == TOKEN_DURATION && !parse_duration(l->token.raw, &ignored)) {
        (void)SOURCE_ERROR(l->err, l->file, l->source, from, STATUS_FORMAT,
                           "'%.*s' is neither a number nor a duration", STR_ARG(l->token.raw));
        (void)error_remedy(l->err, "durations are whole: 90s, 10min, 6h, 14d or 2w, at most a "
                                   "hundred years; numbers have digits and one point");
        return STATUS_FORMAT;
    }
    return STATUS_OK;
}

Status lexer_next(Lexer *l)
{
    Str s = l->source->text;
    while (l->at < s.size && strchr(" \t\r\n", s.data[l->at]) != NULL && s.data[l->at] != '\0')
        l->at++;
    size_t from = l->at;
    l->token = (Token){.kind = TOKEN_END, .offset = from, .raw = str_slice(s, from, from)};
    if (from == s.size)
        return STATUS_OK;
    char c = s.data[from];
    if (c == '\'' || c == '"')
        return quoted(l, c);
    if (is_digit(c))
        return number(l);
    size_t size = 1;
    if (is_letter(c)) {
        l->token.kind = TOKEN_NAME;
        while (from + size < s.size &&
               (is_letter(s.data[from + size]) || is_digit(s.data[from + size])))
            size++;
    } else {
        static const Str symbols[] = {{"<>", 2}, {"!=", 2}, {"<=", 2}, {">=", 2}, {"=", 1},
                                      {"<", 1},  {">", 1},  {"+", 1},  {"-", 1},  {"*", 1},
                                      {"/", 1},  {"(", 1},  {")", 1},  {",", 1}};
        l->token.kind = TOKEN_SYMBOL;
        size = 0;
        for (size_t i = 0; i < COUNT_OF(symbols) && size == 0; i++)
            if (str_starts(str_slice(s, from, s.size), symbols[i]))
                size = symbols[i].size;
        if (size == 0) {
            size_t end = from + 1;
            while (end < s.size && ((unsigned char)s.data[end] & 0xC0) == 0x80)
                end++;
            Str odd = (unsigned char)c < ' ' ? S("a control character") : str_slice(s, from, end);
            (void)SOURCE_ERROR(l->err, l->file, l->source, from, STATUS_FORMAT,
                               "'%.*s' has no meaning here", STR_ARG(odd));
            (void)error_remedy(l->err, "put strings in single quotes, and names with unusual "
                                       "letters in double quotes");
            return STATUS_FORMAT;
        }
    }
    l->at = from + size;
    l->token.raw = str_slice(s, from, l->at);
    return STATUS_OK;
}
