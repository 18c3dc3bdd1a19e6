/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/size.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

int size_parse(const char *text, uint64_t *ret_bytes)
{
        static const char suffixes[] = "KMGT";
        const char *suffix;
        char *end = NULL;
        uint64_t value;
        unsigned shift = 0;

        if (!text || !g_ascii_isdigit(text[0]))
                return -EINVAL;

        errno = 0;
        value = g_ascii_strtoull(text, &end, 10);
        if (errno == ERANGE)
                return -ERANGE;

        if (*end && (suffix = strchr(suffixes, *end))) {
                shift = 10 * (unsigned) (suffix - suffixes + 1);
                end++;
                if (g_str_equal(end, "iB"))
                        end += 2;
        } else if (*end == 'B')
                end++;
        if (*end)
                return -EINVAL;
        if (value > UINT64_MAX >> shift)
                return -ERANGE;

        *ret_bytes = value << shift;
        return 0;
}

char *size_format(uint64_t bytes)
{
        static const char suffixes[] = "BKMGTPE";
        unsigned unit = 0;

        while (unit + 1 < strlen(suffixes) && bytes >> (10 * (unit + 1)))
                unit++;

        uint64_t whole = bytes >> (10 * unit);
        uint64_t tenth = unit == 0 ? 0 : ((bytes >> (10 * (unit - 1))) & 1023) * 10 / 1024;

        if (tenth == 0)
                return g_strdup_printf("%" G_GUINT64_FORMAT "%c", whole, suffixes[unit]);

        return g_strdup_printf(
                        "%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT "%c", whole, tenth, suffixes[unit]);
}

char *size_format_exact(uint64_t bytes)
{
        static const char suffixes[] = "KMGT";
        unsigned unit = 0;

        while (unit < strlen(suffixes) && bytes != 0 && (bytes & 1023) == 0) {
                bytes >>= 10;
                unit++;
        }

        if (unit == 0)
                return g_strdup_printf("%" G_GUINT64_FORMAT, bytes);

        return g_strdup_printf("%" G_GUINT64_FORMAT "%c", bytes, suffixes[unit - 1]);
}
