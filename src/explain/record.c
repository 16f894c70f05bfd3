/* record.c - the customer's record, what was said beside what was done, and what is doubtful. */
#include "explain/case_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- the record ---- */

static bool in_history(const Schema *s, Str name)
{
    const SchemaHistory *history = s->customers.history.item;
    for (size_t i = 0; i < s->customers.history.count; i++)
        for (size_t k = 0; k < history[i].columns.count; k++)
            if (str_equal(history[i].columns.item[k].text, name))
                return true;
    return false;
}

/* What people may see of the record: no identifier, no outcome, no protected ground. */
static bool is_shown(const Schema *s, const SchemaColumn *c)
{
    return c->protected.text.size == 0 && c->type != TYPE_TEXT &&
           !str_equal(c->name.text, s->customers.key.text) &&
           !str_equal(c->name.text, s->customers.person.text) &&
           !schema_is_outcome(s, c->name.text) && !in_history(s, c->name.text);
}

/* Does a feature set a category of the record against transactions, without reading a column on a
 * protected ground? */
static bool compares(const Schema *s, const Feature *f, const SchemaColumn *said)
{
    bool reads = false, acts = false;
    if (f->use == USE_MONITOR || lang_type(f->expr) != TYPE_BOOLEAN)
        return false;
    for (size_t i = 0; i < f->read_count; i++) {
        const SchemaColumn *own = schema_customer_column(s, f->reads[i]);
        if (own != NULL && own->protected.text.size > 0)
            return false;
        if (own != NULL && own->type == TYPE_CATEGORY && is_shown(s, own))
            reads = reads || said == NULL || said == own;
        else if (schema_transaction_column(s, f->reads[i]) != NULL)
            acts = true;
    }
    return reads && acts;
}

void case_read_record(Case *c, const Gathering *g, Arena *keep)
{
    const Schema *s = g->bundle->schema;
    const Plan *p = g->bundle->plan;
    const SchemaColumn *column = s->customers.columns.item;
    c->field = ARENA_ARRAY(keep, CaseField, s->customers.columns.count + 1);
    for (size_t i = 0; i < s->customers.columns.count; i++) {
        const Column *cell = table_find(g->data->profile, column[i].name.text);
        c->hidden +=
            column[i].protected.text.size > 0 && cell != NULL && column_valid(cell, g->customer);
        if (!is_shown(s, &column[i]) || cell == NULL)
            continue;
        CaseField *f = &c->field[c->fields++];
        *f = (CaseField){.name = column[i].name.text,
                         .says = case_text(c, column[i].says.text),
                         .value = cell_text(keep, cell, g->customer)};
        for (size_t k = 0; k < p->features && !f->declared; k++)
            f->declared =
                column[i].type == TYPE_CATEGORY && compares(s, &p->feature[k], &column[i]);
    }
    c->comparison = ARENA_ARRAY(keep, CaseComparison, p->features + 1);
    for (size_t k = 0; k < p->features; k++) {
        const Feature *f = &p->feature[k];
        const Column *value = &g->scored->features->column[k];
        if (!compares(s, f, NULL))
            continue;
        bool known = column_valid(value, g->customer);
        bool holds = known && value->boolean[g->customer] != 0;
        c->comparison[c->comparisons++] =
            (CaseComparison){f->name.text, case_text(c, f->says.text), known, holds};
        c->holding += holds;
    }
}

/* ---- what is doubtful ---- */

typedef struct Warnings {
    Case *c;
    Arena *arena;
    size_t capacity;
} Warnings;

static CaseWarning *warn(Warnings *w, const char *code, size_t count, Str sentence)
{
    CaseWarning *item = ARENA_PUSH(w->arena, w->c->warning, w->c->warnings, w->capacity);
    *item = (CaseWarning){.code = str_from(code), .count = count, .sentence = sentence};
    item->place = ARENA_ARRAY(w->arena, Str, CASE_PLACES_MAX);
    return item;
}

static void add_place(CaseWarning *item, Arena *arena, Str file, uint64_t line)
{
    if (item->places < CASE_PLACES_MAX)
        item->place[item->places++] =
            str_format(arena, "%.*s:%llu", STR_ARG(file), (unsigned long long)line);
}

/* The rows of `t` (of the customer's transactions, `row`) that are marked, as one warning. */
static void warn_rows(Warnings *w, const char *code, const Table *t, const uint32_t *row,
                      const uint8_t *marked, size_t count, const char *one, const char *many)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += marked[i];
    if (found == 0)
        return;
    CaseWarning *item = warn(w, code, found, case_plural(w->arena, w->c, found, one, many));
    for (size_t i = 0; i < count; i++)
        if (marked[i] && t->file != NULL && t->file[row[i]] < t->file_count)
            add_place(item, w->arena, t->files[t->file[row[i]]], t->line[row[i]]);
}

static int by_number(const void *left, const void *right, void *context)
{
    const uint32_t *code = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return code[a] != code[b] ? (code[a] > code[b] ? 1 : -1) : (a > b) - (a < b);
}

/* Rows of one event that do not say the same amount. */
static void mark_amounts(uint8_t *marked, const Schema *s, const Table *t, uint32_t *row,
                         size_t count)
{
    const Column *key = table_find(t, s->transactions.key.text);
    const Column *amount = table_find(t, s->transactions.amount.text);
    if (key == NULL || amount == NULL || key->dictionary == NULL || count == 0)
        return;
    qsort_r(row, count, sizeof *row, by_number, key->code);
    for (size_t i = 1; i < count; i++)
        marked[i] = key->code[row[i]] == key->code[row[i - 1]] &&
                    !cell_equal(amount, row[i], amount, row[i - 1]);
}

static void warn_transactions(Warnings *w, const Gathering *g, Arena scratch)
{
    const Schema *s = g->bundle->schema;
    const Dataset *d = g->data;
    const Table *t = d->versions;
    uint32_t *row = ARENA_ARRAY(&scratch, uint32_t, t->rows + 1);
    size_t count = 0;
    for (size_t i = 0; i < t->rows; i++)
        if (d->owner[i] == g->customer)
            row[count++] = (uint32_t)i;
    const Column *created = table_find(t, s->transactions.created.text);
    const Column *completed = table_find(t, s->transactions.completed.text);
    const Column *amount = table_find(t, s->transactions.amount.text);
    uint8_t *early = ARENA_ARRAY(&scratch, uint8_t, count + 1);
    uint8_t *late = ARENA_ARRAY(&scratch, uint8_t, count + 1);
    uint8_t *empty = ARENA_ARRAY(&scratch, uint8_t, count + 1);
    uint8_t *differ = ARENA_ARRAY(&scratch, uint8_t, count + 1);
    mark_amounts(differ, s, t, row, count); /* puts row in order, too */
    for (size_t i = 0; i < count; i++) {
        bool begun = created != NULL && column_valid(created, row[i]);
        early[i] = begun && completed != NULL && column_valid(completed, row[i]) &&
                   completed->integer[row[i]] < created->integer[row[i]];
        late[i] = begun && created->integer[row[i]] > d->as_of_us;
        empty[i] = amount != NULL && !column_valid(amount, row[i]);
    }
    size_t merged = count - (w->c->events < count ? w->c->events : count);
    size_t after = 0;
    for (size_t i = 0; i < count; i++)
        after += late[i];
    if (merged > after)
        (void)warn(w, "transaction_versions", merged - after,
                   case_say(w->arena, w->c,
                            "{rows} rows of transactions are {count} transactions: the others are "
                            "earlier states of the same or repeat it.",
                            (MessagePart[]){{S("rows"), case_count(w->arena, w->c, count - after)},
                                            {S("count"), case_count(w->arena, w->c, w->c->events)}},
                            2));
    warn_rows(
        w, "amount_changed", t, row, differ, count,
        "{count} row of a transaction has another amount than an earlier row of it; the latest "
        "known counts.",
        "{count} rows of transactions have another amount than an earlier row of the same; the "
        "latest known counts.");
    warn_rows(
        w, "completed_before_created", t, row, early, count,
        "{count} transaction row ended before it was begun; it counts from when it was begun.",
        "{count} transaction rows ended before they were begun; they count from when they were "
        "begun.");
    warn_rows(w, "after_as_of", t, row, late, count,
              "{count} transaction row is later than the instant of this case and left out.",
              "{count} transaction rows are later than the instant of this case and left out.");
    warn_rows(w, "amount_missing", t, row, empty, count, "{count} transaction row has no amount.",
              "{count} transaction rows have no amount.");
    uint8_t *across = ARENA_ARRAY(&scratch, uint8_t, count + 1);
    for (size_t i = 0; i < count && t->file != NULL; i++)
        for (size_t l = 0; l < d->ledger_count && t->file[row[i]] < t->file_count; l++)
            if (str_equal(d->ledger[l].file, t->files[t->file[row[i]]])) {
                bool scored = str_equal(d->ledger[l].role, S("score_transactions"));
                across[i] = d->cohort[g->customer] == (scored ? COHORT_LABELLED : COHORT_SCORED);
            }
    warn_rows(w, "other_cohorts_file", t, row, across, count,
              "{count} transaction row came in a file of the other group of customers.",
              "{count} transaction rows came in files of the other group of customers.");
}

static bool ends_cell(Str text, size_t at)
{
    return at >= text.size || strchr(",;\t|\"'\r\n", text.data[at]) != NULL;
}

/* Does the row hold the id as a cell? */
static bool mentions(Str raw, Str id)
{
    for (size_t from = 0; from + id.size <= raw.size;) {
        const char *at = memmem(raw.data + from, raw.size - from, id.data, id.size);
        if (at == NULL)
            return false;
        size_t start = (size_t)(at - raw.data);
        if ((start == 0 || ends_cell(raw, start - 1)) && ends_cell(raw, start + id.size))
            return true;
        from = start + 1;
    }
    return false;
}

enum { ID_TELLS = 4 }; /* a shorter id may stand in a row by chance */

static void warn_quarantine(Warnings *w, const Gathering *g)
{
    const Quarantine *q = g->data->quarantine;
    Str id = g->data->id[g->customer];
    size_t found = 0;
    if (q == NULL || id.size < ID_TELLS)
        return;
    for (size_t i = 0; i < q->count; i++)
        found += mentions(q->row[i].raw, id);
    if (found == 0)
        return;
    CaseWarning *item =
        warn(w, "quarantined_rows", found,
             case_plural(w->arena, w->c, found,
                         "{count} row that names this customer could not be used.",
                         "{count} rows that name this customer could not be used."));
    for (size_t i = 0; i < q->count; i++)
        if (mentions(q->row[i].raw, id))
            add_place(item, w->arena, q->files->text[q->row[i].file], q->row[i].line);
}

static void warn_levels(Warnings *w, const Gathering *g)
{
    const Bundle *b = g->bundle;
    for (size_t i = 0; i < b->plan->features; i++) {
        const Feature *f = &b->plan->feature[i];
        if (f->use != USE_MODEL || b->skip[i] || lang_type(f->expr) != TYPE_CATEGORY)
            continue;
        const Column *c = &g->scored->features->column[i];
        Str value = case_cell(c, g->customer);
        bool known = !column_valid(c, g->customer);
        for (size_t l = 0; l < f->levels && !known; l++)
            known = str_equal(f->level[l], value);
        if (!known)
            (void)warn(w, "unknown_category", 1,
                       case_say(w->arena, w->c,
                                "{feature} has the value {value}, which the model has not learnt; "
                                "it is scored as none of the known ones.",
                                (MessagePart[]){{S("feature"), f->name.text}, {S("value"), value}},
                                2));
    }
}

void case_read_warnings(Case *c, const Gathering *g, Arena *keep, Arena scratch)
{
    Warnings w = {c, keep, 0};
    const Dataset *d = g->data;
    const Column *records = table_find(d->profile, S("records"));
    if (c->contradictory)
        (void)warn(&w, "contradictory_label", 1,
                   case_word(c, "The files call this customer both risky and good; settle that "
                                "first."));
    if (records != NULL && records->integer[g->customer] > 1)
        (void)warn(&w, "customer_versions", (size_t)records->integer[g->customer],
                   case_plural(keep, c, (size_t)records->integer[g->customer],
                               "{count} row is this customer's record.",
                               "{count} rows are versions of this customer's record; where they "
                               "differ the most frequent value stands, and on a tie none."));
    if (d->cohort[g->customer] == (COHORT_LABELLED | COHORT_SCORED))
        (void)warn(
            &w, "in_both_cohorts", 1,
            case_word(c, "The customer is in the files of labelled customers and of those to be "
                         "scored."));
    warn_transactions(&w, g, scratch);
    warn_quarantine(&w, g);
    warn_levels(&w, g);
}
