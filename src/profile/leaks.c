/* leaks.c - columns that know the outcome, and what differs between the cohorts. */
#include "profile/profile_internal.h"

#include <math.h>
#include <stdlib.h>

enum { CLASS_LEAST = 10 }; /* customers of a class, below which nothing is said */
static const double separates = 0.9, suspicious = 0.8;

/* The value that stands for the outcome of a row's customer: 1, 0, or less for none. */
static int outcome(const Profile *p, size_t row)
{
    uint32_t who = p->key->code[row];
    return who == NO_CODE ? -1 : p->outcome[who];
}

typedef struct Pair {
    double value;
    int label;
} Pair;

static int by_value(const void *a, const void *b)
{
    const Pair *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* How well one number alone tells the classes apart: Mann and Whitney's, ties half. */
static double area(Pair *pair, size_t count)
{
    double above = 0, positives = 0, negatives = 0, below = 0;
    qsort(pair, count, sizeof *pair, by_value);
    for (size_t from = 0, to; from < count; from = to) {
        double here[2] = {0, 0};
        for (to = from; to < count && pair[to].value == pair[from].value; to++)
            here[pair[to].label]++;
        above += here[1] * (below + here[0] / 2);
        below += here[0];
        negatives += here[0];
        positives += here[1];
    }
    if (positives < CLASS_LEAST || negatives < CLASS_LEAST)
        return 0.5;
    double auc = above / (positives * negatives);
    return auc < 0.5 ? 1 - auc : auc;
}

/* Per value of a column: labelled rows of either class. */
typedef struct Counts {
    size_t (*of)[2]; /* [values] */
    size_t none[2];  /* rows without a value */
    size_t total[2];
} Counts;

static Counts count_classes(const Profile *p, const Portrait *c, Arena *arena)
{
    Counts n = {.of = arena_alloc(arena, portrait_values(c) + 1, sizeof *n.of)};
    for (size_t row = 0; row < p->customers.labelled; row++) {
        int label = outcome(p, row);
        if (label < 0)
            continue;
        n.total[label]++;
        if (c->code[row] == NO_CODE)
            n.none[label]++;
        else
            n.of[c->code[row]][label]++;
    }
    return n;
}

static double share(size_t part, size_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

/* Numbers by size, missing ones below all; few values by their rate among the other rows. */
static double column_area(const Profile *p, const Portrait *c, const Counts *n, Arena scratch)
{
    bool ordered = portrait_numeric(c) || c->kind == KIND_TIME;
    size_t count = 0;
    if (!ordered && c->kind != KIND_CATEGORY && c->kind != KIND_BOOLEAN)
        return 0.5;
    Pair *pair = ARENA_RAW(&scratch, Pair, p->customers.labelled + 1);
    for (size_t row = 0; row < p->customers.labelled; row++) {
        int label = outcome(p, row);
        if (label < 0)
            continue;
        uint32_t code = c->code[row];
        double value = -INFINITY;
        if (ordered && code != NO_CODE && !is_missing(c->number[code]))
            value = c->number[code];
        if (!ordered) {
            size_t risky = code == NO_CODE ? n->none[1] : n->of[code][1];
            size_t all = risky + (code == NO_CODE ? n->none[0] : n->of[code][0]);
            /* A value of a handful of rows says nothing but the overall rate. */
            value = all < 5 ? share(n->total[1], n->total[0] + n->total[1]) : share(risky, all);
        }
        pair[count++] = (Pair){value, label};
    }
    return area(pair, count);
}

/* A time that the risky have and the others do not is when their outcome became known. Of several
 * the first is taken, and the reader told. */
static void note_outcome_time(Profile *p, Portrait *c, Arena scratch)
{
    const Counts n = count_classes(p, c, &scratch);
    double risky = 1 - share(n.none[1], n.total[1]), others = 1 - share(n.none[0], n.total[0]);
    if (c->kind != KIND_TIME || p->created == NULL || risky < 0.5 || others > 0.02 ||
        n.total[1] < CLASS_LEAST || n.total[0] < CLASS_LEAST)
        return;
    if (p->outcome_at != NULL) {
        profile_note(p, "%.*s may also be when the outcome became known; %.*s is taken for it.",
                     STR_ARG(c->name), STR_ARG(p->outcome_at->name));
        return;
    }
    p->outcome_at = c;
    profile_note(p,
                 "%.*s is filled for %.0f %% of the risky customers and %.1f %% of the others: it "
                 "is taken for when the outcome became known (outcome_at), and nothing later is "
                 "learnt from. Take the line away if it is something else.",
                 STR_ARG(c->name), 100 * risky, 100 * others);
}

static Str verdict(Profile *p, const Portrait *c, Arena scratch)
{
    Arena *keep = p->arena;
    Counts n = count_classes(p, c, &scratch);
    if (n.total[0] < CLASS_LEAST || n.total[1] < CLASS_LEAST)
        return S("");
    double filled[2];
    for (int i = 0; i < 2; i++)
        filled[i] = 1 - share(n.none[i], n.total[i]);
    if (fabs(filled[1] - filled[0]) >= 0.3 && fmin(filled[0], filled[1]) <= 0.02)
        return str_format(keep,
                          "it is filled for %.0f %% of the risky customers and %.1f %% of the "
                          "others: it is written when the outcome is known",
                          100 * filled[1], 100 * filled[0]);
    const uint32_t *order = portrait_order(&scratch, c);
    size_t other[2] = {0, 0};
    for (size_t i = 1; i < portrait_values(c); i++)
        for (int k = 0; k < 2; k++)
            other[k] += n.of[order[i]][k];
    size_t some = n.total[1] / 10 > 5 ? n.total[1] / 10 : 5;
    if (portrait_values(c) >= 2 && other[1] >= some && other[0] * 50 <= other[1] &&
        share(other[1], n.total[1]) >= 0.1)
        return str_format(keep,
                          "%.*s stands for nearly all who are not risky, and %zu of the %zu "
                          "customers with another value are risky",
                          STR_ARG(c->value->text[order[0]]), other[1], other[0] + other[1]);
    double auc = column_area(p, c, &n, scratch);
    if (auc >= separates)
        return str_format(keep, "alone it tells the risky from the others at an AUC of %.2f", auc);
    if (SPEAKS(c, WORD_OUTCOME) && !SPEAKS(c, WORD_CUSTOMER) && c->kind != KIND_TEXT)
        return S("its name speaks of an outcome");
    if (SPEAKS(c, WORD_LAST) && c->kind == KIND_TIME)
        return S("it says how lately a customer was observed, and who is stopped falls silent");
    if (auc >= suspicious)
        profile_note(p,
                     "%.*s alone tells the risky from the others at an AUC of %.2f. It is used; "
                     "find out when it is written.",
                     STR_ARG(c->name), auc);
    return S("");
}

/* Rows of transactions by customer, so that a customer is counted once a value. */
static uint32_t *by_owner(const Profile *p, const uint32_t *owner, Arena *arena, size_t *count)
{
    size_t customers = portrait_values(p->key), rows = p->transactions.rows;
    size_t *start = ARENA_ARRAY(arena, size_t, customers + 2);
    uint32_t *out = ARENA_ARRAY(arena, uint32_t, rows + 1);
    for (size_t row = 0; row < rows; row++)
        if (owner[row] != NO_CODE)
            start[owner[row] + 1]++;
    for (size_t i = 0; i < customers; i++)
        start[i + 1] += start[i];
    *count = start[customers];
    for (size_t row = 0; row < rows; row++)
        if (owner[row] != NO_CODE)
            out[start[owner[row]]++] = (uint32_t)row;
    return out;
}

static void event_leak(Profile *p, Portrait *c, const uint32_t *row, size_t rows,
                       const size_t total[2], Arena scratch)
{
    size_t values = portrait_values(c);
    size_t(*with)[2] = arena_alloc(&scratch, values + 1, sizeof *with);
    uint32_t *seen = ARENA_ARRAY(&scratch, uint32_t, values + 1); /* customer + 1 */
    for (size_t i = 0; i < rows; i++) {
        uint32_t who = p->owner[row[i]], code = c->code[row[i]];
        if (code == NO_CODE || seen[code] == who + 1 || p->outcome[who] < 0)
            continue;
        seen[code] = who + 1;
        with[code][p->outcome[who]]++;
    }
    /* What is known to be a state or a kind is used, with a warning; a column that was taken for a
     * kind for want of a better one is not. */
    bool role = (c == p->type && SPEAKS(c, WORD_TYPE)) || c == p->state || c == p->direction;
    for (size_t i = 0; i < values; i++) {
        if (with[i][1] < CLASS_LEAST || share(with[i][1], total[1]) < 0.2 ||
            with[i][0] * 50 > with[i][1])
            continue;
        Str why = str_format(p->arena,
                             "%zu risky customers have a transaction with %.*s, and %zu of the "
                             "others",
                             with[i][1], STR_ARG(c->value->text[i]), with[i][0]);
        if (!role) {
            c->leak = why;
            return;
        }
        profile_note(p, "%.*s %.*s: %.*s. Is it booked when the outcome is known?",
                     STR_ARG(c->name), STR_ARG(c->value->text[i]), STR_ARG(why));
    }
    if (!role && SPEAKS(c, WORD_OUTCOME) && (c->kind == KIND_BOOLEAN || SPEAKS(c, WORD_LABEL)))
        c->leak = S("its name speaks of an outcome");
}

void leaks_find(Profile *p, Arena scratch)
{
    size_t total[2] = {0, 0}, rows;
    for (size_t i = 0; i < portrait_values(p->key); i++)
        if (p->outcome[i] >= 0)
            total[p->outcome[i]]++;
    for (size_t k = 0; k < p->customers.columns; k++) {
        Portrait *c = &p->customers.column[k];
        if (c == p->key || c == p->label.column || c->kind == KIND_EMPTY)
            continue;
        c->leak = verdict(p, c, scratch);
        note_outcome_time(p, c, scratch);
    }
    const uint32_t *row = by_owner(p, p->owner, &scratch, &rows);
    for (size_t k = 0; k < p->transactions.columns; k++) {
        Portrait *c = &p->transactions.column[k];
        bool few = c->kind == KIND_BOOLEAN || c->kind == KIND_CATEGORY ||
                   (c->kind == KIND_INTEGER && portrait_values(c) <= 10);
        if (few && c != p->customer && c != p->currency && c != p->source && c != p->target)
            event_leak(p, c, row, rows, total, scratch);
        if (c == p->type && c->leak.size > 0)
            p->type = NULL;
    }
}

/* ---- labelled and to be scored ---- */

static void compare(Profile *p, const Sheet *s, Portrait *c)
{
    size_t scored = s->rows - s->labelled, unseen = 0;
    if (c == p->label.column || scored == 0)
        return;
    double before = share(c->filled_in[0], s->labelled), after = share(c->filled_in[1], scored);
    if ((before > 0) != (after > 0)) {
        profile_note(p,
                     "%.*s has values in the %s %s and none in those %s; the model cannot use "
                     "it.",
                     STR_ARG(c->name), before > 0 ? "labelled" : "unlabelled", s->what,
                     before > 0 ? "to be scored" : "that are labelled");
        return;
    }
    if (fabs(before - after) >= 0.25)
        profile_note(p,
                     "%.*s is filled in %.0f %% of the labelled %s and %.0f %% of those to be "
                     "scored.",
                     STR_ARG(c->name), 100 * before, s->what, 100 * after);
    if (c->kind != KIND_CATEGORY)
        return;
    Arena own = arena_new();
    uint8_t *seen = ARENA_ARRAY(&own, uint8_t, portrait_values(c) + 1);
    for (size_t row = 0; row < s->rows; row++) {
        if (c->code[row] == NO_CODE)
            continue;
        if (row < s->labelled)
            seen[c->code[row]] = 1;
        else
            unseen += !seen[c->code[row]];
    }
    arena_free(&own);
    if (unseen * 20 > scored)
        profile_note(p,
                     "%.*s: %.0f %% of the %s to be scored have a value that no labelled one "
                     "has.",
                     STR_ARG(c->name), 100 * share(unseen, scored), s->what);
}

void cohorts_compare(Profile *p, Arena scratch)
{
    (void)scratch;
    const Sheet *sheets[] = {&p->customers, &p->transactions};
    for (size_t i = 0; i < COUNT_OF(sheets); i++)
        for (size_t k = 0; k < sheets[i]->columns; k++)
            compare(p, sheets[i], &sheets[i]->column[k]);
}
