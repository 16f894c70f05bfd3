/* report_survey.c - files looked at, as a page of its own that fetches nothing. */
#include "report/report_data.h"

#include <math.h>

enum { CHARTS_MAX = 60, BARS_MAX = 40 };

static void begin(Page *p, const Survey *s, Str version)
{
    Str rows = number_plural(p->arena, s->rows, "row", "rows");
    Str files = number_plural(p->arena, s->files, "file", "files");
    html_open(p, "en", S("Data profile"), "report");
    html(p, "<a class=\"skip\" href=\"#file-1\">Skip to the files</a>\n"
            "<header>\n<h1>Data profile</h1>\n<p class=\"meta\">");
    html_say(p, "%.*s in %.*s \xC2\xB7 assay %.*s", STR_ARG(rows), STR_ARG(files),
             STR_ARG(version));
    html(p, "</p>\n<nav aria-label=\"Contents\"><ol>");
    for (size_t i = 0; i < s->files; i++) {
        buffer_format(&p->out, "<li><a href=\"#file-%zu\">", i + 1);
        html_text(p, s->file[i].name);
        html(p, "</a></li>");
    }
    if (s->links > 0)
        html(p, "<li><a href=\"#links\">Keys that join files</a></li>");
    html(p, "</ol></nav>\n</header>\n<main>\n");
}

static void columns(Page *p, const SurveyFile *f)
{
    Arena *a = p->arena;
    html_table(
        p, "Columns",
        "Column|Holds|>Missing|>Distinct|>Least|>25 %|>Median|>75 %|>Greatest|>Far out|Values");
    for (size_t k = 0; k < f->columns; k++) {
        const SurveyColumn *c = &f->column[k];
        const double value[] = {c->low, c->q1, c->median, c->q3, c->high};
        html_row(p);
        html_head(p, c->name);
        html_cell(p, c->holds);
        html_cell_number(p, f->rows == 0
                                ? S("")
                                : number_share(a, (double)(f->rows - c->filled) / (double)f->rows));
        html_cell_number(p, number_count(a, c->distinct));
        for (size_t i = 0; i < COUNT_OF(value); i++)
            html_cell_number(p, is_missing(value[i]) ? S("") : survey_number(a, c, value[i]));
        html_cell_number(
            p, c->number && !is_missing(c->median) ? number_count(a, c->below + c->above) : S(""));
        html_cell(p, c->hidden ? str_format(a, "not shown: %.*s", STR_ARG(c->hidden_why)) : S(""));
        html_row_end(p);
    }
    html_table_end(p);
}

static void findings(Page *p, const SurveyFile *f)
{
    size_t count = f->findings;
    for (size_t k = 0; k < f->columns; k++)
        count += f->column[k].findings;
    if (count == 0) {
        html_paragraph(p, "Nothing odd was seen.");
        return;
    }
    html_table(p, "Worth knowing", "Column|What was seen");
    for (size_t i = 0; i < f->findings; i++) {
        html_row(p);
        html_head(p, S("(the file)"));
        html_cell(p, f->finding[i]);
        html_row_end(p);
    }
    for (size_t k = 0; k < f->columns; k++)
        for (size_t i = 0; i < f->column[k].findings; i++) {
            html_row(p);
            html_head(p, f->column[k].name);
            html_cell(p, f->column[k].finding[i]);
            html_row_end(p);
        }
    html_table_end(p);
}

static void missing(Page *p, const SurveyFile *f, size_t number)
{
    static const BarSeries series[] = {{{"rows without a value", 20}, "g0", 0}};
    size_t count = 0, shown = 0;
    for (size_t k = 0; k < f->columns; k++)
        count += f->column[k].filled < f->rows;
    if (count == 0)
        return;
    Bars b;
    html(p, "<div class=\"charts one data\">\n");
    bars_open(&b, p, str_chars(p->arena, str_format(p->arena, "gone-%zu", number)),
              S("Columns that lack values"), S("The share of rows without a value, by column."),
              series, 1, count < BARS_MAX ? count : BARS_MAX, 1);
    for (size_t k = 0; k < f->columns && shown < BARS_MAX; k++) {
        const SurveyColumn *c = &f->column[k];
        if (c->filled == f->rows)
            continue;
        const double value[] = {(double)(f->rows - c->filled) / (double)f->rows};
        const Str text[] = {number_share(p->arena, value[0])};
        bars_row(&b, c->name, value, text, text);
        shown++;
    }
    bars_close(&b);
    html_note(p, "The figures are in the table of columns.%s",
              count > BARS_MAX ? " Of so many columns the first 40 are drawn." : "");
    html(p, "</figure>\n</div>\n");
}

static void steps(Page *p, const SurveyColumn *c, const char *id)
{
    double value[SURVEY_STEPS];
    Arena *a = p->arena;
    for (size_t i = 0; i < c->steps; i++)
        value[i] = (double)c->step[i];
    double width = (c->to - c->from) / (double)c->steps;
    steps_draw(p, id, c->name, S("Rows by value, in equal steps."), "g0", value, c->steps,
               survey_number(a, c, c->from), survey_number(a, c, c->to));
    data_fold(p, "The figures");
    html_table(p, "Rows by value", "From|To|>Rows");
    for (size_t i = 0; i < c->steps; i++) {
        html_row(p);
        html_head(p, i == 0 ? S("least") : survey_number(a, c, c->from + width * (double)i));
        html_cell(p, i + 1 == c->steps ? S("greatest")
                                       : survey_number(a, c, c->from + width * (double)(i + 1)));
        html_cell_number(p, data_count(a, c->step[i]));
        html_row_end(p);
    }
    html_table_end(p);
    data_fold_end(p);
    html(p, "</figure>\n");
}

static void tops(Page *p, const SurveyColumn *c, uint64_t rows, const char *id)
{
    static const BarSeries series[] = {{{"rows", 4}, "g0", 0}};
    Arena *a = p->arena;
    Bars b;
    bars_open(&b, p, id, c->name, S("Rows by value, most frequent first."), series, 1, c->tops,
              (double)c->top[0].rows);
    for (size_t i = 0; i < c->tops; i++) {
        const double value[] = {(double)c->top[i].rows};
        const Str text[] = {number_share(a, value[0] / (double)rows)};
        const Str says[] = {c->top[i].text};
        bars_row(&b, c->top[i].text, value, text, says);
    }
    bars_close(&b);
    data_fold(p, "The figures");
    html_table(p, "Most frequent values", "Value|>Rows|>Share");
    for (size_t i = 0; i < c->tops; i++) {
        html_row(p);
        html_head(p, c->top[i].text);
        html_cell_number(p, number_count(a, c->top[i].rows));
        html_cell_number(p, number_share(a, (double)c->top[i].rows / (double)rows));
        html_row_end(p);
    }
    html_table_end(p);
    data_fold_end(p);
    html(p, "</figure>\n");
}

static void shapes(Page *p, const SurveyFile *f, size_t number)
{
    size_t drawn = 0, could = 0;
    for (size_t k = 0; k < f->columns; k++)
        could += f->column[k].steps > 0 || f->column[k].tops > 1;
    if (could == 0)
        return;
    html(p, "<h3>Distributions</h3>\n<div class=\"charts data\">\n");
    for (size_t k = 0; k < f->columns && drawn < CHARTS_MAX; k++) {
        const SurveyColumn *c = &f->column[k];
        const char *id = str_chars(p->arena, str_format(p->arena, "shape-%zu-%zu", number, k));
        if (c->steps > 0)
            steps(p, c, id);
        else if (c->tops > 1)
            tops(p, c, f->rows, id);
        else
            continue;
        drawn++;
    }
    html(p, "</div>\n");
    html_note(p,
              "Numbers and times: rows in 20 equal steps between the 1 %% and the 99 %% quantile, "
              "or the outer fences where these are nearer; "
              "the first and last bar hold what lies beyond. Words: the most frequent values. "
              "Drawn: %zu of %zu columns that vary and may be shown.",
              drawn, could);
}

static void pairs(Page *p, const SurveyFile *f)
{
    if (f->pairs == 0)
        return;
    html(p, "<h3>Numbers that move together</h3>\n");
    html_table(p, "Strongest rank correlations (Spearman)",
               "Column|And|>Rows with both|>Coefficient");
    for (size_t i = 0; i < f->pairs; i++) {
        html_row(p);
        html_head(p, f->column[f->pair[i].a].name);
        html_cell(p, f->column[f->pair[i].b].name);
        html_cell_number(p, number_count(p->arena, f->pair[i].rows));
        html_cell_number(p, number_fixed(p->arena, f->pair[i].rho, 2));
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p, "The strongest %zu of %zu pairs, on %zu of %s rows at even steps.", f->pairs,
              f->pairs_of, f->pair_rows, say_count(p, f->rows));
}

static void file(Page *p, const SurveyFile *f, size_t number)
{
    Arena *a = p->arena;
    buffer_format(&p->out,
                  "<section id=\"file-%zu\" aria-labelledby=\"file-%zu-h\">\n<h2 "
                  "id=\"file-%zu-h\">",
                  number, number, number);
    html_text(p, f->name);
    html(p, "</h2>\n");
    Str rows = number_plural(a, f->rows, "row", "rows");
    Str count = number_plural(a, f->columns, "column", "columns"),
        bytes = survey_bytes(a, f->bytes);
    if (f->empty)
        html_paragraph(p, "The file is empty.");
    else
        html_paragraph(p, "%.*s of %.*s in %.*s, parted by %s.%s", STR_ARG(rows), STR_ARG(count),
                       STR_ARG(bytes), survey_delimiter(f->delimiter),
                       f->set_aside > 0 ? " Rows that could not be read are left out." : "");
    findings(p, f);
    if (f->columns > 0) {
        columns(p, f);
        if (f->rows > 0)
            missing(p, f, number);
        shapes(p, f, number);
        pairs(p, f);
    }
    html(p, "</section>\n");
}

static void links(Page *p, const Survey *s)
{
    if (s->links == 0)
        return;
    html(p, "<section id=\"links\" aria-labelledby=\"links-h\">\n<h2 id=\"links-h\">Keys that join "
            "files</h2>\n<ul>\n");
    for (size_t i = 0; i < s->links; i++) {
        html(p, "<li>");
        html_text(p, survey_link_says(p->arena, s, &s->link[i]));
        html(p, "</li>\n");
    }
    html(p, "</ul>\n</section>\n");
}

Status report_survey_write(const Survey *s, Str version, const char *path, Error *err)
{
    Arena own = arena_new(), spare = arena_new(), text = arena_new();
    Page p = {.arena = &own, .spare = spare, .out = buffer_new(&text)};
    begin(&p, s, version);
    for (size_t i = 0; i < s->files; i++)
        file(&p, &s->file[i], i + 1);
    links(&p, s);
    html(&p, "</main>\n<footer>\n<p class=\"note\">");
    html_say(&p, "%s",
             s->values ? "Values of columns that name rows or people are not shown; other values "
                         "stand here as the files have them. This page needs no network."
                       : "No value of a single row is shown. This page needs no network.");
    html(&p, "</p>\n</footer>\n");
    html_close(&p);
    Status status = file_write(path, buffer_str(&p.out), err);
    arena_free(&text);
    arena_free(&spare);
    arena_free(&own);
    return status;
}
