/* Recursive descent, one function for each level of the grammar in docs/language.md. */
#include "lang/tree.h"

static Status parse_additive(Parser *p, Node **out);

Status parser_fail(Parser *p, size_t offset, const char *what)
{
    return SOURCE_ERROR(p->err, p->file, p->lexer.source, offset, STATUS_FORMAT, "%s", what);
}

/* "expected X but found Y" at the token not yet consumed. */
Status parser_expected(Parser *p, const char *what)
{
    const Token *t = &p->lexer.token;
    if (t->kind == TOKEN_END)
        return SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                            "expected %s but the expression ends here", what);
    (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                       "expected %s but found '%.*s'", what, STR_ARG(str_slice(t->raw, 0, 60)));
    if (lexer_word(&p->lexer, "over"))
        (void)error_remedy(p->err, "'over' stands directly after an aggregate: count() over 30d");
    else if (t->kind == TOKEN_NAME && lexer_reserved(t->raw))
        (void)error_remedy(p->err,
                           "'%.*s' is a word of the language; a column of that name is "
                           "written in double quotes",
                           STR_ARG(t->raw));
    return STATUS_FORMAT;
}

Status parser_take(Parser *p, const char *symbol, const char *what)
{
    return lexer_symbol(&p->lexer, symbol) ? lexer_next(&p->lexer) : parser_expected(p, what);
}

Status parser_enter(Parser *p, size_t offset)
{
    if (p->depth == LANG_NESTING) {
        (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, offset, STATUS_LIMIT,
                           "the expression is nested deeper than %d", LANG_NESTING);
        (void)error_remedy(p->err, "split it into definitions of columns of their own");
        return STATUS_LIMIT;
    }
    p->depth++;
    return STATUS_OK;
}

Status parser_node(Parser *p, Node **out, NodeKind kind, size_t offset, size_t count,
                   Node *const *child)
{
    Node *n = ARENA_NEW(p->keep, Node);
    n->kind = kind;
    n->source = p->lexer.source;
    n->offset = offset;
    n->count = count;
    n->child = count == 0 ? NULL : arena_copy(p->keep, child, count * sizeof(Node *));
    n->height = 1;
    n->size = 1;
    for (size_t i = 0; i < count; i++) {
        n->size += child[i]->size;
        if (child[i]->height >= n->height)
            n->height = child[i]->height + 1;
    }
    if (n->size > LANG_NODES || n->height > LANG_HEIGHT) {
        (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, offset, STATUS_LIMIT,
                           "the expression is too large (%d parts, %d levels at most)", LANG_NODES,
                           LANG_HEIGHT);
        (void)error_remedy(p->err, "split it, or use 'in (...)' instead of a long chain");
        return STATUS_LIMIT;
    }
    *out = n;
    return STATUS_OK;
}

static Status node_pair(Parser *p, Node **out, NodeKind kind, size_t offset, Node *a, Node *b)
{
    Node *child[2] = {a, b};
    return parser_node(p, out, kind, offset, 2, child);
}

static Status node_single(Parser *p, Node **out, NodeKind kind, size_t offset, Node *a)
{
    return parser_node(p, out, kind, offset, 1, &a);
}

/* ---- leaves ---- */

static Status parse_number(Parser *p, Node **out, size_t offset, bool negative)
{
    Str raw = p->lexer.token.raw;
    size_t point = 0;
    while (point < raw.size && raw.data[point] != '.')
        point++;
    size_t scale = point < raw.size ? raw.size - point - 1 : 0;
    Str text = negative ? str_format(p->keep, "-%.*s", STR_ARG(raw)) : raw;
    int64_t value = 0;
    if (scale > DECIMAL_SCALE_MAX || raw.size > 64 || !parse_decimal(text, (int)scale, &value))
        return parser_fail(p, offset, "the number does not fit: 18 digits are always exact");
    TRY(parser_node(p, out, NODE_NUMBER, offset, 0, NULL));
    (*out)->integer = value;
    (*out)->type = point < raw.size ? TYPE_DECIMAL : TYPE_INT64;
    (*out)->scale = (int)scale;
    return lexer_next(&p->lexer);
}

static Status parse_literal(Parser *p, Node **out, NodeKind kind, int64_t value)
{
    TRY(parser_node(p, out, kind, p->lexer.token.offset, 0, NULL));
    (*out)->integer = value;
    return lexer_next(&p->lexer);
}

static Status parse_string(Parser *p, Node **out)
{
    TRY(parser_node(p, out, NODE_STRING, p->lexer.token.offset, 0, NULL));
    (*out)->text = p->lexer.token.text;
    (*out)->dictionary = dictionary_new(p->keep);
    (void)dictionary_add((*out)->dictionary, (*out)->text);
    return lexer_next(&p->lexer);
}

/* The word `time` is consumed and a string follows. */
static Status parse_instant(Parser *p, Node **out, size_t offset)
{
    int64_t value, again;
    char text[TIME_TEXT];
    Str s = p->lexer.token.text;
    /* An offset can carry a time out of the years that can be written: refused here, so that
     * the canonical text always reads back. */
    if (!parse_time(s, &value) || !parse_time(time_text(text, value), &again) || again != value) {
        (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, p->lexer.token.offset, STATUS_FORMAT,
                           "'%.*s' is not a time", STR_ARG(str_slice(s, 0, 60)));
        (void)error_remedy(p->err, "write time '2024-08-26' or time '2024-08-26 09:05:37'; "
                                   "without a zone it is UTC");
        return STATUS_FORMAT;
    }
    TRY(parser_node(p, out, NODE_TIME, offset, 0, NULL));
    (*out)->integer = value;
    return lexer_next(&p->lexer);
}

/* ---- names and definitions ---- */

static const Name *find_name(const Parser *p, Str name)
{
    const Name *names = p->inside ? p->scope->event : p->scope->customer;
    size_t count = p->inside ? p->scope->events : p->scope->customers;
    for (size_t i = 0; i < count; i++)
        if (str_equal(names[i].name, name))
            return &names[i];
    return NULL;
}

static const Definition *find_definition(const Parser *p, Str name)
{
    for (size_t i = 0; i < p->scope->definitions; i++)
        if (str_equal(p->scope->definition[i].name, name))
            return &p->scope->definition[i];
    return NULL;
}

static Status unknown_name(Parser *p, const Token *t, Str name)
{
    const Scope *s = p->scope;
    const Name *names = p->inside ? s->event : s->customer;
    size_t count = p->inside ? s->events : s->customers;
    Str *all = ARENA_ARRAY(p->keep, Str, count + s->definitions + 1);
    for (size_t i = 0; i < count; i++)
        all[i] = names[i].name;
    for (size_t i = 0; i < s->definitions; i++)
        all[count + i] = s->definition[i].name;
    (void)SOURCE_ERROR(
        p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT, "there is no %s '%.*s'",
        p->inside ? "transaction column" : "customer column", STR_ARG(str_slice(name, 0, 100)));
    Str near = str_nearest(name, all, count + s->definitions);
    Name const *other = NULL;
    for (size_t i = 0; i < (p->inside ? s->customers : s->events) && other == NULL; i++) {
        const Name *o = p->inside ? &s->customer[i] : &s->event[i];
        other = str_equal(o->name, name) ? o : NULL;
    }
    bool later = false;
    for (size_t i = 0; i < s->laters && !p->inside; i++)
        later = later || str_equal(s->later[i], name);
    if (later)
        (void)error_remedy(p->err, "it is a feature, but not one above this: a feature may use "
                                   "only those before it");
    else if (other != NULL)
        (void)error_remedy(p->err, p->inside
                                       ? "it is a column of the customer; inside an aggregate "
                                         "only transaction columns are seen"
                                       : "it is a column of the transactions; put it inside "
                                         "an aggregate such as sum or count");
    else if (near.size > 0)
        (void)error_remedy(p->err, "did you mean '%.*s'?", STR_ARG(near));
    else if (t->kind == TOKEN_NAME)
        (void)error_remedy(p->err, "a string is written in single quotes: '%.*s'",
                           STR_ARG(str_slice(name, 0, 60)));
    return STATUS_FORMAT;
}

static Status cycle(Parser *p, size_t offset, const Definition *d)
{
    Buffer path = buffer_new(p->keep);
    bool on = false;
    for (size_t i = 0; i < p->opens; i++) {
        on = on || p->open[i] == d;
        if (on)
            buffer_format(&path, "%.*s -> ", STR_ARG(p->open[i]->name));
    }
    buffer_add(&path, d->name);
    (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, offset, STATUS_FORMAT,
                       "the definitions go round in a circle: %.*s", STR_ARG(buffer_str(&path)));
    (void)error_remedy(p->err, "a definition may only use others that do not need it");
    return STATUS_FORMAT;
}

static Status whole_text(Parser *p, Node **out)
{
    Str text = p->lexer.source->text;
    if (text.size > LANG_BYTES || text.size > p->budget)
        return SOURCE_ERROR(p->err, p->file, p->lexer.source, 0, STATUS_LIMIT,
                            "the expression is too long (%d bytes at most)", LANG_BYTES);
    p->budget -= text.size;
    if (!str_valid_utf8(text))
        return parser_fail(p, 0, "the expression is not valid UTF-8");
    TRY(lexer_next(&p->lexer));
    if (p->lexer.token.kind == TOKEN_END)
        return parser_fail(p, 0, "the expression is empty");
    TRY(parser_any(p, out));
    return p->lexer.token.kind == TOKEN_END ? STATUS_OK
                                            : parser_expected(p, "an operator or the end");
}

/* The token after the name is current; the definition is read as if it stood in brackets. */
static Status expand(Parser *p, Node **out, const Definition *d, size_t offset)
{
    for (size_t i = 0; i < p->opens; i++)
        if (p->open[i] == d)
            return cycle(p, offset, d);
    TRY(parser_enter(p, offset));
    Lexer here = p->lexer;
    Source *source = ARENA_NEW(p->keep, Source);
    *source = (Source){d->text, d->line, d->column};
    p->open[p->opens++] = d;
    p->lexer.source = source;
    p->lexer.at = 0;
    TRY(whole_text(p, out));
    p->lexer = here;
    p->opens--;
    p->depth--;
    return STATUS_OK;
}

static Status parse_name(Parser *p, Node **out, const Token *t, Str name)
{
    const Name *column = find_name(p, name);
    const Definition *definition = find_definition(p, name);
    if (column != NULL && definition != NULL) {
        (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                           "'%.*s' is both a column and a definition", STR_ARG(name));
        (void)error_remedy(p->err, "rename the definition");
        return STATUS_FORMAT;
    }
    if (definition != NULL)
        return expand(p, out, definition, t->offset);
    if (column == NULL)
        return unknown_name(p, t, name);
    TRY(parser_node(p, out, NODE_NAME, t->offset, 0, NULL));
    Name *kept = arena_copy(p->keep, column, sizeof *column); /* the scope may be gone later */
    kept->name = str_copy(p->keep, column->name);
    (*out)->name = kept;
    return STATUS_OK;
}

/* ---- operators ---- */

void nodes_push(Arena *keep, NodeList *list, Node *n)
{
    if (list->count == list->capacity) {
        size_t more = list->capacity == 0 ? 16 : list->capacity * 2;
        list->node = arena_grow(keep, list->node, list->capacity, more, sizeof(Node *));
        list->capacity = more;
    }
    list->node[list->count++] = n;
}

Status parser_list(Parser *p, NodeList *list)
{
    for (;;) {
        Node *item = NULL;
        TRY(parser_any(p, &item));
        nodes_push(p->keep, list, item);
        if (!lexer_symbol(&p->lexer, ","))
            return parser_take(p, ")", "',' or ')'");
        TRY(lexer_next(&p->lexer));
    }
}

static Status parse_word(Parser *p, Node **out)
{
    Token t = p->lexer.token;
    if (lexer_word(&p->lexer, "true") || lexer_word(&p->lexer, "false"))
        return parse_literal(p, out, NODE_BOOLEAN, lexer_word(&p->lexer, "true"));
    if (lexer_word(&p->lexer, "null"))
        return parse_literal(p, out, NODE_NULL, 0);
    if (lexer_word(&p->lexer, "case"))
        return parser_case(p, out);
    if (lexer_reserved(t.raw))
        return parser_expected(p, "a value");
    bool instant = lexer_word(&p->lexer, "time");
    TRY(lexer_next(&p->lexer));
    if (instant && p->lexer.token.kind == TOKEN_STRING)
        return parse_instant(p, out, t.offset);
    if (!lexer_symbol(&p->lexer, "("))
        return parse_name(p, out, &t, t.raw);
    TRY(parser_enter(p, t.offset));
    TRY(lexer_next(&p->lexer));
    TRY(parser_call(p, out, &t));
    p->depth--;
    return STATUS_OK;
}

static Status parse_primary(Parser *p, Node **out)
{
    Token t = p->lexer.token;
    int64_t duration = 0;
    switch (t.kind) {
    case TOKEN_NUMBER:
        return parse_number(p, out, t.offset, false);
    case TOKEN_DURATION:
        (void)parse_duration(t.raw, &duration); /* the lexer has tried it */
        return parse_literal(p, out, NODE_DURATION, duration);
    case TOKEN_STRING:
        return parse_string(p, out);
    case TOKEN_QUOTED:
        TRY(lexer_next(&p->lexer));
        return parse_name(p, out, &t, t.text);
    case TOKEN_NAME:
        return parse_word(p, out);
    default:
        break;
    }
    if (!lexer_symbol(&p->lexer, "("))
        return parser_expected(p, "a value");
    TRY(parser_enter(p, t.offset));
    TRY(lexer_next(&p->lexer));
    TRY(parser_any(p, out));
    p->depth--;
    return parser_take(p, ")", "')'");
}

static Status parse_unary(Parser *p, Node **out)
{
    size_t offset = p->lexer.token.offset;
    *out = NULL;
    if (!lexer_symbol(&p->lexer, "-"))
        return parse_primary(p, out);
    TRY(lexer_next(&p->lexer));
    if (p->lexer.token.kind == TOKEN_NUMBER) /* so that the least int64 can be written */
        return parse_number(p, out, offset, true);
    TRY(parser_enter(p, offset));
    TRY(parse_unary(p, out));
    p->depth--;
    return node_single(p, out, NODE_NEGATE, offset, *out);
}

static Status parse_product(Parser *p, Node **out)
{
    TRY(parse_unary(p, out));
    while (lexer_symbol(&p->lexer, "*") || lexer_symbol(&p->lexer, "/")) {
        NodeKind kind = lexer_symbol(&p->lexer, "*") ? NODE_MULTIPLY : NODE_DIVIDE;
        size_t offset = p->lexer.token.offset;
        Node *right = NULL;
        TRY(lexer_next(&p->lexer));
        TRY(parse_unary(p, &right));
        TRY(node_pair(p, out, kind, offset, *out, right));
    }
    return STATUS_OK;
}

static Status parse_additive(Parser *p, Node **out)
{
    TRY(parse_product(p, out));
    while (lexer_symbol(&p->lexer, "+") || lexer_symbol(&p->lexer, "-")) {
        NodeKind kind = lexer_symbol(&p->lexer, "+") ? NODE_ADD : NODE_SUBTRACT;
        size_t offset = p->lexer.token.offset;
        Node *right = NULL;
        TRY(lexer_next(&p->lexer));
        TRY(parse_product(p, &right));
        TRY(node_pair(p, out, kind, offset, *out, right));
    }
    return STATUS_OK;
}

static bool comparison(const Lexer *l, NodeKind *kind)
{
    static const struct {
        const char *symbol;
        NodeKind kind;
    } table[] = {{"=", NODE_EQUAL},       {"<>", NODE_UNEQUAL}, {"!=", NODE_UNEQUAL},
                 {"<=", NODE_LESS_EQUAL}, {"<", NODE_LESS},     {">=", NODE_GREATER_EQUAL},
                 {">", NODE_GREATER}};
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (lexer_symbol(l, table[i].symbol)) {
            *kind = table[i].kind;
            return true;
        }
    return false;
}

/* The pattern after `like`; *out is what it is laid on. */
static Status parse_pattern(Parser *p, Node **out, size_t offset)
{
    Node *child[2] = {*out};
    Str text = p->lexer.token.text;
    size_t backslashes = 0;
    if (p->lexer.token.kind != TOKEN_STRING) {
        (void)parser_expected(p, "a pattern in single quotes after 'like'");
        (void)error_remedy(p->err, "as in name like 'abc%%': %% is any run of characters, _ one");
        return STATUS_FORMAT;
    }
    while (backslashes < text.size && text.data[text.size - 1 - backslashes] == '\\')
        backslashes++;
    if (backslashes % 2 == 1) {
        (void)parser_fail(p, p->lexer.token.offset, "the pattern ends in a backslash");
        (void)error_remedy(p->err, "a backslash keeps the next character as it is; for itself it "
                                   "is written twice");
        return STATUS_FORMAT;
    }
    TRY(parse_string(p, &child[1]));
    return parser_node(p, out, NODE_LIKE, offset, 2, child);
}

/* After the left side: is [not] null, [not] in (...), [not] between a and b, [not] like '...'. */
static Status parse_predicate(Parser *p, Node **out)
{
    Lexer *l = &p->lexer;
    size_t offset = l->token.offset;
    bool is = lexer_word(l, "is"), negative = false;
    if (is)
        TRY(lexer_next(&p->lexer));
    if (lexer_word(l, "not")) {
        negative = true;
        TRY(lexer_next(&p->lexer));
    }
    if (is) {
        if (!lexer_word(l, "null"))
            return parser_expected(p, "'null' or 'not null' after 'is'");
        TRY(lexer_next(&p->lexer));
        TRY(node_single(p, out, NODE_IS_NULL, offset, *out));
    } else if (lexer_word(l, "in")) {
        NodeList list = {0};
        TRY(lexer_next(&p->lexer));
        TRY(parser_enter(p, offset));
        TRY(parser_take(p, "(", "'(' after 'in'"));
        nodes_push(p->keep, &list, *out);
        TRY(parser_list(p, &list));
        p->depth--;
        TRY(parser_node(p, out, NODE_IN, offset, list.count, list.node));
    } else if (lexer_word(l, "between")) {
        Node *child[3] = {*out};
        TRY(lexer_next(&p->lexer));
        TRY(parse_additive(p, &child[1]));
        if (!lexer_word(l, "and"))
            return parser_expected(p, "'and', as in x between 1 and 5");
        TRY(lexer_next(&p->lexer));
        TRY(parse_additive(p, &child[2]));
        TRY(parser_node(p, out, NODE_BETWEEN, offset, 3, child));
    } else if (lexer_word(l, "like")) {
        TRY(lexer_next(&p->lexer));
        TRY(parse_pattern(p, out, offset));
    } else {
        return parser_expected(p, "'in', 'between' or 'like' after 'not'");
    }
    return negative ? node_single(p, out, NODE_NOT, offset, *out) : STATUS_OK;
}

static bool predicate(const Lexer *l)
{
    return lexer_word(l, "is") || lexer_word(l, "in") || lexer_word(l, "between") ||
           lexer_word(l, "like") || lexer_word(l, "not");
}

static Status parse_comparison(Parser *p, Node **out)
{
    NodeKind kind;
    size_t offset;
    TRY(parse_additive(p, out));
    offset = p->lexer.token.offset;
    if (comparison(&p->lexer, &kind)) {
        Node *right = NULL;
        TRY(lexer_next(&p->lexer));
        TRY(parse_additive(p, &right));
        TRY(node_pair(p, out, kind, offset, *out, right));
    } else if (predicate(&p->lexer)) {
        TRY(parse_predicate(p, out));
    } else {
        return STATUS_OK;
    }
    if (comparison(&p->lexer, &kind) || predicate(&p->lexer)) {
        (void)parser_fail(p, p->lexer.token.offset, "comparisons do not chain");
        (void)error_remedy(p->err, "join them with 'and', use 'between', or put one in brackets");
        return STATUS_FORMAT;
    }
    return STATUS_OK;
}

static Status parse_not(Parser *p, Node **out)
{
    size_t offset = p->lexer.token.offset;
    if (!lexer_word(&p->lexer, "not"))
        return parse_comparison(p, out);
    TRY(parser_enter(p, offset));
    TRY(lexer_next(&p->lexer));
    TRY(parse_not(p, out));
    p->depth--;
    return node_single(p, out, NODE_NOT, offset, *out);
}

/* a and b and c is one node, whatever brackets or definitions grouped it. */
static void flatten(Parser *p, NodeKind kind, Node *n, NodeList *list)
{
    if (n->kind != kind)
        nodes_push(p->keep, list, n);
    for (size_t i = 0; n->kind == kind && i < n->count; i++)
        nodes_push(p->keep, list, n->child[i]);
}

static Status parse_chain(Parser *p, Node **out, NodeKind kind, const char *word,
                          Status (*below)(Parser *, Node **))
{
    TRY(below(p, out));
    if (!lexer_word(&p->lexer, word))
        return STATUS_OK;
    size_t offset = p->lexer.token.offset;
    NodeList list = {0};
    flatten(p, kind, *out, &list);
    while (lexer_word(&p->lexer, word)) {
        Node *item = NULL;
        TRY(lexer_next(&p->lexer));
        TRY(below(p, &item));
        flatten(p, kind, item, &list);
    }
    return parser_node(p, out, kind, offset, list.count, list.node);
}

static Status parse_and(Parser *p, Node **out)
{
    return parse_chain(p, out, NODE_AND, "and", parse_not);
}

Status parser_any(Parser *p, Node **out)
{
    return parse_chain(p, out, NODE_OR, "or", parse_and);
}

Status lang_parse(Node **out, Parser *p, const Source *source)
{
    p->lexer = (Lexer){.keep = p->keep, .file = p->file, .err = p->err, .source = source};
    p->budget = LANG_BUDGET;
    return whole_text(p, out);
}
