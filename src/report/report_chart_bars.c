/* report_chart_bars.c - charts of shares by group: lying bars, a table of heat, bars over time. */
#include "report/report_data.h"

#include <math.h>

enum { WIDTH = 350, LABELS = 114, GAP = 36, TOP = 22, BAR = 10, ROW_GAP = 6 };

static void real(Buffer *b, double value)
{
    Arena own = arena_new();
    buffer_add(b, number_fixed(&own, value, 1));
    arena_free(&own);
}

static void at(Page *p, const char *name, double value)
{
    html(p, " ");
    html(p, name);
    html(p, "=\"");
    real(&p->out, value);
    html(p, "\"");
}

static void words(Page *p, const char *style, double x, double y, Str text)
{
    html(p, "<text class=\"");
    html(p, style);
    html(p, "\"");
    at(p, "x", x);
    at(p, "y", y);
    html(p, ">");
    html_text(p, text);
    html(p, "</text>");
}

/* says may be empty. */
static void box(Page *p, const char *style, double x, double y, double width, double height,
                Str says)
{
    html(p, "<rect class=\"");
    html(p, style);
    html(p, "\"");
    at(p, "x", x);
    at(p, "y", y);
    at(p, "width", width);
    at(p, "height", height);
    if (says.size == 0) {
        html(p, "/>");
        return;
    }
    html(p, "><title>");
    html_text(p, says);
    html(p, "</title></rect>\n");
}

static void open_figure(Page *p, const char *id, Str title, Str description, double height)
{
    html(p, "<figure>\n<figcaption>");
    html_text(p, title);
    html(p, "</figcaption>\n");
    buffer_format(&p->out,
                  "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"%s-t %s-d\">\n"
                  "<title id=\"%s-t\">",
                  WIDTH, height, id, id, id);
    html_text(p, title);
    buffer_format(&p->out, "</title><desc id=\"%s-d\">", id);
    html_text(p, description);
    html(p, "</desc>\n");
}

/* The first characters, so many that they fit where so many small letters would. */
static Str shortened(Arena *arena, Str text, size_t letters)
{
    size_t seen = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c & 0xC0) == 0x80)
            continue;
        seen += c >= 'A' && c <= 'Z' ? 13 : 10; /* capitals are wider */
        if (seen > letters * 10 + 10)
            return str_format(arena, "%.*s\xE2\x80\xA6", (int)i, text.data);
    }
    return text;
}

/* ---- lying bars ---- */

static double panel_width(const Bars *b)
{
    return b->panels == 2 ? (WIDTH - LABELS - 2 * GAP) / 2.0 : WIDTH - LABELS - GAP;
}

static double panel_left(const Bars *b, size_t panel)
{
    return LABELS + (double)panel * (panel_width(b) + GAP);
}

static double row_height(const Bars *b)
{
    return (double)b->deep * BAR + ROW_GAP;
}

void bars_open(Bars *b, Page *p, const char *id, Str title, Str description,
               const BarSeries *series, size_t count, size_t rows, double most)
{
    size_t in[2] = {0, 0};
    *b = (Bars){.page = p, .series = series, .count = count, .most = most > 0 ? most : 1};
    for (size_t i = 0; i < count; i++)
        in[series[i].panel]++;
    b->panels = in[1] > 0 ? 2 : 1;
    b->deep = in[0] > in[1] ? in[0] : in[1];
    double head = (double)b->deep * 13 + 8;
    open_figure(p, id, title, description, head + (double)rows * row_height(b) + 2);
    size_t placed[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        double x = panel_left(b, series[i].panel);
        double y = 3 + (double)placed[series[i].panel]++ * 13;
        box(p, series[i].style, x, y, 8, 8, S(""));
        words(p, "start", x + 12, y + 8,
              shortened(p->arena, series[i].name, b->panels == 2 ? 16 : 40));
        html(p, "\n");
    }
}

void bars_row(Bars *b, Str label, const double *value, const Str *text, const Str *says)
{
    Page *p = b->page;
    double top = (double)b->deep * 13 + 8 + (double)b->row++ * row_height(b);
    size_t placed[2] = {0, 0};
    words(p, "end name", LABELS - 6, top + (double)b->deep * BAR / 2 + 3.5,
          shortened(p->arena, label, 17));
    for (size_t i = 0; i < b->count; i++) {
        size_t panel = b->series[i].panel;
        double x = panel_left(b, panel), y = top + (double)placed[panel]++ * BAR;
        double length = is_missing(value[i]) ? 0 : value[i] / b->most * panel_width(b);
        if (length > 0)
            box(p, b->series[i].style, x, y + 0.5, length, BAR - 1, says[i]);
        words(p, "tiny", x + length + 3, y + BAR - 2, text[i]);
    }
    html(p, "\n");
}

void bars_close(Bars *b)
{
    html(b->page, "</svg>\n");
}

/* ---- heat ---- */

void heat_draw(Page *p, const char *id, Str title, Str description, const Str *name,
               const double *value, size_t count)
{
    double cell = (WIDTH - LABELS - 30) / (double)(count == 0 ? 1 : count);
    if (cell > 26)
        cell = 26;
    double left = LABELS + 24;
    open_figure(p, id, title, description, TOP + (double)count * cell + 4);
    for (size_t a = 0; a < count; a++) {
        Str number = str_format(p->arena, "%zu", a + 1);
        double y = TOP + (double)a * cell;
        words(p, "end tiny", left - 5, y + cell / 2 + 3,
              str_format(p->arena, "%.*s  %zu", STR_ARG(shortened(p->arena, name[a], 24)), a + 1));
        words(p, "mid tiny", left + ((double)a + 0.5) * cell, TOP - 5, number);
        for (size_t b = 0; b < count; b++) {
            double rho = value[a * count + b], x = left + (double)b * cell;
            box(p, "frame", x, y, cell, cell, S(""));
            if (is_missing(rho) || a == b)
                continue;
            html(p, rho < 0 ? "<rect class=\"cell minus\"" : "<rect class=\"cell\"");
            at(p, "x", x + 0.5);
            at(p, "y", y + 0.5);
            at(p, "width", cell - 1);
            at(p, "height", cell - 1);
            buffer_format(&p->out, " fill-opacity=\"%.2f\"><title>", fabs(rho) * 0.9);
            html_text(p, name[a]);
            html(p, " and ");
            html_text(p, name[b]);
            html(p, ": ");
            html_text(p, number_fixed(p->arena, rho, 2));
            html(p, "</title></rect>");
            if (fabs(rho) >= 0.2)
                words(p, fabs(rho) >= 0.6 ? "mid tiny off" : "mid tiny on", x + cell / 2,
                      y + cell / 2 + 3, number_fixed(p->arena, rho * 10, 0));
        }
        html(p, "\n");
    }
    html(p, "</svg>\n");
}

/* ---- over time ---- */

void steps_draw(Page *p, const char *id, Str title, Str description, const char *style,
                const double *value, size_t count, Str first, Str last)
{
    enum { HEIGHT = 96, BASE = 78, LEFT = 40 };
    double most = 0, width = (WIDTH - LEFT - 6) / (double)(count == 0 ? 1 : count);
    for (size_t i = 0; i < count; i++)
        most = !is_missing(value[i]) && value[i] > most ? value[i] : most;
    open_figure(p, id, title, description, HEIGHT);
    for (int k = 0; k <= 2; k++) {
        double y = BASE - k * (BASE - 10) / 2.0;
        html(p, k == 0 ? "<line class=\"axis\"" : "<line class=\"grid\"");
        at(p, "x1", LEFT);
        at(p, "y1", y);
        at(p, "x2", WIDTH - 6);
        at(p, "y2", y);
        html(p, "/>");
        words(p, "end tiny", LEFT - 4, y + 3, data_number(p->arena, most * k / 2, DESCRIBE_PLAIN));
    }
    for (size_t i = 0; i < count && most > 0; i++)
        if (!is_missing(value[i]) && value[i] > 0) {
            double height = value[i] / most * (BASE - 10);
            box(p, style, LEFT + (double)i * width + 0.4, BASE - height,
                width > 1.6 ? width - 0.8 : width, height,
                data_number(p->arena, value[i], DESCRIBE_PLAIN));
        }
    words(p, "tiny", LEFT, HEIGHT - 5, first);
    words(p, "end tiny", WIDTH - 6, HEIGHT - 5, last);
    html(p, "</svg>\n");
}
