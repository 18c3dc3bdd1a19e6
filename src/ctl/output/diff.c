/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the longest common subsequence of lines with the textbook algorithm. */

#include "ctl/output/diff.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define CONTEXT   3
#define CELLS_MAX (4 * 1024 * 1024)

typedef struct DiffLine {
        char sign; /* ' ', '-', '+' */
        const char *text;
} DiffLine;

/* Splits text into lines, without an empty one after the last newline. */
static char **diff_split(const char *text, guint *ret_n)
{
        char **lines = g_strsplit(text, "\n", -1);
        guint n = g_strv_length(lines);

        if (n > 0 && !*lines[n - 1])
                n--;
        *ret_n = n;
        return lines;
}

static void diff_add(GArray *lines, char sign, char **texts, guint from, guint to)
{
        for (guint i = from; i < to; i++) {
                DiffLine line = {.sign = sign, .text = texts[i]};

                g_array_append_val(lines, line);
        }
}

/* Compares a[0…n) and b[0…m), which begin and end with a difference. */
static void diff_add_middle(GArray *lines, char **a, guint n, char **b, guint m)
{
        size_t width = (size_t) m + 1;
        g_autofree uint32_t *common = NULL;
        guint i = 0, k = 0;

        if (((size_t) n + 1) > CELLS_MAX / width) {
                diff_add(lines, '-', a, 0, n);
                diff_add(lines, '+', b, 0, m);
                return;
        }

        common = g_new0(uint32_t, ((size_t) n + 1) * width);
        for (guint x = n; x > 0; x--)
                for (guint y = m; y > 0; y--)
                        common[(x - 1) * width + y - 1] =
                                        g_str_equal(a[x - 1], b[y - 1])
                                                        ? common[x * width + y] + 1
                                                        : MAX(common[x * width + y - 1],
                                                                          common[(x - 1) * width + y]);
        while (i < n || k < m) {
                if (i < n && k < m && g_str_equal(a[i], b[k])) {
                        diff_add(lines, ' ', a, i, i + 1);
                        i++;
                        k++;
                } else if (k == m || (i < n && common[(i + 1) * width + k] >= common[i * width + k + 1])) {
                        diff_add(lines, '-', a, i, i + 1);
                        i++;
                } else {
                        diff_add(lines, '+', b, k, k + 1);
                        k++;
                }
        }
}

/* Differences at most two contexts apart belong to the same hunk. */
static guint diff_hunk_end(const GArray *lines, guint begin)
{
        guint last = begin;

        for (guint i = begin; i < lines->len && i <= last + 2 * CONTEXT + 1; i++)
                if (g_array_index(lines, DiffLine, i).sign != ' ')
                        last = i;

        return MIN(last + CONTEXT + 1, lines->len);
}

static void diff_print_hunk(GString *text, const GArray *lines, guint begin, guint end)
{
        guint from = 1, to = 1, n_from = 0, n_to = 0;

        for (guint i = 0; i < end; i++) {
                char sign = g_array_index(lines, DiffLine, i).sign;

                *(i < begin ? &from : &n_from) += sign != '+';
                *(i < begin ? &to : &n_to) += sign != '-';
        }
        g_string_append_printf(text, "@@ -%u,%u +%u,%u @@\n", n_from > 0 ? from : from - 1, n_from,
                        n_to > 0 ? to : to - 1, n_to);
        for (guint i = begin; i < end; i++)
                g_string_append_printf(text, "%c%s\n", g_array_index(lines, DiffLine, i).sign,
                                g_array_index(lines, DiffLine, i).text);
}

char *diff_texts(const char *from, const char *to, const char *from_name, const char *to_name)
{
        g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(DiffLine));
        g_autoptr(GString) text = g_string_new(NULL);
        guint n, m, head = 0, tail = 0;
        g_auto(GStrv) a = diff_split(from, &n);
        g_auto(GStrv) b = diff_split(to, &m);

        while (head < n && head < m && g_str_equal(a[head], b[head]))
                head++;
        while (tail < n - head && tail < m - head && g_str_equal(a[n - 1 - tail], b[m - 1 - tail]))
                tail++;
        diff_add(lines, ' ', a, 0, head);
        diff_add_middle(lines, a + head, n - head - tail, b + head, m - head - tail);
        diff_add(lines, ' ', a, n - tail, n);

        for (guint i = 0; i < lines->len; i++) {
                guint end;

                if (g_array_index(lines, DiffLine, i).sign == ' ')
                        continue;
                if (text->len == 0)
                        g_string_append_printf(text, "--- %s\n+++ %s\n", from_name, to_name);
                end = diff_hunk_end(lines, i);
                diff_print_hunk(text, lines, i > CONTEXT ? i - CONTEXT : 0, end);
                i = end - 1;
        }

        return g_strdup(text->str);
}
