/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds the remote command; pure. remote-run.c runs it. */

#include "ctl/remote/remote.h"

#include <string.h>

#include "common/string-util.h"
#include "ctl/cli/error-context.h"
#include "ctl/input/image-file.h"
#include "ctl/verbs/verb-set.h"

/* Works with any login shell: fish interprets a backslash within quotes too, so it is put outside of them;
 * zsh looks for a program if a bare word begins with '='. */
static char *remote_quote(const char *word)
{
        static const char safe[] =
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-";
        g_autoptr(GString) quoted = g_string_new("'");

        if (*word && *word != '=' && strspn(word, safe) == strlen(word))
                return g_strdup(word);

        for (const char *p = word; *p; p++)
                if (*p == '\'' || *p == '\\')
                        g_string_append_printf(quoted, "'\\%c'", *p);
                else
                        g_string_append_c(quoted, *p);
        g_string_append_c(quoted, '\'');

        return g_string_free(g_steal_pointer(&quoted), FALSE);
}

char *remote_command(const GPtrArray *words)
{
        g_autoptr(GString) command = g_string_new(NULL);

        for (guint i = 0; i < words->len; i++) {
                g_autofree char *quoted = remote_quote(words->pdata[i]);

                if (i > 0)
                        g_string_append_c(command, ' ');
                g_string_append(command, quoted);
        }

        return g_string_free(g_steal_pointer(&command), FALSE);
}

GPtrArray *remote_words(const Options *options, const Verb *verb, char **operands)
{
        char **behind = options_guest_arguments(options, operands, 1);
        GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

        g_ptr_array_add(words, g_strdup("shruthictl"));
        for (guint i = 0; i < options->given->len; i++)
                g_ptr_array_add(words, g_strdup(options->given->pdata[i]));
        if (verb->noun)
                g_ptr_array_add(words, g_strdup(verb->noun));
        if (verb->name)
                g_ptr_array_add(words, g_strdup(verb->name));
        /* Words after it may be for the guest. No word before it begins with '-', or it would have been an
         * option here. */
        for (char **operand = operands; *operand; operand++) {
                if (operand == (*behind ? behind : operands))
                        g_ptr_array_add(words, g_strdup("--"));
                g_ptr_array_add(words, g_strdup(*operand));
        }
        if (!*operands)
                g_ptr_array_add(words, g_strdup("--"));

        return words;
}

static void remote_add_file(GArray *files, const GPtrArray *words, guint index, size_t prefix, bool initrd)
{
        const char *name = (const char *) words->pdata[index] + prefix;
        RemoteFile file = {.index = index, .prefix = prefix, .initrd = initrd};

        if (*name && !digest_is_valid(name) && !image_host_path(name))
                g_array_append_val(files, file);
}

/* Checks the word of an option, or a word of "set NAME KEY=VALUE…". */
static void remote_add_if_named(
                GArray *files, const GPtrArray *words, guint index, const char *prefix, bool initrd)
{
        if (g_ascii_strncasecmp(words->pdata[index], prefix, strlen(prefix)) == 0)
                remote_add_file(files, words, index, strlen(prefix), initrd);
}

/* update accepts settings and the guest's arguments where other verbs expect a file. */
static bool remote_is_setting(const Verb *verb, const char *word, bool before_separator)
{
        return (verb->scopes & OPTION_SET) && (!before_separator || set_is_setting(word));
}

GArray *remote_files(const Verb *verb, const GPtrArray *words, guint n_operands)
{
        GArray *files = g_array_new(FALSE, FALSE, sizeof(RemoteFile));
        guint operands = words->len - n_operands, separator = 0;

        while (separator < words->len && !g_str_equal(words->pdata[separator], "--"))
                separator++;
        /* It is before all operands, or between them. */
        if (n_operands > 0 && separator >= operands)
                operands--;

        for (guint i = 1; i < operands; i++) {
                remote_add_if_named(files, words, i, "--initrd=", true);
                remote_add_if_named(files, words, i, "--image=", false);
        }
        for (guint i = operands, number = 1; i < words->len; i++) {
                if (i == separator)
                        continue;
                if (verb->file_operand > 0 && number >= verb->file_operand &&
                                number - verb->file_operand < verb->n_files &&
                                !remote_is_setting(verb, words->pdata[i],
                                                separator < operands || i < separator))
                        remote_add_file(files, words, i, 0, false);
                else if ((verb->scopes & OPTION_SET) && (separator < operands || i < separator)) {
                        remote_add_if_named(files, words, i, "Initrd=", true);
                        remote_add_if_named(files, words, i, "Image=", false);
                }
                number++;
        }

        return files;
}
