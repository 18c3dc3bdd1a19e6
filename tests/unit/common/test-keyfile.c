/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A key file is read as it is meant or refused with its line; nothing is merged or dropped in silence. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/keyfile.h"
#include "fixture/files.h"

static void assert_entry(const KeyFile *key_file, const char *type, const char *name, const char *key,
                const char *value, const char *path, unsigned line)
{
        const KeyFileSection *section = key_file_find_section(key_file, type, name);
        const KeyFileEntry *entry;

        g_assert_nonnull(section);
        entry = key_file_find_entry(section, key);
        g_assert_nonnull(entry);
        g_assert_cmpstr(entry->value, ==, value);
        g_assert_cmpstr(entry->path, ==, path);
        g_assert_cmpuint(entry->line, ==, line);
}

static void add(KeyFile *key_file, const char *path, const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = key_file_add(key_file, path, text, strlen(text), &error);

        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpint(r, ==, 0);
}

static void test_sections_and_lines(void)
{
        g_autoptr(KeyFile) key_file = key_file_new();

        add(key_file, "a",
                        "# comment\n"
                        "; another\n"
                        "\n"
                        "  [Unikernel]  \n"
                        " Image = x = y \n"
                        "Quoted=\" a\\ \"b'\n"
                        "Empty=\n"
                        "\t[Network   two words ]\n"
                        "Image=third\n"
                        "Tab=a\tb");
        assert_entry(key_file, "Unikernel", NULL, "Image", "x = y", "a", 5);
        assert_entry(key_file, "Unikernel", NULL, "Quoted", "\" a\\ \"b'", "a", 6);
        assert_entry(key_file, "Unikernel", NULL, "Empty", "", "a", 7);
        assert_entry(key_file, "Network", "two words", "Image", "third", "a", 9);
        assert_entry(key_file, "Network", "two words", "Tab", "a\tb", "a", 10);
        g_assert_null(key_file_find_section(key_file, "Network", NULL));
        g_assert_null(key_file_find_section(key_file, "Unikernel", "x"));
        g_assert_null(key_file_find_entry(key_file->sections->pdata[0], "image"));
        g_assert_cmpuint(((KeyFileSection *)key_file->sections->pdata[1])->line, ==, 8);
}

/* As systemd.syntax(7) has it: the backslash becomes a space, comments in between are left out; two
 * backslashes are none. */
static void test_joined_lines(void)
{
        g_autoptr(KeyFile) key_file = key_file_new();

        add(key_file, "a",
                        "[S]\n"
                        "A=one\\\n"
                        "# not this\n"
                        "\n"
                        "B=two\\\n"
                        "; nor this \\\n"
                        "   [three]\\\n"
                        "four\n"
                        "C=five\\\\\n"
                        "D=six\n");
        assert_entry(key_file, "S", NULL, "A", "one", "a", 2);
        assert_entry(key_file, "S", NULL, "B", "two    [three] four", "a", 5);
        assert_entry(key_file, "S", NULL, "C", "five\\\\", "a", 9);
        assert_entry(key_file, "S", NULL, "D", "six", "a", 10);
}

static void test_drop_ins_override(void)
{
        g_autoptr(KeyFile) key_file = key_file_new();

        add(key_file, "a", "[S]\nA=1\nB=2\n[T x]\nC=3\n");
        add(key_file, "b", "[T x]\nC=4\nD=5\n[S]\nA=\n[U]\n");
        add(key_file, "c", "[S]\nB=6\n");
        assert_entry(key_file, "S", NULL, "A", "", "b", 5);
        assert_entry(key_file, "S", NULL, "B", "6", "c", 2);
        assert_entry(key_file, "T", "x", "C", "4", "b", 2);
        assert_entry(key_file, "T", "x", "D", "5", "b", 3);
        g_assert_cmpuint(key_file->sections->len, ==, 3);
        g_assert_cmpstr(((KeyFileSection *)key_file->sections->pdata[0])->path, ==, "a");
        g_assert_cmpstr(((KeyFileSection *)key_file->sections->pdata[2])->path, ==, "b");
}

#define TEXT(text) text, sizeof(text) - 1

static void test_refusals(void)
{
        static const struct {
                const char *text;
                size_t size;
                const char *message;
        } cases[] = {
                {TEXT("A=1\n"), "f:1: 'A=1' is before the first [SECTION]"},
                {TEXT("[S]\nnonsense\n"), "f:2: 'nonsense' is neither KEY=VALUE nor a [SECTION]; a comment "
                                          "begins with '#'"},
                {TEXT("[S]\n=1\n"), "f:2: '=1' is neither KEY=VALUE nor a [SECTION]; a comment begins with "
                                    "'#'"},
                {TEXT("[S]\nA B=1\n"), "f:2: 'A B=1' is neither KEY=VALUE nor a [SECTION]; a comment begins "
                                       "with '#'"},
                {TEXT("[S\n"), "f:1: '[S' is not a section header: write [TYPE] or [TYPE NAME], alone on "
                               "its line"},
                {TEXT("[]\n"), "f:1: '[]' is not a section header: write [TYPE] or [TYPE NAME], alone on "
                               "its line"},
                {TEXT("[ ]\n"), "f:1: '[ ]' is not a section header: write [TYPE] or [TYPE NAME], alone on "
                                "its line"},
                {TEXT("[S a]b]\n"), "f:1: '[S a]b]' is not a section header: write [TYPE] or [TYPE NAME], "
                                    "alone on its line"},
                {TEXT("[S] # c\n"), "f:1: '[S] # c' is not a section header: write [TYPE] or [TYPE NAME], "
                                    "alone on its line"},
                {TEXT("[S]\n[T]\n[S]\n"),
                                "f:3: section [S] is given twice; join the two"},
                {TEXT("[S x]\n[S  x ]\n"),
                                "f:2: section [S  x ] is given twice; join the two"},
                {TEXT("[S]\nA=1\nB=2\nA=1\n"),
                                "f:4: key 'A' is given twice, first in line 2; remove one"},
                {TEXT("[S]\r\n"), "f:1: a carriage return: save the file with Unix line ends"},
                {TEXT("[S]\nA=\x1b[2J\n"), "f:2: control character 0x1b: remove it"},
                {TEXT("[S]\nA=\0\n"), "f:2: control character 0x00: remove it"},
                {TEXT("[S]\nA=\x7f\n"), "f:2: control character 0x7f: remove it"},
                {TEXT("[S]\nA=\xc2\x85\n"), "f:2: control character 0x85: remove it"},
                {TEXT("[S]\nA=\xff\n"), "f:2: byte 0xff is not UTF-8"},
                {TEXT("[S]\n# \xc3"), "f:2: byte 0xc3 is not UTF-8"},
                {TEXT("[S]\nA=1\\ \nB=2\n"), "f:2: 'A=1\\ ' ends with a '\\' and white space: remove one of "
                                             "the two"},
                {TEXT("[S]\n\\\nA=1\n"), "f:2: '\\' is neither KEY=VALUE nor a [SECTION]; a comment begins "
                                         "with '#'"},
                {TEXT("[S]\nA=1\\"), "f:2: the last line ends with '\\', but there is no next line"},
                {TEXT("[S]\nA=1\\\n# comment\n"), "f:3: the last line ends with '\\', but there is no next "
                                                  "line"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(KeyFile) key_file = key_file_new();
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(key_file_add(key_file, "f", cases[i].text, cases[i].size, &error), ==,
                                -EBADMSG);
                g_assert_cmpstr(error.message, ==, cases[i].message);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
        }
}

static void assert_refused(const GString *text, const char *message)
{
        g_autoptr(KeyFile) key_file = key_file_new();
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(key_file_add(key_file, "f", text->str, text->len, &error), ==, -EBADMSG);
        g_assert_cmpstr(error.message, ==, message);
}

static void test_limits(void)
{
        g_autoptr(GString) line = g_string_new("[S]\nA="), joined = g_string_new("[S]\nA=");
        g_autoptr(GString) keys = g_string_new("[S]\n"), sections = g_string_new(NULL),
                           file = g_string_new(NULL);
        g_autoptr(KeyFile) key_file = key_file_new();

        for (int i = 0; i < KEY_FILE_LINE_MAX - 2; i++)
                g_string_append_c(line, 'x');
        g_assert_cmpint(key_file_add(key_file, "f", line->str, line->len, NULL), ==, 0);
        g_string_append_c(line, 'x');
        assert_refused(line, "f:2: the line is longer than 65536 bytes");

        for (int i = 0; i < KEY_FILE_LINE_MAX / 2; i++)
                g_string_append(joined, "x\\\n");
        assert_refused(joined, "f:2: the line is longer than 65536 bytes");

        for (int i = 0; i <= KEY_FILE_ENTRIES_MAX; i++)
                g_string_append_printf(keys, "A%d=1\n", i);
        assert_refused(keys, "f:258: more than 256 keys in a section");

        for (int i = 0; i <= KEY_FILE_SECTIONS_MAX; i++)
                g_string_append_printf(sections, "[S %d]\n", i);
        assert_refused(sections, "f:257: more than 256 sections");

        for (int i = 0; i <= KEY_FILE_SIZE_MAX; i++)
                g_string_append_c(file, '\n');
        assert_refused(file, "f: the file is larger than 1048576 bytes");
}

static void test_suggestions(void)
{
        static const char *const words[] = {"Memory", "Image", "CPUs", NULL};

        g_assert_cmpstr(word_nearest(words, "Memroy"), ==, "Memory");
        g_assert_cmpstr(word_nearest(words, "memory"), ==, "Memory");
        g_assert_cmpstr(word_nearest(words, "image"), ==, "Image");
        g_assert_cmpstr(word_nearest(words, "CPU"), ==, "CPUs");
        g_assert_null(word_nearest(words, "Address"));
        g_assert_null(word_nearest(words, ""));
}

typedef struct Fixture {
        char *root;
        char *dirs[4];
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-keyfile-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        for (int i = 0; i < 2; i++) {
                f->dirs[i] = g_strdup_printf("%s/%d", f->root, i);
                g_assert_cmpint(g_mkdir(f->dirs[i], 0700), ==, 0);
        }
        f->dirs[2] = g_strdup_printf("%s/missing", f->root);
}

static void tear_down(Fixture *f, const void *data)
{
        fixture_remove_tree(f->root);
        for (int i = 0; i < 3; i++)
                g_free(f->dirs[i]);
        g_free(f->root);
}

static void test_files(Fixture *f, const void *data)
{
        g_autofree char *file = g_build_filename(f->root, "file", NULL),
                        *fifo = g_build_filename(f->root, "fifo", NULL);
        g_autofree char *message = NULL;
        g_autoptr(KeyFile) key_file = key_file_new();
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(key_file_add_path(key_file, file, &error), ==, -ENOENT);
        g_assert_null(error.message);

        g_assert_cmpint(file_replace(f->root, "file", "[S]\nA=1\n", 8, 0600), ==, 0);
        g_assert_cmpint(key_file_add_path(key_file, file, &error), ==, 0);
        assert_entry(key_file, "S", NULL, "A", "1", file, 2);

        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
        g_assert_cmpint(key_file_add_path(key_file, fifo, &error), ==, -EBADMSG);
        message = g_strdup_printf("%s: not a regular file", fifo);
        g_assert_cmpstr(error.message, ==, message);
        g_assert_cmpint(key_file_add_path(key_file, f->root, &error), ==, -EBADMSG);
        g_assert_cmpint(key_file_add_path(key_file, "/dev/zero", &error), ==, -EBADMSG);

        g_assert_cmpint(truncate(file, KEY_FILE_SIZE_MAX + 1), ==, 0);
        g_assert_cmpint(key_file_add_path(key_file, file, &error), ==, -EBADMSG);
        g_assert_nonnull(strstr(error.message, "larger than"));
}

/* The first directory wins by base name, and a link to /dev/null there hides the others. */
static void test_dropins(Fixture *f, const void *data)
{
        static const char *const files[][4] = {
                {"30-c.conf", "10-a.conf", ".hidden.conf", "other.txt"},
                {"20-b.conf", "10-a.conf", "40-masked.conf", "other"},
        };
        g_autofree char *mask = g_build_filename(f->dirs[0], "40-masked.conf", NULL);
        g_autofree char *a = g_build_filename(f->dirs[0], "10-a.conf", NULL);
        g_autofree char *b = g_build_filename(f->dirs[1], "20-b.conf", NULL);
        g_autofree char *c = g_build_filename(f->dirs[0], "30-c.conf", NULL);
        g_auto(GStrv) dropins = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
                for (size_t j = 0; j < G_N_ELEMENTS(files[i]); j++)
                        g_assert_cmpint(file_replace(f->dirs[i], files[i][j], "", 0, 0600), ==, 0);
        g_assert_cmpint(symlink("/dev/null", mask), ==, 0);
        g_assert_true(file_is_masked(mask));
        g_assert_false(file_is_masked(a));

        dropins = key_file_list_dropins((const char *const *)f->dirs);
        g_assert_cmpuint(g_strv_length(dropins), ==, 3);
        g_assert_cmpstr(dropins[0], ==, a);
        g_assert_cmpstr(dropins[1], ==, b);
        g_assert_cmpstr(dropins[2], ==, c);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/common/keyfile/sections-and-lines", test_sections_and_lines);
        g_test_add_func("/common/keyfile/joined-lines", test_joined_lines);
        g_test_add_func("/common/keyfile/drop-ins-override", test_drop_ins_override);
        g_test_add_func("/common/keyfile/refusals", test_refusals);
        g_test_add_func("/common/keyfile/limits", test_limits);
        g_test_add_func("/common/keyfile/suggestions", test_suggestions);
        g_test_add("/common/keyfile/files", Fixture, NULL, set_up, test_files, tear_down);
        g_test_add("/common/keyfile/dropins", Fixture, NULL, set_up, test_dropins, tear_down);
        return g_test_run();
}
