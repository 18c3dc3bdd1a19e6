/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of [Unikernel] that systemd acts upon, in the terms of systemd.unit(5) and systemd.service(5):
 * which units it goes with, and when it is started again. They accept less than systemd does: nothing that
 * it would expand or read as an escape. */

#include <limits.h>
#include <string.h>

#include "common/names.h"
#include "common/string-util.h"
#include "common/time-span.h"
#include "common/unikernel-name.h"
#include "common/unit-name.h"
#include "unikernel/definition-private.h"

#define RESTART_STEPS_MAX 1000
#define DELAY_MIN_USEC    (100 * G_TIME_SPAN_MILLISECOND) /* RestartSec= of units/unikernel@.service.in */

/* The name as it is stored: a unikernel by its own name. NULL if word is no name of a unit. */
static char *order_name_parse(const char *word)
{
        g_autofree char *name = NULL;

        if (name_is_valid(word) && !name_is_twin(word))
                return g_strdup(word);
        if (unit_name_parse(word, &name) >= 0)
                return name_is_twin(name) ? NULL : g_steal_pointer(&name);

        return unit_name_is_valid(word) ? g_strdup(word) : NULL;
}

static int order_refuse_word(const DefinitionParser *parser, const KeyFileEntry *entry, const char *word)
{
        g_autofree char *shown = text_for_display(word, 80), *name = NULL, *own = NULL;

        if (name_is_twin(word) || (unit_name_parse(word, &name) >= 0 && name_is_twin(name))) {
                own = name_without_twin(name ?: word);
                return key_file_refuse(entry, parser->ret_error,
                                "'%s' is there only during a rolling update of '%s': name that", shown, own);
        }
        return key_file_refuse(entry, parser->ret_error,
                        "'%s' is neither the name of a unikernel (a-z, 0-9 and '-') nor that of a unit with "
                        "its suffix, such as postgresql.service",
                        shown);
}

int definition_parse_order(DefinitionParser *parser, const KeyFileEntry *entry)
{
        char **list = setting_field(parser->setting, parser->definition);
        g_auto(GStrv) words = g_strsplit_set(entry->value, " \t", -1);
        g_autoptr(GString) names = g_string_new(*list);
        unsigned n = 0;

        /* An empty value clears the list, as in systemd. */
        if (entry->value[0] == 0) {
                g_clear_pointer(list, g_free);
                return 0;
        }

        for (const char *p = names->str; *p; p++)
                n += *p == ' ' || p == names->str;
        for (char **word = words; *word; word++) {
                g_autofree char *name = NULL;

                if (**word == 0)
                        continue;
                name = order_name_parse(*word);
                if (!name)
                        return order_refuse_word(parser, entry, *word);
                if (g_str_equal(name, parser->definition->name))
                        return key_file_refuse(entry, parser->ret_error,
                                        "a unikernel cannot name itself: name another");
                if (order_list_has(names->str, name))
                        continue;
                if (n++ >= ORDER_NAMES_MAX)
                        return key_file_refuse(entry, parser->ret_error,
                                        "'%s' is one more than the %d names that a key can have", name,
                                        ORDER_NAMES_MAX);
                g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "", name);
        }

        g_free(*list);
        *list = g_strdup(names->str);
        return 0;
}

int definition_parse_span(DefinitionParser *parser, const KeyFileEntry *entry)
{
        uint64_t usec;

        if (time_span_parse(entry->value, &usec) < 0)
                return key_file_refuse(entry, parser->ret_error,
                                "not a time: write a number and ms, s, min or h, such as 5s");

        return definition_put_text(parser, entry);
}

int definition_parse_number(DefinitionParser *parser, const KeyFileEntry *entry)
{
        bool steps = parser->setting == &setting_table[SETTING_RESTART_STEPS];
        unsigned max = steps ? RESTART_STEPS_MAX : INT_MAX;
        guint64 number;

        if (!g_ascii_string_to_unsigned(entry->value, 10, 1, max, &number, NULL))
                return key_file_refuse(entry, parser->ret_error, "not a number from 1 to %u", max);

        return definition_put_text(parser, entry);
}

static int restart_refuse(const DefinitionParser *parser, const char *key, const char *why)
{
        const Definition *definition = parser->definition;

        return definition->path ? error_set(parser->ret_error, ERROR_INVALID_DEFINITION, "%s: %s= %s",
                                                  definition->path, key, why)
                                : error_set(parser->ret_error, ERROR_INVALID_DEFINITION, "%s= %s", key, why);
}

int definition_check_restart(const DefinitionParser *parser)
{
        const Definition *definition = parser->definition;
        uint64_t delay = DELAY_MIN_USEC, max = 0;

        if (definition->restart_steps && !definition->restart_max_delay_sec)
                return restart_refuse(parser, "RestartSteps",
                                "does nothing without RestartMaxDelaySec=: write that too");
        if (definition->restart_max_delay_sec && !definition->restart_steps)
                return restart_refuse(parser, "RestartMaxDelaySec",
                                "does nothing without RestartSteps=: write that too");
        if (!definition->restart_steps)
                return 0;

        if (definition->restart_sec)
                (void) time_span_parse(definition->restart_sec, &delay);
        (void) time_span_parse(definition->restart_max_delay_sec, &max);
        if (max <= delay)
                return restart_refuse(parser, "RestartMaxDelaySec",
                                "is not more than RestartSec=: write a longer time");
        return 0;
}
