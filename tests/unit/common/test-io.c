/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files are replaced whole or not at all, and reading has a limit. */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"

typedef struct Fixture {
        char *dir;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->dir = g_dir_make_tmp("shruthi-io-XXXXXX", NULL);
        g_assert_nonnull(f->dir);
}

static void tear_down(Fixture *f, const void *data)
{
        g_autoptr(GDir) dir = g_dir_open(f->dir, 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(f->dir, name, NULL);

                g_assert_cmpint(g_unlink(path), ==, 0);
        }
        g_assert_cmpint(g_rmdir(f->dir), ==, 0);
        g_free(f->dir);
}

static void test_replace_leaves_nothing_behind(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(f->dir, "a", NULL), *text = NULL;
        g_autoptr(GDir) dir = NULL;
        size_t size = 0;
        struct stat st;

        g_assert_cmpint(file_replace(f->dir, "a", "old", 3, 0644), ==, 0);
        g_assert_cmpint(file_replace(f->dir, "a", "newer", 5, 0640), ==, 0);
        g_assert_cmpint(file_read_at(AT_FDCWD, path, 100, &text, &size), ==, 0);
        g_assert_cmpstr(text, ==, "newer");
        g_assert_cmpuint(size, ==, 5);
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0640);

        dir = g_dir_open(f->dir, 0, NULL);
        g_assert_cmpstr(g_dir_read_name(dir), ==, "a");
        g_assert_null(g_dir_read_name(dir));

        g_assert_cmpint(file_remove(f->dir, "a"), ==, 0);
        g_assert_cmpint(file_remove(f->dir, "a"), ==, -ENOENT);
        g_assert_cmpint(file_replace("/nonexistent", "a", "x", 1, 0644), ==, -ENOENT);
}

static void test_create_replaces_nothing(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(f->dir, "a", NULL), *text = NULL;
        g_autoptr(GDir) dir = NULL;
        struct stat st;

        g_assert_cmpint(file_create(f->dir, "a", "old", 3, 0640), ==, 0);
        g_assert_cmpint(file_create(f->dir, "a", "new", 3, 0644), ==, -EEXIST);
        g_assert_cmpint(file_read_at(AT_FDCWD, path, 100, &text, NULL), ==, 0);
        g_assert_cmpstr(text, ==, "old");
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0640);
        g_assert_cmpint(st.st_nlink, ==, 1);

        dir = g_dir_open(f->dir, 0, NULL);
        g_assert_cmpstr(g_dir_read_name(dir), ==, "a");
        g_assert_null(g_dir_read_name(dir));
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* What is in the directory, in order, a space after each. */
static char *names_in(const char *path)
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GString) text = g_string_new(NULL);
        const char *name;

        while ((name = g_dir_read_name(dir)))
                g_ptr_array_add(names, g_strdup(name));
        g_ptr_array_sort(names, compare_names);
        for (guint i = 0; i < names->len; i++)
                g_string_append_printf(text, "%s ", (char *) names->pdata[i]);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Whoever writes next takes away what a power cut has left of the same file, and nothing else. */
static void test_remains_of_a_file_are_removed(Fixture *f, const void *data)
{
        static const char *const files[] = {".a.AbCd12", ".a.AbCd1", ".a.b.AbCd12", ".ab.AbCd12", ".lock", "a",
                        "a.AbCd12"};
        g_autofree char *of_a = NULL, *of_all = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
                g_assert_cmpint(file_create(f->dir, files[i], "x", 1, 0600), ==, 0);

        file_remove_remains(AT_FDCWD, f->dir, "a");
        of_a = names_in(f->dir);
        g_assert_cmpstr(of_a, ==, ".a.AbCd1 .a.b.AbCd12 .ab.AbCd12 .lock a a.AbCd12 ");

        file_remove_remains(AT_FDCWD, f->dir, NULL);
        of_all = names_in(f->dir);
        g_assert_cmpstr(of_all, ==, ".a.AbCd1 .lock a a.AbCd12 ");

        file_remove_remains(AT_FDCWD, "/nonexistent", NULL);
}

static void test_a_directory_is_made_once(Fixture *f, const void *data)
{
        g_autofree char *dir = g_build_filename(f->dir, "dir", NULL), *below = g_build_filename(dir, "a/b", NULL);

        g_assert_cmpint(directory_make(dir, 0700), ==, 0);
        g_assert_cmpint(directory_make(dir, 0700), ==, 0);
        g_assert_cmpint(directory_make(below, 0700), ==, -ENOENT);
        g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void test_reading_has_a_limit(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(f->dir, "a", NULL), *text = NULL;

        g_assert_cmpint(file_replace(f->dir, "a", "12345", 5, 0644), ==, 0);
        g_assert_cmpint(file_read_at(AT_FDCWD, path, 4, &text, NULL), ==, -E2BIG);
        g_assert_null(text);
        g_assert_cmpint(file_read_at(AT_FDCWD, path, 5, &text, NULL), ==, 0);
        g_assert_cmpstr(text, ==, "12345");
}

static void test_only_regular_files_are_read(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(f->dir, "fifo", NULL), *text = NULL;

        g_assert_cmpint(mkfifo(path, 0600), ==, 0);
        g_assert_cmpint(file_read_at(AT_FDCWD, path, 4, &text, NULL), ==, -EBADFD);
        g_assert_cmpint(file_read_at(AT_FDCWD, f->dir, 4, &text, NULL), ==, -EISDIR);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/common/io/replace-leaves-nothing-behind", Fixture, NULL, set_up,
                        test_replace_leaves_nothing_behind, tear_down);
        g_test_add("/common/io/create-replaces-nothing", Fixture, NULL, set_up, test_create_replaces_nothing,
                        tear_down);
        g_test_add("/common/io/remains-of-a-file-are-removed", Fixture, NULL, set_up,
                        test_remains_of_a_file_are_removed, tear_down);
        g_test_add("/common/io/a-directory-is-made-once", Fixture, NULL, set_up, test_a_directory_is_made_once,
                        tear_down);
        g_test_add("/common/io/reading-has-a-limit", Fixture, NULL, set_up, test_reading_has_a_limit,
                        tear_down);
        g_test_add("/common/io/only-regular-files-are-read", Fixture, NULL, set_up,
                        test_only_regular_files_are_read, tear_down);
        return g_test_run();
}
