/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Escapes. */

#include "fleet/expansion/text.h"

#include <stdbool.h>
#include <string.h>

void fleet_append_json(GString *out, const char *text)
{
        g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;

        if (!text) {
                g_string_append(out, "null");
                return;
        }

        g_string_append_c(out, '"');
        for (const char *p = valid; *p; p++)
                if (*p == '"' || *p == '\\')
                        g_string_append_printf(out, "\\%c", *p);
                else if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        g_string_append_printf(out, "\\u%04x", (unsigned) (unsigned char) *p);
                else
                        g_string_append_c(out, *p);
        g_string_append_c(out, '"');
}

void fleet_append_csv(GString *out, const char *text)
{
        g_autofree char *valid = g_utf8_make_valid(text ?: "", -1);

        if (!valid[strcspn(valid, ",\"\r\n")]) {
                g_string_append(out, valid);
                return;
        }

        g_string_append_c(out, '"');
        for (const char *p = valid; *p; p++) {
                if (*p == '"')
                        g_string_append_c(out, '"');
                g_string_append_c(out, *p);
        }
        g_string_append_c(out, '"');
}

static bool is_in_xml(gunichar c)
{
        return c == '\t' || c == '\n' || (c >= 0x20 && c < 0x7f) || (c >= 0xa0 && c < 0xfffe) || c > 0xffff;
}

void fleet_append_html(GString *out, const char *text)
{
        g_autofree char *valid = g_utf8_make_valid(text ?: "", -1);

        for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                switch (c) {
                case '&':
                        g_string_append(out, "&amp;");
                        break;
                case '<':
                        g_string_append(out, "&lt;");
                        break;
                case '>':
                        g_string_append(out, "&gt;");
                        break;
                case '"':
                        g_string_append(out, "&quot;");
                        break;
                case '\'':
                        g_string_append(out, "&#39;");
                        break;
                default:
                        g_string_append_unichar(out, is_in_xml(c) ? c : 0xfffd);
                }
        }
}

void fleet_append_seconds(GString *out, int64_t usec)
{
        uint64_t ms = (uint64_t) (usec < 0 ? -usec : usec) / 1000;

        g_string_append_printf(out, "%s%" G_GUINT64_FORMAT ".%03u", usec < 0 ? "-" : "", ms / 1000,
                        (unsigned) (ms % 1000));
}
