/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is noted is read again, whatever the reason says; what is over leaves no file. */

#include <glib/gstdio.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/cut-off.h"

static void test_there_and_back(void)
{
        g_autoptr(GPtrArray) all = cut_off_new(), again = NULL;
        g_autofree char *text = NULL;

        cut_off_add(all, "vnet0", "service", "There is no bridge 'br7'");
        cut_off_add(all, "shruaaaaaaaaaaa", "a device", "a\tb\nvnet1\tforged\tx");
        text = cut_off_format(all);
        again = cut_off_parse(text);
        g_assert_cmpuint(again->len, ==, 2);
        g_assert_cmpstr(cut_off_find(again, "service")->reason, ==, "There is no bridge 'br7'");
        g_assert_cmpstr(cut_off_find(again, "a device")->interface, ==, "shruaaaaaaaaaaa");
        g_assert_null(cut_off_find(again, "forged"));
}

static void test_nonsense(void)
{
        g_autoptr(GPtrArray) all = cut_off_parse("vnet0\n\t\t\nvnet0\tservice\n\tservice\tx\nvnet0\t\tx\n");

        g_assert_cmpuint(all->len, ==, 0);
}

static void test_file(void)
{
        g_autofree char *root = g_dir_make_tmp("cut-off-XXXXXX", NULL);
        g_autoptr(GPtrArray) all = cut_off_new(), none = cut_off_new(), again = NULL, gone = NULL;
        g_auto(GStrv) names = NULL, nobody = NULL;

        paths_set_root(root);
        g_assert_cmpint(g_mkdir_with_parents(paths_cut_off(), 0700), ==, 0);
        g_assert_cmpint(cut_off_write("web", none), ==, 0);
        g_assert_false(cut_off_is_noted("web"));

        cut_off_add(all, "vnet0", "service", "why");
        g_assert_cmpint(cut_off_write("web", all), ==, 0);
        g_assert_true(cut_off_is_noted("web"));
        again = cut_off_read("web");
        g_assert_cmpuint(again->len, ==, 1);
        names = cut_off_list();
        g_assert_cmpuint(g_strv_length(names), ==, 1);
        g_assert_cmpstr(names[0], ==, "web");

        g_assert_cmpint(cut_off_write("web", none), ==, 0);
        gone = cut_off_read("web");
        g_assert_cmpuint(gone->len, ==, 0);
        nobody = cut_off_list();
        g_assert_cmpuint(g_strv_length(nobody), ==, 0);
        paths_set_root(NULL);
        fixture_remove_tree(root);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unikernel/cut-off/there-and-back", test_there_and_back);
        g_test_add_func("/unikernel/cut-off/nonsense-is-left-out", test_nonsense);
        g_test_add_func("/unikernel/cut-off/file-while-there-is-something", test_file);
        return g_test_run();
}
