/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who cannot start shruthid for want of namespaces is told the setting that rules them out. */

#include <glib.h>
#include <glib/gstdio.h>

#include "ctl/bus/namespaces.h"

static char *find_with(const char *file, const char *value)
{
        g_autofree char *dir = g_dir_make_tmp("shruthi-sysctls-XXXXXX", NULL),
                        *path = g_build_filename(dir, file, NULL), *above = g_path_get_dirname(path);
        char *found;

        g_assert_cmpint(g_mkdir_with_parents(above, 0700), ==, 0);
        g_assert_true(g_file_set_contents(path, value, -1, NULL));
        found = namespaces_find_setting(dir);
        (void) g_unlink(path);
        (void) g_rmdir(above);
        (void) g_rmdir(dir);
        return found;
}

static void test_settings(void)
{
        static const struct {
                const char *file, *value, *command;
        } cases[] = {
                        {"user/max_user_namespaces", "0\n", "sysctl user.max_user_namespaces=10000"},
                        {"user/max_user_namespaces", "62931\n", NULL},
                        {"kernel/unprivileged_userns_clone", "0\n",
                                        "sysctl kernel.unprivileged_userns_clone=1"},
                        {"kernel/unprivileged_userns_clone", "1\n", NULL},
                        {"kernel/apparmor_restrict_unprivileged_userns", "1\n",
                                        "sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
                        {"kernel/apparmor_restrict_unprivileged_userns", "0\n", NULL},
                        {"kernel/other", "0\n", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *found = find_with(cases[i].file, cases[i].value);

                g_assert_cmpstr(found, ==, cases[i].command);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ctl/namespaces/the-setting-that-rules-them-out", test_settings);
        return g_test_run();
}
