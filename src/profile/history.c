/* history.c - wide columns, one a month, that are a history laid on its side. */
#include "profile/profile_internal.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_LEAST = 3 };

/* A name that ends with a count or a month: "bill amt 3", "solde 2024 03", "umsatz 202403". */
typedef struct Ending {
    Str stem;
    int64_t at; /* the count, or months since year 0 */
    bool dated;
    Portrait *column;
} Ending;

static bool last_number(Str *plain, int64_t *out, size_t *digits)
{
    Str s = str_trim(*plain);
    size_t from = s.size;
    while (from > 0 && s.data[from - 1] >= '0' && s.data[from - 1] <= '9')
        from--;
    *digits = s.size - from;
    if (*digits == 0 || from == 0 || *digits > 6 || !parse_int64(str_slice(s, from, s.size), out))
        return false;
    *plain = str_slice(s, 0, from);
    return true;
}

static bool ending_of(Ending *out, Portrait *c)
{
    Str stem = c->plain;
    int64_t last, before;
    size_t digits, more;
    if (!last_number(&stem, &last, &digits))
        return false;
    *out = (Ending){.at = last, .column = c};
    if (digits == 6 && last / 100 >= 1990 && last / 100 <= 2100 && last % 100 >= 1 &&
        last % 100 <= 12) {
        out->at = last / 100 * 12 + last % 100 - 1;
        out->dated = true;
    } else if (last >= 1 && last <= 12) {
        Str rest = stem;
        if (last_number(&rest, &before, &more) && more == 4 && before >= 1990 && before <= 2100) {
            out->at = before * 12 + last - 1;
            out->dated = true;
            stem = rest;
        }
    }
    out->stem = str_trim(stem);
    return out->stem.size > 0;
}

static int by_stem(const void *a, const void *b)
{
    const Ending *x = a, *y = b;
    int order = str_compare(x->stem, y->stem);
    if (order != 0)
        return order;
    if (x->dated != y->dated)
        return x->dated ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

static void add(Profile *p, const Ending *e, size_t count)
{
    History *h = &p->history[p->histories++];
    Buffer stem = buffer_new(p->arena);
    for (size_t i = 0; i < e->stem.size; i++) {
        char c = e->stem.data[i];
        buffer_char(&stem, c == ' ' ? '_' : (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));
    }
    *h = (History){.stem = buffer_str(&stem),
                   .column = ARENA_ARRAY(p->arena, Portrait *, count),
                   .count = count,
                   .dated = e->dated};
    for (size_t i = 0; i < count; i++) {
        h->column[i] = e[i].column;
        h->column[i]->in_history = true;
        if (e[i].column->number_form.digits > p->scale)
            p->scale = e[i].column->number_form.digits;
    }
    h->from_us = p->latest_us / DAY_US * DAY_US - (int64_t)count * 30 * DAY_US;
    if (h->dated)
        h->from_us = days_from_civil(e->at / 12, (int)(e->at % 12) + 1, 1) * DAY_US;
    else
        profile_note(p,
                     "%.*s to %.*s look like one value a month and are read as a history, the "
                     "first taken for the oldest and the last for a month before the last "
                     "transaction. Turn the list round if it runs the other way; `from:` is a "
                     "guess.",
                     STR_ARG(h->column[0]->name), STR_ARG(h->column[count - 1]->name));
}

void history_find(Profile *p, Arena scratch)
{
    Ending *e = ARENA_ARRAY(&scratch, Ending, p->customers.columns + 1);
    size_t count = 0;
    p->history = ARENA_ARRAY(p->arena, History, p->customers.columns + 1);
    for (size_t k = 0; k < p->customers.columns; k++) {
        Portrait *c = &p->customers.column[k];
        bool amount = c->kind == KIND_INTEGER || c->kind == KIND_DECIMAL || c->kind == KIND_BOOLEAN;
        bool free = c != p->key && c != p->label.column && c->ground == NULL && c->leak.size == 0;
        if (free && amount && ending_of(&e[count], c))
            count++;
    }
    qsort(e, count, sizeof *e, by_stem);
    for (size_t from = 0, to; from < count; from = to) {
        size_t numeric = 0;
        for (to = from;
             to < count && str_equal(e[to].stem, e[from].stem) && e[to].dated == e[from].dated;
             to++)
            numeric += e[to].column->kind != KIND_BOOLEAN;
        if (to - from < COLUMNS_LEAST || numeric * 2 < to - from)
            continue;
        if (p->created == NULL) {
            profile_note(p,
                         "%.*s and %zu more look like a history, but without a time among the "
                         "transactions it has no place; they are read as columns of their own.",
                         STR_ARG(e[from].column->name), to - from - 1);
            continue;
        }
        add(p, e + from, to - from);
    }
    if (p->histories == 0)
        return;
    p->series = S("series");
    for (size_t k = 0; k < p->transactions.columns; k++)
        if (str_equal(p->transactions.column[k].name, p->series))
            p->series = S("history_series");
    /* The first days of a customer now begin with the history. */
    int64_t from = p->latest_us;
    for (size_t i = 0; i < p->histories; i++)
        from = p->history[i].from_us < from ? p->history[i].from_us : from;
    p->window_days = (int)((p->latest_us - from) / DAY_US) + 31;
}
