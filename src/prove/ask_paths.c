/* ask_paths.c - from a condition down to a column on a protected ground. */
#include "prove/prove_internal.h"

/* The features behind one, from it down to the one that reads the column itself. */
static bool path_to(Buffer *out, const Plan *plan, const Feature *f, Str column)
{
    for (size_t i = 0; i < f->earlier_count; i++) {
        const Feature *before = &plan->feature[f->earlier[i]];
        if (!feature_reads(before, column))
            continue;
        buffer_format(out, " -> feature %.*s", STR_ARG(before->name.text));
        return path_to(out, plan, before, column);
    }
    buffer_format(out, " -> column %.*s", STR_ARG(column));
    return true;
}

static const SchemaColumn *column_of(const Schema *s, Str name)
{
    const SchemaColumn *c = schema_customer_column(s, name);
    return c != NULL ? c : schema_transaction_column(s, name);
}

/* What is read in an expression that decides for or against somebody; what only speaks for them is
 * a sentence beside the decision. */
static bool decides(const Condition *c)
{
    return c->of != CONDITION_MITIGATING;
}

static void ask_feature(Proving *p, const Condition *c, const Feature *f)
{
    for (size_t i = 0; i < f->read_count; i++) {
        const SchemaColumn *column = column_of(p->plan->schema, f->reads[i]);
        if (column == NULL || column->protected.text.size == 0)
            continue;
        Buffer path = buffer_new(p->keep);
        buffer_format(&path, "%.*s -> feature %.*s", STR_ARG(condition_name(p->keep, c)),
                      STR_ARG(f->name.text));
        (void)path_to(&path, p->plan, f, column->name.text);
        prove_add(p, decides(c) ? PROOF_ERROR : PROOF_WARNING, "protected_column", c,
                  str_format(p->keep, "rests on a protected ground (%.*s): %.*s",
                             STR_ARG(column->protected.text), STR_ARG(buffer_str(&path))),
                  S("let the condition do without this feature"));
    }
}

static void ask_proxies(Proving *p, const Condition *c, const Feature *f)
{
    const ProveSeen *seen = p->seen;
    for (size_t i = 0; seen != NULL && i < seen->proxies; i++) {
        const ProveProxy *x = &seen->proxy[i];
        const Feature *told = plan_find(p->plan, x->feature);
        bool through = told == f;
        for (size_t k = 0; k < f->earlier_count && !through; k++)
            through = told == &p->plan->feature[f->earlier[k]];
        if (told == NULL || !through)
            continue;
        char auc[NUMBER_TEXT];
        prove_add(p, PROOF_WARNING, "proxy", c,
                  str_format(
                      p->keep,
                      "%.*s -> feature %.*s%s%.*s tells who is of %.*s = %.*s (%.*s) with an "
                      "area under the curve of %.*s by itself, in %.*s",
                      STR_ARG(condition_name(p->keep, c)), STR_ARG(f->name.text),
                      told == f ? "" : " -> feature ", STR_ARG(told == f ? S("") : told->name.text),
                      STR_ARG(x->column), STR_ARG(x->group), STR_ARG(x->ground),
                      STR_ARG(double_text(auc, x->auc)), STR_ARG(seen->from)),
                  S("look whether the feature says more of the group than of conduct"));
    }
}

static void ask_condition(Proving *p, const Condition *c, const Expr *e)
{
    size_t count;
    const Str *name = lang_names(e, &count);
    for (size_t i = 0; i < count; i++) {
        const Feature *f = plan_find(p->plan, name[i]);
        if (f == NULL)
            continue;
        ask_feature(p, c, f);
        ask_proxies(p, c, f);
    }
}

void ask_paths(Proving *p)
{
    for (size_t i = 0; i < p->conditions; i++)
        ask_condition(p, &p->condition[i], p->condition[i].when);
}
