/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pages of reports. */

#include "fleet/results/html.h"

#include "fleet/expansion/text.h"

static const char head[] =
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                "'unsafe-inline'\">\n"
                "<style>body{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 "
                "1rem;color:#111}"
                "table{border-collapse:collapse;margin:1rem 0}th,td{border-bottom:1px solid "
                "#ccc;padding:.2rem "
                ".8rem .2rem "
                "0;text-align:left;vertical-align:top}td.n{text-align:right}svg{width:100%;max-width:"
                "720px}pre{background:#f6f6f6;padding:1rem;overflow:auto}.bad{color:#b00020}</"
                "style>\n<title>";

void html_begin(GString *out, const char *title)
{
        g_string_append(out, head);
        fleet_append_html(out, title);
        g_string_append(out, "</title>\n</head>\n<body>\n<h1>");
        fleet_append_html(out, title);
        g_string_append(out, "</h1>\n");
}

void html_end(GString *out)
{
        g_string_append(out, "</body>\n</html>\n");
}

void html_row(GString *out, const char *key, const char *value)
{
        g_string_append(out, "<tr><th>");
        fleet_append_html(out, key);
        g_string_append(out, "</th><td>");
        fleet_append_html(out, value);
        g_string_append(out, "</td></tr>\n");
}

GArray *html_series_add(Plot *plot, const char *label, const char *color, bool steps)
{
        PlotSeries one = {.label = label,
                        .color = color,
                        .steps = steps,
                        .points = g_array_new(FALSE, FALSE, sizeof(PlotPoint))};

        g_array_append_val(plot->series, one);
        return one.points;
}

void html_point_add(GArray *points, double x, double y)
{
        PlotPoint point = {x, y};

        g_array_append_val(points, point);
}

void html_plot(GString *out, Plot *plot)
{
        g_string_append(out, "<h2>");
        fleet_append_html(out, plot->title);
        g_string_append(out, "</h2>\n");
        plot_append(out, plot);
        for (guint i = 0; i < plot->series->len; i++)
                g_array_unref(g_array_index(plot->series, PlotSeries, i).points);
        g_clear_pointer(&plot->series, g_array_unref);
}

int html_compare_numbers(gconstpointer a, gconstpointer b)
{
        double x = *(const double *) a, y = *(const double *) b;

        return x < y ? -1 : x > y;
}

double html_quantile(const GArray *sorted, double share)
{
        return g_array_index(sorted, double, (guint) (share * (sorted->len - 1) + 0.5));
}

const char *html_color(guint number)
{
        static const char *const colors[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                        "#56b4e9", "#000000", "#999999"};

        return colors[number % G_N_ELEMENTS(colors)];
}
