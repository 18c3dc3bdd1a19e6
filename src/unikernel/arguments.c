/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest's command line. MirageOS splits it on spaces; '\x' means x everywhere and "…" groups
 * (functoria's argument splitter). */

#include "unikernel/arguments.h"

#include <glib.h>
#include <string.h>

/* The last character must not be an escaped space: a definition does not keep white space at the end of a
 * line. So it is written in quotes, which join with what precedes. */
static void append_quoted(GString *out, const char *argument)
{
        size_t length = strlen(argument), kept = length;

        while (kept > 0 && argument[kept - 1] == ' ')
                kept--;

        for (size_t i = 0; i < kept; i++) {
                if (strchr("\\\" ", argument[i]))
                        g_string_append_c(out, '\\');
                g_string_append_c(out, argument[i]);
        }
        if (kept < length)
                g_string_append_printf(out, "\"%s\"", argument + kept);
}

bool arguments_are_quoted(const ImageInfo *info)
{
        return !info || info->target != SOLO5_TARGET_NONE;
}

int arguments_join(const char *const *list, bool quoted, char **ret_arguments, Error *ret_error)
{
        g_autoptr(GString) out = g_string_new(NULL);

        for (size_t i = 0; list && list[i]; i++) {
                if (list[i][0] == 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "argument %zu is empty: a guest cannot get an empty argument; "
                                        "remove it",
                                        i + 1);
                if (i > 0)
                        g_string_append_c(out, ' ');
                if (quoted)
                        append_quoted(out, list[i]);
                else
                        g_string_append(out, list[i]);
        }

        *ret_arguments = g_string_free(g_steal_pointer(&out), FALSE);
        return 0;
}

int arguments_check(const char *arguments, Error *ret_error)
{
        size_t length = strlen(arguments), end, backslashes = 0;

        if (length > ARGUMENTS_MAX)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "the arguments are %zu bytes long: the guest keeps %d and drops the rest",
                                length, ARGUMENTS_MAX);
        if (!g_utf8_validate(arguments, (gssize)length, NULL))
                return error_set(ret_error, ERROR_INVALID_ARGS, "the arguments are not valid UTF-8");

        for (const char *p = arguments; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                /* XML 1.0, in which libvirt takes the arguments, does not allow U+FFFE and U+FFFF. */
                if ((c != '\t' && g_unichar_iscntrl(c)) || c == 0xfffe || c == 0xffff)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "the arguments have the control character U+%04X at byte %td: only "
                                        "tabs can be passed",
                                        c, p - arguments + 1);
        }

        end = length;
        while (end > 0 && (arguments[end - 1] == ' ' || arguments[end - 1] == '\t'))
                end--;
        while (backslashes < end && arguments[end - 1 - backslashes] == '\\')
                backslashes++;
        if (backslashes % 2 == 1)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "the arguments end with a '\\' that escapes %s: write %s",
                                end < length ? "a space" : "nothing",
                                end < length ? "the last space as \" \"" : "'\\\\' for a backslash itself");

        return 0;
}
