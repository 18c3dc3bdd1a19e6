/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors in terms of the command line: which verb failed, and which option was wrong. */

#include "ctl/cli/error-context.h"

#include <string.h>

static bool option_was_given(const Options *options, const char *option)
{
        for (guint i = 0; i < options->given->len; i++)
                if (g_str_has_prefix(options->given->pdata[i], option))
                        return true;

        return false;
}

/* Replaces "KEY=" at the beginning by "--key=", and "KEY: " by "--key=: ". */
static char *error_name_key(const Options *options, const char *message, const char *key, const char *option)
{
        g_autofree char *given = g_strdup_printf("--%s=", option);
        const char *rest = message + strlen(key);

        if (!g_str_has_prefix(message, key) || !option_was_given(options, given))
                return NULL;
        if (*rest == '=')
                return g_strconcat(given, rest + 1, NULL);

        return g_str_has_prefix(rest, ": ") ? g_strconcat(given, rest, NULL) : NULL;
}

static char *error_name_setting(const Options *options, const char *message)
{
        static const struct {
                const char *key, *option;
        } others[] = {
                        {"Size", "size"},
                        {"Subnet", "subnet"},
                        {"IPv6Subnet", "ipv6-subnet"},
                        {"Bridge", "bridge"},
                        {"Emulated", "emulated"},
        };
        char *named = NULL;

        for (SettingID id = 0; id < _SETTING_MAX && !named; id++)
                if (setting_table[id].section == SECTION_UNIKERNEL && setting_table[id].option)
                        named = error_name_key(
                                        options, message, setting_table[id].key, setting_table[id].option);
        for (size_t i = 0; i < G_N_ELEMENTS(others) && !named; i++)
                named = error_name_key(options, message, others[i].key, others[i].option);

        return named;
}

/* Replaces "[Network DEVICE] " at the beginning by "--network=DEVICE: ". */
static char *error_name_device(const Options *options, const char *message)
{
        static const struct {
                const char *start, *option;
        } kinds[] = {
                        {"[Network ", "--network="},
                        {"[Volume ", "--volume="},
                        {"[Credentials ", "--credentials="},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                const char *device = message + strlen(kinds[i].start), *end;
                g_autofree char *name = NULL, *option = NULL;

                if (!g_str_has_prefix(message, kinds[i].start))
                        continue;
                end = strstr(device, "] ");
                if (!end)
                        continue;
                name = g_strndup(device, (size_t) (end - device));
                option = g_strconcat(kinds[i].option, name, NULL);
                if (option_was_given(options, option))
                        return g_strconcat(option, ": ", end + strlen("] "), NULL);
        }

        return NULL;
}

void options_name_error(const Options *options, Error *error)
{
        char *named = error->message ? error_name_setting(options, error->message) : NULL;

        if (!named && error->message)
                named = error_name_device(options, error->message);
        if (!named)
                return;

        (void) error_set(error, error->code, "%s", named);
        g_free(named);
}

/* The text after "Cannot VERB …: " or "Unikernel '…' did not VERB: "; NULL if it begins differently. */
static const char *error_behind_verb(const char *message, const char *verb)
{
        g_autofree char *cannot = g_strconcat("Cannot ", verb, NULL), *did_not = NULL;
        const char *end;

        if (g_str_has_prefix(message, cannot) && strchr(" :", message[strlen(cannot)])) {
                end = strstr(message, ": ");
                return end ? end + strlen(": ") : NULL;
        }

        did_not = g_strconcat("' did not ", verb, ": ", NULL);
        end = g_str_has_prefix(message, "Unikernel '") ? strstr(message, did_not) : NULL;
        return end ? end + strlen(did_not) : NULL;
}

void error_drop_cannot(Error *error, const char *verb)
{
        const char *behind = error->message ? error_behind_verb(error->message, verb) : NULL;
        g_autofree char *rest = NULL;

        /* A restart whose start failed. */
        if (!behind && error->message && g_str_equal(verb, "restart"))
                behind = error_behind_verb(error->message, "start");
        if (!behind)
                return;

        rest = g_strdup(behind);
        (void) error_set(error, error->code, "%s", rest);
}

void error_cannot(Error *error, const char *format, ...)
{
        g_autofree char *what = NULL, *verb = NULL;
        va_list ap;

        va_start(ap, format);
        what = g_strdup_vprintf(format, ap);
        va_end(ap);

        verb = g_strndup(what, strcspn(what, " "));
        error_drop_cannot(error, verb);
        error_prefix(error, "Cannot %s", what);
}
