/* survey_findings.c - what is odd about a column, about two together, and about the rows. */
#include "profile/profile_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAY(column, ...)                                                                           \
    survey_say(seen->keep, &(column)->finding, &(column)->findings, __VA_ARGS__)

static double percent(size_t part, size_t of)
{
    return of == 0 ? 0 : 100 * (double)part / (double)of;
}

/* ---- a column alone ---- */

/* Columns that the law forbids to decide by, as far as their names tell. */
static void say_ground(const Viewed *seen, SurveyColumn *s, const Portrait *c)
{
    static const struct {
        Word word;
        const char *ground;
    } grounds[] = {{WORD_GENDER, "gender"},       {WORD_AGE, "age"},
                   {WORD_RESIDENCE, "residence"}, {WORD_NATIONALITY, "nationality"},
                   {WORD_LANGUAGE, "language"},   {WORD_ETHNICITY, "ethnicity"},
                   {WORD_RELIGION, "religion"},   {WORD_MARITAL, "marital status"},
                   {WORD_FAMILY, "family"},       {WORD_HEALTH, "health"},
                   {WORD_OPINION, "opinion"},     {WORD_ECONOMIC, "economic situation"}};
    if (SPEAKS(c, WORD_BUSINESS))
        return;
    for (size_t i = 0; i < COUNT_OF(grounds); i++)
        if (SPEAKS(c, grounds[i].word)) {
            SAY(s, "by its name it may stand for a protected ground (%s)", grounds[i].ground);
            return;
        }
}

static void say_kind(const Viewed *seen, SurveyColumn *s, const Portrait *c, Arena scratch)
{
    size_t rows = seen->sheet.rows;
    if (c->kind == KIND_EMPTY && rows > 0)
        SAY(s, "has no value in any row");
    else if (s->distinct == 1 && rows > 1)
        SAY(s, "%s one value in %s row", c->filled == rows ? "constant:" : "holds",
            c->filled == rows ? "every" : "every filled");
    say_ground(seen, s, c);
    size_t repeats = c->filled - s->distinct;
    if (c->kind == KIND_TEXT && s->hidden && repeats > 0 && repeats * 10 <= c->filled)
        SAY(s, "%zu %s a value of another row: no key as it is", repeats,
            repeats == 1 ? "row repeats" : "rows repeat");
    if (c->misfits > 0)
        SAY(s, "%zu %s no %.*s", c->misfits, c->misfits == 1 ? "cell is" : "cells are",
            STR_ARG(s->holds));
    if (c->form_unsure && c->kind == KIND_TIME)
        SAY(s, "every date can be read day first and month first");
    else if (c->form_unsure && s->number)
        SAY(s, "every mark has three digits after it: thousands or decimals? %s is taken",
            c->number_form.thousands.size > 0 ? "thousands" : "decimals");
    if (c->unsure.size > 0)
        SAY(s, "%.*s", STR_ARG(c->unsure));
    if (s->number && c->number_form.mark == ',' && c->number_form.digits > 0)
        SAY(s, "decimals are written with a comma");
    size_t none = 0;
    for (size_t i = 0; i < portrait_values(c) && portrait_values(c) < 1000 && c->unsure.size == 0;
         i++)
        none += value_says(c->value->text[i], SAYS_NOTHING, scratch) ? c->count[i] : 0;
    if (none > 0 && !s->number && portrait_saying(c, SAYS_COUNTRY, scratch) < 0.9)
        SAY(s, "%zu cells hold a word for nothing (NA, NULL, -) and are not empty", none);
}

/* Cells of two kinds in one column. */
static void say_mixed(const Viewed *seen, SurveyColumn *s, const Portrait *c)
{
    size_t numbers = 0, times = 0;
    if ((c->kind != KIND_TEXT && c->kind != KIND_CATEGORY) || s->hidden)
        return;
    for (size_t i = 0; i < portrait_values(c); i++) {
        double number;
        int digits;
        int64_t us;
        bool clock = false;
        if (number_parse(c->value->text[i], (NumberForm){'.', {"", 0}, 0}, &number, &digits))
            numbers += c->count[i];
        else if (form_parse(c->value->text[i], TIME_ISO, &us, &clock))
            times += c->count[i];
    }
    if (numbers > 0 && numbers < c->filled && numbers * 100 >= c->filled)
        SAY(s, "mixed: %zu of %zu cells are numbers (%.1f %%), the others are not", numbers,
            c->filled, percent(numbers, c->filled));
    if (times > 0 && times < c->filled && times * 100 >= c->filled)
        SAY(s, "mixed: %zu of %zu cells are dates (%.1f %%), the others are not", times, c->filled,
            percent(times, c->filled));
}

/* One value in several spellings. */
static void say_spellings(const Viewed *seen, SurveyColumn *s, const Portrait *c, Arena scratch)
{
    enum { VALUES = 1000 };
    size_t alike = 0;
    if (c->kind != KIND_CATEGORY && c->kind != KIND_TEXT)
        return;
    if (portrait_values(c) > VALUES || s->hidden)
        return;
    Dictionary *small = dictionary_new(&scratch);
    for (size_t i = 0; i < portrait_values(c); i++) {
        Str plain = words_plain(&scratch, c->value->text[i]);
        size_t before = small->count;
        if (plain.size > 2) /* " a " at the least: signs alone have no letters to compare */
            alike += dictionary_add(small, plain) < before;
    }
    if (alike > 0)
        SAY(s, "%zu of %zu values differ from another in case, accents or marks alone", alike,
            s->distinct);
}

/* Times far from all others are placeholders or slips. */
static void say_times(const Viewed *seen, SurveyColumn *s, const Portrait *c)
{
    static const double year = 365.25 * (double)DAY_US;
    size_t outside = 0;
    if (!s->time || c->filled < 20)
        return;
    double first = INFINITY, last = -INFINITY;
    double reach = fmax(5 * year, s->to - s->from);
    for (size_t i = 0; i < portrait_values(c); i++) {
        double at = c->number[i];
        if (is_missing(at) || (at >= s->from - reach && at <= s->to + reach))
            continue;
        outside += c->count[i];
        first = fmin(first, at);
        last = fmax(last, at);
    }
    if (outside == 0)
        return;
    char a[TIME_TEXT], b[TIME_TEXT];
    Str one = date_text(a, (int64_t)floor(first / (double)DAY_US));
    Str other = date_text(b, (int64_t)floor(last / (double)DAY_US));
    if (seen->hide_values)
        SAY(s, "%zu %s years away from nearly all others", outside,
            outside == 1 ? "date lies" : "dates lie");
    else
        SAY(s, "%zu %s years away from nearly all others: %.*s%s%.*s", outside,
            outside == 1 ? "date lies" : "dates lie", STR_ARG(one), first < last ? " to " : "",
            first < last ? (int)other.size : 0, other.data);
}

/* Calling codes of two figures that exist (ITU-T E.164); others begin a longer one. */
static bool calling_code(Str text)
{
    static const char codes[] =
        " 1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 "
        "54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 "
        "98 ";
    char word[8];
    if (text.size < 2 || text.size > 3)
        return true;
    word[0] = ' ';
    memcpy(word + 1, text.data + 1, text.size - 1);
    word[text.size] = ' ';
    return str_contains(str_from(codes), (Str){word, text.size + 1});
}

static void say_truncated(const Viewed *seen, SurveyColumn *s, const Portrait *c)
{
    size_t codes = 0, cut = 0;
    size_t by_length[3] = {0};
    if ((c->kind != KIND_TEXT && c->kind != KIND_CATEGORY && c->kind != KIND_INTEGER) ||
        s->distinct < 2)
        return;
    for (size_t i = 0; i < portrait_values(c); i++) {
        Str text = c->value->text[i];
        bool code = text.size >= 2 && text.size <= 5 && text.data[0] == '+';
        codes += code;
        cut += code && !calling_code(text) ? c->count[i] : 0;
    }
    if (codes == s->distinct && s->longest <= 3 && cut > 0) {
        SAY(s,
            "%zu rows hold the beginning of a longer calling code: the column was cut at %zu "
            "characters",
            cut, s->longest);
        return;
    }
    if (s->longest < 10 || s->shortest + 5 > s->longest || c->kind == KIND_INTEGER)
        return;
    for (size_t i = 0; i < portrait_values(c); i++) { /* values at the longest, and just below */
        size_t length = str_characters(c->value->text[i]);
        if (s->longest - length < 3)
            by_length[s->longest - length]++;
    }
    if (by_length[0] >= 5 && by_length[0] > 3 * (by_length[1] + by_length[2]))
        SAY(s, "%zu values have exactly %zu characters and hardly any a few less: cut off there?",
            by_length[0], s->longest);
}

static void say_tails(const Viewed *seen, SurveyColumn *s, const Portrait *c)
{
    if (!s->number || s->hidden || s->below + s->above == 0 || c->filled < 50)
        return;
    SAY(s,
        "%zu rows (%.1f %%) lie far out: more than 3 times the distance of the quartiles beyond "
        "them",
        s->below + s->above, percent(s->below + s->above, c->filled));
}

/* ---- two columns ---- */

enum { VALUES_MAX = 20, ROWS_LEAST = 20, COLUMNS_MAX = 200 };

/* Is `c` filled (or missing) for one value of `by` alone? */
static void say_filled_for(const Viewed *seen, SurveyColumn *s, const Portrait *c,
                           const Portrait *by)
{
    size_t in[VALUES_MAX + 1][2] = {{0}}, values = portrait_values(by), kinds[2] = {0, 0};
    uint32_t one[2] = {0, 0};
    for (size_t row = 0; row < seen->sheet.rows; row++) {
        uint32_t code = by->code[row] == NO_CODE ? (uint32_t)values : by->code[row];
        bool filled = c->code[row] != NO_CODE;
        if (in[code][filled]++ == 0) {
            kinds[filled]++;
            one[filled] = code;
            if (kinds[0] > 1 && kinds[1] > 1)
                return;
        }
    }
    for (int filled = 1; filled >= 0; filled--) {
        if (kinds[filled] != 1 || one[filled] == values)
            continue;
        size_t part = in[one[filled]][filled], of = in[one[filled]][0] + in[one[filled]][1];
        if (part < ROWS_LEAST || of * 20 > seen->sheet.rows * 19)
            continue;
        Str value = seen->hide_values ? S("one of its values") : by->value->text[one[filled]];
        SAY(s, "%s only where %.*s is %.*s (%zu of these %zu rows)%s",
            filled ? "filled" : "missing", STR_ARG(by->name), STR_ARG(value), part, of,
            SPEAKS(by, WORD_LABEL) ? ": if it is filled because of that, it knows the outcome"
                                   : "");
        return;
    }
}

static void say_together(const Viewed *seen, SurveyColumn *s, const Portrait *c)
{
    size_t rows = seen->sheet.rows, missing = rows - c->filled;
    if (c->filled < ROWS_LEAST || missing < ROWS_LEAST)
        return;
    for (size_t k = 0; k < seen->sheet.columns && k < COLUMNS_MAX; k++) {
        const Portrait *by = &seen->sheet.column[k];
        bool few = portrait_values(by) >= 2 && portrait_values(by) <= VALUES_MAX;
        if (by != c && few && by->filled * 2 > rows)
            say_filled_for(seen, s, c, by);
    }
}

/* Two columns with the same cell in every row. */
static void say_same(const Viewed *seen, SurveyColumn *s, size_t at)
{
    const Portrait *c = &seen->sheet.column[at];
    for (size_t k = 0; k < at && k < COLUMNS_MAX; k++) {
        const Portrait *other = &seen->sheet.column[k];
        if (other->filled != c->filled || portrait_values(other) != portrait_values(c) ||
            portrait_values(c) < 2)
            continue;
        bool same = true;
        for (size_t row = 0; row < seen->sheet.rows && same; row++)
            same = other->code[row] == c->code[row]; /* codes are in order of first sight */
        for (size_t i = 0; i < portrait_values(c) && same; i++)
            same = str_equal(other->value->text[i], c->value->text[i]);
        if (same) {
            SAY(s, "the same as %.*s in every row", STR_ARG(other->name));
            return;
        }
    }
}

/* ---- rows ---- */

typedef struct Hashed {
    uint64_t hash;
    uint32_t row;
} Hashed;

static int by_hash(const void *a, const void *b)
{
    const Hashed *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static bool same_row(const Sheet *s, size_t a, size_t b)
{
    for (size_t k = 0; k < s->columns; k++)
        if (s->column[k].code[a] != s->column[k].code[b])
            return false;
    return true;
}

static void count_repeated(const Viewed *seen, Arena scratch)
{
    const Sheet *s = &seen->sheet;
    SurveyFile *f = seen->file;
    Hashed *h = ARENA_RAW(&scratch, Hashed, s->rows + 1);
    uint32_t *code = ARENA_RAW(&scratch, uint32_t, s->columns + 1);
    for (size_t row = 0; row < s->rows; row++) {
        for (size_t k = 0; k < s->columns; k++)
            code[k] = s->column[k].code[row];
        h[row] = (Hashed){hash64((Str){(const char *)code, s->columns * sizeof *code}, 1),
                          (uint32_t)row};
    }
    qsort(h, s->rows, sizeof *h, by_hash);
    for (size_t i = 1; i < s->rows; i++)
        f->repeated += h[i].hash == h[i - 1].hash && same_row(s, h[i].row, h[i - 1].row);
    if (f->repeated > 0)
        survey_say(seen->keep, &f->finding, &f->findings,
                   "%zu %s the same in every cell as an earlier one (%.1f %%)", f->repeated,
                   f->repeated == 1 ? "row is" : "rows are", percent(f->repeated, s->rows));
}

/* A first line of values: its cells are of the kinds of their columns. */
static void look_at_header(const Viewed *seen)
{
    const Sheet *s = &seen->sheet;
    size_t alike = 0;
    for (size_t k = 0; k < s->columns; k++) {
        const Portrait *c = &s->column[k];
        double number;
        int64_t us;
        int digits;
        bool clock = false;
        alike += (portrait_numeric(c) && number_parse(c->name, c->number_form, &number, &digits)) ||
                 (c->kind == KIND_TIME && form_parse(c->name, c->form, &us, &clock));
    }
    if (alike > 0 && !seen->file->mended)
        survey_say(
            seen->keep, &seen->file->finding, &seen->file->findings,
            "the first line looks like values and not like names: if it is, give --header no");
}

void survey_findings(Viewed *seen, Arena scratch)
{
    SurveyFile *f = seen->file;
    if (f->empty)
        return;
    if (f->mended)
        survey_say(seen->keep, &f->finding, &f->findings,
                   "columns without a name of their own were given one (column_1, name (2))");
    if (f->rows == 0)
        survey_say(seen->keep, &f->finding, &f->findings, "there is a header and no row below it");
    else
        look_at_header(seen);
    count_repeated(seen, scratch);
    for (size_t k = 0; k < f->columns; k++) {
        SurveyColumn *s = &f->column[k];
        const Portrait *c = &seen->sheet.column[k];
        say_kind(seen, s, c, scratch);
        say_mixed(seen, s, c);
        say_spellings(seen, s, c, scratch);
        say_times(seen, s, c);
        say_truncated(seen, s, c);
        say_tails(seen, s, c);
        say_together(seen, s, c);
        say_same(seen, s, k);
    }
}
