#include "message/message.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    SHOWN = 60,       /* bytes of a sentence in an error */
    BYTES_MAX = 10000 /* of one sentence */
};

struct Messages {
    Str text;
    const char *file;
    Dictionary *english; /* code: the entry */
    MessageView *entry;
    size_t entries;
};

/* ---- the book as it is written ---- */

typedef struct MessageText {
    Mark mark;
    BookText in[LANGUAGES];
} MessageText;

typedef struct MessagesText {
    int64_t version;
    BookRecords books, program;
} MessagesText;

static const Field message_fields[] = {
    {.name = "en",
     .kind = FIELD_TEXT,
     .offset = offsetof(MessageText, in[LANGUAGE_ENGLISH]),
     .required = true,
     .says = "the English sentence exactly as it is written in a book or in the program"},
    {.name = "fr",
     .kind = FIELD_TEXT,
     .offset = offsetof(MessageText, in[LANGUAGE_FRENCH]),
     .required = true,
     .says = "the same in French, with the same placeholders in any order"},
    {0}};

static const Field messages_fields[] = {{.name = "version",
                                         .kind = FIELD_INTEGER,
                                         .offset = offsetof(MessagesText, version),
                                         .required = true,
                                         .says = "version of the book's form: 1"},
                                        {.name = "books",
                                         .kind = FIELD_RECORDS,
                                         .offset = offsetof(MessagesText, books),
                                         .says = "sentences of the features and the policy book",
                                         .fields = message_fields,
                                         .size = sizeof(MessageText),
                                         .marked = true},
                                        {.name = "program",
                                         .kind = FIELD_RECORDS,
                                         .offset = offsetof(MessagesText, program),
                                         .says = "sentences and words of the program itself",
                                         .fields = message_fields,
                                         .size = sizeof(MessageText),
                                         .marked = true},
                                        {0}};

/* ---- checks ---- */

/* The beginning of a sentence, cut at a whole character. */
static Str shown(Str text)
{
    size_t size = text.size < SHOWN ? text.size : SHOWN;
    while (size < text.size && size > 0 && ((unsigned char)text.data[size] & 0xC0) == 0x80)
        size--;
    return str_slice(text, 0, size);
}

typedef struct Reading {
    Messages *m;
    Arena *keep;
    Error *err;
} Reading;

PRINTF_LIKE(3, 4)
static Status refuse(const Reading *r, Mark mark, const char *format, ...)
{
    char message[sizeof r->err->message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    Status status = error_set(r->err, STATUS_FORMAT, "%s", message);
    (void)error_place(r->err, r->m->file, mark.line, mark.column);
    return status;
}

/* The next piece of a sentence. */
typedef struct Piece {
    Str text;               /* as it is said; of a placeholder what is inside its braces */
    bool placeholder, open; /* open: its brace is never closed */
} Piece;

/* From `from` on; the text's size where there is none. */
static size_t find_byte(Str text, size_t from, char byte)
{
    const char *found = memchr(text.data + from, byte, text.size - from);
    return found == NULL ? text.size : (size_t)(found - text.data);
}

/* "{{" is a brace that is text. False at the end. */
static bool next_piece(Str text, size_t *at, Piece *out)
{
    size_t from = *at, to = from;
    if (from == text.size)
        return false;
    *out = (Piece){.placeholder = text.data[from] == '{'};
    if (out->placeholder && from + 1 < text.size && text.data[from + 1] == '{') {
        *out = (Piece){.text = S("{")};
        *at = from + 2;
        return true;
    }
    if (!out->placeholder) {
        to = find_byte(text, from, '{');
        out->text = str_slice(text, from, to);
        *at = to;
        return true;
    }
    to = find_byte(text, from, '}');
    out->open = to == text.size;
    out->text = str_trim(str_slice(text, from + 1, to));
    *at = out->open ? to : to + 1;
    return true;
}

/* name:format without spaces around the two. */
static Str normal(Arena *arena, Str inside)
{
    size_t colon = 0;
    while (colon < inside.size && inside.data[colon] != ':')
        colon++;
    if (colon == inside.size)
        return inside;
    return str_format(arena, "%.*s:%.*s", STR_ARG(str_trim(str_slice(inside, 0, colon))),
                      STR_ARG(str_trim(str_slice(inside, colon + 1, inside.size))));
}

static Status read_placeholders(Dictionary **out, const Reading *r, BookText text)
{
    Piece piece;
    size_t at = 0;
    *out = dictionary_new(r->keep);
    while (next_piece(text.text, &at, &piece)) {
        if (piece.open)
            return refuse(r, text.mark, "the brace is never closed");
        if (piece.placeholder)
            (void)dictionary_add(*out, normal(r->keep, piece.text));
    }
    return STATUS_OK;
}

static Status check_placeholders(const Reading *r, const MessageText *text, Language language)
{
    Dictionary *english, *other;
    TRY(read_placeholders(&english, r, text->in[LANGUAGE_ENGLISH]));
    TRY(read_placeholders(&other, r, text->in[language]));
    const char *what = NULL;
    Str name = S("");
    for (size_t i = 0; i < english->count && what == NULL; i++)
        if (dictionary_find(other, english->text[i]) == NO_CODE) {
            what = "leaves out";
            name = english->text[i];
        }
    for (size_t i = 0; i < other->count && what == NULL; i++)
        if (dictionary_find(english, other->text[i]) == NO_CODE) {
            what = "adds";
            name = other->text[i];
        }
    if (what == NULL)
        return STATUS_OK;
    (void)refuse(r, text->in[language].mark, "the translation %s {%.*s}", what,
                 STR_ARG(shown(name)));
    return error_remedy(r->err, "write the same placeholders as in the English, in any order");
}

static Status check_text(const Reading *r, BookText text)
{
    if (text.text.size == 0)
        return refuse(r, text.mark, "a message is empty");
    if (text.text.size > BYTES_MAX)
        return refuse(r, text.mark, "a message is too long (%d bytes at most)", BYTES_MAX);
    for (size_t i = 0; i < text.text.size; i++) {
        unsigned char c = (unsigned char)text.text.data[i];
        if (c < ' ' || c == 0x7F)
            return refuse(r, text.mark, "a message has a control character");
    }
    return STATUS_OK;
}

static Status read_entries(const Reading *r, const BookRecords *list, bool program)
{
    const MessageText *text = list->item;
    Messages *m = r->m;
    for (size_t i = 0; i < list->count; i++) {
        MessageView *entry = &m->entry[m->entries];
        *entry = (MessageView){.program = program};
        for (Language l = 0; l < LANGUAGES; l++) {
            TRY(check_text(r, text[i].in[l]));
            entry->text[l] = text[i].in[l].text;
            entry->mark[l] = text[i].in[l].mark;
            if (l != LANGUAGE_ENGLISH)
                TRY(check_placeholders(r, &text[i], l));
        }
        Str english = entry->text[LANGUAGE_ENGLISH];
        size_t before = dictionary_add(m->english, english);
        if (before != m->entries) {
            (void)refuse(r, entry->mark[LANGUAGE_ENGLISH],
                         "the message `%.*s%s` is already translated in line %lld",
                         STR_ARG(shown(english)), english.size > SHOWN ? "..." : "",
                         (long long)m->entry[before].mark[LANGUAGE_ENGLISH].line);
            return error_remedy(r->err, "keep one of the two");
        }
        m->entries++;
    }
    return STATUS_OK;
}

static Status read_book(const Reading *r)
{
    Node *node;
    MessagesText text = {0};
    Messages *m = r->m;
    TRY(book_parse(&node, r->keep, m->text, m->file, r->err));
    TRY(book_read(&text, r->keep, node, messages_fields, m->file, r->err));
    if (text.version != 1) {
        (void)refuse(r, node->mark, "version %lld of a book of messages is not known",
                     (long long)text.version);
        return error_remedy(r->err, "write `version: 1`");
    }
    m->english = dictionary_new(r->keep);
    m->entry = ARENA_ARRAY(r->keep, MessageView, text.books.count + text.program.count);
    TRY(read_entries(r, &text.books, false));
    return read_entries(r, &text.program, true);
}

Status messages_read(Messages **out, Arena *keep, Str yaml, const char *file, Error *err)
{
    Messages *m = *out = ARENA_NEW(keep, Messages);
    m->text = str_copy(keep, yaml);
    m->file = str_chars(keep, str_from(file));
    Status status = read_book(&(Reading){m, keep, err});
    if (status != STATUS_OK)
        error_excerpt_file(err, file, m->text);
    return status;
}

Str messages_json_schema(Arena *keep)
{
    return book_json_schema(keep, messages_fields, "assay book of messages: every language");
}

Str messages_text(const Messages *m)
{
    return m->text;
}

const char *messages_file(const Messages *m)
{
    return m->file;
}

/* ---- asking ---- */

const MessageView *messages_view(const Messages *m, size_t *count)
{
    *count = m->entries;
    return m->entry;
}

const MessageView *message_find(const Messages *m, Str english)
{
    uint32_t code = dictionary_find(m->english, english);
    return code == NO_CODE ? NULL : &m->entry[code];
}

Str message(const Messages *m, Language language, Str english)
{
    if (m == NULL || language == LANGUAGE_ENGLISH)
        return english;
    const MessageView *found = message_find(m, english);
    return found == NULL ? english : found->text[language];
}

static Str part_named(const MessagePart *part, size_t parts, Str name)
{
    for (size_t i = 0; i < parts; i++)
        if (str_equal(part[i].name, name))
            return part[i].text;
    assert(false && "every placeholder has its part");
    return S("");
}

Str message_fill(Arena *arena, const Messages *m, Language language, Str english,
                 const MessagePart *part, size_t parts)
{
    Str text = message(m, language, english);
    Buffer b = buffer_new(arena);
    Piece piece;
    size_t at = 0;
    while (next_piece(text, &at, &piece))
        buffer_add(&b, piece.placeholder ? part_named(part, parts, piece.text) : piece.text);
    return buffer_str(&b);
}
