/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Plots as SVG, for a report and for papers: black on white, few words, colours that a print in grey keeps
 * apart. Pure. */

typedef struct PlotPoint {
        double x, y;
} PlotPoint;

typedef struct PlotSeries {
        const char *label;
        const char *color;
        GArray *points; /* PlotPoint, ascending in x */
        bool steps;     /* a value holds until the next point */
        bool faint;     /* as a border of a band */
} PlotSeries;

typedef struct Plot {
        const char *title, *x_label, *y_label;
        double x_max;   /* 0: that of the points */
        GArray *series; /* PlotSeries */
} Plot;

/* Appends an <svg>. Labels may be any text. */
void plot_append(GString *out, const Plot *plot);

/* Appends a number in as few digits as show it: "0.25", "1200", "1.5e6". */
void plot_append_number(GString *out, double number);
