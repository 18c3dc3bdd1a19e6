/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether another user gets to a directory is told by the modes on the way. */

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain/host/path-access.h"

/* In no group of this process's, and not its user. */
#define OTHER 54321

static void test_modes_on_the_way(void)
{
        g_autofree char *top = g_dir_make_tmp("shruthi-reach-XXXXXX", NULL);
        g_autofree char *middle = g_build_filename(top, "middle", NULL);
        g_autofree char *path = g_build_filename(middle, "images", NULL), *where = NULL;
        g_autofree char *at_group = NULL, *at_top = NULL, *missing = NULL, *missing_path = NULL;
        gid_t none[] = {OTHER}, ours[] = {OTHER, getegid()};
        AccessUser stranger = {.uid = OTHER, .groups = none, .n_groups = 1};
        AccessUser member = {.uid = OTHER, .groups = ours, .n_groups = 2};
        AccessUser root = {.uid = 0, .groups = none, .n_groups = 1};

        g_assert_nonnull(top);
        g_assert_cmpint(chmod(top, 0711), ==, 0);
        g_assert_cmpint(g_mkdir(middle, 0755), ==, 0);
        g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
        g_assert_cmpint(chown(middle, (uid_t) -1, getegid()), ==, 0);
        g_assert_cmpint(access_check_directory(&stranger, path, &where), ==, 0);

        /* Open to the group alone. */
        g_assert_cmpint(chmod(middle, 0710), ==, 0);
        g_assert_cmpint(access_check_directory(&member, path, &where), ==, 0);
        g_assert_null(where);
        g_assert_cmpint(access_check_directory(&stranger, path, &where), ==, -EACCES);
        g_assert_cmpstr(where, ==, middle);

        /* The group's bits decide for a member, even where the others' are wider. */
        g_assert_cmpint(chmod(middle, 0701), ==, 0);
        g_assert_cmpint(access_check_directory(&member, path, &at_group), ==, -EACCES);
        g_assert_cmpstr(at_group, ==, middle);
        g_assert_cmpint(access_check_directory(&stranger, path, &at_top), ==, 0);
        g_assert_cmpint(access_check_directory(&root, path, &at_top), ==, 0);

        g_assert_cmpint(chmod(path, 0700), ==, 0);
        g_assert_cmpint(access_check_directory(&stranger, path, &at_top), ==, -EACCES);
        g_assert_cmpstr(at_top, ==, path);

        missing_path = g_build_filename(middle, "nothing", NULL);
        g_assert_cmpint(access_check_directory(&stranger, missing_path, &missing), ==, -ENOENT);

        g_assert_cmpint(g_rmdir(path), ==, 0);
        g_assert_cmpint(g_rmdir(middle), ==, 0);
        g_assert_cmpint(g_rmdir(top), ==, 0);
}

static void test_users_that_are_not_there(void)
{
        AccessUser user = {};

        g_assert_cmpint(access_user_init("no-such-user-here", "root", &user), ==, -ESRCH);
        g_assert_cmpint(access_user_init("root", "no-such-group-here", &user), ==, -ENOENT);
        g_assert_cmpint(access_user_init("root", "root", &user), ==, 0);
        g_assert_cmpuint(user.uid, ==, 0);
        g_assert_cmpint(user.n_groups, >=, 1);
        access_user_clear(&user);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/reach/modes-on-the-way", test_modes_on_the_way);
        g_test_add_func("/domain/reach/users-that-are-not-there", test_users_that_are_not_there);
        return g_test_run();
}
