/* schema_book.c - the schema book as text: roles, columns, and what was unsure as comments. */
#include "profile/profile_internal.h"

#include <string.h>

enum { VALUES_SHOWN = 8, VALUES_CLOSED = 12 };

static void add_list(Buffer *b, const Portrait *c, const uint32_t *order, const uint8_t *side,
                     int want)
{
    bool first = true;
    buffer_char(b, '[');
    for (size_t i = 0; i < portrait_values(c); i++) {
        if (side != NULL && side[order[i]] != want)
            continue;
        if (!first)
            buffer_add(b, S(", "));
        add_yaml(b, c->value->text[order[i]]);
        first = false;
    }
    buffer_char(b, ']');
}

static void add_role(Buffer *b, const char *role, const Portrait *c)
{
    if (c == NULL)
        return;
    buffer_format(b, "  %s: ", role);
    add_yaml(b, c->name);
    buffer_char(b, '\n');
}

static bool is_role(const Profile *p, const Portrait *c)
{
    return c == p->key || c == p->customer || c == p->source || c == p->target ||
           c == p->transaction || c == p->partner;
}

/* The name of a column that the book itself makes, which a file's column may not have. */
static bool is_made(const Profile *p, const Portrait *c)
{
    bool sided = p->source != NULL, parted = p->debit != NULL;
    return ((sided || parted || p->is_signed) && str_equal(c->name, S("direction"))) ||
           (sided && str_equal(c->name, S("partner"))) ||
           (parted && str_equal(c->name, S("amount")));
}

static void add_number_form(Buffer *b, const NumberForm *form)
{
    if (form->mark == ',')
        buffer_add(b, S("      decimal_mark: \",\"\n"));
    if (form->thousands.size > 0)
        buffer_format(b, "      thousands: \"%.*s\"\n", STR_ARG(form->thousands));
}

static void add_time_form(const Profile *p, Buffer *b, const Portrait *c)
{
    char text[TIME_TEXT];
    if (c->form != TIME_ISO)
        buffer_format(b, "      format: %s\n", form_name(c->form));
    if (c->form == TIME_STEP)
        buffer_format(b, "      step: %s\n", p->step_us == HOUR_US ? "1h" : "1d");
    bool short_years = c->form == TIME_YYMMDD;
    for (size_t i = 0; i < portrait_values(c) && !short_years; i++)
        short_years = (c->form == TIME_DAY_MONTH_YEAR || c->form == TIME_MONTH_DAY_YEAR) &&
                      c->value->text[i].size < 8;
    /* 45 as a year of birth is 1945, not 2045: the hundred years end with the data. */
    if (short_years && c != p->created && (int64_t)c->high > p->latest_us + 366 * DAY_US)
        buffer_format(b, "      from: \"%.10s\" # two digits of a year begin here\n",
                      time_text(text, p->latest_us - (int64_t)36500 * DAY_US).data);
}

static void add_values(Buffer *b, const Portrait *c, const char *others, Arena *scratch)
{
    enum { VALUE_SHOWN = 30 };
    const uint32_t *order = portrait_order(scratch, c);
    Buffer seen = buffer_new(scratch);
    for (size_t i = 0; i < portrait_values(c); i++)
        if (c->value->text[i].size > VALUE_SHOWN)
            return; /* identifiers tell a reader nothing */
    for (size_t i = 0; i < portrait_values(c) && i < VALUES_SHOWN; i++)
        buffer_format(&seen, "%s%.*s %.0f %%", i > 0 ? ", " : "", STR_ARG(c->value->text[order[i]]),
                      100.0 * c->count[order[i]] / (double)c->filled);
    if (portrait_values(c) > VALUES_SHOWN)
        buffer_format(&seen, " and %zu more", portrait_values(c) - VALUES_SHOWN);
    buffer_format(&seen, ". %s", others);
    add_comment(b, "      ", str_format(scratch, "seen: %.*s", STR_ARG(buffer_str(&seen))));
}

static const char *meaning(const Profile *p, const Portrait *c)
{
    const struct {
        const Portrait *role;
        const char *says;
    } roles[] = {{p->key, "The customer"},
                 {p->label.column, "The outcome to learn from"},
                 {p->outcome_at, "When the outcome became known"},
                 {p->transaction, "The transaction"},
                 {p->customer, "The customer whose account it moves"},
                 {p->source, "Who pays"},
                 {p->target, "Who is paid"},
                 {p->partner, "The other side"},
                 {p->created, "When it was begun"},
                 {p->completed, "When it was completed"},
                 {p->amount, "How much"},
                 {p->debit, "How much went out"},
                 {p->credit, "How much came in"},
                 {p->direction, "Into the customer's account, or out of it"},
                 {p->state, "How far it got"},
                 {p->type, "By what means the money moves"},
                 {p->currency, "Currency of the amount"}};
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (roles[i].role != NULL && roles[i].role == c)
            return roles[i].says;
    return NULL;
}

static bool is_closed(const Profile *p, const Portrait *c)
{
    return c == p->direction || c == p->state;
}

static const char *type_of(const Profile *p, const Portrait *c)
{
    if (is_role(p, c))
        return "text";
    if (c == p->amount || c == p->debit || c == p->credit || c->in_history)
        return "decimal";
    if (c == p->label.column)
        return c->kind == KIND_BOOLEAN ? "boolean" : "category";
    if (c == p->direction || c == p->state || c == p->currency || c == p->type)
        return "category";
    switch (c->kind) {
    case KIND_BOOLEAN:
        return "boolean";
    case KIND_INTEGER:
        return "int64";
    case KIND_DECIMAL:
        return "decimal";
    case KIND_DOUBLE:
        return "double";
    case KIND_TIME:
        return c->clock || c == p->created || c == p->completed || c->form == TIME_STEP ||
                       c->form == TIME_EPOCH || c->form == TIME_EPOCH_MS || c->form == TIME_EPOCH_US
                   ? "time"
                   : "date";
    case KIND_CATEGORY:
    case KIND_EMPTY:
        return "category";
    case KIND_TEXT:
        break;
    }
    return "text";
}

static void add_column(const Profile *p, Buffer *b, const Portrait *c, Arena scratch)
{
    Str name = c->name;
    if (is_made(p, c)) {
        add_comment(b, "    ",
                    str_format(&scratch,
                               "%.*s is left out: the book makes a column of this name. To use the "
                               "file's, rename it in the file or under `sources:`.",
                               STR_ARG(name)));
        return;
    }
    const char *type = type_of(p, c), *says = meaning(p, c);
    bool money = c == p->amount || c == p->debit || c == p->credit || c->in_history;
    bool decimal = strcmp(type, "decimal") == 0,
         number = decimal || strcmp(type, "int64") == 0 || strcmp(type, "double") == 0;
    buffer_add(b, S("    - name: "));
    add_yaml(b, name);
    buffer_format(b, "\n      type: %s\n", type);
    if (decimal)
        buffer_format(b, "      scale: %d\n", money ? p->scale : c->number_form.digits);
    if (number) {
        NumberForm form = c->number_form;
        if (!decimal && strcmp(type, "double") != 0)
            form.mark = '.'; /* whole numbers have no decimals to mark */
        add_number_form(b, &form);
    }
    if (strcmp(type, "time") == 0 || strcmp(type, "date") == 0)
        add_time_form(p, b, c);
    if (strcmp(type, "category") == 0 && portrait_values(c) > 0) {
        if (is_closed(p, c) && portrait_values(c) <= VALUES_CLOSED) {
            const uint32_t *order = portrait_order(&scratch, c);
            buffer_add(b, S("      values: "));
            add_list(b, c, order, NULL, 0);
            buffer_char(b, '\n');
        } else {
            add_values(b, c,
                       c == p->label.column
                           ? "A run refuses a value that is in none of the label's lists, and "
                             "names it."
                           : "Any other value is taken too.",
                       &scratch);
        }
    }
    if (c->ground != NULL) {
        if (c->ground_why.size > 0)
            add_comment(b, "      ", str_format(&scratch, "unsure: %.*s", STR_ARG(c->ground_why)));
        buffer_format(b, "      protected: %s\n", c->ground);
    }
    if (c->leak.size > 0)
        add_comment(b, "      ",
                    str_format(&scratch, "suspected leak: %.*s. Kept out of the features book.",
                               STR_ARG(c->leak)));
    if (c->kind == KIND_EMPTY)
        add_comment(b, "      ", S("no value at all in these files"));
    buffer_add(b, S("      says: "));
    add_yaml(b, says == NULL ? name : str_from(says));
    buffer_char(b, '\n');
}

static void add_columns(const Profile *p, Buffer *b, const Sheet *s, Arena scratch)
{
    buffer_add(b, S("  columns:\n"));
    for (size_t k = 0; k < s->columns; k++)
        add_column(p, b, &s->column[k], scratch);
}

static void add_label(const Profile *p, Buffer *b, Arena scratch)
{
    const Label *l = &p->label;
    const uint32_t *order = portrait_order(&scratch, l->column);
    add_comment(b, "  ",
                str_format(&scratch,
                           "%zu labelled rows are risky, %zu are not; which is which: %.*s",
                           l->positives, l->negatives, STR_ARG(l->why)));
    buffer_add(b, S("  label:\n    column: "));
    add_yaml(b, l->column->name);
    buffer_add(b, S("\n    positive: "));
    add_list(b, l->column, order, l->side, 1);
    buffer_add(b, S("\n    negative: "));
    add_list(b, l->column, order, l->side, 0);
    if (l->ignored > 0) {
        buffer_add(b, S("\n    ignored: "));
        add_list(b, l->column, order, l->side, 2);
    }
    buffer_char(b, '\n');
}

static void add_histories(const Profile *p, Buffer *b)
{
    char text[TIME_TEXT];
    if (p->histories == 0)
        return;
    buffer_add(b, S("  # One value a period in columns side by side: each becomes an event.\n"
                    "  history:\n"));
    for (size_t i = 0; i < p->histories; i++) {
        const History *h = &p->history[i];
        buffer_add(b, S("    - columns: ["));
        for (size_t k = 0; k < h->count; k++) {
            buffer_add(b, k > 0 ? S(", ") : S(""));
            add_yaml(b, h->column[k]->name);
        }
        buffer_add(b, S("] # oldest first\n      into: "));
        add_yaml(b, p->debit != NULL ? S("amount") : p->amount->name);
        buffer_format(b, "\n      from: %.10s\n      step: 30d\n      set: {%.*s: ",
                      time_text(text, h->from_us).data, STR_ARG(p->series));
        add_yaml(b, h->stem);
        buffer_add(b, S("}\n"));
    }
}

static void add_sources(const Profile *p, Buffer *b)
{
    if (p->sources > 0)
        buffer_add(b, S("  sources: # files with names of their own\n"));
    for (size_t i = 0; i < p->sources; i++) {
        const Source *s = &p->source_file[i];
        buffer_add(b, S("    - files: "));
        add_yaml(b, s->file);
        buffer_add(b, S("\n      rename: {"));
        for (size_t k = 0; k < s->renames; k++) {
            buffer_add(b, k > 0 ? S(", ") : S(""));
            add_yaml(b, s->rename[k].from);
            buffer_add(b, S(": "));
            add_yaml(b, s->rename[k].to);
        }
        buffer_add(b, S("}\n"));
    }
}

static void add_transactions(const Profile *p, Buffer *b, Arena scratch)
{
    buffer_add(b, S("\ntransactions:\n"));
    add_role(b, "key", p->transaction);
    if (p->source != NULL) {
        buffer_add(b, S("  sides: {source: "));
        add_yaml(b, p->source->name);
        buffer_add(b, S(", target: "));
        add_yaml(b, p->target->name);
        buffer_add(b, S("} # a row is an event of both: OUT for the first, IN for the second\n"));
    }
    add_role(b, "customer", p->customer);
    add_role(b, "created", p->created);
    add_role(b, "completed", p->completed);
    add_role(b, "state", p->state);
    add_role(b, "amount", p->amount);
    if (p->is_signed && p->source == NULL)
        buffer_add(b, S("  signed: true # below zero is money out\n"));
    add_role(b, "debit", p->debit);
    add_role(b, "credit", p->credit);
    add_role(b, "currency", p->currency);
    if (p->state != NULL && portrait_saying(p->state, SAYS_PENDING, scratch) > 0) {
        const uint32_t *order = portrait_order(&scratch, p->state);
        uint8_t *pending = ARENA_ARRAY(&scratch, uint8_t, portrait_values(p->state) + 1);
        for (size_t i = 0; i < portrait_values(p->state); i++)
            pending[i] = value_says(p->state->value->text[i], SAYS_PENDING, scratch);
        buffer_add(b, S("  pending: "));
        add_list(b, p->state, order, pending, 1);
        buffer_char(b, '\n');
    }
    add_sources(p, b);
    add_columns(p, b, &p->transactions, scratch);
    if (p->histories > 0)
        buffer_format(b,
                      "    - name: %.*s\n      type: category\n"
                      "      says: Which history an event comes from; missing for transactions\n",
                      STR_ARG(p->series));
}

Str profile_schema_book(Arena *keep, const Profile *p)
{
    Arena scratch = arena_new();
    Buffer b = buffer_new(keep);
    buffer_add(&b, S("# What the data is, as guessed by `assay init` from the files. Read it "
                     "through: it is yours now.\n#\n"
                     "# A column with `protected:` stands for a ground on which the law forbids "
                     "to decide: it is\n# reported on and never enters a model. A category "
                     "without `values:` takes any value.\n"));
    if (p->notes > 0)
        buffer_add(&b, S("#\n# Unsure, so look here first:\n"));
    for (size_t i = 0; i < p->notes; i++)
        add_comment(&b, "", str_format(&scratch, "%zu. %.*s", i + 1, STR_ARG(p->note[i])));
    buffer_add(&b, S("version: 1\nname: "));
    add_yaml(&b, p->name);
    buffer_add(&b, S("\ncurrency: "));
    add_yaml(&b, p->currency_name);
    buffer_add(&b, S("\n\ncustomers:\n"));
    add_role(&b, "key", p->key);
    add_role(&b, "outcome_at", p->outcome_at);
    add_label(p, &b, scratch);
    add_histories(p, &b);
    add_columns(p, &b, &p->customers, scratch);
    add_transactions(p, &b, scratch);
    arena_free(&scratch);
    return buffer_str(&b);
}
