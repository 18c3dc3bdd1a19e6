/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where words stood on the command line, and which option is meant by an error. */

#include "ctl/words.h"

#include <stdio.h>
#include <string.h>

char **options_words_behind(const Options *options, char **operands, unsigned first)
{
        unsigned n = g_strv_length(operands);

        return operands + (options->n_behind + first <= n ? n - options->n_behind : n);
}

int arguments_take(Ctl *ctl, char **arguments, Error *ret_error)
{
        /* A whole command line as one word is one argument with spaces in it. */
        if (!arguments[1] && strstr(arguments[0], " --"))
                fprintf(stderr,
                                "Note: what is behind '--' is one argument, its spaces included. For a "
                                "whole command line in one string use --arguments=STRING.\n");

        return settings_set_argument_list(&ctl->options.settings, arguments, ret_error);
}

static bool was_given(const Options *options, const char *option)
{
        for (guint i = 0; i < options->given->len; i++)
                if (g_str_has_prefix(options->given->pdata[i], option))
                        return true;

        return false;
}

/* "KEY=" at its beginning becomes "--key=". */
static char *name_setting(const Options *options, const char *message)
{
        for (const char *const *key = settings_keys; *key; key++) {
                g_autofree char *start = g_strconcat(*key, "=", NULL), *lower = g_ascii_strdown(*key, -1);
                g_autofree char *option = g_strconcat("--", lower, "=", NULL);

                if (g_str_has_prefix(message, start) && was_given(options, option))
                        return g_strconcat(option, message + strlen(start), NULL);
        }

        return NULL;
}

/* "[Network DEVICE] " at its beginning becomes "--network=DEVICE: ". */
static char *name_device(const Options *options, const char *message)
{
        static const struct {
                const char *start, *option;
        } kinds[] = {{"[Network ", "--network="}, {"[Volume ", "--volume="}, {"[Credentials ", "--credentials="}};

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
                if (was_given(options, option))
                        return g_strconcat(option, ": ", end + strlen("] "), NULL);
        }

        return NULL;
}

void options_name_error(const Options *options, Error *error)
{
        char *named = error->message ? name_setting(options, error->message) : NULL;

        if (!named && error->message)
                named = name_device(options, error->message);
        if (!named)
                return;

        (void) error_set(error, error->code, "%s", named);
        g_free(named);
}

void error_drop_cannot(Error *error, const char *verb)
{
        g_autofree char *start = g_strconcat("Cannot ", verb, NULL), *rest = NULL;
        const char *colon = error->message ? strstr(error->message, ": ") : NULL;

        if (!colon || !g_str_has_prefix(error->message, start) || !strchr(" :", error->message[strlen(start)]))
                return;

        rest = g_strdup(colon + strlen(": "));
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
