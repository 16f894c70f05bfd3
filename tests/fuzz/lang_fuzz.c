/* Any bytes as an expression, a definition, a template and a window. What can be read must
 * print a text that reads back to the same text, and must evaluate without a fault. */
#include "lang/lang.h"

#include <stdlib.h>

static const Str values[] = {{"IN", 2}, {"OUT", 3}};
static const Name customer[] = {
    {.name = {"a", 1}, .type = TYPE_INT64},
    {.name = {"m", 1}, .type = TYPE_DECIMAL, .scale = 2},
    {.name = {"x", 1}, .type = TYPE_DOUBLE},
    {.name = {"b", 1}, .type = TYPE_BOOLEAN},
    {.name = {"s", 1}, .type = TYPE_CATEGORY, .values = values, .value_count = 2},
    {.name = {"n", 1}, .type = TYPE_TEXT},
    {.name = {"t", 1}, .type = TYPE_TIME},
    {.name = {"d", 1}, .type = TYPE_DATE},
    {.name = {"l", 1}, .type = TYPE_DURATION},
};
static const char *const cells[][2] = {{"9223372036854775807", "-3"},
                                       {"-92233720368547758.08", "0.07"},
                                       {"1e308", "-1"},
                                       {"true", "false"},
                                       {"IN", "OUT"},
                                       {"it's", "IN"},
                                       {"2199-12-31 23:59:59.999999", "1900-01-01"},
                                       {"2199-12-31", "1900-01-01"},
                                       {"5217w", "0s"}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Three rows, the last one missing everywhere. */
static Table *table(Arena *arena)
{
    Table *t = table_new(arena, S("t"), 3, COUNT_OF(customer));
    for (size_t k = 0; k < COUNT_OF(customer); k++) {
        Column *c = &t->column[k];
        column_init(c, arena, customer[k].name, customer[k].type, customer[k].scale, 3, NULL);
        for (size_t i = 0; i < 2; i++)
            if (!column_parse(c, i, str_from(cells[k][i])))
                abort();
    }
    return t;
}

/* The expression, and the row-level parts of its aggregates. */
static void evaluate(Arena *arena, Arena scratch, const Expr *e)
{
    size_t count;
    const Aggregate *a = lang_aggregates(e, &count);
    Column *column = ARENA_ARRAY(arena, Column, count + 1);
    for (size_t i = 0; i < count; i++) {
        const Expr *part[] = {a[i].argument, a[i].filter, a[i].base};
        column_init(&column[i], arena, S("aggregate"), a[i].type, a[i].scale, 3, NULL);
        for (size_t k = 0; k < COUNT_OF(part); k++)
            if (part[k] != NULL)
                evaluate(arena, scratch, part[k]);
    }
    Error err = {0};
    Column out;
    Status status = lang_evaluate(&out, arena, scratch, e, table(arena), column, &err);
    if (status == STATUS_OK)
        for (Format f = FORMAT_PLAIN; f < FORMATS; f++)
            for (size_t i = 0; i < 3; i++)
                for (Language l = 0; l < LANGUAGES; l++)
                    (void)format_cell(arena, f, l, S("PLN"), &out, i);
    else if (status != STATUS_LIMIT || err.message[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str text = {(const char *)data, size}, first = text, second = S("b");
    for (size_t i = 0; i < size; i++)
        if (data[i] == ';') { /* the definition d follows */
            first = str_slice(text, 0, i);
            second = str_slice(text, i + 1, size);
            break;
        }
    Arena arena = arena_new(), scratch = arena_new();
    Definition definition = {.name = S("def"), .text = second, .line = 1, .column = 1};
    Scope scope = {.customer = customer,
                   .customers = COUNT_OF(customer),
                   .event = customer,
                   .events = COUNT_OF(customer),
                   .definition = &definition,
                   .definitions = 1,
                   .amount = {"m", 1},
                   .zone_us = -90 * MINUTE_US};
    Error err = {0};
    Expr *e, *again;
    if (lang_read(&e, &arena, first, &scope, "book.yaml", 3, 5, &err) == STATUS_OK) {
        Scope bare = scope;
        bare.definitions = 0;
        if (lang_read(&again, &arena, lang_text(e), &bare, NULL, 1, 1, NULL) != STATUS_OK ||
            !str_equal(lang_text(e), lang_text(again)))
            abort();
        evaluate(&arena, scratch, e);
    } else if (err.message[0] == '\0' || err.line < 1 || err.column < 1 ||
               err.caret > (int64_t)sizeof err.excerpt) {
        abort();
    }
    Template *t;
    Error other = {0};
    if (template_read(&t, &arena, first, &scope, "book.yaml", 3, 5, &other) == STATUS_OK)
        for (size_t i = 0; i < 3; i++)
            (void)template_fill(&arena, t, LANGUAGE_FRENCH, table(&arena), i);
    Window w;
    if (window_parse(first, &w)) {
        Window same;
        if (!window_parse(window_text(&arena, w), &same) || same.kind != w.kind ||
            same.duration_us != w.duration_us)
            abort();
    }
    arena_free(&arena);
    arena_free(&scratch);
    return 0;
}
