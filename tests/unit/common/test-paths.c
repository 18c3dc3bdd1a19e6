/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A user's own unikernels have nothing in common with the system's but what packages install. */

#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/paths.h"
#include "common/users.h"
#include "config.h"

static void use(const char *config, const char *state, const char *runtime)
{
        _cleanup_error_ Error error = ERROR_INIT;
        const char *const variables[] = {"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"},
                          *const values[] = {config, state, runtime};

        for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
                if (values[i])
                        g_setenv(variables[i], values[i], true);
                else
                        g_unsetenv(variables[i]);
        g_assert_cmpint(paths_use_user(&error), ==, 0);
        g_assert_true(paths_are_of_user());
}

static void test_system(void)
{
        paths_set_root(NULL);
        g_assert_false(paths_are_of_user());
        g_assert_cmpstr(paths_state_dir(), ==, SHRUTHI_STATEDIR);
        g_assert_cmpstr(paths_units(), ==, SYSTEM_UNIT_DIR);
        g_assert_true(g_strv_contains(paths_unit_directories(), "/etc/systemd/system"));
}

static void test_usual(void)
{
        use(NULL, NULL, "/run/user/1000");
        g_assert_cmpstr(paths_config_dir(), ==, "/home/me/.config/shruthi");
        g_assert_cmpstr(paths_config_definitions(), ==, "/home/me/.config/shruthi/unikernels");
        g_assert_cmpstr(paths_state_dir(), ==, "/home/me/.local/state/shruthi");
        g_assert_cmpstr(paths_volumes(), ==, "/home/me/.local/state/shruthi/volumes");
        g_assert_cmpstr(paths_consoles(), ==, "/run/user/1000/shruthi/unikernels");
        g_assert_cmpstr(paths_generated_units(), ==, "/run/user/1000/systemd/generator");
        g_assert_cmpstr(paths_vendor_dir(), ==, SHRUTHI_VENDORDIR);
        g_assert_cmpstr(paths_libexec_dir(), ==, SHRUTHI_LIBEXECDIR);
        g_assert_cmpstr(paths_units(), ==, USER_UNIT_DIR);
        g_assert_cmpstr(paths_unit_directories()[0], ==, "/home/me/.config/systemd/user.control");
        g_assert_true(g_strv_contains(paths_link_directories(), "/home/me/.config/systemd/user"));
        g_assert_true(g_strv_contains(paths_link_directories(), "/etc/systemd/user"));
        /* Of root's the name begins like that of the state. */
        g_assert_cmpstr(paths_credentials(), ==, "/home/me/.local/state/shruthi/keys");
        paths_set_root(NULL);
        g_assert_false(paths_are_of_user());
}

static void test_elsewhere(void)
{
        use("/c", "/s", "/r");
        g_assert_cmpstr(paths_config_dir(), ==, "/c/shruthi");
        g_assert_cmpstr(paths_images(), ==, "/s/shruthi/images");
        g_assert_cmpstr(paths_runtime_dir(), ==, "/r/shruthi");
        /* Relative ones do not count (XDG Base Directory Specification). */
        use("c", "", "/r");
        g_assert_cmpstr(paths_config_dir(), ==, "/home/me/.config/shruthi");
        g_assert_cmpstr(paths_images(), ==, "/home/me/.local/state/shruthi/images");
        paths_set_root(NULL);
}

static void test_no_session(void)
{
        _cleanup_error_ Error error = ERROR_INIT;

        g_unsetenv("XDG_RUNTIME_DIR");
        g_assert_cmpint(paths_use_user(&error), <, 0);
        g_assert_nonnull(strstr(error.message, "XDG_RUNTIME_DIR"));
        g_assert_nonnull(strstr(error.message, "loginctl enable-linger"));
        g_assert_false(paths_are_of_user());
}

static void test_folders(void)
{
        g_autofree char *root = g_dir_make_tmp("shruthi-paths-XXXXXX", NULL),
                        *runtime = g_build_filename(root, "run", NULL),
                        *state = g_build_filename(root, "deep/state", NULL),
                        *config = g_build_filename(root, "config", NULL), *command = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        struct stat st;

        use(config, state, runtime);
        for (int i = 0; i < 2; i++)
                g_assert_cmpint(paths_make_user_folders(&error), ==, 0);
        g_assert_cmpint(stat(paths_volumes(), &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0700);
        g_assert_cmpint(stat(paths_liveness(), &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0700);
        paths_set_root(NULL);

        command = g_strdup_printf("rm -rf '%s'", root);
        g_assert_cmpint(system(command), ==, 0);
}

/* A folder that was there is closed; a link is left as it is. */
static void test_folders_closed(void)
{
        g_autofree char *root = g_dir_make_tmp("shruthi-paths-XXXXXX", NULL),
                        *runtime = g_build_filename(root, "run", NULL), *state = g_build_filename(root, "state", NULL),
                        *config = g_build_filename(root, "config", NULL), *elsewhere = g_build_filename(root, "dots", NULL),
                        *command = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        struct stat st;

        use(config, state, runtime);
        g_assert_cmpint(g_mkdir_with_parents(paths_state_definitions(), 0755), ==, 0);
        g_assert_cmpint(chmod(paths_state_definitions(), 0755), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(config, 0755), ==, 0);
        g_assert_cmpint(mkdir(elsewhere, 0755), ==, 0);
        g_assert_cmpint(symlink(elsewhere, paths_config_dir()), ==, 0);
        g_assert_cmpint(paths_make_user_folders(&error), ==, 0);

        g_assert_cmpint(stat(paths_state_definitions(), &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0700);
        g_assert_cmpint(stat(elsewhere, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0755);
        paths_set_root(NULL);

        command = g_strdup_printf("rm -rf '%s'", root);
        g_assert_cmpint(system(command), ==, 0);
}

static void test_commands(void)
{
        static const struct {
                const char *text, *here;
        } cases[] = {
                        {"no command", "no command"},
                        {"shruthictl start a", "shruthictl --user start a"},
                        {"'systemctl status x'; journalctl -u x",
                                        "'systemctl --user status x'; journalctl --user -u x"},
                        {"systemctl --user start x", "systemctl --user start x"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *system = paths_command(cases[i].text), *user = NULL;

                g_assert_cmpstr(system, ==, cases[i].text);
                use(NULL, NULL, "/run/user/1000");
                user = paths_command(cases[i].text);
                g_assert_cmpstr(user, ==, cases[i].here);
                paths_set_root(NULL);
        }
}

/* The user is the administrator of these, as root is of the system's. */
static void test_users(void)
{
        g_autofree char *number = g_strdup_printf("%u", (unsigned) getuid()), *outside = user_name(getuid()),
                        *inside = NULL;
        uid_t uid;

        use(NULL, NULL, "/run/user/1000");
        g_assert_cmpint(user_parse("Owner", number, &uid, NULL), ==, 0);
        g_assert_cmpuint(uid, ==, 0);
        inside = user_name(0);
        g_assert_cmpstr(inside, ==, outside);
        g_assert_cmpuint(user_number_outside(0), ==, getuid());
        g_assert_cmpint(user_parse("Owner", "12345", &uid, NULL), ==, 0);
        g_assert_cmpuint(uid, ==, 12345);
        paths_set_root(NULL);
        g_assert_cmpuint(user_number_outside(0), ==, 0);
}

static void test_configuration(void)
{
        g_autoptr(Conf) conf = NULL;

        use(NULL, NULL, "/run/user/1000");
        conf = conf_new_default();
        g_assert_cmpstr(conf->libvirt_uri, ==, CONF_NO_LIBVIRT);
        g_assert_cmpint(conf->allow_processes, ==, ALLOW_PROCESSES_USERS);
        paths_set_root(NULL);
}

int main(int argc, char *argv[])
{
        g_setenv("HOME", "/home/me", true);
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/common/paths/of-the-system", test_system);
        g_test_add_func("/common/paths/of-a-user", test_usual);
        g_test_add_func("/common/paths/of-a-user-who-has-them-elsewhere", test_elsewhere);
        g_test_add_func("/common/paths/without-a-session", test_no_session);
        g_test_add_func("/common/paths/folders-of-a-user", test_folders);
        g_test_add_func("/common/paths/folders-of-a-user-are-closed-to-others", test_folders_closed);
        g_test_add_func("/common/paths/commands-are-for-the-same", test_commands);
        g_test_add_func("/common/paths/a-user-is-the-administrator", test_users);
        g_test_add_func("/common/paths/a-user-has-no-libvirt", test_configuration);
        return g_test_run();
}
