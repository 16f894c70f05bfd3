/* Aggregates, functions and case: what may stand between their brackets. */
#include "lang/tree.h"

#include <assert.h>

/* By AggregateKind; median is a percentile under another name. */
static const Form forms[] = {
    {{"count", 5}, AGGREGATE_COUNT, SHAPE_MAYBE, true, true, true},
    {{"sum", 3}, AGGREGATE_SUM, SHAPE_VALUE, true, true, true},
    {{"mean", 4}, AGGREGATE_MEAN, SHAPE_VALUE, true, true, true},
    {{"min", 3}, AGGREGATE_MIN, SHAPE_VALUE, true, true, true},
    {{"max", 3}, AGGREGATE_MAX, SHAPE_VALUE, true, true, true},
    {{"distinct", 8}, AGGREGATE_DISTINCT, SHAPE_VALUE, true, true, true},
    {{"share", 5}, AGGREGATE_SHARE, SHAPE_SHARE, true, true, true},
    {{"first", 5}, AGGREGATE_FIRST, SHAPE_VALUE, true, true, true},
    {{"last", 4}, AGGREGATE_LAST, SHAPE_VALUE, true, true, true},
    {{"sd", 2}, AGGREGATE_SD, SHAPE_VALUE, true, false, false},
    {{"percentile", 10}, AGGREGATE_PERCENTILE, SHAPE_FRACTION, true, false, false},
    {{"entropy", 7}, AGGREGATE_ENTROPY, SHAPE_VALUE, true, false, false},
    {{"modal", 5}, AGGREGATE_MODAL, SHAPE_VALUE, true, false, false},
    {{"concentration", 13}, AGGREGATE_CONCENTRATION, SHAPE_VALUE, true, false, false},
    {{"matched", 7}, AGGREGATE_MATCHED, SHAPE_FLOW, true, false, false},
    {{"matched_lag", 11}, AGGREGATE_MATCHED_LAG, SHAPE_FLOW, true, false, false},
    {{"drained", 7}, AGGREGATE_DRAINED, SHAPE_DRAIN, true, false, false},
    {{"followed", 8}, AGGREGATE_FOLLOWED, SHAPE_FLOW, true, false, false},
    {{"since", 5}, AGGREGATE_SINCE, SHAPE_CONDITION, false, true, false},
    {{"until", 5}, AGGREGATE_UNTIL, SHAPE_CONDITION, false, true, false},
    {{"previous", 8}, AGGREGATE_PREVIOUS, SHAPE_VALUE, false, true, false},
    {{"same", 4}, AGGREGATE_SAME, SHAPE_VALUE, false, true, true},
    {{"streak", 6}, AGGREGATE_STREAK, SHAPE_SHARE, false, true, false},
    {{"median", 6}, AGGREGATE_PERCENTILE, SHAPE_VALUE, true, false, false}};

static const struct {
    Str name;
    NodeKind kind;
    size_t least, most;
} functions[] = {{{"abs", 3}, NODE_ABS, 1, 1},
                 {{"sign", 4}, NODE_SIGN, 1, 1},
                 {{"floor", 5}, NODE_FLOOR, 1, 1},
                 {{"ceil", 4}, NODE_CEIL, 1, 1},
                 {{"round", 5}, NODE_ROUND, 1, 2},
                 {{"log", 3}, NODE_LOG, 1, 1},
                 {{"log1p", 5}, NODE_LOG1P, 1, 1},
                 {{"sqrt", 4}, NODE_SQRT, 1, 1},
                 {{"exp", 3}, NODE_EXP, 1, 1},
                 {{"mod", 3}, NODE_MOD, 2, 2},
                 {{"nullif", 6}, NODE_NULLIF, 2, 2},
                 {{"lower", 5}, NODE_LOWER, 1, 1},
                 {{"length", 6}, NODE_LENGTH, 1, 1},
                 {{"hour", 4}, NODE_HOUR, 1, 1},
                 {{"weekday", 7}, NODE_WEEKDAY, 1, 1},
                 {{"day", 3}, NODE_DAY, 1, 1},
                 {{"least", 5}, NODE_LEAST, 2, SIZE_MAX},
                 {{"greatest", 8}, NODE_GREATEST, 2, SIZE_MAX},
                 {{"coalesce", 8}, NODE_COALESCE, 2, SIZE_MAX}};

const Form *lang_form(AggregateKind kind)
{
    assert(forms[kind].kind == kind);
    return &forms[kind];
}

const char *function_name(NodeKind kind)
{
    assert(kind >= NODE_ABS && functions[kind - NODE_ABS].kind == kind);
    return functions[kind - NODE_ABS].name.data;
}

static Status unknown_function(Parser *p, const Token *t)
{
    if (population_name(t->raw))
        return population_misplaced(p, t);
    Str names[COUNT_OF(forms) + COUNT_OF(functions)];
    size_t count = 0;
    Buffer all = buffer_new(p->keep);
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        names[count++] = forms[i].name;
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        names[count++] = functions[i].name;
    (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                       "there is no function '%.*s'", STR_ARG(str_slice(t->raw, 0, 100)));
    Str near = str_nearest(t->raw, names, count);
    if (near.size > 0) {
        (void)error_remedy(p->err, "did you mean '%.*s'?", STR_ARG(near));
        return STATUS_FORMAT;
    }
    for (size_t i = 0; i < count; i++)
        buffer_format(&all, "%s%.*s", i == 0 ? "" : " ", STR_ARG(names[i]));
    (void)error_remedy(p->err, "known are %.*s", STR_ARG(buffer_str(&all)));
    return STATUS_FORMAT;
}

/* ---- aggregates ---- */

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
    if (call->nested) {
        (void)parser_fail(p, p->lexer.token.offset,
                          "an aggregate inside another has no window of its own");
        (void)error_remedy(p->err, "it looks back from each transaction: write 'within 7d' before "
                                   "the bracket closes");
        return STATUS_FORMAT;
    }
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

/* `, 0.9`: a share from 0 to 1; 0.90 is kept as 0.9. */
static Status parse_fraction(Parser *p, Call *call)
{
    TRY(parser_take(p, ",", "',' and a share such as 0.9"));
    Str raw = p->lexer.token.raw;
    size_t point = 0;
    while (point < raw.size && raw.data[point] != '.')
        point++;
    int scale = point < raw.size ? (int)(raw.size - point - 1) : 0;
    if (p->lexer.token.kind != TOKEN_NUMBER)
        return parser_expected(p, "a share such as 0.9");
    if (scale > DECIMAL_SCALE_MAX || !parse_decimal(raw, scale, &call->fraction) ||
        call->fraction > power_of_ten(scale) ||
        (call->kind == AGGREGATE_DRAINED && call->fraction == 0)) {
        (void)parser_fail(p, p->lexer.token.offset, "the share must lie between 0 and 1");
        (void)error_remedy(p->err, "nine tenths are 0.9, with at most 18 digits");
        return STATUS_FORMAT;
    }
    for (; scale > 0 && call->fraction % 10 == 0; scale--)
        call->fraction /= 10;
    call->fraction_scale = scale;
    return lexer_next(&p->lexer);
}

static Status parse_flow(Parser *p, const Form *form, Call *call)
{
    if (!lexer_word(&p->lexer, "to"))
        return parser_expected(p, "'to', as in matched(a to b within 24h)");
    TRY(lexer_next(&p->lexer));
    TRY(parser_any(p, &call->base));
    if (!lexer_word(&p->lexer, "within"))
        return parser_expected(p, "'within', as in matched(a to b within 24h)");
    TRY(lexer_next(&p->lexer));
    TRY(parse_duration_token(p, &call->within_us));
    return form->shape == SHAPE_DRAIN ? parse_fraction(p, call) : STATUS_OK;
}

static Status parse_within(Parser *p, const Form *form, Call *call)
{
    if (!lexer_word(&p->lexer, "within"))
        return STATUS_OK;
    if (!call->nested || !form->within) {
        (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, p->lexer.token.offset, STATUS_FORMAT,
                           "'%.*s' takes no 'within' here", STR_ARG(form->name));
        (void)error_remedy(p->err,
                           "'within' looks back from each transaction, in an aggregate inside "
                           "another; of the whole write 'over 7d' after the bracket");
        return STATUS_FORMAT;
    }
    TRY(lexer_next(&p->lexer));
    return parse_duration_token(p, &call->within_us);
}

/* What stands between the brackets of an aggregate. */
static Status parse_parts(Parser *p, const Form *form, Call *call)
{
    Lexer *l = &p->lexer;
    Node *first = NULL;
    if (form->shape == SHAPE_MAYBE && lexer_symbol(l, ")"))
        return STATUS_OK;
    if (form->shape != SHAPE_MAYBE || !lexer_word(l, "within"))
        TRY(parser_any(p, &first));
    bool value = form->shape == SHAPE_VALUE || form->shape == SHAPE_FRACTION;
    *(value ? &call->argument : &call->filter) = first;
    if (form->shape == SHAPE_FLOW || form->shape == SHAPE_DRAIN)
        return parse_flow(p, form, call);
    if (form->shape == SHAPE_FRACTION)
        TRY(parse_fraction(p, call));
    if (lexer_word(l, "where") && (value || form->shape == SHAPE_SHARE)) {
        TRY(lexer_next(&p->lexer));
        TRY(parser_any(p, value ? &call->filter : &call->base));
    } else if (lexer_word(l, "where")) {
        (void)parser_expected(p, "')'");
        (void)error_remedy(p->err, "%.*s takes its condition alone: %.*s(a and b)",
                           STR_ARG(form->name), STR_ARG(form->name));
        return STATUS_FORMAT;
    }
    return parse_within(p, form, call);
}

/* May this one stand here? */
static Status check_level(Parser *p, const Token *t, const Form *form)
{
    if (p->scope->events == 0) {
        (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                           "there are no transactions here to take '%.*s' of", STR_ARG(t->raw));
        (void)error_remedy(p->err, "measure it in the features book and use its name");
        return STATUS_FORMAT;
    }
    if (p->inside == 0 && !form->outer) {
        (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                           "'%.*s' gives a value for each transaction, not one for the customer",
                           STR_ARG(t->raw));
        (void)error_remedy(p->err, "put it inside an aggregate such as mean, max or count");
        return STATUS_FORMAT;
    }
    if (p->inside == 1 && !form->nested) {
        (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                           "'%.*s' cannot stand inside an aggregate", STR_ARG(t->raw));
        (void)error_remedy(p->err, "count, sum, mean, min, max, distinct, share, first and last "
                                   "can: there they look back from each transaction");
        return STATUS_FORMAT;
    }
    if (p->inside > 1) {
        (void)parser_fail(p, t->offset, "aggregates nest only once");
        (void)error_remedy(p->err, "inside an aggregate that is inside another, write a condition "
                                   "or value of a single transaction");
        return STATUS_FORMAT;
    }
    bool flow = form->kind >= AGGREGATE_MATCHED && form->kind <= AGGREGATE_DRAINED;
    if (flow && p->scope->amount.size == 0)
        return SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                            "%.*s needs a column of amounts, and the schema names none",
                            STR_ARG(form->name));
    return STATUS_OK;
}

static Status parse_aggregate(Parser *p, Node **out, const Token *t, const Form *form)
{
    TRY(check_level(p, t, form));
    Call *call = ARENA_NEW(p->keep, Call);
    call->form = form;
    call->kind = form->kind;
    call->nested = p->inside > 0;
    if (form == &forms[COUNT_OF(forms) - 1]) { /* median */
        call->fraction = 5;
        call->fraction_scale = 1;
    }
    p->inside++;
    TRY(parse_parts(p, form, call));
    p->inside--;
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

/* ---- functions ---- */

static Status wrong_count(Parser *p, const Token *t, size_t function, size_t count)
{
    size_t least = functions[function].least, most = functions[function].most;
    return SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                        "%.*s takes %s, not %zu", STR_ARG(functions[function].name),
                        most == 1    ? "one value"
                        : least == 1 ? "one value or two"
                        : most == 2  ? "two values"
                                     : "two values or more",
                        count);
}

static Status parse_function(Parser *p, Node **out, const Token *t, size_t function)
{
    NodeKind kind = functions[function].kind;
    NodeList list = {0};
    TRY(parser_list(p, &list));
    if (list.count < functions[function].least || list.count > functions[function].most)
        return wrong_count(p, t, function, list.count);
    if (kind == NODE_ROUND && list.count == 2) {
        const Node *digits = list.node[1];
        if (digits->kind != NODE_NUMBER || digits->type != TYPE_INT64 || digits->integer < 0 ||
            digits->integer > DECIMAL_SCALE_MAX) {
            (void)SOURCE_ERROR(p->err, p->file, digits->source, digits->offset, STATUS_FORMAT,
                               "round takes the number of digits as a whole number from 0 to %d",
                               DECIMAL_SCALE_MAX);
            (void)error_remedy(p->err, "as in round(x, 2)");
            return STATUS_FORMAT;
        }
        list.count = digits->integer == 0 ? 1 : 2;
    }
    TRY(parser_node(p, out, kind, t->offset, list.count, list.node));
    if (kind >= NODE_HOUR && kind <= NODE_DAY)
        (*out)->integer = p->scope->zone_us;
    return STATUS_OK;
}

/* Is there a comma before the bracket closes? min(a, b) is least(a, b), min(x) an aggregate,
 * and the two see different columns, so this must be known before reading on. */
static Status comma_ahead(const Parser *p, bool *out)
{
    Lexer l = p->lexer;
    size_t open = 0;
    for (; l.token.kind != TOKEN_END;) {
        if (open == 0 && lexer_symbol(&l, ")"))
            break;
        if (open == 0 && lexer_symbol(&l, ",")) {
            *out = true;
            return STATUS_OK;
        }
        open += lexer_symbol(&l, "(");
        open -= lexer_symbol(&l, ")");
        TRY(lexer_next(&l));
    }
    *out = false;
    return STATUS_OK;
}

/* The bracket is consumed. */
Status parser_call(Parser *p, Node **out, const Token *t)
{
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        bool several = false;
        if (!str_equal_fold(t->raw, forms[i].name))
            continue;
        if (forms[i].kind == AGGREGATE_MIN || forms[i].kind == AGGREGATE_MAX)
            TRY(comma_ahead(p, &several));
        if (!several)
            return parse_aggregate(p, out, t, &forms[i]);
        return parse_function(
            p, out, t, (forms[i].kind == AGGREGATE_MIN ? NODE_LEAST : NODE_GREATEST) - NODE_ABS);
    }
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        if (str_equal_fold(t->raw, functions[i].name))
            return parse_function(p, out, t, i);
    return unknown_function(p, t);
}

/* ---- case ---- */

static Status take_word(Parser *p, const char *word, const char *what)
{
    return lexer_word(&p->lexer, word) ? lexer_next(&p->lexer) : parser_expected(p, what);
}

/* case when c then x [...] [else y] end; case x when v then y is written as x = v. */
Status parser_case(Parser *p, Node **out)
{
    size_t offset = p->lexer.token.offset;
    Node *subject = NULL;
    NodeList list = {0};
    TRY(parser_enter(p, offset));
    TRY(lexer_next(&p->lexer));
    if (!lexer_word(&p->lexer, "when"))
        TRY(parser_any(p, &subject));
    if (!lexer_word(&p->lexer, "when"))
        return parser_expected(p, "'when', as in case when a > 0 then 1 else 0 end");
    while (lexer_word(&p->lexer, "when")) {
        size_t at = p->lexer.token.offset;
        Node *condition = NULL, *value = NULL;
        TRY(lexer_next(&p->lexer));
        TRY(parser_any(p, &condition));
        if (subject != NULL) {
            Node *pair[2] = {subject, condition};
            TRY(parser_node(p, &condition, NODE_EQUAL, at, 2, pair));
        }
        TRY(take_word(p, "then", "'then', as in case when a > 0 then 1 else 0 end"));
        TRY(parser_any(p, &value));
        nodes_push(p->keep, &list, condition);
        nodes_push(p->keep, &list, value);
    }
    if (lexer_word(&p->lexer, "else")) {
        Node *other = NULL;
        TRY(lexer_next(&p->lexer));
        TRY(parser_any(p, &other));
        nodes_push(p->keep, &list, other);
    }
    TRY(take_word(p, "end", "'when', 'else' or 'end'"));
    p->depth--;
    return parser_node(p, out, NODE_CASE, offset, list.count, list.node);
}
