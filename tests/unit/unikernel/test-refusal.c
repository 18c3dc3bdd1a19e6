/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A refusal is noted until it ends, by itself or with all others, and to end none is no error. */

#include <errno.h>
#include <glib/gstdio.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/refusal.h"

static void test_refusals(void)
{
        g_autofree char *root = g_dir_make_tmp("refusal-XXXXXX", NULL);

        paths_set_root(root);
        g_assert_cmpint(refusal_begin("web"), ==, -ENOENT);
        g_assert_cmpint(g_mkdir_with_parents(paths_refusals(), 0700), ==, 0);
        g_assert_false(refusal_is_noted("web"));
        g_assert_cmpint(refusal_end("web"), ==, 0);

        g_assert_cmpint(refusal_begin("web"), ==, 0);
        g_assert_cmpint(refusal_begin("web"), ==, 0);
        g_assert_cmpint(refusal_begin("db"), ==, 0);
        g_assert_cmpint(refusal_begin("log"), ==, 0);
        g_assert_true(refusal_is_noted("web"));
        g_assert_cmpint(refusal_end("web"), ==, 0);
        g_assert_false(refusal_is_noted("web"));
        g_assert_true(refusal_is_noted("db"));
        refusals_end();
        g_assert_false(refusal_is_noted("db"));
        g_assert_false(refusal_is_noted("log"));
        paths_set_root(NULL);
        fixture_remove_tree(root);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unikernel/refusal/is-noted-until-it-ends", test_refusals);
        return g_test_run();
}
