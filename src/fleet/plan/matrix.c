/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Round trips between places. */

#include "fleet/plan/matrix.h"

#include <string.h>

#include "common/keyfile.h"
#include "common/string-util.h"
#include "fleet/plan/values.h"

static int matrix_find(char **cells, const char *name)
{
        for (int i = 1; cells[0] && cells[i]; i++)
                if (g_str_equal(g_strstrip(cells[i]), name))
                        return i;

        return -ENOENT;
}

static int matrix_parse_cell(const char *path, unsigned line, const char *from, const char *to,
                const char *cell, double *ret_ms, Error *ret_error)
{
        g_autofree char *shown = text_for_display(cell, 40);
        char *end = NULL;
        double ms = g_ascii_strtod(cell, &end);

        if (end == cell || *end || !(ms >= 0 && ms <= FLEET_RTT_MAX_MS))
                return key_file_error(path, line, ret_error,
                                "'%s' from %s to %s: not a round trip: write a number of milliseconds from "
                                "0 "
                                "to %.0f",
                                shown, from, to, FLEET_RTT_MAX_MS);
        *ret_ms = ms;
        return 0;
}

int fleet_matrix_parse(const char *path, const char *text, size_t size, const char *const *names, guint n,
                double **ret_rtt, Error *ret_error)
{
        g_autoptr(GPtrArray) rows = NULL;
        g_autofree double *rtt = g_new0(double, (gsize) n *n + 1);
        int r;

        r = fleet_table_parse(path, text, size, &rows, ret_error);
        if (r < 0)
                return r;

        for (guint from = 0; from < n; from++) {
                char **head = rows->pdata[0], **row = NULL;
                unsigned line = 1;

                for (guint i = 1; i < rows->len && !row; i++)
                        if (g_str_equal(g_strstrip(((char **) rows->pdata[i])[0]), names[from])) {
                                row = rows->pdata[i];
                                line = i + 1;
                        }
                if (!row)
                        return key_file_error(path, 1, ret_error,
                                        "no line begins with the region %s: write its round trips, or give "
                                        "the region the name of a line",
                                        names[from]);
                for (guint to = 0; to < n; to++) {
                        int column = matrix_find(head, names[to]);

                        if (column < 0)
                                return key_file_error(path, 1, ret_error,
                                                "no column is called as the region %s: write its round "
                                                "trips, "
                                                "or give the region the name of a column",
                                                names[to]);
                        r = matrix_parse_cell(path, line, names[from], names[to], g_strstrip(row[column]),
                                        &rtt[(gsize) from * n + to], ret_error);
                        if (r < 0)
                                return r;
                }
        }

        *ret_rtt = g_steal_pointer(&rtt);
        return 0;
}
