/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Colors, widths, and the escaping of untrusted text for a terminal. */

#include "ctl/output/terminal.h"

#include <glib.h>
#include <langinfo.h>
#include <string.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/string-util.h"


#define LINE_LENGTH_MAX (64 * 1024)

static bool is_output;
static bool has_colors;

void terminal_init(void)
{
        const char *no_color = g_getenv("NO_COLOR"), *systemd = g_getenv("SYSTEMD_COLORS"),
                   *term = g_getenv("TERM");
        bool wanted;

        is_output = isatty(STDOUT_FILENO);
        has_colors = is_output && term && !g_str_equal(term, "dumb");

        /* systemd's own variable has priority, as in systemctl; its value may also be a palette, which means
         * yes. */
        if (systemd && *systemd)
                has_colors = boolean_parse(systemd, &wanted) < 0 || wanted;
        else if (no_color && *no_color)
                has_colors = false;
}

bool terminal_has_colors(void)
{
        return has_colors;
}

bool terminal_is_output(void)
{
        return is_output;
}

bool terminal_has_utf8(void)
{
        return g_str_equal(nl_langinfo(CODESET), "UTF-8");
}

const char *color_on(Color color)
{
        static const char *const sequences[_COLOR_MAX] = {
                        [COLOR_NONE] = "",
                        [COLOR_BOLD] = "\x1b[1m",
                        [COLOR_GREEN] = "\x1b[1;32m",
                        [COLOR_YELLOW] = "\x1b[1;33m",
                        [COLOR_RED] = "\x1b[1;31m",
                        [COLOR_GREY] = "\x1b[90m",
        };

        return has_colors ? sequences[color] : "";
}

const char *color_off(Color color)
{
        return has_colors && color != COLOR_NONE ? "\x1b[0m" : "";
}

static const struct {
        const char *state;
        Color color;
        const char *dot, *ascii;
} states[] = {
                {"running", COLOR_GREEN, "●", "*"},
                {"starting", COLOR_GREEN, "●", "*"},
                {"paused", COLOR_YELLOW, "●", "*"},
                {"stopping", COLOR_YELLOW, "●", "*"},
                {"stopped", COLOR_NONE, "○", "o"},
                {"failed", COLOR_RED, "×", "x"},
                {"broken", COLOR_RED, "×", "x"},
};

Color state_color(const char *state)
{
        for (size_t i = 0; i < G_N_ELEMENTS(states); i++)
                if (g_strcmp0(states[i].state, state) == 0)
                        return states[i].color;

        return COLOR_NONE;
}

const char *state_dot(const char *state)
{
        bool utf8 = terminal_has_utf8();

        for (size_t i = 0; i < G_N_ELEMENTS(states); i++)
                if (g_strcmp0(states[i].state, state) == 0)
                        return utf8 ? states[i].dot : states[i].ascii;

        return utf8 ? "○" : "o";
}

size_t text_width(const char *text)
{
        size_t width = 0;

        for (const char *p = text; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
        }

        return width;
}

char *lines_for_display(const char *text)
{
        g_autoptr(GString) out = g_string_new(NULL);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                g_auto(GStrv) parts = g_strsplit(*line, "\t", -1);

                if (line != lines)
                        g_string_append_c(out, '\n');
                for (char **part = parts; *part; part++) {
                        g_autofree char *shown = text_for_display(*part, LINE_LENGTH_MAX);

                        if (part != parts)
                                g_string_append_c(out, '\t');
                        g_string_append(out, shown);
                }
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

char *json_for_display(const char *json)
{
        g_autoptr(GString) out = g_string_new(NULL);
        g_autofree char *valid = g_utf8_make_valid(json, -1);

        /* Only strings can contain non-ASCII characters, and there an escape means the same. */
        for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                if (c < 0x80 || g_unichar_isprint(c))
                        g_string_append_unichar(out, c);
                else if (c < 0x10000)
                        g_string_append_printf(out, "\\u%04x", c);
                else
                        g_string_append_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                                        0xdc00 + (c & 0x3ff));
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

void print_foreign(const char *text)
{
        g_autofree char *shown = is_output ? lines_for_display(text) : NULL;

        fputs(shown ?: text, stdout);
        if (!g_str_has_suffix(text, "\n"))
                putchar('\n');
}

void terminal_print_error(const Error *error, int r)
{
        g_autofree char *text = paths_command(error_message(error, r)), *shown = lines_for_display(text);

        fflush(stdout);
        fprintf(stderr, "%s\n", shown);
}
