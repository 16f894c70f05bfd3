#include "fairness/fairness_internal.h"

#include <string.h>

/* Numbers with this many values or fewer are taken value by value. */
enum { VALUES_MAX = 8, QUARTERS = 4 };

static const int age_from[] = {25, 35, 45, 55, 65};
static const char *const age_name[] = {"under 25", "25 to 34", "35 to 44",
                                       "45 to 54", "55 to 64", "65 or older"};

static int age_band(double years)
{
    int band = 0;
    while (band < (int)COUNT_OF(age_from) && years >= age_from[band])
        band++;
    return band;
}

/* Whole years from a day to another. */
static double years_between(int64_t from_days, int64_t to_days)
{
    int64_t year[2];
    int month[2], day[2];
    civil_from_days(from_days, &year[0], &month[0], &day[0]);
    civil_from_days(to_days, &year[1], &month[1], &day[1]);
    bool before = month[1] < month[0] || (month[1] == month[0] && day[1] < day[0]);
    return (double)(year[1] - year[0] - before);
}

static int64_t day_of(int64_t time_us)
{
    int64_t day = time_us / DAY_US;
    return day - (time_us < day * DAY_US);
}

static Levels levels_new(Arena *keep, size_t levels, size_t customers)
{
    Levels out = {.levels = levels + 1,
                  .name = ARENA_ARRAY(keep, Str, levels + 1),
                  .of = ARENA_ARRAY(keep, uint32_t, customers + 1)};
    out.name[levels] = S("(missing)");
    for (size_t i = 0; i < customers; i++)
        out.of[i] = (uint32_t)levels;
    return out;
}

static Levels by_age(Arena *keep, const Column *c, size_t customers, int64_t as_of_us)
{
    Levels out = levels_new(keep, COUNT_OF(age_name), customers);
    bool born = c->type == TYPE_DATE || c->type == TYPE_TIME;
    out.bands = born ? S("age in whole years at as_of, in bands") : S("years, in bands");
    for (size_t b = 0; b < COUNT_OF(age_name); b++)
        out.name[b] = str_from(age_name[b]);
    for (size_t i = 0; i < customers; i++) {
        if (!column_valid(c, i))
            continue;
        double years = cell_double(c, i);
        if (born)
            years = years_between(c->type == TYPE_DATE ? c->integer[i] : day_of(c->integer[i]),
                                  day_of(as_of_us));
        out.of[i] = (uint32_t)age_band(years);
    }
    return out;
}

/* Values as they are; dictionary codes that nobody has cost a level without customers. */
static Levels by_code(Arena *keep, const Column *c, size_t customers)
{
    Levels out = levels_new(keep, c->dictionary->count, customers);
    for (size_t k = 0; k < c->dictionary->count; k++)
        out.name[k] = c->dictionary->text[k];
    for (size_t i = 0; i < customers; i++)
        if (column_valid(c, i))
            out.of[i] = c->code[i];
    return out;
}

static Levels by_number(Arena *keep, Arena scratch, const Column *c, size_t customers)
{
    double *sorted = ARENA_ARRAY(&scratch, double, customers + 1), cut[VALUES_MAX];
    size_t known = 0, distinct = 0;
    for (size_t i = 0; i < customers; i++)
        if (column_valid(c, i))
            sorted[known++] = cell_double(c, i);
    metric_sort(sorted, known);
    for (size_t i = 0; i < known && distinct <= VALUES_MAX; i++)
        if (i == 0 || sorted[i] != sorted[i - 1]) {
            if (distinct < VALUES_MAX)
                cut[distinct] = sorted[i];
            distinct++;
        }
    bool values = distinct <= VALUES_MAX;
    size_t levels = values ? distinct : QUARTERS;
    for (size_t q = 0; q < QUARTERS && !values; q++) /* the last one is the largest value */
        cut[q] = sorted[(known * (q + 1) + QUARTERS - 1) / QUARTERS - 1];
    Levels out = levels_new(keep, levels, customers);
    if (!values)
        out.bands = S("quarters of all customers by value");
    for (size_t k = 0; k < levels; k++) {
        char low[NUMBER_TEXT], high[NUMBER_TEXT];
        Str upper = double_text(high, cut[k]);
        if (values)
            out.name[k] = str_copy(keep, upper);
        else if (k == 0)
            out.name[k] = str_format(keep, "up to %.*s", STR_ARG(upper));
        else {
            Str lower = double_text(low, cut[k - 1]);
            out.name[k] =
                str_format(keep, "above %.*s, up to %.*s", STR_ARG(lower), STR_ARG(upper));
        }
    }
    for (size_t i = 0; i < customers; i++) {
        if (!column_valid(c, i))
            continue;
        uint32_t k = 0;
        while (k + 1 < levels && cell_double(c, i) > cut[k])
            k++;
        out.of[i] = k;
    }
    if (c->type == TYPE_BOOLEAN)
        for (size_t k = 0; k < levels; k++)
            out.name[k] = cut[k] != 0 ? S("true") : S("false");
    return out;
}

Levels group_levels(Arena *keep, Arena scratch, const SchemaColumn *column, const Column *value,
                    size_t customers, int64_t as_of_us)
{
    if (value->type == TYPE_CATEGORY || value->type == TYPE_TEXT)
        return by_code(keep, value, customers);
    bool age = str_equal(column->protected.text, S("age"));
    if (age && value->type != TYPE_BOOLEAN && value->type != TYPE_DURATION)
        return by_age(keep, value, customers, as_of_us);
    return by_number(keep, scratch, value, customers);
}
