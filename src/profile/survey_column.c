/* survey_column.c - one column in numbers: quantiles, steps, the most frequent values. */
#include "profile/profile_internal.h"

#include <math.h>
#include <stdlib.h>

typedef struct Weighed {
    double value;
    size_t rows;
} Weighed;

static int ascending(const void *a, const void *b)
{
    double x = ((const Weighed *)a)->value, y = ((const Weighed *)b)->value;
    return (x > y) - (x < y);
}

/* The k-th smallest of the rows, from 0. */
static double at_rank(const Weighed *w, size_t count, size_t k)
{
    size_t i = 0;
    while (i + 1 < count && k >= w[i].rows)
        k -= w[i++].rows;
    return w[i].value;
}

/* R-7, as metric_quantile. */
static double quantile(const Weighed *w, size_t count, size_t rows, double share)
{
    double at = (double)(rows - 1) * share, below = floor(at);
    double low = at_rank(w, count, (size_t)below);
    if (at == below)
        return low;
    double high = at_rank(w, count, (size_t)below + 1);
    return low + (high - low) * (at - below);
}

static void steps_of(SurveyColumn *out, const Weighed *w, size_t count)
{
    if (!(out->to > out->from))
        return;
    out->steps = SURVEY_STEPS;
    for (size_t i = 0; i < count; i++) {
        double at = (w[i].value - out->from) / (out->to - out->from) * SURVEY_STEPS;
        size_t step = at < 0 ? 0 : at >= SURVEY_STEPS ? SURVEY_STEPS - 1 : (size_t)at;
        out->step[step] += w[i].rows;
    }
}

static void measure(SurveyColumn *out, const Portrait *c, Arena scratch)
{
    Weighed *w = ARENA_RAW(&scratch, Weighed, portrait_values(c) + 1);
    size_t count = 0, rows = 0;
    ExactSum sum = {.count = 0};
    for (size_t i = 0; i < portrait_values(c); i++)
        if (!is_missing(c->number[i])) {
            w[count++] = (Weighed){c->number[i], c->count[i]};
            rows += c->count[i];
            exact_add(&sum, c->number[i] * (double)c->count[i]);
        }
    if (rows == 0)
        return;
    qsort(w, count, sizeof *w, ascending);
    out->low = w[0].value;
    out->high = w[count - 1].value;
    out->mean = exact_value(&sum) / (double)rows;
    out->q1 = quantile(w, count, rows, 0.25);
    out->median = quantile(w, count, rows, 0.5);
    out->q3 = quantile(w, count, rows, 0.75);
    out->from = quantile(w, count, rows, 0.01);
    out->to = quantile(w, count, rows, 0.99);
    double between = out->q3 - out->q1;
    if (between > 0) { /* one long tail would leave all but a step empty */
        out->from = fmax(out->from, out->q1 - 3 * between);
        out->to = fmin(out->to, out->q3 + 3 * between);
    }
    for (size_t i = 0; i < count && between > 0; i++) {
        out->below += w[i].value < out->q1 - 3 * between ? w[i].rows : 0;
        out->above += w[i].value > out->q3 + 3 * between ? w[i].rows : 0;
    }
    steps_of(out, w, count);
}

/* Codes as systems make them: long, all of one length, with figures. */
static bool made_by_machine(const SurveyColumn *s, const Portrait *c)
{
    enum { LENGTH = 8, LOOK = 200 };
    if (s->shortest != s->longest || s->longest < LENGTH)
        return false;
    for (size_t i = 0; i < portrait_values(c) && i < LOOK; i++) {
        bool figure = false;
        Str text = c->value->text[i];
        for (size_t k = 0; k < text.size; k++)
            figure = figure || (text.data[k] >= '0' && text.data[k] <= '9');
        if (!figure)
            return false;
    }
    return true;
}

/* Whole numbers that count rows: all different and close together. */
static bool counts_rows(const Portrait *c)
{
    enum { ROWS = 50, SPREAD = 20 };
    return c->kind == KIND_INTEGER && portrait_values(c) == c->filled && c->filled >= ROWS &&
           c->high - c->low < SPREAD * (double)c->filled;
}

static void find_hidden(SurveyColumn *out, const Portrait *c)
{
    enum { ROWS = 10, CODES = 30 }; /* fewer codes stand for kinds of things, not for one each */
    bool text = c->kind == KIND_TEXT || c->kind == KIND_CATEGORY;
    bool many = c->kind == KIND_TEXT || (c->kind == KIND_CATEGORY && out->distinct > CODES);
    bool nearly_unique = c->filled >= ROWS && out->distinct * 10 >= c->filled * 9;
    if (text && SPEAKS(c, WORD_NAME))
        out->hidden_why = S("by its name it is about people");
    else if (c->kind == KIND_TEXT && nearly_unique)
        out->hidden_why = out->distinct == c->filled ? S("every row has a value of its own")
                                                     : S("nearly every row has a value of its own");
    else if (many && SPEAKS(c, WORD_ID))
        out->hidden_why = S("by its name it identifies something");
    else if (many && made_by_machine(out, c))
        out->hidden_why = S("its values look like identifiers");
    else if (counts_rows(c) || (c->kind == KIND_INTEGER && SPEAKS(c, WORD_ID) && nearly_unique))
        out->hidden_why = S("whole numbers that name rows");
    out->hidden = out->hidden_why.size > 0;
}

static void find_tops(SurveyColumn *out, const Portrait *c, const Viewed *seen, Arena scratch)
{
    enum { SMALL = 50 };
    size_t least = seen->sheet.rows < SMALL ? 1 : SURVEY_LEAST;
    const uint32_t *order = portrait_order(&scratch, c);
    for (size_t i = 0; i < portrait_values(c) && out->tops < SURVEY_TOPS; i++) {
        if (c->count[order[i]] < least)
            break;
        out->top[out->tops++] = (SurveyValue){c->value->text[order[i]], c->count[order[i]]};
    }
}

static Str holds_of(Arena *keep, const Portrait *c)
{
    switch (c->kind) {
    case KIND_EMPTY:
        return S("nothing");
    case KIND_BOOLEAN:
        return S("yes or no");
    case KIND_INTEGER:
        return S("whole number");
    case KIND_DECIMAL:
        return str_format(keep, "number, %d decimals", c->number_form.digits);
    case KIND_DOUBLE:
        return S("number");
    case KIND_TIME:
        return str_format(keep, "%s, %s", c->clock ? "time" : "date", form_name(c->form));
    case KIND_CATEGORY:
        return S("category");
    case KIND_TEXT:
        break;
    }
    return S("text");
}

void survey_column(SurveyColumn *out, const Portrait *c, const Viewed *seen, Arena scratch)
{
    *out = (SurveyColumn){.name = c->name,
                          .holds = holds_of(seen->keep, c),
                          .number = portrait_numeric(c),
                          .time = c->kind == KIND_TIME,
                          .filled = c->filled,
                          .distinct = portrait_values(c),
                          .low = MISSING_VALUE,
                          .q1 = MISSING_VALUE,
                          .median = MISSING_VALUE,
                          .q3 = MISSING_VALUE,
                          .high = MISSING_VALUE,
                          .mean = MISSING_VALUE,
                          .from = MISSING_VALUE,
                          .to = MISSING_VALUE,
                          .shortest = SIZE_MAX};
    for (size_t i = 0; i < portrait_values(c); i++) {
        size_t length = str_characters(c->value->text[i]);
        out->shortest = length < out->shortest ? length : out->shortest;
        out->longest = length > out->longest ? length : out->longest;
    }
    out->shortest = out->distinct == 0 ? 0 : out->shortest;
    find_hidden(out, c);
    if ((out->number || out->time) && !out->hidden)
        measure(out, c, scratch);
    else if (!out->hidden && !seen->hide_values)
        find_tops(out, c, seen, scratch);
    if (seen->hide_values || SPEAKS(c, WORD_AGE)) /* the oldest customer is a person */
        out->low = out->high = MISSING_VALUE;
}
