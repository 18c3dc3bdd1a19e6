/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether QEMU's user can enter a directory. Called by check.c. */

#include "domain/host/path-access.h"

#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

int access_user_init(const char *user, const char *group, AccessUser *ret)
{
        struct passwd *pw = getpwnam(user);
        struct group *gr = getgrnam(group);
        int n = 0;
        gid_t *groups;

        if (!pw)
                return -ESRCH;
        if (!gr)
                return -ENOENT;

        (void) getgrouplist(user, pw->pw_gid, NULL, &n);
        groups = g_new(gid_t, n + 1);
        if (getgrouplist(user, pw->pw_gid, groups, &n) < 0) {
                g_free(groups);
                return -EAGAIN;
        }

        groups[n] = gr->gr_gid;
        *ret = (AccessUser){.uid = pw->pw_uid, .groups = groups, .n_groups = n + 1};
        return 0;
}

void access_user_clear(AccessUser *user)
{
        g_free(user->groups);
        *user = (AccessUser){};
}

/* The ID that the kernel shows for a group that our user namespace does not map (PrivateUsers= in our
 * units): the default of /proc/sys/kernel/overflowgid, which those units cannot read. */
#define ID_UNKNOWN 65534

/* The first class that matches decides, as in the kernel. An unknown group is assumed to allow access. */
static bool access_user_may_enter(const AccessUser *user, const struct stat *st)
{
        if (user->uid == 0)
                return true;
        if (st->st_uid == user->uid)
                return st->st_mode & S_IXUSR;
        if (st->st_gid == ID_UNKNOWN)
                return st->st_mode & (S_IXGRP | S_IXOTH);
        for (int i = 0; i < user->n_groups; i++)
                if (st->st_gid == user->groups[i])
                        return st->st_mode & S_IXGRP;

        return st->st_mode & S_IXOTH;
}

int access_check_directory(const AccessUser *user, const char *path, char **ret_where)
{
        size_t length = strlen(path);

        for (size_t end = 1; end <= length; end++) {
                g_autofree char *prefix = NULL;
                struct stat st;

                if (end != 1 && end != length && path[end] != '/')
                        continue;

                prefix = g_strndup(path, end);
                if (stat(prefix, &st) < 0)
                        return -errno;
                if (!access_user_may_enter(user, &st)) {
                        *ret_where = g_steal_pointer(&prefix);
                        return -EACCES;
                }
        }

        return 0;
}
