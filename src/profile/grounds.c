/* grounds.c - columns that stand for a ground on which the law forbids to decide: by name in a
 * dozen languages, or by the values they hold, since such a column may hide behind another name. */
#include "profile/profile_internal.h"

#include <math.h>

static const struct {
    Word word;
    const char *ground;
    bool flag; /* a yes or no may stand for it: is_married, but not has_phone */
} grounds[] = {{WORD_GENDER, "gender", true},
               {WORD_AGE, "age", false},
               {WORD_NATIONALITY, "nationality", false},
               {WORD_LANGUAGE, "language", false},
               {WORD_ETHNICITY, "ethnicity", true},
               {WORD_RELIGION, "religion", true},
               {WORD_MARITAL, "marital_status", true},
               {WORD_FAMILY, "family", true},
               {WORD_HEALTH, "health", true},
               {WORD_OPINION, "opinion", true},
               {WORD_RESIDENCE, "residence", false},
               {WORD_ECONOMIC, "economic_situation", true},
               {WORD_NAME, "name", false}};

static const double year_us = 365.25 * (double)DAY_US;

/* Share of the filled rows whose number lies between two bounds. */
static double between(const Portrait *c, double low, double high)
{
    size_t inside = 0;
    for (size_t i = 0; i < portrait_values(c); i++)
        inside += c->number[i] >= low && c->number[i] <= high ? c->count[i] : 0;
    return c->filled == 0 ? 0 : (double)inside / (double)c->filled;
}

static bool is_age(const Portrait *c)
{
    return c->kind == KIND_INTEGER && between(c, 15, 105) >= 0.95;
}
static bool is_birth_year(const Portrait *c)
{
    return c->kind == KIND_INTEGER && between(c, 1915, 2012) >= 0.95;
}
static bool is_birth_date(const Profile *p, const Portrait *c)
{
    double latest = (double)p->latest_us;
    return c->kind == KIND_TIME && between(c, latest - 101 * year_us, latest - 16 * year_us) >= 0.9;
}

/* An age in the name may be the account's: then its values are no ages of people. */
static bool agrees(const Profile *p, const Portrait *c, Word word)
{
    if (word == WORD_AGE)
        return is_age(c) || is_birth_year(c) || c->kind == KIND_TIME || c->kind == KIND_CATEGORY ||
               c->kind == KIND_TEXT;
    if (word == WORD_NAME)
        return c->kind == KIND_TEXT || c->kind == KIND_CATEGORY;
    if (word == WORD_NATIONALITY || word == WORD_LANGUAGE)
        return c->kind != KIND_TIME;
    if (word == WORD_RESIDENCE) /* residence_since, land_value: a time or an amount is none */
        return c->kind != KIND_TIME && !(c->kind == KIND_DECIMAL && SPEAKS(c, WORD_AMOUNT));
    (void)p;
    return true;
}

static bool of_shape(const Portrait *c, bool (*shape)(Str), double least)
{
    size_t good = 0;
    for (size_t i = 0; i < portrait_values(c); i++)
        good += shape(c->value->text[i]) ? c->count[i] : 0;
    return c->filled > 0 && (double)good >= least * (double)c->filled;
}

static bool small_letter(char c)
{
    return c >= 'a' && c <= 'z';
}
static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool shape_locale(Str s) /* fr_FR, de-CH */
{
    return s.size == 5 && small_letter(s.data[0]) && small_letter(s.data[1]) &&
           (s.data[2] == '_' || s.data[2] == '-') && s.data[3] >= 'A' && s.data[3] <= 'Z' &&
           s.data[4] >= 'A' && s.data[4] <= 'Z';
}
static bool shape_five_digits(Str s)
{
    bool good = s.size == 5;
    for (size_t i = 0; i < s.size && good; i++)
        good = digit(s.data[i]);
    return good;
}
static bool shape_two_capitals(Str s) /* CA, NY: a state of a country */
{
    return s.size == 2 && s.data[0] >= 'A' && s.data[0] <= 'Z' && s.data[1] >= 'A' &&
           s.data[1] <= 'Z';
}
static bool shape_dialling(Str s) /* +33 */
{
    bool good = s.size >= 2 && s.data[0] == '+';
    for (size_t i = 1; i < s.size && good; i++)
        good = digit(s.data[i]) || s.data[i] == ' ';
    return good;
}

static void stands(Portrait *c, const char *ground, Arena *keep, const char *seen)
{
    c->ground = ground;
    c->ground_why = str_format(keep, "its name does not say so, but %s", seen);
}

/* Codes of one list, of which one alone may be unknown here. */
static bool codes_of(const Portrait *c, Says what, Arena scratch)
{
    enum { VALUES_LEAST = 4, VALUES_MOST = 400 };
    size_t values = portrait_values(c), unknown = 0;
    if (values < 2 || values > VALUES_MOST)
        return false;
    for (size_t i = 0; i < values; i++) {
        Str value = c->value->text[i];
        unknown += !value_says(value, what, scratch);
        /* no, si and to are languages too, but not in a column of two answers. */
        if (what == SAYS_LANGUAGE && values == 2 && str_equal(value, S("no")))
            return false;
    }
    return portrait_saying(c, what, scratch) >= 0.9 || (unknown <= 1 && values >= VALUES_LEAST);
}

bool profile_unexplained(const Portrait *c, Arena scratch)
{
    static const Word words[] = {WORD_STATE,  WORD_TYPE,     WORD_CURRENCY, WORD_AMOUNT,
                                 WORD_SOURCE, WORD_BUSINESS, WORD_LABEL,    WORD_OUTCOME,
                                 WORD_CREDIT, WORD_DEBIT,    WORD_BALANCE,  WORD_TRANSACTION};
    static const Says says[] = {SAYS_BUSINESS, SAYS_CURRENCY, SAYS_DONE, SAYS_BAD, SAYS_GOOD};
    if (c->kind != KIND_CATEGORY)
        return false;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (SPEAKS(c, words[i]))
            return false;
    for (size_t i = 0; i < COUNT_OF(says); i++)
        if (portrait_saying(c, says[i], scratch) >= 0.5)
            return false;
    return true;
}

static void by_values(Profile *p, Portrait *c, Arena scratch)
{
    Arena *keep = p->arena;
    size_t values = portrait_values(c);
    double male = portrait_saying(c, SAYS_MALE, scratch);
    double female = portrait_saying(c, SAYS_FEMALE, scratch);
    bool named_set = c->kind == KIND_CATEGORY || c->kind == KIND_TEXT || c->kind == KIND_BOOLEAN;
    if (named_set && values >= 2 && values <= 5 && female >= 0.05 && male >= 0.05 &&
        male + female >= 0.95)
        stands(c, "gender", keep, "its values are those of a gender or a form of address");
    else if (named_set && codes_of(c, SAYS_COUNTRY, scratch))
        stands(c, "residence", keep, "its values are countries");
    else if (values >= (SPEAKS(c, WORD_STATE) ? 2 : 8) && of_shape(c, shape_two_capitals, 0.95))
        stands(c, "residence", keep,
               "its values are codes of two capitals, as states and provinces have");
    else if (of_shape(c, shape_locale, 0.9) && values >= 2)
        stands(c, "language", keep, "its values are locales");
    else if (named_set && codes_of(c, SAYS_LANGUAGE, scratch))
        stands(c, "language", keep, "its values are languages");
    else if (is_birth_date(p, c) && values >= 10)
        stands(c, "age", keep, "its dates lie 16 to 101 years back, as dates of birth do");
    else if (is_birth_year(c) && values >= 15)
        stands(c, "age", keep, "its numbers are years from 1915 to 2012, as years of birth are");
    else if (is_age(c) && values >= 25 && c->low >= 15)
        stands(c, "age", keep, "its numbers run from 15 to 105, as ages do");
    else if (named_set && values >= 2 && portrait_saying(c, SAYS_MARITAL, scratch) >= 0.6)
        stands(c, "marital_status", keep, "its values are those of a marital status");
    else if (named_set && values >= 2 && portrait_saying(c, SAYS_RELIGION, scratch) > 0)
        stands(c, "religion", keep, "among its values are religions");
    else if (named_set && values >= 2 && portrait_saying(c, SAYS_ETHNICITY, scratch) >= 0.6)
        stands(c, "ethnicity", keep, "its values are ethnic groups");
    else if (named_set && values >= 3 && portrait_saying(c, SAYS_OCCUPATION, scratch) >= 0.3)
        stands(c, "economic_situation", keep, "its values tell occupations");
    else if (of_shape(c, shape_dialling, 0.9) && values >= 2)
        stands(c, "residence", keep, "its values are dialling codes");
    else if (of_shape(c, shape_five_digits, 0.98) && values >= 5 && values * 10 < c->filled * 9)
        stands(c, "residence", keep, "its values have five digits and repeat, as postcodes do");
    if (c->ground != NULL)
        profile_note(p,
                     "%.*s may stand for %s: %.*s. It is marked `protected:`; take that line away "
                     "only if it holds something else.",
                     STR_ARG(c->name), c->ground, STR_ARG(c->ground_why));
}

static void by_name(Profile *p, Portrait *c, bool transaction)
{
    for (size_t i = 0; i < COUNT_OF(grounds) && c->ground == NULL; i++) {
        Word w = grounds[i].word;
        if (!SPEAKS(c, w) || (c->kind == KIND_BOOLEAN && !grounds[i].flag) || !agrees(p, c, w))
            continue;
        /* Of a transaction a place or a name is that of a shop. */
        bool elsewhere = w == WORD_RESIDENCE || w == WORD_NAME || w == WORD_ECONOMIC ||
                         w == WORD_LANGUAGE || w == WORD_OPINION;
        if (transaction && (elsewhere || c->kind == KIND_TIME || portrait_numeric(c)))
            continue;
        c->ground = grounds[i].ground;
    }
}

void grounds_find(Profile *p, Arena scratch)
{
    for (size_t k = 0; k < p->customers.columns; k++) {
        Portrait *c = &p->customers.column[k];
        if (c == p->key || c == p->label.column || c->kind == KIND_EMPTY)
            continue;
        by_name(p, c, false);
        if (c->ground == NULL)
            by_values(p, c, scratch);
    }
    for (size_t k = 0; k < p->transactions.columns; k++) {
        Portrait *c = &p->transactions.column[k];
        bool role = c == p->customer || c == p->source || c == p->target || c == p->amount ||
                    c == p->direction || c == p->state || c == p->type || c == p->currency ||
                    c == p->transaction || c == p->partner;
        if (!role)
            by_name(p, c, true);
    }
}
