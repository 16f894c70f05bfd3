/* Functions of all customers at once. They stand alone: a formula is one such call or has none, so
 * that what must be fitted on the customers learnt from is a column of its own. */
#include "lang/tree.h"

static const struct {
    Str name;
    PopulationKind kind;
} functions[] = {{{"peer_percentile", 15}, POPULATION_PERCENTILE},
                 {{"peer_z", 6}, POPULATION_Z},
                 {{"risky_partners", 14}, POPULATION_PARTNERS}};

bool population_name(Str name)
{
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        if (str_equal_fold(name, functions[i].name))
            return true;
    return false;
}

Status population_misplaced(Parser *p, const Token *t)
{
    (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, t->offset, STATUS_FORMAT,
                       "%.*s compares a customer with others and stands alone", STR_ARG(t->raw));
    (void)error_remedy(p->err, p->scope->events == 0
                                   ? "make it a feature of the features book and use its name"
                                   : "make it the whole formula of a feature and use that "
                                     "feature's name here");
    return STATUS_FORMAT;
}

/* A name as it stands, no expression: what is compared is measured, and can be looked at. */
static Status take_name(Parser *p, Name *out, const char *what)
{
    Token t = p->lexer.token;
    Node *n = NULL;
    if (t.kind != TOKEN_NAME && t.kind != TOKEN_QUOTED)
        return parser_expected(p, what);
    TRY(parser_any(p, &n));
    if (n->kind != NODE_NAME) {
        (void)parser_fail(p, t.offset, "a population function takes a name, not an expression");
        (void)error_remedy(p->err, p->inside ? "name a column of the transactions"
                                             : "measure it in a feature of its own, further up, "
                                               "and give that feature's name");
        return STATUS_FORMAT;
    }
    *out = *n->name;
    return STATUS_OK;
}

static Status wrong_type(Parser *p, size_t offset, const Name *n, const char *what)
{
    char type[TYPE_TEXT_SIZE];
    (void)SOURCE_ERROR(p->err, p->file, p->lexer.source, offset, STATUS_FORMAT,
                       "%.*s is %s, not %s", STR_ARG(n->name), type_text(type, n->type, n->scale),
                       what);
    return STATUS_FORMAT;
}

static Status peers(Parser *p, Population *out)
{
    Name value = {0}, group = {0};
    size_t offset = p->lexer.token.offset;
    TRY(take_name(p, &value, "the name of a number"));
    if (value.type != TYPE_INT64 && value.type != TYPE_DECIMAL && value.type != TYPE_DOUBLE &&
        value.type != TYPE_DURATION)
        return wrong_type(p, offset, &value, "a number or a duration");
    out->value = value.name;
    if (!lexer_word(&p->lexer, "by"))
        return STATUS_OK;
    TRY(lexer_next(&p->lexer));
    offset = p->lexer.token.offset;
    TRY(take_name(p, &group, "the name of a group"));
    if (group.type != TYPE_CATEGORY && group.type != TYPE_BOOLEAN && group.type != TYPE_INT64)
        return wrong_type(p, offset, &group, "a category, a boolean or an int64 to group by");
    out->group = group.name;
    return STATUS_OK;
}

static Status partners(Parser *p, Population *out)
{
    Name partner = {0};
    size_t offset = p->lexer.token.offset;
    p->inside = 1;
    TRY(take_name(p, &partner, "the transaction column that names the partner"));
    if (partner.type != TYPE_TEXT && partner.type != TYPE_CATEGORY)
        return wrong_type(p, offset, &partner, "a text or category that holds customers' keys");
    out->partner = partner.name;
    if (!lexer_word(&p->lexer, "where"))
        return STATUS_OK;
    TRY(lexer_next(&p->lexer));
    Node *condition = NULL;
    offset = p->lexer.token.offset;
    TRY(parser_any(p, &condition));
    TRY(lang_check(condition, p->keep, p->scope, p->file, p->err));
    if (condition->type != TYPE_BOOLEAN)
        return parser_fail(p, offset, "'where' needs a condition");
    p->inside = 0;
    out->condition = expr_finish(p->keep, condition, p->file, p->scope->amount);
    return STATUS_OK;
}

static Str canonical(Arena *keep, const Population *f)
{
    Buffer b = buffer_new(keep);
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        if (functions[i].kind == f->kind)
            buffer_format(&b, "%.*s(", STR_ARG(functions[i].name));
    name_print(&b, f->kind == POPULATION_PARTNERS ? f->partner : f->value);
    if (f->group.size > 0) {
        buffer_add(&b, S(" by "));
        name_print(&b, f->group);
    }
    if (f->condition != NULL)
        buffer_format(&b, " where %.*s", STR_ARG(f->condition->text));
    buffer_char(&b, ')');
    return buffer_str(&b);
}

static Expr *expr_of(Arena *keep, const Population *f, const char *file)
{
    Node *root = ARENA_NEW(keep, Node); /* of no value: the feature room computes it */
    root->kind = NODE_NULL;
    root->type = f->kind == POPULATION_PARTNERS ? TYPE_INT64 : TYPE_DOUBLE;
    Expr *e = ARENA_NEW(keep, Expr);
    Dictionary *name = dictionary_new(keep), *event = dictionary_new(keep);
    if (f->value.size > 0)
        (void)dictionary_add(name, f->value);
    if (f->group.size > 0)
        (void)dictionary_add(name, f->group);
    if (f->partner.size > 0)
        (void)dictionary_add(event, f->partner);
    for (size_t i = 0; f->condition != NULL && i < f->condition->names; i++)
        (void)dictionary_add(event, f->condition->name[i]);
    for (size_t i = 0; f->condition != NULL && i < f->condition->event_names; i++)
        (void)dictionary_add(event, f->condition->event_name[i]);
    *e = (Expr){.root = root,
                .file = file,
                .text = canonical(keep, f),
                .name = name->text,
                .names = name->count,
                .event_name = event->text,
                .event_names = event->count,
                .population = f};
    return e;
}

Status population_read(Expr **out, Parser *p, const Source *source)
{
    *out = NULL;
    p->lexer = (Lexer){.keep = p->keep, .file = p->file, .err = p->err, .source = source};
    p->budget = LANG_BUDGET;
    if (source->text.size > LANG_BYTES || !str_valid_utf8(source->text))
        return STATUS_OK; /* the ordinary reader says so */
    Lexer *l = &p->lexer;
    Error none = {0};
    l->err = &none; /* what is no token is the ordinary reader's to refuse as well */
    Status first = lexer_next(l);
    Token t = l->token;
    if (first != STATUS_OK || t.kind != TOKEN_NAME || !population_name(t.raw) ||
        lexer_next(l) != STATUS_OK || !lexer_symbol(l, "("))
        return STATUS_OK;
    l->err = p->err;
    if (p->scope->events == 0)
        return population_misplaced(p, &t);
    TRY(lexer_next(l));
    Population *f = ARENA_NEW(p->keep, Population);
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        if (str_equal_fold(t.raw, functions[i].name))
            f->kind = functions[i].kind;
    if (f->kind == POPULATION_PARTNERS)
        TRY(partners(p, f));
    else
        TRY(peers(p, f));
    TRY(parser_take(p, ")", f->kind == POPULATION_PARTNERS ? "'where' or ')'" : "'by' or ')'"));
    if (l->token.kind != TOKEN_END)
        return population_misplaced(p, &t);
    *out = expr_of(p->keep, f, p->file);
    return STATUS_OK;
}

const Population *lang_population(const Expr *e)
{
    return e->population;
}
