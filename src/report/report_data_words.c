/* report_data_words.c - groups, numbers and ranges as the data chapter writes them. */
#include "report/report_data.h"

#include <math.h>

Str data_group(Page *p, DescribeGroup g)
{
    const SchemaLabel *l = &p->run->plan->schema->customers.label;
    const BookTexts *values = g == DESCRIBE_POSITIVE   ? &l->positive
                              : g == DESCRIBE_NEGATIVE ? &l->negative
                                                       : NULL;
    if (values != NULL && values->count == 1)
        return values->item[0].text;
    static const Str names[] = {
        {"risky", 5}, {"not risky", 9}, {"labelled", 8}, {"to be scored", 12}};
    return names[g];
}

Str data_number(Arena *arena, double value, DescribeUnit unit)
{
    char text[TIME_TEXT];
    double size = fabs(value);
    if (!isfinite(value))
        return S("none");
    if (unit == DESCRIBE_DATE)
        return str_copy(arena, date_text(text, (int64_t)floor(value)));
    int digits = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
    for (double small = 0.1; digits >= 3 && digits < 9 && size < small; small /= 10)
        digits++;
    Str number = number_fixed(arena, value, digits);
    if (digits > 0)
        while (number.size > 1 && number.data[number.size - 1] == '0')
            number.size--;
    if (number.size > 0 && number.data[number.size - 1] == '.')
        number.size--;
    if (size >= 1000 && size < 1e15) {
        Str whole = number_count(arena, (uint64_t)(size + 0.5));
        number = value < 0 ? str_format(arena, "-%.*s", STR_ARG(whole)) : whole;
    }
    return unit == DESCRIBE_DAYS ? str_format(arena, "%.*s d", STR_ARG(number)) : number;
}

Str data_group_said(Page *p, DescribeGroup g)
{
    static const Str said[] = {
        {"risky", 5}, {"not risky", 9}, {"the labelled", 12}, {"those to be scored", 18}};
    return g == DESCRIBE_POSITIVE || g == DESCRIBE_NEGATIVE ? data_group(p, g) : said[g];
}

/* (low, high] of whole numbers, ends included. */
static Str whole_range(Arena *arena, const DescribedColumn *c, const DescribeBin *b)
{
    double first = floor(b->low) + 1, last = floor(b->high);
    Str low = data_number(arena, first, c->unit), high = data_number(arena, last, c->unit);
    if (is_missing(b->low))
        return str_format(arena, "up to %.*s", STR_ARG(high));
    if (is_missing(b->high))
        return str_format(arena, "%.*s or more", STR_ARG(low));
    return first >= last ? high
                         : str_format(arena, "%.*s \xE2\x80\x93 %.*s", STR_ARG(low), STR_ARG(high));
}

Str data_range(Arena *arena, const DescribedColumn *c, const DescribeBin *b)
{
    if (b->level.size > 0 || b->missing)
        return b->level;
    if (c->kind == DESCRIBE_LEVELS)
        return S("(empty text)");
    if (b->low == b->high)
        return data_number(arena, b->low, c->unit);
    if (c->whole)
        return whole_range(arena, c, b);
    Str low = data_number(arena, b->low, c->unit), high = data_number(arena, b->high, c->unit);
    if (is_missing(b->low))
        return str_format(arena, "up to %.*s", STR_ARG(high));
    if (is_missing(b->high))
        return str_format(arena, "above %.*s", STR_ARG(low));
    return str_format(arena, "%.*s \xE2\x80\x93 %.*s", STR_ARG(low), STR_ARG(high));
}

bool data_few(size_t count)
{
    return count > 0 && count < DESCRIBE_LEAST;
}

Str data_count(Arena *arena, size_t count)
{
    return data_few(count) ? S("fewer than 5") : number_count(arena, count);
}

Str data_share(Arena *arena, size_t count, size_t of)
{
    if (of == 0)
        return S("nobody");
    if (data_few(count))
        return S("fewer than 5");
    Str share = number_share(arena, (double)count / (double)of),
        number = number_count(arena, count);
    return str_format(arena, "%.*s (%.*s)", STR_ARG(share), STR_ARG(number));
}

static bool may_be_drawn(const DescribedColumn *c)
{
    return c->kind == DESCRIBE_NUMBER || c->kind == DESCRIBE_LEVELS;
}

static bool in_model(const Run *run, uint32_t feature)
{
    bool skipped = run->bundle != NULL && run->bundle->skip != NULL && run->bundle->skip[feature];
    return run->plan->feature[feature].use == USE_MODEL && !skipped;
}

size_t data_main(Page *p, uint32_t *out, size_t most)
{
    const Run *run = p->run;
    const Description *d = run->description;
    size_t count = 0, first = d->columns - run->plan->features;
    const Screening *s = run->screening;
    for (size_t i = 0; s != NULL && i < s->features && count < most; i++) {
        size_t at = first + s->feature[i].feature;
        if (s->feature[i].kept && may_be_drawn(&d->column[at]))
            out[count++] = (uint32_t)at;
    }
    for (size_t i = 0; s == NULL && i < run->plan->features && count < most; i++)
        if (in_model(run, (uint32_t)i) && may_be_drawn(&d->column[first + i]))
            out[count++] = (uint32_t)(first + i);
    return count;
}

const DescribedColumn *data_find(const Description *d, Str name, bool feature)
{
    for (size_t k = 0; k < d->columns; k++)
        if (d->column[k].feature == feature && str_equal(d->column[k].name, name))
            return &d->column[k];
    return NULL;
}

void data_fold(Page *p, const char *says)
{
    html(p, "<details><summary>");
    html_say(p, "%s", says);
    html(p, "</summary>\n");
}

void data_fold_end(Page *p)
{
    html(p, "</details>\n");
}
