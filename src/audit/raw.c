/* raw.c - what the files hold of each customer, before any book makes features of it. */
#include "audit/audit_internal.h"

#include <math.h>

enum { VALUES_MAX = 40, VALUE_CUSTOMERS = 5 }; /* of one column of transactions */

typedef struct Shelf {
    Arena *keep;
    Table *table; /* all customers asked for: labelled, then scored */
    Probe *probe;
    size_t columns, capacity;
    const uint32_t *customer; /* [rows] of the dataset */
    const Events *events;
} Shelf;

static Column *shelf_slot(Shelf *s, ProbeAbout about, Str name, Str column, Str value)
{
    if (s->columns == s->capacity) {
        size_t more = s->capacity == 0 ? 64 : 2 * s->capacity;
        s->table->column =
            arena_grow(s->keep, s->table->column, s->capacity, more, sizeof *s->table->column);
        s->probe = arena_grow(s->keep, s->probe, s->capacity, more, sizeof *s->probe);
        s->capacity = more;
    }
    s->probe[s->columns] = (Probe){.about = about, .name = name, .column = column, .value = value};
    return &s->table->column[s->columns++];
}

static Column *shelf_add(Shelf *s, Type type, ProbeAbout about, Str name, Str column, Str value)
{
    Column *c = shelf_slot(s, about, name, column, value);
    column_init(c, s->keep, name, type, 0, s->table->rows, NULL);
    return c;
}

static void set_real(Column *c, size_t row, double x)
{
    c->real[row] = x;
    column_set_valid(c, row);
}

static void set_flag(Column *c, size_t row, bool on)
{
    c->boolean[row] = on;
    column_set_valid(c, row);
}

/* The customers' columns as they are. `records` is how a customer was observed. */
static void add_customers(Shelf *s, const Table *profile)
{
    const Table *taken = table_take(s->keep, profile, s->customer, s->table->rows);
    for (size_t k = 0; k < taken->columns; k++) {
        Str name = taken->column[k].name;
        bool records = str_equal(name, S("records"));
        Column *c = records
                        ? shelf_slot(s, PROBE_OBSERVATION, S("rows of the customer"), S(""), S(""))
                        : shelf_slot(s, PROBE_CUSTOMER, name, name, S(""));
        *c = taken->column[k];
        c->name = records ? S("rows of the customer") : name;
    }
}

static double days(int64_t us)
{
    return (double)us / (double)DAY_US;
}

static void add_observation(Shelf *s)
{
    static const char *const names[] = {"having transactions",
                                        "number of transactions",
                                        "days since the last transaction",
                                        "days since the first transaction",
                                        "days between first and last transaction",
                                        "rows of a transaction, on average"};
    const Events *e = s->events;
    bool timeless = e->plan->schema->timeless;
    const Column *records = table_find(e->rows, S("records"));
    /* A column at a time: the shelf may move when it grows. */
    for (size_t k = 0; k < COUNT_OF(names); k++) {
        if ((timeless && k >= 2 && k <= 4) || (records == NULL && k == 5))
            continue;
        Column *c = shelf_add(s, k == 0 ? TYPE_BOOLEAN : TYPE_DOUBLE, PROBE_OBSERVATION,
                              str_from(names[k]), S(""), S(""));
        for (size_t i = 0; i < s->table->rows; i++) {
            size_t customer = s->customer[i];
            size_t from = e->start[customer], to = e->start[customer + 1];
            double sum = 0;
            for (size_t row = from; row < to && k == 5; row++)
                sum += cell_double(records, row);
            if (k == 0)
                set_flag(c, i, to > from);
            else if (k == 1)
                set_real(c, i, (double)(to - from));
            else if (to == from)
                continue;
            else
                set_real(c, i,
                         k == 2   ? days(e->as_of_us[customer] - e->created_us[to - 1])
                         : k == 3 ? days(e->as_of_us[customer] - e->created_us[from])
                         : k == 4 ? days(e->created_us[to - 1] - e->created_us[from])
                                  : sum / (double)(to - from));
        }
    }
}

/* The values of a column that enough customers' transactions have, by code; most first is not
 * needed. */
static size_t values_of(uint32_t *value, const Shelf *s, const Column *c, Arena scratch)
{
    size_t codes = c->dictionary->count, found = 0;
    uint32_t *last = ARENA_ARRAY(&scratch, uint32_t, codes + 1);
    uint32_t *customers = ARENA_ARRAY(&scratch, uint32_t, codes + 1);
    for (size_t i = 0; i < s->table->rows; i++)
        for (size_t row = s->events->start[s->customer[i]];
             row < s->events->start[s->customer[i] + 1]; row++)
            if (column_valid(c, row) && last[c->code[row]] != i + 1) {
                last[c->code[row]] = (uint32_t)i + 1;
                customers[c->code[row]]++;
            }
    for (size_t k = 0; k < codes; k++)
        if (customers[k] >= VALUE_CUSTOMERS) {
            if (found == VALUES_MAX)
                return 0; /* an identifier, or text */
            value[found++] = (uint32_t)k;
        }
    return found;
}

static void add_value(Shelf *s, const Column *c, uint32_t code)
{
    Str value = c->dictionary->text[code];
    const Events *e = s->events;
    for (int share = 0; share < 2; share++) {
        Str name = str_format(s->keep, "%.*s = %.*s (%s)", STR_ARG(c->name),
                              STR_ARG(str_slice(value, 0, value.size < 60 ? value.size : 60)),
                              share != 0 ? "share" : "any");
        Column *to = shelf_add(s, share != 0 ? TYPE_DOUBLE : TYPE_BOOLEAN, PROBE_TRANSACTION, name,
                               c->name, value);
        for (size_t i = 0; i < s->table->rows; i++) {
            size_t from = e->start[s->customer[i]], until = e->start[s->customer[i] + 1];
            size_t count = 0;
            for (size_t row = from; row < until; row++)
                count += column_valid(c, row) && c->code[row] == code;
            if (share == 0)
                set_flag(to, i, count > 0);
            else if (until > from)
                set_real(to, i, (double)count / (double)(until - from));
        }
    }
}

/* The mean of a number, and how many of the cells are filled (unless all are). */
static void add_number(Shelf *s, const Column *c, bool filled)
{
    const Events *e = s->events;
    bool all = true;
    for (size_t row = 0; row < e->rows->rows && all; row++)
        all = column_valid(c, row);
    if (filled && all)
        return;
    Str name = str_format(s->keep, "%.*s (%s)", STR_ARG(c->name), filled ? "filled" : "mean");
    Column *to = shelf_add(s, TYPE_DOUBLE, PROBE_TRANSACTION, name, c->name, S(""));
    for (size_t i = 0; i < s->table->rows; i++) {
        size_t from = e->start[s->customer[i]], until = e->start[s->customer[i] + 1], count = 0;
        double sum = 0;
        for (size_t row = from; row < until; row++)
            if (column_valid(c, row)) {
                sum += filled ? 0 : cell_double(c, row);
                count++;
            }
        if (filled && until > from)
            set_real(to, i, (double)count / (double)(until - from));
        else if (!filled && count > 0)
            set_real(to, i, sum / (double)count);
    }
}

/* What every bank has of a transaction. A value of it may be set because of the outcome; that the
 * whole of it tells the label is what behaviour does. */
static bool behaves(const SchemaTransactions *t, Str name)
{
    const BookText *role[] = {&t->amount,    &t->state, &t->currency,
                              &t->completed, &t->debit, &t->credit};
    for (size_t i = 0; i < COUNT_OF(role); i++)
        if (str_equal(role[i]->text, name))
            return true;
    return str_equal(name, str_from(SCHEMA_DIRECTION)) || str_equal(name, str_from(SCHEMA_AMOUNT));
}

static bool is_role(const SchemaTransactions *t, Str name)
{
    const BookText *role[] = {&t->key, &t->customer, &t->sides.source, &t->sides.target,
                              &t->created};
    for (size_t i = 0; i < COUNT_OF(role); i++)
        if (str_equal(role[i]->text, name))
            return true;
    return str_equal(name, S("records")) || str_equal(name, str_from(SCHEMA_PARTNER));
}

static void add_transactions(Shelf *s, const Schema *schema, Arena scratch)
{
    const Table *rows = s->events->rows;
    for (size_t k = 0; k < rows->columns; k++) {
        const Column *c = &rows->column[k];
        size_t first = s->columns;
        if (is_role(&schema->transactions, c->name))
            continue;
        if (c->type == TYPE_CATEGORY || c->type == TYPE_TEXT) {
            uint32_t value[VALUES_MAX];
            size_t values = values_of(value, s, c, scratch);
            for (size_t v = 0; v < values; v++)
                add_value(s, c, value[v]);
        } else if (c->type != TYPE_TIME && c->type != TYPE_DATE) {
            add_number(s, c, false);
        }
        add_number(s, c, true);
        for (size_t i = first; i < s->columns; i++)
            s->probe[i].role = behaves(&schema->transactions, c->name);
    }
}

static const Table *part_of(Arena *keep, const Table *t, size_t from, size_t count)
{
    uint32_t *row = ARENA_RAW(keep, uint32_t, count + 1);
    for (size_t i = 0; i < count; i++)
        row[i] = (uint32_t)(from + i);
    return table_take(keep, t, row, count);
}

static Shelf shelf_of(Arena *keep, Arena scratch, const Dataset *d, const Events *events,
                      const uint32_t *customer, size_t customers)
{
    Shelf s = {.keep = keep,
               .table = table_new(keep, S("columns"), customers, 0),
               .customer = customer,
               .events = events};
    s.table->column = NULL;
    add_customers(&s, d->profile);
    add_observation(&s);
    add_transactions(&s, d->schema, scratch);
    s.table->columns = s.columns;
    return s;
}

/* The columns of t as `whole` has them; one that it lacks (a value that came too seldom or too
 * many there) as it is. */
static const Table *as_whole(Arena *keep, const Table *t, const Table *whole)
{
    Table *out = table_new(keep, t->name, t->rows, t->columns);
    for (size_t k = 0; k < t->columns; k++) {
        const Column *c = table_find(whole, t->column[k].name);
        out->column[k] = c == NULL ? t->column[k] : *c;
    }
    return out;
}

void audit_raw(RawColumns *out, Arena *keep, Arena scratch, const Dataset *d, const Events *events,
               const Events *whole, const uint32_t *row, size_t labelled,
               const uint32_t *scored_row, size_t scored)
{
    uint32_t *customer = ARENA_RAW(keep, uint32_t, labelled + scored + 1);
    for (size_t i = 0; i < labelled; i++)
        customer[i] = row[i];
    for (size_t i = 0; i < scored; i++)
        customer[labelled + i] = scored_row[i];
    Shelf s = shelf_of(keep, scratch, d, events, customer, labelled + scored);
    out->probe = s.probe;
    out->labelled = part_of(keep, s.table, 0, labelled);
    out->scored = scored == 0 ? NULL : part_of(keep, s.table, labelled, scored);
    out->whole = NULL;
    if (whole == NULL || whole == events)
        return;
    Shelf w = shelf_of(keep, scratch, d, whole, customer, labelled + scored);
    out->whole = part_of(keep, as_whole(keep, s.table, w.table), 0, labelled);
}
