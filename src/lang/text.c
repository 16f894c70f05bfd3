/* One canonical text: brackets only where the grammar needs them, keywords in small letters. */
#include "lang/tree.h"

/* How tightly a node holds together; a looser one inside a tighter place gets brackets. */
typedef enum Grip {
    GRIP_OR,
    GRIP_AND,
    GRIP_NOT,
    GRIP_COMPARE,
    GRIP_ADD,
    GRIP_MULTIPLY,
    GRIP_UNARY,
    GRIP_PRIMARY
} Grip;

/* not (x in (1)) is written x not in (1). */
static bool absorbs_not(const Node *n)
{
    return n->kind == NODE_NOT &&
           (n->child[0]->kind == NODE_IN || n->child[0]->kind == NODE_BETWEEN ||
            n->child[0]->kind == NODE_IS_NULL || n->child[0]->kind == NODE_LIKE);
}

static Grip grip(const Node *n)
{
    switch (n->kind) {
    case NODE_OR:
        return GRIP_OR;
    case NODE_AND:
        return GRIP_AND;
    case NODE_NOT:
        return absorbs_not(n) ? GRIP_COMPARE : GRIP_NOT;
    case NODE_EQUAL:
    case NODE_UNEQUAL:
    case NODE_LESS:
    case NODE_LESS_EQUAL:
    case NODE_GREATER:
    case NODE_GREATER_EQUAL:
    case NODE_IN:
    case NODE_BETWEEN:
    case NODE_IS_NULL:
    case NODE_LIKE:
        return GRIP_COMPARE;
    case NODE_ADD:
    case NODE_SUBTRACT:
        return GRIP_ADD;
    case NODE_MULTIPLY:
    case NODE_DIVIDE:
        return GRIP_MULTIPLY;
    case NODE_NEGATE:
        return GRIP_UNARY;
    case NODE_NUMBER:
        return n->integer < 0 ? GRIP_UNARY : GRIP_PRIMARY;
    default:
        return GRIP_PRIMARY;
    }
}

static void print(Buffer *b, const Node *n, Grip least);

static void print_quoted(Buffer *b, Str s, char quote)
{
    buffer_char(b, quote);
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] == quote)
            buffer_char(b, quote);
        buffer_char(b, s.data[i]);
    }
    buffer_char(b, quote);
}

static void print_name(Buffer *b, Str name)
{
    if (lexer_bare(name))
        buffer_add(b, name);
    else
        print_quoted(b, name, '"');
}

static void print_duration(Buffer *b, int64_t us)
{
    char text[TIME_TEXT];
    buffer_add(b, us == 0 ? S("0s") : duration_text(text, us));
}

static void print_instant(Buffer *b, int64_t us)
{
    char text[TIME_TEXT];
    buffer_add(b, S("time '"));
    buffer_add(b, us % DAY_US == 0 ? date_text(text, us / DAY_US) : time_text(text, us));
    buffer_char(b, '\'');
}

static void print_list(Buffer *b, const Node *n, size_t from, const char *between, Grip least)
{
    for (size_t i = from; i < n->count; i++) {
        if (i > from)
            buffer_add(b, str_from(between));
        print(b, n->child[i], least);
    }
}

static void print_fraction(Buffer *b, const Call *call)
{
    char text[NUMBER_TEXT];
    buffer_add(b, S(", "));
    buffer_add(b, decimal_text(text, call->fraction, call->fraction_scale));
}

static void print_aggregate(Buffer *b, const Call *call)
{
    const Form *form = lang_form(call->kind);
    bool flow = form->shape == SHAPE_FLOW || form->shape == SHAPE_DRAIN;
    bool median = form->shape == SHAPE_FRACTION && call->fraction == 5 && call->fraction_scale == 1;
    const Node *first = call->argument != NULL ? call->argument : call->filter;
    const Node *condition = call->argument != NULL ? call->filter : call->base;
    buffer_add(b, median ? S("median") : form->name);
    buffer_char(b, '(');
    if (first != NULL)
        print(b, first, GRIP_OR);
    if (form->shape == SHAPE_FRACTION && !median)
        print_fraction(b, call);
    if (condition != NULL) {
        buffer_add(b, flow ? S(" to ") : S(" where "));
        print(b, condition, GRIP_OR);
    }
    if (call->within_us > 0) {
        buffer_add(b, first == NULL ? S("within ") : S(" within "));
        print_duration(b, call->within_us);
    }
    if (form->shape == SHAPE_DRAIN)
        print_fraction(b, call);
    buffer_char(b, ')');
    if (call->has_window) {
        buffer_add(b, S(" over "));
        buffer_add(b, window_text(b->arena, call->window));
    }
}

static void print_case(Buffer *b, const Node *n)
{
    buffer_add(b, S("case"));
    for (size_t i = 0; i < n->count; i++) {
        buffer_add(b, i % 2 == 1 ? S(" then ") : i + 1 < n->count ? S(" when ") : S(" else "));
        print(b, n->child[i], GRIP_OR);
    }
    buffer_add(b, S(" end"));
}

static void print_predicate(Buffer *b, const Node *n, bool negative)
{
    print(b, n->child[0], GRIP_ADD);
    if (n->kind == NODE_IS_NULL) {
        buffer_add(b, negative ? S(" is not null") : S(" is null"));
        return;
    }
    buffer_add(b, negative ? S(" not") : S(""));
    if (n->kind == NODE_IN) {
        buffer_add(b, S(" in ("));
        print_list(b, n, 1, ", ", GRIP_OR);
        buffer_char(b, ')');
        return;
    }
    if (n->kind == NODE_LIKE) {
        buffer_add(b, S(" like "));
        print(b, n->child[1], GRIP_ADD);
        return;
    }
    buffer_add(b, S(" between "));
    print_list(b, n, 1, " and ", GRIP_ADD);
}

static void print_pair(Buffer *b, const Node *n, const char *sign)
{
    Grip own = grip(n);
    /* + - * / lean left; comparisons do not chain at all. */
    print(b, n->child[0], own == GRIP_COMPARE ? GRIP_ADD : own);
    buffer_add(b, str_from(sign));
    print(b, n->child[1], (Grip)(own + 1));
}

static void print_call(Buffer *b, const char *name, const Node *n)
{
    buffer_format(b, "%s(", name);
    print_list(b, n, 0, ", ", GRIP_OR);
    buffer_char(b, ')');
}

static void print_bare(Buffer *b, const Node *n)
{
    char text[NUMBER_TEXT];
    switch (n->kind) {
    case NODE_NULL:
        buffer_add(b, S("null"));
        return;
    case NODE_BOOLEAN:
        buffer_add(b, n->integer ? S("true") : S("false"));
        return;
    case NODE_NUMBER:
        buffer_add(b, decimal_text(text, n->integer, n->scale));
        return;
    case NODE_DURATION:
        print_duration(b, n->integer);
        return;
    case NODE_TIME:
        print_instant(b, n->integer);
        return;
    case NODE_STRING:
        print_quoted(b, n->text, '\'');
        return;
    case NODE_NAME:
        print_name(b, n->name->name);
        return;
    case NODE_AGGREGATE:
        print_aggregate(b, n->call);
        return;
    case NODE_OR:
        print_list(b, n, 0, " or ", GRIP_AND);
        return;
    case NODE_AND:
        print_list(b, n, 0, " and ", GRIP_NOT);
        return;
    case NODE_NOT:
        if (absorbs_not(n)) {
            print_predicate(b, n->child[0], true);
            return;
        }
        buffer_add(b, S("not "));
        print(b, n->child[0], GRIP_NOT);
        return;
    case NODE_EQUAL:
        print_pair(b, n, " = ");
        return;
    case NODE_UNEQUAL:
        print_pair(b, n, " <> ");
        return;
    case NODE_LESS:
        print_pair(b, n, " < ");
        return;
    case NODE_LESS_EQUAL:
        print_pair(b, n, " <= ");
        return;
    case NODE_GREATER:
        print_pair(b, n, " > ");
        return;
    case NODE_GREATER_EQUAL:
        print_pair(b, n, " >= ");
        return;
    case NODE_IN:
    case NODE_BETWEEN:
    case NODE_IS_NULL:
    case NODE_LIKE:
        print_predicate(b, n, false);
        return;
    case NODE_CASE:
        print_case(b, n);
        return;
    case NODE_ADD:
        print_pair(b, n, " + ");
        return;
    case NODE_SUBTRACT:
        print_pair(b, n, " - ");
        return;
    case NODE_MULTIPLY:
        print_pair(b, n, " * ");
        return;
    case NODE_DIVIDE:
        print_pair(b, n, " / ");
        return;
    case NODE_NEGATE:
        /* A number would join the sign and become a literal; brackets keep it apart. */
        if (n->child[0]->kind == NODE_NUMBER && n->child[0]->integer >= 0) {
            buffer_add(b, S("-("));
            print(b, n->child[0], GRIP_OR);
            buffer_char(b, ')');
            return;
        }
        buffer_add(b, grip(n->child[0]) == GRIP_UNARY ? S("- ") : S("-"));
        print(b, n->child[0], GRIP_UNARY);
        return;
    default:
        print_call(b, function_name(n->kind), n);
        return;
    }
}

static void print(Buffer *b, const Node *n, Grip least)
{
    bool brackets = grip(n) < least;
    if (brackets)
        buffer_char(b, '(');
    print_bare(b, n);
    if (brackets)
        buffer_char(b, ')');
}

void node_print(Buffer *b, const Node *n)
{
    print(b, n, GRIP_OR);
}

Str window_text(Arena *arena, Window w)
{
    char text[TIME_TEXT];
    if (w.kind == WINDOW_ALL)
        return S("all");
    Str duration = duration_text(text, w.duration_us);
    return str_format(arena, "%s%.*s", w.kind == WINDOW_FIRST ? "first " : "", STR_ARG(duration));
}
