/* describe.c - the features book as a page for people, in Markdown. */
#include "feature/feature_internal.h"

static const char *const uses[] = {"**model**", "policy", "monitor"};
static const char *const directions[] = {"", "up", "down"};

/* Text inside a table's cell: a bar would end the cell, a line break the row. */
static void add_text(Buffer *b, Str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '|')
            buffer_char(b, '\\');
        buffer_char(b, text.data[i] == '\n' ? ' ' : text.data[i]);
    }
}

/* Code may hold backticks of its own: then two stand around it. */
static void add_code(Buffer *b, Str text)
{
    Str fence = str_contains(text, S("`")) ? S("`` ") : S("`");
    buffer_add(b, fence);
    add_text(b, text);
    buffer_add(b, fence.size > 1 ? S(" ``") : fence);
}

static void add_table(Buffer *b, const char *first, const char *second, BookPairs pairs)
{
    buffer_format(b, "| %s | %s |\n|---|---|\n", first, second);
    for (size_t i = 0; i < pairs.count; i++) {
        buffer_add(b, S("| "));
        add_code(b, pairs.item[i].name.text);
        buffer_add(b, S(" | "));
        add_code(b, pairs.item[i].value.text);
        buffer_add(b, S(" |\n"));
    }
}

/* ---- what a feature needs ---- */

typedef struct Needs {
    Str name[64];
    size_t count;
} Needs;

static void need(Needs *n, Str name)
{
    for (size_t i = 0; i < n->count; i++)
        if (str_equal(n->name[i], name))
            return;
    if (name.size > 0 && n->count < sizeof n->name / sizeof *n->name)
        n->name[n->count++] = name;
}

static bool of_the_engine(Str name)
{
    return str_equal(name, S("records")) || str_equal(name, S("as_of"));
}

static bool is_earlier(const Plan *p, const Feature *f, Str name)
{
    for (size_t i = 0; i < f->earlier_count; i++)
        if (str_equal(p->feature[f->earlier[i]].name.text, name))
            return true;
    return false;
}

static bool has_nested(const Expr *e)
{
    size_t count = 0;
    if (e != NULL)
        (void)lang_aggregates(e, &count);
    return count > 0;
}

/* What the engine reads for an aggregate beside what is written. */
static void need_silently(Needs *columns, const Plan *p, const Feature *f, const Aggregate *a)
{
    const SchemaTransactions *t = &p->schema->transactions;
    Window w = a->has_window ? a->window : f->window;
    bool money = a->kind == AGGREGATE_MATCHED || a->kind == AGGREGATE_MATCHED_LAG ||
                 a->kind == AGGREGATE_DRAINED;
    bool order = money || a->kind == AGGREGATE_FOLLOWED || a->kind == AGGREGATE_FIRST ||
                 a->kind == AGGREGATE_LAST || has_nested(a->argument) || has_nested(a->filter) ||
                 has_nested(a->base);
    if (money) {
        need(columns, t->amount.text);
        need(columns, t->completed.text);
    }
    if (order || w.kind != WINDOW_ALL)
        need(columns, t->created.text);
}

static void add_needs(Buffer *b, const Plan *p, const Feature *f)
{
    Needs columns = {0};
    size_t customers, events, aggregates;
    const Str *customer = lang_names(f->expr, &customers);
    const Str *event = lang_event_names(f->expr, &events);
    const Aggregate *a = lang_aggregates(f->expr, &aggregates);
    for (size_t i = 0; i < customers; i++)
        if (!is_earlier(p, f, customer[i]) && !of_the_engine(customer[i]))
            need(&columns, customer[i]);
    for (size_t i = 0; i < events; i++)
        if (!of_the_engine(event[i]))
            need(&columns, event[i]);
    for (size_t i = 0; i < aggregates; i++)
        need_silently(&columns, p, f, &a[i]);
    for (size_t i = 0; i < f->earlier_count; i++) {
        buffer_format(b, "%sfeature ", i == 0 ? "" : ", ");
        add_code(b, p->feature[f->earlier[i]].name.text);
    }
    for (size_t i = 0; i < columns.count; i++) {
        buffer_add(b, i + f->earlier_count == 0 ? S("") : S(", "));
        add_code(b, columns.name[i]);
    }
}

/* ---- the page ---- */

static void add_feature(Buffer *b, const Plan *p, const Feature *f)
{
    Str format = f->format_text.text.size > 0 ? f->format_text.text : S("plain");
    buffer_add(b, S("| "));
    add_code(b, f->name.text);
    buffer_add(b, S(" | "));
    add_text(b, f->says.text);
    buffer_add(b, S("<br>"));
    add_code(b, f->formula.text);
    buffer_add(b, S(" | "));
    add_text(b, f->over.text);
    buffer_format(b, " | %s%s | %s | %.*s | ", uses[f->use],
                  f->barred[USE_MODEL] == NULL ? "" : " \xE2\x8A\x98", directions[f->risk],
                  STR_ARG(format));
    add_needs(b, p, f);
    buffer_add(b, S(" |\n"));
}

/* Has an earlier feature this family already? */
static bool seen_before(const Plan *p, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (str_equal(p->feature[i].family.text, p->feature[index].family.text))
            return true;
    return false;
}

static void add_family(Buffer *b, const Plan *p, Str family)
{
    buffer_format(b, "\n## %.*s\n\n", STR_ARG(family));
    for (size_t i = 0; i < p->families.count; i++)
        if (str_equal(p->families.item[i].name.text, family))
            buffer_format(b, "%.*s.\n\n", STR_ARG(p->families.item[i].value.text));
    buffer_add(b, S("| feature | meaning and formula | over | use | risk | shown as | needs |\n"
                    "|---|---|---|---|---|---|---|\n"));
    for (size_t i = 0; i < p->features; i++)
        if (str_equal(p->feature[i].family.text, family))
            add_feature(b, p, &p->feature[i]);
}

static void add_head(Buffer *b, const Plan *p)
{
    size_t use[3] = {0}, families = 0;
    for (size_t i = 0; i < p->features; i++) {
        use[p->feature[i].use]++;
        families += !seen_before(p, i);
    }
    buffer_add(b, S("# Features"));
    if (p->title.size > 0)
        buffer_format(b, ": %.*s", STR_ARG(p->title));
    buffer_format(b,
                  "\n\n%zu features in %zu %s: %zu that the model sees, %zu for policy, %zu "
                  "only watched.\nMade by `assay features --describe` from the features book; "
                  "the formulas' language is\nin docs/language.md.\n\n",
                  p->features, families, families == 1 ? "family" : "families", use[USE_MODEL],
                  use[USE_POLICY], use[USE_MONITOR]);
    buffer_add(
        b,
        S("- **over**: which of the customer's transactions are looked at, unless the formula says "
          "otherwise: their own first\n  days, the last before as_of, or all known at as_of.\n"
          "- **use**: the model sees those marked **model** and no others; rules and sentences may "
          "read them and those for\n  policy; what is for monitor is watched, tried as a leak, and "
          "decides nothing. \xE2\x8A\x98: what it\n  reads (a protected ground, how long and how "
          "often "
          "the customer was seen) is refused to models.\n"
          "- **risk**: more of it can only raise (up) or lower (down) the model's score; empty is "
          "either.\n"
          "- **needs**: columns of the customers' and the transactions' files, and features that "
          "stand further up. A column\n  that a file lacks is missing everywhere.\n"));
    if (p->define.count > 0) {
        buffer_add(b, S("\n## Words\n\nPut in wherever a formula uses them.\n\n"));
        add_table(b, "word", "stands for", p->define);
    }
    if (p->slices.count > 0) {
        buffer_add(b, S("\n## Strata\n\nSlices that every figure is given for.\n\n"));
        add_table(b, "stratum", "customers for whom", p->slices);
    }
}

Str plan_describe(Arena *keep, const Plan *p)
{
    Buffer b = buffer_new(keep);
    add_head(&b, p);
    for (size_t i = 0; i < p->features; i++)
        if (!seen_before(p, i))
            add_family(&b, p, p->feature[i].family.text);
    return str_trim(buffer_str(&b));
}
