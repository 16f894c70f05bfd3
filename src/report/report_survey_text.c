/* report_survey_text.c - files looked at, on a terminal of a hundred columns. */
#include "report/report_data.h"

#include <math.h>

enum { NAME_WIDTH = 26, HOLDS_WIDTH = 19, VALUES_WIDTH = 48 };

static void one_as_it_is(Buffer *b, Str rest, size_t size)
{
    buffer_add(b, str_slice(rest, 0, size));
}

/* Without controls and turns of direction, on one line, cut at so many characters. */
static Str plain(Arena *arena, Str text, size_t characters)
{
    Buffer b = buffer_new(arena);
    text_escape(&b, text, text.size, one_as_it_is);
    size_t seen = 0;
    for (size_t i = 0; i < b.size; i++) {
        if (b.data[i] == '\n' || b.data[i] == '\t')
            b.data[i] = ' ';
        seen += ((unsigned char)b.data[i] & 0xC0) != 0x80;
        if (seen > characters)
            return str_format(arena, "%.*s\xE2\x80\xA6", (int)(i > 0 ? i : 0), b.data);
    }
    return buffer_str(&b);
}

static void padded(Buffer *b, Str text, size_t width, bool right)
{
    size_t own = str_characters(text);
    for (size_t i = own; right && i < width; i++)
        buffer_char(b, ' ');
    buffer_add(b, text);
    for (size_t i = own; !right && i < width; i++)
        buffer_char(b, ' ');
    buffer_char(b, ' ');
}

Str survey_number(Arena *arena, const SurveyColumn *c, double value)
{
    return c->time ? data_number(arena, value / (double)DAY_US, DESCRIBE_DATE)
                   : data_number(arena, value, DESCRIBE_PLAIN);
}

static void sparkline(Buffer *b, const SurveyColumn *c)
{
    static const char *const blocks[] = {"\xE2\x96\x81", "\xE2\x96\x82", "\xE2\x96\x83",
                                         "\xE2\x96\x84", "\xE2\x96\x85", "\xE2\x96\x86",
                                         "\xE2\x96\x87", "\xE2\x96\x88"};
    size_t most = 0;
    for (size_t i = 0; i < c->steps; i++)
        most = c->step[i] > most ? c->step[i] : most;
    for (size_t i = 0; i < c->steps; i++) {
        if (c->step[i] == 0)
            buffer_char(b, ' ');
        else
            buffer_add(b, str_from(blocks[(c->step[i] * 8 - 1) / most]));
    }
}

static void numbers(Buffer *b, Arena *a, const SurveyColumn *c)
{
    if (is_missing(c->median))
        return;
    Str median = survey_number(a, c, c->median);
    if (is_missing(c->low)) { /* values of single rows are hidden */
        Str q1 = survey_number(a, c, c->q1), q3 = survey_number(a, c, c->q3);
        buffer_format(b, "%.*s | %.*s | %.*s", STR_ARG(q1), STR_ARG(median), STR_ARG(q3));
        return;
    }
    Str low = survey_number(a, c, c->low), high = survey_number(a, c, c->high);
    buffer_format(b, "%.*s .. %.*s .. %.*s", STR_ARG(low), STR_ARG(median), STR_ARG(high));
    if (c->steps > 0) {
        buffer_add(b, S("  "));
        sparkline(b, c);
    }
}

static void values(Buffer *b, Arena *a, const SurveyColumn *c, uint64_t rows)
{
    size_t width = 0;
    for (size_t i = 0; i < c->tops; i++) {
        Str share = number_share(a, (double)c->top[i].rows / (double)rows);
        Str text = str_format(a, "%s%.*s %.*s", i > 0 ? ", " : "",
                              STR_ARG(plain(a, c->top[i].text, 20)), STR_ARG(share));
        width += str_characters(text);
        if (i > 0 && width > VALUES_WIDTH)
            return;
        buffer_add(b, text);
    }
    if (c->tops == 0 && c->longest > 0)
        buffer_format(b, c->shortest == c->longest ? "%zu characters" : "%zu to %zu characters",
                      c->shortest, c->longest);
}

static void column(Buffer *b, Arena *a, const SurveyColumn *c, uint64_t rows)
{
    buffer_add(b, S("  "));
    padded(b, plain(a, c->name, NAME_WIDTH - 1), NAME_WIDTH, false);
    padded(b, c->holds, HOLDS_WIDTH, false);
    double missing = rows == 0 ? MISSING_VALUE : (double)(rows - c->filled) / (double)rows;
    padded(b, rows == 0 ? S("-") : number_share(a, missing), 7, true);
    padded(b, number_count(a, c->distinct), 9, true);
    if (c->hidden)
        buffer_format(b, "(not shown: %.*s)", STR_ARG(c->hidden_why));
    else if (c->number || c->time)
        numbers(b, a, c);
    else
        values(b, a, c, rows);
    while (b->size > 0 && b->data[b->size - 1] == ' ')
        b->size--;
    buffer_char(b, '\n');
}

static void finding(Buffer *b, Arena *a, Str where, Str what)
{
    buffer_format(b, "  - %s%.*s%.*s\n", "", STR_ARG(where), STR_ARG(plain(a, what, 400)));
}

Str survey_bytes(Arena *arena, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB"};
    double size = (double)bytes;
    size_t unit = 0;
    while (size >= 1000 && unit + 1 < COUNT_OF(units)) {
        size /= 1000;
        unit++;
    }
    return str_format(arena, "%.*s %s", STR_ARG(number_fixed(arena, size, unit > 0 && size < 10)),
                      units[unit]);
}

const char *survey_delimiter(char delimiter)
{
    return delimiter == ';'    ? "semicolons"
           : delimiter == '\t' ? "tabs"
           : delimiter == '|'  ? "bars"
                               : "commas";
}

static void file(Buffer *b, Arena *a, const SurveyFile *f)
{
    Str rows = number_plural(a, f->rows, "row", "rows");
    Str columns = number_plural(a, f->columns, "column", "columns");
    Str bytes = survey_bytes(a, f->bytes), name = plain(a, f->name, 60);
    if (f->empty)
        buffer_format(b, "%.*s: empty\n", STR_ARG(name));
    else
        buffer_format(b, "%.*s: %.*s, %.*s, %.*s, parted by %s\n", STR_ARG(name), STR_ARG(rows),
                      STR_ARG(columns), STR_ARG(bytes), survey_delimiter(f->delimiter));
    if (f->columns > 0) {
        buffer_add(b, S("\n  "));
        padded(b, S("column"), NAME_WIDTH, false);
        padded(b, S("holds"), HOLDS_WIDTH, false);
        padded(b, S("missing"), 7, true);
        padded(b, S("distinct"), 9, true);
        buffer_add(b, S("least .. median .. greatest, or most frequent\n"));
    }
    for (size_t k = 0; k < f->columns; k++)
        column(b, a, &f->column[k], f->rows);
    size_t findings = f->findings;
    for (size_t k = 0; k < f->columns; k++)
        findings += f->column[k].findings;
    if (findings > 0)
        buffer_add(b, S("\n  worth knowing\n"));
    for (size_t i = 0; i < f->findings; i++)
        finding(b, a, S(""), f->finding[i]);
    for (size_t k = 0; k < f->columns; k++)
        for (size_t i = 0; i < f->column[k].findings; i++)
            finding(b, a, str_format(a, "%.*s: ", STR_ARG(plain(a, f->column[k].name, 60))),
                    f->column[k].finding[i]);
    size_t told = 0;
    for (size_t i = 0; i < f->pairs && told < 5; i++) {
        if (fabs(f->pair[i].rho) < 0.5)
            break;
        Str rho = number_fixed(a, f->pair[i].rho, 2);
        finding(b, a, S(""),
                str_format(a, "%.*s and %.*s move together (rank correlation %.*s)",
                           STR_ARG(f->column[f->pair[i].a].name),
                           STR_ARG(f->column[f->pair[i].b].name), STR_ARG(rho)));
        told++;
    }
}

Str survey_link_says(Arena *a, const Survey *s, const SurveyLink *l)
{
    const SurveyFile *x = &s->file[l->file[0]], *y = &s->file[l->file[1]];
    const SurveyColumn *c = &x->column[l->column[0]], *d = &y->column[l->column[1]];
    Str both = number_count(a, l->values), first = number_count(a, c->distinct);
    Str second = number_count(a, d->distinct);
    Str rows = number_share(a, c->filled == 0 ? 0 : (double)l->rows[0] / (double)c->filled);
    Str others = number_share(a, d->filled == 0 ? 0 : (double)l->rows[1] / (double)d->filled);
    return str_format(
        a,
        "%.*s of %.*s (%.*s values%s) and %.*s of %.*s (%.*s%s): %.*s values in both, "
        "which %.*s of the rows of the first and %.*s of the second hold",
        STR_ARG(c->name), STR_ARG(x->name), STR_ARG(first), l->key[0] ? ", a key" : "",
        STR_ARG(d->name), STR_ARG(y->name), STR_ARG(second), l->key[1] ? ", a key" : "",
        STR_ARG(both), STR_ARG(rows), STR_ARG(others));
}

Str report_survey(Arena *keep, const Survey *s)
{
    Arena own = arena_new();
    Buffer b = buffer_new(keep);
    for (size_t i = 0; i < s->files; i++) {
        if (i > 0)
            buffer_char(&b, '\n');
        file(&b, &own, &s->file[i]);
    }
    if (s->links > 0)
        buffer_add(&b, S("\nkeys that join files\n"));
    for (size_t i = 0; i < s->links; i++)
        finding(&b, &own, S(""), survey_link_says(&own, s, &s->link[i]));
    arena_free(&own);
    return buffer_str(&b);
}
