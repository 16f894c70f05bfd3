/* From text to an Expr: parse, check, and list what the expression needs. */
#include "lang/tree.h"

typedef struct Lists {
    Arena *keep;
    const char *file;
    Dictionary *name, *event_name, *call;
    Aggregate *aggregate;
    size_t aggregates, capacity;
    Str amount;
    bool merges;
} Lists;

static const Expr *part(Lists *l, const Node *n)
{
    if (n == NULL)
        return NULL;
    Expr *e = expr_finish(l->keep, n, l->file, l->amount);
    for (size_t i = 0; i < e->names; i++)
        (void)dictionary_add(l->event_name, e->name[i]);
    for (size_t i = 0; i < e->event_names; i++)
        (void)dictionary_add(l->event_name, e->event_name[i]);
    return e;
}

/* The same aggregate written twice is computed once. */
static void list_aggregate(Lists *l, const Node *n)
{
    Buffer text = buffer_new(l->keep);
    node_print(&text, n);
    n->call->index = dictionary_add(l->call, buffer_str(&text));
    if (n->call->index < l->aggregates)
        return;
    Aggregate *a = ARENA_PUSH(l->keep, l->aggregate, l->aggregates, l->capacity);
    *a = (Aggregate){.kind = n->call->kind,
                     .argument = part(l, n->call->argument),
                     .filter = part(l, n->call->filter),
                     .base = part(l, n->call->base),
                     .within_us = n->call->within_us,
                     .fraction = n->call->fraction,
                     .fraction_scale = n->call->fraction_scale,
                     .nested = n->call->nested,
                     .has_window = n->call->has_window,
                     .window = n->call->window,
                     .type = n->type,
                     .scale = n->scale};
    if (a->kind >= AGGREGATE_MATCHED && a->kind <= AGGREGATE_DRAINED)
        (void)dictionary_add(l->event_name, l->amount);
}

static void list(Lists *l, const Node *n)
{
    if (n->kind == NODE_NAME)
        (void)dictionary_add(l->name, n->name->name);
    bool makes = n->kind == NODE_COALESCE || n->kind == NODE_CASE || n->kind == NODE_LOWER;
    if (makes && (n->type == TYPE_CATEGORY || n->type == TYPE_TEXT))
        l->merges = true;
    if (n->kind == NODE_AGGREGATE) {
        list_aggregate(l, n);
        return;
    }
    for (size_t i = 0; i < n->count; i++)
        list(l, n->child[i]);
}

Expr *expr_finish(Arena *keep, const Node *root, const char *file, Str amount)
{
    Lists l = {.keep = keep,
               .file = file,
               .name = dictionary_new(keep),
               .event_name = dictionary_new(keep),
               .call = dictionary_new(keep),
               .amount = amount};
    list(&l, root);
    Buffer text = buffer_new(keep);
    node_print(&text, root);
    Expr *e = ARENA_NEW(keep, Expr);
    *e = (Expr){.root = root,
                .file = file,
                .text = buffer_str(&text),
                .aggregate = l.aggregate,
                .aggregates = l.aggregates,
                .name = l.name->text,
                .names = l.name->count,
                .event_name = l.event_name->text,
                .event_names = l.event_name->count,
                .merges = l.merges};
    e->flat = lang_flat(keep, root);
    return e;
}

Status lang_read(Expr **out, Arena *keep, Str text, const Scope *scope, const char *file,
                 int64_t line, int64_t column, Error *err)
{
    Source *source = ARENA_NEW(keep, Source);
    *source = (Source){str_copy(keep, text), line, column};
    const char *place = file == NULL ? NULL : str_chars(keep, str_from(file));
    Parser p = {.keep = keep, .scope = scope, .file = place, .err = err};
    TRY(population_read(out, &p, source));
    if (*out != NULL)
        return STATUS_OK;
    Node *root;
    TRY(lang_parse(&root, &p, source));
    TRY(lang_check(root, keep, scope, place, err));
    *out = expr_finish(keep, root, place, scope->amount);
    return STATUS_OK;
}

bool window_parse(Str text, Window *out)
{
    Str rest = str_trim(text);
    if (str_equal_fold(rest, S("all"))) {
        *out = (Window){WINDOW_ALL, 0};
        return true;
    }
    out->kind = WINDOW_TRAILING;
    if (rest.size > 5 && str_equal_fold(str_slice(rest, 0, 5), S("first")) &&
        (unsigned char)rest.data[5] <= ' ') {
        out->kind = WINDOW_FIRST;
        rest = str_trim(str_slice(rest, 5, rest.size));
    }
    return parse_duration(rest, &out->duration_us) && out->duration_us > 0;
}

Type lang_type(const Expr *e)
{
    return e->root->type;
}

int lang_scale(const Expr *e)
{
    return e->root->scale;
}

const Aggregate *lang_aggregates(const Expr *e, size_t *count)
{
    *count = e->aggregates;
    return e->aggregate;
}

const Str *lang_names(const Expr *e, size_t *count)
{
    *count = e->names;
    return e->name;
}

const Str *lang_event_names(const Expr *e, size_t *count)
{
    *count = e->event_names;
    return e->event_name;
}

bool lang_looks_ahead(const Expr *e)
{
    for (size_t i = 0; e != NULL && i < e->aggregates; i++)
        if (e->aggregate[i].kind == AGGREGATE_UNTIL)
            return true;
    return false;
}

Str lang_bare_name(const Expr *e)
{
    return e->root->kind == NODE_NAME ? e->root->name->name : S("");
}

Str lang_text(const Expr *e)
{
    return e->text;
}
