/* report_sheet.c - a page of another room's figures, in the shell of the report. */
#include "report/report_data.h"

#include <math.h>
#include <string.h>

enum { COLUMNS_MAX = 16 };

struct ReportSheet {
    Arena own, spare, text;
    Page page;
    const ReportPart *part;
    size_t parts, begun;
    bool folded;
    bool number[COLUMNS_MAX]; /* of the table that is open */
    size_t columns;
};

ReportSheet *report_sheet_open(Str title, Str meta, const ReportPart *part, size_t parts)
{
    Arena own = arena_new();
    ReportSheet *s = ARENA_NEW(&own, ReportSheet);
    s->own = own;
    s->spare = arena_new();
    s->text = arena_new();
    s->part = part;
    s->parts = parts;
    s->page = (Page){.arena = &s->own, .spare = s->spare, .out = buffer_new(&s->text)};
    Page *p = &s->page;
    html_open(p, "en", title, "report");
    buffer_format(&p->out, "<a class=\"skip\" href=\"#%s\">Skip to the findings</a>\n", part[0].id);
    html(p, "<header>\n<h1>");
    html_text(p, title);
    html(p, "</h1>\n<p class=\"meta\">");
    html_text(p, meta);
    html(p, "</p>\n<nav aria-label=\"Contents\"><ol>");
    for (size_t i = 0; i < parts; i++) {
        buffer_format(&p->out, "<li><a href=\"#%s\">", part[i].id);
        html_text(p, str_from(part[i].title));
        html(p, "</a></li>");
    }
    html(p, "</ol></nav>\n</header>\n<main>\n");
    return s;
}

void report_sheet_part(ReportSheet *s)
{
    Page *p = &s->page;
    const ReportPart *part = &s->part[s->begun];
    if (s->begun++ > 0)
        html(p, "</section>\n");
    buffer_format(&p->out, "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">",
                  part->id, part->id, part->id);
    html_text(p, str_from(part->title));
    html(p, "</h2>\n");
}

void report_sheet_verdict(ReportSheet *s, Str sentence)
{
    html_verdict(&s->page, "%.*s", STR_ARG(sentence));
}

void report_sheet_paragraph(ReportSheet *s, Str sentence)
{
    html_paragraph(&s->page, "%.*s", STR_ARG(sentence));
}

void report_sheet_note(ReportSheet *s, Str sentence)
{
    html_note(&s->page, "%.*s", STR_ARG(sentence));
}

void report_sheet_table(ReportSheet *s, const char *folded, const char *caption,
                        const char *columns)
{
    s->columns = 0;
    s->folded = folded != NULL;
    for (const char *at = columns; at != NULL && s->columns < COLUMNS_MAX;) {
        s->number[s->columns++] = *at == '>';
        at = strchr(at, '|');
        at = at == NULL ? NULL : at + 1;
    }
    if (s->folded)
        data_fold(&s->page, folded);
    html_table(&s->page, caption, columns);
}

void report_sheet_row(ReportSheet *s, const Str *cell)
{
    Page *p = &s->page;
    html_row(p);
    html_head(p, cell[0]);
    for (size_t i = 1; i < s->columns; i++)
        if (s->number[i])
            html_cell_number(p, cell[i]);
        else
            html_cell(p, cell[i]);
    html_row_end(p);
}

void report_sheet_table_end(ReportSheet *s)
{
    html_table_end(&s->page);
    if (s->folded)
        data_fold_end(&s->page);
}

void report_sheet_bars(ReportSheet *s, const char *id, Str title, Str description,
                       const Str *series, size_t count, const Str *label, const double *value,
                       const Str *text, size_t rows)
{
    static const char *const three[REPORT_SERIES_MAX] = {"g0", "g3", "g1"};
    static const char *const two[REPORT_SERIES_MAX] = {"g0", "g1"};
    const char *const *style = count == 3 ? three : two;
    Page *p = &s->page;
    BarSeries *of = ARENA_ARRAY(&s->own, BarSeries, count);
    double most = 0;
    for (size_t i = 0; i < count; i++)
        of[i] = (BarSeries){series[i], style[i], 0};
    size_t longest = 0;
    for (size_t i = 0; i < rows * count; i++) {
        most = fmax(most, value[i]); /* fmax passes over NaN */
        longest = text[i].size > longest ? text[i].size : longest;
    }
    if (longest > 6) /* room for what stands behind the longest bar */
        most *= 1 + 0.025 * (double)(longest - 6);
    Bars b;
    html(p, "<div class=\"charts one data\">\n");
    bars_open(&b, p, id, title, description, of, count, rows, most);
    for (size_t r = 0; r < rows; r++)
        bars_row(&b, label[r], value + r * count, text + r * count, text + r * count);
    bars_close(&b);
    html(p, "</figure>\n</div>\n");
}

Status report_sheet_close(ReportSheet *s, Str footer, const char *path, Error *err)
{
    Page *p = &s->page;
    if (s->begun > 0)
        html(p, "</section>\n");
    html(p, "</main>\n<footer>\n<p class=\"note\">");
    html_text(p, footer);
    html(p, "</p>\n</footer>\n");
    html_close(p);
    Status status = file_write(path, buffer_str(&p->out), err);
    Arena own = s->own;
    arena_free(&s->text);
    arena_free(&s->spare);
    arena_free(&own);
    return status;
}
