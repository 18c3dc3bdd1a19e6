/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ctl/bus/namespaces.h"

#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"

#define SYSCTLS   "/proc/sys"
#define VALUE_MAX 64 /* bytes */

char *namespaces_find_setting(const char *sysctls)
{
        static const struct {
                const char *file, *refused, *command;
        } settings[] = {
                        {"user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"},
                        {"kernel/unprivileged_userns_clone", "0",
                                        "sysctl kernel.unprivileged_userns_clone=1"},
                        {"kernel/apparmor_restrict_unprivileged_userns", "1",
                                        "sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
                g_autofree char *path = g_build_filename(sysctls, settings[i].file, NULL), *value = NULL;

                if (file_read_at(AT_FDCWD, path, VALUE_MAX, &value, NULL) >= 0 &&
                                g_str_equal(g_strchomp(value), settings[i].refused))
                        return g_strdup(settings[i].command);
        }

        return NULL;
}

/* Where AppArmor restricts them, they are given without the rights to use them. */
static bool namespaces_work(void)
{
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(unshare(CLONE_NEWUSER) >= 0 && unshare(CLONE_NEWNS) >= 0 ? EXIT_SUCCESS
                                                                               : EXIT_FAILURE);
        return pid < 0 || waitpid(pid, &status, 0) != pid ||
               (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

char *namespaces_find_refusal(void)
{
        g_autofree char *command = NULL;

        if (namespaces_work())
                return NULL;

        command = namespaces_find_setting(SYSCTLS);
        return g_strdup_printf("this host does not give users namespaces of their own, which the sandbox of "
                               "a user's own "
                               "services needs: an administrator can allow them%s%s%s; or create unikernels "
                               "among the "
                               "system's (without --user)",
                        command ? " ('" : "", command ?: "", command ? "')" : "");
}
