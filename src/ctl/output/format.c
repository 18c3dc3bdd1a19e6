/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Users and times in readable form. */

#include "ctl/output/format.h"

#include <glib.h>
#include <pwd.h>
#include <time.h>

char *format_user(uid_t uid)
{
        struct passwd record, *found = NULL;
        char buffer[16 * 1024];

        if (getpwuid_r(uid, &record, buffer, sizeof(buffer), &found) == 0 && found)
                return g_strdup(record.pw_name);

        return g_strdup_printf("%u", (unsigned) uid);
}

char *format_timestamp(uint64_t usec)
{
        time_t seconds = (time_t) (usec / G_USEC_PER_SEC);
        char text[64];
        struct tm tm;

        if (usec == 0 || !localtime_r(&seconds, &tm) ||
                        strftime(text, sizeof(text), "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                return g_strdup("");

        return g_strdup(text);
}

char *format_span(uint64_t usec)
{
        static const struct {
                uint64_t seconds;
                const char *unit;
        } units[] = {{86400, " days"}, {3600, "h"}, {60, "min"}, {1, "s"}};
        uint64_t seconds = usec / G_USEC_PER_SEC;

        for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
                uint64_t whole = seconds / units[i].seconds, rest = seconds % units[i].seconds;
                const char *unit = i == 0 && whole == 1 ? " day" : units[i].unit;

                if (whole == 0)
                        continue;
                if (i + 1 < G_N_ELEMENTS(units) && rest / units[i + 1].seconds > 0)
                        return g_strdup_printf("%" G_GUINT64_FORMAT "%s %" G_GUINT64_FORMAT "%s", whole,
                                        unit, rest / units[i + 1].seconds, units[i + 1].unit);
                return g_strdup_printf("%" G_GUINT64_FORMAT "%s", whole, unit);
        }

        return g_strdup_printf("%" G_GUINT64_FORMAT "ms", usec / 1000);
}

char *format_since(uint64_t usec, uint64_t now)
{
        g_autofree char *when = format_timestamp(usec), *span = NULL;

        if (!*when || now < usec)
                return g_steal_pointer(&when);

        span = format_span(now - usec);
        return g_strdup_printf("%s; %s ago", when, span);
}
