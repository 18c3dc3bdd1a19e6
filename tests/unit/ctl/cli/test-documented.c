/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every verb and every option is in --help, in the man page and in the completions of all three shells. */

#include <glib.h>
#include <string.h>

#include "ctl/verbs/verbs.h"

static char *read_source(const char *path)
{
        g_autofree char *full = g_test_build_filename(G_TEST_DIST, "..", "..", "..", path, NULL);
        char *text = NULL;

        g_assert_true(g_file_get_contents(full, &text, NULL, NULL));
        return text;
}

/* The man page as it reads: without the macros' escapes, which write '-' as "\-". */
static char *read_man(void)
{
        g_autofree char *raw = read_source("data/man/shruthictl.1");
        g_auto(GStrv) parts = g_strsplit(raw, "\\-", -1);

        return g_strjoinv("-", parts);
}

/* word, with nothing on either side that would make it part of another. */
static bool has_word(const char *text, const char *word)
{
        for (const char *p = text; (p = strstr(p, word)); p++) {
                char before = p == text ? ' ' : p[-1], after = p[strlen(word)];

                if (!g_ascii_isalnum(before) && before != '-' && !g_ascii_isalnum(after) && after != '-')
                        return true;
        }

        return false;
}

static void check_has(const char *text, const char *where, const char *word)
{
        if (!has_word(text, word)) {
                g_test_message("%s has no '%s'", where, word);
                g_test_fail();
        }
}

static void test_options(const void *data)
{
        const char *path = data;
        g_autofree char *text = g_str_has_suffix(path, ".1") ? read_man() : read_source(path);
        bool fish = g_str_has_suffix(path, ".fish");
        size_t n;
        const OptionInfo *table = options_table(&n);

        for (size_t i = 0; i < n; i++) {
                g_autofree char *word = fish ? g_strconcat("-l ", table[i].name, NULL)
                                             : g_strconcat("--", table[i].name, NULL);
                char letter[] = {'-', table[i].letter, 0};

                check_has(text, path, word);
                /* bash takes the letters from nowhere else than the long names' values. */
                if (table[i].letter && !fish && !g_str_has_suffix(path, ".bash"))
                        check_has(text, path, letter);
        }
}

/* The words behind "set NAME" and those of a device's option. */
static void test_settings(const void *data)
{
        const char *path = data;
        bool man = g_str_has_suffix(path, ".1");
        g_autofree char *text = man ? read_man() : read_source(path);
        const char *words = strstr(text, g_str_has_suffix(path, ".fish") ? "-a 'Image=" : "-S =");

        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];
                g_autofree char *word = setting->option ? g_strconcat(setting->option, "=", NULL) : NULL;

                if (!man && setting->section == SECTION_UNIKERNEL)
                        check_has(words, path, setting->key);
                if (man && word && setting->section != SECTION_UNIKERNEL && !strstr(text, word)) {
                        g_test_message("%s has no '%s'", path, word);
                        g_test_fail();
                }
        }
}

/* A verb in the man page has an entry of its own: the line after ".TP". */
static bool man_has_entry(const char *man, const char *words)
{
        g_auto(GStrv) lines = g_strsplit(man, "\n", -1);

        for (char **line = lines; line[0] && line[1]; line++) {
                g_auto(GStrv) quoted = NULL;
                g_autofree char *entry = NULL;

                if (!g_str_equal(line[0], ".TP"))
                        continue;
                quoted = g_strsplit(line[1], "\\ ", -1);
                entry = g_strjoinv(" ", quoted);
                if (has_word(entry, words))
                        return true;
        }

        return false;
}

static void test_verbs(const void *data)
{
        const char *path = data;
        bool man = g_str_has_suffix(path, ".1");
        g_autofree char *text = man ? read_man() : read_source(path);

        for (size_t i = 0; i < n_verb_table; i++) {
                const Verb *verb = &verb_table[i];
                g_autofree char *words = NULL;

                if (!verb->name)
                        continue;
                words = verb_words(verb);
                if (man && !man_has_entry(text, words)) {
                        g_test_message("%s has no entry for '%s'", path, words);
                        g_test_fail();
                }
                if (!man) {
                        check_has(text, path, verb->name);
                        if (verb->noun)
                                check_has(text, path, verb->noun);
                }
        }
}

static void test_help(void)
{
        g_autofree char *text = NULL;
        size_t size = 0, n;
        const OptionInfo *table = options_table(&n);
        FILE *f = open_memstream(&text, &size);

        verbs_print_help(f, false);
        fclose(f);
        g_assert_null(strchr(text, '\x1b'));
        for (size_t i = 0; i < n; i++) {
                g_autofree char *word = g_strconcat("--", table[i].name, NULL);

                if (table[i].help)
                        check_has(text, "--help", word);
        }
        for (size_t i = 0; i < n_verb_table; i++) {
                g_autofree char *words = verb_table[i].section ? verb_words(&verb_table[i]) : NULL;

                if (words)
                        check_has(text, "--help", words);
        }
}

int main(int argc, char *argv[])
{
        static const char *const paths[] = {"data/man/shruthictl.1", "data/completions/shruthictl.bash",
                        "data/completions/_shruthictl", "data/completions/shruthictl.fish"};

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                g_autofree char *base = g_path_get_basename(paths[i]);
                g_autofree char *options = g_strconcat("/ctl/documented/options-in-", base, NULL);
                g_autofree char *verbs = g_strconcat("/ctl/documented/verbs-in-", base, NULL);
                g_autofree char *settings = g_strconcat("/ctl/documented/settings-in-", base, NULL);

                g_test_add_data_func(options, paths[i], test_options);
                g_test_add_data_func(verbs, paths[i], test_verbs);
                g_test_add_data_func(settings, paths[i], test_settings);
        }
        g_test_add_func("/ctl/documented/help", test_help);
        return g_test_run();
}
