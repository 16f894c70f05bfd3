/* portrait.c - what one column holds, from its distinct cells and how often each is there. */
#include "profile/profile_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A kind may miss a few cells: a hundredth of a per cent in a large file is a defect, not
 * another kind. Rows of such cells are set aside by the run, which allows one in a hundred. */
static const double misfits_max = 0.005;
enum { CATEGORY_VALUES = 60, CATEGORY_VALUES_MANY = 300 };

static const NumberForm number_forms[] = {{'.', {"", 0}, 0},
                                          {',', {"", 0}, 0},
                                          {'.', {",", 1}, 0},
                                          {',', {".", 1}, 0},
                                          {',', {" ", 1}, 0},
                                          {',', {"\xC2\xA0", 2}, 0},
                                          {',', {"\xE2\x80\xAF", 3}, 0},
                                          {'.', {"'", 1}, 0},
                                          {'.', {" ", 1}, 0}};

static const TimeForm time_forms[] = {TIME_ISO,      TIME_DAY_MONTH_YEAR, TIME_MONTH_DAY_YEAR,
                                      TIME_YYYYMMDD, TIME_EPOCH,          TIME_EPOCH_MS,
                                      TIME_EPOCH_US, TIME_YYMMDD};

static bool fits(const Portrait *c, size_t misfits)
{
    return (double)misfits <= misfits_max * (double)c->filled;
}

/* Values in a form: how many rows are not of it. */
static size_t try_numbers(double *number, NumberForm *form, const Portrait *c)
{
    size_t misfits = 0;
    form->digits = 0;
    for (size_t i = 0; i < portrait_values(c); i++) {
        int digits;
        number[i] = (double)NAN;
        if (!number_parse(c->value->text[i], *form, &number[i], &digits))
            misfits += c->count[i];
        else if (digits > form->digits)
            form->digits = digits;
        if (!fits(c, misfits))
            break;
    }
    return misfits;
}

static size_t try_times(double *number, bool *clock, TimeForm form, const Portrait *c)
{
    size_t misfits = 0;
    *clock = false;
    for (size_t i = 0; i < portrait_values(c); i++) {
        int64_t us;
        number[i] = (double)NAN;
        if (!form_parse(c->value->text[i], form, &us, clock))
            misfits += c->count[i];
        else
            number[i] = (double)us;
        if (!fits(c, misfits))
            break;
    }
    return misfits;
}

static void measure(Portrait *c)
{
    c->low = INFINITY;
    c->high = -INFINITY;
    for (size_t i = 0; i < portrait_values(c); i++) {
        if (is_missing(c->number[i]))
            continue;
        c->low = fmin(c->low, c->number[i]);
        c->high = fmax(c->high, c->number[i]);
        c->negatives += c->number[i] < 0 ? c->count[i] : 0;
        c->positives += c->number[i] > 0 ? c->count[i] : 0;
        c->zeros += c->number[i] == 0 ? c->count[i] : 0;
    }
}

static bool is_boolean(const Portrait *c)
{
    Arena own = arena_new();
    Column cell;
    bool good = portrait_values(c) > 0 && portrait_values(c) <= 2;
    column_init(&cell, &own, c->name, TYPE_BOOLEAN, 0, 1, NULL);
    for (size_t i = 0; i < portrait_values(c) && good; i++)
        good = column_parse(&cell, 0, c->value->text[i]);
    arena_free(&own);
    return good;
}

/* Digits alone are a time only if the name says so, or if they could hardly be anything else. */
static bool may_be_time(const Portrait *c, TimeForm form)
{
    if (form == TIME_ISO || form == TIME_DAY_MONTH_YEAR || form == TIME_MONTH_DAY_YEAR)
        return true;
    bool named = SPEAKS(c, WORD_TIME) || SPEAKS(c, WORD_AGE) || SPEAKS(c, WORD_CREATED) ||
                 SPEAKS(c, WORD_COMPLETED);
    bool many = portrait_values(c) >= 20;
    double years = (c->high - c->low) / (365.0 * (double)DAY_US);
    if (form == TIME_EPOCH || form == TIME_EPOCH_MS || form == TIME_EPOCH_US)
        return years < (named ? 60 : 25);
    return form == TIME_YYYYMMDD ? named || many : named && portrait_values(c) >= 3;
}

static bool look_for_time(Portrait *c)
{
    for (size_t i = 0; i < COUNT_OF(time_forms); i++) {
        bool clock;
        size_t misfits = try_times(c->number, &clock, time_forms[i], c);
        if (!fits(c, misfits))
            continue;
        c->negatives = c->positives = c->zeros = 0;
        measure(c);
        if (!may_be_time(c, time_forms[i]))
            continue;
        c->kind = KIND_TIME;
        c->form = time_forms[i];
        c->clock = clock;
        c->misfits = misfits;
        if (c->form == TIME_DAY_MONTH_YEAR) {
            double *other = ARENA_RAW(c->value->arena, double, portrait_values(c) + 1);
            bool unused;
            c->form_unsure = try_times(other, &unused, TIME_MONTH_DAY_YEAR, c) == 0;
        }
        return true;
    }
    return false;
}

/* "1,234" is a thousand or one and a bit: unsure when every mark has three digits after it. */
static bool three_after_each_mark(const Portrait *c, char mark)
{
    bool any = false;
    for (size_t i = 0; i < portrait_values(c); i++) {
        Str cell = c->value->text[i];
        const char *at = memchr(cell.data, mark, cell.size);
        if (at == NULL)
            continue;
        any = true;
        if ((size_t)(cell.data + cell.size - at) != 4)
            return false;
    }
    return any;
}

/* +33 is a dialling code; amounts have a plus beside a minus. */
static bool all_plus(const Portrait *c)
{
    for (size_t i = 0; i < portrait_values(c); i++)
        if (c->value->text[i].data[0] != '+')
            return false;
    return true;
}

static bool look_for_number(Portrait *c)
{
    if (all_plus(c))
        return false;
    for (size_t i = 0; i < COUNT_OF(number_forms); i++) {
        NumberForm form = number_forms[i];
        size_t misfits = try_numbers(c->number, &form, c);
        if (!fits(c, misfits))
            continue;
        c->misfits = misfits;
        c->form_unsure =
            form.digits > 0 && form.thousands.size == 0 && three_after_each_mark(c, form.mark);
        if (form.digits > 0 && form.digits <= 6 && form.thousands.size == 0 && form.mark == ',' &&
            c->form_unsure) { /* 1,234 and never 1,2: thousands, more likely */
            form = (NumberForm){'.', {",", 1}, 0};
            c->misfits = try_numbers(c->number, &form, c);
        }
        c->number_form = form;
        c->kind = form.digits == 0 ? KIND_INTEGER : form.digits <= 6 ? KIND_DECIMAL : KIND_DOUBLE;
        c->negatives = c->positives = c->zeros = 0;
        measure(c);
        /* A whole number beyond 64 bits is a name. */
        return fabs(c->low) < 9e18 && fabs(c->high) < 9e18;
    }
    return false;
}

void portrait_look(Portrait *c, const Sheet *s, Arena *keep, Arena scratch)
{
    size_t values = portrait_values(c);
    c->count = ARENA_ARRAY(keep, uint32_t, values + 1);
    c->number = ARENA_ARRAY(keep, double, values + 1);
    for (size_t row = 0; row < s->rows; row++)
        if (c->code[row] != NO_CODE)
            c->count[c->code[row]]++;
    if (values == 0) {
        c->kind = KIND_EMPTY;
        return;
    }
    if (is_boolean(c)) {
        c->kind = KIND_BOOLEAN;
        return;
    }
    if (look_for_time(c) || look_for_number(c))
        return;
    c->misfits = 0;
    bool few = values <= CATEGORY_VALUES && values * 2 <= c->filled;
    bool rather_few = values <= CATEGORY_VALUES_MANY && values * 20 <= c->filled;
    c->kind = few || rather_few ? KIND_CATEGORY : KIND_TEXT;
    for (size_t i = 0; i < values; i++) {
        if (value_says(c->value->text[i], SAYS_NOTHING, scratch) && c->kind == KIND_TEXT)
            c->unsure = str_format(keep, "%u cells read %.*s, which is not empty", c->count[i],
                                   STR_ARG(c->value->text[i]));
        c->number[i] = (double)NAN;
    }
}

typedef struct Falling {
    const Portrait *c;
} Falling;

static int by_count(const void *a, const void *b, void *context)
{
    const Portrait *c = ((const Falling *)context)->c;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (c->count[i] != c->count[j])
        return c->count[i] > c->count[j] ? -1 : 1;
    return str_compare(c->value->text[i], c->value->text[j]);
}

uint32_t *portrait_order(Arena *keep, const Portrait *c)
{
    uint32_t *order = ARENA_ARRAY(keep, uint32_t, portrait_values(c) + 1);
    for (size_t i = 0; i < portrait_values(c); i++)
        order[i] = (uint32_t)i;
    qsort_r(order, portrait_values(c), sizeof *order, by_count, &(Falling){c});
    return order;
}

double portrait_saying(const Portrait *c, Says what, Arena scratch)
{
    enum { VALUES_MAX = 400 }; /* words come in few values; a long list is none of them */
    size_t said = 0;
    if (portrait_values(c) > VALUES_MAX || c->filled == 0)
        return 0;
    for (size_t i = 0; i < portrait_values(c); i++)
        said += value_says(c->value->text[i], what, scratch) ? c->count[i] : 0;
    return (double)said / (double)c->filled;
}
