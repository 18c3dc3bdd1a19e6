/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times in words, for settings and messages. */

#include "common/time-span.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#define USEC_PER_MS UINT64_C(1000)
#define USEC_PER_S  UINT64_C(1000000)

int time_span_parse(const char *text, uint64_t *ret_usec)
{
        static const struct {
                const char *unit;
                uint64_t usec;
        } units[] = {
                        {"us", 1},
                        {"ms", USEC_PER_MS},
                        {"s", USEC_PER_S},
                        {"sec", USEC_PER_S},
                        {"", USEC_PER_S},
                        {"min", 60 * USEC_PER_S},
                        {"m", 60 * USEC_PER_S},
                        {"h", 3600 * USEC_PER_S},
                        {"d", 86400 * USEC_PER_S},
        };
        uint64_t total = 0;

        do {
                g_autofree char *unit = NULL;
                uint64_t value, scale = 0;
                char *end = NULL;
                size_t length;

                if (!g_ascii_isdigit(text[0]))
                        return -EINVAL;
                errno = 0;
                value = g_ascii_strtoull(text, &end, 10);
                if (errno == ERANGE)
                        return -ERANGE;
                length = strspn(end, G_CSET_a_2_z);
                unit = g_strndup(end, length);
                text = end + length + strspn(end + length, " ");

                for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
                        if (g_str_equal(units[i].unit, unit))
                                scale = units[i].usec;
                if (scale == 0)
                        return -EINVAL;
                if (value > (UINT64_MAX - 1 - total) / scale)
                        return -ERANGE;
                total += value * scale;
        } while (*text);

        *ret_usec = total;
        return 0;
}

char *time_span_format(uint64_t usec)
{
        static const struct {
                const char *unit;
                uint64_t usec;
        } units[] = {
                        {"d", 86400 * USEC_PER_S},
                        {"h", 3600 * USEC_PER_S},
                        {"min", 60 * USEC_PER_S},
                        {"s", USEC_PER_S},
                        {"ms", USEC_PER_MS},
                        {"us", 1},
        };
        g_autoptr(GString) text = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
                if (usec < units[i].usec)
                        continue;
                g_string_append_printf(text, "%s%" G_GUINT64_FORMAT "%s", text->len > 0 ? " " : "",
                                usec / units[i].usec, units[i].unit);
                usec %= units[i].usec;
        }

        return text->len > 0 ? g_strdup(text->str) : g_strdup("0");
}
