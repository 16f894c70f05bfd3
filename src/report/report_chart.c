/* report_chart.c - the few marks that the page's charts are made of. */
#include "report/report_internal.h"

/* The box, in SVG units, and the plot inside it. */
enum { BOX_WIDTH = 380, BOX_HEIGHT = 264, LEFT = 46, RIGHT = 12, TOP = 12, BOTTOM = 42 };

static double place_x(const Chart *c, double x)
{
    return LEFT + (x - c->x_low) / (c->x_high - c->x_low) * (BOX_WIDTH - LEFT - RIGHT);
}

static double place_y(const Chart *c, double y)
{
    return BOX_HEIGHT - BOTTOM -
           (y - c->y_low) / (c->y_high - c->y_low) * (BOX_HEIGHT - TOP - BOTTOM);
}

static void number(Chart *c, double value)
{
    buffer_add(&c->page->out, number_fixed(c->page->arena, value, 1));
}

static void attribute(Chart *c, const char *name, double value)
{
    buffer_char(&c->page->out, ' ');
    html(c->page, name);
    html(c->page, "=\"");
    number(c, value);
    html(c->page, "\"");
}

static void label(Chart *c, const char *style, double x, double y, Str text)
{
    html(c->page, "<text class=\"");
    html(c->page, style);
    html(c->page, "\"");
    attribute(c, "x", x);
    attribute(c, "y", y);
    html(c->page, ">");
    html_text(c->page, text);
    html(c->page, "</text>");
}

static void segment(Chart *c, const char *style, double x0, double y0, double x1, double y1)
{
    html(c->page, "<line class=\"");
    html(c->page, style);
    html(c->page, "\"");
    attribute(c, "x1", x0);
    attribute(c, "y1", y0);
    attribute(c, "x2", x1);
    attribute(c, "y2", y1);
    html(c->page, "/>\n");
}

void chart_open(Chart *c, Page *p, const char *id, const char *title, Str description,
                const char *x_label, const char *y_label)
{
    *c = (Chart){.page = p, .x_high = 1, .y_high = 1, .x_label = x_label, .y_label = y_label};
    html(p, "<figure>\n<figcaption>");
    html_say(p, "%s", title);
    html(p, "</figcaption>\n");
    buffer_format(&p->out,
                  "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-t %s-d\">\n"
                  "<title id=\"%s-t\">",
                  BOX_WIDTH, BOX_HEIGHT, id, id, id);
    html_say(p, "%s", title);
    buffer_format(&p->out, "</title><desc id=\"%s-d\">", id);
    html_text(p, description);
    html(p, "</desc>\n");
    label(c, "mid", LEFT + (BOX_WIDTH - LEFT - RIGHT) / 2.0, BOX_HEIGHT - 6, str_from(x_label));
    html(p, "<g transform=\"rotate(-90)\">");
    label(c, "mid", -(TOP + (BOX_HEIGHT - TOP - BOTTOM) / 2.0), 11, str_from(y_label));
    html(p, "</g>\n");
}

void chart_axes(Chart *c, int steps, int x_digits, int y_digits)
{
    Arena *arena = c->page->arena;
    for (int i = 0; i <= steps; i++) {
        double x = c->x_low + (c->x_high - c->x_low) * i / steps;
        double y = c->y_low + (c->y_high - c->y_low) * i / steps;
        segment(c, i == 0 ? "axis" : "grid", LEFT, place_y(c, y), BOX_WIDTH - RIGHT, place_y(c, y));
        label(c, "end", LEFT - 5, place_y(c, y) + 3.5, number_fixed(arena, y, y_digits));
        label(c, "mid", place_x(c, x), BOX_HEIGHT - BOTTOM + 15, number_fixed(arena, x, x_digits));
        html(c->page, "\n");
    }
}

void chart_scale(Chart *c, int steps, int digits)
{
    for (int i = 0; i <= steps; i++) {
        double y = c->y_low + (c->y_high - c->y_low) * i / steps;
        segment(c, i == 0 ? "axis" : "grid", LEFT, place_y(c, y), BOX_WIDTH - RIGHT, place_y(c, y));
        label(c, "end", LEFT - 5, place_y(c, y) + 3.5, number_fixed(c->page->arena, y, digits));
        html(c->page, "\n");
    }
}

void chart_tick(Chart *c, double x, Str text)
{
    label(c, "mid name", place_x(c, x), BOX_HEIGHT - BOTTOM + 15, text);
    html(c->page, "\n");
}

void chart_line(Chart *c, const char *style, const double *x, const double *y, size_t count)
{
    html(c->page, "<polyline class=\"");
    html(c->page, style);
    html(c->page, "\" points=\"");
    for (size_t i = 0; i < count; i++) {
        number(c, place_x(c, x[i]));
        html(c->page, ",");
        number(c, place_y(c, y[i]));
        html(c->page, i + 1 < count ? " " : "");
    }
    html(c->page, "\"/>\n");
}

void chart_point(Chart *c, const char *style, double x, double y, double radius)
{
    html(c->page, "<circle class=\"");
    html(c->page, style);
    html(c->page, "\"");
    attribute(c, "cx", place_x(c, x));
    attribute(c, "cy", place_y(c, y));
    attribute(c, "r", radius);
    html(c->page, "/>\n");
}

void chart_bar(Chart *c, const char *style, double x_low, double x_high, double y)
{
    double left = place_x(c, x_low), top = place_y(c, y);
    html(c->page, "<rect class=\"");
    html(c->page, style);
    html(c->page, "\"");
    attribute(c, "x", left + 0.5);
    attribute(c, "y", top);
    attribute(c, "width", place_x(c, x_high) - left - 1);
    attribute(c, "height", place_y(c, c->y_low) - top);
    html(c->page, "/>\n");
}

void chart_box(Chart *c, double x, const double quartile[3])
{
    enum { HALF = 22 }; /* of its width, in SVG units */
    double middle = place_x(c, x), top = place_y(c, quartile[2]);
    double height = place_y(c, quartile[0]) - top;
    html(c->page, "<rect class=\"box\"");
    attribute(c, "x", middle - HALF);
    attribute(c, "y", top);
    attribute(c, "width", 2 * HALF);
    attribute(c, "height", height < 1 ? 1 : height); /* equal quartiles are still seen */
    html(c->page, "/>\n");
    segment(c, "middle", middle - HALF, place_y(c, quartile[1]), middle + HALF,
            place_y(c, quartile[1]));
    chart_point(c, "dot", x, quartile[1], 3);
}

void chart_span(Chart *c, const char *style, double x_low, double x_high, double y_low,
                double y_high)
{
    double left = place_x(c, x_low), top = place_y(c, y_high);
    html(c->page, "<rect class=\"");
    html(c->page, style);
    html(c->page, "\"");
    attribute(c, "x", left);
    attribute(c, "y", top);
    attribute(c, "width", place_x(c, x_high) - left);
    attribute(c, "height", place_y(c, y_low) - top);
    html(c->page, "/>\n");
}

void chart_upright(Chart *c, double x, double low, double high)
{
    segment(c, "whisker", place_x(c, x), place_y(c, low), place_x(c, x), place_y(c, high));
}

void chart_mark(Chart *c, double x, Str text)
{
    segment(c, "mark", place_x(c, x), TOP, place_x(c, x), BOX_HEIGHT - BOTTOM);
    label(c, "start", place_x(c, x) + 4, TOP + 9, text);
    html(c->page, "\n");
}

void chart_close(Chart *c)
{
    const double scale[] = {LEFT,     BOX_WIDTH - RIGHT, TOP,      BOX_HEIGHT - BOTTOM,
                            c->x_low, c->x_high,         c->y_low, c->y_high};
    html(c->page, "</svg>\n<p class=\"readout\" data-scale=\"");
    for (size_t i = 0; i < COUNT_OF(scale); i++) {
        html(c->page, i == 0 ? "" : " ");
        html_text(c->page, number_fixed(c->page->arena, scale[i], 6));
    }
    html(c->page, "\" data-x=\"");
    html_text(c->page, str_from(c->x_label));
    html(c->page, "\" data-y=\"");
    html_text(c->page, str_from(c->y_label));
    html(c->page, "\"></p>\n</figure>\n");
}
