/* survey_links.c - which numbers move together in a file, and which columns join two files. */
#include "profile/profile_internal.h"

#include <math.h>
#include <stdlib.h>

enum { NUMBERS_MAX = 40, SAMPLE = 5000, PAIRS_KEPT = 10, ROWS_LEAST = 20, LINKS_MAX = 20 };

typedef struct Item {
    double value;
    size_t at;
} Item;

static int ascending(const void *a, const void *b)
{
    const Item *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Mean ranks less their mean. */
static void ranks(double *value, size_t n, Item *item)
{
    for (size_t i = 0; i < n; i++)
        item[i] = (Item){value[i], i};
    qsort(item, n, sizeof *item, ascending);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && item[j].value == item[i].value;)
            j++;
        for (size_t k = i; k < j; k++)
            value[item[k].at] = ((double)(i + j) - (double)n) / 2;
    }
}

static double spearman(double *x, double *y, size_t n, Item *item)
{
    double dot = 0, xx = 0, yy = 0;
    ranks(x, n, item);
    ranks(y, n, item);
    for (size_t i = 0; i < n; i++) {
        dot += x[i] * y[i];
        xx += x[i] * x[i];
        yy += y[i] * y[i];
    }
    return xx > 0 && yy > 0 ? dot / (sqrt(xx) * sqrt(yy)) : MISSING_VALUE;
}

static int by_strength(const void *a, const void *b)
{
    const SurveyPair *x = a, *y = b;
    if (fabs(x->rho) != fabs(y->rho))
        return fabs(x->rho) > fabs(y->rho) ? -1 : 1;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

void survey_pairs(Viewed *seen, Arena scratch)
{
    SurveyFile *f = seen->file;
    const Sheet *s = &seen->sheet;
    size_t number[NUMBERS_MAX], numbers = 0, pairs = 0;
    for (size_t k = 0; k < f->columns && numbers < NUMBERS_MAX; k++)
        if (f->column[k].number && !f->column[k].hidden && f->column[k].distinct > 2)
            number[numbers++] = k;
    size_t rows = s->rows < SAMPLE ? s->rows : SAMPLE;
    double *x = ARENA_RAW(&scratch, double, rows + 1), *y = ARENA_RAW(&scratch, double, rows + 1);
    Item *item = ARENA_RAW(&scratch, Item, rows + 1);
    SurveyPair *pair = ARENA_ARRAY(&scratch, SurveyPair, numbers * numbers / 2 + 1);
    for (size_t i = 0; i < numbers; i++)
        for (size_t k = 0; k < i; k++) {
            const Portrait *a = &s->column[number[k]], *b = &s->column[number[i]];
            size_t n = 0;
            for (size_t r = 0; r < rows; r++) {
                size_t row = r * s->rows / rows;
                if (a->code[row] == NO_CODE || b->code[row] == NO_CODE)
                    continue;
                x[n] = a->number[a->code[row]];
                y[n] = b->number[b->code[row]];
                n += !is_missing(x[n]) && !is_missing(y[n]);
            }
            double rho = n < ROWS_LEAST ? MISSING_VALUE : spearman(x, y, n, item);
            if (!is_missing(rho))
                pair[pairs++] = (SurveyPair){number[k], number[i], n, rho};
        }
    qsort(pair, pairs, sizeof *pair, by_strength);
    f->pairs_of = pairs;
    f->pair_rows = rows;
    f->pairs = pairs < PAIRS_KEPT ? pairs : PAIRS_KEPT;
    f->pair = arena_copy(seen->keep, pair, f->pairs * sizeof *pair);
}

/* ---- between files ---- */

static bool may_join(const Portrait *c)
{
    bool kind = c->kind == KIND_TEXT || c->kind == KIND_INTEGER || c->kind == KIND_CATEGORY;
    return kind && portrait_values(c) >= SURVEY_LEAST;
}

/* Small numbers meet by chance, and so do words: names must agree, or values be long. */
static bool believable(const Portrait *a, const Portrait *b, const SurveyColumn *x,
                       const SurveyColumn *y)
{
    bool named = str_equal(a->plain, b->plain) || (SPEAKS(a, WORD_ID) && SPEAKS(b, WORD_ID));
    bool whole = a->kind == KIND_INTEGER || b->kind == KIND_INTEGER;
    bool unique = x->distinct * 2 >= x->filled || y->distinct * 2 >= y->filled;
    return unique && (named || (!whole && x->longest >= 8 && y->longest >= 8));
}

static int by_values(const void *a, const void *b)
{
    const SurveyLink *x = a, *y = b;
    if (x->values != y->values)
        return x->values > y->values ? -1 : 1;
    for (size_t side = 0; side < 2; side++) {
        if (x->file[side] != y->file[side])
            return x->file[side] < y->file[side] ? -1 : 1;
        if (x->column[side] != y->column[side])
            return x->column[side] < y->column[side] ? -1 : 1;
    }
    return 0;
}

static SurveyLink compare(const Survey *s, const Viewed *seen, const size_t file[2],
                          const size_t column[2])
{
    SurveyLink out = {.file = {file[0], file[1]}, .column = {column[0], column[1]}};
    const Portrait *a = &seen[file[0]].sheet.column[column[0]];
    const Portrait *b = &seen[file[1]].sheet.column[column[1]];
    for (size_t i = 0; i < portrait_values(a); i++) {
        uint32_t code = dictionary_find(b->value, a->value->text[i]);
        if (code == NO_CODE)
            continue;
        out.values++;
        out.rows[0] += a->count[i];
        out.rows[1] += b->count[code];
    }
    for (size_t side = 0; side < 2; side++) {
        const SurveyColumn *c = &s->file[file[side]].column[column[side]];
        out.key[side] = c->filled > 0 && c->distinct == c->filled;
    }
    return out;
}

void survey_links(Survey *s, const Viewed *seen, Arena *keep)
{
    size_t capacity = 0;
    for (size_t i = 0; i < s->files; i++)
        for (size_t k = i + 1; k < s->files; k++)
            for (size_t a = 0; a < s->file[i].columns; a++)
                for (size_t b = 0; b < s->file[k].columns; b++) {
                    const Portrait *x = &seen[i].sheet.column[a], *y = &seen[k].sheet.column[b];
                    if (!may_join(x) || !may_join(y) ||
                        !believable(x, y, &s->file[i].column[a], &s->file[k].column[b]))
                        continue;
                    SurveyLink link =
                        compare(s, seen, (const size_t[]){i, k}, (const size_t[]){a, b});
                    size_t fewer = portrait_values(x) < portrait_values(y) ? portrait_values(x)
                                                                           : portrait_values(y);
                    if (link.values >= SURVEY_LEAST && link.values * 50 >= fewer)
                        *ARENA_PUSH(keep, s->link, s->links, capacity) = link;
                }
    if (s->links > 0)
        qsort(s->link, s->links, sizeof *s->link, by_values);
    s->links = s->links < LINKS_MAX ? s->links : LINKS_MAX;
}
