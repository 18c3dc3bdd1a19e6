/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of [Unikernel] that say when the guest is ready, and whether it is healthy. check.c knows what a
 * check is. */

#include <string.h>

#include "common/time-span.h"
#include "unikernel/check.h"
#include "unikernel/definition-private.h"

#define HEALTHY_INTERVAL_MIN UINT64_C(1000000)
#define HEALTHY_INTERVAL_MAX UINT64_C(86400000000)
#define HEALTHY_RETRIES_MAX  100

static guint checks_count(const char *list)
{
        guint n = list ? 1 : 0;

        for (const char *p = list; p && (p = strchr(p, '\n')); p++)
                n++;
        return n;
}

/* Adds one line to the list; an empty one removes those before it. */
static int definition_add_check(DefinitionParser *parser, const KeyFileEntry *entry, bool health)
{
        _cleanup_error_ Error error = ERROR_INIT;
        char **field = setting_field(parser->setting, parser->definition), *old = *field;
        _cleanup_check_ Check check = {};
        int r;

        if (!*entry->value) {
                g_clear_pointer(field, g_free);
                return 0;
        }
        r = check_parse(entry->value, &check, &error);
        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r));
        if (health && !check_kind_is_of_network(check.kind))
                return key_file_refuse(entry, parser->ret_error,
                                "not a check of health: write tcp:DEVICE:PORT, http:DEVICE:PORT/PATH or "
                                "ping:DEVICE; for a console that goes on there is Watchdog=console");
        if (checks_count(old) >= CHECKS_MAX)
                return key_file_refuse(entry, parser->ret_error, "one check too many: write at most %d",
                                CHECKS_MAX);

        *field = old ? g_strconcat(old, "\n", entry->value, NULL) : g_strdup(entry->value);
        g_free(old);
        return 0;
}

int definition_parse_ready(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return definition_add_check(parser, entry, false);
}

int definition_parse_healthy(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return definition_add_check(parser, entry, true);
}

bool setting_is_of_checks(const Setting *setting)
{
        return setting->parse == definition_parse_ready || setting->parse == definition_parse_healthy;
}

int definition_parse_healthy_interval(DefinitionParser *parser, const KeyFileEntry *entry)
{
        uint64_t usec = 0;

        if (time_span_parse(entry->value, &usec) < 0 || usec < HEALTHY_INTERVAL_MIN ||
                        usec > HEALTHY_INTERVAL_MAX)
                return definition_refuse_value(parser, entry);

        parser->definition->healthy_interval_usec = usec;
        return definition_put_text(parser, entry);
}

int definition_parse_healthy_retries(DefinitionParser *parser, const KeyFileEntry *entry)
{
        guint64 retries;

        if (!g_ascii_string_to_unsigned(entry->value, 10, 1, HEALTHY_RETRIES_MAX, &retries, NULL))
                return key_file_refuse(
                                entry, parser->ret_error, "not a number from 1 to %d", HEALTHY_RETRIES_MAX);

        parser->definition->healthy_retries = (unsigned) retries;
        return 0;
}

unsigned definition_healthy_retries(const Definition *definition)
{
        return definition->healthy_retries ?: HEALTHY_RETRIES_DEFAULT;
}

char *definition_format_healthy_retries(const Definition *definition)
{
        return definition->healthy_retries > 0 ? g_strdup_printf("%u", definition->healthy_retries) : NULL;
}

int definition_parse_watchdog(DefinitionParser *parser, const KeyFileEntry *entry)
{
        if (!g_str_equal(entry->value, "console"))
                return definition_refuse_value(parser, entry);

        return definition_put_text(parser, entry);
}

int definition_parse_ready_timeout(DefinitionParser *parser, const KeyFileEntry *entry)
{
        uint64_t usec = UINT64_MAX;
        int r = g_str_equal(entry->value, "infinity") ? 0 : time_span_parse(entry->value, &usec);

        if (r < 0 || usec == 0)
                return definition_refuse_value(parser, entry);

        parser->definition->ready_timeout_usec = usec;
        return definition_put_text(parser, entry);
}
