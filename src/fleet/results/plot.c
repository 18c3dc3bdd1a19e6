/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Axes, grid, curves and a legend. */

#include "fleet/results/plot.h"

#include <math.h>

#include "fleet/expansion/text.h"

#define WIDTH  720.0
#define HEIGHT 300.0
#define LEFT   70.0
#define RIGHT  150.0 /* for the legend */
#define TOP    34.0
#define BOTTOM 48.0
#define TICKS  6
#define TICKS_MAX 20
#define RANGE_MIN 1e-290 /* of what is drawn; its steps are normal numbers still */

typedef struct PlotScale {
        double x0, x1, y0, y1;
} PlotScale;

void plot_append_number(GString *out, double number)
{
        char text[G_ASCII_DTOSTR_BUF_SIZE];

        g_string_append(out, g_ascii_formatd(text, sizeof text, "%.6g", number == 0 ? 0 : number));
}

static void append_coordinate(GString *out, double value)
{
        char text[G_ASCII_DTOSTR_BUF_SIZE];

        g_string_append(out, g_ascii_formatd(text, sizeof text, "%.1f", value));
}

static double scale_x(const PlotScale *scale, double x)
{
        return LEFT + (x - scale->x0) / (scale->x1 - scale->x0) * (WIDTH - LEFT - RIGHT);
}

static double scale_y(const PlotScale *scale, double y)
{
        return HEIGHT - BOTTOM - (y - scale->y0) / (scale->y1 - scale->y0) * (HEIGHT - TOP - BOTTOM);
}

static PlotScale plot_scale(const Plot *plot)
{
        PlotScale scale = {.x1 = plot->x_max};

        for (guint i = 0; i < plot->series->len; i++) {
                const PlotSeries *series = &g_array_index(plot->series, PlotSeries, i);

                for (guint k = 0; k < series->points->len; k++) {
                        const PlotPoint *point = &g_array_index(series->points, PlotPoint, k);

                        scale.x0 = MIN(scale.x0, point->x);
                        scale.x1 = MAX(scale.x1, point->x);
                        scale.y0 = MIN(scale.y0, point->y);
                        scale.y1 = MAX(scale.y1, point->y);
                }
        }
        if (scale.x1 - scale.x0 < RANGE_MIN)
                scale.x1 = scale.x0 + 1;
        if (scale.y1 - scale.y0 < RANGE_MIN)
                scale.y1 = scale.y0 + 1;

        return scale;
}

/* 1, 2 or 5 times a power of ten. */
static double tick_step(double range)
{
        double rough = range / TICKS, power = pow(10, floor(log10(rough))), part = rough / power;

        return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

static void append_line(GString *out, double x1, double y1, double x2, double y2, const char *class)
{
        const char *const names[] = {"x1", "y1", "x2", "y2"};
        const double values[] = {x1, y1, x2, y2};

        g_string_append(out, "<line");
        for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
                g_string_append_printf(out, " %s=\"", names[i]);
                append_coordinate(out, values[i]);
                g_string_append_c(out, '"');
        }
        g_string_append_printf(out, " class=\"%s\"/>\n", class);
}

static void open_text(GString *out, double x, double y, const char *anchor)
{
        g_string_append(out, "<text x=\"");
        append_coordinate(out, x);
        g_string_append(out, "\" y=\"");
        append_coordinate(out, y);
        g_string_append_printf(out, "\" text-anchor=\"%s\">", anchor);
}

static void append_text(GString *out, double x, double y, const char *anchor, const char *text)
{
        open_text(out, x, y, anchor);
        fleet_append_html(out, text);
        g_string_append(out, "</text>\n");
}

static void append_axes(GString *out, const Plot *plot, const PlotScale *scale)
{
        double step = tick_step(scale->x1 - scale->x0), first = ceil(scale->x0 / step);

        for (unsigned i = 0; i < TICKS_MAX && (first + i) * step <= scale->x1 * (1 + 1e-9); i++) {
                double x = (first + i) * step;

                append_line(out, scale_x(scale, x), TOP, scale_x(scale, x), HEIGHT - BOTTOM, "grid");
                open_text(out, scale_x(scale, x), HEIGHT - BOTTOM + 16, "middle");
                plot_append_number(out, x);
                g_string_append(out, "</text>\n");
        }
        step = tick_step(scale->y1 - scale->y0);
        first = ceil(scale->y0 / step);
        for (unsigned i = 0; i < TICKS_MAX && (first + i) * step <= scale->y1 * (1 + 1e-9); i++) {
                double y = (first + i) * step;

                append_line(out, LEFT, scale_y(scale, y), WIDTH - RIGHT, scale_y(scale, y), "grid");
                open_text(out, LEFT - 6, scale_y(scale, y) + 4, "end");
                plot_append_number(out, y);
                g_string_append(out, "</text>\n");
        }
        append_line(out, LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis");
        append_line(out, LEFT, TOP, LEFT, HEIGHT - BOTTOM, "axis");
        append_text(out, LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 10, "middle", plot->x_label);
        append_text(out, LEFT, TOP - 10, "start", plot->y_label);
}

static void append_series(GString *out, const PlotSeries *series, const PlotScale *scale, guint number)
{
        double y = TOP + 10 + 18 * number, before = 0;

        g_string_append(out, "<path fill=\"none\" stroke=\"");
        fleet_append_html(out, series->color);
        g_string_append_printf(out, "\" stroke-width=\"%s\" d=\"", series->faint ? "1" : "2");
        for (guint i = 0; i < series->points->len; i++) {
                const PlotPoint *point = &g_array_index(series->points, PlotPoint, i);

                if (series->steps && i > 0) {
                        g_string_append_c(out, 'L');
                        append_coordinate(out, scale_x(scale, point->x));
                        g_string_append_c(out, ' ');
                        append_coordinate(out, before);
                }
                before = scale_y(scale, point->y);
                g_string_append_c(out, i == 0 ? 'M' : 'L');
                append_coordinate(out, scale_x(scale, point->x));
                g_string_append_c(out, ' ');
                append_coordinate(out, before);
        }
        g_string_append(out, "\"/>\n<rect x=\"");
        append_coordinate(out, WIDTH - RIGHT + 12);
        g_string_append(out, "\" y=\"");
        append_coordinate(out, y - 4);
        g_string_append(out, "\" width=\"14\" height=\"4\" fill=\"");
        fleet_append_html(out, series->color);
        g_string_append(out, "\"/>\n");
        append_text(out, WIDTH - RIGHT + 32, y + 2, "start", series->label);
}

void plot_append(GString *out, const Plot *plot)
{
        PlotScale scale = plot_scale(plot);

        g_string_append_printf(out,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
                        "font-family=\"sans-serif\" "
                        "font-size=\"12\">\n<style>.grid{stroke:#ddd}.axis{stroke:#000}"
                        "</style>\n<title>",
                        WIDTH, HEIGHT);
        fleet_append_html(out, plot->title);
        g_string_append(out, "</title>\n");
        append_axes(out, plot, &scale);
        for (guint i = 0; i < plot->series->len; i++)
                append_series(out, &g_array_index(plot->series, PlotSeries, i), &scale, i);
        g_string_append(out, "</svg>\n");
}
