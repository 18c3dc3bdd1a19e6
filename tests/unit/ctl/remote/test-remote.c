/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What -H sends through ssh arrives on the far side as the very words that were given here: ssh hands one
 * string to a shell there, and a word with a quote in it must not become a command of its own. */

#include <glib.h>
#include <string.h>

#include "ctl/remote/remote.h"

static const char *const hostile[] = {
                "shruthictl",
                "",
                " ",
                "a b",
                "a'b",
                "'",
                "''",
                "\"",
                "$(touch /tmp/x)",
                "`id`",
                "a;b",
                "a|b",
                "&",
                "<x",
                ">x",
                "*",
                "?",
                "[a]",
                "~",
                "~root",
                "!",
                "#c",
                "-n",
                "--",
                "a\nb",
                "a\tb",
                "\\",
                "a\\'b",
                "$HOME",
                "ä€",
                "{a,b}",
                "=",
                "=ls",
                "'\\'",
                "\\n",
                "\x1b[2J",
                "a'; rm -rf x; '",
                "%s",
                "\r",
};

/* data: the shell; those that are not installed here cannot be asked. */
static void test_a_shell_gives_the_words_back(gconstpointer data)
{
        g_autofree char *shell = g_find_program_in_path(data);
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        g_autofree char *command = NULL, *output = NULL, *line = NULL;
        const char *position;

        if (!shell) {
                g_test_skip("not installed");
                return;
        }

        for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++)
                g_ptr_array_add(words, (char *) hostile[i]);
        command = remote_command(words);
        line = g_strconcat("printf '%s\\001' ", command, NULL);

        {
                const char *argv[] = {shell, "-c", line, NULL};

                g_assert_true(g_spawn_sync(NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                                &output, NULL, NULL, NULL));
        }
        position = output;
        for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
                g_assert_true(g_str_has_prefix(position, hostile[i]));
                position += strlen(hostile[i]);
                g_assert_cmpint(*position++, ==, 1);
        }
        g_assert_cmpint(*position, ==, 0);
}

typedef struct Far {
        Options options;
        const Verb *verb;
        char **argv, **operands;
        GPtrArray *words;
        GArray *files;
} Far;

static void far_make(Far *far, const char *line)
{
        _cleanup_error_ Error error = ERROR_INIT;
        char **words;
        int argc;

        g_assert_true(g_shell_parse_argv(line, &argc, &far->argv, NULL));
        options_init(&far->options);
        g_assert_cmpint(options_parse(&far->options, argc, far->argv, &words, &error), ==, 0);
        g_assert_cmpint(verb_find(words, &far->verb, &far->operands, &error), ==, 0);
        far->words = remote_words(&far->options, far->verb, far->operands);
        far->files = remote_files(far->verb, far->words, g_strv_length(far->operands));
}

static void far_clear(Far *far)
{
        options_clear(&far->options);
        g_strfreev(far->argv);
        g_ptr_array_unref(far->words);
        g_array_unref(far->files);
}
#define _cleanup_far_ __attribute__((cleanup(far_clear)))

static void test_words_stay_what_they_were(void)
{
        static const struct {
                const char *line, *far;
        } cases[] = {
                        {"shruthictl -H a@b list", "shruthictl list --"},
                        {"shruthictl --host a@b stop x 'y*' --no-block",
                                        "shruthictl --no-block stop -- x 'y*'"},
                        {"shruthictl -H b show -p State -p UUID x --value",
                                        "shruthictl --property=State --property=UUID --value show -- x"},
                        {"shruthictl -H b logs -fn5 x", "shruthictl --follow --lines=5 logs -- x"},
                        {"shruthictl -H b set x Memory=1M --autostart=no",
                                        "shruthictl --autostart=no set -- x Memory=1M"},
                        {"shruthictl -H b image list --json=short", "shruthictl --json=short image list --"},
                        {"shruthictl -H b create x host:/i -- --a='b c' --",
                                        "shruthictl create x host:/i -- '--a=b c' --"},
                        {"shruthictl -H b set x Memory=1M -- --a b", "shruthictl set x Memory=1M -- --a b"},
                        {"shruthictl -H b set -- x Memory=1M", "shruthictl set -- x Memory=1M"},
                        {"shruthictl -H b instance create --name x --kernel /i --kernel-parameters \"--a "
                         "b\"",
                                        "shruthictl --name=x --kernel=/i '--kernel-parameters=--a b' "
                                        "instance create --"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_far_ Far far = {};
                g_autofree char *command = NULL;

                far_make(&far, cases[i].line);
                command = remote_command(far.words);
                g_assert_cmpstr(command, ==, cases[i].far);
                g_assert_cmpstr(far.options.host, !=, NULL);
        }
}

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* "!" marks an initial RAM disk, which goes over first. */
static void test_local_files_are_found(void)
{
        static const struct {
                const char *line, *files;
        } cases[] = {
                        {"shruthictl create x ./i", "./i"},
                        {"shruthictl create x - -- ./a", "-"},
                        {"shruthictl create x host:/i", ""},
                        {"shruthictl create x " DIGEST, ""},
                        {"shruthictl create x i --initrd=r", "!r i"},
                        {"shruthictl create x i --initrd=host:/r", "i"},
                        {"shruthictl create x i -- --image=k --initrd=r", "i"},
                        {"shruthictl set x --image=i --initrd r", "i !r"},
                        {"shruthictl set x Image=i initrd=r Memory=1M", "i !r"},
                        {"shruthictl set x Image=" DIGEST " Initrd=", ""},
                        {"shruthictl set Image=x Arguments=Image=i", "x"},
                        {"shruthictl set x Image=i -- Image=j", "i"},
                        {"shruthictl set x -- Initrd=j Image=j", ""},
                        {"shruthictl update x ./i", "./i"},
                        {"shruthictl update x --image=i Memory=1M", "i"},
                        {"shruthictl update x Memory=1M", ""},
                        {"shruthictl update x i Initrd=r -- Image=j", "i !r"},
                        {"shruthictl update x -- ./a", ""},
                        {"shruthictl image inspect a b", "a b"},
                        {"shruthictl image import a", "a"},
                        {"shruthictl import-rhyzome f", "f"},
                        {"shruthictl instance create --name x --kernel /i", ""},
                        {"shruthictl start i", ""},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_far_ Far far = {};
                g_autoptr(GString) files = g_string_new(NULL);

                far_make(&far, cases[i].line);
                for (guint k = 0; k < far.files->len; k++) {
                        const RemoteFile *file = &g_array_index(far.files, RemoteFile, k);

                        g_string_append_printf(files, "%s%s%s", k > 0 ? " " : "", file->initrd ? "!" : "",
                                        (const char *) far.words->pdata[file->index] + file->prefix);
                }
                g_assert_cmpstr(files->str, ==, cases[i].files);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_data_func("/ctl/remote/sh-gives-the-words-back", "sh", test_a_shell_gives_the_words_back);
        g_test_add_data_func(
                        "/ctl/remote/bash-gives-the-words-back", "bash", test_a_shell_gives_the_words_back);
        g_test_add_data_func(
                        "/ctl/remote/zsh-gives-the-words-back", "zsh", test_a_shell_gives_the_words_back);
        g_test_add_data_func(
                        "/ctl/remote/fish-gives-the-words-back", "fish", test_a_shell_gives_the_words_back);
        g_test_add_func("/ctl/remote/words-stay-what-they-were", test_words_stay_what_they_were);
        g_test_add_func("/ctl/remote/local-files-are-found", test_local_files_are_found);
        return g_test_run();
}
