/* Aggregates and functions: what may stand between their brackets. */
#include "lang/tree.h"

static const struct {
    Str name;
    AggregateKind kind;
} aggregates[] = {{{"count", 5}, AGGREGATE_COUNT}, {{"sum", 3}, AGGREGATE_SUM},
                  {{"mean", 4}, AGGREGATE_MEAN},   {{"min", 3}, AGGREGATE_MIN},
                  {{"max", 3}, AGGREGATE_MAX},     {{"distinct", 8}, AGGREGATE_DISTINCT},
                  {{"share", 5}, AGGREGATE_SHARE}, {{"matched", 7}, AGGREGATE_MATCHED}};

static const struct {
    Str name;
    NodeKind kind;
    size_t least, most;
} functions[] = {{{"abs", 3}, NODE_ABS, 1, 1},
                 {{"log1p", 5}, NODE_LOG1P, 1, 1},
                 {{"least", 5}, NODE_LEAST, 2, SIZE_MAX},
                 {{"greatest", 8}, NODE_GREATEST, 2, SIZE_MAX},
                 {{"coalesce", 8}, NODE_COALESCE, 2, SIZE_MAX}};

static Status unknown_function(Parser *p, const Token *t)
{
    if (population_name(t->raw))
        return population_misplaced(p, t);
    Str names[COUNT_OF(aggregates) + COUNT_OF(functions)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(aggregates); i++)
        names[count++] = aggregates[i].name;
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        names[count++] = functions[i].name;
    (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                       "there is no function '%.*s'", STR_ARG(str_slice(t->raw, 0, 100)));
    Str near = str_nearest(t->raw, names, count);
    if (near.size > 0)
        (void)error_remedy(p->err, "did you mean '%.*s'?", STR_ARG(near));
    else
        (void)error_remedy(p->err,
                           "known are count, sum, mean, min, max, distinct, share, matched, "
                           "abs, log1p, least, greatest and coalesce");
    return STATUS_FORMAT;
}

static Status parse_duration_token(Parser *p, int64_t *out)
{
    if (p->lexer.token.kind != TOKEN_DURATION || !parse_duration(p->lexer.token.raw, out))
        return parser_expected(p, "a duration such as 24h or 30d");
    if (*out == 0)
        return parser_fail(p, p->lexer.token.offset, "the duration must be longer than nothing");
    return lexer_next(&p->lexer);
}

static Status parse_window(Parser *p, Call *call)
{
    if (!lexer_word(&p->lexer, "over"))
        return STATUS_OK;
    TRY(lexer_next(&p->lexer));
    call->has_window = true;
    if (lexer_word(&p->lexer, "all")) {
        call->window.kind = WINDOW_ALL;
        return lexer_next(&p->lexer);
    }
    call->window.kind = WINDOW_TRAILING;
    if (lexer_word(&p->lexer, "first")) {
        call->window.kind = WINDOW_FIRST;
        TRY(lexer_next(&p->lexer));
    }
    return parse_duration_token(p, &call->window.duration_us);
}

/* What stands between the brackets of an aggregate. */
static Status parse_parts(Parser *p, Call *call)
{
    Lexer *l = &p->lexer;
    if (call->kind == AGGREGATE_COUNT && lexer_symbol(l, ")"))
        return STATUS_OK;
    Node *first = NULL;
    TRY(parser_any(p, &first));
    switch (call->kind) {
    case AGGREGATE_COUNT:
        call->filter = first;
        if (lexer_word(l, "where")) {
            (void)parser_expected(p, "')'");
            (void)error_remedy(p->err, "count takes its condition alone: count(a and b)");
            return STATUS_FORMAT;
        }
        return STATUS_OK;
    case AGGREGATE_MATCHED:
        call->filter = first;
        if (!lexer_word(l, "to"))
            return parser_expected(p, "'to', as in matched(a to b within 24h)");
        TRY(lexer_next(&p->lexer));
        TRY(parser_any(p, &call->base));
        if (!lexer_word(l, "within"))
            return parser_expected(p, "'within', as in matched(a to b within 24h)");
        TRY(lexer_next(&p->lexer));
        return parse_duration_token(p, &call->within_us);
    default:
        break;
    }
    Node **condition = call->kind == AGGREGATE_SHARE ? &call->base : &call->filter;
    *(call->kind == AGGREGATE_SHARE ? &call->filter : &call->argument) = first;
    if (lexer_symbol(l, ",") && (call->kind == AGGREGATE_MIN || call->kind == AGGREGATE_MAX)) {
        (void)parser_expected(p, "')'");
        (void)error_remedy(p->err, "min and max are over transactions; of several values use "
                                   "least or greatest");
        return STATUS_FORMAT;
    }
    if (!lexer_word(l, "where"))
        return STATUS_OK;
    TRY(lexer_next(&p->lexer));
    return parser_any(p, condition);
}

static Status parse_aggregate(Parser *p, Node **out, const Token *t, AggregateKind kind)
{
    if (p->inside) {
        (void)parser_fail(p, t->offset, "an aggregate cannot stand inside another");
        (void)error_remedy(p->err, "inside an aggregate, write a condition or value of a single "
                                   "transaction");
        return STATUS_FORMAT;
    }
    if (p->scope->events == 0) {
        (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                           "there are no transactions here to take '%.*s' of", STR_ARG(t->raw));
        (void)error_remedy(p->err, "measure it in the features book and use its name");
        return STATUS_FORMAT;
    }
    if (kind == AGGREGATE_MATCHED && p->scope->amount.size == 0)
        return parser_fail(p, t->offset,
                           "matched needs a column of amounts, and the schema names none");
    Call *call = ARENA_NEW(p->keep, Call);
    call->kind = kind;
    p->inside = true;
    TRY(parse_parts(p, call));
    p->inside = false;
    TRY(parser_take(p, ")", "')'"));
    TRY(parse_window(p, call));
    Node *child[3];
    size_t count = 0;
    Node *parts[] = {call->argument, call->filter, call->base};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i] != NULL)
            child[count++] = parts[i];
    TRY(parser_node(p, out, NODE_AGGREGATE, t->offset, count, child));
    (*out)->call = call;
    return STATUS_OK;
}

/* The bracket is consumed. */
Status parser_call(Parser *p, Node **out, const Token *t)
{
    for (size_t i = 0; i < COUNT_OF(aggregates); i++)
        if (str_equal_fold(t->raw, aggregates[i].name))
            return parse_aggregate(p, out, t, aggregates[i].kind);
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        if (!str_equal_fold(t->raw, functions[i].name))
            continue;
        NodeList list = {0};
        TRY(parser_list(p, &list));
        if (list.count < functions[i].least || list.count > functions[i].most)
            return SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                                "%.*s takes %s, not %zu", STR_ARG(functions[i].name),
                                functions[i].most == 1 ? "one value" : "two values or more",
                                list.count);
        return parser_node(p, out, functions[i].kind, t->offset, list.count, list.node);
    }
    return unknown_function(p, t);
}
