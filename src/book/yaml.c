/* yaml.c - YAML events to nodes with marks.
 *
 * libyaml reads; this file bounds. Children wait on one stack until their list or map ends,
 * so that the items of a node lie side by side. */
#include "book/book_internal.h"

#include <assert.h>
#include <string.h>
#include <yaml.h>

#define BYTES_MAX  ((size_t)1 << 20)
#define LEVELS_MAX 32
#define NODES_MAX  100000

typedef struct Pair {
    BookText key; /* of a map's value */
    Node node;
} Pair;

typedef struct Level {
    Node node;    /* as far as known: kind and mark */
    size_t first; /* where its children begin on the stack */
    bool has_key; /* of a map: the next value belongs to key */
    BookText key;
} Level;

typedef struct Reader {
    Arena *keep;
    Arena *temporary;
    Str yaml;
    const char *file;
    Error *err;
    Pair *stack;
    size_t depth, capacity; /* of the stack */
    Level level[LEVELS_MAX];
    size_t levels;
    size_t nodes;
    size_t documents;
    size_t at, line; /* a place in yaml that only moves forward: byte and 0-based line */
    Node root;
} Reader;

static Mark mark_of(yaml_mark_t m)
{
    return (Mark){(int64_t)m.line + 1, (int64_t)m.column + 1};
}

/* The size of the line break at `at`, 0 when there is none. YAML 1.1 also breaks lines at
 * NEL, LS and PS, and libyaml counts them. */
static size_t break_size(Str s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.data + at;
    size_t left = s.size - at;
    if (left >= 2 && p[0] == '\r' && p[1] == '\n')
        return 2;
    if (left >= 1 && (p[0] == '\r' || p[0] == '\n'))
        return 1;
    if (left >= 2 && p[0] == 0xC2 && p[1] == 0x85)
        return 2;
    return left >= 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9) ? 3 : 0;
}

static Mark mark_of_byte(Str s, size_t byte)
{
    Mark mark = {1, 1};
    for (size_t at = 0; at < byte && at < s.size;) {
        size_t size = break_size(s, at);
        if (size > 0)
            mark = (Mark){mark.line + 1, 1};
        else if (((unsigned char)s.data[at] & 0xC0) != 0x80)
            mark.column++;
        at += size > 0 ? size : 1;
    }
    return mark;
}

/* The content of a block scalar begins on the line after its `|` or `>`, at the indentation
 * that was taken off: what the first written line has more than the text. */
static Mark mark_of_block(Reader *r, size_t header_line, Str text)
{
    while (r->line <= header_line && r->at < r->yaml.size) {
        size_t size = break_size(r->yaml, r->at);
        r->line += size > 0;
        r->at += size > 0 ? size : 1;
    }
    size_t written = 0, kept = 0, blank = 0;
    while (blank < text.size && text.data[blank] == '\n')
        blank++;
    while (blank + kept < text.size && text.data[blank + kept] == ' ')
        kept++;
    for (size_t at = r->at; at < r->yaml.size;) {
        size_t size = break_size(r->yaml, at);
        if (size == 0 && r->yaml.data[at] != ' ')
            break;
        written = size > 0 ? 0 : written + 1;
        at += size > 0 ? size : 1;
    }
    return (Mark){(int64_t)header_line + 2, (int64_t)(written > kept ? written - kept : 0) + 1};
}

static Status too_much(Reader *r, Mark mark, const char *what)
{
    Status status = book_refuse(r->err, STATUS_LIMIT, r->file, mark, "%s", what);
    (void)error_remedy(r->err, "a book holds at most 1 MiB, %d levels and %d values", LEVELS_MAX,
                       NODES_MAX);
    return status;
}

static Status refuse_tag(Reader *r, Mark mark)
{
    Status status = book_refuse(r->err, STATUS_FORMAT, r->file, mark, "a tag (!) is not allowed");
    (void)error_remedy(r->err, "take the tag away; quote a text that begins with `!`");
    return status;
}

static Status refuse_anchor(Reader *r, Mark mark)
{
    Status status = book_refuse(r->err, STATUS_FORMAT, r->file, mark,
                                "an anchor (&) or alias (*) is not allowed");
    (void)error_remedy(r->err, "write the value out; quote a text that begins with `&` or `*`");
    return status;
}

static Status add_value(Reader *r, Node node)
{
    if (r->levels == 0) {
        r->root = node;
        return STATUS_OK;
    }
    Level *level = &r->level[r->levels - 1];
    Pair *pair = ARENA_PUSH(r->temporary, r->stack, r->depth, r->capacity);
    *pair = (Pair){level->key, node};
    level->has_key = false;
    return STATUS_OK;
}

static Status add_scalar(Reader *r, const yaml_event_t *event)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    Mark mark = mark_of(event->start_mark);
    if (event->data.scalar.anchor != NULL)
        return refuse_anchor(r, mark);
    if (event->data.scalar.tag != NULL ||
        (style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.plain_implicit))
        return refuse_tag(r, mark);
    Str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) {
        Status status = book_refuse(r->err, STATUS_FORMAT, r->file, mark, "a text holds a NUL");
        (void)error_remedy(r->err, "take the `\\0` away");
        return status;
    }
    text = str_copy(r->keep, text);
    if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE)
        mark.column++;
    else if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
        mark = mark_of_block(r, event->start_mark.line, text);

    Level *level = r->levels == 0 ? NULL : &r->level[r->levels - 1];
    if (level != NULL && level->node.kind == NODE_MAP && !level->has_key) {
        level->key = (BookText){text, mark};
        level->has_key = true;
        return STATUS_OK;
    }
    return add_value(r, (Node){.kind = NODE_SCALAR,
                               .mark = mark,
                               .text = text,
                               .quoted = style != YAML_PLAIN_SCALAR_STYLE});
}

static Status open_level(Reader *r, NodeKind kind, Mark mark, bool anchor, bool tag)
{
    if (anchor)
        return refuse_anchor(r, mark);
    if (tag)
        return refuse_tag(r, mark);
    if (r->levels > 0) {
        const Level *above = &r->level[r->levels - 1];
        if (above->node.kind == NODE_MAP && !above->has_key) {
            Status status = book_refuse(r->err, STATUS_FORMAT, r->file, mark,
                                        "a key must be a word, not a list or a map");
            (void)error_remedy(r->err, "write `key: value`; quote a text that begins with "
                                       "`[` or `{`");
            return status;
        }
    }
    if (r->levels == LEVELS_MAX)
        return too_much(r, mark, "the book is nested too deeply");
    r->level[r->levels++] = (Level){.node = {.kind = kind, .mark = mark}, .first = r->depth};
    return STATUS_OK;
}

static Status check_keys(Reader *r, const Node *map)
{
    Arena scratch = *r->temporary;
    Dictionary *seen = dictionary_new(&scratch);
    for (size_t i = 0; i < map->count; i++) {
        if (dictionary_add(seen, map->key[i].text) == i)
            continue;
        const BookText *first = &map->key[dictionary_find(seen, map->key[i].text)];
        char shown[BOOK_SHOWN];
        Status status =
            book_refuse(r->err, STATUS_FORMAT, r->file, map->key[i].mark,
                        "the key `%s` is given twice", book_shown(shown, map->key[i].text));
        (void)error_remedy(r->err, "keep one; the first is on line %lld",
                           (long long)first->mark.line);
        return status;
    }
    return STATUS_OK;
}

static Status close_level(Reader *r)
{
    Level *level = &r->level[--r->levels];
    Node node = level->node;
    node.count = r->depth - level->first;
    node.item = ARENA_ARRAY(r->keep, Node, node.count);
    node.key = ARENA_ARRAY(r->keep, BookText, node.kind == NODE_MAP ? node.count : 0);
    assert(r->stack != NULL || node.count == 0);
    for (size_t i = 0; i < node.count; i++) {
        node.item[i] = r->stack[level->first + i].node;
        if (node.kind == NODE_MAP)
            node.key[i] = r->stack[level->first + i].key;
    }
    r->depth = level->first;
    if (node.kind == NODE_MAP)
        TRY(check_keys(r, &node));
    return add_value(r, node);
}

static Status take(Reader *r, const yaml_event_t *event)
{
    Mark mark = mark_of(event->start_mark);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->documents++ > 0) {
            Status status =
                book_refuse(r->err, STATUS_FORMAT, r->file, mark, "a second document begins here");
            (void)error_remedy(r->err, "a book is one document: take the `---` line away");
            return status;
        }
        return STATUS_OK;
    case YAML_ALIAS_EVENT:
        return refuse_anchor(r, mark);
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (++r->nodes > NODES_MAX)
            return too_much(r, mark, "the book has too many values");
        if (event->type == YAML_SCALAR_EVENT)
            return add_scalar(r, event);
        if (event->type == YAML_SEQUENCE_START_EVENT)
            return open_level(r, NODE_LIST, mark, event->data.sequence_start.anchor != NULL,
                              event->data.sequence_start.tag != NULL ||
                                  !event->data.sequence_start.implicit);
        return open_level(r, NODE_MAP, mark, event->data.mapping_start.anchor != NULL,
                          event->data.mapping_start.tag != NULL ||
                              !event->data.mapping_start.implicit);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_level(r);
    default:
        return STATUS_OK;
    }
}

#define WHERE_TO_LOOK "look at indentation (spaces, no tabs), colons and quotes"

static Status refuse_yaml(Reader *r, const yaml_parser_t *parser)
{
    const char *problem = parser->problem == NULL ? "unknown problem" : parser->problem;
    if (parser->error == YAML_MEMORY_ERROR)
        return error_set(r->err, STATUS_LIMIT, "no memory is left to read the book");
    Mark mark = parser->error == YAML_READER_ERROR ? mark_of_byte(r->yaml, parser->problem_offset)
                                                   : mark_of(parser->problem_mark);
    Status status =
        book_refuse(r->err, STATUS_FORMAT, r->file, mark, "not valid YAML: %s", problem);
    if (parser->error == YAML_READER_ERROR)
        (void)error_remedy(r->err, "take the unprintable character away");
    else if (parser->context != NULL && parser->context_mark.line + 1 != (size_t)mark.line)
        (void)error_remedy(r->err, WHERE_TO_LOOK "; it happened %s that begins on line %zu",
                           parser->context, parser->context_mark.line + 1);
    else
        (void)error_remedy(r->err, WHERE_TO_LOOK);
    return status;
}

static Status read_events(Reader *r, yaml_parser_t *parser)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return refuse_yaml(r, parser);
        bool end = event.type == YAML_STREAM_END_EVENT;
        Status status = take(r, &event);
        yaml_event_delete(&event);
        if (status != STATUS_OK || end)
            return status;
    }
}

static Status refuse_bytes(Reader *r)
{
    size_t good = 0; /* the longest valid beginning, found by halves, then told by its place */
    size_t bad = r->yaml.size;
    while (bad - good > 1) {
        size_t middle = good + (bad - good) / 2, whole = middle;
        while (whole > good && ((unsigned char)r->yaml.data[whole] & 0xC0) == 0x80)
            whole--;
        if (whole == good)
            whole = middle;
        if (str_valid_utf8(str_slice(r->yaml, 0, whole)))
            good = whole;
        else
            bad = whole;
    }
    Status status = book_refuse(r->err, STATUS_FORMAT, r->file, mark_of_byte(r->yaml, good),
                                "the book is not valid UTF-8");
    (void)error_remedy(r->err, "save it as UTF-8");
    return status;
}

static Status parse(Reader *r)
{
    if (r->yaml.size > BYTES_MAX)
        return too_much(r, (Mark){0, 0}, "the book is too large");
    if (!str_valid_utf8(r->yaml))
        return refuse_bytes(r);
    if (str_starts(r->yaml, S("\xEF\xBB\xBF")))
        r->yaml = str_slice(r->yaml, 3, r->yaml.size);
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return error_set(r->err, STATUS_LIMIT, "no memory is left to read the book");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)r->yaml.data, r->yaml.size);
    Status status = read_events(r, &parser);
    yaml_parser_delete(&parser);
    TRY(status);
    bool empty = r->documents == 0 ||
                 (r->root.kind == NODE_SCALAR && r->root.text.size == 0 && !r->root.quoted);
    if (empty) {
        status = book_refuse(r->err, STATUS_FORMAT, r->file, (Mark){1, 1}, "the book is empty");
        (void)error_remedy(r->err, "start from a default book: it shows every key");
        return status;
    }
    return STATUS_OK;
}

Status book_parse(Node **out, Arena *keep, Str yaml, const char *file, Error *err)
{
    Arena temporary = arena_new();
    Reader reader = {.keep = keep, .temporary = &temporary, .yaml = yaml, .file = file, .err = err};
    Status status = parse(&reader);
    arena_free(&temporary);
    TRY(status);
    *out = ARENA_NEW(keep, Node);
    **out = reader.root;
    return STATUS_OK;
}
