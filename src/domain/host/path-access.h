/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"

/* Whether another user (QEMU's) can reach a file, by the modes of the path's components. Access control
 * lists are ignored, so a "no" may be wrong where they are set. */

typedef struct AccessUser {
        uid_t uid;
        gid_t *groups;
        int n_groups;
} AccessUser;

/* Looks up a user with their groups, and adds another group. -ESRCH if there is no such user, -ENOENT if no
 * such group. */
int access_user_init(const char *user, const char *group, AccessUser *ret);
void access_user_clear(AccessUser *user);
#define _cleanup_access_user_ __attribute__((cleanup(access_user_clear)))

/* Returns 0 if the user can enter path and everything above it; -EACCES with the first directory that they
 * cannot enter in *ret_where (free with g_free()). Other errors mean that it cannot be checked. */
int access_check_directory(const AccessUser *user, const char *path, char **ret_where);
