/* summary.c - what was found, in a few lines for the terminal. */
#include "profile/profile_internal.h"

static void add_role(Buffer *b, const char *what, const Portrait *c)
{
    if (c != NULL)
        buffer_format(b, ", %s %.*s", what, STR_ARG(c->name));
}

static void add_columns(Buffer *b, const Profile *p, const char *title, bool leaks)
{
    bool any = false;
    const Sheet *sheets[] = {&p->customers, &p->transactions};
    for (size_t s = 0; s < COUNT_OF(sheets); s++)
        for (size_t k = 0; k < sheets[s]->columns; k++) {
            const Portrait *c = &sheets[s]->column[k];
            if (leaks ? c->leak.size == 0 : c->ground == NULL)
                continue;
            buffer_format(b, "%s%.*s", any ? ", " : title, STR_ARG(c->name));
            if (!leaks)
                buffer_format(b, " (%s)", c->ground);
            any = true;
        }
    if (any)
        buffer_char(b, '\n');
}

Str profile_summary(Arena *keep, const Profile *p)
{
    Buffer b = buffer_new(keep);
    const Label *l = &p->label;
    buffer_format(&b, "customers:    %zu rows, %zu customers, key %.*s\n", p->customers.rows,
                  portrait_values(p->key), STR_ARG(p->key->name));
    buffer_format(&b, "label:        %.*s, %zu risky and %zu not (%.*s)\n",
                  STR_ARG(l->column->name), l->positives, l->negatives, STR_ARG(l->why));
    buffer_format(&b, "transactions: %zu rows, %.1f %% of a known customer", p->transactions.rows,
                  100 * p->joined);
    if (p->source != NULL)
        buffer_format(&b, ", two-sided from %.*s to %.*s", STR_ARG(p->source->name),
                      STR_ARG(p->target->name));
    add_role(&b, "customer", p->customer);
    add_role(&b, "partner", p->source == NULL ? p->partner : NULL);
    add_role(&b, "key", p->transaction);
    add_role(&b, "time", p->created);
    add_role(&b, "amount", p->amount);
    add_role(&b, "debit", p->debit);
    add_role(&b, "credit", p->credit);
    add_role(&b, "direction", p->direction);
    add_role(&b, "state", p->state);
    add_role(&b, "type", p->type);
    add_role(&b, "currency", p->currency);
    buffer_char(&b, '\n');
    for (size_t i = 0; i < p->histories; i++)
        buffer_format(&b, "history:      %.*s, %zu columns\n", STR_ARG(p->history[i].stem),
                      p->history[i].count);
    add_columns(&b, p, "protected:    ", false);
    add_columns(&b, p, "leaks:        ", true);
    for (size_t i = 0; i < p->notes; i++)
        buffer_format(&b, "unsure %zu:     %.*s\n", i + 1, STR_ARG(p->note[i]));
    return buffer_str(&b);
}
