/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/results/plot.h"

/* What all reports are made of: a page that needs nothing else, and plots in it. Pure. */

void html_begin(GString *out, const char *title);
void html_end(GString *out);

/* A row of a table: a head, and a cell. */
void html_row(GString *out, const char *key, const char *value);

/* Adds a series, whose points the plot owns. */
GArray *html_series_add(Plot *plot, const char *label, const char *color, bool steps);
void html_point_add(GArray *points, double x, double y);

/* Appends a heading and the plot, and frees its series. */
void html_plot(GString *out, Plot *plot);

/* Of sorted numbers. */
int html_compare_numbers(gconstpointer a, gconstpointer b);
double html_quantile(const GArray *sorted, double share);

/* Colours that a print in grey keeps apart; there are eight, then they come again. */
const char *html_color(guint number);
