/* record.c - a map node into a C struct, by a table of fields. */
#include "book/book_internal.h"

#include <stdio.h>
#include <string.h>

typedef struct Reading {
    Arena *keep;
    const char *file;
    Error *err;
} Reading;

static Status read_record(const Reading *r, char *record, const Node *node, const Field *fields);

static bool is_null(const Node *node)
{
    return node->kind == NODE_SCALAR && !node->quoted &&
           (node->text.size == 0 || str_equal(node->text, S("~")) ||
            str_equal_fold(node->text, S("null")));
}

static Status wrong_kind(const Reading *r, Mark mark, const Field *f, const char *must,
                         const char *example)
{
    Status status =
        book_refuse(r->err, STATUS_FORMAT, r->file, mark, "`%s` must be %s", f->name, must);
    (void)error_remedy(r->err, "write it like `%s: %s`", f->name, example);
    return status;
}

static Status read_texts(const Reading *r, BookTexts *out, const Node *node, const Field *f)
{
    const Node *item = node->kind == NODE_SCALAR ? node : node->item;
    size_t count = node->kind == NODE_SCALAR ? 1 : node->count;
    if (node->kind == NODE_MAP)
        return wrong_kind(r, node->mark, f, "a list of texts", "[one, two]");
    *out = (BookTexts){ARENA_ARRAY(r->keep, BookText, count), count};
    for (size_t i = 0; i < count; i++) {
        if (item[i].kind != NODE_SCALAR || is_null(&item[i]))
            return wrong_kind(r, item[i].mark, f, "a list of texts", "[one, two]");
        out->item[i] = (BookText){item[i].text, item[i].mark};
    }
    return STATUS_OK;
}

static Status read_pairs(const Reading *r, BookPairs *out, const Node *node, const Field *f)
{
    if (node->kind != NODE_MAP)
        return wrong_kind(r, node->mark, f, "a map of names to values", "{one: 1, two: 2}");
    *out = (BookPairs){ARENA_ARRAY(r->keep, BookPair, node->count), node->count};
    for (size_t i = 0; i < node->count; i++) {
        const Node *value = &node->item[i];
        if (value->kind != NODE_SCALAR || is_null(value))
            return wrong_kind(r, value->mark, f, "a map of names to single values",
                              "{one: 1, two: 2}");
        out->item[i] = (BookPair){node->key[i], {value->text, value->mark}};
    }
    return STATUS_OK;
}

static Status read_choice(const Reading *r, int *out, const Node *node, const Field *f)
{
    Str known[64];
    size_t count = 0;
    for (; count < COUNT_OF(known) && f->choices[count] != NULL; count++) {
        known[count] = str_from(f->choices[count]);
        if (str_equal(node->text, known[count])) {
            *out = (int)count;
            return STATUS_OK;
        }
    }
    char shown[BOOK_SHOWN];
    Status status = book_refuse(r->err, STATUS_FORMAT, r->file, node->mark, "`%s` cannot be `%s`",
                                f->name, book_shown(shown, node->text));
    book_suggest(r->err, node->text, known, count);
    return status;
}

static Status read_boolean(const Reading *r, bool *out, const Node *node, const Field *f)
{
    bool yes = str_equal_fold(node->text, S("true"));
    if (node->quoted || (!yes && !str_equal_fold(node->text, S("false"))))
        return wrong_kind(r, node->mark, f, "true or false", "true");
    *out = yes;
    return STATUS_OK;
}

/* Quoted or not: "yes" is an answer, and no reason. */
static bool no_words(Str text)
{
    static const char *const answers[] = {"true", "false", "yes", "no", "on", "off"};
    double number;
    bool answer = parse_double(text, &number);
    for (size_t i = 0; i < COUNT_OF(answers) && !answer; i++)
        answer = str_equal_fold(text, str_from(answers[i]));
    return answer;
}

static Status read_scalar(const Reading *r, char *place, const Node *node, const Field *f)
{
    if (node->kind != NODE_SCALAR) {
        Status status = book_refuse(r->err, STATUS_FORMAT, r->file, node->mark,
                                    "`%s` must be one value, not a %s", f->name,
                                    node->kind == NODE_LIST ? "list" : "map");
        (void)error_remedy(r->err, "quote a text that begins with `[` or `{`, or that holds `: `");
        return status;
    }
    switch (f->kind) {
    case FIELD_TEXT:
        *(BookText *)(void *)place = (BookText){node->text, node->mark};
        return STATUS_OK;
    case FIELD_REASON:
        if (no_words(node->text))
            return wrong_kind(r, node->mark, f, "a reason in words",
                              "known before the outcome, by the audit of the desk");
        *(BookText *)(void *)place = (BookText){node->text, node->mark};
        return STATUS_OK;
    case FIELD_NUMBER:
        if (node->quoted || !parse_double(node->text, (double *)(void *)place))
            return wrong_kind(r, node->mark, f, "a number", "0.8");
        return STATUS_OK;
    case FIELD_INTEGER:
        if (node->quoted || !parse_int64(node->text, (int64_t *)(void *)place))
            return wrong_kind(r, node->mark, f, "a whole number", "2");
        return STATUS_OK;
    case FIELD_DURATION:
        if (node->quoted || !parse_duration(node->text, (int64_t *)(void *)place))
            return wrong_kind(r, node->mark, f, "a duration", "24h");
        return STATUS_OK;
    case FIELD_BOOLEAN:
        return read_boolean(r, (bool *)place, node, f);
    default:
        return read_choice(r, (int *)(void *)place, node, f);
    }
}

static Status read_inner(const Reading *r, char *place, const Node *node, const Field *f)
{
    if (node->kind != NODE_MAP) {
        Status status = book_refuse(r->err, STATUS_FORMAT, r->file, node->mark,
                                    "`%s` must hold keys with values", f->name);
        (void)error_remedy(r->err, "write `%s: ...` indented below", f->fields[0].name);
        return status;
    }
    if (f->marked)
        *(Mark *)(void *)place = node->mark;
    return read_record(r, place, node, f->fields);
}

static Status read_records(const Reading *r, BookRecords *out, const Node *node, const Field *f)
{
    if (node->kind != NODE_LIST) {
        Status status =
            book_refuse(r->err, STATUS_FORMAT, r->file, node->mark, "`%s` must be a list", f->name);
        (void)error_remedy(r->err, "begin each entry with `- %s: ...`", f->fields[0].name);
        return status;
    }
    char *item = arena_alloc(r->keep, node->count, f->size);
    for (size_t i = 0; i < node->count; i++) {
        if (f->defaults != NULL)
            memcpy(item + i * f->size, f->defaults, f->size);
        TRY(read_inner(r, item + i * f->size, &node->item[i], f));
    }
    *out = (BookRecords){item, node->count};
    return STATUS_OK;
}

static Status read_field(const Reading *r, char *record, const Node *node, const Field *f)
{
    char *place = record + f->offset;
    if (is_null(node)) {
        Status status =
            book_refuse(r->err, STATUS_FORMAT, r->file, node->mark, "`%s` has no value", f->name);
        (void)error_remedy(r->err, "write a value, or take the line away");
        return status;
    }
    switch (f->kind) {
    case FIELD_TEXTS:
        return read_texts(r, (BookTexts *)(void *)place, node, f);
    case FIELD_PAIRS:
        return read_pairs(r, (BookPairs *)(void *)place, node, f);
    case FIELD_RECORD:
        return read_inner(r, place, node, f);
    case FIELD_RECORDS:
        return read_records(r, (BookRecords *)(void *)place, node, f);
    default:
        return read_scalar(r, place, node, f);
    }
}

static Status unknown_key(const Reading *r, const BookText *key, const Field *fields)
{
    Str known[128];
    size_t count = 0;
    for (; count < COUNT_OF(known) && fields[count].name != NULL; count++)
        known[count] = str_from(fields[count].name);
    char shown[BOOK_SHOWN];
    Status status = book_refuse(r->err, STATUS_FORMAT, r->file, key->mark, "unknown key `%s`",
                                book_shown(shown, key->text));
    book_suggest(r->err, key->text, known, count);
    return status;
}

/* An empty text or list is as good as none. */
static bool is_empty(const Node *node)
{
    return node == NULL || (node->kind == NODE_SCALAR ? node->text.size : node->count) == 0;
}

static Status read_record(const Reading *r, char *record, const Node *node, const Field *fields)
{
    for (size_t i = 0; i < node->count; i++) {
        const Field *f = fields;
        while (f->name != NULL && !str_equal(node->key[i].text, str_from(f->name)))
            f++;
        if (f->name == NULL)
            return unknown_key(r, &node->key[i], fields);
        TRY(read_field(r, record, &node->item[i], f));
    }
    for (const Field *f = fields; f->name != NULL; f++) {
        const Node *value = NULL;
        for (size_t i = 0; f->required && i < node->count; i++)
            if (str_equal(node->key[i].text, str_from(f->name)))
                value = &node->item[i];
        if (!f->required || !is_empty(value))
            continue;
        Status status =
            book_refuse(r->err, STATUS_FORMAT, r->file, value == NULL ? node->mark : value->mark,
                        "`%s` is %s", f->name, value == NULL ? "missing" : "empty");
        (void)error_remedy(r->err, "write `%s: ...`%s%s", f->name, f->says == NULL ? "" : " - ",
                           f->says == NULL ? "" : f->says);
        return status;
    }
    return STATUS_OK;
}

Status book_read(void *record, Arena *keep, const Node *node, const Field *fields, const char *file,
                 Error *err)
{
    Reading reading = {keep, file, err};
    if (node->kind != NODE_MAP) {
        Status status =
            book_refuse(err, STATUS_FORMAT, file, node->mark, "a book must hold keys with values");
        (void)error_remedy(err, "begin with `%s: ...`", fields[0].name);
        return status;
    }
    return read_record(&reading, record, node, fields);
}
